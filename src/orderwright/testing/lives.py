"""Orders with every event that there is, and values that stores are known to spoil.

They are made by a desk on the adapters in memory, so they are orders as an application has them;
what is kept is each save the desk made.
"""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from orderwright.fulfillment.shipping import Parcel
from orderwright.inventory.postings import Posting
from orderwright.money import MAX_MINOR, Money, UnitPrice
from orderwright.orders.amounts import Adjustment, TaxLine
from orderwright.orders.contacts import Contact
from orderwright.orders.lines import (
    AddAdjustment,
    AddCharge,
    AddLine,
    ChangeLine,
    Charge,
    DraftLine,
    KitPart,
    Policy,
    Reference,
)
from orderwright.orders.modifiers import Modifier
from orderwright.payments.operations import PaymentOutcome, PaymentRequest
from orderwright.payments.payment import Tender
from orderwright.testing.samples import CARD, HAWAII, KATHMANDU, NAME, NOON, TEXT, Shop, eur, line
from orderwright.values import MAX_QUANTITY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orderwright.adapters.memory import Behaviour
    from orderwright.desk import OrderDesk
    from orderwright.testing.samples import Saved

__all__ = ["lives"]

LONG = "\N{SLICE OF PIZZA}" * 200
_ANSWERS: Mapping[str, Behaviour] = {
    "declined/p1/authorize-1": "decline",
    "lost/p1/authorize-1": "request_lost",
    "late/p1/capture-1": "pending",
    "told/p1/capture-1": "pending",
    "challenged/p1/charge-1": "requires_action",
}


def _answer(request: PaymentRequest) -> Behaviour:
    return _ANSWERS.get(request.id, "approve")


@lru_cache(maxsize=1)
def lives() -> tuple[Saved, ...]:
    """Return all saves of all orders, in the order in which they were made."""
    shop = Shop(_answer)
    for live in (_shop, _returns, _payments, _people, _work, _extremes, _evening, _rules):
        live(shop.desk)
    shop.desk.resume(now=NOON + timedelta(hours=1))
    return shop.saves()


def _shop(desk: OrderDesk) -> None:
    """An order from a marketplace, held, shipped and cancelled elsewhere all the same."""
    desk.place(
        [line(name=TEXT), line("CUP", 30, "2.50"), line("NONE", 1)],
        order_id="shop",
        charges=[Charge(kind="shipping", amount=eur("4.90"))],
        tenders=[Tender(method="gift", amount=eur("1.00")), CARD],
        customer_id=NAME,
        channel=NAME,
        references=[Reference("marketplace", NAME), Reference(NAME, "M 77")],
        contact=Contact(name=NAME, street=(NAME, ""), country="NP", instructions=TEXT),
        at=NOON.astimezone(KATHMANDU),
        occurred_at=NOON - timedelta(microseconds=1),
        by=NAME,
    )
    desk.hold("shop", NAME, blocks=["fulfil", "refund"], reason=TEXT, at=NOON, by=NAME)
    desk.ship("shop", "f1", carrier="DHL", tracking=NAME, at=NOON, key=NAME)
    desk.scan("shop", "f1", "in_transit", place=NAME, expected_at=NOON, at=NOON)
    desk.report_cancellation("shop", reason="elsewhere", at=NOON)
    for exception in desk.order("shop").exceptions:
        desk.resolve("shop", exception.code, resolution=TEXT, at=NOON)
    desk.release_hold("shop", NAME, at=NOON)


def _returns(desk: OrderDesk) -> None:
    """An order that is edited, credited, delivered, sent back, exchanged and claimed."""
    discount = Adjustment(name="off", percent="-10", limit=Money(99, "EUR"))
    taxes = [TaxLine(name="VAT", percent="19"), TaxLine(name="eco", amount=Money(1, "EUR"))]
    dear = DraftLine(
        sku="MUG",
        quantity=2,
        unit_price=UnitPrice.of("5", "EUR"),
        adjustments=[discount],
        taxes=taxes,
    )
    coupon = Adjustment(name="coupon", amount=Money(-100, "EUR"), floor=Money(1, "EUR"))
    desk.place([line(), dear], order_id="back", adjustments=[coupon], tenders=[CARD], at=NOON)
    desk.edit(
        "back",
        [
            ChangeLine(line_id="l1", quantity=1, unit_price=UnitPrice.of("12", "EUR")),
            AddLine(line=line("CUP", 30, "2.50"), replaces="l1"),
            AddCharge(charge=Charge(kind="tip", amount=eur("1.00"))),
        ],
        at=NOON,
    )
    desk.credit("back", Money(50, "EUR"), reason="sorry", at=NOON)
    for one in desk.order("back").fulfillments:
        desk.deliver("back", one.id, at=NOON)
    exchange = [line("CUP", 1, "1")]
    desk.request_return("back", {"l1": 1}, reason="x", exchange=exchange, at=NOON)
    fees = [Charge(kind="label", amount=eur("1.00"))]
    desk.advance_return("back", "r1", "approve", fees=fees, at=NOON)
    desk.receive_return("back", {"l1": 1}, location="MAIN", return_id="r1", at=NOON)
    desk.inspect_return("back", "r1", restock={"l1": 1}, at=NOON)
    desk.claim("back", {"l2": 1}, fault="lost", remedy="replace", at=NOON)


def _payments(desk: OrderDesk) -> None:
    """Orders whose payment is declined, lost, late, challenged, on account or taken back."""
    desk.place([line()], order_id="declined", tenders=[CARD], at=NOON)
    desk.pay("declined", [Tender(method="cash")], at=NOON)
    by_hand = Policy(capture="by_hand")
    desk.place([line()], order_id="partly", tenders=[CARD], at=NOON, policy=by_hand)
    desk.capture("partly", amount=eur("5.00"), at=NOON)
    for order_id in ("lost", "late", "told"):
        desk.place([line()], order_id=order_id, tenders=[CARD], at=NOON)
    told = PaymentOutcome(outcome="succeeded", amount=eur("25.01"), reference=NAME)
    desk.notify_payment("told/p1/capture-1", outcome=told, sequence=MAX_QUANTITY, at=NOON)
    invoice = Tender(method="invoice", collected="afterwards", terms=timedelta(days=30))
    first = Tender(method="card", amount=eur("1.00"))
    desk.place([line()], order_id="account", tenders=[first, invoice], at=NOON)
    desk.record_payment("account", eur("2.00"), method="cash", reference=NAME, key="paid", at=NOON)
    desk.report_chargeback("account", "p1", eur("1.00"), reason="who?", at=NOON)
    at_once = Policy(capture="on_placement")
    desk.place([line()], order_id="challenged", tenders=[CARD], at=NOON, policy=at_once)


def _people(desk: OrderDesk) -> None:
    """What only people do: drafts, tags, notes, stops, short picks, and being forgotten."""
    desk.draft([line()], order_id="draft", contact=Contact(name="Ann"), at=NOON)
    desk.tag("draft", add=["vip", NAME], at=NOON)
    desk.note("draft", TEXT, at=NOON)
    desk.place_draft("draft", at=NOON)
    desk.confirm("draft", at=NOON)
    desk.forget("draft", at=NOON)
    desk.tag("draft", add=["vip"], key="again", at=NOON)
    discount = Adjustment(name="sorry", percent="-5")
    desk.edit("draft", [AddAdjustment(adjustment=discount)], service="pickup", at=NOON)
    desk.place([line()], order_id="stopped", tenders=[CARD], at=NOON)
    for action in ("release", "pick"):
        desk.advance("stopped", "f1", action, at=NOON)
    desk.request_stop("stopped", "f1", at=NOON)
    desk.refuse_stop("stopped", "f1", at=NOON)
    desk.short_pick("stopped", "f1", {"l1": 1}, at=NOON)
    desk.place([line("PART")], order_id="lapsed", at=NOON)
    desk.ship("lapsed", "f1", at=NOON + timedelta(hours=2))  # what was reserved has lapsed
    desk.place([line("PART")], order_id="missing", tenders=[CARD], at=NOON)
    desk.count_stock("PART", "MAIN", 1, count_id="n", at=NOON)


def _work(desk: OrderDesk) -> None:
    """Work that is moved, split, merged and stopped; money that goes elsewhere; a rich draft."""
    by_hand = Policy(capture="on_confirmation", refund="by_hand")
    mugs, someone = [line(quantity=4)], Contact(name=NAME)
    desk.place(mugs, order_id="work", tenders=[CARD], contact=someone, policy=by_hand, at=NOON)
    desk.move("work", "f1", "WEST", at=NOON)
    desk.split("work", "f2", {"l1": 2}, at=NOON)
    desk.merge("work", ["f2", "f3"], at=NOON)
    desk.credit("work", eur("3.00"), target="l1", reason=TEXT, at=NOON)
    gift = Tender(method="store_credit", instrument=NAME)
    desk.refund("work", amount=eur("1.00"), to=gift, at=NOON)
    desk.refund("work", amount=eur("1.00"), payment_id="p1", at=NOON)
    parcels = [Parcel(weight_grams=MAX_QUANTITY, length_mm=1), Parcel(weight_grams=1)]
    for _ in range(2):
        desk.book_label("work", "f2", service=NAME, parcels=parcels, reason=TEXT, at=NOON)
        desk.cancel_label("work", "f2", reason=TEXT, at=NOON)
    cash = [Tender(method="cash", collected="afterwards")]
    later = NOON + timedelta(days=1)
    more = [AddLine(line=line("CUP", 1, "3"))]
    desk.edit(
        "work",
        more,
        contact=Contact(name="Bob"),
        service="pickup",
        scheduled_for=later,
        tenders=cash,
        at=NOON,
    )
    desk.tag("work", add=["a", "b"], at=NOON)
    desk.tag("work", remove=["a"], at=NOON)
    desk.draft(
        [line()],
        order_id="sketch",
        charges=[Charge(kind="fee", amount=eur("1.00"))],
        adjustments=[Adjustment(name="off", percent="-1")],
        tenders=[CARD],
        customer_id=NAME,
        references=[Reference("quote", NAME)],
        service="delivery",
        scheduled_for=later,
        at=NOON,
    )
    desk.discard_draft("sketch", at=NOON)


def _extremes(desk: OrderDesk) -> None:
    """The largest amounts, quantities, numbers and ids there can be; kits; times to come."""
    dear = Money(MAX_MINOR, "EUR")
    price = UnitPrice.of(f"{MAX_MINOR // MAX_QUANTITY}e-2", "EUR")
    wanted = DraftLine(sku=NAME, quantity=MAX_QUANTITY, unit_price=price, id=LONG)
    desk.place([wanted], order_id=LONG, tenders=[Tender(method=LONG)], at=NOON)
    told = PaymentOutcome(outcome="succeeded", amount=dear, reference=NAME, expires_at=NOON)
    operation_id = f"{LONG}/p1/authorize-1"
    desk.notify_payment(operation_id, outcome=told, sequence=MAX_QUANTITY, at=NOON)
    fine = UnitPrice.of("0.0000000000000000000000000000000000000001", "EUR", per=10**30)
    vat = (TaxLine(name="VAT", percent="7"),)
    kit = (KitPart(NAME, 3, name=TEXT, requires=frozenset({"x"}), taxes=vat), KitPart("CUP"))
    desk.place(
        [
            DraftLine(sku="KIT", quantity=1, unit_price=UnitPrice.of("9.99", "EUR"), parts=kit),
            DraftLine(sku="DUST", quantity=1, unit_price=fine, together=NAME),
        ],
        order_id=NAME,
        scheduled_for=(NOON + timedelta(days=3)).astimezone(HAWAII),
        policy=Policy(short="backorder", unpaid_ttl=timedelta(microseconds=1)),
        at=NOON,
    )


def _rules(desk: OrderDesk) -> None:
    """An order under a policy of which nothing is as it is by itself, and what it is sold by."""
    rules = Policy(
        capture="by_hand",
        refund="by_hand",
        short="backorder",
        require_cover=False,
        unpaid_ttl=timedelta(days=2, microseconds=1),
        patience=timedelta(seconds=7),
        attempts=2,
        replans=1,
        rounding="half_even",
        round_amounts="order",
        round_taxes="order",
        return_window=timedelta(days=14),
        return_reasons={NAME, "x"},
        credit_returns="on_receipt",
        restocking_percent="12.5",
        return_charges="share",
        confirm="by_hand",
        priority=-MAX_QUANTITY,
        lead_time=timedelta(hours=1),
        ship_complete=True,
        ties=("load", "priority"),
    )
    taxes = [
        TaxLine(name="GST", percent="5", included=True),
        TaxLine(name="PST", percent="7", included=True, compound=True),
    ]
    price = UnitPrice.of("4", "EUR")
    off = Adjustment(name="off", amount=Money(-50, "EUR"), reason=TEXT)
    fee = Charge(kind="fee", amount=eur("2.00"), adjustments=[off], taxes=taxes)
    desk.post_stock(Posting.receive("lot", "LOT", "MAIN", 9, at=NOON, lot=NAME))
    desk.place([line("LOT")], order_id="in lots", tenders=[CARD], at=NOON)
    desk.draft(
        [DraftLine(sku="LOT", quantity=2, unit_price=price, taxes=taxes, requires={NAME})],
        order_id="rules",
        charges=[fee],
        adjustments=[off],
        table=NAME,
        policy=rules,
        at=NOON,
        by=NAME,
    )
    desk.hold(
        "rules",
        NAME,
        blocks=["fulfil"],
        until=(NOON + timedelta(days=1)).astimezone(KATHMANDU),
        then="cancel",
        at=NOON,
    )
    someone = Contact(name=NAME)
    desk.place([line()], order_id="boxed", tenders=[CARD], contact=someone, at=NOON)
    parcels = [Parcel(weight_grams=1, length_mm=2, width_mm=3, height_mm=4)]
    desk.book_label("boxed", "f1", service=NAME, parcels=parcels, at=NOON, key=NAME, by=NAME)
    desk.hold("boxed", "look", blocks=["fulfil"], fulfillments=["f1"], at=NOON)


def _evening(desk: OrderDesk) -> None:
    """Guests have a drink, change tables and pay; what they left behind is brought to them."""
    cream = Modifier(
        NAME,
        UnitPrice.of("0.50", "EUR"),
        2,
        uses=(("MILK", -10),),
        modifiers=(Modifier("apart"),),
    )
    shake = DraftLine(
        sku="SHAKE",
        quantity=2,
        unit_price=UnitPrice.of("6.00", "EUR"),
        course=1,
        seat=NAME,
        uses={"MILK": 200},
        preparation=timedelta(minutes=3, microseconds=1),
        modifiers=[Modifier("no ice"), cream],
    )
    desk.post_stock(Posting.make("menu", "BAR", made=[("SHAKE", 9)], at=NOON))
    desk.post_stock(Posting.receive("milk", "MILK", "BAR", 5_000, at=NOON))
    tab = Policy(tab=True)
    desk.place([shake], order_id="tab", table=NAME, service="bar", policy=tab, at=NOON)
    desk.promise("tab", NOON + timedelta(minutes=5), at=NOON)
    desk.fire("tab", 1, at=NOON)
    desk.move_tab("tab", "5", at=NOON)
    desk.place([line("SHAKE", 1, "1.00")], order_id="guest", table="6", policy=tab, at=NOON)
    desk.transfer("guest", "tab", units={"l1": 1}, at=NOON)
    desk.close_tab("tab", at=NOON)
    desk.reopen_tab("tab", at=NOON)
