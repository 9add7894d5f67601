"""The adapters in memory keep every clause of their ports, sync and behind an async face."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import (
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)

from hypothesis import settings

from orderwright.adapters.memory import MemoryPayments
from orderwright.inventory.guard import Policies
from orderwright.ports import (
    AsyncInventoryRepository,
    AsyncOrderRepository,
    AsyncPaymentPort,
    InventoryRepository,
    OrderRepository,
    PaymentCapabilities,
    PaymentPort,
)
from orderwright.testing import (
    AsyncInventoryRepositoryContract,
    AsyncOrderRepositoryContract,
    AsyncPaymentPortContract,
    Contract,
    InventoryRepositoryContract,
    OrderRepositoryContract,
    PaymentBench,
    PaymentPortContract,
)
from tests.testing.memory import (
    AsyncInventory,
    AsyncOrders,
    AsyncPayments,
    Provider,
    memory_inventory,
    memory_orders,
    memory_payments,
)


class TestOrders(OrderRepositoryContract):
    """Orders in memory."""

    durable_on_save = True

    def make(self) -> AbstractContextManager[Callable[[], OrderRepository]]:
        """A store of orders in memory."""
        return memory_orders()


class TestInventory(InventoryRepositoryContract):
    """Stock in memory."""

    def make(self) -> AbstractContextManager[Callable[[Policies], InventoryRepository]]:
        """A store of stock in memory."""
        return memory_inventory()


class TestPayments(PaymentPortContract):
    """The provider in memory that can do everything."""

    def make(self) -> AbstractContextManager[PaymentBench[PaymentPort]]:
        """An account with everything on the bench."""
        return memory_payments()


class TestPaymentsThatCanDoLess(PaymentPortContract):
    """The provider in memory that captures once, and voids only all of an authorization."""

    @contextmanager
    def make(self) -> Iterator[PaymentBench[PaymentPort]]:
        """An account at such a provider, which also pays nothing out."""
        provider = Provider()
        capable = provider.port.capabilities
        less = PaymentCapabilities(
            several_captures=False, partial_void=False, key_retention=capable.key_retention
        )
        provider.port = MemoryPayments(provider.behave, capabilities=less)
        yield provider.bench(lambda: provider.port)


class TestAsyncOrders(AsyncOrderRepositoryContract):
    """Orders in memory, behind an async face."""

    durable_on_save = True
    machine_settings = settings(Contract.machine_settings, max_examples=5)

    @asynccontextmanager
    async def make(self) -> AsyncIterator[Callable[[], AsyncOrderRepository]]:
        """A store of orders in memory, opened at once."""
        with memory_orders() as opener:
            yield lambda: AsyncOrders(opener())


class TestAsyncInventory(AsyncInventoryRepositoryContract):
    """Stock in memory, behind an async face."""

    machine_settings = settings(Contract.machine_settings, max_examples=5)

    @asynccontextmanager
    async def make(
        self,
    ) -> AsyncIterator[Callable[[Policies], Awaitable[AsyncInventoryRepository]]]:
        """A store of stock in memory, opened by awaiting it."""
        with memory_inventory() as opener:

            async def opening(policies: Policies) -> AsyncInventoryRepository:
                return AsyncInventory(opener(policies))

            yield opening


class TestAsyncPayments(AsyncPaymentPortContract):
    """The provider in memory, behind an async face."""

    @asynccontextmanager
    async def make(self) -> AsyncIterator[PaymentBench[AsyncPaymentPort]]:
        """An account with everything on the bench."""
        provider = Provider()
        yield provider.bench(lambda: AsyncPayments(provider.port))
