"""The cases about the stock ledger: beside one by hand, and as it grows."""

from __future__ import annotations

import gc
import tracemalloc
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from bench.baselines.ledger import Book, Move, Moves, moves
from bench.timing import Result, best, timed
from orderwright import InventoryLedger, Posting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.cases import Size

__all__ = ["building", "growing", "posting"]

_P = TypeVar("_P")

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SKUS = 50


def _stocked() -> InventoryLedger:
    ledger = InventoryLedger()
    for number in range(SKUS):
        ledger.post(Posting.receive(f"d{number}", f"S{number}", "MAIN", 10**9, at=NOON))
    return ledger


def _book() -> Book:
    book = Book()
    for number in range(SKUS):
        given = (
            Move(f"S{number}", "MAIN", "supplier", -(10**9)),
            Move(f"S{number}", "MAIN", "available", 10**9),
        )
        book.post(moves(f"d{number}", NOON, *given))
    return book


def _ours(count: int) -> list[Posting]:
    """Sales of one unit each: what is available leaves for the customer."""
    return [
        Posting.move(
            f"p{number}",
            ((f"S{number % SKUS}", 1),),
            location="MAIN",
            source="available",
            target="customer",
            at=NOON,
        )
        for number in range(count)
    ]


def _theirs(count: int) -> list[Moves]:
    return [
        moves(
            f"p{number}",
            NOON,
            Move(f"S{number % SKUS}", "MAIN", "available", -1),
            Move(f"S{number % SKUS}", "MAIN", "customer", 1),
        )
        for number in range(count)
    ]


def same_end(count: int) -> None:
    """Raise AssertionError unless both books end with the same balances."""
    ledger, book = _stocked(), _book()
    for one in _ours(count):
        ledger.post(one)
    for other in _theirs(count):
        book.post(other)
    ends = [
        {tuple(account[:3]): units for account, units in balances.items()}
        for balances in (ledger.balances(), book.balances)
    ]
    if ends[0] != ends[1]:
        raise AssertionError(ends)


def _all(post: Callable[[_P], None], built: Sequence[_P]) -> None:
    for one in built:
        post(one)


def posting(size: Size) -> Result:
    """Compare posting what was built before."""
    count = size.postings
    same_end(count)

    def ours() -> float:
        ledger, built = _stocked(), _ours(count)
        return timed(lambda: _all(ledger.post, built))

    def theirs() -> float:
        book, built = _book(), _theirs(count)
        return timed(lambda: _all(book.post, built))

    mine, hand = best(size.rounds, ours, theirs)
    told = "one posting of two entries, built before"
    return Result("posting / by hand on dicts", mine / count, hand / count, 1.5, count, told)


def building(size: Size) -> Result:
    """Compare building a posting and posting it."""
    count = size.postings

    def ours() -> float:
        ledger = _stocked()
        return timed(lambda: _all(ledger.post, _ours(count)))

    def theirs() -> float:
        book = _book()
        return timed(lambda: _all(book.post, _theirs(count)))

    mine, hand = best(size.rounds, ours, theirs)
    told = "one posting of two entries, built and posted"
    return Result("building and posting / by hand", mine / count, hand / count, 4, count, told)


def _filled(count: int) -> tuple[InventoryLedger, int]:
    """A ledger with so many postings of as many SKUs, and what one of them weighs, in bytes."""
    ledger = InventoryLedger()
    tracemalloc.start()
    for number in range(count):
        ledger.post(Posting.receive(f"d{number}", f"S{number}", "MAIN", 9, at=NOON))
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return ledger, size // count


def growing(size: Size) -> Result:
    """Compare a posting to a large ledger of many SKUs with one to a small one."""
    small, large = size.ledger, size.ledger * size.ledger_times
    count = size.postings

    def sales(skus: int, step: int) -> Sequence[Posting]:
        return [
            Posting.move(
                f"p{step}-{number}",
                ((f"S{number * 7919 % skus}", 1),),
                location="MAIN",
                source="available",
                target="customer",
                at=NOON,
            )
            for number in range(count)
        ]

    books = [(_filled(skus), skus) for skus in (large, small)]
    step = 0

    def contender(ledger: InventoryLedger, skus: int) -> float:
        nonlocal step
        step += 1
        built = sales(skus, step)
        # Stock is received anew, so that no round runs out of it.
        again = Posting.linked(
            f"more-{step}",
            [
                Posting.receive("x", sku, "MAIN", 99, at=NOON)
                for sku in {one.entries[0].sku for one in built}
            ],
        )
        ledger.post(again)
        gc.collect()
        return timed(lambda: _all(ledger.post, built))

    ((big, weight), _), ((little, _), _) = books
    mine, theirs = best(
        size.rounds, lambda: contender(big, large), lambda: contender(little, small)
    )
    told = f"a posting among {large:,} of as many SKUs, {weight:,} bytes each"
    return Result(f"posting, {large:,} / {small:,}", mine / count, theirs / count, 1.5, count, told)
