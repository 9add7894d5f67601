"""What somebody found who read how amounts are worked out, and tried what is said of them."""

from decimal import localcontext
from fractions import Fraction
from typing import NamedTuple

from orderwright import DraftLine, UnitPrice
from orderwright.orders.lines import KitPart
from orderwright.tracking.reports import table
from tests.orders.test_totals import order_of
from tests.worlds import eur


def test_a_kit_comes_to_its_price_whatever_precision_the_host_calculates_with() -> None:
    """The context of decimals is the host's: what it rounds to is nothing to a price."""
    kit = DraftLine(
        sku="SET",
        quantity=1,
        unit_price=UnitPrice.of("12345.67", "EUR"),
        parts=[KitPart("A", weight=7), KitPart("B", weight=3)],
    )
    with localcontext() as context:
        context.prec = 4
        order = order_of([kit])
    assert eur("12345.67") == order.total


class _Row(NamedTuple):
    turns: Fraction


def test_a_report_tells_all_digits_whatever_precision_the_host_calculates_with() -> None:
    """A large number is not rounded to what the host's sums are."""
    with localcontext() as context:
        context.prec = 4
        told = table([_Row(Fraction(123456, 10))])
    assert "12345.6" == told.splitlines()[-1].strip()
