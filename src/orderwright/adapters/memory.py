"""Adapters that keep everything in memory: the embedded default, and the reference for others.

They are thread-safe, lose everything when the process ends, and hold each promise of their ports.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING, Literal, final

from attrs import evolve, frozen

from orderwright.errors import Conflict, KeyReused
from orderwright.inventory.ledger import InventoryLedger
from orderwright.money import Money
from orderwright.payments.operations import OperationKind, PaymentOutcome, PaymentRequest
from orderwright.ports import FeedEntry, OpenFulfillment, PaymentCapabilities

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from datetime import datetime

    from orderwright.inventory.ledger import Stock
    from orderwright.inventory.postings import Posting, Reservation
    from orderwright.orders.events import Event
    from orderwright.orders.lines import Reference
    from orderwright.orders.order import Order
    from orderwright.ports import Finding, OrderQuery

__all__ = ["Behaviour", "BookEntry", "MemoryInventory", "MemoryOrders", "MemoryPayments"]


@final
class MemoryOrders:
    """An order repository in memory."""

    durable_on_save = True

    def __init__(self) -> None:
        self._lock = Lock()
        self._orders: dict[str, Order] = {}
        self._histories: dict[str, list[Event]] = {}
        self._feed: list[tuple[str, int]] = []
        self._due: dict[str, datetime] = {}
        self._references: dict[Reference, set[str]] = {}

    def load(self, order_id: str) -> Order | None:
        """See :meth:`.OrderRepository.load`."""
        return self._orders.get(order_id)

    def save(self, order: Order, events: Sequence[Event], *, expected_version: int) -> None:
        """See :meth:`.OrderRepository.save`."""
        with self._lock:
            known = self._orders.get(order.id)
            version = known.version if known is not None else 0
            if version != expected_version:
                raise Conflict(order.id, expected_version, version)
            history = self._histories.setdefault(order.id, [])
            for number, event in enumerate(events, version + 1):
                history.append(event)
                self._feed.append((order.id, number))
            self._orders[order.id] = order
            due_at = order.due_at
            if due_at is None:
                self._due.pop(order.id, None)
            else:
                self._due[order.id] = due_at
            for reference in order.all_references:
                self._references.setdefault(reference, set()).add(order.id)

    def events(self, order_id: str, *, after: int = 0) -> tuple[Event, ...]:
        """See :meth:`.OrderRepository.events`."""
        return tuple(self._histories.get(order_id, ())[after:])

    def find_key(self, order_id: str, key: str) -> tuple[Event, ...]:
        """See :meth:`.OrderRepository.find_key`."""
        history = self._histories.get(order_id, ())
        return tuple(event for event in history if event.key == key) if key else ()

    def feed(self, *, after: int = 0, limit: int = 100) -> tuple[FeedEntry, ...]:
        """See :meth:`.OrderRepository.feed`."""
        found = self._feed[after : after + limit]
        return tuple(
            FeedEntry(position, order_id, number, self._histories[order_id][number - 1])
            for position, (order_id, number) in enumerate(found, after + 1)
        )

    def find(self, query: OrderQuery, *, after: str = "", limit: int = 100) -> tuple[str, ...]:
        """See :meth:`.OrderRepository.find`."""
        with self._lock:
            ids = sorted(self._orders)
        found: list[str] = []
        for order_id in ids[bisect_right(ids, after) :]:
            if len(found) == limit:
                break
            if _matches(self._orders[order_id], query):
                found.append(order_id)
        return tuple(found)

    def by_reference(self, reference: Reference) -> tuple[str, ...]:
        """See :meth:`.OrderRepository.by_reference`."""
        with self._lock:
            return tuple(sorted(self._references.get(reference, ())))

    def open_fulfillments(
        self, location: str, states: Collection[str], *, limit: int = 100
    ) -> tuple[OpenFulfillment, ...]:
        """See :meth:`.OrderRepository.open_fulfillments`."""
        with self._lock:
            orders = sorted(self._orders.items())
        found = [
            OpenFulfillment(order_id, one.id, one.location, one.state.name)
            for order_id, order in orders
            for one in order.fulfillments
            if one.location == location and one.state.name in states
        ]
        return tuple(found[:limit])

    def due(self, now: datetime, *, limit: int = 100) -> tuple[str, ...]:
        """See :meth:`.OrderRepository.due`."""
        with self._lock:
            found = sorted((due_at, order_id) for order_id, due_at in self._due.items())
        return tuple(order_id for due_at, order_id in found if due_at <= now)[:limit]


def _matches(order: Order, query: OrderQuery) -> bool:
    return (
        (not query.states or order.state.name in query.states)
        and (not query.customer_id or order.customer_id == query.customer_id)
        and (not query.channel or order.channel == query.channel)
        and (query.placed_from is None or order.placed_at >= query.placed_from)
        and (query.placed_until is None or order.placed_at < query.placed_until)
    )


@final
class MemoryInventory:
    """An :class:`~orderwright.inventory.ledger.InventoryLedger` with a lock around it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.ledger: InventoryLedger = InventoryLedger()

    def post(self, posting: Posting) -> Posting:
        """See :meth:`.InventoryRepository.post`."""
        with self._lock:
            return self.ledger.post(posting)

    def supply(self, skus: Iterable[str], *, now: datetime) -> tuple[Stock, ...]:
        """See :meth:`.InventoryRepository.supply`."""
        with self._lock:
            return self.ledger.supply(skus, now=now)

    def reservations(self, *, now: datetime) -> tuple[Reservation, ...]:
        """See :meth:`.InventoryRepository.reservations`."""
        with self._lock:
            return self.ledger.reservations(now=now)

    def postings(self) -> Iterator[Posting]:
        """See :meth:`.InventoryRepository.postings`."""
        with self._lock:
            return iter(tuple(self.ledger.postings()))


@final
@frozen
class BookEntry:
    """One movement in the provider's own books, under the id it was asked with."""

    operation_id: str
    kind: OperationKind
    reference: str
    amount: Money


Behaviour = Literal["approve", "decline", "pending", "answer_lost", "request_lost"]
"""What the provider does with a request; the last two are time-outs, done and not done."""


@final
class MemoryPayments:
    """A payment provider in memory that keeps its own books.

    ``behave`` says what to do with each new request; left out, everything is approved. A lost
    answer is the outcome ``unknown``, with or without the effect having happened: ``look_up``
    tells. What the books say about a payment is worked out from the books alone.
    """

    capabilities: PaymentCapabilities = PaymentCapabilities(
        several_captures=True, partial_void=True, key_retention=timedelta(days=1)
    )

    def __init__(self, behave: Callable[[PaymentRequest], Behaviour] | None = None) -> None:
        self._lock = Lock()
        self._behave = behave
        self._known: dict[str, tuple[PaymentRequest, PaymentOutcome]] = {}
        self._sums: dict[str, Counter[str]] = {}
        self.books: list[BookEntry] = []

    def authorize(self, request: PaymentRequest) -> PaymentOutcome:
        """See :meth:`.PaymentPort.authorize`."""
        return self._once(request)

    def capture(self, request: PaymentRequest) -> PaymentOutcome:
        """See :meth:`.PaymentPort.capture`."""
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
        """Decide a pending operation, as a bank does days later; return what is true of it now."""
        with self._lock:
            request, known = self._known[operation_id]
            if known.outcome == "pending":
                known = evolve(known, outcome=outcome)
                self._known[operation_id] = (request, known)
                if outcome == "succeeded":
                    self._book(request, known.reference)
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
        reference = request.reference or f"pay_{request.order_id}_{request.payment_id}"
        if behaviour in ("decline", "pending"):
            outcome: Literal["declined", "pending"] = (
                "declined" if behaviour == "decline" else "pending"
            )
            return PaymentOutcome(outcome=outcome, amount=request.amount, reference=reference)
        there = self._available(request, reference)
        if request.amount.minor > there:
            reason = f"only {Money(there, request.amount.currency)} there"
            return PaymentOutcome(
                outcome="failed", amount=request.amount, reference=reference, reason=reason
            )
        self._book(request, reference)
        return PaymentOutcome(outcome="succeeded", amount=request.amount, reference=reference)

    def _available(self, request: PaymentRequest, reference: str) -> int:
        sums = self._sums.get(reference, Counter())
        if request.kind == "authorize":
            return request.amount.minor
        if request.kind == "refund":
            return sums["capture"] - sums["refund"]
        return sums["authorize"] - sums["capture"] - sums["void"]

    def _book(self, request: PaymentRequest, reference: str) -> None:
        self.books.append(BookEntry(request.id, request.kind, reference, request.amount))
        self._sums.setdefault(reference, Counter())[request.kind] += request.amount.minor
