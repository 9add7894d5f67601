"""What drivers, errors and desks do where something outside is odd, slow, or says too much."""

from typing import Any

import pytest

from orderwright.errors import (
    AdapterFault,
    InvalidInput,
    NotFound,
    OrderwrightError,
    OutcomeUnknown,
    Refused,
)
from orderwright.requests import Flow, ask, relayed
from tests.test_drivers import both, ports, two
from tests.worlds import HOUR, NOON, World, card, line


class Mute(Exception):
    """An exception that cannot even say what is wrong."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


class Failing:
    """A port whose verbs do what they are asked, and then raise `error` instead of answering."""

    def __init__(self, port: Any, error: Exception) -> None:  # noqa: ANN401
        self._port = port
        self._error = error
        self.capabilities = port.capabilities
        self.look_up = port.look_up

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        verb = getattr(self._port, name)

        def call(*args: object, **kwargs: object) -> object:
            verb(*args, **kwargs)
            raise self._error

        return call


@pytest.mark.parametrize(
    "error",
    [
        ValueError("<p>Bad gateway</p>" * 2_000),
        ValueError("half a line\0"),
        ValueError("\ud800"),
        OutcomeUnknown("provider", "<p>Bad gateway</p>" * 2_000),
        Mute(),
    ],
)
def test_whatever_a_provider_fails_with_is_noted_on_the_order(error: Exception) -> None:
    """The card was authorized, so the order is there: its place is not refused for a text."""
    world = World()
    desk = world.new_desk(payments=Failing(world.payments, error))
    placed = desk.place([line()], order_id="o1", tenders=[card()])
    [intent] = placed.intents
    assert intent.reason.isprintable()
    assert len(intent.reason) < 600
    assert (("o1",), ()) == desk.resume(now=NOON + HOUR)
    assert "authorized" == desk.order("o1").money


@pytest.mark.parametrize("awaited", [False, True])
def test_an_exception_that_cannot_be_told_is_the_adapters_fault(*, awaited: bool) -> None:
    """The flow hears of it by its kind, and what it was is the cause."""
    with pytest.raises(AdapterFault, match=r"LoadOrder: Mute$") as caught:
        both(two(), ports(Mute()), awaited=awaited)
    assert isinstance(caught.value.__cause__, Mute)


@pytest.mark.parametrize(
    "error",
    [
        InvalidInput.at("expires_at", "2026-03-02T12:00:00 has no time zone"),
        Refused("too much", "o1"),
        NotFound("wallet", "ann"),
    ],
)
def test_a_provider_that_says_whose_mistake_it_is_says_nothing_of_the_order(
    error: OrderwrightError,
) -> None:
    """An adapter that trips over its own answer is no mistake of who placed the order."""
    world = World()
    desk = world.new_desk(payments=Failing(world.payments, error))
    placed = desk.place([line()], order_id="o1", tenders=[card()])
    assert ["unknown"] == [one.state.name for one in placed.payments[0].operations]
    assert type(error).__name__ in placed.intents[0].reason
    assert (("o1",), ()) == desk.resume(now=NOON + HOUR)
    assert "authorized" == desk.order("o1").money


@pytest.mark.parametrize("awaited", [False, True])
def test_a_flow_runs_once(*, awaited: bool) -> None:
    """Run again after an error it would be over at once, with None as if all were well."""
    flow, failing = two(), AdapterFault("db", "down")
    with pytest.raises(AdapterFault):
        both(flow, ports(failing), awaited=awaited)
    for used in (flow, relayed(flow, ask), begun()):
        with pytest.raises(InvalidInput, match="flow: was run before"):
            both(used, ports(1, 2), awaited=awaited)


def begun() -> Flow[object]:
    """A flow that waits for a reply."""
    flow = two()
    next(flow)
    return flow
