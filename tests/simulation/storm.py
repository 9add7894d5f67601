"""A storm: workers take turns at every request, and what can go wrong does; then it is calm.

All is drawn from one seed, so a number is a whole story: the same one each time, everywhere.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from orderwright import AddLine, ChangeLine, OrderwrightError, Policy, Tender
from orderwright.errors import AdapterFault, OutcomeUnknown
from orderwright.requests import CallProvider, Flow, LookUp, PostStock, Request, SaveOrder
from tests.worlds import HOUR, MINUTE, World, card, check_laws, check_quiet, eur, flow_of, line

SKUS = ("MUG", "CUP", "TEA")
PLACES = ("MAIN", "STORE", "DEPOT")
WORKERS = 4
WRITES = (SaveOrder, PostStock, CallProvider)
FAULTS = (
    "crash before",
    "crash after",
    "sent twice",
    "not reached",
    "unknown, done",
    "unknown, not done",
    "long wait",
    "moody provider",
    "deliveries",
    "short authorizations",
)
MOODS = ("approve", "decline", "pending", "requires_action", "answer_lost", "request_lost")
WAITS = (timedelta(seconds=1), MINUTE, 3 * MINUTE, HOUR)


@dataclass
class Worker:
    """A flow that somebody runs, and what it asks next."""

    name: str
    flow: Flow[object]
    request: Request[object]


@dataclass
class Storm:
    """What happens by the number ``seed``, in ``steps`` turns."""

    seed: int
    steps: int = 60
    trace: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Open a shop with a policy and the faults of this run, a subset of all."""
        draw = self.draw = Random(self.seed)  # noqa: S311 - it must repeat
        self.faults = [one for one in FAULTS if draw.random() < 0.6]
        self.rate = draw.choice((0.05, 0.12, 0.25))
        policy = Policy(
            capture=draw.choice(("on_confirmation", "on_dispatch", "by_hand", "on_placement")),
            refund=draw.choice(("when_cancelled", "when_cancelled", "by_hand")),
            short=draw.choice(("reject", "backorder", "backorder")),
            unpaid_ttl=draw.choice((None, HOUR, 10 * MINUTE)),
            attempts=draw.choice((2, 5)),
            replans=draw.choice((0, 3)),
        )
        stock = (("MUG", "MAIN", draw.randint(1, 4)), ("MUG", "STORE", 1), ("CUP", "STORE", 3))
        self.world = World(*stock, policy=policy)
        self.workers: list[Worker] = []
        self.keys = 0
        self.orders: list[str] = []

    def run(self) -> None:
        """Storm, calm, audit: raise AssertionError with the story if a law is broken."""
        try:
            for step in range(self.steps):
                self._turn()
                if step % 4 == 0:
                    check_laws(self.world)
            self._calm()
            check_quiet(self.world)
        except AssertionError as broken:
            story = "\n  ".join(self.trace)
            raise AssertionError(f"Storm({self.seed}, {self.steps}):\n  {story}") from broken

    # What is done ---------------------------------------------------------------------------

    def _turn(self) -> None:
        draw = self.draw
        if len(self.workers) < WORKERS and draw.random() < 0.45:
            self._begin()
        elif not self.workers or draw.random() < 0.08:
            self._outside()
        else:
            self._step(draw.randrange(len(self.workers)))

    def _begin(self) -> None:
        name, args, more = self._command()
        flow = flow_of(self.world.new_desk(), name, *args, **more)
        told = [one for one in args if not isinstance(one, list)]
        self.trace.append(f"begin {name} {told} {sorted(more)}")
        self._go(Worker(name, flow, LookUp), flow.send, None, new=True)

    def _command(self) -> tuple[str, tuple[object, ...], dict[str, object]]:
        draw = self.draw
        if len(self.orders) < 3 and (not self.orders or draw.random() < 0.5):
            name = f"o{len(self.orders) + 1}"
            self.orders.append(name)
            return self._place(name)
        known = [one for one in self.orders if self.world.orders.load(one)]
        if not known:
            return ("resume", (), {}) if draw.random() < 0.5 else self._place(self.orders[0])
        # What is in the middle of something is more likely to be touched again.
        busy = [one for one in known if self.world.orders.load(one).intents]
        order_id = draw.choice(busy if busy and draw.random() < 0.6 else known)
        self.keys += 1
        more: dict[str, object] = {"key": f"k{self.keys}"} if draw.random() < 0.5 else {}
        parts = [one.id for one in self.world.orders.load(order_id).fulfillments]
        part = draw.choice((*parts, "f1"))
        by_kind: dict[str, tuple[str, tuple[object, ...], dict[str, object]]] = {
            "resume": ("resume", (), {}),
            "ship": ("ship", (order_id, part), more),
            "deliver": ("deliver", (order_id, part), more),
            "cancel": ("cancel", (order_id,), {"reason": "sorry", **more}),
            "pay": ("pay", (order_id, [card()]), more),
            "capture": ("capture", (order_id,), more),
            "refund": ("refund", (order_id,), more),
            "return": ("request_return", (order_id, {"l1": 1}), {"reason": "torn", **more}),
            "receive_return": (
                "receive_return",
                (order_id, {"l1": 1}),
                {"location": "MAIN", **more},
            ),
            "cancel some": ("cancel", (order_id,), {"units": {"l1": 1}, "reason": "less", **more}),
            "place": self._place(order_id),
            "allocate": ("allocate", (order_id,), {}),
            "split": ("split", (order_id, part, {"l1": 1}), more),
            "move": ("move", (order_id, part, draw.choice(PLACES)), more),
            "short_pick": ("short_pick", (order_id, part, {"l1": 1}), more),
            "start": ("advance", (order_id, part, "release"), more),
            "pick": ("advance", (order_id, part, "pick"), more),
            "refuse": ("advance", (order_id, part, "refuse"), more),
            "elsewhere": ("report_cancellation", (order_id,), {"reason": "there", **more}),
            "release": ("release_hold", (order_id, "note"), more),
            "notice": ("notify_payment", (self._operation(order_id),), {}),
            "edit": (
                "edit",
                (order_id, [ChangeLine(line_id="l1", quantity=draw.choice((0, 1, 3)))]),
                more,
            ),
            "add": ("edit", (order_id, [AddLine(line=line("MUG", 1, "4.99"))]), more),
            "chargeback": ("report_chargeback", (order_id, "p1", eur(5)), more),
            "hold": ("hold", (order_id, "note"), {"blocks": {"refund"}, **more}),
            "credit": ("credit", (order_id, eur("1.11")), {"reason": "scratch", **more}),
        }
        common = ("resume", "resume", "ship", "ship", "deliver", "pay", "place")
        return by_kind[draw.choice((*common, *by_kind))]

    def _operation(self, order_id: str) -> str:
        """Return the id of a payment operation of an order, or of none there is."""
        order = self.world.orders.load(order_id)
        known = [one.id for payment in order.payments for one in payment.operations]
        return self.draw.choice((*known, f"{order_id}/p1/authorize-1"))

    def _place(self, name: str) -> tuple[str, tuple[object, ...], dict[str, object]]:
        """Return an order that is the same whenever it has this name: it may be sent again."""
        draw = Random(f"{self.seed} {name}")  # noqa: S311
        lines = [
            line(draw.choice(SKUS[:2]), draw.randint(1, 2), draw.choice(("10.00", "3.33")))
            for _ in range(draw.randint(1, 2))
        ]
        tenders = draw.choice(
            ([card()], [card()], [], [Tender(method="gift_card", amount=eur(5)), card()])
        )
        return "place", (lines,), {"order_id": name, "tenders": tenders}

    def _outside(self) -> None:
        draw, world = self.draw, self.world
        what = draw.choice(("time", "provider", "delivery", "authorizations"))
        if what == "time":
            world.now += draw.choice(WAITS if "long wait" in self.faults else WAITS[:2])
        elif what == "provider" and "moody provider" in self.faults:
            world.moods = [draw.choice(MOODS) for _ in range(3)]
        elif what == "delivery" and "deliveries" in self.faults:
            self.keys += 1
            world.receive(f"d{self.keys}", draw.choice(SKUS), draw.choice(PLACES), 1)
        elif what == "authorizations" and "short authorizations" in self.faults:
            world.lasting = draw.choice((None, 30 * MINUTE))
        else:
            return
        self.trace.append(f"{what}: {world.now:%H:%M:%S} {world.moods} {world.lasting}")

    # What goes wrong ------------------------------------------------------------------------

    def _step(self, number: int) -> None:
        worker = self.workers[number]
        request = worker.request
        possible = [one for one in self.faults if self._may(one, request)]
        fault = self.draw.choice(possible) if possible and self.draw.random() < self.rate else ""
        self.trace.append(f"{worker.name}: {type(request).__name__} {fault}".rstrip())
        if fault:
            self.seen[fault] += 1
        error: OrderwrightError | None = None
        reply: object = None
        if fault not in ("crash before", "not reached", "unknown, not done"):
            for _ in range(2 if fault == "sent twice" else 1):
                error = None
                try:
                    reply = request.perform(self.world.desk.ports)
                except OrderwrightError as raised:
                    error = raised
        if fault.startswith("crash"):
            worker.flow.close()
            self.workers.remove(worker)
            return
        if fault == "not reached":
            error = AdapterFault("simulated", "not reached", retryable=True)
        elif fault.startswith("unknown"):
            error = OutcomeUnknown("simulated", "no answer")
        if error is None:
            self._go(worker, worker.flow.send, reply)
        else:
            self._go(worker, worker.flow.throw, error)

    @staticmethod
    def _may(fault: str, request: Request[object]) -> bool:
        if fault == "sent twice":
            return isinstance(request, PostStock | CallProvider | LookUp)
        if fault.startswith("unknown"):
            return isinstance(request, WRITES)
        return fault.startswith("crash") or fault == "not reached"

    def _go(self, worker: Worker, call: object, value: object, *, new: bool = False) -> None:
        try:
            worker.request = call(value)
        except StopIteration:
            self._over(worker, "done", new=new)
        except OrderwrightError as error:
            self._over(worker, type(error).__name__, new=new)
        else:
            if new:
                self.workers.append(worker)

    def _over(self, worker: Worker, how: str, *, new: bool) -> None:
        self.trace.append(f"{worker.name}: {how}")
        self.seen[f"{worker.name} {how}"] += 1
        if not new:
            self.workers.remove(worker)

    def _calm(self) -> None:
        """Let everybody finish, nothing going wrong any more; then what is left open is resumed."""
        self.trace.append("calm")
        self.faults = []
        self.world.moods.clear()
        while self.workers:
            self._step(0)
        self.world.calm()
