"""Work is divided anew, moved and made up for, and no unit is lost or served twice."""

from collections.abc import Mapping, Sequence

import pytest

from orderwright import Location, Policy
from orderwright.errors import (
    BrokenPromise,
    IllegalTransition,
    InvalidInput,
    OnHold,
    OutOfStock,
    QuantityRefused,
)
from orderwright.fulfillment.fulfillment import FulfillmentItem
from orderwright.fulfillment.planning import (
    Demand,
    FulfillmentPlan,
    PlannedFulfillment,
    Sourcing,
    plan,
)
from orderwright.lifecycles import REFUSED, REMADE, SHORT
from orderwright.orders.events import FulfillmentsPlanned
from orderwright.orders.order import Order
from orderwright.tracking.timeline import render, timeline
from tests.worlds import (
    LOCATIONS,
    NOON,
    Crashed,
    World,
    card,
    check_laws,
    check_quiet,
    interleavings,
    line,
    run_until,
)


def placed(*stock: tuple[str, str, int], units: int = 3, **more: object) -> World:
    """A world with a paid order of some mugs."""
    world = World(*(stock or (("MUG", "MAIN", 9), ("MUG", "STORE", 9))))
    world.desk.place([line("MUG", units)], order_id="o1", tenders=[card()], **more)
    return world


def at_work(order: Order) -> list[tuple[str, str, str, int]]:
    """The fulfillments of an order: id, location, state and units."""
    return [
        (one.id, one.location, one.state.name, sum(one.units.values()))
        for one in order.fulfillments
    ]


def test_split_and_merge() -> None:
    """Two parts go their own ways, or become one again, and the ledger need not be told."""
    world = placed()
    before = len(list(world.inventory.ledger.postings()))
    order = world.desk.split("o1", "f1", {"l1": 1})
    assert [("f1", "MAIN", "reserved", 2), ("f2", "MAIN", "reserved", 1)] == at_work(order)
    world.desk.split("o1", "f1", {"l1": 1})
    order = world.desk.merge("o1", ["f2", "f3"])
    assert [("f1", "MAIN", "reserved", 1), ("f2", "MAIN", "reserved", 2)] == at_work(order)
    assert 1 == len(order.fulfillment("f2").items)
    order = world.desk.merge("o1", ["f1", "f2"])
    assert [("f1", "MAIN", "reserved", 3)] == at_work(order)
    assert 1 == len(order.fulfillment("f1").items)
    assert before == len(list(world.inventory.ledger.postings()))
    world.desk.split("o1", "f1", {"l1": 2}, reason="heavy", by="joe")
    check_laws(world)
    for name in ("f1", "f4"):
        world.desk.ship("o1", name)
        world.desk.deliver("o1", name)
    order = world.orders.load("o1")
    assert ("completed", "delivered") == (order.state.name, order.goods)
    assert "f1 split: 2 of l1: heavy (joe)" in render(timeline(world.desk.history("o1")))
    check_quiet(world)


def test_what_cannot_be_split_or_merged() -> None:
    """Refused are more units than there are, all of them, what has left, and what is not alike."""
    world = placed()
    with pytest.raises(InvalidInput, match="all units of fulfillment f1: leave some"):
        world.desk.split("o1", "f1", {"l1": 3})
    with pytest.raises(QuantityRefused):
        world.desk.split("o1", "f1", {"l1": 4})
    world.desk.split("o1", "f1", {"l1": 1})
    world.desk.advance("o1", "f1", "release")
    with pytest.raises(IllegalTransition, match="unlike f1"):
        world.desk.merge("o1", ["f1", "f2"])
    world.desk.ship("o1", "f1")
    with pytest.raises(IllegalTransition, match="f1 is shipped"):
        world.desk.split("o1", "f1", {"l1": 1})


def test_a_short_pick_is_made_up_for_elsewhere() -> None:
    """What the picker did not find is written off there and comes from another place."""
    world = placed()
    for action in ("release", "pick"):
        world.desk.advance("o1", "f1", action)
    order = world.desk.short_pick("o1", "f1", {"l1": 2}, reason="empty shelf", key="k1")
    assert order == world.desk.short_pick("o1", "f1", {"l1": 2}, reason="empty shelf", key="k1")
    assert [
        ("f1", "MAIN", "picking", 1),
        ("f2", "MAIN", "short", 2),
        ("f3", "STORE", "reserved", 2),
    ] == at_work(order)
    ledger = world.inventory.ledger
    assert (6, 7) == tuple(
        ledger.stock("MUG", where, now=NOON).available for where in ("MAIN", "STORE")
    )
    assert SHORT == order.fulfillment("f2").state
    check_quiet(world)
    for name in ("f1", "f3"):
        world.desk.ship("o1", name)
        world.desk.deliver("o1", name)
    assert "completed" == world.orders.load("o1").state.name
    check_quiet(world)


def test_a_short_pick_nobody_can_make_up_for_waits() -> None:
    """Where no other place has it, it is backordered, and filled when it comes, also there."""
    world = placed(("MUG", "MAIN", 3))
    world.desk.advance("o1", "f1", "release")
    order = world.desk.short_pick("o1", "f1", {"l1": 3})
    assert [("f1", "MAIN", "short", 3)] == at_work(order)
    assert (3, "backordered") == (order.line("l1").backordered, order.goods)
    check_quiet(world)
    world.receive("late", "MUG", "MAIN", 5)
    world.desk.fill(["MUG"])
    assert ("f2", "MAIN", "reserved", 3) == at_work(world.orders.load("o1"))[-1]
    check_quiet(world)


def test_a_location_refuses() -> None:
    """Its stock is free again, and another place is asked; a late parcel from it opens a case."""
    world = placed()
    order = world.desk.advance("o1", "f1", "refuse", by="joe")
    assert [("f1", "MAIN", "refused", 3), ("f2", "STORE", "reserved", 3)] == at_work(order)
    assert REFUSED == order.fulfillment("f1").state
    assert 9 == world.inventory.ledger.stock("MUG", "MAIN", now=NOON).available
    check_quiet(world)
    order = world.desk.ship("o1", "f1", tracking="T-9")
    assert order.has_exception("left_after_all")
    assert at_work(order)[0] == ("f1", "MAIN", "refused", 3)
    check_laws(world)


def test_everybody_refuses() -> None:
    """When no place is left to ask, the units wait."""
    world = placed()
    world.desk.advance("o1", "f1", "refuse")
    order = world.desk.advance("o1", "f2", "refuse")
    assert 3 == order.line("l1").backordered
    check_quiet(world)


def test_move() -> None:
    """Another place serves it: its stock is reserved and the old one's freed in one posting."""
    world = placed()
    before = len(list(world.inventory.ledger.postings()))
    order = world.desk.move("o1", "f1", "STORE", reason="closer", key="k1")
    assert order == world.desk.move("o1", "f1", "STORE", reason="closer", key="k1")
    assert [("f2", "STORE", "reserved", 3)] == at_work(order)
    assert before + 1 == len(list(world.inventory.ledger.postings()))
    assert order == world.desk.move("o1", "f2", "STORE")
    check_quiet(world)


def test_what_cannot_be_moved() -> None:
    """Refused are places unknown, unfit or short of stock, and what is being picked."""
    world = placed(("MUG", "MAIN", 9), ("MUG", "STORE", 2))
    with pytest.raises(InvalidInput, match="there is no location 'MOON', only MAIN, STORE, DEPOT"):
        world.desk.move("o1", "f1", "MOON")
    with pytest.raises(OutOfStock, match="wanted 3, available 2"):
        world.desk.move("o1", "f1", "STORE")
    cold = [*LOCATIONS, Location(id="ICE", offers=["cold"])]
    world.receive("ice", "ICE", "ICE", 1)
    world.desk = world.new_desk(locations=cold)
    world.desk.place([line("ICE", requires=["cold"])], order_id="o2", tenders=[card()])
    with pytest.raises(InvalidInput, match="MAIN does not offer cold, which line l1 requires"):
        world.desk.move("o2", "f1", "MAIN")
    for action in ("release", "pick"):
        world.desk.advance("o1", "f1", action)
    with pytest.raises(IllegalTransition):
        world.desk.move("o1", "f1", "STORE")


COMMANDS: dict[str, tuple[str, tuple[object, ...]]] = {
    "move": ("move", ("o1", "f1", "STORE")),
    "short_pick": ("short_pick", ("o1", "f1", {"l1": 2})),
    "refuse": ("advance", ("o1", "f1", "refuse")),
    "split": ("split", ("o1", "f1", {"l1": 1})),
    "merge": ("merge", ("o1", ["f1", "f2"])),
}


def ready(name: str) -> World:
    """A world in which that command can be told."""
    world = placed()
    if name == "merge":
        world.desk.split("o1", "f1", {"l1": 1})
    if name == "short_pick":
        world.desk.advance("o1", "f1", "release")
    return world


@pytest.mark.parametrize("name", COMMANDS)
def test_a_crash_anywhere_loses_nothing(name: str) -> None:
    """Wherever it stops, said again it ends where it would have without a crash."""
    command, arguments = COMMANDS[name]
    smooth = ready(name)
    expected = run_until(smooth, smooth.flow(command, *arguments, key="k"), 999, performed=True)
    assert isinstance(expected, Order)
    stop, died = 0, True
    while died:
        died = False
        for performed in (False, True):
            world = ready(name)
            flow = world.flow(command, *arguments, key="k")
            try:
                run_until(world, flow, stop, performed=performed)
            except Crashed:
                died = True
            check_laws(world)
            getattr(world.desk, command)(*arguments, key="k")
            world.calm()
            assert at_work(expected) == at_work(world.desk.order("o1"))
            check_quiet(world)
        stop += 1
    assert stop > 2


def test_moved_and_cancelled_at_once() -> None:
    """However moving and cancelling are interleaved, nothing stays held or is served twice."""

    def scene() -> tuple[World, tuple[object, ...]]:
        world = placed()
        moving = world.flow("move", "o1", "f1", "STORE")
        return world, (moving, world.flow("cancel", "o1", reason="x"))

    ends = set()
    for world, _ in interleavings(scene):
        world.calm()
        order = world.desk.order("o1")
        ends.add(order.state.name)
        check_quiet(world)
    assert {"cancelled"} <= ends <= {"cancelled", "confirmed"}


def test_two_want_the_last_ones() -> None:
    """Of two orders moved to a place that has enough for one, one stays where it was."""

    def scene() -> tuple[World, tuple[object, ...]]:
        world = placed(("MUG", "MAIN", 9), ("MUG", "STORE", 4))
        world.desk.place([line("MUG", 3)], order_id="o2", tenders=[card()])
        flows = (world.flow("move", one, "f1", "STORE") for one in ("o1", "o2"))
        return world, tuple(flows)

    ends = set()
    for world, _ in interleavings(scene):
        world.calm()
        where = sorted(order.fulfillments[0].location for order in world.all_orders())
        ends.add(tuple(where))
        check_quiet(world)
    assert {("MAIN", "STORE")} == ends


def test_what_was_asked_to_stop() -> None:
    """It is not split before that is answered; a short pick leaves the rest of it asked."""
    world = placed()
    for action in ("release", "pick"):
        world.desk.advance("o1", "f1", action)
    world.desk.request_stop("o1", "f1")
    with pytest.raises(IllegalTransition, match="f1 is asked to stop"):
        world.desk.split("o1", "f1", {"l1": 1})
    order = world.desk.short_pick("o1", "f1", {"l1": 1})
    assert (("l1", 2),) == order.fulfillment("f1").stopping
    world.desk.stop("o1", "f1")
    check_quiet(world)


def test_one_part_on_hold() -> None:
    """A hold on one fulfillment lets the others go on."""
    world = placed()
    world.desk.split("o1", "f1", {"l1": 1})
    world.desk.hold("o1", "gift", blocks={"fulfil"}, fulfillments=["f2"])
    world.desk.advance("o1", "f1", "release")
    with pytest.raises(OnHold):
        world.desk.advance("o1", "f2", "release")
    world.desk.release_hold("o1", "gift")
    world.desk.advance("o1", "f2", "release")
    with pytest.raises(InvalidInput, match="a hold on some of them blocks 'fulfil' alone"):
        world.desk.hold("o1", "odd", blocks={"capture"}, fulfillments=["f2"])


def test_kinds() -> None:
    """The order's service, or what the location makes, decides what is gone through."""
    world = World(("MUG", "MAIN", 9), ("SOUP", "KITCHEN", 9), ("CODE", "CLOUD", 9))
    places = [
        *LOCATIONS,
        Location(id="KITCHEN", makes="ticket"),
        Location(id="CLOUD", makes="digital"),
    ]
    world.desk = world.new_desk(locations=places)
    world.desk.place(
        [line("MUG"), line("SOUP"), line("CODE")],
        order_id="o1",
        tenders=[card()],
        service="pickup",
    )
    order = world.orders.load("o1")
    kinds = {one.location: (one.id, one.kind, one.state.name) for one in order.fulfillments}
    names = {where: kind[0] for where, kind in kinds.items()}
    assert {
        "MAIN": ("pickup", "reserved"),
        "KITCHEN": ("ticket", "queued"),
        "CLOUD": ("digital", "reserved"),
    } == {where: kind[1:] for where, kind in kinds.items()}
    for action in ("fire", "prepare", "ready", "recall", "ready", "serve"):
        world.desk.advance("o1", names["KITCHEN"], action)
    world.desk.advance("o1", names["CLOUD"], "send")
    for action in ("release", "pick", "ready", "miss"):
        order = world.desk.advance("o1", names["MAIN"], action)
    assert order.has_exception("nobody_there")
    world.desk.resolve("o1", "nobody_there", resolution="they called")
    order = world.desk.advance("o1", names["MAIN"], "collect")
    assert ("completed", "delivered") == (order.state.name, order.goods)
    check_quiet(world)
    with pytest.raises(InvalidInput, match="BAR makes 'drink', which is none of the kinds"):
        world.new_desk(locations=[Location(id="BAR", makes="drink")])


def test_a_dish_is_made_again() -> None:
    """What was spoilt is written off, and a second ticket is made of other stock."""
    world = World(("SOUP", "KITCHEN", 5))
    world.desk = world.new_desk(locations=[Location(id="KITCHEN", makes="ticket")])
    world.desk.place([line("SOUP")], order_id="o1", tenders=[card()])
    for action in ("fire", "prepare"):
        world.desk.advance("o1", "f1", action)
    order = (
        world.desk.advance("o1", "f1", "remake", reason="burnt")
        if False
        else (world.desk.advance("o1", "f1", "remake"))
    )
    assert REMADE == order.fulfillment("f1").state
    assert ("f2", "KITCHEN", "queued", 1) == at_work(order)[1]
    assert 3 == world.inventory.ledger.stock("SOUP", "KITCHEN", now=NOON).available
    for action in ("fire", "prepare", "ready", "serve"):
        order = world.desk.advance("o1", "f2", action)
    assert "completed" == order.state.name
    check_quiet(world)


@pytest.mark.parametrize("action", ["lose", "return_to_sender"])
def test_astray(action: str) -> None:
    """A parcel that will not arrive opens a case; once that is settled the order is complete."""
    world = placed(units=1, policy=Policy(capture="on_confirmation"))
    world.desk.ship("o1", "f1", tracking="T-1")
    order = world.desk.advance("o1", "f1", action)
    code = {"lose": "shipment_lost", "return_to_sender": "returned_to_sender"}[action]
    assert (order.has_exception(code), "shipped") == (True, order.goods)
    assert order == world.desk.advance("o1", "f1", action)
    order = world.desk.claim("o1", {"l1": 1}, fault="lost", remedy="refund")
    order = world.desk.resolve("o1", code, resolution="refunded")
    assert ("completed", "refunded") == (order.state.name, order.money)
    check_quiet(world)


def test_found_again() -> None:
    """A lost parcel that is delivered after all has been delivered."""
    world = placed(units=1)
    world.desk.ship("o1", "f1")
    world.desk.advance("o1", "f1", "lose")
    world.desk.deliver("o1", "f1")
    order = world.desk.resolve("o1", "shipment_lost", resolution="found")
    assert ("completed", "delivered") == (order.state.name, order.goods)
    check_quiet(world)


def test_lines_that_stay_together() -> None:
    """Lines that are to come together do, though the places that have them each were cheaper."""
    world = World(("MUG", "MAIN", 1), ("CUP", "STORE", 1), ("MUG", "DEPOT", 1), ("CUP", "DEPOT", 1))
    lines = [line("MUG", together="set"), line("CUP", together="set")]
    order = world.desk.place(lines, order_id="o1", tenders=[card()])
    assert ["DEPOT"] == [one.location for one in order.fulfillments]
    check_quiet(world)


def test_ship_complete() -> None:
    """Nothing is reserved of an order that ships complete before all of it can be."""
    world = World(("MUG", "MAIN", 1))
    rules = Policy(short="backorder", ship_complete=True)
    order = world.desk.place([line("MUG", 2)], order_id="o1", tenders=[card()], policy=rules)
    assert ((), 2) == (order.fulfillments, order.line("l1").backordered)
    world.receive("more", "MUG", "STORE", 1)
    world.desk.fill(["MUG"])
    order = world.orders.load("o1")
    assert [("f1", "MAIN", "reserved", 1), ("f2", "STORE", "reserved", 1)] == at_work(order)
    check_quiet(world)


def test_what_ships_complete_waits_for_what_nobody_can_serve() -> None:
    """Nothing is reserved either while no location at all may serve one of the lines."""
    world = World(("MUG", "MAIN", 9), ("ICE", "MAIN", 9))
    rules = Policy(short="backorder", ship_complete=True)
    lines = [line(), line("ICE", requires=frozenset({"frozen"}))]
    order = world.desk.place(lines, order_id="o1", tenders=[card()], policy=rules)
    assert ((), 1, 1) == (
        order.fulfillments,
        order.line("l1").backordered,
        order.line("l2").backordered,
    )
    told = [one for one in world.orders.events("o1") if isinstance(one, FulfillmentsPlanned)]
    assert ("no location offers all that is required",) == told[-1].reasons
    check_quiet(world)


def test_a_strategy_of_your_own() -> None:
    """A desk plans by any function of that signature, told which order it is for."""
    world = World(("MUG", "MAIN", 9), ("MUG", "STORE", 9))
    seen: list[str] = []

    def to_the_store(
        demand: Sequence[Demand],
        supply: Mapping[tuple[str, str], int],
        locations: Mapping[str, Location],
        sourcing: Sourcing,
    ) -> FulfillmentPlan:
        seen.append(sourcing.order_id)
        only = {where: place for where, place in locations.items() if where == "STORE"}
        there = {key: units for key, units in supply.items() if key[1] == "STORE"}
        return plan(demand, there, only, sourcing)

    world.desk = world.new_desk(strategy=to_the_store)
    order = world.desk.place([line()], order_id="o1", tenders=[card()])
    assert (["STORE"], ["o1"]) == ([one.location for one in order.fulfillments], seen)
    check_quiet(world)


def test_an_unsound_strategy() -> None:
    """A plan that loses units, or invents a place, is refused before anything is saved."""
    world = World()

    def nothing(*_: object) -> FulfillmentPlan:
        return FulfillmentPlan.nothing((), "lost them")

    def nowhere(demand: Sequence[Demand], *_: object) -> FulfillmentPlan:
        items = tuple(FulfillmentItem(one.line_id, one.sku, one.quantity) for one in demand)
        return FulfillmentPlan(
            fulfillments=(PlannedFulfillment("MOON", items),),
            leftovers=(),
            cost=0,
            optimal=True,
            reasons=(),
        )

    for strategy, told in ((nothing, "line l1: served and left"), (nowhere, "no location 'MOON'")):
        with pytest.raises(BrokenPromise, match=told):
            world.new_desk(strategy=strategy).place([line()], order_id="o1", tenders=[card()])
    assert [] == world.all_orders()
