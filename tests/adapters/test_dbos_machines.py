"""Durable desks of other machines, versions and settings, each with a DBOS of its own."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from dbos import DBOS, SetWorkflowID

from orderwright import InvalidInput, Location, Policy
from orderwright.adapters.dbos import DurableDesk
from orderwright.adapters.system import utc_now
from orderwright.errors import AdapterFault
from tests.adapters.durable import (
    QUICK,
    DurableWorld,
    launch,
    launchable,
    place,
    quick_folder,
    running,
    workflows,
)
from tests.worlds import HOUR, LOCATIONS, NOON, Crashed, card, line

pytestmark = pytest.mark.long


@pytest.fixture
def alone() -> Iterator[DurableWorld]:
    """A world for a test that launches DBOS by itself."""
    with quick_folder() as folder:
        yield DurableWorld(folder)


def test_what_is_queued_is_settled_when_it_is_submitted(alone: DurableWorld) -> None:
    """Clock, ids and policy are those of the submitter, whoever works on it and whenever."""
    submitting = alone.new_desk(policy=Policy(capture="by_hand"), ids=lambda: "drawn")
    with running(submitting, alone.url, works=False) as desk:
        handle = desk.submit(desk.place, [line()], tenders=[card()])
    alone.world.now += HOUR
    with running(alone.new_desk(clock=None, ids=None), alone.url, executor="two") as desk:
        waiting = DBOS.retrieve_workflow(handle.get_workflow_id())
        order = waiting.get_result(**QUICK)
        assert (NOON, "by_hand", "drawn") == (order.placed_at, order.policy.capture, order.id)
        assert {NOON} == {one.at for one in desk.history("drawn")}


def test_a_command_is_a_step_of_your_own_workflow(alone: DurableWorld) -> None:
    """What is read to submit a command is recorded there, so a replay submits the same again."""
    dbos = launchable(alone.url)
    drawn = iter(("first", "second"))
    desk = DurableDesk(alone.new_desk(ids=lambda: next(drawn)), dbos)
    crashes = [Crashed]

    @DBOS.workflow()
    def day() -> list[str]:
        placed = desk.place([line()], tenders=[card()])
        desk.submit(desk.ship, placed.id, "f1").get_result(**QUICK)
        if crashes:
            raise crashes.pop()
        return [placed.id, desk.order(placed.id).goods]

    try:
        launch(dbos)
        with SetWorkflowID("day"), pytest.raises(Crashed):
            day()
        alone.world.now += HOUR
        known = set(workflows())
        DBOS.resume_workflow("day")
        assert ["first", "shipped"] == DBOS.retrieve_workflow("day").get_result(**QUICK)
        assert known == set(workflows())
    finally:
        DBOS.destroy(destroy_registry=True)


def test_resume_runs_by_the_clock(alone: DurableWorld) -> None:
    """Scheduled, it finishes what the provider left open, without anybody calling it."""
    alone.world.moods.append("request_lost")
    hasty = Policy(patience=timedelta(microseconds=1))
    with running(alone.new_desk(clock=utc_now, policy=hasty), alone.url) as desk:
        placed = desk.place([line()], order_id="o1", tenders=[card()])
        assert ["unknown"] == [one.state.name for one in placed.payments[0].operations]
        desk.schedule_resume("* * * * * *")  # every second, so that a test can wait for it
        until = time.monotonic() + 20
        while "authorized" != desk.order("o1").money:
            assert time.monotonic() < until
            time.sleep(0.05)
        assert workflows(name="orderwright.scheduled_resume")


def test_it_refuses_what_cannot_be_durable(alone: DurableWorld) -> None:
    """A DBOS that would pickle, orders in the host's transaction, and names that are none."""
    pickling = DBOS(config={"name": "shop", "system_database_url": alone.url})
    with pytest.raises(InvalidInput, match="serializer"):
        DurableDesk(alone.new_desk(), pickling)
    DBOS.destroy(destroy_registry=True)
    try:
        dbos = launchable(alone.url)
        with pytest.raises(InvalidInput, match="name"):
            DurableDesk(alone.new_desk(), dbos, name="a/b")
        alone.world.orders.durable_on_save = False
        with pytest.raises(InvalidInput, match="not durable"):
            DurableDesk(alone.new_desk(), dbos)
    finally:
        DBOS.destroy(destroy_registry=True)


def test_a_replay_that_asks_something_else_ends_there(alone: DurableWorld) -> None:
    """Another desk's plan is not what was saved: nothing is done by it, and resume carries on."""
    world = alone.world
    world.receive("more", "MUG", "STORE", 10)
    with running(alone.new_desk(), alone.url, executor="gone") as desk:
        left = alone.killed(place, desk, "o1", 3, after=False)  # saved, not posted
    postings = len(world.inventory.postings())
    elsewhere = [Location(id="STORE"), *LOCATIONS[2:]]
    with running(alone.new_desk(locations=elsewhere), alone.url, executor="two") as desk:
        assert (left,) == desk.take_over(["gone"])
        with pytest.raises(AdapterFault, match="SaveOrder was recorded with other content"):
            DBOS.retrieve_workflow(left).get_result(**QUICK)
        assert postings == len(world.inventory.postings())
        desk.resume(now=NOON + HOUR)
        order = desk.order("o1")
    assert ("MAIN", "authorized") == (order.fulfillments[0].location, order.money)
    alone.check_nothing_open()


def test_another_version_and_executor_go_on(alone: DurableWorld) -> None:
    """What an old version left is taken over with its history by the new one, queue and all."""
    with running(alone.new_desk(), alone.url, executor="old", version="1") as desk:
        left = alone.killed(place, desk, "o1", 5, after=True)
        known = DBOS.list_workflow_steps(left)
    alone.dying.arm(-1, after=False)
    with running(alone.new_desk(), alone.url, executor="new", version="2") as desk:
        assert {left: "PENDING"} == workflows()
        assert () == desk.take_over(["new", "nobody"])
        assert (left,) == desk.take_over(["old"])
        order = DBOS.retrieve_workflow(left).get_result(**QUICK)
        assert "authorized" == order.money
        steps = DBOS.list_workflow_steps(left)
        assert [one["completed_at_epoch_ms"] for one in known] == [
            one["completed_at_epoch_ms"] for one in steps[: len(known)]
        ]
        (status,) = DBOS.list_workflows(workflow_ids=[left])
        assert ("new", "2") == (status.executor_id, status.app_version)
    alone.check_nothing_open()


def test_what_waits_in_the_queue_is_done_by_the_latest_version(alone: DurableWorld) -> None:
    """A submission is of no version until a worker takes it, so a roll-out strands none."""
    with running(alone.new_desk(), alone.url, version="1", works=False) as desk:
        waiting = desk.submit(desk.place, [line()], order_id="o1", tenders=[card()])
        left = waiting.get_workflow_id()
    time.sleep(1.1)  # which version is later it knows by the second, on SQLite and Python 3.11
    with running(alone.new_desk(), alone.url, executor="two", version="2") as desk:
        assert "confirmed" == DBOS.retrieve_workflow(left).get_result(**QUICK).state.name
