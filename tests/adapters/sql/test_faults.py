"""What goes wrong in a database is told by one typed error, with the adapter and the record."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import psycopg
import pytest
from attrs import evolve
from sqlalchemy import (
    Connection,
    Engine,
    create_engine,
    delete,
    event,
    insert,
    select,
    text,
    update,
)

from orderwright import Conflict, Order, OrderDesk, OutOfStock, Posting, Reservation
from orderwright.adapters.sqlalchemy import TABLES, SqlInventory, SqlOrders, Tables, upgrade_schema
from orderwright.errors import AdapterFault, OrderwrightError, OutcomeUnknown
from orderwright.orders.contacts import Contact
from orderwright.orders.events import HoldPlaced
from orderwright.orders.lines import Hold
from tests.adapters.sql.stores import postgres, sqlite_file
from tests.postgres import Server
from tests.worlds import NOON, World, card, line

if TYPE_CHECKING:
    from datetime import timedelta

    from sqlalchemy import QueuePool
    from sqlalchemy.engine.interfaces import IsolationLevel


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """A database with our tables, of either kind."""
    if request.param == "sqlite":
        with sqlite_file() as engine:
            yield engine
        return
    with postgres(request.getfixturevalue("pg_server")) as database:
        engine = create_engine(database.url())
        yield engine
        engine.dispose()


def desk_on(engine: Engine, **more: object) -> OrderDesk:
    """A desk whose orders and stock are in the database, with ten mugs."""
    world = World()
    world.orders, world.inventory = SqlOrders(engine), SqlInventory(engine)
    world.receive("delivery-1", "MUG", "MAIN", 10)
    return world.new_desk(**more)


def note() -> HoldPlaced:
    """Some event to save."""
    return HoldPlaced(hold=Hold(name="a", blocks={"refund"}), at=NOON)


def failing(call: Callable[[], object]) -> AdapterFault:
    """The fault that `call` raises."""
    with pytest.raises(AdapterFault) as caught:
        call()
    return caught.value


# What is stored is no order -----------------------------------------------------------------------

PG = "postgresql+psycopg://"

BROKEN = {
    "not an object": [],
    "a newer schema": {"schema": 99, "order": {}},
    "a field lost": {"schema": 4, "order": {"id": "o1"}},
}


@pytest.mark.parametrize("document", BROKEN.values(), ids=BROKEN)
def test_an_order_that_cannot_be_read_is_named(engine: Engine, document: object) -> None:
    """A corrupted row, or one of a newer version, is never taken for anything else."""
    desk = desk_on(engine)
    desk.place([line()], order_id="o1", tenders=[card()])
    desk.place([line()], order_id="o2", tenders=[card()])
    with engine.begin() as connection:
        row = update(TABLES.orders).where(TABLES.orders.c.id == "o1")
        connection.execute(row.values(document=document))
    fault = failing(lambda: desk.order("o1"))
    assert ("orders in SQL", False) == (fault.adapter, fault.retryable)
    assert fault.detail.startswith("order o1 cannot be read: $")
    assert "confirmed" == desk.order("o2").state.name


def test_an_event_that_cannot_be_read_is_named(engine: Engine) -> None:
    """Histories, keys and the feed tell which event of which order it is."""
    desk = desk_on(engine)
    desk.place([line()], order_id="o1", tenders=[card()])
    with engine.begin() as connection:
        row = update(TABLES.events).where(TABLES.events.c.number == 2)
        connection.execute(row.values(document={"type": "unheard_of.v1"}, key="k1"))
    orders = SqlOrders(engine)
    for call in (
        lambda: orders.events("o1"),
        lambda: orders.events("o1", after=1),
        lambda: orders.load_with_key("o1", "k1"),
        orders.feed,
    ):
        assert "event 2 of order o1 cannot be read: $.type" in failing(call).detail
    assert orders.events("o1", after=2)


def test_postings_and_contacts_that_cannot_be_read_are_named(engine: Engine) -> None:
    """The ledger and the personal data say which record it is, and nothing of its content."""
    desk = desk_on(engine)
    desk.place([line()], order_id="o1", contact=Contact(name="Ada"))
    (contact_id,) = desk.order("o1").contact_ids
    with engine.begin() as connection:
        connection.execute(update(TABLES.postings).values(document={"id": 3}))
        connection.execute(update(TABLES.contacts).values(document={"name": 7}))
    inventory = SqlInventory(engine)
    assert failing(inventory.postings).detail.startswith("posting delivery-1 cannot be read: $.")
    told = failing(lambda: SqlOrders(engine).contact(contact_id)).detail
    assert told.startswith(f"contact {contact_id} cannot be read: $.name")


def test_documents_that_changed_places_are_told(engine: Engine) -> None:
    """What stands under an id is of that id, and of the version beside it."""
    desk = desk_on(engine)
    for name in ("o1", "o2"):
        desk.place([line()], order_id=name, tenders=[card()])
    orders, postings = TABLES.orders, TABLES.postings
    with engine.begin() as connection:
        other = connection.scalar(select(orders.c.document).where(orders.c.id == "o2"))
        connection.execute(update(orders).where(orders.c.id == "o1").values(document=other))
        connection.execute(update(orders).where(orders.c.id == "o2").values(version=3))
        known = connection.scalar(select(postings.c.document).where(postings.c.id != "delivery-1"))
        row = update(postings).where(postings.c.id == "delivery-1")
        connection.execute(row.values(document=known))
    stored = SqlOrders(engine)
    for call in (lambda: stored.load("o1"), lambda: stored.load_with_key("o1", "k")):
        assert "its document is of order o2, version " in failing(call).detail
    assert "order o2, version 3: its document is of" in failing(lambda: stored.load("o2")).detail
    told = failing(SqlInventory(engine).postings).detail
    assert told.startswith("posting delivery-1: its document is of posting o")


def test_an_event_that_is_gone_is_missed(engine: Engine) -> None:
    """A history with a gap would make another order; the feed would tell less than happened."""
    desk = desk_on(engine)
    order = desk.place([line()], order_id="o1", tenders=[card()])
    with engine.begin() as connection:
        connection.execute(delete(TABLES.events).where(TABLES.events.c.number == 2))
    orders = SqlOrders(engine)
    for call in (lambda: orders.events("o1"), orders.feed, lambda: desk.as_of("o1", order.version)):
        assert "event 2 of order o1 is missing" in failing(call).detail
    assert orders.events("o1", after=2)


def test_json_that_is_none_is_told(tmp_path: Path) -> None:
    """SQLite stores any text: half a document is no document."""
    engine = create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    upgrade_schema(engine)
    desk = desk_on(engine)
    desk.place([line()], order_id="o1", tenders=[card()])
    with engine.begin() as connection:
        connection.execute(text("UPDATE orderwright_orders SET document = substr(document, 1, 99)"))
    assert "order o1 cannot be read: " in failing(lambda: desk.order("o1")).detail
    engine.dispose()


# What others did to the tables --------------------------------------------------------------------


def test_a_constraint_that_others_make_us_violate_is_told(engine: Engine) -> None:
    """A row that no adapter of ours wrote stops the save; nothing of it is stored."""
    desk = desk_on(engine)
    order = desk.place([line()], order_id="o1", tenders=[card()])
    alien = {
        "order_id": "o1",
        "number": order.version + 1,
        "key": "",
        "type": "alien",
        "at": NOON,
        "document": {},
    }
    with engine.begin() as connection:
        connection.execute(insert(TABLES.events).values(alien))
    fault = failing(lambda: desk.hold("o1", "h", blocks={"refund"}))
    assert not fault.retryable
    assert "order o1: " in fault.detail
    assert "no adapter of orderwright wrote" in fault.detail
    assert order == desk.order("o1")


def test_missing_tables_are_told_with_what_to_do(tmp_path: Path) -> None:
    """Whoever forgot to make the tables is told how."""
    engine = create_engine(f"sqlite:///{tmp_path / 'empty.db'}")
    for call in (lambda: SqlOrders(engine).load("o1"), lambda: SqlInventory(engine).claims("MUG")):
        fault = failing(call)
        assert fault.detail.endswith("(call upgrade_schema first)")
        assert not fault.retryable
    engine.dispose()


def test_a_locked_file_may_be_tried_again(tmp_path: Path) -> None:
    """Another process that writes for too long is a fault that passes; a desk waits for it."""
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    engine = create_engine(url, connect_args={"timeout": 0.01})
    upgrade_schema(engine)
    waited: list[timedelta] = []
    desk = desk_on(engine, pause=lambda span: (waited.append(span), writer.rollback())[0])
    other = create_engine(url)
    with other.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        writer = Writer(connection)
        delivery = Posting.receive("d", "MUG", "MAIN", 1, at=NOON)
        fault = failing(lambda: SqlInventory(engine).post(delivery))
        assert fault.retryable
        assert "posting d: " in fault.detail
        desk.place([line()], order_id="o1", tenders=[card()])
    assert 1 == len(waited)
    other.dispose()
    engine.dispose()


class Writer:
    """Somebody with the right to write, until asked to give it up."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.done = False

    def rollback(self) -> None:
        """Give it up, once."""
        if not self.done:
            self.connection.exec_driver_sql("ROLLBACK")
            self.done = True


# What becomes of a lost connection ----------------------------------------------------------------


def _end_all(dsn: str) -> None:
    """Have the server end every session of the database."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )


@contextmanager
def cut(engine: Engine, dsn: str, *, after: str) -> Iterator[None]:
    """Have the server end every session when a statement with `after` in it is about to be sent."""
    left = [after]

    def end(*told: object) -> None:
        if left and left[0] in str(told[2]):
            left.clear()
            _end_all(dsn)

    event.listen(engine, "before_cursor_execute", end)
    yield
    event.remove(engine, "before_cursor_execute", end)


@pytest.fixture
def pg(pg_server: Server) -> Iterator[tuple[Engine, str]]:
    """A database on PostgreSQL, and how to reach it beside the engine."""
    with postgres(pg_server) as database:
        engine = create_engine(database.url())
        yield engine, database.dsn
        engine.dispose()


def test_a_read_on_a_lost_connection_may_be_tried_again(pg: tuple[Engine, str]) -> None:
    """Nothing was to be written: a desk that can wait never notices."""
    engine, dsn = pg
    waited: list[timedelta] = []
    desk = desk_on(engine, pause=waited.append)
    order = desk.place([line()], order_id="o1", tenders=[card()])
    with cut(engine, dsn, after="CAST(orderwright_orders.document"):
        fault = failing(lambda: SqlOrders(engine).load("o1"))
    assert type(fault) is AdapterFault
    assert fault.retryable
    with cut(engine, dsn, after="CAST(orderwright_orders.document"):
        assert order == desk.order("o1")
    assert 1 == len(waited)


def test_connections_lost_while_nobody_used_them_are_given_up(pg: tuple[Engine, str]) -> None:
    """Also where the driver is asked directly: one call fails and says how, the next one works."""
    engine, dsn = pg
    order = desk_on(engine).place([line()], order_id="o1", tenders=[card()])
    for one in [engine.raw_connection() for _ in range(3)]:
        one.close()
    _end_all(dsn)
    read = failing(lambda: SqlOrders(engine).load("o1"))
    assert (AdapterFault, True) == (type(read), read.retryable)
    assert [order] * 4 == [SqlOrders(engine).load("o1") for _ in range(4)]
    single = create_engine(engine.url, pool_size=1)
    orders = SqlOrders(single)
    save = partial(orders.save, order.after([note()]), [note()], expected_version=order.version)
    assert order == orders.load("o1")
    _end_all(dsn)
    assert OutcomeUnknown is type(failing(save))
    save()
    assert order.after([note()]) == orders.load("o1")
    single.dispose()


@pytest.mark.parametrize("level", ["READ COMMITTED", "AUTOCOMMIT"])
def test_a_connection_is_given_back_as_it_was_found(
    pg: tuple[Engine, str], level: "IsolationLevel"
) -> None:
    """Whether what was asked was done, refused or wrong, the host finds its pool unchanged."""
    engine = create_engine(pg[0].url, pool_size=1, max_overflow=0, isolation_level=level)
    made: list[object] = []
    event.listen(engine, "connect", lambda *_: made.append(None))
    stock = SqlInventory(engine)
    stock.post(Posting.receive("d", "CUP", "MAIN", 1, at=NOON))
    with pytest.raises(OutOfStock):
        stock.post(Posting.reserve("r", [Reservation("h", "CUP", "MAIN", 2)], at=NOON))
    order = World(("MUG", "MAIN", 1)).desk.place([line()], order_id="o1")
    for wrong in ("o\x00", "o\ud800"):
        with pytest.raises(AdapterFault, match=r"NUL|surrogates"):
            SqlOrders(engine).save(evolve(order, id=wrong), (), expected_version=0)
    with pytest.raises(AdapterFault, match="has no time zone"):
        stock.supply(["CUP"], now=NOON.replace(tzinfo=None))
    with pytest.raises(AdapterFault, match="upgrade_schema"):
        SqlOrders(engine, tables=Tables(prefix="other_")).load("o1")
    driver: Any = engine.raw_connection().driver_connection
    assert 1 == len(made)
    assert (level == "AUTOCOMMIT") == driver.autocommit
    assert psycopg.pq.TransactionStatus.IDLE == driver.info.transaction_status
    engine.dispose()


def test_a_pool_whose_connections_are_in_a_transaction_is_told(pg: tuple[Engine, str]) -> None:
    """A listener that leaves one open is the host's: nothing is said in it, by a typed fault."""
    engine = create_engine(pg[0].url)

    def begun(connection: Any, *_: object) -> None:  # noqa: ANN401 - a driver's
        connection.execute("SELECT 1")

    event.listen(engine, "checkout", begun)
    for call in (lambda: SqlOrders(engine).load("o1"), lambda: SqlOrders(engine).feed()):
        assert "no connection: ProgrammingError" in failing(call).detail
        assert 0 == cast("QueuePool", engine.pool).checkedout()
    engine.dispose()


def test_a_connection_in_the_middle_of_something_is_not_given_back(
    pg: tuple[Engine, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is interrupted leaves nothing behind that the next one would stumble over."""
    orders = SqlOrders(pg[0])
    assert orders.load("o1") is None
    asked: list[psycopg.Cursor] = []

    def interrupted(cursor: psycopg.Cursor, *_: object, **__: object) -> None:
        asked.append(cursor)
        cursor.connection.pgconn.send_query(b"SELECT pg_sleep(60)")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(psycopg.Cursor, "execute", interrupted)
        with pytest.raises(KeyboardInterrupt):
            orders.load("o1")
    assert asked[0].connection.closed
    assert orders.load("o1") is None


def test_a_write_on_a_lost_connection_is_of_unknown_outcome(pg: tuple[Engine, str]) -> None:
    """Nobody can know whether it was written: the same key again tells, and does it once."""
    engine, dsn = pg
    desk = desk_on(engine)
    with cut(engine, dsn, after="INSERT INTO orderwright_orders"):
        fault = failing(lambda: desk.place([line()], order_id="o1", tenders=[card()]))
    assert isinstance(fault, OutcomeUnknown)
    assert "order o1: " in fault.detail
    assert "confirmed" == desk.place([line()], order_id="o1", tenders=[card()]).state.name


def test_a_posting_of_unknown_outcome_is_settled_by_resuming(pg: tuple[Engine, str]) -> None:
    """The intent stays; whoever resumes posts it under the same id."""
    engine, dsn = pg
    desk = desk_on(engine)
    with cut(engine, dsn, after="orderwright_post"):
        order = desk.place([line()], order_id="o1", tenders=[card()])
    (intent,) = order.intents
    assert "connection lost" in intent.reason
    desk.resume(now=intent.due_at)
    order = desk.order("o1")
    assert ("reserved", ()) == (order.goods, order.intents)
    assert 9 == SqlInventory(engine).supply(["MUG"], now=NOON)[0].available


def test_a_server_that_is_restarted_is_found_again() -> None:
    """After a crash of the server the same engine goes on; what was committed is there."""
    with Server(fsync=True) as server:
        engine = create_engine(server.url())
        upgrade_schema(engine)
        desk = desk_on(engine)
        order = desk.place([line()], order_id="o1", tenders=[card()])
        server.kill()
        down = failing(lambda: desk.order("o1"))
        assert down.retryable
        assert failing(lambda: desk.order("o1")).detail.startswith("no connection: ")
        server.start()
        assert order == desk.order("o1")
        assert "o1" in desk.ship("o1", "f1").id
        engine.dispose()


REFUSED = {
    "the database system is starting up": True,
    "the database system is shutting down": True,
    "the database system is in recovery mode": True,
    "sorry, too many clients already": True,
    "remaining connection slots are reserved for roles with the SUPERUSER attribute": True,
    "terminating connection due to administrator command": True,
    "terminating connection due to unexpected postmaster exit": True,
    'password authentication failed for user "shop"': False,
    'database "shop" does not exist': False,
}


@pytest.mark.parametrize("told", REFUSED)
def test_a_connection_that_is_refused_in_passing_may_be_tried_again(told: str) -> None:
    """While a connection is made the server gives no code, only words: dying ones pass too."""

    def refuse() -> object:
        where = 'connection to server on socket "/run/.s.PGSQL.5432" failed'
        raise psycopg.OperationalError(f"connection failed: {where}: FATAL:  {told}")

    fault = failing(lambda: SqlOrders(create_engine(PG, creator=refuse)).load("o1"))
    assert fault.detail.startswith("no connection: ")
    assert REFUSED[told] == fault.retryable


# What a host's transaction may meet ---------------------------------------------------------------


def test_a_serialization_failure_is_for_the_host_to_begin_anew(pg: tuple[Engine, str]) -> None:
    """A transaction that the database has given up cannot go on: no desk tries again in it."""
    engine, _ = pg
    order = desk_on(engine).place([line()], order_id="o1", tenders=[card()])
    strict = engine.execution_options(isolation_level="REPEATABLE READ")
    with strict.connect() as connection:
        assert order == SqlOrders(connection).load("o1")
        after = order.after([note()])
        SqlOrders(engine).save(after, [note()], expected_version=order.version)

        def late() -> None:
            SqlOrders(connection).save(after, [note()], expected_version=order.version)

        fault = failing(late)
    assert not fault.retryable
    assert "could not serialize" in fault.detail
    assert not isinstance(fault, OutcomeUnknown)


def test_a_conflict_is_no_fault(engine: Engine) -> None:
    """Somebody who saved first is a refusal, with both versions."""
    order = desk_on(engine).place([line()], order_id="o1", tenders=[card()])
    for expected in (0, order.version - 1, order.version + 1):
        with pytest.raises(Conflict) as caught:
            SqlOrders(engine).save(order, [note()], expected_version=expected)
        told: OrderwrightError = caught.value
        assert (expected, order.version) == (told.expected, told.actual)
    unknown: Order | None = SqlOrders(engine).load("o2")
    assert unknown is None
