"""Personal data: beside the order, of one piece with it, and gone when it is to be forgotten."""

import json
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderwright import Contact, Order, Policy
from orderwright.codec import Codec
from orderwright.errors import IllegalTransition, InvalidInput, KeyReused
from orderwright.tracking.timeline import render, timeline
from tests.worlds import (
    HOUR,
    NOON,
    Crashed,
    World,
    card,
    check_laws,
    check_quiet,
    eur,
    flow_of,
    interleavings,
    line,
    run_until,
)

CODEC = Codec()
ANN = Contact(name="Ann Example", street=["12 High Street"], city="Leeds", country="GB")
BOB = Contact(name="Bob Beispiel", email="bob@example.org")


def told(world: World) -> str:
    """Everything that is stored or shown of the orders there are, but their contacts."""
    orders = world.all_orders()
    history = [event for order in orders for event in world.desk.history(order.id)]
    stored = [CODEC.encode_order(order) for order in orders]
    return (
        json.dumps(stored + [CODEC.encode_event(event) for event in history])
        + repr(orders)
        + repr(history)
        + render(timeline(history))
        + repr(list(world.inventory.postings()))
        + repr(world.payments.books)
    )


def test_a_contact_is_kept_beside_the_order() -> None:
    """The order names it, the desk returns it, and nothing of it is in order, events or words."""
    world = World()
    order = world.desk.place([line()], order_id="o1", contact=ANN)
    assert "o1/contact-1" == order.contact_id
    assert ANN == world.desk.contact("o1")
    assert "Contact(...)" == repr(ANN)
    for word in ("Ann", "High Street", "Leeds"):
        assert word not in told(world)
    assert world.desk.contact(world.desk.place([line()], order_id="o2").id) is None


def test_what_is_forgotten_is_gone_and_replay_is_the_same() -> None:
    """Every contact the order ever had is blank; its history, figures and state are as before."""
    world = World(("MUG", "MAIN", 5))
    world.desk.place([line()], order_id="o1", tenders=[card()], contact=ANN)
    world.desk.edit("o1", contact=BOB)
    before = world.desk.order("o1")
    after = world.desk.forget("o1", reason="asked to", by="dpo", key="k1")
    assert after == world.desk.forget("o1", reason="asked to", by="dpo", key="k1")
    assert before.contact_ids == after.contact_ids
    assert [None, None] == [world.orders.contact(one) for one in after.contact_ids]
    assert {} == world.orders._contacts
    assert after == Order.replay(world.desk.history("o1"))
    assert (before.due, before.state) == (after.due, after.state)
    assert "personal data forgotten: asked to (dpo)" in render(timeline(world.desk.history("o1")))
    world.desk.ship("o1", "f1")
    assert "completed" == world.desk.deliver("o1", "f1").state.name
    check_quiet(world)


def test_an_order_without_a_contact_has_nothing_to_forget() -> None:
    """Nothing is written for it; one that is over can be forgotten all the same."""
    world = World()
    world.desk.place([line()], order_id="o1")
    before = world.trace()
    world.desk.forget("o1")
    assert before == world.trace()
    world.desk.place([line()], order_id="o2", contact=ANN)
    world.desk.cancel("o2", reason="x")
    world.desk.forget("o2")
    assert world.desk.contact("o2") is None


def test_the_same_placement_needs_the_same_contact() -> None:
    """Another contact under one order id is refused without a word of either.

    One that was forgotten is not told from any other.
    """
    world = World()
    order = world.desk.place([line()], order_id="o1", contact=ANN)
    assert order == world.desk.place([line()], order_id="o1", contact=ANN)
    for other in (BOB, None):
        with pytest.raises(KeyReused, match="contact") as caught:
            world.desk.place([line()], order_id="o1", contact=other)
        assert "Ann" not in str(caught.value)
        assert "Bob" not in str(caught.value)
    forgotten = world.desk.forget("o1")
    assert forgotten == world.desk.place([line()], order_id="o1", contact=ANN)
    world.desk.place([line()], order_id="o2")
    with pytest.raises(KeyReused):
        world.desk.place([line()], order_id="o2", contact=ANN)


def test_a_draft_takes_its_contact_along() -> None:
    """A draft changes its contact like the rest of it, and the placed order has the last one."""
    world = World()
    draft = world.desk.draft([line()], order_id="o1", contact=ANN, key="k1")
    assert draft == world.desk.draft([line()], order_id="o1", contact=ANN, key="k1")
    assert draft == world.desk.draft([line()], order_id="o1", contact=ANN)
    with pytest.raises(KeyReused):
        world.desk.draft([line()], order_id="o1", contact=BOB, key="k1")
    changed = world.desk.draft([line("MUG", 2)], order_id="o1", contact=ANN)
    assert "o1/contact-1" == changed.contact_id
    changed = world.desk.draft([line("MUG", 2)], order_id="o1", contact=BOB)
    assert "o1/contact-2" == changed.contact_id
    without = world.desk.draft([line("MUG", 2)], order_id="o1")
    assert "" == without.contact_id
    assert world.desk.contact("o1") is None
    world.desk.draft([line("MUG", 2)], order_id="o1", contact=BOB)
    order = world.desk.place_draft("o1")
    assert BOB == world.desk.contact("o1")
    assert 3 == len(order.contact_ids)
    world.desk.forget("o1")
    assert {} == world.orders._contacts
    check_laws(world)


# Changing details --------------------------------------------------------------------------


def test_address_service_and_time_of_a_placed_order_change() -> None:
    """One edit changes them together with the fee for it; the same again is a no-op."""
    world = World()
    world.desk.place([line()], order_id="o1", tenders=[card()], contact=ANN, service="delivery")
    order = world.desk.edit("o1", contact=BOB, service="pickup", reason="comes by", key="k1")
    assert ("pickup", "o1/contact-2") == (order.service, order.contact_id)
    assert order == world.desk.edit(
        "o1", contact=BOB, service="pickup", reason="comes by", key="k1"
    )
    assert order == world.desk.edit("o1", contact=BOB, service="pickup")
    with pytest.raises(KeyReused):
        world.desk.edit("o1", contact=ANN, service="pickup", reason="comes by", key="k1")
    with pytest.raises(KeyReused):
        world.desk.edit("o1", service="pickup", reason="comes by", key="k1")
    assert BOB == world.desk.contact("o1")
    words = render(timeline(world.desk.history("o1")))
    assert "changed: contact, service pickup: comes by" in words
    with pytest.raises(InvalidInput):
        world.desk.edit("o1")
    check_laws(world)


def test_what_is_at_work_or_has_left_keeps_its_address() -> None:
    """While it is picked, and once nothing is left to serve, the details stay what they are."""
    world = World(("MUG", "MAIN", 1), ("CUP", "STORE", 1))
    world.desk.place([line(), line("CUP")], order_id="o1", tenders=[card()], contact=ANN)
    world.desk.ship("o1", "f1")
    world.desk.edit("o1", contact=BOB)  # for the second parcel
    for action in ("release", "pick"):
        world.desk.advance("o1", "f2", action)
    with pytest.raises(IllegalTransition) as caught:
        world.desk.edit("o1", service="pickup")
    assert ("fulfillment f2", "picking") == (caught.value.subject, caught.value.state)
    world.desk.ship("o1", "f2")
    with pytest.raises(IllegalTransition):
        world.desk.edit("o1", scheduled_for=NOON + HOUR)
    assert BOB == world.desk.contact("o1")
    check_laws(world)


def test_an_order_is_wanted_at_another_time() -> None:
    """Later, it waits under its hold for the new time; at once, the hold goes and work begins."""
    day = timedelta(days=1)
    world = World(policy=Policy(lead_time=HOUR))
    world.desk.place([line()], order_id="o1", tenders=[card()], scheduled_for=NOON + day)
    order = world.desk.edit("o1", scheduled_for=NOON + 2 * day)
    (hold,) = order.holds
    assert NOON + 2 * day - HOUR == hold.until
    assert NOON + 2 * day == order.expires_at
    order = world.desk.edit("o1", scheduled_for=NOON)
    assert () == order.holds
    assert "confirmed" == order.state.name
    order = world.desk.edit("o1", scheduled_for=NOON + day)
    assert ["scheduled"] == [one.name for one in order.holds]
    check_laws(world)
    world.calm()
    assert () == world.desk.order("o1").holds
    check_quiet(world)


def test_a_time_that_makes_no_difference_leaves_no_hold() -> None:
    """Without a lead time work begins at once, whenever it is wanted; unpaid for ever stays so."""
    world = World(policy=Policy(unpaid_ttl=None))
    world.desk.place([line()], order_id="o1")
    order = world.desk.edit("o1", scheduled_for=NOON + HOUR)
    assert (NOON + HOUR, (), None) == (order.scheduled_for, order.holds, order.expires_at)
    assert "changed: wanted at 2026-01-01 13:00" in render(timeline(world.desk.history("o1")))


# Crashes and races -------------------------------------------------------------------------


@pytest.mark.parametrize("performed", [False, True])
@pytest.mark.parametrize("stop", range(12))
def test_contact_and_order_are_saved_together(stop: int, performed: bool) -> None:  # noqa: FBT001
    """Whenever the process dies: an order that names a contact has it, and no other is there."""
    world = World()
    flow = flow_of(world.desk, "place", [line()], order_id="o1", tenders=[card()], contact=ANN)
    with suppress(Crashed):
        run_until(world, flow, stop, performed=performed)
    known = world.orders.load("o1")
    expected = {} if known is None else {known.contact_id: ANN}
    assert expected == world.orders._contacts
    assert ANN == world.desk.contact(
        world.desk.place([line()], order_id="o1", tenders=[card()], contact=ANN).id
    )


def test_forgetting_wins_whatever_is_done_at_once() -> None:
    """A new address and a request to forget at once: nothing is kept that the order forgot."""

    def scene() -> tuple[World, tuple[object, ...]]:
        world = World()
        world.desk.place([line()], order_id="o1", tenders=[card()], contact=ANN)
        return world, (
            world.flow("edit", "o1", contact=BOB),
            world.flow("forget", "o1"),
        )

    count = 0
    for world, running in interleavings(scene):
        count += 1
        edit, forgot = running
        assert forgot.error is None
        order = world.orders.load("o1")
        assert world.orders.contact("o1/contact-1") is None
        # The address told after the order was forgotten is a new one, and is kept.
        later = edit.error is None and order.version and BOB == world.orders.contact("o1/contact-2")
        forgotten = [
            one for one in world.desk.history("o1") if type(one).__name__ == "ContactsForgotten"
        ]
        assert later == (edit.error is None and "o1/contact-2" not in forgotten[0].contact_ids)
        check_laws(world)
    assert count > 1


@given(words=st.lists(st.text(max_size=20), min_size=3, max_size=3))
def test_a_contact_goes_through_the_codec(words: list[str]) -> None:
    """Whatever may stand in a contact comes back as it was."""
    name, street, city = (word.replace("\0", "") for word in words)
    try:
        contact = Contact(name=name, street=[street], city=city)
    except InvalidInput:  # half a surrogate
        return
    assert contact == CODEC.decode(json.loads(json.dumps(CODEC.encode(contact))), Contact)


def test_a_preview_keeps_nothing() -> None:
    """The order it tells names a contact that is not there."""
    world = World()
    order = world.desk.preview().place([line()], order_id="o1", contact=ANN)
    assert "o1/contact-1" == order.contact_id
    assert {} == world.orders._contacts
    assert eur(10) == order.due
