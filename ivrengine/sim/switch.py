"""The simulated switch as the engine commands it: the same protocol as the door to Asterisk, over a simulated exchange.

Simulated time is the time of the running event loop: virtual on the loop of ``clock``, real on any other.
"""

import asyncio
import contextlib
import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final, NoReturn

from ivrengine.core import switching
from ivrengine.core.events import Failure
from ivrengine.core.ids import BridgeId, ChannelId, NodeName, PlaybackId, RecordingId
from ivrengine.core.switching import RequestRefusedError
from ivrengine.sim import chance, looking
from ivrengine.sim.caller import Caller
from ivrengine.sim.delivery import TICK_S, Delivery
from ivrengine.sim.exchange import Exchange, Turns
from ivrengine.sim.faults import Faults
from ivrengine.sim.phones import Phone
from ivrengine.sim.recording import Terms
from ivrengine.sim.script import SILENT, Script

HALF: Final = 0.5
REQUEST_LIMIT_S: Final = 3.0
"""A request without an answer by then fails as ``UNAVAILABLE``: the limit that the door to Asterisk has, too."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """How late things are at most; each time by chance between nothing and this."""

    event_s: float = 0.004
    """From what happens to our being told (22.10.1 on 2 cores: p50 1.4 ms, p99 4.2 ms)."""
    request_s: float = 0.002
    """From a request to its answer, on a good day."""


NO_DELAYS: Final = Delays(event_s=0.0, request_s=0.0)
"""Everything happens at the instant it is asked for: what a test of timing wants."""


class SimSwitch:
    """A switch in this process. Make it while the event loop runs, then ``start`` it."""

    def __init__(
        self,
        *,
        listener: Callable[[switching.SwitchEvent], None],
        now: Callable[[], datetime],
        duration_s: Callable[[str], float | None],
        seed: int = 0,
        node: str = "sim",
        phones: Iterable[Phone] = (),
        delays: Delays = Delays(),
    ) -> None:
        """Make a switch whose people and faults follow from the seed.

        ``duration_s`` gives the seconds that a medium lasts, or None for one that does not exist.
        """
        self.counts: Counter[str] = Counter()
        """What happened so far: requests, refused, slow; events, lost, doubled, late, unheard (told to a dead link)."""
        self.phones = {phone.endpoint: phone for phone in phones}
        self._node = NodeName(node)
        self._now = now
        self._chance = chance.source(seed, "requests")
        self._latency_s = delays.request_s
        self._delivery = Delivery(
            listener=listener,
            now=now,
            chance=chance.source(seed, "delivery"),
            jitter_s=delays.event_s,
            counts=self.counts,
        )
        self.exchange = Exchange(
            node=self._node,
            tell=self._delivery.tell,
            duration_s=duration_s,
            phones=self.phones,
            first_channel=int(now().timestamp()),
        )
        self._requests_pass = True

    @property
    def node(self) -> NodeName:
        """The name under which the settings know this switch."""
        return self._node

    @property
    def in_touch(self) -> bool:
        """Whether events reach the engine and requests the switch."""
        return self._delivery.link_up and self._requests_pass

    @property
    def faults(self) -> Faults:
        """What goes wrong at present; assign another to change it."""
        return self._delivery.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._delivery.faults = faults

    def start(self) -> None:
        """Bring the link up: from now on callers reach the application."""
        self._delivery.link_up = True
        self.exchange.app_there = True
        self._requests_pass = True
        self._delivery.at_once(switching.LinkUp(at=self._now(), node=self._node))

    def drop_link(self, reason: str = "injected", *, requests_too: bool = False) -> None:
        """Break the link: calls go on, nobody is told, new callers go to the fallback; ``start`` mends it.

        Requests still reach Asterisk when only the event socket is gone, and so they do here unless ``requests_too``.
        """
        self._delivery.at_once(switching.LinkDown(at=self._now(), node=self._node, reason=reason))
        self.lose_engine()
        self._requests_pass = not requests_too

    def lose_engine(self) -> None:
        """Let the engine be gone: what is on its way to it is lost, and whoever calls is left to the dialplan."""
        self._delivery.cut()
        self.exchange.app_there = False

    def go_deaf(self) -> None:
        """Break the link so that neither side notices: no event comes, no request is answered, and callers still enter.

        ``drop_link`` is how it is noticed in the end.
        """
        self._delivery.cut()
        self._requests_pass = False

    def restart(self) -> None:
        """Let the switch's process die and begin again: everything in it is gone, and of that nothing is told.

        The link breaks with it; ``start`` mends it.
        """
        self.drop_link("restarted", requests_too=True)
        self.exchange.restart(int(self._now().timestamp()))

    def call(self, did: str, *, number: str | None = None, script: Script = SILENT) -> Caller:
        """Let somebody call: from a number in E.164, or with it withheld (None)."""
        caller = self.prepare(did, number=number, script=script)
        caller.call()
        return caller

    def prepare(self, did: str, *, number: str | None = None, script: Script = SILENT) -> Caller:
        """Return somebody who is about to call, for whoever wants to listen in from the beginning."""
        return Caller(self.exchange, did=did, number=number, script=script)

    async def answer(self, channel_id: ChannelId) -> None:
        """Pick up an inbound channel."""
        await self._request("answer", lambda: self.exchange.answer(channel_id))

    async def play(
        self, channel_id: ChannelId, playback_id: PlaybackId, media: Sequence[str]
    ) -> None:
        """Start to play media one after the other."""
        await self._request("play", lambda: self.exchange.play(channel_id, playback_id, media))

    async def stop_playback(self, playback_id: PlaybackId) -> None:
        """Cut a playback short."""
        await self._request("stop_playback", lambda: self.exchange.stop_playback(playback_id))

    async def start_music(self, channel_id: ChannelId, music: str) -> None:
        """Play music on hold."""
        await self._request("start_music", lambda: self.exchange.start_music(channel_id, music))

    async def stop_music(self, channel_id: ChannelId) -> None:
        """End music on hold."""
        await self._request("stop_music", lambda: self.exchange.stop_music(channel_id))

    async def dial(
        self,
        channel_id: ChannelId,
        endpoint: str,
        *,
        ring_timeout_s: float,
        caller_id: str | None,
    ) -> None:
        """Ring a phone."""
        await self._request(
            "dial",
            lambda: self.exchange.dial(
                channel_id, endpoint, ring_timeout_s=ring_timeout_s, shown=caller_id
            ),
        )

    async def create_bridge(self, bridge_id: BridgeId) -> None:
        """Create a mixing bridge."""
        await self._request("create_bridge", lambda: self.exchange.create_bridge(bridge_id))

    async def add_to_bridge(self, bridge_id: BridgeId, channel_ids: Sequence[ChannelId]) -> None:
        """Put channels into a bridge."""
        await self._request(
            "add_to_bridge", lambda: self.exchange.add_to_bridge(bridge_id, channel_ids)
        )

    async def remove_from_bridge(
        self, bridge_id: BridgeId, channel_ids: Sequence[ChannelId]
    ) -> None:
        """Take channels out of a bridge."""
        await self._request(
            "remove_from_bridge", lambda: self.exchange.remove_from_bridge(bridge_id, channel_ids)
        )

    async def destroy_bridge(self, bridge_id: BridgeId, frees: ChannelId | None = None) -> None:
        """Remove a bridge."""
        await self._request(
            "destroy_bridge", lambda: self.exchange.destroy_bridge(bridge_id, frees)
        )

    async def start_recording(
        self,
        recording_id: RecordingId,
        target: ChannelId | BridgeId,
        *,
        limit_s: float,
        max_silence_s: float | None = None,
    ) -> None:
        """Record a channel or a bridge."""
        terms = Terms(limit_s=limit_s, max_silence_s=max_silence_s)
        await self._request(
            "start_recording", lambda: self.exchange.start_recording(recording_id, target, terms)
        )

    async def stop_recording(self, recording_id: RecordingId) -> None:
        """End a recording and keep it."""
        recordings = self.exchange.recordings
        await self._request("stop_recording", lambda: recordings.stop(recording_id))

    async def discard_recording(self, recording_id: RecordingId) -> None:
        """Delete a recording that has ended."""
        recordings = self.exchange.recordings
        await self._request("discard_recording", lambda: recordings.discard(recording_id))

    async def monitor(
        self,
        recording_id: RecordingId,
        monitor_id: ChannelId,
        channel_id: ChannelId,
        *,
        limit_s: float,
    ) -> None:
        """Record all that a channel says and hears."""
        terms = Terms(limit_s=limit_s)
        await self._request(
            "monitor",
            lambda: self.exchange.monitor(recording_id, monitor_id, channel_id, terms),
        )

    async def pause_recording(self, recording_id: RecordingId) -> None:
        """Let a recording miss what follows."""
        recordings = self.exchange.recordings
        await self._request("pause_recording", lambda: recordings.pause(recording_id))

    async def resume_recording(self, recording_id: RecordingId) -> None:
        """Let a paused recording go on."""
        recordings = self.exchange.recordings
        await self._request("resume_recording", lambda: recordings.resume(recording_id))

    async def hang_up(self, channel_id: ChannelId) -> None:
        """End a channel."""
        await self._request("hang_up", lambda: self.exchange.hang_up(channel_id))

    async def send_to_fallback(self, channel_id: ChannelId) -> None:
        """Hand the channel to the dialplan's fallback."""
        await self._request("send_to_fallback", lambda: self.exchange.send_to_fallback(channel_id))

    async def snapshot(self) -> switching.Snapshot:
        """Return what is alive."""
        found: list[switching.Snapshot] = []
        await self._request("snapshot", lambda: found.append(self._look()))
        return found[0]

    def _look(self) -> switching.Snapshot:
        return looking.snapshot(self.exchange, self._node, self._now())

    async def announce(self, announcement: switching.Announcement) -> None:
        """Let the exchange know that the engine lives."""
        await self._request("announce", lambda: self.exchange.announced(announcement))

    async def _request(self, name: str, act: Callable[[], Turns | None]) -> None:
        """Bring a request to the exchange and its answer back; half of the time goes into either way, by chance."""
        self.counts["requests"] += 1
        failure = self._drawn_failure(name, self.counts["requests"])
        latency_s = self._drawn_latency_s()
        arrives_late = self._chance.random() < HALF
        if arrives_late and latency_s:
            await asyncio.sleep(latency_s)
        try:
            if failure is not None:
                self._fail(failure, act)
            await _done(act())
        except RequestRefusedError:
            self.counts["refused"] += 1
            raise
        finally:
            if not arrives_late and latency_s:
                await asyncio.sleep(latency_s)

    def _fail(self, failure: Failure, act: Callable[[], Turns | None]) -> NoReturn:
        """Fail as injected; a request that got no answer may have been done."""
        if failure is Failure.UNAVAILABLE and self._chance.random() < HALF:
            with contextlib.suppress(
                RequestRefusedError
            ):  # the switch refused it, and nobody heard
                act()
        raise RequestRefusedError(failure, "injected")

    def _drawn_failure(self, name: str, ordinal: int) -> Failure | None:
        if not self._requests_pass:
            return Failure.UNAVAILABLE
        faults = self.faults
        if ordinal in faults.refuse_at:
            return faults.refuse_at[ordinal]
        if not faults.refuse or (faults.refuse_only is not None and name not in faults.refuse_only):
            return None
        drawn = self._chance.random()
        for failure, share in faults.refuse.items():
            if drawn < share:
                return failure
            drawn -= share
        return None

    def _drawn_latency_s(self) -> float:
        latency_s = self._chance.random() * self._latency_s
        if self.faults.slow > 0 and self._chance.random() < self.faults.slow:
            self.counts["slow"] += 1
            latency_s += self._chance.random() * self.faults.slow_s
        return int(latency_s / TICK_S) * TICK_S


async def _done(turns: Turns | None) -> None:
    if not turns:
        return
    try:
        async with asyncio.timeout(REQUEST_LIMIT_S):
            for turn in turns:
                await turn
    except TimeoutError:
        raise RequestRefusedError(Failure.UNAVAILABLE, "no answer in time") from None
