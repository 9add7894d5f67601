"""What the status page is built of: markup that escapes, figures in words, charts, and its style.

Whatever is not `Html` is words, and is escaped where it enters an element. So a guest may be called
anything, and a page is well-formed by construction.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, tzinfo
from fractions import Fraction
from html import escape
from typing import Final, final

from orderwright import Money
from orderwright.money import round_ratio
from orderwright.tracking.kitchen import LoadRow
from orderwright.tracking.telling import on_one_line


@final
class Html(str):
    """Markup, as against words: it stands as it is."""

    __slots__ = ()


NOTHING: Final = Html("")
DASH: Final = "\N{EN DASH}"
"""Stands where there is no figure."""
TIMES: Final = "\N{MULTIPLICATION SIGN}"


def joined(parts: Iterable[str]) -> Html:
    """Pieces of markup one after the other; words among them are escaped."""
    return Html(
        "".join(one if isinstance(one, Html) else escape(on_one_line(one)) for one in parts)
    )


def el(name: str, *children: str, **attributes: str) -> Html:
    """An element: `el("td", "3 < 4", class_="n")`. Attributes that are empty are left out."""
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(on_one_line(value))}"'
        for key, value in attributes.items()
        if value
    )
    return Html(f"<{name}{told}>{joined(children)}</{name}>")


def part(key: str, title: str, said: str, *inside: Html) -> Html:
    """A part of the page, under its heading."""
    return el("section", el("h2", title, id=key), el("p", said, class_="soft"), *inside)


def card(*inside: Html) -> Html:
    """A sheet on the page."""
    return el("div", *inside, class_="card")


# Figures in words ----------------------------------------------------------------------------

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def moment(at: datetime | None, now: datetime, zone: tzinfo) -> Html:
    """A time as a clock in `zone` shows it, with its day unless that is today; a dash for none."""
    if at is None:
        return el("span", DASH, class_="soft")
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    day = f"{DAYS[local.weekday()]} {local.day} {MONTHS[local.month - 1]} "
    shown = f"{'' if local.date() == today else day}{local:%H:%M}"
    return el("time", shown, datetime=local.isoformat(timespec="minutes"))


def lasting(span: timedelta) -> str:
    """How long something takes, to two places: `45 s`, `12 min`, `1 h 05`, `2 d 4 h`."""
    seconds = span // timedelta(seconds=1)
    if seconds < 60:
        return f"{seconds} s"
    whole = seconds // 60
    if whole < 60:
        return f"{whole} min"
    hours, rest = divmod(whole, 60)
    if hours < 24:
        return f"{hours} h {rest:02}" if rest else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def money(minor: int, currency: str) -> Html:
    """An amount, with the currency set small beside it."""
    amount = f"{Money(minor, currency).amount:,f}"
    return el("span", amount, " ", el("span", currency, class_="unit"), class_="n")


def percent(share: Fraction | None) -> str:
    """A rate in percent, to a tenth; a dash of nothing."""
    if share is None:
        return DASH
    tenths = round_ratio(share.numerator * 1_000, share.denominator, "half_up")
    return f"{tenths // 10}.{tenths % 10} %"


def many(number: int, one: str, more: str = "") -> str:
    """A number of things: `1 order`, `2 orders`."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"


# Tables and charts ---------------------------------------------------------------------------


def grid(
    caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]], *, right: str = ""
) -> Html:
    """A table whose first column names its rows; `right` are the numbers of columns of figures."""
    of = {int(one): "n" for one in right.split()}
    body = [
        el(
            "tr",
            *(
                el(
                    "th" if index == 0 else "td",
                    cell,
                    scope="row" * (not index),
                    class_=of.get(index, ""),
                )
                for index, cell in enumerate(row)
            ),
        )
        for row in rows
    ]
    head = el(
        "tr", *(el("th", one, scope="col", class_=of.get(at, "")) for at, one in enumerate(heads))
    )
    made = el(
        "table",
        el("caption", caption),
        el("thead", head),
        el("tbody", *body),
        class_="wide" if len(heads) > 4 else "",
    )
    return el("div", made, class_="scroll", tabindex="0", role="region", aria_label=caption)


def bar(*parts: tuple[Fraction | int, str]) -> Html:
    """A bar as wide as its place, filled by shares of it. It stands beside the figure it draws."""
    drawn: list[Html] = []
    at = Fraction(0)
    for share, kind in parts:
        drawn.append(_rect(_short(at * 100), "0", _short(Fraction(share) * 100), "10", kind))
        at += share
    return el(
        "svg",
        _rect("0", "0", "100", "10", "back"),
        *drawn,
        class_="bar",
        viewBox="0 0 100 10",
        preserveAspectRatio="none",
        aria_hidden="true",
    )


def _rect(x: str, y: str, width: str, height: str, kind: str) -> Html:
    return el("rect", x=x, y=y, width=width, height=height, class_=kind)


def _short(value: Fraction | int) -> str:
    """A length in a drawing, to a hundredth."""
    return f"{float(value):.2f}"


WIDE, HIGH, LEFT, TOP, FLOOR = 320, 150, 22, 8, 126


def load_chart(
    name: str, rows: Sequence[LoadRow], slots: Sequence[datetime], most: int, zone: tzinfo
) -> Html:
    """The tickets a station was making, a column a slot; what was late of them stands on top."""
    by_start = {row.start: row for row in rows}
    step = Fraction(WIDE - LEFT, len(slots))
    each = Fraction(FLOOR - TOP, most)
    drawn: list[Html] = []
    for level in range(0, most + 1, max(1, most // 4)):
        y = FLOOR - each * level
        drawn += [_rule(Fraction(LEFT), Fraction(WIDE), y, y)]
        drawn += [el("text", str(level), x=str(LEFT - 5), y=_short(y + 4), class_="end")]
    for index, start in enumerate(slots):
        x, local = LEFT + step * index, start.astimezone(zone)
        if local.minute == 0:
            drawn += [_rule(x, x, Fraction(FLOOR), Fraction(FLOOR + 5))]
            place = "mid" if index else ""
            drawn += [el("text", f"{local:%H:%M}", x=_short(x), y=str(HIGH - 6), class_=place)]
        row = by_start.get(start)
        if row is not None:
            drawn += [_column(row, f"{local:%H:%M}", x + 1, step - 2, each)]
    told = f"{name}: tickets being made, slot by slot, at most {max(row.making for row in rows)}"
    view = f"0 0 {WIDE} {HIGH}"
    return el("svg", *drawn, class_="chart", viewBox=view, role="img", aria_label=told)


def _rule(x1: Fraction, x2: Fraction, y1: Fraction, y2: Fraction) -> Html:
    ends = {"x1": _short(x1), "x2": _short(x2), "y1": _short(y1), "y2": _short(y2)}
    return el("line", class_="rule", **ends)


def _column(row: LoadRow, at: str, x: Fraction, width: Fraction, each: Fraction) -> Html:
    """A column; whoever points at it is told its figures."""
    late = min(row.late, row.making)
    top, turn = FLOOR - each * row.making, FLOOR - each * (row.making - late)
    fired = many(row.dishes, "dish", "dishes")
    return el(
        "g",
        el("title", f"{at}: {row.making} being made, {fired} fired, {row.late} late"),
        _rect(_short(x), _short(turn), _short(width), _short(FLOOR - turn), "made"),
        _rect(_short(x), _short(top), _short(width), _short(turn - top), "late"),
    )


# The sheet of paper --------------------------------------------------------------------------

STYLE: Final = Html("""
:root { color-scheme: light dark;
  --bg: #f3f0ea; --card: #fffdf9; --line: #ddd5c8; --ink: #23201b; --soft: #675f53;
  --accent: #0f6a74; --pale: #c5dfe0; --late: #b3271b; --late-pale: #fbe3df;
  --good: #2a6d45; --good-pale: #dbeee0; --back: #ebe5da; }
@media (prefers-color-scheme: dark) { :root {
  --bg: #15171a; --card: #1f2226; --line: #3a3f46; --ink: #ece8e1; --soft: #aea79a;
  --accent: #62c2c8; --pale: #2c5257; --late: #ff9c8f; --late-pale: #4b2521;
  --good: #87d3a5; --good-pale: #22392c; --back: #2b2f35; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem clamp(.9rem, 2.5vw, 2rem) 3rem; max-width: 84rem;
  background: var(--bg); color: var(--ink); font: .94rem/1.45 system-ui, sans-serif;
  font-variant-numeric: tabular-nums; -webkit-text-size-adjust: 100%; }
h1, h2 { font-family: Georgia, "Iowan Old Style", serif; font-weight: 600; line-height: 1.15; }
h1 { font-size: clamp(1.7rem, 4vw, 2.4rem); margin: 0 0 .2rem; }
h2 { font-size: 1.45rem; margin: 0; }
h3 { font-size: 1rem; margin: 0 0 .5rem; }
h3.group { margin: 1.3rem 0 0; }
h4 { font-size: .78rem; margin: 1.1rem 0 .4rem; color: var(--soft); text-transform: uppercase;
  letter-spacing: .05em; }
p { margin: .25rem 0 .8rem; max-width: 60rem; }
a { color: var(--accent); }
nav { display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; margin: .6rem 0 1.4rem; }
section { margin-top: 2.4rem; }
.soft, .unit { color: var(--soft); }
.unit { font-size: .75em; }
.n { font-variant-numeric: tabular-nums; white-space: nowrap; }
.bad { color: var(--late); font-weight: 600; }
.fine { color: var(--good); }
.tag { display: inline-block; padding: 0 .5em; border-radius: 1em; background: var(--back);
  font-size: .85em; white-space: nowrap; }
.tag.bad { background: var(--late-pale); }
.tag.fine { background: var(--good-pale); }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.tiles, .cards, .pair, .stations { display: grid; gap: .9rem; margin: .9rem 0 0; }
.tiles { grid-template-columns: repeat(auto-fit, minmax(min(100%, 12rem), 1fr)); }
.cards { grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr)); }
.pair { grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr));
  align-items: start; }
.stations { grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr));
  align-items: start; }
.card, .tiles > div { background: var(--card); border: 1px solid var(--line);
  border-radius: .6rem; padding: .9rem 1rem; min-width: 0; }
.tiles dt { color: var(--soft); font-size: .85rem; }
.tiles dd { margin: 0; }
.tiles .big { font: 600 1.5rem/1.25 Georgia, serif;
  font-variant-numeric: tabular-nums lining-nums; }
.tiles .big .unit { font: .9rem system-ui, sans-serif; }
.tiles .note { color: var(--soft); font-size: .85rem; }
.scroll { overflow-x: auto; }
.scroll + .scroll, .columns .scroll { margin: 1rem 0; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
caption { text-align: left; color: var(--soft); font-size: .85rem; padding-bottom: .5rem; }
th, td { text-align: left; padding: .32rem .9rem .32rem 0; vertical-align: baseline;
  border-top: 1px solid var(--line); font-weight: 400; }
th:last-child, td:last-child { padding-right: 0; }
thead th { border-top: 0; color: var(--soft); font-size: .8rem; vertical-align: bottom; }
th.n, td.n { text-align: right; }
th[scope=row] { font-weight: 500; }
.bar { display: block; width: 100%; min-width: 5rem; height: .7rem; border-radius: .2rem; }
.back { fill: var(--back); } .made { fill: var(--accent); } .pale { fill: var(--pale); }
.late { fill: var(--late); } .good { fill: var(--good); }
.chart { display: block; width: 100%; height: auto; }
.chart text { font-size: 12px; fill: var(--soft); } .chart .end { text-anchor: end; }
.chart .mid { text-anchor: middle; } .rule { stroke: var(--line); }
.key { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; font-size: .85rem; color: var(--soft); }
.key svg { width: .8rem; height: .8rem; min-width: 0; display: inline-block; margin-right: .4rem; }
.ticket { border-left: .3rem solid var(--line); padding: .1rem 0 .1rem .6rem; margin: .7rem 0; }
.ticket.begun { border-color: var(--accent); } .ticket.ready { border-color: var(--good); }
.ticket.late { border-color: var(--late); }
.ticket .row, summary .row { display: flex; justify-content: space-between; gap: .6rem;
  align-items: baseline; }
.ticket ul { list-style: none; margin: .1rem 0 0; padding: 0; }
.ticket b { font-weight: 600; } .what > span { display: block; }
summary { cursor: pointer; }
summary:focus-visible, a:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.cards { grid-auto-flow: dense; } details.card[open] { grid-column: 1 / -1; }
.card > summary { list-style: none; } .card > summary::-webkit-details-marker { display: none; }
.card > summary b::before { content: "\\25B8"; color: var(--soft); margin-right: .4em; }
.card[open] > summary b::before { content: "\\25BE"; }
.steps { display: flex; gap: .2rem; margin: .45rem 0; }
.steps i { flex: 1; height: .4rem; border-radius: .2rem; background: var(--back); }
.steps .done { background: var(--accent); } .steps .partly { background: var(--pale); }
.steps .current { background: linear-gradient(90deg, var(--accent) 55%, var(--pale) 55%); }
.columns { display: grid; gap: .4rem 2rem; align-items: start;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); margin-top: .4rem; }
.columns > div { min-width: 0; }
.way, .line { list-style: none; margin: 0; padding: 0; font-size: .9rem; }
.way li, .line li { display: grid; grid-template-columns: 1.3rem 1fr auto; padding: .12rem 0; }
.line li { grid-template-columns: auto 1fr; gap: .8rem; overflow-wrap: anywhere; }
.line time { color: var(--soft); }
.way .to_come { color: var(--soft); } .way .current { font-weight: 600; }
dl.facts { display: grid; grid-template-columns: auto 1fr; gap: .1rem .9rem; margin: 0;
  font-size: .9rem; }
dl.facts dt { color: var(--soft); } dl.facts dd { margin: 0; overflow-wrap: anywhere; }
.fold { margin-top: 1rem; } .fold > summary { color: var(--accent); }
@media (max-width: 34rem) { th, td { padding-right: .55rem; } .bar { min-width: 3rem; }
  .wide { font-size: .84rem; }
  .wide .bar, .wide td:has(> .bar:only-child), .wide thead th:empty { display: none; } }
footer { margin-top: 3rem; color: var(--soft); font-size: .85rem; }
""")

GUARD: Final = "default-src 'none'; style-src 'unsafe-inline'"
"""What the page may load: nothing. Its style is in it, and there is no script."""


def document(title: str, body: Iterable[Html]) -> str:
    """A whole page in one file."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{GUARD}">
<title>{escape(on_one_line(title))}</title>
<style>{STYLE}</style>
</head>
<body>
{chr(10).join(body)}
</body>
</html>
"""
