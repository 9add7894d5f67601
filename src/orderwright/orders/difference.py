"""What is different between two versions of an order, fact by fact."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast, final

from attrs import fields, has

from orderwright.lifecycles import Lifecycles, State
from orderwright.money import Money, UnitPrice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orderwright.orders.order import Order

__all__ = ["Difference", "difference"]

_WHOLE = (Money, UnitPrice, State, Lifecycles)
_NAMES = ("id", "line_id", "return_id", "name", "number")


@final
class Difference(NamedTuple):
    """A fact that changed: its ``path`` (``lines[l1].cancelled``), and what it was and is.

    None stands for something that there was, or is, not.
    """

    path: str
    before: object
    after: object


def difference(before: Order, after: Order) -> tuple[Difference, ...]:
    """Return what changed from one version to another, parts matched by their ids."""
    return tuple(_differences("", before, after))


def _differences(path: str, before: object, after: object) -> Iterator[Difference]:
    if before == after:
        return
    kind = type(before)
    if kind is type(after) and kind not in _WHOLE:
        if has(kind):
            for one in fields(kind):
                yield from _differences(
                    f"{path}.{one.name}".lstrip("."),
                    getattr(before, one.name),
                    getattr(after, one.name),
                )
            return
        if isinstance(before, tuple):
            yield from _in_tuples(
                path, cast("tuple[object, ...]", before), cast("tuple[object, ...]", after)
            )
            return
    yield Difference(path, before, after)


def _in_tuples(
    path: str, before: tuple[object, ...], after: tuple[object, ...]
) -> Iterator[Difference]:
    names = cast("tuple[str, ...]", getattr(before, "_fields", ()))
    if names:
        for name in names:
            yield from _differences(f"{path}.{name}", getattr(before, name), getattr(after, name))
        return
    old, new = _named(before), _named(after)
    for key in dict.fromkeys((*old, *new)):
        yield from _differences(f"{path}[{key}]", old.get(key), new.get(key))


def _named(items: tuple[object, ...]) -> dict[str, object]:
    """Return the items by their own names, or by position where two share one or have none."""
    found: dict[str, object] = {}
    for item in items:
        name = next((getattr(item, name) for name in _NAMES if hasattr(item, name)), None)
        found[str(name)] = item
    if len(found) == len(items) and "None" not in found:
        return found
    return {str(number): item for number, item in enumerate(items)}
