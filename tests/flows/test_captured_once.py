"""A provider that gives back what the first capture leaves: nobody counts on that any more."""

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant

from orderwright import Money, Order, PaymentOutcome, PaymentRequest, Policy
from orderwright.adapters.memory import MemoryPayments
from orderwright.codec import Codec
from orderwright.errors import AmountRefused
from orderwright.orders.events import MoneyMoved, PaymentReported
from orderwright.orders.paying import report_payment
from orderwright.payments.operations import OperationKind
from orderwright.ports import PaymentCapabilities
from tests.flows.test_machine import Life
from tests.worlds import NOON, World, card, check_laws, check_quiet, eur, line

ONCE = PaymentCapabilities(
    several_captures=False, partial_void=False, key_retention=timedelta(days=1)
)


class OnceWorld(World):
    """A world whose provider captures an authorization once, and voids it as a whole."""

    def __init__(self, *stock: tuple[str, str, int], **more: object) -> None:
        super().__init__(*stock, **more)
        self.payments = MemoryPayments(
            self._behave,
            expires=lambda _: self.lasting and self.now + self.lasting,
            capabilities=ONCE,
        )
        self.desk = self.new_desk()


def check_once(world: World) -> None:
    """Assert that nothing was asked of an authorization that is gone.

    A provider says ``failed`` to that, so none of its answers may be that; and its books show one
    capture of each authorization at the most, and nothing drawn on it afterwards.
    """
    answers = world.payments._known.values()
    assert [] == [request.id for request, answer in answers if answer.outcome == "failed"]
    drawn = Counter(
        entry.reference for entry in world.payments.books if entry.kind in ("capture", "void")
    )
    assert {1} >= set(drawn.values())


def parcels(world: World, count: int) -> Order:
    """An order of so many mugs, each of which goes in a parcel of its own."""
    world.desk.place([line("MUG", count)], order_id="o1", tenders=[card()])
    for _ in range(count - 1):
        world.desk.split("o1", "f1", {"l1": 1})
    return world.orders.load("o1")


def kinds(world: World) -> list[tuple[OperationKind, Money]]:
    """What the provider's books show, in order."""
    return [(entry.kind, entry.amount) for entry in world.payments.books]


def test_what_a_capture_leaves_has_lapsed_and_is_authorized_anew() -> None:
    """Each parcel takes its share; the rest is reserved once more, under an id of its own."""
    world = OnceWorld()
    parcels(world, 3)
    order = world.desk.ship("o1", "f1")
    assert [
        ("authorize", eur(30)),
        ("capture", eur(10)),
        ("authorize", eur(20)),
    ] == kinds(world)
    (lapse,) = [e for e in world.orders.events("o1") if isinstance(e, MoneyMoved)]
    assert ("lapse", eur(20), "given back with its capture") == (
        lapse.kind,
        lapse.amount,
        lapse.reason,
    )
    assert (eur(20), eur(10), "authorized") == (order.authorized, order.captured, order.money)
    world.desk.ship("o1", "f2")
    order = world.desk.ship("o1", "f3")
    assert (eur(30), eur(0), "paid") == (order.captured, order.authorized, order.money)
    check_once(world)
    check_quiet(world)


def test_a_provider_that_captures_several_times_is_asked_as_before() -> None:
    """Nothing lapses and nothing is authorized anew where the rest stays reserved."""
    world = World()
    parcels(world, 2)
    world.desk.ship("o1", "f1")
    assert [("authorize", eur(20)), ("capture", eur(10))] == kinds(world)
    order = world.desk.ship("o1", "f2")
    assert (eur(20), 1) == (order.captured, len(order.payments[0].references))


def test_a_single_authorization_may_be_for_one_capture() -> None:
    """What the provider says of one authorization counts, whatever it can do with others."""
    world = World()
    order = parcels(world, 2)
    history = world.orders.events("o1")
    index = next(i for i, one in enumerate(history) if isinstance(one, PaymentReported))
    before = Order.replay(history[:index])
    done = PaymentOutcome(
        outcome="succeeded", amount=eur(20), reference="pay_1", captured_once=True
    )
    once = before.after(report_payment(before, "o1/p1/authorize-1", done, at=NOON))
    assert (True, False) == (
        once.payments[0].operations[0].captured_once,
        order.payments[0].operations[0].captured_once,
    )
    codec = Codec()
    assert once == codec.decode_order(codec.encode_order(once))


def test_while_a_capture_is_under_way_the_next_one_waits() -> None:
    """Its success gives the rest back, so nobody may count on that, neither by rule nor by hand."""
    world = OnceWorld()
    parcels(world, 3)
    world.moods_by_id["o1/p1/capture-1"] = "answer_lost"
    world.desk.ship("o1", "f1")
    order = world.desk.ship("o1", "f2")
    assert (eur(0), eur(20)) == (order.payments[0].capturable, order.authorized)
    assert ["capture"] == [one.purpose for one in order.intents]
    with pytest.raises(AmountRefused) as caught:
        world.desk.capture("o1")
    assert eur(0) == caught.value.limit
    world.calm()
    order = world.orders.load("o1")
    assert (eur(20), "authorized") == (order.captured, order.money)
    check_once(world)
    check_quiet(world)


def test_what_waits_is_not_taken_from_another_tender_instead() -> None:
    """The first tender is drawn on first, although it has to wait for its turn."""
    world = OnceWorld(policy=Policy(unpaid_ttl=None))
    world.desk.place([line("MUG", 3)], order_id="o1", tenders=[card("25.00"), card()])
    world.desk.split("o1", "f1", {"l1": 1})
    world.desk.split("o1", "f1", {"l1": 1})
    world.moods_by_id["o1/p1/capture-1"] = "answer_lost"
    world.desk.ship("o1", "f1")
    order = world.desk.ship("o1", "f2")
    assert [eur(0), eur(0)] == [one.captured for one in order.payments]
    world.calm()
    order = world.desk.ship("o1", "f3")
    assert [eur(25), eur(5)] == [one.captured for one in order.payments]
    check_once(world)
    check_quiet(world)


def test_a_refusal_to_authorize_the_rest_waits_for_a_person() -> None:
    """The parcel has left; what is due for the others is asked for again when somebody says so."""
    world = OnceWorld()
    parcels(world, 2)
    world.moods_by_id["o1/p1/authorize-2"] = "decline"
    order = world.desk.ship("o1", "f1")
    assert ["reauthorize_refused"] == [one.code for one in order.exceptions]
    order = world.desk.ship("o1", "f2")
    assert (eur(10), "underpaid") == (order.captured, order.money)
    order = world.desk.resolve("o1", "reauthorize_refused", resolution="talked to the bank")
    assert (eur(20), "paid") == (order.captured, order.money)
    check_once(world)
    check_quiet(world)


def test_nothing_is_authorized_anew_for_what_nobody_wants_any_more() -> None:
    """Units given up after the first parcel are neither reserved nor voided once more."""
    world = OnceWorld()
    parcels(world, 2)
    world.moods_by_id["o1/p1/authorize-2"] = "answer_lost"
    world.desk.ship("o1", "f1")
    world.calm()
    order = world.desk.cancel("o1", units={"l1": 1}, reason="enough")
    assert (eur(10), eur(0), "paid") == (order.captured, order.authorized, order.money)
    assert ("void", eur(10)) == kinds(world)[-1]
    check_once(world)
    check_quiet(world)


def test_voids_and_captures_beyond_what_such_a_provider_can_do_fail() -> None:
    """Those in memory keep to their capabilities: captured once, all is gone; a void is whole."""
    payments = MemoryPayments(capabilities=ONCE)

    def ask(kind: OperationKind, number: int, amount: str, reference: str = "") -> PaymentOutcome:
        request = PaymentRequest(
            id=f"o1/p1/{kind}-{number}",
            kind=kind,
            order_id="o1",
            payment_id="p1",
            method="card",
            amount=eur(amount),
            reference=reference,
        )
        return getattr(payments, kind)(request)

    first = ask("authorize", 1, "10.00").reference
    assert ("failed", "all 10.00 EUR there") == (
        ask("void", 1, "4.00", first).outcome,
        ask("void", 1, "4.00", first).reason,
    )
    assert "succeeded" == ask("capture", 1, "4.00", first).outcome
    assert "failed" == ask("capture", 2, "6.00", first).outcome
    assert "failed" == ask("void", 2, "6.00", first).outcome
    second = ask("authorize", 2, "6.00").reference
    assert "succeeded" == ask("void", 3, "6.00", second).outcome


MOODS = st.sampled_from(["approve", "approve", "answer_lost", "request_lost", "pending"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ship"), st.integers(1, 4)),
        st.tuples(st.just("cancel"), st.integers(1, 2)),
        st.tuples(st.just("wait"), st.integers(1, 200)),
    ),
    max_size=12,
)


@given(count=st.integers(1, 4), moods=st.lists(MOODS, max_size=10), steps=STEPS)
@settings(max_examples=150)
def test_an_order_of_several_parcels_is_captured_to_the_cent(
    count: int, moods: list[str], steps: list[tuple[str, int]]
) -> None:
    """Whatever leaves or is given up in whatever order, what was due was taken, and once."""
    world = OnceWorld(policy=Policy(unpaid_ttl=None, attempts=50))
    world.moods = moods
    parcels(world, count)
    for step, number in steps:
        order = world.orders.load("o1")
        open_ = order.state.name == "confirmed"
        if step == "wait":
            world.now += timedelta(minutes=number)
            world.desk.resume()
        elif step == "ship" and open_ and number <= len(order.fulfillments):
            if not order.fulfillments[number - 1].gone:
                world.desk.ship("o1", order.fulfillments[number - 1].id)
        elif step == "cancel" and open_ and order.cancellable().get("l1", 0) >= number:
            world.desk.cancel("o1", units={"l1": number}, reason="changed my mind")
        check_laws(world)
        check_once(world)
    world.calm()
    for one in world.orders.load("o1").fulfillments:
        if one.state.name == "reserved":
            world.desk.ship("o1", one.id)
    world.calm()
    order = world.orders.load("o1")
    assert order.due == order.captured - order.refunded
    assert 0 == order.authorized.minor
    check_once(world)
    check_quiet(world)


class OnceLife(Life):
    """Any commands in any order, at a provider that captures once."""

    def __init__(self) -> None:
        super().__init__()
        self.world = OnceWorld(("MUG", "MAIN", 4), ("MUG", "STORE", 2), ("CUP", "STORE", 4))

    @invariant()
    def once(self) -> None:
        """Nothing is asked of what is gone."""
        check_once(self.world)


TestOnceLife = OnceLife.TestCase
TestOnceLife.settings = settings(
    max_examples=50,
    stateful_step_count=50,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
