"""The simulator is itself proven: bugs that people make are planted, and it finds each of them."""

import pytest

from orderwright.testing.simulation import LAWS
from tests.simulation.planted import BUGS, STORMS


def test_there_are_many_bugs_and_all_kinds_of_laws_find_them() -> None:
    """Names of laws are what a report counts by, so each is another."""
    assert len(BUGS) >= 25
    assert len({law.name for law in LAWS}) == len(LAWS)


@pytest.mark.parametrize("name", BUGS)
def test_a_bug_that_is_planted_is_found(name: str) -> None:
    """Within the storms that a normal run weathers."""
    number, law = BUGS[name].found(range(STORMS))
    assert number, f"{STORMS} storms, and nothing was seen"
    assert law
