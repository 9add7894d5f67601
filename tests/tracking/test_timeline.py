"""The timeline tells a person what happened to a real order, and nothing that is unfinished."""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Literal

import attrs
from hypothesis import given
from hypothesis import strategies as st

from orderwright.adapters.memory import MemoryInventory, MemoryOrders, MemoryPayments
from orderwright.desk import OrderDesk
from orderwright.fulfillment.locations import Location
from orderwright.inventory.entries import Reservation
from orderwright.inventory.ledger import Stock
from orderwright.inventory.postings import Posting
from orderwright.money import Money, UnitPrice
from orderwright.orders import events as e
from orderwright.orders.amounts import Adjustment
from orderwright.orders.contacts import Contact
from orderwright.orders.events import Event
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
from orderwright.tracking.timeline import TimelineEntry, as_rows, mermaid, render, timeline
from tests.worlds import World, card, line

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
    assert ([], "timeline") == (as_rows(()), mermaid(()))


# In a zone, as data, as a picture ----------------------------------------------------------

TOKYO = timezone(timedelta(hours=9))


def test_times_of_a_zone() -> None:
    """A terminal may stand in any zone; times that are told of within the text go with it."""
    shop = desk(stocked(), MemoryPayments(), Policy())
    shop.place([CUP], order_id="o1", tenders=[CARD], at=NOON)
    shop.promise("o1", NOON + timedelta(days=1), reason="birthday", at=NOON)
    shop.edit("o1", [], scheduled_for=NOON + timedelta(hours=5), at=NOON)
    expected = NOON + timedelta(hours=6)
    shop.scan("o1", "f1", "in_transit", place="Ulm", expected_at=expected, at=after(60))
    shop.scan("o1", "f1", "delivered", at=after(90))
    events = shop.history("o1")
    told = render(timeline(events, zone=TOKYO), zone=TOKYO).splitlines()
    assert [
        "2026-01-01 21:00  promised for 2026-01-02 21:00: birthday",
        "2026-01-01 21:00  changed: wanted at 2026-01-02 02:00",
        "2026-01-01 22:00  f1 scanned in Ulm: in transit, expected 2026-01-02 03:00",
        "2026-01-01 22:30  f1 scanned: delivered",
    ] == [one for one in told if re.search("promised|wanted|scanned", one)]
    assert "2026-01-01 12:00  promised for 2026-01-02 12:00: birthday" in render(timeline(events))


def test_rows() -> None:
    """Entries are plain data, both their times in UTC, and survive JSON."""
    rows = as_rows(timeline(paid_late_and_returned_by_a_court()))
    assert rows == json.loads(json.dumps(rows))
    [shipped] = [row for row in rows if "shipped" in str(row["text"])]
    assert {
        "number": shipped["number"],
        "at": "2026-01-01T12:04:00+00:00",
        "recorded_at": "2026-01-01T12:09:00+00:00",
        "text": "f1 shipped with DHL T1",
        "by": "",
    } == shipped
    assert ("ann", 1) == (rows[0]["by"], rows[0]["number"])


def test_picture() -> None:
    """A picture has a section a day, a column a minute, and tells all in the order it occurred."""
    late = TimelineEntry(3, NOON, after(9), "f1 shipped: by night", "ann")
    entries = (*timeline(delivered())[:2], late)
    assert """\
timeline
    title Order #35;1
    section 2026-01-01
        21#58;00 : placed#58; 1 unit by web : planned#58; f1 from SHOP (1 unit) \
: f1 shipped#58; by night""" == mermaid(entries, "Order #1", zone=TOKYO)
    earlier = TimelineEntry(9, NOON - timedelta(days=1), NOON, "thought of")
    assert """\
timeline
    section 2025-12-31
        12#58;00 : thought of
    section 2026-01-01
        12#58;00 : f1 shipped#58; by night""" == mermaid([late, earlier])


SAFE = r"(?:[^\W_]|[ .,_()/+'-]|#[0-9]+;)+"
"""What may stand in a Mermaid timeline: no colon, no semicolon, no hash but that of an entity."""
GRAMMAR = re.compile(
    rf"timeline\n(?:    title {SAFE}\n)?"
    r"(?:    section \d{4}-\d\d-\d\d\n"
    rf"(?:        \d\d#58;\d\d(?: : {SAFE})+\n)+)*"
)


@given(
    said=st.lists(
        st.tuples(st.text(), st.integers(0, 5000), st.text('ab:;#%{}<>\n"\\', max_size=9)),
        max_size=9,
    ),
    title=st.text(),
)
def test_nothing_written_is_a_command_to_a_picture(
    said: list[tuple[str, int, str]], title: str
) -> None:
    """Whatever people wrote, a picture keeps to the grammar, and shows what they wrote."""
    entries = [
        TimelineEntry(number, NOON + minutes * timedelta(minutes=7), NOON, f"{text}{odd}")
        for number, (text, minutes, odd) in enumerate(said)
    ]
    drawn = mermaid(entries, title)
    assert GRAMMAR.fullmatch(f"{drawn}\n")
    shown = [
        re.sub(r"#(\d+);", lambda code: chr(int(code[1])), cell)
        for row in drawn.splitlines()
        if row.startswith(" " * 8)
        for cell in row.strip().split(" : ")[1:]
    ]
    in_order = sorted(entries, key=lambda one: (one.at, one.number))
    wanted = ["".join(c if c.isprintable() else " " for c in one.text).strip() for one in in_order]
    assert [one or "-" for one in wanted] == shown


def rearranged() -> tuple[Event, ...]:
    """The history of an order that was changed in every way."""
    inventory = stocked()
    inventory.post(Posting.receive("delivery-3", "MUG", "MAIN", 20, at=NOON))
    inventory.post(Posting.receive("delivery-4", "MUG", "SHOP", 20, at=NOON))
    shop = desk(inventory, MemoryPayments(), Policy())
    six = DraftLine(sku="MUG", quantity=6, unit_price=MUGS.unit_price)
    shop.place([six], order_id="o1", tenders=[CARD], at=NOON)
    shop.split("o1", "f1", {"l1": 2}, at=after(1))
    shop.merge("o1", ["f1", "f2"], at=after(2))
    shop.move("o1", "f1", "SHOP", reason="nearer", at=after(3))
    price = UnitPrice.of("9.00", "EUR")
    discount = Adjustment(name="sorry", amount=Money.of("-1.00", "EUR"))
    shop.edit(
        "o1",
        [
            AddLine(line=CUP),
            ChangeLine(line_id="l1", quantity=5, unit_price=price),
            AddCharge(charge=Charge(kind="tip", amount=Money.of("2.00", "EUR"))),
            AddAdjustment(adjustment=discount),
            AddAdjustment(adjustment=discount, line_id="l1"),
        ],
        contact=Contact(name="Bo"),
        service="shipment",
        reason="phoned",
        at=after(4),
    )
    shop.cancel("o1", units={"l1": 1}, reason="too many", at=after(5))
    for step in ("release", "pick"):
        shop.advance("o1", "f3", step, at=after(6))
    shop.short_pick("o1", "f3", {"l1": 1}, reason="broken", at=after(7))
    return shop.history("o1")


def test_story_of_changes() -> None:
    """Work that was divided anew, and all that an edit changed, is told in words."""
    changes = (
        "1 unit of CUP more, l1 now 5 units at 9.00 EUR, tip of 2.00 EUR, "
        "sorry on all lines, sorry on l1, contact, service shipment"
    )
    told = [entry.text for entry in timeline(rearranged())]
    assert [
        "f1 split: 2 of l1",
        "f1, f2 merged",
        "f1 is to move to SHOP: nearer",
        f"changed: {changes}: phoned",
        "cancelled 1 of l1: phoned",
        "cancelled 1 of l1: too many",
        "f3 short of 1 of l1: broken",
    ] == [one for one in told if re.search("split|merged|move|changed|cancelled|short", one)]


def test_story_of_a_return() -> None:
    """What came back, what was made of it, and that it was credited, is told."""
    shop = desk(stocked(), MemoryPayments(), Policy())
    shop.place([CUP], order_id="o1", tenders=[CARD], at=NOON)
    shop.deliver("o1", "f1", at=after(1))
    shop.request_return("o1", {"l1": 1}, reason="chipped", at=after(2))
    shop.receive_return("o1", {"l1": 1}, return_id="r1", location="SHOP", at=after(3))
    shop.inspect_return("o1", "r1", write_off={"l1": 1}, reason="indeed", at=after(4))
    told = [entry.text for entry in timeline(shop.history("o1"))]
    assert [
        "return r1 of 1 of l1 asked for: chipped",
        "1 of l1 came back to SHOP (r1)",
        "return r1 inspected: write_off 1 of l1: indeed",
        "return r1 credited",
    ] == [one for one in told if "r1" in one]


def test_an_operation_of_a_kind_unknown_is_told_as_it_is_called() -> None:
    """A history may have been written by somebody who can do more."""
    history = list(desk_of_one().history("o1"))
    index = next(i for i, one in enumerate(history) if isinstance(one, e.PaymentReported))
    history[index] = attrs.evolve(history[index], operation_id="o1/p1/bless-1")
    assert [one for one in timeline(history) if one.text.startswith("bless")]


def desk_of_one() -> OrderDesk:
    """A desk with an order that is paid."""
    world = World()
    world.desk.place([line()], order_id="o1", tenders=[card()])
    return world.desk
