"""Shipping labels as SVG and PDF, by ReportLab: the extra ``orderwright[labels]``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orderwright.errors import InvalidInput

try:
    from reportlab.graphics import renderPDF, renderSVG
    from reportlab.graphics.barcode import (
        createBarcodeDrawing,  # pyright: ignore[reportUnknownVariableType]
    )
    from reportlab.graphics.shapes import Drawing, Line, String
    from reportlab.pdfbase.pdfmetrics import stringWidth  # pyright: ignore[reportUnknownVariableType]
    from reportlab.pdfgen.canvas import Canvas
except ImportError as _missing:  # pragma: no cover - the extra is installed where this is tested
    raise ImportError("pip install 'orderwright[labels]' to draw labels") from _missing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orderwright.fulfillment.labels import ShippingLabel

__all__ = ["pdf", "svg"]

_WIDTH, _HEIGHT = 288, 432
"""Points: 4 by 6 inches."""
_BUILT_IN = "Helvetica"
_svg: Any = renderSVG.drawToString  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
_barcode: Any = createBarcodeDrawing  # pyright: ignore[reportUnknownVariableType]
_long: Any = stringWidth
_FNC1 = "\xf1"
"""How ReportLab is told to begin GS1 data."""


def svg(label: ShippingLabel, *, font: str = _BUILT_IN) -> str:
    """Return the label as an SVG picture of 4 by 6 inches.

    ``font`` is one that you registered with ReportLab; the built-in one has the letters of western
    Europe. A line that is too long for its place is written smaller. Raises InvalidInput for a font
    that is not registered, and for text that the built-in one does not have.
    """
    return str(_svg(_drawn(label, font)))


def pdf(labels: Iterable[ShippingLabel], *, font: str = _BUILT_IN) -> bytes:
    """Return a PDF of 4 by 6 inches with a page for each label; the same labels, the same bytes.

    ``font`` is as in :func:`svg`. Raises InvalidInput for no labels.
    """
    pages = [_drawn(label, font) for label in labels]
    if not pages:
        raise InvalidInput.at("labels", "expected at least one")
    canvas: Any = Canvas("labels.pdf", pagesize=(_WIDTH, _HEIGHT), invariant=1)
    for page in pages:
        renderPDF.draw(page, canvas, 0, 0)
        canvas.showPage()
    data: bytes = canvas.getpdfdata()  # `save` would write a file of that name
    return data


def _drawn(label: ShippingLabel, font: str) -> Any:  # noqa: ANN401 - ReportLab has no types
    drawing: Any = Drawing(_WIDTH, _HEIGHT)
    try:
        _long("", font, 1)
    except KeyError:
        raise InvalidInput.at("font", f"{font!r} is not registered with ReportLab") from None

    def write(left: int, top: int, size: int, words: str, *, right: int = _WIDTH - 14) -> None:
        if font == _BUILT_IN:
            try:
                words.encode("cp1252")
            except UnicodeEncodeError:
                wrong = f"{font} cannot write {words!r}; register a font that can, and pass it"
                raise InvalidInput.at("font", wrong) from None
        long: float = _long(words, font, size)
        fits = size * min(1, (right - left) / long) if long else size
        drawing.add(String(left, _HEIGHT - top, words, fontName=font, fontSize=fits))

    def code(kind: str, left: int, bottom: int, **options: object) -> None:
        made: Any = _barcode(kind, **options)
        made.translate(left, bottom)
        drawing.add(made.asGroup())

    for index, line in enumerate(label.sender.block):
        write(14, 20 + index * 10, 8, line, right=190)
    drawing.add(Line(14, _HEIGHT - 86, _WIDTH - 14, _HEIGHT - 86))
    for index, line in enumerate(label.recipient.block):
        write(14, 106 + index * 17, 14, line)
    drawing.add(Line(14, _HEIGHT - 216, _WIDTH - 14, _HEIGHT - 216))
    write(14, 234, 13, label.service, right=152)
    write(160, 234, 13, label.kilograms)
    write(14, 250, 8, label.reference)
    code("QR", 196, _HEIGHT - 84, value=label.qr or label.tracking, barWidth=76, barHeight=76)
    wide = min(1.1, 250 / (11 * len(label.tracking) + 57))
    code(
        "Code128",
        *(4, _HEIGHT - 330),
        value=label.tracking,
        barHeight=52,
        barWidth=wide,
        humanReadable=False,
        quiet=True,
    )
    write(24, 342, 9, label.tracking)
    if label.sscc:
        code(
            "Code128",
            *(4, _HEIGHT - 408),
            value=f"{_FNC1}00{label.sscc}",
            barHeight=52,
            barWidth=1.3,
            humanReadable=False,
            quiet=True,
        )
        write(24, 420, 9, f"(00) {label.sscc}")
    return drawing
