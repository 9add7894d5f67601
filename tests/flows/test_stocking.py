"""Those who wait stand in the ledger's queue, what comes in is theirs, lots go out in order."""

from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderwright import ChangeLine, Order, Policy, Posting, Reservation
from orderwright.adapters.memory import MemoryInventory
from orderwright.codec import Codec
from orderwright.errors import AdapterFault, InvalidInput, KeyReused, OutOfStock
from orderwright.flows.settling import MAX_TRIES
from orderwright.inventory.guard import StockPolicy
from orderwright.inventory.ledger import Claim
from orderwright.inventory.reading import recall
from orderwright.orders.missing import missing
from orderwright.requests import Flow, PostStock
from orderwright.tracking.timeline import render, timeline
from tests.worlds import (
    HOUR,
    MINUTE,
    NOON,
    Crashed,
    Rivals,
    World,
    card,
    check_laws,
    check_quiet,
    figures,
    flow_of,
    interleavings,
    line,
    run_until,
)

DAY = timedelta(days=1)
CODEC = Codec()
WAITING = Policy(short="backorder")


def received(number: int, units: int, sku: str = "MUG", **more: object) -> Posting:
    """A delivery to MAIN."""
    return Posting.receive(f"new-{number}", sku, "MAIN", units, at=NOON, **more)


def waiting(world: World, order_id: str, units: int, **more: object) -> Order:
    """An order of so many mugs, which waits for what is not there."""
    policy = Policy(short="backorder", **more)
    return world.desk.place([line("MUG", units)], order_id=order_id, policy=policy)


def guarded(policy: StockPolicy, *stock: tuple[str, str, int]) -> World:
    """A world with that policy for all stock."""
    world = World(("TEA", "MAIN", 1))
    world.policies = lambda _sku, _place: policy
    world.inventory = MemoryInventory(world.policies)
    for number, (sku, place, units) in enumerate(stock):
        world.receive(f"delivery-{number}", sku, place, units)
    world.desk = world.new_desk()
    return world


def test_what_is_not_there_is_claimed_and_filled_in_one_posting() -> None:
    """Seven wanted, two there: five wait, and what comes in goes from claim to reservation."""
    world = World(("MUG", "MAIN", 2))
    order = waiting(world, "o1", 7)
    assert (Claim("o1/l1", "MUG", 5, 1, "o1"),) == world.inventory.claims("MUG")
    assert 5 == order.lines[0].claimed
    check_laws(world)
    assert ("o1",) == world.desk.post_stock(received(1, 3))
    order = world.desk.order("o1")
    counts = order.quantities()["l1"]
    assert (5, 2) == (counts.reserved, counts.backordered)
    filling = next(one for one in world.inventory.postings() if one.id.startswith("o1/reserve-5"))
    assert {"demand", "backordered", "available", "reserved"} == {
        entry.bucket for entry in filling.entries
    }
    assert ("o1",) == world.desk.post_stock(received(2, 9))
    assert () == world.inventory.claims("MUG")
    assert 7 == world.inventory.ledger.stock("MUG", "MAIN", now=NOON).available
    check_laws(world)


@pytest.mark.parametrize(
    ("queue", "first"), [("first_come", "o1"), ("priority", "o2"), ("promise", "o3")]
)
def test_who_is_first_in_the_queue(queue: str, first: str) -> None:
    """Who came first, who is urgent, or whose order is wanted first gets the one mug there is."""
    world = World(("TEA", "MAIN", 1))
    policy = {"lead_time": None, "short": "backorder"}
    mug = [line()]
    desk = world.desk
    desk.place(mug, order_id="o1", policy=Policy(**policy), scheduled_for=NOON + 9 * DAY)
    desk.place(
        mug, order_id="o2", policy=Policy(**policy, priority=5), scheduled_for=NOON + 8 * DAY
    )
    desk.place(mug, order_id="o3", policy=Policy(**policy), scheduled_for=NOON + 2 * DAY)
    world.inventory.post(received(1, 1))
    assert (first,) == desk.fill(["MUG", "MUG"], queue=queue)
    assert () == desk.fill(["MUG"], queue=queue)
    check_laws(world)


def test_who_waits_is_told_when() -> None:
    """By what is on order: the first on the first delivery, the last when nobody knows."""
    world = World(("TEA", "MAIN", 1))
    for number in (1, 2, 3):
        waiting(world, f"o{number}", 4)
    for purchase, days in (("a", 2), ("b", 5)):
        world.inventory.post(
            Posting.expect(
                purchase,
                "MUG",
                "MAIN",
                4,
                purchase=purchase,
                expected_at=NOON + days * DAY,
                at=NOON,
            )
        )
    assert {"o1/l1": NOON + 2 * DAY, "o2/l1": NOON + 5 * DAY, "o3/l1": None} == (
        world.desk.promised("MUG")
    )
    assert ("o1",) == world.desk.post_stock(received(1, 4, purchase="a"))
    assert ["b"] == [one.purchase for one in world.inventory.incoming("MUG")]


def test_a_claim_goes_when_its_order_does() -> None:
    """Cancelled in part or as a whole, units leave the queue."""
    world = World(("TEA", "MAIN", 1))
    waiting(world, "o1", 5)
    world.desk.cancel("o1", units={"l1": 2}, reason="x")
    assert [3] == [one.quantity for one in world.inventory.claims("MUG")]
    world.desk.cancel("o1", reason="x")
    assert () == world.inventory.claims("MUG")
    check_quiet(world)


def test_no_more_is_claimed_than_the_policy_allows() -> None:
    """Five may be claimed: the third order of two is rejected, and an edit above it is refused."""
    world = guarded(StockPolicy(backorder_limit=5))
    assert ["placed", "placed", "rejected"] == [
        waiting(world, f"o{number}", 2).state.name for number in (1, 2, 3)
    ]
    assert 4 == sum(one.quantity for one in world.inventory.claims("MUG"))
    check_laws(world)
    order = world.desk.edit("o1", [ChangeLine(line_id="l1", quantity=9)])
    assert ["backorder_refused"] == [one.code for one in order.exceptions]
    check_laws(world)
    world.desk.edit("o1", [ChangeLine(line_id="l1", quantity=3)])
    world.desk.resolve("o1", "backorder_refused", resolution="three will do")
    assert 5 == sum(one.quantity for one in world.inventory.claims("MUG"))
    check_laws(world)


def test_safety_stock_is_not_promised() -> None:
    """Of three mugs one is kept back: an order of three is refused, one of two is served."""
    world = guarded(StockPolicy(safety_stock=1), ("MUG", "MAIN", 3))
    with pytest.raises(OutOfStock):
        world.desk.place([line("MUG", 3)], order_id="o1")
    assert "reserved" == world.desk.place([line("MUG", 2)], order_id="o1").goods
    check_laws(world)


def test_what_nobody_guards_is_always_there() -> None:
    """Salt is sold below zero, and the ledger says by how much."""
    world = guarded(StockPolicy(mode="warned"), ("SALT", "MAIN", 1))
    order = world.desk.place([line("SALT", 5)], order_id="o1", tenders=[card()])
    assert "confirmed" == order.state.name
    assert -4 == world.inventory.ledger.stock("SALT", "MAIN", now=NOON).available
    world.desk.ship("o1", "f1")
    assert "completed" == world.desk.deliver("o1", "f1").state.name
    check_quiet(world)


# Lots --------------------------------------------------------------------------------------


def dairy() -> World:
    """Three lots of milk, one of them past its date."""
    world = World(("TEA", "MAIN", 1))
    for lot, days, units in (("late", 9, 5), ("soon", 2, 2), ("gone", 0, 9)):
        world.inventory.post(
            Posting.receive(
                f"d-{lot}", "MILK", "MAIN", units, lot=lot, best_before=NOON + days * DAY, at=NOON
            )
        )
    return world


def test_the_first_to_expire_goes_out_first() -> None:
    """An order of two lines takes what expires first, then the next, and nothing past its date."""
    world = dairy()
    order = world.desk.place([line("MILK", 1), line("MILK", 3)], order_id="o1", tenders=[card()])
    assert [("l1", "soon", 1), ("l2", "soon", 1), ("l2", "late", 2)] == [
        (item.line_id, item.lot, item.quantity) for one in order.fulfillments for item in one.items
    ]
    with pytest.raises(OutOfStock):
        world.desk.place([line("MILK", 4)], order_id="o2")
    check_laws(world)
    order = world.desk.cancel("o1", units={"l2": 2}, reason="x")
    check_laws(world)
    for one in order.fulfillments:
        if one.live:
            world.desk.ship("o1", one.id)
            world.desk.deliver("o1", one.id)
    assert "completed" == world.desk.order("o1").state.name
    taken = recall(world.inventory.postings(), "MILK", "soon")
    assert ({"o1": 1}, {}) == (taken.customers, taken.reserved)
    check_quiet(world)


def test_work_on_two_lots_of_a_line_is_stopped() -> None:
    """Of three units of two lots two are given up, wherever they are from."""
    world = dairy()
    world.desk.place([line("MILK", 4)], order_id="o1", tenders=[card()])
    for action in ("release", "pick"):
        world.desk.advance("o1", "f1", action)
    world.desk.request_stop("o1", "f1", units={"l1": 3})
    order = world.desk.stop("o1", "f1")
    assert [1, 3] == [sum(one.units.values()) for one in order.fulfillments]
    check_laws(world)
    world.desk.ship("o1", "f1")
    assert "completed" == world.desk.deliver("o1", "f1").state.name
    check_quiet(world)


def test_a_cancelled_parcel_of_two_lots_that_left_anyway() -> None:
    """All its units are taken as not cancelled after all."""
    world = dairy()
    world.desk.place([line("MILK", 4)], order_id="o1", tenders=[card()])
    world.desk.cancel("o1", reason="x")
    order = world.desk.ship("o1", "f1")
    assert 0 == order.lines[0].cancelled
    check_laws(world)


# Crashes and races -------------------------------------------------------------------------


def test_filling_survives_a_crash_anywhere() -> None:
    """Wherever the process dies, posting the same again ends as if it had not died."""

    def scene() -> World:
        world = World(("MUG", "MAIN", 1))
        for number in (1, 2):
            waiting(world, f"o{number}", 3, unpaid_ttl=None)
        return world

    smooth = scene()
    smooth.desk.post_stock(received(1, 4))
    smooth.calm()
    expected = figures(smooth)
    stop, died = 0, True
    while died:
        for performed in (False, True):
            world = scene()
            try:
                run_until(
                    world, world.flow("post_stock", received(1, 4)), stop, performed=performed
                )
            except Crashed:
                died = True
            else:
                died = False
            world.calm()
            world.desk.post_stock(received(1, 4))
            world.calm()
            assert expected == figures(world)
            check_quiet(world)
        stop += 1
    assert stop > 8


def test_a_new_order_and_the_queue_want_the_same_mug() -> None:
    """Whoever is first gets it; the other waits; nobody gets what is not there."""

    def scene() -> tuple[World, tuple[object, ...]]:
        world = World(("TEA", "MAIN", 1))
        waiting(world, "o1", 1, unpaid_ttl=None)
        world.inventory.post(received(1, 1))
        policy = Policy(short="backorder", unpaid_ttl=None)
        return world, (
            world.flow("fill", ["MUG"]),
            world.flow("place", [line()], order_id="o2", policy=policy),
        )

    ends = set()
    for world, running in interleavings(scene):
        world.calm()
        check_laws(world)
        assert all(one.error is None for one in running)
        ends.add(tuple(one.goods for one in world.all_orders()))
    assert {("reserved", "backordered"), ("backordered", "reserved")} == ends


def test_a_posting_said_again_is_one() -> None:
    """Its id is its key; with other content it is refused."""
    world = World(("TEA", "MAIN", 1))
    waiting(world, "o1", 5)
    assert ("o1",) == world.desk.post_stock(received(1, 3))
    before = world.trace()
    assert () == world.desk.post_stock(received(1, 3))
    assert before == world.trace()
    with pytest.raises(KeyReused):
        world.desk.post_stock(received(1, 4))


@given(
    wanted=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    deliveries=st.lists(st.integers(1, 6), max_size=5),
)
def test_everything_goes_to_the_first_who_wait(wanted: list[int], deliveries: list[int]) -> None:
    """After any deliveries the orders hold what a queue by hand would have given them."""
    world = World(("TEA", "MAIN", 1))
    for number, units in enumerate(wanted):
        waiting(world, f"o{number}", units)
    left = list(wanted)
    for number, units in enumerate(deliveries):
        world.desk.post_stock(received(number, units))
        for index, open_ in enumerate(left):
            given_ = min(open_, units)
            left[index] -= given_
            units -= given_  # noqa: PLW2901 - that is what is left of it
    assert left == [
        world.desk.order(f"o{number}").lines[0].backordered for number in range(len(wanted))
    ]
    check_laws(world)


def test_an_order_nobody_knows_does_not_stop_the_queue() -> None:
    """A claim that somebody else wrote is passed over."""
    world = World(("TEA", "MAIN", 1))
    world.inventory.post(
        Posting.claim("c", [Reservation("x/l1", "MUG", "", 1, None, "x")], at=NOON)
    )
    waiting(world, "o1", 1)
    assert ("o1",) == world.desk.post_stock(received(1, 1))


# Counts ------------------------------------------------------------------------------------


def test_a_count_that_finds_too_little_breaks_the_last_promise() -> None:
    """Of five units promised to three orders two are there: who came last waits, and is told."""
    world = World(("MUG", "MAIN", 6))
    for number, units in enumerate((2, 2, 1), 1):
        waiting(world, f"o{number}", units, unpaid_ttl=None)
    told = world.desk.count_stock("MUG", "MAIN", 3, count_id="n1")
    assert ("o2", "o3") == told
    assert [(2, 0), (1, 1), (0, 1)] == [
        (one.quantities()["l1"].reserved, one.lines[0].backordered) for one in world.all_orders()
    ]
    assert [[], ["stock_missing"], ["stock_missing"]] == [
        [one.code for one in order.exceptions] for order in world.all_orders()
    ]
    check_laws(world)
    before = world.trace()
    assert () == world.desk.count_stock("MUG", "MAIN", 3, count_id="n1")
    assert before == world.trace()
    words = render(timeline(world.desk.history("o3")))
    assert "missing: 1 of l1 (f1)" in words
    check_laws(world)


def test_what_is_missing_here_is_sourced_elsewhere() -> None:
    """A shop that finds nothing where three were promised has them sent from the depot."""
    world = World(("MUG", "MAIN", 3), ("MUG", "DEPOT", 3))
    world.desk.place([line("MUG", 3)], order_id="o1", tenders=[card()])
    assert ("o1",) == world.desk.count_stock("MUG", "MAIN", 0, count_id="n1", reason="fire")
    order = world.desk.order("o1")
    assert [("DEPOT", 3)] == [
        (one.location, one.items[0].quantity) for one in order.fulfillments if one.live
    ]
    check_laws(world)


def test_a_count_finds_more_or_the_same() -> None:
    """More is available, and who waits gets it when asked; the same moves nothing, and is known."""
    world = World(("MUG", "MAIN", 3))
    assert () == world.desk.count_stock("MUG", "MAIN", 5, count_id="n1")
    assert 5 == world.inventory.ledger.stock("MUG", "MAIN", now=NOON).available
    assert () == world.desk.count_stock("MUG", "MAIN", 5, count_id="n2")
    assert ("count/MAIN/MUG/n2", (), "count") == last(world)
    assert () == world.desk.count_stock("MUG", "MAIN", 5, count_id="n4", reason="")
    assert ("count/MAIN/MUG/n4", (), "count") == last(world)
    assert 5 == world.inventory.ledger.stock("MUG", "MAIN", now=NOON).available
    assert () == world.desk.count_stock("CUP", "SHOP", 2, count_id="n3")
    assert 2 == world.inventory.ledger.stock("CUP", "SHOP", now=NOON).available
    assert () == world.desk.count_stock("CUP", "SHOP", 9, count_id="n3")  # it was that count
    assert 2 == world.inventory.ledger.stock("CUP", "SHOP", now=NOON).available
    with pytest.raises(InvalidInput, match="has lots"):
        dairy().desk.count_stock("MILK", "MAIN", 1, count_id="n1")


def last(world: World) -> tuple[object, ...]:
    """What was posted last: its id, entries and reason."""
    posting = world.inventory.postings()[-1]
    return posting.id, posting.entries, posting.reason


def test_a_count_survives_a_crash_anywhere() -> None:
    """Said again after a crash it tells the orders that do not know yet."""

    def scene() -> World:
        world = World(("MUG", "MAIN", 4))
        for number in (1, 2):
            waiting(world, f"o{number}", 2, unpaid_ttl=None)
        world.desk.place([line("TEA")], order_id="o3", policy=WAITING)
        return world

    count = ("MUG", "MAIN", 1)
    smooth = scene()
    smooth.desk.count_stock(*count, count_id="n")
    smooth.calm()
    expected = figures(smooth)
    stop, died = 0, True
    while died:
        for performed in (False, True):
            world = scene()
            try:
                flow = world.flow("count_stock", *count, count_id="n")
                run_until(world, flow, stop, performed=performed)
            except Crashed:
                died = True
            else:
                died = False
            world.desk.count_stock(*count, count_id="n")
            world.calm()
            assert expected == figures(world)
            check_quiet(world)
        stop += 1
    assert stop > 8


def test_a_count_and_a_shipment_at_once() -> None:
    """What left has left: the order is told or not, and every unit is somewhere."""

    def scene() -> tuple[World, tuple[object, ...]]:
        world = World(("MUG", "MAIN", 1))
        world.desk.place([line()], order_id="o1", tenders=[card()])
        return world, (
            world.flow("count_stock", "MUG", "MAIN", 0, count_id="n"),
            world.flow("ship", "o1", "f1"),
        )

    count = 0
    for world, running in interleavings(scene):
        count += 1
        assert all(one.done for one in running)
        world.calm()
        check_laws(world)
    assert count > 1


def test_what_left_while_a_count_took_a_part_of_it() -> None:
    """Whoever just shipped three is not told that two are there; when it is booked, all comes out.

    Nothing stays reserved for what has left, and the order reads back as it was written.
    """
    world = World(("MUG", "MAIN", 3))
    world.desk.place([line("MUG", 3)], order_id="o1", tenders=[card()])
    with pytest.raises(Crashed):
        run_until(world, world.flow("ship", "o1", "f1"), 2, performed=False)
    order = world.desk.order("o1")
    assert ["commit"] == [one.purpose for one in order.intents]
    assert () == missing(order, (), NOON)
    assert () == world.desk.count_stock("MUG", "MAIN", 2, count_id="n")
    assert () == world.desk.order("o1").exceptions
    world.calm()
    order = world.desk.order("o1")
    assert ["stock_mismatch"] == [one.code for one in order.exceptions]
    assert ["o1/commit-9", "o1/hand_over-13", "o1/release-16"] == [
        one.id for one in world.inventory.postings()[-3:]
    ]
    stock = world.inventory.ledger.stock("MUG", "MAIN", now=world.now)
    assert (2, 0) == (stock.available, stock.reserved)
    assert order == CODEC.decode_order(CODEC.encode_order(order))
    check_laws(world)


def test_a_count_tells_whoever_holds_for_a_time_until_that_is_over() -> None:
    """A minute before it lapses a reservation is missed; when it has lapsed there is none."""
    for minutes, told in ((59, ("o1",)), (60, ())):
        world = World(("MUG", "MAIN", 1), policy=Policy(unpaid_ttl=HOUR))
        world.desk.place([line()], order_id="o1")
        world.now += minutes * MINUTE
        assert told == world.desk.count_stock("MUG", "MAIN", 0, count_id="n")
        assert len(told) == len(world.desk.order("o1").exceptions)
        check_laws(world)


def test_who_cannot_be_told_of_a_count_is_told_by_the_next() -> None:
    """An order that others always save first is named; the same count, said again, tells it."""
    world = World(("MUG", "MAIN", 2))
    for name in ("o1", "o2"):
        world.desk.place([line()], order_id=name, tenders=[card()])
    count = ("MUG", "MAIN", 0)
    rivals = Rivals(world, MAX_TRIES)
    with pytest.raises(
        AdapterFault, match=r"could not be told.*: o1; say the same again.*may be retried"
    ):
        world.new_desk(orders=rivals).count_stock(*count, count_id="n")
    assert (0, "f1") == (rivals.left, world.desk.order("o1").fulfillment("f1").id)
    assert ["stock_missing"] == [one.code for one in world.desk.order("o2").exceptions]
    assert ("o1",) == world.desk.count_stock(*count, count_id="n")
    check_quiet(world)


def run_silently(world: World, flow: Flow[object], order_id: str) -> None:
    """Run ``flow`` on a ledger that answers nothing about that order."""
    request = flow.send(None)
    while True:
        if isinstance(request, PostStock) and request.posting.order_id == order_id:
            request = flow.throw(AdapterFault("stock", "silent"))
        else:
            request = flow.send(request.perform(world.desk.ports))


def test_whose_booking_nobody_can_finish_is_told_by_the_next_count() -> None:
    """A reservation was posted and its flow died; it is counted away while the ledger is silent.

    Whether the order had it is not known then, so the count says that it has to be said again.
    """
    world = World(("MUG", "MAIN", 1), joint=False)
    placing = world.flow("place", [line()], order_id="o1", tenders=[card()])
    with pytest.raises(Crashed):
        run_until(world, placing, 3, performed=True)
    assert ["reserve"] == [one.purpose for one in world.desk.order("o1").intents]
    count = ("MUG", "MAIN", 0)
    with pytest.raises(AdapterFault, match=r"could not be told.*: o1; say the same again"):
        run_silently(world, world.flow("count_stock", *count, count_id="n"), "o1")
    world.calm()
    assert ("o1",) == world.desk.count_stock(*count, count_id="n")
    check_quiet(world)


@pytest.mark.parametrize("there", [0, 1])
def test_a_claim_under_way_is_not_made_again(there: int) -> None:
    """A flow died after its posting: planning anew does not claim what is on its way once more."""
    reached = set()
    for stop in range(12):
        stock = ("MUG", "MAIN", 1) if there else ("CUP", "MAIN", 1)
        world = World(stock, policy=Policy(short="backorder", replans=0))
        placing = world.flow("place", [line("MUG", 3)], order_id="o1", tenders=[card()])
        with suppress(Crashed):
            run_until(world, placing, stop, performed=True)
        if world.orders.load("o1") is None:
            continue
        reached |= {one.purpose for one in world.orders.load("o1").intents}
        world.receive("more", "MUG", "STORE", 1)
        for _ in range(2):
            world.desk.allocate("o1")
        check_laws(world)
        world.calm()
        check_quiet(world)
        (waits,) = world.orders.load("o1").lines
        assert [waits.backordered] == [one.quantity for one in world.inventory.claims("MUG")]
    assert {"reserve" if there else "claim"} <= reached


@pytest.mark.parametrize("often", [1, MAX_TRIES])
def test_a_count_looks_again_while_others_order(often: int) -> None:
    """Whoever orders between the look and the posting keeps it; who never stops is told of."""
    world = World(("MUG", "MAIN", 50))
    flow: Flow[tuple[str, ...]] = flow_of(
        world.desk, "count_stock", "MUG", "MAIN", 0, count_id="c1"
    )
    request = flow.send(None)
    told: object = None
    for number in range(99):
        if isinstance(request, PostStock) and len(world.all_orders()) < often:
            world.desk.place([line()], order_id=f"o{number}", tenders=[card()])
        try:
            reply = request.perform(world.desk.ports)
            request = flow.send(reply)
        except OutOfStock as short:
            if often == MAX_TRIES and len(world.all_orders()) == often:
                with pytest.raises(OutOfStock):
                    flow.throw(short)
                break
            request = flow.throw(short)
        except StopIteration as done:
            told = done.value
            break
    world.calm()
    check_quiet(world)
    stock = world.inventory.ledger.stock("MUG", "MAIN", now=NOON)
    if often == 1:
        (order,) = world.all_orders()
        assert ((order.id,), 0, 0) == (told, stock.available, stock.reserved)
    else:
        assert (50 - often, often) == (stock.available, stock.reserved)


def test_lots_are_not_counted_as_one_when_all_are_reserved() -> None:
    """A lot of which nothing is free is a lot all the same."""
    world = World(("TEA", "STORE", 1))
    for number, lot in enumerate(("L1", "L2")):
        world.inventory.post(received(number, 1, lot=lot))
    world.desk.place([line("MUG", 2)], order_id="o1", tenders=[card()])
    before = figures(world)
    for counted in (0, 1, 3):
        with pytest.raises(InvalidInput, match="has lots at MAIN"):
            world.desk.count_stock("MUG", "MAIN", counted, count_id="c1")
    assert before == figures(world)


def test_whom_a_count_of_lots_takes_from_is_told() -> None:
    """What is posted by hand tells orders as a count does, and said again it does nothing more."""
    world = World(("TEA", "STORE", 1))
    for number, lot in enumerate(("L1", "L2")):
        world.inventory.post(received(number, 1, lot=lot))
    world.desk.place([line("MUG", 2)], order_id="o1", tenders=[card()], policy=WAITING)
    held = [one for one in world.inventory.reservations(NOON) if one.lot == "L2"]
    lost = Posting.adjust("p1", "MUG", "MAIN", -1, at=NOON, reason="count", breaking=held)
    assert () == world.desk.post_stock(lost)
    order = world.desk.order("o1")
    assert ["stock_missing"] == [one.code for one in order.exceptions]
    assert 1 == order.line("l1").backordered
    assert () == world.desk.post_stock(lost)
    assert order == world.desk.order("o1")
    check_quiet(world)


def test_a_store_that_names_no_lot_is_believed_for_all() -> None:
    """Its refusal is taken in once: what it still holds of another lot, it keeps."""

    class Lotless(MemoryInventory):
        def post(self, posting: Posting) -> None:
            try:
                super().post(posting)
            except OutOfStock as error:
                short = [one._replace(lot="") for one in error.shortages]
                raise OutOfStock(short, error.order_id) from None

    world = World(("TEA", "STORE", 1))
    world.inventory = Lotless()
    world.desk = world.new_desk()
    for number, lot in enumerate(("L1", "L2")):
        world.inventory.post(received(number, 1, lot=lot))
    world.desk.place([line("MUG", 2)], order_id="o1", tenders=[card()])
    held = [one for one in world.inventory.reservations(NOON) if one.lot == "L2"]
    lost = Posting.adjust("p1", "MUG", "MAIN", -1, at=NOON, reason="count", breaking=held)
    world.inventory.post(lost)
    order = world.desk.ship("o1", "f1")
    assert () == order.intents
    assert ["stock_mismatch"] == [one.code for one in order.exceptions]
