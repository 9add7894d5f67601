"""The example of a payment provider keeps every promise of its port, also over a real line."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest
from attrs import evolve

from examples.custom_payment import Answer, WalletPayments, WalletService, over_http
from orderwright import AdapterFault, Money, PaymentRequest
from orderwright.errors import KeyReused, OutcomeUnknown
from orderwright.ports import PaymentPort
from orderwright.testing import Books, PaymentBench, PaymentPortContract

EXAMPLE = Path(__file__).parents[2] / "examples" / "custom_payment.py"
REQUEST = PaymentRequest(
    id="o1/p1/authorize-1",
    kind="authorize",
    order_id="o1",
    payment_id="p1",
    method="wallet",
    amount=Money.of("10.00", "EUR"),
    instrument="ada",
)


class Account:
    """A service with wallets for every case, and a wire to it that can be cut on either side."""

    def __init__(self) -> None:
        self.service = WalletService("EUR", {"rich": 10**12, "careful": 10**12})
        self.service.confirming.add("careful")
        self.lost = ""

    def send(self, method: str, path: str, body: Mapping[str, object]) -> Answer:
        """Ask the service, unless the wire is cut."""
        if self.lost == "request":
            raise TimeoutError("no way there")
        answer = self.service.answer(method, path, body)
        if self.lost == "answer":
            raise TimeoutError("no way back")
        return answer

    @contextmanager
    def losing(self, what: str) -> Iterator[None]:
        """Cut the wire for a while."""
        self.lost = what
        try:
            yield
        finally:
            self.lost = ""

    @contextmanager
    def postponed(self) -> Iterator[None]:
        """Have the service decide later."""
        self.service.busy = True
        try:
            yield
        finally:
            self.service.busy = False
            self.service.decide()

    def books(self) -> Books:
        """What the service did, over all holds."""
        holds = self.service.holds.values()
        return Books(
            reserved=sum(one.held for one in holds),
            taken=sum(one.taken for one in holds),
            refunded=sum(one.refunded for one in holds),
        )


class TestWallets(PaymentPortContract):
    """All that the port promises, and every fault the bench knows."""

    @contextmanager
    def make(self) -> Iterator[PaymentBench[PaymentPort]]:
        """A service for each test."""
        account = Account()
        yield PaymentBench(
            open=lambda: WalletPayments(account.send),
            currency="EUR",
            method="wallet",
            instrument="rich",
            declined="poor",
            challenged="careful",
            payout="new",
            lost_answers=lambda: account.losing("answer"),
            lost_requests=lambda: account.losing("request"),
            postponed=account.postponed,
            books=account.books,
        )


def test_the_story_is_told() -> None:
    """Run as a program it prints exactly what it is known to print."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLE)], capture_output=True, text=True, check=False
    )
    assert (0, "") == (done.returncode, done.stderr)
    assert Path(__file__).with_name("custom_payment.txt").read_text("utf-8") == done.stdout


@pytest.mark.parametrize(
    "answer",
    [
        Answer(500, {}),
        Answer(503, {"state": "done", "minor": 1000}),
        Answer(404, {}),
        Answer(200, {}),
        Answer(200, {"state": "a new word", "minor": 1000}),
        Answer(200, {"state": ["done"], "minor": 1000}),
        Answer(200, {"state": "done", "minor": "10.00"}),
        Answer(200, {"state": "done", "minor": 1000, "expires_at": "2026-01-01T00:00:00"}),
    ],
)
def test_an_answer_that_means_nothing_is_unknown_and_unsure(answer: Answer) -> None:
    """Errors of theirs, words and figures we do not know: nobody can tell what happened."""
    wallets = WalletPayments(lambda *_: answer)
    with pytest.raises(OutcomeUnknown, match="o1/p1/authorize-1"):
        wallets.authorize(REQUEST)
    assert "unsure" == wallets.look_up(REQUEST)


def test_only_the_service_itself_says_that_something_is_not_there() -> None:
    """A 404 of whatever stands in between is no proof that the request never arrived."""
    missing = WalletPayments(lambda *_: Answer(404, {"missing": REQUEST.id}))
    assert "not_found" == missing.look_up(REQUEST)
    assert "unsure" == WalletPayments(lambda *_: Answer(404, {})).look_up(REQUEST)


def test_being_asked_to_wait_and_a_reused_id_are_told_apart() -> None:
    """429 did nothing and may be tried again; 409 is a mistake of ours."""
    with pytest.raises(AdapterFault) as caught:
        WalletPayments(lambda *_: Answer(429, {})).authorize(REQUEST)
    assert caught.value.retryable
    service = WalletService("EUR", {"ada": 5_000})
    wallets = WalletPayments(service.answer)
    wallets.authorize(REQUEST)
    with pytest.raises(KeyReused):
        wallets.authorize(evolve(REQUEST, amount=Money.of("11.00", "EUR")))
    assert {"ada": 4_000} == service.balances


Reply = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def served(reply: Reply) -> Iterator[str]:
    """The address of a server on the loopback that answers everything by ``reply``."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            reply(self)

        do_PUT = do_GET  # noqa: N815 - as the library spells it

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def answered(service: WalletService) -> Reply:
    """A reply that says what the service says."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        size = int(handler.headers.get("Content-Length", 0))
        body = json.loads(handler.rfile.read(size) or "{}")
        status, said = service.answer(handler.command, handler.path, body)
        written(handler, status, json.dumps(said).encode())

    return reply


def written(handler: BaseHTTPRequestHandler, status: int, body: bytes, missing: int = 0) -> None:
    """Write an answer that lacks the last ``missing`` bytes it announces."""
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body) + missing))
    handler.end_headers()
    handler.wfile.write(body)


def test_over_http_the_same_is_true() -> None:
    """Asked over a real connection: done once, known afterwards, unknown before, and declined."""
    service = WalletService("EUR", {"ada": 1_500})
    with served(answered(service)) as address:
        wallets = WalletPayments(over_http(address))
        assert "not_found" == wallets.look_up(REQUEST)
        done = wallets.authorize(REQUEST)
        assert ("succeeded", REQUEST.amount) == (done.outcome, done.amount)
        assert done == wallets.authorize(REQUEST)
        assert done == wallets.look_up(REQUEST)
        assert {"ada": 500} == service.balances
        assert "declined" == wallets.authorize(evolve(REQUEST, id="o1/p2/authorize-1")).outcome


@pytest.mark.parametrize("fault", ["garbage", "half", "hangs up", "too late", "broken"])
def test_over_http_whatever_goes_wrong_is_unknown(fault: str) -> None:
    """Half an answer, none, one too late or one that is no JSON tell nothing, and fail nothing."""
    over = Event()

    def reply(handler: BaseHTTPRequestHandler) -> None:
        if fault == "garbage":
            written(handler, 200, b"<html>")
        elif fault == "half":
            written(handler, 200, b'{"state": "done", ', missing=20)
        elif fault == "too late":
            over.wait(10)
        elif fault == "broken":
            written(handler, 502, b"bad gateway")

    with served(reply) as address:
        wallets = WalletPayments(over_http(address, timeout_seconds=0.2))
        with pytest.raises(OutcomeUnknown):
            wallets.authorize(REQUEST)
        assert "unsure" == wallets.look_up(REQUEST)
        over.set()


def test_nobody_at_the_other_end_is_unknown() -> None:
    """A server that is gone cannot say whether it did something before."""
    with served(lambda _: None) as address:
        pass
    with pytest.raises(OutcomeUnknown, match="no answer"):
        WalletPayments(over_http(address)).authorize(REQUEST)
