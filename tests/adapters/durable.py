"""Durable desks to test with, and what they need from outside the process."""

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy
from dbos import DBOS
from sqlalchemy import Engine, text

from orderwright import Location, Money, Order, OrderDesk, PaymentOutcome, PaymentRequest
from orderwright.adapters.dbos import CodecSerializer, DurableDesk
from orderwright.adapters.sqlalchemy import SqlInventory, SqlOrders
from orderwright.adapters.system import new_id, utc_now
from orderwright.codec import Codec
from orderwright.ports import Finding, PaymentCapabilities
from orderwright.requests import Ports
from tests.worlds import Crashed, World, card, check_laws, line

CODEC = Codec()
QUICK = {"polling_interval_sec": 0.01}
SOON = 0.03  # seconds between looks into a queue; a second by default


@contextmanager
def quick_folder() -> Iterator[Path]:
    """A folder in memory, where there is one: SQLite syncs each of DBOS's many commits to disk."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own is made below it
    with TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


@contextmanager
def running(
    desk: OrderDesk,
    url: str,
    *,
    executor: str = "one",
    version: str = "1",
    name: str = "orderwright",
    works: bool = True,
    look: float = SOON,
) -> Iterator[DurableDesk]:
    """A durable desk on a launched DBOS; it takes what is queued, if it `works`.

    It looks into the queues every `look` seconds.
    """
    dbos = launchable(url, executor=executor, version=version)
    durable = DurableDesk(desk, dbos, name=name, pauses=[timedelta(seconds=SOON)] * 3)
    try:
        launch(dbos, works=works, look=look)
        yield durable
    finally:
        DBOS.destroy(destroy_registry=True)


def launchable(url: str, *, executor: str = "one", version: str = "1") -> DBOS:
    """A DBOS to make desks for, before it is launched; there is one in a process."""
    DBOS.destroy(destroy_registry=True)
    return DBOS(
        config={
            "name": "shop",
            "system_database_url": url,
            "serializer": CodecSerializer(CODEC),
            "executor_id": executor,
            "application_version": version,
            "log_level": "CRITICAL",  # a refused command is an error to DBOS
            "notification_listener_polling_interval_sec": SOON,
        }
    )


def launch(dbos: DBOS, *, works: bool = True, look: float = SOON) -> None:
    """Launch it, with queues it looks into often, or with none."""
    dbos._registry.get_internal_queue()._polling_interval_sec = look
    if not works:
        DBOS.listen_queues([])
    DBOS.launch()
    DBOS.register_queue("orderwright", polling_interval_sec=look, worker_concurrency=4)


def place(desk: Any, order_id: str) -> Order:  # noqa: ANN401
    """Reserve, and authorize."""
    return desk.place([line(quantity=2)], order_id=order_id, tenders=[card()])


def history(desk: Any, order_id: str) -> list[str]:  # noqa: ANN401
    """The history of an order as plain data, with other names for the order and its parcel."""
    told = (json.dumps(CODEC.encode_event(one)) for one in desk.history(order_id))
    return [re.sub(r"DHL-\d+", "DHL-n", one.replace(order_id, "ORDER")) for one in told]


def workflows(**query: Any) -> dict[str, str]:  # noqa: ANN401
    """The status of every workflow that the query finds, by its id."""
    found = DBOS.list_workflows(load_input=False, load_output=False, **query)
    return {one.workflow_id: one.status for one in found}


def everything(url: str) -> str:
    """All that is in the tables of DBOS."""
    engine = sqlalchemy.create_engine(url)
    tables = sqlalchemy.MetaData()
    tables.reflect(engine)
    with engine.connect() as connection:
        rows = [row for one in tables.sorted_tables for row in connection.execute(one.select())]
    engine.dispose()
    return "\n".join(str(cell) for row in rows for cell in row)


class DurableWorld:
    """A world in memory whose desks may die at any call of a port, and where DBOS keeps its own."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder}/dbos.sqlite"
        self.world = World(("MUG", "MAIN", 500), ("CUP", "STORE", 500))
        self.dying = Dying(self.world.desk.ports)

    def new_desk(self, **more: object) -> OrderDesk:
        """An ordinary desk on the world."""
        ports = self.dying.ports
        given = {
            "orders": ports.orders,
            "inventory": ports.inventory,
            "payments": ports.payments,
            "carrier": ports.carrier,
        }
        return self.world.new_desk(**{**given, **more})

    def killed(
        self,
        command: Callable[[Any, str], Order],
        desk: DurableDesk,
        order_id: str,
        at: int,
        **how: bool,
    ) -> str | None:
        """Die at call `at` of a command; the workflow it leaves, or None if it ended before."""
        self.dying.arm(at, **how)
        try:
            command(desk, order_id)
        except Crashed:
            (left,) = workflows(status="PENDING")
            return left
        finally:
            self.dying.arm(-1, after=False)
        return None

    def check_nothing_open(self) -> None:
        """The laws hold, and nothing is left for resume."""
        check_laws(self.world)
        assert [] == [one.id for one in self.world.all_orders() if one.intents]


class Dying:
    """Ports that let the process die at the call number `at`, before or after it is made."""

    def __init__(self, ports: Ports) -> None:
        self.at = -1
        self.after = False
        self.calls = 0
        self.ports = Ports(
            orders=_Counted(ports.orders, self),
            inventory=_Counted(ports.inventory, self),
            payments=_Counted(ports.payments, self),
            carrier=_Counted(ports.carrier, self),
        )

    def arm(self, at: int, *, after: bool) -> None:
        """Die at that call from now on, counted from 0."""
        self.at, self.after, self.calls = at, after, 0

    def called(self, verb: Callable[..., Any], args: tuple[Any, ...], kwargs: Any) -> Any:  # noqa: ANN401
        """Make a call, unless it is the one to die at; a process dies once."""
        dies = self.calls == self.at
        self.calls += 1
        if dies and not self.after:
            raise Crashed
        reply = verb(*args, **kwargs)
        if dies:
            raise Crashed
        return reply


class _Counted:
    """A port whose calls are counted."""

    def __init__(self, port: Any, dying: Dying) -> None:  # noqa: ANN401
        self._port = port
        self._dying = dying

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """Its method, counted, or what else it has."""
        found = getattr(self._port, name)
        if not callable(found):
            return found
        return lambda *args, **kwargs: self._dying.called(found, args, kwargs)


class Books:
    """A payment provider with books of its own, in a table that nobody else writes.

    `after` is called once an answer is due: what it did is committed then.
    """

    capabilities = PaymentCapabilities(
        several_captures=True, partial_void=True, key_retention=timedelta(days=1)
    )

    def __init__(self, engine: Engine, after: Callable[[], None] = lambda: None) -> None:
        self._engine = engine
        self._after = after

    @staticmethod
    def open(engine: Engine) -> None:
        """Make the tables."""
        with engine.begin() as connection:
            connection.execute(
                text("CREATE TABLE books (id TEXT PRIMARY KEY, kind TEXT, minor BIGINT)")
            )
            connection.execute(text("CREATE TABLE asked (id TEXT)"))

    def _book(self, request: PaymentRequest) -> PaymentOutcome:
        row = {"id": request.id, "kind": request.kind, "minor": request.amount.minor}
        with self._engine.begin() as connection:
            connection.execute(text("INSERT INTO asked VALUES (:id)"), row)
            connection.execute(
                text("INSERT INTO books VALUES (:id, :kind, :minor) ON CONFLICT DO NOTHING"), row
            )
        self._after()
        return self._outcome(request)

    authorize = charge = capture = void = refund = _book

    def look_up(self, request: PaymentRequest) -> Finding:
        """What the books say."""
        with self._engine.connect() as connection:
            found = connection.execute(
                text("SELECT minor FROM books WHERE id = :id"), {"id": request.id}
            ).first()
        return "not_found" if found is None else self._outcome(request)

    @staticmethod
    def _outcome(request: PaymentRequest) -> PaymentOutcome:
        reference = request.reference or f"pay_{request.order_id}"
        return PaymentOutcome(outcome="succeeded", amount=request.amount, reference=reference)

    def entries(self) -> list[tuple[str, str, Money]]:
        """All that was ever moved: id, kind, amount."""
        with self._engine.connect() as connection:
            rows = connection.execute(text("SELECT id, kind, minor FROM books ORDER BY id"))
            return [(one, kind, Money(minor, "EUR")) for one, kind, minor in rows]

    def asked(self) -> int:
        """How often it was asked to move money, the same asked again included."""
        with self._engine.connect() as connection:
            return connection.scalar(text("SELECT count(*) FROM asked"))


def sql_desk(engine: Engine, books: Books) -> OrderDesk:
    """A desk whose orders and stock are in SQL."""
    return OrderDesk(
        orders=SqlOrders(engine),
        inventory=SqlInventory(engine),
        payments=books,
        locations=[Location(id="MAIN")],
        clock=utc_now,
        ids=new_id,
    )


def opened(url: str) -> Engine:
    """An engine on a database that several processes share."""
    engine = sqlalchemy.create_engine(url)
    if engine.dialect.name == "sqlite":

        @sqlalchemy.event.listens_for(engine, "connect")
        def choose(connection: Any, _: object) -> None:  # noqa: ANN401
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA busy_timeout=20000")

    return engine
