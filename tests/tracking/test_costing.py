"""Costs and stock turns are the moving averages of the ledger, with nothing lost on the way."""

from collections import Counter
from contextlib import suppress
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orderwright import InventoryLedger, Posting, UnitPrice
from orderwright.errors import InvalidInput, OutOfStock
from orderwright.inventory.entries import INSIDE, Reservation
from orderwright.inventory.valuation import valuations
from orderwright.tracking.costing import Cost, costs, stock_turns
from orderwright.tracking.reports import Period
from tests.tracking.stories import told
from tests.worlds import HOUR, MINUTE, NOON

SKUS = ("BEEF", "MUG", "SET")
PRICES = ("4.00", "3.33", "0.01", "0.125")
DAY = timedelta(days=1)
moves = st.one_of(
    st.tuples(
        st.just("receive"),
        st.sampled_from(SKUS),
        st.integers(1, 9),
        st.sampled_from((None, *PRICES)),
    ),
    st.tuples(
        st.sampled_from(["sell", "back", "lose", "find", "use", "move"]),
        st.sampled_from(SKUS),
        st.integers(1, 5),
    ),
    st.tuples(st.just("make"), st.just("SET"), st.integers(1, 3), st.integers(1, 4)),
)


def posted(name: str, at: object, move: tuple[Any, ...]) -> Posting:  # noqa: PLR0911 - a kind each
    """One posting of a kind."""
    kind, sku, units, *rest = move
    (more,) = rest or (None,)
    if kind == "receive":
        cost = None if more is None else UnitPrice.of(more, "EUR")
        return Posting.receive(name, sku, "MAIN", units, at=at, unit_cost=cost)
    if kind == "sell":
        return Posting.hand_over(name, [Reservation("", sku, "MAIN", units)], at=at)
    if kind == "back":
        return Posting.move(
            name, [(sku, units)], location="MAIN", source="customer", target="quarantine", at=at
        )
    if kind in {"lose", "find"}:
        found = units if kind == "find" else -units
        return Posting.adjust(name, sku, "MAIN", found, at=at, reason="count")
    if kind == "use":
        return Posting.make(name, "MAIN", used=[(sku, units)], at=at)
    if kind == "move":
        return Posting.move(
            name,
            [(sku, units)],
            location="MAIN",
            source="available",
            target="in_transit",
            to="STORE",
            at=at,
        )
    used = [("BEEF", more), ("MUG", 1)]
    return Posting.make(name, "MAIN", made=[(sku, units), ("BOX", 1)], used=used, at=at)


def written(given_: list[tuple[object, ...]]) -> list[Posting]:
    """The postings of those that the ledger takes, ten minutes apart."""
    ledger = InventoryLedger()
    for number, move in enumerate(given_):
        with suppress(OutOfStock):
            ledger.post(posted(f"p{number}", NOON + 10 * number * MINUTE, move))
    return list(ledger.postings())


@settings(max_examples=150, deadline=None)
@given(given_=st.lists(moves, max_size=25))
def test_costs_are_moving_averages(given_: list[tuple[object, ...]]) -> None:
    """Each running total is the rounded exact one, and what is left is what the valuation says."""
    postings = written(given_)
    exact: Counter[tuple[str, str]] = Counter()
    running: Counter[tuple[str, str]] = Counter()
    for number, (posting, (name, found)) in enumerate(
        zip(postings, costs(postings, "EUR"), strict=True)
    ):
        assert posting.id == name
        before = valuations(postings[:number], "EUR")
        makes = any(one.bucket == "production" and one.quantity < 0 for one in posting.entries)
        units: Counter[tuple[str, str]] = Counter()
        for entry in posting.entries:
            kind = {"customer": "sold", "loss": "lost", "production": "used"}.get(entry.bucket)
            if kind == "used" and makes:
                kind = "made_into" if entry.quantity > 0 else None
            if kind is not None:
                units[kind, entry.sku] += entry.quantity
        assert {key: n for key, n in units.items() if n} == {
            (one.kind, one.sku): one.units for one in found
        }
        for one in found:
            average = before[one.sku].unit_cost if one.sku in before else Fraction(0)
            exact[one.kind, one.sku] += average * one.units
            running[one.kind, one.sku] += one.minor
            assert abs(running[one.kind, one.sku] - exact[one.kind, one.sku]) < Fraction(
                50_001, 10**5
            )
    rows = stock_turns(postings, Period(NOON - DAY, NOON + DAY), "EUR")
    worth = valuations(postings, "EUR")
    assert ["", *sorted(worth)] == [row.sku for row in rows]
    for row in rows[1:]:
        assert abs(row.closing_minor - worth[row.sku].exact) < Fraction(50_001, 10**5)


@settings(max_examples=100, deadline=None)
@given(given_=st.lists(moves, max_size=20), start=st.integers(-20, 150), length=st.integers(1, 200))
def test_stock_turns_are_cost_over_average(
    given_: list[tuple[object, ...]], start: int, length: int
) -> None:
    """Opening, closing, average and cost are those of walking through the ledger by hand."""
    postings = written(given_)
    period = Period(NOON + start * MINUTE, NOON + (start + length) * MINUTE)
    early = [one for one in postings if one.at < period.start]
    known = [one for one in postings if one.at < period.end]
    out: Counter[str] = Counter()
    for posting, (_, found) in zip(postings, costs(postings, "EUR"), strict=True):
        for one in found:
            if posting.at in period and one.kind != "lost":
                out[one.sku] += one.minor
                out[""] += one.minor if one.kind != "made_into" else 0
    rows = stock_turns(postings, period, "EUR")
    for row in rows:

        def worth(upto: list[Posting], sku: str = row.sku) -> Fraction:
            found = valuations(upto, "EUR")
            return sum((one.exact for name, one in found.items() if sku in {"", name}), Fraction(0))

        average = Fraction(0)
        for minute in range(start, start + length):
            moment = NOON + minute * MINUTE
            average += worth([one for one in known if one.at <= moment]) / length
        near = Fraction(50_001, 10**5)
        assert abs(row.opening_minor - worth(early)) < near
        assert abs(row.closing_minor - worth(known)) < near
        assert abs(row.average_minor - average) < near
        assert out[row.sku] == row.cost_minor
        if average > 1:
            assert abs(row.turns - row.cost_minor / average) < Fraction(1, 100) * (
                1 + abs(row.turns)
            )
        elif not average:
            assert row.turns is None


def test_what_a_story_sold_is_what_its_ledger_says() -> None:
    """Every posting has its costs, of nothing that stayed inside; orders are named."""
    story = told(5)
    found = dict(costs(story.postings, "EUR"))
    assert [posting.id for posting in story.postings] == list(found)
    for posting in story.postings:
        assert all(one.order_id == posting.order_id for one in found[posting.id])
        if all(entry.bucket in INSIDE for entry in posting.entries):
            assert () == found[posting.id]


def test_small_units_lose_no_cent() -> None:
    """Ten grams at 0.4 cents leave one by one: four cents in all, never half of one."""
    gram = UnitPrice.of("0.004", "EUR")
    postings = [Posting.receive("in", "SALT", "MAIN", 10, at=NOON, unit_cost=gram)]
    postings += [posted(f"out-{n}", NOON + HOUR, ("use", "SALT", 1)) for n in range(10)]
    told_ = [one.minor for _, found in costs(postings, "EUR") for one in found]
    assert [0, 1, 0, 1, 0, 0, 1, 0, 1, 0] == told_
    (one,) = dict(costs(postings, "EUR"))["out-1"]
    assert Cost("", NOON + HOUR, "used", "SALT", "MAIN", 1, 1, "EUR") == one


def test_a_posting_from_the_past_counts_from_now() -> None:
    """A posting dated before the one that precedes it changes nothing before that."""
    price = UnitPrice.of("1.00", "EUR")
    postings = [
        Posting.receive("a", "MUG", "MAIN", 10, at=NOON + 2 * HOUR, unit_cost=price),
        Posting.receive("b", "MUG", "MAIN", 30, at=NOON, unit_cost=price),
        Posting.receive("c", "MUG", "MAIN", 99, at=NOON + 9 * HOUR, unit_cost=price),
        Posting.receive("d", "MUG", "MAIN", 99, at=NOON, unit_cost=price),
    ]
    for row in stock_turns(postings, Period(NOON, NOON + 4 * HOUR), "EUR"):
        assert (0, 4000, 2000, 0) == row[2:6]


def test_what_goes_and_comes_at_once_costs_nothing() -> None:
    """One posting that sells and takes back the same has no cost."""
    there = Posting.receive("a", "MUG", "MAIN", 5, at=NOON)
    both = Posting.linked(
        "b", [posted("b", NOON, ("sell", "MUG", 2)), posted("b", NOON, ("back", "MUG", 2))]
    )
    assert {"a": (), "b": ()} == dict(costs([there, both], "EUR"))


def test_what_is_made_is_worth_what_was_used_for_it_alone() -> None:
    """What the same posting sells is a cost, and no part of what it makes."""
    price = UnitPrice.of("4.00", "EUR")
    stock = [
        Posting.receive(sku, sku, "MAIN", 5, at=NOON, unit_cost=price) for sku in ("MUG", "BEEF")
    ]
    parts = [
        posted("b", NOON, ("sell", "MUG", 2)),
        Posting.make("b", "MAIN", made=[("SET", 1)], used=[("BEEF", 3)], at=NOON),
    ]
    postings = [*stock, Posting.linked("b", parts)]
    assert {("sold", "MUG", 800), ("made_into", "BEEF", 1200)} == {
        (one.kind, one.sku, one.minor) for one in dict(costs(postings, "EUR"))["b"]
    }
    rows = stock_turns(postings, Period(NOON, NOON + HOUR), "EUR")
    assert {"": 3200, "MUG": 1200, "BEEF": 800, "SET": 1200} == {
        row.sku: row.closing_minor for row in rows
    }
    assert valuations(postings, "EUR")["SET"].exact == 1200


def test_other_currencies_are_refused() -> None:
    """A cost in another currency, an unknown one, and a period that is none are refused."""
    yen = UnitPrice.of("400", "JPY")
    postings = [Posting.receive("a", "MUG", "MAIN", 10, at=NOON, unit_cost=yen)]
    with pytest.raises(InvalidInput, match=r"currency: a cost .*JPY, not in EUR"):
        list(costs(postings, "EUR"))
    with pytest.raises(InvalidInput, match="currency: 'XXX' is no ISO"):
        list(costs(postings, "XXX"))
    with pytest.raises(InvalidInput, match="currency: 'XXX' is no ISO"):
        stock_turns(postings, Period(NOON, NOON + HOUR), "XXX")
    with pytest.raises(InvalidInput, match="period: expected Period"):
        stock_turns(postings, (NOON, NOON + HOUR), "EUR")
