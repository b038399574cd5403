"""From what Asterisk says to what the core knows: one raw ARI event in, one fact or nothing out.

Hop 2 of a call's way. Pure, and never raises: whatever a frame holds, it is a fact, of no interest, or ``Garbled``.
Numbers are normalised here and nowhere else. Shapes are those of Asterisk's ``rest-api/api-docs/events.json``.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from ivrengine.core import events, ids
from ivrengine.core.switching import Arrival, DigitHeard
from ivrengine.numbers import normal

RawEvent = Mapping[str, Any]

TEXT_MAX: Final = 512
"""No id or number that Asterisk makes is longer (its channel ids end at 150 characters): the rest is an attack or a bug."""
DIGITS: Final = frozenset("0123456789*#ABCD")
MONITORS: Final = "Snoop/"
"""How Asterisk calls channels that listen to others."""
CAUSE_MAX: Final = 127
"""Q.850 causes have seven bits."""
DURATION_MAX_S: Final = 86_400.0
"""No recording of ours is longer than a day."""
NORMAL: Final = 16
NO_ANSWER: Final = 19
UNSPECIFIED: Final = 31
_EPOCH: Final = re.compile(r"[1-9][0-9]{8,9}", re.ASCII)
_NOT_HANGUPS: Final = frozenset({2, 64})
"""Soft hang-ups that only move a channel: ASYNCGOTO and UNBRIDGE of Asterisk's ``channel.h``."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What the translation must know of the node that speaks."""

    name: ids.NodeName
    country: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Keyed:
    """A digit, with the stamp by which Asterisk tells one key press from the same one told twice."""

    heard: DigitHeard
    stamp: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HangupAsked:
    """A channel is about to end: somebody hung up. Of inbound channels nothing says so later (see ``hearing.py``)."""

    channel_id: ids.ChannelId
    cause: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StasisLeft:
    """A channel is no longer in our application: because it ended, or because it went on elsewhere."""

    at: datetime
    channel_id: ids.ChannelId


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stranded:
    """A channel came into our application in a way that no flow serves; left alone it would be silent for ever."""

    channel_id: ids.ChannelId


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MonitorReady:
    """A channel that listens to another came into our application: from now on it can record. The door's own affair."""

    channel_id: ids.ChannelId


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """Another connection has taken our application over; Asterisk sends us nothing more."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Garbled:
    """A frame that lacks what its type promises; ``kind`` is a type that we know, or ``unknown``."""

    kind: str


Fact = (
    Arrival
    | events.CallEvent
    | Keyed
    | HangupAsked
    | StasisLeft
    | Stranded
    | MonitorReady
    | Replaced
    | Garbled
)


class _GarbledError(Exception):
    """A field is missing or is not what it must be."""


def translate(raw: RawEvent, node: Node, at: datetime) -> Fact | None:
    """Return what a raw event means, None if it means nothing to us; ``at`` is the engine clock's instant."""
    kind = raw.get("type")
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        return None if isinstance(kind, str) else Garbled(kind="unknown")
    try:
        if _is_of_monitor(raw):
            ready = kind == "StasisStart"
            return MonitorReady(channel_id=_channel_id(raw, node)) if ready else None
        return reader(raw, node, at)
    except _GarbledError:
        return Garbled(kind=str(kind))


def _is_of_monitor(raw: RawEvent) -> bool:
    """Tell whether an event is about a channel that only records another: neither a caller nor a phone, and never to be so."""
    channel = raw.get("channel")
    name = channel.get("name") if isinstance(channel, dict) else None
    return isinstance(name, str) and name.startswith(MONITORS)


def _stasis_start(raw: RawEvent, node: Node, at: datetime) -> Fact:
    channel_id = _channel_id(raw, node)
    args = raw.get("args")
    match args:
        case ["inbound", str(did), str(number), str(presentation), *more]:
            routed = normal.did(did[: normal.RAW_MAX], node.country)
            if not routed:
                return Stranded(channel_id=channel_id)
            shown = normal.e164(number, node.country) if presentation == "allowed" else None
            since_at = _waiting_since(more, at)
            return Arrival(
                at=at, channel_id=channel_id, did=routed, number=shown, waiting_since_at=since_at
            )
        case ["leg", *_] if ids.is_ours(channel_id):
            return events.LegAnswered(at=at, channel_id=channel_id)
        case _:
            return Stranded(channel_id=channel_id)


def _waiting_since(more: list[Any], at: datetime) -> datetime | None:
    """Return since when a caller waits who was taken back from the fallback queue; None for all others."""
    match more:
        case [str(epoch), *_] if _EPOCH.fullmatch(epoch):
            return min(datetime.fromtimestamp(int(epoch), UTC), at)
        case _:
            return None


def _stasis_end(raw: RawEvent, node: Node, at: datetime) -> Fact:
    return StasisLeft(at=at, channel_id=_channel_id(raw, node))


def _hangup_request(raw: RawEvent, node: Node, _at: datetime) -> Fact | None:
    # With "soft" the number is a flag of Asterisk's own (32: explicit), without it is a Q.850 cause or 0.
    soft, cause = raw.get("soft") is True, _cause(raw, NORMAL)
    if soft and cause in _NOT_HANGUPS:
        return None
    return HangupAsked(channel_id=_channel_id(raw, node), cause=NORMAL if soft else cause)


def _destroyed(raw: RawEvent, node: Node, at: datetime) -> Fact:
    # 22.10 says 19 when a phone rang out; without a cause the last state tells the same.
    channel_id = _channel_id(raw, node)
    unknown = NO_ANSWER if raw["channel"].get("state") == "Ringing" else UNSPECIFIED
    return events.ChannelEnded(at=at, channel_id=channel_id, cause=_cause(raw, unknown))


def _state_change(raw: RawEvent, node: Node, at: datetime) -> Fact | None:
    channel_id = _channel_id(raw, node)
    if _text(raw, "channel", "state") == "Ringing" and ids.is_ours(channel_id):
        return events.LegRinging(at=at, channel_id=channel_id)
    return None


def _dtmf(raw: RawEvent, node: Node, at: datetime) -> Fact:
    digit = _text(raw, "digit").upper()
    if digit not in DIGITS:
        raise _GarbledError
    heard = DigitHeard(at=at, channel_id=_channel_id(raw, node), digit=digit)
    return Keyed(heard=heard, stamp=_text(raw, "timestamp"))


def _playback_finished(raw: RawEvent, node: Node, at: datetime) -> Fact:
    playback_id = ids.PlaybackId(ids.on_node(node.name, _text(raw, "playback", "id")))
    completed = _text(raw, "playback", "state") == "done"
    return events.PlaybackFinished(at=at, playback_id=playback_id, completed=completed)


def _entered_bridge(raw: RawEvent, node: Node, at: datetime) -> Fact:
    bridge_id, channel_id = _bridge_id(raw, node), _channel_id(raw, node)
    return events.BridgeJoined(at=at, bridge_id=bridge_id, channel_id=channel_id)


def _left_bridge(raw: RawEvent, node: Node, at: datetime) -> Fact:
    bridge_id, channel_id = _bridge_id(raw, node), _channel_id(raw, node)
    return events.BridgeLeft(at=at, bridge_id=bridge_id, channel_id=channel_id)


def _recording_finished(raw: RawEvent, node: Node, at: datetime) -> Fact:
    recording_id = _recording_id(raw, node)
    # That it ended must not be lost for the sake of a number.
    return events.RecordingFinished(
        at=at,
        recording_id=recording_id,
        duration_s=_duration_s(raw, "duration") or 0.0,
        talked_s=_duration_s(raw, "talking_duration"),
    )


def _duration_s(raw: RawEvent, name: str) -> float | None:
    duration = raw["recording"].get(name)
    known = isinstance(duration, int | float) and 0 <= duration <= DURATION_MAX_S
    return float(duration) if known else None


def _recording_started(raw: RawEvent, node: Node, at: datetime) -> Fact:
    return events.RecordingStarted(at=at, recording_id=_recording_id(raw, node))


def _recording_failed(raw: RawEvent, node: Node, at: datetime) -> Fact:
    return events.RecordingFailed(at=at, recording_id=_recording_id(raw, node))


def _replaced(_raw: RawEvent, _node: Node, _at: datetime) -> Fact:
    return Replaced()


_READERS: Final[Mapping[str, Callable[[RawEvent, Node, datetime], Fact | None]]] = {
    "StasisStart": _stasis_start,
    "StasisEnd": _stasis_end,
    "ChannelHangupRequest": _hangup_request,
    "ChannelDestroyed": _destroyed,
    "ChannelStateChange": _state_change,
    "ChannelDtmfReceived": _dtmf,
    "PlaybackFinished": _playback_finished,
    "ChannelEnteredBridge": _entered_bridge,
    "ChannelLeftBridge": _left_bridge,
    "RecordingStarted": _recording_started,
    "RecordingFinished": _recording_finished,
    "RecordingFailed": _recording_failed,
    "ApplicationReplaced": _replaced,
}
WANTED: Final = tuple(_READERS)
"""The types of events that mean anything to us; Asterisk is asked to send no others."""


def _text(raw: RawEvent, *path: str) -> str:
    """Return the text at the end of the path: not empty, of sane length, printable."""
    found: Any = raw
    for key in path:
        if not isinstance(found, dict):  # ``Mapping`` takes four times as long to ask
            raise _GarbledError
        found = found.get(key)
    if not isinstance(found, str) or not 0 < len(found) <= TEXT_MAX or not found.isprintable():
        raise _GarbledError
    return found


def _channel_id(raw: RawEvent, node: Node) -> ids.ChannelId:
    return ids.ChannelId(ids.on_node(node.name, _text(raw, "channel", "id")))


def _bridge_id(raw: RawEvent, node: Node) -> ids.BridgeId:
    return ids.BridgeId(ids.on_node(node.name, _text(raw, "bridge", "id")))


def _recording_id(raw: RawEvent, node: Node) -> ids.RecordingId:
    return ids.RecordingId(ids.on_node(node.name, _text(raw, "recording", "name")))


def _cause(raw: RawEvent, unknown: int) -> int:
    """Return the event's cause; ``unknown`` where Asterisk tells none (0), or none that can be."""
    cause = raw.get("cause")
    return cause if isinstance(cause, int) and 0 < cause <= CAUSE_MAX else unknown
