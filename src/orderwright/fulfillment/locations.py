"""Where orders can be served from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from attrs import field, frozen

from orderwright.fulfillment.promising import Calendar, Promise, promise
from orderwright.values import MAX_QUANTITY, identifier, instance, quantity, tags

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

__all__ = ["Location", "Tie"]

Tie = Literal["priority", "distance", "load", "promise"]
"""What decides between plans of one cost: a figure of locations, or the days until arrival."""


def _offers(value: Iterable[str]) -> frozenset[str]:
    return tags(value, "offers")


@final
@frozen(kw_only=True)
class Location:
    """A warehouse, store or kitchen station.

    ``offers`` are tags (frozen, grill, hazmat …): it serves a line whose ``requires`` it offers
    all of. ``cost`` is what one fulfillment there costs, in any one whole unit you like (cents,
    minutes); lower wins. ``priority``, of any sign, breaks ties; lower first; so do ``distance``
    and ``load``, in whole units of your own, where the tie-breakers name them.

    ``capacity`` is how many units it can still take, ``slots`` how many fulfillments (None: any
    number). ``calendar`` says when what is ordered leaves it, ``transit_days`` how long that takes
    to arrive, on the days of ``delivers`` (left out: those of ``calendar``). ``makes`` is the kind
    of fulfillment it makes (a kitchen station: ``ticket``), whatever the order's service, and
    ``larder`` the location whose stock it cooks with (left out: its own).
    """

    id: str
    offers: frozenset[str] = field(default=frozenset(), converter=_offers)
    cost: int = 0
    priority: int = 0
    distance: int = 0
    load: int = 0
    capacity: int | None = None
    slots: int | None = None
    calendar: Calendar | None = None
    transit_days: int = 0
    delivers: Calendar | None = None
    makes: str = ""
    larder: str = ""

    def __attrs_post_init__(self) -> None:
        """Refuse bad ids, negative figures, and what is no calendar."""
        identifier(self.id, "id")
        quantity(self.priority, "priority", least=-MAX_QUANTITY)
        for name in ("cost", "distance", "load", "transit_days"):
            quantity(getattr(self, name), name, least=0)
        for name in ("capacity", "slots"):
            if getattr(self, name) is not None:
                quantity(getattr(self, name), name, least=0)
        for name in ("calendar", "delivers"):
            if getattr(self, name) is not None:
                instance(getattr(self, name), Calendar, name)
        for name in ("makes", "larder"):
            if getattr(self, name):
                identifier(getattr(self, name), name)

    def promise(self, at: datetime) -> Promise | None:
        """Return when what is ordered ``at`` (aware) leaves here and arrives; None if not known."""
        if self.calendar is None:
            return None
        return promise(at, self.calendar, transit_days=self.transit_days, delivers=self.delivers)
