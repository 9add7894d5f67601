"""The contracts as plain functions, for any test runner or none.

Each raises ContractBroken, an AssertionError, with every clause that is broken, and returns what
was left untested because its author says there is none of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, cast

from orderwright.testing.carriers import AsyncCarrierPortContract, CarrierPortContract
from orderwright.testing.contract import check
from orderwright.testing.inventory import (
    AsyncInventoryRepositoryContract,
    InventoryRepositoryContract,
)
from orderwright.testing.orders import AsyncOrderRepositoryContract, OrderRepositoryContract
from orderwright.testing.payments import AsyncPaymentPortContract, PaymentPortContract

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager as AsyncManager
    from contextlib import AbstractContextManager as Manager

    from orderwright.inventory.guard import Policies
    from orderwright.ports import (
        AsyncCarrierPort,
        AsyncInventoryRepository,
        AsyncOrderRepository,
        AsyncPaymentPort,
        CarrierPort,
        InventoryRepository,
        OrderRepository,
        PaymentPort,
    )
    from orderwright.testing.carrier_bench import CarrierBench
    from orderwright.testing.contract import Contract
    from orderwright.testing.payment_bench import PaymentBench

    _AsyncOrders: TypeAlias = AsyncOrderRepository | Awaitable[AsyncOrderRepository]
    _AsyncInventory: TypeAlias = AsyncInventoryRepository | Awaitable[AsyncInventoryRepository]
    _AsyncPayments: TypeAlias = AsyncPaymentPort | Awaitable[AsyncPaymentPort]
    _AsyncCarrier: TypeAlias = AsyncCarrierPort | Awaitable[AsyncCarrierPort]

__all__ = [
    "check_async_carrier_port",
    "check_async_inventory_repository",
    "check_async_order_repository",
    "check_async_payment_port",
    "check_carrier_port",
    "check_inventory_repository",
    "check_order_repository",
    "check_payment_port",
]


def check_order_repository(
    make: Callable[[], Manager[Callable[[], OrderRepository]]],
) -> tuple[str, ...]:
    """Check an order repository that is durable on save; others subclass the contract."""
    return check(_given(OrderRepositoryContract, make, durable_on_save=True))


def check_async_order_repository(
    make: Callable[[], AsyncManager[Callable[[], _AsyncOrders]]],
) -> tuple[str, ...]:
    """Check an async order repository that is durable on save; others subclass the contract."""
    return check(_given(AsyncOrderRepositoryContract, make, durable_on_save=True))


def check_inventory_repository(
    make: Callable[[], Manager[Callable[[Policies], InventoryRepository]]],
) -> tuple[str, ...]:
    """Check an inventory repository."""
    return check(_given(InventoryRepositoryContract, make))


def check_async_inventory_repository(
    make: Callable[[], AsyncManager[Callable[[Policies], _AsyncInventory]]],
) -> tuple[str, ...]:
    """Check an async inventory repository."""
    return check(_given(AsyncInventoryRepositoryContract, make))


def check_payment_port(make: Callable[[], Manager[PaymentBench[PaymentPort]]]) -> tuple[str, ...]:
    """Check a payment port."""
    return check(_given(PaymentPortContract, make))


def check_async_payment_port(
    make: Callable[[], AsyncManager[PaymentBench[_AsyncPayments]]],
) -> tuple[str, ...]:
    """Check an async payment port."""
    return check(_given(AsyncPaymentPortContract, make))


def check_carrier_port(make: Callable[[], Manager[CarrierBench[CarrierPort]]]) -> tuple[str, ...]:
    """Check a carrier port."""
    return check(_given(CarrierPortContract, make))


def check_async_carrier_port(
    make: Callable[[], AsyncManager[CarrierBench[_AsyncCarrier]]],
) -> tuple[str, ...]:
    """Check an async carrier port."""
    return check(_given(AsyncCarrierPortContract, make))


def _given(contract: type[Contract], make: object, **declared: object) -> type[Contract]:
    """Return the contract as its author would subclass it."""
    facts = {"make": staticmethod(cast("Callable[[], object]", make)), **declared}
    return type("Given", (contract,), facts)
