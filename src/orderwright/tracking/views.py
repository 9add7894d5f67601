"""The customer's view of an order: where it is, what comes next, when; and nothing internal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, final

from orderwright.lifecycles import Phase
from orderwright.money import Money
from orderwright.orders.modifiers import told
from orderwright.tracking.delays import outstanding
from orderwright.tracking.progress import headline, lowered, settled, stage_of, stages, steps, words
from orderwright.tracking.telling import columns, in_words, local, on_one_line, rows
from orderwright.values import in_utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import tzinfo

    from orderwright.fulfillment.fulfillment import Fulfillment, ScanStatus
    from orderwright.orders.events import Event
    from orderwright.orders.lines import OrderLine
    from orderwright.orders.order import Order
    from orderwright.returns.returns import Return
    from orderwright.tracking.progress import OrderStage, Step
    from orderwright.tracking.telling import Plain

__all__ = [
    "CustomerView",
    "Extra",
    "Item",
    "ParcelView",
    "SentBack",
    "ToDo",
    "customer_view",
]


@final
class Item(NamedTuple):
    """What was ordered: ``quantity`` units are to come or have come, ``amount`` is due for them.

    ``wishes`` are its modifiers in words, ``part_of`` names the kit it came in.
    """

    name: str
    quantity: int
    amount: Money
    wishes: str = ""
    seat: str = ""
    part_of: str = ""
    cancelled: int = 0


@final
class Extra(NamedTuple):
    """What is due besides the goods: shipping, a tip."""

    kind: str
    amount: Money


@final
class ParcelView(NamedTuple):
    """Something that a carrier or courier brings: where it was seen last, when it is expected.

    ``contents`` are pairs of a name and its units; times are UTC.
    """

    text: str
    carrier: str
    tracking: str
    contents: tuple[tuple[str, int], ...]
    status: ScanStatus | None = None
    place: str = ""
    seen_at: datetime | None = None
    expected_at: datetime | None = None
    arrived_at: datetime | None = None


@final
class SentBack(NamedTuple):
    """Goods that come back: how far that is, and pairs of a name and the units announced."""

    text: str
    contents: tuple[tuple[str, int], ...]


@final
class ToDo(NamedTuple):
    """What the customer has to do: ``action`` is what the provider gave, mostly an address."""

    text: str
    amount: Money
    action: str = ""
    until: datetime | None = None


@final
class CustomerView(NamedTuple):
    """An order as its customer may see it. All times are UTC, all amounts in one currency.

    ``total`` is what is owed in all; ``paid`` is kept of it, ``reserved`` will be taken, ``to_pay``
    is neither; ``refunding`` is on its way back. ``expected_at`` is when the last of what has not
    arrived should, as far as plan and carriers tell. ``late_by`` measures against ``promised_at``,
    and ``apology`` tells it kindly.
    """

    order_id: str
    stage: OrderStage
    headline: str
    steps: tuple[Step, ...]
    parcels: tuple[ParcelView, ...]
    items: tuple[Item, ...]
    extras: tuple[Extra, ...]
    total: Money
    paid: Money
    reserved: Money
    to_pay: Money
    refunding: Money
    refunded: Money
    to_do: tuple[ToDo, ...]
    sent_back: tuple[SentBack, ...]
    placed_at: datetime
    scheduled_for: datetime | None
    promised_at: datetime | None
    expected_at: datetime | None
    late_by: timedelta | None
    apology: str
    table: str

    def plain(self) -> dict[str, Plain]:
        """Return the view as plain data, ready for JSON."""
        return rows(self)

    def render(self, *, zone: tzinfo = UTC) -> str:
        """Return the view as text for a terminal, with the times of ``zone``."""
        return "\n".join(_rendered(self, zone))


def customer_view(order: Order, *, now: datetime, history: Iterable[Event] = ()) -> CustomerView:
    """Return what the customer may see of ``order`` at ``now`` (aware).

    With the order's ``history`` more steps have their time. Nothing internal shows: no holds,
    exceptions, notes, tags, reasons, people, places, stock, policy, instruments or providers'
    numbers. States of your own show as what their phase means. Raises InvalidInput for a time
    without a zone.
    """
    now = in_utc(now, "now")
    parts = [one for one in order.fulfillments if one.live and not settled(order, one)]
    found = stages(order, parts)
    late_by, apology = _lateness(order, parts, now)
    figures = order.figures
    covered = figures.kept + figures.authorized + figures.capturing
    return CustomerView(
        order_id=order.id,
        stage=next(iter(found)),
        headline=headline(found),
        steps=tuple(steps(order, parts, found, history)),
        parcels=tuple(_parcel(order, one) for one in parts if _carried(one)),
        items=tuple(_item(line) for line in order.lines),
        extras=tuple(Extra(one.kind, one.remaining) for one in order.charges),
        total=order.due,
        paid=Money(figures.kept, order.currency),
        reserved=order.authorized,
        to_pay=Money(max(0, figures.due - covered), order.currency),
        refunding=order.refunding,
        refunded=order.refunded,
        to_do=tuple(_to_do(order)),
        sent_back=tuple(_sent_back(order, one) for one in order.returns),
        placed_at=order.placed_at,
        scheduled_for=order.scheduled_for,
        promised_at=order.promised_at,
        expected_at=max(_expected(parts), default=None),
        late_by=late_by,
        apology=apology,
        table=order.table,
    )


# What it is --------------------------------------------------------------------------------


def _name(line: OrderLine) -> str:
    return line.name or line.sku


def _item(line: OrderLine) -> Item:
    kit = line.kit
    return Item(
        name=_name(line),
        quantity=line.ordered - line.cancelled,
        amount=line.remaining,
        wishes=told(line.modifiers),
        seat=line.seat,
        part_of=(kit.name or kit.sku) if kit else "",
        cancelled=line.cancelled,
    )


def _carried(one: Fulfillment) -> bool:
    return bool(one.carrier or one.tracking or one.scan) or one.state.phase is Phase.OUT


def _parcel(order: Order, one: Fulfillment) -> ParcelView:
    scan = one.scan
    stage = stage_of(one)
    return ParcelView(
        text=words(order, one, stage),
        carrier=one.carrier,
        tracking=one.tracking,
        contents=tuple((_name(order.line(key)), units) for key, units in one.units.items()),
        status=scan and scan.status,
        place=scan.place if scan else "",
        seen_at=scan and scan.at,
        expected_at=None if stage == "delivered" else scan and scan.expected_at,
        arrived_at=one.arrived_at,
    )


def _sent_back(order: Order, one: Return) -> SentBack:
    contents = tuple((_name(order.line(it.line_id)), it.announced) for it in one.items)
    return SentBack(_BACK[one.state.phase], contents)


_BACK: Mapping[Phase, str] = {
    Phase.PLANNED: "Asked for",
    Phase.WAITING: "Expected back",
    Phase.WORKING: "Being checked",
    Phase.OUT: "On its way back",
    Phase.DONE: "Settled",
    Phase.DROPPED: "Not going ahead",
}


# What comes next ---------------------------------------------------------------------------


def _expected(parts: Sequence[Fulfillment]) -> Iterator[datetime]:
    for one in parts:
        if one.state.phase is not Phase.DONE and not one.ended:
            told_at = one.scan.expected_at if one.scan else None
            expected = told_at or one.promised_at
            if expected is not None:
                yield expected


def _lateness(
    order: Order, parts: Sequence[Fulfillment], now: datetime
) -> tuple[timedelta | None, str]:
    promised = order.promised_at
    if promised is None or order.state.phase is Phase.DROPPED or not outstanding(order):
        return None, ""
    late_by = max((now, *_told_by_carriers(parts))) - promised
    if late_by <= timedelta(0):
        return None, ""
    if now > promised:
        return late_by, f"We are sorry that this is late, by {in_words(late_by)}."
    return late_by, f"We are sorry that this will be late, by about {in_words(late_by)}."


def _told_by_carriers(parts: Sequence[Fulfillment]) -> Iterator[datetime]:
    for one in parts:
        if one.scan and one.scan.expected_at and stage_of(one) in ("on_the_way", "missed"):
            yield one.scan.expected_at


def _to_do(order: Order) -> Iterator[ToDo]:
    if order.state.phase in (Phase.PLANNED, Phase.DROPPED):
        return
    until = order.expires_at if order.state.phase is Phase.WAITING else None
    failed = order.failed_batches
    uncovered = order.uncovered
    for one in order.payments:
        if one.next_action:
            yield ToDo("Confirm your payment", one.amount, one.next_action, until)
        if one.outstanding and one.batch not in failed:
            by = one.method.replace("_", " ")
            if one.collected == "beforehand":
                uncovered -= one.outstanding
                yield ToDo(f"Pay by {by}", one.outstanding, "", until)
            else:
                yield ToDo(f"Pay by {by}", one.outstanding, "", one.payable_by)
    asked = order.closed if order.policy.tab else order.policy.require_cover
    if asked and uncovered.minor > 0:
        yield ToDo("Choose how to pay", uncovered, "", until)


# In a terminal -----------------------------------------------------------------------------

_MARKS = {"done": "[x]", "current": "[>]", "partly": "[~]", "to_come": "[ ]"}


def _rendered(view: CustomerView, zone: tzinfo) -> Iterator[str]:
    yield on_one_line(f"Order {view.order_id}: {view.headline}")
    if view.apology:
        yield view.apology
    yield ""
    yield from columns(
        [
            (_MARKS[step.status], step.text, local(step.at, zone) if step.at else "")
            for step in view.steps
        ]
    )
    for one in view.parcels:
        yield ""
        yield from columns(list(_parcel_told(one, zone)))
    yield ""
    yield from columns(list(_items_told(view)))
    yield ""
    yield from columns(list(_figures_told(view, zone)))
    for back in view.sent_back:
        what = ", ".join(f"{units} x {name}" for name, units in back.contents)
        yield on_one_line(f"  Sent back: {what}. {back.text}")
    for do in view.to_do:
        until = f" until {local(do.until, zone)}" if do.until else ""
        at = f": {do.action}" if do.action else ""
        yield on_one_line(f"  Please: {lowered(do.text)}, {do.amount}{until}{at}")


def _parcel_told(one: ParcelView, zone: tzinfo) -> Iterator[tuple[str, str]]:
    named = " ".join(part for part in (one.carrier, one.tracking) if part)
    yield "Parcel", f"{one.text}, {named}" if named else one.text
    yield "with", ", ".join(f"{units} x {name}" for name, units in one.contents)
    if one.seen_at and not one.arrived_at:
        yield "seen", f"{local(one.seen_at, zone)} {one.place}".rstrip()
    if one.expected_at:
        yield "expected", local(one.expected_at, zone)
    if one.arrived_at:
        yield "arrived", local(one.arrived_at, zone)


def _items_told(view: CustomerView) -> Iterator[tuple[str, str, str]]:
    for item in view.items:
        notes = [item.wishes, f"in {item.part_of}" if item.part_of else ""]
        notes += [f"{item.cancelled} cancelled" if item.cancelled else ""]
        noted = ", ".join(note for note in notes if note)
        yield f"{item.quantity} x", item.name + (f" ({noted})" if noted else ""), str(item.amount)
    for extra in view.extras:
        yield "", extra.kind, str(extra.amount)


def _figures_told(view: CustomerView, zone: tzinfo) -> Iterator[tuple[str, str]]:
    yield "Total", str(view.total)
    for name, amount in (
        ("Paid", view.paid),
        ("Reserved", view.reserved),
        ("To pay", view.to_pay),
        ("Coming back", view.refunding),
        ("Paid back", view.refunded),
    ):
        if amount:
            yield name, str(amount)
    for name, at in (
        ("Wanted", view.scheduled_for),
        ("Promised", view.promised_at),
        ("Expected", view.expected_at),
    ):
        if at:
            yield name, local(at, zone)
