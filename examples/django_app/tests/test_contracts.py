"""Orders and stock in Django keep every promise of their ports."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread

from django.apps import apps
from django.db import connections, transaction
from hypothesis import settings
from orders.inventory import DjangoInventory
from orders.repositories import DjangoOrders

from orderwright.inventory.guard import Policies
from orderwright.testing import Contract, InventoryRepositoryContract, OrderRepositoryContract

BRIEF = settings(Contract.machine_settings, max_examples=4, stateful_step_count=15)


def empty() -> None:
    """Leave no row in any table."""
    with transaction.atomic():
        for model in apps.get_app_config("orders").get_models():
            model.objects.all().delete()


class Hosted:
    """An adapter in a server: a thread's connection is closed when its request is over."""

    def __init__(self, adapter: object) -> None:
        self._adapter = adapter

    def __getattr__(self, name: str) -> object:
        """Close what a thread of the contract's leaves open after a call, as Django does."""
        found = getattr(self._adapter, name)
        if not callable(found):
            return found

        def asked(*given: object, **named: object) -> object:
            try:
                return found(*given, **named)
            finally:
                if current_thread() is not main_thread():
                    connections.close_all()

        return asked


class TestOrders(OrderRepositoryContract):
    """Each save is a transaction of its own."""

    durable_on_save = True
    machine_settings = BRIEF

    @contextmanager
    def make(self) -> Iterator[Callable[[], Hosted]]:
        """Begin with empty tables."""
        empty()
        yield lambda: Hosted(DjangoOrders())


class TestOrdersInTheHostsTransaction(OrderRepositoryContract):
    """All of it happens in one transaction of the host's, which is still open."""

    durable_on_save = False
    concurrent = False
    machine_settings = BRIEF

    @contextmanager
    def make(self) -> Iterator[Callable[[], DjangoOrders]]:
        """Roll it back in the end."""
        empty()
        with transaction.atomic():
            yield DjangoOrders
            transaction.set_rollback(True)

    @contextmanager
    def rolled_back(self, opener: Callable[[], DjangoOrders]) -> Iterator[DjangoOrders]:
        """Roll back a part of it."""
        with transaction.atomic():
            yield opener()
            transaction.set_rollback(True)


class TestStock(InventoryRepositoryContract):
    """Each posting is a transaction of its own."""

    machine_settings = BRIEF

    @contextmanager
    def make(self) -> Iterator[Callable[[Policies], Hosted]]:
        """Begin with empty tables."""
        empty()
        yield lambda policies: Hosted(DjangoInventory(policies))
