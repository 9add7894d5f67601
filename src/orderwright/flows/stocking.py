"""Stock: what comes in is booked, and goes to those who wait for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orderwright.errors import Conflict, NotFound
from orderwright.flows.command import command
from orderwright.flows.processing import allocate
from orderwright.flows.settling import Flows
from orderwright.inventory.claims import promises, queued
from orderwright.inventory.postings import Posting
from orderwright.requests import PostStock, ReadClaims, ReadIncoming, ReadSupply, ask
from orderwright.values import each, identifier, instance

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from orderwright.flows.settling import Setting
    from orderwright.inventory.claims import QueueOrder
    from orderwright.requests import Flow

__all__ = ["Stocking"]


class Stocking(Flows):
    """Booking stock, and the queue of those who wait for it."""

    __slots__ = ()

    @command
    def post_stock(
        self, posting: Posting, *, queue: QueueOrder = "first_come"
    ) -> Flow[tuple[str, ...]]:
        """Book what came in, was found, moved or lost, and give what is free to those who wait.

        Safe to repeat: a posting's id is its key. Returns the ids of the orders that got
        something, in the order of the ``queue``. Raises OutOfStock, KeyReused; once it is booked,
        what goes wrong with an order leaves it waiting.
        """
        instance(posting, Posting, "posting")
        queued((), queue)  # refuses an order there is not
        yield from ask(PostStock(posting))
        skus = [
            account.sku
            for account, net, _ in posting.changes
            if account.bucket == "available" and net > 0
        ]
        return (yield from _filled(self.setting, skus, posting.at, queue))

    @command
    def fill(
        self,
        skus: Sequence[str],
        *,
        queue: QueueOrder = "first_come",
        at: datetime | None = None,
    ) -> Flow[tuple[str, ...]]:
        """Give what is free of ``skus`` to those who wait, in the order of the ``queue``.

        Returns the ids of the orders that got something.
        """
        named = [identifier(one, "skus") for one in each(skus, str, "skus")]
        queued((), queue)  # refuses an order there is not
        return (yield from _filled(self.setting, named, self.setting.moment(at), queue))

    @command
    def promised(
        self, sku: str, *, queue: QueueOrder = "first_come", at: datetime | None = None
    ) -> Flow[Mapping[str, datetime | None]]:
        """Return when each who waits for ``sku`` can have it, by order and line (``o1/l1``).

        By what is free and on order; None where it is there now, or where nobody can tell.
        """
        identifier(sku, "sku")
        claims = yield from ask(ReadClaims(sku))
        stocks = yield from ask(ReadSupply((sku,), self.setting.moment(at)))
        coming = yield from ask(ReadIncoming(sku))
        return promises(claims, sum(one.promisable for one in stocks), coming, queue)


def _filled(
    setting: Setting, skus: Sequence[str], at: datetime, queue: QueueOrder
) -> Flow[tuple[str, ...]]:
    """Source the orders that wait anew, first those who are first, while there is something."""
    found: dict[str, None] = {}
    for sku in dict.fromkeys(skus):
        claims = yield from ask(ReadClaims(sku))
        for claim in queued(claims, queue):
            stocks = yield from ask(ReadSupply((sku,), at))
            if not any(one.promisable for one in stocks):
                break
            if claim.order_id in found:
                continue
            try:
                served = yield from allocate(setting, claim.order_id, at)
            except (Conflict, NotFound):
                continue  # somebody else is at it, or it is not one of ours
            if served:
                found[claim.order_id] = None
    return tuple(found)
