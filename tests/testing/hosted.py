"""An order repository inside a host's own transaction, which may be rolled back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import get_ident

from attrs import define, field, fields

from orderwright import Order
from orderwright.orders.events import Event
from orderwright.ports import OrderRepository
from tests.testing.broken_orders import PlainOrders, Store


class Hosted(PlainOrders):
    """Saves into the transaction that its host has open; only the host's thread may use it."""

    durable_on_save = False

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._thread = get_ident()

    def load(self, order_id: str) -> Order | None:
        """Load, in the host's thread."""
        if get_ident() != self._thread:
            raise RuntimeError("the transaction is another thread's")
        return super().load(order_id)

    def load_with_key(self, order_id: str, key: str) -> tuple[Order | None, tuple[Event, ...]]:
        """Load, in the host's thread."""
        if get_ident() != self._thread:
            raise RuntimeError("the transaction is another thread's")
        return super().load_with_key(order_id, key)


class Autocommits(Hosted):
    """Says that the host can roll back, and commits by itself."""


class SaysItIsDurable(Hosted):
    """Says that it is durable, in a transaction of the host's."""

    durable_on_save = True


@define
class Host:
    """A host with a store, and a transaction around it."""

    kind: type[Hosted] = Hosted
    store: Store = field(factory=Store)

    @contextmanager
    def make(self) -> Iterator[Callable[[], OrderRepository]]:
        """A fresh store."""
        self.store = Store()
        yield lambda: self.kind(self.store)

    @contextmanager
    def rolled_back(self) -> Iterator[OrderRepository]:
        """A transaction that is rolled back in the end."""
        kept = {
            one.name: getattr(self.store, one.name).copy()
            for one in fields(Store)
            if one.name != "lock"
        }
        yield self.kind(self.store)
        if self.kind is not Autocommits:
            for name, value in kept.items():
                setattr(self.store, name, value)
