"""Every error is information: it travels unharmed, says what to do, and blames one party."""

import copy
import pickle
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from orderwright import errors as e
from orderwright.money import Money

FAULT = e.Fault("lines[0].sku", "empty; name a SKU")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = datetime(2026, 1, 1, 13, tzinfo=UTC)
SHORTAGE = e.Shortage("MUG", "MAIN", 13, 10)
EUROS = Money.of("10.00", "EUR")
CENTS = Money.of("9.99", "EUR")

# One of each class, with all its facts and the message they make.
SAMPLES: list[tuple[e.OrderwrightError, dict[str, object], str]] = [
    (e.OrderwrightError(), {}, "OrderwrightError"),
    (e.Mistake(), {}, "Mistake"),
    (e.InvalidInput([FAULT]), {"faults": (FAULT,)}, "lines[0].sku: empty; name a SKU"),
    (
        e.CodecError([FAULT, e.Fault("at", "no time zone")]),
        {"faults": (FAULT, e.Fault("at", "no time zone"))},
        "lines[0].sku: empty; name a SKU; at: no time zone",
    ),
    (
        e.NotFound("line", "l9", "o1"),
        {"kind": "line", "key": "l9", "order_id": "o1"},
        "no line 'l9' on order o1: check the id",
    ),
    (
        e.KeyReused("o1", "channel", "web", "shop"),
        {"key": "o1", "field": "channel", "before": "'web'", "now": "'shop'"},
        (
            "'o1' was used before with channel='web', now 'shop': "
            "send the same content to repeat it, or a new key for something new"
        ),
    ),
    (
        e.Refused("closed", "o1", ["cancel", "confirm"]),
        {"rule": "closed", "order_id": "o1", "allowed": ("cancel", "confirm")},
        "order o1: closed; possible now: cancel, confirm",
    ),
    (
        e.IllegalTransition("fulfillment f1", "shipped", "pick", ("deliver",), "o1"),
        {
            "rule": "lifecycle",
            "order_id": "o1",
            "allowed": ("deliver",),
            "subject": "fulfillment f1",
            "state": "shipped",
            "action": "pick",
        },
        "order o1: fulfillment f1 is shipped, which has no step 'pick'; possible now: deliver",
    ),
    (
        e.OutOfStock([SHORTAGE, e.Shortage("CUP", "", 1, 0, "o1/f1/l1")], "o1"),
        {
            "rule": "stock",
            "order_id": "o1",
            "allowed": (),
            "shortages": (SHORTAGE, e.Shortage("CUP", "", 1, 0, "o1/f1/l1")),
        },
        (
            "order o1: out of stock: MUG at MAIN: wanted 13, available 10; "
            "CUP in reservation o1/f1/l1: wanted 1, available 0"
        ),
    ),
    (
        e.QuantityRefused("too late to cancel", line_id="l1", asked=3, limit=1, order_id="o1"),
        {
            "rule": "too late to cancel",
            "order_id": "o1",
            "allowed": (),
            "line_id": "l1",
            "asked": 3,
            "limit": 1,
        },
        "order o1: too late to cancel: asked 3 of l1, the limit is 1",
    ),
    (
        e.WindowClosed("return window", until=NOON, at=LATER, order_id="o1"),
        {
            "rule": "return window",
            "order_id": "o1",
            "allowed": (),
            "until": NOON,
            "at": LATER,
        },
        (
            "order o1: return window: possible until 2026-01-01T12:00:00+00:00, "
            "it is 2026-01-01T13:00:00+00:00"
        ),
    ),
    (
        e.AmountRefused("expected total", asked=CENTS, limit=EUROS, order_id="o1"),
        {
            "rule": "expected total",
            "order_id": "o1",
            "allowed": (),
            "asked": CENTS,
            "limit": EUROS,
        },
        "order o1: expected total 9.99 EUR, but it comes to 10.00 EUR",
    ),
    (
        e.OnHold("fraud", "capture"),
        {"rule": "hold", "order_id": "", "allowed": (), "hold": "fraud", "blocked": "capture"},
        "hold 'fraud' blocks capture; release the hold first",
    ),
    (
        e.Conflict("o1", 3, 4),
        {"rule": "version", "order_id": "o1", "allowed": (), "expected": 3, "actual": 4},
        (
            "order o1: expected version 3, found 4: "
            "somebody else saved first; load it again and decide again"
        ),
    ),
    (
        e.AdapterFault("bank", "line is busy", retryable=True),
        {"adapter": "bank", "detail": "line is busy", "retryable": True},
        "bank: line is busy (may be retried)",
    ),
    (
        e.OutcomeUnknown("bank", "no answer"),
        {"adapter": "bank", "detail": "no answer", "retryable": False},
        "bank: no answer",
    ),
    (
        e.BrokenPromise("bank", "answered in USD"),
        {"adapter": "bank", "detail": "answered in USD", "retryable": False},
        "bank: answered in USD",
    ),
]
NAMES = [type(error).__name__ for error, _, _ in SAMPLES]


def classes() -> Iterator[type[e.OrderwrightError]]:
    """Every error class of the module."""
    for value in vars(e).values():
        if isinstance(value, type) and issubclass(value, e.OrderwrightError):
            yield value


def pickled(error: e.OrderwrightError) -> e.OrderwrightError:
    """The error after a journey through bytes."""
    revived: e.OrderwrightError = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    return revived


def test_samples_are_complete() -> None:
    """The samples of this file cover every error class once."""
    assert sorted(one.__name__ for one in classes()) == sorted(NAMES)


@pytest.mark.parametrize(("error", "facts", "message"), SAMPLES, ids=NAMES)
def test_facts_and_message(
    error: e.OrderwrightError, facts: dict[str, object], message: str
) -> None:
    """The facts of an error are its attributes, all of them, and its message is made from them."""
    assert facts == vars(error)
    assert message == str(error)


@pytest.mark.parametrize("travel", [pickled, copy.copy, copy.deepcopy])
@pytest.mark.parametrize("error", [error for error, _, _ in SAMPLES], ids=NAMES)
def test_round_trips(
    error: e.OrderwrightError, travel: Callable[[e.OrderwrightError], e.OrderwrightError]
) -> None:
    """Nothing of an error is lost by pickle, copy and deepcopy, not even how it is shown."""
    arrived = travel(error)
    assert arrived is not error
    assert (type(error), vars(error)) == (type(arrived), vars(arrived))
    assert (str(error), repr(error), hash(error)) == (str(arrived), repr(arrived), hash(arrived))
    assert error == arrived


def test_notes_travel() -> None:
    """What was added to an error on its way up is kept, and sets it apart."""
    error = e.NotFound("order", "o1")
    error.add_note("while resuming")
    assert ["while resuming"] == pickled(error).__notes__
    assert error != e.NotFound("order", "o1")


def test_equality_needs_type_and_facts() -> None:
    """Errors of other facts, of another class, and things that are no errors are different."""
    assert e.Conflict("o1", 1, 2) != e.Conflict("o1", 1, 3)
    assert e.OutcomeUnknown("bank", "silence") != e.BrokenPromise("bank", "silence")
    assert e.Mistake() != "Mistake"


def test_repr_of_facts_given_by_an_iterator() -> None:
    """A message stands in the repr, not the address of the used-up iterator that was passed."""
    error = e.OutOfStock(shortage for shortage in [SHORTAGE])
    assert "OutOfStock('out of stock: MUG at MAIN: wanted 13, available 10')" == repr(error)


def test_branches_are_disjoint() -> None:
    """Every error blames exactly one party: the caller, a rule, or the world outside."""
    branches = (e.Mistake, e.Refused, e.AdapterFault)
    for kind in classes():
        if kind is not e.OrderwrightError:
            blamed = [branch for branch in branches if issubclass(kind, branch)]
            assert 1 == len(blamed), f"{kind.__name__}: {blamed}"


def test_fitting_builtins() -> None:
    """Code that knows nothing of us can still catch a bad value and a failed look-up."""
    builtins: tuple[type[Exception], ...] = (ValueError, LookupError)
    fitting = {
        (kind.__name__, base.__name__)
        for kind in classes()
        for base in builtins
        if issubclass(kind, base)
    }
    assert {
        ("InvalidInput", "ValueError"),
        ("CodecError", "ValueError"),
        ("NotFound", "LookupError"),
    } == fitting


def test_at_makes_one_fault() -> None:
    """The short form for a single fault keeps the class it was called on."""
    assert e.CodecError((e.Fault("at", "late"),)) == e.CodecError.at("at", "late")


def test_messages_do_not_repeat_all_they_were_given() -> None:
    """Ten megabytes of input make no message of ten megabytes, nor do ten thousand facts."""
    long = "x" * 10_000_000
    shortages = [e.Shortage("MUG", "MAIN", 1, 0)] * 10_000
    faults = [e.Fault(f"lines[{index}]", "wrong") for index in range(10_000)]
    for error in (
        e.InvalidInput.at(long, long),
        e.NotFound("order", long),
        e.KeyReused("k", "reason", long, long),
    ):
        assert len(str(error)) < 1_200
    for many in (e.OutOfStock(shortages), e.InvalidInput(faults)):
        assert len(str(many)) < 10_000
        assert "; and 9900 more" in str(many)
    assert 10_000 == len(e.InvalidInput(faults).faults)


@pytest.mark.parametrize(
    "error", [e.InvalidInput.at("\ud800", "\udfff"), e.NotFound("order", "\ud800")]
)
def test_messages_can_be_written(error: e.OrderwrightError) -> None:
    """Half a surrogate pair in what was given is told escaped: a log takes no other."""
    assert r"\ud" in str(error).encode().decode()


def test_what_is_no_id_is_not_found_by_the_name_of_its_kind() -> None:
    """Any object may be looked for; what it is is no fact that can be stored."""
    assert "no order '(bytes)': check the id" == str(e.NotFound("order", b"o1"))


@pytest.mark.parametrize(
    ("asked", "limit", "told"),
    [
        (EUROS, CENTS, "refund: asked 10.00 EUR, the limit is 9.99 EUR"),
        (-EUROS, CENTS, "refund: asked -10.00 EUR, expected more, and at most 9.99 EUR"),
        (EUROS, EUROS - EUROS, "refund: there is nothing"),
    ],
)
def test_an_amount_is_refused_with_what_it_may_be(asked: Money, limit: Money, told: str) -> None:
    """More than there is, less than nothing, anything at all."""
    assert told == str(e.AmountRefused("refund", asked=asked, limit=limit))


def test_a_shortage_of_no_place_tells_what_can_be_served() -> None:
    """There may be more, that cannot leave."""
    assert "MUG: wanted 3, 1 can be served" == str(e.Shortage("MUG", "", 3, 1))


def test_of_two_lots_the_one_that_is_short_is_told() -> None:
    """Else both would read the same."""
    short = [e.Shortage("MUG", "MAIN", 3, 2, "o1/f1/l1", lot) for lot in ("", "L1", "L2")]
    told = [str(one) for one in short]
    assert 3 == len(set(told))
    assert "in reservation o1/f1/l1 of lot L2: wanted 3, available 2" in told[2]
