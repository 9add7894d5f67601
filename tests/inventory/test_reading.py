"""What is read of stock: queues, promises, lots, recipes, the past, and what it is worth."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderwright import (
    InvalidInput,
    InventoryLedger,
    Money,
    OutOfStock,
    Posting,
    Reservation,
    UnitPrice,
)
from orderwright.inventory.claims import broken, filled, promises, queued
from orderwright.inventory.ledger import Claim, Incoming, Lot, Stock
from orderwright.inventory.reading import (
    Recall,
    available_to_promise,
    balances_at,
    first_expired,
    history,
    recall,
)
from orderwright.inventory.recipes import can_make, components
from orderwright.inventory.valuation import valuation, valuations

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)

claims = st.lists(
    st.builds(
        Claim,
        id=st.uuids().map(str),
        sku=st.just("MUG"),
        quantity=st.integers(1, 5),
        number=st.integers(0, 9),
        order_id=st.just(""),
        priority=st.integers(0, 2),
        promised_at=st.sampled_from([None, NOON, NOON + DAY]),
    ),
    max_size=5,
    unique_by=lambda one: one.number,
)
arrivals = st.lists(
    st.builds(
        Incoming,
        sku=st.just("MUG"),
        location=st.just("MAIN"),
        purchase=st.just("p"),
        quantity=st.integers(1, 6),
        expected_at=st.sampled_from([None, NOON, NOON + DAY, NOON + 2 * DAY]),
    ),
    max_size=4,
)
orders = st.sampled_from(["first_come", "priority", "promise"])


# Claims ------------------------------------------------------------------------------------


def test_who_is_first() -> None:
    """Who came first, the higher priority, or whom it was promised earlier; ties by who came."""
    ann = Claim("ann", "MUG", 1, 1, priority=1)
    bob = Claim("bob", "MUG", 1, 2, priority=2, promised_at=NOON + DAY)
    cat = Claim("cat", "MUG", 1, 3, priority=2, promised_at=NOON)
    for order, expected in (
        ("first_come", (ann, bob, cat)),
        ("priority", (bob, cat, ann)),
        ("promise", (cat, bob, ann)),
    ):
        assert expected == queued([cat, ann, bob], order)
    with pytest.raises(InvalidInput, match="none of first_come, priority, promise"):
        queued([], "loudest")


@given(claims=claims, units=st.integers(0, 12), order=orders)
def test_what_comes_in_goes_to_the_first(claims: list[Claim], units: int, order: str) -> None:
    """All of it is given if so many are wanted, and nobody is served before who is ahead."""
    found = filled(claims, units, order)
    wanted = sum(one.quantity for one in claims)
    assert min(units, wanted) == sum(count for _, count in found)
    for (one, count), ahead in zip(found, queued(claims, order), strict=False):
        assert one == ahead
        assert 0 < count <= one.quantity
    assert all(count == one.quantity for one, count in found[:-1])


@given(claims=claims, free=st.integers(0, 6), incoming=arrivals, order=orders)
def test_a_promise_is_the_first_day_on_which_it_can_be_kept(
    claims: list[Claim], free: int, incoming: list[Incoming], order: str
) -> None:
    """By brute force over the days: filling each day what is there keeps exactly the promises."""
    told = promises(claims, free, incoming, order)
    assert {one.id for one in claims} == set(told)
    days = (None, NOON, NOON + DAY, NOON + 2 * DAY)
    ahead = 0
    for one in queued(claims, order):
        ahead += one.quantity
        possible = [
            day
            for day in days
            if ahead
            <= free
            + sum(a.quantity for a in incoming if a.expected_at and day and a.expected_at <= day)
        ]
        # What is there now has no date, and what nobody can tell has none either.
        assert told[one.id] == (possible[0] if possible else None)


def test_those_who_came_last_lose_first() -> None:
    """Three units that are missing break the newest reservation, and a part of the one before."""
    held = [Reservation(name, "MUG", "MAIN", 2) for name in ("first", "second", "third")]
    assert ((held[2], 2), (held[1], 1)) == broken(held, 3)
    assert () == broken(held, 0)
    ledger = InventoryLedger()
    ledger.post(Posting.receive("d", "MUG", "MAIN", 7, at=NOON))
    ledger.post(Posting.reserve("r", held, at=NOON))
    lost = [Reservation(one.id, "MUG", "MAIN", units) for one, units in broken(held, 3)]
    ledger.post(Posting.adjust("n", "MUG", "MAIN", -4, at=NOON, reason="count", breaking=lost))
    stock = ledger.stock("MUG", "MAIN", now=NOON)
    assert (0, 3) == (stock.available, stock.reserved)


def test_what_can_be_promised_by_a_day() -> None:
    """What is there and what comes by then, less the safety stock and all who wait already."""
    stocks = [Stock("MUG", "MAIN", 5, 2, safety_stock=1), Stock("MUG", "SHOP", 0, 0)]
    incoming = [
        Incoming("MUG", "MAIN", "a", 10, NOON + DAY),
        Incoming("MUG", "MAIN", "b", 90, None),
    ]
    waits = [Claim("c", "MUG", 6, 1)]
    for by, units in ((NOON, 0), (NOON + DAY, 8), (NOON + 9 * DAY, 8)):
        assert units == available_to_promise(stocks, waits, incoming, by=by)


# Lots --------------------------------------------------------------------------------------


@given(units=st.integers(1, 12), sizes=st.lists(st.integers(1, 5), max_size=4))
def test_the_first_to_expire_goes_out_first(units: int, sizes: list[int]) -> None:
    """Every lot before the last one taken is used up; what is over is of no lot."""
    lots = [Lot(f"L{index}", size) for index, size in enumerate(sizes)]
    taken = first_expired(lots, units)
    assert units == sum(count for _, count in taken)
    whole = [count for lot, count in taken if lot][:-1]
    assert sizes[: len(whole)] == whole
    assert max(0, units - sum(sizes)) == dict(taken).get("", 0)


def test_a_recall_names_the_orders() -> None:
    """Who has units of the lot, for whom some are put aside, and how many are still here.

    What was broken is nowhere any more.
    """
    ledger = InventoryLedger()
    for lot in ("A", "B"):
        ledger.post(Posting.receive(f"d{lot}", "MILK", "MAIN", 9, lot=lot, at=NOON))
    for name, lot, units in (("o1", "A", 3), ("o2", "A", 2), ("o3", "B", 1), ("o4", "A", 1)):
        held = Reservation(f"{name}/f1", "MILK", "MAIN", units, None, name, lot)
        ledger.post(Posting.reserve(f"r-{name}", [held], at=NOON))
        if name != "o2":
            ledger.post(Posting.settle(f"s-{name}", commit=[held], at=NOON))
    ledger.post(
        Posting.move(
            "back",
            [("MILK", 1)],
            location="MAIN",
            source="customer",
            target="quarantine",
            lot="A",
            order_id="o4",
            at=NOON,
        )
    )
    ledger.post(Posting.adjust("broken", "MILK", "MAIN", -1, lot="A", reason="broken", at=NOON))
    expected = Recall(customers={"o1": 3}, reserved={"o2": 2}, on_hand=5)
    assert expected == recall(ledger.postings(), "MILK", "A")


# The past ----------------------------------------------------------------------------------


def test_balances_of_the_past_are_those_of_a_prefix() -> None:
    """At any time the balances are those a ledger had that knew no more."""
    postings = [
        Posting.receive(f"d{day}", "MUG", "MAIN", day + 1, at=NOON + day * DAY) for day in range(5)
    ]
    postings.insert(
        3, Posting.reserve("r", [Reservation("r1", "MUG", "MAIN", 2)], at=NOON + 2 * DAY)
    )
    for count in range(1, len(postings) + 1):
        then = InventoryLedger()
        for posting in postings[:count]:
            then.post(posting)
        following = postings[count].at if count < len(postings) else None
        if following != postings[count - 1].at:
            assert then.balances() == balances_at(postings, postings[count - 1].at)
    assert {} == balances_at(postings, NOON - DAY)
    assert [1, 2, 3, 4, 5] == [
        entry.quantity
        for _, entry in history(postings, "MUG")
        if entry.bucket == "available" and entry.quantity > 0
    ]


# Recipes -----------------------------------------------------------------------------------

RECIPES = {
    "HAMPER": {"TEA-SET": 1, "JAM": 2},
    "TEA-SET": {"POT": 1, "CUP": 4},
    "DUO": {"CUP": 2, "JAM": 1},
}


def test_a_kit_comes_down_to_its_last_components() -> None:
    """Kits in kits multiply, and two of them share what they are made of."""
    assert {"POT": 2, "CUP": 11, "JAM": 5} == components({"HAMPER": 2, "DUO": 1, "CUP": 1}, RECIPES)
    assert 2 == can_make("HAMPER", {"POT": 3, "CUP": 9, "JAM": 99}, RECIPES)
    assert 3 == can_make("POT", {"POT": 3}, RECIPES)


@given(
    stock=st.fixed_dictionaries({one: st.integers(0, 9) for one in ("POT", "CUP", "JAM")}),
    hampers=st.integers(0, 3),
    duos=st.integers(0, 3),
)
def test_kits_that_share_components_are_there_together_or_not(
    stock: dict[str, int], hampers: int, duos: int
) -> None:
    """By brute force: taking the components one kit after the other, in any order."""
    needs = components({"HAMPER": hampers, "DUO": duos}, RECIPES)
    together = all(stock[part] >= units for part, units in needs.items())
    for order in set(permutations(["HAMPER"] * hampers + ["DUO"] * duos)):
        left = dict(stock)
        served = True
        for sku in order:
            if can_make(sku, left, RECIPES) < 1:
                served = False
                break
            for part, units in components({sku: 1}, RECIPES).items():
                left[part] -= units
        assert together == served


def test_a_circle_is_named() -> None:
    """A kit that is part of itself, at whatever depth, is refused by the way round."""
    for recipes, told in (
        ({"A": {"A": 1}}, "A of A"),
        ({"A": {"B": 1}, "B": {"C": 2}, "C": {"B": 1}}, "B of C of B"),
    ):
        with pytest.raises(InvalidInput, match=told):
            components({"A": 1}, recipes)
    deep = {f"K{level}": {f"K{level + 1}": 1000} for level in range(9)}
    with pytest.raises(InvalidInput, match="more than"):
        components({"K0": 1}, deep)
    for wrong in ({"A": -1}, {"": 1}, {"A": 1.5}):
        with pytest.raises(InvalidInput):
            components(wrong, {})
    with pytest.raises(InvalidInput):
        components({"A": 1}, {"A": {"B": 0}})


def test_a_slot_is_stock_like_any_other() -> None:
    """Two places in the oven at noon: the third order is told that there is none."""
    ledger = InventoryLedger()
    ledger.post(Posting.receive("slots", "OVEN 12:00", "KITCHEN", 2, at=NOON))
    for name in ("a", "b"):
        held = Reservation(name, "OVEN 12:00", "KITCHEN", 1, NOON + DAY)
        ledger.post(Posting.reserve(name, [held], at=NOON))
    with pytest.raises(OutOfStock):
        ledger.post(Posting.reserve("c", [Reservation("c", "OVEN 12:00", "KITCHEN", 1)], at=NOON))


# What it is worth --------------------------------------------------------------------------


def bought(number: int, units: int, cost: str) -> Posting:
    """A receipt at so much each."""
    price = UnitPrice.of(cost, "USD")
    return Posting.receive(
        f"d{number}", "TOY", "MAIN", units, at=NOON + number * DAY, unit_cost=price
    )


def sold(number: int, units: int) -> Posting:
    """Units that left."""
    return Posting.hand_over(
        f"s{number}", [Reservation("", "TOY", "MAIN", units)], at=NOON + number * DAY
    )


def test_the_moving_average_of_a_textbook() -> None:
    """10 at 9.00 and 20 at 15.00 average 13.00; 15 sold, 15 more at 17.00 make 30 at 15.00.

    The exercise "Trey Monson starts a merchandising business" of J. Wild's accounting textbooks,
    as worked at smartsolve.ai (weighted average, perpetual).
    """
    postings = [bought(7, 10, "9"), bought(14, 20, "15")]
    assert (30, 1300) == (valuation(postings, "TOY", "USD").units, _each(postings))
    postings.append(sold(15, 15))
    assert Money.of("195", "USD") == valuation(postings, "TOY", "USD").value
    postings.append(bought(21, 15, "17"))
    assert (1500, Money.of("450", "USD")) == (
        _each(postings),
        valuation(postings, "TOY", "USD").value,
    )


def _each(postings: list[Posting]) -> Fraction:
    return valuation(postings, "TOY", "USD").unit_cost


def test_moves_inside_change_nothing_and_finds_come_at_the_average() -> None:
    """Transfers and quarantine are worth what they were; a third of a cent is kept exactly."""
    postings = [
        bought(1, 3, "1.00"),
        Posting.move(
            "t",
            [("TOY", 2)],
            location="MAIN",
            to="SHOP",
            source="available",
            target="in_transit",
            at=NOON,
        ),
        Posting.adjust("n", "TOY", "MAIN", 1, at=NOON, reason="found"),
        bought(2, 3, "2.00"),
        sold(3, 1),
    ]
    found = valuation(postings, "TOY", "USD")
    assert (6, Fraction(6000, 7), Money.of("8.57", "USD")) == found[:3]
    with pytest.raises(InvalidInput, match="not in EUR"):
        valuation(postings, "TOY", "EUR")


def test_what_nobody_told_the_cost_of_is_told() -> None:
    """Units found before any were bought are worth nothing, and counted as such."""
    postings = [Posting.adjust("n", "TOY", "MAIN", 4, at=NOON, reason="found"), bought(1, 1, "1")]
    found = valuation(postings, "TOY", "USD")
    assert (5, Money.of("1", "USD"), 4) == (found.units, found.value, found.unvalued)
    nothing = valuation([], "TOY", "USD")
    assert (0, 0) == (nothing.units, nothing.unit_cost)


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["buy", "sell"]), st.integers(1, 5), st.integers(1, 400)),
        max_size=12,
    )
)
def test_cost_flows_through(steps: list[tuple[str, int, int]]) -> None:
    """What was paid is what is left and what was sold at the average of its moment."""
    postings: list[Posting] = []
    units, worth, gone, paid = 0, Fraction(0), Fraction(0), 0
    for number, (what, count, cents) in enumerate(steps):
        if what == "buy":
            postings.append(bought(number, count, f"{cents / 100:.2f}"))
            units, worth, paid = units + count, worth + cents * count, paid + cents * count
        elif count <= units:
            postings.append(sold(number, count))
            gone += worth / units * count
            units, worth = units - count, worth - worth / units * count
    found = valuation(postings, "TOY", "USD")
    assert (units, worth) == found[:2]
    assert paid == found.exact + gone


def test_what_is_made_is_worth_what_was_used_for_it() -> None:
    """Two kits of one POT (5.00) and four CUPs (1.50) are worth 11.00 each, nothing is lost."""
    postings = [
        Posting.receive("p", "POT", "MAIN", 2, at=NOON, unit_cost=UnitPrice.of("5", "USD")),
        Posting.receive("c", "CUP", "MAIN", 9, at=NOON, unit_cost=UnitPrice.of("1.5", "USD")),
        Posting.make(
            "k", "MAIN", made=[("TEA-SET", 2)], used=[("POT", 2), ("CUP", 8)], at=NOON, reason="kit"
        ),
    ]
    found = valuations(postings, "USD")
    assert (2, Money.of("22", "USD"), 0) == (
        found["TEA-SET"].units,
        found["TEA-SET"].value,
        found["TEA-SET"].unvalued,
    )
    assert (Money.zero("USD"), Money.of("1.50", "USD")) == (
        found["POT"].value,
        found["CUP"].value,
    )


def test_every_order_of_a_queue_is_a_permutation() -> None:
    """No claim is lost or doubled by sorting, whatever it lacks."""
    every = [
        Claim(f"{number}", "MUG", 1, number, priority=priority, promised_at=when)
        for number, (priority, when) in enumerate(product((0, 1), (None, NOON)))
    ]
    for order in ("first_come", "priority", "promise"):
        assert every == sorted(queued(every, order), key=lambda one: one.id)
