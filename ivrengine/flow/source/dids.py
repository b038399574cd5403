"""Numbers of routes as people write them, made what a call's number is when it arrives.

The door to a switch reads the numbers of calls in the same way (``numbers.normal``, which lies above the flows); a test holds
both to one another.
"""

import re
from collections.abc import Callable
from typing import Any, Final

import phonenumbers

_BARE_MIN: Final = 11
"""A number with its country code but without its ``+`` has so many digits at least."""
_DIGITS_MAX: Final = 15
"""ITU-T E.164, 6.2: country code and national number together."""
_INTERNATIONAL: Final = "00"


def did(written: str, country: str) -> str:
    """Return the number as E.164 if it is one without its country code, else as it is: with its ``+``, or a short one."""
    if written.startswith("+"):
        return written
    found = _read(written, country, _is_valid)
    if found is None and written.startswith(_INTERNATIONAL):
        found = _read(f"+{written.removeprefix(_INTERNATIONAL)}", None, _is_possible)
    elif found is None and len(written) >= _BARE_MIN and not written.startswith("0"):
        found = _read(f"+{written}", None, _is_valid)
    return found or written


def prefix(written: str, country: str) -> str:
    """Return what numbers begin with that people dial with this in front; of other digits, as of ``85``, these."""
    if written.startswith(_INTERNATIONAL):
        return f"+{written.removeprefix(_INTERNATIONAL)}"
    plan: Any = phonenumbers.PhoneMetadata.metadata_for_region(country)
    before = None if plan is None else plan.national_prefix
    if not before or not re.fullmatch(f"{before}[0-9]+", written):
        return written
    return f"+{plan.country_code}{written.removeprefix(before)}"


def _read(
    written: str, country: str | None, is_good: Callable[[phonenumbers.PhoneNumber], bool]
) -> str | None:
    try:
        number = phonenumbers.parse(written, country)
    except phonenumbers.NumberParseException:
        return None
    if not is_good(number):
        return None
    digits = f"{number.country_code}{phonenumbers.national_significant_number(number)}"
    return f"+{digits}" if len(digits) <= _DIGITS_MAX else None


def _is_valid(number: phonenumbers.PhoneNumber) -> bool:
    return phonenumbers.is_valid_number(number)


def _is_possible(number: phonenumbers.PhoneNumber) -> bool:
    """Tell whether it may be a number of a range that is newer than the plan at hand."""
    reason = phonenumbers.is_possible_number_with_reason(number)
    is_possible = reason is phonenumbers.ValidationResult.IS_POSSIBLE
    return _is_valid(number) or (is_possible and not number.italian_leading_zero)
