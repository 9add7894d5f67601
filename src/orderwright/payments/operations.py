"""One step of a payment at its provider, as asked for and as answered."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, final

from attrs import frozen

from orderwright.errors import InvalidInput
from orderwright.money import Money
from orderwright.values import choice, in_utc, instance, text

__all__ = ["Movement", "OperationKind", "Outcome", "PaymentOutcome", "PaymentRequest"]

OperationKind = Literal["authorize", "capture", "charge", "void", "refund"]
"""What a provider is asked: reserve money, take what is reserved, take it in one step, give the
reservation back, give taken money back."""

Movement = Literal["receipt", "repayment", "chargeback", "reversal", "lapse"]
"""What happens by itself: money came in (cash, a transfer), a person gave it back, the payer's bank
took it back, the bank gave that up, a reservation lapsed."""

Outcome = Literal["succeeded", "declined", "failed", "pending", "unknown", "requires_action"]
"""A provider's answer: done; refused by the payer's side; impossible; not yet; no answer came; the
customer has to do something first."""


@final
@frozen(kw_only=True)
class PaymentRequest:
    """The whole of what a provider is asked to do; sent again, it is this byte for byte.

    ``id`` is derived (``order/payment/kind-n``) and is the idempotency key. ``instrument`` is the
    stored, reusable reference of what the customer pays with; single-use tokens are never stored.
    ``reference`` is the provider's own id of what is captured, voided or refunded (empty when
    authorizing and charging).
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
    payment; ``reason`` a text for people; ``next_action`` what the customer has to do, such as the
    address to go to; ``expires_at`` when an authorization lapses, where the provider tells, in UTC;
    ``captured_once`` that the first capture of it gives back what is left, although the provider
    can capture others several times.
    """

    outcome: Outcome
    amount: Money
    reference: str = ""
    reason: str = ""
    next_action: str = ""
    expires_at: datetime | None = None
    captured_once: bool = False

    def __attrs_post_init__(self) -> None:
        """Refuse negative amounts, and times without a time zone; keep those in UTC."""
        choice(self.outcome, Outcome, "outcome")
        if instance(self.amount, Money, "amount").minor < 0:
            raise InvalidInput.at("amount", f"{self.amount} is negative")
        text(self.reference, "reference")
        text(self.reason, "reason")
        text(self.next_action, "next_action")
        instance(self.captured_once, bool, "captured_once")
        if self.expires_at is not None:
            object.__setattr__(self, "expires_at", in_utc(self.expires_at, "expires_at"))
