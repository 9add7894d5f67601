"""Carriers that each break a promise, as real adapters do, and the clauses that say so."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from attrs import evolve

from orderwright import Contact, Money
from orderwright.adapters.memory_carrier import MemoryCarrier
from orderwright.errors import AdapterFault, OutcomeUnknown
from orderwright.fulfillment.fulfillment import Scan
from orderwright.fulfillment.shipping import LabelOutcome, LabelRequest, Rate, Shipment
from orderwright.ports import CarrierCapabilities, CarrierPort, LabelFinding


class Honest:
    """An adapter that only passes on; each below gets one thing wrong."""

    def __init__(self, carrier: MemoryCarrier) -> None:
        self.carrier = carrier

    @property
    def capabilities(self) -> CarrierCapabilities:
        """What the carrier can do."""
        return self.carrier.capabilities

    def rates(self, shipment: Shipment, recipient: Contact, *, at: datetime) -> tuple[Rate, ...]:
        """Quote."""
        return self.carrier.rates(shipment, recipient, at=at)

    def book(self, request: LabelRequest, recipient: Contact) -> LabelOutcome:
        """Sell."""
        return self.carrier.book(request, recipient)

    def cancel(self, request: LabelRequest) -> LabelOutcome:
        """Take back."""
        return self.carrier.cancel(request)

    def track(self, carrier: str, tracking: str) -> tuple[Scan, ...]:
        """Tell."""
        return self.carrier.track(carrier, tracking)

    def look_up(self, request: LabelRequest) -> LabelFinding:
        """Look up."""
        return self.carrier.look_up(request)


class TriesUnderANewId(Honest):
    """What is asked again is taken for a new order."""

    def book(self, request: LabelRequest, recipient: Contact) -> LabelOutcome:
        """Sell, and sell again."""
        if self.carrier.look_up(request) != "not_found":
            number = len(self.carrier.books)
            request = evolve(request, id=f"{request.id}-{number}")
        return super().book(request, recipient)


class TakesSilenceForNo(Honest):
    """A time-out is told as a refusal."""

    def book(self, request: LabelRequest, recipient: Contact) -> LabelOutcome:
        """Sell, or say no."""
        outcome = super().book(request, recipient)
        if outcome.outcome == "unknown":
            return LabelOutcome(outcome="refused", reason="time-out")
        return outcome


class RaisesRefusals(Honest):
    """What the carrier refuses is raised as a fault of the adapter."""

    def book(self, request: LabelRequest, recipient: Contact) -> LabelOutcome:
        """Sell, or raise."""
        outcome = super().book(request, recipient)
        if outcome.outcome == "refused":
            raise AdapterFault("dhl", outcome.reason)
        return outcome


class QuotesTheAddress(Honest):
    """The reason of a refusal repeats the address it failed with."""

    def book(self, request: LabelRequest, recipient: Contact) -> LabelOutcome:
        """Sell, or tell too much."""
        outcome = super().book(request, recipient)
        if outcome.outcome == "refused":
            return evolve(outcome, reason=f"{recipient.name}, {recipient.city}: {outcome.reason}")
        return outcome


class RoundsThroughFloats(Honest):
    """Quotes go through a float, and lose a cent on the way."""

    def rates(self, shipment: Shipment, recipient: Contact, *, at: datetime) -> tuple[Rate, ...]:
        """Quote too little."""
        return tuple(
            evolve(one, cost=Money(int(one.cost.minor / 100 * 1.1 / 1.1 * 100), "EUR"))
            for one in super().rates(shipment, recipient, at=at)
        )


class OneNumberForAll(Honest):
    """Labels are told by the account, not by the parcel."""

    def book(self, request: LabelRequest, recipient: Contact) -> LabelOutcome:
        """Sell, under the number of the account."""
        outcome = super().book(request, recipient)
        return evolve(outcome, tracking="ACC-7") if outcome.tracking else outcome


class KeepsEverything(Honest):
    """It says that labels are taken back, and none is."""

    def cancel(self, request: LabelRequest) -> LabelOutcome:
        """Take nothing back."""
        del request
        return LabelOutcome(outcome="refused", reason="not possible")


class SaysYesToEverything(Honest):
    """Giving back always succeeds, also where the carrier says no."""

    def cancel(self, request: LabelRequest) -> LabelOutcome:
        """Take back, or pretend to."""
        outcome = super().cancel(request)
        return evolve(outcome, outcome="succeeded") if outcome.outcome == "refused" else outcome


class TellsScansAsTheyCome(Honest):
    """The carrier's list is passed on newest first."""

    def track(self, carrier: str, tracking: str) -> tuple[Scan, ...]:
        """Tell, in the wrong order."""
        return tuple(reversed(super().track(carrier, tracking)))


class TellsLocalTimes(Honest):
    """The times of scans have lost their zone."""

    def track(self, carrier: str, tracking: str) -> tuple[Scan, ...]:
        """Tell, with naive times."""
        found = super().track(carrier, tracking)
        return tuple(one._replace(at=one.at.replace(tzinfo=None)) for one in found)


class RaisesForUnknownNumbers(Honest):
    """A number without scans is an error."""

    def track(self, carrier: str, tracking: str) -> tuple[Scan, ...]:
        """Tell, or raise."""
        found = super().track(carrier, tracking)
        if not found:
            raise AdapterFault("dhl", "404")
        return found


class ForgetsAtOnce(Honest):
    """Look-up never knows anything."""

    def look_up(self, request: LabelRequest) -> LabelFinding:
        """Know nothing."""
        del request
        return "not_found"


class NeverSure(Honest):
    """Look-up is left for later."""

    def look_up(self, request: LabelRequest) -> LabelFinding:
        """Say that nobody can tell."""
        del request
        return "unsure"


class MakesItUp(Honest):
    """Whatever was asked for is said to have succeeded."""

    def look_up(self, request: LabelRequest) -> LabelFinding:
        """Know too much."""
        found = super().look_up(request)
        return LabelOutcome(outcome="succeeded") if found == "not_found" else found


class BuysWhatItQuotes(Honest):
    """Quotes are made by buying a label and looking at its price."""

    def rates(self, shipment: Shipment, recipient: Contact, *, at: datetime) -> tuple[Rate, ...]:
        """Quote, and buy."""
        found = super().rates(shipment, recipient, at=at)
        for one in found:
            name = f"quote-{len(self.carrier.books)}"
            request = LabelRequest(id=name, kind="book", shipment=shipment, service=one.service)
            super().book(request, recipient)
        return found


class OtherContentCounts(Honest):
    """A known id is only compared with the whole request: other content is another order."""

    def book(self, request: LabelRequest, recipient: Contact) -> LabelOutcome:
        """Sell what is new in any way."""
        known = self.carrier.books.get(request.id)
        if known is not None and known.shipment != request.shipment:
            request = evolve(request, id=f"{request.id}-{len(self.carrier.books)}")
        return super().book(request, recipient)


class ChangesItsMind(Honest):
    """What it can do depends on the last answer."""

    @property
    def capabilities(self) -> CarrierCapabilities:
        """Less, once something was sold."""
        found = super().capabilities
        return found._replace(key_retention=found.key_retention * (1 + len(self.carrier.books)))


class QuotesAnywhere(Honest):
    """The country is not looked at before a label is bought."""

    def rates(self, shipment: Shipment, recipient: Contact, *, at: datetime) -> tuple[Rate, ...]:
        """Quote as for an address at home."""
        return super().rates(shipment, evolve(recipient, country="GB"), at=at)


class ChargesForOneParcel(Honest):
    """Only the first parcel is looked at when it comes to the bill."""

    def book(self, request: LabelRequest, recipient: Contact) -> LabelOutcome:
        """Sell, and tell what one parcel costs."""
        outcome = super().book(request, recipient)
        if outcome.cost is None:
            return outcome
        cost = Money(outcome.cost.minor // len(request.shipment.parcels), "EUR")
        return evolve(outcome, cost=cost)


class NothingToPrint(Honest):
    """The label is thrown away."""

    def book(self, request: LabelRequest, recipient: Contact) -> LabelOutcome:
        """Sell, and name no document."""
        return evolve(super().book(request, recipient), document="")


class ReturnsOnce(Honest):
    """What was given back is not known any more."""

    def cancel(self, request: LabelRequest) -> LabelOutcome:
        """Take back what was not taken back under another id."""
        known = self.carrier.books.get(request.booking)
        if known is not None and known.cancelled_by not in ("", request.id):
            return LabelOutcome(outcome="refused", reason="no such label")
        return super().cancel(request)


class AskingIsAnEvent(Honest):
    """Each question is itself a scan."""

    def track(self, carrier: str, tracking: str) -> tuple[Scan, ...]:
        """Tell, and note that somebody asked."""
        found = super().track(carrier, tracking)
        if found:
            self.carrier.move(tracking, found[-1]._replace(place="asked"))
        return found


class TellsWhomItLost(Honest):
    """What is told of a time-out repeats the address it was sent with."""

    def book(self, request: LabelRequest, recipient: Contact) -> LabelOutcome:
        """Sell, or tell too much of what nobody answered."""
        outcome = super().book(request, recipient)
        if outcome.outcome == "unknown":
            raise OutcomeUnknown("dhl", f"no answer to a label for {recipient.email}")
        return outcome


class OtherServiceCounts(Honest):
    """The service is no part of what a known id is compared by: another one is another label."""

    def book(self, request: LabelRequest, recipient: Contact) -> LabelOutcome:
        """Sell what is new in its service."""
        known = self.carrier.operations.get(request.id)
        if known is not None and known[0].service != request.service:
            request = evolve(request, id=f"{request.id}-{request.service}")
        return super().book(request, recipient)


class OtherLabelCounts(Honest):
    """An id to take a label back by is known for that label only."""

    def cancel(self, request: LabelRequest) -> LabelOutcome:
        """Take back what is new."""
        known = self.carrier.operations.get(request.id)
        if known is not None and known[0].booking != request.booking:
            request = evolve(request, id=f"{request.id}-{request.booking}")
        return super().cancel(request)


class Forgetful(Honest):
    """Remembers the ids of what did not go well at once, for those below."""

    def __init__(self, carrier: MemoryCarrier) -> None:
        super().__init__(carrier)
        self.marked: set[str] = set()

    def book(self, request: LabelRequest, recipient: Contact) -> LabelOutcome:
        """Sell, and note what nobody knows yet."""
        outcome = super().book(request, recipient)
        if outcome.outcome in {"unknown", "pending"}:
            self.marked.add(request.id)
        return outcome


class UnsureOfTheUnheard(Forgetful):
    """Look-up is never sure of what was not answered at once."""

    def look_up(self, request: LabelRequest) -> LabelFinding:
        """Be unsure of it."""
        return "unsure" if request.id in self.marked else super().look_up(request)


class PendingIsNotFound(Forgetful):
    """Look-up knows what is settled."""

    def look_up(self, request: LabelRequest) -> LabelFinding:
        """Leave out what is not."""
        found = super().look_up(request)
        pending = isinstance(found, LabelOutcome) and found.outcome == "pending"
        return "not_found" if pending else found


class PendingStays(Forgetful):
    """Look-up tells what it was told first, whatever was decided since."""

    def look_up(self, request: LabelRequest) -> LabelFinding:
        """Say that it is pending."""
        found = super().look_up(request)
        waits = request.id in self.marked and isinstance(found, LabelOutcome)
        return LabelOutcome(outcome="pending") if waits else found


class Broken(NamedTuple):
    """A broken carrier, the clause that has to catch it, and those that may fail with it."""

    carrier: Callable[[MemoryCarrier], CarrierPort]
    clause: str
    others: frozenset[str] = frozenset()


def of_all(*numbers: int) -> frozenset[str]:
    """The clauses that are for every verb."""
    return frozenset(f"CarrierPort {number}" for number in numbers)


# What cannot give back, or cannot be told apart, fails wherever that is tried.
BROKEN = (
    Broken(TriesUnderANewId, "CarrierPort 2", of_all(3, 5)),
    Broken(TakesSilenceForNo, "CarrierPort 3"),
    Broken(RaisesRefusals, "CarrierPort 4"),
    Broken(QuotesTheAddress, "CarrierPort 1"),
    Broken(RoundsThroughFloats, "CarrierPort.rates 8", frozenset({"CarrierPort.book 7"})),
    Broken(
        OneNumberForAll,
        "CarrierPort.book 6",
        frozenset({"CarrierPort.cancel 6", "CarrierPort.look_up 1"}),
    ),
    Broken(
        KeepsEverything,
        "CarrierPort.cancel 6",
        of_all(2, 3) | {"CarrierPort.cancel 7", "CarrierPort.look_up 1", "CarrierPort.look_up 2"},
    ),
    Broken(SaysYesToEverything, "CarrierPort.cancel 6", of_all(4)),
    Broken(TellsScansAsTheyCome, "CarrierPort.track 7"),
    Broken(TellsLocalTimes, "CarrierPort.track 7"),
    Broken(RaisesForUnknownNumbers, "CarrierPort.track 6"),
    Broken(ForgetsAtOnce, "CarrierPort.look_up 1", frozenset({"CarrierPort.look_up 2"})),
    Broken(NeverSure, "CarrierPort.look_up 2"),
    Broken(MakesItUp, "CarrierPort.look_up 1"),
    Broken(BuysWhatItQuotes, "CarrierPort.rates 6"),
    Broken(OtherContentCounts, "CarrierPort 5"),
    Broken(ChangesItsMind, "CarrierPort.capabilities 1"),
    Broken(QuotesAnywhere, "CarrierPort.rates 7"),
    Broken(ChargesForOneParcel, "CarrierPort.book 7", frozenset({"CarrierPort.look_up 1"})),
    Broken(NothingToPrint, "CarrierPort.book 8", frozenset({"CarrierPort.look_up 1"})),
    Broken(ReturnsOnce, "CarrierPort.cancel 7"),
    Broken(AskingIsAnEvent, "CarrierPort.track 8"),
    Broken(TellsWhomItLost, "CarrierPort 1"),
    Broken(OtherServiceCounts, "CarrierPort 5"),
    Broken(OtherLabelCounts, "CarrierPort 5"),
    Broken(UnsureOfTheUnheard, "CarrierPort.look_up 2"),
    Broken(PendingIsNotFound, "CarrierPort.look_up 1", frozenset({"CarrierPort.look_up 2"})),
    Broken(PendingStays, "CarrierPort.look_up 2", frozenset({"CarrierPort.look_up 1"})),
)
