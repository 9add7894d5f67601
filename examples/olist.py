"""Read the history of a real marketplace (the Olist files) as a stream of orders.

The history is three CSV files, plain or gzip: orders, items and payments. They share one order: the
items and the payments of an order stand together, and in the sequence of the orders file. So one
pass over the three at once is enough, and no more than one order is ever held in memory.

    history = open_history(["orders.csv.gz", "items.csv.gz", "payments.csv.gz"])
    history.check()             # optional: are the files whole, and do they share one order?
    for order in history:
        ...                     # one HistoricOrder each, its faults beside it
    print(history.counts)

Two kinds of trouble are kept apart. What the data says wrongly (no lines, a hand-over before the
approval, a payment of zero ...) is a `Fault` with file, line number and reason: it stays on the
order, is counted, and the order is given as it was found, neither repaired nor dropped. What makes
a file unreadable (a missing column, a number that is none, a row that belongs to no order) is a
`HistoryError`, which names the file, the line, what is wrong and what would be right.
"""

import csv
import gzip
import re
import zlib
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Final, TextIO, TypeAlias, final
from zoneinfo import ZoneInfo

ZONE: Final = ZoneInfo("America/Sao_Paulo")
"""The files give local times without a zone; this is the zone they are local to."""

STATUSES: Final = frozenset(
    (
        "created",
        "approved",
        "invoiced",
        "processing",
        "shipped",
        "delivered",
        "unavailable",
        "canceled",
    )
)
METHODS: Final = frozenset(("credit_card", "boleto", "voucher", "debit_card", "not_defined"))

LIMIT_AFTER_PURCHASE_MAX: Final = timedelta(days=365)
"""A latest date for the hand-over that lies further off (or before the purchase) is absurd."""

HEADERS: Final[dict[str, tuple[str, ...]]] = {
    "orders": (
        "order_id",
        "customer_unique_id",
        "customer_state",
        "status",
        "purchase_timestamp",
        "approved_at",
        "delivered_carrier_date",
        "delivered_customer_date",
        "estimated_delivery_date",
    ),
    "items": (
        "order_id",
        "order_item_id",
        "product_id",
        "seller_id",
        "shipping_limit_date",
        "price",
        "freight_value",
    ),
    "payments": (
        "order_id",
        "payment_sequential",
        "payment_type",
        "payment_installments",
        "payment_value",
    ),
    "products": (
        "product_id",
        "product_category_name",
        "product_weight_g",
        "product_length_cm",
        "product_height_cm",
        "product_width_cm",
    ),
    "sellers": ("seller_id", "seller_state"),
}
NEEDED: Final = ("orders", "items", "payments")


# --- what is read ---------------------------------------------------------------------------------


class Reason(StrEnum):
    """Why a row is odd. The value is the short code that reports print and count."""

    # Found on a row of the orders file.
    NO_LINES = "no_lines"
    NO_PAYMENTS = "no_payments"
    APPROVED_BEFORE_PURCHASE = "approved_before_purchase"
    CARRIER_BEFORE_PURCHASE = "carrier_before_purchase"
    CARRIER_BEFORE_APPROVAL = "carrier_before_approval"
    DELIVERED_BEFORE_PURCHASE = "delivered_before_purchase"
    DELIVERED_BEFORE_APPROVAL = "delivered_before_approval"
    DELIVERED_BEFORE_CARRIER = "delivered_before_carrier"
    PROMISED_BEFORE_PURCHASE = "promised_before_purchase"
    STATUS_WITHOUT_APPROVAL = "status_without_approval"
    STATUS_WITHOUT_CARRIER = "status_without_carrier"
    STATUS_WITHOUT_DELIVERY = "status_without_delivery"
    APPROVAL_DESPITE_STATUS = "approval_despite_status"
    CARRIER_DESPITE_STATUS = "carrier_despite_status"
    DELIVERY_DESPITE_STATUS = "delivery_despite_status"
    REPEATED_HOUR = "repeated_hour"
    SKIPPED_HOUR = "skipped_hour"

    # Found on a row of the items file.
    ITEM_NUMBER_GAP = "item_number_gap"
    PRICE_DIFFERS = "price_differs"
    LIMIT_ABSURD = "limit_absurd"
    LIMIT_IN_REPEATED_HOUR = "limit_in_repeated_hour"
    LIMIT_IN_SKIPPED_HOUR = "limit_in_skipped_hour"

    # Found on a row of the payments file.
    PAYMENT_ZERO = "payment_zero"
    PAYMENT_NUMBER_NOT_FROM_ONE = "payment_number_not_from_one"
    PAYMENT_NUMBER_GAP = "payment_number_gap"
    PAYMENT_NUMBER_NOT_RISING = "payment_number_not_rising"
    NO_INSTALMENTS = "no_instalments"
    METHOD_NOT_DEFINED = "method_not_defined"
    METHOD_UNKNOWN = "method_unknown"


@final
@dataclass(frozen=True, slots=True)
class Fault:
    """One oddity of the data: where it stands, its reason, and the values that are odd."""

    file: str
    line: int
    reason: Reason
    detail: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}: {self.detail}"


@final
@dataclass(frozen=True, slots=True)
class HistoricLine:
    """Equal units of one product from one seller; `price` and `freight` are per unit."""

    sku: str
    seller: str
    quantity: int
    price: Decimal
    freight: Decimal


@final
@dataclass(frozen=True, slots=True)
class HistoricPayment:
    """One tender, under the number the source gave it."""

    sequence: int
    method: str
    instalments: int
    amount: Decimal


@final
@dataclass(frozen=True, slots=True)
class HistoricOrder:
    """One order as the source has it.

    Times are aware, in `ZONE`; one in a repeated hour is the first of the two.
    """

    order_id: str
    customer_id: str
    state: str
    status: str
    purchased_at: datetime
    approved_at: datetime | None
    handed_over_at: datetime | None
    delivered_at: datetime | None
    promised_at: datetime | None
    lines: tuple[HistoricLine, ...]
    payments: tuple[HistoricPayment, ...]
    faults: tuple[Fault, ...]

    @property
    def due(self) -> Decimal:
        """Price and freight of every unit."""
        return sum(
            (line.quantity * (line.price + line.freight) for line in self.lines), Decimal("0.00")
        )

    @property
    def paid(self) -> Decimal:
        """What all payments come to."""
        return sum((payment.amount for payment in self.payments), Decimal("0.00"))


@final
@dataclass(slots=True)
class Counts:
    """How much was read so far: rows of the orders asked for, and faults by reason."""

    orders: int = 0
    items: int = 0
    payments: int = 0
    passed_over: int = 0
    """Orders whose id does not begin with the prefix."""
    faults: Counter[Reason] = field(default_factory=Counter)


@final
class HistoryError(ValueError):
    """A file cannot be read on.

    Attributes:
        file: name of the file, or "" where no file is to blame.
        line: line number, or 0 where no line is to blame.
        problem: what is wrong.
        expected: what would be right.
    """

    def __init__(self, file: str, line: int, problem: str, expected: str) -> None:
        self.file = file
        self.line = line
        self.problem = problem
        self.expected = expected
        place = ":".join(str(part) for part in (file, line) if part)
        super().__init__(f"{place + ': ' if place else ''}{problem}; expected {expected}")

    def __reduce__(self) -> tuple[type["HistoryError"], tuple[str, int, str, str]]:
        return HistoryError, (self.file, self.line, self.problem, self.expected)


# --- files and rows -------------------------------------------------------------------------------

_Row: TypeAlias = tuple[int, list[str]]  # line number, fields


def _open(path: Path) -> TextIO:
    """Open plain or gzip text; the first two bytes tell which, not the name."""
    with path.open("rb") as raw:
        zipped = raw.read(2) == b"\x1f\x8b"
    if zipped:
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _rows(path: Path) -> Generator[_Row, None, None]:
    """Every row with its line number, the header included."""
    line = 0
    try:
        with _open(path) as text:
            reader = csv.reader(text, strict=True)
            for row in reader:
                line = reader.line_num
                yield line, row
    except (OSError, EOFError, zlib.error) as error:  # a damaged gzip file raises any of the three
        reason = getattr(error, "strerror", None) or str(error)
        raise HistoryError(
            path.name, line, f"reading stops here: {reason}", "a whole, readable file"
        ) from error
    except UnicodeDecodeError as error:
        raise HistoryError(
            path.name, line, "the text after this line is not UTF-8", "UTF-8"
        ) from error
    except csv.Error as error:
        raise HistoryError(
            path.name, line + 1, f"not CSV: {error}", "comma-separated values"
        ) from error


def _kind(path: Path) -> str:
    """Which of the known files this is, told by its header."""
    rows = _rows(path)
    nothing: list[str] = []
    header = next((row for _, row in rows), nothing)
    rows.close()
    for kind, known in HEADERS.items():
        if tuple(header) == known:
            return kind
    shown = ",".join(header)[:200] or "nothing"
    wanted = " or ".join(f"{','.join(HEADERS[kind])} ({kind})" for kind in NEEDED)
    raise HistoryError(path.name, 1, f"the header is {shown}", wanted)


@final
class _Part:
    """The items or the payments file, taken order by order."""

    __slots__ = ("_next", "_rows", "file")

    def __init__(self, path: Path, kind: str) -> None:
        self.file = path.name
        self._rows = _data(path, kind)
        self._next = next(self._rows, None)

    def take(self, order_id: str) -> Sequence[_Row]:
        """The rows of this order, which must be the next ones; none if another order comes next."""
        taken: list[_Row] = []
        while self._next is not None and self._next[1][0] == order_id:
            taken.append(self._next)
            self._next = next(self._rows, None)
        return taken

    def finish(self, orders_file: str) -> None:
        """Refuse rows that no order has taken."""
        if self._next is not None:
            line, row = self._next
            raise HistoryError(
                self.file,
                line,
                f"a row of order {row[0]!r}, which {orders_file} does not have at this place",
                f"only orders of {orders_file}, in the same sequence",
            )


def _data(path: Path, kind: str) -> Iterator[_Row]:
    """The rows below the header, each with the right number of fields and an order id."""
    width = len(HEADERS[kind])
    rows = _rows(path)
    next(rows, None)
    for line, row in rows:
        if len(row) != width:
            raise HistoryError(path.name, line, f"{len(row)} columns", f"the {width} of the header")
        if not row[0]:
            raise HistoryError(path.name, line, "order_id is empty", "the id of an order")
        yield line, row


# --- single values --------------------------------------------------------------------------------


class _BadValueError(Exception):
    """A field that makes no sense; whoever knows file and line makes it a HistoryError."""

    def __init__(self, column: str, text: str, expected: str) -> None:
        self.problem = f"{column} is {text!r}" if text else f"{column} is empty"
        self.expected = expected
        super().__init__(self.problem)


_AMOUNT: Final = re.compile(r"[0-9]{1,15}\.[0-9]{2}", re.ASCII).fullmatch
_NUMBER: Final = re.compile(r"[0-9]{1,9}", re.ASCII).fullmatch
_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}", re.ASCII
).fullmatch


def _identifier(column: str, text: str) -> str:
    if not text:
        raise _BadValueError(column, text, "an id")
    return text


def _status(column: str, text: str) -> str:
    if text not in STATUSES:
        raise _BadValueError(column, text, "one of " + ", ".join(sorted(STATUSES)))
    return text


def _amount(column: str, text: str) -> Decimal:
    if not _AMOUNT(text):
        raise _BadValueError(column, text, "an amount of two decimals such as 129.90")
    return Decimal(text)


def _number(column: str, text: str) -> int:
    if not _NUMBER(text):
        raise _BadValueError(column, text, "a whole number such as 1")
    return int(text)


def _moment(column: str, text: str) -> datetime:
    """A local time; fold stays 0, so a time in a repeated hour is the first of the two."""
    try:
        if _MOMENT(text):
            return datetime.fromisoformat(text).replace(tzinfo=ZONE)
    except ValueError:  # the shape is right, the day or the hour does not exist
        pass
    raise _BadValueError(column, text, "a local time such as 2017-11-24 09:30:00")


def _moment_or_none(column: str, text: str) -> datetime | None:
    return _moment(column, text) if text else None


def _clock_change(at: datetime) -> int:
    """1 in an hour that the clock shows twice, -1 in one that it skips, else 0."""
    first, second = at.utcoffset(), at.replace(fold=1).utcoffset()
    if first is None or second is None or first == second:
        return 0
    return 1 if first > second else -1


# --- one order ------------------------------------------------------------------------------------

# Pairs of columns of the orders file whose times must not run backwards.
_SEQUENCES: Final = (
    (4, 5, Reason.APPROVED_BEFORE_PURCHASE),
    (4, 6, Reason.CARRIER_BEFORE_PURCHASE),
    (5, 6, Reason.CARRIER_BEFORE_APPROVAL),
    (4, 7, Reason.DELIVERED_BEFORE_PURCHASE),
    (5, 7, Reason.DELIVERED_BEFORE_APPROVAL),
    (6, 7, Reason.DELIVERED_BEFORE_CARRIER),
    (4, 8, Reason.PROMISED_BEFORE_PURCHASE),
)

# Per date column: the statuses that need the date, and those that must not have it.
_STATUS_DATES: Final = (
    (
        5,
        STATUSES - {"created", "canceled"},
        Reason.STATUS_WITHOUT_APPROVAL,
        frozenset(("created",)),
        Reason.APPROVAL_DESPITE_STATUS,
    ),
    (
        6,
        frozenset(("shipped", "delivered")),
        Reason.STATUS_WITHOUT_CARRIER,
        STATUSES - {"shipped", "delivered"},
        Reason.CARRIER_DESPITE_STATUS,
    ),
    (
        7,
        frozenset(("delivered",)),
        Reason.STATUS_WITHOUT_DELIVERY,
        STATUSES - {"delivered"},
        Reason.DELIVERY_DESPITE_STATUS,
    ),
)


def _time_faults(
    file: str, line: int, row: list[str], times: dict[int, datetime]
) -> Iterator[Fault]:
    """What the dates of an order contradict: each other, its status, the calendar."""
    names, status = HEADERS["orders"], row[3]
    for before, after, reason in _SEQUENCES:
        if before in times and after in times and times[after] < times[before]:
            detail = f"{names[after]} {row[after]} is before {names[before]} {row[before]}"
            yield Fault(file, line, reason, detail)
    for column, needing, missing, lacking, surplus in _STATUS_DATES:
        if column in times:
            if status in lacking:
                yield Fault(
                    file, line, surplus, f"status {status} has {names[column]} {row[column]}"
                )
        elif status in needing:
            yield Fault(file, line, missing, f"status {status} has no {names[column]}")
    for column, at in times.items():
        if change := _clock_change(at):
            reason = Reason.REPEATED_HOUR if change > 0 else Reason.SKIPPED_HOUR
            yield Fault(file, line, reason, f"{names[column]} {row[column]}")


def _fold_items(
    file: str, rows: Sequence[_Row], purchased_at: datetime, faults: list[Fault]
) -> tuple[HistoricLine, ...]:
    """One line for all units of a (product, seller) at one price, in order of first mention."""
    quantities: dict[tuple[str, str, Decimal, Decimal], int] = {}
    prices: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}
    for index, (line, row) in enumerate(rows, start=1):
        try:
            number = _number("order_item_id", row[1])
            product, seller = _identifier("product_id", row[2]), _identifier("seller_id", row[3])
            limit = _moment("shipping_limit_date", row[4])
            price, freight = _amount("price", row[5]), _amount("freight_value", row[6])
        except _BadValueError as bad:
            raise HistoryError(file, line, bad.problem, bad.expected) from None
        quantities[product, seller, price, freight] = (
            quantities.get((product, seller, price, freight), 0) + 1
        )
        first = prices.setdefault((product, seller), (price, freight))
        if first != (price, freight):
            detail = (
                f"price {price} and freight {freight}, another unit of it {first[0]} and {first[1]}"
            )
            faults.append(Fault(file, line, Reason.PRICE_DIFFERS, detail))
        if number != index:
            faults.append(
                Fault(file, line, Reason.ITEM_NUMBER_GAP, f"order_item_id {number}, not {index}")
            )
        if not purchased_at <= limit <= purchased_at + LIMIT_AFTER_PURCHASE_MAX:
            detail = f"shipping_limit_date {row[4]}, purchased {purchased_at:%Y-%m-%d %H:%M:%S}"
            faults.append(Fault(file, line, Reason.LIMIT_ABSURD, detail))
        if change := _clock_change(limit):
            reason = Reason.LIMIT_IN_REPEATED_HOUR if change > 0 else Reason.LIMIT_IN_SKIPPED_HOUR
            faults.append(Fault(file, line, reason, f"shipping_limit_date {row[4]}"))
    return tuple(
        HistoricLine(product, seller, quantity, price, freight)
        for (product, seller, price, freight), quantity in quantities.items()
    )


def _payments(file: str, rows: Sequence[_Row], faults: list[Fault]) -> tuple[HistoricPayment, ...]:
    """The tenders in the sequence of the file."""
    payments: list[HistoricPayment] = []
    for line, row in rows:
        try:
            payment = HistoricPayment(
                sequence=_number("payment_sequential", row[1]),
                method=_identifier("payment_type", row[2]),
                instalments=_number("payment_installments", row[3]),
                amount=_amount("payment_value", row[4]),
            )
        except _BadValueError as bad:
            raise HistoryError(file, line, bad.problem, bad.expected) from None
        previous = payments[-1].sequence if payments else None
        faults.extend(
            Fault(file, line, reason, detail)
            for reason, detail in _payment_oddities(payment, previous)
        )
        payments.append(payment)
    return tuple(payments)


def _payment_oddities(
    payment: HistoricPayment, previous: int | None
) -> Iterator[tuple[Reason, str]]:
    number = payment.sequence
    if previous is None:
        if number != 1:
            yield Reason.PAYMENT_NUMBER_NOT_FROM_ONE, f"payment_sequential begins at {number}"
    elif number <= previous:
        yield Reason.PAYMENT_NUMBER_NOT_RISING, f"payment_sequential {number} after {previous}"
    elif number > previous + 1:
        yield Reason.PAYMENT_NUMBER_GAP, f"payment_sequential {number} after {previous}"
    if not payment.amount:
        yield Reason.PAYMENT_ZERO, f"{payment.method} of {payment.amount}"
    if not payment.instalments:
        yield Reason.NO_INSTALMENTS, f"{payment.method} of {payment.amount} in 0 instalments"
    if payment.method == "not_defined":
        yield Reason.METHOD_NOT_DEFINED, f"{payment.method} of {payment.amount}"
    elif payment.method not in METHODS:
        yield Reason.METHOD_UNKNOWN, f"{payment.method} of {payment.amount}"


# --- the history ----------------------------------------------------------------------------------


@final
class History:
    """The three files as one stream of orders; each iteration reads them anew and counts anew.

    Attributes:
        files: path of each file by kind (orders, items, payments).
        prefix: only orders whose id begins with it are given; "" gives all.
        ignored: names of files that were recognised but are not needed.
        counts: what the current, or last, iteration has read.
    """

    def __init__(
        self, files: dict[str, Path], *, prefix: str = "", ignored: tuple[str, ...] = ()
    ) -> None:
        self.files = files
        self.prefix = prefix
        self.ignored = ignored
        self.counts = Counts()

    def check(self) -> int:
        """Read the files once, for their shape only, and return the number of orders.

        An iteration meets a row that belongs to no order only at the end, when all other orders
        have been given; who wants to know before the first one calls this.

        Raises:
            HistoryError: a row is broken, or the files do not share one order.
        """
        return sum(1 for _ in self._merged())

    def __iter__(self) -> Iterator[HistoricOrder]:
        self.counts = counts = Counts()
        for line, row, items, payments in self._merged():
            if not row[0].startswith(self.prefix):
                counts.passed_over += 1
                continue
            order = self._order(line, row, items, payments)
            counts.orders += 1
            counts.items += len(items)
            counts.payments += len(payments)
            if order.faults:
                counts.faults.update(fault.reason for fault in order.faults)
            yield order

    def _merged(self) -> Iterator[tuple[int, list[str], Sequence[_Row], Sequence[_Row]]]:
        """Each row of the orders file with its rows of the two others."""
        items = _Part(self.files["items"], "items")
        payments = _Part(self.files["payments"], "payments")
        file, previous = self.files["orders"].name, ""
        for line, row in _data(self.files["orders"], "orders"):
            if row[0] == previous:
                raise HistoryError(
                    file, line, f"order {previous!r} stands here a second time", "one row per order"
                )
            previous = row[0]
            yield line, row, items.take(previous), payments.take(previous)
        items.finish(file)
        payments.finish(file)

    def _order(
        self, line: int, row: list[str], items: Sequence[_Row], payments: Sequence[_Row]
    ) -> HistoricOrder:
        file = self.files["orders"].name
        try:
            customer = _identifier("customer_unique_id", row[1])
            status = _status("status", row[3])
            purchased_at = _moment("purchase_timestamp", row[4])
            approved_at = _moment_or_none("approved_at", row[5])
            handed_over_at = _moment_or_none("delivered_carrier_date", row[6])
            delivered_at = _moment_or_none("delivered_customer_date", row[7])
            promised_at = _moment_or_none("estimated_delivery_date", row[8])
        except _BadValueError as bad:
            raise HistoryError(file, line, bad.problem, bad.expected) from None
        columns = enumerate(
            (purchased_at, approved_at, handed_over_at, delivered_at, promised_at), start=4
        )
        times = {column: at for column, at in columns if at is not None}
        faults = list(_time_faults(file, line, row, times))
        if not items:
            faults.append(
                Fault(file, line, Reason.NO_LINES, f"status {status}, {len(payments)} payments")
            )
        if not payments:
            faults.append(
                Fault(file, line, Reason.NO_PAYMENTS, f"status {status}, {len(items)} items")
            )
        return HistoricOrder(
            order_id=row[0],
            customer_id=customer,
            state=row[2],
            status=status,
            purchased_at=purchased_at,
            approved_at=approved_at,
            handed_over_at=handed_over_at,
            delivered_at=delivered_at,
            promised_at=promised_at,
            lines=_fold_items(self.files["items"].name, items, purchased_at, faults),
            payments=_payments(self.files["payments"].name, payments, faults),
            faults=tuple(faults),
        )


def open_history(paths: Iterable[str | Path], *, prefix: str = "") -> History:
    """Recognise the files by their headers, whatever their names and sequence.

    The products and the sellers file may be among them: they are only named in `ignored`.

    Raises:
        HistoryError: a file is unreadable or unknown, one is given twice, or one is missing.
    """
    files: dict[str, Path] = {}
    ignored: list[str] = []
    for path in map(Path, paths):
        kind = _kind(path)
        if kind not in NEEDED:
            ignored.append(path.name)
        elif kind in files:
            raise HistoryError(
                path.name, 1, f"a second {kind} file besides {files[kind].name}", f"one {kind} file"
            )
        else:
            files[kind] = path
    for kind in NEEDED:
        if kind not in files:
            raise HistoryError(
                "", 0, f"no {kind} file is given", f"a file headed {','.join(HEADERS[kind])}"
            )
    return History(files, prefix=prefix, ignored=tuple(ignored))
