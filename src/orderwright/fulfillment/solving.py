"""Which locations serve what: the search behind :func:`.plan`, without its words.

Two searches, one inside the other. Inside, lines may be split at will: the most units that can be
served are a maximum flow from lines over shelves to locations, and the locations that suffice for
it are the covers of a few sums (those that cuts through the flow demand; which ones matter is found
out as they are violated). Outside, what has to stay together is put in one place after the other,
best bound first, until the best there is keeps every rule.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, NamedTuple, final

from orderwright.fulfillment.covering import Row, cover
from orderwright.fulfillment.network import Network

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from orderwright.fulfillment.network import Node

__all__ = ["Line", "Problem", "Solution", "solve"]

Taken = dict[tuple[int, int], int]
"""Units by (number of the line, number of the place)."""


@final
class Line(NamedTuple):
    """A line to be served from the places ``able``, by number."""

    name: str
    sku: str
    quantity: int
    able: tuple[int, ...]
    together: str = ""
    only_with: tuple[int, ...] = ()


@final
class Problem(NamedTuple):
    """Lines, what is at each place by SKU, how much it can take in all, and what using it weighs.

    Places are sorted by ``weights``, which rise.
    """

    lines: Sequence[Line]
    supply: Mapping[str, Sequence[int]]
    capacity: Sequence[int | None]
    weights: Sequence[int]


@final
class Solution(NamedTuple):
    """What is taken where; whether it is ``proven`` that nothing is better.

    No plan leaves fewer than ``unserved`` units, or, leaving as many, needs fewer than ``least``
    places. ``beaten`` are the worse sets of places that were looked at.
    """

    taken: Taken
    proven: bool
    unserved: int
    least: int
    beaten: tuple[tuple[int, ...], ...] = ()


class _Choice(NamedTuple):
    """What was decided: groups at places, lines given up, lines that must be served in full."""

    placed: tuple[tuple[str, int], ...] = ()
    dropped: frozenset[int] = frozenset()
    must: frozenset[int] = frozenset()


class _Relaxed(NamedTuple):
    """The best that can come of a choice if everything else may be split."""

    taken: Taken
    unserved: int
    weight: int
    least: int
    proven: bool
    beaten: tuple[tuple[int, ...], ...]


def solve(problem: Problem, effort: int) -> Solution:
    """Return the best way to serve the lines: most units, then least weight of places."""
    search = _Search(problem, effort)
    start = search.relaxed(_Choice())
    assert start is not None
    waiting = [(start.unserved, start.weight, 0, _Choice(), start)]
    tried = 0
    while True:
        unserved, _, _, choice, found = heappop(waiting)
        broken = search.broken(found.taken, choice)
        if not broken and found.proven:
            return Solution(found.taken, True, unserved, found.least, found.beaten)  # noqa: FBT003
        if search.effort <= 0 or not found.proven:
            # The best that could still come of anything bounds what may be better than this.
            taken = search.settled(choice, found)
            return Solution(taken, False, unserved, found.least)  # noqa: FBT003
        for nxt in broken:
            tried += 1
            search.effort -= 1
            then = search.relaxed(nxt)
            if then is not None:
                heappush(waiting, (then.unserved, then.weight, tried, nxt, then))


@final
class _Search:
    __slots__ = ("effort", "groups", "joint", "problem")

    def __init__(self, problem: Problem, effort: int) -> None:
        self.problem = problem
        self.effort = effort
        self.joint = any(one is not None for one in problem.capacity)
        self.groups: dict[str, list[int]] = {}
        for number, line in enumerate(problem.lines):
            if line.together:
                self.groups.setdefault(line.together, []).append(number)

    def relaxed(self, choice: _Choice) -> _Relaxed | None:
        """Return the best that can come of ``choice``; None if it cannot be kept."""
        if choice.must & choice.dropped:
            return None
        left = _Left(self.problem)
        settled: Taken = {}
        for group, place in choice.placed:
            for number in self.groups[group]:
                line = self.problem.lines[number]
                if not left.take(line.sku, place, line.quantity):
                    return None
                settled[number, place] = line.quantity
        fixed = {number for number, _ in settled} | choice.dropped
        free = [number for number in range(len(self.problem.lines)) if number not in fixed]
        parts = [
            _Part(self.problem, left, numbers, limited=self.joint) for numbers in self._parts(free)
        ]
        rows = [self._used(place) for place in {place for _, place in settled}]
        for part in parts:
            rows += part.rows()
        wanted = sum(line.quantity for line in self.problem.lines)
        unserved = wanted - sum(settled.values()) - sum(part.most for part in parts)
        musts = [number for number in free if number in choice.must]
        if musts:
            must = _Part(self.problem, left, musts, limited=self.joint)
            if must.most < sum(self.problem.lines[number].quantity for number in musts):
                return None
            rows += must.rows()
        least = 0
        while True:
            found = cover(self.problem.weights, rows, self.effort, least)
            self.effort -= found.nodes
            least = found.least  # more rows need no fewer places
            chosen = found.chosen or ()
            shared = self._shared(parts, left, chosen, musts)
            if isinstance(shared, dict):
                break
            rows.append(shared)
        weight = sum(self.problem.weights[place] for place in chosen)
        return _Relaxed(
            {**settled, **shared}, unserved, weight, found.least, found.proven, found.beaten
        )

    def _used(self, place: int) -> Row:
        return Row(1, [int(one == place) for one in range(len(self.problem.weights))])

    def _parts(self, free: Sequence[int]) -> Iterable[list[int]]:
        """Return the lines that compete: those of one SKU, or all where places may fill."""
        if self.joint:
            return [list(free)] if free else []
        found: dict[str, list[int]] = {}
        for number in free:
            found.setdefault(self.problem.lines[number].sku, []).append(number)
        return found.values()

    def _shared(
        self, parts: Sequence[_Part], left: _Left, chosen: Sequence[int], musts: Sequence[int]
    ) -> Taken | Row:
        """Share what the ``chosen`` places have among the lines, or return why they do not do."""
        there = left.copy()
        taken: Taken = {}
        if self.groups or musts:
            self._special(parts, there, chosen, musts, taken)
        # Whole lines next: what need not be split is not.
        for part in parts:
            for number in part.numbers:
                self._whole(number, there, chosen, taken)
            for number in part.numbers:
                self._fill(number, there, chosen, taken)
        for part in parts:
            row = None if part.simple else part.complete(chosen, taken, musts)
            if row is not None:
                return row
        return taken

    def _special(
        self,
        parts: Sequence[_Part],
        there: _Left,
        chosen: Sequence[int],
        musts: Sequence[int],
        taken: Taken,
    ) -> None:
        """Share what must be served first, then whole groups."""
        free = {number for part in parts for number in part.numbers}
        groups = [group for group in self.groups.values() if group[0] in free]
        for group in groups:
            if group[0] in musts:
                self._put(group, there, chosen, taken)
        for number in musts:
            self._whole(number, there, chosen, taken)
            self._fill(number, there, chosen, taken)
        for group in groups:
            if group[0] not in musts:
                self._put(group, there, chosen, taken)

    def _whole(self, number: int, there: _Left, chosen: Sequence[int], taken: Taken) -> None:
        if not any((number, place) in taken for place in chosen):
            self._put([number], there, chosen, taken)

    def _put(
        self, numbers: Sequence[int], there: _Left, chosen: Sequence[int], taken: Taken
    ) -> None:
        """Take lines whole from the first place that has all of them, if one does."""
        lines = [self.problem.lines[number] for number in numbers]
        for place in chosen:
            if all(place in line.able for line in lines):
                trial = there.copy() if len(lines) > 1 else there
                if all(trial.take(line.sku, place, line.quantity) for line in lines):
                    there.become(trial)
                    for number, line in zip(numbers, lines, strict=True):
                        taken[number, place] = line.quantity
                    return

    def _fill(self, number: int, there: _Left, chosen: Sequence[int], taken: Taken) -> None:
        """Take what a line still lacks from wherever there is most."""
        line = self.problem.lines[number]
        lacking = line.quantity - sum(taken.get((number, place), 0) for place in chosen)
        if not lacking:
            return
        able = [place for place in chosen if place in line.able]
        for place in sorted(able, key=lambda one: -there.at(line.sku, one)):
            units = min(lacking, there.at(line.sku, place))
            if units:
                there.take(line.sku, place, units)
                taken[number, place] = taken.get((number, place), 0) + units
                lacking -= units

    def broken(self, taken: Taken, choice: _Choice) -> list[_Choice]:
        """Return the choices of which one has to be made, because ``taken`` breaks a rule."""
        lines = self.problem.lines
        placed = dict(choice.placed)
        served = [0] * len(lines)
        for (number, _), units in taken.items():
            served[number] += units
        for group, numbers in self.groups.items():
            if group in placed or not any(served[number] for number in numbers):
                continue
            places = {place for (number, place) in taken if number in numbers}
            if len(places) > 1 or any(served[one] < lines[one].quantity for one in numbers):
                able = set(lines[numbers[0]].able).intersection(*(lines[n].able for n in numbers))
                found = [
                    choice._replace(placed=(*choice.placed, (group, place)))
                    for place in sorted(able)
                ]
                return [*found, self._without(choice, numbers)]
        for number, line in enumerate(lines):
            short = [one for one in line.only_with if served[one] < lines[one].quantity]
            if served[number] and short:
                return [
                    choice._replace(must=choice.must.union(*map(self._mates, line.only_with))),
                    self._without(choice, [number]),
                ]
        return []

    def _mates(self, number: int) -> list[int]:
        return self.groups.get(self.problem.lines[number].together, [number])

    def _without(self, choice: _Choice, numbers: Iterable[int]) -> _Choice:
        """Give up lines, those that go only with them, and those that go together with these."""
        dropped = set(choice.dropped)
        waiting = list(numbers)
        for number in waiting:
            dropped.add(number)
            group = self._mates(number)
            follow = [
                one for one, line in enumerate(self.problem.lines) if number in line.only_with
            ]
            waiting += [one for one in (*group, *follow) if one not in waiting]
        placed = tuple(one for one in choice.placed if not dropped & set(self.groups[one[0]]))
        return choice._replace(placed=placed, dropped=frozenset(dropped))

    def settled(self, choice: _Choice, found: _Relaxed) -> Taken:
        """Return a way that keeps every rule, near ``found``, without more searching."""
        self.effort = 0
        while broken := self.broken(found.taken, choice):
            *keeping, without = broken
            # What had to be served for what is given up need not be any more: that can be kept.
            choices = (*keeping, without._replace(must=without.must - without.dropped))
            choice, found = next(
                (nxt, then) for nxt in choices if (then := self.relaxed(nxt)) is not None
            )
        return found.taken


@final
class _Left:
    """What is still on the shelves, and how much more each place can take."""

    __slots__ = ("capacity", "shelves")

    def __init__(self, problem: Problem) -> None:
        self.shelves = {sku: list(amounts) for sku, amounts in problem.supply.items()}
        self.capacity = list(problem.capacity)

    def copy(self) -> _Left:
        other = _Left.__new__(_Left)
        other.shelves = {sku: amounts.copy() for sku, amounts in self.shelves.items()}
        other.capacity = self.capacity.copy()
        return other

    def become(self, other: _Left) -> None:
        self.shelves, self.capacity = other.shelves, other.capacity

    def at(self, sku: str, place: int) -> int:
        room = self.capacity[place]
        there = self.shelves[sku][place]
        return there if room is None else min(there, room)

    def take(self, sku: str, place: int, units: int) -> bool:
        """Take ``units``, if they are there."""
        if self.at(sku, place) < units:
            return False
        self.shelves[sku][place] -= units
        room = self.capacity[place]
        if room is not None:
            self.capacity[place] = room - units
        return True


_SOURCE: Node = ("source",)
_SINK: Node = ("sink",)


@final
class _Part:
    """Lines that compete for the same units: the ``most`` that can be served of them.

    Where all may be served from the same places, which never fill, that is simply what there is.
    """

    __slots__ = ("left", "limited", "most", "numbers", "problem", "simple")

    def __init__(
        self, problem: Problem, left: _Left, numbers: Sequence[int], *, limited: bool
    ) -> None:
        self.limited = limited
        self.problem = problem
        self.left = left
        self.numbers = numbers
        lines = [problem.lines[number] for number in numbers]
        self.simple = not limited and (
            len(lines) == 1
            or all(line.able == lines[0].able and line.sku == lines[0].sku for line in lines)
        )
        if self.simple:
            shelf = left.shelves[lines[0].sku]
            there = sum([shelf[place] for place in lines[0].able])
            self.most = min(there, sum([line.quantity for line in lines]))
        else:
            self.most = self._network(range(len(problem.weights))).fill(_SOURCE, _SINK)

    def rows(self) -> Iterator[Row]:
        """Return sums that the places chosen must reach: for all lines, and for those alike."""
        yield self._row(self.numbers)
        if not self.simple:
            alike: dict[tuple[str, tuple[int, ...]], list[int]] = {}
            for number in self.numbers:
                line = self.problem.lines[number]
                alike.setdefault((line.sku, line.able), []).append(number)
            for numbers in alike.values():
                yield self._row(numbers)

    def _row(self, numbers: Iterable[int]) -> Row:
        """Return what places must have for these lines if ``most`` are to be served of all.

        The others can be served no more than in full (a cut: Ford and Fulkerson 1956).
        """
        lines = [self.problem.lines[number] for number in numbers]
        if self.simple:
            able, shelf = lines[0].able, self.left.shelves[lines[0].sku]
            return Row(self.most, [units if one in able else 0 for one, units in enumerate(shelf)])
        others = sum(self.problem.lines[number].quantity for number in self.numbers)
        others -= sum(line.quantity for line in lines)
        skus: dict[str, set[int]] = {}
        for line in lines:
            skus.setdefault(line.sku, set()).update(line.able)
        amounts: list[int] = []
        for place, room in enumerate(self.left.capacity):
            there = sum(
                self.left.shelves[sku][place] for sku, able in skus.items() if place in able
            )
            amounts.append(there if room is None else min(there, room))
        return Row(self.most - others, amounts)

    def complete(self, chosen: Sequence[int], taken: Taken, musts: Sequence[int]) -> Row | None:
        """Make ``taken`` the most that the ``chosen`` places can serve.

        If that is too little, return the sum that they do not reach.
        """
        mine = {key: units for key, units in taken.items() if key[0] in self.numbers}
        first = [number for number in musts if number in self.numbers]
        if sum(mine.values()) == self.most and not self._short(first, mine):
            return None
        network = self._network(chosen)
        if first:
            row = self._serve(first, network)
            if row is not None:
                return row
        else:
            for (number, place), units in mine.items():
                sku = self.problem.lines[number].sku
                path = (_SOURCE, (str(number),), (sku, str(place)), ("at", str(place), ""), _SINK)
                network.push(path, units)
        network.fill(_SOURCE, _SINK)
        served = sum(network.flow(_SOURCE, (str(number),)) for number in self.numbers)
        if served < self.most:
            return self._cut(network)
        for key in mine:
            del taken[key]
        taken.update(self._flowing(network, chosen))
        return None

    def _short(self, numbers: Iterable[int], taken: Taken) -> bool:
        """Whether one of those lines is not served in full."""
        served = dict.fromkeys(numbers, 0)
        for (number, _), units in taken.items():
            if number in served:
                served[number] += units
        return any(units < self.problem.lines[number].quantity for number, units in served.items())

    def _flowing(self, network: Network, chosen: Sequence[int]) -> Taken:
        found: Taken = {}
        for number in self.numbers:
            line = self.problem.lines[number]
            for place in chosen:
                if place in line.able:
                    units = network.flow((str(number),), (line.sku, str(place)))
                    if units:
                        found[number, place] = units
        return found

    def _serve(self, first: Sequence[int], network: Network) -> Row | None:
        """Serve those lines first: what is added later takes nothing away from them.

        If the places cannot, return the sum that they do not reach.
        """
        doors = network.room[_SOURCE]
        closed = {door: room for door, room in doors.items() if int(door[0]) not in first}
        for door in closed:
            doors[door] = 0
        must = _Part(self.problem, self.left, first, limited=self.limited)
        if network.fill(_SOURCE, _SINK) < must.most:
            return must._cut(network)
        doors.update(closed)
        return None

    def _cut(self, network: Network) -> Row:
        reached = network.reached(_SOURCE)
        return self._row([number for number in self.numbers if (str(number),) in reached])

    def _network(self, places: Iterable[int]) -> Network:
        """Return lines, shelves and places as a network."""
        network = Network()
        total = sum(self.problem.lines[number].quantity for number in self.numbers)
        for number in self.numbers:
            network.link(_SOURCE, (str(number),), self.problem.lines[number].quantity)
        for place in places:
            room = self.left.capacity[place]
            network.link(("at", str(place), ""), _SINK, total if room is None else room)
            skus: set[str] = set()
            for number in self.numbers:
                line = self.problem.lines[number]
                if place in line.able:
                    skus.add(line.sku)
                    network.link((str(number),), (line.sku, str(place)), line.quantity)
            for sku in sorted(skus):
                there = self.left.shelves[sku][place]
                network.link((sku, str(place)), ("at", str(place), ""), there)
        return network
