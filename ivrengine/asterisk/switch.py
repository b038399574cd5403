"""The switch behind which an Asterisk stands: the engine's requests go out here (hop 6), its events come in (hop 1).

Finding, watching and finding again is ``link.py``'s; speaking ARI is ``ari.py``'s.
"""

import asyncio
import contextlib
import functools
import math
import random
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Final

import structlog

from ivrengine.asterisk import lease, looking, translate, wire
from ivrengine.asterisk.ari import Ari
from ivrengine.asterisk.asking import Asking, not_known
from ivrengine.asterisk.heartbeat import Heartbeat
from ivrengine.asterisk.link import Link
from ivrengine.asterisk.listening import Ear, Listener
from ivrengine.asterisk.meter import Meter, Unmetered
from ivrengine.asterisk.node import Node
from ivrengine.asterisk.recording import Recordings
from ivrengine.core import events
from ivrengine.core.ids import (
    BridgeId,
    ChannelId,
    NodeName,
    PlaybackId,
    RecordingId,
    local_part,
)
from ivrengine.core.switching import Announcement, RequestRefusedError, Snapshot

BRIDGE_TYPE: Final = "mixing,dtmf_events"
"""Without ``dtmf_events`` keys pressed in a bridge pass through unseen."""
_MEDIA: Final = re.compile(r"(?:sound|recording|number|digits|characters|tone):[^\s,]+", re.ASCII)
_ENDPOINT: Final = re.compile(r"[A-Za-z]+/[^\s&,]+", re.ASCII)
_log = structlog.get_logger(__name__)
_CALLER_ID: Final = re.compile(
    r'(?:"[^"\\<>\x00-\x1f]{0,80}" )?<?[A-Za-z0-9*#_.+-]{1,64}>?', re.ASCII
)
"""``"name" <number>`` or a bare number."""


class AriSwitch:
    """One Asterisk as a ``Switch``; ``run`` keeps the link, and the requests work whenever Asterisk answers."""

    def __init__(
        self,
        node: Node,
        *,
        listener: Listener,
        now: Callable[[], datetime],
        meter: Meter | None = None,
        chance: Callable[[], float] = random.random,
        right: lease.Lease | None = None,
    ) -> None:
        """Tell ``listener`` what happens; ``right`` is asked for before the application is taken."""
        self._meter = meter = meter or Unmetered()
        self._fallback = node.fallback_context
        self._application = node.application
        self._now = now
        self._ear = Ear(
            translate.Node(name=NodeName(node.name), country=node.country),
            listener=listener,
            now=now,
            meter=meter,
            replaced=self._give_up,
        )
        self._memory = self._ear.memory
        self._link = Link(
            node,
            api=functools.partial(Ari, origin=node.origin, ear=self._ear),
            tell=self._ear.tell,
            now=now,
            meter=meter,
            chance=chance,
            lease=right,
        )
        self._asking = Asking(self._link)
        self._recordings = Recordings(
            self._link, self._asking, node.application, self._ear.monitors
        )
        self._heartbeat = Heartbeat(self._link.call, node.country)
        self._announced: Callable[[Announcement], None] = lambda _announcement: None

    @property
    def node(self) -> NodeName:
        """The name under which the settings know this switch."""
        return self._link.name

    @property
    def up(self) -> bool:
        """Whether its events reach us."""
        return self._link.up

    @property
    def healthy(self) -> bool:
        """Whether its ARI answered in time when last asked."""
        return self._link.healthy

    @property
    def trouble(self) -> str | None:
        """Why there is no link, as a sentence for people; None while there is one, or before the first attempt."""
        return self._link.trouble

    async def run(self) -> None:
        """Keep the link up until cancelled; return only if another connection took the application over."""
        async with asyncio.TaskGroup() as group:
            away = group.create_task(self._ear.send_away(self.send_to_fallback))
            try:
                await self._link.run()
            finally:
                away.cancel()

    async def answer(self, channel_id: ChannelId) -> None:
        """Pick up an inbound channel."""
        channel = local_part(channel_id)

        async def done() -> bool:
            found = await self._link.call("channels.get", channelId=channel)
            return bool(found.get("state") == "Up")

        await self._asking.post("channels.answer", done, {"channelId": channel})

    async def play(
        self, channel_id: ChannelId, playback_id: PlaybackId, media: Sequence[str]
    ) -> None:
        """Start to play media URIs one after the other as one playback.

        Asterisk accepts media that it does not know and never finishes them, so those are refused here.
        """
        if not media or not all(_MEDIA.fullmatch(uri) for uri in media):
            raise RequestRefusedError(events.Failure.REFUSED, "not a media URI")
        for uri in media:
            if not await self._recordings.there(uri):
                raise RequestRefusedError(events.Failure.REFUSED, "no such recording")
        playback = local_part(playback_id)

        async def done() -> bool:
            return self._memory.saw_end(playback_id) or await self._asking.there(
                "playbacks.get", playbackId=playback
            )

        self._memory.watch(playback_id)
        try:
            await self._asking.post(
                "channels.playWithId",
                done,
                {
                    "channelId": local_part(channel_id),
                    "playbackId": playback,
                    "media": list(media),
                },
            )
        finally:
            self._memory.unwatch(playback_id)

    async def stop_playback(self, playback_id: PlaybackId) -> None:
        """Cut a playback short; ``PlaybackFinished`` follows."""
        self._memory.stopping(playback_id)
        try:
            await self._link.call("playbacks.stop", playbackId=local_part(playback_id))
        except wire.AnsweredError:
            self._memory.not_stopped(playback_id)
            raise

    async def start_music(self, channel_id: ChannelId, music: str) -> None:
        """Play music on hold of that class; a class that Asterisk does not know is silence."""
        channel = local_part(channel_id)
        await self._asking.post(
            "channels.startMoh", not_known, {"channelId": channel, "mohClass": music}
        )

    async def stop_music(self, channel_id: ChannelId) -> None:
        """End music on hold."""
        await self._link.call("channels.stopMoh", channelId=local_part(channel_id))

    async def dial(
        self,
        channel_id: ChannelId,
        endpoint: str,
        *,
        ring_timeout_s: float,
        caller_id: str | None,
    ) -> None:
        """Ring ``endpoint``; never repeated, and never begun while events do not reach us.

        An originate into an application without a connection is accepted, and the channel dies without a word.
        """
        if not self._link.up:
            raise wire.NoAnswerError("no link: nobody would hear the phone being picked up")
        if not _ENDPOINT.fullmatch(endpoint) or not _CALLER_ID.fullmatch(caller_id or "0"):
            raise RequestRefusedError(events.Failure.REFUSED, "not an endpoint or caller id")
        channel = local_part(channel_id)

        async def done() -> bool:
            return self._memory.saw_end(channel_id) or await self._asking.there(
                "channels.get", channelId=channel
            )

        self._memory.watch(channel_id)
        try:
            await self._asking.post(
                "channels.originateWithId",
                done,
                {
                    "channelId": channel,
                    "endpoint": endpoint,
                    "app": self._application,
                    "appArgs": "leg",
                    "timeout": max(1, math.ceil(ring_timeout_s)),
                    **({} if caller_id is None else {"callerId": caller_id}),
                },
                again=False,
            )
        finally:
            self._memory.unwatch(channel_id)

    async def create_bridge(self, bridge_id: BridgeId) -> None:
        """Create a mixing bridge that passes DTMF events; an existing one of that id is no error."""
        bridge = local_part(bridge_id)
        try:
            await self._asking.post(
                "bridges.createWithId", not_known, {"bridgeId": bridge, "type": BRIDGE_TYPE}
            )
        except wire.AnsweredError as refused:
            if refused.failure is not events.Failure.NOT_READY:  # 409: there is one already
                raise

    async def add_to_bridge(self, bridge_id: BridgeId, channel_ids: Sequence[ChannelId]) -> None:
        """Put channels into a bridge, all or none; one that is in another bridge leaves it."""
        wanted = [local_part(channel_id) for channel_id in channel_ids]

        async def done() -> bool:
            return await self._inside(bridge_id) >= set(wanted)

        await self._move("bridges.addChannel", done, bridge_id, wanted)

    async def remove_from_bridge(
        self, bridge_id: BridgeId, channel_ids: Sequence[ChannelId]
    ) -> None:
        """Take channels out of a bridge; they stay ours."""
        unwanted = [local_part(channel_id) for channel_id in channel_ids]

        async def done() -> bool:
            return (await self._inside(bridge_id)).isdisjoint(unwanted)

        await self._move("bridges.removeChannel", done, bridge_id, unwanted)

    async def destroy_bridge(self, bridge_id: BridgeId, frees: ChannelId | None = None) -> None:
        """Remove a bridge; nothing else does: Asterisk keeps empty ones for ever.

        It lets its channels out only after its answer, and may lose what is played to them before that, with no event
        (one in ten, on 22.10.1). Taking a channel out is answered when it is out.
        """
        if frees is not None:
            with contextlib.suppress(RequestRefusedError):  # gone, or out already
                await self.remove_from_bridge(bridge_id, [frees])
        await self._link.call("bridges.destroy", bridgeId=local_part(bridge_id))

    async def start_recording(
        self,
        recording_id: RecordingId,
        target: ChannelId | BridgeId,
        *,
        limit_s: float,
        max_silence_s: float | None = None,
    ) -> None:
        """Record a channel or, if ``target`` is one, a bridge."""
        await self._recordings.start(
            recording_id, target, limit_s=limit_s, max_silence_s=max_silence_s
        )

    async def stop_recording(self, recording_id: RecordingId) -> None:
        """End a recording and keep it."""
        await self._recordings.stop(recording_id)

    async def discard_recording(self, recording_id: RecordingId) -> None:
        """Delete a recording that has ended."""
        await self._recordings.discard(recording_id)

    async def monitor(
        self,
        recording_id: RecordingId,
        monitor_id: ChannelId,
        channel_id: ChannelId,
        *,
        limit_s: float,
    ) -> None:
        """Record all that a channel says and hears, through a snoop channel."""
        await self._recordings.monitor(recording_id, monitor_id, channel_id, limit_s=limit_s)

    async def pause_recording(self, recording_id: RecordingId) -> None:
        """Let a recording miss what follows."""
        await self._recordings.pause(recording_id)

    async def resume_recording(self, recording_id: RecordingId) -> None:
        """Let a paused recording go on."""
        await self._recordings.resume(recording_id)

    async def hang_up(self, channel_id: ChannelId) -> None:
        """End a channel; ``ChannelEnded`` follows."""
        await self._link.call("channels.hangup", channelId=local_part(channel_id))

    async def send_to_fallback(self, channel_id: ChannelId) -> None:
        """Hand the channel to the dialplan's fallback; Asterisk does it when what plays or records on it is over."""
        channel = local_part(channel_id)

        async def done() -> bool:
            found = await self._link.call("channels.get", channelId=channel)
            return bool(found.get("dialplan", {}).get("app_name") != "Stasis")

        await self._asking.post(
            "channels.continueInDialplan",
            done,
            {"channelId": channel, "context": self._fallback, "extension": "s", "priority": 1},
        )

    async def read(self, path: str) -> str:
        """Return the body of what ARI answers to a GET, asked over HTTP whether events reach us or not."""
        return await self._link.read(path)

    async def snapshot(self) -> Snapshot:
        """Return what is alive there."""
        info, channels, bridges = [await self._link.read(path) for path in looking.PATHS]
        return looking.snapshot(
            info,
            channels,
            bridges,
            node=self._ear.node,
            application=self._application,
            at=self._now(),
        )

    async def announce(self, announcement: Announcement) -> None:
        """Let the dialplan know that the engine lives; never while another engine may be the one that does."""
        if not self._link.up:
            raise wire.NoAnswerError("no link: no call can be taken")
        turned_away = await self._heartbeat.tell(announcement)
        if turned_away:
            self._meter.turned_away(self.node, turned_away)
            _log.warning("calls turned away", node=self.node, calls=turned_away)
        self._announced(announcement)

    def hear_heartbeats(self, listener: Callable[[Announcement], None]) -> None:
        """Let ``listener`` know of each heartbeat that Asterisk has taken."""
        self._announced = listener

    def _give_up(self) -> None:
        self._link.give_up()

    async def _move(
        self,
        operation: str,
        done: Callable[[], Awaitable[bool]],
        bridge_id: BridgeId,
        channels: list[str],
    ) -> None:
        """Put into or take out of a bridge; ARI answers 400 where one of the channels does not exist."""
        try:
            await self._asking.post(
                operation, done, {"bridgeId": local_part(bridge_id), "channel": channels}
            )
        except wire.AnsweredError as refused:
            if refused.status != HTTPStatus.BAD_REQUEST:
                raise
            raise RequestRefusedError(events.Failure.GONE, refused.detail) from refused

    async def _inside(self, bridge_id: BridgeId) -> set[str]:
        found = await self._link.call("bridges.get", bridgeId=local_part(bridge_id))
        return set(found.get("channels", ()))
