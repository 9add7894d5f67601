"""Tracking: what the customer was told, and what carriers tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orderwright.flows.command import command
from orderwright.flows.deciding import Call, decide
from orderwright.flows.settling import Flows
from orderwright.fulfillment.fulfillment import Scan, ScanStatus
from orderwright.orders import tabs
from orderwright.orders.events import OrderPromised, ParcelScanned
from orderwright.orders.scanning import scanned
from orderwright.values import choice, identifier, moment, text

if TYPE_CHECKING:
    from datetime import datetime

    from orderwright.orders.order import Order
    from orderwright.requests import Flow

__all__ = ["Tracking"]


class Tracking(Flows):
    """Promises and scans. The common arguments are those of :class:`.Processing`."""

    __slots__ = ()

    @command
    def promise(
        self,
        order_id: str,
        promised_at: datetime,
        *,
        reason: str = "",
        at: datetime | None = None,
        key: str = "",
        by: str = "",
        expected_version: int | None = None,
    ) -> Flow[Order]:
        """Note when (aware) the customer was told to have everything; say it anew if it changes.

        Reports measure against what was said first. Raises InvalidInput for a time before what is
        ordered can be made (:func:`orderwright.orders.tabs.earliest` tells it), IllegalTransition
        if the order is over.
        """
        at = self.setting.moment(at)
        when = moment(promised_at, "promised_at")
        said = {"promised_at": when, "reason": text(reason, "reason")}
        call = Call(OrderPromised, said, at, key, by, expected_version)
        return (
            yield from decide(
                self.setting,
                order_id,
                call,
                lambda order: tabs.promise(order, when, at=at, reason=reason),
            )
        )

    @command
    def scan(
        self,
        order_id: str,
        fulfillment_id: str,
        status: ScanStatus,
        *,
        place: str = "",
        expected_at: datetime | None = None,
        carrier: str = "",
        tracking: str = "",
        at: datetime | None = None,
        occurred_at: datetime | None = None,
        key: str = "",
        by: str = "",
    ) -> Flow[Order]:
        """Report what a carrier or courier said of a parcel: scans come in any order, and twice.

        A report, never refused: what it says happened (handed over, delivered, lost …) is recorded
        like :meth:`.OrderDesk.ship`, what was known already changes nothing, and one that happened
        (``occurred_at``) before the last one known takes nothing back. ``expected_at`` is when the
        carrier means to deliver. A parcel is found by its number with ``find("tracking", ...)``.
        Raises NotFound for an unknown order or fulfillment, InvalidInput for another status.
        """
        at = self.setting.moment(at)
        identifier(fulfillment_id, "fulfillment_id")
        choice(status, ScanStatus, "status")
        when = at if occurred_at is None else moment(occurred_at, "occurred_at")
        due = None if expected_at is None else moment(expected_at, "expected_at")
        found = Scan(status, when, text(place, "place"), due)
        text(carrier, "carrier")
        text(tracking, "tracking")
        said = {
            "fulfillment_id": fulfillment_id,
            "status": status,
            "place": place,
            "expected_at": due,
        }
        call = Call(ParcelScanned, said, at, key, by, occurred_at=when, reapply=True)
        return (
            yield from decide(
                self.setting,
                order_id,
                call,
                lambda order: scanned(
                    order, fulfillment_id, found, carrier=carrier, tracking=tracking, at=at
                ),
            )
        )
