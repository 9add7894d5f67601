"""Kits: a line of several components becomes a line for each, which add up to its price exactly."""

from __future__ import annotations

from fractions import Fraction
from math import lcm
from typing import TYPE_CHECKING, NamedTuple, final

from attrs import evolve

from orderwright.errors import Fault, InvalidInput, NotFound
from orderwright.money import UnitPrice
from orderwright.orders.lines import DraftLine, KitOf

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from orderwright.money import Money
    from orderwright.orders.amounts import Adjustment, TaxLine
    from orderwright.orders.lines import KitPart
    from orderwright.orders.order import Order

__all__ = ["KitQuantities", "Part", "counted", "exploded", "kit_units", "kits"]


@final
class Part(NamedTuple):
    """A line to be, which may be a component of a kit."""

    id: str
    line: DraftLine
    kit: KitOf | None = None


@final
class _Leaf(NamedTuple):
    part: KitPart
    units: int
    share: Fraction


def counted(lines: Iterable[DraftLine | KitPart]) -> int:
    """Return how many lines these become once kits are taken apart."""
    return sum(counted(one.parts) if one.parts else 1 for one in lines)


def exploded(named: Iterable[tuple[str, DraftLine]]) -> list[Part]:
    """Return a part for each line, and for each component of a kit in its place.

    The price is shared by the components' weights, and so are amounts that are fixed, those of
    taxes among the components that have none of their own; percentages apply to each share. Raises
    InvalidInput, by component, for quantities nobody could count.
    """
    found: list[Part] = []
    for line_id, line in named:
        if line.parts:
            found += _components(line_id, line)
        else:
            found.append(Part(line_id, line))
    return found


def _components(line_id: str, line: DraftLine) -> list[Part]:
    leaves = list(_leaves(line.parts, 1, Fraction(1)))
    weights = [one.share for one in leaves]
    taxed = [Fraction(0) if one.part.taxes else one.share for one in leaves]
    if not any(taxed):
        taxed = [Fraction(not one.part.taxes) for one in leaves]
    found: list[Part] = []
    faults: list[Fault] = []
    for index, (part, units, share) in enumerate(leaves):
        try:
            whole = line.unit_price * share.numerator
            single = DraftLine(
                sku=part.sku,
                quantity=line.quantity * units,
                unit_price=UnitPrice(
                    whole.amount, whole.currency, whole.per * share.denominator * units
                ),
                name=part.name,
                requires=line.requires | part.requires,
                together=line.together,
                adjustments=[_shared(one, weights, index) for one in line.adjustments],
                taxes=part.taxes or [_taxed(one, taxed, index) for one in line.taxes],
                course=part.course or line.course,
                seat=line.seat,
                modifiers=part.modifiers,
                uses=part.uses,
                preparation=part.preparation or line.preparation,
            )
        except InvalidInput as error:
            faults += (Fault(f"parts[{index}].{one.path}", one.message) for one in error.faults)
        else:
            kit = KitOf(line_id, line.sku, line.name, units)
            found.append(Part(f"{line_id}.{index + 1}", single, kit))
    if faults:
        raise InvalidInput(faults)
    return found


def _leaves(parts: Sequence[KitPart], units: int, share: Fraction) -> Iterator[_Leaf]:
    """Return what a kit comes to in the end: kits in kits are taken apart too."""
    whole = sum(one.weight for one in parts)
    for one in parts:
        own = share * (Fraction(one.weight, whole) if whole else Fraction(1, len(parts)))
        if one.parts:
            yield from _leaves(one.parts, units * one.quantity, own)
        else:
            yield _Leaf(one, units * one.quantity, own)


def _shared(one: Adjustment, weights: Sequence[Fraction], index: int) -> Adjustment:
    """Return the part of a kit's adjustment that falls to one component."""
    return evolve(
        one,
        amount=_cut(one.amount, weights, index),
        limit=_cut(one.limit, weights, index),
        floor=_cut(one.floor, weights, index),
    )


def _taxed(one: TaxLine, weights: Sequence[Fraction], index: int) -> TaxLine:
    return evolve(one, amount=_cut(one.amount, weights, index))


def _cut(money: Money | None, weights: Sequence[Fraction], index: int) -> Money | None:
    if money is None:
        return None
    common = lcm(*(one.denominator for one in weights))
    whole = [int(one * common) for one in weights]
    return money.split(whole)[index]


# What became of them -------------------------------------------------------------------------


@final
class KitQuantities(NamedTuple):
    """How many of a kit there are; but for ``cancelled``, those of its scarcest component."""

    sku: str
    name: str
    ordered: int
    cancelled: int
    fulfilled: int
    delivered: int
    kept: int

    def scarcest(self, other: KitQuantities) -> KitQuantities:
        """Return what there is of the kit, by two of its components."""
        return KitQuantities(
            self.sku,
            self.name,
            min(self.ordered, other.ordered),
            max(self.cancelled, other.cancelled),
            min(self.fulfilled, other.fulfilled),
            min(self.delivered, other.delivered),
            min(self.kept, other.kept),
        )


def kits(order: Order) -> dict[str, KitQuantities]:
    """Return how many of each kit there are, by its id; there is one where all its units are."""
    counts = order.quantities()
    found: dict[str, KitQuantities] = {}
    for line in order.lines:
        if line.kit is not None:
            one, kit = counts[line.id], line.kit
            own = KitQuantities(
                kit.sku,
                kit.name,
                line.ordered // kit.per,
                -(-line.cancelled // kit.per),
                one.fulfilled // kit.per,
                one.delivered // kit.per,
                one.kept // kit.per,
            )
            known = found.get(kit.id)
            found[kit.id] = own if known is None else known.scarcest(own)
    return found


def kit_units(order: Order, kit_id: str, count: int = 1) -> dict[str, int]:
    """Return the units of each component in ``count`` of a kit: what commands take by line.

    Raises NotFound for a kit there is not.
    """
    found = {
        line.id: line.kit.per * count
        for line in order.lines
        if line.kit is not None and line.kit.id == kit_id
    }
    if not found:
        raise NotFound("kit", kit_id, order.id)
    return found
