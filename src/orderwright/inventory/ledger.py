"""InventoryLedger: the append-only double-entry book of stock. Its sums are the balances."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar, final

from orderwright.errors import InvalidInput, NotFound
from orderwright.inventory.auditing import audit
from orderwright.inventory.guard import changes_of, guarded
from orderwright.inventory.postings import INSIDE, Entry, Posting, Reservation, StockAccount
from orderwright.values import MAX_QUANTITY, in_utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from orderwright.inventory.auditing import Finding
    from orderwright.inventory.guard import Policies
    from orderwright.inventory.postings import StockTerms

__all__ = ["Claim", "Incoming", "InventoryLedger", "Lot", "Stock"]

_V = TypeVar("_V")


class Lot(NamedTuple):
    """Available units of a lot that may still be promised, and until when (None: for good)."""

    lot: str
    available: int
    best_before: datetime | None = None


@final
class Stock(NamedTuple):
    """What there is of a SKU at a location at a moment; ``on_hand`` is all of it.

    ``expired`` units are past their date, and not available. ``lots`` are those of the available
    ones, the first to expire first. ``safety_stock`` is kept back of them by policy; ``unlimited``
    is what nobody guards.
    """

    sku: str
    location: str
    available: int
    reserved: int
    quarantine: int = 0
    in_transit: int = 0
    expired: int = 0
    lots: tuple[Lot, ...] = ()
    safety_stock: int = 0
    unlimited: bool = False

    @property
    def on_hand(self) -> int:
        """Units inside our walls."""
        return self.available + self.reserved + self.quarantine + self.in_transit + self.expired

    @property
    def promisable(self) -> int:
        """Units that may be promised."""
        return MAX_QUANTITY if self.unlimited else max(0, self.available - self.safety_stock)


@final
class Incoming(NamedTuple):
    """Units on order: of which purchase, for which location, expected when (None: unknown)."""

    sku: str
    location: str
    purchase: str
    quantity: int
    expected_at: datetime | None


@final
class Claim(NamedTuple):
    """Units somebody waits for. ``number`` tells who came first; ``promised_at`` what was said."""

    id: str
    sku: str
    quantity: int
    number: int
    order_id: str = ""
    priority: int = 0
    promised_at: datetime | None = None


@final
class InventoryLedger:
    """An in-memory book of postings with its reads; the one mutable object of the domain.

    ``post`` checks everything before its first write. Posting the same id again is a no-op;
    with other content it raises KeyReused. Reservations that have expired by the ``now`` of a
    read do not count in it, whether or not a posting has swept them yet. ``policies`` say what may
    be promised; left out, all stock is guarded. Not thread-safe by itself:
    :class:`orderwright.adapters.memory.MemoryInventory` puts a lock around it.

    >>> from datetime import datetime, timezone
    >>> noon = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
    >>> ledger = InventoryLedger()
    >>> ledger.post(Posting.receive("delivery-1", "MUG", "MAIN", 10, at=noon))
    >>> ledger.stock("MUG", "MAIN", now=noon).available
    10
    """

    def __init__(self, policies: Policies = guarded) -> None:
        self.policies: Policies = policies
        self._written: list[Posting] = []
        self._numbers: dict[str, int] = {}
        self._balances: dict[StockAccount, int] = {}
        self._reserved: dict[tuple[str, str], int] = {}
        self._places: dict[str, dict[str, dict[str, None]]] = {}
        self._best_before: dict[tuple[str, str], datetime | None] = {}
        self._expiring: dict[str, dict[StockAccount, datetime]] = {}
        self._owners: dict[StockAccount, str] = {}
        self._waiting: dict[str, dict[StockAccount, tuple[int, StockTerms | None]]] = {}

    def post(self, posting: Posting) -> None:
        """Write ``posting``, first letting lapse what has expired on its SKUs.

        Raises OutOfStock (nothing written) if an account inside our walls would fall below its
        floor or claims would exceed their limit, KeyReused if its id was used for another posting,
        InvalidInput for what is none.
        """
        try:
            known = self._numbers.get(posting.id)
        except AttributeError:
            wrong = f"expected Posting, got {type(posting).__name__}"
            raise InvalidInput.at("posting", wrong) from None
        if known is not None:
            self._written[known].require_same(posting)
            return
        balance = self._balances.get
        lapse = self._lapse(posting) if self._expiring else None
        if lapse is None or (lapse.entries, lapse.reason) == (posting.entries, posting.reason):
            # Nothing lapses, or it is such a lapse itself: another book is being replayed.
            after = changes_of(posting, balance, self.policies)
        else:
            freed = changes_of(lapse, balance, self.policies)
            after = changes_of(
                posting, lambda account: freed.get(account, balance(account) or 0), self.policies
            )
            self._write(lapse, freed)
        self._write(posting, after)

    def _write(self, posting: Posting, after: Mapping[StockAccount, int]) -> None:
        self._numbers[posting.id] = len(self._written)
        self._written.append(posting)
        balances = self._balances
        known = len(balances)
        balances.update(after)
        if len(balances) > known:
            for account in after:
                if account.bucket in INSIDE:
                    places = self._places.setdefault(account.sku, {})
                    places.setdefault(account.location, {})[account.lot] = None
        if posting.named:
            self._note(posting, after)

    def _note(self, posting: Posting, after: Mapping[StockAccount, int]) -> None:
        """Keep whose reserved, claimed and incoming units are, and until when, as of now."""
        for entry in posting.entries:
            account = entry.account
            if entry.bucket == "reserved":
                place = (entry.sku, entry.location)
                self._reserved[place] = self._reserved.get(place, 0) + entry.quantity
                if entry.quantity > 0:
                    self._owners[account] = posting.order_id
                    # The last posting into a reservation says when it lapses, also if never.
                    if entry.expires_at is not None:
                        until = in_utc(entry.expires_at, "expires_at")
                        self._expiring.setdefault(entry.sku, {})[account] = until
                    elif self._expiring:
                        _dropped(self._expiring, account)
            elif account.reservation:
                self._wait(posting, entry, account)
            elif entry.lot and entry.terms is not None:
                self._best_before[entry.sku, entry.lot] = entry.terms.best_before
        for account, units in after.items():
            if not units and account.reservation:
                self._balances.pop(account, None)
                self._owners.pop(account, None)
                _dropped(self._expiring, account)
                _dropped(self._waiting, account)

    def _wait(self, posting: Posting, entry: Entry, account: StockAccount) -> None:
        """Keep what is claimed, or on order, as of now."""
        if entry.quantity > 0:
            waiting = self._waiting.setdefault(entry.sku, {})
            number, terms = waiting.get(account, (self._numbers[posting.id], None))
            waiting[account] = (number, entry.terms or terms)
            self._owners[account] = posting.order_id
        if entry.bucket == "backordered":
            total = StockAccount(entry.sku, "", "backordered")
            self._balances[total] = self._balances.get(total, 0) + entry.quantity

    def _lapse(self, posting: Posting) -> Posting | None:
        """Return the posting that frees what has expired on the SKUs of ``posting``, if any."""
        entries: list[Entry] = []
        for sku in dict.fromkeys(change.account.sku for change in posting.changes):
            for account, units in self._expired(sku, posting.at):
                _, location, _, name, lot = account
                entries += (
                    Entry(sku, location, "reserved", -units, name, lot=lot),
                    Entry(sku, location, "available", units, lot=lot),
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

    # What there is ------------------------------------------------------------------------------

    def balance(self, account: StockAccount) -> int:
        """Return the units booked on ``account``, in constant time; 0 if never used."""
        return self._balances.get(account, 0)

    def stock(self, sku: str, location: str, *, now: datetime) -> Stock:
        """Return what there is of ``sku`` at ``location``; what has expired by ``now`` is free."""
        now = in_utc(now, "now")
        lapsed: dict[str, int] = {}
        for account, units in self._expired(sku, now):
            if account.location == location:
                lapsed[account.lot] = lapsed.get(account.lot, 0) + units
        lots: list[Lot] = []
        plain = expired = quarantine = in_transit = 0
        for lot in self._places.get(sku, _NOWHERE).get(location, ("",)):
            units = self.balance(StockAccount(sku, location, "available", "", lot))
            units += lapsed.get(lot, 0)
            quarantine += self.balance(StockAccount(sku, location, "quarantine", "", lot))
            in_transit += self.balance(StockAccount(sku, location, "in_transit", "", lot))
            until = self._best_before.get((sku, lot))
            if not lot:
                plain = units
            elif until is not None and until <= now:
                expired += units
            elif units:
                lots.append(Lot(lot, units, until))
        policy = self.policies(sku, location)
        available = plain + sum(one.available for one in lots)
        return Stock(
            sku,
            location,
            available,
            self._reserved.get((sku, location), 0) - sum(lapsed.values()),
            quarantine,
            in_transit,
            expired,
            tuple(sorted(lots, key=_first_expired)) if lots else (),
            policy.safety_stock,
            policy.mode != "guarded",
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
        now = in_utc(now, "now")
        wanted = frozenset(skus)
        found: list[Reservation] = []
        # What is reserved has an owner, be it no order's: settling it drops both.
        for account, owner in self._owners.items():
            sku, location, bucket, name, lot = account
            if bucket != "reserved" or (order_id and owner != order_id):
                continue
            if wanted and sku not in wanted:
                continue
            expires_at = self._expiring.get(sku, _NONE).get(account)
            if expires_at is None or expires_at > now:
                units = self._balances[account]
                found.append(Reservation(name, sku, location, units, expires_at, owner, lot))
        return tuple(found)

    def incoming(self, sku: str) -> tuple[Incoming, ...]:
        """Return what is on order of ``sku``, the first to come first, unknown dates last."""
        found: list[Incoming] = []
        for account, (_, terms) in self._waiting.get(sku, _NOBODY).items():
            if account.bucket == "incoming":
                when = terms.expected_at if terms else None
                units = self._balances[account]
                found.append(Incoming(sku, account.location, account.reservation, units, when))
        return tuple(sorted(found, key=lambda one: (*_known_first(one.expected_at), one.purchase)))

    def claims(self, sku: str) -> tuple[Claim, ...]:
        """Return who waits for units of ``sku``, first come first."""
        found: list[Claim] = []
        for account, (number, terms) in self._waiting.get(sku, _NOBODY).items():
            if account.bucket == "backordered":
                found.append(
                    Claim(
                        account.reservation,
                        sku,
                        self._balances[account],
                        number,
                        self._owners[account],
                        terms.priority if terms else 0,
                        terms.expected_at if terms else None,
                    )
                )
        return tuple(sorted(found, key=lambda one: one.number))

    # What was written ---------------------------------------------------------------------------

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

    def balances(self) -> Mapping[StockAccount, int]:
        """Return every balance that is not zero, as it is kept."""
        return {
            account: units
            for account, units in self._balances.items()
            if units and (account.reservation or account.bucket != "backordered")
        }

    def audit(self) -> tuple[Finding, ...]:
        """Recompute everything from the postings; return what does not add up (nothing)."""
        return audit(self._written, self.balances(), self.policies)


def _dropped(index: dict[str, dict[StockAccount, _V]], account: StockAccount) -> None:
    known = index.get(account.sku)
    if known is not None:
        known.pop(account, None)
        if not known:
            del index[account.sku]


def _known_first(when: datetime | None) -> tuple[bool, float]:
    return (when is None, 0 if when is None else when.timestamp())


def _first_expired(one: Lot) -> tuple[bool, float, str]:
    return (*_known_first(one.best_before), one.lot)


_NONE: Mapping[StockAccount, datetime] = {}
_NOWHERE: Mapping[str, Mapping[str, None]] = {}
_NOBODY: Mapping[StockAccount, tuple[int, StockTerms | None]] = {}
