"""Storms: what workers do, and what goes wrong, drawn from a seed; then calm, then the audit.

A seed is a whole story, the same one everywhere. Each run takes a random part of the faults there
are (a swarm: what never happens together with something else is met as well).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from random import Random
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar, final

from orderwright.testing.simulation.law import LawBroken
from orderwright.testing.simulation.shrinking import shrunk, story
from orderwright.testing.simulation.simulator import FAULTS, Simulation
from orderwright.testing.simulation.steps import Begin, Go, Happen, Late
from orderwright.testing.simulation.writing import imports, written

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orderwright.testing.simulation.simulator import Fault
    from orderwright.testing.simulation.steps import Call, Step
    from orderwright.testing.simulation.world import World

__all__ = ["Scenario", "Storm", "Weather", "replay", "weather"]

W = TypeVar("W", bound="World")


class Scenario(Protocol[W]):
    """What people do in a world, and what happens there: drawn from the ``draw`` that is given."""

    def open(self, draw: Random) -> W:
        """Return a new world, ready for business."""
        ...

    def call(self, world: W, draw: Random, number: int) -> Call:
        """Return what somebody does next; ``number`` counts, for what has to be unique."""
        ...

    def happen(self, world: W, draw: Random, number: int) -> Happen:
        """Return what else happens next: time passes, goods come, a provider has its moods."""
        ...


@final
class Storm(Generic[W]):
    """The story of one ``seed`` in a ``scenario``, in so many ``turns`` by so many ``workers``."""

    def __init__(
        self, scenario: Scenario[W], seed: int, *, turns: int = 40, workers: int = 4
    ) -> None:
        self.scenario: Scenario[W] = scenario
        self.seed: int = seed
        self._turns = turns
        self._most = workers
        self._draw = Random(f"{seed}")  # noqa: S311 - it must repeat
        self._world = scenario.open(self._draw)
        self._faults: list[Fault] = [one for one in FAULTS if self._draw.random() < 0.6]  # noqa: PLR2004
        self._rate: float = self._draw.choice((0.05, 0.12, 0.25))
        # Who moves next: anybody; all in turn; or one until it ends, before the others.
        self._fair: str = self._draw.choice(("anybody", "anybody", "in turn", "one first"))
        self._eager: bool = self._draw.random() < 0.3  # noqa: PLR2004 - nobody waits to begin
        self._turn = 0
        self._number = 0
        self.simulation: Simulation = Simulation(self._world)
        self._stormed = 0
        self.length: tuple[int, int] = (0, 0)
        """How many flows it began, and how many requests they made, before the calm."""

    def run(self) -> None:
        """Live through it: storm, calm, audit. Raises LawBroken as it is, with the law's name."""
        for _ in range(self._turns):
            self.simulation.do(self._step())
        self.length = self.simulation.length
        self._stormed = len(self.simulation.trace)
        if self._draw.random() < 0.5:  # noqa: PLR2004 - the machine goes down
            for name in list(self.simulation.workers):
                self.simulation.do(Go(name, "crash before"))
        self.simulation.calm()

    @property
    def digest(self) -> bytes:
        """What tells this storm from others, in 8 bytes; the calm is nothing of its own."""
        stormed = repr(self.simulation.trace[: self._stormed])
        return hashlib.blake2b(stormed.encode(), digest_size=8).digest()

    def _step(self) -> Step:
        """Draw what comes next."""
        draw, running = self._draw, self.simulation.workers
        what = draw.random()
        if len(running) < self._most and (self._eager or what < 0.4):  # noqa: PLR2004
            return self._begin()
        if what > 0.94:  # noqa: PLR2004
            return self._outside()
        if not running:
            return self._begin()
        name = self._next(list(running))
        request = running[name].request
        if draw.random() < self._rate:
            possible = [
                one for one in self._faults if not FAULTS[one] or type(request) in FAULTS[one]
            ]
            if possible:
                return Go(name, draw.choice(possible))
        return Go(name)

    def _next(self, names: list[str]) -> str:
        """Draw who moves."""
        self._turn += 1
        if self._fair == "anybody":
            return self._draw.choice(names)
        if self._fair == "in turn":
            return names[self._turn % len(names)]
        return names[-1] if self._draw.random() < 0.9 else self._draw.choice(names)  # noqa: PLR2004

    def _begin(self) -> Begin:
        """Draw what a new worker does: often what got no answer is tried again."""
        draw = self._draw
        self._number += 1
        open_calls = self.simulation.unanswered
        running = self.simulation.workers
        if running and draw.random() < 0.08:  # noqa: PLR2004 - it is delivered twice
            call = draw.choice(list(running.values())).call
        elif open_calls and draw.random() < 0.4:  # noqa: PLR2004
            call = open_calls.pop(draw.randrange(len(open_calls)))
        else:
            call = self.scenario.call(self._world, draw, self._number)
        return Begin(f"w{self._number}", call)

    def _outside(self) -> Step:
        late = self.simulation.late
        if late and self._draw.random() < 0.7:  # noqa: PLR2004
            return Late(self._draw.randrange(len(late)))
        self._number += 1
        return self.scenario.happen(self._world, self._draw, self._number)


@final
class Weather:
    """What many storms were like: how many, how many different ones, what was seen how often.

    Different are those with another schedule of at least three flows and twelve requests before
    the calm.
    """

    def __init__(self) -> None:
        self.storms: int = 0
        self.requests: int = 0
        self.digests: set[bytes] = set()
        self.seen: Counter[str] = Counter()


def weather(
    scenario: Scenario[W],
    seeds: Iterable[int],
    *,
    turns: int = 40,
    workers: int = 4,
) -> Weather:
    """Live through the storms of many ``seeds``; return what they were like.

    Raises LawBroken, whose text is a story as short as it could be made, to be replayed.
    """
    seen = Weather()
    for seed in seeds:
        storm = Storm(scenario, seed, turns=turns, workers=workers)
        try:
            storm.run()
        except LawBroken as broken:
            raise told(storm, broken) from broken
        except Exception as error:
            steps = storm.simulation.script
            error.add_note(f"in the storm of seed {seed}, {turns=}, {workers=}: {steps[-1:]}")
            raise
        simulation = storm.simulation
        seen.storms += 1
        flows, requests = storm.length
        seen.requests += simulation.length[1]
        if flows >= 3 and requests >= 12:  # noqa: PLR2004 - what counts as a schedule
            seen.digests.add(storm.digest)
        seen.seen += simulation.seen
    return seen


def told(storm: Storm[W], broken: LawBroken) -> LawBroken:
    """Return what broke, with the shortest story found that breaks the same law."""

    def breaks(steps: list[Step]) -> str:
        try:
            replay(storm.scenario, storm.seed, steps)
        except LawBroken as again:
            return again.law
        return ""

    steps = shrunk(storm.simulation.script, lambda some: breaks(some) == broken.law)
    used: set[object] = {replay, type(storm.scenario)}
    again = f"replay({_again(storm.scenario, used)}, {storm.seed}, {story(steps, used)})"
    return LawBroken(f"{broken.found}\n{imports(used)}\n{again}", broken.law)


def _again(scenario: object, used: set[object]) -> str:
    """Return a scenario as it is made; what only its author knows is left for them to fill in."""
    found = written(scenario, used)
    if not found.startswith("<"):
        return found
    known: dict[str, object] = getattr(scenario, "__dict__", {})
    facts = " ".join(", ".join(f"{name}={value!r}" for name, value in known.items()).split())
    left = f"  # as it was made: {facts}\n" if facts else ""
    return f"{type(scenario).__name__}({left})"


def replay(scenario: Scenario[W], seed: int, steps: Iterable[Step]) -> Simulation:
    """Tell a story again: open the world of ``seed``, do the steps, and let it calm down.

    Returns what came of it. Raises LawBroken.
    """
    simulation = Simulation(scenario.open(Random(f"{seed}")))  # noqa: S311
    simulation.run(steps)
    simulation.calm()
    return simulation
