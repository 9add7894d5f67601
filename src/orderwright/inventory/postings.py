"""What is written into the stock ledger: postings of entries that sum to zero per SKU."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal, NamedTuple, Self, final, get_args

from attrs import fields, frozen

from orderwright.errors import InvalidInput, KeyReused, OutOfStock, Shortage
from orderwright.values import MAX_QUANTITY, aware, choice, identifier, quantity, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["Bucket", "Entry", "Posting", "Reservation", "StockAccount", "changes_of"]

Bucket = Literal["available", "reserved", "quarantine", "supplier", "customer", "loss"]
"""Where units are: the first three inside our walls and never below zero, the rest outside."""

_BUCKETS: frozenset[str] = frozenset(get_args(Bucket))
INSIDE: frozenset[Bucket] = frozenset({"available", "reserved", "quarantine"})


class StockAccount(NamedTuple):
    """The key of a balance. ``reservation`` is set for reserved stock, and only there."""

    sku: str
    location: str
    bucket: Bucket
    reservation: str = ""


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

    @property
    def account(self) -> StockAccount:
        """The account this entry changes."""
        return StockAccount(self.sku, self.location, self.bucket, self.reservation)


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


@final
@frozen(kw_only=True)
class Posting:
    """One atomic, immutable movement of stock; either all of it is written or nothing.

    ``id`` comes from the caller and makes sending it again harmless; ``at`` is when (aware);
    ``order_id`` the order it belongs to, if any. Raises InvalidInput if the entries do not sum to
    zero per SKU, if one is empty, or if a reserved entry names no reservation.
    """

    id: str
    at: datetime
    entries: tuple[Entry, ...]
    order_id: str = ""
    reason: str = ""

    def __attrs_post_init__(self) -> None:
        """Refuse what can never be posted."""
        sums: dict[str, int] = {}
        for index, entry in enumerate(self.entries):
            units = entry.quantity
            if type(units) is not int or not 0 < abs(units) <= MAX_QUANTITY:
                quantity(units, f"entries[{index}].quantity")
            if entry.bucket not in _BUCKETS:
                choice(entry.bucket, Bucket, f"entries[{index}].bucket")
            if (entry.bucket == "reserved") != bool(entry.reservation):
                raise InvalidInput.at(
                    f"entries[{index}].reservation",
                    "an entry names a reservation if, and only if, its bucket is 'reserved'",
                )
            if entry.expires_at is not None:
                aware(entry.expires_at, f"entries[{index}].expires_at")
            sums[entry.sku] = sums.get(entry.sku, 0) + units
        for sku, units in sums.items():
            if units:
                raise InvalidInput.at(
                    "entries", f"{sku} sums to {units:+} instead of 0: units came from nowhere"
                )
        if not self.entries and not self.reason:
            raise InvalidInput.at("entries", "a posting needs entries, or a reason to have none")
        if not text(self.id, "id"):
            raise InvalidInput.at("id", "a posting needs an id of the caller's")
        aware(self.at, "at")

    @classmethod
    def receive(cls, id: str, sku: str, location: str, units: int, *, at: datetime) -> Self:  # noqa: A002
        """Return the posting by which a supplier's ``units`` become available at ``location``."""
        return cls(
            id=text(id, "id"),
            at=at,
            entries=_moved(
                identifier(sku, "sku"),
                identifier(location, "location"),
                "supplier",
                "available",
                quantity(units, "units"),
            ),
        )

    @classmethod
    def adjust(
        cls,
        id: str,  # noqa: A002
        sku: str,
        location: str,
        difference: int,
        *,
        at: datetime,
        reason: str,
    ) -> Self:
        """Return the correction after a count: ``difference`` units found or (negative) missing."""
        quantity(abs(difference) if type(difference) is int else difference, "difference")
        return cls(
            id=text(id, "id"),
            at=at,
            entries=_moved(
                identifier(sku, "sku"),
                identifier(location, "location"),
                "loss",
                "available",
                difference,
            ),
            reason=text(reason, "reason"),
        )

    @classmethod
    def reserve(cls, id: str, reservations: Iterable[Reservation], *, at: datetime) -> Self:  # noqa: A002
        """Return the posting that moves available units into each of ``reservations``."""
        held = _checked(reservations)
        entries: list[Entry] = []
        for one in held:
            entries += (
                Entry(one.sku, one.location, "available", -one.quantity),
                Entry(one.sku, one.location, "reserved", one.quantity, one.id, one.expires_at),
            )
        return cls(id=id, at=at, entries=tuple(entries), order_id=_owner(held))

    @classmethod
    def settle(
        cls,
        id: str,  # noqa: A002
        *,
        at: datetime,
        commit: Iterable[Reservation] = (),
        release: Iterable[Reservation] = (),
    ) -> Self:
        """Return the posting that ends reservations.

        What is committed leaves for the customer, what is released is available again. A part of
        a reservation may be settled; the rest stays reserved.
        """
        leaving, freed = _checked(commit), _checked(release)
        return cls(
            id=id,
            at=at,
            entries=(*_out_of(leaving, "customer"), *_out_of(freed, "available")),
            order_id=_owner(leaving + freed),
        )

    @classmethod
    def hand_over(cls, id: str, units: Iterable[Reservation], *, at: datetime) -> Self:  # noqa: A002
        """Return the posting for units that left although never reserved (a bare fact)."""
        left = _checked(units)
        entries: list[Entry] = []
        for one in left:
            entries += _moved(one.sku, one.location, "available", "customer", one.quantity)
        return cls(id=id, at=at, entries=tuple(entries), order_id=_owner(left))

    @classmethod
    def rehold(
        cls,
        id: str,  # noqa: A002
        pairs: Iterable[tuple[Reservation, Reservation]],
        *,
        at: datetime,
    ) -> Self:
        """Return the posting that moves units from one reservation to another, in one step.

        This is how a reservation stops expiring, is split or changes hands; it is refused like
        any other posting if the old one has lapsed meanwhile.
        """
        entries: list[Entry] = []
        owner = ""
        for old, new in pairs:
            owner = new.order_id
            entries += (
                *_out_of((old,), None),
                Entry(new.sku, new.location, "reserved", new.quantity, new.id, new.expires_at),
            )
        return cls(id=id, at=at, entries=tuple(entries), order_id=owner)

    @classmethod
    def move(
        cls,
        id: str,  # noqa: A002
        units: Iterable[tuple[str, int]],
        *,
        location: str,
        source: Bucket,
        target: Bucket,
        order_id: str = "",
        at: datetime,
    ) -> Self:
        """Return the posting that moves ``units`` (by SKU) between two buckets of a location."""
        return cls(
            id=text(id, "id"),
            at=at,
            entries=tuple(
                entry
                for sku, count in units
                for entry in _moved(sku, location, source, target, count)
            ),
            order_id=order_id,
        )

    @classmethod
    def refused(cls, posting: Posting) -> Self:
        """Return the posting that makes the refusal of ``posting`` final: it uses up its id.

        A refusal leaves no trace, so whoever sends the same posting later may succeed. Once this
        is written nobody can: the id is taken, and sending ``posting`` raises KeyReused.
        """
        return cls(id=posting.id, at=posting.at, entries=(), reason="refused")

    def require_same(self, other: Posting) -> None:
        """Raise KeyReused, naming the first differing field, unless ``other`` is the same."""
        if other == self:
            return
        names = (attribute.name for attribute in fields(Posting))
        first = next(name for name in names if getattr(self, name) != getattr(other, name))
        raise KeyReused(self.id, first, getattr(self, first), getattr(other, first))


def _checked(reservations: Iterable[Reservation]) -> tuple[Reservation, ...]:
    found = tuple(reservations)
    for one in found:
        quantity(one.quantity, f"reservations[{one.id}].quantity")
    return found


def _owner(reservations: tuple[Reservation, ...]) -> str:
    return reservations[0].order_id if reservations else ""


def _out_of(reservations: Iterable[Reservation], bucket: Bucket | None) -> list[Entry]:
    entries: list[Entry] = []
    for one in reservations:
        entries.append(Entry(one.sku, one.location, "reserved", -one.quantity, one.id))
        if bucket is not None:
            entries.append(Entry(one.sku, one.location, bucket, one.quantity))
    return entries


def _moved(
    sku: str, location: str, source: Bucket, target: Bucket, units: int
) -> tuple[Entry, Entry]:
    return (Entry(sku, location, source, -units), Entry(sku, location, target, units))


def changes_of(
    posting: Posting, balance: Callable[[StockAccount], int]
) -> Mapping[StockAccount, int]:
    """Return the new balance of every account ``posting`` touches. This is the guard.

    Pure: every store uses it, or enforces the same. ``balance`` answers the present units of an
    account (0 if it was never used). Raises OutOfStock with every account that would fall below
    zero; entries on one account are summed first, so two lines of one SKU cannot both pass.
    """
    after: dict[StockAccount, int] = {}
    short = False
    for entry in posting.entries:
        account = entry.account
        now = after.get(account)
        units = (balance(account) if now is None else now) + entry.quantity
        after[account] = units
        # What is taken out of a reservation must be in it first, even if it goes back in.
        if units < 0 and account.bucket == "reserved":
            short = True
    for units, account in zip(after.values(), after, strict=True):
        if units < 0 and account.bucket in INSIDE:
            short = True
    if short:
        raise OutOfStock(_shortages(posting, balance), posting.order_id)
    return after


def _shortages(posting: Posting, balance: Callable[[StockAccount], int]) -> list[Shortage]:
    moved: dict[StockAccount, int] = {}
    lowest: dict[StockAccount, int] = {}
    for entry in posting.entries:
        account = entry.account
        moved[account] = moved.get(account, 0) + entry.quantity
        if account.bucket == "reserved":
            lowest[account] = min(lowest.get(account, 0), moved[account])
        else:
            lowest[account] = moved[account]
    return [
        Shortage(account.sku, account.location, -units, balance(account), account.reservation)
        for account, units in lowest.items()
        if account.bucket in INSIDE and balance(account) + units < 0
    ]
