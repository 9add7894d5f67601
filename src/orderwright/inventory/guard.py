"""The guard: what may be promised of a SKU, and which postings are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, final

from attrs import frozen

from orderwright.errors import OutOfStock, Shortage
from orderwright.inventory.entries import FLOORED, StockAccount
from orderwright.values import choice, quantity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orderwright.inventory.entries import Change
    from orderwright.inventory.postings import Posting

StockMode = Literal["guarded", "warned", "untracked"]

__all__ = ["GUARDED", "Policies", "StockPolicy", "changes_of", "guarded"]


@final
@frozen
class StockPolicy:
    """What may be promised of a SKU at a location.

    ``mode``: ``guarded`` stock is never taken below zero; ``warned`` may be, and is told; nobody
    counts ``untracked`` stock. ``safety_stock`` is kept back from reservations. At most
    ``backorder_limit`` units of the SKU may be claimed before they are there (None: any number).
    Raises InvalidInput for another mode or negative units.
    """

    mode: StockMode = "guarded"
    safety_stock: int = 0
    backorder_limit: int | None = None

    def __attrs_post_init__(self) -> None:
        """Refuse other modes: a misspelt one must not switch the guard off; and negative units."""
        choice(self.mode, StockMode, "mode")
        quantity(self.safety_stock, "safety_stock", least=0)
        if self.backorder_limit is not None:
            quantity(self.backorder_limit, "backorder_limit", least=0)


GUARDED = StockPolicy()


Policies = Callable[[str, str], StockPolicy]
"""What the policy of a SKU at a location is; at no location, that of the SKU as a whole."""


def guarded(_sku: str, _location: str) -> StockPolicy:
    """Return the policy of every SKU of which nothing else is said."""
    return GUARDED


def changes_of(
    posting: Posting,
    balance: Callable[[StockAccount], int | None],
    policies: Policies = guarded,
) -> Mapping[StockAccount, int]:
    """Return the new balance of every account ``posting`` touches. This is the guard.

    Pure: every store uses it, or enforces the same. ``balance`` answers the present units of an
    account (0 or None if it was never used); of ``backordered`` at no name, all claims to a SKU.
    Raises OutOfStock with every account that would fall below its floor, or claims above their
    limit; entries on one account are summed first, so two lines of one SKU cannot both pass.
    """
    after: dict[StockAccount, int] = {}
    doubtful = policies is not guarded
    for account, net, lowest in posting.changes:
        now = balance(account) or 0
        after[account] = now + net
        if now + lowest < 0:
            doubtful = True
    if doubtful:
        short = [
            found
            for change in posting.changes
            for found in _shortages(posting, change, balance, policies)
        ]
        if short:
            raise OutOfStock(short, posting.order_id)
    return after


def _shortages(
    posting: Posting,
    change: Change,
    balance: Callable[[StockAccount], int | None],
    policies: Policies,
) -> Iterator[Shortage]:
    """Return what is short on an account that may be."""
    account, _, lowest = change
    now = balance(account) or 0
    if lowest < 0:
        if now + lowest < 0 and account.bucket in FLOORED:
            if _floor(posting, account, policies) is not None:
                yield _shortage(account, lowest, now)
        elif account.bucket == "available":
            floor = _floor(posting, account, policies)
            if floor is not None and now + lowest < floor:
                yield _shortage(account, lowest, max(0, now - floor))
    elif account.bucket == "backordered":
        yield from _over_limit(posting, account, balance, policies)


def _shortage(account: StockAccount, lowest: int, there: int) -> Shortage:
    return Shortage(account.sku, account.location, -lowest, there, account.reservation)


def _floor(posting: Posting, account: StockAccount, policies: Policies) -> int | None:
    """Return below what an account may not fall: safety stock is for reservations only."""
    if account.bucket != "available":
        return 0
    if account.lot and policies(account.sku, account.location).mode == "guarded":
        return 0  # what is kept back is kept back of all lots together: reads do that
    policy = policies(account.sku, account.location)
    if policy.mode != "guarded":
        return None
    reserves = any(
        other.bucket == "reserved" and net > 0 and other[:2] == account[:2]
        for other, net, _ in posting.changes
    )
    return policy.safety_stock if reserves else 0


def _over_limit(
    posting: Posting,
    account: StockAccount,
    balance: Callable[[StockAccount], int | None],
    policies: Policies,
) -> list[Shortage]:
    """Return the shortage of a claim, if those to its SKU come to more than may be claimed."""
    limit = policies(account.sku, "").backorder_limit
    if limit is None:
        return []
    more = sum(
        net
        for other, net, _ in posting.changes
        if other.bucket == "backordered" and other.sku == account.sku
    )
    there = balance(StockAccount(account.sku, "", "backordered")) or 0
    if there + more <= limit:
        return []
    return [Shortage(account.sku, "", more, max(0, limit - there), account.reservation)]
