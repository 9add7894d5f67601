"""Fixtures that tests of all parts share."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

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
