"""The least set of locations that has enough of everything: minimum weight multicover, exactly."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Cover", "Row", "cover"]

_SCALE = 1 << 16
"""Rows are weighed by this over their need, so that a row of large numbers drowns no other."""


@final
class Row(NamedTuple):
    """Of the items chosen the ``amounts`` have to add up to ``need``."""

    need: int
    amounts: Sequence[int]


@final
class Cover(NamedTuple):
    """The items ``chosen`` (None: none found in time), and if it is ``proven`` that none is better.

    Otherwise ``least`` items are needed at least. ``nodes`` is the effort it took; ``beaten`` are
    the other covers that were met on the way, the best last.
    """

    chosen: tuple[int, ...] | None
    proven: bool
    least: int
    nodes: int
    beaten: tuple[tuple[int, ...], ...] = ()


class _Spent(Exception):
    """The effort allowed is spent."""


def cover(weights: Sequence[int], rows: Sequence[Row], effort: int, least: int = 0) -> Cover:
    """Return the cover of fewest items, of those the one of the least total weight.

    ``weights`` rise from item to item; no two sets of as many items may weigh the same if the
    answer is to be the only one. Every row must be coverable by all items together. At most
    ``effort`` steps are made. ``least`` is a number of items that is known to be needed.

    Branch and bound, deepening by the number of items: a row that the best items left cannot
    cover, or a weighted sum of rows that they cannot, ends a branch. Among items of which one has
    at least as much of everything and weighs less, the other is tried only with it.
    """
    avail = (1 << len(weights)) - 1
    chosen = 0
    open_rows = [row for row in rows if row.need > 0]
    forced = _forced(open_rows)
    while forced:
        chosen |= forced
        avail &= ~forced
        open_rows = [less for row in open_rows if (less := _less(row, forced)).need > 0]
        forced = _forced(open_rows) & avail
    if not open_rows:
        return Cover(_both(chosen, 0), proven=True, least=chosen.bit_count(), nodes=0)
    search = _Search(weights, open_rows, effort)
    avail &= search.useful
    fixed = chosen.bit_count()
    least = max(search.least(), least - fixed)
    try:
        while not search.dig(least, 0, 0, search.needs, avail):
            least += 1
    except _Spent:
        found = search.best
        if found is None:
            found = search.greedy(avail)
        return Cover(_both(chosen, found), proven=False, least=fixed + least, nodes=search.nodes)
    beaten = tuple(_both(chosen, one) for one in search.met[:-1])
    return Cover(
        _both(chosen, search.best or 0),
        proven=True,
        least=fixed + least,
        nodes=search.nodes,
        beaten=beaten,
    )


def _both(chosen: int, more: int) -> tuple[int, ...]:
    return tuple(_items(chosen | more))


def _items(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _forced(rows: Sequence[Row]) -> int:
    """The items without which a row cannot be covered."""
    mask = 0
    for row in rows:
        slack = sum(row.amounts) - row.need
        for item, amount in enumerate(row.amounts):
            if amount > slack:
                mask |= 1 << item
    return mask


def _less(row: Row, chosen: int) -> Row:
    need = row.need
    amounts = list(row.amounts)
    for item in _items(chosen):
        need -= amounts[item]
        amounts[item] = 0
    return Row(need, amounts)


@final
class _Search:
    """The branch and bound itself: what does not change, and the best found so far."""

    __slots__ = (
        *("amounts", "behind", "best", "effort", "lightest", "masks", "met", "needs", "nodes"),
        *("ranked", "useful", "weights"),
    )

    def __init__(self, weights: Sequence[int], rows: Sequence[Row], effort: int) -> None:
        self.weights = weights
        self.effort = effort
        self.nodes = 0
        self.best: int | None = None
        self.lightest = 0
        self.met: list[int] = []
        # What a row has beyond its need is as good as its need.
        clipped = {
            (row.need, tuple(min(one, row.need) for one in row.amounts)): None for row in rows
        }
        self.amounts = [amounts for _, amounts in clipped]
        self.needs = [(row, need) for row, (need, _) in enumerate(clipped)]
        self.ranked = [
            sorted((item for item, one in enumerate(amounts) if one), key=lambda i: -amounts[i])
            for amounts in self.amounts
        ]
        self.masks = [sum(1 << item for item in ranked) for ranked in self.ranked]
        self.useful = 0
        for mask in self.masks:
            self.useful |= mask
        self.behind = self._dominated()

    def _dominated(self) -> list[int]:
        """Return for each item those that are lighter by nothing and have no more of anything."""
        count = len(self.weights)
        every = [self.useful] * count
        for amounts in self.amounts:
            # By amount: the items that have no more of this row.
            upto: dict[int, int] = {}
            for item, amount in enumerate(amounts):
                upto[amount] = upto.get(amount, 0) | 1 << item
            mask = 0
            for amount in sorted(upto):
                mask |= upto[amount]
                upto[amount] = mask
            every = [known & upto[amount] for known, amount in zip(every, amounts, strict=True)]
        return [known >> item + 1 << item + 1 for item, known in enumerate(every)]

    def least(self) -> int:
        """Return a number of items below which some row cannot be covered."""
        found = 1
        for row, need in self.needs:
            got = count = 0
            while got < need:
                got += self.amounts[row][self.ranked[row][count]]
                count += 1
            found = max(found, count)
        return found

    def greedy(self, avail: int) -> int:
        """Return a cover got by always taking the item that brings most."""
        chosen, needs = 0, self.needs
        while needs:
            gains = self._gains(needs, avail)
            item = max(gains, key=lambda one: (gains[one], -one))
            chosen |= 1 << item
            avail &= ~(1 << item)
            needs = self._left(needs, item)
        return chosen

    def _left(self, needs: Sequence[tuple[int, int]], item: int) -> list[tuple[int, int]]:
        amounts = self.amounts
        return [
            (row, need - amounts[row][item]) for row, need in needs if need > amounts[row][item]
        ]

    def _gains(self, needs: Sequence[tuple[int, int]], avail: int) -> dict[int, int]:
        """Return what each item brings of what is needed, each row weighed alike."""
        gains = dict.fromkeys(_items(avail), 0)
        for row, need in needs:
            amounts, weight = self.amounts[row], _SCALE // need + 1
            for item in self.ranked[row]:
                if item in gains:
                    amount = amounts[item]
                    gains[item] += weight * (min(need, amount))
        return gains

    def dig(
        self, left: int, chosen: int, weight: int, needs: Sequence[tuple[int, int]], avail: int
    ) -> bool:
        """Try all covers with ``left`` more items of ``avail``; whether any was found (ever)."""
        self.nodes += 1
        if self.nodes > self.effort:
            raise _Spent
        narrow = self._narrowest(left, needs, avail)
        if narrow is None:
            return False
        if left == 1:
            return self._last(chosen, weight, needs, avail & narrow)
        if self.best is not None and weight + self._lightest(left, avail) >= self.lightest:
            return True
        avail = self._worth(left, needs, avail)
        options = avail & narrow
        for item in _items(options):
            bit = 1 << item
            if not avail & bit:
                continue
            avail &= ~bit
            rest = self._left(needs, item)
            assert rest  # fewer items would do, and were tried before
            self.dig(left - 1, chosen | bit, weight + self.weights[item], rest, avail)
            # Without this item those that it dominates are not in the best cover either.
            avail &= ~self.behind[item]
        return self.best is not None

    def _narrowest(self, left: int, needs: Sequence[tuple[int, int]], avail: int) -> int | None:
        """Return the items of which one must be chosen, as few as possible; None if in vain."""
        narrow, fewest = 0, 0
        for row, need in needs:
            amounts, got, count = self.amounts[row], 0, 0
            for item in self.ranked[row]:
                if avail >> item & 1:
                    got += amounts[item]
                    count += 1
                    if got >= need or count == left:
                        break
            if got < need:
                return None
            options = (self.masks[row] & avail).bit_count()
            if not fewest or options < fewest:
                narrow, fewest = self.masks[row], options
        return narrow

    def _last(
        self, chosen: int, weight: int, needs: Sequence[tuple[int, int]], options: int
    ) -> bool:
        """Take the lightest item that covers all that is left."""
        for item in _items(options):
            if all(self.amounts[row][item] >= need for row, need in needs):
                self._keep(chosen | 1 << item, weight + self.weights[item])
                break
        return self.best is not None

    def _lightest(self, left: int, avail: int) -> int:
        return sum(self.weights[item] for item in islice(_items(avail), left))

    def _worth(self, left: int, needs: Sequence[tuple[int, int]], avail: int) -> int:
        """Return the items that bring enough for the others to bring the rest."""
        gains = self._gains(needs, avail)
        wanted = sum((_SCALE // need + 1) * need for _, need in needs)
        most = sorted(gains.values(), reverse=True)[: left - 1]
        least = wanted - sum(most)
        for item, gain in gains.items():
            if gain < least:
                avail &= ~(1 << item)
        return avail

    def _keep(self, chosen: int, weight: int) -> None:
        if self.best is None or weight < self.lightest:
            self.best, self.lightest = chosen, weight
            self.met.append(chosen)
