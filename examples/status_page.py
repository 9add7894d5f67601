"""One page on which everybody sees where an order is, and how the business runs.

    python examples/status_page.py            says how large it is, and some of what is on it
    python examples/status_page.py page.html  writes it there; open it in any browser

It needs nothing but orderwright, and the page needs nothing at all: one file without a script, a
picture or a request, for light and dark, a phone and a wide screen. `page` is a pure function of
orders, their histories and a moment; call it as often as you like and serve, mail or print what it
returns. What is shown here is a Friday evening (`status_day`), in the middle of it.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone, tzinfo
from fractions import Fraction
from pathlib import Path
from typing import Final

from status_day import OPENS, House, live_through
from status_orders import (
    Moment,
    attention,
    decisions,
    folded,
    link,
    open_orders,
    service_name,
    stations,
)
from status_parts import (
    DASH,
    NOTHING,
    Html,
    bar,
    card,
    document,
    el,
    grid,
    joined,
    lasting,
    load_chart,
    many,
    moment,
    money,
    part,
    percent,
)

from orderwright import Order
from orderwright.lifecycles import Phase
from orderwright.orders.events import Event
from orderwright.tracking.board import KitchenTicket
from orderwright.tracking.delays import DEFAULT_LIMITS, Limits
from orderwright.tracking.kitchen import KitchenLoad
from orderwright.tracking.losses import Losses
from orderwright.tracking.reports import Period, read, table
from orderwright.tracking.revenue import Revenue, RevenueRow
from orderwright.tracking.service_levels import FillRate, ServiceLevels, ServiceRow
from orderwright.tracking.stages import Backlog, CycleRow, CycleTimes, Funnel

SLOT: Final = timedelta(minutes=15)


class Figures:
    """The reports that the page draws, told every order in one pass over the histories.

    "Today" is the day that a clock in `zone` shows at `now`.
    """

    def __init__(
        self, histories: Iterable[Sequence[Event]], *, now: datetime, zone: tzinfo
    ) -> None:
        today = Period.of_days(now.astimezone(zone).date(), zone=zone)
        self.today = today
        self.placed, self.funnel = Funnel(period=today), Funnel()
        self.sales = Revenue(period=today)
        self.channels = Revenue(by=["channel"], period=today)
        self.dishes = Revenue(by=["sku"], period=today)
        self.kinds = Revenue(by=["kind"], period=today)
        self.service = ServiceLevels(now, period=today)
        self.services = ServiceLevels(now, by=["service"], period=today)
        self.filled = FillRate(period=today)
        self.load = KitchenLoad(today, now, slot=SLOT)
        self.backlog, self.cycles, self.losses = Backlog(now), CycleTimes(by=["service"]), Losses()
        read(
            histories,
            *(self.placed, self.funnel, self.sales, self.channels, self.dishes, self.kinds),
            *(self.service, self.services, self.filled, self.load),
            *(self.backlog, self.cycles, self.losses),
        )


def page(
    orders: Sequence[Order],
    histories: Mapping[str, Sequence[Event]],
    tickets: Sequence[KitchenTicket] = (),
    *,
    now: datetime,
    zone: tzinfo,
    title: str,
    sold_out: Sequence[str] = (),
    limits: Limits = DEFAULT_LIMITS,
) -> str:
    """Return the page of `orders` as they stand at `now`, with the times of `zone`.

    `histories` are all events of each order by its id, `tickets` what the kitchen's board has,
    `sold_out` the SKUs that cannot be had any more. What is late follows from the `limits`.
    """
    found = Figures((histories[one.id] for one in orders), now=now, zone=zone)
    names = {line.sku: line.name or line.sku for order in orders for line in order.lines}
    here = Moment(orders, histories, now, zone, limits)
    parts = {"late": attention(here)}
    if tickets:
        parts["kitchen"] = stations(here, tickets, [names.get(one, one) for one in sold_out])
    parts["orders"] = open_orders(here)
    if found.load.rows():
        parts["load"] = kitchen_load(found, zone)
    parts |= {"sales": sold(found, names), "service": served_well(found), "ways": ways(found)}
    parts |= {"back": taken_back(found), "done": folded(here)}
    local = now.astimezone(zone)
    day = f"{local:%A} {local.day} {local:%B %Y}, {local:%H:%M}"
    clock = el("time", day, datetime=local.isoformat(timespec="minutes"))
    links = [el("a", SECTIONS[key], href=f"#{key}") for key in parts]
    head = el(
        "header",
        el("h1", title),
        el("p", clock, f" ({local:%Z})"),
        el("nav", *links, aria_label="Parts of this page"),
        el("dl", *tiles(here, found, tickets), class_="tiles"),
    )
    end = el("footer", "Every figure is worked out from the orders' own histories.")
    return document(title, [head, el("main", *parts.values()), end])


# First of all --------------------------------------------------------------------------------

SECTIONS: Final = {
    "late": "Needs somebody",
    "kitchen": "Kitchen",
    "orders": "Open orders",
    "load": "Kitchen load",
    "sales": "Sales",
    "service": "Service",
    "ways": "How far, how long",
    "back": "Taken back",
    "done": "Finished",
}


def tiles(here: Moment, found: Figures, tickets: Sequence[KitchenTicket]) -> Iterator[Html]:
    """The few figures, each with what it is made of."""
    placed = sum(row.orders for row in found.placed.rows() if row.stage == "placed")
    is_open = [one for one in here.orders if one.state.phase in (Phase.WAITING, Phase.WORKING)]
    yield tile("Orders today", "orders", str(placed), f"{len(is_open)} open, of any day")
    for row in found.sales.rows():
        net = joined(["net ", money(row.net_minor, row.currency)])
        gross = money(row.gross_minor, row.currency)
        yield tile("Revenue today", f"revenue-{row.currency}", str(row.gross_minor), net, gross)
    kept = next(iter(found.service.rows()), None)
    rate = percent(kept.on_time_rate if kept else None)
    said = f"{kept.on_time} of {many(kept.promised, 'promise')} kept" if kept else "none was due"
    yield tile("On time today", "on-time", str(kept.on_time if kept else 0), said, rate)
    perfect = kept.perfect if kept else 0
    said = f"{perfect} of {many(kept.orders, 'order')} due" if kept else "none was due"
    rate = percent(kept.perfect_rate if kept else None)
    yield tile("Perfect today", "perfect", str(perfect), said, rate)
    late = [one for one in here.orders if here.late(one)]
    wrong = len(decisions(here))
    note = f"{many(wrong, 'decision')} to take" if wrong else "nothing to decide"
    yield tile("Late now", "late", str(len(late)), note, bad=bool(late))
    cooking = [one for one in tickets if one.stage == "cook"]
    behind = sum(bool(one.late) for one in cooking)
    if tickets:
        note = f"{many(sum(one.units for one in cooking), 'dish', 'dishes')}, {behind} late"
        yield tile("Tickets to cook", "tickets", str(len(cooking)), note)


def tile(name: str, key: str, value: str, note: str, shown: str = "", *, bad: bool = False) -> Html:
    """A figure; `value` is what it is to a program, `shown` to a person."""
    figure = el("data", shown or value, value=value, id=f"figure-{key}")
    return el(
        "div",
        el("dt", name),
        el("dd", figure, class_="big bad" if bad else "big"),
        el("dd", note, class_="note"),
    )


# Today ---------------------------------------------------------------------------------------


def kitchen_load(found: Figures, zone: tzinfo) -> Html:
    """How busy each station was, quarter by quarter."""
    rows = found.load.rows()
    first, last = (of(row.start for row in rows) for of in (min, max))
    slots = [first + SLOT * number for number in range((last - first) // SLOT + 1)]
    most = -(-max(row.making for row in rows) // 4) * 4
    charts: list[Html] = []
    for name in sorted({row.station for row in rows}):
        mine = [row for row in rows if row.station == name]
        told = (
            f"{many(sum(row.dishes for row in mine), 'dish', 'dishes')} fired, "
            f"{many(sum(row.made for row in mine), 'ticket')} made, "
            f"{sum(row.late for row in mine)} late"
        )
        charts.append(
            card(
                el("h3", name),
                el("p", told, class_="soft"),
                load_chart(name, mine, slots, most, zone),
            )
        )
    keys = [
        el("span", bar((1, kind)), words)
        for kind, words in (
            ("made", "tickets being made"),
            ("late", "of them not ready in the time their dishes take"),
        )
    ]
    cells = grid(
        "Tickets and dishes by station and slot",
        ("Station", "From", "Being made", "Dishes fired", "Made", "Late"),
        [
            (
                row.station,
                moment(row.start, found.today.start, zone),
                str(row.making),
                str(row.dishes),
                str(row.made),
                str(row.late),
            )
            for row in rows
        ],
        right="2 3 4 5",
    )
    return part(
        "load",
        "Kitchen load today",
        "What each station had in its hands. All have the same scale.",
        el("div", *keys, class_="key"),
        el("div", *charts, class_="stations"),
        el("details", el("summary", "The same as a table"), cells, class_="fold"),
    )


def sold(found: Figures, names: Mapping[str, str]) -> Html:
    """Where revenue comes from, and what sells best."""
    whole = {row.currency: row.gross_minor for row in found.sales.rows()}
    goods = sorted(
        (row for row in found.dishes.rows() if row.sku and row.units > 0),
        key=lambda row: (-row.gross_minor, row.sku),
    )
    channels = _revenue("Channel", [(row.channel, row) for row in found.channels.rows()], whole)
    kinds = _revenue("Kind", [(row.kind, row) for row in found.kinds.rows()], whole)
    most = _most(goods)
    dishes = grid(
        "What sells best, by revenue",
        ("Item", "", "Units", "Gross"),
        [
            (
                names.get(row.sku, row.sku),
                bar((_share(row.gross_minor, most[row.currency]), "made")),
                str(row.units),
                money(row.gross_minor, row.currency),
            )
            for row in goods[:10]
        ],
        right="2 3",
    )
    said = "What is due of what was ordered today, paid or not, less what was credited today."
    return part(
        "sales", "Sales today", said, el("div", card(channels, kinds), card(dishes), class_="pair")
    )


def _revenue(by: str, rows: Sequence[tuple[str, RevenueRow]], whole: Mapping[str, int]) -> Html:
    ranked = sorted(rows, key=lambda pair: -pair[1].gross_minor)
    most = _most([row for _, row in rows])
    return grid(
        f"Revenue by {by.lower()}",
        (by, "", "Gross", "Net", "Share"),
        [
            (
                name.capitalize(),
                bar((_share(row.gross_minor, most[row.currency]), "made")),
                money(row.gross_minor, row.currency),
                money(row.net_minor, row.currency),
                percent(_share(row.gross_minor, whole[row.currency])),
            )
            for name, row in ranked
        ],
        right="2 3 4",
    )


def _most(rows: Iterable[RevenueRow]) -> dict[str, int]:
    """The largest revenue in each currency."""
    return {row.currency: row.gross_minor for row in sorted(rows, key=lambda row: row.gross_minor)}


def _share(count: int, of: int) -> Fraction:
    return max(Fraction(0), Fraction(count, of)) if of else Fraction(0)


def served_well(found: Figures) -> Html:
    """On time, in full, perfect: what was due today."""

    def row(name: str, one: ServiceRow) -> tuple[str, ...]:
        kept = f"{one.on_time} of {one.promised}" if one.promised else DASH
        told = [name, str(one.orders), kept]
        for rate in (one.on_time_rate, one.in_full_rate, one.otif_rate, one.perfect_rate):
            drawn = bar((rate, "good")) if rate is not None else NOTHING
            told.append(joined([el("span", percent(rate), class_="n"), drawn]))
        return tuple(told)

    rows = [row(service_name(one.service), one) for one in found.services.rows()]
    rows += [row("All", one) for one in found.service.rows()]
    heads = ("Service", "Orders due", "Promises kept", "On time", "In full", "Both", "Perfect")
    said: list[str] = [
        "Orders that were due today and have arrived, or should have. ",
        "Who was promised no time cannot be late.",
    ]
    for one in found.filled.rows():
        filled = el("span", percent(one.unit_rate), class_="n")
        said += [" Of the units ordered today, ", filled, " could be had at once."]
    cells = grid("On time, in full, perfect", heads, rows, right="1")
    return part("service", "Service today", joined(said), card(cells))


# Since the first of them ---------------------------------------------------------------------

STAGE_WORDS: Final = {
    "placed": "Placed",
    "confirmed": "Confirmed",
    "begun": "Work begun",
    "left": "First part left",
    "arrived": "All arrived",
    "completed": "Completed",
}


def ways(found: Figures) -> Html:
    """How many came how far, and how long it took them."""
    funnel = grid(
        "How far orders came",
        ("Stage", "", "Orders", "Share", "Given up there"),
        [
            (
                STAGE_WORDS[row.stage],
                bar((row.reached_rate or 0, "made")),
                str(row.orders),
                percent(row.reached_rate),
                str(row.lost or DASH),
            )
            for row in found.funnel.rows()
        ],
        right="2 3 4",
    )
    longest: dict[str, timedelta] = {}
    shown = [row for row in found.cycles.rows() if row.ninetieth]
    for row in shown:
        longest[row.service] = max(row.ninetieth, longest.get(row.service, row.ninetieth))
    cycles = grid(
        "Half took up to the median (dark), nine of ten up to the end of the bar",
        ("Way", "", "Orders", "Median", "90th"),
        [
            (
                joined([service_name(row.service), ", ", el("span", row.span, class_="soft")]),
                _range(row, longest[row.service]),
                str(row.orders),
                lasting(row.median),
                lasting(row.ninetieth),
            )
            for row in shown
        ],
        right="2 3 4",
    )
    return part(
        "ways",
        "How far, and how long",
        "All orders on this page, of whatever day. Ways that take no time are left out.",
        el("div", card(funnel, backlog_of(found)), card(cycles), class_="pair"),
    )


def _range(row: CycleRow, longest: timedelta) -> Html:
    second = timedelta(seconds=1)
    median, ninetieth = (
        Fraction(one // second, longest // second) for one in (row.median, row.ninetieth)
    )
    return bar((median, "made"), (ninetieth - median, "pale"))


def backlog_of(found: Figures) -> Html:
    """What is not done yet, by how far it is and for how long."""
    return grid(
        "What is open, by the last stage it reached and how long ago that was",
        ("Stage", "Since", "Orders", "Units to come", "Oldest"),
        [
            (
                STAGE_WORDS[row.stage],
                f"under {lasting(row.to_age)}" if row.to_age else f"over {lasting(row.from_age)}",
                str(row.orders),
                str(row.units),
                link(row.oldest_order_id),
            )
            for row in found.backlog.rows()
        ],
        right="2 3",
    )


def taken_back(found: Figures) -> Html:
    """Cancelled, returned, claimed, refunded: how much, and why."""
    kinds = grid(
        "What was taken back",
        ("What", "Orders", "Share", "Units", "Amount", "Share"),
        [
            (
                row.kind.capitalize(),
                str(row.orders),
                percent(row.order_rate),
                str(row.units or DASH),
                money(row.amount_minor, row.currency),
                percent(row.amount_rate),
            )
            for row in found.losses.rows()
        ],
        right="1 2 3 4 5",
    )
    most = max((row.amount_minor for row in found.losses.reasons()), default=0)
    reasons = grid(
        "Why",
        ("What", "Reason", "", "Orders", "Amount"),
        [
            (
                row.kind.capitalize(),
                row.reason or el("span", "none given", class_="soft"),
                bar((_share(row.amount_minor, most), "late")),
                str(row.orders),
                money(row.amount_minor, row.currency),
            )
            for row in found.losses.reasons()
        ],
        right="3 4",
    )
    said = "Of all orders on this page, of whatever day."
    return part("back", "Taken back", said, el("div", card(kinds), card(reasons), class_="pair"))


# The Friday ----------------------------------------------------------------------------------

MOMENT: Final = OPENS + timedelta(hours=2, minutes=42)
ZONE: Final = timezone(timedelta(hours=1), "CET")
PATIENCE: Final = Limits(stuck={("ticket", "ready"): timedelta(minutes=20)})


def page_of(house: House) -> str:
    """The page of the house as it stands."""
    orders = house.everything()
    return page(
        orders,
        {one.id: house.desk.history(one.id) for one in orders},
        house.board.tickets(house.now),
        now=house.now,
        zone=ZONE,
        title="The Copper Pot, kitchen and pantry",
        sold_out=house.sold_out,
        limits=PATIENCE,
    )


def main(arguments: Sequence[str]) -> None:
    """Write the page where asked to, and nothing else; say what is on it."""
    house = live_through(MOMENT)
    made = page_of(house)
    where = ""
    if arguments:
        Path(arguments[0]).write_text(made, "utf-8")
        where = f" in {arguments[0]}"
    print(f"{len(house.everything())} orders on a page of {len(made.encode()) // 1024} KB{where}")
    histories = (house.desk.history(one.id) for one in house.everything())
    print(table(Figures(histories, now=house.now, zone=ZONE).services.rows()))


if __name__ == "__main__":
    main(sys.argv[1:])
