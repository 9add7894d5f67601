"""The generated parts of the docs are fresh."""

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_lifecycle_diagrams_are_fresh() -> None:
    """The page shows the diagrams that the tables generate today."""
    page = runpy.run_path(str(DOCS / "diagrams.py"))["page"]
    assert page() == (DOCS / "lifecycles.md").read_text("utf-8")
