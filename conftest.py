"""Every Python block in README, docs and docstrings is a test.

This file lies at the root because a collection hook only sees what lies below it.
"""

import sqlite3
import sys

import pytest
from hypothesis import settings
from sybil import Sybil
from sybil.parsers.doctest import DocTestParser
from sybil.parsers.myst import PythonCodeBlockParser

# Blocks of one page share a namespace, so a page reads, and runs, from top to bottom.
pages = Sybil(parsers=[PythonCodeBlockParser()], patterns=["README.md", "docs/*.md"])
docstrings = Sybil(parsers=[DocTestParser()], patterns=["src/**/*.py"])
pytest_collect_file = (pages + docstrings).pytest()

# Times vary with the machine; a failure must be repeatable from its output alone.
settings.register_profile("orderwright", deadline=None, print_blob=True)
settings.load_profile("orderwright")
# For every change; the long proofs, and whoever runs pytest by hand, look at more.
settings.register_profile("quick", settings.get_profile("orderwright"), max_examples=18)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip DBOS on a SQLite it does not run on: its times need 3.42, from Python 3.12 on."""
    if sys.version_info < (3, 12) or sqlite3.sqlite_version_info >= (3, 42):
        return
    reason = f"DBOS needs SQLite 3.42 on Python 3.12 and later; this is {sqlite3.sqlite_version}"
    for item in items:
        if item.path.name == "machines.md" or item.path.name.startswith("test_dbos"):
            item.add_marker(pytest.mark.skip(reason=reason))
