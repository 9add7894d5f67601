"""What reading the order side line by line has found: hosts, names, and times."""

import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from orderwright import Order, OrderDesk
from orderwright.adapters.sqlalchemy import SqlOrders, upgrade_schema
from orderwright.errors import AdapterFault
from orderwright.orders.events import Event
from tests.worlds import World, card, line


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
