"""What an order consists of: lines, charges, its policy, holds and exceptions."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple, final

from attrs import Factory, field, frozen

from orderwright.errors import InvalidInput
from orderwright.money import Money, Rounding, UnitPrice
from orderwright.values import identifier, quantity, text

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "Blockable",
    "Charge",
    "Credit",
    "DraftLine",
    "Hold",
    "LineQuantities",
    "OrderException",
    "OrderLine",
    "Policy",
    "Reference",
]

Blockable = Literal["allocate", "capture", "fulfil", "refund"]
"""What a hold can stop."""


def _tags(value: Iterable[str]) -> frozenset[str]:
    return frozenset(value)


@final
@frozen(kw_only=True)
class DraftLine:
    """A line as the caller gives it: ``quantity`` units of ``sku`` at ``unit_price`` each.

    ``id`` names the line within its order (``l1``, ``l2`` … if left empty); ``requires`` are tags
    a location must offer to serve it; ``name`` is for people.
    """

    sku: str
    quantity: int
    unit_price: UnitPrice
    id: str = ""
    name: str = ""
    requires: frozenset[str] = field(default=frozenset(), converter=_tags)

    def __attrs_post_init__(self) -> None:
        """Refuse what no line can be."""
        identifier(self.sku, "sku")
        quantity(self.quantity, "quantity")
        text(self.name, "name")
        if self.id:
            identifier(self.id, "id")
        if type(self.unit_price) is not UnitPrice:
            raise InvalidInput.at(
                "unit_price",
                f"expected UnitPrice.of('12.50', 'EUR'), got {type(self.unit_price).__name__}",
            )


@final
@frozen(kw_only=True)
class OrderLine:
    """A line of a placed order.

    ``ordered`` units cost ``amount``. What was credited is gone from ``remaining_units`` and
    ``remaining``; ``cancelled`` units will not be served, ``backordered`` ones wait for stock.
    """

    id: str
    sku: str
    ordered: int
    unit_price: UnitPrice
    amount: Money
    name: str = ""
    requires: frozenset[str] = frozenset()
    cancelled: int = 0
    backordered: int = 0
    remaining_units: int = Factory(lambda self: self.ordered, takes_self=True)
    remaining: Money = Factory(lambda self: self.amount, takes_self=True)


@final
@frozen(kw_only=True)
class Charge:
    """Money due besides the goods: shipping, a fee, a tip; ``remaining`` is not credited yet."""

    kind: str
    amount: Money
    id: str = ""
    remaining: Money = Factory(lambda self: self.amount, takes_self=True)

    def __attrs_post_init__(self) -> None:
        """Refuse bad names and negative amounts."""
        identifier(self.kind, "kind")
        if self.id:
            identifier(self.id, "id")
        if self.amount.minor < 0:
            raise InvalidInput.at("amount", f"{self.amount} is negative")


@final
@frozen
class Credit:
    """``amount`` less is due for ``units`` of the line (or for the charge, 0 units) ``target``."""

    target: str
    units: int
    amount: Money


@final
@frozen
class Reference:
    """A name by which others know an order, such as a marketplace number."""

    kind: str
    value: str

    def __attrs_post_init__(self) -> None:
        """Refuse bad names."""
        identifier(self.kind, "kind")
        text(self.value, "value")


@final
@frozen(kw_only=True)
class Hold:
    """A named stop: ``blocks`` says what may not happen until it is released."""

    name: str
    blocks: frozenset[Blockable]
    owner: str = ""
    reason: str = ""


@final
@frozen
class OrderException:
    """Something that happened and contradicts the order; a person has to look at it."""

    code: str
    detail: str


class LineQuantities(NamedTuple):
    """Where the units of a line are. Always: ``ordered`` is the sum of the six after it."""

    ordered: int
    open: int
    reserved: int
    backordered: int
    in_fulfilment: int
    fulfilled: int
    cancelled: int
    delivered: int
    """Of the fulfilled units, those that have arrived."""


@final
@frozen(kw_only=True)
class Policy:
    """What the business decides, stored with each order so that old orders behave alike.

    ``capture``: take money once the order is confirmed, for each dispatch its share, or by hand.
    ``refund``: pay back by itself what a cancellation frees, or by hand.
    ``short``: what to do with units nobody has: refuse the order, or keep them backordered.
    ``require_cover``: confirm only once authorizations and captures cover what is due.
    ``unpaid_ttl``: an order without cover expires this long after it was placed (None: never).
    ``patience``: how long an outside call may take before it counts as unfinished business; longer
    than any adapter's time-out. ``attempts``: so many tries, then it is parked for a person.
    ``replans``: so often a plan is made anew when stock moved meanwhile.
    """

    capture: Literal["on_confirmation", "on_dispatch", "by_hand"] = "on_dispatch"
    refund: Literal["when_cancelled", "by_hand"] = "when_cancelled"
    short: Literal["reject", "backorder"] = "reject"
    require_cover: bool = True
    unpaid_ttl: timedelta | None = timedelta(hours=1)
    patience: timedelta = timedelta(minutes=1)
    attempts: int = 5
    replans: int = 3
    rounding: Rounding = "half_up"

    def __attrs_post_init__(self) -> None:
        """Refuse what would never end or never begin."""
        quantity(self.attempts, "attempts")
        quantity(self.replans, "replans", least=0)
        if self.patience <= timedelta(0):
            raise InvalidInput.at("patience", "expected more than no time")
        if self.unpaid_ttl is not None and self.unpaid_ttl <= timedelta(0):
            raise InvalidInput.at("unpaid_ttl", "expected more than no time, or None for never")
