"""Where an order and its posting are written at once, all ends as it ends everywhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderwright import AdapterFault, OrderwrightError, Policy, Posting
from orderwright.adapters.memory import MemoryInventory, MemoryOrders
from orderwright.requests import Request, SaveOrder
from orderwright.testing.simulation import Begin, Call, Go, Simulation, explore
from tests.simulation.pairs import AT_ONCE, BY_HAND, COMMANDS, ON_DISPATCH, Pair, opened, order
from tests.worlds import World, card, check_laws, figures, line

TOLD = [name for name in COMMANDS if name not in ("sell_out", "promise")]
"""What a shop can be told; a promise is for hours of the clock."""


def lived(names: list[str], policy: Policy, *, joint: bool) -> tuple[object, list[str]]:
    """What becomes of a shop that is told all that, and what it said to each."""
    world = World(("MUG", "MAIN", 3), ("CUP", "STORE", 3), policy=policy, joint=joint)
    order(world)
    said = []
    for name in names:
        try:
            world.desk.run(COMMANDS[name].flow(world.desk))
        except OrderwrightError as error:
            said.append(type(error).__name__)
        else:
            said.append("done")
    world.calm()
    check_laws(world)
    return figures(world), said


@given(
    names=st.lists(st.sampled_from(TOLD), max_size=8),
    policy=st.sampled_from([AT_ONCE, BY_HAND, ON_DISPATCH]),
)
def test_the_same_commands_end_at_the_same_figures(names: list[str], policy: Policy) -> None:
    """Which storage it is nobody can tell by what comes of it."""
    assert lived(names, policy, joint=False) == lived(names, policy, joint=True)


def asked(world: World, call: Call) -> list[Request[object]]:
    """Everything that a command asks for, performed in turn."""
    simulation = Simulation(world)
    simulation.do(Begin("a", call))
    found = []
    while "a" in simulation.workers:
        found.append(simulation.workers["a"].request)
        simulation.do(Go("a"))
    return found


PLACE = Call("place", [line()], order_id="o1", tenders=[card()])


@pytest.mark.parametrize(
    ("joint", "saves"),
    [
        (True, ["SaveOrder", "CallProvider", "SaveOrder"]),
        (False, ["SaveOrder", "PostStock", "SaveOrder", "CallProvider", "SaveOrder"]),
    ],
)
def test_reserving_takes_no_request_of_its_own(*, joint: bool, saves: list[str]) -> None:
    """What is saved, posted and saved otherwise is one save with its posting."""
    requests = asked(World(joint=joint), PLACE)
    writes = [one for one in requests if type(one).__name__ in saves]
    assert saves == [type(one).__name__ for one in writes]
    first = writes[0]
    assert isinstance(first, SaveOrder)
    assert joint == (first.posting is not None)


@pytest.mark.parametrize("joint", [True, False])
def test_stock_that_is_gone_meanwhile_is_planned_anew(*, joint: bool) -> None:
    """Between looking and saving somebody took it: the other place serves, and nothing is lost."""
    world = World(("MUG", "MAIN", 1), ("MUG", "STORE", 1), joint=joint)
    simulation = Simulation(world)
    simulation.do(Begin("a", PLACE))
    simulation.run([Go("a"), Go("a")])
    world.lose("thief", "MUG", "MAIN")
    simulation.calm()
    (part,) = world.desk.order("o1").fulfillments
    assert ("STORE", "held") == (part.location, part.stock)


class Failing:
    """Stock that cannot be written to just now."""

    def __init__(self, inventory: MemoryInventory) -> None:
        self._inventory = inventory
        self.fails = False

    def __getattr__(self, name: str) -> object:
        """All else works."""
        return getattr(self._inventory, name)

    def post(self, posting: Posting) -> None:
        """Write it, or say that it did not work."""
        if self.fails:
            raise AdapterFault("stock", "a lock is not to be had", retryable=True)
        self._inventory.post(posting)


def test_a_fault_of_the_stock_loses_no_report() -> None:
    """What has left is recorded, and booked by whoever resumes: as where the stock is elsewhere."""
    stock = Failing(MemoryInventory())
    world = World(orders=MemoryOrders(stock), inventory=stock)
    world.desk.place([line()], order_id="o1", tenders=[card()])
    stock.fails = True
    order = world.desk.ship("o1", "f1")
    assert ("shipped", ["commit"]) == (order.goods, [one.purpose for one in order.intents])
    stock.fails = False
    world.calm()
    check_laws(world)


def test_what_is_only_coming_to_another_place_cannot_leave_there() -> None:
    """Nobody knows of it yet: a report of it is for a person, and changes nothing else."""
    world = World(("MUG", "MAIN", 1), ("MUG", "STORE", 1))
    world.desk.place([line()], order_id="o1", tenders=[card()])
    simulation = Simulation(world)
    simulation.do(Begin("a", Call("move", "o1", "f1", "STORE")))
    simulation.run([Go("a")] * 4)
    before = world.desk.order("o1")
    after = world.desk.ship("o1", "f2")
    assert (before.fulfillments, before.goods) == (after.fulfillments, after.goods)
    assert after.has_exception("left_after_all")


MEETING = [
    Pair("place", "place o4", ""),
    Pair("edit up", "place o4", ""),
    Pair("cancel", "ship", ""),
    Pair("ship", "ship", ""),
    Pair("short_pick", "resume", ""),
    Pair("capture", "ship", ""),
]


@pytest.mark.parametrize("pair", MEETING, ids=lambda pair: f"{pair.one} and {pair.other}")
def test_two_commands_in_every_order_with_a_crash_anywhere(pair: Pair) -> None:
    """On the last units: each law holds wherever they meet and wherever they crash."""
    stage = opened(*([] if pair.one == "place" else [order]), joint=True)
    calls = (COMMANDS[pair.one], COMMANDS[pair.other])
    seen = explore(lambda: (stage(), calls))
    assert seen.states >= seen.stored >= len(seen.ends) >= 1
