"""A small library for the tests, and what it leaves on the disk."""

from pathlib import Path

from ivrengine.core.ids import BrandId
from ivrengine.prompts.library import Entry, Library
from ivrengine.prompts.speech import Synthesiser
from ivrengine.prompts.wanted import Texts

SUN, MOON = BrandId("guneskent"), BrandId("aykent")
TEXTS: Texts = {
    SUN: {
        "welcome": {"tr": "Güneşkent'e hoş geldiniz.", "en": "Welcome."},
        "menu": {"tr": "Aidat için bire basın."},
    },
    MOON: {"welcome": {"tr": "Aykent'e hoş geldiniz."}},
}


def library(
    cache: Path,
    voice: Synthesiser | None,
    texts: Texts = TEXTS,
    recordings: Path = Path("none"),
    sounds_path: str | None = None,
) -> Library:
    return Library(texts, recordings, cache, voice, sounds_path=sounds_path)


def only(text: str) -> Texts:
    return {SUN: {"welcome": {"tr": text}}}


def finished(cache: Path) -> list[Path]:
    """Return all finished files."""
    return sorted(p for p in cache.glob("*/*/*") if not p.parts[-3].startswith("."))


def in_folder(folder: Path) -> list[Path]:
    return list(folder.glob("*"))


def half_made(cache: Path) -> list[Path]:
    return list(cache.glob(".making-*"))


def sole(entries: tuple[Entry, ...]) -> Entry:
    (entry,) = entries
    return entry
