"""How this shop opens a desk, and what it does when a transaction is committed."""

from django.db import transaction
from django.utils import timezone
from orders.inventory import DjangoInventory
from orders.repositories import DjangoOrders

from orderwright import Location, Order, OrderDesk
from orderwright.adapters.memory import MemoryPayments
from orderwright.adapters.system import new_id
from orderwright.errors import NotFound

LOCATIONS = [Location(id="MAIN")]
PAYMENTS = MemoryPayments()
"""A stand-in that forgets everything: put your provider here."""


def open_desk() -> OrderDesk:
    """A desk for the place where you open it: whether a transaction is open there matters."""
    return OrderDesk(
        orders=DjangoOrders(),
        inventory=DjangoInventory(),
        payments=PAYMENTS,
        locations=LOCATIONS,
        clock=timezone.now,
        ids=new_id,
    )


def after_commit(order: Order) -> None:
    """Have the calls made that ``order`` waits for, once it is committed; never, if it is not.

    Should that fail, or the process die, `resume_orders` makes them a little later.
    """
    transaction.on_commit(lambda: carry_out(order.id), robust=True)


def carry_out(order_id: str) -> None:
    """Make the calls an order waits for: reserve its stock, ask for its money, and so on."""
    desk = open_desk()
    for intent in desk.order(order_id).intents:
        try:
            desk.retry(order_id, intent.id)
        except NotFound:  # one before it has settled this one too
            continue
