"""Which engine writes a journal: the lock of its folder, held for as long as the process lives, and who held it before."""

import asyncio
import contextlib
import dataclasses
import fcntl
import os
import secrets
import string
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

PAST_MAX: Final = 8
"""Engines remembered as gone: one that died before Asterisk knew of it leaves the one before it named there."""
NAME_LETTERS: Final = 8


class JournalError(Exception):
    """The journal cannot be written: nothing may be decided that is not recorded."""


class JournalInUseError(Exception):
    """Another engine writes this journal."""


@dataclasses.dataclass(slots=True, kw_only=True)
class Tenure:
    """The right to write one journal."""

    engine: str
    """The name of this engine: letters, new with each process."""
    past: Sequence[str]
    """The engines that had the journal before, newest first: all are dead, as we have its lock."""
    fd: int

    def close(self) -> None:
        """Let go of the journal."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def take(folder: Path) -> Tenure:
    """Lock the folder for this process; the lock goes with the process, however it dies.

    Raises ``JournalInUseError`` or ``JournalError``.
    """
    fd = _opened(folder)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        raise JournalInUseError(
            f"another engine is running on {folder.parent}; to wait for its end and take over: ivrengine serve --standby"
        ) from None
    return _begun(folder, fd)


async def wait(folder: Path) -> Tenure:
    """Lock the folder for this process as soon as no other has it; raises ``JournalError``."""
    fd = _opened(folder)
    loop = asyncio.get_running_loop()
    locked: asyncio.Future[None] = loop.create_future()
    waits = _Waiting(fd)

    def block() -> None:
        # A thread of its own: those of the loop are waited for at the end, and this one may wait for days.
        if waits.lock():
            with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody waits any more
                loop.call_soon_threadsafe(_tell, locked)

    threading.Thread(target=block, name="standby", daemon=True).start()
    try:
        await locked
    except asyncio.CancelledError:
        waits.give_up()
        raise
    return _begun(folder, fd)


def _tell(locked: asyncio.Future[None]) -> None:
    if not locked.done():
        locked.set_result(None)


class _Waiting:
    """A wait for a lock that cannot be broken off: given up, the lock is let go of in the moment it is got."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._turn = threading.Lock()
        self._given_up = False
        self._locked = False

    def lock(self) -> bool:
        """Wait for the lock; tell whether anybody still wants it."""
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        with self._turn:
            self._locked = True
            if self._given_up:
                os.close(self._fd)
            return not self._given_up

    def give_up(self) -> None:
        """Want it no more."""
        with self._turn:
            self._given_up = True
            if self._locked:
                os.close(self._fd)


def _opened(folder: Path) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise JournalError(
            f"the journal folder {folder} cannot be used: {error.strerror}"
        ) from error


def _begun(folder: Path, fd: int) -> Tenure:
    """Write our name before those of the engines that are gone."""
    engine = "".join(secrets.choice(string.ascii_lowercase) for _ in range(NAME_LETTERS))
    try:
        past = os.pread(fd, 4096, 0).decode("ascii", "replace").split()[:PAST_MAX]
        # In place, as the file is the lock; a name cut short by a full disk is one that nobody bears.
        names = f"{' '.join((engine, *past))}\n".encode()
        os.pwrite(fd, names, 0)
        os.ftruncate(fd, len(names))
    except OSError as error:
        os.close(fd)
        raise JournalError(
            f"the journal folder {folder} cannot be used: {error.strerror}"
        ) from error
    return Tenure(engine=engine, past=past, fd=fd)
