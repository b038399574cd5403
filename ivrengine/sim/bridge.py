"""A mixing bridge of the simulated switch."""

from ivrengine.core.ids import BridgeId
from ivrengine.sim.channel import Channel


class Bridge:
    """Who hears whom."""

    __slots__ = ("bridge_id", "channels")

    def __init__(self, bridge_id: BridgeId) -> None:
        self.bridge_id = bridge_id
        self.channels: list[Channel] = []

    def join(self, channel: Channel) -> None:
        """Let the channel in."""
        self.channels.append(channel)
        channel.bridge = self
        self._mix()

    def leave(self, channel: Channel) -> None:
        """Let it out."""
        self.channels.remove(channel)
        channel.bridge = None
        channel.talk_with([])
        self._mix()

    def _mix(self) -> None:
        for channel in self.channels:
            others = [other.party.name for other in self.channels if other is not channel]
            channel.talk_with(others)
