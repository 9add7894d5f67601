"""Shipping: what carriers ask, labels bought of them and given back, and where parcels are."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from attrs import evolve

from orderwright.errors import BrokenPromise, Conflict, IllegalTransition, InvalidInput
from orderwright.flows.command import command
from orderwright.flows.deciding import Call, decide
from orderwright.flows.loading import load
from orderwright.flows.settling import MAX_TRIES, Flows, carry_on, follow, save
from orderwright.fulfillment.fulfillment import Scan, ScanStatus
from orderwright.fulfillment.shipping import Parcel
from orderwright.orders.events import LabelRequested, ParcelScanned
from orderwright.orders.labelling import book_label, cancel_label, nobody, shipment_of
from orderwright.orders.scanning import scanned
from orderwright.requests import LoadContact, LoadEvents, QuoteRates, TrackParcel, ask
from orderwright.values import each, identifier, in_utc, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from orderwright.fulfillment.shipping import Rate
    from orderwright.orders.events import Event
    from orderwright.orders.order import Order
    from orderwright.requests import Flow

__all__ = ["Shipping"]


class Shipping(Flows):
    """What needs a carrier. The common arguments are those of :class:`.Processing`.

    A desk without a carrier refuses all of it with InvalidInput.
    """

    __slots__ = ()

    @command
    def rates(
        self,
        order_id: str,
        fulfillment_id: str,
        *,
        parcels: Sequence[Parcel],
        at: datetime | None = None,
    ) -> Flow[tuple[Rate, ...]]:
        """Return what it would cost to send a fulfillment in ``parcels``, handed over at ``at``.

        Nothing is saved. Raises NotFound for an unknown order or fulfillment, IllegalTransition
        where the order has no contact (any more) to send it to.
        """
        self._require_carrier()
        at = self.setting.moment(at)
        packed = _parcels(parcels)
        order = yield from load(order_id)
        shipment = shipment_of(order, identifier(fulfillment_id, "fulfillment_id"), packed)
        recipient = yield from ask(LoadContact(shipment.contact_id))
        if recipient is None:
            raise nobody(order, "rates")
        return (yield from ask(QuoteRates(shipment, recipient, at)))

    @command
    def book_label(
        self,
        order_id: str,
        fulfillment_id: str,
        *,
        service: str,
        parcels: Sequence[Parcel],
        reason: str = "",
        at: datetime | None = None,
        key: str = "",
        by: str = "",
        expected_version: int | None = None,
    ) -> Flow[Order]:
        """Buy a label for a fulfillment in ``parcels``, by ``service`` (of :meth:`rates`).

        From then on the fulfillment has the carrier and number of the label (``order.label`` tells
        all of it), and ``ship`` needs neither. Where the carrier refuses, ``order.labels`` says
        why. A label that nothing will leave under any more (its fulfillment is cancelled, refused,
        split, merged or moved, or goes to another address) is given back by itself. Raises
        IllegalTransition if it has a label, or one is being bought, if it has left, is given up or
        nobody carries its kind, if the order is not confirmed or has no contact; OnHold if a hold
        stops fulfilling.
        """
        self._require_carrier()
        at = self.setting.moment(at)
        packed = _parcels(parcels)
        said = {
            "action": "book",
            "fulfillment_id": identifier(fulfillment_id, "fulfillment_id"),
            "service": identifier(service, "service"),
            "parcels": packed,
            "reason": text(reason, "reason"),
        }
        call = Call(LabelRequested, said, at, key, by, expected_version)
        return (
            yield from decide(
                self.setting,
                order_id,
                call,
                lambda order: book_label(
                    order, fulfillment_id, service, packed, at=at, reason=reason
                ),
            )
        )

    @command
    def cancel_label(
        self,
        order_id: str,
        fulfillment_id: str,
        *,
        reason: str = "",
        at: datetime | None = None,
        key: str = "",
        by: str = "",
        expected_version: int | None = None,
    ) -> Flow[Order]:
        """Give the label of a fulfillment back to the carrier.

        Where the carrier does not take it, the exception ``label_kept`` says why. Raises
        IllegalTransition if there is none, it is being bought, or the parcel has left under it.
        """
        self._require_carrier()
        at = self.setting.moment(at)
        said = {
            "action": "cancel",
            "fulfillment_id": identifier(fulfillment_id, "fulfillment_id"),
            "reason": text(reason, "reason"),
        }
        call = Call(LabelRequested, said, at, key, by, expected_version)
        return (
            yield from decide(
                self.setting,
                order_id,
                call,
                lambda order: cancel_label(order, fulfillment_id, at=at, reason=reason),
            )
        )

    @command
    def track(
        self, order_id: str, fulfillment_id: str, *, at: datetime | None = None, by: str = ""
    ) -> Flow[Order]:
        """Ask the carrier where a parcel is, and record what is news like ``scan``.

        Ask as often as you like: what is known already changes nothing. Raises IllegalTransition
        for a fulfillment without a tracking number, AdapterFault if the carrier cannot tell.
        """
        self._require_carrier()
        at = self.setting.moment(at)
        text(by, "by")
        order = yield from load(order_id)
        one = order.fulfillment(identifier(fulfillment_id, "fulfillment_id"))
        if not one.tracking:
            subject, allowed = f"fulfillment {one.id}", order.lifecycle(one).allowed(one.state)
            raise IllegalTransition(subject, "without a number", "track", allowed, order.id)
        told = _usable(one.tracking, (yield from ask(TrackParcel(one.carrier, one.tracking))))
        lost: Conflict | None = None
        for _ in range(MAX_TRIES):
            order = yield from load(order_id)
            history = yield from ask(LoadEvents(order_id))
            decided = _news(order, one.id, told, history, at)
            if not decided:
                return order
            stamped = (evolve(decided[0], by=by), *decided[1:])
            after, events = follow(order, stamped, at)
            try:
                after, mine = yield from save(
                    self.setting, after, events, version=order.version, at=at
                )
            except Conflict as conflict:
                lost = conflict
            else:
                return (yield from carry_on(self.setting, after, at, mine=mine))
            if not self.setting.durable:
                break
        assert lost is not None
        raise lost

    def _require_carrier(self) -> None:
        if self.setting.label_retention is None:
            raise InvalidInput.at("carrier", "build the desk with a carrier")


def _parcels(values: object) -> tuple[Parcel, ...]:
    found = each(values, Parcel, "parcels")
    if not found:
        raise InvalidInput.at("parcels", "expected at least one")
    return found


def _usable(tracking: str, scans: Iterable[object]) -> tuple[Scan, ...]:
    """Return what a carrier told if it is what its port allows, in UTC; raise BrokenPromise."""
    found: list[Scan] = []
    for one in scans:
        if not isinstance(one, Scan) or one.status not in get_args(ScanStatus):
            raise BrokenPromise("carrier", f"{tracking} was answered with {one!r:.60}")
        try:
            due = None if one.expected_at is None else in_utc(one.expected_at, "expected_at")
            found.append(Scan(one.status, in_utc(one.at, "at"), text(one.place, "place"), due))
        except InvalidInput as error:
            raise BrokenPromise("carrier", f"{tracking}: {error}") from error
    return tuple(found)


def _news(
    order: Order,
    fulfillment_id: str,
    told: Iterable[Scan],
    history: Iterable[Event],
    at: datetime,
) -> list[Event]:
    """Return what follows from the scans that the history does not have yet."""
    known = {
        (one.status, one.occurred_at or one.at, one.place, one.expected_at)
        for one in history
        if isinstance(one, ParcelScanned) and one.fulfillment_id == fulfillment_id
    }
    found: list[Event] = []
    for scan in told:
        if scan not in known:
            events = scanned(order, fulfillment_id, scan, carrier="", tracking="", at=at)
            order = order.after(events)
            found += events
    return found
