"""orderwright: the order-management core that a Python application embeds.

Build an :class:`OrderDesk` (or :class:`AsyncOrderDesk`) with adapters for storage, stock and
payment, and call it. Optional things have modules of their own: :mod:`orderwright.codec` turns
everything into plain data and back, :mod:`orderwright.adapters` hold ready adapters,
:mod:`orderwright.ports` what your own must promise, :mod:`orderwright.errors` every error.
"""

from orderwright.desk import AsyncOrderDesk, OrderDesk
from orderwright.errors import (
    AdapterFault,
    Conflict,
    InvalidInput,
    Mistake,
    OrderwrightError,
    OutOfStock,
    Refused,
)
from orderwright.flows.resuming import Resumed
from orderwright.fulfillment.fulfillment import Fulfillment, FulfillmentItem
from orderwright.fulfillment.locations import Location
from orderwright.fulfillment.planning import FulfillmentPlan
from orderwright.inventory.ledger import InventoryLedger
from orderwright.inventory.postings import Posting, Reservation
from orderwright.lifecycles import STANDARD, Lifecycle, Lifecycles, Phase, State
from orderwright.money import Money, UnitPrice
from orderwright.orders.amounts import Adjustment, TaxLine
from orderwright.orders.lines import (
    Charge,
    DraftLine,
    Hold,
    OrderException,
    OrderLine,
    Policy,
    Reference,
)
from orderwright.orders.order import Order
from orderwright.payments.operations import PaymentOutcome, PaymentRequest
from orderwright.payments.payment import Payment, PaymentOperation, Tender

__all__ = [
    "STANDARD",
    "AdapterFault",
    "Adjustment",
    "AsyncOrderDesk",
    "Charge",
    "Conflict",
    "DraftLine",
    "Fulfillment",
    "FulfillmentItem",
    "FulfillmentPlan",
    "Hold",
    "InvalidInput",
    "InventoryLedger",
    "Lifecycle",
    "Lifecycles",
    "Location",
    "Mistake",
    "Money",
    "Order",
    "OrderDesk",
    "OrderException",
    "OrderLine",
    "OrderwrightError",
    "OutOfStock",
    "Payment",
    "PaymentOperation",
    "PaymentOutcome",
    "PaymentRequest",
    "Phase",
    "Policy",
    "Posting",
    "Reference",
    "Refused",
    "Reservation",
    "Resumed",
    "State",
    "TaxLine",
    "Tender",
    "UnitPrice",
]
