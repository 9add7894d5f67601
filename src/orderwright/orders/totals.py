"""What an order comes to: prices, adjustments and taxes, exact until a policy's point of rounding.

Three steps. Each line (and charge) by itself: its price, then its adjustments. Then the order's
adjustments, shared over the lines. Then the taxes on what that leaves. Exact amounts are pairs of
integers or fractions of minor units; the policy says where they are rounded, and what is rounded
for several lines together is shared by largest remainder, ties to the earlier line.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple, final

from orderwright.money import Money, bounded, round_ratio, shares
from orderwright.orders.amounts import Adjustment, Component, TaxLine, priced
from orderwright.orders.lines import Charge

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orderwright.money import Rounding, UnitPrice
    from orderwright.orders.amounts import ComponentKind
    from orderwright.orders.lines import DraftLine, Policy

__all__ = ["Terms", "exact_amount", "work_out"]


@final
class Terms(NamedTuple):
    """What a line or charge is charged: ``units`` at a price, changed and taxed.

    Lines of one ``group``, the components of a kit, are rounded together.
    """

    name: str
    price: UnitPrice | Money
    units: int
    adjustments: tuple[Adjustment, ...]
    taxes: tuple[TaxLine, ...]
    group: str = ""

    @classmethod
    def of(cls, one: DraftLine | Charge, group: str = "") -> Terms:
        """Return the terms of a line or charge as the caller gave it."""
        if isinstance(one, Charge):
            return cls(one.kind, one.amount, 1, one.adjustments, one.taxes)
        return cls(one.sku, one.price, one.quantity, one.adjustments, one.taxes, group)


@final
class Running:
    """A line while it is worked out: its components so far, and what they come to."""

    __slots__ = ("minor", "parts", "taxes")

    def __init__(self, steps: list[tuple[str, int]], taxes: tuple[TaxLine, ...]) -> None:
        """Take the amount after each named step."""
        self.parts: list[tuple[str, int]] = []
        self.minor: int = 0
        self.taxes: tuple[TaxLine, ...] = taxes
        for name, upto in steps:
            self.add(name, upto - self.minor)

    def add(self, name: str, change: int) -> None:
        """Note a further part."""
        self.parts.append((name, change))
        self.minor += change


def work_out(
    lines: Sequence[Terms],
    charges: Sequence[Terms],
    adjustments: Sequence[Adjustment],
    policy: Policy,
    currency: str,
) -> tuple[list[tuple[Component, ...]], list[tuple[Component, ...]]]:
    """Return the components of each line and of each charge."""
    running = _lines(lines, policy)
    for one in adjustments:
        adjust(running, one, policy.rounding)
    every = running + [_item(one, policy) for one in charges]
    taxes = _taxes(every, policy)
    found = [_components(one, tax, currency) for one, tax in zip(every, taxes, strict=True)]
    return found[: len(lines)], found[len(lines) :]


def _components(one: Running, taxes: Sequence[int], currency: str) -> tuple[Component, ...]:
    (name, price), *changes = one.parts
    found = [priced("price", name, Money(price, currency))]
    found += [priced("adjustment", what, Money(minor, currency)) for what, minor in changes]
    for tax, minor in zip(one.taxes, taxes, strict=True):
        kind: ComponentKind = "included_tax" if tax.included else "tax"
        found.append(priced(kind, tax.name, Money(minor, currency)))
    return tuple(found)


# Prices and their own adjustments ----------------------------------------------------------


def exact_amount(one: Terms) -> Fraction:
    """Return the exact amount of a line after its own adjustments, in minor units."""
    return _exact_steps(one)[-1]


def _exact_steps(one: Terms) -> list[Fraction]:
    price = one.price
    ratio = (price.minor, 1) if isinstance(price, Money) else price.ratio(one.units)
    steps = [Fraction(*ratio)]
    for adjustment in one.adjustments:
        steps.append(steps[-1] + _change(adjustment, steps[-1]))
    return steps


def _change(adjustment: Adjustment, before: Fraction) -> Fraction:
    """What an adjustment does to an exact amount of one line, within its limit and floor."""
    change = _wanted(adjustment, before)
    if change >= 0:
        return change
    floor = 0 if adjustment.floor is None else adjustment.floor.minor
    return max(change, min(Fraction(0), floor - before))


def _wanted(adjustment: Adjustment, of: Fraction) -> Fraction:
    if adjustment.percent is not None:
        change = of * Fraction(adjustment.percent) / 100
    else:
        change = Fraction(adjustment.amount.minor if adjustment.amount else 0)
    if adjustment.limit is None:
        return change
    bound = adjustment.limit.minor
    return min(max(change, Fraction(-bound)), Fraction(bound))


def _rounded(exact: Fraction, rounding: Rounding) -> int:
    return round_ratio(exact.numerator, exact.denominator, rounding)


def _item(one: Terms, policy: Policy) -> Running:
    """Return a line or charge worked out by itself."""
    rounding = policy.rounding
    if not one.adjustments:
        price = one.price
        money = price if isinstance(price, Money) else price.times(one.units, rounding)
        return Running([(one.name, money.minor)], one.taxes)
    if policy.round_amounts == "adjustment":
        price = one.price
        money = price if isinstance(price, Money) else price.times(one.units, rounding)
        running = Running([(one.name, money.minor)], one.taxes)
        for adjustment in one.adjustments:
            change = _change(adjustment, Fraction(running.minor))
            running.add(adjustment.name, _rounded(change, rounding))
        return running
    exact = _exact_steps(one)
    return _in_steps(one, exact, _rounded(exact[-1], rounding), rounding)


def _in_steps(one: Terms, exact: list[Fraction], last: int, rounding: Rounding) -> Running:
    """Round the amount after each step, so that it ends at ``last`` and no part turns its sign."""
    names = [one.name, *(adjustment.name for adjustment in one.adjustments)]
    upto = [_rounded(step, rounding) for step in exact]
    upto[-1] = last
    for index in range(len(upto) - 2, -1, -1):
        falls = exact[index + 1] <= exact[index]
        upto[index] = (max if falls else min)(upto[index], upto[index + 1])
    return Running(list(zip(names, upto, strict=True)), one.taxes)


def _lines(lines: Sequence[Terms], policy: Policy) -> list[Running]:
    if policy.round_amounts == "order":
        return _together(lines, policy.rounding)
    groups: dict[str, list[Terms]] = {}
    for one in lines:
        if one.group:
            groups.setdefault(one.group, []).append(one)
    known = {name: iter(_together(group, policy.rounding)) for name, group in groups.items()}
    return [next(known[one.group]) if one.group else _item(one, policy) for one in lines]


def _together(lines: Sequence[Terms], rounding: Rounding) -> list[Running]:
    """Return lines worked out by themselves, but rounded once for all of them."""
    exact = [_exact_steps(one) for one in lines]
    ends = _allotted([steps[-1] for steps in exact], rounding)
    return [
        _in_steps(one, steps, end, rounding)
        for one, steps, end in zip(lines, exact, ends, strict=True)
    ]


def _allotted(exact: Sequence[Fraction], rounding: Rounding) -> list[int]:
    """Round the sum of ``exact`` (none negative) once, and give each its share of it."""
    found = [one.numerator // one.denominator for one in exact]
    left = _rounded(sum(exact, Fraction(0)), rounding) - sum(found)
    if left:
        rests = [one - floor for one, floor in zip(exact, found, strict=True)]
        for index in sorted(range(len(rests)), key=lambda i: -rests[i])[:left]:
            found[index] += 1
    return found


# The order's adjustments -------------------------------------------------------------------


def adjust(lines: Sequence[Running], adjustment: Adjustment, rounding: Rounding) -> None:
    """Share an adjustment of the whole order over its lines."""
    weights = [one.minor for one in lines]
    wanted = _rounded(_wanted(adjustment, Fraction(sum(weights))), rounding)
    if wanted < 0:
        floor = 0 if adjustment.floor is None else adjustment.floor.minor
        room = [max(0, one - floor) for one in weights]
        wanted = max(wanted, -sum(room))
        if not wanted:
            return
        found = [-part for part in bounded(-wanted, weights, room)]
    elif wanted:
        found = shares(wanted, weights if any(weights) else [1] * len(weights))
    else:
        return
    for one, change in zip(lines, found, strict=True):
        one.add(adjustment.name, change)


# Taxes -------------------------------------------------------------------------------------


class _Rate(NamedTuple):
    """A tax as a ``factor`` of the net amount, and what it comes to besides, ``fixed``."""

    factor: Fraction
    fixed: Fraction

    def of(self, net: int, parts: int) -> tuple[int, int]:
        """Return the exact tax on ``net / parts``, as numerator and denominator."""
        numerator, denominator = net * self.factor.numerator, parts * self.factor.denominator
        if self.fixed:
            numerator = numerator * self.fixed.denominator + self.fixed.numerator * denominator
            denominator *= self.fixed.denominator
        return numerator, denominator


def _rates(taxes: Iterable[TaxLine]) -> tuple[list[_Rate], Fraction]:
    """Return each tax by what is left of a gross amount less the taxes told inside it, and these.

    A compound tax is charged on the net amount and all taxes before it, those told as an amount
    among them.
    """
    found: list[_Rate] = []
    before, fixed_before = Fraction(1), Fraction(0)
    gross, told = Fraction(1), Fraction(0)
    for tax in taxes:
        if tax.amount is not None:
            one = _Rate(_NONE, Fraction(tax.amount.minor))
        else:
            rate = Fraction(tax.percent or 0) / 100
            one = _Rate(rate * before, rate * fixed_before) if tax.compound else _Rate(rate, _NONE)
        found.append(one)
        before += one.factor
        fixed_before += one.fixed
        if tax.included:
            gross += one.factor
            told += one.fixed
    return [_Rate(one.factor / gross, one.fixed) for one in found], told


_NONE = Fraction(0)


def _taxes(every: Sequence[Running], policy: Policy) -> list[list[int]]:
    """Return the taxes of each line and charge, in minor units."""
    known: dict[tuple[TaxLine, ...], tuple[list[_Rate], Fraction]] = {(): ([], _NONE)}
    found: list[list[int]] = []
    together: dict[TaxLine, list[tuple[int, int, Fraction]]] = {}
    for index, one in enumerate(every):
        taxes = one.taxes
        if taxes not in known:
            known[taxes] = _rates(taxes)
        rates, told = known[taxes]
        amounts: list[int] = []
        parts = told.denominator
        base = max(0, one.minor * parts - told.numerator)  # a discount may leave less than that
        for place, (tax, rate) in enumerate(zip(taxes, rates, strict=True)):
            exact = rate.of(base, parts)
            if policy.round_taxes == "order" and tax.amount is None:
                amounts.append(0)
                together.setdefault(tax, []).append((index, place, Fraction(*exact)))
            else:
                amounts.append(round_ratio(*exact, policy.rounding))
        found.append(amounts)
    for places in together.values():
        allotted = _allotted([exact for _, _, exact in places], policy.rounding)
        for (index, place, _), minor in zip(places, allotted, strict=True):
            found[index][place] = minor
    return found
