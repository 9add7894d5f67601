"""In a host's own transaction: its writes and ours are committed together, or none of them is."""

import asyncio
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from orderwright import AsyncOrderDesk, Conflict, Location, OrderDesk, Policy
from orderwright.adapters.memory import MemoryPayments
from orderwright.adapters.sqlalchemy import (
    AsyncSqlInventory,
    AsyncSqlOrders,
    SqlInventory,
    SqlOrders,
)
from orderwright.ports import OrderQuery
from tests.adapters.sql.stores import async_sqlite, postgres, sqlite_file
from tests.worlds import NOON, World, card, line


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """A database of either kind with our tables, one of the host's, and ten mugs."""
    if request.param == "sqlite":
        with sqlite_file() as engine:
            yield prepared(engine)
        return
    with postgres(request.getfixturevalue("pg_server")) as database:
        engine = create_engine(database.url())
        yield prepared(engine)
        engine.dispose()


def prepared(engine: Engine) -> Engine:
    """Add the host's table, and stock."""
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE carts (id TEXT)"))
        connection.execute(text("INSERT INTO carts VALUES ('c1')"))
    world = World()
    world.inventory = SqlInventory(engine)
    world.receive("delivery-1", "MUG", "MAIN", 10)
    return engine


def desk_on(bind: Engine | Connection, payments: MemoryPayments, **more: object) -> OrderDesk:
    """A desk on an engine, or in a transaction."""
    given: dict[str, object] = {"clock": lambda: NOON, "locations": [Location(id="MAIN")], **more}
    return OrderDesk(
        orders=SqlOrders(bind), inventory=SqlInventory(bind), payments=payments, **given
    )


def carts(engine: Engine) -> int:
    """How many carts the host has left."""
    with engine.connect() as connection:
        return connection.scalar(text("SELECT count(*) FROM carts")) or 0


def test_both_are_committed_and_resume_makes_the_calls(engine: Engine) -> None:
    """The desk only decides and saves what it intends; after the commit `resume` does it."""
    payments = MemoryPayments()
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM carts"))
        order = desk_on(connection, payments).place([line()], order_id="o1", tenders=[card()])
        assert order.intents
        assert [] == payments.books
    assert 0 == carts(engine)
    desk = desk_on(engine, payments)
    assert order == desk.order("o1")
    (due,) = SqlOrders(engine).due(order.intents[0].due_at)
    assert ("o1",) == desk.resume(now=due.due_at).order_ids
    order = desk.order("o1")
    assert ("confirmed", "authorized", "reserved", ()) == (
        order.state.name,
        order.money,
        order.goods,
        order.intents,
    )


def test_a_host_finds_by_key_what_it_has_not_committed_yet(engine: Engine) -> None:
    """In its transaction an order and what its key did are there at once, and nowhere else."""
    with engine.connect() as connection, connection.begin() as transaction:
        desk_on(connection, MemoryPayments()).place([line()], order_id="o1")
        order, events = SqlOrders(connection).load_with_key("o1", "o1")
        assert order is not None
        assert ["OrderPlaced"] == [type(one).__name__ for one in events]
        transaction.rollback()
    assert (None, ()) == SqlOrders(engine).load_with_key("o1", "o1")


def test_neither_is_there_after_a_rollback(engine: Engine) -> None:
    """What the host takes back was never said: no order, no event, no reference, no call."""
    payments = MemoryPayments()
    with engine.connect() as connection, connection.begin() as transaction:
        connection.execute(text("DELETE FROM carts"))
        desk_on(connection, payments).place([line()], order_id="o1", tenders=[card()])
        transaction.rollback()
    orders = SqlOrders(engine)
    assert 1 == carts(engine)
    assert (None, (), (), ()) == (
        orders.load("o1"),
        orders.events("o1"),
        orders.feed(),
        orders.find(OrderQuery()),
    )
    assert [] == payments.books


def test_a_conflict_is_raised_and_not_tried_again(engine: Engine) -> None:
    """In the host's transaction only the host can know what to do about it."""
    payments = MemoryPayments()
    desk = desk_on(engine, payments)
    order = desk.place([line()], order_id="o1", tenders=[card()])
    with engine.connect() as connection, connection.begin():
        mine = desk_on(connection, payments)
        with pytest.raises(Conflict):
            mine.hold("o1", "h", blocks={"refund"}, expected_version=order.version - 1)
    assert order == desk.order("o1")


def test_stock_is_posted_with_the_hosts_writes(engine: Engine) -> None:
    """A delivery that the host books beside its own papers comes and goes with them."""
    for keep in (False, True):
        with engine.connect() as connection, connection.begin() as transaction:
            world = World()
            world.inventory = SqlInventory(connection)
            world.receive("delivery-2", "MUG", "MAIN", 5)
            assert 15 == world.inventory.supply(["MUG"], now=NOON)[0].available
            if not keep:
                transaction.rollback()
        found = SqlInventory(engine)
        assert (15 if keep else 10) == found.supply(["MUG"], now=NOON)[0].available
        assert 1 + keep == len(found.postings())


async def hosted(engine: AsyncEngine) -> None:
    """The same in asyncio: placed beside the host's write, rolled back once, then committed."""
    await AsyncSqlInventory(engine).post(delivery())
    payments = MemoryPayments()

    def desk(bind: AsyncEngine | AsyncConnection) -> AsyncOrderDesk:
        return AsyncOrderDesk(
            orders=AsyncSqlOrders(bind),
            inventory=AsyncSqlInventory(bind),
            payments=payments,
            locations=[Location(id="MAIN")],
            policy=Policy(),
            clock=lambda: NOON,
        )

    async with engine.connect() as connection:
        async with connection.begin() as transaction:
            await desk(connection).place([line()], order_id="o1", tenders=[card()])
            await transaction.rollback()
        assert await AsyncSqlOrders(engine).load("o1") is None
        await connection.rollback()
        async with connection.begin():
            order = await desk(connection).place([line()], order_id="o1", tenders=[card()])
    assert [] == payments.books
    await desk(engine).resume(now=order.intents[0].due_at)
    assert "authorized" == (await desk(engine).order("o1")).money


def delivery() -> object:
    """Ten mugs."""
    return World().inventory.postings()[0]


def test_an_async_host_has_its_transaction_too() -> None:
    """SQLite in memory."""

    async def run() -> None:
        async with async_sqlite() as engine:
            await hosted(engine)

    asyncio.run(run())


def test_an_async_host_has_its_transaction_on_postgresql(pg_server: object) -> None:
    """PostgreSQL."""

    async def run(url: str) -> None:
        engine = create_async_engine(url)
        await hosted(engine)
        await engine.dispose()

    with postgres(pg_server) as database:
        asyncio.run(run(database.url()))
