"""What reading the codec line by line has found: what only plain data that nobody wrote can say."""

from collections.abc import Callable
from typing import Any

import pytest

from orderwright import Money, PaymentRequest
from orderwright.codec import SCHEMA, Codec
from orderwright.errors import CodecError
from orderwright.orders.events import Intended
from tests.worlds import World, card, eur, line

CODEC = Codec()
HUGE = 10**5_000
MONEY = {"minor": 1, "currency": "EUR"}
UNKNOWN = "unknown field: a newer version wrote it, or a slip"


def faults(call: Callable[[], object]) -> list[tuple[str, str]]:
    """Every fault that is told of what `call` reads."""
    with pytest.raises(CodecError) as caught:
        call()
    return [tuple(one) for one in caught.value.faults]


def intended() -> dict[str, Any]:
    """An event that holds a request, as it is stored."""
    world = World(("MUG", "MAIN", 9))
    world.desk.place([line()], order_id="o1", tenders=[card()])
    found = next(one for one in world.desk.history("o1") if isinstance(one, Intended))
    return CODEC.encode_event(found)


@pytest.mark.parametrize(
    "read",
    [
        lambda more: CODEC.decode({**MONEY, **more}, Money),
        lambda more: CODEC.decode_order({"schema": SCHEMA, "order": {}, **more}),
        lambda more: CODEC.decode_error({"error": "not_found.v1", "facts": more}),
    ],
    ids=["value", "order", "error"],
)
def test_keys_that_cannot_be_printed_are_refused(read: Callable[[Any], object]) -> None:
    """Plain data may have a number for a key, also one that Python does not print."""
    with pytest.raises(CodecError):
        read({HUGE: 1})


def test_unknown_fields_are_told_one_by_one() -> None:
    """Whatever characters stand in a name, it is one field, and told as one."""
    odd = "a\1b\0c @ $.d"
    told = faults(lambda: CODEC.decode({**MONEY, odd: 1, "\ud800": 2, "e @ f": 3}, Money))
    names = [r"$.'\ud800'", r"$.'a\x01b\x00c @ $.d'", "$.e @ f"]
    assert [(name, UNKNOWN) for name in names] == told


def test_what_data_say_ends_no_message() -> None:
    """A value that holds the marks that we part messages by is still one fault, at its path."""
    request = PaymentRequest(
        id="o1/p1/capture-1",
        kind="capture",
        order_id="o1",
        payment_id="p1",
        method="card",
        amount=eur(1),
    )
    data = {**CODEC.encode(request), "kind": "x\1y\0z @ $.w"}
    ((path, message),) = faults(lambda: CODEC.decode(data, PaymentRequest))
    assert "$.kind" == path
    assert message.startswith(r"x\1y\0z @ $.w not in literal")


@pytest.mark.parametrize(
    ("tag", "told"),
    [
        ("posting.v9", "'posting.v9'"),
        ("a\1b\0c", r"'a\x01b\x00c'"),
        (HUGE, "a int"),
        (["posting.v1"], "a list"),
        (None, "a NoneType"),
    ],
    ids=range(5),
)
def test_a_request_of_an_unknown_kind_is_told_by_its_tag(tag: object, told: str) -> None:
    """What a newer version wrote is no field that is missing, and never an error of Python's."""
    data = intended()
    data["intent"]["request"]["type"] = tag
    expected = [("$.intent.request.type", f"{told} is none this version knows")]
    assert expected == faults(lambda: CODEC.decode_event(data))
    del data["intent"]["request"]["type"]
    missing = [("$.intent.request", "required field missing: type")]
    assert missing == faults(lambda: CODEC.decode_event(data))
    data["intent"]["request"] = tag
    assert [("$.intent.request", "expected an object")] == faults(lambda: CODEC.decode_event(data))
