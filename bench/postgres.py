"""The cases on PostgreSQL: ours and by hand on one server that flushes every commit to the disk."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import count
from statistics import median
from typing import TYPE_CHECKING, final

import psycopg
from sqlalchemy import create_engine

from bench.baselines.psycopg_shop import PsycopgShop
from bench.baselines.psycopg_statements import SCHEMA
from bench.ours import OurShop
from bench.pg_loading import loading
from bench.pg_stock import Crowd, reserving
from bench.story import PRICES, baskets
from bench.timing import Result, timed, turns
from bench.traffic import Cost, Traffic, connection_of, counted, spent
from orderwright.adapters.sqlalchemy import SqlInventory, SqlOrders, upgrade_schema
from tests.postgres import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bench.story import Basket, Figures, Shop

__all__ = ["POSTGRES", "PgSize", "full", "measured", "same_end", "tiny", "usual"]

_SKUS = list(PRICES)


@dataclass(frozen=True)
class PgSize:
    """How much to measure on PostgreSQL."""

    rounds: int
    lives: int
    lines: int
    """Of an order with several."""
    crowds: tuple[Crowd, ...]
    """Who reserves a hot SKU."""
    seconds: float
    """Of one turn of a crowd."""
    loads: int
    """How many orders are loaded of each number stored, in each round."""
    stored: tuple[int, ...]


usual = PgSize(
    rounds=24,
    lives=10,
    lines=5,
    crowds=(Crowd(8), Crowd(2), Crowd(8, flush=5)),
    seconds=0.5,
    loads=50,
    stored=(1_000, 100_000),
)
full = replace(usual, stored=(*usual.stored, 1_000_000))
tiny = PgSize(
    rounds=1,
    lives=2,
    lines=3,
    crowds=(Crowd(8), Crowd(2, flush=1)),
    seconds=0.1,
    loads=5,
    stored=(20, 60),
)


@final
@dataclass
class _Side:
    """A shop, the connection it works on, what it still has to live and what its lives cost."""

    shop: Shop
    connection: psycopg.Connection
    waiting: Iterator[Basket]
    costs: list[Cost]

    def live(self, lives: int) -> float:
        """Return the seconds of one life, after so many."""
        orders = [next(self.waiting) for _ in range(lives)]
        backend = self.connection.info.backend_pid
        return timed(lambda: self.costs.append(spent(lambda: self._all(orders), backend))) / lives

    def _all(self, orders: Sequence[Basket]) -> None:
        for basket in orders:
            self.shop.live(basket)

    def counted(self, lives: int, observer: psycopg.Connection) -> Traffic:
        """Return what goes over the connection in one life, having warmed up."""
        self.live(6)  # psycopg prepares what is run a sixth time, which is a round trip of its own
        with counted(self.connection, observer) as traffic:
            self.live(lives)
        self.costs.clear()
        return traffic[0]


def _wide(lines: int) -> Iterator[Basket]:
    """Yield orders of so many lines without end."""
    for number in count():
        (basket,) = baskets(1, number)
        units = (
            (_SKUS[(number + 7 * line) % 50], 1 + (number + line) % 3) for line in range(lines)
        )
        yield replace(basket, units=tuple(units))


@contextmanager
def _ours(server: Server, lines: int) -> Iterator[_Side]:
    with server.database() as database:
        engine = create_engine(database.url())
        try:
            upgrade_schema(engine)
            inventory = SqlInventory(engine)
            shop = OurShop(orders=SqlOrders(engine, inventory=inventory), inventory=inventory)
            yield _Side(shop, connection_of(engine), _wide(lines), [])
        finally:
            engine.dispose()


@contextmanager
def _theirs(server: Server, lines: int) -> Iterator[_Side]:
    with (
        server.database() as database,
        psycopg.connect(database.dsn, autocommit=True) as connection,
    ):
        connection.execute(SCHEMA)
        yield _Side(PsycopgShop(connection), connection, _wide(lines), [])


def same_end(ours: Figures, theirs: Figures) -> None:
    """Raise AssertionError unless both shops stand at the same place.

    Ours also intends its postings, as its stock may be elsewhere; by hand they are part of the
    statement that saves the order.
    """
    intended = ours.events["Intended"] - theirs.events["Intended"]
    receipts = len(PRICES) * 3
    if intended != ours.postings - receipts:
        raise AssertionError(f"{intended} more intents than by hand")
    events = {**ours.events, "Intended": theirs.events["Intended"]}
    same = replace(ours, events=events, feed=ours.feed - intended)
    if same != theirs or theirs.unfinished:
        raise AssertionError(f"ours ends at {same}, by hand at {theirs}")


def living(server: Server, size: PgSize) -> list[Result]:
    """Compare the life of an order of one line, and of several, with the same by hand."""
    return [_living(server, size, lines) for lines in (1, size.lines)]


def _living(server: Server, size: PgSize, lines: int) -> Result:
    with ExitStack() as stack:
        observer = stack.enter_context(psycopg.connect(server.dsn(), autocommit=True))
        sides = [stack.enter_context(side(server, lines)) for side in (_ours, _theirs)]
        traffic = [side.counted(size.lives, observer) for side in sides]
        rounds = turns(size.rounds, *(_turn(side, size.lives) for side in sides))
        same_end(sides[0].shop.figures(), sides[1].shop.figures())
        costs = [_cost(side, size.lives) for side in sides]
    ours, theirs = (min(column) for column in zip(*rounds, strict=True))
    middle = median(mine / hand for mine, hand in rounds)
    told = " against ".join(
        f"{commits / size.lives:g} commits, {trips / size.lives:g} round trips, {cost}"
        for (commits, trips), cost in zip(traffic, costs, strict=True)
    )
    return Result(
        f"life in PostgreSQL, lines: {lines} / by hand",
        ours,
        theirs,
        2.5,
        size.lives,
        f"{told}; median of the rounds' ratios {middle:.2f}",
    )


def _turn(side: _Side, lives: int) -> Callable[[], float]:
    return lambda: side.live(lives)


def _cost(side: _Side, lives: int) -> str:
    """Tell the median cost of a life."""
    client, server = (median(column) / lives * 1e3 for column in zip(*side.costs, strict=True))
    return f"{client:.2f} ms of processor time and {server:.2f} of the server's"


POSTGRES: dict[str, Callable[[Server, PgSize], list[Result]]] = {
    "life_pg": living,
    "hot_sku": reserving,
    "load_by_id": loading,
}


def measured(names: Sequence[str], size: PgSize) -> list[Result]:
    """Return what the named cases measure, on a server of their own."""
    with Server(fsync=True, settings={"max_wal_size": "4GB"}) as server:
        return [result for name in names for result in POSTGRES[name](server, size)]
