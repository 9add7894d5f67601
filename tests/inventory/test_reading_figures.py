"""What reading of the stock's figures found, held by small examples."""

from datetime import UTC, datetime, timedelta

from orderwright import DraftLine, Location, OrderDesk, Policy, Posting, Reservation, UnitPrice
from orderwright.adapters.memory import MemoryInventory, MemoryOrders, MemoryPayments
from orderwright.inventory.guard import StockPolicy
from orderwright.inventory.ledger import Lot
from orderwright.inventory.reading import first_expired

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
