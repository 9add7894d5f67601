"""From what the caller says to the first event of an order, with every fault named at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from orderwright.errors import Fault, InvalidInput
from orderwright.money import Money, total
from orderwright.orders.events import OrderPlaced
from orderwright.orders.lines import Charge, DraftLine, OrderLine, Policy, Reference
from orderwright.payments.payment import Payment, Tender
from orderwright.values import aware, identifier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from orderwright.lifecycles import Lifecycles

__all__ = ["MAX_LINES", "payments_of", "placed"]

MAX_LINES = 10_000


def placed(
    order_id: str,
    lines: Sequence[DraftLine],
    *,
    charges: Sequence[Charge],
    tenders: Sequence[Tender],
    channel: str,
    customer_id: str,
    references: Sequence[Reference],
    policy: Policy,
    lifecycles: Lifecycles,
    at: datetime,
    occurred_at: datetime | None,
    by: str,
) -> OrderPlaced:
    """Return the event that places the order; raise InvalidInput with all faults together."""
    faults = [
        *_checked(identifier, order_id, "order_id"),
        *_checked(identifier, channel, "channel"),
        *(_checked(identifier, customer_id, "customer_id") if customer_id else ()),
        *_checked(aware, at, "at"),
        *(_checked(aware, occurred_at, "occurred_at") if occurred_at is not None else ()),
    ]
    if not lines:
        faults.append(Fault("lines", "an order needs at least one line"))
    if len(lines) > MAX_LINES:
        faults.append(Fault("lines", f"{len(lines)} lines; an order has at most {MAX_LINES}"))
    if faults or not lines:
        raise InvalidInput(faults)
    currency = lines[0].unit_price.currency
    faults += _currency_faults(currency, lines, charges, tenders)
    named = tuple(
        OrderLine(
            id=line.id or f"l{number}",
            sku=line.sku,
            ordered=line.quantity,
            unit_price=line.unit_price,
            amount=line.unit_price.times(line.quantity, policy.rounding),
            name=line.name,
            requires=line.requires,
        )
        for number, line in enumerate(lines, 1)
    )
    charged = tuple(
        charge if charge.id else evolve(charge, id=f"c{number}")
        for number, charge in enumerate(charges, 1)
    )
    faults += _repeated([*(line.id for line in named), *(charge.id for charge in charged)])
    if faults:
        raise InvalidInput(faults)
    due = total((line.amount for line in named), currency)
    due += total((charge.amount for charge in charged), currency)
    return OrderPlaced(
        order_id=order_id,
        currency=currency,
        lines=named,
        charges=charged,
        payments=payments_of(tenders, due, batch=1, first=1),
        policy=policy,
        channel=channel,
        customer_id=customer_id,
        references=tuple(references),
        state=lifecycles.order.step(lifecycles.order.initial, "place"),
        lifecycles=lifecycles.name,
        at=at,
        occurred_at=occurred_at,
        key=order_id,
        by=by,
    )


def payments_of(
    tenders: Sequence[Tender], due: Money, *, batch: int, first: int
) -> tuple[Payment, ...]:
    """Return a payment per tender; one without an amount takes what the ones before it leave."""
    left = due
    payments: list[Payment] = []
    for number, tender in enumerate(tenders, first):
        amount = tender.amount
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
            )
        )
    return tuple(payments)


def _checked(check: Callable[[object, str], object], value: object, path: str) -> tuple[Fault, ...]:
    try:
        check(value, path)
    except InvalidInput as error:
        return error.faults
    return ()


def _currency_faults(
    currency: str,
    lines: Sequence[DraftLine],
    charges: Sequence[Charge],
    tenders: Sequence[Tender],
) -> Iterator[Fault]:
    wrong = f"the order is in {currency}, as its first line is"
    for index, line in enumerate(lines):
        if line.unit_price.currency != currency:
            yield Fault(f"lines[{index}].unit_price", f"{line.unit_price}: {wrong}")
    for index, charge in enumerate(charges):
        if charge.amount.currency != currency:
            yield Fault(f"charges[{index}].amount", f"{charge.amount}: {wrong}")
    for index, tender in enumerate(tenders):
        if tender.amount is not None and tender.amount.currency != currency:
            yield Fault(f"tenders[{index}].amount", f"{tender.amount}: {wrong}")


def _repeated(ids: Sequence[str]) -> Iterator[Fault]:
    seen: set[str] = set()
    for one in ids:
        if one in seen:
            yield Fault("lines", f"the id {one!r} is used twice; lines and charges share ids")
        seen.add(one)
