"""Not run: what an author of an adapter writes against the kit, and the type checkers agree."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import assert_type

from hypothesis import settings

from orderwright.adapters.memory import MemoryInventory, MemoryOrders, MemoryPayments
from orderwright.inventory.guard import Policies
from orderwright.ports import AsyncOrderRepository, OrderRepository, PaymentPort
from orderwright.testing import (
    AsyncOrderRepositoryContract,
    Books,
    ClauseBroken,
    Contract,
    ContractBroken,
    InventoryRepositoryContract,
    OrderRepositoryContract,
    PaymentBench,
    PaymentPortContract,
    check,
    check_async_order_repository,
    check_inventory_repository,
    check_order_repository,
    check_payment_port,
    clause,
)


class TestOrders(OrderRepositoryContract):
    """Everything set that may be."""

    durable_on_save = True
    concurrent = False
    patience = 5.0
    machine_settings = settings(Contract.machine_settings, max_examples=200)

    @contextmanager
    def make(self) -> Iterator[Callable[[], MemoryOrders]]:
        """Open the adapter's own type."""
        orders = MemoryOrders()
        yield lambda: orders

    @contextmanager
    def rolled_back(self, opener: Callable[[], OrderRepository]) -> Iterator[OrderRepository]:
        """Roll back."""
        yield opener()

    @clause
    def test_another_thing(self) -> None:
        """OrderRepository.load 1: tests more."""


class TestStock(InventoryRepositoryContract):
    """A class is an opener too."""

    @contextmanager
    def make(self) -> Iterator[Callable[[Policies], MemoryInventory]]:
        """Open under policies."""
        yield MemoryInventory


class TestPayments(PaymentPortContract):
    """All hooks said to be absent, but one."""

    @contextmanager
    def make(self) -> Iterator[PaymentBench[PaymentPort]]:
        """Set up a bench."""
        provider = MemoryPayments()
        yield PaymentBench(
            open=lambda: provider,
            currency="EUR",
            method="card",
            instrument="good",
            declined=None,
            challenged=None,
            payout=None,
            lost_answers=None,
            lost_requests=None,
            postponed=None,
            books=lambda: Books(reserved=0, taken=0, refunded=0),
        )


class TestAsyncOrders(AsyncOrderRepositoryContract):
    """The opener is async."""

    durable_on_save = True

    @asynccontextmanager
    async def make(self) -> AsyncIterator[Callable[[], Awaitable[AsyncOrderRepository]]]:
        """Open by awaiting."""
        yield opening


async def opening() -> AsyncOrderRepository:
    """Connect."""
    raise NotImplementedError


@contextmanager
def orders() -> Iterator[Callable[[], MemoryOrders]]:
    """Make a store for the function form."""
    yield MemoryOrders


@contextmanager
def stock() -> Iterator[Callable[[Policies], MemoryInventory]]:
    """Make a store for the function form."""
    yield MemoryInventory


@asynccontextmanager
async def async_orders() -> AsyncIterator[Callable[[], Awaitable[AsyncOrderRepository]]]:
    """Make a store for the function form."""
    yield opening


assert_type(check(TestOrders), tuple[str, ...])
assert_type(check_order_repository(orders), tuple[str, ...])
assert_type(check_inventory_repository(stock), tuple[str, ...])
assert_type(check_payment_port(TestPayments().make), tuple[str, ...])
assert_type(check_async_order_repository(async_orders), tuple[str, ...])
failure: AssertionError = ClauseBroken("OrderRepository.save 3", "promise", "happened")
failures: AssertionError = ContractBroken([ClauseBroken("a 1", "b", "c")])
assert_type(ContractBroken([]).failures, tuple[ClauseBroken, ...])
