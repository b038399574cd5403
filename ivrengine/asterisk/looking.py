"""What an Asterisk answers when it is asked what is alive: its lists of channels and bridges as one snapshot.

Read over HTTP, whatever else goes over the event socket: the list of 1,000 channels has 361 kB.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, TypeVar

import msgspec

from ivrengine.asterisk import translate, wire
from ivrengine.core import ids
from ivrengine.core.ids import BridgeId, ChannelId
from ivrengine.core.switching import Arrival, ChannelSeen, Presence, Snapshot

T = TypeVar("T")


class _Dialplan(msgspec.Struct):
    app_name: str = ""
    app_data: str = ""


class _Channel(msgspec.Struct):
    id: str
    state: str
    dialplan: _Dialplan
    name: str = ""


class _Bridge(msgspec.Struct):
    id: str
    channels: list[str]


class _Status(msgspec.Struct):
    startup_time: str


class _Info(msgspec.Struct):
    status: _Status


_channels: Final = msgspec.json.Decoder(list[_Channel])
_bridges: Final = msgspec.json.Decoder(list[_Bridge])
_info: Final = msgspec.json.Decoder(_Info)
PATHS: Final = ("asterisk/info?only=status", "channels", "bridges")
"""What has to be read for a snapshot, in this order."""


def snapshot(
    info: str, channels: str, bridges: str, *, node: translate.Node, application: str, at: datetime
) -> Snapshot:
    """Return the snapshot that the three answers make; raises ``NoAnswerError`` if they are not ARI's."""
    there = _decoded(_channels, channels)
    monitors = {channel.id for channel in there if channel.name.startswith(translate.MONITORS)}
    everywhere = [channel for channel in there if channel.id not in monitors]
    ours = {channel.id: channel for channel in everywhere if _is_ours(channel, application)}
    return Snapshot(
        at=at,
        node=node.name,
        started_at=_instant(_decoded(_info, info).status.startup_time),
        channels={
            ChannelId(ids.on_node(node.name, name)): _seen(channel, node, at)
            for name, channel in ours.items()
        },
        elsewhere=_named(node, (channel.id for channel in everywhere if channel.id not in ours)),
        bridges={
            BridgeId(ids.on_node(node.name, bridge.id)): _named(node, bridge.channels)
            for bridge in _decoded(_bridges, bridges)
            if bridge.id.startswith(ids.OURS)
        },
        monitors=_named(node, (name for name in monitors if name.startswith(ids.OURS))),
    )


def _decoded(decoder: "msgspec.json.Decoder[T]", body: str) -> T:
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise wire.NoAnswerError("an answer that is not ARI's") from error


def _instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise wire.NoAnswerError("an answer that is not ARI's") from error


def _named(node: translate.Node, names: Iterable[str]) -> frozenset[ChannelId]:
    return frozenset(ChannelId(ids.on_node(node.name, name)) for name in names)


def _is_ours(channel: _Channel, application: str) -> bool:
    """Tell whether a channel is in our application, or a phone that we dialled and that is not there yet."""
    if _in_application(channel, application):
        return True
    return channel.id.startswith(ids.OURS) and channel.state != "Up"


def _in_application(channel: _Channel, application: str) -> bool:
    dialplan = channel.dialplan
    return dialplan.app_name == "Stasis" and dialplan.app_data.split(",")[0] == application


def _seen(channel: _Channel, node: translate.Node, at: datetime) -> ChannelSeen:
    if channel.id.startswith(ids.OURS):
        return ChannelSeen(presence=Presence.UP if channel.state == "Up" else Presence.RINGING)
    presence = Presence.UP if channel.state == "Up" else Presence.WAITING
    raw = {"type": "StasisStart", "channel": {"id": channel.id}, "args": _arguments(channel)}
    fact = translate.translate(raw, node, at)
    return ChannelSeen(presence=presence, arrival=fact if isinstance(fact, Arrival) else None)


def _arguments(channel: _Channel) -> list[str]:
    return channel.dialplan.app_data.split(",")[1:]
