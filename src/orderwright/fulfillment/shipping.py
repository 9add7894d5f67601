"""What is asked of a carrier, and what it answers: parcels, quotes and labels.

None of it says who sends or gets a parcel: a shipment names the location it leaves from and the
contact record it goes to, so that nothing personal is kept in an order or its history.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple, final

from attrs import frozen

from orderwright.errors import InvalidInput
from orderwright.money import Money
from orderwright.values import aware, choice, instance, quantity, text

__all__ = ["Label", "LabelAnswer", "LabelOutcome", "LabelRequest", "Parcel", "Rate", "Shipment"]

LabelAnswer = Literal["succeeded", "refused", "pending", "unknown"]
"""A carrier's answer: done; no, for a reason; not decided yet; no answer came."""


@final
@frozen(kw_only=True)
class Parcel:
    """What a carrier weighs and measures; a measure that is 0 is not known."""

    weight_grams: int
    length_mm: int = 0
    width_mm: int = 0
    height_mm: int = 0

    def __attrs_post_init__(self) -> None:
        """Refuse what is no whole number of grams or millimetres."""
        quantity(self.weight_grams, "weight_grams")
        for name in ("length_mm", "width_mm", "height_mm"):
            quantity(getattr(self, name), name, least=0)


@final
class Shipment(NamedTuple):
    """What is to be carried: ``units`` (line id, units) of a fulfillment, in ``parcels``.

    It leaves from ``location`` and goes to whoever is kept under ``contact_id``.
    """

    order_id: str
    fulfillment_id: str
    location: str
    contact_id: str
    units: tuple[tuple[str, int], ...]
    parcels: tuple[Parcel, ...]


@final
@frozen(kw_only=True)
class Rate:
    """A quote: what ``carrier`` asks for ``service``, and by when (aware) it promises to deliver.

    ``service`` is what to book it by, ``name`` what people call it. ``cost`` is exact, all in.
    """

    service: str
    carrier: str
    cost: Money
    delivers_by: datetime | None = None
    name: str = ""

    def __attrs_post_init__(self) -> None:
        """Refuse what is no text, no money or no time, and negative costs."""
        for field in ("service", "carrier", "name"):
            text(getattr(self, field), field)
        _require_cost(self.cost)
        if self.delivers_by is not None:
            aware(self.delivers_by, "delivers_by")


def _require_cost(cost: object) -> None:
    if instance(cost, Money, "cost").minor < 0:
        raise InvalidInput.at("cost", f"{cost} is negative")


@final
@frozen(kw_only=True)
class LabelRequest:
    """The whole of what a carrier is asked to do; sent again, it is this byte for byte.

    ``id`` is derived (``order/fulfillment/label-n``, ``cancel-n``) and is the idempotency key. What
    is given back names the id under which it was booked (``booking``), and the carrier's own names
    for it: ``tracking`` and ``reference``.
    """

    id: str
    kind: Literal["book", "cancel"]
    shipment: Shipment
    service: str
    booking: str = ""
    tracking: str = ""
    reference: str = ""


@final
@frozen(kw_only=True)
class LabelOutcome:
    """What a carrier answered.

    A label that was sold has the number it travels under (``tracking``, empty for a service without
    one), the ``carrier`` that takes it, and the ``cost``, where that is told at once. ``document``
    names what to print (an address to fetch it from, a key in a store of yours), not the label
    itself, which bears an address; ``reference`` is the carrier's id of it, ``reason`` a text for
    people, without personal data.
    """

    outcome: LabelAnswer
    carrier: str = ""
    tracking: str = ""
    reference: str = ""
    document: str = ""
    cost: Money | None = None
    reason: str = ""

    def __attrs_post_init__(self) -> None:
        """Refuse what is no answer, no text or no money, and negative costs."""
        choice(self.outcome, LabelAnswer, "outcome")
        for field in ("carrier", "tracking", "reference", "document", "reason"):
            text(getattr(self, field), field)
        if self.cost is not None:
            _require_cost(self.cost)


@final
class Label(NamedTuple):
    """A label that was asked of a carrier: bought under ``id``, or ``refused`` for a reason.

    ``kept`` is why the carrier did not take it back, where it was to be given back.
    """

    id: str
    shipment: Shipment
    service: str
    carrier: str = ""
    tracking: str = ""
    reference: str = ""
    document: str = ""
    cost: Money | None = None
    refused: str = ""
    kept: str = ""

    def __str__(self) -> str:
        """Return the carrier and the number, as people name it."""
        return f"{self.carrier} {self.tracking or self.reference or self.id}".lstrip()

    @property
    def valid(self) -> bool:
        """Whether something may leave under it: it was bought, and nobody tried to return it."""
        return not (self.refused or self.kept)
