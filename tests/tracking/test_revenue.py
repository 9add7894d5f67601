"""Revenue and margin add up to what is due and what goods cost, to the cent, however cut."""

from collections import Counter, defaultdict
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orderwright import (
    Charge,
    DraftLine,
    Location,
    Money,
    Order,
    OrderDesk,
    Policy,
    Posting,
    TaxLine,
    UnitPrice,
)
from orderwright.adapters.memory import MemoryInventory, MemoryOrders, MemoryPayments
from orderwright.errors import InvalidInput, NotFound
from orderwright.tracking.costing import Cost, costs
from orderwright.tracking.reports import Period, report
from orderwright.tracking.revenue import Revenue, RevenueRow
from tests.tracking.oracle import Seen
from tests.tracking.stories import told
from tests.worlds import HOUR, NOON, World, card, eur, line

BERLIN = ZoneInfo("Europe/Berlin")
DIMENSIONS = ("day", "channel", "location", "sku", "kind")


def shared(
    order: Order, target: str, figures: tuple[int, ...]
) -> list[tuple[str, tuple[int, ...]]]:
    """A change by the locations that serve its line, by the units of each."""
    units: Counter[str] = Counter()
    for one in order.fulfillments:
        if one.live and one.units.get(target):
            units[one.location] += one.units[target]
    if not units:
        return [("", figures)]
    weights = list(units.values())
    split = [[part.minor for part in Money(one, "EUR").split(weights)] for one in figures]
    return list(zip(units, zip(*split, strict=True), strict=True))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    by=st.sets(st.sampled_from(DIMENSIONS)),
    counting=st.sampled_from(["as_it_happens", "with_the_order"]),
    start=st.none() | st.integers(0, 20),
)
def test_revenue_is_the_sum_of_its_changes(
    seed: int, by: set[str], counting: str, start: int | None
) -> None:
    """Whatever it is told apart by, it is what watching every line and charge gives."""
    story = told(seed)
    period = None if start is None else Period(NOON + start * HOUR, NOON + (start + 6) * HOUR)
    sums: dict[tuple[object, ...], list[int]] = defaultdict(lambda: [0, 0, 0])
    for seen in map(Seen, story.histories.values()):
        for at, target, kind, sku, *figures in seen.changes():
            counts_at = at if counting == "as_it_happens" else seen.placed_at
            if period is not None and counts_at not in period:
                continue
            for place, part in shared(seen.order, target, tuple(figures)):
                key = (
                    counts_at.astimezone(BERLIN).date() if "day" in by else None,
                    seen.order.channel if "channel" in by else "",
                    place if "location" in by else "",
                    sku if "sku" in by else "",
                    kind if "kind" in by else "",
                    "EUR",
                )
                for index, figure in enumerate(part):
                    sums[key][index] += figure
    one = Revenue(by=by, counting=counting, zone=BERLIN, period=period)
    rows = report(story.histories.values(), one)
    assert [
        RevenueRow(*key, units, gross, tax, gross - tax, None, None)
        for key, (units, gross, tax) in sorted(sums.items())
    ] == rows
    if period is None:
        orders = [Order.replay(history) for history in story.histories.values()]
        placed = [one for one in orders if one.state.name not in {"draft", "discarded"}]
        assert sum(one.due.minor for one in placed) == sum(row.gross_minor for row in rows)
        units = sum(line.remaining_units + line.moved for one in placed for line in one.lines)
        assert units == sum(row.units for row in rows)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    by=st.sets(st.sampled_from(DIMENSIONS)),
    counting=st.sampled_from(["as_it_happens", "with_the_order"]),
)
def test_costs_are_what_the_ledger_booked(seed: int, by: set[str], counting: str) -> None:
    """All that left for orders, or went into their dishes, is a cost once, wherever it is told."""
    story = told(seed)
    known = dict(costs(story.postings, "EUR"))
    channels = {name: Order.replay(history).channel for name, history in story.histories.items()}
    spent: Counter[str] = Counter()
    for found in known.values():
        for one in found:
            if one.order_id and one.kind in {"sold", "used"}:
                spent[channels[one.order_id] if "channel" in by else ""] += one.minor
    rows = report(story.histories.values(), Revenue(by=by, costs=known.get, counting=counting))
    told_: Counter[str] = Counter()
    for row in rows:
        told_[row.channel] += row.cost_minor
        assert row.net_minor - row.cost_minor == row.margin_minor
    assert not {name: spent[name] - told_[name] for name in spent if spent[name] != told_[name]}


def kitchen() -> tuple[OrderDesk, MemoryInventory]:
    """A desk for a grill and a salad bar that share a larder."""
    inventory = MemoryInventory()
    places = [
        Location(id="GRILL", offers=["grill"], makes="ticket", larder="LARDER"),
        Location(id="COLD", makes="ticket", larder="LARDER"),
    ]
    for sku, price in (("BEEF", "0.02"), ("ONION", "0.11"), ("SALAD", "0.30")):
        cost = UnitPrice.of(price, "EUR")
        inventory.post(Posting.receive(sku, sku, "LARDER", 999, at=NOON, unit_cost=cost))
    menu = [("STEAK", 9), ("TARTARE", 9)]
    inventory.post(Posting.make("menu-1", "GRILL", made=menu, at=NOON))
    inventory.post(Posting.make("menu-2", "COLD", made=[("MIXED", 9)], at=NOON))
    desk = OrderDesk(
        orders=MemoryOrders(),
        inventory=inventory,
        payments=MemoryPayments(),
        locations=places,
        clock=lambda: NOON,
    )
    return desk, inventory


def test_a_dish_costs_what_was_used_for_it() -> None:
    """Ingredients are a cost of the dish, where it is made; what two dishes share is shared."""
    desk, inventory = kitchen()
    price, grill = UnitPrice.of("20.00", "EUR"), ["grill"]
    desk.place(
        [
            DraftLine(
                sku="STEAK", quantity=2, unit_price=price, requires=grill, uses={"BEEF": 250}
            ),
            DraftLine(
                sku="TARTARE",
                quantity=1,
                unit_price=price,
                requires=grill,
                uses={"BEEF": 100, "ONION": 3},
            ),
            DraftLine(sku="MIXED", quantity=1, unit_price=price, uses={"SALAD": 2, "ONION": 1}),
        ],
        order_id="t1",
        policy=Policy(tab=True),
    )
    desk.fire("t1", 0)
    look_up = dict(costs(inventory.postings(), "EUR")).get
    rows = report([desk.history("t1")], Revenue(by=["sku", "location"], costs=look_up))
    assert [
        ("COLD", "MIXED", 2000, 71),
        ("GRILL", "STEAK", 4000, 1000),
        ("GRILL", "TARTARE", 2000, 233),
    ] == [(row.location, row.sku, row.net_minor, row.cost_minor) for row in rows]
    assert "3/4" == str(rows[1].margin_rate)
    stray = Cost("t1", NOON, "used", "FIG", "LARDER", 1, 7, "EUR")
    more = report(
        [desk.history("t1")],
        Revenue(by=["sku"], costs=lambda _: (stray, stray._replace(kind="lost"))),
    )
    assert [("FIG", 0, 7)] == [(x.sku, x.net_minor, x.cost_minor) for x in more if x.cost_minor]


def test_a_day_is_told_apart() -> None:
    """Taxes, charges, a later credit and its goods are told where and when they belong."""
    world = World(("MUG", "MAIN", 5), ("CUP", "STORE", 5))
    vat = TaxLine(name="VAT", percent="25", included=True)
    price = UnitPrice.of("10.00", "EUR")
    world.desk.place(
        [DraftLine(sku="MUG", quantity=2, unit_price=price, taxes=[vat]), line("CUP", 1)],
        order_id="o1",
        tenders=[card()],
        charges=[Charge(kind="shipping", amount=eur(5))],
        channel="phone",
    )
    order = world.desk.order("o1")
    for one in order.fulfillments:
        world.desk.deliver("o1", one.id)
    world.now += 24 * HOUR
    world.desk.request_return("o1", {"l1": 1}, reason="too blue")
    world.desk.receive_return("o1", {"l1": 1}, location="STORE")
    world.desk.inspect_return("o1", "r1", restock={"l1": 1})
    rows = report([world.desk.history("o1")], Revenue(by=["day", "location", "kind", "channel"]))
    first, second = NOON.date(), world.now.date()
    assert [
        (first, "phone", "", "shipping", 0, 500, 0),
        (first, "phone", "MAIN", "goods", 2, 2000, 400),
        (first, "phone", "STORE", "goods", 1, 1000, 0),
        (second, "phone", "MAIN", "goods", -1, -1000, -200),
    ] == [(*row[:3], row.kind, *row[6:9]) for row in rows]
    (whole,) = report([world.desk.history("o1")], Revenue())
    assert (2, 2500, 200, 2300) == whole[6:10]
    assert whole.margin_rate is None
    later = Revenue(period=Period(NOON + HOUR, NOON + 99 * HOUR))
    assert -1000 == report([world.desk.history("o1")], later)[0].gross_minor


def test_what_cannot_be_looked_up_is_refused() -> None:
    """Unknown postings, costs in another currency, and words that mean nothing are refused."""
    world = World()
    world.desk.place([line()], order_id="o1", tenders=[card()])
    world.desk.ship("o1", "f1")
    history = world.desk.history("o1")
    with pytest.raises(NotFound, match=r"no costs of posting 'o1/commit-.* on order o1"):
        report([history], Revenue(costs={}.get))
    yen = dict(costs(world.inventory.postings(), "JPY")).get
    with pytest.raises(InvalidInput, match=r"costs: .* is in JPY, its order in EUR: value"):
        report([history], Revenue(costs=yen))
    with pytest.raises(InvalidInput, match="costs: expected a look-up"):
        Revenue(costs={})
    with pytest.raises(InvalidInput, match="counting: 'daily' is none of"):
        Revenue(counting="daily")
    with pytest.raises(InvalidInput, match="by: 'service' is none of"):
        Revenue(by=["service"])
    only = Revenue(
        costs=dict(costs(world.inventory.postings(), "EUR")).get, period=Period(NOON - HOUR, NOON)
    )
    assert [] == report([history], only)
