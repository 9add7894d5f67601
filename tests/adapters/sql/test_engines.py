"""The engines that hosts make: who begins a transaction, who ends it, whose tables are meant."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.ext.asyncio import create_async_engine

from orderwright import Posting
from orderwright.adapters.sqlalchemy import AsyncSqlInventory, SqlInventory, upgrade_schema
from orderwright.errors import AdapterFault
from tests.adapters.sql.stores import postgres
from tests.postgres import Server
from tests.worlds import NOON

HASTY = {"timeout": 0.05}
"""Whoever finds the file locked waits so many seconds."""


def delivered(name: str) -> Posting:
    """Five mugs come in."""
    return Posting.receive(name, "MUG", "MAIN", 5, at=NOON)


def available(engine: Engine) -> int:
    """So many mugs are there."""
    return sum(one.available for one in SqlInventory(engine).supply(["MUG"], now=NOON))


def listening(engine: Engine) -> Engine:
    """The way that SQLAlchemy's documentation has SQLite begin when SQLAlchemy does."""

    @event.listens_for(engine, "connect")
    def leave_it_to_us(driver: object, _: object) -> None:
        driver.isolation_level = None

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


@contextmanager
def disposed(engine: Engine) -> Iterator[Engine]:
    """The engine, for as long as it is needed."""
    yield engine
    engine.dispose()


def written_for(engine: Engine) -> None:
    """On the engine each posting commits; in the host's transaction it is undone with it."""
    assert 1 == upgrade_schema(engine)
    SqlInventory(engine).post(delivered("d1"))
    for begun in (False, True):
        with engine.connect() as connection:
            if begun:
                connection.begin()
            SqlInventory(connection).post(delivered("d2"))
            connection.rollback()
    assert 5 == available(engine)
    with engine.begin() as connection:
        SqlInventory(connection).post(delivered("d2"))
    assert 10 == available(engine)
    with disposed(create_engine(engine.url)) as other, other.begin() as connection:
        SqlInventory(connection).post(delivered("d3"))
        with pytest.raises(AdapterFault, match="locked") as caught:
            SqlInventory(engine).post(delivered("d4"))
        assert caught.value.retryable


def test_a_host_that_begins_by_a_listener_is_written_for(tmp_path: Path) -> None:
    """SQLAlchemy says when a transaction begins, and ours need not."""
    with disposed(
        listening(create_engine(f"sqlite:///{tmp_path}/shop.db", connect_args=HASTY))
    ) as engine:
        written_for(engine)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="drivers before 3.12 cannot do that")
def test_a_host_whose_driver_is_always_in_a_transaction_is_written_for(tmp_path: Path) -> None:
    """The driver begins the next one whenever it has ended one."""
    told = {**HASTY, "autocommit": False}
    with disposed(create_engine(f"sqlite:///{tmp_path}/shop.db", connect_args=told)) as engine:
        written_for(engine)


def test_an_async_host_that_begins_by_a_listener_is_written_for(tmp_path: Path) -> None:
    """The same for tasks."""

    async def run() -> int:
        engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/shop.db")
        listening(engine.sync_engine)
        async with engine.begin() as connection:
            await connection.run_sync(upgrade_schema)
        inventory = AsyncSqlInventory(engine)
        await inventory.post(delivered("d1"))
        async with engine.connect() as connection:
            await AsyncSqlInventory(connection).post(delivered("d2"))
            await connection.rollback()
        (found,) = await inventory.supply(["MUG"], now=NOON)
        await engine.dispose()
        return found.available

    assert 5 == asyncio.run(run())


def refused_in_autocommit(engine: Engine) -> None:
    """Whatever a host does in its transaction, ours would not be undone with it."""
    upgrade_schema(engine)
    for begun in (False, True):
        with engine.connect() as connection:
            if begun:
                connection.begin()
            with pytest.raises(AdapterFault, match="pass the engine"):
                SqlInventory(connection).post(delivered("d1"))
            with pytest.raises(AdapterFault, match="pass the engine"):
                upgrade_schema(connection)
            connection.rollback()
    assert not available(engine)
    SqlInventory(engine).post(delivered("d1"))
    assert 5 == available(engine)


def test_an_engine_in_autocommit_has_no_transaction_to_be_part_of(
    tmp_path: Path, pg_server: Server
) -> None:
    """Its connections are refused, as nothing could be rolled back; the engine serves."""
    url = f"sqlite:///{tmp_path}/shop.db"
    with disposed(create_engine(url, isolation_level="AUTOCOMMIT")) as engine:
        refused_in_autocommit(engine)
    with (
        postgres(pg_server) as database,
        disposed(create_engine(database.url(), isolation_level="AUTOCOMMIT")) as engine,
    ):
        refused_in_autocommit(engine)


def test_translated_schemas_are_refused(tmp_path: Path, pg_server: Server) -> None:
    """Not every statement can be sent elsewhere: nothing is read or written in the wrong place."""

    def refused(engine: Engine) -> None:
        elsewhere = engine.execution_options(schema_translate_map={None: "tenant"})
        for call in (
            lambda: SqlInventory(elsewhere).post(delivered("d1")),
            lambda: SqlInventory(elsewhere).supply(["MUG"], now=NOON),
            lambda: upgrade_schema(elsewhere),
        ):
            with pytest.raises(AdapterFault, match=r"Tables\(schema='tenant'\)"):
                call()
        assert not available(engine)

    with disposed(create_engine(f"sqlite:///{tmp_path}/shop.db")) as engine:
        upgrade_schema(engine)
        refused(engine)
    with postgres(pg_server) as database, disposed(create_engine(database.url())) as engine:
        refused(engine)
