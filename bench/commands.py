"""The cases about single commands: beside one written by hand, on long orders, on old ones."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from bench.baselines import commands as by_hand
from bench.timing import Result, best, timed
from orderwright import (
    Adjustment,
    DraftLine,
    Location,
    Order,
    OrderDesk,
    Policy,
    Posting,
    TaxLine,
    UnitPrice,
)
from orderwright.adapters.memory import MemoryInventory, MemoryOrders, MemoryPayments
from orderwright.orders.cancelling import cancel_units
from orderwright.orders.totals import Terms, work_out

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.cases import Size

__all__ = ["cancelling", "old_order", "totals_grow"]

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def _drafts(count: int) -> list[DraftLine]:
    """So many lines, each with a discount and a tax."""
    vat = TaxLine(name="VAT", percent="19")
    off = Adjustment(name="off", percent="-10")
    price = UnitPrice.of("3.33", "EUR")
    return [
        DraftLine(sku=f"S{n}", quantity=3, unit_price=price, adjustments=[off], taxes=[vat])
        for n in range(count)
    ]


def _placed(count: int) -> tuple[OrderDesk, Order]:
    inventory = MemoryInventory()
    for number in range(count):
        delivery = Posting.receive(f"d{number}", f"S{number}", "MAIN", 9, at=NOON)
        inventory.post(delivery)
    desk = OrderDesk(
        orders=MemoryOrders(),
        inventory=inventory,
        payments=MemoryPayments(),
        locations=[Location(id="MAIN")],
        policy=Policy(require_cover=False),
    )
    return desk, desk.place(_drafts(count), order_id="o1", at=NOON)


def _twin(order: Order) -> by_hand.Order:
    """The same order as the baseline has it."""
    return by_hand.Order(
        order.id,
        order.version,
        order.state.name,
        tuple(
            by_hand.Line(
                line.id,
                line.sku,
                line.ordered,
                line.cancelled,
                line.backordered,
                line.remaining_units,
                tuple(part.amount.minor for part in line.components),
                tuple(part.remaining.minor for part in line.components),
            )
            for line in order.lines
        ),
        tuple(
            by_hand.Fulfillment(
                one.id,
                one.location,
                one.state.name,
                tuple((item.line_id, item.quantity) for item in one.items),
            )
            for one in order.fulfillments
        ),
        order.fulfillments_planned,
    )


def cancelling(size: Size) -> Result:
    """Compare cancelling a unit of a line of five with the same written by hand."""
    _, order = _placed(5)
    twin = _twin(order)
    times = size.commands

    def ours() -> Order:
        done = order
        for _ in range(times):
            event = cancel_units(order, (("l3", 1),), at=NOON, reason="less")
            done = order.after((event,))
        return done

    def theirs() -> by_hand.Order:
        done = twin
        for _ in range(times):
            done, _event = by_hand.cancelled(twin, {"l3": 1}, NOON, "less")
        return done

    if _twin(ours()).lines != theirs().lines:
        raise AssertionError("the two do not agree")
    mine, other = best(size.rounds * 3, _timing(ours), _timing(theirs))
    return Result(
        "a command / written by hand",
        mine / times,
        other / times,
        2,
        times,
        "cancel a unit of one of five lines: checks, credits, event, next order",
    )


def totals_grow(size: Size) -> Result:
    """Compare what 10,000 lines cost to work out with a tenth of them."""
    counts = (size.lines, size.lines // 10)
    policy = Policy(round_amounts="order", round_taxes="order")
    coupon = (Adjustment(name="coupon", percent="-5"),)

    def working(count: int) -> Callable[[], float]:
        terms = [Terms.of(one) for one in _drafts(count)]
        return _timing(partial(work_out, terms, [], coupon, policy, "EUR"))

    many, few = best(size.rounds, *(working(count) for count in counts))
    return Result(
        "totals of 10 n lines / of n",
        many,
        few,
        12,
        1,
        f"{counts[0]:,} lines with discount, coupon and tax, rounded per order",
    )


def old_order(size: Size) -> Result:
    """Compare a command on an order with thousands of past events with one on a young one."""
    young, _ = _placed(5)
    old, order = _placed(5)
    number = 0
    while order.version < size.age:
        number += 1
        order = old.tag("o1", add=[f"t{number % 2}"], remove=[f"t{1 - number % 2}"], at=NOON)

    def working(desk: OrderDesk) -> Callable[[], float]:
        def work() -> None:
            for turn in range(10):
                desk.hold("o1", f"h{turn}", blocks=["refund"], at=NOON)
                desk.release_hold("o1", f"h{turn}", at=NOON)

        return _timing(work)

    aged, fresh = best(size.rounds * 3, working(old), working(young))
    return Result(
        "a command on an old order / a young one",
        aged / 20,
        fresh / 20,
        1.5,
        20,
        f"hold and release, with {order.version:,} past events and with few",
    )


def _timing(work: Callable[[], object]) -> Callable[[], float]:
    return lambda: timed(work)
