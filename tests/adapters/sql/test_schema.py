"""The tables: made once, brought up to date, and seen by a host's own migrations."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from threading import Barrier

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, Connection, Engine, Integer, MetaData, Table, create_engine, inspect
from sqlalchemy import text as sql

from orderwright import Posting
from orderwright.adapters.sqlalchemy import (
    SQL_SCHEMA,
    UPGRADES,
    SqlInventory,
    SqlOrders,
    Tables,
    schema,
    upgrade_schema,
)
from orderwright.adapters.sqlalchemy.functions import posting_functions
from orderwright.errors import AdapterFault
from tests.adapters.sql.stores import sqlite_file
from tests.postgres import Server
from tests.worlds import NOON, World, card, line


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An empty database of either kind (SQLite: with our tables under their default names)."""
    if request.param == "sqlite":
        with sqlite_file() as engine:
            yield engine
        return
    server: Server = request.getfixturevalue("pg_server")
    with server.database() as database:
        engine = create_engine(database.url())
        yield engine
        engine.dispose()


def test_making_the_tables_again_changes_nothing(engine: Engine) -> None:
    """A host may ask for them at each start: what is stored stays."""
    assert SQL_SCHEMA == upgrade_schema(engine)
    inventory = SqlInventory(engine)
    inventory.post(Posting.receive("d", "MUG", "MAIN", 1, at=NOON))
    assert SQL_SCHEMA == upgrade_schema(engine)
    assert 1 == inventory.supply(["MUG"], now=NOON)[0].available


def test_several_may_make_the_tables_at_once(engine: Engine) -> None:
    """Processes that start together do not get into each other's way."""
    tables = Tables(prefix="together_")
    start = Barrier(6)

    def starting(_: int) -> int:
        start.wait()
        return upgrade_schema(engine, tables)

    with ThreadPoolExecutor(6) as pool:
        assert [SQL_SCHEMA] * 6 == list(pool.map(starting, range(6)))


def test_tables_of_a_newer_version_are_refused(engine: Engine) -> None:
    """What a newer orderwright made is not touched by an older one."""
    upgrade_schema(engine)
    with engine.begin() as connection:
        connection.execute(sql("UPDATE orderwright_counters SET value = 99 WHERE name = 'schema'"))
    with pytest.raises(AdapterFault, match=f"of version 99; .* up to {SQL_SCHEMA}"):
        upgrade_schema(engine)


def test_older_tables_are_brought_up_to_date_once(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step runs once, in order, in the transaction that notes the new version."""
    upgrade_schema(engine)

    def add(connection: Connection, tables: Tables) -> None:
        connection.execute(sql(f"ALTER TABLE {tables.contacts.name} ADD COLUMN extra TEXT"))

    def drop(connection: Connection, tables: Tables) -> None:
        connection.execute(sql(f"ALTER TABLE {tables.contacts.name} RENAME extra TO more"))

    monkeypatch.setattr(schema, "SQL_SCHEMA", SQL_SCHEMA + 2)
    monkeypatch.setattr(schema, "UPGRADES", {SQL_SCHEMA: add, SQL_SCHEMA + 1: drop})
    for _ in range(2):
        assert SQL_SCHEMA + 2 == upgrade_schema(engine)
    columns = {one["name"] for one in inspect(engine).get_columns("orderwright_contacts")}
    assert {"id", "document", "more"} == columns


def test_a_step_that_fails_leaves_all_as_it_was(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The version is only noted if every step has succeeded."""
    upgrade_schema(engine)

    def fail(connection: Connection, _: Tables) -> None:
        connection.execute(sql("ALTER TABLE orderwright_contacts ADD COLUMN extra TEXT"))
        connection.execute(sql("SELECT nothing FROM nowhere"))

    with monkeypatch.context() as patch:
        patch.setattr(schema, "SQL_SCHEMA", SQL_SCHEMA + 1)
        patch.setattr(schema, "UPGRADES", {SQL_SCHEMA: fail})
        with pytest.raises(AdapterFault, match="the schema: "):
            upgrade_schema(engine)
    assert SQL_SCHEMA == upgrade_schema(engine)
    columns = {one["name"] for one in inspect(engine).get_columns("orderwright_contacts")}
    assert {"id", "document"} == columns


def shape(tables: Tables) -> Iterator[object]:
    """All that a database is told of the tables, in an order of its own."""
    for table in tables.all:
        yield table.name
        for column in table.columns:
            yield column.name, type(column.type).__name__, column.nullable, column.primary_key
        for index in sorted(table.indexes, key=lambda one: str(one.name)):
            where = [str(index.dialect_options[one]["where"]) for one in ("postgresql", "sqlite")]
            yield index.name, [one.name for one in index.columns], index.unique, where
        for check in sorted(table.constraints, key=lambda one: str(one.name)):
            yield str(check.name), str(getattr(check, "sqltext", ""))
    yield posting_functions(tables)


SHAPES = {1: "3a9901af"}
"""The first digits of what each version of the tables comes to.

Version 1 is open until it is released: nobody has tables of it yet."""


def test_tables_that_change_have_another_version() -> None:
    """Whoever has tables of this version keeps them: a change needs a new one, and a step to it."""
    told = sha256(repr(list(shape(Tables()))).encode()).hexdigest()
    assert SHAPES[SQL_SCHEMA] == told[:8]


def test_every_version_has_its_step() -> None:
    """From the first version on there is a way to today's."""
    assert list(range(1, SQL_SCHEMA)) == sorted(UPGRADES)


def test_alembic_sees_our_tables_beside_the_hosts(engine: Engine) -> None:
    """In the host's MetaData they are compared like its own: made by us, nothing is left to do."""
    metadata = MetaData()
    Table("customers", metadata, Column("id", Integer, primary_key=True))
    tables = Tables(metadata, prefix="shop_")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        todo = compare_metadata(context, metadata)
        missing = {one[1].name for one in todo if one[0] == "add_table"}
    assert {"customers", *(one.name for one in tables.all)} == missing
    upgrade_schema(engine, tables)
    with engine.begin() as connection:
        metadata.tables["customers"].create(connection)
        only_ours = MigrationContext.configure(
            connection,
            opts={"include_name": lambda name, kind, _: kind != "table" or not _default(name)},
        )
        assert [] == compare_metadata(only_ours, metadata)


def _default(name: str | None) -> bool:
    return (name or "").startswith("orderwright_")


def test_a_desk_works_on_tables_with_other_names(engine: Engine) -> None:
    """A prefix, and in PostgreSQL a schema, of the host's choice."""
    named = None
    if engine.dialect.name == "postgresql":
        named = "Our Shop"
        with engine.begin() as connection:
            connection.execute(sql(f'CREATE SCHEMA "{named}"'))
    tables = Tables(prefix="", schema=named)
    upgrade_schema(engine, tables)
    world = World()
    world.orders, world.inventory = (
        SqlOrders(engine, tables=tables),
        SqlInventory(engine, tables=tables),
    )
    world.receive("delivery-1", "MUG", "MAIN", 3)
    desk = world.new_desk()
    desk.place([line()], order_id="o1", tenders=[card()])
    desk.ship("o1", "f1", tracking="T1")
    assert "completed" == desk.deliver("o1", "f1").state.name
    assert ("o1",) == desk.find("tracking", "T1")
    assert len(world.orders.feed()) == desk.order("o1").version


def test_tables_made_in_the_hosts_transaction_go_with_it(engine: Engine) -> None:
    """Also where the driver would commit them by itself: nothing, or all of them, is there."""
    tables = Tables(prefix="undone_")
    for _ in range(2):
        with engine.connect() as connection:
            assert SQL_SCHEMA == upgrade_schema(connection, tables)
            connection.rollback()
        assert not inspect(engine).has_table("undone_counters")
    with engine.begin() as connection:
        upgrade_schema(connection, tables)
    assert all(inspect(engine).has_table(one.name) for one in tables.all)


def test_long_documents_are_compressed_by_lz4_where_the_server_can(
    pg_server: Server,
) -> None:
    """Each column of documents that grow long says so, whatever the prefix and the schema are."""
    with pg_server.database() as database:
        engine = create_engine(database.url())
        with engine.begin() as connection:
            connection.execute(sql('CREATE SCHEMA "Two words"'))
            upgrade_schema(connection, Tables(schema="Two words", prefix="Odd "))
            offered = connection.scalar(
                sql("SELECT enumvals FROM pg_settings WHERE name = 'default_toast_compression'")
            )
            found = connection.execute(
                sql(
                    "SELECT relname, attcompression FROM pg_attribute JOIN pg_class"
                    " ON attrelid = pg_class.oid WHERE attname = 'document' AND relname LIKE 'Odd%'"
                    " AND attcompression <> '' ORDER BY relname"
                )
            ).all()
        engine.dispose()
    every = [(f"Odd {name}", "l") for name in ("events", "orders", "postings")]
    assert every == [tuple(row) for row in found] if "lz4" in (offered or ()) else not found
