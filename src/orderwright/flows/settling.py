"""The one loop behind every use case: intend, perform, record, and whatever follows from that.

Before a call leaves the order's own record, the intent is saved; then the call is made; then its
outcome is saved together with what follows from it. The loop only performs intents that this flow
saved or claimed. One that is slower than the policy's patience may find its call made by a resumer:
ids make that one effect, and outcomes are only told once they are final. After a crash anywhere the
stored order says what is unfinished.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple, TypeGuard, TypeVar, cast, final

from attrs import evolve

from orderwright.errors import (
    AdapterFault,
    BrokenPromise,
    Conflict,
    IllegalTransition,
    InvalidInput,
    KeyReused,
    NotFound,
    OutcomeUnknown,
    OutOfStock,
)
from orderwright.flows.loading import load, load_with_key
from orderwright.fulfillment.planning import FulfillmentPlan, Sourcing, Strategy, plan
from orderwright.fulfillment.shipping import LabelOutcome, LabelRequest
from orderwright.inventory.postings import Posting
from orderwright.orders.events import (
    DueTransferred,
    Event,
    Intended,
    IntentParked,
    NothingChanged,
)
from orderwright.orders.intents import Transfer
from orderwright.orders.labelling import report_label
from orderwright.orders.paying import report_payment
from orderwright.orders.processing import fault_noted, next_events
from orderwright.orders.sourcing import by_lot, demand
from orderwright.orders.stocking import allocated, stock_posted, stock_refused
from orderwright.orders.transferring import taken_over, transfer_settled
from orderwright.payments.operations import PaymentOutcome, PaymentRequest
from orderwright.requests import (
    CallCarrier,
    CallProvider,
    LoadContact,
    LookUp,
    PostStock,
    ReadSupply,
    SaveOrder,
    ask,
)
from orderwright.values import moment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from orderwright.errors import OrderwrightError, Shortage
    from orderwright.fulfillment.locations import Location
    from orderwright.fulfillment.planning import Demand
    from orderwright.lifecycles import Lifecycles
    from orderwright.orders.contacts import Contact
    from orderwright.orders.intents import Intent
    from orderwright.orders.lines import Policy
    from orderwright.orders.order import Order
    from orderwright.ports import Finding, LabelFinding
    from orderwright.requests import Flow, Request

__all__ = [
    "Flows",
    "Report",
    "Setting",
    "carry_on",
    "follow",
    "looked_up",
    "plan_for",
    "record",
    "save",
    "settle",
]

MAX_TRIES = 10
"""A recording retries so often after version conflicts before it leaves the intent to resume."""
MAX_STEPS = 1_000
"""No order has so many consequences of one command; more would be a loop of ours."""


@final
class Setting(NamedTuple):
    """What a desk is set up with, as far as flows need to know.

    ``joint``: an order and a posting can be written in one transaction.
    ``label_retention`` is how long the carrier recognises an id, None where there is no carrier.
    """

    locations: Mapping[str, Location]
    policy: Policy
    lifecycles: Lifecycles
    durable: bool
    key_retention: timedelta
    several_captures: bool
    clock: Callable[[], datetime] | None
    ids: Callable[[], str] | None
    strategy: Strategy = plan
    label_retention: timedelta | None = None
    joint: bool = False

    def moment(self, at: datetime | None) -> datetime:
        """Return ``at``, or the time of the clock; raise InvalidInput if there is neither."""
        if at is not None:
            return moment(at, "at")
        if self.clock is None:
            raise InvalidInput.at("at", "pass a time, or build the desk with a clock")
        return moment(self.clock(), "clock()")


class Flows:
    """Base of the classes that hold the commands of one stage each."""

    __slots__ = ()
    setting: Setting


def save(
    setting: Setting,
    after: Order,
    events: tuple[Event, ...],
    *,
    version: int,
    at: datetime,
    contacts: Mapping[str, Contact | None] | None = None,
) -> Flow[tuple[Order, list[str]]]:
    """Save ``after``, made by ``events`` of ``version``; return it and the ids of its new intents.

    Where the stock is in the same transaction, the first posting that is intended is written at
    once, with what follows from it: the order comes back as it is after that. If the stock refuses,
    or fails, the order is saved with its intent, as it is everywhere else, and that is settled like
    any other. Raises Conflict if somebody else saved since that version.
    """
    first = next((one.intent for one in events if _posts(one)), None) if setting.joint else None
    if first is not None:
        posting = cast("Posting", first.request)
        posted, more = follow(after, stock_posted(after, first.id, at), at)
        every = (*events, *more)
        try:
            yield from ask(SaveOrder(posted, every, version, contacts, posting))
        except OutcomeUnknown:
            raise
        except (OutOfStock, KeyReused, AdapterFault):
            pass  # it may only be the stock that fails: nothing else is lost for that
        else:
            return posted, _intended(posted, every)
    yield from ask(SaveOrder(after, events, version, contacts))
    return after, _intended(after, events)


def _posts(event: Event) -> TypeGuard[Intended]:
    return type(event) is Intended and isinstance(event.intent.request, Posting)


def _intended(order: Order, events: Sequence[Event]) -> list[str]:
    """Return the ids of the intents among ``events`` that are still open."""
    there = {one.id for one in order.intents}
    new = (one.intent.id for one in events if type(one) is Intended)
    return [one for one in new if one in there]


def follow(order: Order, events: Sequence[Event], at: datetime) -> tuple[Order, tuple[Event, ...]]:
    """Add to ``events`` all that follows from them at once, up to the next call outside.

    Returns the order after all of them, and them.
    """
    found = tuple(events)
    order = order.after(found)
    for _ in range(MAX_STEPS):
        if any(type(one) is Intended for one in found):
            return order, found
        more = next_events(order, at)
        if not more:
            return order, found
        found += more
        order = order.after(more)
    raise _endless(order)


def plan_for(
    setting: Setting, order: Order, wanted: Sequence[Demand], at: datetime
) -> Flow[FulfillmentPlan]:
    """Return the best plan for ``wanted`` of ``order`` on the stock there is now."""
    skus = tuple(dict.fromkeys(one.sku for one in wanted))
    stocks = yield from ask(ReadSupply(skus, at))
    supply = {
        (one.sku, one.location): one.promisable
        for one in stocks
        if one.promisable > 0 and one.location in setting.locations
    }
    sourcing = Sourcing(
        ties=order.policy.ties,
        ship_complete=order.policy.ship_complete,
        at=at,
        order_id=order.id,
        service=order.service,
        channel=order.channel,
        customer_id=order.customer_id,
    )
    able, unable = _servable(wanted, setting.locations)
    if unable and sourcing.ship_complete:
        return FulfillmentPlan.nothing(wanted, "no location offers all that is required")
    made = setting.strategy(able, supply, setting.locations, sourcing)
    if setting.strategy is not plan:
        _require_sound(made, able, setting.locations)
    if unable:
        made = evolve(made, leftovers=(*made.leftovers, *unable))
    return by_lot(made, stocks)


def _servable(
    wanted: Sequence[Demand], locations: Mapping[str, Location]
) -> tuple[list[Demand], list[Demand]]:
    """Part what some location may serve from what none may, as it is or with what goes with it."""
    requires: dict[str, frozenset[str]] = {}
    for one in wanted:
        if one.together:
            requires[one.together] = requires.get(one.together, frozenset()) | one.requires
    able: list[Demand] = []
    unable: list[Demand] = []
    for one in wanted:
        needed = requires.get(one.together, one.requires)
        offered = not needed or any(needed <= place.offers for place in locations.values())
        (able if offered else unable).append(one)
    return able, unable


def _require_sound(
    made: FulfillmentPlan, wanted: Sequence[Demand], locations: Mapping[str, Location]
) -> None:
    """Raise BrokenPromise if a strategy's plan serves what nobody asked for, or loses some."""
    left = {one.line_id: one.quantity for one in wanted}
    for line_id, units in (
        *((item.line_id, item.quantity) for part in made.fulfillments for item in part.items),
        *((one.line_id, one.quantity) for one in made.leftovers),
    ):
        left[line_id] = left.get(line_id, 0) - units
    wrong = sorted(line_id for line_id, units in left.items() if units)
    if wrong:
        told = f"line {wrong[0]}: served and left over units are not those asked for"
        raise BrokenPromise("strategy", told)
    for part in made.fulfillments:
        if part.location not in locations:
            raise BrokenPromise("strategy", f"there is no location {part.location!r}")


def settle(
    setting: Setting,
    order: Order,
    at: datetime,
    *,
    mine: Sequence[str],
    ask_first: Sequence[str] = (),
) -> Flow[Order]:
    """Make the calls ``mine`` (ids of intents this flow saved), and all that follows from them.

    ``ask_first`` are those that may have been made before: a payment, or a label, is looked up
    before it is sent again. Returns the order when nothing is left that this flow may do now.
    """
    if not setting.durable:
        return order
    todo = list(mine)
    refused = 0
    for _ in range(MAX_STEPS):
        intent = next((one for one in order.intents if one.id in todo and not one.parked), None)
        if intent is not None:
            todo.remove(intent.id)
            report = yield from _performed(setting, intent, at, ask_first=intent.id in ask_first)
        else:
            wanted = demand(order)
            if not wanted:
                return order
            made = yield from _plan_again(setting, order, wanted, refused, at)
            report = _fixed(order.version, allocated(order, made, at))
        order = yield from record(setting, order.id, report, at, order=order, todo=todo)
        if intent is not None and intent.purpose == "reserve":
            refused += not any(one.id in intent.fulfillments for one in order.fulfillments)
    raise _endless(order)


def _plan_again(
    setting: Setting, order: Order, wanted: Sequence[Demand], refused: int, at: datetime
) -> Flow[FulfillmentPlan]:
    """Plan, unless stock moved more often than the policy says: then nobody has anything.

    A plan that somebody else's save made void says nothing of the stock.
    """
    if refused > order.policy.replans:
        return FulfillmentPlan.nothing(wanted, "stock moved too often while it was planned")
    return (yield from plan_for(setting, order, wanted, at))


def _endless(order: Order) -> AdapterFault:
    return AdapterFault("flows", f"order {order.id} has no end of consequences")


def carry_on(setting: Setting, order: Order, at: datetime, *, mine: Sequence[str]) -> Flow[Order]:
    """Settle what the command just saved with ``order``; an exception means nothing was saved.

    So what goes wrong from here on is not raised: the order comes back as it was saved, saying
    what is unfinished, and resume finishes it.
    """
    try:
        done = yield from settle(setting, order, at, mine=mine)
    except (AdapterFault, Conflict, KeyReused):
        saved = order
    else:
        return done
    try:
        return (yield from load(order.id))
    except AdapterFault:
        return saved


def _fixed(version: int, events: Sequence[Event]) -> Report:
    """Return a report that is only made on that version: consequences are decided anew."""
    return lambda order: events if order.version == version else ()


def record(
    setting: Setting,
    order_id: str,
    report: Report,
    at: datetime,
    *,
    order: Order | None,
    todo: list[str],
) -> Flow[Order]:
    """Save what ``report`` says of the order, and what follows; add its new intents to ``todo``.

    After a conflict the order is loaded and ``report`` asked again: facts are never lost to a
    race. Raises Conflict when others win ten times in a row; the intents then stay unfinished.
    """
    lost: tuple[int, int] = (0, 0)
    for _ in range(MAX_TRIES):
        if order is None:
            order = yield from load(order_id)
        reported = report(order)
        if not reported:
            return order
        after, events = follow(order, reported, at)
        try:
            after, mine = yield from save(setting, after, events, version=order.version, at=at)
        except Conflict as conflict:
            lost = (conflict.expected, conflict.actual)
            order = None
        else:
            todo += mine
            return after
    raise Conflict(order_id, *lost)


Report = Callable[["Order"], "Sequence[Event]"]
"""How an outcome is told to whatever the order has become meanwhile."""


def _performed(setting: Setting, intent: Intent, at: datetime, *, ask_first: bool) -> Flow[Report]:
    """Make the call of ``intent``; return how its outcome is told to the order."""
    request = intent.request
    if isinstance(request, Posting):
        return (yield from _posted(intent, request, at))
    if isinstance(request, Transfer):
        return (yield from _transferred(setting, intent, request, at))
    try:
        outcome = (yield from _found(setting, intent, request, at)) if ask_first else None
        if outcome is None:
            outcome = yield from _called(request)
    except AdapterFault as fault:
        return _fault(intent, fault, at)
    if isinstance(outcome, LabelOutcome):
        label = outcome
        return _if_open(intent.id, lambda order: report_label(order, intent.id, label, at=at))
    if isinstance(outcome, PaymentOutcome):
        several = setting.several_captures
        return lambda order: report_payment(
            order, request.id, outcome, at=at, several_captures=several
        )
    return outcome


def _found(
    setting: Setting, intent: Intent, request: PaymentRequest | LabelRequest, at: datetime
) -> Flow[PaymentOutcome | LabelOutcome | Report | None]:
    """Look it up; return its outcome, what to tell instead, or None to send it again."""
    found = _usable(request, (yield from ask(LookUp(request))))
    if isinstance(found, PaymentOutcome | LabelOutcome):
        return found
    if found == "unsure":
        return _nothing
    label = isinstance(request, LabelRequest)
    retention = setting.label_retention if label else setting.key_retention
    assert retention is not None  # without a carrier, looking it up has raised
    if at - intent.since <= retention:
        return None
    reason = f"unknown to the provider, who forgets ids after {retention}"
    parked = IntentParked(intent_id=intent.id, reason=reason, at=at)
    return _if_open(intent.id, lambda _: (parked,))


def looked_up(request: PaymentRequest) -> Flow[PaymentOutcome | None]:
    """Ask the provider what became of a call: its outcome, if the provider is sure of one."""
    found = _usable(request, (yield from ask(LookUp(request))))
    return found if isinstance(found, PaymentOutcome) else None


def _called(request: PaymentRequest | LabelRequest) -> Flow[PaymentOutcome | LabelOutcome]:
    """Call the provider; no answer is the outcome unknown, an unusable one raises."""
    call = yield from _call(request)
    if call is None:
        return LabelOutcome(outcome="refused", reason="where it goes was forgotten")
    try:
        return _usable(request, (yield from ask(call)))
    except BrokenPromise:
        raise
    except AdapterFault as fault:
        reason = str(fault)
    if isinstance(request, LabelRequest):
        return LabelOutcome(outcome="unknown", reason=reason)
    return PaymentOutcome(outcome="unknown", amount=request.amount, reason=reason)


def _call(
    request: PaymentRequest | LabelRequest,
) -> Flow[Request[PaymentOutcome | LabelOutcome] | None]:
    """Return the call that ``request`` is; None where nobody knows any more where a parcel goes."""
    if isinstance(request, PaymentRequest):
        return CallProvider(request)
    if request.kind == "cancel":
        return CallCarrier(request, None)
    recipient = yield from ask(LoadContact(request.shipment.contact_id))
    return None if recipient is None else CallCarrier(request, recipient)


_F = TypeVar("_F", bound="Finding | LabelFinding")


def _usable(request: PaymentRequest | LabelRequest, answer: _F) -> _F:
    """Return a provider's answer if it is one its port allows; raise BrokenPromise."""
    if isinstance(request, LabelRequest):
        adapter, right = "carrier", isinstance(answer, LabelOutcome)
        told = f"a {type(answer).__name__}"  # which may bear an address
    else:
        adapter, right, told = "payments", isinstance(answer, PaymentOutcome), f"{answer!r:.60}"
        if isinstance(answer, PaymentOutcome) and answer.amount.currency != request.amount.currency:
            raise BrokenPromise(adapter, f"{request.id} was answered in {answer.amount}")
    if not right and answer not in ("not_found", "unsure"):
        raise BrokenPromise(adapter, f"{request.id} was answered with {told}")
    return answer


def _posted(intent: Intent, posting: Posting, at: datetime) -> Flow[Report]:
    """Post; make a refusal final before it is told, so that no slower flow can still succeed."""
    shortages: tuple[Shortage, ...] | None = None
    try:
        yield from ask(PostStock(posting))
    except OutOfStock as short:
        shortages = short.shortages
    except KeyReused:  # its id was used up: it has been refused before
        return _refused(intent, (), at)
    except AdapterFault as fault:
        return _fault(intent, fault, at)
    if shortages is not None:
        try:
            yield from ask(PostStock(Posting.refused(posting)))
        except KeyReused:
            pass  # somebody else has posted it meanwhile, and that is what counts
        except AdapterFault as fault:
            return _fault(intent, fault, at)
        else:
            return _refused(intent, shortages, at)
    return _if_open(intent.id, lambda order: stock_posted(order, intent.id, at))


def _transferred(setting: Setting, intent: Intent, request: Transfer, at: datetime) -> Flow[Report]:
    """Have another tab take over what was due; a refusal uses up its key there, like a posting's.

    Raises nothing: what fails is noted, and tried again by whoever resumes.
    """
    for _ in range(MAX_TRIES):
        try:
            other, before = yield from load_with_key(request.order_id, request.id)
            if not before:
                after, events = follow(other, _taken_over(other, request, at), at)
                after, mine = yield from save(setting, after, events, version=other.version, at=at)
                yield from carry_on(setting, after, at, mine=mine)
                before = events
        except Conflict:
            continue
        except (AdapterFault, NotFound) as fault:
            return _fault(intent, fault, at)
        return _settled(intent, at, taken=not isinstance(before[0], NothingChanged))
    return _nothing


def _settled(intent: Intent, at: datetime, *, taken: bool) -> Report:
    return _if_open(intent.id, lambda order: transfer_settled(order, intent.id, taken=taken, at=at))


def _taken_over(other: Order, request: Transfer, at: datetime) -> tuple[Event, ...]:
    try:
        return taken_over(other, request, at=at)
    except IllegalTransition:
        return (NothingChanged(command=DueTransferred.__name__, key=request.id, at=at),)


def _refused(intent: Intent, shortages: Sequence[Shortage], at: datetime) -> Report:
    return _if_open(intent.id, lambda order: stock_refused(order, intent.id, shortages, at))


def _fault(intent: Intent, fault: OrderwrightError, at: datetime) -> Report:
    return _if_open(intent.id, lambda order: fault_noted(order, intent.id, str(fault), at))


def _nothing(_: Order) -> Sequence[Event]:
    return ()


def _if_open(intent_id: str, report: Report) -> Report:
    """Return ``report``, made only while the intent is open: somebody else may have settled it."""
    return lambda order: report(order) if any(one.id == intent_id for one in order.intents) else ()
