"""The folder of finished prompts, which Asterisk reads too: ``<brand>/<language>/<name>-<hash>``, each in three forms.

Asterisk takes the form that costs least on the channel. Files come into their places whole and are never changed or
deleted: a call under way may play them, and an edited text leaves some 100 KB behind.
"""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ivrengine.prompts import audio, convert

WORKSHOP: Final = ".making-"
WORKSHOP_LEFT_S: Final = 3600.0
"""A folder of half-made prompts in which nothing has happened for so long was left by a process that died."""
READABLE: Final = 0o644
"""Asterisk runs as another user."""
ENTERABLE: Final = 0o755


class Cache:
    """Finished prompts by their place, ``<brand>/<language>/<name>-<hash>``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._identity = folder / ".synthesiser"

    def duration_s(self, place: str) -> float | None:
        """Return how long the prompt at a place lasts; None if it is not there in every form and whole."""
        if not all(_form(self._folder / place, suffix).exists() for suffix in convert.SUFFIXES):
            return None
        return audio.duration_s(_form(self._folder / place, ".wav"))

    def put(self, made: Path, place: str) -> None:
        """Move the forms of a prompt to its place, each whole; the WAV file comes last. Raises ``OSError``."""
        stem = self._folder / place
        for folder in (stem.parent.parent, stem.parent):
            _enterable(folder)
        for suffix in convert.SUFFIXES:
            form = _form(made, suffix)
            form.chmod(READABLE)
            form.replace(_form(stem, suffix))

    @contextlib.contextmanager
    def workshop(self) -> Iterator[Path]:
        """Give a folder beside the places to make prompts in, and clear it away; raises ``OSError``."""
        _enterable(self._folder)
        workshop = Path(tempfile.mkdtemp(prefix=WORKSHOP, dir=self._folder))
        try:
            self._clear_up_after_the_dead(workshop)
            yield workshop
        finally:
            shutil.rmtree(workshop, ignore_errors=True)

    def remembered_identity(self) -> str:
        """Return the identity of the synthesiser that made prompts here last; empty if none did."""
        try:
            return self._identity.read_text(encoding="utf-8")
        except OSError:
            return ""

    def remember_identity(self, identity: str, workshop: Path) -> None:
        """Note which synthesiser made the prompts, for a start at which it is missing; raises ``OSError``."""
        if identity != self.remembered_identity():
            written = workshop / self._identity.name
            written.write_text(identity, encoding="utf-8")
            written.replace(self._identity)

    def _clear_up_after_the_dead(self, workshop: Path) -> None:
        now = workshop.stat().st_mtime
        for other in self._folder.glob(f"{WORKSHOP}*"):
            with contextlib.suppress(FileNotFoundError):  # another process clears up too
                if now - other.stat().st_mtime > WORKSHOP_LEFT_S:
                    shutil.rmtree(other, ignore_errors=True)


def _form(stem: Path, suffix: str) -> Path:
    return stem.with_name(stem.name + suffix)


def _enterable(folder: Path) -> None:
    """See that the folder is there and that Asterisk can read what is in it."""
    if not folder.exists():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(ENTERABLE)
