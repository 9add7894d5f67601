"""Waves: many orders planned at once, against the same stock and what places can do in a day."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, final

from attrs import evolve

from orderwright.fulfillment.fulfillment import FulfillmentItem
from orderwright.fulfillment.network import Network
from orderwright.fulfillment.planning import (
    FulfillmentPlan,
    PlannedFulfillment,
    Sourcing,
    plan,
    too_late,
)
from orderwright.values import identifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from orderwright.fulfillment.locations import Location
    from orderwright.fulfillment.planning import Demand

__all__ = ["Wave", "plan_wave"]

_SOURCE, _SINK = ("source",), ("sink",)


@final
class Wave(NamedTuple):
    """The ``plans`` of all orders, by id: those ``placed`` are served in full, the rest not at all.

    No way to plan places more than ``bound`` orders.
    """

    plans: Mapping[str, FulfillmentPlan]
    placed: int
    bound: int

    @property
    def optimal(self) -> bool:
        """Whether no more orders could be placed."""
        return self.placed == self.bound


def plan_wave(
    orders: Mapping[str, Sequence[Demand]],
    supply: Mapping[tuple[str, str], int],
    locations: Mapping[str, Location],
    sourcing: Sourcing | None = None,
) -> Wave:
    """Plan many orders at once: as many as can be are served, each in full or not at all.

    Each fulfillment takes one of its location's ``slots``, each unit one of its ``capacity`` and of
    the ``supply``. Orders that one location can serve are spread so that most find a slot: a
    maximum flow, which is the best there is where stock is ample. What is left is planned one by
    one, also from several locations. Where orders compete for scarce units, they are served as
    ``orders`` names them, and :attr:`Wave.bound` tells what is certain.

    Raises InvalidInput as :func:`.plan` does.
    """
    rules = evolve(sourcing or Sourcing(), ship_complete=True)
    plan((), supply, locations, evolve(rules, effort=0))  # refuses what no order asks for, too
    left = _Left(supply, locations, rules)
    for order_id, demand in orders.items():
        identifier(order_id, "orders")
        plan(demand, left.of(demand), locations, evolve(rules, effort=0))  # refuses bad input
    alone = {order_id: left.whole(demand) for order_id, demand in orders.items()}
    shares = _spread(alone.values(), left)
    servable = [demand for demand in orders.values() if left.enough(demand)]
    bound = _bound(servable, left)
    plans: dict[str, FulfillmentPlan] = {}
    for order_id, demand in orders.items():
        group = alone[order_id]
        share = shares.get(group, {})
        # First where the flow says, then wherever there is a slot that the flow does not need.
        for place in sorted(group, key=lambda one: (share.get(one, 0) <= 0, one)):
            if share.get(place, 0) > 0 and left.take(demand, place):
                share[place] -= 1
                items = tuple(FulfillmentItem(one.line_id, one.sku, one.quantity) for one in demand)
                plans[order_id] = _whole(locations[place], items, rules)
                break
    for order_id, demand in orders.items():
        if order_id not in plans:
            plans[order_id] = made = plan(demand, left.of(demand), left.places(), rules)
            left.book(made)
    placed = sum(not made.leftovers for made in plans.values())
    return Wave({order_id: plans[order_id] for order_id in orders}, placed, bound)


def _whole(place: Location, items: tuple[FulfillmentItem, ...], rules: Sourcing) -> FulfillmentPlan:
    promise = None if rules.at is None else place.promise(rules.at)
    return FulfillmentPlan(
        fulfillments=(PlannedFulfillment.at(place, items, promise),),
        leftovers=(),
        cost=place.cost,
        optimal=False,
        reasons=(f"{place.id} has it all, and a slot in this wave",),
    )


_Groups = dict[frozenset[str], int]
"""How many orders can be served by which places."""


def _spread(alone: Iterable[frozenset[str]], left: _Left) -> dict[frozenset[str], dict[str, int]]:
    """Return how many orders of each group, of those that one place can serve, best go where."""
    groups: _Groups = dict(Counter(group for group in alone if group))
    network = _spreading(groups, left)
    network.fill(_SOURCE, _SINK)
    return {
        group: {place: network.flow(("group", *sorted(group)), ("place", place)) for place in group}
        for group in groups
    }


def _bound(orders: Iterable[Sequence[Demand]], left: _Left) -> int:
    """Return how many orders can be placed at most.

    As if each took one slot, of any place that has some of it, and stock were not used up.
    """
    groups: _Groups = dict(Counter(left.some(demand) for demand in orders if demand))
    nothing = sum(not demand for demand in orders)  # takes no slot
    return _spreading(groups, left).fill(_SOURCE, _SINK) + nothing


def _spreading(groups: _Groups, left: _Left) -> Network:
    """Return groups of orders, the places that may serve them, and their slots, as a network."""
    network = Network()
    total = sum(groups.values())
    for place in left.slots:
        network.link(("place", place), _SINK, left.room(place, total))
    for group, count in groups.items():
        node = ("group", *sorted(group))
        network.link(_SOURCE, node, count)
        for place in sorted(group):  # a set's order is another in every process
            network.link(node, ("place", place), count)
    return network


@final
class _Left:
    """What is left of stock, slots and capacity while a wave is planned."""

    __slots__ = ("capacity", "late", "locations", "slots", "supply", "where")

    def __init__(
        self,
        supply: Mapping[tuple[str, str], int],
        locations: Mapping[str, Location],
        rules: Sourcing,
    ) -> None:
        self.supply = dict(supply)
        self.locations = locations
        self.slots = {where: place.slots for where, place in locations.items()}
        self.capacity = {where: place.capacity for where, place in locations.items()}
        self.late = {where for where, place in locations.items() if too_late(place, rules)}
        self.where: dict[str, list[str]] = {}
        for sku, where in supply:
            self.where.setdefault(sku, []).append(where)

    def of(self, demand: Iterable[Demand]) -> dict[tuple[str, str], int]:
        """Return what there is of what is wanted."""
        skus = dict.fromkeys(one.sku for one in demand)
        return {
            (sku, where): self.supply[sku, where]
            for sku in skus
            for where in self.where.get(sku, ())
        }

    def room(self, where: str, most: int) -> int:
        """Return how many more orders a place can take, as far as that is known."""
        limits = (self.slots[where], self.capacity[where])
        return min([most, *(one for one in limits if one is not None)])

    def whole(self, demand: Sequence[Demand]) -> frozenset[str]:
        """Return the places that have all of ``demand``."""
        first = self.where.get(demand[0].sku, ()) if demand else ()
        return frozenset(where for where in first if self._can(demand, where))

    def some(self, demand: Iterable[Demand]) -> frozenset[str]:
        """Return the places that have any of ``demand`` and may serve it."""
        return frozenset(
            where
            for one in demand
            for where in self.where.get(one.sku, ())
            if self.supply[one.sku, where] and self._may(one, where)
        )

    def enough(self, demand: Iterable[Demand]) -> bool:
        """Whether all places together have as much of each line as it wants."""
        return all(
            sum(
                self.supply[one.sku, where]
                for where in self.where.get(one.sku, ())
                if self._may(one, where)
            )
            >= one.quantity
            for one in demand
        )

    def _may(self, one: Demand, where: str) -> bool:
        if where in self.late or where in one.not_from:
            return False
        return one.requires <= self.locations[where].offers

    def _can(self, demand: Iterable[Demand], where: str) -> bool:
        wanted: dict[str, int] = {}
        for one in demand:
            if not self._may(one, where):
                return False
            units = wanted[one.sku] = wanted.get(one.sku, 0) + one.quantity
            if self.supply.get((one.sku, where), 0) < units:
                return False
        room = self.capacity[where]
        return self.slots[where] != 0 and (room is None or room >= sum(wanted.values()))

    def take(self, demand: Iterable[Demand], where: str) -> bool:
        """Take all of ``demand`` from a place, if it can still serve it."""
        if not self._can(demand, where):
            return False
        for one in demand:
            self._less(one.sku, where, one.quantity)
        self._slot(where)
        return True

    def book(self, made: FulfillmentPlan) -> None:
        """Take what a plan serves."""
        for part in made.fulfillments:
            for item in part.items:
                self._less(item.sku, part.location, item.quantity)
            self._slot(part.location)

    def _less(self, sku: str, where: str, units: int) -> None:
        self.supply[sku, where] -= units
        room = self.capacity[where]
        if room is not None:
            self.capacity[where] = room - units

    def _slot(self, where: str) -> None:
        slots = self.slots[where]
        if slots is not None:
            self.slots[where] = slots - 1

    def places(self) -> dict[str, Location]:
        """Return the locations with the slots and the capacity that they have left."""
        return {
            where: evolve(place, slots=self.slots[where], capacity=self.capacity[where])
            for where, place in self.locations.items()
        }
