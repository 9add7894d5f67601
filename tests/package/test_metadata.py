"""What a user installs is what we say it is."""

import os
import re
from importlib.metadata import requires
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.helpers import ROOT


@pytest.fixture
def wheel_files() -> list[str]:
    """The names in the wheel under test, which `nox -s tests` builds."""
    wheel = os.environ.get("ORDERWRIGHT_WHEEL")
    if wheel is None:
        pytest.skip("no wheel to look into: `nox -s tests` builds one")
    with ZipFile(wheel) as archive:
        return archive.namelist()


def test_wheel_tells_type_checkers_to_look(wheel_files: list[str]) -> None:
    """The wheel carries py.typed, without which a user's checker ignores our types."""
    assert "orderwright/py.typed" in wheel_files


def test_wheel_holds_the_package_and_its_licence_only(wheel_files: list[str]) -> None:
    """Tests, examples and tools stay at home; the licence travels along."""
    metadata = {name for name in wheel_files if ".dist-info/" in name}
    others = [name for name in wheel_files if not name.startswith("orderwright/")]
    assert metadata == set(others)
    assert any(name.endswith("licenses/LICENSE") for name in metadata)


def test_runtime_dependencies_are_three() -> None:
    """Nothing creeps in: attrs, cattrs and transitions are all a user must install."""
    needed = [line for line in requires("orderwright") or [] if "extra ==" not in line]
    names = {re.match(r"[\w-]+", line)[0] for line in needed}  # type: ignore[index]
    assert {"attrs", "cattrs", "transitions"} == names


def test_each_dependency_has_its_reason() -> None:
    """docs/dependencies.md has a section for every runtime dependency and no other."""
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    runtime = text.partition("## Run time")[2].partition("\n## ")[0]
    assert ["attrs", "cattrs", "transitions"] == re.findall(r"^### (\w+)$", runtime, re.MULTILINE)


def test_readme_has_two_commands_of_one_line() -> None:
    """The README's sh blocks are the main job and the tests, each one line to paste."""
    text = Path(ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert [1, 1] == [len(block.splitlines()) for block in blocks]
    assert blocks[1].rstrip().endswith("nox -s tests")
