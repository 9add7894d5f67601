"""The case about reports: many orders' events streamed through all of them, time and memory.

``python -m bench.reports [ORDERS]`` reads so many (a million if left out) and prints both.
"""

from __future__ import annotations

import sys
import tracemalloc
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from time import perf_counter
from typing import TYPE_CHECKING

from bench.timing import Result, best, timed
from orderwright import (
    Charge,
    DraftLine,
    Location,
    Money,
    OrderDesk,
    Policy,
    Posting,
    TaxLine,
    Tender,
    UnitPrice,
)
from orderwright.adapters.memory import MemoryInventory, MemoryOrders, MemoryPayments
from orderwright.tracking.costing import costs
from orderwright.tracking.kitchen import KitchenLoad
from orderwright.tracking.losses import Losses
from orderwright.tracking.reports import Period, read
from orderwright.tracking.revenue import Revenue
from orderwright.tracking.service_levels import FillRate, ServiceLevels
from orderwright.tracking.stages import Backlog, CycleTimes, Funnel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.cases import Size
    from orderwright.orders.events import Event
    from orderwright.tracking.reports import Report

__all__ = ["all_reports", "memory_growth", "reporting", "stories"]

OPENED = datetime(2026, 1, 5, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
_STEAK = DraftLine(
    sku="STEAK",
    quantity=2,
    unit_price=UnitPrice.of("28.00", "EUR"),
    requires=["grill"],
    uses={"BEEF": 250},
    preparation=15 * MINUTE,
)


def stories(count: int) -> tuple[list[tuple[Event, ...]], list[Posting], datetime]:
    """Return so many different histories, the ledger behind them, and the time after them.

    Of ten orders six are shipped whole, one loses a unit before that, one comes back, one is a
    table's tab and one only waits.
    """
    inventory, orders = MemoryInventory(), MemoryOrders()
    desk = OrderDesk(
        orders=orders,
        inventory=inventory,
        payments=MemoryPayments(),
        locations=[
            Location(id="MAIN"),
            Location(id="STORE", cost=5),
            Location(id="GRILL", offers=["grill"], makes="ticket", larder="MAIN"),
        ],
    )
    for number, sku in enumerate(("A", "B", "C", "D", "BEEF")):
        for place in ("MAIN", "STORE"):
            units, price = 1_000 * count, UnitPrice.of(number + 3, "EUR")
            posting = Posting.receive(
                f"{sku}-{place}", sku, place, units, at=OPENED, unit_cost=price
            )
            inventory.post(posting)
    menu = Posting.make("menu", "GRILL", made=[("STEAK", 10 * count)], at=OPENED)
    inventory.post(menu)
    for number in range(count):
        _live(desk, number, OPENED + number * 17 * MINUTE)
    histories = [orders.events(f"o{number}") for number in range(count)]
    return histories, list(inventory.postings()), OPENED + (count * 17 + 5_000) * MINUTE


def _live(desk: OrderDesk, number: int, at: datetime) -> None:
    """Take one order as far as orders of its number go."""
    order_id, turn = f"o{number}", number % 10
    if turn == 8:
        desk.place([_STEAK], order_id=order_id, channel="table", policy=Policy(tab=True), at=at)
        for minutes, action in ((2, "fire"), (4, "prepare"), (19, "ready"), (20, "serve")):
            desk.advance(order_id, "f1", action, at=at + minutes * MINUTE)
        desk.close_tab(order_id, at=at + 60 * MINUTE)
        desk.pay(order_id, [Tender(method="card")], at=at + 62 * MINUTE)
        return
    vat = TaxLine(name="VAT", percent="19", included=True)
    price = UnitPrice.of("12.50", "EUR")
    goods = [
        DraftLine(sku="ABCD"[(number + n) % 4], quantity=2 + n, unit_price=price, taxes=[vat])
        for n in range(1 + number % 3)
    ]
    placed = desk.place(
        goods,
        order_id=order_id,
        channel=("web", "phone", "shop")[number % 3],
        tenders=[Tender(method="card")],
        charges=[Charge(kind="shipping", amount=Money(490, "EUR"))],
        scheduled_for=at + 3_000 * MINUTE if number % 2 else None,
        at=at,
    )
    if turn == 9:
        return
    if turn == 6:
        desk.cancel(order_id, units={"l1": 1}, reason="one less", at=at + 5 * MINUTE)
    for one in placed.fulfillments:
        hours = timedelta(hours=4 + number % 30)
        desk.ship(order_id, one.id, at=at + hours)
        desk.deliver(order_id, one.id, at=at + 3 * hours)
    if turn == 7:
        back = at + 4_000 * MINUTE
        desk.request_return(order_id, {"l1": 1}, reason="too small", at=back)
        desk.receive_return(order_id, {"l1": 1}, location="STORE", at=back + 9 * MINUTE)
        desk.inspect_return(order_id, "r1", restock={"l1": 1}, at=back + 99 * MINUTE)


def all_reports(postings: Sequence[Posting], end: datetime) -> list[Report[object]]:
    """Return every report over orders, told apart as finely as they can be."""
    period = Period(OPENED, end)
    return [
        Funnel(by=["day", "channel", "service"]),
        Backlog(end),
        CycleTimes(),
        FillRate(by=["day", "channel", "service"]),
        ServiceLevels(end, by=["day", "channel"]),
        Losses(by=["channel"]),
        Revenue(
            by=["day", "channel", "location", "sku", "kind"],
            costs=dict(costs(postings, "EUR")).get,
        ),
        KitchenLoad(period, end),
    ]


def _stream(histories: Sequence[tuple[Event, ...]], orders: int) -> Iterator[tuple[Event, ...]]:
    """Yield so many histories: the same ones over and over."""
    return islice(cycle(histories), orders)


def memory_growth(orders: int, different: int) -> int:
    """Return by how many bytes memory grew at most while so many orders were read."""
    histories, postings, end = stories(different)
    reports = all_reports(postings, end)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        read(_stream(histories, orders), *reports)
        for one in reports:
            one.rows()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return peak - before


def reporting(size: Size) -> Result:
    """Compare reading orders through all reports with reading a tenth of them."""
    few, many = size.reported, size.reported * 10
    histories, postings, end = stories(min(few, 300))

    def reading(orders: int) -> float:
        reports = all_reports(postings, end)
        return timed(lambda: read(_stream(histories, orders), *reports))

    ours, theirs = best(max(1, size.rounds // 5), lambda: reading(many), lambda: reading(few))
    grown = memory_growth(many, min(few, 300)) / 2**20
    events = sum(map(len, histories)) / len(histories)
    return Result(
        f"reports of {many:,} orders / of {few:,}",
        ours,
        theirs,
        12,
        1,
        f"{events:.0f} events an order, {ours / many * 1e6:.1f} us each through all reports; "
        f"memory grew by {grown:.1f} MB at most",
    )


def main(orders: int) -> None:
    """Read so many orders, and print how long it took and by how much memory grew."""
    histories, postings, end = stories(300)
    reports = all_reports(postings, end)
    start = perf_counter()
    read(_stream(histories, orders), *reports)
    took = perf_counter() - start
    start = perf_counter()
    rows = sum(len(one.rows()) for one in reports)
    told = perf_counter() - start
    events = orders * sum(map(len, histories)) // len(histories)
    print(f"{orders:,} orders, {events:,} events: {took:.1f} s, {took / orders * 1e6:.1f} us each")
    print(f"{rows:,} rows in {told:.2f} s")
    print(f"memory grew by {memory_growth(orders, 300) / 2**20:.1f} MB at most")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
