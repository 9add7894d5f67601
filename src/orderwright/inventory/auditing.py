"""Auditing: everything is recomputed from the postings, and the first bad entry is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, final

from orderwright.inventory.entries import FLOORED, Entry
from orderwright.inventory.guard import guarded
from orderwright.inventory.postings import Posting

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from orderwright.inventory.entries import StockAccount
    from orderwright.inventory.guard import Policies

__all__ = ["Finding", "audit"]


@final
class Finding(NamedTuple):
    """Something that does not add up.

    ``posting_id`` and ``entry`` (its number there, from 0; -1 for the posting as a whole) say where
    it went wrong first; a counter that drifted names no posting. ``expected`` is what the balance
    should be; ``repair`` is a posting that puts it right, where one can.
    """

    problem: str
    posting_id: str = ""
    entry: int = -1
    account: StockAccount | None = None
    expected: int | None = None
    repair: Posting | None = None


def audit(
    postings: Iterable[Posting],
    balances: Mapping[StockAccount, int],
    policies: Policies = guarded,
) -> tuple[Finding, ...]:
    """Return what does not add up in any store's postings, oldest first, and its ``balances``.

    Looked for are ids used twice, postings that do not sum to zero per SKU, accounts that fell
    below zero, and balances (those that are not zero) that are not the sums of their entries. Of
    each account only the first fall is told.
    """
    sums: dict[StockAccount, int] = {}
    seen: set[str] = set()
    below: set[StockAccount] = set()
    found: list[Finding] = []
    for posting in postings:
        if posting.id in seen:
            found.append(Finding(f"the id {posting.id} is used twice", posting.id))
        seen.add(posting.id)
        found += _unbalanced(posting)
        for index, entry in enumerate(posting.entries):
            account = entry.account
            units = sums[account] = sums.get(account, 0) + entry.quantity
            # Other entries of the posting may still bring it up, but not into a reservation.
            if units < 0 and account.bucket == "reserved" and account not in below:
                below.add(account)
                found.append(_fell(posting, index, account, units))
        for index, entry in enumerate(posting.entries):
            account = entry.account
            units = sums[account]
            if units < 0 and account.bucket in FLOORED and account not in below:
                counted = account.bucket != "available" or (
                    policies(account.sku, account.location).mode == "guarded"
                )
                if counted and entry.quantity < 0:
                    below.add(account)
                    found.append(_fell(posting, index, account, units))
    for account in dict.fromkeys((*sums, *balances)):
        expected, kept = sums.get(account, 0), balances.get(account, 0)
        if expected != kept:
            wrong = f"{_told(account)} is kept as {kept}, its entries sum to {expected}"
            found.append(Finding(wrong, account=account, expected=expected))
    return tuple(found)


def _unbalanced(posting: Posting) -> list[Finding]:
    per_sku: dict[str, int] = {}
    for entry in posting.entries:
        per_sku[entry.sku] = per_sku.get(entry.sku, 0) + entry.quantity
    return [
        Finding(f"{sku} sums to {units:+} instead of 0", posting.id)
        for sku, units in per_sku.items()
        if units
    ]


def _fell(posting: Posting, index: int, account: StockAccount, units: int) -> Finding:
    sku, location, bucket, name, lot = account
    repair = Posting(
        id=f"{posting.id}/repair-{index}",
        at=posting.at,
        entries=(
            Entry(sku, location, "loss", units, lot=lot),
            Entry(sku, location, bucket, -units, name, lot=lot),
        ),
        reason=f"repair of {posting.id}",
    )
    return Finding(
        f"{_told(account)} fell to {units}", posting.id, index, account, expected=0, repair=repair
    )


def _told(account: StockAccount) -> str:
    return " ".join(part for part in account if part)
