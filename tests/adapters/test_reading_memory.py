"""What a reading of the reference adapters in memory, line by line, has shown."""

from datetime import UTC, datetime
from threading import Thread

import pytest

from orderwright.adapters.memory import MemoryOrders, MemoryPayments
from orderwright.adapters.memory_carrier import MemoryCarrier, Tariff
from orderwright.errors import InvalidInput
from orderwright.fulfillment.fulfillment import Scan
from orderwright.fulfillment.shipping import LabelRequest, Parcel, Shipment
from orderwright.orders.contacts import Contact
from orderwright.payments.operations import OperationKind
from orderwright.ports import DueOrder, OrderQuery
from tests.adapters.test_stripe import asked, eur, perform

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ANN = Contact(name="Ann", country="DE")
HEAVY = Tariff("standard", "Heavy", eur("9.00"), 30_000)
LIGHT = Tariff("standard", "Light", eur("5.00"), 1_000)


def shipment(grams: int = 500) -> Shipment:
    """One parcel."""
    parcels = (Parcel(weight_grams=grams),)
    return Shipment("o1", "f1", "MAIN", "c1", (("l1", 1),), parcels)


def booking(number: int, what: Shipment) -> LabelRequest:
    """What the core asks of a carrier."""
    name = f"o1/f1/label-{number}"
    return LabelRequest(id=name, kind="book", shipment=what, service="standard")


@pytest.mark.parametrize("tariffs", [(HEAVY, LIGHT), (LIGHT, HEAVY)])
@pytest.mark.parametrize("grams", [500, 5_000])
def test_what_a_service_is_quoted_at_is_what_it_is_sold_at(
    tariffs: tuple[Tariff, ...], grams: int
) -> None:
    """Of several tariffs for one service, one is quoted, and that one is charged."""
    carrier = MemoryCarrier(tariffs)
    (rate,) = carrier.rates(shipment(grams), ANN, at=NOW)
    sold = carrier.book(booking(1, shipment(grams)), ANN)
    assert (rate.service, rate.cost, rate.carrier) == ("standard", sold.cost, sold.carrier)


def test_a_label_that_was_given_back_stays_so_when_its_parcel_turns_up() -> None:
    """Whoever asks again, under another id, learns that it was given back, and not of the scan."""
    carrier = MemoryCarrier([LIGHT])
    sold = carrier.book(booking(1, shipment()), ANN)

    def back(number: int) -> LabelRequest:
        return LabelRequest(
            id=f"o1/f1/cancel-{number}",
            kind="cancel",
            shipment=shipment(),
            service="standard",
            booking="o1/f1/label-1",
            tracking=sold.tracking,
        )

    assert "succeeded" == carrier.cancel(back(1)).outcome
    carrier.move(sold.tracking, Scan("in_transit", NOW))
    assert "succeeded" == carrier.cancel(back(2)).outcome
    assert "o1/f1/cancel-1" == carrier.books["o1/f1/label-1"].cancelled_by


@pytest.mark.parametrize("kind", ["capture", "void"])
def test_nothing_is_taken_or_given_back_of_no_authorization(kind: OperationKind) -> None:
    """Only a refund may do without a reference: it is paid out to who never paid."""
    payments = MemoryPayments()
    outcome = perform(payments, asked(kind, "30.00"))
    assert ("failed", []) == (outcome.outcome, payments.books)
    assert "succeeded" == perform(payments, asked("refund", "30.00")).outcome


def test_what_to_do_may_depend_on_what_was_asked_so_far() -> None:
    """Whoever says how a request is to be answered can look at those before it."""
    payments = MemoryPayments(lambda _: "approve" if payments.operations else "decline")
    carrier = MemoryCarrier([LIGHT], lambda _: "approve" if carrier.operations else "refuse")

    told: list[str] = []

    def ask() -> None:
        for number in (1, 2):
            told.append(payments.charge(asked("charge", number=number)).outcome)
            told.append(carrier.book(booking(number, shipment()), ANN).outcome)

    asking = Thread(target=ask, daemon=True)  # which may wait for itself, for ever
    asking.start()
    asking.join(5)
    assert ["declined", "refused", "succeeded", "succeeded"] == told


def test_a_time_without_a_zone_is_refused_by_orders_in_memory() -> None:
    """It would be read in whatever zone the machine stands in."""
    orders, naive = MemoryOrders(), NOW.replace(tzinfo=None)
    for call in (
        lambda: orders.due(naive),
        lambda: orders.due(NOW, after=DueOrder(naive, "o1")),
        lambda: orders.find(OrderQuery(placed_from=naive)),
        lambda: orders.find(OrderQuery(placed_until=naive)),
    ):
        with pytest.raises(InvalidInput, match="time zone"):
            call()


def test_orders_in_memory_may_be_asked_for_what_is_ever_due() -> None:
    """Up to the end of the calendar is a time as well."""
    orders = MemoryOrders()
    ever = datetime.max.replace(tzinfo=UTC)
    assert () == orders.due(ever)
    assert () == orders.find(OrderQuery(placed_until=ever))
