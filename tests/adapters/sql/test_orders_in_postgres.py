"""Orders in PostgreSQL keep every clause of their port, in each way of use."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from orderwright.adapters.sqlalchemy import AsyncSqlOrders, SqlOrders
from orderwright.testing import AsyncOrderRepositoryContract, OrderRepositoryContract
from tests.adapters.sql.stores import BRIEFLY, OnPostgres, postgres


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
class TestOrdersInTheHostsTransaction(OnPostgres, OrderRepositoryContract):
    """In a transaction of the host's, which is still open."""

    machine_settings = BRIEFLY
    durable_on_save = False
    concurrent = False
    connection: Connection

    @contextmanager
    def make(self) -> Iterator[Callable[[], SqlOrders]]:
        """All of it on one connection."""
        with self.engine() as engine, engine.connect() as self.connection:
            yield lambda: SqlOrders(self.connection)

    @contextmanager
    def rolled_back(self, opener: Callable[[], SqlOrders]) -> Iterator[SqlOrders]:
        """What is written within a savepoint of the host's is undone with it."""
        savepoint = self.connection.begin_nested()
        yield opener()
        savepoint.rollback()
