"""The folder of finished prompts, which Asterisk reads too: ``<brand>/<language>/<name>-<hash>``, each in four forms.

Asterisk takes the form that costs least on the channel. Files come into their places whole and are never changed: a call
under way may play them. Those of prompts are never deleted, and an edited text leaves some 300 KB behind; texts that were
composed for one call (``spoken-<hash>``) go when there are many and nobody has used them for hours.
"""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from ivrengine.prompts import audio, convert

WORKSHOP: Final = ".making-"
WORKSHOP_LEFT_S: Final = 3600.0
"""A folder of half-made prompts in which nothing has happened for so long was left by a process that died."""
SPOKEN: Final = "spoken"
"""What stands for the prompt's name where the text was composed for one call."""
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

    def use(self, place: str) -> bool:
        """Tell whether a prompt is there, and mark it as used."""
        if self.duration_s(place) is None:
            return False
        try:
            os.utime(_form(self._folder / place, ".wav"))
        except FileNotFoundError:
            return False
        except PermissionError:
            return True  # somebody else's: they mark it, or clear it away
        return True

    def thin_out(self, most: int, unused_s: float) -> int:
        """Delete the composed texts above ``most`` that were unused the longest; return how many are left.

        Files that came or were used within ``unused_s`` of the newest one stay, however many they are.
        """
        used = sorted(
            (mtime, path)
            for path in self._folder.glob(f"*/*/{SPOKEN}-*.wav")
            if (mtime := _used_at(path)) is not None
        )
        gone = [path for mtime, path in used[:-most] if mtime < used[-1][0] - unused_s]
        for path in gone:
            for suffix in reversed(convert.SUFFIXES):  # the one first that says that all are there
                path.with_suffix(suffix).unlink(missing_ok=True)
        return len(used) - len(gone)

    @contextlib.contextmanager
    def workshop(self) -> Iterator[Path]:
        """Give a folder beside the places to make prompts in, and clear it away; raises ``OSError``."""
        workshop = self.open_workshop()
        try:
            yield workshop
        finally:
            self.close_workshop(workshop)

    def open_workshop(self) -> Path:
        """Return a new folder beside the places to make prompts in; raises ``OSError``."""
        _enterable(self._folder)
        workshop = Path(tempfile.mkdtemp(prefix=WORKSHOP, dir=self._folder))
        self._clear_up_after_the_dead(workshop)
        return workshop

    def close_workshop(self, workshop: Path) -> None:
        """Clear such a folder away."""
        shutil.rmtree(workshop, ignore_errors=True)

    def remembered_identities(self) -> Mapping[str, str]:
        """Return of each language the identity of the synthesiser that made prompts here last."""
        try:
            found = json.loads(self._identity.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def remember_identities(self, identities: Mapping[str, str], workshop: Path) -> None:
        """Note which synthesiser made the prompts, for a start at which it is missing; raises ``OSError``."""
        before = self.remembered_identities()
        if not identities.items() <= before.items():
            written = workshop / self._identity.name
            written.write_text(json.dumps({**before, **identities}), encoding="utf-8")
            written.replace(self._identity)

    def _clear_up_after_the_dead(self, workshop: Path) -> None:
        now = workshop.stat().st_mtime
        for other in self._folder.glob(f"{WORKSHOP}*"):
            with contextlib.suppress(FileNotFoundError):  # another process clears up too
                if now - other.stat().st_mtime > WORKSHOP_LEFT_S:
                    shutil.rmtree(other, ignore_errors=True)


def _form(stem: Path, suffix: str) -> Path:
    return stem.with_name(stem.name + suffix)


def _used_at(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # another process clears up too
        return None


def _enterable(folder: Path) -> None:
    """See that the folder is there and that Asterisk can read what is in it."""
    if not folder.exists():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(ENTERABLE)
