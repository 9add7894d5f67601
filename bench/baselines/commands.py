"""Cancelling units of a line by hand: frozen dataclasses, integers, the same checks and event."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Cancelled", "Fulfillment", "Line", "Order", "RefusedError", "cancelled"]


class RefusedError(Exception):
    """The order does not allow that."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line: ``amounts`` of its price, adjustments and taxes, and what is still due of each."""

    id: str
    sku: str
    ordered: int
    cancelled: int
    backordered: int
    units: int
    amounts: tuple[int, ...]
    remaining: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Fulfillment:
    """What one location does; ``items`` are (line id, units)."""

    id: str
    location: str
    state: str
    items: tuple[tuple[str, int], ...]
    held_as: str = ""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The event: what was given up, what is no longer due, and what came out of fulfillments."""

    at: datetime
    reason: str
    state: str
    units: tuple[tuple[str, int], ...]
    credits: tuple[tuple[str, int, tuple[int, ...]], ...]
    withdrawn: tuple[str, ...]
    split: tuple[tuple[str, Fulfillment], ...]


@dataclass(frozen=True, slots=True)
class Order:
    """An order as far as cancelling goes."""

    id: str
    version: int
    state: str
    lines: tuple[Line, ...]
    fulfillments: tuple[Fulfillment, ...]
    planned: int


_OPEN = ("placed", "confirmed")
_CAN_WITHDRAW = ("planned", "reserved", "released")


def cancelled(  # noqa: C901, PLR0912 - all in one place, as by hand
    order: Order, asked: dict[str, int], at: datetime, reason: str
) -> tuple[Order, Cancelled]:
    """Return the order without ``asked`` units by line, and the event."""
    if order.state not in _OPEN:
        raise RefusedError(order.id, order.state)
    able = {line.id: line.ordered - line.cancelled for line in order.lines}
    held = dict.fromkeys(able, 0)
    for one in order.fulfillments:
        if one.state == "withdrawn":
            continue
        stuck = one.state not in _CAN_WITHDRAW
        for line_id, units in one.items:
            held[line_id] += units
            if stuck:
                able[line_id] -= units
    for line_id, units in asked.items():
        if line_id not in able:
            raise RefusedError(order.id, line_id)
        if units > able[line_id]:
            raise RefusedError(order.id, line_id, units, able[line_id])
    still = {
        line.id: max(0, asked[line.id] - (line.ordered - line.cancelled - held[line.id]))
        for line in order.lines
        if line.id in asked
    }
    withdrawn: list[str] = []
    split: list[tuple[str, Fulfillment]] = []
    for one in reversed(order.fulfillments):
        if one.state not in _CAN_WITHDRAW:
            continue
        taken: list[tuple[str, int]] = []
        for line_id, units in one.items:
            some = min(units, still.get(line_id, 0))
            if some:
                still[line_id] -= some
                taken.append((line_id, some))
        if tuple(taken) == one.items:
            withdrawn.append(one.id)
        elif taken:
            name = f"f{order.planned + len(split) + 1}"
            part = Fulfillment(name, one.location, "withdrawn", tuple(taken), one.held_as or one.id)
            split.append((one.id, part))
    credits_ = tuple(
        (line.id, asked[line.id], _share(line.remaining, asked[line.id], line.units))
        for line in order.lines
        if line.id in asked
    )
    over = all(asked.get(one.id, 0) == one.ordered - one.cancelled for one in order.lines)
    event = Cancelled(
        at,
        reason,
        "cancelled" if over else order.state,
        tuple(sorted(asked.items())),
        credits_,
        tuple(withdrawn),
        tuple(split),
    )
    return _applied(order, event), event


def _share(remaining: tuple[int, ...], units: int, whole: int) -> tuple[int, ...]:
    found: list[int] = []
    running = given = 0
    for part in remaining:
        running += part
        upto = (2 * running * units + whole) // (2 * whole)
        found.append(upto - given)
        given = upto
    return tuple(found)


def _applied(order: Order, event: Cancelled) -> Order:
    gone = {line_id: (units, parts) for line_id, units, parts in event.credits}
    taken = {source: dict(part.items) for source, part in event.split}
    lines = tuple(
        replace(
            line,
            cancelled=line.cancelled + gone[line.id][0],
            backordered=max(0, line.backordered - gone[line.id][0]),
            units=line.units - gone[line.id][0],
            remaining=tuple(
                left - part for left, part in zip(line.remaining, gone[line.id][1], strict=True)
            ),
        )
        if line.id in gone
        else line
        for line in order.lines
    )
    kept: list[Fulfillment] = []
    for one in order.fulfillments:
        if one.id in event.withdrawn:
            kept.append(replace(one, state="withdrawn"))
        elif one.id in taken:
            less = taken[one.id]
            items = ((name, units - less.get(name, 0)) for name, units in one.items)
            kept.append(replace(one, items=tuple(item for item in items if item[1])))
        else:
            kept.append(one)
    return replace(
        order,
        version=order.version + 1,
        state=event.state,
        lines=lines,
        fulfillments=(*kept, *(part for _, part in event.split)),
        planned=order.planned + len(event.split),
    )
