"""A carrier in memory, as the kit is given it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from orderwright import Contact, Money
from orderwright.adapters.memory_carrier import CarrierBehaviour, MemoryCarrier, Tariff
from orderwright.fulfillment.fulfillment import Scan
from orderwright.fulfillment.shipping import LabelRequest, Parcel, Shipment
from orderwright.ports import CarrierCapabilities, CarrierPort
from orderwright.testing import CarrierBench, LabelBooks
from orderwright.testing.samples import NOON

TARIFFS = (
    Tariff("express", "DHL", Money(1990, "EUR"), 5_000, timedelta(days=1), frozenset({"GB"})),
    Tariff("standard", "DHL", Money(829, "EUR"), 5_000, countries=frozenset({"GB"})),
)
RECIPIENT = Contact(
    name="Zebedee Quill",
    street=("77 Nightingale Row",),
    city="Leeds",
    country="GB",
    email="zebedee@quill.example",
    phone="+44 113 496 0077",
)
NOWHERE = Contact(name="Nemo Nadir", street=("1 Abyss Lane",), country="AQ")
ALL = CarrierCapabilities(cancels=True, key_retention=timedelta(days=1))


class Depot:
    """A carrier in memory, and what it can be made to do."""

    def __init__(self, capabilities: CarrierCapabilities = ALL) -> None:
        self.mood: CarrierBehaviour = "approve"
        self.asked: list[LabelRequest] = []
        self.port = MemoryCarrier(TARIFFS, self.behave, capabilities=capabilities)

    def behave(self, request: LabelRequest) -> CarrierBehaviour:
        """Do as it is in the mood for."""
        self.asked.append(request)
        return self.mood

    @contextmanager
    def being(self, mood: CarrierBehaviour) -> Iterator[None]:
        """Be in a mood for some time; what is pending is decided afterwards."""
        self.mood, begin = mood, len(self.asked)
        try:
            yield
        finally:
            self.mood = "approve"
        if mood == "pending":
            for request in self.asked[begin:]:
                self.port.finish(request.id, "succeeded")

    def handed_over(self, tracking: str) -> None:
        """Have the parcel, and tell what happened last first."""
        self.port.move(tracking, Scan("in_transit", NOON + timedelta(minutes=9)))
        self.port.move(tracking, Scan("handed_over", NOON))

    def books(self) -> LabelBooks:
        """What the carrier did, from its own books."""
        entries = self.port.books.values()
        return LabelBooks(len(entries), sum(bool(one.cancelled_by) for one in entries))

    def bench(self, opener: Callable[[], CarrierPort]) -> CarrierBench[CarrierPort]:
        """A bench with everything on it; adapters come from the `opener`."""
        parcels = (Parcel(weight_grams=750, length_mm=300),)
        return CarrierBench(
            open=opener,
            shipment=Shipment("o1", "f1", "MAIN", "o1/contact-1", (("l1", 2),), parcels),
            recipient=RECIPIENT,
            service="standard",
            unserved=NOWHERE,
            lost_answers=lambda: self.being("answer_lost"),
            lost_requests=lambda: self.being("request_lost"),
            postponed=lambda: self.being("pending"),
            handed_over=self.handed_over,
            books=self.books,
        )
