"""What reading the order side line by line has found: hosts, names, and times."""

import random
import string
import sys
import traceback
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve
from sqlalchemy import Connection, Engine, create_engine, delete, event

from orderwright import Contact, Order, OrderDesk, PaymentOutcome, PaymentRequest, Reference
from orderwright.adapters.memory import MemoryOrders, MemoryPayments
from orderwright.adapters.sqlalchemy import TABLES, SqlOrders, upgrade_schema
from orderwright.errors import AdapterFault, OutcomeUnknown
from orderwright.orders.events import Event
from orderwright.ports import OrderQuery
from tests.adapters.sql.stores import postgres, sqlite_file
from tests.postgres import Server
from tests.worlds import MINUTE, World, card, line


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


def placed(order_id: str = "o1", **more: object) -> tuple[OrderDesk, Order, tuple[Event, ...]]:
    """A desk in memory with an order that was placed, the order, and its history."""
    desk = World(("MUG", "MAIN", 9)).desk
    order = desk.place([line()], order_id=order_id, tenders=[card()], **more)
    return desk, order, tuple(desk.history(order_id))


# Hosts --------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.version_info < (3, 12), reason="drivers before 3.12 cannot do that")
def test_a_driver_that_commits_by_itself_has_no_transaction_to_be_part_of(tmp_path: Path) -> None:
    """Its commit does nothing: what we had begun would be lost when the connection is closed."""
    _, order, events = placed()
    told = {"autocommit": True}
    engine = create_engine(f"sqlite:///{tmp_path}/shop.db", connect_args=told)
    upgrade_schema(engine)
    with engine.begin() as connection, pytest.raises(AdapterFault, match="pass the engine"):
        SqlOrders(connection).save(order, events, expected_version=0)
    SqlOrders(engine).save(order, events, expected_version=0)
    assert order == SqlOrders(engine).load("o1")
    engine.dispose()


def test_who_says_at_the_beginning_whose_turn_it_is_is_heard(pg_server: Server) -> None:
    """Nothing is read of a tenant whose turn it was before, on the same connection of the pool."""
    turn = ["a"]
    with pg_server.database() as database:
        engine = create_engine(database.url(), pool_size=1)

        @event.listens_for(engine, "begin")
        def choose(connection: Connection) -> None:
            connection.exec_driver_sql(f"SET search_path TO {turn[0]}")

        orders = SqlOrders(engine)
        for tenant in ("a", "b"):
            turn[0] = tenant
            with engine.begin() as connection:
                connection.exec_driver_sql(f"CREATE SCHEMA {tenant}")
            upgrade_schema(engine)
        for turn[0] in ("a", "b"):
            _, order, events = placed(f"{turn[0]}1")
            orders.save(order, events, expected_version=0)
        for turn[0], other in (("a", "b"), ("b", "a"), ("a", "b")):
            assert orders.load(f"{other}1") is None
            assert f"{turn[0]}1" == orders.load(f"{turn[0]}1").id
        engine.dispose()


# Names --------------------------------------------------------------------------------------------


class Wordy(MemoryPayments):
    """A provider whose ids are as long as text may be, and cannot be compressed."""

    def authorize(self, request: PaymentRequest) -> PaymentOutcome:
        """Take it, under such a name."""
        chance = random.Random(request.id)  # noqa: S311 - nobody is to be kept from guessing it
        name = "".join(chance.choices(string.printable[:62], k=9_999))
        return evolve(super().authorize(request), reference=name)


def test_a_provider_may_have_long_ids(engine: Engine) -> None:
    """What moved is written down, and found, however long the name that the provider gives it."""
    world = World(("MUG", "MAIN", 9))
    orders = SqlOrders(engine)
    desk = world.new_desk(orders=orders, payments=Wordy())
    for name in ("o1", "o2"):
        order = desk.place([line()], order_id=name, tenders=[card()])
        (reference,) = (one for one in order.all_references if one.kind == "payment")
        assert 9_999 == len(reference.value)
        assert (name,) == orders.by_reference(reference)
    for other in (reference.value[:-1], reference.value[:200]):
        assert () == orders.by_reference(Reference("payment", other))


@pytest.mark.parametrize("name", ["o1\0", "\0", "\ud800", "o\udfff1"], ids=range(4))
def test_what_is_no_text_is_the_name_of_nothing(engine: Engine, name: str) -> None:
    """A name that came out of an address bar is unknown, in every store, and no fault of one."""
    _, order, events = placed()
    for orders in (MemoryOrders(), SqlOrders(engine)):
        orders.save(order, events, expected_version=0)
        assert orders.load(name) is None
        assert (None, ()) == orders.load_with_key(name, "k")
        assert (order, ()) == orders.load_with_key("o1", name)
        assert orders.contact(name) is None
        assert () == orders.events(name)
        for query in (
            OrderQuery(customer_id=name),
            OrderQuery(channel=name),
            OrderQuery(states=frozenset({name})),
        ):
            assert () == orders.find(query)
        assert ("o1",) == orders.find(OrderQuery(states=frozenset({name, "confirmed"})))
        for reference in (Reference(name, "7"), Reference("payment", name)):
            assert () == orders.by_reference(reference)
        assert () == orders.open_fulfillments(name, ["reserved"])
        assert () == orders.open_fulfillments("MAIN", [name])
        assert orders.open_fulfillments("MAIN", [name, "reserved"])


def test_everything_comes_after_less_than_nothing(engine: Engine) -> None:
    """A place below the first one is no place counted from the end."""
    _, order, events = placed()
    for orders in (MemoryOrders(), SqlOrders(engine)):
        orders.save(order, events, expected_version=0)
        assert events == orders.events("o1", after=-2)
        fed = orders.feed(after=-2, limit=5)
        assert [(one, one) for one in range(1, 6)] == [(one.position, one.number) for one in fed]
        assert events[:5] == tuple(one.event for one in fed)


@pytest.mark.parametrize("gone", range(1, 8))
def test_the_feed_misses_whichever_event_is_gone(gone: int) -> None:
    """The first and the last of what was saved together as well, wherever a page begins."""
    _, order, events = placed()
    numbers = TABLES.events.c.number
    with sqlite_file() as engine:
        orders = SqlOrders(engine)
        orders.save(order, events, expected_version=0)
        assert events == tuple(one.event for one in orders.feed())
        with engine.begin() as connection:
            connection.execute(delete(TABLES.events).where(numbers == gone))
        for after in range(6):
            if after < gone:
                with pytest.raises(AdapterFault, match=f"event {gone} of order o1 is missing"):
                    orders.feed(after=after)
            else:
                assert events[after:] == tuple(one.event for one in orders.feed(after=after))
        assert events[: gone - 1] == tuple(one.event for one in orders.feed(limit=gone - 1))


# Times --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("again", [0, 1])
def test_an_hour_that_comes_twice_is_loaded_as_it_was_saved(again: int) -> None:
    """A provider may tell local times: one in such an hour equals none of another zone."""
    lapses = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=again)
    world = World(("MUG", "MAIN", 9))
    with sqlite_file() as engine:
        orders = SqlOrders(engine)
        payments = MemoryPayments(expires=lambda _: lapses)
        desk = world.new_desk(orders=orders, payments=payments)
        order = desk.place([line()], order_id="o1", tenders=[card()])
        assert lapses.timestamp() == order.payments[0].expires_at.timestamp()
        assert order == orders.load("o1")
        assert order == Order.replay(orders.events("o1"))


def test_an_hour_that_comes_twice_is_asked_for_as_a_moment() -> None:
    """What was placed before the clocks went back was not placed after that."""
    early = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    later = early.replace(minute=15, fold=1)
    _, order, events = placed()
    order = evolve(order, placed_at=early)
    with sqlite_file() as engine:
        for orders in (MemoryOrders(), SqlOrders(engine)):
            orders.save(order, events, expected_version=0)
            assert () == orders.find(OrderQuery(placed_from=later))
            assert ("o1",) == orders.find(OrderQuery(placed_from=early, placed_until=later))


# What adapters say --------------------------------------------------------------------------------


class Loud(MemoryPayments):
    """A provider that moves money, and answers with whatever stands between it and us."""

    def __init__(self, told: Exception) -> None:
        super().__init__()
        self.told = told

    def authorize(self, request: PaymentRequest) -> PaymentOutcome:
        """Reserve it, and say something else."""
        super().authorize(request)
        raise self.told


PAGE = "<p>Bad gateway</p>" * 1_000


@pytest.mark.parametrize(
    "told",
    [
        OutcomeUnknown("bank", PAGE),
        AdapterFault("bank", f"\0{PAGE[:90]}"),
        ValueError("half a \ud83c"),
        OutcomeUnknown("\ud83a" * 1_000, "\ud83c" * 1_000),
    ],
    ids=range(4),
)
def test_whatever_a_provider_says_the_order_can_note_it(told: Exception) -> None:
    """An answer that is no text of ours is no fault of who placed the order, and is looked up."""
    world = World(("MUG", "MAIN", 9))
    with sqlite_file() as engine:
        orders = SqlOrders(engine)
        desk = world.new_desk(orders=orders, payments=Loud(told))
        order = desk.place([line()], order_id="o1", tenders=[card()])
        (operation,) = order.payments[0].operations
        assert ("unknown", order) == (operation.state.name, orders.load("o1"))
        assert 0 < len(operation.reason) < 10_000
        world.now += 10 * MINUTE
        desk.resume()
        assert "confirmed" == desk.order("o1").state.name


def test_a_fault_with_personal_data_prints_none_of_it(engine: Engine) -> None:
    """What ends up in logs, causes and all, tells which order could not be saved, and no name."""
    _, order, events = placed()
    with engine.begin() as connection:
        TABLES.contacts.drop(connection)
    with pytest.raises(AdapterFault, match=r"order o1: .*upgrade_schema") as caught:
        SqlOrders(engine).save(order, events, expected_version=0, contacts={"c": Contact(name=ADA)})
    assert ADA not in "".join(traceback.format_exception(caught.value))


ADA = "Ada Lovelace"
