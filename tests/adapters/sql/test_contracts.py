"""Orders and stock in SQL keep every clause of their ports, in each database and way of use."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from orderwright.adapters.sqlalchemy import (
    AsyncSqlInventory,
    AsyncSqlOrders,
    SqlInventory,
    SqlOrders,
)
from orderwright.inventory.guard import Policies
from orderwright.testing import (
    AsyncInventoryRepositoryContract,
    AsyncOrderRepositoryContract,
    InventoryRepositoryContract,
    OrderRepositoryContract,
)
from tests.adapters.sql.stores import async_sqlite, postgres, sqlite_file, sqlite_memory
from tests.postgres import Server


class OnPostgres:
    """What the classes for PostgreSQL need: the server of this run."""

    server: Server

    @pytest.fixture(autouse=True)
    def _server(self, pg_server: Server) -> None:
        self.server = pg_server

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        """An engine on a fresh database."""
        with postgres(self.server) as database:
            engine = create_engine(database.url(), pool_size=20)
            yield engine
            engine.dispose()


# Orders -------------------------------------------------------------------------------------------


class TestOrdersInSqliteFile(OrderRepositoryContract):
    """In a file with a write-ahead log."""

    durable_on_save = True

    @contextmanager
    def make(self) -> Iterator[Callable[[], SqlOrders]]:
        """Each adapter has connections of its own."""
        with sqlite_file() as engine:
            yield lambda: SqlOrders(engine)


class TestOrdersInSqliteMemory(OrderRepositoryContract):
    """In memory, where all threads share one connection."""

    durable_on_save = True

    @contextmanager
    def make(self) -> Iterator[Callable[[], SqlOrders]]:
        """One adapter: what it waits for is its own turn."""
        with sqlite_memory() as engine:
            orders = SqlOrders(engine)
            yield lambda: orders


class TestOrdersInPostgres(OnPostgres, OrderRepositoryContract):
    """On PostgreSQL."""

    durable_on_save = True

    @contextmanager
    def make(self) -> Iterator[Callable[[], SqlOrders]]:
        """A database for each test."""
        with self.engine() as engine:
            yield lambda: SqlOrders(engine)


class TestOrdersInSqliteAsync(AsyncOrderRepositoryContract):
    """For asyncio, in a file."""

    durable_on_save = True

    @asynccontextmanager
    async def make(self) -> AsyncIterator[Callable[[], AsyncSqlOrders]]:
        """A file for each test."""
        with TemporaryDirectory() as folder:
            async with async_sqlite(f"sqlite+aiosqlite:///{folder}/shop.db") as engine:
                yield lambda: AsyncSqlOrders(engine)


class TestOrdersInSqliteMemoryAsync(AsyncOrderRepositoryContract):
    """For asyncio, in memory, where all tasks share one connection."""

    durable_on_save = True

    @asynccontextmanager
    async def make(self) -> AsyncIterator[Callable[[], AsyncSqlOrders]]:
        """One adapter: what it waits for is its own turn."""
        async with async_sqlite() as engine:
            orders = AsyncSqlOrders(engine)
            yield lambda: orders


class TestOrdersInPostgresAsync(OnPostgres, AsyncOrderRepositoryContract):
    """For asyncio, on PostgreSQL."""

    durable_on_save = True

    @asynccontextmanager
    async def make(self) -> AsyncIterator[Callable[[], AsyncSqlOrders]]:
        """A database for each test."""
        with postgres(self.server) as database:
            engine = create_async_engine(database.url(), pool_size=20)
            yield lambda: AsyncSqlOrders(engine)
            await engine.dispose()


class TestOrdersInTheHostsTransaction(OnPostgres, OrderRepositoryContract):
    """In a transaction of the host's, which is still open."""

    durable_on_save = False
    concurrent = False

    @contextmanager
    def make(self) -> Iterator[Callable[[], SqlOrders]]:
        """All of it on one connection."""
        with self.engine() as engine, engine.connect() as connection:
            yield lambda: SqlOrders(connection)


# Stock --------------------------------------------------------------------------------------------


class TestStockInSqliteFile(InventoryRepositoryContract):
    """In a file with a write-ahead log."""

    @contextmanager
    def make(self) -> Iterator[Callable[[Policies], SqlInventory]]:
        """Each adapter has connections of its own."""
        with sqlite_file() as engine:
            yield lambda policies: SqlInventory(engine, policies=policies)


class TestStockInPostgres(OnPostgres, InventoryRepositoryContract):
    """On PostgreSQL."""

    @contextmanager
    def make(self) -> Iterator[Callable[[Policies], SqlInventory]]:
        """A database for each test."""
        with self.engine() as engine:
            yield lambda policies: SqlInventory(engine, policies=policies)


class TestStockInPostgresAsync(OnPostgres, AsyncInventoryRepositoryContract):
    """For asyncio, on PostgreSQL."""

    @asynccontextmanager
    async def make(self) -> AsyncIterator[Callable[[Policies], AsyncSqlInventory]]:
        """A database for each test."""
        with postgres(self.server) as database:
            engine = create_async_engine(database.url(), pool_size=20)
            yield lambda policies: AsyncSqlInventory(engine, policies=policies)
            await engine.dispose()


class TestStockInSqliteAsync(AsyncInventoryRepositoryContract):
    """For asyncio, in a file."""

    @asynccontextmanager
    async def make(self) -> AsyncIterator[Callable[[Policies], AsyncSqlInventory]]:
        """A file for each test."""
        with TemporaryDirectory() as folder:
            async with async_sqlite(f"sqlite+aiosqlite:///{folder}/shop.db") as engine:
                yield lambda policies: AsyncSqlInventory(engine, policies=policies)


class TestStockInTheHostsTransaction(OnPostgres, InventoryRepositoryContract):
    """In a transaction of the host's, which is still open."""

    concurrent = False

    @contextmanager
    def make(self) -> Iterator[Callable[[Policies], SqlInventory]]:
        """All of it on one connection."""
        with self.engine() as engine, engine.connect() as connection:
            yield lambda policies: SqlInventory(connection, policies=policies)
