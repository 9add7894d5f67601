"""The adapters in memory keep each clause of their ports, also with real threads racing."""

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
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from orderwright import (
    Conflict,
    InvalidInput,
    Order,
    OutOfStock,
    PaymentRequest,
    Policy,
    Posting,
    Reference,
    Reservation,
)
from orderwright.adapters.memory import MemoryInventory, MemoryOrders, MemoryPayments
from orderwright.adapters.system import new_id, utc_now
from orderwright.errors import KeyReused, NotFound
from orderwright.orders.events import HoldPlaced
from orderwright.orders.lines import Hold
from orderwright.ports import DueOrder, FeedEntry, OpenFulfillment, OrderQuery
from tests.worlds import HOUR, MINUTE, NOON, World, card, check_laws, eur, line

UNTIL_PAID = Policy(unpaid_ttl=HOUR)


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


def test_an_unknown_order_loads_as_none_and_has_no_events() -> None:
    """Load 1, events 1: what was never saved is answered with nothing."""
    orders = MemoryOrders()
    assert orders.load("o1") is None
    assert () == orders.events("o1")
    assert () == orders.find_key("o1", "k")
    assert () == orders.feed()


def test_a_save_from_another_version_conflicts_and_stores_nothing(world: World) -> None:
    """Save 2: the expected version must be the stored one, 0 for a new order."""
    order = world.orders.load("o1")
    before = world.trace()
    for expected in (0, order.version - 1, order.version + 1):
        with pytest.raises(Conflict) as caught:
            world.orders.save(order, [note("a")], expected_version=expected)
        assert ("o1", expected, order.version) == (
            caught.value.order_id,
            caught.value.expected,
            caught.value.actual,
        )
    with pytest.raises(Conflict):
        world.orders.save(evolve(order, id="o2"), [note("a")], expected_version=1)
    assert before == world.trace()
    assert order == world.orders.load("o1")


def test_of_two_concurrent_saves_one_succeeds(world: World) -> None:
    """Save 3: threads that all saw one version cannot all save."""
    order = world.orders.load("o1")
    start = Barrier(8)

    def racer(number: int) -> bool:
        event = note(f"h{number}")
        start.wait()
        try:
            world.orders.save(order.after([event]), [event], expected_version=order.version)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert 1 == sum(pool.map(racer, range(8)))
    assert order.version + 1 == len(world.orders.events("o1"))


def test_events_are_numbered_without_a_gap_and_read_after_a_number(world: World) -> None:
    """Save 4, events 2: numbers go on from the expected version, and reads can start anywhere."""
    history = world.orders.events("o1")
    saved(world, "o1", note("a"), note("b"))
    assert (note("a"), note("b")) == world.orders.events("o1", after=len(history))
    entries = [one for one in world.orders.feed(limit=99) if one.order_id == "o1"]
    assert list(range(1, len(history) + 3)) == [one.number for one in entries]
    assert [*history, note("a"), note("b")] == [one.event for one in entries]


def test_a_key_is_known_to_its_own_order_only(world: World) -> None:
    """Find key 1 and 2: other orders do not know it, and the empty key finds nothing."""
    world.desk.place([line()], order_id="o2")
    saved(world, "o1", note("a", key="k1"), note("b"), note("c", key="k1"))
    assert (note("a", key="k1"), note("c", key="k1")) == world.orders.find_key("o1", "k1")
    assert () == world.orders.find_key("o2", "k1")
    assert () == world.orders.find_key("o1", "")


def test_the_feed_shows_every_event_of_all_orders_once_in_order(world: World) -> None:
    """Feed 1, 2 and 3: positions rise, pages join without a gap, orders' numbers keep order."""
    world.desk.place([line()], order_id="o2", tenders=[card()])
    saved(world, "o1", note("a"))
    whole = world.orders.feed(limit=99)
    paged: list[FeedEntry] = []
    while page := world.orders.feed(after=paged[-1].position if paged else 0, limit=3):
        assert len(page) <= 3
        paged += page
    assert list(whole) == paged
    assert sorted(one.position for one in whole) == [one.position for one in whole]
    for order_id in ("o1", "o2"):
        mine = [one.event for one in whole if one.order_id == order_id]
        assert list(world.orders.events(order_id)) == mine


def test_find_pages_without_repeating_or_skipping() -> None:
    """Find 1: pages of ids above the last one seen join to all of them, ascending."""
    world = World(("MUG", "MAIN", 99))
    ids = [f"o{number:02}" for number in range(11)]
    for order_id in reversed(ids):
        world.desk.place([line()], order_id=order_id)
    found: list[str] = []
    while page := world.orders.find(OrderQuery(), after=found[-1] if found else "", limit=4):
        found += page
    assert ids == found


def test_find_narrows_by_what_is_given() -> None:
    """State, customer, channel and period each narrow, and all must match."""
    world = World(("MUG", "MAIN", 99))
    place = world.desk.place
    place([line()], order_id="a", customer_id="ann", channel="phone", at=NOON)
    place([line()], order_id="b", customer_id="bob", at=NOON + HOUR, tenders=[card()])
    place([line()], order_id="c", customer_id="ann", at=NOON + 2 * HOUR)
    for expected, query in (
        ("abc", OrderQuery()),
        ("b", OrderQuery(states=frozenset({"confirmed"}))),
        ("ac", OrderQuery(customer_id="ann")),
        ("bc", OrderQuery(channel="web")),
        ("bc", OrderQuery(placed_from=NOON + HOUR)),
        ("a", OrderQuery(placed_until=NOON + HOUR)),
        ("c", OrderQuery(customer_id="ann", channel="web")),
    ):
        assert tuple(expected) == world.orders.find(query), query


def test_orders_are_found_by_every_reference_as_of_the_last_save() -> None:
    """By reference 1: given names, the provider's id and the tracking number all lead there."""
    world = World()
    market = Reference("marketplace", "M-1")
    for order_id in ("o2", "o1"):
        world.desk.place([line()], order_id=order_id, references=[market], tenders=[card()])
    world.desk.ship("o1", "f1", tracking="T-1")
    assert ("o1", "o2") == world.orders.by_reference(market)
    assert ("o1",) == world.orders.by_reference(Reference("tracking", "T-1"))
    assert ("o1",) == world.orders.by_reference(Reference("payment", "pay_o1_p1"))
    assert () == world.orders.by_reference(Reference("tracking", "T-2"))


def test_due_orders_come_earliest_first() -> None:
    """Due 1 and 3: the earliest first, up to the limit; an order without a time never."""
    world = World(policy=UNTIL_PAID)
    for number, order_id in enumerate(("o3", "o1", "o2")):
        world.desk.place([line()], order_id=order_id, at=NOON + number * MINUTE)
    world.desk.place([line()], order_id="paid", tenders=[card()])
    assert () == world.orders.due(NOON)
    assert (DueOrder(NOON + HOUR, "o3"),) == world.orders.due(NOON + HOUR)
    late = NOON + 2 * HOUR
    assert ["o3", "o1", "o2"] == [one.order_id for one in world.orders.due(late)]
    assert ["o3", "o1"] == [one.order_id for one in world.orders.due(late, limit=2)]


class Bare(SimpleNamespace):
    """What of an order a repository looks at."""

    id: str
    version: int = 1
    due_at: datetime | None = None
    payments: tuple[object, ...] = ()
    fulfillments: tuple[object, ...] = ()
    references: tuple[Reference, ...] = ()

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
    for found in (orders.events("o1"), orders.find_key("o1", "k")):
        assert tuple(events) * known == found
    assert version == len(orders.feed())
    assert (DueOrder(NOON, "o1"),) * known == orders.due(NOON + HOUR)
    names = [Reference("a", name) for name in ("old", "fine", "new")]
    assert [("o1",) * known, (), ()] == [orders.by_reference(one) for one in names]
    good: Any = Bare(**facts)
    orders.save(good, [note("c")], expected_version=version)
    assert [*events * known, note("c")] == list(orders.events("o1"))
    assert [one.number for one in orders.feed()] == list(range(1, version + 2))


def test_readers_never_see_more_events_than_the_order_has(world: World) -> None:
    """Save 1: read while others save, the history is as long as the order read after is new."""
    start = Barrier(2)

    def writer() -> None:
        start.wait()
        for number in range(300):
            saved(world, "o1", note(f"h{number}", key="k"), note("again"))

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(writer)
        start.wait()
        while not done.done():
            keyed = world.orders.find_key("o1", "k")
            history = world.orders.events("o1")
            order = world.orders.load("o1")
            assert len(history) <= order.version
            assert len(keyed) <= len(history)
            assert Order.replay(history).version == len(history)
        done.result()


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
    assert (note("k", key="k1"),) == world.orders.find_key("o1", "k1")
    assert 0 == next(looked)


def test_open_fulfillments_are_found_by_location_and_state() -> None:
    """Open fulfillments: those there, in those states, up to the limit."""
    world = World(("MUG", "MAIN", 5), ("CUP", "STORE", 5))
    for order_id in ("o2", "o1"):
        world.desk.place([line("MUG"), line("CUP")], order_id=order_id, tenders=[card()])
    world.desk.ship("o2", "f1")
    find = world.orders.open_fulfillments
    assert (OpenFulfillment("o1", "f1", "MAIN", "reserved"),) == find("MAIN", {"reserved"})
    assert ("o1", "o2") == tuple(one.order_id for one in find("MAIN", ["reserved", "shipped"]))
    assert ("o1", "o2") == tuple(one.order_id for one in find("STORE", {"reserved"}))
    assert ("o1",) == tuple(one.order_id for one in find("STORE", {"reserved"}, limit=1))
    assert () == find("DEPOT", {"reserved"})


@pytest.mark.parametrize("limit", [1, 2, 3, 99])
def test_open_fulfillments_page_without_repeating_or_skipping(limit: int) -> None:
    """Open fulfillments 1 and 2: by order id, then as on the order, also where ten come after two.

    What a page named may have moved on, or be gone, before the next page is read.
    """
    world = World()
    (part,) = world.desk.place([line()], order_id="o1", tenders=[card()]).fulfillments
    template = world.orders.load("o1")
    orders = MemoryOrders()
    expected = []
    for order_id in ("o2", "o1", "o3"):
        parts = tuple(
            evolve(part, id=f"f{number}", location="MAIN" if number % 3 else "STORE")
            for number in range(1, 13)
        )
        expected += [(order_id, one.id) for one in parts if one.location == "MAIN"]
        order = evolve(template, id=order_id, version=1, fulfillments=parts)
        orders.save(order, [note("a")], expected_version=0)
    found: list[OpenFulfillment] = []
    while page := orders.open_fulfillments(
        "MAIN", {"reserved"}, after=found[-1] if found else None, limit=limit
    ):
        assert len(page) <= limit
        found += page
        order = orders.load(page[-1].order_id)
        moved = [
            evolve(one, state=order.lifecycles.of("shipment").step(one.state, "release"))
            if one.id == page[-1].fulfillment_id
            else one
            for one in order.fulfillments
            if order.id != "o3" or one.id != page[-1].fulfillment_id
        ]
        after = evolve(order, version=order.version + 1, fulfillments=tuple(moved))
        orders.save(after, [note("b")], expected_version=order.version)
    assert sorted(expected, key=lambda one: one[0]) == [
        (one.order_id, one.fulfillment_id) for one in found
    ]


def test_the_inventory_posts_and_reads() -> None:
    """The repository is the ledger behind a lock: posted once, read back, guarded."""
    inventory = MemoryInventory()
    posting = Posting.receive("d1", "MUG", "MAIN", 2, at=NOON)
    assert inventory.post(posting) is None
    assert inventory.post(posting) is None
    held = Reservation("r1", "MUG", "MAIN", 2, None, "o1")
    inventory.post(Posting.reserve("p1", [held], at=NOON))
    assert (held,) == inventory.reservations(NOON)
    with pytest.raises(OutOfStock):
        inventory.post(Posting.reserve("p2", [evolve_id(held)], at=NOON))
    assert ["d1", "p1"] == [one.id for one in inventory.postings()]
    (stock,) = inventory.supply(["MUG"], now=NOON)
    assert (0, 2) == (stock.available, stock.reserved)


@pytest.mark.parametrize("limit", [1, 2, 7, 1000])
def test_postings_page_in_the_order_they_were_written(limit: int) -> None:
    """Postings 1, 2 and 3: pages join to all of them; an id nobody wrote is none to go on from."""
    inventory = MemoryInventory()
    inventory.post(Posting.receive("d", "MUG", "MAIN", 9, at=NOON))
    brief = Reservation("r1", "MUG", "MAIN", 2, NOON + MINUTE, "o1")
    inventory.post(Posting.reserve("c", [brief], at=NOON))
    for posting_id in "ba":
        inventory.post(Posting.receive(posting_id, "MUG", "MAIN", 1, at=NOON + HOUR))
    found: list[str] = []
    while page := inventory.postings(after=found[-1] if found else "", limit=limit):
        assert len(page) <= limit
        found += [one.id for one in page]
    assert ["d", "c", "b/lapsed", "b", "a"] == found
    with pytest.raises(NotFound) as caught:
        inventory.postings(after="e")
    assert ("posting", "e") == (caught.value.kind, caught.value.key)


def test_reservations_are_narrowed_by_order_and_sku() -> None:
    """Reservations 2: an order's, those of some SKUs, or both; expired ones never."""
    inventory = MemoryInventory()
    every = [
        Reservation(f"r-{order_id}", sku, "MAIN", 1, None, order_id)
        for order_id in ("o1", "o2")
        for sku in ("MUG", "CUP", "JUG")
    ]
    for sku in ("MUG", "CUP", "JUG"):
        inventory.post(Posting.receive(f"d-{sku}", sku, "MAIN", 9, at=NOON))
    for number in (0, 3):  # a posting is of one order
        inventory.post(Posting.reserve(f"p{number}", every[number : number + 3], at=NOON))
    lapsed = Reservation("r-late", "MUG", "MAIN", 1, NOON + MINUTE, "o1")
    inventory.post(Posting.reserve("q", [lapsed], at=NOON))
    ask = inventory.reservations
    assert {"CUP", "MUG", "JUG"} == {one.sku for one in ask(NOON, order_id="o2")}
    assert 3 == len(ask(NOON, skus=["MUG"]))
    assert 2 == len(ask(NOON + HOUR, skus=iter(["MUG"])))
    assert ["MUG"] == [one.sku for one in ask(NOON + HOUR, order_id="o1", skus=["MUG"])]
    assert () == ask(NOON, order_id="o3")
    assert () == ask(NOON, skus=["PAN"])


def evolve_id(held: Reservation) -> Reservation:
    """The same reservation under another id."""
    return Reservation("r2", held.sku, held.location, held.quantity, None, "o2")


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


def test_a_repeated_payment_has_no_second_effect() -> None:
    """Clause 1: a known id answers with what it made; the books hold it once."""
    provider = MemoryPayments()
    first = provider.authorize(asks("authorize"))
    assert "succeeded" == first.outcome
    assert first == provider.authorize(asks("authorize")) == provider.look_up(asks("authorize"))
    assert ["o1/p1/authorize-1"] == [entry.operation_id for entry in provider.books]


def test_an_id_with_other_content_is_refused() -> None:
    """Clause 5: the same id for another amount is a mistake, not a payment."""
    provider = MemoryPayments()
    provider.authorize(asks("authorize"))
    with pytest.raises(KeyReused, match="o1/p1/authorize-1"):
        provider.authorize(asks("authorize", amount="11.00"))
    assert 1 == len(provider.books)


def test_nothing_is_taken_or_paid_back_beyond_what_is_there() -> None:
    """Capture 6, void 6, refund 6: more than there is fails, and leaves no trace in the books."""
    provider = MemoryPayments()
    paid = provider.authorize(asks("authorize")).reference
    for kind, amount, expected in (
        ("capture", "10.01", "failed"),
        ("refund", "0.01", "failed"),
        ("capture", "6.00", "succeeded"),
        ("void", "4.01", "failed"),
        ("void", "3.00", "succeeded"),
        ("capture", "1.01", "failed"),
        ("refund", "6.01", "failed"),
        ("refund", "6.00", "succeeded"),
        ("refund", "0.01", "failed"),
    ):
        number = 1 + len(provider._known)
        answer = getattr(provider, kind)(asks(kind, number, amount, paid))
        assert expected == answer.outcome, (kind, amount)
        assert (expected == "failed") == ("only" in answer.reason)
    booked = Counter({entry.kind: entry.amount.minor for entry in provider.books})
    assert {"authorize": 1000, "capture": 600, "void": 300, "refund": 600} == booked


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
