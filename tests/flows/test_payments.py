"""How money comes and goes: at once, beforehand, afterwards, by itself, and once more."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from orderwright import (
    Charge,
    InvalidInput,
    Money,
    Order,
    PaymentOutcome,
    Policy,
    State,
    Tender,
)
from orderwright.errors import AmountRefused, KeyReused, NotFound
from orderwright.lifecycles import PAYMENT_OPERATION
from orderwright.orders.events import Intended, MoneyMoved
from orderwright.orders.paying import Moved, report_movement, report_payment
from orderwright.payments.operations import PaymentRequest
from tests.worlds import (
    HOUR,
    NOON,
    Rivals,
    World,
    card,
    check_laws,
    check_quiet,
    eur,
    line,
)

DAY = timedelta(days=1)
AT_ONCE = Policy(capture="on_confirmation", unpaid_ttl=None)
ON_PLACEMENT = Policy(capture="on_placement", unpaid_ttl=HOUR)
ON_DISPATCH = Policy(unpaid_ttl=None)


def transfer(amount: str | None = None) -> Tender:
    """A bank transfer, which has to be there first."""
    given = None if amount is None else eur(amount)
    return Tender(method="bank_transfer", amount=given, collected="beforehand")


def invoice(amount: str | None = None, terms: timedelta | None = 30 * DAY) -> Tender:
    """An invoice, to be paid later."""
    given = None if amount is None else eur(amount)
    return Tender(method="invoice", amount=given, collected="afterwards", terms=terms)


def placed(world: World, *tenders: Tender, **more: Any) -> Order:  # noqa: ANN401
    """An order of 20.00 paid so."""
    return world.desk.place([line("MUG", 2)], order_id="o1", tenders=tenders, **more)


def codes(order: Order) -> list[str]:
    """The codes of the exceptions that are open."""
    return [one.code for one in order.exceptions]


def kinds(world: World) -> list[str]:
    """What the provider's books show, in order."""
    return [entry.kind for entry in world.payments.books]


# Something for the customer to do ------------------------------------------------------------


def test_what_the_customer_has_to_do_is_told_until_it_is_done() -> None:
    """The order waits like for a bank, shows what is to do, and goes on by itself."""
    world = World(policy=AT_ONCE, moods=["requires_action"])
    order = placed(world, card())
    assert ("placed", "unpaid") == (order.state.name, order.money)
    assert "confirm o1/p1/authorize-1" == order.payments[0].next_action
    for _ in range(9):
        world.now += DAY
        assert () == world.desk.resume().failures
    (intent,) = world.orders.load("o1").intents
    assert ("", 1) == (intent.parked, intent.attempts)
    world.payments.finish("o1/p1/authorize-1", "succeeded")
    order = world.desk.notify_payment("o1/p1/authorize-1")
    assert ("confirmed", "paid", "") == (
        order.state.name,
        order.money,
        order.payments[0].next_action,
    )
    check_quiet(world)


def test_another_thing_to_do_replaces_the_first() -> None:
    """A later report of the same state is news where it says something else, and only there."""
    world = World(policy=AT_ONCE, moods=["requires_action"])
    placed(world, card())
    again = PaymentOutcome(outcome="requires_action", amount=eur(20), next_action="scan this")
    notify = world.desk.notify_payment
    assert (
        "scan this"
        == notify("o1/p1/authorize-1", outcome=again, sequence=1).payments[0].next_action
    )
    before = world.trace()
    notify("o1/p1/authorize-1", outcome=again, sequence=1)
    assert before == world.trace()
    order = world.orders.load("o1")
    assert () == report_payment(order, "o1/p1/authorize-1", again, at=NOON)
    other = PaymentOutcome(outcome="requires_action", amount=eur(20), next_action="call us")
    (reported,) = report_payment(order, "o1/p1/authorize-1", other, at=NOON)
    assert ("call us", 1) == (reported.next_action, reported.sequence)


def test_an_order_expires_although_the_customer_has_something_to_do() -> None:
    """Who never confirms never pays; what comes of it later is undone."""
    world = World(moods=["requires_action"])
    placed(world, card())
    world.now += 2 * HOUR
    world.desk.resume()
    assert "expired" == world.orders.load("o1").state.name
    world.payments.finish("o1/p1/authorize-1", "succeeded")
    world.calm()
    assert ["authorize", "void"] == kinds(world)
    check_quiet(world)


def test_a_customer_who_gives_up_is_declined() -> None:
    """The provider decides what nobody confirmed."""
    world = World(policy=AT_ONCE, moods=["requires_action"])
    placed(world, card())
    truth = world.payments.finish("o1/p1/authorize-1", "declined")
    order = world.desk.notify_payment("o1/p1/authorize-1", outcome=truth, sequence=1)
    assert ("declined", "") == (
        order.payments[0].operations[0].state.name,
        order.payments[0].next_action,
    )


WORDS = st.sampled_from(["pending", "unknown", "requires_action"])
ENDS = st.sampled_from([(), ("succeeded",), ("declined",), ("failed",), ("declined", "succeeded")])


@st.composite
def told(draw: st.DrawFn) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """What a provider says, numbered in its order; and as it arrives, each at least once."""
    words = (*draw(st.lists(WORDS, max_size=4)), *draw(ENDS))
    numbered = list(enumerate(words, 1))
    again = draw(st.lists(st.sampled_from(numbered), max_size=6)) if numbered else []
    return numbered, draw(st.permutations(numbered + again))


LATE = [(1, "pending"), (3, "pending"), (2, "unknown")]


@given(told())
@example((sorted(LATE), LATE))
@settings(max_examples=300)
def test_numbered_reports_end_the_same_in_any_order(
    reports: tuple[list[tuple[int, str]], list[tuple[int, str]]],
) -> None:
    """Shuffled and repeated, a consistent history of reports makes the operation it tells of."""
    ends = []
    for arrivals in reports:
        order = ASKED
        for sequence, word in arrivals:
            outcome = PaymentOutcome(
                outcome=word,
                amount=eur(20),
                reference="pay_1",
                reason=f"said {sequence}",
                next_action=f"do {sequence}" if word == "requires_action" else "",
            )
            order = order.after(
                report_payment(order, "o1/p1/authorize-1", outcome, at=NOON, sequence=sequence)
            )
        ends.append((order.payments, order.exceptions))
    assert ends[0] == ends[1]


def _asked() -> Order:
    world = World(policy=AT_ONCE)
    placed(world, card())
    history = world.orders.events("o1")
    asked = next(
        index for index, one in enumerate(history) if isinstance(one, Intended) and one.state
    )
    return Order.replay(history[: asked + 1])


ASKED = _asked()


# Beforehand and afterwards -------------------------------------------------------------------


def test_money_that_comes_beforehand_confirms_the_order_when_it_is_there() -> None:
    """Nobody is called; stock is held for a time; the last cent confirms and makes stock firm."""
    world = World(policy=Policy(capture="on_confirmation", unpaid_ttl=14 * DAY))
    order = placed(world, transfer())
    assert ("placed", "unpaid", "reserved") == (order.state.name, order.money, order.goods)
    assert NOON + 14 * DAY == order.fulfillments[0].lapses_at
    assert eur(20) == order.payments[0].outstanding
    order = world.desk.record_payment("o1", eur(15), method="bank_transfer", reference="t-1")
    assert ("placed", "underpaid") == (order.state.name, order.money)
    order = world.desk.record_payment("o1", eur(5), method="bank_transfer", reference="t-2")
    assert ("confirmed", "paid") == (order.state.name, order.money)
    assert (None, eur(0)) == (order.fulfillments[0].lapses_at, order.payments[0].outstanding)
    assert [] == kinds(world)
    check_quiet(world)


def test_money_that_never_came_lets_the_order_expire() -> None:
    """What had come already is owed to the customer, and waits for a person to pay it back."""
    world = World()
    placed(world, transfer())
    world.desk.record_payment("o1", eur(5), payment_id="p1")
    world.now += HOUR
    world.desk.resume()
    order = world.orders.load("o1")
    assert ("expired", "overpaid", eur(5)) == (order.state.name, order.money, order.payout)
    assert 10 == world.inventory.supply(["MUG"], now=world.now)[0].available
    check_quiet(world)
    order = world.desk.record_refund("o1", eur(5), method="bank_transfer", reason="sorry")
    assert ("refunded", eur(0), ()) == (order.money, order.payout, order.exceptions)
    check_quiet(world)


def test_another_tender_may_take_the_place_of_money_that_has_not_come() -> None:
    """A customer who changes their mind pays all of it by card."""
    world = World(policy=AT_ONCE)
    placed(world, transfer())
    order = world.desk.pay("o1", [card()])
    assert ("confirmed", "paid", eur(20)) == (
        order.state.name,
        order.money,
        order.payments[1].captured,
    )
    check_quiet(world)


def test_an_invoice_covers_at_once_and_is_paid_later() -> None:
    """The order is confirmed and served; it is complete when the money is even."""
    world = World(policy=AT_ONCE)
    order = placed(world, invoice())
    assert ("confirmed", "unpaid") == (order.state.name, order.money)
    assert NOON + 30 * DAY == order.payments[0].payable_by
    world.desk.ship("o1", "f1")
    order = world.desk.deliver("o1", "f1")
    assert ("confirmed", "delivered") == (order.state.name, order.goods)
    assert "underpaid" == world.desk.record_payment("o1", eur(19), method="invoice").money
    order = world.desk.record_payment("o1", eur(1), method="invoice")
    assert ("completed", "paid") == (order.state.name, order.money)
    assert [] == kinds(world)
    check_quiet(world)


def test_an_invoice_without_terms_shows_no_date_and_repeats_keep_the_first() -> None:
    """Cash on delivery is due on delivery; terms run from the first time they were said."""
    world = World()
    assert placed(world, invoice("5.00", None), invoice()).payments[0].payable_by is None
    before = world.trace()
    world.now += DAY
    order = placed(world, invoice("5.00", None), invoice())
    assert [None, NOON + 30 * DAY] == [one.payable_by for one in order.payments]
    assert before == world.trace()
    with pytest.raises(KeyReused) as caught:
        placed(world, invoice("5.00", None), invoice(terms=31 * DAY))
    assert "payments" == caught.value.field


def test_an_invoice_beside_a_card_covers_the_rest() -> None:
    """Only the card is asked, and only for its part; what was promised cannot be paid again."""
    world = World(policy=AT_ONCE)
    order = placed(world, card("8.00"), invoice())
    assert ("confirmed", "underpaid", eur(12)) == (
        order.state.name,
        order.money,
        order.payments[1].outstanding,
    )
    assert ["authorize", "capture"] == kinds(world)
    with pytest.raises(AmountRefused):
        world.desk.pay("o1", [card()])
    order = world.desk.cancel("o1", reason="sorry")
    assert ("refunded", eur(0)) == (order.money, order.payout)
    check_quiet(world)


def test_a_promise_beside_a_declined_card_covers_nothing() -> None:
    """Tenders succeed together, also where one of them is an invoice."""
    world = World(policy=AT_ONCE, moods=["decline"])
    assert "placed" == placed(world, card("8.00"), invoice()).state.name
    order = world.desk.pay("o1", [invoice()])
    assert ("confirmed", eur(20)) == (order.state.name, order.payments[2].amount)


def test_where_no_cover_is_needed_nothing_is_waited_for() -> None:
    """The policy decides whether money has to be there; a transfer may still come later."""
    world = World(policy=Policy(require_cover=False))
    assert "confirmed" == placed(world, transfer()).state.name


# What moves by itself ------------------------------------------------------------------------


def test_a_movement_belongs_to_the_payment_that_waits_for_it() -> None:
    """Named, or the first of its method that waits, or a new one."""
    world = World(("MUG", "MAIN", 9), policy=AT_ONCE)
    placed(world, transfer("5.00"), transfer())
    record = world.desk.record_payment
    record("o1", eur(5), method="bank_transfer")
    record("o1", eur(1), method="bank_transfer")
    record("o1", eur(2), payment_id="p1")
    order = record("o1", eur(3), method="cash", by="ann", occurred_at=NOON - HOUR, key="k1")
    assert [eur(7), eur(1), eur(3)] == [one.captured for one in order.payments]
    assert ["bank_transfer", "bank_transfer", "cash"] == [one.method for one in order.payments]
    assert ("beforehand", 2) == (order.payments[2].collected, order.payments[2].batch)
    _, (moved,) = world.orders.load_with_key("o1", "k1")
    assert ("p3", "ann", NOON - HOUR, "o1/p3/receipt-1") == (
        moved.payment_id,
        moved.by,
        moved.occurred_at,
        moved.operation_id,
    )
    check_quiet(world)


def test_a_movement_told_again_is_known_by_its_reference() -> None:
    """However it is told, by method or by payment; another amount is looked into by a person."""
    world = World(policy=AT_ONCE)
    placed(world, transfer())
    record = world.desk.record_payment
    record("o1", eur(20), method="bank_transfer", reference="t-1")
    before = world.trace()
    record("o1", eur(20), method="bank_transfer", reference="t-1")
    record("o1", eur(20), payment_id="p1", reference="t-1")
    assert before == world.trace()
    # Under a key it is noted that the key was used, and nothing else; said again, not even that.
    known = record("o1", eur(20), payment_id="p1", reference="t-1", key="k1")
    assert known == record("o1", eur(20), payment_id="p1", reference="t-1", key="k1")
    assert eur(20) == known.captured
    for _ in range(2):
        order = record("o1", eur(21), method="bank_transfer", reference="t-1", key="k2")
        assert ["payment_contradiction"] == codes(order)
    assert eur(20) == order.captured
    record("o1", eur(20), payment_id="p1", reference="t-2")
    assert eur(40) == world.orders.load("o1").captured
    check_quiet(world)


@pytest.mark.parametrize(
    ("name", "args", "other", "field"),
    [
        ("record_payment", {"method": "cash"}, {"reference": "x"}, "reference"),
        ("record_payment", {"method": "cash"}, {"method": "", "payment_id": "p1"}, "method"),
        ("record_payment", {"payment_id": "p1"}, {"payment_id": "p2"}, "payment_id"),
        ("record_refund", {"payment_id": "p1"}, {"reason": "x"}, "reason"),
        ("report_chargeback", {"payment_id": "p1"}, {"amount": eur(6)}, "amount"),
        ("report_chargeback_reversal", {"payment_id": "p1"}, {"payment_id": "p2"}, "payment_id"),
    ],
)
def test_a_report_under_a_known_key_changes_nothing(
    name: str, args: dict[str, str], other: dict[str, Any], field: str
) -> None:
    """The same again is a no-op, in any state of the order; other content names the field."""
    world = World(policy=AT_ONCE)
    placed(world, card("5.00"), card())
    call = getattr(world.desk, name)
    first = call("o1", **{"amount": eur(5), **args}, key="k1")
    before = world.trace()
    assert first == call("o1", **{"amount": eur(5), **args}, key="k1")
    with pytest.raises(KeyReused) as caught:
        call("o1", **{"amount": eur(5), **args, **other}, key="k1")
    assert field == caught.value.field
    assert before == world.trace()


def test_reports_of_money_name_what_they_are_of() -> None:
    """A payment or a method, one of them; a payment there is; the order's currency."""
    world = World(policy=AT_ONCE)
    placed(world, card())
    for wrong in ({}, {"method": "cash", "payment_id": "p1"}):
        with pytest.raises(InvalidInput):
            world.desk.record_payment("o1", eur(1), **wrong)
    with pytest.raises(InvalidInput, match="the order is in EUR"):
        world.desk.record_payment("o1", Money(5, "JPY"), method="cash")
    with pytest.raises(NotFound):
        world.desk.report_chargeback("o1", "p9", eur(1))
    with pytest.raises(InvalidInput, match="expected at least one"):
        world.desk.pay("o1", [])


def test_a_report_is_recorded_in_spite_of_rivals() -> None:
    """What happened is decided anew on what the order has become, never refused."""
    world = World(policy=AT_ONCE)
    placed(world, transfer())
    rival = world.new_desk(orders=Rivals(world, 3))
    assert "confirmed" == rival.record_payment("o1", eur(20), method="bank_transfer").state.name
    check_quiet(world)


def test_a_chargeback_is_a_fact_and_its_reversal_another() -> None:
    """The money is gone and no refund can bring it back twice; a won dispute puts it back."""
    world = World(policy=AT_ONCE)
    placed(world, card())
    world.desk.ship("o1", "f1")
    assert "completed" == world.desk.deliver("o1", "f1").state.name
    charge_back = world.desk.report_chargeback
    order = charge_back("o1", "p1", eur(15), reference="d-1", reason="not mine")
    assert ("completed", "underpaid", eur(15)) == (
        order.state.name,
        order.money,
        order.charged_back,
    )
    assert ["charged_back"] == codes(order)
    assert "o1/p1/chargeback-1: 15.00 EUR (not mine)" == order.exceptions[0].detail
    assert order == charge_back("o1", "p1", eur(15), reference="d-1", reason="not mine")
    assert eur(5) == order.payments[0].refundable
    order = charge_back("o1", "p1", eur(5), reference="d-2")
    assert ("unpaid", 2) == (order.money, len(order.exceptions))
    for reference, amount in (("d-1", 15), ("d-2", 5)):
        order = world.desk.report_chargeback_reversal("o1", "p1", eur(amount), reference=reference)
    assert ("paid", eur(0)) == (order.money, order.charged_back)
    assert ["charged_back", "charged_back"] == codes(order)
    check_quiet(world)


def test_a_chargeback_of_a_cancelled_order_leaves_less_to_pay_back() -> None:
    """Ruling 20: what was charged back is not refunded too."""
    world = World(policy=Policy(capture="on_confirmation", refund="by_hand", unpaid_ttl=None))
    placed(world, card("5.00"), card())
    world.desk.cancel("o1", reason="sorry")
    order = world.desk.report_chargeback("o1", "p2", eur(10))
    assert (eur(10), [eur(5), eur(5)]) == (order.payout, [p.refundable for p in order.payments])
    with pytest.raises(AmountRefused) as caught:
        world.desk.refund("o1", amount=eur(6), payment_id="p2")
    assert eur(5) == caught.value.limit
    order = world.desk.refund("o1")
    assert ("refunded", eur(10)) == (order.money, order.refunded)
    order = world.desk.report_chargeback_reversal("o1", "p2", eur(10))
    assert ("overpaid", eur(10)) == (order.money, order.payout)
    check_quiet(world)


def test_movements_that_contradict_the_order_open_an_exception() -> None:
    """More given back than was kept, more won back than was lost, money for a dead order."""
    world = World(policy=AT_ONCE)
    placed(world, card())
    order = world.desk.record_refund("o1", eur(21), method="cash", reason="angry")
    assert ["repaid_too_much"] == codes(order)
    assert ("underpaid", eur(-1)) == (order.money, order.balance + order.due)
    assert [eur(0), eur(0)] == [order.payments[1].amount, order.payments[1].refundable]
    order = world.desk.report_chargeback_reversal("o1", "p1", eur(1))
    assert ["repaid_too_much", "reversed_too_much"] == codes(order)
    world.desk.resolve("o1", "repaid_too_much", resolution="so be it")
    world.desk.resolve("o1", "reversed_too_much", resolution="so be it")
    world.desk.cancel("o1", reason="enough")
    order = world.desk.record_payment("o1", eur(3), method="cash")
    assert ["paid_after_cancellation"] == codes(order)
    check_laws(world)


def test_a_reversal_that_overtakes_its_chargeback_comes_to_the_same() -> None:
    """Reports come in any order; only the exceptions tell which."""
    ends = set()
    for names in (("", "_reversal"), ("_reversal", "")):
        world = World(policy=AT_ONCE)
        placed(world, card())
        for name in names:
            order = getattr(world.desk, f"report_chargeback{name}")("o1", "p1", eur(7))
            assert order.payments[0].refundable <= eur(20)
        ends.add(order.figures)
    assert 1 == len(ends)


def test_a_repayment_beside_a_refund_in_flight_is_too_much() -> None:
    """A clerk who pays in cash what the provider is paying back already is told at once."""
    world = World(policy=AT_ONCE)
    placed(world, card())
    world.moods = ["pending"]
    world.desk.cancel("o1", reason="sorry")
    order = world.desk.record_refund("o1", eur(20), method="cash")
    assert ["repaid_too_much"] == codes(order)


def test_what_no_provider_can_pay_back_waits_for_a_person() -> None:
    """A cancellation pays back by card what came by card; the transfer stays to be paid out."""
    world = World(policy=AT_ONCE)
    placed(world, card("5.00"), transfer("6.00"), transfer())
    world.desk.record_payment("o1", eur(6), payment_id="p2")
    world.desk.record_payment("o1", eur(9), payment_id="p3")
    world.desk.record_payment("o1", eur(2), payment_id="p1", reference="brought in cash")
    order = world.desk.cancel("o1", reason="sorry")
    assert (eur(5), eur(17)) == (order.refunded, order.payout)
    assert eur(5) == order.payments[0].refunded
    with pytest.raises(AmountRefused) as caught:
        world.desk.refund("o1")
    assert eur(0) == caught.value.limit
    world.desk.record_refund("o1", eur(2), payment_id="p1")
    world.desk.record_refund("o1", eur(6), method="bank_transfer")
    order = world.desk.record_refund("o1", eur(9), method="bank_transfer")
    assert ("refunded", [eur(7), eur(6), eur(9)]) == (
        order.money,
        [one.refunded for one in order.payments],
    )
    assert () == order.exceptions
    check_quiet(world)


# In one step ---------------------------------------------------------------------------------


def test_on_placement_each_tender_is_charged_in_one_step() -> None:
    """Once the stock is reserved, and never authorized first."""
    world = World(policy=ON_PLACEMENT)
    order = placed(world, card("5.00"), card())
    assert ("confirmed", "paid", eur(0)) == (order.state.name, order.money, order.authorized)
    assert ["charge", "charge"] == kinds(world)
    assert ["pay_o1_p1", "pay_o1_p2"] == [one.reference for one in order.payments]
    world.desk.ship("o1", "f1")
    assert "completed" == world.desk.deliver("o1", "f1").state.name
    check_quiet(world)


def test_the_charged_sisters_of_a_declined_tender_are_paid_back() -> None:
    """Ruling 19, while the order waits; its stock stays, and the next tenders pay all of it."""
    world = World(policy=ON_PLACEMENT, moods=["approve", "decline"])
    order = placed(world, card("5.00"), card())
    assert ("placed", "unpaid", "reserved") == (order.state.name, order.money, order.goods)
    assert (["charge", "refund"], eur(5)) == (kinds(world), order.refunded)
    order = world.desk.pay("o1", [card("6.00"), card()])
    assert ("confirmed", "paid", eur(25)) == (order.state.name, order.money, order.captured)
    order = world.desk.cancel("o1", reason="sorry")
    assert ("refunded", eur(25)) == (order.money, order.refunded)
    check_quiet(world)


def test_a_sister_that_is_still_to_be_paid_back_covers_nothing() -> None:
    """While its refund hangs, or a hold stops it, the order is not confirmed on that money."""
    world = World(policy=ON_PLACEMENT)
    world.moods_by_id = {"o1/p2/charge-1": "decline", "o1/p1/refund-1": "pending"}
    order = placed(world, card("5.00"), card())
    assert (0, eur(20), "underpaid") == (order.cover, order.uncovered, order.money)
    order = world.desk.pay("o1", [card("15.00")])
    assert "placed" == order.state.name
    order = world.desk.pay("o1", [card()])
    assert ("confirmed", eur(5)) == (order.state.name, order.payments[3].amount)
    world.payments.finish("o1/p1/refund-1", "declined")
    order = world.desk.notify_payment("o1/p1/refund-1")
    assert ["refund_refused"] == codes(order)
    assert 1 == sum(one.kind == "refund" for one in order.payments[0].operations)
    world.moods_by_id.clear()
    order = world.desk.resolve("o1", "refund_refused", resolution="try again")
    assert ("paid", eur(5)) == (order.money, order.refunded)
    check_quiet(world)


def test_holds_stop_charging_and_paying_sisters_back() -> None:
    """A hold on capturing stops what is taken in one step; one on refunds stops the way back."""
    world = World(policy=ON_PLACEMENT)
    placed(world)
    world.desk.hold("o1", "fraud", blocks={"capture"})
    assert (
        []
        == kinds(world)
        == [one.kind for one in world.desk.pay("o1", [card()]).payments[0].operations]
    )
    assert "paid" == world.desk.release_hold("o1", "fraud").money
    world = World(policy=ON_PLACEMENT, moods=["approve", "decline"])
    world.desk.place([line("MUG", 2)], order_id="o1")
    world.desk.hold("o1", "tax", blocks={"refund"})
    order = world.desk.pay("o1", [card("5.00"), card()])
    assert ("underpaid", ["charge"]) == (order.money, kinds(world))
    assert "unpaid" == world.desk.release_hold("o1", "tax").money
    check_quiet_but_for_expiry(world)


def check_quiet_but_for_expiry(world: World) -> None:
    """An unpaid order still has an hour to live; then nothing is left to do."""
    world.calm()
    check_quiet(world)


def test_what_a_refused_sister_cost_is_not_taken_off_a_later_payout() -> None:
    """Paying sisters back is no part of what a cancellation elsewhere frees."""
    world = World(("MUG", "MAIN", 9), ("CUP", "STORE", 9), policy=ON_PLACEMENT)
    world.moods = ["approve", "decline"]
    world.desk.place(
        [line("MUG", 1), line("CUP", 1)], order_id="o1", tenders=[card("5.00"), card()]
    )
    world.desk.pay("o1", [card()])
    world.desk.ship("o1", "f1")
    order = world.desk.report_cancellation("o1", reason="elsewhere")
    order = world.desk.resolve("o1", order.exceptions[0].code, resolution="pay it back")
    assert ("refunded", eur(25), eur(0)) == (order.money, order.refunded, order.payout)
    check_quiet(world)


def test_a_charge_that_hangs_is_neither_asked_twice_nor_counted() -> None:
    """An answer that was lost is looked up; until then nothing is covered."""
    for mood in ("pending", "requires_action", "answer_lost", "request_lost"):
        world = World(policy=ON_PLACEMENT, moods=[mood])
        order = placed(world, card())
        assert ("placed", "unpaid") == (order.state.name, order.money)
        with pytest.raises(AmountRefused):
            world.desk.pay("o1", [card()])
        world.calm()
        assert (["charge"], "paid") == (kinds(world), world.orders.load("o1").money)
        check_quiet(world)


def test_a_charge_that_succeeds_after_the_end_is_paid_back() -> None:
    """Money for an order that expired goes back where it came from."""
    world = World(policy=ON_PLACEMENT, moods=["pending"])
    placed(world, card())
    world.now += 2 * HOUR
    world.desk.resume()
    assert "expired" == world.orders.load("o1").state.name
    world.calm()
    assert (["charge", "refund"], "refunded") == (kinds(world), world.orders.load("o1").money)
    check_quiet(world)


# On dispatch ---------------------------------------------------------------------------------


@given(
    quantities=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    prices=st.lists(st.sampled_from(["3.33", "0.01", "9.99"]), min_size=3, max_size=3),
    shipping=st.integers(0, 999),
    parts=st.lists(st.integers(1, 900), max_size=3),
    order=st.randoms(use_true_random=False),
)
@settings(max_examples=60)
def test_dispatches_take_exactly_what_is_due_over_all_tenders(
    quantities: list[int],
    prices: list[str],
    shipping: int,
    parts: list[int],
    order: Any,  # noqa: ANN401
) -> None:
    """Each takes its share, in the order of the tenders; the last takes the rest to the cent."""
    stock = [
        (sku, place, units)
        for sku in ("MUG", "CUP", "TEA")
        for place, units in (("MAIN", 1), ("STORE", 1), ("DEPOT", 2))
    ]
    world = World(*stock, policy=ON_DISPATCH)
    lines = [
        line(sku, units, price)
        for sku, units, price in zip(("MUG", "CUP", "TEA"), quantities, prices, strict=False)
    ]
    charges = [Charge(kind="shipping", amount=Money(shipping, "EUR"))]
    due = sum(one.unit_price.times(one.quantity, "half_up").minor for one in lines) + shipping
    tenders, left = [], due
    for part in parts:
        tenders.append(card(f"0.{0:02}") if left < part else card(str(Money(part, "EUR").amount)))
        left -= part if left >= part else 0
    placed_ = world.desk.place(lines, order_id="o1", charges=charges, tenders=[*tenders, card()])
    assert due == placed_.due.minor
    ids = [one.id for one in placed_.fulfillments]
    order.shuffle(ids)
    for number, one in enumerate(ids, 1):
        after = world.desk.ship("o1", one)
        assert after.captured <= after.due
        if number < len(ids):
            full = [p.captured == p.amount for p in after.payments if p.amount]
            assert sorted(full, reverse=True) == full, "a later tender was drawn on first"
        check_laws(world)
    assert (due, 0) == (after.captured.minor, after.authorized.minor)


# Authorizations that lapse -------------------------------------------------------------------


def lapsing(*tenders: Tender, policy: Policy = ON_DISPATCH, **more: Any) -> World:  # noqa: ANN401
    """A world in which the first authorizations last a day."""
    world = World(("MUG", "MAIN", 1), ("MUG", "STORE", 1), policy=policy, **more)
    world.lasting = DAY
    placed(world, *tenders)
    world.lasting = None
    return world


def test_an_authorization_is_asked_for_anew_when_it_lapses() -> None:
    """With the same tender, under an id of its own, for what has not been taken yet."""
    world = lapsing(card())
    world.desk.ship("o1", "f1")
    order = world.orders.load("o1")
    assert ("reauthorize", "p1", NOON + DAY) == (
        order.due_items[0].action,
        order.due_items[0].subject,
        order.due_at,
    )
    world.now += DAY
    assert ("o1",) == world.desk.resume().order_ids
    order = world.orders.load("o1")
    assert (eur(10), eur(10), None) == (order.captured, order.authorized, order.due_at)
    assert ["pay_o1_p1", "pay_o1_p1_2"] == list(order.payments[0].references)
    for reference in order.payments[0].references:
        assert ("o1",) == world.desk.find("payment", reference)
    order = world.desk.ship("o1", "f2")
    assert (
        "paid",
        [("capture", "pay_o1_p1"), ("authorize", "pay_o1_p1_2"), ("capture", "pay_o1_p1_2")],
    ) == (
        order.money,
        [(one.kind, one.reference) for one in world.payments.books[1:]],
    )
    check_quiet(world)


def test_what_was_taken_under_two_authorizations_is_paid_back_under_both() -> None:
    """A refund names what it pays back; each of them gets its own call."""
    for asked in (None, eur(15)):
        policy = Policy(unpaid_ttl=None, refund="by_hand")
        world = lapsing(card(), policy=policy)
        world.desk.ship("o1", "f1")
        world.now += DAY
        world.desk.resume()
        world.desk.ship("o1", "f2")
        order = world.desk.report_cancellation("o1", reason="court")
        world.desk.resolve("o1", order.exceptions[0].code, resolution="pay it back")
        order = world.desk.refund("o1", amount=asked)
        back = [(e.reference, e.amount) for e in world.payments.books if e.kind == "refund"]
        parts = [eur(10), (asked or eur(20)) - eur(10)]
        assert list(zip(("pay_o1_p1", "pay_o1_p1_2"), parts, strict=True)) == back
        if asked:
            order = world.desk.refund("o1")
        assert "refunded" == order.money
        check_quiet(world)


def test_nothing_is_authorized_anew_that_is_not_needed() -> None:
    """Other money may have covered it, or nothing may be due any more."""
    world = lapsing(card())
    world.desk.record_payment("o1", eur(15), method="cash")
    world.now += DAY
    world.desk.resume()
    order = world.orders.load("o1")
    assert (eur(5), ["authorize", "authorize"]) == (order.authorized, kinds(world))
    world = lapsing(card())
    world.desk.record_payment("o1", eur(20), method="cash")
    world.now += DAY
    world.desk.resume()
    order = world.orders.load("o1")
    assert (eur(0), ["authorize"], None) == (order.authorized, kinds(world), order.due_at)
    check_quiet(world)


def test_a_refused_reauthorization_waits_for_a_person_and_keeps_the_order() -> None:
    """Goods and batch stay; after the exception is resolved it is tried once more."""
    world = lapsing(card("5.00"), card())
    world.now += DAY
    world.moods_by_id = {f"o1/p2/authorize-{number}": "decline" for number in (2, 3)}
    world.desk.resume()
    order = world.orders.load("o1")
    assert ("confirmed", "reserved", eur(5)) == (order.state.name, order.goods, order.authorized)
    assert (["reauthorize_refused"], set()) == (codes(order), order.failed_batches)
    assert "o1/p2/authorize-2" == order.exceptions[0].detail
    assert order.due_at is None
    order = world.desk.resolve("o1", "reauthorize_refused", resolution="she says it works now")
    assert ["reauthorize_refused"] == codes(order)
    order = world.desk.resolve("o1", "reauthorize_refused", resolution="now it does")
    assert (eur(20), []) == (order.authorized, codes(order))
    assert "o1/p2/authorize-4" == order.payments[1].operations[-1].id
    check_quiet(world)


def test_less_than_asked_is_not_asked_for_for_ever() -> None:
    """A provider that authorizes a part has been asked; the rest shows in the money axis."""
    world = lapsing(card())
    world.now += DAY
    world.moods = ["pending"]
    world.desk.resume()
    part = PaymentOutcome(outcome="succeeded", amount=eur(0), reference="pay_x")
    order = world.desk.notify_payment("o1/p1/authorize-2", outcome=part, sequence=1)
    assert ("unpaid", [], ()) == (order.money, codes(order), order.intents)
    assert 2 == sum(one.kind == "authorize" for one in order.payments[0].operations)


def test_an_order_that_waits_or_is_over_sees_to_its_authorizations() -> None:
    """A waiting order renews what lapses; one that is given up just forgets it."""
    world = lapsing(card("5.00"), transfer())
    world.now += DAY
    world.desk.resume()
    order = world.orders.load("o1")
    assert ("placed", eur(5)) == (order.state.name, order.authorized)
    world = lapsing(card())
    world.moods = ["decline"]
    order = world.desk.cancel("o1", reason="sorry")
    assert (["void_refused"], eur(20), None) == (codes(order), order.authorized, order.due_at)


def test_what_is_in_flight_is_not_authorized_anew() -> None:
    """A capture that hangs may still take it; when it is decided, what lapsed is seen to."""
    world = lapsing(card(), policy=ON_DISPATCH)
    world.moods = ["pending"]
    world.desk.ship("o1", "f1")
    assert ["resume"] == [one.action for one in world.orders.load("o1").due_items]
    world.now += 2 * DAY
    world.payments.finish("o1/p1/capture-1", "succeeded")
    world.desk.resume()
    order = world.orders.load("o1")
    assert ("reauthorize", NOON + DAY) == (order.due_items[0].action, order.due_at)
    world.desk.resume()
    assert (eur(10), eur(10)) == (
        world.orders.load("o1").authorized,
        world.orders.load("o1").captured,
    )
    check_quiet(world)


def test_a_failed_batch_is_not_authorized_anew() -> None:
    """What has to be given back anyway only lapses."""
    world = World(policy=ON_DISPATCH)
    world.lasting = DAY
    world.moods_by_id = {"o1/p2/authorize-1": "decline", "o1/p1/void-1": "decline"}
    order = placed(world, card("5.00"), card())
    assert ["void_refused"] == codes(order)
    world.now += DAY
    world.desk.resume()
    order = world.orders.load("o1")
    assert (eur(0), ["authorize"], eur(5)) == (
        order.authorized,
        kinds(world),
        order.payments[0].voided,
    )


# The money axis ------------------------------------------------------------------------------

SUCCEEDED, PENDING = (PAYMENT_OPERATION.states[name] for name in ("succeeded", "pending"))
Moves = tuple[tuple[str, int, State], ...]


def moves(*told_: tuple[str, int]) -> Moves:
    """Movements that are done."""
    return tuple((kind, euros, SUCCEEDED) for kind, euros in told_)


AXIS: list[tuple[int, Moves, str]] = [
    (20, (), "unpaid"),
    (0, (), "settled"),
    (20, moves(("authorize", 20)), "authorized"),
    (20, moves(("authorize", 10)), "unpaid"),
    (20, moves(("authorize", 10), ("capture", 10)), "underpaid"),
    (20, moves(("authorize", 20), ("capture", 10)), "authorized"),
    (20, (*moves(("authorize", 20)), ("capture", 20, PENDING)), "authorized"),
    (20, (("charge", 20, PENDING),), "unpaid"),
    (20, moves(("charge", 20)), "paid"),
    (20, moves(("charge", 5), ("authorize", 15)), "authorized"),
    (20, moves(("receipt", 5)), "underpaid"),
    (20, moves(("receipt", 20)), "paid"),
    (20, moves(("receipt", 21)), "overpaid"),
    (20, moves(("receipt", 21), ("repayment", 1)), "paid"),
    (20, moves(("receipt", 20), ("authorize", 20), ("lapse", 20)), "paid"),
    (20, moves(("authorize", 20), ("lapse", 20)), "unpaid"),
    (20, moves(("charge", 20), ("chargeback", 20)), "unpaid"),
    (20, moves(("charge", 20), ("chargeback", 5)), "underpaid"),
    (20, moves(("charge", 20), ("chargeback", 20), ("reversal", 20)), "paid"),
    (20, moves(("charge", 20), ("chargeback", 20), ("receipt", 20)), "paid"),
    (0, moves(("charge", 20)), "overpaid"),
    (0, (*moves(("charge", 20)), ("refund", 20, PENDING)), "overpaid"),
    (0, moves(("charge", 20), ("refund", 20)), "refunded"),
    (0, moves(("charge", 20), ("chargeback", 20)), "refunded"),
    (0, moves(("receipt", 20), ("repayment", 20)), "refunded"),
    (0, moves(("receipt", 20), ("repayment", 21)), "underpaid"),
    (0, moves(("authorize", 20), ("void", 20)), "settled"),
]


@pytest.mark.parametrize(("due", "told_", "expected"), AXIS)
def test_the_money_axis(due: int, told_: Moves, expected: str) -> None:
    """What is kept, reserved and due says where the money stands."""
    world = World(policy=Policy(capture="by_hand", require_cover=False, unpaid_ttl=None))
    order = world.desk.place([line(price=str(due))], order_id="o1", tenders=[card("0.00")])
    for kind, euros, state in told_:
        operation_id = order.payments[0].next_id("o1", kind)
        moved = MoneyMoved(
            payment_id="p1",
            kind=kind,
            operation_id=operation_id,
            amount=eur(euros),
            state=state,
            at=NOON,
        )
        order = order.after((moved,))
    assert expected == order.money
    assert order.balance == order.captured - order.refunded - order.charged_back - order.due


# Never more back than there is ---------------------------------------------------------------

movements = st.lists(
    st.tuples(
        st.sampled_from(["receipt", "repayment", "chargeback", "reversal"]),
        st.sampled_from(["p1", "p2"]),
        st.integers(1, 3000),
    ),
    max_size=5,
)


@given(movements, st.sampled_from(["on_confirmation", "on_placement"]))
@settings(max_examples=100)
def test_a_provider_is_never_asked_for_more_than_it_holds(
    told_: list[tuple[str, str, int]],
    capture: Any,  # noqa: ANN401
) -> None:
    """Whatever moved by itself, a cancellation asks for no more than was taken and is kept."""
    world = World(policy=Policy(capture=capture, unpaid_ttl=None))
    order = placed(world, card("5.00"), card())
    for kind, payment_id, minor in told_:
        moved = Moved(kind=kind, amount=Money(minor, "EUR"), payment_id=payment_id)
        before = order
        order = order.after(report_movement(order, moved, at=NOON))
        events = report_movement(before, moved, at=NOON)
        world.orders.save(order, events, expected_version=before.version)
    for code in {one.code for one in order.exceptions}:
        world.desk.resolve("o1", code, resolution="seen")
    before = world.orders.load("o1")
    order = world.desk.cancel("o1", reason="sorry")
    assert order.refunded - before.refunded <= before.captured
    for payment, was in zip(order.payments, before.payments, strict=True):
        back = (payment.refunded - was.refunded).minor
        assert 0 <= back <= was.sums.returnable
        asked = sum(
            one.intent.request.amount.minor
            for one in world.orders.events("o1")
            if isinstance(one, Intended)
            and isinstance(one.intent.request, PaymentRequest)
            and one.intent.purpose == "refund"
            and one.intent.request.payment_id == payment.id
        )
        assert asked == back
        assert asked <= max(0, was.captured.minor - max(0, was.charged_back.minor))
    check_laws(world)
