"""All that can happen to stock, against a naive model: nothing is lost, nothing promised twice."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from orderwright import InvalidInput, InventoryLedger, OutOfStock, Posting, Reservation
from orderwright.adapters.memory import MemoryInventory
from orderwright.errors import KeyReused, Shortage
from orderwright.inventory.auditing import audit
from orderwright.inventory.entries import Entry, StockAccount, StockTerms
from orderwright.inventory.guard import StockPolicy
from orderwright.inventory.ledger import Claim, Incoming, Lot, Stock
from orderwright.inventory.reading import balances_at
from orderwright.values import MAX_QUANTITY

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SKUS = ("MUG", "CUP")
PLACES = ("MAIN", "SHOP")
FLOORED = ("available", "reserved", "quarantine", "in_transit", "incoming", "backordered")
LIMIT = 6


def policies(sku: str, location: str) -> StockPolicy:
    """Cups are only warned about in the shop, two mugs are kept back, few may be claimed."""
    if (sku, location) == ("CUP", "SHOP"):
        return StockPolicy(mode="warned", backorder_limit=LIMIT)
    safety = 2 if (sku, location) == ("MUG", "MAIN") else 0
    return StockPolicy(safety_stock=safety, backorder_limit=LIMIT)


class Stockroom(RuleBasedStateMachine):
    """A ledger, and beside it nothing but a bag of counts per account."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = InventoryLedger(policies)
        self.counts: Counter[tuple[str, ...]] = Counter()
        self.number = 0
        self.now = NOON

    def post(self, posting: Posting) -> None:
        """Post it; the model decides by itself whether that may be."""
        expected = self._allowed(posting)
        before = self.ledger.balances()
        if not expected:
            with pytest.raises(OutOfStock) as caught:
                self.ledger.post(posting)
            assert all(one.wanted > one.available for one in caught.value.shortages)
            assert before == self.ledger.balances()
            return
        self.ledger.post(posting)
        for entry in posting.entries:
            self.counts[tuple(entry.account)] += entry.quantity

    def _allowed(self, posting: Posting) -> bool:
        after = self.counts.copy()
        for entry in posting.entries:
            key = tuple(entry.account)
            after[key] += entry.quantity
            if after[key] < 0 and entry.bucket == "reserved":
                return False
        reserved = {
            (entry.sku, entry.location) for entry in posting.entries if entry.bucket == "reserved"
        }
        for key, units in after.items():
            sku, place, bucket, _, lot = key
            if units >= self.counts[key] or bucket not in FLOORED:
                continue
            if bucket == "available" and (sku, place) == ("CUP", "SHOP"):
                continue
            kept_back = (sku, place) == ("MUG", "MAIN") and not lot and bucket == "available"
            floor = 2 if kept_back and (sku, place) in reserved else 0
            if units < floor:
                return False
        for sku in SKUS:
            was, will = (
                sum(n for (s, _, b, *_), n in counts.items() if (s, b) == (sku, "backordered"))
                for counts in (self.counts, after)
            )
            if will > was and will > LIMIT:
                return False
        return True

    def name(self, kind: str) -> str:
        """A new id."""
        self.number += 1
        return f"{kind}-{self.number}"

    @rule(
        sku=st.sampled_from(SKUS),
        place=st.sampled_from(PLACES),
        units=st.integers(1, 5),
        lot=st.sampled_from(["", "", "A", "B"]),
        purchase=st.sampled_from(["", "po1", "po2"]),
    )
    def receive(self, sku: str, place: str, units: int, lot: str, purchase: str) -> None:
        """Goods come in, some of them expected."""
        more = {"lot": lot, "best_before": NOON + DAY if lot == "A" else None}
        self.post(
            Posting.receive(
                self.name("in"), sku, place, units, at=self.now, purchase=purchase, **more
            )
        )

    @rule(
        sku=st.sampled_from(SKUS),
        place=st.sampled_from(PLACES),
        units=st.integers(1, 5),
        purchase=st.sampled_from(["po1", "po2"]),
    )
    def expect(self, sku: str, place: str, units: int, purchase: str) -> None:
        """Goods are ordered."""
        self.post(
            Posting.expect(
                self.name("po"),
                sku,
                place,
                units,
                purchase=purchase,
                expected_at=NOON + DAY,
                at=self.now,
            )
        )

    @rule(
        sku=st.sampled_from(SKUS),
        units=st.integers(1, 4),
        place=st.sampled_from(PLACES),
        to=st.sampled_from(PLACES),
        way=st.sampled_from(
            [
                ("available", "in_transit"),
                ("in_transit", "available"),
                ("in_transit", "loss"),
                ("available", "quarantine"),
                ("quarantine", "available"),
                ("quarantine", "loss"),
                ("available", "loss"),
                ("available", "customer"),
                ("customer", "quarantine"),
            ]
        ),
        lot=st.sampled_from(["", "", "A"]),
    )
    def move(self, sku: str, units: int, place: str, to: str, way: Any, lot: str) -> None:  # noqa: ANN401, PLR0917
        """Goods are transferred, damaged, found good, thrown away, sold or brought back."""
        source, target = way
        self.post(
            Posting.move(
                self.name("move"),
                [(sku, units)],
                location=place,
                to=to,
                source=source,
                target=target,
                lot=lot,
                at=self.now,
            )
        )

    @rule(sku=st.sampled_from(SKUS), place=st.sampled_from(PLACES), by=st.integers(-4, 4))
    def count(self, sku: str, place: str, by: int) -> None:
        """A count finds other than what is booked."""
        if by:
            self.post(Posting.adjust(self.name("n"), sku, place, by, at=self.now, reason="count"))

    @rule(
        sku=st.sampled_from(SKUS),
        place=st.sampled_from(PLACES),
        units=st.integers(1, 4),
        lot=st.sampled_from(["", "", "A"]),
        name=st.sampled_from(["r1", "r2"]),
        what=st.sampled_from(["reserve", "commit", "release", "lost"]),
    )
    def promise(self, sku: str, place: str, units: int, lot: str, name: str, what: str) -> None:  # noqa: PLR0917
        """Units are reserved, leave, are freed, or turn out to be missing."""
        one = Reservation(name, sku, place, units, None, f"order-{name}", lot)
        posting_id = self.name(what)
        if what == "reserve":
            self.post(Posting.reserve(posting_id, [one], at=self.now))
        elif what == "lost":
            self.post(
                Posting.adjust(
                    posting_id,
                    sku,
                    place,
                    -units,
                    at=self.now,
                    reason="count",
                    breaking=[one],
                )
            )
        else:
            self.post(Posting.settle(posting_id, at=self.now, **{what: [one]}))

    @rule(
        sku=st.sampled_from(SKUS),
        units=st.integers(1, 4),
        name=st.sampled_from(["c1", "c2"]),
        drop=st.booleans(),
    )
    def claim(self, sku: str, units: int, name: str, drop: bool) -> None:  # noqa: FBT001
        """Somebody waits, or waits no more."""
        one = Reservation(name, sku, "", units, None, f"order-{name}")
        self.post(Posting.claim(self.name("claim"), [one], at=self.now, drop=drop))

    @rule(sku=st.sampled_from(SKUS), units=st.integers(1, 3), place=st.sampled_from(PLACES))
    def fill(self, sku: str, units: int, place: str) -> None:
        """Who waits is given what is there, in one posting."""
        name = self.name("fill")
        dropped = Posting.claim(
            name, [Reservation("c1", sku, "", units, None, "order-c1")], at=self.now, drop=True
        )
        held = Posting.reserve(
            name, [Reservation("r9", sku, place, units, None, "order-c1")], at=self.now
        )
        self.post(Posting.linked(name, [dropped, held]))

    @rule(place=st.sampled_from(PLACES), units=st.integers(1, 2), back=st.booleans())
    def make(self, place: str, units: int, back: bool) -> None:  # noqa: FBT001
        """Sets are put together of a mug and two cups, and taken apart."""
        sets, parts = [("SET", units)], [("MUG", units), ("CUP", 2 * units)]
        made, used = (parts, sets) if back else (sets, parts)
        self.post(Posting.make(self.name("make"), place, made=made, used=used, at=self.now))

    @rule()
    def again(self) -> None:
        """Whatever was posted is posted again, and changes nothing."""
        before = self.ledger.balances()
        for posting in list(self.ledger.postings()):
            self.ledger.post(posting)
        assert before == self.ledger.balances()

    @invariant()
    def adds_up(self) -> None:
        """The balances are the model's, sum to zero per SKU, and the audit finds nothing."""
        expected = {StockAccount(*key): units for key, units in self.counts.items() if units}
        assert expected == self.ledger.balances()
        sums: Counter[str] = Counter()
        for (sku, *_), units in self.counts.items():
            sums[sku] += units
        assert not any(sums.values())
        assert () == self.ledger.audit()
        assert expected == balances_at(self.ledger.postings(), self.now)

    @invariant()
    def reads_as_the_model(self) -> None:
        """What is on hand, waited for and on order is what the counts say."""
        for sku in SKUS:
            for place in PLACES:
                read = self.ledger.stock(sku, place, now=self.now)
                count = {
                    bucket: sum(
                        units
                        for (s, p, b, _, _), units in self.counts.items()
                        if (s, p, b) == (sku, place, bucket)
                    )
                    for bucket in FLOORED
                }
                assert count["available"] == read.available
                assert count["reserved"] == read.reserved
                on_hand = ("available", "reserved", "quarantine", "in_transit")
                assert sum(count[one] for one in on_hand) == read.on_hand
                assert (
                    read.available - sum(one.available for one in read.lots)
                    == (self.counts[sku, place, "available", "", ""])
                )
            for bucket, told in (
                ("backordered", self.ledger.claims(sku)),
                ("incoming", self.ledger.incoming(sku)),
            ):
                units = sum(
                    n for (s, _, b, *_), n in self.counts.items() if (s, b) == (sku, bucket)
                )
                assert units == sum(one.quantity for one in told)


TestStockroom = Stockroom.TestCase
TestStockroom.settings = settings(max_examples=60, stateful_step_count=40)


# Single things -----------------------------------------------------------------------------


def received(*deliveries: tuple[str, int], **more: Any) -> InventoryLedger:  # noqa: ANN401
    """A ledger with so many of each SKU at MAIN."""
    ledger = InventoryLedger(**more)
    for number, (sku, units) in enumerate(deliveries):
        ledger.post(Posting.receive(f"d{number}", sku, "MAIN", units, at=NOON))
    return ledger


def test_a_transfer_arrives_short() -> None:
    """Five leave, four arrive, one is lost on the way: on hand all the time but for the lost."""
    ledger = received(("MUG", 5))
    out = {"location": "MAIN", "to": "SHOP", "at": NOON}
    ledger.post(Posting.move("t1", [("MUG", 5)], source="available", target="in_transit", **out))
    there = ledger.stock("MUG", "SHOP", now=NOON)
    assert (0, 5, 5) == (there.available, there.in_transit, there.on_hand)
    into = {"location": "SHOP", "source": "in_transit", "at": NOON}
    ledger.post(Posting.move("t2", [("MUG", 4)], target="available", **into))
    ledger.post(Posting.move("t3", [("MUG", 1)], target="loss", **into))
    there = ledger.stock("MUG", "SHOP", now=NOON)
    assert (4, 0) == (there.available, there.in_transit)
    assert () == ledger.audit()
    with pytest.raises(InvalidInput, match="already"):
        Posting.move(
            "t4", [("MUG", 1)], location="MAIN", source="available", target="available", at=NOON
        )


def test_what_is_on_order_is_told_by_its_date() -> None:
    """The first to come first, unknown dates last; received, it is on order no more."""
    ledger = InventoryLedger()
    for purchase, days in (("late", 9), ("never", None), ("soon", 2)):
        when = None if days is None else NOON + days * DAY
        ledger.post(
            Posting.expect(
                f"e-{purchase}", "MUG", "MAIN", 5, purchase=purchase, expected_at=when, at=NOON
            )
        )
    assert ["soon", "late", "never"] == [one.purchase for one in ledger.incoming("MUG")]
    ledger.post(Posting.receive("d1", "MUG", "MAIN", 5, purchase="soon", at=NOON))
    ledger.post(Posting.receive("d2", "MUG", "MAIN", 2, purchase="late", at=NOON))
    assert Incoming("MUG", "MAIN", "late", 3, NOON + 9 * DAY) == ledger.incoming("MUG")[0]
    with pytest.raises(OutOfStock):
        ledger.post(Posting.receive("d3", "MUG", "MAIN", 4, purchase="late", at=NOON))
    ledger.post(
        Posting.move(
            "x",
            [("MUG", 3)],
            location="MAIN",
            source="incoming",
            target="supplier",
            purchase="late",
            at=NOON,
        )
    )
    assert ["never"] == [one.purchase for one in ledger.incoming("MUG")]
    assert () == ledger.audit()


def test_the_first_to_expire_is_told_first_and_the_expired_not_at_all() -> None:
    """Of four lots one is past its date by the time of the read; the others are in order."""
    ledger = InventoryLedger()
    for lot, days in (("late", 9), ("gone", 1), ("soon", 2), ("never", None)):
        until = None if days is None else NOON + days * DAY
        ledger.post(
            Posting.receive(f"d-{lot}", "MILK", "MAIN", 3, lot=lot, best_before=until, at=NOON)
        )
    stock = ledger.stock("MILK", "MAIN", now=NOON + DAY)
    assert (9, 3, 12) == (stock.available, stock.expired, stock.on_hand)
    assert (
        Lot("soon", 3, NOON + 2 * DAY),
        Lot("late", 3, NOON + 9 * DAY),
        Lot("never", 3),
    ) == stock.lots
    held = Reservation("r1", "MILK", "MAIN", 2, NOON + DAY, "o1", "soon")
    ledger.post(Posting.reserve("r", [held], at=NOON))
    assert (held,) == ledger.reservations(now=NOON)
    assert 1 == ledger.stock("MILK", "MAIN", now=NOON).lots[1].available
    # The reservation lapses back into its lot.
    assert stock == ledger.stock("MILK", "MAIN", now=NOON + DAY)
    ledger.post(Posting.receive("d-last", "MILK", "MAIN", 1, lot="soon", at=NOON + DAY))
    assert 4 == ledger.stock("MILK", "MAIN", now=NOON + DAY).lots[0].available
    assert () == ledger.audit()


def test_safety_stock_is_kept_back_from_reservations_only() -> None:
    """Of five mugs three can be promised; a count may still find fewer, and a loss take them."""
    ledger = received(("MUG", 5), policies=policies)
    assert 3 == ledger.stock("MUG", "MAIN", now=NOON).promisable
    with pytest.raises(OutOfStock) as caught:
        ledger.post(Posting.reserve("r", [Reservation("r1", "MUG", "MAIN", 4)], at=NOON))
    assert (Shortage("MUG", "MAIN", 4, 3),) == caught.value.shortages
    ledger.post(Posting.reserve("r", [Reservation("r1", "MUG", "MAIN", 3)], at=NOON))
    ledger.post(Posting.adjust("n", "MUG", "MAIN", -2, at=NOON, reason="count"))
    assert 0 == ledger.stock("MUG", "MAIN", now=NOON).promisable


def test_warned_and_untracked_stock_goes_below_zero() -> None:
    """Any number can be promised, and the book says by how much it was wrong."""
    for mode in ("warned", "untracked"):
        ledger = InventoryLedger(lambda _sku, _place, mode=mode: StockPolicy(mode=mode))
        ledger.post(Posting.reserve("r", [Reservation("r1", "SALT", "MAIN", 7)], at=NOON))
        stock = ledger.stock("SALT", "MAIN", now=NOON)
        assert (-7, 7, MAX_QUANTITY) == (stock.available, stock.reserved, stock.promisable)
        assert () == ledger.audit()


def test_claims_have_a_ceiling_per_sku() -> None:
    """Seven claims are one too many, from however many customers; each is told what is left."""
    ledger = InventoryLedger(policies)
    ledger.post(Posting.claim("c1", [Reservation("a", "MUG", "", 5)], at=NOON))
    with pytest.raises(OutOfStock) as caught:
        ledger.post(Posting.claim("c2", [Reservation("b", "MUG", "", 2)], at=NOON))
    assert (Shortage("MUG", "", 2, 1, "b"),) == caught.value.shortages
    ledger.post(Posting.claim("c2", [Reservation("b", "MUG", "", 1)], at=NOON))
    ledger.post(Posting.claim("c3", [Reservation("a", "MUG", "", 5)], at=NOON, drop=True))
    assert (Claim("b", "MUG", 1, 1),) == ledger.claims("MUG")
    promised = StockTerms(expected_at=NOON + DAY, priority=3)
    ledger.post(Posting.claim("c4", [Reservation("b", "MUG", "", 1)], at=NOON, terms=promised))
    assert (Claim("b", "MUG", 2, 1, "", 3, NOON + DAY),) == ledger.claims("MUG")


def test_linked_postings_are_all_written_or_none() -> None:
    """A second part that cannot be takes the first with it."""
    ledger = received(("MUG", 1))
    parts = [
        Posting.reserve("a", [Reservation("r1", sku, "MAIN", 1)], at=NOON) for sku in ("MUG", "CUP")
    ]
    with pytest.raises(OutOfStock):
        ledger.post(Posting.linked("both", parts))
    assert 1 == ledger.stock("MUG", "MAIN", now=NOON).available
    with pytest.raises(InvalidInput):
        Posting.linked("none", [])


def test_the_memory_adapter_has_the_same_reads() -> None:
    """Claims, incoming units and policies are those of the ledger inside."""
    inventory = MemoryInventory(policies)
    inventory.post(Posting.claim("c1", [Reservation("a", "MUG", "", 5)], at=NOON))
    assert inventory.ledger.claims("MUG") == inventory.claims("MUG")
    assert () == inventory.incoming("MUG")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Posting.receive("x", "", "MAIN", 1, at=NOON),
        lambda: Posting.receive("x", "MUG", "MAIN", -1, at=NOON),
        lambda: Posting.receive("x", "MUG", "MAIN", MAX_QUANTITY + 1, at=NOON),
        lambda: Posting.receive("x", "MUG", "MAIN", 1, at=NOON, unit_cost=5),
        lambda: Posting.receive("x", "MUG", "MAIN", 1, at=NOON, lot=5),
        lambda: Posting.receive("x", "MUG", "MAIN", 1, at=NOON, best_before=5),
        lambda: Posting.expect("x", "MUG", "MAIN", 1, purchase="", expected_at=None, at=NOON),
        lambda: Posting.expect("x", "MUG", "MAIN", 1, purchase="p", expected_at="soon", at=NOON),
        lambda: Posting.adjust("x", "MUG", "MAIN", 0, at=NOON, reason="x"),
        lambda: Posting.adjust(
            "x",
            "MUG",
            "MAIN",
            -1,
            at=NOON,
            reason="x",
            breaking=[Reservation("r", "MUG", "MAIN", 2)],
        ),
        lambda: Posting.make("x", "MAIN", used=[("MUG", 0)], at=NOON),
        lambda: Posting.make("x", "MAIN", made=[("", 1)], at=NOON),
        lambda: Posting.claim(
            "x", [Reservation("c", "MUG", "", 1)], at=NOON, terms=StockTerms(priority="high")
        ),
        lambda: Posting.move(
            "x", [("", 1)], location="MAIN", source="available", target="loss", at=NOON
        ),
        lambda: Posting.move(
            "x", [("A", 1)], location="", source="available", target="loss", at=NOON
        ),
        lambda: Posting.move(
            "x", [("A", 1)], location="M", to="a/b", source="available", target="loss", at=NOON
        ),
        lambda: Posting(id="x", at=NOON, entries=(1, 2)),
        lambda: InventoryLedger().post(7),
        lambda: Posting(
            id="x",
            at=NOON,
            entries=(Entry("A", "M", "supplier", -1, "r"), Entry("A", "M", "available", 1)),
        ),
    ],
)
def test_impossible_postings_cannot_be_made(wrong: Any) -> None:  # noqa: ANN401
    """Each is refused with InvalidInput before anything could be posted."""
    with pytest.raises(InvalidInput):
        wrong()


@given(
    deliveries=st.lists(
        st.tuples(st.sampled_from(SKUS), st.sampled_from(PLACES), st.integers(1, 9)), max_size=8
    ),
    data=st.data(),
)
def test_independent_postings_come_in_any_order(
    deliveries: list[tuple[str, str, int]], data: st.DataObject
) -> None:
    """Receipts and finds in two different orders leave the same balances."""
    postings = [
        Posting.receive(f"d{index}", sku, place, units, at=NOON)
        for index, (sku, place, units) in enumerate(deliveries)
    ]
    one, other = InventoryLedger(), InventoryLedger()
    for posting in postings:
        one.post(posting)
    for posting in data.draw(st.permutations(postings)):
        other.post(posting)
    assert one.balances() == other.balances()


@given(which=st.integers(0, 5), by=st.sampled_from([-9, -1, 1, 9]), data=st.data())
def test_an_audit_finds_every_tampering(which: int, by: int, data: st.DataObject) -> None:
    """Whatever one number is changed behind the book's back, the first bad place is named."""
    ledger = received(("MUG", 5), ("CUP", 5))
    ledger.post(Posting.reserve("r", [Reservation("r1", "MUG", "MAIN", 3)], at=NOON))
    ledger.post(Posting.settle("s", commit=[Reservation("r1", "MUG", "MAIN", 2)], at=NOON))
    postings, balances = list(ledger.postings()), dict(ledger.balances())
    if which < len(postings):
        posting = postings[which]
        number = data.draw(st.integers(0, len(posting.entries) - 1))
        entry = posting.entries[number]
        changed = Entry(
            entry.sku, entry.location, entry.bucket, entry.quantity + by, entry.reservation
        )
        entries = (*posting.entries[:number], changed, *posting.entries[number + 1 :])
        forged = Posting.refused(posting)
        object.__setattr__(forged, "entries", entries)
        postings[which] = forged
        found = audit(postings, balances)
        assert posting.id == found[0].posting_id
    else:
        account = data.draw(st.sampled_from(sorted(balances)))
        balances[account] += by
        (found_,) = audit(postings, balances)
        assert (account, balances[account] - by) == (found_.account, found_.expected)


def test_an_audit_proposes_the_posting_that_repairs() -> None:
    """What a store let fall below zero is found again by a correction from loss."""
    takes = Posting.hand_over("h", [Reservation("", "MUG", "MAIN", 2, None, "o1")], at=NOON)
    shelf = StockAccount("MUG", "MAIN", "available")
    balances = {shelf: -2, StockAccount("MUG", "MAIN", "customer"): 2}
    (fell,) = audit([takes], balances)
    assert ("h", 0, shelf, 0) == (fell.posting_id, fell.entry, fell.account, fell.expected)
    assert fell.repair is not None
    ledger = InventoryLedger()
    ledger.post(fell.repair)
    ledger.post(takes)
    assert 0 == ledger.balance(shelf)
    twice = audit([takes, takes], {})
    assert "the id h is used twice" in [one.problem for one in twice]
    held = Posting.settle("s", commit=[Reservation("r1", "MUG", "MAIN", 1)], at=NOON)
    assert "MUG MAIN reserved r1 fell to -1" == audit([held], {})[0].problem


def test_stock_tells_what_is_on_hand() -> None:
    """Everything inside our walls, also what cannot be promised."""
    assert 15 == Stock("MUG", "MAIN", 1, 2, 3, 4, 5).on_hand


def test_other_content_under_a_known_id_names_the_field() -> None:
    """The same receipt with a lot is another posting."""
    ledger = received(("MUG", 5))
    with pytest.raises(KeyReused) as caught:
        ledger.post(Posting.receive("d0", "MUG", "MAIN", 5, lot="A", at=NOON))
    assert "entries" == caught.value.field
