"""What a hot SKU costs, beside the same orders spread out.

``python -m bench.hot_sku [--processes 8] [--seconds 1.5] [--rounds 3] [--flush 10]`` starts
PostgreSQL servers of its own that flush every commit to disk; a second one takes ``--flush``
milliseconds longer for it, as one does that waits for a standby. Each process reserves single units
as fast as it can, one posting after the other, each a commit of its own. The rounds take turns, and
what is printed is the best rate of each scene beside that of the hot SKU: rates belong to the
machine, ratios less so.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import create_engine

from orderwright import Posting, Reservation
from orderwright.adapters.sqlalchemy import SqlInventory, upgrade_schema
from orderwright.inventory.guard import StockPolicy
from tests.postgres import Server

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.connection import Connection

    from sqlalchemy import Engine

    from orderwright.inventory.guard import StockMode

__all__ = ["SCENES", "Scene", "measured"]

_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
_UNTIL = _NOON + timedelta(minutes=30)
_STOCK = 10**9
_WAIT = 120.0  # seconds until a process that does not answer is given up


class Scene(NamedTuple):
    """Units of ``skus`` articles at ``places`` locations, ``orders`` of them in one posting."""

    name: str
    skus: int = 1
    places: int = 1
    orders: int = 1
    mode: StockMode = "guarded"

    def inventory(self, engine: Engine) -> SqlInventory:
        """Return the stock, guarded or not."""
        policy = StockPolicy(mode=self.mode)
        return SqlInventory(engine, policies=lambda _sku, _place: policy)


SCENES = (
    Scene("one hot SKU"),
    Scene("spread over 16 SKUs", skus=16),
    Scene("spread over 1,000 SKUs", skus=1_000),
    Scene("one hot SKU, its stock at 16 locations", places=16),
    Scene("one hot SKU, 10 orders in a posting", orders=10),
    Scene("one hot SKU that nobody counts", mode="untracked"),
)


class _Turn(NamedTuple):
    """What a process is asked to do: a scene, for so many seconds, under ids of its own."""

    url: str
    scene: Scene
    number: int
    seconds: float


def _post(inventory: SqlInventory, turn: _Turn, worker: int, number: int) -> None:
    """Reserve the next unit, or the next few; each process goes round in another order."""
    scene, held = turn.scene, []
    for index in range(scene.orders):
        step = (number * scene.orders + index) * 7 + worker * 131
        order_id = f"o-{turn.number}-{worker}-{number}-{index}"
        sku, place = f"SKU-{step % scene.skus}", f"PLACE-{step % scene.places}"
        held.append(Reservation(f"{order_id}/f1", sku, place, 1, _UNTIL, order_id))
    inventory.post(Posting.reserve(f"{held[0].order_id}/reserve", held, at=_NOON))


def _work(worker: int, pipe: Connection) -> None:
    """Take turns until there is none."""
    while (turn := pipe.recv()) is not None:
        engine = create_engine(turn.url)
        inventory = turn.scene.inventory(engine)
        for number in range(-8, 0):  # psycopg prepares what is run a sixth time
            _post(inventory, turn, worker, number)
        pipe.send(0)
        pipe.recv()  # all begin together
        start = perf_counter()
        for number in count():
            if perf_counter() - start >= turn.seconds:
                pipe.send(number / (perf_counter() - start))
                break
            _post(inventory, turn, worker, number)
        engine.dispose()


def _answers(pipes: Sequence[Connection]) -> list[float]:
    answers: list[float] = []
    for pipe in pipes:
        if not pipe.poll(_WAIT):
            raise TimeoutError("a process does not answer")
        answers.append(float(pipe.recv()))
    return answers


def _taken(pipes: Sequence[Connection], turn: _Turn) -> float:
    """Return how many units a second all processes reserve together."""
    for pipe in pipes:
        pipe.send(turn)
    _answers(pipes)  # they have all warmed up
    for pipe in pipes:
        pipe.send("go")
    return sum(_answers(pipes)) * turn.scene.orders


def _stocked(engine: Engine, scene: Scene) -> None:
    upgrade_schema(engine)
    inventory = scene.inventory(engine)
    for place in range(scene.places):
        for sku in range(scene.skus):
            inventory.post(
                Posting.receive(
                    f"d-{sku}-{place}", f"SKU-{sku}", f"PLACE-{place}", _STOCK, at=_NOON
                )
            )


def _check(engine: Engine, scene: Scene) -> None:
    """Raise AssertionError unless each unit that left what is available is in a reservation."""
    inventory = SqlInventory(engine)
    skus = [f"SKU-{number}" for number in range(scene.skus)]
    stocks = inventory.supply(skus, now=_NOON)
    left = sum(_STOCK - one.available for one in stocks)
    held = len(inventory.reservations(_NOON, skus=skus))
    if not 0 < left == held == sum(one.reserved for one in stocks):
        raise AssertionError(f"{scene.name}: {left} units left, {held} reservations")


@contextmanager
def _processes(number: int) -> Iterator[list[Connection]]:
    context = multiprocessing.get_context("spawn")
    ends = [context.Pipe() for _ in range(number)]
    workers = [
        context.Process(target=_work, args=(worker, theirs), daemon=True)
        for worker, (_, theirs) in enumerate(ends)
    ]
    for worker in workers:
        worker.start()
    yield [mine for mine, _ in ends]
    for mine, _ in ends:
        mine.send(None)
    for worker in workers:
        worker.join(_WAIT)


def measured(
    processes: int, seconds: float, rounds: int, flush: int, scenes: Sequence[Scene] = SCENES
) -> dict[Scene, float]:
    """Return the best rate of each scene, in reserved units a second."""
    best = dict.fromkeys(scenes, 0.0)
    slow = {"commit_delay": str(1_000 * flush), "commit_siblings": "0"}
    with Server(fsync=True, settings=slow) as server, _processes(processes) as pipes:
        for number in range(rounds):
            for scene in scenes:
                with server.database() as database:
                    engine = create_engine(database.url())
                    _stocked(engine, scene)
                    turn = _Turn(database.url(), scene, number, seconds)
                    best[scene] = max(best[scene], _taken(pipes, turn))
                    _check(engine, scene)
                    engine.dispose()
    return best


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="What a hot SKU costs.")
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--flush", type=int, default=10)
    told = parser.parse_args()
    for flush in (0, told.flush):
        best = measured(told.processes, told.seconds, told.rounds, flush)
        hot = best[SCENES[0]]
        print(f"{told.processes} processes, {os.cpu_count()} cores, flush {flush} ms longer")
        for scene, rate in best.items():
            print(f"{rate / hot:6.2f} times {scene.name:42} {rate:8,.0f} units/s")


if __name__ == "__main__":
    main()
