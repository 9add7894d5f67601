"""What is promised of posting stock: all or nothing, once, and never more than is there."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from attrs import evolve

from orderwright.errors import KeyReused, NotFound, OutOfStock, Shortage
from orderwright.inventory.entries import Entry, StockTerms
from orderwright.inventory.guard import Policies, guarded
from orderwright.inventory.postings import Posting
from orderwright.money import UnitPrice
from orderwright.testing.clauses import clause
from orderwright.testing.comparing import raises, same
from orderwright.testing.contract import Contract
from orderwright.testing.reads import paged, told
from orderwright.testing.samples import HAWAII, KATHMANDU, NAME, NOON
from orderwright.testing.stock_samples import (
    HOUR,
    MINUTE,
    everything,
    held,
    policies,
    postings_seen,
    receive,
    reserve,
)
from orderwright.values import MAX_QUANTITY

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from orderwright.inventory.entries import Bucket, Reservation
    from orderwright.ports import InventoryRepository

__all__ = ["InventoryContract", "PostingClauses", "free", "post_all"]

SKUS = ("MUG", "CUP", "SAFE", "FEW", "WARN", "FREE")


def post_all(stock: InventoryRepository, *postings: Posting) -> None:
    """Write postings in turn."""
    for posting in postings:
        stock.post(posting)


def free(stock: InventoryRepository, sku: str = "MUG", location: str = "MAIN") -> int:
    """Return the units of a SKU that are available at a location at noon."""
    there = [one for one in stock.supply([sku], now=NOON) if one.location == location]
    return sum(one.available for one in there)


class InventoryContract(Contract):
    """What the tests of an inventory repository are made of."""

    def opened(self) -> AbstractContextManager[Callable[[Policies], InventoryRepository]]:
        """Return a fresh store, ready for sync adapters under some policies."""
        raise NotImplementedError

    @contextmanager
    def store(self, rules: Policies = guarded) -> Generator[InventoryRepository]:
        """Return an adapter on a fresh store."""
        with self.opened() as opener:
            yield opener(rules)


def _refused(stock: InventoryRepository, posting: Posting, what: str) -> tuple[Shortage, ...]:
    """Require that a posting is refused and leaves no trace; return what was short."""
    before = told(stock, everything(SKUS, NOON))
    error = raises(OutOfStock, lambda: stock.post(posting), what)
    same(before, told(stock, everything(SKUS, NOON)), f"the store after it refused {what}")
    return error.shortages


class PostingClauses(InventoryContract):
    """Post and postings, clause by clause."""

    @clause
    def test_a_posting_is_written_whole_or_not(self) -> None:
        """InventoryRepository.post 1: of two lines the first is there, of two the second."""
        with self.store() as stock:
            post_all(stock, receive("d1", 2), receive("d2", 2, "CUP"))
            for number, (mugs, cups) in enumerate(((1, 3), (3, 1), (3, 3))):
                lines = (held("r1", mugs), held("r2", cups, "CUP"))
                what = f"a reservation of {mugs} mugs and {cups} cups where there are 2 of each"
                _refused(stock, reserve(f"p{number}", *lines), what)
            stock.post(reserve("all", held("r1", 2), held("r2", 2, "CUP")))
            same((0, 0), (free(stock), free(stock, "CUP")), "what is left after reserving all")

    @clause
    def test_a_repeated_posting_is_written_once(self) -> None:
        """InventoryRepository.post 2: at once, later, and where it would be refused by now."""
        with self.opened() as opener:
            stock, other = opener(guarded), opener(guarded)
            postings = (
                receive("d1", 2),
                reserve("p1", held("r1", 2)),
                Posting.settle("p2", at=NOON, commit=[held("r1", 2)]),
            )
            for posting in postings:
                post_all(stock, posting, posting)
            before = told(stock, everything(SKUS, NOON))
            post_all(other, *postings, *postings)
            same(before, told(other, everything(SKUS, NOON)), "the store after repeated postings")
            same(postings, stock.postings(), "postings")
            lapsing = reserve("p3", held("r2", 1, expires_at=NOON + MINUTE))
            post_all(stock, receive("d2", 1), lapsing, receive("d3", 1, "CUP"))
            stock.post(lapsing)
            same(["d2", "p3", "d3"], _ids(stock)[3:], "postings after a lapsing one was repeated")

    @clause
    def test_a_posting_posted_by_many_is_written_once(self) -> None:
        """InventoryRepository.post 2: by eight at once; all of them hear that it is written."""
        with self.opened() as opener:
            posters = [opener(guarded) for _ in range(8)]
            for number in range(3):
                posting = receive(f"d{number}", 1)
                self.race([partial(one.post, posting) for one in posters])
            same(3, free(posters[0]), "available after three receipts of one, each posted by eight")
            same(["d0", "d1", "d2"], _ids(posters[0]), "postings")

    @clause
    def test_an_id_is_for_one_posting(self) -> None:
        """InventoryRepository.post 3: with other units, time, reason or order it is refused."""
        with self.store() as stock:
            first = evolve(receive("d1", 5), reason="first", order_id="o1")
            stock.post(first)
            before = told(stock, everything(SKUS, NOON))
            for what, other in (
                ("units", evolve(receive("d1", 6), reason="first", order_id="o1")),
                ("SKU", evolve(receive("d1", 5, "CUP"), reason="first", order_id="o1")),
                ("time", evolve(first, at=NOON + MINUTE)),
                ("reason", evolve(first, reason="second")),
                ("order", evolve(first, order_id="o2")),
                ("nothing", Posting.refused(first)),
            ):
                error = raises(KeyReused, partial(stock.post, other), f"an id with another {what}")
                same("d1", error.key, "the key of the error")
                same(before, told(stock, everything(SKUS, NOON)), f"the store after another {what}")

    @clause
    def test_an_id_is_for_all_that_a_posting_says(self) -> None:
        """InventoryRepository.post 3: another lot, place, cost, date, name or end is refused."""
        cost = UnitPrice.of("1.50", "EUR")
        date = NOON + HOUR
        whole = evolve(Posting.receive("d1", "MUG", "MAIN", 5, at=NOON, lot="L"), reason="first")
        kept = held("r1", 1, lot="L", expires_at=date)
        purchase = partial(Posting.expect, "e1", "MUG", "MAIN", 5, at=NOON)
        claim = partial(Posting.claim, "c1", [held("k1", 1, location="")], at=NOON)
        told_of = partial(Posting.receive, "d1", "MUG", "MAIN", 5, at=NOON)
        with self.store() as stock:
            post_all(stock, whole, reserve("p1", kept))
            post_all(stock, purchase(purchase="po", expected_at=date), claim())
            for what, other in (
                ("lot", evolve(told_of(lot="M"), reason="first")),
                ("place", evolve(receive("d1", 5, location="WEST", lot="L"), reason="first")),
                ("cost", evolve(told_of(lot="L", unit_cost=cost), reason="first")),
                ("date", evolve(told_of(lot="L", best_before=date), reason="first")),
                ("reservation", reserve("p1", evolve(kept, id="r2"))),
                ("end", reserve("p1", evolve(kept, expires_at=None))),
                ("purchase", purchase(purchase="po-2", expected_at=date)),
                ("day of arrival", purchase(purchase="po", expected_at=None)),
                ("priority", claim(terms=StockTerms(priority=1))),
            ):
                before = told(stock, everything(SKUS, NOON))
                raises(KeyReused, partial(stock.post, other), f"an id with another {what}")
                same(before, told(stock, everything(SKUS, NOON)), f"the store after another {what}")

    @clause
    def test_a_refusal_can_be_made_final(self) -> None:
        """InventoryRepository.post 3: what uses up the id of a refused posting keeps it used."""
        with self.store() as stock:
            wanted = reserve("p1", held("r1", 3))
            _refused(stock, wanted, "a reservation of what never came")
            post_all(stock, Posting.refused(wanted), receive("d1", 9))
            raises(KeyReused, lambda: stock.post(wanted), "a posting that was refused for good")
            same(9, free(stock), "available")

    @clause
    def test_no_account_falls_below_its_floor(self) -> None:
        """InventoryRepository.post 4: in whatever bucket, and the shortage says what is there."""
        with self.store() as stock:
            post_all(
                stock,
                receive("d1", 5),
                receive("d2", 9, location="WEST"),
                reserve("p1", held("r1", 2)),
                Posting.expect("e1", "MUG", "MAIN", 2, purchase="po", expected_at=None, at=NOON),
                _moved("q1", 1, "available", "quarantine"),
                Posting.claim("c1", [held("k1", 2, location="")], at=NOON),
            )
            for what, posting, shortage in (
                ("available", reserve("x", held("r2", 3)), ("MUG", "MAIN", 3, 2, "")),
                ("nowhere", reserve("x", held("r2", 1, "CUP")), ("CUP", "MAIN", 1, 0, "")),
                ("reserved", _committed("x", held("r1", 3)), ("MUG", "MAIN", 3, 2, "r1")),
                ("unknown", _committed("x", held("r9", 1)), ("MUG", "MAIN", 1, 0, "r9")),
                ("quarantine", _moved("x", 2, "quarantine", "loss"), ("MUG", "MAIN", 2, 1, "")),
                ("in transit", _moved("x", 1, "in_transit", "loss"), ("MUG", "MAIN", 1, 0, "")),
                ("incoming", _arrived("x", 3), ("MUG", "MAIN", 3, 2, "po")),
                ("claimed", _dropped("x", 3), ("MUG", "", 3, 2, "k1")),
            ):
                short = _refused(stock, posting, f"more than is {what}")
                same((Shortage(*shortage),), short, f"what is short, more than is {what}")
            post_all(stock, reserve("x", held("r2", 2)), _committed("y", held("r1", 2)))
            same(0, free(stock), "available after the last units were reserved")

    @clause
    def test_of_two_lots_of_a_reservation_the_one_that_is_short_is_named(self) -> None:
        """InventoryRepository.post 4: what else is in the reservation is not lost with it."""
        with self.store() as stock:
            for lot in ("L1", "L2"):
                part = held("r1", 2, lot=lot)
                post_all(stock, receive(lot, 2, lot=lot), reserve(f"p{lot}", part))
            both = [held("r1", units, lot=lot) for lot, units in (("L1", 2), ("L2", 3))]
            short = _refused(stock, Posting.settle("x", commit=both, at=NOON), "3 of 2 of a lot")
            wanted = (Shortage("MUG", "MAIN", 3, 2, "r1", "L2"),)
            same(wanted, short, "what is short in a reservation of two lots")

    @clause
    def test_a_refused_posting_leaves_its_id_unused(self) -> None:
        """InventoryRepository.post 4: it may be posted once the units are there, or another."""
        with self.store() as stock:
            wanted = reserve("p1", held("r1", 2))
            _refused(stock, wanted, "a reservation before the units are there")
            post_all(stock, receive("d1", 3), wanted)
            _refused(stock, reserve("p2", held("r2", 2)), "a reservation of 2 where 1 is left")
            stock.post(reserve("p2", held("r2", 1)))
            same(["d1", "p1", "p2"], _ids(stock), "postings")
            same(0, free(stock), "available")

    @clause
    def test_policies_say_what_may_be_promised(self) -> None:
        """InventoryRepository.post 4: safety stock, warned and untracked stock, by location."""
        with self.store(policies) as stock:
            for sku in ("SAFE", "WARN", "FREE"):
                post_all(stock, receive(f"{sku}1", 5, sku), receive(f"{sku}2", 5, sku, "WEST"))
            short = _refused(stock, reserve("x", held("r", 4, "SAFE")), "4 of 5, with 2 kept back")
            same((Shortage("SAFE", "MAIN", 4, 3),), short, "what is short of safety stock")
            stock.post(reserve("p1", held("r1", 3, "SAFE")))
            stock.post(reserve("p2", held("r2", 5, "SAFE", "WEST")))
            stock.post(Posting.hand_over("p3", [held("r", 2, "SAFE")], at=NOON))
            for sku in ("WARN", "FREE"):
                stock.post(reserve(f"{sku}3", held(f"{sku}r", 9, sku)))
                _refused(stock, reserve("x", held("r", 6, sku, "WEST")), "what is guarded at WEST")
                _refused(stock, _committed("x", held(f"{sku}r", 10, sku)), "more than reserved")
                same(-4, free(stock, sku), f"available of {sku}, which nobody guards")

    @clause
    def test_claims_have_a_limit(self) -> None:
        """InventoryRepository.post 4: over all claims to a SKU, in one posting and in several."""
        with self.store(policies) as stock:

            def claim(name: str, units: int, sku: str = "FEW") -> Posting:
                return Posting.claim(name, [held(f"k{name}", units, sku, "")], at=NOON)

            short = _refused(stock, claim("x", 4), "a claim of 4 where 3 may be")
            same((Shortage("FEW", "", 4, 3, "kx"),), short, "what is short of a claim")
            two = [held("k1", 2, "FEW", ""), held("k2", 2, "FEW", "")]
            _refused(stock, Posting.claim("x", two, at=NOON), "two claims of 2 where 3 may be")
            stock.post(claim("c1", 2))
            _refused(stock, claim("x", 2), "a claim of 2 where 1 may be")
            stock.post(claim("c2", 1))
            _refused(stock, claim("x", 1), "a claim where none may be")
            stock.post(Posting.claim("c3", [held("kc1", 2, "FEW", "")], at=NOON, drop=True))
            post_all(stock, claim("c4", 2), claim("c5", 99, "MUG"))
            same(["kc2", "kc4"], [one.id for one in stock.claims("FEW")], "the open claims")

    @clause
    def test_what_has_expired_lapses_first(self) -> None:
        """InventoryRepository.post 5: when it has, not before; on the SKUs of the posting only."""
        with self.store() as stock:
            until = (NOON + HOUR).astimezone(HAWAII)
            lapsing = [held("r1", 2, expires_at=until), held("r2", 2, "CUP", expires_at=until)]
            post_all(stock, receive("d1", 2), receive("d2", 2, "CUP"), reserve("p1", *lapsing))
            tick = MINUTE / 60_000_000
            wanted = held("r3", 2, order_id="o2")
            early = reserve("early", wanted, at=NOON + HOUR - tick)
            _refused(stock, early, "a posting a microsecond before the reservation lapses")
            short = reserve("short", held("r4", 3), at=NOON + HOUR)
            _refused(stock, short, "a posting that lets too little lapse")
            in_time = reserve("p2", wanted, at=NOON + HOUR)
            stock.post(in_time)
            lapse = Posting.expire("lapse", lapsing[:1], at=NOON + HOUR)
            written = postings_seen(stock.postings())[3:]
            same(postings_seen([lapse, in_time]), written, "postings since: the lapse first")
            kept = [one.id for one in stock.reservations(NOON)]
            same(["r2", "r3"], kept, "reservations that no posting let lapse")
            raises(
                OutOfStock,
                lambda: stock.post(_committed("p5", lapsing[1], at=NOON + HOUR)),
                "a commit of what has lapsed",
            )
            same(written, postings_seen(stock.postings())[3:], "postings after that was refused")

    @clause
    def test_a_new_end_counts_from_the_last_posting(self) -> None:
        """InventoryRepository.post 5: a reservation that was made to last longer, or for good."""
        with self.store() as stock:
            first = held("r1", 1, expires_at=NOON + MINUTE)
            longer = evolve(first, expires_at=NOON + HOUR)
            forever = evolve(first, expires_at=None)
            post_all(stock, receive("d1", 3), reserve("p1", first))
            for number, (old, new) in enumerate(((first, longer), (longer, forever)), 2):
                stock.post(Posting.rehold(f"p{number}", [(old, new)], at=NOON))
                stock.post(receive(f"d{number}", 1))
                ends = [one.expires_at for one in stock.reservations(NOON + 2 * MINUTE)]
                same([new.expires_at], ends, "when reservations lapse, after a new end")
            stock.post(evolve(receive("d9", 1), at=NOON + 9 * HOUR))
            ends = [one.expires_at for one in stock.reservations(NOON + 9 * HOUR)]
            same([None], ends, "when reservations lapse that were made for good")
            same([], [one for one in stock.postings() if one.reason == "expired"], "lapses")

    @clause
    def test_what_was_posted_is_there_for_good(self) -> None:
        """InventoryRepository.post 7: another adapter sees it, and so does a new one."""
        with self.opened() as opener:
            stock, other = opener(guarded), opener(guarded)
            same(0, free(other), "available before the receipt")
            post_all(stock, receive("d1", 5), reserve("p1", held("r1", 2)))
            for one in (other, opener(guarded)):
                same(told(stock, everything(SKUS, NOON)), told(one, everything(SKUS, NOON)), "all")
                same(3, free(one), "available, seen by another adapter")

    @clause
    def test_entries_on_one_account_are_summed(self) -> None:
        """InventoryRepository.post 8: two lines of one SKU do not both pass."""
        with self.store() as stock:
            stock.post(receive("d1", 3))
            two = reserve("two", held("r1", 2), held("r2", 2))
            short = _refused(stock, two, "two lines of 2 where there are 3")
            same((Shortage("MUG", "MAIN", 4, 3),), short, "what is short for both lines")
            back = Posting.adjust("back", "MUG", "MAIN", 5, at=NOON, reason="found")
            stock.post(Posting.linked("p2", [reserve("x", held("r3", 7)), back]))
            same(1, free(stock), "available after 7 left and 5 came, of 3")

    @clause
    def test_units_leave_a_reservation_only_after_they_are_in_it(self) -> None:
        """InventoryRepository.post 8: entries of a reservation are checked in their order."""
        with self.store() as stock:
            post_all(stock, receive("d1", 9), reserve("p1", held("r1", 2)))
            takes, puts = _committed("x", held("r1", 3)), reserve("y", held("r1", 1))
            linked = Posting.linked("wrong", [takes, puts])
            short = _refused(stock, linked, "3 of 2 taken from a reservation, and 1 put in after")
            same((Shortage("MUG", "MAIN", 3, 2, "r1"),), short, "what is short in the reservation")
            stock.post(Posting.linked("p2", [puts, takes]))
            same((), stock.reservations(NOON), "reservations after 1 was put in, and 3 taken")

    # What was written ---------------------------------------------------------------------------

    @clause
    def test_postings_come_back_as_they_were_written(self) -> None:
        """InventoryRepository.postings 1: in order, whatever their ids, times and letters."""
        with self.store() as stock:
            post_all(stock, *_lives())
            same(list(_lives()), list(stock.postings()), "postings")
            same(_lives()[3:], stock.postings(after=_lives()[2].id), "postings after the third")
            brief = held("brief", 1, "KIT", expires_at=NOON + MINUTE)
            post_all(stock, reserve("p1", brief), receive("d1", 1, "KIT"))
            late = evolve(receive("d2", 1, "KIT"), at=NOON + MINUTE)
            stock.post(late)
            lapse = Posting.expire("lapse", [brief], at=NOON + MINUTE)
            since = postings_seen(stock.postings())[len(_lives()) + 2 :]
            same(postings_seen([lapse, late]), since, "postings since what was reserved lapsed")

    @clause
    def test_pages_of_postings_join(self) -> None:
        """InventoryRepository.postings 2: at every limit, also where reservations lapsed."""
        with self.store() as stock:
            post_all(stock, receive("z"), reserve("y", held("r1", expires_at=NOON + MINUTE)))
            post_all(stock, *(evolve(receive(name), at=NOON + HOUR) for name in "bxa"))
            whole = stock.postings()
            same(["z", "y", "b", "x", "a"], _ids(stock), "postings beside the lapse")
            for limit in (1, 2, 5, 6, 7):
                pages = paged(partial(_page, stock, limit))
                same(list(whole), pages, f"pages of {limit}")

    @clause
    def test_there_is_nothing_after_an_unknown_posting(self) -> None:
        """InventoryRepository.postings 3: on an empty store, and for a posting that was refused."""
        with self.store() as stock:
            raises(NotFound, lambda: stock.postings(after="d1"), "postings after an unknown id")
            stock.post(receive("d1", 1))
            _refused(stock, reserve("p1", held("r1", 2)), "a reservation of 2 of 1")
            for name in ("p1", "D1"):
                what = f"postings after {name!r}, which was never written"
                error = raises(NotFound, partial(stock.postings, after=name), what)
                same(name, error.key, "the key of the error")
            same((), stock.postings(after="d1"), "postings after the last")


def _page(stock: InventoryRepository, limit: int, last: Posting | None) -> tuple[Posting, ...]:
    page = stock.postings(after="" if last is None else last.id, limit=limit)
    same(max(len(page), limit), limit, f"the most that a page of {limit} may hold")
    return page


def _ids(stock: InventoryRepository) -> list[str]:
    return [one.id for one in stock.postings() if one.reason != "expired"]


def _moved(name: str, units: int, source: Bucket, target: Bucket) -> Posting:
    entries = (Entry("MUG", "MAIN", source, -units), Entry("MUG", "MAIN", target, units))
    return Posting(id=name, at=NOON, entries=entries)


def _committed(name: str, one: Reservation, at: datetime = NOON) -> Posting:
    return Posting.settle(name, at=at, commit=[one])


def _arrived(name: str, units: int) -> Posting:
    return Posting.receive(name, "MUG", "MAIN", units, at=NOON, purchase="po")


def _dropped(name: str, units: int) -> Posting:
    return Posting.claim(name, [held("k1", units, location="")], at=NOON, drop=True)


def _lives() -> Sequence[Posting]:
    """Return postings with every field, and values that stores are known to spoil."""
    later = (NOON + HOUR).astimezone(KATHMANDU)
    cost = UnitPrice.of("0.1234567890123456789012345678901234567890", "EUR", per=7)
    name = f"{NAME} reservation"
    terms = StockTerms(expected_at=later, priority=-(2**31))
    return (
        Posting.receive(
            NAME, NAME, NAME, MAX_QUANTITY, at=later, unit_cost=cost, lot=NAME, best_before=later
        ),
        Posting.expect("1", NAME, NAME, 1, purchase=NAME, expected_at=later, at=NOON),
        Posting.claim("0", [held(name, 3, NAME, "")], at=NOON, terms=terms),
        reserve("/", held(name, 2, NAME, NAME, later, NAME, NAME)),
        Posting.adjust("a/b", NAME, NAME, -1, at=NOON, reason=NAME, lot=NAME),
        Posting(id="empty", at=NOON, entries=(), reason=NAME, order_id=NAME),
        Posting.make("Z", "MAIN", made=[("KIT", MAX_QUANTITY)], at=NOON, order_id="o1"),
    )
