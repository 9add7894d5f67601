"""What runs a flow: performs each request it yields, and sends it the reply.

A request whose adapter failed in a way that may pass (``retryable``) is made again after a while,
if ``ports.pause`` says how to wait: nothing had happened, so nothing happens twice.
"""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar, cast

from orderwright.errors import (
    AdapterFault,
    BrokenPromise,
    KeyReused,
    OrderwrightError,
    OutcomeUnknown,
    said_by,
)
from orderwright.requests import Request, require_new

if TYPE_CHECKING:
    from orderwright.requests import Flow, Ports

__all__ = ["known", "run", "run_async"]

T = TypeVar("T")

WAITS = tuple(timedelta(milliseconds=50 * 4**step) for step in range(4))
"""How long to wait before the second, third … try: 0.05, 0.2, 0.8 and 3.2 seconds."""


def run(flow: Flow[T], ports: Ports) -> T:
    """Run ``flow`` to its end with sync ``ports`` and return its result.

    What a port raises is raised inside the flow; an exception that is none of ours, or not one
    for such a port to raise, as an AdapterFault with the exception as its cause. Raises
    BrokenPromise for a reply that would have to be awaited: that port needs the async desk.
    Raises InvalidInput for a flow that was run before.
    """
    require_new(flow)
    send, perform_error = flow.send, flow.throw
    tries = 0
    try:
        request = send(None)
        while True:
            try:
                reply = request.perform(ports)
            except Exception as error:  # noqa: BLE001 - it is the flow's to handle
                fault = known(request, error)
                wait = _wait(fault, tries)
                if wait is None or ports.pause is None:
                    request, tries = perform_error(fault), 0
                else:
                    ports.pause(wait)
                    tries += 1
                continue
            tries = 0
            if reply is not None and hasattr(type(reply), "__await__"):
                request = perform_error(_not_sync(request, reply))
            else:
                request = send(reply)
    except StopIteration as stop:
        result: T = stop.value
        return result


def known(request: object, error: Exception) -> OrderwrightError:
    """Return an error of our tree: what an adapter lets through of its own is its fault.

    So is an error of ours that blames the order, from a provider or a carrier: what it stumbled
    over is its own answer, and what it was asked for may have been done.
    """
    asked = type(request).__name__
    outside = isinstance(request, Request) and request.outside
    told = (AdapterFault, KeyReused) if outside else OrderwrightError
    if isinstance(error, told):
        return error
    # The fault is kept with the order, and what failed with an address may quote it.
    private = isinstance(request, Request) and request.private
    fault = AdapterFault(asked, type(error).__name__ if private else said_by(error))
    fault.__cause__ = error
    return fault


def _not_sync(request: object, reply: object) -> BrokenPromise:
    close = getattr(reply, "close", None)
    if close is not None:
        close()
    return BrokenPromise(
        "port", f"{type(request).__name__} was answered with an awaitable; use AsyncOrderDesk"
    )


def _wait(error: OrderwrightError, tries: int) -> timedelta | None:
    """Return how long to wait before the same request is made again; None to give up.

    What may have happened is for the flow, which looks it up.
    """
    passing = isinstance(error, AdapterFault) and error.retryable
    if not passing or isinstance(error, OutcomeUnknown) or tries == len(WAITS):
        return None
    return WAITS[tries]


async def run_async(flow: Flow[T], ports: Ports) -> T:
    """Run ``flow`` to its end, awaiting what has to be awaited, and return its result.

    Sync and async ports may be mixed. Cancelling it at any await is like a crash there: nothing
    is lost, and ``resume`` finishes it. Raises InvalidInput for a flow that was run before.
    """
    require_new(flow)
    tries = 0
    try:
        request = flow.send(None)
        while True:
            try:
                reply: object = request.perform(ports)
                if isinstance(reply, Awaitable):
                    reply = await cast("Awaitable[object]", reply)
            except Exception as error:  # noqa: BLE001 - it is the flow's to handle
                fault = known(request, error)
                wait = _wait(fault, tries)
                if wait is None or ports.pause is None:
                    request, tries = flow.throw(fault), 0
                    continue
                waiting = ports.pause(wait)
                if waiting is not None:
                    await waiting
                tries += 1
            else:
                tries = 0
                request = flow.send(reply)
    except StopIteration as stop:
        result: T = stop.value
        return result
