"""Orders and stock in SQLite or PostgreSQL, through the engine or connection you hand in.

Needs the extra ``orderwright[sqlalchemy]``, and the driver of your database.
"""

from orderwright.adapters.sqlalchemy.asynchronous import AsyncSqlInventory, AsyncSqlOrders
from orderwright.adapters.sqlalchemy.repositories import SqlInventory, SqlOrders
from orderwright.adapters.sqlalchemy.schema import UPGRADES, upgrade_schema
from orderwright.adapters.sqlalchemy.tables import SQL_SCHEMA, TABLES, Tables

__all__ = [
    "SQL_SCHEMA",
    "TABLES",
    "UPGRADES",
    "AsyncSqlInventory",
    "AsyncSqlOrders",
    "SqlInventory",
    "SqlOrders",
    "Tables",
    "upgrade_schema",
]
