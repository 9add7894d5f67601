"""The fake Stripe beside two fakes of others, where those are right: `nox -s crosscheck`.

They run as processes of their own, from environments of their own, and are asked over loopback
HTTP by the official client: `localstripe` (GPL; payment intents and signed webhooks, but it ignores
idempotency keys, accepts refunds of more than was taken and captures what was cancelled) and
`stripe-stateful-mock` (idempotency keys and limits of refunds, but charges instead of payment
intents). Where one of them is known to be wrong, it is not asked.
"""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlencode
from urllib.request import urlopen

import pytest
import stripe

from orderwright.adapters.stripe import OperationNotice, StripePayments, notification
from orderwright.payments.operations import PaymentOutcome
from orderwright.ports import PaymentPort
from tests.adapters.test_stripe import asked
from tests.conftest import absent
from tests.stripe_fake.peer import KEY, inside, saved

LOCALSTRIPE = "ORDERWRIGHT_LOCALSTRIPE"
STATEFUL_MOCK = "ORDERWRIGHT_STRIPE_STATEFUL_MOCK"
SECRET = "whsec_crosscheck"  # noqa: S105 - made up

SERVE_LOCALSTRIPE = """
import sys
from aiohttp import web
from localstripe.server import app
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
"""
SERVE_MOCK = """
const { createExpressApp } = require("stripe-stateful-mock");
createExpressApp().listen(Number(process.argv[1]), "127.0.0.1");
"""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def serving(command: Sequence[str], port: int, folder: Path) -> Iterator[int]:
    """A process that serves on `port`, until the block ends."""
    environment = {**os.environ, "TMPDIR": str(folder), "LOG_LEVEL": "silent"}
    process = subprocess.Popen(command, cwd=folder, env=environment)
    try:
        for _ in range(150):
            with socket.socket() as probe:
                if not probe.connect_ex(("127.0.0.1", port)):
                    break
            assert process.poll() is None, "it ended before it served"
            time.sleep(0.1)
        yield port
    finally:
        process.kill()
        process.wait(timeout=10)


@pytest.fixture(scope="module")
def localstripe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of localstripe; it would listen everywhere by itself, so its app is served here."""
    python = os.environ.get(LOCALSTRIPE)
    if not python:
        absent("crosscheck", f"no {LOCALSTRIPE}: the Python of an environment with localstripe")
    port = free_port()
    command = [str(python), "-c", SERVE_LOCALSTRIPE, str(port)]
    with serving(command, port, tmp_path_factory.mktemp("localstripe")):
        yield port


@pytest.fixture(scope="module")
def stateful_mock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of stripe-stateful-mock."""
    modules = os.environ.get(STATEFUL_MOCK)
    if not modules:
        absent("crosscheck", f"no {STATEFUL_MOCK}: a folder where npm installed it")
    port = free_port()
    folder = tmp_path_factory.mktemp("stateful_mock")
    (folder / "node_modules").symlink_to(Path(str(modules)) / "node_modules")
    with serving(["node", "-e", SERVE_MOCK, str(port)], port, folder):
        yield port


class Thin(stripe.RequestsClient):
    """Leaves out what localstripe does not know, although Stripe does."""

    UNKNOWN = ("automatic_payment_methods", "expand", "payment_method_options", "return_url")

    def request(
        self,
        method: str,
        url: str,
        headers: Any,  # noqa: ANN401 - as the base has it
        post_data: Any = None,  # noqa: ANN401
        *,
        _usage: list[str] | None = None,
    ) -> Any:  # noqa: ANN401
        """Ask, with less."""
        unknown = (*self.UNKNOWN, "metadata") if url.endswith("/capture") else self.UNKNOWN
        if post_data is not None:
            pairs = [one for one in parse_qsl(post_data) if not one[0].startswith(unknown)]
            post_data = urlencode(pairs)
        return super().request(method, url.split("?", maxsplit=1)[0], headers, post_data)


def client_of(port: int, **more: Any) -> stripe.StripeClient:  # noqa: ANN401 - the client's own
    """The official client on a port."""
    where = {"api": f"http://127.0.0.1:{port}"}
    return stripe.StripeClient(KEY, base_addresses=where, max_network_retries=0, **more)


# localstripe ---------------------------------------------------------------------------------

NUMBERS = {
    "pm_card_visa": "4242424242424242",
    "pm_card_chargeCustomerFail": "4000000000000341",
    "pm_card_authenticationRequired": "4000002760003184",
}


def saved_at(client: stripe.StripeClient, card: str) -> str:
    """A card saved by its number, as localstripe has no test methods."""
    customer = client.v1.customers.create({"name": "Ann"})
    expiry = {"exp_month": 12, "exp_year": 2040, "cvc": "123"}
    number = {"number": NUMBERS[card], **expiry}
    method = client.v1.payment_methods.create({"type": "card", "card": number})
    client.v1.payment_methods.attach(method.id, {"customer": customer.id})
    return f"{customer.id}/{method.id}"


def life(port: PaymentPort, save: Callable[[str], str]) -> list[tuple[str, int]]:
    """What a payment goes through, as far as both peers can."""
    told: list[PaymentOutcome] = []

    def tell(outcome: PaymentOutcome) -> PaymentOutcome:
        told.append(outcome)
        return outcome

    held = tell(port.authorize(asked("authorize", instrument=save("pm_card_visa"))))
    tell(port.capture(asked("capture", "10.00", reference=held.reference)))
    tell(port.capture(asked("capture", "10.00", number=2, reference=held.reference)))
    refund = asked("refund", "4.00", reference=held.reference)
    tell(port.refund(refund))
    paid = tell(port.charge(asked("charge", instrument=save("pm_card_visa"))))
    tell(port.refund(asked("refund", "30.00", number=2, reference=paid.reference)))
    declined = save("pm_card_chargeCustomerFail")
    tell(port.charge(asked("charge", number=2, instrument=declined)))
    return [(one.outcome, one.amount.minor) for one in told]


def test_a_payment_goes_through_the_same_at_localstripe(localstripe: int) -> None:
    """The adapter hears the same of both: reserve, take once, pay back, decline."""
    theirs = client_of(localstripe, http_client=Thin())
    ours = inside()
    expected = [
        ("succeeded", 3000),
        ("succeeded", 1000),
        ("failed", 1000),
        ("succeeded", 400),
        ("succeeded", 3000),
        ("succeeded", 3000),
        ("declined", 3000),
    ]
    assert expected == life(StripePayments(ours.client()), lambda card: saved(ours, card))
    assert expected == life(StripePayments(theirs), lambda card: saved_at(theirs, card))


def test_who_has_to_be_asked_has_to_be_asked_at_localstripe(localstripe: int) -> None:
    """A card that wants 3-D Secure, with the customer there."""
    theirs = client_of(localstripe, http_client=Thin())
    ours = inside()
    card = "pm_card_authenticationRequired"
    for client, instrument in (
        (ours.client(), saved(ours, card)),
        (theirs, saved_at(theirs, card)),
    ):
        port = StripePayments(client, off_session=False)
        outcome = port.charge(asked("charge", instrument=instrument))
        assert ("requires_action", outcome.reference) == (outcome.outcome, outcome.next_action)


@contextmanager
def listening() -> Iterator[tuple[int, list[tuple[str, str]]]]:
    """A receiver of webhooks: its port, and what came, as payload and signature."""
    heard: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            heard.append((body, self.headers["stripe-signature"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:  # noqa: ANN401 - as the base has it
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield int(server.server_address[1]), heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_webhooks_of_localstripe_mean_the_same(localstripe: int) -> None:
    """Signed as the fake signs, read as the fake's are."""
    client = client_of(localstripe, http_client=Thin())
    with listening() as (port, heard):
        config = urlencode({"url": f"http://127.0.0.1:{port}/", "secret": SECRET}).encode()
        where = f"http://127.0.0.1:{localstripe}/_config/webhooks/crosscheck"
        with urlopen(where, config, timeout=10) as answer:
            assert 200 == answer.status
        StripePayments(client).charge(
            asked("charge", instrument=saved_at(client, "pm_card_visa"), order_id="o9")
        )
        expected = OperationNotice("o9/p1/charge-1")
        found: set[object] = set()  # also what other tests left to be delivered
        for _ in range(100):
            for payload, signature in list(heard):
                event = stripe.Webhook.construct_event(payload, signature, SECRET)
                if event.type == "payment_intent.succeeded":
                    found.add(notification(event))
            if expected in found:
                break
            time.sleep(0.1)
    assert expected in found


# stripe-stateful-mock ------------------------------------------------------------------------


def test_keys_are_kept_as_by_stateful_mock(stateful_mock: int) -> None:
    """One object for one key, marked when it is told again; other content is refused alike."""
    ours, theirs = inside().client(), client_of(stateful_mock)
    wordings = []
    for create in (
        lambda amount: ours.v1.customers.create({"name": amount}, {"idempotency_key": "k1"}),
        lambda amount: theirs.v1.customers.create({"name": amount}, {"idempotency_key": "k1"}),
    ):
        first, again = create("Ann"), create("Ann")
        assert first.id == again.id
        marks = [one.last_response.headers.get("idempotent-replayed") for one in (first, again)]
        assert [None, "true"] == marks
        with pytest.raises(stripe.IdempotencyError) as caught:
            create("Ben")
        error = caught.value
        wordings.append((error.http_status, error.json_body["error"]["type"]))
        told = "Keys for idempotent requests can only be used with the same parameters"
        assert error.user_message.startswith(told)
    assert wordings[0] == wordings[1]


def test_refunds_have_the_limits_of_stateful_mock(stateful_mock: int) -> None:
    """More than is left, and what is all gone: the same type, code and parameter."""
    ours, theirs = inside(), client_of(stateful_mock)
    paid = StripePayments(ours.client()).charge(asked("charge", instrument=saved(ours)))
    charge = theirs.v1.charges.create({"amount": 3000, "currency": "eur", "source": "tok_visa"})
    refusals = []
    for client, about in (
        (ours.client(), {"payment_intent": paid.reference}),
        (theirs, {"charge": charge.id}),
    ):
        refund = client.v1.refunds.create
        assert (1000, "succeeded") == (
            (made := refund({**about, "amount": 1000})).amount,
            made.status,
        )
        seen = []
        for amount in (2001, 2000, 1):
            try:
                seen.append(refund({**about, "amount": amount}).status)
            except stripe.InvalidRequestError as error:
                seen.append((error.http_status, error.code, error.param))
        refusals.append(seen)
    assert [(400, None, "amount"), "succeeded", (400, "charge_already_refunded", None)] == refusals[
        0
    ]
    assert refusals[0] == refusals[1]
