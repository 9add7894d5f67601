"""Fulfilment: from the warehouse's first step to the customer's door."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orderwright.flows.command import command
from orderwright.flows.deciding import Call, decide
from orderwright.flows.settling import Flows
from orderwright.orders import commands
from orderwright.orders.cancelling import refuse_stop, request_stop, stop
from orderwright.orders.events import (
    FulfillmentAdvanced,
    OrderCancelled,
    StopRefused,
    StopRequested,
)
from orderwright.values import counts, identifier, text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from orderwright.money import Money
    from orderwright.orders.order import Order
    from orderwright.requests import Flow

__all__ = ["Fulfilling"]


class Fulfilling(Flows):
    """Moving fulfillments along. The common arguments are those of :class:`.Processing`."""

    __slots__ = ()

    @command
    def advance(
        self,
        order_id: str,
        fulfillment_id: str,
        action: str,
        *,
        at: datetime | None = None,
        key: str = "",
        by: str = "",
        expected_version: int | None = None,
    ) -> Flow[Order]:
        """Take the step ``action`` of the fulfillment's lifecycle: release, pick, pack, your own.

        Raises IllegalTransition if the table has no such step or the order is not confirmed,
        OnHold if a hold stops fulfilling.
        """
        return (
            yield from self._step(
                order_id,
                fulfillment_id,
                action,
                at=at,
                key=key,
                by=by,
                expected_version=expected_version,
                reapply=False,
            )
        )

    @command
    def request_stop(
        self,
        order_id: str,
        fulfillment_id: str,
        *,
        units: Mapping[str, int] | None = None,
        reason: str = "",
        at: datetime | None = None,
        key: str = "",
        by: str = "",
        expected_version: int | None = None,
    ) -> Flow[Order]:
        """Ask the people at work on a fulfillment to give up ``units`` by line id, or all of it.

        What is being picked cannot simply be cancelled: they answer with :meth:`stop`,
        :meth:`refuse_stop`, or by shipping it. Raises IllegalTransition if it is not at work,
        QuantityRefused for more units than it has.
        """
        at = self.setting.moment(at)
        identifier(fulfillment_id, "fulfillment_id")
        asked = () if units is None else counts(units, "units")
        said: dict[str, object] = {"fulfillment_id": fulfillment_id}
        said["reason"] = text(reason, "reason")
        if asked:
            said["units"] = asked
        call = Call(StopRequested, said, at, key, by, expected_version)
        return (
            yield from decide(
                self.setting,
                order_id,
                call,
                lambda order: request_stop(order, fulfillment_id, asked, at=at, reason=reason),
            )
        )

    @command
    def stop(
        self,
        order_id: str,
        fulfillment_id: str,
        *,
        reason: str = "",
        expected_due: Money | None = None,
        at: datetime | None = None,
        key: str = "",
        by: str = "",
        expected_version: int | None = None,
    ) -> Flow[Order]:
        """Stop work as was asked, or because the order was cancelled elsewhere.

        The units are cancelled, and stock and money follow as for any that are. Raises
        IllegalTransition if nobody asked.
        """
        at = self.setting.moment(at)
        said = {
            "action": "stop",
            "stopped": identifier(fulfillment_id, "fulfillment_id"),
            "reason": text(reason, "reason"),
        }
        call = Call(OrderCancelled, said, at, key, by, expected_version, expected_due=expected_due)
        return (
            yield from decide(
                self.setting,
                order_id,
                call,
                lambda order: (stop(order, fulfillment_id, at=at, reason=reason),),
            )
        )

    @command
    def refuse_stop(
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
        """Answer that it is too late to stop; raises IllegalTransition if nobody asked."""
        at = self.setting.moment(at)
        said = {
            "fulfillment_id": identifier(fulfillment_id, "fulfillment_id"),
            "reason": text(reason, "reason"),
        }
        call = Call(StopRefused, said, at, key, by, expected_version)
        return (
            yield from decide(
                self.setting,
                order_id,
                call,
                lambda order: (refuse_stop(order, fulfillment_id, at=at, reason=reason),),
            )
        )

    @command
    def ship(
        self,
        order_id: str,
        fulfillment_id: str,
        *,
        carrier: str = "",
        tracking: str = "",
        at: datetime | None = None,
        occurred_at: datetime | None = None,
        key: str = "",
        by: str = "",
    ) -> Flow[Order]:
        """Report that a shipment was handed over to ``carrier`` under ``tracking``.

        A report: recorded in any state of the order, with an exception where it contradicts it;
        the same again is a no-op. The units leave the ledger, and by policy money is taken for
        them.
        """
        return (
            yield from self._step(
                order_id,
                fulfillment_id,
                "ship",
                carrier=text(carrier, "carrier"),
                tracking=text(tracking, "tracking"),
                at=at,
                occurred_at=occurred_at,
                key=key,
                by=by,
            )
        )

    @command
    def deliver(
        self,
        order_id: str,
        fulfillment_id: str,
        *,
        at: datetime | None = None,
        occurred_at: datetime | None = None,
        key: str = "",
        by: str = "",
    ) -> Flow[Order]:
        """Report that a shipment has arrived; recorded like :meth:`ship`.

        With everything delivered, nothing unfinished and the money even, the order is complete.
        """
        return (
            yield from self._step(
                order_id,
                fulfillment_id,
                "deliver",
                at=at,
                occurred_at=occurred_at,
                key=key,
                by=by,
            )
        )

    def _step(
        self,
        order_id: str,
        fulfillment_id: str,
        action: str,
        *,
        at: datetime | None,
        key: str,
        by: str,
        carrier: str = "",
        tracking: str = "",
        occurred_at: datetime | None = None,
        expected_version: int | None = None,
        reapply: bool = True,
    ) -> Flow[Order]:
        at = self.setting.moment(at)
        said = {
            "fulfillment_id": identifier(fulfillment_id, "fulfillment_id"),
            "action": identifier(action, "action"),
            "carrier": carrier,
            "tracking": tracking,
        }
        call = Call(
            FulfillmentAdvanced, said, at, key, by, expected_version, occurred_at, reapply=reapply
        )
        return (
            yield from decide(
                self.setting,
                order_id,
                call,
                lambda order: commands.advance_fulfillment(
                    order, fulfillment_id, action, at=at, carrier=carrier, tracking=tracking
                ),
            )
        )
