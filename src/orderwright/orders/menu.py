"""A menu: dishes as a kitchen knows them, from which orders get their lines."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, cast, final

from attrs import field, frozen

from orderwright.errors import InvalidInput, NotFound
from orderwright.inventory.postings import Posting
from orderwright.money import UnitPrice
from orderwright.orders.amounts import TaxLine
from orderwright.orders.lines import NO_TIME, DraftLine
from orderwright.orders.modifiers import Modifier, Uses, uses_of
from orderwright.values import each, identifier, several, tags

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from orderwright.inventory.ledger import Stock

__all__ = ["Dish", "Menu"]


def _uses(values: Mapping[str, int] | Sequence[tuple[str, int]]) -> Uses:
    return uses_of(values)


def _requires(values: Iterable[str]) -> frozenset[str]:
    return tags(values, "requires")


def _taxes(values: Iterable[TaxLine]) -> tuple[TaxLine, ...]:
    return cast("tuple[TaxLine, ...]", several(values, "taxes"))


def _others(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(identifier(one, "substitutes") for one in several(values, "substitutes"))


@final
@frozen(kw_only=True)
class Dish:
    """A dish: what a line of it is, and what may be offered instead of it.

    The fields are those of :class:`.DraftLine`; ``substitutes`` are SKUs, the best first. Raises
    InvalidInput for what no line could be.
    """

    sku: str
    name: str
    price: UnitPrice
    requires: frozenset[str] = field(default=frozenset(), converter=_requires)
    uses: Uses = field(default=(), converter=_uses)
    preparation: timedelta = NO_TIME
    course: int = 0
    taxes: tuple[TaxLine, ...] = field(default=(), converter=_taxes)
    substitutes: tuple[str, ...] = field(default=(), converter=_others)

    def __attrs_post_init__(self) -> None:
        """Refuse what could not be ordered."""
        self.line()

    def line(
        self,
        quantity: int = 1,
        *,
        modifiers: Sequence[Modifier] = (),
        seat: str = "",
        course: int | None = None,
    ) -> DraftLine:
        """Return the line of an order by which a guest has it; ``course`` where not its own."""
        return DraftLine(
            sku=self.sku,
            quantity=quantity,
            unit_price=self.price,
            name=self.name,
            requires=self.requires,
            taxes=self.taxes,
            modifiers=modifiers,
            course=self.course if course is None else course,
            seat=seat,
            uses=self.uses,
            preparation=self.preparation,
        )


@final
class Menu:
    """Dishes by SKU, where they are made, and which can be had instead of others.

    >>> soup = Dish(sku="SOUP", name="Soup", price=UnitPrice.of("6.50", "EUR"))
    >>> Menu([soup])["SOUP"].line(2).quantity
    2

    Raises InvalidInput for two dishes of one SKU.
    """

    def __init__(self, dishes: Iterable[Dish]) -> None:
        found = each(several(dishes, "dishes"), Dish, "dishes")
        self.dishes: dict[str, Dish] = {one.sku: one for one in found}
        if len(self.dishes) < len(found):
            raise InvalidInput.at("dishes", "two of them have the same SKU")

    def __getitem__(self, sku: str) -> Dish:
        """Return that dish; raise NotFound."""
        found = self.dishes.get(sku)
        if found is None:
            raise NotFound("dish", sku)
        return found

    def offer(
        self, offer_id: str, location: str, portions: Mapping[str, int], *, at: datetime
    ) -> Posting:
        """Return the posting by which ``portions`` (by SKU) of dishes are on offer at a location.

        What nobody counts gets as many as nobody could eat. Raises NotFound for another SKU.
        """
        made = [(self[sku].sku, count) for sku, count in portions.items()]
        return Posting.make(offer_id, location, made=made, at=at, reason="on offer")

    def instead_of(self, sku: str, stocks: Iterable[Stock]) -> tuple[Dish, ...]:
        """Return the substitutes of a dish that can be had, by what ``stocks`` say, best first."""
        there = {one.sku for one in stocks if one.promisable > 0}
        return tuple(self[one] for one in self[sku].substitutes if one in there)
