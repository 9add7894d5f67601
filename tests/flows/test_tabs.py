"""An evening at the tables: rounds, courses, what is sold out, made again, wasted, and paid."""

import contextlib
from collections import Counter
from threading import Thread
from typing import Any

import pytest
from attrs import evolve
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from orderwright import (
    AddAdjustment,
    AddCharge,
    AddLine,
    Adjustment,
    ChangeLine,
    Charge,
    DraftLine,
    InvalidInput,
    Location,
    Money,
    Order,
    OrderwrightError,
    OutOfStock,
    Policy,
    Posting,
    TaxLine,
    Tender,
    UnitPrice,
)
from orderwright.errors import (
    AdapterFault,
    AmountRefused,
    Conflict,
    IllegalTransition,
    KeyReused,
    NotFound,
    OnHold,
    QuantityRefused,
)
from orderwright.flows.settling import MAX_TRIES
from orderwright.inventory.guard import GUARDED
from orderwright.lifecycles import Phase
from orderwright.orders.bills import split_bill
from orderwright.orders.events import NoteAdded, OrderEdited
from orderwright.orders.explaining import explain, taxes
from orderwright.orders.intents import Transfer
from orderwright.requests import LoadWithKey, PostStock, SaveOrder
from tests.kitchens import CHEESE, MENU, STATIONS, TAB, Kitchen, minutes
from tests.worlds import (
    HOUR,
    Crashed,
    card,
    check_laws,
    check_quiet,
    eur,
    flow_of,
    interleavings,
    line,
    run_until,
)

STEAK, SALAD, ICE, WINE, BURGER = (
    MENU[sku].line() for sku in ("STEAK", "SALAD", "ICE", "WINE", "BURGER")
)


def at_table(*lines: Any, **more: Any) -> tuple[Kitchen, Order]:  # noqa: ANN401
    """A kitchen, and guests at table 4 who ordered so far."""
    world = Kitchen()
    order = world.desk.place(
        lines or [SALAD, STEAK], order_id="t1", table="4", service="dine_in", **more
    )
    return world, order


def tickets(order: Order) -> list[tuple[str, str, str]]:
    """Each live ticket: its station, state, and dishes."""
    return [
        (one.location, one.state.name, "+".join(item.sku for item in one.items))
        for one in order.fulfillments
        if one.live
    ]


# Rounds and courses ------------------------------------------------------------------------------


def test_each_course_of_each_station_is_a_ticket_of_its_own() -> None:
    """What one station makes is divided by course, and each round has tickets of its own."""
    world, order = at_table(SALAD, STEAK, BURGER, ICE)
    assert [
        ("COLD", "queued", "SALAD"),
        ("GRILL", "queued", "STEAK+BURGER"),
        ("COLD", "queued", "ICE"),
    ] == tickets(order)
    order = world.desk.add_round("t1", [ICE, SALAD], by="Kim")
    assert [("COLD", "queued", "SALAD"), ("COLD", "queued", "ICE")] == tickets(order)[3:]
    assert [1, 1, 1, 1, 2, 2] == [one.round for one in order.lines]
    check_laws(world)


def test_an_order_without_courses_is_not_divided() -> None:
    """A shop's parcel stays one, also where a line is added to it before it is planned."""
    world = Kitchen(policy=Policy(require_cover=False))
    plain = [MENU[sku].line(course=0) for sku in ("SALAD", "ICE")]
    order = world.desk.place(plain, order_id="o1")
    assert [("COLD", "queued", "SALAD+ICE")] == tickets(order)


def test_a_course_is_fired_once_at_every_station() -> None:
    """All its tickets begin; again it is refused, unless a later round brought more of it."""
    world, _ = at_table(STEAK, MENU["ICE"].line(course=2), ICE)
    order = world.desk.fire("t1", 2, key="k")
    assert order == world.desk.fire("t1", 2, key="k")
    assert ["fired", "fired", "queued"] == [one.state.name for one in order.fulfillments]
    with pytest.raises(IllegalTransition) as caught:
        world.desk.fire("t1", 2)
    assert "course 2 is fired" in str(caught.value)
    with pytest.raises(NotFound) as unknown:
        world.desk.fire("t1", 9)
    assert ("course", "9", "t1") == (unknown.value.kind, unknown.value.key, unknown.value.order_id)
    with pytest.raises(KeyReused):
        world.desk.fire("t1", 3, key="k")
    world.desk.add_round("t1", [BURGER])
    order = world.desk.fire("t1", 2)
    assert ["fired", "fired", "queued", "fired"] == [one.state.name for one in order.fulfillments]
    check_laws(world)


def test_a_course_waits_for_its_order_and_its_holds() -> None:
    """An order nobody confirmed, and one that is held, is not cooked."""
    world = Kitchen(policy=Policy(tab=True, confirm="by_hand"))
    world.desk.place([STEAK], order_id="t1", table="4")
    with pytest.raises(IllegalTransition) as caught:
        world.desk.fire("t1", 2)
    assert "order" == caught.value.subject
    world.desk.confirm("t1")
    world.desk.hold("t1", "allergy", blocks={"fulfil"})
    with pytest.raises(OnHold):
        world.desk.fire("t1", 2)
    world.desk.release_hold("t1", "allergy")
    assert "fired" == world.desk.fire("t1", 2).fulfillments[0].state.name


def test_a_round_needs_an_open_tab() -> None:
    """Not an order that is none, not one that is closed, not one that is over."""
    world, _ = at_table()
    world.desk.place([WINE], order_id="o1", policy=Policy(require_cover=False))
    with pytest.raises(IllegalTransition) as caught:
        world.desk.add_round("o1", [WINE])
    assert ("order", "no tab") == (caught.value.subject, caught.value.state)
    world.desk.close_tab("t1")
    before = world.trace()
    for changes in ([AddLine(line=ICE)], [ChangeLine(line_id="l1", quantity=2)]):
        with pytest.raises(IllegalTransition) as caught:
            world.desk.edit("t1", changes)
        assert ("tab", "closed", ("reopen_tab",)) == (
            caught.value.subject,
            caught.value.state,
            caught.value.allowed,
        )
    off = AddAdjustment(adjustment=Adjustment(name="off", percent="-5"))
    for call in (
        lambda: world.desk.add_round("t1", [ICE]),
        lambda: world.desk.edit("t1", [off]),
        lambda: world.desk.add_round("t1", []),
    ):
        with pytest.raises(OrderwrightError):
            call()
    assert before == world.trace()
    world.desk.reopen_tab("t1")
    order = world.desk.add_round("t1", [ICE])
    assert (False, 3) == (order.closed, len(order.lines))


def test_a_line_that_is_edited_keeps_its_course() -> None:
    """One more of a dish goes to its station and course, without touching what is fired."""
    world, _ = at_table(STEAK)
    world.desk.fire("t1", 2)
    order = world.desk.edit("t1", [ChangeLine(line_id="l1", quantity=3)])
    assert [("GRILL", "fired", "STEAK"), ("GRILL", "queued", "STEAK")] == tickets(order)
    assert [1, 2] == [one.units["l1"] for one in order.fulfillments]
    world.desk.fire("t1", 2)
    assert 750 == world.used("BEEF")


def test_tickets_of_different_courses_are_not_merged() -> None:
    """What is fired apart stays apart."""
    world, _ = at_table(SALAD, ICE)
    with pytest.raises(IllegalTransition):
        world.desk.merge("t1", ["f1", "f2"])
    assert 2 == len(world.desk.order("t1").fulfillments)


# Ingredients -------------------------------------------------------------------------------------


def test_ingredients_are_used_when_a_dish_is_fired_and_never_come_back() -> None:
    """Queued it uses nothing; fired it does; stopped it is waste; made again it uses twice."""
    world, _ = at_table(MENU["STEAK"].line(2), SALAD)
    assert (0, 0) == (world.used("BEEF"), world.used("ONION"))
    order = world.desk.fire("t1", 2)
    [grill] = [one for one in order.fulfillments if one.location == "GRILL"]
    assert (500, 60, "used") == (world.used("BEEF"), world.used("ONION"), grill.ingredients)
    world.desk.advance("t1", grill.id, "prepare")
    order = world.desk.advance("t1", grill.id, "remake")
    again = order.fulfillments[-1]
    assert ("queued", "wanted") == (again.state.name, again.ingredients)
    world.desk.fire("t1", 2)
    assert 1_000 == world.used("BEEF")
    world.desk.request_stop("t1", again.id)
    order = world.desk.stop("t1", again.id, reason="they left")
    assert (1_000, eur("9.00")) == (world.used("BEEF"), order.due)
    stock = world.inventory.ledger.stock("STEAK", "GRILL", now=world.now)
    assert (16, 0) == (stock.available, stock.reserved)  # two were made again, two thrown away
    check_laws(world)


def test_a_dish_that_comes_back_from_the_table_is_a_loss() -> None:
    """The guest had one steak in the end, two were made, and one is in the bin."""
    world, order = at_table(STEAK)
    world.desk.fire("t1", 2)
    first = order.fulfillments[0].id
    world.desk.advance("t1", first, "serve")
    order = world.desk.advance("t1", first, "remake")
    assert ("freed", 1) == (order.fulfillment(first).stock, order.quantities()["l1"].reserved)
    world.desk.fire("t1", 2)
    world.desk.advance("t1", order.fulfillments[-1].id, "serve")
    balances = Counter[str]()
    for account, units in world.inventory.ledger.balances().items():
        if account.sku == "STEAK":
            balances[account.bucket] += units
    assert {"customer": 1, "loss": 1, "available": 18, "production": -20} == balances
    assert 500 == world.used("BEEF")
    check_laws(world)


def test_what_was_not_begun_goes_back_on_offer() -> None:
    """A dish cancelled in the queue costs nothing: its portion can be sold again."""
    world, _ = at_table(MENU["STEAK"].line(2), SALAD)
    world.desk.cancel("t1", units={"l1": 2}, reason="rather not")
    stock = world.inventory.ledger.stock("STEAK", "GRILL", now=world.now)
    assert (20, 0) == (stock.available, world.used("BEEF"))
    check_laws(world)


def test_what_was_served_without_being_fired_is_used_up_too() -> None:
    """A cook who tells the screen nothing until the plate is out has used what it took."""
    world, order = at_table(STEAK)
    world.desk.advance("t1", order.fulfillments[0].id, "serve")
    assert 250 == world.used("BEEF")
    check_laws(world)


def test_guarded_ingredients_that_are_not_there_are_a_mismatch() -> None:
    """The dish is being made, so the count is wrong: a person looks, and it is booked then."""
    world, _ = at_table(MENU["WINE"].line(1), STEAK)
    world.inventory.ledger.policies = lambda _sku, _location: GUARDED
    order = world.desk.edit("t1", [AddLine(line=MENU["BURGER"].line(12))])  # needs 12 buns, 2,160 g
    order = world.desk.fire("t1", 2)
    assert ["stock_mismatch"] == [one.code for one in order.exceptions]
    assert {"wanted"} == {one.ingredients for one in order.fulfillments if one.started_at}
    world.receive("more", "BEEF", "LARDER", 5_000)
    order = world.desk.resolve("t1", "stock_mismatch", resolution="bought some")
    assert 12 * 180 + 250 == world.used("BEEF")
    check_laws(world)


# Sold out ----------------------------------------------------------------------------------------


def test_a_dish_that_is_sold_out_cannot_be_ordered_any_more() -> None:
    """What is queued is still made; the next guest is told, and what there is instead."""
    world, _ = at_table(STEAK)
    assert () == world.desk.sell_out("STEAK", "GRILL", notice_id="n1")
    with pytest.raises(OutOfStock) as caught:
        world.desk.add_round("t1", [STEAK])
    assert ("STEAK", 0) == (caught.value.shortages[0].sku, caught.value.shortages[0].available)
    stocks = world.inventory.supply(["BURGER", "SALAD"], now=world.now)
    assert ["BURGER", "SALAD"] == [one.sku for one in MENU.instead_of("STEAK", stocks)]
    order = world.desk.fire("t1", 2)
    assert ("fired", 250) == (order.fulfillments[0].state.name, world.used("BEEF"))
    before = world.trace()
    assert () == world.desk.sell_out("STEAK", "GRILL", notice_id="n1")
    assert before == world.trace()
    world.desk.post_stock(MENU.offer("again", "GRILL", {"STEAK": 2}, at=world.now))
    world.desk.add_round("t1", [STEAK])
    check_laws(world)


def test_queued_dishes_that_are_sold_out_wait_for_a_substitute() -> None:
    """Only what nobody has begun is given up; the guest has something else, and pays for that."""
    world, _ = at_table(STEAK)
    world.desk.fire("t1", 2)
    world.desk.add_round("t1", [MENU["STEAK"].line(2), BURGER])
    told = world.desk.sell_out("STEAK", "GRILL", notice_id="n1", queued=True)
    order = world.desk.order("t1")
    assert (("t1",), ["stock_missing"]) == (told, [one.code for one in order.exceptions])
    assert (1, 2) == (order.quantities()["l1"].in_fulfilment, order.quantities()["l2"].backordered)
    assert ("GRILL", "queued", "BURGER") in tickets(order)
    with pytest.raises(IllegalTransition) as caught:
        world.desk.close_tab("t1")
    assert ("line l2", ("cancel", "edit")) == (caught.value.subject, caught.value.allowed)
    instead = [ChangeLine(line_id="l2", quantity=0), AddLine(line=BURGER, replaces="l2")]
    world.desk.edit("t1", instead)
    order = world.desk.resolve("t1", "stock_missing", resolution="a burger instead")
    assert eur("57.00") == world.desk.close_tab("t1").due
    assert () == world.desk.sell_out("STEAK", "GRILL", notice_id="n1", queued=True)
    check_laws(world)


def test_a_dish_that_moves_is_made_of_what_the_new_station_has() -> None:
    """A ticket goes to the other grill, whose ingredients lie in a larder of its own."""
    world = Kitchen()
    other = Location(id="TERRACE", offers=["grill"], makes="ticket", larder="CELLAR")
    desk = world.new_desk(locations=[*STATIONS, other])
    world.inventory.post(MENU.offer("offer-2", "TERRACE", {"STEAK": 1}, at=world.now))
    desk.place([STEAK], order_id="t1", table="4", policy=TAB)
    order = desk.move("t1", "f1", "TERRACE")
    assert [("TERRACE", "CELLAR")] == [
        (one.location, one.larder) for one in order.fulfillments if one.live
    ]


def test_parts_of_a_ticket_are_sold_out_together() -> None:
    """Two tickets that share what is reserved for them give up what is theirs, and only once."""
    world, _ = at_table(MENU["STEAK"].line(3))
    world.desk.split("t1", "f1", {"l1": 1})
    world.desk.advance("t1", "f1", "fire")
    assert ("t1",) == world.desk.sell_out("STEAK", "GRILL", notice_id="n1", queued=True)
    order = world.desk.order("t1")
    assert (2, 1) == (order.quantities()["l1"].in_fulfilment, order.line("l1").backordered)
    check_laws(world)


def test_a_dish_that_sells_faster_than_it_is_taken_off_is_told() -> None:
    """Where somebody orders each time between the look and the notice, the notice gives up."""
    world = Kitchen(99)
    flow = flow_of(world.desk, "sell_out", "STEAK", "GRILL", notice_id="n1")
    with pytest.raises(OutOfStock):
        outrun(world, flow)
    assert MAX_TRIES == len(world.all_orders())
    check_laws(world)


def outrun(world: Kitchen, flow: Any) -> None:  # noqa: ANN401
    """Run a flow, with somebody ordering a steak before each of its postings."""
    request = flow.send(None)
    while True:
        if isinstance(request, PostStock):
            name = f"o{len(world.all_orders())}"
            world.desk.place([STEAK], order_id=name, policy=TAB)
        try:
            reply = request.perform(world.desk.ports)
        except OutOfStock as short:
            request = flow.throw(short)
        else:
            request = flow.send(reply)


def test_a_notice_that_died_half_way_is_said_again() -> None:
    """Wherever the process dies, the same notice ends as if it had not died, and told everybody."""
    stop, crashed = 0, True
    while crashed:
        crashed = False
        for performed in (False, True):
            world, _ = at_table(MENU["STEAK"].line(2))
            world.desk.place([STEAK], order_id="t2", table="5", policy=TAB)
            notice = {"notice_id": "n1", "queued": True}
            flow = flow_of(world.desk, "sell_out", "STEAK", "GRILL", **notice)
            try:
                run_until(world, flow, stop, performed=performed)
            except Crashed:
                crashed = True
            world.calm()
            world.desk.sell_out("STEAK", "GRILL", **notice)
            world.calm()
            check_quiet(world)
            stock = world.inventory.ledger.stock("STEAK", "GRILL", now=world.now)
            assert (0, 0) == (stock.available, stock.reserved)
            waiting = [world.desk.order(one).line("l1").backordered for one in ("t1", "t2")]
            assert [2, 1] == waiting
        stop += 1
    assert stop > 5


def test_one_notice_is_for_one_dish() -> None:
    """The same id for another dish takes that one off; what cannot be taken off is refused."""
    world = Kitchen()
    world.desk.sell_out("SALAD", "COLD", notice_id="86")
    world.desk.sell_out("STEAK", "GRILL", notice_id="86")
    stocks = world.inventory.supply(["SALAD", "STEAK"], now=world.now)
    assert [0, 0] == [one.available for one in stocks]
    for sku, place, told in (("WINE", "BAR", "nobody counts"), ("SALAD", "GRILL", "never on")):
        with pytest.raises(InvalidInput, match=told):
            world.desk.sell_out(sku, place, notice_id="87")


@pytest.mark.parametrize("rival", ["fire", "cancel", "serve"])
def test_whatever_is_done_while_a_dish_sells_out_stays_whole(rival: str) -> None:
    """However it interleaves with the kitchen, what is fired is made and what waits is told."""

    def scene() -> tuple[Kitchen, tuple[Any, ...]]:
        world, _ = at_table(MENU["STEAK"].line(2))
        doing = {
            "fire": ("fire", "t1", 2),
            "cancel": ("cancel", "t1"),
            "serve": ("advance", "t1", "f1", "serve"),
        }[rival]
        more = {"reason": "left"} if rival == "cancel" else {}
        notice = {"notice_id": "n1", "queued": True}
        return world, (
            flow_of(world.desk, "sell_out", "STEAK", "GRILL", **notice),
            flow_of(world.desk, *doing, **more),
        )

    ends = set()
    for world, running in interleavings(scene):
        assert running[0].error is None
        world.calm()
        check_quiet(world)
        counts = world.desk.order("t1").quantities()["l1"]
        assert 500 * (counts.in_fulfilment + counts.fulfilled) == 2 * world.used("BEEF")
        assert (counts.backordered > 0) == (running[0].result == ("t1",)) or rival == "cancel"
        ends.add(counts.backordered)
    assert {0} <= ends


def test_selling_out_while_somebody_orders_takes_what_is_left() -> None:
    """However the order and the notice interleave, nobody gets a dish after it is off the menu."""

    def scene() -> tuple[Kitchen, tuple[Any, ...]]:
        world = Kitchen(2)
        placing = flow_of(world.desk, "place", [STEAK], order_id="t1", table="4", policy=TAB)
        notice = flow_of(world.desk, "sell_out", "STEAK", "GRILL", notice_id="n1")
        return world, (placing, notice)

    ends = set()
    for world, running in interleavings(scene):
        world.calm()
        check_quiet(world)
        stock = world.inventory.ledger.stock("STEAK", "GRILL", now=world.now)
        assert 0 == stock.available
        order = world.orders.load("t1")
        served = order is not None and order.state.phase is Phase.WORKING
        assert int(served) == stock.reserved
        assert running[1].error is None
        ends.add(served)
    assert {True, False} == ends


# Several waiters at once -------------------------------------------------------------------------


@pytest.mark.long
def test_rounds_of_several_waiters_all_arrive_once() -> None:
    """However two rounds interleave, both are on the tab, each with tickets of its own."""

    def scene() -> tuple[Kitchen, tuple[Any, ...]]:
        world, _ = at_table(SALAD)
        rounds = ([ICE, WINE], [MENU["ICE"].line(2)])
        flows = (
            flow_of(world.desk, "add_round", "t1", lines, key=f"k{number}", by=f"w{number}")
            for number, lines in enumerate(rounds)
        )
        return world, tuple(flows)

    seen = 0
    for world, running in interleavings(scene):
        assert [None, None] == [one.error for one in running]
        world.calm()
        check_quiet(world)
        order = world.desk.order("t1")
        assert {1, 2, 3} == {one.round for one in order.lines}
        assert 5 == sum(one.ordered for one in order.lines)
        by_round = [
            sorted({order.line(item.line_id).round for item in one.items})
            for one in order.fulfillments
        ]
        assert all(len(one) == 1 for one in by_round)
        for number in (0, 1):  # said again, it is known
            assert order == world.desk.add_round(
                "t1", [[ICE, WINE], [MENU["ICE"].line(2)]][number], key=f"k{number}"
            )
        seen += 1
    assert seen > 5


def test_lost_races_are_no_lack_of_stock() -> None:
    """However often others save while a round is planned, what is there is reserved for it."""
    world, _ = at_table(SALAD)
    flow = flow_of(world.desk, "add_round", "t1", [ICE], key="k")
    request, saved, result = flow.send(None), 0, None
    try:
        while True:
            if isinstance(request, SaveOrder):
                saved += 1
                if 1 < saved <= 9:  # the first one is the round itself
                    known = world.desk.order("t1")
                    note = NoteAdded(text="meanwhile", at=world.now)
                    after = known.after([note])
                    world.orders.save(after, [note], expected_version=known.version)
            try:
                reply = request.perform(world.desk.ports)
            except Conflict as conflict:
                request = flow.throw(conflict)
            else:
                request = flow.send(reply)
    except StopIteration as stopped:
        result = stopped.value
    counts = result.quantities()["l2"]
    assert (1, 0) == (counts.reserved, counts.backordered)
    check_quiet(world)


def test_waiters_in_threads_lose_no_round() -> None:
    """Six waiters add ten rounds each to one tab at once; each is on it once, with its tickets."""
    world = Kitchen(999)
    world.desk.place([SALAD], order_id="t1", table="4")

    def wait(name: str) -> None:
        desk = world.new_desk()
        for number in range(10):
            for _ in range(100):  # who loses ten races in a row says it again, under its key
                with contextlib.suppress(Conflict):
                    desk.add_round("t1", [WINE, ICE], key=f"{name}-{number}", by=name)
                    break

    waiters = [Thread(target=wait, args=(f"w{number}",)) for number in range(6)]
    for one in waiters:
        one.start()
    for one in waiters:
        one.join()
    world.calm()
    check_quiet(world)
    order = world.desk.order("t1")
    assert (121, 61) == (len(order.lines), max(line.round for line in order.lines))
    assert Counter({line.round: 2 for line in order.lines[1:]}) == Counter(
        line.round for line in order.lines[1:]
    )
    assert 121 == sum(sum(one.units.values()) for one in order.fulfillments if one.live)
    assert eur("681.00") == order.due


def test_a_tab_is_closed_before_a_round_or_after_it_never_in_between() -> None:
    """A round that comes while the bill is made is on it, or refused; none is lost or free."""

    def scene() -> tuple[Kitchen, tuple[Any, ...]]:
        world, _ = at_table(SALAD)
        adding = flow_of(world.desk, "add_round", "t1", [WINE], key="k")
        return world, (adding, flow_of(world.desk, "close_tab", "t1"))

    ends = set()
    for world, (adding, closing) in interleavings(scene):
        world.calm()
        order = world.desk.order("t1")
        added = adding.error is None
        assert (2 if added else 1) == len(order.lines)
        assert order.due == (eur("14.20") if added else eur("9.00"))
        if closing.error is None:
            assert order.closed
        ends.add((type(adding.error).__name__, type(closing.error).__name__))
        check_quiet(world)
    assert ("IllegalTransition", "NoneType") in ends
    assert ("NoneType", "NoneType") in ends


@pytest.mark.parametrize(
    ("name", "args"),
    [("add_round", ([STEAK, WINE],)), ("fire", (2,)), ("close_tab", ())],
)
def test_a_crash_anywhere_loses_no_dish_and_uses_nothing_twice(
    name: str, args: tuple[Any, ...]
) -> None:
    """Wherever the process dies, saying it again and resuming ends as if it had not died."""

    def end(world: Kitchen) -> object:
        order = world.desk.order("t1")
        states = [(one.state.name, one.ingredients, one.items) for one in order.fulfillments]
        return states, order.due, order.closed, world.used("BEEF"), world.used("ONION")

    calm, _ = at_table()
    getattr(calm.desk, name)("t1", *args, key="k")
    calm.calm()
    stop, crashed = 0, True
    while crashed:
        crashed = False
        for performed in (False, True):
            world, _ = at_table()
            try:
                run_until(
                    world,
                    flow_of(world.desk, name, "t1", *args, key="k"),
                    stop,
                    performed=performed,
                )
            except Crashed:
                crashed = True
            world.calm()
            getattr(world.desk, name)("t1", *args, key="k")
            world.calm()
            check_quiet(world)
            assert end(calm) == end(world)
        stop += 1
    assert stop > 2


# Tables and the bill -----------------------------------------------------------------------------


def test_guests_change_tables() -> None:
    """The tab goes with them; to where they sit already is no move."""
    world, order = at_table()
    assert "4" == order.table
    order = world.desk.move_tab("t1", "7", reason="by the window")
    assert "7" == order.table
    assert order == world.desk.move_tab("t1", "7")
    world.desk.cancel("t1", reason="they left")
    with pytest.raises(IllegalTransition):
        world.desk.move_tab("t1", "8")


def test_a_tab_is_paid_at_close_with_a_tip_and_then_complete() -> None:
    """Nothing has to be covered before; what is served and paid stays open until it is closed."""
    world, order = at_table(SALAD)
    assert (None, "confirmed", "unpaid") == (order.expires_at, order.state.name, order.money)
    world.desk.advance("t1", "f1", "serve")
    order = world.desk.pay("t1", [card()])
    assert ("confirmed", "paid") == (order.state.name, order.money)
    world.desk.add_round("t1", [WINE])
    world.desk.advance("t1", "f2", "serve")
    order = world.desk.close_tab("t1", expected_due=eur("14.20"))
    tip = Charge(kind="tip", amount=eur("1.80"))
    world.desk.edit("t1", [AddCharge(charge=tip)])
    order = world.desk.pay("t1", [Tender(method="card")])
    assert ("completed", "paid", eur("16.00")) == (order.state.name, order.money, order.captured)
    check_quiet(world)


def test_a_tip_in_another_currency_is_refused() -> None:
    """It says in which currency the order is, and leaves the tab as it was."""
    world, _ = at_table()
    order = world.desk.close_tab("t1")
    tip = AddCharge(charge=Charge(kind="tip", amount=Money.of("5", "USD")))
    with pytest.raises(InvalidInput) as caught:
        world.desk.edit("t1", [tip])
    assert "the order is in EUR" in str(caught.value)
    assert order == world.desk.order("t1")


def test_closing_and_reopening_twice_changes_nothing() -> None:
    """Each is a no-op the second time, and neither is possible once the tab is over."""
    world, _ = at_table(SALAD)
    closed = world.desk.close_tab("t1")
    assert closed == world.desk.close_tab("t1")
    opened = world.desk.reopen_tab("t1")
    assert opened == world.desk.reopen_tab("t1")
    world.desk.cancel("t1", reason="gone")
    for call in (world.desk.close_tab, world.desk.reopen_tab):
        with pytest.raises(IllegalTransition):
            call("t1")


def two_tables() -> Kitchen:
    """Table 4 with taxed dishes and a discount, table 5 with a glass of wine."""
    world, _ = at_table(
        DraftLine(
            sku="SALAD",
            quantity=3,
            unit_price=UnitPrice.of("3.33", "EUR"),
            requires=["cold"],
            adjustments=[Adjustment(name="happy", percent="-10")],
            taxes=[TaxLine(name="VAT", percent="10"), TaxLine(name="in", percent=5, included=True)],
        ),
        ICE,
        charges=[Charge(kind="cover", amount=eur("2.00"))],
    )
    world.desk.place([WINE], order_id="t2", table="5", policy=TAB)
    return world


def test_tabs_are_merged_to_the_cent() -> None:
    """All that was due at one table is due at the other, component by component."""
    world = two_tables()
    first, second = world.desk.order("t1"), world.desk.order("t2")
    moved = world.desk.transfer("t1", "t2", reason="they joined us", key="k", by="Kim")
    other = world.desk.order("t2")
    assert (eur(0), first.due + second.due) == (moved.due, other.due)
    expected, found = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for share in (*explain(first), *explain(second)):
        expected[share.kind, share.name] += share.remaining.minor
    for share in explain(other):
        found[share.kind, share.name] += share.remaining.minor
    assert expected == found
    assert moved == world.desk.transfer("t1", "t2", reason="they joined us", key="k")
    assert moved == world.desk.transfer("t1", "t2")  # nothing is left to move
    assert taxes(first)["VAT"] == taxes(other)["VAT"]
    world.desk.advance("t1", "f1", "serve")
    world.desk.advance("t1", "f2", "serve")
    assert "completed" == world.desk.close_tab("t1").state.name
    check_quiet(world)


@pytest.mark.parametrize("units", [{"l1": 1}, {"l1": 2, "l2": 1}, {"l1": 3}])
def test_a_tab_is_split_to_the_cent(units: dict[str, int]) -> None:
    """Some units go to the other table and the rest stays; both may be moved on."""
    world = two_tables()
    before = world.desk.order("t1").due + world.desk.order("t2").due
    moved = world.desk.transfer("t1", "t2", units=units)
    assert before == moved.due + world.desk.order("t2").due
    assert {name: moved.line(name).ordered - count for name, count in units.items()} == {
        name: moved.line(name).remaining_units for name in units
    }
    with pytest.raises(QuantityRefused):
        world.desk.transfer("t1", "t2", units={"l1": 4 - units["l1"]})
    back = world.desk.transfer("t2", "t1")
    assert (eur(0), before) == (back.due, world.desk.order("t1").due)
    check_quiet(world)


def test_nothing_moves_to_where_it_cannot_be() -> None:
    """Not to itself, not to what is no open tab, not into another currency."""
    world = two_tables()
    world.desk.place([WINE], order_id="o1", policy=Policy(require_cover=False))
    dollars = DraftLine(sku="WINE", quantity=1, unit_price=UnitPrice.of("5", "USD"))
    world.desk.place([dollars], order_id="usd", table="6", policy=TAB)
    before = world.trace()
    for to, error in (
        ("t1", InvalidInput),
        ("usd", InvalidInput),
        ("o1", IllegalTransition),
        ("nobody", NotFound),
    ):
        with pytest.raises(error):
            world.desk.transfer("t1", to)
    assert before == world.trace()
    world.desk.close_tab("t2")
    with pytest.raises(IllegalTransition):
        world.desk.transfer("t1", "t2")
    with pytest.raises(IllegalTransition):
        world.desk.transfer("t2", "t1")


def test_what_came_from_another_tab_is_not_given_up_with_ones_own() -> None:
    """The last own dish is cancelled, the other guests' dinner stays due; all of it cannot be."""
    world = two_tables()
    moved = world.desk.order("t1").due
    world.desk.transfer("t1", "t2")
    with pytest.raises(IllegalTransition, match="from t1 is due here"):
        world.desk.cancel("t2", reason="left")
    order = world.desk.cancel("t2", units={"l1": 1}, reason="no wine left")
    assert ("confirmed", moved) == (order.state.name, order.due)
    check_quiet(world)


@pytest.mark.parametrize("how", ["cancel", "edit", "stop", "whole"])
def test_a_dish_that_is_cancelled_after_it_moved_is_looked_into(how: str) -> None:
    """It stays on the other bill until a person credits it there: an exception says so."""
    world, _ = at_table(STEAK)
    world.desk.place([WINE], order_id="t2", table="5", policy=TAB)
    world.desk.transfer("t1", "t2")
    if how == "cancel":
        order = world.desk.cancel("t1", units={"l1": 1}, reason="no")
    elif how == "whole":
        order = world.desk.cancel("t1", reason="no")
    elif how == "edit":
        order = world.desk.edit("t1", [ChangeLine(line_id="l1", quantity=0)])
    else:
        world.desk.fire("t1", 2)
        world.desk.request_stop("t1", "f1")
        order = world.desk.stop("t1", "f1")
    [exception] = order.exceptions
    assert ("cancelled_after_transfer", True) == (exception.code, "1 of l1" in exception.detail)
    world.desk.credit("t2", eur("28.00"), target="c1", reason="was not made")
    assert eur("5.20") == world.desk.order("t2").due
    world.desk.resolve("t1", "cancelled_after_transfer", resolution="credited")
    check_quiet(world)


def test_what_is_paid_stays_where_it_was_paid() -> None:
    """Only what is neither paid nor authorized can move; nobody's card is paid back by it."""
    world, _ = at_table(STEAK, SALAD)
    world.desk.place([WINE], order_id="t2", table="5", policy=TAB)
    world.desk.record_payment("t1", eur("28.00"), method="cash")
    with pytest.raises(AmountRefused) as caught:
        world.desk.transfer("t1", "t2")
    assert (eur("37.00"), eur("9.00")) == (caught.value.asked, caught.value.limit)
    order = world.desk.transfer("t1", "t2", units={"l2": 1})
    assert ("paid", eur("14.20")) == (order.money, world.desk.order("t2").due)
    check_quiet(world)


def test_a_tab_that_is_being_transferred_is_neither_closed_nor_owed_twice() -> None:
    """While it is on its way the bill cannot be made; cancelled meanwhile, nothing comes back."""
    for cancelled in (False, True):
        world, _ = at_table(STEAK)
        world.desk.place([WINE], order_id="t2", table="5", policy=TAB)
        flow = flow_of(world.desk, "transfer", "t1", "t2")
        stop = 0
        while not world.desk.order("t1").intents:
            with contextlib.suppress(Crashed):
                run_until(world, flow, stop, performed=True)
            flow = flow_of(world.desk, "transfer", "t1", "t2")
            stop += 1
        with pytest.raises(IllegalTransition, match="being transferred"):
            world.desk.close_tab("t1")
        if cancelled:
            world.desk.cancel("t1", reason="left")
        world.desk.close_tab("t2")
        world.calm()
        order = world.desk.order("t1")
        assert order.due == (eur(0) if cancelled else eur("28.00"))
        check_quiet(world)


def test_charges_move_too_and_are_paid_by_whom_they_are_for() -> None:
    """A cover charge goes by its id; on the bill it is named like a line, and a tip stays a tip."""
    world = two_tables()
    world.desk.transfer("t1", "t2", units={"c1": 1})
    order = world.desk.order("t2")
    assert [("cover", "t1/c1", eur("2.00"))] == [
        (one.kind, one.origin, one.total) for one in order.charges
    ]
    bill = split_bill(order, {"ann": ["l1"], "bob": ["c1"]})
    assert {"ann": eur("5.20"), "bob": eur("2.00")} == bill


def test_what_is_free_leaves_nothing_to_pay_elsewhere() -> None:
    """Bread on the house moves with the wine, but nothing is due for it on the other tab."""
    world = Kitchen()
    world.receive("bread", "BREAD", "BAR", 3)
    world.desk.place([WINE, line("BREAD", 1, "0")], order_id="t1", table="1")
    world.desk.place([SALAD], order_id="t2", table="2")
    world.desk.transfer("t1", "t2")
    assert [("t1/l1", eur("5.20"))] == [
        (one.origin, one.total) for one in world.desk.order("t2").charges
    ]
    assert eur(0) == world.desk.order("t1").due
    check_quiet(world)


def test_merged_tickets_use_up_what_both_are_made_of() -> None:
    """Ice cream and a salad on one ticket use the salad's onions; half used up they stay apart."""
    world, _ = at_table(MENU["ICE"].line(course=1))
    world.desk.add_round("t1", [SALAD])
    world.desk.merge("t1", ["f1", "f2"])
    world.desk.fire("t1", 1)
    assert 10 == world.used("ONION")
    check_laws(world)


def test_tickets_whose_ingredients_are_half_booked_stay_apart() -> None:
    """One is used up and the other waits for a person: merged, nobody could tell which."""
    world, _ = at_table(STEAK)
    world.desk.fire("t1", 2)
    world.inventory.ledger.policies = lambda _sku, _location: GUARDED
    world.desk.add_round("t1", [MENU["BURGER"].line(12)])
    order = world.desk.fire("t1", 2)
    assert ["used", "wanted"] == [one.ingredients for one in order.fulfillments]
    with pytest.raises(IllegalTransition, match="partly used up"):
        world.desk.merge("t1", ["f1", "f2"])


def test_the_same_notice_takes_nothing_more() -> None:
    """What is on offer again after a notice is not taken off by hearing that notice twice."""
    world = Kitchen()
    world.desk.sell_out("STEAK", "GRILL", notice_id="n1")
    world.desk.post_stock(MENU.offer("again", "GRILL", {"STEAK": 2}, at=world.now))
    world.desk.sell_out("STEAK", "GRILL", notice_id="n1")
    stock = world.inventory.ledger.stock("STEAK", "GRILL", now=world.now)
    assert 2 == stock.available


def test_a_place_in_the_kitchen_is_freed_with_the_last_dish_it_was_for() -> None:
    """Nobody keeps a slot for a dinner that was cancelled dish by dish; the order is over."""
    world = Kitchen(policy=Policy(require_cover=False))
    world.receive("slots", "slot", "SLOTS", 2)
    world.desk.place([STEAK, SALAD, line("slot", 2, "0")], order_id="o1", service="takeaway")
    order = world.desk.cancel("o1", units={"l1": 1}, reason="x")
    assert 2 == order.quantities()["l3"].reserved
    order = world.desk.cancel("o1", units={"l2": 1}, reason="x")
    assert "cancelled" == order.state.name
    assert 2 == world.inventory.ledger.stock("slot", "SLOTS", now=world.now).available
    check_quiet(world)


def due_everywhere(world: Kitchen) -> Money:
    """What is due on both tabs, and on the way between them."""
    total = world.desk.order("t1").due + world.desk.order("t2").due
    for intent in world.desk.order("t1").intents:
        if isinstance(intent.request, Transfer):
            _, known = world.orders.load_with_key(intent.request.order_id, intent.id)
            if not any(isinstance(one, OrderEdited) for one in known):
                total = sum((one.total for one in intent.request.charges), total)
    return total


def test_a_crash_anywhere_neither_loses_nor_doubles_what_is_due() -> None:
    """Wherever the process dies, the sum is the same at once, and at its place once resumed."""
    stop, crashed = 0, True
    while crashed:
        crashed = False
        for performed in (False, True):
            world = two_tables()
            before = due_everywhere(world)
            flow = flow_of(world.desk, "transfer", "t1", "t2", key="k")
            try:
                run_until(world, flow, stop, performed=performed)
            except Crashed:
                crashed = True
            assert before == due_everywhere(world)
            world.calm()
            world.desk.transfer("t1", "t2", key="k")
            assert (eur(0), before) == (world.desk.order("t1").due, world.desk.order("t2").due)
            check_quiet(world)
        stop += 1
    assert stop > 5


def test_what_was_transferred_on_is_not_there_a_second_time() -> None:
    """A charge that was given back is known, and nothing is left of it."""
    world = Kitchen()
    for name in ("o1", "o2"):
        world.desk.place([STEAK], order_id=name, table=name, policy=TAB)
    world.desk.transfer("o1", "o2", units={"l1": 1})
    (came,) = (one.id for one in world.desk.order("o2").charges)
    world.desk.transfer("o2", "o1", units={came: 1})
    with pytest.raises(QuantityRefused, match=f"asked 1 of {came}, the limit is 0"):
        world.desk.transfer("o2", "o1", units={came: 1})
    check_quiet(world)


def test_a_transfer_waits_for_a_store_that_fails_or_is_busy() -> None:
    """A fault is noted, lost races are left to whoever resumes; then it is where it belongs."""
    for trouble, told in (
        (AdapterFault("orders", "down"), "orders: down"),
        (NotFound("order", "t2"), "no order 't2'"),
        (Conflict("t2", 1, 2), ""),
    ):
        world = two_tables()
        before = due_everywhere(world)
        flow = flow_of(world.desk, "transfer", "t1", "t2")
        request, announced = flow.send(None), False
        try:
            while True:
                announced = announced or isinstance(request, SaveOrder)
                hurt = announced and getattr(request, "order_id", "") == "t2"
                if hurt and isinstance(trouble, Conflict):
                    hurt = isinstance(request, LoadWithKey)
                request = (
                    flow.throw(trouble) if hurt else flow.send(request.perform(world.desk.ports))
                )
        except StopIteration as stopped:
            order = stopped.value
        assert ["transfer"] == [one.purpose for one in order.intents]
        assert all(told in one.reason for one in order.intents)
        assert before == due_everywhere(world)
        world.calm()
        assert (eur(0), before) == (world.desk.order("t1").due, world.desk.order("t2").due)


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("close_tab", ("t2",)),
        ("cancel", ("t2",)),
        ("add_round", ("t2", [WINE])),
        ("close_tab", ("t1",)),
        ("transfer", ("t2", "t1")),
        ("transfer", ("t1", "t2")),
    ],
)
def test_whatever_happens_meanwhile_the_sum_stays(name: str, args: tuple[Any, ...]) -> None:
    """A tab that is closed or cancelled under way takes nothing: it is due at the first again."""

    def scene() -> tuple[Kitchen, tuple[Any, ...]]:
        world = two_tables()
        more = {"reason": "left"} if name == "cancel" else {}
        moving = flow_of(world.desk, "transfer", "t1", "t2")
        return world, (moving, flow_of(world.desk, name, *args, **more))

    start = due_everywhere(two_tables())
    for world, running in interleavings(scene):
        world.calm()
        check_quiet(world)
        gone = eur("5.20") if name in ("cancel", "add_round") and not running[1].error else eur(0)
        expected = start + gone if name == "add_round" else start - gone
        first, second = world.desk.order("t1"), world.desk.order("t2")
        if running[1].error is not None:  # what came from elsewhere is not given up
            expected = start
        assert expected == first.due + second.due


# A place in the kitchen --------------------------------------------------------------------------


def test_a_slot_is_stock_like_any_other() -> None:
    """It runs out, is free again with a cancellation, and is used up with what it is for."""
    world = Kitchen(policy=Policy(require_cover=False, short="reject"))
    world.receive("slots", "slot 19:00", "SLOTS", 3)
    slot = line("slot 19:00", 2, "0")
    dinner = [STEAK, slot]
    order = world.desk.place(dinner, order_id="o1", service="takeaway")
    assert {"ticket": "queued", "booking": "booked"} == {
        one.kind: one.state.name for one in order.fulfillments
    }
    with pytest.raises(OutOfStock):
        world.desk.place(dinner, order_id="o2", service="takeaway")
    world.desk.cancel("o1", reason="no time")
    world.desk.place(dinner, order_id="o3", service="takeaway")
    order = world.desk.order("o3")
    ticket = next(one for one in order.fulfillments if one.kind == "ticket")
    order = world.desk.advance("o3", ticket.id, "serve")
    assert ["used", "served"] == sorted(
        (one.state.name for one in order.fulfillments), reverse=True
    )
    order = world.desk.record_payment("o3", eur("28.00"), method="cash")
    assert "completed" == order.state.name
    check_quiet(world)


def test_a_slot_is_kept_while_the_dinner_waits() -> None:
    """A dish that nobody can make yet is still wanted, so that the place in the kitchen is too."""
    world = Kitchen(policy=Policy(require_cover=False, short="backorder"))
    world.receive("slots", "slot", "SLOTS", 1)
    world.desk.sell_out("STEAK", "GRILL", notice_id="n")
    lines = [STEAK, line("slot", 1, "0")]
    order = world.desk.place(lines, order_id="o1", service="takeaway")
    assert [("booking", "booked")] == [(one.kind, one.state.name) for one in order.fulfillments]
    world.desk.post_stock(MENU.offer("again", "GRILL", {"STEAK": 1}, at=world.now))
    world.desk.fill(["STEAK"])
    order = world.desk.order("o1")
    assert ["booking", "ticket"] == sorted(one.kind for one in order.fulfillments)
    check_quiet(world)


# All of it, in any order -------------------------------------------------------------------------

some_dishes = st.lists(
    st.builds(
        lambda sku, count, course, wishes: MENU[sku].line(count, course=course, modifiers=wishes),
        st.sampled_from(list(MENU.dishes)),
        st.integers(1, 3),
        st.sampled_from([None, 0, 1, 2]),
        st.sampled_from([(), (), (CHEESE,)]),
    ),
    min_size=1,
    max_size=3,
)
pieces = st.sampled_from(["f1", "f1", "f2", "f2", "f3", "f4", "f5"])
line_ids = st.sampled_from(["l1", "l1", "l2", "l3", "l4"])
STEPS = (
    *("prepare", "prepare", "ready", "ready", "serve", "serve", "serve", "recall", "remake"),
    *("refuse", "fire", "dispatch", "deliver", "miss", "juggle"),
)


class Evening(RuleBasedStateMachine):
    """Two tables, one kitchen with few portions."""

    def __init__(self) -> None:
        super().__init__()
        self.world = Kitchen(5)
        self.number = 0
        self.refusals: list[str] = []

    def call(self, name: str, *args: object, **kwargs: object) -> None:
        """Call the desk; a refusal says why and leaves no trace."""
        before = self.world.trace()
        try:
            getattr(self.world.desk, name)(*args, **kwargs)
        except AdapterFault as fault:
            raise AssertionError(fault) from fault
        except OrderwrightError as error:
            self.refusals.append(str(error))
            assert before == self.world.trace()

    def next(self) -> str:
        """A name that was not used before."""
        self.number += 1
        return f"n{self.number}"

    @initialize(first=some_dishes, second=some_dishes)
    def seat(self, first: list[Any], second: list[Any]) -> None:
        """Guests come."""
        self.call("place", first, order_id="t1", table="4")
        self.call(
            "place", second, order_id="t2", table="5", policy=Policy(tab=True, short="backorder")
        )

    @rule(tab=st.sampled_from(["t1", "t2"]), dishes=some_dishes)
    def add_round(self, tab: str, dishes: list[Any]) -> None:
        """They order more, and the waiter says it twice."""
        key = self.next()
        self.call("add_round", tab, dishes, key=key)
        if self.world.orders.load_with_key(tab, key)[1]:
            before = self.world.trace()
            self.world.desk.add_round(tab, dishes, key=key)
            assert before == self.world.trace()

    @rule(tab=st.sampled_from(["t1", "t2"]), course=st.integers(0, 3))
    def fire(self, tab: str, course: int) -> None:
        """The waiter calls a course."""
        self.call("fire", tab, course)

    @rule(tab=st.sampled_from(["t1", "t2"]), piece=pieces, step=st.sampled_from(STEPS))
    def cook(self, tab: str, piece: str, step: str) -> None:
        """The kitchen takes a step."""
        self.call("advance", tab, piece, step)

    @rule(
        name=st.sampled_from(["request_stop", "stop", "refuse_stop"]),
        tab=st.sampled_from(["t1", "t2"]),
        piece=pieces,
    )
    def stop(self, name: str, tab: str, piece: str) -> None:
        """Somebody changes their mind."""
        self.call(name, tab, piece)

    @rule(
        tab=st.sampled_from(["t1", "t2"]),
        piece=pieces,
        units=st.dictionaries(line_ids, st.integers(1, 2), min_size=1, max_size=2),
    )
    def split(self, tab: str, piece: str, units: dict[str, int]) -> None:
        """A ticket is parted."""
        self.call("split", tab, piece, units)

    @rule(
        tab=st.sampled_from(["t1", "t2"]),
        units=st.dictionaries(line_ids, st.integers(1, 2), min_size=1, max_size=2),
    )
    def cancel(self, tab: str, units: dict[str, int]) -> None:
        """Something is not wanted after all."""
        self.call("cancel", tab, units=units, reason="no")

    @rule(tab=st.sampled_from(["t1", "t2"]), line_id=line_ids, quantity=st.integers(0, 4))
    def edit(self, tab: str, line_id: str, quantity: int) -> None:
        """More or fewer of a dish."""
        self.call("edit", tab, [ChangeLine(line_id=line_id, quantity=quantity)])

    @rule(sku=st.sampled_from(["STEAK", "ICE", "SALAD"]), queued=st.booleans())
    def sell_out(self, sku: str, queued: bool) -> None:  # noqa: FBT001
        """A dish is off the menu."""
        place = "GRILL" if sku == "STEAK" else "COLD"
        notice = self.next()
        self.world.desk.sell_out(sku, place, notice_id=notice, queued=queued)
        stock = self.world.inventory.ledger.stock(sku, place, now=self.world.now)
        assert 0 == stock.available

    @rule(sku=st.sampled_from(["STEAK", "ICE", "SALAD"]))
    def offer(self, sku: str) -> None:
        """A dish is on offer again, and who waits has it."""
        place = "GRILL" if sku == "STEAK" else "COLD"
        self.world.desk.post_stock(MENU.offer(self.next(), place, {sku: 2}, at=self.world.now))

    @rule(tab=st.sampled_from(["t1", "t2"]), which=st.integers(0, 3))
    def resolve(self, tab: str, which: int) -> None:
        """The chef looks at an exception."""
        order = self.world.orders.load(tab)
        codes = [one.code for one in order.exceptions] if order else []
        self.call("resolve", tab, codes[which % len(codes)] if codes else "none", resolution="seen")

    @rule(name=st.sampled_from(["close_tab", "reopen_tab"]), tab=st.sampled_from(["t1", "t2"]))
    def close(self, name: str, tab: str) -> None:
        """The bill, please; or one more."""
        self.call(name, tab)

    @rule(tab=st.sampled_from(["t1", "t2"]), amount=st.sampled_from([None, eur("5.55"), eur(50)]))
    def pay(self, tab: str, amount: Money | None) -> None:
        """Somebody pays some of it, or the rest."""
        self.call("pay", tab, [Tender(method="card", amount=amount)])

    @rule(tab=st.sampled_from(["t1", "t2"]))
    def tip(self, tab: str) -> None:
        """A tip, also when the tab is closed."""
        charge = Charge(kind="tip", amount=eur("1.11"))
        self.call("edit", tab, [AddCharge(charge=charge)])

    @rule(tab=st.sampled_from(["t1", "t2"]), after=st.integers(0, 40))
    def promise(self, tab: str, after: int) -> None:
        """The waiter says when."""
        self.call("promise", tab, self.world.now + minutes(after))

    @rule(
        tab=st.sampled_from(["t1", "t2"]),
        to=st.sampled_from(["t1", "t2"]),
        units=st.none() | st.dictionaries(line_ids, st.integers(1, 2), min_size=1, max_size=2),
    )
    def transfer(self, tab: str, to: str, units: dict[str, int] | None) -> None:
        """Guests pay for others, or join them."""
        orders = [self.world.orders.load(one) for one in ("t1", "t2")]
        before = sum(one.due.minor for one in orders if one)
        self.call("transfer", tab, to, units=units)
        orders = [self.world.orders.load(one) for one in ("t1", "t2")]
        assert before == sum(one.due.minor for one in orders if one)

    @rule(by=st.integers(1, 20))
    def time_passes(self, by: int) -> None:
        """Time moves on, and what is due is done."""
        self.world.now += minutes(by)
        assert () == self.world.desk.resume().failures

    @invariant()
    def laws(self) -> None:
        """Everything adds up, ingredients too, and every refusal says something."""
        assert all(self.refusals)
        check_laws(self.world)

    def teardown(self) -> None:
        """In the end nothing is in flight."""
        self.world.calm()
        check_quiet(self.world)


TestEvening = Evening.TestCase
TestEvening.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.parametrize("reported", ["t1", "t2"])
def test_a_report_is_taken_on_either_side_of_a_transfer(reported: str) -> None:
    """A cancellation reported of either tab is not refused, and what was moved stays due."""
    world = Kitchen()
    desk = world.desk
    desk.place([MENU["STEAK"].line(2)], order_id="t1", table="4")
    desk.place([MENU["WINE"].line()], order_id="t2", table="5")
    moved = desk.order("t1").due
    desk.transfer("t1", "t2")
    wine = desk.order("t2").due - moved
    told = desk.report_cancellation(reported, reason="court")
    assert "cancelled_after_transfer" in [one.code for one in told.exceptions]
    again = desk.report_cancellation(reported, reason="court")
    assert again.exceptions == told.exceptions
    assert desk.order("t1").due.minor == 0
    assert desk.order("t2").due == (moved if reported == "t2" else moved + wine)
    check_laws(world)


def test_a_tab_that_a_hold_gives_up_is_looked_into_if_a_dish_has_moved() -> None:
    """Nobody cancelled it by hand, and the dish is on another bill all the same."""
    world, _ = at_table(STEAK)
    world.desk.place([WINE], order_id="t2", table="5", policy=TAB)
    world.desk.transfer("t1", "t2")
    until = world.now + HOUR
    world.desk.hold("t1", "asleep", blocks=["fulfil"], until=until, then="cancel", reason="left")
    world.now = until
    world.desk.resume()
    order = world.desk.order("t1")
    assert ("cancelled", ["cancelled_after_transfer"]) == (
        order.state.name,
        [one.code for one in order.exceptions],
    )
    check_laws(world)


def test_the_same_notice_at_the_same_moment_spares_what_is_on_offer_by_then() -> None:
    """Word for word the same posting is no mistake, and takes nothing off."""
    world, _ = at_table(STEAK)
    at, stock = world.now, world.inventory.ledger.stock("STEAK", "GRILL", now=world.now)
    assert ("t1",) == world.desk.sell_out("STEAK", "GRILL", notice_id="n", queued=True, at=at)
    offer = MENU.offer("more", "GRILL", {"STEAK": stock.available + 1}, at=at)
    world.inventory.post(offer)
    world.desk.place([STEAK], order_id="t2", table="5", policy=TAB)
    assert () == world.desk.sell_out("STEAK", "GRILL", notice_id="n", queued=True, at=at)
    assert ["queued"] == [one.state.name for one in world.desk.order("t2").fulfillments]


def test_what_is_sold_out_stays_so_where_a_count_took_some_of_it() -> None:
    """What a queued order gives up is not on offer again, also not what a count has left of it."""
    world, _ = at_table(MENU["STEAK"].line(2))
    flow = flow_of(world.desk, "sell_out", "STEAK", "GRILL", notice_id="n", queued=True)
    request = flow.send(None)
    while not (isinstance(request, PostStock) and request.posting.id.startswith("t1/")):
        request = flow.send(request.perform(world.desk.ports))
    (held,) = world.inventory.reservations(world.now, order_id="t1")
    gone = evolve(held, quantity=1, expires_at=None)
    lost = Posting.adjust("x", "STEAK", "GRILL", -1, at=world.now, reason="", breaking=[gone])
    world.inventory.post(lost)
    flow.close()
    world.calm()
    stock = world.inventory.ledger.stock("STEAK", "GRILL", now=world.now)
    assert (0, 0) == (stock.available, stock.reserved)
    check_quiet(world)
