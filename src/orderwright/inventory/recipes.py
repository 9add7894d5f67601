"""What kits and dishes are made of, to the last component, and how many there can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orderwright.errors import InvalidInput
from orderwright.values import MAX_QUANTITY, identifier, quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["can_make", "components"]


def components(
    demand: Mapping[str, int], recipes: Mapping[str, Mapping[str, int]]
) -> dict[str, int]:
    """Return the units of SKUs that are made of nothing else, which ``demand`` comes to.

    ``recipes`` say what goes into one unit of each SKU that is made of others: units by SKU. Raises
    InvalidInput for a SKU that is part of itself, naming the circle, and for quantities nobody
    could count.
    """
    wanted = {
        identifier(sku, "sku"): quantity(units, f"demand[{sku}]", least=0)
        for sku, units in demand.items()
    }
    for sku in _whole_first(wanted, recipes):
        if sku in recipes:
            units = wanted.pop(sku)
            for part, each in recipes[sku].items():
                wanted[part] = wanted.get(part, 0) + units * each
        elif wanted[sku] > MAX_QUANTITY:
            raise InvalidInput.at(f"demand[{sku}]", f"more than {MAX_QUANTITY} units in all")
    return wanted


def _whole_first(skus: Iterable[str], recipes: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    """Return SKUs and all they are made of, each after everything that it is part of."""
    done: dict[str, None] = {}
    for sku in skus:
        inside: dict[str, Iterator[str]] = {} if sku in done else {sku: iter(_parts(sku, recipes))}
        while inside:
            name, parts = next(reversed(inside.items()))
            part = next(parts, None)
            if part is None:
                del inside[name]
                done[name] = None
            elif part in inside:
                way = list(inside)
                circle = " of ".join((*way[way.index(part) :], part))
                raise InvalidInput.at(f"recipes[{part}]", f"is part of itself: {circle}")
            elif part not in done:
                inside[part] = iter(_parts(part, recipes))
    return reversed(done)


def _parts(sku: str, recipes: Mapping[str, Mapping[str, int]]) -> Mapping[str, int]:
    recipe = recipes.get(sku)
    if recipe is None:
        return {}
    if not recipe:
        raise InvalidInput.at(f"recipes[{sku}]", "is made of nothing: leave it out")
    for part, each in recipe.items():
        quantity(each, f"recipes[{sku}][{part}]")
    return recipe


def can_make(
    sku: str, available: Mapping[str, int], recipes: Mapping[str, Mapping[str, int]]
) -> int:
    """Return how many of ``sku`` there are or can be made: as many as of its scarcest component.

    Of a SKU that is made, only what its components come to counts. For several at once ask whether
    :func:`components` of all of them are there: components may be shared.
    """
    needs = components({sku: 1}, recipes)
    return min(max(0, available.get(part, 0)) // each for part, each in needs.items())
