"""Stripe keeps every clause of the payment port, on either kind of account and client."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest

from orderwright.adapters.stripe import AsyncStripePayments, StripePayments
from orderwright.testing import (
    AsyncPaymentPortContract,
    Books,
    PaymentBench,
    PaymentPortContract,
)
from tests.stripe_fake.peer import Inside, inside, saved

pytestmark = pytest.mark.long

OFTEN = 1_000_000


def books(peer: Inside) -> Books:
    """What the fake's payment intents and refunds add up to."""
    state = peer.do("state")
    intents = state["intents"].values()
    back = {"refund": 1, "refund_failed": -1}
    return Books(
        reserved=sum(one["amount_capturable"] for one in intents),
        taken=sum(one["amount_received"] for one in intents),
        refunded=sum(one["amount"] * back.get(one["kind"], 0) for one in state["books"]),
    )


def bench(peer: Inside, port: type, *, multicapture: bool) -> PaymentBench:
    """An account at the fake.

    A card is decided at once, or by what the customer does, so nothing can be postponed.
    """

    def failing(how: str) -> Callable[[], Iterator[None]]:
        @contextmanager
        def during() -> Iterator[None]:
            peer.do("fail", faults=[{"on": "post", "do": how, "times": OFTEN}])
            yield
            peer.do("fail", faults=[])

        return during

    return PaymentBench(
        # Where the same is being asked, the client tries again by itself, as it does by default.
        open=lambda: port(peer.client(max_network_retries=2), multicapture=multicapture),
        currency="EUR",
        method="card",
        instrument=saved(peer),
        declined=saved(peer, "pm_card_chargeCustomerFail"),
        challenged=saved(peer, "pm_card_authenticationRequired"),
        payout=None,  # Stripe pays back only what it took
        lost_answers=failing("lost"),
        lost_requests=failing("cut"),
        postponed=None,
        books=lambda: books(peer),
    )


class TestStripe(PaymentPortContract):
    """An account as Stripe opens it."""

    multicapture = False

    @contextmanager
    def make(self) -> Iterator[PaymentBench]:
        """Return a fresh one."""
        peer = inside(multicapture=self.multicapture)
        yield bench(peer, StripePayments, multicapture=self.multicapture)


class TestStripeWithMulticapture(TestStripe):
    """An account for which multicapture is enabled."""

    multicapture = True


class TestAsyncStripe(AsyncPaymentPortContract):
    """An account as Stripe opens it, through an async client."""

    multicapture = False

    @asynccontextmanager
    async def make(self) -> AsyncIterator[PaymentBench]:
        """Return a fresh one."""
        peer = inside(multicapture=self.multicapture)
        yield bench(peer, AsyncStripePayments, multicapture=self.multicapture)


class TestAsyncStripeWithMulticapture(TestAsyncStripe):
    """An account for which multicapture is enabled, through an async client."""

    multicapture = True
