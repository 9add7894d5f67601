"""A state machine: any saves, in any order, leave what the repository in memory answers."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, cast

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from orderwright.adapters.memory import MemoryOrders
from orderwright.errors import Conflict
from orderwright.testing.clauses import clause, promised
from orderwright.testing.comparing import same
from orderwright.testing.lives import lives
from orderwright.testing.order_reads import MANY, around, fed, followed, of_order
from orderwright.testing.order_saving import OrderContract
from orderwright.testing.reads import compared
from orderwright.testing.samples import Saved, joined

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["MachineClauses"]


@lru_cache(maxsize=1)
def _by_order() -> Mapping[str, Sequence[Saved]]:
    """Return the saves of each order that lived through every event."""
    found: dict[str, list[Saved]] = {}
    for save in lives():
        found.setdefault(save.order.id, []).append(save)
    return found


_numbers = st.integers(0, 99)
_order_ids = st.deferred(lambda: st.sampled_from(sorted(_by_order())))


class _OrderMachine(RuleBasedStateMachine):
    """Saves the next of some order's life, or what must not be saved, and compares all reads."""

    contract: ClassVar[OrderContract]

    def __init__(self) -> None:
        super().__init__()
        self._reference = MemoryOrders()
        self._context = self.contract.opened()
        self._opener = self._context.__enter__()
        self._adapters = [self._opener(), self._opener()]
        self._orders = self._adapters[0]
        self._saved: dict[str, list[Saved]] = {}
        self._position = self._followed = 0

    def teardown(self) -> None:
        """Leave the store."""
        self._context.__exit__(None, None, None)

    @rule(order_id=_order_ids, count=st.integers(1, 3))
    def save(self, order_id: str, count: int) -> None:
        """Save the next of an order's life, or several saves as one."""
        known = self._saved.setdefault(order_id, [])
        done = sum(len(one.events) for one in known)
        coming = [one for one in _by_order()[order_id] if one.expected_version >= done]
        if coming:
            save = joined(coming[:count])
            save.into(self._reference)
            save.into(self._orders)
            known.append(save)
            self._compare(save)

    @precondition(lambda self: cast("_OrderMachine", self).known())
    @rule(number=_numbers, off=st.sampled_from((-2, -1, 1, 2)))
    def save_at_another_version(self, number: int, off: int) -> None:
        """Try to save what follows on another version than the stored one."""
        last = self._some(number)
        wrong = last._replace(expected_version=max(0, last.order.version + off))
        answers: list[object] = []
        for orders in (self._reference, self._orders):
            try:
                wrong.into(orders)
            except Conflict as error:
                answers.append((error.order_id, error.expected, error.actual))
            else:
                answers.append("saved")
        with promised("OrderRepository.save 2"):
            same(answers[0], answers[1], f"a save that expects {wrong.expected_version}")
        self._compare(last, "OrderRepository.save 2" if answers[0] != "saved" else None)

    @precondition(lambda self: cast("_OrderMachine", self).known())
    @rule(number=_numbers)
    def look_from_elsewhere(self, number: int) -> None:
        """Go on with another adapter on the same store."""
        self._adapters.reverse()
        self._orders = self._adapters[0]
        self._compare(self._some(number))

    def known(self) -> bool:
        """Tell whether anything was saved."""
        return any(self._saved.values())

    def _some(self, number: int) -> Saved:
        every = [saves[-1] for saves in self._saved.values() if saves]
        return every[number % len(every)]

    def _compare(self, save: Saved, clause: str | None = None) -> None:
        compared(self._reference, self._orders, [*of_order(save), *around(save.order)], clause)
        with promised(clause or "OrderRepository.feed 4"):
            expected = self._reference.feed(after=self._followed, limit=MANY)
            new = followed(self._orders, MANY, self._position)
            same(fed(expected), fed(new), f"feed(after={self._position})")
            self._followed += len(expected)
            self._position = new[-1].position if new else self._position


class MachineClauses(OrderContract):
    """The state machine as a test."""

    @clause
    def test_any_saves_leave_what_the_reference_keeps(self) -> None:
        """OrderRepository.save 1: every read answers as the one in memory after each step."""

        class Machine(_OrderMachine):
            contract = self

        run_state_machine_as_test(Machine, settings=self.machine_settings)
