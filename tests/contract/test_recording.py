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
    RecordingStarted,
)
from ivrengine.core.ids import ChannelId, RecordingId, local_part
from ivrengine.core.switching import Arrival, LinkUp, RequestRefusedError
from tests.contract.steps import (
    assert_order,
    new_bridge,
    new_monitor,
    new_playback,
    new_recording,
    talking,
)
from tests.contract.test_bridging import put_through
from tests.contract.world import OpenWorld, World


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


async def test_a_recording_is_told_to_have_begun(open_world: OpenWorld) -> None:
    async with open_world() as world:
        _, channel = await talking(world)
        recording = new_recording(world)
        await world.switch.start_recording(recording, channel, limit_s=10)
        began = await world.event(RecordingStarted)
        await world.switch.stop_recording(recording)
        ended = await world.event(RecordingFinished)
        assert began.recording_id == ended.recording_id == recording
        assert_order(world.events, began, ended)


async def test_silence_ends_a_recording_and_is_not_taken_for_talk(open_world: OpenWorld) -> None:
    async with open_world() as world:
        _, channel = await talking(world)
        began = asyncio.get_running_loop().time()
        await world.switch.start_recording(
            new_recording(world), channel, limit_s=20, max_silence_s=2
        )
        ended = await world.event(RecordingFinished)
        assert 1.5 <= asyncio.get_running_loop().time() - began <= 4
        assert ended.talked_s is not None
        assert ended.talked_s < 2


async def test_who_speaks_is_not_cut_off_by_silence_before_they_are_done(
    open_world: OpenWorld,
) -> None:
    async with open_world() as world:
        caller, channel = await talking(world)
        await world.switch.start_recording(
            new_recording(world), channel, limit_s=20, max_silence_s=2
        )
        await caller.say(3)
        assert not [event for event in world.events if isinstance(event, RecordingFinished)]
        ended = await world.event(RecordingFinished)
        assert ended.talked_s is not None
        assert ended.talked_s >= 2


async def test_who_speaks_and_hangs_up_has_talked(open_world: OpenWorld) -> None:
    async with open_world() as world:
        caller, channel = await talking(world)
        await world.switch.start_recording(
            new_recording(world), channel, limit_s=20, max_silence_s=4
        )
        await caller.say(2.5)
        await caller.hang_up()
        ended = await world.event(RecordingFinished)
        assert ended.talked_s is not None
        assert ended.talked_s >= 2


async def test_no_key_ends_a_recording(open_world: OpenWorld) -> None:
    async with open_world() as world:
        caller, channel = await talking(world)
        recording = new_recording(world)
        await world.switch.start_recording(recording, channel, limit_s=10)
        await world.event(RecordingStarted)
        await caller.press("#*1")
        await asyncio.sleep(0.3)
        await world.switch.stop_recording(recording)
        await world.event(RecordingFinished)


async def test_a_recording_is_played_until_it_is_discarded(open_world: OpenWorld) -> None:
    async with open_world() as world:
        caller, channel = await talking(world)
        recording = new_recording(world)
        await world.switch.start_recording(recording, channel, limit_s=10)
        await world.event(RecordingStarted)
        await caller.say(1.0)
        await world.switch.stop_recording(recording)
        await world.event(RecordingFinished)
        medium = f"recording:{local_part(recording)}"
        await world.switch.play(channel, new_playback(world), [medium])
        assert await caller.hears()
        assert (await world.event(PlaybackFinished)).completed
        await world.switch.discard_recording(recording)
        with pytest.raises(RequestRefusedError) as refused:
            await world.switch.play(channel, new_playback(world), [medium])
        assert refused.value.failure is Failure.REFUSED
        with pytest.raises(RequestRefusedError) as refused:
            await world.switch.discard_recording(recording)
        assert refused.value.failure is Failure.GONE


async def monitored(world: World, channel: ChannelId) -> tuple[RecordingId, ChannelId]:
    recording, monitor = new_recording(world), new_monitor(world)
    await world.switch.monitor(recording, monitor, channel, limit_s=20)
    await world.event(RecordingStarted)
    return recording, monitor


async def test_a_monitored_caller_hears_prompts_and_is_put_through(open_world: OpenWorld) -> None:
    async with open_world() as world:
        caller, channel, phone, _, bridge = await put_through(world)
        recording, monitor = await monitored(world, channel)
        assert await caller.hears(phone)
        await world.switch.destroy_bridge(bridge, channel)
        await world.switch.play(channel, new_playback(world), [world.media("short")])
        assert (await world.event(PlaybackFinished)).completed
        assert not [event for event in world.events if isinstance(event, RecordingFinished)]
        await world.switch.hang_up(monitor)
        ended = await world.event(RecordingFinished)
        assert ended.recording_id == recording
        assert ended.duration_s >= 1


async def test_nothing_is_told_of_a_monitor_and_a_snapshot_calls_it_one(
    open_world: OpenWorld,
) -> None:
    async with open_world() as world:
        caller, channel = await talking(world)
        _, monitor = await monitored(world, channel)
        found = await world.switch.snapshot()
        assert found.monitors == {monitor}
        assert monitor not in found.channels
        assert monitor not in found.elsewhere
        await caller.press("1")
        await world.switch.hang_up(monitor)
        await world.event(RecordingFinished)
        await asyncio.sleep(0.3)
        assert (await world.switch.snapshot()).monitors == frozenset()
        kinds = [type(event) for event in world.events if not isinstance(event, LinkUp)]
        assert kinds[0] is Arrival
        assert kinds.count(Arrival) == 1
        assert not [it for it in world.events if getattr(it, "channel_id", None) == monitor]
        await caller.hang_up()


async def test_a_monitor_ends_with_its_caller(open_world: OpenWorld) -> None:
    async with open_world() as world:
        caller, channel = await talking(world)
        recording, monitor = await monitored(world, channel)
        await caller.hang_up()
        ended = await world.event(RecordingFinished)
        assert ended.recording_id == recording
        await asyncio.sleep(0.3)
        assert (await world.switch.snapshot()).monitors == frozenset()
        with pytest.raises(RequestRefusedError) as refused:
            await world.switch.hang_up(monitor)
        assert refused.value.failure is Failure.GONE


async def test_a_monitor_listens_on_when_its_caller_is_sent_to_the_fallback(
    open_world: OpenWorld,
) -> None:
    async with open_world() as world:
        _, channel = await talking(world)
        _, monitor = await monitored(world, channel)
        await world.switch.send_to_fallback(channel)
        await asyncio.sleep(0.3)
        assert (await world.switch.snapshot()).monitors == {monitor}
        await world.switch.hang_up(monitor)
        await world.event(RecordingFinished)


async def test_a_paused_recording_misses_what_follows(open_world: OpenWorld) -> None:
    async with open_world() as world:
        _, channel = await talking(world)
        recording, monitor = await monitored(world, channel)
        switch = world.switch
        await asyncio.sleep(1.1)
        for _ in range(2):
            await switch.pause_recording(recording)
        await asyncio.sleep(2.5)
        for _ in range(2):
            await switch.resume_recording(recording)
        await asyncio.sleep(0.5)
        await switch.hang_up(monitor)
        ended = await world.event(RecordingFinished)
        assert 1 <= ended.duration_s <= 2.5


async def test_at_its_limit_a_recording_ends_and_its_monitor_stays(open_world: OpenWorld) -> None:
    async with open_world() as world:
        _, channel = await talking(world)
        monitor = new_monitor(world)
        await world.switch.monitor(new_recording(world), monitor, channel, limit_s=1)
        await world.event(RecordingFinished)
        assert (await world.switch.snapshot()).monitors == {monitor}
        await world.switch.hang_up(monitor)


async def test_two_monitors_do_not_have_one_id(open_world: OpenWorld) -> None:
    async with open_world() as world:
        _, channel = await talking(world)
        _, monitor = await monitored(world, channel)
        with pytest.raises(RequestRefusedError):
            await world.switch.monitor(new_recording(world), monitor, channel, limit_s=5)
        assert (await world.switch.snapshot()).monitors == {monitor}
        await world.switch.hang_up(monitor)
