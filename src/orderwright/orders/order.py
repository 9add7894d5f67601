"""Order: the aggregate. Its state is what its events add up to, and nothing else.

Reading starts here: the fields are the facts, the properties are derived from them, ``apply``
folds one event. What may happen next is decided in :mod:`orderwright.orders.commands` (what
people ask for) and :mod:`orderwright.orders.processing` (what follows from the facts).
"""

from __future__ import annotations

from datetime import datetime
from typing import (
    TYPE_CHECKING,
    ClassVar,
    Protocol,
    TypeVar,
    final,
)

from attrs import frozen

from orderwright.errors import BrokenPromise, NotFound
from orderwright.fulfillment.fulfillment import Fulfillment
from orderwright.fulfillment.shipping import Label, LabelRequest
from orderwright.inventory.entries import Reservation
from orderwright.lifecycles import STANDARD, Lifecycle, Lifecycles, Phase, State
from orderwright.money import Money
from orderwright.orders.amounts import Adjustment
from orderwright.orders.axes import DueItem, GoodsStatus, MoneyFigures, MoneyStatus
from orderwright.orders.folding import apply, first
from orderwright.orders.intents import Intent
from orderwright.orders.lines import (
    Blockable,
    Charge,
    Exchange,
    Hold,
    LineQuantities,
    OrderException,
    OrderLine,
    Policy,
    Reference,
)
from orderwright.payments.payment import Payment
from orderwright.returns.returns import Return
from orderwright.values import Once

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orderwright.orders.events import Event

__all__ = ["Order"]


@final
@frozen(kw_only=True, slots=False)
class Order:
    """An order as it stands after ``version`` events. Frozen: what happens makes a new one.

    ``fulfillments_planned`` counts all that ever were, so that no id is used twice, ``edits`` how
    often lines were added or changed after placement, ``lowered`` by how many minor units their
    totals fell by that, ``surplus`` how many people had paid back that nothing had freed.
    ``state`` is the first of three independent axes; ``money`` and ``goods`` are derived. All
    amounts are in ``currency``; all times are aware. ``promised_at`` is what the customer was told;
    a tab that is ``closed`` takes no more rounds. ``labels`` are those a carrier was asked for,
    less those that were given back.
    """

    CACHED: ClassVar[tuple[str, ...]] = ("figures", "stocked", "lines_by_id")
    """What is worked out once per order and must not be copied to the next."""

    id: str
    version: int
    state: State
    currency: str
    placed_at: datetime
    channel: str
    customer_id: str
    policy: Policy
    lines: tuple[OrderLine, ...]
    charges: tuple[Charge, ...]
    adjustments: tuple[Adjustment, ...]
    payments: tuple[Payment, ...]
    references: tuple[Reference, ...]
    lifecycles: Lifecycles
    fulfillments: tuple[Fulfillment, ...] = ()
    fulfillments_planned: int = 0
    expires_at: datetime | None = None
    intents: tuple[Intent, ...] = ()
    holds: tuple[Hold, ...] = ()
    exceptions: tuple[OrderException, ...] = ()
    edits: int = 0
    returns: tuple[Return, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    tags: frozenset[str] = frozenset()
    approved: bool = False
    service: str = ""
    scheduled_for: datetime | None = None
    contact_id: str = ""
    contact_ids: tuple[str, ...] = ()
    lowered: int = 0
    surplus: int = 0
    table: str = ""
    promised_at: datetime | None = None
    closed: bool = False
    labels: tuple[Label, ...] = ()

    @classmethod
    def replay(cls, events: Iterable[Event], lifecycles: Lifecycles = STANDARD) -> Order:
        """Return the order that ``events``, from its first on, add up to.

        Raises NotFound if there are none; BrokenPromise if the first does not place an order, an
        event cannot follow, or the order was made under other ``lifecycles``.
        """
        history = iter(events)
        opening = next(history, None)
        if opening is None:
            raise NotFound("history", "(empty)")
        order = first(cls, opening, lifecycles)
        for event in history:
            try:
                order = apply(order, event)
            except (LookupError, ValueError) as error:  # it is about what is not there
                wrong = f"{type(event).__name__} cannot follow on order {order.id}: {error!r:.80}"
                raise BrokenPromise("history", wrong) from error
        return order

    def after(self, events: Iterable[Event]) -> Order:
        """Return the order after ``events``, which must follow on this one."""
        order = self
        for event in events:
            order = apply(order, event)
        return order

    # Money ---------------------------------------------------------------------------------

    def _money(self, minor: int) -> Money:
        return Money(minor, self.currency)

    @property
    def total(self) -> Money:
        """What lines and charges come to, taxes and all, before anything was credited."""
        minor = sum(line.total.minor for line in self.lines)
        return self._money(minor + sum(charge.total.minor for charge in self.charges))

    @property
    def due(self) -> Money:
        """What the customer owes in all: the total less what was credited."""
        minor = 0
        for line in self.lines:
            minor += line.remaining.minor
        for charge in self.charges:
            minor += charge.remaining.minor
        return self._money(minor)

    @property
    def credited(self) -> Money:
        """How much less is due than once was: credits, and totals that were lowered."""
        return self._money(self.total.minor + self.lowered - self.due.minor)

    @Once
    def figures(self) -> MoneyFigures:
        """Everything about money at once, in minor units."""
        captured = refunded = authorized = capturing = refunding = charged_back = 0
        for payment in self.payments:
            sums = payment.sums
            captured += sums.captured
            refunded += sums.refunded
            authorized += sums.open_authorization
            capturing += sums.capturing
            refunding += sums.refunding
            charged_back += sums.charged_back
        due = self.due.minor
        return MoneyFigures(due, captured, refunded, authorized, capturing, refunding, charged_back)

    @property
    def failed_batches(self) -> set[int]:
        """The batches of tenders that do not succeed, because one of them was refused."""
        return {one.batch for one in self.payments if one.sums.refused}

    @property
    def cover(self) -> int:
        """What is kept, authorized and promised, in minor units, less what a refused sister undoes.

        Promised is what is collected afterwards.
        """
        failed = self.failed_batches
        minor = self.figures.kept - self.figures.refunding  # which is as good as gone
        for one in self.payments:
            if one.batch in failed:
                minor -= max(0, one.sums.undone - one.sums.refunding)
            else:
                minor += one.sums.open_authorization
                if one.collected == "afterwards":
                    minor += one.outstanding.minor
        return minor

    @property
    def uncovered(self) -> Money:
        """What is due and neither covered, nor being captured, nor being asked for."""
        figures, failed = self.figures, self.failed_batches
        coming = sum(
            one.amount.minor if one.unasked else one.sums.authorizing
            for one in self.payments
            if one.batch not in failed
        )
        return self._money(max(0, figures.due - self.cover - figures.capturing - coming))

    @property
    def covered(self) -> bool:
        """Whether the policy is satisfied with what was authorized, captured and promised."""
        if self.approved:
            return True
        covered = self.cover >= self.figures.due
        if self.policy.require_cover and not self.policy.tab:
            return covered
        if covered and self.figures.due > 0:  # whatever else was offered is not needed
            return True
        failed = self.failed_batches
        return not any(
            (one.unasked or one.sums.authorizing) and one.batch not in failed
            for one in self.payments
        )

    @property
    def captured(self) -> Money:
        """Taken from the customer, over all payments."""
        return self._money(self.figures.captured)

    @property
    def refunded(self) -> Money:
        """Paid back to the customer, over all payments."""
        return self._money(self.figures.refunded)

    @property
    def charged_back(self) -> Money:
        """Fetched back by customers' banks, less what they gave up."""
        return self._money(self.figures.charged_back)

    @property
    def refunding(self) -> Money:
        """Refunds whose outcome is open."""
        return self._money(self.figures.refunding)

    @property
    def authorized(self) -> Money:
        """Reserved at providers and still to be taken."""
        return self._money(self.figures.authorized)

    @property
    def balance(self) -> Money:
        """Kept minus due: negative is owed by the customer, positive is owed to them."""
        return self._money(self.figures.balance)

    @property
    def payout(self) -> Money:
        """What is to be paid back: max(0, captured - refunded - in flight - charged back - due)."""
        return self._money(self.figures.payout)

    @property
    def money(self) -> MoneyStatus:
        """The money axis."""
        figures = self.figures
        kept, due = figures.kept, figures.due
        if kept > due:
            return "overpaid"
        if kept == due:
            if due:
                return "paid"
            return "refunded" if figures.captured else "settled"
        if kept + figures.authorized + figures.capturing >= due:
            return "authorized"
        return "underpaid" if kept else "unpaid"

    # Goods ---------------------------------------------------------------------------------

    def quantities(self) -> dict[str, LineQuantities]:
        """Return where the units of each line are, by line id."""
        reserved: dict[str, int] = {}
        working: dict[str, int] = {}
        gone: dict[str, int] = {}
        arrived: dict[str, int] = {}
        into = {
            Phase.WAITING: (reserved,),
            Phase.WORKING: (working,),
            Phase.OUT: (gone,),
            Phase.DONE: (gone, arrived),
        }
        for one in self.fulfillments:
            for counts in into.get(one.state.phase, ()):
                for item in one.items:
                    counts[item.line_id] = counts.get(item.line_id, 0) + item.quantity
        coming: dict[str, int] = {}
        back: dict[str, int] = {}
        for sent in self.returns:
            for announced in sent.items:
                key = announced.line_id
                back[key] = back.get(key, 0) + announced.received - announced.sent_back
                coming[key] = coming.get(key, 0) + (announced.expected if sent.open else 0)
        found: dict[str, LineQuantities] = {}
        for line in self.lines:
            key = line.id
            held, at_work, left = reserved.get(key, 0), working.get(key, 0), gone.get(key, 0)
            settled = line.cancelled + line.backordered + held + at_work + left
            found[key] = LineQuantities(
                line.ordered,
                line.ordered - settled,
                held,
                line.backordered,
                at_work,
                left,
                line.cancelled,
                arrived.get(key, 0),
                coming.get(key, 0),
                back.get(key, 0),
                line.lost,
            )
        return found

    @property
    def goods(self) -> GoodsStatus:
        """The goods axis."""
        counts = self.quantities().values()
        live = sum(one.ordered - one.cancelled for one in counts)
        astray = sum(sum(one.units.values()) for one in self.fulfillments if one.astray)
        gone = sum(one.fulfilled for one in counts)
        arrived = sum(one.delivered for one in counts)
        found: tuple[tuple[bool, GoodsStatus], ...] = (
            (not live, "cancelled"),
            (arrived > 0 and arrived + astray == live, "delivered"),
            (arrived > 0, "partly_delivered"),
            (gone == live, "shipped"),
            (gone > 0, "partly_shipped"),
            (any(one.in_fulfilment for one in counts), "in_fulfilment"),
            (any(one.open for one in counts), "open"),
            (any(one.backordered for one in counts), "backordered"),
        )
        for holds, status in found:
            if holds:
                return status
        return "reserved"

    def cancellable(self) -> dict[str, int]:
        """Return how many units of each line can be cancelled now: those not at work, not gone."""
        found = {line.id: line.ordered - line.cancelled for line in self.lines}
        for one in self.fulfillments:
            if one.live and not self.may(one, "withdraw"):
                for item in one.items:
                    found[item.line_id] -= item.quantity
        return found

    @Once
    def stocked(self) -> bool:
        """Whether every unit that is neither cancelled nor backordered has been reserved."""
        placed = 0
        for one in self.fulfillments:
            if one.state.phase is Phase.PLANNED:
                return False
            if one.live:
                placed += sum([item.quantity for item in one.items])
        wanted = sum([one.ordered - one.cancelled - one.backordered for one in self.lines])
        return placed == wanted

    def reservations(self, fulfillment: Fulfillment) -> tuple[Reservation, ...]:
        """Return what the ledger holds, or is to hold, for ``fulfillment``; ids are derived."""
        return tuple(
            Reservation(
                f"{self.id}/{item.held_as or fulfillment.id}/{item.line_id}",
                item.sku,
                fulfillment.location,
                item.quantity,
                fulfillment.lapses_at,
                self.id,
                item.lot,
            )
            for item in fulfillment.items
        )

    # Looking up ----------------------------------------------------------------------------

    def line(self, line_id: str) -> OrderLine:
        """Return that line; raise NotFound."""
        if len(self.lines) <= _FEW:
            return _find(self.lines, "line", line_id, self.id)
        found = self.lines_by_id.get(line_id)
        if found is None:
            raise NotFound("line", line_id, self.id)
        return found

    @Once
    def lines_by_id(self) -> dict[str, OrderLine]:
        """The lines, to look many of them up."""
        return {line.id: line for line in self.lines}

    def payment(self, payment_id: str) -> Payment:
        """Return that payment; raise NotFound."""
        return _find(self.payments, "payment", payment_id, self.id)

    def fulfillment(self, fulfillment_id: str) -> Fulfillment:
        """Return that fulfillment; raise NotFound."""
        return _find(self.fulfillments, "fulfillment", fulfillment_id, self.id)

    def label(self, fulfillment_id: str) -> Label | None:
        """Return the label that a fulfillment leaves under; None if it has none.

        What was refused, or is to be given back, is only among ``labels``.
        """
        back = {one.request.booking for one in self.intents if type(one.request) is LabelRequest}
        for one in self.labels:
            if one.shipment.fulfillment_id == fulfillment_id and one.valid and one.id not in back:
                return one
        return None

    def return_(self, return_id: str) -> Return:
        """Return that return; raise NotFound."""
        return _find(self.returns, "return", return_id, self.id)

    def intent(self, intent_id: str) -> Intent:
        """Return that unfinished business; raise NotFound."""
        return _find(self.intents, "intent", intent_id, self.id)

    def allowed(self) -> tuple[str, ...]:
        """Return the steps the lifecycle permits now (guards may still refuse, with numbers)."""
        return self.lifecycles.order.allowed(self.state)

    def lifecycle(self, fulfillment: Fulfillment) -> Lifecycle:
        """Return what fulfillments of that kind go through."""
        return self.lifecycles.of(fulfillment.kind)

    def may(self, fulfillment: Fulfillment, action: str) -> bool:
        """Whether the fulfillment's lifecycle has that step now."""
        return self.lifecycle(fulfillment).after(fulfillment.state, action) is not None

    def busy(self, fulfillment: Fulfillment) -> bool:
        """Whether something about the fulfillment is being booked in the ledger."""
        return any(
            fulfillment.id in (*intent.fulfillments, *intent.replaces) for intent in self.intents
        )

    def blocked(self, what: Blockable, fulfillment_id: str = "") -> Hold | None:
        """Return the first hold that stops ``what``, on the order or just on that fulfillment."""
        for hold in self.holds:
            if what in hold.blocks and (
                not hold.fulfillments or fulfillment_id in hold.fulfillments
            ):
                return hold
        return None

    def has_exception(self, code: str) -> bool:
        """Whether an exception of that ``code`` is open."""
        return any(one.code == code for one in self.exceptions)

    @property
    def due_items(self) -> tuple[DueItem, ...]:
        """What somebody will have to look at and when, earliest first.

        Parked business waits for a person and is not among it. An order expires although a
        provider is still thinking: what comes of that is undone when it comes.
        """
        items = [DueItem(one.due_at, "resume", one.id) for one in self.intents if not one.parked]
        phase = self.state.phase
        thinking = {one.id for one in self.intents if one.under_way}
        thinking |= {
            operation.id
            for payment in self.payments
            for operation in payment.operations
            if operation.under_way
        }
        if all(one.subject in thinking for one in items) and phase in _ALIVE:
            left = any(one.gone for one in self.fulfillments)  # what has left cannot be given up
            judged = self.policy.confirm == "by_hand" and self.covered  # waits for a person
            expires = self.expires_at if phase is Phase.WAITING and not judged else None
            if expires is not None and not left and "expire" in self.allowed():
                items.append(DueItem(expires, "expire", self.id))
            reserving = any(one.state.phase is Phase.PLANNED for one in self.fulfillments)
            if not self.stocked and not reserving and not self.blocked("allocate"):
                items.append(DueItem(self.placed_at, "plan", self.id))
        if phase in _ALIVE:
            items += [DueItem(one.until, "hold", one.name) for one in self.holds if one.until]
            for payment in self.payments:
                lapses = payment.expires_at
                if lapses is not None and not payment.in_flight:
                    items.append(DueItem(lapses, "reauthorize", payment.id))
        return tuple(sorted(items)) if len(items) > 1 else tuple(items)

    @property
    def due_at(self) -> datetime | None:
        """When the first of :attr:`due_items` is due; None if nothing is."""
        items = self.due_items
        return items[0].at if items else None

    @property
    def all_references(self) -> tuple[Reference, ...]:
        """Every name others know the order by: given ones, providers' ids, tracking numbers."""
        return (
            *self.references,
            *(Reference("payment", name) for one in self.payments for name in one.references),
            *(Reference("tracking", one.tracking) for one in self.fulfillments if one.tracking),
            *(Reference("tracking", one.tracking) for one in self.labels if one.tracking),
        )


class _Named(Protocol):
    @property
    def id(self) -> str: ...


_N = TypeVar("_N", bound=_Named)


def _find(among: Iterable[_N], kind: str, key: str, order_id: str) -> _N:
    for one in among:
        if one.id == key:
            return one
    raise NotFound(kind, key, order_id)


_FEW = 20
_ALIVE = (Phase.WAITING, Phase.WORKING)
