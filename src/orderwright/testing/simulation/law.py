"""What a law is: a function that raises LawBroken with its name when what it says is not so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, ParamSpec, final

from orderwright.testing.comparing import difference

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Law", "LawBroken", "law", "require", "same"]

P = ParamSpec("P")


class LawBroken(AssertionError):
    """Something is stored that must not be. ``law`` says what should hold, ``found`` what does."""

    def __init__(self, found: str, law: str = "") -> None:
        super().__init__(found, law)
        self.found: str = found
        self.law: str = law

    def __str__(self) -> str:
        """Return both, a line each."""
        return f"{self.law}\n  but {self.found}"


@final
class Law(Generic[P]):
    """A check with a ``name`` that says what has to be true."""

    def __init__(self, name: str, check: Callable[P, None]) -> None:
        self.name: str = name
        self.__doc__: str | None = check.__doc__
        self._check = check

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Check it; raises LawBroken."""
        try:
            self._check(*args, **kwargs)
        except LawBroken as broken:
            broken.law = broken.law or self.name
            raise
        except Exception as error:  # what it looks for is not there, or cannot be read
            raise LawBroken(f"{type(error).__name__}: {error}", self.name) from error


def law(name: str) -> Callable[[Callable[P, None]], Law[P]]:
    """Make a law of a function that calls :func:`require` and :func:`same`."""
    return lambda check: Law(name, check)


def require(ok: bool, found: str, *of: object) -> None:  # noqa: FBT001 - it comes first
    """Raise LawBroken, telling what was ``found``, unless all is ``ok``.

    Each ``{}`` in the text stands for one of the values that follow: what is seldom told is not
    worth putting into words each time.
    """
    if not ok:
        raise LawBroken(_worded(found, of))


def same(expected: object, found: object, what: str, *of: object) -> None:
    """Raise LawBroken unless ``what`` was found as expected; it has ``{}`` for what follows it."""
    if expected != found:
        where, wanted, there = difference(expected, found)
        raise LawBroken(f"{_worded(what, of)}{where}: {there!r} instead of {wanted!r}")


def _worded(text: str, of: tuple[object, ...]) -> str:
    return text.format(*of) if of else text
