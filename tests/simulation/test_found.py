"""Stories that the simulator found, each of which broke a law once."""

from collections.abc import Sequence

import pytest
from attrs import evolve

from orderwright import ChangeLine, Policy, Posting
from orderwright.inventory.entries import Reservation
from orderwright.inventory.guard import StockPolicy
from orderwright.testing.simulation import Begin, Call, Go, Happen, Simulation, Step, World
from tests.kitchens import MENU, TAB, Kitchen
from tests.simulation.pairs import AT_ONCE, STAGES
from tests.worlds import HOUR, MINUTE, NOON, card, line

BY_HAND = Policy(capture="by_hand", attempts=1, short="backorder", unpaid_ttl=None)
"""What fails once is left to a person."""


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


def once(*stock: tuple[str, str, int], units: int, policy: Policy = BY_HAND) -> World:
    """An order has so many mugs."""
    world = World(*stock, policy=policy)
    if units:
        world.desk.place([line("MUG", units)], order_id="o1")
    return world


def steaks(units: int, *, policy: Policy = TAB, fired: bool) -> World:
    """A table has all the steaks there are."""
    world = Kitchen(units, policy=policy)
    lines = [MENU["STEAK"].line(quantity=units)]
    world.desk.place(lines, order_id="t1", table="t1", policy=policy)
    if fired:
        world.desk.fire("t1", 2)
    return world


def lapsing() -> World:
    """Two mugs are held for an hour, until somebody vouches for the order."""
    policy = Policy(capture="by_hand", unpaid_ttl=HOUR)
    world = World(("MUG", "MAIN", 2), policy=policy)
    world.desk.place([line("MUG", 2)], order_id="o1")
    return world


def sold() -> World:
    """Two mugs, both sold."""
    world = World(("MUG", "MAIN", 2))
    world.desk.place([line("MUG", 2)], order_id="o1", tenders=[card()])
    return world


def in_lots() -> World:
    """Two mugs of two lots, both sold."""
    world = World(("TEA", "MAIN", 1))
    for lot in ("L1", "L2"):
        got = Posting.receive(lot, "MUG", "MAIN", 1, at=world.now, lot=lot)
        world.inventory.post(got)
    world.desk.place([line("MUG", 2)], order_id="o1", tenders=[card()])
    return world


def limited() -> World:
    """At most one mug may be waited for, and somebody does."""
    policy = Policy(short="backorder", unpaid_ttl=None)
    world = World(
        ("MUG", "MAIN", 1), policy=policy, policies=lambda _s, _l: StockPolicy(backorder_limit=1)
    )
    world.desk.place([line("MUG", 2)], order_id="o1", tenders=[card()])
    return world


PARKED: Sequence[Step] = [Happen("wait", 2 * MINUTE), Begin("r", Call("resume")), *turns(*"rrr")]


def counted(units: int, sku: str = "MUG", place: str = "MAIN") -> list[Step]:
    """Somebody counts, to the end."""
    return [Begin("c", Call("count_stock", sku, place, units, count_id="c1")), *turns(*"c" * 12)]


def retried(order_id: str, intent_id: str) -> list[Step]:
    """A person takes it up, to the end."""
    return [Begin("t", Call("retry", order_id, intent_id)), *turns(*"t" * 8)]


def lost(name: str, lot: str = "") -> Posting:
    """A mug that was reserved is not there."""
    gone = Reservation("o1/f1/l1", "MUG", "MAIN", 1, None, "o1", lot)
    return Posting.adjust(name, "MUG", "MAIN", -1, at=NOON, reason="count", breaking=[gone])


LOST, LOST_LOT = lost("lost-1"), lost("lost-2", "L2")
LOT = Posting.receive("d1", "MUG", "MAIN", 1, at=NOON, lot="L1")

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
    # What had lapsed was refused to the one, and made firm for good by the other, who was slow:
    # half of it stayed reserved for nobody.
    "what is given up has lapsed, and is made firm as of earlier": (
        lapsing(),
        [
            Begin("a", Call("confirm", "o1")),
            Happen("wait_until_due"),
            Begin("b", Call("cancel", "o1", units={"l1": 1}, reason="less")),
            *turns(*"bbbaaaabbb"),
        ],
    ),
    "what was given up had lapsed, and is made firm as of earlier": (
        lapsing(),
        [
            Begin("a", Call("confirm", "o1")),
            Happen("wait_until_due"),
            Begin("b", Call("cancel", "o1", units={"l1": 1}, reason="less")),
            *turns(*"bbbbb"),
        ],
    ),
    "what is being made firm lapses, and some of it is given up": (
        lapsing(),
        [
            Begin("a", Call("confirm", "o1")),
            *turns(*"aa"),
            Happen("wait_until_due"),
            Begin("b", Call("cancel", "o1", units={"l1": 1}, reason="less")),
            *turns(*"bbbaaabbb"),
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
    "a count meets a release that is parked, and was booked": (
        once(("MUG", "MAIN", 2), units=2),
        [
            Begin("a", Call("cancel", "o1", units={"l1": 1}, reason="less")),
            *turns("a", "a"),
            Go("a", "crash after"),
            *PARKED,
            *counted(2),
            *retried("o1", "o1/release-6"),
        ],
    ),
    "a count takes what a parked posting has reserved": (
        once(("MUG", "MAIN", 1), units=0),
        [
            Begin("a", Call("place", [line("MUG")], order_id="o1")),
            *turns("a", "a", "a"),
            Go("a", "crash after"),
            *PARKED,
            *counted(0),
            *retried("o1", "o1/reserve-2"),
        ],
    ),
    "a count takes what was to be moved, and that is parked": (
        once(("MUG", "MAIN", 1), ("MUG", "STORE", 1), units=1),
        [
            Begin("a", Call("move", "o1", "f1", "STORE")),
            *turns("a", "a", "a", "a"),
            Go("a", "crash before"),
            *PARKED,
            *counted(0),
            *retried("o1", "o1/reserve-6"),
        ],
    ),
    "a count takes what a parked posting has made firm": (
        once(("MUG", "MAIN", 1), units=1, policy=evolve(BY_HAND, unpaid_ttl=HOUR)),
        [
            Begin("a", Call("pay", "o1", [card()])),
            *turns("a", "a"),
            Go("a", "crash after"),
            *PARKED,
            *counted(0),
            *retried("o1", "o1/firm-6"),
        ],
    ),
    "a count takes a dish whose ingredients are parked": (
        steaks(1, policy=evolve(TAB, attempts=1), fired=False),
        [
            Begin("a", Call("fire", "t1", 2)),
            *turns("a", "a"),
            Go("a", "crash before"),
            *PARKED,
            *counted(0, "STEAK", "GRILL"),
            *retried("t1", "t1/consume-9"),
        ],
    ),
    "a count takes a dish that is being made": (
        steaks(1, fired=True),
        [Begin("c", Call("count_stock", "STEAK", "GRILL", 0, count_id="c1"))],
    ),
    "a count takes one of two dishes of a ticket that is being made": (
        steaks(2, fired=True),
        [Begin("c", Call("count_stock", "STEAK", "GRILL", 1, count_id="c1"))],
    ),
    "lots come before a count has told whom it took from": (
        sold(),
        [
            Begin("c", Call("count_stock", "MUG", "MAIN", 1, count_id="c1")),
            *turns("c", "c", "c"),
            Go("c", "crash before"),
            Begin("p", Call("post_stock", LOT)),
            *turns("p", "p"),
        ],
    ),
    "a count takes one of two lots of what is just leaving": (
        in_lots(),
        [
            Begin("p", Call("post_stock", LOST_LOT)),
            Go("p"),
            Begin("s", Call("ship", "o1", "f1")),
            *turns(*"ssssssss"),
        ],
    ),
    "what is posted after a count takes what is reserved": (
        sold(),
        [Begin("p", Call("post_stock", LOST))],
    ),
    "who was refused a further claim is cancelled": (
        limited(),
        [
            Begin("e", Call("edit", "o1", [ChangeLine(line_id="l1", quantity=3)])),
            *turns(*"eeeeeee"),
            Begin("c", Call("cancel", "o1", reason="sorry")),
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
