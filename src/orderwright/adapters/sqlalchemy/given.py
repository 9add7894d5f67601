"""What the two databases write differently: rows as one JSON parameter, and upserts.

A statement with its rows in one parameter has the same text for one row and for a hundred.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import ARRAY, JSON, Text, any_, bindparam, cast, column, func, select
from sqlalchemy.dialects import postgresql, sqlite

from orderwright.adapters.sqlalchemy.documents import dumped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import CTE, ColumnElement, Table
    from sqlalchemy.types import TypeEngine

    from orderwright.adapters.sqlalchemy.tables import Moment

    Columns: TypeAlias = Mapping[str, TypeEngine[Any] | Moment]

__all__ = ["all_of", "among", "document", "given", "inserting"]


def inserting(table: Table, *, pg: bool) -> postgresql.Insert | sqlite.Insert:
    """Return an insert that can say what to do about a row that is there."""
    return postgresql.insert(table) if pg else sqlite.insert(table)


def document(text: ColumnElement[str], *, pg: bool) -> ColumnElement[Any]:
    """Return a document as its column wants it: SQLite has no type of its own for JSON."""
    return cast(text, JSON) if pg else text


def given(name: str, columns: Columns, *, pg: bool) -> CTE:
    """Return the rows of the parameter ``name``, a JSON array of objects with these ``columns``."""
    parameter = bindparam(name, type_=Text)
    if pg:
        listed = [column(one, kind) for one, kind in columns.items()]
        rows = func.json_to_recordset(cast(parameter, JSON)).table_valued(*listed)
        return select(rows.render_derived(with_types=True)).cte(name)
    each = func.json_each(parameter).table_valued("value")
    return select(
        *(
            func.json_extract(each.c.value, f"$.{one}", type_=kind).label(one)
            for one, kind in columns.items()
        )
    ).cte(name)


def among(one: ColumnElement[str], name: str, *, pg: bool) -> ColumnElement[bool]:
    """Return whether ``one`` is among the texts of the parameter ``name``, see :func:`all_of`."""
    if pg:
        return one == any_(bindparam(name, type_=ARRAY(Text)))
    each = func.json_each(bindparam(name, type_=Text)).table_valued("value")
    return one.in_(select(each.c.value))


def all_of(texts: Iterable[str], *, pg: bool) -> list[str] | str:
    """Return texts as one parameter: both databases refuse statements with too many of them."""
    return list(texts) if pg else dumped(list(texts))
