"""What Stripe reports by itself, as what a desk is told of it.

Hand in events whose signature Stripe's own library has checked. They come late, twice and out of
order (https://docs.stripe.com/webhooks#event-ordering), so most are only a hint, upon which the
desk looks up what is true.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, NotRequired, TypedDict, cast, final

from orderwright.adapters.stripe.amounts import money
from orderwright.adapters.stripe.folding import OPERATION, STEP, IntentData, RefundData, refunded
from orderwright.errors import InvalidInput
from orderwright.payments.operations import PaymentOutcome
from orderwright.values import quantity, text

if TYPE_CHECKING:
    import stripe

    from orderwright.money import Money

__all__ = ["DisputeNotice", "OperationNotice", "RefundNotice", "notification"]


@final
class OperationNotice(NamedTuple):
    """Something happened to one of our operations: tell ``desk.notify_payment``.

    Without an ``outcome`` it is a hint. With one, it is of what nobody might look up any more: a
    refund that failed in the end, or a charge, which a customer may try again on the same page
    after it was declined. ``sequence`` is when Stripe wrote that, in seconds.
    """

    operation_id: str
    outcome: PaymentOutcome | None = None
    sequence: int = 0


@final
class RefundNotice(NamedTuple):
    """Somebody paid money back at Stripe itself: tell ``desk.record_refund``.

    ``payment`` is Stripe's id of the payment, by which ``desk.find`` knows the order.
    """

    payment: str
    amount: Money
    reference: str


@final
class DisputeNotice(NamedTuple):
    """The customer's bank took money back, and if ``won``, gave it up again.

    Tell ``desk.report_chargeback``, and then, if ``won``, ``desk.report_chargeback_reversal``, both
    with the ``reference``: each counts once, however often and in whatever order it is told.
    """

    payment: str
    amount: Money
    reference: str
    reason: str
    won: bool


class _Data(TypedDict):
    object: object
    previous_attributes: NotRequired[Mapping[str, object] | None]


class _Request(TypedDict):
    idempotency_key: str | None


class _Event(TypedDict):
    type: str
    created: int
    data: _Data
    request: NotRequired[_Request | str | None]


class _Dispute(TypedDict):
    id: str
    status: str
    amount: int
    currency: str
    reason: str
    payment_intent: str | None


Notice = OperationNotice | RefundNotice | DisputeNotice


def notification(event: stripe.Event | Mapping[str, object]) -> Notice | None:
    """Return what a desk has to be told of ``event``; None for what does not concern it.

    Subscribe to ``payment_intent.*``, ``refund.*`` and ``charge.dispute.*``. Raises InvalidInput
    for an amount that cannot be told in our minor units, and for what is no event of Stripe's.
    """
    try:
        notice = _read(event)
    except InvalidInput:
        raise
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        wrong = f"is none of Stripe's: {type(error).__name__}: {error}"
        raise InvalidInput.at("event", wrong) from None
    for name in ("operation_id", "payment", "reference", "reason"):
        text(getattr(notice, name, ""), name)
    return notice


def _read(event: stripe.Event | Mapping[str, object]) -> Notice | None:
    told = cast("_Event", event if isinstance(event, Mapping) else event.to_dict())
    kind, data = told["type"], told["data"]["object"]
    if kind.startswith("payment_intent."):
        return _of_intent(cast("IntentData", data), told)
    if kind.startswith("refund."):
        return _of_refund(cast("RefundData", data), told)
    if kind.startswith("charge.dispute."):
        return _of_dispute(cast("_Dispute", data))
    return None


def _of_intent(intent: IntentData, told: _Event) -> OperationNotice | None:
    """Return the last operation of ours that left its mark on a payment intent."""
    marks = intent.get("metadata") or {}
    first = marks.get(OPERATION)
    if not first:
        return None
    steps = [_step(name.removeprefix(STEP)) for name in marks if name.startswith(STEP)]
    _, number, kind = max(steps, default=(False, 0, ""))
    payment, _, opening = first.rpartition("/")
    if opening.startswith("charge-") and intent["status"] == "succeeded":
        taken = money(intent["amount_received"], intent["currency"])
        outcome = PaymentOutcome(outcome="succeeded", amount=taken, reference=intent["id"])
        return OperationNotice(first, outcome, _sequence(told))
    return OperationNotice(f"{payment}/{kind}-{number}" if number else first)


def _sequence(told: _Event) -> int:
    return quantity(told["created"], "created", least=0)


def _step(name: str) -> tuple[bool, int, str]:
    """Return a step so that they sort as they follow: captures, then what gives the rest back."""
    kind, _, number = name.rpartition("-")
    known = kind in ("capture", "void") and number.isdecimal()
    return known and kind == "void", int(number) if known else 0, kind


def _of_refund(refund: RefundData, told: _Event) -> OperationNotice | RefundNotice | None:
    operation_id = (refund.get("metadata") or {}).get(OPERATION)
    outcome = refunded(refund)
    if operation_id:
        if outcome.outcome == "failed":
            return OperationNotice(operation_id, outcome, _sequence(told))
        return OperationNotice(operation_id)
    payment = refund.get("payment_intent")
    if not payment or outcome.outcome != "succeeded" or _untaken(refund, told):
        return None
    return RefundNotice(payment, outcome.amount, refund["id"])


def _untaken(refund: RefundData, told: _Event) -> bool:
    """Whether it is of money that was never taken: Stripe calls that a refund, too.

    What is cancelled or runs out was never on the account, so its refund has no balance
    transaction; what a capture leaves has one, as all of it is booked and a part reversed
    (https://docs.stripe.com/reports/reporting-categories), and is known by who asked for the
    capture. Later news of it do not say that any more, but neither do they change its status.
    """
    request, before = told.get("request"), told["data"].get("previous_attributes")
    asked = (request.get("idempotency_key") if isinstance(request, Mapping) else None) or ""
    return (
        not refund.get("balance_transaction")
        or refund.get("reason") == "expired_uncaptured_charge"
        or _step(asked.rpartition("/")[2])[1] > 0
        or (before is not None and "status" not in before)
    )


# Neither a mere inquiry of the bank nor a dispute that was prevented takes money:
# https://docs.stripe.com/api/disputes/object#dispute_object-status
_TAKEN = frozenset({"needs_response", "under_review", "won", "lost"})


def _of_dispute(dispute: _Dispute) -> DisputeNotice | None:
    payment = dispute["payment_intent"]
    if not payment or dispute["status"] not in _TAKEN:
        return None
    return DisputeNotice(
        payment=payment,
        amount=money(dispute["amount"], dispute["currency"]),
        reference=dispute["id"],
        reason=dispute["reason"],
        won=dispute["status"] == "won",
    )
