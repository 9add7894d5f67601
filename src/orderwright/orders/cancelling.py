"""Giving up some units of an order, wherever they are, and keeping the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from orderwright.errors import IllegalTransition, QuantityRefused
from orderwright.lifecycles import Phase
from orderwright.orders.commands import credited_elsewhere, everything_due
from orderwright.orders.crediting import units_of
from orderwright.orders.events import OrderCancelled, StopRefused, StopRequested
from orderwright.values import copied

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from orderwright.fulfillment.fulfillment import Fulfillment, FulfillmentItem
    from orderwright.lifecycles import State
    from orderwright.orders.order import Order

__all__ = [
    "cancel_units",
    "part_of",
    "refuse_stop",
    "request_stop",
    "require_alive",
    "stop",
    "taken_of",
]


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
                "cancel what can still be cancelled",
                line_id=line_id,
                asked=count,
                limit=limit,
                order_id=order.id,
                allowed=order.allowed(),
            )
    asked = dict(units)
    split, withdrawn = _given_up(order, asked, at)
    return _cancelled(order, asked, split, withdrawn, action="part", at=at, reason=reason)


def _cancelled(
    order: Order,
    asked: Mapping[str, int],
    split: tuple[tuple[str, Fulfillment], ...],
    withdrawn: tuple[tuple[str, State], ...],
    *,
    action: Literal["part", "stop"],
    stopped: str = "",
    at: datetime,
    reason: str,
) -> OrderCancelled:
    """Return the event that gives up ``asked`` units; with the last of them the order is over."""
    over = (
        all(asked.get(line.id, 0) == line.ordered - line.cancelled for line in order.lines)
        and not any(one.origin and one.remaining for one in order.charges)
        and "cancel" in order.allowed()
    )
    lines = [line for line in order.lines if line.id in asked]
    return OrderCancelled(
        action=action,
        stopped=stopped,
        reason=reason,
        state=order.lifecycles.order.step(order.state, "cancel") if over else order.state,
        units=tuple(sorted(asked.items())),
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
    order: Order, asked: dict[str, int], at: datetime
) -> tuple[tuple[tuple[str, Fulfillment], ...], tuple[tuple[str, State], ...]]:
    """Return what is taken out of which fulfillment, and which are withdrawn as a whole."""
    still = _served(order, asked)
    split: list[tuple[str, Fulfillment]] = []
    withdrawn: list[tuple[str, State]] = []
    for one in reversed(order.fulfillments):
        state = order.lifecycle(one).after(one.state, "withdraw") if one.live else None
        if state is None:
            continue
        taken = taken_of(one, still)
        if tuple(taken) == one.items:
            withdrawn.append((one.id, state))
        elif taken:
            number = order.fulfillments_planned + len(split) + 1
            split.append((one.id, part_of(one, number, taken, state, at)))
    return tuple(split), tuple(withdrawn)


def taken_of(one: Fulfillment, still: dict[str, int]) -> list[FulfillmentItem]:
    """Return what of a fulfillment's items goes, and take it off what is ``still`` to go."""
    taken: list[FulfillmentItem] = []
    for item in one.items:
        units = min(item.quantity, still.get(item.line_id, 0))
        if units > 0:
            still[item.line_id] -= units
            taken.append(item.some(units))
    return taken


def part_of(
    one: Fulfillment, number: int, taken: Sequence[FulfillmentItem], state: State, at: datetime
) -> Fulfillment:
    """Return what is taken out of a fulfillment, as one of its own."""
    return copied(
        one if state == one.state else one.moved(state, at),
        id=f"f{number}",
        items=tuple([item.held(one.id) for item in taken]),
        carrier="",
        tracking="",
        scan=None,
        stopping=(),
        ended="",
    )


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


# Work that is under way ----------------------------------------------------------------------


def request_stop(
    order: Order,
    fulfillment_id: str,
    units: Sequence[tuple[str, int]],
    *,
    at: datetime,
    reason: str,
) -> tuple[StopRequested, ...]:
    """Ask the people at work on a fulfillment to give up ``units`` of it, or all if none is named.

    Nothing is cancelled until they do. Raises IllegalTransition where its lifecycle knows no stop
    (what is not begun can be cancelled, what has left can be returned), QuantityRefused for more
    units than it has.
    """
    require_alive(order, "cancel")
    one = order.fulfillment(fulfillment_id)
    lifecycle = order.lifecycle(one)
    lifecycle.step(one.state, "stop", f"fulfillment {one.id}", order.id)
    there = one.units
    for line_id, count in units:
        limit = there.get(order.line(line_id).id, 0)
        if count > limit:
            raise QuantityRefused(
                "stop what is at work",
                line_id=line_id,
                asked=count,
                limit=limit,
                order_id=order.id,
                allowed=lifecycle.allowed(one.state),
            )
    wanted = tuple(units) or tuple(there.items())
    if one.stopping == wanted:
        return ()
    return (StopRequested(fulfillment_id=one.id, units=wanted, reason=reason, at=at),)


def stop(order: Order, fulfillment_id: str, *, at: datetime, reason: str) -> OrderCancelled:
    """Give up what the people at work were asked to, or what was cancelled elsewhere.

    Raises IllegalTransition if nobody asked and something is still due for it.
    """
    one = order.fulfillment(fulfillment_id)
    subject = f"fulfillment {one.id}"
    state = order.lifecycle(one).step(one.state, "stop", subject, order.id)
    asked = dict(one.stopping)
    if not asked and credited_elsewhere(order, one):
        asked = one.units
    if not asked:
        allowed = order.lifecycle(one).allowed(one.state)
        raise IllegalTransition(subject, "not asked", "stop", allowed, order.id)
    taken = taken_of(one, dict(asked))
    whole = tuple(taken) == one.items
    part = part_of(one, order.fulfillments_planned + 1, taken, state, at)
    return _cancelled(
        order,
        asked,
        () if whole else ((one.id, part),),
        ((one.id, state),) if whole else (),
        action="stop",
        stopped=one.id,
        at=at,
        reason=reason,
    )


def refuse_stop(order: Order, fulfillment_id: str, *, at: datetime, reason: str) -> StopRefused:
    """Say that it is too late; raises IllegalTransition if nobody asked."""
    one = order.fulfillment(fulfillment_id)
    if not one.stopping:
        allowed = order.lifecycle(one).allowed(one.state)
        subject = f"fulfillment {one.id}"
        raise IllegalTransition(subject, "not asked", "refuse to stop", allowed, order.id)
    return StopRefused(fulfillment_id=one.id, reason=reason, at=at)
