"""The burritos: every choice is on the ticket, in the order, and in the ledger, once."""

import csv
import gzip
import importlib
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderwright import Posting
from orderwright.orders.modifiers import Modifier, told

EXAMPLES = Path(__file__).parents[2] / "examples"
HEADER = "order_id,quantity,item_name,choice_description,line_price\n"
TINY = HEADER + '1,2,Bowl,"[Salsa (Hot), [Rice, Cheese]]",16.99\n1,1,Water,,1.09\n'


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The program, importable from its own folder."""
    monkeypatch.syspath_prepend(EXAMPLES)
    return importlib.import_module("chipotle")


def figure(text: str, label: str) -> Decimal:
    """Return the number after a label of a report."""
    [line] = [line for line in text.splitlines() if line.strip().startswith(label + "  ")]
    return Decimal(line.strip().removeprefix(label).split()[0].replace(",", ""))


@pytest.mark.long
def test_all_orders_reach_their_figures(data_file: Callable[[str], Path]) -> None:
    """1,834 real orders come to the cents and choices that plain sums of the csv come to."""
    path = data_file("chipotle_orders.csv.gz")
    due, orders = Decimal(0), set[str]()
    choices: Counter[str] = Counter()
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            due += Decimal(row["line_price"])
            orders.add(row["order_id"])
            words = row["choice_description"].translate(str.maketrans("[]", "  ")).split(",")
            for word in filter(None, map(str.strip, words)):
                choices[word] += int(row["quantity"])
    command = [sys.executable, str(EXAMPLES / "chipotle.py"), str(path), "--order", "926"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (0, "") == (done.returncode, done.stderr), done.stdout
    out = done.stdout
    assert "Everything adds up." == out.splitlines()[-1]
    # Also said in the description of the sample, so that oracle and program cannot be wrong alike.
    assert (1_834, Decimal("34500.16")) == (len(orders), due)
    assert {
        "orders": len(orders),
        "lines": 4_622,
        "with choices": 3_376,
        "with lists inside": 2_745,
        "equal to one before": 59,
        "completed, paid, delivered": len(orders),
        "read back, and replayed": len(orders),
        "due, USD": due,
        "by card": due,
        "the dearest": Decimal("205.25"),
        "choices on the orders": choices.total(),
        "portions used, by the ledger": choices.total(),
        "Rice": choices["Rice"],
    } == {
        label: figure(out, label)
        for label in (
            "orders",
            "lines",
            "with choices",
            "with lists inside",
            "equal to one before",
            "completed, paid, delivered",
            "read back, and replayed",
            "due, USD",
            "by card",
            "the dearest",
            "choices on the orders",
            "portions used, by the ledger",
            "Rice",
        )
    }
    [first, *_] = out.split("\n\n")
    assert "COUNTER  takeaway" == first.splitlines()[0]
    assert "Fresh Tomato Salsa, with (Rice, Sour Cream, Lettuce)" in first


NAMES = st.text("abcdefgh ()", min_size=1).map(str.strip).filter(bool)
CHOICES = st.lists(
    st.recursive(NAMES, lambda inner: st.lists(inner, min_size=1, max_size=3), max_leaves=6),
    min_size=1,
    max_size=4,
)


def written(choices: object) -> str:
    """Write choices as the file does."""
    if isinstance(choices, list):
        return f"[{', '.join(map(written, choices))}]"
    return str(choices)


def depth(choices: object) -> int:
    """How deep lists are in lists."""
    return 1 + max(map(depth, choices)) if isinstance(choices, list) else 0


def leaves(choices: object) -> Iterator[str]:
    """The choices themselves."""
    if isinstance(choices, list):
        for one in choices:
            yield from leaves(one)
    else:
        yield str(choices)


def parsed(modifiers: tuple[Modifier, ...]) -> list[object]:
    """Return the modifiers as choices again: what a list was has modifiers of its own."""
    return [parsed(one.modifiers) if one.modifiers else one.name for one in modifiers]


def test_choices_are_read_as_they_are_written(program: ModuleType) -> None:
    """Any choices in any lists become modifiers that say the same, each with its portion."""

    @given(CHOICES)
    def check(choices: list[object]) -> None:
        text = written(choices)
        if depth(choices) > 5:
            with pytest.raises(ValueError, match="more than 5 deep"):
                program.parse(text)
            return
        modifiers = program.parse(text)
        assert choices == parsed(modifiers)
        assert program.in_words(text) == told(modifiers)
        portions = Counter(leaves(choices))
        dish = program.DraftLine(
            sku="BOWL",
            quantity=1,
            unit_price=program.UnitPrice.of("9", "USD"),
            modifiers=modifiers,
        )
        assert tuple(sorted(portions.items())) == dish.needs

    check()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Rice", "no bracket opens"),
        ("[Rice", "a bracket does not close"),
        ("[Rice], Cheese", "',' comes after the end"),
        ("[Rice, []]", "nothing is in the brackets"),
        ("[a/b]", "is no id"),
        ("[" * 3000, "more than 5 deep"),
        (" ", "no bracket opens"),
    ],
)
def test_brackets_that_do_not_pair_are_refused(
    tmp_path: Path, program: ModuleType, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    """Choices that cannot be read end the program with one line that says where, and status 2."""
    path = tmp_path / "orders.csv"
    path.write_text(f'{HEADER}1,1,Bowl,"{text}",9.00\n', "utf-8")
    assert 2 == program.main([str(path)])
    printed = capsys.readouterr()
    assert ("", 1) == (printed.out, printed.err.count("\n"))
    assert printed.err.startswith("orders.csv:2: choice_description is ")
    assert said in printed.err


def test_a_portion_too_many_is_noticed(
    tmp_path: Path, program: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """A portion that is used for no order, and a dish that leaves by itself, are named."""
    path = tmp_path / "orders.csv"
    path.write_text(TINY, "utf-8")
    assert 0 == program.main([str(path), "--order", "1"])
    out = capsys.readouterr().out
    assert "2 x Bowl\n      Salsa (Hot), with (Rice, Cheese)\n  1 x Water\n" in out
    assert (Decimal("18.08"), 6) == (figure(out, "due, USD"), figure(out, "choices, times units"))
    bar = program.Bar()
    stray = Posting.make("stray", program.LARDER, used=[("Rice", 1)], at=bar.now)
    bar.inventory.post(stray)
    assert 1 == program.main([str(path)], bar)
    assert "Rice: 3 portions used, 2 by the file" in capsys.readouterr().out


def test_an_order_that_is_not_there(
    tmp_path: Path, program: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """The ticket of an order that is not in the file cannot be shown: status 2, and says so."""
    path = tmp_path / "orders.csv"
    path.write_text(TINY, "utf-8")
    with pytest.raises(SystemExit) as ended:
        program.main([str(path), "--order", "7"])
    assert 2 == ended.value.code
    assert "there is no order 7 in orders.csv" in capsys.readouterr().err
