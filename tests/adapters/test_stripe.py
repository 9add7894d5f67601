"""The payment port at Stripe, verb by verb, against the fake and the official client."""

import asyncio
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from orderwright import InvalidInput, Money, OrderDesk, PaymentOutcome, PaymentRequest
from orderwright.adapters.memory import MemoryInventory, MemoryOrders
from orderwright.adapters.stripe import AsyncStripePayments, StripePayments, calls
from orderwright.adapters.stripe.amounts import money, smallest
from orderwright.adapters.stripe.folding import MAX_KEY, idempotency_key
from orderwright.errors import AdapterFault, KeyReused, OutcomeUnknown
from orderwright.money import CURRENCIES
from orderwright.payments.operations import OperationKind
from orderwright.ports import AsyncPaymentPort, Finding, PaymentPort
from tests.stripe_fake.peer import Inside, Peer, elsewhere, inside, saved

WAY_BACK = "https://shop.example/back"
# The library's client for httpx hands over its body in a way that httpx calls outdated.
over_httpx = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


def eur(amount: str) -> Money:
    """So many euros."""
    return Money.of(amount, "EUR")


def asked(
    kind: OperationKind,
    amount: str = "30.00",
    *,
    number: int = 1,
    instrument: str = "",
    reference: str = "",
    currency: str = "EUR",
    order_id: str = "o1",
) -> PaymentRequest:
    """What the core asks of a provider."""
    return PaymentRequest(
        id=f"{order_id}/p1/{kind}-{number}",
        kind=kind,
        order_id=order_id,
        payment_id="p1",
        method="card",
        amount=Money.of(amount, currency),
        instrument=instrument,
        reference=reference,
    )


class Awaited:
    """An async port, asked by somebody who waits."""

    def __init__(self, port: AsyncPaymentPort) -> None:
        self.port = port
        self.capabilities = port.capabilities

    def __getattr__(self, verb: str) -> Callable[[PaymentRequest], Any]:
        """Ask and wait."""
        return lambda request: asyncio.run(getattr(self.port, verb)(request))


Opened = Callable[..., PaymentPort]


@pytest.fixture(params=["sync", "async"])
def adapter(request: pytest.FixtureRequest) -> Opened:
    """How an adapter is made of a peer: a sync one, and an async one."""

    def made(peer: Peer, **terms: Any) -> PaymentPort:  # noqa: ANN401 - its own
        if request.param == "sync":
            return StripePayments(peer.client(), **terms)
        return Awaited(AsyncStripePayments(peer.client(), **terms))

    return made


@pytest.fixture
def peer() -> Inside:
    """A fresh account."""
    return inside()


@pytest.fixture
def over_http() -> Iterator[Peer]:
    """A fake behind a socket."""
    with elsewhere() as peer:
        yield peer


def effects(peer: Peer) -> list[tuple[str, int]]:
    """What the books show, in order."""
    return [(entry["kind"], entry["amount"]) for entry in peer.do("state")["books"]]


def perform(port: PaymentPort, request: PaymentRequest) -> PaymentOutcome:
    """Ask by the verb the request names."""
    return getattr(port, request.kind)(request)


# Amounts -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "currency", "units"),
    [
        ("12.50", "EUR", 1250),
        ("500", "JPY", 500),
        ("5", "ISK", 500),
        ("5.00", "MGA", 5),
        ("5.120", "KWD", 5120),
        ("10.45", "HUF", 1045),
        ("10.45", "TWD", 1045),
    ],
)
def test_amounts_are_counted_as_stripe_counts_them(amount: str, currency: str, units: int) -> None:
    """The examples of Stripe's page on currencies, there and back."""
    assert units == smallest(Money.of(amount, currency))
    assert Money.of(amount, currency) == money(units, currency.lower())


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("5.124", "KWD"), ("5.01", "MGA"), ("5", "UGX"), ("5", "IQD"), ("5", "LYD")],
)
def test_what_stripe_cannot_move_exactly_is_refused(amount: str, currency: str) -> None:
    """Fractions that do not exist there, and currencies of which its word is not clear."""
    with pytest.raises(InvalidInput):
        smallest(Money.of(amount, currency))


@pytest.mark.parametrize(("units", "currency"), [(505, "isk"), (5, "ugx"), (5, "xxx")])
def test_what_stripe_should_not_say_is_refused(units: int, currency: str) -> None:
    """An amount that none of ours corresponds to."""
    with pytest.raises(InvalidInput):
        money(units, currency)


@given(st.integers(0, 10**9), st.sampled_from(sorted(CURRENCIES)))
def test_amounts_come_back_as_they_went(minor: int, currency: str) -> None:
    """Whatever can be told to Stripe is read back as the same amount."""
    amount = Money(minor, currency)
    try:
        units = smallest(amount)
    except InvalidInput:
        return
    assert amount == money(units, currency.lower())


# Keys ----------------------------------------------------------------------------------------

ids = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=300)


@given(ids, ids)
def test_each_id_has_a_key_of_its_own_that_fits_a_header(one: str, other: str) -> None:
    """Plain ASCII of at most 255 characters, the same for the same id and for no other."""
    key = idempotency_key(one)
    assert key.isascii()
    assert len(key) <= MAX_KEY
    assert (one == other) == (key == idempotency_key(other))


def test_ids_in_any_script_reach_stripe_and_are_found(adapter: Opened, peer: Inside) -> None:
    """An order's id may be written in any script, and long."""
    port = adapter(peer)
    for order_id in ("注文-1", 'Ünï \\ "quoted"', "x" * 200):
        request = asked("authorize", instrument=saved(peer), order_id=order_id)
        first = port.authorize(request)
        assert ("succeeded", first) == (first.outcome, port.authorize(request))
        assert first == port.look_up(request)
    assert 3 == len(effects(peer))


# Every verb ----------------------------------------------------------------------------------


def test_an_authorization_is_captured_once_and_the_rest_is_given_back(
    adapter: Opened, peer: Inside
) -> None:
    """Authorize, capture a part; a second capture and a void are refused, and have no effect."""
    port = adapter(peer)
    assert not port.capabilities.several_captures
    before = datetime.now(UTC)
    held = port.authorize(asked("authorize", instrument=saved(peer)))
    assert ("succeeded", eur("30.00"), False) == (held.outcome, held.amount, held.captured_once)
    assert held.expires_at is not None
    assert timedelta(days=7) - timedelta(minutes=1) < held.expires_at - before < timedelta(days=8)
    taken = port.capture(asked("capture", "10.00", reference=held.reference))
    assert ("succeeded", eur("10.00")) == (taken.outcome, taken.amount)
    again = port.capture(asked("capture", "10.00", number=2, reference=held.reference))
    back = port.void(asked("void", "20.00", reference=held.reference))
    assert ("failed", "failed") == (again.outcome, back.outcome)
    assert "payment_intent_unexpected_state" in again.reason
    assert [("authorize", 3000), ("capture", 1000), ("release", 2000)] == effects(peer)


def test_never_more_is_captured_than_is_authorized(adapter: Opened, peer: Inside) -> None:
    """Too much is the outcome failed; what is authorized can still be captured."""
    port = adapter(peer)
    held = port.authorize(asked("authorize", instrument=saved(peer)))
    much = port.capture(asked("capture", "30.01", reference=held.reference))
    assert ("failed", True) == (much.outcome, much.reason.startswith("amount_too_large"))
    all_ = port.capture(asked("capture", "30.00", number=2, reference=held.reference))
    assert "succeeded" == all_.outcome


def test_an_account_with_multicapture_captures_parcel_by_parcel(adapter: Opened) -> None:
    """What is left stays authorized, until the last of it is taken or given back."""
    peer = inside(multicapture=True)
    port = adapter(peer, multicapture=True)
    assert port.capabilities.several_captures
    held = port.authorize(asked("authorize", instrument=saved(peer)))
    for number in (1, 2):
        request = asked("capture", "10.00", number=number, reference=held.reference)
        assert "succeeded" == port.capture(request).outcome
        assert "succeeded" == port.look_up(request).outcome
    part = port.void(asked("void", "4.00", reference=held.reference))
    assert ("failed", "only all of the 1000 can be given back") == (part.outcome, part.reason)
    rest = asked("void", "10.00", number=2, reference=held.reference)
    assert "not_found" == port.look_up(rest)
    assert "succeeded" == port.void(rest).outcome == port.void(rest).outcome
    assert "succeeded" == port.look_up(rest).outcome
    kinds = [kind for kind, _ in effects(peer)]
    assert ["authorize", "capture", "capture", "release"] == kinds


def test_a_card_that_can_be_captured_once_says_so(adapter: Opened) -> None:
    """Not every card can do what the account can, and the core is told of this one."""
    peer = inside(multicapture=True)
    port = adapter(peer, multicapture=True)
    able = port.authorize(asked("authorize", instrument=saved(peer)))
    unable = port.authorize(
        asked("authorize", instrument=saved(peer, "pm_card_jcb"), order_id="o2")
    )
    assert (False, True) == (able.captured_once, unable.captured_once)
    taken = port.capture(asked("capture", "10.00", reference=unable.reference, order_id="o2"))
    assert "succeeded" == taken.outcome
    assert ("release", 2000) == effects(peer)[-1]


def test_a_void_gives_back_all_there_is(adapter: Opened, peer: Inside) -> None:
    """A part cannot be given back, and what is gone cannot be given back again."""
    port = adapter(peer)
    held = port.authorize(asked("authorize", instrument=saved(peer)))
    assert "failed" == port.void(asked("void", "10.00", reference=held.reference)).outcome
    request = asked("void", "30.00", number=2, reference=held.reference)
    assert "succeeded" == port.void(request).outcome == port.void(request).outcome
    assert "failed" == port.void(asked("void", number=3, reference=held.reference)).outcome
    assert "failed" == port.capture(asked("capture", reference=held.reference)).outcome
    assert [("authorize", 3000), ("cancel", 3000)] == effects(peer)


def test_a_charge_takes_in_one_step_and_is_paid_back_in_parts(
    adapter: Opened, peer: Inside
) -> None:
    """Refunds add up to what was taken, and not to a cent more."""
    port = adapter(peer)
    paid = port.charge(asked("charge", instrument=saved(peer)))
    assert ("succeeded", eur("30.00")) == (paid.outcome, paid.amount)
    part = port.refund(asked("refund", "12.00", reference=paid.reference))
    assert ("succeeded", eur("12.00")) == (part.outcome, part.amount)
    much = port.refund(asked("refund", "18.01", number=2, reference=paid.reference))
    assert ("failed", True) == (much.outcome, "greater than unrefunded" in much.reason)
    assert (
        "succeeded"
        == port.refund(asked("refund", "18.00", number=3, reference=paid.reference)).outcome
    )
    gone = port.refund(asked("refund", "0.01", number=4, reference=paid.reference))
    assert ("failed", True) == (gone.outcome, gone.reason.startswith("charge_already_refunded"))
    assert [("charge", 3000), ("refund", 1200), ("refund", 1800)] == effects(peer)


def test_what_was_never_taken_is_not_paid_back(adapter: Opened, peer: Inside) -> None:
    """Stripe pays back only what it took: neither an authorization nor to another tender."""
    port = adapter(peer)
    held = port.authorize(asked("authorize", instrument=saved(peer)))
    assert "failed" == port.refund(asked("refund", reference=held.reference)).outcome
    paid_out = asked("refund", number=2, instrument="account-7")
    assert "failed" == port.refund(paid_out).outcome
    assert "not_found" == port.look_up(paid_out)


DECLINES = [
    ("pm_card_chargeCustomerFail", "card_declined generic_decline"),
    ("pm_card_visa_chargeDeclined", "card_declined generic_decline"),
    ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined insufficient_funds"),
    ("pm_card_visa_chargeDeclinedLostCard", "card_declined lost_card"),
    ("pm_card_visa_chargeDeclinedStolenCard", "card_declined stolen_card"),
    ("pm_card_chargeDeclinedExpiredCard", "expired_card expired_card"),
    ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc incorrect_cvc"),
    ("pm_card_chargeDeclinedProcessingError", "processing_error processing_error"),
]


@pytest.mark.parametrize(("card", "code"), DECLINES)
@pytest.mark.parametrize("kind", ["authorize", "charge"])
def test_a_declined_card_is_an_outcome(
    adapter: Opened, peer: Inside, kind: OperationKind, card: str, code: str
) -> None:
    """With the bank's reason and the payment's id; said again and looked up it is the same."""
    customer = peer.client().v1.customers.create().id
    port, request = adapter(peer), asked(kind, instrument=f"{customer}/{card}")
    outcome = perform(port, request)
    assert ("declined", eur("30.00")) == (outcome.outcome, outcome.amount)
    assert outcome.reason.startswith(f"{code}: ")
    assert outcome.reference.startswith("pi_")
    assert outcome == perform(port, request) == port.look_up(request)
    assert [] == effects(peer)


@pytest.mark.parametrize(
    ("terms", "next_action"),
    [
        ({}, "pi_"),
        ({"off_session": False}, "pi_"),
        ({"off_session": False, "return_url": WAY_BACK}, "https://hooks.stripe.com/"),
    ],
)
@pytest.mark.parametrize("ok", [True, False])
def test_a_customer_who_has_to_be_asked_is_sent_to_their_bank(
    adapter: Opened,
    peer: Inside,
    terms: dict[str, Any],
    next_action: str,
    ok: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """An address, or the payment intent to confirm (never its secret); and what comes of it."""
    port = adapter(peer, **terms)
    request = asked("authorize", instrument=saved(peer, "pm_card_authenticationRequired"))
    outcome = port.authorize(request)
    assert "requires_action" == outcome.outcome
    assert outcome.next_action.startswith(next_action)
    assert "secret" not in outcome.next_action
    assert outcome.next_action == port.look_up(request).next_action
    peer.do("authenticate", name=outcome.reference, ok=ok)
    after = port.look_up(request)
    assert ("succeeded" if ok else "declined") == after.outcome
    assert after.next_action == ""
    # Sent again, it is told as it is now and not as it was.
    assert after == port.authorize(request)


def test_what_takes_days_is_pending_until_it_is_decided(adapter: Opened, peer: Inside) -> None:
    """A bank debit, and a refund that takes its time; each is found as it stands."""
    port = adapter(peer)
    for number, ok in ((1, True), (2, False)):
        request = asked("charge", number=number, instrument=saved(peer, "pm_usBankAccount"))
        outcome = port.charge(request)
        assert ("pending", "pending") == (outcome.outcome, port.look_up(request).outcome)
        peer.do("settle", name=outcome.reference, ok=ok)
        assert ("succeeded" if ok else "declined") == port.look_up(request).outcome
    paid = port.charge(
        asked("charge", instrument=saved(peer, "pm_card_pendingRefund"), order_id="o2")
    )
    for number, ok in ((1, True), (2, False)):
        request = asked("refund", "10.00", number=number, reference=paid.reference, order_id="o2")
        refund = port.refund(request)
        assert ("pending", eur("10.00")) == (refund.outcome, refund.amount)
        peer.do("settle_refund", name=refund.reference, ok=ok)
        after = port.look_up(request)
        expected = ("succeeded", "") if ok else ("failed", "lost_or_stolen_card")
        assert expected == (after.outcome, after.reason)
        assert after == port.refund(request)


def test_what_a_bank_debit_cannot_do_is_refused(adapter: Opened, peer: Inside) -> None:
    """Nothing can be reserved on a bank account: our configuration is wrong, not the customer."""
    request = asked("authorize", instrument=saved(peer, "pm_usBankAccount"))
    with pytest.raises(AdapterFault, match="o1/p1/authorize-1: payment_intent_invalid_parameter"):
        adapter(peer).authorize(request)


def test_an_authorization_that_ran_out_was_one(adapter: Opened, peer: Inside) -> None:
    """Looked up late, it has been given; but it cannot be captured, and is given back."""
    port, request = adapter(peer), asked("authorize", instrument=saved(peer))
    held = port.authorize(request)
    peer.do("expire", name=held.reference)
    assert held == port.look_up(request)
    assert "failed" == port.capture(asked("capture", reference=held.reference)).outcome
    assert "succeeded" == port.look_up(asked("void", reference=held.reference)).outcome


def test_a_payment_intent_cancelled_before_it_was_paid_is_failed(
    adapter: Opened, peer: Inside
) -> None:
    """Somebody gave up, in the dashboard, what the customer had still to confirm."""
    port = adapter(peer)
    request = asked("charge", instrument=saved(peer, "pm_card_authenticationRequired"))
    waiting = port.charge(request)
    peer.client().v1.payment_intents.cancel(waiting.reference)
    found = port.look_up(request)
    assert "failed" == found.outcome


@pytest.mark.parametrize(
    ("instrument", "amount", "currency"),
    [
        ("", "30.00", "EUR"),
        ("pm_card_visa", "30.00", "EUR"),
        ("/pm_card_visa", "30.00", "EUR"),
        ("cus_1/pm_card_visa", "5.124", "KWD"),
        ("cus_1/pm_card_visa", "5", "UGX"),
    ],
)
def test_what_cannot_be_asked_is_failed_without_asking(
    adapter: Opened, peer: Inside, instrument: str, amount: str, currency: str
) -> None:
    """A tender nobody saved, and an amount that Stripe does not know."""
    port = adapter(peer)
    request = asked("authorize", amount, currency=currency, instrument=instrument)
    assert ("failed", "not_found") == (port.authorize(request).outcome, port.look_up(request))
    assert [] == peer.account.asked


@pytest.mark.parametrize(
    ("instrument", "amount"),
    [("cus_none/pm_card_visa", "30.00"), ("{}/pm_none", "30.00"), ("{}/pm_card_visa", "0.49")],
)
def test_what_the_order_has_wrong_is_failed(
    adapter: Opened, peer: Inside, instrument: str, amount: str
) -> None:
    """An unknown customer, a card that is not theirs, too little: another tender may do."""
    customer = peer.client().v1.customers.create().id
    port = adapter(peer)
    request = asked("charge", amount, instrument=instrument.format(customer))
    assert ("failed", "not_found") == (port.charge(request).outcome, port.look_up(request))


def test_a_card_pays_for_nobody_but_its_owner(adapter: Opened, peer: Inside) -> None:
    """Somebody else's customer id does not open a saved card."""
    _, method = saved(peer).split("/")
    other, _ = saved(peer).split("/")
    outcome = adapter(peer).authorize(asked("authorize", instrument=f"{other}/{method}"))
    assert ("failed", True) == (outcome.outcome, "does not have" in outcome.reason)


# Once, and only once -------------------------------------------------------------------------


def by_sync_client(peer: Peer, request: PaymentRequest) -> PaymentOutcome:
    """Ask with a client of its own."""
    return perform(StripePayments(peer.client()), request)


def by_async_client(peer: Peer, request: PaymentRequest) -> PaymentOutcome:
    """Ask with an async client of its own, which is closed afterwards."""

    async def ask() -> PaymentOutcome:
        transport = stripe.HTTPXClient()
        try:
            port = AsyncStripePayments(peer.client(http_client=transport))
            return await getattr(port, request.kind)(request)
        finally:
            await transport.close_async()

    return asyncio.run(ask())


@over_httpx
@pytest.mark.parametrize("first", [by_sync_client, by_async_client])
@pytest.mark.parametrize("then", [by_sync_client, by_async_client])
def test_the_same_request_after_a_restart_has_one_effect(
    over_http: Peer,
    first: Callable[[Peer, PaymentRequest], PaymentOutcome],
    then: Callable[[Peer, PaymentRequest], PaymentOutcome],
) -> None:
    """Two clients, as of two processes, on a Stripe in a third: the key is ours, not theirs."""
    opening = asked("authorize", instrument=saved(over_http))
    held = first(over_http, opening)
    assert held == then(over_http, opening)
    for request in (
        asked("capture", "20.00", reference=held.reference),
        asked("refund", "5.00", reference=held.reference),
    ):
        outcome = first(over_http, request)
        assert ("succeeded", outcome) == (outcome.outcome, then(over_http, request))
    kinds = [kind for kind, _ in effects(over_http)]
    assert ["authorize", "capture", "release", "refund"] == kinds


def test_the_clients_own_random_key_would_not_do(
    monkeypatch: pytest.MonkeyPatch, peer: Inside
) -> None:
    """An adapter that forgets the key looks right, and reserves the money twice."""
    monkeypatch.setattr(calls, "_once", lambda _: {})
    request = asked("authorize", instrument=saved(peer))
    outcomes = [StripePayments(peer.client()).authorize(request).outcome for _ in range(2)]
    keys = [key for name, key in peer.account.asked if name == "create"]
    assert ["succeeded", "succeeded"] == outcomes
    assert len(set(keys)) == len([key for key in keys if key]) == 2
    assert [("authorize", 3000), ("authorize", 3000)] == effects(peer)


def test_every_post_carries_the_key_of_its_operation(adapter: Opened, peer: Inside) -> None:
    """Whatever has an effect at Stripe is asked for under our id."""
    port = adapter(peer)
    held = port.authorize(asked("authorize", instrument=saved(peer)))
    port.capture(asked("capture", reference=held.reference))
    port.refund(asked("refund", reference=held.reference))
    other = port.authorize(asked("authorize", instrument=saved(peer), order_id="o2"))
    port.void(asked("void", reference=other.reference, order_id="o2"))
    own = {name: key for name, key in peer.account.asked if name not in ("customer", "attach")}
    assert "o1/p1/capture-1" == own["capture"]
    assert "o1/p1/refund-1" == own["refund"]
    assert "o2/p1/authorize-1" == own["create"]
    assert "o2/p1/void-1" == own["cancel"]


@pytest.mark.parametrize("kind", ["authorize", "capture", "refund"])
def test_other_content_under_a_known_id_is_refused(
    adapter: Opened, peer: Inside, kind: OperationKind
) -> None:
    """And has no effect."""
    port = adapter(peer)
    instrument = saved(peer)
    held = port.authorize(asked("authorize", number=9, instrument=instrument))
    if kind == "refund":
        port.capture(asked("capture", reference=held.reference))
    about = {"instrument": instrument, "reference": held.reference}
    perform(port, asked(kind, "10.00", **about))
    before = effects(peer)
    with pytest.raises(KeyReused) as caught:
        perform(port, asked(kind, "9.00", **about))
    assert f"o1/p1/{kind}-1" == caught.value.key
    assert before == effects(peer)


def test_two_at_once_under_one_id_are_one(peer: Inside) -> None:
    """The second is told that the first is being served, which leaves open what comes of it."""
    peer.do("fail", faults=[{"on": "create", "do": "slow"}])
    request = asked("authorize", instrument=saved(peer))

    def ask(_: int) -> Finding:
        try:
            return StripePayments(peer.client()).authorize(request)
        except OutcomeUnknown as unknown:
            return "unsure" if "idempotency_key_in_use" in unknown.detail else "not_found"

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(ask, range(2)))
    assert 1 == found.count("unsure")
    assert [("authorize", 3000)] == effects(peer)
    assert StripePayments(peer.client()).look_up(request) in found


def test_beyond_the_life_of_keys_operations_are_still_found(adapter: Opened, peer: Inside) -> None:
    """Our id lies with what it made, so looking up does not depend on the keys."""
    port, instrument = adapter(peer), saved(peer)
    requests = [asked("authorize", instrument=instrument)]
    reference = port.authorize(requests[0]).reference
    requests += [
        asked("capture", "20.00", reference=reference),
        asked("refund", "5.00", reference=reference),
    ]
    for request in requests[1:]:
        perform(port, request)
    peer.do("forget_keys")
    assert ["succeeded"] * 3 == [port.look_up(request).outcome for request in requests]


def test_an_operation_is_found_on_any_page(peer: Inside) -> None:
    """A customer with many payments, and a payment with many refunds."""
    port, instrument = StripePayments(peer.client()), saved(peer)
    first = asked("charge", "100.00", instrument=instrument)
    paid = port.charge(first)
    for number in range(2, 103):
        port.charge(asked("charge", "1.00", number=number, instrument=instrument))
        refund = asked("refund", "0.50", number=number, reference=paid.reference)
        assert "succeeded" == port.refund(refund).outcome
    assert paid.reference == port.look_up(first).reference
    assert (
        "succeeded"
        == port.look_up(asked("refund", "0.50", number=2, reference=paid.reference)).outcome
    )
    assert "not_found" == port.look_up(asked("charge", number=999, instrument=instrument))
    assert "not_found" == port.look_up(asked("refund", number=999, reference=paid.reference))


# What goes wrong -----------------------------------------------------------------------------

FAULTS = {
    # What happens: whether it was done, and what the adapter may say of it.
    "cut": (False, OutcomeUnknown),
    "lost": (True, OutcomeUnknown),
    "500": (True, OutcomeUnknown),
    "503": (False, OutcomeUnknown),
    "in_use": (False, OutcomeUnknown),
    "429": (False, AdapterFault),
    "locked": (False, AdapterFault),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", ["authorize", "charge", "capture", "void", "refund"])
def test_after_a_fault_looking_up_tells_what_happened(
    adapter: Opened, peer: Inside, kind: OperationKind, fault: str
) -> None:
    """Done or not, looking up says so; sent again if not, it is done once."""
    port, instrument = adapter(peer), saved(peer)
    first = asked("authorize", number=9, instrument=instrument)
    reference = "" if kind in ("authorize", "charge") else port.authorize(first).reference
    if kind == "refund":
        port.capture(asked("capture", reference=reference))
    before = effects(peer)
    request = asked(kind, instrument=instrument, reference=reference)
    peer.do("fail", faults=[{"on": "post", "do": fault}])
    done, error = FAULTS[fault]
    with pytest.raises(error) as caught:
        perform(port, request)
    assert (error, True, "stripe") == (
        type(caught.value),
        caught.value.retryable,
        caught.value.adapter,
    )
    assert request.id in caught.value.detail
    found = port.look_up(request)
    if done:
        assert "succeeded" == found.outcome
    else:
        assert "not_found" == found
        assert before == effects(peer)
        found = perform(port, request)
    assert ("succeeded", eur("30.00")) == (found.outcome, found.amount)
    assert 1 == len(effects(peer)) - len(before)


@pytest.mark.parametrize("fault", ["cut", "lost", "503", "429", "locked"])
@pytest.mark.parametrize("kind", ["authorize", "charge", "capture", "void", "refund"])
def test_where_looking_up_fails_nothing_is_claimed(
    adapter: Opened, peer: Inside, kind: OperationKind, fault: str
) -> None:
    """No answer now is neither found nor not found."""
    request = asked(kind, instrument=saved(peer), reference="pi_1")
    peer.do("fail", faults=[{"on": "get", "do": fault}])
    assert "unsure" == adapter(peer).look_up(request)


def test_what_is_about_nothing_stripe_has_is_not_found(adapter: Opened, peer: Inside) -> None:
    """A payment of another account: sending would have no effect either."""
    port = adapter(peer)
    request = asked("capture", reference="pi_elsewhere")
    assert "not_found" == port.look_up(request)
    outcome = port.capture(request)
    assert ("failed", True) == (outcome.outcome, outcome.reason.startswith("resource_missing"))


@pytest.mark.parametrize("key", ["", "sk_live_stolen"])
def test_a_wrong_key_is_the_hosts_to_put_right(peer: Inside, key: str) -> None:
    """It says nothing of the order, and trying again does not help."""
    client = stripe.StripeClient(key or "none", http_client=peer.client()._requestor._client)
    port = StripePayments(client)
    request = asked("authorize", instrument="cus_1/pm_1")
    for ask in (port.authorize, port.look_up):
        with pytest.raises(AdapterFault) as caught:
            ask(request)
        assert (AdapterFault, False) == (type(caught.value), caught.value.retryable)


class Canned(stripe.HTTPClient):
    """A network on which every request is answered alike."""

    name = "canned"

    def __init__(self, status: int, body: str) -> None:
        super().__init__()
        self.answer = (body, status, {})

    def request(self, *_: object, **__: object) -> tuple[str, int, dict[str, str]]:
        """Answer."""
        return self.answer


CARD = {"type": "card_error", "message": "No."}
BAD = {"type": "invalid_request_error", "message": "No."}
OURS = ("authorize", "charge")
LATER = ("capture", "void", "refund")
TABLE: list[tuple[int, dict[str, str] | None, tuple[OperationKind, ...], object]] = [
    # Refusals by the payer's side.
    (402, {**CARD, "code": "card_declined"}, (*OURS, "capture"), "declined"),
    (402, {**CARD, "code": "expired_card"}, OURS, "declined"),
    (402, {**BAD, "code": "balance_insufficient"}, ("refund",), "failed"),
    # What the order has wrong, or asks for too late or too much.
    (400, {**BAD, "param": "payment_method"}, OURS, "failed"),
    (400, {**BAD, "code": "resource_missing", "param": "customer"}, OURS, "failed"),
    (400, {**BAD, "code": "amount_too_small", "param": "amount"}, OURS, "failed"),
    (400, {**BAD, "code": "payment_intent_unexpected_state"}, LATER, "failed"),
    (400, {**BAD, "code": "charge_already_refunded"}, LATER, "failed"),
    (400, {**BAD, "code": "charge_disputed"}, LATER, "failed"),
    (404, {**BAD, "code": "resource_missing", "param": "intent"}, LATER, "failed"),
    (400, {**BAD, "param": "amount"}, LATER, "failed"),
    (400, BAD, LATER, "failed"),
    # What we have wrong.
    (400, BAD, OURS, (AdapterFault, False)),
    (
        400,
        {**BAD, "code": "parameter_unknown", "param": "x"},
        (*OURS, *LATER),
        (AdapterFault, False),
    ),
    (404, {**BAD, "code": "url_invalid"}, (*OURS, *LATER), (AdapterFault, False)),
    (401, BAD, (*OURS, *LATER), (AdapterFault, False)),
    (403, BAD, (*OURS, *LATER), (AdapterFault, False)),
    (400, {**BAD, "type": "idempotency_error"}, (*OURS, *LATER), (KeyReused, None)),
    # Turned away before anything was done.
    (429, {**BAD, "code": "rate_limit"}, (*OURS, *LATER), (AdapterFault, True)),
    (429, {**BAD, "code": "lock_timeout"}, (*OURS, *LATER), (AdapterFault, True)),
    (409, {**BAD, "code": "lock_timeout"}, (*OURS, *LATER), (AdapterFault, True)),
    # It may have happened.
    (409, {**BAD, "code": "idempotency_key_in_use"}, (*OURS, *LATER), (OutcomeUnknown, True)),
    (424, BAD, (*OURS, *LATER), (OutcomeUnknown, True)),
    (500, {"type": "api_error", "message": "No."}, (*OURS, *LATER), (OutcomeUnknown, True)),
    (502, None, (*OURS, *LATER), (OutcomeUnknown, True)),
    (200, None, (*OURS, *LATER), (OutcomeUnknown, True)),
]


@pytest.mark.parametrize(
    ("status", "error", "kind", "meant"),
    [(status, error, kind, meant) for status, error, kinds, meant in TABLE for kind in kinds],
)
def test_what_each_error_means(
    status: int, error: dict[str, str] | None, kind: OperationKind, meant: object
) -> None:
    """The table of answers, by verb."""
    body = "<html>" if error is None else json.dumps({"error": error})
    client = stripe.StripeClient(
        "sk_test_1", http_client=Canned(status, body), max_network_retries=0
    )
    port = StripePayments(client)
    request = asked(kind, instrument="cus_1/pm_1", reference="pi_1")
    if isinstance(meant, str):
        outcome = perform(port, request)
        assert (meant, eur("30.00")) == (outcome.outcome, outcome.amount)
        assert outcome.reason.endswith("No.")
        return
    kind_, retryable = meant
    with pytest.raises(kind_) as caught:
        perform(port, request)
    assert kind_ is type(caught.value)
    assert retryable is getattr(caught.value, "retryable", None)


# At the desk ---------------------------------------------------------------------------------


def test_an_async_adapter_needs_the_async_desk(peer: Inside) -> None:
    """It is told so when the desk is made, not when the first card is charged."""
    with pytest.raises(InvalidInput, match="AsyncOrderDesk"):
        OrderDesk(
            orders=MemoryOrders(),
            inventory=MemoryInventory(),
            payments=AsyncStripePayments(peer.client()),
            locations=[],
        )
