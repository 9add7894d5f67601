"""One pass over the histories, periods, percentiles, and tables that people can read."""

from array import array
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from fractions import Fraction
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderwright.errors import InvalidInput, NotFound
from orderwright.tracking.facts import OrderFacts
from orderwright.tracking.reports import (
    Group,
    Grouping,
    Period,
    day_of,
    percentile,
    rate,
    read,
    report,
    table,
)
from tests.tracking.stories import told
from tests.worlds import HOUR, NOON

BERLIN = ZoneInfo("Europe/Berlin")


class Seen(NamedTuple):
    """A row of the report below."""

    order_id: str


class Names:
    """A report that remembers whom it was told of."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    def add(self, facts: OrderFacts, /) -> None:
        """Add one order."""
        self.ids.append(facts.order_id)

    def rows(self) -> list[Seen]:
        """Return the names, sorted."""
        return [Seen(one) for one in sorted(self.ids)]


def test_every_report_is_told_every_order_once() -> None:
    """Histories are read one after the other, also from a generator, and counted."""
    histories = told(1).histories
    first, second = Names(), Names()
    assert len(histories) == read(iter(histories.values()), first, second)
    assert list(histories) == first.ids == second.ids
    assert [Seen(one) for one in sorted(histories)] == report(histories.values(), Names())
    assert 0 == read([], first)


def test_a_broken_history_stops_the_reading() -> None:
    """What is no history is named; what was read before it is in the report."""
    one, *_ = told(1).histories.values()
    names = Names()
    with pytest.raises(NotFound, match="history"):
        read([one, ()], names)
    with pytest.raises(InvalidInput, match="oldest first"):
        read([one[1:]], names)
    assert 1 == len(names.ids)


# Periods -----------------------------------------------------------------------------------


def test_a_period_ends_after_its_start() -> None:
    """It holds its start and not its end, is kept in UTC, and says what to change."""
    period = Period(NOON.astimezone(BERLIN), NOON + HOUR)
    assert (UTC, HOUR) == (period.start.tzinfo, period.length)
    assert NOON in period
    assert NOON + HOUR not in period
    assert "noon" not in period
    for start, end in ((NOON, NOON), (NOON + HOUR, NOON)):
        with pytest.raises(InvalidInput, match=r"end: .*give a later end"):
            Period(start, end)
    with pytest.raises(InvalidInput, match=r"start: .*no time zone"):
        Period(datetime(2026, 1, 1), NOON)  # noqa: DTZ001 - what is refused
    with pytest.raises(InvalidInput, match="end: expected a datetime"):
        Period(NOON, "tomorrow")


def test_a_period_of_days_is_of_local_days() -> None:
    """Days begin and end at local midnight: the one in which clocks go back lasts 25 hours."""
    autumn = date(2026, 10, 25)
    assert timedelta(hours=25) == Period.of_days(autumn, zone=BERLIN).length
    assert timedelta(hours=24) == Period.of_days(autumn).length
    assert timedelta(days=2) == Period.of_days(autumn, date(2026, 10, 26)).length
    for first, last in ((autumn, date(2026, 10, 24)), ("today", None), (autumn, "tomorrow")):
        with pytest.raises(InvalidInput, match=r"swap the two|expected date"):
            Period.of_days(first, last)
    with pytest.raises(InvalidInput, match="zone: expected a time zone"):
        Period.of_days(autumn, zone="Europe/Berlin")
    with pytest.raises(InvalidInput, match="last: is the end of the calendar"):
        Period.of_days(autumn, date.max)


@pytest.mark.parametrize("zone", [UTC, BERLIN, timezone(timedelta(hours=13))])
def test_a_day_is_what_the_clock_shows(zone: tzinfo) -> None:
    """Every moment of a period of days lies on one of them."""
    period = Period.of_days(date(2026, 3, 28), date(2026, 3, 30), zone=zone)
    assert date(2026, 3, 28) == day_of(period.start, zone)
    assert date(2026, 3, 30) == day_of(period.end - timedelta(microseconds=1), zone)
    assert date(2026, 3, 31) == day_of(period.end, zone)


# Groups ------------------------------------------------------------------------------------


def test_groups_are_by_what_was_asked_for() -> None:
    """Dimensions that were not asked for are empty; other words, and a single one, are refused."""
    facts = next(iter(Facts.of(1)))
    at = datetime(2026, 1, 1, 23, 30, tzinfo=UTC)
    assert Group() == Grouping(()).of(facts, at)
    assert Group(date(2026, 1, 1), facts.channel) == Grouping(["day", "channel"]).of(facts, at)
    assert Group(date(2026, 1, 2)) == Grouping({"day"}, BERLIN).of(facts, at)
    assert Group(service=facts.service) == Grouping(["service"]).of(facts, at)
    with pytest.raises(InvalidInput, match="by: 'colour' is none of day, channel, service"):
        Grouping(["colour"])
    with pytest.raises(InvalidInput, match="by: expected a set of strings"):
        Grouping("day")


class Facts:
    """The facts of a story."""

    def __init__(self) -> None:
        self.found: list[OrderFacts] = []

    def add(self, facts: OrderFacts, /) -> None:
        """Keep them."""
        self.found.append(facts)

    def rows(self) -> list[OrderFacts]:
        """Return them."""
        return self.found

    @classmethod
    def of(cls, seed: int) -> list[OrderFacts]:
        """Return those of one story."""
        return list(report(told(seed).histories.values(), cls()))


# Figures -----------------------------------------------------------------------------------


@given(
    values=st.lists(st.integers(0, 300) | st.integers(0, 2**32 - 1), min_size=1),
    percent=st.integers(1, 100),
)
def test_a_percentile_is_the_value_of_its_rank(values: list[int], percent: int) -> None:
    """It is the smallest value that at least so many percent of all do not exceed."""
    found = percentile(array("I", values), percent)
    reached = [x for x in values if 100 * sum(y <= x for y in values) >= percent * len(values)]
    assert min(reached) == found


def test_a_percentile_of_nothing_is_refused() -> None:
    """No values, and percentages that are none, are refused."""
    with pytest.raises(InvalidInput, match="values: there are none"):
        percentile([], 50)
    for percent in (0, 101, "50"):
        with pytest.raises(InvalidInput, match=r"percent: .*from 1 to 100"):
            percentile([1], percent)


def test_a_rate_is_exact() -> None:
    """A rate is a fraction, and nothing of nothing."""
    assert Fraction(1, 3) == rate(2, 6)
    assert rate(0, 0) is None


# For people --------------------------------------------------------------------------------


class Row(NamedTuple):
    """A row with all there can be in one."""

    name: str
    note: str
    at: datetime | None
    orders: int
    gross_minor: int
    currency: str
    turns: Fraction | None

    @property
    def served_rate(self) -> Fraction | None:
        """A rate."""
        return rate(self.orders, 3)


def test_a_table_can_be_read() -> None:
    """Numbers stand right, amounts in their currency, rates in percent; empty columns are gone."""
    rows = [
        Row("a\x1b[2J", "", NOON, 1, -123456, "EUR", Fraction(7, 2)),
        Row("longer", "", None, 12, 7, "JPY", None),
    ]
    assert """\
name    at                orders     gross  currency  turns  served rate
a [2J   2026-01-01 12:00       1  -1234.56  EUR         3.5       33.3 %
longer                        12         7  JPY                  400.0 %""" == table(rows)
    assert "" == table([])
