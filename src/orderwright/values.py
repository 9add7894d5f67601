"""Checks that constructors share: ids, texts, quantities and times are right or refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast, get_args, overload

from orderwright.errors import Fault, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "MAX_QUANTITY",
    "Once",
    "aware",
    "choice",
    "copied",
    "counts",
    "each",
    "identifier",
    "in_utc",
    "instance",
    "moment",
    "on_one_line",
    "quantity",
    "several",
    "span",
    "tags",
    "text",
    "zoned",
]

T = TypeVar("T")

MAX_QUANTITY = 10**12
_MAX_ID = 200
_MAX_TEXT = 10_000
_LONGEST = timedelta(days=3650)
_YEARS = range(2, 9900)
_LATEST = 9800
"""Nobody may tell of a later year: deadlines of up to ten years follow, one on the other."""


def identifier(value: object, path: str) -> str:
    """Return ``value`` if it can be an id: 1 to 200 printable characters without ``/``.

    No space stands at either end, where nobody would see it.
    The slash is ours: it joins ids into longer ones (``order/payment/capture-1``).
    """
    if type(value) is not str:
        raise InvalidInput.at(path, f"expected a string, got {type(value).__name__}")
    if (
        not value
        or len(value) > _MAX_ID
        or "/" in value
        or not value.isprintable()
        or value[0] == " "
        or value[-1] == " "
    ):
        rule = f"use 1 to {_MAX_ID} printable characters without '/', and no space at either end"
        raise InvalidInput.at(path, f"{value[:40]!r} is no id: {rule}")
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


def on_one_line(said: str) -> str:
    """Return what people wrote with blanks for line breaks and terminal commands."""
    return said if said.isprintable() else "".join(c if c.isprintable() else " " for c in said)


def quantity(value: object, path: str, *, least: int = 1, most: int = MAX_QUANTITY) -> int:
    """Return ``value`` if it is a whole number from ``least`` to ``most``, such as of units."""
    if type(value) is not int:
        raise InvalidInput.at(path, f"expected a whole number (int), got {type(value).__name__}")
    if not least <= value <= most:
        # Python refuses to print very large numbers.
        told = value if abs(value) < MAX_QUANTITY**2 else "far too many"
        raise InvalidInput.at(path, f"expected {least} to {most}, got {told}")
    return value


def instance(value: object, kind: type[T], path: str) -> T:
    """Return ``value`` if it is a ``kind``; bool is no int here."""
    if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
        raise InvalidInput.at(path, f"expected {kind.__name__}, got {type(value).__name__}")
    return value


def several(values: object, path: str) -> tuple[object, ...]:
    """Return what is in ``values``, a list of whatever; a single string is a slip, not a list."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise InvalidInput.at(path, f"expected a list, got {type(values).__name__}")
    return tuple(cast("Iterable[object]", values))


def each(values: object, kind: type[T], path: str) -> tuple[T, ...]:
    """Return ``values`` if each of them is a ``kind``; raise InvalidInput with all faults."""
    # Most are tuples, and asking whether something is a sequence takes longer than all the rest.
    if type(values) is not tuple and (not isinstance(values, Sequence) or isinstance(values, str)):
        raise InvalidInput.at(
            path, f"expected a list of {kind.__name__}, got {type(values).__name__}"
        )
    given = cast("Sequence[object]", values)
    right = tuple(one for one in given if isinstance(one, kind))
    if len(right) < len(given):
        raise InvalidInput(
            Fault(f"{path}[{index}]", f"expected {kind.__name__}, got {type(one).__name__}")
            for index, one in enumerate(given)
            if not isinstance(one, kind)
        )
    return right


def choice(value: object, among: object, path: str) -> None:
    """Refuse ``value`` unless it is one of the strings that the Literal ``among`` lists."""
    known = get_args(among)
    if type(value) is not str:
        raise InvalidInput.at(path, f"expected a string, got {type(value).__name__}")
    if value not in known:
        raise InvalidInput.at(path, f"{value[:40]!r} is none of {', '.join(known)}")


def counts(value: object, path: str) -> tuple[tuple[str, int], ...]:
    """Return the pairs of id and units in ``value``, by id; raise InvalidInput with all faults."""
    if not isinstance(value, Mapping):
        raise InvalidInput.at(path, f"expected units by id, got {type(value).__name__}")
    given = cast("Mapping[object, object]", value)
    found: list[tuple[str, int]] = []
    faults: list[Fault] = []
    for name, units in given.items():
        try:
            found.append((identifier(name, path), quantity(units, f"{path}[{name}]")))
        except InvalidInput as error:
            faults += error.faults
    if faults or not found:
        raise InvalidInput(faults or [Fault(path, "expected at least one")])
    return tuple(sorted(found))


def tags(value: object, path: str) -> frozenset[str]:
    """Return the set of names in ``value``; a single string is a slip, not a set of letters."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise InvalidInput.at(path, f"expected a set of strings, got {type(value).__name__}")
    return frozenset(identifier(one, path) for one in cast("Iterable[object]", value))


def zoned(value: object, path: str) -> datetime:
    """Return ``value`` if it is a datetime that knows its offset from UTC."""
    if not isinstance(value, datetime):
        raise InvalidInput.at(path, f"expected a datetime, got {type(value).__name__}")
    if value.utcoffset() is None:
        raise InvalidInput.at(path, f"{value.isoformat()} has no time zone; pass an aware datetime")
    return value


def aware(value: object, path: str) -> datetime:
    """Return ``value`` if it is a datetime that knows its offset from UTC.

    Not one at the ends of the calendar, where adding a deadline or a time zone would overflow.
    """
    found = zoned(value, path)
    if found.year not in _YEARS:
        raise InvalidInput.at(path, f"the year {found.year} is none in which orders are placed")
    return found


def in_utc(value: object, path: str) -> datetime:
    """Return an aware datetime in UTC.

    Times of one zone compare, and add up, by what its clocks show, which repeat an hour in autumn.
    """
    found = aware(value, path)
    # Near the ends of what is taken it may be another year in UTC, which would not be read again.
    return found if found.tzinfo is UTC else aware(found.astimezone(UTC), path)


def moment(value: object, path: str) -> datetime:
    """Return in UTC a time that somebody tells, with room for the deadlines that follow from it."""
    found = in_utc(value, path)
    if found.year > _LATEST:
        raise InvalidInput.at(path, f"the year {found.year} is none in which orders are placed")
    return found


def span(value: object, path: str, otherwise: str = "") -> timedelta:
    """Return ``value`` if it is a span of time, more than nothing and at most ten years.

    ``otherwise`` is what else would have been right, for the message.
    """
    found = instance(value, timedelta, path)
    if not timedelta(0) < found <= _LONGEST:
        most = f"at most {_LONGEST.days} days{otherwise}"
        raise InvalidInput.at(path, f"{found}: expected more than no time, {most}")
    return found


def copied(one: T, /, *forgotten: str, **changes: Any) -> T:  # noqa: ANN401 - the fields' own types
    """Return a copy of an object with a dict, with ``changes``, less what it had worked out.

    `attrs.evolve`, and a slotted class, take six times as long. Nothing is checked anew.
    """
    after = object.__new__(type(one))
    facts = after.__dict__
    facts.update(one.__dict__)
    facts.update(changes)
    for name in forgotten:
        facts.pop(name, None)
    return after


class Once(Generic[T]):
    """Works a value out once per object with a dict.

    `functools.cached_property` takes a lock for that before Python 3.12.
    """

    def __init__(self, work_out: Callable[[Any], T]) -> None:
        self.work_out: Callable[[Any], T] = work_out
        self.name: str = work_out.__name__
        self.__doc__ = work_out.__doc__

    @overload
    def __get__(self, holder: None, owner: type) -> Self: ...
    @overload
    def __get__(self, holder: object, owner: type) -> T: ...
    def __get__(self, holder: object, owner: type) -> T | Self:
        """Work it out, and leave it in the object's dict, where it is found from now on."""
        if holder is None:
            return self
        value = holder.__dict__[self.name] = self.work_out(holder)
        return value
