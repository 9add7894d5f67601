"""Wishes about a dish: no onions, extra cheese; what they cost, and what they use up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, cast, final

from orderwright.errors import InvalidInput
from orderwright.money import UnitPrice
from orderwright.values import MAX_QUANTITY, each, identifier, instance, quantity, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["Modifier", "Uses", "check_all", "modified_price", "modified_uses", "told", "uses_of"]

Uses = tuple[tuple[str, int], ...]
"""What one unit uses up when it is made: pairs of an ingredient's SKU and its units."""

_DEEPEST = 10


@final
class Modifier(NamedTuple):
    """A wish about every unit of a line: ``quantity`` times ``name``, as in two extra shots.

    ``price`` is what one costs on top, for each unit of the line (None: nothing). ``uses`` is what
    one uses up more or, negative, less than the dish without it: ``(("ONION", -20),)``. A wish may
    have ``modifiers`` of its own: salad, with the dressing apart.
    """

    name: str
    price: UnitPrice | None = None
    quantity: int = 1
    uses: Uses = ()
    modifiers: tuple[Modifier, ...] = ()

    def check(self, path: str, depth: int = 1) -> None:
        """Raise InvalidInput for what no wish can be, here or deeper."""
        if not text(self.name, f"{path}.name") or not self.name.isprintable():
            raise InvalidInput.at(f"{path}.name", "say in a line of text what is wished for")
        if self.price is not None:
            instance(self.price, UnitPrice, f"{path}.price")
        quantity(self.quantity, f"{path}.quantity")
        for sku, units in _pairs(self.uses, f"{path}.uses"):
            identifier(sku, f"{path}.uses")
            quantity(abs(units) if type(units) is int else units, f"{path}.uses[{sku}]")
        check_all(self.modifiers, f"{path}.modifiers", depth + 1)


def check_all(values: object, path: str, depth: int = 1) -> tuple[Modifier, ...]:
    """Return ``values`` if they are modifiers that can be; raise InvalidInput."""
    if depth > _DEEPEST:
        raise InvalidInput.at(path, f"wishes about wishes more than {_DEEPEST} deep")
    found = each(values, Modifier, path)
    for index, one in enumerate(found):
        one.check(f"{path}[{index}]", depth)
    return found


def _pairs(values: object, path: str) -> Iterator[tuple[object, object]]:
    given = cast("tuple[tuple[object, ...], ...]", each(values, tuple, path))
    for index, pair in enumerate(given):
        if len(pair) != 2:  # noqa: PLR2004 - a pair
            raise InvalidInput.at(f"{path}[{index}]", "expected a SKU and its units")
        yield pair[0], pair[1]


def uses_of(values: Mapping[str, int] | Sequence[tuple[str, int]]) -> Uses:
    """Return what a unit uses up, by SKU; raise InvalidInput for what is no recipe."""
    if not values:
        return ()
    pairs = tuple(values.items()) if isinstance(values, Mapping) else values
    found: dict[str, int] = {}
    for name, units in _pairs(pairs, "uses"):
        sku = identifier(name, "uses")
        if sku in found:
            raise InvalidInput.at(f"uses[{sku}]", "is named twice")
        found[sku] = quantity(units, f"uses[{sku}]")
    return tuple(sorted(found.items()))


def _flat(modifiers: Iterable[Modifier], times: int = 1) -> Iterator[tuple[Modifier, int]]:
    """Return each wish, with those about it, and how many times it is meant in all."""
    for one in modifiers:
        yield one, times * one.quantity
        yield from _flat(one.modifiers, times * one.quantity)


def modified_price(price: UnitPrice, modifiers: Iterable[Modifier]) -> UnitPrice:
    """Return what a unit costs with its modifiers, exactly.

    Raises InvalidInput for one priced in another currency.
    """
    for one, times in _flat(modifiers):
        if one.price is not None:
            if one.price.currency != price.currency:
                wrong = f"{one.name} costs {one.price}: the line is in {price.currency}"
                raise InvalidInput.at("modifiers", wrong)
            price += one.price * times
    return price


def modified_uses(uses: Uses, modifiers: Iterable[Modifier]) -> Uses:
    """Return what a unit uses up with its modifiers.

    Raises InvalidInput where one leaves out more than there is in it.
    """
    found = dict(uses)
    for one, times in _flat(modifiers):
        for sku, units in one.uses:
            left = found[sku] = found.get(sku, 0) + units * times
            if not 0 <= left <= MAX_QUANTITY:
                wrong = f"{one.name} changes {sku} by {units * times}, which leaves {left}"
                raise InvalidInput.at("modifiers", wrong)
    return tuple(sorted((sku, units) for sku, units in found.items() if units))


def told(modifiers: Iterable[Modifier]) -> str:
    """Return the wishes in words, as a ticket has them: ``no onions, 2 x shot (decaf)``."""
    return ", ".join(
        (f"{one.quantity} x " if one.quantity > 1 else "")
        + one.name
        + (f" ({told(one.modifiers)})" if one.modifiers else "")
        for one in modifiers
    )
