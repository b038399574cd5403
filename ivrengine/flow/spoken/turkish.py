"""Turkish."""

import datetime as dt
from typing import Final

from ivrengine.flow.spoken.grammar import thousands

_ONES: Final = ("", "bir", "iki", "üç", "dört", "beş", "altı", "yedi", "sekiz", "dokuz")
_TENS: Final = ("", "on", "yirmi", "otuz", "kırk", "elli", "altmış", "yetmiş", "seksen", "doksan")
_POWERS: Final = ("", "bin", "milyon", "milyar", "trilyon")
_ORDINALS: Final = {
    "sıfır": "sıfırıncı",
    "bir": "birinci",
    "iki": "ikinci",
    "üç": "üçüncü",
    "dört": "dördüncü",
    "beş": "beşinci",
    "altı": "altıncı",
    "yedi": "yedinci",
    "sekiz": "sekizinci",
    "dokuz": "dokuzuncu",
    "on": "onuncu",
    "yirmi": "yirminci",
    "otuz": "otuzuncu",
    "kırk": "kırkıncı",
    "elli": "ellinci",
    "altmış": "altmışıncı",
    "yetmiş": "yetmişinci",
    "seksen": "sekseninci",
    "doksan": "doksanıncı",
    "yüz": "yüzüncü",
    "bin": "bininci",
    "milyon": "milyonuncu",
    "milyar": "milyarıncı",
    "trilyon": "trilyonuncu",
}
"""The last word of a number as a place in a row."""
_MONEY: Final = {
    "TRY": ("lira", "kuruş"),
    "USD": ("dolar", "sent"),
    "EUR": ("avro", "sent"),
    "GBP": ("sterlin", "peni"),
}
_KEYS: Final = dict(zip("0123456789", ("sıfır", *_ONES[1:]), strict=True)) | {
    "*": "yıldız",
    "#": "kare",
}
_MONTHS: Final = (
    "Ocak",
    "Şubat",
    "Mart",
    "Nisan",
    "Mayıs",
    "Haziran",
    "Temmuz",
    "Ağustos",
    "Eylül",
    "Ekim",
    "Kasım",
    "Aralık",
)
_WEEKDAYS: Final = ("Pazartesi", "Salı", "Çarşamba", "Perşembe", "Cuma", "Cumartesi", "Pazar")
_TIMES: Final = ("gün", "saat", "dakika", "saniye")


def cardinal(number: int) -> str:
    """Return a number; a thousand and a hundred are said without one before them."""
    if number < 0:
        return f"eksi {cardinal(-number)}"
    return " ".join(_words(number)) or "sıfır"


def _words(number: int) -> list[str]:
    words: list[str] = []
    for group, power in thousands(number):
        hundreds, rest = divmod(group, 100)
        tens, ones = divmod(rest, 10)
        if hundreds:
            words += [_ONES[hundreds], "yüz"] if hundreds > 1 else ["yüz"]
        only_one = group == 1 and power == 1
        words += [_TENS[tens], "" if only_one else _ONES[ones], _POWERS[power]]
    return [word for word in words if word]


def ordinal(number: int) -> str:
    """Return a place in a row: the suffix is the last word's."""
    *first, last = cardinal(number).split()
    return " ".join((*first, _ORDINALS[last]))


def money(minor: int, currency: str) -> str:
    """Return a sum; Turkish has no plural after a number."""
    large, small = _MONEY[currency]
    whole, part = divmod(abs(minor), 100)
    said = [f"{cardinal(whole)} {large}"] if whole or not part else []
    said += [f"{cardinal(part)} {small}"] if part else []
    return ("eksi " if minor < 0 else "") + " ".join(said)


def digits(groups: tuple[str, ...]) -> str:
    """Return each key by itself, with a pause between groups."""
    return ", ".join(" ".join(_KEYS[key] for key in group) for group in groups)


def date(day: dt.date, *, weekday: bool) -> str:
    """Return ``yirmi iki Kasım iki bin yirmi altı, Pazar``."""
    said = f"{cardinal(day.day)} {_MONTHS[day.month - 1]} {cardinal(day.year)}"
    return f"{said}, {_WEEKDAYS[day.weekday()]}" if weekday else said


def clock(hour: int, minute: int) -> str:
    """Return ``on dört sıfır beş``; the full hour is the hour alone, and midnight is said in a word."""
    if hour == minute == 0:
        return "gece yarısı"
    said = cardinal(hour) if hour else "sıfır sıfır"
    if minute == 0:
        return said
    return f"{said} {'' if minute > 9 else 'sıfır '}{cardinal(minute)}"  # noqa: PLR2004 - two digits


def duration(parts: tuple[int, int, int, int]) -> str:
    """Return ``bir saat beş dakika``."""
    said = [f"{cardinal(n)} {name}" for n, name in zip(parts, _TIMES, strict=True) if n]
    return " ".join(said) or "sıfır saniye"
