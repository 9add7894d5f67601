"""Placement: an order comes into being, its stock is reserved, its tenders authorized."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from orderwright.errors import AmountRefused, Conflict, InvalidInput
from orderwright.flows.command import command
from orderwright.flows.settling import Flows, carry_on, follow, load, plan_for
from orderwright.money import Money
from orderwright.orders.events import Intended, OrderPlaced, require_same
from orderwright.orders.lines import Policy
from orderwright.orders.order import Order
from orderwright.orders.placement import Placement, placed
from orderwright.orders.stocking import allocated, demand, short_of
from orderwright.requests import FindKey, LoadEvents, LoadOrder, SaveOrder, ask
from orderwright.values import instance, text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from orderwright.flows.settling import Setting
    from orderwright.orders.amounts import Adjustment
    from orderwright.orders.events import Event
    from orderwright.orders.lines import Charge, DraftLine, Reference
    from orderwright.payments.payment import Tender
    from orderwright.requests import Flow

__all__ = ["Placing"]

_SAID = (
    "lines",
    "charges",
    "adjustments",
    "payments",
    "policy",
    "channel",
    "customer_id",
    "references",
)


class Placing(Flows):
    """Placing orders and reading them."""

    __slots__ = ()

    @command
    def place(
        self,
        lines: Sequence[DraftLine],
        *,
        order_id: str | None = None,
        charges: Sequence[Charge] = (),
        adjustments: Sequence[Adjustment] = (),
        tenders: Sequence[Tender] = (),
        channel: str = "web",
        customer_id: str = "",
        references: Sequence[Reference] = (),
        expected_total: Money | None = None,
        policy: Policy | None = None,
        at: datetime | None = None,
        occurred_at: datetime | None = None,
        by: str = "",
    ) -> Flow[Order]:
        """Place an order: plan it, reserve its stock in one posting, authorize its tenders.

        ``order_id`` is the key of this command: make it before you call, store it, and send it
        again if you got no answer. The same id with the same content answers with the order as it
        is; with other content it raises KeyReused naming the field. Left out, the desk's ``ids``
        give one, and a repeated call is a second order. All lines, charges and tenders are in the
        currency of the first line; ``adjustments`` are discounts and surcharges on the order as a
        whole, shared over its lines; a tender without an amount takes what is left. ``at`` is when
        it is recorded (aware; the desk's clock if left out), ``occurred_at`` when it happened.

        Returns the order, confirmed if everything went well. A declined tender is an outcome, not
        an error: the order then waits, its stock kept, for ``pay`` until its policy's
        ``unpaid_ttl``. Raises InvalidInput with all faults at once, AmountRefused if the total is
        not ``expected_total``, OutOfStock if units are missing and the policy rejects that.
        Nothing is saved when it raises.
        """
        setting = self.setting
        if order_id is None:
            if setting.ids is None:
                raise InvalidInput.at("order_id", "pass one, or build the desk with ids")
            order_id = setting.ids()
        if expected_total is not None:
            instance(expected_total, Money, "expected_total")
        said = Placement(
            order_id=order_id,
            lines=lines,
            charges=charges,
            adjustments=adjustments,
            tenders=tenders,
            channel=channel,
            customer_id=customer_id,
            references=references,
            policy=setting.policy if policy is None else instance(policy, Policy, "policy"),
            at=setting.moment(at),
            occurred_at=occurred_at,
            by=by,
        )
        return (yield from _place(setting, placed(said, setting.lifecycles), expected_total))

    @command
    def order(self, order_id: str) -> Flow[Order]:
        """Return the order as last saved; raise NotFound."""
        return (yield from load(order_id))

    @command
    def history(self, order_id: str) -> Flow[tuple[Event, ...]]:
        """Return all events of an order, oldest first (none for an unknown order)."""
        return (yield from ask(LoadEvents(text(order_id, "order_id"))))


def _place(setting: Setting, opening: OrderPlaced, expected_total: Money | None) -> Flow[Order]:
    """Plan, save and carry on with the order that ``opening`` makes, unless it is there already."""
    known = yield from ask(LoadOrder(opening.order_id))
    if known is not None:
        return (yield from _again(known, opening))
    order = Order.replay((opening,), setting.lifecycles)
    if expected_total is not None and expected_total != order.total:
        raise AmountRefused(
            "expected total", asked=expected_total, limit=order.total, order_id=order.id
        )
    at = opening.at
    wanted = demand(order)
    made = yield from plan_for(setting, wanted, at)
    if made.leftovers and order.policy.short == "reject":
        known = yield from ask(LoadOrder(order.id))
        if known is not None:  # the same call at once: it is this order that has the stock
            return (yield from _again(known, opening))
        raise short_of(order, wanted, made)
    after, events = follow(order, allocated(order, made, at), at)
    lost = False
    try:
        yield from ask(SaveOrder(after, (opening, *events), 0))
    except Conflict:
        lost = True
    if lost:
        return (yield from _again((yield from load(order.id)), opening))
    mine = [one.intent.id for one in events if type(one) is Intended]
    return (yield from carry_on(setting, after, at, mine=mine))


def _again(known: Order, opening: OrderPlaced) -> Flow[Order]:
    """Answer a repeated placement with the order as it is; raise KeyReused if it differs."""
    before = yield from ask(FindKey(known.id, known.id))
    said = {name: getattr(opening, name) for name in _SAID}
    # The terms of an invoice run from the first time it was said.
    earlier = before[0].at - opening.at
    said["payments"] = tuple(
        evolve(one, payable_by=one.payable_by + earlier) if one.payable_by else one
        for one in opening.payments
    )
    require_same(before[0], OrderPlaced, said, known.id)
    return known
