"""Two flows at once, in every order in which their requests can take turns."""

from collections import Counter
from collections.abc import Callable

import pytest

from orderwright import Conflict, OutOfStock, Policy
from orderwright.errors import AmountRefused, IllegalTransition
from orderwright.orders.events import Intended, MoneyMoved
from tests.worlds import (
    HOUR,
    MINUTE,
    Running,
    Scene,
    World,
    card,
    check_laws,
    check_quiet,
    eur,
    flow_of,
    interleavings,
    line,
)

BY_HAND = Policy(capture="by_hand", unpaid_ttl=None)
AT_ONCE = Policy(capture="on_confirmation", unpaid_ttl=None)
ON_DISPATCH = Policy(capture="on_dispatch", unpaid_ttl=None)


def scene(
    before: Callable[[World], object],
    *calls: tuple[str, tuple[object, ...], dict[str, object]],
    policy: Policy = ON_DISPATCH,
    stock: int = 3,
) -> Scene:
    """What happened `before`, then the flows of `calls` at once."""

    def made() -> tuple[World, tuple[object, ...]]:
        world = World(("MUG", "MAIN", stock), policy=policy)
        before(world)
        return world, tuple(flow_of(world.desk, name, *args, **kw) for name, args, kw in calls)

    return made


def call(name: str, *args: object, **kwargs: object) -> tuple[str, tuple[object, ...], dict]:
    """One of the flows."""
    return name, args, kwargs


def ordered(world: World) -> None:
    """A paid order of two units."""
    world.desk.place([line("MUG", 2)], order_id="o1", tenders=[card()])


def unpaid(world: World) -> None:
    """An order nobody paid yet."""
    world.desk.place([line("MUG", 2)], order_id="o1")


def cancelled(world: World) -> None:
    """An order that was paid and cancelled, the refund to be made by hand."""
    ordered(world)
    world.desk.cancel("o1", reason="sorry")


def interrupted(world: World) -> None:
    """An order whose authorization nobody answered, and whose patience is over."""
    world.moods_by_id["o1/p1/authorize-1"] = "request_lost"
    ordered(world)
    world.now += 2 * MINUTE


def effects(world: World) -> Counter[str]:
    """How often the provider's books show each kind of movement."""
    return Counter(entry.kind for entry in world.payments.books)


def settled(running: list[Running], *refusals: type[Exception]) -> list[Exception]:
    """The errors of the flows, each of which is one of `refusals`."""
    errors = [one.error for one in running if one.error is not None]
    assert all(isinstance(error, refusals) for error in errors), errors
    return errors


def explore(made: Scene) -> list[tuple[World, list[Running]]]:
    """Every way to the end, each obeying the laws there and after a calm."""
    ends = []
    for world, running in interleavings(made):
        check_laws(world)
        world.calm()
        check_quiet(world)
        ends.append((world, running))
    assert ends
    return ends


def test_ship_and_cancel_either_ships_or_cancels_and_the_money_follows() -> None:
    """A hand-over is recorded whoever is first; nothing is lost and nothing is taken twice."""
    made = scene(ordered, call("ship", "o1", "f1"), call("cancel", "o1", reason="sorry"))
    outcomes = set()
    for world, running in explore(made):
        settled(running[1:], Conflict, IllegalTransition)
        assert running[0].error is None
        order = world.orders.load("o1")
        assert order.fulfillment("f1").gone
        codes = {one.code for one in order.exceptions}
        assert (order.state.name == "cancelled") == ("shipped_after_cancellation" in codes)
        assert effects(world)["capture"] == (order.state.name == "confirmed")
        outcomes.add(order.state.name)
    assert {"cancelled", "confirmed"} == outcomes


def test_cancel_and_pay_keeps_no_money_of_a_cancelled_order() -> None:
    """Whatever was authorized for an order that was given up is given back."""
    made = scene(
        unpaid,
        call("cancel", "o1", reason="sorry"),
        call("pay", "o1", [card()]),
        policy=AT_ONCE,
    )
    outcomes = set()
    for world, running in explore(made):
        settled(running, Conflict, IllegalTransition)
        order = world.orders.load("o1")
        if order.state.name == "cancelled":
            assert 0 == order.figures.kept + order.figures.authorized
        outcomes.add(order.state.name)
    assert {"cancelled", "confirmed"} == outcomes


def test_two_captures_by_hand_take_the_money_once() -> None:
    """Of two clerks who take all there is, one is refused."""
    made = scene(ordered, call("capture", "o1"), call("capture", "o1"), policy=BY_HAND)
    for world, running in explore(made):
        assert 1 == len(settled(running, Conflict, AmountRefused))
        assert 1 == effects(world)["capture"]
        assert eur(20) == world.orders.load("o1").captured


def test_two_refunds_by_hand_pay_back_once() -> None:
    """Of two clerks who pay back all that is owed, one is refused."""
    policy = Policy(capture="on_confirmation", refund="by_hand", unpaid_ttl=None)
    made = scene(cancelled, call("refund", "o1"), call("refund", "o1"), policy=policy)
    for world, running in explore(made):
        assert 1 == len(settled(running, Conflict, AmountRefused))
        assert 1 == effects(world)["refund"]
        assert eur(20) == world.orders.load("o1").refunded


def test_the_same_command_twice_at_once_happens_once() -> None:
    """Two deliveries of one command under one key: the second repeats the first, or conflicts."""
    for policy, name in ((BY_HAND, "capture"), (AT_ONCE, "cancel")):
        more = {"reason": "sorry"} if name == "cancel" else {}
        twice = call(name, "o1", key="k1", **more)
        for world, running in explore(scene(ordered, twice, twice, policy=policy)):
            assert len(settled(running, Conflict)) <= 1
            first = [one for one in world.orders.events("o1") if one.key == "k1"]
            assert 1 == len(first)
            assert 1 == effects(world)["capture" if name == "capture" else "refund"]


def test_two_placements_of_one_id_are_one_order() -> None:
    """The same order sent twice at once is placed once, and both callers get it."""
    twice = call("place", [line("MUG", 2)], order_id="o1", tenders=[card()])
    for world, running in explore(scene(lambda _: None, twice, twice, policy=AT_ONCE)):
        assert [] == settled(running)
        assert {"o1"} == {one.result.id for one in running}
        assert Counter(authorize=1, capture=1) == effects(world)


@pytest.mark.parametrize("replans", [0, 3])
def test_the_last_unit_is_sold_once(replans: int) -> None:
    """Of two orders for the last unit one gets it, and the other keeps no money."""
    policy = Policy(capture="on_confirmation", unpaid_ttl=None, replans=replans)
    made = scene(
        lambda _: None,
        call("place", [line()], order_id="o1", tenders=[card()]),
        call("place", [line()], order_id="o2", tenders=[card()]),
        policy=policy,
        stock=1,
    )
    for world, running in explore(made):
        settled(running, OutOfStock)
        states = Counter(order.state.name for order in world.all_orders())
        assert 1 == states["confirmed"]
        assert states["rejected"] == len(world.all_orders()) - 1
        assert 1 == effects(world)["capture"]
        (stock,) = world.inventory.supply(["MUG"], now=world.now)
        assert (0, 1) == (stock.available, stock.reserved)


def test_two_resumers_make_each_call_once() -> None:
    """Whoever claims an unfinished call first makes it; the other leaves it alone."""
    made = scene(interrupted, call("resume"), call("resume"), policy=AT_ONCE)
    for world, running in explore(made):
        assert [] == settled(running)
        assert () == tuple(error for one in running for error in one.result.failures)
        assert Counter(authorize=1, capture=1) == effects(world)
        assert "confirmed" == world.orders.load("o1").state.name


def test_a_slow_flow_and_its_resumer_do_nothing_twice() -> None:
    """A flow that was only slow meets the resumer that took its order for dead."""

    def made() -> tuple[World, tuple[object, ...]]:
        world = World(("MUG", "MAIN", 3), policy=AT_ONCE)
        slow = flow_of(world.desk, "place", [line()], order_id="o1", tenders=[card()], at=world.now)
        world.now += HOUR / 2
        return world, (slow, flow_of(world.desk, "resume"))

    for world, running in explore(made):
        assert [] == settled(running)
        assert Counter(authorize=1, capture=1) == effects(world)
        assert ["paid"] == [order.money for order in world.all_orders()]


def test_a_notice_and_the_answer_it_announces_count_once() -> None:
    """The provider's own report may overtake its answer, or follow it."""

    def made() -> tuple[World, tuple[object, ...]]:
        world = World(("MUG", "MAIN", 3), policy=AT_ONCE)
        interrupted(world)
        hint = flow_of(world.desk, "notify_payment", "o1/p1/authorize-1")
        return world, (hint, flow_of(world.desk, "resume"))

    for world, running in explore(made):
        assert [] == settled(running)
        assert Counter(authorize=1, capture=1) == effects(world)


def test_two_resumers_authorize_anew_once() -> None:
    """What lapsed is recorded by one of them, and asked for by the same."""

    def lapsed(world: World) -> None:
        world.lasting = HOUR
        ordered(world)
        world.lasting = None
        world.now += HOUR

    for world, running in explore(scene(lapsed, call("resume"), call("resume"))):
        assert () == tuple(error for one in running for error in one.result.failures)
        assert Counter(authorize=2) == effects(world)
        assert eur(20) == world.orders.load("o1").authorized


def test_a_refund_and_a_chargeback_at_once_pay_back_no_more_than_was_there() -> None:
    """Whichever comes first, the provider is asked for what is kept then, and the facts add up."""
    policy = Policy(capture="on_confirmation", refund="by_hand", unpaid_ttl=None)
    made = scene(
        cancelled,
        call("refund", "o1"),
        call("report_chargeback", "o1", "p1", eur(15)),
        policy=policy,
    )
    outcomes = set()
    for world, running in explore(made):
        settled(running[:1], Conflict)
        assert running[1].error is None
        order = world.orders.load("o1")
        assert eur(15) == order.charged_back
        before_refund = 20
        for event in world.orders.events("o1"):
            if isinstance(event, MoneyMoved):
                before_refund = 5
            if isinstance(event, Intended) and event.intent.purpose == "refund":
                assert before_refund == event.intent.request.amount.minor // 100
        outcomes.add(order.refunded)
    assert {eur(0), eur(5), eur(20)} == outcomes


def test_a_cancellation_and_a_refund_by_hand_pay_back_once() -> None:
    """The policy's own refund and a clerk's never meet on the same money."""
    made = scene(
        ordered, call("cancel", "o1", reason="sorry"), call("refund", "o1"), policy=AT_ONCE
    )
    for world, running in explore(made):
        settled(running, Conflict, AmountRefused)
        order = world.orders.load("o1")
        assert order.refunded == (eur(20) if order.state.name == "cancelled" else eur(0))


@pytest.mark.parametrize("how", [{"key": "k1"}, {"reference": "t-1"}])
def test_a_payment_told_twice_at_once_counts_once(how: dict[str, object]) -> None:
    """By its key or by its own reference it is known; nobody is refused."""
    twice = call("record_payment", "o1", eur(20), method="cash", **how)
    for world, running in explore(scene(unpaid, twice, twice, policy=AT_ONCE)):
        assert [] == settled(running)
        order = world.orders.load("o1")
        assert ("confirmed", eur(20), 1) == (order.state.name, order.captured, len(order.payments))


def test_money_that_comes_while_the_order_is_given_up_waits_for_a_person() -> None:
    """A report is never refused; it is either in time for the payout or opens an exception."""
    made = scene(
        unpaid,
        call("cancel", "o1", reason="sorry"),
        call("record_payment", "o1", eur(20), method="cash"),
        policy=AT_ONCE,
    )
    outcomes = set()
    for world, running in explore(made):
        settled(running[:1], Conflict)
        assert running[1].error is None
        order = world.orders.load("o1")
        codes = [one.code for one in order.exceptions]
        assert eur(20) == order.captured
        assert order.payout == (eur(20) if order.state.name == "cancelled" else eur(0))
        outcomes.add((order.state.name, *codes))
    assert {("cancelled",), ("cancelled", "paid_after_cancellation"), ("confirmed",)} == outcomes


def test_a_hold_that_comes_while_stock_is_made_firm_lets_no_money_move_first() -> None:
    """No money is asked for before the reservation it is for has stopped lapsing."""
    policy = Policy(capture="on_confirmation", unpaid_ttl=HOUR)
    made = scene(
        unpaid,
        call("pay", "o1", [card()]),
        call("hold", "o1", "note", blocks={"refund"}),
        policy=policy,
    )
    for world, running in explore(made):
        assert [] == settled(running, Conflict)[1:]
        written = [type(one).__name__ for one in world.orders.events("o1")]
        intents = [
            one.intent.purpose for one in world.orders.events("o1") if hasattr(one, "intent")
        ]
        assert "Intended" in written
        if "authorize" in intents:
            assert intents.index("firm") < intents.index("authorize")
            firm = next(
                one.intent.id
                for one in world.orders.events("o1")
                if hasattr(one, "intent") and one.intent.purpose == "firm"
            )
            posted = [getattr(one, "intent_id", "") for one in world.orders.events("o1")]
            asked = [
                hasattr(one, "intent") and one.intent.purpose == "authorize"
                for one in world.orders.events("o1")
            ]
            assert posted.index(firm) < asked.index(True)
