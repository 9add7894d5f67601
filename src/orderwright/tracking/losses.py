"""What was taken back: cancellations, returns, claims, credits and refunds, and why."""

from __future__ import annotations

from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, NamedTuple, final, get_args

from orderwright.tracking.facts import LossKind
from orderwright.tracking.reports import Group, Grouping, period_of, rate

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date
    from fractions import Fraction

    from orderwright.tracking.facts import OrderFacts
    from orderwright.tracking.reports import Dimension, Period

__all__ = ["LossRow", "Losses", "ReasonRow"]

_KINDS: tuple[LossKind, ...] = get_args(LossKind)


@final
class LossRow(NamedTuple):
    """``orders`` of which something was ``kind``, ``of_orders`` that were placed.

    So many ``units`` and minor units of them, ``of`` how many the row can compare with.
    """

    day: date | None
    channel: str
    service: str
    kind: LossKind
    currency: str
    orders: int
    of_orders: int
    units: int
    of_units: int
    amount_minor: int
    of_amount_minor: int

    @property
    def order_rate(self) -> Fraction | None:
        """Share of the orders."""
        return rate(self.orders, self.of_orders)

    @property
    def unit_rate(self) -> Fraction | None:
        """Share of the units."""
        return rate(self.units, self.of_units)

    @property
    def amount_rate(self) -> Fraction | None:
        """Share of the money."""
        return rate(self.amount_minor, self.of_amount_minor)


@final
class ReasonRow(NamedTuple):
    """What of the losses of a ``kind`` had that ``reason``, empty where none was given.

    An order counts once for each of its reasons.
    """

    day: date | None
    channel: str
    service: str
    kind: LossKind
    currency: str
    reason: str
    orders: int
    units: int
    amount_minor: int


@final
class Losses:
    """What of the orders placed in ``period`` (None: ever) was taken back until now.

    Source: the histories. *Cancelled* (by anybody, as a whole or in part), *rejected* and *expired*
    count units that will not be served and what is not due for them, of all that was ordered;
    *returned* and *claimed* units that came back, or were lost, wrong or damaged, and what was
    credited for them, of the units that left and all that was ordered; *credited* is what is not
    due any more for nothing in return. *Refunded* is money that went back by a provider or a
    person, of what was taken; its reason is that of what lowered the amount due, or asked for the
    refund, before. A returned unit counts whatever was made of it. Days are when orders were
    placed: a rate compares what was sold with what became of just that.
    """

    def __init__(
        self, *, by: Collection[Dimension] = (), period: Period | None = None, zone: tzinfo = UTC
    ) -> None:
        self._by = Grouping(by, zone)
        self._period = period_of(period)
        self._whole: dict[tuple[Group, str], list[int]] = {}
        self._sums: dict[tuple[Group, LossKind, str], list[int]] = {}
        self._reasons: dict[tuple[Group, LossKind, str, str], list[int]] = {}

    def add(self, facts: OrderFacts, /) -> None:
        """Add one order."""
        placed_at = facts.placed_at
        if placed_at is None or (self._period is not None and placed_at not in self._period):
            return
        group, currency = self._by.of(facts, placed_at), facts.currency
        whole = self._whole.setdefault((group, currency), [0] * 5)
        whole[0] += 1
        for line in facts.lines:
            whole[1] += line.ordered
            whole[2] += line.served
        whole[3] += sum(sale.gross for sale in facts.sales if sale.gross > 0)
        whole[4] += facts.captured
        seen: set[tuple[LossKind, str | None]] = set()
        for kind, reason, units, minor in facts.losses:
            sums = self._sums.setdefault((group, kind, currency), [0] * 3)
            why = self._reasons.setdefault((group, kind, currency, reason), [0] * 3)
            for counts, name in ((sums, None), (why, reason)):
                counts[0] += (kind, name) not in seen
                counts[1] += units
                counts[2] += minor
                seen.add((kind, name))

    def rows(self) -> list[LossRow]:
        """Return a row for each kind of loss, also those there were none of, in each group."""
        found: list[LossRow] = []
        for (group, currency), (orders, ordered, served, sold, taken) in sorted(
            self._whole.items()
        ):
            for kind in _KINDS:
                lost = self._sums.get((group, kind, currency), (0, 0, 0))
                of_units = served if kind in _AFTERWARDS else ordered if kind in _BEFORE else 0
                of_minor = taken if kind == "refunded" else sold
                found.append(
                    LossRow(
                        *group,
                        kind,
                        currency,
                        lost[0],
                        orders,
                        lost[1],
                        of_units,
                        lost[2],
                        of_minor,
                    )
                )
        return found

    def reasons(self) -> list[ReasonRow]:
        """Return a row for each reason, that of most orders first within its kind."""
        ranked = sorted(
            self._reasons.items(),
            key=lambda item: (
                item[0][0],
                _KINDS.index(item[0][1]),
                item[0][2],
                -item[1][0],
                item[0][3],
            ),
        )
        return [
            ReasonRow(*group, kind, currency, reason, *counts)
            for (group, kind, currency, reason), counts in ranked
        ]


_BEFORE = ("cancelled", "rejected", "expired")
_AFTERWARDS = ("returned", "claimed")
