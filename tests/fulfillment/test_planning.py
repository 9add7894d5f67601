"""A plan against every plan there is: it serves the most, in the fewest places, at least cost."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from random import Random

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from orderwright.fulfillment.fulfillment import FulfillmentItem
from orderwright.fulfillment.locations import Location
from orderwright.fulfillment.planning import Demand, FulfillmentPlan, PlannedFulfillment, plan

Supply = Mapping[tuple[str, str], int]
Problem = tuple[Sequence[Demand], Supply, Mapping[str, Location]]
Rank = tuple[int, int, int, int, list[str]]

TAGS = st.frozensets(st.sampled_from(["cold", "grill", "hazmat"]), max_size=1)
SKUS = ("MUG", "CUP")


def place(*locations: Location) -> dict[str, Location]:
    """Locations by id."""
    return {location.id: location for location in locations}


@st.composite
def problems(draw: st.DrawFn, *, places: int = 4) -> Problem:
    """A few lines of two SKUs, and locations that have some of them and offer some tags."""
    locations = place(
        *(
            Location(
                id=f"w{number}",
                offers=draw(TAGS) | draw(TAGS),
                cost=draw(st.integers(0, 3)),
                priority=draw(st.integers(0, 2)),
            )
            for number in range(draw(st.integers(0, places)))
        )
    )
    units = st.sampled_from((0, 1, 1, 2))
    supply = {(sku, where): draw(units) for sku in SKUS for where in (*locations, "elsewhere")}
    demand = [
        Demand(
            f"l{number}",
            draw(st.sampled_from(("MUG", "MUG", "MUG", "CUP"))),
            draw(st.sampled_from((1, 1, 2))),
            draw(TAGS),
        )
        for number in range(draw(st.integers(0, 4)))
    ]
    return demand, supply, locations


def assignments(problem: Problem) -> Iterator[tuple[int, frozenset[str]]]:
    """Every way to serve the demand, or a part: units served, and where from."""
    demand, supply, locations = problem
    if not demand:
        yield 0, frozenset()
        return
    first, *others = demand
    able = [where for where in locations if first.requires <= locations[where].offers]
    for taken in product(*(range(supply[first.sku, where] + 1) for where in able)):
        if sum(taken) <= first.quantity:
            parts = {(first.sku, where): units for where, units in zip(able, taken, strict=True)}
            left = {key: units - parts.get(key, 0) for key, units in supply.items()}
            used = frozenset(where for (_, where), units in parts.items() if units)
            for served, places in assignments((others, left, locations)):
                yield served + sum(taken), places | used


def rank(served: int, places: frozenset[str], locations: Mapping[str, Location]) -> Rank:
    """What plans are judged by, best first."""
    return (
        -served,
        len(places),
        sum(locations[where].cost for where in places),
        sum(locations[where].priority for where in places),
        sorted(places),
    )


def checked(found: FulfillmentPlan, problem: Problem) -> Rank:
    """The rank of a plan that promises nothing that is not there, or was not asked for."""
    demand, supply, locations = problem
    lines = {one.line_id: one for one in demand}
    given_out: dict[tuple[str, str], int] = {}
    served = dict.fromkeys(lines, 0)
    for part in found.fulfillments:
        assert part.items, f"nothing to do at {part.location}"
        for item in part.items:
            line = lines[item.line_id]
            assert (line.sku, True) == (item.sku, item.quantity > 0)
            assert line.requires <= locations[part.location].offers
            served[item.line_id] += item.quantity
            key = (item.sku, part.location)
            given_out[key] = given_out.get(key, 0) + item.quantity
    assert all(units <= supply[key] for key, units in given_out.items())
    lacking = {one.line_id: one for one in found.leftovers}
    assert lacking.keys() <= lines.keys()
    for line in demand:
        rest = line.quantity - served[line.line_id]
        left = Demand(line.line_id, line.sku, rest, line.requires) if rest else None
        assert left == lacking.get(line.line_id)
    places = [part.location for part in found.fulfillments]
    assert len(places) == len(set(places))
    assert sum(locations[where].cost for where in places) == found.cost
    return rank(sum(served.values()), frozenset(places), locations)


@settings(max_examples=400)
@given(problems())
def test_no_plan_is_better(problem: Problem) -> None:
    """Of all assignments none serves more, or needs fewer places, or costs less, or ties better."""
    found = plan(*problem)
    best = min(rank(*one, problem[2]) for one in assignments(problem))
    assert found.optimal
    assert best == checked(found, problem)


@given(problems(places=6), st.randoms(use_true_random=False))
def test_same_input_same_plan(problem: Problem, random: Random) -> None:
    """The plan depends on what there is, not on the order in which it is told."""
    demand, supply, locations = problem
    stocks, places = list(supply.items()), list(locations.items())
    random.shuffle(stocks)
    random.shuffle(places)
    assert plan(*problem) == plan(demand, dict(stocks), dict(places))


@given(problems(places=6), st.data())
def test_more_stock_never_serves_less(problem: Problem, data: st.DataObject) -> None:
    """Another unit on any shelf serves as many units or more."""
    demand, supply, locations = problem
    more = dict(supply)
    more[data.draw(st.sampled_from(sorted(supply)))] += 1
    richer = (demand, more, locations)
    before, after = checked(plan(*problem), problem), checked(plan(*richer), richer)
    assert after[0] <= before[0]


def minimum_cut(problem: Problem) -> int:
    """The most units that can be served, by the theorem of Ford and Fulkerson (1956).

    It is the least, over all sets of lines, of what the others want plus what there is in places
    that may serve any line of the set.
    """
    demand, supply, locations = problem
    found = 0
    for sku in SKUS:
        lines = [one for one in demand if one.sku == sku]
        cuts = []
        for chosen in product((True, False), repeat=len(lines)):
            inside = [one for one, taken in zip(lines, chosen, strict=True) if taken]
            outside = sum(one.quantity for one in lines) - sum(one.quantity for one in inside)
            cuts.append(
                outside
                + sum(
                    supply[sku, where]
                    for where, location in locations.items()
                    if any(one.requires <= location.offers for one in inside)
                )
            )
        found += min(cuts)
    return found


@settings(max_examples=150)
@given(problems(places=20))
def test_many_locations(problem: Problem) -> None:
    """However many locations there are, no plan serves more units."""
    assert minimum_cut(problem) == -checked(plan(*problem), problem)[0]


# --- by hand --------------------------------------------------------------------------------------


def test_one_place_beats_two_cheaper_ones() -> None:
    """Fewer fulfillments come before cost; the reason says who has it all, out of how many."""
    found = plan(
        [Demand("l1", "MUG", 2), Demand("l2", "CUP", 1)],
        {("MUG", "east"): 2, ("CUP", "west"): 1, ("MUG", "main"): 2, ("CUP", "main"): 1},
        place(Location(id="east"), Location(id="west"), Location(id="main", cost=900)),
    )
    items = (FulfillmentItem("l1", "MUG", 2), FulfillmentItem("l2", "CUP", 1))
    assert (PlannedFulfillment("main", items),) == found.fulfillments
    assert (900, (), True) == (found.cost, found.leftovers, found.optimal)
    assert ("main has it all; 3 location(s) had some of it",) == found.reasons


def test_ties() -> None:
    """Between equal places the lower cost decides, then the lower priority, then the name."""
    demand = [Demand("l1", "MUG", 1)]
    north, south = Location(id="north", cost=1), Location(id="south", cost=1)
    for better, worse in [
        (attrs.evolve(south, cost=0, priority=9), north),
        (attrs.evolve(south, priority=-1), north),
        (north, south),
    ]:
        supply = {("MUG", worse.id): 1, ("MUG", better.id): 1}
        found = plan(demand, supply, place(worse, better))
        assert [better.id] == [part.location for part in found.fulfillments]


def test_what_cannot_be_served() -> None:
    """Units nobody has, or nobody may serve, are left over, and the reasons name each."""
    frozen = Demand("l2", "ICE", 1, frozenset({"cold"}))
    found = plan(
        [Demand("l1", "MUG", 5), frozen],
        {("MUG", "a"): 2, ("MUG", "b"): 1, ("ICE", "a"): 9, ("MUG", "closed"): 9},
        place(Location(id="a"), Location(id="b")),
    )
    assert (Demand("l1", "MUG", 2), frozen) == found.leftovers
    assert (
        "3 of 6 units from a, b; 2 location(s) had any of them",
        "split because no smaller set of locations has it all",
        "2 of MUG (line l1) cannot be served",
        "1 of ICE (line l2) cannot be served",
    ) == found.reasons


def test_nothing_to_serve() -> None:
    """No demand makes an empty plan, whatever there is."""
    found = plan([], {("MUG", "a"): 1}, place(Location(id="a")))
    assert ((), (), 0, True) == (found.fulfillments, found.leftovers, found.cost, found.optimal)


def test_nothing_to_serve_from() -> None:
    """Without any stock the plan is empty, and says so."""
    found = plan([Demand("l1", "MUG", 1)], {("MUG", "a"): 0}, place(Location(id="a")))
    assert ((), 0, True) == (found.fulfillments, found.cost, found.optimal)
    reasons = (
        "0 of 1 units from nowhere; 0 location(s) had any of them",
        "1 of MUG (line l1) cannot be served",
    )
    assert reasons == found.reasons


def test_lines_make_room_for_each_other() -> None:
    """Three lines of one SKU that may each be served in two places all get their unit.

    First come first served would give the first line what only the last one can take.
    """
    locations = place(
        Location(id="a", offers=["cold", "grill"]),
        Location(id="b", offers=["cold", "hazmat"]),
        Location(id="c", offers=["hazmat"]),
        Location(id="d", offers=["grill"]),
    )
    demand = [
        Demand("l1", "MUG", 1, frozenset({"cold"})),
        Demand("l2", "MUG", 1, frozenset({"hazmat"})),
        Demand("l3", "MUG", 1, frozenset({"grill"})),
        Demand("l4", "CUP", 1, frozenset({"grill"})),
    ]
    supply = {("MUG", "a"): 1, ("MUG", "b"): 1, ("MUG", "c"): 1, ("CUP", "d"): 1}
    found = plan(demand, supply, locations)
    assert (-4, 4, 0, 0, ["a", "b", "c", "d"]) == checked(found, (demand, {**supply}, locations))


def test_greedy_says_so() -> None:
    """Beyond twelve useful locations a split plan claims to be no more than good."""
    locations = place(*(Location(id=f"w{number:02}") for number in range(13)))
    demand = [Demand("l1", "MUG", 20)]
    supply = {("MUG", where): 2 for where in locations}
    found = plan(demand, supply, locations)
    assert (False, 10, ()) == (found.optimal, len(found.fulfillments), found.leftovers)
    assert "split greedily" == found.reasons[1]
    alone = plan(demand, {**supply, ("MUG", "w07"): 20}, locations)
    assert (True, ["w07"]) == (alone.optimal, [part.location for part in alone.fulfillments])
