"""InventoryLedger: the append-only double-entry book of stock. Its sums are the balances."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, final

from orderwright.errors import NotFound
from orderwright.inventory.postings import (
    INSIDE,
    Entry,
    Posting,
    Reservation,
    StockAccount,
    changes_of,
)
from orderwright.values import aware

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

__all__ = ["InventoryLedger", "Stock"]


@final
class Stock(NamedTuple):
    """What there is of a SKU at a location at a moment; ``on_hand`` is all of it."""

    sku: str
    location: str
    available: int
    reserved: int
    quarantine: int = 0

    @property
    def on_hand(self) -> int:
        """Units inside our walls."""
        return self.available + self.reserved + self.quarantine


@final
class InventoryLedger:
    """An in-memory book of postings with its reads; the one mutable object of the domain.

    ``post`` checks everything before its first write. Posting the same id again is a no-op;
    with other content it raises KeyReused. Reservations that have expired by the ``now`` of a
    read do not count in it, whether or not a posting has swept them yet. Not thread-safe by
    itself: :class:`orderwright.adapters.memory.MemoryInventory` puts a lock around it.

    >>> from datetime import datetime, timezone
    >>> noon = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
    >>> ledger = InventoryLedger()
    >>> ledger.post(Posting.receive("delivery-1", "MUG", "MAIN", 10, at=noon))
    >>> ledger.stock("MUG", "MAIN", now=noon).available
    10
    """

    def __init__(self) -> None:
        self._written: list[Posting] = []
        self._numbers: dict[str, int] = {}
        self._balances: dict[StockAccount, int] = {}
        self._reserved: dict[tuple[str, str], int] = {}
        self._places: dict[str, dict[str, None]] = {}
        self._expiring: dict[str, dict[StockAccount, datetime]] = {}
        self._owners: dict[StockAccount, str] = {}

    def post(self, posting: Posting) -> None:
        """Write ``posting``, first letting lapse what has expired on its SKUs.

        Raises OutOfStock (nothing written) if an account inside our walls would fall below zero,
        KeyReused if its id was used for another posting.
        """
        known = self._numbers.get(posting.id)
        if known is not None:
            self._written[known].require_same(posting)
            return
        lapse = self._lapse(posting) if self._expiring else None
        if lapse is None or (lapse.entries, lapse.reason) == (posting.entries, posting.reason):
            # Nothing lapses, or it is such a lapse itself: another book is being replayed.
            after = changes_of(posting, self.balance)
        else:
            freed = changes_of(lapse, self.balance)
            after = changes_of(posting, lambda account: freed.get(account, self.balance(account)))
            self._write(lapse, freed)
        self._write(posting, after)

    def _write(self, posting: Posting, after: Mapping[StockAccount, int]) -> None:
        self._numbers[posting.id] = len(self._written)
        self._written.append(posting)
        for entry in posting.entries:
            if entry.bucket == "reserved":
                place = (entry.sku, entry.location)
                self._reserved[place] = self._reserved.get(place, 0) + entry.quantity
                if entry.quantity > 0:
                    self._owners[entry.account] = posting.order_id
                    # The last posting into a reservation says when it lapses, also if never.
                    if entry.expires_at is not None:
                        self._expiring.setdefault(entry.sku, {})[entry.account] = entry.expires_at
                    elif self._expiring:
                        self._forget(entry.account)
            elif entry.bucket in INSIDE and entry.location not in self._places.get(entry.sku, ()):
                self._places.setdefault(entry.sku, {})[entry.location] = None
        self._balances.update(after)
        for account, units in after.items():
            if not units and account.reservation:
                del self._balances[account]
                self._owners.pop(account, None)
                if self._expiring:
                    self._forget(account)

    def _forget(self, account: StockAccount) -> None:
        expiring = self._expiring.get(account.sku)
        if expiring is not None:
            expiring.pop(account, None)
            if not expiring:
                del self._expiring[account.sku]

    def _lapse(self, posting: Posting) -> Posting | None:
        """Return the posting that frees what has expired on the SKUs of ``posting``, if any."""
        entries: list[Entry] = []
        for sku in dict.fromkeys(entry.sku for entry in posting.entries):
            for account, units in self._expired(sku, posting.at):
                entries += (
                    Entry(sku, account.location, "reserved", -units, account.reservation),
                    Entry(sku, account.location, "available", units),
                )
        if not entries:
            return None
        lapse_id = f"{posting.id}/lapsed"
        while lapse_id in self._numbers:
            lapse_id += "/lapsed"
        return Posting(id=lapse_id, at=posting.at, entries=tuple(entries), reason="expired")

    def _expired(self, sku: str, now: datetime) -> Iterator[tuple[StockAccount, int]]:
        for account, expires_at in self._expiring.get(sku, _NONE).items():
            if expires_at <= now:
                yield account, self._balances[account]

    def balance(self, account: StockAccount) -> int:
        """Return the units booked on ``account``, in constant time; 0 if never used."""
        return self._balances.get(account, 0)

    def stock(self, sku: str, location: str, *, now: datetime) -> Stock:
        """Return what there is of ``sku`` at ``location``; what has expired by ``now`` is free."""
        aware(now, "now")
        lapsed = sum(
            units for account, units in self._expired(sku, now) if account.location == location
        )
        return Stock(
            sku,
            location,
            self.balance(StockAccount(sku, location, "available")) + lapsed,
            self._reserved.get((sku, location), 0) - lapsed,
            self.balance(StockAccount(sku, location, "quarantine")),
        )

    def supply(self, skus: Iterable[str], *, now: datetime) -> tuple[Stock, ...]:
        """Return the stock of each of ``skus`` at every location that ever had it."""
        return tuple(
            self.stock(sku, location, now=now)
            for sku in dict.fromkeys(skus)
            for location in self._places.get(sku, ())
        )

    def reservations(
        self, now: datetime, *, order_id: str = "", skus: Iterable[str] = ()
    ) -> tuple[Reservation, ...]:
        """Return every reservation that has not been settled and has not expired by ``now``.

        Only those of that order and of those SKUs, where these are given.
        """
        aware(now, "now")
        wanted = frozenset(skus)
        found: list[Reservation] = []
        # What is reserved has an owner, be it no order's: settling it drops both.
        for account, owner in self._owners.items():
            if (order_id and owner != order_id) or (wanted and account.sku not in wanted):
                continue
            expires_at = self._expiring.get(account.sku, _NONE).get(account)
            if expires_at is None or expires_at > now:
                sku, location, _, name = account
                units = self._balances[account]
                found.append(Reservation(name, sku, location, units, expires_at, owner))
        return tuple(found)

    def posting(self, posting_id: str) -> Posting | None:
        """Return the posting with that id, if it was written."""
        number = self._numbers.get(posting_id)
        return None if number is None else self._written[number]

    def postings(self, *, after: str = "", limit: int | None = None) -> Iterator[Posting]:
        """Iterate over all postings, oldest first, or over ``limit`` of those after an id.

        Raises NotFound if no posting has the id ``after``.
        """
        start = 0
        if after:
            known = self._numbers.get(after)
            if known is None:
                raise NotFound("posting", after)
            start = known + 1
        return iter(self._written[start : None if limit is None else start + limit])

    def audit(self) -> tuple[str, ...]:
        """Recompute every balance from the postings; return what does not add up (nothing)."""
        sums: dict[StockAccount, int] = {}
        per_sku: dict[str, int] = {}
        for posting in self._written:
            for entry in posting.entries:
                sums[entry.account] = sums.get(entry.account, 0) + entry.quantity
                per_sku[entry.sku] = per_sku.get(entry.sku, 0) + entry.quantity
        return (
            *(f"{sku} sums to {units:+}" for sku, units in per_sku.items() if units),
            *(
                f"{account} is {self.balance(account)}, its postings sum to {units}"
                for account, units in sums.items()
                if units != self.balance(account)
            ),
            *(
                f"{account} is below zero"
                for account, units in sums.items()
                if units < 0 and account.bucket in INSIDE
            ),
        )


_NONE: Mapping[StockAccount, datetime] = {}
