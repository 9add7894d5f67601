"""The timeline of an order: its events in words, as plain data, as text, and as a picture."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, final

from attrs import frozen

from orderwright.lifecycles import MISSED, Phase
from orderwright.orders import events as e
from orderwright.orders.lines import AddAdjustment, AddCharge, AddLine
from orderwright.tracking.telling import local, on_one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import tzinfo
    from typing import Any

__all__ = ["TimelineEntry", "as_rows", "mermaid", "render", "timeline"]


@final
@frozen
class TimelineEntry:
    """One thing that happened: ``at`` is when it occurred, ``recorded_at`` when we learned of it.

    ``number`` is the event's number within its order; that is the order of the timeline, also
    where the times run backwards.
    """

    number: int
    at: datetime
    recorded_at: datetime
    text: str
    by: str = ""


def timeline(
    events: Iterable[e.Event], *, first: int = 1, zone: tzinfo = UTC
) -> tuple[TimelineEntry, ...]:
    """Return what the ``events`` of one order, numbered from ``first`` on, tell a person.

    Unfinished business is left out: an intent shows once its outcome is known. Times that are told
    of (a promise, an expected arrival) are those of ``zone``; ``at`` and ``recorded_at`` are UTC.
    """
    entries: list[TimelineEntry] = []
    for number, event in enumerate(events, first):
        words = _WORDS.get(type(event))
        timed = _TIMED.get(type(event))
        said = words(event) if words is not None else timed(event, zone) if timed else ""
        if said:
            at = event.at if event.occurred_at is None else event.occurred_at
            entries.append(TimelineEntry(number, at, event.at, said, event.by))
    return tuple(entries)


def as_rows(entries: Iterable[TimelineEntry]) -> list[dict[str, str | int]]:
    """Return the entries as plain data, ready for JSON; times are ISO 8601 in UTC."""
    return [
        {
            "number": entry.number,
            "at": entry.at.isoformat(),
            "recorded_at": entry.recorded_at.isoformat(),
            "text": entry.text,
            "by": entry.by,
        }
        for entry in entries
    ]


def render(entries: Iterable[TimelineEntry], *, zone: tzinfo = UTC) -> str:
    """Return the timeline as text, a line an entry, for a terminal in ``zone``."""
    return "\n".join(
        f"{local(entry.at, zone)}  {on_one_line(entry.text)}"
        + (f" ({on_one_line(entry.by)})" if entry.by else "")
        for entry in entries
    )


def mermaid(entries: Iterable[TimelineEntry], title: str = "", *, zone: tzinfo = UTC) -> str:
    """Return the timeline as a Mermaid ``timeline``: a section a day, a column a minute.

    Columns are in the order in which things occurred, in the time of ``zone``. What is written in
    the entries stays text, whatever it means to Mermaid or to a browser.
    """
    lines = ["timeline"]
    if title:
        lines.append(f"    title {_escaped(title)}")
    told = sorted((entry.at, entry.number, entry) for entry in entries)
    local = [(f"{at.astimezone(zone):%Y-%m-%d %H:%M}", entry) for at, _, entry in told]
    for day, of_day in groupby(local, lambda one: one[0][:10]):
        lines.append(f"    section {day}")
        for minute, of_minute in groupby(of_day, lambda one: one[0][11:]):
            said = " : ".join(_escaped(entry.text) for _, entry in of_minute)
            lines.append(f"        {_escaped(minute)} : {said}")
    return "\n".join(lines)


def _escaped(said: str) -> str:
    """What is neither a letter, a digit nor harmless becomes a Mermaid entity, such as ``#58;``."""
    shown = on_one_line(said).strip() or "-"  # a column without a word is none to Mermaid
    return "".join(
        char if char.isalnum() or char in _HARMLESS else f"#{ord(char)};" for char in shown
    )


_HARMLESS = " .,-_()/+'"


def _because(text: str, reason: str) -> str:
    return f"{text}: {reason}" if reason else text


def _units(count: int) -> str:
    return f"{count} unit" if count == 1 else f"{count} units"


def _placed(event: e.OrderPlaced) -> str:
    return f"placed: {_units(sum(line.ordered for line in event.lines))} by {event.channel}"


def _planned(event: e.FulfillmentsPlanned) -> str:
    parts = [
        f"{one.id} from {one.location} ({_units(sum(item.quantity for item in one.items))})"
        for one in event.fulfillments
    ]
    parts += [f"{units} of {line_id} backordered" for line_id, units in event.backordered]
    return f"planned: {', '.join(parts)}"


def _stock_refused(event: e.StockRefused) -> str:
    return f"stock had moved: {'; '.join(str(one) for one in event.shortages)}"


def _paid(event: e.PaymentReported) -> str:
    kind = event.operation_id.rsplit("/", 1)[-1].rsplit("-", 1)[0]
    noun, done = _MONEY.get(kind, (kind, kind))
    if event.state.phase is Phase.DONE:
        return f"{done} {event.amount} ({event.payment_id})"
    state = event.state.name.replace("_", " ")
    return _because(f"{noun} of {event.amount} {state} ({event.payment_id})", event.reason)


_MONEY = {
    "authorize": ("authorization", "authorized"),
    "capture": ("capture", "captured"),
    "charge": ("charge", "charged"),
    "void": ("voiding", "voided"),
    "refund": ("refund", "refunded"),
}


def _moved_by_itself(event: e.MoneyMoved) -> str:
    return _because(f"{_BY_ITSELF[event.kind]} {event.amount} ({event.payment_id})", event.reason)


_BY_ITSELF = {
    "receipt": "received",
    "repayment": "paid back",
    "chargeback": "charged back",
    "reversal": "chargeback reversed:",
    "lapse": "authorization lapsed:",
}


def _stock_posted(event: e.StockPosted) -> str:
    return "stock reserved" if event.states else ""


def _moved(event: e.FulfillmentAdvanced) -> str:
    with_ = " ".join(part for part in (event.carrier, event.tracking) if part)
    # How it had left may be told only after it arrived, or came to nothing.
    later = event.state.phase is Phase.DONE or event.state == MISSED or event.ended
    state = "handed over" if later and event.action in _LEAVING else event.state
    return f"{event.fulfillment_id} {state}" + (f" with {with_}" if with_ else "")


_LEAVING = ("ship", "dispatch")


def _scanned(event: e.ParcelScanned, zone: tzinfo) -> str:
    place = f" in {event.place}" if event.place else ""
    due = f", expected {local(event.expected_at, zone)}" if event.expected_at else ""
    return f"{event.fulfillment_id} scanned{place}: {event.status.replace('_', ' ')}{due}"


def _label_asked(event: e.LabelRequested) -> str:
    if event.action == "book":
        return ""  # what comes of it is told
    return _because(f"{event.fulfillment_id} label to be given back", event.reason)


def _label_told(event: e.LabelReported) -> str:
    name, label = event.fulfillment_id, event.label
    if label is not None and label.valid:
        cost = "" if label.cost is None else f" for {label.cost}"
        return f"{name} labelled {label}{cost}"
    if event.outcome == "succeeded":
        return f"{name} label given back"
    noun = "label" if event.action == "book" else "giving its label back"
    return _because(f"{name} {noun} {event.outcome}", event.reason)


def _rearranged(event: e.FulfillmentsChanged) -> str:
    names = ", ".join(event.fulfillment_ids)
    told = {
        "split": f"{names} split: {_listed(event.units)}",
        "merge": f"{names} merged",
        "move": f"{names} is to move to {event.location}",
        "short_pick": f"{names} short of {_listed(event.units)}",
    }
    return _because(told[event.action], event.reason)


def _cancelled(event: e.OrderCancelled) -> str:
    word = "cancelled elsewhere" if event.action == "report" else event.state.name
    if event.action in ("part", "stop"):
        word = f"cancelled {_listed(event.units)}"
    return _because(word, event.reason)


def _edited(event: e.OrderEdited, zone: tzinfo) -> str:
    told: list[str] = []
    for one in event.changes:
        if isinstance(one, AddLine):
            told.append(f"{_units(one.line.quantity)} of {one.line.sku} more")
        elif isinstance(one, AddCharge):
            told.append(f"{one.charge.kind} of {one.charge.amount}")
        elif isinstance(one, AddAdjustment):
            told.append(f"{one.adjustment.name} on {one.line_id or 'all lines'}")
        else:
            price = "" if one.unit_price is None else f" at {one.unit_price}"
            units = "" if one.quantity is None else f" {_units(one.quantity)}"
            told.append(f"{one.line_id} now{units}{price}")
    if not event.changes:
        told += (f"taxes of {line.id}" for line in event.lines)
    if event.contact_id:
        told.append("contact")
    if event.service:
        told.append(f"service {event.service}")
    if event.scheduled_for is not None:
        told.append(f"wanted at {local(event.scheduled_for, zone)}")
    return _because(f"changed: {', '.join(told)}", event.reason)


def _listed(units: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{count} of {line_id}" for line_id, count in units)


def _inspected(event: e.ReturnInspected) -> str:
    told = ", ".join(f"{verdict} {count} of {one}" for one, verdict, count in event.verdicts)
    return _because(f"return {event.return_id} inspected: {told}", event.reason)


def _offered(event: e.PaymentsAdded) -> str:
    if not event.tenders:  # only to note money that moved by itself
        return ""
    tenders = (f"{one.amount} by {one.method}" for one in event.payments)
    return f"payment offered: {', '.join(tenders)}"


def _asked(event: e.MoneyRequested) -> str:
    return _because(f"{event.action} of {event.amount or 'all'} asked for", event.reason)


_WORDS: Mapping[type[e.Event], Callable[[Any], str]] = {
    e.OrderPlaced: _placed,
    e.OrderAdvanced: lambda event: _because(event.state.name, event.reason),
    e.OrderCancelled: _cancelled,
    e.OrderDrafted: lambda event: f"drafted: {_units(sum(one.ordered for one in event.lines))}",
    e.OrderApproved: lambda event: _because("approved", event.reason),
    e.NoteAdded: lambda event: f"note: {event.text}",
    e.TagsChanged: lambda event: " ".join(
        ["tagged:", *(f"+{one}" for one in event.add), *(f"-{one}" for one in event.remove)]
    ),
    e.OrderCredited: lambda event: _because(f"{event.amount} credited", event.reason),
    e.ReturnRequested: lambda event: _because(
        f"return {event.return_id} of {_listed(event.units)} asked for", event.reason
    ),
    e.ReturnAdvanced: lambda event: _because(
        f"return {event.return_id} {event.state}", event.reason
    ),
    e.ReturnReceived: lambda event: (
        f"{_listed(event.units)} came back to {event.location} ({event.return_id})"
    ),
    e.ReturnInspected: _inspected,
    e.ReturnCredited: lambda event: f"return {event.return_id} credited",
    e.UnitsClaimed: lambda event: _because(
        f"{_listed(event.units)} {event.fault}, {event.remedy}", event.reason
    ),
    e.PaymentsAdded: _offered,
    e.MoneyRequested: _asked,
    e.IntentParked: lambda event: f"{event.intent_id} parked: {event.reason}",
    e.FulfillmentsPlanned: _planned,
    e.StockPosted: _stock_posted,
    e.StockRefused: _stock_refused,
    e.UnitsMissing: lambda event: (
        "missing: "
        + ", ".join(f"{item.quantity} of {item.line_id} ({name})" for name, item in event.units)
    ),
    e.PaymentReported: _paid,
    e.FulfillmentAdvanced: _moved,
    e.FulfillmentsChanged: _rearranged,
    e.LabelRequested: _label_asked,
    e.LabelReported: _label_told,
    e.HoldPlaced: lambda event: _because(f"hold {event.hold.name}", event.hold.reason),
    e.HoldReleased: lambda event: _because(f"hold {event.name} released", event.reason),
    e.ExceptionOpened: lambda event: _because(
        f"exception {event.exception.code}", event.exception.detail
    ),
    e.ExceptionResolved: lambda event: f"exception {event.code} resolved: {event.resolution}",
    e.MoneyMoved: _moved_by_itself,
    e.ContactsForgotten: lambda event: _because("personal data forgotten", event.reason),
    e.StopRequested: lambda event: _because(
        f"{event.fulfillment_id} asked to stop {_listed(event.units)}", event.reason
    ),
    e.CourseFired: lambda event: (
        f"course {event.course} fired: {', '.join(name for name, _ in event.states)}"
        if event.course
        else f"fired: {', '.join(name for name, _ in event.states)}"
    ),
    e.TableChanged: lambda event: _because(f"now at table {event.table}", event.reason),
    e.TabClosed: lambda event: _because(f"tab closed at {event.due}", event.reason),
    e.TabReopened: lambda event: _because("tab open again", event.reason),
    e.DueTransferred: lambda event: _because(
        f"{_listed(event.units) or 'all that is due'} moved to {event.to}", event.reason
    ),
    e.TransferSettled: lambda event: f"due here again: {event.reason}" if event.charges else "",
    e.StopRefused: lambda event: _because(f"{event.fulfillment_id} too late to stop", event.reason),
}

_TIMED: Mapping[type[e.Event], Callable[[Any, tzinfo], str]] = {
    e.OrderEdited: _edited,
    e.ParcelScanned: _scanned,
    e.OrderPromised: lambda event, zone: _because(
        f"promised for {local(event.promised_at, zone)}", event.reason
    ),
}
"""Those whose words tell of a time."""
