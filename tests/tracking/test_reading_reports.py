"""What somebody found who read the reports, and tried what is said of them."""

from datetime import timedelta

import pytest

from orderwright import DraftLine, Location, Order, OrderDesk, Policy, Posting, UnitPrice
from orderwright.adapters.memory import MemoryInventory, MemoryOrders, MemoryPayments
from orderwright.tracking.board import KitchenBoard
from orderwright.tracking.reading import facts_of
from orderwright.tracking.reports import report
from orderwright.tracking.service_levels import ServiceLevels
from orderwright.tracking.timeline import render, timeline
from tests.worlds import HOUR, MINUTE, NOON, World, card, line

PRICE = UnitPrice.of("10.00", "EUR")


def shop() -> World:
    """A mug is ordered, and paid."""
    world = World(("MUG", "MAIN", 9))
    world.desk.place([line("MUG")], order_id="o1", tenders=[card()])
    return world


SCANS = (("handed_over", 2), ("delivered", 20))


@pytest.mark.parametrize("scans", [SCANS, SCANS[::-1]])
def test_when_a_parcel_left_does_not_depend_on_what_is_told_first(
    scans: tuple[tuple[str, int], ...],
) -> None:
    """It left when the earliest scan says so."""
    world = shop()
    for status, hours in scans:
        late = {"occurred_at": NOON + hours * HOUR, "at": NOON + 50 * HOUR}
        world.desk.scan("o1", "f1", status, **late)
    assert NOON + 2 * HOUR == facts_of(world.desk.history("o1")).left_at


def test_the_timeline_tells_a_late_hand_over_as_one() -> None:
    """What has arrived meanwhile had not at that time."""
    world = shop()
    day = NOON + 24 * HOUR
    world.desk.scan("o1", "f1", "delivered", occurred_at=NOON + 20 * HOUR, at=day)
    number = {"carrier": "DHL", "tracking": "JD1"}
    world.desk.scan("o1", "f1", "handed_over", occurred_at=NOON + 2 * HOUR, at=day, **number)
    told = render(timeline(world.desk.history("o1")))
    assert "f1 handed over with DHL JD1" in told
    assert 1 == told.count("f1 delivered")


def test_who_gives_up_as_it_is_late_counts_as_late() -> None:
    """An order that was overdue does not vanish with its customer."""
    world = shop()
    world.desk.promise("o1", NOON + 2 * HOUR, at=NOON)
    world.desk.cancel("o1", reason="you are late", at=NOON + 6 * HOUR)
    (row,) = report([world.desk.history("o1")], ServiceLevels(NOON + 7 * HOUR))
    assert (1, 0) == (row.orders, row.on_time)


def kitchen(*skus: str, **more: object) -> OrderDesk:
    """A station that makes these."""
    inventory = MemoryInventory()
    for sku in skus:
        inventory.post(Posting.receive(sku, sku, "A", 9, at=NOON))
    return OrderDesk(
        orders=MemoryOrders(),
        inventory=inventory,
        payments=MemoryPayments(),
        locations=[Location(id="A", makes="ticket")],
        clock=lambda: NOON,
        **more,
    )


def dish(sku: str, minutes: int, units: int = 1) -> DraftLine:
    """So many of a dish that takes so long."""
    time = timedelta(minutes=minutes)
    return DraftLine(sku=sku, quantity=units, unit_price=PRICE, preparation=time)


@pytest.mark.parametrize(("minutes", "units", "quoted"), [(5, 2, 10), (5, 1, 5), (0, 1, 0)])
def test_a_plate_takes_the_lane_that_is_free_first(minutes: int, units: int, quoted: int) -> None:
    """Nobody boils two eggs one on each of two plates, if a roast is on one of them."""
    desk = kitchen("ROAST", "EGG", policy=Policy(tab=True))
    board = KitchenBoard(at_once={"A": 2})
    desk.place([dish("ROAST", 120)], order_id="o1", at=NOON)
    board.show(desk.fire("o1", 0, at=NOON))
    order: Order = desk.place([dish("EGG", minutes, units)], order_id="o2", at=NOON)
    assert quoted * MINUTE == board.quote(order, NOON) - NOON


def test_what_nobody_collects_was_ready_all_the_same() -> None:
    """It is not being made again."""
    world = World(("MUG", "MAIN", 1))
    world.desk.place([line("MUG")], order_id="o1", service="pickup", tenders=[card()])
    for minutes, step in enumerate(("release", "pick", "ready")):
        world.desk.advance("o1", "f1", step, at=NOON + minutes * MINUTE)
    world.desk.advance("o1", "f1", "miss", at=NOON + 5 * HOUR)
    (work,) = facts_of(world.desk.history("o1")).work
    assert NOON + 2 * MINUTE == work.made_at
