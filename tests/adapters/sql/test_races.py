"""Many at once: nothing oversold, no event skipped, no circle of locks; one round trip a write."""

import multiprocessing
import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from threading import Barrier

import pytest
from sqlalchemy import Engine, create_engine, event

from orderwright import OrderDesk, OutOfStock, Posting, Reservation
from orderwright.adapters.sqlalchemy import SqlInventory, SqlOrders, upgrade_schema
from orderwright.inventory.ledger import InventoryLedger
from orderwright.ports import FeedEntry
from tests.adapters.sql.stores import postgres, sqlite_file, wal
from tests.postgres import Database, Server
from tests.worlds import MINUTE, NOON, World, card, line

pytestmark = pytest.mark.long


@pytest.fixture
def database(pg_server: Server) -> Iterator[Database]:
    """A database on PostgreSQL with our tables."""
    with postgres(pg_server) as database:
        yield database


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    """An engine on it, for many threads."""
    engine = create_engine(database.url(), pool_size=20)
    yield engine
    engine.dispose()


def desk_on(engine: Engine, units: int = 10) -> OrderDesk:
    """A desk on the database, with so many mugs."""
    world = World()
    world.orders, world.inventory = SqlOrders(engine), SqlInventory(engine)
    if units:
        world.receive("delivery-1", "MUG", "MAIN", units)
    return world.new_desk()


def replayed(inventory: SqlInventory) -> InventoryLedger:
    """The ledger in memory, of the postings that were written: its sums are an oracle."""
    ledger = InventoryLedger()
    for posting in inventory.postings(limit=100_000):
        ledger.post(posting)
    return ledger


# The feed ---------------------------------------------------------------------------------------


def follow(orders: SqlOrders, seen: list[FeedEntry]) -> list[FeedEntry]:
    """What is new in the feed behind what was seen, which it is added to."""
    new = list(orders.feed(after=seen[-1].position if seen else 0, limit=1000))
    seen += new
    return new


def test_an_open_transaction_delays_its_events_and_skips_none(engine: Engine) -> None:
    """One that began first and commits last is met behind what the reader has seen by then."""
    desk = desk_on(engine)
    orders, seen = SqlOrders(engine), []
    with engine.begin() as connection:
        world = World()
        world.orders, world.inventory = SqlOrders(connection), SqlInventory(connection)
        world.new_desk().place([line()], order_id="slow")
        desk.place([line()], order_id="quick", tenders=[card()])
        assert {"quick"} == {one.order_id for one in follow(orders, seen)}
        assert [] == follow(orders, seen)
    assert {"slow"} == {one.order_id for one in follow(orders, seen)}
    positions = [one.position for one in seen]
    assert sorted(set(positions)) == positions
    for order_id in ("quick", "slow"):
        mine = [one.event for one in seen if one.order_id == order_id]
        assert list(orders.events(order_id)) == mine


def test_readers_that_read_at_once_agree(engine: Engine) -> None:
    """Several readers give positions at the same time: all meet every event once, in one order."""
    desk = desk_on(engine, 100)
    start = Barrier(6)

    def writing(number: int) -> None:
        start.wait()
        for step in range(6):
            desk.place([line()], order_id=f"o{number}-{step}", tenders=[card()])

    def reading(_: int) -> list[tuple[int, str, int]]:
        start.wait()
        seen: list[FeedEntry] = []
        while len({one.order_id for one in seen}) < 18 or follow(SqlOrders(engine), seen):
            follow(SqlOrders(engine), seen)
        return [(one.position, one.order_id, one.number) for one in seen]

    with ThreadPoolExecutor(6) as pool:
        writers = [pool.submit(writing, number) for number in range(3)]
        readers = [pool.submit(reading, number) for number in range(3)]
        for one in writers:
            one.result()
        first, *others = (one.result() for one in readers)
    whole = [(one.position, one.order_id, one.number) for one in SqlOrders(engine).feed(limit=999)]
    for seen in (first, *others):
        assert whole[: len(seen)] == seen


# Stock ------------------------------------------------------------------------------------------


def taking(url: str, names: list[str]) -> int:
    """In a process of its own: how many of its reservations of one mug each were accepted."""
    engine = create_engine(url, connect_args={"timeout": 60} if "sqlite" in url else {})
    inventory = SqlInventory(wal(engine) if "sqlite" in url else engine)
    taken = 0
    for name in names:
        one = Reservation(name, "MUG", "MAIN", 1, order_id=name)
        try:
            inventory.post(Posting.reserve(f"{name}/reserve", [one], at=NOON))
        except OutOfStock:
            continue
        taken += 1
    engine.dispose()
    return taken


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_processes_never_sell_more_than_there_is(kind: str, request: pytest.FixtureRequest) -> None:
    """Four processes want 80 of 50 mugs: 50 are reserved, each once, and the books add up."""
    with _database(kind, request) as engine:
        inventory = SqlInventory(engine)
        inventory.post(Posting.receive("delivery-1", "MUG", "MAIN", 50, at=NOON))
        names = [[f"p{process}-{number}" for number in range(20)] for process in range(4)]
        url = engine.url.render_as_string(hide_password=False)
        with multiprocessing.get_context("spawn").Pool(4) as pool:
            assert 50 == sum(pool.map(partial(taking, url), names))
        (stock,) = inventory.supply(["MUG"], now=NOON)
        assert (0, 50) == (stock.available, stock.reserved)
        assert 50 == len(inventory.reservations(NOON, skus=["MUG"]))
        assert () == replayed(inventory).audit()


@contextmanager
def _database(kind: str, request: pytest.FixtureRequest) -> Iterator[Engine]:
    if kind == "sqlite":
        with sqlite_file() as engine:
            yield engine
    else:
        yield request.getfixturevalue("engine")


def test_postings_that_cross_never_wait_in_a_circle(engine: Engine) -> None:
    """Carts with the same goods in any order, moved to and fro: no deadlock, all accounted for."""
    inventory = SqlInventory(engine)
    skus = [f"S{number}" for number in range(6)]
    for sku in skus:
        inventory.post(Posting.receive(f"delivery-{sku}", sku, "MAIN", 1000, at=NOON))

    def crossing(number: int) -> None:
        dice = random.Random(number)  # noqa: S311 - repeatable, not secret
        for step in range(15):
            name = f"t{number}-{step}"
            cart = dice.sample(skus, 4)
            held = [Reservation(f"{name}/{sku}", sku, "MAIN", 1, order_id=name) for sku in cart]
            inventory.post(Posting.reserve(f"{name}/reserve", held, at=NOON))
            moved = [(sku, 1) for sku in dice.sample(skus, 4)]
            there, back = ("available", "quarantine")[:: dice.choice((1, -1))]
            if there == "quarantine":
                inventory.post(_moved(f"{name}/there", moved, back, there))
            inventory.post(_moved(f"{name}/move", moved, there, back))
            commit, release = held[:2], held[2:]
            inventory.post(
                Posting.settle(f"{name}/settle", at=NOON, commit=commit, release=release)
            )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(crossing, range(8)))
    ledger = replayed(inventory)
    assert () == ledger.audit()
    by_sku = {one.sku: one for one in ledger.supply(skus, now=NOON)}
    for stock in inventory.supply(skus, now=NOON):
        assert by_sku[stock.sku] == stock


def _moved(name: str, units: list[tuple[str, int]], source: str, target: str) -> Posting:
    return Posting.move(name, units, location="MAIN", source=source, target=target, at=NOON)


def test_what_lapses_is_let_lapse_once(engine: Engine) -> None:
    """Many that meet one expired reservation at once: its units are free once, and sold once."""
    inventory = SqlInventory(engine)
    inventory.post(Posting.receive("delivery-1", "MUG", "MAIN", 3, at=NOON))
    old = Reservation("old", "MUG", "MAIN", 3, NOON + MINUTE, "o0")
    inventory.post(Posting.reserve("o0/reserve", [old], at=NOON))
    start = Barrier(8)

    def taking_one(number: int) -> bool:
        start.wait()
        one = Reservation(f"r{number}", "MUG", "MAIN", 1, order_id=f"o{number}")
        try:
            inventory.post(Posting.reserve(f"o{number}/reserve", [one], at=NOON + MINUTE))
        except OutOfStock:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert 3 == sum(pool.map(taking_one, range(1, 9)))
    reasons = Counter(one.reason for one in inventory.postings())
    assert 1 == reasons["expired"]
    assert () == replayed(inventory).audit()


# How often the database is asked ----------------------------------------------------------------


def test_loading_saving_and_posting_are_one_round_trip_each(engine: Engine) -> None:
    """A life on PostgreSQL: as many statements as the flow has requests, no BEGIN and no COMMIT."""
    desk = desk_on(engine)
    told: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *given: told.append(given[2]))
    event.listen(engine, "commit", lambda _: told.append("COMMIT"))
    SqlOrders(engine).load("o1")
    assert 1 == len(told)
    told.clear()
    desk.place([line(), line()], order_id="o1", tenders=[card()])
    desk.ship("o1", "f1", tracking="T1")
    desk.deliver("o1", "f1")
    asked = Counter(_kind(one) for one in told)
    assert 2 == asked["post"]
    saved = desk.order("o1").version
    assert asked["save"] < saved
    assert {"load", "load with key", "save", "post", "supply"} >= set(asked)
    told.clear()
    for _ in range(2):  # said again, it is known at once
        desk.note("o1", "x", key="k1")
    assert {"load with key": 2, "save": 1} == Counter(_kind(one) for one in told)


def _kind(statement: str) -> str:
    kinds = {
        "orderwright_post": "post",
        "WITH saved": "save",
        "LEFT OUTER JOIN orderwright_events": "load with key",
        "CAST(orderwright_orders.document": "load",
        "orderwright_lots": "supply",
    }
    return next((kind for part, kind in kinds.items() if part in statement), statement)


def test_several_processes_share_a_file(tmp_path: object) -> None:
    """SQLite with a write-ahead log: orders placed by four processes at once are all there."""
    url = f"sqlite:///{tmp_path}/shop.db"
    engine = wal(create_engine(url))
    upgrade_schema(engine)
    desk_on(engine, 100)
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        placed = [one for some in pool.map(partial(placing, url), range(4)) for one in some]
    orders = SqlOrders(engine)
    assert ["confirmed"] * 20 == [orders.load(one).state.name for one in placed]
    assert 20 == len({one.order_id for one in orders.feed(limit=999)})
    (stock,) = SqlInventory(engine).supply(["MUG"], now=NOON)
    assert (80, 20) == (stock.available, stock.reserved)
    engine.dispose()


def placing(url: str, number: int) -> list[str]:
    """In a process of its own: the ids of five orders it placed."""
    engine = wal(create_engine(url, connect_args={"timeout": 60}))
    desk = desk_on(engine, 0)
    ids = [f"p{number}-{step}" for step in range(5)]
    for order_id in ids:
        desk.place([line()], order_id=order_id, tenders=[card()])
    engine.dispose()
    return ids
