"""A preview: the same flow on real reads, with every write answered as if it had succeeded."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from orderwright.fulfillment.shipping import LabelOutcome
from orderwright.payments.operations import PaymentOutcome
from orderwright.requests import (
    CallCarrier,
    CallProvider,
    LoadOrder,
    LoadWithKey,
    PostStock,
    SaveOrder,
    ask,
    relayed,
)

if TYPE_CHECKING:
    from orderwright.orders.events import Event
    from orderwright.orders.order import Order
    from orderwright.requests import Flow, Request

__all__ = ["previewed"]

T = TypeVar("T")


def previewed(flow: Flow[T]) -> Flow[T]:
    """Return a flow that ends as ``flow`` would if all went well, and writes nothing.

    What it reads of the stock is as it is: whom a posting would tell or serve is not in the answer.
    """
    saved: dict[str, tuple[Order, tuple[Event, ...]]] = {}

    def answer(request: Request[object]) -> Flow[object]:
        written, reply = _pretended(request, saved)
        if not written:
            reply = yield from ask(request)
            if isinstance(request, LoadWithKey) and request.order_id in saved:
                reply = _seen(request.key, reply, *saved[request.order_id])
        return reply

    return relayed(flow, answer)


def _pretended(
    request: Request[object], saved: dict[str, tuple[Order, tuple[Event, ...]]]
) -> tuple[bool, object]:
    """Return whether ``request`` is not made in earnest, and the reply to it then."""
    if isinstance(request, SaveOrder):
        _, before = saved.get(request.order.id, (None, ()))
        saved[request.order.id] = (request.order, (*before, *request.events))
        return True, None
    if isinstance(request, LoadOrder):
        order, _ = saved.get(request.order_id, (None, ()))
        return order is not None, order
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


def _seen(
    key: str, reply: object, order: Order, events: tuple[Event, ...]
) -> tuple[Order, tuple[Event, ...]]:
    """Return what a key finds in earnest and in the preview."""
    _, before = cast("tuple[Order | None, tuple[Event, ...]]", reply)
    return order, (*before, *(one for one in events if key and one.key == key))
