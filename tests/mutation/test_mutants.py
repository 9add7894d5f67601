"""The tool that plants faults plants those it should, names them, and counts honestly."""

import ast
from pathlib import Path

import pytest

from orderwright import lifecycles as lc
from tests.mutation.equivalent import EQUIVALENT
from tests.mutation.groups import GROUPS
from tests.mutation.mutants import codes, key, mutants
from tests.mutation.rows import rows
from tests.mutation.scores import interval, sample

LIFECYCLES = GROUPS["lifecycles"][0]
OTHERS = (lc.ORDER, lc.PAYMENT_OPERATION, lc.RETURN)


def planted(folder: Path, source: str) -> list[str]:
    """What mutants of a module read like, each in one line."""
    path = folder / "module.py"
    path.write_text(source, encoding="utf-8")
    return ["; ".join(ast.unparse(one.tree()).split("\n")) for one in mutants(path)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a = x < y", ["a = x <= y", "a = x >= y"]),
        ("a = x == y", ["a = x != y"]),
        ("a = x in y", ["a = x not in y"]),
        ("a = x is None", ["a = x is not None"]),
        ("a = x - y", ["a = x + y"]),
        ("a = x and y", ["a = x or y", "a = y", "a = x"]),
        ("a = not x", ["a = x"]),
        ("a = 0", ["a = 1", "a = -1"]),
        ("a = True", ["a = False"]),
        ("a = 'b'", ["a = 'bXX'"]),
        ("a = min(b)", ["a = max(b)"]),
        ("a = b(c=d, e=f)", ["a = b(e=f)", "a = b(c=d)"]),
        ("a = b[:c]", ["a = b[:c + 1]"]),
        ("a = {b: c, d: e}", ["a = {d: e}", "a = {b: c}", "a = {b: e, d: e}", "a = {b: c, d: c}"]),
        ("a = (b, c)", ["a = (c,)", "a = (b,)"]),
        ("a = (*b, c)", ["a = (c,)", "a = (*b,)"]),
        ("a = b if c else d", ["a = b if True else d", "a = b if False else d"]),
        ("if a:\n    b()", ["if True:;     b()", "if False:;     b()", "if a:;     pass"]),
        ("[a for b in c if d]", ["pass", "[a for b in c if True]", "[a for b in c if False]"]),
        (
            "match a:\n    case 1:\n        b()\n    case _:\n        c()",
            [
                "match a:;     case _:;         c()",
                "match a:;     case 1:;         pass;     case _:;         c()",
                "match a:;     case 1:;         b();     case _:;         pass",
            ],
        ),
        (
            "def a(b=True):\n    c.b = b\n    b += c\n    return b",
            [
                "def a(b=False):;     c.b = b;     b += c;     return b",
                "def a(b=True):;     pass;     b += c;     return b",
                "def a(b=True):;     c.b = b;     pass;     return b",
                "def a(b=True):;     c.b = b;     b -= c;     return b",
                "def a(b=True):;     c.b = b;     b += c;     return None",
            ],
        ),
        ("class A:\n    @property\n    def b(self):\n        raise c", None),
    ],
)
def test_what_is_planted(tmp_path: Path, source: str, expected: list[str] | None) -> None:
    """Each kind of fault is planted once and alone, in properties as anywhere else."""
    kept = "class A:; ;     @property;     def b(self):;         pass"
    assert (expected or [kept]) == planted(tmp_path, source)


@pytest.mark.parametrize(
    "source",
    [
        '"""About this module."""',
        "import a",
        "__all__ = ['b', 'c']",
        "if TYPE_CHECKING:\n    a = 1",
        "assert a == 1",
        "a: Literal[1]",
        "@frozen(slots=False)\nclass A:\n    b: int\n    'Its 1.'",
        "a = 'a sentence with 1 number'",
    ],
)
def test_what_is_left_alone(tmp_path: Path, source: str) -> None:
    """What speaks to readers and type checkers only is no place for a fault."""
    assert [] == planted(tmp_path, source)


def test_functions_are_found_again() -> None:
    """A fault within a function is in exactly one piece of the faulty code, under the same name."""
    inside = [one for one in mutants(GROUPS["money"][0]) if one.function is not None]
    for one in inside[::20]:
        assert 1 == sum(key(code) == one.function for code in codes(one.code()))


def test_samples_are_by_seed_and_share() -> None:
    """A seed draws the same mutants again, another one others, and every file has its share."""
    made, chosen = sample(GROUPS["ledger"], 300, 1)
    assert (made, chosen) == sample(GROUPS["ledger"], 300, 1)
    assert chosen != sample(GROUPS["ledger"], 300, 2)[1]
    assert 300 <= len(set(chosen)) < 310
    assert set(GROUPS["ledger"]) == {one.path for one in chosen}


@pytest.mark.parametrize(
    ("killed", "whole", "expected"),
    [(0, 0, (0, 1)), (5, 10, (0.2366, 0.7634)), (0, 10, (0, 0.2775)), (81, 263, (0.2553, 0.3662))],
)
def test_wilsons_interval(killed: int, whole: int, expected: tuple[float, float]) -> None:
    """The interval is the one of Wilson's (1927) as textbooks print it."""
    assert expected == pytest.approx(interval(killed, whole), abs=0.0001)


def test_every_row_has_its_faults() -> None:
    """Each row of each lifecycle is dropped once and leads elsewhere once."""
    expected = 2 * sum(len(one.table) for one in (*lc.KINDS.values(), *OTHERS))
    found = rows(LIFECYCLES, 1)
    assert (expected, expected) == (len(found), len({one.name for one in found}))


def test_explained_mutants_exist() -> None:
    """Whoever changes what an explanation speaks of looks at it again."""
    names = {one.name for paths in GROUPS.values() for path in paths for one in mutants(path)}
    assert set() == EQUIVALENT.keys() - names
    assert all(len(reason) > 20 for reason in EQUIVALENT.values())
