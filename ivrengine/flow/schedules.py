"""Schedules: when a brand is open. Compiled from the files by ``schedule_files.py``, asked by ``hours`` nodes as calls come by.

A schedule is read off a clock on a wall of its time zone: an hour that comes twice in autumn is open twice or not at all,
and what would begin in the hour that is left out in spring begins when that hour would have been.
"""

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

DAY_MIN: Final = 24 * 60
DAYS_AHEAD_MAX: Final = 400
"""A schedule that does not open within a year and a month is closed for good, as far as a caller cares."""
HOLIDAY: Final = "holiday"
HALF_DAY: Final = "half-day"
_ONE_DAY: Final = timedelta(days=1)

Period = tuple[int, int]
"""Minutes of a day from which and until which it is open; the end lies beyond 24 hours if midnight is between."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """The periods that begin on a day, in order, and why they are not those of its weekday."""

    periods: tuple[Period, ...] = ()
    reason: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Whether it is open at an instant, and if it is closed, why."""

    is_open: bool
    reason: str = ""
    """``holiday``, ``half-day`` or the reason of an exception; empty when it is closed as in every week."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When it is open: an exception with its year wins over one of every year, that over a holiday, and that over the week."""

    name: str
    zone: ZoneInfo
    week: tuple[Day, ...]
    """Seven days from Monday on."""
    dated: Mapping[date, Day] = dataclasses.field(default_factory=dict)
    yearly: Mapping[tuple[int, int], Day] = dataclasses.field(default_factory=dict)
    """By month and day."""
    holidays: Mapping[date, Day] = dataclasses.field(default_factory=dict)
    reasons: Collection[str] = ()
    """Every reason for which it may be closed."""

    def day(self, on: date) -> Day:
        """Return the periods that begin on a day."""
        return (
            self.dated.get(on)
            or self.yearly.get((on.month, on.day))
            or self.holidays.get(on)
            or self.week[on.weekday()]
        )

    def standing(self, at: datetime) -> Standing:
        """Return how it stands at an instant."""
        local = at.astimezone(self.zone)
        if self._is_open(local):
            return Standing(is_open=True)
        return Standing(is_open=False, reason=self.day(local.date()).reason)

    def _is_open(self, local: datetime) -> bool:
        minute, on = local.hour * 60 + local.minute, local.date()
        if any(begin <= minute < end for begin, end in self.day(on).periods):
            return True
        before = self.day(on - _ONE_DAY).periods
        return bool(before) and minute + DAY_MIN < before[-1][1]

    def next_open(self, at: datetime) -> datetime | None:
        """Return when it opens next, in its time zone, given that it is closed; None if not within ``DAYS_AHEAD_MAX`` days."""
        on = at.astimezone(self.zone).date()
        before = self.day(on - _ONE_DAY).periods
        for _ in range(DAYS_AHEAD_MAX + 1):
            periods = self.day(on).periods
            if periods or before:
                for instant in sorted(self._beginnings(on, periods)):
                    local = instant.astimezone(self.zone)
                    if instant > at and self._is_open(local):
                        return local
            on, before = on + _ONE_DAY, periods
        return None

    def _beginnings(self, on: date, periods: tuple[Period, ...]) -> Iterator[datetime]:
        """Yield the instants of a day at which it may open: the beginnings of periods, and where the clock is changed."""
        first, last = self._instant(on, 0), self._instant(on + _ONE_DAY, 0)
        is_changed = self._offset(first) != self._offset(last)
        for begin, _ in periods:
            yield self._instant(on, begin)
            if is_changed:
                yield self._instant(on, begin, fold=1)
        if is_changed:
            yield self._change(first, last)

    def _change(self, first: datetime, last: datetime) -> datetime:
        """Return the instant between these two at which the clock is changed."""
        before = self._offset(first)
        low, high = 0, int((last - first).total_seconds())
        while high - low > 1:
            middle = (low + high) // 2
            if self._offset(first + timedelta(seconds=middle)) == before:
                low = middle
            else:
                high = middle
        return first + timedelta(seconds=high)

    def _offset(self, at: datetime) -> timedelta | None:
        return at.astimezone(self.zone).utcoffset()

    def _instant(self, on: date, minute: int, *, fold: int = 0) -> datetime:
        hour, minute = divmod(minute, 60)
        wall = datetime(on.year, on.month, on.day, hour, minute, tzinfo=self.zone, fold=fold)
        return wall.astimezone(UTC)
