"""What a caller said under a key, and whether the same is said again.

A command that changed something is told by its event. One that found everything as it was to be
leaves nothing but a fingerprint of each thing said: equal where the values are, in any process.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, cast

from attrs import NOTHING, fields, has

from orderwright.errors import KeyReused
from orderwright.orders.events import Event, NothingChanged

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["fingerprints", "require_same"]

_BYTES = 12


def fingerprints(said: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """Return for each name of what was ``said`` what tells its value from others."""
    return tuple((name, _fingerprint(value)) for name, value in said.items())


def require_same(before: Event, kind: type[Event], said: Mapping[str, object], key: str) -> None:
    """Raise KeyReused unless ``before``, saved under ``key``, is a ``kind`` that says ``said``."""
    command = before.command if isinstance(before, NothingChanged) else type(before).__name__
    if command != kind.__name__:
        raise KeyReused(key, "command", command, kind.__name__)
    if isinstance(before, NothingChanged):
        known, marks = dict(before.said), dict(fingerprints(said))
        for name in (*marks, *known) if known else ():
            if known.get(name) != marks.get(name):
                raise KeyReused(key, name, "(something else)", said.get(name))
        return
    for name, now in said.items():
        old = getattr(before, name)
        if old != now:
            raise KeyReused(key, name, old, now)


def _fingerprint(value: object) -> str:
    told = _told(value).encode(errors="surrogatepass")
    return blake2b(told, digest_size=_BYTES).hexdigest()


def _told(value: object) -> str:
    """Return a text that equal values share, whatever order a set happens to have."""
    given = _given(value)
    if given is not None:
        return f"[{','.join(f'{name}={told}' for name, told in sorted(given.items()))}]"
    if isinstance(value, tuple | list):
        return f"({','.join(_told(one) for one in cast('Iterable[object]', value))})"
    if isinstance(value, frozenset | set):
        return f"{{{','.join(sorted(_told(one) for one in cast('Iterable[object]', value)))}}}"
    return _plain(value)


def _plain(value: object) -> str:
    if isinstance(value, Decimal) and value.is_finite():
        return str(Fraction(value))  # exact, whatever the context
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return repr(str(value)) if isinstance(value, str) else repr(value)


def _given(value: object) -> Mapping[str, str] | None:
    """Return what a value is made of, told by name; what is as it is by default is left out.

    A later version may know more of it.
    """
    kind: Any = type(value)
    if isinstance(value, Mapping):
        pairs = cast("Mapping[object, object]", value).items()
        return {repr(name): _told(one) for name, one in pairs}
    defaults: dict[str, object]
    if has(kind):
        defaults = {one.name: one.default for one in fields(kind)}
    elif hasattr(kind, "_fields"):
        defaults = dict.fromkeys(kind._fields, NOTHING) | kind._field_defaults
    else:
        return None
    # Each is told once: twice, what lies deep would be told twice as often with every step.
    told = {name: _told(getattr(value, name)) for name in defaults}
    return {name: one for name, one in told.items() if one != _told(defaults[name])}
