"""What a flow may ask of the world: values, each of which knows the port verb it means.

A flow is a generator that yields requests and is sent their replies. ``reply = yield from
ask(request)`` is typed: a ``Request[T]`` answers with a ``T``. Nothing else ever yields.

Requests are made by the thousand and live for one reply, so they are plain slotted classes:
a frozen one costs three times as much to make and twenty of them show in the import time.
"""

from __future__ import annotations

from collections.abc import Generator
from inspect import GEN_CREATED, getgeneratorstate
from types import GeneratorType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeAlias, TypeVar, cast, final

from orderwright.errors import AdapterFault, InvalidInput, OrderwrightError
from orderwright.fulfillment.shipping import LabelRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime, timedelta

    from orderwright.fulfillment.fulfillment import Scan
    from orderwright.fulfillment.shipping import LabelOutcome, Rate, Shipment
    from orderwright.inventory.entries import Reservation
    from orderwright.inventory.ledger import Claim, Incoming, Stock
    from orderwright.inventory.postings import Posting
    from orderwright.orders.contacts import Contact
    from orderwright.orders.events import Event
    from orderwright.orders.lines import Reference
    from orderwright.orders.order import Order
    from orderwright.payments.operations import PaymentOutcome, PaymentRequest
    from orderwright.ports import (
        AsyncCarrierPort,
        AsyncInventoryRepository,
        AsyncJointOrderRepository,
        AsyncOrderRepository,
        AsyncPaymentPort,
        CarrierPort,
        DueOrder,
        Finding,
        InventoryRepository,
        JointOrderRepository,
        LabelFinding,
        OpenFulfillment,
        OrderRepository,
        PaymentPort,
    )

__all__ = [
    "CallCarrier",
    "CallProvider",
    "FindDue",
    "FindOpen",
    "FindReference",
    "Flow",
    "LoadContact",
    "LoadEvents",
    "LoadOrder",
    "LoadWithKey",
    "LookUp",
    "Ports",
    "PostStock",
    "QuoteRates",
    "ReadClaims",
    "ReadIncoming",
    "ReadReservations",
    "ReadSupply",
    "Request",
    "SaveOrder",
    "TrackParcel",
    "ask",
    "relayed",
]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@final
class Ports:
    """The adapters a driver performs requests with; async ones need the async driver.

    ``pause`` is how to wait before what failed in passing is tried again; left out, nothing is.
    """

    __slots__ = ("inventory", "optional_carrier", "orders", "pause", "payments")

    def __init__(
        self,
        *,
        orders: OrderRepository | AsyncOrderRepository,
        inventory: InventoryRepository | AsyncInventoryRepository,
        payments: PaymentPort | AsyncPaymentPort,
        carrier: CarrierPort | AsyncCarrierPort | None = None,
        pause: Callable[[timedelta], Awaitable[None] | None] | None = None,
    ) -> None:
        self.orders: OrderRepository | AsyncOrderRepository = orders
        self.inventory: InventoryRepository | AsyncInventoryRepository = inventory
        self.payments: PaymentPort | AsyncPaymentPort = payments
        self.optional_carrier: CarrierPort | AsyncCarrierPort | None = carrier
        self.pause: Callable[[timedelta], Awaitable[None] | None] | None = pause

    @property
    def joint(self) -> bool:
        """Whether an order and a posting can be written in one transaction."""
        return getattr(self.orders, "posts_to", None) is self.inventory

    @property
    def carrier(self) -> CarrierPort | AsyncCarrierPort:
        """The carrier port; raises AdapterFault where there is none."""
        if self.optional_carrier is None:
            raise AdapterFault("carrier", "there is none: build the desk with a carrier")
        return self.optional_carrier


class Request(Generic[T_co]):
    """Something a flow asks, which is answered with a ``T_co``. Equal if it asks the same.

    ``private``: it hands over personal data, so nothing of what goes wrong may be quoted.
    ``outside``: it asks somebody who knows nothing of orders, and cannot say whose mistake it is.
    """

    __slots__ = ()
    private: ClassVar[bool] = False
    outside: ClassVar[bool] = False

    def perform(self, ports: Ports) -> T_co | Awaitable[T_co]:
        """Ask the port this is meant for, and return its answer (or the promise of it)."""
        raise NotImplementedError

    def _facts(self) -> tuple[object, ...]:
        slots: tuple[str, ...] = tuple(self.__slots__)
        return tuple(getattr(self, name) for name in slots)

    def __eq__(self, other: object) -> bool:
        """Two requests are equal when they ask the same."""
        if type(other) is not type(self):
            return NotImplemented
        return self._facts() == other._facts()

    def __hash__(self) -> int:
        """Return a hash that equal requests share."""
        return hash((type(self).__name__, self._facts()))

    def __repr__(self) -> str:
        """Return the request as it could be written."""
        slots: tuple[str, ...] = tuple(self.__slots__)
        told = (f"{name}={getattr(self, name)!r}" for name in slots)
        return f"{type(self).__name__}({', '.join(told)})"


Flow: TypeAlias = Generator[Request[object], object, T]
"""A use case: yields requests, is sent replies, returns a ``T``."""


def ask(request: Request[T]) -> Generator[Request[object], Any, T]:
    """Yield ``request`` and return its reply; the only place that yields."""
    reply: T = yield request
    return reply


def require_new(flow: Flow[T]) -> None:
    """Raise InvalidInput for a flow that has begun, or is over: it would end with no result."""
    if isinstance(flow, GeneratorType) and getgeneratorstate(flow) != GEN_CREATED:
        raise InvalidInput.at("flow", "was run before: make a new one to run it again")


def relayed(flow: Flow[T], answer: Callable[[Request[object]], Flow[object]]) -> Flow[T]:
    """Return a flow that ends as ``flow`` does, with ``answer`` answering what that asks for.

    An ``answer`` may ask for the very request itself, for others, or for nothing at all; an error
    of ours that it raises is raised in ``flow``.
    """
    require_new(flow)
    reply: object = None
    error: OrderwrightError | None = None
    while True:
        try:
            request = flow.send(reply) if error is None else flow.throw(error)
        except StopIteration as stop:
            result: T = stop.value
            return result
        error = None
        try:
            reply = yield from answer(request)
        except OrderwrightError as raised:
            error = raised


@final
class LoadOrder(Request["Order | None"]):
    """The order as last saved, None if there is none."""

    __slots__ = ("order_id",)

    def __init__(self, order_id: str) -> None:
        self.order_id: str = order_id

    def perform(self, ports: Ports) -> Order | Awaitable[Order | None] | None:
        """Ask the order repository."""
        return ports.orders.load(self.order_id)


@final
class SaveOrder(Request[None]):
    """Store an order with the events since ``expected_version``; raises Conflict.

    ``contacts`` are the pairs of an id and the personal data to keep, or None to forget, under it.
    ``posting`` is written along with it, where the repositories share a transaction; if it cannot
    be, nothing is stored, and OutOfStock or KeyReused raised.
    """

    __slots__ = ("contacts", "events", "expected_version", "order", "posting")

    def __init__(
        self,
        order: Order,
        events: tuple[Event, ...],
        expected_version: int,
        contacts: Mapping[str, Contact | None] | None = None,
        posting: Posting | None = None,
    ) -> None:
        self.order: Order = order
        self.events: tuple[Event, ...] = events
        self.expected_version: int = expected_version
        self.contacts: tuple[tuple[str, Contact | None], ...] = tuple((contacts or {}).items())
        self.posting: Posting | None = posting

    def perform(self, ports: Ports) -> Awaitable[None] | None:
        """Ask the order repository."""
        version, told = self.expected_version, dict(self.contacts)
        if self.posting is not None:
            joint = cast("JointOrderRepository | AsyncJointOrderRepository", ports.orders)
            return joint.save_and_post(
                self.order, self.events, self.posting, expected_version=version, contacts=told
            )
        save = ports.orders.save
        if not told:
            return save(self.order, self.events, expected_version=version)
        return save(self.order, self.events, expected_version=version, contacts=told)


@final
class LoadContact(Request["Contact | None"]):
    """The personal data kept under an id."""

    __slots__ = ("contact_id",)

    def __init__(self, contact_id: str) -> None:
        self.contact_id: str = contact_id

    def perform(self, ports: Ports) -> Contact | Awaitable[Contact | None] | None:
        """Ask the order repository."""
        return ports.orders.contact(self.contact_id)


@final
class LoadEvents(Request["tuple[Event, ...]"]):
    """All events of an order."""

    __slots__ = ("order_id",)

    def __init__(self, order_id: str) -> None:
        self.order_id: str = order_id

    def perform(self, ports: Ports) -> tuple[Event, ...] | Awaitable[tuple[Event, ...]]:
        """Ask the order repository."""
        return ports.orders.events(self.order_id)


@final
class LoadWithKey(Request["tuple[Order | None, tuple[Event, ...]]"]):
    """An order as last saved, and the events it has under a caller's key."""

    __slots__ = ("key", "order_id")

    def __init__(self, order_id: str, key: str) -> None:
        self.order_id: str = order_id
        self.key: str = key

    def perform(
        self, ports: Ports
    ) -> tuple[Order | None, tuple[Event, ...]] | Awaitable[tuple[Order | None, tuple[Event, ...]]]:
        """Ask the order repository."""
        return ports.orders.load_with_key(self.order_id, self.key)


@final
class FindReference(Request["tuple[str, ...]"]):
    """The ids of the orders known by a reference."""

    __slots__ = ("reference",)

    def __init__(self, reference: Reference) -> None:
        self.reference: Reference = reference

    def perform(self, ports: Ports) -> tuple[str, ...] | Awaitable[tuple[str, ...]]:
        """Ask the order repository."""
        return ports.orders.by_reference(self.reference)


@final
class FindDue(Request["tuple[DueOrder, ...]"]):
    """The orders with something due by ``now``, earliest first, from behind ``after`` on."""

    __slots__ = ("after", "limit", "now")

    def __init__(self, now: datetime, limit: int, after: DueOrder | None = None) -> None:
        self.now: datetime = now
        self.limit: int = limit
        self.after: DueOrder | None = after

    def perform(self, ports: Ports) -> tuple[DueOrder, ...] | Awaitable[tuple[DueOrder, ...]]:
        """Ask the order repository."""
        return ports.orders.due(self.now, after=self.after, limit=self.limit)


@final
class ReadSupply(Request["tuple[Stock, ...]"]):
    """What there is of some SKUs, everywhere."""

    __slots__ = ("now", "skus")

    def __init__(self, skus: tuple[str, ...], now: datetime) -> None:
        self.skus: tuple[str, ...] = skus
        self.now: datetime = now

    def perform(self, ports: Ports) -> tuple[Stock, ...] | Awaitable[tuple[Stock, ...]]:
        """Ask the inventory repository."""
        return ports.inventory.supply(self.skus, now=self.now)


@final
class FindOpen(Request["tuple[OpenFulfillment, ...]"]):
    """A page of what a location still has to work on, from behind ``after`` on."""

    __slots__ = ("after", "location", "states")

    def __init__(
        self, location: str, states: frozenset[str], after: OpenFulfillment | None = None
    ) -> None:
        self.location: str = location
        self.states: frozenset[str] = states
        self.after: OpenFulfillment | None = after

    def perform(
        self, ports: Ports
    ) -> tuple[OpenFulfillment, ...] | Awaitable[tuple[OpenFulfillment, ...]]:
        """Ask the order repository."""
        return ports.orders.open_fulfillments(self.location, self.states, after=self.after)


@final
class ReadReservations(Request["tuple[Reservation, ...]"]):
    """What the ledger holds, for one order or of one SKU, in the order in which it was reserved."""

    __slots__ = ("now", "order_id", "sku")

    def __init__(self, now: datetime, *, order_id: str = "", sku: str = "") -> None:
        self.now: datetime = now
        self.order_id: str = order_id
        self.sku: str = sku

    def perform(self, ports: Ports) -> tuple[Reservation, ...] | Awaitable[tuple[Reservation, ...]]:
        """Ask the inventory repository."""
        skus = (self.sku,) if self.sku else ()
        return ports.inventory.reservations(self.now, order_id=self.order_id, skus=skus)


@final
class ReadClaims(Request["tuple[Claim, ...]"]):
    """Who waits for units of a SKU, first come first."""

    __slots__ = ("sku",)

    def __init__(self, sku: str) -> None:
        self.sku: str = sku

    def perform(self, ports: Ports) -> tuple[Claim, ...] | Awaitable[tuple[Claim, ...]]:
        """Ask the inventory repository."""
        return ports.inventory.claims(self.sku)


@final
class ReadIncoming(Request["tuple[Incoming, ...]"]):
    """What is on order of a SKU, first to come first."""

    __slots__ = ("sku",)

    def __init__(self, sku: str) -> None:
        self.sku: str = sku

    def perform(self, ports: Ports) -> tuple[Incoming, ...] | Awaitable[tuple[Incoming, ...]]:
        """Ask the inventory repository."""
        return ports.inventory.incoming(self.sku)


@final
class PostStock(Request[None]):
    """Write a posting; raises OutOfStock."""

    __slots__ = ("posting",)

    def __init__(self, posting: Posting) -> None:
        self.posting: Posting = posting

    def perform(self, ports: Ports) -> Awaitable[None] | None:
        """Ask the inventory repository."""
        return ports.inventory.post(self.posting)


@final
class CallProvider(Request["PaymentOutcome"]):
    """Move money."""

    __slots__ = ("request",)
    outside: ClassVar[bool] = True

    def __init__(self, request: PaymentRequest) -> None:
        self.request: PaymentRequest = request

    def perform(self, ports: Ports) -> PaymentOutcome | Awaitable[PaymentOutcome]:
        """Ask the payment port, by the verb the request names."""
        payments = ports.payments
        kind = self.request.kind
        if kind == "authorize":
            return payments.authorize(self.request)
        if kind == "capture":
            return payments.capture(self.request)
        if kind == "charge":
            return payments.charge(self.request)
        if kind == "void":
            return payments.void(self.request)
        return payments.refund(self.request)


@final
class LookUp(Request["Finding | LabelFinding"]):
    """What became of a payment operation, or of a label that was to be bought or given back."""

    __slots__ = ("request",)
    outside: ClassVar[bool] = True

    def __init__(self, request: PaymentRequest | LabelRequest) -> None:
        self.request: PaymentRequest | LabelRequest = request

    def perform(
        self, ports: Ports
    ) -> Finding | LabelFinding | Awaitable[Finding] | Awaitable[LabelFinding]:
        """Ask the port that the request is for."""
        if isinstance(self.request, LabelRequest):
            return ports.carrier.look_up(self.request)
        return ports.payments.look_up(self.request)


@final
class CallCarrier(Request["LabelOutcome"]):
    """Buy a label for ``recipient``, or give one back (which needs none)."""

    __slots__ = ("recipient", "request")
    private: ClassVar[bool] = True
    outside: ClassVar[bool] = True

    def __init__(self, request: LabelRequest, recipient: Contact | None) -> None:
        self.request: LabelRequest = request
        self.recipient: Contact | None = recipient

    def perform(self, ports: Ports) -> LabelOutcome | Awaitable[LabelOutcome]:
        """Ask the carrier port, by the verb the request names."""
        if self.request.kind == "cancel":
            return ports.carrier.cancel(self.request)
        assert self.recipient is not None
        return ports.carrier.book(self.request, self.recipient)


@final
class QuoteRates(Request["tuple[Rate, ...]"]):
    """What it would cost to send a shipment to ``recipient``, handed over at ``at``."""

    __slots__ = ("at", "recipient", "shipment")
    private: ClassVar[bool] = True
    outside: ClassVar[bool] = True

    def __init__(self, shipment: Shipment, recipient: Contact, at: datetime) -> None:
        self.shipment: Shipment = shipment
        self.recipient: Contact = recipient
        self.at: datetime = at

    def perform(self, ports: Ports) -> tuple[Rate, ...] | Awaitable[tuple[Rate, ...]]:
        """Ask the carrier port."""
        return ports.carrier.rates(self.shipment, self.recipient, at=self.at)


@final
class TrackParcel(Request["tuple[Scan, ...]"]):
    """All that a carrier knows of the parcels under a number."""

    __slots__ = ("carrier", "tracking")
    outside: ClassVar[bool] = True

    def __init__(self, carrier: str, tracking: str) -> None:
        self.carrier: str = carrier
        self.tracking: str = tracking

    def perform(self, ports: Ports) -> tuple[Scan, ...] | Awaitable[tuple[Scan, ...]]:
        """Ask the carrier port."""
        return ports.carrier.track(self.carrier, self.tracking)
