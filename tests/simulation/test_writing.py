"""A story is printed such that it can be pasted into a program; every command is told in some."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from functools import cache, partial
from zoneinfo import ZoneInfo

import pytest

from orderwright import Money, OrderDesk, Policy, Posting, UnitPrice
from orderwright.fulfillment.fulfillment import Scan
from orderwright.orders.amounts import Adjustment, TaxLine
from orderwright.testing.simulation import (
    Begin,
    Call,
    Go,
    Happen,
    Late,
    LawBroken,
    Restaurant,
    Retail,
    Storm,
    weather,
)
from orderwright.testing.simulation.writing import imports, written
from tests.simulation.planted import BUGS
from tests.worlds import HOUR, NOON, PARCELS, commands_of, eur, line

VAT = TaxLine(name="VAT", percent="19", included=True)


class Mood(Enum):
    """Something that is one of a few."""

    GOOD = 1


@dataclass(frozen=True)
class Gift:
    """What somebody might tell a use case of theirs."""

    price: Money
    wrapped: bool = False
    words: list[str] = field(default_factory=list)


@dataclass
class Sized(Retail):
    """A shop of some size."""

    shelves: int = 1


class Open(Retail):
    """A shop that only its author can make again."""

    def __init__(self, hours: int) -> None:
        self.hours = hours


class Narrow:
    """A shop of which there is nothing to tell, and no place to keep it."""

    __slots__ = ()
    open = Retail().open
    call = Retail().call
    happen = Retail().happen


class Wordy:
    """What is printed on two lines."""

    def __repr__(self) -> str:
        return "one\ntwo"


ANYTHING = (
    Call("give", Gift(eur(1)), Gift(eur(2), wrapped=True, words=["to you"])),
    Call("cancel", "o1", units={"l1": 1}, reason="less"),
    Call("edit", line(adjustments=[Adjustment(name="off", amount=eur(-1))], taxes=(VAT,))),
    Call("hold", "o1", "fraud", blocks={"fulfil", "refund", "capture"}, fulfillments=set()),
    Call("hold", "o1", frozenset({"b", "a"}), frozenset(), (), (1,), [(eur(1), None)]),
    Call("promise", "o1", NOON + HOUR, dt.timedelta(hours=1), dt.date(2026, 1, 1)),
    Call("promise", "o1", NOON.astimezone(ZoneInfo("Asia/Tokyo")), NOON.replace(tzinfo=None)),
    Call("track", Scan("lost", NOON), Scan("lost", NOON, "here"), Decimal("1.50"), Mood.GOOD),
    Call("place", Policy(short="backorder", unpaid_ttl=HOUR), UnitPrice.of("1", "EUR", per=3)),
    Call("post_stock", Posting.receive("d1", "MUG", "MAIN", 1, at=NOON), PARCELS),
    Call(Call, True, 1.5, b"x", "o'1", {("a", 1): [Go("a")]}),  # noqa: FBT003
)
"""Calls told all kinds of values."""


def test_steps_are_told_as_they_are_written() -> None:
    """A step's text, behind the imports told with it, makes the step again."""
    for step in (
        *(Begin("a", call) for call in ANYTHING),
        Go("a"),
        Go("a", "crash after"),
        Late(2),
        Happen("receive", "d1", "MUG", "MAIN", 1),
        Happen("wait", HOUR),
    ):
        assert step == made(repr(step), imported([step]))


def imported(steps: Iterable[object]) -> dict[str, object]:
    """The names that the steps need, imported as they are told to be."""
    used: set[object] = set()
    for step in steps:
        written(step, used)
    names: dict[str, object] = {}
    exec(imports(used), names)  # noqa: S102 - our own text
    return names


def made(text: str, names: dict[str, object]) -> object:
    """What the text says."""
    return eval(text, names)  # noqa: S307 - our own text


def test_what_a_storm_begins_can_be_told_again() -> None:
    """Every command of some hundred storms is written such that it makes an equal one."""
    calls = begun()
    names = imported(calls)
    assert [] == [call for call in calls if call != made(repr(call), names)]


def test_a_use_case_that_was_given_something_is_told_with_it() -> None:
    """What is left to be said is said in the call."""
    call = Call(partial(imported, once=True), "o1")
    names = imported([call])
    again = made(repr(call), names)
    assert "Call(partial(imported, once=True), 'o1')" == repr(call) == repr(again)


@pytest.mark.parametrize(
    ("scenario", "told"),
    [
        (Retail(), "replay(Retail(), "),
        (Sized(), "replay(Sized(), "),
        (Sized(shelves=3), "replay(Sized(shelves=3), "),
        (Open(8), "replay(Open(  # as it was made: hours=8\n), "),
        (Open(Wordy()), "replay(Open(  # as it was made: hours=one two\n), "),
        (Narrow(), "replay(Narrow(), "),
    ],
    ids=range(6),
)
def test_a_scenario_is_told_as_it_is_made(scenario: Retail, told: str) -> None:
    """Of one that is only known to its author, what is in it is told."""
    with BUGS["the loser of a race overwrites"].planted(), pytest.raises(LawBroken) as caught:
        weather(scenario, range(50))
    assert told in caught.value.found


READS = {
    "order": "it loads an order",
    "as_of": "it replays a part of a history",
    "history": "it loads the events",
    "contact": "it loads the personal data",
    "find": "it looks up a reference",
    "promised": "it works out what is to be had and when",
    "rates": "it asks a carrier for prices",
}
"""The commands that only read, so that nothing can be broken by them, and what they do."""


def test_every_command_that_writes_is_in_the_storms() -> None:
    """Whatever a desk can be told is begun somewhere, but for what only reads."""
    told = {one.told for one in begun()}
    assert set(commands_of(OrderDesk)) - set(READS) - told == set()
    assert set(READS) <= set(commands_of(OrderDesk))


@cache
def begun() -> tuple[Call, ...]:
    """Every command that some hundred storms begin."""
    found: list[Call] = []
    for scenario in (Retail(), Restaurant()):
        for seed in range(150):
            storm = Storm(scenario, seed, turns=40)
            storm.run()
            found += [one.call for one in storm.simulation.script if isinstance(one, Begin)]
    return tuple(found)
