"""Every way in which a few flows can take turns, with a crash of all of them at every point."""

from __future__ import annotations

from string import ascii_lowercase
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, cast, final

from orderwright.errors import InvalidInput
from orderwright.orders.order import Order
from orderwright.testing.simulation.law import LawBroken
from orderwright.testing.simulation.laws import check_laws
from orderwright.testing.simulation.shrinking import shrunk, story
from orderwright.testing.simulation.simulator import Simulation
from orderwright.testing.simulation.steps import Begin, Go
from orderwright.testing.simulation.writing import imports

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orderwright.testing.simulation.steps import Call, Step
    from orderwright.testing.simulation.world import World

__all__ = ["Explored", "Scene", "explore"]

Scene: TypeAlias = "Callable[[], tuple[World, Sequence[Call]]]"
"""Makes a world, the same one each time, and the calls that are made in it at once."""


_LONGEST = 1_000
"""More requests cannot be looked at in every order: what asks for more has no end."""


@final
class Explored(NamedTuple):
    """What was looked at: ``states`` of world and flows, and worlds as ``stored``.

    In each of the latter everybody was made to crash, and all was resumed. ``ends`` are what was
    stored when all flows had ended.
    """

    states: int
    stored: int
    ends: frozenset[object]


@final
class _Played:
    """A scene after some turns: what is stored there, and what each flow has been told so far."""

    def __init__(
        self, scene: Scene, turns: Sequence[int], simulation: Simulation | None = None
    ) -> None:
        world, calls = scene()
        if len(calls) > len(ascii_lowercase):
            most = f"{len(calls)}: more than {len(ascii_lowercase)} cannot be looked at completely"
            raise InvalidInput.at("calls", most)
        self._scene = scene
        self._simulation = simulation or Simulation(world, watching=False)
        self._simulation.hear = self._hear
        self._histories: dict[str, tuple[int, int]] = {}
        self._replies: dict[str, int] = {}
        self.names: tuple[str, ...] = tuple(ascii_lowercase[: len(calls)])
        for name, call in zip(self.names, calls, strict=True):
            self._replies[name] = 0
            self._simulation.do(Begin(name, call))
        for turn in turns[:-1]:
            self.take(turn)
        self._simulation.watch()  # what came before was looked at when it first came
        for turn in turns[-1:]:
            self.take(turn)

    def take(self, number: int) -> None:
        """Let a flow take a turn. Raises LawBroken with the story."""
        try:
            self._simulation.do(Go(self.names[number]))
        except LawBroken as broken:
            raise _told(self._scene, self._simulation.script, broken) from broken

    @property
    def going(self) -> list[int]:
        """The numbers of the flows that have not ended."""
        running = self._simulation.workers
        return [number for number, name in enumerate(self.names) if name in running]

    @property
    def replies(self) -> tuple[int, ...]:
        """What tells apart what the flows were told."""
        return tuple(self._replies.values())

    def stored(self) -> object:
        """Return what tells this stored world from others."""
        world = self._simulation.world
        return (
            *((order.id, self._history(order)) for order in world.all_orders()),
            *(posting.id for posting in world.inventory.postings()),
            *world.payments.operations,
            *((one.operation_id, one.cancelled_by) for one in world.carrier.books.values()),
        )

    def _hear(self, name: str, reply: object) -> None:
        self._replies[name] = hash((self._replies.get(name, 0), self._hash_of(reply)))

    def _hash_of(self, reply: object) -> int:
        """Return a hash of a reply; what an order is, its history tells in fewer words."""
        if isinstance(reply, Order):
            return self._history(reply)
        if type(reply) is tuple:
            return hash(tuple(self._hash_of(one) for one in cast("tuple[object, ...]", reply)))
        return hash(repr(reply))

    def _history(self, order: Order) -> int:
        """Return a hash of the history of an order up to its version."""
        version, told = self._histories.get(order.id, (0, 0))
        if version > order.version:
            version, told = 0, 0
        if version < order.version:
            events = self._simulation.world.orders.events(order.id, after=version)
            for event in events[: order.version - version]:
                told = hash((told, repr(event)))
            self._histories[order.id] = order.version, told
        return told


def explore(scene: Scene, *, prune: bool = True) -> Explored:
    """Let the flows of a scene take turns, request by request, in every order there is.

    The laws are looked at after each turn that may have written something, and so are they in what
    follows wherever anything new is stored: all that still run are made to crash at once, what is
    open is resumed, and the commands that did not end are told again. So each flow crashes at
    every point, whatever the others did before that, and after it as long as nobody resumes what
    it left (which is as if it stopped there). What is not met: one crashes, somebody resumes, and
    another one, begun before, goes on; unless ``resume`` is one of the calls.

    What led to the same stored world and the same replies is followed once; without ``prune``,
    each time.

    Raises LawBroken, whose text is the story: a program to paste, where the ``scene`` is at hand.
    """
    states: set[object] = set()
    stored: set[object] = set()
    ends: set[object] = set()
    pending: list[tuple[int, ...]] = [()]
    while pending:
        turns = pending.pop()
        played = _Played(scene, turns)
        while True:
            there, going = played.stored(), played.going
            state = (there, *played.replies)
            if prune and state in states:
                break
            states.add(state)
            if there not in stored:
                stored.add(there)
                _recover(scene, turns)
            if not going:
                ends.add(there)
                break
            if len(turns) > _LONGEST:
                raise LawBroken(
                    f"{scene()[1][going[0]]} still asks after {_LONGEST} requests",
                    "when faults stop, everything settles",
                )
            pending += [(*turns, number) for number in going[1:]]
            turns = (*turns, going[0])
            played.take(going[0])
    return Explored(len(states), len(stored), frozenset(ends))


def _recover(scene: Scene, turns: tuple[int, ...]) -> None:
    """Look at what is stored; then all crash, what is open is resumed, and all is told again."""
    simulation = Simulation(scene()[0], watching=False)
    played = _Played(scene, turns, simulation)
    try:
        check_laws(simulation.world)
        crashed = [played.names[number] for number in played.going]
        calls = [simulation.workers[name].call for name in crashed]
        simulation.run(Go(name, "crash before") for name in crashed)
        simulation.calm()
        for name, call in zip(crashed, calls, strict=True):
            simulation.do(Begin(f"{name} again", call))
        if calls:
            simulation.calm()
    except LawBroken as broken:
        raise _told(scene, simulation.script, broken) from broken


def _told(scene: Scene, steps: Sequence[Step], broken: LawBroken) -> LawBroken:
    """Return what broke, with the shortest story found that breaks the same law."""

    def breaks(some: list[Step]) -> bool:
        simulation = Simulation(scene()[0])
        try:
            simulation.run(some)
            simulation.calm()
        except LawBroken as again:
            return again.law == broken.law
        return False

    few = shrunk(steps, breaks)
    used: set[object] = {Simulation}
    again = f"simulation = Simulation(scene()[0])\nsimulation.run({story(few, used)})"
    told = f"{broken.found}\n{imports(used)}\n{again}\nsimulation.calm()"
    return LawBroken(told, broken.law)
