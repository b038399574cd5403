"""How an engine is to stop: said by those who run it, at any moment until it has."""

import asyncio
from enum import StrEnum


class Then(StrEnum):
    """What becomes of the calls that are still there when an engine ends."""

    FALLBACK = "fallback"
    """They are handed to the dialplan's fallback, where a person is rung."""
    HAND_OVER = "hand_over"
    """They stay as they are, for the engine that starts next on the same journal."""


class Stopping:
    """The wish that an engine stop, which may become more urgent while it does."""

    def __init__(self, then: Then = Then.FALLBACK) -> None:
        self.then = then
        self.asked = asyncio.Event()
        self.hurried = asyncio.Event()

    def ask(self) -> None:
        """Let the engine stop when the calls in progress have ended or their time is over; asked again, at once."""
        if self.asked.is_set():
            self.hurried.set()
        self.asked.set()

    def hand_over(self) -> None:
        """Let the engine stop at once and leave all calls to the next."""
        self.then = Then.HAND_OVER
        self.hurried.set()
        self.asked.set()
