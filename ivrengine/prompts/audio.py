"""Sound as samples: read a WAV file, bring it to a telephone's rate and to one loudness, write it.

Standard library only and synchronous: it runs in a child process (``convert``), before any call that hears the sound.
"""

import array
import dataclasses
import math
import operator
import sys
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Final

TELEPHONE_HZ: Final = 8000
NOT_WAV: Final = (wave.Error, EOFError, RuntimeError)
"""What the module ``wave`` raises for other files; the last one where a chunk is shorter than it says."""
RATE_MAX_HZ: Final = 48000
"""A studio's rate; more holds nothing that anybody hears, least of all by telephone."""
LONGEST_S: Final = 300.0
"""A node that speaks gives its prompt up after so long, so nothing longer is ever heard to its end."""
SIZE_MAX: Final = int(LONGEST_S * RATE_MAX_HZ * 2) + 64 * 1024
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
TAPS_AT_8_KHZ: Final = 17.5
"""Length of the low-pass in samples of the new rate; for the 22,050 Hz of espeak-ng that is 50 taps."""


class AudioError(Exception):
    """Sound that cannot be a prompt; the sentence says what was expected and what was found."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """One channel of 16-bit samples."""

    rate_hz: int
    samples: "array.array[int]"

    @property
    def duration_s(self) -> float:
        """How long it sounds."""
        return len(self.samples) / self.rate_hz


def read_wav(path: Path) -> Sound:
    """Return the sound of a WAV file; raises ``AudioError`` unless it is 16-bit PCM, mono, of a fit rate, and heard."""
    try:
        size = path.stat().st_size
        if size > SIZE_MAX:
            raise AudioError(f"expected at most {LONGEST_S:.0f} s of sound, found {size} bytes")
        with wave.open(str(path), "rb") as file:
            _check(file)
            rate_hz, frames = file.getframerate(), file.readframes(file.getnframes())
    except FileNotFoundError:
        raise AudioError("there is no such file") from None
    except OSError as error:
        raise AudioError(f"it cannot be read: {error.strerror}") from None
    except NOT_WAV:
        raise AudioError("expected a WAV file of 16-bit PCM, found something else") from None
    samples = array.array("h", frames[: len(frames) & ~1])
    if sys.byteorder == "big":
        samples.byteswap()
    if not samples:
        raise AudioError("it is empty")
    if not any(samples):
        raise AudioError("there is only silence in it")
    return Sound(rate_hz=rate_hz, samples=samples)


def write_wav(path: Path, sound: Sound) -> None:
    """Write the sound as the WAV file that Asterisk reads: PCM, mono, 16 bit."""
    samples = sound.samples
    if sys.byteorder == "big":
        samples = array.array("h", samples)
        samples.byteswap()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sound.rate_hz)
        file.writeframes(samples.tobytes())


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


def for_telephone(sound: Sound, rate_hz: int = TELEPHONE_HZ) -> Sound:
    """Return the sound at a telephone's rate and at the loudness that all prompts have."""
    samples = _resampled(sound, rate_hz)
    gain = _gain(samples, rate_hz)
    return Sound(
        rate_hz=rate_hz,
        samples=array.array("h", (max(-32768, min(32767, round(s * gain))) for s in samples)),
    )


def _check(file: wave.Wave_read) -> None:
    if file.getnchannels() != 1:
        raise AudioError(f"expected one channel (mono), found {file.getnchannels()}")
    if file.getsampwidth() != 2:  # noqa: PLR2004 - bytes of a 16-bit sample
        raise AudioError(f"expected 16-bit PCM, found {8 * file.getsampwidth()} bits")
    rate_hz = file.getframerate()
    if not TELEPHONE_HZ <= rate_hz <= RATE_MAX_HZ:
        raise AudioError(f"expected a rate of {TELEPHONE_HZ} to {RATE_MAX_HZ} Hz, found {rate_hz}")
    if file.getnframes() > LONGEST_S * rate_hz:
        seconds = file.getnframes() / rate_hz
        raise AudioError(f"expected at most {LONGEST_S:.0f} s of sound, found {seconds:.0f}")


def _resampled(sound: Sound, rate_hz: int) -> Sequence[float]:
    """Return the samples at a lower rate, by a polyphase windowed-sinc low-pass; some 30 ms a second of sound."""
    if sound.rate_hz == rate_hz:
        return sound.samples
    common = math.gcd(sound.rate_hz, rate_hz)
    phases, step = rate_hz // common, sound.rate_hz // common
    taps = 2 * math.ceil(TAPS_AT_8_KHZ * sound.rate_hz / rate_hz / 2)
    filters = [_low_pass(taps, phase / phases, sound.rate_hz, rate_hz) for phase in range(phases)]
    edge = array.array("d", bytes(8 * taps))
    padded = edge + array.array("d", sound.samples) + edge
    first = taps + 1 - taps // 2
    resampled = []
    for at in range(0, len(sound.samples) * phases, step):
        sample, phase = divmod(at, phases)
        around = padded[first + sample : first + sample + taps]
        resampled.append(sum(map(operator.mul, filters[phase], around)))
    return resampled


def _low_pass(taps: int, phase: float, from_hz: int, to_hz: int) -> list[float]:
    """Return the taps around a moment ``phase`` of a sample after the middle one, under a Kaiser window."""
    cutoff = PASSBAND * to_hz / from_hz  # of the old rate's half
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
    for k in range(1, 20):  # converges far sooner for the arguments of a window
        term *= (x / (2 * k)) ** 2
        total += term
    return total


def _gain(samples: Sequence[float], rate_hz: int) -> float:
    """Return the factor that brings the speech, its pauses left out, to the loudness of all prompts, unclipped."""
    frame = int(rate_hz * FRAME_S)
    powers = [
        sum(s * s for s in samples[at : at + frame]) / len(samples[at : at + frame])
        for at in range(0, len(samples), frame)
    ]
    floor = max(powers) * 10 ** (-PAUSE_DB / 10)
    spoken = [power for power in powers if power > floor]
    peak = max(map(abs, samples))
    if not spoken or peak == 0:
        return 1.0
    full = 32768.0
    loud = full * 10 ** (ACTIVE_DBFS / 20) / math.sqrt(sum(spoken) / len(spoken))
    unclipped = full * 10 ** (PEAK_DBFS / 20) / peak
    return float(min(loud, unclipped, 10 ** (GAIN_MAX_DB / 20)))
