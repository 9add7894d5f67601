"""The payment port at Stripe. What is asked in which order is written once, for both clients."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple, TypeVar, final

import stripe

from orderwright.adapters.stripe import calls
from orderwright.adapters.stripe.amounts import money, smallest
from orderwright.adapters.stripe.calls import Steps, replayed, run, run_async
from orderwright.adapters.stripe.folding import (
    METHOD,
    OPERATION,
    UNREADABLE,
    IntentData,
    asks_for,
    failed,
    fault,
    idempotency_key,
    intent_of,
    mark,
    opened,
    refunded,
    refused,
    several_captures,
    unreadable,
)
from orderwright.errors import InvalidInput
from orderwright.payments.operations import PaymentOutcome
from orderwright.ports import PaymentCapabilities

if TYPE_CHECKING:
    from stripe.params import PaymentIntentCaptureParams, PaymentIntentCreateParams

    from orderwright.payments.operations import Outcome, PaymentRequest
    from orderwright.ports import Finding

__all__ = ["AsyncStripePayments", "StripePayments"]

T = TypeVar("T")


@final
class _Terms(NamedTuple):
    """How the host wants to be paid."""

    off_session: bool
    return_url: str
    multicapture: bool


class _AtStripe:
    """What both adapters are made of."""

    def __init__(
        self,
        client: stripe.StripeClient,
        *,
        off_session: bool = True,
        return_url: str = "",
        multicapture: bool = False,
    ) -> None:
        self._client: stripe.StripeClient = client
        self._terms: _Terms = _Terms(off_session, return_url, multicapture)
        # Keys may be removed after 24 hours: https://docs.stripe.com/api/idempotent_requests
        self.capabilities: PaymentCapabilities = PaymentCapabilities(
            several_captures=multicapture, partial_void=False, key_retention=timedelta(hours=24)
        )


@final
class StripePayments(_AtStripe):
    """Payments at Stripe, through ``client`` as it is configured.

    ``off_session`` says that the customer is not there to be asked when what they saved is used;
    without, and with a ``return_url`` to come back to, they are sent to their bank where that is
    wanted. ``multicapture`` is for accounts for which Stripe has enabled it; else the first capture
    of an authorization gives back what it leaves.
    """

    def authorize(self, request: PaymentRequest) -> PaymentOutcome:
        """See :meth:`.PaymentPort.authorize`."""
        return run(_performed(_open, request, self._terms), self._client)

    def capture(self, request: PaymentRequest) -> PaymentOutcome:
        """See :meth:`.PaymentPort.capture`."""
        return run(_performed(_capture, request, self._terms), self._client)

    def charge(self, request: PaymentRequest) -> PaymentOutcome:
        """See :meth:`.PaymentPort.charge`."""
        return run(_performed(_open, request, self._terms), self._client)

    def void(self, request: PaymentRequest) -> PaymentOutcome:
        """See :meth:`.PaymentPort.void`."""
        return run(_performed(_void, request, self._terms), self._client)

    def refund(self, request: PaymentRequest) -> PaymentOutcome:
        """See :meth:`.PaymentPort.refund`."""
        return run(_performed(_refund, request, self._terms), self._client)

    def look_up(self, request: PaymentRequest) -> Finding:
        """See :meth:`.PaymentPort.look_up`."""
        return run(_looked_up(request, self._terms), self._client)


@final
class AsyncStripePayments(_AtStripe):
    """The same as :class:`StripePayments`; the client's ``http_client`` has to be an async one."""

    async def authorize(self, request: PaymentRequest) -> PaymentOutcome:
        """See :meth:`.PaymentPort.authorize`."""
        return await run_async(_performed(_open, request, self._terms), self._client)

    async def capture(self, request: PaymentRequest) -> PaymentOutcome:
        """See :meth:`.PaymentPort.capture`."""
        return await run_async(_performed(_capture, request, self._terms), self._client)

    async def charge(self, request: PaymentRequest) -> PaymentOutcome:
        """See :meth:`.PaymentPort.charge`."""
        return await run_async(_performed(_open, request, self._terms), self._client)

    async def void(self, request: PaymentRequest) -> PaymentOutcome:
        """See :meth:`.PaymentPort.void`."""
        return await run_async(_performed(_void, request, self._terms), self._client)

    async def refund(self, request: PaymentRequest) -> PaymentOutcome:
        """See :meth:`.PaymentPort.refund`."""
        return await run_async(_performed(_refund, request, self._terms), self._client)

    async def look_up(self, request: PaymentRequest) -> Finding:
        """See :meth:`.PaymentPort.look_up`."""
        return await run_async(_looked_up(request, self._terms), self._client)


# What each verb asks -----------------------------------------------------------------------------

_Verb = Callable[["PaymentRequest", _Terms], Steps[PaymentOutcome]]


def _performed(verb: _Verb, request: PaymentRequest, terms: _Terms) -> Steps[PaymentOutcome]:
    """Do what ``verb`` does, unless it cannot be asked at all; fold what goes wrong."""
    unfit = _unfit(request)
    if unfit:
        return failed(request, unfit)
    try:
        return (yield from verb(request, terms))
    except stripe.StripeError as error:
        return refused(request, error)
    except UNREADABLE as error:
        raise unreadable(request, error) from error


def _unfit(request: PaymentRequest) -> str:
    """Return why Stripe cannot even be asked; empty if it can."""
    try:
        smallest(request.amount)
    except InvalidInput as wrong:
        return str(wrong)
    if request.kind not in ("authorize", "charge"):
        return "" if request.reference else "Stripe pays back, and captures, only what it has"
    customer, method = _customer_and_method(request)
    if customer and method:
        return ""
    return f"the instrument {request.instrument!r} is none of the form 'cus_…/pm_…'"


def _customer_and_method(request: PaymentRequest) -> tuple[str, str]:
    """Return whose instrument it is, and which.

    Only what is attached to a customer can be used again, as for an authorization made anew; and
    the payments of a customer can be listed, by which an operation is found.
    """
    customer, _, method = request.instrument.partition("/")
    return customer, method


def _opening(request: PaymentRequest, terms: _Terms) -> PaymentIntentCreateParams:
    customer, method = _customer_and_method(request)
    params: PaymentIntentCreateParams = {
        "amount": smallest(request.amount),
        "currency": request.amount.currency.lower(),
        "customer": customer,
        "payment_method": method,
        # What types there may be is said on the account; only, there has to be a way back.
        "automatic_payment_methods": {
            "enabled": True,
            "allow_redirects": "always" if terms.return_url else "never",
        },
        "capture_method": "manual" if request.kind == "authorize" else "automatic",
        "confirm": True,
        "off_session": terms.off_session,
        "metadata": {OPERATION: request.id, METHOD: method},
        "expand": ["latest_charge"],
    }
    if terms.return_url:
        params["return_url"] = terms.return_url
    if terms.multicapture and request.kind == "authorize":
        params["payment_method_options"] = {"card": {"request_multicapture": "if_available"}}
    return params


def _open(request: PaymentRequest, terms: _Terms) -> Steps[PaymentOutcome]:
    """Authorize, or charge in one step."""
    params = _opening(request, terms)
    try:
        intent, again = yield from calls.create(params, idempotency_key(request.id))
    except stripe.IdempotencyError as reused:
        # What Stripe compares has in it how the host wants to be paid, which it may have changed.
        customer, method = _customer_and_method(request)
        found = yield from _looked_for(calls.find_intent(request.id, customer), reused)
        if found is None or not asks_for(found, request, method):
            raise
        return opened(request, found, multicapture=terms.multicapture)
    except stripe.CardError as error:
        known = intent_of(error)
        if not known or not replayed(error.headers):
            return refused(request, error)
    else:
        known = intent["id"]
        if not again:
            return opened(request, intent, multicapture=terms.multicapture)
    # The customer may have confirmed it since.
    intent = yield from calls.retrieve(known)
    return opened(request, intent, multicapture=terms.multicapture)


def _looked_for(steps: Steps[T], reused: stripe.IdempotencyError) -> Steps[T]:
    """Look for what a key was used for; raise that it was ``reused`` if Stripe will not tell.

    That it will not says nothing of what was done under the key.
    """
    try:
        return (yield from steps)
    except (stripe.InvalidRequestError, stripe.PermissionError, stripe.AuthenticationError):
        raise reused from None


def _capture(request: PaymentRequest, terms: _Terms) -> Steps[PaymentOutcome]:
    amount = smallest(request.amount)
    params: PaymentIntentCaptureParams = {
        "amount_to_capture": amount,
        "metadata": {mark(request): str(amount)},
    }
    if terms.multicapture and several_captures((yield from calls.retrieve(request.reference))):
        params["final_capture"] = False
    return (yield from _captured(request, params))


def _captured(request: PaymentRequest, params: PaymentIntentCaptureParams) -> Steps[PaymentOutcome]:
    key = idempotency_key(request.id)
    try:
        intent, again = yield from calls.capture(request.reference, params, key)
    except stripe.IdempotencyError as reused:
        # See _open; what was done of it is marked.
        intent = yield from _looked_for(calls.retrieve(request.reference), reused)
        if (intent.get("metadata") or {}).get(mark(request)) != str(smallest(request.amount)):
            raise
        return _done(request, intent)
    if again:
        intent = yield from calls.retrieve(request.reference)
    return _done(request, intent)


def _done(request: PaymentRequest, intent: IntentData) -> PaymentOutcome:
    """Return that what was asked of a payment intent was done; or is being done.

    All of it: Stripe captures what it was told or nothing. But it gives back whatever is left, and
    another capture may have come first.
    """
    amount, taken, status = request.amount, intent["amount_received"], intent["status"]
    if request.kind == "void" and taken:
        amount = money(intent["amount"] - taken, intent["currency"])
    outcome: Outcome = "pending" if status == "processing" else "succeeded"
    if request.kind == "capture" and outcome == "succeeded" and not taken:
        return failed(request, f"the payment intent is {status}, and nothing was captured")
    return PaymentOutcome(outcome=outcome, amount=amount, reference=request.reference)


def _void(request: PaymentRequest, _: _Terms) -> Steps[PaymentOutcome]:
    amount = smallest(request.amount)
    intent = yield from calls.retrieve(request.reference)
    if intent["status"] == "requires_capture" and intent["amount_capturable"] != amount:
        return failed(request, f"only all of the {intent['amount_capturable']} can be given back")
    if intent["amount_received"]:
        # What was captured in part is not cancelled: its last capture is of nothing.
        # https://docs.stripe.com/payments/multicapture
        last: PaymentIntentCaptureParams = {
            "amount_to_capture": 0,
            "final_capture": True,
            "metadata": {mark(request): str(amount)},
        }
        return (yield from _captured(request, last))
    cancelled = yield from calls.cancel(request.reference, idempotency_key(request.id))
    return _done(request, cancelled)


def _refund(request: PaymentRequest, _: _Terms) -> Steps[PaymentOutcome]:
    refund, again = yield from calls.refund(
        {
            "payment_intent": request.reference,
            "amount": smallest(request.amount),
            "metadata": {OPERATION: request.id},
        },
        idempotency_key(request.id),
    )
    if again:
        refund = yield from calls.retrieve_refund(refund["id"])
    return refunded(refund)


# Looking up --------------------------------------------------------------------------------------


def _looked_up(request: PaymentRequest, terms: _Terms) -> Steps[Finding]:
    """Look for what names the operation; what counts is how things are at Stripe now."""
    if _unfit(request):
        return "not_found"  # it cannot have been sent
    try:
        return (yield from _found(request, terms))
    except stripe.StripeError as error:
        if isinstance(error, stripe.InvalidRequestError) and error.code == "resource_missing":
            return "not_found"
        wrong = fault(request, error)
        if wrong.retryable:
            return "unsure"
        raise wrong from error
    except UNREADABLE:
        return "unsure"


def _found(request: PaymentRequest, terms: _Terms) -> Steps[Finding]:
    if request.kind in ("authorize", "charge"):
        customer, _ = _customer_and_method(request)
        intent = yield from calls.find_intent(request.id, customer)
        if intent is None:
            return "not_found"
        return opened(request, intent, multicapture=terms.multicapture)
    if request.kind == "refund":
        refund = yield from calls.find_refund(request.id, request.reference)
        return "not_found" if refund is None else refunded(refund)
    intent = yield from calls.retrieve(request.reference)
    whole = intent["status"] == "canceled" and intent["amount"] == smallest(request.amount)
    if (whole and request.kind == "void") or mark(request) in (intent.get("metadata") or {}):
        return _done(request, intent)
    return "not_found"
