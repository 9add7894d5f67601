"""The load of the kitchen is what looking at every ticket in every slot by hand gives."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orderwright import DraftLine, Location, OrderDesk, Policy, Posting, UnitPrice
from orderwright.adapters.memory import MemoryInventory, MemoryOrders, MemoryPayments
from orderwright.errors import InvalidInput
from orderwright.tracking.kitchen import KitchenLoad, LoadRow, render_load
from orderwright.tracking.reading import facts_of
from orderwright.tracking.reports import Period, report
from tests.tracking.stories import told
from tests.worlds import HOUR, MINUTE, NOON

KINDS = {"ticket", "shipment"}


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    start=st.integers(-60, 900),
    length=st.integers(1, 300),
    minutes=st.integers(1, 90),
)
def test_each_slot_counts_its_tickets(seed: int, start: int, length: int, minutes: int) -> None:
    """Fired, being made, made and late are counted in every slot whose time they touch."""
    story = told(seed)
    period = Period(NOON + start * MINUTE, NOON + (start + length) * MINUTE)
    slot = minutes * MINUTE
    work = [
        one
        for history in story.histories.values()
        for one in facts_of(history).work
        if one.kind in KINDS
    ]
    expected = []
    for station in sorted({one.location for one in work}):
        here = [one for one in work if one.location == station]
        for number in range(-(-length // minutes)):
            begins = period.start + number * slot
            ends = min(begins + slot, period.end)
            fired = [one for one in here if begins <= one.started_at < ends]
            making = [
                one
                for one in here
                if one.started_at < ends
                and begins <= (one.made_at or story.end)
                and (one.started_at <= (one.made_at or story.end) or one in fired)
            ]
            made = [one for one in here if one.made_at and begins <= one.made_at < ends]
            late = [
                one
                for one in here
                if one.due_at
                and begins <= one.due_at < ends
                and one.due_at < (one.made_at or story.end)
            ]
            dishes = sum(one.units for one in fired)
            row = LoadRow(
                station, begins, ends, len(fired), dishes, len(making), len(made), len(late)
            )
            if any(row[3:]):
                expected.append(row)
    load = KitchenLoad(period, story.end, slot=slot, kinds=KINDS)
    assert expected == report(story.histories.values(), load)
    assert set(KitchenLoad(period, story.end).rows()) <= set(expected)


def pizzeria() -> list[LoadRow]:
    """Two hours of an oven: three pizzas at once, one too late, and a tiramisu never made."""
    inventory = MemoryInventory()
    now = [NOON]
    desk = OrderDesk(
        orders=MemoryOrders(),
        inventory=inventory,
        payments=MemoryPayments(),
        locations=[
            Location(id="OVEN", offers=["oven"], makes="ticket"),
            Location(id="BAR", makes="ticket"),
        ],
        policy=Policy(tab=True),
        clock=lambda: now[0],
    )
    inventory.post(Posting.make("menu-1", "OVEN", made=[("PIZZA", 9)], at=NOON))
    inventory.post(Posting.make("menu-2", "BAR", made=[("TIRAMISU", 9)], at=NOON))
    price = UnitPrice.of("9.50", "EUR")
    pizza = DraftLine(
        sku="PIZZA", quantity=1, unit_price=price, requires=["oven"], preparation=10 * MINUTE
    )
    sweet = DraftLine(sku="TIRAMISU", quantity=2, unit_price=price)
    for number in range(3):
        desk.place([pizza, sweet] if number == 2 else [pizza], order_id=f"t{number}")
    for number, minutes in enumerate((9, 10, 25)):
        now[0] = NOON
        order = desk.fire(f"t{number}", 0)
        (oven,) = (one.id for one in order.fulfillments if one.location == "OVEN")
        desk.advance(f"t{number}", oven, "prepare")
        now[0] = NOON + minutes * MINUTE
        desk.advance(f"t{number}", oven, "ready")
        now[0] = NOON + HOUR
        desk.advance(f"t{number}", oven, "serve")
    load = KitchenLoad(Period(NOON, NOON + 2 * HOUR), NOON + HOUR)
    return list(report([desk.history(f"t{number}") for number in range(3)], load))


def test_a_busy_hour_is_drawn() -> None:
    """Bars show the tickets being made, with late ones marked, in local time."""
    assert """\
BAR
  2026-01-01
  13:00  #    1 being made, 2 dishes fired
  13:15  #    1 being made, 0 dishes fired
  13:30  #    1 being made, 0 dishes fired
  13:45  #    1 being made, 0 dishes fired
  14:00  #    1 being made, 0 dishes fired

OVEN
  2026-01-01
  13:00  ##!  3 being made, 3 dishes fired, 1 late
  13:15  #    1 being made, 0 dishes fired""" == render_load(
        pizzeria(), zone=ZoneInfo("Europe/Berlin")
    )
    assert "" == render_load([])


def test_a_long_bar_is_scaled() -> None:
    """The longest bar has forty marks at most, and what a mark stands for is said."""
    late = NOON + 24 * HOUR
    rows = [
        LoadRow("A\x07", NOON, NOON + HOUR, 99, 1, 99, 0, 0),
        LoadRow("A\x07", late, late + HOUR, 1, 1, 1, 0, 1),
    ]
    assert f"""\
A\x20
  2026-01-01
  12:00  {"#" * 33}  99 being made, 1 dish fired
  2026-01-02
  12:00  !{" " * 32}  1 being made, 1 dish fired, 1 late

a mark is up to 3 tickets""" == render_load(rows)


def test_a_ticket_served_before_it_was_fired_is_made_in_no_time() -> None:
    """Told late and with an earlier time, it is fired in one slot and made in another."""
    inventory = MemoryInventory()
    inventory.post(Posting.make("menu", "BAR", made=[("TEA", 9)], at=NOON))
    desk = OrderDesk(
        orders=MemoryOrders(),
        inventory=inventory,
        payments=MemoryPayments(),
        locations=[Location(id="BAR", makes="ticket")],
        policy=Policy(tab=True),
    )
    tea = DraftLine(sku="TEA", quantity=1, unit_price=UnitPrice.of("3.00", "EUR"))
    desk.place([tea], order_id="t1", at=NOON)
    desk.fire("t1", 0, at=NOON + 50 * MINUTE)
    desk.deliver("t1", "f1", at=NOON + HOUR, occurred_at=NOON + MINUTE)
    load = KitchenLoad(Period(NOON, NOON + HOUR), NOON + HOUR)
    rows = report([desk.history("t1")], load)
    assert [(NOON, 0, 0, 1), (NOON + 45 * MINUTE, 1, 0, 0)] == [
        (row.start, row.fired, row.making, row.made) for row in rows
    ]


def test_nonsense_slots_are_refused() -> None:
    """Slots of no time, too many of them, and what is no period say what to change."""
    period = Period(NOON, NOON + timedelta(days=365))
    with pytest.raises(InvalidInput, match=r"slot: 525,600 of them .*take longer ones"):
        KitchenLoad(period, NOON, slot=MINUTE)
    with pytest.raises(InvalidInput, match="slot: "):
        KitchenLoad(period, NOON, slot=timedelta(0))
    with pytest.raises(InvalidInput, match="slot: expected timedelta"):
        KitchenLoad(period, NOON, slot=15)
    with pytest.raises(InvalidInput, match="period: expected Period"):
        KitchenLoad(NOON, NOON)
    with pytest.raises(InvalidInput, match="kinds: expected a set of strings"):
        KitchenLoad(period, NOON, kinds="ticket")
    with pytest.raises(InvalidInput, match="zone: expected a time zone"):
        render_load([], zone="Europe/Berlin")
