"""The laws see what is wrong: each world here is wrong in one thing only."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import attrs
import pytest

from orderwright import ChangeLine, Policy, Reference, Tender
from orderwright.errors import AdapterFault
from orderwright.flows import stocking
from orderwright.orders.cancelling import cancel_units
from orderwright.orders.commands import open_exception
from orderwright.ports import DueOrder, FeedEntry, OrderRepository
from orderwright.requests import Flow, LoadOrder, SaveOrder, ask
from orderwright.testing.simulation import (
    Begin,
    Call,
    Go,
    LawBroken,
    Simulation,
    World,
    check_laws,
    check_quiet,
    explore,
)
from orderwright.testing.simulation.laws import finding, keys, quiet
from orderwright.testing.simulation.money_laws import asked, books
from orderwright.testing.simulation.stock_laws import claims, sums
from tests.simulation.pairs import opened, unpaid
from tests.simulation.planted import BUGS
from tests.worlds import card, eur, line

SHOP = Reference("shop", "77")
BANK = "what is being captured is captured again"


class Twisted:
    """Answers as what is ``right`` does, but for what is ``wrong``."""

    def __init__(self, right: object, **wrong: Callable[..., object]) -> None:
        self._right = right
        self.__dict__.update(wrong)

    def __getattr__(self, name: str) -> object:
        """What is not wrong."""
        return getattr(self._right, name)


def shop() -> World:
    """Three orders, two of them to be paid within the hour, known by references."""
    world = World(("MUG", "MAIN", 5))
    world.desk.place([line()], order_id="o1", references=[SHOP])
    world.now += timedelta(minutes=1)
    world.desk.place([line()], order_id="o2", references=[SHOP])
    world.desk.place([line()], order_id="o3", tenders=[card()])
    return world


def first_told_for_last(right: OrderRepository) -> Twisted:
    """The feed has the right numbers, but tells the first event each time."""

    def feed(**more: int) -> tuple[FeedEntry, ...]:
        page = right.feed(**more)
        first = {one.order_id: one.event for one in page if one.number == 1}
        return tuple(one._replace(event=first[one.order_id]) for one in page)

    return Twisted(right, feed=feed)


def due_too_early(right: OrderRepository) -> Twisted:
    """Who is due is told, but not when."""

    def due(now: datetime, limit: int) -> tuple[DueOrder, ...]:
        page = right.due(now, limit=limit)
        return tuple(one._replace(due_at=one.due_at - timedelta(seconds=1)) for one in page)

    return Twisted(right, due=due)


def last_due_first(right: OrderRepository) -> Twisted:
    """Who is due last comes first."""
    return Twisted(right, due=lambda now, limit: right.due(now, limit=limit)[::-1])


def found_too_much(right: OrderRepository) -> Twisted:
    """A reference finds an order that never had it."""
    return Twisted(right, by_reference=lambda one: (*right.by_reference(one), "o3"))


def found_unknown(right: OrderRepository) -> Twisted:
    """A reference finds an order that there is not."""
    return Twisted(right, by_reference=lambda one: (*right.by_reference(one), "o9"))


def found_backwards(right: OrderRepository) -> Twisted:
    """What a reference finds does not ascend."""
    return Twisted(right, by_reference=lambda one: right.by_reference(one)[::-1])


@pytest.mark.parametrize(
    "wrong",
    [
        first_told_for_last,
        due_too_early,
        last_due_first,
        found_too_much,
        found_unknown,
        found_backwards,
    ],
)
def test_a_store_that_finds_something_else_breaks_a_law(
    wrong: Callable[[OrderRepository], Twisted],
) -> None:
    """What a storage finds is compared with what all orders say, not only whether it is there."""
    world = shop()
    check_laws(world)
    world.orders = wrong(world.orders)
    with pytest.raises(LawBroken) as caught:
        check_laws(world)
    assert finding.name == caught.value.law
    assert "Error" not in caught.value.found


def test_who_had_a_reference_once_may_be_found_by_it() -> None:
    """As the port allows: a storage need not forget it."""
    world = World()
    world.desk.draft([line()], order_id="o1", references=[SHOP])
    world.desk.draft([line()], order_id="o1")
    world.desk.draft([line()], order_id="o2", references=[SHOP])
    assert ("o1", "o2") == world.orders.by_reference(SHOP)
    check_laws(world)


def test_stock_without_postings_breaks_a_law() -> None:
    """Orders hold units, and nothing was ever posted: what is there comes from nowhere."""
    world = shop()
    world.inventory = Twisted(world.inventory, postings=lambda **_: ())
    with pytest.raises(LawBroken) as caught:
        check_laws(world)
    assert sums.name == caught.value.law


def test_a_refund_of_what_took_nothing_breaks_a_law() -> None:
    """The provider paid back, by its own books, on an authorization that was never captured."""
    world = opened(lambda world: world.desk.place([line()], order_id="o1", tenders=[card()]))()
    world.desk.ship("o1", "f1")
    world.desk.credit("o1", eur(1), reason="scratch")
    check_laws(world)
    (number,) = (n for n, one in enumerate(world.payments.books) if one.kind == "refund")
    refund = world.payments.books[number]
    world.payments.books[number] = attrs.evolve(refund, reference="another")
    with pytest.raises(LawBroken) as caught:
        check_laws(world)
    assert books.name == caught.value.law


def test_what_is_paid_out_to_a_tender_of_its_own_breaks_no_law() -> None:
    """No charge is before it, and none has to be: the order bounds it."""
    world = opened(unpaid)()
    world.desk.record_payment("o1", eur(20), method="transfer")
    world.desk.credit("o1", eur(5), reason="scratch")
    world.desk.refund("o1", to=Tender(method="card"))
    assert ["refund"] == [one.kind for one in world.payments.books]
    check_quiet(world)


def test_what_is_due_in_the_last_year_that_is_taken_is_found() -> None:
    """The law looks as far ahead as anybody can put anything off."""
    world = opened(unpaid)()
    world.desk.hold(
        "o1", "fraud", blocks=["fulfil"], until=datetime(9800, 12, 31, 23, 59, tzinfo=UTC)
    )
    check_laws(world)


def credited_twice() -> World:
    """A clerk credits under a key, and his colleague under the same one."""
    world = opened(lambda world: world.desk.place([line()], order_id="o1", tenders=[card()]))()
    with BUGS["a known key is not looked for"].planted():
        for _ in range(2):
            world.desk.credit("o1", eur(1), reason="scratch", key="k")
    return world


def test_a_key_with_two_effects_breaks_a_law_wherever_it_is_stored() -> None:
    """Nobody has to watch: it can be seen long after it happened."""
    with pytest.raises(LawBroken, match="'k'") as caught:
        check_laws(credited_twice())
    assert keys.name == caught.value.law


PAY = Call("pay", "o1", [card("20.00"), card("20.00")])
"""Two cards for the whole each, so that no more than one of them may be captured."""


def test_the_calm_is_watched() -> None:
    """What is asked for beyond what is due, while all is resumed, leaves no trace afterwards."""
    simulation = Simulation(opened(unpaid)())
    simulation.run([Begin("a", PAY), *[Go("a")] * 6, Go("a", "crash before")])
    with BUGS[BANK].planted(), pytest.raises(LawBroken) as caught:
        simulation.calm()
    assert asked.name == caught.value.law


def test_exhaustive_search_watches_whatever_is_new() -> None:
    """It sees what is wrong only for a moment: here, after a crash, while all is resumed."""
    with BUGS[BANK].planted(), pytest.raises(LawBroken) as caught:
        explore(lambda: (opened(unpaid)(), [PAY]))
    assert asked.name == caught.value.law


def test_what_was_asked_for_before_anybody_watched_is_not_judged() -> None:
    """A capture on its way was due when it was asked for; with the cash since then it is not."""
    world = opened(unpaid)()
    first = Simulation(world, watching=False)
    first.run([Begin("a", Call("pay", "o1", [card()])), *[Go("a")] * 5])
    (payment,) = world.all_orders()[0].payments
    assert payment.sums.capturing
    world.desk.record_payment("o1", eur(20), method="cash")
    first.watch()


def forgetful(order_id: str) -> Flow[None]:
    """A use case that cancels a unit, and follows up on nothing."""
    order = yield from ask(LoadOrder(order_id))
    event = cancel_units(order, [("l1", 1)], at=order.placed_at, reason="less")
    yield from ask(SaveOrder(order.after([event]), (event,), order.version))


def test_what_nobody_takes_up_breaks_a_law() -> None:
    """A reservation is held and money kept for good: no intent is open, and nothing is due."""
    world = opened(
        lambda world: world.desk.place([line("MUG", 2)], order_id="o1", tenders=[card()])
    )()
    check_quiet(world)
    world.desk.run(forgetful("o1"))
    world.calm()
    with pytest.raises(LawBroken, match="what nobody did for o1") as caught:
        check_quiet(world)
    assert quiet.name == caught.value.law


def test_who_gets_no_answer_although_nothing_goes_wrong_breaks_a_law(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is safe to repeat is said once more in the calm, and not for ever."""

    def untold(*_: object) -> Flow[tuple[str, ...]]:
        yield from ask(LoadOrder("o1"))
        raise AdapterFault("flows", "could not be told", retryable=True)

    simulation = Simulation(shop())
    counted = Call("count_stock", "MUG", "MAIN", 1, count_id="c1")
    simulation.run([Begin("a", counted), Go("a", "crash before")])
    monkeypatch.setattr(stocking, "_told_missing", untold)
    with pytest.raises(LawBroken, match="no answer, although") as caught:
        simulation.calm()
    assert "when faults stop, everything settles" == caught.value.law


def test_a_claim_that_nobody_wants_breaks_a_law() -> None:
    """Also of an order that was refused more: what it gave up since is not claimed any more."""
    world = World(("MUG", "MAIN", 1), policy=Policy(short="backorder", unpaid_ttl=None))
    world.desk.place([line("MUG", 1)], order_id="o1", tenders=[card()])
    world.desk.edit("o1", [ChangeLine(line_id="l1", quantity=2)])
    order = world.desk.order("o1")
    refused = [*open_exception(order, "backorder_refused", "one more", at=world.now)]
    world.orders.save(order.after(refused), refused, expected_version=order.version)
    check_laws(world)
    cancelled = cancel_units(world.desk.order("o1"), [("l1", 1)], at=world.now, reason="less")
    order = world.desk.order("o1")
    world.orders.save(order.after([cancelled]), [cancelled], expected_version=order.version)
    with pytest.raises(LawBroken, match="claimed for o1 l1") as caught:
        check_laws(world)
    assert claims.name == caught.value.law
