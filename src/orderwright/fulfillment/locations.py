"""Where orders can be served from."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from attrs import field, frozen

from orderwright.values import identifier, instance, quantity, tags

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Location"]


def _offers(value: Iterable[str]) -> frozenset[str]:
    return tags(value, "offers")


@final
@frozen(kw_only=True)
class Location:
    """A warehouse, store or kitchen station.

    ``offers`` are tags (frozen, grill, hazmat …): it serves a line whose ``requires`` it offers
    all of. ``cost`` is what one fulfillment there costs, in any one whole unit you like (cents,
    minutes); lower wins. ``priority``, of any sign, breaks ties; lower first.
    """

    id: str
    offers: frozenset[str] = field(default=frozenset(), converter=_offers)
    cost: int = 0
    priority: int = 0

    def __attrs_post_init__(self) -> None:
        """Refuse bad ids, negative costs and priorities that are no numbers."""
        identifier(self.id, "id")
        quantity(self.cost, "cost", least=0)
        instance(self.priority, int, "priority")
