"""What a caller said under a key, and whether the same is said again.

A command that changed something is told by its event. One that found everything as it was to be
leaves nothing but a fingerprint of each thing said: equal where the values are, in any process.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, cast

from attrs import fields, has

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
        known = dict(before.said)
        for name, mark in fingerprints(said):
            if known.get(name) != mark:
                raise KeyReused(key, name, "something else", said[name])
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
    if isinstance(value, str):
        return repr(str(value))
    if isinstance(value, Decimal):
        return str(value.normalize())
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, tuple | frozenset):
        told = [_told(one) for one in cast("Iterable[object]", value)]
        return ",".join(("(", *(told if isinstance(value, tuple) else sorted(told)), ")"))
    kind: Any = type(value)
    if has(kind):
        # What is as it is by default is left out: a later version may know more of it.
        given = {one.name: (getattr(value, one.name), one.default) for one in fields(kind)}
        value = {name: one for name, (one, default) in given.items() if one != default}
    if isinstance(value, Mapping):
        return _mapped(cast("Mapping[Any, object]", value))
    return repr(value)


def _mapped(value: Mapping[Any, object]) -> str:
    return f"[{','.join(f'{name}={_told(one)}' for name, one in sorted(value.items()))}]"
