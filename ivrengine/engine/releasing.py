"""Letting go of channels and bridges beside all calls: asked for again and again while a switch does not answer."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Final

import structlog

from ivrengine.core import effects, events
from ivrengine.core.switching import RequestRefusedError
from ivrengine.engine.performing import Performer, Release

RELEASE_AGAIN_AFTER_S: Final = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 60.0, 60.0, 60.0)
"""Five minutes of asking a switch that does not answer; one that is away for longer is compared with us when it is back."""

_log = structlog.get_logger("engine")


class Releases:
    """Everything that is being let go of."""

    def __init__(
        self,
        performer: Performer,
        spawn: Callable[[Coroutine[None, None, None]], object],
        *,
        request_s: float,
    ) -> None:
        self._performer = performer
        self._spawn = spawn
        self._request_s = request_s

    def release(self, effect: Release) -> None:
        """Let go of a channel or bridge; returns at once."""
        self._spawn(self._released(effect))

    async def _released(self, effect: Release) -> None:
        kind = type(effect).__name__
        for wait_s in (*RELEASE_AGAIN_AFTER_S, None):
            failure = await self._try(effect)
            match failure:
                case events.Failure.UNAVAILABLE if wait_s is not None:
                    await asyncio.sleep(wait_s)
                case events.Failure.REFUSED if isinstance(effect, effects.SendToFallback):
                    effect = effects.HangUp(channel_id=effect.channel_id)  # rather than silence
                case events.Failure.UNAVAILABLE | events.Failure.REFUSED:
                    _log.error("not released", effect=kind, failure=failure)
                    return
                case _:  # done, or there is nothing left to let go of
                    return

    async def _try(self, effect: Release) -> events.Failure | None:
        try:
            async with asyncio.timeout(self._request_s):
                await self._performer.release(effect)
        except RequestRefusedError as error:
            return error.failure
        except TimeoutError:
            return events.Failure.UNAVAILABLE
        return None
