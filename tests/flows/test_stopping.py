"""Units at work are given up when the people at work say so, and not before."""

import pytest

from orderwright import Policy
from orderwright.errors import IllegalTransition, KeyReused, QuantityRefused
from orderwright.lifecycles import WITHDRAWN
from orderwright.tracking.timeline import render, timeline
from tests.worlds import (
    NOON,
    Crashed,
    World,
    card,
    check_laws,
    check_quiet,
    eur,
    figures,
    interleavings,
    line,
    run_until,
)


def picking(*, units: int = 2) -> World:
    """A world with a paid order that is being picked."""
    world = World(policy=Policy(capture="on_confirmation"))
    world.desk.place([line("MUG", units)], order_id="o1", tenders=[card()])
    for action in ("release", "pick"):
        world.desk.advance("o1", "f1", action)
    return world


def test_a_request_changes_nothing_until_it_is_accepted() -> None:
    """The units stay at work and due; accepted, they are cancelled, paid back, and in stock."""
    world = picking()
    with pytest.raises(QuantityRefused):
        world.desk.cancel("o1", units={"l1": 1}, reason="too late for that")
    asked = world.desk.request_stop("o1", "f1", reason="changed my mind", by="ann", key="k1")
    assert asked == world.desk.request_stop("o1", "f1", reason="changed my mind", key="k1")
    assert asked == world.desk.request_stop("o1", "f1")
    assert ((("l1", 2),), eur(20), 2) == (
        asked.fulfillments[0].stopping,
        asked.due,
        asked.quantities()["l1"].in_fulfilment,
    )
    told = world.desk.preview().stop("o1", "f1")
    order = world.desk.stop("o1", "f1", expected_due=told.due, key="k2")
    assert order == world.desk.stop("o1", "f1", key="k2")
    assert ("cancelled", "refunded", WITHDRAWN) == (
        order.state.name,
        order.money,
        order.fulfillments[0].state,
    )
    assert 10 == world.inventory.ledger.stock("MUG", "MAIN", now=NOON).available
    words = render(timeline(world.desk.history("o1")))
    assert "f1 asked to stop 2 of l1: changed my mind (ann)" in words
    check_quiet(world)


def test_a_part_of_it_is_stopped_and_the_rest_goes_on() -> None:
    """One of two units is taken out of the parcel; the other is delivered and paid for."""
    world = picking()
    world.desk.request_stop("o1", "f1", units={"l1": 1})
    order = world.desk.stop("o1", "f1")
    assert [("f1", 1, "picking"), ("f2", 1, "withdrawn")] == [
        (one.id, one.items[0].quantity, one.state.name) for one in order.fulfillments
    ]
    assert (eur(10), eur(10), ()) == (order.due, order.refunded, order.fulfillments[0].stopping)
    world.desk.ship("o1", "f1")
    assert "completed" == world.desk.deliver("o1", "f1").state.name
    assert 9 == world.inventory.ledger.stock("MUG", "MAIN", now=NOON).available
    check_quiet(world)


def test_a_request_is_refused_or_overtaken() -> None:
    """Refused, or shipped all the same: nothing is asked any more and everything is due."""
    world = picking()
    world.desk.request_stop("o1", "f1", units={"l1": 1})
    order = world.desk.refuse_stop("o1", "f1", reason="on the truck")
    assert ((), eur(20)) == (order.fulfillments[0].stopping, order.due)
    with pytest.raises(IllegalTransition, match="not asked"):
        world.desk.stop("o1", "f1")
    with pytest.raises(IllegalTransition, match="not asked"):
        world.desk.refuse_stop("o1", "f1")
    world.desk.request_stop("o1", "f1")
    assert (("l1", 2),) == world.desk.advance("o1", "f1", "pack").fulfillments[0].stopping
    order = world.desk.ship("o1", "f1")
    assert ((), eur(20), "shipped") == (order.fulfillments[0].stopping, order.due, order.goods)
    assert "f1 too late to stop: on the truck" in render(timeline(world.desk.history("o1")))
    check_laws(world)


def test_only_what_is_at_work_can_be_asked_to_stop() -> None:
    """Not what can simply be cancelled, not what has left, not more than it is, not twice told."""
    world = World()
    world.desk.place([line("MUG", 2)], order_id="o1", tenders=[card()])
    with pytest.raises(IllegalTransition) as caught:
        world.desk.request_stop("o1", "f1")
    assert "withdraw" in caught.value.allowed
    world = picking()
    with pytest.raises(QuantityRefused, match="asked 3 of l1, the limit is 2"):
        world.desk.request_stop("o1", "f1", units={"l1": 3})
    world.desk.request_stop("o1", "f1", units={"l1": 1}, key="k1")
    with pytest.raises(KeyReused, match="units"):
        world.desk.request_stop("o1", "f1", units={"l1": 2}, key="k1")
    world.desk.ship("o1", "f1")
    with pytest.raises(IllegalTransition):
        world.desk.request_stop("o1", "f1")


def test_stopping_survives_a_crash_anywhere() -> None:
    """Whenever the process dies while it is accepted, resume ends where no crash would have."""
    smooth = picking()
    smooth.desk.request_stop("o1", "f1", units={"l1": 1})
    smooth.desk.stop("o1", "f1")
    smooth.calm()
    expected = figures(smooth)
    stop, died = 0, True
    while died:
        for performed in (False, True):
            world = picking()
            world.desk.request_stop("o1", "f1", units={"l1": 1})
            try:
                run_until(world, world.flow("stop", "o1", "f1"), stop, performed=performed)
            except Crashed:
                died = True
            else:
                died = False
            if not world.desk.order("o1").lines[0].cancelled:
                world.desk.stop("o1", "f1")
            world.calm()
            assert expected == figures(world)
            check_quiet(world)
        stop += 1
    assert stop > 3


def test_stopping_and_shipping_at_once() -> None:
    """Whoever is first: what left is due or named as an exception, and no unit is in two places."""

    def scene() -> tuple[World, tuple[object, ...]]:
        world = picking()
        world.desk.request_stop("o1", "f1")
        return world, (world.flow("stop", "o1", "f1"), world.flow("ship", "o1", "f1"))

    ends = set()
    for world, (stopped, shipped) in interleavings(scene):
        assert shipped.error is None
        world.calm()
        order = world.desk.order("o1")
        ends.add((stopped.error is None, tuple(one.code for one in order.exceptions)))
        check_laws(world)
    assert {(True, ("shipped_after_cancellation",)), (False, ())} == ends
