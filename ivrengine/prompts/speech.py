"""Synthesisers: what makes speech of a prompt's text when nobody has recorded it."""

import array
import asyncio
import dataclasses
import math
import os
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

import structlog

from ivrengine.flow.source import wav
from ivrengine.prompts import child

SPEAKING_LIMIT_S: Final = 20.0
"""espeak-ng speaks hundreds of times faster than a person: five minutes of speech take about a second."""
ASKING_LIMIT_S: Final = 5.0
SPEED_WPM: Final = 160
"""A little below espeak-ng's 175: callers hear it once, by telephone, and have to remember which key it was."""
INSTALL: Final = "espeak-ng is not installed (Debian: apt-get install espeak-ng)"

PLACEHOLDER: Final = re.compile(r"\{(text|language|voice|file)\}")
_VERSION: Final = re.compile(r"(?P<version>eSpeak.*?)\s*(?:Data at:.*)?", re.DOTALL)
_log: Final = structlog.get_logger(__name__)


class SpeechError(Exception):
    """A text that could not be made speech; says why."""


class Synthesiser(Protocol):
    """Whatever can make a WAV file of a text."""

    def identity(self, language: str) -> str:
        """Return all beside the text that decides how it sounds: part of the name of each file it makes."""
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
    voices: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """The voice for each language that shall not have the one that espeak-ng has for it."""

    def identity(self, language: str) -> str:
        """Return version, speed, and the voice if one is set."""
        voice = f" voice {self.voices[language]}" if language in self.voices else ""
        return f"{self.version} speed {self.speed_wpm}{voice}"

    @property
    def intelligible(self) -> bool:
        """People understand it."""
        return True

    async def speak(self, text: str, language: str, target: Path) -> None:
        """Let espeak-ng read the text from its standard input: no text can be mistaken for an option."""
        chosen = self.voices.get(language, language)
        voice = (f"-v{chosen}", "-s", str(self.speed_wpm), "-b", "1")  # 1: the text is UTF-8
        command = (self.command, *voice, "--stdin", "-w", str(target))
        try:
            code, said = await child.run(*command, text=text, limit_s=self.limit_s)
        except TimeoutError:
            raise SpeechError(f"espeak-ng took longer than {self.limit_s:g} s") from None
        except OSError as error:
            raise SpeechError(f"espeak-ng cannot be run: {error.strerror}") from None
        if code != 0 and "voice" in said:
            named = f" {chosen}" if language in self.voices else ""
            raise SpeechError(f"espeak-ng has no voice{named} for the language {language}")
        if code != 0 or not await asyncio.to_thread(target.exists):
            raise SpeechError(f"espeak-ng made no sound of it: {said or 'there is nothing to say'}")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Any other synthesiser: a command whose words have ``{file}``, and may have ``{text}``, ``{language}`` and ``{voice}``.

    Without ``{text}`` it reads the text from its standard input.
    """

    words: tuple[str, ...]
    voices: Mapping[str, str] = dataclasses.field(default_factory=dict)
    limit_s: float = SPEAKING_LIMIT_S

    def identity(self, language: str) -> str:
        """Return the command and its voice; a model that changes under its old name is not seen."""
        return f"{' '.join(self.words)} voice {self.voices.get(language, '')}"

    @property
    def intelligible(self) -> bool:
        """People understand it: that is what it was chosen for."""
        return True

    async def speak(self, text: str, language: str, target: Path) -> None:
        """Run the command, its secrets in the environment being its own: the engine's are taken out."""
        words = self._filled(text, language, target)
        given = "" if any("{text}" in word for word in self.words) else text
        name = self.words[0]
        try:
            code, said = await child.run(
                *words, text=given, limit_s=self.limit_s, environment=_without_ours()
            )
        except TimeoutError:
            raise SpeechError(f"{name} took longer than {self.limit_s:g} s") from None
        except FileNotFoundError:
            raise SpeechError(f"there is no command {name} (speech.command)") from None
        except OSError as error:
            raise SpeechError(f"{name} cannot be run: {error.strerror}") from None
        if code != 0:
            raise SpeechError(f"{name} ended with {code}: {_last_line(said) or 'it said nothing'}")
        if not await asyncio.to_thread(target.exists):
            raise SpeechError(f"{name} wrote no file: {_last_line(said) or 'it said nothing'}")

    def _filled(self, text: str, language: str, target: Path) -> list[str]:
        voice = self.voices.get(language)
        if voice is None and any("{voice}" in word for word in self.words):
            raise SpeechError(f"speech.voices has no voice for the language {language}")
        # With a blank before it no text is taken for an option.
        spoken = f" {text}" if text.startswith("-") else text
        values = {"text": spoken, "language": language, "voice": voice or "", "file": str(target)}
        # Each word once through: what stands in a text is never filled in again.
        return [PLACEHOLDER.sub(lambda found: values[found[1]], word) for word in self.words]


def _last_line(said: str) -> str:
    """Return what a program said at last, for a sentence."""
    lines = said.splitlines()
    return lines[-1][:200] if lines else ""


def _without_ours() -> dict[str, str]:
    """Return the environment without the engine's settings, among which may be its passwords."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith(("IVRENGINE_", "DATABASE_URL"))
    }


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tones:
    """A tone as long as the text would take to say: where nobody listens (the demo, tests) it is as good as speech."""

    second_per_character: float = 0.065

    def identity(self, language: str) -> str:
        """Return how long they are; languages sound alike."""
        del language
        return f"tones {self.second_per_character:g}"

    @property
    def intelligible(self) -> bool:
        """Nobody understands it."""
        return False

    async def speak(self, text: str, language: str, target: Path) -> None:
        """Write a tone whose pitch depends on the text, so that two prompts are told apart by ear and by test."""
        rate_hz = wav.TELEPHONE_HZ
        pitch_hz = 300 + 25 * (zlib.crc32(text.encode()) % 60)
        period = [
            round(8000 * math.sin(2 * math.pi * pitch_hz * n / rate_hz)) for n in range(rate_hz)
        ]
        seconds = min(max(0.3, len(text) * self.second_per_character), wav.LONGEST_S)
        samples = array.array("h", period) * math.ceil(seconds)
        sound = wav.Sound(rate_hz=rate_hz, samples=samples[: round(seconds * rate_hz)])
        wav.write(target, sound)


async def find_espeak(
    command: str = "espeak-ng", speed_wpm: int = SPEED_WPM, voices: Mapping[str, str] | None = None
) -> Espeak | None:
    """Return espeak-ng if it is there and answers."""
    try:
        code, said = await child.run(command, "--version", limit_s=ASKING_LIMIT_S)
    except (OSError, TimeoutError):
        return None
    found = _VERSION.fullmatch(said)
    if code != 0 or found is None:
        return None
    return Espeak(
        version=found["version"], command=command, speed_wpm=speed_wpm, voices=voices or {}
    )


async def choose(
    *, stand_in: bool, command: str = "espeak-ng", voices: Mapping[str, str] | None = None
) -> Synthesiser | None:
    """Return espeak-ng; where it is missing, tones if they may stand in for speech, else None, and say so in the log."""
    espeak = await find_espeak(command, voices=voices)
    if espeak is not None:
        return espeak
    _log.warning("espeak_ng_missing", stand_in="tones" if stand_in else "none", hint=INSTALL)
    return Tones() if stand_in else None
