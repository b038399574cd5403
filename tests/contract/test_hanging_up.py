"""The end of a channel: told once, with its cause, and nothing after it."""

import asyncio

import pytest

from ivrengine.core.events import ChannelEnded, ChannelLeft, Failure, PlaybackFinished
from ivrengine.core.ids import ChannelId
from ivrengine.core.switching import RequestRefusedError
from tests.contract.steps import arrived, new_playback, of_channel, talking
from tests.contract.world import OpenWorld, World

NORMAL = 16


async def ended(world: World, channel: ChannelId) -> ChannelEnded:
    return await world.event(ChannelEnded, lambda event: event.channel_id == channel)


async def assert_over(world: World, channel: ChannelId) -> None:
    """Assert that the last word on a channel was said once, and was the last."""
    await asyncio.sleep(0.3)
    told = of_channel(world.events, channel)
    assert sum(isinstance(event, ChannelEnded | ChannelLeft) for event in told) == 1
    assert isinstance(told[-1], ChannelEnded | ChannelLeft)


async def test_a_caller_gives_up_before_the_answer(open_world: OpenWorld) -> None:
    async with open_world() as world:
        caller, channel = await arrived(world)
        await caller.hang_up()
        await ended(world, channel)
        await assert_over(world, channel)


async def test_we_hang_up_before_the_answer(open_world: OpenWorld) -> None:
    async with open_world() as world:
        caller, channel = await arrived(world)
        await world.switch.hang_up(channel)
        await ended(world, channel)
        await caller.hung_up()
        await assert_over(world, channel)


async def test_a_caller_hangs_up(open_world: OpenWorld) -> None:
    async with open_world() as world:
        caller, channel = await talking(world)
        await caller.hang_up()
        gone = await ended(world, channel)
        assert gone.cause == NORMAL
        await assert_over(world, channel)


async def test_we_hang_up(open_world: OpenWorld) -> None:
    async with open_world() as world:
        caller, channel = await talking(world)
        await world.switch.hang_up(channel)
        await caller.hung_up()
        gone = await ended(world, channel)
        assert gone.cause == NORMAL
        await assert_over(world, channel)


async def test_a_caller_hangs_up_while_keys_are_on_their_way(open_world: OpenWorld) -> None:
    async with open_world() as world:
        caller, channel = await talking(world)
        await world.switch.play(channel, new_playback(world), [world.media("long")])
        await caller.press("12", gap_s=0.06)
        await caller.hang_up()
        await ended(world, channel)
        await assert_over(world, channel)


async def test_a_channel_sent_to_the_fallback_leaves_alive(open_world: OpenWorld) -> None:
    async with open_world() as world:
        caller, channel = await talking(world)
        await world.switch.send_to_fallback(channel)
        await world.event(ChannelLeft, lambda event: event.channel_id == channel)
        with pytest.raises(TimeoutError):
            await caller.hung_up(within_s=0.5)
        with pytest.raises(RequestRefusedError) as refused:
            await world.switch.play(channel, new_playback(world), [world.media("short")])
        assert refused.value.failure is Failure.NOT_READY
        await caller.hang_up()
        await assert_over(world, channel)


async def test_a_channel_not_answered_can_be_sent_to_the_fallback(open_world: OpenWorld) -> None:
    async with open_world() as world:
        caller, channel = await arrived(world)
        await world.switch.send_to_fallback(channel)
        await world.event(ChannelLeft, lambda event: event.channel_id == channel)
        with pytest.raises(TimeoutError):
            await caller.hung_up(within_s=0.5)


async def test_a_channel_goes_to_the_fallback_when_its_prompt_is_stopped(
    open_world: OpenWorld,
) -> None:
    async with open_world() as world:
        _, channel = await talking(world)
        playback = new_playback(world)
        await world.switch.play(channel, playback, [world.media("long")])
        await world.switch.stop_playback(playback)
        await world.switch.send_to_fallback(channel)
        left = await world.event(ChannelLeft, lambda event: event.channel_id == channel)
        stopped = await world.event(PlaybackFinished)
        assert world.events.index(stopped) < world.events.index(left)
