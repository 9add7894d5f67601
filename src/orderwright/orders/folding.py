"""How each event changes an order. Only assigns: every decision was made before the event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from orderwright.errors import BrokenPromise
from orderwright.lifecycles import REQUESTED, Phase
from orderwright.orders import events as e
from orderwright.orders.folding_labels import LABELS
from orderwright.orders.folding_returns import RETURNS
from orderwright.orders.folding_stock import STOCK, less, without
from orderwright.orders.folding_tabs import TABS
from orderwright.orders.steps import (
    charge_credited,
    credited,
    following,
    freed,
    line_credited,
)
from orderwright.payments.operations import PaymentRequest
from orderwright.payments.payment import PaymentOperation
from orderwright.values import copied

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from orderwright.lifecycles import Lifecycles
    from orderwright.orders.intents import Intent
    from orderwright.orders.order import Order
    from orderwright.payments.payment import Payment

__all__ = ["apply", "first"]


def apply(order: Order, event: e.Event) -> Order:
    """Return ``order`` after ``event``; raise BrokenPromise for an event that cannot follow."""
    handler = _HANDLERS.get(type(event))
    if handler is None:
        raise BrokenPromise("history", f"{type(event).__name__} cannot follow on order {order.id}")
    return handler(order, event)


def first(kind: type[Order], event: e.Event, lifecycles: Lifecycles) -> Order:
    """Return the order that its first event makes."""
    if not isinstance(event, e.OrderContents):
        raise BrokenPromise("history", f"begins with {type(event).__name__}, not OrderPlaced")
    if event.lifecycles != lifecycles.name:
        raise BrokenPromise(
            "history",
            f"order {event.order_id} was made under lifecycles {event.lifecycles!r}, "
            f"but {lifecycles.name!r} were given",
        )
    return kind(id=event.order_id, version=1, lifecycles=lifecycles, **_contents(event, ()))


def _contents(event: e.OrderContents, known: tuple[str, ...]) -> dict[str, Any]:
    return {
        "state": event.state,
        "currency": event.currency,
        "placed_at": event.at if event.occurred_at is None else event.occurred_at,
        "channel": event.channel,
        "customer_id": event.customer_id,
        "policy": event.policy,
        "lines": event.lines,
        "charges": event.charges,
        "adjustments": event.adjustments,
        "payments": event.payments,
        "references": event.references,
        "expires_at": event.expires_at,
        "service": event.service,
        "scheduled_for": event.scheduled_for,
        "contact_id": event.contact_id,
        "contact_ids": _and(known, event.contact_id),
        "table": event.table,
    }


def _and(known: tuple[str, ...], contact_id: str) -> tuple[str, ...]:
    return known if not contact_id or contact_id in known else (*known, contact_id)


def _rewritten(order: Order, event: e.OrderContents) -> Order:
    """A draft is replaced as a whole, by another draft or by the order that is placed."""
    if order.state.phase is not Phase.PLANNED:
        raise BrokenPromise("history", f"{type(event).__name__} cannot follow on order {order.id}")
    return following(order, **_contents(event, order.contact_ids))


def _approved(order: Order, _: e.OrderApproved) -> Order:
    return following(order, approved=True)


def _tagged(order: Order, event: e.TagsChanged) -> Order:
    return following(order, tags=(order.tags | set(event.add)) - set(event.remove))


def _advanced(order: Order, event: e.OrderAdvanced) -> Order:
    return following(order, state=event.state)


def _cancelled(order: Order, event: e.OrderCancelled) -> Order:
    units, withdrawn = dict(event.units), dict(event.withdrawn)
    credits_ = {credit.target: credit for credit in event.credits}
    parted = _parted(order, event)
    return following(
        order,
        state=event.state,
        # What was to be exchanged for it is not wanted either.
        exchanges=() if event.action == "report" else order.exchanges,
        lines=tuple(
            line_credited(
                line,
                units.get(line.id, 0),
                credits_.get(line.id),
                waiting=event.action != "stop",
            )
            for line in order.lines
        ),
        charges=tuple(charge_credited(one, credits_.get(one.id)) for one in order.charges),
        fulfillments=tuple(
            copied(one.moved(withdrawn[one.id], event.at), stopping=())
            if one.id in withdrawn
            else one
            for one in parted.get("fulfillments", order.fulfillments)
        ),
        **{name: value for name, value in parted.items() if name != "fulfillments"},
    )


def _parted(order: Order, event: e.OrderCancelled) -> dict[str, Any]:
    """Take out of each fulfillment what is given up; unfinished calls are for both parts."""
    if not event.split:
        return {}
    taken = {
        (source, item.line_id, item.lot, item.held_as or source): item.quantity
        for source, part in event.split
        for item in part.items
    }

    sources = {source for source, _ in event.split}
    parts = [part for _, part in event.split]
    changes: dict[str, Any] = {
        "fulfillments": (
            *(less(one, taken) if one.id in sources else one for one in order.fulfillments),
            *parts,
        ),
        "fulfillments_planned": order.fulfillments_planned + len(parts),
    }
    if order.intents:
        changes["intents"] = tuple(
            evolve(
                intent,
                fulfillments=(
                    *intent.fulfillments,
                    *(part.id for source, part in event.split if source in intent.fulfillments),
                ),
            )
            for intent in order.intents
        )
    return changes


def _edited(order: Order, event: e.OrderEdited) -> Order:
    changed = {line.id: line for line in event.lines}
    fell = [
        max(0, line.remaining.minor - changed[line.id].remaining.minor)
        for line in order.lines
        if line.id in changed
    ]
    lines = [changed.pop(line.id, line) for line in order.lines]
    details: dict[str, Any] = {}
    if event.contact_id:
        details["contact_id"] = event.contact_id
        details["contact_ids"] = _and(order.contact_ids, event.contact_id)
    if event.service:
        details["service"] = event.service
    if event.scheduled_for is not None:
        details |= {"scheduled_for": event.scheduled_for, "expires_at": event.expires_at}
    return following(
        order,
        lines=(*lines, *changed.values()),
        charges=order.charges + event.charges,
        edits=order.edits + 1,
        lowered=order.lowered + sum(fell),
        **details,
    )


def _credited(order: Order, event: e.OrderCredited) -> Order:
    lines, charges = credited(order, event.credits)
    return following(order, lines=lines, charges=charges)


def _payments_added(order: Order, event: e.PaymentsAdded) -> Order:
    return following(order, payments=order.payments + event.payments)


def _noted(order: Order, _: e.Event) -> Order:
    return following(order)


def _money_requested(order: Order, event: e.MoneyRequested) -> Order:
    if event.action != "refund":
        return following(order)
    asked = order.payout if event.amount is None else event.amount
    return following(order, surplus=order.surplus + max(0, asked.minor - max(0, freed(order))))


def _intended(order: Order, event: e.Intended) -> Order:
    intent = event.intent
    payments = order.payments
    if isinstance(intent.request, PaymentRequest):
        request = intent.request
        operation = PaymentOperation(
            id=request.id,
            kind=request.kind,
            amount=request.amount,
            state=event.state or REQUESTED,
            on=request.reference,
        )
        payments = tuple(
            evolve(one, operations=(*one.operations, operation))
            if one.id == request.payment_id
            else one
            for one in payments
        )
    return following(order, payments=payments, intents=(*order.intents, intent))


def _changed(order: Order, intent_id: str, **changes: Any) -> tuple[Intent, ...]:  # noqa: ANN401
    return tuple(evolve(one, **changes) if one.id == intent_id else one for one in order.intents)


def _claimed(order: Order, event: e.IntentClaimed) -> Order:
    intents = _changed(
        order,
        event.intent_id,
        attempts=event.attempts,
        due_at=event.due_at,
        parked="",
        reason=event.reason,
    )
    return following(order, intents=intents)


def _parked(order: Order, event: e.IntentParked) -> Order:
    intents = _changed(order, event.intent_id, parked=event.reason)
    return following(order, intents=intents)


def _payment_reported(order: Order, event: e.PaymentReported) -> Order:
    def reported(payment: Payment) -> Payment:
        if payment.id != event.payment_id:
            return payment
        return evolve(
            payment,
            operations=tuple(
                evolve(
                    one,
                    state=event.state,
                    amount=event.amount,
                    reference=event.reference or one.reference,
                    reason=event.reason,
                    sequence=event.sequence,
                    next_action=event.next_action,
                    expires_at=event.expires_at,
                    captured_once=event.captured_once,
                )
                if one.id == event.operation_id
                else one
                for one in payment.operations
            ),
        )

    if event.due_at is None:
        intents = without(order, event.operation_id)
    else:
        intents = _changed(order, event.operation_id, due_at=event.due_at, reason=event.reason)
    return following(
        order,
        payments=tuple(reported(one) for one in order.payments),
        intents=intents,
    )


def _money_moved(order: Order, event: e.MoneyMoved) -> Order:
    moved = PaymentOperation(
        id=event.operation_id,
        kind=event.kind,
        amount=event.amount,
        state=event.state,
        reference=event.reference,
        reason=event.reason,
    )
    payments = tuple(
        evolve(one, operations=(*one.operations, moved)) if one.id == event.payment_id else one
        for one in order.payments
    )
    return following(order, payments=payments)


def _fulfillment_advanced(order: Order, event: e.FulfillmentAdvanced) -> Order:
    lines, when = order.lines, event.occurred_at or event.at
    if event.uncancelled:
        back = dict(event.uncancelled)
        lines = tuple(
            evolve(line, cancelled=line.cancelled - back[line.id]) if line.id in back else line
            for line in lines
        )
    return following(
        order,
        lines=lines,
        fulfillments=tuple(
            copied(
                one if one.state == event.state else one.moved(event.state, when),
                carrier=event.carrier or one.carrier,
                tracking=event.tracking or one.tracking,
                arrived_at=when
                if event.state.phase is Phase.DONE and one.arrived_at is None
                else one.arrived_at,
                stopping=one.stopping if event.state.phase is Phase.WORKING else (),
                ended=event.ended,
            )
            if one.id == event.fulfillment_id
            else one
            for one in order.fulfillments
        ),
    )


def _rearranged(order: Order, event: e.FulfillmentsChanged) -> Order:
    changed = {one.id: one for one in event.fulfillments}
    kept = [changed.pop(one.id, one) for one in order.fulfillments if one.id not in event.removed]
    return following(
        order,
        fulfillments=(*kept, *changed.values()),
        fulfillments_planned=order.fulfillments_planned + len(changed),
    )


def _stop_requested(order: Order, event: e.StopRequested) -> Order:
    return _stopping(order, event.fulfillment_id, event.units)


def _stop_refused(order: Order, event: e.StopRefused) -> Order:
    return _stopping(order, event.fulfillment_id, ())


def _stopping(order: Order, fulfillment_id: str, units: tuple[tuple[str, int], ...]) -> Order:
    return following(
        order,
        fulfillments=tuple(
            copied(one, stopping=units) if one.id == fulfillment_id else one
            for one in order.fulfillments
        ),
    )


def _hold_placed(order: Order, event: e.HoldPlaced) -> Order:
    others = tuple(one for one in order.holds if one.name != event.hold.name)
    return following(order, holds=(*others, event.hold))


def _hold_released(order: Order, event: e.HoldReleased) -> Order:
    holds = tuple(hold for hold in order.holds if hold.name != event.name)
    return following(order, holds=holds)


def _exception_opened(order: Order, event: e.ExceptionOpened) -> Order:
    return following(order, exceptions=(*order.exceptions, event.exception))


def _exception_resolved(order: Order, event: e.ExceptionResolved) -> Order:
    left = tuple(one for one in order.exceptions if one.code != event.code)
    return following(order, exceptions=left)


_HANDLERS: Mapping[type[e.Event], Callable[[Order, Any], Order]] = {
    e.OrderAdvanced: _advanced,
    e.OrderCancelled: _cancelled,
    e.OrderPlaced: _rewritten,
    e.OrderDrafted: _rewritten,
    e.OrderApproved: _approved,
    e.NoteAdded: _noted,
    e.TagsChanged: _tagged,
    e.OrderEdited: _edited,
    e.OrderCredited: _credited,
    **RETURNS,
    **TABS,
    **LABELS,
    **STOCK,
    e.PaymentsAdded: _payments_added,
    e.MoneyRequested: _money_requested,
    e.ContactsForgotten: _noted,
    e.NothingChanged: _noted,
    e.StopRequested: _stop_requested,
    e.StopRefused: _stop_refused,
    e.Intended: _intended,
    e.IntentClaimed: _claimed,
    e.IntentParked: _parked,
    e.PaymentReported: _payment_reported,
    e.FulfillmentAdvanced: _fulfillment_advanced,
    e.FulfillmentsChanged: _rearranged,
    e.HoldPlaced: _hold_placed,
    e.HoldReleased: _hold_released,
    e.ExceptionOpened: _exception_opened,
    e.ExceptionResolved: _exception_resolved,
    e.MoneyMoved: _money_moved,
}
