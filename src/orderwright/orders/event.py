"""What every event says: when it was recorded and occurred, who caused it, why, and by which key.

``at`` is when it was recorded, ``occurred_at`` when it happened in the world, where that is known
and different (it may run backwards: the version is the order of events); ``by`` says who did it,
``reason`` why, and ``key`` is the caller's, on the first event that the command caused.
"""

from __future__ import annotations

from datetime import datetime

from attrs import fields, frozen

__all__ = ["Event"]


@frozen(kw_only=True, eq=False, repr=False)
class Event:
    """Base of all events; see the module's text for the meaning of its fields."""

    at: datetime
    occurred_at: datetime | None = None
    key: str = ""
    by: str = ""
    reason: str = ""

    def _facts(self) -> tuple[object, ...]:
        return tuple(getattr(self, one.name) for one in fields(type(self)))

    def __eq__(self, other: object) -> bool:
        """Two events are equal when they are of one kind and say the same."""
        if type(other) is not type(self):
            return NotImplemented
        return self._facts() == other._facts()

    def __hash__(self) -> int:
        """Return a hash that equal events share."""
        return hash((type(self).__name__, self.at, self.key))

    def __repr__(self) -> str:
        """Return the event with the facts that are not empty."""
        told = (
            f"{one.name}={value!r}"
            for one in fields(type(self))
            if (value := getattr(self, one.name)) not in (None, "", ())
        )
        return f"{type(self).__name__}({', '.join(told)})"
