"""What a file of schedules may say: its models, and what its words for times, days and dates mean."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated, Final, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ivrengine.flow.fields import Name, Zone, contradiction, matching, one_or_many, unexpected
from ivrengine.flow.schedules import DAY_MIN, Period
from ivrengine.flow.source import public_holidays
from ivrengine.flow.source.routing import Country

CLOSED: Final = "closed"
OPEN: Final = "open"
RANGE_DAYS_MAX: Final = 366
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LEAP_YEAR: Final = 2024
"""A year that has every day of every year."""
_PERIOD: Final = re.compile(r"([0-9]{1,2}):([0-9]{2}) ?- ?([0-9]{1,2}):([0-9]{2})")
_TIME: Final = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_DATE: Final = re.compile(r"(?:[0-9]{4}-)?[0-9]{2}-[0-9]{2}")
_SUBDIVISION: Final = re.compile(r"[A-Za-z0-9-]{1,20}")


def period(text: str) -> Period | None:
    """Return the minutes of ``09:00-18:00``; None if it is no period."""
    found = _PERIOD.fullmatch(text)
    if found is None:
        return None
    hour, minute, until_hour, until_minute = map(int, found.groups())
    begin, end = hour * 60 + minute, until_hour * 60 + until_minute
    if begin >= DAY_MIN or end > DAY_MIN or max(minute, until_minute) > 59 or begin == end:  # noqa: PLR2004
        return None
    return begin, end if end > begin else end + DAY_MIN


def _period(value: str) -> str:
    if value != CLOSED and period(value) is None:
        raise unexpected("hours such as 09:00-18:00, 22:00-06:00 or 00:00-24:00, or closed")
    return value


def _only_word(value: tuple[str, ...]) -> tuple[str, ...]:
    if CLOSED in value and len(value) > 1:
        raise unexpected("hours, or closed alone")
    return value


def weekdays(text: str) -> tuple[int, ...]:
    """Return the days of ``mon``, ``mon-fri`` or ``daily``, Monday being 0; none if it is neither."""
    if text == "daily":
        return tuple(range(7))
    first, _, last = text.partition("-")
    if first not in WEEKDAYS or (last or first) not in WEEKDAYS:
        return ()
    begin, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
    return tuple((begin + n) % 7 for n in range((end - begin) % 7 + 1))


def _weekdays(value: str) -> str:
    if not weekdays(value):
        raise unexpected("a day such as mon, days such as mon-fri, or daily")
    return value


def _half_days(value: str) -> str:
    if value not in {CLOSED, OPEN} and not _TIME.fullmatch(value):
        raise unexpected("the time from which it is closed such as 13:00, or closed, or open")
    return value


def closes(half_days: str) -> int:
    """Return the minute of the day from which a half-day is closed, given as a time."""
    hour, minute = half_days.split(":")
    return int(hour) * 60 + int(minute)


def _date(value: str) -> str:
    if not _DATE.fullmatch(value) or not _is_day(value):
        raise unexpected("a day of the calendar such as 2026-12-24, or 12-24 for every year")
    return value


def _is_day(value: str) -> bool:
    try:
        day_of(value)
    except ValueError:
        return False
    return True


def is_yearly(text: str) -> bool:
    """Tell whether a date is one of every year."""
    return text.count("-") == 1


def day_of(text: str) -> date:
    """Return a date; one of every year as that of a leap year."""
    return date.fromisoformat(f"{_LEAP_YEAR}-{text}" if is_yearly(text) else text)


Periods = Annotated[
    tuple[Annotated[str, AfterValidator(_period)], ...],
    BeforeValidator(one_or_many, json_schema_input_type=str | list[str]),
    AfterValidator(_only_word),
    Field(min_length=1, max_length=12),
]
"""When it is open on a day: ``09:00-18:00``, a list of such periods, or ``closed``."""
Weekdays = Annotated[str, AfterValidator(_weekdays)]
"""``mon`` to ``sun``, days such as ``mon-fri``, or ``daily``."""
Date = Annotated[str, AfterValidator(_date)]
"""``2026-12-24``, or ``12-24`` for that day of every year."""
Dates = Annotated[
    tuple[Date, ...],
    BeforeValidator(one_or_many, json_schema_input_type=str | list[str]),
    Field(max_length=100),
]
"""A date, or a list of dates."""


class HolidaysSource(BaseModel):
    """The public holidays of a schedule."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    country: Country = Field(description="The country whose public holidays it keeps.")
    subdivision: (
        Annotated[
            str,
            AfterValidator(matching(_SUBDIVISION, "a part of the country as its code such as BY")),
        ]
        | None
    ) = Field(
        default=None,
        description="The part of the country, if it has holidays of its own: its ISO 3166-2 code without the country.",
    )
    half_days: Annotated[str, AfterValidator(_half_days)] = Field(
        default="13:00",
        description="What becomes of half holidays (28 October in Turkey, the eves of Ramazan and Kurban Bayramı): the time from "
        "which it is closed, or `closed`, or `open` as on any other day.",
    )
    closed: Dates = Field(default=(), description="Further days that are holidays here.")
    open: Dates = Field(
        default=(), description="Holidays that are none here: open as on any other day."
    )

    @model_validator(mode="after")
    def _is_known(self) -> Self:
        try:
            public_holidays.of(self.country, self.subdivision)
        except public_holidays.UnknownPlaceError as error:
            key = "country" if self.subdivision is None else "subdivision"
            raise contradiction(key, str(error)) from None
        return self


class ExceptionSource(BaseModel):
    """A day or some days on which other hours hold; closed if none are given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    on: Date | None = Field(default=None, description="The day; without a year it is every year's.")
    first: Date | None = Field(
        default=None, alias="from", description="The first of several days, instead of `on`."
    )
    last: Date | None = Field(default=None, alias="to", description="The last of them.")
    open: Periods = Field(default=(CLOSED,), description="The hours of each of these days.")
    reason: Name | None = Field(
        default=None,
        description="Why, in a word: an `hours` node can have an exit for it.",
    )

    @model_validator(mode="after")
    def _some_days(self) -> Self:
        if (self.on is None) == (self.first is None and self.last is None):
            raise contradiction("on", "expected either `on`, or `from` and `to`")
        if self.on is not None:
            return self
        if self.first is None or self.last is None:
            raise contradiction("from", "expected both `from` and `to`")
        if is_yearly(self.first) is not is_yearly(self.last):
            raise contradiction("to", "expected a year in both `from` and `to`, or in neither")
        days = (day_of(self.last) - day_of(self.first)).days
        if not is_yearly(self.first) and not 0 <= days < RANGE_DAYS_MAX:
            sentence = f"expected a day within the year after `{self.first}`, found `{self.last}`"
            raise contradiction("to", sentence)
        return self

    @property
    def is_yearly(self) -> bool:
        """Whether it is every year's."""
        return is_yearly(self.on or self.first or "")

    def days(self) -> Iterator[date]:
        """Yield its days; those of every year as days of one leap year."""
        first, last = day_of(self.on or self.first or ""), day_of(self.on or self.last or "")
        if first <= last:
            yield from _from_to(first, last)
        else:  # over the end of the year
            yield from _from_to(first, date(_LEAP_YEAR, 12, 31))
            yield from _from_to(date(_LEAP_YEAR, 1, 1), last)


def _from_to(first: date, last: date) -> Iterator[date]:
    for ahead in range((last - first).days + 1):
        yield first + timedelta(days=ahead)


class ScheduleSource(BaseModel):
    """When it is open."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    timezone: Zone = Field(
        description="The time zone in which its times are meant: `Europe/Istanbul`."
    )
    open: Annotated[dict[Weekdays, Periods], Field(min_length=1)] = Field(
        description="The hours of the week; closed on days that are not named."
    )
    holidays: HolidaysSource | None = Field(
        default=None, description="The public holidays, on which it is closed; none if not given."
    )
    exceptions: Annotated[tuple[ExceptionSource, ...], Field(max_length=500)] = Field(
        default=(), description="Days on which other hours hold, also if they are holidays."
    )


class SchedulesSource(BaseModel):
    """A file of schedules, as written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    brand: Name = Field(description="The brand whose schedules these are.")
    schedules: Annotated[dict[Name, ScheduleSource], Field(max_length=200)] = Field(
        description="The schedules by name."
    )
