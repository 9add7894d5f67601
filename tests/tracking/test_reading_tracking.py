"""What reading of views and reports found, held by small examples."""

from datetime import UTC, datetime, timedelta

from orderwright import DraftLine, Location, OrderDesk, Policy, Posting, Tender, UnitPrice
from orderwright.adapters.memory import MemoryInventory, MemoryOrders, MemoryPayments
from orderwright.orders import events as e
from orderwright.orders.lines import OrderException
from orderwright.tracking.board import KitchenBoard
from orderwright.tracking.kitchen import KitchenLoad
from orderwright.tracking.reports import Period, report
from orderwright.tracking.timeline import timeline
from orderwright.tracking.views import customer_view

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


def test_a_lost_parcel_does_not_tell_when_the_next_left() -> None:
    """What was sent instead is on its way since it left, whatever was seen of the lost one."""
    inventory = MemoryInventory()
    inventory.post(Posting.receive("first", "MUG", "MAIN", 9, at=NOON))
    desk = OrderDesk(
        orders=MemoryOrders(),
        inventory=inventory,
        payments=MemoryPayments(),
        locations=[Location(id="MAIN")],
        policy=Policy(unpaid_ttl=None),
        clock=lambda: NOON,
    )
    mug = DraftLine(sku="MUG", quantity=1, unit_price=UnitPrice.of("12.50", "EUR"))
    desk.place([mug], order_id="A-1", tenders=[Tender(method="card")])
    desk.ship("A-1", "f1", carrier="DHL", tracking="1", at=NOON)
    desk.scan("A-1", "f1", "in_transit", occurred_at=NOON + DAY, at=NOON + DAY)
    desk.scan("A-1", "f1", "lost", occurred_at=NOON + 2 * DAY, at=NOON + 2 * DAY)
    desk.claim("A-1", {"l1": 1}, fault="lost", remedy="replace", at=NOON + 3 * DAY)
    order = desk.ship("A-1", "f2", carrier="DHL", tracking="2", at=NOON + 9 * DAY)
    view = customer_view(order, now=NOON + 9 * DAY, history=desk.history("A-1"))
    assert [NOON + 9 * DAY] == [one.at for one in view.steps if one.stage == "on_the_way"]


def test_an_exception_without_details_ends_with_its_name() -> None:
    """The timeline promises no words where there are none."""
    opened = e.ExceptionOpened(at=NOON, exception=OrderException("cancelled_after_hand_over", ""))
    (entry,) = timeline([opened])
    assert "exception cancelled_after_hand_over" == entry.text


def test_a_ticket_that_was_ready_before_it_was_fired_was_fired() -> None:
    """A clock that ran behind at the stove leaves no ticket out of the slot it was fired in."""
    inventory = MemoryInventory()
    inventory.post(Posting.make("menu", "OVEN", made=[("PIZZA", 9)], at=NOON))
    desk = OrderDesk(
        orders=MemoryOrders(),
        inventory=inventory,
        payments=MemoryPayments(),
        locations=[Location(id="OVEN", makes="ticket")],
        policy=Policy(tab=True),
        clock=lambda: NOON,
    )
    pizza = DraftLine(sku="PIZZA", quantity=2, unit_price=UnitPrice.of("9.50", "EUR"))
    desk.place([pizza], order_id="T-1", at=NOON)
    desk.advance("T-1", "f1", "fire", at=NOON + 5 * MINUTE)
    desk.advance("T-1", "f1", "prepare", at=NOON + 5 * MINUTE)
    desk.advance("T-1", "f1", "ready", at=NOON - 2 * MINUTE)
    load = KitchenLoad(Period(NOON, NOON + 60 * MINUTE), NOON + 60 * MINUTE)
    (row,) = report([desk.history("T-1")], load)
    assert (1, 2, 0, 0) == (row.fired, row.dishes, row.making, row.made)


def test_a_draft_that_was_thrown_away_was_never_placed() -> None:
    """Its customer is not shown a step that it never took."""
    desk = OrderDesk(
        orders=MemoryOrders(),
        inventory=MemoryInventory(),
        payments=MemoryPayments(),
        locations=[Location(id="MAIN")],
        clock=lambda: NOON,
    )
    mug = DraftLine(sku="MUG", quantity=1, unit_price=UnitPrice.of("12.50", "EUR"))
    desk.draft([mug], order_id="A-1")
    order = desk.discard_draft("A-1")
    view = customer_view(order, now=NOON, history=desk.history("A-1"))
    assert [("cancelled", NOON)] == [(one.stage, one.at) for one in view.steps]


def test_a_station_may_make_any_number_at_once() -> None:
    """Somebody who writes a trillion for no limit is told when the dish is ready all the same."""
    inventory = MemoryInventory()
    inventory.post(Posting.make("menu", "BAR", made=[("TEA", 9)], at=NOON))
    desk = OrderDesk(
        orders=MemoryOrders(),
        inventory=inventory,
        payments=MemoryPayments(),
        locations=[Location(id="BAR", makes="ticket")],
        policy=Policy(tab=True),
        clock=lambda: NOON,
    )
    tea = DraftLine(
        sku="TEA", quantity=3, unit_price=UnitPrice.of("2.50", "EUR"), preparation=4 * MINUTE
    )
    order = desk.place([tea], order_id="T-1", at=NOON)
    assert NOON + 4 * MINUTE == KitchenBoard(at_once={"BAR": 10**12}).quote(order, NOON)
    assert NOON + 8 * MINUTE == KitchenBoard(at_once={"BAR": 2}).quote(order, NOON)
