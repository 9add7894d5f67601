"""Every pair of commands on one order, or on the last unit of stock: where they may meet."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from csv import DictReader
from functools import cache
from itertools import combinations_with_replacement
from pathlib import Path
from typing import NamedTuple

from orderwright import (
    AddLine,
    ChangeLine,
    Contact,
    OrderwrightError,
    Policy,
    Posting,
)
from orderwright.testing.simulation import Call, Explored, LawBroken, World, explore
from tests.kitchens import MENU, TAB, Kitchen
from tests.worlds import HOUR, MINUTE, PARCELS, card, eur, line

HOME = Contact(name="Ada", street=["1 Main St"], city="Reykjavik", country="IS")
AT_ONCE = Policy(capture="on_confirmation", short="backorder", unpaid_ttl=None)
BY_HAND = Policy(capture="by_hand", refund="by_hand", short="backorder", unpaid_ttl=None)
ON_DISPATCH = Policy(capture="on_dispatch", short="backorder", unpaid_ttl=HOUR)


def opened(
    *did: Callable[[World], object], policy: Policy = AT_ONCE, joint: bool = False
) -> Callable[[], World]:
    """A stage: a shop in which that was done."""

    def made() -> World:
        stock = (("MUG", "MAIN", 3), ("MUG", "STORE", 1), ("CUP", "STORE", 3))
        world = World(*stock, policy=policy, joint=joint)
        for one in did:
            one(world)
        return world

    return made


def told(name: str, *args: object, **more: object) -> Callable[[World], object]:
    """A desk is told that."""
    return lambda world: getattr(world.desk, name)("o1", *args, **more)


def order(world: World, name: str = "o1", units: int = 2, *, paid: bool = True) -> object:
    """An order of mugs."""
    tenders = [card()] if paid else []
    return world.desk.place([line("MUG", units)], order_id=name, tenders=tenders, contact=HOME)


def unpaid(world: World) -> object:
    """An order nobody has paid."""
    return order(world, paid=False)


def interrupted(world: World) -> object:
    """An order whose authorization nobody answered, and whose patience is over."""
    world.moods_by_id["o1/p1/authorize-1"] = "request_lost"
    order(world)
    world.now += 2 * MINUTE


def pending(world: World) -> object:
    """An order whose payment is pending."""
    world.moods = ["pending"]
    return order(world)


def short(world: World) -> object:
    """An order that waits for a unit."""
    return order(world, units=4)


def rival(world: World) -> object:
    """Another order holds the last but one."""
    return order(world, "o2", 1)


def given_up(world: World) -> object:
    """An order that is cancelled, and paid by its bank meanwhile."""
    unpaid(world)
    world.desk.cancel("o1", reason="sorry")
    return world.desk.record_payment("o1", eur(20), method="transfer")


def dined(*did: Callable[[World], object], tables: int = 1) -> Callable[[], World]:
    """A stage: so many tables that ordered, and that was done."""

    def made() -> World:
        world = Kitchen(3)
        for name in ("o1", "o2")[:tables]:
            lines = [MENU["SALAD"].line(), MENU["STEAK"].line()]
            world.desk.place(lines, order_id=name, table=name, policy=TAB)
        for one in did:
            one(world)
        return world

    return made


STAGES: dict[str, Callable[[], World]] = {
    "paid": opened(order),
    "nothing": opened(),
    "draft": opened(lambda world: world.desk.draft([line("MUG", 2)], order_id="o1")),
    "unpaid": opened(unpaid),
    "to be paid within the hour": opened(unpaid, policy=ON_DISPATCH),
    "authorized": opened(order, policy=BY_HAND),
    "interrupted": opened(interrupted),
    "pending": opened(pending),
    "short": opened(short),
    "held": opened(order, told("hold", "fraud", blocks={"fulfil"})),
    "in two parts": opened(order, told("split", "f1", {"l1": 1})),
    "picking": opened(order, told("advance", "f1", "release"), told("advance", "f1", "pick")),
    "to be stopped": opened(
        order,
        told("advance", "f1", "release"),
        told("advance", "f1", "pick"),
        told("request_stop", "f1", reason="wait"),
    ),
    "labelled": opened(order, told("book_label", "f1", service="island", parcels=PARCELS)),
    "shipped": opened(order, told("ship", "f1")),
    "delivered": opened(order, told("ship", "f1"), told("deliver", "f1")),
    "to come back": opened(
        order,
        told("ship", "f1"),
        told("deliver", "f1"),
        told("request_return", {"l1": 1}, reason="torn"),
    ),
    "come back": opened(
        order,
        told("ship", "f1"),
        told("deliver", "f1"),
        told("request_return", {"l1": 1}, reason="torn"),
        told("receive_return", {"l1": 1}, location="MAIN"),
    ),
    "cancelled": opened(order, told("capture"), told("cancel", reason="sorry"), policy=BY_HAND),
    "charged back": opened(order, told("report_chargeback", "p1", eur(5))),
    "last unit": opened(order, rival),
    "last unit in one database": opened(order, rival, joint=True),
    "paid after it was given up": opened(given_up),
    "tab": dined(),
    "two tabs": dined(tables=2),
    "fired": dined(told("fire", 2)),
    "served": dined(told("fire", 2), told("advance", "f2", "serve")),
    "closed": dined(told("close_tab")),
}
COMMANDS: dict[str, Call] = {
    "place": Call("place", [line("MUG", 2)], order_id="o1", tenders=[card()], contact=HOME),
    "draft": Call("draft", [line("MUG", 2)], order_id="o1"),
    "place_draft": Call("place_draft", "o1"),
    "discard_draft": Call("discard_draft", "o1"),
    "resume": Call("resume"),
    "notify_payment": Call("notify_payment", "o1/p1/authorize-1"),
    "retry": Call("retry", "o1", "o1/p1/authorize-1"),
    "pay": Call("pay", "o1", [card()]),
    "capture": Call("capture", "o1", key="k-capture"),
    "refund": Call("refund", "o1", key="k-refund"),
    "record_payment": Call("record_payment", "o1", eur(20), method="cash", key="k-cash"),
    "record_refund": Call("record_refund", "o1", eur(1), method="cash", key="k-back"),
    "report_chargeback": Call("report_chargeback", "o1", "p1", eur(15), key="k-charge"),
    "report_chargeback_reversal": Call("report_chargeback_reversal", "o1", "p1", eur(5), key="k-r"),
    "cancel": Call("cancel", "o1", reason="sorry", key="k-cancel"),
    "cancel a unit": Call("cancel", "o1", units={"l1": 1}, reason="less", key="k-less"),
    "confirm": Call("confirm", "o1"),
    "reject": Call("reject", "o1", reason="fraud"),
    "expire": Call("expire", "o1"),
    "report_cancellation": Call("report_cancellation", "o1", reason="there", key="k-there"),
    "edit up": Call("edit", "o1", [ChangeLine(line_id="l1", quantity=3)], key="k-up"),
    "edit down": Call("edit", "o1", [ChangeLine(line_id="l1", quantity=1)], key="k-down"),
    "edit lines": Call("edit", "o1", [AddLine(line=line("CUP", 1, "4.99"))], key="k-line"),
    "credit": Call("credit", "o1", eur("1.11"), reason="scratch", key="k-credit"),
    "hold": Call("hold", "o1", "note", blocks={"refund", "capture"}, key="k-hold"),
    "release_hold": Call("release_hold", "o1", "fraud"),
    "note": Call("note", "o1", "hello", key="k-note"),
    "tag": Call("tag", "o1", add=["vip"], key="k-tag"),
    "promise": Call("promise", "o1", World().now + 9 * HOUR, key="k-promise"),
    "forget": Call("forget", "o1", key="k-forget"),
    "resolve": Call(
        "resolve", "o1", "paid_after_cancellation", resolution="paid back", key="k-resolve"
    ),
    "allocate": Call("allocate", "o1"),
    "release": Call("advance", "o1", "f1", "release", key="k-release"),
    "pack": Call("advance", "o1", "f1", "pack", key="k-pack"),
    "request_stop": Call("request_stop", "o1", "f1", reason="wait", key="k-stop"),
    "stop": Call("stop", "o1", "f1", reason="stopped", key="k-stopped"),
    "refuse_stop": Call("refuse_stop", "o1", "f1", reason="too late", key="k-refuse"),
    "ship": Call("ship", "o1", "f1", key="k-ship"),
    "deliver": Call("deliver", "o1", "f1", key="k-deliver"),
    "split": Call("split", "o1", "f1", {"l1": 1}, key="k-split"),
    "merge": Call("merge", "o1", ["f1", "f2"], key="k-merge"),
    "move": Call("move", "o1", "f2", "STORE", key="k-move"),
    "short_pick": Call("short_pick", "o1", "f1", {"l1": 1}, key="k-short"),
    "book_label": Call("book_label", "o1", "f1", service="island", parcels=PARCELS, key="k-label"),
    "cancel_label": Call("cancel_label", "o1", "f1", key="k-unlabel"),
    "scan": Call("scan", "o1", "f1", "in_transit", key="k-scan"),
    "track": Call("track", "o1", "f1"),
    "request_return": Call("request_return", "o1", {"l1": 1}, reason="torn", key="k-return"),
    "advance_return": Call("advance_return", "o1", "r1", "cancel", key="k-keep"),
    "receive_return": Call("receive_return", "o1", {"l1": 1}, location="MAIN", key="k-receive"),
    "inspect_return": Call("inspect_return", "o1", "r1", restock={"l1": 1}, key="k-inspect"),
    "claim": Call("claim", "o1", {"l1": 1}, fault="damaged", remedy="refund", key="k-claim"),
    "post_stock": Call("post_stock", Posting.receive("d1", "MUG", "MAIN", 1, at=World().now)),
    "count_stock": Call("count_stock", "MUG", "MAIN", 1, count_id="c1"),
    "count nothing": Call("count_stock", "MUG", "MAIN", 0, count_id="c2"),
    "fill": Call("fill", ["MUG"]),
    "place o4": Call("place", [line("MUG")], order_id="o4", tenders=[card()]),
    "cancel o2": Call("cancel", "o2", reason="sorry"),
    "ship o2": Call("ship", "o2", "f1"),
    "add_round": Call("add_round", "o1", [MENU["WINE"].line()], key="k-round"),
    "fire": Call("fire", "o1", 2, key="k-fire"),
    "move_tab": Call("move_tab", "o1", "9", key="k-table"),
    "transfer": Call("transfer", "o1", "o2", key="k-transfer"),
    "transfer back": Call("transfer", "o2", "o1", units={"l1": 1}, key="k-transfer-2"),
    "close_tab": Call("close_tab", "o1", key="k-close"),
    "reopen_tab": Call("reopen_tab", "o1", key="k-open"),
    "serve": Call("advance", "o1", "f2", "serve", key="k-serve"),
    "remake": Call("advance", "o1", "f2", "remake", key="k-remake"),
    "sell_out": Call("sell_out", "STEAK", "GRILL", notice_id="n1", queued=True),
}
MONEY = (
    *("pay", "capture", "refund", "cancel", "report_chargeback", "record_payment"),
    *("notify_payment", "resume", "ship", "credit"),
)
STOCK = (
    *("place", "place o4", "allocate", "count_stock", "post_stock", "cancel o2", "ship o2"),
    *("count nothing", "edit up", "short_pick", "move", "resume"),
)


@cache
def accepted() -> dict[str, tuple[str, ...]]:
    """On which stages each command is accepted, by itself."""
    found: dict[str, list[str]] = {name: [] for name in COMMANDS}
    for stage, made in STAGES.items():
        for name, call in COMMANDS.items():
            world = made()
            try:
                world.desk.run(call.flow(world.desk))
            except OrderwrightError:
                continue
            found[name].append(stage)
    return {name: tuple(stages) for name, stages in found.items()}


class Pair(NamedTuple):
    """Two commands that meet on a stage."""

    one: str
    other: str
    stage: str

    def explore(self) -> Explored:
        """Look at every order in which they take turns, with a crash anywhere."""
        calls = (COMMANDS[self.one], COMMANDS[self.other])
        return explore(lambda: (STAGES[self.stage](), calls))


def pairs(names: tuple[str, ...] = tuple(COMMANDS), *, everywhere: bool = False) -> Iterator[Pair]:
    """Every two of the commands, the same one twice as well, once for each way they can meet.

    That is where both are accepted; where there is no such stage, where one of them is; and what
    is about stock meets on the last unit, too. ``everywhere``: money meets on every stage, stock
    also in one database with its orders, and whatever may happen there meets stock on the last
    unit.
    """
    where = accepted()
    for one, other in combinations_with_replacement(names, 2):
        both = [stage for stage in where[one] if stage in where[other]]
        stages = both[:1] or [*where[one][:1], *where[other][:1]]
        of_stock = (one in STOCK) + (other in STOCK)
        if of_stock == 2:
            stages.append("last unit")
        if everywhere:
            stages += both if one in MONEY and other in MONEY else []
            stages += [stage for stage in both if of_stock and stage == "last unit"]
            stages += ["last unit in one database"] if of_stock == 2 else []
        for stage in dict.fromkeys(stages):
            yield Pair(one, other, stage)


def explored(pair: Pair) -> tuple[Pair, Explored | None, float, str]:
    """Look at a pair: what was seen, the seconds it took, and what broke."""
    began = time.process_time()
    try:
        seen, broken = pair.explore(), ""
    except LawBroken as law:
        seen, broken = None, str(law)
    return pair, seen, time.process_time() - began, broken


def longest_first(every: Sequence[Pair], path: Path | None) -> list[Pair]:
    """Begin with what took longest the last time, so that no core is left with it in the end."""
    took: dict[Pair, float] = {}
    if path is not None and path.is_file():
        for row in DictReader(path.read_text().splitlines()):
            took[Pair(row["one"], row["other"], row["stage"])] = float(row["seconds"])
    return sorted(every, key=lambda pair: -took.get(pair, 1.0))


def report(path: Path | None, *, limit: float) -> int:
    """Explore all pairs, print the table (into ``path`` as well).

    Returns how many broke a law, or were not looked at to the end in time.
    """
    every = longest_first(list(pairs(everywhere=True)), path)
    rows, broke, total, states = [], 0, 0.0, 0
    began = time.monotonic()
    with ProcessPoolExecutor() as pool:
        for pair, seen, seconds, broken in pool.map(explored, every):
            total += seconds
            broke += bool(broken)
            states += seen.states if seen else 0
            verdict = "broken" if broken else "holds"
            figures = (seen.states, seen.stored, len(seen.ends)) if seen else ("", "", "")
            rows.append(",".join(map(str, (*pair, *figures, f"{seconds:.1f}", verdict))))
            print(rows[-1], *([broken] if broken else []), sep="\n", flush=True)
            if time.monotonic() - began > limit:
                print(f"stopped after {limit} seconds: {len(rows)} of {len(every)}")
                break
        pool.shutdown(cancel_futures=True)
    print(f"{len(rows)} pairs, {states} states, {total:.0f} seconds of one core, {broke} broken")
    if path is not None:
        head = "one,other,stage,states,stored,ends,seconds,verdict"
        path.write_text("\n".join([head, *sorted(rows)]) + "\n")
    return broke + len(every) - len(rows)


if __name__ == "__main__":
    given = sys.argv[1:]
    sys.exit(bool(report(Path(given[0]) if given else None, limit=3_600)))
