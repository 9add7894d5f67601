"""What is written into the stock ledger: postings of entries that sum to zero per SKU."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self, cast, final

from attrs import evolve, field, fields, frozen

from orderwright.errors import InvalidInput, KeyReused
from orderwright.inventory.entries import (
    Bucket,
    Change,
    Entry,
    Reservation,
    StockTerms,
    summed,
)
from orderwright.values import each, identifier, in_utc, quantity, several, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from orderwright.money import UnitPrice

__all__ = ["Posting"]


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
    changes: tuple[Change, ...] = field(init=False, eq=False, repr=False)
    """What it does to each account: worked out once, as every store needs it."""
    named: bool = field(init=False, eq=False, repr=False)
    """Whether there is more to it than balances: names, lots or terms."""

    def __attrs_post_init__(self) -> None:
        """Refuse what can never be posted."""
        if type(self.entries) is not tuple:
            object.__setattr__(self, "entries", each(self.entries, Entry, "entries"))
        try:
            sums, net, lowest, special = summed(self.entries)
        except (AttributeError, TypeError):
            raise InvalidInput.at("entries", "expected each of them an Entry") from None
        for sku, units in sums.items():
            if units:
                raise InvalidInput.at(
                    "entries", f"{sku} sums to {units:+} instead of 0: units came from nowhere"
                )
        if not self.entries and not self.reason:
            raise InvalidInput.at("entries", "a posting needs entries, or a reason to have none")
        if not text(self.id, "id"):
            raise InvalidInput.at("id", "a posting needs an id of the caller's")
        text(self.order_id, "order_id")
        text(self.reason, "reason")
        object.__setattr__(self, "at", in_utc(self.at, "at"))
        if any(map(_zoned, self.entries)):
            # Times of one zone compare by what its clocks show, and read back are of another.
            object.__setattr__(self, "entries", tuple(map(_told_in_utc, self.entries)))
        changes = tuple(
            Change(account, units, lowest.get(account, units)) for account, units in net.items()
        )
        object.__setattr__(self, "changes", changes)
        object.__setattr__(self, "named", special)

    # What comes in, goes round and is lost -----------------------------------------------------

    @classmethod
    def receive(
        cls,
        id: str,  # noqa: A002
        sku: str,
        location: str,
        units: int,
        *,
        at: datetime,
        purchase: str = "",
        unit_cost: UnitPrice | None = None,
        lot: str = "",
        best_before: datetime | None = None,
    ) -> Self:
        """Return the posting by which a supplier's ``units`` become available at ``location``.

        Those of a ``purchase`` were expected there until now. ``unit_cost`` is what one cost;
        ``lot`` and ``best_before`` are given where lots are tracked.
        """
        terms = None
        if unit_cost is not None or best_before is not None:
            terms = StockTerms(best_before=best_before, unit_cost=unit_cost)
        count = quantity(units, "units")
        source: Bucket = "incoming" if purchase else "supplier"
        identifier(sku, "sku")
        identifier(location, "location")
        entries = (
            Entry(sku, location, source, -count, text(purchase, "purchase")),
            Entry(sku, location, "available", count, "", None, text(lot, "lot"), terms),
        )
        return cls(id=text(id, "id"), at=at, entries=entries)

    @classmethod
    def expect(
        cls,
        id: str,  # noqa: A002
        sku: str,
        location: str,
        units: int,
        *,
        purchase: str,
        expected_at: datetime | None,
        at: datetime,
    ) -> Self:
        """Return the posting by which ``units`` are on order for ``location``, and when expected.

        What will not come any more goes back: ``move`` it from ``incoming`` to ``supplier``.
        """
        count = quantity(units, "units")
        identifier(sku, "sku")
        identifier(location, "location")
        identifier(purchase, "purchase")
        entries = (
            Entry(sku, location, "supplier", -count),
            Entry(
                sku,
                location,
                "incoming",
                count,
                purchase,
                terms=StockTerms(expected_at=expected_at),
            ),
        )
        return cls(id=text(id, "id"), at=at, entries=entries)

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
        lot: str = "",
        breaking: Iterable[Reservation] = (),
    ) -> Self:
        """Return the correction after a count: ``difference`` units found or (negative) missing.

        Where more is missing than is available, it is taken from the reservations ``breaking``
        (:func:`.broken` says which): their units are lost, not the available ones.
        """
        quantity(abs(difference) if type(difference) is int else difference, "difference")
        identifier(sku, "sku")
        identifier(location, "location")
        lost = _checked(breaking)
        taken = sum(one.quantity for one in lost)
        if taken and difference + taken > 0:
            raise InvalidInput.at("breaking", f"{taken} units; only {-difference} are missing")
        entries = _out_of(lost, "loss")
        if difference + taken:
            entries += _moved(sku, location, "loss", "available", difference + taken, lot)
        return cls(id=text(id, "id"), at=at, entries=tuple(entries), reason=text(reason, "reason"))

    @classmethod
    def make(
        cls,
        id: str,  # noqa: A002
        location: str,
        *,
        made: Iterable[tuple[str, int]] = (),
        used: Iterable[tuple[str, int]] = (),
        at: datetime,
        order_id: str = "",
        reason: str = "",
    ) -> Self:
        """Return the posting that uses up units (by SKU) and makes others of them.

        Assembling a kit uses its components and makes it, taking it apart the other way round; a
        dish uses ingredients and makes nothing that is kept.
        """
        identifier(location, "location")
        entries: list[Entry] = []
        for sku, count in _pairs(used, "used"):
            identifier(sku, "used")
            units = quantity(count, f"used[{sku}]")
            entries += _moved(sku, location, "available", "production", units)
        for sku, count in _pairs(made, "made"):
            identifier(sku, "made")
            units = quantity(count, f"made[{sku}]")
            entries += _moved(sku, location, "production", "available", units)
        return cls(
            id=text(id, "id"),
            at=at,
            entries=tuple(entries),
            order_id=order_id,
            reason=text(reason, "reason"),
        )

    @classmethod
    def sell_out(
        cls,
        id: str,  # noqa: A002
        sku: str,
        location: str,
        units: int,
        *,
        breaking: Iterable[Reservation] = (),
        at: datetime,
    ) -> Self:
        """Return the posting by which ``units`` are not on offer any more: nobody makes them.

        Those of the reservations ``breaking`` are not either.
        """
        identifier(sku, "sku")
        identifier(location, "location")
        entries = _out_of(_checked(breaking), "production")
        if quantity(units, "units", least=0):
            entries += _moved(sku, location, "available", "production", units)
        return cls(id=text(id, "id"), at=at, entries=tuple(entries), reason="sold out")

    @classmethod
    def linked(cls, id: str, postings: Iterable[Self]) -> Self:  # noqa: A002
        """Return one posting of several: all of them are written, or none is.

        Its time, order and reason are those of the first. Raises InvalidInput for none.
        """
        parts = tuple(postings)
        if not parts:
            raise InvalidInput.at("postings", "expected at least one")
        return cls(
            id=text(id, "id"),
            at=parts[0].at,
            entries=tuple(entry for one in parts for entry in one.entries),
            order_id=parts[0].order_id,
            reason=parts[0].reason,
        )

    # What is promised ---------------------------------------------------------------------------

    @classmethod
    def reserve(cls, id: str, reservations: Iterable[Reservation], *, at: datetime) -> Self:  # noqa: A002
        """Return the posting that moves available units into each of ``reservations``."""
        held = _checked(reservations)
        entries: list[Entry] = []
        for one in held:
            entries += (
                Entry(one.sku, one.location, "available", -one.quantity, lot=one.lot),
                Entry(
                    one.sku, one.location, "reserved", one.quantity, one.id, one.expires_at, one.lot
                ),
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
    def expire(cls, id: str, reservations: Iterable[Reservation], *, at: datetime) -> Self:  # noqa: A002
        """Return the posting by which a store lets lapse what has expired: it is free again."""
        entries = _out_of(reservations, "available")
        return cls(id=id, at=at, entries=tuple(entries), reason="expired")

    @classmethod
    def hand_over(cls, id: str, units: Iterable[Reservation], *, at: datetime) -> Self:  # noqa: A002
        """Return the posting for units that left although never reserved (a bare fact)."""
        left = _checked(units)
        entries: list[Entry] = []
        for one in left:
            entries += _moved(one.sku, one.location, "available", "customer", one.quantity, one.lot)
        return cls(id=id, at=at, entries=tuple(entries), order_id=_owner(left))

    @classmethod
    def write_off(cls, id: str, reservations: Iterable[Reservation], *, at: datetime) -> Self:  # noqa: A002
        """Return the posting by which reserved units are lost: not on the shelf, or spoilt."""
        lost = _checked(reservations)
        entries: list[Entry] = []
        for one in lost:
            entries += (
                Entry(one.sku, one.location, "reserved", -one.quantity, one.id, lot=one.lot),
                Entry(one.sku, one.location, "loss", one.quantity, lot=one.lot),
            )
        return cls(id=id, at=at, entries=tuple(entries), order_id=_owner(lost))

    @classmethod
    def spoil(cls, id: str, units: Iterable[Reservation], *, at: datetime) -> Self:  # noqa: A002
        """Return the posting by which what a customer had is lost: sent back, and thrown away."""
        lost = _checked(units)
        entries: list[Entry] = []
        for one in lost:
            entries += _moved(one.sku, one.location, "customer", "loss", one.quantity, one.lot)
        return cls(id=id, at=at, entries=tuple(entries), order_id=_owner(lost))

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
                Entry(
                    new.sku, new.location, "reserved", new.quantity, new.id, new.expires_at, new.lot
                ),
            )
        return cls(id=id, at=at, entries=tuple(entries), order_id=owner)

    @classmethod
    def claim(
        cls,
        id: str,  # noqa: A002
        claims: Iterable[Reservation],
        *,
        at: datetime,
        drop: bool = False,
        terms: StockTerms | None = None,
    ) -> Self:
        """Return the posting by which customers claim what is not there, or ``drop`` their claims.

        A claim is like a reservation, at no location; ``terms`` are its priority and what was
        promised. It waits in the queue of its SKU until it is filled: dropped, and reserved, in
        one posting.
        """
        wanted = _checked(claims)
        entries: list[Entry] = []
        for one in wanted:
            units = -one.quantity if drop else one.quantity
            entries += (
                Entry(one.sku, "", "demand", -units),
                Entry(one.sku, "", "backordered", units, one.id, terms=None if drop else terms),
            )
        return cls(id=id, at=at, entries=tuple(entries), order_id=_owner(wanted))

    @classmethod
    def move(
        cls,
        id: str,  # noqa: A002
        units: Iterable[tuple[str, int]],
        *,
        location: str,
        source: Bucket,
        target: Bucket,
        to: str = "",
        purchase: str = "",
        lot: str = "",
        order_id: str = "",
        at: datetime,
    ) -> Self:
        """Return the posting that moves ``units`` (by SKU) between two buckets.

        ``to`` is the location they go to, where it is another. A transfer goes from ``available``
        to ``in_transit`` at its target, and from there to ``available``, or what is missing on
        arrival to ``loss``; goods are put away from the location where they came in. Raises
        InvalidInput for a move to where they are.
        """
        if (source, location) == (target, to or location):
            raise InvalidInput.at("to", f"they are {source} at {location} already")
        identifier(location, "location")
        if to:
            identifier(to, "to")
        name = purchase if source == "incoming" else ""
        entries: list[Entry] = []
        for sku, count in units:
            identifier(sku, "units")
            entries += (
                Entry(sku, location, source, -count, name, lot=lot),
                Entry(sku, to or location, target, count, lot=lot),
            )
        return cls(id=text(id, "id"), at=at, entries=tuple(entries), order_id=order_id)

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


def _zoned(one: Entry) -> bool:
    times = (one.expires_at, *(one.terms[:2] if one.terms else ()))
    return any(when is not None and when.tzinfo is not UTC for when in times)


def _told_in_utc(one: Entry) -> Entry:
    terms = one.terms
    if terms is not None:
        terms = terms._replace(
            expected_at=_utc(terms.expected_at), best_before=_utc(terms.best_before)
        )
    return evolve(one, expires_at=_utc(one.expires_at), terms=terms)


def _utc(when: datetime | None) -> datetime | None:
    return None if when is None else in_utc(when, "entries")


def _checked(reservations: Iterable[Reservation]) -> tuple[Reservation, ...]:
    found = each(several(reservations, "reservations"), Reservation, "reservations")
    for one in found:
        quantity(one.quantity, f"reservations[{one.id}].quantity")
    return found


def _pairs(values: object, path: str) -> Iterator[tuple[str, int]]:
    for one in several(values, path):
        if not isinstance(one, tuple | list) or len(cast("Sequence[object]", one)) != 2:  # noqa: PLR2004
            raise InvalidInput.at(path, "expected pairs of a SKU and units")
        yield cast("tuple[str, int]", one)


def _owner(reservations: tuple[Reservation, ...]) -> str:
    return reservations[0].order_id if reservations else ""


def _out_of(reservations: Iterable[Reservation], bucket: Bucket | None) -> list[Entry]:
    entries: list[Entry] = []
    for one in reservations:
        entries.append(Entry(one.sku, one.location, "reserved", -one.quantity, one.id, lot=one.lot))
        if bucket is not None:
            entries.append(Entry(one.sku, one.location, bucket, one.quantity, lot=one.lot))
    return entries


def _moved(  # noqa: PLR0917 - what a move consists of
    sku: str, location: str, source: Bucket, target: Bucket, units: int, lot: str = ""
) -> tuple[Entry, Entry]:
    return (
        Entry(sku, location, source, -units, lot=lot),
        Entry(sku, location, target, units, lot=lot),
    )
