"""A release: a folder of flows as a whole, as it was at one time, named by the hash of all that is in it.

Flows, prompts, routing, schedules and scripted calls hang together; so they are put into service and taken back together.
"""

import dataclasses
import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from ivrengine.flow.source.folder_files import SUFFIXES

FILES_MAX: Final = 20_000
BYTES_MAX: Final = 256 * 1024**2
"""Recordings are nearly all of it: an hour of them in a studio's quality. All of it is held in memory by who stores it."""
RECORDING: Final = ".wav"
SHORT: Final = 12
"""Letters of a hash that people are shown: 48 bits, so that no two releases of anybody begin with the same."""


class ReleaseError(Exception):
    """A folder that cannot be taken as a release, or files that cannot be put into one."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """The files of a folder; nothing else of it matters."""

    contents: Mapping[str, bytes]
    """By their paths within the folder, with ``/`` between the parts."""

    @property
    def hash(self) -> str:
        """What names it."""
        return hash_of({path: digest(content) for path, content in self.contents.items()})


def digest(content: bytes) -> str:
    """Return the hex SHA-256 of a file's content."""
    return hashlib.sha256(content).hexdigest()


def hash_of(files: Mapping[str, str]) -> str:
    """Return the hex SHA-256 over paths and digests: two folders with the same files are the same release."""
    whole = hashlib.sha256()
    for path, found in sorted(files.items()):
        whole.update(f"{path}\0{found}\n".encode())
    return whole.hexdigest()


def read(folder: Path) -> Release:
    """Return the folder's YAML files and recordings; raises ``ReleaseError`` if one cannot be read, or there are too many.

    What begins with a dot, and links to folders, are left out, as they are when flows are loaded.
    """
    contents: dict[str, bytes] = {}
    size = 0
    for path in files(folder):
        try:
            size += path.stat().st_size  # before it is read: a file may be larger than our memory
            if len(contents) == FILES_MAX or size > BYTES_MAX:
                most = f"{FILES_MAX} files and {BYTES_MAX // 1024**2} MiB"
                raise ReleaseError(f"expected at most {most} in {folder}, found more")
            contents[path.relative_to(folder).as_posix()] = path.read_bytes()
        except OSError as error:
            raise ReleaseError(f"{path} cannot be read: {error.strerror}") from None
    return Release(contents=contents)


def files(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder that belong to a release, in order."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and not Path(parent, name).is_symlink()
        )
        for name in sorted(names):
            path = Path(parent, name)
            is_ours = path.suffix in SUFFIXES or path.suffix == RECORDING
            if is_ours and not name.startswith(".") and path.is_file():
                yield path


def write(release: Release, folder: Path) -> None:
    """Write the files into a folder; raises ``ReleaseError`` for a path that leads out of it, or ``OSError``."""
    for path, content in release.contents.items():
        target = place(folder, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def place(folder: Path, path: str) -> Path:
    """Return where a release's file lies in a folder; raises ``ReleaseError`` if that would be elsewhere."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\0" in path:
        raise ReleaseError(f"a release cannot hold a file {path!r}")
    return folder.joinpath(*parts)
