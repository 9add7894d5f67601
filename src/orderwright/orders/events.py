"""What can happen to an order. Events carry results, so that applying one only assigns.

What they all say, of when, who and why, is told at their base, :class:`.Event`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, final

from attrs import frozen

from orderwright.errors import Shortage
from orderwright.fulfillment.fulfillment import Booked, Fulfillment, FulfillmentItem, ScanStatus
from orderwright.fulfillment.shipping import Label, LabelAnswer, Parcel
from orderwright.lifecycles import State
from orderwright.money import Money
from orderwright.orders.amounts import Adjustment
from orderwright.orders.event import Event
from orderwright.orders.intents import Intent
from orderwright.orders.lines import (
    Change,
    Charge,
    Credit,
    DraftLine,
    Hold,
    OrderException,
    OrderLine,
    Policy,
    Reference,
)
from orderwright.payments.operations import Movement
from orderwright.payments.payment import Payment, Tender
from orderwright.returns.returns import ReturnItem, StockMove, Verdict

__all__ = [
    "ContactsForgotten",
    "CourseFired",
    "DueTransferred",
    "Event",
    "ExceptionOpened",
    "ExceptionResolved",
    "FulfillmentAdvanced",
    "FulfillmentsChanged",
    "FulfillmentsPlanned",
    "HoldPlaced",
    "HoldReleased",
    "Intended",
    "IntentClaimed",
    "IntentParked",
    "LabelReported",
    "LabelRequested",
    "MoneyMoved",
    "MoneyRequested",
    "NoteAdded",
    "NothingChanged",
    "OrderAdvanced",
    "OrderApproved",
    "OrderCancelled",
    "OrderContents",
    "OrderCredited",
    "OrderDrafted",
    "OrderEdited",
    "OrderPlaced",
    "OrderPromised",
    "ParcelScanned",
    "PaymentReported",
    "PaymentsAdded",
    "ReturnAdvanced",
    "ReturnCredited",
    "ReturnInspected",
    "ReturnReceived",
    "ReturnRequested",
    "StockPosted",
    "StockRefused",
    "StopRefused",
    "StopRequested",
    "TabClosed",
    "TabReopened",
    "TableChanged",
    "TagsChanged",
    "TransferSettled",
    "UnitsClaimed",
    "UnitsMissing",
]


@frozen(kw_only=True, eq=False, repr=False)
class OrderContents(Event):
    """Base of the events that say all of what an order is.

    ``payments`` are the tenders offered with it, amounts worked out; ``expires_at`` is when it
    expires unless it is covered by then; ``scheduled_for`` when it is wanted, if not at once;
    ``contact_id`` names the record of whom it is for; ``table`` where they sit.
    """

    order_id: str
    currency: str
    lines: tuple[OrderLine, ...]
    charges: tuple[Charge, ...]
    adjustments: tuple[Adjustment, ...]
    payments: tuple[Payment, ...]
    policy: Policy
    channel: str
    customer_id: str
    references: tuple[Reference, ...]
    expires_at: datetime | None
    state: State
    lifecycles: str
    service: str = ""
    scheduled_for: datetime | None = None
    contact_id: str = ""
    table: str = ""


@final
@frozen(kw_only=True, eq=False, repr=False)
class OrderPlaced(OrderContents):
    """The order exists, or was made of a draft, in whose place it comes."""


@final
@frozen(kw_only=True, eq=False, repr=False)
class OrderDrafted(OrderContents):
    """There is a draft, or another one in place of the one there was."""


@final
@frozen(kw_only=True, eq=False, repr=False)
class OrderApproved(Event):
    """A person vouched for the order: it may be confirmed, whatever is covered."""


@final
@frozen(kw_only=True, eq=False, repr=False)
class OrderPromised(Event):
    """The customer was told when to have everything."""

    promised_at: datetime


@final
@frozen(kw_only=True, eq=False, repr=False)
class TableChanged(Event):
    """The guests sit at another table now."""

    table: str


@final
@frozen(kw_only=True, eq=False, repr=False)
class TabClosed(Event):
    """No more rounds: what the guests owe is ``due``."""

    due: Money


@final
@frozen(kw_only=True, eq=False, repr=False)
class TabReopened(Event):
    """The guests want something more after all."""


@final
@frozen(kw_only=True, eq=False, repr=False)
class DueTransferred(Event):
    """What is due for ``units`` (line id, units; none: for everything) goes onto the tab ``to``."""

    to: str
    units: tuple[tuple[str, int], ...]
    credits: tuple[Credit, ...]


@final
@frozen(kw_only=True, eq=False, repr=False)
class TransferSettled(Event):
    """The other tab took it over; or it did not, and ``charges`` are due here again."""

    intent_id: str
    charges: tuple[Charge, ...] = ()


@final
@frozen(kw_only=True, eq=False, repr=False)
class CourseFired(Event):
    """The kitchen is to make the ``course`` now: (fulfillment id, state) of its tickets."""

    course: int
    states: tuple[tuple[str, State], ...]


@final
@frozen(kw_only=True, eq=False, repr=False)
class NoteAdded(Event):
    """Somebody wrote something down."""

    text: str


@final
@frozen(kw_only=True, eq=False, repr=False)
class NothingChanged(Event):
    """A ``command`` with a key found everything as it was to be; said again, it is known.

    ``said`` are pairs of a name and the fingerprint of what was said by it.
    """

    command: str
    said: tuple[tuple[str, str], ...] = ()


@final
@frozen(kw_only=True, eq=False, repr=False)
class TagsChanged(Event):
    """Tags were added and removed."""

    add: tuple[str, ...]
    remove: tuple[str, ...]


@final
@frozen(kw_only=True, eq=False, repr=False)
class OrderAdvanced(Event):
    """The order took the step ``action`` of its lifecycle."""

    action: str
    state: State


@final
@frozen(kw_only=True, eq=False, repr=False)
class OrderCancelled(Event):
    """Units will not be served, and are no longer due.

    ``action`` is cancel, discard, reject or expire, ``part`` where only some units were given up,
    ``stop`` where work on the fulfillment ``stopped`` ended, or ``report`` where a cancellation
    elsewhere was reported. ``units`` are (line id, units) cancelled; ``credits`` what is no longer
    due; ``withdrawn`` the fulfillments given up; ``split`` are (fulfillment id, what was taken out
    of it and given up).
    """

    action: Literal["cancel", "discard", "reject", "expire", "part", "report", "stop"]
    state: State
    units: tuple[tuple[str, int], ...]
    credits: tuple[Credit, ...]
    withdrawn: tuple[tuple[str, State], ...]
    split: tuple[tuple[str, Fulfillment], ...] = ()
    stopped: str = ""


@final
@frozen(kw_only=True, eq=False, repr=False)
class OrderEdited(Event):
    """What was ordered changed: ``changes`` were asked for.

    Without any it says what becomes of lines of which units were just given up, as asked for.
    ``lines`` are those that are new or different, whole; ``charges`` are new ones. The rest is
    empty where it stays as it was; ``expires_at`` goes with ``scheduled_for``.
    """

    changes: tuple[Change, ...]
    lines: tuple[OrderLine, ...]
    charges: tuple[Charge, ...]
    tenders: tuple[Tender, ...] = ()
    contact_id: str = ""
    service: str = ""
    scheduled_for: datetime | None = None
    expires_at: datetime | None = None


@final
@frozen(kw_only=True, eq=False, repr=False)
class ContactsForgotten(Event):
    """The personal data kept under these ids is gone."""

    contact_ids: tuple[str, ...]


@final
@frozen(kw_only=True, eq=False, repr=False)
class OrderCredited(Event):
    """``amount`` less is due of the line or charge ``target`` (empty: of the whole order)."""

    amount: Money
    target: str
    credits: tuple[Credit, ...]


@final
@frozen(kw_only=True, eq=False, repr=False)
class ReturnRequested(Event):
    """Units are announced to come back; ``exchange`` are the goods wanted for them."""

    return_id: str
    units: tuple[tuple[str, int], ...]
    exchange: tuple[DraftLine, ...]
    items: tuple[ReturnItem, ...]
    state: State


@final
@frozen(kw_only=True, eq=False, repr=False)
class ReturnAdvanced(Event):
    """A return took the step ``action``; ``fees`` are charged once its goods are credited."""

    return_id: str
    action: str
    state: State
    fees: tuple[Charge, ...] = ()


@final
@frozen(kw_only=True, eq=False, repr=False)
class ReturnReceived(Event):
    """``units`` of a return arrived at ``location``; ``items`` are all of it from now on."""

    return_id: str
    location: str
    units: tuple[tuple[str, int], ...]
    items: tuple[ReturnItem, ...]
    state: State
    moves: tuple[StockMove, ...]


@final
@frozen(kw_only=True, eq=False, repr=False)
class ReturnInspected(Event):
    """Units that came back were looked at: (line id, verdict, units)."""

    return_id: str
    verdicts: tuple[tuple[str, Verdict, int], ...]
    items: tuple[ReturnItem, ...]
    state: State
    moves: tuple[StockMove, ...]


@final
@frozen(kw_only=True, eq=False, repr=False)
class ReturnCredited(Event):
    """What came back is no longer due; ``charges`` and ``lines`` were added for it.

    ``state`` is that of the order, which is open again if something new is to be served.
    """

    return_id: str
    items: tuple[ReturnItem, ...]
    credits: tuple[Credit, ...]
    charges: tuple[Charge, ...]
    lines: tuple[OrderLine, ...]
    state: State


@final
@frozen(kw_only=True, eq=False, repr=False)
class UnitsClaimed(Event):
    """Fulfilled units are no good to the customer: lost, wrong or damaged, and do not come back.

    They are credited; ``lines`` are those sent in their place, which take over what was due.
    """

    units: tuple[tuple[str, int], ...]
    fault: Literal["lost", "wrong", "damaged"]
    remedy: Literal["refund", "replace"]
    credits: tuple[Credit, ...]
    lines: tuple[OrderLine, ...]
    state: State


@final
@frozen(kw_only=True, eq=False, repr=False)
class PaymentsAdded(Event):
    """Further tenders were offered; none, where a payment is for money that moved by itself."""

    tenders: tuple[Tender, ...]
    payments: tuple[Payment, ...]


@final
@frozen(kw_only=True, eq=False, repr=False)
class MoneyRequested(Event):
    """Somebody asked for money to be taken or paid back (``amount`` None: all there is).

    ``to`` is the tender it is paid out to, where that is another than it came from.
    """

    action: Literal["capture", "refund"]
    amount: Money | None
    payment_id: str
    to: Tender | None = None


@final
@frozen(kw_only=True, eq=False, repr=False)
class Intended(Event):
    """A call outside is about to be made; ``state`` is what a payment operation begins in."""

    intent: Intent
    state: State | None = None


@final
@frozen(kw_only=True, eq=False, repr=False)
class IntentClaimed(Event):
    """Somebody took over unfinished business, parked or not, until ``due_at``."""

    intent_id: str
    attempts: int
    due_at: datetime


@final
@frozen(kw_only=True, eq=False, repr=False)
class IntentParked(Event):
    """Unfinished business was given up for a person to look at."""

    intent_id: str


@final
@frozen(kw_only=True, eq=False, repr=False)
class FulfillmentsPlanned(Event):
    """It was decided who serves what; ``backordered`` is (line id, units) nobody has."""

    fulfillments: tuple[Fulfillment, ...]
    backordered: tuple[tuple[str, int], ...] = ()
    reasons: tuple[str, ...] = ()


@final
@frozen(kw_only=True, eq=False, repr=False)
class StockPosted(Event):
    """The ledger wrote the intent's posting.

    ``states`` are (fulfillment id, state) of those that moved on with it; ``stock`` is what is
    booked now for all that it was for, None where that stays as it was; ``removed`` are
    fulfillments that others came in place of.
    """

    intent_id: str
    states: tuple[tuple[str, State], ...] = ()
    stock: Booked | None = None
    removed: tuple[str, ...] = ()


@final
@frozen(kw_only=True, eq=False, repr=False)
class StockRefused(Event):
    """The ledger refused the intent's posting, for good.

    ``removed`` fulfillments are none any more: their units are open again. For ``freed`` ones
    nothing is held any more, because it had lapsed.
    """

    intent_id: str
    shortages: tuple[Shortage, ...]
    removed: tuple[str, ...] = ()
    freed: tuple[str, ...] = ()


@final
@frozen(kw_only=True, eq=False, repr=False)
class UnitsMissing(Event):
    """Reserved units are not there any more: (fulfillment id, what of it). They are open again.

    ``begun`` are those that were being made, as fulfillments of their own: what they are made of
    is used up.
    """

    units: tuple[tuple[str, FulfillmentItem], ...]
    begun: tuple[Fulfillment, ...] = ()


@final
@frozen(kw_only=True, eq=False, repr=False)
class PaymentReported(Event):
    """A provider answered, or reported later. ``due_at`` is when to ask again, None for never.

    ``next_action`` is what the customer has to do, ``expires_at`` when an authorization lapses,
    ``captured_once`` that its first capture gives back what is left of it.
    """

    payment_id: str
    operation_id: str
    state: State
    amount: Money
    reference: str = ""
    sequence: int = 0
    due_at: datetime | None = None
    next_action: str = ""
    expires_at: datetime | None = None
    captured_once: bool = False


@final
@frozen(kw_only=True, eq=False, repr=False)
class MoneyMoved(Event):
    """Money moved, or a reservation lapsed, without our asking anybody.

    ``method`` is by which it was told, empty where the payment was named; ``reference`` the name
    the outside world has for the movement.
    """

    payment_id: str
    kind: Movement
    operation_id: str
    amount: Money
    state: State
    method: str = ""
    reference: str = ""


@final
@frozen(kw_only=True, eq=False, repr=False)
class FulfillmentAdvanced(Event):
    """A fulfillment took the step ``action``.

    ``uncancelled`` is (line id, units) that left although they were cancelled; ``ended`` the step
    itself, where it came to nothing by it.
    """

    fulfillment_id: str
    action: str
    carrier: str = ""
    tracking: str = ""
    state: State
    uncancelled: tuple[tuple[str, int], ...] = ()
    ended: str = ""


@final
@frozen(kw_only=True, eq=False, repr=False)
class ParcelScanned(Event):
    """A carrier or courier said how far a parcel has come; ``expected_at`` is when it arrives.

    ``latest`` tells whether nothing later is known of it.
    """

    fulfillment_id: str
    status: ScanStatus
    place: str = ""
    expected_at: datetime | None = None
    latest: bool = True


@final
@frozen(kw_only=True, eq=False, repr=False)
class LabelRequested(Event):
    """A label ``label_id`` is to be bought (for ``service`` and ``parcels``), or given back.

    ``unnumbered``: with that, the fulfillment loses the number it had from it.
    """

    action: Literal["book", "cancel"]
    fulfillment_id: str
    service: str = ""
    parcels: tuple[Parcel, ...] = ()
    label_id: str = ""
    unnumbered: bool = False


@final
@frozen(kw_only=True, eq=False, repr=False)
class LabelReported(Event):
    """A carrier answered; ``label`` is what is known of the label now, None if it is given back.

    ``numbered``: the fulfillment is known by its number from now on. ``due_at`` is when to ask
    again, None for never.
    """

    action: Literal["book", "cancel"]
    intent_id: str
    label_id: str
    fulfillment_id: str
    outcome: LabelAnswer
    label: Label | None = None
    numbered: bool = False
    due_at: datetime | None = None


@final
@frozen(kw_only=True, eq=False, repr=False)
class FulfillmentsChanged(Event):
    """Work was divided anew: ``units`` (line id, units) of some, or all, of ``fulfillment_ids``.

    ``fulfillments`` are new or different from now on, ``removed`` are no more; ``location`` is
    where it was moved to.
    """

    action: Literal["split", "merge", "move", "short_pick"]
    fulfillment_ids: tuple[str, ...]
    units: tuple[tuple[str, int], ...] = ()
    location: str = ""
    fulfillments: tuple[Fulfillment, ...] = ()
    removed: tuple[str, ...] = ()


@final
@frozen(kw_only=True, eq=False, repr=False)
class StopRequested(Event):
    """The people at work on a fulfillment are asked to give up ``units`` (line id, units)."""

    fulfillment_id: str
    units: tuple[tuple[str, int], ...]


@final
@frozen(kw_only=True, eq=False, repr=False)
class StopRefused(Event):
    """The people at work on a fulfillment said that it is too late to stop."""

    fulfillment_id: str


@final
@frozen(kw_only=True, eq=False, repr=False)
class HoldPlaced(Event):
    """Something is stopped until the hold is released."""

    hold: Hold


@final
@frozen(kw_only=True, eq=False, repr=False)
class HoldReleased(Event):
    """The hold ``name`` is over."""

    name: str


@final
@frozen(kw_only=True, eq=False, repr=False)
class ExceptionOpened(Event):
    """Something happened that contradicts the order."""

    exception: OrderException


@final
@frozen(kw_only=True, eq=False, repr=False)
class ExceptionResolved(Event):
    """A person dealt with the exceptions of that ``code``."""

    code: str
    resolution: str
