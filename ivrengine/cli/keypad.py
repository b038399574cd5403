"""How a person in a terminal presses the keys of a telephone: one by one at a terminal, by lines elsewhere."""

import asyncio
import contextlib
import os
import signal
import termios
import tty
from collections.abc import Callable, Iterator
from typing import Final, Protocol

HANG_UP: Final = "h"
END_OF_INPUT: Final = "\x04"
"""Ctrl-D, as a terminal in raw mode gives it."""
READ_MAX: Final = 1024
_ENDS: Final = (signal.SIGINT, signal.SIGTERM)


class Typing(Protocol):
    """Where keys come from."""

    def attach(self, typed: Callable[[str], None]) -> None:
        """Begin: call ``typed`` with each key."""
        ...

    def detach(self) -> None:
        """Stop listening."""
        ...

    def asked(self) -> None:
        """Learn that the flow, or a phone, waits for the person now."""
        ...


class Keys:
    """A terminal in raw mode: a key is pressed when it is pressed."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def attach(self, typed: Callable[[str], None]) -> None:
        """Begin to listen; Ctrl-C and SIGTERM hang up, too, so that the terminal is left as it was."""
        loop = asyncio.get_running_loop()

        def readable() -> None:
            for key in self._read():
                typed(key)

        loop.add_reader(self._fd, readable)
        for number in _ENDS:
            loop.add_signal_handler(number, typed, HANG_UP)

    def detach(self) -> None:
        """Stop listening."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._fd)
        for number in _ENDS:
            loop.remove_signal_handler(number)

    def _read(self) -> str:
        try:
            read = os.read(self._fd, READ_MAX).decode(errors="replace")
        except OSError:  # the terminal is gone
            read = ""
        return read.lower().replace(END_OF_INPUT, HANG_UP) or HANG_UP

    def asked(self) -> None:
        """Do nothing: keys come when they come."""


class Lines:
    """Anything else: a line is read when an answer is waited for, and time stands still meanwhile.

    Each of the line's letters is a key; an empty line lets the question pass, the end of the input hangs up.
    """

    def __init__(self, readline: Callable[[], str]) -> None:
        self._readline = readline
        self._typed: Callable[[str], None] | None = None

    def attach(self, typed: Callable[[str], None]) -> None:
        """Begin to read when asked."""
        self._typed = typed

    def detach(self) -> None:
        """Read no more."""
        self._typed = None

    def asked(self) -> None:
        """Read a line and press its keys."""
        if self._typed is None:
            return
        line = self._readline()
        for key in line.strip().lower() if line else HANG_UP:
            self._typed(key)


@contextlib.contextmanager
def raw(fd: int) -> Iterator[None]:
    """Let a terminal give each key at once and not show it; Ctrl-C stays what it is."""
    before = termios.tcgetattr(fd)
    tty.setcbreak(fd)
    try:
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)
