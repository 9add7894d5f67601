"""Stored data and histories that something spoiled: the codec's entries, and replaying."""

import json
from functools import lru_cache
from typing import Any

from attrs import evolve, fields, has

from orderwright import Money, Order
from orderwright.codec import SCHEMA, Codec
from orderwright.errors import (
    AmountRefused,
    BrokenPromise,
    Conflict,
    IllegalTransition,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    OutOfStock,
    Shortage,
    WindowClosed,
)
from orderwright.orders.events import Event
from orderwright.testing.lives import lives
from orderwright.tracking.reading import facts_of
from orderwright.tracking.timeline import timeline
from tests.fuzz.hostile import MOMENTS, Hostile
from tests.fuzz.judging import Target
from tests.fuzz.town import LIKELY, looked_at
from tests.worlds import NOON

CODEC = Codec()
ERRORS = (
    InvalidInput.at("lines[0]", "wrong"),
    NotFound("order", "o1"),
    IllegalTransition("order", "placed", "complete", ("confirm",), "o1"),
    OutOfStock([Shortage("MUG", "MAIN", 3, 1)], "o1"),
    WindowClosed("cap", until=NOON, at=NOON),
    AmountRefused("cap", asked=Money(2, "JPY"), limit=Money(1, "JPY"), allowed=["cancel"]),
    Conflict("o1", 3, 4),
    OutcomeUnknown("bank", "time-out", retryable=True),
)


@lru_cache(maxsize=1)
def histories() -> tuple[tuple[Event, ...], ...]:
    """The whole history of each of many orders, with every kind of event."""
    found: dict[str, tuple[Event, ...]] = {}
    for one in lives():
        found[one.order.id] = (*found.get(one.order.id, ()), *one.events)
    return tuple(found.values())


@lru_cache(maxsize=1)
def documents() -> tuple[str, ...]:
    """Those orders as a store keeps them."""
    return tuple(json.dumps(CODEC.encode_order(Order.replay(one))) for one in histories())


@lru_cache(maxsize=1)
def events() -> tuple[str, ...]:
    """Those events as a store keeps them, also under the tags of earlier versions."""
    found = [json.dumps(CODEC.encode_event(event)) for history in histories() for event in history]
    older = [text.replace('.v2"', '.v1"').replace('.v3"', '.v2"') for text in found]
    return (*found, *older)


@lru_cache(maxsize=1)
def values() -> tuple[tuple[type, str], ...]:
    """Every kind of value that is in those events, or is handed to a command, as plain data."""
    found: dict[type, object] = {}
    pending: list[Any] = [histories(), LIKELY]
    while pending:
        one = pending.pop()
        kind = type(one)
        if has(kind):
            found.setdefault(kind, one)
            pending += [getattr(one, field.name) for field in fields(kind)]
        elif isinstance(one, dict):
            pending += one.values()
        elif isinstance(one, list | tuple | set | frozenset):
            pending += one
    named = sorted(found.items(), key=lambda pair: f"{pair[0].__module__} {pair[0].__name__}")
    return tuple((kind, json.dumps(CODEC.encode(one))) for kind, one in named)


def bent(draw: Hostile, data: Any) -> Any:  # noqa: ANN401 - plain data
    """`data` with one to three changes."""
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        data = draw.bent(data)
    return data


def an_order(draw: Hostile) -> object:
    """An order as stored, in this schema or another."""
    data = json.loads(draw.choice(documents()))
    if draw.chance(25):
        data["schema"] = draw.randint(1, SCHEMA)
    return CODEC.decode_order(bent(draw, data))


def an_event(draw: Hostile) -> object:
    """An event as stored."""
    return CODEC.decode_event(bent(draw, json.loads(draw.choice(events()))))


def an_error(draw: Hostile) -> object:
    """An error as stored."""
    stored = json.dumps(CODEC.encode_error(draw.choice(ERRORS)))
    return CODEC.decode_error(bent(draw, json.loads(stored)))


def a_value(draw: Hostile) -> object:
    """A value as stored."""
    kind, text = draw.choice(values())
    return CODEC.decode(bent(draw, json.loads(text)), kind)


def survives(read: object) -> None:
    """What was read is written again, and read again as the same."""
    if isinstance(read, Order):
        assert read == CODEC.decode_order(json.loads(json.dumps(CODEC.encode_order(read))))
    elif isinstance(read, Event):
        assert read == CODEC.decode_event(json.loads(json.dumps(CODEC.encode_event(read))))
    elif isinstance(read, Exception):
        assert read == CODEC.decode_error(json.loads(json.dumps(CODEC.encode_error(read))))
    else:
        assert read == CODEC.decode(json.loads(json.dumps(CODEC.encode(read))), type(read))


def spoiled(draw: Hostile) -> list[Event]:
    """A history cut, reordered, duplicated, mixed with another, or from another time."""
    history = list(draw.choice(histories()))
    for _ in range(draw.choice((1, 1, 2, 4))):
        where = draw.randint(0, len(history))
        other = draw.choice(histories())
        one = draw.choice(other)
        changes: tuple[list[Event], ...] = (
            history[:where],
            history[where:],
            history[:where] + history[where + 1 :],
            [*history[:where], *history[:where]],
            [*history[:where], *history[max(0, where - 1) :]],
            history[:where] + history[where:][::-1],
            [*history[:where], one, *history[where:]],
            [*history[:where], *other[where:]],
            [*history[:where], evolve(one, at=draw.choice(MOMENTS[2:4])), *history[where:]],
            draw.sample(history, len(history)),
            history * 3,
        )
        history = draw.choice(changes)
    if history and draw.chance(30):
        where = draw.randrange(len(history))
        data = bent(draw, json.loads(json.dumps(CODEC.encode_event(history[where]))))
        history[where] = CODEC.decode_event(data)
    return history


def replayed(draw: Hostile) -> object:
    """A history that is none, added up."""
    history = spoiled(draw)
    return Order.replay(history), history


def told(draw: Hostile) -> object:
    """A history that is none, as people and reports are told of it."""
    history = spoiled(draw)
    return timeline(history), facts_of(history)


def seen(added_up: object) -> None:
    """What could be added up can be looked at, and stored."""
    order, history = added_up
    survives(order)
    try:
        looked_at(order, history)
    except (NotFound, InvalidInput):  # it is still about something that is not there
        assert isinstance(order, Order)


TARGETS = {
    "decode_order": Target(an_order, accepted=survives),
    "decode_event": Target(an_event, accepted=survives),
    "decode_error": Target(an_error, accepted=survives),
    "decode": Target(a_value, accepted=survives),
    "replay": Target(replayed, accepted=seen, may=(BrokenPromise,)),
    "facts_of": Target(told),
}
