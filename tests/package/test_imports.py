"""Imports go one way, and importing the package is cheap and touches nothing."""

import json
import subprocess
import sys
from pathlib import Path

from tests.helpers import ROOT

# What opens files, sockets, processes or databases, or runs an event loop.
IO_LIBRARIES = frozenset(
    "asyncio concurrent http multiprocessing random secrets select selectors shutil smtplib socket "
    "socketserver sqlite3 ssl subprocess tempfile urllib".split()
)


def loaded_by(statement: str) -> set[str]:
    """The top-level modules a fresh interpreter holds after `statement`."""
    program = f"{statement}\nimport json, sys\nprint(json.dumps(list(sys.modules)))"
    command = [sys.executable, "-c", program]
    answer = subprocess.run(command, capture_output=True, check=True, text=True)
    return {name.partition(".")[0] for name in json.loads(answer.stdout)}


def test_imports_follow_the_layers() -> None:
    """The layers and walls written in pyproject.toml hold."""
    program = Path(sys.executable).with_name("lint-imports")
    command = [str(program), "--no-cache", "--no-logo"]
    answer = subprocess.run(command, capture_output=True, check=False, cwd=ROOT, text=True)
    assert 0 == answer.returncode, answer.stdout + answer.stderr


def test_importing_the_package_loads_no_io_library() -> None:
    """The root loads nothing that does I/O beyond what attrs and transitions load themselves."""
    ours = loaded_by("import orderwright") - loaded_by("import attrs, transitions")
    assert set() == ours & IO_LIBRARIES


def test_importing_the_package_loads_no_optional_library() -> None:
    """The codec's and the testing kit's libraries are loaded only by those who use them."""
    optional = {"cattr", "cattrs", "hypothesis", "pytest"}
    assert set() == loaded_by("import orderwright") & optional
