"""What a reading of the payment port at Stripe, line by line, has shown."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import stripe
from attrs import evolve

from orderwright.adapters.stripe import (
    AsyncStripePayments,
    RefundNotice,
    StripePayments,
    calls,
    notification,
)
from orderwright.adapters.stripe.folding import IntentData
from orderwright.errors import KeyReused, OutcomeUnknown
from orderwright.payments.operations import OperationKind
from orderwright.ports import PaymentPort
from tests.adapters.test_stripe import Awaited, Canned, asked, effects, eur, perform
from tests.adapters.test_stripe_notices import event, refund
from tests.adapters.test_stripe_orders import DISPATCH, IN_ONE_STEP, AtStripe, by_card
from tests.stripe_fake.peer import Inside, inside, saved
from tests.worlds import check_laws, line


@pytest.fixture
def peer() -> Inside:
    """A fresh account."""
    return inside()


Made = Callable[[stripe.StripeClient], PaymentPort]


@pytest.fixture(params=["sync", "async"])
def adapter(request: pytest.FixtureRequest) -> Made:
    """How an adapter is made of a client: a sync one, and an async one."""
    if request.param == "sync":
        return StripePayments
    return lambda client: Awaited(AsyncStripePayments(client))


# What the host has asked in other words since ------------------------------------------------

BACK = "https://shop.example/back"


@pytest.mark.parametrize("kind", ["authorize", "charge"])
@pytest.mark.parametrize("card", ["pm_card_visa", "pm_card_chargeCustomerFail"])
def test_what_was_asked_before_the_host_changed_its_terms_is_answered(
    peer: Inside, kind: OperationKind, card: str
) -> None:
    """To Stripe it is another request under the same key; it is made once, and told as it is."""
    request = asked(kind, instrument=saved(peer, card))
    before = StripePayments(peer.client())
    first, done = perform(before, request), peer.do("state")["books"]
    later = StripePayments(peer.client(), off_session=False, return_url=BACK)
    waited = AsyncStripePayments(peer.client(), off_session=False, return_url=BACK)
    for after in (later, Awaited(waited)):
        again = perform(after, request)
        assert (first.outcome, first.reference) == (again.outcome, again.reference)
    assert done == peer.do("state")["books"]
    another = saved(peer, card)
    for other in (
        evolve(request, amount=eur("31.00")),
        evolve(request, instrument=f"{request.instrument.split('/')[0]}/{another.split('/')[1]}"),
        evolve(request, kind="charge" if kind == "authorize" else "authorize"),
    ):
        with pytest.raises(KeyReused):
            perform(later, other)
    assert done == peer.do("state")["books"]


def test_what_was_paid_by_another_method_since_is_answered_too(peer: Inside) -> None:
    """The customer may choose another one for what failed: it is what was asked all the same."""
    request = asked("authorize", instrument=saved(peer, "pm_card_chargeCustomerFail"))
    refused = StripePayments(peer.client()).authorize(request)
    peer.account.intents[refused.reference]["payment_method"] = "pm_another"
    later = StripePayments(peer.client(), off_session=False, return_url=BACK)
    assert refused.reference == later.authorize(request).reference


@pytest.mark.parametrize("status", [400, 401, 403, 404])
@pytest.mark.parametrize("kind", ["authorize", "charge", "capture"])
def test_who_may_not_look_for_what_was_asked_is_not_told_that_it_failed(
    kind: OperationKind, status: int
) -> None:
    """The key was used, whatever Stripe says to the question for what: money may have moved."""
    reused = {"error": {"type": "idempotency_error", "message": "Keys for idempotent requests"}}
    missing = {
        "error": {
            "type": "invalid_request_error",
            "code": "resource_missing",
            "param": "customer",
            "message": "No such customer",
        }
    }

    class Refusing(Canned):
        """Says that the key was used, and nothing more."""

        def request(self, method: str, *_: object, **__: object) -> tuple[str, int, dict[str, str]]:
            """Answer by what is done."""
            told, code = (reused, 400) if method.lower() == "post" else (missing, status)
            return json.dumps(told), code, {}

    port = StripePayments(stripe.StripeClient("sk_test_1", http_client=Refusing(0, "")))
    with pytest.raises(KeyReused):
        perform(port, asked(kind, instrument="cus_1/pm_1", reference="pi_1"))


def test_a_capture_asked_before_the_host_takes_several_is_answered() -> None:
    """The same for the word that says whether more captures come."""
    peer = inside(multicapture=True)
    held = StripePayments(peer.client(), multicapture=True).authorize(
        asked("authorize", instrument=saved(peer))
    )
    request = asked("capture", "10.00", reference=held.reference)
    first = StripePayments(peer.client(), multicapture=True).capture(request)
    assert "succeeded" == first.outcome
    done = effects(peer)
    assert first == StripePayments(peer.client()).capture(request)
    with pytest.raises(KeyReused):
        StripePayments(peer.client()).capture(evolve(request, amount=eur("11.00")))
    assert done == effects(peer)


# What Stripe calls a refund ------------------------------------------------------------------


def repayments(peer: Inside) -> list[RefundNotice]:
    """What the desk would be told of money that somebody paid back by hand."""
    told = [
        notification(stripe.Webhook.construct_event(one["payload"], one["signature"], "whsec_test"))
        for one in peer.do("deliveries")
    ]
    return [one for one in told if isinstance(one, RefundNotice)]


@pytest.mark.parametrize("order_id", ["o1", "\u6ce8" * 60], ids=["short", "long"])
@pytest.mark.parametrize("how", ["capture", "void", "expire"])
def test_what_is_given_back_untaken_is_no_repayment(peer: Inside, how: str, order_id: str) -> None:
    """Stripe makes a refund of what a capture leaves, and of what is cancelled or runs out."""
    port = StripePayments(peer.client())
    held = port.authorize(asked("authorize", instrument=saved(peer), order_id=order_id))
    about = {"reference": held.reference, "order_id": order_id}
    if how == "capture":
        assert "succeeded" == port.capture(asked("capture", "10.00", **about)).outcome
    elif how == "void":
        assert "succeeded" == port.void(asked("void", **about)).outcome
    else:
        peer.do("expire", name=held.reference)
    released = next(iter(peer.do("state")["refunds"]))
    peer.do("trace", name=released)
    assert [] == repayments(peer)


def test_what_is_paid_back_by_hand_is_still_told_once(peer: Inside) -> None:
    """Also if its bank takes days, or traces it later: the status of neither is news again."""
    port = StripePayments(peer.client())
    for number, card in enumerate(("pm_card_visa", "pm_card_pendingRefund"), 1):
        paid = port.charge(asked("charge", number=number, instrument=saved(peer, card)))
        name = peer.do("refund_by_hand", name=paid.reference, amount=500)
        if card == "pm_card_pendingRefund":
            assert [] == repayments(peer)
            peer.do("settle_refund", name=name)
        peer.do("trace", name=name)
        assert [RefundNotice(paid.reference, eur("5.00"), name)] == repayments(peer)


@pytest.mark.parametrize(
    "about",
    [
        {"request": "req_1"},
        {"request": None},
        {"request": {"id": "req_1", "idempotency_key": None}},
        {"request": {"id": "req_1", "idempotency_key": "7c0f5c1e"}},
        {"request": {"id": "req_1", "idempotency_key": "o1/p1/refund-1"}},
    ],
)
def test_whoever_else_asked_for_a_refund_it_is_one(about: dict[str, Any]) -> None:
    """Nobody, another program, or somebody who copied one of our keys."""
    told = notification({**event("refund.created", **refund("succeeded")), **about})
    assert RefundNotice("pi_1", eur("5.00"), "re_1") == told


# What really moved ---------------------------------------------------------------------------


def test_a_void_tells_what_it_really_gave_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process captures between its look and its act: that much was not there any more."""
    peer = inside(multicapture=True)
    port = StripePayments(peer.client(), multicapture=True)
    held = port.authorize(asked("authorize", instrument=saved(peer)))
    port.capture(asked("capture", "10.00", reference=held.reference))
    looked = calls.retrieve

    def overtaken(intent_id: str) -> calls.Steps[IntentData]:
        intent = yield from looked(intent_id)
        monkeypatch.setattr(calls, "retrieve", looked)
        StripePayments(peer.client(), multicapture=True).capture(
            asked("capture", "4.00", number=2, reference=held.reference)
        )
        return intent

    monkeypatch.setattr(calls, "retrieve", overtaken)
    request = asked("void", "20.00", reference=held.reference)
    given = port.void(request)
    assert ("succeeded", eur("16.00")) == (given.outcome, given.amount)
    assert given == port.look_up(request) == port.void(request)
    assert ("release", 1600) == effects(peer)[-1]


def test_a_part_was_not_given_back_because_all_was(peer: Inside) -> None:
    """A void of a part is impossible, and stays so when the payment intent is cancelled later."""
    port = StripePayments(peer.client())
    held = port.authorize(asked("authorize", instrument=saved(peer)))
    part = asked("void", "10.00", reference=held.reference)
    assert ("failed", "not_found") == (port.void(part).outcome, port.look_up(part))
    whole = asked("void", number=2, reference=held.reference)
    assert "succeeded" == port.void(whole).outcome
    assert ("failed", "not_found") == (port.void(part).outcome, port.look_up(part))
    assert port.void(whole) == port.look_up(whole)


# Answers that are not Stripe's ---------------------------------------------------------------


class CannedAlso(Canned):
    """The same for the async methods of the client."""

    async def request_async(self, *_: object, **__: object) -> tuple[str, int, dict[str, str]]:
        """Answer."""
        return self.answer


STRANGE = [
    (502, '{"error": "Bad Gateway"}'),
    (502, '{"error": null}'),
    (403, '{"error": "forbidden"}'),
    (402, '{"error": []}'),
    (200, "{}"),
    (200, "[]"),
    (200, "null"),
    (200, '"maintenance"'),
    (200, '{"id": "pi_1"}'),
    (200, '{"data": [{}], "has_more": true}'),
]


@pytest.mark.parametrize(("status", "body"), STRANGE)
@pytest.mark.parametrize("kind", ["authorize", "charge", "capture", "void", "refund"])
def test_an_answer_that_is_none_of_stripes_leaves_it_open(
    adapter: Made, kind: OperationKind, status: int, body: str
) -> None:
    """Something on the way answers in its place: it may have happened, and nothing is claimed."""
    client = stripe.StripeClient(
        "sk_test_1", http_client=CannedAlso(status, body), max_network_retries=0
    )
    port = adapter(client)
    request = asked(kind, instrument="cus_1/pm_1", reference="pi_1")
    with pytest.raises(OutcomeUnknown) as caught:
        perform(port, request)
    assert (True, "stripe") == (caught.value.retryable, caught.value.adapter)
    assert request.id in caught.value.detail
    assert "unsure" == port.look_up(request)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(None, "pending"), ("queued", "pending"), ("failed", "failed"), ("canceled", "failed")],
)
def test_a_refund_fails_only_if_stripe_says_so(
    adapter: Made, status: str | None, outcome: str
) -> None:
    """Its status may be null, and has grown words before: paid back anew, it would be so twice."""
    told = {**refund("succeeded", amount=3000), "object": "refund", "status": status}
    client = stripe.StripeClient("sk_test_1", http_client=CannedAlso(200, json.dumps(told)))
    found = adapter(client).refund(asked("refund", reference="pi_1"))
    assert (outcome, eur("30.00"), status or "") == (found.outcome, found.amount, found.reason)


@pytest.mark.parametrize(("status", "outcome"), [("reviewed", "pending"), ("canceled", "failed")])
def test_a_payment_fails_only_if_stripe_says_so(adapter: Made, status: str, outcome: str) -> None:
    """The same for a payment intent in a state that is new to us."""
    told = {"id": "pi_1", "object": "payment_intent", "status": status, "metadata": {}}
    client = stripe.StripeClient("sk_test_1", http_client=CannedAlso(200, json.dumps(told)))
    found = adapter(client).charge(asked("charge", instrument="cus_1/pm_1"))
    assert (outcome, "pi_1") == (found.outcome, found.reference)


@pytest.mark.parametrize("kind", ["authorize", "charge"])
def test_a_customer_who_failed_may_try_again(peer: Inside, kind: OperationKind) -> None:
    """On the same payment intent: it is told as it is, also after it was told as declined."""
    port = StripePayments(peer.client())
    request = asked(kind, instrument=saved(peer, "pm_card_authenticationRequired"))
    name = perform(port, request).reference
    peer.do("authenticate", name=name, ok=False)
    assert "declined" == port.look_up(request).outcome
    peer.do("authenticate", name=name)
    assert "succeeded" == port.look_up(request).outcome == perform(port, request).outcome
    assert [(kind, 3000)] == effects(peer)


@pytest.mark.parametrize("other", [False, True])
def test_what_a_customer_pays_after_all_is_not_overlooked(other: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """They fail, and try again on the same page: it is paid; with another tender, too much is."""
    world = AtStripe(inside(), policy=IN_ONE_STEP)
    tenders = by_card(world, "pm_card_authenticationRequired")
    order = world.desk.place([line("MUG", 2)], order_id="o1", tenders=tenders)
    name = order.payments[0].reference
    world.peer.do("authenticate", name=name, ok=False)
    world.deliver(copies=2)
    assert "unpaid" == world.orders.load("o1").money
    if other:
        world.desk.pay("o1", by_card(world))
    world.peer.do("authenticate", name=name)
    world.deliver(seed=3, copies=2)
    order = world.orders.load("o1")
    found = [one.code for one in order.exceptions]
    expected = ("overpaid", ["payment_contradiction"]) if other else ("paid", [])
    assert (*expected, "confirmed") == (order.money, found, order.state.name)
    check_laws(world)


class Slow(CannedAlso):
    """A payment intent whose capture was answered as `processing`, and has been decided since."""

    def __init__(self, status: str, received: int) -> None:
        super().__init__(200, "")
        marks = {"orderwright": "o1/p1/authorize-1", "orderwright_capture-1": "3000"}
        self.now = {
            "id": "pi_1",
            "object": "payment_intent",
            "status": status,
            "currency": "eur",
            "amount": 3000,
            "amount_received": received,
            "metadata": marks,
        }

    def request(self, method: str, *_: object, **__: object) -> tuple[str, int, dict[str, str]]:
        """Repeat what was answered to the key, or tell how it is."""
        if method == "get":
            return json.dumps(self.now), 200, {}
        then = {**self.now, "status": "processing", "amount_received": 0}
        return json.dumps(then), 200, {"idempotent-replayed": "true"}

    async def request_async(
        self, method: str, *_: object, **__: object
    ) -> tuple[str, int, dict[str, str]]:
        """Do the same, awaited."""
        return self.request(method)


@pytest.mark.parametrize(
    ("status", "received", "outcome"),
    [
        ("processing", 0, "pending"),
        ("succeeded", 3000, "succeeded"),
        ("canceled", 0, "failed"),
        ("requires_payment_method", 0, "failed"),
    ],
)
def test_a_capture_that_took_time_is_told_as_it_is(
    adapter: Made, status: str, received: int, outcome: str
) -> None:
    """Sent again, not as it was answered first; and that it is over does not mean it was done."""
    client = stripe.StripeClient("sk_test_1", http_client=Slow(status, received))
    port, request = adapter(client), asked("capture", reference="pi_1")
    assert outcome == port.capture(request).outcome == port.look_up(request).outcome


def test_who_fails_the_banks_check_and_tries_again_has_paid() -> None:
    """The page lets a customer try once more: what is reserved then is known to the order."""
    peer = inside()
    world = AtStripe(peer)
    tenders = by_card(world, "pm_card_authenticationRequired")
    order = world.desk.place([line("MUG", 2)], order_id="o1", tenders=tenders, policy=DISPATCH)
    for passed in (False, True):
        peer.do("authenticate", name=order.payments[0].reference, ok=passed)
        world.deliver(copies=2)
    world.rest()
    found = world.orders.load("o1")
    assert ("confirmed", "authorized", ()) == (found.state.name, found.money, found.exceptions)
