"""Serving: rounds on a tab, courses to the kitchen, tables, and the bill."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orderwright.errors import InvalidInput
from orderwright.flows.command import command
from orderwright.flows.deciding import Call, decide
from orderwright.flows.loading import load
from orderwright.flows.settling import Flows
from orderwright.orders import tabs
from orderwright.orders.editing import edit
from orderwright.orders.events import (
    CourseFired,
    DueTransferred,
    OrderEdited,
    TabClosed,
    TableChanged,
    TabReopened,
)
from orderwright.orders.lines import AddLine, DraftLine
from orderwright.orders.transferring import transfer
from orderwright.values import counts, each, identifier, quantity, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from orderwright.money import Money
    from orderwright.orders.events import Event
    from orderwright.orders.order import Order
    from orderwright.requests import Flow

__all__ = ["Serving"]


class Serving(Flows):
    """Tabs and courses. The common arguments are those of :class:`.Processing`.

    A tab is an order with a ``table`` and a policy that says ``tab=True``, placed with its first
    round.
    """

    __slots__ = ()

    @command
    def add_round(
        self,
        order_id: str,
        lines: Sequence[DraftLine],
        *,
        at: datetime | None = None,
        key: str = "",
        by: str = "",
        expected_version: int | None = None,
    ) -> Flow[Order]:
        """Add what guests order further; the kitchen gets a set of tickets of its own for it.

        Several waiters may do so at once: a round that comes second is added to what the tab has
        become. Give a ``key`` to send it again safely. Raises IllegalTransition if the order is no
        tab, is closed or over; OutOfStock if something is sold out and the policy rejects that.
        """
        at = self.setting.moment(at)
        wanted = each(lines, DraftLine, "lines")
        if not wanted:
            raise InvalidInput.at("lines", "expected at least one")
        changes = tuple(AddLine(line=one) for one in wanted)

        def decision(order: Order) -> Sequence[Event]:
            tabs.require_tab(order, "add_round")
            return edit(order, changes, at=at, reason="")

        said = {"changes": changes, "tenders": ()}
        call = Call(OrderEdited, said, at, key, by, expected_version, reapply=True, sourced=True)
        return (yield from decide(self.setting, order_id, call, decision))

    @command
    def fire(
        self,
        order_id: str,
        course: int = 0,
        *,
        at: datetime | None = None,
        key: str = "",
        by: str = "",
        expected_version: int | None = None,
    ) -> Flow[Order]:
        """Have the kitchen make a course now: all its tickets that wait, at every station.

        Dishes that are of no course are fired with 0, which may be left out. What the dishes are
        made of is used up with that. Raises NotFound for a course there is not, IllegalTransition
        if it was fired already or the order is not confirmed, OnHold.
        """
        at = self.setting.moment(at)
        said = {"course": quantity(course, "course", least=0)}
        call = Call(CourseFired, said, at, key, by, expected_version)
        return (
            yield from decide(
                self.setting, order_id, call, lambda order: tabs.fire(order, course, at=at)
            )
        )

    @command
    def move_tab(
        self,
        order_id: str,
        table: str,
        *,
        reason: str = "",
        at: datetime | None = None,
        key: str = "",
        by: str = "",
        expected_version: int | None = None,
    ) -> Flow[Order]:
        """Say at which table the guests sit now. Raises IllegalTransition if the order is over."""
        at = self.setting.moment(at)
        said = {"table": identifier(table, "table"), "reason": text(reason, "reason")}
        call = Call(TableChanged, said, at, key, by, expected_version)
        return (
            yield from decide(
                self.setting,
                order_id,
                call,
                lambda order: tabs.move_tab(order, table, at=at, reason=reason),
            )
        )

    @command
    def transfer(
        self,
        order_id: str,
        to: str,
        *,
        units: Mapping[str, int] | None = None,
        reason: str = "",
        at: datetime | None = None,
        key: str = "",
        by: str = "",
        expected_version: int | None = None,
    ) -> Flow[Order]:
        """Move what is due for ``units`` (by line id), or all of it, onto the open tab ``to``.

        So tabs are merged, and split; a charge is moved by its id, as one unit. Dishes and their
        tickets stay with the tab that ordered them: one that is cancelled there afterwards opens
        the exception ``cancelled_after_transfer``, until somebody credits it where it is due.
        Until the other tab has it, an intent of this one does; if that one was closed meanwhile,
        it is due here again. Raises NotFound, IllegalTransition unless both are open tabs,
        QuantityRefused for more units than are due, AmountRefused for more than is neither paid
        nor authorized here, InvalidInput for the same tab, or one in another currency.
        """
        at = self.setting.moment(at)
        asked = () if units is None else counts(units, "units")
        said = {
            "to": identifier(to, "to"),
            "units": asked,
            "reason": text(reason, "reason"),
        }
        call = Call(DueTransferred, said, at, key, by, expected_version)
        call.check()
        yield from load(order_id)  # which is missed first
        other = yield from load(to)
        return (
            yield from decide(
                self.setting,
                order_id,
                call,
                lambda order: transfer(order, other, asked, at=at, reason=reason),
            )
        )

    @command
    def close_tab(
        self,
        order_id: str,
        *,
        reason: str = "",
        expected_due: Money | None = None,
        at: datetime | None = None,
        key: str = "",
        by: str = "",
        expected_version: int | None = None,
    ) -> Flow[Order]:
        """Fix what is due: no more rounds; tips and other charges, credits and payments only.

        Split the bill with :mod:`orderwright.orders.bills`, and take each part with ``pay`` or
        ``record_payment``. Once everything is served and paid, the order is complete. Raises
        IllegalTransition if it is no tab or over, or while units wait that nobody can serve;
        AmountRefused for another ``expected_due``.
        """
        at = self.setting.moment(at)
        said = {"reason": text(reason, "reason")}
        call = Call(TabClosed, said, at, key, by, expected_version, expected_due=expected_due)
        return (
            yield from decide(
                self.setting,
                order_id,
                call,
                lambda order: tabs.close_tab(order, at=at, reason=reason),
            )
        )

    @command
    def reopen_tab(
        self,
        order_id: str,
        *,
        reason: str = "",
        at: datetime | None = None,
        key: str = "",
        by: str = "",
        expected_version: int | None = None,
    ) -> Flow[Order]:
        """Let guests order further after all; raises IllegalTransition if the order is over."""
        at = self.setting.moment(at)
        said = {"reason": text(reason, "reason")}
        call = Call(TabReopened, said, at, key, by, expected_version)
        return (
            yield from decide(
                self.setting,
                order_id,
                call,
                lambda order: tabs.reopen_tab(order, at=at, reason=reason),
            )
        )
