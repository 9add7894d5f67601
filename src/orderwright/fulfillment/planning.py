"""FulfillmentPlan: which location serves which quantity, as a value that explains itself."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, final

from attrs import frozen

from orderwright.fulfillment.fulfillment import FulfillmentItem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from orderwright.fulfillment.locations import Location

__all__ = ["Demand", "FulfillmentPlan", "PlannedFulfillment", "plan"]

_EXACT_LOCATIONS = 12
"""Up to this many useful locations every combination is tried (at most 4,095)."""


@final
@frozen
class Demand:
    """``quantity`` units of ``sku`` wanted for an order line from a location offering ``requires``."""

    line_id: str
    sku: str
    quantity: int
    requires: frozenset[str] = frozenset()


@final
@frozen
class PlannedFulfillment:
    """What one location is to serve."""

    location: str
    items: tuple[FulfillmentItem, ...]


@final
@frozen(kw_only=True)
class FulfillmentPlan:
    """The decision: ``fulfillments`` to make, ``leftovers`` that nobody can serve.

    ``cost`` is the sum of the locations' costs; ``optimal`` says that no plan serves more units,
    or as many in fewer fulfillments, or in as many more cheaply; ``reasons`` explain in words.
    """

    fulfillments: tuple[PlannedFulfillment, ...]
    leftovers: tuple[Demand, ...]
    cost: int
    optimal: bool
    reasons: tuple[str, ...]


def plan(
    demand: Sequence[Demand],
    supply: Mapping[tuple[str, str], int],
    locations: Mapping[str, Location],
) -> FulfillmentPlan:
    """Return the plan that serves the most units, then needs fewest fulfillments, then costs least.

    ``supply`` is units by (SKU, location); a location it names that is not among ``locations``
    is ignored. Ties go to the lower priority number, then to the location id. Pure, and the same
    input always gives the same plan. With more than twelve useful locations the plan is found
    greedily and says ``optimal=False``, unless one location could do it all.
    """
    useful = sorted(
        {where for (_, where), units in supply.items() if units > 0 and where in locations},
        key=lambda where: (locations[where].cost, locations[where].priority, where),
    )
    useful = [where for where in useful if _serve(demand, supply, locations, (where,))[1]]
    most = _serve(demand, supply, locations, useful)[1]
    chosen, optimal = _choose(demand, supply, locations, useful, most)
    parts, served = _serve(demand, supply, locations, chosen)
    taken: dict[str, int] = {}
    for part in parts:
        for item in part.items:
            taken[item.line_id] = taken.get(item.line_id, 0) + item.quantity
    leftovers = tuple(
        Demand(one.line_id, one.sku, one.quantity - taken.get(one.line_id, 0), one.requires)
        for one in demand
        if taken.get(one.line_id, 0) < one.quantity
    )
    return FulfillmentPlan(
        fulfillments=parts,
        leftovers=leftovers,
        cost=sum(locations[part.location].cost for part in parts),
        optimal=optimal,
        reasons=tuple(_reasons(demand, served, parts, leftovers, useful, optimal=optimal)),
    )


def _choose(
    demand: Sequence[Demand],
    supply: Mapping[tuple[str, str], int],
    locations: Mapping[str, Location],
    useful: Sequence[str],
    most: int,
) -> tuple[Sequence[str], bool]:
    """Return the best set of locations that together serve ``most`` units, and if it is proven."""
    if not useful:
        return (), True
    exact = len(useful) <= _EXACT_LOCATIONS
    for size in range(1, len(useful) + 1 if exact else 2):
        fitting = [
            group
            for group in combinations(useful, size)
            if _serve(demand, supply, locations, group)[1] == most
        ]
        if fitting:
            return min(fitting, key=lambda group: _rank(group, locations)), True
    chosen: list[str] = []
    served = 0
    while served < most:
        best = max(
            (where for where in useful if where not in chosen),
            key=lambda where: _serve(demand, supply, locations, (*chosen, where))[1],
        )
        chosen.append(best)
        served = _serve(demand, supply, locations, chosen)[1]
    return chosen, False


def _rank(group: Sequence[str], locations: Mapping[str, Location]) -> tuple[int, int, list[str]]:
    return (
        sum(locations[where].cost for where in group),
        sum(locations[where].priority for where in group),
        sorted(group),
    )


def _serve(
    demand: Sequence[Demand],
    supply: Mapping[tuple[str, str], int],
    locations: Mapping[str, Location],
    group: Iterable[str],
) -> tuple[tuple[PlannedFulfillment, ...], int]:
    """Return what the locations of ``group`` serve together, in that order, and how many units."""
    left: dict[tuple[str, str], int] = {}
    items: dict[str, list[FulfillmentItem]] = {}
    served = 0
    order = list(group)
    # Lines that fewer locations can serve go first, so that pickier ones are not robbed.
    fits = {
        one.line_id: [w for w in order if one.requires <= locations[w].offers] for one in demand
    }
    for one in sorted(demand, key=lambda one: len(fits[one.line_id])):
        wanted = one.quantity
        for where in fits[one.line_id]:
            key = (one.sku, where)
            there = left.get(key)
            if there is None:
                there = supply.get(key, 0)
            units = min(wanted, there)
            if units > 0:
                left[key] = there - units
                wanted -= units
                served += units
                items.setdefault(where, []).append(FulfillmentItem(one.line_id, one.sku, units))
            if not wanted:
                break
    return tuple(
        PlannedFulfillment(where, tuple(items[where])) for where in order if where in items
    ), served


def _reasons(
    demand: Sequence[Demand],
    served: int,
    parts: Sequence[PlannedFulfillment],
    leftovers: Sequence[Demand],
    useful: Sequence[str],
    *,
    optimal: bool,
) -> Iterator[str]:
    wanted = sum(one.quantity for one in demand)
    names = ", ".join(part.location for part in parts) or "nowhere"
    yield f"{served} of {wanted} units from {names}; {len(useful)} location(s) had any of them"
    if len(parts) > 1:
        yield (
            "split because no smaller set of locations has it all" if optimal else "split greedily"
        )
    for one in leftovers:
        yield f"{one.quantity} of {one.sku} (line {one.line_id}) cannot be served"
