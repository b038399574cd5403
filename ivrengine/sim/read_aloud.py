"""Prompts as somebody would read them aloud: a simulated switch needs no audio, only names, texts and lengths."""

import dataclasses
from collections.abc import Mapping
from typing import Final

from ivrengine.core.ids import BrandId
from ivrengine.prompts.library import PromptMissingError

LETTERS_PER_S: Final = 15.0
"""A calm voice."""
BREATH_S: Final = 0.6
"""Before each prompt; also what an empty one lasts."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """One prompt in one language."""

    name: str
    language: str
    text: str

    @property
    def duration_s(self) -> float:
        """How long it takes to read it."""
        return BREATH_S + len(self.text) / LETTERS_PER_S


class ReadAloud:
    """The prompts of all brands; what ``Library`` is to a real switch."""

    def __init__(self, prompts: Mapping[BrandId, Mapping[str, Mapping[str, str]]]) -> None:
        """Take the texts by brand, name and language."""
        self._spoken: dict[str, Spoken] = {
            _media(brand, name, language): Spoken(name=name, language=language, text=text)
            for brand, names in prompts.items()
            for name, texts in names.items()
            for language, text in texts.items()
        }

    def media(
        self, brand: BrandId, name: str, language: str, *, fallback: str | None = None
    ) -> str:
        """Return what the switch is told to play; raises ``PromptMissingError``."""
        for known in (language, fallback):
            if known is not None and (media := _media(brand, name, known)) in self._spoken:
                return media
        raise PromptMissingError(f"the brand {brand} has no text of {name} in {language}")

    def duration_s(self, media: str) -> float | None:
        """Return how long a medium lasts; None if it does not exist."""
        spoken = self._spoken.get(media)
        return None if spoken is None else spoken.duration_s

    def spoken(self, media: str) -> Spoken | None:
        """Return the prompt behind a medium; None for anything else (music, a voice)."""
        return self._spoken.get(media)


def _media(brand: str, name: str, language: str) -> str:
    return f"sound:{brand}/{language}/{name}"
