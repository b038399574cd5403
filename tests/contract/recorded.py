"""The listener of a world under test: it keeps every event in order and lets a test wait for one."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from ivrengine.core.switching import SwitchEvent

E = TypeVar("E", bound=SwitchEvent)


class Recorded:
    """Records what a switch tells; ``listener`` is what the switch gets."""

    def __init__(self) -> None:
        self.events: list[SwitchEvent] = []
        self._news = asyncio.Event()

    def listener(self, event: SwitchEvent) -> None:
        """Keep the event and wake who waits."""
        self.events.append(event)
        self._news.set()

    async def event(
        self,
        kind: type[E],
        predicate: Callable[[E], bool] = lambda _event: True,
        within_s: float = 15.0,
    ) -> E:
        """Return the first event of that kind that satisfies the predicate, waiting for it if need be."""
        try:
            async with asyncio.timeout(within_s):
                while True:
                    for seen in self.events:
                        if isinstance(seen, kind) and predicate(seen):
                            return seen
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            kinds = [type(event).__name__ for event in self.events]
            raise AssertionError(
                f"no such {kind.__name__} within {within_s} s; seen: {kinds}"
            ) from None
