"""The conformance kit: it tells the author of an adapter which promise is not kept, and how.

Subclass a contract in your tests and say how a fresh store is made; the class brings one test for
each clause of the port, and a state machine that compares yours with the adapters in memory. The
``check_`` functions do the same in any test runner.
"""

try:
    from orderwright.testing.contract import Contract, ContractBroken, check
except ModuleNotFoundError as _missing:
    raise ImportError(
        f"orderwright.testing needs {_missing.name}: install the extra orderwright[testing]"
    ) from _missing
from orderwright.testing.carrier_bench import CarrierBench, LabelBooks
from orderwright.testing.carriers import AsyncCarrierPortContract, CarrierPortContract
from orderwright.testing.checks import (
    check_async_carrier_port,
    check_async_inventory_repository,
    check_async_order_repository,
    check_async_payment_port,
    check_carrier_port,
    check_inventory_repository,
    check_order_repository,
    check_payment_port,
)
from orderwright.testing.clauses import ClauseBroken, clause
from orderwright.testing.inventory import (
    AsyncInventoryRepositoryContract,
    InventoryRepositoryContract,
)
from orderwright.testing.joint import (
    AsyncJointOrderRepositoryContract,
    JointOrderRepositoryContract,
)
from orderwright.testing.orders import AsyncOrderRepositoryContract, OrderRepositoryContract
from orderwright.testing.payment_bench import Books, PaymentBench
from orderwright.testing.payments import AsyncPaymentPortContract, PaymentPortContract

__all__ = [
    "AsyncCarrierPortContract",
    "AsyncInventoryRepositoryContract",
    "AsyncJointOrderRepositoryContract",
    "AsyncOrderRepositoryContract",
    "AsyncPaymentPortContract",
    "Books",
    "CarrierBench",
    "CarrierPortContract",
    "ClauseBroken",
    "Contract",
    "ContractBroken",
    "InventoryRepositoryContract",
    "JointOrderRepositoryContract",
    "LabelBooks",
    "OrderRepositoryContract",
    "PaymentBench",
    "PaymentPortContract",
    "check",
    "check_async_carrier_port",
    "check_async_inventory_repository",
    "check_async_order_repository",
    "check_async_payment_port",
    "check_carrier_port",
    "check_inventory_repository",
    "check_order_repository",
    "check_payment_port",
    "clause",
]
