"""The fake is as strict as what it stands for: what it lets through must not be news to Stripe."""

from collections.abc import Callable
from typing import Any

import pytest
import stripe

from tests.stripe_fake.peer import Inside, inside, saved

Change = dict[str, Any]


@pytest.fixture
def peer() -> Inside:
    """A fresh account."""
    return inside()


def hold(peer: Inside, key: str = "k1", **change: Any) -> stripe.PaymentIntent:  # noqa: ANN401
    """Reserve 30.00 on a saved card."""
    customer, method = saved(peer).split("/")
    params = {
        "amount": 3000,
        "currency": "eur",
        "customer": customer,
        "payment_method": method,
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        "capture_method": "manual",
        "confirm": True,
        **change,
    }
    return peer.client().v1.payment_intents.create(params, {"idempotency_key": key})


WRONG: list[tuple[Change, str | None]] = [
    ({"colour": "red"}, "parameter_unknown"),
    ({"automatic_payment_methods": {"enabled": True, "colour": "red"}}, "parameter_unknown"),
    ({"payment_method_types": ["card"]}, "payment_method_types_no_longer_supported"),
    ({"amount": "much"}, "parameter_invalid_integer"),
    ({"amount": 0}, "amount_too_small"),
    ({"amount": 49}, "amount_too_small"),
    ({"amount": 100_000_000}, "amount_too_large"),
    ({"currency": "EUR"}, "parameter_invalid"),
    ({"currency": "kwd", "amount": 5124}, "parameter_invalid"),
    ({"currency": "isk", "amount": 505}, "invalid_charge_amount_no_decimal_compatible"),
    ({"capture_method": "some_day"}, "parameter_invalid"),
    ({"customer": "cus_none"}, "resource_missing"),
    ({"customer": ""}, "parameter_invalid_empty"),
    ({"payment_method": "pm_none"}, "resource_missing"),
    ({"automatic_payment_methods": {"enabled": True}}, "parameter_missing"),
    ({"confirm": False, "off_session": True}, "parameter_unknown"),
    ({"metadata": {"x" * 41: "1"}}, "parameter_invalid"),
    ({"metadata": {"x": "1" * 501}}, "parameter_invalid"),
    ({"expand": ["secrets"]}, "parameter_invalid"),
]


@pytest.mark.parametrize(("change", "code"), WRONG)
def test_wrong_parameters_are_refused_and_not_kept(
    peer: Inside, change: Change, code: str | None
) -> None:
    """With Stripe's code; put right under the same key, the request goes through."""
    with pytest.raises(stripe.InvalidRequestError) as caught:
        hold(peer, **change)
    assert code == caught.value.code
    assert "requires_capture" == hold(peer).status


def test_a_key_is_answered_the_same_until_it_is_forgotten(peer: Inside) -> None:
    """Replayed and marked so; refused for other content; after a day it is a new request."""
    customer, method = saved(peer, "pm_card_visa").split("/")
    about = {"customer": customer, "payment_method": method}
    first = hold(peer, **about)
    again = hold(peer, **about)
    assert first.id == again.id
    marked = [one.last_response.headers.get("idempotent-replayed") for one in (first, again)]
    assert [None, "true"] == marked
    with pytest.raises(stripe.IdempotencyError):
        hold(peer, amount=2000, **about)
    with pytest.raises(stripe.IdempotencyError):
        peer.client().v1.refunds.create({"payment_intent": "pi_1"}, {"idempotency_key": "k1"})
    peer.do("forget_keys")
    assert first.id != hold(peer, **about).id


def test_a_decline_is_kept_under_its_key(peer: Inside) -> None:
    """Sending it again does not try the card again."""
    customer, method = saved(peer, "pm_card_chargeCustomerFail").split("/")
    for _ in range(2):
        with pytest.raises(stripe.CardError) as caught:
            hold(peer, customer=customer, payment_method=method)
    assert "true" == caught.value.headers["idempotent-replayed"]
    assert 1 == len(peer.do("state")["intents"])


def test_keys_are_at_most_255_characters(peer: Inside) -> None:
    """As Stripe says."""
    hold(peer, "k" * 255)
    with pytest.raises(stripe.InvalidRequestError):
        hold(peer, "k" * 256)


Ask = Callable[[stripe.StripeClient, str], object]
REFUSED: list[tuple[str, Ask, str | None]] = [
    (
        "held",
        lambda c, pi: c.v1.payment_intents.capture(pi, {"amount_to_capture": 3001}),
        "amount_too_large",
    ),
    ("held", lambda c, pi: c.v1.payment_intents.capture(pi, {"amount_to_capture": 0}), None),
    ("held", lambda c, pi: c.v1.payment_intents.capture(pi, {"amount_to_capture": -1}), None),
    (
        "held",
        lambda c, pi: c.v1.payment_intents.capture(pi, {"final_capture": False}),
        "payment_intent_invalid_parameter",
    ),
    ("held", lambda c, pi: c.v1.refunds.create({"payment_intent": pi}), None),
    ("held", lambda c, _: c.v1.refunds.create({"amount": 1}), "parameter_missing"),
    ("taken", lambda c, pi: c.v1.payment_intents.capture(pi), "payment_intent_unexpected_state"),
    ("taken", lambda c, pi: c.v1.payment_intents.cancel(pi), "payment_intent_unexpected_state"),
    ("taken", lambda c, pi: c.v1.refunds.create({"payment_intent": pi, "amount": 3001}), None),
    ("taken", lambda c, pi: c.v1.refunds.create({"payment_intent": pi, "amount": 0}), None),
    ("gone", lambda c, pi: c.v1.payment_intents.capture(pi), "payment_intent_unexpected_state"),
    ("gone", lambda c, pi: c.v1.payment_intents.cancel(pi), "payment_intent_unexpected_state"),
    ("back", lambda c, pi: c.v1.refunds.create({"payment_intent": pi}), "charge_already_refunded"),
    ("disputed", lambda c, pi: c.v1.refunds.create({"payment_intent": pi}), "charge_disputed"),
    ("held", lambda c, _: c.v1.payment_intents.retrieve("pi_none"), "resource_missing"),
    ("held", lambda c, _: c.v1.refunds.retrieve("re_none"), "resource_missing"),
    ("held", lambda c, _: c.v1.payment_intents.list({"limit": 101}), "parameter_invalid"),
    ("held", lambda c, _: c.v1.balance.retrieve(), "url_invalid"),
]


@pytest.mark.parametrize(("state", "ask", "code"), REFUSED)
def test_states_and_amounts_have_their_rules(
    peer: Inside, state: str, ask: Ask, code: str | None
) -> None:
    """Each refusal has Stripe's code, and leaves the books as they were."""
    client, intent = peer.client(), hold(peer)
    if state in ("taken", "back", "disputed"):
        client.v1.payment_intents.capture(intent.id)
    if state == "gone":
        client.v1.payment_intents.cancel(intent.id)
    if state == "back":
        client.v1.refunds.create({"payment_intent": intent.id})
    if state == "disputed":
        peer.do("dispute", name=intent.id)
    before = peer.do("state")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        ask(client, intent.id)
    assert code == caught.value.code
    assert before["books"] == peer.do("state")["books"]
    assert before["intents"] == peer.do("state")["intents"]


def test_what_is_captured_and_capturable_adds_up() -> None:
    """Several captures on an account that may; the last one, or the whole, ends it."""
    peer = inside(multicapture=True)
    asked = {"card": {"request_multicapture": "if_available"}}
    intent, client = hold(peer, payment_method_options=asked), peer.client()
    seen = []
    for params in (
        {"amount_to_capture": 1000, "final_capture": False},
        {"amount_to_capture": 500, "final_capture": False},
        {"amount_to_capture": 0, "final_capture": True},
    ):
        found = client.v1.payment_intents.capture(intent.id, params)
        seen.append((found.status, found.amount_received, found.amount_capturable))
    assert [
        ("requires_capture", 1000, 2000),
        ("requires_capture", 1500, 1500),
        ("succeeded", 1500, 0),
    ] == seen


def test_metadata_has_room_for_fifty_names(peer: Inside) -> None:
    """A capture that would add one too many is refused."""
    intent = hold(peer, metadata={f"n{number}": "1" for number in range(50)})
    with pytest.raises(stripe.InvalidRequestError):
        peer.client().v1.payment_intents.capture(intent.id, {"metadata": {"one more": "1"}})


def test_a_stolen_card_cannot_be_saved(peer: Inside) -> None:
    """Stripe asks the bank when a card is attached."""
    client = peer.client()
    customer = client.v1.customers.create({"name": "Ann"}).id
    with pytest.raises(stripe.CardError):
        client.v1.payment_methods.attach("pm_card_visa_chargeDeclined", {"customer": customer})
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_methods.attach("pm_none", {"customer": customer})


def test_nobody_gets_in_without_a_key(peer: Inside) -> None:
    """A secret key of test mode is asked for."""
    transport = peer.client()._requestor._client
    with pytest.raises(stripe.AuthenticationError):
        stripe.StripeClient("pk_test_1", http_client=transport).v1.payment_intents.list()
