"""Stock in the host's database: the balances of the ledger, guarded under a lock for each SKU."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F, Model, OuterRef, Q, QuerySet, Subquery, Sum

from orders.databases import CODEC, give_positions, read, told
from orders.models import Sku, StoredAccount, StoredLot, StoredPosting
from orderwright import Posting, Reservation
from orderwright.errors import NotFound
from orderwright.inventory.entries import INSIDE, StockAccount
from orderwright.inventory.guard import Policies, changes_of, guarded
from orderwright.inventory.ledger import Claim, Incoming, Stock, Units, stock_of
from orderwright.values import in_utc

ADAPTER = "stock in Django"
ACCOUNT = StockAccount._fields


class DjangoInventory:
    """An inventory repository; ``policies`` say what may be promised of each SKU at each location.

    A posting locks the rows of its SKUs, in their order, so that two never wait for each other.
    What it may do is decided by orderwright's own guard, on balances that nobody else can change.
    """

    def __init__(self, policies: Policies = guarded, using: str = "default") -> None:
        self.policies = policies
        self.using = using

    def _all(self, model: type[Model]) -> QuerySet:
        return model.objects.using(self.using)

    # Writing ------------------------------------------------------------------------------------

    def post(self, posting: Posting) -> None:
        """See :meth:`.InventoryRepository.post`."""
        with told(ADAPTER, f"posting {posting.id}", self.using, writes=True):
            try:
                self._post(posting)
            except IntegrityError:  # another with this id, about other SKUs, was a moment faster
                self._post(posting)

    def _post(self, posting: Posting) -> None:
        with transaction.atomic(using=self.using):
            self._lock(posting)
            known = self._all(StoredPosting).filter(posting_id=posting.id).first()
            if known is not None:
                _posting(known).require_same(posting)
                return
            lapse = self._lapse(posting)
            parts = [posting] if lapse is None else [lapse, posting]
            rows = self._rows(parts)
            for one in parts:
                changes_of(one, lambda account: self._balance(rows, account), self.policies)
                self._write(one, rows)
            for row in rows.values():
                if row.units or not row.reservation:
                    row.save(using=self.using)
                elif row.pk is not None:
                    row.delete(using=self.using)

    def _lock(self, posting: Posting) -> None:
        skus = sorted({change.account.sku for change in posting.changes})
        self._all(Sku).bulk_create((Sku(id=one) for one in skus), ignore_conflicts=True)
        list(self._all(Sku).select_for_update().filter(id__in=skus).order_by("id"))

    def _lapse(self, posting: Posting) -> Posting | None:
        """Return the posting that frees what has expired on the SKUs of ``posting``, if any."""
        skus = list(dict.fromkeys(change.account.sku for change in posting.changes))
        found = self._all(StoredAccount).filter(sku__in=skus, expires_at__lte=posting.at)
        expired = [
            Reservation(one.reservation, one.sku, one.location, one.units, lot=one.lot)
            for one in found.order_by("expires_at", "location", "reservation", "lot")
        ]
        expired.sort(key=lambda one: skus.index(one.sku))
        if not expired:
            return None
        name = f"{posting.id}/lapsed"
        while self._all(StoredPosting).filter(posting_id=name).exists():
            name += "/lapsed"
        lapse = Posting.expire(name, expired, at=posting.at)
        # Somebody copies postings from another store, lapses and all: then it is this one.
        same = (lapse.entries, lapse.reason) == (posting.entries, posting.reason)
        return None if same else lapse

    def _rows(self, postings: Iterable[Posting]) -> dict[StockAccount, StoredAccount]:
        """Return the row of every account that is touched, new ones included."""
        rows: dict[StockAccount, StoredAccount] = {}
        wanted = [change.account for one in postings for change in one.changes]
        found = self._all(StoredAccount).filter(
            sku__in={one.sku for one in wanted},
            reservation__in={"", *(one.reservation for one in wanted)},
        )
        for row in found:
            rows[StockAccount(*(getattr(row, name) for name in ACCOUNT))] = row
        for account in wanted:
            if account.bucket == "reserved":  # supply tells of every place that ever had a SKU
                plain = account._replace(bucket="available", reservation="")
                rows.setdefault(plain, StoredAccount(**plain._asdict()))
            rows.setdefault(account, StoredAccount(**account._asdict()))
        return rows

    def _balance(self, rows: Mapping[StockAccount, StoredAccount], account: StockAccount) -> int:
        if account.bucket == "backordered" and not account.reservation:
            claims = self._all(StoredAccount).filter(sku=account.sku, bucket="backordered")
            return claims.aggregate(units=Sum("units", default=0))["units"]
        return rows[account].units

    def _write(self, posting: Posting, rows: Mapping[StockAccount, StoredAccount]) -> None:
        document = CODEC.encode(posting)
        made = self._all(StoredPosting).create(posting_id=posting.id, document=document)
        for number, entry in enumerate(posting.entries):
            row = rows[entry.account]
            row.units += entry.quantity
            if entry.reservation and entry.quantity > 0:
                if row.made_by == 0:
                    row.made_by, row.made_as = made.pk, number
                row.order_id = posting.order_id
                if entry.bucket == "reserved":
                    row.expires_at = entry.expires_at
                elif entry.terms is not None:
                    row.expected_at, row.priority = entry.terms.expected_at, entry.terms.priority
            until = entry.terms and entry.terms.best_before
            if until and entry.lot and not entry.reservation:
                self._all(StoredLot).update_or_create(
                    sku=entry.sku, lot=entry.lot, defaults={"best_before": until}
                )

    # Reading ------------------------------------------------------------------------------------

    def supply(self, skus: Iterable[str], *, now: datetime) -> tuple[Stock, ...]:
        """See :meth:`.InventoryRepository.supply`."""
        lot = self._all(StoredLot).filter(sku=OuterRef("sku"), lot=OuterRef("lot"))
        lapsed = Q(expires_at__lte=now)
        rows = (
            self._all(StoredAccount)
            .filter(sku__in=set(skus), bucket__in=INSIDE)
            .values("sku", "location", "bucket", "lot")
            .annotate(
                held=Sum("units", filter=~lapsed | Q(expires_at=None), default=0),
                free=Sum("units", filter=lapsed, default=0),
                best_before=Subquery(lot.values("best_before")[:1]),
            )
        )
        places: dict[tuple[str, str], list[Mapping[str, object]]] = {}
        with told(ADAPTER, "supply", self.using):
            for row in rows:
                places.setdefault((row["sku"], row["location"]), []).append(row)
        return tuple(
            stock_of(
                sku,
                location,
                _units(found),
                sum(one["held"] for one in found if one["bucket"] == "reserved"),
                self.policies(sku, location),
                in_utc(now, "now"),
            )
            for (sku, location), found in places.items()
        )

    def reservations(
        self, now: datetime, *, order_id: str = "", skus: Iterable[str] = ()
    ) -> tuple[Reservation, ...]:
        """See :meth:`.InventoryRepository.reservations`."""
        rows = self._all(StoredAccount).filter(
            Q(expires_at=None) | Q(expires_at__gt=now), bucket="reserved"
        )
        wanted = set(skus)
        if wanted:
            rows = rows.filter(sku__in=wanted)
        if order_id:
            rows = rows.filter(order_id=order_id)
        order = ("made_by", "made_as") if order_id else ("sku", "made_by", "made_as")
        with told(ADAPTER, "reservations", self.using):
            return tuple(
                Reservation(
                    one.reservation,
                    one.sku,
                    one.location,
                    one.units,
                    one.expires_at,
                    one.order_id,
                    one.lot,
                )
                for one in rows.order_by(*order)
            )

    def claims(self, sku: str) -> tuple[Claim, ...]:
        """See :meth:`.InventoryRepository.claims`."""
        with told(ADAPTER, f"claims to {sku}", self.using):
            return tuple(
                Claim(
                    one.reservation,
                    sku,
                    one.units,
                    one.made_by,
                    one.order_id,
                    one.priority,
                    one.expected_at,
                )
                for one in self._named(sku, "backordered").order_by("made_by", "made_as")
            )

    def incoming(self, sku: str) -> tuple[Incoming, ...]:
        """See :meth:`.InventoryRepository.incoming`."""
        order = (F("expected_at").asc(nulls_last=True), "reservation", "location")
        with told(ADAPTER, f"incoming {sku}", self.using):
            return tuple(
                Incoming(sku, one.location, one.reservation, one.units, one.expected_at)
                for one in self._named(sku, "incoming").order_by(*order)
            )

    def _named(self, sku: str, bucket: str) -> QuerySet:
        return self._all(StoredAccount).filter(sku=sku, bucket=bucket).exclude(reservation="")

    def postings(self, *, after: str = "", limit: int = 1000) -> tuple[Posting, ...]:
        """See :meth:`.InventoryRepository.postings`."""
        rows = self._all(StoredPosting)
        with told(ADAPTER, "postings", self.using):
            while give_positions(rows, "postings", "pk"):
                pass
            last = 0
            if after:
                known = rows.filter(posting_id=after).first()
                if known is None:
                    raise NotFound("posting", after)
                last = known.position
            page = rows.filter(position__gt=last).order_by("position")[:limit]
            return tuple(map(_posting, page))


def _posting(row: StoredPosting) -> Posting:
    record = f"posting {row.posting_id}"
    return read(ADAPTER, record, row.document, lambda one: CODEC.decode(one, Posting))


def _units(rows: Iterable[Mapping[str, object]]) -> Iterator[Units]:
    """Return what there is of each lot at a place; what has lapsed is available."""
    lots: dict[str, dict[str, int]] = {}
    dates: dict[str, datetime | None] = {}
    for row in rows:
        units = lots.setdefault(row["lot"], {})
        dates[row["lot"]] = row["best_before"]
        bucket = row["bucket"]
        units["available"] = units.get("available", 0) + row["free"]
        if bucket != "reserved":
            units[bucket] = units.get(bucket, 0) + row["held"]
    for lot, units in lots.items():
        counts = (units.get(bucket, 0) for bucket in ("available", "quarantine", "in_transit"))
        yield Units(lot, *counts, dates[lot])
