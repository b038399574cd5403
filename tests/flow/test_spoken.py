"""Numbers, money, dates and times in words: right in each language, and no two values alike."""

import datetime as dt
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivrengine.flow.spoken.grammar import DIGITS_MAX, DURATION_MAX_S, NUMBER_MAX, UnspeakableError
from ivrengine.flow.spoken.words import ACCEPTED, GRAMMARS, Kind, Speakable, words

ISTANBUL: Final = ZoneInfo("Europe/Istanbul")
SUNDAY: Final = dt.datetime(2026, 11, 22, 11, 5, tzinfo=dt.UTC)
CURRENCIES: Final = ("TRY", "USD", "EUR", "GBP")
LANGUAGES: Final = tuple(GRAMMARS)

NUMBERS: Final = [
    (0, "sıfır", "zero"),
    (1, "bir", "one"),
    (7, "yedi", "seven"),
    (10, "on", "ten"),
    (11, "on bir", "eleven"),
    (19, "on dokuz", "nineteen"),
    (20, "yirmi", "twenty"),
    (21, "yirmi bir", "twenty-one"),
    (45, "kırk beş", "forty-five"),
    (99, "doksan dokuz", "ninety-nine"),
    (100, "yüz", "one hundred"),
    (101, "yüz bir", "one hundred and one"),
    (200, "iki yüz", "two hundred"),
    (999, "dokuz yüz doksan dokuz", "nine hundred and ninety-nine"),
    (1000, "bin", "one thousand"),
    (1001, "bin bir", "one thousand and one"),
    (1100, "bin yüz", "one thousand one hundred"),
    (1250, "bin iki yüz elli", "one thousand two hundred and fifty"),
    (2026, "iki bin yirmi altı", "two thousand and twenty-six"),
    (11_000, "on bir bin", "eleven thousand"),
    (21_000, "yirmi bir bin", "twenty-one thousand"),
    (100_000, "yüz bin", "one hundred thousand"),
    (101_000, "yüz bir bin", "one hundred and one thousand"),
    (1_000_000, "bir milyon", "one million"),
    (1_001_000, "bir milyon bin", "one million one thousand"),
    (1_000_007, "bir milyon yedi", "one million and seven"),
    (2_500_100, "iki milyon beş yüz bin yüz", "two million five hundred thousand one hundred"),
    (10**9, "bir milyar", "one billion"),
    (10**12, "bir trilyon", "one trillion"),
    (-7, "eksi yedi", "minus seven"),
]
ORDINALS: Final = [
    (0, "sıfırıncı", "zeroth"),
    (1, "birinci", "first"),
    (2, "ikinci", "second"),
    (3, "üçüncü", "third"),
    (4, "dördüncü", "fourth"),
    (5, "beşinci", "fifth"),
    (6, "altıncı", "sixth"),
    (7, "yedinci", "seventh"),
    (8, "sekizinci", "eighth"),
    (9, "dokuzuncu", "ninth"),
    (10, "onuncu", "tenth"),
    (12, "on ikinci", "twelfth"),
    (20, "yirminci", "twentieth"),
    (21, "yirmi birinci", "twenty-first"),
    (30, "otuzuncu", "thirtieth"),
    (40, "kırkıncı", "fortieth"),
    (50, "ellinci", "fiftieth"),
    (60, "altmışıncı", "sixtieth"),
    (70, "yetmişinci", "seventieth"),
    (80, "sekseninci", "eightieth"),
    (90, "doksanıncı", "ninetieth"),
    (100, "yüzüncü", "one hundredth"),
    (1000, "bininci", "one thousandth"),
    (1_000_000, "bir milyonuncu", "one millionth"),
    (2 * 10**9, "iki milyarıncı", "two billionth"),
]
MONEY: Final = [
    (
        125_050,
        "TRY",
        "bin iki yüz elli lira elli kuruş",
        "one thousand two hundred and fifty lira and fifty kuruş",
    ),
    (0, "TRY", "sıfır lira", "zero lira"),
    (100, "TRY", "bir lira", "one lira"),
    (1, "TRY", "bir kuruş", "one kuruş"),
    (50, "TRY", "elli kuruş", "fifty kuruş"),
    (-150, "TRY", "eksi bir lira elli kuruş", "minus one lira and fifty kuruş"),
    (100, "USD", "bir dolar", "one dollar"),
    (205, "USD", "iki dolar beş sent", "two dollars and five cents"),
    (101, "USD", "bir dolar bir sent", "one dollar and one cent"),
    (300, "EUR", "üç avro", "three euros"),
    (101, "GBP", "bir sterlin bir peni", "one pound and one penny"),
    (-2, "GBP", "eksi iki peni", "minus two pence"),
]
DIGITS: Final[list[tuple[Speakable, str, str]]] = [
    ("0711", "sıfır yedi bir bir", "zero seven one one"),
    ("7", "yedi", "seven"),
    (0, "sıfır", "zero"),
    (48012, "dört sekiz sıfır, bir iki", "four eight zero, one two"),
    ("1234567", "bir iki üç, dört beş altı yedi", "one two three, four five six seven"),
    ("0532 12", "sıfır beş üç iki, bir iki", "zero five three two, one two"),
    ("12-3*#", "bir iki, üç yıldız kare", "one two, three star hash"),
]
DATES: Final = [
    (
        "2026-11-22",
        "yirmi iki Kasım iki bin yirmi altı, Pazar",
        "Sunday, the twenty-second of November, twenty twenty-six",
    ),
    (
        "2000-01-01",
        "bir Ocak iki bin, Cumartesi",
        "Saturday, the first of January, two thousand",
    ),
    (
        "2009-02-03",
        "üç Şubat iki bin dokuz, Salı",
        "Tuesday, the third of February, two thousand and nine",
    ),
    (
        "2010-12-31",
        "otuz bir Aralık iki bin on, Cuma",
        "Friday, the thirty-first of December, twenty ten",
    ),
    (
        "1905-08-12T23:59",
        "on iki Ağustos bin dokuz yüz beş, Cumartesi",
        "Saturday, the twelfth of August, nineteen oh five",
    ),
    (
        "1900-03-01",
        "bir Mart bin dokuz yüz, Perşembe",
        "Thursday, the first of March, nineteen hundred",
    ),
]
TIMES: Final = [
    ("14:05", "on dört sıfır beş", "two oh five p.m."),
    ("00:00", "gece yarısı", "midnight"),
    ("00:05", "sıfır sıfır sıfır beş", "twelve oh five a.m."),
    ("00:30", "sıfır sıfır otuz", "twelve thirty a.m."),
    ("09:00", "dokuz", "nine a.m."),
    ("12:00", "on iki", "noon"),
    ("12:10", "on iki on", "twelve ten p.m."),
    ("23:59:30", "yirmi üç elli dokuz", "eleven fifty-nine p.m."),
    ("2026-11-22 08:45", "sekiz kırk beş", "eight forty-five a.m."),
]
DURATIONS: Final[list[tuple[Speakable, str, str]]] = [
    (0, "sıfır saniye", "zero seconds"),
    (1, "bir saniye", "one second"),
    (60, "bir dakika", "one minute"),
    (3_900, "bir saat beş dakika", "one hour and five minutes"),
    (86_400, "bir gün", "one day"),
    (
        2 * 86_400 + 3_661,
        "iki gün bir saat bir dakika bir saniye",
        "two days, one hour, one minute and one second",
    ),
    (dt.timedelta(minutes=90), "bir saat otuz dakika", "one hour and thirty minutes"),
]


def _rows(
    kind: Kind, rows: list[tuple[Speakable, str, str]]
) -> list[tuple[Kind, Speakable, str, str]]:
    return [(kind, *row) for row in rows]


@pytest.mark.parametrize(
    ("kind", "value", "turkish", "english"),
    [
        *_rows(Kind.NUMBER, [*NUMBERS]),
        *_rows(Kind.ORDINAL, [*ORDINALS]),
        *_rows(Kind.DIGITS, DIGITS),
        *_rows(Kind.DATE, [*DATES]),
        *_rows(Kind.TIME, [*TIMES]),
        *_rows(Kind.DURATION, DURATIONS),
    ],
)
def test_a_value_is_said_as_a_person_would(
    kind: Kind, value: Speakable, turkish: str, english: str
) -> None:
    assert words(kind, value, "tr", weekday=True) == turkish
    assert words(kind, value, "en", weekday=True) == english


@pytest.mark.parametrize(("minor", "currency", "turkish", "english"), MONEY)
def test_money_is_said_in_its_currency(
    minor: int, currency: str, turkish: str, english: str
) -> None:
    assert words(Kind.MONEY, minor, "tr", currency=currency) == turkish
    assert words(Kind.MONEY, minor, "en", currency=currency) == english


def test_an_instant_is_told_by_the_clock_of_the_zone() -> None:
    assert words(Kind.TIME, SUNDAY, "tr", zone=ISTANBUL) == "on dört sıfır beş"
    late = SUNDAY.replace(hour=22)
    assert words(Kind.DATE, late, "tr", zone=ISTANBUL) == "yirmi üç Kasım iki bin yirmi altı"
    assert words(Kind.TIME, "2026-11-22T11:05:00Z", "en", zone=ISTANBUL) == "two oh five p.m."
    assert words(Kind.TIME, "2026-11-22T11:05:00Z", "en") == "eleven oh five a.m.", "as written"


def test_a_text_is_said_as_it_is_in_any_language() -> None:
    assert words(Kind.TEXT, "  Guten \n Tag ", "de") == "Guten Tag"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Kind.NUMBER, NUMBER_MAX + 1),
        (Kind.NUMBER, -NUMBER_MAX - 1),
        (Kind.NUMBER, True),
        (Kind.NUMBER, "7"),
        (Kind.ORDINAL, -1),
        (Kind.MONEY, 2.5),
        (Kind.DIGITS, ""),
        (Kind.DIGITS, "12a"),
        (Kind.DIGITS, "12  3"),
        (Kind.DIGITS, -5),
        (Kind.DIGITS, "1" * (DIGITS_MAX + 1)),
        (Kind.DATE, "2026-02-30"),
        (Kind.DATE, "tomorrow"),
        (Kind.DATE, 5),
        (Kind.DATE, SUNDAY),
        (Kind.TIME, "24:00"),
        (Kind.TIME, "2026-11-22"),
        (Kind.TIME, SUNDAY),
        (Kind.DURATION, -1),
        (Kind.DURATION, DURATION_MAX_S + 1),
        (Kind.DURATION, dt.timedelta(seconds=-5)),
        (Kind.TEXT, 5),
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_cannot_be_said_is_refused_without_a_word_of_it(
    kind: Kind, value: Speakable, language: str
) -> None:
    with pytest.raises(UnspeakableError) as refused:
        words(kind, value, language, currency="TRY")
    assert not str(value) or str(value) not in str(refused.value)


def test_an_instant_beyond_the_calendar_is_refused() -> None:
    last = dt.datetime.max.replace(tzinfo=dt.UTC)
    with pytest.raises(UnspeakableError):
        words(Kind.DATE, last, "tr", zone=ISTANBUL)


def test_numbers_in_an_unknown_language_are_refused() -> None:
    with pytest.raises(UnspeakableError):
        words(Kind.NUMBER, 5, "de")


def test_every_kind_says_what_it_takes() -> None:
    assert set(ACCEPTED) == set(Kind)


_TURKISH: Final = {
    word: number
    for number, word in enumerate(
        ["sıfır", "bir", "iki", "üç", "dört", "beş", "altı", "yedi", "sekiz", "dokuz"]
    )
}
_TURKISH_TENS: Final = {
    "on": 10,
    "yirmi": 20,
    "otuz": 30,
    "kırk": 40,
    "elli": 50,
    "altmış": 60,
    "yetmiş": 70,
    "seksen": 80,
    "doksan": 90,
}
_TURKISH_POWERS: Final = {"bin": 10**3, "milyon": 10**6, "milyar": 10**9, "trilyon": 10**12}


def _from_turkish(said: str) -> int:
    """Read a number back, as a Turkish ear does."""
    total = group = 0
    for word in said.split():
        if word in _TURKISH_POWERS:
            total += (group or 1) * _TURKISH_POWERS[word]
            group = 0
        elif word == "yüz":
            group = (group or 1) * 100
        else:
            group += (_TURKISH | _TURKISH_TENS)[word]
    return total + group


_ENGLISH: Final = {
    word: number
    for number, word in enumerate(
        [
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
    )
} | {
    word: 10 * number
    for number, word in enumerate(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], start=2
    )
}
_ENGLISH_POWERS: Final = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}


def _from_english(said: str) -> int:
    total = group = 0
    for word in said.replace("-", " ").replace(" and ", " ").split():
        if word in _ENGLISH_POWERS:
            total += group * _ENGLISH_POWERS[word]
            group = 0
        elif word == "hundred":
            group *= 100
        else:
            group += _ENGLISH[word]
    return total + group


_SAMPLES: Final = st.one_of(
    st.integers(0, 10**12), st.integers(0, 12).map(lambda n: 10**n), st.integers(0, 10_000)
)


@given(_SAMPLES)
def test_a_number_is_understood_as_it_was_meant(number: int) -> None:
    assert _from_turkish(words(Kind.NUMBER, number, "tr")) == number
    assert _from_english(words(Kind.NUMBER, number, "en")) == number


@given(_SAMPLES)
def test_turkish_never_says_one_before_a_hundred_or_a_thousand_alone(number: int) -> None:
    said = words(Kind.NUMBER, number, "tr").split()
    for before, word in zip(["", *said], said, strict=False):
        assert (before, word) != ("bir", "yüz")
    assert said[:2] != ["bir", "bin"]


@given(
    kind=st.sampled_from((Kind.NUMBER, Kind.ORDINAL, Kind.MONEY, Kind.DIGITS, Kind.DURATION)),
    one=st.integers(0, DURATION_MAX_S),
    other=st.integers(0, DURATION_MAX_S),
    currency=st.sampled_from(CURRENCIES),
    language=st.sampled_from(LANGUAGES),
)
def test_words_are_single_spaced_and_tell_values_apart(
    kind: Kind, one: int, other: int, currency: str, language: str
) -> None:
    said = words(kind, one, language, currency=currency)
    assert said == " ".join(said.split())
    assert (said == words(kind, other, language, currency=currency)) == (one == other)


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_days_times_and_years_are_told_apart(language: str) -> None:
    grammar = GRAMMARS[language]
    times = {grammar.clock(hour, minute) for hour in range(24) for minute in range(60)}
    assert len(times) == 24 * 60
    first = dt.date(2024, 1, 1)
    days = {grammar.date(first + dt.timedelta(n), weekday=False) for n in range(366)}
    assert len(days) == 366
    years = {grammar.date(dt.date(year, 5, 5), weekday=False) for year in range(1, 10_000)}
    assert len(years) == 9_999
    assert all("  " not in said for said in times | days | years)
