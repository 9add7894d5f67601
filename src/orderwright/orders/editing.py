"""Changing what was ordered after it was placed, with the exact difference."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, final

from attrs import evolve

from orderwright.errors import AmountRefused, Fault, IllegalTransition, InvalidInput
from orderwright.lifecycles import Phase
from orderwright.money import Money
from orderwright.orders.amounts import Adjustment, Component, priced
from orderwright.orders.cancelling import cancel_units, require_alive
from orderwright.orders.commands import noted
from orderwright.orders.crediting import part_of, spread
from orderwright.orders.events import Event, HoldReleased, OrderCredited, OrderEdited
from orderwright.orders.kits import counted, exploded
from orderwright.orders.lines import AddAdjustment, AddCharge, AddLine, ChangeLine
from orderwright.orders.placement import (
    MAX_LINES,
    SCHEDULED,
    amounts_in,
    expiry,
    order_line,
    waiting,
)
from orderwright.orders.totals import Terms, work_out

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from typing import Any

    from orderwright.money import UnitPrice
    from orderwright.orders.amounts import TaxLine
    from orderwright.orders.lines import Change, Charge, OrderLine
    from orderwright.orders.order import Order
    from orderwright.payments.payment import Tender

__all__ = ["Details", "added", "credit", "edit", "free_id"]


@final
class Details(NamedTuple):
    """What else an edit may change; what is left empty stays.

    ``contact`` is the id under which whom it is for is kept: the same as before, or a new one.
    """

    contact: str = ""
    service: str = ""
    scheduled_for: datetime | None = None


def edit(
    order: Order,
    changes: Sequence[Change],
    *,
    details: Details = Details(),  # noqa: B008 - it is frozen
    tenders: Sequence[Tender] = (),
    at: datetime,
    reason: str,
) -> tuple[Event, ...]:
    """Change what was ordered; nothing if it is as asked already.

    New lines and charges are worked out among themselves under the order's policy. Of a line that
    changes, what is still due is worked out anew: its percentages and rates on the new price and
    units, its other adjustments as far as they are left; added units come on top of what is left
    of the price. Raises IllegalTransition if the order is over, or its details change while some
    of it is at work or nothing of it is left to serve; NotFound for an unknown line, InvalidInput
    for faulty changes, QuantityRefused where fewer units are wanted than can be given up. A tab
    that is closed takes charges (a tip) only.
    """
    require_alive(order, "edit")
    if order.closed and not all(isinstance(one, AddCharge) for one in changes):
        raise IllegalTransition("tab", "closed", "edit", ("reopen_tab",), order.id)
    _require_right(order, changes)
    changed, fewer = _lines_changed(order, changes)
    lines, charges = added(order, changes)
    told = _details(order, details, at)
    if not (changed or fewer or lines or charges or told or tenders):
        return ()
    # What was said of the rest is kept also where it was so already: the key is for all of it.
    when = details.scheduled_for
    said: dict[str, Any] = {
        "contact_id": details.contact,
        "service": details.service,
        "scheduled_for": when,
        "expires_at": None if when is None else order.expires_at,
    }
    edited = OrderEdited(
        changes=tuple(changes),
        lines=(*changed.values(), *lines),
        charges=charges,
        tenders=tuple(tenders),
        reason=reason,
        at=at,
        **(said | told),
    )
    events: list[Event] = [edited]
    if when is not None and "scheduled_for" in told:
        events += _rescheduled(order, when, at)
    if fewer:
        after_all = order.after(events)
        given_up = cancel_units(after_all, sorted(fewer.items()), at=at, reason=reason)
        events += noted(after_all, given_up)
        events += _told_anew(order.after(events), fewer, at, reason)
    return tuple(events)


def _told_anew(
    order: Order, given_up: Iterable[str], at: datetime, reason: str
) -> Iterator[OrderEdited]:
    """Taxes that are amounts were told for the units that stay: no share of them was given up."""
    lines = tuple(
        _worked_out(order, line, line.unit_price, line.taxes, 0)
        for line in (order.line(name) for name in sorted(given_up))
        if line.remaining_units and any(tax.amount for tax in line.taxes)
    )
    if lines:
        yield OrderEdited(changes=(), lines=lines, charges=(), reason=reason, at=at)


def _lines_changed(
    order: Order, changes: Sequence[Change]
) -> tuple[dict[str, OrderLine], dict[str, int]]:
    """Return the lines that are different afterwards, and how many units of each are too many."""
    changed: dict[str, OrderLine] = {}
    fewer: dict[str, int] = {}
    for one in changes:
        if isinstance(one, AddAdjustment):
            lines = [changed.get(line.id, line) for line in order.lines]
            changed |= _adjusted(order, lines, one)
        elif isinstance(one, ChangeLine):
            line = changed.get(one.line_id) or order.line(one.line_id)
            there = line.ordered - line.cancelled
            more = 0
            if one.quantity is not None:  # the last change of a line says how many are wanted
                fewer.pop(one.line_id, None)
                more = one.quantity - there
                if more < 0:
                    fewer[one.line_id] = -more
            after = _changed(order, line, one, max(0, more))
            if after != line:
                changed[one.line_id] = after
    return changed, fewer


def _details(order: Order, details: Details, at: datetime) -> dict[str, Any]:
    """Return the fields of the event that say what is new; raise IllegalTransition if too late."""
    told: dict[str, Any] = {}
    if details.contact not in ("", order.contact_id):
        told["contact_id"] = details.contact
    if details.service not in ("", order.service):
        told["service"] = details.service
    when = details.scheduled_for
    if when is not None and when != order.scheduled_for:
        told["scheduled_for"] = when
        told["expires_at"] = order.expires_at and expiry(order.policy, when, at)
    if not told:
        return told
    for one in order.fulfillments:
        if one.live and not one.gone and not order.may(one, "withdraw"):
            actions = order.lifecycle(one).allowed(one.state)
            subject = f"fulfillment {one.id}"
            raise IllegalTransition(subject, one.state.name, "edit", actions, order.id)
    if all(one.ordered - one.cancelled == one.fulfilled for one in order.quantities().values()):
        raise IllegalTransition("order", order.goods, "edit", order.allowed(), order.id)
    return told


def _rescheduled(order: Order, when: datetime, at: datetime) -> tuple[Event, ...]:
    """An order waits until its time comes, under a hold; if it has come, the hold goes."""
    waits = waiting(order.policy, when, at)
    if not waits and any(one.name == SCHEDULED for one in order.holds):
        return (HoldReleased(name=SCHEDULED, reason="rescheduled", at=at),)
    return waits


def _faults(order: Order, changes: Sequence[Change]) -> Iterator[Fault]:
    names = {one.id for one in _parts(order)}
    many = len(order.lines) + counted(one.line for one in changes if isinstance(one, AddLine))
    if many > MAX_LINES:
        yield Fault("changes", f"{many} lines; an order has at most {MAX_LINES}")
    for index, one in enumerate(changes):
        path = f"changes[{index}]"
        if isinstance(one, ChangeLine):
            yield from _change_faults(order, one, path)
        elif isinstance(one, AddAdjustment):
            yield from _adjustment_faults(order, one, path)
        else:
            yield from _added_faults(order, one, path, names)


def _parts(order: Order) -> list[OrderLine | Charge]:
    return [*order.lines, *order.charges]


def _added_faults(
    order: Order, one: AddLine | AddCharge, path: str, names: set[str]
) -> Iterator[Fault]:
    added = one.line if isinstance(one, AddLine) else one.charge
    if added.id in names or f"{added.id}.1" in names:
        yield Fault(f"{path}.id", f"the id {added.id!r} is used already")
    if added.id:
        names.add(added.id)
    if isinstance(one, AddLine):
        found, name = amounts_in([one.line], [], []), "line"
        if one.replaces:
            order.line(one.replaces)
    else:
        found, name = amounts_in([], [one.charge], []), "charge"
    for where, money in found:
        if money.currency != order.currency:
            place = f"{path}.{name}{where.partition(']')[2]}"
            yield Fault(place, f"{money}: the order is in {order.currency}")


def _change_faults(order: Order, change: ChangeLine, path: str) -> Iterator[Fault]:
    line = order.line(change.line_id)
    before = line.taxes
    if line.kit and change.quantity is not None and change.quantity > line.ordered - line.cancelled:
        wrong = f"is part of the kit {line.kit.id}: add another line of that kit"
        yield Fault(f"{path}.quantity", wrong)
    if change.unit_price is not None and change.unit_price.currency != order.currency:
        wrong = f"{change.unit_price}: the order is in {order.currency}"
        yield Fault(f"{path}.unit_price", wrong)
    if change.taxes is None:
        if any(tax.amount is not None for tax in before):
            wrong = "a tax is an amount only: bring the taxes as they are after the change"
            yield Fault(f"{path}.taxes", wrong)
        return
    old, new = ([(one.name, one.included) for one in taxes] for taxes in (before, change.taxes))
    if old != new:
        yield Fault(f"{path}.taxes", f"expected the same taxes as before: {old}, not {new}")
    for index, tax in enumerate(change.taxes):
        if tax.amount is not None and tax.amount.currency != order.currency:
            yield Fault(f"{path}.taxes[{index}].amount", f"{tax.amount} is in another currency")


def _adjustment_faults(order: Order, change: AddAdjustment, path: str) -> Iterator[Fault]:
    found = amounts_in([], [], [change.adjustment])
    for where, money in found:
        if money.currency != order.currency:
            field = where.partition(".")[2]
            yield Fault(f"{path}.adjustment.{field}", f"{money}: the order is in {order.currency}")
    lines = [order.line(change.line_id)] if change.line_id else order.lines
    for line in lines:
        if any(tax.amount is not None for tax in line.taxes):
            wrong = f"a tax of {line.id} is an amount only, and would stay as it is: credit it"
            yield Fault(f"{path}.adjustment", wrong)


def _adjusted(
    order: Order, lines: Sequence[OrderLine], change: AddAdjustment
) -> dict[str, OrderLine]:
    """Return the lines with the adjustment on what is left of them, taxes worked out anew."""
    own = change.line_id != ""
    lines = [one for one in lines if one.remaining_units and (not own or one.id == change.line_id)]
    terms = [
        Terms(
            one.sku,
            one.components[0].remaining,
            1,
            (*_as_amounts(one), change.adjustment) if own else _as_amounts(one),
            one.taxes,
        )
        for one in lines
    ]
    whole = () if own else (change.adjustment,)
    worked_out, _ = work_out(terms, [], whole, order.policy, order.currency)
    nothing = priced("adjustment", change.adjustment.name, Money.zero(order.currency))
    found: dict[str, OrderLine] = {}
    for line, parts in zip(lines, worked_out, strict=True):
        if len(parts) == len(line.components):  # there was nothing left to change
            continue
        place = len(line.components) - len(line.taxes)
        before = (*line.components[:place], nothing, *line.components[place:])
        after = tuple(_renewed(old, new) for old, new in zip(before, parts, strict=True))
        found[line.id] = evolve(line, components=after)
    return found


def _named(line: OrderLine) -> tuple[Component, ...]:
    """The components of a line between its price and its taxes."""
    return line.components[1 : len(line.components) - len(line.taxes)]


def _as_amounts(line: OrderLine) -> tuple[Adjustment, ...]:
    return tuple(Adjustment(name=one.name, amount=one.remaining) for one in _named(line))


def _changed(order: Order, line: OrderLine, change: ChangeLine, more: int) -> OrderLine:
    """Return the line as it is to be, itself if nothing is different."""
    price = change.unit_price or line.unit_price
    taxes = line.taxes if change.taxes is None else change.taxes
    if not more and price == line.unit_price and taxes == line.taxes:
        return line
    return _worked_out(order, line, price, taxes, more)


def _worked_out(
    order: Order, line: OrderLine, price: UnitPrice, taxes: tuple[TaxLine, ...], more: int
) -> OrderLine:
    """Return the line with ``more`` units and its new price; its due part worked out anew."""
    units = line.remaining_units + more
    carried = tuple(
        line.adjustments[index]
        if index < len(line.adjustments) and line.adjustments[index].percent is not None
        else amount
        for index, amount in enumerate(_as_amounts(line))
    )
    base: UnitPrice | Money = price
    rounding = order.policy.rounding
    left = line.components[0].remaining
    if price == line.unit_price and left != price.times(line.remaining_units, rounding):
        # Something was let go of the price: more units come on top of what is left of it.
        base = left + price.times(units, rounding) - price.times(line.remaining_units, rounding)
    ((*components,), *_), _ = work_out(
        [Terms(line.sku, base, units, carried, taxes)], [], (), order.policy, order.currency
    )
    return evolve(
        line,
        ordered=line.ordered + more,
        remaining_units=units,
        unit_price=price,
        taxes=taxes,
        components=tuple(
            _renewed(old, new) for old, new in zip(line.components, components, strict=True)
        ),
    )


def _renewed(old: Component, new: Component) -> Component:
    """What is due of it is new; what was credited of it stays so."""
    return Component(old.kind, old.name, old.amount - old.remaining + new.amount, new.amount)


def _require_right(order: Order, changes: Sequence[Change]) -> None:
    faults = tuple(_faults(order, changes))
    if faults:
        raise InvalidInput(faults)


def _renamed(order: Order, changes: Sequence[Change]) -> Iterator[Change]:
    """Return ``changes`` without the ids that something else has by now."""
    names = {one.id for one in _parts(order)}
    for one in changes:
        if isinstance(one, AddLine) and _taken(one.line.id, names):
            yield evolve(one, line=evolve(one.line, id=""))
        elif isinstance(one, AddCharge) and _taken(one.charge.id, names):
            yield evolve(one, charge=evolve(one.charge, id=""))
        else:
            yield one


def _taken(name: str, names: set[str]) -> bool:
    """Whether something has that id by now; from now on something has."""
    taken = name in names or f"{name}.1" in names
    names.add(name)
    return taken


def added(
    order: Order, changes: Sequence[Change], *, rename: bool = False
) -> tuple[tuple[OrderLine, ...], tuple[Charge, ...]]:
    """Return the lines and charges that ``changes`` add; raise InvalidInput for faulty ones.

    To ``rename`` is to give new ids to those whose own are taken by now.
    """
    if rename:
        changes = tuple(_renamed(order, changes))
    else:
        _require_right(order, changes)
    lines = [one for one in changes if isinstance(one, AddLine)]
    charges = [one.charge for one in changes if isinstance(one, AddCharge)]
    if not lines and not charges:
        return (), ()
    names = {one.id for one in _parts(order)}
    names |= {one.line.id for one in lines} | {one.id for one in charges}
    named = [(one.line.id or free_id("l", len(order.lines), names), one) for one in lines]
    number = 1 + max(line.round for line in order.lines)
    parts_of = [(part, one) for name, one in named for part in exploded([(name, one.line)])]
    line_parts, charge_parts = work_out(
        [Terms.of(part.line, part.kit.id if part.kit else "") for part, _ in parts_of],
        [Terms.of(one) for one in charges],
        (),
        order.policy,
        order.currency,
    )
    return (
        tuple(
            order_line(part, parts, one.replaces, number)
            for (part, one), parts in zip(parts_of, line_parts, strict=True)
        ),
        tuple(
            evolve(
                one,
                id=one.id or free_id("c", len(order.charges), names),
                components=parts,
                origin="",
            )
            for one, parts in zip(charges, charge_parts, strict=True)
        ),
    )


def free_id(prefix: str, count: int, names: set[str]) -> str:
    """Return the next id that nothing has, and take it."""
    number = count + 1
    while f"{prefix}{number}" in names or f"{prefix}{number}.1" in names:
        number += 1
    names.add(f"{prefix}{number}")
    return f"{prefix}{number}"


def credit(order: Order, amount: Money, *, target: str, at: datetime, reason: str) -> OrderCredited:
    """Let ``amount`` of what is due go, without any units coming back.

    It is shared over lines and charges in proportion to what is left of each, or comes off the one
    named ``target``. Raises NotFound, and AmountRefused if it is not more than nothing and at most
    what is left.
    """
    if order.state.phase is Phase.PLANNED:
        raise IllegalTransition("order", order.state.name, "credit", order.allowed(), order.id)
    among = _parts(order)
    if target:
        named = [one for one in among if one.id == target]
        among = named or [order.line(target)]  # which raises
    left = sum(one.remaining.minor for one in among)
    if amount.currency != order.currency or not 0 < amount.minor <= left:
        raise AmountRefused(
            "credit what is due",
            asked=amount,
            limit=Money(left, order.currency),
            order_id=order.id,
            allowed=order.allowed(),
        )
    rounding = order.policy.rounding
    credits_ = (
        (part_of(among[0], amount.minor, rounding),)
        if target
        else spread(among, amount.minor, rounding)
    )
    return OrderCredited(amount=amount, target=target, credits=credits_, reason=reason, at=at)
