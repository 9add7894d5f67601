"""A bill split by guests comes to what is due, to the cent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderwright import Charge, InvalidInput, Money, Order, Policy
from orderwright.orders.bills import by_seat, split_bill, split_evenly
from tests.worlds import World, eur, line

DINNER = Policy(require_cover=False, short="backorder", unpaid_ttl=None)


def dinner(*prices: str, tip: str = "0.00") -> Order:
    """An order with a line for each price, and a tip."""
    charges = [Charge(kind="tip", amount=eur(tip))]
    lines = [line(price=price) for price in prices]
    return World().desk.place(lines, order_id="o1", charges=charges, policy=DINNER)


def test_each_pays_their_own_and_shares_the_rest() -> None:
    """A shared line is split evenly, a tip in proportion, odd cents to who is named first."""
    order = dinner("10.00", "20.00", "5.01", tip="3.50")
    found = split_bill(order, {"ann": ["l1", "l3"], "bob": {"l2", "l3"}, "cat": ()})
    # 12.51 and 22.50 of 35.01; of the tip 125.06 and 224.94 cents
    assert {"ann": eur("13.76"), "bob": eur("24.75"), "cat": eur(0)} == found
    assert ["ann", "bob", "cat"] == list(found)


def test_those_who_owe_nothing_share_charges_evenly() -> None:
    """Where all that was eaten was free, the tip is shared by heads."""
    assert {"ann": eur("0.02"), "bob": eur("0.01")} == split_bill(
        dinner("0", tip="0.03"), {"ann": ["l1"], "bob": []}
    )


def test_what_is_not_due_is_not_split() -> None:
    """A cancelled order owes nothing, however it is split."""
    world = World()
    world.desk.place([line()], order_id="o1")
    order = world.desk.cancel("o1", reason="sorry")
    assert {"ann": eur(0)} == split_bill(order, {"ann": ["l1"]})


def test_every_line_is_on_somebody_and_every_name_is_of_a_line() -> None:
    """All that is wrong is named at once, by its path."""
    with pytest.raises(InvalidInput) as caught:
        split_bill(dinner("1", "2", "3"), {"ann": ["l9", "l2"], "bob": ["l8"]})
    assert ["groups['ann']", "groups['bob']", "lines[0]", "lines[2]"] == [
        fault.path for fault in caught.value.faults
    ]
    for wrong in ({}, {"ann": "l1"}, {"ann": [7]}, ["l1"], None):
        with pytest.raises(InvalidInput):
            split_bill(dinner("1"), wrong)


@given(
    st.lists(st.sampled_from(["0", "0.01", "3.33", "10.00"]), min_size=1, max_size=5),
    st.integers(0, 999),
    st.data(),
)
def test_the_parts_always_come_to_what_is_due(
    prices: list[str], tip: int, data: st.DataObject
) -> None:
    """However it is split, nobody gets money, nobody overpays, and no cent is lost."""
    order = dinner(*prices, tip=str(Money(tip, "EUR").amount))
    guests = data.draw(st.lists(st.text(min_size=1), min_size=1, max_size=4, unique=True))
    who = st.sets(st.sampled_from(guests), min_size=1)
    groups: dict[str, set[str]] = {guest: set() for guest in guests}
    for one in order.lines:
        for guest in data.draw(who):
            groups[guest].add(one.id)
    parts = split_bill(order, groups)
    assert order.due.minor == sum(part.minor for part in parts.values())
    assert all(part.minor >= 0 for part in parts.values())
    assert guests == list(parts)


def seated(*seats: str) -> Order:
    """An order with a line of 10.01 for each seat."""
    lines = [line(price="10.01", seat=seat) for seat in seats]
    return World(("MUG", "MAIN", 9)).desk.place(lines, order_id="o1", policy=DINNER)


def test_each_seat_pays_its_own_and_shares_what_is_nobodys() -> None:
    """Bread for the table is shared by the seats, odd cents to who is named first."""
    order = seated("ann", "", "bob", "ann")
    groups = by_seat(order)
    assert {"ann": ("l1", "l2", "l4"), "bob": ("l2", "l3")} == groups
    assert {"ann": eur("25.03"), "bob": eur("15.01")} == split_bill(order, groups)
    assert {"table": ("l1", "l2")} == by_seat(seated("", ""))


@given(st.lists(st.sampled_from(["", "a", "b", "c"]), min_size=1, max_size=6), st.integers(1, 9))
def test_no_cent_of_a_bill_is_lost(seats: list[str], ways: int) -> None:
    """By seats or evenly, the parts come to what is due, and even ones differ by a cent at most."""
    order = seated(*seats)
    parts = split_bill(order, by_seat(order))
    assert order.due.minor == sum(one.minor for one in parts.values())
    even = split_evenly(order, ways)
    assert (order.due.minor, ways) == (sum(one.minor for one in even), len(even))
    assert max(even).minor - min(even).minor <= 1


def test_a_bill_is_not_split_among_a_whole_town() -> None:
    """What nobody could ask for in earnest takes no memory."""
    assert 10_000 == len(split_evenly(dinner("10.00"), 10_000))
    with pytest.raises(InvalidInput, match="among at most 10000"):
        split_evenly(dinner("10.00"), 10**12)


def test_a_bill_is_not_split_among_nobody() -> None:
    """At least one has to pay."""
    for wrong in (0, -1, 1.5):
        with pytest.raises(InvalidInput):
            split_evenly(seated("a"), wrong)  # type: ignore[arg-type]
