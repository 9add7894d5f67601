"""The Django project keeps its promises on SQLite and on PostgreSQL, in processes of its own.

Django's settings are global to a process, its time zone too: in ours they would be everybody's.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.postgres import Database

pytestmark = pytest.mark.long

APP = Path(__file__).parents[2] / "examples" / "django_app"


def program(folder: Path, *arguments: str, **more: str) -> subprocess.Popen[str]:
    """Start Python in the project, with its database and whatever else it writes in a folder."""
    given = {
        "SHOP_SQLITE": str(folder / "shop.sqlite3"),
        "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "hypothesis"),
        "PYTHONWARNINGS": "error",
    }
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=APP,
        env={**os.environ, **given, **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(folder: Path, *arguments: str, **more: str) -> str:
    """Run Python in the project; return what it prints, which is a failure's whole story."""
    with program(folder, *arguments, **more) as running:
        printed, _ = running.communicate()
    assert 0 == running.returncode, printed
    return printed


def its_tests(folder: Path, **more: str) -> None:
    """Run the project's own tests: the conformance kit on its repositories, and its views."""
    printed = run(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", **more)
    summary = printed.splitlines()[-1]
    assert " passed in " in summary, printed
    assert " skipped" not in summary, printed


def test_it_keeps_every_promise_on_sqlite(tmp_path: Path) -> None:
    """Both contracts, also inside a host's transaction, and the views, on a file of SQLite's."""
    its_tests(tmp_path)


def test_it_keeps_every_promise_on_postgresql(tmp_path: Path, pg_database: Database) -> None:
    """The same on PostgreSQL, with transactions that really run side by side."""
    told = dict(part.split("=") for part in pg_database.dsn.split())
    its_tests(tmp_path, SHOP_PG_NAME=told["dbname"], SHOP_PG_HOST=told["host"])


def test_it_is_a_project_as_django_wants_it(tmp_path: Path) -> None:
    """Django finds nothing to object to, and the migrations make what the models say."""
    assert "no issues" in run(tmp_path, "manage.py", "check", "--fail-level", "WARNING")
    told = run(tmp_path, "manage.py", "makemigrations", "--check", "--dry-run")
    assert "No changes detected" in told


def test_the_background_job_runs_as_a_command(tmp_path: Path) -> None:
    """On a database made by `migrate` it finds nothing to do, once or over and over."""
    run(tmp_path, "manage.py", "migrate", "--verbosity", "0")
    nothing = "0 orders resumed, 0 failed\n"
    assert nothing == run(tmp_path, "manage.py", "resume_orders")
    command = ("manage.py", "resume_orders", "--every", "0.01")
    with program(tmp_path, *command, PYTHONUNBUFFERED="1") as running:
        try:
            assert running.stdout is not None
            assert [nothing] * 3 == [running.stdout.readline() for _ in range(3)]
        finally:
            running.terminate()
