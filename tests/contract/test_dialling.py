"""Ringing a phone: each way in which that can end, and the cause that tells it."""

import asyncio

import pytest

from ivrengine.core.events import ChannelEnded, Failure, LegAnswered, LegRinging
from ivrengine.core.ids import ChannelId
from ivrengine.core.switching import RequestRefusedError
from tests.contract.steps import assert_order, new_leg, of_channel, talking
from tests.contract.world import Behaviour, OpenWorld, World

NORMAL, BUSY, NO_ANSWER, DECLINED = 16, 17, 19, 21
SHOWN = '"+90 532 *** ** 67" <+902124440101>'


async def rings(world: World, endpoint: str, ring_timeout_s: float = 5.0) -> ChannelId:
    leg = new_leg(world)
    await world.switch.dial(leg, endpoint, ring_timeout_s=ring_timeout_s, caller_id=SHOWN)
    return leg


async def ended(world: World, leg: ChannelId) -> ChannelEnded:
    return await world.event(ChannelEnded, lambda event: event.channel_id == leg)


async def test_a_phone_is_picked_up(open_world: OpenWorld) -> None:
    async with open_world() as world:
        phone = await world.phone("agent-101", Behaviour.ANSWERS)
        leg = await rings(world, phone.endpoint)
        answered = await world.event(LegAnswered, lambda event: event.channel_id == leg)
        ringing = await world.event(LegRinging, lambda event: event.channel_id == leg)
        assert_order(world.events, ringing, answered)
        assert phone.shown == "+902124440101"


async def test_a_phone_that_was_picked_up_is_put_down(open_world: OpenWorld) -> None:
    async with open_world() as world:
        phone = await world.phone("agent-101", Behaviour.ANSWERS)
        leg = await rings(world, phone.endpoint)
        await world.event(LegAnswered)
        await asyncio.sleep(0.1)
        await phone.hang_up()
        gone = await ended(world, leg)
        assert gone.cause == NORMAL
        await asyncio.sleep(0.3)
        assert of_channel(world.events, leg)[-1] is gone


async def test_we_hang_up_a_phone_that_was_picked_up(open_world: OpenWorld) -> None:
    async with open_world() as world:
        phone = await world.phone("agent-101", Behaviour.ANSWERS)
        leg = await rings(world, phone.endpoint)
        await world.event(LegAnswered)
        await world.switch.hang_up(leg)
        await phone.hung_up()
        assert (await ended(world, leg)).cause == NORMAL


@pytest.mark.parametrize(
    ("behaviour", "cause"),
    [
        (Behaviour.BUSY, BUSY),
        (Behaviour.DECLINES, DECLINED),
        (Behaviour.RINGS, NO_ANSWER),
        (Behaviour.SILENT, NO_ANSWER),
    ],
)
async def test_a_phone_that_is_not_picked_up_tells_why(
    open_world: OpenWorld, behaviour: Behaviour, cause: int
) -> None:
    async with open_world() as world:
        phone = await world.phone("agent-101", behaviour)
        leg = await rings(world, phone.endpoint, ring_timeout_s=1)
        gone = await ended(world, leg)
        assert gone.cause == cause
        await asyncio.sleep(0.3)
        told = of_channel(world.events, leg)
        assert told[-1] is gone
        assert not any(isinstance(event, LegAnswered) for event in told)


async def test_a_phone_that_nobody_registered_is_refused(open_world: OpenWorld) -> None:
    async with open_world() as world:
        with pytest.raises(RequestRefusedError) as refused:
            await rings(world, world.unreachable_endpoint)
        assert refused.value.failure is Failure.REFUSED


async def test_a_phone_that_does_not_exist_is_refused(open_world: OpenWorld) -> None:
    async with open_world() as world:
        with pytest.raises(RequestRefusedError) as refused:
            await rings(world, world.unknown_endpoint)
        assert refused.value.failure is Failure.REFUSED


async def test_we_give_up_while_a_phone_rings(open_world: OpenWorld) -> None:
    async with open_world() as world:
        phone = await world.phone("agent-101", Behaviour.RINGS)
        leg = await rings(world, phone.endpoint)
        await phone.rung()
        await world.event(LegRinging)
        await world.switch.hang_up(leg)
        assert (await ended(world, leg)).cause == NORMAL
        await phone.hung_up()


async def test_a_ringing_phone_obeys_no_command_but_to_stop(open_world: OpenWorld) -> None:
    async with open_world() as world:
        phone = await world.phone("agent-101", Behaviour.RINGS)
        leg = await rings(world, phone.endpoint)
        await phone.rung()
        with pytest.raises(RequestRefusedError) as refused:
            await world.switch.start_music(leg, "default")
        assert refused.value.failure is Failure.NOT_READY
        await world.switch.hang_up(leg)
        await ended(world, leg)


async def test_a_caller_who_leaves_does_not_stop_the_ringing(open_world: OpenWorld) -> None:
    async with open_world() as world:
        phone = await world.phone("agent-101", Behaviour.RINGS)
        caller, channel = await talking(world)
        leg = await rings(world, phone.endpoint)
        await phone.rung()
        await caller.hang_up()
        await ended(world, channel)
        with pytest.raises(TimeoutError):
            await phone.hung_up(within_s=0.3)
        await world.switch.hang_up(leg)
        await phone.hung_up()
        await ended(world, leg)


async def test_a_phone_picked_up_by_hand_is_answered(open_world: OpenWorld) -> None:
    async with open_world() as world:
        phone = await world.phone("agent-101", Behaviour.RINGS)
        leg = await rings(world, phone.endpoint)
        await phone.rung()
        assert not any(isinstance(event, LegAnswered) for event in world.events)
        await phone.pick_up()
        await world.event(LegAnswered, lambda event: event.channel_id == leg)
