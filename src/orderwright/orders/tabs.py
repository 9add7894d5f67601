"""Tables, tabs and courses: what guests ask for, round by round, until they ask for the bill."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orderwright.errors import IllegalTransition, InvalidInput, NotFound, OnHold
from orderwright.lifecycles import Phase
from orderwright.orders.cancelling import require_alive
from orderwright.orders.events import (
    CourseFired,
    OrderPromised,
    TabClosed,
    TableChanged,
    TabReopened,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from orderwright.fulfillment.fulfillment import Fulfillment
    from orderwright.lifecycles import State
    from orderwright.orders.order import Order

__all__ = [
    "close_tab",
    "course_of",
    "earliest",
    "fire",
    "move_tab",
    "promise",
    "reopen_tab",
    "require_tab",
]


def require_tab(order: Order, action: str) -> None:
    """Raise IllegalTransition unless the order is a tab that is not over."""
    require_alive(order, action)
    if not order.policy.tab:
        raise IllegalTransition("order", "no tab", action, order.allowed(), order.id)


def close_tab(order: Order, *, at: datetime, reason: str) -> tuple[TabClosed, ...]:
    """End the rounds: what is due is what the guests are asked for. Closed already, a no-op.

    Raises IllegalTransition while units wait that nobody can serve, as they would be on the bill,
    or something is on its way to another tab.
    """
    require_tab(order, "close_tab")
    if order.closed:
        return ()
    if any(one.purpose == "transfer" for one in order.intents):
        raise IllegalTransition("tab", "being transferred", "close_tab", ("resume",), order.id)
    for line_id, counts in order.quantities().items():
        if counts.open or counts.backordered:
            subject, allowed = f"line {line_id}", ("cancel", "edit")
            raise IllegalTransition(subject, "waiting", "close_tab", allowed, order.id)
    return (TabClosed(due=order.due, reason=reason, at=at),)


def reopen_tab(order: Order, *, at: datetime, reason: str) -> tuple[TabReopened, ...]:
    """Take further rounds after all; a no-op if the tab is open."""
    require_tab(order, "reopen_tab")
    return (TabReopened(reason=reason, at=at),) if order.closed else ()


def move_tab(order: Order, table: str, *, at: datetime, reason: str) -> tuple[TableChanged, ...]:
    """Say where the guests sit now."""
    require_alive(order, "move_tab")
    if order.table == table:
        return ()
    return (TableChanged(table=table, reason=reason, at=at),)


def course_of(order: Order, one: Fulfillment) -> int:
    """Return the course that a fulfillment is of, 0 for none; work is divided by courses."""
    return max(order.line(item.line_id).course for item in one.items)


def fire(order: Order, course: int, *, at: datetime) -> tuple[CourseFired, ...]:
    """Have the kitchen make a course: all its tickets that wait.

    Raises NotFound for a course there is not, IllegalTransition if it was fired already, or the
    order is not confirmed, OnHold if a hold stops fulfilling.
    """
    if order.state.phase is Phase.PLANNED:
        raise IllegalTransition("order", order.state.name, "fire", order.allowed(), order.id)
    tickets = [
        one
        for one in order.fulfillments
        if one.live and one.kind != "booking" and course_of(order, one) == course
    ]
    if not tickets:
        raise NotFound("course", str(course), order.id)
    if order.state.phase is not Phase.WORKING:
        raise IllegalTransition("order", order.state.name, "fire", order.allowed(), order.id)
    states = tuple(_fired(order, tickets))
    if not states:
        found = ", ".join(dict.fromkeys(one.state.name for one in tickets))
        raise IllegalTransition(f"course {course}", found, "fire", (), order.id)
    return (CourseFired(course=course, states=states, at=at),)


def _fired(order: Order, tickets: list[Fulfillment]) -> Iterator[tuple[str, State]]:
    for one in tickets:
        state = order.lifecycle(one).after(one.state, "fire")
        if state is not None:
            hold = order.blocked("fulfil", one.id)
            if hold is not None:
                raise OnHold(hold.name, "fulfil", order.id, order.allowed())
            yield one.id, state


def earliest(order: Order, at: datetime) -> datetime:
    """Return when everything that is still to be made can be ready, if work began ``at`` once."""
    ready = at
    for one in order.fulfillments:
        if one.live and not one.gone:
            longest = max(order.line(item.line_id).preparation for item in one.items)
            ready = max(ready, (one.started_at or at) + longest)
    for line_id, counts in order.quantities().items():
        if counts.open or counts.backordered:
            ready = max(ready, at + order.line(line_id).preparation)
    return ready


def promise(
    order: Order, promised_at: datetime, *, at: datetime, reason: str
) -> tuple[OrderPromised, ...]:
    """Tell the customer when to have everything; a no-op if that was said last.

    Raises IllegalTransition if the order is over, InvalidInput for a time before everything can
    be made.
    """
    require_alive(order, "promise")
    if order.promised_at == promised_at:
        return ()
    first = earliest(order, at)
    if promised_at < first:
        wrong = f"{promised_at.isoformat()} is too early: ready at {first.isoformat()} at best"
        raise InvalidInput.at("promised_at", wrong)
    return (OrderPromised(promised_at=promised_at, reason=reason, at=at),)
