"""Giving up what waits for a dish that cannot be made any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from orderwright.inventory.postings import Posting
from orderwright.lifecycles import Phase
from orderwright.orders.commands import open_exception
from orderwright.orders.events import UnitsMissing
from orderwright.orders.stocking import intended_for

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from orderwright.fulfillment.fulfillment import FulfillmentItem
    from orderwright.inventory.entries import Reservation
    from orderwright.orders.events import Event
    from orderwright.orders.order import Order

__all__ = ["sold_out"]


def sold_out(
    order: Order, held: Iterable[Reservation], sku: str, location: str, at: datetime
) -> tuple[Event, ...]:
    """Give up the units of ``sku`` that wait at ``location`` and that nobody has begun.

    They are open again, the exception ``stock_missing`` tells of it, and an intent of the order
    tells the ledger. ``held`` is all the ledger holds for the order. What is being booked just now
    is left alone.
    """
    there = {one.id: one for one in held if one.sku == sku and one.location == location}
    units: list[tuple[str, FulfillmentItem]] = []
    given_up: dict[str, int] = {}
    for one in order.fulfillments:
        if one.location != location or one.state.phase is not Phase.WAITING or order.busy(one):
            continue
        for item, reserved in zip(one.items, order.reservations(one), strict=True):
            known = there.get(reserved.id)
            if known is not None and item.sku == sku and not item.lot:
                units.append((one.id, item))
                given_up[known.id] = given_up.get(known.id, 0) + item.quantity
    if not units:
        return ()
    told = ", ".join(f"{item.quantity} of {item.line_id} ({name})" for name, item in units)
    gone = UnitsMissing(units=tuple(units), at=at)
    opened = open_exception(order, "stock_missing", told, at=at)
    after = order.after((gone, *opened))
    posting_id = f"{order.id}/release-{after.version + 1}"
    freed = [
        evolve(there[name], quantity=min(count, there[name].quantity), expires_at=None)
        for name, count in given_up.items()
    ]
    posting = Posting.sell_out(posting_id, sku, location, 0, breaking=freed, at=at)
    return (gone, *opened, intended_for(after, posting_id, "release", posting, (), at))
