"""Payments at Stripe, through the client you configured: its keys, time-outs, retries and network.

Needs the extra ``orderwright[stripe]``. A tender's ``instrument`` is a customer of yours and a
payment method saved for them: ``cus_…/pm_…``.
"""

from orderwright.adapters.stripe.notices import (
    DisputeNotice,
    OperationNotice,
    RefundNotice,
    notification,
)
from orderwright.adapters.stripe.payments import AsyncStripePayments, StripePayments

__all__ = [
    "AsyncStripePayments",
    "DisputeNotice",
    "OperationNotice",
    "RefundNotice",
    "StripePayments",
    "notification",
]
