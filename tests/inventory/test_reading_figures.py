"""What reading of the stock's figures found, held by small examples."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import ceil

from hypothesis import example, given
from hypothesis import strategies as st

from orderwright import DraftLine, Location, OrderDesk, Policy, Posting, Reservation, UnitPrice
from orderwright.adapters.memory import MemoryInventory, MemoryOrders, MemoryPayments
from orderwright.inventory.guard import StockPolicy
from orderwright.inventory.ledger import Lot
from orderwright.inventory.reading import first_expired
from orderwright.inventory.recipes import components
from orderwright.inventory.replenishment import ReplenishmentPolicy, health, propose, reorder_point

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def test_nothing_is_taken_from_a_lot_below_zero() -> None:
    """What is owed of one lot does not make more be taken of the next."""
    assert (("B", 3),) == first_expired([Lot("A", -2), Lot("B", 9)], 3)
    assert (("B", 1), ("", 2)) == first_expired([Lot("A", -2), Lot("B", 1)], 3)


def test_an_order_is_taken_while_a_lot_is_below_zero() -> None:
    """Where stock is only warned of, an order is served from the lots that have some."""
    inventory = MemoryInventory(lambda _sku, _location: StockPolicy(mode="warned"))
    for lot, units, days in (("A", 3, 2), ("B", 9, 5)):
        until = NOON + days * DAY
        inventory.post(
            Posting.receive(lot, "MILK", "MAIN", units, lot=lot, best_before=until, at=NOON)
        )
    left = Reservation("r", "MILK", "MAIN", 5, lot="A", order_id="by hand")
    inventory.post(Posting.hand_over("left", [left], at=NOON))
    desk = OrderDesk(
        orders=MemoryOrders(),
        inventory=inventory,
        payments=MemoryPayments(),
        locations=[Location(id="MAIN")],
        policy=Policy(unpaid_ttl=None),
        clock=lambda: NOON,
    )
    milk = DraftLine(sku="MILK", quantity=3, unit_price=UnitPrice.of("1.20", "EUR"))
    order = desk.place([milk], order_id="A-1")
    assert [("B", 3)] == [(one.lot, one.quantity) for one in order.fulfillments[0].items]


@given(st.lists(st.integers(0, 9), min_size=1, max_size=60), st.integers(1, 60))
@example([1] * 7 + [0] * 18, 25)
def test_overstock_is_exact(history: list[int], periods: int) -> None:
    """It is what is left of the stock after the whole units that the periods ask for on average."""
    asked = ceil(Fraction(sum(history) * periods, len(history)))
    assert max(0, 99 - asked) == health("S", 99, history, periods=periods).overstock


@given(st.lists(st.integers(1, 9), min_size=1, max_size=60), st.integers(1, 60))
@example([2, 2, 3], 27)
def test_a_reorder_point_without_safety_is_exact(history: list[int], lead_time: int) -> None:
    """At even odds it is the whole units that smooth demand comes to in that time."""
    policy = ReplenishmentPolicy(lead_time=lead_time, review=0, service_level=0.5)
    assert ceil(Fraction(sum(history) * lead_time, len(history))) == reorder_point(history, policy)


def test_those_who_wait_are_ordered_for_whatever_came_back() -> None:
    """More returns than sales make no reorder point so low that waiting customers are forgotten."""
    history = [1] * 10 + [-100]
    (line,) = propose({"S": history}, {"S": -5}, {"S": ReplenishmentPolicy(lead_time=100)})
    assert 0 <= line.reorder_point
    assert 5 < line.quantity


def test_kits_that_share_parts_at_every_depth_are_soon_counted() -> None:
    """Thirty levels of two halves each, and a chain of two thousand kits, take no time."""
    halves = {
        f"{half}{level}": {f"L{level + 1}": 1, f"R{level + 1}": 1}
        for level in range(30)
        for half in "LR"
    }
    assert {"L30": 2**29, "R30": 2**29} == components({"L0": 1}, halves)
    chain = {f"K{level}": {f"K{level + 1}": 1} for level in range(2000)}
    assert {"K2000": 3, "SCREW": 1} == components({"K0": 1, "SCREW": 1, "K1000": 2}, chain)
