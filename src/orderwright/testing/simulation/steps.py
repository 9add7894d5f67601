"""What a schedule is made of: values that read as they are written, so that a story can be told."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, TypeAlias, cast, final

import attrs

from orderwright.flows.command import commands
from orderwright.money import Money, UnitPrice

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Hashable

    from orderwright.desk import OrderDesk
    from orderwright.flows.command import command
    from orderwright.requests import Flow

__all__ = ["Begin", "Call", "Go", "Happen", "Late", "Step", "written"]

UseCase: TypeAlias = "Callable[..., Generator[object, object, object]]"


@cache
def _commands(desk: Hashable) -> dict[str, command[..., object]]:
    found: dict[str, command[..., object]] = {}
    for base in reversed(cast("type", desk).__mro__[1:]):
        found |= commands(base)
    return found


class _Value:
    """Equal, and written, by what it was made of."""

    __slots__ = ()

    def _made_of(self) -> tuple[tuple[object, ...], dict[str, object]]:
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        """Two are equal that were made alike."""
        if type(other) is not type(self):
            return NotImplemented
        return self._made_of() == other._made_of()

    def __hash__(self) -> int:
        """Return a hash that equal ones share."""
        return hash(repr(self))

    def __repr__(self) -> str:
        """Return it as it is written in Python."""
        args, more = self._made_of()
        told = [written(one) for one in args]
        told += [f"{name}={written(one)}" for name, one in more.items()]
        return f"{type(self).__name__}({', '.join(told)})"


@final
class Call(_Value):
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
        return self.name if isinstance(self.name, str) else self.name.__name__

    def flow(self, desk: OrderDesk) -> Flow[object]:
        """Return the flow that runs it. Raises KeyError if a desk has no such command."""
        if isinstance(self.name, str):
            case: UseCase = _commands(cast("Hashable", type(desk)))[self.name].flow
        else:
            case = self.name
        return cast("Flow[object]", case(desk, *self.args, **self.more))

    def _made_of(self) -> tuple[tuple[object, ...], dict[str, object]]:
        return (self.name, *self.args), self.more


@final
class Begin(_Value):
    """A ``worker`` begins a command; it has not asked anything yet."""

    __slots__ = ("call", "worker")

    def __init__(self, worker: str, call: Call) -> None:
        self.worker: str = worker
        self.call: Call = call

    def _made_of(self) -> tuple[tuple[object, ...], dict[str, object]]:
        return (self.worker, self.call), {}


@final
class Go(_Value):
    """What a ``worker`` asks is done and it sees the reply, or a ``fault`` happens to it."""

    __slots__ = ("fault", "worker")

    def __init__(self, worker: str, fault: str = "") -> None:
        self.worker: str = worker
        self.fault: str = fault

    def _made_of(self) -> tuple[tuple[object, ...], dict[str, object]]:
        return ((self.worker, self.fault) if self.fault else (self.worker,)), {}


@final
class Late(_Value):
    """What was on its way for long, and taken for lost, arrives: the first of it, or another."""

    __slots__ = ("number",)

    def __init__(self, number: int = 0) -> None:
        self.number: int = number

    def _made_of(self) -> tuple[tuple[object, ...], dict[str, object]]:
        return ((self.number,) if self.number else ()), {}


@final
class Happen(_Value):
    """Something happens to the world: the method of it by that ``name``, with what it is told."""

    __slots__ = ("args", "name")

    def __init__(self, name: str, /, *args: object) -> None:
        self.name: str = name
        self.args: tuple[object, ...] = args

    def _made_of(self) -> tuple[tuple[object, ...], dict[str, object]]:
        return (self.name, *self.args), {}


Step: TypeAlias = "Begin | Go | Late | Happen"


def written(value: object) -> str:
    """Return a value as one would write it: without what goes without saying."""
    if isinstance(value, Money):
        return f"Money.of({str(value.amount)!r}, {value.currency!r})"
    if isinstance(value, UnitPrice):
        per = f", per={value.per}" if value.per != 1 else ""
        return f"UnitPrice.of({str(value.amount)!r}, {value.currency!r}{per})"
    if isinstance(value, list):
        return f"[{', '.join(map(written, cast('list[object]', value)))}]"
    if isinstance(value, dict):
        pairs = cast("dict[object, object]", value).items()
        return f"{{{', '.join(f'{written(key)}: {written(one)}' for key, one in pairs)}}}"
    if callable(value) and hasattr(value, "__name__"):
        return str(value.__name__)
    return _made(value)


def _made(value: object) -> str:
    """Return how a value of attrs is made, or the repr of any other."""
    kind = cast("type[attrs.AttrsInstance]", type(value))
    if not attrs.has(kind):
        return repr(value)
    told = (
        f"{field.alias}={written(getattr(value, field.name))}"
        for field in attrs.fields(kind)
        if field.init and getattr(value, field.name) != _default(field.default, field.converter)
    )
    return f"{kind.__name__}({', '.join(told)})"


def _default(default: object, converter: object) -> object:
    return converter(default) if callable(converter) and default is not attrs.NOTHING else default
