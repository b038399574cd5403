"""Sound for telephones: brought to their rate and to the loudness that all prompts have.

Standard library only and synchronous: it runs in a child process (``convert``), before any call that hears the sound.
"""

import array
import math
import operator
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ivrengine.flow.source.wav import NOT_WAV, TELEPHONE_HZ, Sound

WIDE_HZ: Final = 16000
"""What phones carry that speak G.722 or Opus, "HD voice"."""
ACTIVE_DBFS: Final = -18.0
"""Loudness of the speech itself, near that of Asterisk's own recordings: prompts follow each other at one level."""
PEAK_DBFS: Final = -3.0
GAIN_MAX_DB: Final = 30.0
"""What is quieter is a fault of the recording; to lift it would only make its noise loud."""
FRAME_S: Final = 0.02
PAUSE_DB: Final = 20.0
"""A frame so far below the loudest one is a pause between words."""
PASSBAND: Final = 0.925
"""Part of the new rate's half that passes: 3.7 kHz of 4, beyond a telephone's 3.4."""
STOPBAND_DB: Final = 50.0
"""What folds back stays below the noise of G.711, which is at 38 dB."""
TAPS: Final = 17.5
"""Length of the low-pass in samples of the lower of the two rates; from 22,050 Hz to 8,000 that is 50 taps."""
BLOCK: Final = 1024
"""Samples that are made in one go."""


def duration_s(path: Path) -> float | None:
    """Return how long a finished prompt lasts, from its header; None if the file is missing, cut short or no prompt."""
    try:
        with wave.open(str(path), "rb") as file:
            frames = file.getnframes()
            telephone = (1, 2, TELEPHONE_HZ)
            found = (file.getnchannels(), file.getsampwidth(), file.getframerate())
        if found != telephone or frames == 0 or path.stat().st_size < 2 * frames:
            return None
    except (OSError, *NOT_WAV):
        return None
    return frames / TELEPHONE_HZ


def for_telephones(sound: Sound) -> tuple[Sound, Sound]:
    """Return the sound at the two rates of telephones, 8 and 16 kHz, at the loudness that all prompts have."""
    wide = _resampled(sound.samples, sound.rate_hz, WIDE_HZ)
    # By way of 16 kHz it costs half of what it does from a studio's rate; 8 kHz stay what they were.
    narrow = (
        sound.samples if sound.rate_hz == TELEPHONE_HZ else _resampled(wide, WIDE_HZ, TELEPHONE_HZ)
    )
    gain = _gain(narrow, TELEPHONE_HZ, peak=max(_peak(narrow), _peak(wide)))
    return _lifted(narrow, TELEPHONE_HZ, gain), _lifted(wide, WIDE_HZ, gain)


def _lifted(samples: Sequence[float], rate_hz: int, gain: float) -> Sound:
    # The gain leaves room above the loudest of them: none can be too large for 16 bits.
    return Sound(rate_hz=rate_hz, samples=array.array("h", [round(s * gain) for s in samples]))


def _peak(samples: Sequence[float]) -> float:
    highest, lowest = max(samples), min(samples)
    return max(highest, -lowest)


def _resampled(samples: Sequence[float], from_hz: int, to_hz: int) -> Sequence[float]:
    """Return the samples at another rate, by a polyphase windowed-sinc low-pass; some 30 ms a second of sound."""
    if from_hz == to_hz:
        return samples
    common = math.gcd(from_hz, to_hz)
    phases, step = to_hz // common, from_hz // common
    taps = 2 * math.ceil(TAPS * max(1.0, from_hz / to_hz) / 2)
    filters = _filters(taps, phases, from_hz, to_hz)
    edge = array.array("d", bytes(8 * taps))
    padded = edge + array.array("d", samples) + edge
    first = taps + 1 - taps // 2
    resampled: list[float] = []
    for begin in range(0, len(samples) * phases, step * BLOCK):
        end = min(len(samples) * phases, begin + step * BLOCK)
        start = begin // phases
        # As a list, because an array makes a new number of each sample each time that it is looked at.
        window = padded[first + start : first + end // phases + taps].tolist()
        for at in range(begin - start * phases, end - start * phases, step):
            sample, phase = divmod(at, phases)
            around = window[sample : sample + taps]
            resampled.append(sum(map(operator.mul, filters[phase], around)))
    return resampled


def _filters(taps: int, phases: int, from_hz: int, to_hz: int) -> list[list[float]]:
    """Return the taps for each phase; that of one is that of its opposite, backwards, which halves the work."""
    half = [_low_pass(taps, phase / phases, from_hz, to_hz) for phase in range(phases // 2 + 1)]
    return half + [half[phases - phase][::-1] for phase in range(len(half), phases)]


def _low_pass(taps: int, phase: float, from_hz: int, to_hz: int) -> list[float]:
    """Return the taps around a moment ``phase`` of a sample after the middle one, under a Kaiser window."""
    cutoff = PASSBAND * min(1.0, to_hz / from_hz)  # of the old rate's half
    beta = 0.5842 * (STOPBAND_DB - 21) ** 0.4 + 0.07886 * (STOPBAND_DB - 21)  # Kaiser, 1974
    weights = []
    for tap in range(taps):
        t = tap + 1 - taps // 2 - phase
        x = math.pi * cutoff * t
        edge = max(0.0, 1 - (2 * t / taps) ** 2)
        weights.append((math.sin(x) / x if x else 1.0) * _bessel_i0(beta * math.sqrt(edge)))
    total = sum(weights)
    return [weight / total for weight in weights]


def _bessel_i0(x: float) -> float:
    term = total = 1.0
    k = 1
    while term > total * 1e-9:  # a dozen rounds for the arguments of a window
        term *= (x / (2 * k)) ** 2
        total += term
        k += 1
    return total


def _gain(samples: Sequence[float], rate_hz: int, *, peak: float) -> float:
    """Return the factor that brings the speech, its pauses left out, to the loudness of all prompts, unclipped."""
    frame = int(rate_hz * FRAME_S)
    powers = [
        sum(s * s for s in samples[at : at + frame]) / len(samples[at : at + frame])
        for at in range(0, len(samples), frame)
    ]
    floor = max(powers) * 10 ** (-PAUSE_DB / 10)
    spoken = [power for power in powers if power > floor]
    if not spoken or peak == 0:
        return 1.0
    full = 32768.0
    loud = full * 10 ** (ACTIVE_DBFS / 20) / math.sqrt(sum(spoken) / len(spoken))
    unclipped = full * 10 ** (PEAK_DBFS / 20) / peak
    return float(min(loud, unclipped, 10 ** (GAIN_MAX_DB / 20)))
