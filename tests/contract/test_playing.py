"""Answering, and prompts: how they end, and that they end once."""

import asyncio

from ivrengine.core.events import ChannelEnded, PlaybackFinished
from ivrengine.engine.performing import BEEP
from tests.contract.steps import arrived, assert_order, new_playback, talking
from tests.contract.world import LONG_S, MUSIC, SHORT_S, OpenWorld, World

SLACK_S = 0.6
"""How much longer than its sound a prompt may take: the machine is shared."""


def finished(world: World, playback: str) -> list[PlaybackFinished]:
    found = [event for event in world.events if isinstance(event, PlaybackFinished)]
    return [event for event in found if event.playback_id == playback]


async def test_a_call_is_answered(open_world: OpenWorld) -> None:
    async with open_world() as world:
        caller, channel = await arrived(world)
        await world.switch.answer(channel)
        await caller.answered()


async def test_answering_twice_changes_nothing(open_world: OpenWorld) -> None:
    async with open_world() as world:
        caller, channel = await talking(world)
        await world.switch.answer(channel)
        assert not await caller.hears(within_s=0.1)


async def test_a_prompt_ends_after_its_length_and_is_completed(open_world: OpenWorld) -> None:
    async with open_world() as world:
        caller, channel = await talking(world)
        playback = new_playback(world)
        began = asyncio.get_running_loop().time()
        await world.switch.play(channel, playback, [world.media("short")])
        assert await caller.hears()
        ended = await world.event(PlaybackFinished, lambda event: event.playback_id == playback)
        took_s = asyncio.get_running_loop().time() - began
        assert ended.completed
        assert SHORT_S - 0.1 <= took_s <= SHORT_S + SLACK_S


async def test_a_beep_is_a_sound_that_every_switch_has(open_world: OpenWorld) -> None:
    async with open_world() as world:
        _, channel = await talking(world)
        await world.switch.play(channel, new_playback(world), [BEEP])
        assert (await world.event(PlaybackFinished)).completed


async def test_several_media_are_one_playback(open_world: OpenWorld) -> None:
    async with open_world() as world:
        _, channel = await talking(world)
        playback, media = new_playback(world), world.media("short")
        began = asyncio.get_running_loop().time()
        await world.switch.play(channel, playback, [media, media])
        await world.event(PlaybackFinished)
        took_s = asyncio.get_running_loop().time() - began
        assert 2 * SHORT_S - 0.1 <= took_s <= 2 * SHORT_S + SLACK_S
        assert [event.completed for event in finished(world, playback)] == [True]


async def test_a_stopped_prompt_ends_at_once_and_is_not_completed(open_world: OpenWorld) -> None:
    async with open_world() as world:
        _, channel = await talking(world)
        playback = new_playback(world)
        await world.switch.play(channel, playback, [world.media("long")])
        await asyncio.sleep(0.3)
        await world.switch.stop_playback(playback)
        await world.event(PlaybackFinished, within_s=0.5)
        assert [event.completed for event in finished(world, playback)] == [False]


async def test_a_missing_sound_ends_at_once_and_is_not_completed(open_world: OpenWorld) -> None:
    async with open_world() as world:
        _, channel = await talking(world)
        playback = new_playback(world)
        await world.switch.play(channel, playback, [world.media("missing")])
        ended = await world.event(PlaybackFinished, within_s=0.5)
        assert not ended.completed


async def test_prompts_of_a_channel_play_one_after_the_other(open_world: OpenWorld) -> None:
    async with open_world() as world:
        _, channel = await talking(world)
        first, second = new_playback(world), new_playback(world)
        began = asyncio.get_running_loop().time()
        await world.switch.play(channel, first, [world.media("short")])
        await world.switch.play(channel, second, [world.media("short")])
        last = await world.event(PlaybackFinished, lambda event: event.playback_id == second)
        assert asyncio.get_running_loop().time() - began >= 2 * SHORT_S - 0.1
        assert_order(world.events, finished(world, first)[0], last)


async def test_a_prompt_that_waits_can_be_stopped(open_world: OpenWorld) -> None:
    async with open_world() as world:
        _, channel = await talking(world)
        first, second = new_playback(world), new_playback(world)
        await world.switch.play(channel, first, [world.media("short")])
        await world.switch.play(channel, second, [world.media("long")])
        await world.switch.stop_playback(second)
        await world.event(PlaybackFinished, lambda event: event.playback_id == second)
        assert [event.completed for event in finished(world, first)] == [True]
        assert [event.completed for event in finished(world, second)] == [False]


async def test_a_prompt_is_cut_off_when_the_caller_hangs_up(open_world: OpenWorld) -> None:
    async with open_world() as world:
        caller, channel = await talking(world)
        playback = new_playback(world)
        await world.switch.play(channel, playback, [world.media("long")])
        await asyncio.sleep(0.3)
        await caller.hang_up()
        gone = await world.event(ChannelEnded, lambda event: event.channel_id == channel)
        (cut,) = finished(world, playback)
        assert not cut.completed
        assert_order(world.events, cut, gone)


async def test_a_prompt_is_cut_off_when_we_hang_up(open_world: OpenWorld) -> None:
    async with open_world() as world:
        caller, channel = await talking(world)
        playback = new_playback(world)
        await world.switch.play(channel, playback, [world.media("long")])
        await asyncio.sleep(0.3)
        await world.switch.hang_up(channel)
        gone = await world.event(ChannelEnded, lambda event: event.channel_id == channel)
        await caller.hung_up()
        (cut,) = finished(world, playback)
        assert not cut.completed
        assert_order(world.events, cut, gone)


async def test_music_plays_until_it_is_stopped(open_world: OpenWorld) -> None:
    async with open_world() as world:
        caller, channel = await talking(world)
        await world.switch.start_music(channel, MUSIC)
        assert await caller.hears()
        await world.switch.stop_music(channel)
        await asyncio.sleep(0.5)
        assert not await caller.hears(within_s=0.3)


async def test_a_prompt_can_follow_music(open_world: OpenWorld) -> None:
    async with open_world() as world:
        caller, channel = await talking(world)
        await world.switch.start_music(channel, MUSIC)
        await asyncio.sleep(0.2)
        await world.switch.stop_music(channel)
        await world.switch.play(channel, new_playback(world), [world.media("long")])
        assert await caller.hears()
        ended = await world.event(PlaybackFinished, within_s=LONG_S + 2)
        assert ended.completed
