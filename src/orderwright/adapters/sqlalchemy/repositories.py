"""What a desk is given: the repositories, on an engine or in a transaction of the host's."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from threading import Lock
from typing import TYPE_CHECKING, TypeVar, final
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, Pool, StaticPool

from orderwright.adapters.sqlalchemy.inventory import stock_in
from orderwright.adapters.sqlalchemy.orders import orders_in
from orderwright.adapters.sqlalchemy.running import Work, explained, known
from orderwright.adapters.sqlalchemy.tables import TABLES, Tables
from orderwright.errors import AdapterFault, InvalidInput
from orderwright.inventory.guard import guarded
from orderwright.inventory.postings import Posting
from orderwright.lifecycles import STANDARD
from orderwright.values import instance

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from orderwright.adapters.sqlalchemy.postings import Along
    from orderwright.inventory.entries import Reservation
    from orderwright.inventory.guard import Policies
    from orderwright.inventory.ledger import Claim, Incoming, Stock
    from orderwright.lifecycles import Lifecycles
    from orderwright.orders.contacts import Contact
    from orderwright.orders.events import Event
    from orderwright.orders.lines import Reference
    from orderwright.orders.order import Order
    from orderwright.ports import DueOrder, FeedEntry, OpenFulfillment, OrderQuery

__all__ = ["SqlInventory", "SqlOrders"]

T = TypeVar("T")

_TURNS: WeakKeyDictionary[Pool, Lock] = WeakKeyDictionary()

_NOBODY: Mapping[str, Contact | None] = {}


class _Bound:
    """Runs what is asked on the engine, or in the transaction, that the host gave."""

    _adapter: str

    def __init__(self, bind: Engine | Connection) -> None:
        known(bind.dialect)
        self._bind: Engine | Connection = bind
        # One connection for all, as SQLite has it in memory: one call at a time.
        self._turn: AbstractContextManager[object] = nullcontext()
        if isinstance(bind, Engine) and isinstance(bind.pool, StaticPool):
            self._turn = _TURNS.setdefault(bind.pool, Lock())

    def _run(self, record: str, verb: Callable[[Work], T], *, writes: bool = False) -> T:
        """Have ``verb`` work on ``record``; tell what goes wrong as one of our errors."""
        joined = not isinstance(self._bind, Engine)
        with self._turn:
            try:
                work = Work(self._bind, self._adapter, joined=joined)
                try:
                    return verb(work)
                finally:
                    if not joined:
                        work.close()
            except Exception:
                with explained(self._adapter, record, writes=writes, joined=joined):
                    raise


@final
class SqlOrders(_Bound):
    """Orders in SQLite or PostgreSQL.

    On an engine, each save is a transaction of its own and durable when it returns. On a
    connection all is part of the host's transaction: then ``durable_on_save`` is False, a desk
    makes no calls, and the host has ``resume`` run by a desk on the engine once it has committed.
    ``tables`` must be there (:func:`.upgrade_schema`); ``lifecycles`` are those the orders are made
    under. With an ``inventory`` on the same ``bind`` and ``tables``, orders and the postings they
    intend are written in one transaction, which takes fewer of them. A clause that cannot be kept
    is an AdapterFault that names the record; an inventory from elsewhere is InvalidInput.
    """

    _adapter = "orders in SQL"

    def __init__(
        self,
        bind: Engine | Connection,
        *,
        tables: Tables = TABLES,
        lifecycles: Lifecycles = STANDARD,
        inventory: SqlInventory | None = None,
    ) -> None:
        super().__init__(bind)
        self._orders = orders_in(tables, lifecycles)
        if inventory is not None and not inventory.is_on(bind, tables):
            raise InvalidInput.at("inventory", "is on another engine, connection or set of tables")
        self._inventory = inventory

    @property
    def durable_on_save(self) -> bool:
        """See :attr:`.OrderRepository.durable_on_save`."""
        return isinstance(self._bind, Engine)

    def load(self, order_id: str) -> Order | None:
        """See :meth:`.OrderRepository.load`."""
        return self._run(f"order {order_id}", lambda work: self._orders.load(work, order_id))

    def save(
        self,
        order: Order,
        events: Sequence[Event],
        *,
        expected_version: int,
        contacts: Mapping[str, Contact | None] = _NOBODY,
    ) -> None:
        """See :meth:`.OrderRepository.save`."""
        self._run(
            f"order {order.id}",
            lambda work: self._orders.save(work, order, events, expected_version, contacts),
            writes=True,
        )

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
        if self._inventory is None:
            raise AdapterFault(self._adapter, "made without an inventory to post to")
        along = self._inventory.along
        self._run(
            f"order {order.id} with posting {posting.id}",
            lambda work: self._orders.save(
                work, order, events, expected_version, contacts, along=along(posting)
            ),
            writes=True,
        )

    def contact(self, contact_id: str) -> Contact | None:
        """See :meth:`.OrderRepository.contact`."""
        return self._run(
            f"contact {contact_id}", lambda work: self._orders.contact(work, contact_id)
        )

    def events(self, order_id: str, *, after: int = 0) -> tuple[Event, ...]:
        """See :meth:`.OrderRepository.events`."""
        return self._run(
            f"events of order {order_id}",
            lambda work: self._orders.events(work, order_id, after),
        )

    def load_with_key(self, order_id: str, key: str) -> tuple[Order | None, tuple[Event, ...]]:
        """See :meth:`.OrderRepository.load_with_key`."""
        return self._run(
            f"order {order_id} with key {key!r}",
            lambda work: self._orders.load_with_key(work, order_id, key),
        )

    def feed(self, *, after: int = 0, limit: int = 100) -> tuple[FeedEntry, ...]:
        """See :meth:`.OrderRepository.feed`.

        In a transaction of the host's other readers wait until it ends, and what was read keeps its
        place once that has committed: after a rollback it may come at another one.
        """
        return self._run("the feed", lambda work: self._orders.feed(work, after, limit))

    def find(self, query: OrderQuery, *, after: str = "", limit: int = 100) -> tuple[str, ...]:
        """See :meth:`.OrderRepository.find`."""
        return self._run("orders", lambda work: self._orders.find(work, query, after, limit))

    def by_reference(self, reference: Reference) -> tuple[str, ...]:
        """See :meth:`.OrderRepository.by_reference`."""
        return self._run(
            f"reference {reference}", lambda work: self._orders.by_reference(work, reference)
        )

    def open_fulfillments(
        self,
        location: str,
        states: Collection[str],
        *,
        after: OpenFulfillment | None = None,
        limit: int = 100,
    ) -> tuple[OpenFulfillment, ...]:
        """See :meth:`.OrderRepository.open_fulfillments`."""
        return self._run(
            f"fulfillments at {location}",
            lambda work: self._orders.open_fulfillments(work, location, states, after, limit),
        )

    def due(
        self, now: datetime, *, after: DueOrder | None = None, limit: int = 100
    ) -> tuple[DueOrder, ...]:
        """See :meth:`.OrderRepository.due`."""
        return self._run(
            "orders with something due", lambda work: self._orders.due(work, now, after, limit)
        )


@final
class SqlInventory(_Bound):
    """The stock ledger in SQLite or PostgreSQL.

    On an engine each posting is a transaction of its own, one round trip in PostgreSQL; on a
    connection it is part of the host's. ``tables`` must be there (:func:`.upgrade_schema`);
    ``policies`` say what may be promised of each SKU at each location: left out, all is guarded.
    A clause that cannot be kept is an AdapterFault that names the record.
    """

    _adapter = "stock in SQL"

    def __init__(
        self,
        bind: Engine | Connection,
        *,
        tables: Tables = TABLES,
        policies: Policies = guarded,
    ) -> None:
        super().__init__(bind)
        self._inventory = stock_in(tables)
        self._tables = tables
        self._policies = policies

    def is_on(self, bind: object, tables: Tables) -> bool:
        """Whether it works there."""
        return bind is self._bind and tables == self._tables

    def along(self, posting: Posting) -> Along:
        """Return what writes a posting along with an order."""
        return self._inventory.along(posting, self._policies)

    def post(self, posting: Posting) -> None:
        """See :meth:`.InventoryRepository.post`."""
        self._run(
            f"posting {instance(posting, Posting, 'posting').id}",
            lambda work: self._inventory.post(work, posting, self._policies),
            writes=True,
        )

    def supply(self, skus: Iterable[str], *, now: datetime) -> tuple[Stock, ...]:
        """See :meth:`.InventoryRepository.supply`."""
        return self._run(
            "stock", lambda work: self._inventory.supply(work, skus, now, self._policies)
        )

    def reservations(
        self, now: datetime, *, order_id: str = "", skus: Iterable[str] = ()
    ) -> tuple[Reservation, ...]:
        """See :meth:`.InventoryRepository.reservations`."""
        return self._run(
            "reservations",
            lambda work: self._inventory.reservations(work, now, order_id, skus),
        )

    def claims(self, sku: str) -> tuple[Claim, ...]:
        """See :meth:`.InventoryRepository.claims`."""
        return self._run(f"claims to {sku}", lambda work: self._inventory.claims(work, sku))

    def incoming(self, sku: str) -> tuple[Incoming, ...]:
        """See :meth:`.InventoryRepository.incoming`."""
        return self._run(f"incoming {sku}", lambda work: self._inventory.incoming(work, sku))

    def postings(self, *, after: str = "", limit: int = 1000) -> tuple[Posting, ...]:
        """See :meth:`.InventoryRepository.postings`.

        In a transaction of the host's other readers wait until it ends, and what was read keeps its
        place once that has committed: after a rollback it may come at another one.
        """
        return self._run("postings", lambda work: self._inventory.postings(work, after, limit))
