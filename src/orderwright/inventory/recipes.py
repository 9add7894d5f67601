"""What kits and dishes are made of, to the last component, and how many there can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orderwright.errors import InvalidInput
from orderwright.values import MAX_QUANTITY, identifier, quantity

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["can_make", "components"]


def components(
    demand: Mapping[str, int], recipes: Mapping[str, Mapping[str, int]]
) -> dict[str, int]:
    """Return the units of SKUs that are made of nothing else, which ``demand`` comes to.

    ``recipes`` say what goes into one unit of each SKU that is made of others: units by SKU. Raises
    InvalidInput for a SKU that is part of itself, naming the circle, and for quantities nobody
    could count.
    """
    found: dict[str, int] = {}
    for sku, units in demand.items():
        _add(identifier(sku, "sku"), quantity(units, f"demand[{sku}]", least=0), recipes, found, ())
    return found


def _add(
    sku: str,
    units: int,
    recipes: Mapping[str, Mapping[str, int]],
    found: dict[str, int],
    inside: tuple[str, ...],
) -> None:
    if sku in inside:
        circle = " of ".join((*inside[inside.index(sku) :], sku))
        raise InvalidInput.at(f"recipes[{sku}]", f"is part of itself: {circle}")
    recipe = recipes.get(sku)
    if recipe is None:
        found[sku] = found.get(sku, 0) + units
        if found[sku] > MAX_QUANTITY:
            raise InvalidInput.at(f"demand[{sku}]", f"more than {MAX_QUANTITY} units in all")
        return
    if not recipe:
        raise InvalidInput.at(f"recipes[{sku}]", "is made of nothing: leave it out")
    for part, each in recipe.items():
        count = quantity(each, f"recipes[{sku}][{part}]")
        _add(part, units * count, recipes, found, (*inside, sku))


def can_make(
    sku: str, available: Mapping[str, int], recipes: Mapping[str, Mapping[str, int]]
) -> int:
    """Return how many of ``sku`` there are or can be made: as many as of its scarcest component.

    Of a SKU that is made, only what its components come to counts. For several at once ask whether
    :func:`components` of all of them are there: components may be shared.
    """
    needs = components({sku: 1}, recipes)
    return min(max(0, available.get(part, 0)) // each for part, each in needs.items())
