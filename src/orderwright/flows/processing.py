"""Processing: verification and giving up. What a clerk or a shop's rules decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from orderwright.errors import AdapterFault, BrokenPromise, Conflict
from orderwright.flows.command import command
from orderwright.flows.deciding import Call, decide
from orderwright.flows.loading import load
from orderwright.flows.settling import Flows, carry_on, follow, plan_for, save
from orderwright.orders import commands
from orderwright.orders.cancelling import cancel_units
from orderwright.orders.events import (
    ExceptionResolved,
    OrderAdvanced,
    OrderApproved,
    OrderCancelled,
)
from orderwright.orders.sourcing import demand
from orderwright.orders.stocking import allocated
from orderwright.values import counts, identifier, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from orderwright.flows.settling import Setting
    from orderwright.money import Money
    from orderwright.orders.events import Event
    from orderwright.orders.order import Order
    from orderwright.requests import Flow

__all__ = ["Processing", "allocate", "served"]


class Processing(Flows):
    """Holding, cancelling and advancing orders.

    Every command takes the caller's ``key`` (repeating one that was accepted changes nothing, and
    with other content raises KeyReused), ``expected_version`` (raises Conflict if the order has
    moved on), ``at`` (aware; the desk's clock if left out) and ``by`` (who, for the history). All
    raise NotFound for an unknown order and return the order as it is afterwards.
    """

    __slots__ = ()

    @command
    def advance_order(
        self,
        order_id: str,
        action: str,
        *,
        reason: str = "",
        at: datetime | None = None,
        key: str = "",
        by: str = "",
        expected_version: int | None = None,
    ) -> Flow[Order]:
        """Take a step of the order's own lifecycle by hand: complete, reopen, or one of yours.

        For steps that people decide and that move neither stock nor money by themselves; what
        follows from the new state follows at once. A reopened order stays open until its exception
        ``reopened`` is resolved. Raises IllegalTransition if the table has no such step, or if it
        has a command of its own (cancel) or follows by itself (confirm).
        """
        at = self.setting.moment(at)
        call = Call(
            OrderAdvanced,
            {"action": identifier(action, "action"), "reason": text(reason, "reason")},
            at,
            key,
            by,
            expected_version,
        )
        return (
            yield from decide(
                self.setting,
                order_id,
                call,
                lambda order: commands.advance_by_hand(order, action, at=at, reason=reason),
            )
        )

    @command
    def cancel(
        self,
        order_id: str,
        *,
        reason: str,
        units: Mapping[str, int] | None = None,
        expected_due: Money | None = None,
        at: datetime | None = None,
        key: str = "",
        by: str = "",
        expected_version: int | None = None,
    ) -> Flow[Order]:
        """Give up the whole order, or ``units`` by line id: stock is freed, money goes back.

        What was taken for it is paid back by the order's policy; charges stay due while anything
        is still served. ``expected_due`` is what the order has to come to afterwards, as a preview
        told. Raises IllegalTransition if the order is over or, as a whole, once a fulfillment is
        being picked or has left; QuantityRefused for more units than ``order.cancellable()``.
        """
        at = self.setting.moment(at)
        said: dict[str, object] = {"action": "cancel", "reason": text(reason, "reason")}
        asked = () if units is None else counts(units, "units")
        if asked:
            said |= {"action": "part", "units": asked}

        def decision(order: Order) -> Sequence[Event]:
            if not asked:
                return commands.noted(order, commands.cancel(order, at=at, reason=reason))
            return commands.noted(order, cancel_units(order, asked, at=at, reason=reason))

        call = Call(OrderCancelled, said, at, key, by, expected_version, expected_due=expected_due)
        return (yield from decide(self.setting, order_id, call, decision))

    @command
    def confirm(
        self,
        order_id: str,
        *,
        reason: str = "",
        at: datetime | None = None,
        key: str = "",
        by: str = "",
        expected_version: int | None = None,
    ) -> Flow[Order]:
        """Vouch for an order: it is confirmed once its stock is there, whatever is paid.

        For verification by a person (the policy's ``confirm="by_hand"``), and to let a customer
        through who is trusted to pay later. Raises IllegalTransition if the order does not wait.
        """
        at = self.setting.moment(at)
        said = {"reason": text(reason, "reason")}
        call = Call(OrderApproved, said, at, key, by, expected_version)
        return (
            yield from decide(
                self.setting,
                order_id,
                call,
                lambda order: commands.approve(order, at=at, reason=reason),
            )
        )

    @command
    def reject(
        self,
        order_id: str,
        *,
        reason: str,
        at: datetime | None = None,
        key: str = "",
        by: str = "",
        expected_version: int | None = None,
    ) -> Flow[Order]:
        """Turn down an order that waits to be confirmed; its stock and money are freed.

        Raises IllegalTransition if it does not wait, or if something of it has left.
        """
        return (yield from self._drop("reject", order_id, reason, at, key, by, expected_version))

    @command
    def expire(
        self,
        order_id: str,
        *,
        reason: str = "not paid",
        at: datetime | None = None,
        key: str = "",
        by: str = "",
        expected_version: int | None = None,
    ) -> Flow[Order]:
        """Let an order that waits run out now; ``resume`` does so when its time is over.

        Raises what :meth:`reject` does.
        """
        return (yield from self._drop("expire", order_id, reason, at, key, by, expected_version))

    def _drop(  # noqa: PLR0917 - what both commands are told
        self,
        action: Literal["reject", "expire"],
        order_id: str,
        reason: str,
        at: datetime | None,
        key: str,
        by: str,
        expected_version: int | None,
    ) -> Flow[Order]:
        now = self.setting.moment(at)
        said = {"action": action, "reason": text(reason, "reason")}
        call = Call(OrderCancelled, said, now, key, by, expected_version)
        return (
            yield from decide(
                self.setting,
                order_id,
                call,
                lambda order: commands.noted(
                    order, commands.cancel(order, at=now, reason=reason, action=action)
                ),
            )
        )

    @command
    def report_cancellation(
        self,
        order_id: str,
        *,
        reason: str,
        at: datetime | None = None,
        occurred_at: datetime | None = None,
        key: str = "",
        by: str = "",
    ) -> Flow[Order]:
        """Record that the order was cancelled elsewhere; never refused.

        What can be withdrawn is. Units that have left stay fulfilled: nothing is due for them any
        more, an exception is opened, and the payout due waits for :meth:`resolve` or
        :meth:`.OrderDesk.refund`.
        """
        at = self.setting.moment(at)
        text(reason, "reason")
        call = Call(
            OrderCancelled, {"reason": reason}, at, key, by, occurred_at=occurred_at, reapply=True
        )
        return (
            yield from decide(
                self.setting,
                order_id,
                call,
                lambda order: commands.report_cancellation(order, at=at, reason=reason),
            )
        )

    @command
    def allocate(self, order_id: str, *, at: datetime | None = None) -> Flow[Order]:
        """Source the units that are open or backordered again, after stock has come in."""
        at = self.setting.moment(at)
        return (yield from allocate(self.setting, order_id, at))[1]

    @command
    def resolve(
        self,
        order_id: str,
        code: str,
        *,
        resolution: str,
        at: datetime | None = None,
        key: str = "",
        by: str = "",
        expected_version: int | None = None,
    ) -> Flow[Order]:
        """Close the exceptions of that ``code`` after somebody dealt with them.

        What they stopped (a payout, completing the order) follows at once. Raises NotFound.
        """
        at = self.setting.moment(at)
        call = Call(
            ExceptionResolved,
            {"code": code, "resolution": text(resolution, "resolution")},
            at,
            key,
            by,
            expected_version,
        )
        return (
            yield from decide(
                self.setting,
                order_id,
                call,
                lambda order: (commands.resolve(order, code, resolution, at=at),),
            )
        )


def allocate(setting: Setting, order_id: str, at: datetime) -> Flow[tuple[bool, Order]]:
    """Source what is open or backordered of an order; return whether any was found, and it."""
    order = yield from load(order_id)
    wanted = demand(order, backordered=True)
    if not wanted:
        return False, order
    made = yield from plan_for(setting, order, wanted, at)
    if not made.fulfillments:
        return False, order
    after, events = follow(order, allocated(order, made, at), at)
    after, mine = yield from save(setting, after, events, version=order.version, at=at)
    return True, (yield from carry_on(setting, after, at, mine=mine))


def served(setting: Setting, order: Order, at: datetime) -> Flow[Order]:
    """Give an order that a hold has just let go what it waits for, as far as it came in meanwhile.

    What goes wrong leaves it waiting, as it was saved.
    """
    if not any(line.backordered for line in order.lines):
        return order
    try:
        return (yield from allocate(setting, order.id, at))[1]
    except (AdapterFault, BrokenPromise, Conflict):
        pass
    return order
