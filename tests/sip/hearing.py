"""Tell what was heard: is this prompt in that sound, and where; is there a tone, or nothing at all.

A prompt is cut into blocks of 0.4 s. Each block must be found, by normalised cross-correlation, where its neighbour lets it
be expected, give or take the jitter of a packet or three, or a short stall of a busy switch; so loudness, codec and a lost
packet do not matter, and another prompt of the same voice is not taken for this one.
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
_STALL: Final = round(0.4 * RATE)
"""How long playback may stand still between two blocks (the switch had no processor) and go on."""
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
    ended: bool
    """Whether the sound goes on to where the prompt's last spoken block ends."""

    @property
    def recognised(self) -> bool:
        return self.score >= RECOGNISED

    @property
    def whole(self) -> bool:
        """Recognised, and heard to its end."""
        return self.recognised and self.ended


NOTHING: Final = Match(score=0.0, offset_s=0.0, heard=0.0, ended=False)


def match(prompt: Samples, sound: Samples) -> Match:
    """Look for a prompt in what was heard."""
    wanted, there = prompt.astype(np.float64), sound.astype(np.float64)
    blocks = _spoken_blocks(wanted)
    if not blocks or len(there) < _BLOCK:
        return NOTHING
    found = _correlations([wanted[at : at + _BLOCK] for at in blocks], there)
    places, scores = _followed(blocks, found, _beginning(blocks, found))
    return Match(
        score=float(scores.mean()),
        offset_s=(places[0] - blocks[0]) / RATE,
        heard=float((scores >= RECOGNISED).mean()),
        ended=places[-1] + _BLOCK <= len(there),
    )


def _spoken_blocks(prompt: Signal) -> list[int]:
    """Return where the blocks begin in which something is said."""
    starts = range(0, max(len(prompt) - _BLOCK, 0) + 1, _BLOCK)
    if len(prompt) < _BLOCK:
        return []
    energy = [float(np.mean(prompt[at : at + _BLOCK] ** 2)) for at in starts]
    return [at for at, each in zip(starts, energy, strict=True) if each > _QUIET * np.mean(energy)]


def _correlations(blocks: list[Signal], sound: Signal) -> Signal:
    """Return the normalised cross-correlation of each block with each place of a sound."""
    size = 1 << (len(sound) + _BLOCK - 1).bit_length()
    spectrum = np.fft.rfft(sound, size)
    places = len(sound) - _BLOCK + 1
    running = np.concatenate([[0.0], np.cumsum(sound**2)])
    # Below 10 units of loudness there is nothing to find; without a floor, rounding noise would correlate.
    floor = _BLOCK * 10.0**2
    loudness = np.sqrt(np.maximum(running[_BLOCK:] - running[:-_BLOCK], floor))
    found = np.empty((len(blocks), places))
    for row, block in zip(found, blocks, strict=True):
        products = np.fft.irfft(spectrum * np.conj(np.fft.rfft(block, size)), size)[:places]
        row[:] = products / (loudness * np.sqrt(max(float(np.sum(block**2)), floor)))
    return found


def _beginning(blocks: list[int], found: Signal) -> int:
    """Return the place of the prompt's first sample on which the blocks agree best; negative when its start is missing."""
    lead, places = blocks[-1], found.shape[1]
    agreed = np.zeros(lead + places)
    for at, row in zip(blocks, found, strict=True):
        agreed[lead - at : lead - at + places] += row
    return int(np.argmax(agreed)) - lead


def _followed(blocks: list[int], found: Signal, begin: int) -> tuple[list[int], Signal]:
    """Return where each block was found, and how well: outwards from the surest one, each after its neighbour."""
    scores, places = np.zeros(len(blocks)), [begin + at for at in blocks]
    for index, row in enumerate(found):
        places[index], scores[index] = _near(row, places[index], _PLAY, _PLAY)
    anchor = int(np.argmax(scores))
    for index in range(anchor + 1, len(blocks)):
        expected = places[index - 1] + blocks[index] - blocks[index - 1]
        places[index], scores[index] = _near(found[index], expected, _PLAY, _STALL)
    for index in range(anchor - 1, -1, -1):
        expected = places[index + 1] + blocks[index] - blocks[index + 1]
        places[index], scores[index] = _near(found[index], expected, _STALL, _PLAY)
    return places, scores


def _near(row: Signal, at: int, before: int, after: int) -> tuple[int, float]:
    """Return the best place about ``at`` and its score; ``at`` itself when nothing there is sure."""
    low, high = max(0, at - before), min(len(row), at + after + 1)
    if low >= high:
        return at, 0.0
    best = low + int(np.argmax(row[low:high]))
    score = max(0.0, float(row[best]))
    return (best if score >= RECOGNISED else at), score


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


def longest_silence_s(sound: Samples) -> float:
    """Return the length of the longest stretch, in steps of 0.1 s, in which nothing was heard."""
    step = RATE // 10
    longest = current = 0
    for at in range(0, len(sound) - step + 1, step):
        current = current + 1 if is_silent(sound[at : at + step]) else 0
        longest = max(longest, current)
    return longest / 10


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
