"""What constructors share: a value is right or refused, with its path and what would be right."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderwright.errors import Fault, InvalidInput
from orderwright.values import (
    MAX_QUANTITY,
    aware,
    choice,
    each,
    identifier,
    in_utc,
    instance,
    moment,
    quantity,
    several,
    tags,
    text,
)


def refused(call: Callable[[object, str], object], value: object) -> str:
    """What the typed error says about `value`, which keeps the path it was given."""
    with pytest.raises(InvalidInput) as caught:
        call(value, "here")
    (fault,) = caught.value.faults
    assert "here" == fault.path
    return fault.message


# --- ids ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", ["a", "order-1", "Größe 43", "日本", "a" * 200, "🎁", "..", "' --"]
)
def test_identifiers(value: str) -> None:
    """Any printable text of up to 200 characters can be an id, and is kept as it is."""
    assert value is identifier(value, "here")


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        " a",
        "a ",
        "a" * 201,
        "a/b",
        "a\nb",
        "a\tb",
        "a\0b",
        "a\x1b[2Jb",
        "a\ud800b",
        "a\u202eb",  # turns the text around
        "a\u200bb",  # is invisible
        "a\u2028b",  # breaks the line
        "a\u00a0b",  # looks like a blank
    ],
)
def test_what_is_no_identifier(value: str) -> None:
    """Slashes, control characters, half characters and what cannot be seen are refused."""
    rule = "use 1 to 200 printable characters without '/', and no space at either end"
    expected = f"{value[:40]!r} is no id: {rule}"
    assert expected == refused(identifier, value)


@pytest.mark.parametrize("check", [identifier, text])
@pytest.mark.parametrize("value", [None, 7, True, b"order-1", ["order-1"], type("S", (str,), {})()])
def test_what_is_no_string(check: Callable[[object, str], object], value: object) -> None:
    """Only a plain string is a string."""
    assert f"expected a string, got {type(value).__name__}" == refused(check, value)


@given(st.text(st.characters(codec=None), max_size=250))
def test_identifier_can_be_joined_and_stored(value: str) -> None:
    """What is accepted encodes, holds no separator, and survives being joined and parted."""
    try:
        identifier(value, "here")
    except InvalidInput:
        return
    joined = f"{value}/l1".encode().decode()
    assert [value, "l1"] == joined.split("/")
    assert [value] == value.splitlines()
    assert value == value.strip()


# --- texts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["", "a" * 10_000, "two\nlines", "a/b", "🎁" * 10, "\ufffd"])
def test_texts(value: str) -> None:
    """Text for people may be empty, long, and of several lines."""
    assert value is text(value, "here")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("a" * 10_001, "10001 characters; at most 10000 are kept"),
        ("a\0b", "contains a NUL character"),
        ("ä\0", "contains a NUL character"),
        ("a\ud83d", "contains half a surrogate pair, which is not a character"),
        ("\udc81", "contains half a surrogate pair, which is not a character"),
    ],
)
def test_what_is_no_text(value: str, message: str) -> None:
    """What a database would refuse, or cut, is refused before it gets there."""
    assert message == refused(text, value)


@given(st.text(st.characters(codec=None), max_size=50))
def test_text_can_be_stored(value: str) -> None:
    """Text is accepted exactly if UTF-8 can encode it and it holds no NUL."""
    try:
        storable = b"\0" not in value.encode()
    except UnicodeEncodeError:
        storable = False
    if storable:
        assert value is text(value, "here")
    else:
        refused(text, value)


# --- quantities -----------------------------------------------------------------------------------


def test_quantities() -> None:
    """Whole units from the least to 10**12 are quantities; the least is 1 unless told."""
    assert (1, 10**12, 0) == (
        quantity(1, "here"),
        quantity(MAX_QUANTITY, "here"),
        quantity(0, "here", least=0),
    )


@pytest.mark.parametrize("value", [True, False, 1.0, "1", None, float("nan")])
def test_what_is_no_quantity(value: object) -> None:
    """Bools, floats and numerals are refused, although some would pass for a number."""
    assert f"expected a whole number (int), got {type(value).__name__}" == refused(quantity, value)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0, "0"),
        (-1, "-1"),
        (10**12 + 1, "1000000000001"),
        (10**15, "1000000000000000"),
        pytest.param(10**5000, "far too many", id="more digits than Python prints"),
        pytest.param(-(10**5000), "far too many", id="as many below zero"),
    ],
)
def test_quantities_have_limits(value: int, told: str) -> None:
    """Too few and too many units are refused with both limits, however large the number."""
    assert f"expected 1 to 1000000000000, got {told}" == refused(quantity, value)


# --- times ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=-11, minutes=-30))])
def test_times(zone: tzinfo) -> None:
    """A datetime that knows its offset is kept as it is."""
    value = datetime(2026, 1, 1, tzinfo=zone)
    assert value is aware(value, "here")


class NoOffset(tzinfo):
    """A time zone that does not know where it is."""

    def utcoffset(self, _: datetime | None) -> timedelta | None:
        """There is no offset."""
        return None

    dst = utcoffset

    def tzname(self, _: datetime | None) -> str | None:
        """There is no name either."""
        return None


@pytest.mark.parametrize("value", [datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=NoOffset())])  # noqa: DTZ001
def test_naive_times(value: datetime) -> None:
    """A datetime without an offset is refused, also if it carries a useless zone."""
    expected = "2026-01-01T00:00:00 has no time zone; pass an aware datetime"
    assert expected == refused(aware, value)


@pytest.mark.parametrize("year", [1, 9900, 9999])
def test_times_at_the_ends_of_time(year: int) -> None:
    """Near the ends of the calendar neither a time zone nor a deadline has room."""
    expected = f"the year {year} is none in which orders are placed"
    assert expected == refused(aware, datetime(year, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "value",
    [
        datetime(9899, 12, 31, 23, tzinfo=timezone(timedelta(hours=-2))),
        datetime(2, 1, 1, 1, tzinfo=timezone(timedelta(hours=2))),
    ],
)
def test_times_that_end_beyond_in_utc(value: datetime) -> None:
    """What would be kept in a year that is refused when it is read again is not taken."""
    assert value == aware(value, "here")
    assert "is none in which orders are placed" in refused(in_utc, value)


def test_times_that_leave_no_room_for_deadlines() -> None:
    """What is told of may be some deadlines away from where time ends."""
    last = datetime(9800, 12, 31, tzinfo=UTC)
    assert last == moment(last, "here")
    expected = "the year 9801 is none in which orders are placed"
    assert expected == refused(moment, datetime(9801, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("value", ["ab", 7, None])
def test_what_is_no_list(value: object) -> None:
    """Only what has items is gone through, and a string is none of several."""
    assert f"expected a list, got {type(value).__name__}" == refused(several, value)


@pytest.mark.parametrize("value", [None, "2026-01-01T12:00:00Z", date(2026, 1, 1), 1767268800])
def test_what_is_no_time(value: object) -> None:
    """Dates, timestamps and texts are not taken for datetimes."""
    assert f"expected a datetime, got {type(value).__name__}" == refused(aware, value)


# --- kinds, collections and choices ---------------------------------------------------------------


@pytest.mark.parametrize(("value", "kind"), [(7, int), ("a", str), (True, bool)])
def test_instances(value: object, kind: type[object]) -> None:
    """A value of the kind asked for is kept as it is."""
    assert value is instance(value, kind, "here")


@pytest.mark.parametrize(("value", "kind"), [("7", int), (True, int), (None, str), (1, bool)])
def test_what_is_no_instance(value: object, kind: type[object]) -> None:
    """Another kind is refused, and a bool is not taken for a number."""
    expected = f"expected {kind.__name__}, got {type(value).__name__}"
    assert expected == refused(lambda value, path: instance(value, kind, path), value)


def test_each() -> None:
    """A list becomes a tuple, and every element of another kind is named with its place."""
    assert (1, 2) == each([1, 2], int, "here")
    assert "expected a list of int, got str" == refused(lambda v, path: each(v, int, path), "12")
    assert "expected a list of int, got set" == refused(lambda v, path: each(v, int, path), {1})
    with pytest.raises(InvalidInput) as caught:
        each(["a", 1, None], int, "here")
    wrong = (
        Fault("here[0]", "expected int, got str"),
        Fault("here[2]", "expected int, got NoneType"),
    )
    assert wrong == caught.value.faults


def test_choice() -> None:
    """One of the strings of a Literal passes; anything else is refused with all of them."""
    size = Literal["small", "large"]
    choice("large", size, "here")
    for value in ("Large", ""):
        expected = f"{value!r} is none of small, large"
        assert expected == refused(lambda value, path: choice(value, size, path), value)
    for value, kind in ((None, "NoneType"), (10**5000, "int")):
        expected = f"expected a string, got {kind}"
        assert expected == refused(lambda value, path: choice(value, size, path), value)


@pytest.mark.parametrize("value", [["a", "b", "a"], {"a", "b"}, ("b", "a"), iter("ab")])
def test_tags(value: object) -> None:
    """Any collection of names becomes the set of them."""
    assert frozenset({"a", "b"}) == tags(value, "here")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("cold", "expected a set of strings, got str"),
        (None, "expected a set of strings, got NoneType"),
        (["cold", 1], "expected a string, got int"),
    ],
)
def test_what_are_no_tags(value: object, message: str) -> None:
    """A single string is not taken for its letters, and every name is checked."""
    assert message == refused(tags, value)
