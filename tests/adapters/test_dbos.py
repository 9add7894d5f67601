"""Commands as durable workflows: the same desk, whoever finishes what was begun."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from dbos import DBOS

from orderwright import Contact, InvalidInput, Mistake, Order, OrderDesk, OutOfStock
from orderwright.adapters.dbos import DurableDesk
from orderwright.adapters.dbos.desk import _READS
from orderwright.desk import Commands
from orderwright.errors import AdapterFault, CodecError, Conflict, KeyReused, OutcomeUnknown
from orderwright.flows.command import commands
from orderwright.requests import Request
from tests.adapters.durable import (
    QUICK,
    DurableWorld,
    everything,
    history,
    quick_folder,
    running,
    workflows,
)
from tests.worlds import HOUR, NOON, card, check_laws, line

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def durable() -> Iterator[DurableWorld]:
    """A world whose DBOS database is a file."""
    with quick_folder() as folder:
        yield DurableWorld(folder)


@pytest.fixture(scope="module")
def desk(durable: DurableWorld) -> Iterator[DurableDesk]:
    """A durable desk on it; launching one takes longer than what most tests do with it."""
    with running(durable.new_desk(), durable.url) as desk:
        yield desk


@pytest.fixture
def order_id(request: pytest.FixtureRequest) -> str:
    """An order of the test's own."""
    return request.node.name.removeprefix("test_")


def of(order_id: str) -> dict[str, str]:
    """The status of the workflows of one order."""
    return workflows(workflow_id_prefix=f"orderwright/{order_id}/")


def live(desk: OrderDesk | DurableDesk, order_id: str) -> Order:
    """What many orders go through."""
    desk.place([line(quantity=3), line("CUP")], order_id=order_id, tenders=[card()])
    desk.ship(order_id, "f1", carrier="DHL", tracking=order_id, key="ship")
    desk.deliver(order_id, "f1", key="deliver")
    desk.cancel(order_id, reason="late", units={"l2": 1}, key="cancel")
    return desk.note(order_id, "sorry", at=NOON + HOUR)


def test_it_is_the_same_desk(durable: DurableWorld, desk: DurableDesk) -> None:
    """Every event of an order's life is the one that an ordinary desk would have saved."""
    made = live(desk, "durable")
    live(durable.world.desk, "ordinary")
    assert history(durable.world.desk, "ordinary") == history(desk, "durable")
    assert made == durable.world.orders.load("durable") == desk.order("durable")
    check_laws(durable.world)
    assert {"SUCCESS"} == set(of("durable").values())


def test_every_step_is_named_after_what_is_asked(desk: DurableDesk, order_id: str) -> None:
    """Whoever looks into DBOS sees the requests of the flow, under the order's id."""
    desk.place([line()], order_id=order_id, tenders=[card()])
    (workflow_id,) = of(order_id)
    steps = [one["function_name"] for one in DBOS.list_workflow_steps(workflow_id)]
    assert ["LoadWithKey", "ReadSupply", "SaveOrder", "PostStock"] == steps[:4]
    assert {one.__name__ for one in Request.__subclasses__()} >= set(steps)
    (status,) = DBOS.list_workflows(workflow_ids=[workflow_id])
    assert "orderwright.place" == status.name


def test_reads_and_previews_are_no_workflows(desk: DurableDesk, order_id: str) -> None:
    """What only tells something leaves no record."""
    desk.place([line()], order_id=order_id, tenders=[card()])
    known = workflows()
    assert "shipped" == desk.preview().ship(order_id, "f1").goods
    assert "reserved" == desk.order(order_id).goods
    assert 1 == desk.as_of(order_id, 1).version == len(desk.history(order_id)[:1])
    assert (None, ()) == (desk.contact(order_id), desk.find("tracking", "nothing"))
    assert {} == desk.promised("MUG")
    assert known == workflows()


def test_what_is_said_to_be_a_read_reads_only() -> None:
    """Every command that can change something is told when it happens, and none that is a read."""
    told = {name: set(one.signature.parameters) for name, one in commands(Commands).items()}
    timed = {name for name in told if told[name] & {"at", "now", "posting"}}
    assert set(told) == timed | _READS
    assert {"promised", "rates"} == timed & _READS  # as of a moment


def test_the_same_submission_is_one_workflow(
    durable: DurableWorld, desk: DurableDesk, order_id: str
) -> None:
    """Said twice, also at another time, it answers what it answered first."""
    first = desk.place([line()], order_id=order_id, tenders=[card()])
    shipped = desk.ship(order_id, "f1", key="k1", by="ann")
    durable.world.now += HOUR
    desk.deliver(order_id, "f1")
    known = of(order_id)
    assert first == desk.place([line()], order_id=order_id, tenders=[card()])
    assert shipped == desk.ship(order_id, "f1", key="k1", by="ann")
    assert known == of(order_id)


def test_other_content_under_a_key_is_refused(
    durable: DurableWorld, desk: DurableDesk, order_id: str
) -> None:
    """The error is the desk's own, and names what differs."""
    desk.place([line()], order_id=order_id, tenders=[card()])
    desk.note(order_id, "hello", key="k1")
    trace = durable.world.trace()
    with pytest.raises(KeyReused, match="lines"):
        desk.place([line(quantity=2)], order_id=order_id, tenders=[card()])
    with pytest.raises(KeyReused, match="text='hello', now 'goodbye'"):
        desk.note(order_id, "goodbye", key="k1")
    assert trace == durable.world.trace()


def test_without_a_key_each_call_is_another_command(desk: DurableDesk, order_id: str) -> None:
    """Two notes that say the same are two notes; two counts under one id are one."""
    placed = desk.place([line()], order_id=order_id, tenders=[card()])
    desk.note(order_id, "hello")
    assert placed.version + 2 == desk.note(order_id, "hello").version
    before = workflows()
    for _ in range(2):
        desk.count_stock("CUP", "STORE", 400, count_id=order_id)
    assert len(before) + 1 == len(workflows())


def test_what_can_be_read_only_once_is_read_once(desk: DurableDesk, order_id: str) -> None:
    """A generator is as good as a list, for the workflow's id and for the command."""
    desk.place([line()], order_id=order_id, tenders=[card()])
    tagged = desk.tag(order_id, add=(one for one in ("a", "b")), key="k")
    assert {"a", "b"} == set(tagged.tags)
    assert tagged == desk.tag(order_id, add=("a", "b"), key="k")
    assert 1 == len([one for one in of(order_id) if "/tag/" in one])


def test_what_was_refused_may_succeed_later(
    durable: DurableWorld, desk: DurableDesk, order_id: str
) -> None:
    """A refusal is no answer for good: the order id of a customer stays good."""
    for _ in range(2):
        with pytest.raises(OutOfStock, match="TEA: wanted 1, 0 can be served"):
            desk.place([line("TEA")], order_id=order_id, tenders=[card()])
    durable.world.receive("tea", "TEA", "MAIN", 1)
    placed = desk.place([line("TEA")], order_id=order_id, tenders=[card()])
    assert "confirmed" == placed.state.name
    assert placed == desk.place([line("TEA")], order_id=order_id, tenders=[card()])
    assert ["ERROR", "ERROR", "SUCCESS"] == sorted(of(order_id).values())


def test_however_often_it_is_refused(desk: DurableDesk, order_id: str) -> None:
    """Each attempt has a number of its own, one after the other."""
    desk.place([line()], order_id=order_id, tenders=[card()])
    for _ in range(10):
        with pytest.raises(Conflict):
            desk.hold(order_id, "x", blocks=["capture"], expected_version=99, key="k")
    held = sorted(one.split("/", 4)[4] for one in of(order_id) if "/hold/" in one)
    assert sorted(str(number) for number in range(1, 11)) == held


def test_a_queue_worker_does_what_is_submitted(desk: DurableDesk, order_id: str) -> None:
    """The handle waits for the order, or raises what the command raised."""
    handle = desk.submit(desk.place, [line()], order_id=order_id, tenders=[card()])
    assert "confirmed" == handle.get_result(**QUICK).state.name
    again = desk.submit(desk.place, [line()], order_id=order_id, tenders=[card()])
    assert handle.get_workflow_id() == again.get_workflow_id()
    refused = desk.submit(desk.place, [line("RUM")], order_id=f"{order_id} 2", tenders=[card()])
    with pytest.raises(OutOfStock, match="RUM"):
        refused.get_result(**QUICK)
    (status,) = DBOS.list_workflows(workflow_ids=[handle.get_workflow_id()])
    assert ("orderwright", order_id) == (status.queue_name, status.queue_partition_key)


def test_what_cannot_be_stored_is_not_submitted(desk: DurableDesk, order_id: str) -> None:
    """A host's own objects are refused by their path, wrong calls as any call would be."""
    before = workflows()
    with pytest.raises(CodecError, match=r"tenders\[0\]: no object can be stored"):
        desk.place([line()], order_id=order_id, tenders=[object()])
    with pytest.raises(TypeError, match="message"):
        desk.note(order_id)
    assert before == workflows()


@pytest.mark.parametrize("wrong", ["", "a/b", 7, "\ud800", None])
def test_wrong_order_ids_get_the_desks_own_error(desk: DurableDesk, wrong: object) -> None:
    """Whatever is no order id is no part of a workflow's id either."""
    with pytest.raises(Mistake, match="order"):
        desk.ship(wrong, "f1")
    assert {"-"} == {one.split("/")[1] for one in workflows(name="orderwright.ship") if "-" in one}


def test_only_commands_of_this_desk_are_submitted(
    durable: DurableWorld, desk: DurableDesk, order_id: str
) -> None:
    """Reads, other desks' commands and other functions are refused."""
    for wrong in (desk.order, durable.world.desk.place, desk.preview, len):
        with pytest.raises(InvalidInput, match="a command of this desk"):
            desk.submit(wrong, order_id)
    assert {} == of(order_id)


def test_forgetting_erases_what_was_recorded(
    durable: DurableWorld, desk: DurableDesk, order_id: str
) -> None:
    """No record of a workflow tells who the customer was, and other orders' are left alone."""
    who = Contact(name="Zora Neale", email="zora@example.org")
    desk.place([line()], order_id=order_id, tenders=[card()], contact=who)
    desk.edit(order_id, contact=Contact(name="Zora Hurston"), key="k")
    with pytest.raises(KeyReused):
        desk.place([line(quantity=2)], order_id=order_id, tenders=[card()], contact=who)
    other = f"{order_id}2"
    desk.place([line()], order_id=other, tenders=[card()], contact=Contact(name="Other"))
    assert "Zora" in everything(durable.url)
    desk.forget(order_id, reason="asked")
    assert "Zora" not in everything(durable.url)
    assert "Other" in everything(durable.url)
    assert ["forget"] == [one.split("/")[2] for one in of(order_id)]
    assert desk.contact(order_id) is None


Called = Callable[..., Any]


def test_a_failing_repository_is_asked_again(
    durable: DurableWorld, desk: DurableDesk, order_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What may be tried again is, with pauses; a save whose answer was lost is known again."""
    faults = [
        ("load_with_key", AdapterFault("db", "down", retryable=True), False),
        ("load_with_key", AdapterFault("db", "still down", retryable=True), False),
        ("save", OutcomeUnknown("db", "connection lost"), True),
        ("post", OutcomeUnknown("db", "connection lost"), True),
        ("save", AdapterFault("db", "serialization", retryable=True), False),
    ]
    real = durable.dying.called

    def failing(verb: Called, args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
        if faults and verb.__name__ == faults[0][0]:
            _, error, done = faults.pop(0)
            if done:
                verb(*args, **kwargs)
            raise error
        return real(verb, args, kwargs)

    monkeypatch.setattr(durable.dying, "called", failing)
    placed = desk.place([line()], order_id=order_id, tenders=[card()])
    assert "confirmed" == placed.state.name
    assert [] == faults
    check_laws(durable.world)


def test_a_repository_that_stays_away_is_told(
    durable: DurableWorld, desk: DurableDesk, order_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the last pause the fault is the command's, and the same call may be made again."""
    asked: list[str] = []

    def down(verb: Called, *_: object) -> object:
        asked.append(verb.__name__)
        raise AdapterFault("db", "down", retryable=True)

    with monkeypatch.context() as patch:
        patch.setattr(durable.dying, "called", down)
        with pytest.raises(AdapterFault, match="db: down"):
            desk.place([line()], order_id=order_id, tenders=[card()])
    assert ["load_with_key"] * 4 == asked
    assert "confirmed" == desk.place([line()], order_id=order_id, tenders=[card()]).state.name


def test_what_is_no_error_of_ours_is_the_adapters_fault(
    durable: DurableWorld, desk: DurableDesk, order_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is recorded by what it says, and not asked again."""

    def broken(*_: object) -> object:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(durable.dying, "called", broken)
    with pytest.raises(AdapterFault, match="LoadWithKey: ZeroDivisionError: by zero"):
        desk.place([line()], order_id=order_id, tenders=[card()])


def test_an_answer_that_cannot_be_stored_is_a_broken_promise(
    durable: DurableWorld, desk: DurableDesk, order_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The workflow ends there: what cannot be recorded cannot be replayed."""
    monkeypatch.setattr(durable.dying, "called", lambda *_: object())
    with pytest.raises(AdapterFault, match=r"LoadWithKey was answered with .* no object"):
        desk.place([line()], order_id=order_id, tenders=[card()])
