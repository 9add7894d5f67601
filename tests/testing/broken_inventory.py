"""Inventory repositories that break a promise each, as real ones do; the kit has to name which.

All of them are `PlainStock`, which keeps every promise, but for one thing.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Lock
from time import sleep

from attrs import define, evolve, field

from orderwright import InventoryLedger, OutOfStock, Posting, Reservation
from orderwright.errors import AdapterFault, KeyReused, NotFound, Shortage
from orderwright.inventory.entries import Entry, StockAccount
from orderwright.inventory.guard import Policies, StockPolicy, guarded
from orderwright.inventory.ledger import Claim, Incoming, Stock

PAUSE = 0.002


@define
class StockStore:
    """What is kept."""

    lock: Lock = field(factory=Lock)
    ledger: InventoryLedger = field(factory=InventoryLedger)
    ids: set[str] = field(factory=set)
    late: tuple[Stock, ...] = ()


class PlainStock:
    """A correct inventory repository: the ledger behind a lock."""

    def __init__(self, store: StockStore, policies: Policies) -> None:
        self.store = store
        self.policies = policies
        store.ledger.policies = policies

    @property
    def ledger(self) -> InventoryLedger:
        """The ledger of the store."""
        return self.store.ledger

    def post(self, posting: Posting) -> None:
        """Post."""
        with self.store.lock:
            self.ledger.post(posting)

    def supply(self, skus: Iterable[str], *, now: datetime) -> tuple[Stock, ...]:
        """Read supply."""
        with self.store.lock:
            return self.ledger.supply(skus, now=now)

    def reservations(
        self, now: datetime, *, order_id: str = "", skus: Iterable[str] = ()
    ) -> tuple[Reservation, ...]:
        """Read reservations."""
        with self.store.lock:
            return self.ledger.reservations(now, order_id=order_id, skus=skus)

    def claims(self, sku: str) -> tuple[Claim, ...]:
        """Read claims."""
        with self.store.lock:
            return self.ledger.claims(sku)

    def incoming(self, sku: str) -> tuple[Incoming, ...]:
        """Read what is incoming."""
        with self.store.lock:
            return self.ledger.incoming(sku)

    def postings(self, *, after: str = "", limit: int = 1000) -> tuple[Posting, ...]:
        """Read postings."""
        with self.store.lock:
            return tuple(self.ledger.postings(after=after, limit=limit))

    def unguarded(self, posting: Posting) -> None:
        """Write a posting whatever is there."""
        self.under(posting, lambda _sku, _location: StockPolicy(mode="warned"))

    def under(self, posting: Posting, policies: Policies) -> None:
        """Write a posting under other policies than the reads have."""
        self.ledger.policies = policies
        try:
            self.ledger.post(posting)
        finally:
            self.ledger.policies = self.policies


# Once, and whole ------------------------------------------------------------------------------


class NotIdempotent(PlainStock):
    """A repeated posting is written again, under another id."""

    def post(self, posting: Posting) -> None:
        """Write it anew."""
        with self.store.lock:
            name = posting.id
            while self.ledger.posting(name) == evolve(posting, id=name):
                name += "'"
            self.ledger.post(evolve(posting, id=name))


class RepeatsAreErrors(PlainStock):
    """A repeated posting violates a constraint."""

    def post(self, posting: Posting) -> None:
        """Refuse what is known."""
        with self.store.lock:
            if self.ledger.posting(posting.id) is not None:
                raise KeyReused(posting.id, "id", posting.id, posting.id)
            self.ledger.post(posting)


class RepeatsAreGuarded(PlainStock):
    """A repeated posting is checked before anybody looks whether it is known."""

    def post(self, posting: Posting) -> None:
        """Check, then post."""
        with self.store.lock:
            again = evolve(posting, id=f"{posting.id}'")
            probe = InventoryLedger(self.policies)
            for one in self.ledger.postings():
                probe.post(one)
            probe.post(again)
            self.ledger.post(posting)


class KeyReuseSwallowed(PlainStock):
    """INSERT ... ON CONFLICT DO NOTHING: a known id is a no-op, whatever it says."""

    def post(self, posting: Posting) -> None:
        """Take every known id for a repetition."""
        with suppress(KeyReused):
            super().post(posting)


class OnlyUnitsCompared(PlainStock):
    """Of a known id only the entries are compared."""

    def post(self, posting: Posting) -> None:
        """Compare entries."""
        with self.store.lock:
            known = self.ledger.posting(posting.id)
            if known is None or known.entries != posting.entries:
                self.ledger.post(posting)


class PartialReservation(PlainStock):
    """Each line is a transaction of its own, until one is refused."""

    def post(self, posting: Posting) -> None:
        """Write line by line, if it cannot all be written."""
        with self.store.lock:
            try:
                self.ledger.post(posting)
            except OutOfStock:
                for sku in dict.fromkeys(one.sku for one in posting.entries):
                    line = tuple(one for one in posting.entries if one.sku == sku)
                    self.ledger.post(evolve(posting, id=f"{posting.id} {sku}", entries=line))
                raise


class SkuBySku(PlainStock):
    """Each SKU is written in a transaction of its own, once all are known to be there."""

    def post(self, posting: Posting) -> None:
        """Write all, of which the last SKU is seen a little later."""
        *_, last = sorted({one.sku for one in posting.entries}) or [""]
        with self.store.lock:
            before = self.ledger.supply([last], now=posting.at)
            self.ledger.post(posting)
            self.store.late = before if len(posting.changes) > 2 else ()
        sleep(PAUSE if self.store.late else 0)
        self.store.late = ()

    def supply(self, skus: Iterable[str], *, now: datetime) -> tuple[Stock, ...]:
        """Read what is there by now."""
        late = {(one.sku, one.location): one for one in self.store.late}
        found = super().supply(skus, now=now)
        return tuple(late.get((one.sku, one.location), one) for one in found)


class OnlyAccountsCompared(PlainStock):
    """Of a known id the entries are compared, without what else is said of their units."""

    def post(self, posting: Posting) -> None:
        """Compare accounts and units."""
        with self.store.lock:
            known = self.ledger.posting(posting.id)
            if known is None or _bare(known) != _bare(posting):
                self.ledger.post(posting)


class OnlySkusCompared(PlainStock):
    """Of a known id only SKUs, buckets and units are compared."""

    def post(self, posting: Posting) -> None:
        """Compare what moves, wherever."""
        with self.store.lock:
            known = self.ledger.posting(posting.id)
            if known is None or _moves(known) != _moves(posting):
                self.ledger.post(posting)


def _bare(posting: Posting) -> Posting:
    bare = tuple(evolve(one, expires_at=None, terms=None) for one in posting.entries)
    return evolve(posting, entries=bare)


def _moves(posting: Posting) -> tuple[object, ...]:
    moves = tuple((one.sku, one.bucket, one.quantity) for one in posting.entries)
    return (posting.at, posting.reason, posting.order_id, moves)


class RaceOnTheId(PlainStock):
    """Whether an id is known is looked up before the transaction."""

    def post(self, posting: Posting) -> None:
        """Look, then write, under another id if it has come up meanwhile."""
        with self.store.lock:
            known = self.ledger.posting(posting.id) is not None
        sleep(PAUSE)
        with self.store.lock:
            name = posting.id
            while not known and self.ledger.posting(name) is not None:
                name += "'"
            self.ledger.post(evolve(posting, id=name))


class NotDurable(PlainStock):
    """Postings stay with the adapter."""

    def __init__(self, store: StockStore, policies: Policies) -> None:
        super().__init__(evolve(store, ledger=InventoryLedger()), policies)


class StaleSupply(PlainStock):
    """Each adapter keeps what it read once."""

    def __init__(self, store: StockStore, policies: Policies) -> None:
        super().__init__(store, policies)
        self._seen: dict[tuple[object, ...], tuple[Stock, ...]] = {}

    def supply(self, skus: Iterable[str], *, now: datetime) -> tuple[Stock, ...]:
        """Read once."""
        asked = (*skus, now)
        if asked not in self._seen:
            self._seen[asked] = super().supply([str(one) for one in asked[:-1]], now=now)
        return self._seen[asked]


# The guard ------------------------------------------------------------------------------------


class Unguarded(PlainStock):
    """Stock falls below zero."""

    def post(self, posting: Posting) -> None:
        """Write whatever comes."""
        with self.store.lock:
            self.unguarded(posting)


class FloorOffByOne(PlainStock):
    """`>` where `>=` was meant, the other way round: one unit more than there is."""

    def post(self, posting: Posting) -> None:
        """Let one unit through."""
        with self.store.lock:
            try:
                self.ledger.post(posting)
            except OutOfStock as error:
                if any(
                    one.wanted - one.available > 1 or one.reservation for one in error.shortages
                ):
                    raise
                self.unguarded(posting)


class LinesNotSummed(PlainStock):
    """Each line is compared with what is there before any of them is written."""

    def post(self, posting: Posting) -> None:
        """Check line by line."""
        with self.store.lock:
            try:
                self.ledger.post(posting)
            except OutOfStock:
                for one in posting.entries:
                    there = self.ledger.balance(one.account)
                    if one.quantity < 0 and there + one.quantity < 0:
                        raise
                self.unguarded(posting)


class LastUnitTwice(PlainStock):
    """What is there is read, and compared, before the transaction that takes it."""

    def post(self, posting: Posting) -> None:
        """Check, and later write without a look."""
        with self.store.lock:
            probe = InventoryLedger(self.policies)
            for one in self.ledger.postings():
                probe.post(one)
            probe.post(posting)
        sleep(PAUSE)
        with self.store.lock:
            self.unguarded(posting)


class OrderOfEntriesLost(PlainStock):
    """Only the sums of a posting are looked at, also in a reservation."""

    def post(self, posting: Posting) -> None:
        """Check what comes first, then what goes."""
        with self.store.lock:
            entries = tuple(sorted(posting.entries, key=lambda one: one.quantity < 0))
            probe = InventoryLedger(self.policies)
            for one in self.ledger.postings():
                probe.post(one)
            try:
                self.ledger.post(posting)
            except OutOfStock:
                probe.post(evolve(posting, entries=entries))
                self.ledger.post(evolve(posting, entries=entries))


class SafetyStockIgnored(PlainStock):
    """All that is there may be reserved."""

    def post(self, posting: Posting) -> None:
        """Forget what is kept back."""
        with self.store.lock:
            self.under(posting, lambda *one: evolve(self.policies(*one), safety_stock=0))


class SafetyStockForAll(PlainStock):
    """What is kept back of reservations is kept back of everything."""

    def post(self, posting: Posting) -> None:
        """Check every posting as if it reserved."""
        with self.store.lock:
            for account, net, _ in posting.changes:
                floor = self.policies(account.sku, account.location).safety_stock
                there = self.ledger.balance(account)
                if account.bucket == "available" and net < 0 and floor and there + net < floor:
                    short = Shortage(account.sku, account.location, -net, max(0, there - floor))
                    raise OutOfStock([short])
            self.ledger.post(posting)


class ClaimsUnlimited(PlainStock):
    """Any number may be claimed."""

    def post(self, posting: Posting) -> None:
        """Forget the limit."""
        with self.store.lock:
            self.under(posting, lambda *one: evolve(self.policies(*one), backorder_limit=None))


class LimitPerClaim(PlainStock):
    """The limit is for each claim, not for all."""

    def post(self, posting: Posting) -> None:
        """Look at the claim only."""
        with self.store.lock:
            try:
                self.ledger.post(posting)
            except OutOfStock as error:
                for one in error.shortages:
                    limit = self.policies(one.sku, "").backorder_limit
                    if one.location or limit is None or one.wanted > limit:
                        raise
                self.under(posting, lambda *one: evolve(self.policies(*one), backorder_limit=None))


class PoliciesByHeart(PlainStock):
    """All stock is guarded, whatever the policies say of it."""

    def __init__(self, store: StockStore, policies: Policies) -> None:
        super().__init__(store, policies)
        self.policies = guarded

    def post(self, posting: Posting) -> None:
        """Guard everything."""
        with self.store.lock:
            kept, self.ledger.policies = self.ledger.policies, guarded
            try:
                self.ledger.post(posting)
            finally:
                self.ledger.policies = kept


class ShortagesWithoutFigures(PlainStock):
    """A constraint was violated, but nobody knows by how much."""

    def post(self, posting: Posting) -> None:
        """Lose the figures."""
        try:
            super().post(posting)
        except OutOfStock as error:
            short = [one._replace(available=0) for one in error.shortages]
            raise OutOfStock(short, error.order_id) from None


class ShortagesWithoutLots(PlainStock):
    """A reservation is named, but not which lot of it is short."""

    def post(self, posting: Posting) -> None:
        """Lose the lot."""
        try:
            super().post(posting)
        except OutOfStock as error:
            short = [one._replace(lot="") for one in error.shortages]
            raise OutOfStock(short, error.order_id) from None


class RefusalSwallowed(PlainStock):
    """A refusal is logged somewhere, and the caller hears nothing of it."""

    def post(self, posting: Posting) -> None:
        """Write it, or do not."""
        with suppress(OutOfStock):
            super().post(posting)


class RefusalUsesTheId(PlainStock):
    """A refused posting leaves its id behind."""

    def post(self, posting: Posting) -> None:
        """Remember what was refused."""
        if posting.id in self.store.ids:
            raise KeyReused(posting.id, "state", "refused", "new")
        try:
            super().post(posting)
        except OutOfStock:
            self.store.ids.add(posting.id)
            raise


class RefusalLetsLapse(PlainStock):
    """What lapsed is committed although the posting is refused."""

    def post(self, posting: Posting) -> None:
        """Lapse in a transaction of its own."""
        try:
            super().post(posting)
        except OutOfStock:
            with self.store.lock:
                skus = {one.sku for one in posting.entries}
                _let_lapse(self.ledger, posting, skus)
            raise


# What lapses ----------------------------------------------------------------------------------


def _let_lapse(ledger: InventoryLedger, posting: Posting, skus: Iterable[str]) -> None:
    """Write a lapse of what has expired on some SKUs."""
    wanted = frozenset(skus)
    ever = {one.sku for posting in ledger.postings() for one in posting.entries}
    there = ledger.reservations(datetime.min.replace(year=3, tzinfo=posting.at.tzinfo))
    expired = [
        one
        for one in there
        if one.expires_at is not None
        and one.expires_at <= posting.at
        and one.sku in (wanted & ever)
    ]
    if expired:
        ledger.post(Posting.expire(f"{posting.id}/other", expired, at=posting.at))


class LapseNotDone(PlainStock):
    """A posting takes only what is free; what has expired waits for a job."""

    def __init__(self, store: StockStore, policies: Policies) -> None:
        super().__init__(store, policies)
        setattr(store.ledger, "_lapse", lambda _posting: None)  # noqa: B010 - there is no public switch


class LapseOfOthers(PlainStock):
    """A posting lets lapse whatever has expired, of any SKU."""

    def post(self, posting: Posting) -> None:
        """Sweep everything."""
        with self.store.lock:
            self.ledger.post(posting)
            mine = {one.sku for one in posting.entries}
            ever = {one.sku for other in self.ledger.postings() for one in other.entries}
            _let_lapse(self.ledger, posting, ever - mine)


class LapseTooLate(PlainStock):
    """`<` where `<=` was meant: it lapses a microsecond after its time."""

    def reservations(
        self, now: datetime, *, order_id: str = "", skus: Iterable[str] = ()
    ) -> tuple[Reservation, ...]:
        """Look a little earlier."""
        earlier = now - timedelta(microseconds=1)
        return super().reservations(earlier, order_id=order_id, skus=skus)


class LapseNotInSupply(PlainStock):
    """What has expired is available once it is swept, and not before."""

    def supply(self, skus: Iterable[str], *, now: datetime) -> tuple[Stock, ...]:
        """Count what is booked as reserved."""
        found: list[Stock] = []
        with self.store.lock:
            for one in self.ledger.supply(skus, now=now):
                there = one.available
                booked = sum(
                    self.ledger.balance(StockAccount(one.sku, one.location, "available", "", lot))
                    for lot in ("", *(lot.lot for lot in one.lots))
                )
                late = max(0, there - booked)
                found.append(one._replace(available=there - late, reserved=one.reserved + late))
        return tuple(found)


class LapseNotInReservations(PlainStock):
    """What has expired is open until it is swept."""

    def reservations(
        self, now: datetime, *, order_id: str = "", skus: Iterable[str] = ()
    ) -> tuple[Reservation, ...]:
        """Look at what is booked."""
        return super().reservations(now - timedelta(days=400), order_id=order_id, skus=skus)


# What comes back ------------------------------------------------------------------------------


class CaseInsensitive(PlainStock):
    """A collation without case."""

    def supply(self, skus: Iterable[str], *, now: datetime) -> tuple[Stock, ...]:
        """Find in any case."""
        wanted = {one.casefold() for one in skus}
        with self.store.lock:
            ever = {one.sku for posting in self.ledger.postings() for one in posting.entries}
        return super().supply([one for one in ever if one.casefold() in wanted], now=now)


class LotsPadded(PlainStock):
    """A column of CHAR: spaces at the end of a lot do not count."""

    def post(self, posting: Posting) -> None:
        """Lose them."""
        super().post(_renamed(posting, lambda one: evolve(one, lot=one.lot.rstrip(" "))))


class PlacesJoined(PlainStock):
    """SKU and location are one name in a store of keys and values, and are taken apart again."""

    def post(self, posting: Posting) -> None:
        """Cut where the first mark is."""

        def renamed(entry: Entry) -> Entry:
            sku, _, location = f"{entry.sku}|{entry.location}".partition("|")
            return evolve(entry, sku=sku, location=location)

        super().post(_renamed(posting, renamed))


class LotsJoined(PlainStock):
    """So are a reservation and its lot."""

    def reservations(
        self, now: datetime, *, order_id: str = "", skus: Iterable[str] = ()
    ) -> tuple[Reservation, ...]:
        """Cut where the first mark is."""
        found: list[Reservation] = []
        for one in super().reservations(now, order_id=order_id, skus=skus):
            name, _, lot = f"{one.id}|{one.lot}".partition("|")
            found.append(evolve(one, id=name, lot=lot))
        return tuple(found)


def _renamed(posting: Posting, rename: Callable[[Entry], Entry]) -> Posting:
    return evolve(posting, entries=tuple(map(rename, posting.entries)))


class WholeSeconds(PlainStock):
    """A column of whole seconds."""

    def reservations(
        self, now: datetime, *, order_id: str = "", skus: Iterable[str] = ()
    ) -> tuple[Reservation, ...]:
        """Lose the microseconds."""
        found = super().reservations(now, order_id=order_id, skus=skus)
        return tuple(
            evolve(one, expires_at=one.expires_at and one.expires_at.replace(microsecond=0))
            for one in found
        )


class NaiveTimes(PlainStock):
    """A column without time zone."""

    def incoming(self, sku: str) -> tuple[Incoming, ...]:
        """Lose the zone."""
        return tuple(
            one._replace(expected_at=one.expected_at and one.expected_at.replace(tzinfo=None))
            for one in super().incoming(sku)
        )


class SupplyTorn(PlainStock):
    """Locations are read one after the other."""

    def supply(self, skus: Iterable[str], *, now: datetime) -> tuple[Stock, ...]:
        """Read, wait, and read the next."""
        wanted = list(skus)
        first = super().supply(wanted, now=now)
        sleep(PAUSE)
        second = super().supply(wanted, now=now)
        return (*first[:1], *second[1:])


class ReservationsTorn(PlainStock):
    """Half of the reservations are read a little later."""

    def reservations(
        self, now: datetime, *, order_id: str = "", skus: Iterable[str] = ()
    ) -> tuple[Reservation, ...]:
        """Read those of one order, wait, and read the others."""
        wanted = list(skus)
        first = super().reservations(now, order_id=order_id, skus=wanted)
        sleep(PAUSE)
        second = super().reservations(now, order_id=order_id, skus=wanted)
        if set(first) == set(second):
            return second
        mine = tuple(one for one in first if one.order_id == "o1")
        return (*mine, *(one for one in second if one.order_id != "o1"))


class LotsByName(PlainStock):
    """Lots come by name, whichever expires first."""

    def supply(self, skus: Iterable[str], *, now: datetime) -> tuple[Stock, ...]:
        """Sort lots."""
        return tuple(
            one._replace(lots=tuple(sorted(one.lots))) for one in super().supply(skus, now=now)
        )


class EmptyPlacesLeftOut(PlainStock):
    """Where nothing is left, nothing is told."""

    def supply(self, skus: Iterable[str], *, now: datetime) -> tuple[Stock, ...]:
        """Leave out empty shelves."""
        return tuple(one for one in super().supply(skus, now=now) if one.on_hand)


class SupplyWithoutPolicies(PlainStock):
    """What policies say is not in the answer."""

    def supply(self, skus: Iterable[str], *, now: datetime) -> tuple[Stock, ...]:
        """Forget policies."""
        found = super().supply(skus, now=now)
        return tuple(one._replace(safety_stock=0, unlimited=False) for one in found)


class OwnerForgotten(PlainStock):
    """A reservation does not know whose it is."""

    def reservations(
        self, now: datetime, *, order_id: str = "", skus: Iterable[str] = ()
    ) -> tuple[Reservation, ...]:
        """Forget the order."""
        found = super().reservations(now, order_id=order_id, skus=skus)
        return tuple(evolve(one, order_id="") for one in found)


class SkusIgnored(PlainStock):
    """An order's reservations are all told, whatever SKUs were asked for."""

    def reservations(
        self, now: datetime, *, order_id: str = "", skus: Iterable[str] = ()
    ) -> tuple[Reservation, ...]:
        """Narrow by one thing only."""
        return super().reservations(now, order_id=order_id, skus=() if order_id else skus)


class SupplyFirstPage(PlainStock):
    """Supply comes in pages, and only the first is asked for."""

    def supply(self, skus: Iterable[str], *, now: datetime) -> tuple[Stock, ...]:
        """Return some."""
        return super().supply(skus, now=now)[:100]


class SupplyInOneList(PlainStock):
    """All SKUs are in one statement, which may have so many parameters."""

    def supply(self, skus: Iterable[str], *, now: datetime) -> tuple[Stock, ...]:
        """Refuse what is too long."""
        wanted = list(skus)
        if len(wanted) > 1000:
            raise AdapterFault("database", "too many parameters")
        return super().supply(wanted, now=now)


class ReservationsFirstPage(PlainStock):
    """Reservations come in pages, and only the first is asked for."""

    def reservations(
        self, now: datetime, *, order_id: str = "", skus: Iterable[str] = ()
    ) -> tuple[Reservation, ...]:
        """Return some."""
        return super().reservations(now, order_id=order_id, skus=skus)[:100]


class ClaimsFirstPage(PlainStock):
    """So do claims."""

    def claims(self, sku: str) -> tuple[Claim, ...]:
        """Return some."""
        return super().claims(sku)[:100]


class IncomingFirstPage(PlainStock):
    """So does what is incoming."""

    def incoming(self, sku: str) -> tuple[Incoming, ...]:
        """Return some."""
        return super().incoming(sku)[:100]


class ReservationsByName(PlainStock):
    """Reservations come by their ids."""

    def reservations(
        self, now: datetime, *, order_id: str = "", skus: Iterable[str] = ()
    ) -> tuple[Reservation, ...]:
        """Sort by name."""
        found = super().reservations(now, order_id=order_id, skus=skus)
        return tuple(sorted(found, key=lambda one: (one.sku, one.id)))


class ClaimsByName(PlainStock):
    """Claims come by their ids."""

    def claims(self, sku: str) -> tuple[Claim, ...]:
        """Sort by name."""
        return tuple(sorted(super().claims(sku), key=lambda one: one.id))


class ClaimsForgetTerms(PlainStock):
    """What was promised is not kept."""

    def claims(self, sku: str) -> tuple[Claim, ...]:
        """Forget terms."""
        return tuple(one._replace(priority=0, promised_at=None) for one in super().claims(sku))


class IncomingByPurchase(PlainStock):
    """What is incoming comes by purchase."""

    def incoming(self, sku: str) -> tuple[Incoming, ...]:
        """Sort by name."""
        return tuple(sorted(super().incoming(sku), key=lambda one: one.purchase))


class IncomingForgetsArrivals(PlainStock):
    """What has come is still expected."""

    def incoming(self, sku: str) -> tuple[Incoming, ...]:
        """Add up what was ordered."""
        with self.store.lock:
            ordered: dict[str, int] = {}
            for posting in self.ledger.postings():
                for one in posting.entries:
                    if one.sku == sku and one.bucket == "incoming" and one.quantity > 0:
                        ordered[one.reservation] = ordered.get(one.reservation, 0) + one.quantity
        return tuple(one._replace(quantity=ordered[one.purchase]) for one in super().incoming(sku))


class PostingsByTime(PlainStock):
    """Postings come by their time and id."""

    def postings(self, *, after: str = "", limit: int = 1000) -> tuple[Posting, ...]:
        """Sort by time."""
        every = sorted(super().postings(limit=100_000), key=lambda one: (one.at, one.id))
        return _page(every, after, limit)


class PostingsFromAfter(PlainStock):
    """`>=` where `>` was meant, except at the end."""

    def postings(self, *, after: str = "", limit: int = 1000) -> tuple[Posting, ...]:
        """Repeat the cursor's row."""
        page = super().postings(after=after, limit=limit)
        with self.store.lock:
            known = self.ledger.posting(after)
        return (known, *page)[:limit] if known and page and limit > 1 else page


class LapsesHidden(PlainStock):
    """What the store writes by itself is not shown."""

    def postings(self, *, after: str = "", limit: int = 1000) -> tuple[Posting, ...]:
        """Leave out lapses."""
        found = super().postings(after=after, limit=100_000)
        return tuple(one for one in found if one.reason != "expired")[:limit]


class ReasonsForgotten(PlainStock):
    """A posting comes back without its reason."""

    def postings(self, *, after: str = "", limit: int = 1000) -> tuple[Posting, ...]:
        """Forget reasons."""
        return tuple(
            one if one.reason == "expired" or not one.entries else evolve(one, reason="")
            for one in super().postings(after=after, limit=limit)
        )


class UnknownCursorIsTheEnd(PlainStock):
    """There is nothing after an unknown posting."""

    def postings(self, *, after: str = "", limit: int = 1000) -> tuple[Posting, ...]:
        """Return nothing."""
        try:
            return super().postings(after=after, limit=limit)
        except NotFound:
            return ()


def _page(every: Sequence[Posting], after: str, limit: int) -> tuple[Posting, ...]:
    ids = [one.id for one in every]
    if after and after not in ids:
        raise NotFound("posting", after)
    begin = ids.index(after) + 1 if after else 0
    return tuple(every[begin : begin + limit])
