"""What somebody found who read plans, lists and labels, and tried what is said of them."""

import subprocess
import sys
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from orderwright import InvalidInput, Location
from orderwright.fulfillment.labels import Address, ShippingLabel
from orderwright.fulfillment.picking import Bin, PickTask, pick_list
from orderwright.fulfillment.planning import Demand, Sourcing, plan
from orderwright.fulfillment.promising import Calendar, promise
from orderwright.fulfillment.waves import plan_wave

MUG = [Demand("l1", "MUG", 1)]


def test_a_wave_serves_no_order_too_late() -> None:
    """As little as a plan for that order alone."""
    slow = {"SLOW": Location(id="SLOW", calendar=Calendar(zone=UTC), transit_days=9)}
    rules = Sourcing(at=datetime(2026, 3, 2, 12, tzinfo=UTC), deliver_by=date(2026, 3, 4))
    there = {("MUG", "SLOW"): 9}
    assert () == plan(MUG, there, slow, rules).fulfillments
    assert () == plan_wave({"o1": MUG}, there, slow, rules).plans["o1"].fulfillments


WAVE = """
from orderwright import Location
from orderwright.fulfillment.planning import Demand
from orderwright.fulfillment.waves import plan_wave
places = {name: Location(id=name) for name in ("EAST", "WEST", "NORTH")}
there = {("MUG", name): 9 for name in places}
made = plan_wave({"o1": [Demand("l1", "MUG", 1)]}, there, places)
print(made.plans["o1"].fulfillments[0].location)
"""


def test_a_wave_is_the_same_in_every_process() -> None:
    """Whatever order its sets have there."""
    told = {
        subprocess.run(
            [sys.executable, "-c", WAVE],
            env={"PYTHONHASHSEED": str(seed), "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in range(1, 6)
    }
    assert 1 == len(told), told


def test_an_order_of_nothing_is_placed_within_the_bound() -> None:
    """It takes no slot."""
    wave = plan_wave({"o1": []}, {("MUG", "A"): 1}, {"A": Location(id="A")})
    assert wave.placed <= wave.bound


def test_the_day_of_arrival_ends_with_its_second_last_hour() -> None:
    """Where clocks go back at midnight, that comes twice."""
    cairo = ZoneInfo("Africa/Cairo")
    carrier = Calendar(zone=cairo, weekdays=range(7))
    by = promise(datetime(2026, 10, 29, 9, tzinfo=cairo), carrier).by
    assert 21 == by.astimezone(UTC).hour


def test_what_is_wrong_is_told_where_it_is() -> None:
    """By the name that the caller knows."""
    ann = Address(name="a", lines=["x"], postcode="1", city="c", country="DE")
    label = {"sender": ann, "recipient": ann, "service": "s", "weight": 1, "tracking": "x"}
    with pytest.raises(InvalidInput, match="sscc"):
        ShippingLabel(**label, sscc="A" * 18)
    bins = {"MUG": Bin("A", 1, "4"), "CUP": Bin("B", 1, 5)}
    with pytest.raises(InvalidInput, match="position"):
        pick_list([PickTask("o", "f", "MUG", 1), PickTask("o", "f", "CUP", 1)], bins)
