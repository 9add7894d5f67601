"""The calls to Stripe, each as both kinds of client make it; what is answered is plain data."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Mapping
from typing import TYPE_CHECKING, TypeVar, cast, final

import stripe

from orderwright.adapters.stripe.folding import OPERATION, IntentData, RefundData

if TYPE_CHECKING:
    from stripe.params import (
        PaymentIntentCaptureParams,
        PaymentIntentCreateParams,
        PaymentIntentListParams,
        RefundCreateParams,
        RefundListParams,
    )

__all__ = [
    "Call",
    "Steps",
    "cancel",
    "capture",
    "create",
    "find_intent",
    "find_refund",
    "refund",
    "replayed",
    "retrieve",
    "retrieve_refund",
    "run",
    "run_async",
]

T = TypeVar("T")
_CHARGE = ["latest_charge"]
_PAGE = 100


@final
class Call:
    """A call, as each kind of client makes it."""

    __slots__ = ("at_once", "awaited")

    def __init__(
        self,
        at_once: Callable[[stripe.StripeClient], stripe.StripeObject],
        awaited: Callable[[stripe.StripeClient], Awaitable[stripe.StripeObject]],
    ) -> None:
        self.at_once: Callable[[stripe.StripeClient], stripe.StripeObject] = at_once
        self.awaited: Callable[[stripe.StripeClient], Awaitable[stripe.StripeObject]] = awaited


Steps = Generator[Call, stripe.StripeObject, T]
"""Calls to make one after the other, and what comes of them; errors are thrown in."""


def run(steps: Steps[T], client: stripe.StripeClient) -> T:
    """Make the calls with a sync client."""
    try:
        call = next(steps)
        while True:
            try:
                made = call.at_once(client)
            except Exception as error:  # noqa: BLE001 - it is the steps' to handle
                call = steps.throw(error)
            else:
                call = steps.send(made)
    except StopIteration as stop:
        done: T = stop.value
        return done


async def run_async(steps: Steps[T], client: stripe.StripeClient) -> T:
    """Make the calls, awaiting each."""
    try:
        call = next(steps)
        while True:
            try:
                made = await call.awaited(client)
            except Exception as error:  # noqa: BLE001 - it is the steps' to handle
                call = steps.throw(error)
            else:
                call = steps.send(made)
    except StopIteration as stop:
        done: T = stop.value
        return done


def replayed(headers: Mapping[str, str] | None) -> bool:
    """Whether Stripe only repeats what it once answered to the same key.

    What it says was true then, and may not be now.
    """
    return headers is not None and headers.get("idempotent-replayed") == "true"


def _data(call: Call) -> Steps[tuple[object, bool]]:
    """Make ``call``; return what was answered, and whether Stripe only repeats itself."""
    response = (yield call).last_response
    assert response is not None, "an answer to a call has a response"
    return response.data, replayed(response.headers)


def _once(key: str) -> stripe.RequestOptions:
    return {"idempotency_key": key}


def create(params: PaymentIntentCreateParams, key: str) -> Steps[tuple[IntentData, bool]]:
    """Make a payment intent; also tell whether this is what was answered to the key before."""
    call = Call(
        lambda client: client.v1.payment_intents.create(params, _once(key)),
        lambda client: client.v1.payment_intents.create_async(params, _once(key)),
    )
    return cast("tuple[IntentData, bool]", (yield from _data(call)))


def retrieve(intent_id: str) -> Steps[IntentData]:
    """Read a payment intent as it is now."""
    call = Call(
        lambda client: client.v1.payment_intents.retrieve(intent_id, {"expand": _CHARGE}),
        lambda client: client.v1.payment_intents.retrieve_async(intent_id, {"expand": _CHARGE}),
    )
    return cast("IntentData", (yield from _data(call))[0])


def capture(
    intent_id: str, params: PaymentIntentCaptureParams, key: str
) -> Steps[tuple[IntentData, bool]]:
    """Capture a payment intent; also tell whether this is what was answered to the key before."""
    call = Call(
        lambda client: client.v1.payment_intents.capture(intent_id, params, _once(key)),
        lambda client: client.v1.payment_intents.capture_async(intent_id, params, _once(key)),
    )
    return cast("tuple[IntentData, bool]", (yield from _data(call)))


def cancel(intent_id: str, key: str) -> Steps[IntentData]:
    """Cancel a payment intent."""
    call = Call(
        lambda client: client.v1.payment_intents.cancel(intent_id, {}, _once(key)),
        lambda client: client.v1.payment_intents.cancel_async(intent_id, {}, _once(key)),
    )
    return cast("IntentData", (yield from _data(call))[0])


def refund(params: RefundCreateParams, key: str) -> Steps[tuple[RefundData, bool]]:
    """Make a refund; also tell whether this is what was answered to the key before."""
    call = Call(
        lambda client: client.v1.refunds.create(params, _once(key)),
        lambda client: client.v1.refunds.create_async(params, _once(key)),
    )
    return cast("tuple[RefundData, bool]", (yield from _data(call)))


def retrieve_refund(refund_id: str) -> Steps[RefundData]:
    """Read a refund as it is now."""
    call = Call(
        lambda client: client.v1.refunds.retrieve(refund_id),
        lambda client: client.v1.refunds.retrieve_async(refund_id),
    )
    return cast("RefundData", (yield from _data(call))[0])


# Lists, not searches: what was just written may be missing from a search for a minute, and longer
# when Stripe has trouble (https://docs.stripe.com/search#data-freshness).


def find_intent(operation_id: str, customer: str) -> Steps[IntentData | None]:
    """Return the payment intent that the operation made for ``customer``, if it made one."""

    def page(after: str) -> Call:
        params: PaymentIntentListParams = {
            "customer": customer,
            "limit": _PAGE,
            "expand": ["data.latest_charge"],
        }
        if after:
            params["starting_after"] = after
        return Call(
            lambda client: client.v1.payment_intents.list(params),
            lambda client: client.v1.payment_intents.list_async(params),
        )

    return cast("IntentData | None", (yield from _found(operation_id, page)))


def find_refund(operation_id: str, intent_id: str) -> Steps[RefundData | None]:
    """Return the refund that the operation made of a payment intent, if it made one."""

    def page(after: str) -> Call:
        params: RefundListParams = {"payment_intent": intent_id, "limit": _PAGE}
        if after:
            params["starting_after"] = after
        return Call(
            lambda client: client.v1.refunds.list(params),
            lambda client: client.v1.refunds.list_async(params),
        )

    return cast("RefundData | None", (yield from _found(operation_id, page)))


def _found(operation_id: str, page: Callable[[str], Call]) -> Steps[IntentData | RefundData | None]:
    """Leaf through a list, newest first, for what names the operation."""
    after = ""
    while True:
        answer = cast("Mapping[str, object]", (yield from _data(page(after)))[0])
        listed = cast("list[IntentData | RefundData]", answer["data"])
        for one in listed:
            if (one.get("metadata") or {}).get(OPERATION) == operation_id:
                return one
        if not answer["has_more"]:
            return None
        after = listed[-1]["id"]
