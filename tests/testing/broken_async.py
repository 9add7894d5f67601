"""Async adapters that break a promise each: by what happens while they wait."""

from asyncio import sleep
from collections.abc import Mapping, Sequence
from typing import cast

from orderwright import (
    Conflict,
    Contact,
    InventoryLedger,
    Order,
    PaymentOutcome,
    PaymentRequest,
    Posting,
)
from orderwright.orders.events import Event
from orderwright.ports import OrderQuery
from tests.testing.broken_inventory import Unguarded
from tests.testing.memory import AsyncInventory, AsyncOrders, AsyncPayments


class CheckThenAwait(AsyncOrders):
    """The version is read, and compared, before the write that it is to guard."""

    async def save(
        self,
        order: Order,
        events: Sequence[Event],
        *,
        expected_version: int,
        contacts: Mapping[str, Contact | None] | None = None,
    ) -> None:
        """Check, and later write without a look."""
        known = await self.load(order.id)
        version = 0 if known is None else known.version
        if version != expected_version:
            raise Conflict(order.id, expected_version, version)
        await super().save(order, events, expected_version=expected_version, contacts=contacts)


class LoadThenAwait(AsyncOrders):
    """The order is loaded, and then the key is looked up."""

    async def load_with_key(
        self, order_id: str, key: str
    ) -> tuple[Order | None, tuple[Event, ...]]:
        """Look twice."""
        order = await self.load(order_id)
        _, events = await super().load_with_key(order_id, key)
        return order, events


class LookThenAwait(AsyncInventory):
    """What is there is read, and compared, before the transaction that takes it."""

    def __init__(self, stock: Unguarded) -> None:
        super().__init__(stock)
        self._policies = stock.policies
        self._book = stock.ledger

    async def post(self, posting: Posting) -> None:
        """Check, and later write without a look."""
        probe = InventoryLedger(self._policies)
        for one in self._book.postings():
            probe.post(one)
        probe.post(posting)
        await super().post(posting)


class GivesUp(AsyncPayments):
    """No answer is a no."""

    async def authorize(self, request: PaymentRequest) -> PaymentOutcome:
        """Say that it failed."""
        outcome = await super().authorize(request)
        if outcome.outcome == "unknown":
            return PaymentOutcome(outcome="failed", amount=request.amount)
        return outcome


class FindLeftSync(AsyncOrders):
    """A method that was not made async."""

    async def find(
        self, query: OrderQuery, *, after: str = "", limit: int = 100
    ) -> tuple[str, ...]:
        """Is replaced below."""
        await sleep(0)
        return self._orders.find(query, after=after, limit=limit)

    def __getattribute__(self, name: str) -> object:
        """Hand out the sync method."""
        inner = cast("AsyncOrders", object.__getattribute__(self, "_orders"))
        return getattr(inner, name) if name == "find" else object.__getattribute__(self, name)
