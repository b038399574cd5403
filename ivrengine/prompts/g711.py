"""G.711 encoding: prompts lie beside their WAV file as the codecs of the trunks, so that calls cost no transcoding."""

import functools
from collections.abc import Iterable
from typing import Final

ULAW_BIAS: Final = 33
ULAW_MAX: Final = 8191 - ULAW_BIAS
"""Of 14 bits; beyond it the biased magnitude would need a ninth segment."""


def ulaw(samples: Iterable[int]) -> bytes:
    """Return 16-bit samples as µ-law (ITU-T G.711, table 2)."""
    table = _ulaw_table()
    return bytes(table[sample >> 2] for sample in samples)


def alaw(samples: Iterable[int]) -> bytes:
    """Return 16-bit samples as A-law, even bits inverted (ITU-T G.711, table 1)."""
    table = _alaw_table()
    return bytes(table[sample >> 3] for sample in samples)


@functools.cache
def _ulaw_table() -> bytes:
    """Return the code of each 14-bit sample; those below zero stand at the end, where their own index finds them."""
    return bytes(_ulaw_code(value) for value in (*range(8192), *range(-8192, 0)))


@functools.cache
def _alaw_table() -> bytes:
    return bytes(_alaw_code(value) for value in (*range(4096), *range(-4096, 0)))


def _ulaw_code(value: int) -> int:
    """Return the code of a 14-bit sample: sign, three bits of segment, four of step, all inverted on the line."""
    magnitude = min(abs(value), ULAW_MAX) + ULAW_BIAS
    segment = magnitude.bit_length() - 6
    code = segment << 4 | magnitude >> (segment + 1) & 0x0F
    return code ^ (0xFF if value >= 0 else 0x7F)


def _alaw_code(value: int) -> int:
    """Return the code of a 13-bit sample: sign, three bits of segment, four of step; segments 0 and 1 step alike."""
    magnitude = value if value >= 0 else -value - 1
    segment = max(0, magnitude.bit_length() - 5)
    code = segment << 4 | magnitude >> max(1, segment) & 0x0F
    return code ^ (0xD5 if value >= 0 else 0x55)
