"""The adapters in memory, as the kit is given them."""

from asyncio import sleep
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar

from orderwright import (
    Contact,
    Order,
    PaymentOutcome,
    PaymentRequest,
    Posting,
    Reference,
    Reservation,
)
from orderwright.adapters.memory import Behaviour, MemoryInventory, MemoryOrders, MemoryPayments
from orderwright.inventory.guard import Policies
from orderwright.inventory.ledger import Claim, Incoming, Stock
from orderwright.orders.events import Event
from orderwright.ports import (
    DueOrder,
    FeedEntry,
    Finding,
    InventoryRepository,
    OpenFulfillment,
    OrderQuery,
    OrderRepository,
    PaymentCapabilities,
    PaymentPort,
)
from orderwright.testing import Books, PaymentBench

P = TypeVar("P")


@contextmanager
def memory_orders() -> Iterator[Callable[[], OrderRepository]]:
    """A store of orders; every adapter on it is the same."""
    orders = MemoryOrders()
    yield lambda: orders


@contextmanager
def memory_inventory() -> Iterator[Callable[[Policies], InventoryRepository]]:
    """A store of stock; every adapter on it is the same."""
    stores: list[MemoryInventory] = []

    def opener(policies: Policies) -> MemoryInventory:
        if not stores:
            stores.append(MemoryInventory(policies))
        return stores[0]

    yield opener


class Provider:
    """A provider in memory, and what it can be made to do."""

    def __init__(self) -> None:
        self.mood: Behaviour = "approve"
        self.asked: list[PaymentRequest] = []
        self.port = MemoryPayments(self.behave)

    def behave(self, request: PaymentRequest) -> Behaviour:
        """Do as the instrument says, or else as the provider is in the mood for."""
        self.asked.append(request)
        if request.instrument == "declined":
            return "decline"
        return "requires_action" if request.instrument == "challenged" else self.mood

    @contextmanager
    def being(self, mood: Behaviour) -> Iterator[None]:
        """Be in a mood for some time; what is pending is decided afterwards."""
        self.mood, begin = mood, len(self.asked)
        try:
            yield
        finally:
            self.mood = "approve"
        if mood == "pending":
            for request in self.asked[begin:]:
                self.port.finish(request.id, "succeeded")

    def books(self) -> Books:
        """What the provider did, from its own books."""
        sums: dict[str, Counter[str]] = {}
        for entry in self.port.books:
            sums.setdefault(entry.reference, Counter())[entry.kind] += entry.amount.minor
        several = self.port.capabilities.several_captures
        return Books(
            sum(
                one["authorize"] - one["capture"] - one["void"]
                for one in sums.values()
                if several or not one["capture"]
            ),
            sum(one["capture"] + one["charge"] for one in sums.values()),
            sum(one["refund"] for one in sums.values()),
        )

    def bench(self, opener: Callable[[], P]) -> PaymentBench[P]:
        """A bench with everything on it; adapters come from the `opener`."""
        return PaymentBench(
            open=opener,
            currency="EUR",
            method="card",
            instrument="good",
            declined="declined",
            challenged="challenged",
            payout="gift card",
            lost_answers=lambda: self.being("answer_lost"),
            lost_requests=lambda: self.being("request_lost"),
            postponed=lambda: self.being("pending"),
            books=self.books,
            largest=10**18,
        )


@contextmanager
def memory_payments() -> Iterator[PaymentBench[PaymentPort]]:
    """A provider in memory that can do everything."""
    provider = Provider()
    yield provider.bench(lambda: provider.port)


class AsyncOrders:
    """The async face of an order repository: others get their turn at every call."""

    def __init__(self, orders: OrderRepository) -> None:
        self._orders = orders

    @property
    def durable_on_save(self) -> bool:
        """As the repository says."""
        return self._orders.durable_on_save

    async def load(self, order_id: str) -> Order | None:
        """Load."""
        await sleep(0)
        return self._orders.load(order_id)

    async def save(
        self,
        order: Order,
        events: Sequence[Event],
        *,
        expected_version: int,
        contacts: Mapping[str, Contact | None] | None = None,
    ) -> None:
        """Save."""
        await sleep(0)
        told = contacts or {}
        self._orders.save(order, events, expected_version=expected_version, contacts=told)

    async def contact(self, contact_id: str) -> Contact | None:
        """Read a contact."""
        await sleep(0)
        return self._orders.contact(contact_id)

    async def events(self, order_id: str, *, after: int = 0) -> tuple[Event, ...]:
        """Read events."""
        await sleep(0)
        return self._orders.events(order_id, after=after)

    async def load_with_key(
        self, order_id: str, key: str
    ) -> tuple[Order | None, tuple[Event, ...]]:
        """Load, and find a key."""
        await sleep(0)
        return self._orders.load_with_key(order_id, key)

    async def feed(self, *, after: int = 0, limit: int = 100) -> tuple[FeedEntry, ...]:
        """Read the feed."""
        await sleep(0)
        return self._orders.feed(after=after, limit=limit)

    async def find(
        self, query: OrderQuery, *, after: str = "", limit: int = 100
    ) -> tuple[str, ...]:
        """Find orders."""
        await sleep(0)
        return self._orders.find(query, after=after, limit=limit)

    async def by_reference(self, reference: Reference) -> tuple[str, ...]:
        """Find by reference."""
        await sleep(0)
        return self._orders.by_reference(reference)

    async def open_fulfillments(
        self,
        location: str,
        states: Collection[str],
        *,
        after: OpenFulfillment | None = None,
        limit: int = 100,
    ) -> tuple[OpenFulfillment, ...]:
        """Find open fulfillments."""
        await sleep(0)
        return self._orders.open_fulfillments(location, states, after=after, limit=limit)

    async def due(
        self, now: datetime, *, after: DueOrder | None = None, limit: int = 100
    ) -> tuple[DueOrder, ...]:
        """Find what is due."""
        await sleep(0)
        return self._orders.due(now, after=after, limit=limit)


class AsyncInventory:
    """The async face of an inventory repository: others get their turn at every call."""

    def __init__(self, stock: InventoryRepository) -> None:
        self._stock = stock

    async def post(self, posting: Posting) -> None:
        """Post."""
        await sleep(0)
        self._stock.post(posting)

    async def supply(self, skus: Iterable[str], *, now: datetime) -> tuple[Stock, ...]:
        """Read supply."""
        await sleep(0)
        return self._stock.supply(skus, now=now)

    async def reservations(
        self, now: datetime, *, order_id: str = "", skus: Iterable[str] = ()
    ) -> tuple[Reservation, ...]:
        """Read reservations."""
        await sleep(0)
        return self._stock.reservations(now, order_id=order_id, skus=skus)

    async def claims(self, sku: str) -> tuple[Claim, ...]:
        """Read claims."""
        await sleep(0)
        return self._stock.claims(sku)

    async def incoming(self, sku: str) -> tuple[Incoming, ...]:
        """Read what is incoming."""
        await sleep(0)
        return self._stock.incoming(sku)

    async def postings(self, *, after: str = "", limit: int = 1000) -> tuple[Posting, ...]:
        """Read postings."""
        await sleep(0)
        return self._stock.postings(after=after, limit=limit)


class AsyncPayments:
    """The async face of a payment port: others get their turn at every call."""

    def __init__(self, port: PaymentPort) -> None:
        self._port = port

    @property
    def capabilities(self) -> PaymentCapabilities:
        """As the port says."""
        return self._port.capabilities

    async def authorize(self, request: PaymentRequest) -> PaymentOutcome:
        """Authorize."""
        await sleep(0)
        return self._port.authorize(request)

    async def capture(self, request: PaymentRequest) -> PaymentOutcome:
        """Capture."""
        await sleep(0)
        return self._port.capture(request)

    async def charge(self, request: PaymentRequest) -> PaymentOutcome:
        """Charge."""
        await sleep(0)
        return self._port.charge(request)

    async def void(self, request: PaymentRequest) -> PaymentOutcome:
        """Void."""
        await sleep(0)
        return self._port.void(request)

    async def refund(self, request: PaymentRequest) -> PaymentOutcome:
        """Refund."""
        await sleep(0)
        return self._port.refund(request)

    async def look_up(self, request: PaymentRequest) -> Finding:
        """Look up."""
        await sleep(0)
        return self._port.look_up(request)
