"""The queue of those who wait: who gets what came in, and when the others may expect theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from orderwright.values import choice, quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from orderwright.inventory.entries import Reservation
    from orderwright.inventory.ledger import Claim, Incoming

__all__ = ["QueueOrder", "broken", "filled", "promises", "queued"]

QueueOrder = Literal["first_come", "priority", "promise"]
"""Who is first: who came first; the higher priority; whom it was promised earliest. Ties, and those
to whom nothing was promised, go by who came first."""


def queued(claims: Iterable[Claim], order: QueueOrder = "first_come") -> tuple[Claim, ...]:
    """Return claims in the order in which they are filled."""
    choice(order, QueueOrder, "order")
    found = sorted(claims, key=lambda one: (one.number, one.id))
    if order == "priority":
        found.sort(key=lambda one: -one.priority)
    elif order == "promise":
        found.sort(key=lambda one: (one.promised_at is None, _moment(one.promised_at)))
    return tuple(found)


def filled(
    claims: Iterable[Claim], units: int, order: QueueOrder = "first_come"
) -> tuple[tuple[Claim, int], ...]:
    """Return which claims ``units`` fill, and with how many each; the last perhaps in part."""
    left = quantity(units, "units", least=0)
    found: list[tuple[Claim, int]] = []
    for one in queued(claims, order):
        count = min(left, one.quantity)
        if count:
            left -= count
            found.append((one, count))
    return tuple(found)


def promises(
    claims: Iterable[Claim],
    free: int,
    incoming: Iterable[Incoming],
    order: QueueOrder = "first_come",
) -> Mapping[str, datetime | None]:
    """Return when each claim can be filled whole, by its id: None where nobody can tell.

    ``free`` units are there already; the rest comes with what is ``incoming``, by its dates. A
    claim that what is free fills has no date either: it can be filled now. What is incoming
    without a date promises nothing.
    """
    dated = sorted(
        (one for one in incoming if one.expected_at), key=lambda one: _moment(one.expected_at)
    )
    found: dict[str, datetime | None] = {}
    there, arrivals = free, iter(dated)
    latest: datetime | None = None
    for one in queued(claims, order):
        while there < one.quantity:
            arrival = next(arrivals, None)
            if arrival is None:
                break
            there += arrival.quantity
            latest = arrival.expected_at
        found[one.id] = latest if there >= one.quantity else None
        there -= min(there, one.quantity)
    return found


def _moment(when: datetime | None) -> float:
    return 0.0 if when is None else when.timestamp()


def broken(
    reservations: Sequence[Reservation], missing: int
) -> tuple[tuple[Reservation, int], ...]:
    """Return which reservations ``missing`` units are taken from, and how many from each.

    Given in the order in which they were made, the last loses first: who came first is served.
    """
    left = quantity(missing, "missing", least=0)
    found: list[tuple[Reservation, int]] = []
    for one in reversed(reservations):
        count = min(left, one.quantity)
        if count:
            left -= count
            found.append((one, count))
    return tuple(found)
