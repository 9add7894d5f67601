"""The case of the hot SKU: many processes reserve units of one article, one after the other."""

from __future__ import annotations

import multiprocessing
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import orjson
import psycopg
from psycopg.sql import SQL, Identifier, Literal
from sqlalchemy import create_engine

from bench.baselines.psycopg_stock import BARE, BY_HAND, SCHEMA
from bench.timing import Result
from orderwright import Posting, Reservation
from orderwright.adapters.sqlalchemy import SqlInventory, upgrade_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from multiprocessing.connection import Connection as Pipe

    from bench.postgres import PgSize
    from tests.postgres import Database, Server

    Reserve: TypeAlias = Callable[[str], None]

__all__ = ["Crowd", "reserving"]

_SKU, _PLACE, _STOCK = "HOT", "MAIN", 10**9
_BOOKED = """
SELECT %(stock)s - (SELECT quantity FROM counters), %(stock)s - available, reserved,
    (SELECT count(*) FROM reservations), (SELECT count(*) FROM postings)
FROM balances
"""
_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
_UNTIL = _NOON + timedelta(minutes=30)
_WARM = 6  # psycopg prepares what is run a sixth time
_WAIT = 300.0  # seconds until a process that does not answer is given up


class Crowd(NamedTuple):
    """So many processes, and how many milliseconds a commit takes beyond the disk's own time.

    The bars are for many who want one article. Two, of whom one seldom waits for the other, show
    what ours costs by itself, and are shown for information: they miss the bar of 1.25.
    """

    processes: int
    flush: int = 0

    def __str__(self) -> str:
        """Tell who it is."""
        return f"{self.processes} at once" + (f", +{self.flush} ms" if self.flush else "")


# What each process does ---------------------------------------------------------------------


@contextmanager
def _ours(database: Database) -> Iterator[Reserve]:
    engine = create_engine(database.url())
    inventory = SqlInventory(engine)

    def reserve(name: str) -> None:
        held = Reservation(f"{name}/f1", _SKU, _PLACE, 1, _UNTIL, name)
        inventory.post(Posting.reserve(f"{name}/reserve", [held], at=_NOON))

    yield reserve
    engine.dispose()


@contextmanager
def _bare(database: Database) -> Iterator[Reserve]:
    with psycopg.connect(database.dsn, autocommit=True) as connection:

        def reserve(_: str) -> None:
            asked = {"sku": _SKU, "units": 1}
            if connection.execute(BARE, asked, prepare=True).rowcount != 1:
                raise AssertionError("short")

        yield reserve


@contextmanager
def _by_hand(database: Database, statement: str) -> Iterator[Reserve]:
    with psycopg.connect(database.dsn, autocommit=True) as connection:

        def reserve(name: str) -> None:
            held = {
                "reservation": f"{name}/f1",
                "sku": _SKU,
                "location": _PLACE,
                "units": 1,
                "until": _UNTIL,
            }
            posting = {"posting": f"{name}/reserve", "order": name, "at": _NOON}
            document = orjson.dumps({**posting, **held}).decode()
            asked = {**posting, **held, "document": document}
            if connection.execute(statement, asked, prepare=True).fetchone() != (True,):
                raise AssertionError("known, or short")

        yield reserve


_SIDES: dict[str, Callable[[Database], AbstractContextManager[Reserve]]] = {
    "ours": _ours,
    "bare": _bare,
    **{name: partial(_by_hand, statement=text) for name, text in BY_HAND.items()},
}


@dataclass(frozen=True)
class _Turn:
    """What the parent asks of every process: to reserve for so many seconds."""

    side: str
    number: int
    seconds: float


def _work(database: Database, worker: int, pipe: Pipe) -> None:
    """Take turns until the pipe is closed; tell how many units each brought, in how long."""
    with ExitStack() as stack:
        sides = {name: stack.enter_context(side(database)) for name, side in _SIDES.items()}
        for name, reserve in sides.items():
            for number in range(_WARM):
                reserve(f"warm-{worker}-{name}-{number}")
        pipe.send((_WARM, 0.0))
        with suppress(EOFError):
            while True:
                turn: _Turn = pipe.recv()
                pipe.send(_reserved(turn, worker, sides[turn.side]))


def _reserved(turn: _Turn, worker: int, reserve: Reserve) -> tuple[int, float]:
    start = now = perf_counter()
    for number in count():
        if now - start >= turn.seconds:
            return number, now - start
        reserve(f"order-{worker}-{turn.number}-{number}")
        now = perf_counter()
    raise AssertionError("unreachable")


# The parent ---------------------------------------------------------------------------------


def reserving(server: Server, size: PgSize) -> list[Result]:
    """Compare reservations of one article by several processes with both ways by hand."""
    return [result for crowd in size.crowds for result in _reserving(server, size, crowd)]


def _reserving(server: Server, size: PgSize, crowd: Crowd) -> Iterator[Result]:
    taken = dict.fromkeys(_SIDES, 0)
    rates: dict[str, list[float]] = {side: [] for side in _SIDES}
    with server.database() as database, _stocked(database, crowd.flush) as observer:
        with _processes(database, crowd.processes) as pipes:
            for side in _SIDES:
                taken[side] += _WARM * len(pipes)
            for number, side in enumerate(list(_SIDES) * size.rounds):
                units, rate = _turned(_Turn(side, number, size.seconds), pipes)
                taken[side] += units
                rates[side].append(rate)
        _accounted(database, observer, taken)
    # Eight processes wait for each other: what a lucky moment brought one side tells nothing.
    rate_of = {side: median(found) for side, found in rates.items()}
    hand = max(BY_HAND, key=rate_of.__getitem__)
    told = ", ".join(f"{name} {rate:,.0f}" for name, rate in rate_of.items())
    told = f"commits a second, medians: {told}; ours reaches "
    for name, side, bar in (("bare UPDATE", "bare", 2), (hand, hand, 1.25)):
        yield Result(
            f"hot SKU, {crowd} / {name}",
            1 / rate_of["ours"],
            1 / rate_of[side],
            bar if crowd.processes > 2 else None,
            round(rate_of["ours"] * size.seconds),
            f"{told}{rate_of['ours'] / rate_of[side]:.2f}",
        )


def _turned(turn: _Turn, pipes: Sequence[Pipe]) -> tuple[int, float]:
    """Return how many units all processes reserved in a turn, and how many a second."""
    for pipe in pipes:
        pipe.send(turn)
    answers = [_answer(pipe) for pipe in pipes]
    return sum(units for units, _ in answers), sum(units / taking for units, taking in answers)


def _answer(pipe: Pipe) -> tuple[int, float]:
    if not pipe.poll(_WAIT):
        raise TimeoutError("a process does not answer")
    units, seconds = pipe.recv()
    return int(units), float(seconds)


def _accounted(database: Database, observer: psycopg.Connection, taken: Mapping[str, int]) -> None:
    """Raise AssertionError unless each unit that was taken left the stock and has its records."""
    engine = create_engine(database.url())
    inventory = SqlInventory(engine)
    (stock,) = inventory.supply([_SKU], now=_NOON)
    held = inventory.reservations(_NOON, skus=[_SKU])
    postings = observer.execute("SELECT count(*) - 1 FROM orderwright_postings").fetchone()
    engine.dispose()
    ours = taken["ours"]
    found = (_STOCK - stock.available, stock.reserved, len(held), postings)
    if found != (ours, ours, ours, (ours,)):
        raise AssertionError(f"ours: {found} of {ours}")
    by_hand = sum(taken[name] for name in BY_HAND)
    row = observer.execute(_BOOKED, {"stock": _STOCK}).fetchone()
    if row != (taken["bare"], by_hand, by_hand, by_hand, by_hand):
        raise AssertionError(f"by hand: {row} of {taken}")


@contextmanager
def _stocked(database: Database, flush: int) -> Iterator[psycopg.Connection]:
    """Make all tables, with stock for everybody."""
    if flush:
        _slow(database, flush)
    engine = create_engine(database.url())
    upgrade_schema(engine)
    SqlInventory(engine).post(Posting.receive("delivery", _SKU, _PLACE, _STOCK, at=_NOON))
    engine.dispose()
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        connection.execute(SCHEMA)
        connection.execute("INSERT INTO counters VALUES (%s, %s)", (_SKU, _STOCK))
        connection.execute("INSERT INTO balances VALUES (%s, %s, %s, 0)", (_SKU, _PLACE, _STOCK))
        yield connection


def _slow(database: Database, flush: int) -> None:
    """Have every commit wait before it flushes, as if the disk, or a standby, took longer."""
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        name = connection.info.dbname
        for setting, value in (("commit_delay", 1_000 * flush), ("commit_siblings", 0)):
            told = SQL("ALTER DATABASE {} SET {} = {}")
            connection.execute(told.format(Identifier(name), Identifier(setting), Literal(value)))


@contextmanager
def _processes(database: Database, number: int) -> Iterator[list[Pipe]]:
    """Yield the parent's ends of the pipes to so many processes, ready to take turns."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])  # so that eight processes import once
    ends = [context.Pipe() for _ in range(number)]
    workers = [
        context.Process(target=_work, args=(database, worker, theirs))
        for worker, (_, theirs) in enumerate(ends)
    ]
    pipes = [mine for mine, _ in ends]
    try:
        for worker, (_, theirs) in zip(workers, ends, strict=True):
            worker.start()
            theirs.close()
        for pipe in pipes:
            _answer(pipe)
        yield pipes
    finally:
        for pipe in pipes:
            pipe.close()
        for worker in workers:
            worker.join(_WAIT)
            worker.kill()
