"""A restaurant to simulate: two stations and a bar, tabs that grow, move, merge and are paid."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, final

from attrs import evolve

from orderwright.errors import OrderwrightError
from orderwright.fulfillment.locations import Location
from orderwright.inventory.guard import GUARDED, StockPolicy
from orderwright.inventory.postings import Posting
from orderwright.money import UnitPrice
from orderwright.orders.lines import ChangeLine, DraftLine, Policy
from orderwright.testing.simulation.drawing import (
    MOODS,
    At,
    Command,
    card,
    drawn,
    eur,
    holding,
    loss,
)
from orderwright.testing.simulation.steps import Call, Happen
from orderwright.testing.simulation.world import World

if TYPE_CHECKING:
    from random import Random

    from orderwright.orders.order import Order

__all__ = ["Restaurant"]

_STATIONS = (
    Location(id="GRILL", offers=["grill"], makes="ticket", larder="LARDER"),
    Location(id="COLD", offers=["cold"], makes="ticket", larder="LARDER"),
    Location(id="BAR", offers=["bar"], makes="ticket"),
)
_TAB = Policy(tab=True, short="reject", capture="on_confirmation")
# Of each dish: where it is made, in which course, for how much, and what of.
_DISHES: dict[str, tuple[str, int, str, dict[str, int]]] = {
    "STEAK": ("GRILL", 2, "28.00", {"BEEF": 250, "ONION": 30}),
    "SALAD": ("COLD", 1, "9.00", {"ONION": 10}),
    "WINE": ("BAR", 0, "5.20", {}),
}
_NAMES = tuple(_DISHES)
_SOON = timedelta(minutes=40)
_TABLES = ("t1", "t2", "t3")
_PLACES = tuple(one.id for one in _STATIONS)


def _dish(name: str) -> DraftLine:
    station, course, price, uses = _DISHES[name]
    return DraftLine(
        sku=name,
        quantity=1,
        unit_price=UnitPrice.of(price, "EUR"),
        requires=[station.lower()],
        course=course,
        uses=uses,
    )


def _counted(_sku: str, location: str) -> StockPolicy:
    """Ingredients are counted and may run below zero; dishes on offer may not."""
    return StockPolicy(mode="warned") if location in {"LARDER", "BAR"} else GUARDED


def _kitchen(at: At) -> Call:
    actions = ("fire", "prepare", "ready", "recall", "remake", "serve", "serve", "refuse")
    return at.told("advance", at.part, at.draw.choice(actions))


def _sold_out(at: At) -> Call:
    name = at.draw.choice(_NAMES[:2])
    queued = at.draw.choice((True, False))
    return Call("sell_out", name, _DISHES[name][0], notice_id=f"n{at.number}", queued=queued)


def _stop(at: At) -> Call:
    how = at.draw.choice(("request_stop", "stop", "refuse_stop"))
    more = {"units": at.units} if how == "request_stop" and at.draw.random() < 0.5 else {}  # noqa: PLR2004
    return at.told(how, at.part, reason="wait", **more)


def _fewer(at: At) -> ChangeLine:
    return ChangeLine(line_id="l1", quantity=at.draw.choice((0, 1, 3)))


def _count(at: At) -> Call:
    name, left = at.draw.choice(_NAMES[:2]), at.draw.choice((0, 1, 2))
    return Call("count_stock", name, _DISHES[name][0], left, count_id=f"c{at.number}")


def _transfer(at: At) -> Call:
    units = at.draw.choice((None, at.units))
    return at.told("transfer", at.draw.choice(_TABLES), units=units)


def _any(_: Order) -> bool:
    return True


_COMMANDS: dict[str, Command] = {
    "resume": Command(4, _any, lambda _: Call("resume")),
    "add_round": Command(5, _any, lambda at: at.told("add_round", [_dish(at.draw.choice(_NAMES))])),
    "fire": Command(4, _any, lambda at: at.told("fire", at.draw.choice((0, 1, 2)))),
    "kitchen": Command(8, _any, _kitchen),
    "move_tab": Command(1, _any, lambda at: at.told("move_tab", f"table {at.number}")),
    "transfer": Command(8, _any, _transfer),
    "close_tab": Command(4, _any, lambda at: at.told("close_tab")),
    "reopen_tab": Command(1, _any, lambda at: at.told("reopen_tab")),
    "pay": Command(4, _any, lambda at: at.told("pay", [card()])),
    "pay some": Command(3, _any, lambda at: at.told("pay", [card("5.20")])),
    "record_payment": Command(
        2, _any, lambda at: at.told("record_payment", at.money, method="cash")
    ),
    "refund": Command(1, _any, lambda at: at.told("refund")),
    "cancel some": Command(
        2, _any, lambda at: at.told("cancel", units=at.units, reason="gone cold")
    ),
    "cancel": Command(1, _any, lambda at: at.told("cancel", reason="left")),
    "credit": Command(1, _any, lambda at: at.told("credit", eur("1.00"), reason="sorry")),
    "claim": Command(
        1,
        _any,
        lambda at: at.told("claim", at.units, fault="wrong", remedy="refund", reason="wrong dish"),
    ),
    "hold": Command(1, _any, lambda at: at.told("hold", "guest", blocks={"fulfil"})),
    "release_hold": Command(1, _any, lambda at: at.told("release_hold", "guest")),
    "notify_payment": Command(1, _any, lambda at: Call("notify_payment", at.operation)),
    "promise": Command(1, _any, lambda at: at.told("promise", at.world.now + _SOON)),
    "tag": Command(1, _any, lambda at: at.told("tag", add=["regular"])),
    "sell_out": Command(2, _any, _sold_out),
    "count_stock": Command(2, _any, _count),
    "post_stock, a loss": Command(1, holding, loss),
    "add two": Command(
        1,
        _any,
        lambda at: at.told("add_round", [evolve(_dish(at.draw.choice(_NAMES)), quantity=2)]),
    ),
    "edit": Command(1, _any, lambda at: at.told("edit", [_fewer(at)])),
    "stop": Command(3, _any, _stop),
    "split": Command(2, _any, lambda at: at.told("split", at.part, at.units)),
    "merge": Command(
        2,
        lambda order: len(order.fulfillments) > 1,
        lambda at: at.told("merge", [one.id for one in at.order.fulfillments]),
    ),
    "move": Command(1, _any, lambda at: at.told("move", at.part, at.draw.choice(_PLACES))),
    "report_cancellation": Command(
        1, _any, lambda at: at.told("report_cancellation", reason="left")
    ),
    "retry": Command(
        4, lambda order: bool(order.intents), lambda at: Call("retry", at.order.id, at.intent)
    ),
}


@final
class _Kitchen(World):
    """The restaurant: few portions of each dish."""

    def __init__(self, portions: int, policy: Policy, *, joint: bool) -> None:
        super().__init__(
            ("BEEF", "LARDER", 600),
            ("ONION", "LARDER", 100),
            policy=policy,
            locations=_STATIONS,
            policies=_counted,
            joint=joint,
        )
        for name, (station, *_) in _DISHES.items():
            self.offer(f"offer-{name}", name, station, portions)

    def offer(self, posting_id: str, name: str, station: str, portions: int) -> None:
        """Put portions of a dish on offer."""
        made = Posting.make(posting_id, station, made=[(name, portions)], at=self.now)
        self.inventory.post(made)


class Restaurant:
    """A restaurant, with what tables have ordered already drawn, too."""

    def open(self, draw: Random) -> World:
        """Open with one to five portions of each dish, and a table that has ordered."""
        policy = evolve(_TAB, attempts=draw.choice((1, 2, 5, 5)))
        world = _Kitchen(draw.randint(1, 5), policy, joint=draw.random() < 0.3)  # noqa: PLR2004
        for name in _TABLES[: draw.choice((0, 1, 1, 2))]:
            lines = [_dish(draw.choice(_NAMES)) for _ in range(2)]
            try:
                world.desk.place(lines, order_id=name, table=name)
            except OrderwrightError:
                continue
        return world

    def call(self, world: World, draw: Random, number: int) -> Call:
        """Return a command: of a table that is new, or of one that sits there."""
        orders = world.all_orders()
        if len(orders) < len(_TABLES) and (not orders or draw.random() < 0.2):  # noqa: PLR2004
            name = draw.choice(_TABLES)
            return Call("place", [_dish(_NAMES[len(name) % 2])], order_id=name, table=name)
        return drawn(_COMMANDS, world, draw, number, orders)

    def happen(self, world: World, draw: Random, number: int) -> Happen:  # noqa: ARG002 - a scenario's
        """Return what happens outside: time passes, a dish is on again, cards are refused."""
        what = draw.random()
        if what < 0.3:  # noqa: PLR2004
            return Happen("wait", draw.choice((timedelta(seconds=1), timedelta(minutes=3))))
        if what < 0.5:  # noqa: PLR2004
            return Happen("wait_until_due")
        if what < 0.8:  # noqa: PLR2004
            return Happen("provider", [draw.choice(MOODS) for _ in range(3)])
        name = draw.choice(_NAMES)
        return Happen("offer", f"o{number}", name, _DISHES[name][0], 1)
