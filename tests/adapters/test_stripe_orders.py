"""Whole orders at Stripe: a desk, the official client, and the fake in a process of its own."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import stripe
from hypothesis import example, given, settings
from hypothesis import strategies as st

from orderwright import AsyncOrderDesk, Money, Order, OrderDesk, Policy, Tender
from orderwright.adapters.memory import BookEntry
from orderwright.adapters.stripe import (
    AsyncStripePayments,
    OperationNotice,
    RefundNotice,
    StripePayments,
    notification,
)
from orderwright.ports import PaymentPort
from tests.stripe_fake.peer import Peer, elsewhere, inside, saved
from tests.worlds import LOCATIONS, MINUTE, World, check_laws, eur, line

DISPATCH = Policy(unpaid_ttl=None, attempts=20, credit_returns="on_receipt")
AT_ONCE = Policy(unpaid_ttl=None, capture="on_confirmation")
IN_ONE_STEP = Policy(unpaid_ttl=None, capture="on_placement")


class Booked:
    """The adapter, and beside it what Stripe's own books say, as the laws of all orders read it."""

    def __init__(self, port: PaymentPort, peer: Peer) -> None:
        self._port = port
        self._peer = peer
        self.capabilities = port.capabilities

    def __getattr__(self, verb: str) -> Any:  # noqa: ANN401 - a method of the adapter
        """Ask the adapter."""
        return getattr(self._port, verb)

    @property
    def books(self) -> list[BookEntry]:
        """Every effect that was asked for. What a capture leaves is given back by itself."""
        entries = [(_operation(one), one) for one in self._peer.do("state")["books"]]
        return [
            BookEntry(
                operation_id,
                {"cancel": "void", "release": "void"}.get(one["kind"], one["kind"]),
                one["intent"],
                Money(one["amount"], one["currency"].upper()),
            )
            for operation_id, one in entries
            if operation_id and (one["kind"] != "release" or "/void-" in operation_id)
        ]


def _operation(entry: dict[str, Any]) -> str:
    """Whose effect it was: what a customer confirmed has no key, but the first one's mark."""
    if entry["kind"] in ("authorize", "charge"):
        return entry["metadata"]["orderwright"]
    return entry["key"]


class AtStripe(World):
    """A world that is paid at a fake Stripe."""

    def __init__(self, peer: Peer, *, multicapture: bool = False, **more: Any) -> None:  # noqa: ANN401
        super().__init__(**{"policy": DISPATCH, **more})
        self.peer = peer
        self.payments = Booked(StripePayments(peer.client(), multicapture=multicapture), peer)
        self.desk = self.new_desk()

    def deliver(self, seed: int = 0, copies: int = 1) -> None:
        """Take in what Stripe has to report, in an order of its own."""
        for delivery in self.peer.do("deliveries", seed=seed, copies=copies):
            event = stripe.Webhook.construct_event(
                delivery["payload"], delivery["signature"], "whsec_test"
            )
            take_in(self.desk, event)

    def rest(self) -> None:
        """Let Stripe be well again, and resume until nothing is unfinished."""
        self.peer.do("fail", faults=[])
        for _ in range(20):
            due = [item for one in self.all_orders() for item in one.due_items]
            due = [item for item in due if item.action != "reauthorize"]
            if not due:
                return
            self.now = max(self.now, min(due).at)
            assert () == self.desk.resume(now=self.now).failures
        raise AssertionError([order.due_items for order in self.all_orders()])


def take_in(desk: OrderDesk, event: stripe.Event) -> None:
    """Tell a desk what Stripe reports."""
    told = notification(event)
    if told is None:
        return
    if isinstance(told, OperationNotice):
        desk.notify_payment(told.operation_id, outcome=told.outcome, sequence=told.sequence)
        return
    for order_id in desk.find("payment", told.payment):
        payments = desk.order(order_id).payments
        payment_id = next(one.id for one in payments if told.payment in one.references)
        about = {"reference": told.reference, "payment_id": payment_id}
        if isinstance(told, RefundNotice):
            desk.record_refund(order_id, told.amount, **about)
            continue
        desk.report_chargeback(order_id, amount=told.amount, reason=told.reason, **about)
        if told.won:
            desk.report_chargeback_reversal(order_id, amount=told.amount, **about)


def by_card(world: AtStripe, card: str = "pm_card_visa") -> list[Tender]:
    """A saved card."""
    return [Tender(method="card", instrument=saved(world.peer, card))]


def kinds(world: AtStripe) -> list[str]:
    """What Stripe's books show, in order."""
    return [entry["kind"] for entry in world.peer.do("state")["books"]]


@pytest.fixture(scope="module")
def process() -> Iterator[Peer]:
    """A Stripe in a process of its own; each test has customers of its own there."""
    with elsewhere() as peer:
        yield peer


@pytest.fixture
def world(process: Peer) -> AtStripe:
    """A world on an emptied account of the process."""
    process.do("reset")
    return AtStripe(process)


def test_a_life_of_two_parcels_and_a_return(world: AtStripe) -> None:
    """Placed, sent in two parcels, delivered, one unit returned and paid back."""
    world.desk.place([line("MUG", 3)], order_id="o1", tenders=by_card(world))
    order = world.desk.split("o1", "f1", {"l1": 1})
    assert ("confirmed", "authorized") == (order.state.name, order.money)
    order = world.desk.ship("o1", "f1")
    assert (eur(20), eur(10)) == (order.captured, order.authorized)
    order = world.desk.ship("o1", "f2")
    assert (eur(30), eur(0), "paid") == (order.captured, order.authorized, order.money)
    for part in ("f1", "f2"):
        order = world.desk.deliver("o1", part)
    assert "completed" == order.state.name
    sent = world.desk.request_return("o1", {"l1": 1}, reason="too big").returns[0]
    order = world.desk.receive_return("o1", {"l1": 1}, location="MAIN", return_id=sent.id)
    assert (eur(10), eur(20)) == (order.refunded, order.due)
    assert ["authorize", "capture", "release", "authorize", "capture", "refund"] == kinds(world)
    before = order
    world.deliver(seed=1, copies=3)
    assert before == world.orders.load("o1")
    check_laws(world)


def test_a_cancelled_order_is_voided(world: AtStripe) -> None:
    """What was reserved is given back, and nothing was ever taken."""
    world.desk.place([line("MUG", 2)], order_id="o1", tenders=by_card(world))
    order = world.desk.cancel("o1", reason="changed my mind")
    assert ("cancelled", "settled", eur(0)) == (order.state.name, order.money, order.authorized)
    assert ["authorize", "cancel"] == kinds(world)
    check_laws(world)


def test_a_declined_card_waits_for_another(world: AtStripe) -> None:
    """The bank's reason is on the order; the next card pays."""
    tenders = by_card(world, "pm_card_chargeCustomerFail")
    order = world.desk.place([line("MUG", 2)], order_id="o1", tenders=tenders)
    operation = order.payments[0].operations[0]
    assert ("placed", "declined") == (order.state.name, operation.state.name)
    assert operation.reason.startswith("card_declined generic_decline")
    order = world.desk.pay("o1", by_card(world))
    assert ("confirmed", "authorized") == (order.state.name, order.money)
    check_laws(world)


@pytest.mark.parametrize("ok", [True, False])
def test_a_customer_confirms_and_a_webhook_tells(world: AtStripe, ok: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """The order waits for the bank's customer, shows what is to be done, and goes on by itself."""
    tenders = by_card(world, "pm_card_authenticationRequired")
    order = world.desk.place([line("MUG", 2)], order_id="o1", tenders=tenders, policy=AT_ONCE)
    name = order.payments[0].next_action
    assert ("placed", True) == (order.state.name, name.startswith("pi_"))
    secret = world.peer.client().v1.payment_intents.retrieve(name).client_secret
    assert secret is not None
    world.peer.do("authenticate", name=name, ok=ok)
    world.deliver(copies=2)
    order = world.orders.load("o1")
    expected = ("confirmed", "paid") if ok else ("placed", "unpaid")
    assert expected == (order.state.name, order.money)
    check_laws(world)


def test_what_a_webhook_tells_first_is_not_done_twice(world: AtStripe) -> None:
    """The answer is lost, the report arrives before anybody resumes: it is looked up and done."""
    world.peer.do("fail", faults=[{"on": "create", "do": "lost"}])
    order = world.desk.place([line("MUG", 2)], order_id="o1", tenders=by_card(world))
    assert ("placed", "unknown") == (
        order.state.name,
        order.payments[0].operations[0].state.name,
    )
    world.deliver(copies=2)
    assert "confirmed" == world.orders.load("o1").state.name
    world.peer.do("fail", faults=[{"on": "capture", "do": "500"}])
    world.desk.ship("o1", "f1")
    world.deliver(seed=3, copies=2)
    order = world.orders.load("o1")
    assert (eur(20), ()) == (order.captured, order.intents)
    assert ["authorize", "capture"] == kinds(world)
    check_laws(world)


def test_money_paid_back_at_stripe_itself_is_recorded_once(world: AtStripe) -> None:
    """Somebody used the dashboard; however often it is reported, it is one repayment."""
    world.desk.place([line("MUG", 2)], order_id="o1", tenders=by_card(world), policy=AT_ONCE)
    world.deliver()
    name = world.orders.load("o1").payments[0].reference
    world.peer.do("refund_by_hand", name=name, amount=500)
    world.deliver(copies=3)
    order = world.orders.load("o1")
    assert (eur(5), "underpaid") == (order.refunded, order.money)


@pytest.mark.parametrize("seed", range(4))
def test_a_dispute_is_a_chargeback_and_may_be_won(world: AtStripe, seed: int) -> None:
    """Whatever order its four reports come in, and twice: money went, and came back, once."""
    world.desk.place([line("MUG", 2)], order_id="o1", tenders=by_card(world), policy=AT_ONCE)
    world.deliver()
    name = world.orders.load("o1").payments[0].reference
    dispute = world.peer.do("dispute", name=name)
    world.deliver(seed=seed, copies=2)
    order = world.orders.load("o1")
    assert (eur(20), ["charged_back"]) == (
        order.charged_back,
        [one.code for one in order.exceptions],
    )
    world.peer.do("close_dispute", name=dispute, won=True)
    world.deliver(seed=seed, copies=2)
    order = world.orders.load("o1")
    assert (eur(0), "paid") == (order.charged_back, order.money)
    moved = [one.kind for one in order.payments[0].operations]
    assert ["authorize", "capture", "chargeback", "reversal"] == moved


@pytest.mark.parametrize("seed", range(4))
def test_a_dispute_told_all_at_once_at_the_end_is_even(world: AtStripe, seed: int) -> None:
    """Even if the news that it was won comes first."""
    world.desk.place([line("MUG", 2)], order_id="o1", tenders=by_card(world), policy=AT_ONCE)
    name = world.orders.load("o1").payments[0].reference
    world.peer.do("close_dispute", name=world.peer.do("dispute", name=name), won=True)
    world.deliver(seed=seed, copies=2)
    order = world.orders.load("o1")
    assert (eur(0), ["charged_back"]) == (
        order.charged_back,
        [one.code for one in order.exceptions],
    )


def test_an_inquiry_and_a_lost_dispute(world: AtStripe) -> None:
    """A mere question takes no money; a lost dispute takes it for good."""
    world.desk.place([line("MUG", 2)], order_id="o1", tenders=by_card(world), policy=AT_ONCE)
    name = world.orders.load("o1").payments[0].reference
    world.peer.do("dispute", name=name, inquiry=True)
    world.deliver(copies=2)
    assert eur(0) == world.orders.load("o1").charged_back
    world.peer.do("close_dispute", name=world.peer.do("dispute", name=name), won=False)
    world.deliver(copies=2)
    assert eur(20) == world.orders.load("o1").charged_back


def test_a_refund_that_fails_in_the_end_is_not_overlooked(world: AtStripe) -> None:
    """It had succeeded, so nobody would look it up: the report itself opens an exception, once."""
    tenders = by_card(world, "pm_card_refundFail")
    world.desk.place([line("MUG", 2)], order_id="o1", tenders=tenders, policy=AT_ONCE)
    order = world.desk.cancel("o1", reason="changed my mind")
    refund = order.payments[0].operations[-1]
    assert ("refund", "succeeded") == (refund.kind, refund.state.name)
    world.peer.do("settle_refund", name=refund.reference, ok=False)
    world.deliver(seed=2, copies=3)
    codes = [one.code for one in world.orders.load("o1").exceptions]
    assert ["payment_contradiction"] == codes


def test_a_refund_that_takes_days_ends_by_its_report(world: AtStripe) -> None:
    """Pending, and then paid back: told by Stripe, not by waiting."""
    tenders = by_card(world, "pm_card_pendingRefund")
    world.desk.place([line("MUG", 2)], order_id="o1", tenders=tenders, policy=IN_ONE_STEP)
    order = world.desk.cancel("o1", reason="changed my mind")
    assert (eur(0), eur(20)) == (order.refunded, order.refunding)
    world.deliver()
    world.peer.do("settle_refund", name=order.payments[0].operations[-1].reference)
    world.deliver(copies=2)
    order = world.orders.load("o1")
    assert (eur(20), eur(0), "refunded") == (order.refunded, order.refunding, order.money)
    check_laws(world)


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # how stripe calls httpx
def test_an_async_desk_on_an_async_client(world: AtStripe) -> None:
    """The same life for an application that awaits."""
    tenders = by_card(world)

    async def life() -> Order:
        desk = AsyncOrderDesk(
            orders=world.orders,
            inventory=world.inventory,
            payments=AsyncStripePayments(inside_client),
            locations=LOCATIONS,
            policy=DISPATCH,
            clock=lambda: world.now,
        )
        await desk.place([line("MUG", 2)], order_id="o1", tenders=tenders)
        await desk.split("o1", "f1", {"l1": 1})
        await desk.ship("o1", "f1")
        return await desk.ship("o1", "f2")

    transport = stripe.HTTPXClient()
    inside_client = world.peer.client(http_client=transport)

    async def run() -> Order:
        try:
            return await life()
        finally:
            await transport.close_async()

    order = asyncio.run(run())
    assert (eur(20), "paid") == (order.captured, order.money)
    assert ["authorize", "capture", "release", "authorize", "capture"] == kinds(world)
    check_laws(world)


# Any faults ----------------------------------------------------------------------------------

HOW = st.sampled_from(["", "", "", "cut", "lost", "500", "503", "429", "locked", "in_use"])
FAULTS = st.lists(HOW, max_size=12)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ship"), st.integers(1, 3)),
        st.tuples(st.just("cancel"), st.integers(1, 2)),
        st.tuples(st.just("wait"), st.integers(1, 30)),
        st.tuples(st.just("report"), st.integers(0, 9)),
    ),
    max_size=10,
)


def step(world: AtStripe, what: str, number: int) -> None:
    """One thing happens to the order, if it can."""
    order = world.orders.load("o1")
    parts = [one for one in order.fulfillments if one.state.name == "reserved"]
    left = order.cancellable().get("l1", 0)
    if what == "wait":
        world.now += number * MINUTE
        assert () == world.desk.resume().failures
    elif what == "report":
        world.deliver(seed=number, copies=2)
    elif what == "ship" and order.state.name == "confirmed" and number <= len(parts):
        world.desk.ship("o1", parts[number - 1].id)
    elif what == "cancel" and order.state.name == "confirmed" and left >= number:
        world.desk.cancel("o1", units={"l1": number}, reason="changed my mind")


def settled(world: AtStripe) -> None:
    """Let all come to rest; what failed too often waits for a person, who takes it up again."""
    world.rest()
    while parked := [one.id for one in world.orders.load("o1").intents if one.parked]:
        for intent_id in parked:
            world.desk.retry("o1", intent_id)
        world.rest()


@given(
    multicapture=st.booleans(),
    policy=st.sampled_from([DISPATCH, AT_ONCE, IN_ONE_STEP]),
    faults=FAULTS,
    steps=STEPS,
)
@settings(max_examples=60)
@example(
    multicapture=False,
    policy=AT_ONCE,
    faults=["cut"] * 5,
    steps=[("wait", 2), ("wait", 4), ("wait", 8)],
)
def test_whatever_fails_the_books_agree_in_the_end(
    multicapture: bool,  # noqa: FBT001 - drawn
    policy: Policy,
    faults: list[str],
    steps: list[tuple[str, int]],
) -> None:
    """Stripe's books say what the order says, nothing was taken twice, and what was due was."""
    peer = inside(multicapture=multicapture)
    world = AtStripe(peer, multicapture=multicapture, policy=policy)
    tenders = by_card(world)
    peer.do("fail", faults=[{"on": "any", "do": fault} for fault in faults])
    world.desk.place([line("MUG", 3)], order_id="o1", tenders=tenders)
    for what, number in [("wait", 5), *steps]:
        step(world, what, number)
        check_laws(world)
        parts = world.orders.load("o1").fulfillments
        if len(parts) == 1 and parts[0].state.name == "reserved" and parts[0].units["l1"] > 1:
            world.desk.split("o1", "f1", {"l1": 1})
    settled(world)
    order = world.orders.load("o1")
    for part in order.fulfillments:
        if part.state.name == "reserved":
            world.desk.ship("o1", part.id)
    settled(world)
    order = world.orders.load("o1")
    assert ((), ()) == (order.intents, order.exceptions)
    assert (order.due, 0) == (order.captured - order.refunded, order.authorized.minor)
    state = peer.do("state")["intents"].values()
    assert order.captured.minor == sum(one["amount_received"] for one in state)
    assert 0 == sum(one["amount_capturable"] for one in state)
    check_laws(world)
