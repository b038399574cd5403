"""Compiles the files of schedules (``schedules.yaml``, ``schedules/*.yaml``), and finds what is wrong with a whole schedule."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from ivrengine.core.ids import BrandId
from ivrengine.flow.fields import zone_of
from ivrengine.flow.problems import Code, Loc, Place, Problem, problem
from ivrengine.flow.schedules import DAY_MIN, HALF_DAY, HOLIDAY, Day, Period, Schedule
from ivrengine.flow.source import folder_files, public_holidays, sentences, text
from ivrengine.flow.source.schedule_source import (
    CLOSED,
    OPEN,
    WEEKDAYS,
    ExceptionSource,
    HolidaysSource,
    ScheduleSource,
    SchedulesSource,
    closes,
    day_of,
    is_yearly,
    period,
    weekdays,
)
from ivrengine.flow.source.text import Document

FILE: Final = "schedules.yaml"
FOLDER: Final = "schedules"
_WEEK_MIN: Final = 7 * DAY_MIN


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A schedule, where it stands, and what is written there."""

    schedule: Schedule
    file: str
    place: Place
    written: Mapping[str, Any]
    """As plain data: a flow version that uses it is named by it too."""
    sound: bool = True


Entries = Mapping[BrandId, Mapping[str, Entry]]
"""Every schedule by brand and name."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Schedules:
    """The schedules of a folder."""

    entries: Entries = dataclasses.field(default_factory=dict)
    complete: bool = True
    """False if a file of schedules said nothing that could be understood."""

    def of(self, brand: BrandId | None) -> Mapping[str, Entry]:
        """Return a brand's schedules by name, sound or not."""
        return self.entries.get(brand, {}) if brand else {}

    def asked(self, brand: BrandId | None, names: Iterable[str]) -> Mapping[str, Entry] | None:
        """Return the schedules that a flow asks; None if one of them is missing or broken, which has been told."""
        known = self.of(brand)
        found = {name: known.get(name) for name in names}
        sound = {name: entry for name, entry in found.items() if entry is not None and entry.sound}
        return sound if len(sound) == len(found) else None

    def sound(self) -> Mapping[BrandId, Mapping[str, Schedule]]:
        """Return the schedules that can be asked."""
        return {
            brand: {name: entry.schedule for name, entry in known.items() if entry.sound}
            for brand, known in self.entries.items()
        }


NONE: Final = Schedules()


def read_all(paths: Iterable[Path], today: date | None) -> tuple[Schedules, list[Problem]]:
    """Return the schedules of these files, and what is wrong with them; ``today`` tells which exceptions are past."""
    problems: list[Problem] = []
    files: list[tuple[Document, SchedulesSource]] = []
    complete = True
    for path in paths:
        document, found = text.read_file(path, folder_files.name_of(path))
        problems += found
        source = None
        if document is not None:
            source, not_in_language = _read(document)
            problems += not_in_language
        if document is None or source is None:
            complete = False
        else:
            files.append((document, source))
    entries, found = _merged(files, today)
    return Schedules(entries=entries, complete=complete), problems + found


def _read(document: Document) -> tuple[SchedulesSource | None, list[Problem]]:
    try:
        return SchedulesSource.model_validate(document.data), []
    except ValidationError as error:
        return None, sentences.problems_of(error, document, SchedulesSource)


def _merged(
    files: Iterable[tuple[Document, SchedulesSource]], today: date | None
) -> tuple[Entries, list[Problem]]:
    entries: dict[BrandId, dict[str, Entry]] = {}
    found: list[Problem] = []
    for document, source in files:
        known = entries.setdefault(BrandId(source.brand), {})
        for name, each in source.schedules.items():
            place = document.key_place(("schedules", name))
            if name in known:
                first = known[name]
                sentence = f"schedule `{name}` is there already, in {first.file}:{first.place.line}"
                found.append(problem(document.file, place, Code.TWICE, sentence))
                continue
            told = _Told(document, ("schedules", name))
            schedule = _compiled(name, each, told)
            known[name] = Entry(
                schedule=schedule,
                file=document.file,
                place=place,
                written=each.model_dump(mode="json"),
                sound=not told.problems,
            )
            found += [*told.problems, *_hollow(schedule, told)]
            found += _past(each, told, today)
    return entries, found


@dataclasses.dataclass(slots=True)
class _Told:
    """Takes what is wrong with one schedule."""

    document: Document
    at: Loc
    problems: list[Problem] = dataclasses.field(default_factory=list)

    def add(self, code: Code, sentence: str, *loc: str | int) -> None:
        self.problems.append(self.one(code, sentence, *loc))

    def one(self, code: Code, sentence: str, *loc: str | int) -> Problem:
        return problem(self.document.file, self.document.place((*self.at, *loc)), code, sentence)


def _compiled(name: str, source: ScheduleSource, told: _Told) -> Schedule:
    week = _week(source, told)
    dated: dict[date, Day] = {}
    yearly: dict[tuple[int, int], Day] = {}
    for index, exception in _narrowest_last(source.exceptions, told):
        loc = ("exceptions", index, "open")
        day = Day(periods=_periods(exception.open, told, *loc), reason=exception.reason or "")
        for on in exception.days():
            if exception.is_yearly:
                yearly[on.month, on.day] = day
            else:
                dated[on] = day
    holidays = {} if source.holidays is None else _holidays(source.holidays, week)
    return Schedule(
        name=name,
        zone=zone_of(source.timezone),
        week=week,
        dated=dated,
        yearly=yearly,
        holidays=holidays,
        reasons=frozenset(_reasons(source)),
    )


def _week(source: ScheduleSource, told: _Told) -> tuple[Day, ...]:
    days: dict[int, Day] = {}
    named: dict[int, str] = {}
    for days_text, written in source.open.items():
        periods = _periods(written, told, "open", days_text)
        for weekday in weekdays(days_text):
            if weekday in named:
                sentence = f"`{WEEKDAYS[weekday]}` has its hours already, by `{named[weekday]}`"
                told.add(Code.TWICE, sentence, "open", days_text)
                break
            named[weekday] = days_text
            days[weekday] = Day(periods=periods)
    week = tuple(days.get(weekday, Day()) for weekday in range(len(WEEKDAYS)))
    for weekday, day in enumerate(week):
        late = day.periods[-1][1] - DAY_MIN if day.periods else 0
        after = (weekday + 1) % len(WEEKDAYS)
        if any(begin < late for begin, _ in week[after].periods):
            sentence = (
                f"the hours of `{WEEKDAYS[weekday]}` last into those of `{WEEKDAYS[after]}`, "
                f"until {_clock(late)}"
            )
            told.add(Code.HOURS_OVERLAP, sentence, "open", named[weekday])
    return week


def _periods(written: tuple[str, ...], told: _Told, *loc: str | int) -> tuple[Period, ...]:
    found = [made for hours in written if (made := period(hours)) is not None]
    for (begin, end), index in zip(found, range(len(found)), strict=True):
        for earlier_begin, earlier_end in found[:index]:
            if begin < earlier_end and earlier_begin < end:
                sentence = f"`{written[index]}` overlaps other hours of the same day"
                told.add(Code.HOURS_OVERLAP, sentence, *loc, index)
                break
    return tuple(sorted(found))


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _narrowest_last(
    exceptions: tuple[ExceptionSource, ...], told: _Told
) -> list[tuple[int, ExceptionSource]]:
    """Return the exceptions in the order in which each may replace those before: the one for fewer days holds."""
    numbered = sorted(enumerate(exceptions), key=lambda each: -len(list(each[1].days())))
    holds: dict[tuple[bool, date], tuple[int, int]] = {}
    for index, exception in numbered:
        days = list(exception.days())
        for on in days:
            other, size = holds.get((exception.is_yearly, on), (index, 0))
            if size == len(days):
                line = told.document.place((*told.at, "exceptions", other)).line
                sentence = f"the exception in line {line} holds on the same days"
                told.add(Code.TWICE, sentence, "exceptions", index)
                break
            holds[exception.is_yearly, on] = index, len(days)
    return numbered


def _holidays(source: HolidaysSource, week: tuple[Day, ...]) -> dict[date, Day]:
    known = public_holidays.of(source.country, source.subdivision)
    days = {} if source.half_days == OPEN else {on: _half(source, week, on) for on in known.half}
    days |= dict.fromkeys([*known.whole, *_each_year(source.closed)], Day(reason=HOLIDAY))
    none_here = set(_each_year(source.open))
    return {on: day for on, day in days.items() if day.reason and on not in none_here}


def _half(source: HolidaysSource, week: tuple[Day, ...], on: date) -> Day:
    """Return a day of which the afternoon is a holiday; without a reason if that makes no difference."""
    if source.half_days == CLOSED:
        return Day(reason=HALF_DAY)
    usual, until = week[on.weekday()].periods, closes(source.half_days)
    cut = tuple((begin, min(end, until)) for begin, end in usual if begin < until)
    return Day(periods=cut, reason="" if cut == usual else HALF_DAY)


def _each_year(written: Iterable[str]) -> Iterator[date]:
    for each in written:
        day = day_of(each)
        if not is_yearly(each):
            yield day
            continue
        for year in public_holidays.YEARS:
            try:
                yield day.replace(year=year)
            except ValueError:  # 29 February
                continue


def _reasons(source: ScheduleSource) -> Iterator[str]:
    yield from (each.reason for each in source.exceptions if each.reason is not None)
    if source.holidays is not None:
        known = public_holidays.of(source.holidays.country, source.holidays.subdivision)
        yield HOLIDAY
        if known.half and source.holidays.half_days != OPEN:
            yield HALF_DAY


def _hollow(schedule: Schedule, told: _Told) -> Iterator[Problem]:
    """Yield that a schedule never opens, or never closes."""
    special = [*schedule.dated.values(), *schedule.yearly.values()]
    if not any(day.periods for day in (*schedule.week, *special)):
        sentence = f"the schedule `{schedule.name}` never opens"
        yield told.one(Code.NEVER_OPEN, sentence, "open")
    elif _is_always_open(schedule.week) and not schedule.holidays and not special:
        sentence = f"the schedule `{schedule.name}` never closes"
        yield told.one(Code.NEVER_CLOSED, sentence, "open")


def _is_always_open(week: tuple[Day, ...]) -> bool:
    closed = bytearray(b"\1") * _WEEK_MIN
    for weekday, day in enumerate(week):
        for begin, end in day.periods:
            for minute in range(weekday * DAY_MIN + begin, weekday * DAY_MIN + end):
                closed[minute % _WEEK_MIN] = 0
    return not any(closed)


def _past(source: ScheduleSource, told: _Told, today: date | None) -> Iterator[Problem]:
    """Yield the exceptions that will never hold again."""
    for index, exception in enumerate(source.exceptions):
        last = exception.last or exception.on or ""
        if today is not None and not exception.is_yearly and day_of(last) < today:
            sentence = f"the exception is past since `{last}`"
            key = "on" if exception.on else "to"
            yield told.one(Code.EXCEPTION_PAST, sentence, "exceptions", index, key)
