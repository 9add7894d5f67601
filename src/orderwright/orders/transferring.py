"""What is due moves from one tab to another: guests join a table, or leave for the bar.

Dishes stay with the tab that ordered them, and so do their tickets; only who pays for them changes.
The cents go as they are, component by component, and are at every moment due on one tab, or on
their way under an intent of the first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from orderwright.errors import AmountRefused, IllegalTransition, InvalidInput, QuantityRefused
from orderwright.lifecycles import Phase
from orderwright.money import Money, total
from orderwright.orders.amounts import priced
from orderwright.orders.crediting import all_of, units_of
from orderwright.orders.editing import free_id
from orderwright.orders.events import (
    DueTransferred,
    Intended,
    OrderEdited,
    TransferSettled,
)
from orderwright.orders.intents import Intent, Transfer
from orderwright.orders.lines import AddCharge, Charge
from orderwright.orders.tabs import require_tab

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from orderwright.orders.events import Event
    from orderwright.orders.lines import Credit, OrderLine
    from orderwright.orders.order import Order

__all__ = ["taken_over", "transfer", "transfer_settled"]


def _require_open(order: Order, action: str) -> None:
    require_tab(order, action)
    if order.closed:
        raise IllegalTransition("tab", "closed", action, ("reopen_tab",), order.id)


def transfer(
    order: Order,
    other: Order,
    units: Sequence[tuple[str, int]],
    *,
    at: datetime,
    reason: str,
) -> tuple[Event, ...]:
    """Move what is due for ``units``, or (none named) all that is due, onto the tab ``other``.

    Nothing, if nothing is due for them. Raises IllegalTransition unless both are open tabs,
    InvalidInput for one tab or two currencies, NotFound for an unknown line, QuantityRefused for
    more units than are due, AmountRefused for more than is neither paid nor authorized.
    """
    _require_open(order, "transfer")
    _require_open(other, "transfer")
    if other.id == order.id:
        raise InvalidInput.at("to", f"{order.id} is the tab itself: name another one")
    if other.currency != order.currency:
        wrong = f"{other.id} is in {other.currency}, {order.id} in {order.currency}"
        raise InvalidInput.at("to", wrong)
    credits_ = _some(order, units) if units else _all(order)
    charges = tuple(_charges(order, credits_))
    if not charges:
        return ()
    _require_unpaid(order, charges)
    moved = DueTransferred(
        to=other.id, units=tuple(units), credits=tuple(credits_), reason=reason, at=at
    )
    name = f"{order.id}/transfer-{order.version + 1}"
    intent = Intent(
        id=name,
        purpose="transfer",
        request=Transfer(id=name, order_id=other.id, charges=charges),
        since=at,
        due_at=at + order.policy.patience,
    )
    return (moved, Intended(intent=intent, at=at))


def _require_unpaid(order: Order, charges: Iterable[Charge]) -> None:
    """What guests paid for here stays here: moved, it would be paid back to them."""
    figures = order.figures
    held = figures.kept + figures.authorized + figures.capturing
    left = Money(max(0, figures.due - held), order.currency)
    moving = total((one.total for one in charges), order.currency)
    if moving > left:
        raise AmountRefused(
            "transfer what is not paid", asked=moving, limit=left, order_id=order.id
        )


def _some(order: Order, units: Sequence[tuple[str, int]]) -> list[Credit]:
    found: list[Credit] = []
    charges = {one.id: one for one in order.charges}
    for line_id, count in units:
        charge = charges.get(line_id)
        if charge is not None:
            _require_due(order, line_id, count, 1 if charge.remaining else 0)
            found.append(all_of(charge, 0))
            continue
        line = order.line(line_id)
        _require_due(order, line_id, count, line.remaining_units)
        found.append(units_of(line, count, order.policy.rounding))
    return found


def _require_due(order: Order, line_id: str, asked: int, limit: int) -> None:
    if asked > limit:
        raise QuantityRefused(
            "transfer what is to be paid for",
            line_id=line_id,
            asked=asked,
            limit=limit,
            order_id=order.id,
            allowed=order.allowed(),
        )


def _all(order: Order) -> list[Credit]:
    return [
        *(all_of(one, one.remaining_units) for one in order.lines if one.remaining_units),
        *(all_of(one, 0) for one in order.charges if one.remaining),
    ]


def _charges(order: Order, credits_: Iterable[Credit]) -> Iterable[Charge]:
    """Return what was credited as charges: the same components, each as much as was let go."""
    parts: dict[str, OrderLine | Charge] = {one.id: one for one in order.charges}
    parts |= {one.id: one for one in order.lines}
    for credit in credits_:
        components = tuple(
            priced(one.kind, one.name, amount)
            for one, amount in zip(parts[credit.target].components, credit.parts, strict=True)
        )
        if any(one.amount for one in components if one.adds):
            part = parts[credit.target]
            yield Charge(
                kind=part.kind if isinstance(part, Charge) else "transfer",
                amount=components[0].amount,
                components=components,
                origin=f"{order.id}/{part.id}",
            )


def _renamed(order: Order, charges: Iterable[Charge]) -> tuple[Charge, ...]:
    """Return charges under ids that nothing on ``order`` has."""
    names = {one.id for one in (*order.lines, *order.charges)}
    return tuple(evolve(one, id=free_id("c", len(order.charges), names)) for one in charges)


def taken_over(other: Order, request: Transfer, *, at: datetime) -> tuple[Event, ...]:
    """Add what comes from another tab; raise IllegalTransition unless the tab is open."""
    _require_open(other, "transfer")
    charges = _renamed(other, request.charges)
    source = request.id.partition("/")[0]
    edited = OrderEdited(
        changes=tuple(AddCharge(charge=one) for one in charges),
        lines=(),
        charges=charges,
        reason=f"from {source}",
        key=request.id,
        at=at,
    )
    return (edited,)


def transfer_settled(
    order: Order, intent_id: str, *, taken: bool, at: datetime
) -> tuple[TransferSettled, ...]:
    """Record that the other tab took it over, or that it is due here again."""
    request = order.intent(intent_id).request
    assert isinstance(request, Transfer)
    over = order.state.phase is Phase.DROPPED  # cancelled meanwhile: nothing is due for it
    back = () if taken or over else _renamed(order, request.charges)
    reason = "" if taken else f"{request.order_id} takes no more"
    return (TransferSettled(intent_id=intent_id, charges=back, reason=reason, at=at),)
