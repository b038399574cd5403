"""Numbers as trunks, people and URIs write them, made E.164 or nothing; a door does it once, for every arrival.

Beside it the mask, the only form of a number that people and logs get to see.
"""

import functools
import re
from typing import Any, Final

import phonenumbers

RAW_MAX: Final = 128
"""Longest text looked at: a SIP URI with its parameters fits; what is longer is not a number."""
DIGITS_MAX: Final = 15
"""ITU-T E.164, 6.2: country code and national number together."""
BARE_MIN: Final = 11
"""Carriers send E.164 without its ``+``, too; fewer digits than this are more likely a wrong national number."""
DIDS_REMEMBERED_MAX: Final = 4096
"""More DIDs than one trunk has. Callers' numbers are not remembered: few come twice, and memory can be dumped."""
RANGES_REMEMBERED_MAX: Final = 4096
"""Number ranges whose area code's length is known; more than a country has, and what falls out is worked out again."""
HIDDEN_MIN: Final = 5
"""Digits that a mask hides at least: 100,000 numbers look like the one masked."""
TAIL_SHOWN: Final = 2
AREA_SHOWN_MAX: Final = 4
COUNTRIES_MAX: Final = 256
"""All countries there are."""
WITHHELD: Final = "withheld"
"""What stands for the number of a caller who has none to show."""
HIDDEN: Final = "***"

_SEPARATORS: Final = dict.fromkeys(
    map(ord, " .-()\u00a0\u2007\u2009\u202f\u2010\u2011\u2012\u2013")
)
_HARMLESS: Final = frozenset({"npdi", "rn", "cic", "cpc", "oli", "isup-oli", "user"})
"""Parameters that leave the number what it is (RFC 4694, RFC 3261 19.1.1); ``ext`` or ``isub`` make it another."""
_URI: Final = re.compile(
    r"(?:(?:tel|sips?):)?"
    r"(?P<user>[^@;]*)"
    r"(?P<parameters>(?:;[A-Za-z-]+(?:=[A-Za-z0-9+.-]*)?)*)"
    r"(?:@[A-Za-z0-9.:\[\]_-]+(?:;[A-Za-z0-9.=+_-]+)*)?",
    re.IGNORECASE,
)
_KINDS: Final = (
    "fixed_line",
    "mobile",
    "toll_free",
    "premium_rate",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
)
_DIALLED: Final = re.compile(r"\+?[0-9]+", re.ASCII)
_NEVER: Final = re.compile(r"(?!)(?P<code>)(?P<national>)")
_NOT_IN_DID: Final = re.compile(r"[^A-Za-z0-9*#_.+-]")
_E164: Final = re.compile(r"\+[1-9][0-9]{0,14}", re.ASCII)


def e164(raw: str, country: str) -> str | None:
    """Return the number as E.164 (``+905321234567``), or None if ``raw`` is none: withheld, a short code, garbage.

    ``country`` (ISO 3166, ``TR``) is where a number without a country code belongs. A national number must be valid by
    its country's plan; one written with its country code needs only a possible length, because new ranges are in use
    before the plan at hand knows them. Never raises.
    """
    dialled = _dialled(raw)
    if dialled is None or len(dialled) > DIGITS_MAX + len("+00"):
        return None
    known = _home_forms(country).fullmatch(dialled)
    if known is not None:
        return f"+{known['code'] or _home_code(country)}{known['national']}"
    return _looked_up(dialled, country)


@functools.lru_cache(maxsize=DIDS_REMEMBERED_MAX)
def did(raw: str, country: str) -> str:
    """Return the form in which a dialled number is routed: E.164, or its digits if it is an internal or short number.

    What has letters in it stays as it is (``reception``), less what no extension has in its name: to drop the letters
    of ``100a`` would route it as 100.
    """
    found = _URI.fullmatch(raw[:RAW_MAX].strip(" "))
    user = found["user"] if found is not None else raw[:RAW_MAX]
    number = e164(user, country)
    if number is not None:
        return number
    digits = _dialled(user)
    return _NOT_IN_DID.sub("", user) if digits is None else digits.removeprefix("+")


def dialled_forms(did: str, country: str) -> tuple[str, ...]:
    """Return the digits, from the first that is not 0, of each way in which a trunk may write a routed number.

    ``+902124440101``, ``00902124440101`` and ``902124440101`` are one, ``02124440101`` and ``2124440101`` another.
    """
    whole = did.removeprefix("+").lstrip("0")
    code = str(_home_code(country)) if did.startswith("+") else ""
    if not code or not whole.startswith(code):
        return (whole,)
    return (whole, whole.removeprefix(code).lstrip("0"))


def mask(number: str | None) -> str:
    """Return an E.164 number with its subscriber part hidden but for two digits: ``+90 532 *** ** 67``.

    The country code stays readable, and so much of the operator's or area code as leaves five digits hidden.
    None is ``withheld``; what is not E.164 is hidden entirely.
    """
    if number is None:
        return WITHHELD
    if not _E164.fullmatch(number):
        return HIDDEN
    code = _calling_code(number)
    national = number[1 + len(code) :]
    tail = TAIL_SHOWN if len(national) - TAIL_SHOWN >= HIDDEN_MIN else 0
    area = _area_length(code, national[:AREA_SHOWN_MAX], len(national))
    area = max(0, min(area, len(national) - tail - HIDDEN_MIN))
    hidden = "*" * (len(national) - tail - area)
    stars = [hidden[at : at + 3] for at in range(0, len(hidden), 3)]
    shown = [f"+{code}", national[:area], *stars, national[len(national) - tail :]]
    return " ".join(part for part in shown if part)


def _dialled(raw: str) -> str | None:
    """Return the digits of a number or URI, with its ``+`` if it has one; None if anything else is in it."""
    if len(raw) > RAW_MAX:
        return None
    found = _URI.fullmatch(raw.strip(" "))
    if found is None:
        return None
    for parameter in found["parameters"].split(";")[1:]:
        if parameter.partition("=")[0].lower() not in _HARMLESS:
            return None
    digits = found["user"].translate(_SEPARATORS)
    return digits if _DIALLED.fullmatch(digits) else None


def _looked_up(dialled: str, country: str) -> str | None:
    """Ask the numbering plans of the world; about 50 µs."""
    if dialled.startswith("+"):
        return _parsed(dialled, None, valid=False)
    national = _parsed(dialled, country, valid=True)
    if national is not None:
        return national
    if dialled.startswith("00"):
        return _parsed(f"+{dialled[2:]}", None, valid=False)
    if len(dialled) >= BARE_MIN and not dialled.startswith("0"):
        return _parsed(f"+{dialled}", None, valid=True)
    return None


def _parsed(dialled: str, country: str | None, *, valid: bool) -> str | None:
    try:
        number = phonenumbers.parse(dialled, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number) and (
        valid
        or number.italian_leading_zero
        or phonenumbers.is_possible_number_with_reason(number)
        is not phonenumbers.ValidationResult.IS_POSSIBLE
    ):
        return None
    written = f"+{number.country_code}{phonenumbers.national_significant_number(number)}"
    return written if len(written) <= DIGITS_MAX + len("+") else None


@functools.lru_cache(maxsize=COUNTRIES_MAX)
def _home_forms(country: str) -> re.Pattern[str]:
    """Return what matches the country's own valid numbers with country code, 00 or national prefix in front.

    Nearly every caller is one of these, and the full parse costs 45 µs against 2. The patterns are those that
    ``is_valid_number`` uses; a country that shares its code with others or rewrites what is dialled has no short cut.
    """
    plan: Any = phonenumbers.PhoneMetadata.metadata_for_region(country)
    if (
        plan is None
        or len(phonenumbers.COUNTRY_CODE_TO_REGION_CODE[plan.country_code]) > 1
        or plan.national_prefix_transform_rule is not None
        or plan.national_prefix is None
        or plan.national_prefix_for_parsing != plan.national_prefix
        or plan.international_prefix != "00"
    ):
        return _NEVER
    kinds = (getattr(plan, kind) for kind in _KINDS)
    numbers = "|".join(kind.national_number_pattern for kind in kinds if kind is not None)
    front = rf"(?:(?:\+|00)(?P<code>{plan.country_code})|{plan.national_prefix})"
    return re.compile(rf"{front}(?P<national>{numbers})", re.ASCII)


@functools.lru_cache(maxsize=COUNTRIES_MAX)
def _home_code(country: str) -> int:
    return phonenumbers.country_code_for_region(country)


def _calling_code(number: str) -> str:
    """Return the country code that an E.164 number begins with; its first digit if no country has it."""
    for length in (1, 2, 3):
        if int(number[1 : 1 + length]) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            return number[1 : 1 + length]
    return number[1]


@functools.lru_cache(maxsize=RANGES_REMEMBERED_MAX)
def _area_length(code: str, start: str, length: int) -> int:
    """Return how many digits of the national number are the operator's or area code; 0 if it has none.

    Worked out on a made-up number of the same range, so that no caller's number stays in the cache.
    """
    zeros = len(start) - len(start.lstrip("0"))
    made_up = phonenumbers.PhoneNumber(
        country_code=int(code),
        national_number=int(start.ljust(length, "5") or "0"),
        italian_leading_zero=zeros > 0,
        number_of_leading_zeros=zeros or None,
    )
    return min(phonenumbers.length_of_national_destination_code(made_up), AREA_SHOWN_MAX)
