"""A shop's API on FastAPI: an async desk, orders and stock in SQL, webhooks, one background task.

With ``orderwright[sqlalchemy]``, ``fastapi``, ``uvicorn`` and ``aiosqlite`` installed::

    SHOP_WEBHOOK_SECRET=... uvicorn --factory fastapi_app:create_app

What is worth copying:

- every command takes an ``Idempotency-Key``; sent again, it is the same command, and a new order's
  id is made of it, so that a client who heard no answer can safely ask again;
- a client may say which version of an order it saw (``expected_version``): if somebody was faster,
  nothing is done and it is told so;
- what orderwright refuses becomes an answer whose status says who can do something about it, and
  whose body has the facts;
- webhooks are signed, and may come twice, late and in any order;
- what a crash, a time-out or a lost answer left behind is finished by the task that resumes.

Any number of these may run on one database. The provider here is a stand-in: put yours in its
place, such as the one in `custom_payment.py`.
"""

import asyncio
import hmac
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated
from uuid import UUID, uuid5

from fastapi import Depends, FastAPI, Header, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy.ext.asyncio import create_async_engine

from orderwright import (
    AdapterFault,
    AsyncOrderDesk,
    Conflict,
    DraftLine,
    InvalidInput,
    Location,
    Mistake,
    Money,
    Order,
    OrderwrightError,
    OutOfStock,
    PaymentOutcome,
    Posting,
    Refused,
    Tender,
    UnitPrice,
)
from orderwright.adapters.memory import MemoryPayments
from orderwright.adapters.sqlalchemy import AsyncSqlInventory, AsyncSqlOrders, upgrade_schema
from orderwright.adapters.system import utc_now
from orderwright.codec import Codec
from orderwright.errors import Fault, IllegalTransition, KeyReused, NotFound, OnHold
from orderwright.ports import AsyncPaymentPort, PaymentPort

LOG = logging.getLogger("shop")
CODEC = Codec()
LOCATIONS = [Location(id="MAIN")]
SHOP = UUID("0f3c7f0e-52a7-4a5e-9d3e-6f1f5f0a7b11")
"""Makes ids of keys: your own number, so that they are like nobody else's."""


class Shop:
    """What routes need: the desk, the feed of all orders, and what webhooks are signed with."""

    def __init__(self, desk: AsyncOrderDesk, orders: AsyncSqlOrders, secret: bytes) -> None:
        self.desk = desk
        self.orders = orders
        self.secret = secret


# The application ------------------------------------------------------------------------------


def create_app(
    database: str = "",
    payments: AsyncPaymentPort | PaymentPort | None = None,
    secret: str = "",
    *,
    resume_every_seconds: float = 10,
) -> FastAPI:
    """Make the application; what is left out comes from the environment."""
    url = database or os.environ.get("SHOP_DATABASE", "sqlite+aiosqlite:///shop.db?timeout=30")
    signing = secret or os.environ["SHOP_WEBHOOK_SECRET"]

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        engine = create_async_engine(url)
        async with engine.begin() as connection:
            await connection.run_sync(upgrade_schema)
        inventory = AsyncSqlInventory(engine)
        orders = AsyncSqlOrders(engine, inventory=inventory)
        desk = AsyncOrderDesk(
            orders=orders,
            inventory=inventory,
            payments=MemoryPayments() if payments is None else payments,
            locations=LOCATIONS,
            clock=utc_now,
            pause=_pause,
        )
        app.state.shop = Shop(desk, orders, signing.encode())
        closing = asyncio.Event()
        resuming = asyncio.create_task(resume_until(closing, desk, resume_every_seconds))
        yield
        closing.set()
        await resuming
        await engine.dispose()

    app = FastAPI(title="Shop", lifespan=lifespan)
    app.add_exception_handler(OrderwrightError, refused)
    app.add_exception_handler(RequestValidationError, malformed)
    add_routes(app)
    return app


async def resume_until(closing: asyncio.Event, desk: AsyncOrderDesk, every_seconds: float) -> None:
    """Finish what is due, again and again. Any number of these do each other no harm."""
    while not closing.is_set():
        try:
            done = await desk.resume()
        except OrderwrightError:
            LOG.exception("resuming failed; it will be tried again")
        else:
            for order_id, error in done.failures:
                LOG.warning("order %s: %s", order_id, error)
        with suppress(TimeoutError):
            await asyncio.wait_for(closing.wait(), every_seconds)


async def _pause(span: timedelta) -> None:
    await asyncio.sleep(span.total_seconds())


# What is answered when something is wrong -----------------------------------------------------


async def refused(_request: Request, error: Exception) -> JSONResponse:
    """Answer with the facts of an error of orderwright's."""
    assert isinstance(error, OrderwrightError)
    status = status_of(error)
    later = {"Retry-After": "1"} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    told = {"message": str(error), **CODEC.encode_error(error)}
    return JSONResponse(told, status, later)


async def malformed(request: Request, error: Exception) -> JSONResponse:
    """Answer what FastAPI refused as orderwright does: with all faults and their paths."""
    assert isinstance(error, RequestValidationError)
    faults = (Fault(".".join(map(str, one["loc"])), one["msg"]) for one in error.errors())
    return await refused(request, InvalidInput(faults))


def status_of(error: OrderwrightError) -> HTTPStatus:
    """The status of an error, by who can do something about it."""
    match error:
        case NotFound():
            return HTTPStatus.NOT_FOUND
        case KeyReused() | Conflict() | IllegalTransition() | OutOfStock() | OnHold():
            return HTTPStatus.CONFLICT  # not as things stand
        case Mistake():
            return HTTPStatus.BAD_REQUEST
        case Refused():
            return HTTPStatus.UNPROCESSABLE_ENTITY  # too much, or too late
        case AdapterFault(retryable=True):
            return HTTPStatus.SERVICE_UNAVAILABLE
        case _:
            return HTTPStatus.BAD_GATEWAY


def answer(order: Order, status: HTTPStatus = HTTPStatus.OK) -> JSONResponse:
    """An order as its document, with where it stands."""
    stands = {"state": order.state.name, "money": order.money, "goods": order.goods}
    return JSONResponse({**stands, "version": order.version, **CODEC.encode_order(order)}, status)


# What is sent to us ---------------------------------------------------------------------------


class Strict(BaseModel):
    """Nothing is converted, and nothing unknown is ignored."""

    model_config = ConfigDict(strict=True, extra="forbid")


class LineIn(Strict):
    """A line of an order; the price is a decimal number in a string."""

    sku: str
    quantity: int
    price: str
    name: str = ""


class OrderIn(Strict):
    """A new order, paid by a card that the provider has on file."""

    lines: list[LineIn]
    card: str
    currency: str = "EUR"
    customer_id: str = ""
    expected_total: str | None = None


class PaymentIn(Strict):
    """Another card, after a decline."""

    card: str
    expected_version: int | None = None


class CancellationIn(Strict):
    """Why an order is given up."""

    reason: str
    expected_version: int | None = None


class ShipmentIn(Strict):
    """What left, and how."""

    carrier: str = ""
    tracking: str = ""


class DeliveryIn(Strict):
    """What a supplier brought. When it came is a part of it, so it is sent along."""

    sku: str
    units: int
    at: str
    location: str = "MAIN"


class NoticeIn(Strict):
    """What the provider reports: of which of our operations, its number for it, and the outcome.

    Without an outcome it is a hint, and the operation is looked up.
    """

    operation: str
    sequence: int = 0
    outcome: dict[str, object] | None = None


def shop_of(request: Request) -> Shop:
    """The shop that the application opened when it started."""
    shop = request.app.state.shop
    assert isinstance(shop, Shop)
    return shop


async def verified(
    request: Request,
    shop: Annotated[Shop, Depends(shop_of)],
    x_signature: Annotated[str, Header()] = "",
) -> NoticeIn:
    """The notice in a request, if the provider has signed it: HMAC-SHA256 of the body, in hex."""
    body = await request.body()
    signature = hmac.new(shop.secret, body, "sha256").hexdigest()
    if not hmac.compare_digest(signature.encode(), x_signature.encode()):
        raise HTTPException(HTTPStatus.UNAUTHORIZED, "the signature is not the provider's")
    try:
        return NoticeIn.model_validate_json(body)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None


TheShop = Annotated[Shop, Depends(shop_of)]
Key = Annotated[str, Header(alias="Idempotency-Key", min_length=1)]
Notice = Annotated[NoticeIn, Depends(verified)]


# Routes ---------------------------------------------------------------------------------------


def add_routes(app: FastAPI) -> None:
    """Say what can be asked."""
    app.post("/orders")(place)
    app.get("/orders/{order_id}")(show)
    app.post("/orders/{order_id}/payments")(pay)
    app.post("/orders/{order_id}/cancellation")(cancel)
    app.post("/orders/{order_id}/shipments/{fulfillment_id}")(ship)
    app.put("/deliveries/{delivery_id}")(receive)
    app.post("/webhooks/payments")(payment_notice)
    app.get("/feed")(feed)


async def place(said: OrderIn, key: Key, shop: TheShop) -> JSONResponse:
    """Place an order. A declined card is no error: the order says that it is unpaid."""
    total = said.expected_total
    order = await shop.desk.place(
        [
            DraftLine(
                sku=one.sku,
                quantity=one.quantity,
                unit_price=UnitPrice.of(one.price, said.currency),
                name=one.name,
            )
            for one in said.lines
        ],
        order_id=uuid5(SHOP, key).hex,
        customer_id=said.customer_id,
        tenders=[Tender(method="card", instrument=said.card)],
        expected_total=None if total is None else Money.of(total, said.currency),
    )
    return answer(order, HTTPStatus.CREATED)


async def show(order_id: str, shop: TheShop) -> JSONResponse:
    """An order as it stands."""
    return answer(await shop.desk.order(order_id))


async def pay(order_id: str, said: PaymentIn, key: Key, shop: TheShop) -> JSONResponse:
    """Try another card."""
    tenders = [Tender(method="card", instrument=said.card)]
    order = await shop.desk.pay(order_id, tenders, key=key, expected_version=said.expected_version)
    return answer(order)


async def cancel(order_id: str, said: CancellationIn, key: Key, shop: TheShop) -> JSONResponse:
    """Give an order up: its stock is free again, and its money goes back."""
    order = await shop.desk.cancel(
        order_id, reason=said.reason, key=key, expected_version=said.expected_version
    )
    return answer(order)


async def ship(
    order_id: str, fulfillment_id: str, said: ShipmentIn, key: Key, shop: TheShop
) -> JSONResponse:
    """Report that a parcel has left; its share of the money is taken."""
    order = await shop.desk.ship(
        order_id, fulfillment_id, carrier=said.carrier, tracking=said.tracking, key=key
    )
    return answer(order)


async def receive(delivery_id: str, said: DeliveryIn, shop: TheShop) -> JSONResponse:
    """Book what a supplier brought; tell which orders got what they waited for."""
    try:
        at = datetime.fromisoformat(said.at)
    except ValueError:
        raise InvalidInput.at("at", "expected a time such as 2026-03-02T12:00:00Z") from None
    posting = Posting.receive(delivery_id, said.sku, said.location, said.units, at=at)
    return JSONResponse({"filled": await shop.desk.post_stock(posting)})


async def payment_notice(notice: Notice, shop: TheShop) -> JSONResponse:
    """Take in what the provider reports. Whatever it sends twice, or too late, changes nothing."""
    outcome = None if notice.outcome is None else CODEC.decode(notice.outcome, PaymentOutcome)
    order = await shop.desk.notify_payment(
        notice.operation, outcome=outcome, sequence=notice.sequence
    )
    return answer(order)


async def feed(
    shop: TheShop, after: int = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> JSONResponse:
    """All that happened to all orders, page by page: go on with ``after`` = ``next``."""
    page = await shop.orders.feed(after=after, limit=limit)
    events = [
        {
            "position": position,
            "order_id": order_id,
            "number": number,
            "event": CODEC.encode_event(event),
        }
        for position, order_id, number, event in page
    ]
    return JSONResponse({"events": events, "next": page[-1].position if page else after})
