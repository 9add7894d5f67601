"""Order repositories that break a promise each, as real ones do; the kit has to name which.

All of them are `PlainOrders`, which keeps every promise, but for one thing.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from itertools import islice
from threading import Lock
from time import sleep
from typing import cast
from unicodedata import normalize

from attrs import define, evolve, field

from orderwright import Conflict, Contact, Order, Reference
from orderwright.codec import Codec
from orderwright.orders.events import Event
from orderwright.ports import DueOrder, FeedEntry, OpenFulfillment, OrderQuery

PAUSE = 0.002
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@define
class Store:
    """What is kept."""

    lock: Lock = field(factory=Lock)
    orders: dict[str, Order] = field(factory=dict)
    history: dict[str, Sequence[Event]] = field(factory=dict)
    keys: dict[tuple[str, str], list[Event]] = field(factory=dict)
    feed: list[tuple[str, int, Event]] = field(factory=list)
    references: dict[Reference, set[str]] = field(factory=dict)
    due: dict[str, datetime] = field(factory=dict)
    contacts: dict[str, Contact] = field(factory=dict)
    first: dict[str, Order] = field(factory=dict)
    notes: dict[str, int] = field(factory=dict)
    owners: dict[str, str] = field(factory=dict)


class PlainOrders:
    """A correct order repository: every save is checked and written in steps under one lock."""

    durable_on_save = True

    def __init__(self, store: Store) -> None:
        self.store = store

    # Saving -------------------------------------------------------------------------------------

    def save(
        self,
        order: Order,
        events: Sequence[Event],
        *,
        expected_version: int,
        contacts: Mapping[str, Contact | None] | None = None,
    ) -> None:
        """Read all that is given, then check and write it under the lock."""
        given, told = tuple(events), dict(contacts or {})
        keys = [one.key for one in given]
        with self.store.lock:
            self.check(order.id, expected_version)
            self.write_events(order, given, expected_version)
            self.write_keys(order, given, keys)
            self.write_order(order)
            self.write_references(order)
            self.write_due(order)
            self.write_contacts(told)

    def check(self, order_id: str, expected_version: int) -> None:
        """Refuse a save from another version."""
        known = self.store.orders.get(order_id)
        version = 0 if known is None else known.version
        if version != expected_version:
            raise Conflict(order_id, expected_version, version)

    def write_order(self, order: Order) -> None:
        """Write the state."""
        self.store.orders[order.id] = order
        self.store.first.setdefault(order.id, order)

    def write_events(self, order: Order, events: Sequence[Event], expected_version: int) -> None:
        """Write the events, and their place in the feed."""
        known = self.store.history.get(order.id, ())
        self.store.history[order.id] = (*known, *events)
        for number, event in enumerate(events, expected_version + 1):
            self.store.feed.append((order.id, number, event))

    def write_keys(self, order: Order, events: Sequence[Event], keys: Sequence[str]) -> None:
        """Write which events have a key."""
        for key, event in zip(keys, events, strict=True):
            if key:
                self.store.keys.setdefault((order.id, key), []).append(event)

    def write_references(self, order: Order) -> None:
        """Write the names the order is known by."""
        for reference in order.all_references:
            self.store.references.setdefault(reference, set()).add(order.id)

    def write_due(self, order: Order) -> None:
        """Write when the order is due."""
        self.store.due.pop(order.id, None)
        if order.due_at is not None:
            self.store.due[order.id] = order.due_at.astimezone(UTC)

    def write_contacts(self, contacts: Mapping[str, Contact | None]) -> None:
        """Write contacts, or forget them."""
        for contact_id, contact in contacts.items():
            if contact is None:
                self.store.contacts.pop(contact_id, None)
            else:
                self.store.contacts[contact_id] = contact

    # Reading ------------------------------------------------------------------------------------

    def load(self, order_id: str) -> Order | None:
        """Load."""
        with self.store.lock:
            return self.store.orders.get(order_id)

    def contact(self, contact_id: str) -> Contact | None:
        """Read a contact."""
        with self.store.lock:
            return self.store.contacts.get(contact_id)

    def events(self, order_id: str, *, after: int = 0) -> tuple[Event, ...]:
        """Read events."""
        with self.store.lock:
            return tuple(self.store.history.get(order_id, ())[after:])

    def load_with_key(self, order_id: str, key: str) -> tuple[Order | None, tuple[Event, ...]]:
        """Load, and find the events of a key, of one moment."""
        with self.store.lock:
            return self.store.orders.get(order_id), self.found(order_id, key)

    def found(self, order_id: str, key: str) -> tuple[Event, ...]:
        """Find the events of a key."""
        return tuple(self.store.keys.get((order_id, key), ()))

    def feed(self, *, after: int = 0, limit: int = 100) -> tuple[FeedEntry, ...]:
        """Read the feed: positions count from 1."""
        with self.store.lock:
            page = self.store.feed[after : after + limit]
        return tuple(FeedEntry(after + index, *one) for index, one in enumerate(page, 1))

    def find(self, query: OrderQuery, *, after: str = "", limit: int = 100) -> tuple[str, ...]:
        """Find orders."""
        with self.store.lock:
            found = (one for one in self.sorted(self.store.orders) if one > after)
            matching = (one for one in found if self.matches(self.store.orders[one], query))
            return tuple(islice(matching, limit))

    def sorted(self, names: Collection[str]) -> list[str]:
        """Put names in order."""
        return sorted(names)

    def matches(self, order: Order, query: OrderQuery) -> bool:
        """Tell whether an order is what is looked for."""
        return (
            (not query.states or order.state.name in query.states)
            and query.customer_id in {"", order.customer_id}
            and query.channel in {"", order.channel}
            and (query.placed_from is None or order.placed_at >= query.placed_from)
            and (query.placed_until is None or order.placed_at < query.placed_until)
        )

    def by_reference(self, reference: Reference) -> tuple[str, ...]:
        """Find by reference."""
        with self.store.lock:
            return tuple(sorted(self.store.references.get(reference, ())))

    def by_name(self, reference: Reference, name: Callable[[Reference], object]) -> tuple[str, ...]:
        """Find by what another name says of a reference."""
        found: set[str] = set()
        with self.store.lock:
            for one, ids in self.store.references.items():
                if name(one) == name(reference):
                    found |= ids
        return tuple(sorted(found))

    def open_fulfillments(
        self,
        location: str,
        states: Collection[str],
        *,
        after: OpenFulfillment | None = None,
        limit: int = 100,
    ) -> tuple[OpenFulfillment, ...]:
        """Find open fulfillments."""
        with self.store.lock:
            found = [
                OpenFulfillment(order.id, one.id, one.location, one.state.name)
                for order in self.store.orders.values()
                for one in order.fulfillments
                if one.location == location and one.state.name in states
            ]
        found.sort(key=self.place)
        rest = (one for one in found if after is None or self.place(one) > self.place(after))
        return tuple(islice(rest, limit))

    def place(self, one: OpenFulfillment) -> tuple[str, int, str]:
        """Return where a fulfillment stands among others."""
        return one.order_id, len(one.fulfillment_id), one.fulfillment_id

    def due(
        self, now: datetime, *, after: DueOrder | None = None, limit: int = 100
    ) -> tuple[DueOrder, ...]:
        """Find what is due."""
        with self.store.lock:
            found = sorted(DueOrder(at, one) for one, at in self.store.due.items() if at <= now)
        rest = (one for one in found if after is None or tuple(one) > tuple(after))
        return tuple(islice(rest, limit))


# Versions and races ---------------------------------------------------------------------------


class LostUpdate(PlainOrders):
    """Whoever saves last wins."""

    def check(self, order_id: str, expected_version: int) -> None:
        """Accept every version."""


class CheckThenWrite(PlainOrders):
    """The version is read, and compared, before the write that it is to guard."""

    def save(
        self,
        order: Order,
        events: Sequence[Event],
        *,
        expected_version: int,
        contacts: Mapping[str, Contact | None] | None = None,
    ) -> None:
        """Check, and later write without a look."""
        super().check(order.id, expected_version)
        sleep(PAUSE)
        super().save(order, events, expected_version=expected_version, contacts=contacts)

    def check(self, order_id: str, expected_version: int) -> None:
        """Trust the look that was taken before."""


class ConflictSwallowed(PlainOrders):
    """A conflict is logged somewhere, and the caller hears nothing of it."""

    def save(
        self,
        order: Order,
        events: Sequence[Event],
        *,
        expected_version: int,
        contacts: Mapping[str, Contact | None] | None = None,
    ) -> None:
        """Save, or do not."""
        with suppress(Conflict):
            super().save(order, events, expected_version=expected_version, contacts=contacts)


class VersionOffByOne(PlainOrders):
    """`>=` where `==` was meant: a version that is one too high is accepted."""

    def check(self, order_id: str, expected_version: int) -> None:
        """Accept the version, and the next."""
        known = self.store.orders.get(order_id)
        version = 0 if known is None else known.version
        if expected_version not in {version, version + 1}:
            raise Conflict(order_id, expected_version, version)


class NewOrdersOverwrite(PlainOrders):
    """An upsert: what expects no version replaces what is there."""

    def check(self, order_id: str, expected_version: int) -> None:
        """Check only what expects a version."""
        if expected_version:
            super().check(order_id, expected_version)


class ConflictWithoutFacts(PlainOrders):
    """The conflict tells the expected version twice."""

    def check(self, order_id: str, expected_version: int) -> None:
        """Refuse without looking up what is there."""
        try:
            super().check(order_id, expected_version)
        except Conflict:
            raise Conflict(order_id, expected_version, expected_version) from None


class DueBeforeCheck(PlainOrders):
    """When an order is due is noted in a transaction before the one that may find a conflict."""

    def save(
        self,
        order: Order,
        events: Sequence[Event],
        *,
        expected_version: int,
        contacts: Mapping[str, Contact | None] | None = None,
    ) -> None:
        """Write something early, then save."""
        given, told = tuple(events), dict(contacts or {})
        if all(isinstance(one.key, str) for one in given):
            with self.store.lock:
                self.early(order, told)
        super().save(order, given, expected_version=expected_version, contacts=told)

    def early(self, order: Order, _contacts: Mapping[str, Contact | None]) -> None:
        """Write when it is due."""
        self.write_due(order)


class ReferencesBeforeCheck(DueBeforeCheck):
    """So are the names by which an order is found."""

    def early(self, order: Order, _contacts: Mapping[str, Contact | None]) -> None:
        """Write references."""
        self.write_references(order)


class ForgetsBeforeCheck(DueBeforeCheck):
    """Somebody is forgotten although the save that says so never comes to be."""

    def early(self, _order: Order, contacts: Mapping[str, Contact | None]) -> None:
        """Forget."""
        self.write_contacts({name: None for name, one in contacts.items() if one is None})


# Saves that are not atomic --------------------------------------------------------------------


class InSteps(PlainOrders):
    """Saves in separate transactions, with others in between; `late` is what comes last."""

    late = "write_order"

    def save(
        self,
        order: Order,
        events: Sequence[Event],
        *,
        expected_version: int,
        contacts: Mapping[str, Contact | None] | None = None,
    ) -> None:
        """Write all but one thing, and that one a little later."""
        given, told = tuple(events), dict(contacts or {})
        keys = [one.key for one in given]
        steps: dict[str, Callable[[], None]] = {
            "write_events": lambda: self.write_events(order, given, expected_version),
            "write_keys": lambda: self.write_keys(order, given, keys),
            "write_order": lambda: self.write_order(order),
            "write_references": lambda: self.write_references(order),
            "write_due": lambda: self.write_due(order),
            "write_contacts": lambda: self.write_contacts(told),
        }
        last = steps.pop(self.late)
        with self.store.lock:
            self.check(order.id, expected_version)
            for step in steps.values():
                step()
        sleep(PAUSE)
        with self.store.lock:
            last()


class EventsWithoutState(InSteps):
    """The events are seen before the state that they led to."""

    late = "write_order"


class StateWithoutEvents(InSteps):
    """The state is seen before the events that led to it."""

    late = "write_events"


class KeysLate(InSteps):
    """A key is found later than the events that were saved with it."""

    late = "write_keys"


class ReferencesLate(InSteps):
    """A notification that comes at once finds no order."""

    late = "write_references"


class DueLate(InSteps):
    """What is due is noted in a transaction of its own."""

    late = "write_due"


class ContactsLate(InSteps):
    """Whom an order is for is known later than the order."""

    late = "write_contacts"


class LazyEvents(PlainOrders):
    """The state is written before all events have been read."""

    def save(
        self,
        order: Order,
        events: Sequence[Event],
        *,
        expected_version: int,
        contacts: Mapping[str, Contact | None] | None = None,
    ) -> None:
        """Write the state, then read the events."""
        with self.store.lock:
            self.check(order.id, expected_version)
            self.write_order(order)
            self.write_references(order)
            self.write_due(order)
            given = tuple(events)
            self.write_keys(order, given, [one.key for one in given])
            self.write_events(order, given, expected_version)
            self.write_contacts(dict(contacts or {}))


class NonAtomicBatch(PlainOrders):
    """Each event of a save is committed by itself, until one fails."""

    def save(
        self,
        order: Order,
        events: Sequence[Event],
        *,
        expected_version: int,
        contacts: Mapping[str, Contact | None] | None = None,
    ) -> None:
        """Write event by event, and everything else in the end."""
        told = dict(contacts or {})
        with self.store.lock:
            self.check(order.id, expected_version)
            for number, event in enumerate(events):
                self.write_keys(order, [event], [event.key])
                self.write_events(order, [event], expected_version + number)
            self.write_order(order)
            self.write_references(order)
            self.write_due(order)
            self.write_contacts(told)


class ContactsHalf(PlainOrders):
    """Contacts are read while they are written, after everything else was."""

    def save(
        self,
        order: Order,
        events: Sequence[Event],
        *,
        expected_version: int,
        contacts: Mapping[str, Contact | None] | None = None,
    ) -> None:
        """Write all, then contact by contact."""
        super().save(order, events, expected_version=expected_version)
        with self.store.lock:
            self.write_contacts(contacts or {})


# Keys, numbers and contacts -------------------------------------------------------------------


class KeysForgotten(PlainOrders):
    """Nothing is ever found by a key."""

    def write_keys(self, order: Order, events: Sequence[Event], keys: Sequence[str]) -> None:
        """Forget them."""


class KeyOfAnotherOrder(PlainOrders):
    """Keys are global: the first order that used one has it."""

    def found(self, order_id: str, key: str) -> tuple[Event, ...]:
        """Find it on the order, or else on whichever."""
        found = (events for (_, one), events in self.store.keys.items() if one == key)
        return super().found(order_id, key) or tuple(next(found, ()))


class EmptyKeyFinds(PlainOrders):
    """The empty key is a key like others."""

    def found(self, order_id: str, key: str) -> tuple[Event, ...]:
        """Find by any key."""
        return tuple(one for one in self.store.history.get(order_id, ()) if one.key == key)


class FirstKeyOnly(PlainOrders):
    """A unique index on (order, key): the first event has it, others are left out."""

    def write_keys(self, order: Order, events: Sequence[Event], keys: Sequence[str]) -> None:
        """Write a key once."""
        for key, event in zip(keys, events, strict=True):
            if key:
                self.store.keys.setdefault((order.id, key), [event])


class InnerJoin(PlainOrders):
    """An order is only found together with what its key finds."""

    def load_with_key(self, order_id: str, key: str) -> tuple[Order | None, tuple[Event, ...]]:
        """Join."""
        order, found = super().load_with_key(order_id, key)
        return (order, found) if found else (None, ())


class NoKeyNoOrder(PlainOrders):
    """Without a key nothing is looked for."""

    def load_with_key(self, order_id: str, key: str) -> tuple[Order | None, tuple[Event, ...]]:
        """Look, if there is a key."""
        return super().load_with_key(order_id, key) if key else (None, ())


class KeyBeforeOrder(PlainOrders):
    """The key is looked up, then the order is loaded: what is saved in between is only there."""

    def load_with_key(self, order_id: str, key: str) -> tuple[Order | None, tuple[Event, ...]]:
        """Look twice."""
        with self.store.lock:
            found = self.found(order_id, key)
        sleep(PAUSE)
        return self.load(order_id), found


class OrderBeforeKey(PlainOrders):
    """The order is loaded, then the key is looked up: what is saved in between is only found."""

    def load_with_key(self, order_id: str, key: str) -> tuple[Order | None, tuple[Event, ...]]:
        """Look twice."""
        order = self.load(order_id)
        sleep(PAUSE)
        with self.store.lock:
            return order, self.found(order_id, key)


class KeysFirstPage(PlainOrders):
    """What a key finds comes in pages, and only the first is asked for."""

    def found(self, order_id: str, key: str) -> tuple[Event, ...]:
        """Find some."""
        return super().found(order_id, key)[:1000]


class EventsFirstPage(PlainOrders):
    """A history comes in pages, and only the first is asked for."""

    def events(self, order_id: str, *, after: int = 0) -> tuple[Event, ...]:
        """Return some."""
        return super().events(order_id, after=after)[:1000]


class NumbersWithAGap(PlainOrders):
    """Numbers come from a sequence that a failed save moved on."""

    def write_events(self, order: Order, events: Sequence[Event], expected_version: int) -> None:
        """Skip a number after the first save."""
        super().write_events(order, events, expected_version + (expected_version > 0))


class EventsFromAfter(PlainOrders):
    """`>=` where `>` was meant."""

    def events(self, order_id: str, *, after: int = 0) -> tuple[Event, ...]:
        """Return also the one at `after`."""
        return super().events(order_id, after=max(0, after - 1))


class ForgottenIsKept(PlainOrders):
    """What is forgotten is only unlinked from the order."""

    def write_contacts(self, contacts: Mapping[str, Contact | None]) -> None:
        """Keep what was."""
        super().write_contacts({name: one for name, one in contacts.items() if one is not None})


class ForgetsItsOwn(PlainOrders):
    """A contact belongs to the order that kept it first, and others cannot have it forgotten."""

    def save(
        self,
        order: Order,
        events: Sequence[Event],
        *,
        expected_version: int,
        contacts: Mapping[str, Contact | None] | None = None,
    ) -> None:
        """Leave out the contacts of others that are to be forgotten."""
        told = dict(contacts or {})
        owners = self.store.owners
        mine = {
            name: one
            for name, one in told.items()
            if one is not None or owners.get(name) in {None, order.id}
        }
        super().save(order, events, expected_version=expected_version, contacts=mine)
        for name in told:
            owners.setdefault(name, order.id)


class ContactInColumns(PlainOrders):
    """A table of contacts with columns for what somebody needed first."""

    def contact(self, contact_id: str) -> Contact | None:
        """Lose what there is no column for."""
        found = super().contact(contact_id)
        return found and evolve(found, company="", postal_code="", city="", region="", phone="")


class FirstContactWins(PlainOrders):
    """A contact that is known is not written again."""

    def write_contacts(self, contacts: Mapping[str, Contact | None]) -> None:
        """Write what is new."""
        known = self.store.contacts
        super().write_contacts(
            {name: one for name, one in contacts.items() if one is None or name not in known}
        )


# What comes back ------------------------------------------------------------------------------


class StaleCache(PlainOrders):
    """Each adapter keeps what it loaded once."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._seen: dict[str, Order | None] = {}

    def load(self, order_id: str) -> Order | None:
        """Load once."""
        if order_id not in self._seen:
            self._seen[order_id] = super().load(order_id)
        return self._seen[order_id]


class NotDurable(PlainOrders):
    """Saves wait in the adapter's own store, and nobody else sees them."""

    def __init__(self, store: Store) -> None:
        super().__init__(evolve(store, lock=Lock(), orders=dict(store.orders)))


class SharedState(PlainOrders):
    """The order that was loaded is the one in the store, which is changed in place."""

    def write_order(self, order: Order) -> None:
        """Change the object that readers hold."""
        known = self.store.orders.setdefault(order.id, evolve(order))
        known.__dict__.update(order.__dict__)


class KeepsTheCallersList(PlainOrders):
    """The events of a new order are the very list that the caller passed."""

    def save(
        self,
        order: Order,
        events: Sequence[Event],
        *,
        expected_version: int,
        contacts: Mapping[str, Contact | None] | None = None,
    ) -> None:
        """Keep the caller's list."""
        super().save(order, events, expected_version=expected_version, contacts=contacts)
        if not expected_version:
            self.store.history[order.id] = events


class ReturnsLists(PlainOrders):
    """Events come as a list, which every reader may change."""

    def events(self, order_id: str, *, after: int = 0) -> tuple[Event, ...]:
        """Return another type than was promised."""
        return cast("tuple[Event, ...]", list(super().events(order_id, after=after)))


def _changed(event: Event, at: datetime) -> Event:
    return evolve(event, at=at)


class NaiveTimes(PlainOrders):
    """A column without time zone: what comes back is naive."""

    def events(self, order_id: str, *, after: int = 0) -> tuple[Event, ...]:
        """Lose the zone."""
        found = super().events(order_id, after=after)
        return tuple(_changed(one, one.at.replace(tzinfo=None)) for one in found)


class WholeSeconds(PlainOrders):
    """A column of whole seconds."""

    def load(self, order_id: str) -> Order | None:
        """Lose the microseconds."""
        order = super().load(order_id)
        return order and evolve(order, placed_at=order.placed_at.replace(microsecond=0))


class LocalTimes(PlainOrders):
    """The clock's time is kept, and taken for UTC when it comes back."""

    def write_due(self, order: Order) -> None:
        """Keep what the clock showed."""
        super().write_due(order)
        if order.due_at is not None:
            self.store.due[order.id] = order.placed_at.replace(tzinfo=UTC)


class LossyCodec(PlainOrders):
    """Through JSON and back, but who did it is not in the document."""

    codec = Codec()

    def events(self, order_id: str, *, after: int = 0) -> tuple[Event, ...]:
        """Lose a field."""
        return tuple(map(self.stored, super().events(order_id, after=after)))

    def stored(self, event: Event) -> Event:
        """Return what comes back from the store."""
        data = json.loads(json.dumps(self.codec.encode_event(event)))
        return self.codec.decode_event({**data, "by": ""})


class PolicyInColumns(PlainOrders):
    """A table of policies with columns for what somebody needed first."""

    def load(self, order_id: str) -> Order | None:
        """Lose what there is no column for."""
        order = super().load(order_id)
        if order is None:
            return None
        policy = evolve(order.policy, restocking_percent=0, priority=0, lead_time=None)
        return evolve(order, policy=policy)


class NarrowCodec(PlainOrders):
    """A database that stores three bytes a letter: others are replaced."""

    codec = Codec()

    def load(self, order_id: str) -> Order | None:
        """Lose what is beyond the basic plane."""
        order = super().load(order_id)
        if order is None or len(order_id) > 100:
            return order
        text = json.dumps(self.codec.encode_order(order), ensure_ascii=False)
        narrow = "".join(one if one <= "\uffff" else "?" for one in text)
        return self.codec.decode_order(json.loads(narrow))


class CaseInsensitive(PlainOrders):
    """A collation without case, as some databases have by default."""

    def found(self, order_id: str, key: str) -> tuple[Event, ...]:
        """Find in any case."""
        history, wanted = self.store.history.get(order_id, ()), key.casefold()
        return tuple(one for one in history if one.key and one.key.casefold() == wanted)


class FindsInAnyCase(PlainOrders):
    """The same, of customers only."""

    def matches(self, order: Order, query: OrderQuery) -> bool:
        """Match in any case."""
        if query.customer_id.casefold() != order.customer_id.casefold():
            return super().matches(order, query)
        return super().matches(order, query._replace(customer_id=""))


class ContactsInAnyCase(PlainOrders):
    """The same, of contacts only."""

    def contact(self, contact_id: str) -> Contact | None:
        """Find in any case."""
        with self.store.lock:
            known = self.store.contacts
            return known.get(
                next((one for one in known if one.casefold() == contact_id.casefold()), "")
            )


class KindsInAnyCase(PlainOrders):
    """The same, of kinds of reference only."""

    def by_reference(self, reference: Reference) -> tuple[str, ...]:
        """Find in any case."""
        return self.by_name(reference, lambda one: (one.kind.casefold(), one.value))


class KeysPadded(PlainOrders):
    """A column of CHAR, or a collation that pads: spaces at the end do not count."""

    def found(self, order_id: str, key: str) -> tuple[Event, ...]:
        """Find without spaces at the end."""
        history, wanted = self.store.history.get(order_id, ()), key.rstrip(" ")
        return tuple(one for one in history if one.key and one.key.rstrip(" ") == wanted)


class ReferencesPadded(PlainOrders):
    """The same, of references."""

    def by_reference(self, reference: Reference) -> tuple[str, ...]:
        """Find without spaces at the end."""
        return self.by_name(reference, lambda one: (one.kind, one.value.rstrip(" ")))


class KeysJoined(PlainOrders):
    """An order and a key are one name in a store of keys and values."""

    def found(self, order_id: str, key: str) -> tuple[Event, ...]:
        """Find by the joined name."""
        if not key:
            return ()
        return tuple(
            event
            for (owner, one), events in self.store.keys.items()
            for event in events
            if f"{owner}:{one}" == f"{order_id}:{key}"
        )


class ReferencesJoined(PlainOrders):
    """So are the two names of a reference."""

    def by_reference(self, reference: Reference) -> tuple[str, ...]:
        """Find by the joined name."""
        return self.by_name(reference, "-".join)


class FindByPattern(PlainOrders):
    """LIKE where = was meant."""

    def matches(self, order: Order, query: OrderQuery) -> bool:
        """Match a pattern."""
        if not fnmatchcase(order.channel, query.channel.replace("%", "*").replace("_", "?")):
            return super().matches(order, query)
        return super().matches(order, query._replace(channel=""))


class Normalizing(PlainOrders):
    """Names are composed before they are compared."""

    def by_reference(self, reference: Reference) -> tuple[str, ...]:
        """Find by the composed name."""
        return self.by_name(reference, lambda one: (one.kind, normalize("NFC", one.value)))


class DictionaryOrder(PlainOrders):
    """Ids are sorted as in a dictionary."""

    def find(self, query: OrderQuery, *, after: str = "", limit: int = 100) -> tuple[str, ...]:
        """Sort without case."""
        with self.store.lock:
            matching = [one for one in self.store.orders.values() if self.matches(one, query)]
        names = sorted((one.id for one in matching), key=_dictionary)
        return tuple(islice((one for one in names if _dictionary(one) > _dictionary(after)), limit))


def _dictionary(name: str) -> tuple[str, str]:
    return name.casefold(), name


class UnknownRaises(PlainOrders):
    """An unknown order is an error."""

    def load(self, order_id: str) -> Order | None:
        """Look it up."""
        with self.store.lock:
            return self.store.orders[order_id]


class UnknownHistoryRaises(PlainOrders):
    """So is its history."""

    def events(self, order_id: str, *, after: int = 0) -> tuple[Event, ...]:
        """Look it up."""
        with self.store.lock:
            return tuple(self.store.history[order_id][after:])


class UnknownContactIsEmpty(PlainOrders):
    """An unknown contact is somebody without a name."""

    def contact(self, contact_id: str) -> Contact | None:
        """Make one up."""
        return super().contact(contact_id) or Contact()


class SaysItIsNotDurable(PlainOrders):
    """It is durable, and says that it is not: no desk would ever call a provider."""

    durable_on_save = False


# The feed -------------------------------------------------------------------------------------


class FeedSkipsLateCommits(PlainOrders):
    """Positions are drawn when a save begins, and seen when it ends."""

    def save(
        self,
        order: Order,
        events: Sequence[Event],
        *,
        expected_version: int,
        contacts: Mapping[str, Contact | None] | None = None,
    ) -> None:
        """Draw positions first."""
        with self.store.lock:
            position = self.store.notes.get("last", 0)
            self.store.notes["last"] = position + len(events)
        sleep(PAUSE * (len(events) % 3))
        super().save(order, events, expected_version=expected_version, contacts=contacts)
        for number in range(expected_version, expected_version + len(events)):
            self.store.notes[f"{order.id}/{number + 1}"] = position + number - expected_version + 1

    def feed(self, *, after: int = 0, limit: int = 100) -> tuple[FeedEntry, ...]:
        """Show what is committed, by position."""
        with self.store.lock:
            found = list(self.store.feed)
        placed = [
            FeedEntry(self.store.notes[f"{name}/{number}"], name, number, event)
            for name, number, event in found
            if f"{name}/{number}" in self.store.notes
        ]
        rest = sorted((one for one in placed if one.position > after), key=_position)
        return tuple(rest[:limit])


def _position(entry: FeedEntry) -> int:
    return entry.position


class FeedUnordered(PlainOrders):
    """A page of the feed is sorted by order."""

    def feed(self, *, after: int = 0, limit: int = 100) -> tuple[FeedEntry, ...]:
        """Sort by id."""
        return tuple(sorted(super().feed(after=after, limit=limit), key=lambda one: one.order_id))


class FeedPageRepeats(PlainOrders):
    """`>=` where `>` was meant, so that a page begins with the row the last one ended with."""

    def feed(self, *, after: int = 0, limit: int = 100) -> tuple[FeedEntry, ...]:
        """Repeat a row, unless it is the last of all."""
        page = super().feed(after=after, limit=limit)
        if not page or not after:
            return page
        return (*super().feed(after=after - 1, limit=1), *page)[:limit] if limit > 1 else page


class FeedNumbersBackwards(PlainOrders):
    """The events of one save are in the feed in reverse."""

    def write_events(self, order: Order, events: Sequence[Event], expected_version: int) -> None:
        """Write the feed backwards."""
        begin = len(self.store.feed)
        super().write_events(order, events, expected_version)
        self.store.feed[begin:] = self.store.feed[: begin - 1 if begin else None : -1]


class FeedLeavesOut(PlainOrders):
    """Of each save only the last event is in the feed."""

    def write_events(self, order: Order, events: Sequence[Event], expected_version: int) -> None:
        """Leave out the others."""
        begin = len(self.store.feed)
        super().write_events(order, events, expected_version)
        del self.store.feed[begin:-1]


# Finding --------------------------------------------------------------------------------------


class IgnoresTheLimit(PlainOrders):
    """All that is due comes at once."""

    def due(
        self, now: datetime, *, after: DueOrder | None = None, limit: int = 100
    ) -> tuple[DueOrder, ...]:
        """Return everything."""
        return super().due(now, after=after, limit=10_000 if limit else 0)


class FindPageRepeats(PlainOrders):
    """A page of ids begins with the one that the last page ended with, if there are more."""

    def find(self, query: OrderQuery, *, after: str = "", limit: int = 100) -> tuple[str, ...]:
        """Repeat a row."""
        page = super().find(query, after=after, limit=limit)
        return (after, *page)[:limit] if after and page and limit > 1 else page


class FindPageSkips(PlainOrders):
    """The limit is applied before the filter."""

    def find(self, query: OrderQuery, *, after: str = "", limit: int = 100) -> tuple[str, ...]:
        """Filter a page."""
        page = super().find(OrderQuery(), after=after, limit=limit)
        with self.store.lock:
            return tuple(one for one in page if self.matches(self.store.orders[one], query))


class FindCursorHasToMatch(PlainOrders):
    """The cursor's row is looked for among those that match: if it is none, nothing follows."""

    def find(self, query: OrderQuery, *, after: str = "", limit: int = 100) -> tuple[str, ...]:
        """Stop where the cursor is no longer."""
        with self.store.lock:
            known = self.store.orders.get(after)
        if known is not None and not self.matches(known, query):
            return ()
        return super().find(query, after=after, limit=limit)


class FindCursorHasToBe(PlainOrders):
    """The cursor's row is looked up by its id."""

    def find(self, query: OrderQuery, *, after: str = "", limit: int = 100) -> tuple[str, ...]:
        """Stop where the cursor never was."""
        with self.store.lock:
            known = self.store.orders.get(after)
        return super().find(query, after=after, limit=limit) if known or not after else ()


class FindByFirstTime(PlainOrders):
    """The column of the time is written once, and a draft is placed later."""

    def matches(self, order: Order, query: OrderQuery) -> bool:
        """Look at the time of the first save."""
        first = self.store.first[order.id].placed_at
        return super().matches(evolve(order, placed_at=first), query)


class FindByOffset(PlainOrders):
    """A cursor is remembered as the number of rows before it."""

    def find(self, query: OrderQuery, *, after: str = "", limit: int = 100) -> tuple[str, ...]:
        """Count the rows that were given."""
        begin = self.store.notes.get(after, 0) if after else 0
        page = super().find(query, limit=begin + limit)[begin:]
        sleep(PAUSE)
        if page:
            self.store.notes[page[-1]] = begin + len(page)
        return page


class FindIgnoresUntil(PlainOrders):
    """A period has no end."""

    def matches(self, order: Order, query: OrderQuery) -> bool:
        """Look at the begin only."""
        return super().matches(order, query._replace(placed_until=None))


class FindIncludesUntil(PlainOrders):
    """`<=` where `<` was meant."""

    def matches(self, order: Order, query: OrderQuery) -> bool:
        """Include the end of the period."""
        at_end = order.placed_at == query.placed_until
        return super().matches(order, query._replace(placed_until=None) if at_end else query)


class FindByFirstState(PlainOrders):
    """The column of the state is written once."""

    def matches(self, order: Order, query: OrderQuery) -> bool:
        """Look at the state of the first save."""
        return super().matches(evolve(order, state=self.store.first[order.id].state), query)


class FindAnyOfThem(PlainOrders):
    """OR where AND was meant."""

    def matches(self, order: Order, query: OrderQuery) -> bool:
        """Match one of customer and channel."""
        by = [query._replace(channel=""), query._replace(customer_id="")]
        return any(super(FindAnyOfThem, self).matches(order, one) for one in by)


class ReferencesStale(PlainOrders):
    """References are written with a new order, and never again."""

    def write_references(self, order: Order) -> None:
        """Write those of a new order."""
        if self.store.first[order.id] is order:
            super().write_references(order)


class ReferencesFirstPage(PlainOrders):
    """What is known by a reference comes in pages, and only the first is asked for."""

    def by_reference(self, reference: Reference) -> tuple[str, ...]:
        """Find some."""
        return super().by_reference(reference)[:100]


class ReferencePattern(PlainOrders):
    """LIKE where = was meant."""

    def by_reference(self, reference: Reference) -> tuple[str, ...]:
        """Find by the beginning."""
        found: set[str] = set()
        wanted = reference.value.removesuffix("%")
        with self.store.lock:
            for one, ids in self.store.references.items():
                if one.kind == reference.kind and one.value.startswith(wanted):
                    found |= ids
        return tuple(sorted(found))


class OpenByFirstState(PlainOrders):
    """The table of fulfillments is written once."""

    def open_fulfillments(
        self,
        location: str,
        states: Collection[str],
        *,
        after: OpenFulfillment | None = None,
        limit: int = 100,
    ) -> tuple[OpenFulfillment, ...]:
        """Find by the state of the first save."""
        with self.store.lock:
            orders, self.store.orders = self.store.orders, self.store.first
        try:
            return super().open_fulfillments(location, states, after=after, limit=limit)
        finally:
            self.store.orders = orders


class OpenAnywhere(PlainOrders):
    """Other locations' work is shown too."""

    def open_fulfillments(
        self,
        location: str,
        states: Collection[str],
        *,
        after: OpenFulfillment | None = None,
        limit: int = 100,
    ) -> tuple[OpenFulfillment, ...]:
        """Find in any case."""
        return super().open_fulfillments(location.upper(), states, after=after, limit=limit)


class OpenByText(PlainOrders):
    """f10 comes before f2."""

    def place(self, one: OpenFulfillment) -> tuple[str, int, str]:
        """Sort by text."""
        return one.order_id, 0, one.fulfillment_id


class OpenSkipsTheRest(PlainOrders):
    """A cursor is an order: its other fulfillments are skipped."""

    def open_fulfillments(
        self,
        location: str,
        states: Collection[str],
        *,
        after: OpenFulfillment | None = None,
        limit: int = 100,
    ) -> tuple[OpenFulfillment, ...]:
        """Go on with the next order."""
        behind = None if after is None else after._replace(fulfillment_id="f" * 99)
        return super().open_fulfillments(location, states, after=behind, limit=limit)


class OpenCursorHasToBe(PlainOrders):
    """The cursor's row is looked up, and if it is gone nothing follows."""

    def open_fulfillments(
        self,
        location: str,
        states: Collection[str],
        *,
        after: OpenFulfillment | None = None,
        limit: int = 100,
    ) -> tuple[OpenFulfillment, ...]:
        """Stop where the cursor is no longer."""
        if after is not None:
            with self.store.lock:
                order = self.store.orders.get(after.order_id)
            there = () if order is None else order.fulfillments
            if all(one.id != after.fulfillment_id for one in there):
                return ()
        return super().open_fulfillments(location, states, after=after, limit=limit)


class OpenCursorIsARow(PlainOrders):
    """All columns of a row are compared with the cursor, what may have changed included."""

    def open_fulfillments(
        self,
        location: str,
        states: Collection[str],
        *,
        after: OpenFulfillment | None = None,
        limit: int = 100,
    ) -> tuple[OpenFulfillment, ...]:
        """Compare whole rows."""
        every = super().open_fulfillments(location, states, limit=10_000)
        rows = ((self.place(one), one.state, one) for one in every)
        cursor = None if after is None else (self.place(after), after.state)
        rest = (one for place, state, one in rows if cursor is None or (place, state) > cursor)
        return tuple(islice(rest, limit))


class DueById(PlainOrders):
    """What is due comes by id."""

    def due(
        self, now: datetime, *, after: DueOrder | None = None, limit: int = 100
    ) -> tuple[DueOrder, ...]:
        """Sort by id."""
        every = super().due(now, limit=10_000)
        found = sorted(every, key=lambda one: one.order_id)
        rest = [one for one in found if after is None or one.order_id > after.order_id]
        return tuple(rest[:limit])


class UndatedIsDue(PlainOrders):
    """What has no time is due at once."""

    def write_due(self, order: Order) -> None:
        """Write the beginning of time."""
        super().write_due(order)
        self.store.due.setdefault(order.id, EPOCH)


class DueCursorSkips(PlainOrders):
    """A cursor is a moment: others that are due then are skipped."""

    def due(
        self, now: datetime, *, after: DueOrder | None = None, limit: int = 100
    ) -> tuple[DueOrder, ...]:
        """Go on with the next moment."""
        behind = None if after is None else after._replace(order_id="\U0010ffff")
        return super().due(now, after=behind, limit=limit)


class DueTooLate(PlainOrders):
    """`<` where `<=` was meant."""

    def due(
        self, now: datetime, *, after: DueOrder | None = None, limit: int = 100
    ) -> tuple[DueOrder, ...]:
        """Leave out what is due now."""
        found = super().due(now, after=after, limit=10_000)
        return tuple(one for one in found if one.due_at < now)[:limit]


class DueStaysDue(PlainOrders):
    """What is no longer due stays in the index."""

    def write_due(self, order: Order) -> None:
        """Write, and never delete."""
        if order.due_at is not None:
            super().write_due(order)
