"""Checks that constructors share: ids, texts, quantities and times are right or refused."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from orderwright.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["MAX_QUANTITY", "aware", "identifier", "quantity", "text"]

MAX_QUANTITY = 10**12
_MAX_ID = 200
_MAX_TEXT = 10_000


def identifier(value: object, path: str) -> str:
    """Return ``value`` if it can be an id: 1 to 200 printable characters without ``/``.

    The slash is ours: it joins ids into longer ones (``order/payment/capture-1``).
    """
    if type(value) is not str:
        raise InvalidInput.at(path, f"expected a string, got {type(value).__name__}")
    if not value or len(value) > _MAX_ID or "/" in value or not value.isprintable():
        raise InvalidInput.at(
            path, f"{value[:40]!r} is no id: use 1 to {_MAX_ID} printable characters without '/'"
        )
    return value


def text(value: object, path: str) -> str:
    """Return ``value`` if it is storable text: at most 10,000 characters, valid Unicode, no NUL."""
    if type(value) is not str:
        raise InvalidInput.at(path, f"expected a string, got {type(value).__name__}")
    if len(value) > _MAX_TEXT:
        raise InvalidInput.at(path, f"{len(value)} characters; at most {_MAX_TEXT} are kept")
    if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
        raise InvalidInput.at(path, "contains half a surrogate pair, which is not a character")
    if "\0" in value:
        raise InvalidInput.at(path, "contains a NUL character")
    return value


def quantity(value: object, path: str, *, least: int = 1) -> int:
    """Return ``value`` if it is a whole number of units from ``least`` to 10**12."""
    if type(value) is not int:
        raise InvalidInput.at(path, f"expected whole units (int), got {type(value).__name__}")
    if not least <= value <= MAX_QUANTITY:
        # Python refuses to print very large numbers.
        told = value if abs(value) < MAX_QUANTITY**2 else "far too many"
        raise InvalidInput.at(path, f"{told} units: expected {least} to {MAX_QUANTITY}")
    return value


def aware(value: object, path: str) -> datetime:
    """Return ``value`` if it is a datetime that knows its offset from UTC."""
    if not isinstance(value, datetime):
        raise InvalidInput.at(path, f"expected a datetime, got {type(value).__name__}")
    if value.utcoffset() is None:
        raise InvalidInput.at(path, f"{value.isoformat()} has no time zone; pass an aware datetime")
    return value


def collect(checks: Iterable[InvalidInput]) -> None:
    """Raise one :class:`InvalidInput` with the faults of all ``checks``, if there are any."""
    faults = [fault for error in checks for fault in error.faults]
    if faults:
        raise InvalidInput(faults)
