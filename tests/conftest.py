"""Fixtures that tests of all parts share."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.postgres import Database, NoServer, Server

DATA = Path(__file__).parents[2] / "shared" / "data"


def absent(requirement: str, reason: str) -> None:
    """Skip for `reason`, or fail where ORDERWRIGHT_REQUIRE says the requirement must be met."""
    if requirement in os.environ.get("ORDERWRIGHT_REQUIRE", "").split(","):
        pytest.fail(f"ORDERWRIGHT_REQUIRE asks for {requirement}: {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def data_file() -> Callable[[str], Path]:
    """Find a file of real data by name; the data lies beside the checkout, not in it."""

    def find(name: str) -> Path:
        path = DATA / name
        if not path.is_file():
            absent("data", f"../shared/data/{name} is absent")
        return path

    return find


@pytest.fixture(scope="session")
def pg_server() -> Iterator[Server]:
    """A PostgreSQL server for this run (one for each process of a parallel run), fsync off."""
    try:
        server = Server()
    except NoServer as error:
        absent("pg", str(error))
        raise
    with server:
        yield server


@pytest.fixture(scope="session")
def pg_template() -> str:
    """What a test's database is a copy of: redefine it, with `Server.prepared`, for a schema."""
    return "template1"


@pytest.fixture
def pg_database(pg_server: Server, pg_template: str) -> Iterator[Database]:
    """A database that no other test sees."""
    with pg_server.database(pg_template) as database:
        yield database


# What looks at adapters, the kit, benchmarks, programs, pages, reports and our own files, and what
# enumerates schedules: no interpreter changes it, and it takes nearly all of the time.
ONCE = (
    "adapters",
    "bench",
    "chaos",
    "examples",
    "flows",
    "fulfillment",
    "fuzz",
    "mutation",
    "package",
    "simulation",
    "test_postgres.py",
    "testing",
    "tracking",
)


HERE = Path(__file__).parent


def once(path: Path) -> bool:
    """Whether what lies there is run on one interpreter only."""
    pages = path.is_relative_to(HERE.parent / "docs")
    return pages or any(path.is_relative_to(HERE / name) for name in ONCE)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out, before it is imported, what would be deselected."""
    return True if "not once" in config.option.markexpr and once(collection_path) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is run on one interpreter only."""
    for item in items:
        if once(item.path):
            item.add_marker(pytest.mark.once)
