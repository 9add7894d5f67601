"""The pizzeria: its books come to what plain sums of the files come to."""

import csv
import gzip
import importlib
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from types import ModuleType

import pytest

from orderwright import Posting
from orderwright.adapters.memory import MemoryInventory

EXAMPLES = Path(__file__).parents[2] / "examples"
FILES = (
    "pizza_orders.csv.gz",
    "pizza_order_lines.csv.gz",
    "pizza_menu.csv.gz",
    "pizza_ingredients.csv.gz",
)
TINY = {
    "orders.csv": "order_id,date,time\n1,2015-01-01,9:38:36\n2,2015-01-02,12:00:00\n",
    "lines.csv": "order_details_id,order_id,pizza_id,quantity\n"
    "1,1,ham_m,2\n2,1,veg_s,1\n3,2,ham_m,1\n4,2,ham_m,1\n",
    "menu.csv": "pizza_id,pizza_type_id,size,price\nham_m,ham,M,12.75\nveg_s,veg,S,9\n",
    "recipes.csv": 'pizza_type_id,category,ingredients\nham,Classic,"Ham, Garlic"\n'
    "veg,Veggie,Garlic\n",
}


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The program, importable from its own folder."""
    monkeypatch.syspath_prepend(EXAMPLES)
    return importlib.import_module("pizza_year")


def written(folder: Path, **changed: str) -> list[str]:
    """Write the tiny files, some of them ``changed``, and return their paths."""
    for name, text in TINY.items():
        (folder / name).write_text(changed.get(name.removesuffix(".csv"), text), "utf-8")
    return [str(folder / name) for name in TINY]


def figure(text: str, label: str) -> Decimal:
    """Return the number after a label of a report."""
    [line] = [line for line in text.splitlines() if line.strip().startswith(label + "  ")]
    return Decimal(line.strip().removeprefix(label).split()[0].replace(",", ""))


def rows(path: Path) -> list[dict[str, str]]:
    """Read a file as plainly as can be."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_files_are_what_they_are_known_to_be(
    data_file: Callable[[str], Path], program: ModuleType
) -> None:
    """The reader gives a year whose plain sums are the figures of the sample's description."""
    menu, sales = program.read_sample([data_file(name) for name in reversed(FILES)], "")
    plain = program.Plain()
    for sale in sales:
        plain.add(sale)
    total = sum(plain.totals.values())
    assert (21_350, 48_620, Decimal("817860.05")) == (len(plain.totals), plain.lines, total)
    assert (49_574, 358) == (plain.pizzas.total(), len(plain.orders_on))
    assert (96, 32, 65) == (len(menu), len({one.kind for one in menu}), len(plain.portions))
    [(busiest, orders)] = plain.orders_on.most_common(1)
    assert ("2015-11-27", 115) == (busiest.isoformat(), orders)


def test_the_busiest_day_reaches_its_figures(data_file: Callable[[str], Path]) -> None:
    """On the busiest day every book comes to plain sums of the csv, to the cent and the portion."""
    files = [data_file(name) for name in FILES]
    orders, lines, menu, recipes = (rows(path) for path in files)
    ours = {one["order_id"] for one in orders if one["date"] == "2015-11-27"}
    prices = {one["pizza_id"]: Decimal(one["price"]) for one in menu}
    kinds = {one["pizza_id"]: one["pizza_type_id"] for one in menu}
    named = {one["pizza_type_id"]: one["ingredients"].split(", ") for one in recipes}
    due, pizzas = Decimal(0), 0
    used: Counter[str] = Counter()
    for line in lines:
        if line["order_id"] in ours:
            count = int(line["quantity"])
            pizzas += count
            due += prices[line["pizza_id"]] * count
            for ingredient in named[kinds[line["pizza_id"]]]:
                used[ingredient] += count

    command = [sys.executable, str(EXAMPLES / "pizza_year.py"), *map(str, files)]
    done = subprocess.run(
        [*command, "--day", "2015-11-27"], capture_output=True, text=True, check=False
    )
    assert (0, "") == (done.returncode, done.stderr), done.stdout
    out = done.stdout
    assert "Everything adds up." == out.splitlines()[-1]
    assert (115, 115) == (len(ours), figure(out, "completed, paid, delivered"))
    assert due == figure(out, "due, USD") == figure(out, "paid, card") + figure(out, "paid, cash")
    assert pizzas == figure(out, "pizzas handed over")
    assert used.total() == figure(out, "used")
    assert {name: used[name] for name in ("Garlic", "Tomatoes", "Red Onions")} == {
        name: figure(out, name) for name in ("Garlic", "Tomatoes", "Red Onions")
    }
    assert f"The busiest day, 2015-11-27: 115 orders, {pizzas} pizzas" in out
    fired = [line.split(" dish")[0].split()[-1] for line in out.splitlines() if " fired" in line]
    assert pizzas == sum(int(one) for one in fired if one.isdigit())


def test_two_orders(
    tmp_path: Path, program: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two orders, one at a table and one taken away, are served, paid and shown as they went."""
    assert 0 == program.main([*written(tmp_path), "--quiet"])
    out = capsys.readouterr().out
    assert (2, 5) == (figure(out, "completed, paid, delivered"), figure(out, "pizzas handed over"))
    assert (1, 1) == (figure(out, "dine in"), figure(out, "takeaway"))
    assert (9, 9) == (figure(out, "used"), figure(out, "recipes times pizzas, portions"))
    assert (Decimal("60.00"), 2) == (figure(out, "paid, card"), figure(out, "ready when promised"))
    assert "12:00  #  1 being made, 2 dishes fired" in out  # on the later of the two days


class ForgetfulLedger(MemoryInventory):  # type: ignore[misc] - final for users, not for this test
    """A ledger that confirms the first ingredients used, and does not write them down."""

    forgotten = ""

    def post(self, posting: Posting) -> None:
        """Write all but the one."""
        if not self.forgotten and "/consume-" in posting.id:
            self.forgotten = posting.id
        else:
            super().post(posting)


def test_what_the_ledger_forgets_is_noticed(
    tmp_path: Path, program: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """With one posting of ingredients missing the program says which, and fails."""
    files = written(tmp_path)
    assert 1 == program.main(files, ForgetfulLedger(program.stock_policy))
    out = capsys.readouterr().out
    assert "2 thing(s) do not add up:" in out
    assert "Garlic: 2 used, 5 by the files" in out
    assert "Ham: 2 used, 4 by the files" in out


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("orders", "9:38:36", "9.38", "orders.csv:2: date and time are '2015-01-01 9.38'"),
        ("orders", "2,2015", "1,2015", "orders.csv:3: order_id is '1'; expected each once"),
        ("lines", "1,1,ham_m,2", "1,7,ham_m,2", "lines.csv:2: order_id is '7'; expected an order"),
        ("lines", "1,1,ham_m,2", "1,1,eel_m,2", "lines.csv:2: pizza_id is 'eel_m'; expected a piz"),
        ("lines", "1,1,ham_m,2", "1,1,ham_m,0", "lines.csv:2: quantity is '0'; expected a whole"),
        ("lines", "3,2,ham_m,1\n4,2,", "3,1,ham_m,1\n4,1,", "orders.csv:3: order_id is '2'; expec"),
        ("lines", "1,1,ham_m,2", "1,1,ham_m", "lines.csv:2: 3 columns; expected the 4"),
        ("lines", "1,1,ham_m,2", '1,1,"ham_m,2', "lines.csv:2: unexpected end of data"),
        ("menu", "12.75", "12.755", "menu.csv:2: price is '12.755'; expected an amount"),
        ("menu", "ham,M", "ham,XS", "menu.csv:2: size is 'XS'; expected one of S, M, L, XL, XXL"),
        ("menu", "ham,M", "eel,M", "menu.csv:2: pizza_type_id is 'eel'; expected one of"),
        ("menu", "ham_m,", "ham/m,", "menu.csv:2: pizza_id is 'ham/m'; expected a name"),
        ("menu", "size", "sizes", "menu.csv:1: the header is 'pizza_id,pizza_type_id,sizes,price'"),
        ("recipes", "Classic", "Cold", "recipes.csv:2: category is 'Cold'; expected one that an"),
        ("recipes", "Ham, Garlic", "Ham, Ham", "recipes.csv:2: ingredients is 'Ham, Ham'; expecte"),
        ("recipes", "Ham, Garlic", "Ham, ", "recipes.csv:2: ingredients is 'Ham, '; expected a na"),
    ],
)
def test_broken_files_are_refused(  # noqa: PLR0917 - the columns of its table
    tmp_path: Path,
    program: ModuleType,
    capsys: pytest.CaptureFixture[str],
    name: str,
    old: str,
    new: str,
    said: str,
) -> None:
    """A file that makes no sense ends the program with one line that says where, and status 2."""
    text = TINY[f"{name}.csv"]
    assert old in text
    files = written(tmp_path, **{name: text.replace(old, new, 1)})
    assert 2 == program.main(files)
    printed = capsys.readouterr()
    assert ("", 1) == (printed.out, printed.err.count("\n"))
    assert said in printed.err


def test_files_that_do_not_go_together_are_refused(
    tmp_path: Path, program: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file too few, one twice, one that is not there, and a month without orders are told."""
    files = written(tmp_path)
    broken = tmp_path / "broken.csv.gz"
    broken.write_bytes(gzip.compress(b"a,b\n" * 999)[:-20])
    for given, said in (
        (files[1:], "no table of orders; expected a file of each kind"),
        ([*files, files[0]], "orders.csv: a second table of orders"),
        ([*files, str(tmp_path / "none.csv")], "none.csv: reading stops: No such file"),
        ([*files, str(broken)], "broken.csv.gz: reading stops: Compressed file ended"),
        ([*files, "--month", "2015-02"], "no orders in 2015-02"),
    ):
        assert 2 == program.main(given)
        printed = capsys.readouterr()
        assert ("", 1) == (printed.out, printed.err.count("\n"))
        assert said in printed.err
