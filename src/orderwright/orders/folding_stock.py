"""How what the ledger answers, and what it has lost, changes an order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from orderwright.orders import events as e
from orderwright.orders.folding_returns import booked, refused
from orderwright.orders.steps import following
from orderwright.values import copied

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from orderwright.fulfillment.fulfillment import Fulfillment, FulfillmentItem
    from orderwright.orders.intents import Intent
    from orderwright.orders.order import Order

__all__ = ["STOCK", "less", "without"]


def without(order: Order, intent_id: str) -> tuple[Intent, ...]:
    """Return the intents but for one."""
    return tuple(one for one in order.intents if one.id != intent_id)


def less(
    one: Fulfillment, taken: Mapping[tuple[str, str, str, str], int], *, asked: bool = False
) -> Fulfillment:
    """Return a fulfillment without what is ``taken`` of it, by fulfillment, line, lot and name."""
    items: list[FulfillmentItem] = []
    for item in one.items:
        less = taken.get((one.id, item.line_id, item.lot, item.held_as or one.id))
        if less is None:
            items.append(item)
        elif less < item.quantity:
            items.append(item.some(item.quantity - less))
    there: dict[str, int] = {}
    for item in items:
        there[item.line_id] = there.get(item.line_id, 0) + item.quantity
    stopping = ((name, min(count, there.get(name, 0))) for name, count in one.stopping)
    return copied(
        one,
        items=tuple(items),
        stopping=tuple(pair for pair in stopping if pair[1]) if asked else (),
    )


def _missing(order: Order, event: e.UnitsMissing) -> Order:
    taken = {
        (name, item.line_id, item.lot, item.held_as or name): item.quantity
        for name, item in event.units
    }
    names = {name for name, _ in event.units}
    left = (less(one, taken, asked=True) if one.id in names else one for one in order.fulfillments)
    return following(
        order,
        fulfillments=(*(one for one in left if one.items), *event.begun),
        fulfillments_planned=order.fulfillments_planned + len(event.begun),
    )


def _planned(order: Order, event: e.FulfillmentsPlanned) -> Order:
    waiting = dict(event.backordered)
    lines = order.lines
    if waiting or any(line.backordered for line in lines):
        lines = tuple(evolve(line, backordered=waiting.get(line.id, 0)) for line in lines)
    return following(
        order,
        lines=lines,
        fulfillments=order.fulfillments + event.fulfillments,
        fulfillments_planned=order.fulfillments_planned + len(event.fulfillments),
    )


def _stock_posted(order: Order, event: e.StockPosted) -> Order:
    intent = order.intent(event.intent_id)
    states = dict(event.states)

    def posted(one: Fulfillment) -> Fulfillment:
        if one.id not in intent.fulfillments:
            return one
        if intent.purpose == "consume":
            return copied(one, ingredients="used")
        if event.stock is None:
            return copied(one, lapses_at=None)
        state = states.get(one.id)
        booked = one if state is None else one.moved(state, event.at)
        return copied(booked, stock=event.stock)

    claimed = dict(intent.claims)
    return following(
        order,
        lines=tuple(
            evolve(line, claimed=claimed[line.id]) if line.id in claimed else line
            for line in order.lines
        )
        if claimed
        else order.lines,
        intents=without(order, intent.id),
        fulfillments=tuple(
            posted(one) for one in order.fulfillments if one.id not in event.removed
        ),
        returns=booked(order, intent.id),
    )


def _stock_refused(order: Order, event: e.StockRefused) -> Order:
    return following(
        order,
        intents=without(order, event.intent_id),
        fulfillments=tuple(
            copied(one, stock="freed", lapses_at=None) if one.id in event.freed else one
            for one in order.fulfillments
            if one.id not in event.removed
        ),
        returns=refused(order, event.intent_id),
    )


STOCK: Mapping[type[e.Event], Callable[[Order, Any], Order]] = {
    e.FulfillmentsPlanned: _planned,
    e.StockPosted: _stock_posted,
    e.StockRefused: _stock_refused,
    e.UnitsMissing: _missing,
}
