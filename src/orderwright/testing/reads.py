"""What a port is asked, as a value: so that a store and the reference are asked the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast, final

from orderwright.testing.clauses import promised
from orderwright.testing.comparing import same

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["Read", "compared", "paged", "told"]

R = TypeVar("R")

_PAGES_MAX = 1000


@final
class Read:
    """A question to a port, by the clause that says what the answer is.

    The clause names the method; ``seen`` takes from an answer what is not promised. Where one
    clause is about what is in the answer and another about its order, ``ordered`` is that one.
    Where an answer is a page, ``cursor`` says after what the next one begins: a page may be short.
    """

    def __init__(
        self,
        clause: str,
        *args: object,
        seen: Callable[[object], object] | None = None,
        ordered: str | None = None,
        cursor: Callable[[object], object] | None = None,
        **named: object,
    ) -> None:
        self.clause: str = clause
        self.ordered: str | None = ordered
        self._cursor = cursor
        self._method = clause.partition(".")[2].partition(" ")[0]
        self._args = args
        self._named = named
        self._seen = seen

    def ask(self, port: object) -> object:
        """Return what the port answers, on all pages."""
        return self._shown(self._rows(port, None))

    def ask_both(self, reference: object, port: object) -> tuple[object, object]:
        """Return what both answer: of pages as many as it takes to tell whether it is the same."""
        expected = self._rows(reference, None)
        enough = None if self._cursor is None else len(cast("Sequence[object]", expected))
        return self._shown(expected), self._shown(self._rows(port, enough))

    def _rows(self, port: object, enough: int | None) -> object:
        method = cast("Callable[..., object]", getattr(port, self._method))
        cursor = self._cursor
        if cursor is None:
            return method(*self._args, **self._named)

        def page(last: object | None) -> Sequence[object]:
            after = {} if last is None else {"after": cursor(last)}
            return cast("Sequence[object]", method(*self._args, **{**self._named, **after}))

        return tuple(paged(page, enough))

    def _shown(self, answer: object) -> object:
        return answer if self._seen is None else self._seen(answer)

    def __str__(self) -> str:
        """Return the question as it is written."""
        named = (f"{name}={value!r}" for name, value in self._named.items())
        return f"{self._method}({', '.join([*map(repr, self._args), *named])})"


def told(port: object, reads: Iterable[Read]) -> dict[str, object]:
    """Return all answers, by question."""
    return {str(read): read.ask(port) for read in reads}


def compared(
    reference: object, port: object, reads: Iterable[Read], clause: str | None = None
) -> None:
    """Raise ClauseBroken for the first question to which a port answers another thing.

    It names the ``clause`` that was put to the test, or else the one that the question is about.
    """
    for read in reads:
        with promised(clause or read.clause):
            expected, actual = read.ask_both(reference, port)
            if read.ordered is None:
                same(expected, actual, str(read))
            else:
                same(_unordered(expected), _unordered(actual), f"{read}, in any order")
        with promised(clause or read.ordered or read.clause):
            same(expected, actual, str(read))


def _unordered(answer: object) -> list[object]:
    return sorted(cast("Iterable[object]", answer), key=repr)


def paged(ask: Callable[[R | None], Sequence[R]], enough: int | None = None) -> list[R]:
    """Return what all pages hold: ``ask`` returns the one after a row, the first after None.

    So many rows may be ``enough``. Raises AssertionError if pages do not end.
    """
    rows: list[R] = []
    for _ in range(_PAGES_MAX):
        page = ask(rows[-1] if rows else None)
        rows += page
        if not page or (enough is not None and len(rows) >= enough):
            return rows
    raise AssertionError(f"still no empty page after {_PAGES_MAX} pages: ..., {rows[-3:]}")
