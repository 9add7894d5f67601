"""What is promised of an order repository while many are at work on it."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from threading import Event
from typing import TYPE_CHECKING

from orderwright.errors import Conflict
from orderwright.orders.contacts import Contact
from orderwright.orders.lines import Reference
from orderwright.ports import OrderQuery
from orderwright.testing.clauses import clause
from orderwright.testing.comparing import require, same
from orderwright.testing.order_reads import all_due, all_found, all_open, followed
from orderwright.testing.order_saving import OrderContract
from orderwright.testing.reads import paged
from orderwright.testing.samples import NOON, Saved, noted, placed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from orderwright.ports import FeedEntry, OrderRepository

__all__ = ["RacingClauses"]

RACERS = 8
WRITERS = 4
LIFE = 20
WRITES = 12
ANN = Contact(name="Ann")


class RacingClauses(OrderContract):
    """What several adapters on one store do at once: threads, or tasks of one loop."""

    @clause
    def test_of_concurrent_saves_one_succeeds(self) -> None:
        """OrderRepository.save 3: of a new order, and of one that is there, several times over."""
        with self.opened() as opener:
            racers, orders = [opener() for _ in range(RACERS)], opener()
            saves = [_signed(placed("o1"), f"racer {number}") for number in range(RACERS)]
            for _ in range(5):
                tries = [partial(_try, one, save) for one, save in zip(racers, saves, strict=True)]
                won = [save for save, done in zip(saves, self.race(tries), strict=True) if done]
                require(len(won) == 1, f"{len(won)} of {RACERS} succeeded")
                order, loaded = won[0].order, orders.load("o1")
                version = 0 if loaded is None else loaded.version
                same(order.version, version, "version after the race")
                keys = [event.key for event in won[0].events]
                found = [event.key for event in orders.events("o1")[won[0].expected_version :]]
                same(keys, found, "keys of the events that were saved by the winner")
                saves = [noted(order, f"racer {number}") for number in range(RACERS)]

    @clause
    def test_no_reader_sees_a_part_of_a_save(self) -> None:
        """OrderRepository.save 1: whatever it sees first, all else of the save is there too."""
        with self.opened() as opener:
            writer, reader = opener(), opener()
            saves = [_full(f"o{number}") for number in range(WRITES)]
            more = [noted(save.order, "again", "", "again") for save in saves]
            saved = Event()

            def write() -> None:
                try:
                    for first, second in zip(saves, more, strict=True):
                        first.into(writer)
                        second.into(writer)
                finally:
                    saved.set()

            def read() -> None:
                for number, save in enumerate(saves):
                    _see_whole(reader, save, number, saved)

            self.race([write, read])

    @clause
    def test_an_order_and_its_key_are_of_one_moment(self) -> None:
        """OrderRepository.load_with_key 5: while each save uses the key once more.

        Adapters that take turns see what all saves came to.
        """
        with self.opened() as opener:
            writer, reader = opener(), opener()
            first = placed("o1")
            saves, saved = [first], Event()
            for _ in range(LIFE):
                saves.append(noted(saves[-1].order, "again", ""))

            def write() -> None:
                try:
                    _write(writer, saves)
                finally:
                    saved.set()

            def read() -> None:
                last = False
                while not last:
                    last = saved.is_set()
                    order, events = reader.load_with_key("o1", "again")
                    version = first.order.version if order is None else order.version
                    told = f"events of the key, one for each of {LIFE} saves, at version {version}"
                    same((version - first.order.version) // 2, len(events), told)

            self.race([write, read])

    @clause
    def test_a_reader_that_follows_the_feed_misses_nothing(self) -> None:
        """OrderRepository.feed 2: while several write, each event comes once, and in order."""
        with self.opened() as opener:
            lives = [_life(f"o{number}") for number in range(WRITERS)]
            every = sum(len(save.events) for life in lives for save in life)
            at_work = set(range(WRITERS))
            seen: list[FeedEntry] = []
            reader = opener()

            def write(number: int, orders: OrderRepository) -> None:
                try:
                    _write(orders, lives[number])
                finally:
                    at_work.discard(number)

            def follow() -> int:
                seen.extend(followed(reader, 5, seen[-1].position if seen else 0))
                return len(seen)

            def read() -> None:
                while at_work:
                    follow()
                self.eventually(follow, lambda count: count >= every)

            calls: list[Callable[[], None]] = [read]
            calls += [partial(write, number, opener()) for number in range(WRITERS)]
            # The reader last: where all has to be done in turn, it finds what the others wrote.
            self.race(calls[::-1])
            met = len({(one.order_id, one.number) for one in seen})
            require(met == every, f"it met {met} of {every} events while {WRITERS} wrote")
            require(len(seen) == every, f"it met {len(seen) - every} events twice")
            again = followed(reader)
            same(again, seen, "what it met, beside what a new reader meets")

    @clause
    def test_pages_join_while_others_write(self) -> None:
        """OrderRepository.find 1: each id that was there from the start comes once."""
        with self.opened() as opener:
            names = [f"o{number:02}-there" for number in range(WRITES)]
            writer, reader = opener(), opener()
            _write(writer, [placed(name) for name in names])
            new = [placed(f"o{number:02}-new") for number in range(WRITES)]

            def read() -> list[str]:
                query = OrderQuery()
                return paged(lambda last: reader.find(query, after=last or "", limit=2))

            def write() -> list[str]:
                _write(writer, new)
                return []

            _, found = self.race([write, read])
            there = [name for name in found if name.endswith("there")]
            same(names, there, "orders that were there, paged while others were saved")


def _try(orders: OrderRepository, save: Saved) -> bool:
    try:
        save.into(orders)
    except Conflict:
        return False
    return True


def _signed(save: Saved, name: str) -> Saved:
    """Return the save of an order with a note more, so that each racer saves something else."""
    note = noted(save.order, name)
    return Saved(note.order, (*save.events, *note.events), save.expected_version, save.contacts)


def _write(orders: OrderRepository, saves: Sequence[Saved]) -> None:
    for save in saves:
        save.into(orders)


def _life(order_id: str) -> list[Saved]:
    """Return the saves of an order, with one event and with three in turn."""
    saves = [placed(order_id)]
    for number in range(LIFE):
        keys = [f"{number}"] if number % 2 else [f"{number}a", f"{number}b", f"{number}c"]
        saves.append(noted(saves[-1].order, *keys))
    return saves


def _full(order_id: str) -> Saved:
    """Return the save of an order that can be found in every way."""
    references = [Reference("market", order_id)]
    due_at = NOON + timedelta(hours=1)
    save = placed(order_id, due_at=due_at, contact=ANN, references=references)
    return _signed(save, f"key of {order_id}")


def _looks(save: Saved) -> Mapping[str, Callable[[OrderRepository], bool]]:
    """Return each way in which a reader may first see a save."""
    name = save.order.id
    (contact_id,) = save.contacts
    return {
        "load": lambda o: o.load(name) is not None,
        "events": lambda o: len(o.events(name)) >= save.order.version,
        "load_with_key": lambda o: bool(o.load_with_key(name, f"key of {name}")[1]),
        "by_reference": lambda o: bool(o.by_reference(Reference("market", name))),
        "due": lambda o: any(one.order_id == name for one in all_due(o)),
        "contact": lambda o: o.contact(contact_id) is not None,
        "find": lambda o: name in all_found(o),
        "open_fulfillments": lambda o: any(one.order_id == name for one in all_open(o)),
    }


def _see_whole(orders: OrderRepository, save: Saved, number: int, saved: Event) -> None:
    """Wait until a save is seen in one way, and require that it is seen in every other."""
    name, looks = save.order.id, _looks(save)
    first = list(looks)[number % len(looks)]
    while not looks[first](orders) and not saved.is_set():
        pass
    if looks[first](orders):
        for other, look in looks.items():
            require(look(orders), f"{first} showed {name!r}, and {other} did not")
    history = orders.events(name)
    order = orders.load(name)
    version = 0 if order is None else order.version
    require(len(history) <= version, f"{len(history)} events of {name!r} at version {version}")
    _, again = orders.load_with_key(name, "again")
    whole = len(orders.events(name)) - save.order.version
    require(len(again) in {0, 2}, f"{len(again)} of 2 events of one save have its key")
    require(whole in {0, 3}, f"{whole} of 3 events of one save of {name!r}")
