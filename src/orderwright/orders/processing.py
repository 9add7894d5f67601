"""What follows from the facts of an order: which calls to make next, which steps to take.

``next_events`` is the whole of it: a list of rules, each a pure function from an order to the
events that are due, tried in turn. Because nothing but the stored order is asked, it does not
matter who asks, how often, or after which crash: the same facts give the same next step, under
the same operation ids.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from orderwright.lifecycles import Phase
from orderwright.money import Money
from orderwright.orders.cancelling import cancel_units
from orderwright.orders.commands import advance, advance_fulfillment
from orderwright.orders.events import (
    Event,
    Intended,
    IntentClaimed,
    IntentParked,
    MoneyRequested,
    PaymentsAdded,
)
from orderwright.orders.intents import Intent
from orderwright.orders.labelling import settle_labels
from orderwright.orders.steps import freed
from orderwright.orders.stocking import firm_stock, lapsing, settle_stock
from orderwright.payments.operations import PaymentRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from orderwright.orders.order import Order
    from orderwright.payments.operations import OperationKind
    from orderwright.payments.payment import Payment

__all__ = [
    "by_hand",
    "claimed",
    "fault_noted",
    "next_events",
    "paid_out",
    "payment_intents",
]


def next_events(order: Order, at: datetime) -> tuple[Event, ...]:
    """Return the events of the first rule that has any; none if there is nothing to do now."""
    for rule in _RULES[order.state.phase]:
        events = tuple(rule(order, at))
        if events:
            return events
    return ()


def fault_noted(order: Order, intent_id: str, reason: str, at: datetime) -> tuple[Event, ...]:
    """Note on an unfinished call what went wrong, so that whoever looks at it can see."""
    intent = order.intent(intent_id)
    if intent.reason == reason:
        return ()
    return (
        IntentClaimed(
            intent_id=intent_id,
            attempts=intent.attempts,
            due_at=intent.due_at,
            reason=reason,
            at=at,
        ),
    )


def claimed(order: Order, intent: Intent, now: datetime, *, asked: bool = False) -> Event:
    """Return the event by which whoever saves it first takes over an intent.

    Each try waits twice as long as the one before, at most a day; after the policy's attempts it
    is parked. A try does not count where the provider has said that it is under way (the next look
    then waits half as long as it has taken so far), nor where somebody ``asked`` for it, which
    also takes up again what was parked.
    """
    under_way = _under_way(order, intent)
    if intent.attempts >= order.policy.attempts and not asked and not under_way:
        cause = f": {intent.reason}" if intent.reason else ""
        reason = f"no answer after {intent.attempts} tries{cause}"
        return IntentParked(intent_id=intent.id, reason=reason, at=now)
    patience = order.policy.patience
    wait = min(patience * 2 ** min(intent.attempts, _DOUBLINGS_MAX), max(patience, _DAY))
    if under_way:
        wait = max(wait, min((now - intent.since) / 2, _DAY))
    return IntentClaimed(
        intent_id=intent.id,
        attempts=intent.attempts if asked or under_way else intent.attempts + 1,
        due_at=now + wait,
        reason=intent.reason,
        at=now,
    )


_DAY = timedelta(days=1)
_DOUBLINGS_MAX = 10


def _under_way(order: Order, intent: Intent) -> bool:
    """Whether the provider, or carrier, has answered that it is not decided yet."""
    return intent.under_way or any(
        operation.id == intent.id and operation.under_way
        for payment in order.payments
        for operation in payment.operations
    )


# Money -------------------------------------------------------------------------------------


def payment_intents(
    order: Order, kind: OperationKind, amounts: Iterable[tuple[Payment, Money]], at: datetime
) -> Iterator[Intended]:
    """Return the intents that move each amount on its payment; zero amounts are left out.

    A refund of what was taken under several of the provider's ids is one call for each.
    """
    state = order.lifecycles.payment_operation.initial
    for payment, amount in amounts:
        if kind == "refund":
            parts = payment.refund_parts(amount)
        else:
            parts = ((payment.reference if kind in ("capture", "void") else "", amount),)
        for offset, (reference, part) in enumerate(one for one in parts if one[1].minor > 0):
            request = PaymentRequest(
                id=payment.next_id(order.id, kind, offset),
                kind=kind,
                order_id=order.id,
                payment_id=payment.id,
                method=payment.method,
                amount=part,
                instrument=payment.instrument,
                reference=reference,
            )
            intent = Intent(
                id=request.id,
                purpose=kind,
                request=request,
                since=at,
                due_at=at + order.policy.patience,
            )
            yield Intended(intent=intent, state=state, at=at)


def _stopped(order: Order, kind: OperationKind) -> bool:
    """Whether such a call was refused or came out otherwise: a person looks before the next."""
    return order.has_exception(f"{kind}_refused") or order.has_exception(f"{kind}_differs")


def _void_excess(order: Order, at: datetime) -> Iterator[Event]:
    """What is authorized beyond what is still due is given back.

    Only whole authorizations, the last one first: not every provider voids parts.
    """
    figures = order.figures
    excess = figures.authorized - max(0, figures.due - figures.kept - figures.capturing)
    freed: list[Payment] = []
    for payment in reversed(order.payments):
        if 0 < payment.sums.open_authorization <= excess:
            excess -= payment.sums.open_authorization
            freed.append(payment)
    return _voided(order, freed, at)


def _void_all(order: Order, at: datetime) -> Iterator[Event]:
    """The order is over: authorizations nobody will capture are given back."""
    return _voided(order, order.payments, at)


def _void_failed(order: Order, at: datetime) -> Iterator[Event]:
    """Tenders succeed together: the sisters of a declined one are given back."""
    failed = order.failed_batches
    sisters = [one for one in order.payments if one.batch in failed] if failed else ()
    return _voided(order, sisters, at)


def _refund_failed(order: Order, at: datetime) -> Iterator[Event]:
    """What was charged in one step on the sisters of a declined tender is paid back."""
    failed = order.failed_batches
    if not failed or order.blocked("refund") or _stopped(order, "refund"):
        return
    for one in order.payments:
        undone = min(one.sums.undone, one.sums.returnable)
        if one.batch in failed and undone:
            yield from payment_intents(order, "refund", ((one, Money(undone, order.currency)),), at)


def _void_credited(order: Order, at: datetime) -> Iterator[Event]:
    """What a cancellation freed before it was captured is not left authorized."""
    if not order.figures.authorized or not order.credited:
        return iter(())
    return _void_excess(order, at)


def _voided(order: Order, payments: Iterable[Payment], at: datetime) -> Iterator[Event]:
    if _stopped(order, "void"):
        return
    for one in payments:
        if one.sums.open_authorization and not one.in_flight:
            yield from payment_intents(order, "void", ((one, one.open_authorization),), at)


def _authorize(order: Order, at: datetime) -> Iterator[Event]:
    """One tender after the other is authorized, once everything is reserved for good.

    By policy it is charged in one step instead, unless a hold stops taking money.
    """
    if not any(one.unasked for one in order.payments):
        return
    kind: OperationKind = "charge" if order.policy.capture == "on_placement" else "authorize"
    if kind == "charge" and order.blocked("capture"):
        return
    if order.state.phase is Phase.WAITING and (not order.stocked or lapsing(order)):
        return
    failed = order.failed_batches
    for payment in order.payments:
        if payment.batch in failed:
            continue
        if payment.sums.authorizing:
            return
        if payment.unasked:
            amount = payment.amount
            if kind == "charge":
                # What is taken in one step is not more than is due by now, and not there yet.
                left = order.figures.due - order.cover - order.figures.capturing
                amount = min(amount, Money(max(0, left), order.currency))
            yield from payment_intents(order, kind, ((payment, amount),), at)
            return


def _reauthorize(order: Order, at: datetime) -> Iterator[Event]:
    """What lapsed on a tender is authorized anew on it, as far as it is still needed."""
    lapsed = any(one.sums.lapsed for one in order.payments)
    if not lapsed or order.has_exception("reauthorize_refused"):
        return
    failed = order.failed_batches
    left = order.uncovered.minor
    for payment in order.payments:
        needed = min(payment.sums.lapsed, left)
        if needed > 0 and payment.batch not in failed and not payment.in_flight:
            left -= needed
            anew = ((payment, Money(needed, order.currency)),)
            yield from payment_intents(order, "authorize", anew, at)


def _confirm(order: Order, at: datetime) -> Iterator[Event]:
    """A placed order whose stock is reserved for good and whose money is covered is confirmed.

    What is on its way back to the customer covers nothing, and may take days.
    """
    back = ("void", "refund")
    open_ones = any(not one.parked and one.purpose not in back for one in order.intents)
    if open_ones or not order.stocked or lapsing(order):
        return
    if order.policy.confirm == "by_hand" and not order.approved:
        return
    elsewhere = any(one.code.startswith("cancelled_") for one in order.exceptions)
    if order.covered and not elsewhere and "confirm" in order.allowed():
        yield advance(order, "confirm", at=at)


def _capture(order: Order, at: datetime) -> Iterator[Event]:
    """Once confirmed, money is taken as the policy says.

    On dispatch it is the dispatched units' share of what is due, all charges with the first, the
    rest with the last. Payments are drawn on in the order in which they were offered, so that
    stored value (a gift card, say) goes first where it is the first tender.
    """
    if order.policy.capture == "by_hand":
        return
    figures = order.figures
    if not figures.authorized or order.blocked("capture") or _stopped(order, "capture"):
        return
    wanted = _dispatched(order) if order.policy.capture == "on_dispatch" else figures.due
    left = wanted - figures.kept - figures.capturing + figures.refunding
    # What a bank fetched back is not taken again, but from tenders offered since then.
    since = max((one.batch for one in order.payments if one.sums.charged_back > 0), default=0)
    failed = order.failed_batches
    able = [one for one in order.payments if one.batch not in failed]
    anew = sum(max(0, one.sums.kept) for one in able if one.batch > since)
    lost = max(0, figures.charged_back - anew)  # the rest was made good since then
    older = [one for one in able if one.batch <= since] if lost else able
    shares = list(_taken(older, left - lost, order.currency))
    if lost:
        left -= sum(money.minor for _, money in shares)
        newer = [one for one in able if one.batch > since]
        shares += _taken(newer, left, order.currency)
    yield from payment_intents(order, "capture", shares, at)


def _taken(
    payments: Iterable[Payment], left: int, currency: str
) -> Iterator[tuple[Payment, Money]]:
    """Share ``left`` minor units over what the payments have authorized, first come first.

    What may not be taken yet waits; the next payment does not step in for it.
    """
    for payment in payments:
        part = min(left, payment.sums.open_authorization)
        if part > 0:
            left -= part
            if payment.capturable:
                yield payment, Money(part, currency)


def _dispatched(order: Order) -> int:
    """What is due for what has left: its share of each line, and all charges with the first."""
    counts = order.quantities()
    if not any(one.fulfilled for one in counts.values()):
        return 0
    minor = sum(charge.remaining.minor for charge in order.charges)
    for line in order.lines:
        if line.remaining_units:
            # What came back, or was claimed, has left too, but nothing is due for it any more.
            credited = line.ordered - line.cancelled - line.remaining_units
            gone = max(0, min(counts[line.id].fulfilled - credited, line.remaining_units))
            minor += line.remaining.share(gone, line.remaining_units, order.policy.rounding).minor
    return minor


def _pay_out(order: Order, at: datetime) -> Iterator[Event]:
    """What a cancellation freed is paid back, unless a hold or an open exception stops it.

    As far as providers can: what came by itself is left for a person to pay back and record.
    """
    if order.policy.refund == "by_hand":
        return
    figures = order.figures
    payout = figures.payout
    if payout and order.state.phase is not Phase.DROPPED:
        payout = min(payout, freed(order))
    if payout <= 0 or order.exceptions or order.blocked("refund"):
        return
    if not any(payment.in_flight for payment in order.payments):
        shares = refund_shares(order.payments, Money(payout, order.currency))
        yield from payment_intents(order, "refund", shares, at)


def refund_shares(payments: Iterable[Payment], payout: Money) -> tuple[tuple[Payment, Money], ...]:
    """Spread ``payout`` over what providers can still pay back on each payment, in proportion."""
    able = [payment for payment in payments if payment.sums.returnable > 0]
    there = sum(payment.sums.returnable for payment in able)
    if payout.minor <= 0 or not there:
        return ()
    paid = Money(min(payout.minor, there), payout.currency)
    return tuple(zip(able, paid.split([one.sums.returnable for one in able]), strict=True))


def by_hand(order: Order, asked: MoneyRequested, at: datetime) -> tuple[Intended, ...]:
    """Return the intents that carry out a capture or refund somebody asked for."""
    payments = (order.payment(asked.payment_id),) if asked.payment_id else order.payments
    if asked.action == "capture":
        able = [one for one in payments if one.capturable]
        there = sum(one.capturable.minor for one in able)
        left = there if asked.amount is None else asked.amount.minor
        shares = tuple(_taken(able, left, order.currency))
        return tuple(payment_intents(order, "capture", shares, at))
    payout = order.payout if asked.amount is None else asked.amount
    return tuple(payment_intents(order, "refund", refund_shares(payments, payout), at))


def paid_out(
    order: Order, asked: tuple[PaymentsAdded, MoneyRequested], at: datetime
) -> tuple[Event, ...]:
    """Return ``asked``, and the intent that pays out to the tender it adds."""
    after = order.after(asked)
    payment = after.payments[-1]
    amount = order.payout if asked[1].amount is None else asked[1].amount
    return (*asked, *payment_intents(after, "refund", ((payment, amount),), at))


def _complete(order: Order, at: datetime) -> Iterator[Event]:
    """An order with everything delivered, nothing open and the money even is complete."""
    if order.intents or order.exceptions or not order.fulfillments:
        return
    if order.policy.tab and not order.closed:
        return
    live = [one for one in order.fulfillments if one.live]
    if any(one.state.phase is not Phase.DONE and not one.astray for one in live):
        return
    over = order.goods == "delivered" or (
        order.goods == "shipped" and all(one.astray for one in live)
    )
    if over and not order.figures.balance and "complete" in order.allowed():
        yield advance(order, "complete", at=at)


def _give_up_unwanted(order: Order, at: datetime) -> Iterator[Event]:
    """What nothing serves, and nobody owes or wants, as it was cancelled elsewhere, is given up."""
    if order.stocked and not any(line.backordered for line in order.lines):
        return
    served: dict[str, int] = {}
    for one in order.fulfillments:
        if one.live:
            for line_id, units in one.units.items():
                served[line_id] = served.get(line_id, 0) + units
    back: dict[str, int] = {}
    for sent in order.returns:
        for item in sent.items:
            back[item.line_id] = back.get(item.line_id, 0) + item.credited
    freed: list[tuple[str, int]] = []
    for line in order.lines:
        there = line.ordered - line.cancelled
        wanted = line.remaining_units + line.moved + line.lost + back.get(line.id, 0)
        units = min(there - served.get(line.id, 0), there - wanted)
        if units > 0:
            freed.append((line.id, units))
    if freed:
        yield cancel_units(order, sorted(freed), at=at, reason="cancelled elsewhere")


def _use_bookings(order: Order, at: datetime) -> Iterator[Event]:
    """A place in the kitchen or a delivery slot is used up with the goods it was booked for."""
    booked = [one for one in order.fulfillments if one.kind == "booking" and one.live]
    waiting = [one for one in booked if one.state.phase is Phase.WAITING]
    if not waiting or not order.stocked:
        return
    served = [one for one in order.fulfillments if one.live and one.kind != "booking"]
    if served and all(one.state.phase is Phase.DONE or one.astray for one in served):
        yield from advance_fulfillment(order, waiting[0].id, "use", at=at)
    if served or any(order.busy(one) for one in waiting):
        return
    units: dict[str, int] = {}
    for one in booked:
        units |= one.units
    others = [line for line in order.lines if line.id not in units]
    if others and all(line.cancelled == line.ordered for line in others):
        # It was booked for what nobody wants any more.
        freed = sorted(pair for one in waiting for pair in one.units.items())
        yield cancel_units(order, freed, at=at, reason="nothing is left to serve")


_Rule = Callable[["Order", "datetime"], "Iterator[Event]"]

_RULES: Mapping[Phase, tuple[_Rule, ...]] = {
    Phase.PLANNED: (),
    Phase.WAITING: (
        _give_up_unwanted,
        settle_stock,
        settle_labels,
        firm_stock,
        _void_failed,
        _refund_failed,
        _authorize,
        _reauthorize,
        _void_credited,
        _pay_out,
        _confirm,
    ),
    Phase.WORKING: (
        _give_up_unwanted,
        settle_stock,
        settle_labels,
        firm_stock,
        _void_failed,
        _refund_failed,
        _authorize,
        _reauthorize,
        _capture,
        _void_credited,
        _pay_out,
        _use_bookings,
        _complete,
    ),
    Phase.OUT: (settle_stock, settle_labels),
    Phase.DONE: (
        settle_stock,
        settle_labels,
        _void_failed,
        _refund_failed,
        _authorize,
        _reauthorize,
        _capture,
        _void_excess,
        _pay_out,
    ),
    Phase.DROPPED: (settle_stock, settle_labels, _void_all, _pay_out),
}
"""What is looked at in each phase of an order, in this order."""
