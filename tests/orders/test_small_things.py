"""Small things that only a fault planted in them showed to be looked at by nobody in passing."""

from datetime import datetime, timedelta, timezone
from unittest.mock import patch

import pytest

from orderwright import Lifecycles, PaymentOutcome, Policy, Posting, Reservation
from orderwright import lifecycles as lc
from orderwright.errors import (
    AdapterFault,
    IllegalTransition,
    InvalidInput,
    OutOfStock,
    QuantityRefused,
    Shortage,
)
from orderwright.inventory.guard import StockPolicy
from orderwright.inventory.ledger import InventoryLedger
from orderwright.orders.events import OrderCancelled
from orderwright.orders.missing import missing
from orderwright.orders.processing import next_events
from orderwright.orders.repeating import fingerprints
from orderwright.orders.stocking import lapsing, stock_refused
from orderwright.values import copied
from tests.flows.test_tabs import STEAK, at_table
from tests.kitchens import Kitchen
from tests.worlds import HOUR, NOON, Crashed, World, card, check_laws, eur, line, run_until

AT_ONCE = Policy(capture="on_confirmation", unpaid_ttl=None)


def test_another_hold_of_the_same_name_says_what_can_be_done() -> None:
    """It has to be released first."""
    world = World()
    world.desk.place([line()], order_id="o1", tenders=[card()])
    world.desk.hold("o1", "fraud", blocks=["fulfil"])
    with pytest.raises(IllegalTransition) as caught:
        world.desk.hold("o1", "fraud", blocks=["refund"])
    assert ("release",) == caught.value.allowed


def test_a_hold_that_stays_after_its_time_says_why() -> None:
    """A person is asked, and reads that its time ran out."""
    world = World()
    world.desk.place([line()], order_id="o1", tenders=[card()])
    world.desk.hold("o1", "fraud", blocks=["fulfil"], until=NOON + HOUR)
    world.now += 2 * HOUR
    world.desk.resume()
    placed = [one.reason for one in world.desk.history("o1") if type(one).__name__ == "HoldPlaced"]
    assert ["", "ran out"] == placed


def test_what_has_left_is_not_among_what_a_report_cancels() -> None:
    """What is cancelled elsewhere names the lines it gives up, and no others."""
    world = World(("MUG", "MAIN", 3), ("CUP", "STORE", 3))
    world.desk.place([line("MUG"), line("CUP")], order_id="o1", tenders=[card()])
    world.desk.ship("o1", "f1")
    world.desk.report_cancellation("o1", reason="elsewhere")
    (told,) = [one for one in world.desk.history("o1") if type(one).__name__ == "OrderCancelled"]
    assert (("l2", 1),) == told.units


def test_what_was_moved_is_served_once() -> None:
    """What nobody serves any more takes no part in where units are given up."""
    world = World(("MUG", "MAIN", 3), ("MUG", "STORE", 3))
    world.desk.place([line(quantity=3)], order_id="o1", tenders=[card()])
    world.desk.move("o1", "f1", "STORE")
    order = world.desk.cancel("o1", reason="fewer", units={"l1": 1})
    assert [{"l1": 2}] == [dict(one.units) for one in order.fulfillments if one.live]


def test_units_of_a_shared_reservation_are_missing_once() -> None:
    """Of two parts of one reservation that is gone, each misses what it holds, and no more."""
    world = World(("MUG", "MAIN", 3))
    world.desk.place([line(quantity=3)], order_id="o1", tenders=[card()])
    order = world.desk.split("o1", "f1", {"l1": 1})
    gone = missing(order, (), NOON)[0]
    assert {"f1": 2, "f2": 1} == {name: item.quantity for name, item in gone.units}
    assert () == missing(order, (), NOON, "CUP")


def test_a_refund_that_was_done_after_all_contradicts_nothing() -> None:
    """With it the money is even, as was wanted."""
    world = World(policy=AT_ONCE)
    world.moods_by_id["o1/p1/refund-1"] = "decline"
    world.desk.place([line()], order_id="o1", tenders=[card()])
    world.desk.cancel("o1", reason="sorry")
    done = PaymentOutcome(outcome="succeeded", amount=eur(10))
    order = world.desk.notify_payment("o1/p1/refund-1", outcome=done, sequence=1)
    assert ["refund_refused"] == [one.code for one in order.exceptions]
    assert eur(10) == order.refunded


def test_a_chargeback_without_a_reason_is_told_with_its_amount_alone() -> None:
    """Nothing stands in for a reason that nobody gave."""
    world = World(policy=AT_ONCE)
    world.desk.place([line()], order_id="o1", tenders=[card()])
    order = world.desk.report_chargeback("o1", "p1", eur(4), reference="cb")
    assert ["o1/p1/chargeback-1: 4.00 EUR"] == [one.detail for one in order.exceptions]


def test_of_a_cancelled_order_all_is_paid_back() -> None:
    """Also what was taken beyond what was due."""
    world = World(policy=Policy(capture="by_hand", unpaid_ttl=None))
    world.desk.place([line()], order_id="o1", tenders=[card("15.00")])
    world.desk.capture("o1")
    order = world.desk.cancel("o1", reason="sorry")
    assert (eur(15), eur(15)) == (order.captured, order.refunded)


def test_not_all_units_can_be_split_off() -> None:
    """The fault is told of the units."""
    world = World()
    world.desk.place([line()], order_id="o1", tenders=[card()])
    with pytest.raises(InvalidInput) as caught:
        world.desk.split("o1", "f1", {"l1": 1})
    assert ["units"] == [one.path for one in caught.value.faults]


def test_who_inspects_too_much_is_told_what_is_possible() -> None:
    """The return can still be inspected."""
    world = World(policy=AT_ONCE)
    world.desk.place([line(quantity=2)], order_id="o1", tenders=[card()])
    world.desk.ship("o1", "f1")
    world.desk.deliver("o1", "f1")
    world.desk.request_return("o1", {"l1": 1}, reason="broken")
    world.desk.receive_return("o1", {"l1": 1}, location="MAIN", return_id="r1")
    with pytest.raises(QuantityRefused) as caught:
        world.desk.inspect_return("o1", "r1", restock={"l1": 2})
    assert "inspect" in caught.value.allowed


def test_what_has_left_lapses_no_more() -> None:
    """Whoever dies before the ledger knows that it left does not ask for it anew."""
    world = World(("MUG", "MAIN", 3))
    world.desk.place([line()], order_id="o1")
    assert ["f1"] == [one.id for one in lapsing(world.desk.order("o1"))]
    with pytest.raises(Crashed):
        run_until(world, world.flow("ship", "o1", "f1"), 1, performed=True)
    order = world.desk.order("o1")
    assert (True, "held", []) == (
        order.fulfillment("f1").gone,
        order.fulfillment("f1").stock,
        lapsing(order),
    )


def test_what_came_back_is_not_given_up_to_be_served_anew() -> None:
    """Nor is what is just being booked; a dish that was made good for is not made again."""
    world = World(("MUG", "MAIN", 4))
    world.desk.place([line()], order_id="o1")
    with pytest.raises(Crashed):
        run_until(world, world.flow("pay", "o1", [card()]), 1, performed=True)
    order = world.desk.order("o1")
    assert order.busy(order.fulfillment("f1"))
    with pytest.raises(IllegalTransition, match="being booked"):
        world.desk.advance("o1", "f1", "refuse")
    served, order = at_table(STEAK)
    served.desk.fire("t1", 2)
    served.desk.advance("t1", order.fulfillments[0].id, "serve")
    served.desk.claim("t1", {"l1": 1}, fault="damaged", remedy="refund")
    with pytest.raises(IllegalTransition, match="back already"):
        served.desk.advance("t1", order.fulfillments[0].id, "remake")


def test_a_posting_gives_up_what_shares_a_lapsed_reservation() -> None:
    """Of two parts of a reservation that has lapsed neither holds anything any more."""
    world = World(("MUG", "MAIN", 3))
    world.desk.place([line(quantity=2)], order_id="o1")
    world.desk.split("o1", "f1", {"l1": 1})
    order = world.desk.order("o1")
    first = order.fulfillment("f1")
    (held,) = order.reservations(first)
    asked = world.flow("cancel", "o1", reason="fewer", units={"l1": 1})
    with pytest.raises(Crashed):
        run_until(world, asked, 1, performed=True)
    order = world.desk.order("o1")
    (intent,) = order.intents
    other = "f2" if "f1" in intent.fulfillments else "f1"
    short = Shortage("MUG", "MAIN", 1, 0, held.id)
    for late, freed in ((timedelta(0), False), (timedelta(days=3), True)):
        events = stock_refused(order, intent.id, [short], at=NOON + late)
        touched = {*events[0].freed, *events[0].removed}
        assert freed == (other in touched)


def test_safety_stock_is_kept_where_something_is_reserved_and_nowhere_else() -> None:
    """What leaves one place to be reserved at another, or is given back, may go below it."""
    ledger = InventoryLedger(lambda _, __: StockPolicy(safety_stock=2))
    ledger.post(Posting.receive("d", "MUG", "MAIN", 3, at=NOON))
    ledger.post(Posting.receive("e", "MUG", "STORE", 3, at=NOON))
    ledger.post(Posting.reserve("r", [Reservation("a", "MUG", "STORE", 1)], at=NOON))
    gone = Posting.adjust("g", "MUG", "MAIN", -2, reason="gone", at=NOON)
    with pytest.raises(OutOfStock):
        ledger.post(Posting.reserve("s", [Reservation("b", "MUG", "MAIN", 2)], at=NOON))
    back = Posting.settle("x", release=[Reservation("a", "MUG", "STORE", 1)], at=NOON)
    less = Posting.adjust("y", "MUG", "STORE", -3, reason="gone", at=NOON)
    ledger.post(Posting.linked("z", [back, less]))
    held = Posting.reserve("h", [Reservation("c", "CUP", "STORE", 1)], at=NOON)
    ledger.post(Posting.receive("f", "CUP", "STORE", 3, at=NOON))
    ledger.post(Posting.linked("elsewhere", [gone, held]))
    assert {"MAIN": 1, "STORE": 0} == {
        one.location: one.available for one in ledger.supply(["MUG"], now=NOON)
    }


def test_a_time_that_is_of_another_year_in_utc_is_told_of_the_entries() -> None:
    """At the end of the calendar a posting names what it cannot keep."""
    late = datetime(9899, 12, 31, 23, tzinfo=timezone(timedelta(hours=-12)))
    with pytest.raises(InvalidInput) as caught:
        Posting.reserve("r", [Reservation("a", "MUG", "MAIN", 1, late)], at=NOON)
    assert ["entries"] == [one.path for one in caught.value.faults]


def test_a_dish_that_a_count_took_while_it_was_made_holds_nothing() -> None:
    """What was begun of it is given up, and what it is made of stays used up."""
    world, order = at_table(STEAK)
    world.desk.fire("t1", 2)
    order = world.desk.advance("t1", order.fulfillments[0].id, "prepare")
    (begun,) = missing(order, (), NOON)[0].begun
    assert ("freed", False) == (begun.stock, begun.live)


def test_a_dish_that_cannot_be_given_up_is_missing_all_the_same() -> None:
    """In a kitchen of one's own nothing that is being made may be stopped: then it just lacks."""
    rows = [(lc.PREPARING, step) for step in ("stop", "remake")]
    kept = lc.TICKET.extended("unstoppable", {}, without=rows)
    world = Kitchen()
    desk = world.new_desk(lifecycles=Lifecycles(name="mine.v1", kinds={"ticket": kept}))
    desk.place([STEAK], order_id="t1", table="4", service="dine_in")
    desk.fire("t1", 2)
    order = desk.advance("t1", "f1", "prepare")
    (gone, *_) = missing(order, (), NOON)
    assert ((), ["f1"]) == (gone.begun, [name for name, _ in gone.units])


def test_what_came_back_to_two_places_is_taken_from_where_it_waits() -> None:
    """A place from which all was booked already has nothing to give."""
    world = World(("MUG", "MAIN", 2), ("CUP", "STORE", 1), policy=AT_ONCE)
    world.desk.place([line(quantity=2)], order_id="o1", tenders=[card()])
    world.desk.ship("o1", "f1")
    world.desk.deliver("o1", "f1")
    world.desk.request_return("o1", {"l1": 2}, reason="broken")
    for place in ("MAIN", "STORE"):
        world.desk.receive_return("o1", {"l1": 1}, location=place, return_id="r1", key=place)
    for number in range(2):
        order = world.desk.inspect_return("o1", "r1", write_off={"l1": 1}, key=str(number))
    assert "closed" == order.returns[0].state.name
    check_laws(world)


def test_a_value_that_maps_names_is_told_by_its_pairs() -> None:
    """In whatever order they are given, and not as what stands for none."""
    told = [fingerprints({"a": pairs}) for pairs in ({"x": 1, "y": 2}, {"y": 2, "x": 1}, {"x": 1})]
    assert told[0] == told[1] != told[2]


def test_a_count_that_cannot_note_what_it_tries_again_says_whom_it_did_not_tell() -> None:
    """What is parked is tried again first; where that cannot be saved the order hears nothing."""
    policy = Policy(capture="on_confirmation", unpaid_ttl=None, attempts=1)
    world = World(("MUG", "MAIN", 2), policy=policy)
    world.desk.place([line(quantity=2)], order_id="o1", tenders=[card()])
    away = AdapterFault("stock", "away")
    with patch.object(world.inventory, "post", side_effect=away):
        world.desk.cancel("o1", reason="fewer", units={"l1": 1})
        world.now += HOUR
        world.desk.resume()
    assert [True] == [bool(one.parked) for one in world.desk.order("o1").intents]
    with (
        patch.object(world.orders, "save", side_effect=AdapterFault("orders", "away")),
        pytest.raises(AdapterFault, match="could not be told what they lost: o1"),
    ):
        world.desk.count_stock("MUG", "MAIN", 0, count_id="c", at=world.now)


def test_what_a_place_refused_is_not_served_from_there() -> None:
    """Fewer units are taken off what waits for stock, not off what another place serves."""
    policy = Policy(capture="on_confirmation", unpaid_ttl=None, short="backorder")
    world = World(("MUG", "MAIN", 2), ("MUG", "STORE", 1), policy=policy)
    world.desk.place([line(quantity=2)], order_id="o1", tenders=[card()])
    order = world.desk.advance("o1", "f1", "refuse")
    assert (1, {"l1": 1}) == (order.lines[0].backordered, dict(order.fulfillment("f2").units))
    order = world.desk.cancel("o1", reason="fewer", units={"l1": 1})
    assert (0, ["f2"]) == (
        order.lines[0].backordered,
        [one.id for one in order.fulfillments if one.live],
    )


def test_what_came_back_and_was_credited_leaves_the_rest_wanted() -> None:
    """Of two units one came back: the other, which no place has any more, is waited for."""
    policy = Policy(capture="on_confirmation", unpaid_ttl=None, short="backorder")
    world = World(("MUG", "MAIN", 1), ("MUG", "STORE", 1), policy=policy)
    world.desk.place([line(quantity=2)], order_id="o1", tenders=[card()])
    world.desk.ship("o1", "f1")
    world.desk.deliver("o1", "f1")
    order = world.desk.receive_return("o1", {"l1": 1}, location="MAIN")
    world.desk.inspect_return("o1", order.returns[0].id, write_off={"l1": 1})
    order = world.desk.advance("o1", "f2", "refuse")
    assert (1, 0) == (order.lines[0].backordered, order.lines[0].cancelled)


def test_goods_that_are_held_no_more_are_not_rearranged() -> None:
    """In whatever state of one's own a withdrawn parcel is taken up again, it holds nothing."""
    rows = {(lc.WITHDRAWN, "revive"): lc.RELEASED}
    kinds = {"shipment": lc.SHIPMENT.extended("reviving", rows)}
    world = World(("MUG", "MAIN", 4), policy=AT_ONCE)
    desk = world.new_desk(lifecycles=Lifecycles(name="mine.v1", kinds=kinds))
    desk.place([line(quantity=4)], order_id="o1", tenders=[card()])
    desk.cancel("o1", reason="fewer", units={"l1": 2})
    order = desk.advance("o1", "f2", "revive")
    assert ("released", "freed") == (
        order.fulfillment("f2").state.name,
        order.fulfillment("f2").stock,
    )
    with pytest.raises(IllegalTransition, match="released"):
        desk.split("o1", "f2", {"l1": 1})


def test_what_waits_for_stock_and_is_not_wanted_is_given_up() -> None:
    """Also where all the rest of the order is reserved: it would wait for nobody."""
    policy = Policy(capture="on_confirmation", unpaid_ttl=None, short="backorder")
    world = World(("MUG", "MAIN", 1), policy=policy)
    order = world.desk.place([line(quantity=2)], order_id="o1", tenders=[card()])
    (one,) = order.lines
    assert (True, 1, ()) == (order.stocked, one.backordered, next_events(order, NOON))
    less = copied(one, *one.CACHED, remaining_units=1)
    (given_up,) = next_events(copied(order, *order.CACHED, lines=(less,)), NOON)
    assert isinstance(given_up, OrderCancelled)
    assert (("l1", 1),) == given_up.units
