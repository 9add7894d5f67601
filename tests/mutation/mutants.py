"""Mutants of a module: each is its syntax tree with one small fault, made in memory only."""

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType

from tests.mutation.operators import Change, Walk

Living = dict[tuple[str, str, int], list[FunctionType]]
"""All functions of a process by file, qualified name and first line."""


@dataclass(frozen=True)
class Mutant:
    """One fault: where it is, what it changes, and whether it takes effect while importing.

    `function` is the outermost function that holds it, by qualified name and first line; None
    where it stands in a module or a class, so only a new import shows it.
    """

    path: Path
    number: int
    line: int
    lines: range
    operator: str
    name: str
    function: tuple[str, int] | None

    def __str__(self) -> str:
        """Return what a list of survivors shows."""
        return f"{self.path.name}:{self.line} [{self.operator}] {self.name}"

    @property
    def living(self) -> bool:
        """Whether the fault can be planted in a process that has imported everything."""
        return self.function is not None

    def tree(self) -> ast.Module:
        """Return the module's tree with the fault in it."""
        tree, found = changes(self.path)
        found[self.number].apply()
        return tree

    def plant(self, living: Living) -> None:
        """Put the fault into the living functions."""
        (new,) = (code for code in codes(self.code()) if key(code) == self.function)
        for one in living[str(self.path), *key(new)]:
            one.__code__ = new

    def code(self) -> CodeType:
        """Return the module's code with the fault in it."""
        tree = ast.fix_missing_locations(self.tree())
        return compile(tree, str(self.path), "exec", dont_inherit=True)


def shown(node: ast.AST | None) -> str:
    """A node as one short line."""
    if node is None or isinstance(node, ast.Pass):
        return "-"
    if isinstance(node, ast.match_case):
        return f"case {ast.unparse(node.pattern)}"
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 90 else f"{text[:60]} ... {text[-25:]}"


def differing(before: str, after: str) -> str:
    """Both, or where they are long only the part that differs."""
    if len(before) < 60:
        return f"{before} => {after}"
    start = next((i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), 0)
    start = max(0, start - 20)
    return f"..{before[start : start + 60]} => ..{after[start : start + 60]}"


def changes(path: Path) -> tuple[ast.Module, list[Change]]:
    """The tree of a module and all that can be done to it, in the same order each time."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    return tree, list(Walk().module(tree))


def mutants(path: Path) -> Iterator[Mutant]:
    """Every mutant of a module, with a name that stays as long as its function does."""
    seen: Counter[str] = Counter()
    for number, change in enumerate(changes(path)[1]):
        shape = ast.unparse(change.old) if not isinstance(change.old, ast.match_case) else ""
        after = ast.unparse(change.new) if shape and change.new is not None else "-"
        if isinstance(change.new, ast.Pass) or not shape:
            text = f"{shown(change.old)} => -"
        else:
            text = differing(" ".join(shape.split()), " ".join(after.split()))
        name = f"{path.name} {change.place or 'module'}: {text}"
        seen[name] += 1
        if seen[name] > 1:
            name += f" #{seen[name]}"
        line = getattr(change.old, "lineno", change.line)
        lines = range(line, (getattr(change.old, "end_lineno", line) or line) + 1)
        yield Mutant(path, number, line, lines, change.operator, name, change.function)


def codes(code: CodeType) -> Iterator[CodeType]:
    """A code object and all within it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes(constant)


def key(code: CodeType) -> tuple[str, int]:
    """What a function is found by: its qualified name and first line."""
    return code.co_qualname, code.co_firstlineno
