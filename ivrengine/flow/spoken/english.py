"""English, as it is said in Britain: with ``and`` before the last two digits."""

import datetime as dt
from typing import Final

from ivrengine.flow.spoken.grammar import thousands

_ONES: Final = (
    "",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
)
_TENS: Final = (
    "",
    "",
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "sixty",
    "seventy",
    "eighty",
    "ninety",
)
_POWERS: Final = ("", "thousand", "million", "billion", "trillion")
_ORDINALS: Final = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
"""Where the last word of a number has not just ``th`` behind it; a final ``y`` becomes ``ie``."""
_MONEY: Final = {
    "TRY": (("lira", "lira"), ("kuruş", "kuruş")),
    "USD": (("dollar", "dollars"), ("cent", "cents")),
    "EUR": (("euro", "euros"), ("cent", "cents")),
    "GBP": (("pound", "pounds"), ("penny", "pence")),
}
_KEYS: Final = dict(zip("0123456789", ("zero", *_ONES[1:10]), strict=True)) | {
    "*": "star",
    "#": "hash",
}
_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_TIMES: Final = (("day", "days"), ("hour", "hours"), ("minute", "minutes"), ("second", "seconds"))


def cardinal(number: int) -> str:
    """Return a number: ``one thousand two hundred and fifty``, ``one thousand and five``."""
    if number < 0:
        return f"minus {cardinal(-number)}"
    said: list[str] = []
    for group, power in thousands(number):
        hundreds, rest = divmod(group, 100)
        if hundreds:
            said.append(f"{_ONES[hundreds]} hundred")
        if rest:
            joined = "and " if hundreds or (said and power == 0) else ""
            said.append(joined + _below_hundred(rest))
        if power:
            said.append(_POWERS[power])
    return " ".join(said) or "zero"


def _below_hundred(number: int) -> str:
    if number < len(_ONES):
        return _ONES[number]
    tens, ones = divmod(number, 10)
    return f"{_TENS[tens]}-{_ONES[ones]}" if ones else _TENS[tens]


def ordinal(number: int) -> str:
    """Return a place in a row: ``one hundred and twenty-first``."""
    said = cardinal(number)
    begin = max(said.rfind(" "), said.rfind("-")) + 1
    last = said[begin:]
    regular = f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th"
    return said[:begin] + _ORDINALS.get(last, regular)


def money(minor: int, currency: str) -> str:
    """Return a sum: ``one dollar and five cents``."""
    large, small = _MONEY[currency]
    whole, part = divmod(abs(minor), 100)
    said = [_counted(whole, large)] if whole or not part else []
    said += [_counted(part, small)] if part else []
    return ("minus " if minor < 0 else "") + " and ".join(said)


def _counted(count: int, name: tuple[str, str]) -> str:
    return f"{cardinal(count)} {name[count != 1]}"


def digits(groups: tuple[str, ...]) -> str:
    """Return each key by itself, with a pause between groups."""
    return ", ".join(" ".join(_KEYS[key] for key in group) for group in groups)


def date(day: dt.date, *, weekday: bool) -> str:
    """Return ``Sunday, the twenty-second of November, twenty twenty-six``."""
    said = f"the {ordinal(day.day)} of {_MONTHS[day.month - 1]}, {_year(day.year)}"
    return f"{_WEEKDAYS[day.weekday()]}, {said}" if weekday else said


def _year(year: int) -> str:
    """Return a year by its centuries: ``nineteen oh five``, ``twenty ten``; but ``two thousand and five``."""
    century, rest = divmod(year, 100)
    if year < 1000 or (century % 10 == 0 and rest < 10):  # noqa: PLR2004 - as it is spoken
        return cardinal(year)
    if rest == 0:
        return f"{_below_hundred(century)} hundred"
    return f"{_below_hundred(century)} {'' if rest > 9 else 'oh '}{_below_hundred(rest)}"  # noqa: PLR2004


def clock(hour: int, minute: int) -> str:
    """Return ``two oh five p.m.``; noon and midnight are said in a word."""
    if minute == 0 and hour % 12 == 0:
        return "noon" if hour else "midnight"
    said = _ONES[hour % 12 or 12]
    if minute:
        said += f" {'' if minute > 9 else 'oh '}{_below_hundred(minute)}"  # noqa: PLR2004 - two digits
    return f"{said} {'a.m.' if hour < 12 else 'p.m.'}"  # noqa: PLR2004 - noon


def duration(parts: tuple[int, int, int, int]) -> str:
    """Return ``one hour and five minutes``."""
    *first, last = [_counted(n, name) for n, name in zip(parts, _TIMES, strict=True) if n] or [
        "zero seconds"
    ]
    return f"{', '.join(first)} and {last}" if first else last
