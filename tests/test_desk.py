"""Both desks look like what they are, and do the same with sync, async and mixed adapters."""

import asyncio
import gc
import inspect
import pydoc
import re
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import create_autospec

import pytest

from orderwright import AsyncOrderDesk, Contact, InvalidInput, OrderDesk, Policy
from orderwright.errors import BrokenPromise
from orderwright.flows.command import AsyncRunner, SyncRunner, command
from orderwright.requests import Flow, LoadOrder, ask
from orderwright.testing.simulation import Call, explore
from tests.worlds import (
    LOCATIONS,
    NOON,
    PARCELS,
    World,
    card,
    check_quiet,
    commands_of,
    figures,
    flow_of,
    line,
)

COMMANDS = sorted(commands_of(OrderDesk))
DESKS = [OrderDesk, AsyncOrderDesk]


class Slow:
    """Any adapter, made async: every method gives way before and after its effect."""

    def __init__(self, adapter: object) -> None:
        self._adapter = adapter

    def __getattr__(self, name: str) -> object:
        """Wrap methods; hand properties through."""
        found = getattr(self._adapter, name)
        if not callable(found):
            return found

        async def method(*args: object, **kwargs: object) -> object:
            await asyncio.sleep(0)
            reply = found(*args, **kwargs)
            await asyncio.sleep(0)
            return reply

        return method


def async_desk(world: World, *slow: str) -> AsyncOrderDesk:
    """An async desk on the world, with the adapters named made async."""
    names = ("orders", "inventory", "payments", "carrier")
    adapters = {name: getattr(world, name) for name in names}
    adapters |= {name: Slow(adapters[name]) for name in slow}
    return AsyncOrderDesk(
        **adapters, locations=LOCATIONS, policy=world.policy, clock=lambda: world.now
    )


def test_the_desks_have_the_same_commands() -> None:
    """Every command is declared once and is on both, and there are as many as there should be."""
    assert COMMANDS == sorted(commands_of(AsyncOrderDesk))
    assert set(COMMANDS) >= {"place", "pay", "cancel", "ship", "deliver", "resume", "order"}


@pytest.mark.parametrize("desk", DESKS)
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_looks_like_a_method(desk: type, name: str) -> None:
    """Signature, name, text and module are those of the flow, returning what the flow returns."""
    declared = commands_of(desk)[name].flow
    method = getattr(desk, name)
    assert inspect.isfunction(method)
    assert inspect.signature(declared).parameters == inspect.signature(method).parameters
    returns = f"Flow[{inspect.signature(method).return_annotation}]"
    assert returns == inspect.signature(declared).return_annotation
    assert method.__annotations__["return"] == inspect.signature(method).return_annotation
    assert (declared.__name__, declared.__qualname__, declared.__doc__, declared.__module__) == (
        method.__name__,
        method.__qualname__,
        method.__doc__,
        method.__module__,
    )
    assert inspect.getdoc(method)
    assert (desk is AsyncOrderDesk) == inspect.iscoroutinefunction(method)


@pytest.mark.parametrize("desk", DESKS)
def test_help_shows_methods(desk: type) -> None:
    """The help text has each command with its arguments, not some object."""
    page = pydoc.render_doc(desk, renderer=pydoc.plaintext)
    for name in COMMANDS:
        # Newer interpreters put each parameter on a line of its own.
        assert re.search(rf" {name}\([\s|]*self,", page), name


@pytest.mark.parametrize("desk", DESKS)
def test_a_mock_of_a_desk_checks_its_calls(desk: type) -> None:
    """create_autospec refuses a call the desk would refuse."""
    mock = create_autospec(desk, instance=True)
    answer = mock.ship("o1", "f1", carrier="DHL")
    if desk is AsyncOrderDesk:
        answer.close()
    for args, kwargs in ((("o1",), {}), (("o1", "f1"), {"courier": "DHL"}), (("a", "b", "c"), {})):
        with pytest.raises(TypeError):
            mock.ship(*args, **kwargs)


def noted_twice(desk: OrderDesk, order_id: str) -> Flow[int]:
    """A use case made of what a desk can do."""
    first = yield from OrderDesk.note.flow(desk, order_id, "seen")
    second = yield from AsyncOrderDesk.note.flow(desk, order_id, "seen again")
    return second.version - first.version


def test_a_use_case_takes_in_what_a_desk_can_do() -> None:
    """Each request of it is one of the use case's own, whoever runs that."""
    world = opened_with_an_order()
    assert 1 == world.desk.run(noted_twice(world.desk, "o1"))
    note = Call("note", "o1", "x")
    seen = explore(lambda: (opened_with_an_order(), [Call(noted_twice, "o1"), note]))
    assert seen.states > explore(lambda: (opened_with_an_order(), [note, note])).states


def opened_with_an_order() -> World:
    """A shop with one order."""
    world = World(("MUG", "MAIN", 3))
    world.desk.place([line()], order_id="o1")
    return world


def test_a_mixin_keeps_its_mark() -> None:
    """On a class that runs nothing, a command is what it was declared as."""

    class Mixin:
        @command
        def ping(self) -> Flow[str]:
            """Ping."""
            return (yield from ())

    assert isinstance(Mixin.ping, command)
    assert isinstance(Mixin().ping, command)
    assert "Ping." == Mixin.ping.__doc__
    with pytest.raises(NotImplementedError):
        SyncRunner().run(iter(()))
    with pytest.raises(NotImplementedError):
        asyncio.run(AsyncRunner().run(iter(())))


def test_a_flow_of_ones_own_runs_on_the_desk() -> None:
    """A desk runs any flow with its adapters, sync and async."""
    world = World()
    world.desk.place([line()], order_id="o1")

    def goods() -> Flow[str]:
        order = yield from ask(LoadOrder("o1"))
        return "" if order is None else order.goods

    assert "reserved" == world.desk.run(goods())
    assert "reserved" == asyncio.run(async_desk(world, "orders").run(goods()))


def test_a_desk_with_a_clock_and_ids_needs_neither() -> None:
    """Left out, time and id come from what the desk was built with; without, both are asked for."""
    world = World()
    order = world.new_desk(ids=lambda: "made").place([line()])
    assert ("made", NOON) == (order.id, order.placed_at)
    with pytest.raises(InvalidInput, match="order_id: pass one, or build the desk with ids"):
        world.desk.place([line()])
    with pytest.raises(InvalidInput, match="at: pass a time, or build the desk with a clock"):
        world.new_desk(clock=None).place([line()], order_id="o1")
    with pytest.raises(InvalidInput, match=r"clock\(\): .* no time zone"):
        world.new_desk(clock=lambda: NOON.replace(tzinfo=None)).place([line()], order_id="o1")


STORY: list[tuple[str, tuple[object, ...], dict[str, Any]]] = [
    (
        "place",
        ([line("MUG", 2)],),
        {"order_id": "o1", "tenders": [card("5.00"), card()], "contact": Contact(name="Ann")},
    ),
    ("advance", ("o1", "f1", "release"), {}),
    ("rates", ("o1", "f1"), {"parcels": PARCELS}),
    ("book_label", ("o1", "f1"), {"service": "express", "parcels": PARCELS}),
    ("cancel_label", ("o1", "f1"), {}),
    ("book_label", ("o1", "f1"), {"service": "standard", "parcels": PARCELS}),
    ("ship", ("o1", "f1"), {}),
    ("find", ("tracking", "DHL-000002"), {}),
    ("track", ("o1", "f1"), {}),
    ("deliver", ("o1", "f1"), {}),
    ("place", ([line("MUG", 1)],), {"order_id": "o2"}),
    ("cancel", ("o2",), {"reason": "sorry"}),
    ("resume", (), {}),
    ("history", ("o1",), {}),
]


@pytest.mark.parametrize(
    "slow",
    [(), ("orders",), ("payments",), ("carrier",), ("orders", "inventory", "payments", "carrier")],
)
def test_the_async_desk_does_what_the_sync_one_does(slow: tuple[str, ...]) -> None:
    """With sync, async and mixed adapters the results and the stored world are equal."""
    one, other = World(), World()
    desk = async_desk(other, *slow)

    async def told() -> list[object]:
        return [await getattr(desk, name)(*args, **kwargs) for name, args, kwargs in STORY]

    expected = [getattr(one.desk, name)(*args, **kwargs) for name, args, kwargs in STORY]
    assert expected == asyncio.run(told())
    assert figures(one) == figures(other)
    check_quiet(other)


class Veiled(Slow):
    """An async adapter that does not look like one until it answers."""

    def __getattr__(self, name: str) -> object:
        """Hide the coroutine function behind an ordinary one."""
        verb = super().__getattr__(name)
        if not callable(verb):
            return verb

        def veiled(*given: object, **named: object) -> object:
            return verb(*given, **named)

        return veiled


def test_a_sync_desk_refuses_async_adapters_when_it_is_built() -> None:
    """Each of the four ports is refused by its name before any order can be affected."""
    world = World()
    for name in ("orders", "inventory", "payments", "carrier"):
        with pytest.raises(InvalidInput, match=f"{name}: is an async adapter; use AsyncOrderDesk"):
            world.new_desk(**{name: Slow(getattr(world, name))})


def test_a_sync_desk_refuses_awaitable_replies_before_anything_is_saved() -> None:
    """A reply that would have to be awaited is a broken promise, and leaves no coroutine behind."""
    world = World()
    for name in ("orders", "inventory"):
        before = world.trace()
        desk = world.new_desk(**{name: Veiled(getattr(world, name))})
        with pytest.raises(BrokenPromise, match="use AsyncOrderDesk"):
            desk.place([line()], order_id="o1")
        assert before == world.trace()
    gc.collect()


def awaits(make: Callable[[], tuple[World, Any]]) -> int:
    """How often the coroutine of `make` gives way until it is done."""
    _, running = make()
    count = 0
    try:
        while True:
            running.send(None)
            count += 1
    except StopIteration:
        return count


@pytest.mark.parametrize("policy", [Policy(capture="on_confirmation", unpaid_ttl=None)])
def test_cancelling_at_any_await_is_like_a_crash(policy: Policy) -> None:
    """A task cancelled anywhere leaves a world that resume and a second call finish."""

    def make() -> tuple[World, Any]:
        world = World(policy=policy)
        desk = async_desk(world, "orders", "inventory", "payments")
        given = {"order_id": "o1", "tenders": [card("3.00"), card()]}
        return world, desk.place([line("MUG", 2)], **given)

    def finished(world: World) -> object:
        world.calm()
        world.desk.place([line("MUG", 2)], order_id="o1", tenders=[card("3.00"), card()])
        check_quiet(world)
        return figures(world)

    whole, running = make()
    assert "confirmed" == asyncio.run(wrapped(running)).state.name
    expected = finished(whole)
    total = awaits(make)
    assert total > 20
    for stop in range(1, total + 1):
        world, running = make()
        for _ in range(stop):
            running.send(None)
        with pytest.raises(asyncio.CancelledError):
            running.throw(asyncio.CancelledError())
        assert expected == finished(world), stop


async def wrapped(running: Any) -> Any:  # noqa: ANN401
    """Await it."""
    return await running


def test_desks_with_tasks_at_once_sell_the_last_unit_once() -> None:
    """Ten tasks on one loop want the last unit: one gets it."""
    world = World(("MUG", "MAIN", 1), policy=Policy(capture="on_confirmation"))
    desk = async_desk(world, "orders", "inventory", "payments")

    async def rush() -> list[object]:
        calls = (desk.place([line()], order_id=f"o{n}", tenders=[card()]) for n in range(10))
        return await asyncio.gather(*calls, return_exceptions=True)

    asyncio.run(rush())
    states = [order.state.name for order in world.all_orders()]
    assert 1 == states.count("confirmed")
    world.calm()
    check_quiet(world)
    assert 1 == sum(entry.kind == "capture" for entry in world.payments.books)


def test_flows_are_generators_that_do_nothing_before_they_run() -> None:
    """Making a flow has no effect; only a driver moves it."""
    world = World()
    before = world.trace()
    flow: Iterator[object] = flow_of(world.desk, "place", [line()], order_id="o1")
    assert inspect.isgenerator(flow)
    flow.close()
    assert before == world.trace()
