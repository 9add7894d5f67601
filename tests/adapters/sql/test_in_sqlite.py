"""Orders and stock in SQLite keep every clause of their ports, in a file and in memory."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from tempfile import TemporaryDirectory

import pytest

from orderwright.adapters.sqlalchemy import (
    AsyncSqlInventory,
    AsyncSqlOrders,
    SqlInventory,
    SqlOrders,
)
from orderwright.inventory.guard import Policies
from orderwright.testing import (
    AsyncInventoryRepositoryContract,
    AsyncJointOrderRepositoryContract,
    AsyncOrderRepositoryContract,
    InventoryRepositoryContract,
    JointOrderRepositoryContract,
    OrderRepositoryContract,
)
from tests.adapters.sql.stores import BRIEFLY, Savepoints, async_sqlite, sqlite_file, sqlite_memory


class TestOrdersInSqliteFile(OrderRepositoryContract):
    """In a file with a write-ahead log."""

    machine_settings = BRIEFLY
    durable_on_save = True

    @contextmanager
    def make(self) -> Iterator[Callable[[], SqlOrders]]:
        """Each adapter has connections of its own."""
        with sqlite_file() as engine:
            yield lambda: SqlOrders(engine)


class TestStockInSqliteFile(InventoryRepositoryContract):
    """In a file with a write-ahead log."""

    machine_settings = BRIEFLY

    @contextmanager
    def make(self) -> Iterator[Callable[[Policies], SqlInventory]]:
        """Each adapter has connections of its own."""
        with sqlite_file() as engine:
            yield lambda policies: SqlInventory(engine, policies=policies)


@pytest.mark.long
class TestOrdersInSqliteMemory(OrderRepositoryContract):
    """In memory, where all threads share one connection."""

    machine_settings = BRIEFLY
    durable_on_save = True

    @contextmanager
    def make(self) -> Iterator[Callable[[], SqlOrders]]:
        """One adapter: what it waits for is its own turn."""
        with sqlite_memory() as engine:
            orders = SqlOrders(engine)
            yield lambda: orders


@pytest.mark.long
class TestOrdersInSqliteAsync(AsyncOrderRepositoryContract):
    """For asyncio, in a file."""

    machine_settings = BRIEFLY
    durable_on_save = True

    @asynccontextmanager
    async def make(self) -> AsyncIterator[Callable[[], AsyncSqlOrders]]:
        """A file for each test."""
        with TemporaryDirectory() as folder:
            async with async_sqlite(f"sqlite+aiosqlite:///{folder}/shop.db") as engine:
                yield lambda: AsyncSqlOrders(engine)


@pytest.mark.long
class TestOrdersInSqliteMemoryAsync(AsyncOrderRepositoryContract):
    """For asyncio, in memory, where all tasks share one connection."""

    machine_settings = BRIEFLY
    durable_on_save = True

    @asynccontextmanager
    async def make(self) -> AsyncIterator[Callable[[], AsyncSqlOrders]]:
        """One adapter: what it waits for is its own turn."""
        async with async_sqlite() as engine:
            orders = AsyncSqlOrders(engine)
            yield lambda: orders


@pytest.mark.long
class TestStockInSqliteAsync(AsyncInventoryRepositoryContract):
    """For asyncio, in a file."""

    machine_settings = BRIEFLY

    @asynccontextmanager
    async def make(self) -> AsyncIterator[Callable[[Policies], AsyncSqlInventory]]:
        """A file for each test."""
        with TemporaryDirectory() as folder:
            async with async_sqlite(f"sqlite+aiosqlite:///{folder}/shop.db") as engine:
                yield lambda policies: AsyncSqlInventory(engine, policies=policies)


class TestJointInSqliteFile(JointOrderRepositoryContract):
    """Orders and their postings, in a file with a write-ahead log."""

    @contextmanager
    def make(self) -> Iterator[Callable[[], tuple[SqlOrders, SqlInventory]]]:
        """Each pair has connections of its own."""
        with sqlite_file() as engine:

            def pair() -> tuple[SqlOrders, SqlInventory]:
                inventory = SqlInventory(engine)
                return SqlOrders(engine, inventory=inventory), inventory

            yield pair


@pytest.mark.long
class TestJointInSqliteAsync(AsyncJointOrderRepositoryContract):
    """Orders and their postings, for asyncio."""

    @asynccontextmanager
    async def make(self) -> AsyncIterator[Callable[[], tuple[AsyncSqlOrders, AsyncSqlInventory]]]:
        """A file for each test."""
        with TemporaryDirectory() as folder:
            async with async_sqlite(f"sqlite+aiosqlite:///{folder}/shop.db") as engine:

                def pair() -> tuple[AsyncSqlOrders, AsyncSqlInventory]:
                    inventory = AsyncSqlInventory(engine)
                    return AsyncSqlOrders(engine, inventory=inventory), inventory

                yield pair


@pytest.mark.long
class TestOrdersInTheHostsTransaction(Savepoints, OrderRepositoryContract):
    """In a transaction of the host's, which is still open."""

    machine_settings = BRIEFLY
    durable_on_save = False
    concurrent = False

    @contextmanager
    def make(self) -> Iterator[Callable[[], SqlOrders]]:
        """All of it on one connection."""
        with sqlite_file() as engine, engine.connect() as self.connection:
            yield lambda: SqlOrders(self.connection)


@pytest.mark.long
class TestStockInTheHostsTransaction(InventoryRepositoryContract):
    """In a transaction of the host's, which goes on after a refusal."""

    machine_settings = BRIEFLY
    concurrent = False

    @contextmanager
    def make(self) -> Iterator[Callable[[Policies], SqlInventory]]:
        """All of it on one connection."""
        with sqlite_file() as engine, engine.connect() as connection:
            yield lambda policies: SqlInventory(connection, policies=policies)


@pytest.mark.long
class TestStockInAnAsyncHostsTransaction(AsyncInventoryRepositoryContract):
    """The same for asyncio."""

    machine_settings = BRIEFLY
    concurrent = False

    @asynccontextmanager
    async def make(self) -> AsyncIterator[Callable[[Policies], AsyncSqlInventory]]:
        """All of it on one connection."""
        async with async_sqlite() as engine, engine.connect() as connection:
            yield lambda policies: AsyncSqlInventory(connection, policies=policies)


@pytest.mark.long
class TestJointInTheHostsTransaction(JointOrderRepositoryContract):
    """Orders and their postings, in a transaction of the host's."""

    concurrent = False

    @contextmanager
    def make(self) -> Iterator[Callable[[], tuple[SqlOrders, SqlInventory]]]:
        """All of it on one connection."""
        with sqlite_file() as engine, engine.connect() as connection:
            inventory = SqlInventory(connection)
            orders = SqlOrders(connection, inventory=inventory)
            yield lambda: (orders, inventory)
