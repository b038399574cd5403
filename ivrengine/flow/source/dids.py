"""Numbers of routes as people write them, made what a call's number is when it arrives.

The door to a switch reads the numbers of calls in the same way (``numbers.normal``, which lies above the flows); a test holds
both to one another.
"""

import re
from typing import Any, Final

import phonenumbers

_BARE_MIN: Final = 11
"""A number with its country code but without its ``+`` has so many digits at least."""
_INTERNATIONAL: Final = "00"


def did(written: str, country: str) -> str:
    """Return the number as E.164 if it is one without its country code, else as it is: with its ``+``, or a short one."""
    if written.startswith("+"):
        return written
    forms: list[tuple[str, str | None]] = [(written, country)]
    if written.startswith(_INTERNATIONAL):
        forms.append((f"+{written.removeprefix(_INTERNATIONAL)}", None))
    elif len(written) >= _BARE_MIN and not written.startswith("0"):
        forms.append((f"+{written}", None))
    return next(filter(None, (_valid(number, home) for number, home in forms)), written)


def prefix(written: str, country: str) -> str:
    """Return what numbers begin with that people dial with this in front; of other digits, as of ``85``, these."""
    if written.startswith(_INTERNATIONAL):
        return f"+{written.removeprefix(_INTERNATIONAL)}"
    plan: Any = phonenumbers.PhoneMetadata.metadata_for_region(country)
    before = None if plan is None else plan.national_prefix
    if not before or not re.fullmatch(f"{before}[0-9]+", written):
        return written
    return f"+{plan.country_code}{written.removeprefix(before)}"


def _valid(written: str, country: str | None) -> str | None:
    try:
        number = phonenumbers.parse(written, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return f"+{number.country_code}{phonenumbers.national_significant_number(number)}"
