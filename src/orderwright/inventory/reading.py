"""What the postings of any store tell: a SKU's history, balances of the past, who got a lot."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, final

from orderwright.values import aware, in_utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from orderwright.inventory.entries import Entry, StockAccount
    from orderwright.inventory.ledger import Claim, Incoming, Lot, Stock
    from orderwright.inventory.postings import Posting

__all__ = ["Recall", "available_to_promise", "balances_at", "first_expired", "history", "recall"]


def history(postings: Iterable[Posting], sku: str) -> Iterator[tuple[Posting, Entry]]:
    """Iterate over the entries of a SKU, each with its posting, oldest first."""
    for posting in postings:
        for entry in posting.entries:
            if entry.sku == sku:
                yield posting, entry


def balances_at(postings: Iterable[Posting], when: datetime) -> Mapping[StockAccount, int]:
    """Return the balances that are not zero, by what had happened up to ``when`` (aware)."""
    aware(when, "when")
    sums: dict[StockAccount, int] = {}
    for posting in postings:
        if posting.at <= when:
            for account, net, _ in posting.changes:
                sums[account] = sums.get(account, 0) + net
    return {account: units for account, units in sums.items() if units}


@final
class Recall(NamedTuple):
    """Where the units of a lot are: with the customers of which orders, and reserved for which."""

    customers: Mapping[str, int]
    reserved: Mapping[str, int]
    on_hand: int


def recall(postings: Iterable[Posting], sku: str, lot: str) -> Recall:
    """Return which orders got units of a lot, and which are about to."""
    customers: dict[str, int] = {}
    reserved: dict[str, int] = {}
    on_hand = 0
    owners: dict[str, str] = {}
    for posting, entry in history(postings, sku):
        if entry.lot != lot:
            continue
        if entry.bucket == "customer":
            customers[posting.order_id] = customers.get(posting.order_id, 0) + entry.quantity
        elif entry.bucket == "reserved":
            owner = owners.setdefault(entry.reservation, posting.order_id)
            reserved[owner] = reserved.get(owner, 0) + entry.quantity
            on_hand += entry.quantity
        elif entry.bucket in ("available", "quarantine", "in_transit"):
            on_hand += entry.quantity
    return Recall(_some(customers), _some(reserved), on_hand)


def _some(units: Mapping[str, int]) -> Mapping[str, int]:
    return {name: count for name, count in units.items() if count}


def available_to_promise(
    stocks: Iterable[Stock],
    claims: Iterable[Claim],
    incoming: Iterable[Incoming],
    *,
    by: datetime,
) -> int:
    """Return how many units of a SKU can be promised for the moment ``by``.

    What is promisable now and what is expected by then, less all claims: those who wait come first.
    """
    until = in_utc(by, "by")
    there = sum(one.promisable for one in stocks)
    coming = sum(one.quantity for one in incoming if _by(one, until))
    return max(0, there + coming - sum(one.quantity for one in claims))


def _by(one: Incoming, until: datetime) -> bool:
    return one.expected_at is not None and in_utc(one.expected_at, "expected_at") <= until


def first_expired(lots: Sequence[Lot], units: int) -> tuple[tuple[str, int], ...]:
    """Return how many of ``units`` to take of which lot: the first to expire goes out first.

    ``lots`` are as :class:`.Stock` has them; of one that is below zero, as a policy may let it be,
    nothing is taken. What is left over is of no lot.
    """
    left = units
    found: list[tuple[str, int]] = []
    for one in lots:
        count = min(left, one.available)
        if count > 0:
            left -= count
            found.append((one.lot, count))
    if left:
        found.append(("", left))
    return tuple(found)
