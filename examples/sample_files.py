"""Read tables of real data: CSV files, plain or gzip, told apart by the columns of their header.

    headers = {"menu": ("pizza_id", "price"), "orders": ("order_id", "date", "time")}
    files = read_tables(paths, headers)
    for row in files["menu"]:
        price = row.price("price")

A file that cannot be read on, or a value that makes no sense, is a `SampleError` of one line, which
names the file and the line, what is wrong, and what would be right.
"""

import csv
import gzip
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final, TextIO, TypeAlias, final

from orderwright import InvalidInput
from orderwright.values import identifier

_WHOLE: Final = re.compile(r"[0-9]{1,9}", re.ASCII).fullmatch
_PRICE: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,2})?", re.ASCII).fullmatch


@final
class SampleError(ValueError):
    """A file that cannot be read on: where, what is wrong, and what would be right."""

    def __init__(self, place: str, problem: str, expected: str) -> None:
        super().__init__(f"{place + ': ' if place else ''}{problem}; expected {expected}")


@final
@dataclass(frozen=True, slots=True)
class Row:
    """A row, and where it stands."""

    place: str
    values: Mapping[str, str]

    def wrong(self, column: str, expected: str) -> SampleError:
        """The error for a value that makes no sense."""
        return SampleError(self.place, f"{column} is {self.values[column]!r}", expected)

    def text(self, column: str) -> str:
        """A text, empty or not."""
        return self.values[column]

    def name(self, column: str) -> str:
        """A name that can be an id."""
        return self._id(column, self.values[column])

    def names(self, column: str) -> tuple[str, ...]:
        """Names parted by commas, each there once."""
        found = tuple(self._id(column, one.strip()) for one in self.values[column].split(","))
        if len(set(found)) < len(found):
            raise self.wrong(column, "each name once")
        return found

    def _id(self, column: str, name: str) -> str:
        try:
            return identifier(name, column)
        except InvalidInput:
            raise self.wrong(column, "a name of printable characters without '/'") from None

    def whole(self, column: str) -> int:
        """A whole number, from 1."""
        found = self.values[column]
        if not _WHOLE(found) or not int(found):
            raise self.wrong(column, "a whole number such as 1")
        return int(found)

    def price(self, column: str) -> Decimal:
        """An amount of at most two decimals."""
        found = self.values[column]
        if not _PRICE(found):
            raise self.wrong(column, "an amount such as 12.75")
        return Decimal(found)

    def moment(self, day: str, hour: str) -> datetime:
        """The moment of a day's and an hour's column; the files name no zone, so it is UTC."""
        said = f"{self.values[day]} {self.values[hour]}"
        try:
            return datetime.strptime(said, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        except ValueError:
            problem = f"{day} and {hour} are {said!r}"
            raise SampleError(self.place, problem, "such as 2015-11-27 09:30:00") from None


Headers: TypeAlias = Mapping[str, Sequence[str]]
"""The columns of each kind of table."""


def read_tables(paths: Iterable[Path], headers: Headers) -> dict[str, list[Row]]:
    """Read one file of each kind, given in any order; raise SampleError."""
    found: dict[str, list[Row]] = {}
    for path in paths:
        rows = _read(path)
        _, header = next(rows, (0, []))
        kind = next((name for name, one in headers.items() if list(one) == header), "")
        if not kind:
            shown = ",".join(header)[:200] or "nothing"
            wanted = " or ".join(f"{','.join(one)} ({name})" for name, one in headers.items())
            raise SampleError(f"{path.name}:1", f"the header is {shown!r}", wanted)
        if kind in found:
            raise SampleError(path.name, f"a second table of {kind}", "one of each kind")
        found[kind] = list(_rows(path, header, rows))
    missing = [name for name in headers if name not in found]
    if missing:
        raise SampleError("", f"no table of {' and none of '.join(missing)}", "a file of each kind")
    return found


def _rows(
    path: Path, header: Sequence[str], rows: Iterator[tuple[int, list[str]]]
) -> Iterator[Row]:
    for line, values in rows:
        place = f"{path.name}:{line}"
        if len(values) != len(header):
            raise SampleError(place, f"{len(values)} columns", f"the {len(header)} of the header")
        yield Row(place, dict(zip(header, values, strict=True)))


def _open(path: Path) -> TextIO:
    """Open plain or gzip text; the first two bytes tell which, not the name."""
    with path.open("rb") as raw:
        zipped = raw.read(2) == b"\x1f\x8b"
    if zipped:
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _read(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Every row with its line number, the header included."""
    line = 0
    try:
        with _open(path) as text:
            reader = csv.reader(text, strict=True)
            for values in reader:
                line = reader.line_num
                yield line, values
    except (OSError, EOFError, zlib.error) as error:  # a damaged gzip file raises any of the three
        reason = getattr(error, "strerror", None) or str(error)
        raise SampleError(
            path.name, f"reading stops: {reason}", "a whole, readable file"
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise SampleError(f"{path.name}:{line + 1}", str(error), "CSV in UTF-8") from error
