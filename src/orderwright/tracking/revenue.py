"""What was earned: revenue, and margin over what the goods cost, by channel, place, SKU and day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Literal, NamedTuple, final

from orderwright.errors import InvalidInput, NotFound
from orderwright.money import shares
from orderwright.tracking.costing import Cost
from orderwright.tracking.reports import chosen_of, day_of, period_of, rate, zone_of
from orderwright.values import choice

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import date
    from fractions import Fraction

    from orderwright.tracking.facts import Booking, OrderFacts, Sale
    from orderwright.tracking.reports import Period

__all__ = ["CostLookup", "Counting", "Revenue", "RevenueBy", "RevenueRow"]

RevenueBy = Literal["day", "channel", "location", "sku", "kind"]
"""What revenue can be told apart by."""

Counting = Literal["as_it_happens", "with_the_order"]
"""On which day a change counts: its own, or the one on which its order was placed."""

CostLookup = Callable[[str], Sequence[Cost] | None]
"""What the goods cost that a posting (by id) moved out, None for a posting that there is not."""


@final
class RevenueRow(NamedTuple):
    """What is due, in minor units, for what the first columns say; empty: not told apart.

    ``units`` are still paid for. ``gross`` is due of customers, ``tax`` is what of it is tax, on
    top or included, ``net`` the rest. ``cost`` is what the goods had cost, ``margin`` net less
    cost; None where no costs were given.
    """

    day: date | None
    channel: str
    location: str
    sku: str
    kind: str
    currency: str
    units: int
    gross_minor: int
    tax_minor: int
    net_minor: int
    cost_minor: int | None
    margin_minor: int | None

    @property
    def margin_rate(self) -> Fraction | None:
        """Share of the net revenue that is left after costs."""
        return None if self.margin_minor is None else rate(self.margin_minor, self.net_minor)


_Key = tuple["date | None", str, str, str, str, str]


@final
class Revenue:
    """What the orders came to, ``by`` day, channel, location, SKU, kind, or several of them.

    Source: the histories, and for costs the ledger. Everything that is due of placed orders
    counts, whether it is paid yet or not: prices with their adjustments, net of what was credited
    by cancellations, returns, claims and reductions. The rows of a report over all time add up to
    the sum of :attr:`.Order.due` to the cent, and their units to those still paid for.

    A change counts when it occurs: a sale when it was ordered, a credit when it was given; a day
    that is over keeps its figures. Counting ``with_the_order`` instead, all that ever became of an
    order, its costs included, belongs to the time it was placed. ``period`` is by the same time
    (None: ever), days are those of ``zone``.

    What one tab takes over from another counts where it was ordered, and once.

    What is sold belongs to the location that serves it, shared by units where several do, and to
    none (empty) while nobody does, where it was given up, and for charges. ``kind`` is ``goods``,
    or what a charge is for, such as ``shipping``.

    Costs are those of :func:`.costs`, looked up by posting; they count when the ledger booked them,
    at the place the goods left or came back to. Ingredients are a cost of the dish, at the place
    that makes it. Where several dishes used the same, they share its cost by units. Raises
    NotFound for a posting that the look-up does not know.
    """

    def __init__(
        self,
        *,
        by: Collection[RevenueBy] = (),
        period: Period | None = None,
        zone: tzinfo = UTC,
        counting: Counting = "as_it_happens",
        costs: CostLookup | None = None,
    ) -> None:
        choice(counting, Counting, "counting")
        if costs is not None and not callable(costs):
            raise InvalidInput.at("costs", "expected a look-up, such as dict(costs(…)).get")
        self._by = chosen_of(by, RevenueBy)
        self._by_day = "day" in self._by
        self._by_place = "location" in self._by
        self._period = period_of(period)
        self._zone = zone_of(zone)
        self._with_order = counting == "with_the_order"
        self._costs = costs
        self._sums: dict[_Key, list[int]] = {}

    def add(self, facts: OrderFacts, /) -> None:
        """Add one order."""
        if facts.placed_at is None:
            return
        places = {line.id: line.places for line in facts.lines} if self._by_place else {}
        for sale in facts.sales:
            at = facts.placed_at if self._with_order else sale.at
            if self._period is not None and at not in self._period:
                continue
            change = (sale.units, sale.gross, sale.tax)
            for location, part in _spread(sale, places, change):
                sums = self._of(facts, at, location, sale.sku, sale.kind)
                sums[0] += part[0]
                sums[1] += part[1]
                sums[2] += part[2]
        if self._costs is not None:
            for booking in facts.bookings:
                for cost, sku, location, minor in self._found(self._costs, booking, facts):
                    at = facts.placed_at if self._with_order else cost.at
                    if self._period is None or at in self._period:
                        self._of(facts, at, location, sku, "goods")[3] += minor

    def _of(self, facts: OrderFacts, at: datetime, location: str, sku: str, kind: str) -> list[int]:
        by = self._by
        key = (
            day_of(at, self._zone) if self._by_day else None,
            facts.channel if "channel" in by else "",
            location if self._by_place else "",
            sku if "sku" in by else "",
            kind if "kind" in by else "",
            facts.currency,
        )
        sums = self._sums.get(key)
        if sums is None:
            sums = self._sums[key] = [0, 0, 0, 0]
        return sums

    @staticmethod
    def _found(
        look_up: CostLookup, booking: Booking, facts: OrderFacts
    ) -> Iterator[tuple[Cost, str, str, int]]:
        """Yield the costs of a booking, and of what sold at which place they are."""
        found = look_up(booking.posting_id)
        if found is None:
            raise NotFound("costs of posting", booking.posting_id, facts.order_id)
        for cost in found:
            if cost.currency != facts.currency:
                wrong = f"{booking.posting_id} is in {cost.currency}, its order in {facts.currency}"
                raise InvalidInput.at("costs", f"{wrong}: value the ledger in that")
            if cost.kind == "sold":
                yield cost, cost.sku, cost.location, cost.minor
            elif cost.kind == "used":
                uses = [
                    one
                    for one in booking.shares
                    if one.used == cost.sku and one.larder == cost.location
                ]
                if not uses:
                    yield cost, cost.sku, cost.location, cost.minor
                parts = _signed(cost.minor, [one.units for one in uses])
                for one, minor in zip(uses, parts, strict=True):
                    yield cost, one.sku, one.location, minor

    def rows(self) -> list[RevenueRow]:
        """Return a row for all that has something in common, and one for each currency."""
        costed = self._costs is not None
        return [
            RevenueRow(
                *key,
                units,
                gross,
                tax,
                gross - tax,
                cost if costed else None,
                gross - tax - cost if costed else None,
            )
            for key, (units, gross, tax, cost) in sorted(self._sums.items())
        ]


_Part = tuple[int, int, int]


def _spread(
    sale: Sale, places: dict[str, tuple[tuple[str, int], ...]], change: _Part
) -> Sequence[tuple[str, _Part]]:
    """Share a change over the locations that serve its line."""
    found = places.get(sale.target, ())
    if len(found) < _SEVERAL:
        return ((found[0][0] if found else "", change),)
    weights = [units for _, units in found]
    units, gross, tax = (_signed(one, weights) for one in change)
    return [
        (location, (units[index], gross[index], tax[index]))
        for index, (location, _) in enumerate(found)
    ]


def _signed(amount: int, weights: Sequence[int]) -> list[int]:
    """Return ``amount`` of either sign by ``weights``, by largest remainder."""
    if not weights:
        return []
    found = shares(abs(amount), weights)
    return found if amount >= 0 else [-one for one in found]


_SEVERAL = 2
