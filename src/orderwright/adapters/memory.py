"""Adapters that keep everything in memory: the embedded default, and the reference for others.

They are thread-safe, lose everything when the process ends, and hold each promise of their ports.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from datetime import UTC, timedelta
from itertools import count, islice, repeat
from threading import Lock, RLock
from typing import TYPE_CHECKING, Literal, final

from attrs import evolve, frozen

from orderwright.errors import AdapterFault, Conflict, KeyReused
from orderwright.inventory.guard import guarded
from orderwright.inventory.ledger import InventoryLedger
from orderwright.money import Money
from orderwright.payments.operations import (
    OperationKind,
    Outcome,
    PaymentOutcome,
    PaymentRequest,
)
from orderwright.ports import DueOrder, FeedEntry, OpenFulfillment, PaymentCapabilities
from orderwright.values import in_utc, zoned

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from orderwright.fulfillment.fulfillment import Fulfillment
    from orderwright.inventory.entries import Reservation
    from orderwright.inventory.guard import Policies
    from orderwright.inventory.ledger import Claim, Incoming, Stock
    from orderwright.inventory.postings import Posting
    from orderwright.orders.contacts import Contact
    from orderwright.orders.events import Event
    from orderwright.orders.lines import Reference
    from orderwright.orders.order import Order
    from orderwright.ports import Finding, OrderQuery

__all__ = ["Behaviour", "BookEntry", "MemoryInventory", "MemoryOrders", "MemoryPayments"]


_NOBODY: Mapping[str, Contact | None] = {}


@final
class _Kept:
    """An order with its history, and what of it stands in the indexes."""

    __slots__ = ("due", "history", "keys", "order")

    def __init__(self, order: Order) -> None:
        self.order = order
        self.history: list[Event] = []
        self.keys: dict[str, tuple[Event, ...]] = {}
        self.due: DueOrder | None = None


@final
class MemoryOrders:
    """An order repository in memory; with an ``inventory`` it writes postings there with orders."""

    durable_on_save = True

    def __init__(self, inventory: MemoryInventory | None = None) -> None:
        self._lock = Lock()
        self._inventory = inventory
        self._kept: dict[str, _Kept] = {}
        # The feed: whose event stands at each position, and which one of that order.
        self._feed: list[str] = []
        self._numbers: list[int] = []
        self._due: list[DueOrder] = []
        self._references: dict[Reference, list[str]] = {}
        self._contacts: dict[str, Contact] = {}

    def load(self, order_id: str) -> Order | None:
        """See :meth:`.OrderRepository.load`."""
        with self._lock:
            kept = self._kept.get(order_id)
            return None if kept is None else kept.order

    def save(
        self,
        order: Order,
        events: Sequence[Event],
        *,
        expected_version: int,
        contacts: Mapping[str, Contact | None] = _NOBODY,
    ) -> None:
        """See :meth:`.OrderRepository.save`."""
        self._save(order, events, expected_version, contacts, lambda: None)

    @property
    def posts_to(self) -> object:
        """See :attr:`.JointOrderRepository.posts_to`."""
        return self._inventory

    def save_and_post(
        self,
        order: Order,
        events: Sequence[Event],
        posting: Posting,
        *,
        expected_version: int,
        contacts: Mapping[str, Contact | None] = _NOBODY,
    ) -> None:
        """See :meth:`.JointOrderRepository.save_and_post`."""
        inventory = self._inventory
        if inventory is None:
            raise AdapterFault("orders in memory", "made without an inventory to post to")
        self._save(order, events, expected_version, contacts, lambda: inventory.post(posting))

    def _save(
        self,
        order: Order,
        events: Sequence[Event],
        expected_version: int,
        contacts: Mapping[str, Contact | None],
        post: Callable[[], None],
    ) -> None:
        # Whatever can go wrong does so before the first write.
        order_id, written, told = order.id, tuple(events), dict(contacts)
        due_at = order.due_at
        with self._lock:
            kept = self._kept.get(order_id)
            version = 0 if kept is None else kept.order.version
            if version != expected_version:
                raise Conflict(order_id, expected_version, version)
            due = _due(order_id, due_at, None if kept is None else kept.due)
            keys = _keyed(written, kept)
            references = _changed_references(order, None if kept is None else kept.order)
            post()
            if kept is None:
                kept = self._kept[order_id] = _Kept(order)
            kept.order = order
            kept.history += written
            kept.keys.update(keys)
            self._feed += repeat(order_id, len(written))
            self._numbers += range(version + 1, version + 1 + len(written))
            if due is not kept.due:
                if kept.due is not None:
                    del self._due[bisect_left(self._due, kept.due)]
                if due is not None:
                    insort(self._due, due)
                kept.due = due
            self._refer(references, order_id)
            for contact_id, contact in told.items():
                if contact is None:
                    self._contacts.pop(contact_id, None)
                else:
                    self._contacts[contact_id] = contact

    def _refer(self, references: Iterable[Reference], order_id: str) -> None:
        """Note by which names the order is known."""
        for reference in references:
            ids = self._references.setdefault(reference, [])
            index = bisect_left(ids, order_id)
            if index == len(ids) or ids[index] != order_id:
                ids.insert(index, order_id)

    def contact(self, contact_id: str) -> Contact | None:
        """See :meth:`.OrderRepository.contact`."""
        with self._lock:
            return self._contacts.get(contact_id)

    def events(self, order_id: str, *, after: int = 0) -> tuple[Event, ...]:
        """See :meth:`.OrderRepository.events`."""
        with self._lock:
            kept = self._kept.get(order_id)
            return () if kept is None else tuple(kept.history[max(after, 0) :])

    def load_with_key(self, order_id: str, key: str) -> tuple[Order | None, tuple[Event, ...]]:
        """See :meth:`.OrderRepository.load_with_key`."""
        with self._lock:
            kept = self._kept.get(order_id)
            return (None, ()) if kept is None else (kept.order, kept.keys.get(key, ()))

    def feed(self, *, after: int = 0, limit: int = 100) -> tuple[FeedEntry, ...]:
        """See :meth:`.OrderRepository.feed`."""
        after = max(after, 0)
        page = slice(after, after + limit)
        with self._lock:
            return tuple(
                FeedEntry(position, order_id, number, self._kept[order_id].history[number - 1])
                for position, order_id, number in zip(
                    count(after + 1), self._feed[page], self._numbers[page], strict=False
                )
            )

    def find(self, query: OrderQuery, *, after: str = "", limit: int = 100) -> tuple[str, ...]:
        """See :meth:`.OrderRepository.find`."""
        found: list[str] = []
        query = query._replace(
            placed_from=query.placed_from and _utc(query.placed_from, "placed_from"),
            placed_until=query.placed_until and _utc(query.placed_until, "placed_until"),
        )
        with self._lock:
            ids = sorted(self._kept)
            for order_id in ids[bisect_right(ids, after) :]:
                if len(found) == limit:
                    break
                if _matches(self._kept[order_id].order, query):
                    found.append(order_id)
        return tuple(found)

    def by_reference(self, reference: Reference) -> tuple[str, ...]:
        """See :meth:`.OrderRepository.by_reference`."""
        with self._lock:
            return tuple(self._references.get(reference, ()))

    def open_fulfillments(
        self,
        location: str,
        states: Collection[str],
        *,
        after: OpenFulfillment | None = None,
        limit: int = 100,
    ) -> tuple[OpenFulfillment, ...]:
        """See :meth:`.OrderRepository.open_fulfillments`."""
        with self._lock:
            ids = sorted(self._kept)
            if after is not None:
                ids = ids[bisect_left(ids, after.order_id) :]
            orders = [self._kept[order_id].order for order_id in ids]
        found = (
            OpenFulfillment(order.id, one.id, location, one.state.name)
            for order in orders
            for one in order.fulfillments
            if one.location == location
            and one.state.name in states
            and (after is None or order.id != after.order_id or _is_after(one, after))
        )
        return tuple(islice(found, limit))

    def due(
        self, now: datetime, *, after: DueOrder | None = None, limit: int = 100
    ) -> tuple[DueOrder, ...]:
        """See :meth:`.OrderRepository.due`."""
        now = _utc(now, "now")
        with self._lock:
            start = 0
            if after is not None:
                cursor = DueOrder(_utc(after.due_at, "after.due_at"), after.order_id)
                start = bisect_right(self._due, cursor)
            stop = bisect_right(self._due, now, lo=start, key=_due_at)
            return tuple(self._due[start : min(stop, start + limit)])


def _utc(asked: datetime, path: str) -> datetime:
    """Return in UTC a time up to which something is asked for: that may be the end of all times."""
    return zoned(asked, path).astimezone(UTC)


def _due(order_id: str, due_at: datetime | None, known: DueOrder | None) -> DueOrder | None:
    """Return when something is due: ``known`` itself if that is the same.

    In UTC, as times of one zone compare by what its clocks show.
    """
    if due_at is None:
        return None
    if known is not None and known.due_at == due_at:
        return known
    return DueOrder(in_utc(due_at, "due_at"), order_id)


def _due_at(one: DueOrder) -> datetime:
    return one.due_at


def _keyed(events: tuple[Event, ...], kept: _Kept | None) -> dict[str, tuple[Event, ...]]:
    """Return what is to be found by each key of ``events`` from now on."""
    keys: dict[str, tuple[Event, ...]] = {}
    for event in events:
        key = event.key
        if key:
            known = () if kept is None else kept.keys.get(key, ())
            keys[key] = (*keys.get(key, known), event)
    return keys


def _changed_references(order: Order, before: Order | None) -> Collection[Reference]:
    """Return every reference of ``order``, or none if they are as ``before``."""
    if (
        before is not None
        and order.payments is before.payments
        and order.fulfillments is before.fulfillments
        and order.references is before.references
        and order.labels is before.labels
    ):
        return ()
    return set(order.all_references)


def _is_after(one: Fulfillment, after: OpenFulfillment) -> bool:
    """Tell positions on an order by ids (f2, f12), as what was at ``after`` may be gone."""
    return (len(one.id), one.id) > (len(after.fulfillment_id), after.fulfillment_id)


def _matches(order: Order, query: OrderQuery) -> bool:
    """Whether the order is one of those asked for, in times of UTC: see :func:`_due`."""
    return (
        (not query.states or order.state.name in query.states)
        and (not query.customer_id or order.customer_id == query.customer_id)
        and (not query.channel or order.channel == query.channel)
        and (query.placed_from is None or order.placed_at >= query.placed_from)
        and (query.placed_until is None or order.placed_at < query.placed_until)
    )


@final
class MemoryInventory:
    """An :class:`~orderwright.inventory.ledger.InventoryLedger` with a lock around it.

    ``policies`` say what may be promised of each SKU at each location; left out, all is guarded.
    """

    def __init__(self, policies: Policies = guarded) -> None:
        self._lock = Lock()
        self.ledger: InventoryLedger = InventoryLedger(policies)

    def post(self, posting: Posting) -> None:
        """See :meth:`.InventoryRepository.post`."""
        with self._lock:
            self.ledger.post(posting)

    def supply(self, skus: Iterable[str], *, now: datetime) -> tuple[Stock, ...]:
        """See :meth:`.InventoryRepository.supply`."""
        with self._lock:
            return self.ledger.supply(skus, now=now)

    def reservations(
        self, now: datetime, *, order_id: str = "", skus: Iterable[str] = ()
    ) -> tuple[Reservation, ...]:
        """See :meth:`.InventoryRepository.reservations`."""
        with self._lock:
            return self.ledger.reservations(now, order_id=order_id, skus=skus)

    def claims(self, sku: str) -> tuple[Claim, ...]:
        """See :meth:`.InventoryRepository.claims`."""
        with self._lock:
            return self.ledger.claims(sku)

    def incoming(self, sku: str) -> tuple[Incoming, ...]:
        """See :meth:`.InventoryRepository.incoming`."""
        with self._lock:
            return self.ledger.incoming(sku)

    def postings(self, *, after: str = "", limit: int = 1000) -> tuple[Posting, ...]:
        """See :meth:`.InventoryRepository.postings`."""
        with self._lock:
            return tuple(self.ledger.postings(after=after, limit=limit))


@final
@frozen
class BookEntry:
    """One movement in the provider's own books, under the id it was asked with."""

    operation_id: str
    kind: OperationKind
    reference: str
    amount: Money


Behaviour = Literal[
    "approve", "decline", "pending", "requires_action", "answer_lost", "request_lost"
]
"""What the provider does with a request; the last two are time-outs, done and not done."""
_ALL = PaymentCapabilities(
    several_captures=True, partial_void=True, key_retention=timedelta(days=1)
)
_ANSWERS: Mapping[Behaviour, Outcome] = {
    "decline": "declined",
    "pending": "pending",
    "requires_action": "requires_action",
}


@final
class MemoryPayments:
    """A payment provider in memory that keeps its own books.

    ``behave`` says what to do with each new request; left out, everything is approved. A lost
    answer is the outcome ``unknown``, with or without the effect having happened: ``look_up``
    tells. ``expires`` says when what it authorizes lapses; left out, that is never. What the books
    say about a payment is worked out from the books alone. Of its ``capabilities`` it keeps to
    those that are false: then the first capture gives the rest back, a void is of all there is.
    """

    def __init__(
        self,
        behave: Callable[[PaymentRequest], Behaviour] | None = None,
        *,
        expires: Callable[[PaymentRequest], datetime | None] | None = None,
        capabilities: PaymentCapabilities = _ALL,
    ) -> None:
        self.capabilities: PaymentCapabilities = capabilities
        self._lock = RLock()  # for a `behave` that looks at what was asked so far
        self._behave = behave
        self._expires = expires
        self._known: dict[str, tuple[PaymentRequest, PaymentOutcome]] = {}
        self._sums: dict[tuple[str, str], Counter[str]] = {}
        self.books: list[BookEntry] = []

    @property
    def operations(self) -> Mapping[str, tuple[PaymentRequest, PaymentOutcome]]:
        """What it was asked for so far, by id, and what is true of it."""
        with self._lock:
            return dict(self._known)

    def authorize(self, request: PaymentRequest) -> PaymentOutcome:
        """See :meth:`.PaymentPort.authorize`."""
        return self._once(request)

    def capture(self, request: PaymentRequest) -> PaymentOutcome:
        """See :meth:`.PaymentPort.capture`."""
        return self._once(request)

    def charge(self, request: PaymentRequest) -> PaymentOutcome:
        """See :meth:`.PaymentPort.charge`."""
        return self._once(request)

    def void(self, request: PaymentRequest) -> PaymentOutcome:
        """See :meth:`.PaymentPort.void`."""
        return self._once(request)

    def refund(self, request: PaymentRequest) -> PaymentOutcome:
        """See :meth:`.PaymentPort.refund`."""
        return self._once(request)

    def look_up(self, request: PaymentRequest) -> Finding:
        """See :meth:`.PaymentPort.look_up`."""
        with self._lock:
            known = self._known.get(request.id)
            return "not_found" if known is None else known[1]

    def finish(
        self, operation_id: str, outcome: Literal["succeeded", "declined"]
    ) -> PaymentOutcome:
        """Decide what is pending or waits for the customer; return what is true of it now.

        One that is to succeed fails if what it wanted has been taken by another meanwhile.
        """
        with self._lock:
            request, known = self._known[operation_id]
            if known.outcome in ("pending", "requires_action"):
                if outcome == "succeeded":
                    known = self._moved(request, known.reference)
                else:
                    known = evolve(known, outcome=outcome, next_action="")
                self._known[operation_id] = (request, known)
            return known

    def _once(self, request: PaymentRequest) -> PaymentOutcome:
        with self._lock:
            known = self._known.get(request.id)
            if known is not None:
                if known[0] != request:
                    raise KeyReused(request.id, "request", known[0], request)
                return known[1]
            behaviour = "approve" if self._behave is None else self._behave(request)
            lost = PaymentOutcome(outcome="unknown", amount=request.amount, reason="no answer")
            if behaviour == "request_lost":
                return lost
            outcome = self._decided(request, behaviour)
            self._known[request.id] = (request, outcome)
            return lost if behaviour == "answer_lost" else outcome

    def _decided(self, request: PaymentRequest, behaviour: Behaviour) -> PaymentOutcome:
        reference = request.reference or _reference(request)
        outcome = _ANSWERS.get(behaviour)
        if outcome is None:
            return self._moved(request, reference)
        return PaymentOutcome(
            outcome=outcome,
            amount=request.amount,
            reference=reference,
            next_action=f"confirm {request.id}" if outcome == "requires_action" else "",
        )

    def _moved(self, request: PaymentRequest, reference: str) -> PaymentOutcome:
        """Book it, or fail if that much is not there."""
        there = self._available(request, reference)
        whole = request.kind == "void" and not self.capabilities.partial_void
        if request.amount.minor > there or (whole and request.amount.minor < there):
            reason = f"{'all' if whole else 'only'} {Money(there, request.amount.currency)} there"
            return PaymentOutcome(
                outcome="failed", amount=request.amount, reference=reference, reason=reason
            )
        self._book(request, reference)
        lapses = None
        if self._expires is not None and request.kind == "authorize":
            lapses = self._expires(request)
        return PaymentOutcome(
            outcome="succeeded", amount=request.amount, reference=reference, expires_at=lapses
        )

    def _available(self, request: PaymentRequest, reference: str) -> int:
        sums = self._sums.get((reference, request.amount.currency), Counter())
        opening = request.kind in ("authorize", "charge")
        if opening or (request.kind == "refund" and not request.reference):
            return request.amount.minor
        if request.kind == "refund":
            return sums["capture"] + sums["charge"] - sums["refund"]
        if sums["capture"] and not self.capabilities.several_captures:
            return 0
        return sums["authorize"] - sums["capture"] - sums["void"]

    def _book(self, request: PaymentRequest, reference: str) -> None:
        self.books.append(BookEntry(request.id, request.kind, reference, request.amount))
        name = reference, request.amount.currency
        self._sums.setdefault(name, Counter())[request.kind] += request.amount.minor


def _reference(request: PaymentRequest) -> str:
    """Return the provider's id for a new payment: one more each time it is authorized anew."""
    number = request.id.rsplit("-", 1)[-1]
    again = "" if number == "1" else f"_{number}"
    return f"pay_{request.order_id}_{request.payment_id}{again}"
