"""Every command leaves in the history who did it, when, why and under which key."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from orderwright import (
    Charge,
    Contact,
    DraftLine,
    InvalidInput,
    Location,
    Order,
    OrderDesk,
    Policy,
    Tender,
    UnitPrice,
)
from orderwright.errors import AmountRefused, OnHold
from tests.worlds import HOUR, MINUTE, NOON, PARCELS, World, card, commands_of, eur, line

LATER = NOON + 3 * MINUTE
EARLIER = NOON - HOUR
BY_HAND = Policy(capture="by_hand", refund="by_hand", confirm="by_hand")


def placed(world: World) -> None:
    """An order that is confirmed, authorized and reserved."""
    world.desk.place([line("MUG", 2)], order_id="o1", tenders=[card()], contact=Contact(name="A"))


def paid(world: World) -> None:
    """The same, and the money is taken."""
    placed(world)
    world.desk.capture("o1")


def unpaid(world: World) -> None:
    """An order nobody has paid."""
    world.desk.place([line("MUG", 2)], order_id="o1")


def waiting(world: World) -> None:
    """An order that waits for a person."""
    world.desk.place([line()], order_id="o1", tenders=[card()], policy=BY_HAND)


def drafted(world: World) -> None:
    """A draft."""
    world.desk.draft([line()], order_id="o1")


def held(world: World) -> None:
    """An order on hold."""
    placed(world)
    world.desk.hold("o1", "fraud", blocks={"refund"})


def picking(world: World) -> None:
    """An order that is being picked."""
    placed(world)
    for action in ("release", "pick"):
        world.desk.advance("o1", "f1", action)


def pair(world: World) -> None:
    """An order of two units."""
    world.desk.place([line("MUG", 2)], order_id="o1", tenders=[card()])


def parted(world: World) -> None:
    """The same, in two parts."""
    pair(world)
    world.desk.split("o1", "f1", {"l1": 1})


def elsewhere(world: World) -> None:
    """An order that another place could serve too."""
    placed(world)
    world.receive("delivery-store", "MUG", "STORE", 5)


def asked(world: World) -> None:
    """The same, and somebody asked to stop."""
    picking(world)
    world.desk.request_stop("o1", "f1")


def owed(world: World) -> None:
    """More is kept than is due."""
    world.desk.place([line()], order_id="o1", tenders=[card()], policy=OWING)
    world.desk.credit("o1", eur(5), reason="x")


OWING = Policy(capture="on_confirmation", refund="by_hand")


def delivered(world: World) -> None:
    """Everything has arrived."""
    placed(world)
    world.desk.ship("o1", "f1")
    world.desk.deliver("o1", "f1")


def returning(world: World) -> None:
    """Something is announced to come back."""
    delivered(world)
    world.desk.request_return("o1", {"l1": 1}, reason="x")


def returned(world: World) -> None:
    """Something has come back."""
    returning(world)
    world.desk.receive_return("o1", {"l1": 1}, location="MAIN", return_id="r1")


def labelled(world: World) -> None:
    """A label is bought."""
    placed(world)
    world.desk.book_label("o1", "f1", **EXPRESS)


EXPRESS = {"service": "express", "parcels": PARCELS}


def contradicted(world: World) -> None:
    """An exception is open."""
    placed(world)
    world.desk.report_chargeback("o1", "p1", eur(1))


def backordered(world: World) -> None:
    """Units that wait have come in."""
    world.desk.place([line("CUP", 2)], order_id="o1", policy=Policy(short="backorder"))
    world.receive("cups", "CUP", "MAIN", 5)


def tab(world: World) -> None:
    """Guests sit at a table; their dishes are queued."""
    dish = DraftLine(sku="MUG", quantity=1, unit_price=UnitPrice.of("10", "EUR"), course=1)
    world.desk = world.new_desk(locations=[Location(id="MAIN", makes="ticket")])
    world.desk.place([dish], order_id="o1", table="4", policy=Policy(tab=True))


def tabs(world: World) -> None:
    """The same, and another table."""
    tab(world)
    world.desk.place([line()], order_id="o2", table="5", policy=Policy(tab=True))


def closed(world: World) -> None:
    """They asked for the bill."""
    tab(world)
    world.desk.close_tab("o1")


def parked(world: World) -> None:
    """A call is unfinished."""
    world.moods = ["request_lost"]
    placed(world)


RETRIED = {"intent_id": "o1/p1/authorize-1"}
UNIT = {"units": {"l1": 1}}
READY: dict[str, tuple[Callable[[World], None] | None, dict[str, Any]]] = {
    "place": (None, {"lines": [line()]}),
    "draft": (None, {"lines": [line()]}),
    "place_draft": (drafted, {}),
    "discard_draft": (drafted, {}),
    "pay": (unpaid, {"tenders": [card()]}),
    "capture": (placed, {}),
    "refund": (owed, {}),
    "record_payment": (unpaid, {"amount": eur(5), "method": "cash"}),
    "record_refund": (paid, {"amount": eur(5), "payment_id": "p1"}),
    "report_chargeback": (paid, {"payment_id": "p1", "amount": eur(5)}),
    "report_chargeback_reversal": (contradicted, {"payment_id": "p1", "amount": eur(1)}),
    "confirm": (waiting, {}),
    "reject": (waiting, {}),
    "expire": (waiting, {}),
    "note": (placed, {"message": "hello"}),
    "tag": (placed, {"add": ["vip"]}),
    "hold": (placed, {"name": "fraud", "blocks": {"capture"}}),
    "release_hold": (held, {"name": "fraud"}),
    "edit": (placed, {"service": "pickup"}),
    "credit": (placed, {"amount": eur(1)}),
    "cancel": (placed, {}),
    "report_cancellation": (placed, {}),
    "forget": (placed, {}),
    "request_stop": (picking, {"fulfillment_id": "f1"}),
    "stop": (asked, {"fulfillment_id": "f1"}),
    "refuse_stop": (asked, {"fulfillment_id": "f1"}),
    "split": (pair, {"fulfillment_id": "f1", **UNIT}),
    "merge": (parted, {"fulfillment_ids": ["f1", "f2"]}),
    "move": (elsewhere, {"fulfillment_id": "f1", "location": "STORE"}),
    "short_pick": (picking, {"fulfillment_id": "f1", **UNIT}),
    "advance": (placed, {"fulfillment_id": "f1", "action": "release"}),
    "advance_order": (delivered, {"action": "complete"}),
    "ship": (placed, {"fulfillment_id": "f1"}),
    "deliver": (placed, {"fulfillment_id": "f1"}),
    "request_return": (delivered, UNIT),
    "advance_return": (returning, {"return_id": "r1", "action": "approve"}),
    "receive_return": (returning, {**UNIT, "location": "MAIN"}),
    "inspect_return": (returned, {"return_id": "r1", "restock": {"l1": 1}}),
    "claim": (delivered, {**UNIT, "fault": "lost", "remedy": "refund"}),
    "resolve": (contradicted, {"code": "charged_back", "resolution": "seen"}),
    "add_round": (tab, {"lines": [line()]}),
    "fire": (tab, {"course": 1}),
    "move_tab": (tab, {"table": "5"}),
    "close_tab": (tab, {}),
    "reopen_tab": (closed, {}),
    "transfer": (tabs, {"to": "o2"}),
    "promise": (placed, {"promised_at": LATER + HOUR}),
    "scan": (placed, {"fulfillment_id": "f1", "status": "in_transit"}),
    "book_label": (placed, {"fulfillment_id": "f1", **EXPRESS}),
    "cancel_label": (labelled, {"fulfillment_id": "f1"}),
    "allocate": (backordered, {}),
    "retry": (parked, RETRIED),
}
READS = {
    "post_stock",
    "fill",
    "promised",
    "count_stock",
    "sell_out",
    "order",
    "history",
    "as_of",
    "contact",
    "find",
    "resume",
    "notify_payment",
    "rates",
    "track",
}
"""What nobody does to an order by name: reads, the background job, what others report."""

WHO = {"at": LATER, "occurred_at": EARLIER, "by": "ann", "reason": "why not", "key": "k1"}


def test_every_command_is_among_them() -> None:
    """The table is complete, so that a new command cannot be forgotten here."""
    assert set(commands_of(OrderDesk)) == set(READY) | READS


@pytest.mark.parametrize("name", sorted(READY))
def test_who_when_and_why_reach_the_history(name: str) -> None:
    """One event of each command says all that the command was told."""
    prepare, content = READY[name]
    world = World(policy=Policy(capture="by_hand"))
    if prepare is not None:
        prepare(world)
    known = world.orders.load("o1")
    version = known.version if known else 0
    takes = inspect.signature(getattr(world.desk, name)).parameters
    told = {one: value for one, value in WHO.items() if one in takes}
    world.now = LATER
    order = getattr(world.desk, name)(order_id="o1", **content, **told)
    new = world.orders.events("o1", after=version)
    assert isinstance(order, Order)
    assert any(all(getattr(event, one) == told[one] for one in told) for event in new), new
    if name not in ("retry", "allocate"):  # what resume does by itself is nobody's
        assert {"at", "by"} <= set(told)


@pytest.mark.parametrize("name", sorted(READY))
def test_the_same_key_twice_changes_nothing(name: str) -> None:
    """Each command that takes a key is harmless when it is sent again, minutes later."""
    prepare, content = READY[name]
    world = World(policy=Policy(capture="by_hand"))
    if prepare is not None:
        prepare(world)
    takes = inspect.signature(getattr(world.desk, name)).parameters
    told = {one: WHO[one] for one in ("key", "reason") if one in takes}
    order = getattr(world.desk, name)(order_id="o1", **content, **told)
    before = world.trace()
    if "key" not in takes and name not in ("place", "allocate"):
        assert name == "retry"
        return
    world.now = LATER
    assert order == getattr(world.desk, name)(order_id="o1", **content, **told)
    assert before == world.trace()


# Store credit ------------------------------------------------------------------------------


def test_what_is_owed_is_paid_out_as_store_credit() -> None:
    """The provider of the store credit pays it out, once, and the card is left alone."""
    world = World()
    owed(world)
    credit = Tender(method="store_credit", instrument="account-7")
    order = world.desk.refund("o1", to=credit, reason="as you like", key="k1")
    assert order == world.desk.refund("o1", to=credit, reason="as you like", key="k1")
    paid_out = order.payments[1]
    assert ("store_credit", eur(5)) == (paid_out.method, paid_out.refunded)
    assert (eur(0), eur(5), "paid") == (order.payments[0].refunded, order.due, order.money)
    booked = world.payments.books[-1]
    assert ("o1/p2/refund-1", "refund", eur(5)) == (booked.operation_id, booked.kind, booked.amount)


def test_store_credit_never_exceeds_what_is_owed() -> None:
    """Half of it goes to the account and half to the card; there is nothing left for a third."""
    world = World()
    owed(world)
    world.desk.refund("o1", amount=eur(2), to=Tender(method="store_credit"))
    order = world.desk.refund("o1")
    assert (eur(3), eur(2)) == tuple(one.refunded for one in order.payments)
    before = world.trace()
    for wrong in ({}, {"to": Tender(method="store_credit")}, {"amount": eur(1)}):
        with pytest.raises(AmountRefused):
            world.desk.refund("o1", **wrong)
    with pytest.raises(InvalidInput):
        world.desk.refund("o1", payment_id="p1", to=Tender(method="store_credit"))
    assert before == world.trace()


def test_a_hold_stops_store_credit_and_a_refusal_is_told() -> None:
    """It is a refund like any other: held back, declined, and asked for again."""
    world = World()
    owed(world)
    world.desk.hold("o1", "fraud", blocks={"refund"})
    with pytest.raises(OnHold):
        world.desk.refund("o1", to=Tender(method="store_credit"))
    world.desk.release_hold("o1", "fraud")
    world.moods = ["decline"]
    order = world.desk.refund("o1", to=Tender(method="store_credit"))
    assert (["refund_refused"], eur(5)) == ([one.code for one in order.exceptions], order.payout)
    assert eur(0) == world.desk.refund("o1", to=Tender(method="store_credit")).payout


@pytest.mark.parametrize("kind", [Charge, dict])
def test_a_tender_to_pay_out_to_is_a_tender(kind: type) -> None:
    """Anything else is a mistake of the caller's."""
    world = World()
    owed(world)
    with pytest.raises(InvalidInput):
        world.desk.refund("o1", to=kind(kind="x", amount=eur(1)))
