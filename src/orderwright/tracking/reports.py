"""What all reports share: one pass over the histories, periods, groups, and tables for people.

A report is made empty, told the facts of one order after the other, and asked for its rows. It
keeps sums and no orders. Rows are named tuples of plain values, so ``pandas.DataFrame(rows)`` has
their columns; amounts are whole minor units beside their ``currency``, and a rate is the exact
fraction of two of its columns, or None of nothing::

    funnel, revenue = Funnel(), Revenue(by=["day"])
    read(histories, funnel, revenue)
    print(table(revenue.rows()))
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeVar, final

from attrs import field, frozen

from orderwright.errors import InvalidInput
from orderwright.money import Money, round_ratio
from orderwright.tracking.reading import facts_of
from orderwright.values import choice, in_utc, instance, tags

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from orderwright.orders.events import Event
    from orderwright.tracking.facts import OrderFacts

__all__ = [
    "Dimension",
    "Group",
    "Grouping",
    "Period",
    "Report",
    "day_of",
    "percentile",
    "rate",
    "read",
    "report",
    "table",
]

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

Dimension = Literal["day", "channel", "service"]
"""What orders can be told apart by."""


def _start(value: datetime) -> datetime:
    return in_utc(value, "start")


def _end(value: datetime) -> datetime:
    return in_utc(value, "end")


@final
@frozen
class Period:
    """The time from ``start`` until just before ``end`` (aware, kept in UTC).

    Raises InvalidInput if it would not end after its start.
    """

    start: datetime = field(converter=_start)
    end: datetime = field(converter=_end)

    def __attrs_post_init__(self) -> None:
        """Refuse what is no time at all."""
        if self.end <= self.start:
            told = f"{self.end.isoformat()} is not after the start, {self.start.isoformat()}"
            raise InvalidInput.at("end", f"{told}: give a later end, or swap the two")

    @classmethod
    def of_days(cls, first: date, last: date | None = None, *, zone: tzinfo = UTC) -> Period:
        """Return the days from ``first`` to ``last`` (as ``first`` if left out), both whole.

        They begin and end at midnight in ``zone``. Raises InvalidInput for a last day before.
        """
        zone_of(zone)
        first, ends = _day(first, "first"), _day(first if last is None else last, "last")
        if ends < first:
            wrong = f"{ends.isoformat()} is before the first day, {first.isoformat()}: swap the two"
            raise InvalidInput.at("last", wrong)
        if ends == date.max:
            raise InvalidInput.at("last", "is the end of the calendar")
        after = ends + timedelta(days=1)
        return cls(_midnight(first, zone), _midnight(after, zone))

    @property
    def length(self) -> timedelta:
        """How long it lasts."""
        return self.end - self.start

    def __contains__(self, moment: object) -> bool:
        """Whether an aware datetime lies in it."""
        return isinstance(moment, datetime) and self.start <= moment < self.end


def _day(value: object, path: str) -> date:
    found = instance(value, date, path)
    return date(found.year, found.month, found.day)


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(0), tzinfo=zone)


def day_of(moment: datetime, zone: tzinfo) -> date:
    """Return the day a clock in ``zone`` shows at ``moment``."""
    return (moment if moment.tzinfo is zone else moment.astimezone(zone)).date()


class Report(Protocol[R_co]):
    """A figure over many orders: told their facts one by one, it has rows at any time."""

    def add(self, facts: OrderFacts, /) -> None:
        """Add one order."""

    def rows(self) -> Sequence[R_co]:
        """Return what all orders so far come to, sorted by its first columns."""
        ...


def read(histories: Iterable[Iterable[Event]], *reports: Report[object]) -> int:
    """Tell ``reports`` every order, in one pass; return how many there were.

    ``histories`` yields of each order all its events, oldest first; nothing of it is kept. Raises
    what :func:`.facts_of` raises; the orders before that one are in the reports then.
    """
    count = 0
    adding = [one.add for one in reports]
    for count, history in enumerate(histories, 1):  # noqa: B007 - counted for the caller
        found = facts_of(history)
        for add in adding:
            add(found)
    return count


def report(histories: Iterable[Iterable[Event]], one: Report[R]) -> Sequence[R]:
    """Return the rows of one report over ``histories``; see :func:`read`."""
    read(histories, one)
    return one.rows()


# Groups --------------------------------------------------------------------------------------


@final
class Group(NamedTuple):
    """What the orders of a row have in common; None and empty where that was not asked for."""

    day: date | None = None
    channel: str = ""
    service: str = ""


@final
class Grouping:
    """Puts orders into groups ``by`` some of the dimensions; days are those of ``zone``.

    Raises InvalidInput for what is no dimension or no time zone.
    """

    __slots__ = ("channel", "day", "service", "zone")

    def __init__(self, by: Collection[Dimension], zone: tzinfo = UTC) -> None:
        chosen = chosen_of(by, Dimension)
        self.zone: tzinfo = zone_of(zone)
        self.day: bool = "day" in chosen
        self.channel: bool = "channel" in chosen
        self.service: bool = "service" in chosen

    def of(self, facts: OrderFacts, at: datetime) -> Group:
        """Return the group of an order that counts at ``at``."""
        return Group(
            day_of(at, self.zone) if self.day else None,
            facts.channel if self.channel else "",
            facts.service if self.service else "",
        )


def chosen_of(by: Collection[str], among: object) -> frozenset[str]:
    """Return the dimensions in ``by``; raise InvalidInput for one that is none of ``among``."""
    found = tags(by, "by") if by else frozenset[str]()
    for one in sorted(found):
        choice(one, among, "by")
    return found


def zone_of(value: object) -> tzinfo:
    """Return ``value`` if it is a time zone; else raise InvalidInput."""
    if not isinstance(value, tzinfo):
        wrong = f"expected a time zone such as UTC or a ZoneInfo, got {type(value).__name__}"
        raise InvalidInput.at("zone", wrong)
    return value


def period_of(value: Period | None) -> Period | None:
    """Return ``value`` if it is a period, or None for all time; else raise InvalidInput."""
    return None if value is None else instance(value, Period, "period")


# Figures -------------------------------------------------------------------------------------


def rate(count: int, of: int) -> Fraction | None:
    """Return ``count`` of ``of``, exactly; None of nothing."""
    return Fraction(count, of) if of else None


def percentile(values: Sequence[int], percent: int) -> int:
    """Return the smallest of ``values`` (each from 0 to 2**32 - 1) that ``percent`` do not exceed.

    This is the nearest-rank definition, the first of the nine in Hyndman and Fan, "Sample
    quantiles in statistical packages" (The American Statistician 50, 1996): the value of rank
    ``ceil(n * percent / 100)``, always one that was seen. Found by counting twice, the upper and
    then the lower half of the bits, without sorting or copying. Raises InvalidInput for no values,
    or a percentage that is not from 1 to 100.
    """
    if type(percent) is not int or not 1 <= percent <= _ALL:
        raise InvalidInput.at("percent", "expected a whole number from 1 to 100")
    if not values:
        raise InvalidInput.at("values", "there are none: expected at least one")
    rank = -(-len(values) * percent // _ALL)
    upper: dict[int, int] = {}
    for value in values:
        upper[value >> _HALF] = upper.get(value >> _HALF, 0) + 1
    high, rank = _ranked(upper, rank)
    lower: dict[int, int] = {}
    for value in values:
        if value >> _HALF == high:
            lower[value & _MASK] = lower.get(value & _MASK, 0) + 1
    return (high << _HALF) + _ranked(lower, rank)[0]


def _ranked(counts: dict[int, int], rank: int) -> tuple[int, int]:
    """Return the value of that rank, and its rank among the equal ones."""
    values = iter(sorted(counts))
    value = next(values)
    while rank > counts[value]:
        rank -= counts[value]
        value = next(values)
    return value, rank


_ALL = 100
_HALF = 16
_MASK = (1 << _HALF) - 1

# For people ----------------------------------------------------------------------------------


def table(rows: Iterable[NamedTuple]) -> str:
    """Return rows of one kind as a table for a terminal; nothing for no rows.

    Its columns are those of the rows and then their rates. Columns that are empty in all rows are
    left out, amounts are in the row's currency, rates in percent.
    """
    given = list(rows)
    if not given:
        return ""
    kind = type(given[0])
    rates = [name for name, value in vars(kind).items() if isinstance(value, property)]
    names = [*given[0]._fields, *rates]
    lines = [[_told(one, name) for name in names] for one in given]
    kept = [index for index in range(len(names)) if any(line[index] for line in lines)]
    titles = [name.removesuffix("_minor").replace("_", " ") for name in names]
    every = [titles, *lines]
    width = [max(len(line[index]) for line in every) for index in range(len(names))]
    right = {index for index in kept if all(_number(getattr(one, names[index])) for one in given)}
    return "\n".join(
        "  ".join(
            line[index].rjust(width[index]) if index in right else line[index].ljust(width[index])
            for index in kept
        ).rstrip()
        for line in every
    )


def _number(value: object) -> bool:
    return value is None or isinstance(value, int | Fraction | timedelta)


def _told(row: NamedTuple, name: str) -> str:
    value: object = getattr(row, name)
    if value is None:
        return ""
    if isinstance(value, Fraction):
        return _fraction(value, percent=name.endswith("rate"))
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, int) and name.endswith("_minor"):
        return f"{Money(value, str(getattr(row, 'currency', ''))).amount:f}"
    said = str(value)
    return "".join(char if char.isprintable() else " " for char in said)


def _fraction(value: Fraction, *, percent: bool) -> str:
    scale = _ALL if percent else 1
    tenths = round_ratio(value.numerator * scale * 10, value.denominator, "half_up")
    return f"{Decimal(f'{tenths}e-1'):f}" + (" %" if percent else "")
