"""What a long run of storms has to have met at least once, or it has not tested much."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orderwright.errors import Conflict
from orderwright.lifecycles import Phase
from orderwright.orders.events import (
    ExceptionOpened,
    FulfillmentsPlanned,
    IntentParked,
    OrderCancelled,
    StockRefused,
    TransferSettled,
)
from orderwright.requests import CallProvider, LookUp, PostStock, SaveOrder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orderwright.errors import OrderwrightError
    from orderwright.orders.event import Event
    from orderwright.orders.order import Order
    from orderwright.payments.operations import PaymentRequest
    from orderwright.requests import Request
    from orderwright.testing.simulation.simulator import Simulation, Worker
    from orderwright.testing.simulation.steps import Call
    from orderwright.testing.simulation.world import World

__all__ = ["SOMETIMES", "about", "arrived", "begun", "look_back", "met"]

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

_ASKS = (CallProvider, LookUp)


def begun(simulation: Simulation, call: Call) -> Iterator[str]:
    """Tell what is rare about the beginning of a command."""
    world = simulation.world
    if call.name == "notify_payment" and call.args[0] in world.payments.operations:
        asked = (one.request for one in simulation.workers.values())
        if any(isinstance(one, _ASKS) and one.request.id == call.args[0] for one in asked):
            yield "a notification before the reply"
    if call.name == "report_chargeback":
        order = world.orders.load(str(call.args[0]))
        if order is not None and any(one.purpose == "refund" for one in order.intents):
            yield "a chargeback while a refund is under way"


def about(simulation: Simulation, request: Request[object]) -> Iterator[str]:
    """Tell what is rare about a request that is just to be made."""
    workers = simulation.workers.values()
    if isinstance(request, _ASKS) and request.request.id in simulation.world.payments.operations:
        told = (one.call for one in workers if one.call.name == "notify_payment")
        if any(one.args[0] == request.request.id for one in told):
            yield "a notification before the reply"
    if not isinstance(request, PostStock | SaveOrder) or len(workers) < 4:  # noqa: PLR2004
        return
    for sku, location in _reserved(request):
        racing = sum((sku, location) in _reserved(one.request) for one in workers)
        if racing >= 4:  # noqa: PLR2004
            supply = simulation.world.inventory.supply([sku], now=simulation.world.now)
            if [one.available for one in supply if one.location == location] == [1]:
                yield "the last unit raced by four"


def _reserved(request: Request[object] | None) -> set[tuple[str, str]]:
    """Return the SKUs, and where, that are reserved for an order by a request."""
    posting = request.posting if isinstance(request, PostStock | SaveOrder) else None
    if posting is None or not posting.order_id:
        return set()
    taken = (one for one in posting.entries if one.bucket == "available" and one.quantity < 0)
    return {(one.sku, one.location) for one in taken}


def met(
    simulation: Simulation, worker: Worker, fault: str, error: OrderwrightError | None
) -> Iterator[str]:
    """Tell what is rare about a request that was just made by a worker."""
    if fault.startswith("crash"):
        yield from _crashed(simulation.world, worker, fault, error)
    if isinstance(error, Conflict) and worker.saved and worker.call.name != "resume":
        yield "a flow that was taken for dead writes, and is refused"


def _crashed(
    world: World, worker: Worker, fault: str, error: OrderwrightError | None
) -> Iterator[str]:
    """Tell what was done when a worker died before it could write that down."""
    done = worker.done if fault == "crash before" else worker.request
    if isinstance(done, CallProvider) and done.request.kind in {"capture", "refund"}:
        booked = any(one.operation_id == done.request.id for one in world.payments.books)
        if booked and not _recorded(world, done.request):
            yield f"a crash between a {done.request.kind} and its record"
    if isinstance(done, PostStock) and error is None:
        yield "a crash between a posting and its record"
    if worker.call.name == "resume":
        yield "a crash while resuming"


def _recorded(world: World, request: PaymentRequest) -> bool:
    order = world.orders.load(request.order_id)
    return order is not None and any(
        one.id == request.id and one.state.phase is Phase.DONE
        for one in order.payment(request.payment_id).operations
    )


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
    waited = False
    for order in orders:
        yield from _figures(order)
        for event in world.orders.events(order.id):
            yield from _told(event)
            waited = waited or (isinstance(event, FulfillmentsPlanned) and bool(event.backordered))
    if waited and any(order.state.phase is Phase.DROPPED for order in orders):
        yield from _filled(world, {order.id: order for order in orders})


def _filled(world: World, orders: dict[str, Order]) -> Iterator[str]:
    """Follow who waits for what, who is cancelled meanwhile, and who is served after that."""
    waiting: dict[str, set[str]] = {}
    freed: dict[str, set[str]] = {name: set() for name in orders}
    for name, event in _feed(world):
        order = orders[name]
        if isinstance(event, OrderCancelled) and event.action in _GIVEN_UP:
            skus = {line.sku for line in order.lines}
            for other in waiting.keys() - {name}:
                freed[other] |= waiting[other] & skus
        elif isinstance(event, FulfillmentsPlanned):
            kept = {one.id for one in order.fulfillments}
            items = (item for one in event.fulfillments if one.id in kept for item in one.items)
            if any(item.sku in freed[name] for item in items):
                yield "a backorder filled after another order was cancelled"
            waiting[name] = {order.line(line).sku for line, _ in event.backordered}


_GIVEN_UP = frozenset({"cancel", "reject", "expire", "report"})


def _feed(world: World) -> Iterator[tuple[str, Event]]:
    """Return every event with whose it is, in the order in which they were saved."""
    last = 0
    while page := world.orders.feed(after=last):
        yield from ((one.order_id, one.event) for one in page)
        last = page[-1].position


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
    declined: dict[int, set[bool]] = {}
    for payment in order.payments:
        no = any(one.state.name == "declined" for one in payment.operations)
        declined.setdefault(payment.batch, set()).add(no)
        kinds = [one.kind for one in payment.operations if one.state.phase is Phase.DONE]
        if "chargeback" in kinds and "refund" in kinds[: kinds.index("chargeback")]:
            yield "a chargeback after a refund"
        if "lapse" in kinds and "authorize" in kinds[kinds.index("lapse") :]:
            yield "an authorization that lapsed, and was renewed"
    if any(len(one) > 1 for one in declined.values()):
        yield "two tenders, one of them declined"
    if order.refunded and order.refunded < order.captured:
        for line in order.lines:
            parts = {one.kind for one in line.components}
            rich = parts >= {"adjustment", "included_tax"}
            if rich and 0 < line.remaining.minor < line.total.minor:
                yield "a partial refund of a discounted line with its tax included"
