"""Packing: which cartons, what lies where in them, and the slip that goes with it."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, NamedTuple, final

from orderwright.errors import InvalidInput
from orderwright.values import identifier, instance, on_one_line, quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orderwright.fulfillment.labels import Address

__all__ = ["Article", "Carton", "PackedCarton", "Placement", "pack", "packing_slip"]

_Point = tuple[int, int, int]


@final
class Article(NamedTuple):
    """What one unit of ``sku`` measures (millimetres) and weighs (grams)."""

    sku: str
    length: int
    width: int
    height: int
    weight: int

    @property
    def volume(self) -> int:
        """Cubic millimetres."""
        return self.length * self.width * self.height


@final
class Carton(NamedTuple):
    """A kind of carton: inside measures (millimetres), the ``limit`` and its own weight (grams)."""

    name: str
    length: int
    width: int
    height: int
    limit: int
    tare: int = 0

    @property
    def volume(self) -> int:
        """Cubic millimetres inside."""
        return self.length * self.width * self.height


@final
class Placement(NamedTuple):
    """A unit of ``sku`` whose nearest corner is at (x, y, z), and how it is turned."""

    sku: str
    x: int
    y: int
    z: int
    length: int
    width: int
    height: int

    def overlaps(self, other: Placement) -> bool:
        """Whether both would be in one place."""
        return (
            self.x < other.x + other.length
            and other.x < self.x + self.length
            and self.y < other.y + other.width
            and other.y < self.y + self.width
            and self.z < other.z + other.height
            and other.z < self.z + self.height
        )


@final
class PackedCarton(NamedTuple):
    """A carton and what is in it, unit by unit; ``weight`` in grams, with the carton itself."""

    carton: Carton
    placements: tuple[Placement, ...]
    weight: int

    @property
    def units(self) -> dict[str, int]:
        """Units by SKU."""
        found: dict[str, int] = {}
        for one in self.placements:
            found[one.sku] = found.get(one.sku, 0) + 1
        return found


def pack(
    items: Iterable[tuple[Article, int]], cartons: Iterable[Carton]
) -> tuple[PackedCarton, ...]:
    """Return cartons that hold all ``items`` (articles and units), every unit where it fits.

    The smallest carton that takes everything is used; where none does, the one that takes most,
    and so on with the rest. Units are laid, largest first, where they come deepest into a corner
    (extreme points: Crainic, Perboli and Tadei 2008), turned as it suits. That every unit fits is
    certain, that no fewer cartons would do is not. Raises InvalidInput for measures that are none,
    and for an article that no carton takes.
    """
    kinds = sorted(_cartons(cartons), key=lambda one: (one.volume, one.name))
    left = _units(items, kinds)
    found: list[PackedCarton] = []
    while left:
        best: tuple[Carton, list[Placement], list[Article]] | None = None
        for kind in kinds:
            placed, over = _filled(kind, left)
            if best is None or _volume(over) < _volume(best[2]):
                best = (kind, placed, over)
            if not over:
                break
        assert best is not None
        kind, placed, over = best
        inside = sum(one.weight for one in left) - sum(one.weight for one in over)
        found.append(PackedCarton(kind, tuple(placed), kind.tare + inside))
        left = over
    return tuple(found)


def _cartons(cartons: Iterable[Carton]) -> list[Carton]:
    found = list(cartons)
    for index, one in enumerate(found):
        instance(one, Carton, f"cartons[{index}]")
        identifier(one.name, f"cartons[{index}].name")
        for name in ("length", "width", "height", "limit"):
            quantity(getattr(one, name), f"cartons[{index}].{name}")
        quantity(one.tare, f"cartons[{index}].tare", least=0)
    if not found:
        raise InvalidInput.at("cartons", "expected at least one kind of carton")
    return found


def _units(items: Iterable[tuple[Article, int]], kinds: Sequence[Carton]) -> list[Article]:
    found: list[Article] = []
    for index, (article, units) in enumerate(items):
        instance(article, Article, f"items[{index}]")
        identifier(article.sku, f"items[{index}].sku")
        for name in ("length", "width", "height"):
            quantity(getattr(article, name), f"items[{index}].{name}")
        quantity(article.weight, f"items[{index}].weight", least=0)
        if not any(not _filled(kind, [article])[1] for kind in kinds):
            measures = f"{article.length} x {article.width} x {article.height} mm"
            wrong = f"{article.sku} ({measures}, {article.weight} g) goes into no carton; add one"
            raise InvalidInput.at(f"items[{index}]", wrong)
        found += [article] * quantity(units, f"items[{index}].units")
    return sorted(found, key=lambda one: (-one.volume, -one.weight, one.sku))


def _volume(articles: Iterable[Article]) -> int:
    return sum(one.volume for one in articles)


def _filled(carton: Carton, articles: Sequence[Article]) -> tuple[list[Placement], list[Article]]:
    """Return what of ``articles`` lies where in a carton, and what does not go in."""
    placed: list[Placement] = []
    over: list[Article] = []
    corners: list[_Point] = [(0, 0, 0)]
    weight = 0
    for article in articles:
        where = None
        if weight + article.weight <= carton.limit:
            where = _place(carton, article, placed, corners)
        if where is None:
            over.append(article)
            continue
        weight += article.weight
        placed.append(where)
        x, y, z = where.x, where.y, where.z
        corners += [(x + where.length, y, z), (x, y + where.width, z), (x, y, z + where.height)]
        corners.sort(key=lambda one: (one[2], one[1], one[0]))
    return placed, over


def _place(
    carton: Carton, article: Article, placed: Sequence[Placement], corners: list[_Point]
) -> Placement | None:
    turns = sorted(set(permutations((article.length, article.width, article.height))))
    for corner in corners:
        for turn in turns:
            there = Placement(article.sku, *corner, *turn)
            if (
                there.x + there.length <= carton.length
                and there.y + there.width <= carton.width
                and there.z + there.height <= carton.height
                and not any(there.overlaps(one) for one in placed)
            ):
                corners.remove(corner)
                return there
    return None


def packing_slip(
    order_id: str,
    fulfillment_id: str,
    recipient: Address,
    cartons: Sequence[PackedCarton],
    *,
    names: dict[str, str] | None = None,
    waiting: dict[str, int] | None = None,
) -> str:
    """Return the slip that goes with a parcel: for whom, and what is in which carton.

    ``names`` are what people call the SKUs; ``waiting`` are units that come later. What is written
    in a name stays on its line.
    """
    called = names or {}
    lines = [f"PACKING SLIP  {order_id}  {fulfillment_id}", "", *recipient.block]
    for number, one in enumerate(cartons, 1):
        grams = f"{one.weight // 1000}.{one.weight % 1000:03} kg"
        lines += ["", f"Carton {number} of {len(cartons)}: {one.carton.name}, {grams}"]
        lines += (f"  {units:>4} x {called.get(sku, sku)}" for sku, units in one.units.items())
    if waiting:
        lines += ["", "Still to come:"]
        lines += (f"  {units:>4} x {called.get(sku, sku)}" for sku, units in waiting.items())
    return "\n".join(map(on_one_line, lines))
