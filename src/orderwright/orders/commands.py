"""What people and the world say about an order, each as a function from an order to events.

A command checks first and then returns the events; ``order.after(events)`` is what comes of it.
It raises :class:`~orderwright.errors.Refused` and changes nothing where a rule says no. A *report*
tells what already happened; it is never refused, at most it opens an exception on the order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from attrs import evolve

from orderwright.errors import IllegalTransition, NotFound, OnHold
from orderwright.lifecycles import Phase, State
from orderwright.orders.crediting import all_of
from orderwright.orders.events import (
    Event,
    ExceptionOpened,
    ExceptionResolved,
    FulfillmentAdvanced,
    HoldPlaced,
    HoldReleased,
    OrderAdvanced,
    OrderApproved,
    OrderCancelled,
    TagsChanged,
)
from orderwright.orders.lines import Hold, OrderException

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from orderwright.fulfillment.fulfillment import Fulfillment
    from orderwright.orders.lines import Blockable, Credit
    from orderwright.orders.order import Order

__all__ = [
    "advance",
    "advance_by_hand",
    "advance_fulfillment",
    "approve",
    "cancel",
    "change_tags",
    "credited_elsewhere",
    "everything_due",
    "hold",
    "hold_ran_out",
    "noted",
    "open_exception",
    "release_hold",
    "report_cancellation",
    "resolve",
]


def _require_free(order: Order, what: Blockable, fulfillment_id: str) -> None:
    hold = order.blocked(what, fulfillment_id)
    if hold is not None:
        raise OnHold(hold.name, what, order.id, order.allowed())


def advance_by_hand(order: Order, action: str, *, at: datetime, reason: str) -> tuple[Event, ...]:
    """Take a step of the order's lifecycle that is no more than a step.

    Refused (IllegalTransition) are steps that give the order up, which free stock and money, and
    confirming, which follows by itself from both. An order that is taken up again after it was
    done opens the exception ``reopened``, so that it is not done again before that is resolved.
    """
    advanced = advance(order, action, at=at, reason=reason)
    if action in ("confirm", "place") or advanced.state.phase is Phase.DROPPED:
        raise IllegalTransition("order", order.state.name, action, order.allowed(), order.id)
    if advanced.state.phase is Phase.DONE:
        for one in order.fulfillments:
            if one.live and not one.gone:
                # Its stock would stay held for good: ship it, or cancel the order.
                subject = f"fulfillment {one.id}"
                raise IllegalTransition(subject, one.state.name, action, order.allowed(), order.id)
        if not order.stocked or any(line.backordered for line in order.lines):
            raise IllegalTransition("order", order.goods, action, order.allowed(), order.id)
    if order.state.phase is Phase.DONE and advanced.state.phase is not Phase.DONE:
        return (advanced, *_opened(order, "reopened", reason, at))
    return (advanced,)


def advance(order: Order, action: str, *, at: datetime, reason: str = "") -> OrderAdvanced:
    """Take the step ``action`` of the order's lifecycle; raise IllegalTransition."""
    state = order.lifecycles.order.step(order.state, action, "order", order.id)
    return OrderAdvanced(action=action, reason=reason, state=state, at=at)


def cancel(
    order: Order,
    *,
    at: datetime,
    reason: str,
    action: Literal["cancel", "discard", "reject", "expire"] = "cancel",
) -> OrderCancelled:
    """Give up the whole order: nothing more is due, all stock is freed.

    Raises IllegalTransition if the order cannot be cancelled any more, a fulfillment cannot be
    withdrawn (it is being picked, or has left), or something came here from another tab.
    """
    state = order.lifecycles.order.step(order.state, action, "order", order.id)
    for charge in order.charges:
        if charge.origin and charge.remaining:  # of what was ordered, and served, elsewhere
            subject = f"charge {charge.id} from {charge.origin.partition('/')[0]}"
            raise IllegalTransition(subject, "due here", action, ("transfer", "credit"), order.id)
    withdrawn: list[tuple[str, State]] = []
    for one in order.fulfillments:
        if one.live:
            subject = f"fulfillment {one.id}"
            gone = order.lifecycle(one).step(one.state, "withdraw", subject, order.id)
            withdrawn.append((one.id, gone))
    return OrderCancelled(
        action=action,
        reason=reason,
        state=state,
        units=tuple(
            (line.id, line.ordered - line.cancelled)
            for line in order.lines
            if line.ordered > line.cancelled
        ),
        credits=everything_due(order),
        withdrawn=tuple(withdrawn),
        at=at,
    )


def noted(order: Order, event: OrderCancelled) -> tuple[Event, ...]:
    """Return a cancellation and, where what it gives up is due on another tab, an exception."""
    told: list[str] = []
    for line_id, units in event.units:
        line = order.line(line_id)
        elsewhere = min(line.moved, units - line.remaining_units)
        if elsewhere > 0:
            told.append(f"{elsewhere} of {line_id}")
    if not told:
        return (event,)
    detail = f"{', '.join(told)} to be paid for on another tab: credit it there"
    return (event, *open_exception(order, "cancelled_after_transfer", detail, at=event.at))


def everything_due(order: Order) -> tuple[Credit, ...]:
    """Return the credits of all that is left of the lines, and of the charges made here."""
    return (
        *(all_of(one, one.remaining_units) for one in order.lines if one.remaining_units),
        *(all_of(one, 0) for one in order.charges if one.remaining and not one.origin),
    )


def report_cancellation(order: Order, *, at: datetime, reason: str) -> tuple[Event, ...]:
    """Record that the order was cancelled elsewhere (a marketplace, a court), come what may.

    Nothing is due any more. Where everything can still be withdrawn this is a cancellation like
    any other. Units that have left or are being picked stay what they are: the order opens the
    exception ``cancelled_after_hand_over`` or ``cancelled_while_picking``, what was taken is a
    payout due that waits for a person, and an order that was complete is open again. What came
    here from another tab stays due, and keeps the order open with ``cancelled_after_transfer``.
    """
    if order.state.phase is Phase.DROPPED:
        return ()
    stuck = [one for one in order.fulfillments if one.live and not order.may(one, "withdraw")]
    if order.state.phase is Phase.PLANNED:
        return (cancel(order, at=at, reason=reason, action="discard"),)
    others = any(one.origin and one.remaining for one in order.charges)
    if not stuck and not others and "cancel" in order.allowed():
        return noted(order, cancel(order, at=at, reason=reason))
    kept: dict[str, int] = {}
    for one in stuck:
        for item in one.items:
            kept[item.line_id] = kept.get(item.line_id, 0) + item.quantity
    units = (
        (line.id, line.ordered - line.cancelled - kept.get(line.id, 0)) for line in order.lines
    )
    left = any(one.gone for one in stuck)
    code = "cancelled_after_hand_over" if left else "cancelled_while_picking"
    if others and not stuck:
        code = "cancelled_after_transfer"
    done = order.state.phase is Phase.DONE and "reopen" in order.allowed()
    reported = OrderCancelled(
        action="report",
        reason=reason,
        state=order.lifecycles.order.step(order.state, "reopen") if done else order.state,
        units=tuple((line_id, count) for line_id, count in units if count),
        credits=everything_due(order),
        withdrawn=tuple(
            (one.id, order.lifecycle(one).step(one.state, "withdraw"))
            for one in order.fulfillments
            if one.live and one not in stuck
        ),
        at=at,
    )
    opened = tuple(_opened(order, code, reason, at))
    if reported.units or reported.credits or reported.withdrawn:
        return (*noted(order, reported), *opened)
    return opened  # told before: nothing was left to give up


def _opened(order: Order, code: str, detail: str, at: datetime) -> Iterator[ExceptionOpened]:
    exception = OrderException(code, detail)
    if exception not in order.exceptions:
        yield ExceptionOpened(exception=exception, at=at)


def open_exception(
    order: Order, code: str, detail: str, *, at: datetime
) -> tuple[ExceptionOpened, ...]:
    """Note on the order that something contradicts it; the same one is not opened twice."""
    return tuple(_opened(order, code, detail, at))


def resolve(order: Order, code: str, resolution: str, *, at: datetime) -> ExceptionResolved:
    """Close the exceptions of that ``code``; raise NotFound if there are none."""
    if not any(one.code == code for one in order.exceptions):
        raise NotFound("exception", code, order.id)
    return ExceptionResolved(code=code, resolution=resolution, at=at)


def hold(order: Order, stop: Hold, *, at: datetime) -> tuple[HoldPlaced, ...]:
    """Stop what ``stop`` blocks, until it is released by its name; repeated, it is a no-op.

    Raises NotFound for a fulfillment that is not there, IllegalTransition for another hold's name.
    """
    if stop in order.holds:
        return ()
    for name in sorted(stop.fulfillments):
        order.fulfillment(name)
    if any(one.name == stop.name for one in order.holds):
        subject = f"hold {stop.name!r}"
        raise IllegalTransition(subject, "in force", "place", ("release",), order.id)
    return (HoldPlaced(hold=stop, reason=stop.reason, at=at),)


def approve(order: Order, *, at: datetime, reason: str) -> tuple[OrderApproved, ...]:
    """Vouch for an order that waits; said again it is a no-op. Raises IllegalTransition."""
    if "confirm" not in order.allowed():
        raise IllegalTransition("order", order.state.name, "confirm", order.allowed(), order.id)
    return () if order.approved else (OrderApproved(reason=reason, at=at),)


def hold_ran_out(order: Order, name: str, *, at: datetime) -> tuple[Event, ...]:
    """See to a hold whose time is over, as it says; an order that cannot be cancelled escalates."""
    stop = next(one for one in order.holds if one.name == name)
    if stop.then == "release":
        return (HoldReleased(name=name, reason="ran out", at=at),)
    if stop.then == "cancel":
        try:
            return noted(order, cancel(order, at=at, reason=f"hold {name} ran out"))
        except IllegalTransition:
            pass  # what has left cannot be called back: a person decides
    stays = HoldPlaced(hold=evolve(stop, until=None), reason="ran out", at=at)
    return (stays, *_opened(order, "hold_ran_out", f"hold {name}: {stop.reason}".rstrip(": "), at))


def change_tags(
    order: Order, add: frozenset[str], remove: frozenset[str], *, at: datetime
) -> tuple[TagsChanged, ...]:
    """Add and remove tags; what is there, or gone, already is left out."""
    new, gone = add - order.tags, (remove & order.tags) - add
    if not new and not gone:
        return ()
    return (TagsChanged(add=tuple(sorted(add)), remove=tuple(sorted(remove - add)), at=at),)


def release_hold(order: Order, name: str, *, at: datetime, reason: str) -> HoldReleased:
    """Let go what the hold ``name`` stopped; raise NotFound if there is none."""
    if not any(one.name == name for one in order.holds):
        raise NotFound("hold", name, order.id)
    return HoldReleased(name=name, reason=reason, at=at)


def advance_fulfillment(
    order: Order,
    fulfillment_id: str,
    action: str,
    *,
    at: datetime,
    carrier: str = "",
    tracking: str = "",
) -> tuple[Event, ...]:
    """Take a step of a fulfillment's lifecycle.

    A step that leads out of our walls is a report: it is recorded whatever the order's state is,
    a second one like it is a no-op, and one that contradicts the order opens an exception. Any
    other step needs a confirmed order, no hold on fulfilling, and a row in the table; reserving
    and withdrawing are not steps to take by hand, they follow from the ledger and from a
    cancellation. A step that gives it up (a location refuses, a dish is made again) has its units
    sourced anew.
    """
    one = order.fulfillment(fulfillment_id)
    lifecycle = order.lifecycle(one)
    subject = f"fulfillment {one.id}"
    report = lifecycle.is_report(action)
    coming = any(one.id in intent.fulfillments for intent in order.intents if intent.replaces)
    if report and (coming or (one.ended and not one.live)):
        # Its units are served from elsewhere by now, or still: a person has to look at both.
        told = f"fulfillment {one.id}, {one.state}: {action} {carrier} {tracking}".rstrip()
        return open_exception(order, "left_after_all", told, at=at)
    state = lifecycle.reported(one.state, action) if report else None
    if state is None and one.gone and report:
        return _said_again(order, one, action, carrier, tracking, at)
    if state is None:
        state = lifecycle.step(one.state, action, subject, order.id)
    if state.phase not in (Phase.OUT, Phase.DONE):
        if any(one.id in intent.replaces for intent in order.intents):
            raise IllegalTransition(subject, "being moved", action, (), order.id)
        if one.state.phase is Phase.PLANNED or action in ("withdraw", "stop"):
            # The ledger's answer reserves, a cancellation withdraws: never a step by itself.
            allowed = lifecycle.allowed(one.state)
            raise IllegalTransition(subject, one.state.name, action, allowed, order.id)
        if state.phase is Phase.DROPPED:
            _require_units(order, one, action)
        else:
            _require_free(order, "fulfil", one.id)
        if order.state.phase is not Phase.WORKING:
            raise IllegalTransition("order", order.state.name, action, order.allowed(), order.id)
    advanced = FulfillmentAdvanced(
        fulfillment_id=one.id,
        action=action,
        carrier=carrier,
        tracking=tracking,
        state=state,
        uncancelled=_uncancelled(one) if not one.live else (),
        ended=action if state.phase is Phase.DROPPED or action in _ASTRAY else "",
        at=at,
    )
    alarm = _ALARMS.get(action)
    opened = tuple(_opened(order, alarm, f"fulfillment {one.id}", at)) if alarm else ()
    if one.astray and report and action not in _ASTRAY and _back(order, one):
        # Its units are with us, or were made good: it was to go nowhere any more.
        opened = tuple(_opened(order, "shipped_after_cancellation", f"fulfillment {one.id}", at))
    return (advanced, *opened, *_contradictions(order, one, state, tracking, at))


_ASTRAY = ("lose", "return_to_sender")
_ALARMS = {
    "lose": "shipment_lost",
    "return_to_sender": "returned_to_sender",
    "miss": "nobody_there",
}


def _back(order: Order, one: Fulfillment) -> bool:
    """Whether some of what has left with it came back since, or was claimed."""
    counts = order.quantities()
    return one.gone and any(counts[key].kept < units for key, units in one.units.items())


def _require_units(order: Order, one: Fulfillment, action: str) -> None:
    """What is given up to be served anew must not be booked just now, nor be back already."""
    if one.stopping:  # else what somebody gave up would be served from elsewhere
        allowed = ("stop", "refuse_stop")
        raise IllegalTransition(f"fulfillment {one.id}", "asked to stop", action, allowed, order.id)
    back = _back(order, one)
    if back or order.busy(one):
        state = "back already" if back else "being booked"
        raise IllegalTransition(f"fulfillment {one.id}", state, action, (), order.id)


def _said_again(  # noqa: PLR0917 - the arguments of the report itself
    order: Order, one: Fulfillment, action: str, carrier: str, tracking: str, at: datetime
) -> tuple[Event, ...]:
    """A report of what is known already: nothing, a missing detail, or a contradiction."""
    if (tracking or one.tracking, carrier or one.carrier) == (one.tracking, one.carrier):
        return ()
    if (one.tracking or tracking, one.carrier or carrier) == (
        tracking or one.tracking,
        carrier or one.carrier,
    ):
        # Scans come in any order: the hand-over told after the arrival brings its number.
        late = FulfillmentAdvanced(
            fulfillment_id=one.id,
            action=action,
            carrier=carrier,
            tracking=tracking,
            state=one.state,
            ended=one.ended,
            at=at,
        )
        return (late,)
    detail = f"fulfillment {one.id} left again: {carrier} {tracking}".rstrip()
    return open_exception(order, "handed_over_twice", detail, at=at)


def credited_elsewhere(order: Order, one: Fulfillment) -> bool:
    """Whether nothing is due any more for what ``one`` serves: it was cancelled elsewhere."""
    lines = (order.line(item.line_id) for item in one.items)
    return not any(line.remaining_units or line.moved for line in lines)


def _uncancelled(one: Fulfillment) -> tuple[tuple[str, int], ...]:
    return tuple(one.units.items())


def _contradictions(
    order: Order, one: Fulfillment, state: State, tracking: str, at: datetime
) -> Iterator[ExceptionOpened]:
    if one.gone or state.phase not in (Phase.OUT, Phase.DONE):
        return
    label = order.label(one.id)
    if label is not None and tracking not in ("", label.tracking):
        yield from _opened(order, "label_unused", f"fulfillment {one.id}: {label}", at)
    if not one.live or credited_elsewhere(order, one):
        yield from _opened(order, "shipped_after_cancellation", f"fulfillment {one.id}", at)
    elif order.state.phase is not Phase.WORKING:
        yield from _opened(order, "shipped_unconfirmed", f"fulfillment {one.id}", at)
    elif order.blocked("fulfil", one.id) is not None:
        yield from _opened(order, "shipped_on_hold", f"fulfillment {one.id}", at)
