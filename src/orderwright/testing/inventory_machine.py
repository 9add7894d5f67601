"""A state machine: any postings, in any order, leave what the inventory in memory answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from attrs import evolve
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from orderwright.adapters.memory import MemoryInventory
from orderwright.errors import KeyReused, OutOfStock
from orderwright.inventory.entries import Reservation, StockTerms
from orderwright.inventory.postings import Posting
from orderwright.testing.clauses import clause, promised
from orderwright.testing.comparing import same
from orderwright.testing.inventory_posting import InventoryContract
from orderwright.testing.reads import Read, compared
from orderwright.testing.samples import HAWAII, NOON
from orderwright.testing.stock_samples import MINUTE, everything, held, policies, supply_seen

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from orderwright.ports import InventoryRepository

__all__ = ["MachineClauses"]

_SKUS = ("MUG", "SAFE", "FEW", "WARN")
_ORDERS = ("o1", "o2")

_skus = st.sampled_from(_SKUS)
_places = st.sampled_from(("MAIN", "MAIN", "WEST"))
_lots = st.sampled_from(("", "", "", "L1", "L2"))
_units = st.integers(1, 5)
_names = st.sampled_from("abc")
_spans = st.sampled_from([5 * MINUTE, 10 * MINUTE, 20 * MINUTE])


@st.composite
def _reservations(draw: st.DrawFn) -> Reservation:
    """One of a few: what has one name is of one order."""
    sku, place, lot, name = draw(_skus), draw(_places), draw(_lots), draw(_names)
    order_id = _ORDERS["abc".index(name) % 2]
    units = draw(_units)
    return held(f"{order_id}/{name}", units, sku, place, None, order_id, lot)


_held = st.lists(_reservations(), min_size=1, max_size=2)


class _InventoryMachine(RuleBasedStateMachine):
    """Posts anything, whether it can be or not, and compares all reads with the reference."""

    contract: ClassVar[InventoryContract]

    def __init__(self) -> None:
        super().__init__()
        self._reference = MemoryInventory(policies)
        self._context = self.contract.opened()
        opener = self._context.__enter__()
        self._adapters = [opener(policies), opener(policies)]
        self._now = NOON
        self._posted: list[Posting] = []

    def teardown(self) -> None:
        """Leave the store."""
        self._context.__exit__(None, None, None)

    @property
    def _id(self) -> str:
        return f"posting {len(self._posted)}"

    @initialize(units=st.integers(0, 9))
    def open_the_doors(self, units: int) -> None:
        """Begin with some of everything at MAIN, or with nothing."""
        for sku in _SKUS:
            if units:
                self._post(Posting.receive(self._id, sku, "MAIN", units, at=self._now))

    @rule(sku=_skus, place=_places, units=_units, lot=_lots, good_for=st.none() | _spans)
    def receive(
        self, sku: str, place: str, units: int, lot: str, good_for: timedelta | None
    ) -> None:
        """Receive units, perhaps of a lot, perhaps good for some time."""
        until = NOON + good_for if lot and good_for else None
        self._post(
            Posting.receive(self._id, sku, place, units, at=self._now, lot=lot, best_before=until)
        )

    @rule(wanted=_held, lasting=st.none() | _spans)
    def reserve(self, wanted: list[Reservation], lasting: timedelta | None) -> None:
        """Reserve units, for good or for some time."""
        until = None if lasting is None else (self._now + lasting).astimezone(HAWAII)
        lines = [evolve(one, expires_at=until) for one in wanted]
        self._post(Posting.reserve(self._id, lines, at=self._now))

    @rule(commit=_held, release=_held)
    def settle(self, commit: list[Reservation], release: list[Reservation]) -> None:
        """Commit some units and release others."""
        self._post(Posting.settle(self._id, at=self._now, commit=commit, release=release[1:]))

    @rule(number=st.integers(0, 9), release=st.booleans(), part=st.booleans())
    def settle_one(self, number: int, *, release: bool, part: bool) -> None:
        """Commit or release one that is open, or a part of it."""
        there = self._reference.reservations(self._now)
        if there:
            one = there[number % len(there)]
            some = [evolve(one, quantity=max(1, one.quantity // 2) if part else one.quantity)]
            empty: list[Reservation] = []
            commit, freed = (empty, some) if release else (some, empty)
            self._post(Posting.settle(self._id, at=self._now, commit=commit, release=freed))

    @rule(number=st.integers(0, 9), new=_reservations(), lasting=st.none() | _spans)
    def rehold(self, number: int, new: Reservation, lasting: timedelta | None) -> None:
        """Let one that is open change hands, or last longer."""
        there = self._reference.reservations(self._now)
        if there:
            old = there[number % len(there)]
            until = None if lasting is None else self._now + lasting
            other = evolve(old, id=new.id, order_id=new.order_id, expires_at=until)
            self._post(Posting.rehold(self._id, [(old, other)], at=self._now))

    @rule(sku=_skus, name=_names, units=_units, priority=st.integers(0, 2), drop=st.booleans())
    def claim(self, sku: str, name: str, units: int, priority: int, *, drop: bool) -> None:
        """Claim what is not there, or give a claim up."""
        order_id = _ORDERS["abc".index(name) % 2]
        terms = StockTerms(priority=priority, expected_at=self._now) if priority else None
        one = held(f"{order_id}/{name}", units, sku, "", None, order_id)
        self._post(Posting.claim(self._id, [one], at=self._now, drop=drop, terms=terms))

    @rule(sku=_skus, place=_places, units=_units, name=_names, after=st.none() | _spans)
    def expect(self, sku: str, place: str, units: int, name: str, after: timedelta | None) -> None:
        """Order units from a supplier."""
        when = None if after is None else self._now + after
        self._post(
            Posting.expect(
                self._id, sku, place, units, purchase=name, expected_at=when, at=self._now
            )
        )

    @rule(sku=_skus, place=_places, units=_units, name=_names, lot=_lots)
    def arrive(self, sku: str, place: str, units: int, name: str, lot: str) -> None:
        """Receive what was on order."""
        self._post(
            Posting.receive(self._id, sku, place, units, at=self._now, purchase=name, lot=lot)
        )

    @rule(sku=_skus, place=_places, difference=st.integers(-4, 4), lot=_lots)
    def adjust(self, sku: str, place: str, difference: int, lot: str) -> None:
        """Correct a count."""
        if difference:
            self._post(
                Posting.adjust(
                    self._id, sku, place, difference, at=self._now, reason="counted", lot=lot
                )
            )

    @rule(sku=_skus, units=_units, aside=st.booleans())
    def move(self, sku: str, units: int, *, aside: bool) -> None:
        """Send units to WEST, or put them aside there."""
        self._post(
            Posting.move(
                self._id,
                [(sku, units)],
                location="MAIN",
                source="available",
                target="quarantine" if aside else "in_transit",
                to="WEST",
                at=self._now,
            )
        )

    @rule(number=st.integers(0, 99), change=st.booleans())
    def repeat(self, number: int, *, change: bool) -> None:
        """Post an earlier posting again, as it was or with another reason."""
        if self._posted:
            again = self._posted[number % len(self._posted)]
            self._post(evolve(again, reason="another") if change else again)

    @rule(span=_spans)
    def wait(self, span: timedelta) -> None:
        """Let time pass, and go on with another adapter on the same store."""
        self._now += span
        self._adapters.reverse()
        self._compare()

    def _post(self, posting: Posting) -> None:
        """Post to the reference and to the store, which have to answer alike, and end up alike."""
        repeated = self._reference.ledger.posting(posting.id) is not None
        self._posted.append(posting)
        expected = _answer(self._reference, posting)
        clause = _CLAUSES[type(expected), repeated]
        with promised(clause):
            told = _answer(self._adapters[0], posting)
            same(_facts(expected), _facts(told), f"post({posting})")
        self._compare(None if clause == _WRITTEN else clause)

    def _compare(self, clause: str | None = None) -> None:
        port = "InventoryRepository"
        earlier = (
            Read(f"{port}.supply 1", _SKUS, now=NOON, seen=supply_seen),
            Read(f"{port}.reservations 1", NOON),
        )
        reads = [*everything(_SKUS, self._now, _ORDERS), *earlier]
        compared(self._reference, self._adapters[0], reads, clause)


def _answer(stock: InventoryRepository, posting: Posting) -> OutOfStock | KeyReused | None:
    try:
        stock.post(posting)
    except (OutOfStock, KeyReused) as error:
        return error
    return None


def _facts(answer: OutOfStock | KeyReused | None) -> tuple[str, ...]:
    """Return what is promised of an answer: not its words, nor which shortage is named first."""
    if isinstance(answer, OutOfStock):
        return ("OutOfStock", *sorted(map(str, answer.shortages)))
    return () if answer is None else ("KeyReused", answer.key)


_WRITTEN = "InventoryRepository.post 1"
# What is promised of a posting, by what it is answered with and whether its id was known.
_CLAUSES: Mapping[tuple[type, bool], str] = {
    (type(None), False): _WRITTEN,
    (type(None), True): "InventoryRepository.post 2",
    (KeyReused, True): "InventoryRepository.post 3",
    (OutOfStock, False): "InventoryRepository.post 4",
}


class MachineClauses(InventoryContract):
    """The state machine as a test."""

    @clause
    def test_any_postings_leave_what_the_reference_keeps(self) -> None:
        """InventoryRepository.post 1: every read answers as the one in memory after each step."""

        class Machine(_InventoryMachine):
            contract = self

        run_state_machine_as_test(Machine, settings=self.machine_settings)
