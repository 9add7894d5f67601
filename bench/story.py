"""The life of an order that every contender lives, and the figures it must end with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Mapping

__all__ = [
    "CURRENCY",
    "LOCATIONS",
    "PATIENCE",
    "PRICES",
    "STOCK",
    "Basket",
    "Figures",
    "Shop",
    "baskets",
    "watched",
]

CURRENCY = "EUR"
PRICES = {f"SKU-{number}": 499 + 37 * number for number in range(50)}
"""Minor units of each article, as the catalogue of the host application has them."""
LOCATIONS = {"MAIN": 0, "NORTH": 2, "SOUTH": 5}
"""What one fulfillment costs at each location; the cheapest that has it all should serve."""
STOCK = 1_000_000
"""Units of every article received at every location before the first order."""
PATIENCE = timedelta(minutes=1)
"""After this long without an outcome, somebody has to look after an intent."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Basket:
    """One order: two articles, shipping, one card; what is known of it before it is placed."""

    order_id: str
    customer_id: str
    units: tuple[tuple[str, int], ...]
    shipping: int
    instrument: str
    tracking: str
    placed_at: datetime
    shipped_at: datetime
    delivered_at: datetime


@dataclass(frozen=True)
class Figures:
    """Where a shop stands after some lives; contenders that did the same duties agree on all."""

    orders: int
    states: Mapping[tuple[str, ...], int]
    """How many orders are in which state of the order and of its fulfillments."""
    total: int
    captured: int
    events: Mapping[str, int]
    """How many events of each kind the histories hold."""
    feed: int
    """How many events the feed of all orders holds."""
    unfinished: int
    """How many orders have something due."""
    balances: Mapping[tuple[str, ...], int]
    """Units by SKU, location, bucket and reservation; empty accounts left out."""
    postings: int
    books: Mapping[tuple[str, str, int], int]
    """What the provider booked: id, kind and amount of each operation."""


class Shop(Protocol):
    """A contender."""

    def live(self, basket: Basket) -> None:
        """Place the order, ship it and deliver it, with all that this takes."""

    def figures(self) -> Figures:
        """Say where everything stands."""


def baskets(count: int, first: int = 0) -> list[Basket]:
    """Return ``count`` different orders, numbered from ``first``."""
    opened = datetime(2026, 1, 5, 9, tzinfo=UTC)
    skus = list(PRICES)
    return [
        Basket(
            order_id=f"order-{number}",
            customer_id=f"customer-{number % 97}",
            units=((skus[number % 50], 1 + number % 3), (skus[(number * 7 + 3) % 50], 1)),
            shipping=495,
            instrument=f"card-{number % 97}",
            tracking=f"TRACK-{number}",
            placed_at=opened + timedelta(seconds=number),
            shipped_at=opened + timedelta(hours=5, seconds=number),
            delivered_at=opened + timedelta(days=2, seconds=number),
        )
        for number in range(first, first + count)
    ]


class _Watched:
    """Passes every call on, and counts it by name."""

    def __init__(self, inner: object, counts: Counter[str]) -> None:
        self._inner = inner
        self._counts = counts

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - it stands for any store
        found = getattr(self._inner, name)
        if not callable(found):
            return found
        return self._counted(name, found)

    def _counted(self, name: str, call: Callable[..., object]) -> Callable[..., object]:
        def counted(*args: object, **kwargs: object) -> object:
            self._counts[name] += 1
            return call(*args, **kwargs)

        return counted


def watched(store: T, counts: Counter[str] | None) -> T:
    """Return ``store`` as it is, or with its calls counted in ``counts``."""
    return store if counts is None else cast("T", _Watched(store, counts))
