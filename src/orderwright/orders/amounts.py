"""What makes up an amount: components, and how they are credited without losing a cent.

A line or charge keeps its components in the order in which they were worked out: the price, each
adjustment, each tax. Crediting a share of it rounds the *running totals* of what remains, not each
component alone: every credit is then the rounded share of the whole, each component is within a
minor unit of its own share, no component changes its sign, and nothing ever becomes negative.
(Components rounded alone can: 0.02 less 0.01 less 0.01 is free, yet half of each rounds to -0.01.)
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple, final

from attrs import field, frozen

from orderwright.errors import InvalidInput
from orderwright.money import Money, decimal, round_ratio
from orderwright.values import Once, identifier, instance, text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orderwright.money import Rounding

__all__ = ["Adjustment", "Component", "ComponentKind", "Priced", "TaxLine", "parts", "priced"]

ComponentKind = Literal["price", "adjustment", "tax", "included_tax"]
"""An ``included_tax`` lies inside the price: it is told, and adds nothing."""

_MAX_PERCENT = 1000


def _percent(value: str | int | Decimal | None) -> Decimal | None:
    return None if value is None else decimal(value, "percent")


def _one_of_two(amount: Money | None, percent: Decimal | None) -> None:
    if (amount is None) == (percent is None):
        raise InvalidInput.at("amount", "give either an amount or a percentage")
    if percent is not None and not -_MAX_PERCENT <= percent <= _MAX_PERCENT:
        raise InvalidInput.at("percent", f"{percent} is no sensible percentage")
    if amount is not None:
        instance(amount, Money, "amount")


@final
@frozen(kw_only=True)
class Adjustment:
    """A discount (negative) or surcharge (positive), of an ``amount`` or of a ``percent``.

    On a line or charge it changes what the adjustments before it left. On an order it changes the
    lines, shared in proportion to what they come to (largest remainder, ties to the earlier line).
    A discount takes no line below ``floor`` (nothing, if left out), and no more than ``limit`` in
    all. ``name`` shows in every explanation, ``reason`` is for people.
    """

    name: str
    amount: Money | None = None
    percent: Decimal | None = field(default=None, converter=_percent)
    limit: Money | None = None
    floor: Money | None = None
    reason: str = ""

    def __attrs_post_init__(self) -> None:
        """Refuse what is neither an amount nor a percentage."""
        identifier(self.name, "name")
        text(self.reason, "reason")
        _one_of_two(self.amount, self.percent)
        for path, bound in (("limit", self.limit), ("floor", self.floor)):
            if bound is not None and instance(bound, Money, path).minor < 0:
                raise InvalidInput.at(path, f"{bound} is negative")


@final
@frozen(kw_only=True)
class TaxLine:
    """One tax of a line or charge: a ``percent`` of it, or an ``amount`` worked out elsewhere.

    ``included`` taxes are inside the price, others come on top. A ``compound`` tax is also charged
    on the taxes before it. Rates are yours to look up: 19 % is ``TaxLine(name="VAT",
    percent="19")``.
    """

    name: str
    percent: Decimal | None = field(default=None, converter=_percent)
    amount: Money | None = None
    included: bool = False
    compound: bool = False

    def __attrs_post_init__(self) -> None:
        """Refuse what is neither an amount nor a rate, and negative ones."""
        identifier(self.name, "name")
        instance(self.included, bool, "included")
        instance(self.compound, bool, "compound")
        _one_of_two(self.amount, self.percent)
        if self.percent is not None and self.percent < 0:
            raise InvalidInput.at("percent", f"a tax of {self.percent} % is negative")
        if self.amount is not None and self.amount.minor < 0:
            raise InvalidInput.at("amount", f"a tax of {self.amount} is negative")


@final
class Component(NamedTuple):
    """One part of an amount, signed, and what is left of it after credits."""

    kind: ComponentKind
    name: str
    amount: Money
    remaining: Money

    @property
    def adds(self) -> bool:
        """Whether it is part of the sum; an included tax is only told."""
        return self.kind != "included_tax"


class Priced:
    """Base of what is paid for: what its components add up to, worked out once."""

    CACHED: ClassVar[tuple[str, ...]] = ("total", "remaining")
    """What is worked out once per object and must not be copied to the next."""

    id: str
    components: tuple[Component, ...]

    @Once
    def total(self) -> Money:
        """What it came to, taxes and all, before anything was credited."""
        sums = [one.amount.minor for one in self.components if one.kind != "included_tax"]
        return Money(sum(sums), self.components[0].amount.currency)

    @Once
    def remaining(self) -> Money:
        """What is still due for it."""
        sums = [one.remaining.minor for one in self.components if one.kind != "included_tax"]
        return Money(sum(sums), self.components[0].amount.currency)


def priced(kind: ComponentKind, name: str, amount: Money) -> Component:
    """Return a component of which nothing was credited."""
    return Component(kind, name, amount, amount)


def parts(
    components: Iterable[Component], share: int, whole: int, rounding: Rounding
) -> tuple[Money, ...]:
    """Return ``share / whole`` (at most all) of what remains, by component; see the module."""
    found: list[Money] = []
    running = {True: 0, False: 0}
    given = {True: 0, False: 0}
    for kind, _, _, remaining in components:
        adds = kind != "included_tax"
        running[adds] += remaining.minor
        upto = round_ratio(running[adds] * share, whole, rounding)
        found.append(Money(upto - given[adds], remaining.currency))
        given[adds] = upto
    return tuple(found)
