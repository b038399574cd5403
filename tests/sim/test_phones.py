import asyncio

import pytest

from ivrengine.core import events
from ivrengine.core.events import Failure
from ivrengine.core.ids import BridgeId, ChannelId, PlaybackId
from ivrengine.core.switching import RequestRefusedError
from ivrengine.sim.phones import (
    Answers,
    Behaviour,
    Busy,
    Declines,
    Phone,
    Rings,
    Silent,
    Unreachable,
)
from tests.sim.stage import WELCOME, Stage, settle

LEG = ChannelId("sim:ivr-l1")
OTHER = ChannelId("sim:ivr-l2")
P1 = PlaybackId("sim:ivr-p1")
AGENT = "PJSIP/agent-101"


async def dialled(behaviour: Behaviour, *, ring_timeout_s: float = 20.0) -> tuple[Stage, Phone]:
    """Return a stage on which the agent's phone has just been dialled."""
    phone = Phone(AGENT, behaviour)
    stage = Stage(phones=[phone])
    await stage.switch.dial(
        LEG, AGENT, ring_timeout_s=ring_timeout_s, caller_id='"+90 532" <+90212>'
    )
    return stage, phone


async def test_a_phone_rings_and_is_picked_up() -> None:
    stage, phone = await dialled(Answers(after_s=3.0))
    await asyncio.sleep(10)
    assert stage.kinds() == ["LegRinging", "LegAnswered"]
    assert stage.after_s(stage.all(events.LegAnswered)[0]) == pytest.approx(3.02, abs=1e-3)
    assert phone.last is not None
    assert phone.last.up


async def test_a_phone_that_is_picked_up_hangs_up_after_the_talk() -> None:
    stage, phone = await dialled(Answers(after_s=3.0, talks_s=30.0))
    await asyncio.sleep(60)
    (ended,) = stage.all(events.ChannelEnded)
    assert ended.cause == 16
    assert stage.after_s(ended) == pytest.approx(33.02, abs=1e-3)
    assert not phone.calls


@pytest.mark.parametrize(
    ("behaviour", "kinds", "cause", "after_s"),
    [
        (Busy(), ["ChannelEnded"], 17, 0.02),
        (Declines(after_s=2.0), ["LegRinging", "ChannelEnded"], 21, 2.02),
        (Rings(), ["LegRinging", "ChannelEnded"], 19, 20.0),
        (Silent(), ["ChannelEnded"], 19, 20.0),
    ],
)
async def test_a_phone_that_is_not_picked_up_ends_with_its_cause(
    behaviour: Behaviour, kinds: list[str], cause: int, after_s: float
) -> None:
    stage, _ = await dialled(behaviour)
    await asyncio.sleep(60)
    (ended,) = stage.all(events.ChannelEnded)
    assert stage.kinds() == kinds
    assert ended.cause == cause
    assert stage.after_s(ended) == pytest.approx(after_s, abs=1e-3)
    assert not stage.switch.exchange.channels


@pytest.mark.parametrize("endpoint", ["PJSIP/agent-110", "PJSIP/nobody"])
async def test_a_phone_that_is_not_there_is_refused(endpoint: str) -> None:
    stage = Stage(phones=[Phone("PJSIP/agent-110", Unreachable())])
    with pytest.raises(RequestRefusedError) as refused:
        await stage.switch.dial(LEG, endpoint, ring_timeout_s=20, caller_id=None)
    assert refused.value.failure is Failure.REFUSED
    assert not stage.switch.exchange.channels


async def test_a_phone_in_use_is_busy() -> None:
    stage, _ = await dialled(Answers(after_s=1.0))
    await asyncio.sleep(5)
    await stage.switch.dial(OTHER, AGENT, ring_timeout_s=20, caller_id=None)
    await asyncio.sleep(1)
    (ended,) = stage.all(events.ChannelEnded)
    assert (ended.channel_id, ended.cause) == (OTHER, 17)


async def test_a_dialled_channel_obeys_only_once_it_has_answered() -> None:
    stage, _ = await dialled(Answers(after_s=3.0))
    await asyncio.sleep(1)
    with pytest.raises(RequestRefusedError) as refused:
        await stage.switch.play(LEG, P1, [WELCOME])
    assert refused.value.failure is Failure.NOT_READY
    await asyncio.sleep(3)
    await stage.switch.play(LEG, P1, [WELCOME])


async def test_giving_up_stops_the_ringing() -> None:
    stage, phone = await dialled(Answers(after_s=3.0))
    await asyncio.sleep(1)
    await stage.switch.hang_up(LEG)
    await asyncio.sleep(10)
    assert stage.kinds() == ["LegRinging", "ChannelEnded"]
    assert not phone.calls


async def test_a_phone_can_be_played_by_hand() -> None:
    stage, phone = await dialled(Rings())
    ringing = await phone.rung()
    assert ringing.shown == "+90212"
    ringing.pick_up()
    await settle()
    ringing.hang_up()
    await settle()
    assert stage.kinds() == ["LegRinging", "LegAnswered", "ChannelEnded"]


async def test_an_agent_and_a_caller_talk_until_the_agent_hangs_up() -> None:
    phone = Phone(AGENT, Answers(after_s=1.0, talks_s=10.0))
    stage = Stage(phones=[phone])
    caller, caller_id = await stage.caller()
    await stage.switch.dial(LEG, AGENT, ring_timeout_s=20, caller_id=None)
    await asyncio.sleep(2)
    bridge_id = BridgeId("sim:ivr-b1")
    await stage.switch.create_bridge(bridge_id)
    await stage.switch.add_to_bridge(bridge_id, [caller_id, LEG])
    await asyncio.sleep(20)
    assert [heard.sound for heard in caller.ear.heard] == [f"talk:{AGENT}"]
    assert phone.last is not None
    assert [heard.sound for heard in phone.last.ear.heard] == ["talk:caller"]
    assert caller.cause is None
    assert not caller.ear.hears_sound()


async def test_who_picks_up_while_nobody_listens_is_cut_off() -> None:
    stage, phone = await dialled(Answers(after_s=3.0))
    stage.switch.drop_link()
    await asyncio.sleep(5)
    assert not phone.calls
    assert not stage.all(events.LegAnswered)
