"""The cases. Each measures ours and its counterpart in the same rounds and returns its result."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from bench.baselines.dicts import DictShop
from bench.baselines.eventsourced import EventsourcedShop
from bench.commands import cancelling, old_order, totals_grow
from bench.kitchen import board
from bench.ledger import building, growing, posting
from bench.ours import OurShop
from bench.planning import planning
from bench.reports import reporting
from bench.story import baskets
from bench.timing import Result, best, timed
from orderwright import (
    DraftLine,
    Location,
    Money,
    Order,
    OrderDesk,
    Policy,
    Posting,
    Tender,
    UnitPrice,
)
from orderwright.adapters.memory import MemoryInventory, MemoryOrders, MemoryPayments
from orderwright.drivers import run
from orderwright.lifecycles import ORDER
from orderwright.requests import LoadOrder, Ports, ask

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from bench.story import Basket, Shop
    from orderwright.orders.events import Event
    from orderwright.requests import Flow

__all__ = [
    "CASES",
    "FULL",
    "TINY",
    "ImportCost",
    "Size",
    "growth",
    "history",
    "import_cost",
    "same_end",
]


@dataclass(frozen=True)
class Size:
    """How much to measure."""

    rounds: int
    lives: int
    steps: int
    requests: int
    events: int
    """Of the shorter history; the longer one has ten times as many."""
    imports: int
    growth: tuple[int, ...]
    commands: int
    lines: int
    age: int
    """How many events an old order has."""
    postings: int
    ledger: int
    """How many postings the smaller ledger has."""
    ledger_times: int
    reported: int
    """How many orders the shorter report is over; the longer one has ten times as many."""
    tickets: int
    finished: int
    """How many orders a kitchen has served before."""


FULL = Size(
    rounds=25,
    lives=150,
    steps=20_000,
    requests=20_000,
    events=300,
    imports=12,
    growth=(1_000, 10_000, 30_000),
    commands=200,
    lines=10_000,
    age=5_000,
    postings=5_000,
    ledger=1_000,
    ledger_times=1_000,
    reported=3_000,
    tickets=500,
    finished=50_000,
)
TINY = Size(
    rounds=1,
    lives=3,
    steps=50,
    requests=50,
    events=30,
    imports=1,
    growth=(2, 4),
    commands=3,
    lines=100,
    age=50,
    postings=20,
    ledger=10,
    ledger_times=10,
    reported=20,
    tickets=10,
    finished=20,
)

# The life of an order -----------------------------------------------------------------------


class _Opening(Protocol):
    def __call__(self, counts: Counter[str] | None = None) -> Shop: ...


def _cached(counts: Counter[str] | None = None) -> Shop:
    return EventsourcedShop(counts, cached=True)


def same_end(opening: _Opening, lives: int) -> str:
    """Return how often ours calls its ports in one life, in words.

    Raises AssertionError unless the shop of ``opening`` saves as often, and after ``lives``
    stands where ours stands, figure by figure.
    """
    ends = []
    counted = []
    for make in (OurShop, opening):
        counts: Counter[str] = Counter()
        shop = make(counts)
        for basket in baskets(lives):
            shop.live(basket)
        ends.append(shop.figures())
        counted.append(counts)
    if ends[0] != ends[1]:
        raise AssertionError(f"ours ends at {ends[0]}, the baseline at {ends[1]}")
    for counts in counted:
        counts["load"] += counts.pop("load_with_key", 0)
    for name in ("load", "save", "post", "authorize", "capture"):
        if counted[0][name] != counted[1][name]:
            raise AssertionError(f"{name}: {counted[0][name]} against {counted[1][name]}")
    words = ", ".join(f"{name} {count // lives}" for name, count in sorted(counted[0].items()))
    return f"one life: {words}, {sum(ends[0].events.values()) // lives} events"


def _lives(opening: _Opening, lives: int) -> float:
    """Return the seconds of one life, in a new shop."""
    shop = opening()
    orders = baskets(lives)
    return timed(lambda: _all_lives(shop, orders)) / lives


def _all_lives(shop: Shop, orders: Sequence[Basket]) -> None:
    for basket in orders:
        shop.live(basket)


def _life(name: str, opening: _Opening, bar: float | None, size: Size) -> Result:
    detail = same_end(opening, min(size.lives, 50))
    ours, theirs = best(
        size.rounds, lambda: _lives(OurShop, size.lives), lambda: _lives(opening, size.lives)
    )
    return Result(name, ours, theirs, bar, size.lives, detail)


def life_dicts(size: Size) -> Result:
    """Compare the life of an order with the same duties by hand on dicts."""
    return _life("life of an order / by hand on dicts", DictShop, 15, size)


def life_eventsourcing(size: Size) -> Result:
    """Compare the life of an order with the eventsourcing library as it comes."""
    return _life("life of an order / eventsourcing", EventsourcedShop, 0.3, size)


def life_eventsourcing_cached(size: Size) -> Result:
    """Compare the life of an order with the eventsourcing library and its cache; no bar."""
    return _life("life of an order / eventsourcing, cached", _cached, None, size)


def growth(size: Size) -> Iterator[tuple[int, float]]:
    """Yield order counts and the seconds of one life just before so many were in one repository."""
    shop = OurShop()
    done = 0
    for count in size.growth:
        last = max(done, count - max(1, count // 10))
        for basket in baskets(last - done, done):
            shop.live(basket)
        orders = baskets(count - last, last)
        yield count, timed(partial(_all_lives, shop, orders)) / (count - last)
        done = count


# Small things -------------------------------------------------------------------------------


def lifecycle_step(size: Size) -> Result:
    """Compare a lifecycle step with a bare look-up; the cost of looping is taken off both."""
    cells = list(ORDER.table)
    table = {(state.name, action): target for (state, action), target in ORDER.table.items()}
    keys = list(table)
    cell_rounds, key_rounds = cells * size.steps, keys * size.steps
    step = ORDER.step

    def ours() -> None:
        for state, action in cell_rounds:
            step(state, action)

    def ours_idle() -> None:
        for state, action in cell_rounds:  # noqa: B007 - unpacking is part of the loop
            pass

    def theirs() -> None:
        for key in key_rounds:
            table[key]

    def theirs_idle() -> None:
        for key in key_rounds:  # noqa: B007 - as above
            pass

    stepping, idle, looking, waiting = best(
        size.rounds * 3, *(_timing(one) for one in (ours, ours_idle, theirs, theirs_idle))
    )
    return Result(
        "lifecycle step / dict look-up",
        max(stepping - idle, 1e-12) / len(cell_rounds),
        max(looking - waiting, 1e-12) / len(key_rounds),
        10,
        len(cell_rounds),
        "one step: each cell of the order's table in turn, net of the loop",
    )


def _timing(work: Callable[[], object]) -> Callable[[], float]:
    return lambda: timed(work)


class _NoOrders(NamedTuple):
    """A port that answers at once."""

    durable_on_save: bool = True

    def load(self, _: str) -> None:
        """Return nothing."""


def driver_request(size: Size) -> Result:
    """Compare a request that the driver performs with a bare ``send`` into a generator."""
    ports = Ports(
        orders=cast("Any", _NoOrders()), inventory=MemoryInventory(), payments=MemoryPayments()
    )

    def flow() -> Flow[None]:
        for _ in repeat(None, size.requests):
            yield from ask(LoadOrder("order-1"))

    def bare() -> Generator[None, None, None]:
        for _ in repeat(None, size.requests):
            yield

    def sends() -> None:
        send = bare().send
        send(None)
        for _ in repeat(None, size.requests - 1):
            send(None)

    ours, theirs = best(
        size.rounds * 3, lambda: timed(lambda: run(flow(), ports)), lambda: timed(sends)
    )
    return Result(
        "driver's request / bare send",
        ours / size.requests,
        theirs / size.requests,
        15,
        size.requests,
        "one request: made, asked, performed on a port that answers at once, replied",
    )


# Replay -------------------------------------------------------------------------------------


def history(length: int) -> tuple[Event, ...]:
    """Return the first ``length`` events of a tab: held, paid for and captured bit by bit."""
    at = datetime(2026, 1, 5, 18, tzinfo=UTC)
    orders, inventory = MemoryOrders(), MemoryInventory()
    inventory.post(Posting.receive("opening", "BEER", "BAR", 10, at=at))
    desk = OrderDesk(
        orders=orders,
        inventory=inventory,
        payments=MemoryPayments(),
        locations=[Location(id="BAR")],
        policy=Policy(capture="by_hand"),
    )
    desk.place(
        [DraftLine(sku="BEER", quantity=2, unit_price=UnitPrice.of(100_000, "EUR"))],
        order_id="tab",
        tenders=[Tender(method="card", instrument="card-1")],
        at=at,
    )
    order = desk.order("tab")
    number = 0
    while order.version < length:
        number += 1
        at += timedelta(minutes=1)
        name = f"check-{number}"
        desk.hold("tab", name, blocks=["fulfil"], reason="someone asks", at=at, by="waiter")
        order = desk.release_hold("tab", name, reason="answered", at=at)
        if number % 10 == 0:
            order = desk.capture("tab", amount=Money(1_000, "EUR"), at=at)
    return orders.events("tab")[:length]


def replay(size: Size) -> Result:
    """Compare replaying a history with replaying one a tenth as long."""
    long = history(size.events * 10)
    short = long[: size.events]
    repeats = 10

    def many() -> None:
        for _ in repeat(None, repeats):
            Order.replay(short)

    ours, theirs = best(
        size.rounds, lambda: timed(lambda: Order.replay(long)), lambda: timed(many) / repeats
    )
    kinds = Counter(type(event).__name__ for event in long)
    words = ", ".join(f"{name} {count}" for name, count in kinds.most_common(5))
    return Result(
        f"replay {len(long):,} events / {len(short):,}", ours, theirs, 12, 1, f"of them {words}"
    )


# Import -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ImportCost:
    """What an import costs a fresh interpreter, and what classes exist after it."""

    seconds: float
    own: int
    """Classes of orderwright."""
    attrs: int
    """Those of them that attrs made."""
    every: int
    """All classes the import made, also in what it imports."""


_PROBE = """
import gc, sys, time
def classes(of):
    for one in type.__subclasses__(of):
        yield one
        yield from classes(one)
before = set(classes(object))
start = time.perf_counter()
import {modules}
seconds = time.perf_counter() - start
gc.collect()
new = set(classes(object)) - before
own = [one for one in new if one.__module__.startswith("orderwright")]
made = [one for one in own if "__attrs_attrs__" in vars(one)]
print(seconds, len(own), len(made), len(new))
"""


def import_cost(modules: str, cache: Path) -> ImportCost:
    """Import ``modules`` in a fresh interpreter whose bytecode lies in ``cache``."""
    environment = {name: value for name, value in os.environ.items() if name in _KEPT}
    answer = subprocess.run(  # noqa: S603 - this interpreter, our own text
        [sys.executable, "-c", _PROBE.format(modules=modules)],
        env={**environment, "PYTHONPYCACHEPREFIX": str(cache)},
        capture_output=True,
        check=True,
        text=True,
    )
    seconds, own, attrs, every = answer.stdout.split()
    return ImportCost(float(seconds), int(own), int(attrs), int(every))


_KEPT = ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH", "VIRTUAL_ENV")


def importing(size: Size) -> Result:
    """Compare importing the root with importing attrs and transitions."""
    with TemporaryDirectory() as folder:
        cache = Path(folder)
        found = import_cost("orderwright", cache)
        import_cost("attrs, transitions", cache)
        ours, theirs = best(
            size.imports,
            lambda: import_cost("orderwright", cache).seconds,
            lambda: import_cost("attrs, transitions", cache).seconds,
        )
    return Result(
        "import orderwright / attrs, transitions",
        ours,
        theirs,
        2,
        1,
        f"{found.attrs} attrs classes of {found.own} of ours; {found.every} with those it imports",
    )


CASES: dict[str, Callable[[Size], Result]] = {
    "dicts": life_dicts,
    "eventsourcing": life_eventsourcing,
    "cached": life_eventsourcing_cached,
    "step": lifecycle_step,
    "driver": driver_request,
    "replay": replay,
    "import": importing,
    "command": cancelling,
    "totals": totals_grow,
    "age": old_order,
    "posting": posting,
    "building": building,
    "ledger": growing,
    "planning": planning,
    "reports": reporting,
    "kitchen": board,
}
