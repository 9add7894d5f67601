"""Hostile input by number: right values, bent in one place or a few."""

import math
import random
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

from attrs import fields, has

from orderwright import Money, UnitPrice
from orderwright.money import MAX_MINOR
from orderwright.values import MAX_QUANTITY

BIG = "x" * 10_000_000
MANY = 100_000
EAST = timezone(timedelta(hours=14))


def nested(depth: int = 10_000) -> list[Any]:
    """A list in a list in a list."""
    found: list[Any] = []
    for _ in range(depth):
        found = [found]
    return found


DEEP = nested()
ROUND: list[Any] = []
ROUND.append(ROUND)
NUMBERS = (
    *(0, 1, -1, 2, 7, 99, 10_000, 10_001, MAX_QUANTITY, MAX_QUANTITY + 1, 2**31, 2**63, 2**64),
    *(MAX_MINOR, MAX_MINOR + 1, -MAX_MINOR, 10**30, -(10**30), 10**5_000, True, False),
    *(0.0, -0.0, 1.5, 1e308, math.nan, math.inf, -math.inf),
)
DECIMALS = (
    *("0", "-0", "0.1", "1e-40", "1e-41", "1e400", "-1e400", "1e-999999999", "1e999999999", "1e20"),
    *("NaN", "sNaN", "Infinity", "-Infinity", "9" * 41, "-1", "100", "-100", "-100.01", "1_0"),
)
TEXTS = (
    *(
        "",
        " ",
        "x",
        " x",
        "x ",
        "a/b",
        "a\nb",
        "a\0b",
        "\ud800",
        "\udfff\ud800",
        "\u202eabc",
        "e\u0301",
    ),
    *("\u200b", "\ufeff", "\u2028", "x" * 200, "x" * 201, "\U0001f355" * 200, "x" * 10_000),
    *("x" * 10_001, BIG, "\u202e" * 10_001, "\ud800" * 10_001, "o1", "t1", "l1", "f1", "p1", "r1"),
    *("o1/p1/authorize-1", "MUG", "MAIN", "EUR", "JPY", "KWD", "CLF", "eur", "None", "null", "0"),
    *(
        "<script>",
        "'; --",
        "%s%n",
        "{0.__class__}",
        "../..",
        "card",
        "1e5",
        "\u0661\u0662",
        "\x1b[2J",
    ),
    *DECIMALS,
)
MOMENTS = (
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(1, 1, 1, tzinfo=EAST),
    datetime(2, 1, 1, tzinfo=UTC),
    datetime(9899, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(9800, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(9899, 12, 31, 23, 59, 59, tzinfo=timezone(-timedelta(hours=12))),
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(9999, 12, 31, tzinfo=timezone(-timedelta(hours=23, minutes=59))),
    datetime(2026, 1, 1, 12),  # noqa: DTZ001 - that is the point
    datetime(2026, 1, 1, 12, tzinfo=EAST),
    datetime(2025, 12, 31, tzinfo=UTC),
    datetime(2030, 2, 28, tzinfo=UTC),
)
SPANS = (
    *(timedelta(0), timedelta(microseconds=1), timedelta(microseconds=-1), timedelta(days=3650)),
    *(timedelta(days=3651), timedelta(hours=1), timedelta.max, timedelta.min),
)
SUMS = tuple(
    Money(minor, currency)
    for minor in (0, 1, -1, 500, 1_000, 1_001, MAX_MINOR, -MAX_MINOR)
    for currency in ("EUR", "JPY", "KWD")
)
PRICES = (
    *(UnitPrice.of(amount, "EUR") for amount in ("0", "1", "9e19", "0.005", "1e-40")),
    *(
        UnitPrice.of("1", "JPY"),
        UnitPrice.of("1", "EUR", per=10**30),
        UnitPrice.of("3", "KWD", per=7),
    ),
)
WRITTEN_TIMES = (
    *(moment.isoformat() for moment in MOMENTS),
    *("2026-02-30T00:00:00+00:00", "20260101T120000Z", "2026-W01-1T00:00:00+00:00", "2026-01-01"),
    *(
        "2026-01-01T12:00:00.1234567+00:00",
        "2026-01-01T24:00:00+00:00",
        "2026-01-01T12:00:00+24:00",
    ),
)
ODD: tuple[Any, ...] = (
    *(None, [], {}, (), set(), [None], {"": None}, {"__class__": "x"}, DEEP, ROUND, b"x", object()),
    *(date(2026, 1, 1), Fraction(1, 3), 1j, Money, len, range(MANY), ["x"] * MANY, [[]] * MANY),
    {str(number): number for number in range(MANY)},
)
ANY = (*ODD, *NUMBERS, *TEXTS, *map(Decimal, DECIMALS[:15]), *MOMENTS, *SPANS, *SUMS, *PRICES)
WORDS: tuple[tuple[type, tuple[Any, ...]], ...] = (
    (bool, NUMBERS),
    (int, NUMBERS),
    (datetime, MOMENTS),
    (timedelta, SPANS),
    (Money, SUMS),
    (UnitPrice, PRICES),
    (Decimal, tuple(map(Decimal, DECIMALS[:15]))),
)


OURS = ("components",)
"""Fields that callers leave alone: they are worked out."""


class Hostile(random.Random):
    """Draws what one case is made of; a name and a number are one input, on every machine."""

    def __init__(self, name: str, number: int) -> None:
        super().__init__(f"{name} {number}")

    def chance(self, percent: int) -> bool:
        """Whether it happens, so many times out of a hundred."""
        return self.randrange(100) < percent

    def bent(self, value: Any) -> Any:  # noqa: ANN401, PLR0911 - anything at all, each in its way
        """`value` with one place of it changed, deep inside or altogether."""
        if self.chance(6):
            return self.choice(ANY)
        if isinstance(value, Mapping):
            return self._bent_mapping(dict(value))
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return self._bent_fields(type(value), value._asdict())
        if isinstance(value, list | tuple | set | frozenset):
            return self._bent_items(value)
        if (has(type(value)) and not isinstance(value, Money | UnitPrice)) or self._opened(value):
            names = [one.name for one in fields(type(value)) if one.init and one.name not in OURS]
            return self._bent_fields(type(value), {name: getattr(value, name) for name in names})
        if isinstance(value, str):
            return self._bent_text(value)
        for kind, likely in WORDS:
            if isinstance(value, kind):
                return self._bent_word(value, likely)
        return self.choice(ANY)

    def _opened(self, value: object) -> bool:
        return isinstance(value, Money | UnitPrice) and self.chance(40)

    def _bent_word(self, value: Any, likely: tuple[Any, ...]) -> Any:  # noqa: ANN401
        if type(value) is int and self.chance(30):
            return value + self.choice((1, -1, 2, -2))
        return (
            self.choice(likely) if self.chance(80) else self.choice((_told, _in_list, type))(value)
        )

    def _bent_text(self, value: str) -> Any:  # noqa: ANN401
        if value[:2] == "20" and "T" in value:
            return self.choice(WRITTEN_TIMES)
        if self.chance(70):
            return self.choice(TEXTS)
        middle = self.randint(0, len(value))
        changed = value[:middle] + self.choice(TEXTS)[:300] + value[middle:]
        return self.choice(
            (
                changed,
                value[:middle],
                value.upper(),
                value.encode(errors="replace"),
                [value],
                list(value),
            )
        )

    def _bent_fields(self, kind: Callable[..., Any], given: dict[str, Any]) -> Any:  # noqa: ANN401
        for name in self.sample(sorted(given), min(len(given), 1 + self.chance(30))):
            given[name] = self.bent(given[name])
        return kind(**given)

    def _bent_mapping(self, value: dict[Any, Any]) -> Any:  # noqa: ANN401
        names = list(value)
        if names and self.chance(85):
            name = self.choice(names)
            value[name] = self.bent(value[name])
            return value
        changes: list[Callable[[], object]] = [
            lambda: value.update({self._key(): self.choice(ANY)})
        ]
        if names:
            one, other = self.choice(names), self.choice(names)
            changes += [
                lambda: value.pop(one),
                lambda: value.update({one: value[other]}),
                lambda: value.update({self._key(): value.pop(one)}),
                value.clear,
            ]
        self.choice(changes)()
        return value

    def _key(self) -> Any:  # noqa: ANN401
        return self.choice((*TEXTS, None, 7, True, 1.5, b"x", ("a", "b")))

    def _bent_items(self, value: Any) -> Any:  # noqa: ANN401
        items = list(value)
        kind = type(value)
        if items and self.chance(70):
            index = self.randrange(len(items))
            items[index] = self.bent(items[index])
            return self._as(kind, items)
        if not items:
            return self._as(kind, [self.choice(ANY)])
        index, one = self.randrange(len(items)), self.choice(items)
        changed = (
            items[:index] + items[index + 1 :],
            [*items, one],
            [*items, self.choice(ANY)],
            items[::-1],
            items[:index],
            [],
            [items],
            [one] * self.choice((10_000, 1_000, 100) if isinstance(one, dict) else (MANY, 1_000)),
        )
        return self._as(kind, self.choice(changed))

    def _as(self, kind: Callable[[Any], Any], items: list[Any]) -> Any:  # noqa: ANN401
        if self.chance(5):
            return self.choice((iter, tuple, dict.fromkeys))(items) if _hashable(items) else items
        return kind(items) if kind in (list, tuple) or _hashable(items) else items


def _told(value: object) -> str:
    return "7" if isinstance(value, int) else repr(value)


def _in_list(value: object) -> list[object]:
    return [value]


def _hashable(items: list[Any]) -> bool:
    try:
        set(items)
    except (TypeError, RecursionError):
        return False
    return True
