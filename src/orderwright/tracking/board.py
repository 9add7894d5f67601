"""The kitchen's board: what to cook now, in order, what waits, and what will be late.

A :class:`KitchenBoard` keeps the open tickets of the orders it was shown, and nothing of finished
ones. Times follow from the preparation times of the lines: all tickets of a course that are fired
together are to be ready together, when the slowest can be.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple, final

from orderwright.errors import InvalidInput
from orderwright.lifecycles import Phase
from orderwright.orders.modifiers import told
from orderwright.orders.tabs import course_of, earliest
from orderwright.tracking.telling import on_one_line
from orderwright.values import counts, in_utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from orderwright.fulfillment.fulfillment import Fulfillment
    from orderwright.lifecycles import Lifecycle
    from orderwright.orders.order import Order

__all__ = ["KitchenBoard", "KitchenTicket", "Plate", "Stage", "render_board", "ticket_text"]

Stage = Literal["cook", "ready", "waiting"]
"""What a ticket is on the board for."""

_NONE = timedelta(0)
_TICK = timedelta(microseconds=1)


@final
class Plate(NamedTuple):
    """``quantity`` units of a dish on a ticket, and when (aware) to start them.

    ``modifiers`` are the guests' wishes in words. Without a time by which the ticket is to be
    ready there is none to start either.
    """

    line_id: str
    sku: str
    name: str
    quantity: int
    modifiers: str
    seat: str
    preparation: timedelta
    start_at: datetime | None


@final
class KitchenTicket(NamedTuple):
    """A ticket as its station sees it at a moment.

    ``stage`` is what it is there for: to ``cook``, ``ready`` to go out, or ``waiting`` to be fired.
    ``since`` is when it came into its ``state``; ``begun`` tells that somebody is at it.
    ``ready_by`` is when all of its course is to be ready, ``begin_at`` when to begin with it (a
    waiting one: when to fire it) for that; both are None for a course that waits and was promised
    for no time. ``late`` is by how much it will miss that, or what the customer was promised before
    (``promised_at``), as it stands now; no time if it will not.
    """

    order_id: str
    fulfillment_id: str
    station: str
    stage: Stage
    state: str
    begun: bool
    since: datetime | None
    table: str
    service: str
    course: int
    plates: tuple[Plate, ...]
    begin_at: datetime | None
    ready_by: datetime | None
    promised_at: datetime | None
    late: timedelta

    @property
    def units(self) -> int:
        """How many dishes are on it."""
        return sum(one.quantity for one in self.plates)


_STAGES = ("cook", "ready", "waiting")
_EVER = datetime.max.replace(tzinfo=UTC)


@final
class KitchenBoard:
    """The open tickets of a kitchen; show it every order that changed.

    ``at_once`` says how many dishes a station makes at the same time, by location id; of a station
    that is left out, any number. Tickets are what has a step ``fire``. Show orders as they come: of
    two versions of an open one the newer counts, but what was finished is not remembered. Showing
    an order costs what that order costs, reading the board what is open on it, however much is
    finished. Kept in memory: after a restart show it the open orders again.
    """

    def __init__(self, *, at_once: Mapping[str, int] | None = None) -> None:
        self._open: dict[str, tuple[int, tuple[KitchenTicket, ...]]] = {}
        self._at_once: dict[str, int] = {}
        if at_once:
            self._at_once = dict(counts(at_once, "at_once"))

    def show(self, order: Order) -> None:
        """Take in what has become of ``order``; of an open one, the newest version counts."""
        known = self._open.get(order.id)
        if known is not None and known[0] > order.version:
            return
        tickets = tuple(_tickets(order))
        if tickets:
            self._open[order.id] = (order.version, tickets)
        else:
            self._open.pop(order.id, None)

    def tickets(self, now: datetime, *, station: str = "") -> tuple[KitchenTicket, ...]:
        """Return the open tickets (of one ``station``) as they stand at ``now`` (aware).

        First what to cook, what has to begin first on top; then what is ready to go out, the
        oldest first; then what waits to be fired.
        """
        now = in_utc(now, "now")
        found = [
            one._replace(late=_late(one, now))
            for _, tickets in self._open.values()
            for one in tickets
            if not station or one.station == station
        ]
        found.sort(key=_urgency)
        return tuple(found)

    def next_up(self, now: datetime, *, station: str = "") -> KitchenTicket | None:
        """Return the ticket to begin with next (at one ``station``); None if all are begun."""
        found = self.tickets(now, station=station)
        return next((one for one in found if one.stage == "cook" and not one.begun), None)

    def late(self, now: datetime) -> tuple[KitchenTicket, ...]:
        """Return the tickets that miss the time they are to be ready by, the latest first."""
        found = [one for one in self.tickets(now) if one.late]
        return tuple(sorted(found, key=lambda one: -one.late))

    def quote(self, order: Order, now: datetime) -> datetime:
        """Return when ``order`` can be ready (aware, UTC), behind all that is fired before it.

        Never before its own preparation (:func:`orderwright.orders.tabs.earliest`). Every station
        makes its dishes one after the other, as many at once as it can, in the order of the board.
        """
        now = in_utc(now, "now")
        ready = earliest(order, now)
        mine = [one for one in _tickets(order) if one.stage != "ready"]
        others = [one for one in self.tickets(now) if one.order_id != order.id]
        ahead = [one for one in others if one.stage == "cook"]
        for station in {one.station for one in mine} & set(self._at_once):
            here = [one for one in (*ahead, *mine) if one.station == station]
            # More lanes than there are dishes would stay empty.
            lanes = [now] * min(self._at_once[station], sum(one.units for one in here))
            for ticket in here:
                for plate in ticket.plates:
                    done = _made(lanes, plate)
                    if ticket.order_id == order.id:
                        ready = max(ready, done)
        return ready


def _made(lanes: list[datetime], plate: Plate) -> datetime:
    """Make a plate in whatever lane is free first; return when the last unit of it is done."""
    first, each = min(lanes), plate.preparation // _TICK
    if not each:
        return first
    free = [(lane - first) // _TICK for lane in lanes]

    def done(until: int) -> int:
        return sum((until - one) // each for one in free if one <= until)

    # When so many are done at the earliest, in ticks after the first lane is free.
    early, until = 0, plate.quantity * each
    while until - early > 1:
        middle = (early + until) // 2
        early, until = (early, middle) if done(middle) >= plate.quantity else (middle, until)
    spare = done(until) - plate.quantity
    try:
        for index, one in enumerate(free):
            count = max(0, (until - one) // each)
            if spare and count and not (until - one) % each:
                count, spare = count - 1, spare - 1
            lanes[index] += plate.preparation * count
        last = first + until * _TICK
    except OverflowError:
        wrong = f"{plate.quantity} of {plate.sku} take longer than the calendar lasts"
        raise InvalidInput.at("order", wrong) from None
    return last


def _urgency(one: KitchenTicket) -> tuple[int, datetime, datetime, str, int, str]:
    stage = _STAGES.index(one.stage)
    first = one.since if one.stage == "ready" else one.begin_at
    fulfillment_id = one.fulfillment_id
    number = len(fulfillment_id)
    return stage, first or _EVER, one.since or _EVER, one.order_id, number, fulfillment_id


def _late(one: KitchenTicket, now: datetime) -> timedelta:
    """By how much it will be late: once begun it takes its time, and what is not begun does now."""
    if one.ready_by is None or one.stage == "ready":
        return _NONE
    longest = max(plate.preparation for plate in one.plates)
    begun = one.since if one.begun and one.since else now
    until = one.ready_by if one.promised_at is None else min(one.ready_by, one.promised_at)
    return max(_NONE, max(begun + longest, now) - until)


@lru_cache(maxsize=64)
def _states(lifecycle: Lifecycle, action: str) -> frozenset[str]:
    """Return the names of the states that ``action`` leads to, in any kitchen's lifecycle."""
    return frozenset(to.name for (_, name), to in lifecycle.table.items() if name == action)


def _tickets(order: Order) -> Iterator[KitchenTicket]:
    """Return the tickets of an order that are not out of the kitchen yet."""
    groups: dict[tuple[int, datetime | None], list[Fulfillment]] = {}
    for one in order.fulfillments:
        if one.live and _states(order.lifecycle(one), "fire"):
            # What is fired together is to be ready together.
            groups.setdefault((course_of(order, one), one.started_at), []).append(one)
    for (course, started_at), tickets in groups.items():
        ready_by = order.promised_at
        if started_at is not None:
            together = started_at + max(_longest(order, one) for one in tickets)
            ready_by = together if ready_by is None else max(together, ready_by)
        for one in tickets:
            if one.state.phase not in (Phase.WAITING, Phase.WORKING):
                continue
            fired = one.state.name in _states(order.lifecycle(one), "fire")
            yield KitchenTicket(
                order.id,
                one.id,
                one.location,
                _stage(order, one),
                one.state.name,
                one.state.phase is Phase.WORKING and not fired,
                one.since,
                order.table,
                order.service,
                course,
                tuple(_plates(order, one, ready_by)),
                None if ready_by is None else ready_by - _longest(order, one),
                ready_by,
                order.promised_at,
                _NONE,
            )


def _longest(order: Order, one: Fulfillment) -> timedelta:
    return max(order.line(item.line_id).preparation for item in one.items)


def _stage(order: Order, one: Fulfillment) -> Stage:
    if one.state.phase is Phase.WAITING:
        return "waiting"
    return "ready" if one.state.name in _states(order.lifecycle(one), "ready") else "cook"


def _plates(order: Order, one: Fulfillment, ready_by: datetime | None) -> Iterator[Plate]:
    for item in one.items:
        line = order.line(item.line_id)
        yield Plate(
            line.id,
            line.sku,
            line.name or line.sku,
            item.quantity,
            told(line.modifiers),
            line.seat,
            line.preparation,
            None if ready_by is None else ready_by - line.preparation,
        )


# On paper, and on the screen above the stove --------------------------------------------------


def ticket_text(one: KitchenTicket, *, zone: tzinfo = UTC) -> str:
    """Return a ticket as its printer has it: where it goes, then each dish with its wishes.

    Times are shown in ``zone``.
    """
    place = f"table {one.table}" if one.table else one.service.replace("_", " ")
    course = f"  course {one.course}" if one.course else ""
    until = "" if one.ready_by is None else f"  ready by {one.ready_by.astimezone(zone):%H:%M}"
    lines = [
        f"{one.station}  {place or one.order_id}{course}",
        f"{one.order_id} {one.fulfillment_id}{until}",
    ]
    for plate in one.plates:
        seat = f"  (seat {plate.seat})" if plate.seat else ""
        lines.append(f"{plate.quantity:3} x {plate.name}{seat}")
        if plate.modifiers:
            lines.append(f"      {plate.modifiers}")
    return "\n".join(on_one_line(line) for line in lines)


def render_board(tickets: Iterable[KitchenTicket], *, zone: tzinfo = UTC) -> str:
    """Return the board as text, a line a ticket: what to begin when, and what will be late.

    Times are shown in ``zone``.
    """
    rows: list[str] = []
    stage = ""
    for one in tickets:
        if one.stage != stage:
            stage = one.stage
            rows.append(_HEADS[one.stage])
        moment = one.since if one.stage == "ready" else one.begin_at
        begin = "" if moment is None else f"{moment.astimezone(zone):%H:%M}"
        place = f"table {one.table}" if one.table else one.order_id
        dishes = ", ".join(_dish(plate) for plate in one.plates)
        late = f"  LATE {-(-one.late // _MINUTE)} min" if one.late else ""
        row = f"  {begin:5}  {one.station:<10} {place:<10} {one.state:<10} {dishes}{late}"
        rows.append(on_one_line(row))
    return "\n".join(rows)


def _dish(plate: Plate) -> str:
    wishes = f" [{plate.modifiers}]" if plate.modifiers else ""
    return f"{plate.quantity} x {plate.name}{wishes}"


_MINUTE = timedelta(minutes=1)
_HEADS: Mapping[Stage, str] = {
    "cook": "To cook",
    "ready": "Ready to go out",
    "waiting": "Waiting to be fired",
}
