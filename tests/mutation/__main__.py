"""Plant faults, one at a time, and count how many the tests notice: `python -m tests.mutation`."""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

# Whatever a child would import anyway, apart from what is under test.
import attrs  # noqa: F401
import cattrs.preconf.json  # noqa: F401
import hypothesis.stateful  # noqa: F401
import sybil  # noqa: F401
import transitions  # noqa: F401

from tests.mutation.covering import Cover, covered
from tests.mutation.groups import GROUPS, test_files
from tests.mutation.mutants import Mutant  # noqa: TC001 - as simple
from tests.mutation.rows import rows
from tests.mutation.running import Anew, Plan, Verdict, Within, judged
from tests.mutation.scores import SCORE_MIN, report, sample, say


def control(cover: Cover, files: Sequence[str], given: argparse.Namespace) -> None:
    """Run tests in both ways against the source as it is: what fails here proves nothing."""
    quick: dict[str, float] = {}
    for seconds, name in sorted((seconds, name) for name, seconds in cover.seconds.items()):
        if sum(quick.values()) + seconds <= given.budget:
            quick[name] = seconds
    plan = Plan(None, quick)
    for how in (Within, Anew):
        for verdict in judged([plan], how, files, 1):
            if verdict.outcome != "survived":
                raise SystemExit(f"without any mutant: {verdict.by} {verdict.outcome}")


def tried(plans: Sequence[Plan], files: Sequence[str], workers: int) -> Iterator[Verdict]:
    """Try each mutant where it takes effect.

    What a faulty function did while importing is not seen: its values were made without the fault.
    """
    yield from (Verdict(one, "survived", "no test runs it") for one in plans if not one.tests)
    inside = [one for one in plans if one.tests and one.fault.living]
    around = [one for one in plans if one.tests and not one.fault.living]
    yield from judged(inside, Within, files, workers) if inside else ()
    yield from judged(around, Anew, files, workers) if around else ()


def main() -> None:
    """Plant, run, report."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("groups", nargs="*", help=f"of {', '.join(GROUPS)}, rows; or all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sample", type=int, default=300, help="mutants of each group")
    parser.add_argument("--budget", type=float, default=15.0, help="seconds of tests for a mutant")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--cover", type=Path, help="keep here which tests run which lines")
    parser.add_argument("--only", default="", help="only mutants whose name holds this")
    parser.add_argument("--tests", nargs="*", help="run only the tests of these files")
    parser.add_argument("--loud", action="store_true", help="tell of each mutant at once")
    given = parser.parse_args()
    if sys.dont_write_bytecode:
        # Hundreds of children import the same modules: they are compiled once.
        folder = tempfile.TemporaryDirectory()
        sys.dont_write_bytecode, sys.pycache_prefix = False, folder.name
    files = given.tests or test_files()
    every = [one for paths in GROUPS.values() for one in paths]
    cover = covered(every, files, given.workers, given.cover)
    if not given.only:
        control(cover, files, given)
    enough = True
    for name in given.groups or (*GROUPS, "rows"):
        started = time.monotonic()
        if name == "rows":
            chosen: list[Mutant] = [*rows(GROUPS["lifecycles"][0], given.seed)]
            made, least = len(chosen), 1.0
        else:
            made, chosen = sample(GROUPS[name], given.sample, given.seed)
            least = SCORE_MIN
        plans = [cover.plan(one, given.budget) for one in chosen if given.only in one.name]
        verdicts: list[Verdict] = []
        for verdict in tried(plans, files, given.workers):
            verdicts.append(verdict)
            if given.loud:
                say(f"{len(verdicts)}/{len(plans)} {verdict.outcome} {verdict.mutant} {verdict.by}")
        score, unexplained = report(name, made, verdicts)
        enough &= score >= least and not unexplained
        say(f"    in {time.monotonic() - started:.0f} s")
    raise SystemExit(not enough)


if __name__ == "__main__":
    main()
