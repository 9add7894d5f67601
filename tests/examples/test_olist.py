"""The reader of the Olist history: oddities told, broken files refused, real data read right."""

import csv
import gzip
import pickle
import tracemalloc
from collections.abc import Callable, Iterable
from dataclasses import FrozenInstanceError
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final, TypeAlias

import pytest

from examples.olist import (
    HEADERS,
    ZONE,
    Counts,
    Fault,
    HistoricLine,
    HistoricOrder,
    HistoricPayment,
    History,
    HistoryError,
    Reason,
    open_history,
)
from tests.examples.oracle import Figures, expected_figures

# --- tiny histories -------------------------------------------------------------------------------

ORDER: Final = (
    "a1,c1,SP,delivered,2017-05-02 10:00:00,2017-05-02 11:00:00,"
    "2017-05-03 09:00:00,2017-05-05 09:00:00,2017-05-20 00:00:00"
)
ITEM: Final = "a1,1,p1,s1,2017-05-04 10:00:00,10.00,2.50"
PAYMENT: Final = "a1,1,credit_card,3,12.50"

TIME: Final = "a local time such as 2017-11-24 09:30:00"
KNOWN: Final = "approved, canceled, created, delivered, invoiced, processing, shipped, unavailable"
AMOUNT: Final = "an amount of two decimals such as 129.90"


def order_row(text: str = ORDER, **changes: str) -> str:
    """A row of the orders file with some columns changed."""
    fields = dict(zip(HEADERS["orders"], text.split(","), strict=True))
    return ",".join((fields | changes).values())


class Files:
    """Writes the three files and opens them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(
        self, name: str, kind: str, rows: Iterable[str], *, header: str | None = None
    ) -> Path:
        """Write one file, gzip if its name says so."""
        head = ",".join(HEADERS[kind]) if header is None else header
        data = "".join(f"{row}\n" for row in (head, *rows)).encode()
        path = self.folder / name
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
        return path

    def open(
        self,
        orders: Iterable[str] = (ORDER,),
        items: Iterable[str] = (ITEM,),
        payments: Iterable[str] = (PAYMENT,),
        *,
        prefix: str = "",
    ) -> History:
        """The history of these rows; by default a sound order of one line and one payment."""
        paths = (
            self.write("orders.csv", "orders", orders),
            self.write("items.csv", "items", items),
            self.write("payments.csv", "payments", payments),
        )
        return open_history(paths, prefix=prefix)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """A place for tiny files."""
    return Files(tmp_path)


def places(order: HistoricOrder) -> list[tuple[str, int, str]]:
    """File, line and reason of each fault."""
    return [(fault.file, fault.line, fault.reason.value) for fault in order.faults]


def local(text: str) -> datetime:
    """A time of the files' zone."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


# --- reading --------------------------------------------------------------------------------------


def test_sound_order(files: Files) -> None:
    """A sound order comes out whole, typed and without a fault."""
    history = files.open()
    expected = HistoricOrder(
        order_id="a1",
        customer_id="c1",
        state="SP",
        status="delivered",
        purchased_at=local("2017-05-02 10:00:00"),
        approved_at=local("2017-05-02 11:00:00"),
        handed_over_at=local("2017-05-03 09:00:00"),
        delivered_at=local("2017-05-05 09:00:00"),
        promised_at=local("2017-05-20 00:00:00"),
        lines=(HistoricLine("p1", "s1", 1, Decimal("10.00"), Decimal("2.50")),),
        payments=(HistoricPayment(1, "credit_card", 3, Decimal("12.50")),),
        faults=(),
    )
    assert [expected] == list(history)
    assert Counts(orders=1, items=1, payments=1) == history.counts
    assert (Decimal("12.50"), Decimal("12.50")) == (expected.due, expected.paid)


def test_empty_dates_are_none(files: Files) -> None:
    """A date the source does not have is None, not a made-up time."""
    row = order_row(
        status="created",
        approved_at="",
        delivered_carrier_date="",
        delivered_customer_date="",
        estimated_delivery_date="",
    )
    (order,) = files.open([row])
    dates = (order.approved_at, order.handed_over_at, order.delivered_at, order.promised_at)
    assert (None, None, None, None) == dates
    assert [] == places(order)


def test_equal_units_fold_to_a_quantity(files: Files) -> None:
    """Units of one product and seller become one line, also when other rows stand between them."""
    items = [
        "a1,1,p1,s1,2017-05-04 10:00:00,10.00,2.50",
        "a1,2,p1,s2,2017-05-04 10:00:00,10.00,2.50",
        "a1,3,p1,s1,2017-05-04 10:00:00,10.00,2.50",
    ]
    (order,) = files.open(items=items)
    assert [("s1", 2), ("s2", 1)] == [(line.seller, line.quantity) for line in order.lines]
    assert Decimal("37.50") == order.due
    assert [] == places(order)


def test_units_of_other_price_stay_apart(files: Files) -> None:
    """A unit whose price or freight differs from its like gets a line of its own, and is told."""
    items = [ITEM, "a1,2,p1,s1,2017-05-04 10:00:00,10.00,2.51"]
    (order,) = files.open(items=items)
    assert [Decimal("2.50"), Decimal("2.51")] == [line.freight for line in order.lines]
    assert [("items.csv", 3, "price_differs")] == places(order)


def test_files_in_any_sequence_zipped_or_not(files: Files) -> None:
    """Files are known by header and first bytes, not by name; unneeded ones are named."""
    paths = [
        files.write("first", "sellers", ["s1,SP"]),
        files.write("second.gz", "payments", [PAYMENT]),
        files.write("third", "products", ["p1,toys,1,1,1,1"]),
        files.write("fourth.gz", "orders", [ORDER]),
        files.write("fifth.gz", "items", [ITEM]),
    ]
    paths[4] = paths[4].rename(paths[4].with_suffix(""))  # zipped, but not by its name
    history = open_history(paths)
    assert ["a1"] == [order.order_id for order in history]
    assert ("first", "third") == history.ignored


def test_prefix_gives_only_its_orders(files: Files) -> None:
    """With a prefix the rows of all other orders are passed over and not counted."""
    orders = [ORDER, order_row(order_id="b2"), order_row(order_id="b3")]
    items = [row.replace("a1", name) for name in ("a1", "b2", "b3") for row in (ITEM,)]
    payments = [row.replace("a1", name) for name in ("a1", "b2", "b3") for row in (PAYMENT,)]
    history = files.open(orders, items, payments, prefix="b")
    assert ["b2", "b3"] == [order.order_id for order in history]
    assert Counts(orders=2, items=2, payments=2, passed_over=1) == history.counts


def test_reading_again_counts_anew(files: Files) -> None:
    """A history can be read twice: the second reading gives the same, counted from zero."""
    history = files.open(payments=[])
    assert list(history) == list(history)
    assert (1, 1, 0) == (history.counts.orders, history.counts.items, history.counts.payments)
    assert {Reason.NO_PAYMENTS: 1} == history.counts.faults


def test_records_are_frozen(files: Files) -> None:
    """What was read cannot be changed afterwards."""
    (order,) = files.open()
    with pytest.raises(FrozenInstanceError):
        order.status = "canceled"  # type: ignore[misc]


@pytest.mark.long
def test_memory_does_not_grow_with_the_history(files: Files) -> None:
    """A whole reading takes a fraction of the files' size: one order is held at a time."""
    names = [f"{number:06}" for number in range(8000)]
    history = files.open(
        (order_row(order_id=name) for name in names),
        (ITEM.replace("a1", name) for name in names),
        (PAYMENT.replace("a1", name) for name in names),
    )
    size = sum(path.stat().st_size for path in history.files.values())
    tracemalloc.start()
    assert sum(1 for _ in history) == len(names)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < size / 4


# --- oddities -------------------------------------------------------------------------------------


def test_fault_reads_as_file_line_reason() -> None:
    """A fault prints its place, its code and the values that are odd."""
    fault = Fault("orders.csv", 7, Reason.NO_LINES, "status created, 1 payments")
    assert "orders.csv:7: no_lines: status created, 1 payments" == str(fault)


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"approved_at": "2017-05-01 11:00:00"}, ["approved_before_purchase"]),
        ({"approved_at": "2017-05-03 09:00:01"}, ["carrier_before_approval"]),
        ({"delivered_carrier_date": "2017-05-02 10:30:00"}, ["carrier_before_approval"]),
        (
            {"delivered_carrier_date": "2017-05-02 09:30:00"},
            ["carrier_before_purchase", "carrier_before_approval"],
        ),
        ({"delivered_customer_date": "2017-05-03 08:59:59"}, ["delivered_before_carrier"]),
        (
            {"delivered_customer_date": "2017-05-02 10:59:59"},
            ["delivered_before_approval", "delivered_before_carrier"],
        ),
        (
            {
                "delivered_customer_date": "2017-05-02 09:59:59",
                "approved_at": "",
                "status": "canceled",
            },
            [
                "delivered_before_purchase",
                "delivered_before_carrier",
                "carrier_despite_status",
                "delivery_despite_status",
            ],
        ),
        ({"estimated_delivery_date": "2017-05-02 00:00:00"}, ["promised_before_purchase"]),
        ({"approved_at": ""}, ["status_without_approval"]),
        ({"delivered_carrier_date": ""}, ["status_without_carrier"]),
        ({"delivered_customer_date": ""}, ["status_without_delivery"]),
        (
            {"delivered_carrier_date": "", "delivered_customer_date": ""},
            ["status_without_carrier", "status_without_delivery"],
        ),
        ({"status": "shipped"}, ["delivery_despite_status"]),
        ({"status": "canceled"}, ["carrier_despite_status", "delivery_despite_status"]),
        ({"status": "canceled", "delivered_customer_date": ""}, ["carrier_despite_status"]),
        (
            {"status": "created"},
            ["approval_despite_status", "carrier_despite_status", "delivery_despite_status"],
        ),
        ({"approved_at": "2017-05-02 10:00:00"}, []),
        ({"delivered_customer_date": "2017-05-03 09:00:00"}, []),
    ],
)
def test_dates_against_each_other_and_the_status(
    files: Files, changes: dict[str, str], reasons: list[str]
) -> None:
    """Dates that run backwards or contradict the status are told by line, and kept as they are."""
    (order,) = files.open([order_row(**changes)])
    assert [("orders.csv", 2, reason) for reason in reasons] == places(order)
    if moved := changes.get("delivered_carrier_date"):
        assert local(moved) == order.handed_over_at


def test_repeated_hour_is_told_and_read_as_the_first(files: Files) -> None:
    """The hour that the clock showed twice on 2018-02-17 counts as its first, in summer time."""
    row = order_row(
        status="approved",
        purchase_timestamp="2018-02-17 23:30:00",
        approved_at="2018-02-17 23:59:59",
        delivered_carrier_date="",
        delivered_customer_date="",
        estimated_delivery_date="2018-03-01 00:00:00",
    )
    items = ["a1,1,p1,s1,2018-02-18 00:00:00,10.00,2.50"]
    (order,) = files.open([row], items)
    assert [("orders.csv", 2, "repeated_hour")] * 2 == places(order)
    assert ["purchase_timestamp", "approved_at"] == [
        fault.detail.split()[0] for fault in order.faults
    ]
    assert timedelta(hours=-2) == order.purchased_at.utcoffset()


def test_skipped_hour_is_told(files: Files) -> None:
    """A time that the clock never showed (2017-10-15 began at one o'clock) is told, and kept."""
    row = order_row(estimated_delivery_date="2017-10-15 00:00:00")
    (order,) = files.open([row])
    assert [("orders.csv", 2, "skipped_hour")] == places(order)
    assert local("2017-10-15 00:00:00") == order.promised_at


@pytest.mark.parametrize(
    ("limit", "reasons"),
    [
        ("2017-05-02 10:00:00", []),
        ("2018-05-02 10:00:00", []),
        ("2018-05-02 10:00:01", ["limit_absurd"]),
        ("2017-05-02 09:59:59", ["limit_absurd"]),
        ("2018-02-17 23:00:00", ["limit_in_repeated_hour"]),
        ("2017-10-15 00:59:59", ["limit_in_skipped_hour"]),
    ],
)
def test_shipping_limit(files: Files, limit: str, reasons: list[str]) -> None:
    """A limit before the purchase or over a year after it is absurd; its hour is looked at too."""
    (order,) = files.open(items=[f"a1,1,p1,s1,{limit},10.00,2.50"])
    assert [("items.csv", 2, reason) for reason in reasons] == places(order)


def test_order_without_lines_keeps_its_payments(files: Files) -> None:
    """An order without items is given, with its money, and told on its own row."""
    (order,) = files.open(items=[])
    assert [("orders.csv", 2, "no_lines")] == places(order)
    assert ((), Decimal(0), Decimal("12.50")) == (order.lines, order.due, order.paid)


def test_order_without_payments_keeps_its_lines(files: Files) -> None:
    """An order nobody paid is given, with its lines, and told on its own row."""
    (order,) = files.open(payments=[])
    assert [("orders.csv", 2, "no_payments")] == places(order)
    assert ((), Decimal("12.50"), Decimal(0)) == (order.payments, order.due, order.paid)


@pytest.mark.parametrize(
    ("rows", "faults"),
    [
        (["1,voucher,1,0.00"], [(2, "payment_zero")]),
        (["1,credit_card,0,12.50"], [(2, "no_instalments")]),
        (["1,not_defined,1,0.00"], [(2, "payment_zero"), (2, "method_not_defined")]),
        (["1,pix,1,12.50"], [(2, "method_unknown")]),
        (["2,voucher,1,12.50"], [(2, "payment_number_not_from_one")]),
        (["1,voucher,1,1.00", "3,voucher,1,1.00"], [(3, "payment_number_gap")]),
        (["1,voucher,1,1.00", "1,voucher,1,1.00"], [(3, "payment_number_not_rising")]),
        (
            ["2,voucher,1,1.00", "1,voucher,1,1.00"],
            [(2, "payment_number_not_from_one"), (3, "payment_number_not_rising")],
        ),
        (["1,voucher,1,1.00", "2,voucher,1,1.00"], []),
    ],
)
def test_odd_payments(files: Files, rows: list[str], faults: list[tuple[int, str]]) -> None:
    """Odd payments are told by line, and none of them is dropped."""
    (order,) = files.open(payments=[f"a1,{row}" for row in rows])
    assert [("payments.csv", line, reason) for line, reason in faults] == places(order)
    assert len(rows) == len(order.payments)


def test_item_numbers_with_a_gap(files: Files) -> None:
    """An item number that is not the next one is told: a row may be missing."""
    items = [ITEM, "a1,3,p2,s1,2017-05-04 10:00:00,10.00,2.50"]
    (order,) = files.open(items=items)
    assert [("items.csv", 3, "item_number_gap")] == places(order)


def test_faults_are_counted(files: Files) -> None:
    """The counts hold every fault of every order, by reason."""
    orders = [ORDER, order_row(order_id="b2")]
    history = files.open(orders, [], [PAYMENT])
    assert [1, 2] == [len(order.faults) for order in history]
    assert {Reason.NO_LINES: 2, Reason.NO_PAYMENTS: 1} == history.counts.faults


# --- broken files ---------------------------------------------------------------------------------


def refused(read: Callable[[], object]) -> HistoryError:
    """The error that reading ends in; it also survives the way to another process."""
    with pytest.raises(HistoryError) as caught:
        read()
    error = caught.value
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (str(error), error.line) == (str(copy), copy.line)
    return error


@pytest.mark.parametrize(
    ("kind", "row", "message"),
    [
        ("orders", ORDER + ",more", "orders.csv:2: 10 columns; expected the 9 of the header"),
        (
            "orders",
            order_row(order_id=""),
            "orders.csv:2: order_id is empty; expected the id of an order",
        ),
        (
            "orders",
            order_row(customer_unique_id=""),
            "orders.csv:2: customer_unique_id is empty; expected an id",
        ),
        (
            "orders",
            order_row(status="lost"),
            f"orders.csv:2: status is 'lost'; expected one of {KNOWN}",
        ),
        (
            "orders",
            order_row(purchase_timestamp=""),
            f"orders.csv:2: purchase_timestamp is empty; expected {TIME}",
        ),
        (
            "orders",
            order_row(approved_at="2017-02-29 10:00:00"),
            f"orders.csv:2: approved_at is '2017-02-29 10:00:00'; expected {TIME}",
        ),
        (
            "orders",
            order_row(approved_at="2017-05-02T10:00:00"),
            f"orders.csv:2: approved_at is '2017-05-02T10:00:00'; expected {TIME}",
        ),
        ("items", "a1,1,p1,s1", "items.csv:2: 4 columns; expected the 7 of the header"),
        ("items", "", "items.csv:2: 0 columns; expected the 7 of the header"),
        ("items", ITEM.replace("p1", ""), "items.csv:2: product_id is empty; expected an id"),
        ("items", ITEM.replace("s1", ""), "items.csv:2: seller_id is empty; expected an id"),
        (
            "items",
            ITEM.replace(",1,", ",one,"),
            "items.csv:2: order_item_id is 'one'; expected a whole number such as 1",
        ),
        (
            "items",
            ITEM.replace("10.00,", "NaN,"),
            f"items.csv:2: price is 'NaN'; expected {AMOUNT}",
        ),
        (
            "items",
            ITEM.replace("2.50", "-2.50"),
            f"items.csv:2: freight_value is '-2.50'; expected {AMOUNT}",
        ),
        (
            "items",
            ITEM.replace("2017-05-04 10:00:00", "soon"),
            f"items.csv:2: shipping_limit_date is 'soon'; expected {TIME}",
        ),
        (
            "payments",
            PAYMENT.replace("12.50", "12.505"),
            f"payments.csv:2: payment_value is '12.505'; expected {AMOUNT}",
        ),
        (
            "payments",
            PAYMENT.replace(",3,", ",-3,"),
            "payments.csv:2: payment_installments is '-3'; expected a whole number such as 1",
        ),
        (
            "payments",
            PAYMENT.replace("credit_card", ""),
            "payments.csv:2: payment_type is empty; expected an id",
        ),
        (
            "payments",
            '"a1',
            "payments.csv:2: not CSV: unexpected end of data; expected comma-separated values",
        ),
    ],
)
def test_broken_row(files: Files, kind: str, row: str, message: str) -> None:
    """A row that cannot be understood stops the reading, with its place and what would be right."""
    rows = {"orders": [ORDER], "items": [ITEM], "payments": [PAYMENT]} | {kind: [row]}
    error = refused(lambda: list(files.open(rows["orders"], rows["items"], rows["payments"])))
    assert message == str(error)
    assert (f"{kind}.csv", 2) == (error.file, error.line)


@pytest.mark.parametrize("kind", ["items", "payments"])
def test_row_of_no_order(files: Files, kind: str) -> None:
    """A row of an order that does not stand there is refused, and `check` finds it beforehand."""
    rows = {"orders": [ORDER], "items": [ITEM], "payments": [PAYMENT]}
    rows[kind].append(rows[kind][0].replace("a1", "zz"))
    expected = (
        f"{kind}.csv:3: a row of order 'zz', which orders.csv does not have at this place; "
        "expected only orders of orders.csv, in the same sequence"
    )
    assert expected == str(
        refused(lambda: list(files.open(rows["orders"], rows["items"], rows["payments"])))
    )
    assert expected == str(
        refused(lambda: files.open(rows["orders"], rows["items"], rows["payments"]).check())
    )


def test_files_of_different_sequence(files: Files) -> None:
    """Files that hold the same orders in another sequence are refused, not joined wrongly."""
    orders = [ORDER, order_row(order_id="b2")]
    items = [ITEM.replace("a1", "b2"), ITEM]
    payments = [PAYMENT, PAYMENT.replace("a1", "b2")]
    error = refused(lambda: files.open(orders, items, payments).check())
    assert ("items.csv", 3) == (error.file, error.line)


def test_order_given_twice(files: Files) -> None:
    """Two rows of one order in a row are refused."""
    error = refused(lambda: list(files.open([ORDER, ORDER])))
    assert "orders.csv:3: order 'a1' stands here a second time; expected one row per order" == str(
        error
    )


def test_check_counts_the_orders(files: Files) -> None:
    """A sound history passes the check, which tells the orders and leaves the counts alone."""
    history = files.open()
    assert 1 == history.check()
    assert Counts() == history.counts


def test_unknown_header(files: Files) -> None:
    """A file with an unknown header is refused, with the headers that are known."""
    path = files.write("other.csv", "orders", [], header="id,name")
    error = refused(lambda: open_history([path]))
    assert str(error).startswith(
        "other.csv:1: the header is id,name; expected order_id,customer_unique_id"
    )
    assert "(payments)" in error.expected


def test_empty_file(files: Files) -> None:
    """A file without even a header is refused."""
    path = files.folder / "empty.csv"
    path.write_bytes(b"")
    error = refused(lambda: open_history([path]))
    assert ("empty.csv", 1, "the header is nothing") == (error.file, error.line, error.problem)


def test_missing_kind(files: Files) -> None:
    """Without one of the three files nothing is read."""
    paths = [files.write("o.csv", "orders", []), files.write("i.csv", "items", [])]
    assert str(refused(lambda: open_history(paths))).startswith(
        "no payments file is given; expected a file headed"
    )


def test_kind_given_twice(files: Files) -> None:
    """Two files of one kind are refused, since one of them would be lost."""
    paths = [files.write("o.csv", "orders", []), files.write("p.csv", "orders", [])]
    expected = "p.csv:1: a second orders file besides o.csv; expected one orders file"
    assert expected == str(refused(lambda: open_history(paths)))


def test_absent_file(tmp_path: Path) -> None:
    """A file that is not there is the same kind of error as one that is broken."""
    error = refused(lambda: open_history([tmp_path / "none.csv"]))
    assert ("none.csv", 0) == (error.file, error.line)
    assert isinstance(error.__cause__, FileNotFoundError)


def test_truncated_gzip(files: Files) -> None:
    """A gzip file that was cut off is refused, not taken for a shorter history."""
    rows = [order_row(order_id=f"{number:06}") for number in range(500)]
    path = files.write("orders.csv.gz", "orders", rows)
    path.write_bytes(path.read_bytes()[:-20])
    history = open_history(
        [path, files.write("i.csv", "items", []), files.write("p.csv", "payments", [])]
    )
    error = refused(lambda: list(history))
    assert ("orders.csv.gz", "a whole, readable file") == (error.file, error.expected)


def test_text_that_is_not_utf_8(files: Files) -> None:
    """Bytes that are no UTF-8 are refused."""
    history = files.open()
    with history.files["orders"].open("ab") as raw:
        raw.write(b"b2,\xff\n")
    assert ("orders.csv", "UTF-8") == (
        (error := refused(lambda: list(history))).file,
        error.expected,
    )


# --- the real data --------------------------------------------------------------------------------

Real: TypeAlias = tuple[Path, Path, Path]


@pytest.fixture(scope="module")
def real(data_file: Callable[[str], Path]) -> Real:
    """The three real files, which lie beside the checkout and are never part of it."""
    return (
        data_file("olist_orders.csv.gz"),
        data_file("olist_items.csv.gz"),
        data_file("olist_payments.csv.gz"),
    )


@pytest.fixture(scope="module")
def all_figures(real: Real) -> Figures:
    """The figures of the whole history, worked out once."""
    return expected_figures(*real)


@pytest.mark.long
def test_oracle_reaches_the_figures_of_the_whole_history(all_figures: Figures) -> None:
    """The plain calculation gives the figures that a replay of all orders must reach."""
    figures = all_figures
    assert (99_441, 112_650, 103_886) == (figures.orders, figures.items, figures.payments)
    assert (98_666, 775) == (figures.placed, figures.refused)
    refused_by_status = {
        "unavailable": 603,
        "canceled": 164,
        "created": 5,
        "invoiced": 2,
        "shipped": 1,
    }
    assert refused_by_status == figures.refused_by_status
    assert Decimal("162591.95") == figures.refused_paid
    placed_by_status = {
        "delivered": 96_478,
        "shipped": 1_106,
        "canceled": 461,
        "invoiced": 312,
        "processing": 301,
        "unavailable": 6,
        "approved": 2,
    }
    assert placed_by_status == figures.placed_by_status
    assert {"approved": 386, "handed over": 69, "delivered": 6} == figures.canceled_by_progress
    assert (Decimal("105885.72"), Decimal("105917.73")) == (
        figures.canceled_due,
        figures.canceled_paid,
    )
    assert (100_010, 1_278) == (figures.fulfillments, figures.orders_of_several_sellers)
    assert 102_425 == figures.groups
    assert (Decimal("15843553.24"), Decimal("15846280.17")) == (figures.due, figures.paid)
    assert 2_936 == figures.orders_of_several_tenders
    assert (98_089, 367, 209, 1) == (figures.exact, figures.over, figures.under, figures.unpaid)
    assert (Decimal("3071.17"), Decimal("-200.78")) == (figures.over_by, figures.under_by)
    assert Decimal("143.46") == figures.unpaid_due
    assert (97_657, 111_456) == (figures.handed_over, figures.handed_over_units)
    assert (97_658, 111_457) == (figures.gone, figures.gone_units)
    assert (98_652, 96_476) == (figures.approved, figures.delivered)


def test_oracle_reaches_the_figures_of_the_subset(real: Real) -> None:
    """The plain calculation gives the figures of the orders whose id begins with 0."""
    figures = expected_figures(*real, prefix="0")
    assert (6_253, 7_064, 6_510) == (figures.orders, figures.items, figures.payments)
    assert (6_202, 51) == (figures.placed, figures.refused)
    assert Decimal("1009604.79") == figures.due
    assert (Decimal("1009724.84"), Decimal("13482.07")) == (figures.paid, figures.refused_paid)
    assert {"canceled": 15, "unavailable": 36} == figures.refused_by_status
    placed_by_status = {
        "delivered": 6_092,
        "shipped": 57,
        "canceled": 25,
        "invoiced": 16,
        "processing": 12,
    }
    assert placed_by_status == figures.placed_by_status
    assert {"approved": 22, "handed over": 3} == figures.canceled_by_progress
    assert (6_276, 70) == (figures.fulfillments, figures.orders_of_several_sellers)
    assert 178 == figures.orders_of_several_tenders
    assert (6_167, 21, 14, 0) == (figures.exact, figures.over, figures.under, figures.unpaid)
    assert (Decimal("138.89"), Decimal("-18.84")) == (figures.over_by, figures.under_by)
    assert (6_152, 6_993) == (figures.handed_over, figures.handed_over_units)


def agrees(history: History, expected: Figures) -> None:
    """Read the history once, add it up, and compare it with the plain calculation."""
    placed = fulfillments = groups = units = handed_over_units = tenders = 0
    due = paid = refused_paid = Decimal(0)
    for order in history:
        if not order.lines:
            refused_paid += order.paid
            continue
        placed += 1
        fulfillments += len({line.seller for line in order.lines})
        groups += len(order.lines)
        quantity = sum(line.quantity for line in order.lines)
        units += quantity
        handed_over_units += quantity if order.handed_over_at else 0
        tenders += len(order.payments) > 1
        due += order.due
        paid += order.paid
    counts = history.counts
    assert (expected.orders, expected.items, expected.payments) == (
        counts.orders,
        counts.items,
        counts.payments,
    )
    assert (expected.placed, expected.refused) == (placed, counts.faults[Reason.NO_LINES])
    assert (expected.fulfillments, expected.groups) == (fulfillments, groups)
    assert (expected.items, expected.handed_over_units) == (units, handed_over_units)
    assert expected.orders_of_several_tenders == tenders
    assert (expected.due, expected.paid, expected.refused_paid) == (due, paid, refused_paid)


@pytest.mark.parametrize("prefix", ["00", pytest.param("0", marks=pytest.mark.long)])
def test_reader_agrees_with_the_oracle_on_a_subset(real: Real, prefix: str) -> None:
    """What the reader gives of a subset adds up to what the plain calculation finds."""
    agrees(open_history(real, prefix=prefix), expected_figures(*real, prefix=prefix))


@pytest.mark.long
def test_reader_agrees_on_the_whole_and_tells_every_fault(real: Real, all_figures: Figures) -> None:
    """The whole history adds up, and its faults are those its description counts, and no others."""
    history = open_history(real)
    agrees(history, all_figures)
    expected = {
        Reason.NO_LINES: 775,
        Reason.NO_PAYMENTS: 1,
        Reason.CARRIER_BEFORE_APPROVAL: 1_359,
        Reason.CARRIER_BEFORE_PURCHASE: 166,
        Reason.DELIVERED_BEFORE_CARRIER: 23,
        Reason.DELIVERED_BEFORE_APPROVAL: 61,
        Reason.STATUS_WITHOUT_APPROVAL: 14,
        Reason.STATUS_WITHOUT_CARRIER: 2,
        Reason.STATUS_WITHOUT_DELIVERY: 8,
        Reason.CARRIER_DESPITE_STATUS: 75,
        Reason.DELIVERY_DESPITE_STATUS: 6,
        Reason.REPEATED_HOUR: 22,  # 13 purchases and 9 approvals
        Reason.LIMIT_IN_REPEATED_HOUR: 6,
        Reason.LIMIT_ABSURD: 4,
        Reason.PAYMENT_ZERO: 9,
        Reason.PAYMENT_NUMBER_NOT_FROM_ONE: 80,
        Reason.NO_INSTALMENTS: 2,
        Reason.METHOD_NOT_DEFINED: 3,
    }
    assert expected == history.counts.faults


def test_faults_stand_where_they_say(real: Real) -> None:
    """File and line of a fault lead to a row of the very order that has it."""
    wanted: dict[str, dict[int, str]] = {path.name: {} for path in real}
    for order in open_history(real, prefix="0"):
        for fault in order.faults:
            wanted[fault.file][fault.line] = order.order_id
    for path in real:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
            found = {
                line: row[0]
                for line, row in enumerate(csv.reader(text), start=1)
                if line in wanted[path.name]
            }
        assert wanted[path.name] == found
