"""What the stock is worth: the moving average of what receipts cost.

After each receipt the average is what the units on hand and the new ones cost together, divided by
their number; whatever leaves takes the average with it (the "moving average" of International
Accounting Standard 2, paragraph 27, where it is one of the two formulas allowed).
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple, final

from orderwright.errors import InvalidInput
from orderwright.inventory.entries import INSIDE
from orderwright.money import Money, round_ratio

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from orderwright.inventory.postings import Posting
    from orderwright.money import UnitPrice

__all__ = ["Valuation", "valuation", "valuations"]


@final
class Valuation(NamedTuple):
    """Units on hand and what they cost, exactly (in minor units) and as an amount, half up.

    ``unvalued`` of the units came in without a cost while nothing else was there.
    """

    units: int
    exact: Fraction
    value: Money
    unvalued: int = 0

    @property
    def unit_cost(self) -> Fraction:
        """What one costs, in minor units; 0 where there are none."""
        return self.exact / self.units if self.units else Fraction(0)


def valuations(postings: Iterable[Posting], currency: str) -> Mapping[str, Valuation]:
    """Return what the units on hand are worth, by SKU, by the moving average of their costs.

    What comes back or is found comes in at the average, what is used up or lost leaves at it, and
    moves between our own locations change nothing. What is made (:meth:`.Posting.make`) is worth
    what was used for it; if several SKUs are, each unit made bears the same share. Raises
    InvalidInput for a cost in another currency.
    """
    books: dict[str, _Book] = {}
    for posting in postings:
        inside: dict[str, int] = {}
        bought: dict[str, list[tuple[int, Fraction]]] = {}
        made: dict[str, int] = {}
        used: dict[str, int] = {}
        for entry in posting.entries:
            if entry.bucket == "production":
                side = made if entry.quantity < 0 else used
                side[entry.sku] = side.get(entry.sku, 0) + abs(entry.quantity)
            if entry.bucket not in INSIDE:
                continue
            inside[entry.sku] = inside.get(entry.sku, 0) + entry.quantity
            cost = entry.terms.unit_cost if entry.terms else None
            if cost is not None and entry.quantity > 0:
                worth = _minor(cost, entry.quantity, currency, posting.id)
                bought.setdefault(entry.sku, []).append((entry.quantity, worth))
        spent = sum((books[sku].average * used[sku] for sku in used if sku in books), Fraction(0))
        for sku, units in made.items():
            share = spent * units / sum(made.values())
            if share:
                bought.setdefault(sku, []).append((units, share))
        for sku, units in inside.items():
            books.setdefault(sku, _Book()).move(units, bought.get(sku, ()))
    return {sku: book.valued(currency) for sku, book in books.items()}


def valuation(postings: Iterable[Posting], sku: str, currency: str) -> Valuation:
    """Return what :func:`valuations` says of one SKU; of one never seen, that it is nothing."""
    found = valuations(postings, currency).get(sku)
    return _Book().valued(currency) if found is None else found


class _Book:
    """Units of a SKU and what they are worth, while postings are read."""

    __slots__ = ("units", "unvalued", "worth")

    def __init__(self) -> None:
        self.units = self.unvalued = 0
        self.worth = Fraction(0)

    @property
    def average(self) -> Fraction:
        return self.worth / self.units if self.units > 0 else Fraction(0)

    def move(self, units: int, bought: Iterable[tuple[int, Fraction]]) -> None:
        """Add ``units`` in all: those ``bought`` at their costs, the rest at the average."""
        average, paid = self.average, tuple(bought)
        other = units - sum(count for count, _ in paid)
        if other > 0 and not average:
            self.unvalued += other
        self.worth += average * other + sum((cost for _, cost in paid), Fraction(0))
        self.units += units
        self.unvalued = max(0, min(self.unvalued, self.units))

    def valued(self, currency: str) -> Valuation:
        minor = round_ratio(self.worth.numerator, self.worth.denominator, "half_up")
        return Valuation(self.units, self.worth, Money(minor, currency), self.unvalued)


def _minor(cost: UnitPrice, units: int, currency: str, posting_id: str) -> Fraction:
    if cost.currency != currency:
        raise InvalidInput.at("currency", f"{posting_id} cost {cost}, not in {currency}")
    return Fraction(*cost.ratio(units))
