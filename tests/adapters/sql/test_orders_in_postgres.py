"""Orders in PostgreSQL keep every clause of their port, in each way of use."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from orderwright.adapters.sqlalchemy import (
    AsyncSqlInventory,
    AsyncSqlOrders,
    SqlInventory,
    SqlOrders,
    Tables,
)
from orderwright.errors import AdapterFault, InvalidInput
from orderwright.testing import (
    AsyncJointOrderRepositoryContract,
    AsyncOrderRepositoryContract,
    JointOrderRepositoryContract,
    OrderRepositoryContract,
)
from orderwright.testing.samples import placed
from orderwright.testing.stock_samples import held, reserve
from tests.adapters.sql.stores import BRIEFLY, OnPostgres, Savepoints, postgres


class TestOrdersInPostgres(OnPostgres, OrderRepositoryContract):
    """On PostgreSQL."""

    machine_settings = BRIEFLY
    durable_on_save = True

    @contextmanager
    def make(self) -> Iterator[Callable[[], SqlOrders]]:
        """A database for each test."""
        with self.engine() as engine:
            yield lambda: SqlOrders(engine)


@pytest.mark.long
class TestOrdersInPostgresAsync(OnPostgres, AsyncOrderRepositoryContract):
    """For asyncio, on PostgreSQL."""

    machine_settings = BRIEFLY
    durable_on_save = True

    @asynccontextmanager
    async def make(self) -> AsyncIterator[Callable[[], AsyncSqlOrders]]:
        """A database for each test."""
        with postgres(self.server) as database:
            engine = create_async_engine(database.url(), pool_size=20)
            yield lambda: AsyncSqlOrders(engine)
            await engine.dispose()


@pytest.mark.long
class TestOrdersInTheHostsTransaction(Savepoints, OnPostgres, OrderRepositoryContract):
    """In a transaction of the host's, which is still open."""

    machine_settings = BRIEFLY
    durable_on_save = False
    concurrent = False

    @contextmanager
    def make(self) -> Iterator[Callable[[], SqlOrders]]:
        """All of it on one connection."""
        with self.engine() as engine, engine.connect() as self.connection:
            yield lambda: SqlOrders(self.connection)


class TestJointInPostgres(OnPostgres, JointOrderRepositoryContract):
    """Orders and their postings, in one statement."""

    @contextmanager
    def make(self) -> Iterator[Callable[[], tuple[SqlOrders, SqlInventory]]]:
        """A database for each test."""
        with self.engine() as engine:

            def pair() -> tuple[SqlOrders, SqlInventory]:
                inventory = SqlInventory(engine)
                return SqlOrders(engine, inventory=inventory), inventory

            yield pair

    def test_an_inventory_of_another_place_is_refused(self) -> None:
        """On another engine, or in other tables: it could not be one transaction."""
        with self.engine() as engine, self.engine() as other:
            for elsewhere in (SqlInventory(other), SqlInventory(engine, tables=Tables(prefix="x"))):
                with pytest.raises(InvalidInput, match="another engine"):
                    SqlOrders(engine, inventory=elsewhere)
            save = placed("o1")
            with pytest.raises(AdapterFault, match="without an inventory"):
                SqlOrders(engine).save_and_post(
                    save.order, save.events, reserve("p1", held("r1")), expected_version=0
                )


@pytest.mark.long
class TestJointInPostgresAsync(OnPostgres, AsyncJointOrderRepositoryContract):
    """Orders and their postings, for asyncio."""

    @asynccontextmanager
    async def make(self) -> AsyncIterator[Callable[[], tuple[AsyncSqlOrders, AsyncSqlInventory]]]:
        """A database for each test."""
        with postgres(self.server) as database:
            engine = create_async_engine(database.url(), pool_size=20)

            def pair() -> tuple[AsyncSqlOrders, AsyncSqlInventory]:
                inventory = AsyncSqlInventory(engine)
                return AsyncSqlOrders(engine, inventory=inventory), inventory

            yield pair
            await engine.dispose()


class TestJointInTheHostsTransaction(OnPostgres, JointOrderRepositoryContract):
    """In a transaction of the host's, which goes on after a refusal."""

    concurrent = False

    @contextmanager
    def make(self) -> Iterator[Callable[[], tuple[SqlOrders, SqlInventory]]]:
        """All of it on one connection."""
        with self.engine() as engine, engine.connect() as connection:
            inventory = SqlInventory(connection)
            orders = SqlOrders(connection, inventory=inventory)
            yield lambda: (orders, inventory)
