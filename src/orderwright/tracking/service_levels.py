"""How well customers were served: fill rate, on time in full, perfect orders."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, NamedTuple, final

from orderwright.lifecycles import Phase
from orderwright.tracking.reports import Group, Grouping, period_of, rate
from orderwright.values import in_utc, tags

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date
    from fractions import Fraction

    from orderwright.tracking.facts import OrderFacts
    from orderwright.tracking.reports import Dimension, Period

__all__ = ["FAULTS", "FillRate", "FillRow", "ServiceLevels", "ServiceRow"]


# Fill rate -----------------------------------------------------------------------------------


@final
class FillRow(NamedTuple):
    """Of the ``orders``, ``lines`` and ``units`` ordered, those filled at once.

    ``served_units`` have left, at once or later; ``cancelled_units`` will not.
    """

    day: date | None
    channel: str
    service: str
    orders: int
    filled_orders: int
    lines: int
    filled_lines: int
    units: int
    filled_units: int
    served_units: int
    cancelled_units: int

    @property
    def order_rate(self) -> Fraction | None:
        """Share of the orders of which everything was there."""
        return rate(self.filled_orders, self.orders)

    @property
    def line_rate(self) -> Fraction | None:
        """Share of the lines of which everything was there."""
        return rate(self.filled_lines, self.lines)

    @property
    def unit_rate(self) -> Fraction | None:
        """Share of the units that were there: the fill rate."""
        return rate(self.filled_units, self.units)


@final
class FillRate:
    """Share of what was ordered in ``period`` (None: ever) that could be served from stock at once.

    Source: the histories. This is the fill rate P2 of Silver, Pyke and Thomas, "Inventory and
    Production Management in Supply Chains" (4th edition, chapter 6): the fraction of demand met
    from the shelf. A unit is filled unless nobody had it, when it was first sourced or later: it
    was backordered, or open when its order was rejected. What customers ordered later on counts
    like the rest, what was sent for a return or a claim does not. Days are when orders were placed.
    """

    def __init__(
        self, *, by: Collection[Dimension] = (), period: Period | None = None, zone: tzinfo = UTC
    ) -> None:
        self._by = Grouping(by, zone)
        self._period = period_of(period)
        self._counts: dict[Group, list[int]] = {}

    def add(self, facts: OrderFacts, /) -> None:
        """Add one order."""
        placed_at = facts.placed_at
        if placed_at is None or (self._period is not None and placed_at not in self._period):
            return
        counts = self._counts.setdefault(self._by.of(facts, placed_at), [0] * 8)
        complete = True
        for line in facts.lines:
            if line.origin != "order":
                continue
            complete = complete and not line.short
            counts[2] += 1
            counts[3] += not line.short
            counts[4] += line.ordered
            counts[5] += line.ordered - line.short
            counts[6] += line.served
            counts[7] += line.cancelled
        counts[0] += 1
        counts[1] += complete

    def rows(self) -> list[FillRow]:
        """Return a row for each group."""
        return [FillRow(*group, *counts) for group, counts in sorted(self._counts.items())]


# On time, in full, perfect -------------------------------------------------------------------

FAULTS = frozenset({"damaged", "defective", "wrong"})
"""The reasons of a return that are nobody's change of mind, unless you say others."""


@final
class ServiceRow(NamedTuple):
    """Of the ``orders`` due, those served well; ``promised`` ones had a time to be there.

    ``on_time`` ones arrived by it, ``in_full`` ones with everything, ``otif`` ones both.
    ``undamaged`` and ``undisputed`` ones gave no cause for complaint; ``perfect`` ones were all
    of that, where those without a promise count as on time once they have arrived.
    """

    day: date | None
    channel: str
    service: str
    orders: int
    promised: int
    on_time: int
    in_full: int
    otif: int
    undamaged: int
    undisputed: int
    perfect: int

    @property
    def on_time_rate(self) -> Fraction | None:
        """Share of the promised orders that arrived by then."""
        return rate(self.on_time, self.promised)

    @property
    def in_full_rate(self) -> Fraction | None:
        """Share of the orders that arrived with everything."""
        return rate(self.in_full, self.orders)

    @property
    def otif_rate(self) -> Fraction | None:
        """Share of the promised orders that arrived on time and in full."""
        return rate(self.otif, self.promised)

    @property
    def perfect_rate(self) -> Fraction | None:
        """Share of the orders that were perfect."""
        return rate(self.perfect, self.orders)


@final
class ServiceLevels:
    """How many of the orders due by ``now`` arrived on time, in full and without a flaw.

    Source: the histories. The measures are those of the SCOR model (Supply Chain Council, version
    11): perfect order fulfillment, RL.1.1; orders delivered in full, RL.2.1; delivery performance
    to customer commit date, RL.2.2; documentation accuracy, RL.2.3; perfect condition, RL.2.4.

    An order is due when it was promised: what the customer was told first, else what they wished
    for, else what the first plan said; without any of these, when it arrived. It is judged once it
    has arrived or is overdue at ``now``, in ``period`` (None: ever) by when it was due. Orders
    given up before that are left out, unless nobody had the goods.

    *On time*: the last of it arrived by then. *In full*: everything ordered and not cancelled has
    arrived, nothing went astray, and nothing was cancelled while it waited for stock. *Undamaged*:
    nothing was claimed, served and made again, or sent back for one of the reasons ``faults``.
    *Undisputed*: no exception was opened, and nothing was credited for nothing in return.
    """

    def __init__(
        self,
        now: datetime,
        *,
        by: Collection[Dimension] = (),
        period: Period | None = None,
        zone: tzinfo = UTC,
        faults: Collection[str] = FAULTS,
    ) -> None:
        self._now = in_utc(now, "now")
        self._by = Grouping(by, zone)
        self._period = period_of(period)
        self._faults = tags(faults, "faults") if faults else frozenset[str]()
        self._counts: dict[Group, list[int]] = {}

    def add(self, facts: OrderFacts, /) -> None:
        """Add one order."""
        due_at = self._due_at(facts)
        if due_at is None or (self._period is not None and due_at not in self._period):
            return
        arrived_at, promised = facts.arrived_at, facts.promised_at is not None
        timely = arrived_at is not None and arrived_at <= due_at
        on_time, in_full = promised and timely, facts.in_full
        undamaged, undisputed = self._undamaged(facts), self._undisputed(facts)
        told = (
            True,
            promised,
            on_time,
            in_full,
            on_time and in_full,
            undamaged,
            undisputed,
            timely and in_full and undamaged and undisputed,
        )
        counts = self._counts.setdefault(self._by.of(facts, due_at), [0] * len(told))
        for index, one in enumerate(told):
            counts[index] += one

    def _due_at(self, facts: OrderFacts) -> datetime | None:
        """When the order was due, if it is to be judged."""
        if facts.placed_at is None:
            return None
        if facts.arrived_at is not None:
            return facts.promised_at or facts.arrived_at
        if facts.promised_at is None or facts.promised_at > self._now:
            return None
        dropped = facts.state.phase is Phase.DROPPED and (
            facts.dropped_at is None or facts.dropped_at <= facts.promised_at
        )
        if dropped and not any(line.given_up for line in facts.lines) and not facts.astray:
            return None
        return facts.promised_at

    def _undamaged(self, facts: OrderFacts) -> bool:
        return not facts.remade and not any(
            one.kind == "claimed" or (one.kind == "returned" and one.reason in self._faults)
            for one in facts.losses
        )

    @staticmethod
    def _undisputed(facts: OrderFacts) -> bool:
        return not facts.exceptions and not any(one.kind == "credited" for one in facts.losses)

    def rows(self) -> list[ServiceRow]:
        """Return a row for each group."""
        return [ServiceRow(*group, *counts) for group, counts in sorted(self._counts.items())]
