"""What is late is found, from the first moment it is; what is not is left alone."""

from datetime import datetime, timedelta
from typing import Any, get_args

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderwright import Location, Order, OrderDesk, Phase, Policy, Tender
from orderwright.errors import InvalidInput
from orderwright.fulfillment.fulfillment import Fulfillment
from orderwright.lifecycles import STANDARD
from orderwright.tracking.delays import Delay, DelayReason, Limits, Slow, delays, outstanding
from orderwright.tracking.staff import staff_view
from orderwright.tracking.telling import in_words
from tests.worlds import HOUR, MINUTE, NOON, World, card, line

DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)
NOTHING = Limits(silent=None, overdue=None, expiring=None)


def shop(makes: str = "", moods: tuple[str, ...] = (), **more: object) -> tuple[World, OrderDesk]:
    """An order `o1` of three mugs, placed at noon."""
    world = World(moods=moods)
    desk = world.new_desk(locations=[Location(id="MAIN", makes=makes)])
    said = {"lines": [line(quantity=3)], "tenders": [card()], **more}
    desk.place(order_id="o1", **said)
    return world, desk


def changed(order: Order, **more: object) -> Order:
    """The order with its one fulfillment changed."""
    return attrs.evolve(order, fulfillments=(attrs.evolve(order.fulfillment("f1"), **more),))


def begins(order: Order, limit: datetime, late: Delay, limits: Limits = NOTHING) -> None:
    """Assert that nothing is late up to a limit, and just this a moment after it."""
    assert () == delays(order, now=limit, limits=limits)
    assert (late,) == delays(order, now=limit + MOMENT, limits=limits)


def test_promise_broken() -> None:
    """A promise is broken a moment after its time, until the customer has everything."""
    _, desk = shop()
    order = desk.promise("o1", NOON + HOUR)
    promised = NOON + HOUR
    begins(order, promised, Delay("promise_broken", MOMENT, promised, "o1"))
    order = desk.deliver("o1", "f1")
    assert () == delays(order, now=NOON + DAY)


def test_promise_broken_for_what_is_nowhere() -> None:
    """Units that wait for stock are missing, although no fulfillment says so."""
    world = World(("MUG", "MAIN", 1))
    desk = world.new_desk(policy=Policy(short="backorder"))
    desk.place([line(quantity=3)], order_id="o1", tenders=[card()])
    desk.promise("o1", NOON + HOUR)
    order = desk.deliver("o1", "f1")
    assert outstanding(order)
    begins(order, NOON + HOUR, Delay("promise_broken", MOMENT, NOON + HOUR, "o1"))


def test_lost_parcels_are_not_late() -> None:
    """A parcel that was lost has its exception; it is neither late, nor stuck, nor silent."""
    _, desk = shop()
    desk.promise("o1", NOON + HOUR)
    desk.ship("o1", "f1")
    order = desk.scan("o1", "f1", "lost", expected_at=NOON + 9 * DAY)
    tight = Limits(stuck={Phase.OUT: MINUTE}, silent=MINUTE)
    assert not outstanding(order)
    assert () == delays(order, now=NOON + 99 * DAY, limits=tight)


def test_will_be_late() -> None:
    """As soon as a carrier expects to come too late, that is known, and by how much."""
    _, desk = shop()
    desk.promise("o1", NOON + DAY)
    desk.ship("o1", "f1")
    order = desk.scan("o1", "f1", "in_transit", expected_at=NOON + DAY)
    assert () == delays(order, now=NOON)
    order = desk.scan("o1", "f1", "in_transit", expected_at=NOON + DAY + HOUR, at=NOON + MINUTE)
    late = Delay("will_be_late", HOUR, NOON + DAY, "f1")
    assert (late,) == delays(order, now=NOON)
    never_promised = attrs.evolve(order, promised_at=None)
    assert () == delays(never_promised, now=NOON)


def test_plan_missed() -> None:
    """A fulfillment past its plan's time is late, and the earlier of two promises counts."""
    _, desk = shop()
    order = changed(desk.order("o1"), promised_at=NOON + HOUR)
    begins(order, NOON + HOUR, Delay("plan_missed", MOMENT, NOON + HOUR, "f1"))
    order = desk.promise("o1", NOON + 2 * HOUR)
    order = changed(order, promised_at=NOON + HOUR)
    begins(order, NOON + HOUR, Delay("plan_missed", MOMENT, NOON + HOUR, "f1"))


def test_too_late_to_start() -> None:
    """What takes an hour must begin an hour before it was promised."""
    _, desk = shop("ticket", lines=[line(preparation=HOUR)])
    order = desk.promise("o1", NOON + 3 * HOUR)
    begin = NOON + 2 * HOUR
    begins(order, begin, Delay("too_late_to_start", MOMENT, begin, "f1"))
    order = desk.fire("o1", 0, at=begin)
    assert () == delays(order, now=begin + MOMENT)


def test_too_late_to_start_what_is_nowhere() -> None:
    """What waits for stock, and has to be made then, is too late by its line."""
    world = World(("MUG", "MAIN", 1))
    desk = world.new_desk(policy=Policy(short="backorder"))
    desk.place([line(quantity=3, preparation=HOUR)], order_id="o1", tenders=[card()])
    desk.promise("o1", NOON + 3 * HOUR)
    order = desk.deliver("o1", "f1")
    begin = NOON + 2 * HOUR
    begins(order, begin, Delay("too_late_to_start", MOMENT, begin, "l1"))


def test_slow() -> None:
    """A ticket is slow once its longest dish should be done, unless it is ready."""
    dishes = [line(preparation=10 * MINUTE), line(preparation=30 * MINUTE)]
    _, desk = shop("ticket", lines=dishes)
    order = desk.fire("o1", 0, at=NOON + HOUR)
    done = NOON + HOUR + 30 * MINUTE
    begins(order, done, Delay("slow", MOMENT, done, "f1"))
    desk.advance("o1", "f1", "prepare", at=NOON + HOUR)
    order = desk.advance("o1", "f1", "ready", at=NOON + HOUR)
    assert () == delays(order, now=NOON + DAY)


def test_stuck() -> None:
    """A limit for one state of one kind goes before that for its phase."""
    _, desk = shop()
    order = desk.advance("o1", "f1", "release", at=NOON + HOUR)
    by_phase = {Phase.WORKING: HOUR}
    by_state = {**by_phase, ("shipment", "released"): 2 * HOUR}
    others = {Phase.OUT: MINUTE, ("ticket", "released"): MINUTE, ("shipment", "packed"): MINUTE}
    for stuck, limit in ((by_phase, HOUR), (by_state, 2 * HOUR)):
        late = Delay("stuck", MOMENT, NOON + HOUR, "f1")
        begins(order, NOON + HOUR + limit, late, attrs.evolve(NOTHING, stuck=stuck))
    assert () == delays(order, now=NOON + DAY, limits=Limits(stuck=others))
    old = changed(order, since=None)  # orders of the first releases do not tell
    assert () == delays(old, now=NOON + DAY, limits=Limits(stuck=by_phase))


def test_silent() -> None:
    """Of a parcel that is on its way something must be heard: from the hand-over, or last scan."""
    _, desk = shop()
    order = desk.ship("o1", "f1", at=NOON)
    limits = attrs.evolve(NOTHING, silent=DAY)
    begins(order, NOON + DAY, Delay("silent", MOMENT, NOON, "f1"), limits)
    order = desk.scan("o1", "f1", "in_transit", at=NOON + DAY, occurred_at=NOON + HOUR)
    begins(order, NOON + DAY + HOUR, Delay("silent", MOMENT, NOON + HOUR, "f1"), limits)
    begins(order, NOON + 3 * DAY + HOUR, Delay("silent", MOMENT, NOON + HOUR, "f1"), Limits())


def test_overdue_and_parked() -> None:
    """Unfinished business may lie a little after it was due; parked, it waits for a person."""
    world, desk = shop()
    world.moods_by_id["o1/p1/capture-1"] = "request_lost"
    order = desk.ship("o1", "f1")
    [intent] = order.intents
    limits = attrs.evolve(NOTHING, overdue=HOUR)
    due = intent.due_at
    late = Delay("overdue", HOUR + MOMENT, NOON, intent.id)
    begins(order, due + HOUR, late, limits)
    assert () == delays(order, now=due + DAY, limits=NOTHING)
    parked = attrs.evolve(order, intents=(attrs.evolve(intent, parked="no answer"),))
    assert (Delay("parked", timedelta(0), NOON, intent.id),) == delays(
        parked, now=NOON, limits=NOTHING
    )
    assert (Delay("parked", DAY, NOON, intent.id),) == delays(parked, now=due + DAY, limits=NOTHING)


def test_expiring() -> None:
    """An order that nobody pays is looked at before it expires; once it is covered, no more."""
    _, desk = shop(moods=("decline",))
    limits = attrs.evolve(NOTHING, expiring=10 * MINUTE)
    look = NOON + HOUR - 10 * MINUTE
    begins(desk.order("o1"), look, Delay("expiring", MOMENT, look, "o1"), limits)
    order = desk.pay("o1", [Tender(method="cash")])
    assert () == delays(order, now=look + MOMENT, limits=limits)


def test_what_is_over_is_not_late() -> None:
    """A draft, and an order that was cancelled, keep nobody waiting."""
    world, desk = shop()
    desk.promise("o1", NOON + HOUR)
    order = desk.cancel("o1", reason="no")
    assert () == delays(order, now=NOON + DAY)
    draft = attrs.evolve(order, state=STANDARD.order.initial)
    assert () == delays(draft, now=NOON + DAY)
    world.desk.place([line()], order_id="o2", tenders=[card()])
    completed = attrs.evolve(
        world.desk.promise("o2", NOON + HOUR), state=STANDARD.order.states["completed"]
    )
    assert ["promise_broken"] == [one.reason for one in delays(completed, now=NOON + DAY)]


def test_worst_first() -> None:
    """What is latest comes first, equals by name."""
    dishes = [line(preparation=10 * MINUTE, course=1), line(preparation=30 * MINUTE, course=2)]
    _, desk = shop("ticket", lines=dishes)
    desk.promise("o1", NOON + HOUR)
    order = desk.fire("o1", 1)
    found = delays(order, now=NOON + 2 * HOUR)
    assert [
        ("slow", 110, "f1"),
        ("too_late_to_start", 90, "f2"),
        ("promise_broken", 60, "o1"),
    ] == [(one.reason, one.late_by // MINUTE, one.where) for one in found]


SPANS = st.integers(-300, 300).map(lambda minutes: minutes * MINUTE)


def naive(order: Order, one: Fulfillment, now: datetime, limits: Limits) -> set[tuple[str, int]]:
    """What is late with a ticket, worked out in whole minutes and one question after the other."""

    def after(when: datetime | None) -> int:
        return 0 if when is None else int((now - when).total_seconds() // 60)

    found = set()
    state = one.state.name
    promises = [when for when in (order.promised_at, one.promised_at) if when]
    waits = state not in ("served", "delivered")
    if order.promised_at and waits:
        found.add(("promise_broken", after(order.promised_at)))
    if one.promised_at and waits:
        found.add(("plan_missed", after(one.promised_at)))
    if one.scan and one.scan.expected_at and promises and waits:
        over = one.scan.expected_at - min(promises)
        found.add(("will_be_late", int(over.total_seconds() // 60)))
    if state == "queued" and promises:
        found.add(("too_late_to_start", after(min(promises)) + 20))
    if state in ("fired", "preparing"):
        if promises:  # the kitchen's own times tell
            over = one.started_at + 20 * MINUTE - min(promises)
            found.add(("will_be_late", int(over.total_seconds() // 60)))
        found.add(("slow", after(one.started_at) - 20))
    if state in limits_named(limits):
        found.add(("stuck", after(one.since) - 45))
    if state == "on_the_way":
        heard = one.scan.at if one.scan else one.since
        found.add(("silent", after(heard) - 60))
    return {(reason, minutes) for reason, minutes in found if minutes > 0}


def limits_named(limits: Limits) -> set[str]:
    """The states that some limits name one by one."""
    return {key[1] for key in limits.stuck if isinstance(key, tuple)}


@given(
    steps=st.integers(0, 4),
    last=st.sampled_from(["serve", "dispatch"]),
    promised=st.none() | SPANS,
    planned=st.none() | SPANS,
    expected=st.none() | SPANS,
    named=st.sampled_from(["queued", "fired", "preparing", "ready", "on_the_way"]),
    waited=st.integers(0, 300),
)
def test_delays_of_a_ticket(  # noqa: PLR0917 - drawn
    steps: int,
    last: str,
    promised: timedelta | None,
    planned: timedelta | None,
    expected: timedelta | None,
    named: str,
    waited: int,
) -> None:
    """Whatever a ticket's times are, what is found late is what a person would find."""
    _, desk = shop("ticket", lines=[line(preparation=20 * MINUTE)])
    for minutes, step in enumerate(("fire", "prepare", "ready", last)[:steps]):
        desk.advance("o1", "f1", step, at=NOON + minutes * MINUTE)
    if steps == 4 and expected is not None:
        told = NOON + 3 * MINUTE
        desk.scan("o1", "f1", "in_transit", at=told, expected_at=NOON + expected)
    order = changed(
        attrs.evolve(desk.order("o1"), promised_at=None if promised is None else NOON + promised),
        promised_at=None if planned is None else NOON + planned,
    )
    now = NOON + waited * MINUTE
    stuck: Slow = {("ticket", named): 45 * MINUTE}
    limits = Limits(stuck=stuck, silent=HOUR, overdue=None, expiring=None)
    found = delays(order, now=now, limits=limits)
    expected_ = naive(order, order.fulfillment("f1"), now, limits)
    assert expected_ == {(one.reason, one.late_by // MINUTE) for one in found}
    assert len(found) == len(expected_)
    assert list(found) == sorted(found, key=lambda one: one.late_by, reverse=True)
    assert {one.where for one in found} <= {"o1", "f1"}
    assert found == staff_view(order, now=now, limits=limits).delays


def test_every_reason_has_its_words() -> None:
    """The staff's view has words for each reason there is."""
    _, desk = shop()
    view = staff_view(desk.order("o1"), now=NOON)
    for reason in get_args(DelayReason):
        late = view._replace(delays=(Delay(reason, HOUR, NOON, "o1"),)).render()
        assert "\nLate\n  60 minutes  o1  " in late


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"silent": timedelta(0)}, "silent"),
        ({"overdue": 15}, "overdue"),
        ({"expiring": -HOUR}, "expiring"),
        ({"stuck": [HOUR]}, "stuck"),
        ({"stuck": {"working": HOUR}}, "stuck"),
        ({"stuck": {("ticket",): HOUR}}, "stuck"),
        ({"stuck": {Phase.OUT: 3}}, "stuck[<Phase.OUT: 'out'>]"),
    ],
)
def test_limits_that_are_none(more: dict[str, Any], path: str) -> None:
    """Limits are spans of time by phases and states; others are refused, naming which."""
    with pytest.raises(InvalidInput) as refused:
        Limits(**more)
    assert [path] == [one.path for one in refused.value.faults]


def test_nonsense() -> None:
    """A time without a zone, and limits that are none, are refused."""
    _, desk = shop()
    order = desk.order("o1")
    with pytest.raises(InvalidInput, match="now"):
        delays(order, now=NOON.replace(tzinfo=None))
    with pytest.raises(InvalidInput, match="limits"):
        delays(order, now=NOON, limits={Phase.OUT: HOUR})


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(0), "less than a minute"),
        (59 * timedelta(seconds=1), "less than a minute"),
        (MINUTE, "1 minute"),
        (90 * timedelta(seconds=1), "2 minutes"),
        (119 * MINUTE, "119 minutes"),
        (2 * HOUR, "2 hours"),
        (47 * HOUR, "47 hours"),
        (2 * DAY, "2 days"),
        (2 * DAY + 12 * HOUR, "3 days"),
    ],
)
def test_spans_in_words(span: timedelta, words: str) -> None:
    """A span is told in the unit that fits, to the nearest."""
    assert words == in_words(span)
