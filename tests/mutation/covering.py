"""Which tests run which lines: found once, so that a mutant meets only those that can see it."""

import hashlib
import os
import pickle
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import coverage
import pytest

from tests.mutation.mutants import Mutant
from tests.mutation.running import OPTIONS, ROOT, Plan, quiet, steady


@dataclass
class Cover:
    """Which tests run which lines, and how long each takes."""

    seconds: dict[str, float] = field(default_factory=dict)
    lines: dict[tuple[str, int], set[str]] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def add(self, other: "Cover") -> None:
        """Take in what another process found."""
        self.seconds |= other.seconds
        for place, tests in other.lines.items():
            self.lines.setdefault(place, set()).update(tests)
        self.broken += other.broken

    def forget(self, files: Collection[str]) -> None:
        """Drop what was found of the tests of some files."""
        gone = {name for name in self.seconds if name.partition("::")[0] in files}
        for tests in self.lines.values():
            tests.difference_update(gone)
        for name in gone:
            del self.seconds[name]

    def seeing(self, mutant: Mutant) -> set[str]:
        """The tests that run the mutant; for what only runs while importing, all may see it."""
        path = str(mutant.path)
        found: set[str] = set()
        for line in mutant.lines:
            found |= self.lines.get((path, line), set())
        return found or (set(self.seconds) if mutant.function is None else set())

    def plan(self, mutant: Mutant, budget: float) -> Plan:
        """Choose tests for a mutant: its own file's first if it is imported anew, then quick ones.

        Later cases of one test come behind the first ones of others.
        """
        own = f"test_{mutant.path.stem}.py"
        home = mutant.function is None
        cases: Counter[str] = Counter()
        ranked: list[tuple[bool, float, str]] = []
        for name in sorted(self.seeing(mutant), key=lambda one: (self.seconds[one], one)):
            test = name.partition("[")[0]
            cases[test] += 1
            away = home and own not in name
            ranked.append((away, self.seconds[name] * cases[test], name))
        chosen: dict[str, float] = {}
        spent = 0.0
        for _, _, name in sorted(ranked):
            if spent + self.seconds[name] <= budget or not chosen:
                chosen[name] = self.seconds[name]
                spent += self.seconds[name]
        return Plan(mutant, chosen)


class Covering:
    """A pytest plugin that notes the lines of each test."""

    def __init__(self, measured: coverage.Coverage) -> None:
        self.measured = measured
        self.cover = Cover()

    def pytest_configure(self) -> None:
        """Search each property as it is searched later."""
        steady()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Note which test it is that runs, and how long it works."""
        self.measured.switch_context(item.nodeid)
        started = time.process_time()
        result = yield
        self.cover.seconds[item.nodeid] = time.process_time() - started
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what fails without any mutant."""
        if report.failed:
            self.cover.broken.append(report.nodeid)


def measure(paths: Sequence[Path], files: Sequence[str]) -> Cover:
    """Run test files, in this process, and note which lines of `paths` each test runs."""
    measured = coverage.Coverage(
        data_file=None, config_file=False, include=[str(one) for one in paths]
    )
    plugin = Covering(measured)
    measured.start()
    try:
        pytest.main([*OPTIONS, *files], plugins=[plugin])
    finally:
        measured.stop()
    data = measured.get_data()
    cover = plugin.cover
    for path in data.measured_files():
        for line, contexts in data.contexts_by_lineno(path).items():
            tests = set(contexts) & cover.seconds.keys()
            if tests:
                cover.lines[path, line] = tests
    return cover


def digest(paths: Sequence[Path], file: str) -> str:
    """What tells whether the tests of a file may run other lines than before."""
    found = hashlib.sha256()
    for path in (*paths, ROOT / file):
        found.update(path.read_bytes())
    return found.hexdigest()


def covered(paths: Sequence[Path], files: Sequence[str], workers: int, kept: Path | None) -> Cover:
    """Measure test files in several processes; take over what is `kept` of unchanged ones."""
    started = time.monotonic()
    now = {file: digest(paths, file) for file in files}
    before: dict[str, str] = {}
    whole = Cover()
    if kept is not None and kept.is_file():
        before, whole = pickle.loads(kept.read_bytes())  # noqa: S301 - written below
    stale = [file for file in files if before.get(file) != now[file]]
    whole.forget({file for file in before if before[file] != now.get(file)})
    # Those next to each other in the alphabet take about as long.
    for cover in beside([stale[start::workers] for start in range(workers)], paths):
        whole.add(cover)
    if whole.broken:
        raise SystemExit(f"fails without any mutant: {whole.broken}")
    took = time.monotonic() - started
    print(  # noqa: T201 - what a program says
        f"{len(whole.seconds)} tests, of {len(stale)} files measured now, in {took:.0f} s",
        flush=True,
    )
    if kept is not None:
        kept.write_bytes(pickle.dumps((now, whole)))
    return whole


def beside(shares: Sequence[Sequence[str]], paths: Sequence[Path]) -> Iterator[Cover]:
    """Measure shares of the test files beside each other, each in a child."""
    children: list[tuple[int, int]] = []
    for share in filter(None, shares):
        reads, writes = os.pipe()
        child = os.fork()
        if not child:
            try:
                os.close(reads)
                quiet()
                with os.fdopen(writes, "wb") as out:
                    pickle.dump(measure(paths, share), out)
            finally:
                os._exit(0)
        os.close(writes)
        children.append((child, reads))
    for child, reads in children:
        with os.fdopen(reads, "rb") as told:
            yield pickle.load(told)  # noqa: S301 - written by a child
        os.waitpid(child, 0)
