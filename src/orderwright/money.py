"""Money without floats: integer minor units with their currency, and exact unit prices."""

from __future__ import annotations

from decimal import Context, Decimal, InvalidOperation
from fractions import Fraction
from functools import total_ordering
from math import lcm
from typing import TYPE_CHECKING, Literal, Self, cast, final, get_args

from attrs import frozen

from orderwright.errors import InvalidInput
from orderwright.values import choice, several

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "CURRENCIES",
    "MAX_MINOR",
    "Money",
    "Rounding",
    "UnitPrice",
    "bounded",
    "decimal",
    "exponent",
    "round_ratio",
    "shares",
    "total",
]

Rounding = Literal["half_up", "half_even", "down"]
"""How an exact amount becomes whole minor units; ``half_up`` rounds halves away from zero."""
_ROUNDINGS = get_args(Rounding)

MAX_MINOR = 10**18
"""The largest amount: it fits into 64 bits, as every database keeps it."""

_TWO_DIGITS = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF
CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL
HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT
MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB
SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH
USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG
"""
CURRENCIES: dict[str, int] = {
    **dict.fromkeys(_TWO_DIGITS.split(), 2),
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
}
"""Currency code to the digits of its minor unit (ISO 4217, funds and metals left out)."""


def exponent(currency: str) -> int:
    """Return how many decimals ``currency`` has; raise InvalidInput for an unknown code."""
    try:
        return CURRENCIES[currency]
    except (KeyError, TypeError):
        given = cast("object", currency)
        told = repr(given) if isinstance(given, str) else type(given).__name__
        wrong = f"{told} is no ISO 4217 code such as 'EUR' or 'JPY'"
        raise InvalidInput.at("currency", wrong) from None


def round_ratio(numerator: int, denominator: int, rounding: Rounding) -> int:
    """Return ``numerator / denominator`` (denominator positive) as a whole number, exactly."""
    whole, rest = divmod(abs(numerator), denominator)
    twice = 2 * rest
    if rounding == "half_up":
        whole += twice >= denominator
    elif rounding == "half_even":
        whole += twice > denominator or (twice == denominator and whole % 2)
    elif rounding not in _ROUNDINGS:
        choice(rounding, Rounding, "rounding")
    return whole if numerator >= 0 else -whole


def decimal(value: object, path: str) -> Decimal:
    """Return an exact decimal from a string, int or Decimal; a float is refused."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise InvalidInput.at(
            path, f"expected a string, int or Decimal, got {type(value).__name__}"
        )
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise InvalidInput.at(path, f"{value!r} is no decimal number such as '12.50'") from None
    _, digits, power = number.as_tuple()
    # Also not a tiny one: 1e-999999999 is a fraction whose denominator has a billion digits.
    if (
        not isinstance(power, int)
        or number.adjusted() >= _MAX_DIGITS
        or power < -2 * _MAX_DIGITS
        or len(digits) > 2 * _MAX_DIGITS
    ):
        raise InvalidInput.at(path, f"{str(number)[:40]!r} is not a sensible amount")
    return number


_EXACT = Context(prec=400)
"""Wide enough for sums of prices whose amounts and units are as large as they may be."""
_MOST_UNITS = 10**100
_MAX_DIGITS = 20
"""Digits allowed before the point; after it, and in all, twice as many."""


@final
@total_ordering
@frozen(order=False)
class Money:
    """An amount in a currency: ``minor`` whole minor units (cents) of ``currency`` (ISO 4217).

    Amounts of different currencies neither add nor compare: that raises InvalidInput. There is
    no division; :meth:`split` shares an amount without losing a cent.

    >>> Money.of("12.50", "EUR") + Money(250, "EUR")
    Money('15.00 EUR')
    """

    minor: int
    currency: str

    def __attrs_post_init__(self) -> None:
        """Refuse floats, bools and unknown currencies."""
        if type(self.minor) is not int:
            raise InvalidInput.at(
                "minor", f"expected whole minor units (int), got {type(self.minor).__name__}"
            )
        if not -MAX_MINOR <= self.minor <= MAX_MINOR:
            raise InvalidInput.at("minor", f"more than {MAX_MINOR} minor units either way")
        if type(self.currency) is not str or self.currency not in CURRENCIES:
            exponent(self.currency)

    @classmethod
    def of(cls, amount: str | int | Decimal, currency: str) -> Self:
        """Return ``amount`` major units, as in ``Money.of("12.50", "EUR")``.

        Raises InvalidInput for floats and for more decimals than the currency has.
        """
        digits = exponent(currency)
        numerator, denominator = decimal(amount, "amount").as_integer_ratio()
        minor, rest = divmod(numerator * 10**digits, denominator)
        if rest:
            raise InvalidInput.at(
                "amount", f"{amount} has more decimals than {currency}, which has {digits}"
            )
        return cls(minor, currency)

    @classmethod
    def zero(cls, currency: str) -> Self:
        """Return nothing, in ``currency``."""
        return cls(0, currency)

    @property
    def amount(self) -> Decimal:
        """The exact amount in major units, with all decimals of the currency."""
        return Decimal(f"{self.minor}e-{exponent(self.currency)}")

    def __str__(self) -> str:
        """Return the amount as ``12.50 EUR``."""
        return f"{self.amount:f} {self.currency}"

    def __repr__(self) -> str:
        """Return the amount as ``Money('12.50 EUR')``."""
        return f"Money('{self}')"

    def __bool__(self) -> bool:
        """Return whether this is anything but zero."""
        return self.minor != 0

    def _same(self, other: Money) -> int:
        if type(other) is not Money:
            raise InvalidInput.at("amount", f"expected Money, got {type(other).__name__}")
        if self.currency != other.currency:
            raise InvalidInput.at(
                "currency", f"{self} and {other} are of different currencies; convert one first"
            )
        return other.minor

    def __add__(self, other: Money) -> Money:
        """Return the sum."""
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        """Return the difference."""
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> Money:
        """Return the amount with the other sign."""
        return Money(-self.minor, self.currency)

    def __mul__(self, factor: int) -> Money:
        """Return a whole multiple."""
        if type(factor) is not int:
            raise InvalidInput.at("factor", f"expected an int, got {type(factor).__name__}")
        return Money(self.minor * factor, self.currency)

    __rmul__ = __mul__

    def __lt__(self, other: Money) -> bool:
        """Return whether this is less."""
        return self.minor < self._same(other)

    def share(self, part: int, whole: int, rounding: Rounding = "half_up") -> Money:
        """Return ``part / whole`` (whole at least 1) of the amount, rounded to the minor unit."""
        if type(part) is not int or type(whole) is not int or whole < 1:
            raise InvalidInput.at("share", "expected whole numbers, the second at least 1")
        return Money(round_ratio(self.minor * part, whole, rounding), self.currency)

    def split(self, weights: Sequence[int], most: Sequence[int] | None = None) -> tuple[Money, ...]:
        """Share the amount by ``weights`` (not negative, not all zero); the parts sum to it.

        Largest remainder: each part gets its rounded-down share, and the minor units left over go
        one each to the largest remainders, ties to the earlier part. ``most`` bounds each part, in
        minor units without sign; what one cannot take goes to the others, by weight. Raises
        InvalidInput if all together cannot take it.

        >>> Money.of("10.00", "EUR").split([1, 1, 1])
        (Money('3.34 EUR'), Money('3.33 EUR'), Money('3.33 EUR'))
        """
        weights = cast("tuple[int, ...]", several(weights, "weights"))
        if most is not None:
            most = cast("tuple[int, ...]", several(most, "most"))
        if any(type(weight) is not int or weight < 0 for weight in weights) or not any(weights):
            raise InvalidInput.at("weights", "expected whole weights of at least 0, not all 0")
        sign = -1 if self.minor < 0 else 1
        amount = abs(self.minor)
        found = shares(amount, weights) if most is None else bounded(amount, weights, most)
        return tuple(Money(sign * part, self.currency) for part in found)


def shares(amount: int, weights: Sequence[int]) -> list[int]:
    """Return ``amount`` (not negative) by ``weights`` (not all zero), by largest remainder."""
    whole = sum(weights)
    exact = [divmod(amount * weight, whole) for weight in weights]
    found = [floor for floor, _ in exact]
    left = amount - sum(found)
    if left:
        for index in sorted(range(len(found)), key=lambda i: -exact[i][1])[:left]:
            found[index] += 1
    return found


def bounded(amount: int, weights: Sequence[int], most: Sequence[int]) -> list[int]:
    """Return ``amount`` by ``weights``, no part above its bound; see :meth:`Money.split`."""
    if len(most) != len(weights) or any(type(one) is not int or one < 0 for one in most):
        raise InvalidInput.at("most", "expected a whole bound of at least 0 for each weight")
    able = [index for index, weight in enumerate(weights) if weight]
    room = sum(most[index] for index in able)
    if amount > room:
        raise InvalidInput.at("most", f"{amount} to share, but the parts take at most {room}")
    found = [0] * len(weights)
    # A part is full if its bound is below its share of what is left; those are known by the ratio
    # of bound and weight, so one pass in that order finds them all.
    left, whole = amount, sum(weights)
    tightest = sorted(able, key=lambda index: Fraction(most[index], weights[index]))
    for number, index in enumerate(tightest):  # pragma: no branch - the last takes what is left
        if most[index] * whole >= left * weights[index]:
            rest = sorted(tightest[number:])
            for one, part in zip(rest, shares(left, [weights[i] for i in rest]), strict=True):
                found[one] = part
            break
        found[index] = most[index]
        left -= most[index]
        whole -= weights[index]
    return found


def total(amounts: Iterable[Money], currency: str) -> Money:
    """Return the sum of ``amounts``; of none, zero ``currency``. All must be in ``currency``."""
    minor = 0
    for money in amounts:
        if money.currency != currency:
            raise InvalidInput.at("currency", f"{money} among amounts in {currency}")
        minor += money.minor
    return Money(minor, currency)


@final
@frozen
class UnitPrice:
    """An exact price per ``per`` units: finer than a minor unit if need be, rounded only later.

    ``UnitPrice.of("1.99", "EUR", per=100)`` is 1.99 per 100 g where a unit is a gram.
    """

    amount: Decimal
    currency: str
    per: int = 1

    def __attrs_post_init__(self) -> None:
        """Refuse floats, negative or endless prices and unknown currencies."""
        if type(self.amount) is not Decimal:
            raise InvalidInput.at("amount", f"expected Decimal, got {type(self.amount).__name__}")
        if decimal(self.amount, "amount") < 0:
            raise InvalidInput.at("amount", f"a unit price of {self.amount} is negative")
        exponent(self.currency)
        if type(self.per) is not int or self.per < 1:
            raise InvalidInput.at("per", "expected a whole number of units, at least 1")
        if self.per > _MOST_UNITS:  # nor can Python print every number
            raise InvalidInput.at("per", "is more units than anybody can count")

    @classmethod
    def of(cls, amount: str | int | Decimal, currency: str, *, per: int = 1) -> Self:
        """Return the price ``amount`` (major units) per ``per`` units; floats are refused."""
        return cls(decimal(amount, "amount"), currency, per)

    def ratio(self, units: int) -> tuple[int, int]:
        """Return the exact price of ``units`` in minor units, as numerator and denominator."""
        numerator, denominator = self.amount.as_integer_ratio()
        return numerator * units * 10 ** CURRENCIES[self.currency], denominator * self.per

    def times(self, units: int, rounding: Rounding) -> Money:
        """Return the price of ``units``, rounded once to the currency's minor unit."""
        numerator, denominator = self.ratio(units)
        return Money(round_ratio(numerator, denominator, rounding), self.currency)

    def __add__(self, other: UnitPrice) -> UnitPrice:
        """Return what a unit costs at both prices together, exactly."""
        if type(other) is not UnitPrice:
            raise InvalidInput.at("amount", f"expected UnitPrice, got {type(other).__name__}")
        if other.currency != self.currency:
            raise InvalidInput.at("currency", f"{self} and {other} are of different currencies")
        per = lcm(self.per, other.per)
        mine = _EXACT.multiply(self.amount, per // self.per)
        theirs = _EXACT.multiply(other.amount, per // other.per)
        return UnitPrice(_EXACT.add(mine, theirs), self.currency, per)

    def __mul__(self, factor: int) -> UnitPrice:
        """Return a whole multiple of the price."""
        if type(factor) is not int:
            raise InvalidInput.at("factor", f"expected an int, got {type(factor).__name__}")
        if abs(factor) > MAX_MINOR:
            raise InvalidInput.at("factor", f"more than {MAX_MINOR} times either way")
        return UnitPrice(_EXACT.multiply(self.amount, factor), self.currency, self.per)

    def __str__(self) -> str:
        """Return the price as ``1.99 EUR`` or ``1.99 EUR per 100``."""
        return f"{self.amount:f} {self.currency}" + (f" per {self.per}" if self.per > 1 else "")
