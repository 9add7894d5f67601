"""Joint repositories in memory keep every clause, and each broken one fails by the right one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from orderwright.adapters.memory import MemoryInventory, MemoryOrders
from orderwright.errors import AdapterFault
from orderwright.ports import InventoryRepository, JointOrderRepository
from orderwright.testing import ContractBroken, JointOrderRepositoryContract, check
from orderwright.testing.samples import placed
from orderwright.testing.stock_samples import held, reserve
from tests.testing import broken_joint
from tests.testing.broken_joint import PlainJoint

BROKEN: dict[type[PlainJoint], tuple[str, ...]] = {
    broken_joint.OrderFirst: ("save_and_post 3", "save_and_post 1"),
    broken_joint.StockFirst: ("save_and_post 2", "save_and_post 1"),
    broken_joint.PostingForgotten: ("posts_to 1", "save_and_post 1", "save_and_post 3"),
    broken_joint.RefusalSwallowed: ("save_and_post 3",),
    broken_joint.ContactsForgotten: ("save_and_post 1",),
    broken_joint.ShortageFirst: ("save_and_post 2",),
    broken_joint.Unindexed: ("save_and_post 1",),
    broken_joint.KnownAgain: ("save_and_post 1", "save_and_post 3"),
    broken_joint.KnownIsDone: ("save_and_post 2",),
    broken_joint.IdFirst: ("save_and_post 2",),
    broken_joint.StockThenOrder: ("save_and_post 1",),
    broken_joint.LapsesInstead: ("save_and_post 1",),
    broken_joint.PostsElsewhere: ("posts_to 1", *(f"save_and_post {n}" for n in (1, 2, 3))),
}
"""The clause that each breaks, and after it those that may fail with it."""
PAIR = Callable[[], tuple[JointOrderRepository, InventoryRepository]]


class TestJointInMemory(JointOrderRepositoryContract):
    """Orders in memory that were given the inventory."""

    @contextmanager
    def make(self) -> Iterator[PAIR]:
        """One pair: all threads share it."""
        inventory = MemoryInventory()
        orders = MemoryOrders(inventory)
        yield lambda: (orders, inventory)


@pytest.mark.parametrize("kind", [PlainJoint, *BROKEN], ids=lambda kind: kind.__name__)
def test_a_broken_one_fails_by_the_clause_it_breaks(kind: type[PlainJoint]) -> None:
    """And the plain one by none."""

    class Broken(JointOrderRepositoryContract):
        @contextmanager
        def make(self) -> Iterator[PAIR]:
            inventory = MemoryInventory()
            orders = kind(inventory)
            yield lambda: (orders, inventory)

    failed: set[str] = set()
    try:
        check(Broken)
    except ContractBroken as broken:
        failed = {one.clause.removeprefix("JointOrderRepository.") for one in broken.failures}
    expected = BROKEN.get(kind, ())
    assert failed <= set(expected)
    assert set(expected[:1]) <= failed


def test_orders_without_an_inventory_join_none() -> None:
    """They say so; whoever posts all the same is told what is missing."""
    orders, save = MemoryOrders(), placed("o1")
    assert orders.posts_to is None
    with pytest.raises(AdapterFault, match="without an inventory"):
        orders.save_and_post(save.order, save.events, reserve("p1", held("r1")), expected_version=0)
