"""An evening at a small restaurant: two tables, a takeaway, a delivery, and what goes wrong.

Run it; it needs nothing but orderwright. It prints what a person in the house would see: tickets as
the kitchen's printers spit them out, the board above the stove, a guest's tracking page, bills, and
the report when the chairs are on the tables.

Table 4 eats three courses; a steak comes back and is made again, the fish runs out while it is
queued, and each pays their own. Table 7 moves to the window and splits the bill evenly. A takeaway
is promised for a time and accepted, another finds no place left in the kitchen. A pizza goes out by
bicycle to somebody who is in the shower.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from orderwright import (
    AddCharge,
    AddLine,
    ChangeLine,
    Charge,
    Contact,
    DraftLine,
    Location,
    Money,
    Order,
    OrderDesk,
    OutOfStock,
    Policy,
    Posting,
    Tender,
    UnitPrice,
)
from orderwright.adapters.memory import MemoryInventory, MemoryOrders, MemoryPayments
from orderwright.inventory.guard import GUARDED, StockPolicy
from orderwright.lifecycles import Phase
from orderwright.orders.bills import by_seat, split_bill, split_evenly
from orderwright.orders.explaining import explanation
from orderwright.orders.menu import Dish, Menu
from orderwright.orders.modifiers import Modifier
from orderwright.tracking.board import KitchenBoard, render_board, ticket_text
from orderwright.tracking.kitchen import KitchenLoad, render_load
from orderwright.tracking.reports import Period, read
from orderwright.tracking.revenue import Revenue
from orderwright.tracking.service_levels import ServiceLevels
from orderwright.tracking.timeline import render, timeline
from orderwright.tracking.views import customer_view

SIX = datetime(2026, 3, 6, 18, 0, tzinfo=UTC)


def eur(price: str) -> UnitPrice:
    """A price on the menu."""
    return UnitPrice.of(price, "EUR")


def minutes(count: int) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=count)


# The house ---------------------------------------------------------------------------------------

STATIONS = [
    Location(id="GRILL", offers=["grill"], makes="ticket", larder="LARDER"),
    Location(id="OVEN", offers=["oven"], makes="ticket", larder="LARDER"),
    Location(id="COLD", offers=["cold"], makes="ticket", larder="LARDER"),
    Location(id="BAR", offers=["bar"], makes="ticket"),
    # What is cooked for outside takes a place in the quarter of an hour it is wanted in.
    Location(id="SLOTS", offers=["slot"], makes="booking"),
]
MENU = Menu(
    [
        Dish(
            sku="BURRATA",
            name="Burrata",
            price=eur("11.50"),
            requires=["cold"],
            course=1,
            preparation=minutes(5),
            uses={"burrata": 1, "tomato": 150, "basil": 5},
        ),
        Dish(
            sku="SOUP",
            name="Onion soup",
            price=eur("8.50"),
            requires=["cold"],
            course=1,
            preparation=minutes(6),
            uses={"onion": 200, "cheese": 30},
        ),
        Dish(
            sku="STEAK",
            name="Rib-eye",
            price=eur("31.00"),
            requires=["grill"],
            course=2,
            preparation=minutes(16),
            uses={"beef": 300, "onion": 40},
        ),
        Dish(
            sku="FISH",
            name="Sea bass",
            price=eur("27.50"),
            requires=["grill"],
            course=2,
            preparation=minutes(14),
            uses={"sea bass": 1, "lemon": 1},
            substitutes=["PIZZA", "STEAK"],
        ),
        Dish(
            sku="PIZZA",
            name="Pizza bufala",
            price=eur("14.00"),
            requires=["oven"],
            course=2,
            preparation=minutes(9),
            uses={"dough": 1, "tomato": 120, "cheese": 100, "basil": 5},
        ),
        Dish(
            sku="TART",
            name="Lemon tart",
            price=eur("7.50"),
            requires=["cold"],
            course=3,
            preparation=minutes(3),
            uses={"tart": 1, "lemon": 1},
        ),
        Dish(sku="WINE", name="Glass of red", price=eur("6.20"), requires=["bar"]),
        Dish(sku="WATER", name="Bottle of water", price=eur("5.50"), requires=["bar"]),
    ]
)
PORTIONS = {
    "GRILL": {"STEAK": 12, "FISH": 5},
    "OVEN": {"PIZZA": 30},
    "COLD": {"BURRATA": 10, "SOUP": 20, "TART": 8},
    "BAR": {"WINE": 200, "WATER": 100},
}
LARDER = {
    "beef": 6_000,
    "sea bass": 5,
    "dough": 30,
    "burrata": 10,
    "tomato": 8_000,
    "cheese": 5_000,
    "onion": 6_000,
    "lemon": 25,
    "basil": 200,
    "tart": 8,
}
NO_ONIONS = Modifier("no onions", uses=(("onion", -40),))
RARE = Modifier("rare")
EXTRA_CHEESE = Modifier("extra cheese", eur("1.80"), uses=(("cheese", 50),))
TAB = Policy(tab=True, capture="on_confirmation")
TO_GO = Policy(confirm="by_hand", capture="on_confirmation")
"""What is cooked for outside is looked at by the kitchen first, which says when it can be ready."""


def how_counted(_sku: str, location: str) -> StockPolicy:
    """Dishes are never sold twice; what a larder's scales say is taken with a grain of salt."""
    return StockPolicy(mode="warned") if location == "LARDER" else GUARDED


class House:
    """The desk, the books behind it, the board above the stove, and the clock on the wall."""

    def __init__(self) -> None:
        self.now = SIX
        self.inventory = MemoryInventory(how_counted)
        self.payments = MemoryPayments()
        self.board = KitchenBoard(at_once={"GRILL": 4, "OVEN": 3, "COLD": 4})
        self.desk = OrderDesk(
            orders=MemoryOrders(),
            inventory=self.inventory,
            payments=self.payments,
            locations=STATIONS,
            clock=lambda: self.now,
        )

    def at(self, hour: int, minute: int) -> None:
        """Let it be that time."""
        self.now = SIX.replace(hour=hour, minute=minute)

    def show(self, order: Order) -> Order:
        """Let the kitchen see what became of an order."""
        self.board.show(order)
        return order

    def fire(self, order_id: str, course: int, by: str = "") -> Order:
        """Call a course, and print its tickets at their stations."""
        order = self.show(self.desk.fire(order_id, course, by=by))
        for ticket in self.board.tickets(self.now):
            if ticket.order_id == order_id and ticket.since == self.now and ticket.stage == "cook":
                print(boxed(ticket_text(ticket)))
        return order

    def cook(self, order_id: str, *steps: str, sku: str = "") -> Order:
        """Take steps with what is at work of an order: all of it, or the tickets with a dish."""
        for step in steps:
            for one in self.desk.order(order_id).fulfillments:
                named = not sku or any(item.sku == sku for item in one.items)
                if named and one.state.phase is Phase.WORKING:
                    self.show(self.desk.advance(order_id, one.id, step))
        return self.desk.order(order_id)

    def pour(self, order_id: str) -> None:
        """Drinks need no calling: they are made and served."""
        for one in self.desk.order(order_id).fulfillments:
            if one.location == "BAR" and one.state.phase is Phase.WAITING:
                self.show(self.desk.advance(order_id, one.id, "serve"))


def boxed(words: str) -> str:
    """Text as it comes out of a printer, with a tear-off line above it."""
    lines = ["-" * 40, *words.splitlines()]
    return "\n".join(f"    {line}".rstrip() for line in lines)


def told(house: House, words: str) -> None:
    """Print what happens, and when."""
    print(f"\n{house.now:%H:%M}  {words}")


def dishes(*wanted: str | tuple[str, str] | DraftLine) -> list[DraftLine]:
    """Lines of the menu: a SKU, or a SKU and the seat whose it is, or a line as it is."""
    found: list[DraftLine] = []
    for one in wanted:
        if isinstance(one, DraftLine):
            found.append(one)
        elif isinstance(one, str):
            found.append(MENU[one].line())
        else:
            found.append(MENU[one[0]].line(seat=one[1]))
    return found


# The evening -------------------------------------------------------------------------------------


def open_house(house: House) -> None:
    """Deliveries are put away, dishes are on offer, and the kitchen has places for outside."""
    for sku, units in LARDER.items():
        name = f"delivery-{sku}"
        house.desk.post_stock(Posting.receive(name, sku, "LARDER", units, at=house.now))
    for station, portions in PORTIONS.items():
        house.desk.post_stock(MENU.offer(f"menu-{station}", station, portions, at=house.now))
    for slot in ("19:30", "19:45"):
        posting = Posting.receive(f"slot-{slot}", f"slot {slot}", "SLOTS", 3, at=house.now)
        house.desk.post_stock(posting)


def place_in_kitchen(slot: str, count: int) -> DraftLine:
    """Booking places in the kitchen costs nothing, but they run out like anything else."""
    return DraftLine(
        sku=f"slot {slot}", quantity=count, unit_price=eur("0"), name=slot, requires=["slot"]
    )


def tables_order(house: House) -> None:
    """Two tables sit down; one has wishes."""
    house.at(18, 30)
    told(house, "Table 4 orders three courses, table 7 pizza for three.")
    steak = MENU["STEAK"].line(seat="Ann", modifiers=[RARE, NO_ONIONS])
    first = dishes(("BURRATA", "Ann"), ("SOUP", "Bob"), steak, ("FISH", "Bob"), "WATER")
    house.desk.place(
        first, order_id="T4", table="4", service="dine_in", channel="table", policy=TAB, by="Kim"
    )
    house.fire("T4", 1, by="Kim")
    pizzas = [MENU["PIZZA"].line(2), MENU["PIZZA"].line(modifiers=[EXTRA_CHEESE])]
    house.desk.place(
        [*pizzas, *dishes("WINE", "WATER")],
        order_id="T7",
        table="7",
        service="dine_in",
        channel="table",
        policy=TAB,
        by="Lou",
    )
    house.pour("T4")
    house.pour("T7")
    house.fire("T7", 2, by="Lou")
    house.at(18, 32)
    house.cook("T7", "prepare")
    house.at(18, 37)
    house.cook("T4", "prepare", "ready", "serve")


def sell_out(house: House) -> None:
    """The last fish falls on the floor. Who waits for one is asked what they would like instead."""
    house.at(18, 40)
    told(house, "86 sea bass! Nobody can order it now; Bob's was queued, and is not begun.")
    waiting = house.desk.sell_out("FISH", "GRILL", notice_id="fish-1", queued=True)
    stocks = house.inventory.supply(["PIZZA", "STEAK"], now=house.now)
    instead = MENU.instead_of("FISH", stocks)
    print(f"       on {', '.join(waiting)}; instead: {', '.join(one.name for one in instead)}")
    try:
        house.desk.add_round("T7", dishes("FISH"))
    except OutOfStock as refusal:
        print(f"       {refusal}")
    fish = next(line for line in house.desk.order("T4").lines if line.sku == "FISH")
    pizza = AddLine(line=MENU["PIZZA"].line(seat="Bob"), replaces=fish.id)
    house.desk.edit("T4", [ChangeLine(line_id=fish.id, quantity=0), pizza], by="Kim")
    house.desk.resolve("T4", "stock_missing", resolution="a pizza instead", by="Kim")
    house.fire("T4", 2, by="Kim")


def takeaway(house: House) -> None:
    """The kitchen says when it can be ready, and accepts; a late caller finds no place left."""
    house.at(18, 42)
    told(house, "Two pizzas to take away, on the phone, for a quarter to eight.")
    order = house.desk.place(
        [*dishes(MENU["PIZZA"].line(2)), place_in_kitchen("19:45", 2)],
        order_id="P1",
        service="takeaway",
        channel="phone",
        customer_id="Eve",
        tenders=[Tender(method="cash", collected="afterwards")],
        policy=TO_GO,
    )
    best = house.board.quote(order, house.now)
    print(f"       could be ready at {best:%H:%M}; promised for 19:45")
    house.desk.promise("P1", SIX.replace(hour=19, minute=45), by="Kim")
    house.show(house.desk.confirm("P1", by="Kim"))
    try:
        house.desk.place(
            [*dishes(MENU["PIZZA"].line(2)), place_in_kitchen("19:45", 2)],
            order_id="P2",
            service="takeaway",
            channel="phone",
        )
    except OutOfStock as refusal:
        print(f"       the next caller: {refusal}")


def delivery(house: House) -> None:
    """Ordered and paid on the web; the kitchen sees when to fire it to be there in time."""
    house.at(18, 45)
    told(house, "A pizza and a tart are wanted at the door at half past seven, paid by card.")
    house.desk.place(
        [*dishes(MENU["PIZZA"].line(modifiers=[EXTRA_CHEESE]), MENU["TART"].line(course=2))],
        order_id="W1",
        service="delivery",
        channel="web",
        customer_id="Finn",
        contact=Contact(name="Finn", street=("Mill Lane 2",), city="Leeds", country="GB"),
        charges=[Charge(kind="delivery", amount=Money.of("2.50", "EUR"))],
        tenders=[Tender(method="card", instrument="card of Finn")],
        policy=TO_GO,
    )
    house.desk.promise("W1", SIX.replace(hour=19, minute=30))
    house.show(house.desk.confirm("W1", by="Kim"))


def kitchen(house: House) -> None:
    """The board at its fullest; then a steak comes back."""
    house.at(18, 47)
    told(house, "The board above the stove:")
    print(render_board(house.board.tickets(house.now)))
    house.cook("T4", "prepare")
    house.at(18, 57)
    house.cook("T7", "ready", "serve")
    house.cook("T4", "ready", "serve")
    told(house, "Ann wanted hers rare. It is made again; the first one is a loss.")
    steak = next(one for one in house.desk.order("T4").fulfillments if one.items[0].sku == "STEAK")
    house.show(house.desk.advance("T4", steak.id, "remake", by="Kim"))
    house.fire("T4", 2, by="Kim")
    house.at(19, 10)
    house.cook("T4", "prepare", "ready", "serve")


def out_by_bicycle(house: House) -> None:
    """What was promised is fired in time, and the courier's reports come as they come."""
    house.at(19, 12)
    told(house, "The delivery is called, in time to be at the door at half past seven.")
    house.fire("W1", 2)
    house.at(19, 21)
    house.cook("W1", "prepare", "ready")
    parts = [one.id for one in house.desk.order("W1").fulfillments]
    for name in parts:
        house.show(house.desk.scan("W1", name, "out_for_delivery", carrier="Mia, bicycle"))
    house.at(19, 29)
    for name in parts:
        house.desk.scan("W1", name, "not_delivered")
    house.at(19, 35)  # her telephone was off: what she tells now was at 19:34
    for name in parts:
        house.desk.scan(
            "W1", name, "delivered", occurred_at=SIX.replace(hour=19, minute=34), by="Mia"
        )
    house.desk.resolve("W1", "nobody_there", resolution="was in the shower", by="Mia")
    told(house, "What Finn's page says:")
    view = customer_view(house.desk.order("W1"), now=house.now, history=house.desk.history("W1"))
    print(boxed(view.render()))


def collect(house: House) -> None:
    """The takeaway is hot at a quarter to eight, and paid at the counter."""
    house.at(19, 36)
    told(house, "The takeaway is called.")
    house.fire("P1", 2)
    house.at(19, 45)
    house.cook("P1", "prepare", "ready", "serve")
    order = house.desk.record_payment("P1", house.desk.order("P1").due, method="cash")
    told(house, f"Eve collects two pizzas: {order.state}, {order.money}, on the minute.")


def pay(house: House) -> None:
    """Table 4 pays by seat, with tips; table 7 moved to the window, and splits evenly."""
    house.at(19, 50)
    told(house, "Table 4 has dessert, and asks for the bill: each their own.")
    house.desk.add_round("T4", dishes(("TART", "Ann"), ("WINE", "Bob")), by="Kim")
    house.pour("T4")
    house.fire("T4", 3)
    house.cook("T4", "prepare", "ready", "serve")
    house.at(20, 15)
    order = house.desk.close_tab("T4", by="Kim")
    print(boxed(explanation(order)))
    for guest, amount in split_bill(order, by_seat(order)).items():
        print(f"       {guest} owes {amount}")
    shares = split_bill(order, by_seat(order))
    tip = Charge(kind="tip", amount=Money.of("4.00", "EUR"))
    house.desk.edit("T4", [AddCharge(charge=tip)], reason="from Ann", by="Kim")
    house.desk.pay("T4", [Tender(method="card", amount=shares["Ann"] + tip.amount)])
    house.desk.record_payment("T4", shares["Bob"], method="cash", by="Kim")

    house.desk.move_tab("T7", "9", reason="by the window", by="Lou")
    house.at(20, 20)
    told(house, "Table 7 sits at 9 by now, and splits evenly.")
    order = house.desk.close_tab("T7", by="Lou")
    for amount in split_evenly(order, 3):
        print(f"       {amount}")
        house.desk.pay("T7", [Tender(method="card", amount=amount)])


# The chairs are on the tables --------------------------------------------------------------------


def report(house: House) -> None:
    """What the evening came to: reports from the orders' histories, and books beside them."""
    names = ("T4", "T7", "P1", "W1")
    told(house, "The chairs are on the tables. How table 4 went, for whoever asks:")
    for line in render(timeline(house.desk.history("T4"))).splitlines():
        print(f"       {line}")

    evening = Period(SIX, house.now + minutes(1))
    channels, dishes_sold = Revenue(by=["channel"]), Revenue(by=["sku"])
    service, load = ServiceLevels(house.now), KitchenLoad(evening, house.now)
    read(map(house.desk.history, names), channels, dishes_sold, service, load)
    orders = [house.desk.order(name) for name in names]
    due = sum((order.due for order in orders), Money.zero("EUR"))
    print("\nClosing report")
    for row in channels.rows():
        print(f"  {row.channel:<14}{Money(row.gross_minor, row.currency)!s:>12}")
    print(f"  {'in all':<14}{due!s:>12}, of it tips {tips(orders)}")
    print(f"  {'by card':<14}{booked(house)!s:>12}, by the provider's books")
    print(f"  {'in cash':<14}{cash(orders)!s:>12}, in the drawer")
    [kept] = service.rows()
    print(f"  promises      {kept.on_time} of {kept.promised} kept")
    best = sorted(dishes_sold.rows(), key=lambda row: -row.units)
    found = [row for row in best if row.units and row.sku in MENU.dishes]
    served = (f"{row.units} {MENU[row.sku].name}" for row in found)
    print(f"  served        {', '.join(served)}")
    print(f"  used up       {', '.join(used_up(house, ('beef', 'dough', 'cheese', 'tart')))}")
    print(f"  wasted        {', '.join(wasted(house)) or 'nothing'}")
    faults = [one.problem for one in house.inventory.ledger.audit()]
    print(f"  stock audit   {'; '.join(faults) or 'every portion and every gram accounted for'}")
    print("\n" + render_load(load.rows()))


def tips(orders: Iterable[Order]) -> Money:
    """What guests gave on top."""
    charges = [one for order in orders for one in order.charges if one.kind == "tip"]
    return sum((one.total for one in charges), Money.zero("EUR"))


def booked(house: House) -> Money:
    """What the payment provider took, by its own books."""
    taken = (entry.amount for entry in house.payments.books if entry.kind == "capture")
    return sum(taken, Money.zero("EUR"))


def cash(orders: Iterable[Order]) -> Money:
    """What the drawer should hold."""
    payments = [one for order in orders for one in order.payments if one.method == "cash"]
    return sum((one.captured for one in payments), Money.zero("EUR"))


def used_up(house: House, skus: Sequence[str]) -> Iterable[str]:
    """What dishes were made of, by the larder's book."""
    for sku in skus:
        left = house.inventory.ledger.stock(sku, "LARDER", now=house.now).available
        yield f"{LARDER[sku] - left} {sku}"


def wasted(house: House) -> Iterable[str]:
    """What was made and thrown away."""
    for posting in house.inventory.postings():
        for entry in posting.entries:
            if entry.bucket == "loss":
                yield f"{entry.quantity} {MENU[entry.sku].name}"


def main() -> None:
    """Live through the evening, and look back on it."""
    house = House()
    open_house(house)
    tables_order(house)
    sell_out(house)
    takeaway(house)
    delivery(house)
    kitchen(house)
    out_by_bicycle(house)
    collect(house)
    pay(house)
    report(house)


if __name__ == "__main__":
    main()
