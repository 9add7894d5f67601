"""A refusal tells the facts that one needs to do better; and what nobody said stays unsaid."""

from collections.abc import Callable
from typing import Any

import pytest

from orderwright import (
    AddAdjustment,
    AddCharge,
    AddLine,
    Adjustment,
    Charge,
    InvalidInput,
    Lifecycles,
    Money,
    Order,
    Policy,
    TaxLine,
    Tender,
    UnitPrice,
)
from orderwright.errors import AmountRefused, BrokenPromise, IllegalTransition, QuantityRefused
from orderwright.orders.lines import KitPart
from orderwright.orders.modifiers import Modifier
from tests.kitchens import TAB, Kitchen
from tests.worlds import HOUR, NOON, World, card, eur, line

DOLLARS = Money.of("1.00", "USD")
FOREIGN = Tender(method="card", amount=DOLLARS)


def fault_of(call: Callable[[], object]) -> str:
    """The path of the one fault of what `call` raises."""
    with pytest.raises(InvalidInput) as caught:
        call()
    (fault,) = caught.value.faults
    return fault.path


def placed(*lines: Any, **more: Any) -> tuple[World, Order]:  # noqa: ANN401
    """An order of three mugs, paid by card, if nothing else is told."""
    world = World()
    order = world.desk.place(
        lines or [line(quantity=3)], order_id="o1", **{"tenders": [card()], **more}
    )
    return world, order


@pytest.mark.parametrize(
    ("path", "call"),
    [
        ("charge", lambda: AddCharge(charge="tip")),
        ("modifiers[0].uses", lambda: line(modifiers=[Modifier("rare", uses=(("", 1),))])),
        ("modifiers[0].uses[BEEF]", lambda: line(modifiers=[Modifier("x", uses=(("BEEF", 0),))])),
        ("references[0]", lambda: placed(references=["#1"])),
        ("contact", lambda: placed(contact="Ann")),
        (
            "tenders[1].amount",
            lambda: placed(tenders=[card(), Tender(method="card", amount=DOLLARS)]),
        ),
    ],
)
def test_the_place_of_a_fault(path: str, call: Callable[[], object]) -> None:
    """Whatever is wrong with an argument, the error names where in it."""
    assert path == fault_of(call)


def test_faults_of_an_edit() -> None:
    """Two new lines of one id, and an adjustment in another currency, are named by their change."""
    world, order = placed()
    twice = [AddLine(line=line(id="x")), AddLine(line=line(id="x"))]
    assert "changes[1].id" == fault_of(lambda: world.desk.edit("o1", twice))
    foreign = AddAdjustment(adjustment=Adjustment(name="sorry", amount=-DOLLARS))
    assert "changes[0].adjustment.amount" == fault_of(lambda: world.desk.edit("o1", [foreign]))
    assert order == world.desk.order("o1")


def test_too_many_to_cancel() -> None:
    """Four of three, or three of the two left: the limit, the order and what is allowed is told."""
    world, order = placed()
    with pytest.raises(QuantityRefused) as caught:
        world.desk.cancel("o1", units={"l1": 4}, reason="no")
    assert ("l1", 4, 3, "o1", order.allowed()) == (
        caught.value.line_id,
        caught.value.asked,
        caught.value.limit,
        caught.value.order_id,
        caught.value.allowed,
    )
    order = world.desk.cancel("o1", units={"l1": 1}, reason="one less")
    assert {"l1": 2} == order.cancellable()
    with pytest.raises(QuantityRefused) as caught:
        world.desk.cancel("o1", units={"l1": 3}, reason="no")
    assert (3, 2) == (caught.value.asked, caught.value.limit)


def test_more_is_inspected_than_came() -> None:
    """Two came back and one was looked at: one more can be, and the error says so."""
    world, _ = placed(policy=Policy(capture="on_confirmation"))
    world.desk.ship("o1", "f1")
    world.desk.deliver("o1", "f1")
    world.desk.receive_return("o1", {"l1": 2}, location="MAIN")
    world.desk.inspect_return("o1", "r1", restock={"l1": 1})
    with pytest.raises(QuantityRefused) as caught:
        world.desk.inspect_return("o1", "r1", restock={"l1": 2})
    assert (2, 1) == (caught.value.asked, caught.value.limit)
    # What was not credited can be sent back to the last unit.
    order = world.desk.inspect_return("o1", "r1", send_back={"l1": 1})
    assert [1] == [item.sent_back for item in order.return_("r1").items]


def test_what_is_no_tab() -> None:
    """An order that is none has no tab to close or to open again."""
    world, _ = placed()
    for action in ("close_tab", "reopen_tab"):
        with pytest.raises(IllegalTransition) as caught:
            getattr(world.desk, action)("o1")
        assert (action, "o1") == (caught.value.action, caught.value.order_id)


def test_what_is_paid_is_not_transferred() -> None:
    """A bill that is paid for stays where it is; how much could move is told with the tab."""
    world = Kitchen()
    for number in ("1", "2"):
        wine = line("WINE", requires=frozenset({"bar"}))
        world.desk.place([wine], order_id=f"t{number}", table=number, policy=TAB)
    world.desk.pay("t1", [card()])
    with pytest.raises(AmountRefused) as caught:
        world.desk.transfer("t1", "t2")
    assert (eur(10), eur(0), "t1") == (
        caught.value.asked,
        caught.value.limit,
        caught.value.order_id,
    )


def test_a_transfer_that_went_well_tells_no_reason() -> None:
    """Of a charge all is moved and no units; that the other tab took it needs no reason."""
    world = Kitchen()
    cover = Charge(kind="cover", amount=eur("2.00"))
    wine = line("WINE", requires=frozenset({"bar"}))
    for number in ("1", "2"):
        world.desk.place([wine], order_id=f"t{number}", table=number, policy=TAB, charges=[cover])
    world.desk.transfer("t1", "t2", units={"c1": 1})
    moved, settled = [
        event
        for event in world.desk.history("t1")
        if type(event).__name__ in ("DueTransferred", "TransferSettled")
    ]
    assert [("c1", 0)] == [(one.target, one.units) for one in moved.credits]
    assert "" == settled.reason


def test_a_history_that_cannot_be_names_itself() -> None:
    """Whoever cut or mixed a history is told that it is the history."""
    world, _ = placed()
    history = world.desk.history("o1")
    for wrong in (history[1:], (history[0], history[0])):
        with pytest.raises(BrokenPromise) as caught:
            Order.replay(wrong)
        assert "history" == caught.value.adapter
    with pytest.raises(BrokenPromise) as caught:
        Order.replay(history, Lifecycles(name="mine.v2"))
    assert "history" == caught.value.adapter


def test_what_nobody_said() -> None:
    """Without tenders there is no payment, and the first to come is the first batch."""
    world, order = placed(tenders=[], policy=Policy(require_cover=False))
    assert () == order.payments
    order = world.desk.pay("o1", [card()])
    assert [1] == [one.batch for one in order.payments]
    assert [NOON] == [one.since for one in order.fulfillments]
    draft = world.desk.draft([line()], order_id="o2")
    assert (None, ()) == (draft.expires_at, draft.returns)


@pytest.mark.parametrize(
    ("price", "first", "rest"), [("10.00", "10.00", 0), ("10.00", "12.00", 0), ("0.01", None, 1)]
)
def test_a_tender_of_what_is_left(price: str, first: str | None, rest: int) -> None:
    """A tender without an amount is for what the others leave: a cent, or nothing, never less."""
    tenders = [card()] if first is None else [card(first), card()]
    _, order = placed(line(price=price), tenders=tenders)
    assert rest == order.payments[-1].amount.minor


def test_defaults_of_taxes_and_parts() -> None:
    """A tax comes on top and not on others, a component is one and weighs one, if not told."""
    tax = TaxLine(name="VAT", percent="19")
    assert (False, False, None) == (tax.included, tax.compound, tax.amount)
    part = KitPart("CUP")
    assert (1, 1, "", (), 0) == (part.quantity, part.weight, part.name, part.parts, part.course)
    assert 1 == UnitPrice.of("1", "EUR").per


def test_a_return_without_fees_owes_nothing_more() -> None:
    """Approving a return for which nothing is charged leaves no exchange to be served."""
    world, _ = placed(policy=Policy(capture="on_confirmation"))
    world.desk.ship("o1", "f1")
    world.desk.deliver("o1", "f1", at=NOON + HOUR)
    world.desk.request_return("o1", {"l1": 1}, reason="too blue")
    order = world.desk.advance_return("o1", "r1", "approve")
    assert () == order.exchanges
