"""A process that has loaded everything and is connected to nothing, and forks the others.

Each line of the input asks for something, each line of the output answers. Who is killed is waited
for at once, so that no number is another process's by then. The end of the input ends all.
"""

import gc
import json
import os
import signal
import subprocess
import sys
import traceback
from contextlib import suppress
from random import Random
from typing import Any

from orderwright import OrderDesk, OrderwrightError
from orderwright.adapters.memory import MemoryInventory, MemoryOrders, MemoryPayments
from orderwright.adapters.system import utc_now
from tests.chaos.commands import LOCATIONS, drawn, perform
from tests.chaos.provider import serve
from tests.chaos.worker import CODEC, repositories, work
from tests.helpers import ROOT


class Nursery:
    """The parent's end: it starts processes by name, and ends them."""

    def __init__(self, journal: int) -> None:
        self.pids: dict[str, int] = {}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.nursery", str(journal)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            pass_fds=[journal],
        )

    def _ask(self, **asked: object) -> int:
        assert self._process.stdout is not None
        print(json.dumps(asked), file=self._process.stdin, flush=True)
        answer: int = json.loads(self._process.stdout.readline())
        return answer

    def worker(self, name: str, life: int, **given: object) -> None:
        """Start a worker."""
        self.pids[name] = self._ask(start="worker", name=name, life=life, given=given)

    def provider(self, **given: object) -> None:
        """Start the provider."""
        self.pids["provider"] = self._ask(start="provider", name="provider", given=given)

    def end(self, name: str, number: signal.Signals) -> int:
        """Send a signal that ends a process, and return with what it ended."""
        return self._ask(end=self.pids.pop(name), signal=int(number))

    def send(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a process, which stays ours until it is ended."""
        os.kill(self.pids[name], number)

    def close(self) -> None:
        """End all that are left."""
        self._process.communicate(timeout=60)


def main(journal: int) -> None:
    """Fork and kill as asked."""
    warm()
    gc.collect()
    gc.freeze()  # what is not touched stays shared
    # Who is told to stop before it knows how hears of it as soon as it does.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    children: set[int] = set()
    try:
        for line in sys.stdin:
            asked = json.loads(line)
            if "start" in asked:
                answer = _forked(asked, journal)
                children.add(answer)
            else:
                answer = _ended(asked["end"], asked["signal"])
                children.remove(asked["end"])
            print(answer, flush=True)  # noqa: T201 - that is how it answers
    finally:
        for child in children:
            _ended(child, signal.SIGKILL)


def warm() -> None:
    """Do a little of everything in memory, so that it is not each life that learns how."""
    orders, draw = MemoryOrders(), Random(1)  # noqa: S311
    desk = OrderDesk(
        orders=orders,
        inventory=MemoryInventory(),
        payments=MemoryPayments(),
        locations=LOCATIONS,
        clock=utc_now,
    )
    for number in range(200):
        with suppress(OrderwrightError):
            perform(desk, drawn(draw, orders, f"warm-{number}"))
    for entry in orders.feed(limit=1_000):
        CODEC.decode_event(CODEC.encode_event(entry.event))
        order = orders.load(entry.order_id)
        assert order is not None
        CODEC.decode_order(CODEC.encode_order(order))


def _forked(asked: dict[str, Any], journal: int) -> int:
    if asked["start"] == "worker":
        repositories(asked["given"]["url"])  # what is made here need not be in every life
    child = os.fork()
    if child:
        return child
    given = asked["given"]
    try:
        if asked["start"] == "provider":
            serve(**given)
        else:
            work(asked["name"], asked["life"], given, journal)
    except BaseException:  # noqa: BLE001 - whatever it is, it must be told
        told = {"worker": asked["name"], "wrong": traceback.format_exc()[-2000:]}
        os.write(journal, json.dumps(told).encode() + b"\n")
        os._exit(1)
    os._exit(0)


def _ended(child: int, number: int) -> int:
    os.kill(child, number)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    main(int(sys.argv[1]))
