"""Measuring two contenders side by side: rounds interleaved, the best of each, their ratio."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Result", "best", "table", "timed", "turns"]


@dataclass(frozen=True)
class Result:
    """What a case measured: seconds of one operation of ours and of the other side.

    ``bar`` is the ratio allowed (None: shown for information); ``operations`` how many each round
    did; ``detail`` what one operation consists of.
    """

    name: str
    ours: float
    theirs: float
    bar: float | None
    operations: int
    detail: str

    @property
    def ratio(self) -> float:
        """Ours over theirs."""
        return self.ours / self.theirs

    @property
    def verdict(self) -> str:
        """``pass``, ``MISS``, or nothing where there is no bar."""
        if self.bar is None:
            return ""
        return "pass" if self.ratio <= self.bar else "MISS"


def timed(work: Callable[[], object]) -> float:
    """Return the seconds ``work`` takes, on a heap without garbage and old objects set aside."""
    gc.collect()
    gc.freeze()
    try:
        start = perf_counter()
        work()
        return perf_counter() - start
    finally:
        gc.unfreeze()


def turns(rounds: int, *contenders: Callable[[], float]) -> list[tuple[float, ...]]:
    """Return the seconds of each contender, round by round, in which each has a turn."""
    return [tuple([contender() for contender in contenders]) for _ in range(rounds)]


def best(rounds: int, *contenders: Callable[[], float]) -> tuple[float, ...]:
    """Return the least seconds of each contender over ``rounds`` in which each has a turn."""
    return tuple(min(column) for column in zip(*turns(rounds, *contenders), strict=True))


def _duration(seconds: float) -> str:
    for unit, size in (("s ", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:8.2f} {unit}"
    return f"{seconds / 1e-9:8.2f} ns"


def table(results: Iterable[Result]) -> str:
    """Return ``results`` as text, one row each with what it consists of below it."""
    lines = [f"{'case':<42}{'ours':>12}{'theirs':>13}{'ratio':>9}{'bar':>9}"]
    for one in results:
        bar = "" if one.bar is None else f"<= {one.bar:g}"
        lines.append(
            f"{one.name:<42}{_duration(one.ours):>12}{_duration(one.theirs):>13}"
            f"{one.ratio:>9.3g}{bar:>9}  {one.verdict}".rstrip()
        )
        lines.append(f"    {one.detail}; {one.operations:,} a round")
    return "\n".join(lines)
