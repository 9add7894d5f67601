"""What Stripe's objects and errors mean in our words. Nothing is called here.

How Stripe tells: https://docs.stripe.com/payments/paymentintents/lifecycle (states),
https://docs.stripe.com/error-low-level (which answers leave open what happened),
https://docs.stripe.com/declines (refusals of the payer's bank).
"""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from json import dumps
from typing import TYPE_CHECKING, NotRequired, TypedDict, cast

import stripe

from orderwright.adapters.stripe.amounts import money
from orderwright.errors import AdapterFault, KeyReused, OutcomeUnknown
from orderwright.payments.operations import PaymentOutcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orderwright.payments.operations import Outcome, PaymentRequest

__all__ = [
    "METHOD",
    "OPERATION",
    "STEP",
    "UNREADABLE",
    "IntentData",
    "RefundData",
    "asks_for",
    "failed",
    "fault",
    "idempotency_key",
    "intent_of",
    "mark",
    "opened",
    "refunded",
    "refused",
    "several_captures",
    "unreadable",
]

ADAPTER = "stripe"
OPERATION = "orderwright"
"""The metadata that names the operation which made a payment intent or a refund."""
STEP = f"{OPERATION}_"
"""How the metadata begins that says what else was done to a payment intent."""
METHOD = f"{OPERATION}.method"
"""The metadata that says by which method a payment intent was to be paid."""
MAX_KEY = 255
"""So long may an idempotency key be: https://docs.stripe.com/api/idempotent_requests."""


# What is read of Stripe's objects ----------------------------------------------------------------


class _Multicapture(TypedDict, total=False):
    status: str


class _Card(TypedDict, total=False):
    capture_before: int | None
    multicapture: _Multicapture | None


class _MethodDetails(TypedDict, total=False):
    card: _Card | None


class _Charge(TypedDict, total=False):
    status: str
    payment_method_details: _MethodDetails | None


class _Error(TypedDict, total=False):
    code: str | None
    decline_code: str | None
    message: str | None
    payment_intent: IntentData | None


class _Redirect(TypedDict, total=False):
    url: str | None


class _NextAction(TypedDict, total=False):
    redirect_to_url: _Redirect | None


class IntentData(TypedDict):
    """What is read of a payment intent, with its ``latest_charge`` expanded."""

    id: str
    status: str
    currency: str
    amount: int
    amount_capturable: int
    amount_received: int
    capture_method: str
    metadata: dict[str, str]
    next_action: _NextAction | None
    last_payment_error: _Error | None
    latest_charge: _Charge | None


class RefundData(TypedDict):
    """What is read of a refund."""

    id: str
    status: str | None
    currency: str
    amount: int
    metadata: dict[str, str]
    payment_intent: str | None
    balance_transaction: NotRequired[str | None]
    reason: NotRequired[str | None]
    failure_reason: NotRequired[str | None]


# Names -------------------------------------------------------------------------------------------


def idempotency_key(operation_id: str) -> str:
    """Return the key for an operation: its id, made fit for a header; one key for each id.

    It ends as the id does, so that an event tells by it which step was asked for.
    """
    key = dumps(operation_id)[1:-1]
    return key if len(key) <= MAX_KEY else sha256(operation_id.encode()).hexdigest() + key[-99:]


def mark(request: PaymentRequest) -> str:
    """Return the metadata by which a payment intent tells that ``request`` was done to it."""
    return f"{STEP}{request.id.rsplit('/', maxsplit=1)[-1]}"


# What became of it -------------------------------------------------------------------------------


# What Stripe does not call over is not over, also if it says so in words that are new.
_OPENED: Mapping[str, Outcome] = {
    "requires_capture": "succeeded",
    "succeeded": "succeeded",
    "processing": "pending",
    "requires_confirmation": "pending",
    "requires_action": "requires_action",
    "requires_payment_method": "declined",
    "canceled": "failed",
}


def opened(request: PaymentRequest, intent: IntentData, *, multicapture: bool) -> PaymentOutcome:
    """Return what became of an authorization, or of a charge in one step."""
    error, charge = intent.get("last_payment_error"), intent.get("latest_charge")
    status = intent["status"]
    outcome = _OPENED.get(status, "pending")
    if status == "canceled" and charge is not None and charge.get("status") == "succeeded":
        outcome = "succeeded"  # it was authorized, and has been given back or has lapsed since
    if outcome == "declined" and (error is None or error.get("code") == _ASK_CUSTOMER):
        outcome = "requires_action"  # to confirm it, or to choose another method for it
    done = outcome == "succeeded"
    authorized = done and request.kind == "authorize"
    card = _card(charge)
    before = card.get("capture_before") if authorized else None
    once = authorized and multicapture and not several_captures(intent)
    return PaymentOutcome(
        outcome=outcome,
        amount=money(intent["amount"], intent["currency"]) if done else request.amount,
        reference=intent["id"],
        reason="" if done else _told(error) if error else f"the payment intent is {status}",
        next_action=_next_action(intent) if outcome == "requires_action" else "",
        expires_at=None if before is None else datetime.fromtimestamp(before, UTC),
        captured_once=once,
    )


_ASK_CUSTOMER = "authentication_required"


def asks_for(intent: IntentData, request: PaymentRequest, method: str) -> bool:
    """Whether ``intent`` was made for what ``request`` asks, with ``method``.

    How the host wants it done, as where customers come back to, may have been another way then; and
    the customer may have paid by another method since.
    """
    manual = request.kind == "authorize"
    return (
        money(intent["amount"], intent["currency"]) == request.amount
        and (intent["capture_method"] == "manual") == manual
        and intent["metadata"].get(METHOD) == method
    )


def _card(charge: _Charge | None) -> _Card:
    details = charge.get("payment_method_details") if charge else None
    return (details.get("card") if details else None) or {}


def several_captures(intent: IntentData) -> bool:
    """Whether the authorization can be captured several times: not every card can."""
    found = _card(intent.get("latest_charge")).get("multicapture")
    return found is not None and found.get("status") == "available"


def _next_action(intent: IntentData) -> str:
    """Return where the customer has to go, or else which payment intent they have to confirm.

    Not the client secret, which Stripe asks not to store: the host gets it with its client.
    """
    action = intent.get("next_action")
    redirect = action.get("redirect_to_url") if action else None
    return (redirect.get("url") if redirect else None) or intent["id"]


_REFUNDED: Mapping[str, Outcome] = {
    "succeeded": "succeeded",
    "pending": "pending",
    # Stripe has written to the customer and waits for them; there is nothing for the shop to do.
    "requires_action": "pending",
    "failed": "failed",
    "canceled": "failed",
}


def refunded(refund: RefundData) -> PaymentOutcome:
    """Return what became of a refund."""
    status = refund["status"] or ""
    outcome = _REFUNDED.get(status, "pending")
    reason = "" if outcome == "succeeded" else refund.get("failure_reason") or status
    return PaymentOutcome(
        outcome=outcome,
        amount=money(refund["amount"], refund["currency"]),
        reference=refund["id"],
        reason=reason,
    )


def failed(request: PaymentRequest, reason: str) -> PaymentOutcome:
    """Return that it is impossible, and that nothing was done."""
    return PaymentOutcome(
        outcome="failed", amount=request.amount, reference=request.reference, reason=reason
    )


# What an error means -----------------------------------------------------------------------------


# Refusals for what the order asks, as opposed to how we ask it.
_OF_THE_ORDER = frozenset({"amount", "amount_to_capture", "currency", "customer", "payment_method"})
_OURS = ("parameter_", "api_key_", "livemode_", "secret_key_", "url_")
_BUSY = "lock_timeout"


def refused(request: PaymentRequest, error: stripe.StripeError) -> PaymentOutcome:
    """Return what an error says of ``request``; raise what it says of Stripe, or of our asking."""
    if isinstance(error, stripe.CardError):
        taking = request.kind in ("authorize", "charge", "capture")
        # Else it is not the payer's bank that says no: Stripe holds too little to pay back, say.
        return _declined(request, error) if taking else failed(request, _told(_data(error)))
    if isinstance(error, stripe.IdempotencyError):
        raise KeyReused(request.id, "request", "(as it was first sent)", "(as it is now)")
    if isinstance(error, stripe.InvalidRequestError) and _impossible(request, error):
        return failed(request, _told(_data(error)))
    raise fault(request, error) from error


def fault(request: PaymentRequest, error: stripe.StripeError) -> AdapterFault:
    """Return what an error means that is no answer to ``request``."""
    told = _data(error)
    detail = f"{request.id}: {_told(told)}"
    if isinstance(error, _CERTAIN):
        return AdapterFault(ADAPTER, detail)
    # Who is turned away at the door was not served. But while the key is in use, the first request
    # is being served; and of a 500 Stripe says that it may have happened.
    if isinstance(error, stripe.RateLimitError) or told.get("code") == _BUSY:
        return AdapterFault(ADAPTER, detail, retryable=True)
    return OutcomeUnknown(ADAPTER, detail, retryable=True)


UNREADABLE = (AttributeError, LookupError, TypeError, ValueError)
"""What comes of reading an answer that is none of Stripe's, but of something on the way to it."""


def unreadable(request: PaymentRequest, error: Exception) -> OutcomeUnknown:
    """Return what such an answer means: whatever was asked may have happened."""
    detail = f"{request.id}: the answer is none of Stripe's: {type(error).__name__}: {error}"
    return OutcomeUnknown(ADAPTER, detail, retryable=True)


_CERTAIN = (stripe.InvalidRequestError, stripe.AuthenticationError, stripe.PermissionError)


def _declined(request: PaymentRequest, error: stripe.CardError) -> PaymentOutcome:
    told = _data(error)
    intent = told.get("payment_intent")
    opening = request.kind in ("authorize", "charge")
    ask = opening and intent is not None and told.get("code") == _ASK_CUSTOMER
    return PaymentOutcome(
        outcome="requires_action" if ask else "declined",
        amount=request.amount,
        reference=intent["id"] if opening and intent else request.reference,
        reason=_told(told),
        next_action=_next_action(intent) if ask and intent else "",
    )


def intent_of(error: stripe.StripeError) -> str:
    """Return the id of the payment intent that an error is about; empty if it names none."""
    intent = _data(error).get("payment_intent")
    return intent["id"] if intent else ""


def _impossible(request: PaymentRequest, error: stripe.InvalidRequestError) -> bool:
    """Whether it is the order that asks for something impossible: too much, too late, unknown."""
    if error.param in _OF_THE_ORDER:
        return True
    code = _data(error).get("code") or ""
    return request.kind not in ("authorize", "charge") and not code.startswith(_OURS)


def _data(error: stripe.StripeError) -> _Error:
    body = error.json_body
    found = cast("dict[str, object]", body).get("error") if isinstance(body, dict) else None
    if not isinstance(found, dict):
        return {"message": error.user_message or type(error).__name__}
    return cast("_Error", found)


def _told(error: _Error) -> str:
    """Return an error for people: its code, the bank's own, and what Stripe says of it."""
    codes = [one for one in (error.get("code"), error.get("decline_code")) if one]
    return ": ".join([" ".join(codes), error.get("message") or ""]).strip(": ")
