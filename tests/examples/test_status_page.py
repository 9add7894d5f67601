"""The status page: well-formed, true to the orders, inert, and looked at in a real browser."""

import importlib
import json
import os
import shutil
import struct
import subprocess
import sys
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from html import escape
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from orderwright import (
    Charge,
    DraftLine,
    Location,
    Money,
    Order,
    OrderDesk,
    Posting,
    Tender,
    UnitPrice,
)
from orderwright.adapters.memory import MemoryInventory, MemoryOrders, MemoryPayments
from orderwright.lifecycles import Phase
from orderwright.orders import events as e
from orderwright.orders.modifiers import Modifier
from orderwright.tracking.board import KitchenBoard
from orderwright.tracking.delays import delays
from tests.conftest import absent

EXAMPLES = Path(__file__).parents[2] / "examples"
CET = timezone(timedelta(hours=1), "CET")
MIDNIGHT = datetime(2026, 3, 6, tzinfo=CET)
HEADINGS = (
    "Needs somebody",
    "The kitchen now",
    "Open orders",
    "Kitchen load today",
    "Sales today",
    "Service today",
    "How far, and how long",
    "Taken back",
    "Finished or given up",
)


@pytest.fixture(scope="module")
def program() -> Iterator[ModuleType]:
    """The program, importable from its own folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(EXAMPLES)
        yield importlib.import_module("status_page")


@pytest.fixture(scope="module")
def house(program: ModuleType) -> Any:  # noqa: ANN401 - a class of the program
    """The house in the middle of its Friday."""
    return program.live_through(program.MOMENT)


@pytest.fixture(scope="module")
def page(program: ModuleType, house: Any) -> str:  # noqa: ANN401 - as above
    """The page of that moment."""
    made: str = program.page_of(house)
    return made


# Reading a page as strictly as can be --------------------------------------------------------


class Balance(HTMLParser):
    """Reads HTML whose every element is closed, in order, and has no attribute twice."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what is to be closed."""
        assert len(attrs) == len({name for name, _ in attrs}), self.get_starttag_text()
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close what was opened last."""
        assert tag == self.open.pop(), self.getpos()


class Page:
    """A page as a tree; it is XML too, but for its head."""

    def __init__(self, html: str) -> None:
        balance = Balance()
        balance.feed(html)
        balance.close()
        assert [] == balance.open
        body = "<body>" + html.split("<body>")[1].split("</body>", maxsplit=1)[0] + "</body>"
        self.root = ET.fromstring(body)  # noqa: S314 - our own page
        self.tags = Counter(one.tag for one in self.root.iter())
        self.words = [" ".join(said.split()) for said in self.root.itertext()]

    def all(self, tag: str) -> list[ET.Element]:
        """All elements of a kind."""
        return list(self.root.iter(tag))

    def values(self, name: str) -> list[str]:
        """All values of an attribute."""
        return [one.attrib[name] for one in self.root.iter() if name in one.attrib]

    @property
    def names(self) -> set[str]:
        """The names of all attributes."""
        return {name for one in self.root.iter() for name in one.attrib}

    @property
    def figures(self) -> dict[str, tuple[str, str]]:
        """What the first figures are, to a program and to a person."""
        return {
            one.attrib["id"].removeprefix("figure-"): (one.attrib["value"], text(one))
            for one in self.all("data")
        }

    @property
    def tables(self) -> dict[str, list[list[str]]]:
        """The rows of each table by its caption, the first of that caption."""
        found: dict[str, list[list[str]]] = {}
        for table in self.all("table"):
            rows = [[text(cell) for cell in row] for row in table.iter("tr")]
            found.setdefault(text(table[0]), rows[1:])
        return found


def text(one: ET.Element) -> str:
    """What an element says."""
    return " ".join("".join(one.itertext()).split())


@pytest.fixture(scope="module")
def read(page: str) -> Page:
    """The page, read."""
    return Page(page)


def test_the_page_is_well_formed_and_alone(page: str, read: Page) -> None:
    """Every element is closed, every link leads somewhere on the page, and nothing is fetched."""
    assert page.startswith("<!DOCTYPE html>\n")
    ids = Counter(read.values("id"))
    assert [] == [name for name, count in ids.items() if count > 1]
    links = read.values("href")
    assert links
    assert [] == [one for one in links if one[0] != "#" or one[1:] not in ids]
    assert set() == {"script", "link", "img", "iframe", "object", "form", "style"} & set(read.tags)
    assert set() == {one for one in read.names if one.startswith("on")} | (
        {"src", "srcset", "style", "action"} & read.names
    )
    for foreign in ("http:", "https:", "//", "url(", "@import", "<script"):
        assert foreign not in page
    charts = [one for one in read.all("svg") if one.get("class") == "chart"]
    assert 4 == len(charts)
    for one in read.all("svg"):
        assert "img" == one.get("role") or "true" == one.get("aria-hidden")
    for one in read.all("rect"):
        assert 0 <= float(one.attrib["width"]) <= 320
        assert 0 <= float(one.attrib["height"]) <= 150


def test_the_page_can_be_read_by_everybody(page: str, read: Page) -> None:
    """Headings go down by one, tables have captions and scopes, the moment is local."""
    levels = [int(one.tag[1]) for one in read.root.iter() if one.tag in ("h1", "h2", "h3", "h4")]
    assert 1 == levels[0]
    assert [] == [(one, two) for one, two in pairwise(levels) if two - one > 1]
    assert read.tags["table"] == read.tags["caption"] == read.tags["thead"]
    assert {"row", "col"} == {one.attrib["scope"] for one in read.all("th")}
    assert all(one.get("aria-label") for one in read.all("svg") if one.get("role") == "img")
    assert "Friday 6 March 2026, 20:12" in read.words
    assert '<html lang="en">' in page
    assert list(HEADINGS) == [text(one) for one in read.all("h2")]


# The figures ---------------------------------------------------------------------------------


def today(at: datetime) -> bool:
    """Whether it is on that Friday, by the clock on the wall."""
    return at.astimezone(CET).date() == MIDNIGHT.date()


def shown(money: Money) -> str:
    """An amount as the page has it."""
    return f"{money.amount:,.2f} {money.currency}"


def euros(orders: Sequence[Order]) -> Money:
    """What is due of orders."""
    return sum((one.due for one in orders), Money.zero("EUR"))


def promised(history: Sequence[e.Event]) -> datetime | None:
    """What the customer was told first."""
    told = (one.promised_at for one in history if isinstance(one, e.OrderPromised))
    return next(told, None)


def test_the_first_figures_are_what_the_orders_say(
    house: Any,  # noqa: ANN401 - a class of the program
    program: ModuleType,
    read: Page,
) -> None:
    """Orders, revenue, promises kept, late orders and tickets equal plain counts of the orders."""
    orders = house.everything()
    placed = [one for one in orders if today(one.placed_at)]
    assert 60 <= len(placed) <= 90
    assert (str(len(placed)),) * 2 == read.figures["orders"]
    # What was placed before is credited today: a return and a claim.
    before = [one for one in orders if not today(one.placed_at)]
    credited = sum((one.credited for one in before), Money.zero("EUR"))
    assert Money.of("52.00", "EUR") == credited
    due = euros(placed) - credited
    assert (str(due.minor), shown(due)) == read.figures["revenue-EUR"]

    kept, judged = 0, 0
    for order in orders:
        by = promised(house.desk.history(order.id))
        parts = [one for one in order.fulfillments if one.live]
        times = [one.arrived_at for one in parts if one.arrived_at and not one.ended]
        whole = bool(parts) and len(times) == len(parts) and order.goods == "delivered"
        if by is None or not today(by) or order.state.phase is Phase.DROPPED:
            continue
        if whole or by <= house.now:
            judged += 1
            kept += whole and max(times) <= by
    assert (str(kept), f"{1000 * kept / judged / 10:.1f} %") == read.figures["on-time"]
    assert f"{kept} of {judged} promises kept" in read.words

    late = [one for one in orders if delays(one, now=house.now, limits=program.PATIENCE)]
    assert late
    assert (str(len(late)),) * 2 == read.figures["late"]
    assert [one[0] for one in read.tables["The latest first"]] == sorted(
        (one.id for one in late),
        key=lambda name: (
            -delays(house.desk.order(name), now=house.now, limits=program.PATIENCE)[0].late_by
        ),
    )
    cooking = [one for one in house.board.tickets(house.now) if one.stage == "cook"]
    assert (str(len(cooking)),) * 2 == read.figures["tickets"]


def test_every_order_is_on_the_page_once(house: Any, page: str, read: Page) -> None:  # noqa: ANN401 - a class of the program
    """Each order has its place, its headline and its timeline; open ones come first."""
    names = [one.id for one in house.everything()]
    places = {name: page.index(f'id="order-{name}"') for name in names}
    done = page.index('id="done"')
    assert {name: at < done for name, at in places.items()} == {
        one.id: one.state.phase in (Phase.WAITING, Phase.WORKING) for one in house.everything()
    }
    assert len(names) == page.count("What happened") == page.count("What staff see")
    for words in (
        "Not handed over yet: nobody was there",
        "Out for delivery with",
        "Being looked into",
    ):
        assert any(words in said for said in read.words)


def test_the_tables_equal_the_reports(
    house: Any,  # noqa: ANN401 - a class of the program
    program: ModuleType,
    read: Page,
) -> None:
    """Rows of the page are those of the reports, and these are plain counts of the orders."""
    orders = house.everything()
    found = program.Figures(
        (house.desk.history(one.id) for one in orders), now=house.now, zone=program.ZONE
    )
    table = read.tables
    placed = [one for one in orders if today(one.placed_at)]
    channels = {
        channel.capitalize(): euros([one for one in placed if one.channel == channel])
        for channel in {one.channel for one in orders}
    }
    channels["Web"] -= Money.of("52.00", "EUR")
    assert {name: shown(due) for name, due in channels.items()} == {
        row[0]: row[2] for row in table["Revenue by channel"]
    }
    sold: Counter[str] = Counter()
    for line in (line for one in placed for line in one.lines):
        sold[line.name] += line.ordered - line.cancelled
    best = table["What sells best, by revenue"]
    assert 10 == len(best)
    assert {row[0]: sold[row[0]] for row in best} == {row[0]: int(row[2]) for row in best}

    assert [[str(one.orders), str(one.lost or "\N{EN DASH}")] for one in found.funnel.rows()] == [
        [row[2], row[4]] for row in table["How far orders came"]
    ]
    completed = sum(one.state.phase is Phase.DONE for one in orders)
    assert str(completed) == table["How far orders came"][-1][2]
    is_open = sum(one.state.phase in (Phase.WAITING, Phase.WORKING) for one in orders)
    backlog = next(rows for name, rows in table.items() if name.startswith("What is open"))
    assert is_open == sum(int(row[2]) for row in backlog)

    lost = {row[0]: row for row in table["What was taken back"]}
    cancelled = [one for one in orders if any(line.cancelled for line in one.lines)]
    assert str(len(cancelled)) == lost["Cancelled"][1]
    assert str(sum(line.cancelled for one in orders for line in one.lines)) == lost["Cancelled"][3]
    refunded = sum((one.refunded for one in orders), Money.zero("EUR"))
    assert shown(refunded) == lost["Refunded"][4]
    assert [row[1] for row in table["Why"]] == [one.reason for one in found.losses.reasons()]

    slots = table["Tickets and dishes by station and slot"]
    assert len(found.load.rows()) == len(slots)
    fired: Counter[str] = Counter()
    for one in (one for order in orders for one in order.fulfillments):
        if one.kind == "ticket" and one.started_at is not None:
            fired[one.location] += sum(item.quantity for item in one.items)
    for station, dishes in fired.items():
        assert dishes == sum(int(row[3]) for row in slots if row[0] == station)
    [whole] = [row for row in table["On time, in full, perfect"] if row[0] == "All"]
    [row] = found.service.rows()
    assert [str(row.orders), f"{row.on_time} of {row.promised}"] == whole[1:3]


def test_the_evening_has_everything(house: Any, read: Page) -> None:  # noqa: ANN401 - a class of the program
    """All that goes wrong on such a day is there to be seen."""
    orders = house.everything()
    assert {"dine_in", "takeaway", "delivery", "parcel"} == {one.service for one in orders}
    assert {"nobody_there", "shipment_lost"} <= {
        one.code for order in orders for one in order.exceptions
    }
    assert any(one.ended == "remake" for order in orders for one in order.fulfillments)
    assert any(
        one.state.name == "declined"
        for order in orders
        for pay in order.payments
        for one in pay.operations
    )
    assert any(one.late for one in house.board.tickets(house.now))
    assert any("Sea bass" in said for said in read.words)
    assert [] == list(house.inventory.ledger.audit())


def test_a_later_moment_is_another_page(program: ModuleType, page: str) -> None:
    """The same moment gives the same page, a later one another, and an empty house one too."""
    assert page == program.page_of(program.live_through(program.MOMENT))
    later = program.page_of(program.live_through(program.MOMENT + timedelta(minutes=9)))
    assert Page(later).figures["orders"] != Page(page).figures["orders"]
    empty = program.page([], {}, now=MIDNIGHT, zone=UTC, title="Nothing yet")
    read = Page(empty)
    assert ("0", "0") == read.figures["orders"]
    assert "The kitchen now" not in empty
    assert {one[1:] for one in read.values("href")} <= set(read.values("id"))


# What people write ---------------------------------------------------------------------------

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;"
EVIL_ID = EVIL.replace("/", "")


def evil_page(program: ModuleType) -> str:
    """A page of an order in which whatever may hold words holds evil ones."""
    clock = datetime(2026, 3, 6, 18, 0, tzinfo=UTC)
    bad = EVIL_ID
    inventory, board = MemoryInventory(), KitchenBoard()
    desk = OrderDesk(
        orders=MemoryOrders(),
        inventory=inventory,
        payments=MemoryPayments(),
        locations=[Location(id=bad, makes="ticket")],
        clock=lambda: clock,
    )
    inventory.post(Posting.make("menu", bad, made=[(bad, 9)], at=clock))
    dish = DraftLine(
        sku=bad,
        name=EVIL,
        quantity=2,
        unit_price=UnitPrice.of("9.00", "EUR"),
        modifiers=[Modifier(bad)],
        seat=bad,
        preparation=timedelta(minutes=5),
    )
    for name in (bad, "second"):
        desk.place(
            [dish],
            order_id=name,
            customer_id=bad,
            channel=bad,
            service=bad,
            table="" if name == bad else bad,
            charges=[Charge(kind=bad, amount=Money.of("1.00", "EUR"))],
            tenders=[Tender(method="card", instrument=bad)],
            by=bad,
        )
        desk.note(name, EVIL + "\n\x07", by=bad)
        desk.hold(name, bad, blocks=["capture"], reason=EVIL, by=bad)
        desk.cancel(name, reason=EVIL, units={"l1": 1}, by=bad)
        desk.fire(name, by=bad)
    desk.scan(bad, "f1", "out_for_delivery", carrier=bad, tracking=bad, place=EVIL)
    desk.scan(bad, "f1", "lost", place=EVIL)
    orders = [desk.order(bad), desk.order("second")]
    for order in orders:
        board.show(order)
    histories: Mapping[str, Sequence[e.Event]] = {one.id: desk.history(one.id) for one in orders}
    tickets = board.tickets(clock + timedelta(minutes=30))
    page: str = program.page(
        orders,
        histories,
        tickets,
        now=clock + timedelta(minutes=30),
        zone=CET,
        title=EVIL,
        sold_out=[bad],
    )
    return page


def test_words_stay_words(program: ModuleType) -> None:
    """Whatever people write, in whatever field, is shown and does nothing."""
    page = evil_page(program)
    read = Page(page)
    assert {"script", "img"}.isdisjoint(read.tags)
    assert not any(one.startswith("on") for one in read.names)
    assert EVIL == text(read.all("h1")[0])
    said = {f"note: {EVIL}", f"1 \N{MULTIPLICATION SIGN} {EVIL}", f", {EVIL_ID}"}
    assert set() == said - set(read.words)
    assert EVIL in {row[1] for row in read.tables["Why"]}
    assert EVIL_ID in {row[0] for row in read.tables["Tickets and dishes by station and slot"]}
    assert "<script" not in page.lower()
    assert "<img" not in page.lower()
    assert "default-src 'none'" in page
    links = read.values("href")
    assert [] == [one for one in links if one[1:] not in read.values("id") or " " in one]


# In a browser --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> str:
    """A Chromium, wherever it is; ORDERWRIGHT_BROWSER says so if it is elsewhere."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    given = os.environ.get("ORDERWRIGHT_BROWSER", "")
    found = shutil.which(given) if given else next(filter(None, map(shutil.which, names)), None)
    if found is None:
        absent("browser", "there is no Chromium; ORDERWRIGHT_BROWSER may name one")
    return str(found)


QUIET = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --hide-scrollbars "
    "--disable-background-networking --disable-component-update --disable-sync "
    "--disable-dev-shm-usage --enable-logging=stderr --v=0"
).split()


def browse(browser: str, folder: Path, page: str, *arguments: str) -> tuple[str, str]:
    """Open a page in a browser of its own; return what it prints and what it complains of."""
    path = folder / "page.html"
    path.write_text(page, "utf-8")
    profile = folder / "profile"
    command = [browser, *QUIET, f"--user-data-dir={profile}", *arguments, path.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert 0 == done.returncode, done.stderr
    complaints = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return done.stdout, "\n".join(complaints)


def pixels(path: Path) -> tuple[int, int, tuple[int, ...], int]:
    """Return the size of a PNG, the colour of its first pixel, and how many rows differ."""
    data = path.read_bytes()
    assert b"\x89PNG\r\n\x1a\n" == data[:8]
    at, packed = 8, b""
    wide = high = depth = kind = 0
    while at < len(data):
        length, name = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        assert zlib.crc32(name + body) == int.from_bytes(data[at + 8 + length : at + 12 + length])
        if name == b"IHDR":
            wide, high, depth, kind = struct.unpack(">IIBB", body[:10])
        elif name == b"IDAT":
            packed += body
        at += 12 + length
    assert depth == 8
    step = {2: 3, 6: 4}[kind]
    raw = zlib.decompress(packed)
    line = 1 + step * wide
    assert line * high == len(raw)
    # Nothing stands before the first pixel, so that no filter changes it.
    return (
        wide,
        high,
        tuple(raw[1:4]),
        len({raw[line * row : line * (row + 1)] for row in range(high)}),
    )


@pytest.mark.long
@pytest.mark.parametrize(("wide", "dark"), [(1280, False), (1280, True), (390, False), (390, True)])
def test_a_browser_draws_it(
    browser: str, tmp_path: Path, page: str, *, wide: int, dark: bool
) -> None:
    """Chromium draws the page, wide and narrow, light and dark, and has nothing to complain of."""
    picture = tmp_path / "page.png"
    scheme = ["--blink-settings=preferredColorScheme=0"] if dark else []
    size = [f"--window-size={wide},2400", f"--screenshot={picture}"]
    _, complaints = browse(browser, tmp_path, page, *size, *scheme)
    assert "" == complaints
    width, height, first, different = pixels(picture)
    assert (wide, 2400) == (width, height)
    assert different > 500
    assert dark == (sum(first) < 200), first


MEASURE = """<!DOCTYPE html><meta charset="utf-8"><title></title><body><script>
function measure(frame) {
  const page = frame.contentDocument, told = [page.documentElement.scrollWidth];
  const wide = frame.clientWidth;
  for (const one of page.querySelectorAll("h1,h2,h3,.card,.tiles > div,.chart,.ticket,summary")) {
    if (one.getBoundingClientRect().right > wide) told.push(one.className || one.tagName);
  }
  for (const one of page.querySelectorAll(".tiles dd, .ticket, summary")) {
    if (one.scrollWidth > one.clientWidth + 1) told.push("cut: " + one.textContent);
  }
  const all = JSON.parse(document.title || "{}");
  all[frame.id] = told;
  document.title = JSON.stringify(all);
}
</script>FRAMES</body>"""
FRAME = """<iframe id="NAME" width="WIDE" height="900" style="border:0" onload="measure(this)"
srcdoc="PAGE"></iframe>"""
WIDTHS = (340, 390, 768, 1280, 1900)


def test_nothing_is_cut_off(browser: str, tmp_path: Path, page: str) -> None:
    """On screens of every width the page is as wide as the screen, with all orders unfolded too."""
    pages = {"folded": page, "unfolded": page.replace("<details", "<details open")}
    expected = {f"{wide} {name}": [wide] for wide in WIDTHS for name in pages}
    frames = [
        FRAME.replace("NAME", f"{wide} {name}")
        .replace("WIDE", str(wide))
        .replace("PAGE", escape(one))
        for wide in WIDTHS
        for name, one in pages.items()
    ]
    harness = MEASURE.replace("FRAMES", "".join(frames))
    printed, _ = browse(browser, tmp_path, harness, "--dump-dom", "--window-size=2000,1000")
    title = printed.split("<title>")[1].split("</title>")[0]
    assert expected == json.loads(title)


def test_the_browser_sees_what_was_written(
    browser: str, tmp_path: Path, program: ModuleType, page: str
) -> None:
    """The headings and every order are in the browser's own tree; evil words run nothing."""
    printed, complaints = browse(browser, tmp_path, page, "--dump-dom")
    assert "" == complaints
    for name in HEADINGS:
        assert f">{name}</h2>" in printed
    assert page.count("<details") == printed.count("<details")
    assert page.count("<svg") == printed.count("<svg")
    evil = evil_page(program)
    printed, complaints = browse(browser, tmp_path, evil, "--dump-dom")
    assert ("", 0, 0) == (complaints, printed.count("<script"), printed.count("<img"))
    assert evil.count("<svg") == printed.count("<svg")


# As a program --------------------------------------------------------------------------------


def test_the_program_writes_only_where_it_is_told_to(tmp_path: Path, page: str) -> None:
    """Without a path it says what is on the page and writes nothing; with one it writes that."""
    command = [sys.executable, str(EXAMPLES / "status_page.py")]
    told = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (0, "") == (told.returncode, told.stderr)
    assert told.stdout.startswith("82 orders on a page of ")
    assert [] == list(tmp_path.iterdir())
    done = subprocess.run(
        [*command, "page.html"], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (0, "") == (done.returncode, done.stderr)
    assert page == (tmp_path / "page.html").read_text("utf-8")
