import asyncio

import pytest

from ivrengine.core import switching
from ivrengine.core.ids import BridgeId, ChannelId, PlaybackId
from ivrengine.sim.script import hang_up, hear, on, press, script, wait
from tests.sim.stage import DID, MENU, WELCOME, Stage, settle


def digits(stage: Stage) -> list[tuple[str, float]]:
    """Return the keys that were told, each with its second."""
    return [
        (heard.digit, round(stage.after_s(heard), 3)) for heard in stage.all(switching.DigitHeard)
    ]


async def play(stage: Stage, channel_id: ChannelId, medium: str, ordinal: int = 1) -> None:
    await stage.switch.play(channel_id, PlaybackId(f"sim:ivr-p{ordinal}"), [medium])


async def test_keys_come_when_the_script_says() -> None:
    stage = Stage()
    await stage.caller(script(press("12", after_s=1.0, gap_s=0.25), wait(3), press("#")))
    await asyncio.sleep(10)
    assert digits(stage) == [("1", 1.0), ("2", 1.25), ("#", 4.25)]


async def test_a_caller_without_a_script_stays_and_says_nothing() -> None:
    stage = Stage()
    caller, _ = await stage.caller()
    await asyncio.sleep(3600)
    assert caller.cause is None
    assert not digits(stage)


async def test_a_caller_types_ahead_while_a_prompt_plays() -> None:
    stage = Stage()
    _, channel_id = await stage.caller(script(hear("menu"), press("7", after_s=0.5)))
    await asyncio.sleep(2)
    await play(stage, channel_id, MENU)
    await asyncio.sleep(20)
    assert digits(stage) == [("7", 2.5)]


async def test_a_caller_waits_for_the_end_of_a_prompt() -> None:
    stage = Stage()
    _, channel_id = await stage.caller(script(hear(MENU, to_end=True), press("7", after_s=0.5)))
    await play(stage, channel_id, WELCOME, 1)
    await play(stage, channel_id, MENU, 2)
    await asyncio.sleep(20)
    assert digits(stage) == [("7", 8.5)]


async def test_a_caller_hangs_up_on_hearing_a_prompt() -> None:
    stage = Stage()
    caller, channel_id = await stage.caller(script(on("menu", hang_up(after_s=1.0))))
    await play(stage, channel_id, MENU)
    assert await caller.gone() == 16
    assert asyncio.get_running_loop().time() == pytest.approx(1.0, abs=0.01)


async def test_a_reflex_fires_each_time_the_prompt_is_heard() -> None:
    stage = Stage()
    _, channel_id = await stage.caller(script(on("welcome", press("5", after_s=1.0))))
    await play(stage, channel_id, WELCOME, 1)
    await play(stage, channel_id, WELCOME, 2)
    await asyncio.sleep(20)
    assert digits(stage) == [("5", 1.0), ("5", 3.0)]


async def test_patience_ends_and_a_talk_prolongs_it() -> None:
    stage = Stage()
    impatient, _ = await stage.caller(script(patience_s=20))
    talking, talking_id = await stage.caller(script(patience_s=20))
    _, other_id = await stage.caller()
    bridge_id = BridgeId("sim:ivr-b1")
    await stage.switch.create_bridge(bridge_id)
    await stage.switch.add_to_bridge(bridge_id, [talking_id, other_id])
    await asyncio.sleep(60)
    assert impatient.cause == 16
    assert talking.cause is None


async def test_a_hang_up_ends_all_intentions() -> None:
    stage = Stage()
    caller, _ = await stage.caller(script(press("123", after_s=1.0, gap_s=1.0)))
    await asyncio.sleep(1.5)
    caller.hang_up()
    await asyncio.sleep(10)
    assert digits(stage) == [("1", 1.0)]


async def test_who_calls_while_nobody_listens_lands_in_the_fallback() -> None:
    stage = Stage()
    stage.switch.drop_link()
    caller = stage.switch.call(DID, script=script(fallback_s=10))
    assert caller.fallback
    await asyncio.sleep(11)
    assert caller.cause == 16
    assert not stage.all(switching.Arrival)


async def test_a_test_can_wait_for_what_the_caller_hears() -> None:
    stage = Stage()
    caller, channel_id = await stage.caller()
    hearing = asyncio.create_task(caller.hears("menu"))
    await play(stage, channel_id, WELCOME, 1)
    await play(stage, channel_id, MENU, 2)
    heard = await hearing
    assert heard.sound == MENU
    assert heard.from_s == pytest.approx(2.0, abs=1e-3)
    assert await caller.hears("menu") is heard


async def test_the_number_of_a_caller_is_in_no_repr() -> None:
    stage = Stage()
    stage.switch.call(DID, number="+905321234567")
    await settle()
    assert "5321234567" not in repr(stage.told)
