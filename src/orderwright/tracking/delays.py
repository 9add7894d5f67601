"""What of an order is late, what will be, and since when: a pure function of the order and now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple, cast, final

from attrs import field, frozen

from orderwright.errors import InvalidInput
from orderwright.lifecycles import NOT_COLLECTED, READY, Phase
from orderwright.values import in_utc, instance, span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orderwright.fulfillment.fulfillment import Fulfillment
    from orderwright.orders.order import Order

__all__ = ["DEFAULT_LIMITS", "Delay", "DelayReason", "Limits", "Slow", "delays", "outstanding"]

DelayReason = Literal[
    "promise_broken",
    "will_be_late",
    "plan_missed",
    "too_late_to_start",
    "slow",
    "stuck",
    "silent",
    "overdue",
    "parked",
    "expiring",
]
"""Why something counts as late; see :func:`delays`."""

Slow = Mapping[Phase | tuple[str, str], timedelta]
"""How long a fulfillment may be in the states of a phase, or in one (kind, state name)."""


def _stuck(value: Slow) -> Slow:
    if not isinstance(cast("object", value), Mapping):
        raise InvalidInput.at("stuck", f"expected spans by phase, got {type(value).__name__}")
    for key, limit in value.items():
        parts = cast("tuple[object, ...]", key) if isinstance(key, tuple) else ()
        if type(key) is not Phase and [str, str] != [type(one) for one in parts]:
            wrong = f"{key!r} is neither a Phase nor a pair of kind and state name"
            raise InvalidInput.at("stuck", wrong)
        span(limit, f"stuck[{key!r}]")
    return dict(value)


@final
@frozen(kw_only=True)
class Limits:
    """How long things may take before they count as late. Each but ``stuck`` may be None: never.

    ``stuck``: how long a fulfillment may be in the states of a phase (``Phase.OUT``) or, which goes
    before, in one state of one kind (``("ticket", "ready")``); what it does not name may take as
    long as it likes. ``silent``: how long a carrier may say nothing of a parcel that is on its way.
    ``overdue``: how long after it was due unfinished business may be left lying. ``expiring``: how
    long before an unpaid order expires somebody should look.
    """

    stuck: Slow = field(factory=dict[Phase | tuple[str, str], timedelta], converter=_stuck)
    silent: timedelta | None = timedelta(days=3)
    overdue: timedelta | None = timedelta(minutes=15)
    expiring: timedelta | None = timedelta(minutes=15)

    def __attrs_post_init__(self) -> None:
        """Refuse what is no span of time."""
        for name in ("silent", "overdue", "expiring"):
            limit: timedelta | None = getattr(self, name)
            if limit is not None:
                span(limit, name, ", or None for never")

    def of(self, one: Fulfillment) -> timedelta | None:
        """Return how long ``one`` may be in its state; None for as long as it likes."""
        return self.stuck.get((one.kind, one.state.name), self.stuck.get(one.state.phase))


DEFAULT_LIMITS = Limits()


@final
class Delay(NamedTuple):
    """Something is past its limit: by how much, since when, and where.

    ``since`` is when it should have been otherwise, or, for what is ``stuck``, ``silent``,
    ``overdue`` or ``parked``, when that began; ``where`` is the id of the order, line, fulfillment
    or intent. All times are UTC.
    """

    reason: DelayReason
    late_by: timedelta
    since: datetime
    where: str


def delays(order: Order, *, now: datetime, limits: Limits = DEFAULT_LIMITS) -> tuple[Delay, ...]:
    """Return all that is late with ``order`` at ``now`` (aware), the latest first.

    - ``promise_broken``: what the customer was told has passed, and they do not have everything.
    - ``will_be_late``: the carrier expects to arrive after what was promised.
    - ``plan_missed``: a fulfillment is past the time its plan had for it.
    - ``too_late_to_start``: what is not begun yet takes longer than is left until the promise.
    - ``slow``: made for longer than the longest preparation of its lines, and not ready.
    - ``stuck``, ``silent``, ``overdue``, ``expiring``: past one of the ``limits``.
    - ``parked``: unfinished business that waits for a person.

    An order that is over in another way than it should, or is a draft, is not late, but what is
    unfinished about it may be. A parcel that was lost or came back is not late either: the order
    has an exception for it. Raises InvalidInput for a time without a zone, or other limits.
    """
    now = in_utc(now, "now")
    instance(limits, Limits, "limits")
    found = list(_of_intents(order, now, limits))
    if order.state.phase not in (Phase.PLANNED, Phase.DROPPED):
        found += _of_order(order, now, limits)
        for one in order.fulfillments:
            if one.live and not one.ended and one.state.phase is not Phase.DONE:
                found += _of_fulfillment(order, one, now, limits)
    return tuple(sorted(found, key=_worst_first))


def _worst_first(one: Delay) -> tuple[timedelta, str, str]:
    return -one.late_by, one.reason, one.where


def outstanding(order: Order) -> bool:
    """Whether the customer still waits for something, other than for what went astray."""
    if any(
        one.live and one.state.phase is not Phase.DONE and not one.astray
        for one in order.fulfillments
    ):
        return True
    return any(one.open or one.backordered for one in order.quantities().values())


def _of_intents(order: Order, now: datetime, limits: Limits) -> Iterator[Delay]:
    for one in order.intents:
        late_by = now - one.due_at
        if one.parked:
            yield Delay("parked", max(late_by, timedelta(0)), one.since, one.id)
        elif limits.overdue is not None and late_by > limits.overdue:
            yield Delay("overdue", late_by, one.since, one.id)


def _of_order(order: Order, now: datetime, limits: Limits) -> Iterator[Delay]:
    promised = order.promised_at
    if promised is not None:
        if now > promised and outstanding(order):
            yield Delay("promise_broken", now - promised, promised, order.id)
        for line_id, counts in order.quantities().items():
            if counts.open or counts.backordered:
                preparation = order.line(line_id).preparation
                yield from _too_late(promised, preparation, now, line_id)
    if limits.expiring is not None:
        for item in order.due_items:
            if item.action == "expire" and now > item.at - limits.expiring:
                since = item.at - limits.expiring
                yield Delay("expiring", now - since, since, order.id)


def _too_late(
    promised: datetime, preparation: timedelta, now: datetime, where: str
) -> Iterator[Delay]:
    begin = promised - preparation
    if preparation and now > begin:
        yield Delay("too_late_to_start", now - begin, begin, where)


def _of_fulfillment(
    order: Order, one: Fulfillment, now: datetime, limits: Limits
) -> Iterator[Delay]:
    told = [when for when in (order.promised_at, one.promised_at) if when is not None]
    promised = min(told, default=None)
    longest = max(order.line(item.line_id).preparation for item in one.items)
    if promised is not None:
        yield from _against(promised, one, longest, now)
    if longest and one.started_at is not None and _at_work(one):
        ready = one.started_at + longest
        if now > ready:
            yield Delay("slow", now - ready, ready, one.id)
    limit = limits.of(one)
    if limit is not None:
        yield from _beyond(one, one.since, limit, now, "stuck")
    if limits.silent is not None and one.state.phase is Phase.OUT:
        heard = one.scan.at if one.scan else one.since
        yield from _beyond(one, heard, limits.silent, now, "silent")


def _at_work(one: Fulfillment) -> bool:
    return one.state.phase is Phase.WORKING and one.state not in (READY, NOT_COLLECTED)


def _against(
    promised: datetime, one: Fulfillment, longest: timedelta, now: datetime
) -> Iterator[Delay]:
    if one.promised_at is not None and now > one.promised_at:
        yield Delay("plan_missed", now - one.promised_at, one.promised_at, one.id)
    expected = one.scan.expected_at if one.scan else None
    if expected is not None and expected > promised:
        yield Delay("will_be_late", expected - promised, promised, one.id)
    if one.started_at is None:
        yield from _too_late(promised, longest, now, one.id)
    elif _at_work(one) and one.started_at + longest > promised:
        yield Delay("will_be_late", one.started_at + longest - promised, promised, one.id)


def _beyond(
    one: Fulfillment,
    since: datetime | None,
    limit: timedelta,
    now: datetime,
    reason: Literal["stuck", "silent"],
) -> Iterator[Delay]:
    # Orders of the first releases do not tell since when they are in their state.
    if since is not None and now - since > limit:
        yield Delay(reason, now - since - limit, since, one.id)
