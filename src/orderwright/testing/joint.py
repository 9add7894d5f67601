"""The contract of an order repository that writes postings along with orders."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, NamedTuple, cast, final

from orderwright.adapters.memory import MemoryInventory, MemoryOrders
from orderwright.errors import Conflict, KeyReused, OutOfStock
from orderwright.orders.contacts import Contact
from orderwright.testing.clauses import clause
from orderwright.testing.comparing import raises, require, same
from orderwright.testing.contract import Contract, opened_on
from orderwright.testing.lives import lives
from orderwright.testing.order_reads import LATER, followed
from orderwright.testing.order_reads import everything as all_of_orders
from orderwright.testing.order_saving import SPOILT
from orderwright.testing.reads import compared
from orderwright.testing.samples import NOON, Saved, joined, noted, placed
from orderwright.testing.stock_samples import MINUTE, held, receive, reserve
from orderwright.testing.stock_samples import everything as all_of_stock

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from orderwright.inventory.postings import Posting
    from orderwright.orders.order import Order
    from orderwright.ports import (
        AsyncInventoryRepository,
        AsyncJointOrderRepository,
        InventoryRepository,
        JointOrderRepository,
    )

__all__ = ["AsyncJointOrderRepositoryContract", "JointOrderRepositoryContract"]

RACERS = 8
SAVES = 12
ANN = Contact(name="Ann")


@final
class Pair(NamedTuple):
    """Two repositories on one store; ``joined`` if the first names the second as its own.

    That is asked beforehand: it is no call to be waited for, also where all others are.
    """

    orders: JointOrderRepository
    inventory: InventoryRepository
    joined: bool

    def write(self, save: Saved, posting: Posting) -> None:
        """Save and post at once."""
        self.orders.save_and_post(
            save.order,
            save.events,
            posting,
            expected_version=save.expected_version,
            contacts=save.contacts,
        )

    def seen(self, order_id: str) -> tuple[Order | None, int, tuple[str, ...]]:
        """Return an order, how many events it has, and the ids of all postings."""
        postings = tuple(one.id for one in self.inventory.postings())
        return self.orders.load(order_id), len(self.orders.events(order_id)), postings


class JointClauses(Contract):
    """One test for each clause of :class:`~orderwright.ports.JointOrderRepository`."""

    def opened(self) -> AbstractContextManager[Callable[[], Pair]]:
        """Return a fresh store, ready for sync adapters."""
        raise NotImplementedError

    @contextmanager
    def stocked(self, units: int = 10) -> Generator[Callable[[], Pair]]:
        """Return a fresh store with so many mugs."""
        with self.opened() as opener:
            opener().inventory.post(receive("delivery", units))
            yield opener

    @clause
    def test_it_names_the_inventory_it_writes_to(self) -> None:
        """JointOrderRepository.posts_to 1: what it posts, that one reads and guards."""
        with self.stocked() as opener:
            pair = opener()
            require(pair.joined, "posts_to is another object than the inventory beside it")
            pair.write(placed("o1"), reserve("p1", held("r1", 4)))
            left = [one.available for one in pair.inventory.supply(["MUG"], now=NOON)]
            same([6], left, "available, as the inventory tells, after four were reserved")

    @clause
    def test_both_are_kept(self) -> None:
        """JointOrderRepository.save_and_post 1: of a new order, and of one that is there."""
        with self.stocked() as opener:
            first = placed("o1", contact=ANN)
            opener().write(first, reserve("p1", held("r1")))
            pair = opener()
            same((first.order, len(first.events), ("delivery", "p1")), pair.seen("o1"), "first")
            (contact_id,) = first.contacts
            same(ANN, pair.orders.contact(contact_id), "the contact")
            second = noted(first.order, "k1")
            pair.write(second, reserve("p2", held("r2")))
            events = len(first.events) + 1
            there = opener().seen("o1")
            same((second.order, events, ("delivery", "p1", "p2")), there, "second")
            same(second.events, pair.orders.load_with_key("o1", "k1")[1], "what the key finds")
            fed = [one.event for one in followed(pair.orders)]
            same([*first.events, *second.events], fed, "the feed")

    @clause
    def test_all_of_a_save_is_kept(self) -> None:
        """JointOrderRepository.save_and_post 1: every event, and whatever finds orders or stock."""
        promise = "JointOrderRepository.save_and_post 1"
        stock = MemoryInventory()
        reference = Pair(MemoryOrders(stock), stock, joined=True)
        lived: dict[str, list[Saved]] = {}
        for save in lives():
            lived.setdefault(save.order.id, []).append(save)
        saves = [joined(some) for some in lived.values()]
        with self.stocked(len(saves)) as opener:
            stock.post(receive("delivery", len(saves)))
            pair = opener()
            for save in saves:
                name = save.order.id
                mine = held(f"{name}/r", expires_at=LATER, order_id=name)
                for one in (pair, reference):
                    one.write(save, reserve(f"{name}/reserve", mine))
            compared(reference.orders, pair.orders, all_of_orders(saves), promise)
            compared(stock, pair.inventory, all_of_stock(["MUG"], NOON, list(lived)), promise)

    @clause
    def test_a_known_posting_is_not_written_again(self) -> None:
        """JointOrderRepository.save_and_post 1: the order is saved beside it, or nothing is."""
        with self.stocked() as opener:
            pair, save = opener(), placed("o1")
            pair.inventory.post(reserve("p1", held("r1")))
            order: Order | None = save.order
            events = len(save.events)
            try:
                pair.write(save, reserve("p1", held("r1")))
            except OutOfStock:
                order, events = None, 0
            same((order, events, ("delivery", "p1")), pair.seen("o1"), "what is stored after it")
            left = [one.available for one in pair.inventory.supply(["MUG"], now=NOON)]
            same([9], left, "available after one was reserved, and that was told twice")

    @clause
    def test_what_has_expired_is_free_for_it(self) -> None:
        """JointOrderRepository.save_and_post 1: as ``post`` has it, or nothing is stored."""
        with self.stocked() as opener:
            pair, save = opener(), placed("o1")
            pair.inventory.post(reserve("p1", held("r1", 10, expires_at=NOON + MINUTE)))
            order: Order | None = save.order
            ids, free = ["delivery", "p1", "p2"], 3
            try:
                pair.write(save, reserve("p2", held("r2", 7), at=LATER))
            except OutOfStock:
                order, ids, free = None, ["delivery", "p1"], 10
            same(order, pair.orders.load("o1"), "the order")
            lasting = [one.id for one in pair.inventory.postings() if one.reason != "expired"]
            same(ids, lasting, "the postings")
            left = [one.available for one in pair.inventory.supply(["MUG"], now=LATER)]
            same([free], left, "available, once the reservation of all has expired")

    @clause
    def test_a_save_that_fails_half_way_posts_nothing(self) -> None:
        """JointOrderRepository.save_and_post 1: events and contacts that cannot be stored."""
        with self.stocked() as opener:
            pair, other = opener(), opener()
            for number, (what, spoil) in enumerate(SPOILT.items()):
                new = placed(f"o{number}", contact=ANN)
                before = other.seen(new.order.id)
                try:
                    pair.write(spoil(new), reserve(f"p{number}", held(f"r{number}")))
                except Exception:  # noqa: BLE001 - what is left in the store matters
                    same(before, other.seen(new.order.id), f"what is stored after {what}")
                    pair.write(new, reserve(f"p{number}", held(f"r{number}")))
                order, events, postings = other.seen(new.order.id)
                known = (new.order.version, len(new.events), f"p{number}" in postings)
                told = (0 if order is None else order.version, events, True)
                same(known, told, f"version, events and the posting after {what}")

    @clause
    def test_no_reader_sees_one_without_the_other(self) -> None:
        """JointOrderRepository.save_and_post 1: whichever it looks at first."""
        with self.stocked(SAVES) as opener:
            writer, reader = opener(), opener()
            done = Event()

            def write() -> None:
                try:
                    for number in range(SAVES):
                        name = f"o{number:02}"
                        writer.write(placed(name), reserve(f"p{number:02}", held(f"r{number}")))
                finally:
                    done.set()

            def read() -> None:
                last = False
                for number in range(SAVES):
                    while not last:
                        last = done.is_set()
                        if _together(reader, number):
                            break

            self.race([write, read])

    @clause
    def test_whoever_is_late_writes_nothing(self) -> None:
        """JointOrderRepository.save_and_post 2: with stock, without, and by an id that is known."""
        with self.stocked() as opener:
            pair, first = opener(), placed("o1")
            pair.write(first, reserve("p1", held("r1")))
            there = pair.seen("o1")
            late = Saved(first.order, first.events)
            known = (reserve("p1", held("r1")), reserve("p1", held("r1", 2)))
            for posting in (*(reserve("p2", held("r2", units)) for units in (1, 99)), *known):
                told = raises(Conflict, partial(pair.write, late, posting), "a late save")
                same((0, first.order.version), (told.expected, told.actual), "what it says")
                same(there, pair.seen("o1"), "what is stored after it")

    @clause
    def test_what_the_stock_refuses_leaves_nothing(self) -> None:
        """JointOrderRepository.save_and_post 3: a shortage, and an id that stands for another."""
        with self.stocked() as opener:
            pair, save = opener(), placed("o1", contact=ANN)
            pair.inventory.post(reserve("p1", held("r1")))
            for posting in (reserve("p2", held("r2", 99)), reserve("p1", held("r1", 2))):
                try:
                    pair.write(save, posting)
                except (OutOfStock, KeyReused):
                    pass
                else:
                    raise AssertionError(f"{posting.id} was taken")
                same((None, 0, ("delivery", "p1")), pair.seen("o1"), "what is stored after it")
                same(None, pair.orders.contact(next(iter(save.contacts))), "the contact")
                same((), pair.orders.feed(), "the feed")
            save.into(pair.orders)
            pair.inventory.post(reserve("p2", held("r2")))
            events = len(save.events)
            there = pair.seen("o1")
            same((save.order, events, ("delivery", "p1", "p2")), there, "one after the other")

    @clause
    def test_the_last_unit_goes_to_one(self) -> None:
        """JointOrderRepository.save_and_post 3: of several orders that want it at once."""
        with self.stocked(1) as opener:
            pairs = [opener() for _ in range(RACERS)]
            tries = [partial(_tried, pair, number) for number, pair in enumerate(pairs)]
            won = [number for number, done in enumerate(self.race(tries)) if done]
            require(len(won) == 1, f"{len(won)} of {RACERS} have it")
            stored = [n for n in range(RACERS) if pairs[0].orders.load(f"o{n}") is not None]
            same(won, stored, "the orders that are stored")


def _tried(pair: Pair, number: int) -> bool:
    try:
        pair.write(placed(f"o{number}"), reserve(f"p{number}", held(f"r{number}")))
    except OutOfStock:
        return False
    return True


def _together(pair: Pair, number: int) -> bool:
    """Return whether an order is there; raise AssertionError if its posting is not, or alone."""
    order_id, posting_id = f"o{number:02}", f"p{number:02}"
    posted = any(one.id == posting_id for one in pair.inventory.postings())
    saved = pair.orders.load(order_id) is not None
    require(saved or not posted, f"{posting_id} is there and {order_id} is not")
    posted = any(one.id == posting_id for one in pair.inventory.postings())
    require(posted or not saved, f"{order_id} is there and {posting_id} is not")
    return saved


class JointOrderRepositoryContract(JointClauses):
    """What a joint order repository has to do: subclass it, and say how a store is made.

    The contracts of its two sides are tested by themselves.
    """

    def make(
        self,
    ) -> AbstractContextManager[Callable[[], tuple[JointOrderRepository, InventoryRepository]]]:
        """Return a fresh, empty store, as a context manager of what opens two adapters on it.

        Each call of the opener returns a pair of its own, all on the one store.
        """
        raise NotImplementedError

    @contextmanager
    def opened(self) -> Generator[Callable[[], Pair]]:
        """Return a fresh store."""
        with self.make() as opener:

            def paired() -> Pair:
                orders, inventory = opener()
                return Pair(orders, inventory, orders.posts_to is inventory)

            yield paired


class AsyncJointOrderRepositoryContract(JointClauses):
    """What an async joint order repository has to do."""

    def make(
        self,
    ) -> AbstractAsyncContextManager[
        Callable[[], tuple[AsyncJointOrderRepository, AsyncInventoryRepository]]
    ]:
        """Return a fresh, empty store; see :meth:`JointOrderRepositoryContract.make`."""
        raise NotImplementedError

    @contextmanager
    def opened(self) -> Generator[Callable[[], Pair]]:
        """Return a fresh store, on a loop of its own."""
        with self.on_loop(self.make()) as (opener, loop):

            def paired() -> Pair:
                orders, inventory = opener()
                return Pair(
                    cast("JointOrderRepository", opened_on(loop, lambda: orders)),
                    cast("InventoryRepository", opened_on(loop, lambda: inventory)),
                    orders.posts_to is inventory,
                )

            yield paired
