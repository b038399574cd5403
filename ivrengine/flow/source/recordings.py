"""The folder of recordings beside the prompts: ``<brand>/<language>/<prompt>.wav``, each judged before a caller hears it."""

import dataclasses
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ivrengine.core.ids import BrandId
from ivrengine.flow.problems import BEGINNING, Code, Problem, problem
from ivrengine.flow.source import wav

SUFFIX: Final = ".wav"
_OTHER_SOUNDS: Final = frozenset(
    {".aac", ".aif", ".aiff", ".alaw", ".flac", ".g722", ".gsm", ".m4a", ".mp3", ".ogg", ".opus"}
    | {".raw", ".sln", ".sln16", ".ulaw", ".wav16", ".wma"}
)
"""What people and programs call other files of sound; anything else in the folder is nobody's mistake."""
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
_LANGUAGE: Final = re.compile(r"[a-z]{2}")
_DEPTH: Final = 3
"""Brand, language, file."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A file that is a prompt in one language by its place."""

    brand: BrandId
    language: str
    name: str
    path: Path


def find(folder: Path) -> tuple[list[Recording], list[Problem]]:
    """Return the recordings, in order, and what lies where no prompt is looked for; opens no file."""
    there: list[Recording] = []
    misplaced: list[Problem] = []
    for path in _sounds(folder):
        why = _misplaced(path.relative_to(folder).parts, path)
        if why is None:
            brand, language, _ = path.relative_to(folder).parts
            each = Recording(brand=BrandId(brand), language=language, name=path.stem, path=path)
            there.append(each)
        else:
            misplaced.append(problem(str(path), BEGINNING, Code.RECORDING_MISPLACED, why))
    return there, misplaced


def judged(recording: Recording, *, is_spoken: bool) -> Iterator[Problem]:
    """Yield what is wrong with a recording; ``is_spoken``: there is a text that is spoken where it cannot be used."""
    file, named = str(recording.path), f"of prompt `{recording.name}` in `{recording.language}`"
    try:
        flaw = wav.flaw(wav.read(recording.path))
    except wav.WavError as error:
        instead = "its text is spoken" if is_spoken else "there is no text to speak instead"
        sentence = f"the recording {named} cannot be used: {error}; {instead}"
        yield problem(file, BEGINNING, Code.RECORDING_UNUSABLE, sentence)
        return
    if flaw is not None:
        sentence = f"the recording {named} sounds bad: {flaw}"
        yield problem(file, BEGINNING, Code.RECORDING_FLAWED, sentence)


def misnamed(name: str, language: str) -> str | None:
    """Return why no flow can mean a file of this name in the folder of this language; None if one can."""
    if not _NAME.fullmatch(name):
        return (
            "expected a prompt's name, of small letters, digits, - and _, beginning with a letter"
        )
    if not _LANGUAGE.fullmatch(language):
        return "expected its folder to be a language of two letters, such as tr"
    return None


def _sounds(folder: Path) -> Iterator[Path]:
    """Yield the files of sound; what begins with a dot and links to folders are left alone."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(parent, name)
            is_sound = path.suffix.lower() in {SUFFIX, *_OTHER_SOUNDS}
            if is_sound and not name.startswith("."):
                yield path


def _misplaced(parts: tuple[str, ...], path: Path) -> str | None:
    if path.suffix != SUFFIX:
        return f"expected a recording as a WAV file, `{path.stem}{SUFFIX}`, found `{path.name}`"
    if len(parts) != _DEPTH:
        return "expected a recording in the folder of its brand and language, <brand>/<language>/<prompt>.wav"
    return misnamed(path.stem, parts[1])
