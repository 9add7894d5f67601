"""Orders in tables: what each verb of the order repository asks the database."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, final

from sqlalchemy import (
    BigInteger,
    and_,
    bindparam,
    func,
    literal,
    literal_column,
    select,
    tuple_,
)

from orderwright.adapters.sqlalchemy.documents import Documents, as_text
from orderwright.adapters.sqlalchemy.positions import Positions
from orderwright.adapters.sqlalchemy.said import Said
from orderwright.adapters.sqlalchemy.saving import NotAlong, Saving
from orderwright.adapters.sqlalchemy.tables import Moment, indexed, storable
from orderwright.codec import Codec
from orderwright.errors import AdapterFault, Conflict, OutOfStock
from orderwright.orders.contacts import Contact
from orderwright.ports import DueOrder, FeedEntry, OpenFulfillment

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Row, Select

    from orderwright.adapters.sqlalchemy.postings import Along
    from orderwright.adapters.sqlalchemy.running import Work
    from orderwright.adapters.sqlalchemy.tables import Tables
    from orderwright.lifecycles import Lifecycles
    from orderwright.orders.events import Event
    from orderwright.orders.lines import Reference
    from orderwright.orders.order import Order
    from orderwright.ports import OrderQuery

__all__ = ["ADAPTER", "Orders", "orders_in"]

ADAPTER = "orders in SQL"


@lru_cache(maxsize=16)
def orders_in(tables: Tables, lifecycles: Lifecycles) -> Orders:
    """Return the verbs for these tables: their statements are made once, for all repositories."""
    return Orders(tables, lifecycles)


@final
class Orders:
    """The verbs of :class:`.OrderRepository`, on a connection that is handed in."""

    def __init__(self, tables: Tables, lifecycles: Lifecycles) -> None:
        codec = Codec(lifecycles)
        self._tables = tables
        self._documents = Documents(ADAPTER, codec)
        self._saving = Saving(tables, codec)
        feed, orders, events = tables.feed, tables.orders, tables.events
        self._positions = Positions(tables, "feed", feed, feed.c.id, feed.c.last - feed.c.first + 1)
        named = orders.c.id == bindparam("order_id")
        self._load = Said(select(orders.c.version, as_text(orders.c.document)).where(named))
        self._version = Said(select(orders.c.version).where(named))
        mine = events.c.order_id == bindparam("order_id")
        told = select(events.c.number, as_text(events.c.document)).order_by(events.c.number)
        self._events = told.where(mine, events.c.number > bindparam("after"))
        # Word for word what the partial index says, so that it serves a plan for any key as well;
        # put in order here, or SQLite would rather read the whole history in its order.
        keyed = (events.c.key == bindparam("key")) & (events.c.key != literal_column("''"))
        both = select(
            orders.c.version,
            as_text(orders.c.document),
            events.c.number,
            as_text(events.c.document),
        ).outerjoin_from(orders, events, (events.c.order_id == orders.c.id) & keyed)
        self._with_key = Said(both.where(named))
        self._feed = _feed(tables)

    def load(self, work: Work, order_id: str) -> Order | None:
        """See :meth:`.OrderRepository.load`."""
        rows = self._load.rows(work, {"order_id": order_id}) if storable(order_id) else ()
        return self._order(order_id, *rows[0]) if rows else None

    def load_with_key(
        self, work: Work, order_id: str, key: str
    ) -> tuple[Order | None, tuple[Event, ...]]:
        """See :meth:`.OrderRepository.load_with_key`: one statement sees one moment."""
        if not storable(order_id):
            return None, ()
        asked = {"order_id": order_id, "key": key if storable(key) else ""}
        rows = self._with_key.rows(work, asked)
        if not rows:
            return None, ()
        told = sorted((number, event) for _, _, number, event in rows if number is not None)
        events = tuple(self._event(order_id, *one) for one in told)
        return self._order(order_id, *rows[0][:2]), events

    def save(
        self,
        work: Work,
        order: Order,
        events: Sequence[Event],
        expected_version: int,
        contacts: Mapping[str, Contact | None],
        *,
        along: Along | None = None,
    ) -> None:
        """See :meth:`.OrderRepository.save`; ``along`` writes a posting with it, or nothing."""
        try:
            saved = self._saving.run(work, order, events, expected_version, contacts, along=along)
        except NotAlong:
            raise OutOfStock((), order.id) from None
        if not saved:
            version = self._version.scalar(work, {"order_id": order.id})
            raise Conflict(order.id, expected_version, version or 0)

    def contact(self, work: Work, contact_id: str) -> Contact | None:
        """See :meth:`.OrderRepository.contact`."""
        if not storable(contact_id):
            return None
        table = self._tables.contacts
        document = work.connection.scalar(
            select(as_text(table.c.document)).where(table.c.id == contact_id)
        )
        if document is None:
            return None
        codec = self._documents.codec
        return self._documents.read(
            f"contact {contact_id}", document, lambda data: codec.decode(data, Contact)
        )

    def events(self, work: Work, order_id: str, after: int) -> tuple[Event, ...]:
        """See :meth:`.OrderRepository.events`."""
        if not storable(order_id):
            return ()
        rows = work.connection.execute(self._events, {"order_id": order_id, "after": after}).all()
        for expected, (number, _) in enumerate(rows, max(after, 0) + 1):
            if number != expected:
                raise AdapterFault(ADAPTER, _missing(order_id, expected))
        return tuple(self._event(order_id, number, document) for number, document in rows)

    def _order(self, order_id: str, version: int, document: str) -> Order:
        record = f"order {order_id}"
        order = self._documents.read(record, document, self._documents.codec.decode_order)
        if (order.id, order.version) != (order_id, version):
            told = f"its document is of order {order.id}, version {order.version}"
            raise AdapterFault(ADAPTER, f"{record}, version {version}: {told}")
        return order

    def _event(self, order_id: str, number: int, document: str) -> Event:
        record = f"event {number} of order {order_id}"
        return self._documents.read(record, document, self._documents.codec.decode_event)

    def feed(self, work: Work, after: int, limit: int) -> tuple[FeedEntry, ...]:
        """See :meth:`.OrderRepository.feed`."""
        asked = {"after": after, "limit": limit}
        more = True
        rows: list[Row[int, str, int, str, int, int]] = []
        while more and len(rows) < limit:
            more = self._positions.give(work)
            rows = list(work.connection.execute(self._feed, asked))
        expected: tuple[str, int] | None = None
        for position, order_id, number, _, first, last in rows:
            # What was saved together comes together; a page may begin and end in its middle.
            begins = max(first, number - (position - after - 1))
            wanted = expected or (order_id, begins)
            if wanted != (order_id, number):
                raise AdapterFault(ADAPTER, _missing(*wanted))
            expected = (order_id, number + 1) if number < last else None
        if expected is not None and len(rows) < limit:
            raise AdapterFault(ADAPTER, _missing(*expected))
        return tuple(
            FeedEntry(position, order_id, number, self._event(order_id, number, document))
            for position, order_id, number, document, _, _ in rows
        )

    def find(self, work: Work, query: OrderQuery, after: str, limit: int) -> tuple[str, ...]:
        """See :meth:`.OrderRepository.find`."""
        if not storable(query.customer_id, query.channel):
            return ()
        table = self._tables.orders
        asked = select(table.c.id).where(table.c.id > after).order_by(table.c.id).limit(limit)
        if query.states:
            asked = asked.where(table.c.state.in_(sorted(filter(storable, query.states))))
        if query.customer_id:
            asked = asked.where(table.c.customer_id == query.customer_id)
        if query.channel:
            asked = asked.where(table.c.channel == query.channel)
        if query.placed_from is not None:
            asked = asked.where(table.c.placed_at >= query.placed_from)
        if query.placed_until is not None:
            asked = asked.where(table.c.placed_at < query.placed_until)
        return tuple(work.connection.scalars(asked))

    def by_reference(self, work: Work, reference: Reference) -> tuple[str, ...]:
        """See :meth:`.OrderRepository.by_reference`."""
        if not storable(*reference):
            return ()
        table = self._tables.references
        asked = select(table.c.order_id).order_by(table.c.order_id)
        named = (table.c.kind == reference.kind) & (table.c.value == indexed(reference.value))
        return tuple(work.connection.scalars(asked.where(named)))

    def open_fulfillments(
        self,
        work: Work,
        location: str,
        states: Collection[str],
        after: OpenFulfillment | None,
        limit: int,
    ) -> tuple[OpenFulfillment, ...]:
        """See :meth:`.OrderRepository.open_fulfillments`."""
        if not storable(location):
            return ()
        table = self._tables.fulfillments
        # f2 comes before f12.
        place = (table.c.order_id, func.length(table.c.fulfillment_id), table.c.fulfillment_id)
        asked = select(table.c.order_id, table.c.fulfillment_id, table.c.location, table.c.state)
        wanted = sorted(filter(storable, states))
        asked = asked.where(table.c.location == location, table.c.state.in_(wanted))
        if after is not None:
            name = after.fulfillment_id
            asked = asked.where(tuple_(*place) > tuple_(after.order_id, len(name), name))
        rows = work.connection.execute(asked.order_by(*place).limit(limit))
        return tuple(OpenFulfillment(*row) for row in rows)

    def due(
        self, work: Work, now: datetime, after: DueOrder | None, limit: int
    ) -> tuple[DueOrder, ...]:
        """See :meth:`.OrderRepository.due`."""
        table = self._tables.orders
        asked = select(table.c.due_at, table.c.id).where(table.c.due_at <= now)
        if after is not None:
            place = tuple_(literal(after.due_at, Moment), after.order_id)
            asked = asked.where(tuple_(table.c.due_at, table.c.id) > place)
        rows = work.connection.execute(asked.order_by(table.c.due_at, table.c.id).limit(limit))
        return tuple(DueOrder(due_at, order_id) for due_at, order_id in rows)


def _missing(order_id: str, number: int) -> str:
    return f"event {number} of order {order_id} is missing"


def _feed(tables: Tables) -> Select[int, str, int, str, int, int]:
    """Return the query of the feed: the events of each save stand at its position and before it."""
    feed, events = tables.feed, tables.events
    position = (feed.c.position - (feed.c.last - events.c.number)).label("position")
    after = bindparam("after", type_=BigInteger)
    saved_together = and_(
        events.c.order_id == feed.c.order_id,
        events.c.number.between(feed.c.first, feed.c.last),
    )
    return (
        select(
            position,
            events.c.order_id,
            events.c.number,
            as_text(events.c.document),
            feed.c.first,
            feed.c.last,
        )
        .select_from(feed.join(events, saved_together))
        .where(feed.c.position > after, position > after)
        .order_by(feed.c.position, events.c.number)
        .limit(bindparam("limit", type_=BigInteger))
    )
