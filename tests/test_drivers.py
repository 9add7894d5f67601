"""Drivers perform what a flow asks, raise into it what failed, and never lose its result."""

import asyncio
import gc
from collections.abc import Awaitable, Generator
from datetime import timedelta

import pytest

from orderwright.drivers import WAITS, run, run_async
from orderwright.errors import AdapterFault, BrokenPromise, NotFound, OutcomeUnknown
from orderwright.requests import Flow, LoadEvents, LoadOrder, Ports, Request, ask


class Answers:
    """A port whose answers are given."""

    def __init__(self, *replies: object) -> None:
        self.replies = list(replies)

    def load(self, _: str) -> object:
        """Give the next answer, or raise it."""
        reply = self.replies.pop(0)
        if isinstance(reply, BaseException):
            raise reply
        return reply

    events = load


def ports(*replies: object, pause: object = None) -> Ports:
    """Ports that answer so."""
    answers = Answers(*replies)
    return Ports(orders=answers, inventory=answers, payments=answers, pause=pause)


def two() -> Flow[tuple[object, object]]:
    """Ask twice, and return both replies."""
    first = yield from ask(LoadOrder("o1"))
    second = yield from ask(LoadEvents("o1"))
    return first, second


def forgiving() -> Flow[str]:
    """Ask, catch what is raised, and ask again."""
    try:
        yield from ask(LoadOrder("o1"))
    except (NotFound, BrokenPromise) as error:
        again = yield from ask(LoadOrder("o1"))
        return f"{type(error).__name__}, then {again}"
    return "no error"


def at_once() -> Flow[str]:
    """Return without asking."""
    return "done"
    yield


async def later(value: object) -> object:
    """Answer after giving way once."""
    await asyncio.sleep(0)
    if isinstance(value, BaseException):
        raise value
    return value


def both(flow: Flow[object], given: Ports, *, awaited: bool) -> object:
    """Run with either driver."""
    return asyncio.run(run_async(flow, given)) if awaited else run(flow, given)


@pytest.mark.parametrize("awaited", [False, True])
def test_the_result_is_what_the_flow_returns(*, awaited: bool) -> None:
    """Replies reach the flow in order, and its result the caller."""
    assert (1, 2) == both(two(), ports(1, 2), awaited=awaited)
    assert "done" == both(at_once(), ports(), awaited=awaited)


@pytest.mark.parametrize("awaited", [False, True])
def test_what_a_port_raises_is_the_flows_to_handle(*, awaited: bool) -> None:
    """An error comes up where the flow asked; it may go on, or not catch it."""
    error = NotFound("order", "o1")
    assert "NotFound, then 7" == both(forgiving(), ports(error, 7), awaited=awaited)
    assert "no error" == both(forgiving(), ports(7), awaited=awaited)
    with pytest.raises(NotFound):
        both(two(), ports(1, error), awaited=awaited)


def test_the_async_driver_awaits_what_has_to_be_awaited() -> None:
    """Plain and awaited replies mix, and awaited errors are raised into the flow."""
    assert (1, 2) == asyncio.run(run_async(two(), ports(later(1), 2)))
    error = NotFound("order", "o1")
    assert "NotFound, then 7" == asyncio.run(run_async(forgiving(), ports(later(error), later(7))))


class Promise:
    """An awaitable that cannot be closed."""

    def __await__(self) -> Generator[None, None, None]:
        """Never get there."""
        yield


@pytest.mark.parametrize("promise", [later, lambda _: Promise()])
def test_the_sync_driver_refuses_a_promise(promise: type[Awaitable[object]]) -> None:
    """A reply that would have to be awaited breaks the port's promise, and is not left over."""
    with pytest.raises(BrokenPromise, match="LoadOrder was answered with an awaitable"):
        run(two(), ports(promise(1)))
    assert "BrokenPromise, then 7" == run(forgiving(), ports(promise(1), 7))
    gc.collect()  # a coroutine that was never awaited would warn here, and warnings are errors


@pytest.mark.parametrize("awaited", [False, True])
def test_an_interrupt_is_not_the_flows_business(*, awaited: bool) -> None:
    """Ctrl-C is like a crash: it goes to the caller, and the flow is simply over."""
    flow = forgiving()
    with pytest.raises(KeyboardInterrupt):
        both(flow, ports(KeyboardInterrupt()), awaited=awaited)


@pytest.mark.parametrize("awaited", [False, True])
def test_a_flow_may_ask_a_request_of_ones_own(*, awaited: bool) -> None:
    """What a request does is its own affair."""

    class Sum(Request[int]):
        """Not a port's business at all."""

        def perform(self, _: Ports) -> int:
            """Add up."""
            return 1 + 1

    def flow() -> Flow[int]:
        return (yield from ask(Sum()))

    assert 2 == both(flow(), ports(), awaited=awaited)


BUSY = AdapterFault("db", "deadlock", retryable=True)


def pausing(waited: list[timedelta], *, awaited: bool) -> object:
    """How to wait, without waiting: what would be waited is kept."""

    async def later_on(span: timedelta) -> None:
        await asyncio.sleep(0)
        waited.append(span)

    return later_on if awaited else waited.append


@pytest.mark.parametrize("awaited", [False, True])
def test_what_failed_in_passing_is_asked_again_with_back_off(*, awaited: bool) -> None:
    """The flow never hears of it, and each request has tries of its own."""
    waited: list[timedelta] = []
    given = ports(BUSY, BUSY, 1, BUSY, 2, pause=pausing(waited, awaited=awaited))
    assert (1, 2) == both(two(), given, awaited=awaited)
    assert [*WAITS[:2], WAITS[0]] == waited


def test_the_async_driver_waits_in_either_way() -> None:
    """A way to wait that blocks, and returns nothing to await, does as well."""
    waited: list[timedelta] = []
    given = ports(BUSY, 1, 2, pause=waited.append)
    assert (1, 2) == both(two(), given, awaited=True)
    assert [WAITS[0]] == waited


@pytest.mark.parametrize("awaited", [False, True])
def test_after_the_last_try_it_is_the_flows(*, awaited: bool) -> None:
    """A fault that does not pass is raised into the flow after all waits, each longer."""
    waited: list[timedelta] = []
    faults = [BUSY] * (len(WAITS) + 1)
    with pytest.raises(AdapterFault, match="deadlock"):
        both(two(), ports(*faults, pause=pausing(waited, awaited=awaited)), awaited=awaited)
    assert list(WAITS) == waited == sorted(set(waited))


@pytest.mark.parametrize("awaited", [False, True])
@pytest.mark.parametrize(
    "error",
    [
        AdapterFault("db", "no such table"),
        OutcomeUnknown("db", "connection lost", retryable=True),
        NotFound("order", "o1"),
    ],
)
def test_what_may_have_happened_or_will_not_pass_is_not_asked_again(
    error: Exception, *, awaited: bool
) -> None:
    """Only a fault that says nothing was done, and that it may pass, is tried again."""
    waited: list[timedelta] = []
    with pytest.raises(type(error)):
        both(two(), ports(error, 1, 2, pause=pausing(waited, awaited=awaited)), awaited=awaited)
    assert [] == waited


@pytest.mark.parametrize("awaited", [False, True])
def test_without_a_way_to_wait_nothing_is_asked_again(*, awaited: bool) -> None:
    """A desk without `pause` raises at once."""
    with pytest.raises(AdapterFault):
        both(two(), ports(BUSY, 1, 2), awaited=awaited)
