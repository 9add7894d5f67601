"""What follows from the facts about goods: what to source, reserve, book and free."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from orderwright.errors import OutOfStock, Shortage
from orderwright.fulfillment.fulfillment import Booked, Fulfillment
from orderwright.inventory.entries import Reservation, StockTerms
from orderwright.inventory.postings import Posting
from orderwright.lifecycles import Phase
from orderwright.orders.commands import cancel, noted, open_exception
from orderwright.orders.events import (
    Event,
    FulfillmentsPlanned,
    Intended,
    StockPosted,
    StockRefused,
)
from orderwright.orders.intents import Intent
from orderwright.orders.sourcing import by_course, kind_of
from orderwright.values import in_utc

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from orderwright.fulfillment.planning import FulfillmentPlan
    from orderwright.inventory.entries import StockAccount
    from orderwright.orders.intents import Purpose
    from orderwright.orders.order import Order

__all__ = [
    "allocated",
    "firm_stock",
    "intended_for",
    "lapsing",
    "moved",
    "settle_stock",
    "stock_posted",
    "stock_refused",
]


_FACTS: tuple[Purpose, ...] = ("hand_over", "take_back", "consume")
_WASTED = ("run_short", "remake")


def allocated(order: Order, plan: FulfillmentPlan, at: datetime) -> tuple[Event, ...]:
    """Return the events that follow a plan: reserve what it says, and act on what it lacks.

    An order that waits is rejected if its policy says so and nothing has left yet; otherwise what
    is lacking is kept backordered.
    """
    policy = order.policy
    if plan.leftovers and policy.short == "reject" and _can_reject(order):
        short = OutOfStock(
            (Shortage(one.sku, "", one.quantity, 0) for one in plan.leftovers), order.id
        )
        return noted(order, cancel(order, at=at, reason=short.because(), action="reject"))
    # Money that has to arrive by itself may never do so: until then the stock is held for a time.
    paying = any(one.amount and one.collected != "beforehand" for one in order.payments)
    lapses_at = None if paying or policy.unpaid_ttl is None else at + policy.unpaid_ttl
    fulfillments = tuple(
        Fulfillment(
            id=f"f{index}",
            location=part.location,
            items=items,
            kind=(kind := kind_of(order, part.makes)),
            state=order.lifecycles.of(kind).initial,
            lapses_at=lapses_at if order.state.phase is Phase.WAITING else None,
            since=at,
            promised_at=None if part.promise is None else in_utc(part.promise.by, "promise"),
            ingredients="wanted" if any(order.line(one.line_id).uses for one in items) else "none",
            larder=part.larder or part.location,
        )
        for index, (part, items) in enumerate(
            by_course(order, plan), order.fulfillments_planned + 1
        )
    )
    served: dict[str, int] = {}
    for part in plan.fulfillments:
        for item in part.items:
            served[item.line_id] = served.get(item.line_id, 0) + item.quantity
    short_units = tuple(
        (line_id, counts.open + counts.backordered - served.get(line_id, 0))
        for line_id, counts in order.quantities().items()
        if counts.open + counts.backordered > served.get(line_id, 0)
    )
    events: list[Event] = [
        FulfillmentsPlanned(
            fulfillments=fulfillments, backordered=short_units, reasons=plan.reasons, at=at
        )
    ]
    if fulfillments:
        events.append(_reserved(order, events[0], fulfillments, at))
    return tuple(events)


def _reserved(
    order: Order, planned: Event, fulfillments: Sequence[Fulfillment], at: datetime
) -> Intended:
    """Reserve what is planned; what waited for it leaves the queue in the same posting."""
    intended = _stock_intent(order, "reserve", fulfillments, at)
    claims = _claims(order.after((planned,)))
    # What is under way already is known when it has come back; the difference is claimed then.
    if not claims or any(one.claims for one in order.intents):
        return intended
    intent = intended.intent
    assert isinstance(intent.request, Posting)
    changes = _claim_posting(order, intent.id, claims, at)
    posting = Posting.linked(intent.id, [intent.request, *changes])
    return evolve(intended, intent=evolve(intent, request=posting, claims=claims))


def moved(
    order: Order, one: Fulfillment, new: Fulfillment, changed: Event, at: datetime
) -> Intended:
    """Reserve ``new`` in the place of ``one``, whose units are free again in the same posting."""
    intended = _stock_intent(order.after((changed,)), "reserve", (new,), at)
    intent = intended.intent
    assert isinstance(intent.request, Posting)
    freed = Posting.settle(intent.id, release=order.reservations(one), at=at)
    posting = Posting.linked(intent.id, [freed, intent.request])
    return evolve(intended, intent=evolve(intent, request=posting, replaces=(one.id,)))


def _claims(order: Order) -> tuple[tuple[str, int], ...]:
    """Return what is to be claimed of which lines, where that is not what the ledger has."""
    refused = order.has_exception("backorder_refused")  # then nothing more is claimed
    return tuple(
        (line.id, line.backordered)
        for line in order.lines
        if line.backordered < line.claimed or (line.backordered > line.claimed and not refused)
    )


def _claim_posting(
    order: Order, posting_id: str, claims: Sequence[tuple[str, int]], at: datetime
) -> list[Posting]:
    """Return the postings by which the ledger's claims become those, first what is dropped."""
    terms = StockTerms(order.scheduled_for, priority=order.policy.priority)
    more: list[Reservation] = []
    less: list[Reservation] = []
    for line_id, units in claims:
        line = order.line(line_id)
        change = units - line.claimed
        name = f"{order.id}/{line_id}"
        one = Reservation(name, line.sku, "", abs(change), None, order.id)
        (more if change > 0 else less).append(one)
    found: list[Posting] = []
    if less:
        found.append(Posting.claim(posting_id, less, at=at, drop=True))
    if more:
        found.append(Posting.claim(posting_id, more, at=at, terms=terms))
    return found


def _settle_claims(order: Order, at: datetime) -> Iterator[Event]:
    """What waits stands in the queue of the ledger; what waits no more does not."""
    claims = _claims(order)
    if not claims or any(one.purpose in ("claim", "reserve") for one in order.intents):
        return
    posting_id = f"{order.id}/claim-{order.version + 1}"
    posting = Posting.linked(posting_id, _claim_posting(order, posting_id, claims, at))
    intended = intended_for(order, posting_id, "claim", posting, (), at)
    yield evolve(intended, intent=evolve(intended.intent, claims=claims))


def _can_reject(order: Order) -> bool:
    # An order that was edited keeps what it had: what was added waits for stock. So does a tab
    # where something is due that came over from another, or came back from there.
    if order.edits or any(one.origin and one.remaining for one in order.charges):
        return False
    return "reject" in order.allowed() and all(
        order.may(one, "withdraw") for one in order.fulfillments if one.live
    )


def _stock_intent(
    order: Order, purpose: Purpose, fulfillments: Sequence[Fulfillment], at: datetime
) -> Intended:
    posting_id = f"{order.id}/{purpose}-{order.version + 1}"
    units = [one for part in fulfillments for one in order.reservations(part)]
    if purpose == "reserve":
        posting = Posting.reserve(posting_id, units, at=at)
    elif purpose == "commit":
        posting = Posting.settle(posting_id, commit=units, at=at)
    elif purpose == "release":
        posting = Posting.settle(posting_id, release=units, at=at)
    elif purpose == "write_off":
        posting = Posting.write_off(posting_id, units, at=at)
    elif purpose == "spoil":
        posting = Posting.spoil(posting_id, units, at=at)
    elif purpose == "firm":
        kept = [evolve(one, expires_at=None) for one in units]
        posting = Posting.rehold(posting_id, zip(units, kept, strict=True), at=at)
    else:
        posting = Posting.hand_over(posting_id, units, at=at)
    return intended_for(order, posting_id, purpose, posting, [one.id for one in fulfillments], at)


def intended_for(  # noqa: PLR0917 - what an intent consists of
    order: Order,
    posting_id: str,
    purpose: Purpose,
    posting: Posting,
    fulfillments: Sequence[str],
    at: datetime,
) -> Intended:
    """Return the intent of a posting, for some fulfillments or for none."""
    return Intended(
        intent=Intent(
            id=posting_id,
            purpose=purpose,
            request=posting,
            since=at,
            due_at=at + order.policy.patience,
            fulfillments=tuple(fulfillments),
        ),
        at=at,
    )


_BOOKED: Mapping[Purpose, Booked] = {
    "reserve": "held",
    "commit": "left",
    "hand_over": "left",
    "release": "freed",
    "write_off": "freed",
    "spoil": "freed",
}


def stock_posted(order: Order, intent_id: str, at: datetime) -> tuple[Event, ...]:
    """Record that the ledger wrote the intent's posting."""
    intent = order.intent(intent_id)
    # What has left from where it was is not served from elsewhere.
    left = tuple(one.id for one in order.fulfillments if one.id in intent.replaces and one.gone)
    step = "withdraw" if left else "reserve"
    planned = [
        one
        for one in order.fulfillments
        if one.id in intent.fulfillments and one.state.phase is Phase.PLANNED
    ]
    return (
        StockPosted(
            intent_id=intent_id,
            states=tuple((one.id, order.lifecycle(one).step(one.state, step)) for one in planned)
            if intent.purpose == "reserve"
            else (),
            stock=_BOOKED.get(intent.purpose),
            removed=tuple(one for one in intent.replaces if one not in left),
            at=at,
        ),
    )


def stock_refused(
    order: Order, intent_id: str, shortages: Sequence[Shortage], at: datetime
) -> tuple[Event, ...]:
    """Record that the ledger refused the posting, for good.

    What was planned but cannot be reserved is planned anew. Of several reservations only those
    that had lapsed, or that a count took, are lost; goods that have left are then booked from free
    stock. If there is none either, the ledger is wrong about a fact: the exception
    ``stock_mismatch`` is opened, and they are booked once that is resolved. What else was to be
    booked with them, and is held for nothing any more, is set free.
    """
    intent = order.intent(intent_id)
    parts = [one for one in order.fulfillments if one.id in intent.fulfillments]
    lapsed = {one.reservation for one in shortages}
    if intent.purpose in _FACTS:
        parts = []
    elif intent.purpose != "reserve":
        named = [one for one in parts if any(held.id in lapsed for held in order.reservations(one))]
        # Without any shortage the refusal was found as final: the next try will say what lacks.
        # A store that says "no" without naming a reservation is believed for all.
        parts = named or (parts if shortages else [])
        # What shares a reservation that has lapsed has nothing either; somebody slow, for whom it
        # has not yet, must not make it firm.
        empty = {one.reservation for one in shortages if not one.available} - {""}
        parts += [
            one
            for one in order.fulfillments
            if one not in parts
            and (one.live, one.stock) == (True, "held")
            and one.lapses_at is not None
            and one.lapses_at <= at
            and not order.busy(one)
            and not empty.isdisjoint(held.id for held in order.reservations(one))
        ]
    removed = [one for one in parts if one.state.phase in (Phase.PLANNED, Phase.WAITING)]
    refused = StockRefused(
        intent_id=intent_id,
        shortages=tuple(shortages),
        removed=tuple(one.id for one in removed),
        freed=tuple(one.id for one in parts if one not in removed),
        at=at,
    )
    detail = "; ".join(str(one) for one in shortages)
    if any(not one.location for one in shortages):
        # More is claimed of a SKU than its policy allows: nobody waits for more.
        if _can_reject(order.after((refused,))):
            after = order.after((refused,))
            return (refused, *noted(after, cancel(after, at=at, reason=detail, action="reject")))
        return (refused, *open_exception(order, "backorder_refused", detail, at=at))
    freed = tuple(_set_free(order.after((refused,)), intent, parts, shortages, at))
    if intent.purpose in _FACTS:
        why = detail or "it was refused before, and why is not known any more"
        return (refused, *freed, *open_exception(order, "stock_mismatch", why, at=at))
    return (refused, *freed)


def _set_free(
    order: Order,
    intent: Intent,
    parts: Sequence[Fulfillment],
    shortages: Sequence[Shortage],
    at: datetime,
) -> Iterator[Intended]:
    """What a refused posting would have taken out of reservations, and still stands in them.

    Of goods that have left, in the same posting that books them from free stock.
    """
    posting = intent.request
    assert isinstance(posting, Posting)
    fact = intent.purpose in _FACTS
    if intent.purpose == "reserve" or not (parts or not intent.fulfillments or shortages or fact):
        return
    if not fact and shortages and not any(one.reservation for one in shortages):
        return  # a store that names no reservation is believed for all
    mine = {one.id for part in parts for one in order.reservations(part)}
    wanted: dict[StockAccount, int] = {}
    for entry in posting.entries:
        named = not intent.fulfillments or fact or entry.reservation in mine
        if entry.bucket == "reserved" and entry.quantity < 0 and named:
            wanted[entry.account] = wanted.get(entry.account, 0) - entry.quantity
    there = {**wanted, **_lost(wanted, shortages)}
    kept = [
        Reservation(
            account.reservation,
            account.sku,
            account.location,
            min(units, there[account]),
            None,
            order.id,
            account.lot,
        )
        for account, units in wanted.items()
        if there[account]
    ]
    if not kept:
        return
    purpose: Purpose = "hand_over" if intent.purpose == "commit" else "release"
    posting_id = f"{order.id}/{purpose}-{order.version + 1}"
    free = Posting.settle(posting_id, release=kept, at=at)
    if any(entry.bucket == "production" for entry in posting.entries):  # nobody makes it any more
        free = Posting.sell_out(posting_id, kept[0].sku, kept[0].location, 0, breaking=kept, at=at)
    if purpose == "release":
        yield intended_for(order, posting_id, purpose, free, (), at)
        return
    units = [one for part in parts for one in order.reservations(part)]
    gone = Posting.linked(posting_id, [free, Posting.hand_over(posting_id, units, at=at)])
    yield intended_for(order, posting_id, purpose, gone, [one.id for one in parts], at)


def _lost(
    wanted: Mapping[StockAccount, int], shortages: Sequence[Shortage]
) -> dict[StockAccount, int]:
    """Return what is left in the reservations that are short.

    A store that does not say of which lot is believed for all of them: it would refuse for ever.
    """
    found: dict[StockAccount, int] = {}
    for one in shortages:
        place = (one.reservation, one.sku, one.location)
        accounts = [it for it in wanted if (it.reservation, it.sku, it.location) == place]
        named = [it for it in accounts if it.lot == one.lot]
        found.update(dict.fromkeys(named or accounts, one.available))
    return found


def settle_stock(order: Order, at: datetime) -> Iterator[Event]:
    """What left is committed, what was given up is released."""
    owed: dict[Purpose, list[Fulfillment]] = {}
    for one in order.fulfillments:
        purpose = _owed(one)
        if purpose is not None and not order.busy(one):
            owed.setdefault(purpose, []).append(one)
    for purpose, parts in owed.items():
        if purpose != "hand_over" or not order.has_exception("stock_mismatch"):
            yield _stock_intent(order, purpose, parts, at)
    cooks = any(one.ingredients == "wanted" for one in order.fulfillments)
    if (cooks or order.returns) and not order.has_exception("stock_mismatch"):
        yield from _use_up(order, at)
        yield from _take_back(order, at)
    yield from _settle_claims(order, at)


def _use_up(order: Order, at: datetime) -> Iterator[Event]:
    """What dishes are made of is used up once work on them begins, whatever becomes of them."""
    begun = [
        one
        for one in order.fulfillments
        if one.ingredients == "wanted"
        and one.started_at is not None
        and not any(
            intent.purpose == "consume" and one.id in intent.fulfillments
            for intent in order.intents
        )
    ]
    if not begun:
        return
    posting_id = f"{order.id}/consume-{order.version + 1}"
    used: dict[str, dict[str, int]] = {}
    for one in begun:
        larder = used.setdefault(one.larder or one.location, {})
        for item in one.items:
            for sku, units in order.line(item.line_id).uses:
                larder[sku] = larder.get(sku, 0) + units * item.quantity
    posting = Posting.linked(
        posting_id,
        [
            Posting.make(posting_id, place, used=units.items(), at=at, order_id=order.id)
            for place, units in used.items()
        ],
    )
    yield intended_for(order, posting_id, "consume", posting, [one.id for one in begun], at)


def _take_back(order: Order, at: datetime) -> Iterator[Event]:
    """Of each return the first move that is not booked: a later one may need it."""
    for one in order.returns:
        move = next((move for move in one.moves if not move.booked), None)
        if move is None:
            continue
        posting_id = one.posting_id(order.id, move)
        if not any(intent.id == posting_id for intent in order.intents):
            posting = Posting.move(
                posting_id,
                move.units,
                location=move.location,
                source=move.source,
                target=move.target,
                order_id=order.id,
                at=at,
            )
            yield intended_for(order, posting_id, "take_back", posting, (), at)


def _owed(one: Fulfillment) -> Purpose | None:
    """What the ledger still has to be told of a fulfillment."""
    if one.gone and one.stock != "left":
        return "commit" if one.stock == "held" else "hand_over"
    if not one.live and one.stock == "left" and one.ended in _WASTED:
        return "spoil"  # it came back from the table, and another is made
    if one.live or one.stock != "held":
        return None
    # Work that is given up once its ingredients are used is waste.
    return "write_off" if one.ended in _WASTED or one.ingredients == "used" else "release"


def firm_stock(order: Order, at: datetime) -> Iterator[Event]:
    """Before money is asked for, and before confirming, the reservations stop lapsing.

    Not while units of one are being taken out for another part: refused as lapsed, these would
    then stay for good, for nobody.
    """
    idle = [one for one in lapsing(order) if not order.busy(one)]
    if not idle or not (any(one.unasked for one in order.payments) or order.covered):
        return
    going = {
        entry.reservation
        for intent in order.intents
        if isinstance(intent.request, Posting) and not intent.parked
        for entry in intent.request.entries
    }
    free = [one for one in idle if going.isdisjoint(held.id for held in order.reservations(one))]
    if free:
        yield _stock_intent(order, "firm", free, at)


def lapsing(order: Order) -> list[Fulfillment]:
    """Return what is held for the order only until some time."""
    return [
        one
        for one in order.fulfillments
        if one.lapses_at and one.stock == "held" and one.live and not one.gone
    ]
