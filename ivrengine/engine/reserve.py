"""Disk space kept for the journal of the calls in progress: when the disk is full, it is given up and they can end in it."""

import contextlib
import os
from pathlib import Path
from typing import Final

RESERVE_BYTES: Final = 32 * 1024 * 1024
"""2,000 calls in progress, each with 10 steps of 1 to 1.5 kB to go."""


class Reserve:
    """A file that only takes up room."""

    def __init__(self, path: Path, size: int) -> None:
        """Take the room now, if there is as much."""
        self._path = path
        self._size = size
        self._held = False
        self.take()

    def take(self) -> bool:
        """Tell whether the reserve is there, having tried to take it anew if it is not; costs nothing while it is."""
        if not self._held:
            self._held = self._taken()
        return self._held

    def _taken(self) -> bool:
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
        try:
            fd = os.open(self._path, flags, 0o600)
        except OSError:
            return False
        try:
            if self._size:
                os.posix_fallocate(fd, 0, self._size)
        except OSError:
            self._drop()
            return False
        finally:
            os.close(fd)
        return True

    def give_up(self) -> bool:
        """Give the room back to the disk; tell whether there was any to give."""
        held, self._held = self._held, False
        self._drop()
        return held

    def _drop(self) -> None:
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
