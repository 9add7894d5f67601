"""Orders in every state of life, and commands on them with hostile arguments."""

import inspect
import json
from datetime import timedelta
from typing import Any, get_args

from orderwright import (
    AddAdjustment,
    AddCharge,
    AddLine,
    Adjustment,
    ChangeLine,
    Charge,
    Contact,
    DraftLine,
    Order,
    OrderDesk,
    PaymentOutcome,
    Policy,
    Posting,
    Reference,
    TaxLine,
    Tender,
    UnitPrice,
)
from orderwright.codec import Codec
from orderwright.fulfillment.fulfillment import ScanStatus
from orderwright.fulfillment.shipping import Parcel
from orderwright.orders.lines import KitPart
from orderwright.orders.modifiers import Modifier
from orderwright.payments.operations import Outcome
from orderwright.tracking.delays import delays
from orderwright.tracking.reading import facts_of
from orderwright.tracking.staff import staff_view
from orderwright.tracking.timeline import render, timeline
from orderwright.tracking.views import customer_view
from tests.flows.test_bad_input import GOOD
from tests.fuzz.hostile import MOMENTS, Hostile
from tests.fuzz.judging import Target
from tests.worlds import HOUR, NOON, World, card, check_laws, commands_of, eur, line

CODEC = Codec()
BENT = (0, 1, 1, 1, 1, 2, 3)
"""So many arguments of a call are wrong."""
FIRM = Policy(capture="on_confirmation")
TAB = Policy(tab=True)
ANN = Contact(name="Ann", street=["1 High Street"], country="DE", phone="+49 1")
RICH = DraftLine(
    sku="MUG",
    quantity=2,
    unit_price=UnitPrice.of("1.99", "EUR", per=10),
    adjustments=[Adjustment(name="off", percent="-10", limit=eur(9))],
    taxes=[TaxLine(name="VAT", percent="19"), TaxLine(name="eco", amount=eur(1))],
    modifiers=[Modifier("cream", UnitPrice.of("0.50", "EUR"), 2, modifiers=(Modifier("apart"),))],
    uses={"MILK": 20},
    preparation=timedelta(minutes=3),
    requires=["oven"],
    course=1,
)
KIT = DraftLine(
    sku="SET",
    quantity=1,
    unit_price=UnitPrice.of("20", "EUR"),
    parts=[KitPart("MUG", 2), KitPart("CUP", weight=3)],
)
POSTINGS = (
    Posting.receive("again", "MUG", "MAIN", 1, at=NOON),
    Posting.receive(
        "lots",
        "MUG",
        "MAIN",
        5,
        at=NOON,
        lot="A",
        best_before=NOON,
        unit_cost=UnitPrice.of(2, "EUR"),
    ),
    Posting.expect("soon", "MUG", "MAIN", 5, purchase="b1", expected_at=NOON, at=NOON),
    Posting.adjust("lost", "MUG", "MAIN", -1, reason="broken", at=NOON),
    Posting.make("menu", "MAIN", made=[("SHAKE", 9)], used=[("MILK", 9)], at=NOON),
)
# What else each argument may well be; for one of the orders it is right.
LIKELY: dict[str, list[Any]] = {
    "order_id": ["o1", "o2", "o3", "o4", "o5", "o6", "o7", "o8", "t1", "t2"],
    "fulfillment_id": ["f1", "f2"],
    "fulfillment_ids": [["f1", "f2"]],
    "fulfillments": [["f1"], ["f1", "f2"]],
    "return_id": ["r1", ""],
    "payment_id": ["p1", "p2", ""],
    "to": ["t1", "t2", Tender(method="store_credit"), None],
    "action": "release pick pack ship deliver approve receive complete close accept cook".split(),
    "units": [{"l1": 1}, {"l1": 2}, {"l2": 1}, {"l1": 1, "l2": 1}, None],
    "restock": [{"l1": 1}],
    "quarantine": [{"l1": 1}],
    "write_off": [{"l1": 1}],
    "send_back": [{"l1": 1}],
    "code": ["backorder_refused", "stock_missing", "shipment_lost", "o6/p1/authorize-1"],
    "intent_id": ["o6/p1/authorize-1"],
    "operation_id": ["o6/p1/authorize-1", "o2/p1/capture-1", "o1/p1/authorize-1", "o3/p1/void-9"],
    "outcome": [
        PaymentOutcome(outcome=outcome, amount=eur(10), reference="ch_1", reason="why")
        for outcome in get_args(Outcome)
    ],
    "status": list(get_args(ScanStatus)),
    "posting": list(POSTINGS),
    "lines": [[RICH], [KIT], [line(), RICH, KIT], [line(id="a"), line("CUP", 2, "0.01")]],
    "exchange": [[line()], [RICH, KIT]],
    "changes": [
        [ChangeLine(line_id="l1", quantity=2)],
        [ChangeLine(line_id="l1", unit_price=UnitPrice.of("3", "EUR"))],
        [AddLine(line=RICH, replaces="l1")],
        [AddCharge(charge=Charge(kind="tip", amount=eur(1)))],
        [AddAdjustment(adjustment=Adjustment(name="off", percent="-5"))],
        [AddLine(line=KIT), ChangeLine(line_id="l1", quantity=1)],
    ],
    "charges": [[Charge(kind="shipping", amount=eur(4), taxes=[TaxLine(name="VAT", percent=7)])]],
    "fees": [[Charge(kind="label", amount=eur(1))]],
    "adjustments": [[Adjustment(name="coupon", amount=eur(-1), floor=eur(1))]],
    "tenders": [
        [card("1.00"), card()],
        [Tender(method="invoice", collected="afterwards", terms=timedelta(days=30))],
        [Tender(method="cash", collected="beforehand")],
        [],
    ],
    "references": [[Reference("marketplace", "M 77")]],
    "policy": [FIRM, TAB, Policy(short="backorder"), Policy(confirm="by_hand"), None],
    "contact": [ANN],
    "parcels": [[Parcel(weight_grams=750, length_mm=5)]],
    "amount": [eur(1), eur(5), eur(10), eur(1000), None],
    "expected_total": [eur(10)],
    "expected_due": [eur(10), eur(0)],
    "blocks": [{"capture", "fulfil"}, ["refund"], {"allocate"}],
    "until": [NOON + HOUR, NOON - HOUR],
    "location": ["MAIN", "STORE", "DEPOT"],
    "at": [NOON, NOON + HOUR, *MOMENTS],
    "expected_version": [1, 2, 3, 4, 5],
    "key": ["k1", "k2"],
    "fault": ["lost", "wrong", "damaged"],
    "remedy": ["refund", "replace"],
    "service": ["express", "standard", "island", "pickup", "delivery"],
    "kind": ["tracking", "payment", "marketplace"],
    "then": ["release", "cancel", "escalate"],
    "version": [1, 2, 3],
    "course": [0, 1, 2],
    "skus": [["MUG"], ["MUG", "CUP", "NONE"]],
    "sku": ["MUG", "CUP", "NONE", "SHAKE"],
}


def town() -> World:
    """A world with orders in all states of life: ten of them, two of these tabs."""
    stock = [("MUG", "MAIN", 90), ("CUP", "STORE", 9), ("SHAKE", "MAIN", 9), ("MILK", "MAIN", 900)]
    world = World(*stock, policy=Policy(capture="by_hand"))
    desk = world.desk
    desk.place([line()], order_id="o1", tenders=[card()], contact=Contact(name="Ann"))
    desk.place(
        [line(quantity=3), line("CUP", 2)],
        order_id="o2",
        tenders=[card("5.00"), card()],
        contact=ANN,
        charges=[Charge(kind="shipping", amount=eur(4))],
        policy=FIRM,
    )
    for order_id in ("o3", "o4"):
        desk.place([line(quantity=2)], order_id=order_id, tenders=[card()], policy=FIRM)
        desk.ship(order_id, "f1", carrier="DHL", tracking="T-1")
        desk.deliver(order_id, "f1")
    desk.request_return("o4", {"l1": 1}, reason="x")
    desk.advance_return("o4", "r1", "approve")
    desk.receive_return("o4", {"l1": 1}, location="MAIN", return_id="r1")
    desk.draft([line()], order_id="o5", tenders=[card()], contact=ANN)
    world.moods_by_id["o6/p1/authorize-1"] = "request_lost"
    desk.place([line()], order_id="o6", tenders=[card()])
    cash = [Tender(method="cash", collected="afterwards")]
    desk.place([line("NONE", 2)], order_id="o7", tenders=cash, policy=Policy(short="backorder"))
    desk.hold("o7", "fraud", blocks={"fulfil"})
    desk.place([RICH_HERE, KIT], order_id="o8", tenders=[card()], policy=FIRM)
    desk.place([line("SHAKE", 2)], order_id="t1", table="4", policy=TAB)
    desk.place([SHAKE], order_id="t2", table="6", policy=TAB)
    return world


RICH_HERE = line("MUG", 2, "1.99", taxes=[TaxLine(name="VAT", percent="19")])
SHAKE = line("SHAKE", 1, "6.00", course=1, uses={"MILK": 200})


class Town:
    """The town that commands are tried on: the same one until something changes it."""

    def __init__(self) -> None:
        self.world = town()
        self.written = self.state()

    def state(self) -> object:
        """Everything that is stored, as it is stored, and all that the world outside has done."""
        world = self.world
        orders = [CODEC.encode_order(order) for order in world.all_orders()]
        postings = [CODEC.encode(one) for one in world.inventory.postings()]
        stored = json.dumps([orders, postings], default=repr)
        books = (repr(world.payments.books), repr(world.carrier.books))
        return world.trace(), stored, books, repr(world.orders._contacts)

    def target(self, name: str) -> Target:
        """The command `name` as a target."""
        declared = commands_of(OrderDesk)[name]
        arguments = list(inspect.signature(declared.flow).parameters)[1:]

        def case(draw: Hostile) -> object:
            given = dict(GOOD[name])
            if name in ("place", "draft"):
                given["order_id"] = "new"
            for argument in arguments:
                if (
                    argument in LIKELY
                    and given.get(argument) != "new"
                    and draw.chance(40 if argument in given else 15)
                ):
                    given[argument] = draw.choice(LIKELY[argument])
            for argument in draw.sample(arguments, min(len(arguments), draw.choice(BENT))):
                good = given.get(argument, draw.choice(LIKELY.get(argument, ["x", NOON, None])))
                given[argument] = draw.bent(good)
            desk = self.world.desk.preview() if draw.chance(10) else self.world.desk
            return getattr(desk, name)(**given)

        return Target(case, self._harmed, self._accepted)

    def _harmed(self) -> bool:
        """Whether anything is not as it was; then it is put right for the next."""
        if self.state() == self.written:
            return False
        self.world = town()
        return True

    def _accepted(self, _: object) -> None:
        """What was accepted obeys the laws, can be stored, and can be shown to people."""
        state = self.state()
        if state == self.written:
            return
        world = self.world
        self.world = town()
        check_laws(world)
        for order in world.all_orders():
            shown(order, world)


def shown(order: Order, world: World) -> None:
    """Store an order with its history, and show it in all ways."""
    history = world.orders.events(order.id)
    stored = json.dumps(CODEC.encode_order(order), ensure_ascii=False).encode()
    assert order == CODEC.decode_order(json.loads(stored))
    for event in history:
        text = json.dumps(CODEC.encode_event(event), ensure_ascii=False).encode()
        assert event == CODEC.decode_event(json.loads(text))
    looked_at(order, history)


def looked_at(order: Order, history: Any) -> None:  # noqa: ANN401 - a tuple of events
    """All that is ever read of an order and its history."""
    now = NOON + HOUR
    customer = customer_view(order, now=now, history=history)
    staff = staff_view(order, now=now)
    told = (customer.render(), staff.render(), render(timeline(history)))
    json.dumps((customer.plain(), staff.plain(), *told), ensure_ascii=False).encode()
    facts_of(history)
    delays(order, now=now)
