"""Goods that come back, are exchanged, or never were any good; what follows for stock and money."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from attrs import evolve

from orderwright.errors import (
    IllegalTransition,
    InvalidInput,
    NotFound,
    QuantityRefused,
    WindowClosed,
)
from orderwright.lifecycles import Phase
from orderwright.money import Money, round_ratio
from orderwright.orders.amounts import Component
from orderwright.orders.commands import open_exception
from orderwright.orders.crediting import part_of, units_of
from orderwright.orders.editing import added, free_id
from orderwright.orders.events import (
    Event,
    ReturnAdvanced,
    ReturnCredited,
    ReturnInspected,
    ReturnReceived,
    ReturnRequested,
    UnitsClaimed,
)
from orderwright.orders.lines import AddCharge, AddLine, Charge, OrderLine
from orderwright.returns.returns import ReturnItem, StockMove

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from orderwright.lifecycles import State
    from orderwright.orders.lines import Credit, DraftLine
    from orderwright.orders.order import Order
    from orderwright.returns.returns import Return, Verdict

__all__ = ["advance_return", "claim", "inspect", "receive", "request_return"]


def _require_kept(order: Order, units: Sequence[tuple[str, int]], rule: str) -> None:
    """Raise QuantityRefused for more units than the customer has kept, NotFound for no line."""
    counts = order.quantities()
    for line_id, asked in units:
        limit = counts[order.line(line_id).id].kept
        if asked > limit:
            raise QuantityRefused(
                rule,
                line_id=line_id,
                asked=asked,
                limit=limit,
                order_id=order.id,
                allowed=order.allowed(),
            )


def request_return(
    order: Order,
    units: Sequence[tuple[str, int]],
    *,
    exchange: Sequence[DraftLine],
    at: datetime,
    reason: str,
) -> ReturnRequested:
    """Announce that units come back, maybe for other goods.

    Raises QuantityRefused for units the customer has not kept, WindowClosed after the policy's
    window, InvalidInput for a reason the policy does not know.
    """
    policy = order.policy
    if policy.return_reasons and reason not in policy.return_reasons:
        known = ", ".join(sorted(policy.return_reasons))
        raise InvalidInput.at("reason", f"{reason!r} is none of {known}")
    _require_kept(order, units, "return what was kept")
    if policy.return_window is not None:
        asked = dict(units)
        arrivals = [
            one.arrived_at
            for one in order.fulfillments
            if one.gone and any(item.line_id in asked for item in one.items)
        ]
        known_arrivals = [one for one in arrivals if one is not None]
        if arrivals and len(known_arrivals) == len(arrivals):
            until = max(known_arrivals) + policy.return_window
            if at > until:
                raise WindowClosed("return window", until=until, at=at, order_id=order.id)
    if exchange:
        added(order, [AddLine(line=line) for line in exchange])  # refuses what cannot be a line
    return ReturnRequested(
        return_id=f"r{len(order.returns) + 1}",
        units=tuple(units),
        exchange=tuple(exchange),
        items=tuple(ReturnItem(one, order.line(one).sku, count) for one, count in units),
        state=order.lifecycles.returning.initial,
        reason=reason,
        at=at,
    )


def advance_return(
    order: Order,
    return_id: str,
    action: Literal["approve", "refuse", "cancel", "close"],
    *,
    fees: Sequence[Charge] = (),
    at: datetime,
    reason: str,
) -> ReturnAdvanced:
    """Take a step of a return that people decide; raise IllegalTransition."""
    one = order.return_(return_id)
    state = order.lifecycles.returning.step(one.state, action, f"return {one.id}", order.id)
    if fees and action != "approve":
        raise InvalidInput.at("fees", f"are agreed when a return is approved, not with {action!r}")
    if action == "close" and any(item.inspected < item.received for item in one.items):
        # What has come back would never be inspected, nor credited.
        subject = f"return {one.id}"
        raise IllegalTransition(subject, "not inspected", "close", ("inspect",), order.id)
    if fees:
        added(order, [AddCharge(charge=fee) for fee in fees])  # refuses other currencies
    return ReturnAdvanced(
        return_id=one.id, action=action, state=state, fees=tuple(fees), reason=reason, at=at
    )


def _expected(order: Order, units: Mapping[str, int]) -> Return | None:
    """Return the first open return that is waiting for any of ``units``."""
    for one in order.returns:
        if one.open and any(item.expected and item.line_id in units for item in one.items):
            return one
    return None


def receive(
    order: Order, return_id: str, units: Sequence[tuple[str, int]], *, location: str, at: datetime
) -> tuple[Event, ...]:
    """Record what arrived: all, some, more or other than was announced. A report, never refused.

    Units that the customer cannot have are not counted: they open ``returned_too_much``. By the
    policy what arrived is credited now, or once it is inspected.
    """
    known = order.return_(return_id) if return_id else _expected(order, dict(units))
    counts = order.quantities()
    items = {item.line_id: item for item in known.items} if known else {}
    taken: list[tuple[str, int]] = []
    excess: dict[str, int] = {}
    for line_id, arrived in units:
        line = order.line(line_id)
        item = items.get(line_id, ReturnItem(line_id, line.sku, 0))
        announced = item.expected if known is not None and known.open else 0
        counted = min(arrived, counts[line_id].kept + announced)
        if counted < arrived:
            excess[line_id] = arrived - counted
        if counted:
            taken.append((line.sku, counted))
            items[line_id] = item._replace(received=item.received + counted)
    if not taken:
        return _too_much(order, excess, location, at)
    lifecycle = order.lifecycles.returning
    before = known.state if known else lifecycle.initial
    move = StockMove(
        number=len(known.moves) + 1 if known else 1,
        location=location,
        units=tuple(taken),
        source="customer",
        target="quarantine",
    )
    received = ReturnReceived(
        return_id=known.id if known else f"r{len(order.returns) + 1}",
        location=location,
        units=tuple(units),
        items=tuple(items.values()),
        state=lifecycle.step(before, "receive"),
        moves=(move,),
        at=at,
    )
    events = _with_credit(order, received, at)
    after = order.after(events)
    other = None if return_id else _expected(after, excess)
    if other is not None:  # what one return does not wait for, another one may
        more = receive(after, other.id, tuple(excess.items()), location=location, at=at)
        return (*events, *more)
    return (*events, *_too_much(order, excess, location, at))


def _too_much(
    order: Order, excess: Mapping[str, int], location: str, at: datetime
) -> tuple[Event, ...]:
    if not excess:
        return ()
    detail = ", ".join(f"{units} of {line_id} at {location}" for line_id, units in excess.items())
    return open_exception(order, "returned_too_much", detail, at=at)


_TARGETS: dict[Verdict, Literal["available", "loss", "customer"]] = {
    "restock": "available",
    "write_off": "loss",
    "send_back": "customer",
}


def inspect(
    order: Order,
    return_id: str,
    verdicts: Sequence[tuple[str, Verdict, int]],
    *,
    at: datetime,
    reason: str,
) -> tuple[Event, ...]:
    """Say what becomes of units that came back; with the last of them the return is closed.

    Raises IllegalTransition if nothing has come back, QuantityRefused for more units than wait, or
    for sending back what was credited.
    """
    one = order.return_(return_id)
    lifecycle = order.lifecycles.returning
    state = lifecycle.step(one.state, "inspect", f"return {one.id}", order.id)
    items = {item.line_id: item for item in one.items}
    targets: dict[Verdict, dict[str, int]] = {}
    for line_id, verdict, units in verdicts:
        item = items.get(line_id)
        if item is None:
            raise NotFound("returned line", line_id, order.id)
        if units > item.received - item.inspected:
            raise QuantityRefused(
                "inspect what came back",
                line_id=line_id,
                asked=units,
                limit=item.received - item.inspected,
                order_id=order.id,
                allowed=lifecycle.allowed(one.state),
            )
        item = item._replace(inspected=item.inspected + units)
        if verdict == "send_back":
            item = item._replace(sent_back=item.sent_back + units)
            if item.credited > item.received - item.sent_back:
                raise QuantityRefused(
                    "send back what was not credited",
                    line_id=line_id,
                    asked=units,
                    limit=item.received - item.sent_back + units - item.credited,
                    order_id=order.id,
                    allowed=lifecycle.allowed(one.state),
                )
        items[line_id] = item
        moved = targets.setdefault(verdict, {})
        moved[item.sku] = moved.get(item.sku, 0) + units
    moves: list[StockMove] = []
    for verdict, moved in targets.items():
        target = _TARGETS.get(verdict)
        if target is not None:
            for location, units_moved in _from_where(one, moves, moved):
                number = len(one.moves) + len(moves) + 1
                moves.append(StockMove(number, location, units_moved, "quarantine", target))
    if all(item.inspected == item.received and not item.expected for item in items.values()):
        state = lifecycle.step(state, "close")
    inspected = ReturnInspected(
        return_id=one.id,
        verdicts=tuple(verdicts),
        items=tuple(items.values()),
        state=state,
        moves=tuple(moves),
        reason=reason,
        at=at,
    )
    return tuple(_with_credit(order, inspected, at))


def _from_where(
    one: Return, more: Sequence[StockMove], units: Mapping[str, int]
) -> list[tuple[str, tuple[tuple[str, int], ...]]]:
    """Return where ``units`` (by SKU) of a return wait in quarantine, first where it came last."""
    there: dict[tuple[str, str], int] = {}
    for move in (*one.moves, *more):
        for sku, count in move.units:
            sign = 1 if move.target == "quarantine" else -1
            there[move.location, sku] = there.get((move.location, sku), 0) + sign * count
    places = dict.fromkeys((one.location, *(move.location for move in one.moves)))
    left = dict(units)
    found: list[tuple[str, tuple[tuple[str, int], ...]]] = []
    for place in places:
        taken = {sku: min(count, there.get((place, sku), 0)) for sku, count in left.items()}
        taken = {sku: count for sku, count in taken.items() if count > 0}
        for sku, count in taken.items():
            left[sku] -= count
        if taken:
            found.append((place, tuple(taken.items())))
    return found


def _with_credit(
    order: Order, told: ReturnReceived | ReturnInspected, at: datetime
) -> tuple[Event, ...]:
    """Add the credit of what is to be credited by now, and what is charged and sent for it."""
    order = order.after((told,))
    on_receipt = order.policy.credit_returns == "on_receipt"
    items: list[ReturnItem] = []
    credits_: list[Credit] = []
    for item in told.items:
        line = order.line(item.line_id)
        arrived = item.received if on_receipt else item.inspected
        units = arrived - item.sent_back - item.credited
        owed = min(units, line.remaining_units)
        if owed:
            credits_.append(units_of(line, owed, order.policy.rounding))
        items.append(item._replace(credited=item.credited + units))
    if tuple(items) == told.items:
        return (told,)
    over = order.state.phase is Phase.DROPPED  # nothing is sent, or charged, any more
    wanted = [one for one in order.exchanges if one.return_id == told.return_id and not over]
    worth = sum(part.minor for one in credits_ for part in _adding(order, one))
    charges = [charge for one in wanted for charge in one.charges]
    fee = _fee(order, worth)
    if fee:
        charges.append(Charge(kind="restocking_fee", amount=Money(fee, order.currency)))
    replaces = told.items[0].line_id
    lines, fees = added(
        order,
        [
            *(AddLine(line=line, replaces=replaces) for one in wanted for line in one.lines),
            *(AddCharge(charge=charge) for charge in charges),
        ],
        rename=True,
    )
    credited = ReturnCredited(
        return_id=told.return_id,
        items=tuple(items),
        credits=(*credits_, *_shipping_share(order, worth)),
        charges=fees,
        lines=lines,
        state=_open_again(order, lines),
        at=at,
    )
    return (told, credited)


def _adding(order: Order, credit: Credit) -> list[Money]:
    """The parts of a credit that are no mere explanation."""
    components = order.line(credit.target).components
    return [part for one, part in zip(components, credit.parts, strict=True) if one.adds]


def _fee(order: Order, worth: int) -> int:
    ratio = Fraction(order.policy.restocking_percent) * worth / 100
    return round_ratio(ratio.numerator, ratio.denominator, order.policy.rounding)


def _shipping_share(order: Order, worth: int) -> list[Credit]:
    """What of the shipping goes back with goods of that worth, if the policy says so."""
    whole = sum(line.remaining.minor for line in order.lines)
    if order.policy.return_charges == "keep" or not worth:
        return []
    rounding = order.policy.rounding
    found: list[Credit] = []
    for charge in order.charges:
        share = round_ratio(charge.remaining.minor * worth, whole, rounding)
        if charge.kind == "shipping" and share:
            found.append(part_of(charge, share, rounding))
    return found


def _open_again(order: Order, lines: Sequence[OrderLine]) -> State:
    """A finished order that gets new lines is open again."""
    if lines and order.state.phase is Phase.DONE and "reopen" in order.allowed():
        return order.lifecycles.order.step(order.state, "reopen")
    return order.state


def claim(
    order: Order,
    units: Sequence[tuple[str, int]],
    *,
    fault: Literal["lost", "wrong", "damaged"],
    remedy: Literal["refund", "replace"],
    at: datetime,
    reason: str,
) -> UnitsClaimed:
    """Credit fulfilled units that do not come back, or send the same again in their place.

    A replacement is a new line that takes over, to the cent, what was due for the old one. Raises
    QuantityRefused for units the customer has not kept.
    """
    if remedy == "replace" and order.state.phase is Phase.DROPPED:
        raise IllegalTransition("order", order.state.name, "replace", order.allowed(), order.id)
    _require_kept(order, units, "claim what was kept")
    credits_: list[Credit] = []
    lines: list[OrderLine] = []
    names = {line.id for line in order.lines} | {charge.id for charge in order.charges}
    for line_id, count in units:
        line = order.line(line_id)
        owed = min(count, line.remaining_units)
        credit = units_of(line, owed, order.policy.rounding) if owed else None
        if credit is not None:
            credits_.append(credit)
        if remedy == "replace":
            new_id = free_id("l", len(order.lines), names)
            lines.append(_replacement(line, new_id, count, credit))
    return UnitsClaimed(
        units=tuple(units),
        fault=fault,
        remedy=remedy,
        credits=tuple(credits_),
        lines=tuple(lines),
        state=_open_again(order, lines),
        reason=reason,
        at=at,
    )


def _replacement(line: OrderLine, line_id: str, units: int, credit: Credit | None) -> OrderLine:
    nothing = Money.zero(line.unit_price.currency)
    taken = credit.parts if credit else (nothing,) * len(line.components)
    return evolve(
        line,
        id=line_id,
        ordered=units,
        remaining_units=units,
        cancelled=0,
        backordered=0,
        claimed=0,
        lost=0,
        moved=0,
        replaces=line.id,
        kit=None,
        components=tuple(
            Component(one.kind, one.name, part, part)
            for one, part in zip(line.components, taken, strict=True)
        ),
    )
