"""Django, set up with a test database of its own; nothing but pytest is needed for that."""

import os
from collections.abc import Iterator

import django
import pytest
from django.db import connections
from django.test.utils import setup_databases, teardown_databases

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
django.setup()


@pytest.fixture(scope="session", autouse=True)
def _database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A database for this run, made by the migrations.

    With SQLite it is a file, as threads cannot share a memory; that it is written to the disk at
    each commit would prove nothing here.
    """
    given = connections["default"].settings_dict
    if connections["default"].vendor == "sqlite":
        given["TEST"]["NAME"] = str(tmp_path_factory.mktemp("shop") / "test.sqlite3")
        given["OPTIONS"]["init_command"] = "PRAGMA synchronous = OFF; PRAGMA secure_delete = ON"
    made = setup_databases(verbosity=0, interactive=False, serialized_aliases=())
    yield
    teardown_databases(made, verbosity=0)
