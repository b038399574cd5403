"""Recordings in an Asterisk: of what a channel says, and through a snoop channel of all that it says and hears.

Asterisk records a channel in the channel's own thread, so that no prompt plays meanwhile; a snoop channel has a thread of its
own. It listens wherever the channel goes, in our application or not, and ends with it.
"""

import asyncio
import contextlib
import math
from typing import Final

from ivrengine.asterisk import wire
from ivrengine.asterisk.asking import Asking, not_known
from ivrengine.asterisk.link import Link
from ivrengine.core.ids import BridgeId, ChannelId, RecordingId, is_ours, local_part

FORMAT: Final = "wav"
"""What every program plays; 8 kHz and 16 bits: a minute has a megabyte."""

READY_S: Final = 1.0
"""A snoop channel is answered for before it is in our application, where alone it can record: a millisecond later, mostly."""


class Recordings:
    """The recordings of one Asterisk; their names are the local parts of our ids."""

    def __init__(
        self,
        link: Link,
        asking: Asking,
        application: str,
        monitors: dict[ChannelId, asyncio.Event],
    ) -> None:
        self._link = link
        self._asking = asking
        self._application = application
        self._monitors = monitors

    async def start(
        self,
        recording_id: RecordingId,
        target: ChannelId | BridgeId,
        *,
        limit_s: float,
        max_silence_s: float | None,
    ) -> None:
        """Record a channel or, if ``target`` is one, a bridge; limits are whole seconds in ARI."""
        subject = local_part(target)
        # Ids that Asterisk chose are channels; of ours only Asterisk knows.
        bridge = is_ours(target) and await self._asking.there("bridges.get", bridgeId=subject)
        options: dict[str, object] = (
            {} if max_silence_s is None else {"maxSilenceSeconds": max(1, math.ceil(max_silence_s))}
        )
        await self._record(
            "bridges.record" if bridge else "channels.record",
            recording_id,
            limit_s,
            {"bridgeId" if bridge else "channelId": subject, **options},
        )

    async def _record(
        self, operation: str, recording_id: RecordingId, limit_s: float, more: dict[str, object]
    ) -> None:
        name = local_part(recording_id)

        async def done() -> bool:
            return await self._asking.there("recordings.getLive", recordingName=name)

        await self._asking.post(
            operation,
            done,
            {
                "name": name,
                "format": FORMAT,
                "maxDurationSeconds": max(1, math.ceil(limit_s)),
                "ifExists": "fail",
                **more,
            },
        )

    async def monitor(
        self,
        recording_id: RecordingId,
        monitor_id: ChannelId,
        channel_id: ChannelId,
        *,
        limit_s: float,
    ) -> None:
        """Record all that a channel says and hears; whatever fails, no channel is left listening."""
        monitor = local_part(monitor_id)

        async def done() -> bool:
            return await self._asking.there("channels.get", channelId=monitor)

        listen = {"channelId": local_part(channel_id), "snoopId": monitor, "spy": "both"}
        entry = {"app": self._application, "appArgs": "monitor"}
        ready = self._monitors[monitor_id] = asyncio.Event()
        try:
            await self._asking.post("channels.snoopChannelWithId", done, {**listen, **entry})
            with contextlib.suppress(TimeoutError):  # its event may be lost, or the link down
                async with asyncio.timeout(READY_S):
                    await ready.wait()
        finally:
            del self._monitors[monitor_id]
        try:
            await self._record("channels.record", recording_id, limit_s, {"channelId": monitor})
        except wire.AnsweredError:
            with contextlib.suppress(wire.AnsweredError):
                await self._link.call("channels.hangup", channelId=monitor)
            raise

    async def stop(self, recording_id: RecordingId) -> None:
        """End a recording and keep it."""
        name = local_part(recording_id)

        async def done() -> bool:
            return not await self._asking.there("recordings.getLive", recordingName=name)

        await self._asking.post("recordings.stop", done, {"recordingName": name})

    async def pause(self, recording_id: RecordingId) -> None:
        """Let a recording miss what follows."""
        name = local_part(recording_id)
        await self._asking.post("recordings.pause", not_known, {"recordingName": name})

    async def resume(self, recording_id: RecordingId) -> None:
        """Let a paused recording go on."""
        await self._link.call("recordings.unpause", recordingName=local_part(recording_id))

    async def there(self, medium: str) -> bool:
        """Tell whether a medium can be played, if it is a recording: one that is not there would never end."""
        scheme, _, name = medium.partition(":")
        if scheme != "recording":
            return True
        return await self._asking.there("recordings.getStored", recordingName=name)

    async def discard(self, recording_id: RecordingId) -> None:
        """Delete a recording that has ended."""
        await self._link.call("recordings.deleteStored", recordingName=local_part(recording_id))
