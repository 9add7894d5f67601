"""The duties of a stock ledger by hand, on dicts: known ids, balance per SKU, floors, a log."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Book", "Move", "Moves", "moves"]


class Move(NamedTuple):
    """So many units into (or, negative, out of) an account."""

    sku: str
    location: str
    bucket: str
    units: int


class Moves(NamedTuple):
    """Moves that are written together: those given, and what they come to per account."""

    id: str
    at: object
    moves: tuple[Move, ...]
    net: dict[tuple[str, str, str], int]


_INSIDE = frozenset({"available", "reserved"})


def moves(id_: str, at: object, *given: Move) -> Moves:
    """Return moves that sum to zero per SKU, with what they come to; raise ValueError."""
    sums: dict[str, int] = {}
    net: dict[tuple[str, str, str], int] = {}
    for sku, location, bucket, units in given:
        if type(units) is not int or not units:
            raise ValueError(units)
        sums[sku] = sums.get(sku, 0) + units
        account = (sku, location, bucket)
        net[account] = net.get(account, 0) + units
    if any(sums.values()):
        raise ValueError(sums)
    return Moves(id_, at, given, net)


class Book:
    """Balances and a log."""

    def __init__(self) -> None:
        self.balances: dict[tuple[str, str, str], int] = {}
        self.numbers: dict[str, int] = {}
        self.log: list[Moves] = []

    def post(self, given: Moves) -> None:
        """Write moves; the same again is a no-op. Raises ValueError below zero or for others."""
        known = self.numbers.get(given.id)
        if known is not None:
            if self.log[known] != given:
                raise ValueError(given.id)
            return
        balances = self.balances
        after: dict[tuple[str, str, str], int] = {}
        for account, units in given.net.items():
            left = balances.get(account, 0) + units
            if left < 0 and units < 0 and account[2] in _INSIDE:
                raise ValueError(account)
            after[account] = left
        balances.update(after)
        self.numbers[given.id] = len(self.log)
        self.log.append(given)
