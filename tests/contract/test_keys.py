"""Keys: each one once and in order, whatever else goes on."""

import asyncio

from ivrengine.core.events import PlaybackFinished
from ivrengine.core.ids import ChannelId
from ivrengine.core.switching import DigitHeard
from tests.contract.steps import new_playback, talking
from tests.contract.world import OpenWorld, World


async def heard(world: World, channel: ChannelId, count: int) -> str:
    """Wait for so many digits, and return all that there are."""

    def digits() -> str:
        found = [event for event in world.events if isinstance(event, DigitHeard)]
        return "".join(event.digit for event in found if event.channel_id == channel)

    await world.event(DigitHeard, lambda _event: len(digits()) >= count)
    return digits()


async def test_a_key_is_heard_during_a_prompt_and_does_not_stop_it(open_world: OpenWorld) -> None:
    async with open_world() as world:
        caller, channel = await talking(world)
        await world.switch.play(channel, new_playback(world), [world.media("short")])
        await asyncio.sleep(0.3)
        await caller.press("5")
        assert await heard(world, channel, 1) == "5"
        assert not any(isinstance(event, PlaybackFinished) for event in world.events)
        ended = await world.event(PlaybackFinished)
        assert ended.completed


async def test_a_key_is_heard_between_prompts(open_world: OpenWorld) -> None:
    async with open_world() as world:
        caller, channel = await talking(world)
        await world.switch.play(channel, new_playback(world), [world.media("short")])
        await world.event(PlaybackFinished)
        await caller.press("7")
        assert await heard(world, channel, 1) == "7"
        last = new_playback(world)
        await world.switch.play(channel, last, [world.media("short")])
        ended = await world.event(PlaybackFinished, lambda event: event.playback_id == last)
        assert ended.completed


async def test_keys_typed_ahead_all_arrive_in_order(open_world: OpenWorld) -> None:
    async with open_world() as world:
        caller, channel = await talking(world)
        await caller.press("0123456789*#", gap_s=0.06)
        assert await heard(world, channel, 12) == "0123456789*#"


async def test_keys_typed_across_the_change_of_prompts_all_arrive(open_world: OpenWorld) -> None:
    async with open_world() as world:
        caller, channel = await talking(world)
        first = new_playback(world)
        await world.switch.play(channel, first, [world.media("long")])
        typing = asyncio.ensure_future(caller.press("24681357", gap_s=0.06))
        await heard(world, channel, 2)
        await world.switch.stop_playback(first)
        await world.switch.play(channel, new_playback(world), [world.media("short")])
        await typing
        assert await heard(world, channel, 8) == "24681357"


async def test_the_same_key_twice_is_two_keys(open_world: OpenWorld) -> None:
    async with open_world() as world:
        caller, channel = await talking(world)
        await caller.press("9999", gap_s=0.06)
        assert await heard(world, channel, 4) == "9999"


async def test_keys_are_heard_while_music_plays(open_world: OpenWorld) -> None:
    async with open_world() as world:
        caller, channel = await talking(world)
        await world.switch.start_music(channel, "default")
        await caller.press("12")
        assert await heard(world, channel, 2) == "12"
