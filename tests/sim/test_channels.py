import asyncio

import pytest

from ivrengine.core import events, switching
from ivrengine.core.events import Failure
from ivrengine.core.ids import ChannelId, PlaybackId
from ivrengine.core.switching import RequestRefusedError
from tests.sim.stage import DID, MENU, NUMBER, WELCOME, Stage, settle

P1 = PlaybackId("sim:ivr-p1")
P2 = PlaybackId("sim:ivr-p2")


async def test_a_caller_arrives_with_number_and_did() -> None:
    stage = Stage()
    stage.switch.call(DID, number=NUMBER)
    await settle()
    (arrival,) = stage.all(switching.Arrival)
    assert (arrival.did, arrival.number) == (DID, NUMBER)
    assert arrival.channel_id.startswith("sim:")


async def test_a_withheld_number_arrives_as_none() -> None:
    stage = Stage()
    stage.switch.call(DID)
    await settle()
    assert stage.all(switching.Arrival)[0].number is None


async def test_every_call_has_a_channel_of_its_own() -> None:
    stage = Stage()
    for _ in range(50):
        stage.switch.call(DID)
    await settle()
    assert len({arrival.channel_id for arrival in stage.all(switching.Arrival)}) == 50


async def test_the_caller_learns_that_they_were_answered() -> None:
    stage = Stage()
    caller = stage.switch.call(DID)
    await settle()
    assert not caller.up
    assert caller.channel is not None
    await stage.switch.answer(caller.channel.channel_id)
    await caller.answered()
    assert caller.up


async def test_answering_twice_changes_nothing() -> None:
    stage = Stage()
    caller, channel_id = await stage.caller()
    await stage.switch.answer(channel_id)
    await settle()
    assert caller.up
    assert stage.kinds() == ["Arrival"]


async def test_a_prompt_is_heard_to_its_end() -> None:
    stage = Stage()
    caller, channel_id = await stage.caller()
    await stage.switch.play(channel_id, P1, [WELCOME])
    await asyncio.sleep(5)
    (finished,) = stage.all(events.PlaybackFinished)
    assert finished.completed
    assert stage.after_s(finished) == pytest.approx(2.0, abs=1e-4)
    assert [(heard.sound, heard.to_end) for heard in caller.ear.heard] == [(WELCOME, True)]


async def test_several_media_are_one_playback_that_finishes_once() -> None:
    stage = Stage()
    caller, channel_id = await stage.caller()
    await stage.switch.play(channel_id, P1, [WELCOME, MENU])
    await asyncio.sleep(20)
    (finished,) = stage.all(events.PlaybackFinished)
    assert stage.after_s(finished) == pytest.approx(8.0, abs=1e-4)
    assert [heard.sound for heard in caller.ear.heard] == [WELCOME, MENU]


async def test_a_missing_medium_ends_the_playback_unheard() -> None:
    stage = Stage()
    caller, channel_id = await stage.caller()
    await stage.switch.play(channel_id, P1, ["sound:missing"])
    await settle()
    assert not stage.all(events.PlaybackFinished)[0].completed
    assert not caller.ear.heard


async def test_a_stopped_prompt_is_cut_short() -> None:
    stage = Stage()
    caller, channel_id = await stage.caller()
    await stage.switch.play(channel_id, P1, [MENU])
    await asyncio.sleep(1.5)
    await stage.switch.stop_playback(P1)
    await asyncio.sleep(10)
    (finished,) = stage.all(events.PlaybackFinished)
    assert not finished.completed
    assert stage.after_s(finished) == pytest.approx(1.5, abs=1e-4)
    (heard,) = caller.ear.heard
    assert heard.until_s == pytest.approx(1.5, abs=1e-4)
    assert not heard.to_end


async def test_a_second_prompt_waits_for_the_first() -> None:
    stage = Stage()
    _, channel_id = await stage.caller()
    await stage.switch.play(channel_id, P1, [WELCOME])
    await stage.switch.play(channel_id, P2, [MENU])
    await asyncio.sleep(20)
    first, second = stage.all(events.PlaybackFinished)
    assert first.playback_id == P1
    assert stage.after_s(first) == pytest.approx(2.0, abs=1e-4)
    assert second.playback_id == P2
    assert stage.after_s(second) == pytest.approx(8.0, abs=1e-4)


async def test_a_prompt_stopped_while_it_waits_ends_when_its_turn_comes() -> None:
    stage = Stage()
    caller, channel_id = await stage.caller()
    await stage.switch.play(channel_id, P1, [WELCOME])
    await stage.switch.play(channel_id, P2, [MENU])
    await stage.switch.stop_playback(P2)
    await settle()
    assert not stage.all(events.PlaybackFinished)
    await asyncio.sleep(5)
    assert [finished.completed for finished in stage.all(events.PlaybackFinished)] == [True, False]
    assert [heard.sound for heard in caller.ear.heard] == [WELCOME]


async def test_a_prompt_ends_with_its_channel_and_one_that_waits_is_never_told_of() -> None:
    stage = Stage()
    caller, channel_id = await stage.caller()
    await stage.switch.play(channel_id, P1, [MENU])
    await stage.switch.play(channel_id, P2, [WELCOME])
    caller.hang_up()
    await asyncio.sleep(20)
    (finished,) = stage.all(events.PlaybackFinished)
    assert (finished.playback_id, finished.completed) == (P1, False)
    assert not stage.switch.exchange.playbacks


async def test_the_callers_hang_up_is_told_once_with_its_cause() -> None:
    stage = Stage()
    caller, channel_id = await stage.caller()
    caller.hang_up()
    caller.hang_up()
    await settle()
    (ended,) = stage.all(events.ChannelEnded)
    assert (ended.channel_id, ended.cause) == (channel_id, 16)


async def test_our_hang_up_reaches_the_caller() -> None:
    stage = Stage()
    caller, channel_id = await stage.caller()
    await stage.switch.hang_up(channel_id)
    assert await caller.gone() == 16
    await settle()
    assert len(stage.all(events.ChannelEnded)) == 1


async def test_a_key_is_heard_and_on_a_dead_line_it_is_not() -> None:
    stage = Stage()
    caller, channel_id = await stage.caller()
    caller.press("4#", gap_s=0.2)
    await asyncio.sleep(1)
    caller.hang_up()
    caller.press("9")
    await settle()
    digits = [(digit.channel_id, digit.digit) for digit in stage.all(switching.DigitHeard)]
    assert digits == [(channel_id, "4"), (channel_id, "#")]


async def test_music_reaches_the_caller_until_it_is_stopped() -> None:
    stage = Stage()
    caller, channel_id = await stage.caller()
    await stage.switch.start_music(channel_id, "default")
    await asyncio.sleep(3)
    await stage.switch.stop_music(channel_id)
    await stage.switch.stop_music(channel_id)
    await settle()
    (heard,) = caller.ear.heard
    assert heard.sound == "music:default"
    assert heard.until_s == pytest.approx(3.0, abs=1e-4)


async def test_a_prompt_ends_the_music_for_good() -> None:
    stage = Stage()
    caller, channel_id = await stage.caller()
    await stage.switch.start_music(channel_id, "default")
    await stage.switch.play(channel_id, P1, [WELCOME])
    await asyncio.sleep(10)
    assert [heard.sound for heard in caller.ear.heard] == ["music:default", WELCOME]
    assert not caller.ear.hears_sound()


async def test_music_that_is_asked_for_during_a_prompt_begins_after_it() -> None:
    stage = Stage()
    caller, channel_id = await stage.caller()
    await stage.switch.play(channel_id, P1, [WELCOME])
    await stage.switch.start_music(channel_id, "default")
    await asyncio.sleep(10)
    assert [heard.sound for heard in caller.ear.heard] == [WELCOME, "music:default"]
    assert caller.ear.heard[1].from_s == pytest.approx(2.0, abs=1e-4)


async def test_the_fallback_takes_the_channel_and_nothing_more_is_told() -> None:
    stage = Stage()
    caller, channel_id = await stage.caller()
    await stage.switch.send_to_fallback(channel_id)
    await settle()
    assert caller.fallback
    caller.press("1")
    await caller.gone()
    await settle()
    assert stage.kinds() == ["Arrival", "ChannelLeft"]


async def test_a_channel_in_the_fallback_takes_no_commands_but_a_hang_up() -> None:
    stage = Stage()
    caller, channel_id = await stage.caller()
    await stage.switch.send_to_fallback(channel_id)
    with pytest.raises(RequestRefusedError) as refused:
        await stage.switch.play(channel_id, P1, [WELCOME])
    assert refused.value.failure is Failure.NOT_READY
    await stage.switch.hang_up(channel_id)
    assert caller.cause == 16


async def test_an_answer_behind_a_prompt_waits_and_then_gives_up() -> None:
    stage = Stage()
    caller = stage.switch.call(DID)
    await settle()
    assert caller.channel is not None
    channel_id = caller.channel.channel_id
    await stage.switch.play(channel_id, P1, [WELCOME])
    await stage.switch.answer(channel_id)
    assert asyncio.get_running_loop().time() == pytest.approx(2.0, abs=0.01)
    await stage.switch.play(channel_id, P2, [MENU])
    with pytest.raises(RequestRefusedError) as refused:
        await stage.switch.answer(channel_id)
    assert refused.value.failure is Failure.UNAVAILABLE


@pytest.mark.parametrize(
    "command", ["answer", "start_music", "stop_music", "hang_up", "send_to_fallback", "play"]
)
async def test_a_command_on_a_dead_channel_is_refused_as_gone(command: str) -> None:
    stage = Stage()
    caller, channel_id = await stage.caller()
    caller.hang_up()
    for dead in (channel_id, ChannelId("sim:never-was")):
        with pytest.raises(RequestRefusedError) as refused:
            await _command(stage, command, dead)
        assert refused.value.failure is Failure.GONE


async def _command(stage: Stage, command: str, channel_id: ChannelId) -> None:
    switch = stage.switch
    match command:
        case "answer":
            await switch.answer(channel_id)
        case "start_music":
            await switch.start_music(channel_id, "default")
        case "stop_music":
            await switch.stop_music(channel_id)
        case "hang_up":
            await switch.hang_up(channel_id)
        case "send_to_fallback":
            await switch.send_to_fallback(channel_id)
        case _:
            await switch.play(channel_id, P1, [WELCOME])


async def test_stopping_a_playback_that_is_over_is_refused_as_gone() -> None:
    stage = Stage()
    _, channel_id = await stage.caller()
    await stage.switch.play(channel_id, P1, [WELCOME])
    await asyncio.sleep(3)
    with pytest.raises(RequestRefusedError) as refused:
        await stage.switch.stop_playback(P1)
    assert refused.value.failure is Failure.GONE
