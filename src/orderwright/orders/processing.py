"""What follows from the facts of an order: which calls to make next, which steps to take.

``next_events`` is the whole of it: a list of rules, each a pure function from an order to the
events that are due, tried in turn. Because nothing but the stored order is asked, it does not
matter who asks, how often, or after which crash: the same facts give the same next step, under
the same operation ids.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from attrs import evolve

from orderwright.errors import OutOfStock, Shortage
from orderwright.fulfillment.fulfillment import Fulfillment
from orderwright.fulfillment.planning import Demand
from orderwright.inventory.postings import Posting
from orderwright.lifecycles import PENDING, Phase
from orderwright.money import Money
from orderwright.orders.commands import advance, cancel, open_exception
from orderwright.orders.events import (
    Event,
    FulfillmentsPlanned,
    Intended,
    IntentClaimed,
    IntentParked,
    MoneyRequested,
    StockPosted,
    StockRefused,
)
from orderwright.orders.intents import Intent
from orderwright.payments.operations import PaymentRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from orderwright.fulfillment.planning import FulfillmentPlan
    from orderwright.orders.intents import Purpose
    from orderwright.orders.order import Order
    from orderwright.payments.operations import OperationKind
    from orderwright.payments.payment import Payment

__all__ = [
    "allocated",
    "by_hand",
    "claimed",
    "demand",
    "next_events",
    "payment_intents",
    "stock_posted",
    "stock_refused",
]


def next_events(order: Order, at: datetime) -> tuple[Event, ...]:
    """Return the events of the first rule that has any; none if there is nothing to do now."""
    for rule in _RULES[order.state.phase]:
        events = tuple(rule(order, at))
        if events:
            return events
    return ()


# Stock -------------------------------------------------------------------------------------


def demand(order: Order, *, backordered: bool = False) -> tuple[Demand, ...]:
    """Return the units that still have to be sourced, ``backordered`` ones only if asked for.

    Empty while a plan is being reserved, a hold stops allocating, or the order is over.
    """
    if order.state.phase not in (Phase.WAITING, Phase.WORKING) or order.blocked("allocate"):
        return ()
    if order.stocked and not backordered:
        return ()
    if any(one.state.phase is Phase.PLANNED for one in order.fulfillments):
        return ()
    counts = order.quantities()
    wanted = {
        line.id: counts[line.id].open + (line.backordered if backordered else 0)
        for line in order.lines
    }
    return tuple(
        Demand(line.id, line.sku, wanted[line.id], line.requires)
        for line in order.lines
        if wanted[line.id]
    )


def allocated(order: Order, plan: FulfillmentPlan, at: datetime) -> tuple[Event, ...]:
    """Return the events that follow a plan: reserve what it says, and act on what it lacks.

    Raises OutOfStock if it lacks something, the policy says to reject, and the order has just
    been placed; an older order is rejected (or, once confirmed, keeps the units backordered).
    """
    policy = order.policy
    if plan.leftovers and policy.short == "reject" and order.state.phase is Phase.WAITING:
        short = OutOfStock(
            (Shortage(one.sku, "", one.quantity, 0) for one in plan.leftovers), order.id
        )
        return (cancel(order, at=at, reason=short.because(), action="reject"),)
    paying = any(payment.amount for payment in order.payments)
    lapses_at = None if paying or policy.unpaid_ttl is None else at + policy.unpaid_ttl
    fulfillments = tuple(
        Fulfillment(
            id=f"f{index}",
            location=part.location,
            items=part.items,
            state=order.lifecycles.shipment.initial,
            lapses_at=lapses_at if order.state.phase is Phase.WAITING else None,
        )
        for index, part in enumerate(plan.fulfillments, order.fulfillments_planned + 1)
    )
    served: dict[str, int] = {}
    for part in plan.fulfillments:
        for item in part.items:
            served[item.line_id] = served.get(item.line_id, 0) + item.quantity
    short_units = tuple(
        (line_id, counts.open + counts.backordered - served.get(line_id, 0))
        for line_id, counts in order.quantities().items()
        if counts.open + counts.backordered > served.get(line_id, 0)
    )
    events: list[Event] = [
        FulfillmentsPlanned(
            fulfillments=fulfillments, backordered=short_units, reasons=plan.reasons, at=at
        )
    ]
    if fulfillments:
        events.append(_stock_intent(order, "reserve", fulfillments, at))
    return tuple(events)


def _stock_intent(
    order: Order, purpose: Purpose, fulfillments: Sequence[Fulfillment], at: datetime
) -> Intended:
    posting_id = f"{order.id}/{purpose}-{order.version + 1}"
    units = [one for part in fulfillments for one in order.reservations(part)]
    if purpose == "reserve":
        posting = Posting.reserve(posting_id, units, at=at)
    elif purpose == "commit":
        posting = Posting.settle(posting_id, commit=units, at=at)
    elif purpose == "release":
        posting = Posting.settle(posting_id, release=units, at=at)
    elif purpose == "firm":
        kept = [
            one
            for part in fulfillments
            for one in order.reservations(evolve(part, firmed=True, lapses_at=None))
        ]
        posting = Posting.rehold(posting_id, zip(units, kept, strict=True), at=at)
    else:
        posting = Posting.hand_over(posting_id, units, at=at)
    return Intended(
        intent=Intent(
            id=posting_id,
            purpose=purpose,
            request=posting,
            since=at,
            due_at=at + order.policy.patience,
            fulfillments=tuple(one.id for one in fulfillments),
        ),
        at=at,
    )


def stock_posted(order: Order, intent_id: str, at: datetime) -> tuple[Event, ...]:
    """Record that the ledger wrote the intent's posting."""
    intent = order.intent(intent_id)
    state = None
    if intent.purpose == "reserve":
        shipment = order.lifecycles.shipment
        state = shipment.step(shipment.initial, "reserve")
    return (StockPosted(intent_id=intent_id, state=state, at=at),)


def stock_refused(
    order: Order, intent_id: str, shortages: Sequence[Shortage], at: datetime
) -> tuple[Event, ...]:
    """Record that the ledger refused the posting.

    A refused reservation is planned anew; goods that left after their reservation lapsed are
    handed over from free stock. If there is none either, the ledger is wrong about a fact: the
    posting is parked and the exception ``stock_mismatch`` opened.
    """
    refused = StockRefused(intent_id=intent_id, shortages=tuple(shortages), at=at)
    if order.intent(intent_id).purpose != "hand_over":
        return (refused,)
    detail = "; ".join(str(one) for one in shortages)
    return (
        refused,
        IntentParked(intent_id=intent_id, reason=detail, at=at),
        *open_exception(order, "stock_mismatch", detail, at=at),
    )


def claimed(order: Order, intent: Intent, now: datetime, *, asked: bool = False) -> Event:
    """Return the event by which whoever saves it first takes over an intent.

    Each try waits twice as long as the one before; after the policy's attempts it is parked. A
    try does not count where the provider has said that it is under way, nor where somebody
    ``asked`` for it, which also takes up again what was parked.
    """
    under_way = _under_way(order, intent)
    if intent.attempts >= order.policy.attempts and not asked and not under_way:
        reason = f"no answer after {intent.attempts} tries"
        return IntentParked(intent_id=intent.id, reason=reason, at=now)
    patience = order.policy.patience * 2 ** min(intent.attempts, _DOUBLINGS_MAX)
    return IntentClaimed(
        intent_id=intent.id,
        attempts=intent.attempts if asked else intent.attempts + 1,
        due_at=now + patience,
        at=now,
    )


_DOUBLINGS_MAX = 10


def _under_way(order: Order, intent: Intent) -> bool:
    """Whether the provider has answered that the operation is pending."""
    return any(
        operation.id == intent.id and operation.state == PENDING
        for payment in order.payments
        for operation in payment.operations
    )


def _settle_stock(order: Order, at: datetime) -> Iterator[Event]:
    """What left is committed, what was given up is released."""
    for purpose, wanted in _SETTLING:
        found = [one for one in order.fulfillments if (one.state.phase, one.stock) in wanted]
        if found:
            busy = {part for intent in order.intents for part in intent.fulfillments}
            idle = [one for one in found if one.id not in busy]
            if idle:
                yield _stock_intent(order, purpose, idle, at)


_SETTLING: tuple[tuple[Purpose, frozenset[tuple[Phase, str]]], ...] = (
    ("commit", frozenset({(Phase.OUT, "held"), (Phase.DONE, "held")})),
    (
        "hand_over",
        frozenset(
            {(phase, stock) for phase in (Phase.OUT, Phase.DONE) for stock in ("none", "freed")}
        ),
    ),
    ("release", frozenset({(Phase.DROPPED, "held")})),
)


def _firm_stock(order: Order, at: datetime) -> Iterator[Event]:
    """Before money is asked for, and once confirmed, the reservations stop lapsing."""
    if order.state.phase is Phase.WAITING and not any(one.unasked for one in order.payments):
        return
    busy = {part for intent in order.intents for part in intent.fulfillments}
    lapsing = [one for one in _lapsing(order) if one.id not in busy]
    if lapsing:
        yield _stock_intent(order, "firm", lapsing, at)


def _lapsing(order: Order) -> list[Fulfillment]:
    return [
        one
        for one in order.fulfillments
        if one.lapses_at and one.stock == "held" and one.live and not one.gone
    ]


# Money -------------------------------------------------------------------------------------


def payment_intents(
    order: Order, kind: OperationKind, amounts: Iterable[tuple[Payment, Money]], at: datetime
) -> Iterator[Intended]:
    """Return the intents that move each amount on its payment; zero amounts are left out."""
    for payment, amount in amounts:
        if amount.minor > 0:
            request = PaymentRequest(
                id=payment.next_id(order.id, kind),
                kind=kind,
                order_id=order.id,
                payment_id=payment.id,
                method=payment.method,
                amount=amount,
                instrument=payment.instrument,
                reference=payment.reference,
            )
            intent = Intent(
                id=request.id,
                purpose=kind,
                request=request,
                since=at,
                due_at=at + order.policy.patience,
            )
            yield Intended(intent=intent, at=at)


def _stopped(order: Order, kind: OperationKind) -> bool:
    """Whether the provider refused such a call, so that a person has to look before the next."""
    return any(one.code == f"{kind}_refused" for one in order.exceptions)


def _failed_batches(order: Order) -> set[int]:
    return {payment.batch for payment in order.payments if payment.sums.refused}


def _void_all(order: Order, at: datetime) -> Iterator[Event]:
    """The order is over: authorizations nobody will capture are given back."""
    return _voided(order, order.payments, at)


def _void_failed(order: Order, at: datetime) -> Iterator[Event]:
    """Tenders succeed together: the sisters of a declined one are given back."""
    failed = _failed_batches(order)
    sisters = [one for one in order.payments if one.batch in failed] if failed else ()
    return _voided(order, sisters, at)


def _void_credited(order: Order, at: datetime) -> Iterator[Event]:
    """What a cancellation freed before it was captured is not left authorized.

    Only whole authorizations, the last one first: not every provider voids parts.
    """
    figures = order.figures
    if not figures.authorized or figures.due == order.total.minor:
        return iter(())
    excess = figures.authorized - max(0, figures.due - figures.kept - figures.capturing)
    freed: list[Payment] = []
    for payment in reversed(order.payments):
        if 0 < payment.sums.open_authorization <= excess:
            excess -= payment.sums.open_authorization
            freed.append(payment)
    return _voided(order, freed, at)


def _voided(order: Order, payments: Iterable[Payment], at: datetime) -> Iterator[Event]:
    if _stopped(order, "void"):
        return
    for one in payments:
        if one.sums.open_authorization and not one.in_flight:
            yield from payment_intents(order, "void", ((one, one.open_authorization),), at)


def _authorize(order: Order, at: datetime) -> Iterator[Event]:
    """One tender after the other is authorized, once everything is reserved for good."""
    if not any(one.unasked for one in order.payments):
        return
    if order.state.phase is Phase.WAITING and (not order.stocked or _lapsing(order)):
        return
    failed = _failed_batches(order)
    for payment in order.payments:
        if payment.batch in failed:
            continue
        if payment.in_flight:
            return
        if payment.unasked:
            yield from payment_intents(order, "authorize", ((payment, payment.amount),), at)
            return


def _confirm(order: Order, at: datetime) -> Iterator[Event]:
    """A placed order whose stock is reserved and whose money is covered is confirmed."""
    if any(not one.parked for one in order.intents) or not order.stocked:
        return
    if order.policy.require_cover:
        figures = order.figures
        if figures.kept + figures.authorized < figures.due:
            return
    else:
        failed = _failed_batches(order)
        if any(one.unasked and one.batch not in failed for one in order.payments):
            return
    if "confirm" in order.allowed():
        yield advance(order, "confirm", at=at)


def _capture(order: Order, at: datetime) -> Iterator[Event]:
    """Once confirmed, money is taken as the policy says."""
    if order.policy.capture == "by_hand":
        return
    figures = order.figures
    if not figures.authorized or order.blocked("capture") or _stopped(order, "capture"):
        return
    wanted = figures.due if order.policy.capture == "on_confirmation" else _dispatched(order)
    left = wanted - figures.kept - figures.capturing + figures.refunding
    shares = _taken(order.payments, left, order.currency)
    yield from payment_intents(order, "capture", shares, at)


def _taken(
    payments: Iterable[Payment], left: int, currency: str
) -> Iterator[tuple[Payment, Money]]:
    """Share ``left`` minor units over what the payments have authorized, first come first."""
    for payment in payments:
        part = min(left, payment.sums.open_authorization)
        if part > 0:
            left -= part
            yield payment, Money(part, currency)


def _dispatched(order: Order) -> int:
    """What is due for what has left: its share of each line, and all charges with the first."""
    counts = order.quantities()
    if not any(one.fulfilled for one in counts.values()):
        return 0
    minor = sum(charge.remaining.minor for charge in order.charges)
    for line in order.lines:
        if line.remaining_units:
            gone = min(counts[line.id].fulfilled, line.remaining_units)
            minor += line.remaining.share(gone, line.remaining_units, order.policy.rounding).minor
    return minor


def _pay_out(order: Order, at: datetime) -> Iterator[Event]:
    """What a cancellation freed is paid back, unless a hold or an open exception stops it."""
    if order.policy.refund == "by_hand":
        return
    figures = order.figures
    payout = figures.payout
    if payout and order.state.phase is not Phase.DROPPED:
        credited = order.total.minor - figures.due
        payout = min(payout, credited - figures.refunded - figures.refunding)
    if payout <= 0 or order.exceptions or order.blocked("refund"):
        return
    if not any(payment.in_flight for payment in order.payments):
        shares = refund_shares(order.payments, Money(payout, order.currency))
        yield from payment_intents(order, "refund", shares, at)


def refund_shares(payments: Iterable[Payment], payout: Money) -> tuple[tuple[Payment, Money], ...]:
    """Spread ``payout`` over what is left on each payment, in proportion; never more than that."""
    able = [payment for payment in payments if payment.sums.refundable > 0]
    there = sum(payment.sums.refundable for payment in able)
    if payout.minor <= 0 or not there:
        return ()
    paid = Money(min(payout.minor, there), payout.currency)
    return tuple(zip(able, paid.split([one.sums.refundable for one in able]), strict=True))


def by_hand(order: Order, asked: MoneyRequested, at: datetime) -> tuple[Intended, ...]:
    """Return the intents that carry out a capture or refund somebody asked for."""
    payments = (order.payment(asked.payment_id),) if asked.payment_id else order.payments
    if asked.action == "capture":
        there = sum(one.sums.open_authorization for one in payments)
        left = there if asked.amount is None else asked.amount.minor
        shares = tuple(_taken(payments, left, order.currency))
        return tuple(payment_intents(order, "capture", shares, at))
    payout = order.payout if asked.amount is None else asked.amount
    return tuple(payment_intents(order, "refund", refund_shares(payments, payout), at))


def _complete(order: Order, at: datetime) -> Iterator[Event]:
    """An order with everything delivered, nothing open and the money even is complete."""
    if order.intents or order.exceptions or not order.fulfillments:
        return
    if any(one.live and one.state.phase is not Phase.DONE for one in order.fulfillments):
        return
    if order.goods == "delivered" and not order.figures.balance and "complete" in order.allowed():
        yield advance(order, "complete", at=at)


_Rule = Callable[["Order", "datetime"], "Iterator[Event]"]

_RULES: Mapping[Phase, tuple[_Rule, ...]] = {
    Phase.PLANNED: (),
    Phase.WAITING: (_settle_stock, _firm_stock, _void_failed, _authorize, _confirm),
    Phase.WORKING: (
        _settle_stock,
        _firm_stock,
        _void_failed,
        _authorize,
        _capture,
        _void_credited,
        _pay_out,
        _complete,
    ),
    Phase.OUT: (_settle_stock,),
    Phase.DONE: (_settle_stock, _void_all, _pay_out),
    Phase.DROPPED: (_settle_stock, _void_all, _pay_out),
}
"""What is looked at in each phase of an order, in this order."""
