"""Whatever a provider answers, or does not: what is recorded, looked up, sent again and parked."""

from datetime import timedelta
from itertools import permutations, product
from typing import Any

import pytest

from orderwright import PaymentOutcome, PaymentRequest, Policy
from orderwright.adapters.memory import MemoryPayments
from orderwright.errors import (
    AdapterFault,
    AmountRefused,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
)
from orderwright.inventory.postings import Posting
from tests.worlds import (
    HOUR,
    MINUTE,
    NOON,
    World,
    card,
    check_laws,
    check_quiet,
    eur,
    figures,
    line,
)

AT_ONCE = Policy(capture="on_confirmation", unpaid_ttl=None)


class Told:
    """A provider in memory whose calls are noted, and whose look-ups and calls can be replaced."""

    def __init__(self, provider: MemoryPayments) -> None:
        self.provider = provider
        self.capabilities = provider.capabilities
        self.asked: list[tuple[str, str]] = []
        self.found: list[object] = []
        self.answers: list[object] = []

    def _call(self, verb: str, request: PaymentRequest) -> Any:  # noqa: ANN401
        self.asked.append((verb, request.id))
        given = self.found if verb == "look_up" else self.answers
        answer = given.pop(0) if given else getattr(self.provider, verb)(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def __getattr__(self, verb: str) -> Any:  # noqa: ANN401
        """Any verb."""
        return lambda request: self._call(verb, request)


def watched(*moods: str, policy: Policy = AT_ONCE) -> tuple[World, Told]:
    """A world whose desk speaks to its provider through ears."""
    world = World(policy=policy, moods=moods)
    told = Told(world.payments)
    world.desk = world.new_desk(payments=told)
    return world, told


def placed(world: World, *amounts: str | None) -> Any:  # noqa: ANN401
    """Place an order of 20.00 paid so."""
    tenders = [card(amount) for amount in amounts or (None,)]
    return world.desk.place([line("MUG", 2)], order_id="o1", tenders=tenders)


def state(world: World, operation_id: str) -> str:
    """The state of a payment operation of order o1."""
    order = world.orders.load("o1")
    payment = order.payment(operation_id.split("/")[1])
    return payment.operation(operation_id).state.name


def resumed(world: World, times: int = 1) -> None:
    """Let the patience run out and resume, so often."""
    for _ in range(times):
        world.now += HOUR
        assert () == world.desk.resume().failures


ASK, LOOK, TAKE = "authorize", "look_up", "capture"


def test_an_unknown_outcome_is_looked_up_and_found() -> None:
    """The answer was lost: it is asked what became of it, and nothing is sent again."""
    world, told = watched("answer_lost")
    order = placed(world)
    assert ("unpaid", "placed") == (order.money, order.state.name)
    assert () == world.desk.resume().order_ids
    resumed(world)
    assert [(ASK, "o1/p1/authorize-1"), (LOOK, "o1/p1/authorize-1")] == told.asked[:2]
    assert [(TAKE, "o1/p1/capture-1")] == told.asked[2:]
    assert "paid" == world.orders.load("o1").money


def test_an_unknown_outcome_that_never_happened_is_sent_again_once() -> None:
    """The request was lost: after look-up says so, it goes out again under the same id."""
    world, told = watched("request_lost")
    placed(world)
    resumed(world, 3)
    sent = [verb for verb, one in told.asked if one == "o1/p1/authorize-1"]
    assert [ASK, LOOK, ASK] == sent
    assert "paid" == world.orders.load("o1").money


def test_an_error_without_an_answer_is_an_unknown_outcome() -> None:
    """An adapter that times out may raise instead of answering; it is not taken for a refusal."""
    world, told = watched()
    told.answers = [OutcomeUnknown("card", "timed out")]
    placed(world)
    assert "unknown" == state(world, "o1/p1/authorize-1")
    told.found = [AdapterFault("card", "down")]
    resumed(world)
    assert "unknown" == state(world, "o1/p1/authorize-1")
    resumed(world)
    assert "paid" == world.orders.load("o1").money
    check_laws(world)


def test_an_unsure_provider_is_asked_with_growing_patience_and_then_parked() -> None:
    """Each try waits twice as long; after the policy's attempts a person has to look."""
    policy = Policy(capture="on_confirmation", unpaid_ttl=None, attempts=4)
    world, told = watched("request_lost", policy=policy)
    placed(world)
    told.found = ["unsure"] * 9
    waits = []
    while world.orders.load("o1").due_at is not None:
        before = world.now
        world.now = world.orders.load("o1").due_at
        waits.append(world.now - before)
        world.desk.resume()
    assert [MINUTE, 2 * MINUTE, 4 * MINUTE, 8 * MINUTE] == waits
    (intent,) = world.orders.load("o1").intents
    assert "no answer after 4 tries: no answer" == intent.parked
    assert [ASK, LOOK, LOOK, LOOK] == [verb for verb, _ in told.asked]
    check_quiet(world)


def test_a_parked_payment_is_finished_by_a_notice() -> None:
    """What waits for a person is settled when the provider tells by itself."""
    world, told = watched("answer_lost", policy=Policy(unpaid_ttl=None, attempts=1))
    placed(world)
    resumed(world)
    assert world.orders.load("o1").intents[0].parked
    truth = told.provider.look_up(PaymentRequest(**LOOKED))
    order = world.desk.notify_payment("o1/p1/authorize-1", outcome=truth, sequence=1)
    assert ("authorized", "confirmed", ()) == (order.money, order.state.name, order.intents)


LOOKED = {
    "id": "o1/p1/authorize-1",
    "kind": "authorize",
    "order_id": "o1",
    "payment_id": "p1",
    "method": "card",
    "amount": eur(20),
}


def test_a_hint_has_a_parked_payment_looked_up_again() -> None:
    """A notice without an outcome is a reason to look, also where all tries were used up."""
    world, _ = watched("answer_lost", policy=Policy(unpaid_ttl=None, attempts=1))
    placed(world)
    resumed(world)
    assert world.orders.load("o1").intents[0].parked
    order = world.desk.notify_payment("o1/p1/authorize-1")
    assert ("authorized", "confirmed", ()) == (order.money, order.state.name, order.intents)


def test_beyond_the_key_retention_nothing_is_sent_again() -> None:
    """A provider that forgets ids might take the money twice: the intent is parked instead."""
    world, told = watched("request_lost")
    placed(world)
    world.now += world.payments.capabilities.key_retention + timedelta(hours=1)
    world.desk.resume()
    (intent,) = world.orders.load("o1").intents
    assert "unknown to the provider, who forgets ids after 1 day, 0:00:00" == intent.parked
    assert [ASK, LOOK] == [verb for verb, _ in told.asked]
    assert () == world.desk.resume().order_ids


def test_a_pending_payment_waits_without_being_sent_again() -> None:
    """The bank takes its time: resuming only looks, and the order follows once it is decided."""
    world, told = watched("pending")
    order = placed(world)
    assert ("unpaid", "placed") == (order.money, order.state.name)
    resumed(world, 2)
    assert [ASK, LOOK, LOOK] == [verb for verb, _ in told.asked]
    told.provider.finish("o1/p1/authorize-1", "succeeded")
    resumed(world)
    assert "paid" == world.orders.load("o1").money


def outcome(word: str) -> PaymentOutcome:
    """That outcome, of the whole authorization."""
    return PaymentOutcome(outcome=word, amount=eur(20), reference="pay_o1_p1")


@pytest.mark.parametrize("reports", [("pending", "unknown", "succeeded"), ("pending", "declined")])
def test_reports_in_any_order_and_number_come_to_the_same(reports: tuple[str, ...]) -> None:
    """Numbered notices may be late, early, doubled: the order they lead to is one."""
    ends = set()
    told = list(enumerate(reports, 1))
    last = told[-1]
    arrivals = {
        tuple(one for one, times in zip(some, counts, strict=True) for _ in range(times))
        for some in permutations(told)
        for counts in product((1, 2), repeat=len(told))
    }
    for arrival in sorted(arrivals):
        world = World(policy=Policy(unpaid_ttl=None), moods=["pending"])
        placed(world)
        world.payments.finish("o1/p1/authorize-1", last[1])
        for sequence, word in (*arrival, *arrival):
            world.desk.notify_payment("o1/p1/authorize-1", outcome=outcome(word), sequence=sequence)
        check_laws(world)
        ends.add(repr((figures(world), state(world, "o1/p1/authorize-1"))))
    assert 1 == len(ends)


def test_a_hint_and_a_stale_notice_change_nothing() -> None:
    """A hint about something settled, and a repeated number, leave no event."""
    world, told = watched()
    placed(world)
    before = world.trace()
    asked = len(told.asked)
    world.desk.notify_payment("o1/p1/authorize-1")
    world.desk.notify_payment("o1/p1/authorize-1", outcome=outcome("succeeded"))
    assert before == world.trace()
    assert asked == len(told.asked)
    world.desk.notify_payment("o1/p1/authorize-1", outcome=outcome("pending"), sequence=3)
    assert before == world.trace()


def test_a_contradiction_opens_an_exception_once() -> None:
    """A provider that takes back what it said does not change the facts; a person looks."""
    world, _ = watched()
    placed(world)
    for sequence in (2, 2, 3):
        order = world.desk.notify_payment(
            "o1/p1/capture-1", outcome=outcome("declined"), sequence=sequence
        )
    assert ["payment_contradiction"] == [one.code for one in order.exceptions]
    assert "paid" == order.money


def test_a_success_after_a_decline_is_believed() -> None:
    """Money that moved after all counts, and the order goes on."""
    world, _ = watched("pending")
    placed(world)
    order = world.desk.notify_payment("o1/p1/authorize-1", outcome=outcome("declined"), sequence=1)
    assert ("unpaid", ()) == (order.money, order.intents)
    world.payments.finish("o1/p1/authorize-1", "succeeded")
    order = world.desk.notify_payment("o1/p1/authorize-1", outcome=outcome("succeeded"), sequence=2)
    assert ("paid", "confirmed") == (order.money, order.state.name)
    check_quiet(world)


def test_a_success_after_the_cancellation_is_given_back() -> None:
    """Money that arrives for an order that is over is voided or paid back."""
    for verb, mood in (("void", "authorize"), ("refund", "capture")):
        world = World(policy=AT_ONCE)
        world.moods_by_id[f"o1/p1/{mood}-1"] = "pending"
        placed(world)
        order = world.desk.cancel("o1", reason="sorry")
        assert "cancelled" == order.state.name
        world.payments.finish(f"o1/p1/{mood}-1", "succeeded")
        world.desk.notify_payment(f"o1/p1/{mood}-1", outcome=outcome("succeeded"), sequence=1)
        check_quiet(world)
        assert verb in [entry.kind for entry in world.payments.books]


def test_a_declined_tender_gives_its_sisters_back() -> None:
    """Tenders succeed together: what the first had reserved is voided, the stock is kept."""
    world, _ = watched("approve", "decline")
    order = placed(world, "5.00", None)
    assert ("unpaid", "placed", "reserved") == (order.money, order.state.name, order.goods)
    assert ["authorize", "void"] == [entry.kind for entry in world.payments.books]
    assert 0 == order.authorized.minor
    order = world.desk.pay("o1", [card()])
    assert ("paid", "confirmed") == (order.money, order.state.name)
    assert eur(20) == order.captured
    check_quiet(world)


def test_tenders_offered_to_a_confirmed_order_also_succeed_together() -> None:
    """A later decline gives back its own sisters, and leaves what was paid before alone."""
    policy = Policy(capture="on_confirmation", require_cover=False, unpaid_ttl=None)
    world, _ = watched(policy=policy)
    assert "confirmed" == placed(world, "5.00").state.name
    world.moods = ["approve", "decline"]
    order = world.desk.pay("o1", [card("7.00"), card()])
    assert ("underpaid", eur(5), eur(0)) == (order.money, order.captured, order.authorized)
    assert "paid" == world.desk.pay("o1", [card()]).money
    check_quiet(world)


@pytest.mark.parametrize("kind", ["capture", "refund", "void"])
@pytest.mark.parametrize("mood", ["decline", "failed"])
def test_a_refused_movement_is_not_repeated_until_a_person_has_looked(kind: str, mood: str) -> None:
    """A provider that refuses every capture, void or refund is not asked for ever."""
    policy = AT_ONCE if kind != "void" else Policy(unpaid_ttl=None)
    world, told = watched(policy=policy)
    failed = PaymentOutcome(outcome="failed", amount=eur(20), reason="too late")

    def refuse() -> None:
        world.moods_by_id = {f"o1/p1/{kind}-{number}": "decline" for number in range(1, 9)}

    if kind == "capture":
        refuse()
        if mood == "failed":
            world.moods_by_id = {}
            told.answers = [told.provider.authorize(PaymentRequest(**LOOKED)), failed]
    placed(world)
    if kind != "capture":
        if mood == "failed":
            told.answers = [failed]
        else:
            refuse()
        world.desk.cancel("o1", reason="sorry")
    order = world.orders.load("o1")
    assert [f"{kind}_refused"] == [one.code for one in order.exceptions]
    assert 1 == sum(verb == kind for verb, _ in told.asked)
    assert order.due_at is None
    world.moods_by_id = {}
    order = world.desk.resolve("o1", f"{kind}_refused", resolution="called the bank")
    assert 2 == sum(verb == kind for verb, _ in told.asked)
    assert () == order.exceptions
    assert {"capture": "paid", "refund": "refunded", "void": "settled"}[kind] == order.money


def test_stock_that_lapsed_is_planned_anew_before_money_is_asked_for() -> None:
    """Paying late reserves again, elsewhere if need be, and only then authorizes."""
    world = World(("MUG", "MAIN", 2), policy=Policy(capture="on_confirmation"))
    world.desk.place([line("MUG", 2)], order_id="o1")
    world.now += 2 * HOUR
    world.desk.place([line("MUG", 1)], order_id="o2", tenders=[card()])
    world.receive("d2", "MUG", "STORE", 2)
    order = world.desk.pay("o1", [card()])
    assert ("paid", "confirmed") == (order.money, order.state.name)
    assert ["STORE"] == [one.location for one in order.fulfillments]
    check_quiet(world)


def test_a_late_payer_whose_stock_is_gone_is_rejected_unpaid() -> None:
    """If the units were sold meanwhile, no money is asked for."""
    world = World(("MUG", "MAIN", 2))
    world.desk.place([line("MUG", 2)], order_id="o1")
    world.now += 2 * HOUR
    world.desk.place([line("MUG", 1)], order_id="o2", tenders=[card()])
    order = world.desk.pay("o1", [card()])
    assert ("rejected", "settled") == (order.state.name, order.money)
    assert ["o2/p1/authorize-1"] == [entry.operation_id for entry in world.payments.books]
    check_quiet(world)


def test_only_the_reservations_that_lapsed_are_lost() -> None:
    """Of two fulfillments reserved at different times the later one stays where it is."""
    policy = Policy(capture="on_confirmation", short="backorder")
    world = World(("MUG", "MAIN", 1), policy=policy)
    world.desk.place([line("MUG", 2)], order_id="o1")
    world.now += HOUR / 2
    world.receive("d2", "MUG", "STORE", 1)
    world.desk.allocate("o1")
    world.now += HOUR * 3 / 4
    order = world.desk.pay("o1", [card()])
    assert ["STORE", "MAIN"] == [one.location for one in order.fulfillments]
    assert ("paid", "reserved") == (order.money, order.goods)
    world.now += 9 * HOUR
    check_quiet(world)


def test_an_unpaid_order_expires_and_frees_its_stock() -> None:
    """After its time without cover the order is expired, and somebody else can buy."""
    world = World(("MUG", "MAIN", 2))
    world.desk.place([line("MUG", 2)], order_id="o1")
    world.now += HOUR
    assert (("o1",), ()) == world.desk.resume()
    assert ("expired", "cancelled") == (
        world.orders.load("o1").state.name,
        world.orders.load("o1").goods,
    )
    assert (
        "confirmed"
        == world.desk.place([line("MUG", 2)], order_id="o2", tenders=[card()]).state.name
    )
    check_quiet(world)


def test_a_declined_order_keeps_its_stock_until_it_expires() -> None:
    """A decline is an outcome: the units wait for another card, but not for ever."""
    world = World(("MUG", "MAIN", 2), moods=["decline"])
    world.desk.place([line("MUG", 2)], order_id="o1", tenders=[card()])
    assert 2 == world.inventory.supply(["MUG"], now=NOON)[0].reserved
    world.now += HOUR
    world.desk.resume()
    assert "expired" == world.orders.load("o1").state.name
    assert 2 == world.inventory.supply(["MUG"], now=world.now)[0].available
    check_quiet(world)


def test_an_order_that_left_without_pay_does_not_expire() -> None:
    """Goods that are gone cannot be given up: the order stays, with its exception."""
    world = World(("MUG", "MAIN", 2))
    world.desk.place([line("MUG", 2)], order_id="o1")
    world.desk.ship("o1", "f1")
    world.now += 2 * HOUR
    assert ((), ()) == world.desk.resume()
    order = world.orders.load("o1")
    assert ("placed", "shipped") == (order.state.name, order.goods)
    assert ["shipped_unconfirmed"] == [one.code for one in order.exceptions]
    assert "paid" == world.desk.pay("o1", [card()]).money or order.policy.capture == "on_dispatch"
    check_quiet(world)


def test_a_confirmed_order_without_money_keeps_its_stock_for_good() -> None:
    """Where no cover is required nobody pays first, and the reservation must not lapse."""
    for policy, price in ((Policy(require_cover=False), "10.00"), (Policy(), "0")):
        world = World(("MUG", "MAIN", 2), policy=policy)
        order = world.desk.place([line("MUG", 2, price)], order_id="o1")
        assert "confirmed" == order.state.name
        world.now += 100 * HOUR
        assert 2 == world.inventory.supply(["MUG"], now=world.now)[0].reserved
        assert "shipped" == world.desk.ship("o1", "f1").goods
        assert () == world.orders.load("o1").exceptions
        check_quiet(world)


def test_goods_that_left_after_their_reservation_lapsed_leave_the_free_stock() -> None:
    """A hand-over is a fact, booked on what is there; only a real lack is an exception."""
    for stock, lacking in ((2, False), (0, True)):
        world = World(("MUG", "MAIN", 2))
        world.desk.place([line("MUG", 2)], order_id="o1")
        world.now += 2 * HOUR
        if not stock:
            world.desk.place([line("MUG", 2)], order_id="o2", tenders=[card()])
        order = world.desk.ship("o1", "f1")
        assert lacking == any(one.code == "stock_mismatch" for one in order.exceptions)
        check_quiet(world)


def test_an_answer_in_another_currency_is_a_broken_promise_that_stops_no_other_order() -> None:
    """It is noted on the intent, which stays unfinished; resume goes on with the next order."""
    world, told = watched("request_lost", "request_lost")
    placed(world)
    world.desk.place([line("MUG", 1)], order_id="o2", tenders=[card()])
    world.now += HOUR
    yen = PaymentOutcome(outcome="succeeded", amount=eur(1).__class__(5, "JPY"))
    told.found = [yen]
    assert () == world.desk.resume().failures
    [intent] = world.desk.order("o1").intents
    assert "answered in 5 JPY" in intent.reason
    assert "paid" == world.orders.load("o2").money


def test_notices_about_nothing_known_are_refused() -> None:
    """An unknown order or operation is a mistake that names what was not found."""
    world = World()
    placed(world)
    for operation_id in ("o2/p1/authorize-1", "o1/p9/authorize-1"):
        with pytest.raises(NotFound):
            world.desk.notify_payment(operation_id, outcome=outcome("succeeded"), sequence=1)


def test_a_wrong_count_is_put_right_and_the_hand_over_booked() -> None:
    """Once somebody has counted, and resolved the exception, what left is booked."""
    world = World(("MUG", "MAIN", 2))
    world.desk.place([line("MUG", 2)], order_id="o1")
    world.now += 2 * HOUR
    world.desk.place([line("MUG", 2)], order_id="o2", tenders=[card()])
    order = world.desk.ship("o1", "f1")
    assert (("stock_mismatch",), ()) == (
        tuple(one.code for one in order.exceptions if one.code == "stock_mismatch"),
        order.intents,
    )
    found = Posting.adjust("count-1", "MUG", "MAIN", 2, at=world.now, reason="found two")
    world.inventory.post(found)
    order = world.desk.resolve("o1", "stock_mismatch", resolution="counted")
    assert "left" == order.fulfillments[0].stock
    check_quiet(world)


def test_a_ledger_that_does_not_answer_is_asked_again_with_the_same_posting() -> None:
    """A fault of the stock store leaves the intent, and its repetition is not a second one."""
    for performed in (False, True):
        world = World(policy=AT_ONCE)
        post = world.inventory.post
        faults = [AdapterFault("ledger", "down")]

        def failing(posting: Any) -> Any:  # noqa: ANN401
            if performed:  # noqa: B023
                post(posting)  # noqa: B023
            if faults:  # noqa: B023
                raise faults.pop()  # noqa: B023
            return post(posting)  # noqa: B023

        world.inventory.post = failing
        order = placed(world)
        assert (["reserve"], "open") == ([one.purpose for one in order.intents], order.goods)
        resumed(world)
        assert ("paid", "reserved") == (
            world.orders.load("o1").money,
            world.orders.load("o1").goods,
        )
        check_quiet(world)


def test_an_older_notice_never_overrules_a_newer_one() -> None:
    """Numbered reports are folded by number, also where the older one could still be believed."""
    world = World(policy=Policy(unpaid_ttl=None), moods=["pending"])
    placed(world)
    told = world.desk.notify_payment
    told("o1/p1/authorize-1", outcome=outcome("unknown"), sequence=5)
    before = world.trace()
    for sequence in (5, 3):
        told("o1/p1/authorize-1", outcome=outcome("declined"), sequence=sequence)
    assert before == world.trace()
    told("o1/p1/authorize-1", outcome=outcome("declined"), sequence=6)
    assert "declined" == state(world, "o1/p1/authorize-1")


def test_no_more_is_paid_back_by_hand_than_is_owed() -> None:
    """What was taken is not yet owed to the customer: the order still stands."""
    world = World(policy=AT_ONCE)
    placed(world)
    for amount in (None, eur(1)):
        with pytest.raises(AmountRefused) as caught:
            world.desk.refund("o1", amount=amount)
        assert eur(0) == caught.value.limit
    assert 0 == sum(one.kind == "refund" for one in world.payments.books)


def test_a_hint_about_what_was_declined_has_it_looked_up() -> None:
    """A customer may try again on the provider's page: that it went well is found by the hint."""
    world, told = watched("pending")
    placed(world)
    world.desk.notify_payment("o1/p1/authorize-1", outcome=outcome("declined"), sequence=1)
    before = world.trace()
    world.desk.notify_payment("o1/p1/authorize-1")
    assert before == world.trace()
    world.payments.finish("o1/p1/authorize-1", "succeeded")
    asked = len(told.asked)
    for _ in range(2):
        order = world.desk.notify_payment("o1/p1/authorize-1")
    assert ("paid", "confirmed") == (order.money, order.state.name)
    assert ["look_up"] == [one for one, *_ in told.asked[asked:] if one == "look_up"]
    check_quiet(world)


def test_a_refusal_that_cannot_be_looked_up_is_told_and_changes_nothing() -> None:
    """Who passes a hint on hears that it was in vain, and the provider says it again."""
    world, told = watched("decline")
    placed(world)
    before = world.trace()
    told.found = [AdapterFault("payments", "away")]
    with pytest.raises(AdapterFault, match="away"):
        world.desk.notify_payment("o1/p1/authorize-1")
    assert before == world.trace()


def test_a_provider_may_number_its_reports_by_its_clock() -> None:
    """A time in nanoseconds since 1970 is a number as well."""
    world, _ = watched("pending")
    placed(world)
    number = 1_772_452_800_000_000_000
    for late in (0, -1):
        order = world.desk.notify_payment(
            "o1/p1/authorize-1", outcome=outcome("declined"), sequence=number + late
        )
    assert "unpaid" == order.money
    with pytest.raises(InvalidInput, match="sequence"):
        world.desk.notify_payment("o1/p1/authorize-1", sequence=2**63)
