"""Funnel, backlog and cycle times are what counting replayed orders by hand gives."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from math import ceil
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orderwright.errors import InvalidInput
from orderwright.lifecycles import Phase
from orderwright.tracking.reports import Period, report
from orderwright.tracking.stages import (
    SPANS,
    STAGES,
    Backlog,
    BacklogRow,
    CycleRow,
    CycleTimes,
    Funnel,
    FunnelRow,
)
from tests.tracking.oracle import Seen
from tests.tracking.stories import Told, told
from tests.worlds import HOUR, NOON, World, card, line

BERLIN = ZoneInfo("Europe/Berlin")
stories = st.integers(0, 10**6).map(told)


def placed(story: Told, period: Period | None = None) -> list[Seen]:
    """The orders of a story that were placed in a period."""
    seen = [Seen(history) for history in story.histories.values()]
    return [x for x in seen if x.placed_at and (period is None or x.placed_at in period)]


@settings(max_examples=25, deadline=None)
@given(story=stories, start=st.integers(0, 20))
def test_the_funnel_counts_who_got_how_far(story: Told, start: int) -> None:
    """Each stage has the orders that reached it or a later one, and those lost there."""
    period = Period(NOON + start * HOUR, NOON + (start + 9) * HOUR)
    found: list[FunnelRow] = []
    groups = defaultdict(list)
    for seen in placed(story, period):
        day = seen.placed_at.astimezone(BERLIN).date()
        furthest = max(n for n, time in enumerate(seen.times) if time)
        groups[day, seen.order.channel].append((furthest, seen.order.state.phase))
    for (day, channel), orders in sorted(groups.items()):
        for n, stage in enumerate(STAGES):
            there = sum(furthest >= n for furthest, _ in orders)
            lost = sum(one == (n, Phase.DROPPED) for one in orders)
            found.append(FunnelRow(day, channel, "", stage, there, len(orders), lost))
    funnel = Funnel(by=["day", "channel"], period=period, zone=BERLIN)
    assert found == report(story.histories.values(), funnel)


@settings(max_examples=25, deadline=None)
@given(story=stories)
def test_the_backlog_is_what_is_open(story: Told) -> None:
    """Each open order is in one bucket, with its age and the units that have not arrived."""
    ages = (HOUR, 5 * HOUR)
    waiting = defaultdict(list)
    for seen in placed(story):
        order = seen.order
        if order.state.phase in {"done", "dropped"}:
            continue
        stage = max(n for n, time in enumerate(seen.times[:5]) if time)
        since = seen.times[stage]
        for event, (before, after) in seen.steps:
            if before.state.phase is Phase.DONE and after.state.phase is Phase.WORKING:
                since = max(since, event.at)
        units = sum(one.ordered - one.cancelled for one in order.lines) - sum(
            sum(one.units.values())
            for one in order.fulfillments
            if one.state.phase is Phase.DONE and not one.ended
        )
        age = story.end - since
        waiting[stage, (age >= HOUR) + (age >= 5 * HOUR)].append((age, order.id, units))
    rows = report(story.histories.values(), Backlog(story.end, ages=ages))
    bounds = (timedelta(0), *ages, None)
    assert len(waiting) == len(rows)
    for (key, orders), row in zip(sorted(waiting.items()), rows, strict=True):
        oldest = max(age for age, _, _ in orders)
        assert (STAGES[key[0]], bounds[key[1]], bounds[key[1] + 1]) == row[3:6]
        assert (len(orders), sum(units for _, _, units in orders), oldest) == row[6:9]
        assert (oldest, row.oldest_order_id) in [one[:2] for one in orders]


@settings(max_examples=25, deadline=None)
@given(story=stories)
def test_cycle_times_are_of_the_orders_that_went_the_way(story: Told) -> None:
    """Median and ninetieth are the values of their ranks among the sorted times."""
    spans = defaultdict(list)
    for seen in placed(story):
        times = dict(zip(STAGES, seen.times, strict=True))
        for span in SPANS:
            first, last = span.split(" to ")
            if times[first] and times[last]:
                took = max(timedelta(0), times[last] - times[first])
                spans[span].append(timedelta(seconds=took // timedelta(seconds=1)))
    rows = []
    for span in SPANS:
        took = sorted(spans[span])
        if took:
            ranks = [took[ceil(len(took) * percent / 100) - 1] for percent in (50, 90)]
            rows.append(CycleRow(None, "", "", span, len(took), *ranks))
    assert rows == report(story.histories.values(), CycleTimes())


def test_a_short_life_is_told() -> None:
    """One order goes all the way, one is cancelled on it, one waits; a period chooses them."""
    world = World()
    for name in ("o1", "o2", "o3"):
        world.desk.place([line()], order_id=name, tenders=[card()], channel=f"c{name}")
    world.now += HOUR
    world.desk.ship("o1", "f1")
    world.now += 2 * HOUR
    world.desk.deliver("o1", "f1")
    world.desk.cancel("o2", reason="no")
    histories = [world.desk.history(name) for name in ("o1", "o2", "o3")]
    rows = report(histories, Funnel())
    assert [("placed", 3, 0), ("confirmed", 3, 1), ("begun", 1, 0)] == [
        (row.stage, row.orders, row.lost) for row in rows[:3]
    ]
    assert [3] * 6 == [row.of for row in rows]
    assert "1/3" == str(rows[-1].reached_rate)
    cycle = {row.span: row for row in report(histories, CycleTimes())}
    assert (HOUR, 2 * HOUR, 1) == (
        cycle["confirmed to begun"].median,
        cycle["left to arrived"].ninetieth,
        cycle["placed to completed"].orders,
    )
    assert cycle["placed to arrived"].median == 3 * HOUR
    age = 3 * HOUR
    assert [BacklogRow(None, "co3", "", "confirmed", HOUR, 4 * HOUR, 1, 1, age, "o3")] == report(
        histories, Backlog(world.now, by=["channel"])
    )
    (exact,) = report(histories, Backlog(world.now, ages=[3 * HOUR]))
    assert (3 * HOUR, None) == (exact.from_age, exact.to_age)
    later = Period(NOON + HOUR, NOON + 2 * HOUR)
    assert (
        [] == report(histories, Funnel(period=later)) == report(histories, CycleTimes(period=later))
    )


def test_a_reopened_order_waits_anew() -> None:
    """What is taken up again is as old as that, at the stage it had reached."""
    world = World()
    world.desk.place([line()], order_id="o1", tenders=[card()])
    world.desk.deliver("o1", "f1")
    world.now += 5 * HOUR
    world.desk.advance_order("o1", "reopen")
    (row,) = report([world.desk.history("o1")], Backlog(world.now + HOUR))
    assert ("arrived", HOUR, 0) == (row.stage, row.oldest_age, row.units)


def test_a_backlog_needs_a_now_and_rising_ages() -> None:
    """A time before what happened, naive times and ages that fall say what to change."""
    world = World()
    world.desk.place([line()], order_id="o1", tenders=[card()])
    with pytest.raises(InvalidInput, match=r"now: o1 was confirmed at .*give a later time"):
        report([world.desk.history("o1")], Backlog(NOON - HOUR))
    with pytest.raises(InvalidInput, match=r"now: .*no time zone"):
        Backlog(datetime(2026, 1, 1))  # noqa: DTZ001 - what is refused
    for ages in ((HOUR, HOUR), (timedelta(0),), (2 * HOUR, HOUR)):
        with pytest.raises(InvalidInput, match=r"ages: .*sort them"):
            Backlog(NOON, ages=ages)
    for kind in (Funnel, CycleTimes):
        with pytest.raises(InvalidInput, match="period: expected Period"):
            kind(period=(NOON, NOON + HOUR))


def test_a_very_long_time_is_the_longest_there_is() -> None:
    """What took longer than four bytes of seconds can say took that long."""
    world = World()
    world.desk.place([line()], order_id="o1", tenders=[card()])
    world.desk.deliver("o1", "f1", at=datetime(2400, 1, 1, tzinfo=UTC))
    rows = report([world.desk.history("o1")], CycleTimes())
    assert timedelta(seconds=2**32 - 1) == rows[-1].median
