"""The table ``speech`` of the settings: which synthesiser speaks, and with which voices."""

import re
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, model_validator

from ivrengine.settings.table import Table, expected

_LANGUAGE: Final = re.compile(r"[a-z]{2}")
_PLACEHOLDERS: Final = ("text", "language", "voice", "file")
_PLACEHOLDER: Final = re.compile(r"\{([a-z_]*)\}")


def _command(words: tuple[str, ...]) -> tuple[str, ...]:
    if not words or not words[0] or not all(word.isprintable() for word in words):
        raise expected('a program and its words, such as ["piper", "-f", "{file}"]')
    unknown = [found for word in words for found in _PLACEHOLDER.findall(word)]
    unknown = [found for found in unknown if found not in _PLACEHOLDERS]
    if unknown:
        known = ", ".join(f"{{{name}}}" for name in _PLACEHOLDERS)
        raise expected(f"none but {known} in braces, found `{{{unknown[0]}}}`")
    if not _has(words, "{file}"):
        raise expected("the file that it writes among its words, as `{file}`")
    return words


def _has(words: tuple[str, ...], placeholder: str) -> bool:
    return any(placeholder in word for word in words)


def _language(value: str) -> str:
    if not _LANGUAGE.fullmatch(value):
        raise expected("a language by its two small letters, such as tr")
    return value


def _voice(value: str) -> str:
    if not value or not value.isprintable() or value.startswith("-"):
        raise expected("the name of a voice")
    return value


class Speech(Table):
    """What speaks the prompts that nobody has recorded: espeak-ng, unless a command is named."""

    command: Annotated[tuple[str, ...], AfterValidator(_command)] | None = None
    """A program and its words: ``{file}`` is the WAV file that it writes, ``{text}`` what it says, which it reads from its
    standard input if it is not among them, ``{language}`` the text's language, and ``{voice}`` the voice for it."""
    voices: dict[
        Annotated[str, AfterValidator(_language)], Annotated[str, AfterValidator(_voice)]
    ] = Field(default_factory=dict, max_length=64)
    """A voice for each language; espeak-ng takes its own for a language that is not there."""
    limit_s: float = Field(default=20.0, gt=0, le=300)
    """For one prompt; what a call needs at once has five seconds in all cases."""

    @model_validator(mode="after")
    def _voices_are_used(self) -> Self:
        if self.command is not None and self.voices and not _has(self.command, "{voice}"):
            raise expected("`{voice}` in the command, for which there are voices", "command")
        return self
