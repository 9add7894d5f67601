"""What a hostile reading found in the SQL adapters, each as the test that would have caught it."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event
from typing import Any, TypeVar

import pytest
from sqlalchemy import Engine, create_engine, create_mock_engine, event

from orderwright import AsyncOrderDesk, Location, OrderDesk, OutOfStock, Posting, Reservation
from orderwright.adapters.memory import MemoryPayments
from orderwright.adapters.sqlalchemy import (
    AsyncSqlInventory,
    AsyncSqlOrders,
    SqlInventory,
    SqlOrders,
    Tables,
    upgrade_schema,
)
from orderwright.adapters.sqlalchemy.inventory import Inventory
from orderwright.adapters.system import pause
from orderwright.errors import AdapterFault
from orderwright.inventory.guard import StockPolicy
from orderwright.orders.contacts import Contact
from tests.adapters.sql.stores import async_sqlite, sqlite_file, sqlite_memory
from tests.adapters.sql.test_faults import note
from tests.postgres import Database, Server
from tests.worlds import HOUR, MINUTE, NOON, World, card, line

T = TypeVar("T")


def at_once(calls: list[Callable[[], T]]) -> list[T | Exception]:
    """What each returns or raises, all begun together."""
    start = Barrier(len(calls))

    def begun(call: Callable[[], T]) -> T | Exception:
        start.wait()
        try:
            return call()
        except Exception as error:  # noqa: BLE001 - the tests look at it
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(begun, calls))


def desk_on(engine: Engine) -> OrderDesk:
    """A desk with a hundred mugs."""
    world = World()
    world.orders, world.inventory = SqlOrders(engine), SqlInventory(engine)
    world.receive("delivery-1", "MUG", "MAIN", 100)
    return world.new_desk()


def taken(name: str) -> Posting:
    """The reservation of one mug."""
    one = Reservation(name, "MUG", "MAIN", 1, order_id=name)
    return Posting.reserve(f"{name}/reserve", [one], at=NOON)


def test_a_host_in_sqlite_sells_the_last_unit_once() -> None:
    """The driver begins late: ours begins before it looks, so nobody comes between."""
    with sqlite_file() as engine:
        SqlInventory(engine).post(Posting.receive("d", "MUG", "MAIN", 1, at=NOON))
        other = create_engine(engine.url, connect_args={"timeout": 0.05})
        with engine.connect() as connection:
            SqlInventory(connection).post(taken("a"))
            with pytest.raises(AdapterFault) as caught:
                SqlInventory(other).post(taken("b"))
            assert caught.value.retryable
            connection.commit()
        with pytest.raises(OutOfStock):
            SqlInventory(other).post(taken("b"))
        other.dispose()


def test_a_host_that_goes_on_after_a_fault_keeps_no_half_of_a_save() -> None:
    """In SQLite a statement that fails undoes only itself: the whole save is a savepoint."""
    with sqlite_file() as engine:
        order = desk_on(engine).place([line()], order_id="o1", tenders=[card()])
        after = order.after([note()])
        with engine.connect() as connection:
            orders = SqlOrders(connection)
            connection.exec_driver_sql(
                "CREATE TRIGGER full BEFORE INSERT ON orderwright_feed"
                " BEGIN SELECT RAISE(ABORT, 'disk full'); END"
            )
            with pytest.raises(AdapterFault):
                orders.save(after, [note()], expected_version=order.version)
            connection.exec_driver_sql("DROP TRIGGER full")
            connection.commit()
        assert order == SqlOrders(engine).load("o1")
        assert order.version == len(SqlOrders(engine).events("o1"))


def test_a_connection_in_autocommit_is_refused() -> None:
    """There is no transaction to be part of."""
    with sqlite_file() as engine:
        auto = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        with auto, pytest.raises(AdapterFault, match="pass the engine"):
            SqlOrders(auto).load("o1")


def test_all_that_share_a_connection_take_turns() -> None:
    """Orders and stock in memory are one connection: threads of one desk never meet on it."""
    with sqlite_memory() as engine:
        desk = desk_on(engine)

        def placing(number: int) -> Callable[[], str]:
            return lambda: desk.place([line()], order_id=f"o{number}", tenders=[card()]).state.name

        assert ["confirmed"] * 12 == at_once([placing(number) for number in range(12)])
        assert 12 == len(SqlInventory(engine).reservations(NOON, skus=["MUG"]))


def test_tasks_that_share_a_connection_take_turns() -> None:
    """The same for tasks, as the documentation sets it up."""

    async def run() -> list[str]:
        async with async_sqlite() as engine:
            inventory = AsyncSqlInventory(engine)
            await inventory.post(Posting.receive("d", "MUG", "MAIN", 100, at=NOON))
            desk = AsyncOrderDesk(
                orders=AsyncSqlOrders(engine),
                inventory=inventory,
                payments=MemoryPayments(),
                locations=[Location(id="MAIN")],
                clock=lambda: NOON,
            )
            places = (
                desk.place([line()], order_id=f"o{number}", tenders=[card()])
                for number in range(12)
            )
            return [one.state.name for one in await asyncio.gather(*places)]

    assert ["confirmed"] * 12 == asyncio.run(run())


def test_the_first_claims_to_a_sku_keep_its_limit(engine: Engine) -> None:
    """Two who both find no claim yet cannot both have all that may be claimed."""
    inventory = SqlInventory(engine, policies=lambda *_: StockPolicy(backorder_limit=5))

    def claiming(sku: str, name: str) -> Callable[[], None]:
        one = Reservation(name, sku, "", 5, order_id=name)
        return lambda: inventory.post(Posting.claim(f"{name}/claim", [one], at=NOON))

    for number in range(15):
        sku = f"S{number}"
        outcomes = at_once([claiming(sku, f"{sku}-{name}") for name in "abcd"])
        assert 1 == outcomes.count(None)
        assert 5 == sum(one.quantity for one in inventory.claims(sku))


def test_a_limit_holds_behind_a_lapse(engine: Engine) -> None:
    """What is posted after something lapsed is looked at like everything else, or not at all."""
    inventory = SqlInventory(engine)
    inventory.post(Posting.receive("d", "MUG", "MAIN", 3, at=NOON))
    old = Reservation("old", "MUG", "MAIN", 1, NOON + MINUTE, "o0")
    inventory.post(Posting.reserve("o0/reserve", [old], at=NOON))
    many = Reservation("new", "MUG", "MAIN", 4, order_id="o1")
    before = inventory.postings()
    with pytest.raises(OutOfStock) as caught:
        inventory.post(Posting.reserve("o1/reserve", [many], at=NOON + MINUTE))
    assert [(4, 3)] == [(one.wanted, one.available) for one in caught.value.shortages]
    assert before == inventory.postings()


def test_contacts_that_several_orders_save_get_along(engine: Engine) -> None:
    """Two ids in opposite order, by many at once: all are saved, and one contact is kept."""
    desk = desk_on(engine)
    orders = SqlOrders(engine)
    placed = [desk.place([line()], order_id=f"o{number}") for number in range(6)]

    def saving(number: int) -> Callable[[], None]:
        order, ids = placed[number], ["c1", "c2"][:: (1, -1)[number % 2]]
        contacts = {one: Contact(name=f"n{number}") for one in ids}
        return lambda: orders.save(
            order.after([note()]), [note()], expected_version=order.version, contacts=contacts
        )

    assert [None] * 6 == at_once([saving(number) for number in range(6)])
    assert orders.contact("c1") is not None


def test_readers_at_once_never_meet_an_empty_page(engine: Engine) -> None:
    """What one reader gives a position is on the page of the other."""
    desk = desk_on(engine)
    for number in range(8):
        order = desk.place([line()], order_id=f"o{number}", tenders=[card()])
        reading = [lambda: len(SqlOrders(engine).feed(limit=999))] * 4
        seen = at_once(list(reading))
        assert {(number + 1) * order.version} == set(seen)
        last = f"{order.id}/reserve-2"
        inventory = SqlInventory(engine)
        assert [()] * 4 == at_once([lambda: inventory.postings(after=last)] * 4)  # noqa: B023


@pytest.mark.parametrize(("prefix", "schema"), [("Shop_", None), ("shop_", "Shop"), ("", "shop_")])
def test_any_name_of_tables_will_do(pg_server: Server, prefix: str, schema: str | None) -> None:
    """Capitals and underscores are quoted alike in tables and in the function."""
    with pg_server.database() as database:
        engine = create_engine(database.url())
        if schema:
            with engine.begin() as connection:
                connection.exec_driver_sql(f'CREATE SCHEMA "{schema}"')
        tables = Tables(prefix=prefix, schema=schema)
        upgrade_schema(engine, tables)
        inventory = SqlInventory(engine, tables=tables)
        inventory.post(Posting.receive("d", "MUG", "MAIN", 1, at=NOON))
        assert 1 == inventory.supply(["MUG"], now=NOON)[0].available
        engine.dispose()


def test_who_only_uses_the_tables_need_not_own_them(engine: Engine) -> None:
    """A role with rights on the rows alone may call upgrade_schema at each start."""
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE ROLE clerk LOGIN")
        connection.exec_driver_sql("GRANT ALL ON ALL TABLES IN SCHEMA public TO clerk")
        connection.exec_driver_sql("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO clerk")
    clerk = create_engine(engine.url.set(username="clerk"))
    upgrade_schema(clerk)
    SqlInventory(clerk).post(Posting.receive("d", "MUG", "MAIN", 1, at=NOON))
    clerk.dispose()
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP OWNED BY clerk")
        connection.exec_driver_sql("DROP ROLE clerk")


def test_a_database_that_is_not_known_is_refused_by_name() -> None:
    """Statements made for PostgreSQL and SQLite are not tried on another."""
    engine = create_mock_engine("mysql://", lambda *_: None)
    for made in (SqlOrders, SqlInventory, upgrade_schema):
        with pytest.raises(AdapterFault, match="mysql is not known"):
            made(engine)


def test_who_listens_hears_every_statement(engine: Engine) -> None:
    """Where nobody listens the driver is asked directly; a host that traces statements sees all."""
    desk = desk_on(engine)
    desk.place([line("MUG", 2)], order_id="o1", tenders=[card()])
    heard: list[str] = []

    @event.listens_for(engine, "before_cursor_execute")
    def hear(_: object, __: object, statement: str, *___: object) -> None:
        heard.append(statement)

    desk.place([line("MUG", 2)], order_id="o2", tenders=[card()])
    desk.order("o2")
    for said in ("CAST(orderwright_orders.document", "WITH ", "orderwright_post("):
        assert any(said in one for one in heard), said
    event.remove(engine, "before_cursor_execute", hear)
    desk.place([line("MUG", 2)], order_id="o3", tenders=[card()])
    same = [desk.order(one) for one in ("o1", "o2", "o3")]
    assert {("confirmed", "reserved")} == {(one.state.name, one.goods) for one in same}


def test_one_posting_sent_twice_behind_a_lapse_is_no_deadlock(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second waits for the first by the posting's id, before it has locked anything."""
    stock = SqlInventory(engine)
    for sku in ("CUP", "TEA"):
        stock.post(Posting.receive(f"d{sku}", sku, "MAIN", 2, at=NOON))
    stale = Reservation("old", "TEA", "MAIN", 1, NOON + MINUTE, "old")
    stock.post(Posting.reserve("old", [stale], at=NOON))
    both = [Reservation("new", sku, "MAIN", 2, order_id="o1") for sku in ("CUP", "TEA")]
    posting = Posting.reserve("new", both, at=NOON + 2 * MINUTE)
    locked, begun = Event(), Event()
    expired = Inventory._expired

    def waiting(self: Inventory, *args: object) -> object:
        found = expired(self, *args)
        locked.set()
        begun.wait(5)
        return found

    monkeypatch.setattr(Inventory, "_expired", waiting)

    def second() -> None:
        locked.wait(5)
        with ThreadPoolExecutor(1) as pool:
            sent = pool.submit(SqlInventory(engine).post, posting)
            pause(timedelta(seconds=0.3))  # it is waiting by now
            begun.set()
            sent.result()

    assert [None, None] == at_once([lambda: stock.post(posting), second])
    assert {2} == {one.quantity for one in stock.reservations(NOON + HOUR, order_id="o1")}


def test_a_posting_that_is_known_waits_for_nobody(pg_database: Database) -> None:
    """It is over: who says it again needs nothing that somebody else has locked."""
    engine = create_engine(pg_database.url())
    hurried = create_engine(pg_database.url(), connect_args={"options": "-c lock_timeout=300"})
    upgrade_schema(engine)
    stock = SqlInventory(engine)
    stock.post(Posting.receive("d1", "MUG", "MAIN", 3, at=NOON))
    one, other = (Reservation(f"r{n}", "MUG", "MAIN", 1, order_id=f"o{n}") for n in (1, 2))
    known = Posting.reserve("p1", [one], at=NOON)
    stock.post(known)
    with engine.begin() as busy:
        SqlInventory(busy).post(Posting.reserve("p2", [other], at=NOON))
        SqlInventory(hurried).post(known)
        with pytest.raises(AdapterFault):
            SqlInventory(hurried).post(Posting.settle("p3", at=NOON, commit=[one]))
    for used in (engine, hurried):
        used.dispose()


def plan_of(engine: Engine, call: Callable[[], object]) -> list[str]:
    """How the database goes about what a verb asks, whatever it is asked with, line by line."""
    heard: list[tuple[str, Mapping[str, object]]] = []

    @event.listens_for(engine, "before_cursor_execute")
    def hear(*told: Any) -> None:  # noqa: ANN401 - as declared
        heard.append((told[2], told[3]))

    call()
    event.remove(engine, "before_cursor_execute", hear)
    ((asked, facts),) = heard
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}", facts)
            return [line for *_, line in rows]
    borrowed = engine.raw_connection()
    driver = borrowed.driver_connection
    driver.execute("SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off")
    for number, name in enumerate(facts, 1):
        asked = asked.replace(f"%({name})s", f"${number}")
    driver.execute(f"PREPARE asked AS {asked}")
    given = ", ".join(
        f"'{{{','.join(value)}}}'" if isinstance(value, list) else f"'{value}'"
        for value in facts.values()
    )
    lines = driver.execute(f"EXPLAIN (ANALYZE, BUFFERS) EXECUTE asked({given})").fetchall()
    borrowed.invalidate()  # it is not as it was
    return [line for (line,) in lines]


def test_a_key_is_found_by_its_index(either: Engine) -> None:
    """Not by reading the whole history of the order: also where one plan is made for any key."""
    desk_on(either).place([line()], order_id="o1")
    plan = plan_of(either, lambda: SqlOrders(either).load_with_key("o1", "o1"))
    assert any("events_key" in one for one in plan)


@pytest.mark.parametrize("verb", ["supply", "claims", "incoming"])
def test_what_is_on_hand_is_found_without_reading_who_reserved_it(
    either: Engine, verb: str
) -> None:
    """A sought-after article has thousands of reservations: its buckets are found by the key."""
    stock = SqlInventory(either)
    stock.post(Posting.receive("d1", "MUG", "MAIN", 5_000, at=NOON))
    held = (Reservation(f"r{n}", "MUG", "MAIN", 1, order_id=f"o{n}") for n in range(4_000))
    stock.post(Posting.reserve("p1", held, at=NOON))
    asked: dict[str, Callable[[], object]] = {
        "supply": lambda: stock.supply(["MUG"], now=NOON),
        "claims": lambda: stock.claims("MUG"),
        "incoming": lambda: stock.incoming("MUG"),
    }
    plan = plan_of(either, asked[verb])
    if either.dialect.name == "sqlite":
        assert any("(sku=? AND bucket=?" in one for one in plan), plan
        return
    pages = [one for one in plan if "Buffers: shared hit=" in one]
    assert int(pages[0].split("hit=")[1].split()[0]) < 15, plan  # all of them: 24 or more
