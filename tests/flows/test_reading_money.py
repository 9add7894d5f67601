"""What somebody found who read the flows of money, and tried what is said of them."""

import pytest

from orderwright import AddCharge, Charge, Order, Policy, Tender
from orderwright.errors import IllegalTransition
from orderwright.orders import editing
from orderwright.payments.operations import PaymentOutcome
from tests.worlds import HOUR, MINUTE, World, card, check_laws, check_quiet, eur, line


def shop(*stock: tuple[str, str, int], **policy: object) -> World:
    """A shop with that stock, or five mugs, and that policy."""
    return World(*(stock or (("MUG", "MAIN", 5),)), policy=Policy(**policy))


def mugs(world: World, units: int = 2, *tenders: Tender) -> Order:
    """An order of so many mugs, by card if nothing else is said."""
    return world.desk.place([line("MUG", units)], order_id="o1", tenders=tenders or [card()])


def delivered(world: World, units: int = 2) -> None:
    """The same, and the customer has them."""
    mugs(world, units)
    world.desk.ship("o1", "f1")
    world.desk.deliver("o1", "f1")


def codes(order: Order) -> list[str]:
    """The exceptions that are open."""
    return [one.code for one in order.exceptions]


def test_a_charge_takes_no_more_than_is_due() -> None:
    """What is offered beyond it is not taken, nor what cash has covered meanwhile."""
    world = shop(capture="on_placement")
    mugs(world, 2, card("30.00"))
    world.calm()
    assert eur(20) == world.desk.order("o1").captured
    check_quiet(world)
    world = shop(capture="on_placement", lead_time=HOUR)
    later = world.now + 5 * HOUR
    world.desk.place([line("MUG", 2)], order_id="o1", tenders=[card()], scheduled_for=later)
    world.desk.record_payment("o1", eur(20), method="cash")
    world.calm()
    assert eur(20) == world.desk.order("o1").captured
    check_quiet(world)


def test_a_return_that_comes_in_two_places_is_booked_where_it_came() -> None:
    """Each unit leaves quarantine where it is, and what it cost is paid back."""
    world = shop(capture="on_confirmation")
    delivered(world)
    world.desk.request_return("o1", {"l1": 2}, reason="x")
    for place in ("MAIN", "STORE"):
        world.desk.receive_return("o1", {"l1": 1}, location=place)
    order = world.desk.inspect_return("o1", "r1", restock={"l1": 2})
    there = {one.location: one.available for one in world.inventory.supply(["MUG"], now=world.now)}
    assert ([], eur(20), {"MAIN": 4, "STORE": 1}) == (codes(order), order.refunded, there)
    check_quiet(world)


def test_a_return_is_closed_once_all_that_came_is_inspected() -> None:
    """Else it would lie in quarantine, and the customer would wait for the money, for good."""
    world = shop(capture="on_confirmation")
    delivered(world)
    world.desk.request_return("o1", {"l1": 2}, reason="x")
    world.desk.receive_return("o1", {"l1": 1}, location="MAIN")
    with pytest.raises(IllegalTransition, match="not inspected"):
        world.desk.advance_return("o1", "r1", "close")
    assert eur(10) == world.desk.inspect_return("o1", "r1", restock={"l1": 1}).refunded
    assert not world.desk.advance_return("o1", "r1", "close").returns[0].open
    check_quiet(world)


@pytest.mark.parametrize("capture", ["on_placement", "on_confirmation"])
def test_what_nothing_is_due_for_goes_back_also_before_the_order_is_confirmed(capture: str) -> None:
    """Neither money nor an authorization is kept for what was cancelled elsewhere."""
    world = shop(capture=capture, confirm="by_hand")
    mugs(world)
    world.desk.ship("o1", "f1")
    world.desk.report_cancellation("o1", reason="marketplace")
    for code in ("shipped_unconfirmed", "cancelled_after_hand_over"):
        world.desk.resolve("o1", code, resolution="pay back")
    world.calm()
    order = world.desk.order("o1")
    assert (eur(0), eur(0)) == (order.payout, order.authorized)
    check_quiet(world)


def test_a_part_that_is_cancelled_before_the_order_is_confirmed_is_paid_back() -> None:
    """It was charged when it was placed."""
    world = shop(capture="on_placement", confirm="by_hand")
    mugs(world)
    assert eur(10) == world.desk.cancel("o1", units={"l1": 1}, reason="x").refunded
    check_quiet(world)


def test_the_sister_of_a_declined_tender_is_not_captured() -> None:
    """Also where the provider would not void it: what was offered instead is all that is taken."""
    world = shop(capture="on_confirmation")
    world.moods_by_id.update({"o1/p2/authorize-1": "decline", "o1/p1/void-1": "decline"})
    mugs(world, 2, Tender(method="gift_card", amount=eur(5)), card())
    order = world.desk.pay("o1", [card()])
    assert [eur(0), eur(0), eur(20)] == [one.captured for one in order.payments]


def test_the_rest_is_captured_after_a_chargeback_was_made_good() -> None:
    """What cash has replaced does not stand in the way of what is still authorized."""
    world = shop(("MUG", "MAIN", 1), ("CUP", "STORE", 1), capture="on_dispatch")
    world.desk.place([line("MUG"), line("CUP")], order_id="o1", tenders=[card()])
    world.desk.ship("o1", "f1")
    world.desk.report_chargeback("o1", "p1", eur(10))
    world.desk.resolve("o1", "charged_back", resolution="pays cash")
    world.desk.record_payment("o1", eur(10), method="cash")
    world.desk.ship("o1", "f2")
    world.calm()
    assert "paid" == world.desk.order("o1").money
    check_quiet(world)


def parked_refund() -> World:
    """Three euros are on their way back, nobody knows; and nine more are to be paid."""
    world = shop(capture="on_confirmation", attempts=1)
    world.moods_by_id["o1/p1/refund-1"] = "request_lost"
    mugs(world)
    world.desk.credit("o1", eur(3), reason="x")
    world.wait(2 * MINUTE)
    world.desk.resume()
    tip = AddCharge(charge=Charge(kind="tip", amount=eur(9)))
    world.desk.edit("o1", [tip], tenders=[card()])
    return world


def test_a_refund_under_way_keeps_no_new_tender_waiting() -> None:
    """It is asked for at once, and what is on its way back counts as gone."""
    world = parked_refund()
    assert world.desk.order("o1").payments[1].operations
    world.desk.retry("o1", "o1/p1/refund-1")
    world.calm()
    assert eur(0) == world.desk.order("o1").balance
    check_quiet(world)


@pytest.mark.parametrize("how", ["returned to sender", "lost"])
def test_what_was_made_good_and_arrives_is_told(how: str) -> None:
    """A person has to look: the customer has goods, and the money too."""
    world = shop(capture="on_confirmation")
    mugs(world)
    world.desk.ship("o1", "f1")
    if how == "lost":
        world.desk.advance("o1", "f1", "lose")
        world.desk.claim("o1", {"l1": 2}, fault="lost", remedy="refund")
        world.desk.resolve("o1", "shipment_lost", resolution="refunded")
    else:
        world.desk.advance("o1", "f1", "return_to_sender")
        world.desk.receive_return("o1", {"l1": 2}, location="MAIN")
        world.desk.inspect_return("o1", "r1", restock={"l1": 2})
        world.desk.resolve("o1", "returned_to_sender", resolution="refunded")
        world.desk.ship("o1", "f1")
    assert ["shipped_after_cancellation"] == codes(world.desk.deliver("o1", "f1"))


def test_two_returns_in_one_parcel_are_both_taken_in() -> None:
    """What one of them does not wait for, the other does; said again it is the same."""
    world = shop(capture="on_confirmation")
    delivered(world, 3)
    for units in (2, 1):
        world.desk.request_return("o1", {"l1": units}, reason="x")
    order = world.desk.receive_return("o1", {"l1": 3}, location="MAIN", key="k")
    assert ([], 3) == (codes(order), order.quantities()["l1"].returned)
    assert order == world.desk.receive_return("o1", {"l1": 3}, location="MAIN", key="k")
    check_quiet(world)


def test_a_no_that_turns_out_to_be_a_yes_is_told() -> None:
    """It was tried again meanwhile: the customer has the money twice."""
    world = shop(capture="on_confirmation")
    world.moods_by_id["o1/p1/refund-1"] = "decline"
    mugs(world)
    world.desk.credit("o1", eur(3), reason="x")
    world.desk.resolve("o1", "refund_refused", resolution="again")
    yes = PaymentOutcome(outcome="succeeded", amount=eur(3), reference="pay_o1_p1")
    order = world.desk.notify_payment("o1/p1/refund-1", outcome=yes, sequence=5)
    assert ["payment_contradiction"] == codes(order)
    world = shop(capture="on_placement")
    world.moods_by_id["o1/p1/charge-1"] = "decline"
    mugs(world)
    world.desk.pay("o1", [card()])
    taken = PaymentOutcome(outcome="succeeded", amount=eur(20), reference="pay_o1_p1")
    order = world.desk.notify_payment("o1/p1/charge-1", outcome=taken, sequence=5)
    assert (eur(20), ["payment_contradiction"]) == (order.payout, codes(order))


def test_what_was_cancelled_elsewhere_is_not_exchanged() -> None:
    """The goods come back, and nothing goes out for them."""
    world = shop(("MUG", "MAIN", 5), ("CUP", "MAIN", 5), capture="on_confirmation")
    delivered(world)
    exchange = [line("CUP", 1, "30.00")]
    world.desk.request_return("o1", {"l1": 2}, reason="x", exchange=exchange)
    world.desk.report_cancellation("o1", reason="court")
    world.desk.resolve("o1", "cancelled_after_hand_over", resolution="pay back")
    world.desk.receive_return("o1", {"l1": 2}, location="MAIN")
    order = world.desk.inspect_return("o1", "r1", restock={"l1": 2})
    assert (eur(0), ["f1"]) == (order.due, [one.id for one in order.fulfillments])
    check_laws(world)


def test_goods_are_taken_in_however_many_lines_their_exchange_makes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each was looked at when it was announced: what has arrived is not refused."""
    monkeypatch.setattr(editing, "MAX_LINES", 3)
    world = shop(
        ("MUG", "MAIN", 5),
        ("CUP", "MAIN", 9),
        capture="on_confirmation",
        credit_returns="on_receipt",
    )
    delivered(world)
    for _ in range(2):
        exchange = [line("CUP"), line("CUP")]
        world.desk.request_return("o1", {"l1": 1}, reason="x", exchange=exchange)
    for name in ("r1", "r2"):
        world.desk.receive_return("o1", {"l1": 1}, location="MAIN", return_id=name)
    assert 5 == len(world.desk.order("o1").lines)
    check_laws(world)


@pytest.mark.parametrize("how", ["done", "refused first"])
def test_what_was_paid_too_much_and_given_back_was_for_no_credit(how: str) -> None:
    """A credit after it is paid back as well, and nothing twice."""
    world = shop(capture="on_confirmation")
    mugs(world)
    world.desk.record_payment("o1", eur(5), method="cash")
    if how == "refused first":
        world.moods_by_id["o1/p1/refund-1"] = "decline"
    world.desk.refund("o1")
    if how == "refused first":
        world.desk.resolve("o1", "refund_refused", resolution="again")
    order = world.desk.credit("o1", eur(3), reason="scratch")
    world.calm()
    order = world.desk.order("o1")
    assert (eur(0), eur(8)) == (order.payout, order.refunded)
    check_quiet(world)
