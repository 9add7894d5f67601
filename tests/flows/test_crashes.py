"""A crash anywhere in a use case, then `resume` and the same command again: as if never crashed."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from attrs import frozen

from orderwright import Contact, OrderwrightError, Policy, Tender
from orderwright.fulfillment.fulfillment import Scan
from tests.worlds import (
    HOUR,
    MINUTE,
    NOON,
    PARCELS,
    Crashed,
    World,
    card,
    check_quiet,
    eur,
    figures,
    flow_of,
    line,
    run_until,
)

PATIENT = Policy(unpaid_ttl=None)


@frozen
class Case:
    """A use case: what was before, and the command that may crash."""

    before: Callable[[World], object]
    name: str
    args: tuple[object, ...]
    kwargs: dict[str, Any]
    policy: Policy = PATIENT
    moods: tuple[tuple[str, str], ...] = ()

    def opened(self) -> World:
        """The world just before the command."""
        world = World(("MUG", "MAIN", 3), ("CUP", "STORE", 3), policy=self.policy)
        self.before(world)
        world.moods_by_id = dict(self.moods)
        return world

    def command(self, world: World) -> Any:  # noqa: ANN401
        """The command, as the flow it is."""
        return flow_of(world.desk, self.name, *self.args, **self.kwargs)


def nothing(_: World) -> None:
    """No history."""


def placed(*amounts: str | None) -> Callable[[World], object]:
    """An order for two SKUs, paid so."""
    return lambda world: world.desk.place(
        [line("MUG", 2), line("CUP", 1)],
        order_id="o1",
        tenders=[card(amount) for amount in amounts],
    )


def then(*steps: Callable[[World], object]) -> Callable[[World], object]:
    """One thing after the other."""

    def all_of(world: World) -> None:
        for step in steps:
            step(world)

    return all_of


def lapsed(*amounts: str | None) -> Callable[[World], object]:
    """An order whose authorizations have lapsed."""

    def before(world: World) -> None:
        world.lasting = HOUR
        placed(*amounts)(world)
        world.lasting = None
        world.now += HOUR

    return before


def does(name: str, *args: object, **kwargs: object) -> Callable[[World], object]:
    """A desk call on the order."""
    return lambda world: getattr(world.desk, name)("o1", *args, **kwargs)


def place(*amounts: str | None) -> dict[str, Any]:
    """The case's command: place such an order."""
    return {
        "name": "place",
        "args": ([line("MUG", 2), line("CUP", 1)],),
        "kwargs": {"order_id": "o1", "tenders": [card(amount) for amount in amounts]},
    }


def command(name: str, *args: object, **kwargs: object) -> dict[str, Any]:
    """The case's command: this, with a key."""
    return {"name": name, "args": ("o1", *args), "kwargs": {**kwargs, "key": "k1"}}


BY_HAND = Policy(capture="by_hand", unpaid_ttl=None)
AT_ONCE = Policy(capture="on_confirmation", unpaid_ttl=None)
REFUND_BY_HAND = Policy(capture="on_confirmation", refund="by_hand", unpaid_ttl=None)
LAPSING = Policy(capture="on_confirmation", unpaid_ttl=HOUR)
ON_PLACEMENT = Policy(capture="on_placement", unpaid_ttl=None)
TRANSFER = Tender(method="transfer", collected="beforehand")
SHIPPED = then(placed(None), does("ship", "f1"), does("ship", "f2"))
ADDRESSED = then(placed(None), does("edit", contact=Contact(name="Ann")))
BOOKING = ("book_label", "f1")
EXPRESS: dict[str, Any] = {"service": "express", "parcels": PARCELS}
LABELLED = then(ADDRESSED, does(*BOOKING, **EXPRESS))


def on_its_way(world: World) -> None:
    """The carrier has the labelled parcel."""
    for hours, status in ((-2, "handed_over"), (-1, "in_transit")):
        world.carrier.move("DHL-000001", Scan(status, NOON + hours * HOUR))


CASES = {
    "place, one tender": Case(nothing, **place(None)),
    "place, two tenders": Case(nothing, **place("12.00", None)),
    "place, captured at once": Case(nothing, **place("12.00", None), policy=AT_ONCE),
    "place, second tender declined": Case(
        nothing, **place("12.00", None), moods=(("o1/p2/authorize-1", "decline"),)
    ),
    "place, answer lost": Case(
        nothing, **place(None), moods=(("o1/p1/authorize-1", "answer_lost"),), policy=AT_ONCE
    ),
    "place, request lost": Case(
        nothing, **place(None), moods=(("o1/p1/capture-1", "request_lost"),), policy=AT_ONCE
    ),
    "place, capture declined": Case(
        nothing, **place("12.00", None), moods=(("o1/p2/capture-1", "decline"),), policy=AT_ONCE
    ),
    "pay": Case(placed(), **command("pay", [card()])),
    "pay, lapsing stock": Case(placed(), **command("pay", [card()]), policy=LAPSING),
    "capture by hand": Case(placed(None), **command("capture"), policy=BY_HAND),
    "capture part": Case(placed("12.00", None), **command("capture"), policy=BY_HAND),
    "cancel before capture": Case(placed(None), **command("cancel", reason="sorry")),
    "cancel after capture": Case(
        placed("12.00", None), **command("cancel", reason="sorry"), policy=AT_ONCE
    ),
    "ship, capture on dispatch": Case(placed("12.00", None), **command("ship", "f1")),
    "deliver, not shipped before": Case(placed(None), **command("deliver", "f1")),
    "deliver the last": Case(then(SHIPPED, does("deliver", "f1")), **command("deliver", "f2")),
    "report a cancellation": Case(
        placed(None), **command("report_cancellation", reason="elsewhere"), policy=AT_ONCE
    ),
    "report a cancellation after half left": Case(
        then(placed(None), does("ship", "f1")),
        **command("report_cancellation", reason="elsewhere"),
        policy=AT_ONCE,
    ),
    "resolve, and pay out": Case(
        then(placed(None), does("ship", "f1"), does("report_cancellation", reason="elsewhere")),
        **command("resolve", "cancelled_after_hand_over", resolution="write it off"),
        policy=AT_ONCE,
    ),
    "refund by hand": Case(
        then(placed("12.00", None), does("cancel", reason="sorry")),
        **command("refund"),
        policy=REFUND_BY_HAND,
    ),
    "release a hold": Case(
        then(placed(), does("hold", "fraud", blocks={"capture"}), does("pay", [card()])),
        **command("release_hold", "fraud"),
        policy=AT_ONCE,
    ),
    "place, charged in one step": Case(nothing, **place("12.00", None), policy=ON_PLACEMENT),
    "place, second charge declined": Case(
        nothing,
        **place("12.00", None),
        moods=(("o1/p2/charge-1", "decline"),),
        policy=ON_PLACEMENT,
    ),
    "place, charge unanswered": Case(
        nothing,
        **place(None),
        moods=(("o1/p1/charge-1", "request_lost"),),
        policy=ON_PLACEMENT,
    ),
    "authorize anew": Case(lapsed("12.00", None), name="resume", args=(), kwargs={}),
    "authorize anew, declined": Case(
        lapsed("12.00", None),
        name="resume",
        args=(),
        kwargs={},
        moods=(("o1/p2/authorize-2", "decline"),),
    ),
    "record a payment": Case(
        then(placed(), does("pay", [TRANSFER])),
        **command("record_payment", eur(30), method="transfer", reference="t-1"),
        policy=LAPSING,
    ),
    "record a payment nobody waits for": Case(
        placed(), **command("record_payment", eur(30), method="cash"), policy=LAPSING
    ),
    **{
        f"book a label, {mood}": Case(
            ADDRESSED, **command(*BOOKING, **EXPRESS), moods=(("o1/f1/label-9", mood),)
        )
        for mood in ("approve", "refuse", "answer_lost", "request_lost")
    },
    **{
        f"give a label back, {mood}": Case(
            LABELLED, **command("cancel_label", "f1"), moods=(("o1/f1/cancel-12", mood),)
        )
        for mood in ("approve", "refuse", "answer_lost", "request_lost")
    },
    "cancel what is labelled": Case(LABELLED, **command("cancel", reason="sorry")),
    "split what is labelled": Case(LABELLED, **command("split", "f1", {"l1": 1})),
    "move what is labelled": Case(
        then(LABELLED, lambda world: world.receive("more", "MUG", "STORE", 3)),
        **command("move", "f1", "STORE"),
    ),
    "ship what is labelled": Case(LABELLED, **command("ship", "f1")),
    "track what is on its way": Case(
        then(LABELLED, on_its_way), name="track", args=("o1", "f1"), kwargs={}
    ),
    "report a chargeback": Case(
        placed(None), **command("report_chargeback", "p1", eur(5)), policy=AT_ONCE
    ),
}


def count(case: Case) -> int:
    """How many requests the command makes when nothing crashes."""
    number = 0
    while True:
        world = case.opened()
        try:
            run_until(world, case.command(world), number, performed=True)
        except Crashed:
            number += 1
        else:
            return number


def recovered(case: Case, world: World) -> None:
    """Restart: resume until quiet, send the command again, and let the provider be calm."""
    world.desk = world.new_desk()
    for _ in range(8):  # beyond any patience, before anything lapses
        world.now += 2 * MINUTE
        assert () == world.desk.resume().failures
    getattr(world.desk, case.name)(*case.args, **case.kwargs)
    world.calm(keep_moods=True)


def expected(case: Case) -> object:
    """What becomes of the world when nothing crashes."""
    world = case.opened()
    world.desk.run(case.command(world))
    recovered(case, world)
    check_quiet(world)
    return figures(world)


@pytest.mark.parametrize("name", CASES)
def test_a_crash_at_any_request_changes_nothing_in_the_end(name: str) -> None:
    """Wherever a use case dies, resuming and repeating it ends where the uncrashed run ends."""
    case = CASES[name]
    wanted = expected(case)
    for stop in range(count(case)):
        for performed in (False, True):
            world = case.opened()
            with pytest.raises(Crashed):
                run_until(world, case.command(world), stop, performed=performed)
            recovered(case, world)
            check_quiet(world)
            assert wanted == figures(world), (stop, performed)


@pytest.mark.parametrize("name", ["place, captured at once", "cancel after capture", "pay"])
def test_a_crash_while_resuming_changes_nothing_either(name: str) -> None:
    """After every crash, resuming may crash at every point too; a third start still finishes."""
    case = CASES[name]
    wanted = expected(case)
    for first in range(count(case)):
        for second in range(100):
            world = case.opened()
            with pytest.raises(Crashed):
                run_until(world, case.command(world), first, performed=second % 2 == 0)
            world.now += HOUR / 4
            try:
                run_until(world, flow_of(world.desk, "resume"), second // 2, performed=True)
            except Crashed:
                recovered(case, world)
                assert wanted == figures(world), (first, second)
            else:
                break
        else:
            raise AssertionError("resume has no end")


@pytest.mark.parametrize("name", ["place, two tenders", "place, captured at once"])
def test_a_placement_that_crashes_twice_is_placed_once(name: str) -> None:
    """The same placement sent again at once, and crashing again anywhere, still ends the same."""
    case = CASES[name]
    wanted = expected(case)
    length = count(case)
    for first in range(length):
        for second in range(length):
            world = case.opened()
            with pytest.raises(Crashed):
                run_until(world, case.command(world), first, performed=True)
            with suppress(Crashed):
                run_until(world, case.command(world), second, performed=False)
            recovered(case, world)
            assert wanted == figures(world), (first, second)


def test_an_error_of_the_storage_is_like_a_crash() -> None:
    """A repository that fails at its n-th save loses nothing that was saved before."""
    case = CASES["place, captured at once"]
    wanted = expected(case)
    for broken in range(6):
        world = case.opened()
        saves = 0
        save = world.orders.save

        def failing(*args: object, **kwargs: object) -> None:
            nonlocal saves
            saves += 1
            if saves == broken + 1:  # noqa: B023
                raise BrokenStorageError
            save(*args, **kwargs)  # noqa: B023

        world.orders.save = failing
        with pytest.raises(BrokenStorageError):
            world.desk.run(case.command(world))
        del world.orders.save
        recovered(case, world)
        assert wanted == figures(world), broken


class BrokenStorageError(OrderwrightError):
    """The disk is full."""
