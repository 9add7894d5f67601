"""The simulator: flows taken one request further at a time, and what can go wrong with each.

It performs what flows ask on a :class:`~orderwright.testing.simulation.World`, in one thread,
exactly as the steps say, and looks at the laws after every one that could have written something.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal, TypeAlias, cast, final

from orderwright.drivers import known
from orderwright.errors import (
    AdapterFault,
    Conflict,
    InvalidInput,
    OrderwrightError,
    OutcomeUnknown,
)
from orderwright.orders.order import Order
from orderwright.requests import CallCarrier, CallProvider, LookUp, PostStock, SaveOrder
from orderwright.testing.simulation.law import LawBroken, require
from orderwright.testing.simulation.law import law as lawful
from orderwright.testing.simulation.laws import Watch, check_quiet
from orderwright.testing.simulation.sometimes import about, arrived, begun, look_back, met
from orderwright.testing.simulation.steps import Begin, Go, Late

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from orderwright.requests import Flow, Request
    from orderwright.testing.simulation.steps import Call, Step
    from orderwright.testing.simulation.world import World

__all__ = ["FAULTS", "Fault", "Simulation", "Worker"]

Fault: TypeAlias = Literal[
    "crash before",
    "crash after",
    "sent twice",
    "not reached",
    "unknown, done",
    "unknown, not done",
    "unknown, done late",
    "declined",
    "rival first",
    "stock taken",
]
_EFFECTS = (PostStock, CallProvider, CallCarrier)
_WRITES = (SaveOrder, *_EFFECTS)
FAULTS: dict[Fault, tuple[type[Request[object]], ...]] = {
    "crash before": (),
    "crash after": (),
    "sent twice": (*_EFFECTS, LookUp),
    "not reached": (),
    "unknown, done": _WRITES,
    "unknown, not done": _WRITES,
    "unknown, done late": _WRITES,
    "declined": (CallProvider, CallCarrier),
    "rival first": (SaveOrder,),
    "stock taken": (PostStock,),
}
"""What can happen to a request, and to which: to every one where none is named.

The process dies before it is made, or after, before the reply is seen. The request arrives twice,
or not at all. No answer comes, and it was done, it was not, or it will be later. The provider says
no. Somebody else saves the order first, or takes the stock.
"""
_LONGEST = 10_000
"""Who asks for more, with nothing going wrong, has no end: to resume hundreds takes less."""
REPEATED = frozenset({"count_stock", "post_stock", "sell_out"})
"""What is told again until it is answered, under the same id: whoever counted has to."""
_ON_MANY = REPEATED | {"fill", "notify_payment", "resume", "retry"}
_LOST = frozenset({"crash before", "not reached", "unknown, not done", "unknown, done late"})


@final
class Worker:
    """A flow that somebody runs, what it asks next, and what of it was ``done`` last."""

    __slots__ = ("call", "done", "flow", "name", "request", "saved")

    def __init__(self, name: str, call: Call, flow: Flow[object]) -> None:
        self.name: str = name
        self.call: Call = call
        self.flow: Flow[object] = flow
        self.request: Request[object] | None = None
        self.saved: int = 0
        self.done: Request[object] | None = None


@final
class Simulation:
    """A ``world`` to which steps are done, in order: that is all there is to a story.

    ``hear`` is called with a worker's name and what it is told, before it is.
    ``script`` are the steps done so far, ``trace`` what came of each, ``seen`` how often each fault
    and each outcome was met. A step that has become impossible, as its worker is gone, does
    nothing. ``watching`` looks at the laws after each step; without it they are only looked at in
    the calm, or from when :meth:`watch` is called.
    """

    def __init__(self, world: World, *, watching: bool = True) -> None:
        self.world: World = world
        self.workers: dict[str, Worker] = {}
        self.unanswered: list[Call] = []
        self.late: list[Request[object]] = []
        self.script: list[Step] = []
        self.trace: list[tuple[str, str, str, str]] = []
        self.seen: Counter[str] = Counter()
        self.hear: Callable[[str, object], None] | None = None
        self._rivals = 0
        self._watch = Watch(world) if watching else None

    def watch(self) -> None:
        """Look at the laws after each step from now on, and right now. Raises LawBroken."""
        self._watch = Watch(self.world)

    def run(self, steps: Iterable[Step]) -> None:
        """Do the steps. Raises LawBroken."""
        for step in steps:
            self.do(step)

    def do(self, step: Step) -> None:
        """Do one step. Raises LawBroken, and InvalidInput for a fault that there is not."""
        if isinstance(step, Go) and step.fault and step.fault not in FAULTS:
            raise InvalidInput.at(
                "fault", f"{step.fault!r} is none of: {', '.join(map(repr, FAULTS))}"
            )
        self.script.append(step)
        if isinstance(step, Begin):
            self._begin(step)
        elif isinstance(step, Go):
            if step.worker in self.workers:
                self._go(self.workers[step.worker], step.fault)
        elif isinstance(step, Late):
            if step.number < len(self.late):
                request = self.late.pop(step.number)
                kind = type(request).__name__
                came = self._tried(request)[1]
                self._note("late", kind, "", came)
                self.seen.update(arrived(request, came))
                self._look()
        else:
            happened: Callable[..., object] = getattr(self.world, step.name)
            happened(*step.args)
            self._note("outside", step.name, "", "")
            self._look()

    def calm(self) -> None:
        """Let everybody finish, and resume what is left open until nothing is: then look at it all.

        Nothing goes wrong any more, what was late arrives, and the provider makes up its mind.
        Raises LawBroken.
        """
        self.world.make_up_minds()
        while self.late:
            self.do(Late())
        self._end(self.workers)
        before, self.unanswered = self.unanswered, []
        for number, call in enumerate(before):
            if call.name in REPEATED:
                name = f"again-{number}"
                self.do(Begin(name, call))
                self._end((name,))
        _answers(self.unanswered)
        _settles(self.world, self._look)
        check_quiet(self.world)
        self.seen.update(look_back(self.world))

    def _end(self, names: Iterable[str]) -> None:
        """Take some flows on to their end, in turn."""
        for _ in range(_LONGEST):
            going = [name for name in names if name in self.workers]
            if not going:
                return
            for name in going:
                self.do(Go(name))
        _ends(self.workers.values())

    @property
    def length(self) -> tuple[int, int]:
        """How many flows were begun, and how many requests were made."""
        flows = sum(isinstance(step, Begin) for step in self.script)
        return flows, sum(what[:1].isupper() for _, what, _, _ in self.trace)

    # One step -------------------------------------------------------------------------------

    def _begin(self, step: Begin) -> None:
        if step.worker in self.workers:
            raise InvalidInput.at("worker", f"{step.worker!r} is in the middle of something")
        worker = Worker(step.worker, step.call, step.call.flow(self.world.desk))
        self.seen.update(begun(self, step.call))
        self.workers[step.worker] = worker
        self._on(worker, worker.flow.send, None)
        self._note(step.worker, step.call.told, "", self._state(worker))

    def _go(self, worker: Worker, fault: str) -> None:
        request = cast("Request[object]", worker.request)
        kind = type(request).__name__
        usual = self.world.moods_by_id
        self._prepare(request, fault)
        self.seen.update(about(self, request))
        reply: object = None
        error: OrderwrightError | None = None
        told = ""
        if fault not in _LOST:
            for _ in range(2 if fault == "sent twice" else 1):
                reply, told, error = self._tried(request)
        self.world.moods_by_id = usual
        if fault == "unknown, done late":
            self.late.append(request)
        self.seen.update(met(self, worker, fault, error))
        worker.done = None if error is not None or fault in _LOST else request
        if fault.startswith("crash"):
            worker.flow.close()
            del self.workers[worker.name]
            self.unanswered.append(worker.call)
            self.world.desk = self.world.new_desk()
        elif fault == "not reached":
            self._on(worker, worker.flow.throw, AdapterFault("world", fault, retryable=True))
        elif fault.startswith("unknown"):
            self._on(worker, worker.flow.throw, OutcomeUnknown("world", "no answer"))
        elif error is not None:
            self._on(worker, worker.flow.throw, error)
        else:
            worker.saved += isinstance(request, SaveOrder)
            self._on(worker, worker.flow.send, reply)
        self._note(worker.name, kind, fault, told or self._state(worker))
        if isinstance(request, _WRITES):
            self._look()

    def _prepare(self, request: Request[object], fault: str) -> None:
        """Let happen first what a fault says happens first."""
        if fault == "declined" and isinstance(request, CallProvider | CallCarrier):
            no: Literal["decline", "refuse"]
            no = "decline" if isinstance(request, CallProvider) else "refuse"
            self.world.moods_by_id = {**self.world.moods_by_id, request.request.id: no}
        elif fault == "rival first" and isinstance(request, SaveOrder):
            order_id = request.order.id
            if self.world.orders.load(order_id) is not None:
                self._rivals += 1
                self.world.desk.note(order_id, "here first", key=f"rival-{self._rivals}")
        elif fault == "stock taken" and isinstance(request, PostStock):
            for entry in request.posting.entries:
                if entry.bucket == "available" and entry.quantity < 0:
                    self._rivals += 1
                    self.world.lose(f"rival-{self._rivals}", entry.sku, entry.location)

    def _tried(self, request: Request[object]) -> tuple[object, str, OrderwrightError | None]:
        """Perform a request; return its reply, what to note of it, and the error it raised."""
        try:
            reply = request.perform(self.world.desk.ports)
        except Exception as raised:  # noqa: BLE001 - as the drivers do
            error = known(request, raised)
            return None, type(error).__name__, error
        return reply, "", None

    def _on(self, worker: Worker, go: Callable[..., Request[object]], value: object) -> None:
        """Take a flow on to its next request, or to its end."""
        if self.hear is not None:
            self.hear(worker.name, value)
        try:
            worker.request = go(value)
        except StopIteration as stopped:
            self._done(worker)
            if isinstance(stopped.value, Order):
                _kept(self.world, worker.call, stopped.value)
        except OrderwrightError as error:
            self._done(worker)
            self.seen[f"{worker.call.told}: {type(error).__name__}"] += 1
            if isinstance(error, AdapterFault | Conflict):
                self.unanswered.append(worker.call)
            _refused(worker, error)
        except Exception as error:
            self._done(worker)
            told = f"{worker.call} raised {type(error).__name__}: {error}"
            raise LawBroken(told, "a command answers, or raises one error of the tree") from error

    def _done(self, worker: Worker) -> None:
        worker.request = None
        self.workers.pop(worker.name, None)
        self.seen[worker.call.told] += 1

    @staticmethod
    def _state(worker: Worker) -> str:
        return "done" if worker.request is None else "goes on"

    def _note(self, who: str, what: str, fault: str, came: str) -> None:
        self.trace.append((who, what, fault, came))
        if fault:
            self.seen[fault] += 1

    def _look(self) -> None:
        if self._watch is not None:
            self._watch.look()


@lawful("whoever raises has saved nothing")
def _refused(worker: Worker, error: OrderwrightError) -> None:
    """What works through many orders, or takes up what was saved before, tells how far it came."""
    if worker.call.name not in _ON_MANY:
        require(not worker.saved, f"{worker.call} saved {worker.saved} times, then: {error}")


@lawful("when faults stop, everything settles")
def _settles(world: World, look: Callable[[], None]) -> None:
    try:
        world.calm(look=look)
    except LawBroken:
        raise
    except AssertionError as never:
        raise LawBroken(str(never)) from never


@lawful("when faults stop, everything settles")
def _ends(workers: Iterable[Worker]) -> None:
    """A flow that still asks has no end, as far as anybody can wait for it."""
    going = [one.call for one in workers]
    require(not going, "after {} requests these still ask: {}", _LONGEST, going)


@lawful("when faults stop, everything settles")
def _answers(calls: Sequence[Call]) -> None:
    """Who says a call again when nothing goes wrong any more gets an answer."""
    again = [one for one in calls if one.name in REPEATED]
    require(not again, "these have no answer, although nothing goes wrong: {}", again)


@lawful("what was acknowledged is kept")
def _kept(world: World, call: Call, order: Order) -> None:
    """The order that a command returned is in its history, and so is its key."""
    there = world.orders.load(order.id)
    if there is None or there.version != order.version:
        history = world.orders.events(order.id)
        require(order.version <= len(history), f"{order.id} has lost version {order.version}")
        there = Order.replay(history[: order.version], world.lifecycles)
    require(there == order, "{} returned an order that was never saved: {!r}", call, order)
    key = call.more.get("key")
    if isinstance(key, str) and key:
        told = world.orders.events(order.id)[: order.version]
        found = any(event.key == key for event in told)
        unknown = "{} returned an order that knows nothing of it: version {}"
        require(found, unknown, call, order.version)
