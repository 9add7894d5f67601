"""What reading of plans, waves and labels found, held by small examples."""

import pytest

from orderwright import InvalidInput, Location
from orderwright.fulfillment.planning import Demand, plan

PLACES = {"MAIN": Location(id="MAIN")}


def test_a_line_may_name_another_twice() -> None:
    """A line that another is only served with is one line, however often it is named."""
    wanted = [Demand("l1", "CHEESE", 1, only_with=("l2", "l2")), Demand("l2", "MUG", 1)]
    supply = {("CHEESE", "MAIN"): 1, ("MUG", "MAIN"): 1}
    assert 0 == plan(wanted, supply, PLACES).unserved


def test_many_lines_that_need_each_other_are_soon_checked() -> None:
    """Forty lines, each only served with all before it, are planned at once."""
    wanted = [
        Demand(f"l{one}", "MUG", 1, only_with=tuple(f"l{other}" for other in range(one)))
        for one in range(40)
    ]
    assert 0 == plan(wanted, {("MUG", "MAIN"): 40}, PLACES).unserved


def test_a_line_that_is_missing_later_is_named_where_it_is() -> None:
    """What only a later line is served with is refused like any other name that is none."""
    wanted = [
        Demand("l1", "MUG", 1, only_with=("l2",)),
        Demand("l2", "MUG", 1, only_with=("l9",)),
    ]
    with pytest.raises(InvalidInput, match=r"demand\[1\].only_with: there is no line 'l9'"):
        plan(wanted, {("MUG", "MAIN"): 2}, PLACES)
