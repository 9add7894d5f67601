"""The laws of money: what orders say and what the provider's own books say is the same."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, get_args

from orderwright.lifecycles import Phase
from orderwright.money import Money
from orderwright.orders.events import ExceptionOpened, MoneyRequested
from orderwright.payments.operations import Movement
from orderwright.testing.simulation.law import law, require, same

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orderwright.orders.order import Order
    from orderwright.payments.payment import Payment
    from orderwright.testing.simulation.world import Stored

__all__ = ["asked", "books", "money"]

_BY_ITSELF = frozenset(get_args(Movement))
"""What comes by itself, or lapses: no operation of the provider's."""


@law("money: the provider's books and the orders tell the same, and every figure adds up")
def money(world: Stored, order: Order) -> None:
    """Look at each operation of an order, and for what the provider did beyond them."""
    prefix = f"{order.id}/"
    booked = {
        entry.operation_id: entry
        for entry in world.payments.books
        if entry.operation_id.startswith(prefix)
    }
    for payment in order.payments:
        _sums(payment)
        for operation in payment.operations:
            if operation.kind in _BY_ITSELF:
                require(operation.id not in booked, "{} is in the provider's books", operation.id)
                same(Phase.DONE, operation.state.phase, operation.id)
                continue
            entry = booked.pop(operation.id, None)
            if operation.state.phase is Phase.DONE:
                there = None if entry is None else (entry.kind, entry.amount)
                asked_for = (operation.kind, operation.amount)
                same(asked_for, there, "{} in the books", operation.id)
            elif operation.state.phase is Phase.DROPPED:
                same(None, entry, "{}, which failed, in the books", operation.id)
    same([], sorted(booked), "what the provider did and no order announces")
    kept = order.captured - order.refunded - order.charged_back
    same(kept - order.due, order.balance, "balance of {}", order.id)
    by_providers = sum(one.sums.refunded - one.sums.repaid for one in order.payments)
    ok = by_providers <= order.captured.minor
    require(ok, "{}: refunded more than was captured", order.id)
    surplus = max(0, -order.charged_back.minor)
    payout = max(0, (order.balance - order.refunding).minor - surplus)
    same(payout, order.payout.minor, "payout of {}", order.id)
    for line in order.lines:
        if line.moved > line.ordered - line.cancelled:
            opened = {
                event.exception.code
                for event in world.orders.events(order.id)
                if isinstance(event, ExceptionOpened)
            }
            told = "cancelled_after_transfer" in opened
            require(told, "{} {}: given up, due on another tab, untold", order.id, line.id)


def _sums(payment: Payment) -> None:
    """Of each payment: nothing is given back, or drawn on, that was not there."""
    done: Counter[str] = Counter()
    for one in payment.operations:
        if one.state.phase is not Phase.DROPPED:
            done[one.kind] += one.amount.minor
    what = (payment.id, done)
    if payment.amount or payment.collected != "by_provider":  # else it is only paid out to
        require(done["refund"] <= done["capture"] + done["charge"], "refunds: {} {}", *what)
    drawn = done["capture"] + done["void"] + done["lapse"]
    require(drawn <= done["authorize"], "drawn on more than was authorized: {} {}", *what)
    least = min(payment.refundable, payment.open_authorization, payment.outstanding)
    require(least.minor >= 0, "below zero: {} {}", *what)
    back = payment.sums.returnable
    ok = back <= payment.refundable.minor
    require(ok, "more returnable than refundable: {} {}", *what)
    parts = payment.refund_parts(Money(back, payment.amount.currency))
    same(back, sum(part.minor for _, part in parts), "parts of a refund: {} {}", *what)
    if payment.collected != "by_provider":
        require(set(done) <= _BY_ITSELF, "asked of nobody: {} {}", *what)


@law("no money is asked for beyond what is there, or due, at that moment")
def asked(world: Stored, order: Order, before: Order | None) -> None:
    """Look at what is new since ``before``: refunds, and captures that nobody asked for by hand."""
    known = {one.id for one in before.intents} if before is not None else set[str]()
    new = {one.id: one.purpose for one in order.intents if one.id not in known}
    if not {"refund", "capture", "charge"} & set(new.values()):
        return
    taken = back = 0
    for payment in order.payments:
        done: Counter[str] = Counter()
        for one in payment.operations:
            if one.state.phase is not Phase.DROPPED:
                done[one.kind] += one.amount.minor
        came = done["capture"] + done["charge"] + done["receipt"]
        went = done["refund"] + done["repayment"] + max(0, done["chargeback"] - done["reversal"])
        # What is paid out to a tender of its own, the order bounds. Of what was on its way when a
        # bank fetched the money back, nobody could know.
        refunds = any(new.get(one.id) == "refund" for one in payment.operations)
        if refunds and (payment.amount or came):
            require(went <= came, f"{order.id} {payment.id}: {dict(done)}")
        taken += came
        back += went
    if order.charged_back or not {"capture", "charge"} & set(new.values()):
        return
    failed = order.failed_batches
    sisters = [one for one in order.payments if one.batch in failed]
    if "charge" in new.values():
        left = taken - back - sum(one.sums.undone for one in sisters)
        more = f"{order.id}: charges {left} of {order.due.minor} that is due"
        require(left <= max(0, order.due.minor) or _by_hand(world, order), more)
    elif order.policy.capture != "by_hand" and not _by_hand(world, order):
        most = max(order.due.minor, order.total.minor)
        more = f"{order.id}: {taken - back} of {most} that is due"
        require(taken - back <= most, more)
        drawn = [
            one.id for one in sisters if any(new.get(o.id) == "capture" for o in one.operations)
        ]
        require(not drawn, f"{order.id}: captures of {drawn}, whose sister was declined")


def _by_hand(world: Stored, order: Order) -> bool:
    """Whether somebody asked for a capture: of all that is authorized, if they say so."""
    events = world.orders.events(order.id)
    return any(isinstance(one, MoneyRequested) and one.action == "capture" for one in events)


@law("the provider did each thing once, and gave back no more than it took")
def books(world: Stored, orders: Sequence[Order]) -> None:
    """Look at the provider's own books alone, and for whom each entry is."""
    known = tuple(f"{order.id}/" for order in orders)
    # What is only paid out to a tender of its own, the order bounds.
    paid_out = {
        one.id
        for order in orders
        for payment in order.payments
        if not payment.amount
        for one in payment.operations
    }
    seen: set[str] = set()
    sums: Counter[tuple[str, str]] = Counter()
    for entry in world.payments.books:
        require(entry.operation_id not in seen, "{} was done twice", entry.operation_id)
        seen.add(entry.operation_id)
        require(entry.operation_id.startswith(known), "{} is of no order", entry.operation_id)
        of = entry.reference
        taken = sums[of, "capture"] + sums[of, "charge"]
        if entry.kind == "refund" and not taken and entry.operation_id in paid_out:
            continue
        sums[of, entry.kind] += entry.amount.minor
        require(sums[of, "refund"] <= taken or entry.kind != "refund", "{}: too much", entry)
        drawn = sums[of, "capture"] + sums[of, "void"]
        require(drawn <= sums[of, "authorize"], "{}: nothing was authorized for it", entry)
