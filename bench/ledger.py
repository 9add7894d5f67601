"""The cases about the stock ledger: beside one by hand, and as it grows."""

from __future__ import annotations

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


def _filled(count: int) -> InventoryLedger:
    """A ledger with so many postings of as many SKUs."""
    ledger = InventoryLedger()
    for number in range(count):
        ledger.post(Posting.receive(f"d{number}", f"S{number}", "MAIN", 9, at=NOON))
    return ledger


def _weight(count: int) -> int:
    """What a posting weighs, in bytes, with all the ledger keeps of it."""
    tracemalloc.start()
    kept = _filled(count)
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return size // sum(1 for _ in kept.postings())


def _sales(skus: int, count: int, step: int) -> list[tuple[str, str]]:
    """Ids and SKUs of sales all over the ledger."""
    return [(f"p{step}-{number}", f"S{(step + number) * 7919 % skus}") for number in range(count)]


def growing(size: Size) -> Result:
    """Compare a posting to a large ledger of many SKUs with one by hand; tell how both grew."""
    count, rounds = size.postings, max(1, size.rounds // 5)
    times: list[tuple[float, float]] = []
    for skus in (size.ledger, size.ledger * size.ledger_times):
        ledger, book = _filled(skus), Book()
        for number in range(skus):
            sku = f"S{number}"
            given = (Move(sku, "MAIN", "supplier", -9), Move(sku, "MAIN", "available", 9))
            book.post(moves(f"d{number}", NOON, *given))
        steps = iter(range(2 * rounds))

        def ours(ledger: InventoryLedger = ledger, skus: int = skus) -> float:
            built = [
                Posting.adjust(name, sku, "MAIN", 1, at=NOON, reason="found")
                for name, sku in _sales(skus, count, next(steps))  # noqa: B023 - at once
            ]
            return timed(lambda: _all(ledger.post, built))

        def theirs(book: Book = book, skus: int = skus) -> float:
            built = [
                moves(name, NOON, Move(sku, "MAIN", "loss", -1), Move(sku, "MAIN", "available", 1))
                for name, sku in _sales(skus, count, next(steps))  # noqa: B023 - at once
            ]
            return timed(lambda: _all(book.post, built))

        mine, hand = best(rounds, ours, theirs)
        times.append((mine / count, hand / count))
    (small, small_hand), (large, large_hand) = times
    many = size.ledger * size.ledger_times
    weight = _weight(min(many, 10_000))
    told = (
        f"{large / small:.2f} times one among {size.ledger:,}, by hand "
        f"{large_hand / small_hand:.2f} times; {weight:,} bytes a posting"
    )
    return Result(f"posting among {many:,} / by hand", large, large_hand, None, count, told)
