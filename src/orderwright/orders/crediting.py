"""Credits: how much less is due when units are given up, returned, or paid back in part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orderwright.money import shares
from orderwright.orders.amounts import parts
from orderwright.orders.lines import Credit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orderwright.money import Rounding
    from orderwright.orders.lines import Charge, OrderLine

__all__ = ["all_of", "part_of", "spread", "units_of"]


def all_of(one: OrderLine | Charge, units: int) -> Credit:
    """Return the credit of all that is left of a line or charge."""
    return Credit(one.id, units, tuple([part.remaining for part in one.components]))


def units_of(line: OrderLine, units: int, rounding: Rounding) -> Credit:
    """Return the credit of ``units`` of what remains of ``line``; the last take the rest."""
    return Credit(line.id, units, parts(line.components, units, line.remaining_units, rounding))


def part_of(one: OrderLine | Charge, minor: int, rounding: Rounding) -> Credit:
    """Return the credit of ``minor`` of what remains of a line or charge, and of no units."""
    return Credit(one.id, 0, parts(one.components, minor, one.remaining.minor, rounding))


def spread(
    among: Sequence[OrderLine | Charge], minor: int, rounding: Rounding
) -> tuple[Credit, ...]:
    """Return credits that come to ``minor``, shared in proportion to what is left of each."""
    left = [one for one in among if one.remaining.minor]
    if not left or not minor:
        return ()
    found = shares(minor, [one.remaining.minor for one in left])
    return tuple(
        part_of(one, part, rounding) for one, part in zip(left, found, strict=True) if part
    )
