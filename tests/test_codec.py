"""The codec: plain data and back without loss, strictly, with every fault named by its path."""

import json
import math
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import fields, has
from hypothesis import given
from hypothesis import strategies as st

from orderwright import (
    AddAdjustment,
    AddCharge,
    AddLine,
    Adjustment,
    ChangeLine,
    Charge,
    Contact,
    DraftLine,
    Lifecycles,
    Location,
    Money,
    Order,
    OrderDesk,
    Policy,
    Posting,
    Reference,
    TaxLine,
    Tender,
    UnitPrice,
)
from orderwright.adapters.memory import MemoryInventory, MemoryOrders, MemoryPayments
from orderwright.adapters.memory_carrier import MemoryCarrier, Tariff
from orderwright.codec import _ERRORS, _EVENTS, SCHEMA, Codec
from orderwright.errors import (
    AdapterFault,
    AmountRefused,
    CodecError,
    Conflict,
    Fault,
    IllegalTransition,
    InvalidInput,
    KeyReused,
    NotFound,
    OnHold,
    OrderwrightError,
    OutcomeUnknown,
    OutOfStock,
    QuantityRefused,
    Shortage,
    WindowClosed,
)
from orderwright.fulfillment.shipping import Parcel
from orderwright.orders import events
from orderwright.orders.events import Event
from orderwright.orders.modifiers import Modifier
from tests.worlds import World, card, line

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
CODEC = Codec()
EUR = st.integers(0, 10**9).map(lambda minor: Money(minor, "EUR"))


def through_json(data: object) -> object:
    """Send data through JSON, as every store would."""
    return json.loads(json.dumps(data))


def busy_desk() -> OrderDesk:
    """Return a desk on whose orders every kind of event has happened."""
    answers = {
        "A-2/p1/authorize-1": "decline",
        "A-4/p1/authorize-1": "request_lost",
        "A-5/p1/capture-1": "pending",
        "A-7/p1/charge-1": "requires_action",
    }
    inventory = MemoryInventory()
    inventory.post(Posting.receive("delivery-1", "MUG", "MAIN", 20, at=NOON))
    inventory.post(Posting.receive("delivery-2", "CUP", "WEST", 20, at=NOON))
    desk = OrderDesk(
        orders=MemoryOrders(),
        inventory=inventory,
        payments=MemoryPayments(
            lambda request: answers.get(request.id, "approve"),
            expires=lambda _: NOON + timedelta(days=7),
        ),
        carrier=MemoryCarrier(
            [Tariff("post", "DHL", Money.of("4.90", "EUR"), 1_000)],
            lambda request: "pending" if request.kind == "cancel" else "approve",
        ),
        locations=[Location(id="MAIN"), Location(id="WEST"), Location(id="BAR", makes="ticket")],
        policy=Policy(capture="on_confirmation", short="backorder", attempts=1),
    )
    mug = DraftLine(sku="MUG", quantity=2, unit_price=UnitPrice.of("12.505", "EUR"), name="Müg")
    cup = DraftLine(sku="CUP", quantity=30, unit_price=UnitPrice.of("2.50", "EUR", per=10))
    card = Tender(method="card", instrument="stored card")
    desk.place(
        [mug, cup],
        order_id="A-1",
        charges=[Charge(kind="shipping", amount=Money.of("4.90", "EUR"))],
        tenders=[Tender(method="gift", amount=Money.of("1.00", "EUR")), card],
        customer_id="c-1",
        references=[Reference("marketplace", "M 77")],
        at=NOON,
        occurred_at=NOON - timedelta(hours=1),
        by="clerk",
    )
    desk.place(
        [
            mug,
            DraftLine(
                sku="MUG",
                quantity=2,
                unit_price=UnitPrice.of("5", "EUR"),
                adjustments=[Adjustment(name="off", percent="-10", limit=Money(99, "EUR"))],
                taxes=[
                    TaxLine(name="VAT", percent="19"),
                    TaxLine(name="eco", amount=Money(1, "EUR")),
                ],
            ),
        ],
        order_id="A-0",
        adjustments=[Adjustment(name="coupon", amount=Money(-100, "EUR"), floor=Money(1, "EUR"))],
        tenders=[card],
        at=NOON,
    )
    desk.edit(
        "A-0",
        [
            ChangeLine(line_id="l1", quantity=1, unit_price=UnitPrice.of("12", "EUR")),
            AddLine(line=cup, replaces="l1"),
            AddCharge(charge=Charge(kind="tip", amount=Money(100, "EUR"))),
        ],
        at=NOON,
    )
    desk.credit("A-0", Money(50, "EUR"), reason="sorry", at=NOON)
    for fulfillment in desk.order("A-0").fulfillments:
        desk.deliver("A-0", fulfillment.id, at=NOON)
    exchange = [DraftLine(sku="CUP", quantity=1, unit_price=UnitPrice.of("1", "EUR"))]
    desk.request_return("A-0", {"l1": 1}, reason="x", exchange=exchange, at=NOON)
    desk.advance_return(
        "A-0",
        "r1",
        "approve",
        fees=[Charge(kind="label", amount=Money(100, "EUR"))],
        at=NOON,
    )
    desk.receive_return("A-0", {"l1": 1}, location="MAIN", return_id="r1", at=NOON)
    desk.inspect_return("A-0", "r1", restock={"l1": 1}, at=NOON)
    desk.claim("A-0", {"l2": 1}, fault="lost", remedy="replace", at=NOON)
    desk.request_return("A-0", {"l2": 1}, reason="x", exchange=exchange, at=NOON)
    desk.hold("A-1", "fraud", blocks=["fulfil", "refund"], reason="look", at=NOON, by="clerk")
    desk.ship("A-1", "f1", carrier="DHL", tracking="JD1", at=NOON, key="ship-1")
    desk.report_cancellation("A-1", reason="elsewhere", at=NOON)
    for exception in desk.order("A-1").exceptions:
        desk.resolve("A-1", exception.code, resolution="talked to them", at=NOON)
    desk.release_hold("A-1", "fraud", at=NOON)
    desk.place([mug], order_id="A-2", tenders=[card], at=NOON)
    desk.pay("A-2", [Tender(method="cash")], at=NOON)
    desk.place([mug], order_id="A-3", tenders=[card], at=NOON, policy=Policy(capture="by_hand"))
    desk.capture("A-3", amount=Money.of("5.00", "EUR"), at=NOON)
    desk.place([mug], order_id="A-4", tenders=[card], at=NOON)
    desk.place(
        [mug], order_id="A-5", tenders=[card], at=NOON, policy=Policy(capture="on_confirmation")
    )
    desk.place(
        [mug],
        order_id="A-6",
        tenders=[
            Tender(method="card", amount=Money.of("1.00", "EUR")),
            Tender(method="invoice", collected="afterwards", terms=timedelta(days=30)),
        ],
        at=NOON,
    )
    desk.record_payment(
        "A-6", Money.of("2.00", "EUR"), method="cash", reference="till 3", key="paid", at=NOON
    )
    desk.report_chargeback("A-6", "p1", Money.of("1.00", "EUR"), reason="who?", at=NOON)
    desk.place(
        [mug], order_id="A-7", tenders=[card], at=NOON, policy=Policy(capture="on_placement")
    )
    _busier(desk, mug, card)
    desk.resume(now=NOON + timedelta(hours=1))
    return desk


def _busier(desk: OrderDesk, mug: DraftLine, card: Tender) -> None:
    """Make the events that only people make: drafts, notes, stops, things forgotten."""
    desk.draft([mug], order_id="A-8", contact=Contact(name="Ann"), at=NOON)
    desk.tag("A-8", add=["vip"], at=NOON)
    desk.note("A-8", "hello", at=NOON)
    desk.place_draft("A-8", at=NOON)
    desk.confirm("A-8", at=NOON)
    desk.forget("A-8", at=NOON)
    desk.tag("A-8", add=["vip"], key="again", at=NOON)
    discount = Adjustment(name="sorry", percent="-5")
    desk.edit("A-8", [AddAdjustment(adjustment=discount)], service="pickup", at=NOON)
    inventory = desk.ports.inventory
    assert isinstance(inventory, MemoryInventory)
    inventory.post(Posting.receive("delivery-3", "MUG", "MAIN", 20, at=NOON))
    desk.place([mug], order_id="A-9", tenders=[card], contact=Contact(name="Bob"), at=NOON)
    parcel = Parcel(weight_grams=300, length_mm=200)
    desk.book_label("A-9", "f1", service="post", parcels=[parcel], at=NOON)
    for action in ("release", "pick"):
        desk.advance("A-9", "f1", action, at=NOON)
    desk.request_stop("A-9", "f1", at=NOON)
    desk.refuse_stop("A-9", "f1", at=NOON)
    desk.short_pick("A-9", "f1", {"l1": 1}, at=NOON)
    desk.place([mug], order_id="A-10", at=NOON)
    desk.ship("A-10", "f1", at=NOON + timedelta(hours=2))  # what was reserved has lapsed
    desk.count_stock("MUG", "MAIN", 1, count_id="n", at=NOON)
    _evening(desk)
    return desk


def _evening(desk: OrderDesk) -> None:
    """Guests have a drink, change tables, and pay; a parcel of theirs is on its way."""
    shake = DraftLine(
        sku="SHAKE",
        quantity=2,
        unit_price=UnitPrice.of("6.00", "EUR"),
        course=1,
        seat="left",
        uses={"MILK": 200},
        preparation=timedelta(minutes=3),
        modifiers=[
            Modifier("no ice"),
            Modifier(
                "cream",
                UnitPrice.of("0.50", "EUR"),
                2,
                uses=(("MILK", -10),),
                modifiers=(Modifier("apart"),),
            ),
        ],
    )
    desk.post_stock(Posting.make("menu", "BAR", made=[("SHAKE", 9)], at=NOON))
    desk.post_stock(Posting.receive("milk", "MILK", "BAR", 5_000, at=NOON))
    desk.place([shake], order_id="A-11", table="4", policy=Policy(tab=True), at=NOON)
    desk.promise("A-11", NOON + timedelta(minutes=5), at=NOON)
    desk.fire("A-11", 1, at=NOON)
    desk.move_tab("A-11", "5", at=NOON)
    water = DraftLine(sku="SHAKE", quantity=1, unit_price=UnitPrice.of("1.00", "EUR"))
    desk.place([water], order_id="A-12", table="6", policy=Policy(tab=True), at=NOON)
    desk.transfer("A-12", "A-11", at=NOON)
    desk.close_tab("A-11", at=NOON)
    desk.reopen_tab("A-11", at=NOON)
    desk.scan("A-11", "f1", "out_for_delivery", place="the yard", expected_at=NOON, at=NOON)


DESK = busy_desk()
ORDER_IDS = (
    "A-0",
    "A-1",
    "A-2",
    "A-3",
    "A-4",
    "A-5",
    "A-6",
    "A-7",
    "A-8",
    "A-9",
    "A-10",
    "A-11",
    "A-12",
)
HISTORIES = {order_id: DESK.history(order_id) for order_id in ORDER_IDS}


@pytest.mark.parametrize("order_id", ORDER_IDS)
def test_orders_and_events_survive_json(order_id: str) -> None:
    """An order and its events come back equal from JSON, and the events still add up to it."""
    order = DESK.order(order_id)
    stored = [through_json(CODEC.encode_event(event)) for event in HISTORIES[order_id]]
    read = [CODEC.decode_event(data) for data in stored]
    assert list(HISTORIES[order_id]) == read
    assert order == Order.replay(read)
    assert order == CODEC.decode_order(through_json(CODEC.encode_order(order)))


def test_every_kind_of_event_was_written_and_read() -> None:
    """None is left out of the round trip above."""
    seen = {type(event) for history in HISTORIES.values() for event in history}
    assert set() == set(_EVENTS) - seen


def test_every_event_has_a_fixed_tag() -> None:
    """Each event class has a tag of its own that is not its class name, so renaming is safe."""
    assert {getattr(events, name) for name in events.__all__ if name[0].isupper()} - {
        Event,
        events.OrderContents,
    } == set(_EVENTS)
    assert len(_EVENTS) == len(set(_EVENTS.values()))
    assert all(tag.endswith((".v1", ".v2", ".v3")) for tag in _EVENTS.values())


def test_every_error_class_is_decodable() -> None:
    """The codec knows every class of the error tree."""

    def below(kind: type[OrderwrightError]) -> set[type[OrderwrightError]]:
        ours = (one for one in kind.__subclasses__() if one.__module__ == kind.__module__)
        return {kind}.union(*map(below, ours))

    assert below(OrderwrightError) == set(_ERRORS)
    assert len(_ERRORS) == len(set(_ERRORS.values()))
    assert all(tag.endswith(".v1") for tag in _ERRORS.values())
    assert not {kind.__name__ for kind in _ERRORS} & set(_ERRORS.values())


def test_an_error_of_an_adapter_comes_back_as_ours() -> None:
    """An adapter's own error is written as the nearest of ours, with the facts of that."""

    class Busy(AdapterFault):
        """One of somebody else's."""

    data = through_json(CODEC.encode_error(Busy("bank", "closed", retryable=True)))
    assert AdapterFault("bank", "closed", retryable=True) == CODEC.decode_error(data)


@pytest.mark.parametrize(
    "error",
    [
        InvalidInput([Fault("lines[0]", "wrong"), Fault("at", "naive")]),
        NotFound("order", "A-1"),
        KeyReused("k", "reason", "a", None),
        IllegalTransition("order", "placed", "complete", ("confirm",), "A-1"),
        OutOfStock([Shortage("MUG", "MAIN", 3, 1, "A-1/f1/l1")], "A-1"),
        QuantityRefused("cap", line_id="l1", asked=3, limit=1),
        WindowClosed("cap", until=NOON, at=NOON),
        AmountRefused("cap", asked=Money(2, "JPY"), limit=Money(1, "JPY"), allowed=["cancel"]),
        OnHold("fraud", "capture", "A-1"),
        Conflict("A-1", 3, 4),
        OutcomeUnknown("bank", "time-out", retryable=True),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_survive_json(error: OrderwrightError) -> None:
    """An error comes back from JSON with its type, facts and message."""
    read = CODEC.decode_error(through_json(CODEC.encode_error(error)))
    assert (error, str(error)) == (read, str(read))


@given(EUR)
def test_values_survive_json(money: Money) -> None:
    """Money comes back exactly, as whole minor units."""
    data = through_json(CODEC.encode(money))
    assert {"minor": money.minor, "currency": "EUR"} == data
    assert money == CODEC.decode(data, Money)


def stored_order() -> dict[str, object]:
    """Return an order as a store would hold it."""
    data = through_json(CODEC.encode_order(DESK.order("A-1")))
    assert isinstance(data, dict)
    return data


def test_all_faults_are_reported_with_their_paths() -> None:
    """Wrong types, missing fields and naive times of one document come together, by path."""
    data = stored_order()
    order = data["order"]
    assert isinstance(order, dict)
    order["currency"] = 5
    order["placed_at"] = "2026-03-02T12:00:00"
    order["lines"][0]["ordered"] = 2.7
    order["lines"][1]["unit_price"]["amount"] = "many"
    del order["lines"][1]["sku"]
    order["version"] = "3"
    with pytest.raises(CodecError) as caught:
        CODEC.decode_order(data)
    assert {
        "$.currency",
        "$.placed_at",
        "$.version",
        "$.lines[0].ordered",
        "$.lines[1].sku",
        "$.lines[1].unit_price.amount",
    } == {fault.path for fault in caught.value.faults}


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (None, "$.type"),
        ({"type": "order_placed.v99"}, "$.type"),
        ({"type": ["order_placed.v1"]}, "$.type"),
        ({"type": "order_advanced.v1", "at": "2026-03-02T12:00:00+00:00"}, "$.action"),
        ({"type": "order_advanced.v1", "at": 7, "action": "x", "state": 1}, "$.at"),
    ],
)
def test_events_that_are_none_are_refused(data: object, path: str) -> None:
    """Data that is no event is one typed error that says where it is wrong."""
    with pytest.raises(CodecError) as caught:
        CODEC.decode_event(data)
    assert path in [fault.path for fault in caught.value.faults]


@pytest.mark.parametrize("data", [None, [], {}, {"schema": SCHEMA + 1, "order": {}}, {"schema": 1}])
def test_orders_that_are_none_are_refused(data: object) -> None:
    """A document without an order, or of a newer schema, is one typed error."""
    with pytest.raises(CodecError):
        CODEC.decode_order(data)


DEEP: Any = []
for _ in range(10_000):
    DEEP = [DEEP]
HUGE = 10**5000
NINES = "9" * 5000


@pytest.mark.parametrize(
    "data",
    [
        None,
        {"error": "ValueError", "facts": {}},
        {"error": "not_found.v1"},
        {"error": "NotFound", "facts": {"kind": "order", "key": "A-1", "order_id": ""}},
        {"error": "not_found.v1", "facts": {"kind": "order", "key": 7, "order_id": ""}},
    ],
)
def test_errors_that_are_none_are_refused(data: object) -> None:
    """Data that is none of our errors is one typed error."""
    with pytest.raises(CodecError):
        CODEC.decode_error(data)


@pytest.mark.parametrize(
    "junk", [DEEP, HUGE, math.nan, {"a": DEEP}, [HUGE], "\ud800", True, 1.0], ids=range(8)
)
def test_junk_is_refused_wherever_a_tag_is_read(junk: object) -> None:
    """What Python will not even print is refused by the same typed error as everything else."""
    readers: list[tuple[Callable[[object], object], object]] = [
        (CODEC.decode_event, junk),
        (CODEC.decode_event, {"type": junk}),
        (CODEC.decode_order, junk),
        (CODEC.decode_order, {"schema": junk, "order": {}}),
        (CODEC.decode_order, {"schema": SCHEMA, "order": junk}),
        (CODEC.decode_error, junk),
        (CODEC.decode_error, {"error": junk, "facts": {}}),
        (CODEC.decode_error, {"error": "not_found.v1", "facts": junk}),
        (lambda data: CODEC.decode(data, Money), junk),
        (lambda data: CODEC.decode(data, timedelta), [junk]),
    ]
    for read, data in readers:
        with pytest.raises(CodecError) as caught:
            read(data)
        assert str(caught.value)


@pytest.mark.parametrize("micros", [HUGE, -HUGE, 10**20, 10**17], ids=range(4))
def test_spans_beyond_reason_are_refused(micros: int) -> None:
    """A span that no timedelta, or no policy, can hold is refused where it stands."""
    data = {**CODEC.encode(Policy()), "patience": micros}
    with pytest.raises(CodecError):
        CODEC.decode(data, Policy)
    if abs(micros) > 10**17:
        with pytest.raises(CodecError):
            CODEC.decode(micros, timedelta)


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(codec=None), max_size=20),
    st.sampled_from(["DEEP", "HUGE", "NINES"]).map(lambda name: globals()[name]),  # not shown
    st.sampled_from(["NaN", "sNaN", "-Infinity", "1e999999999", "\ud800"]),
    st.sampled_from(
        ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2026-01-01T00:00:00", "", "XXX"]
    ),
)
ANYTHING = st.recursive(
    JUNK,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["type", "schema", "order", "error", "facts", "at"])
            | st.text(max_size=4),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)
READERS: dict[str, Callable[[object], object]] = {
    "event": CODEC.decode_event,
    "order": CODEC.decode_order,
    "error": CODEC.decode_error,
}
GIVEN: list[tuple[str, object]] = [
    *(
        ("event", CODEC.encode_event(event))
        for order_id in ORDER_IDS
        for event in HISTORIES[order_id]
    ),
    *(("order", CODEC.encode_order(DESK.order(order_id))) for order_id in ORDER_IDS),
    ("error", CODEC.encode_error(OutOfStock([Shortage("MUG", "MAIN", 3, 1)], "A-1"))),
    (
        "error",
        CODEC.encode_error(AmountRefused("cap", asked=Money(2, "JPY"), limit=Money(1, "JPY"))),
    ),
]
WRITTEN = [(kind, json.dumps(data)) for kind, data in GIVEN]


def places(data: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401
    """Every place in `data` where something else can be put."""
    if data is not DEEP and isinstance(data, dict | list):
        inside = list(data.items()) if isinstance(data, dict) else list(enumerate(data))
        return [(data, key) for key, _ in inside] + [
            place for _, value in inside for place in places(value)
        ]
    return []


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, object]:
    """A real document in which some things are something else, or gone."""
    kind, text = draw(st.sampled_from(WRITTEN))
    data = {"": json.loads(text)}
    for _ in range(draw(st.integers(1, 3))):
        holder, key = draw(st.sampled_from(places(data[""]) or [(data, "")]))
        if holder is data or draw(st.integers(0, 3)):
            holder[key] = draw(ANYTHING)
        else:
            del holder[key]
    return kind, data[""]


@given(st.tuples(st.sampled_from(sorted(READERS)), ANYTHING) | mutated())
def test_only_codec_errors_come_out(document: tuple[str, object]) -> None:
    """Whatever the data, reading it gives a value or a CodecError, with a message."""
    kind, data = document
    try:
        READERS[kind](data)
    except CodecError as error:
        assert str(error)  # noqa: PT017


@pytest.mark.parametrize(
    "data", [{"minor": True, "currency": "EUR"}, {"minor": "1", "currency": "EUR"}, 7, None]
)
def test_nothing_is_silently_converted(data: object) -> None:
    """A bool or a string is no whole number."""
    with pytest.raises(CodecError):
        CODEC.decode(data, Money)


def test_invalid_values_are_refused_where_they_stand() -> None:
    """A value that its own constructor refuses is reported with the path it has in the data."""
    data = stored_order()
    order = data["order"]
    assert isinstance(order, dict)
    order["lines"][0]["components"][0]["amount"]["currency"] = "XXX"
    with pytest.raises(CodecError) as caught:
        CODEC.decode_order(data)
    expected = ["$.lines[0].components[0].amount.currency"]
    assert expected == [fault.path for fault in caught.value.faults]


def test_unknown_fields_are_refused_by_their_paths() -> None:
    """What this version would silently drop is an error, at every depth, all of it together."""
    data = stored_order()
    order = data["order"]
    assert isinstance(order, dict)
    order["mood"] = "good"
    order["lines"][0]["colour"] = order["lines"][0]["size"] = 1
    order["lines"][0]["components"][0]["amount"]["cents"] = 1
    with pytest.raises(CodecError) as caught:
        CODEC.decode_order(data)
    assert {
        "$.mood",
        "$.lines[0].colour",
        "$.lines[0].size",
        "$.lines[0].components[0].amount.cents",
    } == {fault.path for fault in caught.value.faults}
    with pytest.raises(CodecError, match=r"\$\.extra"):
        CODEC.decode_order({**stored_order(), "extra": 1})
    event = CODEC.encode_event(HISTORIES["A-1"][0])
    with pytest.raises(CodecError, match=r"\$\.mood"):
        CODEC.decode_event({**event, "mood": "good"})
    error = CODEC.encode_error(NotFound("order", "o1"))
    with pytest.raises(CodecError, match=r"\$\.mood"):
        CODEC.decode_error({**error, "facts": {**error["facts"], "mood": 1}})


def test_an_order_needs_the_lifecycles_it_was_made_under() -> None:
    """Decoding under other lifecycles is refused instead of guessing what a state means."""
    with pytest.raises(CodecError, match=r"standard\.v1"):
        Codec(Lifecycles(name="other.v1")).decode_order(stored_order())


def complete(value: object, data: object) -> None:
    """Check that every field of `value`, and of what is in it, is written in `data`."""
    if isinstance(value, Lifecycles):
        assert value.name == data
    elif has(type(value)):
        assert isinstance(data, dict)
        names = {one.name for one in fields(type(value)) if one.init}
        assert names == set(data) - ({"type"} - names)
        for name in names:
            complete(getattr(value, name), data[name])
    elif hasattr(value, "_asdict"):
        complete(value._asdict(), data)
    elif isinstance(value, tuple):
        assert isinstance(data, list)
        for one, written in zip(value, data, strict=True):
            complete(one, written)
    elif isinstance(value, dict):
        assert isinstance(data, dict)
        assert set(value) == set(data)
        for name, one in value.items():
            complete(one, data[name])


@pytest.mark.parametrize("order_id", ORDER_IDS)
def test_every_field_is_stored(order_id: str) -> None:
    """No field is left out because it is as by default: the default may be another tomorrow."""
    order = DESK.order(order_id)
    complete(order, CODEC.encode_order(order)["order"])
    for event in HISTORIES[order_id]:
        complete(event, CODEC.encode_event(event))
    complete(Policy(), CODEC.encode(Policy()))
    complete(order.policy, CODEC.encode(order.policy))


def objects(data: object) -> Iterator[dict[str, Any]]:
    """Every object in plain data."""
    if isinstance(data, dict):
        yield data
    if isinstance(data, dict | list):
        for one in data.values() if isinstance(data, dict) else data:
            yield from objects(one)


@pytest.mark.parametrize("order_id", ORDER_IDS)
def test_a_stored_order_that_has_lost_a_field_is_refused(order_id: str) -> None:
    """Wherever the field is, and whatever it is by default."""
    stored = CODEC.encode_order(DESK.order(order_id))
    for one in objects(stored["order"]):
        for name in list(one):
            value = one.pop(name)
            with pytest.raises(CodecError) as caught:
                CODEC.decode_order(stored)
            first = caught.value.faults[0]
            assert "required field missing" in first.message, name
            assert name in f"{first.path} {first.message}"
            one[name] = value
    assert DESK.order(order_id) == CODEC.decode_order(stored)


@pytest.mark.parametrize("value", ["ab", {"a": 1}, 7, None])
def test_lists_are_lists(value: object) -> None:
    """A string, an object or a number where a list belongs is refused with its path."""
    data = stored_order()
    order = data["order"]
    assert isinstance(order, dict)
    order["lines"] = value
    with pytest.raises(CodecError) as caught:
        CODEC.decode_order(data)
    assert ["$.lines"] == [fault.path for fault in caught.value.faults]


def test_pairs_are_pairs() -> None:
    """A pair with one item, or three, is refused with its path and both counts."""
    event = next(one for one in HISTORIES["A-1"] if isinstance(one, events.OrderCancelled))
    for wrong in (["l2"], ["l2", 1, 1]):
        data = {**CODEC.encode_event(event), "units": [wrong]}
        with pytest.raises(CodecError, match=f"expected 2 items, got {len(wrong)}") as caught:
            CODEC.decode_event(data)
        assert ["$.units[0]"] == [fault.path for fault in caught.value.faults]


def test_schema_2_is_brought_up_to_date() -> None:
    """The name under which all of a part was reserved becomes that of each of its items."""
    world = World(("MUG", "MAIN", 9))
    world.desk.place([line("MUG", 3)], order_id="o1", tenders=[card()])
    world.desk.advance("o1", "f1", "release")
    order = world.desk.cancel("o1", units={"l1": 1}, reason="x")
    (part,) = (one for one in order.fulfillments if one.id == "f2")
    assert "f1" == part.items[0].held_as

    def older(one: dict[str, Any]) -> dict[str, Any]:
        """A fulfillment as schema 2 wrote it."""
        names = {item["held_as"] for item in one["items"]}
        items = [{k: v for k, v in item.items() if k != "held_as"} for item in one["items"]]
        told = {k: v for k, v in one.items() if k != "ended"}
        return {**told, "items": items, "held_as": names.pop()}

    stored = CODEC.encode_order(order)
    stored["order"]["fulfillments"] = [older(one) for one in stored["order"]["fulfillments"]]
    assert order == CODEC.decode_order({**stored, "schema": 2})
    for event in world.desk.history("o1"):
        data = CODEC.encode_event(event)
        if data["type"] == "order_cancelled.v3":
            split = [[source, older(part)] for source, part in data["split"]]
            data |= {"type": "order_cancelled.v2", "split": split}
        if data["type"] == "fulfillments_planned.v2":
            parts = [older(one) for one in data["fulfillments"]]
            data |= {"type": "fulfillments_planned.v1", "fulfillments": parts}
        assert event == CODEC.decode_event(data)


def test_faults_of_a_long_list_are_told_to_the_hundredth() -> None:
    """A hundred thousand wrong items are refused at once: each one told costs kilobytes."""
    change = ChangeLine(line_id="l1", quantity=1)
    tracemalloc.start()
    with pytest.raises(CodecError) as caught:
        CODEC.decode({**CODEC.encode(change), "taxes": [[]] * 100_000}, ChangeLine)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [f"$.taxes[{index}]" for index in range(100)] == [
        one.path for one in caught.value.faults
    ]
    assert peak < 10_000_000


def test_a_number_that_cannot_be_written_again_is_refused() -> None:
    """Python neither prints nor writes a whole number of more than 4,300 digits."""
    data = CODEC.encode(ChangeLine(line_id="l1", quantity=1))
    with pytest.raises(CodecError, match=r"\$\.quantity: has more digits"):
        CODEC.decode({**data, "quantity": 10**5_000}, ChangeLine)


def test_the_schema_of_a_newer_version_is_told() -> None:
    """Whoever reads the message knows which one wrote it."""
    with pytest.raises(CodecError, match=f"schema 99; this version reads 1 to {SCHEMA}"):
        CODEC.decode_order({"schema": 99, "order": {}})
