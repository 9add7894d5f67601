"""The laws of stock and of labels: the ledger, the carrier's books and the orders agree."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeAlias, final

from orderwright.adapters.memory import MemoryInventory
from orderwright.fulfillment.shipping import LabelRequest
from orderwright.inventory.entries import FLOORED
from orderwright.inventory.ledger import InventoryLedger
from orderwright.orders.events import ExceptionOpened
from orderwright.testing.simulation.law import law, require, same

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orderwright.adapters.memory_carrier import LabelEntry
    from orderwright.fulfillment.shipping import Label
    from orderwright.inventory.entries import StockAccount
    from orderwright.inventory.guard import Policies
    from orderwright.inventory.postings import Posting
    from orderwright.orders.order import Order
    from orderwright.testing.simulation.world import Stored

__all__ = ["Tally", "balanced", "claims", "labels", "stock", "sums", "told"]

_PAGE = 1000


_Held: TypeAlias = tuple[str, str, str, str, int]


@final
class Tally:
    """What all postings of a world add up to; it takes them in as they are written."""

    __slots__ = ("_last", "broken", "gone", "sums", "used")

    def __init__(self) -> None:
        self._last = ""
        self.sums: Counter[StockAccount] = Counter()
        self.gone: Counter[str] = Counter()
        """Units with customers, by order."""
        self.used: dict[str, Counter[tuple[str, str]]] = {}
        """Ingredients used up, by order: location and SKU."""
        self.broken: set[str] = set()
        """Reservations that a count took units of, which their orders hear of later."""

    def read(self, world: Stored) -> bool:
        """Take in what is new; return whether anything was. Raises LawBroken."""
        before = self._last
        while page := world.inventory.postings(after=self._last, limit=_PAGE):
            for posting in page:
                balanced(self, posting, world.policies)
                self._note(posting)
            self._last = page[-1].id
        return self._last != before

    def _note(self, posting: Posting) -> None:
        for entry in posting.entries:
            if entry.bucket == "customer":
                self.gone[posting.order_id] += entry.quantity
            elif entry.bucket == "production" and posting.order_id:
                mine = self.used.setdefault(posting.order_id, Counter())
                mine[entry.location, entry.sku] += entry.quantity
            elif entry.bucket == "reserved" and entry.quantity < 0 and not posting.order_id:
                self.broken.add(entry.reservation)


@law("stock: every posting sums to zero per SKU, and no account falls below its floor")
def balanced(tally: Tally, posting: Posting, policies: Policies) -> None:
    """Take in a posting, and look at every account that it touches."""
    per_sku: Counter[str] = Counter()
    net: Counter[StockAccount] = Counter()
    for entry in posting.entries:
        per_sku[entry.sku] += entry.quantity
        net[entry.account] += entry.quantity
    require(not any(per_sku.values()), "{} sums to {}", posting.id, per_sku)
    for account, units in net.items():
        tally.sums[account] += units
        if units < 0 and tally.sums[account] < 0 and account.bucket in FLOORED:
            counted = policies(account.sku, account.location).mode == "guarded"
            low = f"{posting.id}: {account} is {tally.sums[account]}"
            require(account.bucket == "available" and not counted, low)


@law("stock: the ledger holds for every order what the order says it holds")
def stock(world: Stored, orders: Sequence[Order], tally: Tally) -> None:
    """Compare with each order that waits for nobody; what counts took, it may not know yet."""
    held = _held(world)
    for order in orders:
        if order.intents:
            continue
        there = {one for one in held.get(order.id, set()) if one[0] not in tally.broken}
        wanted = {one for one in _reserved(world, order) if one[0] not in tally.broken}
        same(wanted, there, "held for {}", order.id)
        same(_left(order), tally.gone[order.id], "units of {} with the customer", order.id)
        cooked = tally.used.get(order.id, Counter())
        same(_used_up(order), cooked, "ingredients used up for {}", order.id)


@law("stock: whoever waits for units has a claim to them, and nobody else")
def claims(world: Stored, orders: Sequence[Order]) -> None:
    """Compare the queue with each order that waits for nobody."""
    queue = {
        (one.order_id, one.id): one.quantity
        for sku in {line.sku for order in orders for line in order.lines}
        for one in world.inventory.claims(sku)
    }
    for order in orders:
        if order.intents:
            continue
        waiting = {
            (order.id, f"{order.id}/{line.id}"): line.claimed
            for line in order.lines
            if line.claimed
        }
        mine = {key: units for key, units in queue.items() if key[0] == order.id}
        same(waiting, mine, "claims of {}", order.id)
        refused = order.has_exception("backorder_refused")
        for line in order.lines:
            wanted = min(line.backordered, line.claimed) if refused else line.backordered
            same(wanted, line.claimed, "claimed for {} {}", order.id, line.id)


@law("stock: who counts, or takes something off the menu, tells the orders that lose it")
def told(world: Stored, orders: Sequence[Order]) -> None:
    """Compare what is held, too, for orders that lost some: all commands have been answered."""
    held = _held(world)
    for order in orders:
        if not order.intents:
            same(_reserved(world, order), held.get(order.id, set()), f"held for {order.id}")


@law("stock: what is kept is what the postings sum to")
def sums(world: Stored, orders: Sequence[Order]) -> None:
    """Audit the ledger; of a storage of your own, one made anew of all its postings."""
    if type(world.inventory) is MemoryInventory:
        ledger = world.inventory.ledger
    else:
        ledger = InventoryLedger(world.policies)
        last = ""
        while page := world.inventory.postings(after=last, limit=_PAGE):
            for posting in page:
                ledger.post(posting)
            last = page[-1].id
        skus = {entry.sku for one in ledger.postings() for entry in one.entries}
        skus |= {line.sku for order in orders for line in order.lines}
        there = set(world.inventory.supply(skus, now=world.now))
        same(set(ledger.supply(skus, now=world.now)), there, "supply")
    same((), ledger.audit(), "audit")


def _held(world: Stored) -> dict[str, set[_Held]]:
    """Return what the ledger holds by order: reservation, SKU, location, lot and units."""
    held: dict[str, set[_Held]] = {}
    for one in world.inventory.reservations(world.now):
        mine = (one.id, one.sku, one.location, one.lot, one.quantity)
        held.setdefault(one.order_id, set()).add(mine)
    return held


def _reserved(world: Stored, order: Order) -> set[_Held]:
    """Return what the ledger should hold for an order; parts of one share its reservation."""
    found: Counter[tuple[str, str, str, str]] = Counter()
    for part in order.fulfillments:
        if part.stock == "held" and (part.lapses_at is None or part.lapses_at > world.now):
            for one in order.reservations(part):
                found[one.id, one.sku, one.location, one.lot] += one.quantity
    return {(*key, units) for key, units in found.items()}


def _left(order: Order) -> int:
    """Return how many units of an order should be with the customer."""
    left = sum(
        item.quantity for part in order.fulfillments if part.stock == "left" for item in part.items
    )
    for one in order.returns:
        for move in one.moves:
            if move.booked:
                units = sum(units for _, units in move.units)
                left -= units if move.source == "customer" else 0
                left += units if move.target == "customer" else 0
    return left


def _used_up(order: Order) -> Counter[tuple[str, str]]:
    """Return what the dishes begun are made of: nothing more, and nothing comes back."""
    found: Counter[tuple[str, str]] = Counter()
    for ticket in order.fulfillments:
        begun = ticket.started_at is not None
        if begun and not order.has_exception("stock_mismatch"):
            require(ticket.ingredients != "wanted", f"{order.id} {ticket.id} cooks out of nothing")
        require(begun or ticket.ingredients != "used", f"{order.id} {ticket.id} used too early")
        if begun and ticket.ingredients != "wanted":
            for item in ticket.items:
                for sku, units in order.line(item.line_id).uses:
                    found[ticket.larder, sku] += units * item.quantity
    return found


@law("labels: none is bought that no order knows, and each is for one parcel as it is, or told")
def labels(world: Stored, orders: Sequence[Order]) -> None:
    """Compare the carrier's books; whatever is not heard of yet is announced by an intent."""
    if not world.carrier.books and not any(order.labels for order in orders):
        return
    asked = {one.id for order in orders for one in order.intents}
    back = {
        one.request.booking
        for order in orders
        for one in order.intents
        if isinstance(one.request, LabelRequest)
    }
    known = {label.id: label for order in orders for label in order.labels if not label.refused}
    for order in orders:
        for entry in world.carrier.books.values():
            if entry.shipment.order_id == order.id and entry.operation_id not in asked | back:
                label = known.pop(entry.operation_id, None)
                same(bool(entry.cancelled_by), label is None, f"given back: {entry}")
                if label is not None and not order.intents:  # else it may still be given back
                    _label(world, order, label, entry)
    same(set[str](), set(known) - back, "labels the carrier never sold")


def _label(world: Stored, order: Order, label: Label, entry: LabelEntry) -> None:
    told = (label.shipment, label.tracking, label.cost)
    same((entry.shipment, entry.tracking, entry.cost), told, f"label {label.id}")
    opened = {
        event.exception.code
        for event in world.orders.events(order.id)
        if isinstance(event, ExceptionOpened)
    }
    if label.kept:
        require("label_kept" in opened, f"nobody was told of {label.id}")
        return
    one = order.fulfillment(label.shipment.fulfillment_id)
    require(one.live, f"{label.id} is for {one.id}, which is given up")
    same(label, order.label(one.id), f"the label of {one.id}")
    if one.gone and one.tracking != label.tracking:
        told_ = opened & {"label_unused", "returned_to_sender"}  # or it came back, and left again
        require(bool(told_), f"nobody was told of {label.id}")
        return
    same((label.carrier, label.tracking), (one.carrier, one.tracking), f"on {one.id}")
    if not one.gone:
        now = (tuple(sorted(one.units.items())), order.contact_id)
        same((label.shipment.units, label.shipment.contact_id), now, f"what {label.id} is for")
