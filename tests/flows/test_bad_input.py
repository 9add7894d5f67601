"""Whatever a desk is handed, the answer is one typed error, and nothing has changed."""

import inspect
from datetime import UTC, datetime
from typing import Any

import pytest

from orderwright import (
    AddAdjustment,
    AddLine,
    Adjustment,
    ChangeLine,
    Charge,
    Contact,
    Hold,
    InvalidInput,
    Mistake,
    Money,
    OrderDesk,
    OrderwrightError,
    PaymentOutcome,
    Policy,
    Posting,
    Reference,
    Tender,
    UnitPrice,
)
from orderwright.errors import AdapterFault, AmountRefused, Conflict, NotFound
from tests.worlds import HOUR, NOON, PARCELS, World, card, commands_of, eur, line

GOOD: dict[str, dict[str, Any]] = {
    "place": {"lines": [line()], "order_id": "o2", "tenders": [card()]},
    "order": {"order_id": "o1"},
    "history": {"order_id": "o1"},
    "pay": {"order_id": "o1", "tenders": [card()]},
    "capture": {"order_id": "o1"},
    "refund": {"order_id": "o1"},
    "draft": {"lines": [line()], "order_id": "o2", "tenders": [card()]},
    "place_draft": {"order_id": "o1"},
    "discard_draft": {"order_id": "o1"},
    "as_of": {"order_id": "o1", "version": 1},
    "confirm": {"order_id": "o1"},
    "reject": {"order_id": "o1", "reason": "sorry"},
    "expire": {"order_id": "o1"},
    "note": {"order_id": "o1", "message": "hello"},
    "tag": {"order_id": "o1", "add": ["vip"]},
    "edit": {"order_id": "o1", "changes": [ChangeLine(line_id="l1", quantity=2)]},
    "credit": {"order_id": "o1", "amount": eur(1), "reason": "sorry"},
    "request_return": {"order_id": "o1", "units": {"l1": 1}, "reason": "x"},
    "advance_return": {"order_id": "o1", "return_id": "r1", "action": "approve"},
    "receive_return": {"order_id": "o1", "units": {"l1": 1}, "location": "MAIN"},
    "inspect_return": {"order_id": "o1", "return_id": "r1", "restock": {"l1": 1}},
    "claim": {"order_id": "o1", "units": {"l1": 1}, "fault": "lost", "remedy": "refund"},
    "cancel": {"order_id": "o1", "reason": "sorry"},
    "contact": {"order_id": "o1"},
    "post_stock": {"posting": Posting.receive("again", "MUG", "MAIN", 1, at=NOON)},
    "fill": {"skus": ["MUG"]},
    "count_stock": {"sku": "MUG", "location": "MAIN", "counted": 3, "count_id": "n1"},
    "promised": {"sku": "MUG"},
    "forget": {"order_id": "o1"},
    "request_stop": {"order_id": "o1", "fulfillment_id": "f1"},
    "stop": {"order_id": "o1", "fulfillment_id": "f1"},
    "refuse_stop": {"order_id": "o1", "fulfillment_id": "f1"},
    "split": {"order_id": "o1", "fulfillment_id": "f1", "units": {"l1": 1}},
    "merge": {"order_id": "o1", "fulfillment_ids": ["f1", "f2"]},
    "move": {"order_id": "o1", "fulfillment_id": "f1", "location": "STORE"},
    "short_pick": {"order_id": "o1", "fulfillment_id": "f1", "units": {"l1": 1}},
    "report_cancellation": {"order_id": "o1", "reason": "sorry"},
    "allocate": {"order_id": "o1"},
    "hold": {"order_id": "o1", "name": "fraud", "blocks": {"capture"}},
    "release_hold": {"order_id": "o1", "name": "fraud"},
    "resolve": {"order_id": "o1", "code": "lost", "resolution": "found"},
    "advance": {"order_id": "o1", "fulfillment_id": "f1", "action": "release"},
    "advance_order": {"order_id": "o1", "action": "complete"},
    "ship": {"order_id": "o1", "fulfillment_id": "f1"},
    "deliver": {"order_id": "o1", "fulfillment_id": "f1"},
    "resume": {},
    "notify_payment": {"operation_id": "o1/p1/authorize-1"},
    "retry": {"order_id": "o1", "intent_id": "o1/reserve-3"},
    "find": {"kind": "tracking", "value": "T-1"},
    "record_payment": {"order_id": "o1", "amount": eur(5), "method": "cash"},
    "record_refund": {"order_id": "o1", "amount": eur(5), "method": "cash"},
    "report_chargeback": {"order_id": "o1", "payment_id": "p1", "amount": eur(5)},
    "add_round": {"order_id": "o1", "lines": [line()]},
    "fire": {"order_id": "o1", "course": 1},
    "move_tab": {"order_id": "o1", "table": "4"},
    "close_tab": {"order_id": "o1"},
    "transfer": {"order_id": "o1", "to": "t1"},
    "reopen_tab": {"order_id": "o1"},
    "promise": {"order_id": "o1", "promised_at": NOON + HOUR},
    "scan": {"order_id": "o1", "fulfillment_id": "f1", "status": "in_transit"},
    "rates": {"order_id": "o1", "fulfillment_id": "f1", "parcels": PARCELS},
    "book_label": {
        "order_id": "o1",
        "fulfillment_id": "f1",
        "service": "express",
        "parcels": PARCELS,
    },
    "cancel_label": {"order_id": "o1", "fulfillment_id": "f1"},
    "track": {"order_id": "o1", "fulfillment_id": "f1"},
    "sell_out": {"sku": "MUG", "location": "MAIN", "notice_id": "n1"},
    "report_chargeback_reversal": {"order_id": "o1", "payment_id": "p1", "amount": eur(5)},
}
NAIVE = datetime(2026, 1, 1, 12)  # noqa: DTZ001 - that is the point
LONG = "x" * 201
NOT_TEXT = [7, None, b"x", 1.5, ["o1"], "a\0b", "\ud800", "x" * 10_001]
NOT_AN_ID = ["", "a/b", "a\nb", "\u202eabc", LONG, 7, None, b"o1", ["o1"], {}]
NOT_MONEY = [1.5, 10, "10.00", True, (10, "EUR")]
NOT_A_TIME = [datetime(9899, 12, 31, 23, tzinfo=UTC), NAIVE, "2026-01-01", 1_767_268_800, 1.5]
NOT_A_VERSION = ["1", 1.0, True, -1, 10**13]
NOT_LISTS = [None, 7, "card", {"a": 1}, [None], [7], [card().__class__], [[card()]], [object()]]

NOT_A_TAB = [*NOT_AN_ID, "nobody", "o1"]
WRONG: dict[str, list[Any]] = {
    "at": NOT_A_TIME,
    "now": NOT_A_TIME,
    "occurred_at": NOT_A_TIME,
    "order_id": [one for one in NOT_AN_ID if one is not None],
    "fulfillment_id": [*NOT_AN_ID, "f9"],
    "fulfillment_ids": [None, 7, "f1", [], ["f1"], ["f1", "f1"], ["f1", "f9"], ["f1", 7], [""]],
    "fulfillments": [7, "f1", [7], [""]],
    "payment_id": [one for one in NOT_AN_ID if one != ""] + ["p9"],
    "intent_id": ["nothing", 7, None, ["nothing"], "\ud800"],
    "key": [one for one in NOT_AN_ID if one != ""],
    "by": NOT_TEXT,
    "reason": NOT_TEXT,
    "resolution": NOT_TEXT,
    "carrier": NOT_TEXT,
    "tracking": NOT_TEXT,
    "name": NOT_AN_ID,
    "code": ["nothing", "", 7, None],
    "action": [*NOT_AN_ID, "juggle"],
    "channel": NOT_AN_ID,
    "customer_id": [one for one in NOT_AN_ID if one],
    "kind": NOT_AN_ID,
    "value": NOT_TEXT,
    "amount": [*NOT_MONEY, eur(0), eur(-1), eur(1000), Money(5, "JPY")],
    "expected_total": [*NOT_MONEY, eur("10.01"), Money(1000, "USD")],
    "expected_version": [*NOT_A_VERSION, 99],
    "lines": [*NOT_LISTS, [], [line(), None]],
    "charges": NOT_LISTS,
    "changes": [
        *NOT_LISTS,
        [],
        [ChangeLine(line_id="l9", quantity=2)],
        [ChangeLine(line_id="l1", quantity=999)],
        [ChangeLine(line_id="l1", unit_price=UnitPrice.of("1", "JPY"))],
        [AddLine(line=line(), replaces="l9")],
        [AddLine(line=line(id="l1"))],
        [AddAdjustment(adjustment=Adjustment(name="off", percent="-5"), line_id="l9")],
        [AddAdjustment(adjustment=Adjustment(name="off", amount=Money(-5, "JPY")))],
    ],
    "units": [{}, [], 7, {"l1": 0}, {"l9": 1}, {"l1": 1.0}, {7: 1}, {"a/b": 1}],
    "version": [0, -1, 1.5, "1", True, 999],
    "service": [one for one in NOT_AN_ID if one],
    "scheduled_for": NOT_A_TIME,
    "promised_at": [*NOT_A_TIME, None, NOON - HOUR],
    "expected_at": NOT_A_TIME,
    "table": [one for one in NOT_AN_ID if one],
    "course": [-1, 1.5, "1", True, None, 9],
    "status": ["", 7, None, "teleported"],
    "place": NOT_TEXT,
    "notice_id": NOT_AN_ID,
    "queued": [None, 7, "yes"],
    "until": NOT_A_TIME[1:],  # no deadline follows
    "then": ["", 7, None, "pray"],
    "message": NOT_TEXT,
    "add": ["vip", 7, None, [""], [7]],
    "remove": ["vip", 7, None, [""], [7]],
    "posting": [7, "again", {}],
    "counted": [-1, 1.5, "3", True, None],
    "count_id": NOT_AN_ID,
    "queue": ["", 7, None, "loudest"],
    "sku": NOT_AN_ID,
    "skus": [7, "MUG", [7], [""], None],
    "restock": [{}, 7, {"l1": 0}],
    "quarantine": [{}, 7, {"l1": 0}],
    "write_off": [{}, 7, {"l1": 0}],
    "send_back": [{}, 7, {"l1": 0}],
    "parcels": [*NOT_LISTS, [], [{"weight_grams": 1}], PARCELS[0]],
    "contact": [7, "Ann", {"name": "Ann"}, Contact],
    "to": [
        7,
        "store_credit",
        card("1.00"),
        Tender(method="transfer", collected="beforehand"),
        Tender(method="store_credit"),  # nothing is owed
    ],
    "return_id": [one for one in NOT_AN_ID if one != ""] + ["r9"],
    "location": NOT_AN_ID,
    "exchange": NOT_LISTS,
    "fees": NOT_LISTS,
    "fault": ["", 7, None, "odd"],
    "remedy": ["", 7, None, "pray"],
    "target": ["l9", *[one for one in NOT_AN_ID if one != ""]],
    "expected_due": [*NOT_MONEY, eur("10.01"), Money(1000, "USD")],
    "adjustments": NOT_LISTS,
    "tenders": [*NOT_LISTS, [Tender(method="card", amount=Money(5, "JPY"))]],
    "references": [
        *NOT_LISTS,
        [Reference(["x"], "x")],
        [Reference("", "x")],
        [Reference("x", 7)],
        [("kind", "value")],
    ],
    "policy": [7, "on_dispatch", {"capture": "by_hand"}],
    "blocks": [(), None, 7, "capture", {"everything"}, [[]], {7}],
    "limit": [0, -1, 1.5, True, "5", 10**13],
    "sequence": [-1, 1.5, True, "5"],
    "outcome": [7, "succeeded", {}],
    "method": NOT_AN_ID,
    "reference": NOT_TEXT,
    "operation_id": ["", "o1", "o1/p1", "o9/p1/authorize-1", "a/b/c/d", 7, None],
}

OF_NO_ORDER = (
    *("place", "draft", "resume", "find", "post_stock", "fill", "promised", "count_stock"),
    "sell_out",
)
REPORTS_OF_MONEY = ("record_payment", "record_refund", "report_chargeback")


def possible(name: str, argument: str, value: object) -> bool:
    """Whether it is wrong elsewhere only: money may have moved in any amount."""
    return argument == "amount" and value == eur(1000) and name.startswith(REPORTS_OF_MONEY)


CASES = [
    (name, argument, value)
    for name, declared in sorted(commands_of(OrderDesk).items())
    for argument in list(inspect.signature(declared.flow).parameters)[1:]
    for value in (NOT_A_TAB if (name, argument) == ("transfer", "to") else WRONG[argument])
    if not possible(name, argument, value)
]


@pytest.fixture
def world() -> World:
    """A world with an order that was paid by hand and has left nothing yet."""
    world = World(policy=Policy(capture="by_hand"))
    world.desk.place([line()], order_id="o1", tenders=[card()], contact=Contact(name="Ann"))
    return world


def test_every_command_has_a_good_call() -> None:
    """The table above is complete, so that a new command cannot be forgotten here."""
    assert sorted(commands_of(OrderDesk)) == sorted(GOOD)


@pytest.mark.parametrize(("name", "argument", "value"), CASES)
def test_a_bad_value_raises_one_typed_error_and_changes_nothing(
    world: World, name: str, argument: str, value: object
) -> None:
    """Each argument of each command is given each wrong value."""
    before = world.trace()
    order = world.orders.load("o1")
    kwargs = {**GOOD[name], argument: value}
    if name == "history" and value in ("", "a/b", "a\nb", "\u202eabc", LONG):
        assert () == world.desk.history(**kwargs)  # an unknown order has no history
        return
    with pytest.raises(OrderwrightError) as caught:
        getattr(world.desk, name)(**kwargs)
    assert not isinstance(caught.value, AdapterFault)
    assert len(str(caught.value)) < 2_000
    assert before == world.trace()
    assert order == world.orders.load("o1")


@pytest.mark.parametrize("name", [name for name in GOOD if name not in OF_NO_ORDER])
def test_an_unknown_order_is_not_found(world: World, name: str) -> None:
    """Every command on an order names the order that is not there; only its history is empty."""
    before = world.trace()
    argument = "operation_id" if name == "notify_payment" else "order_id"
    value = "nobody/p1/authorize-1" if name == "notify_payment" else "nobody"
    call = getattr(world.desk, name)
    if name == "history":
        assert () == call(**{**GOOD[name], argument: value})
    else:
        with pytest.raises(NotFound, match="no order 'nobody'"):
            call(**{**GOOD[name], argument: value})
    assert before == world.trace()


def test_all_faults_of_a_placement_come_together(world: World) -> None:
    """One error names each wrong thing by its path."""
    with pytest.raises(InvalidInput) as caught:
        world.desk.place(
            [line(), line(price="1").__class__(sku="X", quantity=1, unit_price=USD)],
            order_id="a/b",
            channel="",
            customer_id="x\n",
            charges=[Charge(kind="shipping", amount=Money(5, "JPY"), id="l1")],
            tenders=[card(), Tender(method="card", amount=Money(5, "CHF"))],
            references=[Reference("", "v"), Reference("k", "\0")],
            policy="on_dispatch",
            occurred_at=NAIVE,
            by=7,
        )
    assert {
        "order_id",
        "channel",
        "customer_id",
        "occurred_at",
        "by",
        "policy",
        "references[0].kind",
        "references[1].value",
        "lines[1].unit_price",
        "charges[0].amount",
        "charges[0].id",
        "tenders[1].amount",
    } == {fault.path for fault in caught.value.faults}


USD = UnitPrice.of("1.00", "USD")


def test_wrong_kinds_of_parts_are_all_named(world: World) -> None:
    """Things that are no lines, charges or tenders are told apart by index, ids included."""
    with pytest.raises(InvalidInput) as caught:
        world.desk.place(
            [line(), {"sku": "MUG"}, 7], order_id="", charges=None, tenders=[card(), "card"]
        )
    assert {"order_id", "lines[1]", "lines[2]", "charges", "tenders[1]"} == {
        fault.path for fault in caught.value.faults
    }


def test_a_placement_of_too_many_lines_is_refused(world: World) -> None:
    """There is a named limit."""
    with pytest.raises(InvalidInput, match="10001 lines; an order has at most 10000"):
        world.desk.place([line()] * 10_001, order_id="o2")


def test_an_unexpected_total_is_refused_with_both_amounts(world: World) -> None:
    """The client may say what it expects; the order is then placed for that or not at all."""
    with pytest.raises(AmountRefused) as caught:
        world.desk.place([line()], order_id="o2", expected_total=eur("9.99"))
    assert (eur("9.99"), eur(10)) == (caught.value.asked, caught.value.limit)
    order = world.desk.place([line()], order_id="o2", expected_total=eur(10))
    assert order == world.desk.place([line()], order_id="o2", expected_total=eur("9.99"))


@pytest.mark.parametrize(
    ("make", "path"),
    [
        (lambda: Tender(method="card", amount=1.5), "amount"),
        (lambda: Tender(method="card", amount=eur(-1)), "amount"),
        (lambda: Tender(method="a/b"), "method"),
        (lambda: Tender(method="card", instrument=7), "instrument"),
        (lambda: Tender(method="card", collected="sometime"), "collected"),
        (lambda: Tender(method="card", terms=NOON - NOON + HOUR), "terms"),
        (lambda: Tender(method="invoice", collected="afterwards", terms=30), "terms"),
        (lambda: Tender(method="invoice", collected="afterwards", terms=-HOUR), "terms"),
        (lambda: Tender(method="cash", collected="beforehand", terms=HOUR), "terms"),
        (lambda: PaymentOutcome(outcome="pending", amount=eur(1), next_action=7), "next_action"),
        (
            lambda: PaymentOutcome(outcome="succeeded", amount=eur(1), expires_at=NAIVE),
            "expires_at",
        ),
        (lambda: Charge(kind="shipping", amount=4.9), "amount"),
        (lambda: AddAdjustment(adjustment=7), "adjustment"),
        (
            lambda: AddAdjustment(adjustment=Adjustment(name="x", percent=1), line_id="a/b"),
            "line_id",
        ),
        (lambda: Contact(name=7), "name"),
        (lambda: Contact(street="12 High Street"), "street"),
        (lambda: Contact(street=["12 High Street", "\0"]), "street[1]"),
        (lambda: Contact(country="Germany"), "country"),
        (lambda: Charge(kind="shipping", amount=eur(-1)), "amount"),
        (lambda: Charge(kind="", amount=eur(1)), "kind"),
        (lambda: Charge(kind="shipping", amount=eur(1), id="a/b"), "id"),
        (lambda: Charge(kind="shipping", amount=eur(1), id=[]), "id"),
        (lambda: Charge(kind="shipping", amount=eur(1), origin=7), "origin"),
        (lambda: AddAdjustment(adjustment=Adjustment(name="x", percent=1), line_id=b""), "line_id"),
        (lambda: line(together=0), "together"),
        (lambda: line(seat=[]), "seat"),
        (lambda: line(course=False), "course"),
        (lambda: PaymentOutcome(outcome="pending", amount=eur(1), reference=7), "reference"),
        (lambda: PaymentOutcome(outcome="pending", amount=eur(1), reason=b""), "reason"),
        (lambda: line(quantity=0), "quantity"),
        (lambda: line(quantity=True), "quantity"),
        (lambda: line(id="a/b"), "id"),
        (lambda: line(name=7), "name"),
        (lambda: line(requires="frozen"), "requires"),
        (lambda: line(requires=[7]), "requires"),
        (lambda: line().__class__(sku="X", quantity=1, unit_price=10), "unit_price"),
        (lambda: Hold(name="", blocks={"capture"}), "name"),
        (lambda: Hold(name="h", blocks=()), "blocks"),
        (lambda: Hold(name="h", blocks={"capture"}, owner=7), "owner"),
        (lambda: Hold(name="h", blocks={"capture"}, reason=7), "reason"),
        (lambda: Policy(capture="sometimes"), "capture"),
        (lambda: Policy(refund=None), "refund"),
        (lambda: Policy(short=["reject"]), "short"),
        (lambda: Policy(rounding="up"), "rounding"),
        (lambda: Policy(require_cover=1), "require_cover"),
        (lambda: Policy(unpaid_ttl=3600), "unpaid_ttl"),
        (lambda: Policy(unpaid_ttl=NOON - NOON), "unpaid_ttl"),
        (lambda: Policy(patience=60), "patience"),
        (lambda: Policy(patience=NOON - NOON), "patience"),
        (lambda: Policy(attempts=0), "attempts"),
        (lambda: Policy(replans=-1), "replans"),
        (lambda: PaymentOutcome(outcome="perhaps", amount=eur(1)), "outcome"),
        (lambda: PaymentOutcome(outcome="succeeded", amount=1), "amount"),
        (lambda: PaymentOutcome(outcome="succeeded", amount=eur(-1)), "amount"),
    ],
)
def test_parts_refuse_what_they_cannot_be(make: Any, path: str) -> None:  # noqa: ANN401
    """An illegal part cannot be made, and says which of its fields is wrong."""
    with pytest.raises(InvalidInput) as caught:
        make()
    assert [path] == [fault.path for fault in caught.value.faults]


def test_a_version_that_moved_on_conflicts_with_both_numbers(world: World) -> None:
    """A clerk who decided on an old version is told so, and may decide again."""
    version = world.orders.load("o1").version
    for wrong in (version - 1, version + 1, 0):
        with pytest.raises(Conflict) as caught:
            world.desk.cancel("o1", reason="sorry", expected_version=wrong)
        assert (wrong, version) == (caught.value.expected, caught.value.actual)
    assert "cancelled" == world.desk.cancel("o1", reason="x", expected_version=version).state.name


def test_mistakes_are_told_from_refusals(world: World) -> None:
    """A malformed call is a Mistake; a clerk's refused one is not."""
    with pytest.raises(Mistake):
        world.desk.capture("o1", amount=1.5)
    with pytest.raises(AmountRefused) as caught:
        world.desk.capture("o1", amount=eur(11))
    assert not isinstance(caught.value, Mistake)
    assert ("complete", "cancel") == caught.value.allowed
