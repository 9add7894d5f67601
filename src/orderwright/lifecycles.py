"""Every state machine, as literal tables. Nothing outside this file decides what may follow what.

A table says ``(state, action) -> state``. It holds no guards: those are ordinary typed code in the
commands, run before anything changes. The tables are compiled through ``transitions.Machine``
once; commands read the compiled look-up. What already happened in the world (a hand-over, a
provider's answer) has a row from every state in which it can be reported, also from dead ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, final

from attrs import field, frozen
from transitions import Machine

from orderwright.errors import IllegalTransition, InvalidInput, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["STANDARD", "Lifecycle", "Lifecycles", "Phase", "State"]


@final
class Phase(StrEnum):
    """What a state means to code and reports, whatever its name: the closed set they match on."""

    PLANNED = "planned"
    """Decided, nothing bound yet: a draft; a fulfillment whose stock is not reserved."""
    WAITING = "waiting"
    """Bound and waiting: a placed order; reserved stock; a payment operation just requested."""
    WORKING = "working"
    """Under way inside our walls: a confirmed order; picking; a payment without an answer."""
    OUT = "out"
    """Handed over: it has left our walls."""
    DONE = "done"
    """Ended as hoped: completed, delivered, succeeded."""
    DROPPED = "dropped"
    """Ended otherwise: cancelled, rejected, expired, declined, failed."""


@final
class State(NamedTuple):
    """A named state of a lifecycle and the phase it belongs to."""

    name: str
    phase: Phase

    def __str__(self) -> str:
        """Return the name."""
        return self.name


def _own(table: Mapping[tuple[State, str], State]) -> Mapping[tuple[State, str], State]:
    return dict(table)


@final
@frozen(slots=False)  # for the cached look-up, which a slotted class makes at a price
class Lifecycle:
    """One state machine: the ``table`` of ``(state, action) -> state``, and where it begins.

    ``terminal`` names the states that have no exit. Raises InvalidInput, naming every fault, if a
    state is unreachable, a terminal state has an exit, another has none, or two states share a
    name.
    """

    name: str
    # A lifecycle is shown by its name alone: it is part of every order's repr, and of help texts.
    initial: State = field(repr=False)
    table: Mapping[tuple[State, str], State] = field(converter=_own, hash=False, repr=False)
    terminal: frozenset[State] = field(repr=False)

    def __attrs_post_init__(self) -> None:
        """Check the table; it is compiled when it is first asked."""
        faults = list(self._faults())
        if faults:
            raise InvalidInput.at(f"lifecycle {self.name}", "; ".join(faults))

    @property
    def states(self) -> dict[str, State]:
        """All states by name, the initial one first, then as the table mentions them."""
        mentioned = [self.initial]
        for (source, _), target in self.table.items():
            mentioned += (source, target)
        return {state.name: state for state in mentioned}

    def _faults(self) -> Iterable[str]:
        named = self.states
        every = {self.initial, *self.table.values(), *(source for source, _ in self.table)}
        for state in sorted(every, key=str):
            if named[state.name] != state:
                yield f"two states are named {state.name!r}"
        reached = {self.initial}
        frontier = [self.initial]
        while frontier:
            here = frontier.pop()
            for (source, _), target in self.table.items():
                if source == here and target not in reached:
                    reached.add(target)
                    frontier.append(target)
        for state in sorted(every - reached, key=str):
            yield f"{state} cannot be reached from {self.initial}"
        exits = {source for source, _ in self.table}
        for state in sorted(exits & self.terminal, key=str):
            yield f"{state} is terminal but has an exit"
        for state in sorted(every - exits - self.terminal, key=str):
            yield f"{state} has no exit but is not declared terminal"
        for state in sorted(self.terminal - every, key=str):
            yield f"terminal state {state} is not in the table"

    def machine(self) -> Machine:
        """Return the table as a ``transitions.Machine`` without a model."""
        return Machine(
            model=None,
            states=list(self.states),
            initial=None,
            auto_transitions=False,
            transitions=[
                {"trigger": action, "source": source.name, "dest": target.name}
                for (source, action), target in self.table.items()
            ],
        )

    @cached_property
    def _next(self) -> dict[str, dict[str, State]]:
        named = self.states
        compiled: dict[str, dict[str, State]] = {name: {} for name in named}
        events = self.machine().events
        for source, action in self.table:
            (transition,) = events[action].transitions[source.name]
            compiled[source.name][action] = named[str(transition.dest)]
        return compiled

    def step(self, state: State, action: str, subject: str = "", order_id: str = "") -> State:
        """Return the state that ``action`` leads to from ``state``.

        Raises IllegalTransition, which names ``subject`` and what is allowed, if there is none.
        """
        target = self._next.get(state.name, _NOWHERE).get(action)
        if target is None:
            raise IllegalTransition(
                subject or self.name, state.name, action, self.allowed(state), order_id
            )
        return target

    def after(self, state: State, action: str) -> State | None:
        """Return the state that ``action`` leads to from ``state``; None if there is none."""
        return self._next.get(state.name, _NOWHERE).get(action)

    def reported(self, state: State, action: str) -> State | None:
        """Return where a report of ``action`` leads from ``state``; None if it was known already.

        What happened has happened: where the table has no row, as in a state of your own, it
        leads where ``action`` leads from elsewhere.
        """
        target = self._next.get(state.name, _NOWHERE).get(action)
        if target is None and state.phase not in (Phase.OUT, Phase.DONE):
            targets = (row[action] for row in self._next.values() if action in row)
            target = next(targets, None)
        return target

    def is_report(self, action: str) -> bool:
        """Whether ``action`` says that something left our walls or arrived, rather than asks."""
        return any(
            row[action].phase in (Phase.OUT, Phase.DONE)
            for row in self._next.values()
            if action in row
        )

    def allowed(self, state: State) -> tuple[str, ...]:
        """Return the actions that have a row from ``state``, in the table's order."""
        return tuple(self._next.get(state.name, _NOWHERE))

    def extended(
        self,
        name: str,
        rows: Mapping[tuple[State, str], State],
        *,
        without: Iterable[tuple[State, str]] = (),
        terminal: Iterable[State] = (),
    ) -> Lifecycle:
        """Return a lifecycle with ``rows`` added or replaced and the keys ``without`` dropped."""
        dropped = set(without)
        kept = {key: target for key, target in self.table.items() if key not in dropped}
        return Lifecycle(name, self.initial, {**kept, **rows}, self.terminal | frozenset(terminal))

    def diagram(self) -> str:
        """Return the table as a Mermaid state diagram."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.initial}"]
        lines += [f"    {source} --> {to}: {do}" for (source, do), to in self.table.items()]
        lines += [f"    {one} --> [*]" for one in self.states.values() if one in self.terminal]
        return "\n".join(lines)


_NOWHERE: dict[str, State] = {}

DRAFT = State("draft", Phase.PLANNED)
PLACED = State("placed", Phase.WAITING)
CONFIRMED = State("confirmed", Phase.WORKING)
COMPLETED = State("completed", Phase.DONE)
REJECTED = State("rejected", Phase.DROPPED)
CANCELLED = State("cancelled", Phase.DROPPED)
EXPIRED = State("expired", Phase.DROPPED)
DISCARDED = State("discarded", Phase.DROPPED)

ORDER = Lifecycle(
    "order",
    DRAFT,
    {
        (DRAFT, "place"): PLACED,
        (DRAFT, "discard"): DISCARDED,
        (PLACED, "confirm"): CONFIRMED,
        (PLACED, "reject"): REJECTED,
        (PLACED, "cancel"): CANCELLED,
        (PLACED, "expire"): EXPIRED,
        (CONFIRMED, "complete"): COMPLETED,
        (CONFIRMED, "cancel"): CANCELLED,
        (COMPLETED, "reopen"): CONFIRMED,
    },
    terminal=frozenset({REJECTED, CANCELLED, EXPIRED, DISCARDED}),
)

PLANNED = State("planned", Phase.PLANNED)
RESERVED = State("reserved", Phase.WAITING)
RELEASED = State("released", Phase.WORKING)
PICKING = State("picking", Phase.WORKING)
PACKED = State("packed", Phase.WORKING)
SHIPPED = State("shipped", Phase.OUT)
LOST = State("lost", Phase.OUT)
RETURNED_TO_SENDER = State("returned_to_sender", Phase.OUT)
DELIVERED = State("delivered", Phase.DONE)
WITHDRAWN = State("withdrawn", Phase.DROPPED)
REFUSED = State("refused", Phase.DROPPED)
SHORT = State("short", Phase.DROPPED)

_PICKED = {
    (PLANNED, "reserve"): RESERVED,
    (PLANNED, "withdraw"): WITHDRAWN,
    (RESERVED, "release"): RELEASED,
    (RESERVED, "withdraw"): WITHDRAWN,
    # The location says no, or has fewer than the ledger thought: others are asked.
    (RESERVED, "refuse"): REFUSED,
    (RELEASED, "pick"): PICKING,
    (RELEASED, "withdraw"): WITHDRAWN,
    (RELEASED, "refuse"): REFUSED,
    (RELEASED, "run_short"): SHORT,
    (PICKING, "pack"): PACKED,
    # The answer of the people at work when an order was cancelled under their hands.
    (PICKING, "stop"): WITHDRAWN,
    (PICKING, "refuse"): REFUSED,
    (PICKING, "run_short"): SHORT,
    (PACKED, "stop"): WITHDRAWN,
    (PACKED, "run_short"): SHORT,
}
"""How goods are taken from the shelf, whatever becomes of them then."""
_INSIDE = (PLANNED, RESERVED, RELEASED, PICKING, PACKED, WITHDRAWN)

# Reports: goods that left or arrived have done so, whatever we knew until then.
SHIPMENT = Lifecycle(
    "shipment",
    PLANNED,
    {
        **_PICKED,
        **dict.fromkeys(((state, "ship") for state in _INSIDE), SHIPPED),
        **dict.fromkeys(((state, "deliver") for state in _INSIDE), DELIVERED),
        (SHIPPED, "deliver"): DELIVERED,
        (SHIPPED, "lose"): LOST,
        (SHIPPED, "return_to_sender"): RETURNED_TO_SENDER,
        (LOST, "deliver"): DELIVERED,
        (LOST, "return_to_sender"): RETURNED_TO_SENDER,
        (RETURNED_TO_SENDER, "ship"): SHIPPED,
        (RETURNED_TO_SENDER, "deliver"): DELIVERED,
    },
    terminal=frozenset({DELIVERED, REFUSED, SHORT}),
)

READY = State("ready", Phase.WORKING)
NOT_COLLECTED = State("not_collected", Phase.WORKING)
COLLECTED = State("collected", Phase.DONE)

PICKUP = Lifecycle(
    "pickup",
    PLANNED,
    {
        **_PICKED,
        (PICKING, "ready"): READY,
        (PACKED, "ready"): READY,
        (READY, "stop"): WITHDRAWN,
        # Nobody came: the goods still stand here, to be collected late or cancelled.
        (READY, "miss"): NOT_COLLECTED,
        (NOT_COLLECTED, "withdraw"): WITHDRAWN,
        **dict.fromkeys(((state, "collect") for state in _INSIDE), COLLECTED),
        (READY, "collect"): COLLECTED,
        (NOT_COLLECTED, "collect"): COLLECTED,
    },
    terminal=frozenset({COLLECTED, REFUSED, SHORT}),
)

ON_THE_WAY = State("on_the_way", Phase.OUT)
MISSED = State("missed", Phase.OUT)

_BY_COURIER = {
    (ON_THE_WAY, "deliver"): DELIVERED,
    (ON_THE_WAY, "miss"): MISSED,
    (MISSED, "dispatch"): ON_THE_WAY,
    (MISSED, "deliver"): DELIVERED,
    (MISSED, "return_to_sender"): RETURNED_TO_SENDER,
    (RETURNED_TO_SENDER, "dispatch"): ON_THE_WAY,
    (RETURNED_TO_SENDER, "deliver"): DELIVERED,
    (ON_THE_WAY, "lose"): LOST,
    (MISSED, "lose"): LOST,
    (LOST, "deliver"): DELIVERED,
}
"""How what a courier took gets to the customer."""

DELIVERY = Lifecycle(
    "delivery",
    PLANNED,
    {
        **_PICKED,
        **dict.fromkeys(((state, "dispatch") for state in _INSIDE), ON_THE_WAY),
        **dict.fromkeys(((state, "deliver") for state in _INSIDE), DELIVERED),
        **_BY_COURIER,
    },
    terminal=frozenset({DELIVERED, REFUSED, SHORT}),
)

SENDING_FAILED = State("sending_failed", Phase.WORKING)
SENT = State("sent", Phase.DONE)
_UNSENT = (PLANNED, RESERVED, RELEASED, SENDING_FAILED, WITHDRAWN)

DIGITAL = Lifecycle(
    "digital",
    PLANNED,
    {
        (PLANNED, "reserve"): RESERVED,
        (PLANNED, "withdraw"): WITHDRAWN,
        (RESERVED, "release"): RELEASED,
        (RESERVED, "withdraw"): WITHDRAWN,
        (RELEASED, "withdraw"): WITHDRAWN,
        (RELEASED, "fail"): SENDING_FAILED,
        (SENDING_FAILED, "withdraw"): WITHDRAWN,
        **dict.fromkeys(((state, "send") for state in _UNSENT), SENT),
    },
    terminal=frozenset({SENT}),
)

QUEUED = State("queued", Phase.WAITING)
FIRED = State("fired", Phase.WORKING)
PREPARING = State("preparing", Phase.WORKING)
RECALLED = State("recalled", Phase.WORKING)
SERVED = State("served", Phase.DONE)
REMADE = State("remade", Phase.DROPPED)
_IN_THE_KITCHEN = (PLANNED, QUEUED, FIRED, PREPARING, READY, RECALLED, WITHDRAWN)

TICKET = Lifecycle(
    "ticket",
    PLANNED,
    {
        (PLANNED, "reserve"): QUEUED,
        (PLANNED, "withdraw"): WITHDRAWN,
        (QUEUED, "fire"): FIRED,
        (QUEUED, "withdraw"): WITHDRAWN,
        (QUEUED, "refuse"): REFUSED,
        (FIRED, "prepare"): PREPARING,
        (FIRED, "stop"): WITHDRAWN,
        (FIRED, "refuse"): REFUSED,
        (PREPARING, "ready"): READY,
        (PREPARING, "stop"): WITHDRAWN,
        # Back on the stove; or into the bin, and a second ticket is made.
        (READY, "recall"): RECALLED,
        (READY, "stop"): WITHDRAWN,
        (RECALLED, "prepare"): PREPARING,
        (RECALLED, "ready"): READY,
        (PREPARING, "remake"): REMADE,
        (READY, "remake"): REMADE,
        (RECALLED, "remake"): REMADE,
        (SERVED, "remake"): REMADE,
        # To the table or over the counter; or with a courier to the door.
        **dict.fromkeys(((state, "serve") for state in _IN_THE_KITCHEN), SERVED),
        **dict.fromkeys(((state, "dispatch") for state in _IN_THE_KITCHEN), ON_THE_WAY),
        **dict.fromkeys(((state, "deliver") for state in _IN_THE_KITCHEN), DELIVERED),
        **_BY_COURIER,
    },
    terminal=frozenset({DELIVERED, REFUSED, REMADE}),
)

BOOKED = State("booked", Phase.WAITING)
USED = State("used", Phase.DONE)

BOOKING = Lifecycle(
    "booking",
    PLANNED,
    {
        (PLANNED, "reserve"): BOOKED,
        (PLANNED, "withdraw"): WITHDRAWN,
        (BOOKED, "withdraw"): WITHDRAWN,
        (PLANNED, "use"): USED,
        (BOOKED, "use"): USED,
        (WITHDRAWN, "use"): USED,
    },
    terminal=frozenset({USED}),
)

KINDS: Mapping[str, Lifecycle] = {
    one.name: one for one in (SHIPMENT, PICKUP, DELIVERY, DIGITAL, TICKET, BOOKING)
}
"""What each kind of fulfillment goes through."""

REQUESTED = State("requested", Phase.WAITING)
PENDING = State("pending", Phase.WORKING)
UNKNOWN = State("unknown", Phase.WORKING)
REQUIRES_ACTION = State("requires_action", Phase.WORKING)
SUCCEEDED = State("succeeded", Phase.DONE)
DECLINED = State("declined", Phase.DROPPED)
FAILED = State("failed", Phase.DROPPED)

PAYMENT_OPERATION = Lifecycle(
    "payment operation",
    REQUESTED,
    {
        (REQUESTED, "succeeded"): SUCCEEDED,
        (REQUESTED, "declined"): DECLINED,
        (REQUESTED, "failed"): FAILED,
        (REQUESTED, "pending"): PENDING,
        (REQUESTED, "unknown"): UNKNOWN,
        (REQUESTED, "requires_action"): REQUIRES_ACTION,
        (PENDING, "succeeded"): SUCCEEDED,
        (PENDING, "declined"): DECLINED,
        (PENDING, "failed"): FAILED,
        (PENDING, "unknown"): UNKNOWN,
        (PENDING, "requires_action"): REQUIRES_ACTION,
        (UNKNOWN, "succeeded"): SUCCEEDED,
        (UNKNOWN, "declined"): DECLINED,
        (UNKNOWN, "failed"): FAILED,
        (UNKNOWN, "pending"): PENDING,
        (UNKNOWN, "requires_action"): REQUIRES_ACTION,
        (REQUIRES_ACTION, "succeeded"): SUCCEEDED,
        (REQUIRES_ACTION, "declined"): DECLINED,
        (REQUIRES_ACTION, "failed"): FAILED,
        (REQUIRES_ACTION, "pending"): PENDING,
        (REQUIRES_ACTION, "unknown"): UNKNOWN,
        # A provider that said no and later reports the money moved is believed.
        (DECLINED, "succeeded"): SUCCEEDED,
        (FAILED, "succeeded"): SUCCEEDED,
    },
    terminal=frozenset({SUCCEEDED}),
)

RETURN_REQUESTED = State("requested", Phase.PLANNED)
RETURN_APPROVED = State("approved", Phase.WAITING)
RECEIVING = State("receiving", Phase.WORKING)
RETURN_CLOSED = State("closed", Phase.DONE)
RETURN_REFUSED = State("refused", Phase.DROPPED)
RETURN_CANCELLED = State("cancelled", Phase.DROPPED)

RETURN = Lifecycle(
    "return",
    RETURN_REQUESTED,
    {
        (RETURN_REQUESTED, "approve"): RETURN_APPROVED,
        (RETURN_REQUESTED, "refuse"): RETURN_REFUSED,
        (RETURN_REQUESTED, "cancel"): RETURN_CANCELLED,
        (RETURN_APPROVED, "cancel"): RETURN_CANCELLED,
        (RECEIVING, "inspect"): RECEIVING,
        (RECEIVING, "close"): RETURN_CLOSED,
        # Reports: goods that stand at the door have come back, whatever was agreed.
        (RETURN_REQUESTED, "receive"): RECEIVING,
        (RETURN_APPROVED, "receive"): RECEIVING,
        (RECEIVING, "receive"): RECEIVING,
        (RETURN_CLOSED, "receive"): RECEIVING,
        (RETURN_REFUSED, "receive"): RECEIVING,
        (RETURN_CANCELLED, "receive"): RECEIVING,
    },
    terminal=frozenset(),
)


def _kinds(given: Mapping[str, Lifecycle]) -> Mapping[str, Lifecycle]:
    for kind, lifecycle in given.items():
        if "reserve" not in lifecycle.allowed(lifecycle.initial):
            raise InvalidInput.at(f"kinds[{kind!r}]", "begins where it cannot `reserve`")
    return {**KINDS, **given}


@final
@frozen(kw_only=True)
class Lifecycles:
    """The lifecycles one business uses, under a ``name`` that is noted on each of its orders.

    ``kinds`` are those of fulfillments, by kind: yours replace, or come beside, those there are.
    Each begins where it can ``reserve``; raises InvalidInput otherwise. An order waits without end
    in a state from which it cannot ``expire``, though what it reserved may lapse.
    Give the same value to the desk, to replay and to the codec. A changed one gets a new name.
    """

    name: str
    order: Lifecycle = field(default=ORDER, repr=False)
    kinds: Mapping[str, Lifecycle] = field(default=KINDS, converter=_kinds, hash=False, repr=False)
    payment_operation: Lifecycle = field(default=PAYMENT_OPERATION, repr=False)
    returning: Lifecycle = field(default=RETURN, repr=False)

    def of(self, kind: str) -> Lifecycle:
        """Return what fulfillments of ``kind`` go through; raise NotFound."""
        found = self.kinds.get(kind)
        if found is None:
            raise NotFound("kind of fulfillment", kind)
        return found


STANDARD = Lifecycles(name="standard.v1")
"""The lifecycles orderwright comes with."""
