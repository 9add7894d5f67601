"""Two commands at once, in every order in which they can take turns, with a crash anywhere."""

from collections.abc import Sequence

import pytest

from orderwright import Policy
from orderwright.testing.simulation import Call, LawBroken, World, explore
from tests.simulation.pairs import COMMANDS, MONEY, STAGES, STOCK, Pair, accepted, pairs
from tests.simulation.planted import BUGS
from tests.worlds import card, commands_of, line

READS = {"as_of", "contact", "find", "history", "order", "promised", "rates"}
CUSTOM = {"advance_order"}
"""Of lifecycles of one's own; ours has no step that is not a command."""


def chosen() -> list[Pair]:
    """Pairs about money, and about stock.

    Those with a count look at every order there is: seconds each, left to the session `pairs`.
    """
    quick = tuple(name for name in STOCK if not name.startswith("count"))
    return list(dict.fromkeys([*pairs(MONEY), *pairs(quick)]))


def test_every_command_is_paired() -> None:
    """Of what a desk can be told, all that writes is among the pairs, and accepted somewhere."""
    world = World()
    every = set(commands_of(type(world.desk)))
    assert every - READS - CUSTOM == {str(call.name) for call in COMMANDS.values()}
    assert [] == [name for name, stages in accepted().items() if not stages]


@pytest.mark.parametrize("block", range(12))
def test_money_and_stock_pairs_break_no_law(block: int) -> None:
    """Wherever they meet and wherever they crash, resuming ends well."""
    for pair in chosen()[block::12]:
        seen = pair.explore()
        assert seen.states >= seen.stored >= len(seen.ends) >= 1


def last_unit() -> tuple[World, Sequence[Call]]:
    """Two want the last mug, and pay by card."""
    world = World(("MUG", "MAIN", 1), policy=Policy(capture="by_hand", unpaid_ttl=None))
    return world, [Call("place", [line()], order_id=one) for one in ("o1", "o2")]


def two_clerks() -> tuple[World, Sequence[Call]]:
    """Both take the money."""
    world = World(("MUG", "MAIN", 1), policy=Policy(capture="by_hand", unpaid_ttl=None))
    world.desk.place([line()], order_id="o1", tenders=[card()])
    return world, [Call("capture", "o1"), Call("capture", "o1")]


@pytest.mark.parametrize("scene", [last_unit, two_clerks])
def test_pruning_leaves_out_no_end(scene: object) -> None:
    """Following every path anew reaches the same ends, stored worlds and states."""
    assert explore(scene) == explore(scene, prune=False)


@pytest.mark.parametrize(
    ("bug", "pair"),
    [
        ("the last unit is sold once more", Pair("edit up", "place o4", "last unit")),
        ("the loser of a race overwrites", Pair("cancel", "ship", "paid")),
        ("a count misses what is being reserved", Pair("place o4", "count_stock", "paid")),
        ("what is being refunded is refunded again", Pair("refund", "refund", "cancelled")),
        ("a known key is not looked for", Pair("credit", "credit", "paid")),
    ],
)
def test_a_planted_bug_is_found_with_its_story(bug: str, pair: Pair) -> None:
    """Exhaustive search sees it at once, and tells it in few steps, which run as they stand."""
    with BUGS[bug].planted(), pytest.raises(LawBroken) as caught:
        pair.explore()
    found, start, rest = caught.value.found.partition("\nfrom ")
    assert found
    assert rest.count("\n") <= 20
    calls = (COMMANDS[pair.one], COMMANDS[pair.other])
    with BUGS[bug].planted(), pytest.raises(LawBroken) as again:
        exec(start + rest, {"scene": lambda: (STAGES[pair.stage](), calls)})  # noqa: S102
    assert again.value.law == caught.value.law
