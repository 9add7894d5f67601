"""Editing: an order changes after it was placed, and says exactly what that costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orderwright.errors import Fault, InvalidInput
from orderwright.flows.command import command
from orderwright.flows.deciding import Call, decide, same_contact
from orderwright.flows.loading import load
from orderwright.flows.settling import Flows
from orderwright.money import Money
from orderwright.orders import editing
from orderwright.orders.events import OrderCredited, OrderEdited
from orderwright.orders.lines import AddAdjustment, AddCharge, AddLine, ChangeLine
from orderwright.orders.paying import add_payments
from orderwright.orders.placement import contact_id
from orderwright.payments.payment import Tender
from orderwright.values import each, identifier, instance, moment, several, text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from orderwright.orders.contacts import Contact
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
        changes: Sequence[Change] = (),
        *,
        contact: Contact | None = None,
        service: str = "",
        scheduled_for: datetime | None = None,
        reason: str = "",
        tenders: Sequence[Tender] = (),
        expected_due: Money | None = None,
        at: datetime | None = None,
        key: str = "",
        by: str = "",
        expected_version: int | None = None,
    ) -> Flow[Order]:
        """Change a placed, even a paid order: lines, prices, fees, for whom and when; all or none.

        Substituting an item is ``[ChangeLine(line_id="l1", quantity=0), AddLine(line=...,
        replaces="l1")]``. ``contact``, ``service`` and ``scheduled_for`` are what is new of these,
        possible until people are at work on it. What becomes due more is taken from ``tenders``,
        or offered by ``pay`` later; what is paid too much goes back by the order's policy.
        ``expected_due`` is what the order has to come to, as a preview told. Raises what
        :func:`orderwright.orders.editing.edit` does, AmountRefused for another ``expected_due`` or
        tenders with nothing left to pay, OutOfStock if added units are nowhere and the policy
        rejects that.
        """
        at = self.setting.moment(at)
        asked = _changes(several(changes, "changes"))
        if service != "":
            identifier(service, "service")
        if scheduled_for is not None:
            scheduled_for = moment(scheduled_for, "scheduled_for")
        if not asked and contact is None and not service and scheduled_for is None:
            raise InvalidInput.at("changes", "say what is to change")
        offered = each(tenders, Tender, "tenders")
        text(reason, "reason")

        def decision(order: Order) -> Sequence[Event]:
            kept = same
            if contact is not None and (same is None or same != order.contact_id):
                kept = contact_id(order.id, len(order.contact_ids))
            details = editing.Details(kept or "", service, scheduled_for)
            events = editing.edit(
                order, asked, details=details, tenders=offered, at=at, reason=reason
            )
            if not offered:
                return events
            return (*events, add_payments(order.after(events), offered, at=at))

        call = Call(
            OrderEdited,
            {
                "changes": asked,
                "tenders": offered,
                "reason": reason,
                "service": service,
                "scheduled_for": scheduled_for,
            },
            at,
            key,
            by,
            expected_version,
            expected_due=expected_due,
            sourced=True,
            contact=contact,
        )
        call.check()
        same = None
        if contact is not None:
            same = yield from same_contact((yield from load(order_id)), contact)
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


_KINDS = "AddLine, ChangeLine, AddCharge or AddAdjustment"


def _changes(given: tuple[object, ...]) -> tuple[Change, ...]:
    """Return them all, or refuse what is no change, by its place."""
    faults: list[Fault] = []
    found: list[Change] = []
    for index, one in enumerate(given):
        if isinstance(one, AddLine | ChangeLine | AddCharge | AddAdjustment):
            found.append(one)
        else:
            told = f"expected {_KINDS}, got {type(one).__name__}"
            faults.append(Fault(f"changes[{index}]", told))
    if faults:
        raise InvalidInput(faults)
    return tuple(found)
