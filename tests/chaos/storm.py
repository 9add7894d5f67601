"""Workers at a shop on a real PostgreSQL while everything is killed; then calm, then the audit.

What is killed is drawn from a seed; what it hits is up to the machine: no two runs are the same.
Processes die; nothing is done to the power, the disk or a replica.
"""

import os
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from sqlalchemy import Engine, create_engine

from orderwright import OrderDesk, Posting
from orderwright.adapters.sqlalchemy import SqlInventory, SqlOrders, upgrade_schema
from orderwright.adapters.system import pause, utc_now
from tests.chaos.audit import Audit, Stores, all_orders
from tests.chaos.commands import HOT, LOCATIONS, PLACES, SKUS
from tests.chaos.journal import Journal
from tests.chaos.nursery import Nursery
from tests.chaos.provider import PeerPayments
from tests.postgres import Database, Server

SERVER_FAULTS = ("server and sessions", "server and sessions", "server", "one process")


@dataclass(frozen=True)
class Weather:
    """How much is killed, and how long it may take."""

    seed: int = 1
    workers: int = 16
    worker_kills: int = 200
    server_kills: int = 20
    provider_kills: int = 10
    answers: int = 500
    """So many commands have to be acknowledged meanwhile."""
    seconds: float = 600.0
    between_server_kills: tuple[float, float] = (2.0, 5.0)
    synchronous: bool = True
    """Whether the server writes a commit down before it tells; only a planted fault is False."""


@dataclass
class Storm:
    """One run."""

    weather: Weather
    seen: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)
    """What the server wrote in its log as an error, by name."""

    def __post_init__(self) -> None:
        """Prepare."""
        self._draw = Random(self.weather.seed)  # noqa: S311
        self._lives: Counter[str] = Counter()
        self._plans: list[tuple[float, Callable[[], None]]] = []
        self.journal = Journal()

    @contextmanager
    def run(self) -> Iterator[Audit]:
        """Storm, then calm; what is left can be audited while the block lasts."""
        weather = self.weather
        with ExitStack() as stack:
            folder = stack.enter_context(TemporaryDirectory(prefix="chaos-", dir=SHORT))
            self._folder = Path(folder)
            stack.callback(self.journal.close)
            self._nursery = Nursery(self.journal.pen)  # which has enough to load meanwhile
            stack.callback(self._nursery.close)
            settings = {**SETTINGS, "synchronous_commit": "on" if weather.synchronous else "off"}
            self._server = stack.enter_context(Server(fsync=True, settings=settings))
            database = stack.enter_context(self._server.database())
            self._open(database)
            self._storm()
            engine = create_engine(database.url())
            stack.callback(engine.dispose)
            now = self._calm(engine)
            self.told += said(self._server)
            yield Audit(
                Stores(SqlOrders(engine), SqlInventory(engine)),
                self._folder / "books",
                self.journal,
                self.told,
                now,
            )

    def _open(self, database: Database) -> None:
        """Open the shop, with little in it."""
        self._url = database.url()
        engine = create_engine(self._url)
        upgrade_schema(engine)
        inventory = SqlInventory(engine)
        for number, sku in enumerate(SKUS):
            units = 6 if sku in HOT else 2
            place = PLACES[number % len(PLACES)]
            inventory.post(Posting.receive(f"opening-{sku}", sku, place, units, at=utc_now()))
        engine.dispose()

    # Storm ----------------------------------------------------------------------------------

    def _storm(self) -> None:
        """Kill until enough were, or the time is over."""
        weather = self.weather
        self._start_provider(calm=False)
        for number in range(weather.workers):
            self._start_worker(f"w{number}")
        start = time.monotonic()
        self._later((0.5, 0.5), self._hit_worker)
        self._later(weather.between_server_kills, self._hit_server)
        self._later((1.0, 4.0), self._hit_provider)
        self._later((1.0, 3.0), self._hit_session)
        while time.monotonic() < start + weather.seconds and self.short:
            self._do_what_is_due(time.monotonic())
            self.journal.read(0.02)
        self.seen["seconds"] = round(time.monotonic() - start)

    def _later(self, seconds: tuple[float, float], action: Callable[[], None]) -> None:
        """Do something after some time."""
        self._plans.append((time.monotonic() + self._draw.uniform(*seconds), action))

    def _do_what_is_due(self, now: float) -> None:
        due = [action for at, action in self._plans if at <= now]
        self._plans = [(at, action) for at, action in self._plans if at > now]
        for action in due:
            action()

    @property
    def short(self) -> str:
        """What was fewer than wanted; empty if nothing was."""
        seen, weather = self.seen, self.weather
        wanted = {
            "workers": (seen["workers killed"], weather.worker_kills),
            "server": (
                seen["server killed"] + seen["server and sessions killed"],
                weather.server_kills,
            ),
            "provider": (seen["provider killed"], weather.provider_kills),
            "answers": (len(self.journal.answered), weather.answers),
        }
        few = (f"{name} {done} of {goal}" for name, (done, goal) in wanted.items() if done < goal)
        return ", ".join(few)

    def _start_worker(self, name: str) -> None:
        self._lives[name] += 1
        self._nursery.worker(
            name,
            self._lives[name],
            url=self._url,
            address=str(self._folder / "provider"),
            seed=self.weather.seed,
            unanswered=self.journal.left_by(name),
        )

    def _start_provider(self, *, calm: bool) -> None:
        self._lives["provider"] += 1
        self._nursery.provider(
            address=str(self._folder / "provider"),
            path=str(self._folder / "books"),
            seed=f"{self.weather.seed} {self._lives['provider']}",
            calm=calm,
        )

    def _hit_worker(self) -> None:
        """Kill a worker; or put one to sleep, so that it wakes up when others did its work."""
        self._later((0.05, 0.5), self._hit_worker)
        name = self._draw.choice(self._workers)
        if self._draw.random() < 0.05:
            self._nursery.send(name, signal.SIGSTOP)
            self.seen["workers put to sleep"] += 1
            life = self._lives[name]
            self._later((1.0, 4.0), lambda: self._wake(name, life))
            return
        self._end(name, signal.SIGKILL)
        self.seen["workers killed"] += 1
        self._start_worker(name)
        if name in self.journal.open:
            self.seen["commands sent again by another life"] += 1

    @property
    def _workers(self) -> list[str]:
        return sorted(self._nursery.pids.keys() - {"provider"})

    def _wake(self, name: str, life: int) -> None:
        if self._lives[name] == life:
            self._nursery.send(name, signal.SIGCONT)

    def _end(self, name: str, number: signal.Signals) -> None:
        """End a process, and complain of one that had ended by itself."""
        right = 0 if number == signal.SIGTERM else -number
        ended = self._nursery.end(name, number)
        if ended != right:
            self.journal.wrong.append(f"{name} ended by itself: {ended}")

    def _hit_provider(self) -> None:
        self._end("provider", signal.SIGKILL)
        self.seen["provider killed"] += 1
        self._later((0.0, 0.3), lambda: self._start_provider(calm=False))
        self._later((1.0, 4.0), self._hit_provider)

    def _hit_server(self) -> None:
        """Kill all of the server, its first process alone, or one of those that work for it."""
        fault = self._draw.choice(SERVER_FAULTS)
        sessions = children_of(self._server.process.pid)
        if fault == "one process":
            if sessions:
                kill(self._draw.choice(sessions))
                self.seen["processes of the server killed"] += 1
            self._later(self.weather.between_server_kills, self._hit_server)
            return
        self._server.kill()
        if fault == "server and sessions":
            for one in sessions:
                kill(one)
        self.seen[f"{fault} killed"] += 1
        self._later((0.0, 1.0), self._start_server)

    def _hit_session(self) -> None:
        """Have the server end a session, as `pg_terminate_backend` does."""
        self._later((1.0, 3.0), self._hit_session)
        sessions = children_of(self._server.process.pid, b"postgres: postgres")
        if sessions:
            kill(self._draw.choice(sessions), signal.SIGTERM)
            self.seen["sessions ended"] += 1

    def _start_server(self) -> None:
        self.told += said(self._server)
        self._server.start()
        self._later(self.weather.between_server_kills, self._hit_server)

    # Calm -----------------------------------------------------------------------------------

    def _calm(self, engine: Engine) -> datetime:
        """Let everybody finish, and resume until nothing is due; return when that was.

        What waits for a person is tried again, as a person would.
        """
        self._all_up()
        for name in self._workers:
            self._nursery.send(name, signal.SIGTERM)
        for name in self._workers:
            self._end(name, signal.SIGTERM)
            self.journal.read()
        orders = SqlOrders(engine)
        now = utc_now()
        desk = OrderDesk(
            orders=orders,
            inventory=SqlInventory(engine),
            payments=PeerPayments(str(self._folder / "provider")),
            locations=LOCATIONS,
            clock=lambda: now,
            pause=pause,
        )
        for _ in range(ROUNDS):
            due = orders.due(NEVER, limit=1_000)
            if due:
                now = max(now, due[-1].due_at)
                assert () == desk.resume(now=now, limit=1_000).failures
                self.seen["orders resumed in the calm"] += len(due)
                continue
            parked = [
                (order.id, intent.id) for order in all_orders(orders) for intent in order.intents
            ]
            if not parked:
                return now
            for order_id, intent_id in parked:
                desk.retry(order_id, intent_id)
            self.seen["calls retried by hand in the calm"] += len(parked)
        raise AssertionError(orders.due(NEVER))

    def _all_up(self) -> None:
        """Start what is down, wake who sleeps, and have the provider lose nothing any more."""
        hits = (self._hit_worker, self._hit_session, self._hit_server, self._hit_provider)
        for _, action in tuple(self._plans):
            if action not in hits:
                action()
        self._end("provider", signal.SIGKILL)
        self._start_provider(calm=True)


SHORT = "/tmp" if Path("/tmp").is_dir() else None  # noqa: S108 - a socket's name must be short
ROUNDS = 60
NEVER = datetime(9000, 1, 1, tzinfo=UTC)
SETTINGS = {"log_error_verbosity": "verbose"}
if sys.platform == "linux":  # else a server that starts after a crash flushes file by file
    SETTINGS["recovery_init_sync_method"] = "syncfs"


def children_of(pid: int, title: bytes = b"") -> list[int]:
    """The processes that a process has started, where the system tells; some by their title."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            told, command = stat.read_text(), (stat.parent / "cmdline").read_bytes()
        except OSError:
            continue  # it has ended
        if int(told.rpartition(")")[2].split()[1]) == pid and command.startswith(title):
            found.append(int(stat.parent.name))
    return sorted(found)


def kill(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    """End a process of the server, unless it has ended."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def said(server: Server) -> Counter[str]:
    """What a server wrote in its log since it was started that is an error, by name."""
    told = server.told()
    return Counter(re.findall(r"ERROR: +([0-9A-Z]{5}: .*)", told))
