"""The tables: what people query stands in columns, and the whole of it in a JSON document."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, final

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    text,
)

if TYPE_CHECKING:
    from sqlalchemy import Dialect
    from sqlalchemy.types import TypeEngine

__all__ = ["SQL_SCHEMA", "TABLES", "Moment", "Tables", "indexed", "storable", "written", "zoned"]

SQL_SCHEMA = 1
"""The version of the tables; :func:`.upgrade_schema` brings older ones up to it."""

# Ids are compared and sorted by code point, as Python does it, whatever the database's collation.
_ID = Text().with_variant(Text(collation="C"), "postgresql")
# SQLite counts by itself only in a column that is exactly an INTEGER.
_NUMBER = BigInteger().with_variant(Integer, "sqlite")


@final
class Moment(TypeDecorator[datetime]):
    """An aware datetime, in UTC: a timestamp with time zone, or in SQLite a text that sorts."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = DateTime(timezone=True)
    cache_ok: bool | None = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[datetime] | TypeEngine[str]:
        """Choose the column type."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(Text())
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | str | None:
        """Write it."""
        if value is None:
            return None
        return written(zoned(value)) if dialect.name == "sqlite" else zoned(value)

    def process_result_value(
        self,
        value: datetime | str | None,
        dialect: Dialect,  # noqa: ARG002
    ) -> datetime | None:
        """Read it."""
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        return None if value is None else value.astimezone(UTC)


def zoned(moment: datetime) -> datetime:
    """Return a moment; raise ValueError for one that has no time zone."""
    if moment.utcoffset() is None:
        raise ValueError(f"{moment.isoformat()} has no time zone")
    return moment


def written(moment: datetime) -> str:
    """Return a moment as text that sorts like it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def storable(*names: str) -> bool:
    """Whether all of these are text to a database: what is none, nothing in it is called."""
    return not any(
        "\0" in name or (not name.isascii() and any("\ud800" <= one <= "\udfff" for one in name))
        for name in names
    )


def indexed(name: str) -> str:
    """Return ``name`` as an index can hold it: a long one is cut, and known by its digest.

    PostgreSQL indexes a third of a page at most, and a provider's reference may be longer. None
    that is short looks like what a long one comes to.
    """
    if len(name) <= _INDEXED:
        return name
    return f"{name[:_INDEXED]}~{sha256(name.encode(errors='surrogatepass')).hexdigest()}"


_INDEXED = 200


@final
class Tables:
    """The tables of orders and stock, in a MetaData of your own if you give it.

    All names begin with ``prefix``; ``schema`` is the database schema they lie in, if not the
    default one. A host whose Alembic compares ``metadata`` with the database sees them there.
    """

    def __init__(
        self,
        metadata: MetaData | None = None,
        *,
        prefix: str = "orderwright_",
        schema: str | None = None,
    ) -> None:
        self.metadata: MetaData = MetaData() if metadata is None else metadata
        self.prefix: str = prefix
        self.schema: str | None = schema
        self.orders: Table = self._orders()
        self.events: Table = self._events()
        self.feed: Table = self._feed()
        self.references: Table = self._table(
            "references",
            Column("kind", _ID, primary_key=True),
            Column("value", _ID, primary_key=True),
            Column("order_id", _ID, primary_key=True),
        )
        self.contacts: Table = self._table(
            "contacts",
            Column("id", _ID, primary_key=True),
            Column("document", JSON, nullable=False),
        )
        self.fulfillments: Table = self._fulfillments()
        self.postings: Table = self._postings()
        self.balances: Table = self._balances()
        self.lots: Table = self._table(
            "lots",
            Column("sku", _ID, primary_key=True),
            Column("lot", _ID, primary_key=True),
            Column("best_before", Moment, nullable=False),
        )
        self.counters: Table = self._table(
            "counters",
            Column("name", _ID, primary_key=True),
            Column("value", BigInteger, nullable=False),
        )

    @property
    def all(self) -> tuple[Table, ...]:
        """Every table."""
        orders = (self.orders, self.events, self.feed, self.references, self.fulfillments)
        stock = (self.postings, self.balances, self.lots)
        return (*orders, self.contacts, *stock, self.counters)

    def _table(self, name: str, *parts: Column[object] | Index | CheckConstraint) -> Table:
        return Table(self.prefix + name, self.metadata, *parts, schema=self.schema)

    def _index(self, name: str, *columns: str, where: str = "", unique: bool = False) -> Index:
        condition = text(where) if where else None
        return Index(
            f"{self.prefix}{name}",
            *columns,
            unique=unique,
            postgresql_where=condition,
            sqlite_where=condition,
        )

    def _orders(self) -> Table:
        return self._table(
            "orders",
            Column("id", _ID, primary_key=True),
            Column("version", BigInteger, nullable=False),
            Column("state", _ID, nullable=False),
            Column("customer_id", _ID, nullable=False),
            Column("channel", _ID, nullable=False),
            Column("placed_at", Moment, nullable=False),
            Column("due_at", Moment),
            Column("document", JSON, nullable=False),
            self._index("orders_state", "state", "id"),
            self._index("orders_customer", "customer_id", "id"),
            self._index("orders_placed", "placed_at"),
            self._index("orders_due", "due_at", "id", where="due_at IS NOT NULL"),
        )

    def _events(self) -> Table:
        return self._table(
            "events",
            Column("order_id", _ID, primary_key=True),
            Column("number", BigInteger, primary_key=True),
            Column("key", _ID, nullable=False),
            Column("type", _ID, nullable=False),
            Column("at", Moment, nullable=False),
            Column("document", JSON, nullable=False),
            self._index("events_key", "order_id", "key", where="key <> ''"),
        )

    def _feed(self) -> Table:
        """Which events were saved together; whoever reads the feed gives them their positions."""
        return self._table(
            "feed",
            Column("id", _NUMBER, Identity(), primary_key=True),
            Column("order_id", _ID, nullable=False),
            Column("first", BigInteger, nullable=False),
            Column("last", BigInteger, nullable=False),
            Column("position", BigInteger),
            self._index("feed_position", "position", where="position IS NOT NULL", unique=True),
            self._index("feed_new", "id", where="position IS NULL"),
        )

    def _fulfillments(self) -> Table:
        return self._table(
            "fulfillments",
            Column("order_id", _ID, primary_key=True),
            Column("fulfillment_id", _ID, primary_key=True),
            Column("location", _ID, nullable=False),
            Column("state", _ID, nullable=False),
            self._index("fulfillments_location", "location", "state", "order_id"),
        )

    def _postings(self) -> Table:
        return self._table(
            "postings",
            Column("number", _NUMBER, Identity(), primary_key=True),
            Column("id", _ID, nullable=False, unique=True),
            Column("at", Moment, nullable=False),
            Column("order_id", _ID, nullable=False),
            Column("position", BigInteger),
            Column("document", JSON, nullable=False),
            self._index("postings_position", "position", where="position IS NOT NULL", unique=True),
            self._index("postings_new", "number", where="position IS NULL"),
        )

    def _balances(self) -> Table:
        """A row for each account; in the available ones, how many of the lot are reserved there.

        On PostgreSQL what is available may lie in several rows that differ in ``part``: add them
        up. Of a single one, ``reserved`` may be below zero.

        The bucket comes early in the key: most questions are about a few buckets of a SKU.
        ``floor`` is what its units never fall below, null where they may. ``order_id`` and what
        follows are of named accounts only: whose they are, by which posting and as which of its
        entries they were made, and their terms.
        """
        return self._table(
            "balances",
            Column("sku", _ID, primary_key=True),
            Column("bucket", _ID, primary_key=True),
            Column("location", _ID, primary_key=True),
            Column("reservation", _ID, primary_key=True),
            Column("lot", _ID, primary_key=True),
            Column("part", Integer, primary_key=True, server_default="0"),
            Column("units", BigInteger, nullable=False),
            Column("reserved", BigInteger, nullable=False),
            Column("floor", BigInteger),
            Column("order_id", _ID),
            Column("posting", _ID),
            Column("entry", Integer),
            Column("expires_at", Moment),
            Column("expected_at", Moment),
            Column("priority", BigInteger),
            CheckConstraint("units >= floor", name=f"{self.prefix}balances_floor"),
            self._index("balances_order", "order_id", where="order_id IS NOT NULL"),
            self._index("balances_lapsing", "sku", "expires_at", where="expires_at IS NOT NULL"),
        )


TABLES = Tables()
"""The tables under their default names, in a MetaData of their own."""
