"""An order is what its events add up to: replay, figures, axes, and what cannot follow."""

from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from orderwright import (
    STANDARD,
    Charge,
    Lifecycles,
    Money,
    Order,
    OrderException,
    Payment,
    Policy,
    Reference,
)
from orderwright.errors import AdapterFault, BrokenPromise, NotFound, Shortage
from orderwright.flows import settling
from orderwright.flows.settling import follow
from orderwright.inventory.postings import Posting
from orderwright.lifecycles import SUCCEEDED
from orderwright.orders.cancelling import cancel_units, part_of
from orderwright.orders.commands import open_exception
from orderwright.orders.events import (
    HoldReleased,
    Intended,
    MoneyRequested,
    OrderAdvanced,
)
from orderwright.orders.intents import Intent
from orderwright.orders.processing import next_events, refund_shares
from orderwright.orders.stocking import stock_refused
from orderwright.payments.payment import PaymentOperation
from orderwright.requests import SaveOrder
from tests.worlds import HOUR, NOON, World, card, eur, flow_of, line

PAID = Policy(capture="on_confirmation", unpaid_ttl=None)


def story() -> World:
    """A world with an order that has seen much."""
    world = World(("MUG", "MAIN", 3), ("CUP", "STORE", 3), policy=PAID)
    world.desk.place(
        [line("MUG", 3, "3.333"), line("CUP", 1, "0.005")],
        order_id="o1",
        charges=[Charge(kind="shipping", amount=eur("4.90"))],
        tenders=[card("5.00"), card()],
        references=[Reference("marketplace", "M-1")],
    )
    world.desk.hold("o1", "fraud", blocks={"refund"})
    world.desk.ship("o1", "f1", tracking="T-1")
    world.desk.report_cancellation("o1", reason="elsewhere")
    world.desk.resolve("o1", "cancelled_after_hand_over", resolution="lost")
    world.desk.release_hold("o1", "fraud")
    return world


# Replay --------------------------------------------------------------------------------------


def test_every_prefix_of_a_history_is_an_order() -> None:
    """Replaying any number of events gives that version, and the rest follows on it."""
    world = story()
    history = world.orders.events("o1")
    whole = world.orders.load("o1")
    for length in range(1, len(history) + 1):
        part = Order.replay(history[:length])
        assert length == part.version
        assert whole == part.after(history[length:])


def test_the_old_order_is_untouched_by_what_follows() -> None:
    """A command makes a new order; the one it was decided on stays as it was."""
    world = World()
    order = world.desk.place([line()], order_id="o1", tenders=[card()])
    before = repr(order)
    order.after([HoldReleased(name="x", at=NOON)])
    world.desk.cancel("o1", reason="sorry")
    assert before == repr(order)


def test_a_history_that_is_none_is_refused() -> None:
    """Empty, headless, foreign and repeated histories each say what is wrong."""
    world = story()
    history = world.orders.events("o1")
    with pytest.raises(NotFound, match="no history"):
        Order.replay(())
    with pytest.raises(BrokenPromise, match="begins with FulfillmentsPlanned"):
        Order.replay(history[1:])
    with pytest.raises(BrokenPromise, match="OrderPlaced cannot follow on order o1"):
        Order.replay((history[0], history[0]))
    with pytest.raises(BrokenPromise, match=r"under lifecycles 'standard.v1', but 'mine.v2'"):
        Order.replay(history, Lifecycles(name="mine.v2"))
    with pytest.raises(BrokenPromise, match="str cannot follow"):
        world.orders.load("o1").after(["event"])


def test_events_are_equal_by_kind_and_content() -> None:
    """Two events that say the same are the same; time, key and kind tell them apart."""
    one = OrderAdvanced(action="confirm", state=STANDARD.order.initial, at=NOON)
    assert one == evolve(one)
    assert hash(one) == hash(evolve(one))
    assert one != evolve(one, key="k1")
    assert one != evolve(one, at=NOON + HOUR)
    assert one != HoldReleased(name="confirm", at=NOON)
    assert one != "confirm"
    assert "OrderAdvanced(" == repr(one)[:14]
    assert "key" not in repr(one)


def test_an_event_shows_what_it_says_and_nothing_else() -> None:
    """Facts that are empty (no value, no text, no list) are left out; a no and a zero are told."""
    moved = MoneyRequested(action="refund", amount=None, payment_id="p1", at=NOON, key="k1")
    assert f"MoneyRequested(at={NOON!r}, key='k1', action='refund', payment_id='p1')" == repr(moved)
    released = HoldReleased(name="check", at=NOON)
    assert f"HoldReleased(at={NOON!r}, name='check')" == repr(released)


# Looking up ----------------------------------------------------------------------------------


def test_parts_are_found_by_id() -> None:
    """Lines, payments, fulfillments and intents; what is not there is named with its order."""
    world = story()
    order = world.orders.load("o1")
    assert ("MUG", "f1", eur("5.00")) == (
        order.line("l1").sku,
        order.fulfillment("f1").id,
        order.payment("p1").amount,
    )
    for kind in ("line", "payment", "fulfillment", "intent"):
        with pytest.raises(NotFound, match=f"no {kind} 'x9' on order o1"):
            getattr(order, kind)("x9")
    many = World(("MUG", "MAIN", 30)).desk.place([line()] * 21, order_id="o1", tenders=[card()])
    assert "l21" == many.line("l21").id
    with pytest.raises(NotFound, match="no line 'x9' on order o1"):
        many.line("x9")


def test_references_are_all_names_others_use() -> None:
    """Given ones first, then those of providers and carriers."""
    assert (
        Reference("marketplace", "M-1"),
        Reference("payment", "pay_o1_p1"),
        Reference("payment", "pay_o1_p2"),
        Reference("tracking", "T-1"),
    ) == story().orders.load("o1").all_references


# Money ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "amount", "then", "expected"),
    [
        (Policy(), None, (), "authorized"),
        (Policy(capture="by_hand", require_cover=False), "1.00", ("capture",), "underpaid"),
        (Policy(), "1.00", (), "unpaid"),
        (PAID, None, (), "paid"),
        (Policy(capture="by_hand"), "50.00", ("capture",), "overpaid"),
        (PAID, None, ("cancel",), "refunded"),
        (Policy(), None, ("cancel",), "settled"),
    ],
)
def test_the_money_axis_is_told_by_the_figures(
    policy: Policy, amount: str | None, then: tuple[str, ...], expected: str
) -> None:
    """Each status, reached the way orders reach it."""
    world = World(policy=policy)
    world.desk.place([line("MUG", 2)], order_id="o1", tenders=[card(amount)])
    for name in then:
        getattr(world.desk, name)("o1", **({"reason": "sorry"} if name == "cancel" else {}))
    order = world.desk.order("o1")
    assert expected == order.money
    figures = order.figures
    assert (
        figures.due,
        figures.captured,
        figures.refunded,
        figures.refunding,
        figures.authorized,
        figures.balance,
        figures.payout,
    ) == tuple(
        money.minor
        for money in (
            order.due,
            order.captured,
            order.refunded,
            order.refunding,
            order.authorized,
            order.balance,
            order.payout,
        )
    )


def test_captures_on_dispatch_follow_the_units_and_end_exactly() -> None:
    """Each parcel takes its share, all charges come with the first, the last takes the rest."""
    world = World(("MUG", "MAIN", 1), ("MUG", "STORE", 2), ("CUP", "DEPOT", 9))
    world.desk.place(
        [line("MUG", 3, "3.335"), line("CUP", 7, "0.999")],
        order_id="o1",
        charges=[Charge(kind="shipping", amount=eur("4.90"))],
        tenders=[card("6.00"), card()],
    )
    due = world.desk.order("o1").due
    parts = [one.id for one in world.desk.order("o1").fulfillments]
    after = [world.desk.ship("o1", part).captured.minor for part in parts]
    assert sorted(set(after)) == after
    assert after[0] > 490
    assert due.minor == after[-1]
    assert "paid" == world.desk.order("o1").money


@given(
    captured=st.lists(st.tuples(st.integers(0, 999), st.integers(0, 999)), max_size=5),
    payout=st.integers(-5, 3_000),
)
def test_refunds_are_shared_in_proportion_and_never_exceed_what_is_there(
    captured: list[tuple[int, int]], payout: int
) -> None:
    """What is paid back is the payout or all there is, no tender beyond its own."""
    payments = [taken(number, minor, back) for number, (minor, back) in enumerate(captured)]
    shares = refund_shares(payments, Money(payout, "EUR"))
    there = sum(max(0, one.sums.refundable) for one in payments)
    assert max(0, min(payout, there)) == sum(money.minor for _, money in shares)
    for payment, money in shares:
        assert 0 <= money.minor <= payment.sums.refundable
    gives = [payment.id for payment, _ in shares]
    assert len(gives) == len(set(gives))


def taken(number: int, minor: int, back: int) -> Payment:
    """A payment of which so much was captured and paid back."""
    return Payment(
        id=f"p{number}",
        method="card",
        amount=Money(minor, "EUR"),
        operations=tuple(
            PaymentOperation(
                id=f"o1/p{number}/{kind}-1", kind=kind, amount=Money(some, "EUR"), state=SUCCEEDED
            )
            for kind, some in (("authorize", minor), ("capture", minor), ("refund", back))
            if some
        ),
    )


# Goods ---------------------------------------------------------------------------------------


def test_the_goods_axis_follows_the_units() -> None:
    """Each status in the order in which an order passes them."""
    world = World(("MUG", "MAIN", 1), ("CUP", "STORE", 1), policy=PAID)
    seen = []

    def note(order: Order) -> None:
        seen.append(order.goods)

    world.desk.run(noted(world, note))
    for step in ("release", "pick", "pack"):
        note(world.desk.advance("o1", "f1", step))
    note(world.desk.ship("o1", "f1"))
    note(world.desk.ship("o1", "f2"))
    note(world.desk.deliver("o1", "f1"))
    note(world.desk.deliver("o1", "f2"))
    assert [
        "open",
        "reserved",
        "in_fulfilment",
        "partly_shipped",
        "shipped",
        "partly_delivered",
        "delivered",
    ] == list(dict.fromkeys(seen))
    assert "completed" == world.desk.order("o1").state.name


def noted(world: World, note: Any) -> Any:  # noqa: ANN401
    """A placement, every saved version of which is noted, from the bare order on."""
    flow = flow_of(world.desk, "place", [line("MUG"), line("CUP")], order_id="o1", tenders=[card()])
    request = flow.send(None)
    while True:
        if isinstance(request, SaveOrder):
            if not request.expected_version:
                note(Order.replay(request.events[:1]))
            note(request.order)
        reply = yield request
        try:
            request = flow.send(reply)
        except StopIteration as stopped:
            return stopped.value


# Rules ---------------------------------------------------------------------------------------


def test_nothing_follows_from_a_draft() -> None:
    """Rules begin with a placed order."""
    order = World().desk.place([line()], order_id="o1")
    assert () == next_events(evolve(order, state=STANDARD.order.initial), NOON)


def test_an_exception_is_opened_once() -> None:
    """The same contradiction again is no news."""
    order = World().desk.place([line()], order_id="o1")
    (opened,) = open_exception(order, "lost", "f1", at=NOON)
    assert OrderException("lost", "f1") == opened.exception
    assert () == open_exception(order.after([opened]), "lost", "f1", at=NOON)
    assert 1 == len(open_exception(order.after([opened]), "lost", "f2", at=NOON))


def test_a_refusal_that_names_no_reservation_is_believed_for_all() -> None:
    """A store that only says "no" has lost what was asked for, so that nothing asks for ever."""
    world = World()
    order = world.desk.place([line()], order_id="o1")
    held = order.reservations(order.fulfillments[0])
    posting = Posting.settle("o1/firm-9", release=held, at=NOON)
    intent = Intent(
        id=posting.id,
        purpose="firm",
        request=posting,
        since=NOON,
        due_at=NOON,
        fulfillments=("f1",),
    )
    shortage = Shortage("MUG", "MAIN", 1, 0)
    after = order.after(
        [
            Intended(intent=intent, at=NOON),
        ]
    )
    after = after.after(stock_refused(after, intent.id, (shortage,), NOON))
    assert ((), (), "open") == (after.fulfillments, after.intents, after.goods)


def test_what_is_under_way_is_under_way_for_both_parts() -> None:
    """Of a fulfillment of which some is given up, an unfinished posting is for what it becomes."""
    order = World().desk.place([line("MUG", 3)], order_id="o1")
    held = order.reservations(order.fulfillments[0])
    posting = Posting.settle("o1/firm-9", release=held, at=NOON)
    intent = Intent(
        id=posting.id,
        purpose="firm",
        request=posting,
        since=NOON,
        due_at=NOON,
        fulfillments=("f1",),
    )
    busy = order.after([Intended(intent=intent, at=NOON)])
    less = busy.after([cancel_units(busy, (("l1", 1),), at=NOON, reason="less")])
    assert {"f1": 2, "f2": 1} == {one.id: one.items[0].quantity for one in less.fulfillments}
    assert ("f1", "f2") == less.intent(intent.id).fulfillments
    (part,) = [one for one in less.fulfillments if one.id == "f2"]
    again = part_of(part, 3, part.items, part.state, NOON)
    assert part.items == again.items  # the units stand in the ledger under their first name


def test_consequences_without_an_end_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop of rules would be a bug of ours, and is named instead of running for ever."""
    order = World().desk.place([line()], order_id="o1")
    again = (HoldReleased(name="x", at=NOON),)
    monkeypatch.setattr(settling, "next_events", lambda *_: again)
    monkeypatch.setattr(settling, "MAX_STEPS", 5)
    with pytest.raises(AdapterFault, match="order o1 has no end of consequences"):
        follow(order, again, NOON)
