"""G.711: mu-law (PCMU, RTP type 0) and A-law (PCMA, type 8) to and from 16-bit samples (``audioop`` left Python in 3.13)."""

from typing import Final

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]
"""Linear sound, mono, ``RATE`` samples a second."""

RATE: Final = 8000
PCMU: Final = 0
PCMA: Final = 8


def _mu_law() -> Samples:
    """Return the 256 decoded values (ITU-T G.711, table 2: bias 33, scaled to 16 bits)."""
    code = ~np.arange(256) & 0xFF
    exponent, mantissa = (code >> 4) & 7, code & 15
    magnitude = (((mantissa << 3) + 0x84) << exponent) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _a_law() -> Samples:
    """Return the 256 decoded values (ITU-T G.711, table 1: even bits inverted)."""
    code = np.arange(256) ^ 0x55
    exponent, mantissa = (code >> 4) & 7, code & 15
    linear = (mantissa << 4) + np.where(exponent == 0, 8, 0x108)
    magnitude = np.where(exponent > 1, linear << np.maximum(exponent - 1, 0), linear)
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


_DECODED: Final = {PCMU: _mu_law(), PCMA: _a_law()}


def _nearest(decoded: Samples) -> npt.NDArray[np.uint8]:
    """Return, for each of the 65,536 samples, the code that decodes nearest to it."""
    order = np.argsort(decoded, kind="stable")
    values = decoded[order].astype(np.int32)
    borders = (values[1:] + values[:-1]) / 2
    return order[np.searchsorted(borders, np.arange(-32768, 32768))].astype(np.uint8)


_ENCODED: Final = {codec: _nearest(decoded) for codec, decoded in _DECODED.items()}


def decode(codec: int, payload: bytes) -> Samples:
    return _DECODED[codec][np.frombuffer(payload, dtype=np.uint8)]


def encode(codec: int, samples: Samples) -> bytes:
    return _ENCODED[codec][samples.astype(np.int32) + 32768].tobytes()
