"""Fresh databases with our tables: SQLite in a file and in memory, and PostgreSQL."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from sqlalchemy import Connection, Engine, StaticPool, create_engine, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from orderwright.adapters.sqlalchemy import SqlOrders, upgrade_schema
from orderwright.testing import Contract
from tests.postgres import Database, Server


def wal(engine: Engine) -> Engine:
    """Have a SQLite file keep a write-ahead log, as a host with several processes would."""

    @event.listens_for(engine, "connect")
    def choose(connection: object, _: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.close()

    return engine


@contextmanager
def sqlite_file() -> Iterator[Engine]:
    """A database in a file of its own."""
    with TemporaryDirectory() as folder:
        engine = wal(create_engine(f"sqlite:///{Path(folder) / 'shop.db'}"))
        upgrade_schema(engine)
        yield engine
        engine.dispose()


@contextmanager
def sqlite_memory() -> Iterator[Engine]:
    """A database in memory, on one connection that all threads share."""
    engine = create_engine(
        "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
    )
    upgrade_schema(engine)
    yield engine
    engine.dispose()


@asynccontextmanager
async def async_sqlite(url: str = "sqlite+aiosqlite://") -> AsyncIterator[AsyncEngine]:
    """A database for asyncio: in memory, or where the URL says."""
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(upgrade_schema)
    yield engine
    await engine.dispose()


@contextmanager
def postgres(server: Server) -> Iterator[Database]:
    """A database on the server: a copy of one that has our tables."""
    with server.database(server.prepared("orderwright", _tables)) as database:
        yield database


def _tables(database: Database) -> None:
    engine = create_engine(database.url())
    upgrade_schema(engine)
    engine.dispose()


BRIEFLY = settings(Contract.machine_settings, max_examples=4)
"""For ways of use that share their statements with others, which are looked at for longer."""


class Savepoints:
    """What the classes for a host's own transaction need: its connection."""

    connection: Connection

    @contextmanager
    def rolled_back(self, opener: Callable[[], SqlOrders]) -> Iterator[SqlOrders]:
        """What is written within a savepoint of the host's is undone with it."""
        savepoint = self.connection.begin_nested()
        yield opener()
        savepoint.rollback()


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
