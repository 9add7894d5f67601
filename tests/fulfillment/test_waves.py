"""A wave places as many orders as can be, and the real day of a factory shows by how much."""

import csv
import gzip
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from orderwright import Location
from orderwright.errors import InvalidInput
from orderwright.fulfillment.planning import Demand, plan
from orderwright.fulfillment.waves import plan_wave

Orders = Mapping[str, Sequence[Demand]]


def mugs(units: int = 1, **more: object) -> list[Demand]:
    """An order of mugs."""
    return [Demand("l1", "MUG", units)._replace(**more)]  # type: ignore[arg-type]


def test_orders_make_room_for_each_other() -> None:
    """Who can be served anywhere leaves the one slot to who can be served only there."""
    places = {one: Location(id=one, slots=1, cost=cost) for one, cost in (("a", 0), ("b", 9))}
    supply = {("MUG", "a"): 9, ("MUG", "b"): 9, ("CUP", "a"): 9}
    orders = {"o1": mugs(), "o2": [Demand("l1", "CUP", 1)]}
    wave = plan_wave(orders, supply, places)
    assert (2, 2, True) == (wave.placed, wave.bound, wave.optimal)
    assert {"o1": "b", "o2": "a"} == {
        order_id: made.fulfillments[0].location for order_id, made in wave.plans.items()
    }


def test_no_order_is_served_in_part() -> None:
    """What cannot be served whole is left whole, also from two places; the bound says the rest."""
    places = {one: Location(id=one, slots=2) for one in ("a", "b")}
    supply = {("MUG", "a"): 2, ("MUG", "b"): 2}
    wave = plan_wave({"o1": mugs(3), "o2": mugs(2)}, supply, places)
    assert (1, 2, False) == (wave.placed, wave.bound, wave.optimal)
    assert [0, 2] == sorted(
        sum(item.quantity for part in made.fulfillments for item in part.items)
        for made in wave.plans.values()
    )
    both = plan_wave({"o1": mugs(3)}, supply, places)
    assert ["a", "b"] == [part.location for part in both.plans["o1"].fulfillments]


def test_the_bound_knows_of_splitting() -> None:
    """An order whose only place for all of it is full may still be served by two others."""
    places = {one: Location(id=one, slots=1) for one in ("a", "b", "c")}
    supply = {("MUG", "a"): 1, ("MUG", "b"): 1, ("MUG", "c"): 4}
    wave = plan_wave({"o1": mugs(2), "o2": mugs(2)}, supply, places)
    assert (2, 2) == (wave.placed, wave.bound)


def test_a_wave_keeps_what_a_plan_keeps() -> None:
    """A place that fills takes no more than it can, and nobody is sent where it may not be."""
    places = {one: Location(id=one, capacity=2, slots=1) for one in ("a", "b")}
    supply = {("MUG", one): 9 for one in places}
    orders = {"o1": mugs(2), "o2": mugs(2, not_from=frozenset({"a"})), "o3": mugs(3)}
    wave = plan_wave(orders, supply, places)
    assert (2, 2) == (wave.placed, wave.bound)
    assert {"o1": ["a"], "o2": ["b"], "o3": []} == {
        name: [part.location for part in made.fulfillments] for name, made in wave.plans.items()
    }


def test_bad_input() -> None:
    """What no plan may be asked, no wave may."""
    with pytest.raises(InvalidInput):
        plan_wave({"o1": mugs(0)}, {}, {})
    with pytest.raises(InvalidInput):
        plan_wave({"a/b": mugs()}, {}, {})
    with pytest.raises(InvalidInput):
        plan_wave({"o1": mugs()}, {("MUG", "moon"): 1}, {})
    assert 0 == plan_wave({}, {}, {}).placed


@st.composite
def days(draw: st.DrawFn) -> tuple[Orders, dict[tuple[str, str], int], dict[str, Location]]:
    """Some orders of one or two lines, and places with few slots and few units."""
    places = {
        f"w{number}": Location(id=f"w{number}", slots=draw(st.sampled_from((None, 1, 1, 2))))
        for number in range(draw(st.integers(1, 3)))
    }
    supply = {
        (sku, where): draw(st.sampled_from((0, 1, 2, 99)))
        for sku in ("MUG", "CUP")
        for where in places
    }
    orders = {
        f"o{number}": [
            Demand(f"l{index}", sku, draw(st.integers(1, 2)))
            for index, sku in enumerate(draw(st.sampled_from((("MUG",), ("CUP",), ("MUG", "CUP")))))
        ]
        for number in range(draw(st.integers(0, 4)))
    }
    return orders, supply, places


@settings(max_examples=150, deadline=None)
@given(days())
def test_nothing_is_promised_twice(
    day: tuple[Orders, dict[tuple[str, str], int], dict[str, Location]],
) -> None:
    """Stock and slots are kept over all plans, and no more orders are placed than the bound.

    With stock for all, as many are placed as trying every place for every order finds.
    """
    orders, supply, places = day
    wave = plan_wave(orders, supply, places)
    left = dict(supply)
    slots = {where: place.slots for where, place in places.items()}
    for order_id, made in wave.plans.items():
        served = sum(item.quantity for part in made.fulfillments for item in part.items)
        assert served in (0, sum(one.quantity for one in orders[order_id]))
        for part in made.fulfillments:
            known = slots[part.location]
            slots[part.location] = None if known is None else known - 1
            for item in part.items:
                left[item.sku, part.location] -= item.quantity
    assert min(left.values()) >= 0
    assert all(one is None or one >= 0 for one in slots.values())
    assert sum(not made.leftovers for made in wave.plans.values()) == wave.placed <= wave.bound
    if all(units in (0, 99) for units in supply.values()):
        best = 0
        able = [
            [None, *(w for w in places if all(supply[one.sku, w] for one in demand))]
            for demand in orders.values()
        ]
        for chosen in product(*able):
            counts = [sum(one == where for one in chosen) for where in places]
            limits = [place.slots for place in places.values()]
            if all(limit is None or n <= limit for n, limit in zip(counts, limits, strict=True)):
                best = max(best, sum(one is not None for one in chosen))
        assert wave.placed >= best


def brunel(
    find: Callable[[str], Path], *, limits: bool
) -> tuple[Orders, dict[tuple[str, str], int], dict[str, Location]]:
    """The 9,215 orders of one real day, for 18 warehouses that can send so many a day."""

    def rows(name: str) -> list[dict[str, str]]:
        with gzip.open(find(f"brunel_{name}.csv.gz"), "rt", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    places = {
        row["plant_id"]: Location(id=row["plant_id"], slots=int(row["daily_capacity"]))
        for row in rows("warehouse_capacities")
    }
    supply = {(row["product_id"], row["plant_code"]): 10**9 for row in rows("products_per_plant")}
    tied: dict[str, set[str]] = {}
    for row in rows("vmi_customers"):
        tied.setdefault(row["plant_code"], set()).add(row["customers"])
    orders = {
        str(number): [
            Demand(
                "l1",
                row["product_id"],
                int(row["unit_quantity"]),
                not_from=frozenset(
                    where
                    for where, known in tied.items()
                    if limits and row["customer"] not in known
                ),
            )
        ]
        for number, row in enumerate(rows("orders"))
    }
    return orders, supply, places


@pytest.mark.long
@pytest.mark.parametrize(("limits", "most", "by_one"), [(False, 2789, 2742), (True, 2444, 2279)])
def test_a_real_day(
    data_file: Callable[[str], Path],
    *,
    limits: bool,
    most: int,
    by_one: int,
) -> None:
    """A wave places as many as a maximum flow allows; one by one as they come, it is no more."""
    orders, supply, places = brunel(data_file, limits=limits)
    wave = plan_wave(orders, supply, places)
    assert (most, most, True) == (wave.placed, wave.bound, wave.optimal)
    where: dict[str, list[str]] = {}
    for sku, place in supply:
        where.setdefault(sku, []).append(place)
    placed = 0
    for demand in orders.values():
        (one,) = demand
        there = {(one.sku, place): 10**9 for place in where.get(one.sku, ())}
        made = plan(demand, there, places)
        for part in made.fulfillments:
            slots = places[part.location].slots
            assert slots is not None
            places[part.location] = evolve(places[part.location], slots=slots - 1)
            placed += 1
    assert by_one == placed
