"""Fulfilment: from the warehouse's first step to the customer's door."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orderwright.errors import InvalidInput
from orderwright.flows.command import command
from orderwright.flows.deciding import Call, decide
from orderwright.flows.loading import load
from orderwright.flows.settling import Flows
from orderwright.orders import commands
from orderwright.orders.cancelling import refuse_stop, request_stop, stop
from orderwright.orders.events import (
    FulfillmentAdvanced,
    FulfillmentsChanged,
    OrderCancelled,
    StopRefused,
    StopRequested,
)
from orderwright.orders.rearranging import merge, move, short_pick, split
from orderwright.requests import ReadSupply, ask
from orderwright.values import counts, each, identifier, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from orderwright.lifecycles import Lifecycles
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

        A step that says what has happened (collect, serve, lose) is recorded like :meth:`ship`; one
        that gives it up (refuse, remake) has its units sourced anew, not from a location that
        refused.
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
                reapply=_is_report(self.setting.lifecycles, identifier(action, "action")),
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
                lambda order: commands.noted(
                    order, stop(order, fulfillment_id, at=at, reason=reason)
                ),
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

    @command
    def split(
        self,
        order_id: str,
        fulfillment_id: str,
        units: Mapping[str, int],
        *,
        reason: str = "",
        at: datetime | None = None,
        key: str = "",
        by: str = "",
        expected_version: int | None = None,
    ) -> Flow[Order]:
        """Let ``units`` (by line id) of a fulfillment go on by themselves, under a new id.

        Raises IllegalTransition if its goods are not in our hands, QuantityRefused for more units
        than it has, InvalidInput for all of them.
        """
        at = self.setting.moment(at)
        asked = counts(units, "units")
        said = {
            "action": "split",
            "fulfillment_ids": (identifier(fulfillment_id, "fulfillment_id"),),
            "units": asked,
            "reason": text(reason, "reason"),
        }
        call = Call(FulfillmentsChanged, said, at, key, by, expected_version)
        return (
            yield from decide(
                self.setting,
                order_id,
                call,
                lambda order: split(order, fulfillment_id, asked, at=at, reason=reason),
            )
        )

    @command
    def merge(
        self,
        order_id: str,
        fulfillment_ids: Sequence[str],
        *,
        reason: str = "",
        at: datetime | None = None,
        key: str = "",
        by: str = "",
        expected_version: int | None = None,
    ) -> Flow[Order]:
        """Make one of several fulfillments of one location, under the first one's id.

        Raises IllegalTransition if they differ in location, kind, state, course, or when their
        stock lapses.
        """
        at = self.setting.moment(at)
        names = each(fulfillment_ids, str, "fulfillment_ids")
        for index, one in enumerate(names):
            identifier(one, f"fulfillment_ids[{index}]")
        if len(set(names)) < max(2, len(names)):
            raise InvalidInput.at("fulfillment_ids", "expected two or more different ones")
        said = {"action": "merge", "fulfillment_ids": names, "reason": text(reason, "reason")}
        call = Call(FulfillmentsChanged, said, at, key, by, expected_version)
        return (
            yield from decide(
                self.setting,
                order_id,
                call,
                lambda order: merge(order, names, at=at, reason=reason),
            )
        )

    @command
    def move(
        self,
        order_id: str,
        fulfillment_id: str,
        location: str,
        *,
        reason: str = "",
        at: datetime | None = None,
        key: str = "",
        by: str = "",
        expected_version: int | None = None,
    ) -> Flow[Order]:
        """Have another location serve a fulfillment that nobody picks yet.

        In one posting its stock is reserved there and freed here; where the ledger refuses that,
        all stays as it was. It goes on under a new id. Raises InvalidInput for a location that
        there is not or that does not offer what lines require, OutOfStock if it has too few,
        IllegalTransition once it is being picked.
        """
        at = self.setting.moment(at)
        place = self.setting.locations.get(identifier(location, "location"))
        if place is None:
            known = ", ".join(self.setting.locations)
            raise InvalidInput.at("location", f"there is no location {location!r}, only {known}")
        said = {
            "action": "move",
            "fulfillment_ids": (identifier(fulfillment_id, "fulfillment_id"),),
            "location": location,
            "reason": text(reason, "reason"),
        }
        call = Call(FulfillmentsChanged, said, at, key, by, expected_version)
        call.check()
        order = yield from load(order_id)
        parts = [one for one in order.fulfillments if one.id == fulfillment_id]
        skus = tuple(dict.fromkeys(item.sku for one in parts for item in one.items))
        stocks = (yield from ask(ReadSupply(skus, at))) if skus else ()
        return (
            yield from decide(
                self.setting,
                order_id,
                call,
                lambda order: move(order, fulfillment_id, place, stocks, at=at, reason=reason),
            )
        )

    @command
    def short_pick(
        self,
        order_id: str,
        fulfillment_id: str,
        units: Mapping[str, int],
        *,
        reason: str = "",
        at: datetime | None = None,
        key: str = "",
        by: str = "",
        expected_version: int | None = None,
    ) -> Flow[Order]:
        """Report that ``units`` (by line id) of a fulfillment were not on the shelf.

        They are written off there, and sourced from another location or, where none has them,
        backordered; the rest goes on. Raises IllegalTransition if it is not being picked or
        packed, QuantityRefused for more units than it has.
        """
        at = self.setting.moment(at)
        asked = counts(units, "units")
        said = {
            "action": "short_pick",
            "fulfillment_ids": (identifier(fulfillment_id, "fulfillment_id"),),
            "units": asked,
            "reason": text(reason, "reason"),
        }
        call = Call(FulfillmentsChanged, said, at, key, by, expected_version)
        return (
            yield from decide(
                self.setting,
                order_id,
                call,
                lambda order: short_pick(order, fulfillment_id, asked, at=at, reason=reason),
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


def _is_report(lifecycles: Lifecycles, action: str) -> bool:
    return any(one.is_report(action) for one in lifecycles.kinds.values())
