"""Fifty-one months of car parts: what a policy of reordering is worth, on real, seldom demand.

    python examples/replenish_parts.py ../shared/data/carparts_monthly_demand.csv.gz

The file has a row per part and a column per month (empty: not known). All parts run through one
inventory ledger per policy: deliveries with a lead time, sales, backorders, and a count once a year
that finds what got lost. A month that is not known is neither sold in, nor learnt from, nor judged:
it is no month without demand. The first two years are only looked at; then each month
is first lived through and then planned for, with what the ledger knows by that time and nothing
else. Three ways of ordering stand side by side:

- proposed: the reorder point and economic quantity of `orderwright.inventory.replenishment`;
- fixed: a quarter's average demand whenever a lead time's average is left, both by the first years;
- hindsight: the cheapest orders for demand known beforehand (Wagner and Whitin, "Dynamic version of
  the economic lot size model", Management Science 5 (1958)), which is never late.
"""

import csv
import gzip
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from math import ceil
from pathlib import Path
from typing import Final, TypeAlias

from orderwright import InventoryLedger, Posting, Reservation
from orderwright.inventory.demand import demand_history, summary
from orderwright.inventory.replenishment import (
    ReplenishmentPolicy,
    economic_quantity,
    position,
    propose,
    reorder_point,
)

POLICY: Final = ReplenishmentPolicy(
    lead_time=2, review=1, service_level=0.95, order_cost=5.0, holding_cost=0.1
)
KNOWN: Final = 24
"""So many months are only looked at."""
PLACE: Final = "STORE"


def month(number: int) -> datetime:
    """The first moment of a month, counted from January 1998."""
    return datetime(1998 + number // 12, number % 12 + 1, 1, tzinfo=UTC)


Demand: TypeAlias = tuple[int | None, ...]
"""What was asked for, month by month; None where that is not known."""


def read(path: Path) -> Iterator[tuple[str, Demand]]:
    """The parts of the file."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        for part, *counts in rows:
            yield part, tuple(int(one) if one else None for one in counts)


def known(demand: Iterable[int | None]) -> list[int]:
    """The months of which something is known."""
    return [one for one in demand if one is not None]


@dataclass
class Result:
    """What came of a way of ordering."""

    asked: int = 0
    served: int = 0
    stock: int = 0
    orders: int = 0
    months: int = 0
    lost: int = 0
    postings: int = 0

    @property
    def fill_rate(self) -> float:
        """The share of what was asked for that was there at once."""
        return self.served / self.asked if self.asked else 1.0

    @property
    def average_stock(self) -> float:
        """Units on hand at the end of a month, over all parts together."""
        return self.stock / self.months if self.months else 0.0

    def cost(self, months: int) -> float:
        """What ordering and keeping cost a month."""
        return (self.orders * POLICY.order_cost + self.stock * POLICY.holding_cost) / max(1, months)


class Store:
    """A ledger for some parts, with the steps of a month."""

    def __init__(self) -> None:
        self.ledger = InventoryLedger()
        self.result = Result()
        self.due: dict[int, list[tuple[str, str, int]]] = {}
        self.read = ""
        self.histories: dict[str, list[int]] = {}

    def available(self, part: str, now: datetime) -> int:
        """Units on the shelf."""
        return self.ledger.stock(part, PLACE, now=now).available

    def open(self, part: str, units: int, at: datetime) -> None:
        """What is there to begin with."""
        if units:
            self.ledger.post(Posting.receive(f"open/{part}", part, PLACE, units, at=at))

    def order(self, part: str, units: int, number: int) -> None:
        """Order, to come after the lead time."""
        arrival = number + POLICY.lead_time
        purchase = f"{part}-{number}"
        self.ledger.post(
            Posting.expect(
                f"order/{purchase}",
                part,
                PLACE,
                units,
                purchase=purchase,
                expected_at=month(arrival),
                at=month(number + 1) - timedelta(hours=1),
            )
        )
        self.due.setdefault(arrival, []).append((part, purchase, units))
        self.result.orders += 1

    def receive(self, number: int) -> None:
        """What was ordered comes in, first for those who wait."""
        at = month(number)
        for part, purchase, units in self.due.pop(number, ()):
            self.ledger.post(
                Posting.receive(f"in/{purchase}", part, PLACE, units, purchase=purchase, at=at)
            )
            for claim in self.ledger.claims(part):
                there = min(claim.quantity, self.available(part, at))
                if there:
                    one = Reservation(claim.id, part, "", there)
                    sold = Reservation("", part, PLACE, there)
                    self.ledger.post(
                        Posting.linked(
                            f"fill/{purchase}/{claim.id}",
                            [
                                Posting.claim("x", [one], at=at, drop=True),
                                Posting.hand_over("x", [sold], at=at),
                            ],
                        )
                    )

    def sell(self, part: str, asked: int, number: int, *, judged: bool) -> None:
        """What is there is sold, the rest waits."""
        at = month(number) + timedelta(days=14)
        there = min(asked, self.available(part, at))
        name = f"{part}/{number}"
        if there:
            sold = Reservation("", part, PLACE, there)
            self.ledger.post(Posting.hand_over(f"sale/{name}", [sold], at=at))
        if asked > there:
            claim = Reservation(f"wait/{name}", part, "", asked - there)
            self.ledger.post(Posting.claim(f"wait/{name}", [claim], at=at))
        if judged:
            self.result.asked += asked
            self.result.served += there

    def count(self, part: str, number: int) -> None:
        """Once a year every tenth part turns out to be one short, if there is any."""
        at = month(number) + timedelta(days=20)
        if self.available(part, at):
            self.ledger.post(
                Posting.adjust(f"count/{part}/{number}", part, PLACE, -1, at=at, reason="count")
            )
            self.result.lost += 1

    def close(self, parts: dict[str, Demand], number: int, *, judged: bool) -> None:
        """Read the month's demand from the ledger, and look at the shelves."""
        start, end = month(number), month(number + 1)
        new = list(self.ledger.postings(after=self.read))
        if new:
            self.read = new[-1].id
        asked = demand_history(new, period="month", start=start, end=end, zone=UTC)
        for part, demand in parts.items():
            if demand[number] is None:
                continue
            self.histories.setdefault(part, []).append(asked.get(part, (0,))[0])
            if judged:
                self.result.stock += self.ledger.stock(part, PLACE, now=end).on_hand
        self.result.months += judged

    def position(self, part: str, now: datetime) -> int:
        """What is there and on order, less what is waited for."""
        return position(
            self.ledger.supply([part], now=now),
            self.ledger.claims(part),
            self.ledger.incoming(part),
        )


def live(parts: dict[str, Demand], fixed: dict[str, tuple[int, int]] | None) -> Store:
    """Live through all months, ordering as proposed, or by the ``fixed`` points and quantities."""
    store = Store()
    length = len(next(iter(parts.values())))
    for part, demand in parts.items():
        # Enough for the first years, and what the rule wants to have on the first day after them.
        first = known(demand[:KNOWN])
        point, batch = fixed[part] if fixed else _proposed(first)
        store.open(part, sum(first) + point + batch, month(0))
    for number in range(length):
        judged = number >= KNOWN
        store.receive(number)
        for index, (part, demand) in enumerate(parts.items()):
            asked = demand[number]
            if asked is not None:
                store.sell(part, asked, number, judged=judged)
            if judged and number % 12 == 0 and index % 10 == 0:
                store.count(part, number)
        store.close(parts, number, judged=judged)
        if number + 1 >= KNOWN:
            reorder(store, parts, fixed, number)
    store.result.postings = sum(1 for _ in store.ledger.postings())
    return store


def reorder(
    store: Store,
    parts: Iterable[str],
    fixed: dict[str, tuple[int, int]] | None,
    number: int,
) -> None:
    """Order what is short at the end of a month."""
    now = month(number + 1)
    positions = {part: store.position(part, now) for part in parts}
    if fixed:
        for part, (point, batch) in fixed.items():
            if positions[part] <= point and batch:
                store.order(part, batch, number)
    else:
        for one in propose(store.histories, positions, dict.fromkeys(positions, POLICY)):
            store.order(one.sku, one.quantity, number)


def _proposed(history: Sequence[int]) -> tuple[int, int]:
    if not history:
        return 0, 0
    mean = summary(history).mean
    return reorder_point(history, POLICY), economic_quantity(mean, POLICY) if mean else 0


def fixed_rule(demand: Sequence[int | None]) -> tuple[int, int]:
    """Order a quarter's average when the average of lead time and review is left."""
    first = known(demand[:KNOWN])
    mean = sum(first) / max(1, len(first))
    return ceil(mean * (POLICY.lead_time + POLICY.review)), ceil(3 * mean)


def hindsight(demand: Sequence[int]) -> tuple[int, int]:
    """The orders and the unit-months of stock of the cheapest plan for demand known beforehand."""
    count = len(demand)
    best: list[tuple[float, int, int]] = [(0.0, 0, 0)]
    for last in range(1, count + 1):
        options: list[tuple[float, int, int]] = []
        held = 0
        for first in range(last, 0, -1):
            # What is asked for in month `last` is kept from month `first` on.
            held = sum(demand[at - 1] * (at - first) for at in range(first, last + 1))
            before = best[first - 1]
            needed = any(demand[first - 1 : last])
            orders = before[1] + needed
            stock = before[2] + held
            cost = before[0] + needed * POLICY.order_cost + held * POLICY.holding_cost
            options.append((cost, orders, stock))
        best.append(min(options))
    return best[-1][1], best[-1][2]


def report(path: Path, *, every: int = 1) -> str:
    """Return the comparison, of every so-manieth part."""
    parts = dict(islice(read(path), 0, None, every))
    judged = len(next(iter(parts.values()))) - KNOWN
    ours = live(parts, None)
    rule = live(parts, {part: fixed_rule(demand) for part, demand in parts.items()})
    for store in (ours, rule):
        if store.ledger.audit():
            raise AssertionError(store.ledger.audit()[0])
    asked = sum(sum(known(demand[KNOWN:])) for demand in parts.values())
    best = Result(asked=asked, served=asked, months=judged)
    for demand in parts.values():
        orders, stock = hindsight([one or 0 for one in demand[KNOWN:]])
        best.orders += orders
        best.stock += stock
    months = [one for demand in parts.values() for one in demand]
    gaps = sum(one is None for one in months)
    zeros = months.count(0) / (len(months) - gaps)
    lines = [
        f"{len(parts):,} parts, {KNOWN} months known, {judged} lived through, {gaps:,} not known",
        f"{asked:,} units asked for, {zeros:.1%} of the months zero",
        "",
        f"{'':<12}{'fill rate':>10}{'stock':>10}{'orders':>9}{'cost a month':>14}",
    ]
    for name, one in (("proposed", ours.result), ("fixed", rule.result), ("hindsight", best)):
        lines.append(
            f"{name:<12}{one.fill_rate:>10.1%}{one.average_stock:>10,.0f}{one.orders:>9,}"
            f"{one.cost(judged):>14,.2f}"
        )
    counted = ours.result.lost + rule.result.lost
    written = ours.result.postings + rule.result.postings
    lines += ["", f"{written:,} postings, {counted:,} units lost and found out, the audit is clean"]
    return "\n".join(lines)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: replenish_parts.py carparts_monthly_demand.csv.gz")
    print(report(Path(sys.argv[1])))
