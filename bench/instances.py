"""Seeded sourcing problems: the same on every machine, the optimum of each in a file beside."""

from __future__ import annotations

import csv
from pathlib import Path
from random import Random
from typing import NamedTuple

from orderwright import Location
from orderwright.fulfillment.planning import Demand

__all__ = ["FAMILIES", "Optimum", "Problem", "optima", "problem"]

OPTIMA = Path(__file__).with_name("optima.csv")


class Family(NamedTuple):
    """``lines`` to be served from ``places``, and how ``many`` such problems there are."""

    lines: int
    places: int
    many: int


FAMILIES = {"5x10": Family(5, 10, 300), "20x50": Family(20, 50, 100), "50x20": Family(50, 20, 100)}
"""By lines and places: 500 problems in all."""


class Problem(NamedTuple):
    """What :func:`orderwright.fulfillment.planning.plan` is given."""

    demand: list[Demand]
    supply: dict[tuple[str, str], int]
    locations: dict[str, Location]


class Optimum(NamedTuple):
    """What the best plan comes to, as a solver proved it."""

    unserved: int
    fulfillments: int
    cost: int


def problem(family: str, seed: int) -> Problem:
    """Return a problem: one in two has lines that require something, one in four has whole lines.

    Shelves are well filled or nearly empty, units few or many; of the small problems one in four
    has places that can take only so many units.
    """
    lines, places, _ = FAMILIES[family]
    random = Random(f"{family}/{seed}")  # noqa: S311 - reproducible problems, not secrets
    filled = random.choice((15, 30, 50, 70))
    limited = lines == 5 and seed % 4 == 3
    locations = [
        Location(
            id=f"w{number:02}",
            offers=["cold"] if random.randrange(3) else [],
            cost=random.randrange(1000),
            priority=random.randrange(4),
            capacity=random.randint(2, 12) if limited else None,
        )
        for number in range(places)
    ]
    demand = [
        Demand(
            f"l{number}",
            f"s{number}" if random.randrange(5) else f"s{number // 2}",
            random.randint(1, 6),
            frozenset({"cold"} if seed % 2 and not random.randrange(4) else ()),
            f"g{number}" if seed % 4 == 2 and not random.randrange(3) else "",
        )
        for number in range(lines)
    ]
    supply = {
        (sku, place.id): random.randint(1, 8)
        for sku in dict.fromkeys(one.sku for one in demand)
        for place in locations
        if random.randrange(100) < filled
    }
    # Somebody offers what is required, whatever was drawn.
    locations[0] = Location(id="w00", offers=["cold"], cost=500)
    return Problem(demand, supply, {place.id: place for place in locations})


def optima() -> dict[tuple[str, int], Optimum]:
    """Return what a solver proved, by family and seed."""
    with OPTIMA.open(encoding="utf-8", newline="") as file:
        return {
            (row["family"], int(row["seed"])): Optimum(
                int(row["unserved"]), int(row["fulfillments"]), int(row["cost"])
            )
            for row in csv.DictReader(file)
        }
