"""Stock in PostgreSQL keeps every clause of its port, in each way of use."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from orderwright.adapters.sqlalchemy import AsyncSqlInventory, SqlInventory
from orderwright.inventory.guard import Policies
from orderwright.testing import AsyncInventoryRepositoryContract, InventoryRepositoryContract
from tests.adapters.sql.stores import BRIEFLY, OnPostgres, postgres


class TestStockInPostgres(OnPostgres, InventoryRepositoryContract):
    """On PostgreSQL."""

    machine_settings = BRIEFLY

    @contextmanager
    def make(self) -> Iterator[Callable[[Policies], SqlInventory]]:
        """A database for each test."""
        with self.engine() as engine:
            yield lambda policies: SqlInventory(engine, policies=policies)


@pytest.mark.long
class TestStockInPostgresAsync(OnPostgres, AsyncInventoryRepositoryContract):
    """For asyncio, on PostgreSQL."""

    machine_settings = BRIEFLY

    @asynccontextmanager
    async def make(self) -> AsyncIterator[Callable[[Policies], AsyncSqlInventory]]:
        """A database for each test."""
        with postgres(self.server) as database:
            engine = create_async_engine(database.url(), pool_size=20)
            yield lambda policies: AsyncSqlInventory(engine, policies=policies)
            await engine.dispose()


@pytest.mark.long
class TestStockInTheHostsTransaction(OnPostgres, InventoryRepositoryContract):
    """In a transaction of the host's, which is still open."""

    machine_settings = BRIEFLY
    concurrent = False

    @contextmanager
    def make(self) -> Iterator[Callable[[Policies], SqlInventory]]:
        """All of it on one connection."""
        with self.engine() as engine, engine.connect() as connection:
            yield lambda policies: SqlInventory(connection, policies=policies)
