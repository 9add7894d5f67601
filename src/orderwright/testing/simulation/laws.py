"""The laws: what has to be true of everything stored, at any moment, whatever went wrong.

They look at what any storage holds and at what the payment provider and the carrier have in books
of their own, and work everything out anew. :func:`check_laws` looks at all there is, :class:`Watch`
after each step at what changed, and :func:`check_quiet` at a world where nothing is to be done.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, final

from orderwright.lifecycles import Phase
from orderwright.orders.order import Order
from orderwright.orders.processing import next_events
from orderwright.ports import DueOrder
from orderwright.testing.simulation.calm_laws import kept, returned, wanted
from orderwright.testing.simulation.law import LawBroken, law, require, same
from orderwright.testing.simulation.money_laws import asked, books, money
from orderwright.testing.simulation.stock_laws import (
    Tally,
    balanced,
    claims,
    labels,
    stock,
    sums,
    told,
)
from orderwright.testing.simulation.world import every_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orderwright.orders.events import Event
    from orderwright.orders.lines import Reference
    from orderwright.testing.simulation.world import Stored

__all__ = ["LAWS", "LawBroken", "Watch", "check_laws", "check_quiet"]

_NEVER = datetime.max.replace(tzinfo=UTC)
_PAGE = 97  # not round, so that the last page is seldom full


@law("a history tells the state: replaying it makes the order that is stored")
def history(world: Stored, order: Order) -> None:
    """Replay all of it; the version counts the events; each key finds its own."""
    events = world.orders.events(order.id)
    same(order, Order.replay(events, world.lifecycles), f"{order.id}, replayed")
    same(order.version, len(events), f"version of {order.id}")
    for key in {event.key for event in events if event.key}:
        told = tuple(event for event in events if event.key == key)
        same((order, told), world.orders.load_with_key(order.id, key), f"what is found by {key}")


@law("one key has one effect: it stands on one event of its order")
def keys(world: Stored, order: Order) -> None:
    """Look for keys that several events have."""
    used = [event.key for event in world.orders.events(order.id) if event.key]
    if len(used) != len(set(used)):
        again = sorted({key for key in used if used.count(key) > 1})
        same([], again, "keys of {} that had several effects", order.id)


@law("ordered = open + reserved + backordered + in fulfilment + fulfilled + cancelled, per line")
def units(_: Stored, order: Order) -> None:
    """Every unit is in one place, and what is left to credit never falls below zero."""
    for line_id, counts in order.quantities().items():
        ordered, *parts, delivered = counts[:8]
        what = (order.id, line_id, counts)
        same(ordered, sum(parts), "{} {} {}", *what)
        least = min(*parts, delivered)
        after = min(counts.returning, counts.returned, counts.lost, counts.kept)
        require(least >= 0 and after >= 0, "below zero: {} {} {}", *what)
        require(delivered <= counts.fulfilled, "more delivered than fulfilled: {} {} {}", *what)
    for one in (*order.lines, *order.charges):
        require(0 <= one.remaining.minor <= one.total.minor, "{} {}: remaining", order.id, one.id)
        running = 0
        for part in one.components:
            left, whole = part.remaining.minor, part.amount.minor
            ok = left * whole >= 0 and abs(left) <= abs(whole)
            require(ok, "{} {}: {}", order.id, one.id, part)
            running += left if part.adds else 0
            require(running >= 0, "{} {}: its components sum to {}", order.id, one.id, running)
    for line in order.lines:
        ok = 0 <= line.remaining_units <= line.ordered
        require(ok, "{} {}: units left", order.id, line.id)
        ok = bool(line.remaining_units or not line.remaining)
        require(ok, "{} {}: cents left", order.id, line.id)
    require(order.due.minor >= 0, "{} owes {}", order.id, order.due)


@law("what is due, and what goes by a reference, is found; the feed has every event once")
def finding(world: Stored, orders: Sequence[Order]) -> None:
    """Look for everything by what finds it."""
    due = sorted(DueOrder(order.due_at, order.id) for order in orders if order.due_at is not None)
    same(due, list(world.orders.due(_NEVER, limit=len(orders) + 1)), "due")
    _referred(world, orders)
    fed: dict[str, list[Event]] = {order.id: [] for order in orders}
    position = 0
    while page := world.orders.feed(after=position, limit=_PAGE):
        for entry in page:
            require(entry.position > position, "the feed goes back at {}", entry.position)
            position = entry.position
            fed[entry.order_id].append(entry.event)
            number = len(fed[entry.order_id])
            same(number, entry.number, "number of {} in the feed", entry.order_id)
    for order_id, events in fed.items():
        history = list(world.orders.events(order_id))
        same(len(history), len(events), "events of {} in the feed", order_id)
        require(history == events, "the feed tells other events of {} than its history", order_id)


def _referred(world: Stored, orders: Sequence[Order]) -> None:
    """Each reference finds whoever has it, by id; besides them only who had it once."""
    by_id = {order.id: order for order in orders}
    having: dict[Reference, set[str]] = {}
    for order in orders:
        for reference in order.all_references:
            having.setdefault(reference, set()).add(order.id)
    for reference, mine in having.items():
        found = world.orders.by_reference(reference)
        others = set(found) - mine
        had = {one for one in others & by_id.keys() if _had(world, by_id[one], reference)}
        same(sorted(mine | had), list(found), "what is found by {}", reference)


def _had(world: Stored, order: Order, reference: Reference) -> bool:
    """Whether the order was known by that reference at any time before."""
    events = world.orders.events(order.id)
    earlier = (Order.replay(events[:to], world.lifecycles) for to in range(1, len(events)))
    return any(reference in one.all_references for one in earlier)


@law("in the calm nothing stays pending, or it is parked with a reason")
def quiet(world: Stored, orders: Sequence[Order]) -> None:
    """Nothing is in flight, and who gave up an order has nothing of it."""
    for order in orders:
        for one in order.intents:
            require(bool(one.parked), f"{order.id}: {one.id} is pending")
        left = [type(one).__name__ for one in next_events(order, world.now)]
        same([], left, f"what nobody did for {order.id}")
        parked = {one.id for one in order.intents}
        for payment in order.payments:
            for operation in payment.operations:
                ok = not operation.in_flight or operation.id in parked
                require(ok, f"{order.id}: nobody asks what became of {operation.id}")
        require(order.due_at is None, f"{order.id}: {order.due_items} is due")
        if not order.exceptions:
            _served(order)
        if order.state.phase is Phase.DROPPED and not order.intents and not order.exceptions:
            same(0, order.authorized.minor, f"still authorized for {order.id}")
            held = [one.id for one in order.fulfillments if one.stock == "held"]
            same([], held, f"still held for {order.id}")
            if order.policy.refund == "when_cancelled" and not order.holds:
                back = sum(one.sums.returnable for one in order.payments)
                same(0, min(order.payout.minor, back), f"still kept of {order.id}")


def _served(order: Order) -> None:
    """What left is booked, what is promised is firm, and tenders succeed together."""
    for one in order.fulfillments:
        parked = order.busy(one)
        require(not one.gone or one.stock == "left" or parked, f"{order.id} {one.id} left unbooked")
        # What waits for a person to be made firm, booked or set free, may lapse meanwhile.
        firm = one.stock != "held" or not one.lapses_at or parked
        waits = order.state.phase in (Phase.WAITING, Phase.DROPPED)
        require(firm or waits, f"{order.id} {one.id} lapses")
    for payment in order.payments:
        if payment.batch in order.failed_batches:
            what = f"authorized on {order.id} {payment.id}, whose sister was declined"
            same(0, payment.open_authorization.minor, what)


LAWS = (
    *(history, keys, units, asked, money, books, labels),
    *(stock, balanced, claims, sums, finding, told, quiet),
    *(kept, returned, wanted),
)
"""Every law of what is stored, each with a ``name``.

What each looks at is its own: :func:`check_laws`, :func:`check_quiet` and :class:`Watch` give it
them. What a command answers, a :class:`.Simulation` looks at besides, as it happens.
"""


def check_laws(world: Stored) -> None:
    """Check everything that has to be true of a stored world at any moment.

    Raises LawBroken, an AssertionError, which names the law.
    """
    orders = every_order(world.orders)
    for order in orders:
        history(world, order)
        keys(world, order)
        units(world, order)
        money(world, order)
    tally = Tally()
    tally.read(world)
    stock(world, orders, tally)
    for one in (books, labels, claims, sums, finding):
        one(world, orders)


def check_quiet(world: Stored) -> None:
    """Check the laws, and that nothing is in flight: what is unfinished waits for a person.

    Raises LawBroken, an AssertionError, which names the law.
    """
    check_laws(world)
    orders = every_order(world.orders)
    for one in (told, quiet, kept, returned, wanted):
        one(world, orders)


@final
class Watch:
    """Looks at a world after every step: at all that changed, so that it costs little."""

    __slots__ = ("_booked", "_orders", "_tally", "_world")

    def __init__(self, world: Stored) -> None:
        self._world = world
        self._orders: dict[str, Order] = {}
        self._tally = Tally()
        self._booked = -1
        for order in every_order(world.orders):  # when it asked for money, nobody watched
            history(world, order)
            keys(world, order)
            units(world, order)
            self._orders[order.id] = order
        self.look()

    def look(self) -> None:
        """Check the laws after one request. Raises LawBroken."""
        world = self._world
        orders = every_order(world.orders)
        changed = [one for one in orders if self._new(one)]
        booked = len(world.payments.books)
        for order in changed:
            self._tell(order)
            keys(world, order)
            units(world, order)
            asked(world, order, self._orders.get(order.id))
            self._orders[order.id] = order
        for order in changed if booked == self._booked else orders:
            money(world, order)
        if booked != self._booked:
            books(world, orders)
            self._booked = booked
        if self._tally.read(world) or changed:
            stock(world, orders, self._tally)
            claims(world, orders)
        labels(world, orders)

    def _new(self, order: Order) -> bool:
        known = self._orders.get(order.id)
        return known is None or known.version != order.version

    def _tell(self, order: Order) -> None:
        """What was saved tells the order."""
        known = self._orders.get(order.id)
        events = self._world.orders.events(order.id, after=0 if known is None else known.version)
        _grown(self._world, known, events, order)


@law(history.name)
def _grown(world: Stored, known: Order | None, events: Sequence[Event], order: Order) -> None:
    told = Order.replay(events, world.lifecycles) if known is None else known.after(events)
    same(order, told, "{}, by its new events", order.id)
