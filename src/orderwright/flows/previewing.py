"""A preview: the same flow on real reads, with every write answered as if it had succeeded."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from orderwright.errors import OrderwrightError
from orderwright.fulfillment.shipping import LabelOutcome
from orderwright.payments.operations import PaymentOutcome
from orderwright.requests import CallCarrier, CallProvider, LoadOrder, PostStock, SaveOrder, ask

if TYPE_CHECKING:
    from orderwright.orders.order import Order
    from orderwright.requests import Flow, Request

__all__ = ["previewed"]

T = TypeVar("T")


def previewed(flow: Flow[T]) -> Flow[T]:
    """Return a flow that ends as ``flow`` would if all went well, and writes nothing."""
    saved: dict[str, Order] = {}
    reply: object = None
    error: OrderwrightError | None = None
    while True:
        try:
            request = flow.send(reply) if error is None else flow.throw(error)
        except StopIteration as stop:
            result: T = stop.value
            return result
        error = None
        written, reply = _pretended(request, saved)
        if not written:
            try:
                reply = yield from ask(request)
            except OrderwrightError as raised:
                error = raised


def _pretended(request: Request[object], saved: dict[str, Order]) -> tuple[bool, object]:
    """Return whether ``request`` is not made in earnest, and the reply to it then."""
    if isinstance(request, SaveOrder):
        saved[request.order.id] = request.order
        return True, None
    if isinstance(request, LoadOrder):
        return request.order_id in saved, saved.get(request.order_id)
    if isinstance(request, PostStock):
        return True, None
    if isinstance(request, CallProvider):
        asked = request.request
        reference = asked.reference or f"preview of {asked.payment_id}"
        done = PaymentOutcome(outcome="succeeded", amount=asked.amount, reference=reference)
        return True, done
    if isinstance(request, CallCarrier):
        return True, LabelOutcome(outcome="succeeded")
    return False, None
