import asyncio

import pytest

from ivrengine.core import events
from ivrengine.core.events import Failure
from ivrengine.core.ids import BridgeId, ChannelId, PlaybackId, RecordingId
from ivrengine.core.switching import RequestRefusedError
from ivrengine.sim.exchange import LETTING_OUT_S
from tests.sim.stage import MENU, WELCOME, Stage, settle

B1 = BridgeId("sim:ivr-b1")
B2 = BridgeId("sim:ivr-b2")
P1 = PlaybackId("sim:ivr-p1")
R1 = RecordingId("sim:ivr-r1")
NOWHERE = ChannelId("sim:never-was")


async def test_two_in_a_bridge_hear_each_other() -> None:
    stage = Stage()
    one, one_id = await stage.caller()
    two, two_id = await stage.caller()
    await stage.switch.create_bridge(B1)
    await stage.switch.add_to_bridge(B1, [one_id])
    assert not one.ear.hears_sound()
    await stage.switch.add_to_bridge(B1, [two_id])
    assert one.ear.hears("talk:caller")
    assert two.ear.hears("talk:caller")
    await settle()
    assert [event.channel_id for event in stage.all(events.BridgeJoined)] == [one_id, two_id]


async def test_who_is_let_out_hears_nothing_and_stays_ours() -> None:
    stage = Stage()
    one, one_id = await stage.caller()
    two, two_id = await stage.caller()
    await stage.switch.create_bridge(B1)
    await stage.switch.add_to_bridge(B1, [one_id, two_id])
    await stage.switch.remove_from_bridge(B1, [two_id])
    assert not one.ear.hears_sound()
    assert not two.ear.hears_sound()
    await stage.switch.play(two_id, P1, [WELCOME])
    assert two.ear.hears("welcome")


async def test_a_hang_up_leaves_the_bridge_before_the_channel_ends() -> None:
    stage = Stage()
    one, one_id = await stage.caller()
    _, two_id = await stage.caller()
    await stage.switch.create_bridge(B1)
    await stage.switch.add_to_bridge(B1, [one_id, two_id])
    await settle()
    one.hang_up()
    await settle()
    assert stage.kinds()[-2:] == ["BridgeLeft", "ChannelEnded"]


async def test_a_channel_moves_from_one_bridge_to_the_other() -> None:
    stage = Stage()
    _, one_id = await stage.caller()
    await stage.switch.create_bridge(B1)
    await stage.switch.create_bridge(B2)
    await stage.switch.add_to_bridge(B1, [one_id])
    await stage.switch.add_to_bridge(B2, [one_id])
    await settle()
    moves = [
        (type(event).__name__, event.bridge_id)
        for event in stage.told
        if isinstance(event, events.BridgeJoined | events.BridgeLeft)
    ]
    assert moves == [("BridgeJoined", B1), ("BridgeLeft", B1), ("BridgeJoined", B2)]


async def test_creating_a_bridge_again_leaves_who_is_in_it() -> None:
    stage = Stage()
    _, one_id = await stage.caller()
    await stage.switch.create_bridge(B1)
    await stage.switch.add_to_bridge(B1, [one_id])
    await stage.switch.create_bridge(B1)
    await settle()
    assert not stage.all(events.BridgeLeft)
    assert len(stage.switch.exchange.bridges[B1].channels) == 1


async def test_a_destroyed_bridge_lets_everybody_out_alive() -> None:
    stage = Stage()
    one, one_id = await stage.caller()
    two, two_id = await stage.caller()
    await stage.switch.create_bridge(B1)
    await stage.switch.add_to_bridge(B1, [one_id, two_id])
    await stage.switch.destroy_bridge(B1)
    await asyncio.sleep(LETTING_OUT_S)
    await settle()
    assert {event.channel_id for event in stage.all(events.BridgeLeft)} == {one_id, two_id}
    assert one.cause is None
    assert two.cause is None
    with pytest.raises(RequestRefusedError) as refused:
        await stage.switch.destroy_bridge(B1)
    assert refused.value.failure is Failure.GONE


async def test_what_is_played_to_one_who_is_being_let_out_is_lost_unless_the_end_frees_them() -> (
    None
):
    stage = Stage()
    _, one_id = await stage.caller()
    _, two_id = await stage.caller()
    await stage.switch.create_bridge(B1)
    await stage.switch.add_to_bridge(B1, [one_id, two_id])
    await stage.switch.destroy_bridge(B1, one_id)
    await stage.switch.play(one_id, P1, [WELCOME])
    await stage.switch.play(two_id, PlaybackId("sim:ivr-p2"), [WELCOME])
    assert set(stage.switch.exchange.playbacks) == {P1}


async def test_nobody_joins_when_one_of_them_does_not_exist() -> None:
    stage = Stage()
    _, one_id = await stage.caller()
    await stage.switch.create_bridge(B1)
    with pytest.raises(RequestRefusedError) as refused:
        await stage.switch.add_to_bridge(B1, [one_id, NOWHERE])
    assert refused.value.failure is Failure.GONE
    await settle()
    assert not stage.all(events.BridgeJoined)


async def test_a_bridge_that_does_not_exist_is_refused_as_gone() -> None:
    stage = Stage()
    _, one_id = await stage.caller()
    for request in (
        stage.switch.add_to_bridge(B1, [one_id]),
        stage.switch.remove_from_bridge(B1, [one_id]),
    ):
        with pytest.raises(RequestRefusedError) as refused:
            await request
        assert refused.value.failure is Failure.GONE


async def test_removing_a_channel_that_is_not_inside_is_refused() -> None:
    stage = Stage()
    _, one_id = await stage.caller()
    await stage.switch.create_bridge(B1)
    with pytest.raises(RequestRefusedError) as refused:
        await stage.switch.remove_from_bridge(B1, [one_id])
    assert refused.value.failure is Failure.NOT_READY


async def test_joining_waits_for_the_prompt_before() -> None:
    stage = Stage()
    _, one_id = await stage.caller()
    await stage.switch.create_bridge(B1)
    await stage.switch.play(one_id, P1, [WELCOME])
    await stage.switch.add_to_bridge(B1, [one_id])
    await settle()
    (joined,) = stage.all(events.BridgeJoined)
    assert stage.after_s(joined) == pytest.approx(2.0, abs=0.01)


async def test_joining_behind_a_prompt_fails_when_the_caller_leaves() -> None:
    stage = Stage()
    caller, one_id = await stage.caller()
    await stage.switch.create_bridge(B1)
    await stage.switch.play(one_id, P1, [WELCOME])
    joining = asyncio.create_task(stage.switch.add_to_bridge(B1, [one_id]))
    await settle()
    caller.hang_up()
    with pytest.raises(RequestRefusedError) as refused:
        await joining
    assert refused.value.failure is Failure.GONE


async def test_a_recording_runs_until_it_is_stopped() -> None:
    stage = Stage()
    _, one_id = await stage.caller()
    await stage.switch.start_recording(R1, one_id, limit_s=60)
    await asyncio.sleep(4)
    await stage.switch.stop_recording(R1)
    await settle()
    (finished,) = stage.all(events.RecordingFinished)
    assert finished.recording_id == R1
    assert finished.duration_s == pytest.approx(4.0, abs=1e-4)


async def test_a_recording_ends_at_its_limit_and_with_its_channel() -> None:
    stage = Stage()
    caller, one_id = await stage.caller()
    await stage.switch.start_recording(R1, one_id, limit_s=3)
    await asyncio.sleep(10)
    await stage.switch.discard_recording(R1)
    await stage.switch.start_recording(R1, one_id, limit_s=60)
    await asyncio.sleep(5)
    caller.hang_up()
    await settle()
    lengths_s = [finished.duration_s for finished in stage.all(events.RecordingFinished)]
    assert lengths_s == [pytest.approx(3.0, abs=1e-3), pytest.approx(5.0, abs=1e-3)]


async def test_a_recording_occupies_its_channel() -> None:
    stage = Stage()
    caller, one_id = await stage.caller()
    await stage.switch.create_bridge(B1)
    await stage.switch.start_recording(R1, one_id, limit_s=60)
    await stage.switch.play(one_id, P1, [MENU])
    with pytest.raises(RequestRefusedError) as refused:
        await stage.switch.add_to_bridge(B1, [one_id])
    assert refused.value.failure is Failure.NOT_READY
    await asyncio.sleep(5)
    assert not caller.ear.heard
    await stage.switch.stop_recording(R1)
    assert caller.ear.hears("menu")


async def test_a_recording_stopped_while_it_waits_fails_and_blocks_nobody() -> None:
    stage = Stage()
    caller, one_id = await stage.caller()
    await stage.switch.play(one_id, P1, [WELCOME])
    await stage.switch.start_recording(R1, one_id, limit_s=60)
    await stage.switch.stop_recording(R1)
    await stage.switch.start_music(one_id, "default")
    await asyncio.sleep(3)
    assert len(stage.all(events.RecordingFailed)) == 1
    assert caller.ear.hears("music:default")


async def test_the_talk_in_a_bridge_is_recorded_until_the_bridge_is_gone() -> None:
    stage = Stage()
    _, one_id = await stage.caller()
    await stage.switch.create_bridge(B1)
    await stage.switch.start_recording(R1, B1, limit_s=60)
    await stage.switch.add_to_bridge(B1, [one_id])
    await asyncio.sleep(7)
    await stage.switch.destroy_bridge(B1)
    await settle()
    (finished,) = stage.all(events.RecordingFinished)
    assert finished.duration_s == pytest.approx(7.0, abs=1e-3)


async def test_recordings_are_refused_where_asterisk_refuses_them() -> None:
    stage = Stage()
    with pytest.raises(RequestRefusedError) as refused:
        await stage.switch.stop_recording(R1)
    assert refused.value.failure is Failure.GONE
    with pytest.raises(RequestRefusedError) as refused:
        await stage.switch.start_recording(R1, NOWHERE, limit_s=5)
    assert refused.value.failure is Failure.GONE


async def test_a_channel_in_a_bridge_cannot_be_recorded() -> None:
    stage = Stage()
    _, one_id = await stage.caller()
    await stage.switch.create_bridge(B1)
    await stage.switch.add_to_bridge(B1, [one_id])
    await stage.switch.start_recording(R1, one_id, limit_s=5)
    await settle()
    assert len(stage.all(events.RecordingFailed)) == 1
    await stage.switch.play(one_id, P1, [WELCOME])
    await asyncio.sleep(3)
    assert stage.all(events.PlaybackFinished)[0].completed
