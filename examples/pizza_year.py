"""A year at a pizzeria: every order of a real-looking sample accepted, baked, served and paid.

    python examples/pizza_year.py FILE... [--month 2015-11 | --day 2015-11-27] [--quiet]

The files are the orders, the order lines, the menu and the ingredients of the pizza sample (a year
of 21,350 orders), plain or gzip, in any order. The sample says who ordered what and when. What it
does not say is made up by rules that are written here: every other order is eaten at a table, which
is a tab paid after the meal, the others are taken away; every third is paid in cash; an oven bakes
six pizzas at a time, each for as long as its size takes; what a recipe names is one portion.

The kitchen is run by the library's own board: it says when an order can be ready, which is what the
guest is promised, and which ticket an oven takes next.

At the end everything is reconciled: the order repository, the stock ledger, the card provider's
books and the library's reports against plain sums of the files. The exit status is 0 if they agree,
1 if anything does not add up, 2 for files that cannot be read.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from heapq import heappop, heappush, heapreplace
from itertools import count
from pathlib import Path
from typing import Final, NamedTuple

from sample_files import Row, SampleError, read_tables

from orderwright import Location, Money, Order, OrderDesk, Policy, Posting, Tender, UnitPrice
from orderwright.adapters.memory import MemoryInventory, MemoryOrders, MemoryPayments
from orderwright.inventory.entries import Entry
from orderwright.inventory.guard import GUARDED, StockPolicy
from orderwright.orders.events import Event
from orderwright.orders.menu import Dish, Menu
from orderwright.ports import OrderQuery
from orderwright.tracking.board import KitchenBoard
from orderwright.tracking.facts import OrderFacts
from orderwright.tracking.kitchen import KitchenLoad, render_load
from orderwright.tracking.reports import Period, percentile, read
from orderwright.tracking.revenue import Revenue, RevenueRow

HEADERS: Final = {
    "orders": ("order_id", "date", "time"),
    "order lines": ("order_details_id", "order_id", "pizza_id", "quantity"),
    "menu": ("pizza_id", "pizza_type_id", "size", "price"),
    "ingredients": ("pizza_type_id", "category", "ingredients"),
}
CURRENCY: Final = "USD"
LARDER: Final = "LARDER"
OVENS: Final = {"OVEN 1": ("Classic", "Supreme"), "OVEN 2": ("Chicken", "Veggie")}
"""What categories each oven bakes."""
AT_ONCE: Final = 6
"""So many pizzas fit into an oven."""
BAKING: Final = {
    size: timedelta(minutes=minutes)
    for size, minutes in {"S": 8, "M": 10, "L": 12, "XL": 14, "XXL": 16}.items()
}
MEAL: Final = timedelta(minutes=40)
ON_OFFER: Final = 1_000_000
"""Nobody counts dough: as many of each pizza as nobody could eat."""
PAR: Final = 8
"""Portions of an ingredient the larder begins a day with, for each recipe that names it."""
TAKEAWAY: Final = Policy(confirm="by_hand")
TAB: Final = Policy(confirm="by_hand", tab=True)


# The sample --------------------------------------------------------------------------------


class Pizza(NamedTuple):
    """A pizza of one size, and what is on it."""

    sku: str
    kind: str
    category: str
    size: str
    price: Decimal
    ingredients: tuple[str, ...]


class Sale(NamedTuple):
    """An order of the sample: pairs of a pizza and how many of it."""

    order_id: str
    at: datetime
    pizzas: list[tuple[Pizza, int]]


def read_sample(paths: Iterable[Path], prefix: str) -> tuple[list[Pizza], list[Sale]]:
    """Return the menu, and the orders of the days that begin with ``prefix``, as time goes by."""
    files = read_tables(paths, HEADERS)
    types = _unique(files["ingredients"], "pizza_type_id")
    menu = {sku: _pizza(sku, row, types) for sku, row in _unique(files["menu"], "pizza_id").items()}
    orders = _unique(files["orders"], "order_id")
    sales = {name: Sale(name, row.moment("date", "time"), []) for name, row in orders.items()}
    for row in files["order lines"]:
        sale, pizza = sales.get(row.text("order_id")), menu.get(row.text("pizza_id"))
        if sale is None:
            raise row.wrong("order_id", "an order of the table of orders")
        if pizza is None:
            raise row.wrong("pizza_id", "a pizza of the menu")
        sale.pizzas.append((pizza, row.whole("quantity")))
    for order_id, sale in sales.items():
        if not sale.pizzas:
            raise orders[order_id].wrong("order_id", "an order that has lines")
    chosen = [one for one in sales.values() if one.at.date().isoformat().startswith(prefix)]
    if not chosen:
        raise SampleError("", f"no orders in {prefix or 'the files'}", "a time with orders")
    return list(menu.values()), sorted(chosen, key=lambda one: one.at)


def _pizza(sku: str, row: Row, types: dict[str, Row]) -> Pizza:
    """Return what a row of the menu says, with what is known of its type."""
    size = row.text("size")
    if size not in BAKING:
        raise row.wrong("size", f"one of {', '.join(BAKING)}")
    kind = types.get(row.text("pizza_type_id"))
    if kind is None:
        raise row.wrong("pizza_type_id", "one of the table of ingredients")
    category = kind.text("category")
    if not any(category in baked for baked in OVENS.values()):
        raise kind.wrong("category", "one that an oven bakes")
    ingredients = kind.names("ingredients")
    price = row.price("price")
    return Pizza(sku, row.name("pizza_type_id"), category, size, price, ingredients)


def _unique(rows: Iterable[Row], column: str) -> dict[str, Row]:
    """Return the rows by their id, which is there once."""
    found: dict[str, Row] = {}
    for row in rows:
        name = row.name(column)
        if name in found:
            raise row.wrong(column, f"each once, and {found[name].place} has it")
        found[name] = row
    return found


@dataclass
class Plain:
    """What the books have to come to: plain sums over what was read."""

    totals: dict[str, Decimal] = field(default_factory=dict)
    lines: int = 0
    pizzas: Counter[str] = field(default_factory=Counter)
    portions: Counter[str] = field(default_factory=Counter)
    orders_on: Counter[date] = field(default_factory=Counter)
    pizzas_on: Counter[date] = field(default_factory=Counter)

    def add(self, sale: Sale) -> None:
        """Add an order."""
        self.totals[sale.order_id] = sum(
            (pizza.price * units for pizza, units in sale.pizzas), Decimal("0.00")
        )
        self.lines += len(sale.pizzas)
        self.orders_on[sale.at.date()] += 1
        for pizza, units in sale.pizzas:
            self.pizzas[pizza.sku] += units
            self.pizzas_on[sale.at.date()] += units
            for ingredient in pizza.ingredients:
                self.portions[ingredient] += units


# The pizzeria ------------------------------------------------------------------------------


def stock_policy(_sku: str, location: str) -> StockPolicy:
    """A cook who finds the tomatoes bakes with them, whatever the book says: it is only told."""
    return StockPolicy("warned") if location == LARDER else GUARDED


class Pizzeria:
    """The desk and its three books, the kitchen's board, two ovens, and the clock on the wall."""

    def __init__(self, menu: Sequence[Pizza], inventory: MemoryInventory | None = None) -> None:
        self.orders = MemoryOrders()
        self.inventory = MemoryInventory(stock_policy) if inventory is None else inventory
        self.payments = MemoryPayments()
        self.now = datetime.min.replace(tzinfo=UTC)
        self.desk = OrderDesk(
            orders=self.orders,
            inventory=self.inventory,
            payments=self.payments,
            locations=[
                Location(id=oven, offers=baked, makes="ticket", larder=LARDER)
                for oven, baked in OVENS.items()
            ],
            clock=lambda: self.now,
        )
        self.board = KitchenBoard(at_once=dict.fromkeys(OVENS, AT_ONCE))
        self.ovens = {oven: [self.now] * AT_ONCE for oven in OVENS}
        """When each place of an oven is free again."""
        self.pizzas = menu
        self.menu = Menu(
            Dish(
                sku=one.sku,
                name=f"{one.kind} {one.size}",
                price=UnitPrice.of(one.price, CURRENCY),
                requires=[one.category],
                uses=dict.fromkeys(one.ingredients, 1),
                preparation=BAKING[one.size],
            )
            for one in menu
        )
        recipes = {one.kind: one.ingredients for one in menu}
        self.par = Counter(one for ingredients in recipes.values() for one in ingredients)
        self.guests = count(1)
        self.pay_cash: set[str] = set()
        self.steps: list[tuple[datetime, int, Callable[[], None]]] = []
        self.number = count()

    def live(self, sales: Iterable[Sale]) -> None:
        """Live through all orders, and everything that is done for them, as time goes by."""
        day = None
        for sale in sales:
            self.pass_time(sale.at)
            if day is None:
                self.put_on_offer()
            if sale.at.date() != day:
                day = sale.at.date()
                self.fill_larder(day)
            self.take_order(sale)
        self.pass_time(None)

    def later(self, at: datetime, step: Callable[[], None]) -> None:
        """Note what is to be done at some time; of two at one time the first noted comes first."""
        heappush(self.steps, (max(at, self.now), next(self.number), step))

    def pass_time(self, until: datetime | None) -> None:
        """Do what is to be done until then, or all of it."""
        while self.steps and (until is None or self.steps[0][0] <= until):
            self.now, _, step = heappop(self.steps)
            step()
        self.now = self.now if until is None else until

    def put_on_offer(self) -> None:
        """Every pizza can be had, from the oven that bakes its category."""
        for oven, baked in OVENS.items():
            portions = {one.sku: ON_OFFER for one in self.pizzas if one.category in baked}
            if portions:
                self.desk.post_stock(self.menu.offer(f"offer-{oven}", oven, portions, at=self.now))

    def fill_larder(self, day: date) -> None:
        """In the morning the larder is filled up."""
        name = f"delivery-{day}"
        missing = [
            (one, PAR * recipes - self.inventory.ledger.stock(one, LARDER, now=self.now).available)
            for one, recipes in self.par.items()
        ]
        deliveries = [
            Posting.receive(name, ingredient, LARDER, units, at=self.now)
            for ingredient, units in missing
            if units
        ]
        if deliveries:
            self.desk.post_stock(Posting.linked(name, deliveries))

    def take_order(self, sale: Sale) -> None:
        """Take an order, tell the guests when it is ready, and have it baked at once."""
        guest = next(self.guests)
        at_table = guest % 2 == 1
        # Who takes pizzas away shows a card now, or brings the cash when they are ready.
        tenders = [] if at_table else [Tender(method="card")]
        if guest % 3 == 0:
            self.pay_cash.add(sale.order_id)
            tenders = [] if at_table else [Tender(method="cash", collected="afterwards")]
        order = self.desk.place(
            [self.menu[pizza.sku].line(units) for pizza, units in sale.pizzas],
            order_id=sale.order_id,
            channel="counter",
            service="dine_in" if at_table else "takeaway",
            table=str(guest % 15 + 1) if at_table else "",
            tenders=tenders,
            policy=TAB if at_table else TAKEAWAY,
        )
        self.desk.promise(order.id, self.board.quote(order, self.now))
        self.desk.confirm(order.id)
        order = self.desk.fire(order.id, course=0)
        self.board.show(order)
        for oven in sorted({one.location for one in order.fulfillments}):
            self.later(self.now, partial(self.bake, oven))

    def bake(self, oven: str) -> None:
        """Once it has a place, the oven takes the ticket that is first on the board."""
        places = self.ovens[oven]
        if places[0] > self.now:
            self.later(places[0], partial(self.bake, oven))
            return
        tickets = self.board.tickets(self.now, station=oven)
        ticket = next((one for one in tickets if one.stage == "cook" and not one.begun), None)
        if ticket is None:
            return
        order_id, ticket_id = ticket.order_id, ticket.fulfillment_id
        self.board.show(self.desk.advance(order_id, ticket_id, "prepare"))
        ready = self.now
        for plate in ticket.plates:
            for _ in range(plate.quantity):
                out = max(places[0], self.now) + plate.preparation
                heapreplace(places, out)
                ready = max(ready, out)
        self.later(ready, partial(self.take_out, order_id, ticket_id))
        self.later(places[0], partial(self.bake, oven))

    def take_out(self, order_id: str, ticket_id: str) -> None:
        """A ticket is ready; once all of its order is, the guests have it."""
        order = self.desk.advance(order_id, ticket_id, "ready")
        if all(one.state.name == "ready" for one in order.fulfillments):
            for one in order.fulfillments:
                order = self.desk.advance(order_id, one.id, "serve")
            if order.policy.tab:
                self.later(self.now + MEAL, partial(self.bill, order_id))
            elif order_id in self.pay_cash:
                self.desk.record_payment(order_id, order.due, method="cash")
        self.board.show(order)

    def bill(self, order_id: str) -> None:
        """The guests at a table ask for the bill, and pay."""
        order = self.desk.close_tab(order_id)
        if order_id in self.pay_cash:
            self.desk.record_payment(order_id, order.due, method="cash")
        else:
            self.desk.pay(order_id, [Tender(method="card")])


# The reconciliation ------------------------------------------------------------------------


class Waits:
    """How long tickets (of a ``day``) took from fired to ready: a report of our own."""

    def __init__(self, day: date | None = None) -> None:
        self.day = day
        self.seconds: list[int] = []
        self.longest = (timedelta(0), "", 0)

    def add(self, facts: OrderFacts) -> None:
        """Add one order."""
        for work in facts.work:
            if work.made_at is not None and self.day in {None, work.started_at.date()}:
                took = work.made_at - work.started_at
                self.seconds.append(int(took.total_seconds()))
                self.longest = max(self.longest, (took, facts.order_id, work.units))

    def rows(self) -> list[int]:
        """Return all of them, in seconds."""
        return self.seconds

    def worst(self) -> str:
        """The longest, in words."""
        took, order_id, units = self.longest
        return f"{took!s:>16}  {units} pizzas of order {order_id}"


@dataclass
class Books:
    """What the books say, and where they disagree with each other or with the plain sums."""

    states: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    served_as: Counter[str] = field(default_factory=Counter)
    tickets: int = 0
    events: int = 0
    promises_kept: int = 0
    paid: dict[str, Money] = field(default_factory=dict)
    delivered: Counter[str] = field(default_factory=Counter)
    used: Counter[str] = field(default_factory=Counter)
    handed_over: Counter[str] = field(default_factory=Counter)
    too_early: int = 0
    postings: int = 0
    faults: list[str] = field(default_factory=list)

    def compare(self, what: str, ours: Counter[str], theirs: Counter[str]) -> None:
        """Note each name of which the books say ``ours`` and the plain sums ``theirs``."""
        for name in sorted({*ours, *theirs}):
            if ours[name] != theirs[name]:
                self.faults.append(f"{name}: {ours[name]} {what}, {theirs[name]} by the files")


def histories(place: Pizzeria, plain: Plain, books: Books) -> Iterator[Sequence[Event]]:
    """Page through the repository, check every order, and pass its events on to the reports."""
    missing = dict(plain.totals)
    after = ""
    while page := place.orders.find(OrderQuery(), after=after, limit=5_000):
        after = page[-1]
        for order_id in page:
            order, events = place.desk.order(order_id), place.desk.history(order_id)
            check_order(books, order, missing.pop(order_id, None))
            if Order.replay(events) != order:
                books.faults.append(f"{order_id}: replaying its events does not give the order")
            books.events += len(events)
            yield events
    books.faults += [f"{order_id}: in the files, but never placed" for order_id in missing]


def check_order(books: Books, order: Order, total: Decimal | None) -> None:
    """Add an order to the figures, and note where it is not as it should be."""
    state = (order.state.name, order.money, order.goods)
    books.states[state] += 1
    books.served_as[order.service] += 1
    books.tickets += len(order.fulfillments)
    ready_at = max((one.arrived_at for one in order.fulfillments if one.arrived_at), default=None)
    if ready_at and order.promised_at and ready_at <= order.promised_at:
        books.promises_kept += 1
    if state != ("completed", "paid", "delivered") or order.intents or order.exceptions:
        books.faults.append(f"{order.id}: is {', '.join(state)}, not completed, paid and served")
    if order.total.amount != total or order.captured != order.total:
        told = f"costs {order.total}, {order.captured} is paid"
        books.faults.append(f"{order.id}: {told}, {total} by the files")
    for one in order.payments:
        before = books.paid.get(one.method, Money.zero(CURRENCY))
        books.paid[one.method] = before + one.captured


def check_money(books: Books, place: Pizzeria) -> None:
    """Compare what was paid by card with the provider's books."""
    moved: Counter[str] = Counter()
    for entry in place.payments.books:
        moved[entry.kind] += entry.amount.minor
    by_card = books.paid.get("card", Money.zero(CURRENCY)).minor
    for kind in ("authorize", "capture"):
        if moved[kind] != by_card:
            theirs = Money(moved[kind], CURRENCY)
            told = f"{Money(by_card, CURRENCY)} on the orders, {theirs} at the provider"
            books.faults.append(f"card: {kind} {told}")


def check_stock(books: Books, place: Pizzeria, plain: Plain) -> None:
    """Add up the ledger's postings, and compare them with recipes times pizzas."""
    ledger = place.inventory.ledger
    on_hand: Counter[str] = Counter()
    for posting in ledger.postings():
        books.postings += 1
        for entry in posting.entries:
            if entry.bucket == "customer":
                books.handed_over[entry.sku] += entry.quantity
            elif entry.location == LARDER:
                count_larder(books, on_hand, entry)
    books.compare("used", books.used, plain.portions)
    books.compare("handed over", books.handed_over, plain.pizzas)
    for sku in sorted(on_hand):
        left = books.delivered[sku] - books.used[sku]
        there = ledger.stock(sku, LARDER, now=place.now).on_hand
        if not left == on_hand[sku] == there:
            books.faults.append(f"{sku}: {there} on hand, {left} of the deliveries are left")
    for account, units in ledger.balances().items():
        if account.bucket == "reserved":
            books.faults.append(f"{account.sku}: {units} still reserved at {account.location}")
    books.faults += [one.problem for one in ledger.audit()]


def count_larder(books: Books, on_hand: Counter[str], entry: Entry) -> None:
    """Add an entry of the larder to what was delivered, used, and is on hand."""
    if entry.bucket == "production":
        books.used[entry.sku] += entry.quantity
    elif entry.bucket == "supplier":
        books.delivered[entry.sku] -= entry.quantity
    elif entry.bucket == "available":
        on_hand[entry.sku] += entry.quantity
        books.too_early += max(0, min(-entry.quantity, -on_hand[entry.sku]))


# Printing ----------------------------------------------------------------------------------


def report(place: Pizzeria, plain: Plain) -> tuple[list[str], bool]:
    """Return the reconciliation as lines of text, and whether everything adds up."""
    books = Books()
    busiest = max(plain.orders_on, key=lambda day: (plain.orders_on[day], day))
    slot = timedelta(minutes=30)
    load = KitchenLoad(Period.of_days(busiest), place.now, slot=slot)
    waits, that_day, revenue = Waits(), Waits(busiest), Revenue(by=["sku"])
    placed = read(histories(place, plain, books), load, waits, that_day, revenue)
    check_money(books, place)
    check_stock(books, place, plain)
    sold = {row.sku: row for row in revenue.rows()}
    books.compare("sold", Counter({sku: row.units for sku, row in sold.items()}), plain.pizzas)
    total = sum(plain.totals.values(), Decimal(0))
    earned = Money(sum(row.gross_minor for row in sold.values()), CURRENCY)
    if earned.amount != total:
        books.faults.append(f"revenue: {earned} in the report, {total} by the files")
    baked = sum(row.dishes for row in load.rows())
    if baked != plain.pizzas_on[busiest]:
        theirs = plain.pizzas_on[busiest]
        books.faults.append(f"{busiest}: {baked} pizzas fired, {theirs} by the files")
    lines = [
        *told_files(place.pizzas, plain),
        *told_books(placed, books),
        *told_sales(place.pizzas, plain, sold),
    ]
    lines += [
        "",
        "Kitchen (from the histories), fired until ready",
        _count("tickets", len(waits.seconds)),
        *(
            f"  {name:<32}{timedelta(seconds=percentile(waits.seconds, percent))!s:>16}"
            for name, percent in (("half of them within", 50), ("95 of 100 within", 95))
        ),
        f"  {'longest':<32}{waits.worst()}",
        "",
        f"The busiest day, {busiest}: {plain.orders_on[busiest]} orders, {baked} pizzas",
        f"  {'longest':<32}{that_day.worst()}",
        render_load(load.rows()),
        "",
    ]
    if books.faults:
        lines.append(f"{len(books.faults)} thing(s) do not add up:")
        lines += [f"  {fault}" for fault in books.faults[:20]]
    else:
        lines.append("Everything adds up.")
    return lines, not books.faults


def _count(name: str, number: int) -> str:
    return f"  {name:<32}{number:>16,}"


def told_files(menu: Sequence[Pizza], plain: Plain) -> Iterator[str]:
    """What the files say, by plain sums."""
    yield "Read"
    yield _count("orders", len(plain.totals))
    yield _count("order lines", plain.lines)
    yield _count("pizzas", plain.pizzas.total())
    yield f"  {'due, ' + CURRENCY:<32}{sum(plain.totals.values()):>16,.2f}"
    yield _count("on the menu", len(menu))
    yield _count("recipes", len({one.kind for one in menu}))
    yield _count("ingredients", len({ingredient for one in menu for ingredient in one.ingredients}))
    yield _count("recipes times pizzas, portions", plain.portions.total())
    yield ""


def told_books(placed: int, books: Books) -> Iterator[str]:
    """What the repository, the provider and the ledger say."""
    yield "Orders (from the repository)"
    yield _count("placed", placed)
    for state, orders in sorted(books.states.items()):
        yield _count(", ".join(state), orders)
    for service, orders in sorted(books.served_as.items()):
        yield _count(service.replace("_", " "), orders)
    yield _count("ready when promised", books.promises_kept)
    yield _count("tickets", books.tickets)
    yield _count("events", books.events)
    yield ""
    yield f"Money ({CURRENCY})"
    for method, amount in sorted(books.paid.items()):
        yield f"  {'paid, ' + method:<32}{amount.amount:>16,.2f}"
    yield ""
    yield "Larder (from the ledger), in portions"
    yield _count("ingredients", len(books.used))
    yield _count("delivered", books.delivered.total())
    yield _count("used", books.used.total())
    for name, units in books.used.most_common(3):
        yield _count(f"  {name}", units)
    yield _count("used before they were booked in", books.too_early)
    yield _count("pizzas handed over", books.handed_over.total())
    yield _count("postings", books.postings)
    yield ""


def told_sales(menu: Sequence[Pizza], plain: Plain, sold: dict[str, RevenueRow]) -> Iterator[str]:
    """What was sold, by category and size."""
    sizes = [size for size in BAKING if any(one.size == size for one in menu)]
    yield f"Sold (pizzas, {CURRENCY})"
    yield f"  {'':<12}" + "".join(f"{size:>9}" for size in sizes) + f"{'all':>9}{'':>14}"
    for category in sorted({one.category for one in menu}):
        mine = [one for one in menu if one.category == category and one.sku in sold]
        counts = [sum(sold[one.sku].units for one in mine if one.size == size) for size in sizes]
        minor = sum(sold[one.sku].gross_minor for one in mine)
        yield (
            f"  {category:<12}"
            + "".join(f"{units:>9,}" for units in (*counts, sum(counts)))
            + f"{Money(minor, CURRENCY).amount:>14,.2f}"
        )
    for sku, units in plain.pizzas.most_common(5):
        yield f"  {sku:<30}{units:>9,}{Money(sold[sku].gross_minor, CURRENCY).amount:>14,.2f}"
    never = sum(one.sku not in sold for one in menu)
    yield f"  {never} of {len(menu)} on the menu not sold"


def told(sales: Sequence[Sale], plain: Plain, *, quiet: bool) -> Iterator[Sale]:
    """Pass the orders on, writing the progress to the standard error stream."""
    started = time.perf_counter()
    for number, sale in enumerate(sales, 1):
        plain.add(sale)
        yield sale
        if number % 1_000 == 0 and not quiet:
            speed = number / (time.perf_counter() - started)
            print(f"{number:,} orders, {speed:,.0f} a second", file=sys.stderr)


def main(arguments: Sequence[str], inventory: MemoryInventory | None = None) -> int:
    """Run the program; return its exit status. ``inventory`` replaces the ledger."""
    parser = argparse.ArgumentParser(description="Live through a year at a pizzeria.")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--quiet", action="store_true", help="do not tell the progress")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--month", default="", help="only the orders of a month, such as 2015-11")
    only.add_argument("--day", default="", help="only the orders of a day, such as 2015-11-27")
    chosen = parser.parse_args(arguments)
    try:
        menu, sales = read_sample(chosen.files, chosen.month or chosen.day)
    except SampleError as error:
        print(error, file=sys.stderr)
        return 2
    place, plain = Pizzeria(menu, inventory), Plain()
    place.live(told(sales, plain, quiet=chosen.quiet))
    lines, right = report(place, plain)
    print("\n".join(lines))
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
