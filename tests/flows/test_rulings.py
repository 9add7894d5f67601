"""Versions, keys, a host's own transaction, holds, allocation: the rulings, one by one."""

from typing import Any

import pytest

from orderwright import (
    Charge,
    Conflict,
    Lifecycles,
    OutOfStock,
    Phase,
    Policy,
    Reference,
    State,
)
from orderwright.adapters.memory import MemoryOrders
from orderwright.errors import AmountRefused, IllegalTransition, KeyReused, NotFound, OnHold
from orderwright.flows.settling import MAX_TRIES
from orderwright.lifecycles import ORDER, PLACED
from orderwright.requests import CallProvider, LookUp, PostStock, Request
from tests.worlds import (
    HOUR,
    MINUTE,
    NOON,
    Rivals,
    World,
    card,
    check_laws,
    check_quiet,
    eur,
    figures,
    flow_of,
    line,
)

AT_ONCE = Policy(capture="on_confirmation", unpaid_ttl=None)
BACKORDER = Policy(capture="on_confirmation", short="backorder", unpaid_ttl=None)


class Hosted:
    """An order repository inside a host's own transaction: a save may still be rolled back."""

    durable_on_save = False

    def __init__(self, orders: MemoryOrders) -> None:
        self._orders = orders

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """Do the rest like the repository in memory."""
        return getattr(self._orders, name)


def requests(desk: Any, name: str, *args: object, **kwargs: object) -> list[Request]:  # noqa: ANN401
    """Run a command, and return what it asked."""
    flow = flow_of(desk, name, *args, **kwargs)
    asked = []
    try:
        request = flow.send(None)
        while True:
            asked.append(request)
            request = flow.send(request.perform(desk.ports))
    except StopIteration:
        return asked


# Inside the host's transaction ---------------------------------------------------------------


def test_inside_a_hosts_transaction_no_call_leaves_the_order() -> None:
    """Ruling 6: there a desk decides and saves intents, and calls nobody."""
    world = World(policy=AT_ONCE)
    hosted = world.new_desk(orders=Hosted(world.orders))
    asked = requests(hosted, "place", [line("MUG", 2)], order_id="o1", tenders=[card()])
    asked += requests(hosted, "hold", "o1", "fraud", blocks={"capture"})
    world.now += HOUR
    asked += requests(hosted, "resume")
    asked += requests(hosted, "retry", "o1", world.orders.load("o1").intents[0].id)
    assert not [one for one in asked if isinstance(one, CallProvider | LookUp | PostStock)]
    order = world.orders.load("o1")
    assert ["reserve"] == [one.purpose for one in order.intents]
    assert [1] == [one.attempts for one in order.intents]
    assert 10 == world.inventory.supply(["MUG"], now=NOON)[0].available


def test_what_a_host_committed_is_finished_by_resume_on_a_durable_desk() -> None:
    """After the commit, a desk with its own repository makes the calls."""
    hosted, plain = World(policy=AT_ONCE), World(policy=AT_ONCE)
    given = {"order_id": "o1", "tenders": [card("5.00"), card()]}
    hosted.new_desk(orders=Hosted(hosted.orders)).place([line("MUG", 2)], **given)
    plain.desk.place([line("MUG", 2)], **given)
    hosted.now += 2 * MINUTE
    assert (("o1",), ()) == hosted.desk.resume()
    assert figures(plain) == figures(hosted)
    check_quiet(hosted)


def test_inside_a_hosts_transaction_conflicts_are_raised_at_once() -> None:
    """There a retry would read the same snapshot again, so even a report is not decided anew."""
    world = World()
    world.desk.place([line()], order_id="o1", tenders=[card()])

    class Both(Rivals):
        durable_on_save = False

    rivals = Both(world, 1)
    with pytest.raises(Conflict):
        world.new_desk(orders=rivals).ship("o1", "f1")
    assert 0 == rivals.left


# Versions and keys ---------------------------------------------------------------------------


def test_reports_are_decided_again_after_a_conflict_and_commands_are_not() -> None:
    """Ruling 5: what happened is recorded whoever saved first; a decision is the caller's."""
    world = World()
    world.desk.place([line()], order_id="o1", tenders=[card()])
    desk = world.new_desk(orders=Rivals(world, 3))
    assert "shipped" == desk.ship("o1", "f1").goods
    version = world.desk.place([line()], order_id="o2", tenders=[card()]).version
    with pytest.raises(Conflict):
        world.new_desk(orders=Rivals(world, 1)).cancel("o2", reason="sorry")
    with pytest.raises(Conflict):
        world.new_desk(orders=Rivals(world, 1)).hold(
            "o2", "fraud", blocks={"capture"}, expected_version=version
        )
    check_laws(world)


def test_retries_are_bounded() -> None:
    """Even a report gives up when others always save first, and says so."""
    world = World()
    world.desk.place([line()], order_id="o1", tenders=[card()])
    rivals = Rivals(world, MAX_TRIES)
    with pytest.raises(Conflict):
        world.new_desk(orders=rivals).ship("o1", "f1")
    assert 0 == rivals.left
    check_quiet(world)


def test_an_outcome_is_recorded_in_spite_of_rivals_or_left_to_resume() -> None:
    """A fact is told again after each conflict; when it cannot be, its intent stays."""
    for times in (3, MAX_TRIES):
        world = World(policy=AT_ONCE)
        desk = world.new_desk(orders=Rivals(world, times))
        order = desk.place([line()], order_id="o1", tenders=[card()])
        # An exception would mean that nothing was saved; the order says what is unfinished.
        assert bool(order.intents) == (times == MAX_TRIES)
        check_laws(world)
        world.calm()
        assert "paid" == world.orders.load("o1").money
        assert 1 == sum(one.kind == "capture" for one in world.payments.books)


def test_resume_leaves_an_order_alone_when_somebody_else_is_faster() -> None:
    """Whoever loses the claim, or the expiry, does nothing."""
    world = World(moods=["request_lost"])
    world.desk.place([line()], order_id="o1", tenders=[card()])
    world.desk.place([line()], order_id="o2")
    for _ in range(2):
        world.now += 2 * HOUR
        books = len(world.payments.books)
        rivals = Rivals(world, 9)
        assert () == world.new_desk(orders=rivals).resume().failures
        assert 7 == rivals.left
        assert books == len(world.payments.books)
    world.calm()
    check_quiet(world)


def test_a_key_is_stored_with_accepted_commands_only() -> None:
    """A refused command may succeed later under the same key; an accepted one is repeated."""
    world = World()
    world.desk.place([line()], order_id="o1")
    with pytest.raises(AmountRefused):
        world.desk.capture("o1", key="k1")
    world.desk.pay("o1", [card()])
    order = world.desk.capture("o1", key="k1")
    assert eur(10) == order.captured
    before = world.trace()
    assert order == world.desk.capture("o1", key="k1")
    assert before == world.trace()


@pytest.mark.parametrize(
    ("name", "args", "kwargs", "field"),
    [
        ("capture", (), {"amount": eur(5)}, "amount"),
        ("capture", (), {"payment_id": "p1"}, "payment_id"),
        ("refund", (), {}, "action"),
        ("cancel", (), {"reason": "sorry"}, "command"),
    ],
)
def test_a_key_used_for_something_else_names_the_field(
    name: str, args: tuple[object, ...], kwargs: dict[str, Any], field: str
) -> None:
    """The same key with other content is a mistake that says what differs."""
    world = World(policy=Policy(capture="by_hand"))
    world.desk.place([line()], order_id="o1", tenders=[card()])
    world.desk.capture("o1", key="k1")
    before = world.trace()
    with pytest.raises(KeyReused) as caught:
        getattr(world.desk, name)("o1", *args, key="k1", **kwargs)
    assert field == caught.value.field
    assert before == world.trace()


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("lines", {"lines": [line("MUG", 2)]}),
        ("charges", {"charges": ()}),
        ("payments", {"tenders": [card("3.00")]}),
        ("channel", {"channel": "phone"}),
        ("customer_id", {"customer_id": "bob"}),
        ("policy", {"policy": BACKORDER}),
        ("references", {"references": ()}),
    ],
)
def test_a_placement_repeated_with_other_content_names_the_field(
    field: str, change: dict[str, Any]
) -> None:
    """The order's id is its key: sent again it must say the same, the time aside."""
    given: dict[str, Any] = {
        "lines": [line()],
        "charges": [Charge(kind="shipping", amount=eur(3))],
        "tenders": [card()],
        "customer_id": "ann",
        "references": [Reference("marketplace", "M-1")],
    }
    world = World()
    first = world.desk.place(order_id="o1", **given)
    world.now += HOUR
    assert first == world.desk.place(order_id="o1", **given)
    before = world.trace()
    with pytest.raises(KeyReused) as caught:
        world.desk.place(order_id="o1", **{**given, **change})
    assert field == caught.value.field
    assert before == world.trace()


def test_a_second_hand_over_under_its_own_key_is_known_again() -> None:
    """A report that could only be noted as an exception is repeated by its key like any other."""
    world = World()
    world.desk.place([line()], order_id="o1", tenders=[card()])
    world.desk.ship("o1", "f1", tracking="T-1", key="k1")
    again = world.desk.ship("o1", "f1", tracking="T-2", key="k2")
    assert ["handed_over_twice"] == [one.code for one in again.exceptions]
    before = world.trace()
    assert again == world.desk.ship("o1", "f1", tracking="T-2", key="k2")
    assert again == world.desk.ship("o1", "f1", tracking="T-1")
    assert before == world.trace()


def test_who_and_when_are_in_the_history() -> None:
    """The first event of a command carries its key, who did it, and when it happened."""
    world = World()
    yesterday = NOON - 24 * HOUR
    world.desk.place([line()], order_id="o1", by="ann", occurred_at=yesterday, tenders=[card()])
    world.desk.ship("o1", "f1", key="k1", by="bob", occurred_at=yesterday)
    placed, *_ = world.desk.history("o1")
    _, (shipped,) = world.orders.load_with_key("o1", "k1")
    assert ("o1", "ann", yesterday) == (placed.key, placed.by, placed.occurred_at)
    assert ("k1", "bob", yesterday) == (shipped.key, shipped.by, shipped.occurred_at)
    assert yesterday == world.orders.load("o1").placed_at


# Holds ---------------------------------------------------------------------------------------


def test_holds_stop_what_they_block_and_nothing_else() -> None:
    """Capture, fulfil, refund and allocate are each stopped by name, and go on after release."""
    world = World(policy=Policy(capture="by_hand"))
    world.desk.place([line()], order_id="o1", tenders=[card()])
    desk = world.desk
    desk.hold("o1", "fraud", blocks={"capture", "fulfil"}, by="ann")
    for call in (lambda: desk.capture("o1"), lambda: desk.advance("o1", "f1", "release")):
        with pytest.raises(OnHold, match="hold 'fraud' blocks") as caught:
            call()
        assert "fraud" == caught.value.hold
    before = world.trace()
    desk.hold("o1", "fraud", blocks={"capture", "fulfil"}, by="ann")
    assert before == world.trace()
    with pytest.raises(IllegalTransition, match="hold 'fraud' is in force"):
        desk.hold("o1", "fraud", blocks={"refund"})
    desk.hold("o1", "second", blocks={"refund"})
    desk.release_hold("o1", "fraud")
    assert eur(10) == desk.capture("o1").captured
    assert ["second"] == [one.name for one in desk.order("o1").holds]
    with pytest.raises(NotFound, match="no hold 'fraud'"):
        desk.release_hold("o1", "fraud")


def test_what_waited_for_a_hold_follows_its_release() -> None:
    """A payout that was stopped is made as soon as nothing stops it any more."""
    world = World(policy=AT_ONCE)
    world.desk.place([line()], order_id="o1", tenders=[card()])
    world.desk.hold("o1", "claim", blocks={"refund"})
    assert eur(10) == world.desk.cancel("o1", reason="sorry").payout
    with pytest.raises(OnHold):
        world.desk.refund("o1")
    assert "refunded" == world.desk.release_hold("o1", "claim").money
    check_quiet(world)


def test_goods_that_left_in_spite_of_a_hold_are_recorded() -> None:
    """A hold stops commands; what happened all the same is noted on the order."""
    world = World()
    world.desk.place([line()], order_id="o1", tenders=[card()])
    world.desk.hold("o1", "customs", blocks={"fulfil"})
    order = world.desk.ship("o1", "f1")
    assert ("shipped", ["shipped_on_hold"]) == (
        order.goods,
        [one.code for one in order.exceptions],
    )
    with pytest.raises(NotFound, match="no exception 'other'"):
        world.desk.resolve("o1", "other", resolution="x")
    world.desk.resolve("o1", "shipped_on_hold", resolution="waved through")
    assert "completed" == world.desk.deliver("o1", "f1").state.name


# Allocation ----------------------------------------------------------------------------------


def test_backordered_units_are_filled_when_stock_comes() -> None:
    """Allocate sources what was short, in parts if need be, and does nothing without stock."""
    world = World(("MUG", "MAIN", 1), policy=BACKORDER)
    order = world.desk.place([line("MUG", 4), line("CUP", 1)], order_id="o1", tenders=[card()])
    assert (3, 1) == (order.quantities()["l1"].backordered, order.quantities()["l2"].backordered)
    before = world.trace()
    assert order == world.desk.allocate("o1")
    assert before == world.trace()
    world.receive("d2", "MUG", "STORE", 2)
    order = world.desk.allocate("o1")
    assert (3, 1) == (order.quantities()["l1"].reserved, order.quantities()["l1"].backordered)
    world.receive("d3", "MUG", "MAIN", 5)
    world.receive("d4", "CUP", "MAIN", 5)
    order = world.desk.allocate("o1")
    assert "reserved" == order.goods
    assert order == world.desk.allocate("o1")
    check_quiet(world)


def test_a_hold_on_allocating_stops_sourcing_until_released() -> None:
    """Nothing is planned meanwhile; the release plans at once, and resume would too."""
    world = World(("MUG", "MAIN", 1), policy=BACKORDER)
    world.desk.place([line("MUG", 2)], order_id="o1", tenders=[card()])
    world.receive("d2", "MUG", "MAIN", 5)
    world.desk.hold("o1", "wait", blocks={"allocate"})
    before = world.trace()
    world.desk.allocate("o1")
    assert before == world.trace()
    world.desk.release_hold("o1", "wait")
    assert "reserved" == world.desk.allocate("o1").goods
    check_quiet(world)


def test_a_plan_on_a_stale_snapshot_is_made_again() -> None:
    """Ruling 9: when the ledger refuses, the units are sourced elsewhere."""
    world = World(("MUG", "MAIN", 1), ("MUG", "STORE", 1), policy=AT_ONCE)
    flow = flow_of(world.desk, "place", [line()], order_id="o1", tenders=[card()])
    request = flow.send(None)
    while not isinstance(request, PostStock):
        request = flow.send(request.perform(world.desk.ports))
    world.desk.place([line()], order_id="o2", tenders=[card()])
    order = world.desk.run(continued(flow, request))
    assert ["STORE"] == [one.location for one in order.fulfillments]
    assert "paid" == order.money
    check_quiet(world)


def continued(flow: Any, request: Any) -> Any:  # noqa: ANN401
    """The rest of a flow that stands at `request`."""
    while True:
        try:
            reply = yield request
        except Exception as error:  # noqa: BLE001
            go, value = flow.throw, error
        else:
            go, value = flow.send, reply
        try:
            request = go(value)
        except StopIteration as stopped:
            return stopped.value


def test_a_plan_that_was_interrupted_is_made_by_resume() -> None:
    """A crash between the ledger's refusal and the next plan leaves the plan due."""
    world = World(("MUG", "MAIN", 1), policy=Policy(unpaid_ttl=None, replans=1, short="backorder"))
    flow = flow_of(world.desk, "place", [line()], order_id="o1", tenders=[card()])
    request = flow.send(None)
    while not isinstance(request, PostStock):
        request = flow.send(request.perform(world.desk.ports))
    world.desk.place([line()], order_id="o2", tenders=[card()])
    with pytest.raises(OutOfStock) as caught:
        request.perform(world.desk.ports)
    final = flow.throw(caught.value)
    save = flow.send(final.perform(world.desk.ports))
    save.perform(world.desk.ports)
    flow.close()
    world.receive("d2", "MUG", "DEPOT", 1)
    assert ["plan"] == [one.action for one in world.orders.load("o1").due_items]
    assert (("o1",), ()) == world.desk.resume()
    order = world.orders.load("o1")
    assert (["DEPOT"], "authorized") == ([one.location for one in order.fulfillments], order.money)
    check_quiet(world)


def test_an_order_is_completed_by_hand_but_not_cancelled_past_its_command() -> None:
    """Steps that move stock or money have commands of their own, or follow by themselves."""
    world = World(policy=Policy(capture="by_hand"))
    world.desk.place([line()], order_id="o1", tenders=[card()])
    before = world.trace()
    for action in ("cancel", "confirm", "juggle"):
        with pytest.raises(IllegalTransition) as caught:
            world.desk.advance_order("o1", action)
        assert "order" == caught.value.subject
    assert before == world.trace()
    world.desk.deliver("o1", "f1")
    order = world.desk.advance_order("o1", "complete", reason="a gift", key="k1")
    # What is due may still be taken by hand.
    assert ("completed", "authorized", eur(10)) == (
        order.state.name,
        order.money,
        order.authorized,
    )
    assert order == world.desk.advance_order("o1", "complete", reason="a gift", key="k1")
    check_quiet(world)


def test_nobody_confirms_what_is_not_paid() -> None:
    """A placed order whose money is under way has the step, but it is no step for people."""
    world = World(moods=["pending"])
    placed = world.desk.place([line()], order_id="o1", tenders=[card()])
    assert "confirm" in placed.allowed()
    with pytest.raises(IllegalTransition) as caught:
        world.desk.advance_order("o1", "confirm")
    assert ("order", "placed", "confirm") == (
        caught.value.subject,
        caught.value.state,
        caught.value.action,
    )
    assert placed == world.desk.order("o1")


def test_an_order_is_not_complete_while_one_line_waits() -> None:
    """All that is there has been shipped; a single line that waits for stock keeps it open."""
    world = World(("CUP", "MAIN", 1), ("MUG", "MAIN", 1))
    waiting = Policy(short="backorder", require_cover=False)
    world.desk.place([line("CUP"), line("MUG", 2)], order_id="o1", policy=waiting)
    shipped = world.desk.ship("o1", "f1")
    assert [0, 1] == [one.backordered for one in shipped.lines]
    with pytest.raises(IllegalTransition, match="order is partly_shipped"):
        world.desk.advance_order("o1", "complete")


def test_what_a_cancellation_leaves_authorized_is_given_back() -> None:
    """A tender that was taken already stays; one that nobody needs any more is voided."""
    world = World(("MUG", "MAIN", 1), ("CUP", "STORE", 1))
    world.desk.place([line("MUG"), line("CUP")], order_id="o1", tenders=[card("10.00"), card()])
    world.desk.ship("o1", "f1")
    assert eur(10) == world.desk.order("o1").captured
    order = world.desk.report_cancellation("o1", reason="elsewhere")
    assert (eur(0), eur(10)) == (order.authorized, order.payout)
    assert 1 == sum(one.kind == "void" for one in world.payments.books)
    check_quiet(world)


def test_nothing_is_picked_for_an_order_that_is_not_confirmed() -> None:
    """The refusal names the order's state and what can be done about it."""
    world = World()
    world.desk.place([line()], order_id="o1")
    with pytest.raises(IllegalTransition, match="order is placed") as caught:
        world.desk.advance("o1", "f1", "release")
    assert ("confirm", "reject", "cancel", "expire") == caught.value.allowed


def test_steps_that_follow_from_elsewhere_are_not_taken_by_hand() -> None:
    """Reserving is the ledger's answer and withdrawing a cancellation's: neither is a command."""
    world = World()
    world.desk.place([line()], order_id="o1", tenders=[card()])
    before = world.trace()
    for action in ("withdraw", "reserve", "pack"):
        with pytest.raises(IllegalTransition):
            world.desk.advance("o1", "f1", action)
    assert before == world.trace()


def test_a_completed_order_cancelled_elsewhere_pays_back_once_resolved() -> None:
    """The order is open again; its payout waits for the person who resolves the exception."""
    world = World()
    world.desk.place([line()], order_id="o1", tenders=[card()])
    world.desk.deliver("o1", "f1")
    order = world.desk.report_cancellation("o1", reason="court")
    assert ("confirmed", "overpaid", "delivered") == (order.state.name, order.money, order.goods)
    assert ["cancelled_after_hand_over"] == [one.code for one in order.exceptions]
    order = world.desk.resolve("o1", "cancelled_after_hand_over", resolution="pay back")
    assert ("completed", "refunded") == (order.state.name, order.money)
    check_quiet(world)


def test_a_cancellation_while_picking_waits_for_a_person() -> None:
    """Units being picked stay what they are, others are withdrawn, nothing is due any more."""
    world = World(("MUG", "MAIN", 2), ("CUP", "STORE", 2))
    world.desk.place([line("MUG"), line("CUP")], order_id="o1", tenders=[card()])
    world.desk.advance("o1", "f1", "release")
    world.desk.advance("o1", "f1", "pick")
    with pytest.raises(IllegalTransition):
        world.desk.cancel("o1", reason="sorry")
    order = world.desk.report_cancellation("o1", reason="marketplace")
    assert ["cancelled_while_picking"] == [one.code for one in order.exceptions]
    assert (1, 1) == (order.quantities()["l1"].in_fulfilment, order.quantities()["l2"].cancelled)
    assert 0 == order.due.minor
    check_quiet(world)


def test_a_cancellation_reported_for_a_dead_order_is_a_no_op() -> None:
    """It was cancelled already; the report adds nothing."""
    world = World()
    world.desk.place([line()], order_id="o1", tenders=[card()])
    world.desk.cancel("o1", reason="sorry")
    before = world.trace()
    world.desk.report_cancellation("o1", reason="elsewhere")
    assert before == world.trace()


def test_a_cancellation_reported_twice_changes_nothing_more() -> None:
    """With part of it gone the order goes on; a second report finds nothing left to cancel."""
    world = World(("MUG", "MAIN", 2), ("CUP", "STORE", 2))
    world.desk.place([line("CUP"), line("MUG")], order_id="o1", tenders=[card()])
    last = world.desk.order("o1").fulfillments[-1].id
    world.desk.ship("o1", last)
    once = world.desk.report_cancellation("o1", reason="elsewhere")
    twice = world.desk.report_cancellation("o1", reason="elsewhere")
    assert (once.figures, once.quantities()) == (twice.figures, twice.quantities())
    with pytest.raises(IllegalTransition, match="is shipped, which has no step 'withdraw'"):
        world.desk.cancel("o1", reason="sorry")
    check_quiet(world)


def test_a_refund_too_small_to_share_goes_to_one_tender() -> None:
    """One cent over two tenders is one refund, not one and a refund of nothing."""
    world = World(policy=Policy(capture="on_confirmation", refund="by_hand"))
    world.desk.place([line()], order_id="o1", tenders=[card("5.00"), card()])
    world.desk.cancel("o1", reason="sorry")
    order = world.desk.refund("o1", amount=eur("0.01"))
    assert (eur("0.01"), eur("9.99")) == (order.refunded, order.payout)
    assert 1 == sum(one.kind == "refund" for one in world.payments.books)


def test_after_a_declined_first_tender_the_second_is_not_asked() -> None:
    """They succeed together, so there is no use in asking the second."""
    world = World(moods=["decline"])
    order = world.desk.place([line()], order_id="o1", tenders=[card("5.00"), card()])
    assert ("unpaid", True) == (order.money, order.payment("p2").unasked)
    assert 1 == len(world.payments._known)


def test_a_tender_that_waits_for_a_parked_one_keeps_the_order_from_being_confirmed() -> None:
    """While a person has to find out about the first tender, the second is not asked."""
    policy = Policy(require_cover=False, unpaid_ttl=None, attempts=1)
    world = World(policy=policy, moods=["answer_lost"])
    world.desk.place([line()], order_id="o1", tenders=[card("5.00"), card()])
    world.now += HOUR
    world.desk.resume()
    order = world.desk.order("o1")
    assert ("placed", True) == (order.state.name, order.payment("p2").unasked)
    order = world.desk.retry("o1", order.intents[0].id)
    assert ("confirmed", "authorized") == (order.state.name, order.money)


def test_a_payout_waits_for_what_is_in_flight() -> None:
    """As long as a movement is open, nobody can say what there is to pay back."""
    world = World(policy=AT_ONCE)
    world.moods_by_id["o1/p2/capture-1"] = "pending"
    world.desk.place([line()], order_id="o1", tenders=[card("5.00"), card()])
    order = world.desk.cancel("o1", reason="sorry")
    assert (eur(5), eur(0)) == (order.captured, order.refunded)
    world.calm()
    assert (eur(10), eur(10)) == (
        world.desk.order("o1").captured,
        world.desk.order("o1").refunded,
    )
    check_quiet(world)


def test_a_lifecycle_of_ones_own_decides_when_an_order_may_be_confirmed() -> None:
    """Without that step in the table the order waits, and nothing breaks."""
    checked = State("checked", Phase.WAITING)
    rows = {(PLACED, "check"): checked, (checked, "confirm"): ORDER.states["confirmed"]}
    order = ORDER.extended("checked order", rows, without=[(PLACED, "confirm")])
    world = World()
    desk = world.new_desk(lifecycles=Lifecycles(name="checked.v1", order=order))
    placed = desk.place([line()], order_id="o1", tenders=[card()])
    assert ("placed", "authorized") == (placed.state.name, placed.money)
    assert ("reject", "cancel", "expire", "check") == placed.allowed()
