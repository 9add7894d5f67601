"""The guard: what may be promised of a SKU, and which postings are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, NamedTuple, final

from attrs import frozen

from orderwright.errors import OutOfStock, Shortage
from orderwright.inventory.entries import FLOORED, StockAccount
from orderwright.values import choice, quantity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orderwright.inventory.postings import Posting

StockMode = Literal["guarded", "warned", "untracked"]

__all__ = ["GUARDED", "Limit", "Policies", "StockPolicy", "changes_of", "guarded", "limits_of"]


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


@final
class Limit(NamedTuple):
    """A condition under which a posting may be written: ``account`` has room for ``wanted`` units.

    What an account may be lowered by is what it has above ``least``; all claims to a SKU may come
    to ``most`` (then ``least`` is None). ``reservation`` is whose units they are, if anybody's.
    """

    account: StockAccount
    wanted: int
    least: int | None
    most: int = 0
    reservation: str = ""

    def shortage(self, now: int) -> Shortage | None:
        """Return what is short if the account has ``now`` units; None if nothing is."""
        room = self.most - now if self.least is None else now - self.least
        if room >= self.wanted:
            return None
        account = self.account
        return Shortage(
            account.sku,
            account.location,
            self.wanted,
            max(0, room),
            self.reservation,
            account.lot,
        )


def changes_of(
    posting: Posting,
    balance: Callable[[StockAccount], int | None],
    policies: Policies = guarded,
) -> Mapping[StockAccount, int]:
    """Return the new balance of every account ``posting`` touches. This is the guard.

    Pure: every store uses it, or enforces the same :func:`limits_of`. ``balance`` answers the
    present units of an account (0 or None if it was never used); of ``backordered`` at no name, all
    claims to a SKU. Raises OutOfStock with every account that would fall below its floor, or
    claims above their limit; entries on one account are summed first, so two lines of one SKU
    cannot both pass.
    """
    after: dict[StockAccount, int] = {}
    doubtful = policies is not guarded
    for account, net, lowest in posting.changes:
        now = balance(account) or 0
        after[account] = now + net
        if now + lowest < 0:
            doubtful = True
    if doubtful:
        found = (one.shortage(balance(one.account) or 0) for one in limits_of(posting, policies))
        short = [one for one in found if one is not None]
        if short:
            raise OutOfStock(short, posting.order_id)
    return after


def limits_of(posting: Posting, policies: Policies = guarded) -> Iterator[Limit]:
    """Return all that must hold for ``posting`` to be written, one for each account in doubt."""
    for account, _, lowest in posting.changes:
        if lowest < 0:
            least = _least(posting, account, policies) if account.bucket in FLOORED else None
            if least is not None:
                yield Limit(account, -lowest, least, reservation=account.reservation)
        elif account.bucket == "backordered":
            most = policies(account.sku, "").backorder_limit
            more = _claimed(posting, account.sku)
            if most is not None and more > 0:
                total = StockAccount(account.sku, "", "backordered")
                yield Limit(total, more, None, most, account.reservation)


def _least(posting: Posting, account: StockAccount, policies: Policies) -> int | None:
    """Return below what an account may not fall: safety stock is for reservations only."""
    if account.bucket != "available":
        return 0
    policy = policies(account.sku, account.location)
    if policy.mode != "guarded":
        return None
    if account.lot:
        return 0  # what is kept back is kept back of all lots together: reads do that
    reserves = any(
        other.bucket == "reserved" and net > 0 and other[:2] == account[:2]
        for other, net, _ in posting.changes
    )
    return policy.safety_stock if reserves else 0


def _claimed(posting: Posting, sku: str) -> int:
    return sum(
        net
        for other, net, _ in posting.changes
        if other.bucket == "backordered" and other.sku == sku
    )
