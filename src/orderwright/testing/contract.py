"""What all contracts share: how stores are opened, raced and checked, and how a test fails.

A contract is a class with one test for each clause of a port. Whoever adds one for a port of
another kind writes a class of clauses on :class:`Contract`, with a method ``opened`` that returns a
context manager of what opens sync adapters on one fresh store, and two small classes on it: the
sync contract, whose ``opened`` is the author's ``make``, and the async one, whose ``opened`` enters
``make`` by :meth:`Contract.on_loop`. Each test is a method decorated with
:func:`~orderwright.testing.clauses.clause`, whose docstring begins with the name of its clause.
"""

from __future__ import annotations

from collections.abc import Awaitable
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING, ClassVar, TypeVar, cast
from unittest import SkipTest

from hypothesis import HealthCheck, Phase, settings

from orderwright.testing.clauses import ClauseBroken
from orderwright.testing.opening import Awaited, awaited, raced

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from contextlib import AbstractAsyncContextManager

    from orderwright.testing.opening import Loop

__all__ = ["Contract", "ContractBroken", "check", "opened_on", "outcomes"]

T = TypeVar("T")


class Contract:
    """Base of all contracts: what an author may set, and what tests are made of."""

    concurrent: ClassVar[bool] = True
    """Whether several adapters may be at work at once. False where all live in one transaction of
    the host's; what is said of races is then tested one after the other."""
    patience: ClassVar[float] = 30.0
    """How many seconds a call may take, or something that is on its way may be waited for."""
    machine_settings: ClassVar[settings] = settings(
        max_examples=25,
        stateful_step_count=30,
        deadline=None,
        # Not to explain, which traces every line: a store is slow enough without that.
        phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
        report_multiple_bugs=False,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    """How long the state machine looks: raise ``max_examples`` where a store is quick."""

    def race(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """Make all calls at once, where the store can, and return what they return."""
        if not self.concurrent:
            return [call() for call in calls]
        return raced(calls, self.patience)

    def eventually(self, look: Callable[[], T], enough: Callable[[T], bool]) -> T:
        """Look until it is ``enough``, as long as patience lasts; return what was seen last."""
        pause = 0.01
        for _ in range(int(self.patience / pause)):
            found = look()
            if enough(found):
                return found
            Event().wait(pause)
        return look()

    @contextmanager
    def on_loop(self, made: AbstractAsyncContextManager[T]) -> Generator[tuple[T, Loop]]:
        """Enter what an async ``make`` made, on a loop of its own."""
        with awaited(made, self.patience) as entered:
            yield entered


def opened_on(loop: Loop, opener: Callable[[], object]) -> Awaited:
    """Open an async adapter on its loop; what is returned is asked like a sync one."""

    async def opening() -> object:
        made = opener()
        return await cast("Awaitable[object]", made) if isinstance(made, Awaitable) else made

    return Awaited(loop.run(opening()), loop)


class ContractBroken(AssertionError):
    """An adapter does not keep its port's promises: ``failures`` are those it breaks."""

    def __init__(self, failures: Sequence[ClauseBroken]) -> None:
        told = [line for one in failures for line in (str(one), *_notes(one))]
        super().__init__("\n".join(told))
        self.failures: tuple[ClauseBroken, ...] = tuple(failures)


def _notes(error: BaseException) -> list[str]:
    """Return what was added to an error: by which steps a state machine came there."""
    return getattr(error, "__notes__", [])


def outcomes(contract: type[Contract]) -> Iterator[ClauseBroken | SkipTest | None]:
    """Run every test of a contract; iterate over what fails, what cannot be tested, and None."""
    for name in dict.fromkeys(name for kind in contract.__mro__ for name in vars(kind)):
        if name.startswith("test_"):
            try:
                getattr(contract(), name)()
            except ClauseBroken as broken:
                broken.add_note(f"    in {name}")
                yield broken
            except SkipTest as told:
                yield told
            else:
                yield None


def check(contract: type[Contract]) -> tuple[str, ...]:
    """Run every test of a contract; return what its author says there is none of.

    Raises ContractBroken with every failure, and ValueError for what is no contract of a port.
    """
    told = tuple(outcomes(contract))
    if not told:
        raise ValueError(f"{contract.__name__} has no tests: subclass the contract of a port")
    failures = [one for one in told if isinstance(one, ClauseBroken)]
    if failures:
        raise ContractBroken(failures)
    return tuple(dict.fromkeys(str(one) for one in told if isinstance(one, SkipTest)))
