"""A small world to test flows in: adapters in memory, a desk on them, and the laws they obey."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from orderwright import (
    DraftLine,
    Money,
    Order,
    OrderDesk,
    OrderwrightError,
    Tender,
    UnitPrice,
)
from orderwright.adapters.memory import MemoryInventory, MemoryOrders
from orderwright.flows.command import command
from orderwright.fulfillment.shipping import Parcel
from orderwright.requests import Flow
from orderwright.testing.simulation import world as simulated
from orderwright.testing.simulation.laws import check_laws, check_quiet
from orderwright.testing.simulation.world import LOCATIONS, NOON, TARIFFS

__all__ = ["LOCATIONS", "NOON", "TARIFFS", "check_laws", "check_quiet"]

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def eur(amount: str | int) -> Money:
    """So many euros."""
    return Money.of(amount, "EUR")


def line(sku: str = "MUG", quantity: int = 1, price: str = "10.00", **more: str) -> DraftLine:
    """A draft line in euros."""
    return DraftLine(sku=sku, quantity=quantity, unit_price=UnitPrice.of(price, "EUR"), **more)


def card(amount: str | None = None) -> Tender:
    """A tender by card, of what is left to pay if no amount is given."""
    return Tender(method="card", amount=None if amount is None else eur(amount))


PARCELS = (Parcel(weight_grams=750),)


class World(simulated.World):
    """The simulator's world, with what our tests look at besides."""

    orders: MemoryOrders
    inventory: MemoryInventory

    def new_desk(self, **more: object) -> OrderDesk:
        """Another desk on the same stored world, as after a restart."""
        given = {
            "orders": self.orders,
            "inventory": self.inventory,
            "payments": self.payments,
            "carrier": self.carrier,
            "locations": LOCATIONS,
            "policy": self.policy,
            "clock": lambda: self.now,
        }
        return OrderDesk(**{**given, **more})

    def flow(self, name: str, *args: object, **kwargs: object) -> Flow[object]:
        """The flow behind a desk's command."""
        return flow_of(self.desk, name, *args, **kwargs)

    def trace(self) -> tuple[int, ...]:
        """How much was ever written: nothing was, if it is the same before and after."""
        return (
            len(self.orders._feed),
            len(tuple(self.inventory.postings())),
            len(self.payments.books),
            len(self.payments._known),
            len(self.carrier.books),
            len(self.carrier._known),
        )


def flow_of(desk: OrderDesk, name: str, *args: object, **kwargs: object) -> Flow[object]:
    """The flow behind the command `name` of a desk."""
    for cls in type(desk).__mro__:
        marked = cls.__dict__.get(name)
        if isinstance(marked, command):
            return marked.flow(desk, *args, **kwargs)
    raise AssertionError(name)


def commands_of(desk: type) -> dict[str, command]:
    """Every command a desk class inherits, as it was declared."""
    found = {}
    for cls in reversed(desk.__mro__):
        found |= {name: one for name, one in vars(cls).items() if isinstance(one, command)}
    return found


# Crashes -----------------------------------------------------------------------------------


class Rivals:
    """An order repository where somebody else saves first, so many times."""

    durable_on_save = True

    def __init__(self, world: World, times: int) -> None:
        self._orders = world.orders
        self._desk = world.new_desk()
        self.left = times

    def save(self, order: Any, events: Any, *, expected_version: int) -> None:  # noqa: ANN401
        """Let a rival hold the order first."""
        if self.left and expected_version:
            self.left -= 1
            self._desk.hold(order.id, f"rival-{order.version}", blocks={"refund"})
        self._orders.save(order, events, expected_version=expected_version)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """Do the rest like the repository in memory."""
        return getattr(self._orders, name)


class Crashed(BaseException):
    """The process died."""


def run_until(world: World, flow: Flow[object], stop: int, *, performed: bool) -> object:
    """Run `flow`, dying at its request number `stop`, before or after it is performed."""
    ports = world.desk.ports
    number = 0
    try:
        request = flow.send(None)
        while True:
            if number == stop and not performed:
                flow.close()
                raise Crashed
            error: Exception | None = None
            reply: object = None
            try:
                reply = request.perform(ports)
            except OrderwrightError as raised:
                error = raised
            if number == stop:
                flow.close()
                raise Crashed
            number += 1
            request = flow.send(reply) if error is None else flow.throw(error)
    except StopIteration as stopped:
        return stopped.value


# Interleavings -----------------------------------------------------------------------------


class Running:
    """A flow that is taken one request further at a time."""

    def __init__(self, world: World, flow: Flow[object]) -> None:
        self.world = world
        self.flow = flow
        self.replies: list[int] = []
        self.result: object = None
        self.error: OrderwrightError | None = None
        self.done = False
        self._go(flow.send, None)

    def _go(self, call: Callable[[object], object], value: object) -> None:
        try:
            self.request = call(value)
        except StopIteration as stopped:
            self.result, self.done = stopped.value, True
        except OrderwrightError as error:
            self.error, self.done = error, True

    def step(self) -> None:
        """Perform the next request, and let the flow see the reply."""
        try:
            reply = self.request.perform(self.world.desk.ports)
        except OrderwrightError as error:
            self.replies.append(hash(repr(error)))
            self._go(self.flow.throw, error)
        else:
            self.replies.append(self._told(reply))
            self._go(self.flow.send, reply)

    def _told(self, reply: object) -> int:
        if isinstance(reply, Order):
            return hash((reply.id, repr(self.world.orders.events(reply.id))))
        return hash(repr(reply))


Scene = Callable[[], tuple[World, tuple[Flow[object], ...]]]


def interleavings(scene: Scene) -> Iterator[tuple[World, list[Running]]]:
    """Every different way in which the flows of `scene` can take turns, request by request.

    What led to the same stored world and the same replies is only followed once.
    """
    seen = set()
    pending: list[tuple[int, ...]] = [()]
    while pending:
        turns = pending.pop()
        world, flows = scene()
        running = [Running(world, flow) for flow in flows]
        for turn in turns:
            running[turn].step()
        state = (
            *(hash(repr(world.orders.events(order.id))) for order in world.all_orders()),
            tuple(posting.id for posting in world.inventory.postings()),
            repr(world.payments.books),
            repr(world.carrier.books),
            *(tuple(one.replies) for one in running),
        )
        if state in seen:
            continue
        seen.add(state)
        open_ones = [index for index, one in enumerate(running) if not one.done]
        if not open_ones:
            yield world, running
        pending += [(*turns, index) for index in open_ones]
        for one in running:
            one.flow.close()


def figures(world: World) -> object:
    """What became of the world, less the detours: axes, figures, stock and books."""
    return (
        [
            (
                order.id,
                order.state.name,
                order.money,
                order.goods,
                order.figures,
                order.quantities(),
                order.exceptions,
                [
                    (one.location, one.items, one.state.name, one.stock)
                    for one in order.fulfillments
                ],
                [(one.id, one.purpose) for one in order.intents],
                [one[1:5] + one[7:] for one in order.labels],
            )
            for order in world.all_orders()
        ],
        [(sku, world.inventory.supply([sku], now=world.now)) for sku in ("MUG", "CUP", "TEA")],
        sorted((e.operation_id, e.kind, e.amount.minor) for e in world.payments.books),
        [(e.shipment, e.tracking, bool(e.cancelled_by)) for e in world.carrier.books.values()],
    )
