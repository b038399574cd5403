"""What the simulated switch answers when it is asked what is alive."""

from datetime import UTC, datetime

from ivrengine.core import ids, switching
from ivrengine.core.ids import ChannelId
from ivrengine.core.switching import ChannelSeen, Presence, Snapshot
from ivrengine.sim.channel import Channel, Place
from ivrengine.sim.exchange import Exchange


def snapshot(exchange: Exchange, node: ids.NodeName, at: datetime) -> Snapshot:
    """Return what is alive in the exchange."""
    return Snapshot(
        at=at,
        node=node,
        started_at=datetime.fromtimestamp(exchange.epoch, UTC),
        channels={
            channel_id: _seen(channel, at)
            for channel_id, channel in exchange.channels.items()
            if channel.place is not Place.ELSEWHERE
        },
        elsewhere=frozenset(_elsewhere(exchange)),
        bridges={
            bridge_id: frozenset(channel.channel_id for channel in bridge.channels)
            for bridge_id, bridge in exchange.bridges.items()
            if ids.is_ours(bridge_id)
        },
        monitors=frozenset(exchange.recordings.monitors),
    )


def _elsewhere(exchange: Exchange) -> list[ChannelId]:
    return [
        channel_id
        for channel_id, channel in exchange.channels.items()
        if channel.place is Place.ELSEWHERE
    ]


def _seen(channel: Channel, at: datetime) -> ChannelSeen:
    if channel.place is Place.RINGING:
        return ChannelSeen(presence=Presence.RINGING)
    presence = Presence.UP if channel.up else Presence.WAITING
    if channel.inbound is None:
        return ChannelSeen(presence=presence)
    did, number = channel.inbound
    arrival = switching.Arrival(at=at, channel_id=channel.channel_id, did=did, number=number)
    return ChannelSeen(presence=presence, arrival=arrival)
