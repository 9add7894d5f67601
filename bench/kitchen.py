"""The kitchen's board: one event among hundreds of open tickets, however many are finished."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from attrs import evolve

from bench.timing import Result, best, timed
from orderwright import DraftLine, Location, OrderDesk, Policy, Posting, UnitPrice
from orderwright.adapters.memory import MemoryInventory, MemoryOrders, MemoryPayments
from orderwright.tracking.board import KitchenBoard

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.cases import Size
    from orderwright import Order
    from orderwright.tracking.board import KitchenTicket

__all__ = ["board"]

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def _served() -> tuple[Order, Order]:
    """Return an order whose ticket is fired, and the same once it is served."""
    inventory = MemoryInventory()
    inventory.post(Posting.make("offer", "GRILL", made=[("STEAK", 9)], at=NOON))
    desk = OrderDesk(
        orders=MemoryOrders(),
        inventory=inventory,
        payments=MemoryPayments(),
        locations=[Location(id="GRILL", makes="ticket")],
        policy=Policy(tab=True),
        clock=lambda: NOON,
    )
    dish = DraftLine(
        sku="STEAK",
        quantity=2,
        unit_price=UnitPrice.of("28", "EUR"),
        course=1,
        preparation=timedelta(minutes=15),
    )
    desk.place([dish], order_id="t", table="4")
    return desk.fire("t", 1), desk.advance("t", "f1", "serve")


def _board(tickets: int, finished: int) -> Callable[[], object]:
    """Return the work of taking in one event and reading the board again."""
    fired, served = _served()
    made = KitchenBoard()
    for number in range(tickets + finished):
        made.show(evolve(fired, id=f"t{number}"))
        if number >= tickets:
            made.show(evolve(served, id=f"t{number}"))
    mine = [evolve(fired, id="t0", version=fired.version + turn) for turn in range(2)]

    def work() -> None:
        found: Sequence[KitchenTicket] = ()
        for one in mine:
            made.show(one)
            found = made.tickets(NOON)
        if len(found) != tickets:
            raise AssertionError(f"{len(found)} tickets on the board, not {tickets}")

    return work


def board(size: Size) -> Result:
    """Compare the board after many finished orders with one that never saw any."""
    long, short = _board(size.tickets, size.finished), _board(size.tickets, 0)
    ours, theirs = best(size.rounds * 3, lambda: timed(long), lambda: timed(short))
    return Result(
        f"board, {size.finished:,} finished / none",
        ours / 2,
        theirs / 2,
        1.2,
        2,
        f"one event taken in, and {size.tickets:,} open tickets read, in order, with delays",
    )
