"""What orders come to: worked examples, an oracle in fractions, and laws."""

import csv
import gzip
from collections import defaultdict
from collections.abc import Callable, Iterator
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderwright import (
    Adjustment,
    ChangeLine,
    Charge,
    DraftLine,
    InvalidInput,
    Money,
    Order,
    Policy,
    TaxLine,
    UnitPrice,
)
from orderwright.lifecycles import STANDARD
from orderwright.orders.amounts import Component, parts, priced
from orderwright.orders.crediting import all_of, spread, units_of
from orderwright.orders.events import OrderCredited, OrderPlaced
from orderwright.orders.explaining import explain, explanation, taxes
from orderwright.orders.placement import Placement, contents
from orderwright.orders.totals import Terms, exact_amount
from tests.worlds import NOON, eur

MODES = {"half_up": ROUND_HALF_UP, "half_even": ROUND_HALF_EVEN, "down": ROUND_DOWN}


def order_of(
    lines: list[DraftLine],
    *,
    charges: tuple[Charge, ...] = (),
    adjustments: tuple[Adjustment, ...] = (),
    **policy: object,
) -> Order:
    """An order that was just placed."""
    said = Placement(
        order_id="A",
        lines=lines,
        charges=charges,
        adjustments=adjustments,
        tenders=(),
        channel="web",
        customer_id="",
        references=(),
        policy=Policy(**policy),
        at=NOON,
        occurred_at=None,
        by="",
    )
    return Order.replay([contents(said, OrderPlaced, STANDARD)])


def priced_line(
    price: str,
    quantity: int = 1,
    *,
    currency: str = "EUR",
    per: int = 1,
    **more: object,
) -> DraftLine:
    """A line of so many units."""
    unit_price = UnitPrice.of(price, currency, per=per)
    return DraftLine(sku="X", quantity=quantity, unit_price=unit_price, **more)


def minors(order: Order) -> list[list[int]]:
    """The components of each line, then of each charge, in minor units."""
    return [
        [part.amount.minor for part in one.components] for one in (*order.lines, *order.charges)
    ]


def off(percent: str, **more: object) -> Adjustment:
    """So many percent off."""
    return Adjustment(name="off", percent=f"-{percent}", **more)


# Worked examples ---------------------------------------------------------------------------


def test_tax_on_tax_in_prince_edward_island() -> None:
    """PST of 10 % was due on the price with GST of 5 %: 115.50 for 100.00.

    The example of the Province's Tax and Land Information site, "Historical Revenue Tax (PST)
    Information" (taxandland.pe.ca, number 1046325).
    """
    gst = TaxLine(name="GST", percent="5")
    pst = TaxLine(name="PST", percent="10", compound=True)
    order = order_of([priced_line("100.00", currency="CAD", taxes=[gst, pst])])
    assert [[10000, 500, 1050]] == minors(order)
    assert Money.of("115.50", "CAD") == order.total


def test_tax_on_tax_in_quebec_until_2012() -> None:
    """QST of 7.5 % was due on the price with GST of 5 %: 112.88 for 100.00.

    Ministere du Revenu du Quebec, "General information" on consumption taxes, as archived by
    Library and Archives Canada on 2008-02-09.
    """
    gst = TaxLine(name="GST", percent="5")
    qst = TaxLine(name="QST", percent="7.5", compound=True)
    order = order_of([priced_line("100.00", currency="CAD", taxes=[gst, qst])])
    assert [[10000, 500, 788]] == minors(order)
    assert Money.of("112.88", "CAD") == order.total


def test_two_taxes_side_by_side_in_quebec() -> None:
    """GST of 5 % and QST of 9.975 % are each due on the price: 114.98 for 100.00.

    Revenu Quebec, "Basic Rules for Applying the GST/HST and QST", rates since 2013.
    """
    rates = [TaxLine(name="GST", percent="5"), TaxLine(name="QST", percent="9.975")]
    order = order_of([priced_line("100.00", currency="CAD", taxes=rates)])
    assert [[10000, 500, 998]] == minors(order)
    assert Money.of("114.98", "CAD") == order.total


@pytest.mark.parametrize(
    ("gross", "rate", "tax"),
    [("12.00", "20", 200), ("119.00", "19", 1900), ("107.00", "7", 700), ("10.00", "20", 167)],
)
def test_value_added_tax_is_a_fraction_of_the_gross_price(gross: str, rate: str, tax: int) -> None:
    """The tax in a gross price is rate / (100 + rate) of it: one sixth at 20 %.

    HMRC, VAT guide (Notice 700), the VAT fraction.
    """
    vat = TaxLine(name="VAT", percent=rate, included=True)
    order = order_of([priced_line(gross, taxes=[vat])])
    assert [[eur(gross).minor, tax]] == minors(order)
    assert eur(gross) == order.total == order.due


def test_a_compound_tax_inside_the_price() -> None:
    """Both taxes of 115.50 are found again when the price includes them."""
    gst = TaxLine(name="GST", percent="5", included=True)
    pst = TaxLine(name="PST", percent="10", included=True, compound=True)
    order = order_of([priced_line("115.50", taxes=[gst, pst])])
    assert [[11550, 500, 1050]] == minors(order)


def test_a_tax_worked_out_elsewhere_is_taken_as_told() -> None:
    """A tax with an amount is that amount; an included one leaves the rest to the rates."""
    told = TaxLine(name="eco", amount=eur("1.00"), included=True)
    vat = TaxLine(name="VAT", percent="20", included=True)
    city = TaxLine(name="city", amount=eur("2.00"))
    order = order_of([priced_line("13.00", taxes=[told, vat, city])])
    assert [[1300, 100, 200, 200]] == minors(order)
    assert eur("15.00") == order.total


def test_shipping_is_taxed_and_a_tip_is_not() -> None:
    """Charges have taxes and adjustments of their own."""
    vat = TaxLine(name="VAT", percent="19")
    shipping = Charge(kind="shipping", amount=eur("5.00"), taxes=[vat], adjustments=[off("50")])
    tip = Charge(kind="tip", amount=eur("3.00"))
    order = order_of([priced_line("10.00", taxes=[vat])], charges=(shipping, tip))
    assert [[1000, 190], [500, -250, 48], [300]] == minors(order)
    assert {"VAT": eur("2.38")} == taxes(order)
    assert eur("17.88") == order.total


def test_weighed_goods() -> None:
    """347 g at 1.99 per 100 g are 6.9053, rounded once."""
    assert [[691]] == minors(order_of([priced_line("1.99", 347, per=100)]))
    assert [[690]] == minors(order_of([priced_line("1.99", 347, per=100)], rounding="down"))


@pytest.mark.parametrize(
    ("currency", "price", "expected"),
    [("JPY", "105", [105, -11]), ("EUR", "1.05", [105, -11]), ("KWD", "0.105", [105, -11])],
)
def test_currencies_have_their_own_digits(currency: str, price: str, expected: list[int]) -> None:
    """Ten percent off 105 minor units is 10.5, whatever the currency's exponent."""
    line = priced_line(price, currency=currency, adjustments=[off("10")])
    assert [expected] == minors(order_of([line], round_amounts="adjustment"))


# Adjustments -------------------------------------------------------------------------------


def test_a_discount_of_one_cent_over_three_lines() -> None:
    """The cent goes to the first of equal lines, and is not lost."""
    cent = Adjustment(name="coupon", amount=eur("-0.01"))
    order = order_of([priced_line("5.00")] * 3, adjustments=(cent,))
    assert [[500, -1], [500, 0], [500, 0]] == minors(order)


def test_a_fixed_discount_takes_no_line_below_its_floor() -> None:
    """What a line cannot give, because of its floor, the others give."""
    coupon = Adjustment(name="coupon", amount=eur("-9.00"), floor=eur("1.00"))
    lines = [priced_line("2.00"), priced_line("10.00"), priced_line("0.50"), priced_line("0.00")]
    order = order_of(lines, adjustments=(coupon,))
    assert [[200, -100], [1000, -800], [50, 0], [0, 0]] == minors(order)


def test_a_percentage_has_an_upper_limit() -> None:
    """Ten percent, at most 5.00 in all."""
    most = Adjustment(name="ten", percent="-10", limit=eur("5.00"))
    order = order_of([priced_line("60.00"), priced_line("40.00")], adjustments=(most,))
    assert [[6000, -300], [4000, -200]] == minors(order)
    line = priced_line("100.00", adjustments=[most])
    assert [[10000, -500]] == minors(order_of([line]))


def test_adjustments_follow_one_after_the_other() -> None:
    """Each percentage is of what the ones before it left; taxes are due on the end of it."""
    vat = TaxLine(name="VAT", percent="10")
    line = priced_line("100.00", adjustments=[off("10"), off("10")], taxes=[vat])
    surcharge = Adjustment(name="express", percent="50")
    order = order_of([line], adjustments=(surcharge,))
    assert [[10000, -1000, -900, 4050, 1215]] == minors(order)


def test_more_off_than_there_is() -> None:
    """A discount ends at nothing: the order is free, and so is its tax."""
    vat = TaxLine(name="VAT", percent="19")
    gift = Adjustment(name="gift", amount=eur("-50.00"))
    order = order_of([priced_line("10.00", taxes=[vat])] * 2, adjustments=(gift, gift))
    assert [[1000, -1000, 0]] * 2 == minors(order)
    assert "settled" == order.money
    line = priced_line("10.00", adjustments=[gift])
    assert [[1000, -1000]] == minors(order_of([line]))


def test_a_surcharge_on_free_lines_is_shared_equally() -> None:
    """There is no proportion to zero; ties go to the earlier line."""
    fee = Adjustment(name="fee", amount=eur("0.05"))
    order = order_of([priced_line("0.00")] * 2, adjustments=(fee,))
    assert [[0, 3], [0, 2]] == minors(order)
    nothing = Adjustment(name="none", amount=eur("0.00"))
    assert [[100]] == minors(order_of([priced_line("1.00")], adjustments=(nothing,)))


def test_taxes_rounded_once_per_order() -> None:
    """Three times 0.0855 is 0.2565: 0.27 by line, 0.26 by order, the cents going to the first."""
    vat = TaxLine(name="VAT", percent="19")
    lines = [priced_line("0.45", taxes=[vat])] * 3
    assert [[45, 9]] * 3 == minors(order_of(lines))
    by_order = order_of(lines, round_taxes="order")
    assert [[45, 9], [45, 9], [45, 8]] == minors(by_order)


def test_an_explanation_to_read() -> None:
    """The text tells where the total comes from, and what was credited."""
    vat = TaxLine(name="VAT", percent="20", included=True)
    shipping = Charge(kind="shipping", amount=eur("4.90"))
    order = order_of(
        [priced_line("12.00", adjustments=[off("50")], taxes=[vat])], charges=(shipping,)
    )
    expected = """\
l1 X                   12.00
  off                  -6.00
  of which VAT          1.00
c1 shipping             4.90
total                  10.90"""
    assert expected == explanation(order)
    credit = all_of(order.charges[0], 0)
    assert (eur("4.90"),) == credit.parts


@pytest.mark.parametrize(
    "make",
    [
        lambda: Adjustment(name="x"),
        lambda: Adjustment(name="x", amount=eur(1), percent="1"),
        lambda: Adjustment(name="", amount=eur(1)),
        lambda: Adjustment(name="x", amount=5),
        lambda: Adjustment(name="x", percent=0.5),
        lambda: Adjustment(name="x", percent="1001"),
        lambda: Adjustment(name="x", percent="1", limit=eur(-1)),
        lambda: TaxLine(name="x"),
        lambda: TaxLine(name="x", percent="-1"),
        lambda: TaxLine(name="x", amount=eur(-1)),
        lambda: TaxLine(name="x", percent="NaN"),
        lambda: TaxLine(name="x", percent="1", included="yes"),
        lambda: priced_line("1.00", taxes=[off("1")]),
        lambda: priced_line("1.00", adjustments="10"),
    ],
)
def test_bad_terms_are_refused(make: object) -> None:
    """An adjustment or tax that means nothing cannot be made."""
    with pytest.raises(InvalidInput):
        make()


def test_amounts_in_other_currencies_are_found_where_they_stand() -> None:
    """Every amount of another currency is named, also within lines and charges."""
    yen = Money(5, "JPY")
    change = Adjustment(name="x", amount=yen)
    with pytest.raises(InvalidInput) as caught:
        order_of(
            [priced_line("1.00", adjustments=[change])],
            charges=(Charge(kind="fee", amount=eur(1), taxes=[TaxLine(name="t", amount=yen)]),),
            adjustments=(Adjustment(name="y", percent="5", limit=yen, floor=yen),),
        )
    assert [
        "lines[0].adjustments[0].amount",
        "charges[0].taxes[0].amount",
        "adjustments[0].limit",
        "adjustments[0].floor",
    ] == [fault.path for fault in caught.value.faults]


# Northwind ---------------------------------------------------------------------------------


def _northwind(data_file: Callable[[str], Path]) -> Iterator[list[DraftLine]]:
    orders = defaultdict(list)
    path = data_file("northwind_order_details.csv.gz")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            percent = -Decimal(row["discount"]) * 100
            line = DraftLine(
                sku=row["product_id"],
                quantity=int(row["quantity"]),
                unit_price=UnitPrice.of(row["unit_price"], "USD"),
                adjustments=[Adjustment(name="discount", percent=percent)] if percent else [],
            )
            orders[row["order_id"]].append(line)
    yield from orders.values()


@pytest.mark.parametrize(
    ("where", "expected"),
    [("line", "1265793.29"), ("order", "1265793.22"), ("adjustment", "1265792.76")],
)
def test_northwind_rounds_to_its_known_figures(
    where: str, expected: str, data_file: Callable[[str], Path]
) -> None:
    """830 orders come to the figures known for each place of rounding."""
    totals = [order_of(lines, round_amounts=where).total.amount for lines in _northwind(data_file)]
    assert 830 == len(totals)
    assert Decimal(expected) == sum(totals)


def test_northwind_is_exact_before_rounding(data_file: Callable[[str], Path]) -> None:
    """Nothing is lost before a policy's point of rounding."""
    exact = sum(exact_amount(Terms.of(line)) for lines in _northwind(data_file) for line in lines)
    assert Fraction("1265793.0395") * 100 == exact


# Laws --------------------------------------------------------------------------------------

percents = st.decimals("0", "120", places=2)
adjustment = st.one_of(
    st.builds(lambda p: Adjustment(name="p", percent=p), st.decimals("-120", "120", places=1)),
    st.builds(lambda m: Adjustment(name="f", amount=Money(m, "EUR")), st.integers(-3000, 3000)),
    st.builds(
        lambda p, m, f: Adjustment(
            name="l", percent=p, limit=Money(m, "EUR"), floor=Money(f, "EUR")
        ),
        st.decimals("-100", "50", places=1),
        st.integers(0, 2000),
        st.integers(0, 300),
    ),
)
tax = st.builds(
    TaxLine,
    name=st.sampled_from(["GST", "PST", "VAT"]),
    percent=percents,
    included=st.booleans(),
    compound=st.booleans(),
)
draft = st.builds(
    priced_line,
    st.decimals("0", "99", places=4).map(str),
    st.integers(1, 9),
    per=st.sampled_from([1, 1, 100]),
    adjustments=st.lists(adjustment, max_size=3),
    taxes=st.lists(tax, max_size=3),
)
policies = st.fixed_dictionaries(
    {
        "rounding": st.sampled_from(["half_up", "half_even", "down"]),
        "round_amounts": st.sampled_from(["adjustment", "line", "order"]),
        "round_taxes": st.sampled_from(["line", "order"]),
    }
)


@given(
    lines=st.lists(draft, min_size=1, max_size=5),
    changes=st.lists(adjustment, max_size=3),
    policy=policies,
)
def test_parts_sum_to_the_whole_and_nothing_is_negative(
    lines: list[DraftLine], changes: list[Adjustment], policy: dict[str, str]
) -> None:
    """Whatever the terms: shares add up to the total, at no point is a line below nothing."""
    order = order_of(lines, adjustments=tuple(changes), **policy)
    told = [one.amount for one in explain(order) if one.kind != "included_tax"]
    assert order.total == sum(told, eur(0))
    for one in order.lines:
        running = 0
        for part in one.components:
            if part.kind != "included_tax":
                running += part.amount.minor
            assert running >= 0
            assert part.kind != "included_tax" or part.amount.minor >= 0


@given(
    prices=st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 9)), min_size=1, max_size=6),
    percent=st.decimals("0", "100", places=2),
    rate=percents,
    mode=st.sampled_from(sorted(MODES)),
)
def test_line_by_line_as_decimals_do_it(
    prices: list[tuple[int, int]], percent: Decimal, rate: Decimal, mode: str
) -> None:
    """A discount and a tax on each line come out as the standard library rounds exact decimals."""
    vat = TaxLine(name="VAT", percent=rate)
    change = Adjustment(name="off", percent=-percent)
    lines = [
        priced_line(str(Decimal(cents) / 100), units, adjustments=[change], taxes=[vat])
        for cents, units in prices
    ]
    order = order_of(lines, rounding=mode)
    expected = Decimal(0)
    for cents, units in prices:
        net = cents * units * (100 - percent) / 100
        net = net.quantize(Decimal(1), MODES[mode])
        expected += net + (net * rate / 100).quantize(Decimal(1), MODES[mode])
    assert expected == order.total.minor


components = st.lists(st.integers(-500, 500), min_size=1, max_size=5).map(
    lambda changes: _standing([abs(changes[0]), *changes[1:]])
)


def _standing(changes: list[int]) -> tuple[Component, ...]:
    """Components whose running total is never negative."""
    found, running = [], 0
    for number, wanted in enumerate(changes):
        change = max(wanted, -running)
        running += change
        kind = "price" if number == 0 else "adjustment"
        found.append(priced(kind, f"c{number}", Money(change, "EUR")))
    return tuple(found)


@given(
    made=components,
    units=st.integers(1, 9),
    data=st.data(),
    mode=st.sampled_from(sorted(MODES)),
)
def test_any_sequence_of_credits_gives_back_exactly_everything(
    made: tuple[Component, ...], units: int, data: st.DataObject, mode: str
) -> None:
    """Each credit is the rounded share of the whole, none is negative, and nothing is left."""
    left, there = units, made
    given_back = 0
    while left:
        taken = data.draw(st.integers(1, left))
        whole = sum(one.remaining.minor for one in there)
        credit = parts(there, taken, left, mode)
        worth = sum(one.minor for one in credit)
        exact = Decimal(whole * taken) / left
        assert worth == exact.quantize(Decimal(1), MODES[mode])
        assert worth >= 0
        there = tuple(
            one._replace(remaining=one.remaining - part)
            for one, part in zip(there, credit, strict=True)
        )
        for one in there:  # no part turns its sign
            assert one.remaining.minor * one.amount.minor >= 0
            assert abs(one.remaining.minor) <= abs(one.amount.minor)
        given_back += worth
        left -= taken
    assert sum(one.amount.minor for one in made) == given_back
    assert not any(one.remaining for one in there)


def test_three_for_ten_come_back_as_ten() -> None:
    """Three single returns of a line of 10.00 pay back 3.33, 3.34 and 3.33."""
    (line,) = order_of([priced_line("10.00", 3, per=3)]).lines
    credit = units_of(line, 1, "half_up")
    assert [333] == [part.minor for part in credit.parts]


def test_a_part_of_an_amount_is_taken_where_something_is_left() -> None:
    """A credit over several lines is shared in proportion; nothing is taken from free lines."""
    order = order_of([priced_line("1.00"), priced_line("0.00"), priced_line("3.00")])
    found = spread(order.lines, 101, "half_up")
    assert [("l1", 25), ("l3", 76)] == [(one.target, one.parts[0].minor) for one in found]
    assert () == spread(order.lines, 0, "half_up")


def test_shares_within_bounds() -> None:
    """What one part cannot take goes to the others; all together take what they may, no more."""
    assert (eur("0.02"), eur("0.08")) == eur("0.10").split([1, 1], [2, 9])
    assert (eur("0.02"), eur("0.08")) == eur("0.10").split([1, 1], [2, 8])
    assert (eur(0), eur(0)) == eur(0).split([1, 1], [0, 0])
    with pytest.raises(InvalidInput, match="at most 3"):
        eur("0.10").split([1, 1], [2, 1])
    for most in ([1], [1, -1], [1, 1.0]):
        with pytest.raises(InvalidInput, match="whole bound"):
            eur("0.01").split([1, 1], most)


@given(
    weights=st.lists(st.integers(0, 50), min_size=1, max_size=6).filter(any),
    data=st.data(),
)
def test_bounded_shares_are_as_fair_as_bounds_allow(
    weights: list[int], data: st.DataObject
) -> None:
    """They sum up, keep their bounds, and one below its bound has its share of the common level."""
    most = [data.draw(st.integers(0, 40)) for _ in weights]
    room = sum(bound for bound, weight in zip(most, weights, strict=True) if weight)
    amount = data.draw(st.integers(0, room))
    found = [part.minor for part in Money(amount, "EUR").split(weights, most)]
    assert amount == sum(found)
    free = [i for i, part in enumerate(found) if weights[i] and part < most[i]]
    for i, part in enumerate(found):
        assert 0 <= part <= most[i]
        assert weights[i] or not part
        for j in free:  # nobody has more than a unit above the level of one that could take more
            assert Fraction(part - 1, weights[i] or 1) < Fraction(found[j] + 1, weights[j])


def test_an_explanation_tells_what_was_credited() -> None:
    """Total, credited and due stand below the rows."""
    order = order_of([priced_line("10.00", 2)])
    event = OrderCredited(
        amount=eur(5), target="", credits=spread(order.lines, 500, "half_up"), at=NOON
    )
    lines = explanation(order.after([event])).splitlines()
    assert ["total", "20.00", "credited", "-5.00", "due", "15.00"] == " ".join(lines[1:]).split()


def test_policy_of_returns_is_checked() -> None:
    """A fee of more than everything and a change of nothing mean nothing."""
    with pytest.raises(InvalidInput, match="restocking_percent"):
        Policy(restocking_percent="101")
    with pytest.raises(InvalidInput, match="give a quantity"):
        ChangeLine(line_id="l1")
