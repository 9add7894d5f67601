"""Maximum flow on a small network, along shortest augmenting paths (Edmonds and Karp, 1972)."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Network", "Node"]

Node = tuple[str, ...]


@final
class Network:
    """Nodes, the room left on the links between them, and what flows."""

    __slots__ = ("room",)

    def __init__(self) -> None:
        self.room: dict[Node, dict[Node, int]] = {}

    def link(self, one: Node, two: Node, room: int) -> None:
        """Let at most ``room`` flow from ``one`` to ``two``."""
        self.room.setdefault(one, {})[two] = room
        self.room.setdefault(two, {})[one] = 0

    def push(self, path: Sequence[Node], units: int) -> None:
        """Let ``units`` more flow along ``path``."""
        for one, two in pairwise(path):
            self.room[one][two] -= units
            self.room[two][one] += units

    def flow(self, one: Node, two: Node) -> int:
        """Return what flows from ``one`` to ``two``."""
        return self.room[two][one]

    def fill(self, source: Node, sink: Node) -> int:
        """Let flow more until no more can; return how much more that is.

        What flows out of the source into one of its neighbours never becomes less.
        """
        total = 0
        while path := self._way(source, sink):
            units = min(self.room[one][two] for one, two in pairwise(path))
            self.push(path, units)
            total += units
        return total

    def _way(self, source: Node, sink: Node) -> list[Node]:
        came = self.reached(source, sink)
        if sink not in came:
            return []
        path = [sink]
        while path[-1] != source:
            path.append(came[path[-1]])
        path.reverse()
        return path

    def reached(self, source: Node, sink: Node | None = None) -> dict[Node, Node]:
        """Return the nodes that more could flow to, each with that before it on a shortest way.

        Looking ends where ``sink`` is found.
        """
        came = {source: source}
        waiting = [source]
        for one in waiting:
            for two, room in self.room.get(one, {}).items():
                if room > 0 and two not in came:
                    came[two] = one
                    if two == sink:
                        return came
                    waiting.append(two)
        return came
