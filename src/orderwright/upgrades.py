"""Stored data of earlier versions, brought up to date before it is read.

Schema 1 knew one amount per line and charge, and per credit; schema 2 knows their components. It
also knows which authorization of a payment an operation is about. Schema 3 says of each item of a
fulfillment, rather than of all at once, under whose name it was reserved. Schema 4 says since when
a fulfillment is in its state, and when work on it began: of an older order that is not known until
it moves on, though replaying its history tells it. Schema 5 knows labels that were bought of a
carrier: an older order has none. Schema 6 knows what people had paid back that nothing had freed:
of an older order that is not known, though replaying its history tells it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["upgraded_event", "upgraded_order"]


def upgraded_order(order: dict[str, Any], schema: int) -> dict[str, Any]:
    """Return an order as it is written today, of one in an earlier ``schema``."""
    found = _in_two(order) if schema == 1 else order
    return {**found, "fulfillments": [_fulfillment(one) for one in found["fulfillments"]]}


def _fulfillment(one: dict[str, Any]) -> dict[str, Any]:
    held_as = one.get("held_as", "")
    items = [{**item, "held_as": held_as} for item in one["items"]] if held_as else one["items"]
    return _without(one, "held_as") | {"items": items}


def _in_two(order: dict[str, Any]) -> dict[str, Any]:
    """Return what schema 2 says of an order, or of its placement, in schema 1."""
    return {
        **order,
        "lines": [_line(one) for one in order["lines"]],
        "charges": [_charge(one) for one in order["charges"]],
        "payments": [_payment(one) for one in order["payments"]],
        "adjustments": [],
    }


def upgraded_event(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event under the tag it has today; today's are returned as they are."""
    known = _UPGRADES.get(event["type"]) if isinstance(event["type"], str) else None
    return event if known is None else known(event)


def _payment(payment: dict[str, Any]) -> dict[str, Any]:
    """An operation names the authorization it is about; there was one for each payment."""
    operations = payment["operations"]
    on = next((one["reference"] for one in operations if one["kind"] == "authorize"), "")
    return {
        **payment,
        "operations": [
            one if one["kind"] == "authorize" else {**one, "on": on} for one in operations
        ],
    }


def _line(line: dict[str, Any]) -> dict[str, Any]:
    return _without(line, "amount", "remaining") | {"components": [_price(line["sku"], line)]}


def _charge(charge: dict[str, Any]) -> dict[str, Any]:
    return _without(charge, "remaining") | {"components": [_price(charge["kind"], charge)]}


def _without(one: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in one.items() if name not in names}


def _price(name: str, one: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": "price",
        "name": name,
        "amount": one["amount"],
        "remaining": one["remaining"],
    }


def _placed(event: dict[str, Any]) -> dict[str, Any]:
    return {**_in_two(event), "type": "order_placed.v2"}


def _cancelled(event: dict[str, Any]) -> dict[str, Any]:
    credits_ = [_without(one, "amount") | {"parts": [one["amount"]]} for one in event["credits"]]
    return _parted({**event, "credits": credits_})


def _parted(event: dict[str, Any]) -> dict[str, Any]:
    split = [[source, _fulfillment(part)] for source, part in event.get("split", ())]
    return {**event, "split": split, "type": "order_cancelled.v3"}


def _planned(event: dict[str, Any]) -> dict[str, Any]:
    parts = [_fulfillment(one) for one in event["fulfillments"]]
    return {**event, "fulfillments": parts, "type": "fulfillments_planned.v2"}


_UPGRADES: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "order_placed.v1": _placed,
    "order_cancelled.v1": _cancelled,
    "order_cancelled.v2": _parted,
    "fulfillments_planned.v1": _planned,
}
