"""The figures of the history, worked out the plain way: every row in memory, csv + dict + Decimal.

It shares no code with the example it checks, and knows nothing of lines, desks or ledgers.
"""

import csv
import gzip
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

ZERO: Final = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Figures:
    """What a replay of the history has to reach. "Placed" are the orders that have items."""

    orders: int
    items: int
    payments: int

    placed: int
    refused: int
    refused_by_status: dict[str, int]
    refused_paid: Decimal
    placed_by_status: dict[str, int]

    fulfillments: int
    """One for each seller of each placed order."""
    orders_of_several_sellers: int
    groups: int
    """Different (order, product, seller)."""

    due: Decimal
    paid: Decimal
    """All payments of placed orders."""
    orders_of_several_tenders: int
    """Placed orders with more than one payment row."""

    exact: int
    over: int
    over_by: Decimal
    under: int
    under_by: Decimal
    """Never positive."""
    unpaid: int
    """Placed orders without any payment row."""
    unpaid_due: Decimal

    handed_over: int
    """Placed orders with a carrier date."""
    handed_over_units: int
    delivered: int
    """Placed orders with a delivery date."""
    gone: int
    """Placed orders with a carrier date or a delivery date."""
    gone_units: int
    approved: int
    """Placed orders with an approval date."""

    canceled_by_progress: dict[str, int]
    """Placed orders of status canceled, by how far their dates say they came."""
    canceled_due: Decimal
    canceled_paid: Decimal


def expected_figures(orders: Path, items: Path, payments: Path, prefix: str = "") -> Figures:
    """Work out the figures of all orders whose id begins with `prefix`."""
    order_rows = {row["order_id"]: row for row in _read(orders, prefix)}
    item_rows = _read(items, prefix)
    payment_rows = _read(payments, prefix)

    units: Counter[str] = Counter()
    due: dict[str, Decimal] = {}
    sellers: dict[str, set[str]] = {}
    groups: set[tuple[str, str, str]] = set()
    for row in item_rows:
        key = row["order_id"]
        units[key] += 1
        due[key] = due.get(key, ZERO) + Decimal(row["price"]) + Decimal(row["freight_value"])
        sellers.setdefault(key, set()).add(row["seller_id"])
        groups.add((key, row["product_id"], row["seller_id"]))

    tenders: Counter[str] = Counter()
    paid: dict[str, Decimal] = {}
    for row in payment_rows:
        key = row["order_id"]
        tenders[key] += 1
        paid[key] = paid.get(key, ZERO) + Decimal(row["payment_value"])

    placed = [key for key in order_rows if key in due]
    refused = [key for key in order_rows if key not in due]
    differences = [paid[key] - due[key] for key in placed if key in paid]
    unpaid = [key for key in placed if key not in paid]
    handed_over = [key for key in placed if order_rows[key]["delivered_carrier_date"]]
    delivered = [key for key in placed if order_rows[key]["delivered_customer_date"]]
    gone = set(handed_over) | set(delivered)
    canceled = [key for key in placed if order_rows[key]["status"] == "canceled"]

    return Figures(
        orders=len(order_rows),
        items=len(item_rows),
        payments=len(payment_rows),
        placed=len(placed),
        refused=len(refused),
        refused_by_status=dict(Counter(order_rows[key]["status"] for key in refused)),
        refused_paid=sum((paid.get(key, ZERO) for key in refused), ZERO),
        placed_by_status=dict(Counter(order_rows[key]["status"] for key in placed)),
        fulfillments=sum(len(sellers[key]) for key in placed),
        orders_of_several_sellers=sum(len(sellers[key]) > 1 for key in placed),
        groups=len(groups),
        due=sum((due[key] for key in placed), ZERO),
        paid=sum((paid.get(key, ZERO) for key in placed), ZERO),
        orders_of_several_tenders=sum(tenders[key] > 1 for key in placed),
        exact=sum(difference == 0 for difference in differences),
        over=sum(difference > 0 for difference in differences),
        over_by=sum((difference for difference in differences if difference > 0), ZERO),
        under=sum(difference < 0 for difference in differences),
        under_by=sum((difference for difference in differences if difference < 0), ZERO),
        unpaid=len(unpaid),
        unpaid_due=sum((due[key] for key in unpaid), ZERO),
        handed_over=len(handed_over),
        handed_over_units=sum(units[key] for key in handed_over),
        delivered=len(delivered),
        gone=len(gone),
        gone_units=sum(units[key] for key in gone),
        approved=sum(bool(order_rows[key]["approved_at"]) for key in placed),
        canceled_by_progress=dict(Counter(_progress(order_rows[key]) for key in canceled)),
        canceled_due=sum((due[key] for key in canceled), ZERO),
        canceled_paid=sum((paid.get(key, ZERO) for key in canceled), ZERO),
    )


def _progress(row: dict[str, str]) -> str:
    if row["delivered_customer_date"]:
        return "delivered"
    if row["delivered_carrier_date"]:
        return "handed over"
    if row["approved_at"]:
        return "approved"
    return "purchased"


def _read(path: Path, prefix: str) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
        return [row for row in csv.DictReader(text) if row["order_id"].startswith(prefix)]
