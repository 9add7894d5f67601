"""Giving up some units of an order, wherever they are, and keeping the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orderwright.errors import IllegalTransition, QuantityRefused
from orderwright.fulfillment.fulfillment import Fulfillment
from orderwright.lifecycles import Phase
from orderwright.orders.commands import everything_due
from orderwright.orders.crediting import units_of
from orderwright.orders.events import OrderCancelled

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from orderwright.fulfillment.fulfillment import FulfillmentItem
    from orderwright.lifecycles import State
    from orderwright.orders.order import Order

__all__ = ["cancel_units", "require_alive"]


def require_alive(order: Order, action: str) -> None:
    """Raise IllegalTransition unless the order waits or is under way."""
    if order.state.phase not in (Phase.WAITING, Phase.WORKING):
        raise IllegalTransition("order", order.state.name, action, order.allowed(), order.id)


def cancel_units(
    order: Order, units: Sequence[tuple[str, int]], *, at: datetime, reason: str
) -> OrderCancelled:
    """Give up ``units`` of some lines: backordered ones first, reserved ones last.

    Where nothing of the order is left it is cancelled as a whole, charges and all. Raises
    IllegalTransition if the order is over, NotFound for an unknown line, QuantityRefused for units
    that are being picked, have left, or are cancelled already.
    """
    require_alive(order, "cancel")
    able = order.cancellable()
    for line_id, count in units:
        limit = able.get(order.line(line_id).id, 0)
        if count > limit:
            raise QuantityRefused(
                "too late to cancel",
                line_id=line_id,
                asked=count,
                limit=limit,
                order_id=order.id,
                allowed=order.allowed(),
            )
    asked = dict(units)
    split, withdrawn = _given_up(order, asked)
    over = (
        all(asked.get(line.id, 0) == line.ordered - line.cancelled for line in order.lines)
        and "cancel" in order.allowed()
    )
    lines = [line for line in order.lines if line.id in asked]
    return OrderCancelled(
        action="part",
        reason=reason,
        state=order.lifecycles.order.step(order.state, "cancel") if over else order.state,
        units=tuple(units),
        credits=everything_due(order)
        if over
        else tuple(
            units_of(line, min(asked[line.id], line.remaining_units), order.policy.rounding)
            for line in lines
            if line.remaining_units
        ),
        withdrawn=withdrawn,
        split=split,
        at=at,
    )


def _given_up(
    order: Order, asked: dict[str, int]
) -> tuple[tuple[tuple[str, Fulfillment], ...], tuple[tuple[str, State], ...]]:
    """Return what is taken out of which fulfillment, and which are withdrawn as a whole."""
    shipment = order.lifecycles.shipment
    still = _served(order, asked)
    split: list[tuple[str, Fulfillment]] = []
    withdrawn: list[tuple[str, State]] = []
    for one in reversed(order.fulfillments):
        if not one.live or "withdraw" not in shipment.allowed(one.state):
            continue
        taken: list[FulfillmentItem] = []
        for item in one.items:
            units = min(item.quantity, still.get(item.line_id, 0))
            if units > 0:
                still[item.line_id] -= units
                taken.append(item._replace(quantity=units))
        state = shipment.step(one.state, "withdraw")
        if tuple(taken) == one.items:
            withdrawn.append((one.id, state))
        elif taken:
            number = order.fulfillments_planned + len(split) + 1
            held_as = one.held_as or one.id
            part = Fulfillment(
                id=f"f{number}",
                location=one.location,
                items=tuple(taken),
                state=state,
                kind=one.kind,
                stock=one.stock,
                lapses_at=one.lapses_at,
                held_as=held_as,
            )
            split.append((one.id, part))
    return tuple(split), tuple(withdrawn)


def _served(order: Order, asked: dict[str, int]) -> dict[str, int]:
    """How many of ``asked`` have to be taken from fulfillments: what nothing serves goes first."""
    found = {
        line.id: asked[line.id] - (line.ordered - line.cancelled)
        for line in order.lines
        if line.id in asked
    }
    for one in order.fulfillments:
        if one.live:
            for item in one.items:
                if item.line_id in found:
                    found[item.line_id] += item.quantity
    return found
