"""How an engine is to stop: said by those who run it, at any moment until it has."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Final

from ivrengine.core import ids
from ivrengine.core.ids import ChannelId, NodeName
from ivrengine.core.switching import RequestRefusedError
from ivrengine.engine.switch import Switch

LEFT_WITHIN_S: Final = 0.3
"""For asking for the music of those who are left to the next engine: a hand-over takes well under a second."""
LEFT_MUSIC: Final = "default"


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

    def hurry(self) -> None:
        """Let the engine stop at once."""
        self.asked.set()
        self.hurried.set()

    def hand_over(self) -> None:
        """Let the engine stop at once and leave all calls to the next."""
        self.then = Then.HAND_OVER
        self.hurry()


async def play_music(
    channel_ids: Iterable[ChannelId], switch_of: Callable[[NodeName], Switch]
) -> None:
    """Let callers have music until the next engine is there, as far as there is time to ask for it."""

    async def ask(channel_id: ChannelId) -> None:
        with contextlib.suppress(RequestRefusedError):  # then it is silence, for a second
            await switch_of(ids.node_of(channel_id)).start_music(channel_id, LEFT_MUSIC)

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LEFT_WITHIN_S):
            await asyncio.gather(*map(ask, channel_ids))


async def is_set(
    event: asyncio.Event, within_s: float, *, unless: asyncio.Event | None = None
) -> bool:
    """Tell whether something has come to pass in time; ``unless`` ends the wait."""
    waits = [asyncio.ensure_future(each.wait()) for each in (event, unless) if each is not None]
    try:
        await asyncio.wait(waits, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waits:
            each.cancel()
    return event.is_set()
