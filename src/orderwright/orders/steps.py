"""What several events do to an order alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from orderwright.orders.amounts import Component
from orderwright.values import copied

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from orderwright.orders.amounts import Priced
    from orderwright.orders.lines import Charge, Credit, OrderLine
    from orderwright.orders.order import Order

__all__ = ["charge_credited", "credited", "following", "freed", "line_credited"]


def following(order: Order, **changes: Any) -> Order:  # noqa: ANN401 - checked by the fields' own types
    """Return ``order`` one version on, with ``changes``: a copy of its dict, less what it cached.

    Every event does this once.
    """
    return copied(order, *order.CACHED, version=order.version + 1, **changes)


def line_credited(
    line: OrderLine, cancelled: int, credit: Credit | None, *, waiting: bool = True
) -> OrderLine:
    """Return the line with so many units cancelled, those that were ``waiting`` first; less due."""
    if not cancelled and credit is None:
        return line
    return copied(
        line,
        *line.CACHED,
        cancelled=line.cancelled + cancelled,
        backordered=max(0, line.backordered - cancelled) if waiting else line.backordered,
        remaining_units=line.remaining_units - (credit.units if credit else 0),
        components=_less(line, credit) if credit else line.components,
    )


def charge_credited(charge: Charge, credit: Credit | None) -> Charge:
    """Return the charge with less due."""
    return evolve(charge, components=_less(charge, credit)) if credit else charge


def _less(one: Priced, credit: Credit) -> tuple[Component, ...]:
    return tuple(
        Component(kind, name, amount, remaining - part)
        for (kind, name, amount, remaining), part in zip(one.components, credit.parts, strict=True)
    )


def credited(
    order: Order, credits_: Iterable[Credit]
) -> tuple[tuple[OrderLine, ...], tuple[Charge, ...]]:
    """Return the lines and charges of ``order`` after ``credits_``."""
    known = {credit.target: credit for credit in credits_}
    return (
        tuple(line_credited(one, 0, known.get(one.id)) for one in order.lines),
        tuple(charge_credited(one, known.get(one.id)) for one in order.charges),
    )


def freed(order: Order) -> int:
    """What credits freed, or a refused sister undoes, and was not paid back yet.

    What people paid back, or had a provider pay back, of what was paid too much was not for
    credits.
    """
    figures, credited = order.figures, order.credited.minor
    too_much = max(0, figures.captured - figures.due - credited)
    repaid = sum(one.sums.repaid for one in order.payments)
    refunded = figures.refunded - min(repaid, max(0, too_much - order.surplus)) - order.surplus
    return credited - refunded - figures.refunding + _undone(order)


def _undone(order: Order) -> int:
    """What was paid back, or is about to be, because a sister was refused."""
    failed = order.failed_batches
    sums = (one.sums for one in order.payments if one.batch in failed)
    return sum(min(one.charged, one.refunded + one.refunding) for one in sums)
