"""What the docs say, and what the library says to whoever follows them, is so."""

import re
from pathlib import Path

import pytest

from orderwright import InvalidInput
from orderwright.codec import SCHEMA
from tests.worlds import World

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


def test_a_story_is_told_in_the_order_it_happened() -> None:
    """What the evening at the restaurant tells never goes back to an earlier time of the day."""
    text = (ROOT / "tests" / "examples" / "restaurant.txt").read_text("utf-8")
    times = re.findall(r"^(\d\d:\d\d)  \S", text, re.MULTILINE)
    assert len(times) > 10
    assert sorted(times) == times
