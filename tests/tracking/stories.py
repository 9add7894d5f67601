"""Many different histories: a shop and a restaurant in one, where people do whatever they like."""

from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from orderwright import (
    AddCharge,
    AddLine,
    Adjustment,
    ChangeLine,
    Charge,
    DraftLine,
    Location,
    OrderDesk,
    OrderwrightError,
    OutOfStock,
    Policy,
    Posting,
    TaxLine,
    Tender,
    UnitPrice,
)
from orderwright.adapters.memory import MemoryInventory, MemoryOrders, MemoryPayments
from orderwright.fulfillment.fulfillment import Fulfillment
from orderwright.fulfillment.promising import Calendar
from orderwright.inventory.guard import GUARDED, StockPolicy
from orderwright.orders.events import Event
from tests.worlds import MINUTE, NOON, eur

if TYPE_CHECKING:
    from collections.abc import Callable

PLACES = (
    Location(id="MAIN", calendar=Calendar(zone=UTC), transit_days=0),
    Location(id="STORE", cost=5),
    Location(id="GRILL", offers=["grill"], makes="ticket", larder="LARDER"),
    Location(id="COLD", offers=["cold"], makes="ticket", larder="LARDER"),
)
VAT = TaxLine(name="VAT", percent="19", included=True)
GST = TaxLine(name="GST", percent="7")
OFF = Adjustment(name="off", percent="-15")
CHANNELS = ("web", "phone", "shop")
REASONS = ("too late", "damaged", "changed mind", "")
CARD = Tender(method="card")
FORWARD = ("release", "pick", "pack", "fire", "prepare", "ready", "ship", "serve", "deliver")


class Told(NamedTuple):
    """What happened: each order's events by its id, the ledger's postings, and when it ended."""

    histories: dict[str, tuple[Event, ...]]
    postings: tuple[Posting, ...]
    end: datetime


class Story:
    """One run: the same seed always tells the same."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - varied stories, not secrets
        self.now = NOON
        self.inventory = MemoryInventory(
            lambda _, place: StockPolicy(mode="warned") if place == "LARDER" else GUARDED
        )
        self.orders = MemoryOrders()
        self.payments = MemoryPayments(lambda _: self.pick("approve", "approve", "decline"))
        self.desk = OrderDesk(
            orders=self.orders,
            inventory=self.inventory,
            payments=self.payments,
            locations=PLACES,
            clock=lambda: self.now,
        )
        self.ids: list[str] = []
        self.done: Counter[str] = Counter()
        self.number = 0
        for sku, place in (("MUG", "MAIN"), ("CUP", "MAIN"), ("MUG", "STORE"), ("CUP", "STORE")):
            self.receive(sku, place, self.random.randint(1, 6))
        self.receive("BEEF", "LARDER", 900)
        self.receive("ONION", "LARDER", 90)
        menu = [("STEAK", self.random.randint(1, 12))]
        self.inventory.post(Posting.make("menu-1", "GRILL", made=menu, at=self.now))
        self.receive("MILK", "COLD", 70)
        ice = Posting.make("ice", "COLD", made=[("ICE", 9)], used=[("MILK", 63)], at=self.now)
        self.inventory.post(ice)

    def pick(self, *among: object) -> object:
        """Any of them."""
        return self.random.choice(among)

    def order(self) -> str:
        """The id of an order, more often a late one."""
        return self.ids[-1 - min(int(self.random.expovariate(0.7)), len(self.ids) - 1)]

    def work(self, order_id: str) -> Fulfillment | None:
        """Something somebody could be working on."""
        found = self.desk.order(order_id).fulfillments
        return self.random.choice(found) if found else None

    def line_id(self, order_id: str) -> str:
        """A line of the order."""
        return self.random.choice(self.desk.order(order_id).lines).id

    def goods(self) -> DraftLine:
        """Something from the shelf."""
        return DraftLine(
            sku=self.pick("MUG", "CUP"),
            quantity=self.random.randint(1, 4),
            unit_price=UnitPrice.of(self.pick("10.00", "3.33", "0.005"), "EUR"),
            taxes=self.pick((), (VAT,), (GST,)),
            adjustments=self.pick((), (), (OFF,)),
        )

    def dish(self) -> DraftLine:
        """Something from the kitchen."""
        if self.pick("steak", "ice") == "steak":
            return DraftLine(
                sku="STEAK",
                quantity=self.random.randint(1, 3),
                unit_price=UnitPrice.of("28.00", "EUR"),
                requires=["grill"],
                course=2,
                uses={"BEEF": 250, "ONION": 3},
                preparation=15 * MINUTE,
            )
        return DraftLine(
            sku="ICE",
            quantity=self.random.randint(1, 2),
            unit_price=UnitPrice.of("6.50", "EUR"),
            requires=["cold"],
            course=self.pick(1, 3),
            uses=self.pick({}, {"ONION": 1}),
            preparation=self.pick(timedelta(0), 4 * MINUTE),
            taxes=(VAT,),
        )

    # What people do ------------------------------------------------------------------------

    def receive(self, sku: str, place: str, units: int) -> None:
        """A delivery."""
        self.number += 1
        cost = UnitPrice.of(self.pick("4.00", "5.55", "0.03"), "EUR")
        posting = Posting.receive(
            f"delivery-{self.number}", sku, place, units, at=self.now, unit_cost=cost
        )
        self.desk.post_stock(posting)

    def deliver_stock(self) -> None:
        """More of something."""
        place = self.pick("MAIN", "STORE")
        self.receive(self.pick("MUG", "CUP"), place, self.random.randint(1, 5))

    def place(self) -> None:
        """Somebody orders from the shelf."""
        order_id = f"o{len(self.ids) + 1}"
        policy = Policy(
            short=self.pick("reject", "backorder", "backorder"),
            capture=self.pick("on_dispatch", "on_placement", "on_confirmation"),
            credit_returns=self.pick("on_receipt", "on_inspection"),
            return_charges=self.pick("keep", "share"),
            restocking_percent=self.pick(0, 10),
            confirm=self.pick("when_covered", "when_covered", "by_hand"),
        )
        self.desk.place(
            [self.goods() for _ in range(self.random.randint(1, 3))],
            order_id=order_id,
            channel=self.pick(*CHANNELS),
            service=self.pick("", "shipping"),
            tenders=self.pick((), (CARD,), (CARD,), (CARD,)),
            charges=self.pick((), (Charge(kind="shipping", amount=eur("4.90"), taxes=[VAT]),)),
            scheduled_for=self.pick(None, None, self.now + 90 * MINUTE),
            policy=policy,
        )
        self.ids.append(order_id)

    def seat(self) -> None:
        """Guests sit down and order."""
        order_id = f"o{len(self.ids) + 1}"
        self.desk.place(
            [self.dish() for _ in range(self.random.randint(1, 3))],
            order_id=order_id,
            channel="table",
            service="dine_in",
            table="4",
            policy=Policy(tab=True),
        )
        self.ids.append(order_id)

    def draft(self) -> None:
        """Somebody thinks about it."""
        order_id = f"o{len(self.ids) + 1}"
        self.desk.draft([self.goods()], order_id=order_id, tenders=(CARD,))
        self.ids.append(order_id)

    def go_on(self) -> None:
        """Work goes on: any step that the lifecycle has."""
        order_id = self.order()
        work = self.work(order_id)
        if work is not None:
            order = self.desk.order(order_id)
            allowed = order.lifecycle(work).allowed(work.state)
            steps = [one for one in FORWARD if one in allowed]
            if not steps or self.random.random() < 0.15:
                steps = [self.random.choice(allowed or ["ship"])]
            self.desk.advance(order_id, work.id, steps[0])

    def ship(self) -> None:
        """Something leaves, or arrives, and perhaps it is told later."""
        order_id = self.order()
        work = self.work(order_id)
        if work is not None:
            step = self.pick(self.desk.ship, self.desk.deliver)
            step(order_id, work.id, occurred_at=self.pick(None, self.now - MINUTE))

    def other(self) -> None:
        """Anything else."""
        order_id, desk = self.order(), self.desk
        line_id, reason = self.line_id(order_id), self.pick(*REASONS)
        work = self.work(order_id)
        work_id = work.id if work else "f1"
        units = {line_id: self.random.randint(1, 2)}
        rest: tuple[Callable[[], object], ...] = (
            lambda: desk.cancel(order_id, reason=reason),
            lambda: desk.cancel(order_id, units=units, reason=reason),
            lambda: desk.reject(order_id, reason=reason),
            lambda: desk.expire(order_id, reason=reason),
            lambda: desk.report_cancellation(order_id, reason=reason),
            lambda: desk.place_draft(order_id),
            lambda: desk.discard_draft(order_id, reason=reason),
            lambda: desk.confirm(order_id),
            lambda: desk.edit(order_id, [AddLine(line=self.goods())]),
            lambda: desk.edit(
                order_id, [ChangeLine(line_id=line_id, quantity=self.random.randint(0, 5))]
            ),
            lambda: desk.edit(
                order_id, [ChangeLine(line_id=line_id, unit_price=UnitPrice.of("7.77", "EUR"))]
            ),
            lambda: desk.edit(order_id, [AddCharge(charge=Charge(kind="tip", amount=eur(2)))]),
            lambda: desk.credit(order_id, eur("1.11"), reason="sorry"),
            lambda: desk.request_return(order_id, units, reason=reason),
            lambda: desk.request_return(order_id, units, reason=reason, exchange=[self.goods()]),
            lambda: desk.receive_return(order_id, units, location="STORE"),
            lambda: desk.receive_return(order_id, units, location="MAIN"),
            lambda: desk.inspect_return(order_id, "r1", restock=units),
            lambda: desk.inspect_return(order_id, "r1", write_off=units),
            lambda: desk.claim(
                order_id, units, fault=self.pick("lost", "damaged"), remedy="refund"
            ),
            lambda: desk.claim(order_id, units, fault="wrong", remedy="replace"),
            lambda: desk.refund(order_id, amount=eur(1), reason=reason),
            lambda: desk.capture(order_id, amount=eur(1)),
            lambda: desk.record_payment(order_id, eur(5), method="cash"),
            lambda: desk.record_refund(order_id, eur(1), method="cash", reason=reason),
            lambda: desk.pay(order_id, [CARD]),
            lambda: desk.promise(order_id, self.now + 40 * MINUTE),
            lambda: desk.split(order_id, work_id, units),
            lambda: desk.short_pick(order_id, work_id, units),
            lambda: desk.move(order_id, work_id, self.pick("MAIN", "STORE")),
            lambda: desk.advance(order_id, work_id, "lose"),
            lambda: desk.advance(order_id, work_id, "remake"),
            lambda: desk.request_stop(order_id, work_id),
            lambda: desk.stop(order_id, work_id, reason=reason),
            lambda: desk.fire(order_id, self.random.randint(1, 3)),
            lambda: desk.fire(order_id, self.random.randint(1, 3)),
            lambda: desk.add_round(order_id, [self.dish()]),
            lambda: desk.transfer(order_id, self.order(), units=self.pick(None, units)),
            lambda: desk.close_tab(order_id),
            lambda: desk.sell_out("ICE", "COLD", notice_id=f"n{self.number}", queued=True),
            lambda: desk.count_stock("MUG", "MAIN", 1, count_id=f"c{self.number}"),
            lambda: desk.allocate(order_id),
            lambda: desk.resume(now=self.now),
            lambda: self.resolve(order_id),
        )
        self.random.choice(rest)()

    def resolve(self, order_id: str) -> None:
        """Somebody looks into what is wrong."""
        for one in self.desk.order(order_id).exceptions:
            self.desk.resolve(order_id, one.code, resolution="seen")

    def tell(self, steps: int) -> Told:
        """Let so many things happen, and return what did."""
        while not self.ids:
            with suppress(OutOfStock):
                self.place()
        does = (
            *(self.place, self.seat, self.deliver_stock, self.ship),
            *[self.go_on] * 5,
            *[self.other] * 4,
        )
        for _ in range(steps):
            self.now += timedelta(seconds=self.random.randint(1, 900))
            self.number += 1
            step = self.draft if self.random.random() < 0.02 else self.random.choice(does)
            try:
                step()
            except OrderwrightError:
                self.done["refused"] += 1
            else:
                self.done[step.__name__] += 1
        histories = {one: self.orders.events(one) for one in self.ids}
        return Told(histories, tuple(self.inventory.postings()), self.now)


def told(seed: int, steps: int = 80) -> Told:
    """A story; the same seed tells the same."""
    return Story(seed).tell(steps)
