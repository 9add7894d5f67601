"""Statements that are said all day: compiled once, and where nobody listens said to the driver.

What SQLAlchemy does around each statement takes longer than the driver takes for it. It is left out
on an engine's own connection to PostgreSQL by psycopg, unless the host listens to its statements
(tracing, logging) or has their schemas translated: then, and everywhere else, they are executed
like all others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final
from weakref import WeakKeyDictionary

from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, Dialect, Executable
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
        connection = work.connection
        if work.joined or not _direct(connection):
            return connection.execute(self._statement, dict(facts)).all()
        dialect = connection.dialect
        known = self._compiled.get(dialect)
        if known is None:
            known = self._compiled[dialect] = _compiled(self._statement, dialect)
        text, constants = known
        return _asked(connection, text, {**constants, **facts})

    def scalar(self, work: Work, facts: Mapping[str, object]) -> Any:  # noqa: ANN401 - as declared
        """Return the first value of the first row, None if there is no row."""
        rows = self.rows(work, facts)
        return rows[0][0] if rows else None


def _direct(connection: Connection) -> bool:
    dialect = connection.dialect
    if dialect.driver != "psycopg" or dialect.is_async or connection.engine.echo:
        return False
    if connection.get_execution_options().get("schema_translate_map"):
        return False  # our text names the schemas that the tables were described with
    heard = connection.dispatch
    return not (
        heard.before_cursor_execute
        or heard.after_cursor_execute
        or heard.before_execute
        or heard.after_execute
        or dialect.dispatch.do_execute
        or dialect.dispatch.handle_error
    )


def _compiled(statement: ClauseElement, dialect: Dialect) -> tuple[str, Mapping[str, object]]:
    compiled = statement.compile(dialect=dialect)
    return str(compiled), dict(compiled.params or {})


def _asked(connection: Connection, text: str, facts: dict[str, object]) -> Sequence[Any]:
    """Ask the driver; errors are told and lost connections given up as SQLAlchemy does it."""
    dialect: Any = connection.dialect
    errors: type[Exception] = dialect.loaded_dbapi.Error
    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor:
            cursor.execute(text, facts)
            return list(cursor.fetchall())
    except errors as error:
        lost: bool = dialect.is_disconnect(error, driver, None)
        if lost:
            connection.invalidate(error)
        raise DBAPIError.instance(
            text,
            facts,
            error,
            errors,
            hide_parameters=connection.engine.hide_parameters,
            connection_invalidated=lost,
            dialect=connection.dialect,
        ) from error
