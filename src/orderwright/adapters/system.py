"""The host's clock and random ids, for desks that are to take them by themselves."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

__all__ = ["new_id", "utc_now"]


def utc_now() -> datetime:
    """Return the present moment, in UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """Return a new random id of 32 hexadecimal digits."""
    return uuid4().hex
