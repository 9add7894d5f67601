"""Splitting a bill: what each guest owes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from orderwright.errors import Fault, InvalidInput
from orderwright.money import Money, total
from orderwright.values import quantity, tags

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from orderwright.orders.order import Order

__all__ = ["by_seat", "split_bill", "split_evenly"]


def split_bill(order: Order, groups: Mapping[str, Collection[str]]) -> dict[str, Money]:
    """Return what each group of ``groups`` owes, by name; the parts sum to ``order.due`` exactly.

    A group is the ids of its lines, and of charges that are its own (a tip, what came from another
    tab). One of several groups is split evenly, odd cents to those named first; charges of no group
    (a service fee) are shared in proportion to what the others of each come to. Raises InvalidInput
    for a line that there is not, or that is in no group.
    """
    if not isinstance(cast("object", groups), Mapping):
        raise InvalidInput.at(
            "groups", f"expected names with line ids, got {type(groups).__name__}"
        )
    shares = {name: tags(ids, f"groups[{name!r}]") for name, ids in groups.items()}
    faults = tuple(_faults(order, shares))
    if faults:
        raise InvalidInput(faults)
    owed = {name: Money.zero(order.currency) for name in shares}
    for one in (*order.lines, *order.charges):
        sharers = [name for name, ids in shares.items() if one.id in ids]
        if sharers:
            for name, part in zip(sharers, one.remaining.split([1] * len(sharers)), strict=True):
                owed[name] += part
    rest = order.due - total(owed.values(), order.currency)
    weights = [amount.minor for amount in owed.values()]
    parts = rest.split(weights if any(weights) else [1] * len(weights))
    return {name: owed[name] + part for name, part in zip(owed, parts, strict=True)}


def _faults(order: Order, shares: Mapping[str, Collection[str]]) -> Iterator[Fault]:
    known = {one.id for one in (*order.lines, *order.charges)}
    for name, ids in shares.items():
        for one in sorted(set(ids) - known):
            yield Fault(f"groups[{name!r}]", f"no line or charge {one!r} on order {order.id}")
    for index, line in enumerate(order.lines):
        if not any(line.id in ids for ids in shares.values()):
            yield Fault(f"lines[{index}]", f"line {line.id!r} is in no group")


def by_seat(order: Order) -> dict[str, tuple[str, ...]]:
    """Return the groups of :func:`split_bill` by which each seat pays for its own.

    What is of no seat is shared by all of them; where no line has one, all is ``table``'s.
    """
    seats = dict.fromkeys(line.seat for line in order.lines if line.seat) or {"table": None}
    return {
        seat: tuple(line.id for line in order.lines if line.seat in ("", seat)) for seat in seats
    }


def split_evenly(order: Order, ways: int) -> tuple[Money, ...]:
    """Return what each of so many guests owes: equal parts, odd cents to the first of them.

    A bill split by amounts needs no function: each is the amount of a tender, the last has none.
    """
    if quantity(ways, "ways") > _MOST_WAYS:
        raise InvalidInput.at("ways", f"{ways} guests; a bill is split among at most {_MOST_WAYS}")
    return order.due.split([1] * ways)


_MOST_WAYS = 10_000
