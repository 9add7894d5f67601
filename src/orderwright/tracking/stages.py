"""Where orders are: how many reached each stage, how many wait there, and how long it takes.

The stages are milestones that any lifecycle has, told by the phases of its states, whatever these
are called: *placed*; *confirmed* (the order is being worked on), *begun* (work on the first of
its fulfillments has), *left* (the first has left our walls or was served), *arrived* (everything
ordered has reached the customer) and *completed*. Each is counted when it was first reached; one
that an order went past without stopping counts as reached with the next.
"""

from __future__ import annotations

from array import array
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Literal, NamedTuple, final, get_args

from orderwright.errors import InvalidInput
from orderwright.lifecycles import Phase
from orderwright.tracking.reports import Group, Grouping, percentile, period_of, rate
from orderwright.values import in_utc, instance, several

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date
    from fractions import Fraction

    from orderwright.tracking.facts import OrderFacts
    from orderwright.tracking.reports import Dimension, Period

__all__ = [
    "Backlog",
    "BacklogRow",
    "CycleRow",
    "CycleTimes",
    "Funnel",
    "FunnelRow",
    "Span",
    "Stage",
    "reached",
]

Stage = Literal["placed", "confirmed", "begun", "left", "arrived", "completed"]
"""The milestones of an order, in their order."""

STAGES: tuple[Stage, ...] = get_args(Stage)


def reached(facts: OrderFacts) -> tuple[datetime | None, ...]:
    """Return when an order reached each of the stages, None for those it has not."""
    return (
        facts.placed_at,
        facts.confirmed_at,
        facts.begun_at,
        facts.left_at,
        facts.arrived_at,
        facts.completed_at,
    )


def _furthest(times: Sequence[datetime | None]) -> int:
    return max(index for index, time in enumerate(times) if time is not None)


# Funnel --------------------------------------------------------------------------------------


@final
class FunnelRow(NamedTuple):
    """``orders`` got as far as ``stage``, ``of`` all that were placed.

    ``lost`` ones got no further and were given up: cancelled, rejected or expired.
    """

    day: date | None
    channel: str
    service: str
    stage: Stage
    orders: int
    of: int
    lost: int

    @property
    def reached_rate(self) -> Fraction | None:
        """Share of the placed orders that got so far."""
        return rate(self.orders, self.of)


@final
class Funnel:
    """How many of the orders placed in ``period`` (None: ever) reached each stage.

    Source: the histories. Drafts do not count. Days are when orders were placed, in ``zone``.
    """

    def __init__(
        self, *, by: Collection[Dimension] = (), period: Period | None = None, zone: tzinfo = UTC
    ) -> None:
        self._by = Grouping(by, zone)
        self._period = period_of(period)
        self._counts: dict[Group, tuple[list[int], list[int]]] = {}

    def add(self, facts: OrderFacts, /) -> None:
        """Add one order."""
        placed_at = facts.placed_at
        if placed_at is None or (self._period is not None and placed_at not in self._period):
            return
        group = self._by.of(facts, placed_at)
        counts = self._counts.get(group)
        if counts is None:
            counts = self._counts[group] = ([0] * len(STAGES), [0] * len(STAGES))
        last = _furthest(reached(facts))
        counts[0][last] += 1
        if facts.state.phase is Phase.DROPPED:
            counts[1][last] += 1

    def rows(self) -> list[FunnelRow]:
        """Return a row for each stage of each group, in their order."""
        found: list[FunnelRow] = []
        for group, (ended, lost) in sorted(self._counts.items()):
            whole = sum(ended)
            found += [
                FunnelRow(*group, stage, sum(ended[index:]), whole, lost[index])
                for index, stage in enumerate(STAGES)
            ]
        return found


# Backlog -------------------------------------------------------------------------------------

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
AGES = (HOUR, 4 * HOUR, DAY, 3 * DAY, 7 * DAY)


@final
class BacklogRow(NamedTuple):
    """``orders`` have been at ``stage`` for at least ``from_age`` and less than ``to_age``.

    ``to_age`` is None for the oldest. They have ``units`` that have not arrived; the oldest of them
    is ``oldest_order_id``, there for ``oldest_age``.
    """

    day: date | None
    channel: str
    service: str
    stage: Stage
    from_age: timedelta
    to_age: timedelta | None
    orders: int
    units: int
    oldest_age: timedelta
    oldest_order_id: str


class _Waiting:
    __slots__ = ("oldest", "oldest_id", "orders", "units")

    def __init__(self) -> None:
        self.orders = self.units = 0
        self.oldest = timedelta(-1)
        self.oldest_id = ""


@final
class Backlog:
    """Which orders are not done ``now``, by the furthest stage they reached and for how long.

    Source: the histories, up to now. An order is open once it was placed and until it is completed
    or given up; its age is the time since it reached the stage, or was taken up again after that.
    ``ages`` are the bounds of the buckets, rising. Raises InvalidInput if they do not, and for an
    order that came to its stage after now.
    """

    def __init__(
        self,
        now: datetime,
        *,
        ages: Sequence[timedelta] = AGES,
        by: Collection[Dimension] = (),
        zone: tzinfo = UTC,
    ) -> None:
        self._now = in_utc(now, "now")
        self._ages = tuple(instance(one, timedelta, "ages") for one in several(ages, "ages"))
        for before, after in zip((timedelta(0), *self._ages), self._ages, strict=False):
            if after <= before:
                raise InvalidInput.at("ages", f"{after} is not more than {before}: sort them")
        self._by = Grouping(by, zone)
        self._buckets: dict[tuple[Group, int, int], _Waiting] = {}

    def add(self, facts: OrderFacts, /) -> None:
        """Add one order."""
        placed_at, phase = facts.placed_at, facts.state.phase
        if placed_at is None or phase is Phase.DONE or phase is Phase.DROPPED:
            return
        times = reached(facts)[:-1]
        stage = _furthest(times)
        since = times[stage] or placed_at
        if facts.reopened_at is not None and facts.reopened_at > since:
            since = facts.reopened_at
        age = self._now - since
        if age < timedelta(0):
            told = f"{facts.order_id} was {STAGES[stage]} at {since.isoformat()}, after that"
            raise InvalidInput.at("now", f"{told}: give a later time, or its history until then")
        bucket = sum(age >= bound for bound in self._ages)
        key = (self._by.of(facts, placed_at), stage, bucket)
        waiting = self._buckets.get(key)
        if waiting is None:
            waiting = self._buckets[key] = _Waiting()
        waiting.orders += 1
        waiting.units += sum(one.ordered - one.cancelled - one.arrived for one in facts.lines)
        if age > waiting.oldest:
            waiting.oldest, waiting.oldest_id = age, facts.order_id

    def rows(self) -> list[BacklogRow]:
        """Return a row for each stage and age at which there are orders."""
        bounds = (timedelta(0), *self._ages, None)
        return [
            BacklogRow(
                *group,
                STAGES[stage],
                bounds[bucket] or timedelta(0),
                bounds[bucket + 1],
                waiting.orders,
                waiting.units,
                waiting.oldest,
                waiting.oldest_id,
            )
            for (group, stage, bucket), waiting in sorted(
                self._buckets.items(), key=lambda item: item[0]
            )
        ]


# Cycle times ---------------------------------------------------------------------------------

Span = Literal[
    "placed to confirmed",
    "confirmed to begun",
    "begun to left",
    "left to arrived",
    "arrived to completed",
    "placed to arrived",
    "placed to completed",
]
"""From one stage to the next, and the whole way."""

SPANS: tuple[Span, ...] = get_args(Span)
_ENDS = tuple(
    tuple(STAGES.index(one) for one in STAGES if one in span.split(" to ")) for span in SPANS
)
_MOST = 2**32 - 1


@final
class CycleRow(NamedTuple):
    """``orders`` went all of ``span``; half took up to ``median``, nine of ten to ``ninetieth``.

    Both are times that an order really took, in whole seconds.
    """

    day: date | None
    channel: str
    service: str
    span: Span
    orders: int
    median: timedelta
    ninetieth: timedelta


@final
class CycleTimes:
    """How long the orders placed in ``period`` (None: ever) took from stage to stage.

    Source: the histories. Percentiles are by nearest rank (:func:`.percentile`), over all orders
    that have gone the whole span, also those given up later. Each keeps four bytes a span. A stage
    that was reported to have occurred before the one it follows took no time.
    """

    def __init__(
        self, *, by: Collection[Dimension] = (), period: Period | None = None, zone: tzinfo = UTC
    ) -> None:
        self._by = Grouping(by, zone)
        self._period = period_of(period)
        self._seconds: dict[Group, tuple[array[int], ...]] = {}

    def add(self, facts: OrderFacts, /) -> None:
        """Add one order."""
        placed_at = facts.placed_at
        if placed_at is None or (self._period is not None and placed_at not in self._period):
            return
        group = self._by.of(facts, placed_at)
        spans = self._seconds.get(group)
        if spans is None:
            spans = self._seconds[group] = tuple(array("I") for _ in SPANS)
        times = reached(facts)
        for seconds, (first, last) in zip(spans, _ENDS, strict=True):
            start, end = times[first], times[last]
            if start is not None and end is not None:
                took = end - start
                seconds.append(min(max(0, took.days * 86_400 + took.seconds), _MOST))

    def rows(self) -> list[CycleRow]:
        """Return a row for each span that an order of the group has gone."""
        return [
            CycleRow(
                *group,
                span,
                len(seconds),
                timedelta(seconds=percentile(seconds, 50)),
                timedelta(seconds=percentile(seconds, 90)),
            )
            for group, spans in sorted(self._seconds.items())
            for span, seconds in zip(SPANS, spans, strict=True)
            if seconds
        ]
