"""The simulated exchange: its channels, playbacks, bridges, recordings, and what Asterisk does with a command.

A command is obeyed at once, waits for its turn on its channel's line, or is refused with ``RequestRefusedError``.
The way to and from it (delays, faults, a broken link) is the affair of ``switch`` and ``delivery``.
"""

import asyncio
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from ivrengine.core import events, ids, switching
from ivrengine.core.events import Failure
from ivrengine.core.ids import BridgeId, ChannelId, PlaybackId, RecordingId
from ivrengine.core.switching import RequestRefusedError
from ivrengine.sim.admission import Admission, Verdict
from ivrengine.sim.bridge import Bridge
from ivrengine.sim.channel import Channel, Party, Place
from ivrengine.sim.line import Command
from ivrengine.sim.playback import Playback
from ivrengine.sim.recording import Recordings, Terms

SCHEMES: Final = ("sound:", "recording:", "number:", "digits:", "characters:", "tone:")
"""The kinds of media that ARI plays."""
BEEP: Final = "sound:beep"
BEEP_S: Final = 0.4
"""Asterisk's own."""
LETTING_OUT_S: Final = 0.005
"""Who was in a bridge that is removed is let out so much later; what is played to them until then is lost."""
NORMAL: Final = 16
USER_BUSY: Final = 17
NO_ANSWER: Final = 19
FAILURE: Final = 38
"""Q.850 causes; the last is what a network makes of a switch that is gone."""

Turns = list[asyncio.Future[None]]
"""What a command still has to wait for before it is done."""


class Phone(Protocol):
    """A phone, as the exchange knows it."""

    @property
    def reachable(self) -> bool:
        """Whether there is anything to ring."""
        ...

    def ring(self, exchange: "Exchange", channel_id: ChannelId, shown: str | None) -> Channel:
        """Return the channel of the attempt to reach this phone, which begins to answer in its own way."""
        ...


class Exchange:
    """Everything that is inside the switch."""

    def __init__(
        self,
        *,
        node: ids.NodeName,
        tell: Callable[..., None],
        duration_s: Callable[[str], float | None],
        phones: Mapping[str, Phone],
        first_channel: int,
    ) -> None:
        self.channels: dict[ChannelId, Channel] = {}
        self.bridges: dict[BridgeId, Bridge] = {}
        self.playbacks: dict[PlaybackId, Playback] = {}
        self.recordings = Recordings(tell)
        self.app_there = False
        """Whether the application is connected: if not, whoever calls is left to the dialplan."""
        self._node = node
        self._tell = tell
        self._duration_s = duration_s
        self._phones = phones
        self._ring_timers: dict[ChannelId, asyncio.TimerHandle] = {}
        self._admission = Admission()
        self.epoch = first_channel
        """When the switch's process began, in whole seconds; ids of inbound channels begin with it, as Asterisk's do."""
        self._arrived = 0

    def arrive(self, party: Party, did: str, number: str | None) -> Channel:
        """Let somebody call."""
        self._arrived += 1
        verdict = self._judged(did)
        ours = verdict is Verdict.ADMITTED
        channel_id = ChannelId(ids.on_node(self._node, f"{self.epoch}.{self._arrived}"))
        channel = Channel(channel_id, party, Place.OURS if ours else Place.ELSEWHERE)
        channel.inbound = did, number
        self.channels[channel_id] = channel
        if ours:
            self._tell(switching.Arrival, channel_id, channel_id=channel_id, did=did, number=number)
        elif verdict is Verdict.SHED:
            asyncio.get_running_loop().call_soon(self.end, channel, USER_BUSY)
        else:
            party.sent_on()
        return channel

    def _judged(self, did: str) -> Verdict:
        if not self.app_there:
            return Verdict.FALLBACK
        now_s = asyncio.get_running_loop().time()
        return self._admission.judge(did, now_s, in_progress=self._callers)

    def _callers(self) -> int:
        return sum(
            channel.inbound is not None and channel.place is Place.OURS
            for channel in self.channels.values()
        )

    @property
    def announcement(self) -> switching.Announcement | None:
        """What the engine last told the dialplan."""
        return self._admission.announcement

    def pressed(self, channel: Channel, digit: str) -> None:
        """Let a key be heard."""
        if channel.place is Place.OURS:
            channel_id = channel.channel_id
            self._tell(switching.DigitHeard, channel_id, channel_id=channel_id, digit=digit)

    def rings(self, channel: Channel) -> None:
        """Tell that a dialled phone rings."""
        if channel.place is Place.RINGING:
            self._tell(events.LegRinging, channel.channel_id, channel_id=channel.channel_id)

    def leg_answered(self, channel: Channel) -> None:
        """Let a dialled phone enter the application; if there is none the call ends (seen on 22.10.1)."""
        if channel.place is not Place.RINGING:
            return
        self._ring_timers.pop(channel.channel_id).cancel()
        if not self.app_there:
            self.end(channel, NORMAL)
            return
        channel.place = Place.OURS
        channel.up = True
        self._tell(events.LegAnswered, channel.channel_id, channel_id=channel.channel_id)

    def end(self, channel: Channel, cause: int) -> None:
        """End a channel, whoever wants it: its prompts, recordings and its place in a bridge end with it."""
        if channel.place is Place.GONE:
            return
        told = channel.place is not Place.ELSEWHERE
        channel.place = Place.GONE
        channel_id = channel.channel_id
        del self.channels[channel_id]
        ring_timer = self._ring_timers.pop(channel_id, None)
        if ring_timer is not None:
            ring_timer.cancel()
        self._release(channel)
        self.recordings.gone(channel)
        if told:
            self._tell(events.ChannelEnded, channel_id, channel_id=channel_id, cause=cause)
        channel.party.ended(cause)

    def restart(self, epoch: int) -> None:
        """Begin anew: with the process go its channels and all that is theirs, bridges, and what it was told."""
        for channel in tuple(self.channels.values()):
            self.end(channel, FAILURE)
        self.bridges.clear()
        self._admission = Admission()
        self.epoch = max(epoch, self.epoch + 1)
        self._arrived = 0

    def _release(self, channel: Channel) -> None:
        channel.line.end()
        if channel.bridge is not None:
            self._leave(channel.bridge, channel)
        channel.stop_music()

    def _ours(self, channel_id: ChannelId) -> Channel:
        channel = self._known(channel_id)
        if channel.place is not Place.OURS:
            raise RequestRefusedError(Failure.NOT_READY, "channel not in the application")
        return channel

    def _known(self, channel_id: ChannelId) -> Channel:
        channel = self.channels.get(channel_id)
        if channel is None:
            raise RequestRefusedError(Failure.GONE, "channel not found")
        return channel

    def _in_turn(self, channel: Channel, act: Callable[[], None]) -> Turns:
        """Do it now, or when the channel has time; return what must be waited for."""
        if channel.line.busy_with is None:
            act()
            return []
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        turn.add_done_callback(_noted)

        def done() -> None:
            act()
            if not turn.done():
                turn.set_result(None)

        def cut() -> None:
            if not turn.done():
                turn.set_exception(RequestRefusedError(Failure.GONE, "channel ended meanwhile"))

        channel.line.put(Command(channel.line, done, cut))
        return [turn]

    def answer(self, channel_id: ChannelId) -> Turns:
        """Pick up; nothing changes on a channel that is up."""
        channel = self._ours(channel_id)

        def pick_up() -> None:
            if not channel.up:
                channel.up = True
                channel.party.picked_up()

        return self._in_turn(channel, pick_up)

    def start_music(self, channel_id: ChannelId, music: str) -> None:
        """Play music on hold, as soon as the channel has time."""
        channel = self._ours(channel_id)
        self._in_turn(channel, lambda: channel.start_music(music))

    def stop_music(self, channel_id: ChannelId) -> None:
        """End it; where there is none nothing happens."""
        channel = self._ours(channel_id)
        self._in_turn(channel, channel.stop_music)

    def hang_up(self, channel_id: ChannelId) -> None:
        """End a channel, wherever it is."""
        if not self.recordings.let_go(channel_id):
            self.end(self._known(channel_id), NORMAL)

    def send_to_fallback(self, channel_id: ChannelId) -> None:
        """Let the dialplan have the channel, as soon as the channel has time."""
        channel = self._ours(channel_id)

        def leave() -> None:
            channel.place = Place.ELSEWHERE
            self._release(channel)
            self._tell(events.ChannelLeft, channel_id, channel_id=channel_id)
            channel.party.sent_on()

        self._in_turn(channel, leave)

    def dial(
        self, channel_id: ChannelId, endpoint: str, *, ring_timeout_s: float, shown: str | None
    ) -> None:
        """Ring a phone."""
        phone = self._phones.get(endpoint)
        if phone is None or not phone.reachable:
            raise RequestRefusedError(Failure.REFUSED, "endpoint unknown or without a contact")
        if channel_id in self.channels:
            raise RequestRefusedError(Failure.REFUSED, "channel id in use")
        loop = asyncio.get_running_loop()
        channel = phone.ring(self, channel_id, shown)
        self.channels[channel_id] = channel
        self._ring_timers[channel_id] = loop.call_later(
            ring_timeout_s, self.end, channel, NO_ANSWER
        )

    def play(self, channel_id: ChannelId, playback_id: PlaybackId, media: Sequence[str]) -> None:
        """Play, as soon as the channel has time."""
        channel = self._ours(channel_id)
        if not media or not all(medium.startswith(SCHEMES) for medium in media):
            raise RequestRefusedError(Failure.REFUSED, "no media, or of no known kind")
        if any(self._lasts_s(it) is None for it in media if it.startswith("recording:")):
            raise RequestRefusedError(Failure.REFUSED, "no such recording")
        playback = Playback(
            playback_id,
            channel,
            media,
            duration_s=self._lasts_s,
            finished=self._playback_finished,
        )
        if channel.bridge is not None and channel.bridge.bridge_id not in self.bridges:
            return
        self.playbacks[playback_id] = playback
        channel.line.put(playback)

    def _lasts_s(self, medium: str) -> float | None:
        scheme, _, name = medium.partition(":")
        if scheme == "recording":
            return self.recordings.stored.get(RecordingId(ids.on_node(self._node, name)))
        return BEEP_S if medium == BEEP else self._duration_s(medium)

    def stop_playback(self, playback_id: PlaybackId) -> None:
        """Cut a playback short."""
        playback = self.playbacks.get(playback_id)
        if playback is None:
            raise RequestRefusedError(Failure.GONE, "playback not found")
        playback.stop()

    def _playback_finished(self, playback: Playback, completed: bool) -> None:  # noqa: FBT001
        playback_id = playback.playback_id
        if self.playbacks.get(playback_id) is playback:
            del self.playbacks[playback_id]
        if playback.began:
            self._tell(
                events.PlaybackFinished,
                playback_id,
                playback.channel.channel_id,
                playback_id=playback_id,
                completed=completed,
            )

    def _bridge(self, bridge_id: BridgeId) -> Bridge:
        bridge = self.bridges.get(bridge_id)
        if bridge is None:
            raise RequestRefusedError(Failure.GONE, "bridge not found")
        return bridge

    def create_bridge(self, bridge_id: BridgeId) -> None:
        """Create it, or leave the one that is there."""
        if bridge_id not in self.bridges:
            self.bridges[bridge_id] = Bridge(bridge_id)

    def add_to_bridge(self, bridge_id: BridgeId, channel_ids: Sequence[ChannelId]) -> Turns:
        """Let channels in, all or none; one that is in another bridge leaves that first."""
        bridge = self._bridge(bridge_id)
        channels = [self._ours(channel_id) for channel_id in channel_ids]
        if any(channel.recorded for channel in channels):
            raise RequestRefusedError(Failure.NOT_READY, "channel is being recorded")
        turns: Turns = []
        for channel in channels:
            turns += self._in_turn(channel, functools.partial(self._join, bridge, channel))
        return turns

    def remove_from_bridge(self, bridge_id: BridgeId, channel_ids: Sequence[ChannelId]) -> Turns:
        """Let channels out, all or none."""
        bridge = self._bridge(bridge_id)
        channels = [self._ours(channel_id) for channel_id in channel_ids]
        if any(channel.bridge is not bridge for channel in channels):
            raise RequestRefusedError(Failure.NOT_READY, "channel not in this bridge")
        for channel in channels:
            self._leave(bridge, channel)
        return []

    def destroy_bridge(self, bridge_id: BridgeId, frees: ChannelId | None = None) -> None:
        """Remove it; who is inside is let out, all but the one that this ``frees`` a moment later."""
        bridge = self._bridge(bridge_id)
        del self.bridges[bridge_id]
        self.recordings.gone(bridge)
        for channel in tuple(bridge.channels):
            if channel.channel_id == frees:
                self._leave(bridge, channel)
            else:
                loop = asyncio.get_running_loop()
                loop.call_later(LETTING_OUT_S, self._let_out, bridge, channel)

    def _let_out(self, bridge: Bridge, channel: Channel) -> None:
        if channel.bridge is bridge:
            self._leave(bridge, channel)

    def _join(self, bridge: Bridge, channel: Channel) -> None:
        if channel.bridge is bridge or bridge.bridge_id not in self.bridges:
            return
        if channel.bridge is not None:
            self._leave(channel.bridge, channel)
        bridge.join(channel)
        self._tell_of_both(events.BridgeJoined, bridge, channel)

    def _leave(self, bridge: Bridge, channel: Channel) -> None:
        bridge.leave(channel)
        self._tell_of_both(events.BridgeLeft, bridge, channel)

    def _tell_of_both(self, kind: type[Any], bridge: Bridge, channel: Channel) -> None:
        self._tell(
            kind,
            bridge.bridge_id,
            channel.channel_id,
            bridge_id=bridge.bridge_id,
            channel_id=channel.channel_id,
        )

    def announced(self, announcement: switching.Announcement) -> None:
        """Take what the engine tells the dialplan."""
        self._admission.announced(announcement, asyncio.get_running_loop().time())

    def start_recording(
        self, recording_id: RecordingId, target: ChannelId | BridgeId, terms: Terms
    ) -> None:
        """Record a bridge at once, a channel as soon as it has time."""
        on = self.bridges.get(BridgeId(target)) or self._ours(ChannelId(target))
        self.recordings.start(recording_id, on, terms)

    def monitor(
        self,
        recording_id: RecordingId,
        monitor_id: ChannelId,
        channel_id: ChannelId,
        terms: Terms,
    ) -> None:
        """Record a channel wherever it is."""
        self.recordings.start(recording_id, self._known(channel_id), terms, monitor_id)


def _noted(turn: asyncio.Future[None]) -> None:
    """Let a command that is cut off vanish if nobody waits for it: Asterisk, too, accepts some before it does them."""
    if not turn.cancelled():
        turn.exception()
