"""What a switch says is alive when it is asked: all that an engine knows that was away while things happened."""

import asyncio
from datetime import timedelta

import pytest

from ivrengine.core.events import ChannelEnded, ChannelLeft, LegRinging
from ivrengine.core.ids import ChannelId
from ivrengine.core.switching import Arrival, ChannelSeen, Presence, Snapshot
from tests.contract.steps import arrived, new_bridge, new_leg, new_playback, new_recording, talking
from tests.contract.test_bridging import put_through
from tests.contract.world import DID, MUSIC, Behaviour, OpenWorld, World


async def seen(world: World, channel: ChannelId) -> ChannelSeen | None:
    """Return what a snapshot says of a channel of ours; one that is ours is not elsewhere, too."""
    found = await world.switch.snapshot()
    assert found.node == world.switch.node
    assert found.elsewhere.isdisjoint(found.channels)
    return found.channels.get(channel)


async def settled(world: World, channel: ChannelId) -> Snapshot:
    """Return a snapshot in which the channel is nowhere; a channel may take a moment to vanish."""
    async with asyncio.timeout(5):
        while True:
            found = await world.switch.snapshot()
            assert channel not in found.channels, "what was told to have ended is not ours again"
            if channel not in found.elsewhere:
                return found
            await asyncio.sleep(0.01)


async def test_a_switch_without_calls_has_none(open_world: OpenWorld) -> None:
    async with open_world() as world:
        found = await world.switch.snapshot()
        assert found.channels == {}
        assert found.bridges == {}


async def test_the_switch_began_before_it_was_asked_and_only_once(open_world: OpenWorld) -> None:
    async with open_world() as world:
        first = await world.switch.snapshot()
        _, channel = await arrived(world)
        second = await world.switch.snapshot()
        assert first.started_at == second.started_at
        arrival = second.channels[channel].arrival
        assert arrival is not None
        assert first.started_at <= arrival.at
        assert first.at <= second.at
        assert second.at.utcoffset() == first.started_at.utcoffset() == timedelta(0)


async def test_a_caller_who_waits_to_be_answered_is_waiting(open_world: OpenWorld) -> None:
    async with open_world() as world:
        _, channel = await arrived(world)
        found = await seen(world, channel)
        assert found is not None
        assert found.presence is Presence.WAITING


async def test_whose_arrival_nobody_was_told_of_is_told_with_who_calls(
    open_world: OpenWorld,
) -> None:
    async with open_world() as world:
        _, channel = await arrived(world)
        told = await world.event(Arrival)
        found = await seen(world, channel)
        assert found is not None
        assert found.arrival is not None
        assert found.arrival.channel_id == channel
        assert (found.arrival.did, found.arrival.number) == (DID, told.number)
        assert told.number is not None


async def test_a_withheld_number_is_not_seen_either(open_world: OpenWorld) -> None:
    async with open_world() as world:
        await world.call(withheld=True)
        told = await world.event(Arrival)
        found = await seen(world, told.channel_id)
        assert found is not None
        assert found.arrival is not None
        assert found.arrival.number is None


async def test_a_caller_who_was_answered_is_up(open_world: OpenWorld) -> None:
    async with open_world() as world:
        _, channel = await talking(world)
        found = await seen(world, channel)
        assert found is not None
        assert found.presence is Presence.UP


@pytest.mark.parametrize("what", ["prompt", "music", "recording"])
async def test_a_caller_is_up_whatever_they_hear_or_say(open_world: OpenWorld, what: str) -> None:
    async with open_world() as world:
        _, channel = await talking(world)
        switch = world.switch
        match what:
            case "prompt":
                await switch.play(channel, new_playback(world), [world.media("long")])
            case "music":
                await switch.start_music(channel, MUSIC)
            case _:
                await switch.start_recording(new_recording(world), channel, limit_s=5)
        await asyncio.sleep(0.1)
        found = await seen(world, channel)
        assert found is not None
        assert found.presence is Presence.UP


@pytest.mark.parametrize("behaviour", [Behaviour.RINGS, Behaviour.SILENT])
async def test_a_phone_that_nobody_has_picked_up_is_ringing(
    open_world: OpenWorld, behaviour: Behaviour
) -> None:
    async with open_world() as world:
        phone = await world.phone("agent-101", behaviour)
        leg = new_leg(world)
        await world.switch.dial(leg, phone.endpoint, ring_timeout_s=5, caller_id=None)
        if behaviour is Behaviour.RINGS:
            await world.event(LegRinging)
        assert await seen(world, leg) == ChannelSeen(presence=Presence.RINGING)


async def test_whoever_talks_is_up_and_in_their_bridge(open_world: OpenWorld) -> None:
    async with open_world() as world:
        _, channel, _, leg, bridge = await put_through(world)
        found = await world.switch.snapshot()
        assert found.bridges == {bridge: frozenset({channel, leg})}
        assert found.channels[channel].presence is Presence.UP
        assert found.channels[leg] == ChannelSeen(presence=Presence.UP)
        await world.switch.destroy_bridge(bridge)
        assert (await world.switch.snapshot()).bridges == {}


async def test_an_empty_bridge_is_there(open_world: OpenWorld) -> None:
    async with open_world() as world:
        bridge = new_bridge(world)
        await world.switch.create_bridge(bridge)
        assert (await world.switch.snapshot()).bridges == {bridge: frozenset()}
        await world.switch.destroy_bridge(bridge)


async def test_who_was_sent_to_the_fallback_is_elsewhere(open_world: OpenWorld) -> None:
    async with open_world() as world:
        caller, channel = await talking(world)
        await world.switch.send_to_fallback(channel)
        await world.event(ChannelLeft)
        found = await world.switch.snapshot()
        assert channel in found.elsewhere
        assert channel not in found.channels
        await caller.hang_up()
        await settled(world, channel)


async def test_whose_end_was_told_is_not_there(open_world: OpenWorld) -> None:
    async with open_world() as world:
        caller, channel = await talking(world)
        await caller.hang_up()
        await world.event(ChannelEnded, lambda event: event.channel_id == channel)
        await settled(world, channel)


async def test_a_phone_that_rang_out_is_not_there(open_world: OpenWorld) -> None:
    async with open_world() as world:
        phone = await world.phone("agent-101", Behaviour.RINGS)
        leg = new_leg(world)
        await world.switch.dial(leg, phone.endpoint, ring_timeout_s=1, caller_id=None)
        await world.event(ChannelEnded, lambda event: event.channel_id == leg)
        await settled(world, leg)


async def test_what_is_of_another_application_is_not_ours(open_world: OpenWorld) -> None:
    async with open_world() as world:
        _, ours = await talking(world)
        async with world.another_application() as (channel, bridge):
            found = await world.switch.snapshot()
            assert channel in found.elsewhere
            assert set(found.channels) == {ours}
            assert bridge not in found.bridges


async def test_a_phone_is_ours_all_the_while_it_rings_and_is_picked_up(
    open_world: OpenWorld,
) -> None:
    async with open_world() as world:
        phone = await world.phone("agent-101", Behaviour.ANSWERS)
        leg = new_leg(world)
        await world.switch.dial(leg, phone.endpoint, ring_timeout_s=5, caller_id=None)
        presence = Presence.RINGING
        async with asyncio.timeout(5):
            while presence is Presence.RINGING:
                found = await seen(world, leg)
                assert found is not None, "a phone that is taken for gone is rung again"
                presence = found.presence
                await asyncio.sleep(0)
        assert presence is Presence.UP
