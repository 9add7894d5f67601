"""Packing, where every unit has a place of its own, and picking on one walk."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderwright.errors import InvalidInput
from orderwright.fulfillment.fulfillment import Fulfillment, FulfillmentItem
from orderwright.fulfillment.labels import Address
from orderwright.fulfillment.packing import Article, Carton, pack, packing_slip
from orderwright.fulfillment.picking import Bin, PickStop, PickTask, pick_list, pick_text
from orderwright.lifecycles import RELEASED

SMALL = Carton("S", 200, 150, 100, 2_000, tare=80)
LARGE = Carton("L", 400, 300, 300, 20_000, tare=300)
MUG = Article("MUG", 100, 90, 100, 350)
ARTICLES = st.builds(
    Article,
    sku=st.sampled_from("ABCDEFG"),
    length=st.integers(1, 300),
    width=st.integers(1, 300),
    height=st.integers(1, 400),
    weight=st.integers(0, 20_000),
)


@given(
    st.lists(st.tuples(ARTICLES, st.integers(1, 4)), max_size=6, unique_by=lambda one: one[0].sku)
)
def test_every_unit_is_in_one_place(items: list[tuple[Article, int]]) -> None:
    """All units are packed, inside their carton, within its weight, and none where another is."""
    found = pack(items, [LARGE, SMALL])
    packed: dict[str, int] = {}
    articles = {one.sku: one for one, _ in items}
    for carton in found:
        assert carton.placements
        for one in carton.placements:
            assert min(one.x, one.y, one.z) >= 0
            assert one.x + one.length <= carton.carton.length
            assert one.y + one.width <= carton.carton.width
            assert one.z + one.height <= carton.carton.height
            real = articles[one.sku]
            assert sorted(one[4:]) == sorted((real.length, real.width, real.height))
        assert not any(one.overlaps(two) for one, two in combinations(carton.placements, 2))
        inside = sum(articles[one.sku].weight for one in carton.placements)
        assert inside <= carton.carton.limit
        assert carton.weight == inside + carton.carton.tare
        for sku, units in carton.units.items():
            packed[sku] = packed.get(sku, 0) + units
    assert {one.sku: units for one, units in items} == packed


def test_the_smallest_that_does() -> None:
    """Two mugs go into the small carton, twelve into the large one, thirty into more than one."""
    assert ["S"] == [one.carton.name for one in pack([(MUG, 2)], [LARGE, SMALL])]
    assert ["L"] == [one.carton.name for one in pack([(MUG, 12)], [LARGE, SMALL])]
    many = pack([(MUG, 60)], [LARGE, SMALL])
    assert ["L", "L"] == [one.carton.name for one in many]
    assert 60 == sum(one.units["MUG"] for one in many)
    heavy = pack([(MUG._replace(weight=900), 3)], [LARGE._replace(limit=1_000), SMALL])
    assert ["S", "S"] == [one.carton.name for one in heavy]


@pytest.mark.parametrize(
    ("items", "cartons", "told"),
    [
        ([(Article("BAR", 500, 1, 1, 1), 1)], [SMALL], "goes into no carton; add one"),
        ([(Article("LEAD", 1, 1, 1, 9_999), 1)], [SMALL], "goes into no carton; add one"),
        ([(MUG, 0)], [LARGE], "items[0].units"),
        ([(MUG._replace(length=0), 1)], [LARGE], "items[0].length"),
        ([(MUG, 1)], [], "expected at least one kind of carton"),
        ([(MUG, 1)], [LARGE._replace(limit=0)], "cartons[0].limit"),
        ([("MUG", 1)], [LARGE], "items[0]"),
    ],
)
def test_what_cannot_be_packed(
    items: list[tuple[Article, int]], cartons: list[Carton], told: str
) -> None:
    """What fits nowhere, or measures nothing, is refused by its entry."""
    with pytest.raises(InvalidInput) as error:
        pack(items, cartons)
    assert told in str(error.value)


def test_the_slip() -> None:
    """A slip names the recipient, each carton, what is in it, and what is still to come."""
    ann = Address(name="Ann", lines="High Street 1", postcode="1", city="Town", country="GB")
    slip = packing_slip(
        "T-1", "f1", ann, pack([(MUG, 2)], [SMALL]), names={"MUG": "Mug, blue"}, waiting={"CUP": 1}
    )
    assert (
        """PACKING SLIP  T-1  f1

Ann
High Street 1
1 Town
GB

Carton 1 of 1: S, 0.780 kg
     2 x Mug, blue

Still to come:
     1 x CUP"""
        == slip
    )


def test_one_walk_for_several_orders() -> None:
    """Up one aisle and down the next, each shelf once; what nobody placed comes last."""
    bins = {
        "A": Bin("1-01", 1, 1),
        "B": Bin("1-09", 1, 9),
        "C": Bin("4-09", 4, 9),
        "D": Bin("4-02", 4, 2),
        "E": Bin("7-05", 7, 5),
    }
    tasks = [PickTask("o1", "f1", sku, 1) for sku in "EXDCBA"]
    tasks += [
        PickTask("o2", "f1", "D", 2),
        PickTask("o2", "f2", "D", 1),
        PickTask("o1", "f1", "A", 2),
    ]
    stops = pick_list(tasks, bins)
    assert ["A", "B", "C", "D", "E", "X"] == [stop.sku for stop in stops]
    assert (
        PickStop(bins["D"], "D", "", 4, (("o1", "f1", 1), ("o2", "f1", 2), ("o2", "f2", 1)))
        == (stops[3])
    )
    assert 3 == stops[0].quantity
    told = pick_text(stops)
    assert "[ ] 4-02          4 x D" in told
    assert "[ ] ?             1 x X" in told
    assert "                       2 for o2 f1" in told


def test_tasks_of_a_fulfillment() -> None:
    """What is to be picked for a fulfillment is its items, with their lots."""
    one = Fulfillment(
        id="f1",
        location="MAIN",
        items=(FulfillmentItem("l1", "MILK", 2, "lot-7"), FulfillmentItem("l2", "MUG", 1)),
        state=RELEASED,
    )
    tasks = PickTask.of("o1", one)
    assert (PickTask("o1", "f1", "MILK", 2, "lot-7"), PickTask("o1", "f1", "MUG", 1)) == tasks
    assert "2 x MILK  lot lot-7" in pick_text(pick_list(tasks, {}))


def test_what_is_no_task() -> None:
    """Bad tasks and bins are refused by their entry."""
    with pytest.raises(InvalidInput):
        pick_list([PickTask("o1", "f1", "A", 0)], {})
    with pytest.raises(InvalidInput):
        pick_list(["A"], {})  # type: ignore[list-item]
    with pytest.raises(InvalidInput):
        pick_list([PickTask("o1", "f1", "A", 1)], {"A": "shelf 1"})  # type: ignore[dict-item]
