"""What an order consists of: lines, charges, its policy, holds and exceptions."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple, cast, final, get_args

from attrs import Factory, field, frozen

from orderwright.errors import InvalidInput
from orderwright.money import Money, Rounding, UnitPrice
from orderwright.values import choice, identifier, instance, quantity, span, tags, text

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "RESERVED_KINDS",
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


def _requires(value: Iterable[str]) -> frozenset[str]:
    return tags(value, "requires") if value else frozenset()


def _blocks(value: Iterable[Blockable]) -> frozenset[Blockable]:
    found = tags(value, "blocks")
    for one in found:
        choice(one, Blockable, "blocks")
    return cast("frozenset[Blockable]", found)


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
    requires: frozenset[str] = field(default=frozenset(), converter=_requires)

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
        if instance(self.amount, Money, "amount").minor < 0:
            raise InvalidInput.at("amount", f"{self.amount} is negative")


@final
class Credit(NamedTuple):
    """``amount`` less is due for ``units`` of the line (or for the charge, 0 units) ``target``."""

    target: str
    units: int
    amount: Money


@final
class Reference(NamedTuple):
    """A name by which others know an order, such as a marketplace number.

    The kinds in :data:`RESERVED_KINDS` are for what providers and carriers report.
    """

    kind: str
    value: str


RESERVED_KINDS: frozenset[str] = frozenset({"payment", "tracking"})
"""The kinds of reference that providers and carriers give; a caller's own have other kinds."""


@final
@frozen(kw_only=True)
class Hold:
    """A named stop: ``blocks`` says what may not happen until it is released."""

    name: str
    blocks: frozenset[Blockable] = field(converter=_blocks)
    owner: str = ""
    reason: str = ""

    def __attrs_post_init__(self) -> None:
        """Refuse bad names, and a hold that stops nothing."""
        identifier(self.name, "name")
        text(self.owner, "owner")
        text(self.reason, "reason")
        if not self.blocks:
            raise InvalidInput.at("blocks", f"expected at least one of {get_args(Blockable)}")


@final
class OrderException(NamedTuple):
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


Capture = Literal["on_confirmation", "on_dispatch", "by_hand", "on_placement"]
PayBack = Literal["when_cancelled", "by_hand"]
Short = Literal["reject", "backorder"]
_CHOICES = {"capture": Capture, "refund": PayBack, "short": Short, "rounding": Rounding}


@final
@frozen(kw_only=True)
class Policy:
    """What the business decides, stored with each order so that old orders behave alike.

    ``capture``: take money once the order is confirmed, for each dispatch its share, by hand, or
    in one step as soon as the stock is reserved (``on_placement``).
    ``refund``: pay back by itself what a cancellation frees, or by hand.
    ``short``: what to do with units nobody has: refuse the order, or keep them backordered.
    ``require_cover``: confirm only once authorizations and captures cover what is due.
    ``unpaid_ttl``: an order without cover expires this long after it was placed (None: never).
    ``patience``: how long an outside call may take before it counts as unfinished business; longer
    than any adapter's time-out. ``attempts``: so many tries, then it is parked for a person.
    ``replans``: so often a plan is made anew when stock moved meanwhile. Spans of time are more
    than nothing and at most ten years (3,650 days).
    """

    capture: Capture = "on_dispatch"
    refund: PayBack = "when_cancelled"
    short: Short = "reject"
    require_cover: bool = True
    unpaid_ttl: timedelta | None = timedelta(hours=1)
    patience: timedelta = timedelta(minutes=1)
    attempts: int = 5
    replans: int = 3
    rounding: Rounding = "half_up"

    def __attrs_post_init__(self) -> None:
        """Refuse what would never end or never begin."""
        for name, among in _CHOICES.items():
            choice(getattr(self, name), among, name)
        instance(self.require_cover, bool, "require_cover")
        quantity(self.attempts, "attempts")
        quantity(self.replans, "replans", least=0)
        span(self.patience, "patience")
        if self.unpaid_ttl is not None:
            span(self.unpaid_ttl, "unpaid_ttl", ", or None for never")
