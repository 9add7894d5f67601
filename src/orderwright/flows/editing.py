"""Editing: an order changes after it was placed, and says exactly what that costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orderwright.errors import InvalidInput
from orderwright.flows.command import command
from orderwright.flows.deciding import Call, decide
from orderwright.flows.settling import Flows
from orderwright.money import Money
from orderwright.orders import editing
from orderwright.orders.events import OrderCredited, OrderEdited
from orderwright.orders.lines import AddCharge, AddLine, ChangeLine
from orderwright.orders.paying import add_payments
from orderwright.payments.payment import Tender
from orderwright.values import each, identifier, instance, text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from orderwright.orders.events import Event
    from orderwright.orders.lines import Change
    from orderwright.orders.order import Order
    from orderwright.requests import Flow

__all__ = ["Editing"]


class Editing(Flows):
    """Changing what was ordered. The common arguments are those of :class:`.Processing`."""

    __slots__ = ()

    @command
    def edit(
        self,
        order_id: str,
        changes: Sequence[Change],
        *,
        reason: str = "",
        tenders: Sequence[Tender] = (),
        expected_due: Money | None = None,
        at: datetime | None = None,
        key: str = "",
        by: str = "",
        expected_version: int | None = None,
    ) -> Flow[Order]:
        """Change a placed, even a paid order: lines, quantities, prices, fees, all or none.

        Substituting an item is ``[ChangeLine(line_id="l1", quantity=0), AddLine(line=...,
        replaces="l1")]``. What becomes due more is taken from ``tenders``, or offered by ``pay``
        later; what is paid too much goes back by the order's policy. ``expected_due`` is what the
        order has to come to, as a preview told. Raises what :func:`orderwright.orders.editing.edit`
        does, AmountRefused for another ``expected_due`` or tenders with nothing left to pay,
        OutOfStock if added units are nowhere and the policy rejects that.
        """
        at = self.setting.moment(at)
        given = each(changes, object, "changes")
        asked = tuple(one for one in given if isinstance(one, AddLine | ChangeLine | AddCharge))
        if not asked or len(asked) < len(given):
            raise InvalidInput.at("changes", "expected each AddLine, ChangeLine or AddCharge")
        offered = each(tenders, Tender, "tenders")
        text(reason, "reason")

        def decision(order: Order) -> Sequence[Event]:
            events = editing.edit(order, asked, at=at, reason=reason)
            if not offered or not events:
                return events
            return (*events, add_payments(order.after(events), offered, at=at))

        call = Call(
            OrderEdited,
            {"changes": asked, "reason": reason},
            at,
            key,
            by,
            expected_version,
            expected_due=expected_due,
            sourced=True,
        )
        return (yield from decide(self.setting, order_id, call, decision))

    @command
    def credit(
        self,
        order_id: str,
        amount: Money,
        *,
        reason: str,
        target: str = "",
        expected_due: Money | None = None,
        at: datetime | None = None,
        key: str = "",
        by: str = "",
        expected_version: int | None = None,
    ) -> Flow[Order]:
        """Let ``amount`` of what is due go, for goodwill; nothing comes back.

        It comes off the line or charge ``target``, or off everything in proportion. What was taken
        for it is paid back by the order's policy. Raises NotFound, and AmountRefused for more than
        is left of it, or another ``expected_due``.
        """
        at = self.setting.moment(at)
        instance(amount, Money, "amount")
        text(reason, "reason")
        if target != "":
            identifier(target, "target")
        call = Call(
            OrderCredited,
            {"amount": amount, "target": target, "reason": reason},
            at,
            key,
            by,
            expected_version,
            expected_due=expected_due,
        )
        return (
            yield from decide(
                self.setting,
                order_id,
                call,
                lambda order: (editing.credit(order, amount, target=target, at=at, reason=reason),),
            )
        )
