"""Synthesisers for the tests."""

import dataclasses
from pathlib import Path

from ivrengine.prompts.speech import SpeechError, Tones


@dataclasses.dataclass
class Voice:
    """Speaks in tones and remembers what it was asked to say; ``mute`` are texts that it cannot say."""

    called: str = "voice 1"
    intelligible: bool = True
    mute: frozenset[str] = frozenset()
    said: list[tuple[str, str]] = dataclasses.field(default_factory=list)

    def identity(self, language: str) -> str:
        del language
        return self.called

    async def speak(self, text: str, language: str, target: Path) -> None:
        self.said.append((language, text))
        if text in self.mute:
            raise SpeechError("the voice is hoarse")
        await Tones(second_per_character=0.02).speak(text, language, target)
