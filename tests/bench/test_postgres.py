"""What ours is compared with on PostgreSQL keeps its promises too, and traffic is counted."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg.errors import CheckViolation
from sqlalchemy import create_engine, text

from bench.baselines import psycopg_stock
from bench.baselines.dicts import ConflictError, RefusedError
from bench.baselines.psycopg_shop import PsycopgShop
from bench.baselines.psycopg_statements import SCHEMA
from bench.baselines.stores import OutOfStockError
from bench.postgres import same_end
from bench.story import baskets
from bench.traffic import connection_of, counted, spent
from tests.postgres import Database

pytestmark = pytest.mark.long

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def connection(pg_database: Database) -> Iterator[psycopg.Connection]:
    """A connection whose every statement commits by itself."""
    with psycopg.connect(pg_database.dsn, autocommit=True) as opened:
        yield opened


@pytest.fixture
def shop(connection: psycopg.Connection) -> PsycopgShop:
    """The shop by hand, opened."""
    connection.execute(SCHEMA)
    return PsycopgShop(connection)


def test_a_repeated_life_changes_nothing(shop: PsycopgShop) -> None:
    """A placement, a hand-over and an arrival said again are recognised by their keys."""
    (basket,) = baskets(1)
    shop.live(basket)
    before = shop.figures()
    shop.live(basket)
    assert before == shop.figures()
    assert {("completed", "delivered"): 1} == before.states


def test_it_refuses_what_ours_refuses(shop: PsycopgShop) -> None:
    """Other content under a known key, missing stock and wrong steps leave no trace."""
    (basket,) = baskets(1)
    shop.live(basket)
    before = shop.figures()
    with pytest.raises(ValueError, match="other content"):
        shop.live(replace(basket, shipping=1))
    with pytest.raises(RefusedError, match="short"):
        shop.live(replace(basket, order_id="other", units=(("SKU-1", 10**9),)))
    with pytest.raises(ValueError, match="something else"):
        shop.deliver(basket.order_id, "f1", "ship-f1", NOON)
    with pytest.raises(RefusedError, match="not allowed when delivered"):
        shop.deliver(basket.order_id, "f1", "again", NOON)
    with pytest.raises(KeyError):
        shop.deliver("nobody's", "f1", "again", NOON)
    assert before == shop.figures()


def test_stock_that_went_meanwhile_is_not_promised(
    shop: PsycopgShop, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan made on stock that has since gone is refused as a whole by the database."""
    (basket,) = baskets(1)
    supply = shop._supply([sku for sku, _ in basket.units])
    connection.execute("UPDATE stock SET available = 0 WHERE sku = %s", (basket.units[1][0],))
    monkeypatch.setattr(shop, "_supply", lambda _: supply)
    with pytest.raises(OutOfStockError):
        shop.live(basket)
    written = "SELECT count(*) FROM orders UNION ALL SELECT count(*) FROM reservations"
    assert [(0,), (0,)] == connection.execute(written).fetchall()
    assert [] == shop.payments.books


def test_a_stale_version_is_refused(shop: PsycopgShop, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was decided on an older version of the order is not written."""
    (basket,) = baskets(1)
    shop.live(basket)
    order = shop._load(basket.order_id, "", NOON)
    order["version"] -= 1
    order["fulfillments"][0]["state"] = "shipped"
    monkeypatch.setattr(shop, "_load", lambda *_: order)
    before = shop.figures()
    with pytest.raises(ConflictError):
        shop.deliver(basket.order_id, "f1", "late", NOON)
    assert before == shop.figures()


@pytest.mark.parametrize("statement", psycopg_stock.BY_HAND.values(), ids=psycopg_stock.BY_HAND)
def test_a_reservation_by_hand_is_made_once_and_never_too_much(
    statement: str, connection: psycopg.Connection
) -> None:
    """Each formulation writes all or nothing: once under its id, and only while there are units."""
    connection.execute(psycopg_stock.SCHEMA)
    connection.execute("INSERT INTO balances VALUES ('A', 'MAIN', 3, 0)")

    def reserve(name: str, units: int) -> bool:
        asked = {"posting": name, "reservation": name, "order": name, "at": NOON, "until": None}
        asked |= {"sku": "A", "location": "MAIN", "units": units, "document": "{}"}
        try:
            return connection.execute(statement, asked).fetchone() == (True,)
        except CheckViolation:
            return False

    assert [True, False, False, True] == [
        reserve(name, units) for name, units in (("1", 2), ("1", 1), ("2", 2), ("3", 1))
    ]
    count = "SELECT available, reserved, (SELECT count(*) FROM postings), "
    count += "(SELECT sum(units) FROM reservations) FROM balances"
    assert (0, 3, 2, 3) == connection.execute(count).fetchone()


def test_traffic_is_counted(pg_database: Database, connection: psycopg.Connection) -> None:
    """Each answer waited for is a round trip, and each transaction that wrote a commit."""
    engine = create_engine(pg_database.url())
    connection.execute("CREATE TABLE mug (n int)")
    with counted(connection_of(engine), connection) as traffic, engine.begin() as transaction:
        transaction.execute(text("INSERT INTO mug VALUES (1)"))
        transaction.execute(text("SELECT 1"))
    engine.dispose()
    assert [(1, 4)] == traffic  # BEGIN, INSERT, SELECT, COMMIT


def test_processor_time_of_both_sides_is_told(connection: psycopg.Connection) -> None:
    """What a statement costs the server is told apart from what it costs us."""
    work = "SELECT sum(n) FROM generate_series(1, 300000) n"
    cost = spent(lambda: connection.execute(work), connection.info.backend_pid)
    assert cost.server > cost.client > 0


def test_a_difference_of_the_ends_is_found(shop: PsycopgShop) -> None:
    """A shop that left something undone is not compared but refused."""
    (basket,) = baskets(1)
    shop.live(basket)
    by_hand = shop.figures()
    ours = replace(by_hand, events={**by_hand.events, "Intended": 4}, feed=by_hand.feed + 2)
    same_end(ours, by_hand)
    with pytest.raises(AssertionError, match="by hand at"):
        same_end(replace(ours, captured=0), by_hand)
    with pytest.raises(AssertionError, match="more intents"):
        same_end(replace(ours, events=by_hand.events), by_hand)
