"""What a desk is given: the async twins of the repositories."""

from __future__ import annotations

from asyncio import AbstractEventLoop, Lock, get_running_loop
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TYPE_CHECKING, TypeVar, final
from weakref import WeakKeyDictionary

from sqlalchemy import Pool, StaticPool
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from orderwright.adapters.sqlalchemy.inventory import stock_in
from orderwright.adapters.sqlalchemy.orders import orders_in
from orderwright.adapters.sqlalchemy.running import AUTOCOMMIT, Work, explained, known, reached
from orderwright.adapters.sqlalchemy.tables import TABLES, Tables
from orderwright.errors import AdapterFault, InvalidInput
from orderwright.inventory.guard import guarded
from orderwright.inventory.postings import Posting
from orderwright.lifecycles import STANDARD
from orderwright.values import instance

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime

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

__all__ = ["AsyncSqlInventory", "AsyncSqlOrders"]

T = TypeVar("T")

_TURNS: WeakKeyDictionary[Pool, tuple[AbstractEventLoop, Lock]] = WeakKeyDictionary()

_NOBODY: Mapping[str, Contact | None] = {}


def _turn(engine: AsyncEngine) -> AbstractAsyncContextManager[object]:
    """Return what to wait for: one connection for all, as SQLite has it in memory, takes turns."""
    if not isinstance(engine.pool, StaticPool):
        return nullcontext()
    loop = get_running_loop()
    known = _TURNS.get(engine.pool)
    if known is None or known[0] is not loop:
        # A lock belongs to the loop in which somebody first waited for it.
        known = _TURNS[engine.pool] = (loop, Lock())
    return known[1]


class _Bound:
    """Runs what is asked on the engine, or in the transaction, that the host gave."""

    _adapter: str

    def __init__(self, bind: AsyncEngine | AsyncConnection) -> None:
        known(bind.dialect)
        self._bind: AsyncEngine | AsyncConnection = bind

    async def _run(self, record: str, verb: Callable[[Work], T], *, writes: bool = False) -> T:
        """Have ``verb`` work on ``record``; tell what goes wrong as one of our errors."""
        bind = self._bind
        if not isinstance(bind, AsyncEngine):
            with explained(self._adapter, record, writes=writes, joined=True):
                return await bind.run_sync(lambda one: verb(Work(one, self._adapter, joined=True)))
        async with _turn(bind):
            with reached(self._adapter):
                connection = await bind.connect()
            try:
                with explained(self._adapter, record, writes=writes):
                    await connection.execution_options(**AUTOCOMMIT)
                    return await connection.run_sync(
                        lambda one: verb(Work(one, self._adapter, joined=False))
                    )
            finally:
                await connection.close()


@final
class AsyncSqlOrders(_Bound):
    """Orders in SQLite or PostgreSQL, for async applications.

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
        bind: AsyncEngine | AsyncConnection,
        *,
        tables: Tables = TABLES,
        lifecycles: Lifecycles = STANDARD,
        inventory: AsyncSqlInventory | None = None,
    ) -> None:
        super().__init__(bind)
        self._orders = orders_in(tables, lifecycles)
        if inventory is not None and not inventory.is_on(bind, tables):
            raise InvalidInput.at("inventory", "is on another engine, connection or set of tables")
        self._inventory = inventory

    @property
    def durable_on_save(self) -> bool:
        """See :attr:`.AsyncOrderRepository.durable_on_save`."""
        return isinstance(self._bind, AsyncEngine)

    async def load(self, order_id: str) -> Order | None:
        """See :meth:`.OrderRepository.load`."""
        return await self._run(f"order {order_id}", lambda work: self._orders.load(work, order_id))

    async def save(
        self,
        order: Order,
        events: Sequence[Event],
        *,
        expected_version: int,
        contacts: Mapping[str, Contact | None] = _NOBODY,
    ) -> None:
        """See :meth:`.OrderRepository.save`."""
        await self._run(
            f"order {order.id}",
            lambda work: self._orders.save(work, order, events, expected_version, contacts),
            writes=True,
        )

    @property
    def posts_to(self) -> object:
        """See :attr:`.JointOrderRepository.posts_to`."""
        return self._inventory

    async def save_and_post(
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
        await self._run(
            f"order {order.id} with posting {posting.id}",
            lambda work: self._orders.save(
                work, order, events, expected_version, contacts, along=along(posting)
            ),
            writes=True,
        )

    async def contact(self, contact_id: str) -> Contact | None:
        """See :meth:`.OrderRepository.contact`."""
        return await self._run(
            f"contact {contact_id}", lambda work: self._orders.contact(work, contact_id)
        )

    async def events(self, order_id: str, *, after: int = 0) -> tuple[Event, ...]:
        """See :meth:`.OrderRepository.events`."""
        return await self._run(
            f"events of order {order_id}",
            lambda work: self._orders.events(work, order_id, after),
        )

    async def load_with_key(
        self, order_id: str, key: str
    ) -> tuple[Order | None, tuple[Event, ...]]:
        """See :meth:`.OrderRepository.load_with_key`."""
        return await self._run(
            f"order {order_id} with key {key!r}",
            lambda work: self._orders.load_with_key(work, order_id, key),
        )

    async def feed(self, *, after: int = 0, limit: int = 100) -> tuple[FeedEntry, ...]:
        """See :meth:`.OrderRepository.feed`.

        In a transaction of the host's other readers wait until it ends, and what was read keeps its
        place once that has committed: after a rollback it may come at another one.
        """
        return await self._run("the feed", lambda work: self._orders.feed(work, after, limit))

    async def find(
        self, query: OrderQuery, *, after: str = "", limit: int = 100
    ) -> tuple[str, ...]:
        """See :meth:`.OrderRepository.find`."""
        return await self._run("orders", lambda work: self._orders.find(work, query, after, limit))

    async def by_reference(self, reference: Reference) -> tuple[str, ...]:
        """See :meth:`.OrderRepository.by_reference`."""
        return await self._run(
            f"reference {reference}", lambda work: self._orders.by_reference(work, reference)
        )

    async def open_fulfillments(
        self,
        location: str,
        states: Collection[str],
        *,
        after: OpenFulfillment | None = None,
        limit: int = 100,
    ) -> tuple[OpenFulfillment, ...]:
        """See :meth:`.OrderRepository.open_fulfillments`."""
        return await self._run(
            f"fulfillments at {location}",
            lambda work: self._orders.open_fulfillments(work, location, states, after, limit),
        )

    async def due(
        self, now: datetime, *, after: DueOrder | None = None, limit: int = 100
    ) -> tuple[DueOrder, ...]:
        """See :meth:`.OrderRepository.due`."""
        return await self._run(
            "orders with something due", lambda work: self._orders.due(work, now, after, limit)
        )


@final
class AsyncSqlInventory(_Bound):
    """The stock ledger in SQLite or PostgreSQL, for async applications.

    On an engine each posting is a transaction of its own, one round trip in PostgreSQL; on a
    connection it is part of the host's. ``tables`` must be there (:func:`.upgrade_schema`);
    ``policies`` say what may be promised of each SKU at each location: left out, all is guarded.
    A clause that cannot be kept is an AdapterFault that names the record.
    """

    _adapter = "stock in SQL"

    def __init__(
        self,
        bind: AsyncEngine | AsyncConnection,
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

    async def post(self, posting: Posting) -> None:
        """See :meth:`.InventoryRepository.post`."""
        await self._run(
            f"posting {instance(posting, Posting, 'posting').id}",
            lambda work: self._inventory.post(work, posting, self._policies),
            writes=True,
        )

    async def supply(self, skus: Iterable[str], *, now: datetime) -> tuple[Stock, ...]:
        """See :meth:`.InventoryRepository.supply`."""
        return await self._run(
            "stock", lambda work: self._inventory.supply(work, skus, now, self._policies)
        )

    async def reservations(
        self, now: datetime, *, order_id: str = "", skus: Iterable[str] = ()
    ) -> tuple[Reservation, ...]:
        """See :meth:`.InventoryRepository.reservations`."""
        return await self._run(
            "reservations",
            lambda work: self._inventory.reservations(work, now, order_id, skus),
        )

    async def claims(self, sku: str) -> tuple[Claim, ...]:
        """See :meth:`.InventoryRepository.claims`."""
        return await self._run(f"claims to {sku}", lambda work: self._inventory.claims(work, sku))

    async def incoming(self, sku: str) -> tuple[Incoming, ...]:
        """See :meth:`.InventoryRepository.incoming`."""
        return await self._run(f"incoming {sku}", lambda work: self._inventory.incoming(work, sku))

    async def postings(self, *, after: str = "", limit: int = 1000) -> tuple[Posting, ...]:
        """See :meth:`.InventoryRepository.postings`.

        In a transaction of the host's other readers wait until it ends, and what was read keeps its
        place once that has committed: after a rollback it may come at another one.
        """
        return await self._run(
            "postings", lambda work: self._inventory.postings(work, after, limit)
        )
