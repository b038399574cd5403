"""Prompts as somebody would read them aloud: a simulated switch needs no audio, only names, texts and lengths."""

import contextlib
import dataclasses
import wave
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from ivrengine.core import effects
from ivrengine.core.ids import BrandId
from ivrengine.prompts.library import PromptMissingError

UNWRITTEN: Final = "(a recording whose text nobody wrote down)"
LETTERS_PER_S: Final = 15.0
"""A calm voice."""
BREATH_S: Final = 0.6
"""Before each prompt; also what an empty one lasts."""


COMPOSED_NAME: Final = "says"
"""What words are called that no prompt gave."""
_COMPOSED: Final = "sound:spoken:"
"""A kind of medium that the exchange plays."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """One prompt in one language."""

    name: str
    language: str
    text: str
    recorded_s: float | None = None
    """How long its recording lasts, if there is one."""

    @property
    def duration_s(self) -> float:
        """How long it is heard."""
        return self.recorded_s or BREATH_S + len(self.text) / LETTERS_PER_S


class ReadAloud:
    """The prompts of all brands; what ``Library`` is to a real switch."""

    def __init__(
        self,
        prompts: Mapping[BrandId, Mapping[str, Mapping[str, str]]],
        recordings: Path | None = None,
    ) -> None:
        """Take the texts by brand, name and language, and what is in the folder of recordings."""
        self._spoken: dict[str, Spoken] = {
            _media(brand, name, language): Spoken(name=name, language=language, text=text)
            for brand, names in prompts.items()
            for name, texts in names.items()
            for language, text in texts.items()
        }
        for media, recorded in _recordings(recordings):
            text = self._spoken[media].text if media in self._spoken else recorded.text
            self._spoken[media] = dataclasses.replace(recorded, text=text)

    def media(
        self, brand: BrandId, name: str, language: str, *, fallback: str | None = None
    ) -> str:
        """Return what the switch is told to play; raises ``PromptMissingError``."""
        for known in (language, fallback):
            if known is not None and (media := _media(brand, name, known)) in self._spoken:
                return media
        raise PromptMissingError(f"the brand {brand} has no text of {name} in {language}")

    async def speech(self, brand: BrandId, spoken: effects.Spoken, language: str) -> str:
        """Return what the switch is told to play of words that were composed for a call: they are all in it."""
        return f"{_COMPOSED}{language}:{spoken.prompt or COMPOSED_NAME}:{spoken.text}"

    def duration_s(self, media: str) -> float | None:
        """Return how long a medium lasts; None if it does not exist."""
        spoken = self.spoken(media)
        return None if spoken is None else spoken.duration_s

    def spoken(self, media: str) -> Spoken | None:
        """Return the prompt or the composed words behind a medium; None for anything else (music, a voice)."""
        if not media.startswith(_COMPOSED):
            return self._spoken.get(media)
        language, name, text = media.removeprefix(_COMPOSED).split(":", maxsplit=2)
        return Spoken(name=name, language=language, text=text)


def _recordings(folder: Path | None) -> Iterator[tuple[str, Spoken]]:
    """Yield what ``<brand>/<language>/<name>.wav`` holds."""
    for path in sorted(folder.glob("*/*/*.wav")) if folder else ():
        brand, language = path.parts[-3:-1]
        recorded_s = None
        with contextlib.suppress(wave.Error, EOFError, OSError), wave.open(str(path)) as sound:
            recorded_s = sound.getnframes() / sound.getframerate()
        spoken = Spoken(name=path.stem, language=language, text=UNWRITTEN, recorded_s=recorded_s)
        yield _media(brand, path.stem, language), spoken


def _media(brand: str, name: str, language: str) -> str:
    return f"sound:{brand}/{language}/{name}"
