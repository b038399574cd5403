"""WAV files: what is in one as samples, and whether callers can be played it.

Standard library only: recordings are judged when a folder of flows is loaded, before any call.
"""

import array
import dataclasses
import sys
import wave
from pathlib import Path
from typing import Final

TELEPHONE_HZ: Final = 8000
NOT_WAV: Final = (wave.Error, EOFError, RuntimeError)
"""What the module ``wave`` raises for other files; the last one where a chunk is shorter than it says."""
RATE_MAX_HZ: Final = 48000
"""A studio's rate; more holds nothing that anybody hears, least of all by telephone."""
LONGEST_S: Final = 300.0
"""A node that speaks gives its prompt up after so long, so nothing longer is ever heard to its end."""
SHORTEST_S: Final = 0.1
"""No word is shorter: somebody stopped the recording before it began."""
SIZE_MAX: Final = int(LONGEST_S * RATE_MAX_HZ * 2) + 64 * 1024
AUDIBLE_PEAK: Final = 330
"""Of 32,768, -40 dB: a voice that never reaches it stays too quiet though it is lifted by as much as its noise allows."""
_LOOKED_AT: Final = 7
"""Each so many samples are enough to find a voice that is loud enough; only else all are looked at."""
_CEILINGS: Final = (32767, -32768, -32767, 32124, -32124, 32256, -32256)
"""Where sound is cut off: full scale, and the loudest value of µ-law and of A-law."""
_FLAT: Final = 3
"""So many equal samples there are no wave any more."""
_CLIPS_BORNE: Final = 2
"""A knock at the microphone is not a recording that is too loud."""
_HEAD: Final = 36
"""Bytes to the end of the fields of the format in most WAV files."""
_BEGINNINGS: Final = (
    (b"ID3", "an MP3 file"),
    (b"\xff\xfb", "an MP3 file"),
    (b"OggS", "an Ogg file"),
    (b"fLaC", "a FLAC file"),
    (b"FORM", "an AIFF file"),
)
_FORMATS: Final = {
    1: "one that breaks off",
    3: "floating point",
    6: "A-law",
    7: "µ-law",
    17: "ADPCM",
    49: "GSM",
    85: "MP3",
    65534: "the extensible format",
}
"""What WAV files hold that cannot be read, by their format tag; 1 is PCM itself."""


class WavError(Exception):
    """A file that cannot be a prompt; the sentence says what was expected and what was found."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """One channel of 16-bit samples."""

    rate_hz: int
    samples: "array.array[int]"

    @property
    def duration_s(self) -> float:
        """How long it sounds."""
        return len(self.samples) / self.rate_hz


def read(path: Path) -> Sound:
    """Return the sound of a WAV file; raises ``WavError`` unless it is 16-bit PCM, mono, of a fit rate, and heard."""
    try:
        if not path.is_file():
            raise WavError("there is no such file" if not path.exists() else "it is not a file")
        size = path.stat().st_size
        if size > SIZE_MAX:
            raise WavError(f"expected at most {LONGEST_S:.0f} s of sound, found {size} bytes")
        with wave.open(str(path), "rb") as file:
            _check(file)
            rate_hz, frames = file.getframerate(), file.readframes(file.getnframes())
    except OSError as error:
        raise WavError(f"it cannot be read: {error.strerror}") from None
    except NOT_WAV:
        raise WavError(f"expected a WAV file of 16-bit PCM, found {_what_it_is(path)}") from None
    samples = array.array("h", frames[: len(frames) & ~1])
    if sys.byteorder == "big":
        samples.byteswap()
    sound = Sound(rate_hz=rate_hz, samples=samples)
    if not samples:
        raise WavError("it is empty")
    if sound.duration_s < SHORTEST_S:
        found = f"{sound.duration_s:.2f}"
        raise WavError(f"expected at least {SHORTEST_S:g} s of sound, found {found}")
    if not any(samples):
        raise WavError("there is only silence in it")
    return sound


def write(path: Path, sound: Sound) -> None:
    """Write the sound as the WAV file that Asterisk reads: PCM, mono, 16 bit."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sound.rate_hz)
        file.writeframes(little_endian(sound.samples))


def little_endian(samples: "array.array[int]") -> bytes:
    """Return samples as files have them."""
    if sys.byteorder == "little":
        return samples.tobytes()
    swapped = array.array("h", samples)
    swapped.byteswap()
    return swapped.tobytes()


def flaw(sound: Sound) -> str | None:
    """Return what callers would not like to hear in a recording that can be played; None if there is nothing."""
    clips = _clips(sound.samples.tobytes())
    if clips > _CLIPS_BORNE:
        return f"it is clipped in {clips} places; record it anew at a lower level"
    if not _is_loud_enough(sound.samples):
        return "it is too quiet; record it anew at a higher level"
    return None


def _check(file: wave.Wave_read) -> None:
    if file.getnchannels() != 1:
        found = "stereo" if file.getnchannels() == 2 else f"{file.getnchannels()}"  # noqa: PLR2004
        raise WavError(f"expected one channel (mono), found {found}")
    if file.getsampwidth() != 2:  # noqa: PLR2004 - bytes of a 16-bit sample
        raise WavError(f"expected 16-bit PCM, found {8 * file.getsampwidth()} bits")
    rate_hz = file.getframerate()
    if not TELEPHONE_HZ <= rate_hz <= RATE_MAX_HZ:
        raise WavError(f"expected a rate of {TELEPHONE_HZ} to {RATE_MAX_HZ} Hz, found {rate_hz}")
    if file.getnframes() > LONGEST_S * rate_hz:
        seconds = file.getnframes() / rate_hz
        raise WavError(f"expected at most {LONGEST_S:.0f} s of sound, found {seconds:.0f}")


def _what_it_is(path: Path) -> str:
    """Return what a file seems to be that is no WAV file of PCM."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:  # somebody takes it away in this moment
        return "something else"
    if not head:
        return "an empty file"
    if head[:4] == b"RIFF" and head[8:16] == b"WAVEfmt ":
        return _FORMATS.get(int.from_bytes(head[20:22], "little"), "something else")
    return next((what for beginning, what in _BEGINNINGS if head.startswith(beginning)), "no WAV")


def _clips(frames: bytes) -> int:
    """Return in how many places the wave runs along a ceiling."""
    order = sys.byteorder
    return sum(_runs(frames, level.to_bytes(2, order, signed=True)) for level in _CEILINGS)


def _runs(frames: bytes, sample: bytes) -> int:
    """Return how often at least ``_FLAT`` such samples follow each other; ``bytes.find`` is fast, a loop would not be."""
    runs = 0
    at = frames.find(sample * _FLAT)
    while at >= 0:
        if at % 2:  # halves of two samples
            at = frames.find(sample * _FLAT, at + 1)
            continue
        runs += 1
        at += 2 * _FLAT
        while frames.startswith(sample, at):
            at += 2
        at = frames.find(sample * _FLAT, at)
    return runs


def _is_loud_enough(samples: "array.array[int]") -> bool:
    return any(
        max(some) >= AUDIBLE_PEAK or min(some) <= -AUDIBLE_PEAK
        for some in (samples[::_LOOKED_AT], samples)
    )
