"""Making a story shorter while it still ends the same way, and telling it."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from orderwright.testing.simulation.steps import Begin, Go
from orderwright.testing.simulation.writing import written

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orderwright.testing.simulation.steps import Step

__all__ = ["shrunk", "story"]

_TRIES = 600


def shrunk(steps: Sequence[Step], fails: Callable[[list[Step]], bool]) -> list[Step]:
    """Return as few of ``steps`` as still make ``fails`` true, with as few faults.

    Whole workers are left out first, then ever shorter runs of steps, then faults; it gives up
    after some hundred tries with the shortest so far. ``steps`` come back if they do not fail.
    """
    best = _Best(list(steps), fails)
    if not fails(best.steps):
        return best.steps
    for name in [one.worker for one in best.steps if isinstance(one, Begin)]:
        best.try_(
            [one for one in best.steps if not isinstance(one, Begin | Go) or one.worker != name]
        )
    size = len(best.steps) // 2
    while size and best.left:
        before = len(best.steps)
        start = 0
        while start < len(best.steps):
            if not best.try_(best.steps[:start] + best.steps[start + size :]):
                start += size
        if len(best.steps) == before or size > 1:
            size //= 2
    for index, step in enumerate(best.steps):
        if isinstance(step, Go) and step.fault:
            best.try_([*best.steps[:index], Go(step.worker), *best.steps[index + 1 :]])
    return best.steps


@final
class _Best:
    """The shortest ``steps`` that fail, and how often others may still be tried."""

    __slots__ = ("_fails", "left", "steps")

    def __init__(self, steps: list[Step], fails: Callable[[list[Step]], bool]) -> None:
        self.steps: list[Step] = steps
        self._fails = fails
        self.left: int = _TRIES

    def try_(self, some: list[Step]) -> bool:
        """Take these instead if they fail, too."""
        if not self.left or some == self.steps:
            return False
        self.left -= 1
        if self._fails(some):
            self.steps = some
            return True
        return False


def story(steps: Sequence[Step], used: set[object] | None = None) -> str:
    """Return the steps as they are written in a program, adding to what is ``used`` there."""
    return "\n".join(["[", *(f"    {written(step, used)}," for step in steps), "]"])
