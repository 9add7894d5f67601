"""Stock in tables: what each verb of the inventory repository asks the database."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from itertools import groupby, starmap
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Text,
    and_,
    bindparam,
    literal,
    literal_column,
    or_,
    select,
    text,
    union_all,
)

from orderwright.adapters.sqlalchemy.documents import Documents, as_text
from orderwright.adapters.sqlalchemy.functions import TURN_OF, holding_call
from orderwright.adapters.sqlalchemy.given import all_of, among
from orderwright.adapters.sqlalchemy.positions import Positions
from orderwright.adapters.sqlalchemy.postings import KEY, Verdict, Writing
from orderwright.adapters.sqlalchemy.said import Said
from orderwright.adapters.sqlalchemy.tables import Moment
from orderwright.codec import Codec
from orderwright.errors import AdapterFault, NotFound, OutOfStock
from orderwright.inventory.entries import Reservation
from orderwright.inventory.guard import limits_of
from orderwright.inventory.ledger import Claim, Incoming, Stock, Units, stock_of
from orderwright.inventory.postings import Posting

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import ColumnElement, Executable, Row, Select

    from orderwright.adapters.sqlalchemy.postings import Along
    from orderwright.adapters.sqlalchemy.running import Work
    from orderwright.adapters.sqlalchemy.tables import Tables
    from orderwright.inventory.guard import Limit, Policies, StockPolicy

__all__ = ["ADAPTER", "Inventory", "stock_in"]

ADAPTER = "stock in SQL"
_key = attrgetter(*KEY)
_TURN = text(f"SELECT {TURN_OF.format(':posting_id')}")


@lru_cache(maxsize=16)
def stock_in(tables: Tables) -> Inventory:
    """Return the verbs for these tables: their statements are made once, for all repositories."""
    return Inventory(tables)


class _Level(NamedTuple):
    """The units of a lot in a bucket, of which so many are reserved."""

    sku: str
    location: str
    lot: str
    bucket: str
    units: int
    reserved: int
    best_before: datetime | None


class _NotWritten(Exception):
    """The posting behind a lapse was refused or known (``verdict``), or the lapse itself was."""

    def __init__(self, verdict: Verdict | None) -> None:
        super().__init__()
        self.verdict = verdict


def _short(posting: Posting, limits: Iterable[Limit], verdict: Verdict) -> OutOfStock:
    units = verdict.short
    short = (one.shortage(units[one.account]) for one in limits if one.account in units)
    return OutOfStock([one for one in short if one is not None], posting.order_id)


@final
class Inventory:
    """The verbs of :class:`.InventoryRepository`, on a connection that is handed in."""

    def __init__(self, tables: Tables) -> None:
        codec = Codec()
        self._tables = tables
        self._documents = Documents(ADAPTER, codec)
        self._writing = Writing(tables, codec)
        postings = tables.postings
        self._positions = Positions(
            tables, "postings", postings, postings.c.number, literal(1, BigInteger)
        )
        named = postings.c.id == bindparam("posting_id")
        self._asked_posting = Said(select(as_text(postings.c.document)).where(named))
        table = tables.balances
        made_by = postings.c.id == table.c.posting
        self._numbered = select(table, postings.c.number).outerjoin_from(table, postings, made_by)
        self._due = {pg: _due(tables, pg=pg) for pg in (True, False)}
        self._asked_levels = {pg: Said(_levels(tables, pg=pg)) for pg in (True, False)}

    # Postings -----------------------------------------------------------------------------------

    def post(self, work: Work, posting: Posting, policies: Policies) -> None:
        """See :meth:`.InventoryRepository.post`."""
        limits = tuple(limits_of(posting, policies))
        if work.one_statement:
            verdict = self._writing.run(work, posting, limits)
        else:
            with work.transaction():
                verdict = self._writing.run(work, posting, limits)
        if verdict.lapsing:
            verdict = self._after_lapsing(work, posting, limits)
        if verdict.number is not None:
            return
        known = self._posting(work, posting.id)
        if known is not None:
            known.require_same(posting)
            return
        raise _short(posting, limits, verdict)

    def along(self, posting: Posting, policies: Policies) -> Along:
        """Return what writes a posting along with an order."""
        return self._writing.along(posting, tuple(limits_of(posting, policies)))

    def _after_lapsing(self, work: Work, posting: Posting, limits: Sequence[Limit]) -> Verdict:
        """Write the posting behind the one by which what has expired on its SKUs is free again."""
        while True:
            try:
                with work.transaction():
                    return self._lapsed(work, posting, limits)
            except _NotWritten as undone:
                # The lapse is undone with it. Refused or known, that is told; else others were
                # faster to let it lapse: then it is looked at again.
                if undone.verdict is not None:
                    return undone.verdict

    def _lapsed(self, work: Work, posting: Posting, limits: Sequence[Limit]) -> Verdict:
        if work.one_statement:
            work.connection.execute(_TURN, {"posting_id": posting.id})
        expired = self._expired(work, posting)
        lapse = Posting.expire(self._free_id(work, posting.id), expired, at=posting.at)
        # Another book is being replayed if it is such a lapse itself.
        if expired and (lapse.entries, lapse.reason) != (posting.entries, posting.reason):
            own = tuple(limits_of(lapse))
            if self._writing.run(work, lapse, own, lapsed=True).number is None:
                raise _NotWritten(None)
        verdict = self._writing.run(work, posting, limits, lapsed=True)
        if verdict.number is None:
            raise _NotWritten(verdict)
        return verdict

    def _expired(self, work: Work, posting: Posting) -> list[Reservation]:
        """Lock what the posting and the lapse before it touch; return what has expired of it."""
        pg = work.one_statement
        skus = list(dict.fromkeys(change.account.sku for change in posting.changes))
        names = {"", *(change.account.reservation for change in posting.changes)}
        facts = {"skus": all_of(skus, pg=pg), "names": all_of(names, pg=pg), "lapse_by": posting.at}
        due = sorted(
            work.connection.execute(self._due[pg], facts),
            key=lambda one: (skus.index(one.sku), one.expires_at, *_key(one)),
        )
        return [
            Reservation(one.reservation, one.sku, one.location, one.units, lot=one.lot)
            for one in due
        ]

    def _free_id(self, work: Work, posting_id: str) -> str:
        found = f"{posting_id}/lapsed"
        while self._posting(work, found) is not None:
            found += "/lapsed"
        return found

    def _posting(self, work: Work, posting_id: str) -> Posting | None:
        document = self._asked_posting.scalar(work, {"posting_id": posting_id})
        return None if document is None else self._read(posting_id, document)

    def _read(self, posting_id: str, document: str) -> Posting:
        codec, record = self._documents.codec, f"posting {posting_id}"
        posting = self._documents.read(record, document, lambda data: codec.decode(data, Posting))
        if posting.id != posting_id:
            raise AdapterFault(ADAPTER, f"{record}: its document is of posting {posting.id}")
        return posting

    def postings(self, work: Work, after: str, limit: int) -> tuple[Posting, ...]:
        """See :meth:`.InventoryRepository.postings`."""
        table = self._tables.postings
        start = 0
        if after:
            place = select(table.c.number, table.c.position).where(table.c.id == after)
            known = work.connection.execute(place).one_or_none()
            if known is None:
                raise NotFound("posting", after)
            while known.position is None:
                self._positions.give(work)
                known = work.connection.execute(place).one()
            start = known.position
        asked = select(table.c.id, as_text(table.c.document)).where(table.c.position > start)
        asked = asked.order_by(table.c.position).limit(limit)
        more = True
        rows: list[Row[str, str]] = []
        while more and len(rows) < limit:
            more = self._positions.give(work)
            rows = list(work.connection.execute(asked))
        return tuple(self._read(posting_id, document) for posting_id, document in rows)

    # What there is ------------------------------------------------------------------------------

    def supply(
        self, work: Work, skus: Iterable[str], now: datetime, policies: Policies
    ) -> tuple[Stock, ...]:
        """See :meth:`.InventoryRepository.supply`."""
        wanted = list(dict.fromkeys(skus))
        places = groupby(self._levels(work, wanted, now), lambda one: (one.sku, one.location))
        found: dict[str, list[Stock]] = {}
        for place, levels in places:
            stock = _stock(place, list(levels), policies(*place), now)
            found.setdefault(stock.sku, []).append(stock)
        return tuple(stock for sku in wanted for stock in found.get(sku, ()))

    def _levels(self, work: Work, skus: Sequence[str], now: datetime) -> Iterable[_Level]:
        pg = work.one_statement
        facts = {"skus": all_of(skus, pg=pg), "now": now}
        return starmap(_Level, self._asked_levels[pg].rows(work, facts))

    def reservations(
        self, work: Work, now: datetime, order_id: str, skus: Iterable[str]
    ) -> tuple[Reservation, ...]:
        """See :meth:`.InventoryRepository.reservations`."""
        table, pg = self._tables.balances, work.one_statement
        lasting = or_(table.c.expires_at.is_(None), table.c.expires_at > now)
        asked = self._numbered.where(table.c.bucket == "reserved", lasting)
        wanted = set(skus)
        facts: dict[str, Any] = {}
        if wanted:
            asked = asked.where(among(table.c.sku, "skus", pg=pg))
            facts["skus"] = all_of(wanted, pg=pg)
        made = (self._tables.postings.c.number, table.c.entry)
        if order_id:
            asked = asked.where(table.c.order_id == order_id).order_by(*made)
        else:
            asked = asked.order_by(table.c.sku, *made)
        return tuple(
            Reservation(
                one.reservation,
                one.sku,
                one.location,
                one.units,
                one.expires_at,
                one.order_id,
                one.lot,
            )
            for one in work.connection.execute(asked, facts)
        )

    def claims(self, work: Work, sku: str) -> tuple[Claim, ...]:
        """See :meth:`.InventoryRepository.claims`."""
        made = (self._tables.postings.c.number, self._tables.balances.c.entry)
        return tuple(
            Claim(
                one.reservation,
                sku,
                one.units,
                one.number,
                one.order_id,
                one.priority or 0,
                one.expected_at,
            )
            for one in self._named(work, sku, "backordered", made)
        )

    def incoming(self, work: Work, sku: str) -> tuple[Incoming, ...]:
        """See :meth:`.InventoryRepository.incoming`."""
        table = self._tables.balances
        date = (table.c.expected_at.is_(None), table.c.expected_at)
        first = (*date, table.c.reservation, table.c.location)
        return tuple(
            Incoming(sku, one.location, one.reservation, one.units, one.expected_at)
            for one in self._named(work, sku, "incoming", first)
        )

    def _named(
        self, work: Work, sku: str, bucket: str, order: Iterable[ColumnElement[Any]]
    ) -> Iterable[Row[Any]]:
        table = self._tables.balances
        asked = self._numbered.where(
            table.c.sku == sku, table.c.bucket == bucket, table.c.reservation != ""
        )
        return work.connection.execute(asked.order_by(*order))


def _due(tables: Tables, *, pg: bool) -> Executable:
    """Return the query for what has expired, on PostgreSQL locked with all that may be touched."""
    given = (bindparam("skus", type_=ARRAY(Text)), bindparam("names", type_=ARRAY(Text)))
    until = bindparam("lapse_by", type_=Moment)
    if pg:
        called = f"SELECT * FROM {holding_call(tables)}"  # noqa: S608 - names
        return text(called).bindparams(*given, until)
    balances = tables.balances
    return select(balances).where(
        among(balances.c.sku, "skus", pg=pg), balances.c.expires_at <= until
    )


def _levels(tables: Tables, *, pg: bool) -> Select[Any]:
    """Return the query for what is on hand by lot and bucket, what has expired counted as free."""
    table, lots = tables.balances, tables.lots
    wanted = among(table.c.sku, "skus", pg=pg)
    place = (table.c.sku, table.c.location, table.c.lot)
    kept = select(*place, table.c.bucket, table.c.units, table.c.reserved).where(
        wanted,
        literal_column("bucket IN ('available', 'quarantine', 'in_transit')"),
    )
    free = (literal("available").label("bucket"), table.c.units, -table.c.units)
    lapsed = select(*place, *free).where(
        wanted, table.c.expires_at <= bindparam("now", type_=Moment)
    )
    both = union_all(kept, lapsed).subquery()
    dated = and_(lots.c.sku == both.c.sku, lots.c.lot == both.c.lot)
    asked = select(both, lots.c.best_before).select_from(both.outerjoin(lots, dated))
    return asked.order_by(both.c.sku, both.c.location, both.c.lot)


def _stock(
    place: tuple[str, str], levels: Sequence[_Level], policy: StockPolicy, now: datetime
) -> Stock:
    by_lot = groupby(levels, lambda one: one.lot)
    units = [_units(lot, list(rows)) for lot, rows in by_lot]
    reserved = sum(one.reserved for one in levels)
    return stock_of(*place, units, reserved, policy, now)


def _units(lot: str, rows: Sequence[_Level]) -> Units:
    there: dict[str, int] = dict.fromkeys(("available", "quarantine", "in_transit"), 0)
    for one in rows:
        there[one.bucket] += one.units
    until = rows[0].best_before
    return Units(lot, best_before=until and until.astimezone(UTC), **there)
