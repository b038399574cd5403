"""The library of prompts: makes their audio before any call, and answers at call time where a switch finds it."""

import asyncio
import dataclasses
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from ivrengine.core.effects import Spoken
from ivrengine.core.ids import BrandId
from ivrengine.flow.source.wav import WavError
from ivrengine.prompts import child, wanted
from ivrengine.prompts.cache import SPOKEN, Cache
from ivrengine.prompts.speech import INSTALL, SpeechError, Synthesiser
from ivrengine.prompts.spoken import SpokenError, Voice
from ivrengine.prompts.wanted import Key, Source, Texts, Wanted

PARALLEL: Final = max(1, min(4, os.cpu_count() or 1))
"""Making a prompt is all computing: more at once than there are cores makes none of them sooner."""
CONVERSION_LIMIT_S: Final = 60.0
"""Five minutes of sound at a studio's rate take about 20 s."""
NOT_MADE: Final = "not made yet"
_PACKAGES: Final = str(Path(__file__).resolve().parents[2])


class PromptMissingError(Exception):
    """A prompt that has no audio in the language of the call, nor in the one to fall back on."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One prompt in one language, as the library has it."""

    brand: BrandId
    name: str
    language: str
    source: Source | None
    media: str | None = None
    """What a switch is told to play; None as long as there is no audio."""
    duration_s: float = 0.0
    problem: str | None = None
    """One sentence for people: why there is no audio, or why it is not made of what it should be."""
    flaw: str | None = None
    """What callers will not like to hear in its recording."""

    @property
    def key(self) -> Key:
        """Brand, name and language."""
        return self.brand, self.name, self.language

    @property
    def can_be_made(self) -> bool:
        """Whether there is no audio, but something to make it of."""
        return self.media is None and self.source is not None


class Library:
    """The prompts of one book of flows; a changed book gets a library of its own.

    ``sounds_path`` is the cache folder as Asterisk sees it, a path or an address; the same path if none is given. ``suffix``
    names the form to be played where Asterisk cannot choose among files. Without a synthesiser the
    prompts that are recorded or already in the cache are played, and the others are counted as missing.
    """

    def __init__(
        self,
        texts: Texts,
        recordings_folder: Path,
        cache_folder: Path,
        synthesiser: Synthesiser | None,
        *,
        sounds_path: str | None = None,
        suffix: str = "",
    ) -> None:
        self._texts = texts
        self._recordings_folder = recordings_folder
        self._cache = Cache(cache_folder)
        self._synthesiser = synthesiser
        self._remembered: Mapping[str, str] | None = None
        self._sounds_path = (sounds_path or str(cache_folder.absolute())).rstrip("/")
        self._suffix = suffix
        self._entries: dict[Key, Entry] = {}
        self._durations: dict[str, float] = {}
        self._voice = Voice(self._cache, self._make_spoken)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every prompt that has a text or a recording, by brand, name and language."""
        return tuple(self._entries.values())

    @property
    def missing(self) -> int:
        """How many of them cannot be played."""
        return sum(entry.media is None for entry in self._entries.values())

    def media(
        self, brand: BrandId, name: str, language: str, *, fallback: str | None = None
    ) -> str:
        """Return what a switch is told to play; raises ``PromptMissingError``. Never touches the disk.

        ``fallback`` is the language taken when there is no audio in the call's own: a flow gives its first one.
        """
        media = self._found(brand, name, language, fallback).media
        assert media is not None
        return media

    async def speech(
        self, brand: BrandId, spoken: Spoken, language: str, *, limit_s: float | None = None
    ) -> str:
        """Return what a switch is told to play of words that were composed for a call; raises ``PromptMissingError``.

        The first time they are made, which takes a moment, while the event loop goes on; ``limit_s`` is for who can wait longer
        than a call.
        """
        composed = wanted.composed(brand, language, spoken.text, self._identity)
        try:
            await self._voice.say(composed, limit_s)
        except SpokenError as error:
            named = f" of {spoken.prompt}" if spoken.prompt else ""
            sentence = f"the brand {brand} has no audio of a text{named} in {language}: {error}"
            raise PromptMissingError(sentence) from None
        return self._media_of(composed)

    def duration_s(
        self, brand: BrandId, name: str, language: str, *, fallback: str | None = None
    ) -> float:
        """Return how long that lasts which ``media`` gives; raises ``PromptMissingError``."""
        return self._found(brand, name, language, fallback).duration_s

    def duration_of(self, media: str) -> float | None:
        """Return how long something that ``media`` gave lasts; None if it is none of ours."""
        return self._durations.get(media)

    async def look(self) -> tuple[Entry, ...]:
        """Take up what is in the cache, and return every prompt; makes nothing."""
        await asyncio.to_thread(self._look)
        return self.entries

    async def build(
        self, made: Callable[[Entry], None] | None = None, *, only: Key | None = None
    ) -> tuple[Entry, ...]:
        """Make the audio that is not in the cache yet (of ``only`` one prompt, if it is named), and return every prompt.

        ``made`` is called for each prompt that was made or could not be. What goes wrong with one prompt is its
        entry's problem and stops no other.
        """
        pending = await asyncio.to_thread(self._look)
        if only is not None:
            pending = [each for each in pending if each.key == only]
        identities = self._identities()
        if not pending and identities.items() <= self._cache.remembered_identities().items():
            return self.entries
        try:
            with self._cache.workshop() as workshop:
                # First, for a build may be cut short; of all languages, for one before it may have been.
                self._cache.remember_identities(identities, workshop)
                await self._make_all(pending, workshop, made)
        except OSError as error:
            for each in pending:
                if self._entries[each.key].media is None:
                    why = f"the folder of prompts cannot be written: {error.strerror}"
                    self._enter(_not_made(each, why))
        return self.entries

    def _found(self, brand: BrandId, name: str, language: str, fallback: str | None) -> Entry:
        entry = self._entries.get((brand, name, language))
        if fallback is not None and (entry is None or entry.media is None):
            entry = self._entries.get((brand, name, fallback))
        if entry is None or entry.media is None:
            raise PromptMissingError(f"the brand {brand} has no audio of {name} in {language}")
        return entry

    def _look(self) -> list[Wanted]:
        """Compare texts and recordings with the cache; return what is to be made."""
        entries: dict[Key, Entry] = {}
        pending: list[Wanted] = []
        for each in wanted.wanted(self._texts, self._recordings_folder, self._identity):
            duration_s = self._cache.duration_s(each.place) if each.source else None
            if duration_s is not None:
                entries[each.key] = self._playable(each, duration_s)
            elif each.source is not None:
                entries[each.key] = _entry(each, each.problem or NOT_MADE)
                pending.append(each)
            else:
                entries[each.key] = _entry(each, each.problem)
        self._entries = entries
        self._durations = {e.media: e.duration_s for e in entries.values() if e.media is not None}
        return pending

    def _identity(self, language: str) -> str:
        """Return what decides how the synthesiser sounds in a language; of one that is missing, what it was."""
        if self._synthesiser is not None:
            return self._synthesiser.identity(language)
        if self._remembered is None:
            self._remembered = self._cache.remembered_identities()
        return self._remembered.get(language, "")

    def _identities(self) -> Mapping[str, str]:
        """Return the identity of the synthesiser for each language, if it is one that shall be remembered."""
        if self._synthesiser is None or not self._synthesiser.intelligible:
            return {}
        languages = {entry.language for entry in self._entries.values()}
        return {each: self._synthesiser.identity(each) for each in languages}

    async def _make_spoken(self, each: Wanted) -> str | None:
        """Make the audio of a text that was composed for a call; return why it could not be made."""
        try:
            workshop = await asyncio.to_thread(self._cache.open_workshop)
        except OSError as error:
            return f"the folder of prompts cannot be written: {error.strerror}"
        try:
            entry = await self._made(each, workshop / SPOKEN)
        finally:
            await asyncio.to_thread(self._cache.close_workshop, workshop)
        return entry.problem

    async def _make_all(
        self, pending: list[Wanted], workshop: Path, made: Callable[[Entry], None] | None
    ) -> None:
        queue = iter(enumerate(pending))

        async def work(queue: Iterator[tuple[int, Wanted]]) -> None:
            for index, each in queue:
                entry = await self._made(each, workshop / str(index))
                self._enter(entry)
                if made is not None:
                    made(entry)

        async with asyncio.TaskGroup() as workers:
            for _ in range(min(PARALLEL, len(pending))):
                workers.create_task(work(queue))

    async def _made(self, each: Wanted, desk: Path) -> Entry:
        """Make one prompt with ``desk`` as the stem of all files on the way, and return it, or why it could not be."""
        try:
            source = each.recording or await self._spoken(each, desk.with_suffix(".speech"))
            await _convert(source, desk)
            await asyncio.to_thread(self._cache.put, desk, each.place)
            duration_s = await asyncio.to_thread(self._cache.duration_s, each.place)
        except (SpeechError, WavError) as error:
            return _not_made(each, str(error))
        except OSError as error:
            return _not_made(each, f"it cannot be written: {error.strerror}")
        if duration_s is None:
            return _not_made(each, "it was gone as soon as it was made")
        return self._playable(each, duration_s)

    async def _spoken(self, each: Wanted, target: Path) -> Path:
        if self._synthesiser is None:
            raise SpeechError(INSTALL)
        await self._synthesiser.speak(each.text or "", each.language, target)
        return target

    def _playable(self, each: Wanted, duration_s: float) -> Entry:
        entry = _entry(each, each.problem)
        return dataclasses.replace(entry, media=self._media_of(each), duration_s=duration_s)

    def _media_of(self, each: Wanted) -> str:
        return f"sound:{self._sounds_path}/{each.place}{self._suffix}"

    def _enter(self, entry: Entry) -> None:
        self._entries[entry.key] = entry
        if entry.media is not None:
            self._durations[entry.media] = entry.duration_s


def _entry(each: Wanted, problem: str | None) -> Entry:
    return Entry(
        brand=each.brand,
        name=each.name,
        language=each.language,
        source=each.source,
        problem=problem,
        flaw=each.flaw,
    )


def _not_made(each: Wanted, why: str) -> Entry:
    """Return a prompt that should have been made; a recording that could not be used is told with it."""
    return _entry(each, why if each.problem is None else f"{each.problem}, but {why}")


async def _convert(source: Path, stem: Path) -> None:
    """Let a child process write the four forms of a prompt; raises ``WavError``."""
    command = (sys.executable, "-P", "-m", "ivrengine.prompts.convert", str(source), str(stem))
    environment = {**os.environ, "PYTHONPATH": _PACKAGES}
    try:
        code, said = await child.run(*command, limit_s=CONVERSION_LIMIT_S, environment=environment)
    except TimeoutError:
        raise WavError(f"converting it took longer than {CONVERSION_LIMIT_S:g} s") from None
    if code != 0:
        raise WavError(said.splitlines()[-1] if said else f"converting it ended with {code}")
