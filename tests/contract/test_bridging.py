"""Two lines put together: who hears whom, and what is left when one side goes."""

import asyncio

import pytest

from ivrengine.core.events import (
    BridgeJoined,
    BridgeLeft,
    ChannelEnded,
    Failure,
    LegAnswered,
    PlaybackFinished,
)
from ivrengine.core.ids import BridgeId, ChannelId, PlaybackId
from ivrengine.core.switching import DigitHeard, RequestRefusedError
from tests.contract.steps import assert_order, new_bridge, new_leg, new_playback, talking
from tests.contract.world import Behaviour, Caller, OpenWorld, Phone, World


async def put_through(world: World) -> tuple[Caller, ChannelId, Phone, ChannelId, BridgeId]:
    """Bring a caller and a phone together in a bridge."""
    phone = await world.phone("agent-101", Behaviour.ANSWERS)
    caller, channel = await talking(world)
    leg, bridge = new_leg(world), new_bridge(world)
    await world.switch.dial(leg, phone.endpoint, ring_timeout_s=5, caller_id=None)
    await world.event(LegAnswered)
    await world.switch.create_bridge(bridge)
    await world.switch.add_to_bridge(bridge, [channel, leg])
    await joined(world, bridge, channel)
    await joined(world, bridge, leg)
    return caller, channel, phone, leg, bridge


async def joined(world: World, bridge: BridgeId, channel: ChannelId) -> BridgeJoined:
    return await world.event(
        BridgeJoined, lambda event: (event.bridge_id, event.channel_id) == (bridge, channel)
    )


async def left(world: World, bridge: BridgeId, channel: ChannelId) -> BridgeLeft:
    return await world.event(
        BridgeLeft, lambda event: (event.bridge_id, event.channel_id) == (bridge, channel)
    )


async def finished(world: World, playback: PlaybackId) -> PlaybackFinished:
    return await world.event(PlaybackFinished, lambda event: event.playback_id == playback)


async def test_in_a_bridge_each_hears_the_other(open_world: OpenWorld) -> None:
    async with open_world() as world:
        caller, _, phone, _, bridge = await put_through(world)
        assert await phone.hears(caller)
        assert await caller.hears(phone)
        await world.switch.destroy_bridge(bridge)


async def test_taken_out_of_the_bridge_they_hear_each_other_no_more(
    open_world: OpenWorld,
) -> None:
    async with open_world() as world:
        caller, channel, phone, leg, bridge = await put_through(world)
        await world.switch.remove_from_bridge(bridge, [channel, leg])
        await left(world, bridge, channel)
        await left(world, bridge, leg)
        assert not await phone.hears(caller, within_s=0.5)
        playback = new_playback(world)
        await world.switch.play(channel, playback, [world.media("short")])
        assert (await world.event(PlaybackFinished)).completed
        await world.switch.destroy_bridge(bridge)


async def test_a_destroyed_bridge_lets_its_channels_out_alive(open_world: OpenWorld) -> None:
    async with open_world() as world:
        _, channel, _, leg, bridge = await put_through(world)
        await world.switch.destroy_bridge(bridge)
        await left(world, bridge, channel)
        await left(world, bridge, leg)
        for alive in (channel, leg):
            await world.switch.play(alive, new_playback(world), [world.media("short")])
        await asyncio.sleep(0.2)
        assert not any(isinstance(event, ChannelEnded) for event in world.events)


async def test_whom_the_end_of_a_bridge_frees_hears_what_is_played_at_once(
    open_world: OpenWorld,
) -> None:
    """Asterisk loses about one of ten prompts to a channel that is on its way out: a caller would wait in silence."""
    async with open_world() as world:
        _, channel, _, leg, bridge = await put_through(world)
        for _ in range(20):
            await world.switch.destroy_bridge(bridge, channel)
            playback = new_playback(world)
            await world.switch.play(channel, playback, [world.media("short")])
            await asyncio.sleep(0.1)
            await world.switch.stop_playback(playback)
            await finished(world, playback)
            bridge = new_bridge(world)
            await world.switch.create_bridge(bridge)
            await world.switch.add_to_bridge(bridge, [channel, leg])
        await world.switch.destroy_bridge(bridge)


async def test_one_who_is_out_already_does_not_keep_a_bridge(open_world: OpenWorld) -> None:
    async with open_world() as world:
        _, channel, _, _, bridge = await put_through(world)
        await world.switch.remove_from_bridge(bridge, [channel])
        await world.switch.destroy_bridge(bridge, channel)
        with pytest.raises(RequestRefusedError) as refused:
            await world.switch.destroy_bridge(bridge)
        assert refused.value.failure is Failure.GONE


async def test_a_caller_hangs_up_in_the_bridge(open_world: OpenWorld) -> None:
    async with open_world() as world:
        caller, channel, phone, leg, bridge = await put_through(world)
        await caller.hang_up()
        gone = await world.event(ChannelEnded, lambda event: event.channel_id == channel)
        assert_order(world.events, await left(world, bridge, channel), gone)
        with pytest.raises(TimeoutError):
            await phone.hung_up(within_s=0.3)
        await world.switch.hang_up(leg)
        await phone.hung_up()
        await world.switch.destroy_bridge(bridge)


async def test_the_phone_is_put_down_in_the_bridge(open_world: OpenWorld) -> None:
    async with open_world() as world:
        caller, _, phone, leg, bridge = await put_through(world)
        await phone.hang_up()
        gone = await world.event(ChannelEnded, lambda event: event.channel_id == leg)
        assert_order(world.events, await left(world, bridge, leg), gone)
        with pytest.raises(TimeoutError):
            await caller.hung_up(within_s=0.3)
        await world.switch.destroy_bridge(bridge)


async def test_we_hang_up_a_channel_in_a_bridge(open_world: OpenWorld) -> None:
    async with open_world() as world:
        caller, channel, _, _, bridge = await put_through(world)
        await world.switch.hang_up(channel)
        await caller.hung_up()
        gone = await world.event(ChannelEnded, lambda event: event.channel_id == channel)
        assert_order(world.events, await left(world, bridge, channel), gone)
        await world.switch.destroy_bridge(bridge)


async def test_keys_are_heard_in_a_bridge(open_world: OpenWorld) -> None:
    async with open_world() as world:
        caller, channel, _, _, bridge = await put_through(world)
        await caller.press("31")
        await world.event(DigitHeard, lambda event: event.digit == "1")
        digits = [event for event in world.events if isinstance(event, DigitHeard)]
        assert [(event.channel_id, event.digit) for event in digits] == [
            (channel, "3"),
            (channel, "1"),
        ]
        await world.switch.destroy_bridge(bridge)


async def test_a_bridge_can_be_created_twice(open_world: OpenWorld) -> None:
    async with open_world() as world:
        bridge = new_bridge(world)
        await world.switch.create_bridge(bridge)
        await world.switch.create_bridge(bridge)
        await world.switch.destroy_bridge(bridge)


async def test_a_channel_put_into_another_bridge_leaves_the_first(open_world: OpenWorld) -> None:
    async with open_world() as world:
        _, channel = await talking(world)
        first, second = new_bridge(world), new_bridge(world)
        for bridge in (first, second):
            await world.switch.create_bridge(bridge)
            await world.switch.add_to_bridge(bridge, [channel])
        in_second = await joined(world, second, channel)
        assert_order(
            world.events,
            await joined(world, first, channel),
            await left(world, first, channel),
            in_second,
        )
        for bridge in (first, second):
            await world.switch.destroy_bridge(bridge)


async def test_a_phone_that_still_rings_cannot_be_bridged(open_world: OpenWorld) -> None:
    async with open_world() as world:
        phone = await world.phone("agent-101", Behaviour.RINGS)
        leg, bridge = new_leg(world), new_bridge(world)
        await world.switch.dial(leg, phone.endpoint, ring_timeout_s=5, caller_id=None)
        await phone.rung()
        await world.switch.create_bridge(bridge)
        with pytest.raises(RequestRefusedError) as refused:
            await world.switch.add_to_bridge(bridge, [leg])
        assert refused.value.failure is Failure.NOT_READY
        await world.switch.destroy_bridge(bridge)
        await world.switch.hang_up(leg)


async def test_of_two_channels_one_is_gone_and_none_is_bridged(open_world: OpenWorld) -> None:
    async with open_world() as world:
        _, channel = await talking(world)
        bridge = new_bridge(world)
        await world.switch.create_bridge(bridge)
        with pytest.raises(RequestRefusedError) as refused:
            await world.switch.add_to_bridge(bridge, [channel, new_leg(world)])
        assert refused.value.failure is Failure.GONE
        await asyncio.sleep(0.2)
        assert not any(isinstance(event, BridgeJoined) for event in world.events)
        await world.switch.destroy_bridge(bridge)


async def test_only_who_is_in_a_bridge_can_be_taken_out(open_world: OpenWorld) -> None:
    async with open_world() as world:
        _, channel = await talking(world)
        bridge = new_bridge(world)
        await world.switch.create_bridge(bridge)
        with pytest.raises(RequestRefusedError) as refused:
            await world.switch.remove_from_bridge(bridge, [channel])
        assert refused.value.failure is Failure.NOT_READY
        await world.switch.destroy_bridge(bridge)
