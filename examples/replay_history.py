"""Replay the real history of a marketplace through an order desk, and reconcile the books.

    python examples/replay_history.py FILE... [--prefix 0] [--quiet]

The files are the orders, items and payments of the Olist dataset, plain or gzip, in any order.
Each order is driven to the state it really reached, at the times it really had: placed with all
its tenders, every seller a location of its own; captured when it was approved; handed over,
delivered or cancelled as the source says. What the data says wrongly is kept as it is, reported by
line and reason, and counted.

At the end the reconciliation is printed. It is read from three books only, which do not know of
each other: the order repository, the stock ledger and the payment provider's own books. The exit
status is 0 if they agree with each other, 1 if anything does not add up, 2 for files that cannot
be read. How the source's status maps to our three axes is told in docs/replay.md.
"""

import argparse
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from olist import HistoricOrder, History, HistoryError, open_history

from orderwright import (
    Charge,
    DraftLine,
    InvalidInput,
    Location,
    Money,
    Order,
    OrderDesk,
    Policy,
    Posting,
    Reference,
    Tender,
    UnitPrice,
)
from orderwright.adapters.memory import MemoryInventory, MemoryOrders, MemoryPayments
from orderwright.ports import OrderQuery

CURRENCY = "BRL"
NOTHING = Money.zero(CURRENCY)
RESTOCK = 5
"""A seller who has too little orders this many units, or what is asked for if that is more."""
POLICY = Policy(capture="by_hand", require_cover=False, unpaid_ttl=None)
"""History is not ours to refuse: an order counts as confirmed whatever was paid."""


@dataclass
class World:
    """The three books, and the desk that writes them."""

    locations: Iterable[str]
    orders: MemoryOrders = field(default_factory=MemoryOrders)
    inventory: MemoryInventory = field(default_factory=MemoryInventory)
    payments: MemoryPayments = field(default_factory=MemoryPayments)

    def __post_init__(self) -> None:
        """Open the desk."""
        self.desk = OrderDesk(
            orders=self.orders,
            inventory=self.inventory,
            payments=self.payments,
            locations=(Location(id=one, offers=[one]) for one in self.locations),
            policy=POLICY,
        )
        self.receipts = 0
        self.refused: Counter[str] = Counter()
        self.refused_paid = Decimal(0)


def replay(world: World, history: Iterable[HistoricOrder]) -> None:
    """Drive every order of ``history`` to the state it really reached."""
    for past in history:
        restock(world, past)
        try:
            place(world.desk, past)
        except InvalidInput:
            world.refused[past.status] += 1
            world.refused_paid += past.paid
        else:
            carry_on(world.desk, past)


def restock(world: World, past: HistoricOrder) -> None:
    """Let the sellers receive what they are about to sell, in lots."""
    ledger = world.inventory.ledger
    for line in past.lines:
        there = ledger.stock(line.sku, line.seller, now=past.purchased_at).available
        if there < line.quantity:
            world.receipts += 1
            world.inventory.post(
                Posting.receive(
                    f"receipt-{world.receipts}",
                    line.sku,
                    line.seller,
                    max(RESTOCK, line.quantity),
                    at=past.purchased_at,
                )
            )


def place(desk: OrderDesk, past: HistoricOrder) -> Order:
    """Place the order as the customer did: lines, freight per seller, all tenders."""
    freight: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in past.lines:
        freight[line.seller] += line.freight * line.quantity
    return desk.place(
        [
            DraftLine(
                sku=line.sku,
                quantity=line.quantity,
                unit_price=UnitPrice.of(line.price, CURRENCY),
                requires=[line.seller],
            )
            for line in past.lines
        ],
        order_id=past.order_id,
        charges=[
            Charge(kind="freight", amount=Money.of(amount, CURRENCY)) for amount in freight.values()
        ],
        tenders=[
            Tender(method=payment.method, amount=Money.of(payment.amount, CURRENCY))
            for payment in past.payments
        ],
        channel="marketplace",
        customer_id=past.customer_id,
        references=[status_reference(past.status)],
        at=past.purchased_at,
    )


def status_reference(status: str) -> Reference:
    """Return the source's status as a reference, so that the repository can tell it."""
    return Reference("source_status", status)


def carry_on(desk: OrderDesk, past: HistoricOrder) -> None:
    """Do to the placed order what happened to it."""
    order_id = past.order_id
    known = (past.purchased_at, past.approved_at, past.handed_over_at, past.delivered_at)
    latest = max(at for at in known if at is not None)
    order = desk.order(order_id)
    if order.authorized:
        order = desk.capture(order_id, at=past.approved_at or past.purchased_at)
    for part in order.fulfillments:
        move(desk, past, part.id, latest)
    if past.status == "unavailable":
        reason = "the seller cannot supply it"
        desk.hold(order_id, "unavailable", blocks=["fulfil"], reason=reason, at=latest)
    elif past.status == "canceled":
        desk.report_cancellation(order_id, reason="cancelled at the marketplace", at=latest)


def move(desk: OrderDesk, past: HistoricOrder, fulfillment_id: str, latest: datetime) -> None:
    """Take one seller's part as far as the source says it went."""
    order_id = past.order_id
    if past.status in {"invoiced", "processing"}:
        desk.advance(order_id, fulfillment_id, "release", at=latest)
    if past.status == "processing":
        desk.advance(order_id, fulfillment_id, "pick", at=latest)
    if past.handed_over_at is not None:
        desk.ship(order_id, fulfillment_id, at=past.handed_over_at)
    if past.delivered_at is not None or past.status == "delivered":
        desk.deliver(order_id, fulfillment_id, at=past.delivered_at or latest)


# The reconciliation ------------------------------------------------------------------------


@dataclass
class Reconciliation:
    """What the three books say, and where they disagree."""

    placed: int = 0
    axes: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    fulfillments: int = 0
    split_orders: int = 0
    exceptions: Counter[str] = field(default_factory=Counter)
    several_tenders: int = 0
    total: Money = NOTHING
    credited: Money = NOTHING
    captured: Money = NOTHING
    refunded: Money = NOTHING
    payout: Money = NOTHING
    paid: Counter[str] = field(default_factory=Counter)
    paid_off_by: dict[str, Money] = field(default_factory=lambda: defaultdict(lambda: NOTHING))
    units_fulfilled: int = 0
    units_reserved: int = 0
    received: int = 0
    handed_over: int = 0
    on_hand: int = 0
    reserved: int = 0
    skus: int = 0
    postings: int = 0
    book_entries: int = 0
    faults: list[str] = field(default_factory=list)


def every_order(orders: MemoryOrders) -> Iterator[Order]:
    """Page through the repository."""
    after = ""
    while page := orders.find(OrderQuery(), after=after, limit=5_000):
        after = page[-1]
        for order_id in page:
            order = orders.load(order_id)
            if order is not None:
                yield order


def reconcile(world: World) -> Reconciliation:
    """Read the three books and note every disagreement."""
    found = Reconciliation()
    books = provider_sums(world.payments)
    for order in every_order(world.orders):
        count_order(found, order)
        check_money(found, order, books)
        if Order.replay(world.orders.events(order.id)) != order:
            found.faults.append(f"{order.id}: replaying its events does not give the order")
    for reference in books:
        found.faults.append(f"{reference}: in the provider's books, but on no order")
    check_stock(found, world.inventory)
    found.book_entries = len(world.payments.books)
    return found


def provider_sums(payments: MemoryPayments) -> dict[str, Counter[str]]:
    """Sum the provider's books by payment and kind of movement."""
    sums: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for entry in payments.books:
        sums[entry.reference][entry.kind] += entry.amount.minor
    return dict(sums)


def count_order(found: Reconciliation, order: Order) -> None:
    """Add an order to the figures."""
    status = next(one.value for one in order.references if one.kind == "source_status")
    found.placed += 1
    found.axes[status, order.state.name, order.money, order.goods] += 1
    found.fulfillments += len(order.fulfillments)
    found.split_orders += len(order.fulfillments) > 1
    found.exceptions.update(one.code for one in order.exceptions)
    found.several_tenders += len(order.payments) > 1
    found.total += order.total
    found.credited += order.total - order.due
    found.captured += order.captured
    found.refunded += order.refunded
    found.payout += order.payout
    off = order.captured - order.total
    word = "not at all" if not order.captured else "under" if off.minor < 0 else "over"
    word = word if off else "exactly"
    found.paid[word] += 1
    found.paid_off_by[word] += off
    for units in order.quantities().values():
        found.units_fulfilled += units.fulfilled
        found.units_reserved += units.reserved + units.in_fulfilment


def check_money(found: Reconciliation, order: Order, books: dict[str, Counter[str]]) -> None:
    """Compare every payment of the order with what the provider booked for it."""
    for payment in order.payments:
        booked = books.pop(payment.reference, Counter())
        ours = {
            "authorize": payment.authorized,
            "capture": payment.captured,
            "void": payment.voided,
            "refund": payment.refunded,
        }
        for kind, amount in ours.items():
            if amount.minor != booked[kind]:
                theirs = Money(booked[kind], order.currency)
                what = f"{order.id}/{payment.id}: {kind}"
                found.faults.append(f"{what} {amount} on the order, {theirs} at the provider")
    if order.intents:
        found.faults.append(f"{order.id}: {len(order.intents)} call(s) unfinished")


def check_stock(found: Reconciliation, inventory: MemoryInventory) -> None:
    """Recompute the ledger from its postings and compare it with itself and with the orders."""
    moved: Counter[str] = Counter()
    places: set[tuple[str, str]] = set()
    last = None
    for posting in inventory.ledger.postings():
        found.postings += 1
        last = posting if last is None or posting.at > last.at else last
        for entry in posting.entries:
            moved[entry.bucket] += entry.quantity
            places.add((entry.sku, entry.location))
    found.faults += (one.problem for one in inventory.ledger.audit())
    if last is not None:
        for sku, location in places:
            stock = inventory.ledger.stock(sku, location, now=last.at)
            found.on_hand += stock.on_hand
            found.reserved += stock.reserved
    found.skus = len({sku for sku, _ in places})
    found.received = -moved["supplier"]
    found.handed_over = moved["customer"]
    if found.on_hand != found.received - found.handed_over:
        found.faults.append("on hand is not received less handed over")
    if found.handed_over != found.units_fulfilled:
        found.faults.append(
            f"the ledger handed over {found.handed_over}, orders {found.units_fulfilled}"
        )
    if found.reserved != found.units_reserved:
        found.faults.append(f"the ledger holds {found.reserved}, orders {found.units_reserved}")


# Printing ----------------------------------------------------------------------------------


def report(found: Reconciliation, world: World, history: History) -> Iterator[str]:
    """Return the reconciliation as lines of text."""
    counts = history.counts
    refused = sum(world.refused.values())
    yield "What the data says wrongly (kept as it is)"
    for reason, count in sorted(counts.faults.items()):
        yield f"  {reason:<32}{count:>12,}"
    yield ""
    yield "Read"
    yield f"  {'orders':<32}{counts.orders:>12,}"
    yield f"  {'items':<32}{counts.items:>12,}"
    yield f"  {'payments':<32}{counts.payments:>12,}"
    yield f"  {'refused, they have no lines':<32}{refused:>12,}"
    for status, count in world.refused.most_common():
        yield f"    {status:<30}{count:>12,}"
    yield f"    {'payments they hold':<30}{world.refused_paid:>16,.2f}"
    yield ""
    yield "Orders (from the repository)"
    yield f"  {'placed':<32}{found.placed:>12,}"
    yield f"  {'fulfillments planned':<32}{found.fulfillments:>12,}"
    yield f"  {'orders with several':<32}{found.split_orders:>12,}"
    yield f"  {'orders with several tenders':<32}{found.several_tenders:>12,}"
    for code, count in sorted(found.exceptions.items()):
        yield f"  {'! ' + code:<32}{count:>12,}"
    yield ""
    yield f"  {'source status':<14}{'order':<12}{'money':<12}{'goods':<16}{'orders':>10}"
    for (status, state, money, goods), count in sorted(found.axes.items()):
        yield f"  {status:<14}{state:<12}{money:<12}{goods:<16}{count:>10,}"
    yield ""
    yield f"Money ({CURRENCY})"
    for name, amount in (
        ("due when placed", found.total),
        ("paid (captured)", found.captured),
        ("credited by cancellations", found.credited),
        ("refunded", found.refunded),
        ("payout still due", found.payout),
    ):
        yield f"  {name:<32}{amount.amount:>16,.2f}"
    for word in ("exactly", "over", "under", "not at all"):
        off = found.paid_off_by[word].amount
        yield f"  {'paid ' + word:<32}{found.paid[word]:>12,}{off:>+16,.2f}"
    yield f"  {'entries in the provider' + chr(39) + 's books':<32}{found.book_entries:>12,}"
    yield ""
    yield "Stock (from the ledger)"
    for name, number in (
        ("SKUs", found.skus),
        ("postings", found.postings),
        ("received", found.received),
        ("handed over", found.handed_over),
        ("on hand", found.on_hand),
        ("of which reserved", found.reserved),
    ):
        yield f"  {name:<32}{number:>12,}"
    yield ""
    if counts.orders != found.placed + refused:
        found.faults.append("orders read are not orders placed and refused")
    if not found.faults:
        yield "Everything adds up."
    else:
        yield f"{len(found.faults)} thing(s) do not add up:"
        yield from (f"  {fault}" for fault in found.faults[:20])


def told(history: History, *, quiet: bool) -> Iterator[HistoricOrder]:
    """Pass the orders on, writing each fault and the progress to the standard error stream."""
    started = time.perf_counter()
    for number, past in enumerate(history, 1):
        yield past
        if not quiet:
            for fault in past.faults:
                print(fault, file=sys.stderr)
        if number % 5_000 == 0:
            speed = number / (time.perf_counter() - started)
            print(f"{number:,} orders, {speed:,.0f} a second", file=sys.stderr)


def main(arguments: Sequence[str], payments: MemoryPayments | None = None) -> int:
    """Run the program; return its exit status. ``payments`` replaces the provider."""
    parser = argparse.ArgumentParser(description="Replay the history of a marketplace.")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--prefix", default="", help="only orders whose id begins with this")
    parser.add_argument("--quiet", action="store_true", help="do not list every fault of the data")
    chosen = parser.parse_args(arguments)
    try:
        history = open_history(chosen.files, prefix=chosen.prefix)
        # A first pass checks the files as a whole and learns which sellers there are.
        sellers = {line.seller: None for past in history for line in past.lines}
        world = World(sellers)
        if payments is not None:
            world = World(sellers, payments=payments)
        replay(world, told(history, quiet=chosen.quiet))
    except HistoryError as error:
        print(error, file=sys.stderr)
        return 2
    found = reconcile(world)
    for line in report(found, world, history):
        print(line)
    return 1 if found.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
