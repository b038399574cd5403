"""Numbers of routes as people write them, made what a call's number is when it arrives."""

import re
from typing import Any, Final

import phonenumbers

from ivrengine.numbers import normal

_INTERNATIONAL: Final = "00"


def did(written: str, country: str) -> str:
    """Return the number as E.164 if it is one without its country code, else as it is: with its ``+``, or a short one."""
    return written if written.startswith("+") else normal.did(written, country)


def prefix(written: str, country: str) -> str:
    """Return what numbers begin with that people dial with this in front; of other digits, as of ``85``, these."""
    if written.startswith(_INTERNATIONAL):
        return f"+{written.removeprefix(_INTERNATIONAL)}"
    plan: Any = phonenumbers.PhoneMetadata.metadata_for_region(country)
    before = None if plan is None else plan.national_prefix
    if not before or not re.fullmatch(f"{before}[0-9]+", written):
        return written
    return f"+{plan.country_code}{written.removeprefix(before)}"
