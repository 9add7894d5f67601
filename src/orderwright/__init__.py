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
from orderwright.fulfillment.fulfillment import Fulfillment
from orderwright.fulfillment.locations import Location
from orderwright.inventory.entries import Reservation
from orderwright.inventory.ledger import InventoryLedger
from orderwright.inventory.postings import Posting
from orderwright.lifecycles import STANDARD, Lifecycle, Lifecycles, Phase, State
from orderwright.money import Money, UnitPrice
from orderwright.orders.amounts import Adjustment, TaxLine
from orderwright.orders.contacts import Contact
from orderwright.orders.lines import (
    AddAdjustment,
    AddCharge,
    AddLine,
    ChangeLine,
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
from orderwright.payments.payment import Payment, Tender

__all__ = [
    "STANDARD",
    "AdapterFault",
    "AddAdjustment",
    "AddCharge",
    "AddLine",
    "Adjustment",
    "AsyncOrderDesk",
    "ChangeLine",
    "Charge",
    "Conflict",
    "Contact",
    "DraftLine",
    "Fulfillment",
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
    "PaymentOutcome",
    "PaymentRequest",
    "Phase",
    "Policy",
    "Posting",
    "Reference",
    "Refused",
    "Reservation",
    "State",
    "TaxLine",
    "Tender",
    "UnitPrice",
]
