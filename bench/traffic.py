"""What goes between a client and its PostgreSQL server, and what it costs both."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from time import process_time
from typing import TYPE_CHECKING, NamedTuple

from psycopg import Connection
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
    says that it is ready. Commits are the transaction ids that the server gave out (one that only
    reads gets none); they are asked over the ``observer``, and must not be given to anyone else
    meanwhile.
    """
    found: list[Traffic] = []
    with TemporaryFile() as told:
        before = _given_out(observer)
        connection.pgconn.trace(os.dup(told.fileno()))
        connection.pgconn.set_trace_flags(Trace.SUPPRESS_TIMESTAMPS | Trace.REGRESS_MODE)
        yield found
        connection.pgconn.untrace()
        told.seek(0)
        trips = sum(line.split(b"\t")[2:3] == [b"ReadyForQuery"] for line in told)
        found.append(Traffic(_given_out(observer) - before, trips))


def _given_out(observer: Connection) -> int:
    """Return the next transaction id, without using it up."""
    row = observer.execute(
        "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
    ).fetchone()
    if row is None:
        raise AssertionError("no snapshot")
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
