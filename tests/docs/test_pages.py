"""What the docs list or draw is what there is."""

import re
import runpy
from pathlib import Path

from orderwright.tracking.staff import ADVICE

DOCS = Path(__file__).parents[2] / "docs"


def test_the_lifecycle_diagrams_are_fresh() -> None:
    """The page shows the diagrams that the tables generate today."""
    page = runpy.run_path(str(DOCS / "diagrams.py"))["page"]
    assert page() == (DOCS / "lifecycles.md").read_text("utf-8")


def test_every_exception_is_explained() -> None:
    """The table in the concepts names the codes that staff are advised about, each once."""
    page = (DOCS / "concepts.md").read_text("utf-8")
    rows = page.partition("| exception |")[2].partition("\n\n")[0].splitlines()[2:]
    codes = [code for row in rows for code in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert sorted(ADVICE) == sorted(codes)
