"""Samples of mutants, and what became of them in figures."""

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

from tests.mutation.equivalent import EQUIVALENT
from tests.mutation.mutants import Mutant, mutants
from tests.mutation.running import Verdict

SCORE_MIN = 0.9


def sample(paths: Sequence[Path], size: int, seed: int) -> tuple[int, list[Mutant]]:
    """How many mutants there are, and `size` of them: from each file by its share, by the seed."""
    every = {path: list(mutants(path)) for path in paths}
    made = sum(map(len, every.values()))
    chosen: list[Mutant] = []
    for path, found in every.items():
        share = min(len(found), math.ceil(size * len(found) / made))
        random = Random(f"{seed} {path.name}")  # noqa: S311 - no secret
        drawn = random.sample(found, share)
        chosen += sorted(drawn, key=lambda one: one.number)
    return made, chosen


def interval(killed: int, whole: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share."""
    if not whole:
        return 0.0, 1.0
    z = 1.959964
    share = killed / whole
    middle = share + z * z / (2 * whole)
    half = z * math.sqrt(share * (1 - share) / whole + z * z / (4 * whole * whole))
    scale = 1 + z * z / whole
    return (middle - half) / scale, (middle + half) / scale


def say(line: str) -> None:
    """Print a line at once: a run takes its time."""
    print(line, flush=True)  # noqa: T201 - what a program says


def report(name: str, made: int, verdicts: Sequence[Verdict]) -> tuple[float, int]:
    """Print what became of the mutants of a group; return its score, and how many are unexplained.

    An explained mutant that survived is no fault, so it counts neither way.
    """
    survived = [one for one in verdicts if one.outcome == "survived"]
    unexplained = [one for one in survived if one.mutant.name not in EQUIVALENT]
    counts = Counter(one.outcome for one in verdicts)
    explained = len(survived) - len(unexplained)
    whole = len(verdicts) - explained
    low, high = interval(whole - len(unexplained), whole)
    score = 1 - len(unexplained) / max(1, whole)
    say(
        f"{name}: made {made}, sampled {len(verdicts)}, killed {counts['killed']}, "
        f"timed out {counts['timed out']}, survived {len(survived)} "
        f"(explained {explained}): {score:.1%} [{low:.1%}, {high:.1%}]"
    )
    for one in sorted(unexplained, key=lambda one: str(one.mutant)):
        say(f"    {one.mutant}{f' ({one.by})' if one.by else ''}")
    for one in verdicts:
        if one.outcome != "survived" and one.mutant.name in EQUIVALENT:
            say(f"    explained, but noticed by {one.by}: {one.mutant}")
    return score, len(unexplained)
