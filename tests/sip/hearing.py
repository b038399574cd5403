"""Tell what was heard: is this prompt in that sound, and where; is there a tone, or nothing at all.

A prompt is cut into blocks of 0.4 s. Each block must be found, by normalised cross-correlation, at the place where the whole
prompt begins plus its own distance, give or take the jitter of a packet or three; so loudness, codec and a lost packet do
not matter, and another prompt of the same voice is not taken for this one.
"""

import dataclasses
import wave
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from tests.sip.g711 import RATE, Samples

Signal = npt.NDArray[np.float64]

RECOGNISED: Final = 0.85
"""The right prompt scores above 0.95 over G.711 and 0.9 with one packet in twenty lost; one that differs in a single
word 0.7 to 0.8; any other prompt of the same voice below 0.3 (test_hearing.py holds them to it)."""
_BLOCK: Final = round(0.4 * RATE)
_PLAY: Final = round(0.06 * RATE)
_QUIET: Final = 0.05
"""Blocks below this part of the prompt's mean loudness are pauses, found everywhere and proving nothing."""
_TONE_SHARE: Final = 0.5


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """How well a prompt was found: 0 to 1, and where its beginning lies in the sound, in seconds."""

    score: float
    offset_s: float
    heard: float
    """The part of the prompt's spoken blocks that was found: a prompt cut short by a key is found in part."""

    @property
    def recognised(self) -> bool:
        return self.score >= RECOGNISED


NOTHING: Final = Match(score=0.0, offset_s=0.0, heard=0.0)


def match(prompt: Samples, sound: Samples) -> Match:
    """Look for a prompt in what was heard."""
    wanted, there = prompt.astype(np.float64), sound.astype(np.float64)
    blocks = _spoken_blocks(wanted)
    if not blocks or len(there) < _BLOCK:
        return NOTHING
    found = np.array([_correlation(wanted[at : at + _BLOCK], there) for at in blocks])
    begin = _beginning(blocks, found)
    scores = np.array([_near(row, begin + at) for at, row in zip(blocks, found, strict=True)])
    return Match(
        score=float(scores.mean()),
        offset_s=begin / RATE,
        heard=float((scores >= RECOGNISED).mean()),
    )


def _spoken_blocks(prompt: Signal) -> list[int]:
    """Return where the blocks begin in which something is said."""
    starts = range(0, max(len(prompt) - _BLOCK, 0) + 1, _BLOCK)
    if len(prompt) < _BLOCK:
        return []
    energy = [float(np.mean(prompt[at : at + _BLOCK] ** 2)) for at in starts]
    return [at for at, each in zip(starts, energy, strict=True) if each > _QUIET * np.mean(energy)]


def _correlation(block: Signal, sound: Signal) -> Signal:
    """Return the normalised cross-correlation of a block with each place of a sound."""
    size = 1 << (len(sound) + len(block) - 1).bit_length()
    spectrum = np.fft.rfft(sound, size) * np.conj(np.fft.rfft(block, size))
    products = np.fft.irfft(spectrum, size)[: len(sound) - len(block) + 1]
    running = np.concatenate([[0.0], np.cumsum(sound**2)])
    energy = running[len(block) :] - running[: -len(block)]
    # Below 10 units of loudness there is nothing to find; without a floor, rounding noise would correlate.
    floor = len(block) * 10.0**2
    loudness = np.sqrt(np.maximum(energy, floor) * max(float(np.sum(block**2)), floor))
    return np.asarray(products / loudness, dtype=np.float64)


def _beginning(blocks: list[int], found: Signal) -> int:
    """Return the place of the prompt's first sample on which the blocks agree best; negative when its start is missing."""
    lead, places = blocks[-1], found.shape[1]
    agreed = np.zeros(lead + places)
    for at, row in zip(blocks, found, strict=True):
        agreed[lead - at : lead - at + places] += row
    return int(np.argmax(agreed)) - lead


def _near(row: Signal, at: int) -> float:
    low, high = max(0, at - _PLAY), at + _PLAY + 1
    return max(0.0, float(row[low:high].max())) if low < min(high, len(row)) else 0.0


def holds_tone(sound: Samples, hertz: float) -> bool:
    """Tell whether most of a sound's energy is one tone."""
    signal = sound.astype(np.float64)
    energy = float(np.sum(signal**2))
    if len(signal) == 0 or energy < len(signal) * 100.0**2:
        return False
    turned = np.exp(-2j * np.pi * hertz * np.arange(len(signal)) / RATE)
    power = 2 * abs(np.sum(signal * turned)) ** 2 / len(signal)
    return bool(power / energy > _TONE_SHARE)


def is_silent(sound: Samples, threshold: float = 100.0) -> bool:
    """Tell whether nothing but line noise is there (``threshold``: root mean square of 16-bit samples)."""
    return len(sound) == 0 or float(np.sqrt(np.mean(sound.astype(np.float64) ** 2))) < threshold


def read_wav(path: Path) -> Samples:
    """Read a mono 16-bit WAV file of any rate as 8 kHz samples."""
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2), f"{path} is not mono 16-bit"
        rate, frames = file.getframerate(), file.readframes(file.getnframes())
    samples: Samples = np.frombuffer(frames, dtype="<i2").astype(np.int16)
    return samples if rate == RATE else resampled(samples, rate)


def resampled(samples: Samples, rate: int) -> Samples:
    """Change the rate by cutting (or filling) the spectrum."""
    length = round(len(samples) * RATE / rate)
    spectrum = np.fft.rfft(samples.astype(np.float64))
    size = length // 2 + 1
    kept = np.zeros(size, dtype=np.complex128)
    kept[: min(size, len(spectrum))] = spectrum[:size]
    return np.clip(np.fft.irfft(kept, length) * RATE / rate, -32768, 32767).astype(np.int16)
