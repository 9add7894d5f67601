"""The staff's view of an order: where every unit and cent is, what is next, and what is wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, final

from orderwright.lifecycles import Phase
from orderwright.money import Money
from orderwright.orders.lines import LineQuantities
from orderwright.orders.modifiers import told
from orderwright.tracking.delays import DEFAULT_LIMITS, Delay, DelayReason, delays
from orderwright.tracking.telling import columns, in_words, local, on_one_line, rows
from orderwright.values import in_utc

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import tzinfo

    from orderwright.fulfillment.fulfillment import Fulfillment, Ingredients, Scan
    from orderwright.orders.axes import DueItem, GoodsStatus, MoneyStatus
    from orderwright.orders.intents import Purpose
    from orderwright.orders.lines import AfterHold, Blockable, Hold, OrderLine
    from orderwright.orders.order import Order
    from orderwright.tracking.delays import Limits
    from orderwright.tracking.telling import Plain

__all__ = [
    "ADVICE",
    "LineView",
    "MoneyView",
    "OpenException",
    "ReturnView",
    "StaffView",
    "Stop",
    "Unfinished",
    "Work",
    "staff_view",
]

ADVICE: Mapping[str, str] = {
    "cancelled_after_hand_over": "resolve: what was taken is paid back",
    "cancelled_while_picking": "stop the work, then resolve",
    "shipped_after_cancellation": "decide who pays, then resolve",
    "shipped_unconfirmed": "decide who pays, then resolve",
    "shipped_on_hold": "decide who pays, then resolve",
    "handed_over_twice": "find out which number is true, then resolve",
    "left_after_all": "its units are served from elsewhere: stop one of the two, then resolve",
    "shipment_lost": "claim it from the carrier, refund or replace it, then resolve",
    "returned_to_sender": "ask the customer, then receive it as a return or send it again",
    "nobody_there": "agree on another time with the customer, then resolve",
    "label_unused": "correct the number or cancel the label, then resolve",
    "label_kept": "claim it from the carrier or write it off, then resolve",
    "label_void": "tell the carrier that it left under that number, then resolve",
    "stock_mismatch": "count, post an adjustment, then resolve: it is booked",
    "stock_missing": "tell the customer, then resolve",
    "backorder_refused": "ask for less, then resolve: the rest is claimed",
    "capture_refused": "ask the provider, then resolve: it is tried again if still due",
    "void_refused": "ask the provider, then resolve: it is tried again if still due",
    "refund_refused": "ask the provider, then resolve: it is tried again if still due",
    "capture_differs": "ask the provider, then resolve: it is tried again if still due",
    "void_differs": "ask the provider, then resolve: it is tried again if still due",
    "refund_differs": "ask the provider, then resolve: it is tried again if still due",
    "reauthorize_refused": "talk to the customer, then resolve: it is tried again",
    "payment_contradiction": "believe the bank statement, then resolve",
    "charged_back": "dispute it or write it off, then resolve",
    "paid_after_cancellation": "pay it back, record the refund, then resolve",
    "repaid_too_much": "find out which report is wrong, then resolve",
    "reversed_too_much": "find out which report is wrong, then resolve",
    "returned_too_much": "find out whose goods they are, then resolve",
    "cancelled_after_transfer": "credit it on the tab it was moved to, then resolve",
    "hold_ran_out": "decide, and release the hold or cancel the order, then resolve",
    "reopened": "resolve when it is done",
}
"""What a person does about an open exception, by its code; more is told in the concepts."""
_LOOK = "look into it, then resolve"


@final
class LineView(NamedTuple):
    """A line and where its units are; ``round`` tells with which others it was ordered."""

    id: str
    sku: str
    name: str
    wishes: str
    course: int
    round: int
    seat: str
    units: LineQuantities


@final
class Work(NamedTuple):
    """A fulfillment: how far it is and since when, what may be next, and what stops that.

    ``next`` are the steps its lifecycle has now, ``blocked`` the names of the holds on it,
    ``booking`` whether the ledger is being told of it, ``stopping`` the units that are asked back,
    ``label`` why it got no label, or why the carrier kept one that it was to take back.
    """

    id: str
    kind: str
    location: str
    state: str
    since: datetime | None
    started_at: datetime | None
    promised_at: datetime | None
    arrived_at: datetime | None
    course: int
    rounds: tuple[int, ...]
    units: tuple[tuple[str, int], ...]
    next: tuple[str, ...]
    blocked: tuple[str, ...]
    booking: bool
    stopping: tuple[tuple[str, int], ...]
    ingredients: Ingredients
    carrier: str
    tracking: str
    scan: Scan | None
    label: str


@final
class Stop(NamedTuple):
    """A hold: what it blocks, of which fulfillments (empty: all), and what follows at ``until``."""

    name: str
    blocks: tuple[Blockable, ...]
    fulfillments: tuple[str, ...]
    owner: str
    reason: str
    until: datetime | None
    then: AfterHold


@final
class OpenException(NamedTuple):
    """Something that contradicts the order, and what a person does about it."""

    code: str
    detail: str
    advice: str


@final
class Unfinished(NamedTuple):
    """A call outside without an outcome; ``parked`` is why it waits for a person, if it does."""

    id: str
    purpose: Purpose
    since: datetime
    due_at: datetime
    attempts: int
    parked: str
    reason: str


@final
class ReturnView(NamedTuple):
    """A return: per line id, units announced, received, inspected and credited."""

    id: str
    state: str
    reason: str
    items: tuple[tuple[str, int, int, int, int], ...]


@final
class MoneyView(NamedTuple):
    """The sums over all payments; ``-ing`` is in flight.

    ``balance`` is kept minus due, ``payout`` is owed to the customer and not on its way yet,
    ``uncovered`` is owed by them and nobody is being asked for it.
    """

    total: Money
    credited: Money
    due: Money
    authorized: Money
    capturing: Money
    captured: Money
    refunded: Money
    charged_back: Money
    refunding: Money
    balance: Money
    payout: Money
    uncovered: Money


@final
class StaffView(NamedTuple):
    """An order as those who work on it need it. All times are UTC.

    ``expires_at`` is when it expires unless it is covered, ``allowed`` the steps it may take now,
    ``coming_up`` what is due by itself and when, earliest first, ``delays`` what is late, worst
    first.
    """

    order_id: str
    version: int
    state: str
    money: MoneyStatus
    goods: GoodsStatus
    allowed: tuple[str, ...]
    channel: str
    service: str
    table: str
    tab: bool
    closed: bool
    rounds: int
    customer_id: str
    tags: tuple[str, ...]
    placed_at: datetime
    scheduled_for: datetime | None
    promised_at: datetime | None
    expires_at: datetime | None
    lines: tuple[LineView, ...]
    work: tuple[Work, ...]
    holds: tuple[Stop, ...]
    exceptions: tuple[OpenException, ...]
    unfinished: tuple[Unfinished, ...]
    returns: tuple[ReturnView, ...]
    figures: MoneyView
    coming_up: tuple[DueItem, ...]
    delays: tuple[Delay, ...]

    def plain(self) -> dict[str, Plain]:
        """Return the view as plain data, ready for JSON."""
        return rows(self)

    def render(self, *, zone: tzinfo = UTC) -> str:
        """Return the view as text for a terminal, with the times of ``zone``."""
        return "\n".join(_rendered(self, zone))


def staff_view(order: Order, *, now: datetime, limits: Limits = DEFAULT_LIMITS) -> StaffView:
    """Return everything that those who work on ``order`` need to know at ``now`` (aware).

    Raises InvalidInput for a time without a zone, or other ``limits``.
    """
    now = in_utc(now, "now")
    quantities = order.quantities()
    booking = {name for one in order.intents for name in (*one.fulfillments, *one.replaces)}
    return StaffView(
        order_id=order.id,
        version=order.version,
        state=order.state.name,
        money=order.money,
        goods=order.goods,
        allowed=order.allowed(),
        channel=order.channel,
        service=order.service,
        table=order.table,
        tab=order.policy.tab,
        closed=order.closed,
        rounds=max(one.round for one in order.lines),
        customer_id=order.customer_id,
        tags=tuple(sorted(order.tags)),
        placed_at=order.placed_at,
        scheduled_for=order.scheduled_for,
        promised_at=order.promised_at,
        expires_at=order.expires_at if order.state.phase is Phase.WAITING else None,
        lines=tuple(_line(one, quantities[one.id]) for one in order.lines),
        work=tuple(_work(order, one, booking) for one in order.fulfillments),
        holds=tuple(_stop(one) for one in order.holds),
        exceptions=tuple(
            OpenException(code, detail, ADVICE.get(code, _LOOK))
            for code, detail in order.exceptions
        ),
        unfinished=tuple(
            Unfinished(
                one.id, one.purpose, one.since, one.due_at, one.attempts, one.parked, one.reason
            )
            for one in order.intents
        ),
        returns=tuple(
            ReturnView(
                one.id,
                one.state.name,
                one.reason,
                tuple(
                    (it.line_id, it.announced, it.received, it.inspected, it.credited)
                    for it in one.items
                ),
            )
            for one in order.returns
        ),
        figures=_figures(order),
        coming_up=order.due_items,
        delays=delays(order, now=now, limits=limits),
    )


def _line(one: OrderLine, units: LineQuantities) -> LineView:
    wishes = told(one.modifiers)
    return LineView(one.id, one.sku, one.name, wishes, one.course, one.round, one.seat, units)


def _work(order: Order, one: Fulfillment, booking: set[str]) -> Work:
    mine = [order.line(item.line_id) for item in one.items]
    return Work(
        id=one.id,
        kind=one.kind,
        location=one.location,
        state=one.state.name,
        since=one.since,
        started_at=one.started_at,
        promised_at=one.promised_at,
        arrived_at=one.arrived_at,
        course=max(line.course for line in mine),
        rounds=tuple(sorted({line.round for line in mine})),
        units=tuple(one.units.items()),
        next=order.lifecycle(one).allowed(one.state),
        blocked=tuple(
            hold.name
            for hold in order.holds
            if "fulfil" in hold.blocks and (not hold.fulfillments or one.id in hold.fulfillments)
        ),
        booking=one.id in booking,
        stopping=one.stopping,
        ingredients=one.ingredients,
        carrier=one.carrier,
        tracking=one.tracking,
        scan=one.scan,
        label="; ".join(
            f"label kept: {label.kept}" if label.kept else f"label refused: {label.refused}"
            for label in order.labels
            if label.shipment.fulfillment_id == one.id and not label.valid
        ),
    )


def _stop(one: Hold) -> Stop:
    blocks = tuple(sorted(one.blocks))
    return Stop(one.name, blocks, one.fulfillments, one.owner, one.reason, one.until, one.then)


def _figures(order: Order) -> MoneyView:
    return MoneyView(
        total=order.total,
        credited=order.credited,
        due=order.due,
        authorized=order.authorized,
        capturing=Money(order.figures.capturing, order.currency),
        captured=order.captured,
        refunded=order.refunded,
        charged_back=order.charged_back,
        refunding=order.refunding,
        balance=order.balance,
        payout=order.payout,
        uncovered=order.uncovered,
    )


# In a terminal -----------------------------------------------------------------------------

_LATE: Mapping[DelayReason, str] = {
    "promise_broken": "promised time passed",
    "will_be_late": "carrier expects it late",
    "plan_missed": "behind its plan",
    "too_late_to_start": "too late to start",
    "slow": "takes longer than it should",
    "stuck": "too long in its state",
    "silent": "nothing heard of it",
    "overdue": "unfinished business overdue",
    "parked": "waits for a person",
    "expiring": "about to expire unpaid",
}


def _rendered(view: StaffView, zone: tzinfo) -> Iterator[str]:
    yield on_one_line(f"Order {view.order_id}: {view.state}, {view.money}, {view.goods}")
    yield from columns(list(_facts(view, zone)))
    for title, lines in (
        ("Late", [*_delays_told(view)]),
        ("Wrong", [(one.code, one.detail, f"-> {one.advice}") for one in view.exceptions]),
        ("Stopped", [*_stops_told(view, zone)]),
        ("Lines", [*_lines_told(view)]),
        ("Work", [*_work_told(view, zone)]),
        ("Coming back", [*_returns_told(view)]),
        ("Unfinished", [*_unfinished_told(view, zone)]),
        ("Next", [(local(one.at, zone), one.action, one.subject) for one in view.coming_up]),
        ("Money", [*_money_told(view)]),
    ):
        if lines:
            yield ""
            yield title
            yield from columns(lines)


def _facts(view: StaffView, zone: tzinfo) -> Iterator[tuple[str, str]]:
    where = " ".join(part for part in (view.channel, view.service) if part)
    yield "placed", f"{local(view.placed_at, zone)} by {where}"
    if view.table or view.tab:
        tab = ("tab closed" if view.closed else "tab open") if view.tab else ""
        told_ = (f"table {view.table}" if view.table else "", tab, f"round {view.rounds}")
        yield "guests", ", ".join(part for part in told_ if part)
    for name, at in (
        ("wanted", view.scheduled_for),
        ("promised", view.promised_at),
        ("expires", view.expires_at),
    ):
        if at:
            yield name, local(at, zone)
    if view.tags:
        yield "tags", ", ".join(view.tags)
    yield "may", ", ".join(view.allowed) or "nothing"


def _delays_told(view: StaffView) -> Iterator[tuple[str, str, str]]:
    for one in view.delays:
        yield in_words(one.late_by), one.where, _LATE[one.reason]


def _stops_told(view: StaffView, zone: tzinfo) -> Iterator[tuple[str, str, str]]:
    for one in view.holds:
        what = ", ".join((*one.blocks, *one.fulfillments))
        until = f"until {local(one.until, zone)}, then {one.then}" if one.until else ""
        why = " ".join(part for part in (one.reason, until, one.owner and f"({one.owner})") if part)
        yield one.name, what, why


def _lines_told(view: StaffView) -> Iterator[tuple[str, str, str, str]]:
    for one in view.lines:
        named = zip(LineQuantities._fields[1:7], one.units[1:7], strict=True)
        parts = [f"{units} {name.replace('_', ' ')}" for name, units in named if units]
        wishes = f" ({one.wishes})" if one.wishes else ""
        places = [
            f"course {one.course}" if one.course else "",
            f"seat {one.seat}" if one.seat else "",
        ]
        yield (
            one.id,
            f"{one.units.ordered} x {one.name or one.sku}{wishes}",
            ", ".join(parts),
            ", ".join(place for place in places if place),
        )


def _work_told(view: StaffView, zone: tzinfo) -> Iterator[tuple[str, ...]]:
    for one in view.work:
        units = ", ".join(f"{count} of {name}" for name, count in one.units)
        notes = [" ".join(part for part in (one.carrier, one.tracking) if part)]
        if one.scan:
            notes.append(f"{one.scan.status.replace('_', ' ')} {one.scan.place}".rstrip())
        notes += [one.label, *(f"held by {name}" for name in one.blocked)]
        notes += ["being booked"] * one.booking
        notes += [f"asked to stop {count} of {name}" for name, count in one.stopping]
        notes += [f"-> {', '.join(one.next)}"] if one.next else []
        yield (
            one.id,
            f"{one.kind} at {one.location}",
            one.state,
            f"since {local(one.since, zone)}" if one.since else "",
            units,
            "; ".join(note for note in notes if note),
        )


def _returns_told(view: StaffView) -> Iterator[tuple[str, str, str]]:
    for one in view.returns:
        items = (f"{got} of {told_} {name}" for name, told_, got, _, _ in one.items)
        yield one.id, one.state, ", ".join(items) + (f": {one.reason}" if one.reason else "")


def _unfinished_told(view: StaffView, zone: tzinfo) -> Iterator[tuple[str, str, str]]:
    for one in view.unfinished:
        if one.parked:
            yield one.id, "parked", one.parked
            continue
        tries = "1 try" if one.attempts == 1 else f"{one.attempts} tries"
        state = ", ".join(part for part in (tries, one.reason) if part)
        yield one.id, f"due {local(one.due_at, zone)}", state


def _money_told(view: StaffView) -> Iterator[tuple[str, str]]:
    for name, amount in zip(MoneyView._fields, view.figures, strict=True):
        if amount or name in ("total", "due"):
            yield name.replace("_", " "), str(amount)
