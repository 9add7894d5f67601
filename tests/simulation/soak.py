"""A long run of storms, on all cores: `python -m tests.simulation.soak 1000000`."""

import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from orderwright.testing.simulation import SOMETIMES, Restaurant, Retail, Weather, weather

BLOCK = 500
RETAIL = 4
"""Of five blocks so many are of the shop, the rest of the restaurant."""
TURNS = (16, 24, 40)


def block(number: int) -> Weather:
    """Live through one block of storms: seeds that no other block has."""
    scenario = Retail() if number % 5 < RETAIL else Restaurant()
    seeds = range(1_000_000 + number * BLOCK, 1_000_000 + (number + 1) * BLOCK)
    return weather(scenario, seeds, turns=TURNS[number % len(TURNS)])


def soak(storms: int, seconds: float) -> int:
    """Run until there were so many different schedules, or so many seconds; tell what was met.

    Returns 1 if a rare event was never met. Raises LawBroken, with the story.
    """
    began = time.monotonic()
    digests: set[bytes] = set()
    seen: Counter[str] = Counter()
    done = requests = number = 0
    with ProcessPoolExecutor() as pool:
        workers = 8
        while len(digests) < storms and time.monotonic() - began < seconds:
            for one in pool.map(block, range(number, number + workers)):
                digests |= one.digests
                seen += one.seen
                done += one.storms
                requests += one.requests
            number += workers
    took = time.monotonic() - began
    print(f"{done} storms, {len(digests)} different with 3 flows and 12 requests or more,")
    print(f"{requests} requests, {took:.0f} seconds, no law broken")
    for name in SOMETIMES:
        print(f"{seen[name]:9}  {name}")
    for name, times in sorted(seen.items()):
        if name.startswith("exception "):
            print(f"{times:9}  {name}")
    missed = [name for name in SOMETIMES if not seen[name]]
    print(f"never met: {', '.join(missed) or 'nothing'}")
    return int(bool(missed))


if __name__ == "__main__":
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    sys.exit(soak(wanted, float(sys.argv[2]) if len(sys.argv) > 2 else 1e9))
