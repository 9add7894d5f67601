"""What the docs say, and what the library says to whoever follows them, is so."""

import re
from pathlib import Path

import pytest

from orderwright import InvalidInput
from orderwright.codec import SCHEMA
from orderwright.requests import SaveOrder
from orderwright.testing.simulation import Begin, Call, Go, Simulation, check_quiet
from tests.worlds import World, card, eur, line

ROOT = Path(__file__).parents[2]


def test_what_is_no_number_of_units_is_not_called_units() -> None:
    """A provider's number that is too large is refused as a number: it counts no units."""
    world = World()
    with pytest.raises(InvalidInput) as refusal:
        world.desk.notify_payment("o1/p1/authorize-1", sequence=2**63)
    assert f"sequence: expected 0 to {2**63 - 1}, got {2**63}" == str(refusal.value)


def test_the_changelog_tells_the_schema() -> None:
    """The changelog names the schema of stored documents, and that all before it are read."""
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    found = re.findall(r"schema (\d+); what schemas 1 to (\d+) stored", text)
    assert [(str(SCHEMA), str(SCHEMA - 1))] == found


def test_what_is_offered_beyond_what_is_due_is_given_back() -> None:
    """Of a tender of more than is due, the rest is neither taken nor kept once all is complete."""
    world = World()
    order = world.desk.place([line()], order_id="o1", tenders=[card("100.00")])
    assert eur("100.00") == order.authorized
    world.desk.ship("o1", "f1")
    order = world.desk.deliver("o1", "f1")
    assert ("completed", eur("10.00"), eur("90.00")) == (
        order.state.name,
        order.captured,
        order.payments[0].voided,
    )
    check_quiet(world)


def test_a_story_is_told_in_the_order_it_happened() -> None:
    """What the evening at the restaurant tells never goes back to an earlier time of the day."""
    text = (ROOT / "tests" / "examples" / "restaurant.txt").read_text("utf-8")
    times = re.findall(r"^(\d\d:\d\d)  \S", text, re.MULTILINE)
    assert len(times) > 10
    assert sorted(times) == times


@pytest.mark.parametrize("answered", ["unknown, done", "unknown, not done"])
def test_what_nobody_knows_is_said_again(answered: str) -> None:
    """Where a store did not answer, a command raises OutcomeUnknown; the same again settles it."""
    world = World()
    place = Call("place", [line()], order_id="o1", tenders=[card()])
    story = Simulation(world)
    story.do(Begin("anna", place))
    while not isinstance(story.workers["anna"].request, SaveOrder):
        story.do(Go("anna"))
    story.do(Go("anna", answered))
    assert 1 == story.seen["place: OutcomeUnknown"]
    assert (answered == "unknown, done") == bool(world.all_orders())
    order = world.desk.place([line()], order_id="o1", tenders=[card()])
    assert order == world.desk.place([line()], order_id="o1", tenders=[card()])
    story.calm()
    assert "confirmed" == world.desk.order("o1").state.name
