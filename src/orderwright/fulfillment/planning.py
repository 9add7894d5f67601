"""FulfillmentPlan: which location serves which quantity, as a value that explains itself."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import TYPE_CHECKING, NamedTuple, final

from attrs import frozen

from orderwright.fulfillment.fulfillment import FulfillmentItem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from orderwright.fulfillment.locations import Location

__all__ = ["Demand", "FulfillmentPlan", "PlannedFulfillment", "plan"]

_EXACT_LOCATIONS = 12
"""Up to this many useful locations every combination is tried (at most 4,095)."""


@final
class Demand(NamedTuple):
    """``quantity`` units of ``sku`` for an order line, from a location offering ``requires``."""

    line_id: str
    sku: str
    quantity: int
    requires: frozenset[str] = frozenset()


@final
class PlannedFulfillment(NamedTuple):
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
    for where in useful:
        if _has_all(demand, supply, locations[where]):
            # Nothing beats one fulfillment that serves everything, and cheaper ones were tried.
            items = tuple(FulfillmentItem(one.line_id, one.sku, one.quantity) for one in demand)
            return FulfillmentPlan(
                fulfillments=(PlannedFulfillment(where, items),),
                leftovers=(),
                cost=locations[where].cost,
                optimal=True,
                reasons=(f"{where} has it all; {len(useful)} location(s) had some of it",),
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


def _has_all(
    demand: Sequence[Demand], supply: Mapping[tuple[str, str], int], location: Location
) -> bool:
    """Whether ``location`` alone can serve all of ``demand``."""
    wanted: dict[str, int] = {}
    for one in demand:
        if not one.requires <= location.offers:
            return False
        wanted[one.sku] = wanted.get(one.sku, 0) + one.quantity
    if not wanted:
        return False
    return all(supply.get((sku, location.id), 0) >= units for sku, units in wanted.items())


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
    order = list(group)
    sharing = _Sharing(demand, supply, locations, order)
    # Lines that fewer locations can serve go first, so that pickier ones are not robbed.
    lines = sorted(demand, key=lambda one: len(sharing.fits[one.line_id]))
    short = [(one, lacking) for one in lines if (lacking := sharing.take(one))]
    lacking = sum(
        wanted - sharing.rearrange(one, wanted, [two for two in lines if two.sku == one.sku])
        for one, wanted in short
    )
    skus = {one.line_id: one.sku for one in demand}
    items: dict[str, list[FulfillmentItem]] = {}
    for (line_id, where), units in sharing.taken.items():
        if units:
            items.setdefault(where, []).append(FulfillmentItem(line_id, skus[line_id], units))
    parts = tuple(
        PlannedFulfillment(where, tuple(items[where])) for where in order if where in items
    )
    return parts, sum(one.quantity for one in demand) - lacking


@final
class _Sharing:
    """Which line takes how many units where, while that is being worked out."""

    __slots__ = ("fits", "left", "taken")

    def __init__(
        self,
        demand: Sequence[Demand],
        supply: Mapping[tuple[str, str], int],
        locations: Mapping[str, Location],
        order: Sequence[str],
    ) -> None:
        self.fits = {
            one.line_id: [w for w in order if one.requires <= locations[w].offers] for one in demand
        }
        self.left = {
            (one.sku, where): supply.get((one.sku, where), 0) for one in demand for where in order
        }
        self.taken: dict[tuple[str, str], int] = {}

    def take(self, one: Demand) -> int:
        """Give ``one`` what is left, place after place; return the units it still lacks."""
        lacking = one.quantity
        for where in self.fits[one.line_id]:
            there = self.left[one.sku, where]
            units = min(lacking, there)
            if units > 0:
                self.left[one.sku, where] = there - units
                self.taken[one.line_id, where] = units
                lacking -= units
                if not lacking:
                    break
        return lacking

    def rearrange(self, one: Demand, wanted: int, rivals: Sequence[Demand]) -> int:
        """Move ``rivals`` (lines of its SKU) elsewhere to make room for ``one``; return the gain.

        Along the augmenting paths of a maximum flow: where lines of one SKU require different
        things, first come first served is not always best, and this is.
        """
        gained = 0
        if all(rival.requires == one.requires for rival in rivals):
            return gained
        while gained < wanted and (moves := self._way(one, rivals)):
            _, free = moves[0]
            given_up = [(mover, where) for (mover, _), (_, where) in pairwise(moves)]
            units = min(
                wanted - gained, self.left[one.sku, free], *(self.taken[two] for two in given_up)
            )
            self.left[one.sku, free] -= units
            for move in given_up:
                self.taken[move] -= units
            for move in moves:
                self.taken[move] = self.taken.get(move, 0) + units
            gained += units
        return gained

    def _way(self, one: Demand, rivals: Sequence[Demand]) -> list[tuple[str, str]]:
        """Return the fewest moves (line, to where) that get ``one`` a unit; none if none do.

        The first goes to a free unit, each further one to the place the one before it gave up.
        """
        moves: dict[str, list[tuple[str, str]]] = {one.line_id: []}
        waiting = [one.line_id]
        for line_id in waiting:
            for where in self.fits[line_id]:
                way = [(line_id, where), *moves[line_id]]
                if self.left[one.sku, where] > 0:
                    return way
                for rival in rivals:
                    if rival.line_id not in moves and self.taken.get((rival.line_id, where), 0):
                        moves[rival.line_id] = way
                        waiting.append(rival.line_id)
        return []


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
