"""Starting the fake in a process of its own, and the official client on it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import stripe

from tests.helpers import ROOT
from tests.stripe_fake.account import Account
from tests.stripe_fake.web import CONTROL

KEY = "sk_test_orderwright"


class InProcess(stripe.HTTPClient):
    """An `http_client` for the official library that reaches the account without any socket."""

    name = "in_process"

    def __init__(self, account: Account) -> None:
        super().__init__()
        self.account = account

    def request(
        self,
        method: str,
        url: str,
        headers: Any,  # noqa: ANN401 - as the base has it
        post_data: Any = None,  # noqa: ANN401
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, dict[str, str]]:
        """Hand the request over."""
        split = urlsplit(url)
        form = split.query if post_data is None else post_data
        reply = self.account.call(method.upper(), split.path, form, dict(headers))
        if reply.cut:
            raise stripe.APIConnectionError("the connection was lost")
        return json.dumps(reply.body), reply.status, reply.headers

    async def request_async(
        self,
        method: str,
        url: str,
        headers: Any,  # noqa: ANN401 - as the base has it
        post_data: Any = None,  # noqa: ANN401
    ) -> tuple[str, int, dict[str, str]]:
        """Hand the request over, for the async methods."""
        return self.request(method, url, headers, post_data)

    def close(self) -> None:
        """There is nothing to close."""

    async def close_async(self) -> None:
        """There is nothing to close."""


class Peer(Protocol):
    """A fake, wherever it runs."""

    def client(self, **more: Any) -> stripe.StripeClient:  # noqa: ANN401 - the client's own
        """The official client on it; another one at each call, as after a restart."""
        ...

    def do(self, verb: str, **arguments: object) -> Any:  # noqa: ANN401 - whatever it answers
        """Have something happen there; see `Account`."""
        ...


class Elsewhere:
    """A fake in a process of its own, behind loopback HTTP."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"

    def client(self, **more: Any) -> stripe.StripeClient:  # noqa: ANN401 - the client's own
        """The official client on it."""
        where = {"api": self.address}
        return stripe.StripeClient(KEY, base_addresses=where, **{"max_network_retries": 0, **more})

    def do(self, verb: str, **arguments: object) -> Any:  # noqa: ANN401 - whatever it answers
        """Have something happen there."""
        body = json.dumps(arguments).encode()
        request = Request(f"{self.address}{CONTROL}{verb}", body)  # noqa: S310 - loopback
        with urlopen(request, timeout=10) as answer:  # noqa: S310
            return json.load(answer)["answer"]


class Inside:
    """A fake in this process."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def client(self, **more: Any) -> stripe.StripeClient:  # noqa: ANN401 - the client's own
        """The official client on it, without any socket."""
        transport = InProcess(self.account)
        return stripe.StripeClient(KEY, http_client=transport, **{"max_network_retries": 0, **more})

    def do(self, verb: str, **arguments: object) -> Any:  # noqa: ANN401 - whatever it answers
        """Have something happen there."""
        return getattr(self.account, verb)(**arguments)


@contextmanager
def elsewhere(*, multicapture: bool = False) -> Iterator[Elsewhere]:
    """A fresh account in a process of its own, which ends with the block."""
    flags = ["--multicapture"] if multicapture else []
    command = [sys.executable, "-m", "tests.stripe_fake", *flags]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield Elsewhere(int(process.stdout.readline()))
    finally:
        process.kill()
        process.communicate(timeout=10)


def inside(*, multicapture: bool = False) -> Inside:
    """A fresh account in this process."""
    return Inside(Account(multicapture=multicapture))


def saved(peer: Peer, card: str = "pm_card_visa") -> str:
    """What a tender's instrument says of a card that a customer has saved."""
    client = peer.client()
    customer = client.v1.customers.create()
    method = client.v1.payment_methods.attach(card, {"customer": customer.id})
    return f"{customer.id}/{method.id}"
