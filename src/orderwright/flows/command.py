"""``@command``: a desk method is declared once, as a flow, and both desks have it.

On a class that runs flows at once, ``place`` is an ordinary method that returns an ``Order``; on
one that awaits, it is an ``async def``. Type checkers see that through the descriptor's overloads;
at run time the class is given real functions when it is made, so that signatures, help texts,
mocks and ``iscoroutinefunction`` see what is there.
"""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from orderwright.requests import Flow

__all__ = ["AsyncRunner", "SyncRunner", "command", "commands"]

P = ParamSpec("P")
T = TypeVar("T")


class command(Generic[P, T]):  # noqa: N801 - used as a decorator
    """Mark a flow method of a mix-in as a method of both desks."""

    def __init__(self, flow: Callable[Concatenate[Any, P], Flow[T]]) -> None:
        self.flow = flow
        self.__doc__ = flow.__doc__
        signature = inspect.signature(flow)
        returns = str(signature.return_annotation).removeprefix("Flow[").removesuffix("]")
        self.signature: inspect.Signature = signature.replace(return_annotation=returns)

    @overload
    def __get__(self, desk: SyncRunner, owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, desk: AsyncRunner, owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    @overload
    def __get__(self, desk: object, owner: type) -> command[P, T]: ...
    def __get__(self, desk: object, owner: type) -> object:
        """Return the mark itself; classes that run flows replace it by a real function."""
        return self

    def sync_function(self) -> Callable[..., Any]:
        """Return the ordinary function that runs the flow."""
        flow = self.flow

        def method(desk: SyncRunner, *args: Any, **kwargs: Any) -> T:  # noqa: ANN401
            return desk.run(flow(desk, *args, **kwargs))

        return self.dressed(method)

    def async_function(self) -> Callable[..., Any]:
        """Return the ``async def`` function that runs the flow."""
        flow = self.flow

        async def method(desk: AsyncRunner, *args: Any, **kwargs: Any) -> T:  # noqa: ANN401
            return await desk.run(flow(desk, *args, **kwargs))

        return self.dressed(method)

    def dressed(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """Give ``method`` the name, text and signature of the flow, returning what it returns."""
        functools.update_wrapper(method, self.flow)
        del method.__dict__["__wrapped__"]
        method.__signature__ = self.signature  # type: ignore[attr-defined]
        method.__dict__["flow"] = self.flow  # as the mark has it
        returns = self.signature.return_annotation
        method.__annotations__ = {**self.flow.__annotations__, "return": returns}
        return method


def commands(cls: type) -> dict[str, command[..., Any]]:
    """Return the commands of ``cls`` and of what it inherits from, by name."""
    found: dict[str, object] = {}
    for base in reversed(cls.__mro__):
        found |= vars(base)
    return {name: value for name, value in found.items() if isinstance(value, command)}


class SyncRunner:
    """Base of a class that runs flows at once."""

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        """Replace every command the class inherits by an ordinary function."""
        for name, value in commands(cls).items():
            setattr(cls, name, value.sync_function())

    def run(self, flow: Flow[T]) -> T:
        """Run ``flow`` to its end and return its result."""
        raise NotImplementedError


class AsyncRunner:
    """Base of a class that awaits what flows ask."""

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        """Replace every command the class inherits by an ``async def`` function."""
        for name, value in commands(cls).items():
            setattr(cls, name, value.async_function())

    async def run(self, flow: Flow[T]) -> T:
        """Run ``flow`` to its end and return its result."""
        raise NotImplementedError
