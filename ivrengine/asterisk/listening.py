"""The ear of a switch: raw events in at one plain function, what the engine is to hear out to its listener (hops 1 to 3)."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final, Never

import structlog

from ivrengine.asterisk import translate
from ivrengine.asterisk.hearing import Hearing
from ivrengine.asterisk.meter import Meter
from ivrengine.core.ids import ChannelId
from ivrengine.core.switching import LinkDown, RequestRefusedError, SwitchEvent

STRANDED_MAX: Final = 1_000
"""Channels waiting to be handed to the fallback; more means that the dialplan sends all calls in a wrong way."""

Listener = Callable[[SwitchEvent], None]

_log = structlog.get_logger(__name__)


class Ear:
    """Takes the frames of one event socket; nothing it does awaits, so the next frame never waits for the last."""

    def __init__(
        self,
        node: translate.Node,
        *,
        listener: Listener,
        now: Callable[[], datetime],
        meter: Meter,
        replaced: Callable[[], None],
    ) -> None:
        self.memory = Hearing()
        self._stranded: asyncio.Queue[ChannelId] = asyncio.Queue(STRANDED_MAX)
        self.monitors: dict[ChannelId, asyncio.Event] = {}
        """Channels that are to listen to others, while it is waited for that they are ready."""
        self.node = node
        self._listener = listener
        self._now = now
        self._meter = meter
        self._replaced = replaced

    def hear(self, raw: translate.RawEvent) -> None:
        """Take one event as Asterisk sent it; raises nothing, as the next event must be heard whatever this one did."""
        try:
            self._take(raw)
        except Exception as error:  # noqa: BLE001 - counted and told, see above
            self._failed(error)

    def _take(self, raw: translate.RawEvent) -> None:
        fact = translate.translate(raw, self.node, self._now())
        match fact:
            case None:
                return
            case translate.Garbled(kind=kind):
                _log.warning("event dropped", node=self.node.name, reason="garbled", kind=kind)
                self._meter.dropped(self.node.name, "garbled")
            case translate.Stranded(channel_id=channel_id):
                self._strand(channel_id)
            case translate.MonitorReady(channel_id=channel_id):
                if channel_id in self.monitors:
                    self.monitors[channel_id].set()
            case translate.Replaced():
                self._replaced()
            case _:
                event = self.memory.take(fact)
                if event is not None:
                    self.tell(event)

    def tell(self, event: SwitchEvent) -> None:
        """Pass an event on to the engine."""
        if isinstance(event, LinkDown):
            self.memory.forget()
        self._meter.heard(self.node.name, type(event).__name__)
        self._listener(event)

    def _failed(self, error: Exception) -> None:
        """Note that what took an event raised; where, but not its message: that may quote what a caller keyed."""
        place = traceback.extract_tb(error.__traceback__)[-1]
        _log.error(
            "listener failed",
            node=self.node.name,
            error=type(error).__name__,
            where=f"{place.filename}:{place.lineno}",
        )
        self._meter.dropped(self.node.name, "listener failed")

    async def send_away(self, send: Callable[[ChannelId], Awaitable[None]]) -> Never:
        """Hand stranded channels to the dialplan's fallback, one after the other: better a person than silence."""
        while True:
            channel_id = await self._stranded.get()
            try:
                await send(channel_id)
            except RequestRefusedError as refused:
                _log.warning(
                    "stranded channel not sent away",
                    node=self.node.name,
                    channel_id=channel_id,
                    reason=refused.detail,
                )

    def _strand(self, channel_id: ChannelId) -> None:
        _log.error("channel stranded", node=self.node.name, channel_id=channel_id)
        self._meter.dropped(self.node.name, "stranded")
        try:
            self._stranded.put_nowait(channel_id)
        except asyncio.QueueFull:
            _log.error("channel left stranded", node=self.node.name, channel_id=channel_id)
