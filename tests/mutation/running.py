"""Runs tests against mutants, each in a process of its own that is forked from a warm one.

A fault within a function is put into the living functions of a process that has already imported
and collected everything: the fork costs milliseconds. What takes effect while importing is imported
anew, by a loader that hands out the faulty module. Nothing is ever written to the source.
"""

import gc
import importlib.abc
import importlib.machinery
import importlib.util
import os
import pickle
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.mutation.mutants import Living, Mutant, key

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "orderwright"
MEMORY_BYTES = 3 * 2**30
IMPORTING_SECONDS_MAX = 20
# A test as quick as this is tried first on the next mutant of a function in which it found one.
QUICK = 0.2
# What waits instead of working; nothing here does, unless a mutant makes it.
CHILD_SECONDS_MAX = 600
# The text of a failure is nobody's concern here, and the search for a smaller example neither.
OPTIONS = (
    *("-q", "-p", "no:cacheprovider", "--assert=plain", "--capture=sys", "--tb=no"),
    # Its plugin reads all our modules for constants, in every child.
    *("-m", "not long", "-p", "no:hypothesispytest"),
)


@dataclass(frozen=True)
class Plan:
    """Which tests are run against a mutant (None: against the source as it is).

    They are run in this order; each has its usual seconds.
    """

    mutant: Mutant | None
    tests: Mapping[str, float]

    @property
    def fault(self) -> Mutant:
        """The mutant, where there is one."""
        assert self.mutant is not None
        return self.mutant


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant: killed by a test (or while importing), timed out, or survived."""

    plan: Plan
    outcome: str
    by: str = ""

    @property
    def mutant(self) -> Mutant:
        """The mutant judged."""
        return self.plan.fault


def steady() -> None:
    """Load the Hypothesis profile of this run."""
    settings.register_profile(
        "mutation",
        deadline=None,
        derandomize=True,
        database=None,
        max_examples=25,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
        print_blob=False,
    )
    settings.load_profile("mutation")


# In the children ----------------------------------------------------------------------------------


class Faulty(importlib.machinery.SourceFileLoader):
    """A loader that hands out other code than the file's."""

    def __init__(self, name: str, path: str, code: CodeType) -> None:
        super().__init__(name, path)
        self.code = code

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - one loader, one module
        """Return that code."""
        return self.code


class Finder(importlib.abc.MetaPathFinder):
    """Finds the one module that has a fault."""

    def __init__(self, path: Path, code: CodeType) -> None:
        self.path = path
        parts = path.relative_to(SOURCE.parent).with_suffix("").parts
        self.name = ".".join(parts)
        self.code = code

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> importlib.machinery.ModuleSpec | None:
        """Find it."""
        if fullname != self.name:
            return None
        loader = Faulty(fullname, str(self.path), self.code)
        return importlib.util.spec_from_file_location(fullname, self.path, loader=loader)


def functions(paths: Iterable[Path]) -> Living:
    """All living functions of the modules, by file, qualified name and first line."""
    wanted = {str(path) for path in paths}
    found: Living = {}
    for one in gc.get_objects():
        if isinstance(one, FunctionType) and one.__code__.co_filename in wanted:
            found.setdefault((one.__code__.co_filename, *key(one.__code__)), []).append(one)
    return found


def quiet() -> None:
    """Say nothing from here on."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)


def limited() -> None:
    """Bound what a child may use, until its first test begins."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    signal.setitimer(signal.ITIMER_PROF, IMPORTING_SECONDS_MAX)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


# One child for each mutant ------------------------------------------------------------------------


Failed = Callable[[str], None]


@dataclass
class Job:
    """What a child does for a plan; it may say which test failed, and ends with that."""

    plan: Plan
    run: Callable[[Failed], None]


def start(job: Job) -> tuple[int, int]:
    """Fork a child for a job; return its id and where it tells of a failure."""
    reads, writes = os.pipe()
    child = os.fork()
    if child:
        os.close(writes)
        return child, reads

    def failed(what: str) -> None:
        os.write(writes, what.encode()[:2000])
        os._exit(1)

    try:
        os.close(reads)
        quiet()
        limited()
        job.run(failed)
    except BaseException as error:  # noqa: BLE001 - whatever it was, the mutant was noticed
        failed(f"{type(error).__name__}: {error}")
    os._exit(0)


def outcomes(jobs: Iterable[Job], workers: int) -> Iterator[Verdict]:
    """Do all jobs, several at a time, and say what became of each."""
    waiting = iter(jobs)
    running: dict[int, tuple[Job, int, float]] = {}
    more = True
    while more or running:
        while more and len(running) < workers:
            job = next(waiting, None)
            if job is None:
                more = False
                break
            child, reads = start(job)
            running[child] = (job, reads, time.monotonic() + CHILD_SECONDS_MAX)
        for child, (job, reads, until) in list(running.items()):
            ended, status = os.waitpid(child, os.WNOHANG)
            if not ended:
                if time.monotonic() > until:
                    os.kill(child, signal.SIGKILL)
                continue
            del running[child]
            with os.fdopen(reads, "rb") as told:
                by = told.read().decode(errors="replace")
            if os.WIFSIGNALED(status):
                slow = os.WTERMSIG(status) in (signal.SIGPROF, signal.SIGKILL)
                yield Verdict(job.plan, "timed out" if slow else "killed", "a signal")
            else:
                yield Verdict(job.plan, "killed" if os.WEXITSTATUS(status) else "survived", by)
        time.sleep(0.02)


class Forking:
    """A pytest plugin that forks a child for each plan instead of running the tests."""

    def __init__(
        self, plans: Sequence[Plan], workers: int, tell: Callable[[Verdict], None]
    ) -> None:
        self.plans = plans
        self.workers = workers
        self.tell = tell
        self.failed: Failed = lambda _: None
        # Which test found the last fault in a function: it may well find the next one.
        self.found: dict[object, str] = {}

    def pytest_configure(self) -> None:
        """Search each property the same way every time, and briefly."""
        steady()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """In a child: tell of the first failure."""
        if report.failed:
            self.failed(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """In a child: tell that something could not be imported."""
        if report.failed:
            self.failed("while importing")

    def each(self, do: Callable[[Plan, Failed], None]) -> None:
        """Do all plans, and tell what became of them."""
        gc.freeze()
        jobs = (Job(plan, partial(do, plan)) for plan in self.plans)
        for verdict in outcomes(jobs, self.workers):
            if verdict.plan.mutant is not None and verdict.plan.tests.get(verdict.by, 1) < QUICK:
                self.found[verdict.mutant.function] = verdict.by
            self.tell(verdict)

    def run(self, plan: Plan, items: dict[str, pytest.Item]) -> None:
        """In a child: run the tests of a plan, first the one that found the last such fault.

        A fault may change what a case is called; that alone is not noticing it.
        """
        last = self.found.get(plan.mutant and plan.mutant.function)
        names = sorted(plan.tests, key=lambda one: one != last)
        wanted = [items[name] for name in names if name in items]
        for item, after in zip(wanted, [*wanted[1:], None], strict=True):
            # Work, not time, so that a busy machine finds no hanging mutants.
            signal.setitimer(signal.ITIMER_PROF, 3 + 10 * plan.tests[item.nodeid])
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)


class Within(Forking):
    """Plants faults in living functions, when everything has been imported and collected."""

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Instead of running the tests: run some for each mutant."""
        items = {one.nodeid: one for one in session.items}
        paths = {plan.mutant.path for plan in self.plans if plan.mutant is not None}
        living = functions(paths)

        def do(plan: Plan, failed: Failed) -> None:
            self.failed = failed
            if plan.mutant is not None:
                plan.mutant.plant(living)
            self.run(plan, items)

        self.each(do)
        return True


class Anew(Forking):
    """Plants faults before anything of ours is imported."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> bool:
        """Instead of collecting the tests: collect some for each mutant."""

        def do(plan: Plan, failed: Failed) -> None:
            self.failed = failed
            if plan.mutant is not None:
                sys.meta_path.insert(0, Finder(plan.mutant.path, plan.mutant.code()))
            # File by file: the first one finds most faults, and all of them take seconds to import.
            for file in dict.fromkeys(name.partition("::")[0] for name in plan.tests):
                self.run(plan, {one.nodeid: one for one in session.perform_collect([file])})

        if any(name.partition(".")[0] == "orderwright" for name in sys.modules):
            raise RuntimeError("orderwright is imported already")
        self.each(do)
        return True


def judged(
    plans: Sequence[Plan], how: type[Forking], files: Sequence[str], workers: int
) -> Iterator[Verdict]:
    """Do plans in a child, in one of the two ways."""
    reads, writes = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.close(reads)
            quiet()
            with os.fdopen(writes, "wb", buffering=0) as out:
                plugin = how(plans, workers, lambda one: pickle.dump(one, out))
                pytest.main([*OPTIONS, *files], plugins=[plugin])
        finally:
            os._exit(0)
    os.close(writes)
    count = 0
    with os.fdopen(reads, "rb") as told, suppress(EOFError):
        while True:
            yield pickle.load(told)  # noqa: S301 - written by the child
            count += 1
    os.waitpid(child, 0)
    if count != len(plans):
        raise SystemExit(f"{len(plans) - count} of {len(plans)} mutants were not judged")
