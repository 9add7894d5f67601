"""The case about plans, beside greedy ones; and, run by itself, beside a solver."""

from __future__ import annotations

import csv
import sys
from functools import partial
from statistics import median, quantiles
from time import perf_counter
from typing import TYPE_CHECKING

from bench.baselines.greedy import greedy
from bench.instances import FAMILIES, OPTIMA, Optimum, optima, problem
from bench.timing import Result
from orderwright.fulfillment.planning import plan

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.cases import Size

__all__ = ["planning"]


def _each(work: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """Return the least seconds of each piece of work."""
    found = [float("inf")] * len(work)
    for _ in range(rounds):
        for number, one in enumerate(work):
            start = perf_counter()
            one()
            found[number] = min(found[number], perf_counter() - start)
    return found


def planning(size: Size) -> Result:
    """A plan for 5 lines from 10 places: the best one, beside a greedy one; medians."""
    problems = [problem("5x10", seed) for seed in range(min(size.commands, 300))]
    rounds = max(1, size.rounds // 5)
    ours = _each([partial(plan, *given) for given in problems], rounds)
    theirs = _each([partial(greedy, *given) for given in problems], rounds)
    worse = 0
    for given in problems:
        made, quick = plan(*given), greedy(*given)
        worse += (quick.unserved, len(quick.fulfillments), quick.cost) > (
            made.unserved,
            len(made.fulfillments),
            made.cost,
        )
    detail = f"medians; the greedy plan is worse in {worse} of {len(problems)}"
    return Result("plan / greedy", median(ours), median(theirs), 5, len(problems), detail)


def _p95(seconds: Sequence[float]) -> float:
    return quantiles(seconds, n=20)[-1]


def main(arguments: Sequence[str]) -> int:
    """Compare with the solver, plan by plan; with ``--write``, keep what it proved."""
    from bench.baselines.solver import solved  # noqa: PLC0415 - only here the solver is needed

    rows: list[tuple[str, int, Optimum]] = []
    wrong = 0
    for family, (_, _, count) in FAMILIES.items():
        problems = [problem(family, seed) for seed in range(count)]
        mine: list[float] = []
        theirs: list[float] = []
        open_ones: list[str] = []
        for seed, given in enumerate(problems):
            start = perf_counter()
            made = plan(*given)
            between = perf_counter()
            best = solved(given)
            theirs.append(perf_counter() - between)
            mine.append(between - start)
            if best is None:
                print(f"{family} {seed}: the solver proves nothing in a minute")
                continue
            rows.append((family, seed, best))
            ours = Optimum(made.unserved, len(made.fulfillments), made.cost)
            if not made.optimal:
                open_ones.append(f"{seed}: {tuple(ours)}, bound {made.bound}, best {tuple(best)}")
            elif ours != best:
                wrong += 1
                print(f"{family} {seed}: {ours}, but the solver {best}")
        print(
            f"{family}: median {median(mine) * 1e3:.2f} ms (solver {median(theirs) * 1e3:.1f}), "
            f"95th percentile {_p95(mine) * 1e3:.2f} ms ({_p95(theirs) * 1e3:.1f}), "
            f"{count - len(open_ones)} of {count} proven"
        )
        for one in open_ones:
            print(f"    not proven: {one}")
    if "--write" in arguments:
        with OPTIMA.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("family", "seed", "unserved", "fulfillments", "cost"))
            writer.writerows((family, seed, *best) for family, seed, best in rows)
    elif {(family, seed): best for family, seed, best in rows} != optima():
        print("the solver and the file beside disagree")
        wrong += 1
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
