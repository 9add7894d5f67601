"""From what the caller says to the first event of an order, with every fault named at once."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar, final

from attrs import evolve

from orderwright.errors import Fault, InvalidInput
from orderwright.money import Money, total
from orderwright.orders.amounts import Adjustment
from orderwright.orders.contacts import Contact
from orderwright.orders.events import HoldPlaced, OrderDrafted, OrderPlaced
from orderwright.orders.kits import counted, exploded
from orderwright.orders.lines import (
    RESERVED_KINDS,
    Charge,
    DraftLine,
    Hold,
    OrderLine,
    Policy,
    Reference,
)
from orderwright.orders.totals import Terms, work_out
from orderwright.payments.payment import Payment, Tender
from orderwright.values import aware, each, identifier, instance, moment, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from orderwright.lifecycles import Lifecycles
    from orderwright.money import UnitPrice
    from orderwright.orders.amounts import Component, TaxLine
    from orderwright.orders.events import Event
    from orderwright.orders.kits import Part
    from orderwright.orders.order import Order

__all__ = [
    "MAX_LINES",
    "SCHEDULED",
    "Placement",
    "amounts_in",
    "contact_id",
    "contents",
    "expiry",
    "order_line",
    "payments_of",
    "placed_draft",
    "waiting",
]

MAX_LINES = 10_000
SCHEDULED = "scheduled"
"""The name of the hold under which an order waits for its time."""


@final
class Placement(NamedTuple):
    """What the caller says of an order, before anything is worked out; see ``OrderDesk.place``."""

    order_id: str
    lines: Sequence[DraftLine]
    charges: Sequence[Charge]
    adjustments: Sequence[Adjustment]
    tenders: Sequence[Tender]
    channel: str
    customer_id: str
    references: Sequence[Reference]
    policy: Policy
    at: datetime
    occurred_at: datetime | None
    by: str
    service: str = ""
    scheduled_for: datetime | None = None
    contact: Contact | None = None
    table: str = ""

    def faults(self) -> Iterator[Fault]:
        """Return everything that is wrong, with its path."""
        yield from _checked(identifier, self.order_id, "order_id")
        yield from _checked(identifier, self.channel, "channel")
        yield from _checked(aware, self.at, "at")
        if self.service != "":
            yield from _checked(identifier, self.service, "service")
        if self.table != "":
            yield from _checked(identifier, self.table, "table")
        if self.scheduled_for is not None:
            yield from _checked(aware, self.scheduled_for, "scheduled_for")
        if self.contact is not None:
            yield from _checked(partial(instance, kind=Contact), self.contact, "contact")
        if self.customer_id != "":
            yield from _checked(identifier, self.customer_id, "customer_id")
        if self.occurred_at is not None:
            yield from _checked(aware, self.occurred_at, "occurred_at")
        yield from _checked(text, self.by, "by")
        yield from _checked(partial(instance, kind=Policy), self.policy, "policy")
        kinds = [
            *_checked(partial(each, kind=DraftLine), self.lines, "lines"),
            *_checked(partial(each, kind=Charge), self.charges, "charges"),
            *_checked(partial(each, kind=Adjustment), self.adjustments, "adjustments"),
            *_checked(partial(each, kind=Tender), self.tenders, "tenders"),
            *_checked(partial(each, kind=Reference), self.references, "references"),
        ]
        yield from kinds or self._content_faults()

    def _content_faults(self) -> Iterator[Fault]:
        for index, reference in enumerate(self.references):
            wrong_kind = tuple(_checked(identifier, reference.kind, f"references[{index}].kind"))
            yield from wrong_kind
            if not wrong_kind and reference.kind in RESERVED_KINDS:
                wrong = f"the kind {reference.kind!r} is ours: providers' ids, tracking numbers"
                yield Fault(f"references[{index}].kind", wrong)
            yield from _checked(text, reference.value, f"references[{index}].value")
        if not self.lines:
            yield Fault("lines", "an order needs at least one line")
        elif (count := counted(self.lines)) > MAX_LINES:
            yield Fault("lines", f"{count} lines; an order has at most {MAX_LINES}")
        elif broken := tuple(_kit_faults(self.lines)):
            yield from broken
        else:
            yield from _currency_faults(self)
            yield from _repeated(self.lines, self.charges)


def _kit_faults(lines: Sequence[DraftLine]) -> Iterator[Fault]:
    """What is wrong with kits once they are taken apart."""
    for index, line in enumerate(lines):
        if line.parts:
            try:
                exploded([("", line)])
            except InvalidInput as error:
                yield from (
                    Fault(f"lines[{index}].{one.path}", one.message) for one in error.faults
                )


_C = TypeVar("_C", OrderPlaced, OrderDrafted)


def contact_id(order_id: str, known: int = 0) -> str:
    """Return the id under which an order's next contact is kept, after so many others."""
    return f"{order_id}/contact-{known + 1}"


def contents(said: Placement, kind: type[_C], lifecycles: Lifecycles) -> _C:
    """Return the event that says all of an order; raise InvalidInput with all faults together."""
    faults = tuple(said.faults())
    if faults:
        raise InvalidInput(faults)
    currency = said.lines[0].unit_price.currency
    parts = exploded(_named("l", said.lines))
    line_parts, charge_parts = work_out(
        [Terms.of(one.line, one.kit.id if one.kit else "") for one in parts],
        [Terms.of(charge) for charge in said.charges],
        said.adjustments,
        said.policy,
        currency,
    )
    lines: tuple[OrderLine, ...] = tuple(
        order_line(one, components) for one, components in zip(parts, line_parts, strict=True)
    )
    charges: tuple[Charge, ...] = tuple(
        evolve(charge, id=charge_id, components=components, origin="")
        for (charge_id, charge), components in zip(
            _named("c", said.charges), charge_parts, strict=True
        )
    )
    due = total((one.total for one in (*lines, *charges)), currency)
    state = lifecycles.order.initial
    placing = kind is OrderPlaced
    wanted = said.scheduled_for and moment(said.scheduled_for, "scheduled_for")
    return kind(
        order_id=said.order_id,
        currency=currency,
        lines=lines,
        charges=charges,
        adjustments=tuple(said.adjustments),
        payments=payments_of(said.tenders, due, batch=1, first=1, at=said.at if placing else None),
        policy=said.policy,
        channel=said.channel,
        customer_id=said.customer_id,
        references=tuple(said.references),
        expires_at=expiry(said.policy, wanted, said.at) if placing else None,
        state=lifecycles.order.step(state, "place") if placing else state,
        service=said.service,
        table=said.table,
        scheduled_for=wanted,
        contact_id="" if said.contact is None else contact_id(said.order_id),
        lifecycles=lifecycles.name,
        at=said.at,
        occurred_at=said.occurred_at and moment(said.occurred_at, "occurred_at"),
        key=said.order_id,
        by=said.by,
    )


def placed_draft(draft: Order, *, at: datetime) -> tuple[Event, ...]:
    """Return the events that place what a draft says; raise IllegalTransition if it is none."""
    state = draft.lifecycles.order.step(draft.state, "place", "order", draft.id)
    opening = OrderPlaced(
        order_id=draft.id,
        currency=draft.currency,
        lines=draft.lines,
        charges=draft.charges,
        adjustments=draft.adjustments,
        payments=tuple(
            one if one.terms is None else evolve(one, payable_by=at + one.terms)
            for one in draft.payments
        ),
        policy=draft.policy,
        channel=draft.channel,
        customer_id=draft.customer_id,
        references=draft.references,
        expires_at=expiry(draft.policy, draft.scheduled_for, at),
        state=state,
        lifecycles=draft.lifecycles.name,
        service=draft.service,
        table=draft.table,
        scheduled_for=draft.scheduled_for,
        contact_id=draft.contact_id,
        at=at,
    )
    return (opening, *waiting(opening.policy, opening.scheduled_for, at))


def _begins(policy: Policy, scheduled_for: datetime | None, at: datetime) -> datetime:
    """When work on an order begins that is placed ``at`` a moment."""
    if scheduled_for is None or policy.lead_time is None:
        return at
    return max(at, scheduled_for - policy.lead_time)


def expiry(policy: Policy, scheduled_for: datetime | None, at: datetime) -> datetime | None:
    """Return when an order placed ``at`` a moment expires unpaid; None for never."""
    if policy.unpaid_ttl is None or policy.tab:
        return None
    return _begins(policy, scheduled_for, at) + policy.unpaid_ttl


def waiting(policy: Policy, scheduled_for: datetime | None, at: datetime) -> tuple[HoldPlaced, ...]:
    """Return the hold under which an order waits for the time it is scheduled for."""
    begins = _begins(policy, scheduled_for, at)
    if begins == at:
        return ()
    stop = Hold(
        name=SCHEDULED,
        blocks=frozenset({"allocate", "capture", "fulfil"}),
        reason="not before its time",
        until=begins,
        then="release",
    )
    return (HoldPlaced(hold=stop, reason=stop.reason, at=at),)


def order_line(
    part: Part, components: tuple[Component, ...], replaces: str = "", number: int = 1
) -> OrderLine:
    """Return the line an order keeps of what the caller gave in round ``number``."""
    line = part.line
    return OrderLine(
        id=part.id,
        sku=line.sku,
        ordered=line.quantity,
        unit_price=line.price,
        components=components,
        adjustments=line.adjustments,
        taxes=line.taxes,
        name=line.name,
        requires=line.requires,
        together=line.together,
        replaces=replaces,
        kit=part.kit,
        modifiers=line.modifiers,
        course=line.course,
        seat=line.seat,
        uses=line.needs,
        preparation=line.preparation,
        round=number,
    )


_P = TypeVar("_P", DraftLine, Charge)


def _named(prefix: str, parts: Sequence[_P]) -> Iterator[tuple[str, _P]]:
    """Pair each part with its id: its own, or the prefix and its number."""
    return ((one.id or f"{prefix}{number}", one) for number, one in enumerate(parts, 1))


def payments_of(
    tenders: Sequence[Tender], due: Money, *, batch: int, first: int, at: datetime | None
) -> tuple[Payment, ...]:
    """Return a payment per tender; one without an amount takes what the ones before it leave.

    ``at`` is when they are offered, from which the terms of an invoice run (None: not yet). Raises
    InvalidInput for another currency.
    """
    left = due
    payments: list[Payment] = []
    for number, tender in enumerate(tenders, first):
        amount = tender.amount
        if amount is not None and amount.currency != due.currency:
            wrong = f"{amount}: the order is in {due.currency}"
            raise InvalidInput.at(f"tenders[{number - first}].amount", wrong)
        if amount is None:
            amount = left if left.minor > 0 else Money.zero(due.currency)
        left -= amount
        payments.append(
            Payment(
                id=f"p{number}",
                method=tender.method,
                amount=amount,
                instrument=tender.instrument,
                batch=batch,
                collected=tender.collected,
                payable_by=None if tender.terms is None or at is None else at + tender.terms,
                terms=tender.terms,
            )
        )
    return tuple(payments)


def _checked(check: Callable[..., object], value: object, path: str) -> tuple[Fault, ...]:
    try:
        check(value, path=path)
    except InvalidInput as error:
        return error.faults
    return ()


def _currency_faults(said: Placement) -> Iterator[Fault]:
    currency = said.lines[0].unit_price.currency
    for path, found in amounts_in(said.lines, said.charges, said.adjustments, said.tenders):
        if found.currency != currency:
            yield Fault(path, f"{found}: the order is in {currency}, as its first line is")


def amounts_in(
    lines: Sequence[DraftLine],
    charges: Sequence[Charge],
    adjustments: Sequence[Adjustment],
    tenders: Sequence[Tender] = (),
) -> Iterator[tuple[str, Money | UnitPrice]]:
    """Return every amount in what a caller gave, with its path."""
    for index, line in enumerate(lines):
        yield f"lines[{index}].unit_price", line.unit_price
        yield from _changes_in(f"lines[{index}].", line.adjustments, line.taxes)
    for index, charge in enumerate(charges):
        yield f"charges[{index}].amount", charge.amount
        yield from _changes_in(f"charges[{index}].", charge.adjustments, charge.taxes)
    yield from _changes_in("", adjustments, ())
    for index, tender in enumerate(tenders):
        if tender.amount is not None:
            yield f"tenders[{index}].amount", tender.amount


def _changes_in(
    path: str, adjustments: Sequence[Adjustment], taxes: Sequence[TaxLine]
) -> Iterator[tuple[str, Money]]:
    for index, one in enumerate(adjustments):
        for name, money in (("amount", one.amount), ("limit", one.limit), ("floor", one.floor)):
            if money is not None:
                yield f"{path}adjustments[{index}].{name}", money
    for index, tax in enumerate(taxes):
        if tax.amount is not None:
            yield f"{path}taxes[{index}].amount", tax.amount


def _repeated(lines: Sequence[DraftLine], charges: Sequence[Charge]) -> Iterator[Fault]:
    seen: set[str] = set()
    for path, ids in (
        ("lines", [_ids(one) for one in _named("l", lines)]),
        ("charges", [(name,) for name, _ in _named("c", charges)]),
    ):
        for index, names in enumerate(ids):
            for one in names:
                if one in seen:
                    wrong = f"the id {one!r} is used twice; lines and charges share ids"
                    yield Fault(f"{path}[{index}].id", wrong)
                seen.add(one)


def _ids(named: tuple[str, DraftLine]) -> tuple[str, ...]:
    """Return the ids a line takes: a kit's components have one each."""
    name, line = named
    return (name, *(one.id for one in exploded([named]))) if line.parts else (name,)
