"""Releases on the engine's own disk, so that it starts with the last active one while the store is away."""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from ivrengine.flow.release import ReleaseError, files, hash_of, place
from ivrengine.following.edition import Mark

KEPT: Final = 3
"""The active release, the one before it, and one that is just being fetched."""
_ACTIVE: Final = "active.json"
_CHUNK_BYTES: Final = 1024**2

Fetch = Callable[[str], AsyncIterator[bytes]]
"""Yields the content that has a digest, piece by piece."""


class LocalError(Exception):
    """The folder of local copies cannot be written."""


class Local:
    """A folder with a folder for each release; what is in one of them is whole, or is not used."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def active(self) -> Mark | None:
        """Return what was last noted to be in service; None if nothing was, or it is not to be read."""
        try:
            noted = json.loads((self._folder / _ACTIVE).read_text(encoding="utf-8"))
            return Mark(number=int(noted["number"]), release_hash=str(noted["release"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def note_active(self, mark: Mark) -> None:
        """Note what is in service, and clear away what is not needed any more; raises ``LocalError``."""
        fresh = self._folder / f"{_ACTIVE}.{os.getpid()}"
        noted = {"number": mark.number, "release": mark.release_hash}
        with _writing(fresh):
            with fresh.open("w", encoding="utf-8") as file:
                json.dump(noted, file)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._folder / _ACTIVE)
            self._clear(mark)

    def folder_of(self, release_hash: str) -> Path:
        """Return where a release lies, or would lie."""
        return self._folder / release_hash

    def has(self, release_hash: str) -> bool:
        """Tell whether a release is there, every file as it was; reads them all."""
        folder = self.folder_of(release_hash)
        try:
            found = {path.relative_to(folder).as_posix(): _digest(path) for path in files(folder)}
        except OSError:
            return False
        return hash_of(found) == release_hash

    async def put(self, release_hash: str, wanted: Mapping[str, str], fetch: Fetch) -> None:
        """Fetch a release's files (path and digest of each) and have them whole.

        Raises ``ReleaseError``, ``LocalError``, and whatever ``fetch`` raises.
        """
        desk = self._folder / f"{release_hash}.{os.getpid()}"
        shutil.rmtree(desk, ignore_errors=True)
        try:
            with _writing(desk):
                desk.mkdir(parents=True)
            for path, digest in wanted.items():
                await _fetch(place(desk, path), digest, fetch)
            target = self.folder_of(release_hash)
            shutil.rmtree(target, ignore_errors=True)
            with _writing(target):
                desk.rename(target)
        finally:
            shutil.rmtree(desk, ignore_errors=True)

    def _clear(self, mark: Mark) -> None:
        """Remove all but the releases last used; whoever is on one that is removed has read it by now."""
        os.utime(self.folder_of(mark.release_hash))
        found = [path for path in self._folder.iterdir() if path.is_dir()]
        found.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        for old in found[KEPT:]:
            shutil.rmtree(old, ignore_errors=True)


async def _fetch(target: Path, digest: str, fetch: Fetch) -> None:
    seen = hashlib.sha256()
    _append(target, b"")  # an empty file has no piece
    async for piece in fetch(digest):
        seen.update(piece)
        _append(target, piece)
    if seen.hexdigest() != digest:
        raise ReleaseError(f"the store has lost the file {target.name} of a release")


def _append(target: Path, piece: bytes) -> None:
    with _writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("ab") as file:
            file.write(piece)


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LocalError(f"{path} cannot be written: {error.strerror}") from error


def _digest(path: Path) -> str:
    seen = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_CHUNK_BYTES):
            seen.update(piece)
    return seen.hexdigest()
