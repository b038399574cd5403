"""Cuts what an AMI socket brings into messages, with a bound on what one of them may cost.

Bytes are read as latin-1, in which every byte is a letter: however TCP cuts the stream, no letter is lost between two
pieces. What the values mean as UTF-8 is found out once a message is whole (``ami.py``).
"""

import dataclasses
from typing import Final

MESSAGE_BYTES_MAX: Final = 64 * 1024
"""Asterisk's largest events have a few kilobytes (a channel twice, and its variables); the rest is an attack or a bug."""
_END: Final = b"\r\n\r\n"
_OVERLAP: Final = len(_END) - 1
"""So much of an end may have come already."""


@dataclasses.dataclass(frozen=True, slots=True)
class TooLong:
    """A message was longer than any that Asterisk sends; its bytes are passed over as they come, and not kept."""


class Frames:
    """The messages of one connection; holds at most one unfinished message of the greatest length."""

    def __init__(self, bytes_max: int = MESSAGE_BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._held = bytearray()
        self._skipping = False

    def feed(self, data: bytes) -> list[str | TooLong]:
        """Take the next bytes; return each message that they complete, without its end, and a word for one passed over."""
        found: list[str | TooLong] = []
        begin = max(0, len(self._held) - _OVERLAP)
        self._held += data
        done = 0
        while (end := self._held.find(_END, max(begin, done))) >= 0:
            if not self._skipping:
                fits = end - done <= self._bytes_max
                found.append(self._held[done:end].decode("latin-1") if fits else TooLong())
            self._skipping = False
            done = end + len(_END)
        del self._held[:done]
        if len(self._held) > self._bytes_max + _OVERLAP and not self._skipping:
            self._skipping = True
            found.append(TooLong())
        if self._skipping:
            del self._held[:-_OVERLAP]
        return found
