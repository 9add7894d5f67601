"""Every error orderwright raises, in one tree, split by who can do something about it.

The tree::

  OrderwrightError
    Mistake              the caller asked for something malformed or unknown: fix the call
      InvalidInput       a value is wrong; names every fault with its path
        CodecError       plain data does not decode
      NotFound           no such order, line, payment, fulfillment, hold or intent
      KeyReused          the same key (or id) came back with other content
    Refused              a business rule says no; the order is unharmed
      IllegalTransition  the lifecycle has no such step from this state
      OutOfStock         fewer units than asked for
      QuantityRefused    more units than can be given up, sent back or served
      AmountRefused      more money than the order, tender or expectation allows
      WindowClosed       too late by the policy's window
      OnHold             a hold stops this
      Conflict           somebody else saved first; load again and decide again
    AdapterFault         the world outside failed, not the order
      OutcomeUnknown     no answer: the effect may or may not have happened
      BrokenPromise      an adapter answered something its port forbids

The facts of an error are its attributes; its message is made from them. Every error survives
``pickle``, ``copy`` and :mod:`orderwright.codec`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from orderwright.money import Money

__all__ = [
    "AdapterFault",
    "AmountRefused",
    "BrokenPromise",
    "CodecError",
    "Conflict",
    "Fault",
    "IllegalTransition",
    "InvalidInput",
    "KeyReused",
    "Mistake",
    "NotFound",
    "OnHold",
    "OrderwrightError",
    "OutOfStock",
    "OutcomeUnknown",
    "QuantityRefused",
    "Refused",
    "Shortage",
    "WindowClosed",
]


_SHOWN = 500
_LISTED = 100


def _shown(text: str) -> str:
    """Return ``text`` as a message repeats it: not all of what was given, and always storable.

    Half a surrogate pair can be neither logged nor stored, and no database takes a NUL.
    """
    short = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    return short.encode(errors="backslashreplace").decode().replace("\0", r"\x00")


def _listed(facts: Sequence[object]) -> str:
    """Return facts as one phrase, however many there are."""
    rest = len(facts) - _LISTED
    more = (f"and {rest} more",) if rest > 0 else ()
    return "; ".join((*map(str, facts[:_LISTED]), *more))


def said_by(error: Exception) -> str:
    """Return what an exception of others says, with its kind; not all of them can say anything."""
    kind = type(error).__name__
    try:
        return f"{kind}: {error}"
    except Exception:  # noqa: BLE001 - whatever it is, the first one is what counts
        return kind


class Fault(NamedTuple):
    """One thing wrong with an input: where it is, and what would be right."""

    path: str
    message: str

    def __str__(self) -> str:
        """Return the fault as ``path: message``."""
        return f"{self.path}: {self.message}"


class Shortage(NamedTuple):
    """Units that are not there: ``wanted`` of ``sku`` at ``location``, ``available`` found.

    ``location`` is empty where no single location was asked: then ``available`` is how many can be
    served, which may be fewer than there are (what is to leave together, or needs what no location
    offers). ``reservation`` is empty where the shortage is of free stock, ``lot`` where it is of
    units of no lot.
    """

    sku: str
    location: str
    wanted: int
    available: int
    reservation: str = ""
    lot: str = ""

    def __str__(self) -> str:
        """Return the shortage as one readable phrase."""
        where = f" at {self.location}" if self.location else ""
        of = f" in reservation {self.reservation}" if self.reservation else ""
        of += f" of lot {self.lot}" if self.lot else ""
        if where or of:
            return f"{self.sku}{where}{of}: wanted {self.wanted}, available {self.available}"
        return f"{self.sku}: wanted {self.wanted}, {self.available} can be served"


class OrderwrightError(Exception):
    """Base of every error this library raises on purpose."""

    def __str__(self) -> str:
        """Return the message, made from the facts."""
        return self.message()

    def message(self) -> str:
        """Return what is wrong, where, and what to do about it."""
        return type(self).__name__

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild from the facts, so that pickle and copy lose nothing."""
        return (revive, (type(self), dict(self.__dict__)))

    def __eq__(self, other: object) -> bool:
        """Two errors are equal when their type and their facts are."""
        return type(other) is type(self) and other.__dict__ == self.__dict__

    def __hash__(self) -> int:
        """Equal errors hash alike; facts may be lists (notes), so only the type counts."""
        return hash(type(self))

    def __repr__(self) -> str:
        """Return the type and the message: what was passed in may have been a used-up iterator."""
        return f"{type(self).__name__}({self.message()!r})"


def revive(kind: type[OrderwrightError], facts: dict[str, object]) -> OrderwrightError:
    """Rebuild an error of ``kind`` from its facts (what pickle, copy and the codec call)."""
    error = kind.__new__(kind)
    error.__dict__.update(facts)
    return error


class Mistake(OrderwrightError):
    """The call itself is wrong; sending it again unchanged cannot help."""


class InvalidInput(Mistake, ValueError):
    """One or more values are wrong. ``faults`` names each with its path."""

    faults: tuple[Fault, ...]

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(Fault(_shown(path), _shown(told)) for path, told in faults)

    @classmethod
    def at(cls, path: str, message: str) -> Self:
        """Return the error for a single fault."""
        return cls((Fault(path, message),))

    def message(self) -> str:
        """List the faults."""
        return _listed(self.faults)


class CodecError(InvalidInput):
    """Plain data does not decode into what was asked for."""


class NotFound(Mistake, LookupError):
    """There is no ``kind`` with the id ``key`` (within ``order_id``, where one is named)."""

    kind: str
    key: str
    order_id: str

    def __init__(self, kind: str, key: str, order_id: str = "") -> None:
        self.kind = kind
        self.key = _shown(key) if type(key) is str else f"({type(key).__name__})"
        self.order_id = order_id

    def message(self) -> str:
        """Say what was looked for, and where."""
        inside = f" on order {self.order_id}" if self.order_id else ""
        return f"no {self.kind} {_shown(repr(self.key))}{inside}: check the id"


class KeyReused(Mistake):
    """``key`` was already used for something else; ``field`` is the first that differs.

    ``before`` and ``now`` are its two contents in words, cut after 500 characters.
    """

    key: str
    field: str
    before: str
    now: str

    def __init__(self, key: str, field: str, before: object, now: object) -> None:
        self.key = key
        self.field = field
        self.before = _shown(repr(before))
        self.now = _shown(repr(now))

    def message(self) -> str:
        """Name the field that differs, with both values."""
        return (
            f"{self.key!r} was used before with {self.field}={self.before}, now {self.now}: "
            "send the same content to repeat it, or a new key for something new"
        )


class Refused(OrderwrightError):
    """A business rule says no, and nothing changed.

    ``rule`` is a stable name for the rule, ``order_id`` the order (empty where there is none
    yet), ``allowed`` the actions the order's lifecycle permits now.
    """

    rule: str
    order_id: str
    allowed: tuple[str, ...]

    def __init__(self, rule: str, order_id: str = "", allowed: Iterable[str] = ()) -> None:
        self.rule = rule
        self.order_id = order_id
        self.allowed = tuple(allowed)

    def message(self) -> str:
        """Say which order, why, and what is possible instead."""
        order = f"order {self.order_id}: " if self.order_id else ""
        others = self._others()
        instead = f"; possible now: {', '.join(others)}" if others else ""
        return f"{order}{self.because()}{instead}"

    def _others(self) -> tuple[str, ...]:
        """Return what is possible instead."""
        return self.allowed

    def because(self) -> str:
        """Return the reason without the frame around it."""
        return self.rule


class IllegalTransition(Refused):
    """``subject`` takes no step ``action`` from ``state``, or not this way, or not yet.

    Where its lifecycle has it, ``allowed`` names it all the same.
    """

    subject: str
    state: str
    action: str

    def __init__(
        self, subject: str, state: str, action: str, allowed: Iterable[str], order_id: str = ""
    ) -> None:
        super().__init__("lifecycle", order_id, allowed)
        self.subject = subject
        self.state = state
        self.action = action

    def _others(self) -> tuple[str, ...]:
        """Return what is possible instead: not the step itself."""
        return tuple(one for one in self.allowed if one != self.action)

    def because(self) -> str:
        """Name the step that does not exist, or is not to be taken this way or yet."""
        told = f"{self.subject} is {self.state}"
        if self.action in self.allowed:
            return f"{told}: {self.action!r} has to wait, or has a command of its own"
        return f"{told}, which has no step {self.action!r}"


class OutOfStock(Refused):
    """Some units are not there; ``shortages`` says which, how many were wanted and found."""

    shortages: tuple[Shortage, ...]

    def __init__(self, shortages: Iterable[Shortage], order_id: str = "") -> None:
        super().__init__("stock", order_id)
        self.shortages = tuple(shortages)

    def because(self) -> str:
        """List the shortages."""
        return f"out of stock: {_listed(self.shortages)}"


class QuantityRefused(Refused):
    """``asked`` units of the line ``line_id`` are more than the rule allows; ``limit`` is."""

    line_id: str
    asked: int
    limit: int

    def __init__(
        self,
        rule: str,
        *,
        line_id: str,
        asked: int,
        limit: int,
        order_id: str = "",
        allowed: Iterable[str] = (),
    ) -> None:
        super().__init__(rule, order_id, allowed)
        self.line_id = line_id
        self.asked = asked
        self.limit = limit

    def because(self) -> str:
        """Name the rule, the line and both quantities."""
        return f"{self.rule}: asked {self.asked} of {self.line_id}, the limit is {self.limit}"


class AmountRefused(Refused):
    """``asked`` is not the amount the rule allows; ``limit`` is."""

    asked: Money
    limit: Money

    def __init__(
        self,
        rule: str,
        *,
        asked: Money,
        limit: Money,
        order_id: str = "",
        allowed: Iterable[str] = (),
    ) -> None:
        super().__init__(rule, order_id, allowed)
        self.asked = asked
        self.limit = limit

    def because(self) -> str:
        """Name the rule and both amounts."""
        if self.rule.startswith("expected"):
            return f"{self.rule} {self.asked}, but it comes to {self.limit}"
        if self.limit.minor <= 0:
            return f"{self.rule}: there is nothing"
        if self.asked.minor <= 0:
            return f"{self.rule}: asked {self.asked}, expected more, and at most {self.limit}"
        return f"{self.rule}: asked {self.asked}, the limit is {self.limit}"


class WindowClosed(Refused):
    """It had to be asked for by ``until``, and was at ``at``."""

    until: datetime
    at: datetime

    def __init__(
        self,
        rule: str,
        *,
        until: datetime,
        at: datetime,
        order_id: str = "",
        allowed: Iterable[str] = (),
    ) -> None:
        super().__init__(rule, order_id, allowed)
        self.until = until
        self.at = at

    def because(self) -> str:
        """Name the rule and both times."""
        return f"{self.rule}: possible until {self.until.isoformat()}, it is {self.at.isoformat()}"


class OnHold(Refused):
    """The hold ``hold`` blocks ``blocked``; release it first."""

    hold: str
    blocked: str

    def __init__(
        self, hold: str, blocked: str, order_id: str = "", allowed: Iterable[str] = ()
    ) -> None:
        super().__init__("hold", order_id, allowed)
        self.hold = hold
        self.blocked = blocked

    def because(self) -> str:
        """Name the hold and what it blocks."""
        return f"hold {self.hold!r} blocks {self.blocked}; release the hold first"


class Conflict(Refused):
    """The order changed since it was read: ``expected`` version, ``actual`` version."""

    expected: int
    actual: int

    def __init__(self, order_id: str, expected: int, actual: int) -> None:
        super().__init__("version", order_id)
        self.expected = expected
        self.actual = actual

    def because(self) -> str:
        """Name both versions."""
        return (
            f"expected version {self.expected}, found {self.actual}: "
            "somebody else saved first; load it again and decide again"
        )


class AdapterFault(OrderwrightError):
    """An adapter failed. ``adapter`` names it, ``detail`` says how; ``retryable`` if worth it.

    It is kept with the order it happened to, so ``detail`` is cut after 500 characters: of a whole
    page that somebody answered with only the beginning is told.
    """

    adapter: str
    detail: str
    retryable: bool

    def __init__(self, adapter: str, detail: str, *, retryable: bool = False) -> None:
        self.adapter = _shown(adapter)
        self.detail = _shown(detail)
        self.retryable = retryable

    def message(self) -> str:
        """Name the adapter and what it said."""
        again = " (may be retried)" if self.retryable else ""
        return f"{self.adapter}: {self.detail}{again}"


class OutcomeUnknown(AdapterFault):
    """No answer came: the effect may have happened. Look it up before doing it again."""


class BrokenPromise(AdapterFault):
    """An adapter did what its port forbids; the message names the promise."""
