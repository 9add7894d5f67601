"""Stories that the simulator found, each of which broke a law once."""

from collections.abc import Sequence

import pytest

from orderwright import Policy
from orderwright.testing.simulation import Begin, Call, Go, Simulation, Step, World
from tests.kitchens import MENU, TAB, Kitchen
from tests.simulation.pairs import AT_ONCE, STAGES
from tests.worlds import MINUTE, card, line


def restaurant() -> World:
    """One steak is left."""
    return Kitchen(1)


def shop() -> World:
    """There are three mugs, two of them sold."""
    world = World(("MUG", "MAIN", 3))
    world.desk.place([line("MUG", 2)], order_id="o1", tenders=[card()])
    return world


def steak(table: str) -> Call:
    """Who sits there has a steak."""
    return Call("place", [MENU["STEAK"].line()], order_id=table, table=table, policy=TAB)


def turns(*names: str) -> list[Step]:
    """These go on, one after the other."""
    return [Go(name) for name in names]


def two_parts() -> World:
    """An unpaid order from two places; what fails is left to a person at once."""
    policy = Policy(capture="by_hand", attempts=1, unpaid_ttl=10 * MINUTE)
    world = World(("MUG", "MAIN", 2), ("CUP", "STORE", 2), policy=policy)
    world.desk.place([line("MUG", 2), line("CUP", 2)], order_id="o1")
    return world


def one_part() -> World:
    """An unpaid order of one mug; what fails is left to a person at once."""
    policy = Policy(capture="on_confirmation", attempts=1, unpaid_ttl=10 * MINUTE)
    world = World(("MUG", "MAIN", 1), policy=policy)
    world.desk.place([line("MUG")], order_id="o1")
    return world


def rich() -> World:
    """An order of two lines that are reserved in one place."""
    world = World(("MUG", "MAIN", 4))
    lines = [line("MUG", 2), line("MUG", 1)]
    world.desk.place(lines, order_id="o1", tenders=[card()])
    return world


def picking() -> World:
    """Two mugs are being picked; one more is there, and one elsewhere."""
    world = World(("MUG", "MAIN", 3), ("MUG", "STORE", 1))
    world.desk.place([line("MUG", 2)], order_id="o1", tenders=[card()])
    world.desk.advance("o1", "f1", "release")
    world.desk.advance("o1", "f1", "pick")
    return world


def waiting() -> World:
    """An order waits for one mug of four, which has come."""
    world = World(("MUG", "MAIN", 3), policy=AT_ONCE)
    world.desk.place([line("MUG", 4)], order_id="o1", tenders=[card()])
    world.receive("d1", "MUG", "MAIN", 1)
    return world


def two_places() -> World:
    """A mug is reserved at one of two places."""
    world = World(("MUG", "MAIN", 1), ("MUG", "STORE", 1))
    world.desk.place([line("MUG", 1)], order_id="o1", tenders=[card()])
    return world


def two_skus() -> World:
    """Cups are reserved at one place, mugs at another."""
    world = World(("MUG", "MAIN", 2), ("CUP", "STORE", 2))
    world.desk.place([line("CUP", 2), line("MUG", 2)], order_id="o1")
    return world


STORIES: dict[str, tuple[World, Sequence[Step]]] = {
    # Its order did not know of the reservation yet, and was not told when it was gone.
    "a count takes what an order has reserved but not recorded": (
        shop(),
        [
            Begin("a", Call("place", [line("MUG")], order_id="o4", tenders=[card()])),
            *turns("a", "a", "a", "a"),
            Go("a", "crash before"),
            Begin("b", Call("count_stock", "MUG", "MAIN", 1, count_id="c1")),
        ],
    ),
    # It could not be rejected, as something was due there, and resuming it failed for ever.
    "what a tab gave away comes back when its dish is sold out": (
        restaurant(),
        [
            Begin("a", steak("t1")),
            Begin("b", steak("t2")),
            *turns("a", "b"),
            Begin("c", Call("sell_out", "STEAK", "GRILL", notice_id="n", queued=True)),
            Go("a"),
            Go("a", "unknown, done late"),
            Begin("d", Call("transfer", "t1", "t2")),
        ],
    ),
    # Of two reservations one was gone: the other was held for nobody from then on.
    "a count takes one of the reservations that are just given back": (
        rich(),
        [
            Begin("a", Call("report_cancellation", "o1", reason="there")),
            Begin("b", Call("count_stock", "MUG", "MAIN", 2, count_id="c1")),
            *turns("b", "b", "a", "a", "b", "a"),
        ],
    ),
    "a count takes one of the reservations that are just leaving": (
        rich(),
        [
            Begin("a", Call("ship", "o1", "f1")),
            Begin("b", Call("count_stock", "MUG", "MAIN", 2, count_id="c1")),
            *turns("b", "b", "a", "a", "b", "a"),
        ],
    ),
    # What was to be written off was taken for what the rest of the order still had.
    "a count takes a unit that is just short at the pick": (
        picking(),
        [
            Begin("a", Call("count_stock", "MUG", "MAIN", 1, count_id="c1")),
            Begin("b", Call("short_pick", "o1", "f1", {"l1": 1})),
            *turns("a", "a", "a", "a", "a", "a", "b", "b"),
            Go("b", "crash before"),
        ],
    ),
    # What had left was refused twice, the second time for good and without anybody noting why: what
    # was still reserved for it stayed so.
    "a count takes what has left, and whoever books it dies": (
        STAGES["paid"](),
        [
            Begin("a", Call("deliver", "o1", "f1")),
            Begin("b", Call("count_stock", "MUG", "MAIN", 1, count_id="c1")),
            *turns("a", "a", "b", "b", "b", "a", "a", "a", "a", "a"),
            Go("a", "crash before"),
        ],
    ),
    # It counted as gone and as reserved at once.
    "what is just being moved is shipped": (
        two_places(),
        [
            Begin("a", Call("move", "o1", "f1", "STORE")),
            *turns("a", "a", "a", "a"),
            Begin("b", Call("ship", "o1", "f2")),
            *turns("b", "b"),
        ],
    ),
    # The law was wrong: what was given up waits for a person to be set free, and lapses meanwhile.
    "a part that is given up is never set free, and the rest is paid": (
        two_parts(),
        [
            Begin("a", Call("cancel", "o1", units={"l2": 2}, reason="less")),
            *(Go("a"), Go("a", "crash after")),
            Begin("b", Call("pay", "o1", [card()])),
        ],
    ),
    # So it was of what has left, while what should have made it firm is parked.
    "a firm that got no answer is parked, and the parcel has left": (
        one_part(),
        [
            Begin("a", Call("pay", "o1", [card()])),
            *(Go("a"), Go("a"), Go("a", "unknown, done late")),
            Begin("b", Call("ship", "o1", "f1")),
            *turns("b", "b"),
            Begin("c", Call("resolve", "o1", "shipped_unconfirmed", resolution="settled")),
            Go("c"),
        ],
    ),
    # The count looked for what was being booked before it was, and at the order when it was.
    "a count takes what is just being moved": (
        two_places(),
        [
            Begin("a", Call("move", "o1", "f1", "STORE")),
            Begin("b", Call("count_stock", "MUG", "MAIN", 0, count_id="c1")),
            *turns(*"aaabbbbbbaaab"),
        ],
    ),
    # What of one line was given back was taken for what the count of another line's SKU took.
    "a count of what was given up meets what else is given back": (
        two_skus(),
        [
            Begin("a", Call("cancel", "o1", units={"l1": 1}, reason="less")),
            *turns("a", "a"),
            Begin("b", Call("cancel", "o1", units={"l2": 2}, reason="less")),
            Go("a", "crash after"),
            *turns("b", "b", "b", "b"),
            Begin("c", Call("count_stock", "MUG", "STORE", 1, count_id="c1")),
        ],
    ),
    # It raised after it had saved, as it looked at the order once more.
    "what was allocated cannot be looked at again": (
        waiting(),
        [
            Begin("a", Call("allocate", "o1")),
            *turns("a", "a", "a", "a", "a"),
            Go("a", "not reached"),
        ],
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_a_story_that_went_wrong_once_breaks_no_law(name: str) -> None:
    """The laws hold after each step, and in the calm."""
    world, steps = STORIES[name]
    simulation = Simulation(world)
    simulation.run(steps)
    simulation.calm()
