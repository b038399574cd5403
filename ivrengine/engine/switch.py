"""The narrow port through which the engine commands a switch; an Asterisk node or the simulator is behind it."""

from collections.abc import Callable, Sequence
from typing import Protocol

from ivrengine.core.ids import BridgeId, ChannelId, NodeName, PlaybackId, RecordingId
from ivrengine.core.switching import Announcement, Snapshot, SwitchEvent

Listener = Callable[[SwitchEvent], None]
"""Called for each event in order; it must return at once (it only puts the event into a mailbox)."""


class Switch(Protocol):
    """One switch. Every request returns when the switch has accepted it, or raises ``RequestRefusedError``.

    Ids are the engine's own (``node:local``); those of playbacks, bridges, recordings and dialled channels are chosen by
    the caller before the request, so that an event can never be earlier than the knowledge of its id.
    """

    @property
    def node(self) -> NodeName:
        """The name under which the settings know this switch."""
        ...

    async def answer(self, channel_id: ChannelId) -> None:
        """Pick up an inbound channel."""
        ...

    async def play(
        self, channel_id: ChannelId, playback_id: PlaybackId, media: Sequence[str]
    ) -> None:
        """Start to play media URIs (``sound:…``) one after the other; ``PlaybackFinished`` comes once, at the end."""
        ...

    async def stop_playback(self, playback_id: PlaybackId) -> None:
        """Cut a playback short; ``PlaybackFinished`` follows."""
        ...

    async def start_music(self, channel_id: ChannelId, music: str) -> None:
        """Play music on hold of that class."""
        ...

    async def stop_music(self, channel_id: ChannelId) -> None:
        """End music on hold."""
        ...

    async def dial(
        self,
        channel_id: ChannelId,
        endpoint: str,
        *,
        ring_timeout_s: float,
        caller_id: str | None,
    ) -> None:
        """Ring ``endpoint`` (``PJSIP/agent-101``); then ``LegRinging``, ``LegAnswered`` or ``ChannelEnded`` with its cause."""
        ...

    async def create_bridge(self, bridge_id: BridgeId) -> None:
        """Create a mixing bridge that passes DTMF events; an existing one of that id is no error."""
        ...

    async def add_to_bridge(self, bridge_id: BridgeId, channel_ids: Sequence[ChannelId]) -> None:
        """Put channels into a bridge."""
        ...

    async def remove_from_bridge(
        self, bridge_id: BridgeId, channel_ids: Sequence[ChannelId]
    ) -> None:
        """Take channels out of a bridge."""
        ...

    async def destroy_bridge(self, bridge_id: BridgeId, frees: ChannelId | None = None) -> None:
        """Remove a bridge; one that does not exist is refused as gone.

        What is played at once to a channel that was inside is lost, and no event tells of it: not so to the one that this
        ``frees``. For all others ``BridgeLeft`` says when they can be played to.
        """
        ...

    async def start_recording(
        self,
        recording_id: RecordingId,
        target: ChannelId | BridgeId,
        *,
        limit_s: float,
        max_silence_s: float | None = None,
    ) -> None:
        """Record a channel or a bridge; ``RecordingStarted``, then ``RecordingFinished``, or ``RecordingFailed``.

        It ends at its limit, after ``max_silence_s`` of silence, or with its channel or bridge; no key ends it.
        """
        ...

    async def stop_recording(self, recording_id: RecordingId) -> None:
        """End a recording and keep it."""
        ...

    async def discard_recording(self, recording_id: RecordingId) -> None:
        """Delete a recording that has ended; ``recording:`` with the local part of its id is a medium until then."""
        ...

    async def monitor(
        self,
        recording_id: RecordingId,
        monitor_id: ChannelId,
        channel_id: ChannelId,
        *,
        limit_s: float,
    ) -> None:
        """Record what a channel says and hears, wherever it is, through a channel ``monitor_id``, of which no event tells.

        Prompts and bridges go on meanwhile. It ends when ``monitor_id`` is hung up, or with the channel; at its limit only
        the recording does.
        """
        ...

    async def pause_recording(self, recording_id: RecordingId) -> None:
        """Let a recording miss what follows; a second time changes nothing."""
        ...

    async def resume_recording(self, recording_id: RecordingId) -> None:
        """Let a paused recording go on; a second time changes nothing."""
        ...

    async def hang_up(self, channel_id: ChannelId) -> None:
        """End a channel; ``ChannelEnded`` follows."""
        ...

    async def send_to_fallback(self, channel_id: ChannelId) -> None:
        """Hand the channel to the dialplan's fallback context; ``ChannelLeft`` follows."""
        ...

    async def snapshot(self) -> Snapshot:
        """Return what is alive there; events told before the request went out are in it, later ones may be."""
        ...

    async def announce(self, announcement: Announcement) -> None:
        """Let the dialplan know that the engine lives and what it may be given; it forgets after a few seconds."""
        ...
