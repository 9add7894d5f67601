"""Scans come in any order and twice, and a promise is never one that cannot be kept."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orderwright import Location, Order, OrderDesk, Policy
from orderwright.errors import IllegalTransition, InvalidInput, KeyReused, NotFound
from orderwright.fulfillment.fulfillment import Scan, ScanStatus
from orderwright.lifecycles import Phase
from orderwright.orders.events import ParcelScanned
from orderwright.orders.lines import ChangeLine
from orderwright.orders.tabs import earliest
from tests.worlds import HOUR, MINUTE, NOON, World, card, check_laws, line

Kind = Literal["shipment", "delivery", "ticket"]
BEGUN: dict[str, tuple[str, ...]] = {
    "shipment": ("release", "pick", "pack"),
    "delivery": ("release", "pick", "pack"),
    "ticket": ("fire", "prepare", "ready"),
}


class Told(NamedTuple):
    """A scan as it is told: what it says, and how long after noon that happened."""

    status: ScanStatus
    minutes: int
    place: str = ""


def placed(kind: str, *steps: str, units: int = 3) -> tuple[World, OrderDesk]:
    """An order `o1` with one fulfillment `f1` of a kind, so many steps on its way."""
    world = World()
    makes = "ticket" if kind == "ticket" else ""
    desk = world.new_desk(locations=[Location(id="MAIN", makes=makes)])
    desk.place([line(quantity=units)], order_id="o1", service=kind, tenders=[card()])
    assert kind == desk.order("o1").fulfillment("f1").kind
    for step in steps:
        desk.advance("o1", "f1", step)
    return world, desk


def tell(desk: OrderDesk, scan: Told, at: datetime, **more: str) -> Order:
    """Report a scan."""
    return desk.scan(
        "o1",
        "f1",
        scan.status,
        place=scan.place,
        at=at,
        occurred_at=NOON + scan.minutes * MINUTE,
        **more,
    )


@st.composite
def truths(draw: st.DrawFn) -> tuple[Told, ...]:
    """What truly happened to a parcel that arrived in the end, one thing after the other."""
    happened: list[ScanStatus] = ["handed_over"]
    happened += ["in_transit"] * draw(st.integers(0, 3))
    happened += ["out_for_delivery"]
    for _ in range(draw(st.integers(0, 2))):
        happened += ["not_delivered", "out_for_delivery"]
    happened += ["delivered"]
    minutes = 0
    found: list[Told] = []
    for number, status in enumerate(happened):
        minutes += draw(st.integers(1, 600))
        found.append(Told(status, minutes, f"hub {number}"))
    return tuple(found)


@st.composite
def stories(draw: st.DrawFn) -> tuple[tuple[Told, ...], tuple[Told, ...]]:
    """A truth, and the same as it is told: shuffled, and some of it twice."""
    truth = draw(truths())
    again = draw(st.lists(st.sampled_from(truth), max_size=4))
    return truth, tuple(draw(st.permutations([*truth, *again])))


NUMBER = {"carrier": "DHL", "tracking": "JD1"}
CARRIED = ("handed_over", "in_transit", "out_for_delivery", "delivered")


def truly(kind: str, known: Sequence[Told], begun: int) -> str:
    """Say in what state a parcel is, as far as is known, by looking at all of it."""
    missable = kind != "shipment"
    moved = [one for one in known if missable or one.status != "not_delivered"]
    if not moved:
        inside = ("queued", "fired", "preparing", "ready")
        return (inside if kind == "ticket" else ("reserved", "released", "picking", "packed"))[
            begun
        ]
    if any(one.status == "delivered" for one in moved):
        return "delivered"
    if max(moved, key=lambda one: one.minutes).status == "not_delivered":
        return "missed"
    return "on_the_way" if missable else "shipped"


@settings(max_examples=150)
@given(
    kind=st.sampled_from(get_args(Kind)),
    begun=st.integers(0, 3),
    story=stories(),
    numbered=st.lists(st.booleans(), min_size=16, max_size=16),
)
def test_scans_in_any_order(
    kind: Kind,
    begun: int,
    story: tuple[tuple[Told, ...], tuple[Told, ...]],
    numbered: list[bool],
) -> None:
    """However a parcel's scans are shuffled and repeated, it ends where and when it truly did."""
    truth, told = story
    world, desk = placed(kind, *BEGUN[kind][:begun])
    start = NOON + timedelta(days=30)
    for count, scan in enumerate(told):
        world.now = start + count * MINUTE
        order = tell(desk, scan, world.now, **(NUMBER if numbered[count] else {}))
        check_laws(world)
        known = told[: count + 1]
        latest = max(known, key=lambda one: one.minutes)
        part = order.fulfillment("f1")
        kept = Scan(latest.status, NOON + latest.minutes * MINUTE, latest.place)
        assert (kept, truly(kind, known, begun)) == (part.scan, part.state.name)
    one = desk.order("o1").fulfillment("f1")
    last = truth[-1]
    assert Phase.DONE is one.state.phase
    assert NOON + last.minutes * MINUTE == one.arrived_at
    if any(numbered[number] for number, scan in enumerate(told) if scan.status in CARRIED):
        assert ("DHL", "JD1") == (one.carrier, one.tracking)
    counts = desk.order("o1").quantities()["l1"]
    assert (3, 3, 3) == (counts.ordered, counts.fulfilled, counts.delivered)
    assert 7 == world.inventory.ledger.stock("MUG", "MAIN", now=world.now).on_hand
    assert {"nobody_there"} >= {one.code for one in desk.order("o1").exceptions}
    scans = [event for event in desk.history("o1") if isinstance(event, ParcelScanned)]
    assert {one.minutes for one in truth} == {
        int((event.occurred_at - NOON) / MINUTE) for event in scans if event.occurred_at
    }


SAME_TIME: tuple[ScanStatus, ...] = ("handed_over", "in_transit", "out_for_delivery", "delivered")


@given(kind=st.sampled_from(get_args(Kind)), told=st.permutations(SAME_TIME))
def test_scans_of_one_minute(kind: Kind, told: Sequence[ScanStatus]) -> None:
    """Of scans with one and the same time, the one that comes last in a parcel's life is kept."""
    world, desk = placed(kind)
    for status in told:
        tell(desk, Told(status, 5), NOON + HOUR)
    one = desk.order("o1").fulfillment("f1")
    assert one.scan is not None
    assert ("delivered", Phase.DONE) == (one.scan.status, one.state.phase)
    check_laws(world)


def test_late_numbers() -> None:
    """A number told late is noted and moves nothing, not even a parcel that came back."""
    world, desk = placed("delivery")
    before = tell(desk, Told("not_delivered", 5), NOON + HOUR).fulfillment("f1")
    order = tell(desk, Told("handed_over", 1), NOON + HOUR, **NUMBER)
    one = order.fulfillment("f1")
    assert ("missed", "JD1", before.since) == (one.state.name, one.tracking, one.since)
    noted = desk.history("o1")[-1]
    assert ("JD1", NOON + MINUTE) == (noted.tracking, noted.occurred_at)
    _, post = placed("shipment")
    tell(post, Told("returned", 5), NOON + HOUR)
    order = tell(post, Told("handed_over", 1), NOON + HOUR, **NUMBER)
    one = order.fulfillment("f1")
    assert ("returned_to_sender", True, "DHL") == (one.state.name, one.astray, one.carrier)
    check_laws(world)


def test_another_number() -> None:
    """A second hand-over under another number is an exception; a courier's own number is not."""
    _, desk = placed("shipment")
    tell(desk, Told("handed_over", 1), NOON + HOUR, **NUMBER)
    tell(desk, Told("out_for_delivery", 5), NOON + HOUR, tracking="VAN-7")
    assert ((), "JD1") == (desk.order("o1").exceptions, desk.order("o1").fulfillment("f1").tracking)
    order = tell(desk, Told("in_transit", 2), NOON + HOUR, tracking="XX9")
    [opened] = order.exceptions
    assert ("handed_over_twice", "fulfillment f1 left again:  XX9") == opened


def test_numbers_of_what_nobody_carries() -> None:
    """What was collected at the counter has no number; a scan of it is only noted."""
    world, desk = placed("pickup")
    desk.advance("o1", "f1", "collect", at=NOON)
    order = tell(desk, Told("in_transit", 2), NOON + HOUR, **NUMBER)
    assert ("collected", "") == (
        order.fulfillment("f1").state.name,
        order.fulfillment("f1").tracking,
    )
    check_laws(world)


def test_scan_said_twice() -> None:
    """A scan repeated under its key is a no-op; other content under the key is refused."""
    _, desk = placed("shipment")
    first = desk.scan("o1", "f1", "in_transit", place="Ulm", at=NOON, key="k1")
    assert first == desk.scan("o1", "f1", "in_transit", place="Ulm", at=NOON + HOUR, key="k1")
    with pytest.raises(KeyReused) as caught:
        desk.scan("o1", "f1", "delivered", place="Ulm", at=NOON, key="k1")
    assert ("k1", "status") == (caught.value.key, caught.value.field)
    assert first == desk.order("o1")
    # Without a key, what repeats the last scan changes nothing either.
    assert first == desk.scan("o1", "f1", "in_transit", place="Ulm", at=NOON)


def test_scans_of_what_there_is_not() -> None:
    """Unknown orders, unknown parcels and unknown words are typed errors, and nothing is saved."""
    world, desk = placed("shipment")
    before = world.trace()
    with pytest.raises(NotFound) as missing:
        desk.scan("o9", "f1", "delivered", at=NOON)
    assert ("order", "o9") == (missing.value.kind, missing.value.key)
    with pytest.raises(NotFound) as missing:
        desk.scan("o1", "f9", "delivered", at=NOON)
    assert ("fulfillment", "f9", "o1") == (
        missing.value.kind,
        missing.value.key,
        missing.value.order_id,
    )
    for wrong in (
        {"status": "teleported"},
        {"status": 7},
        {"fulfillment_id": ""},
        {"place": b"Ulm"},
        {"expected_at": datetime(2026, 1, 1)},  # noqa: DTZ001 - that is the mistake
        {"occurred_at": "yesterday"},
        {"tracking": 7},
        {"carrier": "\0"},
    ):
        given_ = {"fulfillment_id": "f1", "status": "delivered", "at": NOON, **wrong}
        with pytest.raises(InvalidInput) as refused:
            desk.scan("o1", **given_)
        assert [next(iter(wrong))] == [one.path for one in refused.value.faults]
    with pytest.raises(InvalidInput, match="is none of handed_over, in_transit"):
        desk.scan("o1", "f1", "teleported", at=NOON)
    assert before == world.trace()


@pytest.mark.parametrize("kind", get_args(Kind))
@pytest.mark.parametrize("status", get_args(ScanStatus))
def test_scans_of_a_cancelled_order(kind: Kind, status: ScanStatus) -> None:
    """A parcel that moves although its order was cancelled opens the exception that says so."""
    world, desk = placed(kind)
    desk.cancel("o1", reason="changed mind", at=NOON)
    order = tell(desk, Told(status, 5), NOON + HOUR)
    moved = order.fulfillment("f1").gone
    assert moved == order.has_exception("shipped_after_cancellation")
    # A shipment is only brought: nobody tells that nobody was there.
    assert moved == ((kind, status) != ("shipment", "not_delivered"))
    check_laws(world)


@pytest.mark.parametrize("status", ["handed_over", "delivered"])
def test_scans_of_what_a_location_refused(status: ScanStatus) -> None:
    """A parcel that moves although its location said no is looked into; its units move once."""
    world = World(("MUG", "MAIN", 3), ("MUG", "STORE", 3))
    world.desk.place([line(quantity=3)], order_id="o1", tenders=[card()])
    world.desk.advance("o1", "f1", "refuse")
    order = tell(world.desk, Told(status, 5), NOON + HOUR)
    assert ["left_after_all"] == [one.code for one in order.exceptions]
    assert "refused" == order.fulfillment("f1").state.name
    check_laws(world)


# Promises ----------------------------------------------------------------------------------

SPANS = st.integers(0, 180).map(lambda minutes: minutes * MINUTE)


def kitchen(*spans: timedelta) -> tuple[World, OrderDesk]:
    """An order `o1` with a dish for each span of preparation, each a ticket of its own."""
    world = World(("MUG", "MAIN", 99))
    desk = world.new_desk(locations=[Location(id="MAIN", makes="ticket")])
    dishes = [
        line(id=f"d{number}", preparation=span, course=number)
        for number, span in enumerate(spans, 1)
    ]
    desk.place(dishes, order_id="o1", tenders=[card()])
    return world, desk


@given(
    spans=st.lists(SPANS, min_size=1, max_size=4),
    fired=st.lists(st.integers(0, 240), max_size=4),
    served=st.integers(0, 4),
    waited=st.integers(0, 240),
    promised=st.integers(-60, 600),
)
def test_promises_can_be_kept(
    spans: list[timedelta], fired: list[int], served: int, waited: int, promised: int
) -> None:
    """What is promised is never before all that is still to be made can be ready."""
    world, desk = kitchen(*spans)
    begun: dict[int, datetime] = {}
    for number, minutes in enumerate(sorted(fired)[: len(spans)], 1):
        begun[number] = NOON + minutes * MINUTE
        desk.fire("o1", number, at=begun[number])
    done = [number for number in begun if number <= served]
    for number in done:
        desk.advance("o1", f"f{number}", "serve", at=begun[number])
    now = max([NOON + waited * MINUTE, *begun.values()])
    ready = [
        begun.get(number, now) + span for number, span in enumerate(spans, 1) if number not in done
    ]
    best = max([now, *ready])
    when = NOON + promised * MINUTE
    order = desk.order("o1")
    assert best == earliest(order, now)
    if order.state.phase is Phase.DONE:
        with pytest.raises(IllegalTransition):
            desk.promise("o1", when, at=now)
    elif when < best:
        with pytest.raises(InvalidInput) as refused:
            desk.promise("o1", when, at=now)
        [fault] = refused.value.faults
        assert "promised_at" == fault.path
        assert best.isoformat() in fault.message
        assert order == desk.order("o1")
    else:
        assert when == desk.promise("o1", when, at=now).promised_at
        assert when == desk.promise("o1", when, at=now + HOUR).promised_at  # said again
    check_laws(world)


def test_promises_for_what_is_not_there() -> None:
    """What waits for stock has yet to be made, so its preparation counts from now."""
    world = World(("MUG", "MAIN", 1))
    desk = world.new_desk(locations=[Location(id="MAIN", makes="ticket")])
    dish = line(quantity=3, preparation=HOUR)
    desk.place([dish], order_id="o1", policy=Policy(short="backorder"), tenders=[card()])
    desk.fire("o1", 0, at=NOON)
    assert NOON + 3 * HOUR == earliest(desk.order("o1"), NOON + 2 * HOUR)
    desk.edit("o1", [ChangeLine(line_id="l1", quantity=1)], at=NOON)
    assert NOON + 2 * HOUR == earliest(desk.order("o1"), NOON + 2 * HOUR)


def test_promises_that_are_none() -> None:
    """A promise needs an order that there is, and a time that knows its zone; keys repeat it."""
    world, desk = kitchen(HOUR)
    before = world.trace()
    with pytest.raises(NotFound):
        desk.promise("o9", NOON + HOUR, at=NOON)
    for wrong in (datetime(2026, 1, 2), "noon", None):  # noqa: DTZ001 - that is the mistake
        with pytest.raises(InvalidInput) as refused:
            desk.promise("o1", wrong, at=NOON)
        assert ["promised_at"] == [one.path for one in refused.value.faults]
    assert before == world.trace()
    first = desk.promise("o1", NOON + HOUR, at=NOON, key="k1")
    assert first == desk.promise("o1", NOON + HOUR, at=NOON + 2 * HOUR, key="k1")
    with pytest.raises(KeyReused):
        desk.promise("o1", NOON + 2 * HOUR, at=NOON, key="k1")
    desk.cancel("o1", reason="no", at=NOON)
    with pytest.raises(IllegalTransition):
        desk.promise("o1", NOON + 3 * HOUR, at=NOON)
