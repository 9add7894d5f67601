"""What a test says of what it saw: there is no ``assert`` in the kit.

Python leaves asserts out under ``-O``, and only pytest tells more of one than that it failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast, final

from attrs import fields, has

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

__all__ = ["difference", "only", "raises", "require", "same"]

E = TypeVar("E", bound=Exception)
T = TypeVar("T")

_TOLD_MAX = 500


def require(condition: object, happened: str) -> None:
    """Raise AssertionError with what ``happened`` unless the condition holds."""
    __tracebackhide__ = True
    if not condition:
        raise AssertionError(happened)


def same(expected: object, actual: object, what: str) -> None:
    """Raise AssertionError with the first thing that differs unless they are equal."""
    __tracebackhide__ = True
    if expected != actual:
        where, one, other = difference(expected, actual)
        raise AssertionError(f"{what}{where}: expected {_short(one)}, got {_short(other)}")


def raises(kind: type[E], call: Callable[[], object], what: str) -> E:
    """Return the ``kind`` of error that ``call`` raises; raise AssertionError if it raises none."""
    __tracebackhide__ = True
    try:
        returned = call()
    except kind as error:
        return error
    raise AssertionError(f"{what}: expected {kind.__name__}, got {_short(returned)}")


def only(rows: Collection[T], what: str) -> T:
    """Return the one row there is; raise AssertionError with ``what`` was read if it is not one."""
    __tracebackhide__ = True
    if len(rows) != 1:
        raise AssertionError(f"{what}: expected one, got {len(rows)}: {_short(rows)}")
    return next(iter(rows))


@final
class _Nothing:
    """What stands where only the other value has something."""

    def __repr__(self) -> str:
        return "nothing"


_NOTHING = _Nothing()


def difference(expected: object, actual: object) -> tuple[str, object, object]:
    """Return where two values differ, and what stands there in each."""
    if type(expected) is type(actual):
        ours, theirs = _parts(expected), _parts(actual)
        for name in {**ours, **theirs}:
            one, other = ours.get(name, _NOTHING), theirs.get(name, _NOTHING)
            if one != other:
                where, one, other = difference(one, other)
                return name + where, one, other
    return "", expected, actual


def _parts(value: object) -> Mapping[str, object]:
    """Return what a value consists of, by how one gets there."""
    if isinstance(value, dict):
        known = cast("dict[object, object]", value)
        return {f"[{name!r}]": part for name, part in known.items()}
    if isinstance(value, list | tuple):
        listed = cast("Sequence[object]", value)
        return {f"[{index}]": part for index, part in enumerate(listed)}
    kind = type(value)
    if has(kind):
        return {f".{one.name}": getattr(value, one.name) for one in fields(kind) if one.eq}
    return {}


def _short(value: object) -> str:
    told = repr(value)
    return told if len(told) <= _TOLD_MAX else f"{told[:_TOLD_MAX]}..."
