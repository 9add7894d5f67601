"""Print how fast orderwright is beside its counterparts, each ratio next to its bar.

``python -m bench [CASE …] [--full] [--profile]``; the exit code is 1 if a ratio misses its bar.
"""

from __future__ import annotations

import argparse
import cProfile
import platform
import pstats
import sys

from bench.cases import CASES, FULL, growth
from bench.ours import OurShop
from bench.postgres import POSTGRES, full, measured, usual
from bench.story import baskets
from bench.timing import table


def _profile(lives: int) -> None:
    shop, orders = OurShop(), baskets(lives)
    with cProfile.Profile() as profile:
        for basket in orders:
            shop.live(basket)
    stats = pstats.Stats(profile)
    stats.strip_dirs().sort_stats("tottime").print_stats(25)
    stats.sort_stats("cumulative").print_stats("orderwright|order|flow|memory|processing", 25)


def main(arguments: list[str]) -> int:
    """Run what the command line asks for; return how many ratios missed, at most 1."""
    every = [*CASES, *POSTGRES, "growth"]
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("case", nargs="*", help=f"of {', '.join(every)}; all if left out")
    parser.add_argument("--profile", action="store_true", help="show where a life's time goes")
    parser.add_argument("--full", action="store_true", help="also load one of a million orders")
    chosen = parser.parse_args(arguments)
    unknown = set(chosen.case) - set(every)
    if unknown:
        parser.error(f"no case {', '.join(sorted(unknown))}")
    if chosen.profile:
        _profile(500)
        return 0
    names = chosen.case or every
    python = f"{platform.python_implementation()} {platform.python_version()}"
    print(f"{python}, best of {FULL.rounds} or more interleaved rounds")
    results = [CASES[name](FULL) for name in names if name in CASES]
    on_postgres = [name for name in names if name in POSTGRES]
    if on_postgres:
        results += measured(on_postgres, full if chosen.full else usual)
    if results:
        print(table(results))
    if "growth" in names:
        print("one life of ours, with so many orders in the repository:")
        for count, seconds in growth(FULL):
            print(f"    {count:>7,} {seconds * 1e6:9.1f} us")
    return int(any(one.verdict == "MISS" for one in results))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
