"""One unit of work at one location: a shipment, a pickup, a kitchen ticket."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple, final

from attrs import frozen

from orderwright.lifecycles import Phase, State
from orderwright.values import copied

__all__ = ["Booked", "Fulfillment", "FulfillmentItem", "Ingredients", "Scan", "ScanStatus"]

Booked = Literal["none", "held", "left", "freed"]
"""What the ledger has booked for a fulfillment."""

Ingredients = Literal["none", "wanted", "used"]
"""Whether making it uses anything up, and whether that is booked."""

ScanStatus = Literal[
    "handed_over",
    "in_transit",
    "out_for_delivery",
    "delivered",
    "not_delivered",
    "returned",
    "lost",
]
"""What a carrier or courier can say of a parcel."""


@final
class Scan(NamedTuple):
    """What a carrier last said of a parcel: at what time (aware), where, when it is expected."""

    status: ScanStatus
    at: datetime
    place: str = ""
    expected_at: datetime | None = None


@final
class FulfillmentItem(NamedTuple):
    """``quantity`` units of an order line, of a ``lot`` where lots are tracked.

    ``held_as`` is the fulfillment under whose name they were reserved, where that was another one.
    """

    line_id: str
    sku: str
    quantity: int
    lot: str = ""
    held_as: str = ""

    def some(self, quantity: int) -> FulfillmentItem:
        """Return ``quantity`` units of the same."""
        return FulfillmentItem(self.line_id, self.sku, quantity, self.lot, self.held_as)

    def held(self, name: str) -> FulfillmentItem:
        """Return the same units, reserved under ``name`` unless they say another."""
        if self.held_as:
            return self
        return FulfillmentItem(self.line_id, self.sku, self.quantity, self.lot, name)


@final
@frozen(kw_only=True, slots=False)  # to be copied fast: most events change one
class Fulfillment:
    """What one location does for an order, and how far it has come.

    ``stock`` is what the ledger has booked for it: nothing yet, ``held`` under a reservation per
    item, ``left`` for the customer, or ``freed`` again. ``lapses_at`` is when the reservations
    lapse, None for never. ``arrived_at`` is when it reached the customer, once it has.
    ``stopping`` are the units (line id, units) whose work somebody asked to stop. ``ended`` is the
    step by which it came to nothing, other than by a cancellation: refuse, run_short, remake, lose,
    return_to_sender, or one of your own.

    ``since`` is when it came into its state, ``started_at`` when work on it began, ``promised_at``
    when it is to be with the customer by the plan, ``scan`` what a carrier last said. What its
    ``ingredients`` are is taken from the location ``larder``, once work on it begins.
    """

    id: str
    location: str
    items: tuple[FulfillmentItem, ...]
    state: State
    kind: str = "shipment"
    stock: Booked = "none"
    lapses_at: datetime | None = None
    carrier: str = ""
    tracking: str = ""
    arrived_at: datetime | None = None
    stopping: tuple[tuple[str, int], ...] = ()
    ended: str = ""
    since: datetime | None = None
    started_at: datetime | None = None
    promised_at: datetime | None = None
    scan: Scan | None = None
    ingredients: Ingredients = "none"
    larder: str = ""

    def moved(self, state: State, at: datetime) -> Fulfillment:
        """Return it in another ``state`` since ``at``; work may have begun with that."""
        begun = state.phase not in (Phase.PLANNED, Phase.WAITING, Phase.DROPPED)
        started_at = at if begun and self.started_at is None else self.started_at
        return copied(self, state=state, since=at, started_at=started_at)

    @property
    def units(self) -> dict[str, int]:
        """Units by line id, of whatever lots."""
        found: dict[str, int] = {}
        for item in self.items:
            found[item.line_id] = found.get(item.line_id, 0) + item.quantity
        return found

    @property
    def gone(self) -> bool:
        """Whether its units have left our walls."""
        return self.state.phase in (Phase.OUT, Phase.DONE)

    @property
    def astray(self) -> bool:
        """Whether it has left our walls and will not arrive."""
        return self.gone and bool(self.ended)

    @property
    def live(self) -> bool:
        """Whether it was not given up."""
        return self.state.phase is not Phase.DROPPED
