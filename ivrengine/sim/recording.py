"""Recordings: of a channel, which they occupy meanwhile, of what is said in a bridge, or of a channel through a monitor."""

import asyncio
import dataclasses
from collections.abc import Callable
from typing import Any

from ivrengine.core import events
from ivrengine.core.events import Failure
from ivrengine.core.ids import ChannelId, RecordingId
from ivrengine.core.switching import RequestRefusedError
from ivrengine.sim.bridge import Bridge
from ivrengine.sim.channel import Channel


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a recording begins, and when it ends by itself."""

    limit_s: float
    max_silence_s: float | None = None


class Recording:
    """One recording, waiting for its turn or under way."""

    __slots__ = (
        "_now_s",
        "_of",
        "_over",
        "_since_s",
        "_talk_s",
        "_terms",
        "_timers",
        "kept_s",
        "monitor_id",
        "on",
        "recording_id",
    )

    def __init__(
        self,
        of: "Recordings",
        recording_id: RecordingId,
        on: Channel | Bridge,
        terms: Terms,
        monitor_id: ChannelId | None = None,
    ) -> None:
        self.recording_id = recording_id
        self.on = on
        self.monitor_id = monitor_id
        self.kept_s: float | None = None
        """How much was recorded so far; None before it began."""
        self._of = of
        self._terms = terms
        self._over = False
        self._since_s: float | None = None
        self._talk_s = 0.0
        self._now_s = asyncio.get_running_loop().time
        self._timers: list[asyncio.TimerHandle] = []

    @property
    def paused(self) -> bool:
        """Whether it misses what is said now."""
        return self.kept_s is not None and self._since_s is None

    @property
    def _occupied(self) -> Channel | None:
        """The channel that does nothing else meanwhile."""
        return self.on if isinstance(self.on, Channel) and self.monitor_id is None else None

    def start(self) -> None:
        """Record, until stopped or the limit is reached; a channel that is in a bridge by now cannot be recorded."""
        if self._occupied is not None and self._occupied.bridge is not None:
            self.cut()
        if self._over:
            self._release()
            return
        if self._occupied is not None:
            self._occupied.recorded = True
        self.kept_s = 0.0
        self.resume()
        self._later(self._terms.limit_s, self.stop)
        self._of.tell(events.RecordingStarted, self)
        if self._terms.max_silence_s is not None:
            self._listen(self._terms.max_silence_s)

    def _listen(self, max_silence_s: float) -> None:
        """End when nothing was said for so long; who speaks says for how long when they begin."""
        assert isinstance(self.on, Channel)
        quiet_at_s = max(self._since_s or 0.0, self.on.voice.until_s) + max_silence_s
        if quiet_at_s <= self._now_s():
            self.stop()
        else:
            self._later(quiet_at_s - self._now_s(), lambda: self._listen(max_silence_s))

    def pause(self) -> None:
        """Miss what follows."""
        if self._since_s is not None:
            self._count()
            self._since_s = None

    def resume(self) -> None:
        """Go on."""
        if self._since_s is None:
            self._since_s = self._now_s()

    def stop(self) -> None:
        """End and keep it."""
        began = self.kept_s is not None
        self.cut()
        if began:
            self._release()

    def cut(self) -> None:
        """End with the channel or bridge; what was recorded by then is kept."""
        if self._over:
            return
        self._over = True
        for timer in self._timers:
            timer.cancel()
        self.pause()
        self._of.ended(self)

    @property
    def talked_s(self) -> float | None:
        """How long somebody was to be heard, if that is watched."""
        return None if self._terms.max_silence_s is None else self._talk_s

    def _count(self) -> None:
        assert self._since_s is not None
        assert self.kept_s is not None
        now_s = self._now_s()
        self.kept_s += now_s - self._since_s
        if isinstance(self.on, Channel):
            self._talk_s += self.on.voice.heard_s(self._since_s, now_s)

    def _release(self) -> None:
        if self._occupied is not None:
            self._occupied.recorded = False
            self._occupied.line.done()

    def _later(self, delay_s: float, act: Callable[[], None]) -> None:
        self._timers.append(asyncio.get_running_loop().call_later(delay_s, act))


class Recordings:
    """The recordings of an exchange: those under way, and how long each is that is stored."""

    def __init__(self, tell: Callable[..., None]) -> None:
        self.live: dict[RecordingId, Recording] = {}
        self.stored: dict[RecordingId, float] = {}
        self.monitors: dict[ChannelId, Channel] = {}
        """Who is listened to, by the channel through which they are."""
        self._tell = tell

    def start(
        self,
        recording_id: RecordingId,
        on: Channel | Bridge,
        terms: Terms,
        monitor_id: ChannelId | None = None,
    ) -> None:
        """Record a channel as soon as it has time, and all else at once."""
        if recording_id in self.live or recording_id in self.stored or monitor_id in self.monitors:
            raise RequestRefusedError(Failure.NOT_READY, "id in use")
        recording = Recording(self, recording_id, on, terms, monitor_id)
        self.live[recording_id] = recording
        if isinstance(on, Channel) and monitor_id is None:
            on.line.put(recording)
            return
        if isinstance(on, Channel) and monitor_id is not None:
            self.monitors[monitor_id] = on
        recording.start()

    def stop(self, recording_id: RecordingId) -> None:
        """End a recording and keep it."""
        self._live(recording_id).stop()

    def pause(self, recording_id: RecordingId) -> None:
        """Let it miss what follows."""
        self._live(recording_id).pause()

    def resume(self, recording_id: RecordingId) -> None:
        """Let it go on."""
        self._live(recording_id).resume()

    def discard(self, recording_id: RecordingId) -> None:
        """Delete what is stored."""
        if self.stored.pop(recording_id, None) is None:
            raise RequestRefusedError(Failure.GONE, "recording not found")

    def let_go(self, monitor_id: ChannelId) -> bool:
        """Listen no longer through this channel; tell whether it is one."""
        if self.monitors.pop(monitor_id, None) is None:
            return False
        for recording in tuple(self.live.values()):
            if recording.monitor_id == monitor_id:
                recording.stop()
        return True

    def gone(self, on: Channel | Bridge) -> None:
        """End what was recorded of a channel, through monitors, or of a bridge that is no more."""
        for monitor_id in [each for each, channel in self.monitors.items() if channel is on]:
            self.let_go(monitor_id)
        for recording in tuple(self.live.values()):
            if recording.on is on:
                recording.stop()

    def _live(self, recording_id: RecordingId) -> Recording:
        recording = self.live.get(recording_id)
        if recording is None:
            raise RequestRefusedError(Failure.GONE, "recording not found")
        return recording

    def ended(self, recording: Recording) -> None:
        """Store a recording, if it ever began."""
        del self.live[recording.recording_id]
        if recording.kept_s is None:
            self.tell(events.RecordingFailed, recording)
            return
        self.stored[recording.recording_id] = recording.kept_s
        self.tell(
            events.RecordingFinished,
            recording,
            duration_s=recording.kept_s,
            talked_s=recording.talked_s,
        )

    def tell(self, kind: type[Any], recording: Recording, **fields: object) -> None:
        """Tell something about a recording, in order with what is told of that which it is of."""
        recording_id, on = recording.recording_id, recording.on
        topic = on.channel_id if isinstance(on, Channel) else on.bridge_id
        topics = (recording_id,) if recording.monitor_id else (recording_id, topic)
        self._tell(kind, *topics, recording_id=recording_id, **fields)
