"""From a value to the words for it in a language: what kinds of things can be said, and what values each of them takes."""

import datetime as dt
from collections.abc import Mapping
from enum import StrEnum
from typing import Final, assert_never

from ivrengine.flow.spoken import english, turkish
from ivrengine.flow.spoken.grammar import (
    DURATION_MAX_S,
    NUMBER_MAX,
    Grammar,
    UnspeakableError,
    grouped,
    parts_of,
)

GRAMMARS: Final[Mapping[str, Grammar]] = {"tr": turkish, "en": english}
"""The languages in which numbers and times can be said; a new one is its module and its row here."""
Speakable = str | int | float | bool | dt.datetime | dt.timedelta
"""What an expression may come to whose value is spoken."""


class Kind(StrEnum):
    """As what a value is said."""

    TEXT = "text"
    NUMBER = "number"
    ORDINAL = "ordinal"
    MONEY = "money"
    DIGITS = "digits"
    DATE = "date"
    TIME = "time"
    DURATION = "duration"


ACCEPTED: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.TEXT: ("string",),
    Kind.NUMBER: ("int",),
    Kind.ORDINAL: ("int",),
    Kind.MONEY: ("int",),
    Kind.DIGITS: ("string", "int"),
    Kind.DATE: ("string", "timestamp"),
    Kind.TIME: ("string", "timestamp"),
    Kind.DURATION: ("int", "duration"),
}
"""The types, by their CEL names, of which a value may be."""


def words(
    kind: Kind,
    value: Speakable,
    language: str,
    *,
    currency: str = "",
    weekday: bool = False,
    zone: dt.tzinfo | None = None,
) -> str:
    """Return the words for a value; raises ``UnspeakableError``. ``zone`` is where the clock hangs of which a time is told."""
    if kind is Kind.TEXT:
        return " ".join(_text(value).split())
    grammar = GRAMMARS.get(language)
    if grammar is None:
        raise UnspeakableError("no grammar of the language")
    match kind:
        case Kind.NUMBER:
            said = grammar.cardinal(_int(value, -NUMBER_MAX))
        case Kind.ORDINAL:
            said = grammar.ordinal(_int(value, 0))
        case Kind.MONEY:
            said = grammar.money(_int(value, -NUMBER_MAX), currency)
        case Kind.DIGITS:
            written = value if isinstance(value, str) else str(_int(value, 0))
            said = grammar.digits(grouped(written))
        case Kind.DATE:
            said = grammar.date(_date(value, zone), weekday=weekday)
        case Kind.TIME:
            time = _time(value, zone)
            said = grammar.clock(time.hour, time.minute)
        case Kind.DURATION:
            said = grammar.duration(parts_of(_seconds(value)))
        case _:
            assert_never(kind)
    return said


def _text(value: Speakable) -> str:
    if not isinstance(value, str):
        raise UnspeakableError("expected a text")
    return value


def _int(value: Speakable, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise UnspeakableError("expected a whole number")
    if not least <= value <= NUMBER_MAX:
        raise UnspeakableError("out of range")
    return value


def _seconds(value: Speakable) -> int:
    if isinstance(value, dt.timedelta):
        value = round(value.total_seconds())
    seconds = _int(value, 0)
    if seconds > DURATION_MAX_S:
        raise UnspeakableError("out of range")
    return seconds


def _date(value: Speakable, zone: dt.tzinfo | None) -> dt.date:
    """Return the day of an instant where the zone is, or of a text: ``2026-11-22``, with or without a time."""
    if isinstance(value, dt.datetime):
        return _there(value, zone).date()
    try:
        instant = dt.datetime.fromisoformat(_text(value).strip())
    except ValueError:
        raise UnspeakableError("expected a date") from None
    return _there(instant, zone, written=True).date()


def _time(value: Speakable, zone: dt.tzinfo | None) -> dt.time:
    """Return the time of an instant where the zone is, or of a text: ``14:05``, or a date with a time."""
    if isinstance(value, dt.datetime):
        return _there(value, zone).time()
    written = _text(value).strip()
    try:
        return dt.time.fromisoformat(written)
    except ValueError:
        pass
    try:
        if ":" in written:
            return _there(dt.datetime.fromisoformat(written), zone, written=True).time()
    except ValueError:
        pass
    raise UnspeakableError("expected a time")


def _there(instant: dt.datetime, zone: dt.tzinfo | None, *, written: bool = False) -> dt.datetime:
    """Return an instant by the clock of the zone; what is written without an offset is local already."""
    if instant.tzinfo is None or (written and zone is None):
        return instant
    if zone is None:
        raise UnspeakableError("no time zone")
    try:
        return instant.astimezone(zone)
    except OverflowError:
        raise UnspeakableError("out of range") from None
