"""The last thing that happens to a log line before it is written: personal data and secrets are taken out.

Nobody is meant to log them in the first place; this holds where somebody forgot, and for the messages of libraries and
of exceptions, which quote what they were given.
"""

import functools
import re
from collections.abc import Mapping
from typing import Final

from structlog.typing import EventDict

REDACTED: Final = "[redacted]"
NUMBER: Final = "[number]"

_SECRET: Final = frozenset(
    {
        "api_key",
        "authorization",
        "caller_id",  # Asterisk's word for the caller's number, not an id of ours
        "caller_number",
        "card",
        "cookie",
        "cvv",
        "database_url",
        "digit",
        "digits",
        "dsn",
        "dtmf",
        "master_key",
        "number",
        "pan",
        "passwd",
        "password",
        "phone_number",
        "pin",
        "secret",
        "token",
    }
)
_SECRET_ENDINGS: Final = ("_pii", "_password", "_secret", "_token", "_digits")
_PLAIN: Final = frozenset({"at", "did", "position", "subject", "timestamp"})
_PLAIN_ENDINGS: Final = ("_at", "_hash", "_id", "_ids", "_key")
"""Keys whose text is an id of ours, a keyed hash or an instant: long runs of digits there are no phone numbers."""
_PHONE: Final = re.compile(r"\+\d(?:[ ()./-]{0,2}\d){6,}|\d{7,}")
"""Seven digits in a row, or a number written internationally with its digits in groups."""
_DIGIT: Final = re.compile(r"\d")
"""Without one there is no number in a text; looking for it costs a tenth of looking for a number."""
_CREDENTIALS: Final = re.compile(
    r"(://[^\s/:@]*:)[^\s@]+(@)|((?:api_key|password)=)[^\s&'\"]+", re.IGNORECASE
)
"""A password within an address, or in the query of one (ARI's event socket has it there)."""


def redact(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Take personal data and secrets out of a log line; a processor of structlog."""
    return {key: _value(key, value) for key, value in event.items()}


def _value(key: str, value: object) -> object:
    secret, plain = _sort_of(key)
    return REDACTED if secret else _inner(value, plain=plain)


@functools.lru_cache(maxsize=1024)  # the fields of our own lines are some dozens
def _sort_of(key: str) -> tuple[bool, bool]:
    """Return whether what the key holds is secret, and whether it is plain."""
    lowered = key.lower()
    secret = lowered in _SECRET or lowered.endswith(_SECRET_ENDINGS)
    return secret, lowered in _PLAIN or lowered.endswith(_PLAIN_ENDINGS)


def _inner(value: object, *, plain: bool) -> object:
    if isinstance(value, str):  # nearly all are
        return value if plain else text(value)
    match value:
        case None | bool() | int() | float():
            return value
        case Mapping():
            return {text(str(key)): _value(str(key), inner) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_inner(inner, plain=plain) for inner in value]
        case _:
            return text(repr(value))


def text(value: str) -> str:
    """Return a sentence without what looks like a phone number or a password."""
    if "=" in value or "://" in value:  # in front of every password that we know to look for
        value = _CREDENTIALS.sub(rf"\1\3{REDACTED}\2", value)
    return value if _DIGIT.search(value) is None else _PHONE.sub(NUMBER, value)
