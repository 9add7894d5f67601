"""Plain data is written as the standard library would; there are no floats in our documents."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderwright.adapters.sqlalchemy.documents import dumped

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
)
"""All that a document is made of, also integers of any size and halves of surrogate pairs."""


@given(PLAIN)
def test_written_as_by_the_standard_library(data: object) -> None:
    """Each document is the text that the standard library makes of it, so it reads it back."""
    told = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    assert dumped(data) == told
    assert json.loads(dumped(data)) == data


@pytest.mark.parametrize("number", [2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**30])
def test_integers_of_any_size(number: int) -> None:
    """An integer beyond what fits a machine word is written digit by digit, never rounded."""
    assert dumped({"minor": number}) == f'{{"minor":{number}}}'


def test_what_is_no_plain_data_is_refused() -> None:
    """A value that the codec has left as it was is an error, not a text that nobody reads back."""
    with pytest.raises(TypeError, match="datetime is not JSON serializable"):
        dumped({"at": datetime(2026, 1, 1, tzinfo=UTC)})
