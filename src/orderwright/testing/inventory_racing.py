"""What is promised of an inventory repository while many are at work on it."""

from __future__ import annotations

from functools import partial
from itertools import cycle
from threading import Event
from typing import TYPE_CHECKING

from orderwright.errors import OutOfStock
from orderwright.inventory.guard import guarded
from orderwright.inventory.postings import Posting
from orderwright.testing.clauses import clause
from orderwright.testing.comparing import require, same
from orderwright.testing.inventory_posting import InventoryContract, free, post_all
from orderwright.testing.samples import NOON
from orderwright.testing.stock_samples import HOUR, held, policies, receive, reserve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orderwright.ports import InventoryRepository

__all__ = ["RacingClauses"]

RACERS = 8
UNITS = 3
MOVES = 30


class RacingClauses(InventoryContract):
    """What several adapters on one store do at once: threads, or tasks of one loop."""

    @clause
    def test_the_last_units_are_reserved_once(self) -> None:
        """InventoryRepository.post 6: eight want one of three, several times over."""
        with self.opened() as opener:
            racers = [opener(guarded) for _ in range(RACERS)]
            for number in range(5):
                sku = f"MUG-{number}"
                racers[0].post(receive(f"d{number}", UNITS, sku))
                won = self._race(racers, f"p{number}", cycle([[sku]]))
                require(won == UNITS, f"{won} of {RACERS} got one of {UNITS} units")
                same(0, free(racers[-1], sku), "available after the race")
                held_units = [one.quantity for one in racers[-1].reservations(NOON, skus=[sku])]
                same([1] * UNITS, held_units, "units reserved after the race")

    @clause
    def test_orders_of_several_lines_do_not_block_each_other(self) -> None:
        """InventoryRepository.post 6: eight want the same two SKUs, in either order."""
        with self.opened() as opener:
            racers = [opener(guarded) for _ in range(RACERS)]
            for number in range(5):
                mug, cup = f"MUG-{number}", f"CUP-{number}"
                post_all(racers[0], receive(mug, UNITS, mug), receive(cup, RACERS, cup))
                won = self._race(racers, f"p{number}", cycle([[mug, cup], [cup, mug]]))
                require(won == UNITS, f"{won} of {RACERS} got the last {UNITS} of one of two SKUs")
                left = free(racers[-1], mug), free(racers[-1], cup)
                same((0, RACERS - UNITS), left, "available of both after the race")

    @clause
    def test_what_lapses_is_taken_once(self) -> None:
        """InventoryRepository.post 6: eight want what one reservation lets lapse."""
        with self.opened() as opener:
            racers = [opener(guarded) for _ in range(RACERS)]
            lapsing = held("lapsing", UNITS, expires_at=NOON + HOUR)
            post_all(racers[0], receive("d1", UNITS), reserve("p1", lapsing))
            won = self._race(racers, "p2", cycle([["MUG"]]))
            require(won == UNITS, f"{won} of {RACERS} got one of {UNITS} units that had lapsed")
            lapses = [one for one in racers[0].postings() if one.reason == "expired"]
            same(1, len(lapses), "postings by which they lapsed")
            same(0, free(racers[-1]), "available after the race")

    @clause
    def test_claims_at_once_keep_their_limit(self) -> None:
        """InventoryRepository.post 6: eight claim one unit each, where three may be claimed."""
        with self.opened() as opener:
            racers = [opener(policies) for _ in range(RACERS)]

            def claim(number: int, stock: InventoryRepository) -> bool:
                one = held(f"k{number}", 1, "FEW", "")
                return _try(stock, Posting.claim(f"c{number}", [one], at=NOON))

            won = sum(self.race([partial(claim, *pair) for pair in enumerate(racers)]))
            require(won == UNITS, f"{won} of {RACERS} claims were accepted, where {UNITS} may be")
            same(UNITS, len(racers[0].claims("FEW")), "claims after the race")

    @clause
    def test_no_reader_sees_a_part_of_a_posting(self) -> None:
        """InventoryRepository.post 1: of both its SKUs, wherever one looks first."""
        skus = ("MUG", "CUP")

        def written(stock: InventoryRepository) -> dict[str, int]:
            names = [one.id for one in stock.postings() if one.id.startswith("m")]
            return dict.fromkeys(skus, len(names))

        def taken(stock: InventoryRepository) -> dict[str, int]:
            there = {one.sku: one.available for one in stock.supply(skus, now=NOON)}
            return {sku: MOVES - there.get(sku, 0) for sku in skus}

        def reserved(stock: InventoryRepository) -> dict[str, int]:
            found = [one.sku for one in stock.reservations(NOON)]
            return {sku: found.count(sku) for sku in skus}

        def look(stock: InventoryRepository) -> None:
            seen = 0
            for ask in (written, taken, reserved, written, reserved, taken, written):
                units = ask(stock)
                told = f"{ask.__name__} of each SKU: {units}, where {seen} of both were seen before"
                require(units["MUG"] == units["CUP"] >= seen, told)
                seen = units["MUG"]

        def move(number: int) -> Posting:
            return reserve(f"m{number}", *(held(f"r{number}", 1, sku) for sku in skus))

        self._while_moving([receive(sku, MOVES, sku) for sku in skus], move, look)

    @clause
    def test_supply_is_of_one_moment(self) -> None:
        """InventoryRepository.supply 2: no unit is seen twice or not at all while it moves."""

        def move(number: int) -> Posting:
            here, there = ("MAIN", "WEST") if number % 2 else ("WEST", "MAIN")
            return Posting.move(
                f"m{number}",
                [("MUG", UNITS)],
                location=here,
                to=there,
                source="available",
                target="available",
                at=NOON,
            )

        def look(stock: InventoryRepository) -> None:
            units = [one.available for one in stock.supply(["MUG"], now=NOON)]
            require(sum(units) == UNITS, f"{units} mugs at two locations, where {UNITS} are moved")

        self._while_moving([receive("d1", UNITS)], move, look)

    @clause
    def test_reservations_are_of_one_moment(self) -> None:
        """InventoryRepository.reservations 2: no unit is seen twice or not at all as it moves."""

        def move(number: int) -> Posting:
            old, new = held("r1", UNITS), held("r2", UNITS, order_id="o2")
            pair = (old, new) if number % 2 else (new, old)
            return Posting.rehold(f"m{number}", [pair], at=NOON)

        def look(stock: InventoryRepository) -> None:
            for found in (stock.reservations(NOON), stock.reservations(NOON, skus=["MUG"])):
                told = [(one.id, one.quantity) for one in found]
                units = sum(one.quantity for one in found)
                require(units == UNITS, f"{told} are reserved, where {UNITS} change hands")

        start = [receive("d1", UNITS), reserve("p1", held("r1", UNITS))]
        self._while_moving(start, move, look)

    def _race(self, racers: list[InventoryRepository], name: str, skus: Iterator[list[str]]) -> int:
        """Have each racer reserve one unit of each of its SKUs; return how many got theirs."""
        tries: list[Callable[[], bool]] = []
        for number, stock in enumerate(racers):
            posting_id = f"{name} of racer {number}"
            lines = [held(posting_id, 1, sku) for sku in next(skus)]
            tries.append(partial(_try, stock, reserve(posting_id, *lines, at=NOON + HOUR)))
        return sum(self.race(tries))

    def _while_moving(
        self,
        start: list[Posting],
        move: Callable[[int], Posting],
        look: Callable[[InventoryRepository], None],
    ) -> None:
        """Look again and again while another moves units to and fro."""
        with self.opened() as opener:
            mover, reader = opener(guarded), opener(guarded)
            post_all(mover, *start)
            moved = Event()

            def moving() -> None:
                try:
                    post_all(mover, *(move(number) for number in range(1, MOVES)))
                finally:
                    moved.set()

            def looking() -> None:
                look(reader)
                while not moved.is_set():
                    look(reader)

            self.race([moving, looking])


def _try(stock: InventoryRepository, posting: Posting) -> bool:
    try:
        stock.post(posting)
    except OutOfStock:
        return False
    return True
