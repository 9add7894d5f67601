"""Whatever is handed in: success, or one documented error that says where, and nothing harmed."""

import os
from collections import Counter
from collections.abc import Callable, Mapping

import pytest

from orderwright import OrderDesk
from orderwright.errors import CodecError, InvalidInput, NotFound
from tests.fuzz import documents, notices, values
from tests.fuzz.hostile import BIG, Hostile
from tests.fuzz.judging import Tally, Target, run
from tests.fuzz.town import Town
from tests.worlds import commands_of

TOWN = Town()
TARGETS: Mapping[str, Target] = {
    **documents.TARGETS,
    **values.TARGETS,
    **notices.TARGETS,
    **{name: TOWN.target(name) for name in sorted(commands_of(OrderDesk))},
}
FEW = 10
"""So many inputs of each target are tried with every change; of the rest see `test_long`."""
MANY = int(os.environ.get("ORDERWRIGHT_FUZZ", "1000"))
"""So many of each target are tried by the session `fuzz`."""
FIRST = 1_000_000
"""The long run has numbers of its own."""


def untroubled(name: str, numbers: range) -> Tally:
    """Try these inputs of a target; a finding can be looked at again by its name and number."""
    tally = run(name, TARGETS[name], numbers)
    assert {} == tally.findings
    return tally


@pytest.mark.parametrize("name", TARGETS)
def test_hostile_input_is_refused_and_harms_nothing(name: str) -> None:
    """A second and 128 megabytes are enough for each, and a message says what is wrong."""
    untroubled(name, range(FEW))


@pytest.mark.long
@pytest.mark.parametrize("name", TARGETS)
def test_long(name: str) -> None:
    """The same, with many more and other inputs."""
    tally = untroubled(name, range(FIRST, FIRST + MANY))
    told = ", ".join(f"{count} {outcome}" for outcome, count in tally.outcomes.most_common())
    print(f"{name}: {told}; {tally.slowest:.2f} s, {tally.largest:.1f} MB")  # noqa: T201 - figures


def test_every_command_and_every_value_is_a_target() -> None:
    """A new command has to be given a good call, a new class of values a sample."""
    assert set(commands_of(OrderDesk)) <= set(TARGETS)
    assert set(values.checked()) == {*values.CLASSES, *values.TABLES}


def test_a_number_is_one_input() -> None:
    """Whoever has the name of a target and a number has the input."""
    one, same, other = (Hostile("place", number) for number in (7, 7, 8))
    drawn = [
        [draw.bent({"a": [1, "x"], "b": "EUR"}) for _ in range(50)] for draw in (one, same, other)
    ]
    assert repr(drawn[0]) == repr(drawn[1]) != repr(drawn[2])


def test_both_what_is_accepted_and_what_is_refused_is_tried() -> None:
    """Inputs that are all nonsense would look no further than the door."""
    seen: Counter[str] = Counter()
    for name in ("place", "edit", "ship", "decode_event", "replay", "DraftLine()"):
        seen += untroubled(name, range(FIRST, FIRST + 20)).outcomes
    assert {"done", "InvalidInput", "NotFound", "CodecError"} <= set(seen)
    assert 10 < seen["done"] < sum(seen.values()) / 2


def _raising(error: Exception) -> Callable[[Hostile], object]:
    def case(_: Hostile) -> object:
        raise error

    return case


def _slow(_: Hostile) -> object:
    return sum(number % 7 for number in range(1_000_000))


@pytest.mark.parametrize(
    ("target", "wrong"),
    [
        (Target(_raising(KeyError("x"))), "KeyError: "),
        (Target(_raising(RecursionError())), "RecursionError: "),
        (Target(_raising(InvalidInput(()))), "names no fault"),
        (Target(_raising(InvalidInput.at("", "wrong"))), "does not say where"),
        (Target(_raising(NotFound("order", "o1", 7))), "does not survive the codec"),
        (Target(_raising(CodecError.at("$", "x")), harmed=lambda: True), "the state changed"),
        (Target(lambda _: BIG * 14), "took more than 128 MB"),
        (Target(_slow, seconds=0.001), "took more than 0.0"),
        (Target(lambda _: 7, accepted=_raising(ValueError("x"))), "accepted, and then ValueError"),
    ],
)
def test_what_must_not_be_is_found(target: Target, wrong: str) -> None:
    """Each kind of harm is told by the judge: one that sees nothing proves nothing."""
    (found,) = run("planted", target, range(50, 51), weigh=1 if "MB" in wrong else 7).findings
    assert wrong in found
