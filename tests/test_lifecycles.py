# ruff: noqa: E501 - a table is read by its columns
"""The tables say what they should, and everything that reads them reads the same."""

import ast
import copy
import pickle
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import TypeVar

import attrs
import pytest
from transitions import MachineError

from orderwright import lifecycles as lc
from orderwright.adapters.memory import MemoryInventory, MemoryOrders, MemoryPayments
from orderwright.desk import OrderDesk
from orderwright.errors import IllegalTransition, InvalidInput, NotFound
from orderwright.fulfillment.locations import Location
from orderwright.inventory.postings import Posting
from orderwright.lifecycles import Lifecycle, Lifecycles, Phase, State
from orderwright.money import UnitPrice
from orderwright.orders.lines import DraftLine
from orderwright.orders.order import Order
from orderwright.payments.payment import Tender
from tests.helpers import parsed

# What may follow what, written by hand from what shops do; `*` marks where nothing follows.
EXPECTED = {
    "order": """
        draft     place -> placed, discard -> discarded
        placed    confirm -> confirmed, reject -> rejected, cancel -> cancelled, expire -> expired
        confirmed complete -> completed, cancel -> cancelled
        completed reopen -> confirmed
        rejected  *
        cancelled *
        expired   *
        discarded *
    """,
    "shipment": """
        planned   reserve -> reserved, withdraw -> withdrawn, ship -> shipped, deliver -> delivered
        reserved  release -> released, withdraw -> withdrawn, refuse -> refused, ship -> shipped, deliver -> delivered
        released  pick -> picking, withdraw -> withdrawn, refuse -> refused, run_short -> short, ship -> shipped, deliver -> delivered
        picking   pack -> packed, stop -> withdrawn, refuse -> refused, run_short -> short, ship -> shipped, deliver -> delivered
        packed    stop -> withdrawn, run_short -> short, ship -> shipped, deliver -> delivered
        withdrawn ship -> shipped, deliver -> delivered
        shipped   deliver -> delivered, lose -> lost, return_to_sender -> returned_to_sender
        lost      deliver -> delivered, return_to_sender -> returned_to_sender
        returned_to_sender ship -> shipped, deliver -> delivered
        delivered *
        refused   *
        short     *
    """,
    "pickup": """
        planned   reserve -> reserved, withdraw -> withdrawn, collect -> collected
        reserved  release -> released, withdraw -> withdrawn, refuse -> refused, collect -> collected
        released  pick -> picking, withdraw -> withdrawn, refuse -> refused, run_short -> short, collect -> collected
        picking   pack -> packed, ready -> ready, stop -> withdrawn, refuse -> refused, run_short -> short, collect -> collected
        packed    ready -> ready, stop -> withdrawn, run_short -> short, collect -> collected
        ready     collect -> collected, miss -> not_collected, stop -> withdrawn
        not_collected collect -> collected, withdraw -> withdrawn
        withdrawn collect -> collected
        collected *
        refused   *
        short     *
    """,
    "delivery": """
        planned   reserve -> reserved, withdraw -> withdrawn, dispatch -> on_the_way, deliver -> delivered
        reserved  release -> released, withdraw -> withdrawn, refuse -> refused, dispatch -> on_the_way, deliver -> delivered
        released  pick -> picking, withdraw -> withdrawn, refuse -> refused, run_short -> short, dispatch -> on_the_way, deliver -> delivered
        picking   pack -> packed, stop -> withdrawn, refuse -> refused, run_short -> short, dispatch -> on_the_way, deliver -> delivered
        packed    stop -> withdrawn, run_short -> short, dispatch -> on_the_way, deliver -> delivered
        withdrawn dispatch -> on_the_way, deliver -> delivered
        on_the_way deliver -> delivered, miss -> missed, lose -> lost
        missed    dispatch -> on_the_way, deliver -> delivered, return_to_sender -> returned_to_sender, lose -> lost
        lost      deliver -> delivered
        returned_to_sender dispatch -> on_the_way, deliver -> delivered
        delivered *
        refused   *
        short     *
    """,
    "digital": """
        planned   reserve -> reserved, withdraw -> withdrawn, send -> sent
        reserved  release -> released, withdraw -> withdrawn, send -> sent
        released  send -> sent, withdraw -> withdrawn, fail -> sending_failed
        sending_failed send -> sent, withdraw -> withdrawn
        withdrawn send -> sent
        sent      *
    """,
    "ticket": """
        planned   reserve -> queued, withdraw -> withdrawn, serve -> served, dispatch -> on_the_way, deliver -> delivered
        queued    fire -> fired, withdraw -> withdrawn, refuse -> refused, serve -> served, dispatch -> on_the_way, deliver -> delivered
        fired     prepare -> preparing, stop -> withdrawn, refuse -> refused, serve -> served, dispatch -> on_the_way, deliver -> delivered
        preparing ready -> ready, stop -> withdrawn, remake -> remade, serve -> served, dispatch -> on_the_way, deliver -> delivered
        ready     serve -> served, recall -> recalled, stop -> withdrawn, remake -> remade, dispatch -> on_the_way, deliver -> delivered
        recalled  prepare -> preparing, ready -> ready, remake -> remade, serve -> served, dispatch -> on_the_way, deliver -> delivered
        withdrawn serve -> served, dispatch -> on_the_way, deliver -> delivered
        served    remake -> remade
        on_the_way deliver -> delivered, miss -> missed, lose -> lost
        missed    dispatch -> on_the_way, deliver -> delivered, return_to_sender -> returned_to_sender, lose -> lost
        lost      deliver -> delivered
        returned_to_sender dispatch -> on_the_way, deliver -> delivered
        delivered *
        refused   *
        remade    *
    """,
    "booking": """
        planned   reserve -> booked, withdraw -> withdrawn, use -> used
        booked    withdraw -> withdrawn, use -> used
        withdrawn use -> used
        used      *
    """,
    "payment operation": """
        requested succeeded, declined, failed, pending, unknown, requires_action
        pending   succeeded, declined, failed, unknown, requires_action
        unknown   succeeded, declined, failed, pending, requires_action
        requires_action succeeded, declined, failed, pending, unknown
        declined  succeeded
        failed    succeeded
        succeeded *
    """,
    "return": """
        requested approve -> approved, refuse -> refused, cancel -> cancelled, receive -> receiving
        approved  cancel -> cancelled, receive -> receiving
        receiving inspect -> receiving, close -> closed, receive -> receiving
        closed    receive -> receiving
        refused   receive -> receiving
        cancelled receive -> receiving
    """,
}
PHASES = {
    "order": "draft planned, placed waiting, confirmed working, completed done, "
    "rejected dropped, cancelled dropped, expired dropped, discarded dropped",
    "shipment": "planned planned, reserved waiting, released working, picking working, "
    "packed working, shipped out, lost out, returned_to_sender out, delivered done, "
    "withdrawn dropped, refused dropped, short dropped",
    "pickup": "planned planned, reserved waiting, released working, picking working, "
    "packed working, ready working, not_collected working, collected done, "
    "withdrawn dropped, refused dropped, short dropped",
    "delivery": "planned planned, reserved waiting, released working, picking working, "
    "packed working, on_the_way out, missed out, returned_to_sender out, lost out, delivered done, "
    "withdrawn dropped, refused dropped, short dropped",
    "digital": "planned planned, reserved waiting, released working, sending_failed working, "
    "sent done, withdrawn dropped",
    "ticket": "planned planned, queued waiting, fired working, preparing working, ready working, "
    "recalled working, on_the_way out, missed out, returned_to_sender out, lost out, served done, "
    "delivered done, remade dropped, refused dropped, withdrawn dropped",
    "booking": "planned planned, booked waiting, used done, withdrawn dropped",
    "payment operation": "requested waiting, pending working, unknown working, "
    "requires_action working, succeeded done, declined dropped, failed dropped",
    "return": "requested planned, approved waiting, receiving working, closed done, "
    "refused dropped, cancelled dropped",
}
SHIPPED_WITH = (lc.ORDER, *lc.KINDS.values(), lc.PAYMENT_OPERATION, lc.RETURN)
A, B, C = State("a", Phase.WAITING), State("b", Phase.WORKING), State("c", Phase.DONE)
Cells = dict[tuple[str, str], str]


def written(name: str) -> Cells:
    """The expected cells of a lifecycle: (state, action) to state, by name."""
    cells = {}
    for row in EXPECTED[name].strip().splitlines():
        state, _, steps = row.strip().partition(" ")
        for step in steps.strip().split(", "):
            action, _, target = step.partition(" -> ")
            if action != "*":
                cells[state, action] = target or action
    return cells


@attrs.define
class Cursor:
    """The one slotted field that a machine moves."""

    state: str


def fired(lifecycle: Lifecycle) -> Cells:
    """What really firing every event of the machine from every state does."""
    machine = lifecycle.machine()
    cells = {}
    for state, (action, event) in product(lifecycle.states, machine.events.items()):
        cursor = Cursor(state)
        try:
            event.trigger(cursor)
        except MachineError:
            assert state == cursor.state
        else:
            cells[state, action] = cursor.state
    return cells


def stepped(lifecycle: Lifecycle) -> Cells:
    """What the compiled look-up says of every cell, legal or not."""
    actions = {action for _, action in lifecycle.table}
    cells = {}
    for state, action in product(lifecycle.states.values(), [*actions, "fly", ""]):
        try:
            cells[state.name, action] = lifecycle.step(state, action).name
        except IllegalTransition:
            assert action not in lifecycle.allowed(state)
        else:
            assert action in lifecycle.allowed(state)
    return cells


@pytest.mark.parametrize("lifecycle", SHIPPED_WITH, ids=str)
def test_every_cell_three_ways(lifecycle: Lifecycle) -> None:
    """Expectation, compiled look-up and fired machine agree on every state and action."""
    expected = written(lifecycle.name)
    assert expected == stepped(lifecycle)
    assert expected == fired(lifecycle)
    named = {(state.name, action): to.name for (state, action), to in lifecycle.table.items()}
    assert expected == named


@pytest.mark.parametrize("lifecycle", SHIPPED_WITH, ids=str)
def test_phases(lifecycle: Lifecycle) -> None:
    """Each state means what reports and code take it for."""
    expected = dict(pair.split() for pair in PHASES[lifecycle.name].split(", "))
    assert expected == {state.name: state.phase.value for state in lifecycle.states.values()}


@pytest.mark.parametrize("lifecycle", SHIPPED_WITH, ids=str)
def test_shape(lifecycle: Lifecycle) -> None:
    """From the first state all others are reached, and exactly the terminal ones have no exit."""
    steps = written(lifecycle.name)
    reached, before = {lifecycle.initial.name}, 0
    while before != len(reached):
        before = len(reached)
        reached |= {to for (state, _), to in steps.items() if state in reached}
    assert lifecycle.states.keys() == reached
    ends = lifecycle.states.keys() - {state for state, _ in steps}
    assert ends == {state.name for state in lifecycle.terminal}


def test_reports_are_never_refused() -> None:
    """Goods that left or arrived can be reported from every state in which that is news."""
    arrive = {
        "shipment": {"ship", "deliver"},
        "pickup": {"collect"},
        "delivery": {"dispatch", "deliver"},
        "digital": {"send"},
        "ticket": {"serve", "dispatch", "deliver"},
        "booking": {"use"},
    }
    for kind, actions in arrive.items():
        lifecycle = lc.KINDS[kind]
        for state in lifecycle.states.values():
            if state.phase not in (Phase.OUT, Phase.DONE) and state not in lifecycle.terminal:
                assert actions <= set(lifecycle.allowed(state)), (kind, state)
    for state in lc.PAYMENT_OPERATION.states.values():
        assert state is lc.SUCCEEDED or "succeeded" in lc.PAYMENT_OPERATION.allowed(state)


def test_no_row_is_written_twice() -> None:
    """No literal table names a cell twice, which Python would accept silently."""
    tables = [node for _, tree in parsed("lifecycles.py") for node in ast.walk(tree)]
    literals = [node for node in tables if isinstance(node, ast.Dict)]
    counts = [Counter(ast.unparse(key) for key in one.keys if key) for one in literals]
    assert len(SHIPPED_WITH) <= len(counts)
    assert [] == [key for count in counts for key, times in count.items() if times > 1]


def test_allowed_stands_in_the_order_of_the_table() -> None:
    """What is possible is listed as the table lists it, whatever other states mentioned before."""
    mine = Lifecycle("mine", A, {(A, "go"): B, (B, "end"): C, (B, "go"): A}, frozenset({C}))
    assert (("go",), ("end", "go"), ()) == tuple(mine.allowed(state) for state in (A, B, C))


def test_illegal_step_is_a_typed_refusal() -> None:
    """A step that does not exist says what was tried, from where, and what is possible."""
    with pytest.raises(IllegalTransition) as caught:
        lc.SHIPMENT.step(lc.PACKED, "withdraw", "fulfillment f1", "o1")
    error = caught.value
    assert (
        "fulfillment f1",
        "packed",
        "withdraw",
        "o1",
        ("stop", "run_short", "ship", "deliver"),
    ) == (
        error.subject,
        error.state,
        error.action,
        error.order_id,
        error.allowed,
    )
    with pytest.raises(IllegalTransition) as caught:
        lc.ORDER.step(State("lost", Phase.OUT), "cancel")
    assert "order is lost, which has no step 'cancel'" == str(caught.value)


# --- the builder ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "terminal", "faults"),
    [
        (
            {(A, "go"): B, (C, "go"): B},
            {B},
            "c cannot be reached from a",
        ),
        ({(A, "go"): B, (B, "back"): A}, {B}, "b is terminal but has an exit"),
        ({(A, "go"): B}, set(), "b has no exit but is not declared terminal"),
        ({(A, "go"): B}, {B, C}, "terminal state c is not in the table"),
        (
            {(A, "go"): B, (A, "run"): State("b", Phase.OUT)},
            {B, State("b", Phase.OUT)},
            "two states are named 'b'",
        ),
        (
            {(A, "go"): B, (C, "go"): C},
            {C},
            (
                "c cannot be reached from a; c is terminal but has an exit; "
                "b has no exit but is not declared terminal"
            ),
        ),
        ({}, set(), "a has no exit but is not declared terminal"),
    ],
)
def test_broken_tables(
    table: dict[tuple[State, str], State], terminal: set[State], faults: str
) -> None:
    """A table that cannot be meant is refused, with everything that is wrong with it."""
    with pytest.raises(InvalidInput) as caught:
        Lifecycle("mine", A, table, frozenset(terminal))
    assert f"lifecycle mine: {faults}" == str(caught.value)


def test_table_is_not_shared() -> None:
    """Changing the mapping a lifecycle was made from changes nothing about it."""
    table = {(A, "go"): B}
    mine = Lifecycle("mine", A, table, frozenset({B}))
    table[B, "back"] = A
    assert {(A, "go"): B} == mine.table
    assert "stateDiagram-v2\n    [*] --> a\n    a --> b: go\n    b --> [*]" == mine.diagram()


T = TypeVar("T", Lifecycle, Lifecycles)


@pytest.mark.parametrize("value", [lc.ORDER, lc.STANDARD])
def test_lifecycles_are_values(value: T) -> None:
    """Lifecycles compare, hash and travel like the other frozen values."""
    for twin in (copy.deepcopy(value), pickle.loads(pickle.dumps(value))):  # noqa: S301
        assert (value, hash(value)) == (twin, hash(twin))
    assert lc.ORDER.step(lc.DRAFT, "place") == copy.deepcopy(lc.ORDER).step(lc.DRAFT, "place")


def test_diagram() -> None:
    """The diagram shows each row once, where it begins and where it ends."""
    lines = lc.ORDER.diagram().splitlines()
    rows = {f"    {state} --> {to}: {do}" for (state, do), to in written("order").items()}
    ends = {f"    {state} --> [*]" for state in ("rejected", "cancelled", "expired", "discarded")}
    assert ["stateDiagram-v2", "    [*] --> draft"] == lines[:2]
    assert rows | ends == set(lines[2:])
    assert len(rows | ends) == len(lines[2:])


def test_unknown_kinds_are_not_found() -> None:
    """Asked for a kind of fulfillment that there is none of, the answer names it."""
    with pytest.raises(NotFound) as caught:
        lc.STANDARD.of("pigeon")
    assert ("kind of fulfillment", "pigeon") == (caught.value.kind, caught.value.key)


def test_a_kind_begins_where_it_can_be_reserved() -> None:
    """A lifecycle from whose first state nothing is reserved cannot be one of a fulfillment."""
    mine = Lifecycle("mine", A, {(A, "go"): B, (B, "reserve"): C}, frozenset({C}))
    with pytest.raises(InvalidInput) as caught:
        Lifecycles(name="mine.v1", kinds={"post": mine})
    assert ["kinds['post']"] == [fault.path for fault in caught.value.faults]
    kinds = Lifecycles(name="mine.v1", kinds={"post": lc.SHIPMENT}).kinds
    assert {**lc.KINDS, "post": lc.SHIPMENT} == kinds


def test_what_happened_is_believed_where_no_row_says_so() -> None:
    """A report from a state without a row leads where it leads elsewhere, or is known already."""
    post = Lifecycle(
        "post",
        A,
        {(A, "reserve"): B, (A, "ship"): lc.SHIPPED, (lc.SHIPPED, "deliver"): C},
        frozenset({B, C}),
    )
    assert (lc.SHIPPED, C) == (post.reported(A, "ship"), post.reported(lc.SHIPPED, "deliver"))
    assert (lc.SHIPPED, C) == (post.reported(B, "ship"), post.reported(B, "deliver"))
    assert (None, None) == (post.reported(lc.SHIPPED, "ship"), post.reported(C, "ship"))
    assert (None, None) == (post.reported(B, "fly"), post.after(B, "ship"))
    ways = {(A, "go"): B, (A, "hop"): C, (B, "go"): C}
    assert C == Lifecycle("ways", A, ways, frozenset({C})).reported(B, "go")
    asked = [action for action in ("reserve", "ship", "deliver", "fly") if post.is_report(action)]
    assert ["ship", "deliver"] == asked


def test_lifecycles_are_shown_by_their_names() -> None:
    """No table is part of a text: a lifecycle is one word of an order's."""
    assert "Lifecycle(name='order')" == repr(lc.ORDER)
    assert "Lifecycles(name='standard.v1')" == repr(lc.STANDARD)


# --- extension ------------------------------------------------------------------------------------

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
WRAPPING = State("gift-wrapping", Phase.WORKING)


GIFTS = Lifecycles(
    name="gifts.v1",
    kinds={
        "shipment": lc.SHIPMENT.extended(
            "gift shipment",
            {
                (lc.PICKING, "wrap"): WRAPPING,
                (WRAPPING, "pack"): lc.PACKED,
                (WRAPPING, "ship"): lc.SHIPPED,
                (WRAPPING, "deliver"): lc.DELIVERED,
            },
            without=[(lc.PICKING, "pack")],
        )
    },
)
AWAITING = State("awaiting_prescription", Phase.WAITING)
PHARMACY = Lifecycles(
    name="pharmacy.v1",
    order=lc.ORDER.extended(
        "pharmacy order",
        {
            (lc.DRAFT, "place"): AWAITING,
            (AWAITING, "prescribe"): lc.PLACED,
            (AWAITING, "cancel"): lc.CANCELLED,
            (AWAITING, "expire"): lc.EXPIRED,
        },
    ),
)


def desk(lifecycles: Lifecycles) -> OrderDesk:
    """A desk with three mugs in its only warehouse."""
    inventory = MemoryInventory()
    inventory.post(Posting.receive("delivery-1", "MUG", "MAIN", 3, at=NOON))
    return OrderDesk(
        orders=MemoryOrders(),
        inventory=inventory,
        payments=MemoryPayments(),
        locations=[Location(id="MAIN")],
        lifecycles=lifecycles,
        clock=lambda: NOON,
    )


def place(shop: OrderDesk) -> Order:
    """Place an order of one mug, paid by card."""
    mug = DraftLine(sku="MUG", quantity=1, unit_price=UnitPrice.of("12.50", "EUR"))
    return shop.place([mug], order_id="o1", tenders=[Tender(method="card")])


def test_gift_wrapping() -> None:
    """A real order goes through a state of the user's own, and cannot leave it out."""
    shop = desk(GIFTS)
    place(shop)
    for action in ("release", "pick"):
        shop.advance("o1", "f1", action)
    with pytest.raises(IllegalTransition) as caught:
        shop.advance("o1", "f1", "pack")
    assert ("fulfillment f1", "picking") == (caught.value.subject, caught.value.state)
    wrapped = shop.advance("o1", "f1", "wrap")
    assert (WRAPPING, "in_fulfilment") == (wrapped.fulfillments[0].state, wrapped.goods)
    shop.advance("o1", "f1", "pack")
    shop.ship("o1", "f1")
    done = shop.deliver("o1", "f1")
    assert (lc.COMPLETED, "delivered", "paid") == (done.state, done.goods, done.money)
    assert done == Order.replay(shop.history("o1"), GIFTS)


def test_extended_leaves_the_original_alone() -> None:
    """The lifecycle that was extended has neither the new states nor lost a row."""
    assert written("shipment") == stepped(lc.SHIPMENT)
    expected = written("shipment")
    del expected["picking", "pack"]
    expected |= {
        ("picking", "wrap"): "gift-wrapping",
        ("gift-wrapping", "pack"): "packed",
        ("gift-wrapping", "ship"): "shipped",
        ("gift-wrapping", "deliver"): "delivered",
    }
    assert expected == stepped(GIFTS.of("shipment")) == fired(GIFTS.of("shipment"))


def test_extended_is_checked_like_any_other() -> None:
    """Dropping the only way to a state makes an extension as illegal as a new table."""
    with pytest.raises(InvalidInput, match="packed cannot be reached from planned"):
        lc.SHIPMENT.extended("no packing", {}, without=[(lc.PICKING, "pack")])
    lost = State("crushed", Phase.DROPPED)
    ended = lc.SHIPMENT.extended("lossy", {(lc.SHIPPED, "crush"): lost}, terminal=[lost])
    assert (lost, ()) == (ended.step(lc.SHIPPED, "crush"), ended.allowed(lost))


def test_awaiting_prescription() -> None:
    """An order waits in a state of the user's own, reserved and authorized, until its step."""
    shop = desk(PHARMACY)
    waiting = place(shop)
    assert (AWAITING, "reserved", "authorized") == (waiting.state, waiting.goods, waiting.money)
    assert ("prescribe", "cancel", "expire") == waiting.allowed()
    with pytest.raises(IllegalTransition):
        shop.advance("o1", "f1", "release")
    assert lc.CONFIRMED == shop.advance_order("o1", "prescribe", by="doctor").state
    shop.ship("o1", "f1")
    assert lc.COMPLETED == shop.deliver("o1", "f1").state


def test_some_steps_are_not_taken_by_hand() -> None:
    """Completing and reopening are steps for people; giving up is a command of its own."""
    shop = desk(lc.STANDARD)
    place(shop)
    for action in ("cancel", "confirm", "expire", "complete"):
        before = shop.order("o1")
        with pytest.raises(IllegalTransition):
            shop.advance_order("o1", action)
        assert before == shop.order("o1")
    shop.ship("o1", "f1")
    assert lc.COMPLETED == shop.advance_order("o1", "complete", reason="as good as there").state


def test_a_reopened_order_stays_open_until_that_is_resolved() -> None:
    """An order that was complete in every respect does not complete itself again at once."""
    shop = desk(lc.STANDARD)
    place(shop)
    shop.ship("o1", "f1")
    assert lc.COMPLETED == shop.deliver("o1", "f1").state
    reopened = shop.advance_order("o1", "reopen", reason="a complaint")
    assert (lc.CONFIRMED, "reopened") == (reopened.state, reopened.exceptions[0].code)
    assert lc.COMPLETED == shop.resolve("o1", "reopened", resolution="she is happy").state


def test_nobody_prescribes() -> None:
    """A state of the waiting phase expires like a placed order, by its own row."""
    shop = desk(PHARMACY)
    place(shop)
    shop.resume(now=NOON + timedelta(days=1))
    assert (lc.EXPIRED, "cancelled") == (shop.order("o1").state, shop.order("o1").goods)
