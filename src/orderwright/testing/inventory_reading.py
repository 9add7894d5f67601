"""What is promised of reading stock: supply, reservations, claims and what is incoming."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from attrs import evolve

from orderwright.adapters.memory import MemoryInventory
from orderwright.inventory.entries import StockTerms
from orderwright.inventory.postings import Posting
from orderwright.testing.clauses import clause
from orderwright.testing.comparing import only, require, same
from orderwright.testing.inventory_posting import InventoryContract, free, post_all
from orderwright.testing.samples import (
    ALIKE,
    HAWAII,
    JOINTS,
    KATHMANDU,
    NAME,
    NOON,
    PADDED,
    SORTED,
)
from orderwright.testing.stock_samples import (
    HOUR,
    MINUTE,
    held,
    policies,
    receive,
    reserve,
    supply_seen,
)

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["ReadingClauses"]

TICK = timedelta(microseconds=1)


class ReadingClauses(InventoryContract):
    """Supply, reservations, claims and incoming, clause by clause."""

    @clause
    def test_names_that_look_alike_are_different(self) -> None:
        """InventoryRepository 1: of SKUs, locations, reservations, lots, purchases and orders."""
        with self.store() as stock:
            for number, name in enumerate(ALIKE, 1):
                one = held(name, number, name, name, order_id=name, lot=name)
                post_all(
                    stock,
                    receive(f"d{name}", 2 * number, name, name, name),
                    receive(f"e{name}", number, "MUG", name),
                    reserve(f"p{name}", one),
                    _expect(f"i{name}", name, number, None),
                    Posting.claim(f"c{name}", [evolve(one, sku="CUP", lot="")], at=NOON),
                )
            for number, name in enumerate(ALIKE, 1):
                there = only(stock.supply([name], now=NOON), f"supply of {name!r}")
                same(number, there.available, f"available of {name!r} in its lot")
                mine = stock.reservations(NOON, order_id=name)
                same([name], [one.id for one in mine], f"reservations of order {name!r}")
                at_name = [one for one in stock.supply(["MUG"], now=NOON) if one.location == name]
                same([number], [one.available for one in at_name], f"mugs at {name!r}")
            units = {one.purchase: one.quantity for one in stock.incoming("MUG")}
            same({name: number for number, name in enumerate(ALIKE, 1)}, units, "units incoming")
            claimed = {one.id: one.quantity for one in stock.claims("CUP")}
            same({name: number for number, name in enumerate(ALIKE, 1)}, claimed, "units claimed")

    @clause
    def test_spaces_at_the_end_count(self) -> None:
        """InventoryRepository 1: of lots, reservations, claims, orders and postings."""
        with self.store() as stock:
            for number, name in enumerate(PADDED, 1):
                one = held(name, number, order_id=name, lot=name)
                post_all(
                    stock,
                    receive(name, number, lot=name),
                    reserve(f"p{name}", one),
                    Posting.claim(f"c{name}", [evolve(one, location="", lot="")], at=NOON),
                )
            for number, name in enumerate(PADDED, 1):
                mine = stock.reservations(NOON, order_id=name)
                told = [(one.id, one.lot, one.quantity) for one in mine]
                same([(name, name, number)], told, f"reservations of order {name!r}")
            units = {name: number for number, name in enumerate(PADDED, 1)}
            same(units, {one.id: one.quantity for one in stock.claims("MUG")}, "units claimed")

    @clause
    def test_names_that_stand_together_are_several(self) -> None:
        """InventoryRepository 1: SKU and location, location and lot, reservation and lot."""
        with self.store() as stock:
            for joint in JOINTS:
                for number, (name, other) in enumerate(_cut(joint), 1):
                    post_all(
                        stock,
                        receive(f"1{joint}{name}", number, name, other),
                        receive(f"2{joint}{name}", number, "LOTS", name, other),
                        receive(f"3{joint}{name}", number, "HELD", lot=other),
                        reserve(f"4{joint}{name}", held(name, number, "HELD", lot=other)),
                    )
            units = dict.fromkeys(cut for joint in JOINTS for cut in _cut(joint))
            for joint in JOINTS:
                units |= {cut: number for number, cut in enumerate(_cut(joint), 1)}
            there = stock.supply(dict.fromkeys(sku for sku, _ in units), now=NOON)
            found = {(one.sku, one.location): one.available for one in there}
            same(units, found, "available by SKU and location")
            lots = {
                (one.location, lot.lot): lot.available
                for one in stock.supply(["LOTS"], now=NOON)
                for lot in one.lots
            }
            same(units, lots, "available by location and lot")
            reserved = {(one.id, one.lot): one.quantity for one in stock.reservations(NOON)}
            same(units, reserved, "reserved by reservation and lot")

    @clause
    def test_names_are_in_order_of_code_points(self) -> None:
        """InventoryRepository 1: wherever names put something in order."""
        with self.store() as stock:
            for name in (*SORTED[::2], *SORTED[-2::-2]):
                post_all(
                    stock,
                    receive(f"d{name}", 9, name, lot=name),
                    reserve(f"p{name}", held("r", 1, name, lot=name)),
                    _expect(f"i{name}", name, 1, None),
                    receive(f"l{name}", 1, "LOTS", lot=name),
                )
            same(list(SORTED), [one.sku for one in stock.reservations(NOON)], "SKUs reserved")
            same(list(SORTED), [one.purchase for one in stock.incoming("MUG")], "purchases")
            lots = only(stock.supply(["LOTS"], now=NOON), "supply of a SKU of many lots")
            same(list(SORTED), [one.lot for one in lots.lots], "lots without a date")

    @clause
    def test_moments_are_kept_whole(self) -> None:
        """InventoryRepository 2: to the microsecond, and the same moment, in any zone."""
        with self.store() as stock:
            for zone in (HAWAII, KATHMANDU):
                sku, until = f"SKU {zone}", (NOON + HOUR).astimezone(zone)
                post_all(
                    stock,
                    evolve(receive(f"d{sku}", 2, sku), at=NOON.astimezone(zone)),
                    reserve(f"p{sku}", held("r", 1, sku, expires_at=until)),
                    Posting.receive(
                        f"l{sku}", sku, "MAIN", 1, at=NOON, lot="old", best_before=until
                    ),
                    Posting.expect(
                        f"i{sku}", sku, "MAIN", 1, purchase="po", expected_at=until, at=NOON
                    ),
                )
                kept = only(stock.reservations(until - TICK, skus=[sku]), f"what is held of {sku}")
                same(until, kept.expires_at, f"expires_at of what was reserved until {until}")
                coming = only(stock.incoming(sku), f"what is incoming of {sku}")
                same(until, coming.expected_at, f"expected_at of what is expected at {until}")
                same((), stock.reservations(until, skus=[sku]), f"reservations at {until}")
                for now, expired in ((until - TICK, 0), (until.astimezone(NOON.tzinfo), 1)):
                    there = only(stock.supply([sku], now=now), f"supply of {sku}")
                    same(expired, there.expired, f"expired at {now} of a lot good until {until}")
                receipts = [one for one in stock.postings() if one.id == f"d{sku}"]
                written = only(receipts, f"postings d{sku}")
                same(NOON, written.at, f"the time of a posting written at {NOON.astimezone(zone)}")

    @clause
    def test_what_has_expired_is_available(self) -> None:
        """InventoryRepository.supply 1: from its moment on, in its lot, swept or not."""
        with self.store() as stock:
            lapsing = [
                held("r1", 2, expires_at=NOON + HOUR),
                held("r2", 3, expires_at=NOON + HOUR, lot="L"),
                held("r3", 1),
            ]
            post_all(stock, receive("d1", 4), receive("d2", 3, lot="L"), reserve("p1", *lapsing))

            def seen(now: datetime) -> tuple[int, int, tuple[tuple[str, int], ...]]:
                there = only(stock.supply(["MUG"], now=now), "supply of mugs")
                return there.available, there.reserved, tuple(one[:2] for one in there.lots)

            for swept in (False, True):
                same((6, 1, (("L", 3),)), seen(NOON + HOUR), f"supply once it expired, {swept=}")
                if not swept:
                    same((1, 6, ()), seen(NOON + HOUR - TICK), "supply just before it expires")
                    late = reserve("p2", held("r4", 1, order_id="o2"), at=NOON + 2 * HOUR)
                    post_all(stock, late, Posting.settle("p3", at=NOON, release=[held("r4", 1)]))

    @clause
    def test_supply_is_what_the_ledger_says(self) -> None:
        """InventoryRepository.supply 3: buckets, lots, policies, and where it is no more."""
        skus = ("MUG", "SAFE", "WARN", "FREE", "NONE", "MUG")
        reference = MemoryInventory(policies)
        with self.store(policies) as stock:
            for one in (reference, stock):
                post_all(one, *_rich())
                lots = _dated()
                post_all(one, *lots)
            for hours in range(5):
                now = NOON + hours * HOUR
                expected = supply_seen(reference.supply(skus, now=now))
                same(expected, supply_seen(stock.supply(skus, now=now)), f"supply at {now}")
            same((), stock.supply([], now=NOON), "supply of nothing")
            same(2, len(stock.supply(iter(["MUG"]), now=NOON)), "locations, asked by an iterator")

    @clause
    def test_what_has_expired_is_no_reservation(self) -> None:
        """InventoryRepository.reservations 1: from its moment on, however it is asked for."""
        with self.store() as stock:
            lapsing = held("r1", 1, expires_at=NOON + HOUR)
            post_all(stock, receive("d1", 2), reserve("p1", lapsing, held("r2", 1)))
            for what, named in (("all", {}), ("by order", {"order_id": "o1"})):
                before = stock.reservations(NOON + HOUR - TICK, **named)
                same(["r1", "r2"], [one.id for one in before], f"{what}, before it expires")
                after = stock.reservations(NOON + HOUR, **named)
                same(["r2"], [one.id for one in after], f"{what}, once it expired")
            late = evolve(receive("d2", 1), at=NOON + 2 * HOUR)
            stock.post(late)
            same(["r2"], [one.id for one in stock.reservations(NOON)], "all, once it was swept")

    @clause
    def test_reservations_are_narrowed(self) -> None:
        """InventoryRepository.reservations 3: by order, by SKUs, by both; whoever has it now."""
        with self.store() as stock:
            every = [held(f"r-{sku}", 3, sku, order_id=NAME) for sku in ("MUG", "CUP", "JUG")]
            other = held("r-other", 1, order_id="o2")
            post_all(stock, *(receive(sku, 9, sku) for sku in ("MUG", "CUP", "JUG")))
            post_all(stock, reserve("p1", *every), reserve("p2", other))
            part = evolve(every[0], quantity=1)
            taken = evolve(part, id="r-new", order_id="o2")
            post_all(
                stock,
                Posting.rehold("p3", [(part, taken)], at=NOON),
                Posting.settle("p4", at=NOON, commit=[evolve(every[1], quantity=1)]),
                Posting.settle("p5", at=NOON, release=[every[2]]),
            )
            mugs, cups = evolve(every[0], quantity=2), evolve(every[1], quantity=2)
            ask = stock.reservations
            for what, expected, found in (
                ("those of an order", {mugs, cups}, ask(NOON, order_id=NAME)),
                ("those of the other order", {other, taken}, ask(NOON, order_id="o2")),
                ("those of a SKU", {mugs, other, taken}, ask(NOON, skus=["MUG"])),
                ("those of both", {cups}, ask(NOON, order_id=NAME, skus=iter(["CUP"]))),
            ):
                same(expected, set(found), what)
                same(len(expected), len(found), f"how many are {what}")
            same((), ask(NOON, order_id="o2", skus=["CUP", "JUG"]), "those of an order elsewhere")
            same((), ask(NOON, order_id="o3"), "those of an unknown order")
            same((), ask(NOON, skus=["PAN"]), "those of an unknown SKU")

    @clause
    def test_reservations_are_in_the_order_they_were_made(self) -> None:
        """InventoryRepository.reservations 4: of an order, and else of each SKU in turn."""
        with self.store() as stock:
            post_all(stock, receive("d1", 9), receive("d2", 9, "CUP"))
            names = ("z", "a", "m", "b")
            for number, name in enumerate(names):
                lines = (held(name, 1), held(name, 1, "CUP"))
                stock.post(reserve(f"p{number}", *(lines if number % 2 else lines[::-1])))
            # More of one that is there, and one that was there and is there again.
            post_all(
                stock,
                reserve("q1", held("z", 1)),
                Posting.settle("q2", at=NOON, release=[held("a", 1)]),
                reserve("q3", held("a", 1)),
            )
            mugs, cups = ["z", "m", "b", "a"], list(names)
            found = [(one.sku, one.id) for one in stock.reservations(NOON)]
            same([("CUP", one) for one in cups] + [("MUG", one) for one in mugs], found, "all")
            found = [(one.sku, one.id) for one in stock.reservations(NOON, order_id="o1")]
            made = [("CUP", "z"), ("MUG", "z"), ("CUP", "a"), ("CUP", "m"), ("MUG", "m")]
            made += [("MUG", "b"), ("CUP", "b"), ("MUG", "a")]
            same(made, found, "those of an order")

    @clause
    def test_what_is_left_of_reservations(self) -> None:
        """InventoryRepository.reservations 5: after more was put in, some left, and ends moved."""
        with self.store() as stock:
            until = (NOON + HOUR).astimezone(HAWAII)
            first = held("r1", 4, expires_at=NOON + MINUTE, lot="L")
            post_all(
                stock,
                receive("d1", 9, lot="L"),
                reserve("p1", first),
                Posting.settle("p2", at=NOON, commit=[evolve(first, quantity=1)]),
                reserve("p3", evolve(first, quantity=2, expires_at=until)),
                reserve("p4", evolve(first, id="r2", quantity=1, expires_at=None)),
                Posting.settle("p5", at=NOON, release=[evolve(first, id="r2", quantity=1)]),
            )
            left = (evolve(first, quantity=5, expires_at=until),)
            same(left, stock.reservations(NOON), "what is left of reservations")

    @clause
    def test_claims_are_first_come_first(self) -> None:
        """InventoryRepository.claims 1: whatever their names, and when they were added to."""
        with self.store() as stock:
            names = ("z", "a", "m")
            for name in names:
                stock.post(_claim(f"c{name}", name, 2))
            post_all(stock, _claim("again", "z", 1), _claim("other", "b", 1, "CUP"))
            found = stock.claims("MUG")
            same(list(names), [one.id for one in found], "claims")
            numbers = [one.number for one in found]
            require(numbers == sorted(set(numbers)), f"numbers that do not rise: {numbers}")

    @clause
    def test_what_is_left_of_claims(self) -> None:
        """InventoryRepository.claims 2: after some were filled and dropped; as last told."""
        with self.store() as stock:
            later = (NOON + HOUR).astimezone(HAWAII)
            terms = StockTerms(expected_at=later, priority=7)
            post_all(
                stock,
                _claim("c1", "k1", 5, terms=StockTerms(priority=1)),
                _claim("c2", "k2", 2),
                _claim("c3", "k1", 1, terms=terms),
                receive("d1", 4),
                Posting.claim("x1", [held("k2", 2, location="")], at=NOON, drop=True),
                Posting.linked(
                    "f1",
                    [
                        Posting.claim("x", [held("k1", 4, location="")], at=NOON, drop=True),
                        reserve("y", held("r1", 4)),
                    ],
                ),
            )
            left = only(stock.claims("MUG"), "claims that are left")
            told = (left.id, left.sku, left.quantity, left.order_id, left.priority)
            same(("k1", "MUG", 2, "o1", 7), told, "what is left of a claim")
            same(later, left.promised_at, "what was promised last")
            same((), stock.claims("NONE"), "claims to an unknown SKU")

    @clause
    def test_what_comes_first_is_first(self) -> None:
        """InventoryRepository.incoming 1: by date, purchase, location; what has no date is last."""
        with self.store() as stock:
            dates = {
                "po-z": NOON + HOUR,
                "po-a": (NOON + 2 * HOUR).astimezone(HAWAII),
                "po-b": NOON + 3 * HOUR,
                "po-c": (NOON + 3 * HOUR).astimezone(KATHMANDU),
                "po-0": None,
                "po-1": None,
            }
            for name in sorted(dates, reverse=True):
                stock.post(_expect(f"e{name}", name, 1, dates[name]))
            found = [(one.purchase, one.expected_at) for one in stock.incoming("MUG")]
            same(list(dates.items()), found, "purchases and dates")
            for place in ("WEST", "EAST", "MAIN"):
                stock.post(_expect(f"e{place}", "po", 1, None, sku="CUP", location=place))
            places = [one.location for one in stock.incoming("CUP")]
            same(["EAST", "MAIN", "WEST"], places, "locations of one purchase")

    @clause
    def test_what_is_left_of_purchases(self) -> None:
        """InventoryRepository.incoming 2: after some came, more was ordered, and dates moved."""
        with self.store() as stock:
            post_all(
                stock,
                _expect("e1", "po", 5, NOON + HOUR),
                _expect("e2", "po-2", 2, None),
                Posting.receive("d1", "MUG", "MAIN", 3, at=NOON, purchase="po"),
                Posting.receive("d2", "MUG", "MAIN", 2, at=NOON, purchase="po-2"),
                _expect("e3", "po", 4, NOON + 2 * HOUR),
            )
            left = only(stock.incoming("MUG"), "purchases that are left")
            same(("MUG", "MAIN", "po", 6, NOON + 2 * HOUR), tuple(left), "what is left")
            same(5, free(stock), "available")
            same((), stock.incoming("NONE"), "what is incoming of an unknown SKU")


def _cut(joint: str) -> tuple[tuple[str, str], ...]:
    """Return two pairs of names that are the same once they are joined."""
    return (f"a{joint}b", "c"), ("a", f"b{joint}c")


def _claim(
    posting_id: str, name: str, units: int, sku: str = "MUG", terms: StockTerms | None = None
) -> Posting:
    return Posting.claim(posting_id, [held(name, units, sku, "")], at=NOON, terms=terms)


def _expect(
    posting_id: str,
    purchase: str,
    units: int,
    expected_at: datetime | None,
    *,
    sku: str = "MUG",
    location: str = "MAIN",
) -> Posting:
    return Posting.expect(
        posting_id, sku, location, units, purchase=purchase, expected_at=expected_at, at=NOON
    )


def _rich() -> tuple[Posting, ...]:
    """Return postings into every bucket, under every policy, and away again."""
    mug = [("MUG", 2)]
    return (
        *(receive(f"d{sku}", 10, sku) for sku in ("MUG", "SAFE", "WARN", "FREE")),
        *(receive(f"w{sku}", 3, sku, "WEST") for sku in ("SAFE", "WARN")),
        Posting.hand_over("gone", [held("r", 3, "WARN", "WEST")], at=NOON),
        Posting.move("q", mug, location="MAIN", source="available", target="quarantine", at=NOON),
        Posting.move(
            "t", mug, location="MAIN", source="available", target="in_transit", to="WEST", at=NOON
        ),
        reserve("p1", held("r1", 3), held("r2", 6, "SAFE"), held("r3", 99, "FREE")),
        reserve("p2", held("r4", 12, "WARN", expires_at=NOON + HOUR)),
        Posting.settle("p3", at=NOON, commit=[held("r1", 1)]),
    )


def _dated() -> tuple[Posting, ...]:
    """Return receipts of lots, of which some are past their date soon, and others have none."""
    dates = {"L1": 3 * HOUR, "L2": HOUR, "L3": None, "L0": 3 * HOUR, "L4": 2 * HOUR}
    return (
        *(
            Posting.receive(
                f"lot {lot}",
                "MUG",
                "WEST",
                number,
                at=NOON,
                lot=lot,
                best_before=None if after is None else (NOON + after).astimezone(HAWAII),
            )
            for number, (lot, after) in enumerate(dates.items(), 1)
        ),
        reserve("pl", held("rl", 1, location="WEST", expires_at=NOON + 2 * HOUR, lot="L2")),
        Posting.hand_over("all of it", [held("r", 5, location="WEST", lot="L4")], at=NOON),
        receive("plain", 4, location="WEST"),
        reserve("brief", held("rb", 1, location="WEST", expires_at=NOON + MINUTE)),
    )
