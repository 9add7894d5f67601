"""Stock: what comes in is booked, and goes to those who wait for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from orderwright.errors import (
    AdapterFault,
    BrokenPromise,
    Conflict,
    InvalidInput,
    KeyReused,
    NotFound,
    OutOfStock,
)
from orderwright.flows.command import command
from orderwright.flows.loading import load
from orderwright.flows.processing import allocate
from orderwright.flows.resuming import take_over
from orderwright.flows.settling import MAX_TRIES, Flows, carry_on, follow, save
from orderwright.inventory.claims import QueueOrder, broken, promises, queued
from orderwright.inventory.postings import Posting
from orderwright.lifecycles import Phase
from orderwright.orders.missing import missing, sold_out
from orderwright.requests import (
    FindOpen,
    PostStock,
    ReadClaims,
    ReadIncoming,
    ReadReservations,
    ReadSupply,
    ask,
)
from orderwright.values import choice, each, identifier, instance, quantity, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from orderwright.flows.settling import Setting
    from orderwright.inventory.entries import Reservation
    from orderwright.inventory.ledger import Stock
    from orderwright.orders.events import Event
    from orderwright.orders.order import Order
    from orderwright.requests import Flow

__all__ = ["Stocking"]


class Stocking(Flows):
    """Booking stock, and the queue of those who wait for it."""

    __slots__ = ()

    @command
    def post_stock(
        self, posting: Posting, *, queue: QueueOrder = "first_come"
    ) -> Flow[tuple[str, ...]]:
        """Book what came in, was found, moved or lost, and give what is free to those who wait.

        Safe to repeat: a posting's id is its key. Orders whose reservations it broke are told, as
        by :meth:`count_stock`. Returns the ids of the orders that got something, in the order of
        the ``queue``. Raises OutOfStock, KeyReused, and AdapterFault for orders that could not be
        told: then say it again. Once it is booked, what else goes wrong with an order leaves it
        waiting.
        """
        instance(posting, Posting, "posting")
        choice(queue, QueueOrder, "queue")
        yield from ask(PostStock(posting))
        if not posting.order_id:
            lost = [one for one in posting.entries if one.bucket == "reserved" and one.quantity < 0]
            for sku, location in dict.fromkeys((one.sku, one.location) for one in lost):
                yield from _told_missing(self.setting, sku, location, posting.at)
        skus = [
            account.sku
            for account, net, _ in posting.changes
            if account.bucket == "available" and net > 0
        ]
        return (yield from _filled(self.setting, skus, posting.at, queue))

    @command
    def count_stock(
        self,
        sku: str,
        location: str,
        counted: int,
        *,
        count_id: str,
        reason: str = "count",
        at: datetime | None = None,
    ) -> Flow[tuple[str, ...]]:
        """Book what a count found of ``sku`` on the shelves of ``location``, reserved units too.

        What is missing is taken from what is available first, then from the reservations, the last
        one first: those units are open again on their orders, which are sourced elsewhere or wait,
        with the exception ``stock_missing``. What is just being booked for an order is booked
        first, also what is parked. Returns the ids of these orders. ``count_id`` is the key: what
        it found the first time stands, whatever is said under it again, and orders that were not
        told are; count anew under another. Lots are counted with :meth:`post_stock`.
        Raises InvalidInput for a SKU that has lots there by now, OutOfStock where others order
        faster than it is booked, AdapterFault for orders that could not be told: then say it again.
        """
        setting, at = self.setting, self.setting.moment(at)
        identifier(sku, "sku")
        identifier(location, "location")
        quantity(counted, "counted", least=0)
        text(reason, "reason")
        posting_id = f"count/{location}/{sku}/{identifier(count_id, 'count_id')}"
        for attempt in range(MAX_TRIES):  # pragma: no branch - the last attempt ends it or raises
            posting = yield from _found(posting_id, sku, location, counted, reason, at)
            if posting is None:
                if told := (yield from _told_missing(setting, sku, location, at)):
                    return told  # what was counted before there were lots
                raise InvalidInput.at("sku", f"{sku} has lots at {location}: count them one by one")
            try:
                yield from ask(PostStock(posting))
            except OutOfStock:
                if attempt + 1 == MAX_TRIES:
                    raise
                continue  # somebody ordered one meanwhile: look again
            except KeyReused:
                pass  # it was booked before: only the orders may not know yet
            break
        return (yield from _told_missing(setting, sku, location, at))

    @command
    def sell_out(
        self,
        sku: str,
        location: str,
        *,
        notice_id: str,
        queued: bool = False,
        at: datetime | None = None,
    ) -> Flow[tuple[str, ...]]:
        """Take what is on offer of ``sku`` at ``location`` off the menu: nobody can order it now.

        What is queued there is still made, unless it is ``queued`` itself that cannot be: these
        units are open again on their orders, which are sourced elsewhere or wait, with the
        exception ``stock_missing``, for a substitute. What is fired already is made. Returns the
        ids of these orders. Put it on offer again with :meth:`.Posting.make`. ``notice_id`` is the
        key of the notice for that SKU and location: the same again takes nothing more off, and
        tells orders that were not told, unless it is on offer again. Raises InvalidInput for what
        was never on offer there or what nobody counts, OutOfStock where others order faster than
        it is taken off, AdapterFault for orders that could not be told: then say it again.
        """
        setting, at = self.setting, self.setting.moment(at)
        identifier(sku, "sku")
        identifier(location, "location")
        instance(queued, bool, "queued")
        posting_id = f"sold-out/{location}/{sku}/{identifier(notice_id, 'notice_id')}"
        known, units = False, 0
        for attempt in range(MAX_TRIES):  # pragma: no branch - the last attempt ends it or raises
            stocks = yield from ask(ReadSupply((sku,), at))
            units = _on_offer(stocks, sku, location)
            try:  # also of none, so that the notice is known when it is said again
                yield from ask(PostStock(Posting.sell_out(posting_id, sku, location, units, at=at)))
            except OutOfStock:
                if attempt + 1 == MAX_TRIES:
                    raise
                continue  # somebody ordered one meanwhile: look again
            except KeyReused:
                known = True
            break
        if not queued:
            return ()
        # It may have been taken off before: what is on offer again can be made.
        stocks = yield from ask(ReadSupply((sku,), at))
        left = _on_offer(stocks, sku, location)
        on_again = left > 0 if known else left >= max(1, units)
        if on_again:
            return ()
        orders = yield from _orders_at(setting, location, (Phase.WAITING,))
        return (
            yield from _told(
                setting,
                orders,
                lambda order, held: sold_out(order, held, sku, location, at),
                at,
            )
        )

    @command
    def fill(
        self,
        skus: Sequence[str],
        *,
        queue: QueueOrder = "first_come",
        at: datetime | None = None,
    ) -> Flow[tuple[str, ...]]:
        """Give what is free of ``skus`` to those who wait, in the order of the ``queue``.

        Returns the ids of the orders that got something.
        """
        named = [identifier(one, "skus") for one in each(skus, str, "skus")]
        choice(queue, QueueOrder, "queue")
        return (yield from _filled(self.setting, named, self.setting.moment(at), queue))

    @command
    def promised(
        self, sku: str, *, queue: QueueOrder = "first_come", at: datetime | None = None
    ) -> Flow[Mapping[str, datetime | None]]:
        """Return when each who waits for ``sku`` can have it, by order and line (``o1/l1``).

        By what is free and on order; None where it is there now, or where nobody can tell.
        """
        identifier(sku, "sku")
        claims = yield from ask(ReadClaims(sku))
        stocks = yield from ask(ReadSupply((sku,), self.setting.moment(at)))
        coming = yield from ask(ReadIncoming(sku))
        return promises(claims, sum(one.promisable for one in stocks), coming, queue)


def _filled(
    setting: Setting, skus: Sequence[str], at: datetime, queue: QueueOrder
) -> Flow[tuple[str, ...]]:
    """Source the orders that wait anew, first those who are first, while there is something."""
    found: dict[str, None] = {}
    for sku in dict.fromkeys(skus):
        claims = yield from ask(ReadClaims(sku))
        for claim in queued(claims, queue):
            stocks = yield from ask(ReadSupply((sku,), at))
            if not any(one.promisable for one in stocks):
                break
            if claim.order_id in found:
                continue
            try:
                served, _ = yield from allocate(setting, claim.order_id, at)
            except (BrokenPromise, Conflict, NotFound):
                continue  # somebody else is at it, it is not one of ours, or has no plan
            if served:
                found[claim.order_id] = None
    return tuple(found)


def _found(  # noqa: PLR0917 - what was counted
    posting_id: str, sku: str, location: str, counted: int, reason: str, at: datetime
) -> Flow[Posting | None]:
    """Return the posting of what a count found, also of no difference; None if there are lots."""
    stocks = yield from ask(ReadSupply((sku,), at))
    stock = next((one for one in stocks if one.location == location), None)
    available = 0 if stock is None else stock.available
    difference = counted - available - (0 if stock is None else stock.reserved)
    held: list[Reservation] = []
    if difference:
        every = yield from ask(ReadReservations(at, sku=sku))
        held = [one for one in every if one.location == location]
    if (stock and (stock.lots or stock.expired)) or any(one.lot for one in held):
        return None
    if not difference:  # written down all the same, so that the count is known when said again
        return Posting(id=posting_id, at=at, entries=(), reason=reason or "count")
    lost = broken(held, max(0, -difference - max(0, available)))
    return Posting.adjust(
        posting_id,
        sku,
        location,
        difference,
        at=at,
        reason=reason,
        breaking=[evolve(one, quantity=units, expires_at=None) for one, units in lost],
    )


def _on_offer(stocks: Iterable[Stock], sku: str, location: str) -> int:
    """Return how many can be ordered there; raise InvalidInput where that cannot be taken off."""
    here = next((one for one in stocks if one.location == location), None)
    if here is None:
        raise InvalidInput.at("sku", f"{sku} was never on offer at {location}")
    if here.unlimited:
        wrong = f"nobody counts {sku} at {location}: its policy there has to be 'guarded'"
        raise InvalidInput.at("sku", wrong)
    if here.lots:
        raise InvalidInput.at("sku", f"{sku} has lots at {location}: post them one by one")
    return max(0, here.available)


def _orders_at(setting: Setting, location: str, phases: tuple[Phase, ...]) -> Flow[Iterable[str]]:
    """Return the ids of the orders that a location has to work on, in one of ``phases``."""
    states = frozenset(
        state.name
        for lifecycle in setting.lifecycles.kinds.values()
        for state in lifecycle.states.values()
        if state.phase in phases
    )
    orders: dict[str, None] = {}
    page = yield from ask(FindOpen(location, states))
    while page:
        orders.update((one.order_id, None) for one in page)
        page = yield from ask(FindOpen(location, states, page[-1]))
    return orders


def _told_missing(setting: Setting, sku: str, location: str, at: datetime) -> Flow[tuple[str, ...]]:
    """Tell every order that is to be served there whose units of ``sku`` are not held any more."""
    phases = (Phase.PLANNED, Phase.WAITING, Phase.WORKING)
    orders = yield from _orders_at(setting, location, phases)
    return (
        yield from _told(
            setting, orders, lambda order, held: missing(order, held, at, sku), at, booked=sku
        )
    )


def _told(
    setting: Setting,
    order_ids: Iterable[str],
    decision: Callable[[Order, Sequence[Reservation]], Sequence[Event]],
    at: datetime,
    *,
    booked: str = "",
) -> Flow[tuple[str, ...]]:
    """Save what ``decision`` says of each order and what is held for it; return whom that is told.

    What is just being ``booked`` of that SKU for an order is booked first: it may have been held,
    and lost, before the order heard of it. Raises AdapterFault for orders that could not be told,
    once all others are.
    """
    found: list[str] = []
    missed: list[str] = []
    for order_id in order_ids:
        told = yield from _one_told(setting, order_id, decision, at, booked)
        if told is None:
            missed.append(order_id)
        elif told:
            found.append(order_id)
    if missed:
        orders = ", ".join(missed)
        untold = f"could not be told what they lost: {orders}; say the same again under its id"
        raise AdapterFault("flows", untold, retryable=True)
    return tuple(found)


def _one_told(
    setting: Setting,
    order_id: str,
    decision: Callable[[Order, Sequence[Reservation]], Sequence[Event]],
    at: datetime,
    booked: str,
) -> Flow[bool | None]:
    """Return whether there was something to tell; None if it could not be told."""
    for _ in range(MAX_TRIES):
        order = yield from load(order_id)
        if booking := _booking(order, booked):
            parked = [one for one in order.intents if one.id in booking and one.parked]
            try:
                if parked:  # nobody knows whether it was booked: it is tried again, as by `retry`
                    order = yield from take_over(setting, order, parked, at, asked=True)
            except (AdapterFault, Conflict, KeyReused):
                return None
            order = yield from carry_on(setting, order, at, mine=booking)
            if still := _booking(order, booked):
                if set(still) & set(booking):
                    return None
                continue
        held = yield from ask(ReadReservations(at, order_id=order_id))
        events = decision(order, held)
        if not events:
            return False
        after, events = follow(order, events, at)
        mine: list[str] | None = None
        try:  # noqa: SIM105 - nothing is suppressed across a yield by a `with`
            after, mine = yield from save(setting, after, events, version=order.version, at=at)
        except Conflict:
            pass  # somebody else saved: look again
        if mine is not None:
            yield from carry_on(setting, after, at, mine=mine)
            return True
    return None


def _booking(order: Order, sku: str) -> list[str]:
    """Return the intents by which stock is booked for an order with that SKU and more to serve."""
    has = any(line.sku == sku for line in order.lines)
    if not has or not any(one.live and not one.gone for one in order.fulfillments):
        return []
    return [one.id for one in order.intents if isinstance(one.request, Posting)]
