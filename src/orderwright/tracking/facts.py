"""What one order's history tells the reports: plain values, made by :func:`.facts_of`.

A report never sees an order, only these facts; they are read, added up and dropped, so that a
million orders cost no more memory than one. Times are when something occurred in the world, and
where that is not known, when it was recorded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, final

if TYPE_CHECKING:
    from datetime import datetime

    from orderwright.lifecycles import State

__all__ = [
    "Booking",
    "LineFacts",
    "Loss",
    "LossKind",
    "OrderFacts",
    "Origin",
    "Sale",
    "Share",
    "Work",
]

Origin = Literal["order", "exchange", "replacement"]
"""How a line came about: ordered (at first or later), for a return, or for a claim."""

LossKind = Literal[
    "cancelled", "rejected", "expired", "returned", "claimed", "credited", "refunded"
]
"""What took something back: ``claimed`` units were lost, wrong or damaged, ``credited`` is a price
lowered for nothing in return, ``refunded`` is money that went back."""


@final
class Sale(NamedTuple):
    """A change of what is due: ``units`` and minor units more or (negative) less, at some time.

    ``kind`` is ``goods`` for a line, else what the charge is for; ``sku`` is empty for a charge.
    ``tax`` is what of ``gross`` is tax, on top or included.
    """

    at: datetime
    target: str
    kind: str
    sku: str
    units: int
    gross: int
    tax: int


@final
class LineFacts(NamedTuple):
    """Where the units of a line are in the end.

    ``short`` ones had to wait because nobody had them (or were rejected for that), ``given_up``
    ones were cancelled while they waited. ``served`` ones have left, ``arrived`` ones have also
    reached the customer. ``places`` are (location, units) of those that somebody serves.
    """

    id: str
    sku: str
    origin: Origin
    ordered: int
    cancelled: int
    short: int
    given_up: int
    served: int
    arrived: int
    places: tuple[tuple[str, int], ...]


@final
class Work(NamedTuple):
    """What one location worked on: a kitchen ticket of so many dishes, a shipment of units.

    ``made_at`` is when it was ready, and where nobody said so, when it was served, left or was
    given up; None while it is being made. ``due_at`` is when it was to be ready: the longest
    preparation of its lines after it began, or what the plan promised.
    """

    kind: str
    location: str
    units: int
    started_at: datetime
    made_at: datetime | None
    due_at: datetime | None


@final
class Loss(NamedTuple):
    """``units`` and minor units taken back, and why."""

    kind: LossKind
    reason: str
    units: int
    minor: int


@final
class Share(NamedTuple):
    """``units`` of the ingredient ``used``, from ``larder``, went into dishes ``sku``.

    ``location`` is where these are made.
    """

    used: str
    larder: str
    sku: str
    location: str
    units: int


@final
class Booking(NamedTuple):
    """A posting by which the ledger moved goods of the order: out, back, or into its dishes."""

    posting_id: str
    shares: tuple[Share, ...]


@final
class OrderFacts(NamedTuple):
    """All that reports need to know of one order.

    ``placed_at`` is None for a draft. The times of the stages are when each was first reached:
    confirmed, work begun, anything left; ``arrived_at`` is when the last of what was ordered
    arrived, None before all that is to come has; ``reopened_at`` when a completed order was last
    taken up again; ``dropped_at`` when it was given up as a whole. ``promised_at`` is what the
    customer was told first, or wanted, or what the first plan said. ``astray`` units left and will
    not arrive. ``remade`` counts what was served and then made again. ``captured`` and ``refunded``
    are in minor units.
    """

    order_id: str
    channel: str
    service: str
    currency: str
    state: State
    placed_at: datetime | None
    confirmed_at: datetime | None
    begun_at: datetime | None
    left_at: datetime | None
    arrived_at: datetime | None
    completed_at: datetime | None
    reopened_at: datetime | None
    dropped_at: datetime | None
    promised_at: datetime | None
    lines: tuple[LineFacts, ...]
    sales: tuple[Sale, ...]
    losses: tuple[Loss, ...]
    work: tuple[Work, ...]
    bookings: tuple[Booking, ...]
    exceptions: tuple[str, ...]
    astray: int
    remade: int
    captured: int
    refunded: int

    @property
    def in_full(self) -> bool:
        """Whether all that was ordered, and not given up by choice, has arrived."""
        return (
            self.arrived_at is not None
            and not self.astray
            and not any(line.given_up for line in self.lines)
        )
