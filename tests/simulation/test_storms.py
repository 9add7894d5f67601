"""Whatever crashes, is lost, repeated or late, and whoever is first: the laws hold."""

import ast
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from random import Random

import pytest

from orderwright import InvalidInput, PaymentRequest
from orderwright.requests import CallCarrier, CallProvider, Flow, LoadOrder, ask
from orderwright.testing.simulation import (
    FAULTS,
    Begin,
    Call,
    Go,
    LawBroken,
    Restaurant,
    Retail,
    Scenario,
    Simulation,
    Storm,
    World,
    explore,
    replay,
    weather,
)
from orderwright.testing.simulation.laws import finding
from orderwright.testing.simulation.shrinking import shrunk
from tests.simulation.pairs import HOME
from tests.simulation.planted import BUGS
from tests.worlds import PARCELS, card, line

RETAIL, RESTAURANT, TURNS = 470, 180, 25
"""So many storms are in each block, of so many turns."""


@pytest.mark.parametrize("block", range(8))
def test_storms_break_no_law(block: int) -> None:
    """After every request that writes, and in the calm after the storm; each story is another."""
    shop = weather(Retail(), range(block * RETAIL, (block + 1) * RETAIL), turns=TURNS)
    table = weather(Restaurant(), range(block * RESTAURANT, (block + 1) * RESTAURANT), turns=TURNS)
    assert len(set(FAULTS) & set(shop.seen)) >= len(FAULTS) - 2
    different = shop.digests | table.digests
    assert len(different) >= 5_000 / 8


def test_what_happens_in_the_calm_makes_no_storm() -> None:
    """Few turns are no schedule worth counting, however much there is left to do after them."""
    seen = weather(Retail(), range(40, 60), turns=11)
    assert seen.requests > 20 * 12
    assert set() == seen.digests


@pytest.mark.parametrize("scenario", [Retail(), Restaurant()])
def test_a_seed_is_one_story_everywhere(scenario: Scenario[World]) -> None:
    """Another process, with another order of its sets, lives through the same, and tells it so."""
    storm = Storm(scenario, 7, turns=60)
    storm.run()
    name = type(scenario).__name__
    said = (
        f"from orderwright.testing.simulation import Call, Storm, {name};"
        f"s = Storm({name}(), 7, turns=60); s.run(); print(s.digest.hex());"
        "print(s.simulation.script, s.simulation.trace);"
        "print(Call('hold', blocks={'fulfil', 'refund', 'capture', 'allocate'}))"
    )
    here = "Call('hold', blocks={'allocate', 'capture', 'fulfil', 'refund'})"
    story = [storm.digest.hex(), f"{storm.simulation.script} {storm.simulation.trace}", here]
    for hash_seed in ("1", "2"):
        told = subprocess.run(
            [sys.executable, "-c", said],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            check=True,
            text=True,
        )
        assert story == told.stdout.splitlines()


def test_a_failure_is_told_as_a_short_program_that_fails_the_same_way() -> None:
    """What it prints, run as it stands, breaks the same law; nothing of it can be left out."""
    with BUGS["no answer is taken for a refusal"].planted():
        with pytest.raises(LawBroken) as caught:
            weather(Retail(), range(400))
        found, start, rest = caught.value.found.partition("\nfrom ")
        assert found
        program = start + rest
        with pytest.raises(LawBroken) as again:
            exec(program, {})  # noqa: S102 - our own text
        assert again.value.law == caught.value.law
        told = ast.parse(program)
        steps = told.body[-1].value.args[2].elts
        assert len(steps) <= 12
        for step in list(steps):
            place = steps.index(step)
            steps.remove(step)
            exec(ast.unparse(told), {})  # noqa: S102
            steps.insert(place, step)


def test_a_story_shrinks_to_what_matters() -> None:
    """Of many steps those are left that are needed, without the faults that are not."""
    steps = [Begin(f"w{n}", Call("note", "o1", str(n))) for n in range(20)]
    steps += [Go(f"w{n}", "sent twice") for n in range(20)]

    def fails(some: list[object]) -> bool:
        needed = {Begin("w3", Call("note", "o1", "3")), Begin("w11", Call("note", "o1", "11"))}
        return needed <= set(some) and any(getattr(one, "worker", "") == "w11" for one in some)

    assert [steps[3], steps[11]] == shrunk(steps, fails)
    assert steps == shrunk(steps, lambda _: False)


def test_who_says_no_says_it_to_this_request_only() -> None:
    """A declined payment leaves the next label, and a refused label the next payment, alone."""
    world = World(("MUG", "MAIN", 3))
    world.desk.place([line()], order_id="o2", tenders=[card()], contact=HOME)
    pays = Call("place", [line()], order_id="o1", tenders=[card()])
    sends = Call("book_label", "o2", "f1", service="island", parcels=PARCELS)
    for call, kind in ((pays, CallProvider), (sends, CallCarrier)):
        story = Simulation(world)
        story.do(Begin("a", call))
        while not isinstance(story.workers["a"].request, kind):
            story.do(Go("a"))
        story.do(Go("a", "declined"))
        assert ([], [], {}) == (world.moods, world.label_moods, world.moods_by_id)
        while "a" in story.workers:
            story.do(Go("a"))
    (payment,) = world.orders.load("o1").payments
    assert "declined" == payment.operations[0].state.name
    assert ["refused"] == [known.outcome for _, known in world.carrier.operations.values()]


def test_a_fault_that_there_is_not_is_refused() -> None:
    """A misspelt fault is an error of whoever tells the story, not a step without a fault."""
    with pytest.raises(InvalidInput, match="'crash' is none of: 'crash before', 'crash after'"):
        Simulation(World()).do(Go("a", "crash"))


def charge_again(_desk: object, order_id: str) -> Flow[None]:
    """A use case as somebody might write it: what it charges, no order announces."""
    order = yield from ask(LoadOrder(order_id))
    payment = order.payments[0]
    request = PaymentRequest(
        id=f"{order_id}/p1/charge-9",
        kind="charge",
        order_id=order_id,
        payment_id=payment.id,
        method=payment.method,
        amount=payment.amount,
    )
    yield from ask(CallProvider(request))


def stumbles(_desk: object) -> Flow[None]:
    """A use case with a plain error in it."""
    yield from ()
    raise ZeroDivisionError


class Mine(Retail):
    """A shop that has a use case of its own."""

    def __init__(self, case: Callable[..., Flow[None]]) -> None:
        self.case = case

    def call(self, world: World, draw: Random, number: int) -> Call:
        """Use it on what is paid, every now and then."""
        paid = [one.id for one in world.all_orders() if one.payments]
        if paid and draw.random() < 0.3:
            return Call(self.case, *paid[: self.case is charge_again])
        return super().call(world, draw, number)


@pytest.mark.parametrize(
    ("case", "said"), [(charge_again, "no order announces"), (stumbles, "ZeroDivisionError")]
)
def test_a_use_case_of_ones_own_is_simulated_like_ours(
    case: Callable[..., Flow[None]], said: str
) -> None:
    """A flow that is no command of the desk, with a bug of its own, is found out."""
    with pytest.raises(LawBroken, match=said):
        weather(Mine(case), range(50))


@pytest.mark.long
@pytest.mark.parametrize("block", range(100, 160))
def test_long_storms_break_no_law(block: int) -> None:
    """The same, three times as long and with other seeds."""
    weather(Retail(), range(block * 50, (block + 1) * 50), turns=120)
    weather(Restaurant(), range(block * 50, (block + 1) * 50), turns=120)


def test_a_replay_of_nothing_is_calm() -> None:
    """No step at all: the world opens and calms down."""
    assert [] == replay(Retail(), 1, []).script


def test_a_law_that_cannot_look_is_broken() -> None:
    """What is stored such that it cannot be read is no less wrong than what is read and wrong."""
    world = World()
    world.desk.place([line()], order_id="o1")
    world.orders._kept["o1"].history.pop()
    with pytest.raises(LawBroken) as caught:
        finding(world, world.all_orders())
    assert ("IndexError: list index out of range", finding.name) == (
        caught.value.found,
        caught.value.law,
    )


def endless(_: object, order_id: str) -> Flow[None]:
    """A use case that tries again for ever."""
    while True:
        yield from ask(LoadOrder(order_id))


ENDLESS = Call(partial(endless), "o1")


def test_a_flow_without_an_end_is_told() -> None:
    """In the calm and in exhaustive search: nobody can wait for it."""
    simulation = Simulation(World())
    simulation.do(Begin("a", ENDLESS))
    with pytest.raises(LawBroken, match=r"after 10000 requests .*: .*endless") as caught:
        simulation.calm()
    assert caught.value.law == "when faults stop, everything settles"
    with pytest.raises(LawBroken, match=r"these still ask: .*endless"):
        explore(lambda: (World(), [ENDLESS, Call("note", "o1", "x")]))


def patient(_: object, order_id: str) -> Flow[None]:
    """A use case that looks again and again until somebody has tagged the order."""
    while True:
        order = yield from ask(LoadOrder(order_id))
        if order.tags:
            return


def test_a_flow_that_waits_for_another_is_told() -> None:
    """By turns both end; where the other one never gets a turn, it asks for ever."""

    def scene() -> tuple[World, list[Call]]:
        world = World(("MUG", "MAIN", 3))
        world.desk.place([line()], order_id="o1")
        return world, [Call(patient, "o1"), Call("tag", "o1", add=["vip"])]

    with pytest.raises(LawBroken, match=r"patient.* still asks after 1000 requests"):
        explore(scene)


def thorough(_: object, order_id: str) -> Flow[None]:
    """A use case that works through a lot."""
    for _ in range(3_000):
        yield from ask(LoadOrder(order_id))


def test_a_flow_that_takes_long_is_not_taken_for_endless() -> None:
    """Whoever resumes a hundred orders asks for a thousand things, and ends."""
    simulation = Simulation(World())
    simulation.do(Begin("a", Call(thorough, "o1")))
    simulation.calm()
    assert {} == simulation.workers


def test_nobody_begins_two_things_at_once() -> None:
    """The flow of the first would be gone, and nobody would see that it did not end."""
    simulation = Simulation(World())
    simulation.do(Begin("ann", Call("note", "o1", "x")))
    with pytest.raises(InvalidInput, match="'ann' is in the middle of something"):
        simulation.do(Begin("ann", Call("note", "o2", "x")))
    simulation.do(Go("ann"))
    simulation.do(Begin("ann", Call("note", "o2", "x")))


class Slip(Retail):
    """A scenario with a slip in it."""

    def call(self, world: World, draw: Random, number: int) -> Call:
        """Misspell what the fifth one does."""
        return Call("cancle", "o1") if number == 5 else super().call(world, draw, number)


def test_what_is_wrong_with_a_scenario_is_told_with_its_seed() -> None:
    """No law is broken, but whoever wrote it needs to know where."""
    with pytest.raises(Exception, match="cancle") as caught:
        weather(Slip(), range(7, 15), turns=40)
    assert any("in the storm of seed" in note for note in caught.value.__notes__)
