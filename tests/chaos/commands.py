"""What workers tell their desks: drawn from what is stored, and the same when it is sent again."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any

from orderwright import (
    AddLine,
    ChangeLine,
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
from orderwright.adapters.system import utc_now
from orderwright.lifecycles import Phase
from orderwright.orders.events import (
    ExceptionOpened,
    FulfillmentAdvanced,
    HoldPlaced,
    HoldReleased,
    MoneyRequested,
    NoteAdded,
    NothingChanged,
    OrderCancelled,
    OrderCredited,
    OrderEdited,
    OrderPlaced,
    PaymentsAdded,
    ReturnInspected,
    ReturnReceived,
    ReturnRequested,
)
from orderwright.ports import OrderQuery, OrderRepository

Command = dict[str, Any]

HOT = ("MUG", "CUP", "TEA")
SKUS = (*HOT, *(f"SKU-{number}" for number in range(47)))
LOCATIONS = (Location(id="MAIN"), Location(id="STORE", cost=5), Location(id="DEPOT", cost=9))
PLACES = tuple(one.id for one in LOCATIONS)
RECENT = timedelta(seconds=8)

SAID = {
    "place": OrderPlaced,
    "pay": PaymentsAdded,
    "ship": FulfillmentAdvanced,
    "deliver": FulfillmentAdvanced,
    "release": FulfillmentAdvanced,
    "pick": FulfillmentAdvanced,
    "cancel": OrderCancelled,
    "cancel some": OrderCancelled,
    "request return": ReturnRequested,
    "receive": ReturnReceived,
    "restock": ReturnInspected,
    "write off": ReturnInspected,
    "change": OrderEdited,
    "add": OrderEdited,
    "credit": OrderCredited,
    "capture": MoneyRequested,
    "refund": MoneyRequested,
    "note": NoteAdded,
    "hold": HoldPlaced,
    "let go": HoldReleased,
}
"""Which event each command leaves in the history, under its key."""
INSTEAD = (NothingChanged, ExceptionOpened)
"""What is there where nothing changed, or a report contradicts the order."""


def eur(amount: str) -> Money:
    """So many euros."""
    return Money.of(amount, "EUR")


# Drawing ------------------------------------------------------------------------------------


def drawn(draw: Random, orders: OrderRepository, key: str) -> Command:
    """Something to do now; `key` is nobody else's."""
    luck = draw.random()
    if luck < 0.05:
        sku = draw.choice(HOT) if draw.random() < 0.7 else draw.choice(SKUS)
        told = {"sku": sku, "place": draw.choice(PLACES), "units": draw.randint(1, 2)}
        return {"do": "receive stock", "key": key, "at": utc_now().isoformat(), **told}
    if luck < 0.13:
        return {"do": "resume", "key": key}
    order = None if luck < 0.38 else _some(draw, orders)
    if order is None:
        return {"do": "place", "order": f"order-{key}", "key": f"order-{key}"}
    steps = list(_steps(draw, order))
    command = draw.choice(steps) if steps and draw.random() < 0.75 else _anything(draw, order)
    return {**command, "order": order.id, "key": key}


def _some(draw: Random, orders: OrderRepository) -> Order | None:
    """A recent order of anybody's, now and then one that everybody looks at."""
    recent = OrderQuery(placed_from=utc_now() - RECENT)
    found = orders.find(recent if draw.random() < 0.8 else OrderQuery(), limit=100)
    if not found:
        return None
    return orders.load(found[0] if draw.random() < 0.2 else draw.choice(found))


def _steps(draw: Random, order: Order) -> Iterator[Command]:
    """What would bring the order further."""
    if order.state.phase is Phase.WAITING and order.uncovered:
        yield {"do": "pay"}
    for one in order.fulfillments:
        if one.gone and one.state.phase is not Phase.DONE:
            yield {"do": "deliver", "part": one.id}
        elif one.live and not one.gone and order.state.phase is Phase.WORKING:
            do = draw.choice(("ship", "ship", "ship", "release", "pick"))
            yield {"do": do, "part": one.id}
    yield from _coming_back(draw, order)
    if order.payout:
        yield {"do": "refund"}
    if order.holds:
        yield {"do": "let go"}


def _coming_back(draw: Random, order: Order) -> Iterator[Command]:
    for line_id, units in order.quantities().items():
        if units.delivered and units.kept and draw.random() < 0.5:
            yield {"do": "request return", "line": line_id}
    for back in order.returns:
        for item in back.items if back.open else ():
            told = {"return": back.id, "line": item.line_id}
            if item.expected:
                yield {"do": "receive", **told, "place": draw.choice(PLACES)}
            if item.received > item.inspected:
                yield {"do": draw.choice(("restock", "restock", "write off")), **told}


def _anything(draw: Random, order: Order) -> Command:
    """What people do also, whether it fits or not."""
    some = [one.id for one in order.fulfillments] or ["f1"]
    line_id = draw.choice([one.id for one in order.lines])
    possible: tuple[Command, ...] = (
        {"do": "cancel"},
        {"do": "cancel some", "line": line_id},
        {"do": "change", "line": line_id, "units": draw.choice((0, 1, 3))},
        {"do": "add", "sku": draw.choice(HOT)},
        {"do": "credit"},
        {"do": "capture"},
        {"do": "refund"},
        {"do": "note"},
        {"do": "hold"},
        {"do": "let go"},
        {"do": "pay"},
        {"do": "ship", "part": draw.choice(some)},
        {"do": "deliver", "part": draw.choice(some)},
        {"do": "receive", "line": line_id, "return": "", "place": draw.choice(PLACES)},
        {"do": "request return", "line": line_id},
    )
    return draw.choice(possible)


# Doing --------------------------------------------------------------------------------------


def perform(desk: OrderDesk, told: Command) -> object:
    """Have a desk do it; sent again, it is the same."""
    return _DOING[told["do"]](desk, told)


def _placed(desk: OrderDesk, told: Command) -> Order:
    """Place an order that is the same whenever it has this id."""
    draw = Random(told["order"])  # noqa: S311
    lines = [
        DraftLine(
            sku=draw.choice(HOT) if draw.random() < 0.6 else draw.choice(SKUS),
            quantity=draw.choice((1, 1, 2)),
            unit_price=UnitPrice.of(draw.choice(("10.00", "3.33", "7.49")), "EUR"),
        )
        for _ in range(draw.choice((1, 1, 2)))
    ]
    card = Tender(method="card", instrument="card-1")
    split = [Tender(method="gift_card", amount=eur("3.00")), card]
    policy = Policy(
        capture=draw.choice(("on_confirmation", "on_dispatch", "on_placement")),
        short=draw.choice(("reject", "reject", "reject", "backorder")),
        refund=draw.choice(("when_cancelled", "when_cancelled", "by_hand")),
        unpaid_ttl=draw.choice((None, timedelta(seconds=10), timedelta(hours=1))),
        patience=timedelta(seconds=draw.choice((0.5, 2, 5))),
        attempts=draw.choice((2, 5)),
    )
    tenders = draw.choice(([card], [card], split, []))
    return desk.place(lines, order_id=told["order"], tenders=tenders, policy=policy)


def _stocked(desk: OrderDesk, told: Command) -> object:
    at = datetime.fromisoformat(told["at"])
    posting = Posting.receive(told["key"], told["sku"], told["place"], told["units"], at=at)
    return desk.post_stock(posting)


def _step(desk: OrderDesk, told: Command) -> Order:
    return desk.advance(told["order"], told["part"], told["do"], key=told["key"])


def _paid(desk: OrderDesk, told: Command) -> Order:
    card = Tender(method="card", instrument="card-2")
    return desk.pay(told["order"], [card], key=told["key"])


def _added(desk: OrderDesk, told: Command) -> Order:
    price = UnitPrice.of("4.99", "EUR")
    line = AddLine(line=DraftLine(sku=told["sku"], quantity=1, unit_price=price))
    return desk.edit(told["order"], [line], key=told["key"])


def _changed(desk: OrderDesk, told: Command) -> Order:
    change = ChangeLine(line_id=told["line"], quantity=told["units"])
    return desk.edit(told["order"], [change], key=told["key"])


def _received(desk: OrderDesk, told: Command) -> Order:
    units, place = {told["line"]: 1}, told["place"]
    return desk.receive_return(
        told["order"], units, location=place, return_id=told["return"], key=told["key"]
    )


def _inspected(desk: OrderDesk, told: Command) -> Order:
    order_id, return_id, units = told["order"], told["return"], {told["line"]: 1}
    if told["do"] == "restock":
        return desk.inspect_return(order_id, return_id, restock=units, key=told["key"])
    return desk.inspect_return(order_id, return_id, write_off=units, key=told["key"])


_DOING: Mapping[str, Callable[[OrderDesk, Command], object]] = {
    "place": _placed,
    "receive stock": _stocked,
    "resume": lambda desk, _: desk.resume(limit=20),
    "pay": _paid,
    "capture": lambda desk, told: desk.capture(told["order"], key=told["key"]),
    "refund": lambda desk, told: desk.refund(told["order"], key=told["key"]),
    "release": _step,
    "pick": _step,
    "ship": lambda desk, told: desk.ship(told["order"], told["part"], key=told["key"]),
    "deliver": lambda desk, told: desk.deliver(told["order"], told["part"], key=told["key"]),
    "request return": lambda desk, told: desk.request_return(
        told["order"], {told["line"]: 1}, reason="torn", key=told["key"]
    ),
    "receive": _received,
    "restock": _inspected,
    "write off": _inspected,
    "cancel": lambda desk, told: desk.cancel(told["order"], reason="sorry", key=told["key"]),
    "cancel some": lambda desk, told: desk.cancel(
        told["order"], units={told["line"]: 1}, reason="less", key=told["key"]
    ),
    "change": _changed,
    "add": _added,
    "credit": lambda desk, told: desk.credit(
        told["order"], eur("0.11"), reason="scratch", key=told["key"]
    ),
    "note": lambda desk, told: desk.note(told["order"], "called", key=told["key"]),
    "hold": lambda desk, told: desk.hold(told["order"], "note", blocks={"refund"}, key=told["key"]),
    "let go": lambda desk, told: desk.release_hold(told["order"], "note", key=told["key"]),
}
