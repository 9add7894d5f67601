"""Saving an order: all that is kept of it, in one statement where the database can."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias, final

from sqlalchemy import (
    JSON,
    BigInteger,
    Text,
    bindparam,
    delete,
    func,
    literal,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy.exc import DBAPIError, StatementError

from orderwright.adapters.sqlalchemy.documents import dumped
from orderwright.adapters.sqlalchemy.functions import NOT_WRITTEN, posting_call
from orderwright.adapters.sqlalchemy.given import document, given, inserting
from orderwright.adapters.sqlalchemy.running import code_of
from orderwright.adapters.sqlalchemy.said import Said
from orderwright.adapters.sqlalchemy.tables import Moment, Tables, indexed, written

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from sqlalchemy import CTE, ColumnElement, Delete, Executable, Table
    from sqlalchemy.dialects import postgresql, sqlite
    from sqlalchemy.sql.dml import ReturningInsert, ReturningUpdate

    from orderwright.adapters.sqlalchemy.given import Columns
    from orderwright.adapters.sqlalchemy.postings import Along
    from orderwright.adapters.sqlalchemy.running import Work
    from orderwright.codec import Codec
    from orderwright.orders.contacts import Contact
    from orderwright.orders.events import Event
    from orderwright.orders.order import Order

    _Insert: TypeAlias = postgresql.Insert | sqlite.Insert
    _Write: TypeAlias = _Insert | Delete

__all__ = ["NotAlong", "Saving"]

_EVENT: Columns = {
    "number": BigInteger(),
    "key": Text(),
    "type": Text(),
    "at": Moment(),
    "document": JSON(),
}
_REFERENCE: Columns = {"kind": Text(), "value": Text()}
_FULFILLMENT: Columns = {"fulfillment_id": Text(), "location": Text(), "state": Text()}


class NotAlong(Exception):
    """The posting could not be written along with the order."""


@contextmanager
def _all_or_nothing() -> Generator[None]:
    try:
        yield
    except DBAPIError as error:
        if code_of(error) == NOT_WRITTEN:
            raise NotAlong from None
        raise


@contextmanager
def _unsaid() -> Generator[None]:
    """Keep what was to be written out of what is printed of an error: it is personal."""
    try:
        yield
    except StatementError as error:
        error.hide_parameters = True
        raise


@final
class Saving:
    """The statements of a save, made once."""

    def __init__(self, tables: Tables, codec: Codec) -> None:
        self._tables = tables
        self._codec = codec
        self._at_once = {
            (new, along): Said(self._chained(new=new, along=along))
            for new in (True, False)
            for along in (True, False)
        }
        self._order = {new: self._ordered(new=new, pg=False) for new in (True, False)}
        only = select(bindparam("order_id", type_=Text).label("id")).cte("saved")
        self._parts = self._dependent(only, pg=False)

    def run(
        self,
        work: Work,
        order: Order,
        events: Sequence[Event],
        expected: int,
        contacts: Mapping[str, Contact | None],
        *,
        along: Along | None = None,
    ) -> bool:
        """Write everything; return whether the stored version was the ``expected`` one.

        Raises NotAlong, and leaves nothing written, if the posting ``along`` cannot be.
        """
        facts = self._facts(order, events, expected)
        if along is not None:
            facts |= along.facts
            facts["joined"] = work.joined
        statement = self._at_once[not expected, along is not None]
        # A refusal is an error of the statement, which a host's transaction only survives behind a
        # savepoint.
        if work.one_statement and not contacts and not (along is not None and work.joined):
            with _all_or_nothing():
                return bool(statement.scalar(work, facts))
        with _all_or_nothing(), work.transaction():
            if work.one_statement:
                saved = bool(statement.scalar(work, facts))
            else:
                saved = self._in_turn(work, facts)
                if saved and along is not None and not along.written(work):
                    raise NotAlong
            if saved:
                self._keep(work, contacts)
        return saved

    def _facts(self, order: Order, events: Sequence[Event], expected: int) -> dict[str, Any]:
        documents = [self._codec.encode_event(one) for one in events]
        return {
            "order_id": order.id,
            "expected": expected,
            "version": order.version,
            "state": order.state.name,
            "customer_id": order.customer_id,
            "channel": order.channel,
            "placed_at": order.placed_at,
            "due_at": order.due_at,
            "document": dumped(self._codec.encode_order(order)),
            "first": expected + 1,
            "last": expected + len(events),
            "events": dumped(
                [
                    {
                        "number": number,
                        "key": event.key,
                        "type": document["type"],
                        "at": written(event.at),
                        "document": document,
                    }
                    for number, (event, document) in enumerate(
                        zip(events, documents, strict=True), expected + 1
                    )
                ]
            ),
            "references": dumped(
                [
                    {"kind": one.kind, "value": indexed(one.value)}
                    for one in dict.fromkeys(order.all_references)
                ]
            ),
            "fulfillments": dumped(
                [
                    {"fulfillment_id": one.id, "location": one.location, "state": one.state.name}
                    for one in order.fulfillments
                ]
            ),
        }

    def _in_turn(self, work: Work, facts: Mapping[str, Any]) -> bool:
        saved = work.connection.scalar(self._order[not facts["expected"]], facts) is not None
        if saved:
            for part in self._parts:
                work.connection.execute(part, facts)
        return saved

    def _chained(self, *, new: bool, along: bool) -> Executable:
        """Return the one statement that writes the order, and all else only if that was written.

        Counting its row calls the function that writes the posting ``along``: the order is locked
        before the stock, and as long.
        """
        saved = self._ordered(new=new, pg=True).cte("saved")
        parts = self._dependent(saved, pg=True)
        posted = text(posting_call(self._tables, required=True)) if along else None
        chain = select(func.count(posted) if along else func.count()).select_from(saved)
        return chain.add_cte(*(part.cte(f"part_{n}") for n, part in enumerate(parts)))

    def _ordered(self, *, new: bool, pg: bool) -> ReturningInsert[str] | ReturningUpdate[str]:
        """Return the write of the order itself, under the condition that decides about all."""
        table = self._tables.orders
        names = "version state customer_id channel placed_at due_at".split()
        values: dict[str, ColumnElement[Any]] = {
            name: bindparam(name, type_=table.c[name].type) for name in names
        }
        values["document"] = document(bindparam("document", type_=Text), pg=pg)
        if new:
            values["id"] = bindparam("order_id", type_=Text)
            added = inserting(table, pg=pg).values(values).on_conflict_do_nothing()
            return added.returning(table.c.id)
        mine = (table.c.id == bindparam("order_id")) & (table.c.version == bindparam("expected"))
        return update(table).where(mine).values(values).returning(table.c.id)

    def _dependent(self, saved: CTE, *, pg: bool) -> tuple[_Write, ...]:
        """Return what is written if there is a row in ``saved``: the id of the order."""
        tables = self._tables
        events = given("events", _EVENT, pg=pg)
        references = given("references", _REFERENCE, pg=pg)
        fulfillments = given("fulfillments", _FULFILLMENT, pg=pg)
        first, last = (bindparam(name, type_=BigInteger) for name in ("first", "last"))
        placed = _copied(tables.fulfillments, saved, fulfillments, pg=pg)
        there = (tables.fulfillments.c[name] for name in ("location", "state"))
        return (
            _copied(tables.events, saved, events, pg=pg),
            inserting(tables.feed, pg=pg).from_select(
                ["order_id", "first", "last"], select(saved.c.id, first, last).where(first <= last)
            ),
            _copied(tables.references, saved, references, pg=pg).on_conflict_do_nothing(),
            placed.on_conflict_do_update(
                index_elements=["order_id", "fulfillment_id"],
                set_={one.name: placed.excluded[one.name] for one in there},
                where=or_(
                    *(
                        tables.fulfillments.c[name] != placed.excluded[name]
                        for name in ("location", "state")
                    )
                ),
            ),
            delete(tables.fulfillments).where(
                tables.fulfillments.c.order_id == select(saved.c.id).scalar_subquery(),
                tables.fulfillments.c.fulfillment_id.not_in(select(fulfillments.c.fulfillment_id)),
            ),
        )

    def _keep(self, work: Work, contacts: Mapping[str, Contact | None]) -> None:
        table, pg = self._tables.contacts, work.one_statement
        # By id, as everybody does, so that nobody waits in a circle.
        for contact_id, contact in sorted(contacts.items(), key=_first):
            if contact is None:
                work.connection.execute(delete(table).where(table.c.id == contact_id))
                continue
            told = literal(dumped(self._codec.encode(contact)), Text)
            kept = inserting(table, pg=pg).values(id=contact_id, document=document(told, pg=pg))
            again = kept.on_conflict_do_update(
                index_elements=["id"], set_={"document": kept.excluded.document}
            )
            with _unsaid():
                work.connection.execute(again)


def _first(pair: tuple[str, object]) -> str:
    return pair[0]


def _copied(table: Table, saved: CTE, rows: CTE, *, pg: bool) -> _Insert:
    """Return the insert of all ``rows`` for the order in ``saved``."""
    # Without a condition SQLite would take ON CONFLICT for a part of a join.
    source = select(saved.c.id, *rows.c).select_from(saved.join(rows, true())).where(true())
    return inserting(table, pg=pg).from_select(["order_id", *rows.c.keys()], source)
