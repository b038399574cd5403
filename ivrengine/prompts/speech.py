"""Synthesisers: what makes speech of a prompt's text when nobody has recorded it."""

import array
import asyncio
import dataclasses
import math
import re
import zlib
from pathlib import Path
from typing import Final, Protocol

import structlog

from ivrengine.prompts import audio, child

SPEAKING_LIMIT_S: Final = 20.0
"""espeak-ng speaks hundreds of times faster than a person: five minutes of speech take about a second."""
ASKING_LIMIT_S: Final = 5.0
SPEED_WPM: Final = 160
"""A little below espeak-ng's 175: callers hear it once, by telephone, and have to remember which key it was."""
INSTALL: Final = "espeak-ng is not installed (Debian: apt-get install espeak-ng)"

_VERSION: Final = re.compile(r"(?P<version>eSpeak.*?)\s*(?:Data at:.*)?", re.DOTALL)
_log: Final = structlog.get_logger(__name__)


class SpeechError(Exception):
    """A text that could not be made speech; says why."""


class Synthesiser(Protocol):
    """Whatever can make a WAV file of a text."""

    @property
    def identity(self) -> str:
        """Everything beside text and language that decides how it sounds: part of the name of each file it makes."""
        ...

    @property
    def intelligible(self) -> bool:
        """Whether people can understand it; if not, it only stands in for one that they can."""
        ...

    async def speak(self, text: str, language: str, target: Path) -> None:
        """Write the text as a 16-bit mono WAV file of any usual rate; raises ``SpeechError``."""
        ...


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Espeak:
    """espeak-ng, one process for each text."""

    version: str
    command: str = "espeak-ng"
    speed_wpm: int = SPEED_WPM
    limit_s: float = SPEAKING_LIMIT_S

    @property
    def identity(self) -> str:
        """Version and speed; the voice is the one that espeak-ng has for the language."""
        return f"{self.version} speed {self.speed_wpm}"

    @property
    def intelligible(self) -> bool:
        """People understand it."""
        return True

    async def speak(self, text: str, language: str, target: Path) -> None:
        """Let espeak-ng read the text from its standard input: no text can be mistaken for an option."""
        voice = ("-v", language, "-s", str(self.speed_wpm), "-b", "1")  # 1: the text is UTF-8
        command = (self.command, *voice, "--stdin", "-w", str(target))
        try:
            code, said = await child.run(*command, text=text, limit_s=self.limit_s)
        except TimeoutError:
            raise SpeechError(f"espeak-ng took longer than {self.limit_s:g} s") from None
        except OSError as error:
            raise SpeechError(f"espeak-ng cannot be run: {error.strerror}") from None
        if code != 0 and "voice" in said:
            raise SpeechError(f"espeak-ng has no voice for the language {language}")
        if code != 0 or not await asyncio.to_thread(target.exists):
            raise SpeechError(f"espeak-ng made no sound of it: {said or 'there is nothing to say'}")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tones:
    """A tone as long as the text would take to say: where nobody listens (the demo, tests) it is as good as speech."""

    second_per_character: float = 0.065

    @property
    def identity(self) -> str:
        """How long and how high."""
        return f"tones {self.second_per_character:g}"

    @property
    def intelligible(self) -> bool:
        """Nobody understands it."""
        return False

    async def speak(self, text: str, language: str, target: Path) -> None:
        """Write a tone whose pitch depends on the text, so that two prompts are told apart by ear and by test."""
        rate_hz = audio.TELEPHONE_HZ
        pitch_hz = 300 + 25 * (zlib.crc32(text.encode()) % 60)
        period = [
            round(8000 * math.sin(2 * math.pi * pitch_hz * n / rate_hz)) for n in range(rate_hz)
        ]
        seconds = min(max(0.3, len(text) * self.second_per_character), audio.LONGEST_S)
        samples = array.array("h", period) * math.ceil(seconds)
        sound = audio.Sound(rate_hz=rate_hz, samples=samples[: round(seconds * rate_hz)])
        audio.write_wav(target, sound)


async def find_espeak(command: str = "espeak-ng", speed_wpm: int = SPEED_WPM) -> Espeak | None:
    """Return espeak-ng if it is there and answers."""
    try:
        code, said = await child.run(command, "--version", limit_s=ASKING_LIMIT_S)
    except (OSError, TimeoutError):
        return None
    found = _VERSION.fullmatch(said)
    if code != 0 or found is None:
        return None
    return Espeak(version=found["version"], command=command, speed_wpm=speed_wpm)


async def choose(*, stand_in: bool, command: str = "espeak-ng") -> Synthesiser | None:
    """Return espeak-ng; where it is missing, tones if they may stand in for speech, else None, and say so in the log."""
    espeak = await find_espeak(command)
    if espeak is not None:
        return espeak
    _log.warning("espeak_ng_missing", stand_in="tones" if stand_in else "none", hint=INSTALL)
    return Tones() if stand_in else None
