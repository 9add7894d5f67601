"""Sourcing as it is mostly done: always the location that brings most; quick, often not best."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orderwright.fulfillment.fulfillment import FulfillmentItem
from orderwright.fulfillment.planning import FulfillmentPlan, PlannedFulfillment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orderwright import Location
    from orderwright.fulfillment.planning import Demand

__all__ = ["greedy"]


def greedy(  # noqa: C901 - one loop in another, flat for speed
    demand: Sequence[Demand],
    supply: Mapping[tuple[str, str], int],
    locations: Mapping[str, Location],
) -> FulfillmentPlan:
    """Return the plan that takes all it can where that is most, and so on; it keeps tags only."""
    wanted = {one.line_id: one.quantity for one in demand}
    left = dict(supply)
    free = dict(locations)
    parts: list[PlannedFulfillment] = []
    while wanted and free:
        best: tuple[int, int, str] | None = None
        most: list[FulfillmentItem] = []
        for where, place in free.items():
            items: list[FulfillmentItem] = []
            there: dict[str, int] = {}
            units = 0
            for one in demand:
                lacking = wanted.get(one.line_id, 0)
                if lacking and one.requires <= place.offers:
                    shelf = there.get(one.sku)
                    if shelf is None:
                        shelf = left.get((one.sku, where), 0)
                    taken = min(shelf, lacking)
                    if taken:
                        there[one.sku] = shelf - taken
                        units += taken
                        items.append(FulfillmentItem(one.line_id, one.sku, taken))
            rank = (-units, place.cost, where)
            if units and (best is None or rank < best):
                best, most = rank, items
        if best is None:
            break
        where = best[2]
        del free[where]
        parts.append(PlannedFulfillment(where, tuple(most)))
        for item in most:
            left[item.sku, where] -= item.quantity
            wanted[item.line_id] -= item.quantity
            if not wanted[item.line_id]:
                del wanted[item.line_id]
    return FulfillmentPlan(
        fulfillments=tuple(parts),
        leftovers=tuple(
            one._replace(quantity=wanted[one.line_id]) for one in demand if one.line_id in wanted
        ),
        cost=sum(locations[part.location].cost for part in parts),
        optimal=False,
        reasons=("the location that brings most, again and again",),
    )
