"""A location says where orders can be served from, or cannot be made."""

import pytest

from orderwright.errors import InvalidInput
from orderwright.fulfillment.locations import Location


def test_location() -> None:
    """Tags may come as any collection, and are kept as a set; the rest has harmless defaults."""
    grill = Location(id="grill", offers=["grill", "grill", "cold"])
    assert ("grill", frozenset({"cold", "grill"}), 0, 0) == (
        grill.id,
        grill.offers,
        grill.cost,
        grill.priority,
    )


@pytest.mark.parametrize(
    ("id_", "cost", "path"),
    [("", 0, "id"), ("a/b", 0, "id"), ("a", -1, "cost"), ("a", 1.5, "cost"), ("a", True, "cost")],
)
def test_what_is_no_location(id_: str, cost: int, path: str) -> None:
    """Bad ids, and costs below zero or in fractions, are refused."""
    with pytest.raises(InvalidInput) as caught:
        Location(id=id_, cost=cost)
    assert [path] == [fault.path for fault in caught.value.faults]


@pytest.mark.parametrize("offers", ["frozen", ["frozen", 7], [""], None, 7])
def test_what_is_no_offer(offers: object) -> None:
    """A single word is not taken for its letters, and every tag is a name."""
    with pytest.raises(InvalidInput) as caught:
        Location(id="MAIN", offers=offers)
    assert ["offers"] == [fault.path for fault in caught.value.faults]


@pytest.mark.parametrize("priority", ["a", 1.5, True, None])
def test_what_is_no_priority(priority: int) -> None:
    """A priority that does not compare with the others is refused."""
    with pytest.raises(InvalidInput) as caught:
        Location(id="MAIN", priority=priority)
    assert ["priority"] == [fault.path for fault in caught.value.faults]


@pytest.mark.parametrize("priority", [-(10**6), 0, 7])
def test_priorities(priority: int) -> None:
    """A priority may have any sign."""
    assert priority == Location(id="MAIN", priority=priority).priority
