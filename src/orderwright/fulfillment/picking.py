"""Pick lists: what to take from which shelf, for several orders on one walk."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self, final

from orderwright.values import identifier, instance, on_one_line, quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from orderwright.fulfillment.fulfillment import Fulfillment

__all__ = ["Bin", "PickStop", "PickTask", "pick_list", "pick_text"]


@final
class Bin(NamedTuple):
    """Where something lies: ``name`` as it stands on the shelf, ``position`` in the ``aisle``."""

    name: str
    aisle: int
    position: int


@final
class PickTask(NamedTuple):
    """``quantity`` units of ``sku`` (of a ``lot``) to be picked for one fulfillment of an order."""

    order_id: str
    fulfillment_id: str
    sku: str
    quantity: int
    lot: str = ""

    @classmethod
    def of(cls, order_id: str, fulfillment: Fulfillment) -> tuple[Self, ...]:
        """Return what is to be picked for a fulfillment."""
        return tuple(
            cls(order_id, fulfillment.id, item.sku, item.quantity, item.lot)
            for item in fulfillment.items
        )


@final
class PickStop(NamedTuple):
    """Take ``quantity`` units there; ``parts`` says how many for whom: (order, fulfillment, units).

    ``bin`` is None where nobody has said where it lies.
    """

    bin: Bin | None
    sku: str
    lot: str
    quantity: int
    parts: tuple[tuple[str, str, int], ...]


def pick_list(tasks: Iterable[PickTask], bins: Mapping[str, Bin]) -> tuple[PickStop, ...]:
    """Return the stops of one walk for all ``tasks``, each shelf once.

    The walk goes up the first aisle and down the next (S-shape); an aisle where there is nothing
    to pick is left out. ``bins`` are by SKU; what has none comes last. Raises InvalidInput for
    tasks and bins that are none.
    """
    wanted: dict[tuple[str, str], dict[tuple[str, str], int]] = {}
    for index, one in enumerate(tasks):
        instance(one, PickTask, f"tasks[{index}]")
        identifier(one.sku, f"tasks[{index}].sku")
        units = quantity(one.quantity, f"tasks[{index}].quantity")
        parts = wanted.setdefault((one.sku, one.lot), {})
        name = (one.order_id, one.fulfillment_id)
        parts[name] = parts.get(name, 0) + units
    stops: list[PickStop] = []
    for (sku, lot), parts in wanted.items():
        place = bins.get(sku)
        if place is not None:
            instance(place, Bin, f"bins[{sku!r}]")
            instance(place.name, str, f"bins[{sku!r}].name")
            instance(place.aisle, int, f"bins[{sku!r}].aisle")
            instance(place.position, int, f"bins[{sku!r}].position")
        told = tuple((*name, units) for name, units in parts.items())
        stops.append(PickStop(place, sku, lot, sum(parts.values()), told))
    aisles = sorted({stop.bin.aisle for stop in stops if stop.bin})
    down = {aisle: index % 2 == 1 for index, aisle in enumerate(aisles)}

    def walk(stop: PickStop) -> tuple[bool, int, int, str, str, str]:
        if stop.bin is None:
            return (True, 0, 0, "", stop.sku, stop.lot)
        _, aisle, position = stop.bin
        far = -position if down[aisle] else position
        return (False, aisle, far, stop.bin.name, stop.sku, stop.lot)

    return tuple(sorted(stops, key=walk))


def pick_text(stops: Sequence[PickStop]) -> str:
    """Return a pick list for people: a line a stop, and below it who gets how many.

    What is written in a name or a lot stays on its line.
    """
    lines: list[str] = []
    for stop in stops:
        where = stop.bin.name if stop.bin else "?"
        lot = f"  lot {stop.lot}" if stop.lot else ""
        lines.append(f"[ ] {where:<10} {stop.quantity:>4} x {stop.sku}{lot}")
        lines += (f"{'':<20}{units:>4} for {order} {name}" for order, name, units in stop.parts)
    return "\n".join(map(on_one_line, lines))
