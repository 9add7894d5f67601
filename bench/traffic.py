"""What goes between a client and its PostgreSQL server, and what it costs both."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from time import process_time
from typing import TYPE_CHECKING, NamedTuple

from psycopg import Connection
from psycopg.errors import InternalError_, InvalidParameterValue
from psycopg.pq import Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

__all__ = ["Cost", "Traffic", "connection_of", "counted", "spent"]


class Traffic(NamedTuple):
    """``commits`` are transactions that wrote; ``round_trips`` are waits for the server."""

    commits: int
    round_trips: int


class Cost(NamedTuple):
    """Seconds of processor time."""

    client: float
    server: float


def connection_of(engine: Engine) -> Connection:
    """Return the connection that lies in the pool of an engine which only one thread uses."""
    pooled = engine.raw_connection()
    driver = pooled.driver_connection
    pooled.close()
    if not isinstance(driver, Connection):
        raise TypeError(driver)
    return driver


@contextmanager
def counted(connection: Connection, observer: Connection) -> Iterator[list[Traffic]]:
    """Append to the list yielded, at the end of the block, what went over ``connection``.

    Round trips are counted in what libpq itself notes of the protocol: each ends when the server
    says that it is ready. Commits are those that the server wrote to its log (one that only reads
    writes none); they are read over the ``observer``, and nobody else may commit meanwhile.
    """
    found: list[Traffic] = []
    observer.execute("CREATE EXTENSION IF NOT EXISTS pg_walinspect")
    with TemporaryFile() as told:
        before = _end_of_log(observer)
        connection.pgconn.trace(os.dup(told.fileno()))
        connection.pgconn.set_trace_flags(Trace.SUPPRESS_TIMESTAMPS | Trace.REGRESS_MODE)
        yield found
        connection.pgconn.untrace()
        told.seek(0)
        trips = sum(line.split(b"\t")[2:3] == [b"ReadyForQuery"] for line in told)
        found.append(Traffic(_commits(observer, before, _end_of_log(observer)), trips))


def _end_of_log(observer: Connection) -> str:
    """Return how far the server has written its log."""
    row = observer.execute("SELECT pg_current_wal_insert_lsn()::text").fetchone()
    if row is None:
        raise AssertionError("no log")
    return str(row[0])


def _commits(observer: Connection, start: str, end: str) -> int:
    """Return how many commits the log has between two places."""
    try:
        row = observer.execute(
            "SELECT count(*) FROM pg_get_wal_records_info(%s, %s)"
            " WHERE resource_manager = 'Transaction' AND record_type = 'COMMIT'",
            (start, end),
        ).fetchone()
    except (InternalError_, InvalidParameterValue):
        return 0  # nothing is there, or flushed, since: a commit would be
    if row is None:
        raise AssertionError("no log")
    return int(row[0])


def spent(work: Callable[[], object], backend: int) -> Cost:
    """Return what ``work`` costs this process and the server's ``backend``, by its process id.

    What Linux does not tell of the server is left out.
    """
    client, server = process_time(), _run_time(backend)
    work()
    return Cost(process_time() - client, _run_time(backend) - server)


def _run_time(process: int) -> float:
    """Return the seconds a process has been running on a processor."""
    told = Path(f"/proc/{process}/schedstat")
    return int(told.read_text().split()[0]) / 1e9 if told.exists() else 0.0
