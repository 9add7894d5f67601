"""The promises of the ports, read from their docstrings: each is worded once, where it is made."""

from __future__ import annotations

import inspect
import re
from functools import wraps
from typing import TYPE_CHECKING, TypeVar, final
from unittest import SkipTest

from orderwright import ports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

__all__ = ["ClauseBroken", "citation", "clause", "clauses_of", "promised"]

C = TypeVar("C")

_NUMBERED = re.compile(r"(?:^|\s)(\d+)\. (?=[A-Z`])")
_CITED = re.compile(r"([A-Z]\w*(?:\.\w+)? \d+):")


class ClauseBroken(AssertionError):
    """An adapter does not do what its port promises.

    ``clause`` names the promise (``OrderRepository.save 3``), ``promise`` is its wording,
    ``happened`` what was seen instead.
    """

    def __init__(self, clause: str, promise: str, happened: str) -> None:
        super().__init__(f"{clause}: {promise} \N{EM DASH} {happened}")
        self.clause: str = clause
        self.promise: str = promise
        self.happened: str = happened

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the way from a process that tests run in."""
        return (type(self), (self.clause, self.promise, self.happened))


def clauses_of(port: type) -> Mapping[str, str]:
    """Return the wording of every promise of a port, by its name.

    ``PaymentPort 1`` is one for every method, ``PaymentPort.capture 6`` one of a single method.
    """
    found = dict(_numbered(port.__name__, inspect.getdoc(port)))
    for name, method in vars(port).items():
        if not name.startswith("_"):
            found |= dict(_numbered(f"{port.__name__}.{name}", inspect.getdoc(method)))
    return found


def _numbered(name: str, text: str | None) -> Iterator[tuple[str, str]]:
    _, *parts = _NUMBERED.split(text or "")
    for number, words in zip(parts[::2], parts[1::2], strict=True):
        # What follows an empty line, or says what the next clauses are for, is no part of it.
        told = " ".join(words.split("\n\n")[0].split())
        yield f"{name} {number}", re.sub(r" For [^.:]*:$", "", told)


def citation(test: Callable[..., object]) -> str:
    """Return the clause that a test's docstring begins with; raise ValueError if there is none."""
    found = _CITED.match(inspect.getdoc(test) or "")
    if found is None or found[1] not in _clauses_like(found[1]):
        raise ValueError(f"{test.__qualname__}: the docstring has to begin with a clause's name")
    return found[1]


def _clauses_like(cited: str) -> Mapping[str, str]:
    """Return the clauses of the port that one is of."""
    name = cited.partition(" ")[0].partition(".")[0]
    port: object = getattr(ports, name, None)
    return clauses_of(port) if isinstance(port, type) else {}


@final
class promised:  # noqa: N801 - read as a word: with promised("OrderRepository.save 3")
    """Raises whatever goes wrong inside as ClauseBroken, with the wording of the clause."""

    def __init__(self, cited: str) -> None:
        self._cited = cited

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Name the clause that is broken."""
        __tracebackhide__ = True
        if isinstance(error, Exception) and not isinstance(error, ClauseBroken | SkipTest):
            promise = _clauses_like(self._cited)[self._cited]
            raise ClauseBroken(self._cited, promise, _told(error)) from error


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"


def clause(test: Callable[[C], None]) -> Callable[[C], None]:
    """Make a method of a contract the test of the clause that its docstring begins with.

    What goes wrong in it is raised as :class:`ClauseBroken`.
    """
    cited = citation(test)

    @wraps(test)
    def tested(contract: C) -> None:
        __tracebackhide__ = True
        with promised(cited):
            test(contract)

    return tested
