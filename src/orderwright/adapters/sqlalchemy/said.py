"""Statements that are said all day: compiled once, and where nobody listens said to the driver.

What SQLAlchemy does around each statement takes longer than the driver takes for it. It is left out
on an engine's own connection to PostgreSQL by psycopg, unless the host listens to its statements
(tracing, logging) or to what begins (a tenant's turn): then, and everywhere else, they are executed
like all others.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, final
from weakref import WeakKeyDictionary

from orderwright.adapters.sqlalchemy.tables import zoned

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Dialect, Engine, Executable
    from sqlalchemy.sql.elements import ClauseElement

    from orderwright.adapters.sqlalchemy.running import Work

__all__ = ["Said"]


@final
class Said:
    """A statement of one parameter set, all of which have names."""

    def __init__(self, statement: Executable) -> None:
        self._statement: Any = statement
        self._compiled: WeakKeyDictionary[Dialect, tuple[str, Mapping[str, object]]]
        self._compiled = WeakKeyDictionary()

    def rows(self, work: Work, facts: Mapping[str, object]) -> Sequence[Any]:
        """Return all rows that it answers with."""
        if work.connected or not _direct(work.engine):
            return work.connection.execute(self._statement, dict(facts)).all()
        for one in facts.values():
            if isinstance(one, datetime):
                zoned(one)
        dialect = work.engine.dialect
        known = self._compiled.get(dialect)
        if known is None:
            known = self._compiled[dialect] = _compiled(self._statement, dialect)
        text, constants = known
        return _asked(work, text, {**constants, **facts})

    def scalar(self, work: Work, facts: Mapping[str, object]) -> Any:  # noqa: ANN401 - as declared
        """Return the first value of the first row, None if there is no row."""
        rows = self.rows(work, facts)
        return rows[0][0] if rows else None


def _direct(engine: Engine) -> bool:
    dialect = engine.dialect
    if dialect.driver != "psycopg" or dialect.is_async or engine.echo:
        return False
    heard = engine.dispatch
    return not (
        heard.before_cursor_execute
        or heard.after_cursor_execute
        or heard.before_execute
        or heard.after_execute
        or heard.engine_connect
        or heard.begin
        or dialect.dispatch.do_execute
        or dialect.dispatch.handle_error
    )


def _compiled(statement: ClauseElement, dialect: Dialect) -> tuple[str, Mapping[str, object]]:
    compiled = statement.compile(dialect=dialect)
    return str(compiled), dict(compiled.params or {})


def _asked(work: Work, text: str, facts: Mapping[str, object]) -> Sequence[Any]:
    """Ask the driver."""
    dialect: Any = work.engine.dialect
    driver = work.driver
    try:
        return list(driver.execute(text, facts).fetchall())
    except dialect.loaded_dbapi.Error as error:
        raise work.told(error, text, facts) from error
    except BaseException as error:
        if driver.info.transaction_status:  # what is idle is 0, and may be used again
            work.give_up(error)
        raise
