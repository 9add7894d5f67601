"""A process may die at any call: whoever goes on does everything once, and all of it."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from dbos import DBOS

from orderwright import Contact, Order
from orderwright.adapters.dbos import DurableDesk
from orderwright.orders.events import Event, NoteAdded
from tests.adapters.durable import (
    QUICK,
    DurableWorld,
    everything,
    history,
    place,
    quick_folder,
    running,
)
from tests.worlds import HOUR, PARCELS, Crashed, card, line

pytestmark = pytest.mark.long

ANN = Contact(name="Ann Example", street=["12 High Street"], city="Leeds", country="GB")
Command = Callable[[Any, str], Order]


def ship(desk: Any, order_id: str) -> Order:  # noqa: ANN401
    """Take the goods out, and capture."""
    return desk.ship(order_id, "f1", key="ship")


def cancel(desk: Any, order_id: str) -> Order:  # noqa: ANN401
    """Give the stock back, and void."""
    return desk.cancel(order_id, reason="sorry", key="cancel")


def place_for_ann(desk: Any, order_id: str) -> Order:  # noqa: ANN401
    """An order with an address."""
    return desk.place([line()], order_id=order_id, tenders=[card()], contact=ANN)


def book(desk: Any, order_id: str) -> Order:  # noqa: ANN401
    """Buy a label."""
    return desk.book_label(order_id, "f1", service="express", parcels=PARCELS, key="label")


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


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    "commands", [(place,), (place, ship), (place, cancel), (place_for_ann, book)]
)
def test_a_command_killed_anywhere_is_finished_by_another(
    durable: DurableWorld, desk: DurableDesk, commands: tuple[Command, ...], *, after: bool
) -> None:
    """At each call in turn, before it or when it is done but not recorded, everything ends alike.

    The order that comes of it, its history, the stock and the provider's books are those of a
    command that nothing happened to. Without a record the call is made again; ids make that one.
    """
    *before, last = commands
    name = f"{last.__name__} {'after' if after else 'before'}"
    for command in commands:
        command(durable.world.desk, name)
    expected = history(desk, name)
    crashes = 0
    while True:
        order_id = f"{name} {crashes}"
        for command in before:
            command(durable.world.desk, order_id)
        left = durable.killed(last, desk, order_id, crashes, after=after)
        if left is None:
            break
        assert (left,) == desk.take_over(["one"])
        done = DBOS.retrieve_workflow(left).get_result(**QUICK)
        assert expected == history(desk, order_id), crashes
        assert done == desk.order(order_id)
        crashes += 1
    assert crashes >= 5
    assert ANN.street[0] not in everything(durable.url)
    durable.check_nothing_open()


def test_a_save_of_somebody_else_is_still_a_conflict(
    durable: DurableWorld, desk: DurableDesk
) -> None:
    """Only the very save that was made before counts as made: a rival's note is not ours."""
    placed = place(durable.world.desk, "rival")
    durable.dying.arm(1, after=False)  # load with the key, save
    with pytest.raises(Crashed):
        desk.note("rival", "mine", key="k")
    durable.dying.arm(-1, after=False)
    durable.world.desk.note("rival", "theirs")
    (left,) = desk.take_over(["one"])
    noted = DBOS.retrieve_workflow(left).get_result(**QUICK)
    assert ["theirs", "mine"] == notes(desk.history("rival"))
    assert placed.version + 2 == noted.version


def notes(events: tuple[Event, ...]) -> list[str]:
    """What was noted."""
    return [one.text for one in events if isinstance(one, NoteAdded)]


def test_a_payment_is_not_sent_again_when_its_id_may_be_forgotten(
    durable: DurableWorld, desk: DurableDesk
) -> None:
    """Days later the provider is asked, and if it does not know, a person is: never charged twice.

    The provider here forgets everything that it did.
    """
    world = durable.world
    durable.dying.arm(5, after=True)  # load, supply, save, post, save, authorize
    with pytest.raises(Crashed):
        place(desk, "late")
    durable.dying.arm(-1, after=False)
    assert "authorize" == world.payments.books[-1].kind
    booked = len(world.payments.books)
    forgotten = world.payments._known.pop("late/p1/authorize-1")
    now, world.now = world.now, world.now + timedelta(days=2)
    (left,) = desk.take_over(["one"])
    order = DBOS.retrieve_workflow(left).get_result(**QUICK)
    assert ["unknown"] == [one.state.name for one in order.payments[0].operations]
    desk.resume(now=world.now)
    assert ["late/p1/authorize-1"] == [one.id for one in desk.order("late").intents if one.parked]
    assert booked == len(world.payments.books)
    world.payments._known["late/p1/authorize-1"] = forgotten
    desk.retry("late", "late/p1/authorize-1", at=world.now)
    assert "authorized" == desk.order("late").money
    world.now = now


def test_a_payment_that_was_made_is_found(
    durable: DurableWorld, desk: DurableDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer that was lost with the process is looked up, not asked for a second time."""
    asked: list[str] = []
    left = durable.killed(place, desk, "found", 5, after=True)
    real = durable.dying.called

    def noting(verb: Callable[..., Any], *more: Any) -> object:  # noqa: ANN401
        asked.append(verb.__name__)
        return real(verb, *more)

    monkeypatch.setattr(durable.dying, "called", noting)
    assert (left,) == desk.take_over(["one"])
    assert "authorized" == DBOS.retrieve_workflow(left).get_result(**QUICK).money
    assert ["look_up", "save"] == asked


def test_what_a_carrier_fails_with_is_not_recorded(
    durable: DurableWorld, desk: DurableDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may quote the address: only its kind is told, and the label is bought later."""
    place_for_ann(durable.world.desk, "unlabelled")
    real = durable.dying.called

    def failing(verb: Callable[..., Any], *more: Any) -> object:  # noqa: ANN401
        if verb.__name__ == "book":
            raise LookupError(ANN.street[0])
        return real(verb, *more)

    with monkeypatch.context() as patch:
        patch.setattr(durable.dying, "called", failing)
        booked = book(desk, "unlabelled")
    assert [] == [one for one in booked.labels if one.valid]
    assert ANN.street[0] not in everything(durable.url)
    assert ANN.street[0] not in repr(desk.history("unlabelled"))
    durable.world.now += HOUR
    desk.resume()
    assert 1 == len([one for one in desk.order("unlabelled").labels if one.valid])
