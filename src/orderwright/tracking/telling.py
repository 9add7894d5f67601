"""What the views share: plain data ready for JSON, times in a zone, spans in words, columns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias, cast

from orderwright.money import Money
from orderwright.values import on_one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import tzinfo

__all__ = ["Plain", "columns", "in_words", "local", "on_one_line", "plain", "rows"]

Plain: TypeAlias = "str | int | list[Plain] | dict[str, Plain] | None"
"""What JSON knows, without floats."""


def plain(value: object) -> Plain:
    """Return a view as plain data: rows as dicts, amounts as ``"12.50 EUR"``, times in UTC.

    Times are ISO 8601, spans of time whole seconds.
    """
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, Money):
        return str(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, timedelta):
        return value // timedelta(seconds=1)
    fields = getattr(value, "_fields", None)
    if fields is not None:
        return {name: plain(getattr(value, name)) for name in fields}
    return [plain(one) for one in cast("Iterable[object]", value)]


def rows(view: object) -> dict[str, Plain]:
    """Return the plain data of a view, which is a dict."""
    return cast("dict[str, Plain]", plain(view))


def local(at: datetime, zone: tzinfo) -> str:
    """Return a time as a clock in ``zone`` shows it, to the minute."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


def in_words(span: timedelta) -> str:
    """Return about how long a span is, in its largest fitting unit: ``3 hours``, ``1 day``."""
    for unit, name, least in _UNITS:
        if span >= unit * least:
            count = (span + unit // 2) // unit
            return f"{count} {name}" if count == 1 else f"{count} {name}s"
    return "less than a minute"


# A day and a half is better told in hours, an hour and a half in minutes.
_UNITS = (
    (timedelta(days=1), "day", 2),
    (timedelta(hours=1), "hour", 2),
    (timedelta(minutes=1), "minute", 1),
)


def columns(lines: Sequence[Sequence[str]], indent: str = "  ") -> list[str]:
    """Return lines of text whose cells stand below each other, two blanks apart.

    What is written in a cell stays on its line.
    """
    clean = [[on_one_line(cell) for cell in line] for line in lines]
    widths: dict[int, int] = {}
    for line in clean:
        for index, cell in enumerate(line):
            widths[index] = max(widths.get(index, 0), len(cell))
    return [
        indent + "  ".join(cell.ljust(widths[index]) for index, cell in enumerate(line)).rstrip()
        for line in clean
    ]
