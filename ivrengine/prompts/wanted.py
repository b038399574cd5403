"""Which prompts are wanted, and of what each is to be made: the recorded file if there is a good one, else the text."""

import dataclasses
import hashlib
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

from ivrengine.core.ids import BrandId
from ivrengine.flow.book import PromptTexts
from ivrengine.prompts import audio, convert
from ivrengine.prompts.cache import SPOKEN

HASH_DIGITS: Final = 12
"""48 bits: two versions of one prompt's text never meet."""
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
_LANGUAGE: Final = re.compile(r"[a-z]{2}")

Texts = Mapping[BrandId, Mapping[str, PromptTexts]]
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
    """What a person should know about it; it may be playable all the same."""

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


def wanted(texts: Texts, recordings_folder: Path, identity: str) -> tuple[Wanted, ...]:
    """Return every prompt that has a text or a recording, in order; reads every recording whole.

    ``identity`` tells all that decides how the synthesiser sounds.
    """
    spoken = {
        (brand, name, language): " ".join(text.split())
        for brand, prompts in texts.items()
        for name, by_language in prompts.items()
        for language, text in by_language.items()
    }
    recorded = dict(_recorded(recordings_folder))
    return tuple(
        _wanted(key, spoken.get(key), recorded.get(key), identity)
        for key in sorted({*spoken, *recorded})
    )


def composed(brand: BrandId, language: str, text: str, identity: str) -> Wanted:
    """Return what is to be made of words that were composed for a call."""
    version = _hash("text", identity, language, text)
    return Wanted(brand=brand, name=SPOKEN, language=language, version=version, text=text)


def _recorded(folder: Path) -> Iterator[tuple[Key, Path]]:
    """Yield the recordings: ``<brand>/<language>/<name>.wav``."""
    for path in folder.glob("*/*/*.wav"):
        yield (BrandId(path.parts[-3]), path.stem, path.parts[-2]), path


def _wanted(key: Key, text: str | None, recording: Path | None, identity: str) -> Wanted:
    brand, name, language = key
    version = _hash("text", identity, language, text or "")
    spoken = Wanted(brand=brand, name=name, language=language, version=version, text=text)
    if recording is None:
        return spoken
    try:
        version = _recording_hash(key, recording)
    except audio.AudioError as error:
        instead = "there is no text to speak instead" if text is None else "its text is spoken"
        problem = f"the recording {recording} cannot be used: {error}; {instead}"
        return dataclasses.replace(spoken, problem=problem)
    return dataclasses.replace(spoken, version=version, recording=recording)


def _recording_hash(key: Key, recording: Path) -> str:
    """Return what names this recording's content; raises ``AudioError`` if it cannot be a prompt."""
    _, name, language = key
    if not _NAME.fullmatch(name):
        raise audio.AudioError(
            "expected a prompt's name, of small letters, digits, - and _, beginning with a letter"
        )
    if not _LANGUAGE.fullmatch(language):
        raise audio.AudioError("expected its folder to be a language of two letters, such as tr")
    sound = audio.read_wav(recording)
    content = hashlib.sha256(sound.samples.tobytes()).hexdigest()
    return _hash("recording", str(sound.rate_hz), content)


def _hash(*parts: str) -> str:
    whole = "\n".join((convert.VERSION, *parts))
    return hashlib.sha256(whole.encode()).hexdigest()[:HASH_DIGITS]
