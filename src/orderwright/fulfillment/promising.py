"""Promise dates: when what is ordered now leaves, and when it arrives."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING, NamedTuple, cast, final

from attrs import field, frozen

from orderwright.errors import InvalidInput
from orderwright.values import aware, instance, quantity, several

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Calendar", "Promise", "promise"]

_DAY = timedelta(days=1)
_WEEK = 7
_MOST = 3_650


def _weekdays(value: Iterable[int]) -> frozenset[int]:
    days = several(value, "weekdays")
    if not days or any(type(one) is not int or not 0 <= one < _WEEK for one in days):
        raise InvalidInput.at("weekdays", "expected some of 0 (Monday) to 6 (Sunday)")
    return frozenset(cast("tuple[int, ...]", days))


def _dates(value: Iterable[date]) -> frozenset[date]:
    days = several(value, "holidays")
    for one in days:
        if type(one) is not date:
            raise InvalidInput.at("holidays", f"expected dates, got {type(one).__name__}")
    return frozenset(cast("tuple[date, ...]", days))


@final
@frozen(kw_only=True)
class Calendar:
    """On which days somebody works, and until when what comes in is done the same day.

    ``zone`` is the local time (``zoneinfo.ZoneInfo("Europe/Berlin")``); ``weekdays`` count from 0
    for Monday; on ``holidays`` nobody works. What comes in after ``cutoff`` (local; None: never
    too late) counts as of the next working day. ``preparation`` is in working days.
    """

    zone: tzinfo
    cutoff: time | None = None
    weekdays: frozenset[int] = field(default=frozenset(range(5)), converter=_weekdays)
    holidays: frozenset[date] = field(default=frozenset(), converter=_dates)
    preparation: int = 0

    def __attrs_post_init__(self) -> None:
        """Refuse what is no local time, and negative preparation."""
        zone = cast("object", self.zone)
        if not isinstance(zone, tzinfo):
            raise InvalidInput.at("zone", f"expected a tzinfo, got {type(zone).__name__}")
        if self.cutoff is not None and instance(self.cutoff, time, "cutoff").tzinfo is not None:
            raise InvalidInput.at("cutoff", "give a local time without a zone; the zone is `zone`")
        if quantity(self.preparation, "preparation", least=0) > _MOST:
            raise InvalidInput.at("preparation", f"{self.preparation} days are more than ten years")

    def works(self, day: date) -> bool:
        """Whether ``day`` is a working day."""
        return day.weekday() in self.weekdays and day not in self.holidays

    def after(self, day: date, days: int) -> date:
        """Return the working day that is ``days`` working days after ``day`` (0: it or the next).

        Raises InvalidInput where holidays leave none within reach of the calendar's end.
        """
        try:
            while not self.works(day):
                day += _DAY
            for _ in range(days):
                day += _DAY
                while not self.works(day):
                    day += _DAY
        except OverflowError:
            raise InvalidInput.at(
                "holidays", "no working day is left until the year 9999"
            ) from None
        return day

    def leaves(self, at: datetime) -> date:
        """Return the day on which leaves what is ordered ``at`` (aware)."""
        local = aware(at, "at").astimezone(self.zone)
        day = local.date()
        late = self.cutoff is not None and local.time() > self.cutoff
        if late and self.works(day):
            day += _DAY
        return self.after(day, self.preparation)


@final
class Promise(NamedTuple):
    """What may be said to the customer: when it ``leaves`` and when it ``arrives``, local days.

    ``by`` is the moment (aware) at which the day of arrival ends where it arrives.
    """

    leaves: date
    arrives: date
    by: datetime


def promise(
    at: datetime, calendar: Calendar, *, transit_days: int = 0, delivers: Calendar | None = None
) -> Promise:
    """Return when what is ordered ``at`` (aware) leaves, and when it arrives.

    It leaves by ``calendar``, after its cut-off and preparation, and arrives ``transit_days``
    later, counted and handed over on the days of ``delivers`` (left out: those of ``calendar``).
    With 0 days it arrives on the first of those, maybe the day it leaves.
    """
    if quantity(transit_days, "transit_days", least=0) > _MOST:
        raise InvalidInput.at("transit_days", f"{transit_days} days are more than ten years")
    leaves = calendar.leaves(at)
    carrier = delivers or calendar
    arrives = carrier.after(leaves, transit_days)
    # Where clocks go back at midnight the last hour comes twice: the day ends with the second.
    ends = time.max.replace(fold=1)
    return Promise(leaves, arrives, datetime.combine(arrives, ends, carrier.zone))
