"""How a command on an existing order runs: its key, its version, its decision, its consequences."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, final

from attrs import evolve

from orderwright.errors import AmountRefused, Conflict, KeyReused
from orderwright.flows.loading import load_with_key
from orderwright.flows.settling import MAX_TRIES, carry_on, follow, plan_for, save
from orderwright.money import Money
from orderwright.orders.contacts import Contact, kept
from orderwright.orders.events import (
    Event,
    ExceptionOpened,
    NothingChanged,
    OrderContents,
    OrderEdited,
)
from orderwright.orders.repeating import fingerprints, require_same
from orderwright.orders.sourcing import demand, short_of
from orderwright.requests import LoadContact, ask
from orderwright.values import identifier, instance, moment, quantity, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from orderwright.flows.settling import Setting
    from orderwright.orders.order import Order
    from orderwright.requests import Flow

__all__ = ["Call", "decide", "require_same_contact", "same_contact"]


@final
class Call(NamedTuple):
    """What every command may be told besides its own content.

    ``kind`` and ``said`` are the event it will cause and the content a repeated ``key`` must
    repeat. ``reapply``: it may be decided again after somebody else saved (reports, appends).
    ``expected_due`` is what the order has to come to with it. ``sourced``: what it adds must be
    there, unless the policy keeps it backordered. ``contact`` is whom the order is for from now on.
    """

    kind: type[Event]
    said: Mapping[str, object]
    at: datetime
    key: str
    by: str
    expected_version: int | None = None
    occurred_at: datetime | None = None
    reapply: bool = False
    expected_due: Money | None = None
    sourced: bool = False
    contact: Contact | None = None

    def check(self) -> None:
        """Raise InvalidInput for what no command may be told."""
        if self.key != "":
            identifier(self.key, "key")
        if self.expected_version is not None:
            quantity(self.expected_version, "expected_version", least=0)
        text(self.by, "by")
        if self.expected_due is not None:
            instance(self.expected_due, Money, "expected_due")
        if self.occurred_at is not None:
            moment(self.occurred_at, "occurred_at")
        if self.contact is not None:
            instance(self.contact, Contact, "contact")

    def require_due(self, after: Order) -> None:
        """Raise AmountRefused if the order does not come to what the caller expects."""
        if self.expected_due is not None and self.expected_due != after.due:
            raise AmountRefused(
                "expected due",
                asked=self.expected_due,
                limit=after.due,
                order_id=after.id,
                allowed=after.allowed(),
            )

    def nothing(self, order: Order) -> tuple[Event, ...]:
        """Return what to save where nothing changes: that its key, if it has one, is used."""
        self.require_due(order)
        if not self.key:
            return ()
        said = fingerprints(self.said)
        return (NothingChanged(command=self.kind.__name__, said=said, at=self.at),)

    def final(self, attempt: int, *, durable: bool) -> bool:
        """Whether to raise a conflict at this ``attempt``; in the host's transaction, always."""
        again = self.reapply and self.expected_version is None and durable
        return not again or attempt + 1 == MAX_TRIES


def decide(
    setting: Setting,
    order_id: str,
    call: Call,
    decision: Callable[[Order], Sequence[Event]],
) -> Flow[Order]:
    """Load, decide, save, and settle; return the order after all of it.

    A key that was accepted before answers with the order as it is. Raises KeyReused for other
    content under a known key, AmountRefused when the order would not come to what the caller
    expects, OutOfStock when what is added is nowhere, Conflict when the version is not the
    expected one or, unless the call may be reapplied, when somebody else saved in between; and
    what ``decision`` raises.
    """
    call.check()
    for attempt in range(MAX_TRIES):
        order, before = yield from load_with_key(order_id, call.key)
        if before:
            if not (call.reapply and type(before[0]) is ExceptionOpened):
                require_same(before[0], call.kind, call.said, call.key)
                yield from require_same_contact(before[0], call.contact, call.key)
            # else a report that could only be noted as an exception: the key alone tells it
            return order
        if call.expected_version not in (None, order.version):
            raise Conflict(order_id, call.expected_version or 0, order.version)
        decided = tuple(decision(order)) or call.nothing(order)
        if not decided:
            return order
        after, events = follow(order, _stamped(decided, call), call.at)
        call.require_due(after)
        yield from _require_stock(setting, after, call)
        try:
            told = kept(events, call.contact)
            after, mine = yield from save(
                setting, after, events, version=order.version, at=call.at, contacts=told
            )
        except Conflict:
            if call.final(attempt, durable=setting.durable):
                raise
        else:
            return (yield from carry_on(setting, after, call.at, mine=mine))
    raise AssertionError("unreachable")  # pragma: no cover - the last attempt raises


def require_same_contact(before: Event, contact: Contact | None, key: str) -> Flow[None]:
    """Raise KeyReused, telling nothing of either, if another contact was saved under ``key``.

    One that was forgotten since cannot be told from any other.
    """
    if isinstance(before, NothingChanged):
        return
    contact_id = before.contact_id if isinstance(before, OrderContents | OrderEdited) else ""
    if contact is None or not contact_id:
        same = contact is None and not contact_id
    else:
        stored = yield from ask(LoadContact(contact_id))
        same = stored is None or stored == contact
    if not same:
        raise KeyReused(key, "contact", "(as it is kept)", "(another)")


def same_contact(known: Order | None, contact: Contact | None) -> Flow[str | None]:
    """Return the id of the contact that ``known`` has, if it is that one; None if it is not."""
    present = "" if known is None else known.contact_id
    if contact is None or not present:
        return "" if contact is None and not present else None
    stored = yield from ask(LoadContact(present))
    return present if stored == contact else None


def _require_stock(setting: Setting, after: Order, call: Call) -> Flow[None]:
    """Raise OutOfStock if what the call adds is nowhere; it is planned in earnest after saving."""
    wanted = demand(after) if call.sourced and after.policy.short == "reject" else ()
    if wanted:
        made = yield from plan_for(setting, after, wanted, call.at)
        if made.leftovers:
            raise short_of(after, wanted, made)


def _stamped(events: tuple[Event, ...], call: Call) -> tuple[Event, ...]:
    """Say who, when and under which key on the event the call is for, or else on the first."""
    if not (call.key or call.by or call.occurred_at):
        return events
    mine = next((one for one in events if type(one) is call.kind), events[0])
    when = call.occurred_at and moment(call.occurred_at, "occurred_at")
    told = evolve(mine, key=call.key, by=call.by, occurred_at=when)
    return tuple(told if one is mine else one for one in events)
