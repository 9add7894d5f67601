"""What the stock is worth: the moving average of what receipts cost.

After each receipt the average is what the units on hand and the new ones cost together, divided by
their number; whatever leaves takes the average with it (the "moving average" of International
Accounting Standard 2, paragraph 27, where it is one of the two formulas allowed).
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple, final

from orderwright.errors import InvalidInput
from orderwright.inventory.postings import INSIDE
from orderwright.money import Money, round_ratio

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orderwright.inventory.postings import Posting
    from orderwright.money import UnitPrice

__all__ = ["Valuation", "valuation"]


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


def valuation(postings: Iterable[Posting], sku: str, currency: str) -> Valuation:
    """Return what the units of ``sku`` on hand are worth, by the moving average of their costs.

    What comes back or is found comes in at the average, what is used up or lost leaves at it, and
    moves between our own locations change nothing. Raises InvalidInput for a cost in another
    currency.
    """
    units = unvalued = 0
    worth = Fraction(0)
    for posting in postings:
        inside = 0
        bought: list[tuple[int, Fraction]] = []
        for entry in posting.entries:
            if entry.sku != sku or entry.bucket not in INSIDE:
                continue
            inside += entry.quantity
            cost = entry.terms.unit_cost if entry.terms else None
            if cost is not None and entry.quantity > 0:
                bought.append((entry.quantity, _minor(cost, entry.quantity, currency, posting.id)))
        paid = sum(count for count, _ in bought)
        average = worth / units if units > 0 else Fraction(0)
        other = inside - paid
        if other > 0 and not average:
            unvalued += other
        worth += average * other + sum((cost for _, cost in bought), Fraction(0))
        units += inside
        unvalued = max(0, min(unvalued, units))
    minor = round_ratio(worth.numerator, worth.denominator, "half_up")
    return Valuation(units, worth, Money(minor, currency), unvalued)


def _minor(cost: UnitPrice, units: int, currency: str, posting_id: str) -> Fraction:
    if cost.currency != currency:
        raise InvalidInput.at("currency", f"{posting_id} cost {cost}, not in {currency}")
    return Fraction(*cost.ratio(units))
