"""Amounts as Stripe counts them, which is not always in the currency's minor units.

The rules are those of https://docs.stripe.com/currencies: "zero-decimal", "three-decimal" and
"special cases".
"""

from __future__ import annotations

from orderwright.errors import InvalidInput
from orderwright.money import Money

__all__ = ["money", "smallest"]

# Zero-decimal at Stripe, although ISO 4217 writes it with two decimals: so many make one there.
_COARSER = {"MGA": 100}
# Zero-decimal, but written with two of them, which have to be 00: one makes so many there.
_FINER = {"ISK": 100}
# Written with three decimals, of which the card networks take two.
_TENS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
# UGX is listed both as zero-decimal and among the special cases that are written with two: a
# hundredfold apart. The others have three decimals, and Stripe does not say what it makes of them.
_UNCLEAR = frozenset({"IQD", "LYD", "UGX"})


def smallest(amount: Money) -> int:
    """Return ``amount`` in Stripe's units; raise InvalidInput if Stripe cannot move it exactly."""
    currency, minor = amount.currency, amount.minor
    if currency in _UNCLEAR:
        raise InvalidInput.at("currency", f"Stripe does not say clearly how it counts {currency}")
    whole, rest = divmod(minor * _FINER.get(currency, 1), _COARSER.get(currency, 1))
    if rest or (currency in _TENS and whole % 10):
        raise InvalidInput.at("amount", f"Stripe moves no such fraction: {amount}")
    return whole


def money(amount: int, currency: str) -> Money:
    """Return what Stripe means by ``amount`` in ``currency``, which it writes in small letters.

    Raises InvalidInput for what :func:`smallest` never makes, or of an unknown currency.
    """
    code = currency.upper()
    if code in _UNCLEAR:
        raise InvalidInput.at("currency", f"Stripe does not say clearly how it counts {code}")
    minor, rest = divmod(amount * _COARSER.get(code, 1), _FINER.get(code, 1))
    if rest:
        raise InvalidInput.at("amount", f"{amount}: there are no hundredths of {code}")
    return Money(minor, code)
