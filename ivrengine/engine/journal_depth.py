"""How much of a journal is not in the store yet: looked up on disk when somebody asks, so that it costs a call nothing."""

import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from ivrengine.core.rows import Position
from ivrengine.engine import lines
from ivrengine.engine.journal_reading import segment_name, segments

LOOK_BYTES: Final = 1024 * 1024
"""What one look reads at most: 700 rows, a millisecond; of more, the number of rows is reckoned from these."""


class Depth:
    """Looks at what lies behind a position of a journal; safe to be asked by another thread than the engine's."""

    def __init__(self, folder: Path, acknowledged: Callable[[], Position]) -> None:
        """Look behind ``acknowledged``: everything before it is in the store."""
        self._folder = folder
        self._acknowledged = acknowledged

    def size_bytes(self) -> int:
        """Return how many bytes are not in the store."""
        return sum(length for _, _, length in self._parts())

    def rows(self) -> int:
        """Return about how many rows are not in the store; exactly, while they are few."""
        counted = read = 0
        for chunk in self._beginning():
            counted += chunk.count(b"\n")
            read += len(chunk)
        return round(counted * self.size_bytes() / read) if read else 0

    def oldest_at(self) -> datetime | None:
        """Return the instant of the oldest row that is not in the store; None if there is none, or none within the look."""
        rest = b""
        for chunk in self._beginning():
            *whole, rest = (rest + chunk).split(b"\n")
            for raw in whole:
                at = _instant(raw)
                if at is not None:
                    return at
        return None

    def _parts(self) -> Iterator[tuple[Path, int, int]]:
        """Yield the files behind the position, each with where to begin and how much there is."""
        segment, offset = self._acknowledged()
        try:
            numbers = segments(self._folder)
        except OSError:  # the folder is gone: there is nothing to tell of it
            return
        for number in numbers:
            path = self._folder / segment_name(number)
            begin = offset if number == segment else 0
            length = _size(path) - begin
            if number >= segment and length > 0:
                yield path, begin, length

    def _beginning(self) -> Iterator[bytes]:
        left = LOOK_BYTES
        for path, begin, length in self._parts():
            chunk = _read(path, begin, min(left, length))
            yield chunk
            left -= len(chunk)
            if left <= 0:
                return


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # shipped and dropped meanwhile
        return 0


def _read(path: Path, begin: int, length: int) -> bytes:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return b""
    try:
        return os.pread(fd, length, begin)
    finally:
        os.close(fd)


def _instant(raw: bytes) -> datetime | None:
    try:
        line = lines.read(raw)
    except lines.TornLineError:
        return None
    match line:
        case lines.Step() | lines.Opened():
            return line.at
        case lines.Number():
            return line.sealed_at
        case lines.FlowText():
            return line.loaded_at
        case (
            lines.OpenCall() | lines.GivenUp() | lines.Missed()
        ):  # what was missed is older than its line
            return None
