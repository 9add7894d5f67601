"""The bench at which a payment port is put to the test, and what the tests do there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar, final
from unittest import SkipTest

from attrs import frozen

from orderwright.errors import OutcomeUnknown
from orderwright.money import Money
from orderwright.payments.operations import PaymentOutcome, PaymentRequest
from orderwright.testing.comparing import require, same
from orderwright.testing.contract import Contract

if TYPE_CHECKING:
    from collections.abc import Generator

    from orderwright.payments.operations import OperationKind, Outcome
    from orderwright.ports import PaymentPort

__all__ = ["Account", "Books", "PaymentBench", "PaymentContract", "declared"]

P_co = TypeVar("P_co", covariant=True)
T = TypeVar("T")


@final
class Books(NamedTuple):
    """What the provider itself says it did, in minor units, over all payments.

    ``reserved`` is authorized and neither taken nor given back; ``taken`` and ``refunded`` are all
    that ever were.
    """

    reserved: int
    taken: int
    refunded: int


@final
@frozen(kw_only=True)
class PaymentBench(Generic[P_co]):
    """An account at a provider, fresh for each test, and what can be made to happen there.

    ``open`` returns an adapter on the account, another one at each call; ``largest`` is the most
    that it may move, in minor units of its ``currency``, and ``prefix`` stands before every id,
    for an account that remembers other runs.

    ``instrument`` always pays. ``declined`` never does; of ``challenged`` the customer has to do
    something first; ``payout`` can be paid to without having paid. With ``lost_answers`` and
    ``lost_requests`` nobody hears what became of what is asked inside: it was done, or never
    arrived. What is asked inside ``postponed`` is pending, and decided when it ends: with a yes
    where that is possible, one after the other. ``books`` tells what the provider did.

    What a provider does not have, or a test account cannot be made to do, is None: it has to be
    said, and what that leaves untested is told as a skipped test.
    """

    open: Callable[[], P_co]
    currency: str
    method: str
    instrument: str
    declined: str | None
    challenged: str | None
    payout: str | None
    lost_answers: Callable[[], AbstractContextManager[object]] | None
    lost_requests: Callable[[], AbstractContextManager[object]] | None
    postponed: Callable[[], AbstractContextManager[object]] | None
    books: Callable[[], Books] | None
    largest: int = 99_999_999
    prefix: str = ""


def declared(hook: T | None, name: str) -> T:
    """Return what the bench has; end the test as skipped if its author says that there is none."""
    if hook is None:
        raise SkipTest(f"the bench says {name}=None")
    return hook


@final
class Account:
    """An adapter at a bench, whose requests get ids of their own."""

    def __init__(self, bench: PaymentBench[PaymentPort]) -> None:
        self.bench: PaymentBench[PaymentPort] = bench
        self.port: PaymentPort = bench.open()
        self._payments = 0
        self._requests = 0

    def asks(
        self,
        kind: OperationKind,
        minor: int,
        *,
        reference: str = "",
        instrument: str = "",
    ) -> PaymentRequest:
        """Return a new request: of a new payment, unless it names one."""
        self._payments += not reference
        self._requests += 1
        order_id, payment_id = f"{self.bench.prefix}o{self._payments}", "p1"
        return PaymentRequest(
            id=f"{order_id}/{payment_id}/{kind}-{self._requests}",
            kind=kind,
            order_id=order_id,
            payment_id=payment_id,
            method=self.bench.method,
            amount=Money(minor, self.bench.currency),
            instrument=instrument or self.bench.instrument,
            reference=reference,
        )

    def does(self, kind: OperationKind, minor: int, reference: str = "") -> PaymentOutcome:
        """Ask something new, and return the answer."""
        return sent(self.port, self.asks(kind, minor, reference=reference))

    def succeeds(self, kind: OperationKind, minor: int, reference: str = "") -> PaymentOutcome:
        """Ask something new that has to succeed, whole."""
        return self._ends("succeeded", kind, minor, reference)

    def fails(self, kind: OperationKind, minor: int, reference: str, why: str) -> None:
        """Ask something new that has to fail, and moves nothing."""
        before = self.books()
        self._ends("failed", kind, minor, reference, why)
        same(before, self.books(), f"the books after a {kind} of {minor} that failed")

    def _ends(
        self, outcome: Outcome, kind: OperationKind, minor: int, reference: str, why: str = ""
    ) -> PaymentOutcome:
        found = self.does(kind, minor, reference)
        told = f"{found.outcome} ({found.reason})" if found.reason else found.outcome
        require(found.outcome == outcome, f"{kind} of {minor}{why}: {told}, not {outcome}")
        return found

    def books(self) -> Books | None:
        """Return what the provider did, if it tells."""
        return None if self.bench.books is None else self.bench.books()

    def booked(self, reserved: int, taken: int, refunded: int, after: str) -> None:
        """Require that the provider did this, if it tells."""
        books = self.books()
        if books is not None:
            same(Books(reserved, taken, refunded), books, f"the provider's books after {after}")


def sent(port: PaymentPort, request: PaymentRequest) -> PaymentOutcome:
    """Ask a port, by the verb the request names; no answer is the outcome unknown."""
    verbs = {
        "authorize": port.authorize,
        "capture": port.capture,
        "charge": port.charge,
        "void": port.void,
        "refund": port.refund,
    }
    try:
        return verbs[request.kind](request)
    except OutcomeUnknown as error:
        return PaymentOutcome(outcome="unknown", amount=request.amount, reason=str(error))


class PaymentContract(Contract):
    """What the tests of a payment port are made of."""

    def opened(self) -> AbstractContextManager[PaymentBench[PaymentPort]]:
        """Return a fresh account, ready for sync adapters."""
        raise NotImplementedError

    @contextmanager
    def account(self) -> Generator[Account]:
        """Return an adapter on a fresh account."""
        with self.opened() as bench:
            yield Account(bench)
