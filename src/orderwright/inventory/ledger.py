"""InventoryLedger: the append-only double-entry book of stock. Its sums are the balances."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, final

from orderwright.errors import InvalidInput, NotFound
from orderwright.inventory.auditing import Finding, audit
from orderwright.inventory.entries import INSIDE, Entry, Reservation, StockAccount
from orderwright.inventory.guard import changes_of, guarded
from orderwright.inventory.postings import Posting
from orderwright.values import MAX_QUANTITY, in_utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from orderwright.inventory.entries import StockTerms
    from orderwright.inventory.guard import Policies, StockPolicy

__all__ = ["Claim", "Incoming", "InventoryLedger", "Lot", "Stock", "Units", "stock_of"]

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


class Units(NamedTuple):
    """The units of one lot (empty: of none) at a place, reserved ones left out."""

    lot: str
    available: int
    quarantine: int
    in_transit: int
    best_before: datetime | None


def stock_of(  # noqa: PLR0917 - what there is to know
    sku: str,
    location: str,
    units: Iterable[Units],
    reserved: int,
    policy: StockPolicy,
    now: datetime,
) -> Stock:
    """Return the stock of a place, of its ``units`` by lot and how many are ``reserved`` in all."""
    lots: list[Lot] = []
    plain = expired = quarantine = in_transit = 0
    for one in units:
        quarantine += one.quarantine
        in_transit += one.in_transit
        if not one.lot:
            plain = one.available
        elif one.best_before is not None and one.best_before <= now:
            expired += one.available
        elif one.available:
            lots.append(Lot(one.lot, one.available, one.best_before))
    return Stock(
        sku,
        location,
        plain + sum(one.available for one in lots),
        reserved,
        quarantine,
        in_transit,
        expired,
        tuple(sorted(lots, key=_first_expired)) if lots else (),
        policy.safety_stock,
        policy.mode != "guarded",
    )


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
        # Of every SKU what lapses, soonest first: reads and postings look at its head only.
        self._expiring: dict[str, list[tuple[datetime, StockAccount]]] = {}
        self._lapses: dict[StockAccount, datetime] = {}
        self._owners: dict[StockAccount, str] = {}
        # The open reservations of a SKU, and which one each of them was of all ever made.
        self._held: dict[str, dict[StockAccount, int]] = {}
        self._made: int = 0
        self._owned: dict[str, dict[StockAccount, None]] = {}
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
                    self._own(account, posting.order_id)
                    self._made += 1
                    self._held.setdefault(entry.sku, {}).setdefault(account, self._made)
                    # The last posting into a reservation says when it lapses, also if never.
                    self._lasts(account, entry.expires_at)
            elif account.reservation:
                self._wait(posting, entry, account)
            elif entry.lot and entry.terms is not None and entry.terms.best_before is not None:
                until = in_utc(entry.terms.best_before, "best_before")
                self._best_before[entry.sku, entry.lot] = until
        for account, units in after.items():
            if not units and account.reservation:
                self._balances.pop(account, None)
                _dropped(self._owned, self._owners.pop(account, ""), account)
                _dropped(self._held, account.sku, account)
                _dropped(self._waiting, account.sku, account)
                self._lasts(account, None)

    def _own(self, account: StockAccount, order_id: str) -> None:
        """Keep whose an account is; the last posting into it says so."""
        before = self._owners.get(account)
        if before != order_id:
            _dropped(self._owned, before or "", account)
            self._owners[account] = order_id
            self._owned.setdefault(order_id, {})[account] = None

    def _lasts(self, account: StockAccount, expires_at: datetime | None) -> None:
        """Keep until when a reservation lasts (None: for good)."""
        before = self._lapses.pop(account, None)
        if before is not None:
            soonest = self._expiring[account.sku]
            del soonest[bisect_left(soonest, (before, account))]
            if not soonest:
                del self._expiring[account.sku]
        if expires_at is not None:
            until = self._lapses[account] = in_utc(expires_at, "expires_at")
            insort(self._expiring.setdefault(account.sku, []), (until, account))

    def _wait(self, posting: Posting, entry: Entry, account: StockAccount) -> None:
        """Keep what is claimed, or on order, as of now."""
        if entry.quantity > 0:
            waiting = self._waiting.setdefault(entry.sku, {})
            number, terms = waiting.get(account, (self._numbers[posting.id], None))
            waiting[account] = (number, entry.terms or terms)
            self._own(account, posting.order_id)
        if entry.bucket == "backordered":
            total = StockAccount(entry.sku, "", "backordered")
            self._balances[total] = self._balances.get(total, 0) + entry.quantity

    def _lapse(self, posting: Posting) -> Posting | None:
        """Return the posting that frees what has expired on the SKUs of ``posting``, if any."""
        expired = [
            Reservation(account.reservation, sku, account.location, units, lot=account.lot)
            for sku in dict.fromkeys(change.account.sku for change in posting.changes)
            for account, units in self._expired(sku, posting.at)
        ]
        if not expired:
            return None
        lapse_id = f"{posting.id}/lapsed"
        while lapse_id in self._numbers:
            lapse_id += "/lapsed"
        return Posting.expire(lapse_id, expired, at=posting.at)

    def _expired(self, sku: str, now: datetime) -> Iterator[tuple[StockAccount, int]]:
        for expires_at, account in self._expiring.get(sku, ()):
            if expires_at > now:
                break
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
        found: list[Units] = []
        for lot in self._places.get(sku, _NOWHERE).get(location, ("",)):
            there = self.balance(StockAccount(sku, location, "available", "", lot))
            quarantine = self.balance(StockAccount(sku, location, "quarantine", "", lot))
            in_transit = self.balance(StockAccount(sku, location, "in_transit", "", lot))
            until = self._best_before.get((sku, lot))
            there += lapsed.get(lot, 0)
            found.append(Units(lot, there, quarantine, in_transit, until))
        reserved = self._reserved.get((sku, location), 0) - sum(lapsed.values())
        return stock_of(sku, location, found, reserved, self.policies(sku, location), now)

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
        if order_id:
            owned = [one for one in self._owned.get(order_id, ()) if one.bucket == "reserved"]
            accounts = sorted(owned, key=lambda one: self._held[one.sku][one])
        else:
            accounts = [
                one for sku in sorted(wanted or self._held) for one in self._held.get(sku, ())
            ]
        found: list[Reservation] = []
        for account in accounts:
            sku, location, _, name, lot = account
            expires_at = self._lapses.get(account)
            if (wanted and sku not in wanted) or (expires_at is not None and expires_at <= now):
                continue
            owner, units = self._owners[account], self._balances[account]
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
        return tuple(sorted(found, key=_arrival))

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
        """Recompute everything from the postings; return what does not add up (nothing).

        Beside balances these are all that is kept to answer reads: who reserved and claimed what,
        until when, what is on order, and the dates of lots.
        """
        found = audit(self._written, self.balances(), self.policies)
        again = InventoryLedger(self.policies)
        for posting in self._written:
            net = {change.account: change.net for change in posting.changes}
            again._write(posting, {one: again.balance(one) + net[one] for one in net})
        for name, mine, theirs in zip(_KEPT, self._kept(), again._kept(), strict=True):
            for key in dict.fromkeys((*theirs, *mine)):
                if mine.get(key) != theirs.get(key):
                    wrong = f"{name} of {key} is kept as {mine.get(key)}, not {theirs.get(key)}"
                    found += (Finding(wrong),)
        return found

    def _kept(self) -> tuple[Mapping[Any, object], ...]:
        """Return what is kept beside balances, in the order of its names."""
        claimed = {
            account.sku: units
            for account, units in self._balances.items()
            if units and account.bucket == "backordered" and not account.reservation
        }
        reserved = {place: units for place, units in self._reserved.items() if units}
        return (
            *(reserved, claimed, self._places, self._best_before, self._expiring),
            *(self._lapses, self._owners, self._owned, self._held, self._waiting),
        )


_KEPT = (
    *("reserved", "claimed", "locations", "best before", "what lapses"),
    *("lapsing", "the owner", "what is owned", "what is held", "what is awaited"),
)


def _dropped(index: dict[str, dict[StockAccount, _V]], key: str, account: StockAccount) -> None:
    known = index.get(key)
    if known is not None:
        known.pop(account, None)
        if not known:
            del index[key]


def _known_first(when: datetime | None) -> tuple[bool, float]:
    return (when is None, 0 if when is None else when.timestamp())


def _arrival(one: Incoming) -> tuple[bool, float, str, str]:
    return (*_known_first(one.expected_at), one.purchase, one.location)


def _first_expired(one: Lot) -> tuple[bool, float, str]:
    return (*_known_first(one.best_before), one.lot)


_NOWHERE: Mapping[str, Mapping[str, None]] = {}
_NOBODY: Mapping[StockAccount, tuple[int, StockTerms | None]] = {}
