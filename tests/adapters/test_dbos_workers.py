"""Several worker processes on one queue, some of them killed: every order ends, once."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from dbos import WorkflowHandle

from orderwright import Order, OutOfStock, Posting
from orderwright.adapters.dbos import DurableDesk
from orderwright.adapters.sqlalchemy import upgrade_schema
from orderwright.adapters.system import utc_now
from orderwright.inventory.ledger import InventoryLedger
from orderwright.ports import OrderQuery
from tests.adapters.durable import QUICK, Books, opened, quick_folder, running, sql_desk, workflows
from tests.helpers import ROOT
from tests.postgres import Server
from tests.worlds import card, line

pytestmark = pytest.mark.long

ORDERS, MUGS = 14, 9
PATIENCE = 60.0


class Workers:
    """Worker processes on two databases; see `dbos_worker`."""

    def __init__(self, shop: str, dbos: str) -> None:
        program = [sys.executable, "-m", "tests.adapters.dbos_worker", shop, dbos, "0.02"]
        pipe = subprocess.PIPE
        self._nursery = subprocess.Popen(program, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)
        self._pids: dict[str, int] = {}

    def start(self, *names: str) -> None:
        """Start workers, and wait until they work."""
        print(*names, sep="\n", file=self._nursery.stdin, flush=True)
        for _ in names:
            name, pid = self._nursery.stdout.readline().split()
            self._pids[name] = int(pid)

    def kill(self, name: str) -> None:
        """Kill a worker in the middle of whatever it does."""
        os.kill(self._pids[name], signal.SIGKILL)

    def stop(self) -> None:
        """Let the others end."""
        self._nursery.communicate(timeout=PATIENCE)
        assert 0 == self._nursery.returncode


@contextmanager
def databases(server: Server | None) -> Iterator[tuple[str, str]]:
    """The URLs of a shop's database and of DBOS's own."""
    if server is None:
        with quick_folder() as folder:
            yield f"sqlite:///{folder}/shop.db", f"sqlite:///{folder}/dbos.db"
    else:
        with server.database() as shop, server.database() as dbos:
            yield shop.url(), dbos.url()


@pytest.fixture(params=["sqlite", "postgresql"])
def urls(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """On SQLite always, and on a PostgreSQL server."""
    postgresql = request.param == "postgresql"
    server = request.getfixturevalue("pg_server") if postgresql else None
    with databases(server) as urls:
        yield urls


def wait_until(happened: Callable[[], bool]) -> None:
    """Wait for something another process does."""
    until = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.005)


def busy(executor: str) -> int:
    """How many workflows a worker has begun and not ended."""
    return len(workflows(executor_id=executor, status="PENDING"))


def result(handle: WorkflowHandle[Order]) -> Order | OutOfStock:
    """What became of a command."""
    try:
        return handle.get_result(**QUICK)
    except OutOfStock as error:
        return error


def kill_at_work(workers: Workers, desk: DurableDesk, name: str) -> tuple[str, ...]:
    """Kill a worker that has begun something; have what it left taken over."""
    wait_until(lambda: busy(name) > 0)
    workers.kill(name)
    assert busy(name) > 0
    return desk.take_over([name])


def test_what_killed_workers_leave_is_finished_by_others(urls: tuple[str, str]) -> None:
    """14 orders for 9 mugs are placed and shipped by three workers, two of whom are killed.

    Every order ends as it should, is once in the provider's books, and every mug is accounted for.
    """
    shop, dbos = urls
    engine = opened(shop)
    upgrade_schema(engine)
    Books.open(engine)
    books = Books(engine)
    ordinary = sql_desk(engine, books)
    ordinary.post_stock(Posting.receive("delivery", "MUG", "MAIN", MUGS, at=utc_now()))
    workers = Workers(shop, dbos)
    try:
        with running(ordinary, dbos, executor="producer", works=False, look=0.1) as desk:
            kept, left = day(desk, workers)
    finally:
        workers.stop()
    assert MUGS == len(kept)
    assert left, "no worker was killed at work"
    check_books(books, kept)
    check_orders(ordinary.ports.orders, kept)
    check_stock(ordinary.ports.inventory)
    engine.dispose()


def day(desk: DurableDesk, workers: Workers) -> tuple[list[str], tuple[str, ...]]:
    """Place and ship; return the orders that got a mug, and what was left by killed workers."""
    workers.start("w1", "w2")
    placing = [
        desk.submit(desk.place, [line()], order_id=f"o{number}", tenders=[card()])
        for number in range(ORDERS)
    ]
    left = kill_at_work(workers, desk, "w1")
    workers.start("w3")
    placed = [result(handle) for handle in placing]
    kept = [one.id for one in placed if isinstance(one, Order) and one.goods == "reserved"]
    shipping = [desk.submit(desk.ship, one, "f1", key="ship") for one in kept]
    left += kill_at_work(workers, desk, "w2")
    assert {"shipped"} == {handle.get_result(**QUICK).goods for handle in shipping}
    assert {"SUCCESS", "ERROR"} >= set(workflows().values())
    return kept, left


def check_books(books: Books, kept: list[str]) -> None:
    """One authorization and one capture of ten euros for each order that got a mug, no more."""
    moved = Counter((one.split("/")[0], kind) for one, kind, _ in books.entries())
    for order_id in kept:
        assert 1 == moved.pop((order_id, "authorize"))
        assert 1 == moved.pop((order_id, "capture"))
    given_up = {order_id for order_id, _ in moved}
    for order_id in given_up:  # authorized before the last mug was gone
        assert 1 == moved[order_id, "authorize"] == moved[order_id, "void"]
    assert {1000} == {amount.minor for *_, amount in books.entries()}
    assert books.asked() >= len(books.entries())


def check_orders(orders: object, kept: list[str]) -> None:
    """Each is what its history says, and nothing is open on any."""
    ids = orders.find(OrderQuery(), limit=ORDERS)
    assert set(kept) <= set(ids)
    for order_id in ids:
        order = orders.load(order_id)
        assert order == Order.replay(orders.events(order_id))
        assert () == order.intents
        assert (order_id in kept) == (order.goods == "shipped")


def check_stock(inventory: object) -> None:
    """A book made of the same postings has the same balances: all mugs are with customers."""
    ledger = InventoryLedger()
    for posting in inventory.postings(limit=10_000):
        ledger.post(posting)
    (stock,) = inventory.supply(["MUG"], now=utc_now())
    assert (0, 0) == (stock.available, stock.reserved)
    assert (stock,) == ledger.supply(["MUG"], now=utc_now())
    assert () == ledger.audit()
