"""Promise dates against counting the days one by one."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderwright.errors import InvalidInput
from orderwright.fulfillment.promising import Calendar, promise

BERLIN = ZoneInfo("Europe/Berlin")
TIMES = st.integers(0, 50 * 86_400).map(
    lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
DAYS = st.dates(date(2026, 1, 1), date(2026, 3, 1))
CALENDARS = st.builds(
    Calendar,
    zone=st.sampled_from([UTC, BERLIN, timezone(timedelta(hours=-11))]),
    cutoff=st.none() | st.times(),
    weekdays=st.frozensets(st.integers(0, 6), min_size=1),
    holidays=st.frozensets(DAYS, max_size=9),
    preparation=st.integers(0, 5),
)


def counted(at: datetime, calendar: Calendar) -> date:
    """The day something leaves: working days from the one it counts as, one by one."""
    local = at.astimezone(calendar.zone)
    days = [local.date() + timedelta(days=number) for number in range(400)]
    if calendar.cutoff is not None and local.time() > calendar.cutoff:
        days = days[1:] if calendar.works(days[0]) else days
    working = [
        day for day in days if day.weekday() in calendar.weekdays and day not in calendar.holidays
    ]
    return working[calendar.preparation]


@given(
    TIMES,
    CALENDARS,
    st.none() | CALENDARS,
    st.integers(0, 6),
)
def test_promises(at: datetime, calendar: Calendar, delivers: Calendar | None, days: int) -> None:
    """It leaves and arrives on the working days that counting on a list finds."""
    found = promise(at, calendar, transit_days=days, delivers=delivers)
    carrier = delivers or calendar
    leaves = counted(at, calendar)
    days_after = [leaves + timedelta(days=number) for number in range(400)]
    working = [day for day in days_after if carrier.works(day)]
    # Where it is handed over on a day nobody drives, the first such day comes before the transit.
    assert (leaves, working[days]) == found[:2]
    # It is with the customer by the end of that day, as the clocks where they live tell it.
    assert working[days] == found.by.astimezone(carrier.zone).date()
    assert working[days] < (found.by + timedelta(seconds=1)).astimezone(carrier.zone).date()


def test_the_cut_off_is_local() -> None:
    """At a quarter past three in summer it is too late for three o'clock in Berlin."""
    calendar = Calendar(zone=BERLIN, cutoff=time(15), holidays=[date(2026, 12, 25)])
    assert date(2026, 7, 6) == calendar.leaves(datetime(2026, 7, 6, 13, 0, tzinfo=UTC))
    assert date(2026, 7, 7) == calendar.leaves(datetime(2026, 7, 6, 13, 0, 1, tzinfo=UTC))
    eve = datetime(2026, 12, 24, 14, 30, tzinfo=UTC)
    found = promise(eve, calendar, transit_days=2)
    assert (date(2026, 12, 28), date(2026, 12, 30)) == (found.leaves, found.arrives)


@pytest.mark.parametrize(
    "wrong",
    [
        {"zone": "Europe/Berlin"},
        {"cutoff": time(12, tzinfo=UTC)},
        {"cutoff": 12},
        {"weekdays": []},
        {"weekdays": [7]},
        {"holidays": [datetime(2026, 1, 1, tzinfo=UTC)]},
        {"holidays": ["2026-01-01"]},
        {"preparation": -1},
        {"preparation": 4000},
    ],
)
def test_what_is_no_calendar(wrong: dict[str, object]) -> None:
    """A calendar that could not be worked by cannot be made."""
    with pytest.raises(InvalidInput):
        Calendar(**{"zone": UTC, **wrong})  # type: ignore[arg-type]


def test_bad_times() -> None:
    """Naive times, endless transits and the end of the calendar are refused."""
    calendar = Calendar(zone=UTC)
    with pytest.raises(InvalidInput):
        promise(datetime(2026, 1, 1), calendar)  # noqa: DTZ001 - that is the point
    for days in (-1, 4000):
        with pytest.raises(InvalidInput):
            promise(datetime(2026, 1, 1, tzinfo=UTC), calendar, transit_days=days)
    with pytest.raises(InvalidInput, match="no working day is left"):
        calendar.after(date(9999, 12, 31), 1)


def test_a_zone_that_is_none_is_refused_whatever_it_is() -> None:
    """Also what cannot be printed."""
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InvalidInput, match="expected a tzinfo, got list"):
        Calendar(zone=deep)
