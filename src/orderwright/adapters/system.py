"""The host's clock, patience and random ids, for desks that are to take them by themselves."""

from __future__ import annotations

from datetime import UTC, datetime
from threading import Event
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from datetime import timedelta

__all__ = ["new_id", "pause", "utc_now"]


def utc_now() -> datetime:
    """Return the present moment, in UTC."""
    return datetime.now(UTC)


def pause(span: timedelta) -> None:
    """Wait so long. Async applications have ``asyncio.sleep`` for that."""
    Event().wait(span.total_seconds())


def new_id() -> str:
    """Return a new random id of 32 hexadecimal digits."""
    return uuid4().hex
