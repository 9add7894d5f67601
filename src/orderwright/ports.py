"""What orderwright needs from the world. Small Protocols, at the verbs of the domain.

Every promise an adapter makes is a numbered clause in the docstring of its method. A method that
cannot keep one raises :class:`~orderwright.errors.AdapterFault` (``retryable=True`` if trying
again may help), never anything else of its own. The ``Async`` twins make the same promises, with
``async def``; an async desk takes either kind, also mixed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, final

from orderwright.fulfillment.shipping import LabelOutcome
from orderwright.payments.operations import PaymentOutcome, PaymentRequest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime, timedelta

    from orderwright.fulfillment.fulfillment import Scan
    from orderwright.fulfillment.shipping import LabelRequest, Rate, Shipment
    from orderwright.inventory.entries import Reservation
    from orderwright.inventory.ledger import Claim, Incoming, Stock
    from orderwright.inventory.postings import Posting
    from orderwright.orders.contacts import Contact
    from orderwright.orders.events import Event
    from orderwright.orders.lines import Reference
    from orderwright.orders.order import Order

__all__ = [
    "AsyncCarrierPort",
    "AsyncInventoryRepository",
    "AsyncJointOrderRepository",
    "AsyncOrderRepository",
    "AsyncPaymentPort",
    "CarrierCapabilities",
    "CarrierPort",
    "DueOrder",
    "FeedEntry",
    "Finding",
    "InventoryRepository",
    "JointOrderRepository",
    "LabelFinding",
    "OpenFulfillment",
    "OrderQuery",
    "OrderRepository",
    "PaymentCapabilities",
    "PaymentPort",
]


@final
class FeedEntry(NamedTuple):
    """One event in the feed of all orders: ``number`` counts within its order, from 1."""

    position: int
    order_id: str
    number: int
    event: Event


@final
class OrderQuery(NamedTuple):
    """Which orders to find; what is left empty does not narrow. Placed from ≤ t < ``until``."""

    states: frozenset[str] = frozenset()
    customer_id: str = ""
    channel: str = ""
    placed_from: datetime | None = None
    placed_until: datetime | None = None


@final
class OpenFulfillment(NamedTuple):
    """A fulfillment of an order that a location still has to work on."""

    order_id: str
    fulfillment_id: str
    location: str
    state: str


@final
class DueOrder(NamedTuple):
    """An order with something due at ``due_at``; also where the next page begins."""

    due_at: datetime
    order_id: str


class OrderRepository(Protocol):
    """Keeps orders, their events and what finds them.

    For every method: 1. Ids, keys and names are compared, and put in order, by code point: neither
    without case nor by the rules of a language. 2. Times are moments, aware and kept to the
    microsecond; in which zone they are given does not matter. 3. A page holds at most ``limit``,
    and is empty only if nothing comes after its cursor.
    """

    @property
    def durable_on_save(self) -> bool:
        """Whether a save is durable when it returns.

        1. False says that the host may still roll it back (its own transaction is open). A desk
           then only decides and saves; outside calls are made by ``resume`` on a durable one.
        """
        ...

    def load(self, order_id: str) -> Order | None:
        """Return the order as last saved.

        1. Answers None for an unknown id.
        2. Sees every save that returned before the call began.
        3. What it returns is the caller's own: changing the store later does not change it.
        4. Equal to the order as it was saved, to the last field.
        """
        ...

    def save(
        self,
        order: Order,
        events: Sequence[Event],
        *,
        expected_version: int,
        contacts: Mapping[str, Contact | None] = ...,
    ) -> None:
        """Store ``order`` together with the ``events`` that led to it from ``expected_version``.

        1. Atomic: the state, the events, their keys (``event.key``), ``order.due_at``,
           ``order.all_references`` and ``contacts`` (by id) are all stored or none is, whatever
           goes wrong on the way. No reader ever sees a part of it.
        2. Raises Conflict, and stores nothing, unless the stored version (0 if there is none) is
           ``expected_version``.
        3. Of two concurrent saves with one expected version exactly one succeeds.
        4. Events get the numbers ``expected_version + 1`` and up, in order, without a gap.
        5. Durable when it returns, if ``durable_on_save``.
        6. A contact that is None is forgotten: nothing of what was kept under its id can be read
           any more, anywhere in the store.
        7. Keeps what it was given as it was then: what the caller does with its ``events`` and
           ``contacts`` afterwards changes nothing.
        """
        ...

    def contact(self, contact_id: str) -> Contact | None:
        """Return the personal data kept under that id.

        1. Answers None for an id that is unknown or forgotten. 2. Answers otherwise what was saved
        last under it, by whichever order.
        """
        ...

    def events(self, order_id: str, *, after: int = 0) -> tuple[Event, ...]:
        """Return the events of an order with a number above ``after``, in order.

        1. Empty for an unknown order. 2. Equal to what was saved. 3. All above ``after`` and no
        others, in the order of their numbers.
        """
        ...

    def load_with_key(self, order_id: str, key: str) -> tuple[Order | None, tuple[Event, ...]]:
        """Return an order, and its events saved with that caller's ``key``, in order.

        1. A key of one order is unknown to every other. 2. The empty key finds nothing.
        3. Finds every event that was saved with the key, in order, also if a later save used it
        again. 4. The order is what :meth:`load` answers, whether or not the key finds anything.
        5. Both are of one moment: the events are all that have the key among the first
        ``order.version``.
        """
        ...

    def feed(self, *, after: int = 0, limit: int = 100) -> tuple[FeedEntry, ...]:
        """Return up to ``limit`` entries of all orders with a position above ``after``, ascending.

        1. Positions rise, and may have gaps. 2. A reader that has seen position p never later
        meets a new one at or below p, although transactions commit out of order. 3. The numbers of
        one order appear in order. 4. Every event that was saved appears, once and as it was saved,
        no later than when all saves that were under way with it have ended.
        """
        ...

    def find(self, query: OrderQuery, *, after: str = "", limit: int = 100) -> tuple[str, ...]:
        """Return up to ``limit`` ids above ``after`` of the orders that match, ascending.

        1. Paging with the last id of a page as ``after`` repeats none and skips none. 2. Finds the
        orders that match all that the query gives, as last saved, and no others.
        """
        ...

    def by_reference(self, reference: Reference) -> tuple[str, ...]:
        """Return the ids of the orders known by ``reference``, ascending.

        1. Complete as of the last save of each order. 2. Never an order that has not had that
        reference.
        """
        ...

    def open_fulfillments(
        self,
        location: str,
        states: Collection[str],
        *,
        after: OpenFulfillment | None = None,
        limit: int = 100,
    ) -> tuple[OpenFulfillment, ...]:
        """Return up to ``limit`` fulfillments at ``location`` in one of the named states.

        1. Ordered by order id, then by position on the order; only those that come after the
           cursor ``after``, which may be in another state by now, or gone.
        2. Paging with the last one of a page as ``after`` repeats none and skips none.
        3. Finds those that are there in one of the states, as last saved, and no others.
        """
        ...

    def due(
        self, now: datetime, *, after: DueOrder | None = None, limit: int = 100
    ) -> tuple[DueOrder, ...]:
        """Return up to ``limit`` orders whose ``due_at`` is at or before ``now``.

        1. Earliest first, those of one moment by order id. 2. Only those that come after the
        cursor ``after``, which need not be due any more. 3. An order without ``due_at`` is never
        among them. 4. Every other one is, as last saved, if its time is not after ``now``.
        """
        ...


class JointOrderRepository(OrderRepository, Protocol):
    """An order repository that can write a posting along with an order, in one transaction.

    Nothing needs it: where it is not offered, a desk saves, posts and saves again, and what is
    unfinished after a crash is resumed. Where it is, those three are one. A wrapper with a ``save``
    of its own needs a ``save_and_post`` too.
    """

    @property
    def posts_to(self) -> object:
        """The inventory repository whose postings it writes, None if there is none.

        1. That very object: it reads, and guards, what :meth:`save_and_post` writes.
        """
        ...

    def save_and_post(
        self,
        order: Order,
        events: Sequence[Event],
        posting: Posting,
        *,
        expected_version: int,
        contacts: Mapping[str, Contact | None] = ...,
    ) -> None:
        """Store an order as ``save`` does, and its posting as the inventory's ``post`` does.

        1. Keeps what both promise, and stores both or neither; no reader sees one without the
           other.
        2. Raises Conflict, as ``save`` does, whatever becomes of the posting.
        3. Raises OutOfStock or KeyReused where ``post`` would, and stores nothing. It may raise
           OutOfStock, of no shortages, also where the posting is known already, or could only be
           written by itself: the caller then saves first, and posts afterwards.
        """
        ...


class InventoryRepository(Protocol):
    """Keeps the stock ledger.

    For every method: 1. Ids and names are compared, and put in order, by code point. 2. Times are
    moments, aware and kept to the microsecond; in which zone they are given does not matter.
    """

    def post(self, posting: Posting) -> None:
        """Write a posting, or refuse it.

        1. Atomic: all entries or none. 2. Idempotent: the same id and content again is a no-op.
        3. Raises KeyReused for a known id with other content, and writes nothing. 4. Raises
        OutOfStock, leaving no trace, if :func:`~orderwright.inventory.guard.changes_of` does: an
        account would fall below its floor, or claims exceed their limit. The id stays unused.
        5. First lets lapse the reservations on its SKUs, and on no others, that have expired by
        ``posting.at``, in the same transaction. 6. Two concurrent postings never both take the
        last unit. 7. Durable when it returns. 8. Clause 4 looks at the sum of all entries on an
        account, except for reserved accounts: there entries are checked in their order, as units
        must be in a reservation before they leave it, also if later entries put them back.
        """
        ...

    def supply(self, skus: Iterable[str], *, now: datetime) -> tuple[Stock, ...]:
        """Return the stock of ``skus`` at every location that has ever had them.

        1. What has expired by ``now`` counts as available, swept or not. 2. One consistent moment.
        3. One for each location of a SKU, with what the policies say of it, and its lots with the
        first to expire first: as an :class:`~orderwright.inventory.ledger.InventoryLedger` of the
        same postings answers, in any order.
        """
        ...

    def reservations(
        self, now: datetime, *, order_id: str = "", skus: Iterable[str] = ()
    ) -> tuple[Reservation, ...]:
        """Return the open reservations; what is left empty does not narrow.

        1. Those expired by ``now`` are left out, swept or not. 2. One consistent moment.
        3. Only those of the order ``order_id`` and of one of ``skus``, where these are given.
        4. Those of an order in the order in which they were made; otherwise SKU by SKU, ascending,
        and each SKU's in that order. 5. All of these, with what is left of each, and with whose it
        is and until when it lasts as that was last said.
        """
        ...

    def claims(self, sku: str) -> tuple[Claim, ...]:
        """Return the open claims to units of ``sku`` that were not there.

        1. First come first: by the number of the posting that first made the claim. 2. All that are
        open, with what is left of each and the terms it was last given.
        """
        ...

    def incoming(self, sku: str) -> tuple[Incoming, ...]:
        """Return what is on order of ``sku`` and has not come.

        1. By the date it is expected, what has none last, then by purchase and location. 2. All
        that is left of each purchase, with the date last given.
        """
        ...

    def postings(self, *, after: str = "", limit: int = 1000) -> tuple[Posting, ...]:
        """Return up to ``limit`` postings written after the one with the id ``after``.

        1. As they were posted, in the order they were written, with those by which the store let
           reservations lapse (:meth:`.Posting.expire`, one for all that one posting let lapse,
           before it); the empty id is before the first. 2. Paging, ``limit`` at most at a
           time, with the last id of a page as ``after`` repeats none and skips none. 3. Raises
           NotFound for an id that was never written.
        """
        ...


Finding = PaymentOutcome | Literal["not_found", "unsure"]
"""What look-up answers: what became of it; the provider never saw it; cannot tell now."""


@final
class PaymentCapabilities(NamedTuple):
    """What a provider can do. ``key_retention``: how long a repeated id is recognised.

    Without ``several_captures`` the first capture of an authorization gives back what it leaves;
    without ``partial_void`` only all that is untaken can be given back.
    """

    several_captures: bool
    partial_void: bool
    key_retention: timedelta


class PaymentPort(Protocol):
    """Moves money at a provider. Whatever happens twice under one id happens once.

    For every verb: 1. ``request.id`` is the idempotency key: a known id answers with the present
    state of what it made and has no second effect. 2. No answer (a time-out, a lost connection)
    is the outcome ``unknown``, or :class:`~orderwright.errors.OutcomeUnknown` raised, never
    ``failed``. 3. A refusal by the payer's side is the outcome ``declined``, not an exception;
    something the customer has to do first is ``requires_action``, with ``next_action``.
    4. ``outcome.amount`` is what really moved, in the currency of the request. 5. A known id with
    other content has no effect; the port may raise :class:`~orderwright.errors.KeyReused` for it.
    """

    @property
    def capabilities(self) -> PaymentCapabilities:
        """What this provider can do.

        1. The same for as long as the desk lives.
        """
        ...

    def authorize(self, request: PaymentRequest) -> PaymentOutcome:
        """Reserve ``request.amount``.

        6. ``outcome.reference`` is the provider's id of the payment, by which it is later named.
        7. ``outcome.expires_at`` is when the reservation lapses, where the provider tells.
        8. ``outcome.captured_once`` says that the first capture of it gives back what it leaves,
           although ``capabilities`` promise several.
        """
        ...

    def capture(self, request: PaymentRequest) -> PaymentOutcome:
        """Take ``request.amount`` of the authorization ``request.reference``.

        6. Never more than is still authorized when it is taken: that is the outcome ``failed``,
        also for what was ``pending`` until then. 7. What it leaves stays authorized, if
        ``capabilities.several_captures``; else it is given back.
        """
        ...

    def charge(self, request: PaymentRequest) -> PaymentOutcome:
        """Take ``request.amount`` in one step, without an authorization.

        6. ``outcome.reference`` is the provider's id of the payment, by which it is later named.
        """
        ...

    def void(self, request: PaymentRequest) -> PaymentOutcome:
        """Give back ``request.amount`` of an authorization untaken.

        6. Never more than is untaken by then: that is the outcome ``failed``. 7. So is less than
        that, unless ``capabilities.partial_void``.
        """
        ...

    def refund(self, request: PaymentRequest) -> PaymentOutcome:
        """Pay back ``request.amount`` of what was taken.

        6. Never more than was taken and not yet paid back by then: that is the outcome ``failed``.
        7. Without a ``reference`` it is paid out to ``request.method`` and ``instrument``, such as
           a gift card, to which nothing was taken before.
        """
        ...

    def look_up(self, request: PaymentRequest) -> Finding:
        """Say what became of ``request.id``.

        1. ``not_found`` only if the provider never had it and sending it now is safe.
        2. ``unsure`` is for now: in time it tells what became of anything the provider decided.
        """
        ...


LabelFinding = LabelOutcome | Literal["not_found", "unsure"]
"""What a carrier's look-up answers: what became of it; it never had it; cannot tell now."""


@final
class CarrierCapabilities(NamedTuple):
    """What a carrier can do. ``key_retention``: how long a repeated id is recognised.

    Without ``cancels`` no label that was bought is ever taken back.
    """

    cancels: bool
    key_retention: timedelta


class CarrierPort(Protocol):
    """Quotes, sells labels, takes them back, and tells where parcels are.

    For every verb: 1. Where a ``recipient`` is handed over, it is for this call alone: nothing of
    it is in an answer or an error. For book and cancel: 2. ``request.id`` is the idempotency key:
    a known id answers with the present state of what it made and has no second effect. 3. No answer
    (a time-out, a lost connection) is the outcome ``unknown``, or
    :class:`~orderwright.errors.OutcomeUnknown` raised, never ``refused``. 4. A refusal is the
    outcome ``refused`` with its ``reason``, not an exception, and has no effect. 5. A known id with
    other content has no effect; the port may raise :class:`~orderwright.errors.KeyReused` for it.
    """

    @property
    def capabilities(self) -> CarrierCapabilities:
        """What this carrier can do.

        1. The same for as long as the desk lives.
        """
        ...

    def rates(self, shipment: Shipment, recipient: Contact, *, at: datetime) -> tuple[Rate, ...]:
        """Return what it would cost to send ``shipment`` if it is handed over at ``at``.

        6. Has no effect. 7. Empty if nothing goes there. 8. ``cost`` is all that is to be paid,
        exact; ``service`` is what to book it by.
        """
        ...

    def book(self, request: LabelRequest, recipient: Contact) -> LabelOutcome:
        """Buy a label for ``request.shipment``, by ``request.service``.

        6. ``outcome.tracking`` is the number that all its parcels travel under, no other label's;
        empty for a service without one. 7. ``outcome.cost`` is what was really charged, where that
        is told at once. 8. ``outcome.document`` names what to print.
        """
        ...

    def cancel(self, request: LabelRequest) -> LabelOutcome:
        """Give back the label that was bought under ``request.booking``; it costs nothing then.

        6. Every label whose parcel the carrier does not have yet is taken back, if
        ``capabilities.cancels``; any other is ``refused``. 7. ``succeeded`` if it was given back
        before, under whatever id.
        """
        ...

    def track(self, carrier: str, tracking: str) -> tuple[Scan, ...]:
        """Return all that is known of the parcels under a number, in the order it happened.

        6. Empty for a number it does not know. 7. Times are aware. 8. Has no effect.
        """
        ...

    def look_up(self, request: LabelRequest) -> LabelFinding:
        """Say what became of ``request.id``.

        1. ``not_found`` only if the carrier never had it and sending it now is safe.
        2. ``unsure`` is for now: in time it tells what became of anything the carrier decided.
        """
        ...


class AsyncOrderRepository(Protocol):
    """The async twin of :class:`OrderRepository`: the same promises."""

    @property
    def durable_on_save(self) -> bool:
        """See :attr:`OrderRepository.durable_on_save`."""
        ...

    async def load(self, order_id: str) -> Order | None:
        """See :meth:`OrderRepository.load`."""
        ...

    async def save(
        self,
        order: Order,
        events: Sequence[Event],
        *,
        expected_version: int,
        contacts: Mapping[str, Contact | None] = ...,
    ) -> None:
        """See :meth:`OrderRepository.save`."""
        ...

    async def contact(self, contact_id: str) -> Contact | None:
        """See :meth:`OrderRepository.contact`."""
        ...

    async def events(self, order_id: str, *, after: int = 0) -> tuple[Event, ...]:
        """See :meth:`OrderRepository.events`."""
        ...

    async def load_with_key(
        self, order_id: str, key: str
    ) -> tuple[Order | None, tuple[Event, ...]]:
        """See :meth:`OrderRepository.load_with_key`."""
        ...

    async def feed(self, *, after: int = 0, limit: int = 100) -> tuple[FeedEntry, ...]:
        """See :meth:`OrderRepository.feed`."""
        ...

    async def find(
        self, query: OrderQuery, *, after: str = "", limit: int = 100
    ) -> tuple[str, ...]:
        """See :meth:`OrderRepository.find`."""
        ...

    async def by_reference(self, reference: Reference) -> tuple[str, ...]:
        """See :meth:`OrderRepository.by_reference`."""
        ...

    async def open_fulfillments(
        self,
        location: str,
        states: Collection[str],
        *,
        after: OpenFulfillment | None = None,
        limit: int = 100,
    ) -> tuple[OpenFulfillment, ...]:
        """See :meth:`OrderRepository.open_fulfillments`."""
        ...

    async def due(
        self, now: datetime, *, after: DueOrder | None = None, limit: int = 100
    ) -> tuple[DueOrder, ...]:
        """See :meth:`OrderRepository.due`."""
        ...


class AsyncJointOrderRepository(AsyncOrderRepository, Protocol):
    """The async twin of :class:`JointOrderRepository`: the same promises."""

    @property
    def posts_to(self) -> object:
        """See :attr:`JointOrderRepository.posts_to`."""
        ...

    async def save_and_post(
        self,
        order: Order,
        events: Sequence[Event],
        posting: Posting,
        *,
        expected_version: int,
        contacts: Mapping[str, Contact | None] = ...,
    ) -> None:
        """See :meth:`JointOrderRepository.save_and_post`."""
        ...


class AsyncInventoryRepository(Protocol):
    """The async twin of :class:`InventoryRepository`: the same promises."""

    async def post(self, posting: Posting) -> None:
        """See :meth:`InventoryRepository.post`."""
        ...

    async def supply(self, skus: Iterable[str], *, now: datetime) -> tuple[Stock, ...]:
        """See :meth:`InventoryRepository.supply`."""
        ...

    async def reservations(
        self, now: datetime, *, order_id: str = "", skus: Iterable[str] = ()
    ) -> tuple[Reservation, ...]:
        """See :meth:`InventoryRepository.reservations`."""
        ...

    async def claims(self, sku: str) -> tuple[Claim, ...]:
        """See :meth:`InventoryRepository.claims`."""
        ...

    async def incoming(self, sku: str) -> tuple[Incoming, ...]:
        """See :meth:`InventoryRepository.incoming`."""
        ...

    async def postings(self, *, after: str = "", limit: int = 1000) -> tuple[Posting, ...]:
        """See :meth:`InventoryRepository.postings`."""
        ...


class AsyncPaymentPort(Protocol):
    """The async twin of :class:`PaymentPort`: the same promises."""

    @property
    def capabilities(self) -> PaymentCapabilities:
        """See :attr:`PaymentPort.capabilities`."""
        ...

    async def authorize(self, request: PaymentRequest) -> PaymentOutcome:
        """See :meth:`PaymentPort.authorize`."""
        ...

    async def capture(self, request: PaymentRequest) -> PaymentOutcome:
        """See :meth:`PaymentPort.capture`."""
        ...

    async def charge(self, request: PaymentRequest) -> PaymentOutcome:
        """See :meth:`PaymentPort.charge`."""
        ...

    async def void(self, request: PaymentRequest) -> PaymentOutcome:
        """See :meth:`PaymentPort.void`."""
        ...

    async def refund(self, request: PaymentRequest) -> PaymentOutcome:
        """See :meth:`PaymentPort.refund`."""
        ...

    async def look_up(self, request: PaymentRequest) -> Finding:
        """See :meth:`PaymentPort.look_up`."""
        ...


class AsyncCarrierPort(Protocol):
    """The async twin of :class:`CarrierPort`: the same promises."""

    @property
    def capabilities(self) -> CarrierCapabilities:
        """See :attr:`CarrierPort.capabilities`."""
        ...

    async def rates(
        self, shipment: Shipment, recipient: Contact, *, at: datetime
    ) -> tuple[Rate, ...]:
        """See :meth:`CarrierPort.rates`."""
        ...

    async def book(self, request: LabelRequest, recipient: Contact) -> LabelOutcome:
        """See :meth:`CarrierPort.book`."""
        ...

    async def cancel(self, request: LabelRequest) -> LabelOutcome:
        """See :meth:`CarrierPort.cancel`."""
        ...

    async def track(self, carrier: str, tracking: str) -> tuple[Scan, ...]:
        """See :meth:`CarrierPort.track`."""
        ...

    async def look_up(self, request: LabelRequest) -> LabelFinding:
        """See :meth:`CarrierPort.look_up`."""
        ...
