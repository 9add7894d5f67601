"""What a line by line reading of the stock in SQL found, each as the test that shows it."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.ext.asyncio import create_async_engine

from orderwright import Posting, Reservation
from orderwright.adapters.memory import MemoryInventory
from orderwright.adapters.sqlalchemy import (
    SQL_SCHEMA,
    AsyncSqlInventory,
    SqlInventory,
    upgrade_schema,
)
from orderwright.adapters.system import pause
from orderwright.errors import AdapterFault, InvalidInput
from orderwright.inventory.ledger import InventoryLedger
from tests.adapters.sql.stores import postgres, sqlite_file
from tests.postgres import Server
from tests.worlds import HOUR, NOON

WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")


@contextmanager
def kept_waiting(engine: Engine, *calls: Callable[[], object]) -> Iterator[list[Future[object]]]:
    """The calls, all of which wait for a lock when the block begins; they have ended after it."""
    with ThreadPoolExecutor(len(calls)) as pool:
        sent = [pool.submit(call) for call in calls]
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            while connection.scalar(WAITING) != len(calls):
                assert not any(one.done() for one in sent)
                pause(timedelta(milliseconds=5))
        yield sent


def mug(units: int) -> Reservation:
    """So many mugs, reserved for an order until one o'clock."""
    return Reservation("r", "MUG", "MAIN", units, NOON + HOUR, "o1")


def test_two_parts_that_are_settled_at_once_leave_no_empty_reservation(engine: Engine) -> None:
    """What two parcels take all of together is gone: it neither shows, nor lapses, with 0 units."""
    stock = SqlInventory(engine)
    stock.post(Posting.receive("d1", "MUG", "MAIN", 9, at=NOON))
    stock.post(Posting.reserve("p1", [mug(5)], at=NOON))
    with engine.connect() as first:
        SqlInventory(first).post(Posting.settle("c1", commit=[mug(2)], at=NOON))
        second = Posting.settle("c2", commit=[mug(3)], at=NOON)
        with kept_waiting(engine, lambda: stock.post(second)) as sent:
            first.commit()
    assert None is sent[0].result()
    assert () == stock.reservations(NOON)
    stock.post(Posting.receive("d2", "MUG", "MAIN", 1, at=NOON + 2 * HOUR))
    assert [5] == [one.on_hand for one in stock.supply(["MUG"], now=NOON + 2 * HOUR)]


def test_postings_come_in_an_order_in_which_they_can_be_posted_again(engine: Engine) -> None:
    """Who waited takes what was brought meanwhile: it comes after it, as another book needs it."""
    stock = SqlInventory(engine)
    stock.post(Posting.receive("d1", "CUP", "MAIN", 9, at=NOON))
    both = [Reservation("r", sku, "MAIN", 1, order_id="o1") for sku in ("CUP", "MUG")]
    with engine.connect() as first:
        SqlInventory(first).post(Posting.receive("d2", "CUP", "MAIN", 1, at=NOON))
        with kept_waiting(engine, lambda: stock.post(Posting.reserve("p1", both, at=NOON))):
            stock.post(Posting.receive("d3", "MUG", "MAIN", 1, at=NOON))
            stock.post(Posting.claim("q1", [Reservation("b", "TEA", "", 1)], at=NOON))
            first.commit()
    again = InventoryLedger()
    for posting in stock.postings():
        again.post(posting)
    assert again.reservations(NOON) == stock.reservations(NOON)
    assert () == again.audit()


def test_claims_are_numbered_in_the_order_of_their_postings(engine: Engine) -> None:
    """A claim whose posting had to wait comes behind one that was made meanwhile."""
    stock = SqlInventory(engine)
    late = Posting.linked(
        "late",
        [
            Posting.receive("d", "CUP", "MAIN", 1, at=NOON),
            Posting.claim("c", [Reservation("late", "MUG", "", 1)], at=NOON),
        ],
    )
    soon = Posting.claim("soon", [Reservation("soon", "MUG", "", 1)], at=NOON)
    stock.post(Posting.receive("d1", "CUP", "MAIN", 1, at=NOON))
    with engine.connect() as first:
        SqlInventory(first).post(Posting.receive("d2", "CUP", "MAIN", 1, at=NOON))
        with kept_waiting(engine, lambda: stock.post(late)):
            stock.post(soon)
            first.commit()
    assert ["d1", "d2", "soon", "late"] == [one.id for one in stock.postings()]
    assert ["soon", "late"] == [one.id for one in stock.claims("MUG")]


LOCK = text("SELECT pg_advisory_xact_lock(hashtext('orderwright schema'))")


def test_processes_that_start_together_wait_for_the_tables_at_any_isolation_level(
    pg_server: Server,
) -> None:
    """Also where transactions see what was there when they began: the second finds the tables."""
    with pg_server.database() as database:
        settled = create_engine(database.url(), isolation_level="AUTOCOMMIT")
        with settled.connect() as connection:
            strict = "SET default_transaction_isolation = 'repeatable read'"
            connection.execute(text(f"ALTER DATABASE {database.name} {strict}"))
        engine = create_engine(database.url())
        with engine.connect() as first:
            first.execute(LOCK)
            start = partial(upgrade_schema, engine)
            with kept_waiting(settled, start, start) as sent:
                first.commit()
        assert [SQL_SCHEMA, SQL_SCHEMA] == [one.result() for one in sent]
        engine.dispose()
        settled.dispose()


def test_a_count_of_the_whole_shop_lets_lapse_what_has_expired(engine: Engine) -> None:
    """However many accounts a posting touches: PostgreSQL takes only so many parameters."""
    stock = SqlInventory(engine)
    stock.post(Posting.receive("d1", "MUG", "MAIN", 5, at=NOON))
    stock.post(Posting.reserve("p1", [mug(5)], at=NOON))
    late = NOON + 2 * HOUR
    skus = ["MUG", *(f"S{number}" for number in range(6_600))]
    found = (Posting.adjust("c", sku, "MAIN", 1, at=late, reason="count") for sku in skus)
    stock.post(Posting.linked("count", found))
    assert [(6, 0)] == [(one.available, one.reserved) for one in stock.supply(["MUG"], now=NOON)]


def test_stock_and_reservations_are_told_of_any_number_of_skus(either: Engine) -> None:
    """A report asks for the whole catalogue: more than either takes as a parameter each."""
    if either.dialect.name == "sqlite":
        event.listen(either, "checkout", as_sqlite_is_built)
    stock = SqlInventory(either)
    stock.post(Posting.receive("d1", "MUG", "MAIN", 9, at=NOON))
    stock.post(Posting.reserve("p1", [mug(5)], at=NOON))
    skus = [f"S{number}" for number in range(70_000)]
    assert [4] == [one.available for one in stock.supply([*skus, "MUG"], now=NOON)]
    assert (mug(5),) == stock.reservations(NOON, skus=[*skus, "MUG"])


def as_sqlite_is_built(connection: Any, *_: object) -> None:  # noqa: ANN401 - as the driver has it
    """Set the limit that SQLite has where nobody chose another; Debian's is higher."""
    connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 32_766)


def test_a_commit_that_sqlite_refuses_is_undone(tmp_path: Path) -> None:
    """Also where the pool does not: what was told to have failed is not there later after all."""
    file = tmp_path / "shop.db"
    briefly = {"timeout": 0.05}
    engine = create_engine(f"sqlite:///{file}", connect_args=briefly)
    engine.dialect.skip_autocommit_rollback = True  # an argument, from SQLAlchemy 2.0.43 on
    upgrade_schema(engine)
    stock = SqlInventory(engine)
    stock.post(Posting.receive("d1", "MUG", "MAIN", 9, at=NOON))
    with closing(sqlite3.connect(file)) as reader:
        # Without a write-ahead log nothing is committed while somebody reads.
        reader.execute("BEGIN")
        reader.execute("SELECT 1 FROM orderwright_postings").fetchone()
        with pytest.raises(AdapterFault, match="locked") as refused:
            stock.post(Posting.receive("d2", "MUG", "MAIN", 9, at=NOON))
    assert refused.value.retryable
    with closing(sqlite3.connect(file, timeout=0.05)) as other:
        other.execute("BEGIN IMMEDIATE")
    assert ["d1"] == [one.id for one in stock.postings()]
    engine.dispose()


def test_a_store_in_memory_outlives_the_event_loop_it_was_made_in() -> None:
    """Each `asyncio.run` is a loop of its own: in all of them tasks wait for their turn."""
    engine = create_async_engine("sqlite+aiosqlite://")
    stock = AsyncSqlInventory(engine)

    async def receive(day: str) -> None:
        async with engine.begin() as connection:
            await connection.run_sync(upgrade_schema)
        parts = [Posting.receive(f"{day}{n}", "MUG", "MAIN", 1, at=NOON) for n in range(3)]
        await asyncio.gather(*map(stock.post, parts))

    asyncio.run(receive("monday"))
    asyncio.run(receive("tuesday"))
    assert [6] == [one.available for one in asyncio.run(stock.supply(["MUG"], now=NOON))]
    asyncio.run(engine.dispose())


def test_nobody_is_refused_for_what_lapsed_while_it_waited(engine: Engine) -> None:
    """Units that a long transaction reserved, and that expired before it ended, are free."""
    stock = SqlInventory(engine)
    stock.post(Posting.receive("d1", "MUG", "MAIN", 5, at=NOON))
    late = NOON + 2 * HOUR
    new = Reservation("new", "MUG", "MAIN", 5, order_id="o2")
    with engine.connect() as first:
        SqlInventory(first).post(Posting.reserve("p1", [mug(5)], at=NOON))
        with kept_waiting(engine, lambda: stock.post(Posting.reserve("p2", [new], at=late))):
            first.commit()
    assert (new,) == stock.reservations(late)
    assert ["d1", "p1", "p2/lapsed", "p2"] == [one.id for one in stock.postings()]


def test_what_is_no_posting_is_refused_as_by_the_stock_in_memory() -> None:
    """A list of postings is a slip that a typed error answers."""
    with sqlite_file() as engine:
        for stock in (MemoryInventory(), SqlInventory(engine)):
            with pytest.raises(InvalidInput, match="posting: expected Posting"):
                stock.post([Posting.receive("d", "MUG", "MAIN", 1, at=NOON)])


def test_a_session_whose_dates_are_written_otherwise_is_told(pg_server: Server) -> None:
    """What the driver cannot read is a fault of the adapter's, whatever the driver raises."""
    with postgres(pg_server) as database:
        engine = create_engine(database.url(), connect_args={"options": "-c DateStyle=German"})
        stock = SqlInventory(engine)
        stock.post(Posting.receive("d", "MUG", "MAIN", 1, at=NOON))
        held = Reservation("r", "MUG", "MAIN", 1, NOON + HOUR, "o1")
        stock.post(Posting.reserve("p", [held], at=NOON))
        with pytest.raises(AdapterFault, match="reservations: NotImplementedError"):
            stock.reservations(NOON)
        engine.dispose()
