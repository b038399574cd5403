"""Names of things: every id that crosses a module boundary is one of these, never a bare ``str``.

Ids of things inside an Asterisk (channels, bridges, playbacks, recordings) begin with the name of the node they live on
(``ast1:1732213.7``), so that a request finds its node from the id alone.
"""

from typing import NewType

BrandId = NewType("BrandId", str)
CallId = NewType("CallId", str)
"""UUIDv7 of a call, made in the shell when the call arrives; also the ``stream_id`` of its events."""
FlowHash = NewType("FlowHash", str)
"""Content hash of a flow version: hex SHA-256 over the flow's text and the prompt texts it names."""
NodeName = NewType("NodeName", str)
"""Name of an Asterisk node in the settings (not of a node of a flow)."""
ChannelId = NewType("ChannelId", str)
BridgeId = NewType("BridgeId", str)
PlaybackId = NewType("PlaybackId", str)
RecordingId = NewType("RecordingId", str)
TimerId = NewType("TimerId", str)
RequestId = NewType("RequestId", str)
"""An inquiry of a call; unique among all calls, so that who is asked can tell a repeated request from a new one."""
MessageId = NewType("MessageId", str)
"""Id of a text message, made from its call: the same decision gives the same message."""
CallerKey = NewType("CallerKey", str)
"""Keyed HMAC of a caller's E.164 number, ``keyid:hex``; one key per brand."""
NumberId = NewType("NumberId", str)
"""UUIDv7 of an entry of the numbers vault."""

OURS = "ivr-"
"""Every id we choose begins so behind its node's name: what carries it is ours to adopt or destroy after a crash."""


def node_of(subject: str) -> NodeName:
    """Return the Asterisk node that the channel, bridge, playback or recording lives on."""
    return NodeName(subject.partition(":")[0])


def local_part(subject: str) -> str:
    """Return the id as that Asterisk itself knows it."""
    return subject.partition(":")[2]


def on_node(node: NodeName, local: str) -> str:
    """Return the id that names both the node and the thing on it."""
    return f"{node}:{local}"


def is_ours(subject: str) -> bool:
    """Tell whether the engine chose this id (and not Asterisk)."""
    return local_part(subject).startswith(OURS)
