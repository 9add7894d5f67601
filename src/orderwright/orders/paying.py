"""What people, providers and banks say about an order's money, as functions to events.

Like :mod:`orderwright.orders.commands`: a command may be refused, a report never is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from attrs import frozen

from orderwright.errors import (
    AmountRefused,
    BrokenPromise,
    IllegalTransition,
    InvalidInput,
    NotFound,
    OnHold,
)
from orderwright.lifecycles import Phase, State
from orderwright.money import Money, total
from orderwright.orders.commands import open_exception
from orderwright.orders.events import (
    Event,
    MoneyMoved,
    MoneyRequested,
    PaymentReported,
    PaymentsAdded,
)
from orderwright.orders.placement import payments_of
from orderwright.payments.operations import Movement
from orderwright.payments.payment import Payment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from orderwright.orders.order import Order
    from orderwright.payments.operations import PaymentOutcome
    from orderwright.payments.payment import PaymentOperation, Tender

__all__ = [
    "Moved",
    "add_payments",
    "lapse",
    "pay_out_to",
    "report_movement",
    "report_payment",
    "request_money",
]


def add_payments(order: Order, tenders: Sequence[Tender], *, at: datetime) -> PaymentsAdded:
    """Offer further tenders; one without an amount takes what is not covered yet.

    Raises IllegalTransition if the order is given up, AmountRefused if nothing is left to cover.
    Money that has yet to arrive beforehand covers nothing, so another tender may take its place.
    """
    if order.state.phase in (Phase.PLANNED, Phase.DROPPED):
        raise IllegalTransition("order", order.state.name, "pay", order.allowed(), order.id)
    uncovered = order.uncovered
    if not uncovered:
        raise AmountRefused(
            "pay what is left",
            asked=total((one.amount for one in tenders if one.amount), order.currency),
            limit=uncovered,
            order_id=order.id,
            allowed=order.allowed(),
        )
    payments = payments_of(
        tenders,
        uncovered,
        batch=_next_batch(order),
        first=len(order.payments) + 1,
        at=at,
    )
    return PaymentsAdded(tenders=tuple(tenders), payments=payments, at=at)


def _next_batch(order: Order) -> int:
    return 1 + max((one.batch for one in order.payments), default=0)


def request_money(
    order: Order,
    action: Literal["capture", "refund"],
    *,
    amount: Money | None,
    payment_id: str,
    reason: str,
    at: datetime,
) -> MoneyRequested:
    """Ask for money by hand; :mod:`orderwright.orders.processing` works out what it comes to.

    Raises OnHold, and AmountRefused if ``amount`` is more than is authorized (capture), or than
    is owed to the customer and providers can pay back (refund), or if there is nothing to move.
    """
    hold = order.blocked(action)
    if hold is not None:
        raise OnHold(hold.name, action, order.id, order.allowed())
    payments = (order.payment(payment_id),) if payment_id else order.payments
    if action == "capture":
        limit = total((one.capturable for one in payments), order.currency)
    else:
        there = sum(one.sums.returnable for one in payments)
        limit = min(order.payout, Money(there, order.currency))
    asked = limit if amount is None else amount
    if asked.minor <= 0 or asked > limit:
        raise AmountRefused(
            f"{action} what there is",
            asked=asked,
            limit=limit,
            order_id=order.id,
            allowed=order.allowed(),
        )
    return MoneyRequested(action=action, amount=amount, payment_id=payment_id, reason=reason, at=at)


def pay_out_to(
    order: Order, to: Tender, *, amount: Money | None, reason: str, at: datetime
) -> tuple[PaymentsAdded, MoneyRequested]:
    """Ask for what is owed to the customer to be paid out to a tender of its own.

    Raises OnHold, and AmountRefused for more than is owed, or if nothing is.
    """
    hold = order.blocked("refund")
    if hold is not None:
        raise OnHold(hold.name, "refund", order.id, order.allowed())
    asked = order.payout if amount is None else amount
    if asked.minor <= 0 or asked > order.payout:
        raise AmountRefused(
            "pay out what is owed",
            asked=asked,
            limit=order.payout,
            order_id=order.id,
            allowed=order.allowed(),
        )
    payment = Payment(
        id=f"p{len(order.payments) + 1}",
        method=to.method,
        amount=Money.zero(order.currency),
        instrument=to.instrument,
        batch=_next_batch(order),
    )
    added = PaymentsAdded(tenders=(), payments=(payment,), at=at)
    return added, MoneyRequested(
        action="refund", amount=amount, payment_id=payment.id, reason=reason, to=to, at=at
    )


# What a provider reports ---------------------------------------------------------------------


def report_payment(
    order: Order,
    operation_id: str,
    outcome: PaymentOutcome,
    *,
    at: datetime,
    sequence: int = 0,
    several_captures: bool = True,
) -> tuple[Event, ...]:
    """Record what a provider says became of an operation, in whatever order and however often.

    Without ``several_captures`` a capture gives back what it leaves of its authorization: that
    has lapsed with it.

    A repeated report, and one with an older ``sequence``, is a no-op. A report that the table of
    payment operations does not permit opens the exception ``payment_contradiction``; so does one
    that what was refused, and made good meanwhile, was done after all. A refused capture, void or
    refund opens ``capture_refused`` (and so on), one of another amount than asked
    ``capture_differs``, a refusal to authorize anew ``reauthorize_refused``, and the next one waits
    until that is resolved. Raises NotFound for an unknown operation, BrokenPromise for another
    currency.
    """
    for payment in order.payments:
        operation = payment.operation(operation_id)
        if operation is not None:
            break
    else:
        raise NotFound("payment operation", operation_id, order.id)
    if outcome.amount.currency != order.currency:
        raise BrokenPromise("payments", f"{operation_id} answered {outcome.amount}")
    if sequence and sequence <= operation.sequence:
        return ()
    lifecycle = order.lifecycles.payment_operation
    if outcome.outcome in lifecycle.allowed(operation.state):
        state = lifecycle.step(operation.state, outcome.outcome)
    elif _said_anew(operation, outcome, sequence):
        state = operation.state
    else:
        detail = _contradicts(operation, outcome, numbered=sequence > 0)
        return open_exception(order, "payment_contradiction", detail, at=at) if detail else ()
    under_way = state.phase is Phase.WORKING
    reported = PaymentReported(
        payment_id=payment.id,
        operation_id=operation_id,
        state=state,
        amount=outcome.amount if state.phase is Phase.DONE else operation.amount,
        reference=outcome.reference,
        reason=outcome.reason,
        sequence=max(sequence, operation.sequence),
        due_at=at + order.policy.patience if under_way else None,
        next_action=outcome.next_action if under_way else "",
        expires_at=outcome.expires_at,
        captured_once=operation.kind == "authorize"
        and (outcome.captured_once or not several_captures),
        at=at,
    )
    given_back = _given_back(order, operation, reported, several_captures=several_captures)
    troubles = _troubles(order, payment, operation, reported)
    if operation.state.phase is Phase.DROPPED and _too_much(order, operation, reported):
        detail = _contradicts(operation, outcome, numbered=False)
        troubles += open_exception(order, "payment_contradiction", detail, at=at)
    return (reported, *given_back, *troubles)


def _too_much(order: Order, operation: PaymentOperation, reported: PaymentReported) -> bool:
    """Whether a no that is a yes after all moved too much, as it was made good meanwhile."""
    after = order.after((reported,))
    if operation.kind == "refund":
        return after.balance.minor < 0
    return operation.kind in ("capture", "charge") and after.payout.minor > 0


def _given_back(
    order: Order, operation: PaymentOperation, reported: PaymentReported, *, several_captures: bool
) -> Iterator[MoneyMoved]:
    """What a capture leaves of an authorization that can be captured once."""
    if operation.kind != "capture" or reported.state.phase is not Phase.DONE:
        return
    after = order.after((reported,))
    payment = after.payment(reported.payment_id)
    once = any(one.captured_once for one in payment.operations if one.reference == operation.on)
    if (once or not several_captures) and payment.open_authorization:
        yield lapse(after, payment.id, reason="given back with its capture", at=reported.at)


def _said_anew(operation: PaymentOperation, outcome: PaymentOutcome, sequence: int) -> bool:
    """Whether a report of the state it is in is news: a later number, or another thing to do."""
    if not operation.in_flight or outcome.outcome != operation.state.name:
        return False
    return sequence > operation.sequence or outcome.next_action != operation.next_action


def _troubles(
    order: Order, payment: Payment, operation: PaymentOperation, reported: PaymentReported
) -> tuple[Event, ...]:
    """What a person has to look at first: asking again at once would only come out the same."""
    dropped = reported.state.phase is Phase.DROPPED
    kind = operation.kind
    if kind in ("authorize", "charge"):
        # The first refusal is an outcome that waits for another tender; the next ones are not.
        first = next(one for one in payment.operations if one.kind in ("authorize", "charge"))
        if not dropped or operation is first:
            return ()
        kind_refused = "reauthorize"
    else:
        kind_refused = kind
    if dropped:
        detail = f"{operation.id}: {reported.reason}".rstrip(": ")
        return open_exception(order, f"{kind_refused}_refused", detail, at=reported.at)
    if reported.state.phase is Phase.DONE and reported.amount != operation.amount:
        detail = f"{operation.id}: asked {operation.amount}, done {reported.amount}"
        return open_exception(order, f"{kind}_differs", detail, at=reported.at)
    return ()


def _contradicts(operation: PaymentOperation, outcome: PaymentOutcome, *, numbered: bool) -> str:
    """What is contradictory in a report that is no step of the table; nothing in an old one."""
    said, now = operation.state.name, outcome.outcome
    if now == said == "succeeded" and numbered and outcome.amount != operation.amount:
        return f"{operation.id} was {operation.amount}, now reported {outcome.amount}"
    if operation.in_flight or now in (said, "pending", "unknown", "requires_action"):
        return ""
    return f"{operation.id} was {said}, now reported {now}"


# What moved by itself ------------------------------------------------------------------------


@final
@frozen(kw_only=True)
class Moved:
    """A report of money that moved by itself: on a named payment, or by some ``method``."""

    kind: Movement
    amount: Money
    payment_id: str = ""
    method: str = ""
    reference: str = ""
    reason: str = ""


def report_movement(order: Order, moved: Moved, *, at: datetime) -> tuple[Event, ...]:
    """Record that money moved by itself, in any state of the order.

    One told by its ``method`` belongs to the payment that has it already (by its reference), waits
    for it or has some to give back; if there is none, a payment is added. The same reference again
    is a no-op; with another amount it opens the exception ``payment_contradiction``. What
    contradicts the order opens ``paid_after_cancellation``, ``repaid_too_much``, ``charged_back``
    (every chargeback does) or ``reversed_too_much``. Raises NotFound for an unknown payment,
    InvalidInput for another currency.
    """
    if moved.amount.currency != order.currency:
        wrong = f"{moved.amount}: the order is in {order.currency}"
        raise InvalidInput.at("amount", wrong)
    payment = order.payment(moved.payment_id) if moved.payment_id else _payment_by(order, moved)
    events: list[Event] = []
    if payment is None:
        payment = Payment(
            id=f"p{len(order.payments) + 1}",
            method=moved.method,
            amount=moved.amount if moved.kind == "receipt" else Money.zero(order.currency),
            batch=_next_batch(order),
            collected="beforehand",
        )
        events.append(PaymentsAdded(tenders=(), payments=(payment,), at=at))
    known = next(
        (found for one in (payment, *order.payments) if (found := _known(one, moved))), None
    )
    if known is not None:
        if known.amount == moved.amount:
            return ()
        detail = f"{known.id} was {known.amount}, now reported {moved.amount}"
        return open_exception(order, "payment_contradiction", detail, at=at)
    event = _movement(order, payment, moved, at)
    return (*events, event, *_surprises(order, payment, event))


def _payment_by(order: Order, moved: Moved) -> Payment | None:
    by_method = [one for one in order.payments if one.method == moved.method]
    for payment in by_method:
        if _known(payment, moved) is not None:
            return payment
    for payment in by_method:
        if payment.outstanding if moved.kind == "receipt" else payment.sums.kept > 0:
            return payment
    return None


def _known(payment: Payment, moved: Moved) -> PaymentOperation | None:
    """The movement of that kind and reference, if it was told before."""
    if moved.reference:
        for one in payment.operations:
            if (one.kind, one.reference) == (moved.kind, moved.reference):
                return one
    return None


def _movement(order: Order, payment: Payment, moved: Moved, at: datetime) -> MoneyMoved:
    return MoneyMoved(
        payment_id=payment.id,
        kind=moved.kind,
        operation_id=payment.next_id(order.id, moved.kind),
        amount=moved.amount,
        state=_moved_state(order),
        method=moved.method,
        reference=moved.reference,
        reason=moved.reason,
        at=at,
    )


def _moved_state(order: Order) -> State:
    lifecycle = order.lifecycles.payment_operation
    return lifecycle.step(lifecycle.initial, "succeeded")


def _surprises(order: Order, payment: Payment, event: MoneyMoved) -> Iterator[Event]:
    """The exceptions that money opens by having moved."""
    figures, minor = order.figures, event.amount.minor
    found = {
        "receipt": ("paid_after_cancellation", order.state.phase is Phase.DROPPED),
        "repayment": ("repaid_too_much", minor > figures.kept - figures.refunding),
        "chargeback": ("charged_back", True),
        "reversal": ("reversed_too_much", minor > payment.sums.charged_back),
    }
    code, surprising = found[event.kind]
    if surprising:
        detail = f"{event.operation_id}: {event.amount}"
        detail += f" ({event.reason})" if event.reason else ""
        yield from open_exception(order, code, detail, at=event.at)


def lapse(order: Order, payment_id: str, *, at: datetime, reason: str = "") -> MoneyMoved:
    """Record that what is authorized on a payment has lapsed."""
    payment = order.payment(payment_id)
    lapsed = Moved(
        kind="lapse", amount=payment.open_authorization, payment_id=payment_id, reason=reason
    )
    return _movement(order, payment, lapsed, at)
