"""Cases that were wrong once: each is told as it happened, and must end well."""

from datetime import timedelta

import pytest

from orderwright import (
    InvalidInput,
    Lifecycles,
    Money,
    Order,
    PaymentOutcome,
    PaymentRequest,
    Phase,
    Policy,
    Reference,
    State,
)
from orderwright.adapters.memory import MemoryOrders, MemoryPayments
from orderwright.errors import AdapterFault, BrokenPromise, IllegalTransition, NotFound
from orderwright.flows import settling
from orderwright.lifecycles import CONFIRMED, ORDER, PACKED, PICKING, PLACED, SHIPMENT, WITHDRAWN
from orderwright.orders.paying import report_payment
from orderwright.requests import PostStock, SaveOrder
from tests.worlds import (
    HOUR,
    MINUTE,
    NOON,
    Rivals,
    Running,
    World,
    card,
    check_laws,
    check_quiet,
    eur,
    flow_of,
    line,
)

BY_HAND = Policy(require_cover=False, unpaid_ttl=HOUR)


def until(running: Running, request: type) -> Running:
    """Take a flow on until its next request is of that kind."""
    while not isinstance(running.request, request):
        running.step()
    return running


def held(world: World) -> list[str]:
    """The ids of the reservations that the ledger holds."""
    return [one.id for one in world.inventory.reservations(now=world.now)]


def test_a_slow_refusal_does_not_undo_what_a_resumer_posted() -> None:
    """A flow that was refused, and stalled, learns that its posting has been written meanwhile."""
    world = World(("MUG", "MAIN", 1))
    slow = until(
        Running(world, world.flow("place", [line()], order_id="o1", tenders=[card()])), PostStock
    )
    world.desk.place([line()], order_id="thief", tenders=[card()])
    slow.step()  # refused
    world.desk.cancel("thief", reason="stock is back")
    world.now += 5 * MINUTE
    world.desk.resume()
    world.receive("more", "MUG", "STORE", 1)
    while not slow.done:
        slow.step()
    assert ["o1/f1/l1"] == held(world)
    world.desk.cancel("o1", reason="all of it")
    world.calm()
    assert [] == held(world)
    check_quiet(world)


def test_a_refusal_is_final_once_it_is_told() -> None:
    """A flow that posts after a resumer recorded the refusal holds nothing any more."""
    world = World(("MUG", "MAIN", 1), policy=Policy(replans=0))
    slow = until(
        Running(world, world.flow("place", [line()], order_id="o1", tenders=[card()])), PostStock
    )
    world.desk.place([line()], order_id="thief", tenders=[card()])
    world.now += 5 * MINUTE
    world.desk.resume()
    assert "rejected" == world.desk.order("o1").state.name
    world.desk.cancel("thief", reason="stock is back")
    while not slow.done:
        slow.step()
    assert [] == held(world)
    check_quiet(world)


def test_a_refusal_that_nobody_recorded_is_still_final() -> None:
    """After a crash between the final refusal and its record, resume learns of it."""
    world = World(("MUG", "MAIN", 1))
    dying = until(
        Running(world, world.flow("place", [line()], order_id="o1", tenders=[card()])), PostStock
    )
    world.desk.place([line()], order_id="thief", tenders=[card()])
    until(dying, SaveOrder).flow.close()
    world.desk.cancel("thief", reason="stock is back")
    world.calm()
    assert ["o1/f2/l1"] == held(world)
    assert "confirmed" == world.desk.order("o1").state.name
    check_quiet(world)


@pytest.mark.parametrize("action", ["complete"])
def test_an_order_is_not_completed_over_goods_that_are_held(action: str) -> None:
    """Completing by hand would leave stock held for good and void the money: it is refused."""
    world = World()
    order = world.desk.place([line()], order_id="o1", tenders=[card()])
    with pytest.raises(IllegalTransition, match="fulfillment f1 is reserved"):
        world.desk.advance_order("o1", action)
    assert order == world.desk.order("o1")
    short = world.desk.place(
        [line(quantity=99)], order_id="o2", policy=Policy(short="backorder", require_cover=False)
    )
    world.desk.ship("o2", "f1")
    assert short.lines[0].backordered
    with pytest.raises(IllegalTransition, match="order is partly_shipped"):
        world.desk.advance_order("o2", action)


class Differs(MemoryPayments):  # type: ignore[misc] - final for users, not for this test
    """A provider that says it did something else than it was asked."""

    def __init__(self, kind: str, minor: int) -> None:
        super().__init__()
        self.kind, self.minor, self.calls = kind, minor, 0

    def _once(self, request: PaymentRequest) -> PaymentOutcome:
        self.calls += 1
        assert self.calls < 20, "it is asked again and again"
        done = super()._once(request)
        if request.kind != self.kind:
            return done
        return PaymentOutcome(
            outcome="succeeded", amount=Money(self.minor, "EUR"), reference=done.reference
        )


@pytest.mark.parametrize("minor", [0, 900, 3000])
@pytest.mark.parametrize("kind", ["capture", "void", "refund"])
def test_another_amount_than_asked_waits_for_a_person(kind: str, minor: int) -> None:
    """Less, more or nothing done is noted as an exception, and not asked again and again."""
    world = World()
    capture = "on_confirmation" if kind == "refund" else "on_dispatch"
    desk = world.new_desk(payments=Differs(kind, minor), policy=Policy(capture=capture))
    desk.place([line()], order_id="o1", tenders=[card()])
    order = desk.ship("o1", "f1") if kind == "capture" else desk.cancel("o1", reason="x")
    assert [f"{kind}_differs"] == [one.code for one in order.exceptions]


def test_stock_is_firm_before_an_order_is_confirmed() -> None:
    """A reservation that lapsed is planned anew before anybody is told to pick it."""
    world = World(("MUG", "MAIN", 1), ("MUG", "STORE", 1), policy=BY_HAND)
    order = world.desk.place([line()], order_id="o1")
    assert ("confirmed", None) == (order.state.name, order.fulfillments[0].lapses_at)
    for one in world.desk.history("o1"):
        if type(one).__name__ == "OrderAdvanced":
            break
        last = one
    assert "StockPosted" == type(last).__name__


def test_an_order_that_has_partly_left_is_not_rejected() -> None:
    """What cannot be served any more is backordered: half of the order is with the customer."""
    world = World(("A", "MAIN", 1), ("B", "STORE", 1))
    order = world.desk.place([line("A"), line("B")], order_id="o1")
    [left] = [one.id for one in order.fulfillments if one.location == "MAIN"]
    world.desk.ship("o1", left)
    world.now += 2 * HOUR
    world.desk.place([line("B")], order_id="o2", tenders=[card()])
    order = world.desk.pay("o1", [card()])
    assert 1 == order.quantities()["l2"].backordered
    world.calm()
    check_quiet(world)


def test_a_state_that_cannot_expire_does_not_stop_the_queue() -> None:
    """An order in a waiting state of the user's own, without a row to expire, is not due for it."""
    awaiting = State("awaiting_prescription", Phase.WAITING)
    rows = {(PLACED, "await"): awaiting, (awaiting, "prescribe"): CONFIRMED}
    world = World()
    desk = world.new_desk(lifecycles=Lifecycles(name="rx.v1", order=ORDER.extended("rx", rows)))
    desk.place([line()], order_id="o1")
    desk.advance_order("o1", "await")
    desk.place([line()], order_id="o2")
    world.now += 2 * HOUR
    assert ("o2",) == desk.resume(limit=1).order_ids
    assert () == desk.order("o1").due_items


class Corrupt:
    """A store in which the row of one order cannot be read."""

    def __init__(self, orders: MemoryOrders, order_id: str) -> None:
        self._orders, self._order_id = orders, order_id

    def __getattr__(self, name: str) -> object:
        return getattr(self._orders, name)

    def load(self, order_id: str) -> object:
        """Fail for that order, as a driver of a database does, with an exception of its own."""
        if order_id == self._order_id:
            raise ValueError("row is corrupt")
        return self._orders.load(order_id)


def test_orders_that_raise_do_not_stop_the_others() -> None:
    """Resume pages past an order whose row is corrupt, reports it, and works on the next."""
    world = World()
    world.desk.place([line()], order_id="o1")
    world.now += MINUTE
    world.desk.place([line()], order_id="o2")
    world.now += 2 * HOUR
    resumed = world.new_desk(orders=Corrupt(world.orders, "o1")).resume(limit=1)
    [(order_id, error)] = resumed.failures
    assert (("o2",), "o1") == (resumed.order_ids, order_id)
    assert isinstance(error, AdapterFault)
    assert isinstance(error.__cause__, ValueError)


class Foreign(MemoryPayments):  # type: ignore[misc] - final for users, not for this test
    """A provider whose adapter breaks its promises once."""

    def __init__(self, answer: object) -> None:
        super().__init__()
        self.answer: object | None = answer

    def _once(self, request: PaymentRequest) -> PaymentOutcome:
        done = super()._once(request)
        answer, self.answer = self.answer, None
        if isinstance(answer, Exception):
            raise answer
        return done if answer is None else answer  # type: ignore[return-value]


@pytest.mark.parametrize(
    "answer",
    [
        TimeoutError("slow"),
        ConnectionError("gone"),
        AttributeError("a bug"),
        "succeeded",
        True,
        PaymentOutcome(outcome="succeeded", amount=Money(1000, "USD")),
    ],
    ids=repr,
)
def test_a_careless_payment_adapter_loses_nothing(answer: object) -> None:
    """Whatever it raises or answers, place returns the stored order, and resume finishes it."""
    world = World()
    provider = Foreign(answer)
    desk = world.new_desk(payments=provider)
    order = desk.place([line()], order_id="o1", tenders=[card()])
    assert order == desk.order("o1")
    [intent] = order.intents
    assert intent.reason
    world.now += HOUR / 2
    desk.resume()
    assert "confirmed" == desk.order("o1").state.name
    assert 1 == len(provider.books)


def test_scans_come_in_any_order() -> None:
    """A hand-over told after the arrival brings its tracking number, and contradicts nothing."""
    world = World()
    world.desk.place([line()], order_id="o1", tenders=[card()])
    world.desk.deliver("o1", "f1")
    order = world.desk.ship("o1", "f1", carrier="DHL", tracking="T1")
    assert ((), "T1") == (order.exceptions, order.fulfillments[0].tracking)
    assert ("o1",) == world.desk.find("tracking", "T1")
    again = world.desk.ship("o1", "f1", carrier="DHL", tracking="T2")
    assert ["handed_over_twice"] == [one.code for one in again.exceptions]


def test_a_late_recorded_order_does_not_expire_at_once() -> None:
    """The time to pay runs from when the order was recorded, not from when it occurred."""
    world = World()
    world.desk.place([line()], order_id="o1", occurred_at=NOON - timedelta(days=1))
    assert () == world.desk.resume().order_ids
    assert "placed" == world.desk.order("o1").state.name


@pytest.mark.parametrize("replans", [0, 2])
def test_plans_are_made_anew_as_often_as_the_policy_says(replans: int) -> None:
    """When stock moved each time the order is short, and its policy decides."""
    world = World(("MUG", "MAIN", 1), policy=Policy(replans=replans))
    slow = Running(world, world.flow("place", [line()], order_id="o1", tenders=[card()]))
    for turn in range(replans + 1):
        until(slow, PostStock)
        world.desk.place([line()], order_id=f"thief{turn}", tenders=[card()])
        slow.step()  # refused
        slow.step()  # and finally so
        world.desk.cancel(f"thief{turn}", reason="back again")
    while not slow.done:
        slow.step()
    posted = [
        one for one in world.desk.history("o1") if type(one).__name__ == "FulfillmentsPlanned"
    ]
    assert ("rejected", replans + 1) == (world.desk.order("o1").state.name, len(posted))


def test_waiting_for_a_bank_does_not_use_up_attempts() -> None:
    """A pending operation is looked at ever more rarely; one failed look does not park it."""
    world = World(moods=["pending"], policy=Policy(unpaid_ttl=None))
    world.desk.place([line()], order_id="o1", tenders=[card()])
    looks = 0
    while world.now < NOON + timedelta(days=10):
        due_at = world.desk.order("o1").due_at
        assert due_at is not None
        world.now = due_at
        world.desk.resume()
        looks += 1
    assert looks < 40
    [intent] = world.desk.order("o1").intents
    assert (1, "") == (intent.attempts, intent.parked)


def test_an_unpaid_order_expires_although_a_bank_is_still_thinking() -> None:
    """Its stock is free again, and the money that comes all the same is given back."""
    world = World(moods=["pending"])
    world.desk.place([line()], order_id="o1", tenders=[card()])
    world.now += 2 * HOUR
    world.desk.resume()
    assert ("expired", []) == (world.desk.order("o1").state.name, held(world))
    world.calm()
    assert ["authorize", "void"] == [one.kind for one in world.payments.books]
    check_quiet(world)


def test_the_cause_is_told_when_something_is_parked() -> None:
    """Whoever looks at parked business reads what went wrong, not only how often."""
    world = World(policy=Policy(attempts=2, unpaid_ttl=None))

    class Down:
        """A ledger that cannot be reached."""

        def __getattr__(self, name: str) -> object:
            return getattr(world.inventory, name)

        def post(self, posting: object) -> None:
            """Fail, whatever it is."""
            del posting
            raise AdapterFault("ledger", "disk is full")

    desk = world.new_desk(inventory=Down())
    desk.place([line()], order_id="o1", tenders=[card()])
    for _ in range(4):
        world.now += HOUR
        desk.resume()
    [intent] = desk.order("o1").intents
    assert "no answer after 2 tries: ledger: disk is full" == intent.parked


def test_money_of_a_failed_batch_does_not_cover() -> None:
    """What will be given back because a sister was declined cannot confirm the order."""
    world = World(moods=["approve", "decline", "decline"])
    desk = world.desk
    order = desk.place([line()], order_id="o1", tenders=[card("5.00"), card("5.00")])
    assert ["void_refused"] == [one.code for one in order.exceptions]
    order = desk.pay("o1", [card()])
    assert eur("10.00") == order.payments[-1].amount
    assert "confirmed" == order.state.name


def test_an_order_cancelled_elsewhere_is_not_confirmed() -> None:
    """Nothing is due after the report, but that does not make the order a good one."""
    world = World()
    world.desk.place([line()], order_id="o1")
    world.desk.ship("o1", "f1")
    order = world.desk.report_cancellation("o1", reason="court")
    assert "placed" == order.state.name
    assert order == world.desk.report_cancellation("o1", reason="court")


def test_work_on_an_order_cancelled_elsewhere_can_be_stopped() -> None:
    """The people picking it say that they stopped: its stock is free and the order is over."""
    world = World()
    desk = world.desk
    desk.place([line()], order_id="o1", tenders=[card()])
    with pytest.raises(IllegalTransition):
        desk.stop("o1", "f1")
    for action in ("release", "pick"):
        desk.advance("o1", "f1", action)
    for wrong in (lambda: desk.stop("o1", "f1"), lambda: desk.advance("o1", "f1", "stop")):
        with pytest.raises(IllegalTransition):
            wrong()
    order = desk.report_cancellation("o1", reason="court")
    assert ["cancelled_while_picking"] == [one.code for one in order.exceptions]
    order = desk.stop("o1", "f1", key="k1")
    assert order == desk.stop("o1", "f1", key="k1")
    assert (WITHDRAWN, "cancelled") == (order.fulfillments[0].state, order.state.name)
    assert [] == held(world)
    check_laws(world)


def test_goods_of_an_order_cancelled_elsewhere_do_not_leave_unnoticed() -> None:
    """Shipping what is not due any more opens an exception, also after the first was resolved."""
    world = World()
    desk = world.desk
    desk.place([line()], order_id="o1", tenders=[card()])
    for action in ("release", "pick"):
        desk.advance("o1", "f1", action)
    desk.report_cancellation("o1", reason="court")
    desk.resolve("o1", "cancelled_while_picking", resolution="they know")
    order = desk.ship("o1", "f1")
    assert ["shipped_after_cancellation"] == [one.code for one in order.exceptions]


def test_a_correction_by_the_provider_is_not_dropped() -> None:
    """Another amount for what had succeeded opens an exception; an unknown operation is one."""
    world = World(policy=Policy(capture="on_confirmation"))
    world.desk.place([line()], order_id="o1", tenders=[card()])
    less = PaymentOutcome(outcome="succeeded", amount=eur("8.00"))
    order = world.desk.notify_payment("o1/p1/capture-1", outcome=less, sequence=9)
    assert ["payment_contradiction"] == [one.code for one in order.exceptions]
    for operation_id in ("o1/p7/capture-9", "o1/p1/capture-2"):
        with pytest.raises(NotFound):
            world.desk.notify_payment(operation_id)


def test_asking_for_parked_business_wins_against_rivals() -> None:
    """A retry that loses a race is made again, and not answered as if it had been done."""
    world = World(moods=["request_lost"], policy=Policy(attempts=1, unpaid_ttl=None))
    world.desk.place([line()], order_id="o1", tenders=[card()])
    world.now += HOUR
    world.desk.resume()
    [intent] = world.desk.order("o1").intents
    assert intent.parked
    asking = until(Running(world, flow_of(world.desk, "retry", "o1", intent.id)), SaveOrder)
    world.desk.hold("o1", "rival", blocks=["refund"])
    while not asking.done:
        asking.step()
    assert "confirmed" == world.desk.order("o1").state.name


def test_a_retry_that_always_loses_leaves_everything_as_it_was() -> None:
    """After so many lost races the business is still parked, for whoever asks next."""
    world = World(moods=["request_lost"], policy=Policy(attempts=1, unpaid_ttl=None))
    world.desk.place([line()], order_id="o1", tenders=[card()])
    world.now += HOUR
    world.desk.resume()
    [intent] = world.desk.order("o1").intents
    rivals = Rivals(world, 99)
    [still] = world.new_desk(orders=rivals).retry("o1", intent.id).intents
    assert (intent.parked, 89) == (still.parked, rivals.left)


@pytest.mark.parametrize(("steps", "left"), [(1, ["reserve"]), (2, [])])
def test_consequences_without_an_end_are_left_to_resume(
    monkeypatch: pytest.MonkeyPatch, steps: int, left: list[str]
) -> None:
    """A loop of ours, of rules or of calls, ends after a bound; what was saved is returned."""
    world = World()
    monkeypatch.setattr(settling, "MAX_STEPS", steps)
    order = world.desk.place([line()], order_id="o1", tenders=[card()])
    assert order == world.desk.order("o1")
    assert left == [one.purpose for one in order.intents]


class Down:
    """A port of which some verbs fail from some call on."""

    def __init__(self, port: object, verb: str, after: int) -> None:
        self._port, self._verb, self._left = port, verb, after

    def __getattr__(self, name: str) -> object:
        found = getattr(self._port, name)
        if name != self._verb:
            return found

        def failing(*given: object, **named: object) -> object:
            self._left -= 1
            if self._left < 0:
                raise AdapterFault("port", "is down")
            return found(*given, **named)

        return failing


def test_a_store_that_goes_down_on_the_way_returns_what_it_saved() -> None:
    """Neither the next save nor a fresh look works: the order comes back as it was saved last."""
    world = World()

    class Gone(Down):
        """Loads fail as well once saves do."""

        def __getattr__(self, name: str) -> object:
            if name == "load" and self._left < 0:
                return Down(self._port, "load", 0).load
            return super().__getattr__(name)

    order = world.new_desk(orders=Gone(world.orders, "save", 1)).place(
        [line()], order_id="o1", tenders=[card()]
    )
    assert order == world.desk.order("o1")
    assert ["reserve"] == [one.purpose for one in order.intents]
    world.calm()
    assert "confirmed" == world.desk.order("o1").state.name


def test_a_ledger_that_goes_down_before_a_refusal_is_final() -> None:
    """The refusal is not told then; whoever resumes posts again, and may succeed."""
    world = World(("MUG", "MAIN", 1))
    desk = world.new_desk(inventory=Down(world.inventory, "post", 1))
    slow = until(Running(world, flow_of(desk, "place", [line()], order_id="o1")), PostStock)
    world.desk.place([line()], order_id="thief", tenders=[card()])
    world.desk = desk
    while not slow.done:
        slow.step()
    [intent] = world.orders.load("o1").intents
    assert ("reserve", "port: is down") == (intent.purpose, intent.reason)


def test_a_report_leads_somewhere_from_a_state_of_the_users_own() -> None:
    """Goods that leave from a state the table knows no hand-over for are shipped all the same."""
    wrapping = State("wrapping", Phase.WORKING)
    rows = {(PICKING, "wrap"): wrapping, (wrapping, "pack"): PACKED}
    gifts = Lifecycles(name="gifts.v1", kinds={"shipment": SHIPMENT.extended("gifts", rows)})
    desk = World().new_desk(lifecycles=gifts)
    desk.place([line()], order_id="o1", tenders=[card()])
    for action in ("release", "pick", "wrap"):
        desk.advance("o1", "f1", action)
    assert "shipped" == desk.ship("o1", "f1").goods
    with pytest.raises(IllegalTransition):
        desk.advance("o1", "f1", "juggle")


def test_only_what_is_stopped_is_cancelled() -> None:
    """Of two parcels cancelled while they were picked, one is stopped and one leaves."""
    world = World(("A", "MAIN", 1), ("B", "STORE", 1))
    desk = world.desk
    order = desk.place([line("A"), line("B")], order_id="o1", tenders=[card()])
    first, second = (one.id for one in order.fulfillments)
    for one in (first, second):
        for action in ("release", "pick"):
            desk.advance("o1", one, action)
    desk.report_cancellation("o1", reason="court")
    order = desk.stop("o1", first)
    assert ("confirmed", 1) == (order.state.name, sum(one.cancelled for one in order.lines))
    assert "shipped_after_cancellation" in [one.code for one in desk.ship("o1", second).exceptions]
    check_laws(world)


def test_reports_name_an_operation_and_its_currency() -> None:
    """A report about nothing, or in another currency, is refused before anything is recorded."""
    world = World()
    order = world.desk.place([line()], order_id="o1", tenders=[card()])
    done = PaymentOutcome(outcome="succeeded", amount=eur("10.00"))
    with pytest.raises(NotFound):
        report_payment(order, "o1/p9/authorize-1", done, at=NOON)
    yen = PaymentOutcome(outcome="succeeded", amount=Money(10, "JPY"))
    with pytest.raises(BrokenPromise):
        world.desk.notify_payment("o1/p1/authorize-1", outcome=yen, sequence=1)
    assert order == world.desk.order("o1")


def test_kinds_of_references_that_are_ours_are_refused() -> None:
    """A caller's reference cannot pass for a provider's id or a tracking number."""
    references = [
        Reference("payment", "pay_1"),
        Reference("tracking", "T1"),
        Reference("shop", "1"),
    ]
    with pytest.raises(InvalidInput) as caught:
        World().desk.place([line()], order_id="o1", references=references)
    assert ["references[0].kind", "references[1].kind"] == [one.path for one in caught.value.faults]


def test_what_is_worked_out_once_is_documented() -> None:
    """The class shows what its cached reads mean."""
    assert "money" in (Order.figures.__doc__ or "")
