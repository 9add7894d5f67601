"""The life of an order with orderwright, in memory or on other repositories."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, final

from bench.story import CURRENCY, LOCATIONS, PRICES, STOCK, Basket, Figures, baskets, watched
from orderwright import (
    Charge,
    DraftLine,
    InventoryLedger,
    Location,
    Money,
    OrderDesk,
    Posting,
    Tender,
    UnitPrice,
)
from orderwright.adapters.memory import MemoryInventory, MemoryOrders, MemoryPayments

if TYPE_CHECKING:
    from orderwright.ports import InventoryRepository, OrderRepository

__all__ = ["OurShop"]

_PRICES = {sku: UnitPrice(Decimal(minor).scaleb(-2), CURRENCY) for sku, minor in PRICES.items()}


@final
class OurShop:
    """A desk on ``orders`` and ``inventory``, both in memory if left out.

    ``counts``: count the calls of its ports.
    """

    def __init__(
        self,
        counts: Counter[str] | None = None,
        *,
        orders: OrderRepository | None = None,
        inventory: InventoryRepository | None = None,
    ) -> None:
        self.orders = MemoryOrders() if orders is None else orders
        self.inventory = MemoryInventory() if inventory is None else inventory
        self.payments = MemoryPayments()
        for sku in PRICES:
            for where in LOCATIONS:
                opened = baskets(1)[0].placed_at
                self.inventory.post(Posting.receive(f"{sku}/{where}", sku, where, STOCK, at=opened))
        self.desk = OrderDesk(
            orders=watched(self.orders, counts),
            inventory=watched(self.inventory, counts),
            payments=watched(self.payments, counts),
            locations=[Location(id=where, cost=cost) for where, cost in LOCATIONS.items()],
        )

    def live(self, basket: Basket) -> None:
        """See :meth:`.Shop.live`."""
        desk, order_id = self.desk, basket.order_id
        order = desk.place(
            [
                DraftLine(sku=sku, quantity=units, unit_price=_PRICES[sku])
                for sku, units in basket.units
            ],
            order_id=order_id,
            charges=[Charge(kind="shipping", amount=Money(basket.shipping, CURRENCY))],
            tenders=[Tender(method="card", instrument=basket.instrument)],
            customer_id=basket.customer_id,
            at=basket.placed_at,
        )
        for one in order.fulfillments:
            desk.ship(
                order_id,
                one.id,
                carrier="post",
                tracking=basket.tracking,
                at=basket.shipped_at,
                key=f"ship-{one.id}",
            )
            desk.deliver(order_id, one.id, at=basket.delivered_at, key=f"deliver-{one.id}")

    def figures(self) -> Figures:
        """See :meth:`.Shop.figures`."""
        entries = self.orders.feed(limit=10**9)
        ids = dict.fromkeys(entry.order_id for entry in entries)
        orders = [order for order in map(self.orders.load, ids) if order is not None]
        book = InventoryLedger()
        for posting in self.inventory.postings(limit=10**9):
            book.post(posting)
        now = baskets(1)[0].placed_at
        supplies = [set(one.supply(PRICES, now=now)) for one in (book, self.inventory)]
        if book.audit() or supplies[0] != supplies[1]:
            raise AssertionError("the balances are not the sum of the postings", book.audit())
        balances: Counter[tuple[str, ...]] = Counter()
        for account, units in book.balances().items():
            balances[account[:4]] += units
        return Figures(
            orders=len(orders),
            states=Counter(
                (order.state.name, *(one.state.name for one in order.fulfillments))
                for order in orders
            ),
            total=sum(order.total.minor for order in orders),
            captured=sum(order.captured.minor for order in orders),
            events=Counter(type(entry.event).__name__ for entry in entries),
            feed=len(entries),
            unfinished=sum(order.due_at is not None for order in orders),
            balances={account: units for account, units in balances.items() if units},
            postings=sum(1 for _ in book.postings()),
            books=Counter(
                (one.operation_id, one.kind, one.amount.minor) for one in self.payments.books
            ),
        )
