"""How statements run: on the host's engine and committed here, or in the host's own transaction.

What goes wrong is told as one of our errors, naming the adapter and the record.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast, final

from sqlalchemy import Connection
from sqlalchemy.exc import (
    DBAPIError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
    SQLAlchemyError,
    StatementError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from orderwright.errors import AdapterFault, OrderwrightError, OutcomeUnknown

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from sqlalchemy import Dialect, Engine, PoolProxiedConnection

__all__ = ["AUTOCOMMIT", "Work", "code_of", "explained", "known", "reached"]

_ALONE: Final = "AUTOCOMMIT"
AUTOCOMMIT: Final = {"isolation_level": _ALONE}
"""A single statement commits by itself: it saves two round trips for each."""


def known(dialect: Dialect) -> None:
    """Refuse a database that the statements were not made for."""
    if dialect.name not in ("postgresql", "sqlite"):
        raise AdapterFault("SQL", f"use PostgreSQL or SQLite: {dialect.name} is not known here")


@final
class Work:
    """What to work on: the host's transaction (``joined``), or an engine's connection of our own.

    The latter is taken from the pool when it is first needed, in autocommit mode, and given back
    by :meth:`close`: to say a statement to the driver, or all of SQLAlchemy's around it.
    """

    __slots__ = ("_as_found", "_borrowed", "_connection", "adapter", "engine", "joined")

    def __init__(self, bind: Engine | Connection, adapter: str, *, joined: bool) -> None:
        self.engine: Engine = bind.engine
        self.adapter: str = adapter
        self.joined: bool = joined
        self._as_found = False
        self._borrowed: PoolProxiedConnection | None = None
        self._connection = bind if isinstance(bind, Connection) else None
        if bind.get_execution_options().get("schema_translate_map"):
            told = "schemas are not translated here: name yours, as in Tables(schema='tenant')"
            raise AdapterFault(adapter, told)
        if joined and _alone(self.connection):
            told = "a connection in autocommit has no transaction to be part of: pass the engine"
            raise AdapterFault(adapter, told)

    @property
    def connected(self) -> bool:
        """Whether there is a connection of SQLAlchemy's already."""
        return self._connection is not None

    @property
    def connection(self) -> Connection:
        """A connection as SQLAlchemy makes it."""
        if self._connection is None:
            self._give_back()  # the pool may have no second one
            with reached(self.adapter), self._told():
                connection = self.engine.connect()
                try:
                    self._connection = connection.execution_options(**AUTOCOMMIT)
                except BaseException:
                    connection.close()
                    raise
        return self._connection

    @property
    def driver(self) -> Any:  # noqa: ANN401 - whatever the driver calls a connection
        """The driver's own connection."""
        if self._borrowed is None:
            try:
                self._borrowed = self.engine.raw_connection()
                driver: Any = self._borrowed.driver_connection
                self._as_found = driver.autocommit
                driver.autocommit = True
            except BaseException as error:
                self.give_up(error)
                with reached(self.adapter), self._told():
                    raise
        return self._borrowed.driver_connection

    def told(
        self, error: Exception, text: str | None = None, facts: Mapping[str, object] | None = None
    ) -> StatementError:
        """Return an error of the driver as SQLAlchemy tells it; who lost the server gives up."""
        dialect: Any = self.engine.dialect
        borrowed = self._borrowed
        driver = None if borrowed is None else borrowed.driver_connection
        lost: bool = dialect.is_disconnect(error, driver, None)
        if lost and borrowed is not None:
            pool: Any = self.engine.pool
            pool._invalidate(borrowed, error)  # noqa: SLF001 - as for its own: all others are too
            self.give_up(error)
        return DBAPIError.instance(
            text,
            facts,
            error,
            dialect.loaded_dbapi.Error,
            hide_parameters=self.engine.hide_parameters,
            connection_invalidated=lost,
            dialect=dialect,
        )

    @contextmanager
    def _told(self) -> Generator[None]:
        dialect: Any = self.engine.dialect
        try:
            yield
        except dialect.loaded_dbapi.Error as error:
            raise self.told(error) from error

    def give_up(self, error: BaseException) -> None:
        """Have the driver's connection closed: nobody knows what it is in the middle of."""
        borrowed, self._borrowed = self._borrowed, None
        if borrowed is not None:
            if borrowed.is_valid:
                borrowed.invalidate(error)
            borrowed.close()

    def _give_back(self) -> None:
        borrowed, dialect = self._borrowed, cast("Any", self.engine.dialect)
        if borrowed is None:
            return
        try:
            cast("Any", borrowed.driver_connection).autocommit = self._as_found
        except BaseException as error:
            self.give_up(error)
            if not isinstance(error, dialect.loaded_dbapi.Error):
                raise
            return  # what was asked is done all the same
        self._borrowed = None
        borrowed.close()

    def close(self) -> None:
        """Give back what is our own."""
        self._give_back()
        if self._connection is not None:
            self._connection.close()

    @property
    def one_statement(self) -> bool:
        """Whether the database can make all writes of a call in one statement."""
        return self.engine.dialect.name == "postgresql"

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Do several statements or none: in a transaction of their own, or as a part of the host's.

        SQLite is asked for the right to write first: who reads, then writes, may be too late.
        """
        begin, commit, undo = self._words()
        try:
            self._say(begin)
            yield
            self._say(commit)
        except BaseException:
            # Its own failure would hide the cause; then the database has undone it already.
            for one in undo:
                with suppress(SQLAlchemyError):
                    if not self.connection.invalidated:
                        self.connection.exec_driver_sql(one)
            raise

    def _words(self) -> tuple[_Words, _Words, _Words]:
        """Return what begins, commits and undoes a transaction."""
        if self.connection.dialect.name != "sqlite":
            return _PART if self.joined else _OWN
        begun = _begun(self.connection)
        if self.joined:
            begin, commit, undo = _PART
            return begin if begun else (_WRITING, *begin), commit, undo
        if not begun:
            return (_WRITING,), ("COMMIT",), ("ROLLBACK",)
        # By the host's listener or the driver: nothing is in it yet, and they expect to find one.
        return ("ROLLBACK", _WRITING), ("COMMIT", "BEGIN"), ("ROLLBACK", "BEGIN")

    def _say(self, words: _Words) -> None:
        for one in words:
            self.connection.exec_driver_sql(one)


def _begun(connection: Connection) -> bool:
    """Whether SQLite is in a transaction, once SQLAlchemy is: an engine's listener may begin it."""
    if not connection.in_transaction():
        connection.begin()
    driver: Any = connection.connection.driver_connection
    return bool(driver.in_transaction)


def _alone(connection: Connection) -> bool:
    """Whether each statement commits by itself, whoever has said so."""
    if connection.get_execution_options().get("isolation_level") == _ALONE:
        return True
    driver: Any = connection.connection.dbapi_connection
    if connection.dialect.name == "sqlite":
        # None is also what a host sets who begins transactions by a listener.
        alone = driver.isolation_level is None and not _begun(connection)
        # Since Python 3.12 a driver can be told to do nothing when it is told to commit.
        return alone or getattr(driver, "autocommit", None) is True
    return bool(driver.autocommit)


_Words: TypeAlias = tuple[str, ...]
_WRITING: Final = "BEGIN IMMEDIATE"
# Whoever waits for a lock has to see what the other has done, whatever the database's default is.
_OWN: Final[tuple[_Words, _Words, _Words]] = (
    ("BEGIN ISOLATION LEVEL READ COMMITTED",),
    ("COMMIT",),
    ("ROLLBACK",),
)
_PART: Final[tuple[_Words, _Words, _Words]] = (
    ("SAVEPOINT orderwright",),
    ("RELEASE SAVEPOINT orderwright",),
    ("ROLLBACK TO SAVEPOINT orderwright", "RELEASE SAVEPOINT orderwright"),
)

# What the database says, by the codes of the SQL standard and of PostgreSQL
# (https://www.postgresql.org/docs/current/errcodes-appendix.html): nothing was done, and it may
# be tried again: serialization, deadlock, lock, no room for a connection, starting up, cancelled,
# not the primary server any more.
_AGAIN: Final = frozenset({"40001", "40P01", "55P03", "53300", "57P03", "57014", "25006"})
# The connection is gone: 08 of its own, 57P01 and 57P02 as the server was stopped or crashed.
_GONE: Final = frozenset({"57P01", "57P02"})


@contextmanager
def reached(adapter: str) -> Generator[None]:
    """Tell what keeps a connection from being made."""
    try:
        yield
    except SQLAlchemyError as error:
        told = f"no connection: {_cause(error)}"
        raise AdapterFault(adapter, told, retryable=_passing(error)) from error


@contextmanager
def explained(
    adapter: str, record: str, *, writes: bool = False, joined: bool = False
) -> Generator[None]:
    """Raise what the database refuses as a fault of ``adapter``, naming the ``record``.

    A connection that was lost while it ``writes`` may have written: that is OutcomeUnknown. In a
    transaction that is ``joined`` nothing can be tried again: the host has to begin anew.
    """
    try:
        yield
    except DBAPIError as error:
        told = f"{record}: {_cause(error)}"
        if _lost(error):
            kind = OutcomeUnknown if writes else AdapterFault
            told += ": connection lost"
            raise kind(adapter, told, retryable=not joined) from error
        if isinstance(error, IntegrityError):
            told += " (the tables hold what no adapter of orderwright wrote)"
        if isinstance(error, ProgrammingError | OperationalError) and _no_table(error):
            told += " (call upgrade_schema first)"
        again = _passing(error) and not joined
        raise AdapterFault(adapter, told, retryable=again) from error
    except OrderwrightError:
        raise
    except (SQLAlchemyError, *_DRIVERS) as error:
        raise AdapterFault(adapter, f"{record}: {_cause(error)}") from error


# What drivers raise, with no error of their own, for what they cannot write or read.
_DRIVERS: Final = (ValueError, TypeError, OverflowError, NotImplementedError)


def _cause(error: Exception) -> str:
    original = error.orig if isinstance(error, DBAPIError) and error.orig else error
    lines = str(original).strip().splitlines()
    return f"{type(original).__name__}: {lines[0] if lines else 'no reason given'}"


def code_of(error: SQLAlchemyError) -> str:
    """Return the code by which the database says what went wrong, empty if it has none."""
    original = error.orig if isinstance(error, DBAPIError) else None
    code: object = getattr(original, "sqlstate", None) or getattr(original, "pgcode", None)
    return code if isinstance(code, str) else ""


def _lost(error: DBAPIError) -> bool:
    code = code_of(error)
    return error.connection_invalidated or code in _GONE or code.startswith("08")


def _passing(error: SQLAlchemyError) -> bool:
    """Whether it may go better another time."""
    if not isinstance(error, DBAPIError):
        return isinstance(error, PoolTimeout)
    if not isinstance(error, OperationalError | InterfaceError):
        return code_of(error) in _AGAIN
    code = code_of(error)
    if code:
        return code in _AGAIN or code in _GONE or code.startswith("08")
    told = str(error.orig)
    return not _no_table(error) and ("locked" in told or "busy" in told or _unreachable(told))


def _unreachable(told: str) -> bool:
    if "FATAL:" in told:
        return any(one in told for one in _NOT_NOW)
    return any(one in told for one in ("connection", "connect to server", "server closed"))


# What a server says, without a code, to whoever it does not let in just now.
_NOT_NOW: Final = (
    "starting up",
    "shutting down",
    "recovery",
    "terminating connection",
    "too many",
    "slots are reserved",
)


def _no_table(error: DBAPIError) -> bool:
    return code_of(error) in ("42P01", "42883") or "no such table" in str(error.orig)
