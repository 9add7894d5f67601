"""What reports must say, told by replaying: slow, naive, and knowing nothing of how they do it."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from orderwright import Order
from orderwright.lifecycles import Phase
from orderwright.orders import events as e
from orderwright.orders.lines import Charge, OrderLine


def time_of(event: e.Event) -> datetime:
    """When something occurred, as far as is known."""
    return event.at if event.occurred_at is None else event.occurred_at


def gross(one: OrderLine | Charge) -> int:
    """What is due of it."""
    return one.remaining.minor


def tax(one: OrderLine | Charge) -> int:
    """What of that is tax."""
    return sum(part.remaining.minor for part in one.components if "tax" in part.kind)


def moves(event: e.Event) -> bool:
    """Whether it moves what is due from one tab to another."""
    return isinstance(event, e.DueTransferred | e.TransferSettled) or (
        isinstance(event, e.OrderEdited) and event.reason.startswith("from o")
    )


def on_its_way(event: e.Event) -> bool:
    """Whether it tells of a step, or of a parcel that moves."""
    return isinstance(event, e.FulfillmentAdvanced) or (
        isinstance(event, e.ParcelScanned)
        and event.status in {"handed_over", "in_transit", "out_for_delivery"}
    )


class Seen:
    """One order, seen after each of its events."""

    def __init__(self, history: Sequence[e.Event]) -> None:
        self.history = history
        self.states = [Order.replay(history[:1])]
        for event in history[1:]:
            self.states.append(self.states[-1].after((event,)))
        self.steps = list(zip(history[1:], pairwise(self.states), strict=True))
        self.order = self.states[-1]
        self.placed_at = next((time_of(x) for x in history if isinstance(x, e.OrderPlaced)), None)

    def first(self, holds: Any) -> datetime | None:  # noqa: ANN401
        """When something was first true."""
        for event, order in zip(self.history, self.states, strict=True):
            if holds(order):
                return time_of(event)
        return None

    def earliest(self, holds: Any) -> datetime | None:  # noqa: ANN401
        """When something was true of a fulfillment at the earliest, by all that was told of it."""
        found = []
        for event, (before, after) in self.steps:
            was = {one.id for one in before.fulfillments if holds(one)}
            told = event.fulfillment_id if on_its_way(event) else ""
            for one in after.fulfillments:
                new = one.id not in was or (
                    one.id == told and (one.gone or isinstance(event, e.FulfillmentAdvanced))
                )
                if holds(one) and new:
                    found.append(time_of(event))
        return min(found, default=None)

    @property
    def placed(self) -> bool:
        """Whether it is more than a draft."""
        return self.placed_at is not None

    @property
    def times(self) -> list[datetime | None]:
        """When each stage was reached."""
        return [
            self.placed_at,
            self.first(lambda order: order.state.phase is Phase.WORKING),
            self.earliest(lambda one: one.started_at is not None),
            self.earliest(lambda one: one.gone),
            self.arrived_at,
            self.first(lambda order: order.state.phase is Phase.DONE),
        ]

    @property
    def extra(self) -> dict[str, str]:
        """The lines that nobody ordered, and what they were sent for."""
        found = {}
        for event in self.history:
            if isinstance(event, e.ReturnCredited):
                found |= {line.id: "exchange" for line in event.lines}
            elif isinstance(event, e.UnitsClaimed):
                found |= {line.id: "replacement" for line in event.lines}
        return found

    def units(self, line_id: str, holds: Any) -> int:  # noqa: ANN401
        """Units of a line in the fulfillments for which something is true."""
        return sum(one.units.get(line_id, 0) for one in self.order.fulfillments if holds(one))

    @property
    def ordered_lines(self) -> list[OrderLine]:
        """The lines that were ordered."""
        return [line for line in self.order.lines if line.id not in self.extra] * self.placed

    @property
    def arrived_at(self) -> datetime | None:
        """When the last of what was ordered arrived, if all that was not cancelled or lost has."""
        lines = {line.id for line in self.ordered_lines}
        if any(
            line.ordered - line.cancelled
            != self.units(line.id, lambda one: one.astray)
            + self.units(line.id, lambda one: one.state.phase is Phase.DONE and not one.ended)
            for line in self.ordered_lines
        ):
            return None
        times = [
            one.arrived_at
            for one in self.order.fulfillments
            if one.state.phase is Phase.DONE and lines & set(one.units)
        ]
        return max((one for one in times if one), default=None)

    @property
    def astray(self) -> int:
        """Units that left and will not arrive."""
        return sum(sum(one.units.values()) for one in self.order.fulfillments if one.astray)

    @property
    def promised_at(self) -> datetime | None:
        """When the customer was to have it, by what they were told first."""
        for event in self.history:
            if isinstance(event, e.OrderPromised):
                return event.promised_at
        contents = [one for one in self.history if isinstance(one, e.OrderContents)]
        if contents[-1].scheduled_for is not None:
            return contents[-1].scheduled_for
        for event in self.history:
            if isinstance(event, e.FulfillmentsPlanned):
                times = [one.promised_at for one in event.fulfillments if one.promised_at]
                if times:
                    return max(times)
        return None

    def waited(self) -> tuple[Counter[str], Counter[str]]:
        """By line, the units that ever had to wait, and those cancelled while they did."""
        short: Counter[str] = Counter()
        given_up: Counter[str] = Counter()
        for event, (before, after) in self.steps:
            if isinstance(event, e.OrderContents) or before.state.phase is Phase.PLANNED:
                continue
            old = {line.id: line.backordered for line in before.lines}
            for line in after.lines:
                more = line.backordered - old.get(line.id, 0)
                short[line.id] += max(0, more)
                if isinstance(event, e.OrderCancelled):
                    given_up[line.id] += max(0, -more)
            if isinstance(event, e.OrderCancelled) and event.action == "reject":
                for line_id, counts in before.quantities().items():
                    short[line_id] += counts.open
                    given_up[line_id] += counts.open
        for line in self.order.lines:
            short[line.id] = min(short[line.id], line.ordered)
        return +short, +given_up

    @property
    def in_full(self) -> bool:
        """Whether everything wanted came."""
        return self.arrived_at is not None and not self.astray and not self.waited()[1]

    @property
    def remade(self) -> int:
        """Units that were served and then made again."""
        found = 0
        for _, (before, after) in self.steps:
            now = {one.id: one for one in after.fulfillments}
            for one in before.fulfillments:
                if one.gone and one.id in now and now[one.id].ended and not now[one.id].live:
                    found += sum(one.units.values())
        return found

    def changes(self) -> list[tuple[datetime, str, str, str, int, int, int]]:
        """How what is due of each line and charge changed: when, of what, units, gross, tax.

        What only moved from one tab to another was sold where it was ordered.
        """
        found = []
        before: dict[str, tuple[int, int, int]] = {}
        for event, order in zip(self.history, self.states, strict=True):
            if order.state.phase is Phase.PLANNED or order.state.name == "discarded":
                continue
            for one in (*order.lines, *order.charges):
                line = isinstance(one, OrderLine)
                now = (one.remaining_units if line else 0, gross(one), tax(one))
                old = before.get(one.id, (0, 0, 0))
                before[one.id] = now
                if now != old and not moves(event):
                    name = ("goods", one.sku) if line else (one.kind, "")
                    change = tuple(a - b for a, b in zip(now, old, strict=True))
                    found.append((time_of(event), one.id, *name, *change))
        return found

    def moved(self) -> tuple[int, int]:
        """How much more is due, and for how many units, because it moved from or to other tabs."""
        minor = units = 0
        for event, (before, after) in self.steps:
            if moves(event):
                minor += (after.due - before.due).minor
                units += sum(line.remaining_units for line in after.lines)
                units -= sum(line.remaining_units for line in before.lines)
        return minor, units

    def losses(self) -> Counter[tuple[str, str, str]]:
        """Units and minor units lost, by kind, reason and which of the two."""
        found: Counter[tuple[str, str, str]] = Counter()
        reasons: dict[str, str] = {}
        for event, (before, after) in self.steps:
            fell = sum(gross(one) for one in (*before.lines, *before.charges)) - sum(
                gross(one)
                for one in (
                    *after.lines[: len(before.lines)],
                    *after.charges[: len(before.charges)],
                )
            )
            if isinstance(event, e.OrderCancelled) and event.action != "discard":
                kind = {"reject": "rejected", "expire": "expired"}.get(event.action, "cancelled")
                key, units = (kind, event.reason), sum(n for _, n in event.units)
            elif isinstance(event, e.OrderCredited):
                key, units = ("credited", event.reason), 0
            elif isinstance(event, e.UnitsClaimed):
                key, units = ("claimed", event.fault), sum(n for _, n in event.units)
            elif isinstance(event, e.ReturnReceived | e.ReturnCredited):
                here = after.return_(event.return_id)
                key = ("returned", reasons.setdefault(here.id, here.reason))
                old = [one for one in before.returns if one.id == here.id]
                units = sum(item.received for item in here.items)
                units -= sum(item.received for one in old for item in one.items)
            else:
                continue
            found[*key, "units"] += units
            found[*key, "minor"] += fell
        return found

    def booked(self) -> list[str]:
        """The postings that moved goods out, back, or into dishes; not off the menu."""
        return [
            event.intent_id
            for event, (before, _) in self.steps
            if isinstance(event, e.StockPosted)
            and before.intent(event.intent_id).purpose != "release"
            and (
                {"customer", "production"}
                & {one.bucket for one in before.intent(event.intent_id).request.entries}
                or before.intent(event.intent_id).purpose == "take_back"
            )
        ]

    def tickets(self) -> list[tuple[Any, ...]]:
        """What was worked on: kind, place, units, when begun, made, due; parts taken out apart."""
        found = []
        moved = {
            one
            for event in self.history
            if isinstance(event, e.FulfillmentsChanged)
            for one in (*event.fulfillment_ids, *(part.id for part in event.fulfillments))
        }
        moved |= {
            name
            for event in self.history
            if isinstance(event, e.OrderCancelled)
            for source, part in event.split
            for name in (source, part.id)
        }
        for one in self.order.fulfillments:
            if one.id in moved:
                continue
            seen = [
                (time_of(event), now.state)
                for event, order in zip(self.history, self.states, strict=True)
                for now in order.fulfillments
                if now.id == one.id
            ]
            while seen and seen[0][1].phase in {"planned", "waiting", "dropped"}:
                del seen[0]
            if not seen:
                continue
            begun, made = seen[0][0], None
            for at, state in reversed(seen):
                if state.phase in {"planned", "waiting"} or (
                    state.phase is Phase.WORKING and state.name != "ready"
                ):
                    break
                made = at
            longest = max(
                (self.order.line(name).preparation for name in one.units), default=timedelta(0)
            )
            due = begun + longest if longest else one.promised_at
            units = sum(one.units.values())
            found.append((one.kind, one.location, units, begun, made, due))
        return found
