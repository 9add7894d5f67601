"""Stores opened for a test: async ones behind a sync face, and races between adapters on one store.

A clause is tested by one plain function, whatever the adapter is. An async adapter lives on an
event loop in a thread of its own, one for each store; its calls are tasks there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Barrier, Thread
from typing import TYPE_CHECKING, Any, TypeVar, cast, final

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Sequence
    from contextlib import AbstractAsyncContextManager

__all__ = ["Awaited", "Loop", "awaited", "raced"]

T = TypeVar("T")


def _in_thread(work: Callable[[], T]) -> Future[T]:
    """Begin ``work`` in a thread that no hanging adapter can keep the process from leaving."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised again where the result is asked for
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    return future


def raced(calls: Sequence[Callable[[], T]], patience: float) -> list[T]:
    """Make all calls at once, each in a thread of its own, and return what they return.

    Raises the first error one of them raises, and AssertionError if not all have come back after
    ``patience`` seconds.
    """
    start = Barrier(len(calls))

    def begun(call: Callable[[], T]) -> T:
        start.wait()
        return call()

    running = [_in_thread(lambda call=call: begun(call)) for call in calls]  # type: ignore[misc]
    return [_finished(one, patience) for one in running]


def _finished(future: Future[T], patience: float) -> T:
    try:
        return future.result(patience)
    except TimeoutError:
        if future.done():
            raise
        raise AssertionError(f"no answer after {patience:g} seconds") from None


@final
class Loop:
    """An event loop that runs in a thread of its own."""

    def __init__(self, loop: asyncio.AbstractEventLoop, patience: float) -> None:
        self._loop = loop
        self._patience = patience

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run ``work`` as a task there, and return its result."""
        return _finished(asyncio.run_coroutine_threadsafe(work, self._loop), self._patience)


@final
class Awaited:
    """An async adapter with a sync face: whatever it is asked is awaited on its loop."""

    def __init__(self, adapter: object, loop: Loop) -> None:
        self._adapter = adapter
        self._loop = loop

    def __getattr__(self, name: str) -> object:
        """Return what is no method as it is, and a method that waits for its result."""
        found: object = getattr(self._adapter, name)
        if not callable(found):
            return found
        method: Callable[..., object] = found

        async def awaiting(*args: object, **named: object) -> object:
            reply = method(*args, **named)
            if not isinstance(reply, Awaitable):
                raise TypeError(f"{name} returned {type(reply).__name__}, which cannot be awaited")
            return await cast("Awaitable[object]", reply)

        def asked(*args: object, **named: object) -> object:
            return self._loop.run(awaiting(*args, **named))

        return asked


@contextmanager
def awaited(manager: AbstractAsyncContextManager[T], patience: float) -> Generator[tuple[T, Loop]]:
    """Enter an async context manager on a loop of its own, and leave it there in the same task."""
    entered: Future[tuple[T, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def hold() -> None:
        leave = asyncio.Event()
        async with manager as found:
            entered.set_result((found, asyncio.get_running_loop(), leave))
            await leave.wait()

    def run() -> None:
        with asyncio.Runner() as runner:
            try:
                runner.run(hold())
            except BaseException as error:
                if not entered.done():
                    entered.set_exception(error)
                raise

    holding = _in_thread(run)
    found, loop, leave = _finished(entered, patience)
    try:
        yield found, Loop(loop, patience)
    finally:
        loop.call_soon_threadsafe(leave.set)
        _finished(holding, patience)
