"""A worker: it draws commands and tells a desk on PostgreSQL, until it is killed.

Before it does something, and when it has been answered, it says so in a pipe that another process
reads: that is what the world outside knows. A command without an answer is sent again.
"""

import json
import os
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from hashlib import sha256
from random import Random
from typing import Any, Self

import psycopg
from sqlalchemy import create_engine

from orderwright import AdapterFault, Order, OrderDesk, OrderwrightError, Refused
from orderwright.adapters.sqlalchemy import SqlInventory, SqlOrders
from orderwright.adapters.system import pause, utc_now
from orderwright.codec import Codec
from orderwright.errors import NotFound, OutcomeUnknown
from orderwright.flows.resuming import Resumed
from tests.chaos.commands import LOCATIONS, Command, drawn, perform
from tests.chaos.provider import PeerPayments

CODEC = Codec()


def digest(order: Order) -> str:
    """A short word for all that an order says."""
    document = json.dumps(CODEC.encode_order(order), sort_keys=True)
    return sha256(document.encode()).hexdigest()[:16]


def named(error: OrderwrightError) -> str:
    """What went wrong, by name: the kind, the adapter's, and what the database calls it."""
    kind = type(error).__name__
    if not isinstance(error, AdapterFault):
        return kind
    original = getattr(error.__cause__, "orig", None)
    code = getattr(original, "sqlstate", None)
    known = (one for one in KNOWN if one in error.detail)
    why = f"SQLSTATE {code}" if code else next(known, f"other: {error.detail[:200]}")
    return f"{kind}, {error.adapter}: {why}"


KNOWN = (
    "cut after it was done",
    "starting up",
    "shutting down",
    "in recovery mode",
    "not yet accepting connections",
    "terminating connection",
    "server closed the connection",
    "Connection refused",
    "No such file",
    "connection is closed",
    "the connection is lost",
    "not there",
    "no answer",
)


def expected(error: OrderwrightError) -> bool:
    """Whether a client has to live with it."""
    passing = isinstance(error, AdapterFault) and error.retryable
    return passing or isinstance(error, Refused | NotFound | OutcomeUnknown)


def briefly(span: timedelta) -> None:
    """Wait, but less: a life is short."""
    pause(span / 8)


class Line(psycopg.Cursor[Any]):
    """A line to the server that is cut now and then: what was asked is done, the answer is lost."""

    luck: Callable[[], float]

    def execute(self, query: Any, *more: Any, **named: Any) -> Self:  # noqa: ANN401
        """Ask, and perhaps never hear of it."""
        super().execute(query, *more, **named)
        writes = "orderwright_post(" in str(query) or "INSERT INTO" in str(query)
        if self.luck() < CUTS[writes]:
            self.connection.close()
            raise psycopg.OperationalError("server closed the connection: cut after it was done")
        return self


CUTS = {True: 0.03, False: 0.002}
"""How often a line is cut, where something is written and where not."""


class Worker:
    """One life of the worker `name`."""

    def __init__(self, name: str, life: int, given: dict[str, Any], journal: int) -> None:
        self.name = name
        self.life = life
        self._journal = journal
        self._draw = Random(f"{given['seed']} {name} {life}")  # noqa: S311
        Line.luck = staticmethod(self._draw.random)
        self._orders, inventory = repositories(given["url"])
        self._desk = OrderDesk(
            orders=self._orders,
            inventory=inventory,
            payments=PeerPayments(given["address"]),
            locations=LOCATIONS,
            clock=utc_now,
            pause=briefly if self._draw.random() < 0.5 else None,
        )
        self._stopped = False
        signal.signal(signal.SIGTERM, self._stop)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})

    def _stop(self, *_: object) -> None:
        self._stopped = True

    def tell(self, **what: object) -> None:
        """Write a line in the journal."""
        os.write(self._journal, json.dumps({"worker": self.name, **what}).encode() + b"\n")

    def run(self, unanswered: Command | None) -> None:
        """Send what was left without an answer, then more, until told to stop."""
        number = 0
        if unanswered is not None:
            self._send(unanswered)
        while not self._stopped:
            number += 1
            key = f"{self.name}-{self.life}-{number}"
            try:
                command = drawn(self._draw, self._orders, key)
            except OrderwrightError as error:
                self._met(error)
                time.sleep(0.05)
            else:
                self.tell(begun=command)
                self._send(command)

    def _send(self, command: Command) -> None:
        while True:
            try:
                reply = perform(self._desk, command)
            except OrderwrightError as error:
                self._met(error)
                if not isinstance(error, AdapterFault) or not expected(error):
                    self.tell(refused=type(error).__name__)
                    return
                time.sleep(0.05)
            else:
                self._answered(reply)
                return

    def _answered(self, reply: object) -> None:
        if isinstance(reply, Order):
            self.tell(done=True, version=reply.version, digest=digest(reply))
            return
        if isinstance(reply, Resumed):
            for _, error in reply.failures:
                self._met(error)
        self.tell(done=True)

    def _met(self, error: OrderwrightError) -> None:
        if expected(error):
            self.tell(met=named(error))
        else:
            self.tell(wrong=f"{named(error)}: {error}"[:2000])


@cache
def repositories(url: str) -> tuple[SqlOrders, SqlInventory]:
    """Both on one engine, which connects when it is first used: in a life, not before."""
    lines = {"cursor_factory": Line}
    engine = create_engine(url, pool_size=1, max_overflow=1, connect_args=lines)
    inventory = SqlInventory(engine)
    return SqlOrders(engine, inventory=inventory), inventory


def work(name: str, life: int, given: dict[str, Any], journal: int) -> None:
    """Live, until told to stop."""
    Worker(name, life, given, journal).run(given["unanswered"])
