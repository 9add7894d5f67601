"""A day at an online shop: seven orders, two warehouses, one provider that is not always well.

Run it; it needs nothing but orderwright, and prints each order's timeline and a closing report.

The shop sells tableware. Most orders go well; one is split over both warehouses, one pays with a
gift card and a card, one card is declined first, one provider's answer is lost on the way, one
customer changes her mind, and one asks for more than there is.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from orderwright import (
    Charge,
    DraftLine,
    Location,
    Money,
    Order,
    OrderDesk,
    OutOfStock,
    PaymentRequest,
    Posting,
    Tender,
    UnitPrice,
)
from orderwright.adapters.memory import Behaviour, MemoryInventory, MemoryOrders, MemoryPayments
from orderwright.tracking.timeline import render, timeline

MORNING = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

PRICES = {"MUG": "12.50", "PLATE": "18.00", "BOWL": "15.90", "TEAPOT": "64.00"}
STOCK = {
    "HAMBURG": {"MUG": 40, "PLATE": 24, "TEAPOT": 2},
    "MUNICH": {"MUG": 15, "BOWL": 30, "PLATE": 6},
}
ORDERS = {
    "T-1001": ({"MUG": 4}, [Tender(method="card", instrument="card of Ada")]),
    "T-1002": ({"TEAPOT": 1, "BOWL": 2}, [Tender(method="card", instrument="card of Ben")]),
    "T-1003": (
        {"PLATE": 6, "MUG": 6},
        [
            Tender(method="gift_card", amount=Money.of("50.00", "EUR"), instrument="gift 77"),
            Tender(method="card", instrument="card of Cleo"),
        ],
    ),
    "T-1004": ({"PLATE": 2}, [Tender(method="card", instrument="empty card of Dan")]),
    "T-1005": ({"MUG": 2, "PLATE": 2}, [Tender(method="card", instrument="flaky line of Eve")]),
    "T-1006": ({"BOWL": 4}, [Tender(method="card", instrument="card of Finn")]),
    "T-1007": ({"TEAPOT": 5}, [Tender(method="card", instrument="card of Gus")]),
}


def provider(request: PaymentRequest) -> Behaviour:
    """Decide as the payment provider would: here, by what is written on the card."""
    if request.instrument.startswith("empty"):
        return "decline"
    if request.instrument.startswith("flaky") and request.kind == "authorize":
        return "answer_lost"
    return "approve"


class Shop:
    """The desk, the three books behind it, and the clock on the wall."""

    def __init__(self) -> None:
        self.now = MORNING
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


def stock_up(shop: Shop) -> None:
    """Suppliers deliver. Every unit on hand has a posting that says where it came from."""
    for place, shelf in STOCK.items():
        for sku, units in shelf.items():
            delivery = Posting.receive(f"delivery-{place}-{sku}", sku, place, units, at=shop.now)
            shop.inventory.post(delivery)


def take_orders(shop: Shop) -> list[str]:
    """Orders come in. Placing one plans it, reserves its stock and authorizes its tenders."""
    placed: list[str] = []
    for order_id, (basket, tenders) in ORDERS.items():
        shop.later(minutes=7)
        lines = [
            DraftLine(sku=sku, quantity=units, unit_price=UnitPrice.of(PRICES[sku], "EUR"))
            for sku, units in basket.items()
        ]
        shipping = Charge(kind="shipping", amount=Money.of("4.90", "EUR"))
        try:
            shop.desk.place(lines, order_id=order_id, charges=[shipping], tenders=tenders)
        except OutOfStock as refusal:
            print(f"Refused at checkout: {refusal}\n")
        else:
            placed.append(order_id)
    return placed


def sort_out(shop: Shop) -> None:
    """What did not go smoothly is put right."""
    shop.later(minutes=5)
    # Dan's card was declined, so his order waits with its stock kept. He tries another one.
    shop.desk.pay("T-1004", [Tender(method="card", instrument="other card of Dan")])
    # Eve's authorization got no answer. Resuming looks it up before doing anything twice.
    shop.desk.resume()
    # Finn changes his mind before anything has left.
    shop.desk.cancel("T-1006", reason="ordered by mistake", by="Finn")


def pick_pack_ship(shop: Shop, placed: Iterable[str]) -> None:
    """The warehouses work. Each dispatch takes its share, the first one the shipping, too."""
    for order_id in placed:
        for parcel in shop.desk.order(order_id).fulfillments:
            if parcel.live:
                for action in ("release", "pick", "pack"):
                    shop.later(minutes=4)
                    shop.desk.advance(order_id, parcel.id, action, by=parcel.location)
                shop.later(minutes=30)
                tracking = f"JD{order_id[-4:]}{parcel.id[1:]}"
                shop.desk.ship(order_id, parcel.id, carrier="DHL", tracking=tracking)


def deliver(shop: Shop, placed: Iterable[str]) -> None:
    """Two days later the parcels arrive. The carrier reports twice; that changes nothing."""
    shop.later(days=2)
    for order_id in placed:
        for parcel in shop.desk.order(order_id).fulfillments:
            if parcel.gone:
                shop.desk.deliver(order_id, parcel.id)
                shop.desk.deliver(order_id, parcel.id)


def main() -> None:
    """Live through the day, and look back on it."""
    shop = Shop()
    stock_up(shop)
    placed = take_orders(shop)
    sort_out(shop)
    pick_pack_ship(shop, placed)
    deliver(shop, placed)
    orders = [shop.desk.order(order_id) for order_id in placed]
    for order in orders:
        print_order(order, render(timeline(shop.desk.history(order.id))))
    print_report(shop, orders)


def print_order(order: Order, story: str) -> None:
    """Print where an order stands, and how it came there."""
    print(f"{order.id}  {order.due}: {order.state}, {order.money}, {order.goods}")
    print("\n".join(f"    {line}" for line in story.splitlines()), end="\n\n")


def print_report(shop: Shop, orders: Sequence[Order]) -> None:
    """Print the day's figures from three books that do not know of each other."""
    nothing = Money.zero("EUR")
    taken = sum((order.captured for order in orders), nothing)
    back = sum((order.refunded for order in orders), nothing)
    books: Counter[str] = Counter()
    for entry in shop.payments.books:
        books[entry.kind] += entry.amount.minor
    print("Closing report")
    print(f"  orders            {', '.join(_counted(order.state.name for order in orders))}")
    print(f"  taken             {taken}, by the provider's books {Money(books['capture'], 'EUR')}")
    print(f"  paid back         {back}, by the provider's books {Money(books['refund'], 'EUR')}")
    for place, shelf in STOCK.items():
        left = [shop.inventory.ledger.stock(sku, place, now=shop.now) for sku in shelf]
        shown = ", ".join(f"{one.sku} {one.on_hand}" for one in left)
        print(f"  {place:<18}{shown}")
    faults = [one.problem for one in shop.inventory.ledger.audit()]
    print(f"  stock audit       {'; '.join(faults) or 'every unit accounted for'}")


def _counted(names: Iterable[str]) -> Iterable[str]:
    return (f"{count} {name}" for name, count in Counter(names).items())


if __name__ == "__main__":
    main()
