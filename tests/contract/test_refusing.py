"""Commands on what does not exist, or no longer: refused as gone, every one, and without any event."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import pytest

from ivrengine.core.events import ChannelEnded, Failure
from ivrengine.core.ids import ChannelId
from ivrengine.core.switching import RequestRefusedError
from tests.contract.steps import (
    new_bridge,
    new_leg,
    new_monitor,
    new_playback,
    new_recording,
    talking,
)
from tests.contract.world import MUSIC, OpenWorld, World

Command = Callable[[World, ChannelId], Awaitable[None]]

ON_CHANNELS: Final[dict[str, Command]] = {
    "answer": lambda world, channel: world.switch.answer(channel),
    "play": lambda world, channel: world.switch.play(
        channel, new_playback(world), [world.media("short")]
    ),
    "start_music": lambda world, channel: world.switch.start_music(channel, MUSIC),
    "stop_music": lambda world, channel: world.switch.stop_music(channel),
    "start_recording": lambda world, channel: world.switch.start_recording(
        new_recording(world), channel, limit_s=5
    ),
    "monitor": lambda world, channel: world.switch.monitor(
        new_recording(world), new_monitor(world), channel, limit_s=5
    ),
    "hang_up": lambda world, channel: world.switch.hang_up(channel),
    "send_to_fallback": lambda world, channel: world.switch.send_to_fallback(channel),
}
ON_OTHERS: Final[dict[str, Command]] = {
    "stop_playback": lambda world, _: world.switch.stop_playback(new_playback(world)),
    "add_to_bridge": lambda world, channel: world.switch.add_to_bridge(
        new_bridge(world), [channel]
    ),
    "remove_from_bridge": lambda world, channel: world.switch.remove_from_bridge(
        new_bridge(world), [channel]
    ),
    "destroy_bridge": lambda world, _: world.switch.destroy_bridge(new_bridge(world)),
    "record a bridge": lambda world, _: world.switch.start_recording(
        new_recording(world), new_bridge(world), limit_s=5
    ),
    "stop_recording": lambda world, _: world.switch.stop_recording(new_recording(world)),
    "pause_recording": lambda world, _: world.switch.pause_recording(new_recording(world)),
    "resume_recording": lambda world, _: world.switch.resume_recording(new_recording(world)),
    "discard_recording": lambda world, _: world.switch.discard_recording(new_recording(world)),
}


async def assert_gone(world: World, command: Command, channel: ChannelId) -> None:
    with pytest.raises(RequestRefusedError) as refused:
        await command(world, channel)
    assert refused.value.failure is Failure.GONE


async def test_a_channel_that_never_was_is_gone(open_world: OpenWorld) -> None:
    async with open_world() as world:
        before = list(world.events)
        for command in ON_CHANNELS.values():
            await assert_gone(world, command, new_leg(world))
        await asyncio.sleep(0.2)
        assert world.events == before


async def test_a_channel_that_has_ended_is_gone(open_world: OpenWorld) -> None:
    async with open_world() as world:
        caller, channel = await talking(world)
        await caller.hang_up()
        await world.event(ChannelEnded)
        await asyncio.sleep(0.2)
        told = list(world.events)
        for command in ON_CHANNELS.values():
            await assert_gone(world, command, channel)
        assert world.events == told


@pytest.mark.parametrize("name", ON_OTHERS)
async def test_a_playback_bridge_or_recording_that_is_not_there_is_gone(
    open_world: OpenWorld, name: str
) -> None:
    async with open_world() as world:
        _, channel = await talking(world)
        await assert_gone(world, ON_OTHERS[name], channel)


async def test_a_dead_channel_is_gone_for_a_bridge_too(open_world: OpenWorld) -> None:
    async with open_world() as world:
        bridge = new_bridge(world)
        await world.switch.create_bridge(bridge)
        for command in (world.switch.add_to_bridge, world.switch.remove_from_bridge):
            with pytest.raises(RequestRefusedError) as refused:
                await command(bridge, [new_leg(world)])
            assert refused.value.failure is Failure.GONE
        await world.switch.destroy_bridge(bridge)
        with pytest.raises(RequestRefusedError) as refused:
            await world.switch.destroy_bridge(bridge)
        assert refused.value.failure is Failure.GONE


async def test_media_of_no_known_kind_is_refused(open_world: OpenWorld) -> None:
    async with open_world() as world:
        _, channel = await talking(world)
        with pytest.raises(RequestRefusedError) as refused:
            await world.switch.play(channel, new_playback(world), ["nonsense"])
        assert refused.value.failure is Failure.REFUSED
