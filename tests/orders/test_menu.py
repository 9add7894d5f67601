"""A menu makes lines, puts dishes on offer, and knows what there is instead."""

import pytest

from orderwright import InvalidInput, UnitPrice
from orderwright.errors import NotFound
from orderwright.orders.menu import Dish, Menu
from tests.kitchens import CHEESE, MENU, Kitchen, minutes
from tests.worlds import NOON


def test_a_line_of_a_dish_says_what_the_dish_is() -> None:
    """Price, station, recipe, course and time go along; a guest may have it in another course."""
    dish = MENU["STEAK"]
    line = dish.line(2, modifiers=[CHEESE], seat="3", course=1)
    assert ("STEAK", 2, "Steak", 1, "3") == (
        line.sku,
        line.quantity,
        line.name,
        line.course,
        line.seat,
    )
    assert (dish.requires, minutes(15), 2) == (line.requires, line.preparation, dish.line().course)
    assert (("BEEF", 250), ("CHEESE", 20), ("ONION", 30)) == line.needs
    assert UnitPrice.of("29.50", "EUR") == line.price


def test_dishes_are_on_offer_as_many_as_are_said() -> None:
    """The posting makes portions of dishes on the menu, and of no others."""
    world = Kitchen(1)
    world.inventory.post(MENU.offer("more", "GRILL", {"STEAK": 4}, at=NOON))
    assert 5 == world.inventory.ledger.stock("STEAK", "GRILL", now=NOON).available
    with pytest.raises(NotFound) as caught:
        MENU.offer("x", "GRILL", {"WHALE": 1}, at=NOON)
    assert ("dish", "WHALE") == (caught.value.kind, caught.value.key)


def test_substitutes_are_those_that_can_be_had_the_best_first() -> None:
    """What is sold out itself is nobody's substitute."""
    world = Kitchen(1)
    skus = ["BURGER", "SALAD"]
    stocks = world.inventory.supply(skus, now=NOON)
    assert skus == [one.sku for one in MENU.instead_of("STEAK", stocks)]
    world.desk.sell_out("BURGER", "GRILL", notice_id="n")
    stocks = world.inventory.supply(skus, now=NOON)
    assert ["SALAD"] == [one.sku for one in MENU.instead_of("STEAK", stocks)]
    assert () == MENU.instead_of("ICE", stocks)


def test_what_could_not_be_ordered_is_no_dish() -> None:
    """A dish is refused when the menu is written, not when a guest wants it."""
    price = UnitPrice.of("5", "EUR")
    for wrong in ({"sku": "a/b"}, {"course": -1}, {"uses": {"A": 0}}, {"substitutes": [""]}):
        with pytest.raises(InvalidInput):
            Dish(**{"sku": "X", "name": "X", "price": price, **wrong})
    assert ["X"] == list(Menu([Dish(sku="X", name="X", price=price)]).dishes)
