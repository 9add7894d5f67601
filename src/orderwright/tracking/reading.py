"""Reading a history: one order's events, folded straight into what reports need to know of it.

:meth:`.Order.replay` makes the whole order after every event; a report needs neither the order nor
most of the events, so this takes a fraction of the time. Tests hold the two against each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orderwright.errors import InvalidInput, NotFound
from orderwright.lifecycles import Phase
from orderwright.orders import events as e
from orderwright.payments.operations import PaymentRequest
from orderwright.tracking.facts import Booking, Share
from orderwright.tracking.records import GONE, Operation, Part, Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime
    from typing import Any

    from orderwright.tracking.facts import LossKind, OrderFacts

__all__ = ["facts_of"]


def facts_of(history: Iterable[e.Event]) -> OrderFacts:
    """Return what the events of one order, all of them, oldest first, tell.

    Raises NotFound if there are none, or one is about a line, fulfillment or return that none
    before it made; InvalidInput if the first does not say what the order is, or one belongs
    to another order or does not fit what was before it.
    """
    events = iter(history)
    first = next(events, None)
    if first is None:
        raise NotFound("history", "(empty)")
    if not isinstance(first, e.OrderContents):
        wrong = f"begins with {type(first).__name__}: pass all events of one order, oldest first"
        raise InvalidInput.at("history", wrong)
    reading = Reading(first)
    _contents(reading, first, first.occurred_at or first.at)
    for event in events:
        read = _READ.get(type(event))
        if read is None:
            continue
        try:
            read(reading, event, event.occurred_at or event.at)
        except InvalidInput:
            raise
        except ValueError:  # other parts than it had before
            wrong = f"{type(event).__name__} does not fit what was before it"
            raise InvalidInput.at("history", wrong) from None
    return reading.facts()


# What each event tells -----------------------------------------------------------------------


def _contents(r: Reading, event: e.OrderContents, at: datetime) -> None:
    """A draft is replaced as a whole, by another draft or by the order that is placed."""
    if event.order_id != r.order_id:
        wrong = f"of order {r.order_id} has an event of {event.order_id}: pass one order's alone"
        raise InvalidInput.at("history", wrong)
    r.contents, r.service, r.state = event, event.service, event.state
    if event.state.phase is Phase.PLANNED:
        return
    r.placed_at = at
    for one in event.lines:
        r.sell(one, "order", at)
    for charge in event.charges:
        r.sell(charge, "order", at)
    r.reach(event.state, at)


def _advanced(r: Reading, event: e.OrderAdvanced, at: datetime) -> None:
    r.reach(event.state, at)


_ENDS: Mapping[str, LossKind] = {"reject": "rejected", "expire": "expired"}


def _cancelled(r: Reading, event: e.OrderCancelled, at: datetime) -> None:
    if event.action == "discard":
        r.reach(event.state, at)
        return
    if event.action == "reject":  # nobody had what nobody was to serve
        for key, units in r.open_units().items():
            r.line(key).short += units
            r.line(key).given_up += units
    for line_id, units in event.units:
        line = r.line(line_id)
        line.cancelled += units
        waiting = 0 if event.action == "stop" else min(units, line.backordered)
        line.backordered -= waiting
        line.given_up += waiting
    for source, part in event.split:
        before = r.part(source)
        before.less(part.units.items())
        r.parts[part.id] = taken = Part(part)
        if taken.started_at is not None:
            taken.made_at = before.made_at or at
    for fulfillment_id, state in event.withdrawn:
        r.move(r.part(fulfillment_id), state, at)
    minor = r.credit(event.credits, at)
    kind = _ENDS.get(event.action, "cancelled")
    r.lose(kind, event.reason, sum(units for _, units in event.units), minor)
    r.reach(event.state, at)


def _edited(r: Reading, event: e.OrderEdited, at: datetime) -> None:
    for one in event.lines:
        r.sell(one, "order", at)
        r.lines[one.id].ordered = one.ordered
    moved = "/" in event.key  # no key of a caller's: it comes from another tab
    for charge in event.charges:
        r.sell(charge, "order", at, moved=moved)
    r.service = event.service or r.service
    r.cause = event.reason or "edited"


def _credited(r: Reading, event: e.OrderCredited, at: datetime) -> None:
    r.lose("credited", event.reason, 0, r.credit(event.credits, at))


def _transferred(r: Reading, event: e.DueTransferred, at: datetime) -> None:
    r.moving = []
    r.credit(event.credits, at, moved=True)


def _transfer_settled(r: Reading, event: e.TransferSettled, at: datetime) -> None:
    moved = r.transfers.pop(event.intent_id, [])
    for charge in event.charges:
        r.sell(charge, "order", at, moved=True)
    if event.reason and not event.charges:  # nobody took it, and it is due nowhere
        r.sales += (one._replace(at=at) for one in moved)


def _return_requested(r: Reading, event: e.ReturnRequested, _: datetime) -> None:
    r.reasons[event.return_id] = event.reason


def _return_received(r: Reading, event: e.ReturnReceived, _: datetime) -> None:
    units = 0
    for item in event.items:
        key = (event.return_id, item.line_id)
        units += item.received - r.received.get(key, 0)
        r.received[key] = item.received
    r.lose("returned", r.reasons.setdefault(event.return_id, event.reason), units, 0)


def _return_credited(r: Reading, event: e.ReturnCredited, at: datetime) -> None:
    reason = r.reasons.get(event.return_id)
    if reason is None:
        raise NotFound("return", event.return_id, r.order_id)
    r.lose("returned", reason, 0, r.credit(event.credits, at))
    for one in event.lines:
        r.sell(one, "exchange", at)
    for charge in event.charges:
        r.sell(charge, "exchange", at)
    r.reach(event.state, at)


def _claimed(r: Reading, event: e.UnitsClaimed, at: datetime) -> None:
    minor = r.credit(event.credits, at)
    r.lose("claimed", event.fault, sum(units for _, units in event.units), minor)
    for one in event.lines:
        r.sell(one, "replacement", at)
    r.reach(event.state, at)


def _promised(r: Reading, event: e.OrderPromised, _: datetime) -> None:
    if r.promised_at is None:
        r.promised_at = event.promised_at


def _planned(r: Reading, event: e.FulfillmentsPlanned, _: datetime) -> None:
    waiting = dict(event.backordered)
    for key, line in r.lines.items():
        units = waiting.pop(key, 0)
        line.short += max(0, units - line.backordered)
        line.backordered = units
    if waiting:
        raise NotFound("line", min(waiting), r.order_id)
    for one in event.fulfillments:
        r.parts[one.id] = Part(one)
    if r.planned_for is None:
        times = [one.promised_at for one in event.fulfillments if one.promised_at is not None]
        r.planned_for = max(times, default=None)


def _worked(r: Reading, event: e.FulfillmentAdvanced, at: datetime) -> None:
    work = r.part(event.fulfillment_id)
    for line_id, units in event.uncancelled:
        r.line(line_id).cancelled -= units
    if event.ended and work.phase in GONE and event.state.phase is Phase.DROPPED:
        r.remade += sum(work.units.values())
    work.ended = event.ended
    r.move(work, event.state, at, event.action)


def _scanned(r: Reading, event: e.ParcelScanned, at: datetime) -> None:
    """Also where its arrival was told first, and this was no step."""
    if event.status in _MOVING:
        r.leave(event.fulfillment_id, at)


_MOVING = ("handed_over", "in_transit", "out_for_delivery")


def _fired(r: Reading, event: e.CourseFired, at: datetime) -> None:
    for fulfillment_id, state in event.states:
        r.move(r.part(fulfillment_id), state, at)


def _rearranged(r: Reading, event: e.FulfillmentsChanged, at: datetime) -> None:
    made = [r.part(one).made_at for one in event.fulfillment_ids]
    r.drop(event.removed)
    for one in event.fulfillments:
        work = r.parts.get(one.id)
        if work is None:
            r.parts[one.id] = work = Part(one)
            if None not in made:
                work.made_at = max(filter(None, made), default=None)
        else:
            work.say(one)
        if work.phase is Phase.DROPPED and work.started_at is not None and work.made_at is None:
            work.made_at = at


def _missing(r: Reading, event: e.UnitsMissing, at: datetime) -> None:
    made_at: dict[str, datetime | None] = {}
    for fulfillment_id, item in event.units:
        work = r.part(fulfillment_id)
        made_at[fulfillment_id] = work.made_at
        work.less(((item.line_id, item.quantity),))
        if not work.units:
            del r.parts[fulfillment_id]
    for part in event.begun:
        r.parts[part.id] = taken = Part(part)
        taken.made_at = made_at.get(part.id) or made_at.get(part.items[0].held_as) or at


def _intended(r: Reading, event: e.Intended, _: datetime) -> None:
    intent = event.intent
    request = intent.request
    if isinstance(request, PaymentRequest):
        if request.kind in _TAKES or request.kind == "refund":
            r.operations[request.id] = Operation(request.kind == "refund", r.cause)
    elif intent.purpose == "transfer":
        r.transfers[intent.id] = r.moving
    elif intent.purpose in _BOOKS:
        shares = _shares(r, intent.fulfillments) if intent.purpose == "consume" else ()
        r.intents[intent.id] = Booking(intent.id, shares)


_TAKES = ("capture", "charge")
_BOOKS = ("commit", "hand_over", "take_back", "spoil", "consume")


def _shares(r: Reading, fulfillment_ids: Iterable[str]) -> tuple[Share, ...]:
    """What of which ingredient goes into which dish."""
    found: list[Share] = []
    for fulfillment_id in fulfillment_ids:
        work = r.part(fulfillment_id)
        for line_id, units in work.units.items():
            line = r.line(line_id)
            for used, each in line.line.uses if line.line is not None else ():
                found.append(Share(used, work.larder, line.sku, work.location, each * units))
    return tuple(found)


def _posted(r: Reading, event: e.StockPosted, at: datetime) -> None:
    booking = r.intents.pop(event.intent_id, None)
    if booking is not None:
        r.bookings.append(booking)
    r.drop(event.removed)
    for fulfillment_id, state in event.states:
        r.move(r.part(fulfillment_id), state, at)


def _refused(r: Reading, event: e.StockRefused, _: datetime) -> None:
    r.intents.pop(event.intent_id, None)
    r.drop(event.removed)


def _requested(r: Reading, event: e.MoneyRequested, _: datetime) -> None:
    if event.action == "refund":
        r.cause = event.reason or "asked for"


def _reported(r: Reading, event: e.PaymentReported, _: datetime) -> None:
    operation = r.operations.get(event.operation_id)
    if operation is not None:
        moved = event.amount.minor if event.state.phase is Phase.DONE else 0
        r.operations[event.operation_id] = operation._replace(minor=moved)


def _moved(r: Reading, event: e.MoneyMoved, _: datetime) -> None:
    if event.kind in _BY_ITSELF:
        back = event.kind == "repayment"
        why = event.reason or r.cause if back else ""
        r.operations[event.operation_id] = Operation(back, why, event.amount.minor)


_BY_ITSELF = ("receipt", "repayment")


def _excepted(r: Reading, event: e.ExceptionOpened, _: datetime) -> None:
    r.exceptions.append(event.exception.code)


_READ: Mapping[type[e.Event], Callable[[Reading, Any, datetime], None]] = {
    e.OrderPlaced: _contents,
    e.OrderDrafted: _contents,
    e.OrderAdvanced: _advanced,
    e.OrderCancelled: _cancelled,
    e.OrderEdited: _edited,
    e.OrderCredited: _credited,
    e.DueTransferred: _transferred,
    e.TransferSettled: _transfer_settled,
    e.ReturnRequested: _return_requested,
    e.ReturnReceived: _return_received,
    e.ReturnCredited: _return_credited,
    e.UnitsClaimed: _claimed,
    e.OrderPromised: _promised,
    e.FulfillmentsPlanned: _planned,
    e.FulfillmentAdvanced: _worked,
    e.ParcelScanned: _scanned,
    e.CourseFired: _fired,
    e.FulfillmentsChanged: _rearranged,
    e.UnitsMissing: _missing,
    e.Intended: _intended,
    e.StockPosted: _posted,
    e.StockRefused: _refused,
    e.MoneyRequested: _requested,
    e.PaymentReported: _reported,
    e.MoneyMoved: _moved,
    e.ExceptionOpened: _excepted,
}
