"""The ledger against a model of plain counters, and what a book of stock must never do."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple, TypeAlias

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from orderwright.errors import InvalidInput, KeyReused, NotFound, OutOfStock, Shortage
from orderwright.inventory.entries import Entry, Reservation, StockAccount, StockTerms
from orderwright.inventory.guard import StockPolicy
from orderwright.inventory.ledger import Incoming, InventoryLedger, Stock
from orderwright.inventory.postings import Posting

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NEVER = datetime(9000, 1, 1, tzinfo=UTC)
SKUS, PLACES, NAMES = ("MUG", "CUP"), ("MAIN", "SHOP"), ("r1", "r2")


class Held(NamedTuple):
    """The units of a reservation in the model, until when, and whose they are."""

    units: int
    until: datetime
    order_id: str


Slot: TypeAlias = tuple[str, str, str]
"""Where the model counts units: SKU, location, and a bucket's or a reservation's name."""


class LedgerMachine(RuleBasedStateMachine):
    """Posts at random, and counts by hand what should have come of it."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = InventoryLedger()
        self.now = NOON
        self.count: Counter[Slot] = Counter()
        self.held: dict[Slot, Held] = {}
        self.ever: list[Slot] = []
        self.into: Counter[Slot] = Counter()
        self.ended: Counter[tuple[Slot, str]] = Counter()
        self.accepted: list[Posting] = []
        self.numbers = 0

    # What should happen.

    def sweep(self) -> None:
        """In the model whatever has expired is free at once."""
        for slot, held in list(self.held.items()):
            if held.until <= self.now:
                del self.held[slot]
                self.count[slot] -= held.units
                self.count[*slot[:2], "available"] += held.units
                self.ended[slot, "expired"] += held.units

    def expect(self, posting: Posting, moves: Iterable[tuple[Slot, int]]) -> bool:
        """Post, and check that exactly those `moves` were made, or refused as a whole."""
        self.sweep()
        change: Counter[Slot] = Counter()
        lowest: Counter[Slot] = Counter()
        for slot, units in moves:
            change[slot] += units
            # Units have to be in a reservation before they leave it; on a shelf the sum counts.
            lowest[slot] = min(lowest[slot], change[slot]) if slot[2] in NAMES else change[slot]
        lacking = {
            Shortage(*slot[:2], -least, self.count[slot], slot[2] if slot[2] in NAMES else "")
            for slot, least in lowest.items()
            if slot[2] in (*NAMES, "available") and self.count[slot] + least < 0
        }
        before = (tuple(self.ledger.postings()), self.balances())
        if lacking:
            with pytest.raises(OutOfStock) as caught:
                self.ledger.post(posting)
            assert lacking == set(caught.value.shortages)
            assert before == (tuple(self.ledger.postings()), self.balances())
            return False
        self.ledger.post(posting)
        assert posting is self.ledger.posting(posting.id)
        self.accepted.append(posting)
        self.count.update(change)
        return True

    def hold(self, slot: Slot, units: int, until: datetime | None, order_id: str) -> None:
        """In the model, add to or take from a reservation; what goes in last sets its end."""
        before = self.held.get(slot, Held(0, NEVER, ""))
        if units > 0:
            self.ever.append(slot)
            self.into[slot] += units
            self.held[slot] = Held(before.units + units, until or NEVER, order_id)
        else:
            self.held[slot] = before._replace(units=before.units + units)
        if not self.held[slot].units:
            del self.held[slot]

    def balances(self) -> dict[Slot, int]:
        """What the ledger has booked on every account the model knows."""
        slots = {*self.count, *((sku, place, "available") for sku in SKUS for place in PLACES)}
        return {
            (sku, place, name): self.ledger.balance(
                StockAccount(sku, place, "reserved", name)
                if name in NAMES
                else StockAccount(sku, place, name)  # type: ignore[arg-type]
            )
            for sku, place, name in slots
        }

    def new_id(self) -> str:
        """An id no posting had."""
        self.numbers += 1
        return f"p{self.numbers}"

    def until(self, minutes: int | None) -> datetime | None:
        """So many minutes from now."""
        return None if minutes is None else self.now + minutes * MINUTE

    # What happens.

    @rule(minutes=st.integers(1, 3))
    def wait(self, minutes: int) -> None:
        """Time moves on."""
        self.now += minutes * MINUTE

    @rule(sku=st.sampled_from(SKUS), place=st.sampled_from(PLACES), units=st.integers(1, 9))
    def receive(self, sku: str, place: str, units: int) -> None:
        """A supplier delivers."""
        moves = [((sku, place, "supplier"), -units), ((sku, place, "available"), units)]
        posting = Posting.receive(self.new_id(), sku, place, units, at=self.now)
        assert self.expect(posting, moves)

    @rule(
        sku=st.sampled_from(SKUS),
        place=st.sampled_from(PLACES),
        units=st.integers(-3, 3).filter(bool),
    )
    def adjust(self, sku: str, place: str, units: int) -> None:
        """A count finds more or less."""
        moves = [((sku, place, "loss"), -units), ((sku, place, "available"), units)]
        posting = Posting.adjust(self.new_id(), sku, place, units, at=self.now, reason="count")
        self.expect(posting, moves)

    @rule(
        wanted=st.lists(
            st.tuples(
                st.sampled_from(SKUS),
                st.sampled_from(PLACES),
                st.sampled_from(NAMES),
                st.integers(1, 5),
            ),
            min_size=1,
            max_size=3,
        ),
        minutes=st.none() | st.integers(0, 4),
        order_id=st.sampled_from(["o1", "o2"]),
    )
    def reserve(
        self, wanted: list[tuple[str, str, str, int]], minutes: int | None, order_id: str
    ) -> None:
        """An order reserves all its lines at once, for a time or for good."""
        until = self.until(minutes)
        lines = [
            Reservation(name, sku, place, units, until, order_id)
            for sku, place, name, units in wanted
        ]
        moves: list[tuple[Slot, int]] = []
        for sku, place, name, units in wanted:
            moves += [((sku, place, "available"), -units), ((sku, place, name), units)]
        if self.expect(Posting.reserve(self.new_id(), lines, at=self.now), moves):
            for sku, place, name, units in wanted:
                self.hold((sku, place, name), units, until, order_id)

    @precondition(lambda self: self.ever)
    @rule(data=st.data(), commits=st.integers(0, 3), releases=st.integers(0, 3))
    def settle(self, data: st.DataObject, commits: int, releases: int) -> None:
        """Parts of a reservation, or of one that is gone, leave or come back."""
        if not commits + releases:
            return
        sku, place, name = slot = data.draw(st.sampled_from(self.ever))
        moves: list[tuple[Slot, int]] = [(slot, -commits - releases)]
        moves += [((sku, place, "customer"), commits), ((sku, place, "available"), releases)]
        posting = Posting.settle(
            self.new_id(),
            at=self.now,
            commit=[Reservation(name, sku, place, commits)] if commits else [],
            release=[Reservation(name, sku, place, releases)] if releases else [],
        )
        if self.expect(posting, moves):
            self.hold(slot, -commits - releases, None, "")
            self.ended[slot, "customer"] += commits
            self.ended[slot, "available"] += releases

    @precondition(lambda self: self.ever)
    @rule(
        data=st.data(),
        units=st.integers(1, 3),
        to=st.sampled_from(NAMES),
        minutes=st.none() | st.integers(0, 4),
    )
    def rehold(self, data: st.DataObject, units: int, to: str, minutes: int | None) -> None:
        """Units go from one reservation to another, or to the same with another end."""
        sku, place, name = slot = data.draw(st.sampled_from(self.ever))
        old = Reservation(name, sku, place, units)
        new = Reservation(to, sku, place, units, self.until(minutes), "o3")
        posting = Posting.rehold(self.new_id(), [(old, new)], at=self.now)
        if self.expect(posting, [(slot, -units), ((sku, place, to), units)]):
            self.hold(slot, -units, None, "")
            self.ended[slot, "reserved"] += units
            self.hold((sku, place, to), units, self.until(minutes), "o3")

    @rule(sku=st.sampled_from(SKUS), place=st.sampled_from(PLACES), units=st.integers(1, 5))
    def hand_over(self, sku: str, place: str, units: int) -> None:
        """Units leave that nobody had reserved."""
        posting = Posting.hand_over(
            self.new_id(), [Reservation("", sku, place, units)], at=self.now
        )
        self.expect(
            posting, [((sku, place, "available"), -units), ((sku, place, "customer"), units)]
        )

    @precondition(lambda self: self.accepted)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        """An id that is known changes nothing: the same is a no-op, something else an error."""
        posting = data.draw(st.sampled_from(self.accepted))
        before = (tuple(self.ledger.postings()), self.balances())
        self.ledger.post(attrs.evolve(posting))
        with pytest.raises(KeyReused):
            self.ledger.post(attrs.evolve(posting, at=posting.at + MINUTE))
        assert before == (tuple(self.ledger.postings()), self.balances())

    # What is always so.

    @invariant()
    def adds_up(self) -> None:
        """Every SKU sums to zero, nothing inside is below zero, and the audit is content."""
        sums: Counter[str] = Counter()
        inside: Counter[StockAccount] = Counter()
        for posting in self.ledger.postings():
            for entry in posting.entries:
                sums[entry.sku] += entry.quantity
                if entry.bucket in ("available", "reserved"):
                    inside[entry.account] += entry.quantity
        assert not any(sums.values())
        assert not any(units < 0 for units in inside.values())
        assert () == self.ledger.audit()

    @invariant()
    def reads_as_the_model(self) -> None:
        """Stock and reservations are those of the model, whether or not anyone swept."""
        self.sweep()
        reserved: Counter[tuple[str, str]] = Counter()
        for (sku, place, _), held in self.held.items():
            reserved[sku, place] += held.units
        stocks = [
            Stock(sku, place, self.count[sku, place, "available"], reserved[sku, place])
            for sku in SKUS
            for place in PLACES
        ]
        found = [self.ledger.stock(one.sku, one.location, now=self.now) for one in stocks]
        assert stocks == found
        touched = {(entry.sku, entry.location) for one in self.accepted for entry in one.entries}
        supply = {one for one in stocks if (one.sku, one.location) in touched}
        assert supply == set(self.ledger.supply((*SKUS, "MUG"), now=self.now))
        expected = {
            Reservation(
                name, sku, place, one.units, None if one.until == NEVER else one.until, one.order_id
            )
            for (sku, place, name), one in self.held.items()
        }
        listed = self.ledger.reservations(now=self.now)
        assert expected == set(listed)
        assert len(expected) == len(listed)

    @invariant()
    def every_reserved_unit_ends_once(self) -> None:
        """What was reserved is held, or was committed, released, moved or lapsed, exactly once."""
        written: Counter[tuple[Slot, str]] = Counter()
        for posting in self.ledger.postings():
            for entry, partner in pairwise((*posting.entries, *posting.entries[:1])):
                if entry.reservation and entry.quantity < 0:
                    slot = (entry.sku, entry.location, entry.reservation)
                    end = posting.reason or partner.bucket
                    written[slot, end] -= entry.quantity
        self.sweep()
        for slot in set(self.ever):
            # What has expired without being swept is still booked on the reservation.
            sku, place, name = slot
            booked = self.ledger.balance(StockAccount(sku, place, "reserved", name))
            held = self.held[slot].units if slot in self.held else 0
            written[slot, "expired"] += booked - held
            ends = sum(units for (ended, _), units in self.ended.items() if ended == slot)
            assert self.into[slot] == ends + held
        assert +self.ended == +written

    def teardown(self) -> None:
        """Posting the book again changes nothing; posted elsewhere, it makes the same book."""
        book = tuple(self.ledger.postings())
        copy = InventoryLedger()
        for posting in book:
            self.ledger.post(posting)
            copy.post(posting)
        assert book == tuple(self.ledger.postings()) == tuple(copy.postings())
        for now in (self.now, self.now + 2 * MINUTE, NEVER):
            both = [one.supply(SKUS, now=now) for one in (self.ledger, copy)]
            assert both[0] == both[1]
            assert self.ledger.reservations(now=now) == copy.reservations(now=now)


LedgerMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=25)


TestLedger = LedgerMachine.TestCase


# --- what the model does not show -----------------------------------------------------------------


@pytest.fixture
def ledger() -> InventoryLedger:
    """A book with thirteen mugs in the main warehouse."""
    book = InventoryLedger()
    book.post(Posting.receive("delivery-1", "MUG", "MAIN", 13, at=NOON))
    return book


def reserved(name: str, units: int, minutes: int | None = None, order_id: str = "") -> Reservation:
    """Mugs held for so many minutes."""
    until = None if minutes is None else NOON + minutes * MINUTE
    return Reservation(name, "MUG", "MAIN", units, until, order_id)


def available(ledger: InventoryLedger, minutes: int = 0) -> int:
    """Mugs that are free so many minutes later."""
    return ledger.stock("MUG", "MAIN", now=NOON + minutes * MINUTE).available


def test_two_lines_of_one_sku(ledger: InventoryLedger) -> None:
    """10 and 13 of one SKU against 13 in stock cannot both pass; each alone can."""
    both = [reserved("l1", 10), reserved("l2", 13)]
    with pytest.raises(OutOfStock) as caught:
        ledger.post(Posting.reserve("p1", both, at=NOON))
    assert (Shortage("MUG", "MAIN", 23, 13),) == caught.value.shortages
    assert (None, 13) == (ledger.posting("p1"), available(ledger))
    ledger.post(Posting.reserve("p1", both[1:], at=NOON))
    assert 0 == available(ledger)


def test_unknown_stock_is_nothing(ledger: InventoryLedger) -> None:
    """SKUs and locations never heard of have no stock, and are not listed."""
    assert Stock("CUP", "MAIN", 0, 0) == ledger.stock("CUP", "MAIN", now=NOON)
    assert () == ledger.supply(["CUP"], now=NOON)
    assert 13 == ledger.stock("MUG", "MAIN", now=NOON).on_hand


def test_lapse_is_a_posting_of_its_own(ledger: InventoryLedger) -> None:
    """What lapsed is written down before the posting that found it, with the reason."""
    ledger.post(Posting.reserve("p1", [reserved("r1", 13, 5, "o1")], at=NOON))
    assert (0, 0, 13) == tuple(available(ledger, minutes) for minutes in (0, 4, 5))
    found = Posting.receive("p2", "MUG", "MAIN", 1, at=NOON + 5 * MINUTE)
    ledger.post(found)
    lapse = Posting(
        id="p2/lapsed",
        at=NOON + 5 * MINUTE,
        entries=(
            Entry("MUG", "MAIN", "reserved", -13, "r1"),
            Entry("MUG", "MAIN", "available", 13),
        ),
        reason="expired",
    )
    assert (lapse, found) == tuple(ledger.postings())[2:]
    ledger.post(lapse)
    assert lapse == ledger.posting("p2/lapsed")
    assert 4 == len(tuple(ledger.postings()))


def test_refused_posting_sweeps_nothing(ledger: InventoryLedger) -> None:
    """A refusal leaves no trace, not even of what it found expired."""
    ledger.post(Posting.reserve("p1", [reserved("r1", 3, 5)], at=NOON))
    with pytest.raises(OutOfStock):
        ledger.post(Posting.hand_over("p2", [reserved("", 14)], at=NOON + 6 * MINUTE))
    assert ["delivery-1", "p1"] == [posting.id for posting in ledger.postings()]


@pytest.mark.parametrize("settled", ["commit", "release"])
def test_lapsed_units_cannot_be_settled(ledger: InventoryLedger, settled: str) -> None:
    """Once expired, a reservation is neither committed nor released: its units are free."""
    held = reserved("r1", 3, 5)
    ledger.post(Posting.reserve("p1", [held], at=NOON))
    posting = Posting.settle("p2", at=NOON + 5 * MINUTE, **{settled: [held]})
    with pytest.raises(OutOfStock) as caught:
        ledger.post(posting)
    assert (Shortage("MUG", "MAIN", 3, 0, "r1"),) == caught.value.shortages


def test_lapse_never_takes_an_id_that_is_used(ledger: InventoryLedger) -> None:
    """A caller's posting is not overwritten by a lapse that would have got its id."""
    mine = Posting.receive("p2/lapsed", "MUG", "MAIN", 1, at=NOON)
    ledger.post(mine)
    ledger.post(Posting.reserve("p1", [reserved("r1", 3, 5)], at=NOON))
    ledger.post(Posting.receive("p2", "MUG", "MAIN", 1, at=NOON + 5 * MINUTE))
    assert mine == ledger.posting("p2/lapsed")
    assert (15, ()) == (available(ledger), ledger.audit())


def test_rehold_under_the_same_name_stops_the_lapse(ledger: InventoryLedger) -> None:
    """A reservation that is held anew without an end no longer has one."""
    held = reserved("r1", 3, 5)
    ledger.post(Posting.reserve("p1", [held], at=NOON))
    ledger.post(Posting.rehold("p2", [(held, reserved("r1", 3))], at=NOON))
    assert 10 == available(ledger, minutes=6)
    assert (reserved("r1", 3),) == ledger.reservations(now=NOON + 6 * MINUTE)


def test_nothing_is_held_anew_that_is_not_there(ledger: InventoryLedger) -> None:
    """Holding lapsed units under their old name is refused, although its entries cancel out."""
    held = reserved("r1", 3, 5)
    ledger.post(Posting.reserve("p1", [held], at=NOON))
    with pytest.raises(OutOfStock) as caught:
        ledger.post(Posting.rehold("p2", [(held, reserved("r1", 3))], at=NOON + 5 * MINUTE))
    assert (Shortage("MUG", "MAIN", 3, 0, "r1"),) == caught.value.shortages


def test_one_name_for_two_skus(ledger: InventoryLedger) -> None:
    """Settling one reservation does not forget whose another one of that name is."""
    ledger.post(Posting.receive("delivery-2", "CUP", "MAIN", 2, at=NOON))
    cups = Reservation("r1", "CUP", "MAIN", 2, None, "o1")
    mugs = reserved("r1", 3, 5, "o1")
    ledger.post(Posting.reserve("p1", [cups, mugs], at=NOON))
    ledger.post(Posting.settle("p2", release=[cups], at=NOON))
    assert (mugs,) == ledger.reservations(now=NOON)


@pytest.mark.parametrize("limit", [None, 0, 1, 2, 9])
def test_postings_are_read_page_by_page(limit: int | None) -> None:
    """A page begins behind the id it is asked for and holds no more than its limit."""
    ledger = InventoryLedger()
    made = [Posting.receive(f"p{n}", "MUG", "MAIN", 1, at=NOON) for n in range(4)]
    for one in made:
        ledger.post(one)
    assert made[:limit] == list(ledger.postings(limit=limit))
    for number, one in enumerate(made):
        behind = made[number + 1 :]
        assert behind[:limit] == list(ledger.postings(after=one.id, limit=limit))
    with pytest.raises(NotFound) as caught:
        ledger.postings(after="p9", limit=limit)
    assert ("posting", "p9") == (caught.value.kind, caught.value.key)
    assert (None, made[1]) == (ledger.posting("p9"), ledger.posting("p1"))


def test_what_is_no_posting_is_not_posted(ledger: InventoryLedger) -> None:
    """Something else than a posting is refused by its kind, and nothing is written."""
    with pytest.raises(InvalidInput) as caught:
        ledger.post("a posting")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    (fault,) = caught.value.faults
    assert ("posting", "expected Posting, got str") == (fault.path, fault.message)
    assert 1 == len(list(ledger.postings()))


def test_reservations_are_found_by_order_and_sku(ledger: InventoryLedger) -> None:
    """All, those of an order as they were made, those of some SKUs, or of both; not the lapsed."""
    ledger.post(Posting.receive("delivery-2", "CUP", "MAIN", 5, at=NOON))
    cup = Reservation("r3", "CUP", "MAIN", 2, None, "o1")
    mugs = [reserved("r9", 1, None, "o1"), reserved("r1", 2, 5, "o1"), reserved("r2", 3, 6, "o2")]
    for one in (mugs[0], cup, *mugs[1:]):
        ledger.post(Posting.reserve(f"p-{one.id}", [one], at=NOON))
    assert (cup, *mugs) == ledger.reservations(NOON)
    assert (mugs[0], cup, mugs[1]) == ledger.reservations(NOON, order_id="o1")
    assert tuple(mugs) == ledger.reservations(NOON, skus=["MUG"])
    assert (cup,) == ledger.reservations(NOON, order_id="o1", skus=["CUP", "TEA"])
    assert () == ledger.reservations(NOON, order_id="o2", skus=["CUP"])
    assert (mugs[0], mugs[2]) == ledger.reservations(NOON + 5 * MINUTE, skus=["MUG"])
    assert (mugs[0],) == ledger.reservations(NOON + 6 * MINUTE, skus=["MUG"])
    assert () == ledger.reservations(NOON, order_id="o3")


def test_who_waits_and_what_is_on_order() -> None:
    """Claims stand in the order they were made, purchases by their day, unknown days last."""
    ledger = InventoryLedger()
    days = [None, NOON + 2 * MINUTE, NOON + MINUTE, NOON + MINUTE]
    for number, day in enumerate(days):
        more = {"purchase": f"po{9 - number}", "expected_at": day, "at": NOON}
        ledger.post(Posting.expect(f"e{number}", "MUG", "MAIN", number + 1, **more))
    expected = [
        Incoming("MUG", "MAIN", f"po{9 - number}", number + 1, days[number])
        for number in (3, 2, 1, 0)
    ]
    assert expected == list(ledger.incoming("MUG"))
    assert () == ledger.incoming("CUP")
    later = StockTerms(expected_at=NOON + MINUTE, priority=3)
    for number, (name, terms) in enumerate({"c2": None, "c1": later}.items()):
        claim = Reservation(name, "MUG", "", number + 2, None, f"o{name}")
        ledger.post(Posting.claim(f"q{number}", [claim], at=NOON, terms=terms))
    first, second = ledger.claims("MUG")
    assert ("c2", "MUG", 2, 4, "oc2", 0, None) == first
    assert ("c1", "MUG", 3, 5, "oc1", 3, NOON + MINUTE) == second
    # More of a claim keeps its place, and what was promised, until something else is.
    more = Reservation("c2", "MUG", "", 1, None, "oc2")
    ledger.post(Posting.claim("q2", [more], at=NOON))
    ledger.post(Posting.claim("q3", [attrs.evolve(more, id="c1")], at=NOON))
    assert [("c2", 3, 4), ("c1", 4, 5)] == [
        (one.id, one.quantity, one.number) for one in ledger.claims("MUG")
    ]
    assert (3, NOON + MINUTE) == (ledger.claims("MUG")[1].priority, later.expected_at)
    dropped = Reservation("c2", "MUG", "", 3, None, "oc2")
    ledger.post(Posting.claim("q4", [dropped], at=NOON, drop=True))
    assert ["c1"] == [one.id for one in ledger.claims("MUG")]
    assert () == ledger.audit()


def test_audit_names_what_was_tampered_with(ledger: InventoryLedger) -> None:
    """A balance, a posting or a whole book that was changed behind its back is found."""
    shelf = StockAccount("MUG", "MAIN", "available")
    ledger._balances[shelf] = 14
    (drifted,) = ledger.audit()
    assert "MUG MAIN available is kept as 14, its entries sum to 13" == drifted.problem
    assert (shelf, 13, None) == (drifted.account, drifted.expected, drifted.repair)
    broken = attrs.evolve(Posting.receive("delivery-1", "MUG", "MAIN", 13, at=NOON))
    entries = (Entry("MUG", "MAIN", "supplier", -13), Entry("MUG", "MAIN", "available", -1))
    object.__setattr__(broken, "entries", entries)
    ledger._written[0] = broken
    ledger._balances[shelf] = -1
    unbalanced, fell = ledger.audit()
    assert "MUG sums to -14 instead of 0" == unbalanced.problem
    assert ("MUG MAIN available fell to -1", "delivery-1", 1) == fell[:3]


def test_a_misspelt_policy_does_not_switch_the_guard_off() -> None:
    """A mode that is none, and negative units, are refused where the policy is made."""
    with pytest.raises(InvalidInput, match="mode"):
        StockPolicy(mode="gaurded")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidInput, match="safety_stock"):
        StockPolicy(safety_stock=-1)
    with pytest.raises(InvalidInput, match="backorder_limit"):
        StockPolicy(backorder_limit=-1)


def test_the_date_of_a_lot_stays_until_another_is_told() -> None:
    """A later receipt of a lot that tells no date does not make it last for good."""
    ledger = InventoryLedger()
    until = NOON + timedelta(days=3)
    for number, told in (("1", until), ("2", None)):
        ledger.post(Posting.receive(number, "MILK", "MAIN", 1, at=NOON, lot="L", best_before=told))
    assert 2 == ledger.stock("MILK", "MAIN", now=until).expired


def test_a_lot_may_be_named_on_both_sides() -> None:
    """The date is kept although the supplier's units bear the lot as well."""
    terms = StockTerms(best_before=NOON)
    entries = (
        Entry("MILK", "MAIN", "supplier", -1, lot="L"),
        Entry("MILK", "MAIN", "available", 1, lot="L", terms=terms),
    )
    ledger = InventoryLedger()
    ledger.post(Posting(id="1", at=NOON, entries=entries))
    assert 1 == ledger.stock("MILK", "MAIN", now=NOON).expired


KEPT = (
    *("_reserved", "_owners", "_held", "_owned", "_lapses", "_expiring", "_waiting"),
    "_best_before",
)


@pytest.mark.parametrize(
    ("index", "name"),
    [
        ("_reserved", "reserved"),
        ("_places", "locations"),
        ("_best_before", "best before"),
        ("_expiring", "what lapses"),
        ("_lapses", "lapsing"),
        ("_owners", "the owner"),
        ("_owned", "what is owned"),
        ("_held", "what is held"),
        ("_waiting", "what is awaited"),
    ],
)
def test_the_audit_sees_what_should_not_be_kept(index: str, name: str) -> None:
    """Something kept of which no posting tells is found as well as something lost."""
    ledger = InventoryLedger()
    assert () == ledger.audit()
    getattr(ledger, index)["a stray", "key"] = {"from": "nowhere"}
    (finding,) = ledger.audit()
    expected = f"{name} of ('a stray', 'key') is kept as {{'from': 'nowhere'}}, not None"
    assert expected == finding.problem


def test_the_audit_sees_the_sum_of_claims() -> None:
    """All claims to a SKU are kept in a sum, which is compared with the postings like the rest."""
    ledger = InventoryLedger()
    ledger.post(Posting.claim("c", [Reservation("c", "MUG", "", 2, None, "o")], at=NOON))
    ledger._balances[StockAccount("MUG", "", "backordered")] = 3
    (finding,) = ledger.audit()
    assert "claimed of MUG is kept as 3, not 2" == finding.problem


def test_nobody_gives_up_more_than_was_claimed() -> None:
    """A claim of one does not fall below none."""
    ledger = InventoryLedger()
    claim = Reservation("c", "MUG", "", 1, None, "o")
    ledger.post(Posting.claim("p1", [claim], at=NOON))
    with pytest.raises(OutOfStock) as caught:
        ledger.post(Posting.claim("p2", [attrs.evolve(claim, quantity=2)], at=NOON, drop=True))
    assert (Shortage("MUG", "", 2, 1, "c"),) == caught.value.shortages


def test_no_claim_exceeds_the_limit() -> None:
    """Of a SKU of which two may be claimed, nobody claims three, not even the first."""
    ledger = InventoryLedger(lambda _sku, _place: StockPolicy(backorder_limit=2))
    claim = Reservation("c", "MUG", "", 3, None, "o")
    with pytest.raises(OutOfStock) as caught:
        ledger.post(Posting.claim("p1", [claim], at=NOON))
    assert (Shortage("MUG", "", 3, 2, "c"),) == caught.value.shortages
    ledger.post(Posting.claim("p1", [attrs.evolve(claim, quantity=2)], at=NOON))


def test_a_single_unit_is_kept_back_as_well() -> None:
    """Two are kept back of two, so not one is reserved; handed over they may be, both."""
    ledger = InventoryLedger(lambda _sku, _place: StockPolicy(safety_stock=2))
    ledger.post(Posting.receive("p1", "MUG", "MAIN", 2, at=NOON))
    with pytest.raises(OutOfStock):
        ledger.post(Posting.reserve("p2", [reserved("r1", 1)], at=NOON))
    ledger.post(Posting.hand_over("p3", [reserved("", 2)], at=NOON))


def test_a_time_without_a_zone_is_refused(ledger: InventoryLedger) -> None:
    """What there is at noon is asked of noon somewhere."""
    naive = NOON.replace(tzinfo=None)
    for read in (lambda: ledger.reservations(naive), lambda: ledger.stock("MUG", "M", now=naive)):
        with pytest.raises(InvalidInput) as caught:
            read()
        assert ["now"] == [fault.path for fault in caught.value.faults]


def test_reservations_of_an_order_stand_as_they_were_made(ledger: InventoryLedger) -> None:
    """One that was another order's first keeps its place when it changes hands."""
    for number, (name, owner) in enumerate([("r2", "o2"), ("r1", "o1"), ("r2", "o1")]):
        one = reserved(name, 1, None, owner)
        ledger.post(Posting.reserve(f"p{number}", [one], at=NOON))
    assert ["r2", "r1"] == [one.id for one in ledger.reservations(NOON, order_id="o1")]
    assert () == ledger.reservations(NOON, order_id="o2")


@pytest.mark.parametrize("index", KEPT)
def test_the_audit_looks_at_all_that_is_kept(index: str) -> None:
    """Whatever is kept to answer reads, a drift in it is found."""
    ledger = InventoryLedger()
    until = NOON + timedelta(days=3)
    ledger.post(Posting.receive("r", "MUG", "MAIN", 9, at=NOON, lot="L", best_before=until))
    held = Reservation("h", "MUG", "MAIN", 2, until, "o", "L")
    ledger.post(Posting.reserve("h", [held], at=NOON))
    ledger.post(Posting.claim("c", [Reservation("c", "MUG", "", 1, None, "o")], at=NOON))
    assert () == ledger.audit()
    getattr(ledger, index).clear()
    assert ledger.audit()
