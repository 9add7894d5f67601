"""The life of an order with the eventsourcing library, its infrastructure in memory.

The order is its `Aggregate`: as many saves, and as many events in each, as ours makes. Stock and
provider are the plain ones of the other baseline, so the library is charged with the order only.
Amounts are whole minor units and times due are seconds, which its transcoder takes as they are.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar, cast, final
from uuid import NAMESPACE_OID, UUID, uuid5

from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.domain import Aggregate

from bench.baselines.dicts import ORDER_STEPS, SHIPMENT_STEPS, plan
from bench.baselines.stores import Entry, Provider, Request, Stock
from bench.story import (
    LOCATIONS,
    PATIENCE,
    PRICES,
    STOCK,
    Basket,
    Figures,
    watched,
)

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["EventsourcedShop"]

Data = dict[str, Any]

_CACHE = {"AGGREGATE_CACHE_MAXSIZE": "1000", "AGGREGATE_CACHE_FASTFORWARD": "n"}


@final
class Order(Aggregate):
    """The order; its events carry results, and applying one only assigns."""

    def __init__(self, said: list[Any], lines: list[Data], shipping: int, total: int) -> None:
        self.said = said
        self.state = "placed"
        self.lines = lines
        self.shipping = shipping
        self.total = total
        self.instrument = said[3]
        self.reference = ""
        self.operations: dict[str, Data] = {}
        self.fulfillments: dict[str, Data] = {}
        self.intents: dict[str, Data] = {}

    @staticmethod
    def create_id(said: list[Any]) -> UUID:
        """Derive the library's id from ours."""
        return uuid5(NAMESPACE_OID, said[0])

    class OrderPlaced(Aggregate.Created):
        """The order exists."""

        said: list[Any]
        lines: list[Data]
        shipping: int
        total: int

    class FulfillmentsPlanned(Aggregate.Event):
        """It was decided who serves what."""

        parts: list[tuple[str, list[tuple[str, str, int]]]]

        def apply(self, aggregate: Order) -> None:
            """See the base class."""
            for number, (where, items) in enumerate(self.parts, 1):
                aggregate.fulfillments[f"f{number}"] = {
                    "location": where,
                    "items": items,
                    "state": "planned",
                    "tracking": "",
                }

    class Intended(Aggregate.Event):
        """A call is about to be made: of money if it has a kind, else of stock."""

        intent: str
        kind: str
        call: list[Any]
        due_at: float

        def apply(self, aggregate: Order) -> None:
            """See the base class."""
            aggregate.intents[self.intent] = {"call": self.call, "due_at": self.due_at}
            if self.kind:
                aggregate.operations[self.intent] = {
                    "kind": self.kind,
                    "amount": self.call[2],
                    "state": "requested",
                }

    class StockPosted(Aggregate.Event):
        """The ledger wrote the posting."""

        intent: str
        state: str

        def apply(self, aggregate: Order) -> None:
            """See the base class."""
            del aggregate.intents[self.intent]
            if self.state:
                for one in aggregate.fulfillments.values():
                    one["state"] = self.state

    class PaymentReported(Aggregate.Event):
        """The provider answered."""

        intent: str
        state: str
        reference: str

        def apply(self, aggregate: Order) -> None:
            """See the base class."""
            del aggregate.intents[self.intent]
            aggregate.operations[self.intent]["state"] = self.state
            aggregate.reference = self.reference

    class OrderAdvanced(Aggregate.Event):
        """The order took a step."""

        action: str
        state: str

        def apply(self, aggregate: Order) -> None:
            """See the base class."""
            aggregate.state = self.state

    class FulfillmentAdvanced(Aggregate.Event):
        """A fulfillment took a step."""

        key: str
        fulfillment: str
        state: str
        carrier: str
        tracking: str

        def apply(self, aggregate: Order) -> None:
            """See the base class."""
            one = aggregate.fulfillments[self.fulfillment]
            one["state"] = self.state
            one["tracking"] = self.tracking or one["tracking"]

    def sum(self, kind: str) -> int:
        """Return what succeeded of that kind of payment operation."""
        return sum(
            one["amount"]
            for one in self.operations.values()
            if one["kind"] == kind and one["state"] == "succeeded"
        )

    def dispatched(self) -> int:
        """Return what is due for what has left: its share of each line, and the shipping."""
        gone: dict[str, int] = {}
        for one in self.fulfillments.values():
            if one["state"] in ("shipped", "delivered"):
                for line_id, _, units in one["items"]:
                    gone[line_id] = gone.get(line_id, 0) + units
        due = self.shipping if gone else 0
        for line in self.lines:
            units = gone.get(line["id"], 0)
            due += (2 * line["amount"] * units + line["ordered"]) // (2 * line["ordered"])
        return int(due)

    def intend(self, call_id: str, kind: str, call: list[Any], at: datetime) -> None:
        """Note that a call is about to be made."""
        self.trigger_event(
            self.Intended,
            intent=call_id,
            kind=kind,
            call=call,
            due_at=(at + PATIENCE).timestamp(),
            timestamp=at,
        )

    def intend_payment(self, kind: str, amount: int, at: datetime) -> Request:
        """Note that money is about to be moved."""
        number = 1 + sum(one["kind"] == kind for one in self.operations.values())
        request = Request(
            f"{self.said[0]}/p1/{kind}-{number}", kind, amount, self.instrument, self.reference
        )
        self.intend(request.id, kind, list(request), at)
        return request

    def advance(self, action: str, at: datetime) -> None:
        """Take a step of the order."""
        state = ORDER_STEPS[self.state, action]
        self.trigger_event(self.OrderAdvanced, action=action, state=state, timestamp=at)


@final
class Orders(Application[UUID]):
    """Keeps orders in the library's infrastructure in memory."""

    env: ClassVar[dict[str, str]] = {"PERSISTENCE_MODULE": "eventsourcing.popo"}

    def load(self, order_id: UUID) -> Order | None:
        """Return the order as last saved, for the caller to change."""
        try:
            return cast("Order", self.repository.get(order_id))
        except AggregateNotFoundError:
            return None


@final
class EventsourcedShop:
    """The contender. ``counts``: count the calls of its stores.

    ``cached``: read what was just saved from the library's cache of aggregates, as one process
    that alone writes may; left out, the library replays at each load, as it does by default.
    """

    def __init__(self, counts: Counter[str] | None = None, *, cached: bool = False) -> None:
        self.app = Orders(_CACHE if cached else None)
        self._orders = watched(self.app, counts)
        self.keys: dict[tuple[str, str], int] = {}
        self.due: dict[str, float] = {}
        self.references: dict[tuple[str, str], set[str]] = {}
        self._ledger = Stock()
        self._money = Provider()
        for sku in PRICES:
            for where in LOCATIONS:
                self._ledger.post(
                    f"{sku}/{where}",
                    (
                        (sku, where, "supplier", "", -STOCK),
                        (sku, where, "available", "", STOCK),
                    ),
                )
        self._stock = watched(self._ledger, counts)
        self._provider = watched(self._money, counts)

    def live(self, basket: Basket) -> None:
        """See :meth:`.Shop.live`."""
        order = self._place(basket)
        for name in order.fulfillments:
            self._ship(basket, name, f"ship-{name}")
            self._deliver(basket, name, f"deliver-{name}")

    def _save(self, order: Order, order_id: str, key: str = "") -> None:
        if key:
            self.keys[order_id, key] = order.version
        self._orders.save(order)
        if order.intents:
            self.due[order_id] = min(one["due_at"] for one in order.intents.values())
        else:
            self.due.pop(order_id, None)

    def _load(self, basket: Basket) -> Order:
        order = self._orders.load(Order.create_id([basket.order_id]))
        if order is None:
            raise KeyError(basket.order_id)
        return order

    def _place(self, basket: Basket) -> Order:
        order_id, at = basket.order_id, basket.placed_at
        if not order_id or not basket.units or basket.shipping < 0 or at.tzinfo is None:
            raise ValueError(basket)
        lines = []
        for number, (sku, units) in enumerate(basket.units, 1):
            if not sku or type(units) is not int or units < 1:
                raise ValueError(f"line {number}: {sku!r}, {units!r} units")
            amount = units * PRICES[sku]
            lines.append({"id": f"l{number}", "sku": sku, "ordered": units, "amount": amount})
        said = [order_id, basket.customer_id, basket.shipping, basket.instrument]
        known = self._orders.load(Order.create_id(said))
        if known is not None:
            if known.said != said or known.lines != lines:
                raise ValueError(f"{order_id} was placed with other content")
            return known
        total = basket.shipping + sum(int(str(line["amount"])) for line in lines)
        order = Order(said=said, lines=lines, shipping=basket.shipping, total=total)
        skus = list(dict.fromkeys(sku for sku, _ in basket.units))
        parts = plan(lines, self._stock.supply(skus), LOCATIONS)
        order.trigger_event(order.FulfillmentsPlanned, parts=parts, timestamp=at)
        entries: list[Entry] = []
        for number, (where, items) in enumerate(parts, 1):
            for line_id, sku, units in items:
                held = f"{order_id}/f{number}/{line_id}"
                entries.append((sku, where, "available", "", -units))
                entries.append((sku, where, "reserved", held, units))
        call_id = f"{order_id}/reserve-1"
        order.intend(call_id, "", [list(entry) for entry in entries], at)
        self._save(order, order_id, order_id)
        self._post(order, call_id, tuple(entries), "reserved", at)
        request = order.intend_payment("authorize", order.total, at)
        self._save(order, order_id)
        self._pay(order, order_id, request, at)
        if order.sum("authorize") >= order.total:
            order.advance("confirm", at)
        self._save(order, order_id)
        return order

    def _post(
        self, order: Order, call_id: str, entries: tuple[Entry, ...], state: str, at: datetime
    ) -> None:
        self._stock.post(call_id, entries)
        order.trigger_event(order.StockPosted, intent=call_id, state=state, timestamp=at)

    def _pay(self, order: Order, order_id: str, request: Request, at: datetime) -> None:
        call = self._provider.authorize if request.kind == "authorize" else self._provider.capture
        outcome, reference = call(request)
        order.trigger_event(
            order.PaymentReported,
            intent=request.id,
            state=outcome,
            reference=reference,
            timestamp=at,
        )
        self.references.setdefault(("payment", reference), set()).add(order_id)

    def _ship(self, basket: Basket, name: str, key: str) -> None:
        order_id, at = basket.order_id, basket.shipped_at
        order = self._load(basket)
        if (order_id, key) in self.keys:
            return
        one = order.fulfillments[name]
        order.trigger_event(
            order.FulfillmentAdvanced,
            key=key,
            fulfillment=name,
            state=SHIPMENT_STEPS[one["state"], "ship"],
            carrier="post",
            tracking=basket.tracking,
            timestamp=at,
        )
        self.references.setdefault(("tracking", basket.tracking), set()).add(order_id)
        entries: list[Entry] = []
        for line_id, sku, units in one["items"]:
            held = f"{order_id}/{name}/{line_id}"
            entries.append((sku, one["location"], "reserved", held, -units))
            entries.append((sku, one["location"], "customer", "", units))
        call_id = f"{order_id}/commit-{order.version + 1}"
        order.intend(call_id, "", [list(entry) for entry in entries], at)
        self._save(order, order_id, key)
        self._post(order, call_id, tuple(entries), "", at)
        taken = order.sum("capture")
        owed = min(order.dispatched(), order.sum("authorize")) - taken
        if owed <= 0:
            self._save(order, order_id)
            return
        request = order.intend_payment("capture", owed, at)
        self._save(order, order_id)
        self._pay(order, order_id, request, at)
        self._save(order, order_id)

    def _deliver(self, basket: Basket, name: str, key: str) -> None:
        order_id, at = basket.order_id, basket.delivered_at
        order = self._load(basket)
        if (order_id, key) in self.keys:
            return
        order.trigger_event(
            order.FulfillmentAdvanced,
            key=key,
            fulfillment=name,
            state=SHIPMENT_STEPS[order.fulfillments[name]["state"], "deliver"],
            carrier="",
            tracking="",
            timestamp=at,
        )
        if (
            order.state == "confirmed"
            and not order.intents
            and all(one["state"] == "delivered" for one in order.fulfillments.values())
            and order.sum("capture") == order.total
        ):
            order.advance("complete", at)
        self._save(order, order_id, key)

    def figures(self) -> Figures:
        """See :meth:`.Shop.figures`."""
        log = self.app.recorder.select_notifications(start=1, limit=10**9)
        ids = dict.fromkeys(cast("UUID", one.originator_id) for one in log)
        orders = [order for order in map(self.app.load, ids) if order is not None]
        return Figures(
            orders=len(orders),
            states=Counter(
                (order.state, *(one["state"] for one in order.fulfillments.values()))
                for order in orders
            ),
            total=sum(order.total for order in orders),
            captured=sum(order.sum("capture") for order in orders),
            events=Counter(one.topic.rpartition(".")[2] for one in log),
            feed=len(log),
            unfinished=len(self.due),
            balances=self._ledger.balances(),
            postings=len(self._ledger.postings),
            books=Counter(self._money.books),
        )
