"""A stock ledger and a payment provider on plain dicts, which both baselines call."""

from __future__ import annotations

from threading import Lock
from typing import NamedTuple, final

__all__ = ["Account", "Entry", "OutOfStockError", "Provider", "Request", "Stock"]

Account = tuple[str, str, str, str]
"""SKU, location, bucket, and the reservation or an empty string."""
Entry = tuple[str, str, str, str, int]
"""An account, and the units that come into (or, negative, leave) it."""

_GUARDED = ("available", "reserved")


class OutOfStockError(Exception):
    """An account inside our walls would fall below zero."""


class Request(NamedTuple):
    """What the provider is asked to do; ``id`` makes sending it again harmless."""

    id: str
    kind: str
    amount: int
    instrument: str
    reference: str


@final
class Stock:
    """An append-only double-entry book: guarded, idempotent, its sums kept as balances."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._balances: dict[Account, int] = {}
        self._places: dict[str, list[str]] = {}
        self.postings: dict[str, tuple[Entry, ...]] = {}

    def post(self, posting_id: str, entries: tuple[Entry, ...]) -> None:
        """Write all entries or none; the same posting again is a no-op."""
        with self._lock:
            known = self.postings.get(posting_id)
            if known is not None:
                if known != entries:
                    raise ValueError(f"{posting_id} was used for another posting")
                return
            balances = self._balances
            after = self._after(posting_id, entries)
            self.postings[posting_id] = entries
            for account, left in after.items():
                if left or not account[3]:
                    if account[2] == "available" and account not in balances:
                        self._places.setdefault(account[0], []).append(account[1])
                    balances[account] = left
                else:
                    del balances[account]

    def _after(self, posting_id: str, entries: tuple[Entry, ...]) -> dict[Account, int]:
        """Return the new balance of each account touched, or refuse the posting."""
        balances = self._balances
        after: dict[Account, int] = {}
        sums: dict[str, int] = {}
        for sku, where, bucket, reservation, units in entries:
            account = (sku, where, bucket, reservation)
            sums[sku] = sums.get(sku, 0) + units
            if account in after:
                after[account] += units
            else:
                after[account] = balances.get(account, 0) + units
        if any(sums.values()):
            raise ValueError(f"{posting_id} does not balance: {sums}")
        for account, left in after.items():
            if left < 0 and account[2] in _GUARDED:
                raise OutOfStockError(account, left)
        return after

    def supply(self, skus: list[str]) -> dict[tuple[str, str], int]:
        """Return the available units of ``skus`` by SKU and location."""
        with self._lock:
            return {
                (sku, where): self._balances[sku, where, "available", ""]
                for sku in skus
                for where in self._places.get(sku, ())
            }

    def balances(self) -> dict[tuple[str, ...], int]:
        """Return every balance that is not zero."""
        return {account: units for account, units in self._balances.items() if units}


@final
class Provider:
    """A payment provider that keeps its own books and does nothing twice."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: dict[str, tuple[Request, tuple[str, str]]] = {}
        self._sums: dict[str, dict[str, int]] = {}
        self.books: list[tuple[str, str, int]] = []

    def authorize(self, request: Request) -> tuple[str, str]:
        """Reserve the amount; return the outcome and the reference to name it by."""
        return self._once(request)

    def capture(self, request: Request) -> tuple[str, str]:
        """Take what was reserved, at most that; return the outcome and the reference."""
        return self._once(request)

    def _once(self, request: Request) -> tuple[str, str]:
        with self._lock:
            known = self._known.get(request.id)
            if known is not None:
                if known[0] != request:
                    raise ValueError(f"{request.id} was used for another request")
                return known[1]
            reference = request.reference or f"pay_{request.id}"
            sums = self._sums.get(reference)
            if sums is None:
                sums = self._sums[reference] = {"authorize": 0, "capture": 0}
            answer = ("succeeded", reference)
            if request.kind == "capture" and request.amount > sums["authorize"] - sums["capture"]:
                answer = ("failed", reference)
            else:
                sums[request.kind] += request.amount
                self.books.append((request.id, request.kind, request.amount))
            self._known[request.id] = (request, answer)
            return answer
