"""Requests are values, and each knows the port verb it means."""

from typing import Any
from unittest.mock import Mock, sentinel

import pytest

from orderwright import Reference
from orderwright.errors import AdapterFault
from orderwright.fulfillment.shipping import LabelRequest, Shipment
from orderwright.ports import DueOrder
from orderwright.requests import (
    CallCarrier,
    CallProvider,
    FindDue,
    FindReference,
    LoadEvents,
    LoadOrder,
    LoadWithKey,
    LookUp,
    Ports,
    PostStock,
    QuoteRates,
    ReadSupply,
    Request,
    SaveOrder,
    TrackParcel,
    ask,
)
from tests.worlds import NOON

CURSOR = DueOrder(NOON, "o1")
REFERENCE = Reference("tracking", "T-1")
SHIPMENT = Shipment("o1", "f1", "MAIN", "o1/contact-1", (("l1", 1),), ())
BOOK = LabelRequest(id="o1/f1/label-1", kind="book", shipment=SHIPMENT, service="express")
CANCEL = LabelRequest(id="o1/f1/cancel-2", kind="cancel", shipment=SHIPMENT, service="express")
EACH: list[tuple[Request[object], str, tuple[Any, ...], dict[str, Any]]] = [
    (LoadOrder("o1"), "orders.load", ("o1",), {}),
    (
        SaveOrder(sentinel.order, (sentinel.event,), 3),
        "orders.save",
        (sentinel.order, (sentinel.event,)),
        {"expected_version": 3},
    ),
    (LoadEvents("o1"), "orders.events", ("o1",), {}),
    (LoadWithKey("o1", "k1"), "orders.load_with_key", ("o1", "k1"), {}),
    (FindReference(REFERENCE), "orders.by_reference", (REFERENCE,), {}),
    (FindDue(NOON, 5), "orders.due", (NOON,), {"after": None, "limit": 5}),
    (FindDue(NOON, 5, CURSOR), "orders.due", (NOON,), {"after": CURSOR, "limit": 5}),
    (ReadSupply(("MUG",), NOON), "inventory.supply", (("MUG",),), {"now": NOON}),
    (PostStock(sentinel.posting), "inventory.post", (sentinel.posting,), {}),
    *(
        (CallProvider(one), f"payments.{kind}", (one,), {})
        for kind in ("authorize", "capture", "void", "refund")
        for one in [Mock(kind=kind)]
    ),
    (LookUp(sentinel.request), "payments.look_up", (sentinel.request,), {}),
    (CallCarrier(BOOK, sentinel.contact), "carrier.book", (BOOK, sentinel.contact), {}),
    (CallCarrier(CANCEL, None), "carrier.cancel", (CANCEL,), {}),
    (LookUp(BOOK), "carrier.look_up", (BOOK,), {}),
    (TrackParcel("DHL", "JD1"), "carrier.track", ("DHL", "JD1"), {}),
    (
        QuoteRates(SHIPMENT, sentinel.contact, NOON),
        "carrier.rates",
        (SHIPMENT, sentinel.contact),
        {"at": NOON},
    ),
]


@pytest.mark.parametrize(("request_", "verb", "args", "kwargs"), EACH)
def test_each_request_asks_its_verb_and_nothing_else(
    request_: Request[object], verb: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    """Performing a request is one call of one port, with the facts of the request."""
    world = Mock()
    ports = Ports(
        orders=world.orders,
        inventory=world.inventory,
        payments=world.payments,
        carrier=world.carrier,
    )
    reply = request_.perform(ports)
    assert [(verb, args, kwargs)] == world.mock_calls
    port, method = verb.split(".")
    assert getattr(getattr(world, port), method).return_value is reply


def test_without_a_carrier_there_is_nobody_to_ask() -> None:
    """What is meant for a carrier is an adapter's fault where there is none."""
    ports = Ports(orders=Mock(), inventory=Mock(), payments=Mock())
    assert ports.optional_carrier is None
    for request in (CallCarrier(CANCEL, None), LookUp(CANCEL), TrackParcel("DHL", "JD1")):
        with pytest.raises(AdapterFault, match="carrier: there is none"):
            request.perform(ports)


def test_requests_are_equal_when_they_ask_the_same() -> None:
    """Equality and hash go by kind and facts."""
    assert LoadWithKey("o1", "k1") == LoadWithKey("o1", "k1")
    assert hash(LoadWithKey("o1", "k1")) == hash(LoadWithKey("o1", "k1"))
    assert LoadWithKey("o1", "k1") != LoadWithKey("o1", "k2")
    assert LoadOrder("o1") != LoadEvents("o1")
    assert LoadOrder("o1") != "o1"


def test_a_request_prints_as_it_could_be_written() -> None:
    """A log shows what was asked, and what it shows makes the same request."""
    assert LoadWithKey("o1", "k1") == LoadWithKey(key="k1", order_id="o1")
    assert "LoadWithKey(key='k1', order_id='o1')" == repr(LoadWithKey("o1", "k1"))


def test_the_base_asks_nothing() -> None:
    """A request of one's own must say which port it means."""
    with pytest.raises(NotImplementedError):
        Request().perform(Mock())


def test_ask_yields_the_request_and_returns_the_reply() -> None:
    """The one place that yields passes the reply through."""
    asking = ask(LoadOrder("o1"))
    assert LoadOrder("o1") == next(asking)
    with pytest.raises(StopIteration) as stopped:
        asking.send("reply")
    assert "reply" == stopped.value.value
