"""Whatever crashes, is lost, repeated or late, and whoever is first: the laws hold."""

import ast
import datetime as dt
import os
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from random import Random

import pytest

import orderwright
from orderwright import InvalidInput, PaymentRequest
from orderwright.fulfillment import shipping
from orderwright.requests import CallCarrier, CallProvider, Flow, LoadOrder, ask
from orderwright.testing import simulation
from orderwright.testing.simulation import (
    FAULTS,
    Begin,
    Call,
    Go,
    Happen,
    LawBroken,
    Restaurant,
    Retail,
    Scenario,
    Simulation,
    Storm,
    World,
    replay,
    weather,
)
from orderwright.testing.simulation.laws import finding
from orderwright.testing.simulation.shrinking import shrunk
from tests.simulation.pairs import HOME
from tests.simulation.planted import BUGS
from tests.worlds import PARCELS, card, line

RETAIL, RESTAURANT = 480, 180
"""So many storms are in each block."""


@pytest.mark.parametrize("block", range(8))
def test_storms_break_no_law(block: int) -> None:
    """After every request that writes, and in the calm after the storm; each story is another."""
    shop = weather(Retail(), range(block * RETAIL, (block + 1) * RETAIL), turns=20)
    table = weather(Restaurant(), range(block * RESTAURANT, (block + 1) * RESTAURANT), turns=20)
    assert len(set(FAULTS) & set(shop.seen)) >= len(FAULTS) - 2
    different = shop.digests | table.digests
    assert len(different) >= 5_000 / 8


@pytest.mark.parametrize("scenario", [Retail(), Restaurant()])
def test_a_seed_is_one_story_everywhere(scenario: Scenario[World]) -> None:
    """Another process, with another order of its sets, lives through the same."""
    storm = Storm(scenario, 7, turns=60)
    storm.run()
    name = type(scenario).__name__
    said = (
        f"from orderwright.testing.simulation import Storm, {name};"
        f"s = Storm({name}(), 7, turns=60); s.run(); print(s.digest.hex())"
    )
    for hash_seed in ("1", "2"):
        told = subprocess.run(
            [sys.executable, "-c", said],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            check=True,
            text=True,
        )
        assert storm.digest.hex() == told.stdout.strip()


def test_a_failure_is_told_as_a_short_program_that_fails_the_same_way() -> None:
    """What it prints, run as it stands, breaks the same law; nothing of it can be left out."""
    with BUGS["no answer is taken for a refusal"].planted():
        with pytest.raises(LawBroken) as caught:
            weather(Retail(), range(100))
        found, _, program = caught.value.found.partition("\nreplay(")
        assert found
        names = {**vars(orderwright), **vars(shipping), **vars(simulation)}
        names |= {"datetime": dt, "Decimal": Decimal}
        with pytest.raises(LawBroken) as again:
            eval(f"replay({program}", names)  # noqa: S307 - our own text
        assert again.value.law == caught.value.law
        steps = ast.parse(f"replay({program}", mode="eval").body.args[2].elts
        assert len(steps) <= 12
        for left_out in range(len(steps)):
            fewer = [ast.unparse(one) for index, one in enumerate(steps) if index != left_out]
            seed = program.split(", ")[1]
            eval(f"replay(Retail(), {seed}, [{', '.join(fewer)}])", names)  # noqa: S307


def test_a_story_shrinks_to_what_matters() -> None:
    """Of many steps those are left that are needed, without the faults that are not."""
    steps = [Begin(f"w{n}", Call("note", "o1", str(n))) for n in range(20)]
    steps += [Go(f"w{n}", "sent twice") for n in range(20)]

    def fails(some: list[object]) -> bool:
        needed = {Begin("w3", Call("note", "o1", "3")), Begin("w11", Call("note", "o1", "11"))}
        return needed <= set(some) and any(getattr(one, "worker", "") == "w11" for one in some)

    assert [steps[3], steps[11]] == shrunk(steps, fails)
    assert steps == shrunk(steps, lambda _: False)


def test_steps_are_told_as_they_are_written() -> None:
    """A step's text makes the step again."""
    for step in (
        Begin("a", Call("cancel", "o1", units={"l1": 1}, reason="less")),
        Go("a"),
        Go("a", "crash after"),
        Happen("receive", "d1", "MUG", "MAIN", 1),
    ):
        assert step == eval(repr(step), vars(simulation))  # noqa: S307


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
    with pytest.raises(InvalidInput, match="'crash' is none of: crash before, crash after"):
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
