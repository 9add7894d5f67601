"""What both repositories share: the host's transaction, positions, and what goes wrong."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.db import (
    DatabaseError,
    InterfaceError,
    OperationalError,
    connections,
    transaction,
)
from django.db.models import QuerySet

from orders.models import Counter
from orderwright.codec import Codec
from orderwright.errors import AdapterFault, CodecError, OutcomeUnknown

T = TypeVar("T")
CODEC = Codec()
"""Costly to make, and shared: repositories are made anew for each request."""
BATCH = 1_000
"""So many rows get a position at once."""
PASSING = {"08", "40", "53", "57"}
"""Classes of PostgreSQL's error codes that say: try again. A connection is lost, a deadlock was
ended, there was no room, the server stops."""


def in_transaction(using: str) -> bool:
    """Whether the host has opened a transaction, which it may still roll back."""
    return connections[using].in_atomic_block


@contextmanager
def told(adapter: str, record: str, using: str, *, writes: bool = False) -> Iterator[None]:
    """Raise what the database refuses as a fault of ``adapter``, naming the ``record``.

    Where the connection was lost while it ``writes``, it may have written.
    """
    try:
        yield
    except json.JSONDecodeError as error:
        raise AdapterFault(adapter, f"{record}: no JSON: {error}") from error
    except (DatabaseError, InterfaceError) as error:
        connection = connections[using]
        connection.close_if_unusable_or_obsolete()  # then the next call opens another
        code = getattr(error.__cause__, "sqlstate", None) or ""
        lost = _is_lost(error, code, connection.vendor)
        unknown = lost and writes and not connection.in_atomic_block
        kind = OutcomeUnknown if unknown else AdapterFault
        passing = lost or code[:2] in PASSING or "locked" in str(error)
        raise kind(adapter, f"{record}: {error}", retryable=passing) from error


def _is_lost(error: Exception, code: str, vendor: str) -> bool:
    """Tell whether the connection is gone: psycopg says so with a code of its class, or none."""
    if vendor != "postgresql" or not isinstance(error, OperationalError | InterfaceError):
        return False
    return not code or code[:2] == "08" or code in {"57P01", "57P02"}


def read(adapter: str, record: str, document: object, decode: Callable[[object], T]) -> T:
    """Return what a document stands for; one that nobody can read is a fault of its record."""
    try:
        return decode(document)
    except CodecError as error:
        raise AdapterFault(adapter, f"{record} cannot be read: {error}") from error


def give_positions(rows: QuerySet, counter: str, *order: str) -> bool:
    """Give positions to committed rows without one, in that order; return whether there were any.

    A number drawn while writing may become visible after a higher one, as its transaction commits
    later: who has read past it would never see it. So it is readers who number, one at a time, and
    what one of them numbers is visible to all before the next begins. Done in a transaction of the
    host's, it has the other readers wait for its end.
    """
    new = rows.filter(position=None).order_by(*order)
    if not new.exists():
        return False
    with transaction.atomic(using=rows.db):
        locked = Counter.objects.using(rows.db).select_for_update()
        last, _ = locked.get_or_create(name=counter)
        found = list(new.only("position")[:BATCH])
        for row in found:
            last.value += 1
            row.position = last.value
        rows.bulk_update(found, ["position"])
        last.save()
    return True
