"""What somebody found who read the flows of goods, and tried what is said of them."""

from collections.abc import Sequence
from typing import Any

import pytest
from attrs import evolve

from orderwright import ChangeLine, Contact, DraftLine, Policy, Posting, UnitPrice
from orderwright.errors import IllegalTransition, InvalidInput, OnHold
from orderwright.fulfillment.planning import Demand, FulfillmentPlan, plan
from orderwright.orders.lines import KitPart
from orderwright.testing.simulation import Begin, Call, Go, Simulation
from tests.kitchens import MENU, TAB, Kitchen
from tests.worlds import HOUR, PARCELS, World, card, check_laws, check_quiet, eur, line

ANN = Contact(name="Ann", street=("1 Main St",), city="Reykjavik", country="IS")
WAITING = Policy(short="backorder", unpaid_ttl=None)


def picking(*stock: tuple[str, str, int], units: int, **more: Any) -> World:  # noqa: ANN401
    """An order of so many mugs, which somebody picks."""
    world = World(*stock, **more)
    world.desk.place([line("MUG", units)], order_id="o1", tenders=[card()])
    for action in ("release", "pick"):
        world.desk.advance("o1", "f1", action)
    return world


def test_who_stops_some_keeps_the_place_in_the_queue_for_the_rest() -> None:
    """What is stopped was taken out of a parcel, not of what is waited for."""
    world = World(("MUG", "MAIN", 2), policy=WAITING)
    world.desk.place([line("MUG", 2)], order_id="o1", tenders=[card()])
    world.desk.place([line("MUG", 1)], order_id="o2", tenders=[card()])
    world.desk.edit("o1", [ChangeLine(line_id="l1", quantity=3)], tenders=[card()])
    for action in ("release", "pick"):
        world.desk.advance("o1", "f1", action)
    world.desk.request_stop("o1", "f1", units={"l1": 1})
    world.desk.stop("o1", "f1")
    assert ("o2",) == world.desk.fill(["MUG"])
    assert 1 == world.desk.order("o1").line("l1").backordered
    check_quiet(world)


def test_a_parcel_that_a_count_missed_leaves_all_the_same() -> None:
    """The unit in the picker's hands is what a count misses: somebody is told of it."""
    world = picking(("MUG", "MAIN", 1), units=1, policy=WAITING)
    world.desk.count_stock("MUG", "MAIN", 0, count_id="c")
    order = world.desk.ship("o1", "f1", carrier="DHL", tracking="T")
    told = {one.code: one.detail for one in order.exceptions}
    assert {"stock_missing", "left_after_all"} == set(told)
    assert "ship DHL T" in told["left_after_all"]
    world.calm()
    check_laws(world)


def test_a_dish_that_a_count_took_is_served_all_the_same() -> None:
    """It was not cancelled, so nothing is uncancelled by it."""
    world = Kitchen(1)
    world.desk.place([MENU["STEAK"].line()], order_id="t1", table="t1", policy=TAB)
    world.desk.fire("t1", 2)
    world.desk.count_stock("STEAK", "GRILL", 0, count_id="c1")
    simulation = Simulation(world)
    simulation.run([Begin("s", Call("advance", "t1", "f1", "serve")), *[Go("s")] * 12])
    simulation.calm()
    assert "left_after_all" in {one.code for one in world.desk.order("t1").exceptions}


@pytest.mark.parametrize("requests", range(2, 13))
def test_what_ships_while_it_is_moved_has_left_from_where_it_was(requests: int) -> None:
    """Parcel and number are kept, whenever the carrier fetches it, and nothing else is sent."""
    world = World(("MUG", "MAIN", 1), ("MUG", "STORE", 1))
    world.desk.place([line("MUG", 1)], order_id="o1", tenders=[card()])
    simulation = Simulation(world)
    parcel = Call("ship", "o1", "f1", carrier="DHL", tracking="T1")
    simulation.run(
        [
            Begin("a", Call("move", "o1", "f1", "STORE")),
            *[Go("a")] * 4,
            Begin("b", parcel),
            *[Go("b")] * requests,
            *[Go("a")] * 6,
        ]
    )
    simulation.calm()
    order = world.desk.order("o1")
    gone = [(one.location, one.tracking) for one in order.fulfillments if one.gone]
    assert [("MAIN", "T1")] == gone
    assert [0, 1] == [one.on_hand for one in world.inventory.supply(["MUG"], now=world.now)]


def test_nobody_begins_what_is_being_moved() -> None:
    """It is to be picked somewhere else."""
    world = World(("MUG", "MAIN", 1), ("MUG", "STORE", 1))
    world.desk.place([line("MUG", 1)], order_id="o1", tenders=[card()])
    simulation = Simulation(world)
    simulation.run([Begin("a", Call("move", "o1", "f1", "STORE")), *[Go("a")] * 4])
    with pytest.raises(IllegalTransition, match="being moved"):
        world.desk.advance("o1", "f1", "release")


def test_a_count_keeps_what_was_asked_to_stop() -> None:
    """Of what is left; what is not there any more is given up."""
    world = picking(("MUG", "MAIN", 3), units=3)
    world.desk.request_stop("o1", "f1", units={"l1": 1})
    world.desk.count_stock("MUG", "MAIN", 2, count_id="c1")
    order = world.desk.stop("o1", "f1")
    counts = order.quantities()["l1"]
    assert (1, 1) == (counts.cancelled, counts.in_fulfilment)
    check_laws(world)


@pytest.mark.parametrize("how", ["short_pick", "count"])
def test_what_was_asked_to_stop_is_not_sourced_elsewhere(how: str) -> None:
    """Nobody wants what is not found, if it was to be stopped."""
    world = picking(("MUG", "MAIN", 2), ("MUG", "STORE", 2), units=2)
    world.desk.request_stop("o1", "f1")
    with pytest.raises(IllegalTransition, match="asked to stop"):
        world.desk.advance("o1", "f1", "refuse")
    if how == "short_pick":
        world.desk.short_pick("o1", "f1", {"l1": 2})
    else:
        world.desk.count_stock("MUG", "MAIN", 0, count_id="c1")
    order = world.desk.order("o1")
    assert 2 == order.line("l1").cancelled
    assert not [one for one in order.fulfillments if one.location == "STORE"]
    check_laws(world)


def test_what_used_up_its_ingredients_stays_where_they_were() -> None:
    """Another place would use them up once more, or not at all."""
    stock = [(sku, place, 9) for sku in ("PIE", "FLOUR") for place in ("MAIN", "STORE")]
    world = World(*stock)
    price = UnitPrice.of("5", "EUR")
    pie = DraftLine(sku="PIE", quantity=1, unit_price=price, uses={"FLOUR": 2})
    world.desk.place([pie], order_id="o1", tenders=[card()])
    world.desk.advance("o1", "f1", "release")
    with pytest.raises(IllegalTransition, match="begun"):
        world.desk.move("o1", "f1", "STORE")
    check_quiet(world)


def test_a_hold_on_a_part_holds_all_of_its_units() -> None:
    """Under another id they would be free."""
    world = World(("MUG", "MAIN", 3), ("MUG", "STORE", 3))
    world.desk.place([line("MUG", 3)], order_id="o1", tenders=[card()])
    world.desk.hold("o1", "x", blocks=["fulfil"], fulfillments=["f1"])
    for told in (
        lambda: world.desk.split("o1", "f1", {"l1": 1}),
        lambda: world.desk.move("o1", "f1", "STORE"),
    ):
        with pytest.raises(OnHold):
            told()
    world.desk.release_hold("o1", "x")
    assert 2 == len(world.desk.split("o1", "f1", {"l1": 1}).fulfillments)


@pytest.mark.parametrize("how", ["by hand", "in time"])
def test_what_came_in_during_a_hold_is_given_when_it_ends(how: str) -> None:
    """Nobody has to remember who had to wait for it."""
    world = World(("MUG", "MAIN", 1), policy=WAITING)
    world.desk.place([line("MUG", 2)], order_id="o1", tenders=[card()])
    until = world.now + HOUR
    world.desk.hold("o1", "fraud", blocks=["allocate"], until=until, then="release")
    world.desk.post_stock(Posting.receive("d1", "MUG", "MAIN", 1, at=world.now))
    assert 1 == world.desk.order("o1").line("l1").backordered
    if how == "by hand":
        order = world.desk.release_hold("o1", "fraud")
    else:
        world.now = until
        world.desk.resume()
        order = world.desk.order("o1")
    assert (0, 2) == (order.line("l1").backordered, order.quantities()["l1"].reserved)
    check_quiet(world)


def test_an_order_without_a_plan_does_not_stop_the_queue() -> None:
    """Whose strategy breaks its promise waits; who is behind is served."""
    world = World(("MUG", "MAIN", 2), policy=WAITING)
    world.desk.place([line("MUG", 3)], order_id="o1", tenders=[card()])
    world.desk.place([line("MUG", 1)], order_id="o2", tenders=[card()])

    def losing(wanted: Sequence[Demand], *more: Any) -> FulfillmentPlan:  # noqa: ANN401
        made = plan(wanted, *more)
        return evolve(made, fulfillments=()) if more[-1].order_id == "o1" else made

    delivery = Posting.receive("d1", "MUG", "MAIN", 2, at=world.now)
    assert ("o2",) == world.new_desk(strategy=losing).post_stock(delivery)


def test_lots_are_not_taken_off_the_menu_as_one() -> None:
    """It is said what is wrong, and not that others order too fast."""
    world = World(("TEA", "STORE", 1))
    world.inventory.post(Posting.receive("d", "MUG", "MAIN", 1, at=world.now, lot="L1"))
    with pytest.raises(InvalidInput, match="has lots"):
        world.desk.sell_out("MUG", "MAIN", notice_id="n")


def test_a_label_of_what_came_back_is_told_with_it() -> None:
    """Who returned to sender and left again under another number is in the books of nobody else."""
    world = World(("MUG", "MAIN", 1))
    world.desk.place([line("MUG", 1)], order_id="o1", tenders=[card()], contact=ANN)
    world.desk.book_label("o1", "f1", service="express", parcels=PARCELS)
    world.desk.ship("o1", "f1")
    world.desk.advance("o1", "f1", "return_to_sender")
    order = world.desk.ship("o1", "f1", carrier="UPS", tracking="N2")
    assert "returned_to_sender" in {one.code for one in order.exceptions}
    check_quiet(world)


@pytest.mark.parametrize("how", ["refuse", "short_pick", "count"])
def test_what_was_cancelled_elsewhere_is_not_served_anew(how: str) -> None:
    """Whatever becomes of the parcel that was being picked: nobody wants its units any more."""
    world = picking(("MUG", "MAIN", 1), ("MUG", "STORE", 1), units=1)
    world.desk.report_cancellation("o1", reason="there")
    if how == "refuse":
        world.desk.advance("o1", "f1", "refuse")
    elif how == "short_pick":
        world.desk.short_pick("o1", "f1", {"l1": 1})
    else:
        world.desk.count_stock("MUG", "MAIN", 0, count_id="c1")
    world.calm()
    order = world.desk.order("o1")
    assert (1, "cancelled") == (order.line("l1").cancelled, order.state.name)
    assert not [one for one in order.fulfillments if one.location == "STORE"]
    check_quiet(world)


def test_parts_of_a_kit_that_was_cancelled_elsewhere_are_given_up_one_by_one() -> None:
    """What of it is picked may leave; what is not found is not looked for elsewhere."""
    world = World(("POT", "MAIN", 1), ("CUP", "MAIN", 4), ("CUP", "STORE", 4))
    parts = [KitPart("POT", weight=2), KitPart("CUP", 4)]
    price = UnitPrice.of("30", "EUR")
    world.desk.place(
        [DraftLine(sku="TEA-SET", quantity=1, unit_price=price, parts=parts)],
        order_id="o1",
        tenders=[card()],
    )
    for action in ("release", "pick"):
        world.desk.advance("o1", "f1", action)
    world.desk.report_cancellation("o1", reason="there")
    cups = next(one.id for one in world.desk.order("o1").lines if one.sku == "CUP")
    world.desk.short_pick("o1", "f1", {cups: 1})
    order = world.desk.order("o1")
    assert 1 == order.line(cups).cancelled
    assert {"MAIN"} == {one.location for one in order.fulfillments}
    check_laws(world)


def test_what_is_credited_for_good_will_is_served_all_the_same() -> None:
    """A credit of the whole price is no cancellation: the goods are still owed."""
    world = picking(("MUG", "MAIN", 1), ("MUG", "STORE", 1), units=1)
    world.desk.credit("o1", eur(10), target="l1", reason="sorry")
    world.desk.short_pick("o1", "f1", {"l1": 1})
    order = world.desk.order("o1")
    assert {"STORE"} == {one.location for one in order.fulfillments if one.live}
    check_laws(world)
