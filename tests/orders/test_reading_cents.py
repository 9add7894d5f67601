"""What somebody found who read how amounts are worked out, and tried what is said of them."""

from contextlib import suppress
from decimal import localcontext
from fractions import Fraction
from typing import NamedTuple

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from orderwright import (
    AddCharge,
    AddLine,
    ChangeLine,
    Charge,
    DraftLine,
    InvalidInput,
    Money,
    Policy,
    TaxLine,
    UnitPrice,
)
from orderwright.money import round_ratio
from orderwright.orders.explaining import taxes as taxes_of
from orderwright.orders.lines import KitPart
from orderwright.tracking.reading import facts_of
from orderwright.tracking.reports import table
from orderwright.tracking.revenue import Revenue
from orderwright.tracking.timeline import render, timeline
from tests.flows.test_tabs import STEAK, WINE, at_table
from tests.kitchens import TAB
from tests.orders.test_totals import minors, order_of, priced_line
from tests.worlds import Crashed, World, card, check_laws, eur, flow_of, run_until


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


def test_a_compound_tax_is_due_on_a_tax_that_is_told_as_an_amount_too() -> None:
    """A duty of 1.00 is taxed like the price: 20 % of 11.00, on top or inside."""
    for included, price, vat in ((False, "10.00", 220), (True, "12.00", 200)):
        both = [
            TaxLine(name="duty", amount=eur("1.00"), included=included),
            TaxLine(name="VAT", percent="20", included=included, compound=True),
        ]
        assert [[eur(price).minor, 100, vat]] == minors(order_of([priced_line(price, taxes=both)]))


def exact(net: Fraction, taxes: list[TaxLine]) -> list[Fraction]:
    """Each tax on a net amount, one after the other."""
    found: list[Fraction] = []
    for tax in taxes:
        on = net + sum(found) if tax.compound else net
        told = None if tax.amount is None else Fraction(tax.amount.minor)
        found.append(Fraction(tax.percent or 0) / 100 * on if told is None else told)
    return found


@given(
    minor=st.integers(0, 99_999),
    taxes=st.lists(
        st.builds(
            lambda amount, percent, included, compound: TaxLine(
                name="tax",
                amount=amount,
                percent=percent if amount is None else None,
                included=included,
                compound=compound,
            ),
            st.none() | st.integers(0, 300).map(lambda cents: Money(cents, "EUR")),
            st.sampled_from(["0", "5", "9.975", "20"]),
            st.booleans(),
            st.booleans(),
        ),
        max_size=4,
    ),
)
def test_taxes_are_those_of_the_net_amount_one_after_the_other(
    minor: int, taxes: list[TaxLine]
) -> None:
    """The net amount is found whose included taxes make up the price, whatever is told."""

    def gross(net: int) -> Fraction:
        parts = zip(taxes, exact(Fraction(net), taxes), strict=True)
        return net + sum((part for tax, part in parts if tax.included), Fraction(0))

    net = max(Fraction(0), (minor - gross(0)) / (gross(1) - gross(0)))
    line = priced_line(str(Money(minor, "EUR").amount), taxes=taxes)
    expected = [round_ratio(*one.as_integer_ratio(), "half_up") for one in exact(net, taxes)]
    assert [[minor, *expected]] == minors(order_of([line]))


def test_what_is_cancelled_on_its_way_to_a_tab_that_takes_no_more_is_no_revenue() -> None:
    """It is due on neither tab, and was counted where it was ordered."""
    world, _ = at_table(STEAK)
    world.desk.place([WINE], order_id="t2", table="5", policy=TAB)
    stop = 0
    while not world.desk.order("t1").intents:
        with suppress(Crashed):
            run_until(world, flow_of(world.desk, "transfer", "t1", "t2"), stop, performed=True)
        stop += 1
    world.desk.cancel("t1", reason="left")
    world.desk.close_tab("t2")
    world.calm()
    revenue = Revenue()
    for name in ("t1", "t2"):
        revenue.add(facts_of(world.desk.history(name)))
    due = world.desk.order("t1").due + world.desk.order("t2").due
    assert [(1, due.minor)] == [(row.units, row.gross_minor) for row in revenue.rows()]


def test_fewer_units_keep_the_tax_that_was_told_for_them() -> None:
    """Told 2.00 for two of three units it is 2.00, and not what is left of that for two of them."""
    world = World(("X", "MAIN", 3), policy=Policy(capture="on_confirmation"))
    duty = TaxLine(name="duty", amount=eur("3.00"))
    vat = TaxLine(name="VAT", percent="20", compound=True)
    mugs = priced_line("10.00", 3, taxes=[duty, vat])
    world.desk.place([mugs], order_id="o1", tenders=[card()])
    told = [TaxLine(name="duty", amount=eur("2.00")), vat]
    change = ChangeLine(line_id="l1", quantity=2, taxes=told)
    seen = world.desk.preview().edit("o1", [change])
    order = world.desk.edit("o1", [change], key="k")
    assert [eur("20.00"), eur("2.00"), eur("4.40")] == [
        one.remaining for one in order.lines[0].components
    ]
    assert (seen.due, eur("39.60"), eur("13.20")) == (order.due, order.captured, order.refunded)
    world.desk.edit("o1", [change], key="k")
    told_since = render(timeline(world.desk.history("o1"))).splitlines()
    assert 2 == sum(
        "changed: l1 now 2" in one or "changed: taxes of l1" in one for one in told_since
    )
    check_laws(world)


def test_a_charge_that_is_copied_from_a_tab_belongs_to_the_order_it_is_put_on() -> None:
    """It came from no other tab: nothing is due for it once the order is cancelled."""
    world = World(("X", "MAIN", 3))
    copied = Charge(kind="transfer", amount=eur("5.00"), origin="t4/l1")
    world.desk.place([priced_line("10.00")], order_id="o1", charges=[copied], tenders=[card()])
    added = AddCharge(charge=evolve(copied, kind="tip"))
    order = world.desk.edit("o1", [added])
    assert (eur("20.00"), ["", ""]) == (order.due, [one.origin for one in order.charges])
    cancelled = world.desk.cancel("o1", units={"l1": 1}, reason="x")
    assert (eur(0), "cancelled") == (cancelled.due, cancelled.state.name)


def test_the_lines_of_kits_count_too_when_an_order_is_too_long() -> None:
    """Of kits in kits, and of those that an edit adds, every component becomes a line."""
    world = World(("X", "MAIN", 1))
    bag = KitPart("BAG", parts=tuple(KitPart("X") for _ in range(101)))
    sack = DraftLine(sku="SACK", quantity=1, unit_price=UnitPrice.of(1, "EUR"), parts=[bag] * 100)
    with pytest.raises(InvalidInput, match="10100 lines"):
        world.desk.draft([sack], order_id="o1")
    world.desk.place([priced_line("1.00")], order_id="o1", tenders=[card()])
    with pytest.raises(InvalidInput, match="10101 lines"):
        world.desk.edit("o1", [AddLine(line=sack)])


@pytest.mark.parametrize("weight", [1, 0])
def test_a_tax_told_of_a_kit_is_borne_by_the_parts_without_taxes_of_their_own(weight: int) -> None:
    """All of it, also where one component is taxed otherwise, and the others cost nothing."""
    book = KitPart("BOOK", taxes=(TaxLine(name="VAT", percent="7"),))
    kit = DraftLine(
        sku="SET",
        quantity=1,
        unit_price=UnitPrice.of("30.00", "EUR"),
        taxes=[TaxLine(name="duty", amount=eur("3.01"))],
        parts=[book, KitPart("PEN", weight=weight), KitPart("INK", weight=weight)],
    )
    order = order_of([kit])
    assert [["VAT"], ["duty"], ["duty"]] == [
        [one.name for one in line.components if one.kind == "tax"] for line in order.lines
    ]
    assert eur("3.01") == taxes_of(order)["duty"]
