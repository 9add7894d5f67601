"""How far an order has come, in stages and in words, for a shop and a restaurant alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, final

from orderwright.lifecycles import DELIVERED, DISCARDED, MISSED, NOT_COLLECTED, READY, Phase, State
from orderwright.orders import events as e

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from orderwright.fulfillment.fulfillment import Fulfillment
    from orderwright.orders.order import Order

__all__ = [
    "OrderStage",
    "Step",
    "headline",
    "lowered",
    "settled",
    "stage_of",
    "stages",
    "steps",
    "words",
]

OrderStage = Literal[
    "draft",
    "received",
    "waiting",
    "confirmed",
    "preparing",
    "ready",
    "on_the_way",
    "missed",
    "astray",
    "delivered",
    "cancelled",
]
"""How far an order has come, to pick a picture or a translation by."""


@final
class Step(NamedTuple):
    """A step on the way of an order; ``at`` (UTC) is when it was reached, where that is known.

    The ``current`` one is that of what is furthest behind; ``partly`` some of it is further.
    """

    stage: OrderStage
    text: str
    status: Literal["done", "current", "partly", "to_come"]
    at: datetime | None = None


_ORDER: tuple[OrderStage, ...] = (
    "draft",
    "cancelled",
    "received",
    "waiting",
    "confirmed",
    "preparing",
    "ready",
    "on_the_way",
    "missed",
    "astray",
    "delivered",
)
_RANK: Mapping[OrderStage, int] = {stage: rank for rank, stage in enumerate(_ORDER)}
_PLAIN: Mapping[OrderStage, str] = {
    "draft": "Not ordered yet",
    "cancelled": "Cancelled",
    "received": "Received",
    "waiting": "Waiting for goods to come in",
    "confirmed": "Confirmed",
    "preparing": "Being prepared",
    "ready": "Ready",
    "on_the_way": "On its way",
    "missed": "Not handed over yet: nobody was there",
    "astray": "Being looked into",
    "delivered": "Delivered",
}
_OF_KIND: Mapping[tuple[str, OrderStage], str] = {
    ("shipment", "preparing"): "Being packed",
    ("shipment", "ready"): "Ready to go",
    ("pickup", "ready"): "Ready at the counter",
    ("pickup", "delivered"): "Collected",
    ("delivery", "ready"): "Ready to go",
    ("digital", "delivered"): "Sent",
    ("ticket", "preparing"): "Being cooked",
    ("ticket", "ready"): "Ready at the counter",
    ("ticket", "delivered"): "Handed over",
    ("ticket/table", "preparing"): "Being cooked",
    ("ticket/table", "ready"): "Coming to your table",
    ("ticket/table", "delivered"): "Served",
    ("ticket/courier", "preparing"): "Being cooked",
    ("ticket/courier", "ready"): "Ready to go",
}
"""Better words where it is known what is made: a ticket is for a table, the counter, a courier."""
_ROUTES: Mapping[str, tuple[OrderStage, ...]] = {
    "shipment": ("preparing", "on_the_way", "delivered"),
    "pickup": ("preparing", "ready", "delivered"),
    "delivery": ("preparing", "on_the_way", "delivered"),
    "digital": ("delivered",),
    "ticket": ("preparing", "ready", "delivered"),
    "ticket/table": ("preparing", "ready", "delivered"),
    "ticket/courier": ("preparing", "on_the_way", "delivered"),
}
_EARLY: Mapping[Phase, OrderStage] = {
    Phase.DROPPED: "cancelled",
    Phase.PLANNED: "draft",
    Phase.WAITING: "received",
}
"""Where the order's own phase tells all: unless goods of an unconfirmed order left after all."""
_STEPS: tuple[OrderStage, ...] = ("preparing", "ready", "on_the_way", "delivered")


def stage_of(one: Fulfillment) -> OrderStage:
    """Return how far a fulfillment is; a state of your own is what its phase means."""
    phase = one.state.phase
    if phase is Phase.DONE:
        return "delivered"
    if phase is Phase.OUT:
        if one.ended:
            return "astray"
        missed = one.state == MISSED or (one.scan and one.scan.status == "not_delivered")
        return "missed" if missed else "on_the_way"
    return _inside(one.state)


def _inside(state: State) -> OrderStage:
    if state.phase is not Phase.WORKING:
        return "confirmed"
    return "ready" if state in (READY, NOT_COLLECTED) else "preparing"


def settled(order: Order, one: Fulfillment) -> bool:
    """Whether it went astray, and the customer got something else or their money for it."""
    claimed = all(order.line(key).lost >= units for key, units in one.units.items())
    return bool(one.ended) and (claimed or order.state.phase is Phase.DONE)


def stages(order: Order, parts: Sequence[Fulfillment]) -> dict[OrderStage, str]:
    """Return the stages that parts of the order are in, each with its words, the first first."""
    phase = order.state.phase
    early = _EARLY.get(phase)
    if early is not None and (early != "received" or not any(one.gone for one in parts)):
        return {early: _PLAIN[early]}
    found: dict[OrderStage, str] = {}
    for one in parts:
        stage = stage_of(one)
        if stage not in found:
            found[stage] = words(order, one, stage)
    carriers = {one.carrier for one in parts if stage_of(one) == "on_the_way"}
    if len(carriers) == 1 and "" not in carriers:
        found["on_the_way"] += f" with {carriers.pop()}"
    for counts in order.quantities().values():
        if counts.backordered:
            found["waiting"] = _PLAIN["waiting"]
        elif counts.open:
            found["confirmed"] = _PLAIN["confirmed"]
    if not found:
        if phase is Phase.DONE:
            return {"delivered": "Settled"}
        found["confirmed"] = _PLAIN["confirmed"]
    return {stage: found[stage] for stage in _ORDER if stage in found}


def _manner(order: Order, one: Fulfillment) -> str:
    """What kind of fulfillment the customer takes it for."""
    if one.kind != "ticket":
        return one.kind
    if one.state.phase is Phase.OUT or one.state == DELIVERED or order.service == "delivery":
        return "ticket/courier"
    return "ticket/table" if order.table or order.service == "dine_in" else "ticket"


def words(order: Order, one: Fulfillment, stage: OrderStage) -> str:
    """Return what to call a stage of a fulfillment, by what kind of thing it is."""
    if stage == "on_the_way" and one.scan and one.scan.status == "out_for_delivery":
        return "Out for delivery"
    return _OF_KIND.get((_manner(order, one), stage), _PLAIN[stage])


def headline(found: Mapping[OrderStage, str]) -> str:
    """Return in one line how far the order is, from its :func:`stages`."""
    least, *_, most = (*found, *found)
    if least == most:
        return found[least]
    rest = "to follow" if least == "confirmed" else lowered(found[least])
    return f"Partly {lowered(found[most])}, the rest {rest}"


def lowered(said: str) -> str:
    """Return words as they stand within a sentence."""
    return said[0].lower() + said[1:]


# How it came there -------------------------------------------------------------------------


def steps(
    order: Order,
    parts: Sequence[Fulfillment],
    found: Mapping[OrderStage, str],
    history: Iterable[e.Event],
) -> Iterator[Step]:
    """Return the steps of the order, from what it went through to what is to come.

    ``found`` are its :func:`stages`; with its ``history`` more steps have their time.
    """
    stage, *_, most = (*found, *found)
    if stage == "draft":
        return
    times = _times(parts, stage, history)
    if order.state != DISCARDED:  # a draft that nobody placed
        received = stage == "received"
        yield Step("received", "Placed", "current" if received else "done", order.placed_at)
    if stage == "cancelled":
        yield Step("cancelled", _PLAIN["cancelled"], "done", times.get("cancelled"))
        return
    texts = _ways(order, parts)
    route: list[OrderStage] = [step for step in _ORDER if step in texts]
    level = _RANK["confirmed" if stage == "waiting" else stage]
    reached = [step for step in route if _RANK[step] <= level]
    for step in route:
        status: Literal["done", "current", "partly"] = "done"
        if step not in reached:
            if _RANK[step] > _RANK[most]:
                yield Step(step, texts[step], "to_come")
                continue
            status = "partly"
        elif step == reached[-1] and stage != "delivered":
            status = "current"
        yield Step(step, texts[step], status, times.get(step))


def _ways(order: Order, parts: Sequence[Fulfillment]) -> dict[OrderStage, str]:
    """Return the steps on the ways of all parts once it was placed, each with its words."""
    texts: dict[OrderStage, str] = {"confirmed": _PLAIN["confirmed"]}
    for one in parts:
        manner = _manner(order, one)
        for step in _ROUTES.get(manner) or _route(order, one):
            texts.setdefault(step, _OF_KIND.get((manner, step), _PLAIN[step]))
    if not parts:
        texts["delivered"] = _PLAIN["delivered"]
    return texts


def _route(order: Order, one: Fulfillment) -> tuple[OrderStage, ...]:
    """The steps of a kind of your own, by what its states mean."""
    reached = set(order.lifecycle(one).table.values())
    out = any(state.phase is Phase.OUT for state in reached)
    shown: dict[OrderStage, bool] = {
        "preparing": any(state.phase is Phase.WORKING for state in reached),
        "ready": READY in reached and not out,
        "on_the_way": out,
        "delivered": True,
    }
    return tuple(step for step in _STEPS if shown[step])


def _times(
    parts: Sequence[Fulfillment], stage: OrderStage, history: Iterable[e.Event]
) -> dict[OrderStage, datetime]:
    """When the first of the order came into a stage, and the last of it arrived."""
    times: dict[OrderStage, datetime] = {}
    for one in parts:
        if one.started_at is not None:
            _first(times, "preparing", one.started_at)
        here = stage_of(one)
        if one.since is not None and here in ("ready", "on_the_way"):
            _first(times, here, one.since)
    alive = {one.id for one in parts}
    for event in history:
        for reached in _reached(event, alive):
            _first(times, reached, event.occurred_at or event.at)
    if stage == "delivered":  # of the rest nobody knows yet when the last will have arrived
        arrived = [one.arrived_at for one in parts if one.arrived_at is not None]
        times |= {"delivered": max(arrived)} if arrived else {}
    return times


def _first(times: dict[OrderStage, datetime], stage: OrderStage, at: datetime) -> None:
    times[stage] = min(at, times.get(stage, at))


_MOVING = ("handed_over", "in_transit", "out_for_delivery")


def _reached(event: e.Event, alive: set[str]) -> Iterator[OrderStage]:
    if isinstance(event, e.OrderAdvanced) and event.state.phase is Phase.WORKING:
        yield "confirmed"
    elif isinstance(event, e.OrderAdvanced | e.OrderCancelled):
        if event.state.phase is Phase.DROPPED:
            yield "cancelled"
    elif isinstance(event, e.FulfillmentAdvanced) and event.fulfillment_id in alive:
        if event.state.phase is Phase.OUT:
            yield "on_the_way"
        elif event.state.phase is Phase.WORKING:
            yield _inside(event.state)
    elif (
        isinstance(event, e.ParcelScanned)
        and event.fulfillment_id in alive
        and event.status in _MOVING
    ):
        # Also where the scan of the arrival was told first, and this one was no step.
        yield "on_the_way"
