"""Sourcing: what of an order is planned, and which pieces of work a plan becomes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from orderwright.errors import OutOfStock, Shortage
from orderwright.fulfillment.planning import Demand
from orderwright.inventory.reading import first_expired
from orderwright.lifecycles import Phase

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orderwright.fulfillment.fulfillment import FulfillmentItem
    from orderwright.fulfillment.planning import FulfillmentPlan, PlannedFulfillment
    from orderwright.inventory.ledger import Stock
    from orderwright.orders.order import Order

__all__ = ["by_course", "by_lot", "demand", "kind_of", "short_of"]


def demand(order: Order, *, backordered: bool = False) -> tuple[Demand, ...]:
    """Return the units that still have to be sourced, ``backordered`` ones only if asked for.

    Empty while a plan is being reserved, a hold stops allocating, or the order is over.
    """
    if order.state.phase not in (Phase.WAITING, Phase.WORKING) or order.blocked("allocate"):
        return ()
    if order.stocked and not backordered:
        return ()
    if any(one.state.phase is Phase.PLANNED for one in order.fulfillments):
        return ()
    counts = order.quantities()
    wanted = {
        line.id: counts[line.id].open + (line.backordered if backordered else 0)
        for line in order.lines
    }
    avoided: dict[str, frozenset[str]] = {}
    if not backordered:  # what waited may be there by now
        for one in order.fulfillments:
            if one.ended in _AVOIDED:
                for item in one.items:
                    known = avoided.get(item.line_id, frozenset())
                    avoided[item.line_id] = known | {one.location}
    return tuple(
        Demand(
            line.id,
            line.sku,
            wanted[line.id],
            line.requires,
            line.together,
            not_from=avoided.get(line.id, frozenset()),
        )
        for line in order.lines
        if wanted[line.id]
    )


_AVOIDED = ("refuse", "run_short")


def short_of(order: Order, wanted: Sequence[Demand], made: FulfillmentPlan) -> OutOfStock:
    """Return the refusal that names what of ``wanted`` the plan ``made`` cannot serve."""
    lacking = {one.line_id: one.quantity for one in made.leftovers}
    return OutOfStock(
        (
            Shortage(one.sku, "", one.quantity, one.quantity - lacking[one.line_id])
            for one in wanted
            if one.line_id in lacking
        ),
        order.id,
    )


def by_lot(plan: FulfillmentPlan, stocks: Iterable[Stock]) -> FulfillmentPlan:
    """Return the plan with its units taken from lots: the first to expire goes out first."""
    lots = {(one.sku, one.location): list(one.lots) for one in stocks if one.lots}
    if not lots:
        return plan
    parts: list[PlannedFulfillment] = []
    for part in plan.fulfillments:
        items: list[FulfillmentItem] = []
        for item in part.items:
            left = lots.get((item.sku, part.location), [])
            taken = first_expired(left, item.quantity)
            items += (item._replace(lot=lot, quantity=units) for lot, units in taken)
            used = dict(taken)
            lots[item.sku, part.location] = [
                one._replace(available=one.available - used.get(one.lot, 0)) for one in left
            ]
        parts.append(part._replace(items=tuple(items)))
    return evolve(plan, fulfillments=tuple(parts))


def by_course(
    order: Order, plan: FulfillmentPlan
) -> list[tuple[PlannedFulfillment, tuple[FulfillmentItem, ...]]]:
    """Part what each location serves by course and, on a tab, by round; the first come first."""
    found: dict[tuple[int, int, int], list[FulfillmentItem]] = {}
    for index, part in enumerate(plan.fulfillments):
        for item in part.items:
            line = order.line(item.line_id)
            group = (line.round if order.policy.tab else 0, line.course, index)
            found.setdefault(group, []).append(item)
    return [(plan.fulfillments[group[-1]], tuple(found[group])) for group in sorted(found)]


def kind_of(order: Order, makes: str) -> str:
    """What the location makes, or else what the order's service is, if that is a kind."""
    if makes:
        return makes
    return order.service if order.service in order.lifecycles.kinds else "shipment"
