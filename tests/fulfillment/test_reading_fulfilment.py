"""What reading of plans, waves and labels found, held by small examples."""

import re

import pytest
from reportlab.graphics.barcode.code128 import Code128
from reportlab.graphics.barcode.qrencoder import QRCode, QRErrorCorrectLevel

from orderwright import InvalidInput, Location
from orderwright.fulfillment.labels import Address, ShippingLabel
from orderwright.fulfillment.packing import Article, Carton, pack, packing_slip
from orderwright.fulfillment.picking import Bin, PickTask, pick_list, pick_text
from orderwright.fulfillment.planning import Demand, plan
from orderwright.fulfillment.waves import plan_wave

PLACES = {"MAIN": Location(id="MAIN")}


def test_a_line_may_name_another_twice() -> None:
    """A line that another is only served with is one line, however often it is named."""
    wanted = [Demand("l1", "CHEESE", 1, only_with=("l2", "l2")), Demand("l2", "MUG", 1)]
    supply = {("CHEESE", "MAIN"): 1, ("MUG", "MAIN"): 1}
    assert 0 == plan(wanted, supply, PLACES).unserved


def test_many_lines_that_need_each_other_are_soon_checked() -> None:
    """Forty lines, each only served with all before it, are planned at once."""
    wanted = [
        Demand(f"l{one}", "MUG", 1, only_with=tuple(f"l{other}" for other in range(one)))
        for one in range(40)
    ]
    assert 0 == plan(wanted, {("MUG", "MAIN"): 40}, PLACES).unserved


def test_a_line_that_is_missing_later_is_named_where_it_is() -> None:
    """What only a later line is served with is refused like any other name that is none."""
    wanted = [
        Demand("l1", "MUG", 1, only_with=("l2",)),
        Demand("l2", "MUG", 1, only_with=("l9",)),
    ]
    with pytest.raises(InvalidInput, match=r"demand\[1\].only_with: there is no line 'l9'"):
        plan(wanted, {("MUG", "MAIN"): 2}, PLACES)


def long_label(tracking: str, qr: str) -> str:
    """A label whose lines are as long as they may be, for a printer."""
    ann = Address(
        name="n" * 60, lines=["l" * 60] * 4, postcode="p" * 16, city="c" * 60, country="DE"
    )
    return ShippingLabel(
        sender=ann,
        recipient=ann,
        service="s" * 30,
        weight=999_999,
        tracking=tracking,
        reference="r" * 40,
        qr=qr,
    ).zpl()


def test_a_long_line_is_printed_smaller() -> None:
    """No text for the printer runs off the paper, into the weight, or into the code beside it."""
    found = re.findall(r"\^FO(\d+),(\d+)\^A0N,(\d+),\d+\^FH_\^FD(.*)\^FS", long_label("T1", ""))
    assert 17 == len(found)
    for left, top, size, words in found:
        right = int(left) + len(words) * int(size) * 5 // 8
        beside = 560 if int(top) < 230 else 420 if (left, top) == ("40", "630") else 812
        assert right <= beside, words
    assert ["40"] == [size for _, _, size, words in found if words == "999.999 kg"]


@pytest.mark.parametrize("said", ["x" * 35, "x" * 107, "x" * 300, "\u00e4" * 280])
def test_a_long_code_is_printed_smaller(said: str) -> None:
    """A QR code ends above the rule below it, whatever it says."""
    code = QRCode(None, QRErrorCorrectLevel.M)
    code.addData("x" * len(said.encode()))
    code.make()
    squares = re.search(r"\^BQN,2,(\d)", long_label("T1", said))
    assert squares
    assert 30 + 10 + code.getModuleCount() * int(squares[1]) <= 230
    assert int(squares[1]) >= 2


@pytest.mark.parametrize("said", ["x" * 30, "x" * 31, "x" * 40, "4" * 40, "4200" + "9" * 30 + "XY"])
def test_a_long_number_is_printed_in_thinner_bars(said: str) -> None:
    """Its bars end on the paper, with the white beside them that a scanner needs."""
    bars = re.search(r"\^BY(\d)\^BCN,150", long_label(said, ""))
    assert bars
    wide = Code128(said, barWidth=1, quiet=False).width * int(bars[1])
    assert 60 + wide + 10 * int(bars[1]) <= 812


@pytest.mark.parametrize("wrong", [{("CUP", "NOWHERE"): 1}, {("CUP", "MAIN"): -1}])
def test_a_wave_refuses_what_a_plan_refuses(wrong: dict[tuple[str, str], int]) -> None:
    """Also in the supply of what no order of it wants."""
    supply = {("MUG", "MAIN"): 1} | wrong
    with pytest.raises(InvalidInput, match=r"supply\[\('CUP', "):
        plan([Demand("l1", "MUG", 1)], supply, PLACES)
    with pytest.raises(InvalidInput, match=r"supply\[\('CUP', "):
        plan_wave({"o1": [Demand("l1", "MUG", 1)]}, supply, PLACES)


def test_no_name_or_lot_makes_a_line_of_its_own() -> None:
    """A pick list and a packing slip have the lines of what is picked and packed, and no more."""
    stops = pick_list(
        [PickTask("o1", "f1", "MUG", 1, "L\n[ ] B-01         99 x GOLD")],
        {"MUG": Bin("A-01\x1b[2J", 1, 1)},
    )
    assert 2 == len(pick_text(stops).splitlines())
    assert "\x1b" not in pick_text(stops)
    ann = Address(name="Ann", lines=["Pier 3"], postcode="1", city="x", country="DE")
    boxes = pack([(Article("MUG", 1, 1, 1, 1), 1)], [Carton("S", 9, 9, 9, 99)])
    named = {"MUG": "Mug\n    99 x Gold"}
    slip = packing_slip("o1", "f1", ann, boxes, names=named, waiting={"MUG": 1})
    assert 12 == len(slip.splitlines())
