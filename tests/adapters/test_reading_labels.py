"""What a reading of the labels as SVG and PDF, line by line, has shown."""

from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest
from reportlab.pdfbase.pdfmetrics import stringWidth

from orderwright.adapters.labels import pdf, svg
from orderwright.errors import InvalidInput
from orderwright.fulfillment.labels import Address, ShippingLabel

WIDTH = 288
TEXT = "{http://www.w3.org/2000/svg}text"
LONG = Address(
    name="Bundesanstalt für Landwirtschaft und Ernährung",
    lines=("Referat 421, Haus B, Eingang Deichmannsaue 29", "W" * 60),
    postcode="53179",
    city="Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch",
    country="DE",
)


def written(label: ShippingLabel) -> dict[str, list[tuple[float, float]]]:
    """Where each text begins, and where it ends."""
    found: dict[str, list[tuple[float, float]]] = {}
    for one in ET.fromstring(svg(label)).iter(TEXT):  # noqa: S314 - our own
        words, left = (one.text or "").strip(), float(one.attrib["x"])
        style = dict(
            part.split(":") for part in one.attrib["style"].replace(" ", "").split(";") if part
        )
        size = float(style["font-size"].removesuffix("px"))
        end = left + stringWidth(words, "Helvetica", size)
        found.setdefault(words, []).append((left, end))
    return found


@pytest.mark.parametrize("service", ["EXPRESS INTERNATIONAL PRIORITY", "W" * 30])
def test_a_long_line_stays_on_the_label_and_off_its_neighbour(service: str) -> None:
    """An address; a service beside the weight; a sender beside the code that is scanned."""
    label = ShippingLabel(
        sender=LONG,
        recipient=LONG,
        service=service,
        weight=100,
        tracking="A" * 40,
        reference="W" * 40,
    )
    places = written(label)
    for line in LONG.block:
        sender, recipient = sorted(places[line], key=lambda place: place[1] - place[0])
        assert sender[1] < 196, line
        assert recipient[1] < WIDTH, line
    assert places[service][0][1] < 160
    assert places["W" * 40][0][1] < WIDTH


@pytest.mark.parametrize("draw", [svg, lambda label, font: pdf([label], font=font)])
def test_a_font_that_nobody_registered_is_refused(draw: Callable[..., object]) -> None:
    """With a typed error, on either way: it names what is to be put right."""
    label = ShippingLabel(sender=LONG, recipient=LONG, service="S", weight=1, tracking="A")
    with pytest.raises(InvalidInput, match="'Arial' is not registered"):
        draw(label, font="Arial")
