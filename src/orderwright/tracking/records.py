"""What is known of an order while its events are read, and the facts it comes to."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple, final

from orderwright.errors import NotFound
from orderwright.lifecycles import NOT_COLLECTED, Phase
from orderwright.orders.lines import OrderLine
from orderwright.tracking.facts import LineFacts, Loss, OrderFacts, Sale, Work

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from orderwright.fulfillment.fulfillment import Fulfillment
    from orderwright.lifecycles import State
    from orderwright.orders.events import OrderContents
    from orderwright.orders.lines import Charge, Credit
    from orderwright.tracking.facts import Booking, LossKind, Origin

__all__ = ["GONE", "Line", "Operation", "Part", "Reading"]

GONE = (Phase.OUT, Phase.DONE)
_IDLE = (Phase.PLANNED, Phase.WAITING, Phase.DROPPED)
_NO_TIME = timedelta(0)


@final
class Line:
    """A line, or a charge, while events are read: what is due of it, and where its units are."""

    __slots__ = (
        "backordered",
        "cancelled",
        "given_up",
        "gross",
        "kind",
        "line",
        "ordered",
        "origin",
        "parts",
        "short",
        "sku",
        "tax",
        "units",
    )

    def __init__(self, one: OrderLine | Charge, origin: Origin) -> None:
        line = one if isinstance(one, OrderLine) else None
        self.line: OrderLine | None = line
        self.kind: str = "goods" if isinstance(one, OrderLine) else one.kind
        self.sku: str = "" if line is None else line.sku
        self.ordered: int = 0 if line is None else line.ordered
        self.origin: Origin = origin
        self.cancelled: int = 0
        self.backordered: int = 0
        self.short: int = 0
        self.given_up: int = 0
        self.units: int = 0
        self.gross: int = 0
        self.tax: int = 0
        self.parts: tuple[tuple[bool, bool], ...] = ()
        """Of each component: whether it adds to what is due, and whether it is a tax."""


@final
class Part:
    """A fulfillment while events are read."""

    __slots__ = (
        "arrived_at",
        "ended",
        "kind",
        "larder",
        "location",
        "made_at",
        "phase",
        "promised_at",
        "started_at",
        "units",
    )

    def __init__(self, one: Fulfillment) -> None:
        self.kind: str = one.kind
        self.promised_at: datetime | None = one.promised_at
        self.started_at: datetime | None = one.started_at
        self.arrived_at: datetime | None = one.arrived_at
        self.made_at: datetime | None = None
        self.say(one)

    def say(self, one: Fulfillment) -> None:
        """Take over what an event says of it as a whole."""
        self.location: str = one.location
        self.larder: str = one.larder or one.location
        self.units: dict[str, int] = one.units
        self.phase: Phase = one.state.phase
        self.ended: str = one.ended

    def less(self, units: Iterable[tuple[str, int]]) -> None:
        """Take units (line id, units) out of it."""
        for line_id, count in units:
            left = self.units.pop(line_id, 0) - count
            if left > 0:
                self.units[line_id] = left


@final
class Operation(NamedTuple):
    """Money taken, or with ``back`` paid back and why, and how much of it moved."""

    back: bool
    why: str
    minor: int = 0


@final
class Reading:
    """What is known after the events so far."""

    __slots__ = (
        "begun_at",
        "bookings",
        "cause",
        "completed_at",
        "confirmed_at",
        "contents",
        "dropped_at",
        "exceptions",
        "intents",
        "left_at",
        "lines",
        "losses",
        "moving",
        "operations",
        "order_id",
        "parts",
        "placed_at",
        "planned_for",
        "promised_at",
        "reasons",
        "received",
        "remade",
        "reopened_at",
        "sales",
        "service",
        "state",
        "transfers",
    )

    def __init__(self, first: OrderContents) -> None:
        self.order_id: str = first.order_id
        self.contents: OrderContents = first
        self.service: str = ""
        self.state: State = first.state
        self.placed_at: datetime | None = None
        self.confirmed_at: datetime | None = None
        self.begun_at: datetime | None = None
        self.left_at: datetime | None = None
        self.completed_at: datetime | None = None
        self.reopened_at: datetime | None = None
        self.dropped_at: datetime | None = None
        self.promised_at: datetime | None = None
        self.planned_for: datetime | None = None
        self.lines: dict[str, Line] = {}
        self.parts: dict[str, Part] = {}
        self.sales: list[Sale] = []
        self.losses: list[Loss] = []
        self.bookings: list[Booking] = []
        self.exceptions: list[str] = []
        self.intents: dict[str, Booking] = {}
        """Postings that were asked for and not written yet, by id."""
        self.operations: dict[str, Operation] = {}
        self.reasons: dict[str, str] = {}
        """Why goods come back, by return."""
        self.received: dict[tuple[str, str], int] = {}
        self.cause: str = ""
        """Why less is due than was, or money is to go back: what was said last."""
        self.remade: int = 0
        self.moving: list[Sale] = []
        """What was moved last from this tab, as if it were not sold any more."""
        self.transfers: dict[str, list[Sale]] = {}
        """The same for what is on its way to other tabs, by intent."""

    def line(self, line_id: str) -> Line:
        """Return that line or charge; raise NotFound."""
        found = self.lines.get(line_id)
        if found is None:
            raise NotFound("line", line_id, self.order_id)
        return found

    def part(self, fulfillment_id: str) -> Part:
        """Return that fulfillment; raise NotFound."""
        found = self.parts.get(fulfillment_id)
        if found is None:
            raise NotFound("fulfillment", fulfillment_id, self.order_id)
        return found

    def reach(self, state: State, at: datetime) -> None:
        """Note the state the order is in."""
        before, self.state = self.state.phase, state
        if state.phase is Phase.WORKING:
            if self.confirmed_at is None:
                self.confirmed_at = at
            elif before is Phase.DONE:
                self.reopened_at = at
        elif state.phase is Phase.DONE and self.completed_at is None:
            self.completed_at = at
        elif state.phase is Phase.DROPPED and self.dropped_at is None:
            self.dropped_at = at

    def drop(self, fulfillment_ids: Iterable[str]) -> None:
        """Forget fulfillments that are none any more."""
        for one in fulfillment_ids:
            self.parts.pop(one, None)

    def lose(self, kind: LossKind, reason: str, units: int, minor: int) -> None:
        """Note that units or money were taken back, and why, also for what follows from it."""
        self.cause = reason or kind
        self.losses.append(Loss(kind, reason, units, minor))

    # Money ---------------------------------------------------------------------------------

    def sell(
        self, one: OrderLine | Charge, origin: Origin, at: datetime, *, moved: bool = False
    ) -> None:
        """Note a line or charge that is new or different, and by how much more or less is due.

        What was ``moved`` from one tab to another was sold before.
        """
        sold = self.lines.get(one.id)
        if sold is None:
            sold = self.lines[one.id] = Line(one, origin)
        line = sold.line = one if isinstance(one, OrderLine) else None
        units = line.remaining_units if line is not None else 0
        gross = tax = 0
        parts: list[tuple[bool, bool]] = []
        for kind, _, _, remaining in one.components:
            adds, taxes = kind != "included_tax", kind in _TAXES
            parts.append((adds, taxes))
            if adds:
                gross += remaining.minor
            if taxes:
                tax += remaining.minor
        change = (units - sold.units, gross - sold.gross, tax - sold.tax)
        sold.units, sold.gross, sold.tax, sold.parts = units, gross, tax, tuple(parts)
        if any(change) and not moved:
            self.sales.append(Sale(at, one.id, sold.kind, sold.sku, *change))

    def credit(self, credits_: Iterable[Credit], at: datetime, *, moved: bool = False) -> int:
        """Note that less is due; return how many minor units in all.

        What was ``moved`` to another tab is still sold.
        """
        whole = 0
        for target, units, parts in credits_:
            sold = self.line(target)
            gross = tax = 0
            for (adds, taxes), part in zip(sold.parts, parts, strict=True):
                if adds:
                    gross += part.minor
                if taxes:
                    tax += part.minor
            sold.units -= units
            sold.gross -= gross
            sold.tax -= tax
            whole += gross
            less = Sale(at, target, sold.kind, sold.sku, -units, -gross, -tax)
            (self.moving if moved else self.sales).append(less)
        return whole

    # Goods ---------------------------------------------------------------------------------

    def move(self, one: Part, state: State, at: datetime, action: str = "") -> None:
        """Note the state a fulfillment is in."""
        phase = one.phase = state.phase
        if phase not in _IDLE:
            if one.started_at is None:
                one.started_at = at
            self.begun_at = _earlier(self.begun_at, at)
            if phase is Phase.WORKING:
                if state != NOT_COLLECTED:  # nobody came: it is as ready as it was
                    one.made_at = at if action == "ready" else None
                return
            self.left_at = _earlier(self.left_at, at)
            if phase is Phase.DONE and one.arrived_at is None:
                one.arrived_at = at
        elif phase is not Phase.DROPPED:
            return
        if one.made_at is None and one.started_at is not None:
            one.made_at = at

    def leave(self, fulfillment_id: str, at: datetime) -> None:
        """Note that a carrier tells late when a fulfillment that is gone had left already."""
        one = self.parts.get(fulfillment_id)
        if one is not None and one.phase in GONE:
            self.begun_at = _earlier(self.begun_at, at)
            self.left_at = _earlier(self.left_at, at)

    def open_units(self) -> dict[str, int]:
        """Return how many units of each line nobody is to serve."""
        found = {
            key: one.ordered - one.cancelled - one.backordered
            for key, one in self.lines.items()
            if one.line is not None
        }
        for part in self.parts.values():
            if part.phase is not Phase.DROPPED:
                for key, units in part.units.items():
                    found[key] = found.get(key, 0) - units
        return found

    # What it comes to ------------------------------------------------------------------------

    def facts(self) -> OrderFacts:
        """Return what all of it comes to."""
        lines, astray = self._lines()
        back = [one for one in self.operations.values() if one.back]
        refunds = (Loss("refunded", one.why, 0, one.minor) for one in back if one.minor)
        contents = self.contents
        return OrderFacts(
            self.order_id,
            contents.channel,
            self.service,
            contents.currency,
            self.state,
            self.placed_at,
            self.confirmed_at,
            self.begun_at,
            self.left_at,
            self._arrived_at(lines, astray),
            self.completed_at,
            self.reopened_at,
            self.dropped_at,
            self.promised_at or contents.scheduled_for or self.planned_for,
            lines,
            tuple(self.sales),
            (*self.losses, *refunds),
            tuple(self._worked()),
            tuple(self.bookings),
            tuple(self.exceptions),
            astray,
            self.remade,
            sum(one.minor for one in self.operations.values() if not one.back),
            sum(one.minor for one in back),
        )

    def _lines(self) -> tuple[tuple[LineFacts, ...], int]:
        """Return the lines with where their units are, and how many units went astray."""
        served: dict[str, int] = {}
        arrived: dict[str, int] = {}
        places: dict[str, dict[str, int]] = {}
        astray = 0
        for part in self.parts.values():
            if part.phase is Phase.DROPPED:
                continue
            gone = part.phase in GONE
            for key, units in part.units.items():
                if key not in self.lines:
                    raise NotFound("line", key, self.order_id)
                at = places.setdefault(key, {})
                at[part.location] = at.get(part.location, 0) + units
                if gone:
                    served[key] = served.get(key, 0) + units
                    if part.ended:
                        astray += units
                    elif part.phase is Phase.DONE:
                        arrived[key] = arrived.get(key, 0) + units
        lines = tuple(
            LineFacts(
                key,
                one.sku,
                one.origin,
                one.ordered,
                one.cancelled,
                min(one.short, one.ordered),
                one.given_up,
                served.get(key, 0),
                arrived.get(key, 0),
                tuple(places[key].items()) if key in places else (),
            )
            for key, one in self.lines.items()
            if one.line is not None
        )
        return lines, astray

    def _arrived_at(self, lines: tuple[LineFacts, ...], astray: int) -> datetime | None:
        """When the last of what was ordered arrived; None before all that is to come has."""
        ordered = {line.id for line in lines if line.origin == "order"}
        if astray:
            for part in self.parts.values():
                if part.phase in GONE and part.ended:
                    astray -= sum(n for key, n in part.units.items() if key not in ordered)
        due = sum(one.ordered - one.cancelled - one.arrived for one in lines if one.id in ordered)
        if due != astray:
            return None
        times = [
            part.arrived_at
            for part in self.parts.values()
            if part.phase is Phase.DONE and part.arrived_at and not ordered.isdisjoint(part.units)
        ]
        return max(times, default=None)

    def _worked(self) -> Iterable[Work]:
        for part in self.parts.values():
            started_at = part.started_at
            if started_at is None:
                continue
            lines = (self.line(key).line for key in part.units)
            longest = max((one.preparation for one in lines if one), default=_NO_TIME)
            yield Work(
                part.kind,
                part.location,
                sum(part.units.values()),
                started_at,
                part.made_at,
                started_at + longest if longest else part.promised_at,
            )


def _earlier(known: datetime | None, at: datetime) -> datetime:
    return at if known is None else min(known, at)


_TAXES = ("tax", "included_tax")
