"""What an order consists of: lines, charges, its policy, holds and exceptions."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, NamedTuple, cast, final, get_args

from attrs import Factory, field, frozen

from orderwright.errors import InvalidInput
from orderwright.fulfillment.locations import Tie
from orderwright.money import Money, Rounding, UnitPrice, decimal
from orderwright.orders.amounts import Adjustment, Component, Priced, TaxLine, priced
from orderwright.orders.modifiers import (
    Modifier,
    Uses,
    check_all,
    modified_price,
    modified_uses,
    uses_of,
)
from orderwright.values import (
    MAX_QUANTITY,
    choice,
    each,
    identifier,
    in_utc,
    instance,
    quantity,
    several,
    span,
    tags,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = [
    "RESERVED_KINDS",
    "AddAdjustment",
    "AddCharge",
    "AddLine",
    "AfterHold",
    "Blockable",
    "Change",
    "ChangeLine",
    "Charge",
    "Credit",
    "DraftLine",
    "Exchange",
    "Hold",
    "KitOf",
    "KitPart",
    "LineQuantities",
    "OrderException",
    "OrderLine",
    "Policy",
    "Reference",
]

Blockable = Literal["allocate", "capture", "fulfil", "refund"]
"""What a hold can stop."""


AfterHold = Literal["release", "escalate", "cancel"]
"""What follows when a hold runs out."""


def _requires(value: Iterable[str]) -> frozenset[str]:
    return tags(value, "requires") if value else frozenset()


def _blocks(value: Iterable[Blockable]) -> frozenset[Blockable]:
    found = tags(value, "blocks")
    for one in found:
        choice(one, Blockable, "blocks")
    return cast("frozenset[Blockable]", found)


def _names(value: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(tags(value, "fulfillments"))) if value else ()


def _until(value: datetime | None) -> datetime | None:
    return None if value is None else in_utc(value, "until")


def _adjustments(values: Sequence[Adjustment]) -> tuple[Adjustment, ...]:
    return each(values, Adjustment, "adjustments") if values else ()


def _taxes(values: Sequence[TaxLine]) -> tuple[TaxLine, ...]:
    return each(values, TaxLine, "taxes") if values else ()


def _new_taxes(values: Sequence[TaxLine] | None) -> tuple[TaxLine, ...] | None:
    return None if values is None else _taxes(values)


NO_TIME = timedelta(0)


def _takes(value: object, path: str) -> timedelta:
    found = instance(value, timedelta, path)
    if found:
        span(found, path, ", or none at all")
    return found


def _modifiers(values: Sequence[Modifier]) -> tuple[Modifier, ...]:
    return check_all(values, "modifiers") if values else ()


@final
class KitPart(NamedTuple):
    """A component of a kit: ``quantity`` units of ``sku`` go into one.

    ``weight`` is its share of the price, in proportion to its sisters' (all 0: equal shares).
    ``taxes`` are its own, where they are not those of the kit. With ``parts`` it is a kit itself,
    and only these are served. ``course``, ``modifiers``, ``uses`` and ``preparation`` are as on a
    line; without a course it comes with that of the kit.
    """

    sku: str
    quantity: int = 1
    weight: int = 1
    name: str = ""
    requires: frozenset[str] = frozenset()
    taxes: tuple[TaxLine, ...] = ()
    parts: tuple[KitPart, ...] = ()
    course: int = 0
    modifiers: tuple[Modifier, ...] = ()
    uses: Uses = ()
    preparation: timedelta = NO_TIME

    def check(self, path: str, depth: int = 1) -> None:
        """Raise InvalidInput for what no component can be, here or deeper."""
        identifier(self.sku, f"{path}.sku")
        quantity(self.quantity, f"{path}.quantity")
        quantity(self.weight, f"{path}.weight", least=0)
        text(self.name, f"{path}.name")
        tags(self.requires, f"{path}.requires")
        each(self.taxes, TaxLine, f"{path}.taxes")
        quantity(self.course, f"{path}.course", least=0)
        check_all(self.modifiers, f"{path}.modifiers")
        uses_of(self.uses)
        _takes(self.preparation, f"{path}.preparation")
        _check_parts(self.parts, f"{path}.parts", depth)


def _check_parts(parts: object, path: str, depth: int) -> None:
    if depth > _DEEPEST:
        raise InvalidInput.at(path, f"kits in kits more than {_DEEPEST} deep")
    for index, one in enumerate(each(parts, KitPart, path)):
        one.check(f"{path}[{index}]", depth + 1)


_DEEPEST = 10


def _uses(values: Mapping[str, int] | Sequence[tuple[str, int]]) -> Uses:
    return uses_of(values)


def _parts(values: Sequence[KitPart]) -> tuple[KitPart, ...]:
    if not values:
        return ()
    _check_parts(values, "parts", 1)
    return tuple(values)


class KitOf(NamedTuple):
    """The kit a line is a component of: ``per`` of its units are in one ``sku``."""

    id: str
    sku: str
    name: str
    per: int


@final
@frozen(kw_only=True)
class DraftLine:
    """A line as the caller gives it: ``quantity`` units of ``sku`` at ``unit_price`` each.

    ``id`` names the line within its order (``l1``, ``l2`` … if left empty); ``requires`` are tags
    a location must offer to serve it; lines that say the same word ``together`` come whole from one
    location, or wait (a word of its own keeps a line from being split); ``name`` is for people.
    ``adjustments`` change the price one after the other, ``taxes`` are due on what they leave. A
    line with ``parts`` is a kit: it becomes a line for each of them (``l1.1``, ``l1.2`` …), which
    share its price to the cent.

    For what is cooked: ``modifiers`` are wishes about each unit, priced on top; dishes of one
    ``course`` are fired together, the lower courses first; ``seat`` is whose it is; ``uses`` is
    what one unit uses up when it is fired, before its modifiers change that (units by SKU);
    ``preparation`` is how long making it takes.
    """

    sku: str
    quantity: int
    unit_price: UnitPrice
    id: str = ""
    name: str = ""
    requires: frozenset[str] = field(default=frozenset(), converter=_requires)
    adjustments: tuple[Adjustment, ...] = field(default=(), converter=_adjustments)
    taxes: tuple[TaxLine, ...] = field(default=(), converter=_taxes)
    parts: tuple[KitPart, ...] = field(default=(), converter=_parts)
    together: str = ""
    modifiers: tuple[Modifier, ...] = field(default=(), converter=_modifiers)
    course: int = 0
    seat: str = ""
    uses: Uses = field(default=(), converter=_uses)
    preparation: timedelta = NO_TIME

    @property
    def price(self) -> UnitPrice:
        """What a unit costs with its modifiers."""
        return modified_price(self.unit_price, self.modifiers)

    @property
    def needs(self) -> Uses:
        """What a unit uses up with its modifiers."""
        return modified_uses(self.uses, self.modifiers)

    def __attrs_post_init__(self) -> None:
        """Refuse what no line can be."""
        identifier(self.sku, "sku")
        quantity(self.quantity, "quantity")
        text(self.name, "name")
        if self.id != "":
            identifier(self.id, "id")
        if self.together != "":
            identifier(self.together, "together")
        if type(self.unit_price) is not UnitPrice:
            raise InvalidInput.at(
                "unit_price",
                f"expected UnitPrice.of('12.50', 'EUR'), got {type(self.unit_price).__name__}",
            )
        quantity(self.course, "course", least=0)
        if self.seat != "":
            identifier(self.seat, "seat")
        _takes(self.preparation, "preparation")
        if self.parts and (self.modifiers or self.uses):
            wrong = "are for what is made: say them of the parts of the kit"
            raise InvalidInput.at("modifiers" if self.modifiers else "uses", wrong)
        if self.modifiers:
            _ = self.price, self.needs  # refuses other currencies, and less than nothing


@final
@frozen(kw_only=True, slots=False)
class OrderLine(Priced):
    """A line of a placed order.

    ``ordered`` units cost ``total``. What was credited is gone from ``remaining_units`` and
    ``remaining``; ``cancelled`` units will not be served, ``backordered`` ones wait for stock,
    as many as ``claimed`` in the queue of the ledger.
    ``lost`` ones were claimed; ``moved`` ones are paid for on another tab.
    ``components`` are the price, its ``adjustments``, the shares of the order's adjustments, and
    its ``taxes``, in this order. ``replaces`` is the line it stands in for, if any; ``kit`` the
    one it is a component of. ``unit_price`` and ``uses`` are those with the ``modifiers``;
    ``round`` tells with which others it was ordered, 1 with the order itself.
    """

    id: str
    sku: str
    ordered: int
    unit_price: UnitPrice
    components: tuple[Component, ...]
    adjustments: tuple[Adjustment, ...] = ()
    taxes: tuple[TaxLine, ...] = ()
    name: str = ""
    requires: frozenset[str] = frozenset()
    replaces: str = ""
    kit: KitOf | None = None
    cancelled: int = 0
    backordered: int = 0
    claimed: int = 0
    lost: int = 0
    remaining_units: int = Factory(lambda self: self.ordered, takes_self=True)
    together: str = ""
    modifiers: tuple[Modifier, ...] = ()
    course: int = 0
    seat: str = ""
    uses: Uses = ()
    preparation: timedelta = NO_TIME
    round: int = 1
    moved: int = 0


def _simple(charge: Charge) -> tuple[Component, ...]:
    return (priced("price", charge.kind, charge.amount),)


@final
@frozen(kw_only=True, slots=False)
class Charge(Priced):
    """Money due besides the goods: shipping, a fee, a tip, of ``amount`` before what changes it.

    ``adjustments`` and ``taxes`` are as on a line; its ``components`` are worked out when the
    order is placed. ``origin`` says of what came from another tab which line or charge it was
    there (``T4/l1``); of what a caller adds it is forgotten.
    """

    kind: str
    amount: Money
    id: str = ""
    adjustments: tuple[Adjustment, ...] = field(default=(), converter=_adjustments)
    taxes: tuple[TaxLine, ...] = field(default=(), converter=_taxes)
    components: tuple[Component, ...] = Factory(_simple, takes_self=True)
    origin: str = ""

    def __attrs_post_init__(self) -> None:
        """Refuse bad names and negative amounts."""
        identifier(self.kind, "kind")
        if self.id != "":
            identifier(self.id, "id")
        if instance(self.amount, Money, "amount").minor < 0:
            raise InvalidInput.at("amount", f"{self.amount} is negative")
        text(self.origin, "origin")


@final
@frozen(kw_only=True)
class AddLine:
    """A change to an order: one more line; ``replaces`` names the line it stands in for."""

    line: DraftLine
    replaces: str = ""

    def __attrs_post_init__(self) -> None:
        """Refuse what is no line."""
        instance(self.line, DraftLine, "line")
        if self.replaces != "":
            identifier(self.replaces, "replaces")


@final
@frozen(kw_only=True)
class ChangeLine:
    """A change to an order: ``quantity`` units of a line are wanted in all, at ``unit_price``.

    What is left out stays. Fewer units are cancelled; more are charged at the line's price, its
    percentages and tax rates. A new price, modifiers and all, is for all units still paid for.
    ``taxes`` is needed where one is an amount only: the same taxes in the same order, with their
    new amounts.
    """

    line_id: str
    quantity: int | None = None
    unit_price: UnitPrice | None = None
    taxes: tuple[TaxLine, ...] | None = field(default=None, converter=_new_taxes)

    def __attrs_post_init__(self) -> None:
        """Refuse what changes nothing."""
        identifier(self.line_id, "line_id")
        if self.quantity is not None:
            quantity(self.quantity, "quantity", least=0)
        if self.unit_price is not None:
            instance(self.unit_price, UnitPrice, "unit_price")
        if self.quantity is None and self.unit_price is None:
            raise InvalidInput.at("quantity", "give a quantity, a unit price, or both")


@final
@frozen(kw_only=True)
class AddCharge:
    """A change to an order: a further fee, a tip."""

    charge: Charge

    def __attrs_post_init__(self) -> None:
        """Refuse what is no charge."""
        instance(self.charge, Charge, "charge")


@final
@frozen(kw_only=True)
class AddAdjustment:
    """A change to an order: a discount or surcharge on what is left of a line, or of all lines.

    It is worked out now and an amount from then on, also where it was given as a percentage.
    """

    adjustment: Adjustment
    line_id: str = ""

    def __attrs_post_init__(self) -> None:
        """Refuse what is no adjustment."""
        instance(self.adjustment, Adjustment, "adjustment")
        if self.line_id != "":
            identifier(self.line_id, "line_id")


Change = AddLine | ChangeLine | AddCharge | AddAdjustment
"""What an edit consists of. Substituting an item is a line less of one and a line more."""


@final
class Credit(NamedTuple):
    """Less is due for ``units`` of the line (or for the charge, 0 units) ``target``.

    ``parts`` is how much less of each of its components.
    """

    target: str
    units: int
    parts: tuple[Money, ...]


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
    """A named stop: ``blocks`` says what may not happen until it is released.

    At ``until`` (aware) it runs out, and ``then`` says what that means: it is released, the order
    is cancelled, or a person is asked (the exception ``hold_ran_out``) and it stays. It blocks
    until ``resume`` has seen to that. With ``fulfillments`` (ids) it stops work on those alone.
    """

    name: str
    blocks: frozenset[Blockable] = field(converter=_blocks)
    owner: str = ""
    reason: str = ""
    until: datetime | None = field(default=None, converter=_until)
    then: AfterHold = "escalate"
    fulfillments: tuple[str, ...] = field(default=(), converter=_names)

    def __attrs_post_init__(self) -> None:
        """Refuse bad names, and a hold that stops nothing."""
        identifier(self.name, "name")
        text(self.owner, "owner")
        text(self.reason, "reason")
        choice(self.then, AfterHold, "then")
        if self.fulfillments and set(self.blocks) != {"fulfil"}:
            raise InvalidInput.at("fulfillments", "a hold on some of them blocks 'fulfil' alone")
        if not self.blocks:
            raise InvalidInput.at("blocks", f"expected at least one of {get_args(Blockable)}")


@final
@frozen(kw_only=True)
class Exchange:
    """What is added to an order once the goods of a return are credited: new lines, and fees."""

    return_id: str
    lines: tuple[DraftLine, ...] = ()
    charges: tuple[Charge, ...] = ()


@final
class OrderException(NamedTuple):
    """Something that happened and contradicts the order; a person has to look at it."""

    code: str
    detail: str


class LineQuantities(NamedTuple):
    """Where the units of a line are. Always: ``ordered`` is the sum of the six after it.

    Of the fulfilled ones, ``returning`` are announced to come back, ``returned`` have, ``lost``
    were claimed; the customer has ``kept`` the rest.
    """

    ordered: int
    open: int
    reserved: int
    backordered: int
    in_fulfilment: int
    fulfilled: int
    cancelled: int
    delivered: int
    """Of the fulfilled units, those that have arrived."""
    returning: int = 0
    returned: int = 0
    lost: int = 0

    @property
    def kept(self) -> int:
        """Fulfilled, and neither back, nor on the way back, nor claimed."""
        return self.fulfilled - self.returning - self.returned - self.lost


Capture = Literal["on_confirmation", "on_dispatch", "by_hand", "on_placement"]
PayBack = Literal["when_cancelled", "by_hand"]
Short = Literal["reject", "backorder"]
RoundAmounts = Literal["adjustment", "line", "order"]
RoundTaxes = Literal["line", "order"]
CreditReturns = Literal["on_receipt", "on_inspection"]
ReturnCharges = Literal["keep", "share"]
Confirm = Literal["when_covered", "by_hand"]
_ALL = 100
_CHOICES = {
    "capture": Capture,
    "refund": PayBack,
    "short": Short,
    "rounding": Rounding,
    "round_amounts": RoundAmounts,
    "round_taxes": RoundTaxes,
    "credit_returns": CreditReturns,
    "return_charges": ReturnCharges,
    "confirm": Confirm,
}


def _reasons(value: Iterable[str]) -> frozenset[str]:
    return tags(value, "return_reasons") if value else frozenset()


def _ties(value: Iterable[Tie]) -> tuple[Tie, ...]:
    found = several(value, "ties")
    for one in found:
        choice(one, Tie, "ties")
    return cast("tuple[Tie, ...]", found)


def _restocking(value: str | int | Decimal) -> Decimal:
    return decimal(value, "restocking_percent")


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
    ``rounding`` is how an exact amount becomes whole minor units. ``round_amounts`` is where: after
    every adjustment, once per line, or once per order (its lines then get their shares by largest
    remainder). ``round_taxes``: each tax per line, or once per order and rate, shared alike.
    ``ship_complete``: what is planned at once is planned whole: what is there waits with what is
    not. A line that is added later holds nothing back that is planned already.
    ``ties``: what decides between locations that cost the same.
    ``priority``: how urgent what waits for stock is, the higher the sooner.
    ``confirm``: as soon as stock and money are there, or only once a person said so.
    ``tab``: it stays open for further rounds, and is paid once it is closed; nothing has to be
    covered before that, and it never expires.
    ``lead_time``: so long before an order's ``scheduled_for`` work on it begins (None: at once).
    ``return_window``: how long after they arrived goods may be sent back; ``return_reasons``: the
    reasons that count (empty: any). ``credit_returns``: when what came back is no longer due.
    ``restocking_percent`` of it is charged. ``return_charges``: whether shipping stays due, or its
    share goes back with the goods.
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
    round_amounts: RoundAmounts = "line"
    round_taxes: RoundTaxes = "line"
    return_window: timedelta | None = timedelta(days=30)
    return_reasons: frozenset[str] = field(default=frozenset(), converter=_reasons)
    credit_returns: CreditReturns = "on_inspection"
    restocking_percent: Decimal = field(default=Decimal(0), converter=_restocking)
    return_charges: ReturnCharges = "keep"
    confirm: Confirm = "when_covered"
    priority: int = 0
    lead_time: timedelta | None = None
    ship_complete: bool = False
    tab: bool = False
    ties: tuple[Tie, ...] = field(default=("priority",), converter=_ties)

    def __attrs_post_init__(self) -> None:
        """Refuse what would never end or never begin."""
        for name, among in _CHOICES.items():
            choice(getattr(self, name), among, name)
        instance(self.require_cover, bool, "require_cover")
        quantity(self.priority, "priority", least=-MAX_QUANTITY)
        instance(self.ship_complete, bool, "ship_complete")
        instance(self.tab, bool, "tab")
        quantity(self.attempts, "attempts")
        quantity(self.replans, "replans", least=0)
        span(self.patience, "patience")
        if self.unpaid_ttl is not None:
            span(self.unpaid_ttl, "unpaid_ttl", ", or None for never")
        if self.lead_time is not None:
            span(self.lead_time, "lead_time", ", or None to begin at once")
        if self.return_window is not None:
            span(self.return_window, "return_window", ", or None for ever")
        if not 0 <= self.restocking_percent <= _ALL:
            wrong = f"{self.restocking_percent} is no percentage from 0 to 100"
            raise InvalidInput.at("restocking_percent", wrong)
