"""One article and many who want it: on PostgreSQL what is available is parted, and stays exact."""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, TextClause, create_engine, event, select, text, update

from orderwright import OutOfStock, Posting, Reservation
from orderwright.adapters.sqlalchemy import TABLES, SqlInventory, SqlOrders
from orderwright.adapters.sqlalchemy.functions import posting_functions
from orderwright.adapters.system import pause
from orderwright.errors import AdapterFault
from orderwright.inventory.guard import Policies, StockPolicy, guarded
from orderwright.testing import InventoryRepositoryContract, JointOrderRepositoryContract
from orderwright.testing.samples import placed
from tests.adapters.sql.stores import BRIEFLY, OnPostgres
from tests.adapters.sql.test_races import replayed
from tests.worlds import MINUTE, NOON

BALANCES = TABLES.balances
WAITING = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
ASLEEP = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
# Halves whatever is available, in each account whose first part nobody has locked.
HALVED = """
DO $$ DECLARE r record; BEGIN
    FOR r IN SELECT * FROM orderwright_balances b
        WHERE b.bucket = 'available' AND b.part = 0 AND b.units > 1 FOR UPDATE SKIP LOCKED
    LOOP
        INSERT INTO orderwright_balances (sku, bucket, location, reservation, lot, part, units,
            reserved)
        SELECT r.sku, r.bucket, r.location, '', r.lot, count(*), r.units / 2, 0
        FROM orderwright_balances b WHERE b.sku = r.sku AND b.bucket = r.bucket
            AND b.location = r.location AND b.reservation = '' AND b.lot = r.lot;
        UPDATE orderwright_balances b SET units = b.units - r.units / 2
        WHERE b.sku = r.sku AND b.bucket = r.bucket AND b.location = r.location
            AND b.reservation = '' AND b.lot = r.lot AND b.part = 0;
    END LOOP;
END $$"""


@pytest.mark.long
class TestStockInParts(OnPostgres, InventoryRepositoryContract):
    """Every clause is kept, whatever parts the units lie in: they are parted before each call."""

    machine_settings = BRIEFLY

    @contextmanager
    def make(self) -> Iterator[Callable[[Policies], SqlInventory]]:
        """A database in which whoever takes a connection first finds all units parted anew."""
        with self.engine() as engine:
            event.listen(engine, "checkout", _halve)
            yield lambda policies: SqlInventory(engine, policies=policies)


@pytest.mark.long
class TestJointInParts(OnPostgres, JointOrderRepositoryContract):
    """Orders and their postings are one write, whatever parts the units lie in."""

    @contextmanager
    def make(self) -> Iterator[Callable[[], tuple[SqlOrders, SqlInventory]]]:
        """A database in which whoever takes a connection first finds all units parted anew."""
        with self.engine() as engine:
            event.listen(engine, "checkout", _halve)

            def pair() -> tuple[SqlOrders, SqlInventory]:
                inventory = SqlInventory(engine)
                return SqlOrders(engine, inventory=inventory), inventory

            yield pair


def _halve(connection: Any, *_: object) -> None:  # noqa: ANN401 - whatever the driver calls it
    connection.execute(HALVED)
    connection.commit()


def reserve(name: str, units: int = 1) -> Posting:
    """A reservation of mugs."""
    held = Reservation(name, "MUG", "MAIN", units, order_id=name)
    return Posting.reserve(f"{name}/reserve", [held], at=NOON)


def moved(name: str, at: datetime = NOON) -> Posting:
    """A mug that nobody may have yet."""
    units = [("MUG", 1)]
    return Posting.move(
        name, units, location="MAIN", source="available", target="quarantine", at=at
    )


def stock_of(engine: Engine, units: int) -> SqlInventory:
    """A stock with so many mugs."""
    stock = SqlInventory(engine)
    stock.post(Posting.receive("d1", "MUG", "MAIN", units, at=NOON))
    return stock


def parts(bind: Engine | Connection) -> list[tuple[int, int]]:
    """Which parts the available mugs lie in, and how many units are in each."""
    if isinstance(bind, Engine):
        with bind.connect() as connection:
            return parts(connection)
    asked = select(BALANCES.c.part, BALANCES.c.units).where(
        BALANCES.c.sku == "MUG", BALANCES.c.bucket == "available"
    )
    return [(part, units) for part, units in bind.execute(asked.order_by("part"))]


@contextmanager
def locked(engine: Engine, *numbers: int) -> Iterator[Connection]:
    """Hold some parts, as a posting does until its commit is flushed."""
    with engine.connect() as connection:
        asked = select(BALANCES).where(
            BALANCES.c.bucket == "available", BALANCES.c.part.in_(numbers)
        )
        assert len(numbers) == len(connection.execute(asked.with_for_update(nowait=True)).all())
        yield connection


@contextmanager
def waiting(
    engine: Engine, posting: Posting, *numbers: int, policies: Policies = guarded
) -> Iterator[Future[None]]:
    """Send a posting while others hold parts; they let go once it waits for them."""
    with ThreadPoolExecutor(1) as pool:
        with locked(engine, *numbers) as holder:
            sent = pool.submit(SqlInventory(engine, policies=policies).post, posting)
            until(holder, WAITING)
        yield sent


def until(observer: Connection, seen: TextClause) -> None:
    """Look until somebody waits, or sleeps."""
    for _ in range(500):
        if observer.scalar(seen):
            return
        pause(timedelta(milliseconds=10))
    raise AssertionError("nobody does")


@pytest.fixture
def parted(engine: Engine) -> Engine:
    """A hundred mugs, for which somebody had to wait: they lie in two parts."""
    stock_of(engine, 100)
    with waiting(engine, reserve("o1"), 0) as sent:
        sent.result()
    assert [(0, 50), (1, 49)] == parts(engine)
    return engine


def hurried(engine: Engine) -> Engine:
    """The same database, for somebody who does not wait."""
    return create_engine(engine.url, connect_args={"options": "-c lock_timeout=200"})


def test_nobody_who_finds_an_account_free_parts_it(engine: Engine) -> None:
    """One posting after the other leaves one row, which is all that most articles ever need."""
    stock = stock_of(engine, 100)
    for number in range(5):
        stock.post(reserve(f"o{number}"))
    assert [(0, 95)] == parts(engine)


def test_few_units_are_not_parted(engine: Engine) -> None:
    """The last ones of an article stay together: whoever waits for them takes them from one row."""
    stock_of(engine, 32)
    with waiting(engine, reserve("o1"), 0) as sent:
        sent.result()
    assert [(0, 31)] == parts(engine)


def test_the_next_ones_need_not_wait(parted: Engine) -> None:
    """While one part is held, units are taken from another, and what left is noted there too."""
    taken = Reservation("o1", "MUG", "MAIN", 1, order_id="o1")
    fast = hurried(parted)
    stock = SqlInventory(fast)
    with locked(parted, 0):
        stock.post(reserve("o2"))
        stock.post(Posting.settle("o1/ship", at=NOON, commit=[taken]))
    with locked(parted, 1):
        stock.post(reserve("o3"))
    assert [(0, 49), (1, 48)] == parts(parted)
    (left,) = stock.supply(["MUG"], now=NOON)
    assert (97, 2) == (left.available, left.reserved)
    with locked(parted, 0, 1), pytest.raises(AdapterFault, match="lock timeout") as caught:
        stock.post(reserve("o4"))
    assert caught.value.retryable
    fast.dispose()


def test_what_no_part_has_all_of_them_have(parted: Engine) -> None:
    """More units than lie in any part: they become one row again, which is short by the unit."""
    stock = SqlInventory(parted)
    stock.post(reserve("o2", 80))
    assert [(0, 19)] == parts(parted)
    with pytest.raises(OutOfStock) as caught:
        stock.post(reserve("o3", 20))
    assert [(20, 19)] == [(one.wanted, one.available) for one in caught.value.shortages]
    stock.post(reserve("o4", 19))


def test_who_is_refused_leaves_the_parts_as_they_were(parted: Engine) -> None:
    """A shortage is told of all parts together, and moves nothing."""
    before = parts(parted)
    with pytest.raises(OutOfStock) as caught:
        SqlInventory(parted).post(reserve("o2", 100))
    assert [(100, 99)] == [(one.wanted, one.available) for one in caught.value.shortages]
    assert before == parts(parted)


def test_the_last_units_are_waited_for(parted: Engine) -> None:
    """Who needs units of all parts waits for those who hold one, and knows then what is left."""
    with waiting(parted, reserve("o2", 99), 1) as sent:
        sent.result()
    assert [(0, 0)] == parts(parted)


def test_safety_stock_is_kept_of_all_parts_together(parted: Engine) -> None:
    """What is kept back is kept back once, not of each part."""
    stock = SqlInventory(parted, policies=lambda *_: StockPolicy(safety_stock=40))
    with pytest.raises(OutOfStock):
        stock.post(reserve("o2", 60))
    stock.post(reserve("o3", 59))
    assert [(0, 40)] == parts(parted)


def test_what_may_be_below_zero_is_one_row(parted: Engine) -> None:
    """A count finds fewer than are promised: no part hides what another one lacks."""
    warned = SqlInventory(parted, policies=lambda *_: StockPolicy(mode="warned"))
    warned.post(Posting.adjust("count", "MUG", "MAIN", -120, reason="x", at=NOON))
    assert [(0, -21)] == parts(parted)
    with pytest.raises(OutOfStock):
        SqlInventory(parted).post(reserve("o2"))


def test_what_comes_in_or_back_goes_to_the_first_part(parted: Engine) -> None:
    """It waits for that one only: the others stay as they are."""
    stock = SqlInventory(parted)
    taken = Reservation("o1", "MUG", "MAIN", 1, order_id="o1")
    with locked(parted, 1):
        stock.post(Posting.receive("d2", "MUG", "MAIN", 10, at=NOON))
        stock.post(Posting.settle("o1/back", at=NOON, release=[taken]))
    assert [(0, 61), (1, 49)] == parts(parted)


def test_there_are_sixteen_parts_at_most(engine: Engine) -> None:
    """However many had to wait."""
    stock_of(engine, 10**9)
    for number in range(20):
        with waiting(engine, reserve(f"o{number}"), *range(min(number + 1, 16))) as sent:
            sent.result()
    assert list(range(16)) == [part for part, _ in parts(engine)]
    assert 10**9 - 20 == sum(units for _, units in parts(engine))


@pytest.mark.parametrize("kept", [34, 33])
def test_what_is_kept_back_is_not_parted(engine: Engine, kept: int) -> None:
    """Parts must each have units to spare, or every posting would have to make them one."""
    stock_of(engine, 100)
    policies: Policies = lambda *_: StockPolicy(safety_stock=kept)  # noqa: E731 - typed
    with waiting(engine, reserve("o1"), 0, policies=policies) as sent:
        sent.result()
    assert ([(0, 99)] if kept == 34 else [(0, 50), (1, 49)]) == parts(engine)


def test_untracked_stock_below_zero_is_one_row(engine: Engine) -> None:
    """Nobody counts it, and it is sold all the same: also by those who have to wait for it."""
    policies: Policies = lambda *_: StockPolicy(mode="untracked")  # noqa: E731 - typed
    stock = SqlInventory(engine, policies=policies)
    stock.post(Posting.adjust("a1", "MUG", "MAIN", -1, reason="x", at=NOON))
    for number in range(3):
        with waiting(engine, reserve(f"o{number}", 100), 0, policies=policies) as sent:
            sent.result()
    assert [(0, -301)] == parts(engine)


def test_who_begins_anew_holds_nothing_of_another_article(parted: Engine) -> None:
    """Two articles, the second one sought after: no part of the first is held while waiting."""
    stock = SqlInventory(parted)
    stock.post(Posting.receive("d2", "ZEN", "MAIN", 1, at=NOON))
    both = [Reservation("o2", sku, "MAIN", 1, order_id="o2") for sku in ("MUG", "ZEN")]
    rare = select(BALANCES).where(BALANCES.c.sku == "ZEN").with_for_update()
    with ThreadPoolExecutor(1) as pool, parted.connect() as holder:
        holder.execute(rare)
        sent = pool.submit(stock.post, Posting.reserve("o2", both, at=NOON))
        until(holder, WAITING)
        with locked(parted, 1):
            pass
        holder.rollback()
        sent.result()
    assert [(0, 49), (1, 49)] == parts(parted)


def counted(name: str, difference: int) -> Posting:
    """What a count has found, or misses."""
    return Posting.adjust(name, "MUG", "MAIN", difference, reason="count", at=NOON)


@pytest.mark.parametrize("way", ["posts", "saves", "brings"])
def test_a_host_holds_an_account_with_all_its_parts(parted: Engine, way: str) -> None:
    """In its transaction more may follow: what it would have to wait for, nobody else holds then.

    Somebody holds one part and waits for an account that the host has. Had the host not locked that
    part before, also where it only brings units, it would be a circle once the host needs it.
    """
    first, other = (counted("c1", 1), counted("c2", -1)) if way == "brings" else map(moved, "pq")
    with ThreadPoolExecutor(1) as pool:
        with parted.connect() as connection:
            stock = SqlInventory(connection)
            if way == "saves":
                save = placed("o9")
                SqlOrders(connection, inventory=stock).save_and_post(
                    save.order, save.events, first, expected_version=0
                )
            else:
                stock.post(first)
            sent = pool.submit(SqlInventory(parted).post, other)
            with parted.connect() as observer:
                until(observer, WAITING)
            stock.post(reserve("o2", 60))
            left = 40 if way == "brings" else 38
            assert [(0, left)] == parts(connection)
            connection.commit()
        sent.result()
    assert left - 1 == sum(units for _, units in parts(parted))


def test_a_host_that_saw_less_than_there_is_has_to_begin_anew(parted: Engine) -> None:
    """Its snapshot is older than what was taken from a part, whichever part it takes from."""
    with parted.connect() as connection:
        connection.execution_options(isolation_level="REPEATABLE READ")
        assert [(0, 50), (1, 49)] == parts(connection)
        SqlInventory(parted).post(reserve("o2"))
        with pytest.raises(AdapterFault, match="SerializationFailure"):
            SqlInventory(connection).post(reserve("o3"))


def test_a_part_that_was_just_emptied_is_let_go_of(parted: Engine) -> None:
    """Who finds it emptied between looking and locking holds nothing while waiting for the first.

    It would be a circle: whoever makes the parts one holds the first, and waits for the others.
    """
    looked = "ORDER BY b.part DESC LIMIT 1"
    (post, *_) = posting_functions(TABLES)
    slow = post.replace(looked, f"AND pg_sleep(1) IS NOT NULL {looked}")
    assert slow != post
    emptied = update(BALANCES).where(BALANCES.c.part == 1).values(units=9)
    other = select(BALANCES).where(BALANCES.c.part == 1).with_for_update()
    with parted.begin() as connection:
        connection.exec_driver_sql(slow)
    with ThreadPoolExecutor(1) as pool, locked(parted, 0) as holder:
        sent = pool.submit(SqlInventory(parted).post, reserve("o2", 40))
        until(holder, ASLEEP)
        with parted.begin() as connection:
            connection.execute(emptied)
        until(holder, WAITING)
        holder.exec_driver_sql("SET LOCAL lock_timeout = 200")
        assert 1 == len(holder.execute(other).all())
        holder.rollback()
        sent.result()
    assert [(0, 10), (1, 9)] == parts(parted)


def test_behind_a_lapse_an_account_is_held_whole_before_the_next(parted: Engine) -> None:
    """Who holds one part and waits for a later account is not waited for by who holds that one."""
    stock = SqlInventory(parted)
    stock.post(moved("q1"))
    stale = Reservation("old", "MUG", "MAIN", 1, NOON + MINUTE, "old")
    stock.post(Posting.reserve("old", [stale], at=NOON))
    first = "IF r.bucket = 'available' THEN\n"
    (*_, hold) = posting_functions(TABLES)
    slow = hold.replace(first, f"{first} PERFORM pg_sleep(1);\n")
    assert slow != hold
    later = select(BALANCES).where(BALANCES.c.bucket == "quarantine").with_for_update()
    with parted.begin() as connection:
        connection.exec_driver_sql(slow)
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(stock.post, moved("q2", NOON + 2 * MINUTE))
        with parted.connect() as observer:
            until(observer, ASLEEP)  # it holds the first part
        with locked(parted, 1) as other:
            until(other, WAITING)
            other.exec_driver_sql("SET LOCAL lock_timeout = 200")
            assert 1 == len(other.execute(later).all())
        sent.result()
    assert 97 == sum(units for _, units in parts(parted))


@pytest.mark.long
@pytest.mark.parametrize("units", [32, 400])
def test_every_unit_is_sold_and_no_other(engine: Engine, units: int) -> None:
    """Eight at once want more than there is: each unit is sold, whatever part it lay in."""
    stock_of(engine, units)

    def taking(worker: int) -> int:
        sold = 0
        for number in range(units // 6):
            try:
                SqlInventory(engine).post(reserve(f"o{worker}-{number}"))
            except OutOfStock:
                continue
            sold += 1
        return sold

    with ThreadPoolExecutor(8) as pool:
        assert units == sum(pool.map(taking, range(8)))
    assert 0 == sum(left for _, left in parts(engine))
    assert () == replayed(SqlInventory(engine)).audit()


@pytest.mark.long
def test_many_who_do_all_kinds_of_things_at_once_agree_with_the_book(engine: Engine) -> None:
    """Reserved, shipped, given back, counted, delivered: no circle of locks, each unit is there.

    What they were refused is not in the book, and what was accepted another book accepts too.
    """
    stock = stock_of(engine, 300)

    def living(worker: int) -> int:
        dice = random.Random(worker)  # noqa: S311 - repeatable, not secret
        held: list[Reservation] = []
        refused = 0
        for number in range(60):
            name, units = f"o{worker}-{number}", dice.randint(1, 30)
            one = Reservation(name, "MUG", "MAIN", units, order_id=name)
            wanted = [Posting.reserve(name, [one], at=NOON)]
            if held:
                last = held.pop(dice.randrange(len(held)))
                how = {dice.choice(("commit", "release")): [last]}
                wanted.append(Posting.settle(f"{last.id}/done", at=NOON, **how))
            if dice.random() < 0.2:
                found = dice.choice((-units, units, 2 * units))
                wanted.append(
                    Posting.adjust(f"{name}/count", "MUG", "MAIN", found, reason="x", at=NOON)
                )
            for posting in wanted:
                try:
                    SqlInventory(engine).post(posting)
                except OutOfStock:
                    refused += 1
                else:
                    if posting.id == name:
                        held.append(one)
        return refused

    with ThreadPoolExecutor(8) as pool:
        assert 0 < sum(pool.map(living, range(8)))
    book = replayed(stock)
    assert () == book.audit()
    assert book.supply(["MUG"], now=NOON) == stock.supply(["MUG"], now=NOON)
    assert {one.id for one in book.reservations(NOON)} == {
        one.id for one in stock.reservations(NOON)
    }
