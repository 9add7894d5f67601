"""What is said again under a key: the same is known, anything else is refused."""

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta, timezone
from decimal import Decimal, Inexact, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderwright import AddLine, ChangeLine, Contact, Hold, OrderDesk, Policy, Posting
from orderwright.errors import KeyReused
from orderwright.orders.events import NoteAdded, NothingChanged
from orderwright.orders.modifiers import Modifier
from orderwright.orders.repeating import fingerprints, require_same
from orderwright.testing.simulation import Begin, Call, Go, Simulation
from tests.worlds import HOUR, MINUTE, NOON, World, card, line

Said = Callable[[OrderDesk], object]

# Each pair: what changes nothing, and what would be something else, under one key.
NOTHING: dict[str, tuple[Said, Said]] = {
    "hold": (
        lambda desk: desk.hold("o1", "x", blocks=["capture"], key="k"),
        lambda desk: desk.hold("o1", "y", blocks=["refund"], key="k"),
    ),
    "edit": (
        lambda desk: desk.edit("o1", [ChangeLine(line_id="l1", quantity=2)], key="k"),
        lambda desk: desk.edit("o1", [ChangeLine(line_id="l1", quantity=7)], key="k"),
    ),
    "promise": (
        lambda desk: desk.promise("o1", NOON + HOUR, key="k"),
        lambda desk: desk.promise("o1", NOON + 3 * HOUR, key="k"),
    ),
    "tag": (
        lambda desk: desk.tag("o1", add=["vip"], key="k"),
        lambda desk: desk.tag("o1", remove=["vip"], key="k"),
    ),
    "service": (
        lambda desk: desk.edit("o1", service="pickup", key="k"),
        lambda desk: desk.edit("o1", service="delivery", key="k"),
    ),
    "time": (
        lambda desk: desk.edit("o1", service="pickup", key="k"),
        lambda desk: desk.edit("o1", service="pickup", scheduled_for=NOON + HOUR, key="k"),
    ),
    "fewer names": (
        lambda desk: desk.request_stop("o1", "f1", units={"l1": 1}, key="k"),
        lambda desk: desk.request_stop("o1", "f1", key="k"),
    ),
    "another command": (
        lambda desk: desk.tag("o1", add=["vip"], key="k"),
        lambda desk: desk.cancel("o1", reason="vip", key="k"),
    ),
}


@pytest.mark.parametrize("name", NOTHING)
def test_a_key_that_changed_nothing_is_for_the_same_content_alone(name: str) -> None:
    """Said again it changes nothing again; anything else under it is refused, and not swallowed."""
    world = World(("MUG", "MAIN", 9))
    world.desk.place([line(quantity=2)], order_id="o1", tenders=[card()], service="pickup")
    if name == "fewer names":
        world.desk.advance("o1", "f1", "release")
        world.desk.advance("o1", "f1", "pick")
        world.desk.request_stop("o1", "f1", units={"l1": 1})
    world.desk.hold("o1", "x", blocks=["capture"])
    world.desk.promise("o1", NOON + HOUR)
    world.desk.tag("o1", add=["vip"])
    said, other = NOTHING[name]
    said(world.desk)
    order = world.desk.order("o1")
    assert order == said(world.desk)
    with pytest.raises(KeyReused) as caught:
        other(world.desk)
    assert "NothingChanged" not in str(caught.value)
    assert order == world.desk.order("o1")


values = st.recursive(
    st.one_of(
        st.integers(),
        st.none(),
        st.text(max_size=5),
        st.decimals(allow_nan=False, allow_infinity=False, places=3),
        st.frozensets(st.sampled_from(["allocate", "capture", "fulfil", "refund"])),
        st.integers(-9, 9).map(lambda hours: NOON.astimezone(timezone(timedelta(hours=hours)))),
    ),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=6,
)


@given(values, values)
def test_a_fingerprint_is_the_same_for_what_is_equal_and_for_nothing_else(
    one: object, other: object
) -> None:
    """Whatever order a set has, however a number or a time is written."""
    equal = one == other and str(type(one)) == str(type(other))
    if equal or one != other:
        assert equal == (fingerprints({"a": one}) == fingerprints({"a": other}))


def test_a_change_is_known_with_all_that_was_said_of_it() -> None:
    """Also with what was so already: the same again is known, another service is refused."""
    world = World(("MUG", "MAIN", 9))
    world.desk.place([line()], order_id="o1", tenders=[card()], service="pickup")
    more = [AddLine(line=line("MUG"))]
    order = world.desk.edit("o1", more, service="pickup", key="k")
    assert order == world.desk.edit("o1", more, service="pickup", key="k")
    for other in ({"service": "delivery"}, {"service": "pickup", "scheduled_for": NOON + HOUR}):
        with pytest.raises(KeyReused):
            world.desk.edit("o1", more, key="k", **other)


def test_what_was_saved_without_its_content_is_known_by_its_command() -> None:
    """As an earlier version wrote it."""
    require_same(NothingChanged(command="NoteAdded", at=NOON), NoteAdded, {"text": "x"}, "k")


def test_numbers_are_told_exactly_in_any_context() -> None:
    """More digits than the context has tell two numbers apart, and no trap is set off."""
    long = [Decimal(f"0.123456789012345678901234567890{digit}") for digit in (1, 2)]
    with localcontext() as context:
        context.prec = 4
        context.traps[Inexact] = True
        marks = {fingerprints({"a": one}) for one in long}
    assert 2 == len(marks)
    assert fingerprints({"a": Decimal("-0")}) == fingerprints({"a": Decimal(0)})


def test_a_list_is_what_a_tuple_of_the_same_is() -> None:
    """Values that are kept as they were given may have either."""
    listed = Modifier("x", uses=[("Z", 1)], modifiers=[])  # type: ignore[arg-type]
    assert fingerprints({"a": listed}) == fingerprints({"a": Modifier("x", uses=(("Z", 1),))})


def test_numbers_and_times_are_told_by_their_value() -> None:
    """As equality has it."""
    assert fingerprints({"a": Decimal("1.0")}) == fingerprints({"a": Decimal("1.000")})
    there = NOON.astimezone(timezone(timedelta(hours=5)))
    assert fingerprints({"a": NOON}) == fingerprints({"a": there})


PROGRAM = """
from orderwright import AddLine, Hold
from orderwright.orders.repeating import fingerprints
from tests.worlds import line
print(fingerprints({"hold": Hold(name="x", blocks={"capture", "refund", "allocate", "fulfil"}),
                    "changes": (AddLine(line=line()),)}))
"""


def test_a_fingerprint_is_the_same_in_any_process() -> None:
    """Sets have another order in each."""
    hold = Hold(name="x", blocks={"capture", "refund", "allocate", "fulfil"})
    here = fingerprints({"hold": hold, "changes": (AddLine(line=line()),)})
    for seed in ("1", "2", "3"):
        command = [sys.executable, "-c", PROGRAM]
        env = {"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)}
        told = subprocess.run(command, check=True, capture_output=True, text=True, env=env).stdout
        assert str(here) == told.strip()


# Counts and notices --------------------------------------------------------------------------


def test_a_count_that_found_all_as_it_was_is_known_when_it_is_said_again() -> None:
    """What came in meanwhile is not counted away."""
    world = World(("MUG", "MAIN", 9))
    world.desk.count_stock("MUG", "MAIN", 9, count_id="monday")
    world.inventory.post(Posting.receive("d2", "MUG", "MAIN", 10, at=NOON))
    world.desk.count_stock("MUG", "MAIN", 9, count_id="monday")
    assert [19] == [one.available for one in world.inventory.supply(["MUG"], now=NOON)]


def test_a_notice_of_what_was_sold_out_already_is_known_when_it_is_said_again() -> None:
    """What is on offer again meanwhile stays on offer."""
    world = World(("MUG", "MAIN", 1))
    for notice in ("one", "two"):
        world.desk.sell_out("MUG", "MAIN", notice_id=notice)
    world.inventory.post(Posting.make("again", "MAIN", made=[("MUG", 5)], at=NOON, reason="offer"))
    world.desk.sell_out("MUG", "MAIN", notice_id="two")
    assert [5] == [one.available for one in world.inventory.supply(["MUG"], now=NOON)]


def test_a_notice_said_twice_at_once_is_told_although_the_first_dies() -> None:
    """The second saw what was on offer before the first took it off: it tells the orders."""
    world = World(("MUG", "MAIN", 2), policy=Policy(short="backorder"))
    world.desk.place([line()], order_id="o1", tenders=[card()])
    simulation = Simulation(world)
    for name, at in (("a", NOON), ("b", NOON + MINUTE)):
        notice = {"notice_id": "n", "queued": True, "at": at}
        simulation.run([Begin(name, Call("sell_out", "MUG", "MAIN", **notice)), Go(name)])
    simulation.do(Go("a", "crash after"))
    while "b" in simulation.workers:
        simulation.do(Go("b"))
    assert ["stock_missing"] == [one.code for one in world.desk.order("o1").exceptions]


def test_an_edit_that_tells_the_same_contact_may_be_said_again() -> None:
    """Whom it is for is part of what was said, also where that stays as it was."""
    ann, bob = Contact(name="Ann"), Contact(name="Bob")
    world = World(("MUG", "MAIN", 1))
    world.desk.place([line()], order_id="o1", tenders=[card()], contact=ann)
    edited = world.desk.edit("o1", contact=ann, service="pickup", key="k")
    assert edited == world.desk.edit("o1", contact=ann, service="pickup", key="k")
    assert 1 == len(edited.contact_ids)
    for other in (None, bob):
        with pytest.raises(KeyReused):
            world.desk.edit("o1", contact=other, service="pickup", key="k")
    assert ann == world.desk.contact("o1")


def test_what_lies_deep_is_told_once() -> None:
    """A fingerprint takes as long as there is to tell, however deep it lies."""
    deep = Modifier("x")
    for _ in range(60):
        deep = Modifier("x", modifiers=(deep,))
    assert fingerprints({"a": deep}) != fingerprints({"a": Modifier("x")})


def test_a_notice_said_again_spares_what_is_on_offer_by_then() -> None:
    """Who ordered after more was put on offer gets it."""
    world = World(("MUG", "MAIN", 2), policy=Policy(short="backorder"))
    world.desk.place([line()], order_id="o1", tenders=[card()])
    assert ("o1",) == world.desk.sell_out("MUG", "MAIN", notice_id="n", queued=True, at=NOON)
    made = Posting.make("again", "MAIN", made=[("MUG", 5)], at=NOON, reason="offer")
    world.inventory.post(made)
    world.desk.place([line()], order_id="o2", tenders=[card()])
    again = NOON + HOUR
    assert () == world.desk.sell_out("MUG", "MAIN", notice_id="n", queued=True, at=again)
    assert () == world.desk.order("o2").exceptions
