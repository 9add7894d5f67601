"""What somebody found who read the stock's reports, and tried what is said of them."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from orderwright import DraftLine, Policy, Posting, Reservation, UnitPrice
from orderwright.codec import Codec
from orderwright.errors import InvalidInput, KeyReused, OutOfStock
from orderwright.inventory.demand import demand_history
from orderwright.inventory.guard import StockPolicy
from orderwright.inventory.ledger import Incoming, InventoryLedger
from orderwright.inventory.reading import available_to_promise
from orderwright.inventory.recipes import can_make
from orderwright.inventory.replenishment import ReplenishmentPolicy, economic_quantity
from orderwright.tracking.reports import Period
from tests.worlds import NOON, World

CAIRO, BERLIN = ZoneInfo("Africa/Cairo"), ZoneInfo("Europe/Berlin")


def test_what_is_put_on_the_menu_or_taken_off_it_is_no_demand() -> None:
    """Only what guests ordered is."""
    world = World(("BEEF", "MAIN", 1))
    days = {
        "period": "day",
        "start": datetime(2026, 1, 1, tzinfo=UTC),
        "end": datetime(2026, 1, 2, tzinfo=UTC),
        "zone": UTC,
    }
    world.desk.post_stock(Posting.make("menu", "MAIN", made=[("PIZZA", 40)], at=NOON))
    pizza = DraftLine(sku="PIZZA", quantity=30, unit_price=UnitPrice.of("9", "EUR"))
    world.desk.place([pizza], order_id="o1", policy=Policy(tab=True))
    assert (30,) == demand_history(world.inventory.postings(), **days)["PIZZA"]
    world.desk.sell_out("PIZZA", "MAIN", notice_id="n")
    assert (30,) == demand_history(world.inventory.postings(), **days)["PIZZA"]


def test_the_hour_that_comes_twice_is_two() -> None:
    """A date in it is the same when it is read back, and an hour later is another."""
    until = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN)
    first, other = (
        Posting.receive("d1", "MILK", "MAIN", 5, lot="L", best_before=one, at=NOON)
        for one in (until, until.replace(fold=1))
    )
    again = Codec().decode(Codec().encode(first), Posting)
    assert first == again
    book = InventoryLedger()
    book.post(first)
    book.post(again)
    with pytest.raises(KeyReused):
        book.post(other)


def test_a_day_may_begin_after_midnight() -> None:
    """Where clocks go on at midnight the whole day counts."""
    day = Period.of_days(date(2026, 4, 24), date(2026, 4, 25), zone=CAIRO)
    noon = datetime(2026, 4, 24, 12, tzinfo=CAIRO)
    sold = Posting.hand_over("x", [Reservation("r", "MUG", "A", 3)], at=noon)
    found = demand_history([sold], period="day", start=day.start, end=day.end, zone=CAIRO)
    assert {"MUG": (3, 0)} == found


def test_what_comes_in_the_first_of_two_hours_is_there_in_the_second() -> None:
    """Moments are compared, not what clocks show."""
    early = datetime(2026, 10, 25, 2, 45, tzinfo=BERLIN)
    late = datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=BERLIN)
    assert 5 == available_to_promise([], [], [Incoming("MUG", "A", "p", 5, early)], by=late)


def test_nothing_can_be_made_of_less_than_nothing() -> None:
    """Warned stock may be below zero; what is made of nothing is no recipe."""
    assert 0 == can_make("KIT", {"PART": -3}, {"KIT": {"PART": 2}})
    with pytest.raises(InvalidInput, match="made of nothing"):
        can_make("KIT", {}, {"KIT": {}})


@pytest.mark.parametrize(("demand", "holding"), [(10, 1e-300), (1e12, 1e-9)])
def test_no_order_is_larger_than_anything_can_be(demand: float, holding: float) -> None:
    """A policy that makes keeping free is told so."""
    policy = ReplenishmentPolicy(lead_time=1, order_cost=1e12, holding_cost=holding)
    with pytest.raises(InvalidInput, match="units at once"):
        economic_quantity(demand, policy)


@pytest.mark.parametrize("given_up", [1, 2])
def test_claims_that_become_fewer_or_stay_are_not_refused_for_a_limit(given_up: int) -> None:
    """A limit that was lowered under what waits already stops new claims, not a change of those."""
    limit = [5]
    ledger = InventoryLedger(lambda _, __: StockPolicy(backorder_limit=limit[0]))
    ledger.post(Posting.claim("c1", [Reservation("a", "MUG", "", 5)], at=NOON))
    limit[0] = 3
    fewer = Posting.claim("x", [Reservation("a", "MUG", "", given_up)], at=NOON, drop=True)
    other = Posting.claim("y", [Reservation("b", "MUG", "", 1)], at=NOON)
    ledger.post(Posting.linked("instead", [fewer, other]))
    assert {"a": 5 - given_up, "b": 1} == {one.id: one.quantity for one in ledger.claims("MUG")}
    with pytest.raises(OutOfStock):
        ledger.post(Posting.claim("z", [Reservation("c", "MUG", "", 1)], at=NOON))
