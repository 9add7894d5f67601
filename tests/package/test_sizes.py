"""Size is a design goal: small files, small functions, a small root."""

import ast
import io
import tokenize
from functools import cache
from pathlib import Path

import orderwright
from tests.helpers import parsed, where

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
ROOT_NAMES_MAX = 40

# Tokens that make no line a line of code.
SILENT = {
    tokenize.COMMENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
    tokenize.INDENT,
    tokenize.NEWLINE,
    tokenize.NL,
}


def code_lines(path: Path, tree: ast.Module) -> set[int]:
    """The numbers of the lines that hold code: no docstring, comment or blank line."""
    text = path.read_text(encoding="utf-8")
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in SILENT:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            lines.difference_update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return lines


@cache
def measured() -> list[tuple[Path, ast.Module, set[int]]]:
    """Every file, and the lines of it that hold code."""
    return [(path, tree, code_lines(path, tree)) for path, tree in parsed()]


def test_files_stay_small() -> None:
    """No file holds more than 400 lines of code."""
    sizes = {where(path, tree): len(lines) for path, tree, lines in measured()}
    assert {} == {place: size for place, size in sizes.items() if size > FILE_LINES_MAX}


def test_functions_stay_small() -> None:
    """No function holds more than 60 lines of code."""
    large = {}
    for path, tree, lines in measured():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                span = range(node.lineno, (node.end_lineno or node.lineno) + 1)
                size = len(lines.intersection(span))
                if size > FUNCTION_LINES_MAX:
                    large[f"{where(path, node)} {node.name}"] = size
    assert {} == large


def test_root_stays_small() -> None:
    """The root offers at most 40 names, each once."""
    names = orderwright.__all__
    assert len(set(names)) == len(names)
    assert len(names) <= ROOT_NAMES_MAX
