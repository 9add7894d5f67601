"""Goods that come back: what arrived is refunded to the cent, and every unit is somewhere."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orderwright import (
    Adjustment,
    Charge,
    DraftLine,
    InvalidInput,
    Money,
    Order,
    Policy,
    Posting,
    TaxLine,
    Tender,
    UnitPrice,
)
from orderwright.errors import (
    IllegalTransition,
    KeyReused,
    NotFound,
    OutOfStock,
    QuantityRefused,
    WindowClosed,
)
from tests.worlds import (
    NOON,
    Crashed,
    World,
    card,
    check_laws,
    check_quiet,
    eur,
    figures,
    flow_of,
    interleavings,
    line,
    run_until,
)

TAKEN = Policy(capture="on_confirmation")


def delivered(world: World, *lines: DraftLine, **more: Any) -> Order:  # noqa: ANN401
    """An order that is paid by card, and arrived."""
    more = {"tenders": [card()], **more}
    order = world.desk.place(lines or [line()], order_id="o1", **more)
    for one in order.fulfillments:
        world.desk.ship("o1", one.id)
        order = world.desk.deliver("o1", one.id)
    return order


def back(world: World, units: dict[str, int], **more: Any) -> Order:  # noqa: ANN401
    """Units come back as announced, and are put on the shelf again."""
    order = world.desk.request_return("o1", units, reason="changed my mind", **more)
    return_id = order.returns[-1].id
    world.desk.advance_return("o1", return_id, "approve")
    world.desk.receive_return("o1", units, location="MAIN", return_id=return_id)
    return world.desk.inspect_return("o1", return_id, restock=units)


def free(world: World, sku: str = "MUG") -> tuple[int, int]:
    """What is available, and what is in quarantine."""
    stock = world.inventory.ledger.stock(sku, "MAIN", now=world.now)
    return stock.available, stock.quarantine


def test_what_comes_back_is_of_the_return_that_waits_for_it() -> None:
    """Of two announced returns of a line the first is filled, then the other, named by nobody."""
    world = World(policy=TAKEN)
    delivered(world, line(quantity=3))
    for units in (1, 2):
        world.desk.request_return("o1", {"l1": units}, reason="too blue")
    order = world.desk.receive_return("o1", {"l1": 1}, location="MAIN")
    assert [[1], [0]] == [[item.received for item in one.items] for one in order.returns]
    order = world.desk.receive_return("o1", {"l1": 2}, location="MAIN")
    assert [[1], [2]] == [[item.received for item in one.items] for one in order.returns]
    check_laws(world)


def test_a_return_from_request_to_refund() -> None:
    """Two of three mugs come back, are inspected, stand on the shelf, and are paid for."""
    world = World(policy=TAKEN)
    delivered(world, line("MUG", 3, price="3.33"))
    order = world.desk.request_return("o1", {"l1": 2}, reason="too blue", by="bob")
    assert (1, 2) == (order.quantities()["l1"].kept, order.quantities()["l1"].returning)
    world.desk.advance_return("o1", "r1", "approve")
    order = world.desk.receive_return("o1", {"l1": 2}, location="MAIN", return_id="r1")
    assert ((7, 2), eur(0)) == (free(world), order.refunded)
    order = world.desk.inspect_return("o1", "r1", restock={"l1": 1}, write_off={"l1": 1})
    assert ((8, 0), eur("6.66"), "closed") == (
        free(world),
        order.refunded,
        order.returns[0].state.name,
    )
    assert (1, 0, 2) == (
        order.quantities()["l1"].kept,
        order.quantities()["l1"].returning,
        order.quantities()["l1"].returned,
    )
    assert ("completed", "paid") == (order.state.name, order.money)
    check_quiet(world)


def test_two_units_for_nine_ninety_nine() -> None:
    """One is cancelled, the other sent back: 9.99 is paid back in all."""
    world = World(policy=TAKEN)
    pair = DraftLine(sku="MUG", quantity=2, unit_price=UnitPrice.of("9.99", "EUR", per=2))
    world.desk.place([pair], order_id="o1", tenders=[card()])
    order = world.desk.cancel("o1", units={"l1": 1}, reason="one is enough")
    assert eur("5.00") == order.refunded
    world.desk.ship("o1", "f1")
    world.desk.deliver("o1", "f1")
    order = back(world, {"l1": 1})
    assert (eur("9.99"), "refunded") == (order.refunded, order.money)
    check_quiet(world)


def test_three_units_less_a_discount_over_three_tenders() -> None:
    """Three at 5.00 less 4.99, paid with 6.00, 6.00 and 2.00: never a negative step."""
    world = World(policy=TAKEN)
    coupon = Adjustment(name="coupon", amount=eur("-4.99"))
    tip = Charge(kind="tip", amount=eur("3.99"))
    delivered(
        world,
        line("MUG", 3, price="5.00"),
        adjustments=[coupon],
        charges=[tip],
        tenders=[card("6.00"), card("6.00"), card("2.00")],
    )
    assert [eur(6), eur(6), eur(2)] == [one.captured for one in world.desk.order("o1").payments]
    before = eur(0)
    steps = []
    for _ in range(3):
        order = back(world, {"l1": 1})
        steps.append(order.refunded - before)
        before = order.refunded
        for payment in order.payments:
            assert eur(0) <= payment.refunded <= payment.captured
    assert [eur("3.34"), eur("3.34"), eur("3.33")] == steps
    assert eur("3.99") == order.due
    check_quiet(world)


def test_what_arrives_is_less_and_other_than_announced() -> None:
    """A missing unit is kept again once the return is closed; an unannounced one counts too."""
    world = World(("MUG", "MAIN", 9), ("CUP", "MAIN", 9), policy=TAKEN)
    delivered(world, line("MUG", 2), line("CUP", 1, price="4.00"))
    world.desk.request_return("o1", {"l1": 2}, reason="x")
    order = world.desk.receive_return("o1", {"l1": 1, "l2": 1}, location="MAIN", return_id="r1")
    assert (1, 1) == (order.quantities()["l1"].returning, order.quantities()["l2"].returned)
    order = world.desk.inspect_return("o1", "r1", restock={"l1": 1}, quarantine={"l2": 1})
    assert (eur(14), "receiving") == (order.refunded, order.returns[0].state.name)
    order = world.desk.advance_return("o1", "r1", "close", reason="never came")
    assert (0, 1) == (order.quantities()["l1"].returning, order.quantities()["l1"].kept)
    assert ((8, 0), (8, 1)) == (free(world), free(world, "CUP"))
    check_quiet(world)


def test_nobody_announced_it() -> None:
    """Goods that stand at the door are taken in, but no more than the customer can have."""
    world = World(policy=TAKEN)
    delivered(world, line("MUG", 2))
    order = world.desk.receive_return("o1", {"l1": 3}, location="MAIN", key="scan")
    assert ["returned_too_much"] == [one.code for one in order.exceptions]
    assert (2, "receiving") == (order.quantities()["l1"].returned, order.returns[0].state.name)
    assert order == world.desk.receive_return("o1", {"l1": 3}, location="MAIN", key="scan")
    again = world.desk.receive_return("o1", {"l1": 1}, location="MAIN")
    assert 2 == again.quantities()["l1"].returned
    with pytest.raises(NotFound):
        world.desk.receive_return("o1", {"l9": 1}, location="MAIN")
    with pytest.raises(NotFound):
        world.desk.receive_return("o1", {"l1": 1}, location="MAIN", return_id="r9")
    check_laws(world)


def test_a_refused_return_that_comes_anyway() -> None:
    """A report is not refused: the goods are back whatever was said."""
    world = World(policy=TAKEN)
    delivered(world)
    world.desk.request_return("o1", {"l1": 1}, reason="x")
    order = world.desk.advance_return("o1", "r1", "refuse", reason="worn")
    assert 1 == order.quantities()["l1"].kept
    order = world.desk.receive_return("o1", {"l1": 1}, location="MAIN", return_id="r1")
    assert ("receiving", 1) == (order.returns[0].state.name, order.quantities()["l1"].returned)
    check_laws(world)


def test_window_and_reasons_are_the_policy() -> None:
    """Thirty days after arrival it is too late; only known reasons count."""
    policy = Policy(capture="on_confirmation", return_reasons=["broken", "too small"])
    world = World(policy=policy)
    delivered(world, line("MUG", 2))
    with pytest.raises(InvalidInput, match="'ugly' is none of broken, too small"):
        world.desk.request_return("o1", {"l1": 1}, reason="ugly")
    world.now += timedelta(days=30)
    world.desk.request_return("o1", {"l1": 1}, reason="broken")
    world.now += timedelta(seconds=1)
    with pytest.raises(WindowClosed, match="possible until 2026-01-31T12:00:00"):
        world.desk.request_return("o1", {"l1": 1}, reason="broken")
    open_end = World(policy=Policy(capture="on_confirmation", return_window=None))
    delivered(open_end)
    open_end.now += timedelta(days=3000)
    assert 1 == len(open_end.desk.request_return("o1", {"l1": 1}, reason="").returns)


def test_what_has_not_arrived_can_be_announced_what_has_not_left_cannot() -> None:
    """The window opens with the arrival; units in the house are cancelled, not sent back."""
    world = World(("MUG", "MAIN", 1), ("MUG", "STORE", 1), policy=TAKEN)
    world.desk.place([line("MUG", 2)], order_id="o1", tenders=[card()])
    world.desk.ship("o1", "f1")
    world.now += timedelta(days=99)
    world.desk.request_return("o1", {"l1": 1}, reason="x")
    with pytest.raises(QuantityRefused, match="asked 1 of l1, the limit is 0"):
        world.desk.request_return("o1", {"l1": 1}, reason="x")


def test_fees_and_shipping() -> None:
    """A restocking fee of 10 %, 3.00 of return shipping, and the shipping's share, by policy."""
    policy = Policy(capture="on_confirmation", restocking_percent="10", return_charges="share")
    world = World(policy=policy)
    charges = [Charge(kind="shipping", amount=eur("5.00")), Charge(kind="tip", amount=eur(1))]
    delivered(world, line("MUG", 2), charges=charges)
    world.desk.request_return("o1", {"l1": 1}, reason="x")
    label = Charge(kind="return_shipping", amount=eur("3.00"))
    world.desk.advance_return("o1", "r1", "approve", fees=[label])
    world.desk.receive_return("o1", {"l1": 1}, location="MAIN", return_id="r1")
    told = world.desk.preview().inspect_return("o1", "r1", restock={"l1": 1})
    order = world.desk.inspect_return("o1", "r1", restock={"l1": 1}, expected_due=told.due)
    assert told == order
    # 10.00 and 2.50 of the shipping back, less 3.00 and 1.00
    assert (eur("8.50"), eur("17.50")) == (order.refunded, order.due)
    assert ["shipping", "tip", "return_shipping", "restocking_fee"] == [
        one.kind for one in order.charges
    ]
    check_quiet(world)


def test_credited_on_receipt() -> None:
    """A trusting shop pays back when the parcel arrives; inspecting pays no second time."""
    world = World(policy=Policy(capture="on_confirmation", credit_returns="on_receipt"))
    delivered(world)
    order = world.desk.receive_return("o1", {"l1": 1}, location="MAIN")
    assert eur(10) == order.refunded
    order = world.desk.inspect_return("o1", "r1", write_off={"l1": 1}, key="k")
    assert order == world.desk.inspect_return("o1", "r1", write_off={"l1": 1}, key="k")
    assert (eur(10), (9, 0)) == (order.refunded, free(world))
    with pytest.raises(KeyReused):
        world.desk.inspect_return("o1", "r1", restock={"l1": 1}, key="k")
    check_quiet(world)


def test_inspection_needs_goods() -> None:
    """Nothing that did not come back is inspected."""
    world = World(policy=TAKEN)
    delivered(world, line("MUG", 2))
    world.desk.request_return("o1", {"l1": 1}, reason="x")
    with pytest.raises(IllegalTransition):
        world.desk.inspect_return("o1", "r1", restock={"l1": 1})
    world.desk.receive_return("o1", {"l1": 1}, location="MAIN", return_id="r1")
    with pytest.raises(QuantityRefused):
        world.desk.inspect_return("o1", "r1", restock={"l1": 1}, write_off={"l1": 1})
    with pytest.raises(NotFound):
        world.desk.inspect_return("o1", "r1", restock={"l2": 1})
    with pytest.raises(InvalidInput):
        world.desk.inspect_return("o1", "r1")
    with pytest.raises(InvalidInput, match=r"restock\[l1\]"):
        world.desk.inspect_return("o1", "r1", restock={"l1": 0})


def test_stock_that_is_not_where_it_should_be() -> None:
    """If somebody emptied the quarantine, booking waits for a person and then succeeds."""
    world = World(policy=TAKEN)
    delivered(world)
    world.desk.receive_return("o1", {"l1": 1}, location="MAIN")
    moved = {"location": "MAIN", "at": NOON}
    units = [("MUG", 1)]
    world.inventory.post(
        Posting.move("oops", units, source="quarantine", target="available", **moved)
    )
    order = world.desk.inspect_return("o1", "r1", write_off={"l1": 1})
    assert ["stock_mismatch"] == [one.code for one in order.exceptions]
    world.inventory.post(
        Posting.move("back", units, source="available", target="quarantine", **moved)
    )
    order = world.desk.resolve("o1", "stock_mismatch", resolution="put back")
    assert (9, 0) == free(world)
    assert all(move.booked for move in order.returns[0].moves)
    check_quiet(world)


# Exchanges and claims ----------------------------------------------------------------------


@pytest.mark.parametrize(("price", "refunded", "balance"), [("7.00", 3, 0), ("12.50", 0, "-2.50")])
def test_an_exchange_has_one_balance(price: str, refunded: int, balance: object) -> None:
    """The other goods are ordered when the first come back, and only the difference moves."""
    world = World(("MUG", "MAIN", 2), ("CUP", "MAIN", 2), policy=TAKEN)
    delivered(world)
    order = back(world, {"l1": 1}, exchange=[line("CUP", 1, price=price)])
    assert (eur(refunded), eur(balance)) == (order.refunded, order.balance)
    assert ("confirmed", "l1") == (order.state.name, order.line("l2").replaces)
    if order.balance.minor:
        world.desk.pay("o1", [card()])
    world.desk.ship("o1", "f2")
    assert "completed" == world.desk.deliver("o1", "f2").state.name
    check_quiet(world)


def test_an_exchange_for_goods_that_cannot_be_is_refused_at_once() -> None:
    """Other currencies and used ids are found when it is asked for."""
    world = World(policy=TAKEN)
    delivered(world)
    yen = DraftLine(sku="CUP", quantity=1, unit_price=UnitPrice.of("5", "JPY"))
    with pytest.raises(InvalidInput):
        world.desk.request_return("o1", {"l1": 1}, reason="x", exchange=[yen])
    world.desk.request_return("o1", {"l1": 1}, reason="x")
    fee = Charge(kind="label", amount=Money(5, "JPY"))
    with pytest.raises(InvalidInput):
        world.desk.advance_return("o1", "r1", "approve", fees=[fee])


def test_a_lost_unit_is_refunded() -> None:
    """What the customer never got is credited and does not come back."""
    world = World(policy=TAKEN)
    delivered(world, line("MUG", 3, price="3.333"))
    order = world.desk.claim("o1", {"l1": 1}, fault="lost", remedy="refund", key="k")
    assert order == world.desk.claim("o1", {"l1": 1}, fault="lost", remedy="refund", key="k")
    assert (eur("3.33"), 1, 2) == (
        order.refunded,
        order.quantities()["l1"].lost,
        order.quantities()["l1"].kept,
    )
    with pytest.raises(QuantityRefused):
        world.desk.claim("o1", {"l1": 3}, fault="wrong", remedy="refund")
    check_quiet(world)


def test_a_replacement_takes_over_what_was_paid() -> None:
    """The new line carries the money of the old one: no cent moves, a later return is exact."""
    world = World(policy=TAKEN)
    vat = TaxLine(name="VAT", percent="19")
    mug = DraftLine(sku="MUG", quantity=3, unit_price=UnitPrice.of("3.33", "EUR"), taxes=[vat])
    paid = delivered(world, mug).captured
    order = world.desk.claim("o1", {"l1": 2}, fault="damaged", remedy="replace", reason="wet")
    assert (paid, eur(0), "confirmed") == (order.due, order.refunded, order.state.name)
    assert ("l1", 2) == (order.line("l2").replaces, order.line("l2").ordered)
    world.desk.ship("o1", "f2")
    assert "completed" == world.desk.deliver("o1", "f2").state.name
    order = back(world, {"l1": 1, "l2": 2})
    assert (paid, "refunded") == (order.refunded, order.money)
    check_quiet(world)


def test_a_replacement_needs_stock() -> None:
    """What nobody has is not promised: the claim is refused, and can be refunded instead."""
    world = World(("MUG", "MAIN", 1), policy=TAKEN)
    delivered(world)
    with pytest.raises(OutOfStock):
        world.desk.claim("o1", {"l1": 1}, fault="wrong", remedy="replace")
    for fault, remedy in (("odd", "refund"), ("lost", "pray")):
        with pytest.raises(InvalidInput):
            world.desk.claim("o1", {"l1": 1}, fault=fault, remedy=remedy)


# Laws --------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(
    cents=st.integers(1, 2000),
    units=st.integers(1, 6),
    off=st.integers(0, 1500),
    shipping=st.integers(0, 500),
    split=st.tuples(st.integers(0, 900), st.integers(0, 900)),
    data=st.data(),
)
def test_everything_that_comes_back_is_paid_back_exactly(  # noqa: PLR0917 - drawn by name
    cents: int,
    units: int,
    off: int,
    shipping: int,
    split: tuple[int, int],
    data: st.DataObject,
) -> None:
    """Any mix of cancellations, edits, returns, claims and credits ends at what was captured."""
    world = World(("MUG", "MAIN", 50), policy=TAKEN)
    vat = TaxLine(name="VAT", percent="19")
    price = UnitPrice.of(f"{cents}e-2", "EUR", per=3)
    drafts = [DraftLine(sku="MUG", quantity=units, unit_price=price, taxes=[vat])]
    tenders = [Tender(method="gift", amount=Money(one, "EUR")) for one in split]
    world.desk.place(
        drafts,
        order_id="o1",
        adjustments=[Adjustment(name="coupon", amount=Money(-off, "EUR"))],
        charges=[Charge(kind="shipping", amount=Money(shipping, "EUR"))],
        tenders=[*tenders, card()],
    )
    early = data.draw(st.integers(0, units - 1))
    if early:
        world.desk.cancel("o1", units={"l1": early}, reason="x")
    world.desk.ship("o1", "f1")
    world.desk.deliver("o1", "f1")
    while True:
        order = world.desk.order("o1")
        kept = {one: counts.kept for one, counts in order.quantities().items() if counts.kept}
        if not kept:
            break
        line_id = data.draw(st.sampled_from(sorted(kept)))
        count = data.draw(st.integers(1, kept[line_id]))
        how = data.draw(st.sampled_from(["return", "refund", "replace", "credit"]))
        if how == "return":
            back(world, {line_id: count})
        elif how == "credit" and order.due.minor:
            some = data.draw(st.integers(1, order.due.minor))
            world.desk.credit("o1", Money(some, "EUR"), reason="sorry")
        elif how == "replace" and len(order.lines) < 3:
            order = world.desk.claim("o1", {line_id: count}, fault="wrong", remedy="replace")
            world.desk.ship("o1", order.fulfillments[-1].id)
            world.desk.deliver("o1", order.fulfillments[-1].id)
        else:
            world.desk.claim("o1", {line_id: count}, fault="lost", remedy="refund")
        check_laws(world)
    order = world.desk.order("o1")
    assert order.charges[0].remaining == order.due
    if order.due:
        order = world.desk.credit("o1", order.due, reason="and the shipping")
    assert order.captured == order.refunded
    check_quiet(world)


def test_a_return_survives_a_crash_anywhere() -> None:
    """Wherever the process dies while goods are inspected, it ends as if it had not died."""

    def scene() -> tuple[World, Any]:
        world = World(("MUG", "MAIN", 9), ("CUP", "MAIN", 9), policy=TAKEN)
        delivered(world, line("MUG", 3, price="3.333"))
        cup = [line("CUP", 1, price="1.00")]
        world.desk.request_return("o1", {"l1": 2}, reason="x", exchange=cup)
        world.desk.receive_return("o1", {"l1": 2}, location="MAIN", return_id="r1")
        verdicts = {"restock": {"l1": 1}, "write_off": {"l1": 1}}
        return world, flow_of(world.desk, "inspect_return", "o1", "r1", key="k", **verdicts)

    calm, flow = scene()
    untouched = figures(calm)
    run_until(calm, flow, 999, performed=False)
    expected = figures(calm)
    stop, crashed = 0, True
    while crashed:
        crashed = False
        for performed in (False, True):
            world, flow = scene()
            try:
                run_until(world, flow, stop, performed=performed)
            except Crashed:
                crashed = True
            world.calm()
            check_quiet(world)
            assert figures(world) in (untouched, expected)
        stop += 1
    assert stop > 6


# Refused at inspection ---------------------------------------------------------------------


def test_goods_that_are_refused_go_back_and_stay_due() -> None:
    """One of two units is restocked and credited; the other is the customer's again, and due."""
    world = World()
    delivered(world, line("MUG", 2))
    world.desk.request_return("o1", {"l1": 2}, reason="x")
    world.desk.receive_return("o1", {"l1": 2}, location="MAIN", return_id="r1")
    order = world.desk.inspect_return("o1", "r1", restock={"l1": 1}, send_back={"l1": 1})
    counts = order.quantities()["l1"]
    assert (1, 1, 0) == (counts.kept, counts.returned, counts.returning)
    assert (eur(10), eur(10), "closed") == (order.due, order.refunded, order.returns[0].state.name)
    assert 9 == world.inventory.ledger.stock("MUG", "MAIN", now=NOON).available
    check_quiet(world)
    again = world.desk.request_return("o1", {"l1": 1}, reason="please")
    assert 1 == again.quantities()["l1"].returning
    world.desk.receive_return("o1", {"l1": 1}, location="MAIN", return_id="r2")
    order = world.desk.inspect_return("o1", "r2", write_off={"l1": 1})
    assert (eur(0), eur(20)) == (order.due, order.refunded)
    check_quiet(world)


def test_what_was_credited_on_receipt_is_not_sent_back() -> None:
    """It is paid for no more: refused, nothing changes."""
    world = World(policy=Policy(credit_returns="on_receipt"))
    delivered(world, line("MUG", 2))
    world.desk.receive_return("o1", {"l1": 2}, location="MAIN")
    before = world.trace()
    with pytest.raises(QuantityRefused, match="the limit is 0"):
        world.desk.inspect_return("o1", "r1", send_back={"l1": 1})
    assert before == world.trace()


@pytest.mark.parametrize("rival", ["refund", "cancelled_elsewhere", "chargeback", "inspect"])
def test_goods_come_back_while_money_moves(rival: str) -> None:
    """However an inspection and a refund take turns, never more is paid back than was taken."""

    def scene() -> tuple[World, tuple[object, ...]]:
        world = World(("MUG", "MAIN", 9), policy=Policy(capture="on_confirmation"))
        delivered(world, line("MUG", 2))
        world.desk.credit("o1", eur(5), reason="late", key="c")
        world.desk.request_return("o1", {"l1": 2}, reason="x")
        world.desk.receive_return("o1", {"l1": 2}, location="MAIN", return_id="r1")
        calls = {
            "refund": ("refund", {}),
            "cancelled_elsewhere": ("report_cancellation", {"reason": "court"}),
            "chargeback": ("report_chargeback", {"payment_id": "p1", "amount": eur(20)}),
            "inspect": ("inspect_return", {"return_id": "r1", "write_off": {"l1": 1}}),
        }
        name, kwargs = calls[rival]
        mine = flow_of(world.desk, "inspect_return", "o1", "r1", restock={"l1": 1})
        return world, (mine, flow_of(world.desk, name, "o1", **kwargs))

    count = 0
    for world, running in interleavings(scene):
        count += 1
        check_laws(world)
        world.calm()
        check_quiet(world)
        order = world.desk.order("o1")
        assert order.refunded <= order.captured
        assert all(one.done for one in running)
    assert count > 1
