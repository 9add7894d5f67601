"""Wishes cost and use up exactly what they say, however they are nested."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderwright import AddLine, ChangeLine, DraftLine, InvalidInput, Money, UnitPrice
from orderwright.orders.kits import exploded
from orderwright.orders.lines import KitPart
from orderwright.orders.modifiers import Modifier, modified_price, modified_uses, told
from tests.kitchens import CHEESE, MENU, NO_ONIONS, SHOTS, Kitchen
from tests.worlds import check_laws, eur

prices = st.builds(UnitPrice, st.decimals("0", "99", places=3), st.just("EUR"), st.integers(1, 12))
uses = st.lists(st.tuples(st.sampled_from("ABC"), st.integers(1, 9)), max_size=2).map(tuple)
modifiers = st.recursive(
    st.builds(
        Modifier,
        st.just("plain"),
        st.none() | prices,
        st.integers(1, 3),
        uses,
        st.just(()),
    ),
    lambda inner: st.builds(
        Modifier,
        st.just("nested"),
        st.none() | prices,
        st.integers(1, 3),
        uses,
        st.lists(inner, max_size=2).map(tuple),
    ),
    max_leaves=5,
)


def every(wishes: tuple[Modifier, ...]) -> Iterator[Modifier]:
    """Each wish as often as it is meant, written out one by one."""
    for one in wishes:
        for _ in range(one.quantity):
            yield one
            yield from every(one.modifiers)


def ratio(price: UnitPrice) -> Fraction:
    """A price per unit, exactly."""
    return Fraction(price.amount) / price.per


@given(prices, st.lists(modifiers, max_size=3).map(tuple))
def test_a_price_is_the_exact_sum_of_what_is_wished(
    price: UnitPrice, wishes: tuple[Modifier, ...]
) -> None:
    """No part of a cent is lost between a dish and its priced modifiers, at any depth."""
    expected = ratio(price) + sum(ratio(one.price) for one in every(wishes) if one.price)
    assert expected == ratio(modified_price(price, wishes))


@given(st.lists(modifiers, max_size=3).map(tuple))
def test_what_is_used_is_the_sum_of_what_is_wished(wishes: tuple[Modifier, ...]) -> None:
    """A dish with wishes uses its recipe and what each of them says, each time it is meant."""
    expected = Counter({"A": 5})
    for one in every(wishes):
        for sku, units in one.uses:
            expected[sku] += units
    assert expected == Counter(dict(modified_uses((("A", 5),), wishes)))


def test_a_ticket_tells_the_wishes() -> None:
    """What a cook reads is what was wished, how often, and how."""
    assert "no onions, 2 x shot (decaf)" == told([NO_ONIONS, SHOTS])


def test_prices_add_up_beyond_the_usual_precision() -> None:
    """Sums of long decimals are exact, also where the decimal module would round by itself."""
    long = UnitPrice(Decimal("0.1234567890123456789"), "EUR", 7)
    short = UnitPrice(Decimal("99999999999.1"), "EUR", 11)
    assert ratio(long) + ratio(short) == ratio(long + short)
    assert ratio(short) * 3 == ratio(short * 3)
    for wrong in (UnitPrice.of("1", "USD"), 5):
        with pytest.raises(InvalidInput):
            long + wrong  # type: ignore[operator]
    with pytest.raises(InvalidInput):
        long * 1.5  # type: ignore[operator]


def test_what_is_wished_is_charged_cooked_and_used_up() -> None:
    """Two salads without onions and with cheese cost, and use, what both say; for good."""
    world = Kitchen()
    dish = MENU["SALAD"].line(2, modifiers=[NO_ONIONS, CHEESE])
    order = world.desk.place([dish], order_id="o1", table="4")
    assert (eur("21.00"), UnitPrice.of("10.50", "EUR")) == (order.due, order.lines[0].unit_price)
    assert "no onions, extra cheese" == told(order.lines[0].modifiers)
    world.desk.fire("o1", 1)
    assert (0, 40) == (world.used("ONION"), world.used("CHEESE"))
    order = world.desk.edit("o1", [ChangeLine(line_id="l1", quantity=3)])
    assert eur("31.50") == order.due
    check_laws(world)


def test_components_of_a_menu_bring_their_own_wishes_and_courses() -> None:
    """A set menu is a kit: each part has its course, and its modifiers come on top of its share."""
    soup = KitPart("SALAD", weight=1, course=1, requires=frozenset({"cold"}))
    main = KitPart(
        "STEAK",
        weight=3,
        course=2,
        requires=frozenset({"grill"}),
        modifiers=(CHEESE,),
        uses=(("BEEF", 200),),
        preparation=timedelta(minutes=15),
    )
    menu = DraftLine(
        sku="SET", quantity=2, unit_price=UnitPrice.of("32.00", "EUR"), parts=[soup, main], seat="1"
    )
    world = Kitchen()
    order = world.desk.place([menu], order_id="o1", table="4")
    assert [eur("16.00"), eur("51.00")] == [line.total for line in order.lines]
    assert [(1, "1"), (2, "1")] == [(line.course, line.seat) for line in order.lines]
    world.desk.fire("o1", 2)
    assert (400, 40) == (world.used("BEEF"), world.used("CHEESE"))
    assert [(), (CHEESE,)] == [part.line.modifiers for part in exploded([("l1", menu)])]


PLAIN: dict[str, Any] = {
    "sku": "X",
    "quantity": 1,
    "unit_price": UnitPrice.of("5", "EUR"),
    "uses": {"ONION": 5},
}
DEEP = Modifier("1")
for depth in range(2, 13):
    DEEP = Modifier(str(depth), modifiers=(DEEP,))


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"modifiers": [NO_ONIONS]}, "modifiers"),
        ({"modifiers": [Modifier("gold", UnitPrice.of("5", "USD"))]}, "modifiers"),
        ({"modifiers": ["no onions"]}, "modifiers[0]"),
        ({"modifiers": [Modifier("")]}, "modifiers[0].name"),
        ({"modifiers": [Modifier("x", Money(5, "EUR"))]}, "modifiers[0].price"),
        ({"modifiers": [Modifier("x", quantity=0)]}, "modifiers[0].quantity"),
        ({"modifiers": [Modifier("x", uses=(("A",),))]}, "modifiers[0].uses[0]"),
        ({"modifiers": [Modifier("x", uses=(("A", 0),))]}, "modifiers[0].uses[A]"),
        ({"modifiers": [Modifier("x", uses=(("A", "1"),))]}, "modifiers[0].uses[A]"),
        ({"modifiers": [Modifier("x", modifiers=(7,))]}, "modifiers[0].modifiers[0]"),
        ({"modifiers": [DEEP]}, ".".join(["modifiers[0]"] * 10) + ".modifiers"),
        ({"uses": {"A": 0}}, "uses[A]"),
        ({"uses": (("A", 1), ("A", 2))}, "uses[A]"),
        ({"uses": {"a/b": 1}}, "uses"),
        ({"uses": [7]}, "uses[0]"),
        ({"course": -1}, "course"),
        ({"course": 1.5}, "course"),
        ({"seat": "a/b"}, "seat"),
        ({"preparation": 5}, "preparation"),
        ({"preparation": timedelta(-1)}, "preparation"),
        ({"parts": [KitPart("A")]}, "uses"),
        ({"parts": [KitPart("A")], "uses": (), "modifiers": [SHOTS]}, "modifiers"),
        ({"parts": [KitPart("A", course=-1)], "uses": ()}, "parts[0].course"),
        ({"parts": [KitPart("A", modifiers=(7,))], "uses": ()}, "parts[0].modifiers[0]"),
    ],
)
def test_what_no_dish_can_be_is_refused(wrong: dict[str, Any], path: str) -> None:
    """Each wrong value is named where it stands."""
    with pytest.raises(InvalidInput) as caught:
        DraftLine(**{**PLAIN, **wrong})
    assert path in [fault.path for fault in caught.value.faults]


def test_a_modifier_in_another_currency_is_refused_on_an_order() -> None:
    """A component's priced wish must be in the currency of the order, which is said by its path."""
    world = Kitchen()
    world.desk.place([MENU["ICE"].line()], order_id="o1", table="4")
    dollars = KitPart("X", modifiers=(Modifier("gold", UnitPrice.of("1", "USD")),))
    kit = DraftLine(sku="K", quantity=1, unit_price=UnitPrice.of("5", "EUR"), parts=[dollars])
    with pytest.raises(InvalidInput) as placed:
        world.desk.place([kit], order_id="o2")
    assert "lines[0].parts[0].modifiers" == placed.value.faults[0].path
    with pytest.raises(InvalidInput):
        world.desk.edit("o1", [AddLine(line=kit)])
