"""UUIDv7 (RFC 9562, 5.7): ids of streams, ordered by the instant they were made, so that tables can be partitioned by them."""

import hashlib
import os
from datetime import datetime

_VERSION = 0x7 << 76
_VARIANT = 0b10 << 62
_RANDOM_A = ((1 << 12) - 1) << 64
_RANDOM_B = (1 << 62) - 1


def uuid7(at: datetime) -> str:
    """Return a new id that carries the instant in milliseconds."""
    return _written(at, os.urandom(10))


def uuid7_of(at: datetime, *fact: str) -> str:
    """Return the id of a fact, the same one each time: it carries the instant, and a hash in place of what is random."""
    return _written(at, hashlib.sha256("\0".join(fact).encode()).digest()[:10])


def _written(at: datetime, random_bytes: bytes) -> str:
    milliseconds = int(at.timestamp() * 1000) & ((1 << 48) - 1)
    random = int.from_bytes(random_bytes) & (_RANDOM_A | _RANDOM_B)
    text = f"{milliseconds << 80 | _VERSION | _VARIANT | random:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
