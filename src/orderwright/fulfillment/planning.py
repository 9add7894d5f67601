"""FulfillmentPlan: which location serves which quantity, as a value that explains itself."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast, final

from attrs import field, frozen

from orderwright.errors import InvalidInput
from orderwright.fulfillment.fulfillment import FulfillmentItem
from orderwright.fulfillment.locations import Tie
from orderwright.fulfillment.solving import Line, Problem, solve
from orderwright.values import aware, choice, identifier, instance, quantity, several, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from orderwright.fulfillment.locations import Location
    from orderwright.fulfillment.promising import Promise
    from orderwright.fulfillment.solving import Solution

__all__ = [
    "Alternative",
    "Bound",
    "Demand",
    "FulfillmentPlan",
    "PlannedFulfillment",
    "Sourcing",
    "Strategy",
    "plan",
]

_MANY = 3


@final
class Demand(NamedTuple):
    """``quantity`` units of ``sku`` for an order line, from a location offering ``requires``.

    Lines that say the same word ``together`` are served whole from one location, or not at all; a
    word of its own keeps one line from being split. ``only_with`` names lines without which, each
    in full, it is not served. Nothing comes from the locations ``not_from``.
    """

    line_id: str
    sku: str
    quantity: int
    requires: frozenset[str] = frozenset()
    together: str = ""
    only_with: tuple[str, ...] = ()
    not_from: frozenset[str] = frozenset()


def _ties(value: Iterable[Tie]) -> tuple[Tie, ...]:
    found = several(value, "ties")
    for one in found:
        choice(one, Tie, "ties")
    return cast("tuple[Tie, ...]", found)


@final
@frozen(kw_only=True)
class Sourcing:
    """By what rules is planned, and for which order.

    ``ties`` decide, one after the other, between plans that leave as few units unserved, in as few
    fulfillments, at the same cost. ``ship_complete``: everything or nothing. ``at`` (aware) is when
    it is planned, needed for promises; with ``deliver_by`` only locations that promise to arrive by
    then serve. ``effort`` is how many steps the search may take, the same on every machine.

    The order's ``order_id``, ``service``, ``channel`` and ``customer_id`` are for strategies of
    your own.
    """

    ties: tuple[Tie, ...] = field(default=("priority",), converter=_ties)
    ship_complete: bool = False
    at: datetime | None = None
    deliver_by: date | None = None
    effort: int = 100_000
    order_id: str = ""
    service: str = ""
    channel: str = ""
    customer_id: str = ""

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be planned by."""
        quantity(self.effort, "effort", least=0)
        instance(self.ship_complete, bool, "ship_complete")
        if self.at is not None:
            aware(self.at, "at")
        if self.deliver_by is not None:
            if type(self.deliver_by) is not date:
                raise InvalidInput.at("deliver_by", f"expected a date, got {self.deliver_by!r}")
            if self.at is None:
                raise InvalidInput.at("at", "say when it is planned, to keep deliver_by")
        for name in ("order_id", "service", "channel", "customer_id"):
            text(getattr(self, name), name)


_ANY = Sourcing()


@final
class PlannedFulfillment(NamedTuple):
    """What one location is to serve, and when that leaves and arrives, where it is known.

    ``makes`` is the kind of fulfillment, where the location makes one of its own; ``larder`` the
    location whose stock it cooks with, where that is another.
    """

    location: str
    items: tuple[FulfillmentItem, ...]
    promise: Promise | None = None
    makes: str = ""
    larder: str = ""

    @classmethod
    def at(
        cls, place: Location, items: Sequence[FulfillmentItem], promise: Promise | None = None
    ) -> PlannedFulfillment:
        """Return what ``place`` is to serve."""
        return cls(place.id, tuple(items), promise, place.makes, place.larder)


@final
class Alternative(NamedTuple):
    """Another way that was looked at, and ``why`` it was not taken."""

    locations: tuple[str, ...]
    why: str


@final
class Bound(NamedTuple):
    """No plan leaves fewer ``unserved`` units or, leaving as many, needs fewer fulfillments."""

    unserved: int
    fulfillments: int


@final
@frozen(kw_only=True)
class FulfillmentPlan:
    """The decision: ``fulfillments`` to make, ``leftovers`` that nobody can serve.

    ``cost`` is the sum of the locations' costs; ``optimal`` says that no plan serves more units,
    or as many in fewer fulfillments, or in as many more cheaply, or ties better. Where that is not
    proven, ``bound`` says what no plan can be better than. ``reasons`` explain in words,
    ``alternatives`` are what it beat.
    """

    fulfillments: tuple[PlannedFulfillment, ...]
    leftovers: tuple[Demand, ...]
    cost: int
    optimal: bool
    reasons: tuple[str, ...]
    alternatives: tuple[Alternative, ...] = ()
    bound: Bound | None = None

    @property
    def unserved(self) -> int:
        """How many units nobody serves."""
        return sum(one.quantity for one in self.leftovers)

    @classmethod
    def nothing(cls, demand: Sequence[Demand], reason: str) -> FulfillmentPlan:
        """Return the plan that serves nothing of ``demand``, for that ``reason``."""
        return cls(
            fulfillments=(), leftovers=tuple(demand), cost=0, optimal=True, reasons=(reason,)
        )


class Strategy(Protocol):
    """Anything that plans like :func:`plan`: give a desk your own, with the same arguments."""

    def __call__(
        self,
        demand: Sequence[Demand],
        supply: Mapping[tuple[str, str], int],
        locations: Mapping[str, Location],
        sourcing: Sourcing,
        /,
    ) -> FulfillmentPlan:
        """Return what to serve from where; pure."""
        ...


def plan(
    demand: Sequence[Demand],
    supply: Mapping[tuple[str, str], int],
    locations: Mapping[str, Location],
    sourcing: Sourcing = _ANY,
) -> FulfillmentPlan:
    """Return the plan that serves the most units, then needs fewest fulfillments, then costs least.

    ``supply`` is units by (SKU, location). Ties go as ``sourcing`` says, then to the location ids
    that come first. Pure, and the same input always gives the same plan, on any machine: the
    search ends after ``sourcing.effort`` steps, never after a time, and a plan that is not proven
    to be the best says so.

    Raises InvalidInput, which names the entry: for a location that is not among ``locations``,
    negative supply, a line named twice or not at all, a requirement that no location offers, lines
    together that no location may serve together, and lines that are only served with each other.
    """
    _check(demand, supply, locations)
    useful, reasons = _useful(demand, supply, locations, sourcing)
    columns = [[one.cost for one in useful]]
    columns += ([_figure(one, tie, sourcing) for one in useful] for tie in sourcing.ties)
    weights = _weights(columns)
    ranked = sorted(range(len(useful)), key=weights.__getitem__)
    places = [useful[number] for number in ranked]
    whole = [one for one in places if _has_all(demand, supply, one)] if demand else []
    if whole:
        items = tuple(FulfillmentItem(one.line_id, one.sku, one.quantity) for one in demand)
        best = whole[0]
        told = f"{best.id} has it all; {len(useful)} location(s) had some of it"
        return FulfillmentPlan(
            fulfillments=(PlannedFulfillment.at(best, items, _promised(best, sourcing)),),
            leftovers=(),
            cost=best.cost,
            optimal=True,
            reasons=(told, *reasons),
            alternatives=tuple(
                Alternative((one.id,), _worse(one.cost - best.cost)) for one in whole[1:_MANY]
            ),
        )
    problem = _problem(demand, supply, places, sorted(weights))
    found = solve(problem, sourcing.effort)
    return _told(demand, places, sourcing, found, reasons)


# What may be asked --------------------------------------------------------------------------------


def _check(
    demand: Sequence[Demand],
    supply: Mapping[tuple[str, str], int],
    locations: Mapping[str, Location],
) -> None:
    for key, units in supply.items():
        if key[1] not in locations:
            wrong = f"there is no location {key[1]!r}; add it to the locations, or leave this out"
            raise InvalidInput.at(f"supply[{key!r}]", wrong)
        if type(units) is not int or units < 0:  # asked here because there are many
            quantity(units, f"supply[{key!r}]", least=0)
    seen: set[str] = set()
    for index, one in enumerate(demand):
        instance(one, Demand, f"demand[{index}]")
        identifier(one.line_id, f"demand[{index}].line_id")
        identifier(one.sku, f"demand[{index}].sku")
        quantity(one.quantity, f"demand[{index}].quantity")
        for name in ("requires", "not_from"):
            instance(getattr(one, name), frozenset, f"demand[{index}].{name}")
        instance(one.only_with, tuple, f"demand[{index}].only_with")
        text(one.together, f"demand[{index}].together")
        if one.line_id in seen:
            wrong = f"two lines are named {one.line_id!r}; give each its own name"
            raise InvalidInput.at(f"demand[{index}].line_id", wrong)
        seen.add(one.line_id)
    if any(one.requires for one in demand):
        _check_requires(demand, locations)
    if any(one.only_with for one in demand):
        _check_only_with(demand, seen)


def _check_requires(demand: Sequence[Demand], locations: Mapping[str, Location]) -> None:
    every = {tag for place in locations.values() for tag in place.offers}
    for index, one in enumerate(demand):
        if not one.requires <= every:
            lacking = ", ".join(sorted(one.requires - every))
            wrong = f"no location offers {lacking}; check the spelling, or add a location"
            raise InvalidInput.at(f"demand[{index}].requires", wrong)
    _check_together(demand, locations)


def _check_together(demand: Sequence[Demand], locations: Mapping[str, Location]) -> None:
    groups: dict[str, frozenset[str]] = {}
    for one in demand:
        if one.together:
            groups[one.together] = groups.get(one.together, frozenset()) | one.requires
    for name, requires in groups.items():
        if requires and not any(requires <= place.offers for place in locations.values()):
            wrong = (
                f"no location offers all of {', '.join(sorted(requires))}; "
                "let these lines be served apart, or add a location"
            )
            raise InvalidInput.at(f"demand: together {name!r}", wrong)


def _check_only_with(demand: Sequence[Demand], names: set[str]) -> None:
    for index, one in enumerate(demand):
        for name in one.only_with:
            if name not in names:
                wrong = f"there is no line {name!r} in the demand"
                raise InvalidInput.at(f"demand[{index}].only_with", wrong)
    needs = {one.line_id: one.only_with for one in demand}
    for index, one in enumerate(demand):
        way = _way_back(one.line_id, needs)
        if way:
            wrong = f"a circle: {' -> '.join(way)}; say the same word `together` instead"
            raise InvalidInput.at(f"demand[{index}].only_with", wrong)


def _way_back(start: str, needs: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return the shortest way from a line over those it needs back to it; nothing if none does."""
    came = {start: ""}
    waiting = [start]
    for name in waiting:
        if start in needs[name]:
            way = [start, name]
            while way[-1] != start:
                way.append(came[way[-1]])
            return way[::-1]
        for need in needs[name]:
            if need not in came:
                came[need] = name
                waiting.append(need)
    return []


# What it comes to ---------------------------------------------------------------------------------


def _useful(
    demand: Sequence[Demand],
    supply: Mapping[tuple[str, str], int],
    locations: Mapping[str, Location],
    sourcing: Sourcing,
) -> tuple[list[Location], list[str]]:
    """Return the locations that have anything that may be had there, by id; and who is left out."""
    skus = {one.sku for one in demand}
    having = {where for (sku, where), units in supply.items() if units > 0 and sku in skus}
    found: list[Location] = []
    reasons: list[str] = []
    for where in sorted(having):
        place = locations[where]
        if place.slots == 0 or place.capacity == 0:
            reasons.append(f"{where} is left out: it is full")
            continue
        if too_late(place, sourcing):
            promised = _promised(place, sourcing)
            told = f"arrives {promised.arrives}" if promised else "promises nothing"
            reasons.append(f"{where} is left out: {told}, wanted by {sourcing.deliver_by}")
            continue
        if any(supply.get((one.sku, where), 0) > 0 and _may(one, place) for one in demand):
            found.append(place)
    return found, reasons


def too_late(place: Location, sourcing: Sourcing) -> bool:
    """Return whether ``place`` does not promise to arrive by ``deliver_by``, where that is said."""
    if sourcing.deliver_by is None:
        return False
    promised = _promised(place, sourcing)
    return promised is None or promised.arrives > sourcing.deliver_by


def _may(one: Demand, place: Location) -> bool:
    return one.requires <= place.offers and place.id not in one.not_from


def _promised(place: Location, sourcing: Sourcing) -> Promise | None:
    return None if sourcing.at is None else place.promise(sourcing.at)


def _figure(place: Location, tie: Tie, sourcing: Sourcing) -> int:
    if tie == "priority":
        return place.priority
    if tie == "distance":
        return place.distance
    if tie == "load":
        return place.load
    promised = _promised(place, sourcing)
    return promised.arrives.toordinal() if promised else date.max.toordinal()


def _weights(columns: Sequence[Sequence[int]]) -> list[int]:
    """Return numbers whose sums compare as the sums of the columns do, first things first.

    Of two sets of as many locations none weigh the same: the ids decide in the end.
    """
    count = len(columns[0])
    weights = [1] * count
    names = [(1 << count) - (1 << count - 1 - number) for number in range(count)]
    for column in (*columns, names):
        least = min(column, default=0)
        scale = sum(column) - least * count + 1
        if scale > 1:
            pairs = zip(weights, column, strict=True)
            weights = [weight * scale + one - least for weight, one in pairs]
    return weights


def _has_all(
    demand: Sequence[Demand], supply: Mapping[tuple[str, str], int], place: Location
) -> bool:
    """Whether ``place`` alone can serve all of ``demand``."""
    wanted: dict[str, int] = {}
    for one in demand:
        if not _may(one, place):
            return False
        units = wanted[one.sku] = wanted.get(one.sku, 0) + one.quantity
        if supply.get((one.sku, place.id), 0) < units:
            return False
    return place.capacity is None or place.capacity >= sum(wanted.values())


def _problem(
    demand: Sequence[Demand],
    supply: Mapping[tuple[str, str], int],
    places: Sequence[Location],
    weights: Sequence[int],
) -> Problem:
    """Return the same in numbers: only places that may serve a line, and have what it is whole."""
    numbers = {one.line_id: number for number, one in enumerate(demand)}
    shelves = {
        sku: [supply.get((sku, place.id), 0) for place in places]
        for sku in dict.fromkeys(one.sku for one in demand)
    }
    lines: list[Line] = []
    for one in demand:
        least = one.quantity if one.together else 1
        able = tuple(
            number
            for number, place in enumerate(places)
            if shelves[one.sku][number] >= least and _may(one, place)
        )
        needs = tuple(numbers[name] for name in one.only_with)
        lines.append(Line(one.line_id, one.sku, one.quantity, able, one.together, needs))
    return Problem(lines, shelves, [place.capacity for place in places], weights)


# In words -----------------------------------------------------------------------------------------


def _told(
    demand: Sequence[Demand],
    places: Sequence[Location],
    sourcing: Sourcing,
    found: Solution,
    excluded: Sequence[str],
) -> FulfillmentPlan:
    items: dict[int, list[FulfillmentItem]] = {}
    served = [0] * len(demand)
    for (number, place), units in sorted(found.taken.items()):
        one = demand[number]
        served[number] += units
        items.setdefault(place, []).append(FulfillmentItem(one.line_id, one.sku, units))
    leftovers = tuple(
        one._replace(quantity=one.quantity - served[number])
        for number, one in enumerate(demand)
        if served[number] < one.quantity
    )
    reasons: list[str] = []
    if leftovers and sourcing.ship_complete:
        lacking = sum(one.quantity for one in leftovers)
        reasons.append(f"{lacking} units are lacking, and nothing is to leave before all can")
        leftovers, items = tuple(demand), {}
    parts = tuple(
        PlannedFulfillment.at(places[place], items[place], _promised(places[place], sourcing))
        for place in sorted(items)
    )
    cost = sum(places[place].cost for place in items)
    reasons += _reasons(demand, parts, leftovers, len(places), proven=found.proven)
    return FulfillmentPlan(
        fulfillments=parts,
        leftovers=leftovers,
        cost=cost,
        optimal=found.proven,
        reasons=(*reasons, *excluded),
        alternatives=tuple(_beaten(places, cost, found)),
        bound=None if found.proven else Bound(found.unserved, found.least),
    )


def _worse(more: int) -> str:
    return f"costs {more} more" if more else "costs the same, and comes after it"


def _beaten(places: Sequence[Location], cost: int, found: Solution) -> Iterator[Alternative]:
    for group in reversed(found.beaten[-_MANY:]):
        more = sum(places[place].cost for place in group) - cost
        yield Alternative(tuple(places[place].id for place in group), _worse(more))


def _reasons(
    demand: Sequence[Demand],
    parts: Sequence[PlannedFulfillment],
    leftovers: Sequence[Demand],
    useful: int,
    *,
    proven: bool,
) -> Iterator[str]:
    wanted = sum(one.quantity for one in demand)
    served = wanted - sum(one.quantity for one in leftovers)
    names = ", ".join(part.location for part in parts) or "nowhere"
    yield f"{served} of {wanted} units from {names}; {useful} location(s) had any of them"
    if len(parts) > 1:
        yield (
            "split because no smaller set of locations has it all"
            if proven
            else "split; whether fewer locations would do is not proven"
        )
    for one in leftovers:
        yield f"{one.quantity} of {one.sku} (line {one.line_id}) cannot be served"
