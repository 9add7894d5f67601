"""The kitchen's board: what to cook when, in which order, and what will be late."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderwright import InvalidInput, Order, Phase, Policy
from orderwright.orders.tabs import earliest
from orderwright.tracking.board import KitchenBoard, KitchenTicket, render_board, ticket_text
from tests.kitchens import CHEESE, MENU, NO_ONIONS, PLACES, Kitchen, minutes
from tests.worlds import NOON

STEAK, SALAD, ICE, WINE, BURGER = (
    MENU[sku].line() for sku in ("STEAK", "SALAD", "ICE", "WINE", "BURGER")
)


def seen(board: KitchenBoard, world: Kitchen) -> list[tuple[str, str, str]]:
    """Each ticket on the board: order, stage, dishes."""
    return [
        (one.order_id, one.stage, "+".join(plate.sku for plate in one.plates))
        for one in board.tickets(world.now)
    ]


def test_a_course_is_ready_together() -> None:
    """Every plate of a course starts so that all stations are ready when the slowest is."""
    world = Kitchen()
    salad = MENU["SALAD"].line(course=2)
    world.desk.place([STEAK, BURGER, salad, ICE], order_id="t1", table="4")
    order = world.desk.fire("t1", 2)
    board = KitchenBoard()
    board.show(order)
    found = board.tickets(world.now)
    starts = {plate.sku: plate.start_at for one in found for plate in one.plates}
    ready = NOON + minutes(15)
    assert {
        "STEAK": NOON,
        "BURGER": ready - minutes(10),
        "SALAD": ready - minutes(4),
        "ICE": None,
    } == starts
    assert [("GRILL", NOON, ready), ("COLD", NOON + minutes(11), ready), ("COLD", None, None)] == [
        (one.station, one.begin_at, one.ready_by) for one in found
    ]


def test_what_is_fired_together_is_ready_together() -> None:
    """Also where one of the dishes was ordered later; what is made again has a time of its own."""
    world = Kitchen()
    world.desk.place([STEAK], order_id="t1", table="4")
    world.desk.add_round("t1", [MENU["SALAD"].line(course=2)])
    board = KitchenBoard()
    board.show(world.desk.fire("t1", 2))
    assert {NOON + minutes(15)} == {one.ready_by for one in board.tickets(NOON)}
    world.now += minutes(20)
    world.desk.advance("t1", "f2", "serve")
    world.desk.advance("t1", "f1", "serve")
    world.desk.advance("t1", "f1", "remake")
    board.show(world.desk.fire("t1", 2))
    assert [NOON + minutes(35)] == [one.ready_by for one in board.tickets(world.now)]


def test_what_is_given_up_holds_nobody_back() -> None:
    """The salad need not wait for a steak that is not made any more."""
    world = Kitchen()
    world.desk.place([STEAK, MENU["SALAD"].line(course=2)], order_id="t1", table="4")
    world.desk.fire("t1", 2)
    world.desk.request_stop("t1", "f2")
    board = KitchenBoard()
    board.show(world.desk.stop("t1", "f2"))
    [ticket] = board.tickets(NOON)
    assert ("COLD", NOON, NOON + minutes(4)) == (ticket.station, ticket.begin_at, ticket.ready_by)


def test_a_promise_that_is_missed_stays_missed_when_it_is_fired() -> None:
    """Fired too late for what the customer was told, it is late from the first minute."""
    world = Kitchen()
    world.desk.place([STEAK], order_id="t1", table="4")
    world.desk.promise("t1", NOON + minutes(20))
    world.now += minutes(15)
    board = KitchenBoard()
    board.show(world.desk.fire("t1", 2))
    [ticket] = board.late(world.now)
    assert (NOON + minutes(30), minutes(10)) == (ticket.ready_by, ticket.late)


def test_a_quote_for_more_than_the_calendar_holds_is_refused() -> None:
    """Any number of units is counted at once, and one typed error tells of too many."""
    world = Kitchen(10**12 - 10, policy=Policy(require_cover=False))
    board = KitchenBoard(at_once={"GRILL": 3})
    order = world.desk.place([MENU["STEAK"].line(7)], order_id="o1")
    assert NOON + 3 * minutes(15) == board.quote(order, NOON)
    order = world.desk.place([MENU["STEAK"].line(10**11)], order_id="o2")
    with pytest.raises(InvalidInput, match="longer than the calendar"):
        board.quote(order, NOON)


def test_the_board_is_in_the_order_in_which_to_begin() -> None:
    """First what has to begin first, then what stands at the pass, then what waits."""
    world = Kitchen()
    board = KitchenBoard()
    for name, dishes in (("t1", [STEAK]), ("t2", [MENU["SALAD"].line(course=2)]), ("t3", [BURGER])):
        world.desk.place(dishes, order_id=name, table=name)
        board.show(world.desk.order(name))
    board.show(world.desk.fire("t2", 2))
    world.now += minutes(1)
    board.show(world.desk.fire("t1", 2))
    waiting = ("t3", "waiting", "BURGER")
    assert [("t2", "cook", "SALAD"), ("t1", "cook", "STEAK"), waiting] == seen(board, world)
    world.desk.advance("t2", "f1", "prepare")
    board.show(world.desk.advance("t2", "f1", "ready"))
    assert [("t1", "cook", "STEAK"), ("t2", "ready", "SALAD"), waiting] == seen(board, world)
    board.show(world.desk.advance("t2", "f1", "serve"))
    board.show(world.desk.cancel("t3", reason="left"))
    assert [("t1", "cook", "STEAK")] == seen(board, world)
    assert [] == list(board.tickets(world.now, station="COLD"))


def test_a_cook_takes_what_is_next() -> None:
    """The first ticket of the station that nobody is at; none where all are begun."""
    world = Kitchen()
    board = KitchenBoard()
    for name in ("t1", "t2"):
        world.desk.place([STEAK], order_id=name, table=name)
        board.show(world.desk.fire(name, 2))
    for name in ("t1", "t2"):
        ticket = board.next_up(world.now, station="GRILL")
        assert ticket is not None
        assert name == ticket.order_id
        board.show(world.desk.advance(name, ticket.fulfillment_id, "prepare"))
    assert board.next_up(world.now) is None


def test_delays_are_told_before_they_happen() -> None:
    """What is not begun in time will be late by as much; what is begun in time will not."""
    world = Kitchen()
    world.desk.place([STEAK], order_id="t1", table="4")
    board = KitchenBoard()
    board.show(world.desk.fire("t1", 2))
    assert [timedelta(0)] == [one.late for one in board.tickets(NOON)]
    assert [minutes(6)] == [one.late for one in board.late(NOON + minutes(6))]
    world.now = NOON + minutes(6)
    board.show(world.desk.advance("t1", "f1", "prepare"))
    assert [minutes(6)] == [one.late for one in board.late(NOON + minutes(20))]
    assert [minutes(10)] == [one.late for one in board.late(NOON + minutes(25))]
    world.now = NOON + minutes(25)
    board.show(world.desk.advance("t1", "f1", "ready"))
    assert () == board.late(world.now)


def test_what_was_promised_is_fired_in_time() -> None:
    """A takeaway that waits says when to fire it, and is late once that is not done."""
    world = Kitchen(policy=Policy(require_cover=False))
    world.desk.place([STEAK], order_id="o1", service="takeaway")
    order = world.desk.promise("o1", NOON + minutes(40))
    board = KitchenBoard()
    board.show(order)
    [ticket] = board.tickets(NOON)
    assert (NOON + minutes(25), NOON + minutes(40)) == (ticket.begin_at, ticket.ready_by)
    assert () == board.late(NOON + minutes(25))
    assert [minutes(2)] == [one.late for one in board.late(NOON + minutes(27))]
    world.now = NOON + minutes(10)
    board.show(world.desk.fire("o1", 2))
    assert [NOON + minutes(25)] == [one.begin_at for one in board.tickets(world.now)]


@given(
    st.lists(
        st.tuples(st.sampled_from(["STEAK", "BURGER", "SALAD", "ICE", "WINE"]), st.integers(1, 3)),
        min_size=1,
        max_size=6,
    ),
    st.integers(1, 3),
    st.integers(0, 4),
)
def test_a_promised_time_never_precedes_preparation(
    dishes: list[tuple[str, int]], at_once: int, ahead: int
) -> None:
    """Neither what is quoted nor what may be promised is before the dishes can be made."""
    world = Kitchen(99, policy=Policy(require_cover=False, short="backorder"))
    board = KitchenBoard(at_once={"GRILL": at_once, "COLD": at_once})
    for number in range(ahead):
        world.desk.place([STEAK], order_id=f"b{number}")
        board.show(world.desk.fire(f"b{number}", 2))
    lines = [MENU[sku].line(count) for sku, count in dishes]
    order = world.desk.place(lines, order_id="o1")
    quoted = board.quote(order, world.now)
    slowest = max(line.preparation for line in lines)
    assert quoted >= earliest(order, world.now) >= NOON + slowest
    if at_once == 1:  # one plate after the other: the busier station decides
        work = {"GRILL": minutes(15) * ahead, "COLD": minutes(0)}
        for sku, count in dishes:
            if PLACES[sku] in work:
                work[PLACES[sku]] += MENU[sku].preparation * count
        mine = {PLACES[sku] for sku, _ in dishes} & set(work)
        assert NOON + max((work[one] for one in mine), default=minutes(0)) == quoted
    assert quoted == world.desk.promise("o1", quoted).promised_at
    with pytest.raises(InvalidInput) as caught:
        world.desk.promise("o1", NOON + slowest - timedelta(seconds=1))
    assert "at best" in str(caught.value)


def test_a_station_that_is_busy_makes_one_after_the_other() -> None:
    """Two plates at once, three steaks before: the fourth begins when the second is done."""
    world = Kitchen(policy=Policy(require_cover=False))
    board = KitchenBoard(at_once={"GRILL": 2})
    world.desk.place([MENU["STEAK"].line(3)], order_id="o1")
    board.show(world.desk.fire("o1", 2))
    order = world.desk.place([BURGER, ICE], order_id="o2")
    assert NOON + minutes(15) + minutes(10) == board.quote(order, NOON)
    assert NOON + minutes(10) == KitchenBoard().quote(order, NOON)


def tickets_of(order: Order) -> int:
    """How many tickets of an order are in the kitchen."""
    inside = (Phase.WAITING, Phase.WORKING)
    return sum(one.state.phase in inside for one in order.fulfillments)


def test_versions_may_be_shown_in_any_order() -> None:
    """However the versions of an open order arrive, the board shows the newest."""
    world = Kitchen()
    versions = [world.desk.place([SALAD, STEAK], order_id="t1", table="4")]
    versions.append(world.desk.fire("t1", 1))
    versions.append(world.desk.add_round("t1", [ICE]))
    for some in permutations(versions):
        board = KitchenBoard()
        for one in some:
            board.show(one)
        assert tickets_of(versions[-1]) == len(board.tickets(world.now)) == 3


def test_orders_without_a_kitchen_are_not_on_the_board() -> None:
    """Parcels, and drafts, are no tickets."""
    world = Kitchen(policy=Policy(require_cover=False))
    board = KitchenBoard()
    board.show(world.desk.draft([STEAK], order_id="d1"))
    world.receive("mugs", "MUG", "LARDER", 5)
    assert () == board.tickets(NOON)


def test_nonsense_is_refused() -> None:
    """A station that makes nothing at once, and a time without a zone."""
    for wrong in ({"GRILL": 0}, {"": 1}, {"GRILL": 1.5}):
        with pytest.raises(InvalidInput):
            KitchenBoard(at_once=wrong)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput):
        KitchenBoard().tickets(datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point


def test_a_ticket_reads_well() -> None:
    """Where it goes and until when, then each dish with its wishes below it."""
    world = Kitchen()
    lines = [
        MENU["BURGER"].line(2, modifiers=[NO_ONIONS, CHEESE], seat="left"),
        MENU["STEAK"].line(),
    ]
    world.desk.place(lines, order_id="t1", table="4", service="dine_in")
    board = KitchenBoard()
    board.show(world.desk.fire("t1", 2))
    [ticket] = board.tickets(NOON)
    assert 3 == ticket.units
    vienna = timezone(timedelta(hours=1))
    assert (
        ticket_text(ticket, zone=vienna)
        == """\
GRILL  table 4  course 2
t1 f1  ready by 13:15
  2 x Burger  (seat left)
      no onions, extra cheese
  1 x Steak"""
    )
    told = ticket_text(ticket._replace(table="4\n5", station="GRILL\x1b[2J"))
    assert told.startswith("GRILL [2J  table 4 5  course 2\n")
    assert "GRILL  take away\no1 f1\n  1 x Steak" == ticket_text(takeaway())


def takeaway() -> KitchenTicket:
    """A ticket of an order without a table, a course or a time."""
    world = Kitchen(policy=Policy(require_cover=False))
    dish = MENU["STEAK"].line(course=0)
    board = KitchenBoard()
    board.show(world.desk.place([dish], order_id="o1", service="take_away"))
    return board.tickets(NOON)[0]


def test_the_board_reads_well() -> None:
    """A heading a stage, a line a ticket, delays at the end where the eye stops."""
    world = Kitchen()
    board = KitchenBoard()
    world.desk.place([MENU["BURGER"].line(2, modifiers=[CHEESE]), ICE], order_id="t1", table="4")
    board.show(world.desk.fire("t1", 2))
    world.desk.place([SALAD], order_id="t2", service="takeaway")
    world.desk.fire("t2", 1)
    world.desk.advance("t2", "f1", "prepare")
    board.show(world.desk.advance("t2", "f1", "ready"))
    later = NOON + minutes(2) + timedelta(seconds=1)
    assert (
        render_board(board.tickets(later), zone=UTC)
        == """\
To cook
  12:00  GRILL      table 4    fired      2 x Burger [extra cheese]  LATE 3 min
Ready to go out
  12:00  COLD       t2         ready      1 x Salad
Waiting to be fired
         COLD       table 4    queued     1 x Ice cream"""
    )
    assert "" == render_board([])
    heads = render_board([board.tickets(later)[0]] * 2, zone=UTC)
    assert 3 == heads.count("\n") + 1
