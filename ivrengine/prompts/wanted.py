"""Which prompts are wanted, and of what each is to be made: the recorded file if there is a good one, else the text."""

import dataclasses
import hashlib
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

from ivrengine.core.ids import BrandId
from ivrengine.flow.book import PromptTexts
from ivrengine.flow.source import recordings, wav
from ivrengine.prompts import convert
from ivrengine.prompts.cache import SPOKEN

HASH_DIGITS: Final = 12
"""48 bits: two versions of one prompt's text never meet."""

Texts = Mapping[BrandId, Mapping[str, PromptTexts]]
Identity = Callable[[str], str]
"""Tells of a language all that decides how the synthesiser sounds in it."""
Key = tuple[BrandId, str, str]
"""Brand, name and language of a prompt."""


class Source(StrEnum):
    """What a prompt is made of."""

    RECORDED = "recorded"
    SYNTHESISED = "synthesised"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One prompt in one language, and what it is to be made of."""

    brand: BrandId
    name: str
    language: str
    version: str
    """Hash of what it is made of: another text, voice or recording is another file."""
    text: str | None = None
    """What is to be spoken, unless there is a recording."""
    recording: Path | None = None
    problem: str | None = None
    """Why it is not made of what it should be; it may be playable all the same."""
    flaw: str | None = None
    """What callers will not like to hear in its recording."""

    @property
    def key(self) -> Key:
        """Brand, name and language."""
        return self.brand, self.name, self.language

    @property
    def place(self) -> str:
        """Where it lies in the cache, less the suffix."""
        return f"{self.brand}/{self.language}/{self.name}-{self.version}"

    @property
    def source(self) -> Source | None:
        """What it is made of; None if there is nothing to make it of."""
        if self.recording is not None:
            return Source.RECORDED
        return None if self.text is None else Source.SYNTHESISED


def wanted(texts: Texts, recordings_folder: Path, identity: Identity) -> tuple[Wanted, ...]:
    """Return every prompt that has a text or a recording, in order; reads every recording whole."""
    spoken = {
        (brand, name, language): " ".join(text.split())
        for brand, prompts in texts.items()
        for name, by_language in prompts.items()
        for language, text in by_language.items()
    }
    there, _ = recordings.find(recordings_folder)
    recorded = {(each.brand, each.name, each.language): each.path for each in there}
    return tuple(
        _wanted(key, spoken.get(key), recorded.get(key), identity)
        for key in sorted({*spoken, *recorded})
    )


def composed(brand: BrandId, language: str, text: str, identity: Identity) -> Wanted:
    """Return what is to be made of words that were composed for a call."""
    version = _hash("text", identity(language), language, text)
    return Wanted(brand=brand, name=SPOKEN, language=language, version=version, text=text)


def _wanted(key: Key, text: str | None, recording: Path | None, identity: Identity) -> Wanted:
    brand, name, language = key
    version = _hash("text", identity(language), language, text or "")
    spoken = Wanted(brand=brand, name=name, language=language, version=version, text=text)
    if recording is None:
        return spoken
    try:
        sound = wav.read(recording)
    except wav.WavError as error:
        instead = "there is no text to speak instead" if text is None else "its text is spoken"
        problem = f"the recording {recording} cannot be used: {error}; {instead}"
        return dataclasses.replace(spoken, problem=problem)
    flaw = wav.flaw(sound)
    return dataclasses.replace(
        spoken,
        version=_recording_hash(sound),
        recording=recording,
        flaw=None if flaw is None else f"the recording {recording} sounds bad: {flaw}",
    )


def _recording_hash(sound: wav.Sound) -> str:
    content = hashlib.sha256(sound.samples.tobytes()).hexdigest()
    return _hash("recording", str(sound.rate_hz), content)


def _hash(*parts: str) -> str:
    whole = "\n".join((convert.VERSION, *parts))
    return hashlib.sha256(whole.encode()).hexdigest()[:HASH_DIGITS]
