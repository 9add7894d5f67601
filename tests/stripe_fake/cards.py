"""Test payment methods, and what Stripe does with each: https://docs.stripe.com/testing."""

from typing import NamedTuple


class Card(NamedTuple):
    """How a payment method behaves.

    `code` and `decline_code` are of its refusal; one that is `attachable` can be saved all the
    same. `ask` means that the bank wants to see the customer first.
    """

    brand: str = "visa"
    code: str = ""
    decline_code: str = ""
    attachable: bool = True
    ask: bool = False
    disputed: bool = False
    refunds: str = "succeeded"
    slow: bool = False


def _declined(decline_code: str, code: str = "card_declined") -> Card:
    """A card that is refused at once, also when it is to be saved."""
    return Card(code=code, decline_code=decline_code, attachable=False)


CARDS = {
    "pm_card_visa": Card(),
    "pm_card_mastercard": Card("mastercard"),
    "pm_card_amex": Card("amex"),
    "pm_card_jcb": Card("jcb"),
    # "Declined payments"
    "pm_card_visa_chargeDeclined": _declined("generic_decline"),
    "pm_card_visa_chargeDeclinedInsufficientFunds": _declined("insufficient_funds"),
    "pm_card_visa_chargeDeclinedLostCard": _declined("lost_card"),
    "pm_card_visa_chargeDeclinedStolenCard": _declined("stolen_card"),
    "pm_card_chargeDeclinedExpiredCard": _declined("expired_card", "expired_card"),
    "pm_card_chargeDeclinedIncorrectCvc": _declined("incorrect_cvc", "incorrect_cvc"),
    "pm_card_chargeDeclinedProcessingError": _declined("processing_error", "processing_error"),
    # "Attaching this card succeeds, but attempts to charge it fail."
    "pm_card_chargeCustomerFail": Card(code="card_declined", decline_code="generic_decline"),
    # "3D Secure": asked for each time, however it was set up.
    "pm_card_authenticationRequired": Card(ask=True),
    "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds": Card(
        ask=True, code="card_declined", decline_code="insufficient_funds"
    ),
    # "Disputes"
    "pm_card_createDispute": Card(disputed=True),
    # "Refunds": asynchronous success; asynchronous failure.
    "pm_card_pendingRefund": Card(refunds="pending"),
    "pm_card_refundFail": Card(refunds="fails"),
    # A bank debit: takes days, and cannot be reserved.
    "pm_usBankAccount": Card("us_bank_account", slow=True),
}
MULTICAPTURE = frozenset({"amex", "discover", "mastercard", "visa"})
"""Brands that can be captured several times: https://docs.stripe.com/payments/multicapture (the
list has grown since; the fake needs one that cannot)."""
