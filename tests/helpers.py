"""The project's own source, as the tests about the package read it."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "orderwright"


def parsed(*parts: str) -> Iterator[tuple[Path, ast.Module]]:
    """Every source file at or below `parts`, with its syntax tree."""
    place = SOURCE.joinpath(*parts)
    for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def where(path: Path, node: ast.AST) -> str:
    """A place a reader can jump to."""
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"
