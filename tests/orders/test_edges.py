"""Small print: where exactly a rule begins, what a fault is called, what ids are made of."""

import json
from collections.abc import Callable
from decimal import Decimal

import pytest
from attrs import evolve

from orderwright import (
    AddLine,
    Adjustment,
    ChangeLine,
    Charge,
    InvalidInput,
    Location,
    Money,
    OrderDesk,
    PaymentOutcome,
    Policy,
    UnitPrice,
)
from orderwright.adapters.memory import MemoryInventory, MemoryOrders, MemoryPayments
from orderwright.codec import Codec
from orderwright.errors import IllegalTransition, NotFound
from orderwright.fulfillment.shipping import LabelOutcome
from orderwright.inventory.guard import StockPolicy
from orderwright.inventory.postings import Posting
from orderwright.lifecycles import ORDER, PAYMENT_OPERATION, Lifecycle, Lifecycles, Phase, State
from orderwright.money import MAX_MINOR, round_ratio
from orderwright.orders.events import Intended, PaymentReported
from orderwright.orders.intents import Intent, Purpose
from orderwright.orders.labelling import cancel_label, report_label
from orderwright.orders.menu import Menu
from orderwright.orders.paying import report_payment
from orderwright.orders.placement import MAX_LINES
from orderwright.ports import PaymentCapabilities
from tests.kitchens import MENU, TAB, Kitchen
from tests.simulation.pairs import AT_ONCE, HOME
from tests.worlds import (
    HOUR,
    MINUTE,
    NOON,
    PARCELS,
    Crashed,
    World,
    card,
    eur,
    flow_of,
    line,
    run_until,
)

FAULTS: dict[str, Callable[[], object]] = {
    "percent": lambda: Adjustment(name="x", percent=Decimal(1001)),
    "changes": lambda: placed().desk.edit("o1", [AddLine(line=line("CUP"))] * MAX_LINES),
    "weights": lambda: eur(5).split(5),
    "most": lambda: eur(5).split([1], 5),
    "per": lambda: UnitPrice.of("1", "EUR", per=10**100 + 1),
    "factor": lambda: UnitPrice.of("1", "EUR") * (MAX_MINOR + 1),
    "entries": lambda: Posting(id="p", at=NOON, entries=()),
    "id": lambda: Posting(id="", at=NOON, entries=(), reason="x"),
    "order_id": lambda: Posting(id="p", at=NOON, entries=(), reason="x", order_id=5),
    "reservations": lambda: Posting.reserve("p", 5, at=NOON),
    "rounding": lambda: round_ratio(1, 2, "up"),
    "backorder_limit": lambda: StockPolicy(backorder_limit=-1),
}

PURPOSES: tuple[Purpose, ...] = (
    *("reserve", "firm", "commit", "release", "hand_over", "take_back", "write_off", "claim"),
    *("consume", "spoil", "authorize", "capture", "void", "refund", "charge", "transfer"),
    *("book_label", "cancel_label"),
)
CODEC = Codec()
PORTS = {"orders": MemoryOrders(), "inventory": MemoryInventory(), "payments": MemoryPayments()}


def placed(policy: Policy = AT_ONCE, *, units: int = 2) -> World:
    """An order of two mugs at ten euros that is paid."""
    world = World(("MUG", "MAIN", 9), policy=policy)
    world.desk.place([line("MUG", units)], order_id="o1", tenders=[card()])
    return world


@pytest.mark.parametrize("path", FAULTS)
def test_a_fault_is_called_what_the_caller_called_it(path: str) -> None:
    """Its path is the parameter's name."""
    with pytest.raises(InvalidInput) as caught:
        FAULTS[path]()
    assert path == caught.value.faults[0].path


def test_the_last_value_that_is_taken_is_taken() -> None:
    """Bounds are part of what they bound."""
    assert MAX_MINOR == (UnitPrice.of("1", "EUR") * MAX_MINOR).amount
    assert 0 == StockPolicy(backorder_limit=0).backorder_limit
    assert Decimal(1000) == Adjustment(name="x", percent=1000).percent


def test_what_is_split_by_may_be_read_only_once() -> None:
    """Weights and bounds from a generator share as a list of them does."""
    parts = eur(5).split(iter([1, 3]), iter([400, 100]))
    assert (eur(4), eur(1)) == parts == eur(5).split([1, 3], [400, 100])
    assert (eur("-4"), eur("-1")) == Money(-500, "EUR").split([1, 3], [400, 100])
    assert (Money(-1, "EUR"),) == Money(-1, "EUR").split([1])
    with pytest.raises(InvalidInput):
        eur(5).split([1, 3], [300, 100])


def test_ids_of_postings_tell_the_order_the_purpose_and_the_version() -> None:
    """So they are the same whoever makes them, and never made twice."""
    world = placed()
    world.desk.ship("o1", "f1")
    assert ["delivery-0", "o1/reserve-2", "o1/commit-11"] == [
        one.id for one in world.inventory.postings()
    ]
    kitchen = Kitchen(1)
    kitchen.desk.place([MENU["BURGER"].line()], order_id="o1", table="1", policy=TAB)
    kitchen.desk.fire("o1", 2)
    ids = [one.id for one in kitchen.inventory.postings()]
    assert ["o1/reserve-2", "o1/firm-5", "o1/consume-9"] == ids[-3:]


def test_what_is_placed_stands_in_for_nothing_and_waits_since_then() -> None:
    """A line replaces another only if somebody says so."""
    order = placed().desk.order("o1")
    assert [""] == [one.replaces for one in order.lines]
    assert [NOON] == [one.since for one in order.fulfillments]


def test_credits_are_paid_back_and_what_was_paid_too_much_is_not() -> None:
    """Ten euros too many stay until a person pays them back; each credit is paid back once."""
    world = placed()
    world.desk.record_payment("o1", eur(10), method="transfer", key="more")
    for key in ("one", "two"):
        world.desk.credit("o1", eur(5), reason="scratch", key=key)
    refunds = [one.amount for one in world.payments.books if one.kind == "refund"]
    assert [eur(5), eur(5)] == refunds
    assert eur(10) == world.desk.order("o1").payout


def test_an_outcome_is_due_only_while_it_is_under_way() -> None:
    """What succeeded waits for nothing; what is pending is looked into again."""
    reported = [one for one in told(placed()) if isinstance(one, PaymentReported)]
    assert [None] * len(reported) == [one.due_at for one in reported]
    world = World(policy=AT_ONCE, moods=["pending"])
    world.desk.place([line()], order_id="o1", tenders=[card()])
    (pending,) = (one for one in told(world) if isinstance(one, PaymentReported))
    assert NOON + AT_ONCE.patience == pending.due_at


def told(world: World) -> tuple[object, ...]:
    """The history of the order."""
    return world.orders.events("o1")


ON_DISPATCH = Policy(capture="on_dispatch", short="backorder", unpaid_ttl=None)


def test_what_can_be_captured_once_lapses_with_its_capture() -> None:
    """Whether the authorization says so, or the provider does by the time of the capture."""
    world = World(("MUG", "MAIN", 9), policy=ON_DISPATCH, moods=["pending"])
    world.desk.place([line("MUG", 2)], order_id="o1", tenders=[card()])
    outcome = PaymentOutcome(
        outcome="succeeded", amount=eur(20), reference="pay_o1_p1", captured_once=True
    )
    world.payments.finish("o1/p1/authorize-1", "succeeded")
    world.desk.notify_payment("o1/p1/authorize-1", outcome=outcome, sequence=1)
    assert [eur(10)] == lapsed_of(world)

    later = World(("MUG", "MAIN", 9), policy=ON_DISPATCH)
    later.desk.place([line("MUG", 2)], order_id="o1", tenders=[card()])
    books = later.payments
    once = PaymentCapabilities(
        several_captures=False, partial_void=True, key_retention=books.capabilities.key_retention
    )
    books.capabilities = once
    later.desk = later.new_desk()
    assert [eur(10)] == lapsed_of(later)

    as_ever = World(("MUG", "MAIN", 9), policy=ON_DISPATCH)
    as_ever.desk.place([line("MUG", 2)], order_id="o1", tenders=[card()])
    assert [] == lapsed_of(as_ever)


def lapsed_of(world: World) -> list[Money]:
    """What lapses when one of two mugs leaves."""
    world.desk.split("o1", "f1", {"l1": 1})
    order = world.desk.ship("o1", "f1")
    return [one.amount for one in order.payment("p1").operations if one.kind == "lapse"]


@pytest.mark.parametrize(("rule", "back"), [("keep", eur(20)), ("share", eur("24.90"))])
def test_shipping_comes_back_only_where_the_policy_says_so(rule: str, back: Money) -> None:
    """All goods are returned; the charge for bringing them is credited, or kept."""
    policy = Policy(
        capture="on_confirmation", return_charges=rule, unpaid_ttl=None, credit_returns="on_receipt"
    )
    world = World(("MUG", "MAIN", 9), policy=policy)
    charges = [Charge(kind="shipping", amount=eur("4.90"))]
    world.desk.place([line("MUG", 2)], order_id="o1", tenders=[card()], charges=charges)
    world.desk.ship("o1", "f1")
    world.desk.request_return("o1", {"l1": 2}, reason="torn")
    world.desk.receive_return("o1", {"l1": 2}, location="MAIN")
    order = world.desk.order("o1")
    assert back == order.credited


# What others said of the same, and what is over ------------------------------------------------


def test_who_has_paid_has_nothing_left_to_do() -> None:
    """A next step of a payment that went through is not handed on."""
    world = World(policy=AT_ONCE, moods=["pending"])
    world.desk.place([line()], order_id="o1", tenders=[card()])
    (operation,) = world.desk.order("o1").payments[0].operations
    done = PaymentOutcome(
        outcome="succeeded", amount=operation.amount, next_action="open the bank's page"
    )
    order = world.desk.order("o1")
    reported, *_ = report_payment(order, operation.id, done, at=NOON)
    assert isinstance(reported, PaymentReported)
    assert "" == reported.next_action


def test_an_edit_of_something_else_leaves_an_order_scheduled() -> None:
    """It still waits for its time."""
    world = World(policy=evolve(AT_ONCE, lead_time=HOUR))
    world.desk.place([line()], order_id="o1", tenders=[card()], scheduled_for=NOON + 9 * HOUR)
    order = world.desk.edit("o1", [ChangeLine(line_id="l1", quantity=2)])
    assert ["scheduled"] == [one.name for one in order.holds]


@pytest.mark.parametrize("how", ["report", "cancel"])
def test_what_went_back_to_its_tab_keeps_no_order_open(how: str) -> None:
    """A tab that gave everything back that came from another is over with the last of its own."""
    kitchen = Kitchen()
    for name, table in (("o1", "1"), ("o2", "2")):
        kitchen.desk.place([MENU["BURGER"].line()], order_id=name, table=table, policy=TAB)
    kitchen.desk.transfer("o1", "o2", units={"l1": 1}, key="there")
    (came,) = (one for one in kitchen.desk.order("o2").charges if one.origin)
    kitchen.desk.transfer("o2", "o1", units={came.id: 1}, key="back")
    if how == "report":
        order = kitchen.desk.report_cancellation("o2", reason="they left")
    else:
        order = kitchen.desk.cancel("o2", units={"l1": 1}, reason="they left")
    assert "cancelled" == order.state.name
    assert () == order.exceptions


def test_a_booking_alone_is_for_something_that_is_not_ordered_here() -> None:
    """A slot without a dish stays booked."""
    kitchen = Kitchen(policy=Policy(require_cover=False, short="reject"))
    kitchen.receive("slots", "slot 19:00", "SLOTS", 3)
    order = kitchen.desk.place([line("slot 19:00", 1, "0")], order_id="o1", service="takeaway")
    assert [("booking", "booked")] == [(one.kind, one.state.name) for one in order.fulfillments]


# What is on its way, and how it reads back ------------------------------------------------------


def test_what_is_planned_waits_since_then_and_is_resumed_before_it_expires() -> None:
    """The process died before the stock was asked: that is due, and nothing else is."""
    world = World(("MUG", "MAIN", 1), policy=Policy(unpaid_ttl=MINUTE))
    with pytest.raises(Crashed):
        run_until(world, world.flow("place", [line()], order_id="o1"), 3, performed=False)
    order = world.desk.order("o1")
    assert [NOON] == [one.since for one in order.fulfillments]
    assert ["reserve"] == [one.purpose for one in order.intents]
    assert order.expires_at is not None
    assert ["resume"] == [one.action for one in order.due_items]
    world.calm()
    assert "expired" == world.desk.order("o1").state.name


@pytest.mark.parametrize("purpose", PURPOSES)
def test_what_a_call_is_for_reads_back(purpose: Purpose) -> None:
    """All twenty purposes are told apart in a stored history."""
    posting = Posting(id="p", at=NOON, entries=(), reason="x")
    intent = Intent(id="p", purpose=purpose, request=posting, since=NOON, due_at=NOON)
    event = Intended(intent=intent, at=NOON)
    assert event == CODEC.decode_event(json.loads(json.dumps(CODEC.encode_event(event))))


def test_an_order_may_be_on_its_way_as_a_whole() -> None:
    """A state of one's own may lie outside the walls: what left is still booked."""
    away = State("on_its_way", Phase.OUT)
    confirmed, completed = ORDER.states["confirmed"], ORDER.states["completed"]
    rows = {(confirmed, "dispatch"): away, (away, "complete"): completed}
    own = Lifecycles(name="away.v1", order=ORDER.extended("order by boat", rows))
    world = World(("MUG", "MAIN", 1), policy=AT_ONCE)
    desk = world.new_desk(lifecycles=own)
    desk.place([line()], order_id="o1", tenders=[card()])
    assert "on_its_way" == desk.advance_order("o1", "dispatch").state.name
    order = desk.ship("o1", "f1")
    assert ("on_its_way", "shipped", ()) == (order.state.name, order.goods, order.intents)
    assert ["o1/commit"] == [
        one.id.rpartition("-")[0] for one in world.inventory.postings() if "commit" in one.id
    ]


def test_an_operation_begins_where_its_lifecycle_says() -> None:
    """A lifecycle of one's own has another first state."""
    asked = State("asked", Phase.PLANNED)
    first = PAYMENT_OPERATION.initial
    table = {
        (asked if state == first else state, action): to
        for (state, action), to in PAYMENT_OPERATION.table.items()
    }
    own = Lifecycle("operations", asked, table, PAYMENT_OPERATION.terminal)
    world = World(("MUG", "MAIN", 1), policy=AT_ONCE)
    desk = world.new_desk(lifecycles=Lifecycles(name="own.v1", payment_operation=own))
    placing = flow_of(desk, "place", [line()], order_id="o1", tenders=[card()])
    with pytest.raises(Crashed):
        run_until(world, placing, 5, performed=False)
    assert [asked] == [one.state for one in desk.order("o1").payments[0].operations]


def test_a_label_without_a_number_is_given_back() -> None:
    """That its parcel has no number either says nothing: it is still here."""
    world = World(("MUG", "MAIN", 1), policy=AT_ONCE)
    world.desk.place([line()], order_id="o1", tenders=[card()], contact=HOME)
    booking = world.flow("book_label", "o1", "f1", service="standard", parcels=PARCELS)
    with pytest.raises(Crashed):
        run_until(world, booking, 3, performed=False)
    order = world.desk.order("o1")
    sold = LabelOutcome(outcome="succeeded", carrier="POST", reference="x", cost=eur(1))
    order = order.after(report_label(order, order.intents[0].id, sold, at=NOON))
    assert "" == order.labels[0].tracking
    order = order.after(cancel_label(order, "f1", at=NOON, reason=""))
    back = LabelOutcome(outcome="succeeded")
    order = order.after(report_label(order, order.intents[0].id, back, at=NOON))
    assert ((), ()) == (order.labels, order.exceptions)


# What is said of steps, and of what there is only once -----------------------------------------


def test_no_step_is_denied_and_offered_at_once() -> None:
    """What has to wait, or has a command of its own, is told so; what else is possible follows."""
    world = placed()
    for call in (
        lambda: world.desk.advance_order("o1", "complete"),
        lambda: world.desk.advance_order("o1", "cancel"),
        lambda: world.desk.advance("o1", "f1", "withdraw"),
    ):
        with pytest.raises(
            IllegalTransition, match="has to wait, or has a command of its"
        ) as caught:
            call()
        offered = str(caught.value).partition("possible now: ")[2].split(", ")
        assert caught.value.action not in offered
        assert offered


def test_a_hold_is_on_fulfillments_that_are_there() -> None:
    """One that stops nothing would be found out too late."""
    with pytest.raises(NotFound, match="f9"):
        placed().desk.hold("o1", "x", blocks=["fulfil"], fulfillments=["f9"])


@pytest.mark.parametrize(
    "call",
    [
        lambda: eur(1).share(2, 3, "up"),
        lambda: UnitPrice.of("0.335", "EUR").times(1, "banana"),
        lambda: OrderDesk(**PORTS, locations=["MAIN"]),
        lambda: OrderDesk(**PORTS, locations=[Location(id="MAIN"), Location(id="MAIN")]),
        lambda: Menu([MENU["WINE"], MENU["WINE"]]),
    ],
)
def test_what_would_be_taken_for_something_else_is_refused(call: Callable[[], object]) -> None:
    """An unknown rounding, what is no location, two of one id."""
    with pytest.raises(InvalidInput):
        call()
