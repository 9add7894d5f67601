"""The example programs run, print what they promise, and notice when books do not agree."""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from orderwright.adapters.memory import BookEntry, MemoryPayments
from tests.examples.oracle import expected_figures

EXAMPLES = Path(__file__).parents[2] / "examples"
FILES = ("olist_orders.csv.gz", "olist_items.csv.gz", "olist_payments.csv.gz")


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run an example in an interpreter of its own."""
    return subprocess.run(
        [sys.executable, str(EXAMPLES / program), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_shop_prints_its_day() -> None:
    """The main job runs without complaint and prints exactly what it is known to print."""
    done = run("online_retailer.py")
    assert (0, "") == (done.returncode, done.stderr)
    assert Path(__file__).with_name("online_retailer.txt").read_text("utf-8") == done.stdout


def test_the_restaurant_prints_its_evening() -> None:
    """The evening runs without complaint and prints exactly what it is known to print."""
    done = run("restaurant.py")
    assert (0, "") == (done.returncode, done.stderr)
    assert Path(__file__).with_name("restaurant.txt").read_text("utf-8") == done.stdout


def number(text: str, label: str) -> str:
    """Return the last word of the line of a report that begins with ``label``."""
    [line] = [line for line in text.splitlines() if line.strip().startswith(label + "  ")]
    return line.split()[-1].replace(",", "")


@pytest.mark.long
def test_real_history_reaches_its_figures(data_file: Callable[[str], Path]) -> None:
    """6,253 real orders: the three books agree with each other and with plain sums of the csv."""
    files = [data_file(name) for name in FILES]
    done = run("replay_history.py", *map(str, files), "--prefix", "0", "--quiet")
    assert 0 == done.returncode, done.stdout + done.stderr
    assert "Everything adds up." == done.stdout.splitlines()[-1]
    oracle = expected_figures(*files, prefix="0")
    out = done.stdout
    shown = {
        "orders": number(out, "orders"),
        "items": number(out, "items"),
        "payments": number(out, "payments"),
        "placed": number(out, "placed"),
        "refused": number(out, "refused, they have no lines"),
        "refused paid": number(out, "payments they hold"),
        "fulfillments": number(out, "fulfillments planned"),
        "split": number(out, "orders with several"),
        "tenders": number(out, "orders with several tenders"),
        "due": number(out, "due when placed"),
        "paid": number(out, "paid (captured)"),
        "over by": number(out, "paid over"),
        "under by": number(out, "paid under"),
        "handed over": number(out, "handed over"),
    }
    assert {
        "orders": str(oracle.orders),
        "items": str(oracle.items),
        "payments": str(oracle.payments),
        "placed": str(oracle.placed),
        "refused": str(oracle.refused),
        "refused paid": str(oracle.refused_paid),
        "fulfillments": str(oracle.fulfillments),
        "split": str(oracle.orders_of_several_sellers),
        "tenders": str(oracle.orders_of_several_tenders),
        "due": str(oracle.due),
        "paid": str(oracle.paid),
        "over by": f"+{oracle.over_by}",
        "under by": str(oracle.under_by),
        "handed over": str(oracle.gone_units),
    } == shown
    # Also said in the issue of record, so that oracle and replay cannot be wrong together.
    assert (6253, 6202, Decimal("1009604.79")) == (oracle.orders, oracle.placed, oracle.due)


class ForgetfulPayments(MemoryPayments):  # type: ignore[misc] - final for users, not for this test
    """A provider whose books miss one capture it confirmed."""

    def _book(self, request: object, reference: str) -> None:
        super()._book(request, reference)  # type: ignore[arg-type]
        last = self.books[-1]
        if last.kind == "capture" and not getattr(self, "dropped", None):
            self.dropped: BookEntry = self.books.pop()


def tiny_history(folder: Path) -> list[str]:
    """Write a history of one delivered order, and return its files."""
    texts = {
        "orders.csv": "order_id,customer_unique_id,customer_state,status,purchase_timestamp,"
        "approved_at,delivered_carrier_date,delivered_customer_date,estimated_delivery_date\n"
        "o1,c1,SP,delivered,2017-05-01 10:00:00,2017-05-01 11:00:00,2017-05-02 10:00:00,"
        "2017-05-05 10:00:00,2017-05-20 00:00:00\n",
        "items.csv": "order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,"
        "freight_value\no1,1,p1,s1,2017-05-04 10:00:00,10.00,2.50\n",
        "payments.csv": "order_id,payment_sequential,payment_type,payment_installments,"
        "payment_value\no1,1,credit_card,1,12.50\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
    return [str(folder / name) for name in texts]


def test_a_dropped_capture_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With one capture missing in the provider's books the replay says which and fails."""
    monkeypatch.syspath_prepend(EXAMPLES)
    from replay_history import main  # noqa: PLC0415 - a program, importable from its own folder

    files = tiny_history(tmp_path)
    assert 0 == main(files)
    assert 1 == main(files, ForgetfulPayments())
    printed = capsys.readouterr().out
    assert "o1/p1: capture 12.50 BRL on the order, 0.00 BRL at the provider" in printed


def test_broken_files_are_refused(tmp_path: Path) -> None:
    """A file that is none of the three ends the replay with one line that says so, and status 2."""
    stray = tmp_path / "stray.csv"
    stray.write_text("a,b\n1,2\n", "utf-8")
    done = run("replay_history.py", str(stray))
    assert (2, "") == (done.returncode, done.stdout)
    assert "stray.csv" in done.stderr


def test_the_retailers_papers(tmp_path: Path) -> None:
    """Given a folder, the shop lays down a slip and a label for each parcel, and its pick lists."""
    run("online_retailer.py", str(tmp_path))
    names = [one.name for one in tmp_path.iterdir()]
    counts = Counter(name.partition("-")[0] for name in names)
    assert {"label": 11, "slip": 11, "pick": 4} == counts
    walk = (tmp_path / "pick-1-HAMBURG.txt").read_text("utf-8")
    assert walk.startswith("[ ] A-04         13 x MUG\n                       4 for T-1001 f1\n")
    slip = (tmp_path / "slip-M-88301-f1.txt").read_text("utf-8")
    assert slip.endswith("Still to come:\n     4 x Soup bowl\n")
    for name in names:
        if name.endswith(".zpl"):
            label = (tmp_path / name).read_text("utf-8")
            assert label.startswith("^XA")
            assert "(00)04012345" in label
