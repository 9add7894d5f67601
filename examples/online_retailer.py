"""A week at an online shop: nine orders from three channels, two warehouses, and what goes wrong.

Run it; it needs nothing but orderwright, and prints each order's timeline and a closing report.
Given a folder (`online_retailer.py papers`), it also writes there the pick lists of each walk, and
a packing slip and a label for every parcel.

The shop sells tableware. One order is split over both warehouses, one waits for the potter, a
picker finds plates broken, a card is declined, a provider's answer is lost on the way, one customer
changes his mind, another sends something back, and one asks for more than there is.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from orderwright import (
    Charge,
    DraftLine,
    Location,
    Money,
    Order,
    OrderDesk,
    OutOfStock,
    PaymentRequest,
    Policy,
    Posting,
    Tender,
    UnitPrice,
)
from orderwright.adapters.memory import Behaviour, MemoryInventory, MemoryOrders, MemoryPayments
from orderwright.fulfillment.fulfillment import Fulfillment
from orderwright.fulfillment.labels import Address, ShippingLabel, sscc
from orderwright.fulfillment.packing import Article, Carton, pack, packing_slip
from orderwright.fulfillment.picking import Bin, PickTask, pick_list, pick_text
from orderwright.lifecycles import Phase
from orderwright.tracking.timeline import render, timeline

MORNING = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

NAMES = {"MUG": "Mug, blue", "PLATE": "Dinner plate", "BOWL": "Soup bowl", "TEAPOT": "Teapot"}
PRICES = {"MUG": "12.50", "PLATE": "18.00", "BOWL": "15.90", "TEAPOT": "64.00"}
SIZES = {
    "MUG": Article("MUG", 120, 90, 100, 380),
    "PLATE": Article("PLATE", 270, 270, 30, 720),
    "BOWL": Article("BOWL", 160, 160, 70, 450),
    "TEAPOT": Article("TEAPOT", 250, 160, 180, 1_150),
}
CARTONS = [Carton("S", 300, 300, 200, 8_000, 180), Carton("M", 400, 300, 300, 15_000, 320)]
SHELVES = {
    "MUG": Bin("A-04", 1, 4),
    "BOWL": Bin("A-11", 1, 11),
    "TEAPOT": Bin("B-02", 2, 2),
    "PLATE": Bin("B-09", 2, 9),
}
WAREHOUSES = {
    "HAMBURG": Address(
        name="Tableware", lines=["Speicherstadt 3"], postcode="20457", city="Hamburg", country="DE"
    ),
    "MUNICH": Address(
        name="Tableware", lines=["Isarweg 8"], postcode="80331", city="Munich", country="DE"
    ),
}
STOCK = {
    "HAMBURG": {"MUG": 40, "PLATE": 24, "TEAPOT": 2},
    "MUNICH": {"MUG": 15, "BOWL": 30, "PLATE": 6},
}


def card(of: str) -> Tender:
    """A tender by card."""
    return Tender(method="card", instrument=f"card of {of}")


GIFT = Tender(method="gift_card", amount=Money.of("50.00", "EUR"), instrument="gift 77")
ORDERS: dict[str, tuple[str, str, dict[str, int], list[Tender]]] = {
    "T-1001": ("web", "Ada", {"MUG": 4}, [card("Ada")]),
    "T-1002": ("web", "Ben", {"TEAPOT": 1, "BOWL": 2}, [card("Ben")]),
    "T-1003": ("web", "Cleo", {"PLATE": 6, "MUG": 6}, [GIFT, card("Cleo")]),
    "T-1004": ("phone", "Dan", {"PLATE": 2}, [card("Dan, empty")]),
    "T-1005": ("web", "Eve", {"MUG": 2, "PLATE": 2}, [card("Eve, flaky line")]),
    "T-1006": ("phone", "Finn", {"BOWL": 4}, [card("Finn")]),
    "T-1007": ("web", "Gus", {"TEAPOT": 5}, [card("Gus")]),
    "M-88301": ("marketplace", "Hana", {"BOWL": 32}, [card("the marketplace")]),
    "M-88302": ("marketplace", "Ivo", {"MUG": 1, "BOWL": 1}, [card("the marketplace")]),
}
WAITS = Policy(short="backorder")
"""The marketplace's customers wait for what is not there; all others are told at once."""


def provider(request: PaymentRequest) -> Behaviour:
    """Decide as the payment provider would: here, by what is written on the card."""
    if request.instrument.endswith("empty"):
        return "decline"
    if request.instrument.endswith("flaky line") and request.kind == "authorize":
        return "answer_lost"
    return "approve"


class Shop:
    """The desk, the three books behind it, the clock on the wall, and where papers are laid."""

    def __init__(self, papers: Path | None) -> None:
        self.now = MORNING
        self.papers = papers
        self.parcels = 0
        self.inventory = MemoryInventory()
        self.payments = MemoryPayments(provider)
        self.desk = OrderDesk(
            orders=MemoryOrders(),
            inventory=self.inventory,
            payments=self.payments,
            locations=[Location(id="HAMBURG"), Location(id="MUNICH", priority=1)],
            clock=lambda: self.now,
        )

    def later(self, **by: int) -> None:
        """Let time pass."""
        self.now += timedelta(**by)

    def write(self, name: str, words: str) -> None:
        """Lay a paper down, if anybody wants it. The library itself writes no files."""
        if self.papers is not None:
            (self.papers / name).write_text(words + "\n", "utf-8")

    def open_parcels(self) -> list[tuple[str, Fulfillment]]:
        """What waits to be picked: parcels of confirmed orders whose stock is reserved."""
        return [
            (order_id, parcel)
            for order_id in ORDERS
            if order_id != "T-1007"
            for order in [self.desk.order(order_id)]
            for parcel in order.fulfillments
            if parcel.state.phase is Phase.WAITING and order.state.phase is Phase.WORKING
        ]


def stock_up(shop: Shop) -> None:
    """Suppliers deliver. Every unit on hand has a posting that says where it came from."""
    for place, shelf in STOCK.items():
        for sku, units in shelf.items():
            name = f"delivery-{place}-{sku}"
            shop.desk.post_stock(Posting.receive(name, sku, place, units, at=shop.now))


def take_orders(shop: Shop) -> list[str]:
    """Orders come in. Placing one plans it, reserves its stock and authorizes its tenders."""
    placed: list[str] = []
    for order_id, (channel, customer, basket, tenders) in ORDERS.items():
        shop.later(minutes=7)
        try:
            shop.desk.place(
                [
                    DraftLine(
                        sku=sku,
                        name=NAMES[sku],
                        quantity=units,
                        unit_price=UnitPrice.of(PRICES[sku], "EUR"),
                    )
                    for sku, units in basket.items()
                ],
                order_id=order_id,
                channel=channel,
                customer_id=customer,
                charges=[Charge(kind="shipping", amount=Money.of("4.90", "EUR"))],
                tenders=tenders,
                policy=WAITS if channel == "marketplace" else None,
            )
        except OutOfStock as refusal:
            print(f"Refused at checkout: {refusal}\n")
        else:
            placed.append(order_id)
    return placed


def sort_out(shop: Shop) -> None:
    """What did not go smoothly is put right."""
    shop.later(minutes=5)
    # Dan's card was declined, so his order waits with its stock kept. He tries another one.
    shop.desk.pay("T-1004", [card("Dan")])
    # Eve's authorization got no answer. Resuming looks it up before doing anything twice.
    shop.desk.resume()
    # Finn changes his mind before anything has left. His bowls go to who waits for bowls.
    shop.desk.cancel("T-1006", reason="ordered by mistake", by="Finn")
    shop.desk.fill(["BOWL"])
    # Hana's bowls came to be reserved in two goes. They go in one parcel all the same.
    shop.desk.merge("M-88301", ["f1", "f2"])


def pick(shop: Shop, *, round_name: str, empty: tuple[str, str, int] | None = None) -> None:
    """One walk a warehouse for all its parcels. What a picker does not find comes from elsewhere.

    ``empty`` is the order, the SKU and how many units of it are not on the shelf after all.
    """
    parcels = shop.open_parcels()
    for order_id, parcel in parcels:
        shop.desk.advance(order_id, parcel.id, "release", by=parcel.location)
    for place in WAREHOUSES:
        tasks = [
            task
            for order_id, parcel in parcels
            if parcel.location == place
            for task in PickTask.of(order_id, parcel)
        ]
        if tasks:
            walk = pick_list(tasks, SHELVES)
            shop.write(f"pick-{round_name}-{place}.txt", pick_text(walk))
    for order_id, parcel in parcels:
        shop.later(minutes=4)
        shop.desk.advance(order_id, parcel.id, "pick", by=parcel.location)
        if empty and empty[0] == order_id:
            lacking = {item.line_id: empty[2] for item in parcel.items if item.sku == empty[1]}
            if lacking:
                shop.desk.short_pick(
                    order_id, parcel.id, lacking, reason="broken on the shelf", by=parcel.location
                )


def ship(shop: Shop) -> None:
    """Each parcel is packed, gets its papers, and goes. Each takes its share of the money."""
    for order_id, (_, customer, _, _) in ORDERS.items():
        if order_id == "T-1007":
            continue
        for parcel in shop.desk.order(order_id).fulfillments:
            if parcel.state.phase is Phase.WORKING:
                shop.later(minutes=9)
                shop.desk.advance(order_id, parcel.id, "pack", by=parcel.location)
                tracking = lay_papers(shop, order_id, customer, parcel)
                shop.desk.ship(order_id, parcel.id, carrier="DHL", tracking=tracking)


def lay_papers(shop: Shop, order_id: str, customer: str, parcel: Fulfillment) -> str:
    """Write the packing slip and the label of a parcel; return its tracking number."""
    shop.parcels += 1
    tracking = f"JD{shop.parcels:010}"
    order = shop.desk.order(order_id)
    recipient = Address(
        name=customer, lines=["High Street 1"], postcode="1010", city="Vienna", country="AT"
    )
    cartons = pack([(SIZES[item.sku], item.quantity) for item in parcel.items], CARTONS)
    waiting = {line.sku: line.backordered for line in order.lines if line.backordered}
    slip = packing_slip(order_id, parcel.id, recipient, cartons, names=NAMES, waiting=waiting)
    label = ShippingLabel(
        sender=WAREHOUSES[parcel.location],
        recipient=recipient,
        service="STANDARD",
        weight=sum(one.weight for one in cartons),
        tracking=tracking,
        sscc=sscc("4012345", shop.parcels),
        reference=f"{order_id} {parcel.id}",
    )
    shop.write(f"slip-{order_id}-{parcel.id}.txt", slip)
    shop.write(f"label-{order_id}-{parcel.id}.zpl", label.zpl())
    return tracking


def deliver(shop: Shop, placed: Iterable[str]) -> None:
    """Two days later the parcels arrive. The carrier reports twice; that changes nothing."""
    shop.later(days=2)
    for order_id in placed:
        for parcel in shop.desk.order(order_id).fulfillments:
            if parcel.gone:
                shop.desk.deliver(order_id, parcel.id)
                shop.desk.deliver(order_id, parcel.id)


def take_back(shop: Shop) -> None:
    """Ada sends one mug back. It is as new, goes on the shelf, and she gets her money."""
    shop.later(days=1)
    asked = shop.desk.request_return("T-1001", {"l1": 1}, reason="one too many", by="Ada")
    return_id = asked.returns[0].id
    shop.desk.advance_return("T-1001", return_id, "approve")
    shop.later(days=3)
    shop.desk.receive_return("T-1001", {"l1": 1}, location="HAMBURG", return_id=return_id)
    shop.desk.inspect_return("T-1001", return_id, restock={"l1": 1}, by="HAMBURG")


def main(papers: Path | None = None) -> None:
    """Live through the week, and look back on it."""
    shop = Shop(papers)
    stock_up(shop)
    placed = take_orders(shop)
    sort_out(shop)
    pick(shop, round_name="1", empty=("T-1003", "PLATE", 2))
    ship(shop)
    # The potter brings bowls, and those who wait have them at once. A second walk takes the rest.
    shop.later(hours=2)
    shop.desk.post_stock(Posting.receive("potter-1", "BOWL", "HAMBURG", 12, at=shop.now))
    pick(shop, round_name="2")
    ship(shop)
    deliver(shop, placed)
    take_back(shop)
    orders = [shop.desk.order(order_id) for order_id in placed]
    for order in orders:
        print_order(order, render(timeline(shop.desk.history(order.id))))
    print_report(shop, orders)


def print_order(order: Order, story: str) -> None:
    """Print where an order stands, and how it came there."""
    print(f"{order.id}  {order.due}: {order.state}, {order.money}, {order.goods}")
    print("\n".join(f"    {line}" for line in story.splitlines()), end="\n\n")


def print_report(shop: Shop, orders: Sequence[Order]) -> None:
    """Print the week's figures from three books that do not know of each other."""
    nothing = Money.zero("EUR")
    taken = sum((order.captured for order in orders), nothing)
    back = sum((order.refunded for order in orders), nothing)
    books: Counter[str] = Counter()
    for entry in shop.payments.books:
        books[entry.kind] += entry.amount.minor
    lost = sum(
        entry.quantity
        for posting in shop.inventory.ledger.postings()
        for entry in posting.entries
        if entry.bucket == "loss"
    )
    print("Closing report")
    print(f"  orders            {', '.join(_counted(order.state.name for order in orders))}")
    print(f"  channels          {', '.join(_counted(order.channel for order in orders))}")
    print(f"  parcels           {shop.parcels}")
    print(f"  taken             {taken}, by the provider's books {Money(books['capture'], 'EUR')}")
    print(f"  paid back         {back}, by the provider's books {Money(books['refund'], 'EUR')}")
    print(f"  kept              {taken - back}")
    for place in WAREHOUSES:
        left = [shop.inventory.ledger.stock(sku, place, now=shop.now) for sku in NAMES]
        shown = ", ".join(f"{one.sku} {one.on_hand}" for one in left if one.on_hand)
        print(f"  {place:<18}{shown or 'empty'}")
    print(f"  broken            {lost}")
    faults = [one.problem for one in shop.inventory.ledger.audit()]
    print(f"  stock audit       {'; '.join(faults) or 'every unit accounted for'}")


def _counted(names: Iterable[str]) -> Iterable[str]:
    return (f"{count} {name}" for name, count in Counter(names).items())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
