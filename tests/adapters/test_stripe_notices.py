"""What Stripe's events mean to a desk: pure, whatever order they come in."""

import json
from typing import Any

import pytest
import stripe

from orderwright import InvalidInput, Money, PaymentOutcome
from orderwright.adapters.stripe import (
    DisputeNotice,
    OperationNotice,
    RefundNotice,
    StripePayments,
    notification,
)
from tests.adapters.test_stripe import asked, eur
from tests.stripe_fake.peer import Inside, inside, saved

OPENED = {"orderwright": "o1/p1/authorize-1"}


def event(kind: str, **thing: Any) -> dict[str, Any]:  # noqa: ANN401 - as Stripe has it
    """An event as plain data."""
    return {"object": "event", "type": kind, "created": 1_700_000_000, "data": {"object": thing}}


def refund(status: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - as Stripe has it
    """A refund."""
    facts = {"id": "re_1", "amount": 500, "currency": "eur", "payment_intent": "pi_1"}
    moved = {"balance_transaction": "txn_1", "metadata": {}}
    return {**facts, **moved, "status": status, **more}


def dispute(status: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - as Stripe has it
    """A dispute."""
    facts = {"id": "du_1", "amount": 500, "currency": "eur", "reason": "fraudulent"}
    return {**facts, "status": status, "payment_intent": "pi_1", **more}


TAKEN = DisputeNotice("pi_1", eur("5.00"), "du_1", "fraudulent", won=False)
OURS = {"orderwright": "o1/p1/refund-1"}
FAILED = PaymentOutcome(
    outcome="failed", amount=eur("5.00"), reference="re_1", reason="expired_or_canceled_card"
)
CHARGED = {"orderwright": "o1/p1/charge-1"}
PAID = {"id": "pi_1", "amount_received": 500, "currency": "eur"}
TOOK = PaymentOutcome(outcome="succeeded", amount=eur("5.00"), reference="pi_1")
MEANT = [
    # The last of our operations that left its mark.
    ("payment_intent.succeeded", {"metadata": OPENED}, OperationNotice("o1/p1/authorize-1")),
    (
        "payment_intent.amount_capturable_updated",
        {"metadata": {**OPENED, "orderwright_capture-9": "1", "orderwright_capture-10": "1"}},
        OperationNotice("o1/p1/capture-10"),
    ),
    (
        "payment_intent.succeeded",
        {"metadata": {**OPENED, "orderwright_capture-2": "1", "orderwright_void-1": "1"}},
        OperationNotice("o1/p1/void-1"),
    ),
    (
        "payment_intent.succeeded",
        {"metadata": {**OPENED, "orderwright_note-7": "by hand", "orderwright_capture-x": "7"}},
        OperationNotice("o1/p1/authorize-1"),
    ),
    (
        "payment_intent.succeeded",
        {"metadata": CHARGED, "status": "succeeded", **PAID},
        OperationNotice("o1/p1/charge-1", TOOK, 1_700_000_000),
    ),
    (
        "payment_intent.processing",
        {"metadata": CHARGED, "status": "processing", **PAID},
        OperationNotice("o1/p1/charge-1"),
    ),
    # Another program's.
    ("payment_intent.succeeded", {"metadata": {}}, None),
    ("payment_intent.succeeded", {"metadata": None}, None),
    ("payment_intent.succeeded", {"metadata": {"orderwright_capture-1": "1"}}, None),
    ("refund.created", refund("pending", metadata=OURS), OperationNotice("o1/p1/refund-1")),
    ("refund.updated", refund("succeeded", metadata=OURS), OperationNotice("o1/p1/refund-1")),
    (
        "refund.failed",
        refund("failed", metadata=OURS, failure_reason="expired_or_canceled_card"),
        OperationNotice("o1/p1/refund-1", FAILED, 1_700_000_000),
    ),
    ("refund.created", refund("succeeded"), RefundNotice("pi_1", eur("5.00"), "re_1")),
    ("refund.created", refund("pending"), None),
    ("refund.failed", refund("failed"), None),
    ("refund.created", refund("succeeded", payment_intent=None), None),
    ("charge.dispute.created", dispute("needs_response"), TAKEN),
    ("charge.dispute.funds_withdrawn", dispute("under_review"), TAKEN),
    ("charge.dispute.closed", dispute("lost"), TAKEN),
    ("charge.dispute.closed", dispute("won"), TAKEN._replace(won=True)),
    ("charge.dispute.funds_reinstated", dispute("won"), TAKEN._replace(won=True)),
    ("charge.dispute.created", dispute("warning_needs_response"), None),
    ("charge.dispute.closed", dispute("warning_closed"), None),
    ("charge.dispute.created", dispute("prevented"), None),
    ("charge.dispute.created", dispute("needs_response", payment_intent=None), None),
    # Told by others: a charge does not say which refund it was.
    ("charge.refunded", {"metadata": OPENED, "amount_refunded": 500}, None),
    ("charge.succeeded", {"metadata": OPENED}, None),
    ("customer.created", {"id": "cus_1"}, None),
    ("a.kind.of.tomorrow", {}, None),
]


@pytest.mark.parametrize(("kind", "thing", "meant"), MEANT)
@pytest.mark.parametrize("read", [dict, lambda data: stripe.Event.construct_from(data, "sk_test")])
def test_what_each_event_means(
    kind: str,
    thing: dict[str, Any],
    meant: object,
    read: Any,  # noqa: ANN401 - one of two ways
) -> None:
    """As plain data, or as the library reads it."""
    assert meant == notification(read(event(kind, **thing)))


def test_an_amount_that_cannot_be_told_is_refused() -> None:
    """Rather than told a hundredfold."""
    with pytest.raises(InvalidInput):
        notification(event("charge.dispute.created", **dispute("needs_response", currency="ugx")))
    told = notification(event("refund.created", **refund("succeeded", currency="jpy")))
    assert RefundNotice("pi_1", Money(500, "JPY"), "re_1") == told


@pytest.fixture
def peer() -> Inside:
    """A fresh account."""
    return inside()


def test_signatures_are_checked_by_stripes_library(peer: Inside) -> None:
    """What arrives from the fake verifies with its secret, and with no other, nor when changed."""
    StripePayments(peer.client()).charge(asked("charge", instrument=saved(peer)))
    deliveries = peer.do("deliveries", copies=2)
    found = []
    for one in deliveries:
        told = stripe.Webhook.construct_event(one["payload"], one["signature"], "whsec_test")
        found.append(notification(told))
        for payload, secret in (
            (one["payload"], "whsec_other"),
            (one["payload"] + " ", "whsec_test"),
        ):
            with pytest.raises(stripe.SignatureVerificationError):
                stripe.Webhook.construct_event(payload, one["signature"], secret)
    operations = {one.operation_id: one.outcome for one in found if one is not None}
    assert ["o1/p1/charge-1"] == list(operations)
    assert 4 == len(found)
    assert 2 == len({json.loads(one["payload"])["id"] for one in deliveries})


@pytest.mark.parametrize(
    "wrong",
    [
        7,
        [],
        {},
        {"type": "refund.created"},
        {"type": 7, "data": {"object": {}}},
        event("refund.created", **refund("succeeded", amount="500")),
        event("refund.created", **refund("succeeded", payment_intent=["pi_1"])),
        event("refund.failed", **refund("failed", metadata=OURS)) | {"created": "now"},
        event("charge.dispute.created", **dispute("won", reason=None)),
        event("charge.dispute.created", **dispute("won", currency=[])),
        event("payment_intent.succeeded", metadata={"orderwright": ["o1"]}),
    ],
)
def test_what_is_no_event_of_stripes_is_refused(wrong: Any) -> None:  # noqa: ANN401 - as it says
    """One typed error, whatever somebody posts to the endpoint."""
    with pytest.raises(InvalidInput):
        notification(wrong)
