"""Dividing work anew: split, merge and move fulfillments, and what a picker did not find."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from orderwright.errors import (
    IllegalTransition,
    InvalidInput,
    OnHold,
    OutOfStock,
    QuantityRefused,
    Shortage,
)
from orderwright.fulfillment.fulfillment import Fulfillment, FulfillmentItem
from orderwright.fulfillment.planning import FulfillmentPlan, PlannedFulfillment
from orderwright.lifecycles import Phase
from orderwright.orders.cancelling import cancel_units, part_of, taken_of
from orderwright.orders.commands import noted
from orderwright.orders.events import Event, FulfillmentsChanged
from orderwright.orders.sourcing import by_lot
from orderwright.orders.stocking import moved
from orderwright.orders.tabs import course_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from orderwright.fulfillment.fulfillment import Ingredients
    from orderwright.fulfillment.locations import Location
    from orderwright.inventory.ledger import Stock
    from orderwright.orders.order import Order

__all__ = ["merge", "move", "short_pick", "split"]

Units = tuple[tuple[str, int], ...]


def _at_hand(order: Order, fulfillment_id: str, action: str) -> Fulfillment:
    """Return a fulfillment whose goods are in our hands; raise IllegalTransition."""
    one = order.fulfillment(fulfillment_id)
    if one.stopping and action != "run_short":
        # What was asked has to be answered first: afterwards nobody could tell whom it concerns.
        allowed = order.lifecycle(one).allowed(one.state)
        subject = f"fulfillment {one.id}"
        raise IllegalTransition(subject, "asked to stop", action, allowed, order.id)
    if action != "run_short":  # under another id its units would not be held any more
        hold = next((stop for stop in order.holds if one.id in stop.fulfillments), None)
        if hold is not None:
            raise OnHold(hold.name, min(hold.blocks), order.id, order.allowed())
    booked = order.busy(one)
    if booked or one.state.phase not in (Phase.WAITING, Phase.WORKING) or one.stock != "held":
        state = "being booked" if booked else one.state.name
        allowed = order.lifecycle(one).allowed(one.state)
        raise IllegalTransition(f"fulfillment {one.id}", state, action, allowed, order.id)
    return one


def _require(order: Order, one: Fulfillment, units: Units, action: str) -> None:
    there = one.units
    for line_id, count in units:
        limit = there.get(order.line(line_id).id, 0)
        if count > limit:
            raise QuantityRefused(
                action,
                line_id=line_id,
                asked=count,
                limit=limit,
                order_id=order.id,
                allowed=order.lifecycle(one).allowed(one.state),
            )


def _without(one: Fulfillment, taken: Sequence[FulfillmentItem]) -> Fulfillment:
    """Return ``one`` without items ``taken`` of it, as it is reserved under one name or several."""
    gone = {(item.line_id, item.lot, item.held_as): item.quantity for item in taken}
    items: list[FulfillmentItem] = []
    for item in one.items:
        left = item.quantity - gone.get((item.line_id, item.lot, item.held_as), 0)
        if left:
            items.append(item.some(left))
    rest = evolve(one, items=tuple(items))
    there = rest.units
    stopping = ((name, min(count, there.get(name, 0))) for name, count in one.stopping)
    return evolve(rest, stopping=tuple(pair for pair in stopping if pair[1]))


def split(
    order: Order, fulfillment_id: str, units: Units, *, at: datetime, reason: str
) -> tuple[FulfillmentsChanged, ...]:
    """Make two of a fulfillment: ``units`` of it go on by themselves, in the same state.

    Raises IllegalTransition if its goods are not in our hands, QuantityRefused for more units than
    it has, InvalidInput for all of them.
    """
    one = _at_hand(order, fulfillment_id, "split")
    _require(order, one, units, "split")
    taken = taken_of(one, dict(units))
    if tuple(taken) == one.items:
        raise InvalidInput.at("units", f"these are all units of fulfillment {one.id}: leave some")
    part = part_of(one, order.fulfillments_planned + 1, taken, one.state, at)
    changed = FulfillmentsChanged(
        action="split",
        fulfillment_ids=(one.id,),
        units=units,
        fulfillments=(_without(one, taken), part),
        reason=reason,
        at=at,
    )
    return (changed,)


def merge(
    order: Order, fulfillment_ids: Sequence[str], *, at: datetime, reason: str
) -> tuple[FulfillmentsChanged, ...]:
    """Make one of several fulfillments, under the first one's id.

    Raises IllegalTransition if they differ in location, kind, state, course, or when their stock
    lapses.
    """
    parts = [_at_hand(order, name, "merge") for name in fulfillment_ids]
    first, course = parts[0], course_of(order, parts[0])
    items: dict[tuple[str, str, str], FulfillmentItem] = {}
    for one in parts:
        alike = (one.location, one.kind, one.state, one.lapses_at, one.larder)
        if (
            alike != (first.location, first.kind, first.state, first.lapses_at, first.larder)
            or course_of(order, one) != course
        ):
            subject = f"fulfillment {one.id}"
            state = f"{one.state.name} at {one.location}, unlike {first.id}"
            raise IllegalTransition(subject, state, "merge", (), order.id)
        for item in one.items:
            name = item.held_as or one.id
            known = items.get((item.line_id, item.lot, name))
            units = item.quantity + (known.quantity if known else 0)
            held_as = "" if name == first.id else name
            kept = item._replace(quantity=units, held_as=held_as)
            items[item.line_id, item.lot, name] = kept
    changed = FulfillmentsChanged(
        action="merge",
        fulfillment_ids=tuple(fulfillment_ids),
        fulfillments=(
            evolve(
                first,
                items=tuple(items.values()),
                stopping=(),
                ingredients=_together(order, parts),
            ),
        ),
        removed=tuple(one.id for one in parts[1:]),
        reason=reason,
        at=at,
    )
    return (changed,)


def _together(order: Order, parts: Sequence[Fulfillment]) -> Ingredients:
    """What is known of the ingredients of all ``parts``; some cannot be used up and others not."""
    found = {one.ingredients for one in parts}
    if {"used", "wanted"} <= found:
        subject = f"fulfillment {parts[0].id}"
        raise IllegalTransition(subject, "partly used up", "merge", (), order.id)
    return "used" if "used" in found else "wanted" if "wanted" in found else "none"


def short_pick(
    order: Order, fulfillment_id: str, units: Units, *, at: datetime, reason: str
) -> tuple[Event, ...]:
    """Record that ``units`` were not on the shelf: written off there, and sourced from elsewhere.

    What no other location has is backordered. Raises IllegalTransition if it is not being picked
    or packed, QuantityRefused for more units than it has.
    """
    one = _at_hand(order, fulfillment_id, "run_short")
    subject = f"fulfillment {one.id}"
    state = order.lifecycle(one).step(one.state, "run_short", subject, order.id)
    _require(order, one, units, "pick short")
    taken = taken_of(one, dict(units))
    changed: tuple[Fulfillment, ...]
    if tuple(taken) == one.items:
        changed = (evolve(one.moved(state, at), stopping=(), ended="run_short"),)
    else:
        part = part_of(one, order.fulfillments_planned + 1, taken, state, at)
        changed = (_without(one, taken), evolve(part, ended="run_short"))
    told = FulfillmentsChanged(
        action="short_pick",
        fulfillment_ids=(one.id,),
        units=units,
        fulfillments=changed,
        reason=reason,
        at=at,
    )
    asked = dict(changed[0].stopping)
    freed = [(name, count - asked.get(name, 0)) for name, count in one.stopping]
    given_up = sorted(pair for pair in freed if pair[1] > 0)
    if not given_up:
        return (told,)
    after = order.after((told,))  # what was not there, and was asked to stop, is not wanted
    return (told, *noted(after, cancel_units(after, given_up, at=at, reason=reason)))


def move(
    order: Order,
    fulfillment_id: str,
    location: Location,
    stocks: Sequence[Stock],
    *,
    at: datetime,
    reason: str,
) -> tuple[Event, ...]:
    """Have ``location`` serve what another was to: its stock is reserved and the other's freed.

    Both in one posting; where the ledger refuses it, all stays as it was. Raises IllegalTransition
    once it is being picked, InvalidInput for a location that does not offer what lines require,
    OutOfStock if it has too few by what ``stocks`` say.
    """
    one = _at_hand(order, fulfillment_id, "move")
    subject = f"fulfillment {one.id}"
    order.lifecycle(one).step(one.state, "withdraw", subject, order.id)
    if one.location == location.id:
        return ()
    if one.ingredients == "used":  # what it is made of is used up here
        allowed = order.lifecycle(one).allowed(one.state)
        raise IllegalTransition(subject, "begun", "move", allowed, order.id)
    wanted: dict[str, int] = {}
    for item in one.items:
        wanted[item.sku] = wanted.get(item.sku, 0) + item.quantity
        lacking = order.line(item.line_id).requires - location.offers
        if lacking:
            wrong = f"{location.id} does not offer {', '.join(sorted(lacking))}"
            raise InvalidInput.at("location", f"{wrong}, which line {item.line_id} requires")
    there = {stock.sku: stock.promisable for stock in stocks if stock.location == location.id}
    short = [
        Shortage(sku, location.id, units, max(0, there.get(sku, 0)))
        for sku, units in wanted.items()
        if there.get(sku, 0) < units
    ]
    if short:
        raise OutOfStock(short, order.id)
    items = tuple(
        FulfillmentItem(line_id, order.line(line_id).sku, units)
        for line_id, units in one.units.items()
    )
    kind = location.makes or one.kind
    new = Fulfillment(
        id=f"f{order.fulfillments_planned + 1}",
        location=location.id,
        items=by_lot(_all_from(location, items), stocks).fulfillments[0].items,
        kind=kind,
        state=order.lifecycles.of(kind).initial,
        lapses_at=one.lapses_at,
        since=at,
        ingredients=one.ingredients,
        larder=location.larder or location.id,
    )
    changed = FulfillmentsChanged(
        action="move",
        fulfillment_ids=(one.id,),
        location=location.id,
        fulfillments=(new,),
        reason=reason,
        at=at,
    )
    return (changed, moved(order, one, new, changed, at))


def _all_from(location: Location, items: Sequence[FulfillmentItem]) -> FulfillmentPlan:
    part = PlannedFulfillment.at(location, items)
    return FulfillmentPlan(
        fulfillments=(part,), leftovers=(), cost=location.cost, optimal=False, reasons=()
    )
