"""Joint repositories that break one promise each, as people would write them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from threading import RLock
from typing import ClassVar

from attrs import evolve

from orderwright.adapters.memory import MemoryInventory, MemoryOrders
from orderwright.errors import Conflict, OutOfStock
from orderwright.inventory.postings import Posting
from orderwright.orders.contacts import Contact
from orderwright.orders.events import Event
from orderwright.orders.order import Order
from orderwright.ports import DueOrder
from orderwright.testing.samples import NOON, Saved
from orderwright.testing.stock_samples import receive

NOBODY: Mapping[str, Contact | None] = {}


class PlainJoint:
    """Orders and stock in memory, joined; those below get one thing wrong."""

    durable_on_save: ClassVar[bool] = True

    def __init__(self, inventory: MemoryInventory) -> None:
        self.inventory = inventory
        self.both = MemoryOrders(inventory)

    def __getattr__(self, name: str) -> object:
        """All else is right."""
        return getattr(self.both, name)

    @property
    def posts_to(self) -> object:
        """The one it was made with."""
        return self.inventory

    def save_and_post(
        self,
        order: Order,
        events: Sequence[Event],
        posting: Posting,
        *,
        expected_version: int,
        contacts: Mapping[str, Contact | None] = NOBODY,
    ) -> None:
        """Write both."""
        self.write(Saved(order, tuple(events), expected_version, contacts), posting)

    def write(self, save: Saved, posting: Posting) -> None:
        """Write both."""
        self.both.save_and_post(
            save.order,
            save.events,
            posting,
            expected_version=save.expected_version,
            contacts=save.contacts,
        )


class OrderFirst(PlainJoint):
    """Saves, then posts: in between there is an order that has nothing."""

    def write(self, save: Saved, posting: Posting) -> None:
        """What is refused leaves the order."""
        save.into(self.both)
        self.inventory.post(posting)


class StockFirst(PlainJoint):
    """Posts, then saves: who is late has taken the stock all the same."""

    def write(self, save: Saved, posting: Posting) -> None:
        """A conflict leaves the posting."""
        self.inventory.post(posting)
        save.into(self.both)


class PostingForgotten(PlainJoint):
    """Saves, and that is it."""

    def write(self, save: Saved, posting: Posting) -> None:  # noqa: ARG002 - forgotten
        """Nothing is posted."""
        save.into(self.both)


class RefusalSwallowed(PlainJoint):
    """What the stock refuses is no reason not to save."""

    def write(self, save: Saved, posting: Posting) -> None:
        """The order is told that it has what it has not."""
        try:
            super().write(save, posting)
        except OutOfStock:
            save.into(self.both)


class ContactsForgotten(PlainJoint):
    """Another way to save, and one parameter that was left out."""

    def write(self, save: Saved, posting: Posting) -> None:
        """The contact is not kept."""
        super().write(save._replace(contacts=NOBODY), posting)


class ShortageFirst(PlainJoint):
    """Looks at the stock before it looks at the version."""

    def write(self, save: Saved, posting: Posting) -> None:
        """Whoever is late hears of a shortage instead, and plans anew what was planned already."""
        trial = MemoryInventory()
        for one in self.inventory.postings():
            trial.post(one)
        trial.post(posting)
        super().write(save, posting)


class Unindexed(PlainJoint):
    """Another way to save, which does not keep what orders are found by."""

    def __init__(self, inventory: MemoryInventory) -> None:
        super().__init__(inventory)
        self.hidden: set[str] = set()

    def write(self, save: Saved, posting: Posting) -> None:
        """Nobody will resume it when it is due."""
        super().write(save, posting)
        self.hidden.add(save.order.id)

    def due(
        self, now: datetime, *, after: DueOrder | None = None, limit: int = 100
    ) -> tuple[DueOrder, ...]:
        """Those that were saved the other way."""
        found = self.both.due(now, after=after, limit=limit)
        return tuple(one for one in found if one.order_id not in self.hidden)


class KnownAgain(PlainJoint):
    """A posting that is known is written once more, beside the order."""

    def write(self, save: Saved, posting: Posting) -> None:
        """What was told twice is taken twice."""
        if self.inventory.ledger.posting(posting.id) == posting:
            posting = evolve(posting, id=f"{posting.id}-again")
        super().write(save, posting)


class KnownIsDone(PlainJoint):
    """A posting that is known is taken for the whole having been done, whoever comes."""

    def write(self, save: Saved, posting: Posting) -> None:
        """Whoever is late hears that it is saved."""
        try:
            super().write(save, posting)
        except Conflict:
            if self.inventory.ledger.posting(posting.id) != posting:
                raise


class IdFirst(PlainJoint):
    """Looks at the id of the posting before it looks at the version."""

    def write(self, save: Saved, posting: Posting) -> None:
        """Whoever is late hears of an id that was used."""
        known = self.inventory.ledger.posting(posting.id)
        if known is not None and known != posting:
            self.inventory.post(posting)
        super().write(save, posting)


class StockThenOrder(PlainJoint):
    """Looks at the version, posts, then saves: what cannot be saved has been posted."""

    def __init__(self, inventory: MemoryInventory) -> None:
        super().__init__(inventory)
        self.lock = RLock()

    def write(self, save: Saved, posting: Posting) -> None:
        """No transaction around the two."""
        with self.lock:
            known = self.both.load(save.order.id)
            version = 0 if known is None else known.version
            if version != save.expected_version:
                raise Conflict(save.order.id, save.expected_version, version)
            self.inventory.post(posting)
            save.into(self.both)


class LapsesInstead(PlainJoint):
    """Where something has expired there is a way of its own, which forgets what it was for."""

    def write(self, save: Saved, posting: Posting) -> None:
        """The order is told that it has what nobody reserved."""
        there = self.inventory.reservations(NOON)
        if there == self.inventory.reservations(posting.at):
            super().write(save, posting)
        else:
            save.into(self.both)


class PostsElsewhere(PlainJoint):
    """Names one ledger and writes to another."""

    def __init__(self, inventory: MemoryInventory) -> None:
        super().__init__(MemoryInventory())
        self.inventory.post(receive("delivery", 100))
        self.inventory = inventory
