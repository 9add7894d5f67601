"""Money is exact: nothing is lost, nothing is guessed, whatever the host does with decimals."""

import decimal
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orderwright.errors import InvalidInput
from orderwright.money import (
    CURRENCIES,
    MAX_MINOR,
    Money,
    Rounding,
    UnitPrice,
    exponent,
    round_ratio,
    total,
)
from orderwright.money import decimal as exact

ROUNDINGS: tuple[Rounding, ...] = get_args(Rounding)
MODES: dict[Rounding, str] = {
    "half_up": decimal.ROUND_HALF_UP,
    "half_even": decimal.ROUND_HALF_EVEN,
    "down": decimal.ROUND_DOWN,
}
MINORS = st.integers(-(10**15), 10**15)
FIVE = Money.of("5.00", "EUR")
UNIT = UnitPrice.of("5", "EUR")


def refused(call: Callable[[], object], path: str) -> str:
    """What the typed error of `call` says about `path`."""
    with pytest.raises(InvalidInput) as caught:
        call()
    (fault,) = caught.value.faults
    assert path == fault.path
    return fault.message


@pytest.fixture
def hostile_context() -> Iterator[None]:
    """A decimal context in which careless arithmetic rounds, or raises."""
    traps: list[type[decimal.DecimalException]] = [
        decimal.Inexact,
        decimal.Rounded,
        decimal.Subnormal,
        decimal.FloatOperation,
    ]
    with decimal.localcontext(decimal.Context(prec=3, Emax=3, Emin=-3, traps=traps)):
        yield


# --- currencies -----------------------------------------------------------------------------------


def test_minor_units_of_iso_4217() -> None:
    """The digits are those of ISO 4217's list one; all others have two."""
    none = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
    three = "BHD IQD JOD KWD LYD OMR TND"
    by_digits: dict[int, set[str]] = {}
    for code, digits in CURRENCIES.items():
        by_digits.setdefault(digits, set()).add(code)
    assert {0, 2, 3} == by_digits.keys()
    assert set(none.split()) == by_digits[0]
    assert set(three.split()) == by_digits[3]
    g20 = "ARS AUD BRL CAD CNY EUR GBP IDR INR MXN RUB SAR TRY USD ZAR"
    europe = "CHF CZK DKK HUF NOK PLN RON SEK"
    assert set(f"{g20} {europe} HUF TWD MGA MRU XCD XCG".split()) <= by_digits[2]
    # The rest of the list is this long: no code has fallen out of it.
    assert 132 == len(by_digits[2])


@pytest.mark.parametrize(
    "code", ["", "eur", "EU", "EURO", "XXX", "XTS", "XAU", "CLF", "DEM", "€", None, 978, ["EUR"]]
)
def test_what_is_no_currency(code: str) -> None:
    """Unknown codes, metals, funds and withdrawn currencies are refused, with an example."""
    for call in (lambda: exponent(code), lambda: Money(1, code), lambda: Money.of("1", code)):
        told = repr(code) if isinstance(code, str) else type(code).__name__
        assert f"{told} is no ISO 4217 code such as 'EUR' or 'JPY'" == refused(call, "currency")


@pytest.mark.parametrize(
    ("amount", "code", "minor", "text"),
    [
        ("12.50", "EUR", 1250, "12.50 EUR"),
        ("1250", "JPY", 1250, "1250 JPY"),
        ("1.25", "KWD", 1250, "1.250 KWD"),
        ("-0.01", "USD", -1, "-0.01 USD"),
        (7, "EUR", 700, "7.00 EUR"),
        (Decimal("1E+3"), "JPY", 1000, "1000 JPY"),
        ("1.50000", "EUR", 150, "1.50 EUR"),
        ("-0", "EUR", 0, "0.00 EUR"),
        ("9999999999999999.99", "EUR", 10**18 - 1, "9999999999999999.99 EUR"),
    ],
)
def test_amounts(amount: str | int | Decimal, code: str, minor: int, text: str) -> None:
    """Major units become whole minor units by the currency's digits, and are shown with them."""
    money = Money.of(amount, code)
    assert (minor, code, text) == (money.minor, money.currency, str(money))
    assert f"Money('{text}')" == repr(money)
    assert Money(minor, code) == money


@pytest.mark.parametrize(
    "amount",
    [
        1.5,
        True,
        None,
        b"1",
        "",
        "1,50",
        "12.50 EUR",
        "nan",
        "sNaN",
        "Infinity",
        "-Infinity",
        Decimal("NaN"),
        Decimal("Infinity"),
        "1e400",
        "1e-400",
        "1e-999999999",
        "0e-999999999",
        "1e99999999999999999999",
        pytest.param(10**5000, id="more digits than Python prints"),
        "1" * 5000,
        "0." + "1" * 50,
    ],
)
def test_what_is_no_amount(amount: str) -> None:
    """Floats, bools, what is not finite, and what could stall the process are refused."""
    refused(lambda: Money.of(amount, "EUR"), "amount")
    refused(lambda: UnitPrice.of(amount, "EUR"), "amount")


@pytest.mark.parametrize(("amount", "code"), [("0.001", "EUR"), ("0.5", "JPY"), ("1.2345", "KWD")])
def test_too_many_decimals(amount: str, code: str) -> None:
    """An amount finer than the currency is refused, not rounded."""
    message = f"{amount} has more decimals than {code}, which has {CURRENCIES[code]}"
    assert message == refused(lambda: Money.of(amount, code), "amount")


@pytest.mark.parametrize("minor", [1.0, True, "1", None, Decimal(1)])
def test_minor_units_are_ints(minor: int) -> None:
    """Minor units are whole numbers and nothing that looks like one."""
    kind = type(minor).__name__
    expected = f"expected whole minor units (int), got {kind}"
    assert expected == refused(lambda: Money(minor, "EUR"), "minor")


@given(minor=MINORS, code=st.sampled_from(sorted(CURRENCIES)))
def test_amount_reads_back(minor: int, code: str) -> None:
    """What an amount says of itself makes the same amount again."""
    money = Money(minor, code)
    assert money == Money.of(money.amount, code) == Money.of(str(money).split()[0], code)
    assert Fraction(minor, 10 ** CURRENCIES[code]) == Fraction(money.amount)


@given(
    before=st.integers(1, 24),
    after=st.integers(0, 44),
    digit=st.sampled_from("19"),
    sign=st.sampled_from(["", "-"]),
)
@example(before=20, after=20, digit="9", sign="")
@example(before=21, after=0, digit="1", sign="-")
@example(before=1, after=40, digit="1", sign="")
@example(before=20, after=21, digit="1", sign="")
def test_how_long_an_amount_may_be(before: int, after: int, digit: str, sign: str) -> None:
    """Twenty digits may stand before the point, forty after it, and forty in all."""
    written = f"{sign}{digit * before}.{digit * after}"
    if before <= 20 and after <= 40 and before + after <= 40:
        assert Fraction(written.rstrip(".")) == Fraction(exact(written, "there"))
    else:
        assert "is not a sensible amount" in refused(lambda: exact(written, "there"), "there")


@pytest.mark.parametrize("places", [40, 41])
def test_how_small_an_amount_may_be(places: int) -> None:
    """A single digit may stand at the fortieth place after the point, and no further right."""
    written = f"1e-{places}"
    if places == 40:
        assert Fraction(1, 10**40) == Fraction(exact(written, "there"))
    else:
        refused(lambda: exact(written, "there"), "there")


@pytest.mark.parametrize("sign", [1, -1])
def test_the_largest_amount(sign: int) -> None:
    """A quintillion minor units is the most there is, of either sign; one more is refused."""
    assert sign * 10**18 == Money(sign * 10**18, "EUR").minor
    message = "more than 1000000000000000000 minor units either way"
    assert message == refused(lambda: Money(sign * (10**18 + 1), "EUR"), "minor")


# --- arithmetic -----------------------------------------------------------------------------------


@given(one=MINORS, two=MINORS, factor=st.integers(-1000, 1000))
def test_arithmetic(one: int, two: int, factor: int) -> None:
    """Money adds, subtracts, multiplies, orders and vanishes as its minor units do."""
    mine, yours = Money(one, "EUR"), Money(two, "EUR")
    assert Money(one + two, "EUR") == mine + yours == total((mine, yours), "EUR")
    assert Money(one - two, "EUR") == mine - yours
    assert Money(-one, "EUR") == -mine
    assert Money(one * factor, "EUR") == mine * factor == factor * mine
    compared = (mine < yours, mine <= yours, mine > yours, mine >= yours, mine == yours)
    assert (one < two, one <= two, one > two, one >= two, one == two) == compared
    assert bool(one) == bool(mine)


def test_nothing() -> None:
    """No amounts add up to zero of the currency asked for."""
    assert Money(0, "JPY") == Money.zero("JPY") == total((), "JPY")


@pytest.mark.parametrize(
    "mixed",
    [
        lambda: FIVE + Money(5, "USD"),
        lambda: FIVE - Money(5, "USD"),
        lambda: FIVE < Money(5, "USD"),
        lambda: FIVE >= Money(5, "USD"),
        lambda: total((FIVE, Money(5, "USD")), "EUR"),
    ],
)
def test_currencies_do_not_mix(mixed: Callable[[], object]) -> None:
    """Amounts of two currencies neither add nor compare, and are never equal."""
    assert "USD" in refused(mixed, "currency")
    assert Money(500, "USD") != FIVE


@pytest.mark.parametrize("other", [5, Decimal(5), "5", None, UnitPrice.of("5", "EUR")])
def test_money_meets_only_money(other: Money) -> None:
    """A number, or a price, is not taken for an amount."""
    expected = f"expected Money, got {type(other).__name__}"
    for call in (lambda: FIVE + other, lambda: FIVE - other, lambda: FIVE < other):
        assert expected == refused(call, "amount")


@pytest.mark.parametrize("factor", [1.5, True, Decimal(2)])
def test_factors_are_ints(factor: int) -> None:
    """Money is multiplied by whole numbers only."""
    expected = f"expected an int, got {type(factor).__name__}"
    assert expected == refused(lambda: FIVE * factor, "factor")


# --- rounding -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numerator", "rounded"),
    [(5, (3, 2, 2)), (-5, (-3, -2, -2)), (3, (2, 2, 1)), (-3, (-2, -2, -1)), (4, (2, 2, 2))],
)
def test_halves(numerator: int, rounded: tuple[int, int, int]) -> None:
    """Halves go away from zero, to the even neighbour, or towards zero."""
    found = tuple(round_ratio(numerator, 2, rounding) for rounding in ROUNDINGS)
    assert ("half_up", "half_even", "down") == ROUNDINGS
    assert rounded == found


@given(
    numerator=st.integers(-(10**30), 10**30),
    factors=st.tuples(st.integers(0, 8), st.integers(0, 8)),
    rounding=st.sampled_from(ROUNDINGS),
)
def test_round_ratio_as_decimal_does(
    numerator: int, factors: tuple[int, int], rounding: Rounding
) -> None:
    """Ratios that decimals can express are rounded as the standard library rounds them."""
    denominator = 2 ** factors[0] * 5 ** factors[1]
    with decimal.localcontext(decimal.Context(prec=200)):
        exact = Decimal(numerator) / Decimal(denominator)
        expected = exact.quantize(Decimal(1), rounding=MODES[rounding])
    found = round_ratio(numerator, denominator, rounding)
    assert (int, int(expected)) == (type(found), found)


@given(
    minor=MINORS,
    part=st.integers(-1000, 1000),
    whole=st.integers(1, 1000),
    rounding=st.sampled_from(ROUNDINGS),
)
def test_share(minor: int, part: int, whole: int, rounding: Rounding) -> None:
    """A share is the nearest minor unit to the exact fraction, or the one towards zero."""
    exact = Fraction(minor * part, whole)
    found = Money(minor, "EUR").share(part, whole, rounding).minor
    if rounding == "down":
        assert int(exact) == found
    elif rounding == "half_even":
        assert round(exact) == found
    else:
        assert abs(exact - found) <= Fraction(1, 2)
        assert abs(found) >= abs(exact) or abs(exact - found) < Fraction(1, 2)


@pytest.mark.parametrize(("part", "whole"), [(1, 0), (1, -2), (0.5, 1), (1, 2.0), (True, 2)])
def test_what_is_no_share(part: int, whole: int) -> None:
    """There is no share of nothing, of less than nothing, or by floats."""
    refused(lambda: FIVE.share(part, whole), "share")


# --- splitting ------------------------------------------------------------------------------------


def largest_remainder(minor: int, weights: list[int]) -> list[int]:
    """Hamilton's method with fractions, seats given out one at a time."""
    sign = -1 if minor < 0 else 1
    exact = [Fraction(abs(minor) * weight, sum(weights)) for weight in weights]
    parts = [int(share) for share in exact]
    waiting = [share - part for share, part in zip(exact, parts, strict=True)]
    while sum(parts) < abs(minor):
        first = waiting.index(max(waiting))
        parts[first] += 1
        waiting[first] = Fraction(-1)
    return [sign * part for part in parts]


WEIGHTS = st.lists(st.integers(0, 1000), min_size=1, max_size=12).filter(any)


@given(minor=st.one_of(MINORS, st.integers(-20, 20)), weights=WEIGHTS)
def test_split(minor: int, weights: list[int]) -> None:
    """Parts sum to the whole, are within one minor unit of exact, and none is against the sign."""
    parts = [part.minor for part in Money(minor, "EUR").split(weights)]
    assert minor == sum(parts)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(minor * weight, sum(weights))) < 1
        assert part * minor >= 0
        assert weight or not part
    assert largest_remainder(minor, weights) == parts


@given(minor=st.integers(-100, 100), count=st.integers(1, 40))
def test_even_split_favours_the_earlier(minor: int, count: int) -> None:
    """Equal weights give parts that differ by a unit at most, larger ones first, also of little."""
    sizes = [abs(part.minor) for part in Money(minor, "JPY").split([1] * count)]
    assert all(earlier - later in (0, 1) for earlier, later in pairwise(sizes))
    assert sizes[0] - sizes[-1] <= 1


@pytest.mark.parametrize(
    ("minor", "weights", "parts"),
    [
        (2, [1, 1, 1], [1, 1, 0]),
        (-5, [1, 1], [-3, -2]),
        (0, [3, 0], [0, 0]),
        (1, [0, 0, 7], [0, 0, 1]),
    ],
)
def test_split_of_little(minor: int, weights: list[int], parts: list[int]) -> None:
    """Fewer units than parts, halves, nothing: units go to the earlier of equal remainders."""
    assert parts == [part.minor for part in Money(minor, "EUR").split(weights)]


def test_split_apportions_the_house_of_1792() -> None:
    """120 seats by the census of 1790, as Hamilton's bill gave them.

    Source: Balinski and Young, Fair Representation, chapter 2.
    """
    states = {
        "Virginia": (630_560, 21),
        "Massachusetts": (475_327, 16),
        "Pennsylvania": (432_879, 14),
        "North Carolina": (353_523, 12),
        "New York": (331_589, 11),
        "Maryland": (278_514, 9),
        "Connecticut": (236_841, 8),
        "South Carolina": (206_236, 7),
        "New Jersey": (179_570, 6),
        "New Hampshire": (141_822, 5),
        "Vermont": (85_533, 3),
        "Georgia": (70_835, 2),
        "Kentucky": (68_705, 2),
        "Rhode Island": (68_446, 2),
        "Delaware": (55_540, 2),
    }
    seats = Money(120, "USD").split([people for people, _ in states.values()])
    assert {state: given for state, (_, given) in states.items()} == {
        state: part.minor for state, part in zip(states, seats, strict=True)
    }


@pytest.mark.parametrize("weights", [[], [0], [0, 0], [-1, 2], [1.0, 1.0], [True], [Fraction(1)]])
def test_what_are_no_weights(weights: list[int]) -> None:
    """Nothing can be split by no weights, zeros, negative ones or floats."""
    expected = "expected whole weights of at least 0, not all 0"
    assert expected == refused(lambda: FIVE.split(weights), "weights")


def poured(amount: int, weights: list[int], most: list[int]) -> list[int]:
    """Shares by weight, the full ones taken out again and again until all others have room."""
    full: set[int] = set()
    while True:
        left = amount - sum(most[index] for index in full)
        open_ = [i for i, weight in enumerate(weights) if weight and i not in full]
        whole = sum(weights[index] for index in open_)
        over = {i for i in open_ if most[i] < Fraction(left * weights[i], whole)}
        if not over:
            break
        full |= over
    parts = [most[index] if index in full else 0 for index in range(len(weights))]
    if open_ and left:
        for index, part in zip(
            open_, largest_remainder(left, [weights[i] for i in open_]), strict=True
        ):
            parts[index] = part
    return parts


@given(data=st.data(), weights=WEIGHTS, sign=st.sampled_from([1, -1]))
def test_split_within_bounds(data: st.DataObject, weights: list[int], sign: int) -> None:
    """No part is above its bound; what one cannot take is shared by weight among the others."""
    bounds = st.lists(st.integers(0, 60), min_size=len(weights), max_size=len(weights))
    most = data.draw(bounds)
    room = sum(bound for bound, weight in zip(most, weights, strict=True) if weight)
    amount = data.draw(st.integers(0, room) | st.just(room))
    parts = [part.minor for part in Money(sign * amount, "EUR").split(weights, most)]
    assert [sign * part for part in poured(amount, weights, most)] == parts
    expected = f"{room + 1} to share, but the parts take at most {room}"
    too_much = Money(sign * (room + 1), "EUR")
    assert expected == refused(lambda: too_much.split(weights, most), "most")


@pytest.mark.parametrize("most", [[], [9], [9, 9, 9], [-1, 9], [9, 9.0], [True, 9], [None, 9]])
def test_what_are_no_bounds(most: list[int]) -> None:
    """Each weight has a bound, a whole one of at least zero."""
    expected = "expected a whole bound of at least 0 for each weight"
    assert expected == refused(lambda: Money(1, "EUR").split([1, 1], most), "most")


# --- unit prices ----------------------------------------------------------------------------------


@given(
    amount=st.decimals(0, 10**9, places=6),
    units=st.integers(0, 10**6),
    per=st.integers(1, 10**6),
    code=st.sampled_from(["JPY", "EUR", "KWD"]),
    rounding=st.sampled_from(ROUNDINGS),
)
def test_times(amount: Decimal, units: int, per: int, code: str, rounding: Rounding) -> None:
    """A price times units is the exact product rounded once to the currency's minor unit."""
    found = UnitPrice.of(amount, code, per=per).times(units, rounding)
    exact = Fraction(amount) * units * 10 ** CURRENCIES[code] / per
    down, rest = divmod(exact, 1)
    up = {
        "half_up": rest >= Fraction(1, 2),
        "half_even": rest > Fraction(1, 2) or (rest == Fraction(1, 2) and down % 2 == 1),
        "down": False,
    }[rounding]
    assert Money(int(down) + up, code) == found


PRICES = st.builds(
    UnitPrice,
    st.decimals(0, 10**9, places=9),
    st.just("EUR"),
    st.sampled_from([1, 2, 3, 6, 10, 100, 1000]),
)


@given(one=PRICES, two=PRICES, factor=st.integers(0, 1000))
def test_prices_add_and_multiply_exactly(one: UnitPrice, two: UnitPrice, factor: int) -> None:
    """A sum of prices, or a multiple, costs what its parts cost, per the smallest common count."""

    def cost(price: UnitPrice) -> Fraction:
        return Fraction(price.amount) / price.per

    assert cost(one) + cost(two) == cost(one + two)
    assert cost(one) * factor == cost(one * factor)
    assert one.per == (one * factor).per
    both = (one + two).per
    assert [0, 0] == [both % one.per, both % two.per]
    assert not any(n % one.per == 0 == n % two.per for n in range(1, both))


def test_long_prices_add_exactly() -> None:
    """Forty digits are added to the last one, where decimals of the host stop at twenty-eight."""
    long = UnitPrice.of("12345678901234567890.12345678901234567891", "EUR")
    short = UnitPrice.of("1", "EUR")
    assert Decimal("12345678901234567891.12345678901234567891") == (long + short).amount
    assert Decimal("37037036703703703670.37037036703703703673") == (long * 3).amount


@pytest.mark.parametrize(
    ("call", "path", "message"),
    [
        (lambda: UNIT + FIVE, "amount", "expected UnitPrice, got Money"),
        (lambda: UNIT * 1.5, "factor", "expected an int, got float"),
        (lambda: UNIT * True, "factor", "expected an int, got bool"),
        (
            lambda: UNIT + UnitPrice.of("5", "USD", per=3),
            "currency",
            "5 EUR and 5 USD per 3 are of different currencies",
        ),
    ],
)
def test_prices_meet_only_prices(call: Callable[[], object], path: str, message: str) -> None:
    """A price is added to a price of its currency, and multiplied by whole numbers."""
    assert message == refused(call, path)


def test_price_per_hundred() -> None:
    """350 g of something at 1.99 for 100 g cost 6.965, which the till rounds."""
    price = UnitPrice.of("1.99", "EUR", per=100)
    assert [697, 696, 696] == [price.times(350, rounding).minor for rounding in ROUNDINGS]
    assert ("1.99 EUR per 100", "1.99 EUR") == (str(price), str(UnitPrice.of("1.99", "EUR")))
    assert "1.99 EUR per 2" == str(UnitPrice.of("1.99", "EUR", per=2))


@pytest.mark.parametrize(
    ("call", "path", "message"),
    [
        (
            lambda: UnitPrice(1.5, "EUR"),  # type: ignore[arg-type]
            "amount",
            "expected Decimal, got float",
        ),
        (lambda: UnitPrice(Decimal("-0.01"), "EUR"), "amount", "a unit price of -0.01 is negative"),
        (lambda: UnitPrice(Decimal("NaN"), "EUR"), "amount", "'NaN' is not a sensible amount"),
        (
            lambda: UnitPrice(Decimal(1), "EURO"),
            "currency",
            "'EURO' is no ISO 4217 code such as 'EUR' or 'JPY'",
        ),
        (
            lambda: UnitPrice.of(1, "EUR", per=0),
            "per",
            "expected a whole number of units, at least 1",
        ),
        (
            lambda: UnitPrice.of(1, "EUR", per=True),
            "per",
            "expected a whole number of units, at least 1",
        ),
        (
            lambda: UnitPrice.of(1, "EUR", per=10**100 + 1),
            "per",
            "is more units than anybody can count",
        ),
        (
            lambda: UnitPrice.of(1, "EUR") * (MAX_MINOR + 1),
            "factor",
            f"more than {MAX_MINOR} times either way",
        ),
        (
            lambda: UnitPrice.of(1, "EUR") * -(MAX_MINOR + 1),
            "factor",
            f"more than {MAX_MINOR} times either way",
        ),
    ],
)
def test_what_is_no_price(call: Callable[[], object], path: str, message: str) -> None:
    """A price is an exact, finite, non-negative decimal per at least one unit."""
    assert message == refused(call, path)


# --- the host's decimal context ------------------------------------------------------------------


@pytest.mark.usefixtures("hostile_context")
def test_ambient_context_changes_nothing() -> None:
    """Money is as exact under a context of three digits with traps as under any other."""
    money = Money.of("1234567890.12", "EUR")
    assert (123456789012, "1234567890.12 EUR") == (money.minor, str(money))
    assert Decimal("1234567890.12") == money.amount
    price = UnitPrice.of("12345.6789", "EUR", per=7)
    assert ("12345.6789 EUR per 7", 1763668) == (str(price), price.times(10, "half_up").minor)
    refused(lambda: Money.of("nan", "EUR"), "amount")
    refused(lambda: Money.of("what", "EUR"), "amount")
    refused(lambda: Money.of("1234567890.123", "EUR"), "amount")
