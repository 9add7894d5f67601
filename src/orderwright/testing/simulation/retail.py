"""An online retailer to simulate: scarce stock in three places, and everything a shop does."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, final

from orderwright.errors import OrderwrightError
from orderwright.fulfillment.shipping import Parcel
from orderwright.inventory.postings import Posting
from orderwright.lifecycles import Phase
from orderwright.money import UnitPrice
from orderwright.orders.amounts import Adjustment, TaxLine
from orderwright.orders.contacts import Contact
from orderwright.orders.lines import (
    AddAdjustment,
    AddCharge,
    AddLine,
    ChangeLine,
    Charge,
    DraftLine,
    Policy,
)
from orderwright.payments.operations import PaymentRequest
from orderwright.payments.payment import Tender
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
    from collections.abc import Sequence

    from orderwright.fulfillment.fulfillment import ScanStatus
    from orderwright.orders.order import Order

__all__ = ["COMMANDS", "Retail", "line"]

_SKUS = ("MUG", "CUP", "TEA")
_PLACES = ("MAIN", "STORE", "DEPOT")
_LOTS = ("L1", "L2")
"""Of tea: the rest is of no lot."""
_SCANS: tuple[ScanStatus, ...] = (
    *("handed_over", "in_transit", "delivered", "delivered"),
    *("not_delivered", "returned", "lost"),
)
_MINUTE = timedelta(minutes=1)
_WAITS = (timedelta(seconds=1), _MINUTE, 3 * _MINUTE, timedelta(hours=1), timedelta(days=1))
_HOME = Contact(name="Ada", street=("1 Main St",), city="Reykjavik", country="IS")
_PARCELS = (Parcel(weight_grams=750),)
_VAT = TaxLine(name="VAT", percent="19", included=True)
_OFF = Adjustment(name="off", percent="-33")


def line(
    sku: str = "MUG",
    quantity: int = 1,
    price: str = "10.00",
    *,
    taxes: Sequence[TaxLine] = (),
    adjustments: Sequence[Adjustment] = (),
) -> DraftLine:
    """Return a line in euros."""
    return DraftLine(
        sku=sku,
        quantity=quantity,
        unit_price=UnitPrice.of(price, "EUR"),
        taxes=taxes,
        adjustments=adjustments,
    )


def _edit(at: At) -> Call:
    add = line(at.draw.choice(_SKUS), 1, "4.99")
    change = at.draw.choice(
        (
            ChangeLine(line_id="l1", quantity=at.draw.choice((0, 1, 3))),
            AddLine(line=add),
            AddCharge(charge=Charge(kind="tip", amount=eur("1.50"))),
            AddAdjustment(line_id="", adjustment=Adjustment(name="gift", amount=eur("-4.99"))),
        )
    )
    return at.told("edit", [change])


def _inspect(at: At) -> Call:
    what = at.draw.choice(("restock", "quarantine", "write_off", "send_back"))
    return at.told("inspect_return", at.returned, **{what: at.units})


def _stop(at: At) -> Call:
    return at.told(at.draw.choice(("request_stop", "stop", "refuse_stop")), at.part, reason="wait")


def _advance(at: At) -> Call:
    actions = ("release", "release", "pick", "pick", "pack", "refuse", "lose", "withdraw")
    return at.told("advance", at.part, at.draw.choice(actions))


def _notice(at: At) -> Call:
    """What the provider says of an operation now, which may arrive any time later."""
    asked = [one.id for one in at.order.intents if isinstance(one.request, PaymentRequest)]
    operation = at.draw.choice(asked or [at.operation])
    known = at.world.payments.operations.get(operation)
    if known is None or at.draw.random() < 0.5:  # noqa: PLR2004
        return Call("notify_payment", operation)
    request, outcome = known
    return Call("notify_payment", request.id, outcome=outcome, sequence=at.number)


def _delivery(at: At) -> Call:
    sku, place = at.draw.choice(_SKUS), at.draw.choice(_PLACES)
    lot = at.draw.choice(_LOTS) if sku == "TEA" else ""
    posting = Posting.receive(f"d{at.number}", sku, place, 1, lot=lot, at=at.world.now)
    return Call("post_stock", posting)


def _count(at: At) -> Call:
    counted = at.draw.choice((0, 1, 2))
    sku, place = at.draw.choice(_SKUS), at.draw.choice(_PLACES)
    return Call("count_stock", sku, place, counted, count_id=f"c{at.number}")


def _reopen(at: At) -> Call:
    """What a clerk does to an order as such: takes it up again, or says that it is done."""
    done = at.order.state.phase is Phase.DONE
    return at.told("advance_order", "reopen" if done else "complete", reason="look")


def _resolve(at: At) -> Call:
    codes = [one.code for one in at.order.exceptions] or ["reopened"]
    return at.told("resolve", at.draw.choice(codes), resolution="settled")


def _scan(at: At) -> Call:
    place = at.draw.choice(("", "the harbour"))
    return at.told("scan", at.part, at.draw.choice(_SCANS), place=place, occurred_at=at.world.now)


def _redraft(at: At) -> Call:
    lines = [line(at.draw.choice(_SKUS[:2]), at.draw.choice((1, 2)))]
    return Call("draft", lines, order_id=at.order.id, tenders=[card()])


def _promise(at: At) -> Call:
    return at.told("promise", at.world.now + at.draw.choice(_WAITS), reason="asked")


def _asked(order: Order) -> bool:
    return any(isinstance(one.request, PaymentRequest) for one in order.intents)


def _short(order: Order) -> bool:
    return any(line.backordered for line in order.lines)


def _drafted(order: Order) -> bool:
    return order.state.phase is Phase.PLANNED


def _steady(order: Order) -> bool:
    """Whether a step of the order itself is for a person to take."""
    return order.state.phase is Phase.DONE or order.has_exception("reopened")


def _tracked(order: Order) -> bool:
    return any(one.tracking for one in order.fulfillments)


def _planned(order: Order) -> bool:
    return bool(order.fulfillments)


def _open(order: Order) -> bool:
    return any(one.live and not one.gone for one in order.fulfillments)


def _gone(order: Order) -> bool:
    return any(one.gone for one in order.fulfillments)


def _back(order: Order) -> bool:
    return bool(order.returns)


def _any(_: Order) -> bool:
    return True


def _kept(order: Order) -> bool:
    return bool(order.captured)


COMMANDS: dict[str, Command] = {
    "resume": Command(4, _any, lambda _: Call("resume")),
    "ship": Command(5, _open, lambda at: at.told("ship", at.part)),
    "deliver": Command(4, _gone, lambda at: at.told("deliver", at.part)),
    "cancel": Command(3, _open, lambda at: at.told("cancel", reason="sorry")),
    "cancel some": Command(3, _open, lambda at: at.told("cancel", units=at.units, reason="less")),
    "pay": Command(4, lambda order: bool(order.uncovered), lambda at: at.told("pay", [card()])),
    "pay too much": Command(
        1, lambda order: bool(order.uncovered), lambda at: at.told("pay", [card("99.00")])
    ),
    "pay in two parts": Command(
        2,
        lambda order: bool(order.uncovered),
        lambda at: at.told("pay", [card("3.33"), card()]),
    ),
    "capture": Command(3, lambda order: bool(order.authorized), lambda at: at.told("capture")),
    "capture some": Command(
        2, lambda order: bool(order.authorized), lambda at: at.told("capture", amount=at.money)
    ),
    "refund": Command(4, lambda order: bool(order.payout), lambda at: at.told("refund")),
    "refund some": Command(
        2, lambda order: bool(order.payout), lambda at: at.told("refund", amount=at.money)
    ),
    "credit": Command(3, _kept, lambda at: at.told("credit", at.money, reason="scratch")),
    "edit": Command(3, _open, _edit),
    "request_return": Command(
        4, _gone, lambda at: at.told("request_return", at.units, reason="torn")
    ),
    "exchange": Command(
        1,
        _gone,
        lambda at: at.told("request_return", at.units, reason="size", exchange=[line("CUP")]),
    ),
    "approve": Command(
        2,
        _back,
        lambda at: at.told("advance_return", at.returned, at.draw.choice(("approve", "close"))),
    ),
    "give up a return": Command(
        2,
        _back,
        lambda at: at.told("advance_return", at.returned, at.draw.choice(("refuse", "cancel"))),
    ),
    "receive_return": Command(
        4,
        _back,
        lambda at: at.told(
            "receive_return", at.units, location=at.draw.choice(("MAIN", "MAIN", "STORE"))
        ),
    ),
    "inspect_return": Command(4, _back, _inspect),
    "claim": Command(
        1,
        _gone,
        lambda at: at.told("claim", at.units, fault="damaged", remedy="refund", reason="broken"),
    ),
    "replace": Command(
        1, _gone, lambda at: at.told("claim", at.units, fault="lost", remedy="replace")
    ),
    "allocate": Command(6, _short, lambda at: Call("allocate", at.order.id)),
    "split": Command(2, _open, lambda at: at.told("split", at.part, at.units)),
    "merge": Command(
        2,
        lambda order: len(order.fulfillments) > 1,
        lambda at: at.told("merge", [one.id for one in at.order.fulfillments]),
    ),
    "move": Command(3, _open, lambda at: at.told("move", at.part, at.draw.choice(_PLACES))),
    "short_pick": Command(2, _open, lambda at: at.told("short_pick", at.part, at.units)),
    "advance": Command(4, _open, _advance),
    "stop": Command(2, _open, _stop),
    "report_cancellation": Command(
        1, _any, lambda at: at.told("report_cancellation", reason="there")
    ),
    "hold": Command(
        1,
        _any,
        lambda at: at.told("hold", "note", blocks={at.draw.choice(("refund", "fulfil"))}),
    ),
    "hold a part": Command(
        1,
        _open,
        lambda at: at.told("hold", "part", blocks={"fulfil"}, fulfillments={at.part}),
    ),
    "hold for long": Command(
        1, _open, lambda at: at.told("hold", "fraud", blocks={"allocate", "capture"})
    ),
    "release_hold": Command(
        4,
        lambda order: bool(order.holds),
        lambda at: at.told("release_hold", at.draw.choice(("note", "fraud", "part"))),
    ),
    "notify_payment": Command(4, lambda order: bool(order.payments), _notice),
    "notice of what is open": Command(9, _asked, _notice),
    "retry what is open": Command(5, _asked, lambda at: Call("retry", at.order.id, at.intent)),
    "retry": Command(
        2, lambda order: bool(order.intents), lambda at: Call("retry", at.order.id, at.intent)
    ),
    "report_chargeback": Command(
        4, _kept, lambda at: at.told("report_chargeback", at.payment, at.money)
    ),
    "astray": Command(
        2,
        _gone,
        lambda at: at.told("advance", at.part, at.draw.choice(("lose", "return_to_sender"))),
    ),
    "chargeback meanwhile": Command(
        9,
        lambda order: bool(order.refunding),
        lambda at: at.told("report_chargeback", "p1", at.money),
    ),
    "reversal": Command(
        9,
        lambda order: bool(order.charged_back),
        lambda at: at.told("report_chargeback_reversal", "p1", at.money),
    ),
    "record_payment": Command(
        1, _any, lambda at: at.told("record_payment", at.money, method="cash")
    ),
    "record_refund": Command(
        2, _kept, lambda at: at.told("record_refund", at.money, method="cash")
    ),
    "confirm": Command(1, _open, lambda at: at.told("confirm")),
    "reject": Command(1, _open, lambda at: at.told("reject", reason="fraud")),
    "expire": Command(1, _open, lambda at: at.told("expire")),
    "resolve": Command(3, lambda order: bool(order.exceptions), _resolve),
    "advance_order": Command(5, _steady, _reopen),
    "promise": Command(2, _open, _promise),
    "tag": Command(1, _any, lambda at: at.told("tag", add=["vip"], remove=["new"])),
    "scan": Command(2, _planned, _scan),
    "track": Command(
        4,
        _tracked,
        lambda at: Call(
            "track", at.order.id, next((p.id for p in at.order.fulfillments if p.tracking), "f1")
        ),
    ),
    "draft": Command(2, _drafted, _redraft),
    "place_draft": Command(14, _drafted, lambda at: at.told("place_draft")),
    "discard_draft": Command(3, _drafted, lambda at: at.told("discard_draft", reason="no")),
    "note": Command(1, _any, lambda at: at.told("note", "hello")),
    "book_label": Command(
        4,
        _open,
        lambda at: at.told("book_label", at.part, service="island", parcels=_PARCELS),
    ),
    "cancel_label": Command(
        5, lambda order: bool(order.labels), lambda at: at.told("cancel_label", at.part)
    ),
    "contact": Command(2, _open, lambda at: at.told("edit", contact=_HOME)),
    "forget": Command(1, _gone, lambda at: at.told("forget")),
    "post_stock": Command(3, _any, _delivery),
    "post_stock, a loss": Command(2, holding, loss),
    "count_stock": Command(5, _any, _count),
    "fill": Command(1, _any, lambda _: Call("fill", _SKUS)),
}
"""What is done to orders, and how often."""


@final
class _Shop(World):
    """The shop; in a ``rush`` all come at once for the last unit."""

    rush: bool = False


class Retail:
    """An online shop: its policy, its stock and the orders it has already are drawn, too."""

    def open(self, draw: Random) -> World:
        """Open with one to four mugs, and an order or two that have come some way.

        Or with one mug only, for which all come at once, or wait in a queue behind who has it.
        """
        policy = Policy(
            capture=draw.choice(("on_confirmation", "on_dispatch", "by_hand", "on_placement")),
            confirm=draw.choice(("when_covered", "when_covered", "when_covered", "by_hand")),
            refund=draw.choice(("when_cancelled", "when_cancelled", "by_hand")),
            short=draw.choice(("reject", "backorder", "backorder")),
            unpaid_ttl=draw.choice((None, timedelta(hours=1), 10 * _MINUTE)),
            attempts=draw.choice((1, 2, 2, 2, 5, 5, 5, 5)),
            replans=draw.choice((0, 3)),
            credit_returns=draw.choice(("on_receipt", "on_inspection")),
        )
        how = draw.random()
        rush, queue = how < 0.1, policy.short == "backorder" and 0.1 <= how < 0.3  # noqa: PLR2004
        mugs = 1 if rush or queue else draw.randint(1, 4)
        stock = (("MUG", "MAIN", mugs), ("MUG", "STORE", 1), ("CUP", "STORE", 3))
        joint = draw.random() < 0.3  # noqa: PLR2004
        world = _Shop(*(stock[:1] if rush or queue else stock), policy=policy, joint=joint)
        world.rush = rush
        for lot in _LOTS if not (rush or queue) and draw.random() < 0.5 else ():  # noqa: PLR2004
            tea = Posting.receive(f"tea-{lot}", "TEA", "MAIN", 1, lot=lot, at=world.now)
            world.inventory.post(tea)
        if queue:
            for name in ("o1", "o2", "o3")[: draw.choice((2, 3))]:
                world.desk.place([line()], order_id=name, tenders=[card()])
        elif not rush:
            for number in range(draw.choice((0, 1, 1, 2))):
                _come_some_way(world, draw, self._order(world, f"o{number + 1}"))
            if draw.random() < 0.12:  # noqa: PLR2004
                drafted = self._order(world, "o4")
                world.desk.run(Call("draft", *drafted.args, **drafted.more).flow(world.desk))
        return world

    def call(self, world: World, draw: Random, number: int) -> Call:
        """Return a command: a new order, the same one once more, or one for an order there is."""
        orders = world.all_orders()
        if isinstance(world, _Shop) and world.rush and number <= 4:  # noqa: PLR2004
            return Call("place", [line()], order_id=f"o{number}", tenders=[card()])
        if len(orders) < 4 and (not orders or draw.random() < 0.25):  # noqa: PLR2004
            placed = self._order(world, f"o{draw.randint(1, 4)}")
            drafted = draw.random() < 0.12  # noqa: PLR2004
            return Call("draft", *placed.args, **placed.more) if drafted else placed
        return drawn(COMMANDS, world, draw, number, orders)

    def happen(self, world: World, draw: Random, number: int) -> Happen:
        """Return what happens outside: time passes, goods come and go, the provider has moods."""
        what = draw.random()
        if what < 0.25:  # noqa: PLR2004
            return Happen("wait", draw.choice(_WAITS))
        if what < 0.45:  # noqa: PLR2004
            return Happen("wait_until_due")
        if what < 0.7:  # noqa: PLR2004
            lasting = draw.choice((None, None, 30 * _MINUTE))
            return Happen("provider", [draw.choice(MOODS) for _ in range(3)], lasting)
        numbers = [
            one.tracking
            for order in world.all_orders()
            for one in order.fulfillments
            if one.tracking
        ]
        if numbers and draw.random() < 0.5:  # noqa: PLR2004
            return Happen("move_parcel", draw.choice(numbers), draw.choice(_SCANS))
        sku, place = draw.choice(_SKUS), draw.choice(_PLACES)
        if what < 0.9:  # noqa: PLR2004
            return Happen("receive", f"d{number}", sku, place, 1)
        return Happen("lose", f"d{number}", sku, place)

    @staticmethod
    def _order(world: World, name: str) -> Call:
        """Return an order that is the same whenever it has this name: it may be sent again."""
        draw = Random(f"{name} {world.policy.capture} {world.policy.replans}")  # noqa: S311
        lines: list[DraftLine] = []
        for _ in range(draw.randint(1, 2)):
            sku, units = draw.choice(("MUG", *_SKUS)), draw.randint(1, 2)
            price, taxes = draw.choice(("10.00", "3.33")), draw.choice(((), (_VAT,)))
            off = draw.choice(((), (_OFF,)))
            lines.append(line(sku, units, price, taxes=taxes, adjustments=off))
        tenders = draw.choice(
            ([card()], [card()], [], [Tender(method="gift_card", amount=eur("5.00")), card()])
        )
        contact = draw.choice((None, _HOME, _HOME))
        return Call("place", lines, order_id=name, tenders=tenders, contact=contact)


def _come_some_way(world: World, draw: Random, placed: Call) -> None:
    """Place an order, and ship or even deliver it."""
    name = str(placed.more["order_id"])
    numbered = draw.choice(({}, {"carrier": "DHL", "tracking": f"T-{name}"}))
    if numbered:
        world.move_parcel(numbered["tracking"], draw.choice(_SCANS))
    far = draw.choice((0, 0, 1, 2))
    calls = [Call("ship", name, "f1", **numbered), Call("deliver", name, "f1")]
    for call in (placed, *calls[:far]):
        try:
            world.desk.run(call.flow(world.desk))
        except OrderwrightError:
            return
