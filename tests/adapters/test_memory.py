"""What the adapters in memory do beyond their ports' clauses (tests/testing is about those)."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from itertools import count
from threading import Barrier
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderwright import (
    InvalidInput,
    Order,
    OutOfStock,
    PaymentRequest,
    Policy,
    Reference,
)
from orderwright.adapters.memory import MemoryOrders, MemoryPayments
from orderwright.adapters.system import new_id, utc_now
from orderwright.orders.events import HoldPlaced
from orderwright.orders.lines import Hold
from orderwright.ports import DueOrder
from tests.worlds import HOUR, MINUTE, NOON, World, card, check_laws, eur, line


def note(name: str, key: str = "") -> HoldPlaced:
    """Some event to save."""
    return HoldPlaced(hold=Hold(name=name, blocks={"refund"}), at=NOON, key=key)


@pytest.fixture
def world() -> World:
    """A world with one order."""
    world = World()
    world.desk.place([line()], order_id="o1")
    return world


def saved(world: World, order_id: str, *events: HoldPlaced) -> Order:
    """Save events on an order."""
    order = world.orders.load(order_id)
    after = order.after(events)
    world.orders.save(after, events, expected_version=order.version)
    return after


class Bare(SimpleNamespace):
    """What of an order a repository looks at."""

    id: str
    version: int = 1
    due_at: datetime | None = None
    payments: tuple[object, ...] = ()
    fulfillments: tuple[object, ...] = ()
    references: tuple[Reference, ...] = ()
    labels: tuple[object, ...] = ()

    @property
    def all_references(self) -> tuple[Reference, ...]:
        """Only the given ones."""
        return self.references


ZONES = [timezone.utc, timezone(timedelta(hours=-11)), ZoneInfo("Europe/Berlin")]  # noqa: UP017
MOMENTS = st.builds(
    # Berlin sets its clocks back that night, so that an hour comes twice.
    lambda minutes, zone: (
        datetime(2026, 10, 24, 22, tzinfo=ZONES[0]) + minutes * MINUTE
    ).astimezone(zone),
    st.integers(0, 300).map(lambda quarter: 15 * (quarter % 20)),
    st.sampled_from(ZONES),
)


@given(
    saves=st.lists(st.tuples(st.sampled_from("abcde"), st.none() | MOMENTS), max_size=30),
    now=MOMENTS,
    limit=st.integers(1, 4),
)
def test_due_is_what_sorting_everything_would_say(
    saves: list[tuple[str, datetime | None]], now: datetime, limit: int
) -> None:
    """Due 1, 2 and 3, whatever was saved, in any time zone, read page by page."""
    orders, latest = MemoryOrders(), {}
    versions: Counter[str] = Counter()
    for order_id, due_at in saves:
        versions[order_id] += 1
        order: Any = Bare(id=order_id, version=versions[order_id], due_at=due_at)
        orders.save(order, [], expected_version=order.version - 1)
        latest[order_id] = due_at
    expected = sorted(
        (due_at.astimezone(ZONES[0]), order_id)
        for order_id, due_at in latest.items()
        if due_at is not None and due_at.timestamp() <= now.timestamp()
    )
    assert expected == list(orders.due(now))
    found: list[DueOrder] = []
    while page := orders.due(now, after=found[-1] if found else None, limit=limit):
        assert len(page) <= limit
        found += page
    assert expected == found
    if found:
        # A cursor need not be due itself, or be there any more.
        assert () == orders.due(now, after=DueOrder(found[-1].due_at, "z"))


def test_due_looks_at_nothing_that_is_not_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """With thousands of orders waiting and none due, hardly anything is compared."""
    orders = MemoryOrders()
    for number in range(8_000):
        order: Any = Bare(id=f"o{number}", due_at=NOON + HOUR + number * MINUTE)
        orders.save(order, [], expected_version=0)
    looked = count()
    monkeypatch.setattr(
        "orderwright.adapters.memory._due_at", lambda one: (next(looked), one.due_at)[1]
    )
    assert () == orders.due(NOON)
    assert next(looked) < 20


@pytest.mark.parametrize(
    "broken",
    [
        {"events": "raises"},
        {"events": [SimpleNamespace()]},
        {"events": [SimpleNamespace(key=["unhashable"])]},
        {"due_at": datetime(2026, 1, 1)},  # noqa: DTZ001
        {"due_at": "tomorrow"},
        {"references": (Reference("a", "fine"), Reference("a", ["unhashable"]))},  # type: ignore[arg-type]
    ],
    ids=["iterator", "no event", "key", "naive", "no time", "reference"],
)
@pytest.mark.parametrize("known", [False, True])
def test_a_save_that_raises_half_way_has_saved_nothing(
    broken: dict[str, Any], *, known: bool
) -> None:
    """Save 1: whatever goes wrong inside, nothing of it is seen, and saving again works."""
    orders = MemoryOrders()
    events = [note("a", key="k")]
    before: Any = Bare(id="o1", due_at=NOON, references=(Reference("a", "old"),))
    if known:
        orders.save(before, events, expected_version=0)

    def raising() -> Iterator[HoldPlaced]:
        yield note("b", key="k")
        raise RuntimeError

    version = int(known)
    facts: dict[str, Any] = {
        "id": "o1",
        "version": version + 1,
        "due_at": NOON + MINUTE,
        "references": (Reference("a", "new"),),
    }
    bad: Any = Bare(**{**facts, **{name: one for name, one in broken.items() if name != "events"}})
    given: Any = broken.get("events", [note("b", key="k")])
    with pytest.raises((RuntimeError, AttributeError, TypeError, InvalidInput)):
        orders.save(bad, raising() if given == "raises" else given, expected_version=version)
    assert (before if known else None) is orders.load("o1")
    for found in (orders.events("o1"), orders.load_with_key("o1", "k")[1]):
        assert tuple(events) * known == found
    assert version == len(orders.feed())
    assert (DueOrder(NOON, "o1"),) * known == orders.due(NOON + HOUR)
    names = [Reference("a", name) for name in ("old", "fine", "new")]
    assert [("o1",) * known, (), ()] == [orders.by_reference(one) for one in names]
    good: Any = Bare(**facts)
    orders.save(good, [note("c")], expected_version=version)
    assert [*events * known, note("c")] == list(orders.events("o1"))
    assert [one.number for one in orders.feed()] == list(range(1, version + 2))


def test_a_key_is_found_without_reading_the_history(world: World) -> None:
    """On an order with a long past a key is as quickly found as on a new one."""
    saved(world, "o1", *(note(f"h{number}") for number in range(50)), note("k", key="k1"))
    looked = count()

    class Watched(list[Any]):
        def __iter__(self) -> Iterator[Any]:
            next(looked)
            return super().__iter__()

    record = world.orders._kept["o1"]
    record.history = Watched(record.history)
    assert (note("k", key="k1"),) == world.orders.load_with_key("o1", "k1")[1]
    assert 0 == next(looked)


# The provider ------------------------------------------------------------------------------


def asks(kind: str, number: int = 1, amount: str = "10.00", reference: str = "") -> PaymentRequest:
    """A request of order o1."""
    return PaymentRequest(
        id=f"o1/p1/{kind}-{number}",
        kind=kind,
        order_id="o1",
        payment_id="p1",
        method="card",
        amount=eur(amount),
        reference=reference,
    )


@pytest.mark.parametrize(
    ("mood", "answer", "found", "booked"),
    [
        ("approve", "succeeded", "succeeded", 1),
        ("decline", "declined", "declined", 0),
        ("pending", "pending", "pending", 0),
        ("answer_lost", "unknown", "succeeded", 1),
        ("request_lost", "unknown", "not_found", 0),
    ],
)
def test_each_behaviour_answers_and_books_what_it_says(
    mood: str, answer: str, found: str, booked: int
) -> None:
    """Look-up tells the truth about what a request became, also where the answer was lost."""
    provider = MemoryPayments(lambda _: mood)
    assert answer == provider.authorize(asks("authorize")).outcome
    told = provider.look_up(asks("authorize"))
    assert found == (told if told == "not_found" else told.outcome)
    assert booked == len(provider.books)


@pytest.mark.parametrize("outcome", ["succeeded", "declined"])
def test_a_pending_payment_is_decided_once(outcome: str) -> None:
    """What a bank decided days later stays decided, and is booked only if it succeeded."""
    provider = MemoryPayments(lambda _: "pending")
    provider.authorize(asks("authorize"))
    other = "declined" if outcome == "succeeded" else "succeeded"
    for said in (outcome, other, outcome):
        assert outcome == provider.finish("o1/p1/authorize-1", said).outcome
    assert (outcome == "succeeded") == bool(provider.books)


@pytest.mark.parametrize(
    ("first", "second", "left"),
    [
        ("capture", "capture", "capture"),
        ("capture", "void", "void"),
        ("void", "capture", "capture"),
        ("refund", "refund", "refund"),
    ],
)
def test_what_was_pending_fails_if_what_it_wanted_is_gone(
    first: str, second: str, left: str
) -> None:
    """Capture 6, void 6, refund 6: ten pending and ten taken meanwhile is never twenty of ten."""
    moods: dict[str, str] = {f"o1/p1/{first}-1": "pending"}
    provider = MemoryPayments(lambda request: moods.get(request.id, "approve"))
    paid = provider.authorize(asks("authorize")).reference
    if first == "refund":
        provider.capture(asks("capture", 9, reference=paid))
    assert "pending" == getattr(provider, first)(asks(first, 1, reference=paid)).outcome
    assert "succeeded" == getattr(provider, second)(asks(second, 2, reference=paid)).outcome
    decided = provider.finish(f"o1/p1/{first}-1", "succeeded")
    assert ("failed", "only 0.00 EUR there") == (decided.outcome, decided.reason)
    assert decided == provider.look_up(asks(first, 1, reference=paid))
    assert decided == provider.finish(f"o1/p1/{first}-1", "succeeded")
    assert 1 == sum(entry.kind == left for entry in provider.books)


# Threads -----------------------------------------------------------------------------------


def test_threads_racing_for_the_last_units_sell_each_once() -> None:
    """Sixteen threads want eight units through one desk: eight orders get one each."""
    world = World(("MUG", "MAIN", 8), policy=Policy(capture="on_confirmation", replans=20))
    start = Barrier(16)

    def racer(number: int) -> str:
        start.wait()
        try:
            order = world.desk.place([line()], order_id=f"o{number}", tenders=[card()], at=NOON)
        except OutOfStock:
            return "refused"
        return order.state.name

    with ThreadPoolExecutor(16) as pool:
        outcomes = Counter(pool.map(racer, range(16)))
    assert 8 == outcomes["confirmed"]
    assert 8 == outcomes["rejected"] + outcomes["refused"]
    check_laws(world)
    assert 8 == sum(entry.kind == "capture" for entry in world.payments.books)


def test_threads_cancelling_one_order_pay_it_back_once() -> None:
    """However many cancel at once, the money goes back once and the stock is free once."""
    world = World(policy=Policy(capture="on_confirmation"))
    world.desk.place([line()], order_id="o1", tenders=[card()])
    start = Barrier(8)

    def racer(number: int) -> None:
        start.wait()
        world.desk.report_cancellation("o1", reason=f"thread {number}", at=NOON)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(racer, range(8)))
    check_laws(world)
    assert 1 == sum(entry.kind == "refund" for entry in world.payments.books)
    (stock,) = world.inventory.supply(["MUG"], now=NOON)
    assert (10, 0) == (stock.available, stock.reserved)


def test_the_hosts_clock_is_aware_and_its_ids_differ() -> None:
    """What a desk is given to ask for time and ids is fit for it."""
    assert utc_now().utcoffset() is not None
    ids = {new_id() for _ in range(100)}
    assert 100 == len(ids)
    assert all(len(one) == 32 for one in ids)
