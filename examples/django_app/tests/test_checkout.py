"""Baskets become orders: in the transaction of the request, or outside of it."""
# ruff: noqa: SIM300 - asserts read `expected == actual`

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO

import pytest
from checkout.models import Basket
from django.apps import apps
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.test import Client
from django.utils import timezone
from orders.models import StoredEvent, StoredOrder
from orders.repositories import DjangoOrders
from shop import desk as shop_desk

from orderwright import AdapterFault, PaymentOutcome, PaymentRequest, Posting
from orderwright.adapters.memory import Behaviour, MemoryPayments
from orderwright.flows.resuming import Resumed


class Provider(MemoryPayments):
    """A provider that notices when it is called while something could still be rolled back."""

    def __init__(self) -> None:
        super().__init__(self.behaves)
        self.mood: Behaviour = "approve"
        self.too_early: list[str] = []

    def behaves(self, request: PaymentRequest) -> Behaviour:
        """Do as the mood is."""
        if connection.in_atomic_block:
            self.too_early.append(request.id)
        return self.mood

    def look_up(self, request: PaymentRequest) -> PaymentOutcome | str:
        """Tell of what is done only."""
        return super().look_up(request)


@pytest.fixture(autouse=True)
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """Five mugs, two baskets, and a provider; no call is ever made in an open transaction."""
    for app in ("orders", "checkout"):
        for model in apps.get_app_config(app).get_models():
            model.objects.all().delete()
    found = Provider()
    monkeypatch.setattr(shop_desk, "PAYMENTS", found)
    shop_desk.open_desk().post_stock(Posting.receive("d1", "MUG", "MAIN", 5, at=timezone.now()))
    for name in ("ann", "bob"):
        Basket.objects.create(name=name, units={"MUG": 3}, prices={"MUG": "12.50"})
    yield found
    assert [] == found.too_early


def post(path: str, **fields: object) -> tuple[int, dict]:
    """Post some JSON; return the status and what was answered."""
    client = Client(raise_request_exception=False)
    answer = client.post(path, fields, content_type="application/json")
    return answer.status_code, answer.json() if answer.status_code != 500 else {}


def stands(name: str) -> tuple[str, str, str]:
    """Where the order of a basket stands."""
    told = Client().get(f"/orders/basket-{name}").json()
    return told["state"], told["money"], told["goods"]


CONFIRMED = ("confirmed", "authorized", "reserved")


def test_an_order_is_committed_with_its_basket_and_carried_out_after_that() -> None:
    """The answer says `placed`; once the request is over, stock and money are there."""
    status, told = post("/baskets/ann/order", card="c1")
    assert (202, "placed", "unpaid") == (status, told["state"], told["money"])
    assert "basket-ann" == Basket.objects.get(name="ann").ordered_as
    assert CONFIRMED == stands("ann")


def test_what_is_rolled_back_was_never_ordered(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error after the desk has saved leaves no order, and the provider is never called."""
    monkeypatch.setattr("checkout.views.answer", lambda *_, **__: 1 / 0)
    assert 500 == post("/baskets/ann/order", card="c1")[0]
    assert not StoredOrder.objects.exists()
    assert not StoredEvent.objects.exists()
    assert "" == Basket.objects.get(name="ann").ordered_as
    assert [] == provider.books


def test_the_same_request_again_is_the_same_order(provider: Provider) -> None:
    """Sent twice, a basket is one order, paid once; with another card it is refused."""
    post("/baskets/ann/order", card="c1")
    status, told = post("/baskets/ann/order", card="c1")
    assert (202, CONFIRMED) == (status, (told["state"], told["money"], told["goods"]))
    assert 1 == len(provider.books)
    status, told = post("/baskets/ann/order", card="c2")
    assert (409, "key_reused.v1") == (status, told["error"])


def test_a_crash_after_the_commit_is_mended_by_the_command(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the process dies before the calls are made, `resume_orders` makes them a minute later."""

    def die(_: str) -> None:
        raise SystemError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(shop_desk, "carry_out", die)
        assert 202 == post("/baskets/ann/order", card="c1")[0]
    assert ("placed", "unpaid", "open") == stands("ann")
    assert [] == provider.books
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now + timedelta(minutes=2))
    said = StringIO()
    call_command("resume_orders", stdout=said)
    assert "1 orders resumed, 0 failed\n" == said.getvalue()
    assert CONFIRMED == stands("ann")


def test_a_lost_answer_is_looked_up_by_the_command(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The provider did it and nobody heard: the order waits, and is not charged twice."""
    provider.mood = "answer_lost"
    post("/baskets/ann/order", card="c1")
    assert ("placed", "unpaid", "reserved") == stands("ann")
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now + timedelta(minutes=2))
    call_command("resume_orders", stdout=StringIO())
    assert CONFIRMED == stands("ann")
    assert 1 == len(provider.books)


def test_more_than_there_is_is_refused_with_the_figures() -> None:
    """A basket of more than there is stays a basket; the answer says what is short."""
    Basket.objects.filter(name="ann").update(units={"MUG": 6})
    status, told = post("/baskets/ann/order", card="c1")
    assert (409, "out_of_stock.v1") == (status, told["error"])
    [short] = told["facts"]["shortages"]
    assert ("MUG", 6, 5) == (short["sku"], short["wanted"], short["available"])
    assert "" == Basket.objects.get(name="ann").ordered_as


@pytest.mark.parametrize("how", ["order", "order-at-once"])
def test_two_baskets_never_share_a_mug(how: str) -> None:
    """Of two baskets at once with three of the five mugs each, one gets its three.

    Whoever asks while the other's order is saved, and its stock not reserved yet, has an order too;
    that one is rejected a moment later. Who asks later is refused.
    """

    def order(name: str) -> int:
        try:
            return post(f"/baskets/{name}/{how}", card="c1")[0]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(order, ("ann", "bob")))
    accepted = {"order": 202, "order-at-once": 201}[how]
    placed = [one.id.removeprefix("basket-") for one in StoredOrder.objects.all()]
    found = sorted(stands(name) for name in placed)
    assert [accepted] * len(found) + [409] * (2 - len(found)) == statuses
    assert CONFIRMED in found
    assert {("rejected", "settled", "cancelled"), CONFIRMED} >= set(found)
    assert 1 == found.count(CONFIRMED)


def test_at_once_answers_when_all_is_there() -> None:
    """Outside of a transaction the desk makes its calls before the view answers."""
    status, told = post("/baskets/ann/order-at-once", card="c1")
    assert (201, CONFIRMED) == (status, (told["state"], told["money"], told["goods"]))
    assert "basket-ann" == Basket.objects.get(name="ann").ordered_as


def test_a_delivery_is_booked_once() -> None:
    """Deliveries have a key, and bad ones are told what is wrong."""
    mugs = {"sku": "MUG", "location": "MAIN", "units": 2, "at": "2026-03-02T12:00:00Z"}
    for _ in range(2):
        assert (200, {"filled": []}) == post("/deliveries/d2", **mugs)
    status, told = post("/deliveries/d2", **{**mugs, "units": 3})
    assert (409, "key_reused.v1") == (status, told["error"])
    status, told = post("/deliveries/d3", **{**mugs, "units": "many"})
    assert (400, "invalid_input.v1") == (status, told["error"])
    for wrong in ({"at": "yesterday"}, {"at": "2026-03-02T12:00:00"}, {"at": 7}):
        assert 400 == post("/deliveries/d3", **{**mugs, **wrong})[0]
    assert 400 == post("/deliveries/d3", sku="MUG")[0]


def test_an_unknown_order_is_not_found() -> None:
    """404, and what was looked for."""
    answer = Client().get("/orders/nobody")
    assert (404, "not_found.v1") == (answer.status_code, answer.json()["error"])


def test_a_repository_from_outside_does_not_write_inside_a_transaction() -> None:
    """It has promised that what it saves is there for good, which it is not in here."""
    post("/baskets/ann/order", card="c1")
    orders = DjangoOrders()
    order = orders.load("basket-ann")
    with transaction.atomic(), pytest.raises(AdapterFault, match="outside of the transaction"):
        orders.save(order, (), expected_version=order.version)


def test_the_command_outlives_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Told to go on for ever, it says what went wrong and does the next round."""
    rounds = iter((AdapterFault("orders in Django", "connection lost", retryable=True), None))

    class Desk:
        def resume(self) -> Resumed:
            failure = next(rounds)
            if failure:
                raise failure
            return Resumed((), ())

    def sleep(_: float) -> None:
        if said.getvalue():
            raise KeyboardInterrupt

    monkeypatch.setattr(shop_desk, "open_desk", Desk)
    monkeypatch.setattr("orders.management.commands.resume_orders.time.sleep", sleep)
    said, wrong = StringIO(), StringIO()
    with pytest.raises(KeyboardInterrupt):
        call_command("resume_orders", every=1.0, stdout=said, stderr=wrong)
    assert "0 orders resumed, 0 failed\n" == said.getvalue()
    assert "orders in Django: connection lost (may be retried)\n" == wrong.getvalue()
