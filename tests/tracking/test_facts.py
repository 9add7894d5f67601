"""The facts of an order are what replaying it shows, however wild its history."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orderwright import (
    AddLine,
    DraftLine,
    Location,
    Order,
    OrderDesk,
    Policy,
    Posting,
    UnitPrice,
)
from orderwright.adapters.memory import MemoryInventory, MemoryOrders, MemoryPayments
from orderwright.errors import BrokenPromise, InvalidInput, NotFound
from orderwright.fulfillment.fulfillment import Fulfillment
from orderwright.fulfillment.promising import Calendar
from orderwright.lifecycles import Phase
from orderwright.orders import events as e
from orderwright.tracking.facts import OrderFacts
from orderwright.tracking.reading import facts_of
from tests.flows.test_machine import Life
from tests.tracking.oracle import Seen
from tests.tracking.stories import told
from tests.worlds import HOUR, MINUTE, NOON, World, card, eur, line


def check(history: Sequence[e.Event]) -> OrderFacts:
    """Assert that the facts of a history are those of the replayed order."""
    facts, seen = facts_of(history), Seen(history)
    order = seen.order
    assert (order.id, order.channel, order.service, order.currency, order.state) == facts[:5]
    if not seen.placed:
        assert facts.placed_at is None
        assert () == facts.lines == facts.sales
        return facts
    stages = [
        facts.placed_at,
        facts.confirmed_at,
        facts.begun_at,
        facts.left_at,
        facts.arrived_at,
        facts.completed_at,
    ]
    assert seen.times == stages
    assert seen.promised_at == facts.promised_at
    check_units(facts, seen)
    check_money(facts, seen)
    key = repr
    worked = [tuple(one) for one in facts.work]
    assert not Counter(map(key, seen.tickets())) - Counter(map(key, worked))
    assert sum(one.started_at is not None for one in order.fulfillments) == len(worked)
    assert Counter(seen.booked()) == Counter(one.posting_id for one in facts.bookings)
    opened = [one.exception.code for one in history if isinstance(one, e.ExceptionOpened)]
    assert opened == list(facts.exceptions)
    return facts


def arrived(part: Fulfillment) -> bool:
    """Whether it is with the customer."""
    return part.state.phase is Phase.DONE and not part.ended


def check_units(facts: OrderFacts, seen: Seen) -> None:
    """Assert where each line's units are."""
    short, given_up = seen.waited()
    counts = seen.order.quantities()
    assert [one.id for one in seen.order.lines] == [one.id for one in facts.lines]
    for one, found in zip(seen.order.lines, facts.lines, strict=True):
        assert (one.sku, one.ordered, one.cancelled) == (
            found.sku,
            found.ordered,
            found.cancelled,
        )
        assert seen.extra.get(one.id, "order") == found.origin
        assert (short[one.id], given_up[one.id]) == (found.short, found.given_up)
        assert counts[one.id].fulfilled == found.served
        there = seen.units(one.id, arrived)
        assert there == found.arrived
        places: Counter[str] = Counter()
        for part in seen.order.fulfillments:
            places[part.location] += part.units.get(one.id, 0) * part.live
        assert +places == Counter(dict(found.places))
    assert (seen.astray, seen.remade) == (facts.astray, facts.remade)
    assert seen.in_full == facts.in_full


def check_money(facts: OrderFacts, seen: Seen) -> None:
    """Assert what is due, and when and why it changed."""
    order = seen.order
    minor, units = seen.moved()
    assert order.due.minor - minor == sum(sale.gross for sale in facts.sales)
    kept = sum(one.remaining_units for one in order.lines)
    assert kept - units == sum(sale.units for sale in facts.sales)
    sums: Counter[object] = Counter()
    for at, *what, units, gross, tax in seen.changes():
        for name, figure in (("units", units), ("gross", gross), ("tax", tax)):
            sums[at, *what, name] += figure
    for at, *what, units, gross, tax in facts.sales:
        for name, figure in (("units", units), ("gross", gross), ("tax", tax)):
            sums[at, *what, name] -= figure
    assert not any(sums.values())
    lost: Counter[object] = Counter()
    for kind, reason, units, minor in facts.losses:
        if kind != "refunded":
            lost[kind, reason, "units"] += units
            lost[kind, reason, "minor"] += minor
    assert seen.losses() == lost
    assert (order.captured.minor, order.refunded.minor) == (facts.captured, facts.refunded)
    assert facts.refunded == sum(one.minor for one in facts.losses if one.kind == "refunded")


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_facts_are_what_replaying_shows(seed: int) -> None:
    """Every figure of every order in a story equals what its replayed states show."""
    for history in told(seed).histories.values():
        check(history)


class Remembered(Life):
    """Whatever can happen to an order, with a look at its facts in the end."""

    def teardown(self) -> None:
        """Read every history there is."""
        for order in self.world.all_orders():
            check(self.world.orders.events(order.id))


TestRemembered = Remembered.TestCase
TestRemembered.settings = settings(max_examples=15, stateful_step_count=40, deadline=None)


def test_a_ready_ticket_that_is_divided_was_ready() -> None:
    """Both parts were made when the whole was; one that is back on the stove is not."""
    desk = pass_with(["RICE", "RICE"])
    for action in ("fire", "prepare", "ready"):
        desk.advance("t1", "f1", action, at=NOON + MINUTE)
    desk.split("t1", "f1", {"l1": 1}, at=NOON + HOUR)
    facts = facts_of(desk.history("t1"))
    assert [(1, NOON + MINUTE), (1, NOON + MINUTE)] == [
        (one.units, one.made_at) for one in facts.work
    ]
    desk.advance("t1", "f1", "recall", at=NOON + HOUR)
    assert [None, NOON + MINUTE] == [one.made_at for one in facts_of(desk.history("t1")).work]


def test_what_moves_to_another_tab_was_sold_where_it_was_ordered() -> None:
    """A transfer is no sale, whichever way, also where the other tab did not take it."""
    desk = pass_with(["RICE"], ["RICE"])
    desk.transfer("t1", "t2")
    first, second = (desk.history(name) for name in ("t1", "t2"))
    assert [500, 500] == [sum(x.gross for x in facts_of(one).sales) for one in (first, second)]
    assert [0, 1000] == [desk.order(name).due.minor for name in ("t1", "t2")]
    taken = next(one for one in second if isinstance(one, e.OrderEdited))
    back = tuple(
        attrs.evolve(one, charges=taken.charges) if isinstance(one, e.TransferSettled) else one
        for one in first
    )
    check(back)
    assert 500 == sum(sale.gross for sale in facts_of(back).sales)


def test_fees_of_a_return_are_sold_with_it() -> None:
    """A restocking fee, and what is sent in exchange, are due once the goods are credited."""
    world = World(policy=Policy(restocking_percent=10, capture="by_hand"))
    world.desk.place([line("MUG", 2)], order_id="o1", tenders=[card()])
    world.desk.deliver("o1", "f1")
    world.desk.capture("o1")
    world.desk.request_return("o1", {"l1": 1}, reason="blue", exchange=[line("MUG", 3)])
    world.desk.receive_return("o1", {"l1": 1}, location="MAIN")
    world.desk.inspect_return("o1", "r1", restock={"l1": 1})
    facts = check(world.desk.history("o1"))
    assert [("goods", 2000), ("goods", -1000), ("goods", 3000), ("restocking_fee", 100)] == [
        (sale.kind, sale.gross) for sale in facts.sales
    ]
    assert ["order", "exchange"] == [one.origin for one in facts.lines]
    assert NOON == facts.arrived_at


def test_what_was_promised_first_counts() -> None:
    """Of two plans the first says when; what the customer wished for, or was told, comes before."""
    world = World(("MUG", "MAIN", 1), policy=Policy(short="backorder"))
    monday = Calendar(zone=UTC, weekdays=[0])
    places = [Location(id="MAIN", calendar=monday, transit_days=0)]
    desk = world.new_desk(locations=places)
    desk.place([line("MUG", 2)], order_id="o1", tenders=[card()])
    (part,) = desk.order("o1").fulfillments
    assert part.promised_at == check(desk.history("o1")).promised_at
    world.receive("more", "MUG", "MAIN", 1)
    desk.allocate("o1", at=NOON + 200 * HOUR)
    assert part.promised_at == check(desk.history("o1")).promised_at
    desk.promise("o1", NOON + 300 * HOUR)
    desk.promise("o1", NOON + 400 * HOUR)
    assert NOON + 300 * HOUR == check(desk.history("o1")).promised_at
    wish = NOON + HOUR
    desk.place([line("MUG", 1)], order_id="o2", tenders=[card()], scheduled_for=wish)
    assert wish == check(desk.history("o2")).promised_at


def test_what_nobody_has_when_it_is_rejected_was_short() -> None:
    """Units that no place was to serve when their order was rejected were short."""
    world = World(("MUG", "MAIN", 1), ("CUP", "MAIN", 9), policy=Policy(short="backorder"))
    world.desk.place([line("MUG", 2), line("CUP", 2)], order_id="o1", tenders=[])
    world.desk.hold("o1", "wait", blocks=["allocate"])
    world.desk.cancel("o1", units={"l1": 1, "l2": 1}, reason="less")
    world.desk.edit("o1", [AddLine(line=line("CUP", 3))])
    world.desk.reject("o1", reason="no")
    facts = check(world.desk.history("o1"))
    assert [(1, 1), (0, 0), (3, 3)] == [(one.short, one.given_up) for one in facts.lines]


# What is no history ------------------------------------------------------------------------


def pass_with(*tabs: Sequence[str]) -> OrderDesk:
    """A desk for one kitchen, with a tab (t1, t2 …) of such dishes each."""
    inventory = MemoryInventory()
    inventory.post(Posting.make("menu", "PASS", made=[("RICE", 9)], at=NOON))
    desk = OrderDesk(
        orders=MemoryOrders(),
        inventory=inventory,
        payments=MemoryPayments(),
        locations=[Location(id="PASS", makes="ticket")],
        policy=Policy(tab=True),
        clock=lambda: NOON,
    )
    price = UnitPrice.of("5.00", "EUR")
    for number, skus in enumerate(tabs, 1):
        rice = [DraftLine(sku=sku, quantity=1, unit_price=price) for sku in skus]
        desk.place(rice, order_id=f"t{number}")
    return desk


def shipped() -> tuple[e.Event, ...]:
    """The history of an order that arrived."""
    world = World()
    world.desk.place([line("MUG", 2)], order_id="o1", tenders=[card()])
    world.desk.ship("o1", "f1")
    world.desk.deliver("o1", "f1")
    return world.desk.history("o1")


def without(history: Sequence[e.Event], kind: type[e.Event]) -> tuple[e.Event, ...]:
    """A history with events of one kind left out."""
    return tuple(event for event in history if not isinstance(event, kind))


def test_nothing_and_half_a_history_are_refused() -> None:
    """No events, and those of an order whose beginning is missing, say what to pass."""
    with pytest.raises(NotFound, match="history"):
        facts_of(())
    with pytest.raises(InvalidInput, match="begins with FulfillmentsPlanned: pass all events"):
        facts_of(shipped()[1:])


def test_two_orders_in_one_history_are_refused() -> None:
    """An event of another order is named, and so is one about what is unknown."""
    one = shipped()
    other = attrs.evolve(one[0], order_id="o2")
    with pytest.raises(InvalidInput, match="of order o1 has an event of o2: pass one order"):
        facts_of((*one, other))
    with pytest.raises(NotFound, match="no fulfillment 'f1' on order o1"):
        facts_of(without(one, e.FulfillmentsPlanned))
    planned = next(event for event in one if isinstance(event, e.FulfillmentsPlanned))
    (part,) = planned.fulfillments
    lost = attrs.evolve(part, items=tuple(x._replace(line_id="l9") for x in part.items))
    wrong = attrs.evolve(planned, fulfillments=(lost,))
    with pytest.raises(NotFound, match="no line 'l9' on order o1"):
        facts_of((one[0], wrong))
    with pytest.raises(NotFound, match="no line 'l9' on order o1"):
        facts_of((one[0], attrs.evolve(planned, backordered=(("l9", 1),))))


def test_events_about_unknown_lines_and_returns_are_refused() -> None:
    """A credit of an unknown line, and one for an unknown return, are named."""
    world = World()
    world.desk.place([line("MUG", 2)], order_id="o1", tenders=[card()])
    world.desk.deliver("o1", "f1")
    world.desk.credit("o1", eur(1), reason="sorry")
    world.desk.request_return("o1", {"l1": 1}, reason="blue")
    world.desk.receive_return("o1", {"l1": 1}, location="MAIN")
    world.desk.inspect_return("o1", "r1", restock={"l1": 1})
    history = world.desk.history("o1")
    check(history)
    credited = next(event for event in history if isinstance(event, e.OrderCredited))
    (credit,) = credited.credits
    wrong = attrs.evolve(credited, credits=(credit._replace(target="l9"),))
    with pytest.raises(NotFound, match="no line 'l9' on order o1"):
        facts_of((*history, wrong))
    apart = without(without(history, e.ReturnRequested), e.ReturnReceived)
    with pytest.raises(NotFound, match="no return 'r1' on order o1"):
        facts_of(apart)


def test_a_credit_of_other_parts_than_there_are_is_refused() -> None:
    """The history of an order, of which one event was spoiled."""
    history = list(lowered())
    whole = facts_of(history)
    credited = next(one for one in history if isinstance(one, e.OrderCredited))
    index = history.index(credited)
    spoiled = [one._replace(parts=(*one.parts, eur(1))) for one in credited.credits]
    history[index] = attrs.evolve(credited, credits=tuple(spoiled))
    with pytest.raises(InvalidInput, match="OrderCredited does not fit"):
        facts_of(history)
    with pytest.raises(BrokenPromise, match="OrderCredited cannot follow"):
        Order.replay(history)
    assert whole.sales


def lowered() -> Sequence[e.Event]:
    """An order whose price was lowered."""
    world = World()
    world.desk.place([line()], order_id="o1", tenders=[card()])
    world.desk.credit("o1", eur(1), reason="sorry")
    return world.desk.history("o1")
