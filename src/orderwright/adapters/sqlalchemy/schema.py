"""Making the tables, and bringing older ones up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Engine, insert, inspect, select, update

from orderwright.adapters.sqlalchemy.functions import posting_functions
from orderwright.adapters.sqlalchemy.running import Work, explained, known
from orderwright.adapters.sqlalchemy.tables import SQL_SCHEMA, TABLES, Tables
from orderwright.errors import AdapterFault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection

__all__ = ["UPGRADES", "upgrade_schema"]

_ADAPTER = "tables in SQL"

UPGRADES: Mapping[int, Callable[[Connection, Tables], None]] = {}
"""What brings the tables of a version to the next one; each is run once, in the same transaction.

Hosts that use Alembic may run these in a migration of their own instead."""


def upgrade_schema(bind: Engine | Connection, tables: Tables = TABLES) -> int:
    """Make the tables that are not there and bring older ones up to date; return their version.

    Safe to call at each start, by several processes at once. On a connection it is part of the
    host's transaction; of an async engine: ``await connection.run_sync(upgrade_schema)``. Raises
    AdapterFault for tables that a newer version of orderwright has made.
    """
    known(bind.dialect)
    joined = not isinstance(bind, Engine)
    with explained(_ADAPTER, "the schema", joined=joined):
        work = Work(bind, _ADAPTER, joined=joined)
        try:
            # Begun as all our transactions are: SQLite lets one at a time make tables.
            with work.transaction():
                return _upgrade(work.connection, tables)
        finally:
            if not joined:
                work.close()


def _upgrade(connection: Connection, tables: Tables) -> int:
    if connection.dialect.name == "postgresql":
        # Two processes that both find no table must not both make it.
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('orderwright schema'))")
    counters = tables.counters
    found = 0
    if inspect(connection).has_table(counters.name, schema=counters.schema):
        mine = select(counters.c.value).where(counters.c.name == "schema").with_for_update()
        found = connection.scalar(mine) or 0
    if found > SQL_SCHEMA:
        told = f"the tables are of version {found}; this orderwright knows them up to {SQL_SCHEMA}"
        raise AdapterFault(_ADAPTER, told)
    if found == SQL_SCHEMA:
        return found  # who only uses the tables need not be their owner
    tables.metadata.create_all(connection, tables=tables.all)
    if connection.dialect.name == "postgresql":
        for function in posting_functions(tables):
            connection.exec_driver_sql(function)
        _compress(connection, tables)
    if not found:
        rows = [{"name": name, "value": 0} for name in ("feed", "postings")]
        connection.execute(insert(counters), [*rows, {"name": "schema", "value": SQL_SCHEMA}])
        return SQL_SCHEMA
    for version in range(found, SQL_SCHEMA):
        UPGRADES[version](connection, tables)
    mine_ = counters.c.name == "schema"
    connection.execute(update(counters).where(mine_).values(value=SQL_SCHEMA))
    return SQL_SCHEMA


def _compress(connection: Connection, tables: Tables) -> None:
    """Have long documents compressed by lz4, which takes a fraction of the time of the default.

    Where PostgreSQL was built with it
    (https://www.postgresql.org/docs/current/sql-altertable.html, SET COMPRESSION).
    """
    known = "SELECT 'lz4' = ANY(enumvals) FROM pg_settings WHERE name = 'default_toast_compression'"
    if connection.exec_driver_sql(known).scalar():
        for table in (tables.orders, tables.events, tables.postings):
            name = connection.dialect.identifier_preparer.format_table(table)
            connection.exec_driver_sql(f"ALTER TABLE {name} ALTER document SET COMPRESSION lz4")
