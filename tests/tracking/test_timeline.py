"""The timeline tells a person what happened to a real order, and nothing that is unfinished."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal

from orderwright.adapters.memory import MemoryInventory, MemoryOrders, MemoryPayments
from orderwright.desk import OrderDesk
from orderwright.fulfillment.locations import Location
from orderwright.inventory.entries import Reservation
from orderwright.inventory.ledger import Stock
from orderwright.inventory.postings import Posting
from orderwright.money import Money, UnitPrice
from orderwright.orders.events import Event
from orderwright.orders.lines import DraftLine, Policy
from orderwright.payments.operations import PaymentRequest
from orderwright.payments.payment import Tender
from orderwright.tracking.timeline import TimelineEntry, render, timeline

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MUGS = DraftLine(sku="MUG", quantity=2, unit_price=UnitPrice.of("10.00", "EUR"))
CUP = DraftLine(sku="CUP", quantity=1, unit_price=UnitPrice.of("5.00", "EUR"))
CARD = Tender(method="card")


def after(minutes: int) -> datetime:
    """So many minutes past noon."""
    return NOON + timedelta(minutes=minutes)


class RacingInventory:
    """Stock of which somebody else takes all mugs just before the first reservation."""

    def __init__(self, inner: MemoryInventory) -> None:
        self.inner = inner
        self.raced = False

    def post(self, posting: Posting) -> Posting:
        """See :meth:`.InventoryRepository.post`."""
        if not self.raced:
            self.raced = True
            mugs = Reservation("", "MUG", "MAIN", 2)
            self.inner.post(Posting.hand_over("theirs", [mugs], at=NOON))
        return self.inner.post(posting)

    def supply(self, skus: Iterable[str], *, now: datetime) -> tuple[Stock, ...]:
        """See :meth:`.InventoryRepository.supply`."""
        return self.inner.supply(skus, now=now)

    def reservations(self, *, now: datetime) -> tuple[Reservation, ...]:
        """See :meth:`.InventoryRepository.reservations`."""
        return self.inner.reservations(now=now)

    def postings(self) -> Iterator[Posting]:
        """See :meth:`.InventoryRepository.postings`."""
        return self.inner.postings()


def stocked() -> MemoryInventory:
    """Two mugs in the main warehouse, a cup in the shop."""
    inventory = MemoryInventory()
    inventory.post(Posting.receive("delivery-1", "MUG", "MAIN", 2, at=NOON))
    inventory.post(Posting.receive("delivery-2", "CUP", "SHOP", 1, at=NOON))
    return inventory


def desk(
    inventory: MemoryInventory | RacingInventory, payments: MemoryPayments, policy: Policy
) -> OrderDesk:
    """A desk with two places."""
    return OrderDesk(
        orders=MemoryOrders(),
        inventory=inventory,
        payments=payments,
        locations=[Location(id="MAIN"), Location(id="SHOP")],
        policy=policy,
    )


def paid_late_and_returned_by_a_court() -> tuple[Event, ...]:
    """The history of an order with a declined card, a hold, two tenders and a late report."""
    answers: Iterator[Literal["decline", "approve"]] = iter(["decline"])
    payments = MemoryPayments(lambda _: next(answers, "approve"))
    shop = desk(stocked(), payments, Policy())
    shop.place([MUGS, CUP], order_id="o1", tenders=[CARD], at=NOON, by="ann")
    shop.hold("o1", "fraud", blocks=["fulfil"], reason="new\x1b[2J\nface", at=after(1), by="b\nob")
    gift = Tender(method="gift_card", amount=Money.of("5.00", "EUR"))
    shop.pay("o1", [gift, CARD], at=after(2))
    shop.release_hold("o1", "fraud", at=after(3))
    shop.advance("o1", "f1", "release", at=after(3))
    shop.ship("o1", "f1", carrier="DHL", tracking="T1", at=after(9), occurred_at=after(4))
    shop.report_cancellation("o1", reason="court", at=after(10))
    shop.resolve("o1", "cancelled_after_hand_over", resolution="paid back", at=after(11))
    return shop.history("o1")


def short_of_stock_and_never_refunded() -> tuple[Event, ...]:
    """The history of an order whose stock was taken and whose refund was never answered."""

    def silent(request: PaymentRequest) -> Literal["request_lost", "approve"]:
        return "request_lost" if request.kind == "refund" else "approve"

    policy = Policy(short="backorder", capture="by_hand", refund="by_hand", attempts=2)
    shop = desk(RacingInventory(stocked()), MemoryPayments(silent), policy)
    shop.place([MUGS, CUP], order_id="o1", tenders=[CARD], channel="phone", at=NOON)
    shop.capture("o1", amount=Money.of("20.00", "EUR"), at=after(1))
    shop.cancel("o1", reason="changed mind", at=after(2))
    shop.refund("o1", reason="sorry", at=after(3))
    for minutes in (10, 20, 30):
        shop.resume(now=after(minutes))
    return shop.history("o1")


def delivered() -> tuple[Event, ...]:
    """The history of one mug that arrived."""
    shop = desk(stocked(), MemoryPayments(), Policy())
    shop.place([CUP], order_id="o1", tenders=[CARD], at=NOON)
    shop.ship("o1", "f1", at=after(1))
    shop.deliver("o1", "f1", at=after(2))
    return shop.history("o1")


def disputed() -> tuple[Event, ...]:
    """The history of an order with an invoice, a lapse, a dispute and cash."""
    moods: Iterator[Literal["requires_action", "approve"]] = iter(["requires_action"])
    payments = MemoryPayments(lambda _: next(moods, "approve"), expires=lambda _: after(5))
    shop = desk(stocked(), payments, Policy())
    terms = timedelta(days=30)
    invoice = Tender(method="invoice", collected="afterwards", terms=terms)
    card = Tender(method="card", amount=Money.of("3.00", "EUR"))
    shop.place([CUP], order_id="o1", tenders=[card, invoice], at=NOON)
    payments.finish("o1/p1/authorize-1", "succeeded")
    shop.notify_payment("o1/p1/authorize-1", at=after(1))
    shop.resume(now=after(5))
    shop.ship("o1", "f1", at=after(6))
    shop.report_chargeback("o1", "p1", Money.of("3.00", "EUR"), reason="not mine", at=after(7))
    shop.report_chargeback_reversal("o1", "p1", Money.of("3.00", "EUR"), at=after(8))
    shop.record_payment("o1", Money.of("3.00", "EUR"), method="cash", at=after(9), by="till")
    shop.record_refund("o1", Money.of("1.00", "EUR"), method="gift", reason="oops", at=after(10))
    return shop.history("o1")


def test_story_of_a_dispute() -> None:
    """Money that moved by itself is told as what it was; what was added to note it is not."""
    assert """\
2026-01-01 12:00  placed: 1 unit by web
2026-01-01 12:00  planned: f1 from SHOP (1 unit)
2026-01-01 12:00  stock reserved
2026-01-01 12:00  authorization of 3.00 EUR requires action (p1)
2026-01-01 12:01  authorized 3.00 EUR (p1)
2026-01-01 12:01  confirmed
2026-01-01 12:05  authorization lapsed: 3.00 EUR (p1)
2026-01-01 12:05  authorized 3.00 EUR (p1)
2026-01-01 12:06  f1 shipped
2026-01-01 12:06  captured 3.00 EUR (p1)
2026-01-01 12:07  charged back 3.00 EUR (p1): not mine
2026-01-01 12:07  exception charged_back: o1/p1/chargeback-1: 3.00 EUR (not mine)
2026-01-01 12:08  chargeback reversed: 3.00 EUR (p1)
2026-01-01 12:09  received 3.00 EUR (p3) (till)
2026-01-01 12:10  paid back 1.00 EUR (p4): oops""" == render(timeline(disputed()))


def test_story_of_late_payment() -> None:
    """Every step of an order with trouble is told, in the order we learned of it."""
    assert """\
2026-01-01 12:00  placed: 3 units by web (ann)
2026-01-01 12:00  planned: f1 from MAIN (2 units), f2 from SHOP (1 unit)
2026-01-01 12:00  stock reserved
2026-01-01 12:00  authorization of 25.00 EUR declined (p1)
2026-01-01 12:01  hold fraud: new [2J face (b ob)
2026-01-01 12:02  payment offered: 5.00 EUR by gift_card, 20.00 EUR by card
2026-01-01 12:02  authorized 5.00 EUR (p2)
2026-01-01 12:02  authorized 20.00 EUR (p3)
2026-01-01 12:02  confirmed
2026-01-01 12:03  hold fraud released
2026-01-01 12:03  f1 released
2026-01-01 12:04  f1 shipped with DHL T1
2026-01-01 12:09  captured 5.00 EUR (p2)
2026-01-01 12:09  captured 15.00 EUR (p3)
2026-01-01 12:10  cancelled elsewhere: court
2026-01-01 12:10  exception cancelled_after_hand_over: court
2026-01-01 12:10  voided 5.00 EUR (p3)
2026-01-01 12:11  exception cancelled_after_hand_over resolved: paid back
2026-01-01 12:11  refunded 5.00 EUR (p2)
2026-01-01 12:11  refunded 15.00 EUR (p3)""" == render(
        timeline(paid_late_and_returned_by_a_court())
    )


def test_story_of_short_stock() -> None:
    """What others took, what is backordered, and what was given up on is told with the reason."""
    assert """\
2026-01-01 12:00  placed: 3 units by phone
2026-01-01 12:00  planned: f1 from MAIN (2 units), f2 from SHOP (1 unit)
2026-01-01 12:00  stock had moved: MUG at MAIN: wanted 2, available 0
2026-01-01 12:00  planned: f3 from SHOP (1 unit), 2 of l1 backordered
2026-01-01 12:00  stock reserved
2026-01-01 12:00  authorized 25.00 EUR (p1)
2026-01-01 12:00  confirmed
2026-01-01 12:01  capture of 20.00 EUR asked for
2026-01-01 12:01  captured 20.00 EUR (p1)
2026-01-01 12:02  cancelled: changed mind
2026-01-01 12:02  voided 5.00 EUR (p1)
2026-01-01 12:03  refund of all asked for: sorry
2026-01-01 12:03  refund of 20.00 EUR unknown (p1): no answer
2026-01-01 12:20  o1/p1/refund-1 parked: no answer after 2 tries: no answer""" == render(
        timeline(short_of_stock_and_never_refunded())
    )


def test_story_of_one_unit() -> None:
    """One unit is a unit, and a hand-over without a carrier names none."""
    assert """\
2026-01-01 12:00  placed: 1 unit by web
2026-01-01 12:00  planned: f1 from SHOP (1 unit)
2026-01-01 12:00  stock reserved
2026-01-01 12:00  authorized 5.00 EUR (p1)
2026-01-01 12:00  confirmed
2026-01-01 12:01  f1 shipped
2026-01-01 12:01  captured 5.00 EUR (p1)
2026-01-01 12:02  f1 delivered
2026-01-01 12:02  completed""" == render(timeline(delivered()))


def test_entries_keep_number_and_both_times() -> None:
    """An entry points to its event, and says when it happened and when we learned of it."""
    entries = timeline(paid_late_and_returned_by_a_court())
    (shipped,) = (entry for entry in entries if "shipped" in entry.text)
    expected = TimelineEntry(shipped.number, after(4), after(9), "f1 shipped with DHL T1")
    assert expected == shipped
    numbers = [entry.number for entry in entries]
    assert sorted(set(numbers)) == numbers
    assert ("ann", 1) == (entries[0].by, entries[0].number)


def test_later_part_of_a_history() -> None:
    """A part of a history, numbered from its first event, tells that part of the story."""
    events = short_of_stock_and_never_refunded()
    whole = timeline(events)
    for start in range(len(events)):
        part = timeline(events[start:], first=start + 1)
        assert tuple(entry for entry in whole if entry.number > start) == part


def test_nothing_happened() -> None:
    """No events make no entries and no text."""
    assert ((), "") == (timeline(()), render(()))
