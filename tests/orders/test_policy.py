"""What a business may decide, and what would never end or never begin."""

from datetime import UTC, datetime, timedelta

import attrs
import pytest

from orderwright import Policy
from orderwright.errors import InvalidInput
from orderwright.orders.lines import RESERVED_KINDS

MOST = timedelta(days=3650)
MOMENT = timedelta(microseconds=1)


@pytest.mark.parametrize("name", ["patience", "unpaid_ttl"])
@pytest.mark.parametrize("span", [MOMENT, timedelta(days=30), MOST])
def test_spans(name: str, span: timedelta) -> None:
    """A span of more than no time and up to ten years is kept, and can be added to any time."""
    policy = Policy(**{name: span})
    assert span is getattr(policy, name)
    assert datetime(9899, 12, 31, tzinfo=UTC) + span


@pytest.mark.parametrize("name", ["patience", "unpaid_ttl"])
@pytest.mark.parametrize(
    "span",
    [timedelta(0), -MOMENT, MOST + MOMENT, timedelta.max, timedelta.min, 60, "1h"],
    ids=str,
)
def test_what_is_no_span(name: str, span: timedelta) -> None:
    """No time, less than none, more than ten years, and what is no span at all are refused."""
    with pytest.raises(InvalidInput) as caught:
        Policy(**{name: span})
    assert [name] == [fault.path for fault in caught.value.faults]


def test_patience_is_needed_and_a_time_to_live_is_not() -> None:
    """An unpaid order may wait for ever, a call outside may not."""
    assert Policy(unpaid_ttl=None).unpaid_ttl is None
    with pytest.raises(InvalidInput):
        Policy(patience=None)


def test_reserved_kinds() -> None:
    """The kinds of reference that only a provider or a carrier gives are these."""
    assert {"payment", "tracking"} == RESERVED_KINDS


def test_what_holds_when_nothing_is_said() -> None:
    """The choices of a business that made none, one by one."""
    assert {
        "capture": "on_dispatch",
        "refund": "when_cancelled",
        "short": "reject",
        "require_cover": True,
        "unpaid_ttl": timedelta(hours=1),
        "patience": timedelta(seconds=60),
        "attempts": 5,
        "replans": 3,
        "rounding": "half_up",
        "round_amounts": "line",
        "round_taxes": "line",
        "return_window": timedelta(days=30),
        "return_reasons": frozenset(),
        "credit_returns": "on_inspection",
        "restocking_percent": 0,
        "return_charges": "keep",
        "confirm": "when_covered",
        "priority": 0,
        "lead_time": None,
        "ship_complete": False,
        "tab": False,
        "ties": ("priority",),
    } == attrs.asdict(Policy(), recurse=False)
