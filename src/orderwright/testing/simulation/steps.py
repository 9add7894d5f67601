"""What a schedule is made of: values that read as they are written, so that a story can be told."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, TypeAlias, cast, final

from orderwright.flows.command import commands
from orderwright.testing.simulation.writing import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Hashable

    from orderwright.desk import OrderDesk
    from orderwright.flows.command import command
    from orderwright.requests import Flow

__all__ = ["Begin", "Call", "Go", "Happen", "Late", "Step"]

UseCase: TypeAlias = "Callable[..., Generator[object, object, object]]"


@cache
def _commands(desk: Hashable) -> dict[str, command[..., object]]:
    found: dict[str, command[..., object]] = {}
    for base in reversed(cast("type", desk).__mro__[1:]):
        found |= commands(base)
    return found


@final
class Call(Value):
    """A command of the desk by its ``name``, with what it is told.

    Instead of a name it may be a use case of your own: a function that is given the desk, and what
    it is told, and returns a flow.
    """

    __slots__ = ("args", "more", "name")

    def __init__(self, name: str | UseCase, /, *args: object, **more: object) -> None:
        self.name: str | UseCase = name
        self.args: tuple[object, ...] = args
        self.more: dict[str, object] = more

    @property
    def told(self) -> str:
        """The name to tell it by."""
        if isinstance(self.name, str):
            return self.name
        return str(getattr(self.name, "__name__", type(self.name).__name__))

    def flow(self, desk: OrderDesk) -> Flow[object]:
        """Return the flow that runs it. Raises KeyError if a desk has no such command."""
        if isinstance(self.name, str):
            case: UseCase = _commands(cast("Hashable", type(desk)))[self.name].flow
        else:
            case = self.name
        return cast("Flow[object]", case(desk, *self.args, **self.more))

    def made_of(self) -> tuple[tuple[object, ...], dict[str, object]]:
        """Return what it was given, by place and by name."""
        return (self.name, *self.args), self.more


@final
class Begin(Value):
    """A ``worker`` begins a command; it has not asked anything yet."""

    __slots__ = ("call", "worker")

    def __init__(self, worker: str, call: Call) -> None:
        self.worker: str = worker
        self.call: Call = call

    def made_of(self) -> tuple[tuple[object, ...], dict[str, object]]:
        """Return what it was given, by place and by name."""
        return (self.worker, self.call), {}


@final
class Go(Value):
    """What a ``worker`` asks is done and it sees the reply, or a ``fault`` happens to it."""

    __slots__ = ("fault", "worker")

    def __init__(self, worker: str, fault: str = "") -> None:
        self.worker: str = worker
        self.fault: str = fault

    def made_of(self) -> tuple[tuple[object, ...], dict[str, object]]:
        """Return what it was given, by place and by name."""
        return ((self.worker, self.fault) if self.fault else (self.worker,)), {}


@final
class Late(Value):
    """What was on its way for long, and taken for lost, arrives: the first of it, or another."""

    __slots__ = ("number",)

    def __init__(self, number: int = 0) -> None:
        self.number: int = number

    def made_of(self) -> tuple[tuple[object, ...], dict[str, object]]:
        """Return what it was given, by place and by name."""
        return ((self.number,) if self.number else ()), {}


@final
class Happen(Value):
    """Something happens to the world: the method of it by that ``name``, with what it is told."""

    __slots__ = ("args", "name")

    def __init__(self, name: str, /, *args: object) -> None:
        self.name: str = name
        self.args: tuple[object, ...] = args

    def made_of(self) -> tuple[tuple[object, ...], dict[str, object]]:
        """Return what it was given, by place and by name."""
        return (self.name, *self.args), {}


Step: TypeAlias = "Begin | Go | Late | Happen"
