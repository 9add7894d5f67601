"""Loading an order that has to be there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orderwright.errors import NotFound
from orderwright.requests import LoadOrder, LoadWithKey, ask
from orderwright.values import identifier

if TYPE_CHECKING:
    from orderwright.orders.events import Event
    from orderwright.orders.order import Order
    from orderwright.requests import Flow

__all__ = ["load", "load_with_key"]


def load(order_id: str) -> Flow[Order]:
    """Return the order as last saved; raise NotFound, InvalidInput for what can be no id."""
    identifier(order_id, "order_id")
    order = yield from ask(LoadOrder(order_id))
    if order is None:
        raise NotFound("order", order_id)
    return order


def load_with_key(order_id: str, key: str) -> Flow[tuple[Order, tuple[Event, ...]]]:
    """Return the order as last saved and what it has under ``key``; raise as :func:`load` does."""
    if not key:
        return (yield from load(order_id)), ()
    identifier(order_id, "order_id")
    order, before = yield from ask(LoadWithKey(order_id, key))
    if order is None:
        raise NotFound("order", order_id)
    return order, before
