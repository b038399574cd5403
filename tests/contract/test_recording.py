"""Recordings: how they end, and what they keep a channel from."""

import asyncio

import pytest

from ivrengine.core.events import (
    BridgeJoined,
    ChannelEnded,
    Failure,
    PlaybackFinished,
    RecordingFailed,
    RecordingFinished,
)
from ivrengine.core.switching import RequestRefusedError
from tests.contract.steps import (
    assert_order,
    new_bridge,
    new_playback,
    new_recording,
    talking,
)
from tests.contract.world import OpenWorld


async def test_a_recording_is_stopped_and_finished(open_world: OpenWorld) -> None:
    async with open_world() as world:
        _, channel = await talking(world)
        recording = new_recording(world)
        await world.switch.start_recording(recording, channel, limit_s=10)
        await asyncio.sleep(0.5)
        await world.switch.stop_recording(recording)
        ended = await world.event(RecordingFinished)
        assert ended.recording_id == recording


async def test_a_recording_ends_at_its_limit(open_world: OpenWorld) -> None:
    async with open_world() as world:
        _, channel = await talking(world)
        began = asyncio.get_running_loop().time()
        await world.switch.start_recording(new_recording(world), channel, limit_s=1)
        await world.event(RecordingFinished)
        assert 0.9 <= asyncio.get_running_loop().time() - began <= 2


async def test_a_recording_is_finished_when_the_caller_hangs_up(open_world: OpenWorld) -> None:
    async with open_world() as world:
        caller, channel = await talking(world)
        await world.switch.start_recording(new_recording(world), channel, limit_s=10)
        await asyncio.sleep(0.3)
        await caller.hang_up()
        gone = await world.event(ChannelEnded, lambda event: event.channel_id == channel)
        assert_order(world.events, await world.event(RecordingFinished), gone)


async def test_a_bridge_is_recorded(open_world: OpenWorld) -> None:
    async with open_world() as world:
        _, channel = await talking(world)
        recording, bridge = new_recording(world), new_bridge(world)
        await world.switch.create_bridge(bridge)
        await world.switch.add_to_bridge(bridge, [channel])
        await world.switch.start_recording(recording, bridge, limit_s=10)
        await asyncio.sleep(0.5)
        await world.switch.stop_recording(recording)
        ended = await world.event(RecordingFinished)
        assert ended.recording_id == recording
        await world.switch.destroy_bridge(bridge)


async def test_a_recorded_channel_cannot_be_bridged(open_world: OpenWorld) -> None:
    async with open_world() as world:
        _, channel = await talking(world)
        recording, bridge = new_recording(world), new_bridge(world)
        await world.switch.start_recording(recording, channel, limit_s=10)
        await world.switch.create_bridge(bridge)
        await asyncio.sleep(0.2)
        with pytest.raises(RequestRefusedError) as refused:
            await world.switch.add_to_bridge(bridge, [channel])
        assert refused.value.failure is Failure.NOT_READY
        await world.switch.stop_recording(recording)
        await world.event(RecordingFinished)
        await world.switch.add_to_bridge(bridge, [channel])
        await world.event(BridgeJoined)
        await world.switch.destroy_bridge(bridge)


async def test_a_prompt_waits_for_the_end_of_a_recording(open_world: OpenWorld) -> None:
    async with open_world() as world:
        _, channel = await talking(world)
        await world.switch.start_recording(new_recording(world), channel, limit_s=1)
        await world.switch.play(channel, new_playback(world), [world.media("short")])
        played = await world.event(PlaybackFinished)
        assert played.completed
        assert_order(world.events, await world.event(RecordingFinished), played)


async def test_a_channel_in_a_bridge_cannot_be_recorded(open_world: OpenWorld) -> None:
    async with open_world() as world:
        _, channel = await talking(world)
        recording, bridge = new_recording(world), new_bridge(world)
        await world.switch.create_bridge(bridge)
        await world.switch.add_to_bridge(bridge, [channel])
        await world.event(BridgeJoined)
        await world.switch.start_recording(recording, channel, limit_s=10)
        failed = await world.event(RecordingFailed)
        assert failed.recording_id == recording
        await world.switch.destroy_bridge(bridge)


async def test_a_recording_is_stopped_once(open_world: OpenWorld) -> None:
    async with open_world() as world:
        _, channel = await talking(world)
        recording = new_recording(world)
        await world.switch.start_recording(recording, channel, limit_s=10)
        await asyncio.sleep(0.2)
        await world.switch.stop_recording(recording)
        await world.event(RecordingFinished)
        with pytest.raises(RequestRefusedError) as refused:
            await world.switch.stop_recording(recording)
        assert refused.value.failure is Failure.GONE
