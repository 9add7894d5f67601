"""A posting balances or cannot exist, and the guard says exactly which units are not there."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import get_args

import attrs
import pytest

from orderwright.errors import InvalidInput, KeyReused, OutOfStock, Shortage
from orderwright.inventory.claims import broken, filled, promises, queued
from orderwright.inventory.entries import Bucket, Entry, Reservation, StockAccount, StockTerms
from orderwright.inventory.guard import Limit, changes_of
from orderwright.inventory.ledger import Claim, Incoming
from orderwright.inventory.postings import Posting
from orderwright.money import Money, UnitPrice

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = datetime(2026, 1, 1, 13, tzinfo=UTC)
NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001 - that is the point
IN, OUT = Entry("MUG", "MAIN", "available", 3), Entry("MUG", "MAIN", "supplier", -3)
HELD = Reservation("r1", "MUG", "MAIN", 3, LATER, "o1")
LOT = attrs.evolve(HELD, lot="L")
COST = UnitPrice.of("1.25", "EUR")


def refused(call: Callable[[], object]) -> tuple[str, str]:
    """Path and message of the one fault of the typed error."""
    with pytest.raises(InvalidInput) as caught:
        call()
    (fault,) = caught.value.faults
    return fault.path, fault.message


def posting(*entries: Entry) -> Posting:
    """A posting of those entries."""
    return Posting(id="p1", at=NOON, entries=entries)


def expect(**other: object) -> Posting:
    """A purchase of three mugs, but for what is told."""
    given = {"id": "a", "sku": "MUG", "location": "MAIN", "units": 3, "purchase": "po1"}
    return Posting.expect(**{**given, "expected_at": None, "at": NOON, **other})


def move(**other: object) -> Posting:
    """Three mugs moved from the shelf of MAIN to its quarantine, but for what is told."""
    given = {"id": "a", "units": [("MUG", 3)], "location": "MAIN", "at": NOON}
    return Posting.move(**{**given, "source": "available", "target": "quarantine", **other})


# --- what cannot be posted ------------------------------------------------------------------------

FLAG = "is given for 'reserved', 'backordered' and 'incoming', and only there"


@pytest.mark.parametrize(
    ("entries", "path", "message"),
    [
        ((), "entries", "a posting needs entries, or a reason to have none"),
        ((IN,), "entries", "MUG sums to +3 instead of 0: units came from nowhere"),
        (
            (IN, Entry("CUP", "MAIN", "supplier", -3)),
            "entries",
            "MUG sums to +3 instead of 0: units came from nowhere",
        ),
        (
            (IN, OUT, IN, Entry("MUG", "MAIN", "loss", -4)),
            "entries",
            "MUG sums to -1 instead of 0: units came from nowhere",
        ),
        ((OUT, Entry("MUG", "MAIN", "reserved", 3)), "entries[1].reservation", FLAG),
        ((Entry("MUG", "MAIN", "supplier", -3, "r1"), IN), "entries[0].reservation", FLAG),
        (
            (IN, Entry("MUG", "MAIN", "supplier", 0)),
            "entries[1].quantity",
            "expected 1 to 1000000000000, got 0",
        ),
        (
            (Entry("MUG", "MAIN", "available", 10**12 + 1), OUT),
            "entries[0].quantity",
            "expected 1 to 1000000000000, got 1000000000001",
        ),
        (
            (Entry("MUG", "MAIN", "attic", 3), OUT),
            "entries[0].bucket",
            "'attic' is none of " + ", ".join(get_args(Bucket)),
        ),
        (
            (Entry("MUG", "MAIN", "reserved", 3, "r1", NAIVE), OUT),
            "entries[0].expires_at",
            "2026-01-01T00:00:00 has no time zone; pass an aware datetime",
        ),
    ],
)
def test_impossible_entries(entries: tuple[Entry, ...], path: str, message: str) -> None:
    """Entries that do not balance, say nothing, or could never be read again are refused."""
    assert (path, message) == refused(lambda: posting(*entries))


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        (attrs.evolve(IN, sku="M\0G"), "entries[1].sku"),
        (attrs.evolve(IN, sku=5), "entries[1].sku"),
        (attrs.evolve(IN, location="\ud800"), "entries[1].location"),
        (attrs.evolve(IN, lot="\0"), "entries[1].lot"),
        (Entry("MUG", "MAIN", "reserved", 3, "r\0"), "entries[1].reservation"),
        (attrs.evolve(IN, terms=StockTerms(priority=10**12 + 1)), "entries[1].terms.priority"),
        (attrs.evolve(IN, terms=StockTerms(priority=True)), "entries[1].terms.priority"),
        # What counts as nothing is not nothing.
        (attrs.evolve(IN, expires_at=Money(0, "EUR")), "entries[1].expires_at"),
        (attrs.evolve(IN, terms=()), "entries[1].terms"),
    ],
)
def test_what_no_store_could_keep(entry: Entry, path: str) -> None:
    """Names that no database keeps, and priorities that no column holds, are refused here."""
    assert path == refused(lambda: posting(OUT, entry))[0]


@pytest.mark.parametrize("units", [3.0, True, "3", None])
def test_units_are_ints(units: int) -> None:
    """Units that only look like whole numbers are refused."""
    message = f"expected a whole number (int), got {type(units).__name__}"
    entry = Entry("MUG", "MAIN", "available", units)
    assert ("entries[1].quantity", message) == refused(lambda: posting(OUT, entry))
    adjusted = refused(lambda: Posting.adjust("a", "MUG", "MAIN", units, at=NOON, reason=""))
    assert message == adjusted[1]


@pytest.mark.parametrize(
    ("call", "path"),
    [
        (lambda: Posting(id="p1", at=NAIVE, entries=(IN, OUT)), "at"),
        (lambda: Posting.receive("a\0", "MUG", "MAIN", 3, at=NOON), "id"),
        (lambda: Posting.receive("a", "M/G", "MAIN", 3, at=NOON), "sku"),
        (lambda: Posting.receive("a", "MUG", "", 3, at=NOON), "location"),
        (lambda: Posting.receive("a", "MUG", "MAIN", -3, at=NOON), "units"),
        (lambda: Posting.adjust("a\0", "MUG", "MAIN", 3, at=NOON, reason=""), "id"),
        (lambda: Posting.adjust("a", "", "MAIN", 3, at=NOON, reason=""), "sku"),
        (lambda: Posting.adjust("a", "MUG", "", 3, at=NOON, reason=""), "location"),
        (lambda: Posting.adjust("a", "MUG", "MAIN", 0, at=NOON, reason=""), "difference"),
        (lambda: Posting.adjust("a", "MUG", "MAIN", 3, at=NOON, reason="\0"), "reason"),
        (
            lambda: Posting.reserve("a", [attrs.evolve(HELD, quantity=-3)], at=NOON),
            "reservations[r1].quantity",
        ),
        (lambda: Posting.reserve("a", [], at=NOON), "entries"),
        (lambda: Posting.settle("a", at=NOON), "entries"),
        (lambda: Posting.make("a", "MAIN", used=["MUG"], at=NOON), "used"),
        (lambda: Posting.make("a", "MAIN", made=[("MUG", 1, 2)], at=NOON), "made"),
        (
            lambda: Posting.settle("a", at=NOON, commit=[attrs.evolve(HELD, quantity=0)]),
            "reservations[r1].quantity",
        ),
        (
            lambda: Posting.settle("a", at=NOON, release=[attrs.evolve(HELD, quantity=-1)]),
            "reservations[r1].quantity",
        ),
        (
            lambda: Posting.hand_over("a", [attrs.evolve(HELD, quantity=0)], at=NOON),
            "reservations[r1].quantity",
        ),
        (
            lambda: Posting.rehold("a", [(HELD, attrs.evolve(HELD, id="r2", quantity=4))], at=NOON),
            "entries",
        ),
        (
            lambda: Posting.rehold("a", [(HELD, attrs.evolve(HELD, id="r2", sku="CUP"))], at=NOON),
            "entries",
        ),
        (lambda: Posting.receive("a", "MUG", "MAIN", 3, at=NOON, purchase="\0"), "purchase"),
        (lambda: Posting.receive("a", "MUG", "MAIN", 3, at=NOON, lot="\0"), "lot"),
        (lambda: expect(id="\0"), "id"),
        (lambda: expect(sku=""), "sku"),
        (lambda: expect(location=""), "location"),
        (lambda: expect(units=0), "units"),
        (lambda: expect(purchase=""), "purchase"),
        (
            lambda: Posting.adjust("a", "MUG", "MAIN", -2, at=NOON, reason="", breaking=[HELD]),
            "breaking",
        ),
        (lambda: Posting.make("a", "", used=[("MUG", 1)], at=NOON), "location"),
        (lambda: Posting.make("\0", "MAIN", used=[("MUG", 1)], at=NOON), "id"),
        (lambda: Posting.make("a", "MAIN", used=[("MUG", 1)], at=NOON, reason="\0"), "reason"),
        (lambda: Posting.make("a", "MAIN", used=[("", 1)], at=NOON), "used"),
        (lambda: Posting.make("a", "MAIN", used=[("MUG", 0)], at=NOON), "used[MUG]"),
        (lambda: Posting.make("a", "MAIN", made=[("", 1)], at=NOON), "made"),
        (lambda: Posting.make("a", "MAIN", made=[("MUG", 0)], at=NOON), "made[MUG]"),
        (lambda: Posting.sell_out("a", "", "MAIN", 1, at=NOON), "sku"),
        (lambda: Posting.sell_out("a", "MUG", "", 1, at=NOON), "location"),
        (lambda: Posting.sell_out("a", "MUG", "MAIN", -1, at=NOON), "units"),
        (lambda: Posting.sell_out("\0", "MUG", "MAIN", 1, at=NOON), "id"),
        (lambda: Posting.linked("a", []), "postings"),
        (lambda: Posting.linked("\0", [Posting.sell_out("a", "MUG", "MAIN", 1, at=NOON)]), "id"),
        (lambda: move(target="available"), "to"),
        (lambda: move(target="available", to="MAIN"), "to"),
        (lambda: move(location=""), "location"),
        (lambda: move(to="\0"), "to"),
        (lambda: move(units=[("", 1)]), "units"),
        (lambda: move(id="\0"), "id"),
        (lambda: Posting(id=5, at=NOON, entries=(IN, OUT)), "id"),
        (lambda: Posting(id="p", at=NOON, entries=(5,)), "entries"),
        (lambda: Posting.reserve("p", [5], at=NOON), "reservations[0]"),
        (lambda: StockTerms(expected_at=NAIVE).check("t"), "t.expected_at"),
        (lambda: StockTerms(best_before=NAIVE).check("t"), "t.best_before"),
        (lambda: StockTerms(unit_cost=3).check("t"), "t.unit_cost"),
        (lambda: StockTerms(priority=-(10**12) - 1).check("t"), "t.priority"),
    ],
)
def test_impossible_arguments(call: Callable[[], object], path: str) -> None:
    """Each way to make a posting refuses what can never be posted, and names the argument."""
    assert path == refused(call)[0]


# --- what each posting says -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "entries", "order_id", "reason"),
    [
        (lambda: Posting.receive("p1", "MUG", "MAIN", 3, at=NOON), (OUT, IN), "", ""),
        (
            lambda: Posting.adjust("p1", "MUG", "MAIN", -3, at=NOON, reason="broken"),
            (Entry("MUG", "MAIN", "loss", 3), Entry("MUG", "MAIN", "available", -3)),
            "",
            "broken",
        ),
        (
            lambda: Posting.reserve("p1", [HELD], at=NOON),
            (
                Entry("MUG", "MAIN", "available", -3),
                Entry("MUG", "MAIN", "reserved", 3, "r1", LATER),
            ),
            "o1",
            "",
        ),
        (
            lambda: Posting.settle(
                "p1", at=NOON, commit=[HELD], release=[attrs.evolve(HELD, quantity=1)]
            ),
            (
                Entry("MUG", "MAIN", "reserved", -3, "r1"),
                Entry("MUG", "MAIN", "customer", 3),
                Entry("MUG", "MAIN", "reserved", -1, "r1"),
                Entry("MUG", "MAIN", "available", 1),
            ),
            "o1",
            "",
        ),
        (
            lambda: Posting.hand_over("p1", [HELD], at=NOON),
            (Entry("MUG", "MAIN", "available", -3), Entry("MUG", "MAIN", "customer", 3)),
            "o1",
            "",
        ),
        (
            lambda: Posting.rehold("p1", [(HELD, Reservation("r2", "MUG", "MAIN", 3))], at=NOON),
            (Entry("MUG", "MAIN", "reserved", -3, "r1"), Entry("MUG", "MAIN", "reserved", 3, "r2")),
            "",
            "",
        ),
        (
            lambda: Posting.receive(
                "p1",
                *("MUG", "MAIN", 3),
                at=NOON,
                purchase="po1",
                lot="L",
                unit_cost=COST,
                best_before=LATER,
            ),
            (
                Entry("MUG", "MAIN", "incoming", -3, "po1"),
                Entry(
                    *("MUG", "MAIN", "available", 3),
                    lot="L",
                    terms=StockTerms(None, LATER, COST, 0),
                ),
            ),
            "",
            "",
        ),
        (
            lambda: Posting.receive("p1", "MUG", "MAIN", 3, at=NOON, best_before=LATER),
            (OUT, attrs.evolve(IN, terms=StockTerms(None, LATER))),
            "",
            "",
        ),
        (
            lambda: Posting.receive("p1", "MUG", "MAIN", 3, at=NOON, unit_cost=COST),
            (OUT, attrs.evolve(IN, terms=StockTerms(None, None, COST))),
            "",
            "",
        ),
        (
            lambda: Posting.expect(
                "p1", "MUG", "MAIN", 3, purchase="po1", expected_at=LATER, at=NOON
            ),
            (OUT, Entry("MUG", "MAIN", "incoming", 3, "po1", terms=StockTerms(LATER))),
            "",
            "",
        ),
        (
            lambda: Posting.adjust(
                "p1", "MUG", "MAIN", -5, at=NOON, reason="count", lot="L", breaking=[HELD]
            ),
            (
                Entry("MUG", "MAIN", "reserved", -3, "r1"),
                Entry("MUG", "MAIN", "loss", 3),
                Entry("MUG", "MAIN", "loss", 2, lot="L"),
                Entry("MUG", "MAIN", "available", -2, lot="L"),
            ),
            "",
            "count",
        ),
        (
            lambda: Posting.adjust("p1", "MUG", "MAIN", -3, at=NOON, reason="", breaking=[HELD]),
            (Entry("MUG", "MAIN", "reserved", -3, "r1"), Entry("MUG", "MAIN", "loss", 3)),
            "",
            "",
        ),
        (
            lambda: Posting.make(
                *("p1", "MAIN"),
                made=[("KIT", 1)],
                used=[("MUG", 2)],
                at=NOON,
                order_id="o1",
                reason="gifts",
            ),
            (
                Entry("MUG", "MAIN", "available", -2),
                Entry("MUG", "MAIN", "production", 2),
                Entry("KIT", "MAIN", "production", -1),
                Entry("KIT", "MAIN", "available", 1),
            ),
            "o1",
            "gifts",
        ),
        (
            lambda: Posting.sell_out("p1", "MUG", "MAIN", 2, breaking=[HELD], at=NOON),
            (
                Entry("MUG", "MAIN", "reserved", -3, "r1"),
                Entry("MUG", "MAIN", "production", 3),
                Entry("MUG", "MAIN", "available", -2),
                Entry("MUG", "MAIN", "production", 2),
            ),
            "",
            "sold out",
        ),
        (
            lambda: Posting.sell_out("p1", "MUG", "MAIN", 0, at=NOON),
            (),
            "",
            "sold out",
        ),
        (
            lambda: Posting.linked(
                "p1",
                [
                    Posting.make(
                        "a", "MAIN", used=[("MUG", 1)], at=NOON, order_id="o1", reason="b"
                    ),
                    Posting.receive("c", "MUG", "MAIN", 3, at=LATER),
                ],
            ),
            (
                Entry("MUG", "MAIN", "available", -1),
                Entry("MUG", "MAIN", "production", 1),
                *(OUT, IN),
            ),
            "o1",
            "b",
        ),
        (
            lambda: Posting.reserve("p1", [LOT], at=NOON),
            (
                Entry("MUG", "MAIN", "available", -3, lot="L"),
                Entry("MUG", "MAIN", "reserved", 3, "r1", LATER, "L"),
            ),
            "o1",
            "",
        ),
        (
            lambda: Posting.settle("p1", at=NOON, release=[LOT]),
            (
                Entry("MUG", "MAIN", "reserved", -3, "r1", lot="L"),
                Entry("MUG", "MAIN", "available", 3, lot="L"),
            ),
            "o1",
            "",
        ),
        (
            lambda: Posting.expire("p1", [LOT], at=NOON),
            (
                Entry("MUG", "MAIN", "reserved", -3, "r1", lot="L"),
                Entry("MUG", "MAIN", "available", 3, lot="L"),
            ),
            "",
            "expired",
        ),
        (
            lambda: Posting.hand_over("p1", [LOT], at=NOON),
            (
                Entry("MUG", "MAIN", "available", -3, lot="L"),
                Entry("MUG", "MAIN", "customer", 3, lot="L"),
            ),
            "o1",
            "",
        ),
        (
            lambda: Posting.write_off("p1", [LOT], at=NOON),
            (
                Entry("MUG", "MAIN", "reserved", -3, "r1", lot="L"),
                Entry("MUG", "MAIN", "loss", 3, lot="L"),
            ),
            "o1",
            "",
        ),
        (
            lambda: Posting.spoil("p1", [LOT], at=NOON),
            (
                Entry("MUG", "MAIN", "customer", -3, lot="L"),
                Entry("MUG", "MAIN", "loss", 3, lot="L"),
            ),
            "o1",
            "",
        ),
        (
            lambda: Posting.rehold(
                "p1", [(LOT, attrs.evolve(LOT, id="r2", order_id="o2"))], at=NOON
            ),
            (
                Entry("MUG", "MAIN", "reserved", -3, "r1", lot="L"),
                Entry("MUG", "MAIN", "reserved", 3, "r2", LATER, "L"),
            ),
            "o2",
            "",
        ),
        (
            lambda: Posting.claim("p1", [HELD], at=NOON, terms=StockTerms(LATER, priority=2)),
            (
                Entry("MUG", "", "demand", -3),
                Entry("MUG", "", "backordered", 3, "r1", terms=StockTerms(LATER, None, None, 2)),
            ),
            "o1",
            "",
        ),
        (
            lambda: Posting.claim("p1", [HELD], at=NOON, drop=True, terms=StockTerms(LATER)),
            (Entry("MUG", "", "demand", 3), Entry("MUG", "", "backordered", -3, "r1")),
            "o1",
            "",
        ),
        (
            lambda: Posting.move(
                *("p1", [("MUG", 3)]),
                location="MAIN",
                source="available",
                target="in_transit",
                to="SHOP",
                purchase="po1",
                lot="L",
                order_id="o1",
                at=NOON,
            ),
            (
                Entry("MUG", "MAIN", "available", -3, lot="L"),
                Entry("MUG", "SHOP", "in_transit", 3, lot="L"),
            ),
            "o1",
            "",
        ),
        (
            lambda: Posting.move(
                *("p1", [("MUG", 3)]),
                location="MAIN",
                source="incoming",
                target="supplier",
                purchase="po1",
                at=NOON,
            ),
            (Entry("MUG", "MAIN", "incoming", -3, "po1"), Entry("MUG", "MAIN", "supplier", 3)),
            "",
            "",
        ),
        (lambda: Posting.refused(attrs.evolve(posting(OUT, IN), id="p1")), (), "", "refused"),
    ],
)
def test_entries(
    made: Callable[[], Posting], entries: tuple[Entry, ...], order_id: str, reason: str
) -> None:
    """Each kind of posting moves its units from where to where it should, for whom, and why."""
    one = made()
    assert ("p1", NOON, entries) == (one.id, one.at, one.entries)
    assert (order_id, reason) == (one.order_id, one.reason)


def test_same_posting() -> None:
    """The same content under the same id is no difference; the first other field is named."""
    one = Posting.receive("p1", "MUG", "MAIN", 3, at=NOON)
    one.require_same(Posting.receive("p1", "MUG", "MAIN", 3, at=NOON))
    for other, field in [
        (attrs.evolve(one, at=LATER, reason="x"), "at"),
        (attrs.evolve(one, entries=one.entries[::-1]), "entries"),
        (attrs.evolve(one, order_id="o1"), "order_id"),
        (attrs.evolve(one, reason="x"), "reason"),
    ]:
        with pytest.raises(KeyReused) as caught:
            one.require_same(other)
        assert ("p1", field) == (caught.value.key, caught.value.field)
        told = (caught.value.before, caught.value.now)
        assert (repr(getattr(one, field)), repr(getattr(other, field))) == told


# --- the guard ------------------------------------------------------------------------------------

SHELF = StockAccount("MUG", "MAIN", "available")


def test_guard_sums_before_it_compares() -> None:
    """Two lines of one SKU, 10 and 13 units, cannot both be met by 13: 23 are wanted."""
    wanted = [Reservation(f"r{units}", "MUG", "MAIN", units) for units in (10, 13)]
    with pytest.raises(OutOfStock) as caught:
        changes_of(
            Posting.reserve("p1", wanted, at=NOON), lambda account: 13 if account == SHELF else 0
        )
    assert (Shortage("MUG", "MAIN", 23, 13),) == caught.value.shortages


def test_guard_names_every_shortage() -> None:
    """Each account that would fall below zero is named, with what it has and what it lacks."""
    held = StockAccount("CUP", "MAIN", "reserved", "r1")
    there = {SHELF: 2, held: 1, StockAccount("CUP", "MAIN", "customer"): 0}
    both = Posting(
        id="p1",
        at=NOON,
        order_id="o1",
        entries=(
            *Posting.hand_over("x", [Reservation("", "MUG", "MAIN", 5)], at=NOON).entries,
            *Posting.settle("y", commit=[Reservation("r1", "CUP", "MAIN", 4)], at=NOON).entries,
        ),
    )
    with pytest.raises(OutOfStock) as caught:
        changes_of(both, lambda account: there.get(account, 0))
    shortages = (Shortage("MUG", "MAIN", 5, 2), Shortage("CUP", "MAIN", 4, 1, "r1"))
    assert (shortages, "o1") == (caught.value.shortages, caught.value.order_id)


def test_guard_lets_the_outside_run_below_zero() -> None:
    """What suppliers sent is below zero, the last unit may go, and each new balance is told."""
    outside = StockAccount("MUG", "MAIN", "supplier")
    assert {outside: -3, SHELF: 0} == changes_of(
        posting(OUT, IN), lambda account: -3 if account == SHELF else 0
    )


def test_a_posting_has_an_id() -> None:
    """Without an id of the caller's a posting could not be sent again without harm."""
    with pytest.raises(InvalidInput, match="id: a posting needs an id"):
        Posting(id="", at=NOON, entries=(IN, OUT))


def test_what_is_not_told_of_stock() -> None:
    """Terms, limits and postings of which nothing more is said have no more in them."""
    assert (None, None, None, 0) == StockTerms()
    assert (SHELF, 1, 0, 0, "") == Limit(SHELF, 1, 0)
    made = Posting.make("p1", "MAIN", made=[("MUG", 1)], at=NOON)
    assert ("", "") == (made.order_id, made.reason)
    assert "changes" not in repr(made)
    assert "named" not in repr(made)


def test_the_first_to_come_is_first_where_no_order_is_told() -> None:
    """Claims are queued, filled and promised by their number; priorities are for who asks."""
    late, early = Claim("b", "MUG", 1, 2, priority=9), Claim("a", "MUG", 1, 1)
    assert (early, late) == queued([late, early])
    assert ((early, 1),) == filled([late, early], 1)
    assert {"a": None, "b": LATER} == promises(
        [late, early], 1, [Incoming("MUG", "MAIN", "po1", 1, LATER)]
    )
    assert "units" == refused(lambda: filled([late], -1))[0]
    assert "missing" == refused(lambda: broken([], -1))[0]
    assert "order" == refused(lambda: queued([], "last_come"))[0]


def test_entries_come_in_a_list_and_are_kept() -> None:
    """A list is taken; what can be read only once is not, as nothing of it would be left."""
    posting = Posting.receive("p1", "MUG", "MAIN", 1, at=datetime(2026, 1, 1, tzinfo=UTC))
    again = attrs.evolve(posting, entries=list(posting.entries))  # type: ignore[arg-type]
    assert (posting, tuple) == (again, type(again.entries))
    with pytest.raises(InvalidInput):
        attrs.evolve(posting, entries=iter(posting.entries))  # type: ignore[arg-type]
