"""What is alive on a switch, held against the calls that we know: one verdict for each that does not agree; pure.

After a gap (the link was down, or the engine was not there) this is the only way to know what happened meanwhile.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Self, assert_never

from ivrengine.core import ids
from ivrengine.core.call import Call, Phase
from ivrengine.core.events import ChannelEnded, ChannelLeft, LegSeen, UnheardEnd
from ivrengine.core.ids import BridgeId, ChannelId
from ivrengine.core.switching import Arrival, ChannelSeen, OfACall, Presence, Snapshot


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GoesOn:
    """A call's caller is there, and this is how the rest of it stands."""

    call: Call
    answered: bool
    leg: LegSeen
    joined: bool
    astray: BridgeId | None = None
    """A bridge of ours that the caller is in, and that no call wants any more."""

    @property
    def amiss(self) -> bool:
        """Whether the call takes something for there that is not, or for not there that is."""
        if self.astray is not None:
            return True
        cursor = self.call.cursor
        talks = self.call.phase is Phase.TALKING
        return cursor.leg_id is not None and (self.leg is LegSeen.NONE or self.joined is not talks)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A call's caller is nowhere."""

    channel_id: ChannelId
    reason: UnheardEnd


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A call's caller is there, but not with us."""

    channel_id: ChannelId


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Unserved:
    """Somebody waits to be answered, and no call of ours knows them."""

    arrival: Arrival


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Forsaken:
    """Somebody was answered, and no call of ours knows them: a person has to see to it."""

    channel_id: ChannelId


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StrayLeg:
    """A phone that we dialled, and that no call wants any more."""

    channel_id: ChannelId


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StrayBridge:
    """A bridge of ours that no call wants any more."""

    bridge_id: BridgeId


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StrayMonitor:
    """A channel through which another is recorded, and that no call wants any more."""

    channel_id: ChannelId


Stranger = Unserved | Forsaken
"""Somebody whose arrival may only be told late."""
Stray = Unserved | Forsaken | StrayLeg | StrayBridge | StrayMonitor
"""What is there and belongs to no call."""
Verdict = GoesOn | Ended | Left | Stray
Subject = tuple[type[Verdict], str, int]
"""A verdict's kind and what it is about: a channel or bridge, and for a call the number of the step that it had reached."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the events say that came while the switch was asked: whom they tell of needs no verdict."""

    arrived: frozenset[ChannelId] = frozenset()
    gone: frozenset[ChannelId] = frozenset()

    @classmethod
    def by(cls, heard: Iterable[OfACall]) -> Self:
        """Return who arrived and who went by these events."""
        arrived, gone = set(), set()
        for event in heard:
            match event:
                case Arrival():
                    arrived.add(event.channel_id)
                case ChannelEnded() | ChannelLeft():
                    gone.add(event.channel_id)
                case _:
                    pass
        return cls(arrived=frozenset(arrived), gone=frozenset(gone))


NOTHING_TOLD = Told()
Known = Mapping[ChannelId, Call | None]
"""The open calls by their callers' channels; None for one whose first step is still to be decided."""


def compare(found: Snapshot, known: Known, told: Told = NOTHING_TOLD) -> Iterator[Verdict]:
    """Yield a verdict for each call, and for each channel and bridge that belongs to none."""
    calls = [call for call in known.values() if call is not None]
    bridges = _unwanted(found, calls)
    for call in calls:
        if call.channel_id in found.channels:
            astray = _astray(call, found, bridges)
            bridges -= {astray}
            yield _goes_on(found, call, told, astray)
        elif call.channel_id not in told.gone:
            yield _parted(found, call)
    legs = {call.cursor.leg_id for call in calls}
    for channel_id, seen in found.channels.items():
        if channel_id not in known and channel_id not in legs:
            yield from _unknown(channel_id, seen, told)
    for bridge_id in bridges:
        yield StrayBridge(bridge_id=bridge_id)
    monitors = {call.recording.monitor_id for call in calls if call.recording is not None}
    for channel_id in found.monitors - monitors:
        yield StrayMonitor(channel_id=channel_id)


def _unwanted(found: Snapshot, calls: list[Call]) -> set[BridgeId]:
    """Return the bridges that no call wants, and that nobody has taken over from us."""
    wanted = {call.cursor.bridge_id for call in calls}
    return {
        bridge_id
        for bridge_id, inside in found.bridges.items()
        if bridge_id not in wanted and inside.isdisjoint(found.elsewhere)
    }


def _astray(call: Call, found: Snapshot, unwanted: Iterable[BridgeId]) -> BridgeId | None:
    """Return which of these bridges the caller is in; not one who is taken leave of, and hears no prompt any more."""
    if call.phase is Phase.LEAVING:
        return None
    return next((it for it in unwanted if call.channel_id in found.bridges[it]), None)


def _goes_on(found: Snapshot, call: Call, told: Told, astray: BridgeId | None) -> GoesOn:
    inside = found.bridges.get(call.cursor.bridge_id) if call.cursor.bridge_id else None
    both = {call.channel_id, call.cursor.leg_id}
    return GoesOn(
        call=call,
        answered=found.channels[call.channel_id].presence is Presence.UP,
        leg=_leg(found, call, told),
        joined=inside is not None and both <= inside,
        astray=astray,
    )


def _leg(found: Snapshot, call: Call, told: Told) -> LegSeen:
    """Return how far the leg is; one that ended just now while it rang is still to be told, with its cause."""
    leg_id = call.cursor.leg_id
    if leg_id is None:
        return LegSeen.NONE
    seen = found.channels.get(leg_id)
    if seen is None:
        ended_ringing = leg_id in told.gone and call.cursor.bridge_id is None
        return LegSeen.RINGING if ended_ringing else LegSeen.NONE
    match seen.presence:
        case Presence.UP:
            return LegSeen.UP
        case Presence.RINGING | Presence.WAITING:
            return LegSeen.RINGING
        case _:
            assert_never(seen.presence)


def _parted(found: Snapshot, call: Call) -> Ended | Left:
    if call.channel_id in found.elsewhere:
        return Left(channel_id=call.channel_id)
    restarted = found.started_at > call.arrived_at
    reason = UnheardEnd.PBX_RESTART if restarted else UnheardEnd.ENDED_WHILE_DISCONNECTED
    return Ended(channel_id=call.channel_id, reason=reason)


def _unknown(channel_id: ChannelId, seen: ChannelSeen, told: Told) -> Iterator[Verdict]:
    if channel_id in told.gone or channel_id in told.arrived:
        return
    if ids.is_ours(channel_id):
        yield StrayLeg(channel_id=channel_id)
    elif seen.presence is Presence.WAITING and seen.arrival is not None:
        yield Unserved(arrival=seen.arrival)
    else:
        yield Forsaken(channel_id=channel_id)


def caller_of(stranger: Stranger) -> ChannelId:
    """Return who it is."""
    return stranger.arrival.channel_id if isinstance(stranger, Unserved) else stranger.channel_id


def subject(verdict: Verdict) -> Subject:
    """Return what two verdicts have in common that say the same of the same thing as it stood."""
    match verdict:
        case GoesOn():
            return GoesOn, verdict.call.channel_id, verdict.call.serial
        case Unserved():
            return Unserved, verdict.arrival.channel_id, 0
        case StrayBridge():
            return StrayBridge, verdict.bridge_id, 0
        case Ended() | Left() | Forsaken() | StrayLeg() | StrayMonitor():
            return type(verdict), verdict.channel_id, 0
        case _:
            assert_never(verdict)
