"""Resuming: whatever a crash, a time-out or a late answer left unfinished is finished here."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, final

from orderwright.errors import Conflict, InvalidInput, NotFound, OrderwrightError
from orderwright.flows.command import command
from orderwright.flows.loading import load
from orderwright.flows.processing import served
from orderwright.flows.settling import MAX_TRIES, Flows, follow, looked_up, record, save, settle
from orderwright.lifecycles import Phase
from orderwright.orders.commands import cancel, hold_ran_out
from orderwright.orders.lines import Reference
from orderwright.orders.paying import lapse, report_payment
from orderwright.orders.processing import claimed
from orderwright.payments.operations import PaymentOutcome, PaymentRequest
from orderwright.requests import FindDue, FindReference, ask
from orderwright.values import identifier, instance, moment, quantity, text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from orderwright.flows.settling import Setting
    from orderwright.orders.events import Event
    from orderwright.orders.intents import Intent
    from orderwright.orders.order import Order
    from orderwright.payments.payment import Payment, PaymentOperation
    from orderwright.ports import DueOrder
    from orderwright.requests import Flow

__all__ = ["Resumed", "Resuming", "take_over"]


@final
class Resumed(NamedTuple):
    """What a call of ``resume`` did: the orders it worked on, and those that raised."""

    order_ids: tuple[str, ...]
    failures: tuple[tuple[str, OrderwrightError], ...]


class Resuming(Flows):
    """The one background job, and what providers report by themselves."""

    __slots__ = ()

    @command
    def resume(self, *, now: datetime | None = None, limit: int = 100) -> Flow[Resumed]:
        """Work through up to ``limit`` orders with something due by ``now``. Call it every while.

        Each unfinished call is claimed first, so that two resumers never both make it. A payment
        of unknown outcome is looked up before it is sent again, under the same id. After the
        policy's attempts it is parked with a reason and waits for a person. Orders that were
        never paid expire; authorizations that have lapsed are asked for anew. An order that raises
        does not stop the others.
        """
        setting = self.setting
        now = setting.moment(None) if now is None else moment(now, "now")
        quantity(limit, "limit")
        worked: list[str] = []
        failures: list[tuple[str, OrderwrightError]] = []
        last: DueOrder | None = None
        while len(worked) < limit:
            page = yield from ask(FindDue(now, limit, last))
            for due in page[: limit - len(worked)]:
                last = due
                try:
                    order = yield from load(due.order_id)
                    yield from _resume(setting, order, now)
                except OrderwrightError as error:
                    # Without its traceback, which would keep this very flow alive.
                    failures.append((due.order_id, error.with_traceback(None)))
                else:
                    worked.append(due.order_id)
            if len(page) < limit:
                break
        return Resumed(tuple(worked), tuple(failures))

    @command
    def notify_payment(
        self,
        operation_id: str,
        *,
        outcome: PaymentOutcome | None = None,
        sequence: int = 0,
        at: datetime | None = None,
    ) -> Flow[Order]:
        """Take in what a provider reports by itself about one of our operations.

        With an ``outcome`` and the provider's ``sequence`` (a number that grows up to 2**63 - 1,
        such as its time) it is folded by that: older and repeated ones change nothing. Without
        both it is a hint: the operation is looked up now if it is still open, and if it was to
        open a payment and was refused, as a customer may try again where the provider has asked
        them. Raises NotFound for an unknown order or operation, AdapterFault if such a refusal
        cannot be looked up.
        """
        setting, at = self.setting, self.setting.moment(at)
        if type(operation_id) is not str or operation_id.count("/") != 2:  # noqa: PLR2004
            raise InvalidInput.at("operation_id", "expected order/payment/kind-n, as we sent it")
        quantity(sequence, "sequence", least=0, most=_SEQUENCE_MAX)
        if outcome is not None:
            instance(outcome, PaymentOutcome, "outcome")
        order = yield from load(operation_id.split("/", maxsplit=1)[0])
        found = [(one, one.operation(operation_id)) for one in order.payments]
        told_of = next(((one, operation) for one, operation in found if operation), None)
        if told_of is None:
            raise NotFound("payment operation", operation_id, order.id)
        if outcome is None or not sequence:
            open_ones = [one for one in order.intents if one.id == operation_id]
            if open_ones or not setting.durable:
                return (yield from take_over(setting, order, open_ones, at, asked=True))
            outcome, sequence = (yield from _made_good(order, *told_of)), 0
            if outcome is None:
                return order
        todo: list[str] = []

        def report(current: Order) -> Sequence[Event]:
            return report_payment(
                current,
                operation_id,
                outcome,
                at=at,
                sequence=sequence,
                several_captures=setting.several_captures,
            )

        order = yield from record(setting, order.id, report, at, order=order, todo=todo)
        return (yield from settle(setting, order, at, mine=todo))

    @command
    def retry(self, order_id: str, intent_id: str, *, at: datetime | None = None) -> Flow[Order]:
        """Take up unfinished business now, parked or not; ``intent_id`` is one of the order's.

        For a person who has looked into why it was parked. Raises NotFound.
        """
        setting, at = self.setting, self.setting.moment(at)
        order = yield from load(order_id)
        intent = order.intent(text(intent_id, "intent_id"))
        return (yield from take_over(setting, order, (intent,), at, asked=True))

    @command
    def find(self, kind: str, value: str) -> Flow[tuple[str, ...]]:
        """Return the ids of the orders known by a reference.

        ``payment`` is a provider's id, ``tracking`` a tracking number; other kinds are those you
        placed orders with.
        """
        reference = Reference(identifier(kind, "kind"), text(value, "value"))
        return (yield from ask(FindReference(reference)))


_SEQUENCE_MAX = 2**63 - 1


def _made_good(
    order: Order, payment: Payment, operation: PaymentOperation
) -> Flow[PaymentOutcome | None]:
    """Look up what was to open a payment and was refused: return its success, if it came later."""
    kind = operation.kind
    if kind not in ("authorize", "charge") or operation.state.phase is not Phase.DROPPED:
        return None
    request = PaymentRequest(
        id=operation.id,
        kind=kind,
        order_id=order.id,
        payment_id=payment.id,
        method=payment.method,
        amount=operation.amount,
        instrument=payment.instrument,
    )
    found = yield from looked_up(request)
    return found if found is not None and found.outcome == "succeeded" else None


def _resume(setting: Setting, order: Order, now: datetime) -> Flow[Order]:
    """Take over what is due on ``order`` and finish it; do nothing if somebody else was faster."""
    due = [item for item in order.due_items if item.at <= now]
    actions = {item.action for item in due}
    if "hold" in actions:
        name = next(item.subject for item in due if item.action == "hold")
        order = yield from _happened(setting, order, hold_ran_out(order, name, at=now), now)
        return (yield from served(setting, order, now))
    if "expire" in actions:
        expiry = cancel(order, at=now, reason="not paid", action="expire")
        return (yield from _happened(setting, order, (expiry,), now))
    if "reauthorize" in actions:
        payments = (item.subject for item in due if item.action == "reauthorize")
        lapses = tuple(lapse(order, one, at=now) for one in payments)
        return (yield from _happened(setting, order, lapses, now))
    if "plan" in actions:
        return (yield from settle(setting, order, now, mine=()))
    subjects = {item.subject for item in due}
    intents = [one for one in order.intents if one.id in subjects]
    return (yield from take_over(setting, order, intents, now))


def _happened(
    setting: Setting, order: Order, events: Sequence[Event], now: datetime
) -> Flow[Order]:
    """Save ``events`` and see to what follows, unless somebody else was faster."""
    after, events = follow(order, events, now)
    try:
        after, mine = yield from save(setting, after, events, version=order.version, at=now)
    except Conflict:
        return order
    return (yield from settle(setting, after, now, mine=mine))


def take_over(
    setting: Setting,
    order: Order,
    intents: Sequence[Intent],
    now: datetime,
    *,
    asked: bool = False,
) -> Flow[Order]:
    """Claim ``intents`` by saving the attempt, then finish them.

    A resumer who is too late does nothing; what somebody ``asked`` for is tried again.
    """
    again = [one.id for one in intents]
    for _ in range(MAX_TRIES):
        claims = [claimed(order, one, now, asked=asked) for one in order.intents if one.id in again]
        if not claims or not setting.durable:
            return order
        after, events = follow(order, claims, now)  # what is parked may have been waited for
        new: list[str] | None = None
        try:
            after, new = yield from save(setting, after, events, version=order.version, at=now)
        except Conflict:
            if not asked:
                return order
        if new is not None:
            mine = [*again, *new]
            return (yield from settle(setting, after, now, mine=mine, ask_first=again))
        order = yield from load(order.id)
    return order
