"""Kits: their components are served and accounted for one by one, and come to their price."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderwright import (
    AddLine,
    Adjustment,
    ChangeLine,
    DraftLine,
    InvalidInput,
    Order,
    Policy,
    TaxLine,
    UnitPrice,
)
from orderwright.errors import NotFound, OutOfStock
from orderwright.orders.kits import kit_units, kits
from orderwright.orders.lines import KitPart
from tests.worlds import World, card, check_laws, check_quiet, eur, line

TEA_SET = (KitPart("POT", weight=2), KitPart("CUP", 4, weight=1, name="cup"))


def kit(quantity: int = 1, price: str = "10.00", **more: object) -> DraftLine:
    """A tea set: a pot and four cups."""
    unit_price = UnitPrice.of(price, "EUR")
    return DraftLine(sku="TEA-SET", quantity=quantity, unit_price=unit_price, parts=TEA_SET, **more)


def shop(**more: object) -> World:
    """Two pots and nine cups, here and there."""
    return World(("POT", "MAIN", 2), ("CUP", "MAIN", 5), ("CUP", "STORE", 4), **more)


def test_a_kit_is_served_by_its_components() -> None:
    """A line for each, whose shares of the price add up; the scarcest says how many there are."""
    world = shop()
    order = world.desk.place([kit(2), line("CUP")], order_id="o1", tenders=[card()])
    assert [("l1.1", "POT", 2), ("l1.2", "CUP", 8), ("l2", "CUP", 1)] == [
        (one.id, one.sku, one.ordered) for one in order.lines
    ]
    assert [eur("13.33"), eur("6.67"), eur(10)] == [one.total for one in order.lines]
    assert (2, 0, 0) == kits(order)["l1"][2:5]
    for number, one in enumerate(order.fulfillments, 1):
        world.desk.ship("o1", one.id)
        order = world.desk.deliver("o1", one.id)
        assert (2 if number == len(order.fulfillments) else 1) >= kits(order)["l1"].delivered
    assert ("completed", 2, 2) == (order.state.name, *kits(order)["l1"][5:7])
    check_quiet(world)


def test_a_kit_of_several_each_is_counted_in_kits() -> None:
    """Three boxes of four cups and two spoons each are three, whichever component is counted."""
    box = (KitPart("CUP", 4), KitPart("SPOON", 2))
    world = World(("CUP", "MAIN", 12), ("SPOON", "MAIN", 6))
    unit_price = UnitPrice.of("10.00", "EUR")
    wanted = DraftLine(sku="BOX", quantity=3, unit_price=unit_price, parts=box)
    order = world.desk.place([wanted], order_id="o1", tenders=[card()])
    assert ("BOX", "", 3, 0, 0, 0, 0) == kits(order)["l1"]
    world.desk.ship("o1", "f1")
    order = world.desk.deliver("o1", "f1")
    assert ("BOX", "", 3, 0, 3, 3, 3) == kits(order)["l1"]
    assert {"l1.1": 8, "l1.2": 4} == kit_units(order, "l1", 2)
    with pytest.raises(NotFound) as caught:
        kit_units(order, "l9")
    assert ("kit", "l9", "o1") == (caught.value.kind, caught.value.key, caught.value.order_id)


@pytest.mark.parametrize("deep", [10, 11])
def test_kits_in_kits_have_an_end(deep: int) -> None:
    """Ten kits, each in the one before, can be sold; one more is refused, and told where."""
    parts: tuple[KitPart, ...] = (KitPart("JAM"),)
    for number in range(deep - 2):
        parts = (KitPart(f"BOX-{number}", parts=parts),)
    make = lambda: DraftLine(  # noqa: E731 - made, or refused
        sku="BOX", quantity=1, unit_price=UnitPrice.of("9.00", "EUR"), parts=parts
    )
    if deep == 10:
        assert ["JAM"] == [one.sku for one in World().desk.draft([make()], order_id="o1").lines]
    else:
        with pytest.raises(InvalidInput) as caught:
            make()
        (fault,) = caught.value.faults
        assert "parts" + 10 * "[0].parts" == fault.path
        assert "kits in kits more than 10 deep" == fault.message


def test_two_lines_share_components() -> None:
    """Two sets take eight of nine cups: two cups more are not there, and nothing is promised."""
    world = shop()
    with pytest.raises(OutOfStock) as caught:
        world.desk.place([kit(2), line("CUP", 2)], order_id="o1")
    assert ["CUP"] == [one.sku for one in caught.value.shortages]
    assert world.orders.load("o1") is None


def test_some_of_a_kit_are_cancelled_and_returned() -> None:
    """One set of three is cancelled, one comes back: each component's share of what remains."""
    world = World(("POT", "MAIN", 9), ("CUP", "MAIN", 99), policy=Policy(capture="on_confirmation"))
    order = world.desk.place([kit(3)], order_id="o1", tenders=[card()])
    order = world.desk.cancel("o1", units=kit_units(order, "l1"), reason="two will do")
    assert (eur(20), eur(10), 1) == (order.due, order.refunded, kits(order)["l1"].cancelled)
    world.desk.ship("o1", "f1")
    order = world.desk.deliver("o1", "f1")
    world.desk.receive_return("o1", kit_units(order, "l1"), location="MAIN")
    order = world.desk.inspect_return("o1", "r1", restock=kit_units(order, "l1"))
    # Half of 13.33 and half of 6.67, each rounded half up; the last set takes the rest.
    assert (eur("9.99"), eur("20.01"), 1) == (order.due, order.refunded, kits(order)["l1"].kept)
    # One cup came back alone: there is no whole set any more.
    world.desk.receive_return("o1", {"l1.2": 1}, location="MAIN")
    assert 0 == kits(world.desk.order("o1"))["l1"].kept
    check_laws(world)
    with pytest.raises(NotFound):
        kit_units(order, "l9")


def test_kits_in_kits() -> None:
    """Two hampers of a set each and two jams: quantities multiply, shares divide."""
    hamper = DraftLine(
        sku="HAMPER",
        quantity=2,
        unit_price=UnitPrice.of("30.00", "EUR"),
        parts=[KitPart("TEA-SET", parts=TEA_SET), KitPart("JAM", 2, requires=frozenset({"cool"}))],
    )
    order = World().desk.draft([hamper], order_id="o1")
    assert [("POT", 2, eur(20)), ("CUP", 8, eur(10)), ("JAM", 4, eur(30))] == [
        (one.sku, one.ordered, one.total) for one in order.lines
    ]
    assert frozenset({"cool"}) == order.lines[2].requires


def test_a_kit_is_added_to_an_order() -> None:
    """By an edit, like any line; its components are not made more of by themselves."""
    world = shop()
    world.desk.place([line("CUP")], order_id="o1")
    order = world.desk.edit("o1", [AddLine(line=kit())])
    assert ["l1", "l2.1", "l2.2"] == [one.id for one in order.lines]
    assert eur(20) == order.due
    with pytest.raises(InvalidInput, match="part of the kit l2"):
        world.desk.edit("o1", [ChangeLine(line_id="l2.2", quantity=5)])
    for taken in ("l2", "l1"):
        with pytest.raises(InvalidInput, match="used already"):
            world.desk.edit("o1", [AddLine(line=kit(id=taken))])
    order = world.desk.edit("o1", [ChangeLine(line_id="l2.2", quantity=0)])
    assert 1 == kits(order)["l2"].cancelled
    check_laws(world)


def test_a_lost_component_is_replaced_by_itself() -> None:
    """The replacement is a line of its own, not one more of the kit."""
    world = shop()
    world.desk.place([kit()], order_id="o1", tenders=[card()])
    for one in world.desk.order("o1").fulfillments:
        world.desk.ship("o1", one.id)
        world.desk.deliver("o1", one.id)
    order = world.desk.claim("o1", {"l1.2": 1}, fault="lost", remedy="replace")
    assert (None, "l1.2") == (order.lines[-1].kit, order.lines[-1].replaces)
    assert 1 == kits(order)["l1"].ordered


parts = st.lists(
    st.builds(
        KitPart,
        sku=st.sampled_from(["POT", "CUP", "JAM"]),
        quantity=st.integers(1, 5),
        weight=st.integers(0, 9),
        name=st.just(""),
        requires=st.just(frozenset()),
        parts=st.just(()),
        course=st.integers(0, 3),
        modifiers=st.just(()),
        uses=st.just(()),
        preparation=st.just(timedelta(0)),
        taxes=st.sampled_from([(), (TaxLine(name="low", percent="7", included=True),)]),
    ),
    min_size=1,
    max_size=4,
)


@given(
    parts=parts,
    price=st.sampled_from(["9.99", "0.01", "10.00", "0", "3.335"]),
    quantity=st.integers(1, 7),
    percent=st.sampled_from([None, "-10", "-33.3", "12.5"]),
    coupon=st.sampled_from([None, "-1.00", "-0.01", "-99"]),
    amount=st.sampled_from(["line", "adjustment", "order"]),
)
def test_components_come_to_what_the_kit_comes_to(  # noqa: PLR0917 - drawn by name
    parts: list[KitPart],
    price: str,
    quantity: int,
    percent: str | None,
    coupon: str | None,
    amount: str,
) -> None:
    """However a kit is made up, its lines add up to the same line without parts, to the cent.

    With a coupon larger than the price both are free. Policies that round after each adjustment
    do so for kits once, so these are compared without adjustments.
    """
    adjustments = []
    if percent is not None:
        adjustments.append(Adjustment(name="percent", percent=percent))
    if coupon is not None and all(one.weight for one in parts):
        adjustments.append(Adjustment(name="coupon", amount=eur(coupon)))
    if amount == "adjustment":
        adjustments = []
    told = {
        "sku": "KIT",
        "quantity": quantity,
        "unit_price": UnitPrice.of(price, "EUR"),
        "adjustments": adjustments,
    }
    orders: list[Order] = [
        World(policy=Policy(round_amounts=amount)).desk.draft([one], order_id="o1")
        for one in (DraftLine(**told), DraftLine(**told, parts=parts))
    ]
    plain, taken_apart = (one.due.minor for one in orders)
    # A fixed coupon is cut into whole cents first: where it meets a component's floor it may stop.
    slack = len(parts) if coupon is not None else 0
    assert abs(plain - taken_apart) <= slack
    for one in orders[1].lines:
        assert one.remaining.minor >= 0


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ([KitPart("")], "parts[0].sku"),
        ([KitPart("CUP", 0)], "parts[0].quantity"),
        ([KitPart("CUP", weight=-1)], "parts[0].weight"),
        ([KitPart("CUP", name=7)], "parts[0].name"),
        ([KitPart("CUP", requires="cool")], "parts[0].requires"),
        ([KitPart("CUP", taxes=[7])], "parts[0].taxes[0]"),
        ([KitPart("CUP"), "POT"], "parts[1]"),
        ([KitPart("SET", parts=(KitPart("CUP", -1),))], "parts[0].parts[0].quantity"),
    ],
)
def test_components_that_cannot_be(wrong: list[object], path: str) -> None:
    """Each is refused by its path."""
    with pytest.raises(InvalidInput) as caught:
        DraftLine(sku="KIT", quantity=1, unit_price=UnitPrice.of("1", "EUR"), parts=wrong)
    assert [path] == [one.path for one in caught.value.faults]


def test_kits_too_deep_or_too_large_are_refused() -> None:
    """There are named limits to what is in a kit, and to what it comes to."""
    deep = KitPart("CUP")
    for _ in range(10):
        deep = KitPart("BOX", parts=(deep,))
    with pytest.raises(InvalidInput, match="more than 10 deep"):
        DraftLine(sku="KIT", quantity=1, unit_price=UnitPrice.of("1", "EUR"), parts=[deep])
    many = DraftLine(
        sku="KIT",
        quantity=10**12,
        unit_price=UnitPrice.of("0", "EUR"),
        parts=[KitPart("CUP", 2)],
    )
    with pytest.raises(InvalidInput) as caught:
        World().desk.draft([line(), many], order_id="o1")
    assert ["lines[1].parts[0].quantity"] == [one.path for one in caught.value.faults]
    with pytest.raises(InvalidInput, match="used twice"):
        World().desk.draft([kit(id="x"), line(id="x.2")], order_id="o1")
