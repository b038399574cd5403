"""What the tests of the suite do again and again, and how they speak of order."""

import itertools
import os
from collections.abc import Sequence
from typing import Final

from ivrengine.core.ids import (
    OURS,
    BridgeId,
    ChannelId,
    PlaybackId,
    RecordingId,
    on_node,
)
from ivrengine.core.switching import Arrival, SwitchEvent
from tests.contract.world import Caller, World

_RUN: Final = os.urandom(4).hex()
"""An Asterisk outlives a run of the suite, and keeps recordings: names must not come again."""
_SERIAL: Final = itertools.count(1)


def _fresh(world: World, letter: str) -> str:
    return on_node(world.switch.node, f"{OURS}{_RUN}-{letter}{next(_SERIAL)}")


def new_playback(world: World) -> PlaybackId:
    return PlaybackId(_fresh(world, "p"))


def new_leg(world: World) -> ChannelId:
    return ChannelId(_fresh(world, "l"))


def new_monitor(world: World) -> ChannelId:
    return ChannelId(_fresh(world, "m"))


def new_bridge(world: World) -> BridgeId:
    return BridgeId(_fresh(world, "b"))


def new_recording(world: World) -> RecordingId:
    return RecordingId(_fresh(world, "r"))


async def arrived(world: World) -> tuple[Caller, ChannelId]:
    """Let somebody call; return them and their channel, not answered yet."""
    known = {event.channel_id for event in world.events if isinstance(event, Arrival)}
    caller = await world.call()
    arrival = await world.event(Arrival, lambda event: event.channel_id not in known)
    return caller, arrival.channel_id


async def talking(world: World) -> tuple[Caller, ChannelId]:
    """Let somebody call, and answer them."""
    caller, channel = await arrived(world)
    await world.switch.answer(channel)
    await caller.answered()
    return caller, channel


def assert_order(events: Sequence[SwitchEvent], *wanted: SwitchEvent) -> None:
    """Assert that events were told in this order; what was told between them does not matter."""
    places = [next(at for at, event in enumerate(events) if event is each) for each in wanted]
    assert places == sorted(places), [type(event).__name__ for event in events]


def of_channel(events: Sequence[SwitchEvent], channel_id: ChannelId) -> list[SwitchEvent]:
    """Return what was told of one channel."""
    return [event for event in events if getattr(event, "channel_id", None) == channel_id]
