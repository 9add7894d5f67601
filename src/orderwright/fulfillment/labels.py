"""Shipping labels: checked fields, and ZPL text that a label printer understands.

SVG and PDF of the same label come from :mod:`orderwright.adapters.labels`, an extra.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING, cast, final

from attrs import field, frozen

from orderwright.errors import InvalidInput
from orderwright.values import instance, quantity, several

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Address", "ShippingLabel", "check_digit", "sscc"]

_MOST_TEXT = 60
_MOST_LINES = 4
_MOST_CODE = 40
_MOST_QR = 300
_MOST_GRAMS = 999_999
_SSCC = 18
_PREFIX = range(7, 11)
_RIGHT = 772
_QR_DOTS, _CODE_DOTS = 185, 732
"""What room there is on the paper, in dots: to the right edge, for a QR code, for a bar code."""
_QR_BYTES = (
    *(14, 26, 42, 62, 84, 106, 122, 152, 180, 213, 251, 287, 331, 362, 412),
    *(450, 504, 560, 624, 666, 711, 779, 857, 911, 997, 1059, 1125, 1190, 1264),
)
"""How many a QR code of each version holds, of level M (ISO/IEC 18004, table 7)."""


def _words(value: object, path: str, *, least: int = 1, most: int = _MOST_TEXT) -> str:
    """Return one line of text that fits on a label; raise InvalidInput."""
    if type(value) is not str:
        raise InvalidInput.at(path, f"expected a string, got {type(value).__name__}")
    if not least <= len(value) <= most or not value.isprintable():
        raise InvalidInput.at(
            path, f"use {least} to {most} printable characters, got {value[:70]!r}"
        )
    return value


def _lines(values: Iterable[str]) -> tuple[str, ...]:
    found = (values,) if isinstance(values, str) else several(values, "lines")
    if not 1 <= len(found) <= _MOST_LINES:
        raise InvalidInput.at("lines", f"use 1 to {_MOST_LINES} lines, got {len(found)}")
    return cast("tuple[str, ...]", found)


@final
@frozen(kw_only=True)
class Address:
    """Who sends or gets a parcel: ``lines`` are street and the like, ``country`` two letters."""

    name: str
    lines: tuple[str, ...] = field(converter=_lines)
    postcode: str
    city: str
    country: str

    def __attrs_post_init__(self) -> None:
        """Refuse what does not fit on a label."""
        _words(self.name, "name")
        for index, one in enumerate(self.lines):
            _words(one, f"lines[{index}]")
        _words(self.postcode, "postcode", least=0, most=16)
        _words(self.city, "city")
        country = _words(self.country, "country", least=2, most=2)
        if not (country.isascii() and country.isupper() and country.isalpha()):
            wrong = f"expected two capital letters (ISO 3166-1, like DE), got {country!r}"
            raise InvalidInput.at("country", wrong)

    @property
    def block(self) -> tuple[str, ...]:
        """The lines of the address as they are printed."""
        town = f"{self.postcode} {self.city}".strip()
        return (self.name, *self.lines, town, self.country)


def _digits(value: object, path: str) -> None:
    """Refuse what is not a string of digits."""
    if type(value) is not str:
        raise InvalidInput.at(path, f"expected a string, got {type(value).__name__}")
    if not (value.isascii() and value.isdecimal()):
        raise InvalidInput.at(path, f"expected digits, got {value[:40]!r}")


def check_digit(digits: str) -> str:
    """Return the GS1 check digit of ``digits`` (GS1 General Specifications, section 7.9).

    From the right the digits weigh 3 and 1 in turn; the check digit makes the sum a multiple of 10.
    """
    _digits(digits, "digits")
    total = sum(
        int(digit) * (3 if index % 2 == 0 else 1) for index, digit in enumerate(reversed(digits))
    )
    return str(-total % 10)


def sscc(prefix: str, serial: int, *, extension: int = 0) -> str:
    """Return the serial shipping container code of a parcel: 18 digits, the last one a check.

    ``prefix`` is your GS1 company prefix (7 to 10 digits), ``serial`` a number of your own that you
    use once, ``extension`` any digit. Raises InvalidInput where they do not fit.
    """
    _digits(prefix, "prefix")
    if len(prefix) not in _PREFIX:
        raise InvalidInput.at(
            "prefix", f"a GS1 company prefix has 7 to 10 digits, not {len(prefix)}"
        )
    room = _SSCC - 2 - len(prefix)
    if quantity(serial, "serial", least=0) >= 10**room:
        raise InvalidInput.at(
            "serial", f"{serial} has more than the {room} digits there is room for"
        )
    if quantity(extension, "extension", least=0) > 9:  # noqa: PLR2004 - one digit
        raise InvalidInput.at("extension", f"expected one digit, got {extension}")
    digits = f"{extension}{prefix}{serial:0{room}}"
    return digits + check_digit(digits)


@final
@frozen(kw_only=True)
class ShippingLabel:
    """What stands on a parcel, checked: a label that is made can be printed and scanned.

    ``weight`` is in grams. ``tracking`` is the carrier's number, as Code 128; ``sscc`` (18 digits)
    stands on it as GS1-128, if there is one. ``qr`` is what the QR code says (left out: the
    tracking number); ``reference`` is for people.
    """

    sender: Address
    recipient: Address
    service: str
    weight: int
    tracking: str
    reference: str = ""
    sscc: str = ""
    qr: str = ""

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be printed, or could not be scanned."""
        instance(self.sender, Address, "sender")
        instance(self.recipient, Address, "recipient")
        _words(self.service, "service", most=30)
        _words(self.reference, "reference", least=0, most=_MOST_CODE)
        _words(self.qr, "qr", least=0, most=_MOST_QR)
        if quantity(self.weight, "weight") > _MOST_GRAMS:
            raise InvalidInput.at("weight", f"{self.weight} g are more than any parcel weighs")
        if not _words(self.tracking, "tracking", most=_MOST_CODE).isascii():
            raise InvalidInput.at("tracking", f"Code 128 has no {self.tracking!r}: use ASCII")
        if self.sscc:
            digits = _words(self.sscc, "sscc", least=_SSCC, most=_SSCC)
            if not (digits.isascii() and digits.isdecimal()):
                raise InvalidInput.at("sscc", f"expected {_SSCC} digits, got {digits!r}")
            wanted = check_digit(digits[:-1])
            if digits[-1] != wanted:
                wrong = f"{digits} ends with {digits[-1]}, but its check digit is {wanted}"
                raise InvalidInput.at("sscc", wrong)

    @property
    def kilograms(self) -> str:
        """The weight as it is printed."""
        return f"{self.weight // 1000}.{self.weight % 1000:03} kg"

    def zpl(self) -> str:
        """Return the label in ZPL II, for 4 by 6 inches at 8 dots a millimetre.

        Text goes in as UTF-8 (``^CI28``); characters that are commands to the printer are written
        in hexadecimal. A line that is too long for its place is written smaller, a code that is
        has thinner bars or smaller squares. Send it to the printer as it is.
        """
        return "\n".join(
            ("^XA", "^CI28", "^PW812", "^LL1218", "^LH0,0", *self._fields(), "^XZ", "")
        )

    def _fields(self) -> Iterator[str]:
        for index, line in enumerate(self.sender.block):
            yield _text(40, 30 + index * 28, 24, line, right=540)
        yield "^FO40,230^GB732,3,3^FS"
        for index, line in enumerate(self.recipient.block):
            yield _text(40, 260 + index * 48, 42, line)
        yield "^FO40,610^GB732,3,3^FS"
        yield _text(40, 630, 40, self.service, right=400)
        yield _text(420, 630, 40, self.kilograms)
        yield _text(40, 680, 24, self.reference)
        said = self.qr or self.tracking
        yield f"^FO560,30^BQN,2,{_squares(said)}^FH_^FDMA,{_escaped(said)}^FS"
        # In Code 128 data `>` begins a command to the encoder; `>0` is the character itself.
        code = _escaped(self.tracking.replace(">", ">0"))
        yield f"^FO60,730^BY{_bars(self.tracking)}^BCN,150,Y,N,N,A^FH_^FD{code}^FS"
        if self.sscc:
            yield f"^FO60,970^BY3^BCN,170,Y,N,N,D^FD(00){self.sscc}^FS"


def _text(left: int, top: int, size: int, words: str, *, right: int = _RIGHT) -> str:
    # Letters of the printer's font are at most five eighths as wide as high, but for a few.
    fits = min(size, (right - left) * 8 // (5 * max(1, len(words))))
    return f"^FO{left},{top}^A0N,{fits},{fits}^FH_^FD{_escaped(words)}^FS"


def _squares(said: str) -> int:
    """Return how many dots wide the squares of a QR code can be, above the first rule."""
    version = bisect_left(_QR_BYTES, len(said.encode())) + 1
    return max(1, min(5, _QR_DOTS // (17 + 4 * version)))


def _bars(code: str) -> int:
    """Return how many dots wide the thinnest bar of a Code 128 can be on the label."""
    # Six digits or more are written two by two, for a change of the character set and one back.
    pairs = sum(len(digits) // 2 - 2 for digits in re.findall(r"\d{6,}", code))
    return 2 if 2 * (11 * (len(code) - pairs) + 35) <= _CODE_DOTS else 1


def _escaped(words: str) -> str:
    """Write in hexadecimal what begins a command, and the mark for hexadecimal itself."""
    return "".join(f"_{ord(one):02X}" if one in "^~_" else one for one in words)
