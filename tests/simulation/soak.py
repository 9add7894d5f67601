"""A long run of storms, on all cores: `python -m tests.simulation.soak 1000000`.

`--keep FILE` goes on where an earlier run of the same source stopped, and keeps how far it came.
"""

import argparse
import ast
import gc
import hashlib
import pickle
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import orderwright
from orderwright import testing
from orderwright.testing import simulation
from orderwright.testing.simulation import SOMETIMES, Restaurant, Retail, Weather, weather

BLOCK = 500
RETAIL = 4
"""Of five blocks so many are of the shop, the rest of the restaurant."""
TURNS = (24, 32, 40)
AT_ONCE = 24
"""So many blocks are handed out before it is told how far it came."""


@dataclass
class Soaked:
    """What came of all blocks so far, in this run and earlier ones of the same `source`."""

    source: str
    blocks: int = 0
    storms: int = 0
    requests: int = 0
    seconds: float = 0.0
    digests: set[bytes] = field(default_factory=set)
    seen: Counter[str] = field(default_factory=Counter)

    def add(self, one: Weather) -> None:
        """Take in a block."""
        self.blocks += 1
        self.storms += one.storms
        self.requests += one.requests
        self.digests |= one.digests
        self.seen += one.seen


def source() -> str:
    """What tells the modules that storms run from any others: what they do, not what they say.

    Adapters to databases are not in, nor is the kit for who writes one.
    """
    digest = hashlib.sha256()
    for name, module in sorted(sys.modules.items()):
        ours = name.split(".")[0] == orderwright.__name__
        kit = name.startswith(testing.__name__) and not name.startswith(simulation.__name__)
        if ours and not kit and module.__file__:
            does = Silent().visit(ast.parse(Path(module.__file__).read_bytes()))
            digest.update(f"{name} {ast.dump(does)}".encode())
    return digest.hexdigest()


class Silent(ast.NodeTransformer):
    """Leaves out what is only there to be read."""

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        """A string by itself says something, and does nothing."""
        said = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if said else node


def block(number: int) -> Weather:
    """Live through one block of storms: seeds that no other block has."""
    scenario = Retail() if number % 5 < RETAIL else Restaurant()
    seeds = range(1_000_000 + number * BLOCK, 1_000_000 + (number + 1) * BLOCK)
    return weather(scenario, seeds, turns=TURNS[number % len(TURNS)])


def begun(keep: Path | None) -> Soaked:
    """Return how far an earlier run came with the same source: nowhere, if there was none."""
    fresh = Soaked(source())
    if keep is None or not keep.is_file():
        return fresh
    kept: Soaked = pickle.loads(keep.read_bytes())  # noqa: S301 - we wrote it
    return kept if kept.source == fresh.source else fresh


def soak(storms: int, seconds: float, keep: Path | None, workers: int | None) -> int:
    """Run until there were so many different schedules, or so many seconds; tell what was met.

    Returns 1 if a rare event was never met. Raises LawBroken, with the story.
    """
    so_far = begun(keep)
    began, before = time.monotonic(), so_far.seconds
    # What is imported stays: nobody need look through it for garbage again and again.
    with ProcessPoolExecutor(workers, initializer=gc.freeze) as pool:
        while len(so_far.digests) < storms and so_far.seconds - before < seconds:
            for one in pool.map(block, range(so_far.blocks, so_far.blocks + AT_ONCE)):
                so_far.add(one)
            so_far.seconds = before + time.monotonic() - began
            if keep is not None:
                new = keep.with_suffix(".new")
                new.write_bytes(pickle.dumps(so_far))
                new.replace(keep)
    return told(so_far)


def told(so_far: Soaked) -> int:
    """Print what was met; return 1 if something never was."""
    different = len(so_far.digests)
    print(f"{so_far.storms} storms, {different} different ones of 3 flows and 12 requests,")
    print(f"{so_far.requests} requests, {so_far.seconds:.0f} seconds, no law broken")
    for name in SOMETIMES:
        print(f"{so_far.seen[name]:9}  {name}")
    for name, times in sorted(so_far.seen.items()):
        if name.startswith("exception "):
            print(f"{times:9}  {name}")
    missed = [name for name in SOMETIMES if not so_far.seen[name]]
    print(f"never met: {', '.join(missed) or 'nothing'}")
    return int(bool(missed))


def main() -> int:
    """Read the command line, and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.soak", description=__doc__)
    parser.add_argument("storms", nargs="?", type=int, default=1_000_000, help="so many different")
    parser.add_argument("seconds", nargs="?", type=float, default=1e9, help="or so long")
    parser.add_argument("--keep", type=Path, help="where to keep how far it came")
    parser.add_argument("--workers", type=int, help="on so many cores; all if left out")
    given = parser.parse_args()
    return soak(given.storms, given.seconds, given.keep, given.workers)


if __name__ == "__main__":
    # Kept under the name it is found by again.
    from tests.simulation import soak as here

    sys.exit(here.main())
