"""The databases that most tests of SQL are about."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine

from tests.adapters.sql.stores import postgres, sqlite_file
from tests.postgres import Server


@pytest.fixture
def engine(pg_server: Server) -> Iterator[Engine]:
    """An engine on PostgreSQL."""
    with postgres(pg_server) as database:
        engine = create_engine(database.url(), pool_size=20)
        yield engine
        engine.dispose()


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def either(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An engine on each of the two databases."""
    if request.param == "PostgreSQL":
        yield request.getfixturevalue("engine")
        return
    with sqlite_file() as file:
        yield file
