"""The bench at which a carrier port is put to the test, and what the tests do there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar, final

from attrs import evolve, frozen

from orderwright.errors import OutcomeUnknown
from orderwright.fulfillment.shipping import LabelOutcome, LabelRequest, Shipment
from orderwright.orders.contacts import Contact
from orderwright.testing.comparing import require, same
from orderwright.testing.contract import Contract

if TYPE_CHECKING:
    from collections.abc import Generator

    from orderwright.ports import CarrierPort

__all__ = ["CarrierBench", "CarrierContract", "Counter", "LabelBooks", "answered"]

P_co = TypeVar("P_co", covariant=True)


@final
class LabelBooks(NamedTuple):
    """What the carrier itself says it did: labels it sold, and those of them it took back."""

    sold: int
    taken_back: int


@final
@frozen(kw_only=True)
class CarrierBench(Generic[P_co]):
    """An account at a carrier, fresh for each test, and what can be made to happen there.

    ``open`` returns an adapter on the account, another one at each call. ``shipment`` can be sent
    to ``recipient`` by ``service``; the tests give it order ids of their own, that begin with
    ``prefix``, for an account that remembers other runs. Of the recipient, name, street, email and
    phone are looked for in answers: let them be unlike anything else.

    Nothing goes to ``unserved``. With ``lost_answers`` and ``lost_requests`` nobody hears what
    became of what is asked inside: it was done, or never arrived. What is asked inside
    ``postponed`` is pending, and decided with a yes when it ends. ``handed_over`` lets the carrier
    have the parcel under a number. ``books`` tells what the carrier did.

    What a carrier does not have, or a test account cannot be made to do, is None: it has to be
    said, and what that leaves untested is told as a skipped test.
    """

    open: Callable[[], P_co]
    shipment: Shipment
    recipient: Contact
    service: str
    unserved: Contact | None
    lost_answers: Callable[[], AbstractContextManager[object]] | None
    lost_requests: Callable[[], AbstractContextManager[object]] | None
    postponed: Callable[[], AbstractContextManager[object]] | None
    handed_over: Callable[[str], None] | None
    books: Callable[[], LabelBooks] | None
    prefix: str = ""


@final
class Counter:
    """An adapter at a bench, whose requests get ids of their own."""

    def __init__(self, bench: CarrierBench[CarrierPort]) -> None:
        self.bench: CarrierBench[CarrierPort] = bench
        self.port: CarrierPort = bench.open()
        self._requests = 0

    def asks(self, service: str = "") -> LabelRequest:
        """Return a new request for a label."""
        self._requests += 1
        order_id = f"{self.bench.prefix}o{self._requests}"
        shipment = self.bench.shipment._replace(order_id=order_id)
        return LabelRequest(
            id=f"{order_id}/{shipment.fulfillment_id}/label-{self._requests}",
            kind="book",
            shipment=shipment,
            service=service or self.bench.service,
        )

    def returns(self, request: LabelRequest, sold: LabelOutcome) -> LabelRequest:
        """Return a new request to take back the label that was sold."""
        self._requests += 1
        name = f"{request.shipment.order_id}/{request.shipment.fulfillment_id}"
        return evolve(
            request,
            id=f"{name}/cancel-{self._requests}",
            kind="cancel",
            booking=request.id,
            tracking=sold.tracking,
            reference=sold.reference,
        )

    def ready(self, kind: str) -> LabelRequest:
        """Return a request that can succeed, having done what has to come before it."""
        request = self.asks()
        return request if kind == "book" else self.returns(request, self.sold(request))

    def sent(self, request: LabelRequest, port: CarrierPort | None = None) -> LabelOutcome:
        """Ask the port, by the verb the request names."""
        return answered(port or self.port, request, self.bench.recipient)

    def sold(self, request: LabelRequest) -> LabelOutcome:
        """Ask for a label that has to be sold."""
        return self.ends("succeeded", request, "booking a label")

    def ends(self, expected: str, request: LabelRequest, what: str) -> LabelOutcome:
        """Ask, and require that outcome."""
        found = self.sent(request)
        told = f"{found.outcome} ({found.reason})" if found.reason else found.outcome
        require(found.outcome == expected, f"{what}: {told}, not {expected}")
        return found

    def books(self) -> LabelBooks | None:
        """Return what the carrier did, if it tells."""
        return None if self.bench.books is None else self.bench.books()

    def booked(self, sold: int, taken_back: int, after: str) -> None:
        """Require that the carrier did this, if it tells."""
        books = self.books()
        if books is not None:
            same(LabelBooks(sold, taken_back), books, f"the carrier's books after {after}")


def answered(port: CarrierPort, request: LabelRequest, recipient: Contact) -> LabelOutcome:
    """Ask a port, by the verb the request names; no answer is the outcome unknown."""
    try:
        if request.kind == "cancel":
            return port.cancel(request)
        return port.book(request, recipient)
    except OutcomeUnknown as error:
        return LabelOutcome(outcome="unknown", reason=str(error))


class CarrierContract(Contract):
    """What the tests of a carrier port are made of."""

    def opened(self) -> AbstractContextManager[CarrierBench[CarrierPort]]:
        """Return a fresh account, ready for sync adapters."""
        raise NotImplementedError

    @contextmanager
    def counter(self) -> Generator[Counter]:
        """Return an adapter on a fresh account."""
        with self.opened() as bench:
            yield Counter(bench)
