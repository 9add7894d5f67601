"""What to reorder, when, how much, and why: standard formulas over the ledger's own demand.

All times are in periods of the demand history. Estimates are floats; quantities are whole units.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING, Literal, NamedTuple, final

from attrs import frozen

from orderwright.errors import Fault, InvalidInput
from orderwright.inventory.demand import summary
from orderwright.values import MAX_QUANTITY, identifier, instance, quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orderwright.inventory.demand import DemandPattern
    from orderwright.inventory.ledger import Claim, Incoming, Stock

__all__ = [
    "Proposal",
    "ReplenishmentPolicy",
    "StockHealth",
    "abc_classes",
    "economic_quantity",
    "health",
    "packed",
    "position",
    "propose",
    "reorder_point",
    "safety_stock",
]

_SURE = 0.9999
_MANY = 500
"""So many different sums are kept; of more, some are rounded up."""
_NEVER = 1e-18


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@final
@frozen(kw_only=True)
class ReplenishmentPolicy:
    """How one SKU is bought: all spans in periods of its demand history.

    ``lead_time`` is from ordering to receiving, ``lead_time_deviation`` how much that varies,
    ``review`` how often somebody looks. ``service_level`` is the probability that a cycle ends
    without a stock-out. ``order_cost`` is what an order costs whatever its size, ``holding_cost``
    what keeping one unit costs per period, in the same money. Whole packs of ``pack`` units are
    ordered, at least ``minimum`` units.
    """

    lead_time: int
    lead_time_deviation: float = 0.0
    review: int = 1
    service_level: float = 0.95
    order_cost: float = 0.0
    holding_cost: float = 0.0
    pack: int = 1
    minimum: int = 1

    def __attrs_post_init__(self) -> None:
        """Refuse what no formula can take."""
        quantity(self.lead_time, "lead_time", least=0)
        quantity(self.review, "review", least=0)
        quantity(self.pack, "pack")
        quantity(self.minimum, "minimum")
        faults = [
            Fault(name, "expected a number from 0 on")
            for name, value in (
                ("lead_time_deviation", self.lead_time_deviation),
                ("order_cost", self.order_cost),
                ("holding_cost", self.holding_cost),
            )
            if not _number(value) or not 0 <= value <= MAX_QUANTITY
        ]
        # Less than a coin's is none.
        if not _number(self.service_level) or not 0.5 <= self.service_level <= _SURE:  # noqa: PLR2004
            wrong = f"expected a number between 0.5 and {_SURE}"
            faults.append(Fault("service_level", wrong))
        if faults:
            raise InvalidInput(faults)


def safety_stock(
    mean: float, deviation: float, *, over: float, over_deviation: float, level: float
) -> float:
    """Return the units that cover the uncertainty of demand and of lead time at once.

    z * sqrt(over * deviation^2 + mean^2 * over_deviation^2), with z the normal quantile of the
    service level ``level``: P. L. King, "Crack the code: understanding safety stock and mastering
    its equations", APICS magazine, July/August 2011. ``over`` is the lead time (and review) in
    periods.
    """
    z = NormalDist().inv_cdf(level)
    return z * sqrt(over * deviation**2 + mean**2 * over_deviation**2)


def reorder_point(history: Sequence[int], policy: ReplenishmentPolicy) -> int:
    """Return the inventory position at or below which an order is due, in whole units.

    For smooth and erratic demand: what is expected over lead time and review, and the safety
    stock. For intermittent and lumpy demand averages say little; there it is the least stock that
    meets the service level under the demand of as many periods drawn from the history, worked out
    exactly (what Willemain, Smart and Schwarz, International Journal of Forecasting 20 (2004),
    find by drawing), or where that would be very many sums, a little above. Raises InvalidInput for
    an empty history.
    """
    instance(policy, ReplenishmentPolicy, "policy")
    known = summary(history)
    over = policy.lead_time + policy.review
    if known.pattern == "none" or not over:
        return 0
    if known.pattern in ("smooth", "erratic"):
        spare = safety_stock(
            known.mean,
            known.deviation,
            over=over,
            over_deviation=policy.lead_time_deviation,
            level=policy.service_level,
        )
        # Where more came back than was asked for, none are needed, rather than fewer than none.
        return max(0, ceil(known.total * over / known.periods + spare))
    late = ceil(NormalDist().inv_cdf(policy.service_level) * policy.lead_time_deviation)
    return _quantile(history, over + late, policy.service_level)


def _quantile(history: Sequence[int], draws: int, level: float) -> int:
    """Return the least units that ``draws`` periods of the history do not exceed so often."""
    chances: dict[int, float] = {}
    for one in history:
        units = max(0, one)
        chances[units] = chances.get(units, 0.0) + 1 / len(history)
    sums, doubled = {0: 1.0}, _coarser(chances)
    while draws:
        if draws % 2:
            sums = _added(sums, doubled)
        draws //= 2
        doubled = _added(doubled, doubled) if draws else doubled
    reached = 0.0
    *lower, highest = sorted(sums)
    for units in lower:
        reached += sums[units]
        if reached >= level - 1e-12:
            return units
    return highest


def _added(one: Mapping[int, float], other: Mapping[int, float]) -> dict[int, float]:
    """Return how the sum of two independent demands is distributed."""
    sums: dict[int, float] = {}
    for units, chance in one.items():
        for more, likely in other.items():
            sums[units + more] = sums.get(units + more, 0.0) + chance * likely
    return _coarser({units: chance for units, chance in sums.items() if chance > _NEVER})


def _coarser(sums: dict[int, float]) -> dict[int, float]:
    """Return the distribution on few enough values, each rounded up: never too little stock."""
    if len(sums) <= _MANY:
        return sums
    least = min(sums)
    step = (max(sums) - least) // _MANY + 1
    found: dict[int, float] = {}
    for units, chance in sums.items():
        up = least - (least - units) // step * step
        found[up] = found.get(up, 0.0) + chance
    return found


def economic_quantity(mean: float, policy: ReplenishmentPolicy) -> int:
    """Return how much to order at once: sqrt(2 * demand * order cost / holding cost), in packs.

    F. W. Harris, "How many parts to make at once", Factory 10 (1913). Where one of the costs is
    nothing, what is asked for in a lead time and a review. Raises InvalidInput for a ``mean`` that
    is no number, or far beyond what anybody could order.
    """
    instance(policy, ReplenishmentPolicy, "policy")
    if not _number(mean) or not -MAX_QUANTITY <= mean <= MAX_QUANTITY:
        raise InvalidInput.at("mean", f"expected a number up to {MAX_QUANTITY}")
    if policy.order_cost and policy.holding_cost:
        wanted = sqrt(2 * max(0.0, mean) * policy.order_cost / policy.holding_cost)
    else:
        wanted = mean * max(1, policy.lead_time + policy.review)
    if wanted > MAX_QUANTITY:
        raise InvalidInput.at("policy", f"comes to more than {MAX_QUANTITY} units at once")
    return packed(max(1, ceil(wanted - 0.5)), policy)


def packed(units: int, policy: ReplenishmentPolicy) -> int:
    """Return at least ``units`` and the minimum, in whole packs."""
    return -(-max(units, policy.minimum) // policy.pack) * policy.pack


def position(stocks: Iterable[Stock], claims: Iterable[Claim], incoming: Iterable[Incoming]) -> int:
    """Return the inventory position of a SKU: what is available and on order, less what is claimed.

    What is reserved is as good as gone, and what is in quarantine may never come back.
    """
    there = sum(one.available + one.in_transit for one in stocks)
    coming = sum(one.quantity for one in incoming)
    return there + coming - sum(one.quantity for one in claims)


@final
class Proposal(NamedTuple):
    """A line of a purchase list: what to order, and why."""

    sku: str
    quantity: int
    position: int
    reorder_point: int
    pattern: DemandPattern
    reason: str


def propose(
    histories: Mapping[str, Sequence[int]],
    positions: Mapping[str, int],
    policies: Mapping[str, ReplenishmentPolicy],
) -> tuple[Proposal, ...]:
    """Return what to order now, by SKU: whatever is at or below its reorder point.

    Ordered is the economic quantity, or more if that would not reach the reorder point. A SKU
    nobody asked for is not ordered, unless customers wait for it. Raises InvalidInput, for all
    SKUs together, where a policy is missing.
    """
    every: dict[str, object] = {
        "histories": histories,
        "positions": positions,
        "policies": policies,
    }
    for name, given in every.items():
        if not isinstance(given, Mapping):
            raise InvalidInput.at(name, f"expected a mapping by SKU, got {type(given).__name__}")
    for sku in histories:
        identifier(sku, "sku")
    faults = [Fault(f"policies[{sku}]", "is missing") for sku in histories if sku not in policies]
    if faults:
        raise InvalidInput(faults)
    found: list[Proposal] = []
    for sku in sorted(histories):
        policy, history = policies[sku], histories[sku]
        known, point = summary(history), reorder_point(history, policy)
        there = quantity(positions.get(sku, 0), f"positions[{sku}]", least=-MAX_QUANTITY)
        if there > point or (known.pattern == "none" and there >= 0):
            continue
        batch = economic_quantity(known.mean, policy)
        units = batch if there + batch > point else packed(point - there + 1, policy)
        waits = f", {-there} are waited for" if there < 0 else ""
        reason = (
            f"position {there} is at or below {point}{waits}: {known.pattern} demand of "
            f"{known.mean:.2f} a period, {policy.lead_time} + {policy.review} periods to cover "
            f"at {policy.service_level:.0%}"
        )
        if policy.pack > 1:
            reason += f"; {units // policy.pack} packs of {policy.pack}"
        found.append(Proposal(sku, units, there, point, known.pattern, reason))
    return tuple(found)


def abc_classes(
    values: Mapping[str, float], *, first: float = 0.8, second: float = 0.95
) -> dict[str, Literal["A", "B", "C"]]:
    """Return the class of each SKU by the value asked for of it, the largest first.

    A are those that make up the ``first`` share of it all, B up to the ``second``, C the rest: the
    item that crosses a border belongs to the better class (H. F. Dickie, "ABC inventory analysis
    shoots for dollars", Factory Management and Maintenance 109 (1951)). Ties go by SKU.
    """
    if not 0 < first <= second <= 1:
        raise InvalidInput.at("first", f"expected 0 < first <= second <= 1, got {first}, {second}")
    whole = sum(values.values())
    found: dict[str, Literal["A", "B", "C"]] = {}
    before = 0.0
    for sku in sorted(values, key=lambda one: (-values[one], one)):
        share = before / whole if whole else 1.0
        found[sku] = "A" if share < first else "B" if share < second else "C"
        before += values[sku]
    return found


@final
class StockHealth(NamedTuple):
    """How long stock lasts: ``cover`` in periods (None: for ever, as nobody asks for it).

    ``overstock`` are units beyond what the given number of periods asks for; ``dead`` is stock
    that nobody asked for in all of them.
    """

    sku: str
    on_hand: int
    cover: float | None
    overstock: int
    dead: bool


def health(sku: str, on_hand: int, history: Sequence[int], *, periods: int) -> StockHealth:
    """Return how healthy the stock of a SKU is, looking ``periods`` ahead and back."""
    quantity(periods, "periods")
    quantity(on_hand, "on_hand", least=-MAX_QUANTITY)
    known = summary(history)
    mean = max(0.0, known.mean)
    wanted = -(-max(0, known.total) * periods // known.periods)
    asked = any(one > 0 for one in history[-periods:])
    return StockHealth(
        sku,
        on_hand,
        on_hand / mean if mean else None,
        max(0, on_hand - wanted),
        on_hand > 0 and not asked,
    )
