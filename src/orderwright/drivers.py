"""What runs a flow: performs each request it yields, and sends it the reply."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, TypeVar, cast

from orderwright.errors import AdapterFault, BrokenPromise, OrderwrightError

if TYPE_CHECKING:
    from orderwright.requests import Flow, Ports

__all__ = ["run", "run_async"]

T = TypeVar("T")


def run(flow: Flow[T], ports: Ports) -> T:
    """Run ``flow`` to its end with sync ``ports`` and return its result.

    What a port raises is raised inside the flow; an exception that is none of ours as an
    AdapterFault with the exception as its cause. Raises BrokenPromise for a reply that would have
    to be awaited: that port needs the async desk.
    """
    send, perform_error = flow.send, flow.throw
    try:
        request = send(None)
        while True:
            try:
                reply = request.perform(ports)
            except Exception as error:  # noqa: BLE001 - it is the flow's to handle
                request = perform_error(_known(request, error))
                continue
            if reply is not None and hasattr(type(reply), "__await__"):
                request = perform_error(_not_sync(request, reply))
            else:
                request = send(reply)
    except StopIteration as stop:
        result: T = stop.value
        return result


def _known(request: object, error: Exception) -> OrderwrightError:
    """Return an error of our tree: what an adapter lets through of its own is its fault."""
    if isinstance(error, OrderwrightError):
        return error
    asked = type(request).__name__
    fault = AdapterFault(asked, f"{type(error).__name__}: {error}")
    fault.__cause__ = error
    return fault


def _not_sync(request: object, reply: object) -> BrokenPromise:
    close = getattr(reply, "close", None)
    if close is not None:
        close()
    return BrokenPromise(
        "port", f"{type(request).__name__} was answered with an awaitable; use AsyncOrderDesk"
    )


async def run_async(flow: Flow[T], ports: Ports) -> T:
    """Run ``flow`` to its end, awaiting what has to be awaited, and return its result.

    Sync and async ports may be mixed. Cancelling it at any await is like a crash there: nothing
    is lost, and ``resume`` finishes it.
    """
    try:
        request = flow.send(None)
        while True:
            try:
                reply: object = request.perform(ports)
                if isinstance(reply, Awaitable):
                    reply = await cast("Awaitable[object]", reply)
            except Exception as error:  # noqa: BLE001 - it is the flow's to handle
                request = flow.throw(_known(request, error))
            else:
                request = flow.send(reply)
    except StopIteration as stop:
        result: T = stop.value
        return result
