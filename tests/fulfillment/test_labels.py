"""Labels scan: what a decoder of somebody else reads is what was asked for."""

import re
from typing import Any

import biip
import pypdfium2
import pytest
import resvg_py
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from orderwright.adapters.labels import pdf, svg
from orderwright.errors import InvalidInput
from orderwright.fulfillment.labels import Address, ShippingLabel, check_digit, sscc

SHOP = Address(
    name="M\u00f6bel & Mehr",
    lines=["Lange Stra\u00dfe 12"],
    postcode="20095",
    city="Hamburg",
    country="DE",
)
ZOE = Address(
    name="Zo\u00eb O'Brien",
    lines=["12 High Street", "Flat 3"],
    postcode="SW1A 1AA",
    city="London",
    country="GB",
)


def label(**more: Any) -> ShippingLabel:  # noqa: ANN401 - any field of a label
    """A label with all there is on it."""
    told = {
        "sender": SHOP,
        "recipient": ZOE,
        "service": "EXPRESS",
        "weight": 1234,
        "tracking": "JD014600003GB",
        "reference": "T-1001 f1",
        "sscc": sscc("4012345", 17, extension=3),
        "qr": "https://example.com/t/JD014600003GB",
    }
    return ShippingLabel(**{**told, **more})


def read(picture: Image.Image) -> set[tuple[str, str]]:
    """The codes on a picture, by format."""
    return {(str(one.format), one.text) for one in zxingcpp.read_barcodes(picture)}


def drawn(data: bytes) -> Image.Image:
    """The first page of a PDF, at some 300 dots an inch."""
    return pypdfium2.PdfDocument(data)[0].render(scale=4).to_pil()


def expected(one: ShippingLabel) -> set[tuple[str, str]]:
    """What has to be read from a label."""
    codes = {("QR Code", one.qr or one.tracking), ("Code 128", one.tracking)}
    return codes | ({("Code 128", f"(00){one.sscc}")} if one.sscc else set())


def test_the_pdf_scans() -> None:
    """Tracking number, container code and QR code are read from the rendered page."""
    assert expected(label()) == read(drawn(pdf([label()])))


def test_the_svg_scans() -> None:
    """The same are read from the SVG, drawn by another renderer."""
    png = bytes(resvg_py.svg_to_bytes(svg_string=svg(label()), zoom=4, background="white"))
    from io import BytesIO  # noqa: PLC0415

    assert expected(label()) == read(Image.open(BytesIO(png)))


TRACKING = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=30)


@settings(max_examples=25, deadline=None)
@given(TRACKING, st.integers(0, 10**7 - 1), st.integers(0, 9))
def test_whatever_it_says_scans(tracking: str, serial: int, extension: int) -> None:
    """Any tracking number of printable ASCII comes back from the picture."""
    one = label(tracking=tracking, sscc=sscc("401234567", serial, extension=extension), qr="")
    assert expected(one) == read(drawn(pdf([one])))


def test_the_same_labels_are_the_same_bytes() -> None:
    """A PDF has a page for each label, and nothing in it depends on when it was made."""
    assert pdf([label(), label()]) == pdf([label(), label()])
    assert 2 == len(pypdfium2.PdfDocument(pdf([label(), label()])))
    with pytest.raises(InvalidInput):
        pdf([])
    with pytest.raises(InvalidInput, match="register a font that can"):
        pdf(
            [
                label(
                    recipient=Address(
                        name="\u0141\u00f3d\u017a", lines="x", postcode="", city="x", country="PL"
                    )
                )
            ]
        )


@given(st.integers(0, 10**7 - 1), st.integers(0, 9))
def test_container_codes(serial: int, extension: int) -> None:
    """Another library takes our codes for valid, and finds the prefix and the extension in them."""
    found = biip.parse("00" + sscc("401234567", serial, extension=extension)).sscc
    assert found is not None
    assert (extension, "401") == (found.extension_digit, found.prefix.value if found.prefix else "")


def test_the_published_example() -> None:
    """The check digit of 37610425002123456 is 9 (GS1's own calculator page shows this one)."""
    assert "9" == check_digit("37610425002123456")


def test_zpl() -> None:
    """The printer gets every field once, and no text of ours can be a command to it."""
    told = label(recipient=Address(name="^XZ~JA_", lines="a", postcode="1", city="b", country="DE"))
    zpl = told.zpl()
    assert zpl.startswith("^XA\n^CI28\n")
    assert zpl.endswith("^XZ\n")
    assert 1 == zpl.count("^XZ")
    assert "~" not in zpl
    assert "^FH_^FD_5EXZ_7EJA_5F^FS" in zpl
    assert "^BCN,150,Y,N,N,A^FH_^FDJD014600003GB^FS" in zpl
    assert f"^BCN,170,Y,N,N,D^FD(00){told.sscc}^FS" in zpl
    assert "^BQN,2,5^FH_^FDMA,https://example.com/t/JD014600003GB^FS" in zpl
    assert "^FDA>0B^FS" in label(tracking="A>B").zpl()
    commands = re.findall(r"\^(XA|XZ|CI|PW|LL|LH|FO|GB|A0|FH|FD|FS|BQ|BC|BY)", zpl)
    assert zpl.count("^") == len(commands)
    assert zpl.count("^FO") == zpl.count("^FS")
    assert "(00)" not in label(sscc="").zpl()


@pytest.mark.parametrize(
    "wrong",
    [
        {"sender": "me"},
        {"recipient": None},
        {"service": ""},
        {"service": "x" * 31},
        {"weight": 0},
        {"weight": 1.5},
        {"weight": 10**6},
        {"tracking": ""},
        {"tracking": "\u00e4"},
        {"tracking": "a\nb"},
        {"tracking": "x" * 41},
        {"sscc": "340123450000000179"},
        {"sscc": "34012345000000017"},
        {"sscc": "34012345000000017x"},
        {"qr": "x" * 301},
        {"reference": 7},
    ],
)
def test_what_is_no_label(wrong: dict[str, object]) -> None:
    """A label that could not be printed or scanned cannot be made."""
    with pytest.raises(InvalidInput):
        label(**wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"lines": []},
        {"lines": ["x"] * 5},
        {"lines": [7]},
        {"country": "de"},
        {"city": "\0"},
    ],
)
def test_what_is_no_address(wrong: dict[str, object]) -> None:
    """An address that does not fit on a label cannot be made."""
    told = {"name": "a", "lines": ["b"], "postcode": "1", "city": "c", "country": "DE"}
    with pytest.raises(InvalidInput):
        Address(**{**told, **wrong})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("prefix", "serial", "extension"),
    [
        ("12", 1, 0),
        ("12345678901", 1, 0),
        ("4012345x", 1, 0),
        (4012345, 1, 0),
        ("4012345", 10**9, 0),
        ("4012345", -1, 0),
        ("4012345", 1, 10),
    ],
)
def test_what_is_no_container_code(prefix: str, serial: int, extension: int) -> None:
    """Prefixes, serials and extensions that do not fit are refused."""
    with pytest.raises(InvalidInput):
        sscc(prefix, serial, extension=extension)
    with pytest.raises(InvalidInput):
        check_digit("12a")


def test_what_cannot_even_be_shown_is_refused() -> None:
    """The refusal of what is no text does not try to print it: it may not end, or never begin."""
    nested: Any = []
    for _ in range(100_000):
        nested = [nested]
    for call in (check_digit, lambda one: sscc(one, 1)):
        with pytest.raises(InvalidInput, match="expected a string, got list"):
            call(nested)
