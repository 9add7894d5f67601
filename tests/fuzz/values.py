"""What callers make before they hand it in, and what they ask of what they got back."""

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from datetime import UTC, date, timedelta
from typing import Any

from attrs import fields, has

import orderwright
from orderwright import (
    STANDARD,
    Lifecycle,
    Lifecycles,
    Location,
    Money,
    Order,
    Posting,
    Reservation,
    UnitPrice,
)
from orderwright.fulfillment.labels import Address, ShippingLabel, check_digit, sscc
from orderwright.fulfillment.planning import Sourcing
from orderwright.fulfillment.promising import Calendar, promise
from orderwright.fulfillment.shipping import LabelOutcome, Rate
from orderwright.inventory.guard import StockPolicy
from orderwright.inventory.replenishment import (
    ReplenishmentPolicy,
    economic_quantity,
    health,
    propose,
    reorder_point,
)
from orderwright.orders.bills import split_bill, split_evenly
from orderwright.orders.menu import Dish
from orderwright.tracking.board import KitchenBoard
from orderwright.tracking.delays import Limits, delays
from orderwright.tracking.kitchen import KitchenLoad
from orderwright.tracking.losses import Losses
from orderwright.tracking.reading import facts_of
from orderwright.tracking.reports import Period, percentile
from orderwright.tracking.revenue import Revenue
from orderwright.tracking.service_levels import FillRate, ServiceLevels
from orderwright.tracking.staff import staff_view
from orderwright.tracking.stages import Backlog, CycleTimes, Funnel
from orderwright.tracking.views import customer_view
from tests.fuzz.documents import histories, survives, values
from tests.fuzz.hostile import OURS, Hostile
from tests.fuzz.judging import Target
from tests.fuzz.town import LIKELY
from tests.worlds import HOUR, NOON, eur

ADDRESS = Address(
    name="Ann", lines=["1 High Street"], postcode="10115", city="Berlin", country="DE"
)
WEEK = Period(NOON, NOON + timedelta(days=7))
MADE: tuple[object, ...] = (
    *(ADDRESS, WEEK, Calendar(zone=UTC), StockPolicy(), Limits(), Sourcing(), STANDARD),
    ShippingLabel(
        sender=ADDRESS, recipient=ADDRESS, service="express", weight=750, tracking="JD014600003"
    ),
    Location(id="MAIN", offers=["oven"], cost=5),
    Rate(service="express", carrier="DHL", cost=eur(5)),
    LabelOutcome(outcome="succeeded", tracking="JD1", carrier="DHL", cost=eur(5)),
    ReplenishmentPolicy(lead_time=2, lead_time_deviation=0.5, pack=6),
    Dish(sku="SOUP", name="Soup", price=UnitPrice.of("6", "EUR"), uses={"ONION": 3}, course=1),
)
ORDER_HISTORY = max(histories(), key=len)
ORDER = Order.replay(ORDER_HISTORY)
PRICE = UnitPrice.of("1.99", "EUR", per=100)
HELD = Reservation("r1", "MUG", "MAIN", 1, None, "o1")


def checked() -> list[type]:
    """Every class of values in the core that looks at what it is made of."""
    found = []
    for module in pkgutil.walk_packages(orderwright.__path__, "orderwright."):
        if module.name.split(".")[1] not in ("adapters", "testing"):
            every = vars(importlib.import_module(module.name)).values()
            found += [
                one
                for one in every
                if isinstance(one, type)
                and one.__module__ == module.name
                and has(one)
                and _looks(one)
            ]
    return sorted(found, key=lambda one: one.__name__)


def _looks(kind: type) -> bool:
    converts = any(one.converter or one.validator for one in fields(kind))
    return converts or hasattr(kind, "__attrs_post_init__")


def samples() -> dict[type, Any]:
    """One right value of each class that there is one of."""
    found: dict[type, Any] = {}
    pending: list[Any] = [MADE, LIKELY, histories()]
    while pending:
        one = pending.pop()
        if has(type(one)):
            found[type(one)] = one
            pending += [getattr(one, field.name) for field in fields(type(one))]
        elif isinstance(one, dict):
            pending += one.values()
        elif isinstance(one, list | tuple | set | frozenset):
            pending += one
    return found


def making(kind: type, good: object) -> Callable[[Hostile], object]:
    """A case that makes one of `kind` of what `good` is made of, or not quite."""
    names = [one.name for one in fields(kind) if one.init and one.name not in OURS]

    def case(draw: Hostile) -> object:
        given = {name: getattr(good, name) for name in names}
        for name in draw.sample(names, min(len(names), draw.choice((1, 1, 2)))):
            given[name] = draw.bent(given[name])
        return kind(**given)

    return case


def calling(call: Callable[..., object], *given: object, **named: object) -> Target:
    """A target that makes this call, or not quite."""

    def case(draw: Hostile) -> object:
        args, kwargs = list(given), dict(named)
        for _ in range(draw.choice((1, 1, 2))):
            key = draw.choice([*range(len(args)), *kwargs])
            holder: Any = args if isinstance(key, int) else kwargs
            holder[key] = draw.bent(holder[key])
        found = call(*args, **kwargs)
        return list(found) if isinstance(found, Iterable) else found

    return Target(case, accepted=repr)


def posting(call: Callable[..., object], *given: object, **named: object) -> Target:
    """A target that makes a posting, of which every entry is looked at: a hundred thousand too."""
    return calling(call, *given, **named)._replace(seconds=5.0)


def reading(make: Callable[..., Any], *given: object, **named: object) -> Target:
    """A target that makes this report, or not quite, and reads a history with it."""

    def read(*args: object, **kwargs: object) -> object:
        one = make(*args, **kwargs)
        one.add(FACTS)
        return one.rows()

    return calling(read, *given, **named)


FACTS = facts_of(ORDER_HISTORY)
GROUPED: dict[str, Any] = {"by": ["day", "channel"], "period": WEEK, "zone": UTC}
CALLS: dict[str, Target] = {
    "Money.of": calling(Money.of, "12.50", "EUR"),
    "Money +": calling(lambda other: eur(5) + other, eur(7)),
    "Money <": calling(lambda other: eur(5) < other, eur(7)),
    "Money *": calling(lambda factor: eur(5) * factor, 3),
    "Money.share": calling(lambda part, whole: eur(5).share(part, whole), 1, 3),
    "Money.split": calling(lambda by: eur(5).split(by), [1, 2, 3]),
    "Money.split most": calling(lambda by, most: eur(5).split(by, most), [1, 2], [400, 400]),
    "UnitPrice.of": calling(lambda *args: UnitPrice.of(*args[:2], per=args[2]), "1.99", "EUR", 100),
    "UnitPrice +": calling(lambda other: PRICE + other, UnitPrice.of(2, "EUR", per=7)),
    "UnitPrice *": calling(lambda factor: PRICE * factor, 3),
    "Posting.receive": posting(
        Posting.receive, "p", "MUG", "MAIN", 5, at=NOON, lot="A", purchase="b"
    ),
    "Posting.expect": posting(
        Posting.expect, "p", "MUG", "MAIN", 5, purchase="b", expected_at=NOON, at=NOON
    ),
    "Posting.adjust": posting(Posting.adjust, "p", "MUG", "MAIN", -1, reason="broken", at=NOON),
    "Posting.make": posting(
        Posting.make, "p", "MAIN", made=[("SHAKE", 9)], used=[("MILK", 9)], at=NOON
    ),
    "Posting.reserve": posting(Posting.reserve, "p", [HELD], at=NOON),
    "Posting.hand_over": posting(Posting.hand_over, "p", [HELD], at=NOON),
    "Period.of_days": calling(Period.of_days, NOON.date(), date(2026, 2, 1), zone=UTC),
    "Revenue": reading(
        Revenue, by=["day", "sku"], period=WEEK, zone=UTC, counting="with_the_order"
    ),
    "Funnel": reading(Funnel, **GROUPED),
    "CycleTimes": reading(CycleTimes, **GROUPED),
    "FillRate": reading(FillRate, **GROUPED),
    "Losses": reading(Losses, **GROUPED),
    "ServiceLevels": reading(ServiceLevels, NOON, faults=["lost"], **GROUPED),
    "Backlog": reading(Backlog, NOON, ages=[HOUR, 2 * HOUR], by=["day"], zone=UTC),
    "KitchenLoad": reading(KitchenLoad, WEEK, NOON, slot=HOUR, kinds=["ticket"]),
    "KitchenBoard": calling(lambda at_once: KitchenBoard(at_once=at_once), {"GRILL": 2}),
    "customer_view": calling(lambda now: customer_view(ORDER, now=now), NOON),
    "staff_view": calling(
        lambda now, limits: staff_view(ORDER, now=now, limits=limits), NOON, Limits()
    ),
    "delays": calling(lambda now, limits: delays(ORDER, now=now, limits=limits), NOON, Limits()),
    "percentile": calling(lambda percent: percentile([3, 1, 2], percent), 50),
    "split_bill": calling(
        lambda groups: split_bill(ORDER, groups),
        {"Ann": [one.id for one in ORDER.lines], "Bob": [ORDER.lines[0].id]},
    )._replace(seconds=5.0),  # each line is looked for in each group
    "split_evenly": calling(lambda ways: split_evenly(ORDER, ways), 3),
    "promise": calling(
        lambda at, days: promise(at, Calendar(zone=UTC), transit_days=days), NOON, 2
    ),
    "reorder_point": calling(
        reorder_point, [0, 3, 0, 0, 7], ReplenishmentPolicy(lead_time=2)
    )._replace(seconds=10.0),  # so many sums are added up exactly
    "economic_quantity": calling(economic_quantity, 2.5, ReplenishmentPolicy(lead_time=2)),
    "propose": calling(
        propose,
        {"MUG": [0, 3, 0, 0, 7]},
        {"MUG": 2},
        {"MUG": ReplenishmentPolicy(lead_time=2)},
    )._replace(seconds=10.0),
    "health": calling(health, "MUG", 9, [0, 3, 0, 0, 7], periods=3),
    "check_digit": calling(check_digit, "1234567"),
    "sscc": calling(lambda *args: sscc(*args[:2], extension=args[2]), "1234567", 1, 0),
}
SAMPLES = samples()
TABLES = (Lifecycle, Lifecycles)
"""Parts of the program: it says what is wrong with its tables, and no more."""
STORED = {kind for kind, _ in values()}
CLASSES = {one: SAMPLES[one] for one in checked() if one in SAMPLES and one not in TABLES}
TARGETS = {
    **{
        f"{one.__name__}()": Target(making(one, good), accepted=survives if one in STORED else repr)
        for one, good in CLASSES.items()
    },
    **CALLS,
}
