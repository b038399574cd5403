"""Words that were composed for one call, made audible while its caller waits: once for each text, and kept for others."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

from ivrengine.prompts.cache import Cache
from ivrengine.prompts.wanted import Wanted

LIMIT_S: Final = 5.0
"""The caller waits in silence; a sentence takes half a second, and what takes ten times as long is given up."""
PARALLEL: Final = 2
"""Texts made at once while calls go on: each keeps a core busy, and the cores are the calls' first."""
TEXTS_MAX: Final = 5_000
"""A sentence of five seconds is some 320 KB in its four forms: 1.6 GB."""
LOOKED_S: Final = 3_600.0
"""So long a text counts as there without another look; with each look its files are marked as used."""
UNUSED_S: Final = 3 * LOOKED_S
"""What nobody has used for so long no call can be playing: a playback ends after five minutes."""
CLEARED_EVERY: Final = 100
"""So many texts are made between two counts of what is there."""


class SpokenError(Exception):
    """Words that could not be made audible, or not soon enough; says why, and nothing of the words."""


class Voice:
    """What one library has made audible for calls; two calls that want the same text share it."""

    def __init__(self, cache: Cache, make: Callable[[Wanted], Awaitable[str | None]]) -> None:
        """Keep files in ``cache``; ``make`` makes those of one text, and returns what went wrong if anything did."""
        self._cache = cache
        self._make = make
        self._looked: OrderedDict[str, float] = OrderedDict()
        """When each text was last seen in the cache, by the loop's clock."""
        self._making: dict[str, asyncio.Future[str | None]] = {}
        self._desks = asyncio.Semaphore(PARALLEL)
        self._made = 0
        self._full = False

    async def say(self, wanted: Wanted, limit_s: float | None = None) -> None:
        """See that the words are audible, within the time that a call has if no other is given; raises ``SpokenError``."""
        within_s = LIMIT_S if limit_s is None else limit_s
        try:
            async with asyncio.timeout(within_s):
                await self._say(wanted)
        except TimeoutError:
            raise SpokenError(f"it could not be spoken within {within_s:g} s") from None

    async def _say(self, wanted: Wanted) -> None:
        while not self._is_there(wanted.place):
            making = self._making.get(wanted.place)
            if making is None:
                problem = await self._try(wanted)
            else:
                await asyncio.wait(
                    [making]
                )  # its maker may give up, and then it is this call's turn
                problem = making.result()
            if problem is not None:
                raise SpokenError(problem)

    def _is_there(self, place: str) -> bool:
        looked = self._looked.get(place)
        return looked is not None and asyncio.get_running_loop().time() - looked < LOOKED_S

    async def _try(self, wanted: Wanted) -> str | None:
        """Make the words audible if they are not yet; return what went wrong."""
        making = asyncio.get_running_loop().create_future()
        self._making[wanted.place] = making
        problem = None
        try:
            async with self._desks:
                problem = await self._looked_for(wanted)
        finally:
            del self._making[wanted.place]
            making.set_result(problem)
        return problem

    async def _looked_for(self, wanted: Wanted) -> str | None:
        if not await asyncio.to_thread(self._cache.use, wanted.place):
            if self._made % CLEARED_EVERY == 0:
                there = await asyncio.to_thread(self._cache.thin_out, TEXTS_MAX, UNUSED_S)
                self._full = there > 2 * TEXTS_MAX
            if self._full:
                return "the folder of prompts holds as many spoken texts as it may"
            self._made += 1
            problem = await self._make(wanted)
            if problem is not None:
                return problem
        self._looked[wanted.place] = asyncio.get_running_loop().time()
        self._looked.move_to_end(wanted.place)
        if len(self._looked) > TEXTS_MAX:
            self._looked.popitem(last=False)
        return None
