"""What goods cost that left: the ledger read once, each posting valued at the moving average.

The costs are those of :mod:`orderwright.inventory.valuation` (the moving average of International
Accounting Standard 2, paragraph 27), told movement by movement. They are carried in millionths of
a minor unit; each movement is told in whole minor units such that the running total of its SKU
and kind is the rounded exact one, so that no cent is lost however many small units leave.
"""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Literal, NamedTuple, final

from orderwright.errors import InvalidInput
from orderwright.inventory.entries import INSIDE
from orderwright.money import exponent, round_ratio
from orderwright.tracking.reports import Period
from orderwright.values import instance

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from orderwright.inventory.postings import Posting

__all__ = ["Cost", "CostKind", "TurnRow", "costs", "stock_turns"]

CostKind = Literal["sold", "used", "made_into", "lost"]
"""Where it went: to a customer; up in a dish, of which nothing is kept; into other goods; away."""

_SCALE = 10**6


@final
class Cost(NamedTuple):
    """``units`` of a SKU that left ``location``, and what they had cost; negative came back."""

    order_id: str
    at: datetime
    kind: CostKind
    sku: str
    location: str
    units: int
    minor: int
    currency: str


def costs(postings: Iterable[Posting], currency: str) -> Iterator[tuple[str, tuple[Cost, ...]]]:
    """Yield for each posting, oldest first, its id and what the goods cost that it moved out.

    ``dict(costs(postings, "EUR"))`` is a look-up for :class:`.Revenue`. What comes back from a
    customer or is found again comes in at the average of that time, and counts against what left.
    What is made is worth what was used for it. Goods sent back to a supplier are no cost. Raises
    InvalidInput for a cost in another currency.
    """
    exponent(currency)
    books = _Books(currency)
    for posting in postings:
        yield posting.id, books.post(posting)


class _Book:
    """Units of a SKU, and what they are worth in millionths of a minor unit."""

    __slots__ = ("left", "told", "units", "worth")

    def __init__(self) -> None:
        self.units = self.worth = 0
        self.left: dict[CostKind, int] = {}
        self.told: dict[CostKind, int] = {}

    def of(self, units: int) -> int:
        """What so many units are worth at the average."""
        return round_ratio(self.worth * units, self.units, "half_up") if self.units > 0 else 0

    def tell(self, kind: CostKind, worth: int) -> int:
        """Return what left in whole minor units, so that the running total is rounded."""
        left = self.left[kind] = self.left.get(kind, 0) + worth
        whole = round_ratio(left, _SCALE, "half_up")
        told = whole - self.told.get(kind, 0)
        self.told[kind] = whole
        return told


@final
class _Moved:
    """What one posting does to a SKU."""

    __slots__ = ("bought", "bought_units", "inside", "out")

    def __init__(self) -> None:
        self.inside: int = 0
        self.bought: int = 0
        self.bought_units: int = 0
        self.out: dict[tuple[str, CostKind], int] = {}


@final
class _Books:
    """The worth of all SKUs, while postings are read."""

    def __init__(self, currency: str) -> None:
        self.currency: str = currency
        self.books: dict[str, _Book] = {}

    def post(self, posting: Posting) -> tuple[Cost, ...]:
        """Book a posting, and return what the goods cost that left by it."""
        making = any(one.bucket == "production" and one.quantity < 0 for one in posting.entries)
        moves: dict[str, _Moved] = {}
        made: dict[str, int] = {}
        for entry in posting.entries:
            sku, units, bucket = entry.sku, entry.quantity, entry.bucket
            move = moves.get(sku)
            if move is None:
                move = moves[sku] = _Moved()
            if bucket in INSIDE:
                move.inside += units
                cost = entry.terms.unit_cost if entry.terms else None
                if cost is not None and units > 0:
                    if cost.currency != self.currency:
                        wrong = f"{posting.id} cost {cost}, not in {self.currency}"
                        raise InvalidInput.at("currency", wrong)
                    numerator, denominator = cost.ratio(units)
                    move.bought += round_ratio(numerator * _SCALE, denominator, "half_up")
                    move.bought_units += units
            elif bucket == "production" and units < 0:
                made[sku] = made.get(sku, 0) - units
            elif bucket in _OUT:
                kind = _OUT[bucket]
                if kind == "used" and making:
                    kind = "made_into"
                key = (entry.location, kind)
                move.out[key] = move.out.get(key, 0) + units
        found = tuple(self._left(posting, moves))
        self._make(moves, made)
        for sku, move in moves.items():
            book = self.books.setdefault(sku, _Book())
            book.worth += move.bought + book.of(move.inside - move.bought_units)
            book.units += move.inside
        return found

    def _left(self, posting: Posting, moves: dict[str, _Moved]) -> Iterator[Cost]:
        for sku, move in moves.items():
            book = self.books.setdefault(sku, _Book())
            for (location, kind), units in move.out.items():
                if units:
                    minor = book.tell(kind, book.of(units))
                    yield Cost(
                        posting.order_id,
                        posting.at,
                        kind,
                        sku,
                        location,
                        units,
                        minor,
                        self.currency,
                    )

    def _make(self, moves: dict[str, _Moved], made: dict[str, int]) -> None:
        """What is made is worth what was used for it; each unit bears the same share."""
        if not made:
            return
        spent = sum(
            self.books[sku].of(units)
            for sku, move in moves.items()
            for (_, kind), units in move.out.items()
            if kind == "made_into"
        )
        whole = sum(made.values())
        for sku, units in made.items():
            share = round_ratio(spent * units, whole, "half_up")
            if share:
                moves[sku].bought += share
                moves[sku].bought_units += units


_OUT: dict[str, CostKind] = {"customer": "sold", "production": "used", "loss": "lost"}

# Stock turns ---------------------------------------------------------------------------------


@final
class TurnRow(NamedTuple):
    """How often the stock of a SKU (empty: all of it) was turned over in a period.

    ``cost`` is what went out had cost, ``average`` what was on hand was worth on average over the
    time, ``opening`` and ``closing`` at its ends.
    """

    sku: str
    currency: str
    opening_minor: int
    closing_minor: int
    average_minor: int
    cost_minor: int
    turns: Fraction | None
    """Cost over average, None where nothing was on hand."""


def stock_turns(postings: Iterable[Posting], period: Period, currency: str) -> list[TurnRow]:
    """Return how often stock was turned over in ``period``, all of it first, then by SKU.

    Source: the ledger. The inventory turnover ratio of the textbooks, cost of goods sold over
    average inventory at cost; here the average weighs each worth by how long it lasted, so that a
    delivery on the last day does not count for the whole period. What went out of a SKU was sold,
    used up in dishes, or made into others; for all of it together the latter is no cost, as it is
    still there. What was lost is no turnover. Multiply by a year over the length of the period for
    turns a year. A posting dated before one that precedes it counts from that time.
    """
    turning = _Turning(instance(period, Period, "period"), currency)
    for posting in postings:
        if not turning.post(posting):
            break
    return list(turning.rows())


@final
class _Turning:
    """The worth over time of each SKU (empty: of all) in a period, and what went out."""

    def __init__(self, period: Period, currency: str) -> None:
        exponent(currency)
        self.period: Period = period
        self.clock: datetime = period.start
        self.books: _Books = _Books(currency)
        self.worth: dict[str, int] = {"": 0}
        self.opening: dict[str, int] = {}
        self.since: dict[str, datetime] = {}
        self.weighted: dict[str, int] = {}
        """Worth times microseconds."""
        self.cost: dict[str, int] = {}

    def post(self, posting: Posting) -> bool:
        """Book a posting; return whether the period is not over by then."""
        before = posting.at < self.period.start and self.clock == self.period.start
        self.clock = max(self.clock, posting.at)
        if self.clock >= self.period.end:
            return False
        out = self.books.post(posting)
        for sku in dict.fromkeys(entry.sku for entry in posting.entries):
            worth = self.books.books[sku].worth
            whole = self.worth[""] + worth - self.worth.get(sku, 0)
            for key, value in ((sku, worth), ("", whole)):
                self._last(key, self.clock)
                self.worth[key] = value
                if before:
                    self.opening[key] = value
        if not before:
            for one in out:
                if one.kind != "lost":
                    self.cost[one.sku] = self.cost.get(one.sku, 0) + one.minor
                if one.kind in _FOR_GOOD:
                    self.cost[""] = self.cost.get("", 0) + one.minor
        return True

    def _last(self, sku: str, until: datetime) -> None:
        """Weigh the worth of a SKU by how long it has lasted."""
        lasted = (until - self.since.get(sku, self.period.start)) // _TICK
        self.weighted[sku] = self.weighted.get(sku, 0) + self.worth.get(sku, 0) * lasted
        self.since[sku] = until

    def rows(self) -> Iterator[TurnRow]:
        """Yield the rows, at the end of the period."""
        length = self.period.length // _TICK
        for sku in sorted(self.worth):
            self._last(sku, self.period.end)
            weighted, cost = self.weighted[sku], self.cost.get(sku, 0)
            opening = self.opening.get(sku, 0)
            yield TurnRow(
                sku,
                self.books.currency,
                round_ratio(opening, _SCALE, "half_up"),
                round_ratio(self.worth[sku], _SCALE, "half_up"),
                round_ratio(weighted, length * _SCALE, "half_up"),
                cost,
                Fraction(cost * _SCALE * length, weighted) if weighted > 0 else None,
            )


_FOR_GOOD = ("sold", "used")
_TICK = timedelta(microseconds=1)
