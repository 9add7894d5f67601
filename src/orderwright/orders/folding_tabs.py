"""How what happens at the table, in the kitchen and on the way changes an order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from orderwright.fulfillment.fulfillment import Scan
from orderwright.orders import events as e
from orderwright.orders.steps import credited, following

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from orderwright.orders.order import Order

__all__ = ["TABS"]


def _promised(order: Order, event: e.OrderPromised) -> Order:
    return following(order, promised_at=event.promised_at)


def _seated(order: Order, event: e.TableChanged) -> Order:
    return following(order, table=event.table)


def _closed(order: Order, _: e.TabClosed) -> Order:
    return following(order, closed=True)


def _reopened(order: Order, _: e.TabReopened) -> Order:
    return following(order, closed=False)


def _fired(order: Order, event: e.CourseFired) -> Order:
    states = dict(event.states)
    return following(
        order,
        fulfillments=tuple(
            one.moved(states[one.id], event.at) if one.id in states else one
            for one in order.fulfillments
        ),
    )


def _transferred(order: Order, event: e.DueTransferred) -> Order:
    lines, charges = credited(order, event.credits)
    units = {credit.target: credit.units for credit in event.credits}
    moved = (evolve(one, moved=one.moved + units.get(one.id, 0)) for one in lines)
    return following(order, lines=tuple(moved), charges=charges)


def _settled(order: Order, event: e.TransferSettled) -> Order:
    return following(
        order,
        charges=order.charges + event.charges,
        intents=tuple(one for one in order.intents if one.id != event.intent_id),
    )


def _scanned(order: Order, event: e.ParcelScanned) -> Order:
    if not event.latest:
        return following(order)
    scan = Scan(event.status, event.occurred_at or event.at, event.place, event.expected_at)
    return following(
        order,
        fulfillments=tuple(
            evolve(one, scan=scan) if one.id == event.fulfillment_id else one
            for one in order.fulfillments
        ),
    )


TABS: Mapping[type[e.Event], Callable[[Order, Any], Order]] = {
    e.OrderPromised: _promised,
    e.TableChanged: _seated,
    e.TabClosed: _closed,
    e.TabReopened: _reopened,
    e.CourseFired: _fired,
    e.DueTransferred: _transferred,
    e.TransferSettled: _settled,
    e.ParcelScanned: _scanned,
}
