"""The life of an order by hand, on plain dicts: the code one writes without a library.

It keeps the promises ours keeps: every intent is saved before its call and every outcome after
it; saves check the version and copy what they keep; events go to a log per order and to one feed;
callers' keys, references and due times are found by index; each effect has a derived id and
happens once; stock is double entry; amounts are whole minor units.
"""

from __future__ import annotations

from collections import Counter
from threading import Lock
from typing import TYPE_CHECKING, Any, final

from bench.baselines.stores import Entry, Provider, Request, Stock
from bench.story import (
    CURRENCY,
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

__all__ = [
    "ConflictError",
    "DictDesk",
    "DictOrders",
    "DictShop",
    "RefusedError",
    "dispatched",
    "plan",
]

Data = dict[str, Any]
"""An order, a part of one, or an event."""

ORDER_STEPS = {
    ("draft", "place"): "placed",
    ("placed", "confirm"): "confirmed",
    ("confirmed", "complete"): "completed",
}
SHIPMENT_STEPS = {
    ("planned", "reserve"): "reserved",
    ("planned", "ship"): "shipped",
    ("reserved", "ship"): "shipped",
    ("shipped", "deliver"): "delivered",
}


class RefusedError(Exception):
    """The order does not allow this."""


class ConflictError(Exception):
    """Somebody else saved in between."""


def _step(table: dict[tuple[str, str], str], state: str, action: str) -> str:
    try:
        return table[state, action]
    except KeyError:
        raise RefusedError(f"{action} is not allowed when {state}") from None


def _copied(order: Data) -> Data:
    """Return a copy that shares nothing which is ever changed in place (lines never are)."""
    copy = order.copy()
    copy["fulfillments"] = [one.copy() for one in order["fulfillments"]]
    payment = copy["payment"] = order["payment"].copy()
    payment["operations"] = [one.copy() for one in payment["operations"]]
    copy["intents"] = order["intents"].copy()
    copy["references"] = order["references"].copy()
    return copy


@final
class DictOrders:
    """Keeps orders, their events and what finds them."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._orders: dict[str, Data] = {}
        self.histories: dict[str, list[Data]] = {}
        self.feed: list[tuple[str, int]] = []
        self._keys: dict[tuple[str, str], int] = {}
        self.due: dict[str, datetime] = {}
        self.references: dict[tuple[str, str], set[str]] = {}

    def load(self, order_id: str) -> Data | None:
        """Return the order as last saved, for the caller to change."""
        found = self._orders.get(order_id)
        return None if found is None else _copied(found)

    def load_with_key(self, order_id: str, key: str) -> tuple[Data | None, Data | None]:
        """Return the order, and the event that was saved under the caller's key."""
        number = self._keys.get((order_id, key))
        event = None if number is None else self.histories[order_id][number - 1]
        return self.load(order_id), event

    def save(self, order: Data, events: list[Data]) -> None:
        """Store the order with the events since its version, and raise the version."""
        order_id, expected = order["id"], order["version"]
        with self._lock:
            known = self._orders.get(order_id)
            version = 0 if known is None else known["version"]
            if version != expected:
                raise ConflictError(order_id, expected, version)
            history = self.histories.setdefault(order_id, [])
            for number, event in enumerate(events, version + 1):
                history.append(event)
                self.feed.append((order_id, number))
                if event["key"]:
                    self._keys[order_id, event["key"]] = number
            order["version"] = version + len(events)
            self._orders[order_id] = _copied(order)
            if order["intents"]:
                self.due[order_id] = min(one["due_at"] for one in order["intents"].values())
            else:
                self.due.pop(order_id, None)
            for reference in order["references"]:
                self.references.setdefault(reference, set()).add(order_id)


def plan(
    lines: list[Data], supply: dict[tuple[str, str], int], costs: dict[str, int]
) -> list[tuple[str, list[tuple[str, str, int]]]]:
    """Return which location serves which units: the cheapest that has it all, else several.

    Raises RefusedError if there is not enough anywhere.
    """
    order = sorted(costs, key=costs.__getitem__)
    for where in order:
        needed: dict[str, int] = {}
        for line in lines:
            needed[line["sku"]] = needed.get(line["sku"], 0) + line["ordered"]
        if all(supply.get((sku, where), 0) >= units for sku, units in needed.items()):
            return [(where, [(line["id"], line["sku"], line["ordered"]) for line in lines])]
    left = dict(supply)
    parts: dict[str, list[tuple[str, str, int]]] = {}
    for line in lines:
        wanted = line["ordered"]
        for where in order:
            units = min(wanted, left.get((line["sku"], where), 0))
            if units > 0:
                left[line["sku"], where] -= units
                wanted -= units
                parts.setdefault(where, []).append((line["id"], line["sku"], units))
        if wanted:
            raise RefusedError(f"{wanted} of {line['sku']} are short")
    return list(parts.items())


def _event(kind: str, at: datetime, key: str = "", **facts: object) -> Data:
    return {"kind": kind, "at": at, "key": key, **facts}


@final
class DictDesk:
    """Places, ships and delivers."""

    def __init__(self, orders: DictOrders, stock: Stock, provider: Provider) -> None:
        self._orders = orders
        self._stock = stock
        self._provider = provider

    def place(
        self,
        order_id: str,
        *,
        customer_id: str,
        units: tuple[tuple[str, int, int], ...],
        shipping: int,
        instrument: str,
        at: datetime,
    ) -> Data:
        """Place the order: plan it, reserve its stock, authorize its payment."""
        if not order_id or not units or shipping < 0 or at.tzinfo is None:
            raise ValueError("an order needs an id, lines, charges of at least 0, an aware time")
        lines: list[Data] = []
        for number, (sku, quantity, price) in enumerate(units, 1):
            if not sku or type(quantity) is not int or quantity < 1 or price < 0:
                raise ValueError(f"line {number}: {sku!r}, {quantity!r} units at {price!r}")
            lines.append(
                {
                    "id": f"l{number}",
                    "sku": sku,
                    "ordered": quantity,
                    "price": price,
                    "amount": quantity * price,
                    "cancelled": 0,
                }
            )
        total = shipping + sum(line["amount"] for line in lines)
        said = (customer_id, units, shipping, instrument)
        known, before = self._orders.load_with_key(order_id, order_id)
        if known is not None:
            if before is None or before["said"] != said:
                raise ValueError(f"{order_id} was placed with other content")
            return known
        order: Data = {
            "id": order_id,
            "version": 0,
            "state": _step(ORDER_STEPS, "draft", "place"),
            "currency": CURRENCY,
            "customer_id": customer_id,
            "channel": "web",
            "placed_at": at,
            "lines": lines,
            "charges": [{"id": "c1", "kind": "shipping", "amount": shipping}],
            "total": total,
            "payment": {
                "id": "p1",
                "method": "card",
                "instrument": instrument,
                "amount": total,
                "reference": "",
                "operations": [],
            },
            "fulfillments": [],
            "intents": {},
            "references": [],
        }
        events = [_event("OrderPlaced", at, order_id, said=said, total=total)]
        events += self._allocated(order, at)
        self._orders.save(order, events)
        return self._reserved(order, at)

    def _allocated(self, order: Data, at: datetime) -> list[Data]:
        """Plan the order and intend to reserve what the plan says."""
        skus = list(dict.fromkeys(line["sku"] for line in order["lines"]))
        parts = plan(order["lines"], self._stock.supply(skus), LOCATIONS)
        entries: list[Entry] = []
        for number, (where, items) in enumerate(parts, 1):
            order["fulfillments"].append(
                {
                    "id": f"f{number}",
                    "location": where,
                    "items": tuple(items),
                    "state": "planned",
                    "carrier": "",
                    "tracking": "",
                }
            )
            for line_id, sku, units in items:
                held = f"{order['id']}/f{number}/{line_id}"
                entries.append((sku, where, "available", "", -units))
                entries.append((sku, where, "reserved", held, units))
        return [
            _event("FulfillmentsPlanned", at, parts=tuple(parts)),
            self._intend(order, f"{order['id']}/reserve-1", tuple(entries), at),
        ]

    def _intend(self, order: Data, call_id: str, call: object, at: datetime) -> Data:
        """Note on the order that a call is about to be made."""
        order["intents"][call_id] = {"call": call, "since": at, "due_at": at + PATIENCE}
        return _event("Intended", at, intent=call_id, call=call)

    def _intend_payment(self, order: Data, kind: str, amount: int, at: datetime) -> Data:
        payment = order["payment"]
        number = 1 + sum(one["kind"] == kind for one in payment["operations"])
        request = Request(
            id=f"{order['id']}/{payment['id']}/{kind}-{number}",
            kind=kind,
            amount=amount,
            instrument=payment["instrument"],
            reference=payment["reference"],
        )
        payment["operations"].append(
            {"id": request.id, "kind": kind, "amount": amount, "state": "requested"}
        )
        return self._intend(order, request.id, request, at)

    def _reserved(self, order: Data, at: datetime) -> Data:
        """Make the reservation, then ask for the money, then confirm."""
        call_id, intent = next(iter(order["intents"].items()))
        self._stock.post(call_id, intent["call"])
        del order["intents"][call_id]
        for one in order["fulfillments"]:
            one["state"] = _step(SHIPMENT_STEPS, one["state"], "reserve")
        amount = order["payment"]["amount"]
        self._orders.save(
            order,
            [
                _event("StockPosted", at, intent=call_id),
                self._intend_payment(order, "authorize", amount, at),
            ],
        )
        events = self._paid(order, at)
        if _sum(order, "authorize") >= order["total"]:
            order["state"] = _step(ORDER_STEPS, order["state"], "confirm")
            events.append(_event("OrderAdvanced", at, action="confirm", state=order["state"]))
        self._orders.save(order, events)
        return order

    def _paid(self, order: Data, at: datetime) -> list[Data]:
        """Make the payment call that is intended, and note its outcome."""
        call_id, intent = next(iter(order["intents"].items()))
        request = intent["call"]
        call = self._provider.authorize if request.kind == "authorize" else self._provider.capture
        outcome, reference = call(request)
        del order["intents"][call_id]
        payment = order["payment"]
        for one in payment["operations"]:
            if one["id"] == call_id:
                one["state"] = outcome
        if not payment["reference"]:
            payment["reference"] = reference
            order["references"].append(("payment", reference))
        return [
            _event("PaymentReported", at, operation=call_id, state=outcome, amount=request.amount)
        ]

    def ship(
        self,
        order_id: str,
        fulfillment_id: str,
        *,
        carrier: str,
        tracking: str,
        key: str,
        at: datetime,
    ) -> Data:
        """Report the hand-over: the units leave the ledger, and their share is captured."""
        said = (fulfillment_id, "ship", carrier, tracking)
        order, fulfillment = self._reported(order_id, fulfillment_id, key, said, at)
        if fulfillment is None:
            return order
        fulfillment["state"] = _step(SHIPMENT_STEPS, fulfillment["state"], "ship")
        fulfillment["carrier"] = carrier
        fulfillment["tracking"] = tracking
        if tracking:
            order["references"].append(("tracking", tracking))
        entries: list[Entry] = []
        where = fulfillment["location"]
        for line_id, sku, units in fulfillment["items"]:
            held = f"{order_id}/{fulfillment_id}/{line_id}"
            entries.append((sku, where, "reserved", held, -units))
            entries.append((sku, where, "customer", "", units))
        call_id = f"{order_id}/commit-{order['version'] + 2}"
        advanced = _event("FulfillmentAdvanced", at, key, said=said, state=fulfillment["state"])
        self._orders.save(order, [advanced, self._intend(order, call_id, tuple(entries), at)])
        self._stock.post(call_id, tuple(entries))
        del order["intents"][call_id]
        events = [_event("StockPosted", at, intent=call_id)]
        owed = dispatched(order) - _sum(order, "capture")
        owed = min(owed, _sum(order, "authorize") - _sum(order, "capture"))
        if owed <= 0:
            self._orders.save(order, events)
            return order
        events.append(self._intend_payment(order, "capture", owed, at))
        self._orders.save(order, events)
        self._orders.save(order, self._paid(order, at))
        return order

    def deliver(self, order_id: str, fulfillment_id: str, key: str, at: datetime) -> Data:
        """Report the arrival; the order is complete when all has arrived and is paid."""
        said = (fulfillment_id, "deliver", "", "")
        order, fulfillment = self._reported(order_id, fulfillment_id, key, said, at)
        if fulfillment is None:
            return order
        fulfillment["state"] = _step(SHIPMENT_STEPS, fulfillment["state"], "deliver")
        events = [_event("FulfillmentAdvanced", at, key, said=said, state=fulfillment["state"])]
        if (
            order["state"] == "confirmed"
            and not order["intents"]
            and all(one["state"] == "delivered" for one in order["fulfillments"])
            and _sum(order, "capture") == order["total"]
        ):
            order["state"] = _step(ORDER_STEPS, order["state"], "complete")
            events.append(_event("OrderAdvanced", at, action="complete", state=order["state"]))
        self._orders.save(order, events)
        return order

    def _reported(
        self, order_id: str, fulfillment_id: str, key: str, said: tuple[str, ...], at: datetime
    ) -> tuple[Data, Data | None]:
        """Load the order and find the fulfillment; None in its place if the key is known."""
        if at.tzinfo is None:
            raise ValueError("expected an aware time")
        order, before = self._orders.load_with_key(order_id, key)
        if order is None:
            raise KeyError(order_id)
        if before is not None:
            if before["said"] != said:
                raise ValueError(f"the key {key!r} was used for something else")
            return order, None
        for one in order["fulfillments"]:
            if one["id"] == fulfillment_id:
                return order, one
        raise KeyError(fulfillment_id)


def _sum(order: Data, kind: str) -> int:
    """Return what succeeded of that kind of payment operation."""
    operations = order["payment"]["operations"]
    return sum(
        one["amount"] for one in operations if one["kind"] == kind and one["state"] == "succeeded"
    )


def dispatched(order: Data) -> int:
    """Return what is due for what has left: its share of each line, and all charges."""
    gone: dict[str, int] = {}
    for one in order["fulfillments"]:
        if one["state"] in ("shipped", "delivered"):
            for line_id, _, units in one["items"]:
                gone[line_id] = gone.get(line_id, 0) + units
    if not gone:
        return 0
    due = sum(charge["amount"] for charge in order["charges"])
    for line in order["lines"]:
        units = gone.get(line["id"], 0)
        due += (2 * line["amount"] * units + line["ordered"]) // (2 * line["ordered"])
    return int(due)


class DictShop:
    """The contender. ``counts``: count the calls of its stores."""

    def __init__(self, counts: Counter[str] | None = None) -> None:
        self.orders = DictOrders()
        self.stock = Stock()
        self.provider = Provider()
        for sku in PRICES:
            for where in LOCATIONS:
                self.stock.post(
                    f"{sku}/{where}",
                    (
                        (sku, where, "supplier", "", -STOCK),
                        (sku, where, "available", "", STOCK),
                    ),
                )
        self.desk = DictDesk(
            watched(self.orders, counts),
            watched(self.stock, counts),
            watched(self.provider, counts),
        )

    def live(self, basket: Basket) -> None:
        """See :meth:`.Shop.live`."""
        desk, order_id = self.desk, basket.order_id
        order = desk.place(
            order_id,
            customer_id=basket.customer_id,
            units=tuple((sku, units, PRICES[sku]) for sku, units in basket.units),
            shipping=basket.shipping,
            instrument=basket.instrument,
            at=basket.placed_at,
        )
        for one in order["fulfillments"]:
            name = one["id"]
            desk.ship(
                order_id,
                name,
                carrier="post",
                tracking=basket.tracking,
                key=f"ship-{name}",
                at=basket.shipped_at,
            )
            desk.deliver(order_id, name, f"deliver-{name}", basket.delivered_at)

    def figures(self) -> Figures:
        """See :meth:`.Shop.figures`."""
        histories = self.orders.histories
        orders = [order for order in map(self.orders.load, histories) if order is not None]
        return Figures(
            orders=len(orders),
            states=Counter(
                (order["state"], *(one["state"] for one in order["fulfillments"]))
                for order in orders
            ),
            total=sum(order["total"] for order in orders),
            captured=sum(_sum(order, "capture") for order in orders),
            events=Counter(event["kind"] for log in histories.values() for event in log),
            feed=len(self.orders.feed),
            unfinished=len(self.orders.due),
            balances=self.stock.balances(),
            postings=len(self.stock.postings),
            books=Counter(self.provider.books),
        )
