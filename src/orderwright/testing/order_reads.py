"""All that can be asked of an order repository about some saves."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, cast

from orderwright.ports import OrderQuery
from orderwright.testing.reads import Read, paged
from orderwright.testing.samples import NOON

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    from orderwright.orders.events import Event
    from orderwright.orders.order import Order
    from orderwright.ports import DueOrder, FeedEntry, OpenFulfillment, OrderRepository
    from orderwright.testing.samples import Saved

__all__ = [
    "LATER",
    "MANY",
    "all_due",
    "all_found",
    "all_open",
    "around",
    "everything",
    "fed",
    "followed",
    "loaded",
    "of_order",
]

LATER = NOON + timedelta(days=400)
"""After everything that is due in the samples."""
MANY = 10_000
"""More than there is of anything."""
EVERY = OrderQuery()


def of_order(saved: Saved) -> Iterator[Read]:
    """Return what can be asked about the order of a save, and about what was saved with it."""
    order = saved.order
    yield Read("OrderRepository.load 4", order.id)
    yield Read("OrderRepository.events 2", order.id)
    yield Read("OrderRepository.events 3", order.id, after=order.version // 2)
    for key in dict.fromkeys(event.key for event in saved.events if event.key):
        yield Read("OrderRepository.load_with_key 3", order.id, key)
    for key in ("", "a key that nobody used"):
        yield Read("OrderRepository.load_with_key 4", order.id, key, seen=loaded)
    for reference in dict.fromkeys(order.all_references):
        yield Read("OrderRepository.by_reference 1", reference)
    for contact_id in saved.contacts:
        yield Read("OrderRepository.contact 2", contact_id)


def around(order: Order) -> Iterator[Read]:
    """Return the questions in whose answers an order has its place among others."""
    begin = order.placed_at
    until = begin + timedelta(hours=1)
    for query in (
        OrderQuery(),
        OrderQuery(states=frozenset({order.state.name})),
        OrderQuery(customer_id=order.customer_id),
        OrderQuery(channel=order.channel, placed_from=begin, placed_until=until),
    ):
        yield Read("OrderRepository.find 2", query, limit=MANY, cursor=_itself)
    for now in (order.due_at or NOON, LATER):
        ordered = "OrderRepository.due 1"
        yield Read("OrderRepository.due 4", now, limit=MANY, ordered=ordered, cursor=_itself)
    states = frozenset(one.state.name for one in order.fulfillments)
    for location in dict.fromkeys(one.location for one in order.fulfillments):
        yield Read(
            "OrderRepository.open_fulfillments 3",
            location,
            states,
            limit=MANY,
            ordered="OrderRepository.open_fulfillments 1",
            cursor=_itself,
        )


def everything(saves: Sequence[Saved]) -> Iterator[Read]:
    """Return all that can be asked about some saves."""
    for one in saves:
        yield from of_order(one)
        yield from around(one.order)
    yield Read("OrderRepository.feed 4", limit=MANY, seen=fed, cursor=_position)


def _itself(row: object) -> object:
    return row


def _position(entry: object) -> int:
    return cast("FeedEntry", entry).position


def followed(orders: OrderRepository, limit: int = MANY, after: int = 0) -> list[FeedEntry]:
    """Return all entries of the feed after a position, page by page."""
    return paged(lambda last: orders.feed(after=last.position if last else after, limit=limit))


def all_found(
    orders: OrderRepository, query: OrderQuery = EVERY, limit: int = MANY, after: str = ""
) -> tuple[str, ...]:
    """Return the ids of all orders that match, page by page."""
    return tuple(paged(lambda last: orders.find(query, after=last or after, limit=limit)))


def all_open(
    orders: OrderRepository,
    location: str = "MAIN",
    states: Collection[str] = frozenset({"reserved"}),
    limit: int = MANY,
    after: OpenFulfillment | None = None,
) -> tuple[OpenFulfillment, ...]:
    """Return all fulfillments at a location in one of the states, page by page."""

    def ask(last: OpenFulfillment | None) -> tuple[OpenFulfillment, ...]:
        return orders.open_fulfillments(location, states, after=last or after, limit=limit)

    return tuple(paged(ask))


def all_due(
    orders: OrderRepository,
    now: datetime = LATER,
    limit: int = MANY,
    after: DueOrder | None = None,
) -> tuple[DueOrder, ...]:
    """Return all that is due, page by page."""
    return tuple(paged(lambda last: orders.due(now, after=last or after, limit=limit)))


def loaded(answer: object) -> Order | None:
    """Return the order that was loaded with a key."""
    order, _ = cast("tuple[Order | None, tuple[Event, ...]]", answer)
    return order


def fed(answer: object) -> dict[str, list[tuple[int, Event]]]:
    """Return what a feed tells of each order: positions, and who comes first, are the store's."""
    told: dict[str, list[tuple[int, Event]]] = {}
    for entry in cast("tuple[FeedEntry, ...]", answer):
        told.setdefault(entry.order_id, []).append((entry.number, entry.event))
    return told
