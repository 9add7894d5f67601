"""The run of the car parts: its figures are those of a simulation without a ledger."""

from collections.abc import Callable
from itertools import product
from math import ceil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.replenish_parts import (
    KNOWN,
    POLICY,
    Demand,
    fixed_rule,
    hindsight,
    known,
    live,
    read,
    report,
)


def by_hand(demand: Demand, index: int) -> tuple[int, int, int, int]:
    """Served at once, unit-months kept, orders made and units lost by the fixed rule."""
    point, batch = fixed_rule(demand)
    shelf, waiting = sum(known(demand[:KNOWN])) + point + batch, 0
    due: dict[int, int] = {}
    served = kept = orders = lost = 0
    for number, asked in enumerate(demand):
        shelf += due.pop(number, 0)
        filled = min(shelf, waiting)
        shelf, waiting = shelf - filled, waiting - filled
        there = min(shelf, asked or 0)
        shelf, waiting = shelf - there, waiting + (asked or 0) - there
        if number >= KNOWN:
            served += there
            if number % 12 == 0 and index % 10 == 0 and shelf:
                shelf, lost = shelf - 1, lost + 1
            kept += 0 if asked is None else shelf
        if number + 1 >= KNOWN and batch and shelf + sum(due.values()) - waiting <= point:
            arrival = number + POLICY.lead_time
            due[arrival] = due.get(arrival, 0) + batch
            orders += 1
    return served, kept, orders, lost


def test_the_ledger_tells_what_a_simulation_by_hand_tells(
    data_file: Callable[[str], Path],
) -> None:
    """For every twentieth part: what was served, kept, ordered and lost, to the unit."""
    every = list(read(data_file("carparts_monthly_demand.csv.gz")))
    assert (2674, 6122) == (len(every), sum(one is None for _, d in every for one in d))
    parts = dict(every[::20])
    store = live(parts, {part: fixed_rule(demand) for part, demand in parts.items()})
    sums = [by_hand(demand, index) for index, demand in enumerate(parts.values())]
    result = store.result
    assert [sum(column) for column in zip(*sums, strict=True)] == [
        result.served,
        result.stock,
        result.orders,
        result.lost,
    ]
    assert sum(sum(known(demand[KNOWN:])) for demand in parts.values()) == result.asked
    # What the ledger knows of demand is what was asked for, waited for or not.
    expected = {part: known(demand) for part, demand in parts.items()}
    assert {part: counts for part, counts in expected.items() if counts} == store.histories
    assert () == store.ledger.audit()


def test_the_report_compares_three_ways(data_file: Callable[[str], Path]) -> None:
    """The proposal serves more than the fixed rule; hindsight serves all with less."""
    text = report(data_file("carparts_monthly_demand.csv.gz"), every=25)
    rows = {line.split()[0]: line.split()[1:] for line in text.splitlines() if "%" in line}
    served = {name: float(row[0].rstrip("%")) for name, row in rows.items() if len(row) == 4}
    assert 100.0 == served["hindsight"] > served["proposed"] > served["fixed"]
    assert "the audit is clean" in text


@given(demand=st.lists(st.integers(0, 60), min_size=1, max_size=6))
def test_hindsight_is_the_cheapest_of_all_plans(demand: list[int]) -> None:
    """By brute force over the months in which something is ordered."""
    costs = []
    for ordering in product([False, True], repeat=len(demand)):
        cost, last = 0.0, None
        for number, (orders, asked) in enumerate(zip(ordering, demand, strict=True)):
            if orders:
                last = number
                cost += POLICY.order_cost
            if asked and last is None:
                break
            cost += asked * POLICY.holding_cost * (number - (last or 0))
        else:
            costs.append(cost)
    orders, stock = hindsight(demand)
    assert pytest.approx(min(costs)) == orders * POLICY.order_cost + stock * POLICY.holding_cost


def test_the_fixed_rule_is_fixed_by_the_first_years() -> None:
    """What comes later does not matter."""
    demand = (2,) * KNOWN
    assert (6, 6) == fixed_rule(demand) == fixed_rule((*demand, 99))
    assert (ceil(0), ceil(0)) == fixed_rule((0,) * KNOWN)
