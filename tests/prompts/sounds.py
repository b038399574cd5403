"""Sounds for the tests: tones, WAV files of any make, and how loud something is."""

import array
import math
import wave
from collections.abc import Sequence
from pathlib import Path

from ivrengine.flow.source.wav import Sound


def tone(
    hertz: float, *, rate_hz: int = 8000, seconds: float = 1.0, amplitude: int = 8000
) -> Sound:
    turn = 2 * math.pi * hertz / rate_hz
    samples = (round(amplitude * math.sin(turn * n)) for n in range(round(seconds * rate_hz)))
    return Sound(rate_hz=rate_hz, samples=array.array("h", samples))


def level_db(samples: Sequence[float]) -> float:
    """Root mean square, in decibels of full scale."""
    power = sum(s * s for s in samples) / len(samples)
    return 10 * math.log10(max(power, 1e-9) / 32768**2)


def write(
    path: Path, frames: bytes, *, rate_hz: int = 8000, channels: int = 1, width: int = 2
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate_hz)
        file.writeframes(frames)
    return path
