"""Five hundred seeded problems, whose best plans a solver has proven."""

import pytest

from bench.instances import FAMILIES, Optimum, optima, problem
from orderwright.fulfillment.planning import plan

PROVEN = optima()


def test_there_are_five_hundred() -> None:
    """Each seeded problem has an optimum to be compared with."""
    assert 500 == len(PROVEN) == sum(family.many for family in FAMILIES.values())


@pytest.mark.parametrize("family", FAMILIES)
def test_plans_are_the_solvers(family: str) -> None:
    """Every plan is proven, and comes to what an independent solver found to be the best."""
    for seed in range(FAMILIES[family].many):
        made = plan(*problem(family, seed))
        found = Optimum(made.unserved, len(made.fulfillments), made.cost)
        assert (True, PROVEN[family, seed]) == (made.optimal, found), seed
