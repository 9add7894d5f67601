"""What carriers and couriers tell of a parcel, in whatever order it reaches us."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from orderwright.orders.commands import advance_fulfillment, open_exception
from orderwright.orders.events import FulfillmentAdvanced, ParcelScanned

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from orderwright.fulfillment.fulfillment import Fulfillment, Scan, ScanStatus
    from orderwright.orders.events import Event
    from orderwright.orders.order import Order

__all__ = ["scanned"]

_STEPS: Mapping[ScanStatus, tuple[str, ...]] = {
    "handed_over": ("ship", "dispatch"),
    "in_transit": ("ship", "dispatch"),
    "out_for_delivery": ("dispatch", "ship"),
    "delivered": ("deliver", "collect", "serve"),
    "not_delivered": ("miss",),
    "returned": ("return_to_sender",),
    "lost": ("lose",),
}
"""The steps that a scan may say happened, by whatever name the lifecycle has them."""
_LEFT = ("handed_over", "in_transit")
_STATUSES: tuple[ScanStatus, ...] = (
    "handed_over",
    "in_transit",
    "out_for_delivery",
    "not_delivered",
    "lost",
    "returned",
    "delivered",
)
"""The statuses as they come in a parcel's life, to tell scans of one minute apart."""


def scanned(
    order: Order, fulfillment_id: str, scan: Scan, *, carrier: str, tracking: str, at: datetime
) -> tuple[Event, ...]:
    """Record a scan, and the step that it says happened, if that is news.

    Never refused. A scan that is older than the last one known changes no state, but for the one
    that the parcel has left at all, and that it arrived; one that repeats the last changes
    nothing. Of two with the same time that is the later which comes later in a parcel's life.
    """
    one = order.fulfillment(fulfillment_id)
    last = one.scan
    told = (tracking or one.tracking, carrier or one.carrier) != (one.tracking, one.carrier)
    if scan == last and not told:
        return ()
    latest = last is None or _rank(scan) >= _rank(last)
    report = ParcelScanned(
        fulfillment_id=one.id,
        status=scan.status,
        place=scan.place,
        expected_at=scan.expected_at,
        latest=latest,
        occurred_at=scan.at,
        at=at,
    )
    action = _step(order, one, scan.status, latest=latest)
    if action:
        moved = advance_fulfillment(
            order, one.id, action, at=at, carrier=carrier, tracking=tracking
        )
        return (report, *(_occurred(event, scan.at) for event in moved))
    if one.gone and told:
        return (report, *_numbered(order, one, scan, carrier, tracking, at))
    return (report,)


def _rank(scan: Scan) -> tuple[datetime, int]:
    return scan.at, _STATUSES.index(scan.status)


def _step(order: Order, one: Fulfillment, status: ScanStatus, *, latest: bool) -> str:
    """Return the step of the fulfillment that a scan means, empty if it means none."""
    lifecycle = order.lifecycle(one)
    known = [action for action in _STEPS[status] if lifecycle.is_report(action)]
    if not known or not one.gone:
        return known[0] if known else ""
    # What is in transit after it left may as well be on its way back.
    if status != "in_transit" and (latest or status == "delivered"):
        for action in known:
            if lifecycle.after(one.state, action) is not None:
                return action
    return ""


def _numbered(  # noqa: PLR0917 - the arguments of the scan itself
    order: Order, one: Fulfillment, scan: Scan, carrier: str, tracking: str, at: datetime
) -> tuple[Event, ...]:
    """Note the carrier and number that a scan brings late, or that a hand-over contradicts them.

    The state stays: what is told late may be old.
    """
    fits = (one.tracking or tracking, one.carrier or carrier) == (
        tracking or one.tracking,
        carrier or one.carrier,
    )
    lifecycle = order.lifecycle(one)
    left = [action for action in _STEPS["handed_over"] if lifecycle.is_report(action)]
    if not left:
        return ()  # nobody carries it: it was collected, or sent by mail
    if fits:
        late = FulfillmentAdvanced(
            fulfillment_id=one.id,
            action=left[0],
            carrier=carrier,
            tracking=tracking,
            state=one.state,
            ended=one.ended,
            occurred_at=scan.at,
            at=at,
        )
        return (late,)
    if scan.status not in _LEFT:
        return ()  # a courier of the last mile has numbers of its own
    detail = f"fulfillment {one.id} left again: {carrier} {tracking}".rstrip()
    return open_exception(order, "handed_over_twice", detail, at=at)


def _occurred(event: Event, when: datetime) -> Event:
    return evolve(event, occurred_at=when) if isinstance(event, FulfillmentAdvanced) else event
