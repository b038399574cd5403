"""What is said, held against slow rules of their own: how numbers are built, what Turkish vowels want, how amounts split."""

import datetime as dt
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from ivrengine.flow.spoken.words import Kind, words

_TURKISH: Final = ["sıfır", "bir", "iki", "üç", "dört", "beş", "altı", "yedi", "sekiz", "dokuz"]
_TURKISH_TENS: Final = [
    "_",
    "on",
    "yirmi",
    "otuz",
    "kırk",
    "elli",
    "altmış",
    "yetmiş",
    "seksen",
    "doksan",
]
_ENGLISH: Final = [
    "zero",
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
]
_ENGLISH_TENS: Final = [
    "_",
    "_",
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "sixty",
    "seventy",
    "eighty",
    "ninety",
]
_HARMONY: Final = {"a": "ı", "ı": "ı", "e": "i", "i": "i", "o": "u", "u": "u", "ö": "ü", "ü": "ü"}
_MONTHS: Final = [
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
]
_DAYS: Final = ["Pazartesi", "Salı", "Çarşamba", "Perşembe", "Cuma", "Cumartesi", "Pazar"]
_COINS: Final = {
    "TRY": ("lira", "kuruş"),
    "USD": ("dolar", "sent"),
    "EUR": ("avro", "sent"),
    "GBP": ("sterlin", "peni"),
}
_ENGLISH_COINS: Final = {
    "TRY": ("lira", "lira", "kuruş", "kuruş"),
    "USD": ("dollar", "dollars", "cent", "cents"),
    "EUR": ("euro", "euros", "cent", "cents"),
    "GBP": ("pound", "pounds", "penny", "pence"),
}
_NUMBERS: Final = st.one_of(st.integers(0, 10**12), st.integers(0, 99_999))


def _turkish(number: int) -> str:
    """Say a number by taking the largest power off it, again and again; nobody says *bir yüz* or *bir bin*."""
    for power, name in ((10**12, "trilyon"), (10**9, "milyar"), (10**6, "milyon"), (1000, "bin")):
        if number >= power:
            alone = power == 1000 and number < 2000
            head = name if alone else f"{_turkish(number // power)} {name}"
            return f"{head} {_turkish(number % power)}" if number % power else head
    if number >= 100:
        head = "yüz" if number < 200 else f"{_TURKISH[number // 100]} yüz"
        return f"{head} {_turkish(number % 100)}" if number % 100 else head
    if number >= 10:
        head = _TURKISH_TENS[number // 10]
        return f"{head} {_TURKISH[number % 10]}" if number % 10 else head
    return _TURKISH[number]


def _english(number: int) -> str:
    """Say a number as in Britain: *and* stands before the last two digits."""
    for power, name in (
        (10**12, "trillion"),
        (10**9, "billion"),
        (10**6, "million"),
        (1000, "thousand"),
    ):
        if number >= power:
            head, rest = f"{_english(number // power)} {name}", number % power
            between = " and " if 0 < rest < 100 else " "
            return f"{head}{between}{_english(rest)}" if rest else head
    if number >= 100:
        head = f"{_ENGLISH[number // 100]} hundred"
        return f"{head} and {_english(number % 100)}" if number % 100 else head
    if number >= 20:
        head = _ENGLISH_TENS[number // 10]
        return f"{head}-{_ENGLISH[number % 10]}" if number % 10 else head
    return _ENGLISH[number]


def _turkish_ordinal(number: int) -> str:
    """Put *-inci* on the last word, its vowels in harmony with the word's last one; *dört* softens its *t*."""
    *before, last = _turkish(number).split()
    vowel = _HARMONY[next(char for char in reversed(last) if char in _HARMONY)]
    stem = "dörd" if last == "dört" else last
    ending = f"nc{vowel}" if stem[-1] in _HARMONY else f"{vowel}nc{vowel}"
    return " ".join([*before, stem + ending])


@given(_NUMBERS)
def test_numbers_are_built_by_the_rules_of_each_language(number: int) -> None:
    assert words(Kind.NUMBER, number, "tr") == _turkish(number)
    assert words(Kind.NUMBER, number, "en") == _english(number)
    if number:
        assert words(Kind.NUMBER, -number, "tr") == f"eksi {_turkish(number)}"
        assert words(Kind.NUMBER, -number, "en") == f"minus {_english(number)}"


def test_turkish_ordinals_keep_the_harmony_of_vowels() -> None:
    for number in [*range(1200), *(10**n for n in range(13))]:
        assert words(Kind.ORDINAL, number, "tr") == _turkish_ordinal(number)


@given(_NUMBERS, st.sampled_from([*_COINS]))
def test_amounts_are_whole_money_and_its_hundredths_of_which_none_is_said_as_zero(
    minor: int, currency: str
) -> None:
    whole, rest = divmod(minor, 100)
    coin, small = _COINS[currency]
    said = [f"{_turkish(whole)} {coin}"] if whole or not rest else []
    said += [f"{_turkish(rest)} {small}"] if rest else []
    assert words(Kind.MONEY, minor, "tr", currency=currency) == " ".join(said)
    one, many, penny, pence = _ENGLISH_COINS[currency]
    said = [f"{_english(whole)} {one if whole == 1 else many}"] if whole or not rest else []
    said += [f"{_english(rest)} {penny if rest == 1 else pence}"] if rest else []
    assert words(Kind.MONEY, minor, "en", currency=currency) == " and ".join(said)


@given(st.dates(dt.date(1900, 1, 1), dt.date(2100, 12, 31)))
def test_dates_are_the_day_the_month_and_the_year_in_turkish(day: dt.date) -> None:
    said = f"{_turkish(day.day)} {_MONTHS[day.month - 1]} {_turkish(day.year)}"
    assert words(Kind.DATE, day.isoformat(), "tr") == said
    with_day = f"{said}, {_DAYS[day.weekday()]}"
    assert words(Kind.DATE, day.isoformat(), "tr", weekday=True) == with_day


@given(st.integers(1, 23), st.integers(0, 59))
def test_clock_times_are_two_numbers_in_turkish(hour: int, minute: int) -> None:
    zero = "sıfır " if minute < 10 else ""
    tail = f" {zero}{_turkish(minute)}" if minute else ""
    assert words(Kind.TIME, f"{hour:02}:{minute:02}", "tr") == f"{_turkish(hour)}{tail}"


@given(st.integers(1, 10**6))
def test_durations_add_up_to_what_they_are_of(seconds: int) -> None:
    units = (("gün", 86_400), ("saat", 3600), ("dakika", 60), ("saniye", 1))
    said, left = [], seconds
    for name, length in units:
        count, left = divmod(left, length)
        said += [f"{_turkish(count)} {name}"] if count else []
    assert words(Kind.DURATION, seconds, "tr") == " ".join(said)
