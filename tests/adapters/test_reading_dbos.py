"""Durable desks where something is odd: what passes, what is said in another order, who races."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from dbos import DBOS, SetWorkflowID

from orderwright import InvalidInput
from orderwright.adapters.dbos import DurableDesk
from orderwright.errors import AdapterFault, KeyReused
from orderwright.flows.resuming import Resumed
from orderwright.requests import CallCarrier
from tests.adapters.durable import (
    QUICK,
    SOON,
    DurableWorld,
    everything,
    launch,
    launchable,
    place,
    quick_folder,
    running,
    workflows,
)
from tests.adapters.test_dbos_crashes import ANN, book, place_for_ann
from tests.worlds import HOUR, Crashed, card, line

pytestmark = pytest.mark.long

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def durable() -> Iterator[DurableWorld]:
    """A world whose DBOS database is a file."""
    with quick_folder() as folder:
        yield DurableWorld(folder)


@pytest.fixture(scope="module")
def desk(durable: DurableWorld) -> Iterator[DurableDesk]:
    """A durable desk on it."""
    with running(durable.new_desk(), durable.url) as desk:
        yield desk


def test_an_address_that_cannot_be_read_in_passing_is_asked_for_again(
    durable: DurableWorld, desk: DurableDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading it is no step of the workflow, and a lost connection costs no label all the same."""
    place_for_ann(durable.world.desk, "blip")
    real = durable.dying.called
    faults = [AdapterFault("db", "connection lost", retryable=True)] * 2

    def failing(verb: Callable[..., Any], *more: Any) -> object:  # noqa: ANN401
        if verb.__name__ == "contact" and faults:
            raise faults.pop()
        return real(verb, *more)

    monkeypatch.setattr(durable.dying, "called", failing)
    booked = book(desk, "blip")
    assert [] == faults
    assert ((), 1) == (booked.intents, len(booked.labels))


def test_by_whom_something_was_done_is_not_what_was_said(desk: DurableDesk) -> None:
    """Whoever says it again for somebody else is answered what was answered first; but a hold."""
    desk.place([line()], order_id="by", tenders=[card()])
    first = desk.note("by", "gift", key="k", by="ann")
    desk.note("by", "more")
    assert first == desk.note("by", "gift", key="k", by="bob")
    desk.hold("by", "fraud", blocks=["fulfil"], key="h", by="ann")
    with pytest.raises(KeyReused):
        desk.hold("by", "fraud", blocks=["fulfil"], key="h", by="bob")


def test_units_by_line_are_the_same_in_any_order(desk: DurableDesk) -> None:
    """A mapping has no order, so naming its lines in another is the same command again."""
    desk.place([line(quantity=2), line("CUP")], order_id="any", tenders=[card()])
    first = desk.cancel("any", reason="late", units={"l1": 1, "l2": 1}, key="k")
    desk.note("any", "sorry")
    assert first == desk.cancel("any", reason="late", units={"l2": 1, "l1": 1}, key="k")
    assert 1 == len(workflows(workflow_id_prefix="orderwright/any/cancel/"))


@pytest.fixture
def alone() -> Iterator[DurableWorld]:
    """A world for a test that launches DBOS by itself."""
    with quick_folder() as folder:
        yield DurableWorld(folder)


def test_whoever_dies_while_taking_over_loses_nothing(
    alone: DurableWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is half moved to another version is moved by the next; what is cancelled is not."""
    with running(alone.new_desk(), alone.url, executor="old", version="1") as desk:
        stopped = alone.killed(place, desk, "o2", 1, after=True)
        DBOS.cancel_workflow(stopped)
        left = alone.killed(place, desk, "o1", 1, after=True)  # read, nothing saved

    def dying(*_: object, **__: object) -> None:
        raise Crashed

    with running(alone.new_desk(), alone.url, executor="new", version="2") as desk:
        with monkeypatch.context() as patch:
            patch.setattr(DBOS, "rewind_workflow", dying)
            with pytest.raises(Crashed):
                desk.take_over(["old"])
        assert (left,) == desk.take_over(["old"])
        assert "authorized" == DBOS.retrieve_workflow(left).get_result(**QUICK).money
        assert {left: "SUCCESS", stopped: "CANCELLED"} == workflows()
    alone.check_nothing_open()


def test_two_may_take_over_at_once(alone: DurableWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who comes second to what has been moved goes on with what else is left."""
    with running(alone.new_desk(), alone.url, executor="old", version="1") as desk:
        left = alone.killed(place, desk, "o1", 1, after=True)
    with running(alone.new_desk(), alone.url, executor="new", version="2", works=False) as desk:
        cancel = DBOS.cancel_workflow

        def with_a_rival(workflow_id: str) -> None:
            cancel(workflow_id)
            DBOS.rewind_workflow(workflow_id, start_step=99, application_version="2")

        monkeypatch.setattr(DBOS, "cancel_workflow", staticmethod(with_a_rival))
        assert () == desk.take_over(["old"])
        assert {left: "ENQUEUED"} == workflows()


def test_nobody_is_not_everybody(alone: DurableWorld) -> None:
    """Naming no executor takes nothing from the living, and a name is no list of its letters."""
    with running(alone.new_desk(), alone.url, executor="o") as desk:
        left = alone.killed(place, desk, "o1", 1, after=True)
        assert () == desk.take_over([])
        with pytest.raises(InvalidInput, match="executor_ids: expected a list, got str"):
            desk.take_over("old")
        assert {left: "PENDING"} == workflows()


def test_a_resume_that_waited_for_days_sends_nothing_again(alone: DurableWorld) -> None:
    """It is of the time it was submitted at, when the provider remembered; today it may not."""
    world = alone.world
    world.moods.append("answer_lost")
    with running(alone.new_desk(), alone.url, works=False) as desk:
        place(desk, "o1")
        booked = len(world.payments.books)
        world.now += HOUR
        waiting = desk.submit(desk.resume).get_workflow_id()
    world.payments._known.clear()
    world.now += 3 * DAY
    with running(alone.new_desk(), alone.url, executor="two") as desk:
        DBOS.retrieve_workflow(waiting).get_result(**QUICK)
        assert booked == len(world.payments.books)
        desk.resume(now=world.now)
        assert ["o1/p1/authorize-1"] == [one.id for one in desk.order("o1").intents if one.parked]
    assert booked == len(world.payments.books)


def test_what_a_scheduled_resume_could_not_do_is_its_answer(
    alone: DurableWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody called it, so whoever looks into DBOS has to find which orders raised, and why."""
    alone.world.moods.append("answer_lost")
    real, broken = alone.dying.called, AdapterFault("db", "row 7 is damaged")

    def failing(verb: Callable[..., Any], *more: Any) -> object:  # noqa: ANN401
        if verb.__name__ == "load":
            raise broken
        return real(verb, *more)

    with running(alone.new_desk(), alone.url) as desk:
        place(desk, "o1")
        monkeypatch.setattr(alone.dying, "called", failing)
        desk.schedule_resume("0 0 1 1 *")
        done = DBOS.trigger_schedule("orderwright.resume").get_result(**QUICK)
    assert Resumed((), (("o1", broken),)) == done


def test_a_preview_is_not_made_durable(alone: DurableWorld) -> None:
    """Commands of a preview only tell what would come of them; as workflows they would do it."""
    try:
        with pytest.raises(InvalidInput, match="desk: it only previews"):
            DurableDesk(alone.new_desk().preview(), launchable(alone.url))
    finally:
        DBOS.destroy(destroy_registry=True)


def test_what_resume_did_for_somebody_forgotten_confirms_no_guess(
    alone: DurableWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A digest of an address tells whoever guesses it that it is right, so there is none."""
    asked: list[CallCarrier] = []
    real = alone.dying.called
    with running(alone.new_desk(), alone.url) as desk:
        place_for_ann(alone.world.desk, "o1")
        alone.world.label_moods.append("request_lost")
        book(desk, "o1")
        alone.world.now += HOUR

        def noting(verb: Callable[..., Any], args: tuple[Any, ...], kwargs: Any) -> object:  # noqa: ANN401
            if verb.__name__ == "book":
                asked.append(CallCarrier(*args))
            return real(verb, args, kwargs)

        monkeypatch.setattr(alone.dying, "called", noting)
        assert ("o1",) == desk.resume().order_ids
        desk.forget("o1")
        [call] = asked
        guess = desk._driver.digest(["CallCarrier", call.recipient, call.request])
        assert guess not in everything(alone.url)


def test_a_workflow_that_goes_on_does_not_wait_for_what_was_forgotten(
    alone: DurableWorld,
) -> None:
    """What it placed is kept until it ends, as a replay reads that again; then it is erased."""
    dbos = launchable(alone.url)
    desk = DurableDesk(alone.new_desk(), dbos)
    crashes = [Crashed]

    @DBOS.workflow()
    def day() -> str:
        place_for_ann(desk, "o1")
        if crashes:
            raise crashes.pop()
        return desk.order("o1").goods

    try:
        launch(dbos)
        with SetWorkflowID("day"), pytest.raises(Crashed):
            day()
        desk.forget("o1")
        DBOS.resume_workflow("day")
        until = time.monotonic() + 5
        while "SUCCESS" != workflows()["day"]:
            assert time.monotonic() < until
            time.sleep(SOON)
        desk.forget("o1")
        assert ANN.street[0] not in everything(alone.url)
        assert [] == [one for one in workflows() if "/place/" in one]
    finally:
        DBOS.destroy(destroy_registry=True)


def test_a_schedule_that_could_never_run_is_refused(desk: DurableDesk) -> None:
    """Whoever sets it up hears of it, and not only the log, at every tick."""
    with pytest.raises(InvalidInput, match="limit: expected 1 to"):
        desk.schedule_resume(limit=0)
