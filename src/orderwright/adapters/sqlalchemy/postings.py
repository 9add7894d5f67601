"""Writing a posting: guarded, once, in one statement where the database can."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, final

from sqlalchemy import (
    BigInteger,
    Integer,
    Text,
    and_,
    bindparam,
    case,
    cast,
    delete,
    exists,
    func,
    not_,
    or_,
    select,
    true,
    update,
)

from orderwright.adapters.sqlalchemy.documents import dumped
from orderwright.adapters.sqlalchemy.given import document, given, inserting
from orderwright.adapters.sqlalchemy.tables import Moment, Tables, written
from orderwright.inventory.entries import StockAccount

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import CTE, ColumnElement, Executable, FromClause, Select, Table, Update
    from sqlalchemy.dialects import postgresql, sqlite
    from sqlalchemy.sql.base import ReadOnlyColumnCollection
    from sqlalchemy.sql.dml import ReturningInsert

    from orderwright.adapters.sqlalchemy.given import Columns
    from orderwright.adapters.sqlalchemy.running import Work
    from orderwright.codec import Codec
    from orderwright.inventory.guard import Limit
    from orderwright.inventory.postings import Posting

    _Columns: TypeAlias = ReadOnlyColumnCollection[str, ColumnElement[Any]]
    _Insert: TypeAlias = postgresql.Insert | sqlite.Insert

__all__ = ["KEY", "Verdict", "Writing"]

KEY = ("sku", "location", "bucket", "reservation", "lot")
"""What names an account."""

_ROW: Columns = {
    **dict.fromkeys(KEY, Text()),
    "units": BigInteger(),
    "reserved": BigInteger(),
    "order_id": Text(),
    "entry": Integer(),
    "expires_at": Moment(),
    "expected_at": Moment(),
    "priority": BigInteger(),
}
_LIMIT: Columns = {
    **dict.fromkeys(KEY, Text()),
    "place": Integer(),
    "wanted": BigInteger(),
    "least": BigInteger(),
    "most": BigInteger(),
}
_LOT: Columns = {"sku": Text(), "lot": Text(), "best_before": Moment()}


class Verdict(NamedTuple):
    """What became of a posting: its ``number`` if it was written.

    Otherwise it is known, or ``short`` says which limits do not hold and how many units their
    accounts have, or something on its SKUs is ``lapsing`` first.
    """

    number: int | None
    short: Mapping[int, int]
    lapsing: bool


@final
class Writing:
    """The statements that write postings, made once."""

    def __init__(self, tables: Tables, codec: Codec) -> None:
        self._codec = codec
        self._tables = tables
        self._at_once = self._chained()
        balances = tables.balances
        limits = given("limits", _LIMIT, pg=False)
        self._short = _short(limits, balances)
        self._lapsing = select(_lapsing(balances, given("rows", _ROW, pg=False)))
        posting = select(*self._binds(pg=False))
        self._posted = _posted(tables.postings, posting, pg=False)
        only = select(bindparam("number", type_=BigInteger).label("number")).cte("posted")
        rows = given("rows", _ROW, pg=False)
        self._parts = (
            _moved(balances, rows, only),
            _added(balances, rows, only, balances.alias(), pg=False),
            delete(balances).where(
                balances.c.reservation != "",
                balances.c.units == 0,
                exists().where(_same(balances, rows)),
            ),
            _dated(tables.lots, given("lots", _LOT, pg=False), only, pg=False),
        )

    def run(
        self, work: Work, posting: Posting, limits: Sequence[Limit], *, lapsed: bool = False
    ) -> Verdict:
        """Write ``posting`` if the ``limits`` hold and, unless it is ``lapsed``, nothing lapses."""
        facts = self._facts(posting, limits, lapsed=lapsed)
        if not work.one_statement:
            return self._in_turn(work, facts)
        number, short, lapsing = work.connection.execute(self._at_once, facts).one()
        return Verdict(number, dict(json.loads(short or "[]")), lapsing)

    def _in_turn(self, work: Work, facts: Mapping[str, Any]) -> Verdict:
        run = work.connection
        if run.scalar(self._lapsing, facts):
            return Verdict(None, {}, lapsing=True)
        short = {one.place: one.units for one in run.execute(self._short, facts)}
        if short:
            return Verdict(None, short, lapsing=False)
        number = run.scalar(self._posted, facts)
        if number is not None:
            for part in self._parts:
                run.execute(part, {**facts, "number": number})
        return Verdict(number, {}, lapsing=False)

    def _facts(self, posting: Posting, limits: Iterable[Limit], *, lapsed: bool) -> dict[str, Any]:
        rows, lots = _rows(posting)
        return {
            "posting_id": posting.id,
            "posting_at": posting.at,
            "posting_order": posting.order_id,
            "document": dumped(self._codec.encode(posting)),
            "lapse_by": None if lapsed else posting.at,
            "rows": dumped(rows),
            "lots": dumped(lots),
            "limits": dumped(
                [
                    {
                        **one.account._asdict(),
                        "place": place,
                        "wanted": one.wanted,
                        "least": one.least,
                        "most": one.most,
                    }
                    for place, one in enumerate(limits)
                ]
            ),
        }

    def _binds(self, *, pg: bool) -> tuple[ColumnElement[Any], ...]:
        return (
            bindparam("posting_id", type_=Text),
            bindparam("posting_at", type_=Moment),
            bindparam("posting_order", type_=Text),
            document(bindparam("document", type_=Text), pg=pg),
        )

    def _chained(self) -> Executable:
        """Return the one statement: lock, look, and write all of it or nothing."""
        tables = self._tables
        balances = tables.balances
        rows, limits, lots = (
            given(name, columns, pg=True)
            for name, columns in (("rows", _ROW), ("limits", _LIMIT), ("lots", _LOT))
        )
        key = [balances.c[name] for name in KEY]
        # Everybody locks accounts in one order, so nobody waits in a circle.
        found = select(*key, balances.c.units).join_from(balances, rows, _same(balances, rows))
        state = found.order_by(*key).with_for_update(of=balances).cte("state")
        short = _short(limits, state).cte("short")
        lapsing = _lapsing(balances, rows)
        posting = select(*self._binds(pg=True)).where(
            not_(exists(select(short.c.place))), not_(lapsing)
        )
        posted = _posted(tables.postings, posting, pg=True).cte("posted")
        if_posted = exists(select(posted.c.number))
        ended = (rows.c.reservation != "") & (state.c.units + rows.c.units == 0)
        kept = select(*rows.c).join_from(rows, state, _same(rows, state)).where(not_(ended))
        gone = select(*state.c).join_from(rows, state, _same(rows, state)).where(ended, if_posted)
        chain = select(
            select(posted.c.number).scalar_subquery(),
            select(
                cast(func.json_agg(func.json_build_array(short.c.place, short.c.units)), Text)
            ).scalar_subquery(),
            lapsing.label("lapsing"),
        )
        return chain.add_cte(
            _added(balances, rows, posted, state, pg=True).cte("added"),
            _moved(balances, kept.cte("kept"), posted).cte("moved"),
            delete(balances).where(_same(balances, gone.cte("gone"))).cte("ended"),
            _dated(tables.lots, lots, posted, pg=True).cte("dated"),
        )


def _same(one: FromClause, other: FromClause) -> ColumnElement[bool]:
    return and_(*(one.c[name] == other.c[name] for name in KEY))


def _short(limits: CTE, state: FromClause) -> Select[tuple[int, int]]:
    """Return which limits do not hold, and how many units their accounts have."""
    units = func.coalesce(state.c.units, 0)
    room = case((limits.c.least.is_(None), limits.c.most - units), else_=units - limits.c.least)
    asked = select(limits.c.place, units.label("units"))
    return asked.select_from(limits.outerjoin(state, _same(limits, state))).where(
        room < limits.c.wanted
    )


def _lapsing(balances: Table, rows: CTE) -> ColumnElement[bool]:
    """Whether a reservation on one of the SKUs has expired."""
    return exists().where(
        balances.c.sku.in_(select(rows.c.sku)),
        balances.c.expires_at <= bindparam("lapse_by", type_=Moment),
    )


def _posted(postings: Table, source: Select[Any], *, pg: bool) -> ReturningInsert[int]:
    names = ["id", "at", "order_id", "document"]
    added = inserting(postings, pg=pg).from_select(names, source.where(true()))
    return added.on_conflict_do_nothing(index_elements=["id"]).returning(postings.c.number)


def _added(balances: Table, rows: CTE, posted: CTE, state: FromClause, *, pg: bool) -> _Insert:
    """Return the insert of accounts that were not there, unless another has made them meanwhile."""
    there = exists().where(_same(rows, state))
    number = case((rows.c.entry.is_not(None), posted.c.number))
    stays = or_(rows.c.reservation == "", rows.c.units != 0)
    asked = select(*rows.c, number).join_from(rows, posted, true()).where(not_(there), stays)
    asked = asked.order_by(*(rows.c[name] for name in KEY))
    added = inserting(balances, pg=pg).from_select([*rows.c.keys(), "number"], asked)
    new = added.excluded
    changed = _changed(balances, new, new.number)
    return added.on_conflict_do_update(index_elements=KEY, set_=changed)


def _moved(balances: Table, rows: CTE, posted: CTE) -> Update:
    """Return the update of accounts that are there."""
    number = case((rows.c.entry.is_not(None), posted.c.number))
    found = select(*rows.c, number.label("number")).join_from(rows, posted, true()).subquery()
    changed = _changed(balances, found.c, found.c.number)
    return update(balances).where(_same(balances, found)).values(changed)


def _changed(
    balances: Table, new: _Columns, number: ColumnElement[Any]
) -> dict[str, ColumnElement[Any]]:
    """Return what becomes of an account: up or down by the ``new`` units, and theirs if it is said.

    The first posting into it made it, the last one says whose it is and until when.
    """
    old = balances.c
    owned, told = new.order_id.is_not(None), new.priority.is_not(None)
    return {
        "units": old.units + new.units,
        "reserved": old.reserved + new.reserved,
        "order_id": func.coalesce(new.order_id, old.order_id),
        "number": func.coalesce(old.number, number),
        "entry": func.coalesce(old.entry, new.entry),
        "expires_at": case((owned, new.expires_at), else_=old.expires_at),
        "expected_at": case((told, new.expected_at), else_=old.expected_at),
        "priority": func.coalesce(new.priority, old.priority),
    }


def _dated(table: Table, lots: CTE, posted: CTE, *, pg: bool) -> _Insert:
    """Return the write of the dates of lots."""
    source = select(*lots.c).select_from(lots.join(posted, true())).where(true())
    dated = inserting(table, pg=pg).from_select(list(_LOT), source)
    return dated.on_conflict_do_update(
        index_elements=["sku", "lot"], set_={"best_before": dated.excluded.best_before}
    )


def _rows(posting: Posting) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return what a posting does to each row of balances, in their order, and the dates of lots."""
    rows = {change.account: _row(change.account, change.net) for change in posting.changes}
    beside: dict[StockAccount, dict[str, Any]] = {}
    lots: dict[tuple[str, str], dict[str, Any]] = {}

    def row_of(account: StockAccount) -> dict[str, Any]:
        return rows.get(account) or beside.setdefault(account, _row(account, 0))

    for index, entry in enumerate(posting.entries if posting.named else ()):
        terms = entry.terms
        if entry.bucket == "reserved":
            place = StockAccount(entry.sku, entry.location, "available", "", entry.lot)
            row_of(place)["reserved"] += entry.quantity
        elif entry.bucket == "backordered":
            row_of(StockAccount(entry.sku, "", "backordered"))["units"] += entry.quantity
        if entry.reservation:
            if entry.quantity > 0:
                _own(rows[entry.account], posting, index)
        elif entry.lot and terms is not None and terms.best_before is not None:
            until = written(terms.best_before)
            lots[entry.sku, entry.lot] = {"sku": entry.sku, "lot": entry.lot, "best_before": until}
    # What goes from one reservation to another at a place leaves the place as it is.
    changed = (one for one in beside.values() if one["units"] or one["reserved"])
    return sorted((*rows.values(), *changed), key=_key), list(lots.values())


def _own(row: dict[str, Any], posting: Posting, index: int) -> None:
    """Note whose units come in with an entry, until when, and on which terms."""
    entry = posting.entries[index]
    row["order_id"] = posting.order_id
    if row["entry"] is None:
        row["entry"] = index
    if entry.bucket == "reserved":
        row["expires_at"] = entry.expires_at and written(entry.expires_at)
    elif entry.terms is not None:
        row["expected_at"] = entry.terms.expected_at and written(entry.terms.expected_at)
        row["priority"] = entry.terms.priority


def _row(account: StockAccount, units: int) -> dict[str, Any]:
    return {
        **account._asdict(),
        "units": units,
        "reserved": 0,
        **dict.fromkeys(("order_id", "entry", "expires_at", "expected_at", "priority")),
    }


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(row[name] for name in KEY)
