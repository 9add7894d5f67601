"""How events about goods that come back change an order. Only assigns, like its sister."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from orderwright.lifecycles import Phase
from orderwright.orders import events as e
from orderwright.orders.lines import Exchange
from orderwright.orders.steps import credited, following
from orderwright.returns.returns import Return

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from orderwright.orders.order import Order

__all__ = ["RETURNS", "booked", "refused"]


def _requested(order: Order, event: e.ReturnRequested) -> Order:
    asked = Return(id=event.return_id, items=event.items, state=event.state, reason=event.reason)
    wanted = Exchange(return_id=event.return_id, lines=event.exchange)
    return following(
        order,
        returns=(*order.returns, asked),
        exchanges=(*order.exchanges, wanted) if event.exchange else order.exchanges,
    )


def _changed(order: Order, return_id: str, **changes: Any) -> tuple[Return, ...]:  # noqa: ANN401
    return tuple(evolve(one, **changes) if one.id == return_id else one for one in order.returns)


def _advanced(order: Order, event: e.ReturnAdvanced) -> Order:
    exchanges = order.exchanges
    if event.fees:
        exchanges += (Exchange(return_id=event.return_id, charges=event.fees),)
    changes: dict[str, Any] = {"state": event.state}
    if event.state.phase in (Phase.DONE, Phase.DROPPED):
        # Nothing is expected, or wanted for it, any more; what comes anyway is a surprise.
        items = order.return_(event.return_id).items
        changes["items"] = tuple(item._replace(announced=item.received) for item in items)
        exchanges = tuple(one for one in exchanges if one.return_id != event.return_id)
    returns = _changed(order, event.return_id, **changes)
    return following(order, returns=returns, exchanges=exchanges)


def _received(order: Order, event: e.ReturnReceived) -> Order:
    known = [one for one in order.returns if one.id == event.return_id]
    before = known[0] if known else Return(id=event.return_id, items=(), state=event.state)
    after = evolve(
        before,
        items=event.items,
        state=event.state,
        location=event.location,
        moves=before.moves + event.moves,
    )
    if not known:
        return following(order, returns=(*order.returns, after))
    returns = tuple(after if one is before else one for one in order.returns)
    return following(order, returns=returns)


def _inspected(order: Order, event: e.ReturnInspected) -> Order:
    moves = order.return_(event.return_id).moves + event.moves
    returns = _changed(order, event.return_id, items=event.items, state=event.state, moves=moves)
    return following(order, returns=returns)


def _credited(order: Order, event: e.ReturnCredited) -> Order:
    lines, charges = credited(order, event.credits)
    return following(
        order,
        lines=lines + event.lines,
        charges=charges + event.charges,
        returns=_changed(order, event.return_id, items=event.items),
        exchanges=tuple(one for one in order.exchanges if one.return_id != event.return_id),
        edits=order.edits + (1 if event.lines else 0),
        state=event.state,
    )


def _claimed(order: Order, event: e.UnitsClaimed) -> Order:
    lines, charges = credited(order, event.credits)
    lost = dict(event.units)
    return following(
        order,
        lines=(*(evolve(one, lost=one.lost + lost.get(one.id, 0)) for one in lines), *event.lines),
        charges=charges,
        edits=order.edits + (1 if event.lines else 0),
        state=event.state,
    )


def booked(order: Order, posting_id: str) -> tuple[Return, ...]:
    """Return the returns of ``order`` after the ledger wrote a posting."""
    return _moved(order, posting_id, lambda move: move._replace(booked=True))


def refused(order: Order, posting_id: str) -> tuple[Return, ...]:
    """Return the returns of ``order`` after the ledger refused a posting for good."""
    return _moved(order, posting_id, lambda move: move._replace(tries=move.tries + 1))


def _moved(order: Order, posting_id: str, change: Callable[[Any], Any]) -> tuple[Return, ...]:
    if not order.returns:
        return order.returns
    return tuple(
        evolve(
            one,
            moves=tuple(
                change(move) if one.posting_id(order.id, move) == posting_id else move
                for move in one.moves
            ),
        )
        for one in order.returns
    )


RETURNS: Mapping[type[e.Event], Callable[[Order, Any], Order]] = {
    e.ReturnRequested: _requested,
    e.ReturnAdvanced: _advanced,
    e.ReturnReceived: _received,
    e.ReturnInspected: _inspected,
    e.ReturnCredited: _credited,
    e.UnitsClaimed: _claimed,
}
"""Part of the table in :mod:`orderwright.orders.folding`."""
