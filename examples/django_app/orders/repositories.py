"""Orders in the host's database: one method for each question the desk asks."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.db.models.functions import Length

from orders.databases import CODEC, give_positions, in_transaction, read, told
from orders.models import (
    StoredContact,
    StoredEvent,
    StoredFulfillment,
    StoredOrder,
    StoredReference,
)
from orderwright import Contact, Order, Reference
from orderwright.codec import Codec
from orderwright.errors import BrokenPromise, Conflict
from orderwright.orders.events import Event
from orderwright.ports import DueOrder, FeedEntry, OpenFulfillment, OrderQuery

NOBODY: Mapping[str, Contact | None] = {}
ADAPTER = "orders in Django"


class DjangoOrders:
    """An order repository, made where it is used: it knows whether a transaction is open there.

    Inside one of the host's (``ATOMIC_REQUESTS``, ``atomic()``) a save may still be rolled back, so
    a desk on it makes no outside calls: see `shop.desk.after_commit`. With lifecycles of your
    own, pass a codec that knows them.
    """

    def __init__(self, using: str = "default", codec: Codec = CODEC) -> None:
        self.using = using
        self.durable_on_save = not in_transaction(using)
        self._codec = codec

    def _all(self, model: type[Model]) -> QuerySet:
        return model.objects.using(self.using)

    @contextmanager
    def _writing(self, record: str) -> Iterator[None]:
        """One transaction, or a part of the host's, if there was one from the beginning."""
        with told(ADAPTER, record, self.using, writes=True):
            if self.durable_on_save and in_transaction(self.using):
                raise BrokenPromise(ADAPTER, "made outside of the transaction that is open now")
            with transaction.atomic(using=self.using):
                yield

    def load(self, order_id: str) -> Order | None:
        """See :meth:`.OrderRepository.load`."""
        record = f"order {order_id}"
        with told(ADAPTER, record, self.using):
            mine = self._all(StoredOrder).filter(id=order_id)
            found = mine.values_list("document", flat=True).first()
        if found is None:
            return None
        return read(ADAPTER, record, found, self._codec.decode_order)

    def save(
        self,
        order: Order,
        events: Sequence[Event],
        *,
        expected_version: int,
        contacts: Mapping[str, Contact | None] = NOBODY,
    ) -> None:
        """See :meth:`.OrderRepository.save`."""
        written = tuple(events)
        with self._writing(f"order {order.id}"):
            self._save_order(order, expected_version)
            self._all(StoredEvent).bulk_create(
                StoredEvent(
                    order_id=order.id,
                    number=number,
                    key=event.key,
                    document=self._codec.encode_event(event),
                )
                for number, event in enumerate(written, expected_version + 1)
            )
            self._save_names(order)
            for contact_id, contact in contacts.items():
                mine = self._all(StoredContact).filter(id=contact_id)
                mine.delete()
                if contact is not None:
                    mine.create(id=contact_id, document=self._codec.encode(contact))

    def _save_order(self, order: Order, expected_version: int) -> None:
        facts = {
            "version": order.version,
            "state": order.state.name,
            "customer_id": order.customer_id,
            "channel": order.channel,
            "placed_at": order.placed_at,
            "due_at": order.due_at,
            "document": self._codec.encode_order(order),
        }
        mine = self._all(StoredOrder).filter(id=order.id)
        if expected_version:
            # One statement decides: of two that saw the same version only one finds it there.
            done = mine.filter(version=expected_version).update(**facts)
        else:
            _, done = mine.get_or_create(id=order.id, defaults=facts)
        if not done:
            found = mine.values_list("version", flat=True).first()
            raise Conflict(order.id, expected_version, found or 0)

    def _save_names(self, order: Order) -> None:
        """Keep by what and where the order is found."""
        self._all(StoredReference).bulk_create(
            (
                StoredReference(kind=one.kind, value=one.value, order_id=order.id)
                for one in dict.fromkeys(order.all_references)
            ),
            ignore_conflicts=True,
        )
        self._all(StoredFulfillment).filter(order_id=order.id).delete()
        self._all(StoredFulfillment).bulk_create(
            StoredFulfillment(
                order_id=order.id, name=one.id, location=one.location, state=one.state.name
            )
            for one in order.fulfillments
        )

    def contact(self, contact_id: str) -> Contact | None:
        """See :meth:`.OrderRepository.contact`."""
        record = f"contact {contact_id}"
        with told(ADAPTER, record, self.using):
            mine = self._all(StoredContact).filter(id=contact_id)
            found = mine.values_list("document", flat=True).first()
        if found is None:
            return None
        return read(ADAPTER, record, found, lambda one: self._codec.decode(one, Contact))

    def events(self, order_id: str, *, after: int = 0) -> tuple[Event, ...]:
        """See :meth:`.OrderRepository.events`."""
        return self._events(order_id, Q(number__gt=after))

    def load_with_key(self, order_id: str, key: str) -> tuple[Order | None, tuple[Event, ...]]:
        """See :meth:`.OrderRepository.load_with_key`."""
        order = self.load(order_id)
        if order is None or not key:
            return order, ()
        # What others saved since the order was read is not of the same moment.
        return order, self._events(order_id, Q(key=key, number__lte=order.version))

    def _events(self, order_id: str, wanted: Q) -> tuple[Event, ...]:
        with told(ADAPTER, f"events of order {order_id}", self.using):
            found = self._all(StoredEvent).filter(wanted, order_id=order_id).order_by("number")
            return tuple(map(self._event, found))

    def _event(self, row: StoredEvent) -> Event:
        record = f"event {row.number} of order {row.order_id}"
        return read(ADAPTER, record, row.document, self._codec.decode_event)

    def feed(self, *, after: int = 0, limit: int = 100) -> tuple[FeedEntry, ...]:
        """See :meth:`.OrderRepository.feed`."""
        rows = self._all(StoredEvent)
        page = rows.filter(position__gt=after).order_by("position")[:limit]
        with told(ADAPTER, "the feed", self.using):
            found = list(page.all())
            while len(found) < limit and give_positions(rows, "feed", "order_id", "number"):
                found = list(page.all())
            return tuple(
                FeedEntry(one.position, one.order_id, one.number, self._event(one)) for one in found
            )

    def find(self, query: OrderQuery, *, after: str = "", limit: int = 100) -> tuple[str, ...]:
        """See :meth:`.OrderRepository.find`."""
        given = {
            "state__in": query.states,
            "customer_id": query.customer_id,
            "channel": query.channel,
            "placed_at__gte": query.placed_from,
            "placed_at__lt": query.placed_until,
        }
        wanted = {name: value for name, value in given.items() if value}
        with told(ADAPTER, "orders", self.using):
            found = self._all(StoredOrder).filter(id__gt=after, **wanted).order_by("id")
            return tuple(found.values_list("id", flat=True)[:limit])

    def by_reference(self, reference: Reference) -> tuple[str, ...]:
        """See :meth:`.OrderRepository.by_reference`."""
        with told(ADAPTER, f"reference {reference}", self.using):
            rows = self._all(StoredReference).filter(kind=reference.kind, value=reference.value)
            return tuple(rows.order_by("order_id").values_list("order_id", flat=True))

    def open_fulfillments(
        self,
        location: str,
        states: Collection[str],
        *,
        after: OpenFulfillment | None = None,
        limit: int = 100,
    ) -> tuple[OpenFulfillment, ...]:
        """See :meth:`.OrderRepository.open_fulfillments`."""
        rows = self._all(StoredFulfillment).filter(location=location, state__in=states)
        rows = rows.annotate(length=Length("name"))  # f2 comes before f12
        if after is not None:
            name = after.fulfillment_id
            rest = Q(length__gt=len(name)) | Q(length=len(name), name__gt=name)
            rows = rows.filter(Q(order_id__gt=after.order_id) | Q(rest, order_id=after.order_id))
        with told(ADAPTER, f"fulfillments at {location}", self.using):
            found = rows.order_by("order_id", "length", "name")[:limit]
            columns = ("order_id", "name", "location", "state")
            return tuple(OpenFulfillment(*one) for one in found.values_list(*columns))

    def due(
        self, now: datetime, *, after: DueOrder | None = None, limit: int = 100
    ) -> tuple[DueOrder, ...]:
        """See :meth:`.OrderRepository.due`."""
        rows = self._all(StoredOrder).filter(due_at__lte=now)
        if after is not None:
            same = Q(due_at=after.due_at, id__gt=after.order_id)
            rows = rows.filter(Q(due_at__gt=after.due_at) | same)
        with told(ADAPTER, "due orders", self.using):
            found = rows.order_by("due_at", "id").values_list("due_at", "id")[:limit]
            return tuple(DueOrder(*one) for one in found)
