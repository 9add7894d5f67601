"""A restaurant to test in: three stations, one larder, a short menu."""

from datetime import timedelta

from orderwright import Location, OrderDesk, Policy, Posting, UnitPrice
from orderwright.inventory.guard import GUARDED, StockPolicy
from orderwright.orders.menu import Dish, Menu
from orderwright.orders.modifiers import Modifier
from tests.worlds import World

STATIONS = (
    Location(id="GRILL", offers=["grill"], makes="ticket", larder="LARDER"),
    Location(id="COLD", offers=["cold"], makes="ticket", larder="LARDER"),
    Location(id="BAR", offers=["bar"], makes="ticket"),
    Location(id="SLOTS", offers=["slot"], makes="booking"),
)
TAB = Policy(tab=True, short="reject")


def minutes(count: int) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=count)


MENU = Menu(
    [
        Dish(
            sku="STEAK",
            name="Steak",
            price=UnitPrice.of("28.00", "EUR"),
            requires=["grill"],
            uses={"BEEF": 250, "ONION": 30},
            preparation=minutes(15),
            course=2,
            substitutes=["BURGER", "SALAD"],
        ),
        Dish(
            sku="BURGER",
            name="Burger",
            price=UnitPrice.of("14.50", "EUR"),
            requires=["grill"],
            uses={"BEEF": 180, "ONION": 20, "BUN": 1},
            preparation=minutes(10),
            course=2,
        ),
        Dish(
            sku="SALAD",
            name="Salad",
            price=UnitPrice.of("9.00", "EUR"),
            requires=["cold"],
            uses={"ONION": 10},
            preparation=minutes(4),
            course=1,
        ),
        Dish(
            sku="ICE",
            name="Ice cream",
            price=UnitPrice.of("6.00", "EUR"),
            requires=["cold"],
            preparation=minutes(3),
            course=3,
        ),
        Dish(sku="WINE", name="Wine", price=UnitPrice.of("5.20", "EUR"), requires=["bar"]),
    ]
)
PLACES = {"STEAK": "GRILL", "BURGER": "GRILL", "SALAD": "COLD", "ICE": "COLD", "WINE": "BAR"}
NO_ONIONS = Modifier("no onions", uses=(("ONION", -10),))
CHEESE = Modifier("extra cheese", UnitPrice.of("1.50", "EUR"), uses=(("CHEESE", 20),))
SHOTS = Modifier("shot", UnitPrice.of("2.00", "EUR"), 2, modifiers=(Modifier("decaf"),))


def counted(_sku: str, location: str) -> StockPolicy:
    """Ingredients are counted and may run below zero; dishes on offer may not."""
    return StockPolicy(mode="warned") if location in ("LARDER", "BAR") else GUARDED


class Kitchen(World):
    """The restaurant, with so many portions of every dish on offer."""

    def __init__(self, portions: int = 20, *, policy: Policy = TAB) -> None:
        super().__init__(("BEEF", "LARDER", 2_000), policy=policy, policies=counted)
        for sku, place in PLACES.items():
            offer = MENU.offer(f"offer-{sku}", place, {sku: portions}, at=self.now)
            self.inventory.post(offer)
        for sku in ("ONION", "BUN"):
            bought = Posting.receive(f"bought-{sku}", sku, "LARDER", 2_000, at=self.now)
            self.inventory.post(bought)

    def new_desk(self, **more: object) -> OrderDesk:
        """Another desk on the same kitchen."""
        return super().new_desk(**{"locations": STATIONS, **more})

    def used(self, sku: str) -> int:
        """How much of an ingredient was ever used up."""
        return sum(
            entry.quantity
            for posting in self.inventory.postings(limit=10_000)
            for entry in posting.entries
            if entry.bucket == "production" and entry.sku == sku
        )
