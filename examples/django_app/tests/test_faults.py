"""What goes wrong in the database is told by the record it went wrong with."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from orders.inventory import DjangoInventory
from orders.models import StoredEvent, StoredOrder, StoredPosting
from orders.repositories import DjangoOrders
from shop.desk import open_desk
from tests.test_contracts import empty

from orderwright import AdapterFault, DraftLine, Posting, UnitPrice

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _an_order() -> None:
    """An order, its events, and a posting."""
    empty()
    desk = open_desk()
    desk.post_stock(Posting.receive("d1", "MUG", "MAIN", 3, at=NOON))
    mug = DraftLine(sku="MUG", quantity=1, unit_price=UnitPrice.of("12.50", "EUR"))
    desk.place([mug], order_id="o1")


def test_what_cannot_be_read_is_told_with_its_record() -> None:
    """A document of a newer version, or a broken one: no default, and nothing to try again."""
    StoredOrder.objects.update(document={"schema": 99, "order": {}})
    StoredEvent.objects.update(document={"type": "unheard_of.v1"})
    StoredPosting.objects.update(document={"id": "d1"})
    orders, inventory = DjangoOrders(), DjangoInventory()
    for told, call in (
        (r"order o1 cannot be read: \$\.schema", lambda: orders.load("o1")),
        (r"event 1 of order o1 cannot be read: .*unheard_of\.v1", lambda: orders.events("o1")),
        (r"event 1 of order o1 cannot be read: .*unheard_of\.v1", orders.feed),
        ("posting d1 cannot be read", inventory.postings),
    ):
        with pytest.raises(AdapterFault, match=told) as caught:
            call()
        assert not caught.value.retryable


if connection.vendor == "postgresql":  # with SQLite there is no connection that could be lost

    @pytest.mark.parametrize("write", [False, True])
    def test_a_lost_connection_is_told_and_the_next_call_has_another(*, write: bool) -> None:
        """What was read may be read again; of what was being written nobody knows."""
        orders = DjangoOrders()
        order = orders.load("o1")
        lost = connection.connection.info.backend_pid
        other = connection.copy()
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [lost])
        other.close()

        def ask() -> None:
            if write:
                orders.save(order, (), expected_version=order.version)
            else:
                orders.load("o1")

        with pytest.raises(AdapterFault) as caught:
            ask()
        assert caught.value.retryable
        assert ("OutcomeUnknown" if write else "AdapterFault") == type(caught.value).__name__
        assert order == orders.load("o1")
