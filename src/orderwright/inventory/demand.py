"""Demand, as the ledger knows it: how much is asked for per period, and how it behaves.

Estimates are floats: they only estimate. Every quantity that comes of them is a whole number again.
"""

from __future__ import annotations

from datetime import timedelta
from math import sqrt
from typing import TYPE_CHECKING, Literal, NamedTuple, final

from orderwright.errors import InvalidInput
from orderwright.values import MAX_QUANTITY, aware, choice, each, in_utc, quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime, tzinfo

    from orderwright.inventory.postings import Posting

__all__ = [
    "Croston",
    "DemandPattern",
    "DemandSummary",
    "Period",
    "croston",
    "demand_history",
    "summary",
]

Period = Literal["day", "week", "month"]
"""How long the periods are in which demand is counted."""
DemandPattern = Literal["none", "smooth", "erratic", "intermittent", "lumpy"]
"""How demand behaves: asked for often or seldom, in like quantities or not."""

_ASKED = frozenset({"reserved", "backordered", "customer", "production"})
_TICK = timedelta(microseconds=1)
_INTERVAL = 1.32
_VARIATION = 0.49


def _number(when: datetime | date, period: Period) -> int:
    """Return which period of that kind a day is in, counted from some time long ago."""
    if period == "month":
        return when.year * 12 + when.month - 1
    day = when.toordinal()
    return day if period == "day" else (day - 1) // 7


def demand_history(
    postings: Iterable[Posting],
    *,
    period: Period,
    start: datetime,
    end: datetime,
    zone: tzinfo,
) -> dict[str, tuple[int, ...]]:
    """Return the units asked for of each SKU, per period from ``start`` to before ``end``.

    Asked for is what is reserved, or claimed while it is not there, or left at once for customers
    or to make something; filling a claim and shipping what was reserved ask for nothing new, and
    what is given up, lapses or comes back is taken off in the period in which that happens (a
    period may be below zero). Periods are
    those of ``zone``: days, weeks from Monday, calendar months. Periods in which nothing was asked
    for are zeros; those outside the window, cut ones at its ends included, are not looked at.
    Raises InvalidInput unless there is at least one whole period.
    """
    choice(period, Period, "period")
    first = _number(aware(start, "start").astimezone(zone), period)
    if not _begins(start, period, zone):
        first += 1
    last = _number(aware(end, "end").astimezone(zone), period)
    if last <= first:
        raise InvalidInput.at("end", f"there is no whole {period} between start and end")
    found: dict[str, list[int]] = {}
    for posting in postings:
        index = _number(posting.at.astimezone(zone), period) - first
        if not 0 <= index < last - first:
            continue
        for account, net, _ in posting.changes:
            # What is made, or not on offer any more, was asked for by nobody.
            made = account.bucket == "production" and (net < 0 or posting.reason == "sold out")
            if account.bucket in _ASKED and not made:
                counts = found.get(account.sku)
                if counts is None:
                    counts = found[account.sku] = [0] * (last - first)
                counts[index] += net
    return {sku: tuple(counts) for sku, counts in found.items()}


def _begins(when: datetime, period: Period, zone: tzinfo) -> bool:
    """Whether a period begins at that moment: not always at midnight, where clocks go on then."""
    before = (in_utc(when, "start") - _TICK).astimezone(zone)
    return _number(before, period) != _number(when.astimezone(zone), period)


@final
class DemandSummary(NamedTuple):
    """What a history comes to: averages and deviations are per period.

    ``interval`` is the average number of periods from one with demand to the next, ``variation``
    the squared coefficient of variation of the demands that are not zero.
    """

    periods: int
    total: int
    mean: float
    deviation: float
    interval: float
    variation: float
    pattern: DemandPattern


def _checked(history: Sequence[int]) -> tuple[int, ...]:
    counts = each(history, int, "history")
    if not counts:
        raise InvalidInput.at("history", "expected at least one period")
    for index, units in enumerate(counts):  # more may have come back than was asked for
        quantity(units, f"history[{index}]", least=-MAX_QUANTITY)
    return counts


def summary(history: Sequence[int]) -> DemandSummary:
    """Return how demand behaves, over the periods of its history.

    The deviation is that of a sample (n - 1). Patterns are those of Syntetos, Boylan and Croston,
    "On the categorization of demand patterns", Journal of the Operational Research Society 56
    (2005): seldom where the interval exceeds 1.32, in unlike quantities where the variation
    exceeds 0.49. Raises InvalidInput for an empty history.
    """
    counts = _checked(history)
    periods, total = len(counts), sum(counts)
    mean = total / periods
    deviation = 0.0
    if periods > 1:
        deviation = sqrt(sum((one - mean) ** 2 for one in counts) / (periods - 1))
    sizes = [one for one in counts if one > 0]
    if not sizes:
        return DemandSummary(periods, total, mean, deviation, 0.0, 0.0, "none")
    average = sum(sizes) / len(sizes)
    variation = sum((one - average) ** 2 for one in sizes) / len(sizes) / average**2
    interval = periods / len(sizes)
    seldom, unlike = interval > _INTERVAL, variation > _VARIATION
    patterns: dict[tuple[bool, bool], DemandPattern] = {
        (False, False): "smooth",
        (False, True): "erratic",
        (True, False): "intermittent",
        (True, True): "lumpy",
    }
    return DemandSummary(
        periods, total, mean, deviation, interval, variation, patterns[seldom, unlike]
    )


@final
class Croston(NamedTuple):
    """The smoothed size of a demand and interval between two, and what follows per period."""

    size: float
    interval: float
    alpha: float

    @property
    def forecast(self) -> float:
        """Units per period by Croston: size over interval (0 where nothing was ever asked for)."""
        return self.size / self.interval if self.interval else 0.0

    @property
    def unbiased(self) -> float:
        """The same by Syntetos and Boylan (SBA): less the bias, a factor of 1 - alpha / 2."""
        return (1 - self.alpha / 2) * self.forecast


def croston(history: Sequence[int], alpha: float = 0.1) -> Croston:
    """Return Croston's estimate after a history: updated only where there was demand.

    J. D. Croston, "Forecasting and stock control for intermittent demands", Operational Research
    Quarterly 23 (1972); the correction is of Syntetos and Boylan, "The accuracy of intermittent
    demand estimates", International Journal of Forecasting 21 (2005). Begins with the first demand
    and the number of periods until then. Raises InvalidInput unless 0 < ``alpha`` <= 1.
    """
    if not 0 < alpha <= 1:
        raise InvalidInput.at("alpha", f"{alpha} is not between 0 and 1")
    size = interval = 0.0
    since = 0
    for count in _checked(history):
        since += 1
        if count > 0:
            size = count if not size else size + alpha * (count - size)
            interval = since if not interval else interval + alpha * (since - interval)
            since = 0
    return Croston(float(size), float(interval), alpha)
