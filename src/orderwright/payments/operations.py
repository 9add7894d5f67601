"""One step of a payment at its provider, as asked for and as answered."""

from __future__ import annotations

from typing import Literal, final

from attrs import frozen

from orderwright.errors import InvalidInput
from orderwright.money import Money
from orderwright.values import choice, instance

__all__ = ["OperationKind", "Outcome", "PaymentOutcome", "PaymentRequest"]

OperationKind = Literal["authorize", "capture", "void", "refund"]
"""Reserve money, take it, give the reservation back, give taken money back."""

Outcome = Literal["succeeded", "declined", "failed", "pending", "unknown"]
"""A provider's answer: done; refused by the payer's side; impossible; not yet; no answer came."""


@final
@frozen(kw_only=True)
class PaymentRequest:
    """The whole of what a provider is asked to do; sent again, it is this byte for byte.

    ``id`` is derived (``order/payment/kind-n``) and is the idempotency key. ``instrument`` is the
    stored, reusable reference of what the customer pays with; single-use tokens are never stored.
    ``reference`` is the provider's own id of the authorization (empty when authorizing).
    """

    id: str
    kind: OperationKind
    order_id: str
    payment_id: str
    method: str
    amount: Money
    instrument: str = ""
    reference: str = ""


@final
@frozen(kw_only=True)
class PaymentOutcome:
    """What a provider answered, or reported later.

    ``amount`` is what really moved (or was reserved); ``reference`` the provider's id of the
    payment; ``reason`` a text for people.
    """

    outcome: Outcome
    amount: Money
    reference: str = ""
    reason: str = ""

    def __attrs_post_init__(self) -> None:
        """Refuse negative amounts."""
        choice(self.outcome, Outcome, "outcome")
        if instance(self.amount, Money, "amount").minor < 0:
            raise InvalidInput.at("amount", f"{self.amount} is negative")
