"""The file of missed calls, read from a saved place on and removed when it is read, while Asterisk goes on adding to it.

Asterisk opens the file for each line, appends it, and closes it. It may hold one open when we rename it: so a renamed file is
looked into again, for as long as a line could still come, before it goes.

A file is known by its first line, in which there is the name of a call: whoever renames, copies or restores one, no offset of
another file is ever taken for its own.
"""

import contextlib
import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Final

CURRENT: Final = "missed.log"
READ_OUT: Final = "missed.read-out"
REFUSED: Final = "missed.refused"
STATE: Final = "missed.state"
BATCH_BYTES: Final = 16 * 1024
"""A hundred lines at a time: each is a step of the journal, and the calls have their turn between."""
REFUSED_BYTES_MAX: Final = 1024 * 1024
"""Lines that say nothing to us are kept aside for a person, so many; beyond, they are counted only."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Whole lines of one file, and where they end."""

    file: str
    lines: tuple[bytes, ...]
    end: int


class MissedFile:
    """One folder of missed calls; every method raises ``OSError`` where the disk does not do what it is asked."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def next(self) -> Batch | None:
        """Return the next lines that were not acknowledged, those of a renamed file first; None if there are none."""
        state = self._state()
        for name in (READ_OUT, CURRENT):
            batch = self._batch(name, state)
            if batch is not None:
                return batch
        return None

    def acknowledge(self, batch: Batch) -> None:
        """Keep that these lines need not be told again."""
        key = self._key(batch.file)
        if key is not None:
            self._save({**self._known(self._state()), key: batch.end})

    def put_aside(self, line: bytes) -> bool:
        """Keep a line that says nothing to us; return False if there are too many of them."""
        path = self._folder / REFUSED
        with path.open("ab") as file:
            if file.tell() + len(line) > REFUSED_BYTES_MAX:
                return False
            file.write(line + b"\n")
        return True

    def begin_removal(self) -> bool:
        """Take the current file out of Asterisk's way, if all of it is read; return whether it is so now."""
        current, read_out = self._folder / CURRENT, self._folder / READ_OUT
        key = self._key(CURRENT)
        if self.removing or key is None:
            return False
        if current.stat().st_size != self._state().get(key, 0):
            return False
        current.rename(read_out)
        return True

    @property
    def removing(self) -> bool:
        """Whether a renamed file is still there."""
        return (self._folder / READ_OUT).exists()

    def finish_removal(self) -> bool:
        """Remove the renamed file, if all of it is read; return whether there is none (any more).

        A line that it ends with and that nobody has finished is put aside.
        """
        read_out = self._folder / READ_OUT
        if not self.removing:
            return True
        key = self._key(READ_OUT)
        offset = 0 if key is None else self._state().get(key, 0)
        with read_out.open("rb") as file:
            file.seek(offset)
            rest = file.read(BATCH_BYTES)
        if b"\n" in rest or len(rest) == BATCH_BYTES:
            return False
        if rest:
            self.put_aside(rest)
        read_out.unlink()
        self._save(self._known(self._state()))
        return True

    def _batch(self, name: str, state: dict[str, int]) -> Batch | None:
        key = self._key(name)
        if key is None:
            return None
        with (self._folder / name).open("rb") as file:
            offset = state.get(key, 0)
            file.seek(offset)
            chunk = file.read(BATCH_BYTES)
            end = chunk.rfind(b"\n") + 1
            if not end and len(chunk) == BATCH_BYTES:
                end = len(chunk)  # no line of ours is so long: it is passed over in pieces
        if not end:
            return None  # nothing, or the beginning of a line that is being written
        lines = tuple(chunk[:end].removesuffix(b"\n").split(b"\n"))
        return Batch(file=name, lines=lines, end=offset + end)

    def _key(self, name: str) -> str | None:
        """Return by what a file is known; None if there is none, or it has not one whole line yet."""
        try:
            with (self._folder / name).open("rb") as file:
                first = file.readline(BATCH_BYTES)
        except FileNotFoundError:
            return None
        if not first.endswith(b"\n") and len(first) < BATCH_BYTES:
            return None
        return hashlib.sha256(first).hexdigest()[:32]

    def _known(self, state: dict[str, int]) -> dict[str, int]:
        """Return what the state says of the files there are."""
        there = {self._key(CURRENT), self._key(READ_OUT)}
        return {key: offset for key, offset in state.items() if key in there}

    def _state(self) -> dict[str, int]:
        try:
            kept = json.loads((self._folder / STATE).read_bytes())
            return {str(key): int(offset) for key, offset in kept.items()}
        except (FileNotFoundError, ValueError, AttributeError, TypeError):
            return {}  # told again at most

    def _save(self, state: dict[str, int]) -> None:
        fresh = self._folder / f"{STATE}.new"
        fresh.write_text(json.dumps(state), encoding="ascii")
        fresh.replace(self._folder / STATE)


def unsuitable(folder: Path) -> str | None:
    """Return why a folder cannot be worked in, in the words of the system; None if it can."""
    probe = folder / f"{STATE}.probe"
    try:
        probe.write_bytes(b"")
    except OSError as error:
        return error.strerror or type(error).__name__
    with contextlib.suppress(OSError):
        probe.unlink()
    return None
