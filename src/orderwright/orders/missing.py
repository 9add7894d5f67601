"""What an order loses: units that are not held any more, and dishes that cannot be made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from orderwright.inventory.postings import Posting
from orderwright.lifecycles import Phase
from orderwright.orders.cancelling import cancel_units, part_of
from orderwright.orders.commands import noted, open_exception
from orderwright.orders.events import UnitsMissing
from orderwright.orders.stocking import intended_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from orderwright.fulfillment.fulfillment import Fulfillment, FulfillmentItem
    from orderwright.inventory.entries import Reservation
    from orderwright.orders.events import Event
    from orderwright.orders.order import Order

__all__ = ["missing", "sold_out"]


def missing(
    order: Order, held: Iterable[Reservation], at: datetime, sku: str = ""
) -> tuple[Event, ...]:
    """Return what follows where the ledger holds less for an order than it reserved.

    Of one ``sku`` where that is given: an order without it misses nothing. ``held`` is all the
    ledger holds for it. The units are open again, to be sourced elsewhere or backordered, and the
    exception ``stock_missing`` tells of it. What is being booked just now is left alone.
    """
    if sku and not any(line.sku == sku for line in order.lines):
        return ()
    there = {(one.id, one.sku, one.lot): one.quantity for one in held}
    parts = [
        one
        for one in order.fulfillments
        if one.stock == "held" and (one.lapses_at is None or one.lapses_at > at)
    ]
    # What is given up, or has left, takes its units out of a reservation that parts share first.
    parts.sort(key=lambda one: one.live and not one.gone and not order.busy(one))
    units: list[tuple[str, FulfillmentItem]] = []
    for one in parts:
        for item, reserved in zip(one.items, order.reservations(one), strict=True):
            key = (reserved.id, reserved.sku, reserved.lot)
            kept = min(item.quantity, there.get(key, 0))
            there[key] = there.get(key, 0) - kept
            idle = one.live and not one.gone and not order.busy(one)
            if idle and kept < item.quantity:
                units.append((one.id, item._replace(quantity=item.quantity - kept)))
    if not units:
        return ()
    told = ", ".join(f"{item.quantity} of {item.line_id} ({name})" for name, item in units)
    gone = UnitsMissing(units=tuple(units), begun=tuple(_begun(order, units, at)), at=at)
    events = (gone, *open_exception(order, "stock_missing", told, at=at))
    after = order.after(events)
    asked: dict[str, int] = {}
    for sign, version in ((1, order), (-1, after)):
        for one in version.fulfillments:
            for line_id, count in one.stopping:
                asked[line_id] = asked.get(line_id, 0) + sign * count
    given_up = sorted(pair for pair in asked.items() if pair[1] > 0)
    if not given_up:
        return events
    # What is not there any more, and was asked to stop, is not wanted.
    return (*events, *noted(after, cancel_units(after, given_up, at=at, reason="asked to stop")))


def _begun(
    order: Order, units: Iterable[tuple[str, FulfillmentItem]], at: datetime
) -> Iterator[Fulfillment]:
    """What of ``units`` was being made: given up, what it is made of stays used up."""
    number = order.fulfillments_planned
    lost_of: dict[str, list[FulfillmentItem]] = {}
    for name, item in units:
        lost_of.setdefault(name, []).append(item)
    for name, items in lost_of.items():
        one = order.fulfillment(name)
        if one.started_at is None:
            continue
        lifecycle = order.lifecycle(one)
        for step in ("stop", "remake", "withdraw", "refuse"):
            state = lifecycle.after(one.state, step)
            if state is not None:
                number += 1
                lost = part_of(one, number, items, state, at)
                whole = sum(item.quantity for item in items) == sum(one.units.values())
                # Whoever is at work on it knows it by its id.
                known = one.id if whole else lost.id
                yield evolve(lost, id=known, stock="freed", ended=step)
                break


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
