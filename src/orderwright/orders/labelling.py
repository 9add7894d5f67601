"""Labels: buying one for a fulfillment, and giving back what nothing will leave under.

Whether a label is still wanted is told by the facts alone, whatever changed them: a cancellation,
a location that refuses, a split, a merge, a move, another address. Once the parcel has left,
nothing is given back by itself: what does not fit then opens an exception.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from orderwright.errors import IllegalTransition, OnHold
from orderwright.fulfillment.shipping import Label, LabelRequest, Shipment
from orderwright.lifecycles import Phase
from orderwright.orders.commands import open_exception
from orderwright.orders.events import Intended, LabelReported, LabelRequested
from orderwright.orders.intents import Intent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from orderwright.fulfillment.fulfillment import Fulfillment
    from orderwright.fulfillment.shipping import LabelOutcome, Parcel
    from orderwright.orders.events import Event
    from orderwright.orders.order import Order

__all__ = [
    "book_label",
    "cancel_label",
    "nobody",
    "report_label",
    "settle_labels",
    "shipment_of",
]

_LEAVES = ("ship", "dispatch")
"""The steps by which a carrier or courier takes something."""


def shipment_of(order: Order, fulfillment_id: str, parcels: tuple[Parcel, ...]) -> Shipment:
    """Return what is to be carried, to whomever the order is for; raise NotFound."""
    one = order.fulfillment(fulfillment_id)
    return Shipment(order.id, one.id, one.location, order.contact_id, _units(one), parcels)


def _units(one: Fulfillment) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(one.units.items()))


def nobody(order: Order, action: str) -> IllegalTransition:
    """Return the refusal of what needs to know where an order goes."""
    return IllegalTransition("order", "without a contact", action, ("edit",), order.id)


def book_label(
    order: Order,
    fulfillment_id: str,
    service: str,
    parcels: tuple[Parcel, ...],
    *,
    at: datetime,
    reason: str,
) -> tuple[Event, ...]:
    """Buy a label for what is reserved or at work on.

    Raises IllegalTransition unless the order is confirmed and has a contact to send it to, and the
    fulfillment waits to be shipped without a label; OnHold if a hold stops fulfilling.
    """
    one = order.fulfillment(fulfillment_id)
    lifecycle = order.lifecycle(one)
    state = _in_the_way(order, one)
    if state:
        subject, allowed = f"fulfillment {one.id}", lifecycle.allowed(one.state)
        raise IllegalTransition(subject, state, "book_label", allowed, order.id)
    if order.state.phase is not Phase.WORKING:
        raise IllegalTransition("order", order.state.name, "book_label", order.allowed(), order.id)
    hold = order.blocked("fulfil", one.id)
    if hold is not None:
        raise OnHold(hold.name, "fulfil", order.id, order.allowed())
    if not order.contact_id:
        raise nobody(order, "book_label")
    request = LabelRequest(
        id=f"{order.id}/{one.id}/label-{order.version + 1}",
        kind="book",
        shipment=shipment_of(order, one.id, parcels),
        service=service,
    )
    requested = LabelRequested(
        action="book",
        fulfillment_id=one.id,
        service=service,
        parcels=parcels,
        label_id=request.id,
        reason=reason,
        at=at,
    )
    return (requested, _intended(order, request, at))


def _in_the_way(order: Order, one: Fulfillment) -> str:
    """Return why no label can be bought for a fulfillment now, empty if it can."""
    lifecycle = order.lifecycle(one)
    if not any(lifecycle.is_report(action) for action in _LEAVES):
        return f"a {one.kind}"
    if one.state.phase not in (Phase.WAITING, Phase.WORKING):
        return one.state.name
    label = order.label(one.id)
    if label is not None:
        return f"labelled {label.tracking}".rstrip()
    return "being labelled" if _under_way(order, one.id, "book") else ""


def _under_way(order: Order, fulfillment_id: str, kind: Literal["book", "cancel"]) -> bool:
    """Whether a carrier is being asked for something; what is parked waits for a person."""
    return any(
        isinstance(one.request, LabelRequest)
        and one.request.kind == kind
        and one.request.shipment.fulfillment_id == fulfillment_id
        and not one.parked
        for one in order.intents
    )


def _intended(order: Order, request: LabelRequest, at: datetime) -> Intended:
    return Intended(
        intent=Intent(
            id=request.id,
            purpose="book_label" if request.kind == "book" else "cancel_label",
            request=request,
            since=at,
            due_at=at + order.policy.patience,
        ),
        at=at,
    )


def cancel_label(
    order: Order, fulfillment_id: str, *, at: datetime, reason: str
) -> tuple[Event, ...]:
    """Give back the label of a fulfillment; one that the carrier kept is asked for again.

    Nothing, if that is under way. Raises IllegalTransition if there is none (or none yet), or the
    parcel has left under it.
    """
    if _under_way(order, fulfillment_id, "cancel"):
        return ()
    label = order.label(fulfillment_id) or _kept(order, fulfillment_id)
    subject = f"fulfillment {fulfillment_id}"
    if label is None:
        order.fulfillment(fulfillment_id)
        state = "being labelled" if _under_way(order, fulfillment_id, "book") else "not labelled"
        raise IllegalTransition(subject, state, "cancel_label", (), order.id)
    one = _part(order, label)
    if one is not None and one.gone and one.tracking == label.tracking:
        allowed = order.lifecycle(one).allowed(one.state)
        raise IllegalTransition(subject, one.state.name, "cancel_label", allowed, order.id)
    return tuple(_given_back(order, label, reason, at))


def _kept(order: Order, fulfillment_id: str) -> Label | None:
    found = (
        one for one in order.labels if one.kept and one.shipment.fulfillment_id == fulfillment_id
    )
    return next(found, None)


def _part(order: Order, label: Label) -> Fulfillment | None:
    """Return the fulfillment a label is for, unless it is none any more."""
    name = label.shipment.fulfillment_id
    return next((one for one in order.fulfillments if one.id == name), None)


def _given_back(order: Order, label: Label, reason: str, at: datetime) -> Iterator[Event]:
    one = _part(order, label)
    shipment = label.shipment
    request = LabelRequest(
        id=f"{order.id}/{shipment.fulfillment_id}/cancel-{order.version + 1}",
        kind="cancel",
        shipment=shipment,
        service=label.service,
        booking=label.id,
        tracking=label.tracking,
        reference=label.reference,
    )
    yield LabelRequested(
        action="cancel",
        fulfillment_id=shipment.fulfillment_id,
        label_id=label.id,
        unnumbered=one is not None and one.tracking == label.tracking,
        reason=reason,
        at=at,
    )
    yield _intended(order, request, at)


def settle_labels(order: Order, at: datetime) -> Iterator[Event]:
    """What nothing will leave under is given back, once."""
    if not order.labels:
        return
    back = {one.request.booking for one in order.intents if isinstance(one.request, LabelRequest)}
    for label in order.labels:
        if label.valid and label.id not in back:
            reason = _unwanted(order, label)
            if reason:
                yield from _given_back(order, label, reason, at)


def _unwanted(order: Order, label: Label) -> str:
    """Return why nothing will leave under a label; empty if something will, or may have."""
    one, shipment = _part(order, label), label.shipment
    if one is None or not one.live:
        return "nothing to ship any more"
    if one.gone:
        return ""
    if _units(one) != shipment.units:
        return "other units than it was bought for"
    if order.contact_id != shipment.contact_id:
        return "another address than it was bought for"
    return "" if order.label(one.id) == label else "bought twice"


# What a carrier answers ----------------------------------------------------------------------


def report_label(
    order: Order, intent_id: str, outcome: LabelOutcome, *, at: datetime
) -> tuple[Event, ...]:
    """Record what became of a label that was to be bought, or given back.

    A label that is bought when its parcel has left under no number, or another, opens the exception
    ``label_unused``; one that the carrier does not take back ``label_kept``; one that it took back
    although the parcel left under it ``label_void``. Raises NotFound for an unknown intent.
    """
    intent = order.intent(intent_id)
    request = intent.request
    assert isinstance(request, LabelRequest)
    if outcome.outcome in ("pending", "unknown"):
        under_way = outcome.outcome == "pending"
        if (intent.under_way, intent.reason) == (under_way, outcome.reason):
            return ()
        return (_reported(request, outcome, at, due_at=at + order.policy.patience),)
    if request.kind == "book":
        return _answered(order, request, outcome, at)
    return _returned(order, request, outcome, at)


def _reported(
    request: LabelRequest,
    outcome: LabelOutcome,
    at: datetime,
    *,
    label: Label | None = None,
    numbered: bool = False,
    due_at: datetime | None = None,
) -> LabelReported:
    return LabelReported(
        action=request.kind,
        intent_id=request.id,
        label_id=request.booking or request.id,
        fulfillment_id=request.shipment.fulfillment_id,
        outcome=outcome.outcome,
        label=label,
        numbered=numbered,
        due_at=due_at,
        reason=outcome.reason,
        at=at,
    )


def _answered(
    order: Order, request: LabelRequest, outcome: LabelOutcome, at: datetime
) -> tuple[Event, ...]:
    sold = outcome.outcome == "succeeded"
    label = Label(
        request.id,
        request.shipment,
        request.service,
        outcome.carrier,
        outcome.tracking,
        outcome.reference,
        outcome.document,
        outcome.cost,
        "" if sold else outcome.reason or _UNTOLD,
    )
    one = _part(order, label)
    numbered = sold and one is not None and not one.gone and order.label(one.id) is None
    reported = _reported(request, outcome, at, label=label, numbered=numbered)
    if sold and one is not None and one.gone and one.tracking != label.tracking:
        detail = f"fulfillment {one.id}: {label}"
        return (reported, *open_exception(order, "label_unused", detail, at=at))
    return (reported,)


_UNTOLD = "no reason was told"


def _returned(
    order: Order, request: LabelRequest, outcome: LabelOutcome, at: datetime
) -> tuple[Event, ...]:
    label = next(one for one in order.labels if one.id == request.booking)
    one, detail = _part(order, label), f"fulfillment {label.shipment.fulfillment_id}: {label}"
    if outcome.outcome == "succeeded":
        reported = _reported(request, outcome, at)
        if one is not None and one.gone and one.tracking == label.tracking:
            return (reported, *open_exception(order, "label_void", detail, at=at))
        return (reported,)
    reason = outcome.reason or _UNTOLD
    reported = _reported(request, outcome, at, label=label._replace(kept=reason))
    return (reported, *open_exception(order, "label_kept", f"{detail} ({reason})", at=at))
