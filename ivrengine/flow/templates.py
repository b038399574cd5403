"""Prompts with parameters: their texts in pieces, and the sentence that comes of them when a call gives the values."""

import dataclasses
import re
from collections.abc import Mapping
from datetime import tzinfo
from typing import Final

from ivrengine.flow.spoken.grammar import UnspeakableError
from ivrengine.flow.spoken.words import Kind, Speakable, words

SENTENCE_MAX: Final = 4_000
"""Characters that are spoken in one go, as of any prompt: five minutes."""
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """As what the value of a parameter is said."""

    kind: Kind
    currency: str = ""
    weekday: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A prompt with parameters."""

    parameters: Mapping[str, Parameter]
    pieces: Mapping[str, tuple[str, ...]]
    """For each language its text: what stands there as it is, a parameter's name, and so on in turn."""

    def sentence(self, language: str, values: Mapping[str, Speakable], zone: tzinfo | None) -> str:
        """Return the text with the values filled in; raises ``UnspeakableError``."""
        if language not in self.pieces or values.keys() != self.parameters.keys():
            raise UnspeakableError("not what the prompt needs")
        said = [
            self._words(piece, values, language, zone) if index % 2 else piece
            for index, piece in enumerate(self.pieces[language])
        ]
        return sentence("".join(said))

    def _words(
        self, name: str, values: Mapping[str, Speakable], language: str, zone: tzinfo | None
    ) -> str:
        known = self.parameters[name]
        return words(
            known.kind,
            values[name],
            language,
            currency=known.currency,
            weekday=known.weekday,
            zone=zone,
        )


def sentence(text: str) -> str:
    """Return what is spoken in one go, with single spaces; raises ``UnspeakableError`` if it is too long."""
    said = " ".join(text.split())
    if len(said) > SENTENCE_MAX:
        raise UnspeakableError("too long")
    return said


def pieces(text: str) -> tuple[str, ...]:
    """Return a text in pieces: every second one is what stands in braces."""
    return tuple(_PLACEHOLDER.split(text))
