"""What a language must be able to say, and what all languages need for it: groups of a thousand, of digits, parts of a time.

The tables are our own: num2words writes Turkish numbers as one word (``binikiyüzelli``), which a synthesiser stresses wrongly
and nobody reads, and has neither Turkish clock times nor money of a currency that is asked for.
"""

import datetime as dt
import re
from collections.abc import Iterator
from typing import Final, Protocol

NUMBER_MAX: Final = 10**15 - 1
"""The tables end with trillions; a sum that a caller hears is not longer."""
DIGITS_MAX: Final = 64
"""An IBAN has 26; half a minute of single digits is more than anybody notes down."""
DURATION_MAX_S: Final = 10**9
"""Thirty years."""
_LAST_GROUP: Final = 4
"""A last digit alone would sound like a new number: it goes with the three before it."""
_WRITTEN_DIGITS: Final = re.compile(r"[0-9*#]+(?:[ -][0-9*#]+)*")


class UnspeakableError(Exception):
    """A value for which there are no words: out of range, or not what it should be. Says nothing of the value."""


class Grammar(Protocol):
    """How one language says things; each value has been found to be in range."""

    def cardinal(self, number: int) -> str:
        """Return a number: ``bin iki yüz elli``."""
        ...

    def ordinal(self, number: int) -> str:
        """Return a place in a row, from 0 on: ``ikinci``, ``second``."""
        ...

    def money(self, minor: int, currency: str) -> str:
        """Return a sum that is given in hundredths of a currency (ISO 4217) of those that flows can name."""
        ...

    def digits(self, groups: tuple[str, ...]) -> str:
        """Return groups of keys of a telephone, each key by itself."""
        ...

    def date(self, day: dt.date, *, weekday: bool) -> str:
        """Return a day of the calendar."""
        ...

    def clock(self, hour: int, minute: int) -> str:
        """Return a time of day."""
        ...

    def duration(self, parts: tuple[int, int, int, int]) -> str:
        """Return a length of time in days, hours, minutes and seconds."""
        ...


def thousands(number: int) -> Iterator[tuple[int, int]]:
    """Yield the groups of three digits that are not zero, the greatest first, each with its power of a thousand."""
    groups: list[tuple[int, int]] = []
    power = 0
    while number:
        number, group = divmod(number, 1000)
        if group:
            groups.append((group, power))
        power += 1
    return reversed(groups)


def grouped(written: str) -> tuple[str, ...]:
    """Return digits in groups that can be noted down; those that somebody has grouped already stay so."""
    if len(written) > DIGITS_MAX or not _WRITTEN_DIGITS.fullmatch(written):
        raise UnspeakableError("expected digits")
    parts = written.replace("-", " ").split()
    if len(parts) > 1:
        return tuple(parts)
    groups: list[str] = []
    while len(written) > _LAST_GROUP:
        groups.append(written[:3])
        written = written[3:]
    return (*groups, written)


def parts_of(seconds: int) -> tuple[int, int, int, int]:
    """Return days, hours, minutes and seconds."""
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    day, hour = divmod(hours, 24)
    return day, hour, minute, second
