"""Writing a posting: guarded, once, in one statement where the database can."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Integer,
    Text,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    not_,
    select,
    text,
    true,
    tuple_,
    update,
)
from sqlalchemy.dialects import sqlite

from orderwright.adapters.sqlalchemy.documents import dumped
from orderwright.adapters.sqlalchemy.functions import posting_call
from orderwright.adapters.sqlalchemy.given import given
from orderwright.adapters.sqlalchemy.said import Said
from orderwright.adapters.sqlalchemy.tables import Moment, Tables, written
from orderwright.inventory.entries import FLOORED, StockAccount

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import (
        CTE,
        ColumnElement,
        FromClause,
        Insert,
        RowMapping,
        Select,
        Table,
        Update,
    )

    from orderwright.adapters.sqlalchemy.given import Columns
    from orderwright.adapters.sqlalchemy.running import Work
    from orderwright.codec import Codec
    from orderwright.inventory.guard import Limit
    from orderwright.inventory.postings import Posting

__all__ = ["KEY", "Along", "Verdict", "Writing"]

KEY = ("sku", "location", "bucket", "reservation", "lot")
"""What names an account."""
_key = itemgetter(*KEY)

_ROW: Columns = {
    **dict.fromkeys(KEY, Text()),
    "wanted": BigInteger(),
    "least": BigInteger(),
    "most": BigInteger(),
    "units": BigInteger(),
    "reserved": BigInteger(),
    "floor": BigInteger(),
    "order_id": Text(),
    "entry": Integer(),
    "expires_at": Moment(),
    "expected_at": Moment(),
    "priority": BigInteger(),
}
_KEPT = [name for name in _ROW if name not in ("wanted", "least", "most")]
_LOT: Columns = {"sku": Text(), "lot": Text(), "best_before": Moment()}

_GIVEN: Columns = {
    "posting_id": Text(),
    "posting_at": Moment(),
    "posting_order": Text(),
    "posting_document": Text(),
    "lapse_by": Moment(),
    "rows": Text(),
    "lots": Text(),
    "joined": Boolean(),
}
"""What a posting is written with."""


_BOUND = FLOORED - {"available"}
"""The buckets that are never below zero, whatever the policy of their SKU is."""


class Verdict(NamedTuple):
    """What became of a posting: its ``number`` if it was written.

    Otherwise it is known, or ``short`` says which accounts are short and how many units they have,
    or something on its SKUs is ``lapsing`` first.
    """

    number: int | None
    short: Mapping[StockAccount, int]
    lapsing: bool


@final
class Writing:
    """The statements that write postings, made once."""

    def __init__(self, tables: Tables, codec: Codec) -> None:
        self._codec = codec
        given_ = {name: bindparam(name, type_=kind) for name, kind in _GIVEN.items()}
        called = f"SELECT written, short, lapsing FROM {posting_call(tables)}"  # noqa: S608 - names
        self._at_once = Said(text(called).bindparams(*given_.values()))
        balances, rows = tables.balances, given("rows", _ROW, pg=False)
        self._short = _short(rows, balances)
        self._lapsing = select(_lapsing(balances, rows))
        self._posted = (
            sqlite.insert(tables.postings)
            .values(
                id=given_["posting_id"],
                at=given_["posting_at"],
                order_id=given_["posting_order"],
                document=given_["posting_document"],
            )
            .on_conflict_do_nothing(index_elements=["id"])
            .returning(tables.postings.c.number)
        )
        self._parts = (
            _moved(balances, rows),
            _added(balances, rows, bindparam("posting_id", type_=Text)),
            delete(balances).where(
                balances.c.reservation != "",
                balances.c.units == 0,
                tuple_(*(balances.c[name] for name in KEY)).in_(
                    select(*(rows.c[name] for name in KEY))
                ),
            ),
            _dated(tables.lots, given("lots", _LOT, pg=False)),
        )

    def run(
        self, work: Work, posting: Posting, limits: Sequence[Limit], *, lapsed: bool = False
    ) -> Verdict:
        """Write ``posting`` if the ``limits`` hold and, unless it is ``lapsed``, nothing lapses."""
        rows, facts = self._facts(posting, limits, lapsed=lapsed)
        if not work.one_statement:
            return self.in_turn(work, facts)
        facts["joined"] = work.joined
        ((number, short, lapsing),) = self._at_once.rows(work, facts)
        pairs: Sequence[tuple[int, int]] = short or ()
        told = {_account(rows[place]): units for place, units in pairs}
        return Verdict(number, told, lapsing)

    def along(self, posting: Posting, limits: Sequence[Limit]) -> Along:
        """Return what writes ``posting`` along with an order, or not at all."""
        return Along(self, self._facts(posting, limits, lapsed=False)[1])

    def _facts(
        self, posting: Posting, limits: Sequence[Limit], *, lapsed: bool
    ) -> tuple[Sequence[Mapping[str, Any]], dict[str, Any]]:
        rows, lots = _rows(posting, limits)
        return rows, {
            "posting_id": posting.id,
            "posting_at": posting.at,
            "posting_order": posting.order_id,
            "posting_document": dumped(self._codec.encode(posting)),
            "lapse_by": None if lapsed else posting.at,
            "rows": dumped(rows),
            "lots": dumped(lots) if lots else None,
        }

    def in_turn(self, work: Work, facts: Mapping[str, Any]) -> Verdict:
        """Write the posting of these ``facts`` where that takes several statements."""
        run = work.connection
        if run.scalar(self._lapsing, facts):
            return Verdict(None, {}, lapsing=True)
        found = run.execute(self._short, facts).mappings()
        short: dict[StockAccount, int] = {_account(row): row["units"] for row in found}
        number = None if short else run.scalar(self._posted, facts)
        if number is not None:
            for part in self._parts if facts["lots"] else self._parts[:-1]:
                run.execute(part, facts)
        return Verdict(number, short, lapsing=False)


@final
class Along(NamedTuple):
    """A posting that is written along with an order: by whom, and the ``facts`` it is made of."""

    writing: Writing
    facts: Mapping[str, Any]

    def written(self, work: Work) -> bool:
        """Write it where that takes several statements; return whether that could be done."""
        return self.writing.in_turn(work, self.facts).number is not None


def _same(one: FromClause, other: FromClause) -> ColumnElement[bool]:
    return and_(*(one.c[name] == other.c[name] for name in KEY))


def _short(rows: CTE, balances: Table) -> Select[Any]:
    """Return which accounts of ``rows`` have less room than is wanted, and how many units."""
    units = func.coalesce(balances.c.units, 0)
    room = case((rows.c.least.is_(None), rows.c.most - units), else_=units - rows.c.least)
    asked = select(*(rows.c[name] for name in KEY), units.label("units"))
    there = rows.outerjoin(balances, _same(rows, balances))
    return asked.select_from(there).where(room < rows.c.wanted)


def _lapsing(balances: Table, rows: CTE) -> ColumnElement[bool]:
    """Whether a reservation on one of the SKUs has expired."""
    return exists().where(
        balances.c.sku.in_(select(rows.c.sku)),
        balances.c.expires_at <= bindparam("lapse_by", type_=Moment),
    )


def _added(balances: Table, rows: CTE, posting_id: ColumnElement[str]) -> Insert:
    """Return the insert of accounts that are not there."""
    made_by = case((rows.c.entry.is_not(None), posting_id))
    there = exists().where(_same(rows, balances.alias()))
    kept = [rows.c[name] for name in _KEPT]
    asked = select(*kept, made_by).where(not_(there))
    return insert(balances).from_select([*_KEPT, "posting"], asked)


def _moved(balances: Table, rows: CTE) -> Update:
    """Return the update of accounts that are there: up or down, and whose they are if it is said.

    The first posting into one made it, the last one says whose it is and until when.
    """
    new, old = rows.c, balances.c
    owned, told = new.order_id.is_not(None), new.priority.is_not(None)
    return (
        update(balances)
        .where(_same(balances, rows))
        .values(
            units=old.units + new.units,
            reserved=old.reserved + new.reserved,
            order_id=func.coalesce(new.order_id, old.order_id),
            expires_at=case((owned, new.expires_at), else_=old.expires_at),
            expected_at=case((told, new.expected_at), else_=old.expected_at),
            priority=func.coalesce(new.priority, old.priority),
        )
    )


def _dated(table: Table, lots: CTE) -> Insert:
    """Return the write of the dates of lots."""
    dated = sqlite.insert(table).from_select(list(_LOT), select(*lots.c).where(true()))
    return dated.on_conflict_do_update(
        index_elements=["sku", "lot"], set_={"best_before": dated.excluded.best_before}
    )


def _rows(
    posting: Posting, limits: Iterable[Limit]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
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
    for one in limits:
        row_of(one.account).update(wanted=one.wanted, least=one.least, most=one.most)
    # What goes from one reservation to another at a place leaves the place as it is.
    changed = (one for one in beside.values() if one["units"] or one["reserved"])
    in_order = [lots[one] for one in sorted(lots)]
    return sorted((*rows.values(), *changed), key=_turn), in_order


def _turn(row: Mapping[str, Any]) -> tuple[object, ...]:
    """Return when a row is locked: what others want too, the plain accounts, at the end."""
    return (row["sku"], row["reservation"] == "", *_key(row))


def _own(row: dict[str, Any], posting: Posting, index: int) -> None:
    """Note whose units come in with an entry, until when, and on which terms."""
    entry = posting.entries[index]
    row["order_id"] = posting.order_id
    row.setdefault("entry", index)
    if entry.bucket == "reserved":
        row["expires_at"] = entry.expires_at and written(entry.expires_at)
    elif entry.terms is not None:
        row["expected_at"] = entry.terms.expected_at and written(entry.terms.expected_at)
        row["priority"] = entry.terms.priority


def _row(account: StockAccount, units: int) -> dict[str, Any]:
    """Return a row of which nothing else is said: for the database that is null."""
    row: dict[str, Any] = dict(zip(KEY, account, strict=True), units=units, reserved=0)
    if account.bucket in _BOUND:
        row["floor"] = 0
    return row


def _account(row: Mapping[str, Any] | RowMapping) -> StockAccount:
    return StockAccount(*_key(row))
