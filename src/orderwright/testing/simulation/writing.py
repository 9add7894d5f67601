"""Values as one would write them in a program, and the lines that import what they are made of."""

from __future__ import annotations

import re
import sys
from dataclasses import fields as dataclass_fields
from dataclasses import is_dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, cast

import attrs

from orderwright.money import Money, UnitPrice

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from _typeshed import DataclassInstance

__all__ = ["Value", "imports", "written"]

_PLAIN = frozenset({str, int, float, bytes, bool, type(None)})


class Value:
    """Equal, and written, by what it was made of."""

    __slots__ = ()

    def made_of(self) -> tuple[tuple[object, ...], dict[str, object]]:
        """Return what it was given, by place and by name."""
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        """Two are equal that were made alike."""
        if type(other) is not type(self):
            return NotImplemented
        return self.made_of() == other.made_of()

    def __hash__(self) -> int:
        """Return a hash that equal ones share."""
        return hash(repr(self))

    def __repr__(self) -> str:
        """Return it as it is written in Python."""
        return written(self)


def written(value: object, used: set[object] | None = None) -> str:
    """Return a value as one would write it: without what goes without saying.

    What is named in it is added to ``used``, for :func:`imports`.
    """
    return _written(value, set() if used is None else used)


def imports(used: Iterable[object]) -> str:
    """Return the lines that import what is ``used``, each from where it is told to the public.

    What cannot be imported, as it was made on the spot, is left out.
    """
    names: dict[str, set[str]] = {}
    for one in used:
        named = cast("tuple[str, str]", one) if type(one) is tuple else (_home(one), _name(one))
        module, name = named
        if module:
            names.setdefault(module, set()).add(name)
    return "\n".join(
        f"from {module} import {', '.join(sorted(some))}" for module, some in sorted(names.items())
    )


def _name(one: object) -> str:
    return str(getattr(one, "__name__", ""))


def _home(one: object) -> str:
    """Return the first package above it that has it by its name, or its module."""
    parts = str(getattr(one, "__module__", "")).split(".")
    for end in range(len(parts)):
        module = ".".join(parts[: end + 1])
        there = getattr(sys.modules.get(module), _name(one), None) is one
        if there and module not in {"__main__", "builtins"}:
            return module
    return ""


def _written(value: object, used: set[object]) -> str:
    if type(value) in _PLAIN:
        return repr(value)
    if isinstance(value, Value):
        return _made(type(value), *value.made_of(), used)
    if isinstance(value, Money | UnitPrice):
        return _amount(value, used)
    if isinstance(value, list | tuple | set | frozenset | dict):
        return _several(cast("list[object]", value), used)
    if isinstance(value, date | time | timedelta | tzinfo):
        return _moment(value, used)
    return _other(value, used)


def _other(value: object, used: set[object]) -> str:
    """Write what has a name of its own, or is made of parts that have one each."""
    if callable(value) and hasattr(value, "__name__"):
        used.add(value)
        return _name(value)
    used.add(type(value))
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, partial):
        made = cast("partial[object]", value)
        return _made(partial, (made.func, *made.args), made.keywords, used)
    if attrs.has(cast("type[attrs.AttrsInstance]", type(value))):
        return _made(type(value), (), _told(value), used)
    if is_dataclass(value) and not isinstance(value, type):
        return _made(type(value), (), _given(value), used)
    return repr(value)


def _amount(value: Money | UnitPrice, used: set[object]) -> str:
    kind = type(value)
    used.add(kind)
    per = f", per={value.per}" if isinstance(value, UnitPrice) and value.per != 1 else ""
    return f"{kind.__name__}.of({str(value.amount)!r}, {value.currency!r}{per})"


def _several(value: object, used: set[object]) -> str:
    """Write a collection: a set as it sorts, for its own order is another in every process."""
    if isinstance(value, dict):
        pairs = cast("dict[object, object]", value).items()
        told = [f"{_written(key, used)}: {_written(one, used)}" for key, one in pairs]
        return f"{{{', '.join(told)}}}"
    kind = type(value)
    if hasattr(kind, "_fields"):
        return _made(kind, (), _named(value), used)
    told = [_written(one, used) for one in cast("list[object]", value)]
    if isinstance(value, list):
        return f"[{', '.join(told)}]"
    if isinstance(value, tuple):
        return f"({told[0]},)" if len(told) == 1 else f"({', '.join(told)})"
    inside = f"{{{', '.join(sorted(told))}}}" if told else ""
    if isinstance(value, frozenset):
        return f"frozenset({inside})"
    return inside or "set()"


def _moment(value: date | time | timedelta | tzinfo, used: set[object]) -> str:
    """Write a time, an aware one in UTC: the same moment whatever the zone."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        value = value.astimezone(UTC)
    text = repr(value).replace("datetime.timezone.utc", "datetime.UTC")
    used.update(("datetime", name) for name in re.findall(r"\bdatetime\.(\w+)", text))
    return re.sub(r"\bdatetime\.", "", text)


def _named(value: object) -> dict[str, object]:
    """Return what a named tuple has to be told to be made again."""
    names = cast("tuple[str, ...]", getattr(value, "_fields", ()))
    usual = cast("dict[str, object]", getattr(value, "_field_defaults", {}))
    given = {name: getattr(value, name) for name in names}
    return {name: one for name, one in given.items() if name not in usual or usual[name] != one}


def _told(value: object) -> dict[str, object]:
    """Return what a value of attrs has to be told to be made again."""
    kind = cast("type[attrs.AttrsInstance]", type(value))
    return {
        field.alias: getattr(value, field.name)
        for field in attrs.fields(kind)
        if field.init and getattr(value, field.name) != _default(field.default, field.converter)
    }


def _given(value: DataclassInstance) -> dict[str, object]:
    """Return what a dataclass has to be told to be made again."""
    given = {one.name: getattr(value, one.name) for one in dataclass_fields(value) if one.init}
    usual = {one.name: one.default for one in dataclass_fields(value)}
    return {name: one for name, one in given.items() if usual[name] != one}


def _default(default: object, converter: object) -> object:
    return converter(default) if callable(converter) and default is not attrs.NOTHING else default


def _made(kind: type, args: Iterable[object], more: Mapping[str, object], used: set[object]) -> str:
    used.add(kind)
    told = [_written(one, used) for one in args]
    told += [f"{name}={_written(one, used)}" for name, one in more.items()]
    return f"{kind.__name__}({', '.join(told)})"
