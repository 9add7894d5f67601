"""The case of loading an order by its id, however many there are."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from itertools import count, islice
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

import psycopg
from sqlalchemy import create_engine

from bench.ours import OurShop
from bench.story import baskets
from bench.timing import Result
from bench.traffic import connection_of, counted
from orderwright.adapters.sqlalchemy import SqlOrders, Tables, upgrade_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Engine

    from bench.postgres import PgSize
    from tests.postgres import Server

__all__ = ["loading"]

_MODELS = Tables(prefix="models_")
_BATCH = 500  # rows, about two megabytes


def _name(number: int) -> str:
    return f"order-{number:07}"


def loading(server: Server, size: PgSize) -> list[Result]:
    """Compare loading one of many orders with loading one of few."""
    with ExitStack() as stack:
        database = stack.enter_context(server.database())
        engine = create_engine(database.url())
        stack.callback(engine.dispose)
        observer = stack.enter_context(psycopg.connect(database.dsn, autocommit=True))
        models = _models(engine, observer)
        stores = {stored: _filled(engine, observer, models, stored) for stored in size.stored}
        names = {stored: _names(stored) for stored in size.stored}
        for stored, orders in stores.items():
            _loads(orders, islice(names[stored], 6))  # until it is prepared
            with counted(connection_of(engine), observer) as traffic:
                _loads(orders, islice(names[stored], size.loads))
            if traffic[0].round_trips != size.loads:
                raise AssertionError(f"{traffic[0].round_trips} queries for {size.loads} loads")
        times: dict[int, list[float]] = {stored: [] for stored in size.stored}
        for _ in range(size.rounds):
            for stored, orders in stores.items():
                times[stored] += _loads(orders, islice(names[stored], size.loads))
    medians = {stored: median(found) for stored, found in times.items()}
    told = ", ".join(f"of {stored:,} {found * 1e6:.0f} us" for stored, found in medians.items())
    return [
        Result(
            f"loading one of up to {max(size.stored):,} orders",
            max(medians.values()),
            min(medians.values()),
            1.3,
            size.loads,
            f"slowest against quickest median, one query each: {told}",
        )
    ]


def _models(engine: Engine, observer: psycopg.Connection) -> Sequence[bytes]:
    """Return rows of orders that were lived to their end, as COPY writes them."""
    upgrade_schema(engine, _MODELS)
    shop = OurShop(orders=SqlOrders(engine, tables=_MODELS))
    for number, basket in enumerate(baskets(20)):
        shop.live(replace(basket, order_id=_name(number), units=basket.units[: 1 + number % 2]))
    with observer.cursor().copy(f"COPY {_MODELS.orders} TO STDOUT") as rows:
        return b"".join(rows).splitlines(keepends=True)


def _filled(
    engine: Engine, observer: psycopg.Connection, models: Sequence[bytes], stored: int
) -> SqlOrders:
    """Return a repository of so many orders: the ``models`` again and again, under other ids."""
    tables = Tables(prefix=f"of_{stored}_")
    upgrade_schema(engine, tables)
    known = [(row, row.partition(b"\t")[0]) for row in models]
    with observer.transaction(), observer.cursor() as cursor:
        cursor.execute(f"TRUNCATE {tables.orders}")  # only what is new here may come in frozen
        with cursor.copy(f"COPY {tables.orders} FROM STDIN (FREEZE)") as rows:
            for first in range(0, stored, _BATCH):
                numbers = range(first, min(first + _BATCH, stored))
                chosen = ((number, *known[number % len(known)]) for number in numbers)
                rows.write(b"".join(row.replace(old, _name(n).encode()) for n, row, old in chosen))
    observer.execute(f"ANALYZE {tables.orders}")
    return SqlOrders(engine, tables=tables)


def _names(stored: int) -> Iterator[str]:
    """Yield ids from all over the table, without end."""
    return (_name(number * 7919 % stored) for number in count(1))


def _loads(orders: SqlOrders, names: Iterator[str]) -> list[float]:
    """Return the seconds of each load."""
    found = []
    for name in names:
        start = perf_counter()
        order = orders.load(name)
        found.append(perf_counter() - start)
        if order is None or order.id != name or order.state.name != "completed":
            raise AssertionError(name, order)
    return found
