"""Not run: every public name is used here as its users would, and the type checkers agree.

`assert_type` is checked by mypy and pyright; a change of a public type shows up here first.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import assert_type

from orderwright import (
    STANDARD,
    AdapterFault,
    AddAdjustment,
    AddCharge,
    AddLine,
    Adjustment,
    AsyncOrderDesk,
    ChangeLine,
    Charge,
    Conflict,
    Contact,
    DraftLine,
    Fulfillment,
    Hold,
    InvalidInput,
    InventoryLedger,
    Lifecycle,
    Lifecycles,
    Location,
    Mistake,
    Money,
    Order,
    OrderDesk,
    OrderException,
    OrderLine,
    OrderwrightError,
    OutOfStock,
    Payment,
    PaymentOutcome,
    PaymentRequest,
    Phase,
    Policy,
    Posting,
    Reference,
    Refused,
    Reservation,
    State,
    TaxLine,
    Tender,
    UnitPrice,
)
from orderwright.adapters.memory import MemoryInventory, MemoryOrders, MemoryPayments
from orderwright.adapters.memory_carrier import MemoryCarrier, Tariff
from orderwright.adapters.system import new_id, utc_now
from orderwright.codec import Codec
from orderwright.flows.resuming import Resumed
from orderwright.fulfillment.fulfillment import FulfillmentItem
from orderwright.fulfillment.planning import FulfillmentPlan
from orderwright.fulfillment.shipping import Label, LabelOutcome, LabelRequest, Parcel, Rate
from orderwright.inventory.ledger import Stock
from orderwright.orders.bills import by_seat, split_bill, split_evenly
from orderwright.orders.events import Event
from orderwright.orders.explaining import explain, explanation, taxes
from orderwright.orders.lines import LineQuantities
from orderwright.orders.menu import Dish, Menu
from orderwright.orders.modifiers import Modifier
from orderwright.payments.payment import PaymentOperation
from orderwright.ports import CarrierPort, InventoryRepository, OrderRepository, PaymentPort
from orderwright.requests import Flow, LoadOrder, ask
from orderwright.returns.returns import Return
from orderwright.tracking.board import KitchenBoard, KitchenTicket
from orderwright.tracking.timeline import TimelineEntry, timeline

orders: OrderRepository = MemoryOrders()
inventory: InventoryRepository = MemoryInventory()
payments: PaymentPort = MemoryPayments()
carrier: CarrierPort = MemoryCarrier([Tariff("post", "DHL", Money(490, "EUR"), 1_000)])


def evening(desk: OrderDesk, dish: Dish, at: datetime) -> None:
    """A restaurant's words."""
    line = dish.line(2, modifiers=[Modifier("rare")], seat="1")
    assert_type(line, DraftLine)
    assert_type(line.price, UnitPrice)
    assert_type(desk.add_round("T-1", [line]), Order)
    assert_type(desk.fire("T-1", 1), Order)
    assert_type(desk.move_tab("T-1", "5"), Order)
    assert_type(desk.transfer("T-1", "T-2", units={"l1": 1}), Order)
    assert_type(desk.close_tab("T-1"), Order)
    assert_type(desk.reopen_tab("T-1"), Order)
    assert_type(desk.promise("T-1", at), Order)
    assert_type(desk.scan("T-1", "f1", "in_transit"), Order)
    assert_type(desk.sell_out("STEAK", "GRILL", notice_id="n"), tuple[str, ...])
    assert_type(split_bill(desk.order("T-1"), by_seat(desk.order("T-1"))), dict[str, Money])
    assert_type(split_evenly(desk.order("T-1"), 3), tuple[Money, ...])
    assert_type(Menu([dish])["STEAK"], Dish)
    board = KitchenBoard(at_once={"GRILL": 2})
    assert_type(board.tickets(at), tuple[KitchenTicket, ...])
    assert_type(board.quote(desk.order("T-1"), at), datetime)


def rearranging(desk: OrderDesk) -> None:
    """Work is divided anew."""
    assert_type(desk.split("A-1", "f1", {"l1": 1}), Order)
    assert_type(desk.merge("A-1", ["f1", "f2"]), Order)
    assert_type(desk.move("A-1", "f1", "MAIN"), Order)
    assert_type(desk.short_pick("A-1", "f1", {"l1": 1}), Order)


def shipping(desk: OrderDesk) -> None:
    """A carrier quotes, sells labels, takes them back, and knows where parcels are."""
    parcels = [Parcel(weight_grams=300)]
    assert_type(desk.rates("A-1", "f1", parcels=parcels), tuple[Rate, ...])
    assert_type(desk.book_label("A-1", "f1", service="post", parcels=parcels), Order)
    assert_type(desk.order("A-1").label("f1"), Label | None)
    assert_type(desk.order("A-1").labels[0].cost, Money | None)
    assert_type(desk.cancel_label("A-1", "f1"), Order)
    assert_type(desk.track("A-1", "f1"), Order)


def sync_desk(desk: OrderDesk, lines: list[DraftLine], at: datetime) -> None:
    """Methods of the sync desk return values."""
    assert_type(desk.place(lines, order_id="A-1", at=at), Order)
    assert_type(desk.pay("A-1", [Tender(method="card")]), Order)
    assert_type(desk.capture("A-1", amount=Money(1, "EUR")), Order)
    assert_type(desk.refund("A-1"), Order)
    assert_type(desk.record_payment("A-1", Money(1, "EUR"), method="cash"), Order)
    assert_type(desk.record_refund("A-1", Money(1, "EUR"), payment_id="p1"), Order)
    assert_type(desk.report_chargeback("A-1", "p1", Money(1, "EUR"), reference="d-1"), Order)
    assert_type(desk.report_chargeback_reversal("A-1", "p1", Money(1, "EUR")), Order)
    assert_type(desk.advance_order("A-1", "complete"), Order)
    assert_type(desk.cancel("A-1", reason="x"), Order)
    assert_type(desk.request_stop("A-1", "f1", units={"l1": 1}), Order)
    assert_type(desk.stop("A-1", "f1"), Order)
    assert_type(desk.refuse_stop("A-1", "f1"), Order)
    assert_type(desk.refund("A-1", to=Tender(method="store_credit")), Order)
    assert_type(desk.edit("A-1", contact=Contact(name="Ann"), service="pickup"), Order)
    assert_type(AddAdjustment(adjustment=Adjustment(name="x", percent=-1)).line_id, str)
    assert_type(desk.report_cancellation("A-1", reason="x"), Order)
    assert_type(desk.allocate("A-1"), Order)
    assert_type(desk.hold("A-1", "fraud", blocks=["fulfil"]), Order)
    assert_type(desk.release_hold("A-1", "fraud"), Order)
    assert_type(desk.resolve("A-1", "code", resolution="x"), Order)
    assert_type(desk.advance("A-1", "f1", "pick"), Order)
    assert_type(desk.ship("A-1", "f1", carrier="DHL", tracking="1"), Order)
    assert_type(desk.deliver("A-1", "f1"), Order)
    assert_type(desk.resume(now=at), Resumed)
    vat = TaxLine(name="VAT", percent="19", included=True)
    coupon = Adjustment(name="coupon", amount=Money(-100, "EUR"))
    taxed = Charge(kind="tip", amount=Money(1, "EUR"), taxes=[vat], adjustments=[coupon])
    desk.place(lines, charges=[taxed], adjustments=[coupon])
    change = ChangeLine(line_id="l1", quantity=2)
    more = AddLine(line=lines[0], replaces="l1")
    tip = AddCharge(charge=Charge(kind="tip", amount=Money(100, "EUR")))
    assert_type(desk.preview(), OrderDesk)
    assert_type(desk.preview().edit("A-1", [change, more, tip]), Order)
    assert_type(desk.request_return("A-1", {"l1": 1}, reason="x", exchange=lines), Order)
    assert_type(desk.advance_return("A-1", "r1", "approve"), Order)
    assert_type(desk.receive_return("A-1", {"l1": 1}, location="MAIN"), Order)
    assert_type(desk.inspect_return("A-1", "r1", restock={"l1": 1}), Order)
    assert_type(desk.claim("A-1", {"l1": 1}, fault="lost", remedy="replace"), Order)
    assert_type(desk.order("A-1").returns[0], Return)
    assert_type(desk.credit("A-1", Money(100, "EUR"), reason="sorry"), Order)
    assert_type(desk.notify_payment("A-1/p1/capture-1"), Order)
    assert_type(desk.retry("A-1", "A-1/commit-5"), Order)
    assert_type(desk.find("tracking", "1"), tuple[str, ...])
    assert_type(desk.order("A-1"), Order)
    assert_type(desk.history("A-1"), tuple[Event, ...])
    assert_type(timeline(desk.history("A-1")), tuple[TimelineEntry, ...])


def stock_and_people(desk: OrderDesk, at: datetime) -> None:
    """What is not about one order, or about a person."""
    assert_type(desk.contact("A-1"), Contact | None)
    assert_type(desk.post_stock(Posting.receive("d", "MUG", "MAIN", 1, at=at)), tuple[str, ...])
    assert_type(desk.fill(["MUG"]), tuple[str, ...])
    assert_type(desk.count_stock("MUG", "MAIN", 3, count_id="n"), tuple[str, ...])
    assert_type(desk.promised("MUG"), Mapping[str, datetime | None])
    assert_type(desk.forget("A-1"), Order)


async def async_desk(desk: AsyncOrderDesk, lines: list[DraftLine]) -> None:
    """Methods of the async desk return the same, to be awaited."""
    assert_type(await desk.order("A-1"), Order)
    assert_type(await desk.place(lines), Order)
    assert_type(await desk.resume(), Resumed)


def own_flow(order_id: str) -> Flow[str]:
    """A request's reply has the type the request says."""
    order = yield from ask(LoadOrder(order_id))
    assert_type(order, Order | None)
    return "" if order is None else order.id


def values(order: Order, ledger: InventoryLedger, at: datetime, plan: FulfillmentPlan) -> None:
    """Values and reads have the types the docs say."""
    assert_type(Money.of("1.00", "EUR") + Money(1, "EUR"), Money)
    assert_type(Money(100, "EUR").amount, Decimal)
    assert_type(Money(100, "EUR").split([1, 2]), tuple[Money, ...])
    assert_type(UnitPrice.of("1.00", "EUR").times(3, "half_up"), Money)
    assert_type(order.due, Money)
    assert_type(explain(order)[0].amount, Money)
    assert_type(explanation(order), str)
    assert_type(taxes(order), dict[str, Money])
    assert_type(order.cancellable(), dict[str, int])
    assert_type(order.state, State)
    assert_type(order.state.phase, Phase)
    assert_type(order.lines[0], OrderLine)
    assert_type(order.charges[0], Charge)
    assert_type(order.payments[0], Payment)
    assert_type(order.payments[0].operations[0], PaymentOperation)
    assert_type(order.payments[0].next_action, str)
    assert_type(order.payments[0].payable_by, datetime | None)
    assert_type(split_bill(order, {"ann": ["l1"]}), dict[str, Money])
    assert_type(order.fulfillments[0], Fulfillment)
    assert_type(order.fulfillments[0].items[0], FulfillmentItem)
    assert_type(order.holds[0], Hold)
    assert_type(order.exceptions[0], OrderException)
    assert_type(order.references[0], Reference)
    assert_type(order.policy, Policy)
    assert_type(order.lifecycles, Lifecycles)
    assert_type(order.lifecycles.order, Lifecycle)
    assert_type(order.quantities()["l1"], LineQuantities)
    assert_type(Order.replay((), STANDARD), Order)
    assert_type(ledger.stock("MUG", "MAIN", now=at), Stock)
    assert_type(ledger.reservations(now=at), tuple[Reservation, ...])
    ledger.post(Posting.receive("d", "MUG", "MAIN", 1, at=at))
    assert_type(ledger.posting("d"), Posting | None)
    assert_type(plan.cost, int)
    assert_type(Codec().decode_order({}), Order)
    assert_type(Codec().decode({}, Money), Money)


def provider(port: PaymentPort, request: PaymentRequest) -> PaymentOutcome:
    """A port's answer has a type."""
    return port.authorize(request)


def label(port: CarrierPort, request: LabelRequest, contact: Contact) -> LabelOutcome:
    """A carrier's answer has a type."""
    return port.book(request, contact)


def refusals(desk: OrderDesk) -> None:
    """Errors carry typed facts."""
    try:
        desk.order("A-1")
    except OutOfStock as error:
        assert_type(error.shortages[0].wanted, int)
    except Conflict as error:
        assert_type(error.actual, int)
    except Refused as error:
        assert_type(error.allowed, tuple[str, ...])
    except InvalidInput as error:
        assert_type(error.faults[0].path, str)
    except (Mistake, AdapterFault, OrderwrightError):
        pass


OrderDesk(
    orders=orders,
    inventory=inventory,
    payments=payments,
    carrier=carrier,
    locations=[Location(id="MAIN", offers=["grill"])],
    clock=utc_now,
    ids=new_id,
)
