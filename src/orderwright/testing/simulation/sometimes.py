"""What a long run of storms has to have met at least once, or it has not tested much."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orderwright.errors import Conflict
from orderwright.lifecycles import Phase
from orderwright.orders.events import (
    ExceptionOpened,
    IntentParked,
    StockRefused,
    TransferSettled,
    UnitsClaimed,
)
from orderwright.requests import CallProvider, PostStock, SaveOrder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orderwright.errors import OrderwrightError
    from orderwright.orders.event import Event
    from orderwright.orders.order import Order
    from orderwright.requests import Request
    from orderwright.testing.simulation.simulator import Simulation, Worker
    from orderwright.testing.simulation.steps import Call
    from orderwright.testing.simulation.world import World

__all__ = ["SOMETIMES", "arrived", "begun", "look_back", "met"]

SOMETIMES: tuple[str, ...] = (
    "a crash between a capture and its record",
    "a crash between a refund and its record",
    "a crash between a posting and its record",
    "a crash while resuming",
    "the last unit raced by four",
    "a notification before the reply",
    "a flow that was taken for dead writes, and is refused",
    "a call that was taken for lost arrives after all",
    "a posting that was taken for lost arrives, and is refused",
    "a chargeback after a refund",
    "a chargeback while a refund is under way",
    "a partial refund of a discounted line with its tax included",
    "a backorder filled after another order was cancelled",
    "two tenders, one of them declined",
    "an authorization that lapsed, and was renewed",
    "an unpaid order that expired",
    "something parked for a person",
    "a reservation refused after it was planned",
    "money for an order that had been given up",
    "a parcel that left although its order was cancelled",
    "a count that took what was promised",
    "a label given back",
)
"""Rare things, by what is told of them in :attr:`.Weather.seen`."""


def begun(simulation: Simulation, call: Call) -> Iterator[str]:
    """Tell what is rare about the beginning of a command."""
    if call.name == "notify_payment":
        for other in simulation.workers.values():
            asked = other.asked
            waiting = isinstance(other.request, SaveOrder) and isinstance(asked, CallProvider)
            if waiting and isinstance(asked, CallProvider) and asked.request.id == call.args[0]:
                yield "a notification before the reply"
    if call.name == "report_chargeback":
        order = simulation.world.orders.load(str(call.args[0]))
        if order is not None and any(one.purpose == "refund" for one in order.intents):
            yield "a chargeback while a refund is under way"


def met(
    simulation: Simulation, worker: Worker, fault: str, error: OrderwrightError | None
) -> Iterator[str]:
    """Tell what is rare about a request that was just made by a worker."""
    request = worker.request
    if fault.startswith("crash"):
        done = request if fault == "crash after" else worker.asked
        if isinstance(done, CallProvider) and done.request.kind in {"capture", "refund"}:
            yield f"a crash between a {done.request.kind} and its record"
        if isinstance(done, PostStock):
            yield "a crash between a posting and its record"
        if worker.call.name == "resume":
            yield "a crash while resuming"
    if isinstance(error, Conflict) and worker.saved and worker.call.name != "resume":
        yield "a flow that was taken for dead writes, and is refused"
    if isinstance(request, PostStock):
        racing = [
            one
            for one in simulation.workers.values()
            if isinstance(one.request, PostStock) and one.call.name == "place"
        ]
        if len(racing) >= 4 and request.posting.order_id:  # noqa: PLR2004
            yield "the last unit raced by four"


def arrived(request: Request[object], came: str) -> Iterator[str]:
    """Tell what is rare about something that arrives late, and came to that."""
    if isinstance(request, CallProvider) and not came:
        yield "a call that was taken for lost arrives after all"
    if isinstance(request, PostStock) and came:
        yield "a posting that was taken for lost arrives, and is refused"


def look_back(world: World) -> Iterator[str]:
    """Tell what was rare in the end, from what is stored."""
    orders = world.all_orders()
    if any(one.cancelled_by for one in world.carrier.books.values()):
        yield "a label given back"
    given_up = any(order.state.phase is Phase.DROPPED for order in orders)
    for order in orders:
        yield from _figures(order)
        for event in world.orders.events(order.id):
            yield from _told(event)
            if isinstance(event, UnitsClaimed) and given_up and not _waits(order):
                yield "a backorder filled after another order was cancelled"


def _waits(order: Order) -> bool:
    return order.state.phase is Phase.DROPPED or any(line.backordered for line in order.lines)


def _told(event: Event) -> Iterator[str]:
    if isinstance(event, ExceptionOpened):
        yield f"exception {event.exception.code}"
        named = _EXCEPTIONS.get(event.exception.code)
        if named is not None:
            yield named
    elif isinstance(event, IntentParked):
        yield "something parked for a person"
    elif isinstance(event, StockRefused):
        yield "a reservation refused after it was planned"
    elif isinstance(event, TransferSettled):
        yield "a transfer settled"


_EXCEPTIONS = {
    "paid_after_cancellation": "money for an order that had been given up",
    "shipped_after_cancellation": "a parcel that left although its order was cancelled",
    "stock_missing": "a count that took what was promised",
}


def _figures(order: Order) -> Iterator[str]:
    if order.state.name == "expired":
        yield "an unpaid order that expired"
    declined = False
    for payment in order.payments:
        kinds = [one.kind for one in payment.operations if one.state.phase is Phase.DONE]
        declined = declined or not kinds
        if "chargeback" in kinds and "refund" in kinds[: kinds.index("chargeback")]:
            yield "a chargeback after a refund"
        if "lapse" in kinds and "authorize" in kinds[kinds.index("lapse") :]:
            yield "an authorization that lapsed, and was renewed"
    if declined and len(order.payments) > 1:
        yield "two tenders, one of them declined"
    if order.refunded and order.refunded < order.captured:
        for line in order.lines:
            parts = {one.kind for one in line.components}
            rich = parts >= {"adjustment", "included_tax"}
            if rich and 0 < line.remaining.minor < line.total.minor:
                yield "a partial refund of a discounted line with its tax included"
