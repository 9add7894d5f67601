"""What postings consist of: accounts, entries, reservations, and what is checked of them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple, final, get_args

from attrs import frozen

from orderwright.errors import InvalidInput
from orderwright.money import UnitPrice
from orderwright.values import MAX_QUANTITY, aware, choice, identifier, instance, quantity, text

__all__ = [
    "FLOORED",
    "INSIDE",
    "Bucket",
    "Change",
    "Entry",
    "Reservation",
    "StockAccount",
    "StockTerms",
    "summed",
]

Bucket = Literal[
    "available",
    "reserved",
    "quarantine",
    "in_transit",
    "incoming",
    "backordered",
    "supplier",
    "customer",
    "loss",
    "production",
    "demand",
]
"""Where units are. The first four are on hand, ``incoming`` is on order, ``backordered`` are what
customers claim before it is there: these six are never below zero. The rest is outside our walls:
``production`` is what kits and dishes are made of, ``demand`` where claims come from."""

_BUCKETS: frozenset[str] = frozenset(get_args(Bucket))
INSIDE: frozenset[Bucket] = frozenset({"available", "reserved", "quarantine", "in_transit"})
FLOORED: frozenset[Bucket] = frozenset({*INSIDE, "incoming", "backordered"})
_NAMED: frozenset[Bucket] = frozenset({"reserved", "backordered"})
_PLAIN: frozenset[str] = _BUCKETS - _NAMED


class StockAccount(NamedTuple):
    """The key of a balance.

    ``reservation`` names who reserved or claimed it, and the purchase of what is incoming; ``lot``
    the batch, where lots are tracked.
    """

    sku: str
    location: str
    bucket: Bucket
    reservation: str = ""
    lot: str = ""


class StockTerms(NamedTuple):
    """What else is known of units that come in: all times aware, what is not known is None.

    ``expected_at`` is when incoming ones arrive, or what was promised for a claim; ``best_before``
    until when a lot may be promised; ``unit_cost`` what one cost; ``priority`` of a claim, the
    higher the sooner.
    """

    expected_at: datetime | None = None
    best_before: datetime | None = None
    unit_cost: UnitPrice | None = None
    priority: int = 0

    def check(self, path: str) -> None:
        """Raise InvalidInput for what terms cannot be."""
        for name, value in (("expected_at", self.expected_at), ("best_before", self.best_before)):
            if value is not None:
                aware(value, f"{path}.{name}")
        if self.unit_cost is not None:
            instance(self.unit_cost, UnitPrice, f"{path}.unit_cost")
        quantity(self.priority, f"{path}.priority", least=-MAX_QUANTITY)


@final
@frozen
class Entry:
    """``quantity`` units of ``sku`` into (or, negative, out of) one account.

    ``expires_at`` on an entry into ``reserved`` lets the reservation lapse at that moment.
    """

    sku: str
    location: str
    bucket: Bucket
    quantity: int
    reservation: str = ""
    expires_at: datetime | None = None
    lot: str = ""
    terms: StockTerms | None = None

    @property
    def account(self) -> StockAccount:
        """The account this entry changes."""
        return StockAccount(self.sku, self.location, self.bucket, self.reservation, self.lot)


@final
@frozen
class Reservation:
    """Units of one SKU at one location held under one id, until settled or lapsed.

    ``expires_at`` (aware; None for never) is when it lapses by itself, ``order_id`` whose it is.
    """

    id: str
    sku: str
    location: str
    quantity: int
    expires_at: datetime | None = None
    order_id: str = ""
    lot: str = ""


class Change(NamedTuple):
    """What a posting does to one account in all, and the lowest it comes to on the way."""

    account: StockAccount
    net: int
    lowest: int


def summed(
    entries: tuple[Entry, ...],
) -> tuple[dict[str, int], dict[StockAccount, int], dict[StockAccount, int], bool]:
    """Return the sums per SKU and per account, the lowest of named ones, whether any is special."""
    sums: dict[str, int] = {}
    net: dict[StockAccount, int] = {}
    lowest: dict[StockAccount, int] = {}
    special = False
    for index, entry in enumerate(entries):
        units = entry.quantity
        if type(units) is not int or not 0 < abs(units) <= MAX_QUANTITY:
            quantity(units, f"entries[{index}].quantity")
        identifier(entry.sku, f"entries[{index}].sku")
        if entry.location != "":  # where a claim is
            identifier(entry.location, f"entries[{index}].location")
        named = entry.reservation != ""
        special = special or named or entry.lot != ""
        if (
            named
            or entry.lot != ""
            or entry.bucket not in _PLAIN
            or entry.expires_at is not None
            or entry.terms is not None
        ):
            _check_entry(entry, f"entries[{index}]")
        sums[entry.sku] = sums.get(entry.sku, 0) + units
        account = entry.account
        now = net[account] = net.get(account, 0) + units
        if named:
            # What is taken out of a reservation must be in it first, even if it goes back in.
            lowest[account] = min(lowest.get(account, 0), now)
    return sums, net, lowest, special


def _check_entry(entry: Entry, path: str) -> None:
    """Refuse what an entry that is not a plain one cannot be."""
    text(entry.reservation, f"{path}.reservation")
    text(entry.lot, f"{path}.lot")
    if entry.bucket not in _BUCKETS:
        choice(entry.bucket, Bucket, f"{path}.bucket")
    if (entry.bucket in _NAMED) != bool(entry.reservation) and entry.bucket != "incoming":
        wrong = "is given for 'reserved', 'backordered' and 'incoming', and only there"
        raise InvalidInput.at(f"{path}.reservation", wrong)
    if entry.expires_at is not None:
        aware(entry.expires_at, f"{path}.expires_at")
    if entry.terms is not None:
        instance(entry.terms, StockTerms, f"{path}.terms").check(f"{path}.terms")
