"""What to reorder: published examples, brute force, and the known facts of a sample business."""

import csv
import gzip
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import product
from math import sqrt
from pathlib import Path
from statistics import mean, stdev
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderwright import InvalidInput, InventoryLedger, Posting, Reservation
from orderwright.inventory.demand import croston, demand_history, summary
from orderwright.inventory.replenishment import (
    Proposal,
    ReplenishmentPolicy,
    abc_classes,
    economic_quantity,
    health,
    packed,
    position,
    propose,
    reorder_point,
    safety_stock,
)

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


# Demand ------------------------------------------------------------------------------------


def left(number: int, units: int, at: datetime, sku: str = "MUG") -> Posting:
    """Units leave for a customer."""
    return Posting.hand_over(f"s{number}", [Reservation("", sku, "MAIN", units)], at=at)


def test_demand_is_counted_when_it_is_asked_for() -> None:
    """Promises, sales and use count; filling and shipping do not; what comes back is taken off."""
    claim = [Reservation("c", "MUG", "", 4)]
    move = {"location": "MAIN", "source": "customer", "target": "quarantine"}
    postings = [
        Posting.receive("d", "MUG", "MAIN", 90, at=NOON),
        left(1, 5, NOON),
        Posting.reserve("q", [Reservation("q", "MUG", "MAIN", 8)], at=NOON),
        Posting.settle(
            "qq",
            commit=[Reservation("q", "MUG", "MAIN", 3)],
            release=[Reservation("q", "MUG", "MAIN", 5)],
            at=NOON + 20 * DAY,
        ),
        Posting.claim("c", claim, at=NOON + 20 * DAY),
        Posting.linked(
            "f",
            [
                Posting.claim("x", claim, at=NOON + 50 * DAY, drop=True),
                left(2, 4, NOON + 50 * DAY),
            ],
        ),
        Posting.move("r", [("MUG", 1)], at=NOON + 51 * DAY, **move),
        Posting.make("m", "MAIN", used=[("MUG", 2)], at=NOON + 51 * DAY),
        left(3, 7, NOON + 400 * DAY),
    ]
    window = {"start": NEW_YEAR, "end": datetime(2026, 5, 1, tzinfo=UTC), "zone": UTC}
    assert {"MUG": (13, -1, 1, 0)} == demand_history(postings, period="month", **window)
    late = {**window, "start": NEW_YEAR + DAY}
    assert {"MUG": (-1, 1, 0)} == demand_history(postings, period="month", **late)
    days = demand_history(
        postings, period="day", start=NOON - NOON.hour * DAY / 24, end=NOON + DAY, zone=UTC
    )
    assert {"MUG": (13,)} == days
    with pytest.raises(InvalidInput, match="no whole week"):
        demand_history(postings, period="week", start=NOON, end=NOON + DAY, zone=UTC)
    with pytest.raises(InvalidInput):
        demand_history(postings, period="year", **window)


MONDAYS = ("2026-03-02", "2026-04-27")


@given(
    sales=st.lists(st.tuples(st.integers(0, 100 * 24), st.integers(1, 9)), max_size=20),
    period=st.sampled_from(["day", "week", "month"]),
)
def test_periods_are_those_of_the_zone(sales: list[tuple[int, int]], period: str) -> None:
    """By brute force over local days, in a zone that changes its clocks in between."""
    zone = ZoneInfo("Europe/Berlin")
    first, last = ("2026-02-01", "2026-05-01") if period == "month" else MONDAYS
    start, end = (datetime.fromisoformat(one).replace(tzinfo=zone) for one in (first, last))
    postings = [
        left(number, units, start + timedelta(hours=hours))
        for number, (hours, units) in enumerate(sales)
    ]
    found = demand_history(postings, period=period, start=start, end=end, zone=zone)
    names: dict[object, int] = {}
    day = start
    while day < end:
        name = {
            "day": day.date(),
            "week": day.isocalendar()[:2],
            "month": (day.year, day.month),
        }[period]
        names.setdefault(name, 0)
        day += DAY
    for posting in postings:
        local = posting.at.astimezone(zone)
        name = {
            "day": local.date(),
            "week": local.isocalendar()[:2],
            "month": (local.year, local.month),
        }[period]
        if name in names:
            names[name] += posting.entries[1].quantity
    assert list(names.values()) == list(found.get("MUG", [0] * len(names)))


@given(history=st.lists(st.integers(0, 9), min_size=2, max_size=30))
def test_averages_are_those_of_the_standard_library(history: list[int]) -> None:
    """Mean and deviation agree with `statistics`; the interval with the gaps between demands."""
    known = summary(history)
    assert pytest.approx(mean(history)) == known.mean
    assert pytest.approx(stdev(history)) == known.deviation
    busy = sum(one > 0 for one in history)
    assert (len(history) / busy if busy else 0) == known.interval


@pytest.mark.parametrize(
    ("history", "pattern"),
    [
        ([5, 5, 6, 5], "smooth"),
        ([1, 9, 1, 30], "erratic"),
        ([0, 0, 5, 0, 5, 0], "intermittent"),
        ([0, 0, 1, 0, 30, 0], "lumpy"),
        ([0, 0], "none"),
    ],
)
def test_how_demand_behaves(history: list[int], pattern: str) -> None:
    """By how often it comes, and in how unlike quantities."""
    assert pattern == summary(history).pattern


def test_crostons_estimate_by_hand() -> None:
    """Demands of 6 after 2 periods, 2 after 3: smoothed by 0.2 to a size of 5.2 every 2.2 periods.

    6 + 0.2 * (2 - 6) = 5.2 and 2 + 0.2 * (3 - 2) = 2.2; SBA takes 10 % off 5.2 / 2.2.
    """
    found = croston([0, 6, 0, 0, 2, 0, 0], alpha=0.2)
    assert pytest.approx((5.2, 2.2)) == found[:2]
    assert pytest.approx(5.2 / 2.2) == found.forecast
    assert pytest.approx(0.9 * 5.2 / 2.2) == found.unbiased
    assert 0 == croston([0, 0]).forecast
    for wrong in (0, 1.5):
        with pytest.raises(InvalidInput):
            croston([1], alpha=wrong)
    with pytest.raises(InvalidInput):
        summary([])


def test_crostons_bias_is_what_the_correction_takes_off() -> None:
    """Over a long regular history both are what was asked for, less the correction."""
    found = croston([0, 0, 6] * 50, alpha=0.1)
    assert pytest.approx(2.0) == found.forecast
    assert pytest.approx(1.9) == found.unbiased


# Formulas ----------------------------------------------------------------------------------


def test_the_carpet_store() -> None:
    """30 yards a day, deviating by 5, ten days, 95 %: a safety stock of 26 (26.1 with z = 1.65).

    The I-75 Carpet Discount Store of Russell and Taylor, "Operations Management", chapter on
    inventory (reorder point with variable demand): 300 + 26.1 yards.
    """
    spare = safety_stock(30, 5, over=10, over_deviation=0, level=0.95)
    assert pytest.approx(26.1, abs=0.12) == spare
    assert pytest.approx(1.645 * 5 * sqrt(10), abs=0.01) == spare


def test_the_knife_sets() -> None:
    """2,400 a year, 5 an order, 4 a year to keep one: 77 at once, at 68 left.

    The Retailers Warehouse of Jacobs and Chase, "Operations and Supply Chain Management": a
    deviation of 4 a day, seven days, 98 %.
    """
    policy = ReplenishmentPolicy(lead_time=7, review=0, order_cost=5, holding_cost=4 / 365)
    assert 77 == economic_quantity(2400 / 365, policy)
    spare = safety_stock(2400 / 365, 4, over=7, over_deviation=0, level=0.98)
    assert 68 == round(2400 / 365 * 7 + spare)


def test_lead_times_that_vary_need_more() -> None:
    """100 a day deviating by 20, seven days deviating by two: sqrt(42,800) = 206.88 times z."""
    spare = safety_stock(100, 20, over=7, over_deviation=2, level=0.95)
    assert pytest.approx(1.6449 * sqrt(42_800), rel=1e-4) == spare


@given(
    history=st.lists(st.sampled_from([0, 0, 0, 1, 4]), min_size=2, max_size=5),
    over=st.integers(1, 4),
    level=st.sampled_from([0.5, 0.8, 0.9, 0.95]),
)
def test_intermittent_demand_is_not_averaged_away(
    history: list[int], over: int, level: float
) -> None:
    """By brute force over all ways to draw as many periods: just enough are covered."""
    policy = ReplenishmentPolicy(lead_time=over, review=0, service_level=level)
    point = reorder_point(history, policy)
    if summary(history).pattern not in ("intermittent", "lumpy"):
        return
    sums = [sum(drawn) for drawn in product(history, repeat=over)]
    covered = sum(one <= point for one in sums) / len(sums)
    below = sum(one < point for one in sums) / len(sums)
    assert covered >= level - 1e-9
    assert below < level


def test_large_quantities_are_rounded_up_not_forgotten() -> None:
    """Of very many different sums the point is a little higher, never lower."""
    history = [0, 0, 0, *(10**6 + 7919 * index**2 for index in range(60)), *[0] * 60]
    policy = ReplenishmentPolicy(lead_time=3, review=0, service_level=0.9)
    point = reorder_point(history, policy)
    assert 10**6 < point < 4 * (10**6 + 7919 * 3600)
    late = ReplenishmentPolicy(lead_time=3, lead_time_deviation=1, review=0, service_level=0.9)
    assert reorder_point(history, late) > point


@pytest.mark.parametrize(
    ("draws", "seldom"),
    [(1, 4), (30, 4), (999, 4), (30, 100), (2_500, 100), (2_500, 1_000), (30_000, 1_000)],
)
def test_over_many_periods_the_point_is_that_of_the_binomial(draws: int, seldom: int) -> None:
    """One in so many periods asks for four: what that comes to is known in closed form."""
    history = [0] * (seldom - 1) + [4]
    policy = ReplenishmentPolicy(lead_time=draws, review=0, service_level=0.9)
    chance, times, reached = (1 - 1 / seldom) ** draws, 0, 0.0
    while (reached := reached + chance) < policy.service_level - 1e-9:
        chance *= (draws - times) / (times + 1) / (seldom - 1)
        times += 1
    assert 4 * times <= reorder_point(history, policy) <= 4 * times * 1.01


def test_a_span_beyond_all_measure_is_answered_too() -> None:
    """What a period asks for on average, and a little more."""
    forever = ReplenishmentPolicy(lead_time=10**12, review=0)
    assert reorder_point([0, 0, 0, 4], forever) == pytest.approx(10**12, rel=1e-3)


@pytest.mark.parametrize(
    ("call", "where"),
    [
        (lambda: summary([10**13]), "history[0]"),
        (lambda: reorder_point([1], "weekly"), "policy"),  # type: ignore[arg-type]
        (lambda: economic_quantity(float("nan"), ReplenishmentPolicy(lead_time=1)), "mean"),
        (lambda: propose([], {}, {}), "histories"),  # type: ignore[arg-type]
        (lambda: health("MUG", 1.5, [1], periods=1), "on_hand"),  # type: ignore[arg-type]
    ],
)
def test_what_no_formula_can_take_is_refused(call: Callable[[], object], where: str) -> None:
    """The fault says where it is."""
    with pytest.raises(InvalidInput) as caught:
        call()
    assert where == caught.value.faults[0].path


def test_packs_and_minimum_orders() -> None:
    """Whole packs, at least the minimum; without costs what a lead time and a review ask for."""
    policy = ReplenishmentPolicy(lead_time=2, pack=12, minimum=20)
    assert (24, 24, 36) == (packed(1, policy), packed(24, policy), packed(25, policy))
    assert 24 == economic_quantity(5, policy)
    assert 0 == reorder_point([5, 5], ReplenishmentPolicy(lead_time=0, review=0))


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"lead_time": -1}, "lead_time"),
        ({"lead_time": 1.5}, "lead_time"),
        ({"lead_time": 1, "pack": 0}, "pack"),
        ({"lead_time": 1, "service_level": 1.0}, "service_level"),
        ({"lead_time": 1, "service_level": 0.1}, "service_level"),
        ({"lead_time": 1, "order_cost": -1}, "order_cost"),
        ({"lead_time": 1, "holding_cost": -1}, "holding_cost"),
    ],
)
def test_impossible_policies(wrong: dict[str, Any], path: str) -> None:
    """Each is refused by the name of its field."""
    with pytest.raises(InvalidInput) as caught:
        ReplenishmentPolicy(**wrong)
    assert [path] == [one.path for one in caught.value.faults]


def test_the_largest_values_are_class_a() -> None:
    """Of 100 in all: 70 and 15 make up the first 80 %, 10 the next, the rest is C."""
    values = {"a": 70.0, "b": 15.0, "c": 10.0, "d": 4.0, "e": 1.0, "f": 0.0}
    assert {"a": "A", "b": "A", "c": "B", "d": "C", "e": "C", "f": "C"} == abc_classes(values)
    assert {"x": "C"} == abc_classes({"x": 0.0})
    with pytest.raises(InvalidInput):
        abc_classes(values, first=0.9, second=0.8)


def test_stock_that_lasts_too_long_or_is_dead() -> None:
    """Twelve units at two a period last six, and four periods want eight; unasked for is dead."""
    assert ("x", 12, 6.0, 4, False) == health("x", 12, [2, 2, 2], periods=4)
    assert ("x", 5, None, 5, True) == health("x", 5, [0, 0, 0], periods=2)
    assert health("x", 5, [9, 0, 0], periods=2).dead
    assert not health("x", 0, [0], periods=2).dead


# The purchase list -------------------------------------------------------------------------


def test_a_purchase_list_gives_its_reasons() -> None:
    """What is short is ordered in packs, what is not asked for only if somebody waits."""
    policy = ReplenishmentPolicy(lead_time=2, pack=6)
    histories = {"SHORT": [4, 5, 4, 5], "FULL": [4, 5, 4, 5], "DEAD": [0, 0], "WAITED": [0, 0]}
    positions = {"SHORT": 3, "FULL": 99, "DEAD": 0, "WAITED": -2}
    short, waited = propose(histories, positions, dict.fromkeys(histories, policy))
    assert ("SHORT", 18, 3, 16) == short[:4]
    assert "position 3 is at or below 16: smooth demand of 4.50 a period" in short.reason
    assert short.reason.endswith("3 packs of 6")
    assert ("WAITED", 6, -2) == waited[:3]
    assert "2 are waited for" in waited.reason
    with pytest.raises(InvalidInput) as caught:
        propose(histories, positions, {"SHORT": policy})
    assert 3 == len(caught.value.faults)


@given(
    history=st.lists(st.integers(0, 6), min_size=3, max_size=12),
    there=st.integers(-5, 40),
    pack=st.integers(1, 7),
)
def test_an_order_lifts_the_position_above_the_point(
    history: list[int], there: int, pack: int
) -> None:
    """Nothing is proposed above the point; what is proposed reaches it, in whole packs."""
    policy = ReplenishmentPolicy(lead_time=2, pack=pack, order_cost=3, holding_cost=1)
    proposed = propose({"X": history}, {"X": there}, {"X": policy})
    point = reorder_point(history, policy)
    if there > point:
        assert () == proposed
    for one in proposed:
        assert isinstance(one, Proposal)
        assert one.position + one.quantity > point
        assert 0 == one.quantity % pack


# A sample business -------------------------------------------------------------------------


def rows(path: Path) -> list[dict[str, str]]:
    """A file of the sample."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_northwind_through_the_ledger(data_file: Callable[[str], Path]) -> None:
    """The known facts of the sample: 18 products to reorder, 2 with what is on order, 471 short.

    What is ordered and not shipped exceeds the stock of 17 of 49 products.
    """
    ledger = InventoryLedger()
    products = rows(data_file("northwind_products.csv.gz"))
    for one in products:
        sku = one["product_id"]
        if units := int(one["units_in_stock"]):
            ledger.post(Posting.receive(f"d{sku}", sku, "MAIN", units, at=NOON))
        if units := int(one["units_on_order"]):
            ledger.post(
                Posting.expect(
                    f"e{sku}", sku, "MAIN", units, purchase="po", expected_at=None, at=NOON
                )
            )
    active = {
        one["product_id"]: int(one["reorder_level"])
        for one in products
        if one["discontinued"] == "0"
    }
    there = {sku: position(ledger.supply([sku], now=NOON), (), ()) for sku in active}
    coming = {
        sku: position(ledger.supply([sku], now=NOON), (), ledger.incoming(sku)) for sku in active
    }
    assert 18 == sum(there[sku] < level for sku, level in active.items())
    assert 2 == sum(coming[sku] < level for sku, level in active.items())
    waiting = {
        one["order_id"]
        for one in rows(data_file("northwind_orders.csv.gz"))
        if not one["shipped_date"]
    }
    for number, one in enumerate(rows(data_file("northwind_order_details.csv.gz"))):
        if one["order_id"] in waiting:
            claim = Reservation(
                f"{one['order_id']}/{number}", one["product_id"], "", int(one["quantity"])
            )
            ledger.post(Posting.claim(f"c{number}", [claim], at=NOON))
    asked: Counter[str] = Counter()
    for account, units in ledger.balances().items():
        if account.bucket == "backordered":
            asked[account.sku] += units
    short = {
        sku: -units
        for sku in asked
        if (units := position(ledger.supply([sku], now=NOON), ledger.claims(sku), ())) < 0
    }
    assert (49, 17, 471) == (len(asked), len(short), sum(short.values()))
    assert () == ledger.audit()
