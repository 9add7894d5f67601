"""The project's checks, one session each; `nox -l` lists them.

Sessions install developer tools from the dependency groups in pyproject.toml, so nothing beyond
nox has to be installed by hand.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.sessions = ["lint", "types", "tests", "docs", "examples"]
nox.options.error_on_external_run = True

PROJECT = nox.project.load_toml("pyproject.toml")
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
DATA = Path("../shared/data")
# Needs the data files and minutes rather than seconds, so it has a session of its own.
REPLAY = Path("examples/replay_history.py")
PARTS = Path("examples/replenish_parts.py")
PIZZAS = Path("examples/pizza_year.py")
BURRITOS = Path("examples/chipotle.py")
# An application to be served; the tests do so.
SERVED = Path("examples/fastapi_app.py")


def starts(version: str) -> bool:
    """Whether `pythonX.Y` really runs: a version manager's shim may exist and still refuse."""
    command = [f"python{version}", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    try:
        answer = subprocess.run(command, capture_output=True, check=False, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and answer.stdout.strip() == version


def interpreters() -> dict[str, bool]:
    """Each supported version and whether it starts; the one running nox always does."""
    supported = nox.project.python_versions(PROJECT)
    found = {version: version == RUNNING or starts(version) for version in supported}
    return found | {RUNNING: True}


INTERPRETERS = interpreters()
PYTHONS = [version for version, usable in INTERPRETERS.items() if usable]


def group(*names: str) -> tuple[str, ...]:
    """The requirements of dependency groups."""
    return nox.project.dependency_groups(PROJECT, *names)


def build_wheel(session: nox.Session) -> Path:
    """Build the wheel, alone in a fresh folder, so that what is tested is what is shipped."""
    folder = Path(session.create_tmp()).resolve() / "wheel"
    shutil.rmtree(folder, ignore_errors=True)
    session.run("python", "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), ".")
    (wheel,) = folder.glob("*.whl")
    return wheel


def install(session: nox.Session, *what: str) -> None:
    """Install with pip; compiled is what is imported, not the tenfold that is merely installed."""
    session.install("-q", "--no-compile", *what)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests against the built wheel, on every supported interpreter that starts."""
    absent = [version for version, usable in INTERPRETERS.items() if not usable]
    session.log(f"starting: {', '.join(PYTHONS)}; not on this machine: {', '.join(absent) or '-'}")
    wheel = build_wheel(session)
    install(session, str(wheel), *group("tests"))
    # What is the same on all interpreters is looked at on one; what takes minutes, by itself.
    chosen = "not long" if session.python == RUNNING else "not long and not once"
    # The blocks of a page share a namespace, so a file's tests stay together.
    parallel = ["-n", "auto", "--dist", "loadfile", "--hypothesis-profile", "quick"]
    env = {"ORDERWRIGHT_WHEEL": str(wheel)}
    session.run("pytest", *parallel, "-m", chosen, *session.posargs, env=env)


@nox.session
def coverage(session: nox.Session) -> None:
    """Run every test with branch coverage, also the long ones."""
    install(session, ".", *group("tests"))
    parallel = ["-n", "auto", "--dist", "loadfile"]
    session.run("pytest", *parallel, "--cov", "--cov-report=term", *session.posargs)
    # What is taken out of the count is counted itself.
    marks = [mark for file in Path("src").rglob("*.py") for mark in excluded(file)]
    never = [mark for file in Path("src").rglob("*.py") for mark in excluded(file, NEVER_RUN)]
    session.log(f"{len(never)} lines are only for type checkers (see `exclude_also`)")
    session.log(f"{len(marks)} lines are excluded by hand:")
    for mark in marks:
        session.log(f"  {mark}")
    # Domain and flows: adapters and the kit have contracts of their own.
    outside = "*/orderwright/adapters/*,*/orderwright/testing/*"
    session.run("coverage", "report", f"--omit={outside}", "--fail-under=100")


NEVER_RUN = re.compile(r"if TYPE_CHECKING:|assert_never\(|^\s*\.\.\.$|@overload")


def excluded(file: Path, what: re.Pattern[str] = re.compile("pragma: no")) -> list[str]:
    """Where a file takes lines out of the coverage, and why."""
    lines = enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
    return [f"{file}:{number}: {text.strip()}" for number, text in lines if what.search(text)]


@nox.session
def fuzz(session: nox.Session) -> None:
    """Hand hostile input to every public entry; `-- 5000` tries so many a target, not 1,000."""
    install(session, ".", *group("tests"))
    many, *rest = session.posargs or ["1000"]
    env = {"ORDERWRIGHT_FUZZ": many}
    session.run("pytest", "tests/fuzz", "-m", "long", "-n", "auto", "-rP", *rest, env=env)


@nox.session
def proofs(session: nox.Session) -> None:
    """Run what takes minutes: every adapter in every way of use, real workers, whole histories."""
    install(session, ".", *group("tests"))
    parallel = ["-n", "auto", "--dist", "loadfile"]
    session.run("pytest", *parallel, "-m", "long", *session.posargs)
    # All the properties once more, with as many examples as they ask for.
    session.run("pytest", *parallel, "-m", "not long", *session.posargs)
    # The broken adapters are right in every way a type checker sees.
    install(session, "mypy>=1.15")
    broken = sorted(map(str, Path("tests/testing").glob("broken_*.py")))
    session.run("mypy", "--explicit-package-bases", *broken)


@nox.session
def mutation(session: nox.Session) -> None:
    """Plant faults in the core, one at a time, and count those that tests notice (`-- money`)."""
    install(session, ".", *group("tests"))
    # The source itself is imported: faults are put into it, in memory only.
    session.run("python", "-m", "tests.mutation", *session.posargs, env={"PYTHONPATH": "src"})


@nox.session
def pairs(session: nox.Session) -> None:
    """Explore every pair of commands in every order, with a crash anywhere; keep the table."""
    install(session, ".", *group("tests"))
    session.run("python", "-m", "tests.simulation.pairs", *(session.posargs or ["docs/pairs.csv"]))


@nox.session
def soak(session: nox.Session) -> None:
    """Live through a million different storms, or as many (in as many seconds) as are named."""
    install(session, ".", *group("tests"))
    session.run("python", "-m", "tests.simulation.soak", *session.posargs)


@nox.session
def planted(session: nox.Session) -> None:
    """Search for each planted bug from several places; check that types and examples miss it."""
    install(session, "-e", ".", *group("types"), "tzdata")  # it looks into the source
    session.run("python", "-m", "tests.simulation.planted", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, formatting and the direction of imports."""
    install(session, *group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports", "--no-cache", "--no-logo", env={"PYTHONPATH": "src"})


@nox.session
def types(session: nox.Session) -> None:
    """Check types with two checkers, and that every public name has a complete type."""
    install(session, ".", *group("types"))
    session.run("mypy")
    # It would look into a `.venv` that lies here first.
    here = ["--pythonpath", str(Path(session.bin) / "python")]
    session.run("basedpyright", *here)
    session.run("basedpyright", "--verifytypes", "orderwright", "--ignoreexternal")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation; a broken reference or a warning fails."""
    install(session, ".", *group("docs"))
    session.run("sphinx-build", "-n", "-W", "--keep-going", "-q", "docs", "docs/_build/html")


@nox.session
def examples(session: nox.Session) -> None:
    """Run every example program."""
    # The reader of the real history needs time zones, which a bare machine may lack.
    install(session, ".", "tzdata")
    for program in sorted(Path("examples").glob("*.py")):
        if program not in (REPLAY, PARTS, PIZZAS, BURRITOS, SERVED):
            session.run("python", str(program))
    demand = DATA / "carparts_monthly_demand.csv.gz"
    if demand.is_file():
        session.run("python", str(PARTS), str(demand))
    else:
        session.log(f"{PARTS} is left out: no data at {demand}")


@nox.session
def replay(session: nox.Session) -> None:
    """Replay the full history of a real shop; the data lies beside the checkout."""
    if not DATA.is_dir():
        session.skip(f"no data at {DATA}")
    install(session, ".", "tzdata")
    files = sorted(map(str, DATA.glob("olist_*.csv.gz")))
    session.run("python", str(REPLAY), *(session.posargs or [*files, "--quiet"]))


@nox.session
def kitchen(session: nox.Session) -> None:
    """Cook a pizzeria's year (`-- --month 2015-11` for a part), and a burrito bar's orders."""
    if not DATA.is_dir():
        session.skip(f"no data at {DATA}")
    install(session, ".")
    files = sorted(map(str, DATA.glob("pizza_*.csv.gz")))
    session.run("python", str(PIZZAS), *files, "--quiet", *session.posargs)
    session.run("python", str(BURRITOS), str(DATA / "chipotle_orders.csv.gz"))


@nox.session
def optima(session: nox.Session) -> None:
    """Check 500 plans against a solver, and time both; `-- --write` keeps what it proved."""
    install(session, ".", *group("bench", "solver"))
    session.run("python", "-m", "bench.planning", *session.posargs)


@nox.session
def crosscheck(session: nox.Session) -> None:
    """Compare the fake Stripe with two of others, each in an environment of its own."""
    install(session, ".", *group("tests"))
    folder = Path(session.create_tmp()).resolve()
    theirs, mock = folder / "localstripe", folder / "mock"
    session.run("python", "-m", "venv", str(theirs))
    python = str(theirs / "bin" / "python")
    session.run(python, "-m", "pip", "install", "-q", "localstripe==1.15.10", external=True)
    npm = ["npm", "install", "--silent", "--no-save", "--prefix", str(mock)]
    session.run(*npm, "stripe-stateful-mock@0.0.16", external=True)
    env = {
        "ORDERWRIGHT_LOCALSTRIPE": python,
        "ORDERWRIGHT_STRIPE_STATEFUL_MOCK": str(mock),
        "ORDERWRIGHT_REQUIRE": "crosscheck",
    }
    session.run("pytest", "tests/crosscheck", env=env)


@nox.session
def chaos(session: nox.Session) -> None:
    """Kill workers, PostgreSQL and the provider for minutes, then audit (`-- --seed 7`)."""
    install(session, ".", *group("tests"))
    session.run("python", "-m", "tests.chaos", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Run the benchmarks, or those named after `--`; a ratio above its bar fails."""
    install(session, ".", *group("bench"))
    session.run("python", "-m", "bench", *session.posargs)
