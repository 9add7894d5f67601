"""The laws of the calm: once nobody is at work, nothing is kept, owed or forgotten."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from orderwright.lifecycles import Phase
from orderwright.orders.events import FulfillmentAdvanced
from orderwright.testing.simulation.law import law, require, same

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orderwright.orders.order import Order
    from orderwright.testing.simulation.world import Stored

__all__ = ["kept", "returned", "wanted"]


@law("in the calm nothing is kept of who owes nothing, and every tender is asked for")
def kept(_: Stored, orders: Sequence[Order]) -> None:
    """Look at the money of orders that wait for nobody."""
    for order in orders:
        if order.intents or order.holds or order.state.phase is Phase.PLANNED:
            continue
        if not order.due and not order.exceptions:
            # What is offered for an order that never cost anything is kept for what may be added.
            if order.credited:
                what = "authorized for {}, which owes nothing any more"
                same(0, order.authorized.minor, what, order.id)
            if order.policy.refund == "when_cancelled" and order.captured <= order.credited:
                back = sum(one.sums.returnable for one in order.payments)
                what = "kept of {}, which owes nothing"
                same(0, min(order.payout.minor, back), what, order.id)
        at_work = order.state.phase in (Phase.WORKING, Phase.DONE)
        if at_work and order.policy.capture != "on_placement":
            failed = order.failed_batches
            waiting = [one.id for one in order.payments if one.unasked and one.batch not in failed]
            asking = any(one.sums.authorizing for one in order.payments)
            require(not waiting or asking, "{}: nobody asked for {}", order.id, waiting)


@law("what came back is inspected where it came, or waits for it")
def returned(_: Stored, orders: Sequence[Order]) -> None:
    """Look at each return, and at what its moves come to at each place."""
    for order in orders:
        for one in order.returns:
            for item in one.items:
                done = item.inspected == item.received
                require(one.open or done, "{} {} is closed: {}", order.id, one.id, item)
            there: Counter[tuple[str, str]] = Counter()
            for move in one.moves:
                for sku, units in move.units:
                    there[move.location, sku] += units if move.target == "quarantine" else -units
            low = min(there.values(), default=0)
            require(low >= 0, "{} {} moved more than came: {}", order.id, one.id, there)


@law("what has left is told by its order, and nobody waits who wants nothing")
def wanted(world: Stored, orders: Sequence[Order]) -> None:
    """Look for parcels that are forgotten, and for units that were cancelled elsewhere."""
    for order in orders:
        left = {
            event.fulfillment_id
            for event in world.orders.events(order.id)
            if isinstance(event, FulfillmentAdvanced)
            and event.state.phase in (Phase.OUT, Phase.DONE)
        }
        gone = left - {one.id for one in order.fulfillments}
        require(not gone, "{} has forgotten that {} left", order.id, gone)
        if order.intents or order.state.phase not in (Phase.WAITING, Phase.WORKING):
            continue
        back: Counter[str] = Counter()
        for one in order.returns:
            for item in one.items:
                back[item.line_id] += item.credited
        for line_id, counts in order.quantities().items():
            line = order.line(line_id)
            owed = line.remaining_units + line.moved + line.lost + back[line_id]
            idle = counts.open + counts.backordered
            unwanted = min(line.ordered - line.cancelled - owed, idle)
            require(unwanted <= 0, "{} {}: {} wait for nobody", order.id, line_id, unwanted)
