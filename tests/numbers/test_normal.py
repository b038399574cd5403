import time

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivrengine.numbers import normal

MOBILE = "+905321234567"
WRITTEN = (
    "+905321234567",
    "905321234567",
    "00905321234567",
    "05321234567",
    "5321234567",
    "0532 123 45 67",
    "0532-123-45-67",
    "0532.123.45.67",
    "(0532) 123 45 67",
    "+90 (532) 123 45 67",
    "+90 (0) 532 123 45 67",
    "  05321234567 ",
    "0532\u00a0123\u00a045\u00a067",
    "0532 123\u201345\u201367",
    "tel:+905321234567",
    "tel:+90-532-123-45-67",
    "TEL:05321234567",
    "sip:+905321234567@10.0.0.1",
    "sip:05321234567@trunk.example.net:5060;user=phone;transport=udp",
    "sips:+905321234567@[::1]",
    "05321234567@trunk.example.net",
    "sip:+905321234567;npdi=yes;rn=+905550000000@trunk.example.net",
)


@pytest.mark.parametrize("raw", WRITTEN)
def test_every_way_to_write_a_turkish_mobile_is_one_number(raw: str) -> None:
    assert normal.e164(raw, "TR") == MOBILE


@pytest.mark.parametrize(
    ("raw", "country", "number"),
    [
        ("02124440101", "TR", "+902124440101"),
        ("444 01 01", "TR", "+904440101"),
        ("+904440101", "TR", "+904440101"),
        ("0850 123 45 67", "TR", "+908501234567"),
        ("800 123 45 67", "TR", "+908001234567"),
        ("+44 20 7946 0958", "TR", "+442079460958"),
        ("0044 20 7946 0958", "TR", "+442079460958"),
        ("442079460958", "TR", "+442079460958"),
        ("020 7946 0958", "GB", "+442079460958"),
        ("(212) 555-1234", "US", "+12125551234"),
        ("12125551234", "US", "+12125551234"),
        ("01190 532 123 45 67", "US", MOBILE),
        ("0090 532 123 45 67", "US", MOBILE),
        ("06 1234 5678", "IT", "+390612345678"),
        ("0721 234 567", "RO", "+40721234567"),
        ("8 916 123-45-67", "RU", "+79161234567"),
        ("+800 1234 5678", "TR", "+80012345678"),
    ],
)
def test_a_number_is_read_by_the_plan_of_its_country(raw: str, country: str, number: str) -> None:
    assert normal.e164(raw, country) == number


def test_a_range_newer_than_the_plan_is_taken_if_its_country_is_written() -> None:
    unassigned = phonenumbers.parse("+905991234567")
    assert not phonenumbers.is_valid_number(unassigned)
    assert normal.e164("+905991234567", "TR") == "+905991234567"
    assert normal.e164("05991234567", "TR") is None


@pytest.mark.parametrize(
    "raw",
    [
        "",
        " ",
        "anonymous",
        "Anonymous",
        "unavailable",
        "restricted",
        "unknown",
        "sip:anonymous@anonymous.invalid",
        "0",
        "0000000000",
        "+",
        "++905321234567",
        "+90+5321234567",
        "112",
        "155",
        "100",
        "s",
        "9" * 50,
        "+" + "9" * 50,
        "0532123456",
        "053212345678",
        "+9053212345678",
        "+999123456789",
        "0532 CALL NOW",
        "05321234567x5",
        "05321234567,,5",
        "05321234567&Local/1@outbound",
        "05321234567@host&Local/1@outbound",
        "PJSIP/05321234567",
        "tel:+905321234567;ext=5",
        "tel:5321234567;phone-context=+90",
        "sip:+905321234567;isub=1@host",
        "05321234567\r\nAction: Originate",
        "05321234567\n",
        "\x0005321234567",
        "0532\t1234567",
        "\x1b[31m05321234567",
        "٠٥٣٢١٢٣٤٥٦٧",
        "05321234567" + " " * 200,
    ],
)
def test_what_is_no_number_gives_none(raw: str) -> None:
    assert normal.e164(raw, "TR") is None


@pytest.mark.parametrize("country", ["", "XX", "tr", "Türkiye", "001", "\x00"])
def test_an_unknown_country_still_reads_international_numbers(country: str) -> None:
    assert normal.e164("+905321234567", country) == MOBILE
    assert normal.e164("00905321234567", country) == MOBILE
    assert normal.e164("05321234567", country) is None


likely = st.text(
    st.sampled_from("+0123456789 .-();=@:&/,telsipxn\r\n\x00\u0660\u00a0"), max_size=60
)


@given(raw=st.text(max_size=200) | likely, country=st.sampled_from(["TR", "US", "IT", "??", ""]))
def test_any_text_gives_e164_or_none_and_never_an_exception(raw: str, country: str) -> None:
    number = normal.e164(raw, country)
    if number is not None:
        assert number[0] == "+"
        assert number[1:].isascii()
        assert number[1:].isdecimal()
        assert 7 < len(number) <= 16
        assert normal.e164(number, country) == number


@given(raw=likely, country=st.sampled_from(["TR", "DE", "US"]))
def test_nothing_but_digits_separators_and_a_uri_is_read_as_a_number(
    raw: str, country: str
) -> None:
    if any(character in raw for character in "&/,x\r\n\x00\u0660"):
        assert normal.e164(raw, country) is None


countries = st.sampled_from(["TR", "DE", "FR", "NL", "RO", "GR", "BG", "US", "GB", "RU", "IT"])


@given(
    country=countries,
    start=st.sampled_from(["+90", "+49", "+40", "0090", "0049", "0", "00", "+", "90", "49", ""]),
    national=st.text(st.sampled_from("0123456789"), min_size=3, max_size=13),
)
def test_the_short_cut_says_what_the_full_parse_says(
    country: str, start: str, national: str
) -> None:
    dialled = start + national
    assert normal.e164(dialled, country) == normal._looked_up(dialled, country) or len(dialled) > 17


@given(
    country=countries,
    kind=st.sampled_from(["mobile", "fixed_line", "toll_free"]),
    tail=st.integers(0, 999),
)
def test_real_numbers_take_the_short_cut_to_the_same_result(
    country: str, kind: str, tail: int
) -> None:
    plan = phonenumbers.PhoneMetadata.metadata_for_region(country)
    assert plan is not None
    example = getattr(plan, kind).example_number
    national = f"{example[:-3]}{tail:03}"
    for dialled in (
        f"+{plan.country_code}{national}",
        f"00{plan.country_code}{national}",
        f"{plan.national_prefix or ''}{national}",
    ):
        assert normal.e164(dialled, country) == normal._looked_up(dialled, country)


@pytest.mark.parametrize(
    "raw", ["+902124440101", "00902124440101", "902124440101", "02124440101", "2124440101"]
)
def test_each_way_to_dial_a_did_is_among_its_forms(raw: str) -> None:
    forms = normal.dialled_forms(normal.did(raw, "TR"), "TR")
    assert raw.lstrip("+0") in forms


@pytest.mark.parametrize(
    ("raw", "routed"),
    [
        ("02124440101", "+902124440101"),
        ("902124440101", "+902124440101"),
        ("2124440101", "+902124440101"),
        ("+90 212 444 01 01", "+902124440101"),
        ("sip:+902124440101@10.0.0.1", "+902124440101"),
        ("tel:+902124440101;ext=5", "+902124440101"),
        ("4440101", "+904440101"),
        ("100", "100"),
        ("1 00", "100"),
        ("sip:100@pbx", "100"),
        ("112", "112"),
        ("reception", "reception"),
        ("100a", "100a"),
        ("*72", "*72"),
        ("", ""),
        ("100\r\nAction: x", "100Actionx"),
    ],
)
def test_a_did_is_routed_as_e164_or_by_its_own_digits(raw: str, routed: str) -> None:
    assert normal.did(raw, "TR") == routed


@given(raw=st.text(max_size=300) | likely)
def test_a_did_is_short_plain_text_whatever_the_trunk_sends(raw: str) -> None:
    routed = normal.did(raw, "TR")
    assert len(routed) <= 128
    assert all(c.isascii() and c.isprintable() and c not in " &/,;@\"'" for c in routed)


def test_remembered_dids_are_bounded_and_callers_are_not_remembered() -> None:
    assert normal.did.cache_info().maxsize == 4096
    assert not hasattr(normal.e164, "cache_info")


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("+905321234567", "+90 532 *** ** 67"),
        ("+902124440101", "+90 212 *** ** 01"),
        ("+904440101", "+90 *** ** 01"),
        ("+442079460958", "+44 20 *** *** 58"),
        ("+12125551234", "+1 212 *** ** 34"),
        ("+4915112345678", "+49 1511 *** ** 78"),
        ("+40721234567", "+40 72 *** ** 67"),
        ("+4530123456", "+45 3 *** ** 56"),
        ("+390612345678", "+39 06 *** *** 78"),
        ("+29022222", "+290 *** **"),
        (None, "withheld"),
        ("", "***"),
        ("05321234567", "***"),
        ("+90532123456x", "***"),
        ("+905321234567\n", "***"),
    ],
)
def test_a_mask_shows_country_area_and_two_digits(number: str | None, masked: str) -> None:
    assert normal.mask(number) == masked


@given(national=st.integers(1, 10**15 - 1), country=st.sampled_from(["90", "1", "44", "39", "999"]))
def test_a_mask_never_shows_more_than_area_code_and_two_digits(national: int, country: str) -> None:
    number = f"+{country}{national}"[:16]
    masked = normal.mask(number)
    shown = sum(c.isdigit() for c in masked)
    code = sum(c.isdigit() for c in masked.split(" ")[0])
    subscriber = len(number) - 1 - code
    assert masked.count("*") + shown == len(number) - 1
    assert masked.count("*") >= min(5, subscriber)
    assert shown - code <= 6


@given(text=st.text(max_size=40))
def test_a_mask_never_shows_what_is_not_e164(text: str) -> None:
    if not text.startswith("+"):
        assert normal.mask(text) == "***"


def test_a_caller_from_home_costs_a_few_microseconds() -> None:
    numbers = [f"+90532{n:07}" for n in range(2000)]
    normal.mask(normal.e164(numbers[0], "TR"))
    best = min(_seconds_for(numbers) for _ in range(5))
    assert best / len(numbers) < 60e-6  # 8 µs by itself; the rest is for a busy machine


def _seconds_for(numbers: list[str]) -> float:
    began = time.perf_counter()
    for number in numbers:
        normal.mask(normal.e164(number, "TR"))
    return time.perf_counter() - began
