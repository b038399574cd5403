"""UUIDv7 (RFC 9562, 5.7): ids of streams, ordered by the instant they were made, so that tables can be partitioned by them."""

import secrets
import uuid
from datetime import datetime

_VERSION = 0x7 << 76
_VARIANT = 0b10 << 62
_RANDOM_A_BITS = 12
_RANDOM_B_BITS = 62


def uuid7(at: datetime) -> str:
    """Return a new id that carries the instant in milliseconds."""
    milliseconds = int(at.timestamp() * 1000) & ((1 << 48) - 1)
    value = milliseconds << 80
    value |= _VERSION | (secrets.randbits(_RANDOM_A_BITS) << 64)
    value |= _VARIANT | secrets.randbits(_RANDOM_B_BITS)
    return str(uuid.UUID(int=value))
