"""How busy the kitchen was: what each station had to make, slot by slot."""

from __future__ import annotations

from array import array
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple, final

from orderwright.errors import InvalidInput
from orderwright.tracking.reports import Period, zone_of
from orderwright.values import in_utc, instance, span, tags

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from orderwright.tracking.facts import OrderFacts, Work

__all__ = ["KitchenLoad", "LoadRow", "render_load"]

_MOST_SLOTS = 100_000


@final
class LoadRow(NamedTuple):
    """What ``station`` had to do from ``start`` until just before ``end``.

    ``fired`` tickets of so many ``dishes`` began, ``making`` tickets were being made at some time,
    ``made`` ones got ready, ``late`` ones were to be ready by then and were not.
    """

    station: str
    start: datetime
    end: datetime
    fired: int
    dishes: int
    making: int
    made: int
    late: int


class _Station:
    __slots__ = ("dishes", "ended", "fired", "late", "made", "making")

    def __init__(self, slots: int) -> None:
        zeros = [0] * (slots + 1)
        self.fired = array("q", zeros)
        self.dishes = array("q", zeros)
        self.making = array("q", zeros)
        """By slot, how many more are being made than in the one before."""
        self.made = array("q", zeros)
        self.late = array("q", zeros)


@final
class KitchenLoad:
    """What each station was fired, was making and got ready in ``period``, by slots of time.

    Source: the histories. A ticket is being made from when it was fired (or work on it began
    otherwise) until it was ready, and where nobody said so, until it was served, taken by a courier
    or given up; ``now`` if none of that happened yet. It is late if it was not ready by then: so
    long after it began as the longest preparation of its dishes takes, else when the plan promised
    it, else never; it counts in the slot of that moment. ``kinds`` are the kinds of fulfillment
    that are tickets. The last slot may be shorter. Raises InvalidInput for more than 100,000 slots.
    """

    def __init__(
        self,
        period: Period,
        now: datetime,
        *,
        slot: timedelta = timedelta(minutes=15),
        kinds: Collection[str] = ("ticket",),
    ) -> None:
        self._period = instance(period, Period, "period")
        self._now = in_utc(now, "now")
        self._slot = span(slot, "slot")
        self._slots = -(-period.length // slot)
        if self._slots > _MOST_SLOTS:
            wrong = f"{self._slots:,} of them in the period; at most {_MOST_SLOTS:,} are counted"
            raise InvalidInput.at("slot", f"{wrong}: take longer ones, or a shorter period")
        self._kinds = tags(kinds, "kinds")
        self._stations: dict[str, _Station] = {}

    def add(self, facts: OrderFacts, /) -> None:
        """Add one order."""
        for work in facts.work:
            if work.kind in self._kinds and work.started_at < self._period.end:
                self._count(work)

    def _count(self, work: Work) -> None:
        until = self._now if work.made_at is None else work.made_at
        if until < self._period.start and work.started_at < self._period.start:
            return  # where clocks differ, it may have been ready before it began
        station = self._stations.get(work.location)
        if station is None:
            station = self._stations[work.location] = _Station(self._slots)
        first = self._at(work.started_at)
        if first >= 0:
            station.fired[first] += 1
            station.dishes[first] += work.units
        last = min(self._at(until), self._slots - 1)
        if last >= first:
            station.making[max(0, first)] += 1
            station.making[last + 1] -= 1
        if work.made_at in self._period:
            station.made[self._at(until)] += 1
        due_at = work.due_at
        if due_at is not None and due_at < until and due_at in self._period:
            station.late[self._at(due_at)] += 1

    def _at(self, moment: datetime) -> int:
        """Return the number of the slot, negative before the period."""
        return (moment - self._period.start) // self._slot

    def rows(self) -> list[LoadRow]:
        """Return a row for each slot in which a station had anything to do."""
        found: list[LoadRow] = []
        for name, station in sorted(self._stations.items()):
            making = list(accumulate(station.making))
            for index in range(self._slots):
                counts = (
                    station.fired[index],
                    station.dishes[index],
                    making[index],
                    station.made[index],
                    station.late[index],
                )
                if any(counts):
                    start = self._period.start + index * self._slot
                    end = min(start + self._slot, self._period.end)
                    found.append(LoadRow(name, start, end, *counts))
        return found


_WIDE = 40


def render_load(rows: Sequence[LoadRow], *, zone: tzinfo = UTC) -> str:
    """Return the load of each station as bars of the tickets being made, a line a slot.

    Times are those of ``zone``. A mark is a ticket, or as many as it takes for the longest bar to
    be 40 marks; ``!`` are late ones. Slots in which a station had nothing to do are left out.
    """
    zone_of(zone)
    if not rows:
        return ""
    each = max(1, -(-max(row.making for row in rows) // _WIDE))
    wide = -(-max(row.making for row in rows) // each)
    lines: list[str] = []
    for station, load in _by_station(rows):
        lines += [""] * bool(lines)
        lines.append("".join(char if char.isprintable() else " " for char in station))
        day = None
        for row in load:
            start = row.start.astimezone(zone)
            if start.date() != day:
                day = start.date()
                lines.append(f"  {day.isoformat()}")
            marks = -(-row.making // each)
            late = min(marks, -(-row.late // each))
            bar = "#" * (marks - late) + "!" * late
            dishes = f"{row.dishes} dish{'' if row.dishes == 1 else 'es'} fired"
            told = f"{row.making} being made, {dishes}"
            told += f", {row.late} late" if row.late else ""
            lines.append(f"  {start:%H:%M}  {bar:<{wide}}  {told}")
    if each > 1:
        lines += ["", f"a mark is up to {each} tickets"]
    return "\n".join(lines)


def _by_station(rows: Iterable[LoadRow]) -> list[tuple[str, list[LoadRow]]]:
    found: dict[str, list[LoadRow]] = {}
    for row in rows:
        found.setdefault(row.station, []).append(row)
    return list(found.items())
