"""The parts of the status page that show single orders: what needs somebody, tickets, progress."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Final, NamedTuple, final
from urllib.parse import quote

from status_parts import DASH, NOTHING, TIMES, Html, el, grid, joined, lasting, many, moment, money

from orderwright import Money, Order
from orderwright.lifecycles import Phase
from orderwright.orders.events import Event
from orderwright.tracking.board import KitchenTicket
from orderwright.tracking.delays import Delay, DelayReason, Limits, delays
from orderwright.tracking.staff import ADVICE, StaffView, staff_view
from orderwright.tracking.telling import in_words
from orderwright.tracking.timeline import timeline
from orderwright.tracking.views import CustomerView, ParcelView, customer_view


@final
class Moment(NamedTuple):
    """The orders, all events of each by its id, and the moment at which they are looked at."""

    orders: Sequence[Order]
    histories: Mapping[str, Sequence[Event]]
    now: datetime
    zone: tzinfo
    limits: Limits

    def time(self, at: datetime | None) -> Html:
        """A time as people here read it."""
        return moment(at, self.now, self.zone)

    def late(self, order: Order) -> tuple[Delay, ...]:
        """What is late with an order, the worst first and each reason once."""
        found = delays(order, now=self.now, limits=self.limits)
        return tuple({one.reason: one for one in reversed(found)}.values())[::-1]


def is_open(order: Order) -> bool:
    """Whether anybody still has to do anything for it."""
    return order.state.phase in (Phase.WAITING, Phase.WORKING)


def whose(order: Order) -> str:
    """The table or the customer of an order."""
    return f"Table {order.table}" if order.table else order.customer_id


SERVICES: Final = {
    "dine_in": "At tables",
    "takeaway": "Takeaway",
    "delivery": "Delivery",
    "parcel": "Parcels",
}


def service_name(service: str) -> str:
    """A service as people call it."""
    return SERVICES.get(service, service.replace("_", " ").capitalize() or "Other")


def sum_of(amount: Money) -> Html:
    """An amount of an order."""
    return money(amount.minor, amount.currency)


# What needs somebody -------------------------------------------------------------------------

LATE_WORDS: Final[Mapping[DelayReason, str]] = {
    "promise_broken": "promised time has passed",
    "will_be_late": "carrier expects to be late",
    "plan_missed": "behind its plan",
    "too_late_to_start": "too late to start",
    "slow": "takes longer in the kitchen",
    "stuck": "stands there too long",
    "silent": "carrier says nothing",
    "overdue": "something is left unfinished",
    "parked": "waits for a person",
    "expiring": "about to expire unpaid",
}


def decisions(here: Moment) -> list[tuple[Order, str, Html]]:
    """What waits for a person: the order, what is wrong with it, and what to do."""
    found = [
        (order, one.code.replace("_", " "), joined([ADVICE.get(one.code, "look into it")]))
        for order in here.orders
        for one in order.exceptions
    ]
    return found + [
        (order, "not paid", joined(["ask the customer; expires ", here.time(order.expires_at)]))
        for order in here.orders
        if order.state.phase is Phase.WAITING
    ]


def attention(here: Moment) -> Html:
    """What is late, the worst first, and what a person has to decide."""
    late = [(found, order) for order in here.orders if (found := here.late(order))]
    late.sort(key=lambda pair: -pair[0][0].late_by)
    rows = [
        (
            link(order.id),
            el("span", whose(order), class_="n"),
            ", ".join(LATE_WORDS[one.reason] for one in found),
            here.time(found[0].since),
            el("span", lasting(found[0].late_by), class_="bad n"),
        )
        for found, order in late
    ]
    wrong = [
        (
            link(order.id),
            el("span", whose(order), class_="n"),
            el("span", what, class_="bad"),
            advice,
        )
        for order, what, advice in decisions(here)
    ]
    lists = [
        _list(
            "Late", "The latest first", ("Order", "Whose", "What", "Due or since", "By"), rows, "4"
        ),
        _list(
            "To decide",
            "These wait for a person",
            ("Order", "Whose", "What", "What to do"),
            wrong,
            "",
        ),
    ]
    return el(
        "section",
        el("h2", "Needs somebody", id="late"),
        el("div", *lists, class_="pair"),
    )


def anchor(order_id: str) -> str:
    """Where on the page an order is; whatever it is called, it is one word."""
    return f"order-{quote(order_id, safe='')}"


def link(order_id: str) -> Html:
    """A way to an order on the page."""
    return el("a", order_id, href=f"#{anchor(order_id)}")


def _list(
    title: str, caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]], right: str
) -> Html:
    told = grid(caption, heads, rows, right=right) if rows else el("p", "Nothing.", class_="fine")
    return el("div", el("h3", f"{title} ({len(rows)})"), told, class_="card")


# The kitchen ---------------------------------------------------------------------------------


def stations(here: Moment, tickets: Sequence[KitchenTicket], sold_out: Sequence[str]) -> Html:
    """The board: what each station cooks now, has ready, and will be asked for."""
    count = {
        stage: sum(one.stage == stage for one in tickets) for stage in ("cook", "ready", "waiting")
    }
    first = f"{many(count['cook'], 'ticket')} to cook, in the order in which to begin; "
    said: list[str] = [
        first + f"{count['ready']} ready to go out, {count['waiting']} to be fired later."
    ]
    if sold_out:
        said += [" ", el("span", "Sold out: ", ", ".join(sold_out), class_="tag bad")]
    boards = [
        _station(here, name, [one for one in tickets if one.station == name])
        for name in sorted({one.station for one in tickets})
    ]
    return el(
        "section",
        el("h2", "The kitchen now", id="kitchen"),
        el("p", *said, class_="soft"),
        el("div", *boards, class_="stations"),
    )


def _station(here: Moment, name: str, tickets: Sequence[KitchenTicket]) -> Html:
    now = [one for one in tickets if one.stage != "waiting"]
    later = [one for one in tickets if one.stage == "waiting"]
    busy = sum(one.units for one in now if one.stage == "cook")
    fold = NOTHING
    if later:
        inside = (_ticket(here, one) for one in later)
        fold = el(
            "details", el("summary", f"{len(later)} to be fired later"), *inside, class_="fold"
        )
    return el(
        "div",
        el(
            "h3", name, " ", el("span", many(busy, "dish to cook", "dishes to cook"), class_="soft")
        ),
        *(_ticket(here, one) for one in now),
        fold,
        class_="card",
    )


def _ticket(here: Moment, one: KitchenTicket) -> Html:
    place = f"Table {one.table}" if one.table else f"{one.order_id}, {one.service}"
    kind, state = "", one.state
    if one.stage == "ready":
        kind, state = "ready", "ready"
    elif one.begun:
        kind = "begun"
    told: list[str] = [state]
    if one.stage == "ready":
        told = ["ready since ", here.time(one.since)]
    elif one.begun:
        told = ["at work since ", here.time(one.since)]
    elif one.begin_at is not None:
        verb = "fire at " if one.stage == "waiting" else "begin at "
        told = [verb, here.time(one.begin_at)]
    elif one.stage == "waiting":
        told = ["when the course before is eaten"]
    end = NOTHING
    if one.late:
        end = el("span", f"late {lasting(one.late)}", class_="tag bad")
    elif one.ready_by is not None and one.stage != "ready":
        end = el("span", "by ", here.time(one.ready_by), class_="n")
    return el(
        "div",
        el("div", el("b", place), end, class_="row"),
        el("ul", *(_plate(plate.quantity, plate.name, plate.modifiers) for plate in one.plates)),
        el("span", *told, class_="soft"),
        class_=f"ticket {'late' if one.late else kind}".rstrip(),
    )


def _plate(units: int, name: str, wishes: str) -> Html:
    return el(
        "li", f"{units} {TIMES} {name}", el("span", f", {wishes}", class_="soft") if wishes else ""
    )


# Orders --------------------------------------------------------------------------------------


def open_orders(here: Moment) -> Html:
    """Every open order with its progress; opened, all that customer and staff may see of it."""
    found = [one for one in here.orders if is_open(one)]
    said = "Open one to see what its customer sees, what staff see, and what happened."
    return el(
        "section",
        el("h2", "Open orders", id="orders"),
        el("p", said, class_="soft"),
        *_by_service(here, _late_first(here, found)),
    )


def folded(here: Moment) -> Html:
    """Orders that are done or given up, folded away."""
    found = [one for one in here.orders if not is_open(one)]
    found.sort(key=lambda one: one.placed_at, reverse=True)
    told = f"{many(len(found), 'order')}, the last first"
    return el(
        "section",
        el("h2", "Finished or given up", id="done"),
        el("details", el("summary", told), *_by_service(here, found), class_="fold"),
    )


def _by_service(here: Moment, orders: Sequence[Order]) -> Iterator[Html]:
    groups: dict[str, list[Order]] = {}
    for order in orders:
        groups.setdefault(order.service, []).append(order)
    for service, mine in sorted(groups.items()):
        number = el("span", str(len(mine)), class_="soft")
        yield el("h3", service_name(service), " ", number, class_="group")
        yield el("div", *(order_card(here, one) for one in mine), class_="cards")


def _late_first(here: Moment, orders: Iterable[Order]) -> list[Order]:
    def key(order: Order) -> tuple[timedelta, datetime]:
        late = max((one.late_by for one in here.late(order)), default=timedelta(0))
        return -late, order.placed_at

    return sorted(orders, key=key)


def order_card(here: Moment, order: Order) -> Html:
    """An order: in short, and unfolded its customer's view, the staff's, and its timeline."""
    history = here.histories[order.id]
    view = customer_view(order, now=here.now, history=history)
    done = sum(step.status == "done" for step in view.steps)
    bar = el(
        "span",
        *(el("i", class_=one.status) for one in view.steps),
        class_="steps",
        aria_hidden="true",
    )
    summary = el(
        "summary",
        el(
            "span",
            el("span", el("b", order.id), " ", whose(order)),
            sum_of(view.total),
            class_="row",
        ),
        bar,
        el(
            "span",
            el("span", view.headline),
            el("span", f" ({done} of {len(view.steps)} steps done)", class_="hidden"),
            _badge(here, order, view),
            class_="row",
        ),
    )
    return el(
        "details",
        summary,
        el(
            "div",
            _customer(here, view),
            _staff(here, order),
            _timeline(here, history),
            class_="columns",
        ),
        class_="card",
        id=anchor(order.id),
    )


def _badge(here: Moment, order: Order, view: CustomerView) -> Html:
    late = here.late(order)
    if late:
        return el("span", f"late {lasting(late[0].late_by)}", class_="tag bad")
    if order.exceptions:
        return el("span", order.exceptions[0].code.replace("_", " "), class_="tag bad")
    if order.state.phase is Phase.WAITING:
        return el("span", "not paid", class_="tag bad")
    promised = view.promised_at
    if promised is not None and is_open(order):
        return el("span", "for ", here.time(promised), class_="n soft")
    return el("span", "since ", here.time(order.placed_at), class_="n soft")


MARKS: Final = {"done": "✓", "current": "●", "partly": "◐", "to_come": "○"}


def _customer(here: Moment, view: CustomerView) -> Html:
    """What the customer's own page says."""
    steps = [
        el(
            "li",
            el("span", MARKS[step.status], aria_hidden="true"),
            el(
                "span",
                step.text,
                el("span", f" ({step.status.replace('_', ' ')})", class_="hidden"),
            ),
            here.time(step.at) if step.at else "",
            class_=step.status,
        )
        for step in view.steps
    ]
    items = grid(
        "Ordered",
        ("Item", "Units", "Amount"),
        [
            (
                joined(
                    [
                        item.name,
                        el("span", f", {item.wishes}", class_="soft") if item.wishes else "",
                    ]
                ),
                f"{item.quantity}" + (f", {item.cancelled} cancelled" if item.cancelled else ""),
                sum_of(item.amount),
            )
            for item in view.items
        ]
        + [(extra.kind.capitalize(), "", sum_of(extra.amount)) for extra in view.extras],
        right="1 2",
    )
    apology = el("p", view.apology, class_="bad") if view.apology else NOTHING
    return el(
        "div",
        el("h4", "What the customer sees"),
        apology,
        el("ol", *steps, class_="way"),
        *(_parcel(here, one) for one in view.parcels),
        *(el("p", "Please: ", one.text, ", ", sum_of(one.amount)) for one in view.to_do),
        *(el("p", "Sent back: ", one.text) for one in view.sent_back),
        items,
        _facts(
            (name, sum_of(amount))
            for name, amount in (
                ("Total", view.total),
                ("Paid", view.paid),
                ("Reserved", view.reserved),
                ("To pay", view.to_pay),
                ("Paid back", view.refunded),
            )
            if amount
        ),
    )


def _parcel(here: Moment, one: ParcelView) -> Html:
    by = f"{one.carrier} {one.tracking}".strip()
    told = ", ".join(part for part in (one.text, by, one.place) if part)
    due = joined([", expected ", here.time(one.expected_at)]) if one.expected_at else NOTHING
    return el("p", told, due)


def _facts(pairs: Iterable[tuple[str, str]]) -> Html:
    inside = joined(joined([el("dt", name), el("dd", said)]) for name, said in pairs if said)
    return el("dl", inside, class_="facts") if inside else NOTHING


def _staff(here: Moment, order: Order) -> Html:
    """What those who work on it see; work that was given up is told in its timeline."""
    view = staff_view(order, now=here.now, limits=here.limits)
    named = {one.id: one.name or one.sku for one in view.lines}
    work = grid(
        "Work, where it is done",
        ("Where and what", "State", "Next"),
        [
            (
                joined([f"{one.location} {one.id}", _contents(one.units, named)]),
                joined([one.state.replace("_", " "), " ", here.time(one.since)]),
                ", ".join(one.next[:3]).replace("_", " ") or DASH,
            )
            for one in view.work
            if order.fulfillment(one.id).live
        ],
    )
    return el(
        "div",
        el("h4", "What staff see"),
        _facts(_staff_facts(here, view)),
        el("div", work) if view.work else NOTHING,
    )


def _contents(units: Iterable[tuple[str, int]], named: Mapping[str, str]) -> Html:
    inside = (el("span", f"{count} {TIMES} {named[line]}") for line, count in units)
    return el("span", *inside, class_="what soft")


def _staff_facts(here: Moment, view: StaffView) -> Iterator[tuple[str, str]]:
    yield "State", f"{view.state}, {view.money}, {view.goods}".replace("_", " ")
    yield "Came by", ", ".join(one.replace("_", " ") for one in (view.channel, view.service) if one)
    if view.tab:
        yield "Tab", f"{'closed' if view.closed else 'open'}, {many(view.rounds, 'round')}"
    yield "Promised", here.time(view.promised_at) if view.promised_at else ""
    for late in view.delays:
        said = f"{LATE_WORDS[late.reason]}, {in_words(late.late_by)} ({late.where})"
        yield "Late", el("span", said, class_="bad")
    for wrong in view.exceptions:
        code = wrong.code.replace("_", " ")
        yield "Wrong", joined([el("span", code, class_="bad"), f": {wrong.advice}"])
    for line in view.lines:
        lacking = line.units.open + line.units.backordered
        if lacking:
            yield "Waits", f"{lacking} {TIMES} {line.name or line.sku}"
    for hold in view.holds:
        yield "Held", f"{hold.name}: {hold.reason}"
    for call in view.unfinished:
        yield "Unfinished", f"{call.purpose}, {call.parked or call.reason}"
    for due in view.coming_up:
        yield "By itself", joined([here.time(due.at), f" {due.action} {due.subject}"])
    yield "Owed", sum_of(view.figures.uncovered) if view.figures.uncovered else ""
    yield "To pay back", sum_of(view.figures.payout) if view.figures.payout else ""
    yield "May", ", ".join(view.allowed) or "nothing more"


def _timeline(here: Moment, history: Sequence[Event]) -> Html:
    """Everything that happened to it."""
    entries = [
        el(
            "li",
            here.time(one.at),
            el("span", one.text, el("span", f" ({one.by})", class_="soft") if one.by else ""),
        )
        for one in timeline(history, zone=here.zone)
    ]
    return el("div", el("h4", "What happened"), el("ol", *entries, class_="line"))
