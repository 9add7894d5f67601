"""Postings for tests of an inventory repository, and all that can be asked of one."""

from __future__ import annotations

from datetime import timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, cast

from attrs import evolve

from orderwright.inventory.entries import Reservation
from orderwright.inventory.guard import GUARDED, StockPolicy
from orderwright.inventory.postings import Posting
from orderwright.testing.reads import Read
from orderwright.testing.samples import NOON

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from orderwright.inventory.ledger import Claim, Stock

__all__ = [
    "HOUR",
    "MINUTE",
    "claims_seen",
    "everything",
    "held",
    "policies",
    "postings_seen",
    "receive",
    "reserve",
    "supply_seen",
]

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)

_POLICIES = {
    "SAFE": StockPolicy(safety_stock=2),
    "FEW": StockPolicy(backorder_limit=3),
    "WARN": StockPolicy(mode="warned"),
    "FREE": StockPolicy(mode="untracked"),
}


def policies(sku: str, location: str) -> StockPolicy:
    """Return a policy of each kind, by SKU; at WEST and for other SKUs all is guarded.

    The SKU as a whole, at no location, says how many may be claimed.
    """
    return GUARDED if location == "WEST" else _POLICIES.get(sku, GUARDED)


def receive(
    posting_id: str, units: int = 10, sku: str = "MUG", location: str = "MAIN", lot: str = ""
) -> Posting:
    """Return the receipt of some units at noon."""
    return Posting.receive(posting_id, sku, location, units, at=NOON, lot=lot)


def held(  # noqa: PLR0917 - what a reservation consists of
    name: str,
    units: int = 1,
    sku: str = "MUG",
    location: str = "MAIN",
    expires_at: datetime | None = None,
    order_id: str = "o1",
    lot: str = "",
) -> Reservation:
    """Return a reservation."""
    return Reservation(name, sku, location, units, expires_at, order_id, lot)


def reserve(posting_id: str, *reservations: Reservation, at: datetime = NOON) -> Posting:
    """Return the posting that makes some reservations."""
    return Posting.reserve(posting_id, reservations, at=at)


def everything(
    skus: Sequence[str], now: datetime, order_ids: Sequence[str] = ("o1", "o2")
) -> Iterator[Read]:
    """Return all that can be asked about some SKUs at a moment."""
    port = "InventoryRepository"
    ordered = f"{port}.reservations 4"
    yield Read(f"{port}.supply 3", skus, now=now, seen=supply_seen)
    yield Read(f"{port}.reservations 5", now, ordered=ordered)
    yield Read(f"{port}.reservations 3", now, skus=skus[:1], ordered=ordered)
    for order_id in order_ids:
        yield Read(f"{port}.reservations 3", now, order_id=order_id, ordered=ordered)
        yield Read(f"{port}.reservations 3", now, order_id=order_id, skus=skus[1:], ordered=ordered)
    for sku in skus:
        yield Read(f"{port}.claims 2", sku, seen=claims_seen, ordered=f"{port}.claims 1")
        yield Read(f"{port}.incoming 2", sku, ordered=f"{port}.incoming 1")
    yield Read(f"{port}.postings 1", seen=postings_seen)


def supply_seen(answer: object) -> list[Stock]:
    """Return supply in an order of its own: none is promised."""
    return sorted(cast("Sequence[Stock]", answer), key=lambda one: (one.sku, one.location))


def claims_seen(answer: object) -> list[Claim]:
    """Return claims without their numbers: only their order is promised."""
    return [one._replace(number=0) for one in cast("Sequence[Claim]", answer)]


def postings_seen(answer: object) -> list[Posting]:
    """Return postings; what a lapse is called, and which of it comes first, is the store's."""
    found: list[Posting] = []
    for one in cast("Sequence[Posting]", answer):
        if one.reason == "expired":
            entries = sorted(one.entries, key=attrgetter("account", "quantity"))
            found.append(evolve(one, id="lapse", entries=tuple(entries)))
        else:
            found.append(one)
    return found
