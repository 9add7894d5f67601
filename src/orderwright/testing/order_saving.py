"""What is promised of saving an order and of reading it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, ClassVar, TypeVar, cast, overload

from orderwright.errors import Conflict
from orderwright.orders.contacts import Contact
from orderwright.orders.events import ContactsForgotten, NoteAdded
from orderwright.orders.lines import Reference
from orderwright.testing.clauses import clause
from orderwright.testing.comparing import only, raises, same
from orderwright.testing.contract import Contract
from orderwright.testing.lives import lives
from orderwright.testing.order_reads import everything, fed, followed
from orderwright.testing.reads import told
from orderwright.testing.samples import (
    ALIKE,
    HAWAII,
    KATHMANDU,
    NAME,
    NOON,
    TEXT,
    Saved,
    joined,
    noted,
    placed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from contextlib import AbstractContextManager

    from orderwright.orders.events import Event
    from orderwright.ports import OrderRepository

__all__ = ["OrderContract", "SavingClauses"]

T = TypeVar("T")

ANN = Contact(name="Ann", street=("1 High Street",), email="ann@example.org")
BOB = Contact(name="Bob")
WHOLE = Contact(
    name=NAME,
    company="Ann & Sons",
    street=(NAME, ""),
    postal_code="0 44600",
    city="K\xf8benhavn",
    region="\xcele-de-France",
    country="NP",
    email="ann+1@example.org",
    phone="+977 1 (0) 22",
    instructions=TEXT,
)
"""Everything that is kept of somebody, each in other words."""
HOUR = timedelta(hours=1)
MARKET = Reference("marketplace", "M-1")


class OrderContract(Contract):
    """What the tests of an order repository are made of."""

    durable_on_save: ClassVar[bool]
    """What the adapter is to say; whichever it is, the tests hold it to that."""

    def opened(self) -> AbstractContextManager[Callable[[], OrderRepository]]:
        """Return a fresh store, ready for sync adapters."""
        raise NotImplementedError

    def rolled_back(
        self, opener: Callable[[], OrderRepository]
    ) -> AbstractContextManager[OrderRepository]:
        """Return an adapter in a transaction of the host's that is rolled back in the end.

        Needed where ``durable_on_save`` is False: override it.
        """
        raise NotImplementedError("say how a host rolls back what was saved: override rolled_back")

    @contextmanager
    def store(self) -> Generator[OrderRepository]:
        """Return an adapter on a fresh store."""
        with self.opened() as opener:
            yield opener()


class SavingClauses(OrderContract):
    """Load, save, contact, events and load_with_key, clause by clause."""

    @clause
    def test_names_that_look_alike_are_different(self) -> None:
        """OrderRepository 1: case, accents and how a letter is composed make another name."""
        with self.store() as orders:
            for name in ALIKE:
                save = placed(name, customer_id=name, references=[Reference("market", name)])
                save.into(orders)
                noted(save.order, f"key {name}").into(orders)
            for name in ALIKE:
                order = orders.load(name)
                same(name, None if order is None else order.id, f"the id of load({name!r})")
                by_reference = orders.by_reference(Reference("market", name))
                same((name,), by_reference, f"by_reference of {name!r}")
                for key in (f"key {one}" for one in ALIKE):
                    found = [event.key for event in orders.load_with_key(name, key)[1]]
                    expected = [key] if key == f"key {name}" else []
                    same(expected, found, f"the keys that load_with_key({name!r}, {key!r}) finds")

    @clause
    def test_moments_are_kept_whole(self) -> None:
        """OrderRepository 2: aware, to the microsecond, and the same moment, from any zone."""
        with self.store() as orders:
            for zone in (KATHMANDU, HAWAII):
                at = NOON.astimezone(zone)
                name = f"o{zone}".replace(":", "")
                save = placed(name, at=at, due_at=at + timedelta(hours=1))
                save.into(orders)
                loaded = [one for one in [orders.load(name)] if one is not None]
                order = only(loaded, f"load({name!r}) of what was just saved")
                for what, expected, actual in (
                    ("placed_at", NOON, order.placed_at),
                    ("expires_at", NOON + timedelta(hours=1), order.expires_at),
                    *(("at", NOON, one.at) for one in orders.events(name)),
                    *(("at in the feed", NOON, one.event.at) for one in followed(orders)[-1:]),
                ):
                    same(expected, actual, f"{what} of an order placed at {at.isoformat()}")

    @clause
    def test_an_unknown_order_loads_as_none(self) -> None:
        """OrderRepository.load 1: on an empty store, and beside another order."""
        with self.store() as orders:
            same(None, orders.load("nobody"), "load of an unknown id on an empty store")
            placed("somebody").into(orders)
            same(None, orders.load("nobody"), "load of an unknown id beside another order")

    @clause
    def test_another_adapter_sees_each_save(self) -> None:
        """OrderRepository.load 2: also one that looked before anything was saved."""
        with self.opened() as opener:
            writer, reader = opener(), opener()
            save = placed("o1")
            same(None, reader.load("o1"), "load before the order was saved")
            for number in range(3):
                save.into(writer)
                for who, orders in (("another", reader), ("the same", writer)):
                    version = _version(orders, "o1")
                    same(save.order.version, version, f"version, loaded by {who} adapter")
                    known = len(orders.events("o1"))
                    same(save.order.version, known, f"number of events, read by {who} adapter")
                save = noted(save.order, f"k{number}")

    @clause
    def test_what_was_loaded_does_not_change(self) -> None:
        """OrderRepository.load 3: an order, its events and a page of the feed stay as they were."""
        with self.store() as orders:
            first = placed("o1")
            first.into(orders)
            read = orders.load("o1"), orders.events("o1"), orders.feed()
            seen = repr(read)
            noted(first.order, "k1").into(orders)
            same(seen, repr(read), "order, events and feed, read before the next save")

    @clause
    def test_orders_come_back_whole(self) -> None:
        """OrderRepository.load 4: every field of orders that lived through every event."""
        with self.store() as orders:
            for save in lives():
                save.into(orders)
                same(save.order, orders.load(save.order.id), f"load({save.order.id!r})")

    @clause
    def test_a_save_that_fails_half_way_saves_nothing(self) -> None:
        """OrderRepository.save 1: events and contacts that cannot be stored, new orders and old."""
        with self.opened() as opener:
            orders, other = opener(), opener()
            for number, (what, spoil) in enumerate(SPOILT.items()):
                name = f"new-{number}"
                new = placed(name, due_at=NOON + timedelta(hours=1), contact=ANN)
                _half_way(orders, other, new, spoil(new), f"a new order and {what}")
                known = placed(f"known-{number}", references=[MARKET], contact=BOB)
                known.into(orders)
                more = noted(known.order, "k1", "", "k2")
                more = more._replace(contacts=dict.fromkeys(known.contacts, ANN))
                _half_way(orders, other, more, spoil(more), f"a known order and {what}")

    @clause
    def test_a_save_from_another_version_conflicts(self) -> None:
        """OrderRepository.save 2: too old, too new, of an order that is new or already there."""
        with self.store() as orders:
            first = placed("o1", contact=ANN, references=[MARKET])
            first.into(orders)
            version = first.order.version
            before = told(orders, everything([first]))
            second = noted(first.order, "k1")
            second = second._replace(contacts=dict.fromkeys(first.contacts, BOB))
            for expected in (0, version - 1, version + 1):
                wrong = second._replace(expected_version=expected)
                what = f"a save at version {version} that expects {expected}"
                error = raises(Conflict, partial(wrong.into, orders), what)
                facts = (error.order_id, error.expected, error.actual)
                same(("o1", expected, version), facts, f"order, expected and actual of {what}")
                same(before, told(orders, everything([first])), f"the store after {what}")
            wrong = placed("o2")._replace(expected_version=1)
            raises(Conflict, partial(wrong.into, orders), "a new order that expects version 1")
            same(None, orders.load("o2"), "load after a conflict on a new order")
            second.into(orders)
            same(second.order.version, _version(orders, "o1"), "version after a right save")

    @clause
    def test_a_conflict_leaves_no_trace(self) -> None:
        """OrderRepository.save 2: of keys, references, when it is due, or who is forgotten."""
        other = Reference("marketplace", "M-2")
        with self.store() as orders:
            first = placed("o1", contact=ANN, references=[MARKET], due_at=NOON + 2 * HOUR)
            first.into(orders)
            for name, expected in (("o1", 0), ("o1", first.order.version + 1), ("o2", 1)):
                made = placed(name, references=[other], due_at=NOON + HOUR)
                wrong = joined((made, noted(made.order, "late")))
                forgotten: dict[str, Contact | None] = dict.fromkeys(first.contacts)
                wrong = wrong._replace(expected_version=expected, contacts=forgotten)
                reads = tuple(everything([first, wrong]))
                before = told(orders, reads)
                what = f"a save of {name!r} that expects version {expected}"
                raises(Conflict, partial(wrong.into, orders), what)
                same(before, told(orders, reads), f"the store after {what}")

    @clause
    def test_events_are_numbered_on_from_the_expected_version(self) -> None:
        """OrderRepository.save 4: over several saves, of one event and of many."""
        with self.store() as orders:
            save = placed("o1")
            save.into(orders)
            for keys in (["a"], ["b", "c", "d"], ["e"]):
                save = noted(save.order, *keys)
                save.into(orders)
                new = [event.key for event in orders.events("o1")[save.expected_version :]]
                same(keys, new, f"keys of the events behind number {save.expected_version}")
            numbers = sorted(number for number, _ in fed(followed(orders))["o1"])
            same(list(range(1, save.order.version + 1)), numbers, "numbers, as the feed has them")

    @clause
    def test_what_was_saved_is_there_for_good(self) -> None:
        """OrderRepository.save 5: a new adapter sees it; if not durable, it can be rolled back."""
        save = placed("o1", contact=ANN, due_at=NOON + timedelta(hours=1), references=[MARKET])
        with self.opened() as opener:
            if self.durable_on_save:
                save.into(opener())
                expected = save.order.version
            else:
                before = told(opener(), everything([save]))
                with self.rolled_back(opener) as orders:
                    save.into(orders)
                    version = _version(orders, "o1")
                    same(save.order.version, version, "version in the transaction that saved")
                same(before, told(opener(), everything([save])), "the store after it rolled back")
                expected = 0
            same(expected, _version(opener(), "o1"), "version, loaded by a new adapter")

    @clause
    def test_whether_saves_are_durable_is_told(self) -> None:
        """OrderRepository.durable_on_save 1: by every adapter, as its author declares."""
        with self.opened() as opener:
            same(self.durable_on_save, opener().durable_on_save, "durable_on_save")

    @clause
    def test_a_forgotten_contact_cannot_be_read(self) -> None:
        """OrderRepository.save 6: not by an adapter that read it, not if it was kept twice."""
        with self.opened() as opener:
            orders, other = opener(), opener()
            first = placed("o1", contact=ANN)
            (contact_id,) = first.contacts
            first.into(orders)
            same(ANN, other.contact(contact_id), "contact before it was forgotten")
            second = noted(first.order, "k1")._replace(contacts={contact_id: BOB})
            second.into(orders)
            forgotten = (ContactsForgotten(contact_ids=(contact_id,), at=NOON),)
            order = second.order.after(forgotten)
            Saved(order, forgotten, second.order.version, {contact_id: None}).into(orders)
            for one in (orders, other, opener()):
                same(None, one.contact(contact_id), "contact after it was forgotten")
            again = noted(order, "k2")._replace(contacts={contact_id: None, "c-none": None})
            again.into(orders)
            same(None, orders.contact("c-none"), "contact that never was, forgotten")

    @clause
    def test_whichever_order_forgets_a_contact(self) -> None:
        """OrderRepository.save 6: one that two orders kept, forgotten with a third."""
        with self.store() as orders:
            for name, contact in (("o1", ANN), ("o2", BOB), ("o3", None)):
                placed(name)._replace(contacts={"c1": contact}).into(orders)
                same(contact, orders.contact("c1"), f"contact after {name} was saved with it")

    @clause
    def test_what_the_caller_does_afterwards_changes_nothing(self) -> None:
        """OrderRepository.save 7: the list of events and the mapping of contacts are emptied."""
        with self.store() as orders:
            save = placed("o1", contact=ANN)
            (contact_id,) = save.contacts
            events, contacts = list(save.events), dict(save.contacts)
            orders.save(save.order, events, expected_version=0, contacts=contacts)
            events.clear()
            contacts[contact_id] = BOB
            known = len(orders.events("o1"))
            same(len(save.events), known, "number of events after the caller emptied its list")
            same(ANN, orders.contact(contact_id), "contact after the caller changed its mapping")

    @clause
    def test_an_unknown_contact_is_none(self) -> None:
        """OrderRepository.contact 1: also where another is known."""
        with self.store() as orders:
            same(None, orders.contact("nobody"), "contact on an empty store")
            placed("o1", contact=ANN).into(orders)
            same(None, orders.contact("nobody"), "contact beside another one")

    @clause
    def test_the_last_contact_under_an_id_counts(self) -> None:
        """OrderRepository.contact 2: by either of two orders, and in whatever letters."""
        with self.store() as orders:
            for name, contact in (("o1", ANN), ("o2", BOB), ("o3", WHOLE)):
                placed(name)._replace(contacts={"c1": contact}).into(orders)
                same(contact, orders.contact("c1"), f"contact after {name} was saved with another")

    @clause
    def test_an_unknown_order_has_no_events(self) -> None:
        """OrderRepository.events 1: on an empty store, and beside another order."""
        with self.store() as orders:
            same((), orders.events("nobody"), "events of an unknown order on an empty store")
            placed("somebody").into(orders)
            same((), orders.events("nobody"), "events of an unknown order beside another")

    @clause
    def test_events_come_back_equal(self) -> None:
        """OrderRepository.events 2: every kind of event, with every kind of value."""
        with self.store() as orders:
            for save in lives():
                save.into(orders)
                found = orders.events(save.order.id)[save.expected_version :]
                same(save.events, found, f"events of {save.order.id!r} that were just saved")

    @clause
    def test_events_are_read_from_a_number_on(self) -> None:
        """OrderRepository.events 3: from each number, past the end too, with others in between."""
        with self.store() as orders:
            one, two = placed("o1"), placed("o2")
            one.into(orders)
            two.into(orders)
            more = noted(one.order, *"abcdefghijkl")
            more.into(orders)
            noted(two.order, "z").into(orders)
            history = [event.key for event in (*one.events, *more.events)]
            for after in range(len(history) + 2):
                found = [event.key for event in orders.events("o1", after=after)]
                same(history[after:], found, f"keys of events after {after} of {len(history)}")

    @clause
    def test_a_key_belongs_to_one_order(self) -> None:
        """OrderRepository.load_with_key 1: another order that used it, and one that did not."""
        with self.store() as orders:
            one, two = placed("o1"), placed("o2")
            for save in (one, two, noted(one.order, "k1", "k2"), noted(two.order, "k2")):
                save.into(orders)
            _, events = orders.load_with_key("o2", "k1")
            same((), events, "load_with_key by another order's key")
            found = [event.key for event in orders.load_with_key("o2", "k2")[1]]
            same(["k2"], found, "load_with_key by a key that both orders used")
            unknown = orders.load_with_key("o3", "k1")
            same((None, ()), unknown, "load_with_key of an unknown order")

    @clause
    def test_the_empty_key_finds_nothing(self) -> None:
        """OrderRepository.load_with_key 2: although most events are saved with it."""
        with self.store() as orders:
            save = placed("o1")
            save.into(orders)
            noted(save.order, "", "k1", "").into(orders)
            found = orders.load_with_key("o1", "")[1]
            same((), found, "events that load_with_key finds by the empty key")

    @clause
    def test_an_order_is_loaded_whatever_its_key_finds(self) -> None:
        """OrderRepository.load_with_key 4: several events, none, or no key at all."""
        with self.store() as orders:
            save = placed("o1")
            save.into(orders)
            noted(save.order, "k1", "k1").into(orders)
            for key in ("k1", "k2", ""):
                loaded, _ = orders.load_with_key("o1", key)
                same(orders.load("o1"), loaded, f"the order that load_with_key({key!r}) loads")

    @clause
    def test_a_key_finds_all_its_events(self) -> None:
        """OrderRepository.load_with_key 3: of one save and of several, in order, in any letters."""
        with self.store() as orders:
            save = placed("o1")
            save.into(orders)
            texts: list[str] = []
            for number, keys in enumerate(((NAME, "", NAME), ("other",), (NAME,))):
                save = noted(save.order, *keys, text=f"save {number}")
                save.into(orders)
                texts += [f"save {number}" for key in keys if key == NAME]
            _, found = orders.load_with_key("o1", NAME)
            told_of = [event.text for event in found if isinstance(event, NoteAdded)]
            same(texts, told_of, f"the texts of what load_with_key finds by {NAME!r}")


def _version(orders: OrderRepository, order_id: str) -> int:
    """Return the version that is loaded, 0 if there is no such order."""
    order = orders.load(order_id)
    return 0 if order is None else order.version


# What goes wrong half-way ---------------------------------------------------------------------


class _Breaking(Sequence[T]):
    """Items of which only the first can be read."""

    def __init__(self, items: Sequence[T]) -> None:
        self._items = items

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...
    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        if index != 0:
            raise RuntimeError("the events broke off")
        return self._items[0]


class _BreakingMapping(Mapping[str, "Contact | None"]):
    """Contacts of which only the first can be read."""

    def __init__(self, items: Mapping[str, Contact | None]) -> None:
        self._items = items

    def __len__(self) -> int:
        return len(self._items) + 1

    def __iter__(self) -> Iterator[str]:
        yield from self._items
        raise RuntimeError("the contacts broke off")

    def __getitem__(self, key: str) -> Contact | None:
        return self._items[key]


def _no_event(save: Saved) -> Saved:
    return save._replace(events=(*save.events[:-1], cast("Event", object())))


def _no_contact(save: Saved) -> Saved:
    return save._replace(contacts={**save.contacts, "c-odd": cast("Contact", object())})


def _events_break(save: Saved) -> Saved:
    return save._replace(events=cast("tuple[Event, ...]", _Breaking(save.events)))


def _contacts_break(save: Saved) -> Saved:
    return save._replace(contacts=_BreakingMapping(save.contacts))


SPOILT: Mapping[str, Callable[[Saved], Saved]] = {
    "events that cannot all be read": _events_break,
    "events of which one is none": _no_event,
    "contacts that cannot all be read": _contacts_break,
    "contacts of which one is none": _no_contact,
}


def _half_way(
    orders: OrderRepository, other: OrderRepository, save: Saved, spoilt: Saved, what: str
) -> None:
    """Save what cannot be saved: all or nothing of it is there, and then it is saved whole."""
    before = told(orders, everything([save]))
    try:
        spoilt.into(orders)
    except Exception:  # noqa: BLE001 - whichever it is, what is left in the store matters
        same(before, told(other, everything([save])), f"the store after a save of {what}")
        save.into(orders)
    version = save.order.version
    found = _version(other, save.order.id), len(other.events(save.order.id))
    same((version, version), found, f"version and number of events after {what}")
