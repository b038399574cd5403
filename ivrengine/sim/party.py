"""What a simulated caller and a rung phone have in common: a line to press keys on, an ear, and an end."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ivrengine.sim.hearing import Ear, Heard

if TYPE_CHECKING:
    from ivrengine.sim.channel import Channel
    from ivrengine.sim.exchange import Exchange

ORIGINATOR: Final = 16
"""Q.850: normal clearing."""


class Receiver:
    """One end of a channel."""

    __slots__ = ("_changed", "cause", "channel", "ear", "exchange", "fallback", "up")

    def __init__(self, exchange: "Exchange") -> None:
        self.exchange = exchange
        self.ear = Ear()
        self.channel: Channel | None = None
        self.up = False
        """Whether the call was answered."""
        self.fallback = False
        """Whether the dialplan's fallback has (or had) the call."""
        self.cause: int | None = None
        """The Q.850 cause of the end; None while the call lasts."""
        self._changed: list[asyncio.Future[None]] = []

    def press(self, digits: str, *, gap_s: float = 0.0) -> None:
        """Press keys, ``gap_s`` apart; on a dead line nothing happens."""
        for index, digit in enumerate(digits):
            if index == 0 or gap_s == 0:
                self._press_one(digit)
            else:
                asyncio.get_running_loop().call_later(index * gap_s, self._press_one, digit)

    def say(self, for_s: float) -> None:
        """Speak from now on for a while; on a dead line nobody hears it."""
        if self.channel is not None:
            now_s = asyncio.get_running_loop().time()
            self.channel.voice.speak(now_s, now_s + for_s)

    def hang_up(self) -> None:
        """Put the receiver down; on a dead line nothing happens."""
        if self.channel is not None:
            self.exchange.end(self.channel, ORIGINATOR)

    async def gone(self) -> int:
        """Wait for the end of the line and return its cause."""
        await self._until(lambda: self.cause is not None)
        assert self.cause is not None
        return self.cause

    async def answered(self) -> None:
        """Wait until the call is answered, or over."""
        await self._until(lambda: self.up or self.cause is not None)

    async def hears(self, prompt: str) -> Heard:
        """Wait until a prompt, music (``music:default``) or a voice (``talk:…``) reaches the ear."""
        found = self.ear.hears(prompt)
        if found is None:
            heard: asyncio.Future[Heard] = asyncio.get_running_loop().create_future()

            def listener(sound: Heard) -> None:
                if sound.until_s is None and sound.names(prompt) and not heard.done():
                    heard.set_result(sound)

            self.ear.listen(listener)
            try:
                found = await heard
            finally:
                self.ear.forget(listener)
        return found

    def picked_up(self) -> None:
        """Note the answer."""
        self.up = True
        self._wake()

    def sent_on(self) -> None:
        """Note that the dialplan's fallback has the call."""
        self.fallback = True
        self._wake()

    def ended(self, cause: int) -> None:
        """Note the end."""
        self.cause = cause
        self._wake()

    def _press_one(self, digit: str) -> None:
        if self.channel is not None:
            self.exchange.pressed(self.channel, digit)

    def _wake(self) -> None:
        changed, self._changed = self._changed, []
        for waiter in changed:
            if not waiter.done():
                waiter.set_result(None)

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._changed.append(waiter)
            await waiter
