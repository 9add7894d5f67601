"""What a long run has to have met: each of these is what its name says, and nothing less."""

import pytest

from orderwright import Policy
from orderwright.requests import CallProvider, LookUp, PostStock
from orderwright.testing.simulation import Begin, Call, Go, Simulation, World
from orderwright.testing.simulation.sometimes import look_back
from tests.worlds import HOUR, card, line


def raced(mugs: int, racers: int) -> Simulation:
    """So many want one of so many mugs each, and are about to take it."""
    story = Simulation(World(("MUG", "MAIN", mugs)))
    for number in range(racers):
        name = f"o{number}"
        story.do(Begin(name, Call("place", [line()], order_id=name)))
        while not isinstance(story.workers[name].request, PostStock):
            story.do(Go(name))
    story.do(Go("o0"))
    return story


def test_a_race_for_the_last_unit_is_one_of_four_for_one() -> None:
    """Three racers, or a unit more, are none."""
    seen = [raced(*of).seen["the last unit raced by four"] for of in ((1, 4), (1, 3), (2, 4))]
    assert [1, 0, 0] == seen


def captured(mood: str, fault: str) -> Simulation:
    """Whoever captures dies as it is done, or is just to write it down."""
    world = World(("MUG", "MAIN", 1), policy=Policy(capture="by_hand"))
    world.desk.place([line()], order_id="o1", tenders=[card()])
    world.moods = [mood]
    story = Simulation(world)
    story.do(Begin("a", Call("capture", "o1")))
    while not isinstance(story.workers["a"].request, CallProvider):
        story.do(Go("a"))
    if fault == "crash before":
        story.do(Go("a"))
    story.do(Go("a", fault))
    return story


@pytest.mark.parametrize("fault", ["crash before", "crash after"])
def test_a_crash_between_is_one_that_leaves_money_moved_and_not_written_down(fault: str) -> None:
    """What the provider refused, or never got, is none."""
    name = "a crash between a capture and its record"
    moods = ("approve", "decline", "request_lost", "answer_lost")
    assert [1, 0, 0, 1] == [captured(mood, fault).seen[name] for mood in moods]


def test_a_notification_before_the_reply_overtakes_who_asks() -> None:
    """It counts while somebody waits for the provider, not once the reply is there."""
    story = captured("answer_lost", "crash after")
    (intent,) = story.world.orders.load("o1").intents
    story.world.wait(2 * HOUR)
    story.do(Begin("b", Call("resume")))
    while not isinstance(story.workers["b"].request, LookUp):
        story.do(Go("b"))
    name = "a notification before the reply"
    late = Simulation(story.world)
    late.do(Begin("n", Call("notify_payment", intent.id)))
    story.do(Begin("n", Call("notify_payment", intent.id)))
    assert (0, 1) == (late.seen[name], story.seen[name])


@pytest.mark.parametrize("first", ["cancel", "allocate"])
def test_a_backorder_is_filled_after_the_cancellation_that_frees_it(first: str) -> None:
    """It is the order of events that counts, not that both are there in the end."""
    world = World(("MUG", "MAIN", 1), policy=Policy(short="backorder"))
    for name in ("o1", "o2"):
        world.desk.place([line()], order_id=name)
    if first == "allocate":
        world.receive("d1", "MUG", "MAIN", 1)
        world.desk.allocate("o2")
    world.desk.cancel("o1", reason="sorry")
    world.desk.allocate("o2")
    met = "a backorder filled after another order was cancelled" in set(look_back(world))
    assert (first == "cancel") == met


def test_of_two_tenders_one_is_declined_by_its_provider() -> None:
    """What never was asked for, as the order was given up before, is not declined."""
    for mood, met in (("decline", True), ("pending", False)):
        world = World(moods=["approve", mood])
        world.desk.place([line()], order_id="o1", tenders=[card("3.33"), card()])
        assert met == ("two tenders, one of them declined" in set(look_back(world)))
