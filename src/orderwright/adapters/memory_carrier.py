"""A carrier in memory that keeps its own books: the reference for carriers, and one for tests."""

from __future__ import annotations

from datetime import timedelta
from threading import RLock
from typing import TYPE_CHECKING, Literal, NamedTuple, final

from attrs import evolve, frozen

from orderwright.errors import KeyReused
from orderwright.fulfillment.shipping import LabelOutcome, Rate, Shipment
from orderwright.money import Money
from orderwright.ports import CarrierCapabilities

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from orderwright.fulfillment.fulfillment import Scan
    from orderwright.fulfillment.shipping import LabelRequest
    from orderwright.orders.contacts import Contact
    from orderwright.ports import LabelFinding

__all__ = ["CarrierBehaviour", "LabelEntry", "MemoryCarrier", "Tariff"]

CarrierBehaviour = Literal["approve", "refuse", "pending", "answer_lost", "request_lost"]
"""What the carrier does with a request; the last two are time-outs, done and not done."""


@final
class Tariff(NamedTuple):
    """What ``carrier`` asks for ``service``: ``cost`` a parcel of up to ``grams_max``.

    It delivers so long (``transit``) after the hand-over; to ``countries``, none meaning all. Of
    several for one service, the first counts that takes the shipment.
    """

    service: str
    carrier: str
    cost: Money
    grams_max: int
    transit: timedelta | None = None
    countries: frozenset[str] = frozenset()


@final
@frozen
class LabelEntry:
    """A label in the carrier's own books; ``cancelled_by`` is the id it was given back under."""

    operation_id: str
    shipment: Shipment
    tracking: str
    cost: Money
    cancelled_by: str = ""


_ALL = CarrierCapabilities(cancels=True, key_retention=timedelta(days=1))


@final
class MemoryCarrier:
    """A carrier that sells by a table of ``tariffs`` and remembers what it sold, in ``books``.

    ``behave`` says what to do with each new request; left out, everything is approved. A lost
    answer is the outcome ``unknown``, with or without the effect having happened: ``look_up``
    tells. Parcels move when you say so, with :meth:`move`: from then on their label is used.
    """

    def __init__(
        self,
        tariffs: Iterable[Tariff],
        behave: Callable[[LabelRequest], CarrierBehaviour] | None = None,
        *,
        capabilities: CarrierCapabilities = _ALL,
    ) -> None:
        self.capabilities: CarrierCapabilities = capabilities
        self._tariffs = tuple(tariffs)
        self._behave = behave
        self._lock = RLock()  # for a `behave` that looks at what was asked so far
        self._known: dict[str, tuple[LabelRequest, LabelOutcome, str]] = {}
        self._scans: dict[str, list[Scan]] = {}
        self.books: dict[str, LabelEntry] = {}

    @property
    def operations(self) -> Mapping[str, tuple[LabelRequest, LabelOutcome]]:
        """What it was asked for so far, by id, and what is true of it."""
        with self._lock:
            return {name: (asked, told) for name, (asked, told, _) in self._known.items()}

    def rates(self, shipment: Shipment, recipient: Contact, *, at: datetime) -> tuple[Rate, ...]:
        """See :meth:`.CarrierPort.rates`."""
        return tuple(
            Rate(
                service=one.service,
                carrier=one.carrier,
                cost=_cost(one, shipment),
                delivers_by=None if one.transit is None else at + one.transit,
            )
            for one in self._offers(shipment, recipient.country).values()
        )

    def book(self, request: LabelRequest, recipient: Contact) -> LabelOutcome:
        """See :meth:`.CarrierPort.book`."""
        return self._once(request, recipient.country)

    def cancel(self, request: LabelRequest) -> LabelOutcome:
        """See :meth:`.CarrierPort.cancel`."""
        return self._once(request, "")

    def track(self, carrier: str, tracking: str) -> tuple[Scan, ...]:  # noqa: ARG002 - one carrier's numbers are never another's
        """See :meth:`.CarrierPort.track`."""
        with self._lock:
            return tuple(sorted(self._scans.get(tracking, ()), key=lambda one: one.at))

    def look_up(self, request: LabelRequest) -> LabelFinding:
        """See :meth:`.CarrierPort.look_up`."""
        with self._lock:
            known = self._known.get(request.id)
            return "not_found" if known is None else known[1]

    def move(self, tracking: str, scan: Scan) -> None:
        """Let something happen to the parcels under a number."""
        with self._lock:
            self._scans.setdefault(tracking, []).append(scan)

    def finish(self, operation_id: str, outcome: Literal["succeeded", "refused"]) -> LabelOutcome:
        """Decide what is pending; return what is true of it now."""
        with self._lock:
            request, known, country = self._known[operation_id]
            if known.outcome == "pending":
                done = LabelOutcome(outcome="refused", reason="looked into, and no")
                if outcome == "succeeded":
                    done = self._done(request, country)
                self._known[operation_id] = (request, known := done, country)
            return known

    def _once(self, request: LabelRequest, country: str) -> LabelOutcome:
        with self._lock:
            known = self._known.get(request.id)
            if known is not None:
                if known[0] != request:
                    raise KeyReused(request.id, "request", known[0], request)
                return known[1]
            behaviour = "approve" if self._behave is None else self._behave(request)
            lost = LabelOutcome(outcome="unknown", reason="no answer")
            if behaviour == "request_lost":
                return lost
            if behaviour == "refuse":
                outcome = LabelOutcome(outcome="refused", reason="not today")
            elif behaviour == "pending":
                outcome = LabelOutcome(outcome="pending", reason="being looked into")
            else:
                outcome = self._done(request, country)
            self._known[request.id] = (request, outcome, country)
            return lost if behaviour == "answer_lost" else outcome

    def _done(self, request: LabelRequest, country: str) -> LabelOutcome:
        if request.kind == "cancel":
            return self._cancelled(request)
        offered = self._offers(request.shipment, country).get(request.service)
        if offered is not None:
            return self._sold(request, offered)
        return LabelOutcome(outcome="refused", reason=f"{request.service} does not take that there")

    def _offers(self, shipment: Shipment, country: str) -> Mapping[str, Tariff]:
        """Return what each service costs: quoted and sold by one rule, the first that takes it."""
        found: dict[str, Tariff] = {}
        for one in self._tariffs:
            if _takes(one, shipment, country):
                found.setdefault(one.service, one)
        return found

    def _sold(self, request: LabelRequest, tariff: Tariff) -> LabelOutcome:
        number = f"{tariff.carrier}-{len(self.books) + 1:06}"
        cost = _cost(tariff, request.shipment)
        self.books[request.id] = LabelEntry(request.id, request.shipment, number, cost)
        return LabelOutcome(
            outcome="succeeded",
            carrier=tariff.carrier,
            tracking=number,
            reference=request.id,
            document=f"label {number}",
            cost=cost,
        )

    def _cancelled(self, request: LabelRequest) -> LabelOutcome:
        entry = self.books.get(request.booking)
        if entry is None:
            return LabelOutcome(outcome="refused", reason="no such label")
        if entry.cancelled_by:
            return LabelOutcome(outcome="succeeded")
        if not self.capabilities.cancels:
            return LabelOutcome(outcome="refused", reason="labels are not taken back")
        if self._scans.get(entry.tracking):
            return LabelOutcome(outcome="refused", reason="the parcel is on its way")
        self.books[request.booking] = evolve(entry, cancelled_by=request.id)
        return LabelOutcome(outcome="succeeded")


def _cost(tariff: Tariff, shipment: Shipment) -> Money:
    return tariff.cost * len(shipment.parcels)


def _takes(tariff: Tariff, shipment: Shipment, country: str) -> bool:
    heavy = any(one.weight_grams > tariff.grams_max for one in shipment.parcels)
    return not heavy and (not tariff.countries or country in tariff.countries)
