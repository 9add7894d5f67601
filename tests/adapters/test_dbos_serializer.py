"""What DBOS is given to store: tagged plain JSON, and the same value back."""

import ast
import inspect
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from importlib import import_module
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

import orderwright
from orderwright import Contact, Money, Order, OrderDesk, OrderwrightError, Policy, Reference
from orderwright.adapters.dbos import CodecSerializer
from orderwright.adapters.dbos.serializer import _RECORDS, _VALUES
from orderwright.codec import _ERRORS, Codec
from orderwright.desk import Commands
from orderwright.errors import AdapterFault, CodecError, Fault, OutOfStock, Shortage
from orderwright.flows.command import commands
from orderwright.flows.resuming import Resumed
from orderwright.fulfillment.fulfillment import Scan
from orderwright.fulfillment.shipping import LabelOutcome, Parcel, Rate, Shipment
from orderwright.inventory.ledger import Claim, Incoming, Lot, Stock
from orderwright.orders.events import Event
from orderwright.payments.operations import PaymentOutcome
from orderwright.ports import DueOrder, OpenFulfillment
from orderwright.requests import Request
from orderwright.testing.lives import lives
from tests.flows.test_bad_input import GOOD
from tests.worlds import NOON, PARCELS, World, card, line

SERIALIZER = CodecSerializer(Codec())
PLAIN = {str, int, bool, float, type(None), datetime}
COLLECTIONS = {list, tuple, set, frozenset, dict, Mapping, Iterable}


def stored(value: object) -> object:
    """What comes back of `value`."""
    return SERIALIZER.deserialize(SERIALIZER.serialize(value))


def shape(value: object) -> object:
    """The types a value is made of, as equality does not tell a record from a tuple."""
    if isinstance(value, tuple | list):
        return type(value), [shape(one) for one in value]
    if isinstance(value, Mapping):
        return type(value), [shape(one) for one in value.items()]
    return frozenset if type(value) is set else type(value)


def names(module: str) -> dict[str, object]:
    """Every name that the annotations of a module use, those for type checkers only included."""
    found = import_module(module)
    imports = [
        node
        for node in ast.walk(ast.parse(inspect.getsource(found)))
        if isinstance(node, ast.ImportFrom) and node.module is not None
    ]
    return vars(found) | {
        alias.name: getattr(import_module(node.module), alias.name)
        for node in imports
        for alias in node.names
    }


def kinds_in(hint: object) -> set[object]:
    """The classes an annotation is made of; the values of a Literal count as what they are."""
    if get_origin(hint) is Literal:
        return {type(one) for one in get_args(hint)}
    inner = set().union(*map(kinds_in, get_args(hint))) if get_args(hint) else set()
    own = get_origin(hint) or hint
    return inner | ({own} if isinstance(own, type) and own is not UnionType else set())


def unknown(kinds: set[object]) -> set[object]:
    """Those of `kinds` that the serializer has no way to store."""
    known = {*PLAIN, *COLLECTIONS, *_VALUES, *_RECORDS, Order, type(Ellipsis)}
    abstract = {kind for kind in kinds if getattr(kind, "__module__", "") == "collections.abc"}
    left = kinds - known - abstract
    return {kind for kind in left if not issubclass(kind, Event | OrderwrightError)}


def test_everything_a_command_is_told_and_answers_can_be_stored() -> None:
    """By the annotations of each command: one with a new kind of argument fails here."""
    for name, one in commands(Commands).items():
        space = names(one.flow.__module__)
        hints = get_type_hints(one.flow, space, space)
        *_, answer = get_args(hints.pop("return"))
        kinds = set().union(*map(kinds_in, (*hints.values(), answer)))
        assert kinds
        assert set() == unknown(kinds), name


def reply_of(request_type: type[Request[object]]) -> object:
    """What a request is answered with, as its base class says."""
    (base,) = request_type.__orig_bases__
    holder = type("Holder", (), {"__annotations__": {"reply": get_args(base)[0]}})
    return get_type_hints(holder, names("orderwright.requests"))["reply"]


@pytest.mark.parametrize("request_type", Request.__subclasses__())
def test_every_reply_can_be_stored(request_type: type[Request[object]]) -> None:
    """By the declaration of each request: a new one with a new kind of reply fails here."""
    kinds = kinds_in(reply_of(request_type))
    assert kinds
    assert set() == unknown(kinds)


def test_every_command_is_stored_with_its_arguments() -> None:
    """An example of each command's arguments comes back the same."""
    assert sorted(GOOD) == sorted(commands(Commands))
    for name, told in GOOD.items():
        assert told == stored(told), name
        assert shape(told) == shape(stored(told)), name


def test_orders_and_events_come_back_whole() -> None:
    """Every order and every kind of event that there is, with the values that stores spoil."""
    for saved in lives():
        told = (saved.order, saved.events, saved.contacts)
        assert told == stored(told)
        assert shape(told) == shape(stored(told))


def test_all_that_flows_ask_and_are_answered_comes_back() -> None:
    """Every request that commands really make, and its reply or error, is stored whole."""
    world = World(policy=Policy(short="backorder"))
    desk = world.desk
    seen: set[str] = set()

    def checked(perform: Any) -> Any:  # noqa: ANN401
        def asked(request: Request[object], ports: object) -> object:
            seen.add(type(request).__name__)
            facts = request._facts()
            assert facts == stored(facts)
            reply = perform(request, ports)
            assert reply == stored(reply)
            assert shape(reply) == shape(stored(reply))
            return reply

        return asked

    with pytest.MonkeyPatch.context() as patch:
        for request_type in Request.__subclasses__():
            patch.setattr(request_type, "perform", checked(request_type.perform))
        desk.place(
            [line(quantity=12)],
            order_id="o1",
            tenders=[card()],
            contact=Contact(name="A", country="GB"),
        )
        desk.place([line(quantity=2)], order_id="o1b", tenders=[card()])
        desk.contact("o1")
        desk.note("o1", "hello", key="k")
        desk.rates("o1", "f1", parcels=PARCELS)
        desk.book_label("o1", "f1", service="express", parcels=PARCELS)
        desk.track("o1", "f1")
        world.moods.append("request_lost")
        desk.place([line()], order_id="o1c", tenders=[card()])
        refused = [error for name in GOOD if (error := error_of(desk, name))]
        desk.resume(now=NOON + timedelta(days=1))
    assert refused
    assert refused == stored(refused)
    assert {one.__name__ for one in Request.__subclasses__()} <= seen


def error_of(desk: OrderDesk, name: str) -> OrderwrightError | None:
    """What a command is refused with, after the others before it."""
    try:
        getattr(desk, name)(**GOOD[name])
    except OrderwrightError as error:
        return error
    return None


MOMENTS = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-10))]))
IDS = st.text(min_size=1, max_size=9)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=9)
UNITS = st.integers(-(10**12), 10**12)
EUROS = st.builds(Money, UNITS, st.just("EUR"))
RECORDS = st.one_of(
    st.builds(Reference, IDS, IDS),
    st.builds(Lot, IDS, UNITS, st.none() | MOMENTS),
    st.builds(Stock, IDS, IDS, UNITS, UNITS, lots=st.tuples(st.builds(Lot, IDS, UNITS))),
    st.builds(Incoming, IDS, IDS, IDS, UNITS, st.none() | MOMENTS),
    st.builds(Claim, IDS, IDS, UNITS, UNITS, promised_at=st.none() | MOMENTS),
    st.builds(DueOrder, MOMENTS, IDS),
    st.builds(OpenFulfillment, IDS, IDS, IDS, IDS),
    st.builds(Scan, st.just("in_transit"), MOMENTS, IDS),
    st.builds(
        Shipment,
        *[IDS] * 4,
        units=st.lists(st.tuples(IDS, UNITS)).map(tuple),
        parcels=st.tuples(st.builds(Parcel, weight_grams=st.integers(1, 99))),
    ),
)
ERRORS = st.one_of(
    st.builds(AdapterFault, IDS, TEXTS, retryable=st.booleans()),
    st.builds(OutOfStock, st.lists(st.builds(Shortage, IDS, IDS, UNITS, UNITS)), IDS),
    st.builds(CodecError, st.lists(st.builds(Fault, TEXTS, TEXTS))),
)
VALUES = st.one_of(
    EUROS,
    st.builds(
        PaymentOutcome,
        outcome=st.sampled_from(["succeeded", "unknown"]),
        amount=st.builds(Money, st.integers(0, 10**9), st.just("EUR")),
        expires_at=st.none() | MOMENTS,
    ),
    st.builds(LabelOutcome, outcome=st.just("refused"), reason=TEXTS),
    st.builds(
        Rate,
        service=TEXTS,
        carrier=TEXTS,
        cost=st.builds(Money, st.integers(0, 10**9), st.just("EUR")),
    ),
    st.builds(Contact, name=TEXTS, street=st.lists(TEXTS).map(tuple)),
)
ANYTHING = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.text(),
        UNITS,
        st.floats(allow_nan=False, allow_infinity=False),
        st.datetimes(),
        MOMENTS,
        RECORDS,
        ERRORS,
        VALUES,
    ),
    lambda inner: st.one_of(
        st.lists(inner),
        st.lists(inner).map(tuple),
        st.frozensets(st.text()),
        st.dictionaries(st.text() | st.just("$"), inner),
        st.dictionaries(st.integers(), inner),
        st.builds(Resumed, st.lists(IDS).map(tuple), st.lists(st.tuples(IDS, ERRORS)).map(tuple)),
    ),
    max_leaves=12,
)


@given(ANYTHING)
def test_whatever_is_stored_comes_back_the_same(value: object) -> None:
    """Values, records, errors and plain data in each other, also where keys look like tags."""
    again = stored(value)
    assert value == again
    assert shape(value) == shape(again)
    assert SERIALIZER.serialize(value) == SERIALIZER.serialize(again)


@pytest.mark.parametrize("kind", _ERRORS, ids=lambda kind: kind.__name__)
def test_every_error_comes_back_as_itself(kind: type[OrderwrightError]) -> None:
    """Of the whole tree, with all its facts."""
    error = stored(example(kind))
    assert kind is type(error)
    assert example(kind) == error


def example(kind: type[OrderwrightError]) -> OrderwrightError:
    """An error of that kind, with facts in all its fields."""
    facts: dict[str, object] = {}
    values: dict[type, object] = {
        str: "x",
        int: 3,
        bool: True,
        datetime: NOON,
        Money: Money(5, "EUR"),
    }
    for name, hint in get_type_hints(
        kind, vars(orderwright.errors) | {"Money": Money, "datetime": datetime}
    ).items():
        inner = get_args(hint)
        if get_origin(hint) is not tuple:
            facts[name] = values[hint]
        elif inner[0] is str:
            facts[name] = ("a", "b")
        elif inner[0] is Fault:
            facts[name] = (Fault("a", "b"),)
        else:
            facts[name] = (Shortage("a", "b", 2, 1),)
    return orderwright.errors.revive(kind, facts)


def test_a_foreign_exception_comes_back_as_what_it_says() -> None:
    """DBOS stores its own exceptions and those of your workflows too: nothing is pickled."""
    assert AdapterFault("dbos", "ValueError: no") == stored(ValueError("no"))


def test_what_iterates_comes_back_as_a_tuple() -> None:
    """Commands take any iterable; what runs them needs one that is still there."""
    assert ("a", "b") == stored(one for one in "ab")


@pytest.mark.parametrize(
    ("value", "path"),
    [(object(), "$"), ({"lines": [1, b"x"]}, "$.lines[1]"), ((1, {"a": object()}), "$[1].a")],
)
def test_what_cannot_be_stored_is_named_by_its_path(value: object, path: str) -> None:
    """A host's own classes are refused before anything is submitted."""
    with pytest.raises(CodecError) as caught:
        SERIALIZER.serialize(value)
    assert [path] == [fault.path for fault in caught.value.faults]


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_json_has_no_word_for_is_refused(number: float) -> None:
    """Some databases would refuse it later."""
    with pytest.raises(CodecError):
        SERIALIZER.serialize([number])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"$":"nothing.v9","value":1}',
        '{"$":7}',
        '{"$":"money.v1","value":{"minor":"1","currency":"EUR"}}',
        '{"$":"claim.v1","value":{"id":"x"}}',
        '{"$":"tuple","value":3}',
        '{"$":"datetime","value":"soon"}',
        "[" * 100_000,
    ],
)
def test_what_cannot_be_read_is_one_typed_error(text: str) -> None:
    """Whatever stands there, nothing is made of half of it."""
    with pytest.raises(CodecError):
        SERIALIZER.deserialize(text)


def test_it_is_json_with_tags_and_no_code() -> None:
    """The stored form, as other programs would read it."""
    text = SERIALIZER.serialize({"amount": Money(5, "EUR"), "at": (NOON,)})
    assert {
        "amount": {"$": "money.v1", "value": {"minor": 5, "currency": "EUR"}},
        "at": {"$": "tuple", "value": [{"$": "datetime", "value": "2026-01-01T12:00:00+00:00"}]},
    } == json.loads(text)


def test_tags_are_fixed_and_each_its_own() -> None:
    """No tag stands for two things, and none is a class name that a renaming would change."""
    tags = [*_VALUES.values(), *_RECORDS.values()]
    assert len(set(tags)) == len(tags)
    assert [] == [tag for tag in tags if not tag.endswith(".v1")]
