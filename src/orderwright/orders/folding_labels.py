"""How what is asked of a carrier, and what it answers, changes an order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from orderwright.orders import events as e
from orderwright.orders.steps import following
from orderwright.values import copied

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from orderwright.fulfillment.fulfillment import Fulfillment
    from orderwright.fulfillment.shipping import Label
    from orderwright.orders.order import Order

__all__ = ["LABELS"]


def _numbered(
    order: Order, fulfillment_id: str, carrier: str, tracking: str
) -> tuple[Fulfillment, ...]:
    return tuple(
        copied(one, carrier=carrier, tracking=tracking) if one.id == fulfillment_id else one
        for one in order.fulfillments
    )


def _requested(order: Order, event: e.LabelRequested) -> Order:
    if not event.unnumbered:
        return following(order)
    return following(order, fulfillments=_numbered(order, event.fulfillment_id, "", ""))


def _failed(label: Label, fulfillment_id: str) -> bool:
    """Whether an earlier try for the fulfillment was refused: only the last one matters."""
    return bool(label.refused) and label.shipment.fulfillment_id == fulfillment_id


def _reported(order: Order, event: e.LabelReported) -> Order:
    if event.due_at is not None:
        intents = tuple(
            evolve(
                one,
                due_at=event.due_at,
                reason=event.reason,
                under_way=event.outcome == "pending",
            )
            if one.id == event.intent_id
            else one
            for one in order.intents
        )
        return following(order, intents=intents)
    label = event.label
    changes: dict[str, Any] = {
        "intents": tuple(one for one in order.intents if one.id != event.intent_id),
        "labels": tuple(
            one
            for one in order.labels
            if one.id != event.label_id
            and not (event.action == "book" and _failed(one, event.fulfillment_id))
        ),
    }
    if label is not None:
        changes["labels"] += (label,)
        if event.numbered:
            changes["fulfillments"] = _numbered(
                order, event.fulfillment_id, label.carrier, label.tracking
            )
    return following(order, **changes)


LABELS: Mapping[type[e.Event], Callable[[Order, Any], Order]] = {
    e.LabelRequested: _requested,
    e.LabelReported: _reported,
}
