"""Wishes about a burrito: real orders with choices inside choices, cooked as the ticket says.

    python examples/chipotle.py chipotle_orders.csv.gz [--order 926]

The file has 1,834 real orders of a counter where everything is put together before the guest's
eyes. What was chosen stands in brackets, and lists stand in lists:

    [Tomatillo-Red Chili Salsa (Hot), [Black Beans, Rice, Cheese, Sour Cream]]

A choice becomes a modifier of the line, a list inside becomes one that says "with" and has the
list's choices as modifiers of its own. Every choice is told to use up one portion, so the stock
ledger counts them as the kitchen does. The price in the file is that of the line, not of a unit;
equal lines inside an order are real. The file has no times: an order comes every minute.

Every order is placed, fired, served and paid, and read back from its stored form. At the end the
sums are reconciled: the exit status is 0 if they agree, 1 if anything does not add up, 2 for a file
that cannot be read. ``--order`` prints the ticket of one.
"""

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final, NamedTuple

from sample_files import SampleError, read_tables

from orderwright import (
    DraftLine,
    Location,
    Money,
    Order,
    OrderDesk,
    Posting,
    Tender,
    UnitPrice,
)
from orderwright.adapters.memory import MemoryInventory, MemoryOrders, MemoryPayments
from orderwright.codec import Codec
from orderwright.inventory.guard import GUARDED, StockPolicy
from orderwright.orders.modifiers import Modifier, told
from orderwright.tracking.board import KitchenBoard, ticket_text

HEADERS: Final = {
    "orders": ("order_id", "quantity", "item_name", "choice_description", "line_price")
}
CURRENCY: Final = "USD"
COUNTER: Final = "COUNTER"
LARDER: Final = "LARDER"
OPENING: Final = datetime(2012, 1, 2, 8, tzinfo=UTC)
ON_OFFER: Final = 1_000_000
DEEPEST: Final = 5
TOKEN: Final = re.compile(r"\[|\]|,|[^\[\],]+")


class Item(NamedTuple):
    """A line of the file: what was ordered, and how the file tells its price and its choices."""

    line: DraftLine
    price: Decimal
    choices: str


def read_orders(path: Path) -> dict[str, list[Item]]:
    """Return the lines of each order; raise SampleError."""
    orders: dict[str, list[Item]] = {}
    for row in read_tables([path], HEADERS)["orders"]:
        name, units, price = row.name("item_name"), row.whole("quantity"), row.price("line_price")
        choices = row.text("choice_description")
        try:
            line = DraftLine(
                sku=name,
                quantity=units,
                unit_price=UnitPrice.of(price, CURRENCY, per=units),
                modifiers=parse(choices),
                preparation=timedelta(minutes=2),
            )
        except ValueError as error:  # what the library refuses is one as well
            raise row.wrong("choice_description", f"choices in brackets ({error})") from None
        orders.setdefault(row.name("order_id"), []).append(Item(line, price, choices))
    return orders


def parse(choices: str) -> tuple[Modifier, ...]:
    """Return the choices of a line as modifiers; raise ValueError for brackets that do not pair."""
    if not choices:
        return ()
    tokens = [one.strip() for one in TOKEN.findall(choices) if one.strip()]
    if tokens[:1] != ["["]:
        raise ValueError("no bracket opens")
    found, rest = _listed(tokens[1:])
    if rest:
        raise ValueError(f"{rest[0]!r} comes after the end")
    return found


def _listed(tokens: list[str], depth: int = 1) -> tuple[tuple[Modifier, ...], list[str]]:
    """Return the modifiers up to the bracket that closes, and what comes after it."""
    if depth > DEEPEST:
        raise ValueError(f"lists in lists more than {DEEPEST} deep")
    found: list[Modifier] = []
    while tokens:
        word, *tokens = tokens
        if word == "[":
            inside, tokens = _listed(tokens, depth + 1)
            found.append(Modifier("with", modifiers=inside))
        elif word == "]" and found:
            return tuple(found), tokens
        elif word == "]":
            raise ValueError("nothing is in the brackets")
        elif word != ",":
            found.append(Modifier(word, uses=((word, 1),)))
    raise ValueError("a bracket does not close")


@dataclass
class Plain:
    """What the books have to come to, by plain sums over the text of the file."""

    totals: Counter[str] = field(default_factory=Counter)
    """Of each order, in cents."""
    dishes: Counter[str] = field(default_factory=Counter)
    choices: Counter[str] = field(default_factory=Counter)
    lines: int = 0
    chosen: int = 0
    nested: int = 0
    alike: int = 0
    """Lines that are equal to one before in their order."""

    def add(self, order_id: str, items: Sequence[Item]) -> None:
        """Add an order."""
        for item in items:
            units = item.line.quantity
            self.totals[order_id] += int(item.price * 100)
            self.dishes[item.line.sku] += units
            self.lines += 1
            self.chosen += bool(item.choices)
            self.nested += item.choices.count("[") > 1
            flat = item.choices.replace("[", "").replace("]", "")
            for choice in flat.split(", ") if flat else ():
                self.choices[choice] += units
        self.alike += len(items) - len({(item.line, item.price) for item in items})


def in_words(choices: str) -> str:
    """What a ticket says of the choices, made of their text alone."""
    return choices[1:-1].replace("[", "with (").replace("]", ")")


# At the counter ----------------------------------------------------------------------------


def stock_policy(_sku: str, location: str) -> StockPolicy:
    """The larder is only told what is taken out of it."""
    return StockPolicy("warned") if location == LARDER else GUARDED


class Bar:
    """The desk, the three books behind it, and the board that the cooks look at."""

    def __init__(self) -> None:
        self.now = OPENING
        self.inventory = MemoryInventory(stock_policy)
        self.payments = MemoryPayments()
        self.board = KitchenBoard()
        self.desk = OrderDesk(
            orders=MemoryOrders(),
            inventory=self.inventory,
            payments=self.payments,
            locations=[Location(id=COUNTER, makes="ticket", larder=LARDER)],
            clock=lambda: self.now,
        )

    def offer(self, dishes: Iterable[str]) -> None:
        """Every dish can be had, as often as anybody could eat it."""
        made = [(one, ON_OFFER) for one in dishes]
        self.desk.post_stock(Posting.make("offer", COUNTER, made=made, at=self.now))

    def serve(self, order_id: str, lines: Sequence[DraftLine]) -> str:
        """Take an order, put it together, hand it over and be paid; return its ticket."""
        self.now += timedelta(minutes=1)
        self.desk.place(
            lines,
            order_id=order_id,
            channel="counter",
            service="takeaway",
            tenders=[Tender(method="card")],
        )
        order = self.desk.fire(order_id, course=0)
        self.board.show(order)
        [ticket] = self.board.tickets(self.now)
        for action in ("prepare", "ready", "serve"):
            order = self.desk.advance(order_id, ticket.fulfillment_id, action)
        self.board.show(order)
        return ticket_text(ticket)


# The reconciliation ------------------------------------------------------------------------


@dataclass
class Books:
    """What the books say, and where they disagree with the plain sums."""

    states: Counter[str] = field(default_factory=Counter)
    due: int = 0
    wishes: int = 0
    read_back: int = 0
    used: Counter[str] = field(default_factory=Counter)
    handed_over: Counter[str] = field(default_factory=Counter)
    captured: int = 0
    faults: list[str] = field(default_factory=list)

    def compare(self, what: str, ours: Counter[str], theirs: Counter[str]) -> None:
        """Note each name of which the books say ``ours`` and the plain sums ``theirs``."""
        for name in sorted({*ours, *theirs}):
            if ours[name] != theirs[name]:
                self.faults.append(f"{name}: {ours[name]} {what}, {theirs[name]} by the file")


def reconcile(bar: Bar, sample: dict[str, list[Item]], plain: Plain) -> Books:
    """Read the books, and note every disagreement."""
    books = Books()
    codec = Codec()
    totals: Counter[str] = Counter()
    for order_id, items in sample.items():
        order, history = bar.desk.order(order_id), bar.desk.history(order_id)
        books.states[f"{order.state}, {order.money}, {order.goods}"] += 1
        totals[order_id] = order.total.minor
        check_lines(books, order, items)
        # As a store of yours would keep them: as text.
        stored = json.dumps([codec.encode_order(order), *map(codec.encode_event, history)])
        document, *documents = json.loads(stored)
        if codec.decode_order(document) != order:
            books.faults.append(f"{order_id}: is another order when it is read back")
        elif Order.replay([codec.decode_event(one) for one in documents]) != order:
            books.faults.append(f"{order_id}: replaying its events does not give the order")
        else:
            books.read_back += 1
    books.due = totals.total()
    books.compare("cents due", totals, plain.totals)
    for posting in bar.inventory.ledger.postings():
        for entry in posting.entries:
            if entry.bucket == "customer":
                books.handed_over[entry.sku] += entry.quantity
            elif entry.location == LARDER and entry.bucket == "production":
                books.used[entry.sku] += entry.quantity
    books.compare("portions used", books.used, plain.choices)
    books.compare("handed over", books.handed_over, plain.dishes)
    books.faults += [one.problem for one in bar.inventory.ledger.audit()]
    books.captured = sum(one.amount.minor for one in bar.payments.books if one.kind == "capture")
    if books.captured != books.due:
        books.faults.append(f"{books.captured} cents by card, {books.due} due")
    return books


def check_lines(books: Books, order: Order, items: Sequence[Item]) -> None:
    """Compare the lines of an order with what the file says, price by price and word by word."""
    if (order.state.name, order.money) != ("completed", "paid"):
        books.faults.append(f"{order.id}: is {order.state} and {order.money}")
    for line, item in zip(order.lines, items, strict=True):
        books.wishes += _count(line.modifiers) * line.ordered
        if line.total.amount != item.price:
            books.faults.append(f"{order.id} {line.id}: {line.total}, {item.price} by the file")
        if told(line.modifiers) != in_words(item.choices):
            books.faults.append(f"{order.id} {line.id}: {told(line.modifiers)!r}: {item.choices}")


def _count(modifiers: Iterable[Modifier]) -> int:
    """The choices among modifiers, at any depth."""
    return sum(bool(one.uses) + _count(one.modifiers) for one in modifiers)


def report(plain: Plain, books: Books) -> Iterator[str]:
    """Return the reconciliation as lines of text."""
    dearest, most = plain.totals.most_common(1)[0]
    yield "Read"
    for name, number in (
        ("orders", len(plain.totals)),
        ("lines", plain.lines),
        ("equal to one before", plain.alike),
        ("with choices", plain.chosen),
        ("with lists inside", plain.nested),
        ("choices, times units", plain.choices.total()),
    ):
        yield f"  {name:<32}{number:>12,}"
    yield f"  {'in all, ' + CURRENCY:<32}{_money(plain.totals.total()):>12,.2f}"
    yield f"  {'the dearest':<32}{_money(most):>12,.2f}  order {dearest}"
    yield ""
    yield "Orders"
    for state, number in sorted(books.states.items()):
        yield f"  {state:<32}{number:>12,}"
    yield f"  {'read back, and replayed':<32}{books.read_back:>12,}"
    yield f"  {'due, ' + CURRENCY:<32}{_money(books.due):>12,.2f}"
    yield f"  {'by card':<32}{_money(books.captured):>12,.2f}"
    yield f"  {'choices on the orders':<32}{books.wishes:>12,}"
    yield f"  {'portions used, by the ledger':<32}{books.used.total():>12,}"
    for name, number in books.used.most_common(5):
        yield f"    {name:<30}{number:>12,}"
    yield f"  {'dishes handed over':<32}{books.handed_over.total():>12,}"
    yield ""
    if not books.faults:
        yield "Everything adds up."
    else:
        yield f"{len(books.faults)} thing(s) do not add up:"
        yield from (f"  {fault}" for fault in books.faults[:20])


def _money(minor: int) -> Decimal:
    return Money(minor, CURRENCY).amount


def main(arguments: Sequence[str], bar: Bar | None = None) -> int:
    """Run the program; return its exit status. ``bar`` is a bar that has books already."""
    parser = argparse.ArgumentParser(description="Cook burritos as the ticket says.")
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--order", default="", help="print the ticket of this order")
    chosen = parser.parse_args(arguments)
    try:
        sample = read_orders(chosen.file)
    except SampleError as error:
        print(error, file=sys.stderr)
        return 2
    if chosen.order not in {"", *sample}:
        parser.error(f"there is no order {chosen.order} in {chosen.file.name}")
    bar, plain = bar or Bar(), Plain()
    bar.offer(sorted({item.line.sku for items in sample.values() for item in items}))
    for order_id, items in sample.items():
        plain.add(order_id, items)
        ticket = bar.serve(order_id, [item.line for item in items])
        if order_id == chosen.order:
            print(ticket, end="\n\n")
    books = reconcile(bar, sample, plain)
    print("\n".join(report(plain, books)))
    return 1 if books.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
