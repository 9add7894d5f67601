"""The FastAPI example, asked in-process: what it answers, also to what comes twice or late."""

import asyncio
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from examples import fastapi_app
from examples.fastapi_app import create_app, status_of
from orderwright import AdapterFault, Order, OrderwrightError, PaymentRequest
from orderwright.adapters.memory import Behaviour, MemoryPayments
from orderwright.adapters.sqlalchemy import AsyncSqlOrders
from orderwright.adapters.system import utc_now
from orderwright.errors import (
    AmountRefused,
    BrokenPromise,
    Conflict,
    InvalidInput,
    OutcomeUnknown,
    WindowClosed,
)
from tests.postgres import Database
from tests.worlds import NOON, eur

SECRET = "shared with the provider"  # noqa: S105 - of a provider that does not exist
MUGS = {"sku": "MUG", "units": 5, "at": "2026-03-02T12:00:00Z"}


class Shop:
    """A client of the shop, its provider, and its database, which outlives the application."""

    def __init__(self, database: str) -> None:
        self.database = database
        self.mood: Behaviour = "approve"
        self.payments = MemoryPayments(self.behaves)
        self.http: httpx.AsyncClient

    def behaves(self, _: PaymentRequest) -> Behaviour:
        """Do as the mood is."""
        return self.mood

    @asynccontextmanager
    async def open(self) -> AsyncIterator[httpx.AsyncClient]:
        """Run the application for a while, its background task included."""
        app = create_app(self.database, self.payments, SECRET, resume_every_seconds=0.02)
        transport = httpx.ASGITransport(app=app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://shop") as self.http,
        ):
            yield self.http

    async def send(self, path: str, key: str = "k1", **said: object) -> tuple[int, Any]:
        """Post some JSON under a key; return the status and what was answered."""
        answer = await self.http.post(path, json=said, headers={"Idempotency-Key": key})
        return answer.status_code, answer.json()

    async def place(self, key: str = "k1", units: int = 2, **more: object) -> tuple[int, Any]:
        """Order some mugs."""
        lines = [{"sku": "MUG", "quantity": units, "price": "12.50"}]
        return await self.send("/orders", key, **{"lines": lines, "card": "c1", **more})

    async def notified(self, signed_with: str = SECRET, **notice: object) -> tuple[int, Any]:
        """Have the provider report something."""
        body = json.dumps(notice).encode()
        signature = hmac.new(signed_with.encode(), body, "sha256").hexdigest()
        headers = {"X-Signature": signature}
        answer = await self.http.post("/webhooks/payments", content=body, headers=headers)
        return answer.status_code, answer.json()

    async def order(self, order_id: str) -> dict[str, Any]:
        """An order as it stands."""
        return (await self.http.get(f"/orders/{order_id}")).json()

    async def stands(self, order_id: str, *wanted: str) -> None:
        """Wait until an order stands as it is wanted to, for some seconds at most."""
        for _ in range(1_000):
            found = standing(await self.order(order_id))
            if wanted == found:
                return
            await asyncio.sleep(0.01)
        assert wanted == found


def standing(told: dict[str, Any]) -> tuple[str, str, str]:
    """Where an order stands, by what was answered."""
    return told["state"], told["money"], told["goods"]


Story = Callable[[Shop], Awaitable[None]]
CONFIRMED = ("confirmed", "authorized", "reserved")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A shop on a file of its own."""
    return Shop(f"sqlite+aiosqlite:///{tmp_path}/shop.db")


def lived(shop: Shop, story: Story) -> None:
    """Live through a story in a shop that has five mugs."""

    async def live() -> None:
        async with shop.open() as http:
            assert 200 == (await http.put("/deliveries/d1", json=MUGS)).status_code
            await story(shop)

    asyncio.run(live())


async def an_order_s_life(shop: Shop) -> None:
    """Place, ship: each sent twice, done once."""
    status, told = await shop.place(expected_total="25.00")
    assert (201, CONFIRMED) == (status, standing(told))
    assert (status, told) == await shop.place(expected_total="25.00")
    ship = f"/orders/{told['order']['id']}/shipments/f1"
    for _ in range(2):
        status, shipped = await shop.send(ship, "k2", carrier="DHL", tracking="JD1")
        assert (200, ("confirmed", "paid", "shipped")) == (status, standing(shipped))
    assert ["authorize", "capture"] == [one.kind for one in shop.payments.books]
    assert shipped == await shop.order(told["order"]["id"])
    assert "out_of_stock.v1" == (await shop.place("k3", units=4))[1]["error"]


def test_an_order_s_life(shop: Shop) -> None:
    """An order is placed and shipped; every request is sent twice, and money moves once."""
    lived(shop, an_order_s_life)


def test_an_order_s_life_on_postgresql(pg_database: Database) -> None:
    """The same application, on the other database."""
    lived(Shop(pg_database.url()), an_order_s_life)


def test_the_same_request_twice_at_once_is_one_order(shop: Shop) -> None:
    """A client that is impatient gets the same order twice, and is charged once."""

    async def story(shop: Shop) -> None:
        answers = await asyncio.gather(*(shop.place() for _ in range(4)))
        assert {201} == {status for status, _ in answers}
        [order_id] = {told["order"]["id"] for _, told in answers}
        await shop.stands(order_id, *CONFIRMED)
        assert 1 == len(shop.payments.books)

    lived(shop, story)


def test_a_key_with_other_content_is_refused(shop: Shop) -> None:
    """The same key cannot mean two things, and the answer says in what they differ."""

    async def story(shop: Shop) -> None:
        await shop.place()
        status, told = await shop.place(units=3)
        assert (409, "key_reused.v1") == (status, told["error"])
        assert "lines" == told["facts"]["field"]

    lived(shop, story)


def test_what_is_not_there_is_told_with_its_figures(shop: Shop) -> None:
    """More than there is: 409, which SKU, how many were wanted and found; nothing is charged."""

    async def story(shop: Shop) -> None:
        status, told = await shop.place(units=6)
        assert (409, "out_of_stock.v1") == (status, told["error"])
        [short] = told["facts"]["shortages"]
        assert ("MUG", 6, 5) == (short["sku"], short["wanted"], short["available"])
        assert [] == shop.payments.books

    lived(shop, story)


def test_who_saw_an_older_version_is_told_so(shop: Shop) -> None:
    """With `expected_version` a command is not done if somebody was faster; seen anew, it is."""

    async def story(shop: Shop) -> None:
        _, told = await shop.place()
        path, version = f"/orders/{told['order']['id']}/cancellation", told["version"]
        said = {"reason": "changed my mind", "expected_version": version - 1}
        status, refused = await shop.send(path, "k2", **said)
        assert (409, "conflict.v1") == (status, refused["error"])
        assert (version - 1, version) == (refused["facts"]["expected"], refused["facts"]["actual"])
        status, done = await shop.send(path, "k2", **{**said, "expected_version": version})
        assert (200, "cancelled", "settled") == (status, done["state"], done["money"])
        status, refused = await shop.send(path, "k3", **{**said, "expected_version": None})
        assert (409, "illegal_transition.v1") == (status, refused["error"])

    lived(shop, story)


def test_a_declined_card_is_no_error_and_another_may_be_tried(shop: Shop) -> None:
    """The order is there and unpaid; paying it again, under a key, confirms it once."""

    async def story(shop: Shop) -> None:
        shop.mood = "decline"
        status, told = await shop.place()
        assert (201, ("placed", "unpaid", "reserved")) == (status, standing(told))
        shop.mood = "approve"
        path = f"/orders/{told['order']['id']}/payments"
        for _ in range(2):
            status, paid = await shop.send(path, "k2", card="c2")
            assert (200, CONFIRMED) == (status, standing(paid))
        assert 1 == len(shop.payments.books)
        status, refused = await shop.send(path, "k3", card="c3")
        assert (422, "amount_refused.v1") == (status, refused["error"])

    lived(shop, story)


def test_a_notice_may_come_twice_and_late(shop: Shop) -> None:
    """What the provider reports decides; the same again, and an older one, change nothing."""

    async def story(shop: Shop) -> None:
        shop.mood = "pending"
        _, told = await shop.place()
        assert ("placed", "unpaid", "reserved") == standing(told)
        amount = {"minor": 2500, "currency": "EUR"}
        operation = told["order"]["payments"][0]["operations"][0]["id"]
        outcome = {"outcome": "succeeded", "amount": amount, "reference": "pay_1"}
        for _ in range(2):
            status, done = await shop.notified(operation=operation, sequence=2, outcome=outcome)
            assert (200, CONFIRMED) == (status, standing(done))
        late = {**outcome, "outcome": "declined"}
        status, still = await shop.notified(operation=operation, sequence=1, outcome=late)
        assert (200, done) == (status, still)
        assert [told["order"]["id"]] == [
            one["order_id"] for one in (await feed(shop)) if one["number"] == 1
        ]

    lived(shop, story)


def test_a_notice_without_an_outcome_has_it_looked_up(shop: Shop) -> None:
    """A provider that only says `look` is asked what became of the operation."""

    async def story(shop: Shop) -> None:
        shop.mood = "requires_action"
        _, told = await shop.place()
        operation = told["order"]["payments"][0]["operations"][0]["id"]
        shop.payments.finish(operation, "succeeded")
        status, done = await shop.notified(operation=operation)
        assert (200, CONFIRMED) == (status, standing(done))

    lived(shop, story)


def test_only_the_provider_can_notify(shop: Shop) -> None:
    """A wrong signature is refused before the notice is read; unknown operations are not found."""

    async def story(shop: Shop) -> None:
        assert 401 == (await shop.notified("somebody else's", operation="o/p1/authorize-1"))[0]
        unsigned = await shop.http.post("/webhooks/payments", content=b"no JSON at all")
        assert 401 == unsigned.status_code
        status, told = await shop.notified(operation="nobody/p1/authorize-1")
        assert (404, "not_found.v1") == (status, told["error"])
        assert 400 == (await shop.notified(operation="nonsense"))[0]
        assert 400 == (await shop.notified(operations="o/p1/authorize-1"))[0]

    lived(shop, story)


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"lines": []}, "lines"),
        ({"lines": [{"sku": "MUG", "quantity": 0, "price": "1.00"}]}, "quantity"),
        ({"lines": [{"sku": "MUG", "quantity": 1, "price": "1.oo"}]}, "amount"),
        ({"lines": [{"sku": "MUG", "quantity": 1, "price": 12.5}]}, "body.lines.0.price"),
        ({"currency": "EURO"}, "currency"),
        ({"coupon": "HALF"}, "body.coupon"),
    ],
)
def test_bad_input_is_refused_with_its_path(shop: Shop, wrong: dict[str, Any], path: str) -> None:
    """400, and where the fault is, whether FastAPI or orderwright found it; nothing is saved."""

    async def story(shop: Shop) -> None:
        status, told = await shop.place(**wrong)
        assert (400, "invalid_input.v1") == (status, told["error"])
        assert path in [fault["path"] for fault in told["facts"]["faults"]]
        assert [] == await feed(shop)

    lived(shop, story)


def test_other_requests_are_refused_too(shop: Shop) -> None:
    """Without a key, with another total than the client saw, of an order there is not, no time."""

    async def story(shop: Shop) -> None:
        keyless = await shop.http.post("/orders", json={"lines": [], "card": "c1"})
        assert 400 == keyless.status_code
        assert "header.Idempotency-Key" == keyless.json()["facts"]["faults"][0]["path"]
        status, told = await shop.place(expected_total="24.99")
        assert (422, "amount_refused.v1") == (status, told["error"])
        assert 404 == (await shop.http.get("/orders/nobody")).status_code
        for at in ("yesterday", "2026-03-02T12:00:00"):
            late = await shop.http.put("/deliveries/d2", json={**MUGS, "at": at})
            assert 400 == late.status_code
        assert 400 == (await shop.http.get("/feed", params={"limit": 0})).status_code

    lived(shop, story)


async def feed(shop: Shop, limit: int = 3) -> list[dict[str, Any]]:
    """All that happened, read page by page."""
    found: list[dict[str, Any]] = []
    after = 0
    while True:
        page = (await shop.http.get("/feed", params={"after": after, "limit": limit})).json()
        if not page["events"]:
            assert after == page["next"]
            return found
        assert len(page["events"]) <= limit
        found += page["events"]
        after = page["next"]


def test_the_feed_is_read_page_by_page(shop: Shop) -> None:
    """Pages join to every event of all orders, once, each order's in their order."""

    async def story(shop: Shop) -> None:
        ids = [(await shop.place(key, units=1))[1]["order"]["id"] for key in ("k1", "k2")]
        told = await feed(shop)
        for order_id in ids:
            version = (await shop.order(order_id))["version"]
            numbers = [one["number"] for one in told if one["order_id"] == order_id]
            assert list(range(1, version + 1)) == numbers
        assert told == await feed(shop, limit=1000)

    lived(shop, story)


def test_another_application_goes_on_where_one_stopped(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a restart all is there, and the background task finishes what had no answer."""

    async def first(shop: Shop) -> None:
        shop.mood = "answer_lost"
        _, told = await shop.place()
        assert ("placed", "unpaid", "reserved") == standing(told)

    lived(shop, first)
    monkeypatch.setattr(fastapi_app, "utc_now", lambda: utc_now() + timedelta(minutes=2))

    async def second() -> None:
        async with shop.open():
            _, told = await shop.place()  # the client never heard: it asks again
            await shop.stands(told["order"]["id"], *CONFIRMED)
            assert 1 == len(shop.payments.books)

    asyncio.run(second())


def test_the_background_task_outlives_a_fault(caplog: pytest.LogCaptureFixture) -> None:
    """What fails while resuming is logged, and the task goes on until it is told to stop."""

    class Failing:
        """A desk that fails, and closes the shop in the end."""

        def __init__(self, closing: asyncio.Event) -> None:
            self.closing = closing
            self.rounds = 0

        async def resume(self) -> None:
            """Fail."""
            self.rounds += 1
            if self.rounds == 3:
                self.closing.set()
            raise AdapterFault("orders", "no connection", retryable=True)

    async def live() -> None:
        closing = asyncio.Event()
        desk: Any = Failing(closing)
        await asyncio.wait_for(fastapi_app.resume_until(closing, desk, 0.001), 10)

    asyncio.run(live())
    assert 3 == caplog.text.count("resuming failed; it will be tried again")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidInput.at("a", "b"), 400),
        (Conflict("o1", 1, 2), 409),
        (AmountRefused("rule", asked=eur(1), limit=eur(0)), 422),
        (WindowClosed("rule", until=NOON, at=NOON), 422),
        (AdapterFault("a", "b", retryable=True), 503),
        (OutcomeUnknown("a", "b", retryable=True), 503),
        (AdapterFault("a", "b"), 502),
        (BrokenPromise("a", "b"), 502),
    ],
)
def test_the_status_says_who_can_do_something(error: OrderwrightError, status: int) -> None:
    """The caller's mistake, the business's no, and a broken world are told apart."""
    assert status == status_of(error)


def test_a_database_that_is_gone_for_a_moment(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """What passes is tried again, and nobody notices; what stays is 503, and when to come back."""
    load, faults = AsyncSqlOrders.load, [0]

    async def failing(self: AsyncSqlOrders, order_id: str) -> Order | None:
        if faults[0]:
            faults[0] -= 1
            raise AdapterFault("orders in SQL", "connection lost", retryable=True)
        return await load(self, order_id)

    monkeypatch.setattr(AsyncSqlOrders, "load", failing)
    monkeypatch.setattr(fastapi_app, "_pause", lambda _: asyncio.sleep(0))

    async def story(shop: Shop) -> None:
        _, told = await shop.place()
        path = f"/orders/{told['order']['id']}"
        faults[0] = 2
        assert 200 == (await shop.http.get(path)).status_code
        faults[0] = 1_000
        gone = await shop.http.get(path)
        assert (503, "1") == (gone.status_code, gone.headers["Retry-After"])
        assert ("adapter_fault.v1", "orders in SQL") == (
            gone.json()["error"],
            gone.json()["facts"]["adapter"],
        )
        faults[0] = 0

    lived(shop, story)
