"""Fill rates and service levels are what judging each replayed order by hand gives."""

from collections import Counter
from datetime import datetime
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orderwright import Policy
from orderwright.errors import InvalidInput
from orderwright.orders import events as e
from orderwright.tracking.reports import Period, report
from orderwright.tracking.service_levels import FillRate, FillRow, ServiceLevels, ServiceRow
from tests.tracking.oracle import Seen
from tests.tracking.stories import Told, told
from tests.worlds import HOUR, MINUTE, NOON, World, card, line

stories = st.integers(0, 10**6).map(told)


@settings(max_examples=25, deadline=None)
@given(story=stories)
def test_the_fill_rate_counts_what_never_waited(story: Told) -> None:
    """Orders, lines and units are filled unless a unit of them ever had to wait."""
    sums: dict[str, Counter[str]] = {}
    for seen in map(Seen, story.histories.values()):
        if not seen.placed:
            continue
        found = sums.setdefault(seen.order.channel, Counter())
        short = seen.waited()[0]
        lines = seen.ordered_lines
        found["orders"] += 1
        found["filled_orders"] += not any(short[line.id] for line in lines)
        found["lines"] += len(lines)
        found["filled_lines"] += sum(not short[line.id] for line in lines)
        found["units"] += sum(line.ordered for line in lines)
        found["filled_units"] += sum(line.ordered - short[line.id] for line in lines)
        found["served_units"] += sum(seen.units(x.id, lambda one: one.gone) for x in lines)
        found["cancelled_units"] += sum(line.cancelled for line in lines)
    names = FillRow._fields[3:]
    assert [
        FillRow(None, channel, "", *(found[name] for name in names))
        for channel, found in sorted(sums.items())
    ] == report(story.histories.values(), FillRate(by=["channel"]))


def judged(seen: Seen, now: datetime) -> tuple[bool, ...] | None:
    """How well an order was served: each column of the row, None if it is not judged."""
    promised, arrived = seen.promised_at, seen.arrived_at
    if not seen.placed:
        return None
    if arrived is None:
        if promised is None or promised > now:
            return None
        dropped_at = seen.first(lambda order: order.state.phase == "dropped")
        # Who gives up because it is late has been waiting.
        in_time = dropped_at is not None and dropped_at <= promised
        if in_time and not seen.waited()[1] and not seen.astray:
            return None
    timely = arrived is not None and (promised is None or arrived <= promised)
    on_time = timely and promised is not None
    lost = {key[:2] for key in seen.losses()}
    undamaged = (
        not seen.remade
        and not any(kind == "claimed" for kind, _ in lost)
        and ("returned", "damaged") not in lost
    )
    undisputed = not any(
        isinstance(one, e.ExceptionOpened | e.OrderCredited) for one in seen.history
    )
    return (
        True,
        promised is not None,
        on_time,
        seen.in_full,
        on_time and seen.in_full,
        undamaged,
        undisputed,
        timely and seen.in_full and undamaged and undisputed,
    )


@settings(max_examples=25, deadline=None)
@given(story=stories, hours=st.integers(0, 20))
def test_service_levels_judge_what_was_due(story: Told, hours: int) -> None:
    """Every order that was due in a period is judged by its promise, wish, plan or arrival."""
    period = Period(NOON + hours * HOUR, NOON + (hours + 9) * HOUR)
    sums: dict[str, Counter[int]] = {}
    for seen in map(Seen, story.histories.values()):
        told = judged(seen, story.end)
        if told is not None and (seen.promised_at or seen.arrived_at) in period:
            counts = sums.setdefault(seen.order.service, Counter())
            for index, holds in enumerate(told):
                counts[index] += holds
    assert [
        ServiceRow(None, "", service, *(counts[index] for index in range(8)))
        for service, counts in sorted(sums.items())
    ] == report(story.histories.values(), ServiceLevels(story.end, by=["service"], period=period))


def test_perfect_is_on_time_in_full_and_without_a_flaw() -> None:
    """Of seven orders one is perfect: each of the others misses one thing."""
    world = World(("MUG", "MAIN", 60), policy=Policy(short="backorder"))
    names = [f"o{number}" for number in range(1, 8)]
    for name in names:
        world.desk.place(
            [line("MUG", 2)], order_id=name, tenders=[card()], scheduled_for=NOON + 2 * HOUR
        )
    world.desk.promise("o2", NOON + HOUR)
    world.desk.promise("o2", NOON + 3 * HOUR)  # what was told first counts
    world.now = NOON + 90 * MINUTE
    for name in names[:6]:
        world.desk.deliver(name, "f1")
    world.desk.claim("o3", {"l1": 1}, fault="damaged", remedy="refund")
    world.desk.request_return("o4", {"l1": 1}, reason="wrong")
    world.desk.receive_return("o4", {"l1": 1}, location="MAIN")
    world.desk.credit("o5", line().unit_price.times(1, "half_up"), reason="sorry")
    world.desk.request_return("o6", {"l1": 1}, reason="too blue")
    world.desk.receive_return("o6", {"l1": 1}, location="MAIN")
    histories = [world.desk.history(name) for name in names]
    (row,) = report(histories, ServiceLevels(NOON + 3 * HOUR))
    assert ServiceRow(None, "", "", 7, 7, 5, 6, 5, 5, 6, 2) == row
    assert (Fraction(5, 7), Fraction(6, 7), Fraction(5, 7), Fraction(2, 7)) == (
        row.on_time_rate,
        row.in_full_rate,
        row.otif_rate,
        row.perfect_rate,
    )
    (strict,) = report(histories, ServiceLevels(NOON + 3 * HOUR, faults=["too blue"]))
    assert (5, 2) == (strict.undamaged, strict.perfect)
    (lenient,) = report(histories, ServiceLevels(NOON + 3 * HOUR, faults=()))
    assert 6 == lenient.undamaged
    (early,) = report(histories, ServiceLevels(NOON + HOUR))
    assert 6 == early.orders  # the last one is not overdue yet


def test_what_nobody_had_was_not_served() -> None:
    """A cancelled backorder is not in full; what customers gave up by choice is not judged."""
    world = World(("MUG", "MAIN", 3), policy=Policy(short="backorder"))
    for name in ("o1", "o2", "o3"):
        world.desk.place(
            [line("MUG", 2)], order_id=name, tenders=[card()], scheduled_for=NOON + HOUR
        )
    world.desk.cancel("o1", reason="changed mind")
    world.desk.cancel("o2", units={"l1": 1}, reason="never came")
    world.desk.deliver("o2", "f1")
    world.desk.cancel("o3", reason="never came")
    histories = [world.desk.history(name) for name in ("o1", "o2", "o3")]
    (row,) = report(histories, ServiceLevels(NOON + 2 * HOUR))
    assert (2, 1, 0) == (row.orders, row.on_time, row.in_full)
    (filled,) = report(histories, FillRate())
    assert (Fraction(1, 3), Fraction(1, 3), Fraction(1, 2)) == (
        filled.order_rate,
        filled.line_rate,
        filled.unit_rate,
    )
    assert [] == report(histories, FillRate(period=Period(NOON + HOUR, NOON + 2 * HOUR)))


def test_what_went_astray_was_not_served() -> None:
    """An order that was given up after its parcel was lost is late and not in full."""
    world = World()
    world.desk.place([line()], order_id="o1", tenders=[card()], scheduled_for=NOON + HOUR)
    world.desk.ship("o1", "f1")
    world.desk.advance("o1", "f1", "lose")
    world.desk.report_cancellation("o1", reason="never came")
    (row,) = report([world.desk.history("o1")], ServiceLevels(NOON + 2 * HOUR))
    assert (1, 0, 0) == (row.orders, row.on_time, row.in_full)


def test_what_cannot_be_judged_is_refused() -> None:
    """A naive now, and reasons that are a single word, are refused."""
    with pytest.raises(InvalidInput, match=r"now: .*no time zone"):
        ServiceLevels(datetime(2026, 1, 1))  # noqa: DTZ001 - what is refused
    with pytest.raises(InvalidInput, match="faults: expected a set of strings"):
        ServiceLevels(NOON, faults="damaged")
