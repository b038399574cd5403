"""An engine that is told to stop: in its time, in a hurry, or leaving all calls as they are to the next."""

import asyncio
from pathlib import Path

from ivrengine.core.call import Phase
from ivrengine.engine.journal_reading import recover
from ivrengine.engine.limits import Limits
from ivrengine.engine.stopping import Stopping, Then
from ivrengine.sim import script
from ivrengine.sim.phones import Answers, Phone
from tests.engine.a_house import DID, PROMPT_S, House, a_house
from tests.engine.test_engine import MENU

LISTENS = script.script(fallback_s=600)
ASKS = script.script(script.hear("menu"), script.press("0"), fallback_s=600)


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_a_second_wish_to_stop_spares_the_wait(tmp_path: Path) -> None:
    async with a_house(tmp_path / "j", MENU, limits=Limits(drain_s=60)) as house:
        caller = house.switch.call(DID, script=LISTENS)
        await caller.hears("menu")
        stopping = Stopping()
        stopping.ask()
        ends = asyncio.ensure_future(house.engine.stop(stopping))
        await asyncio.sleep(1)
        assert not caller.fallback
        asked_again = now()
        stopping.ask()
        await ends
        assert caller.fallback
        assert now() - asked_again < 1
        assert house.outcome() == "fallback"


async def left(house: House, stopping: Stopping | None = None) -> float:
    """Hand over, and return how long that took."""
    stopping = stopping or Stopping()
    stopping.hand_over()
    began = now()
    await house.engine.stop(stopping)
    return now() - began


async def test_who_hands_over_leaves_every_call_as_the_journal_has_it(tmp_path: Path) -> None:
    async with a_house(
        tmp_path / "j", MENU, phones=(Phone("PJSIP/reception", Answers(after_s=1)),)
    ) as house:
        listens = house.switch.call(DID, script=LISTENS)
        talks = house.switch.call(DID, script=ASKS)
        await talks.hears("talk:PJSIP/reception")
        await listens.hears("menu")
        await asyncio.sleep(0.1)
        before = {call.call_id: call for call in house.engine.calls()}
        rows = len(house.rows())
        assert await left(house) < 1
        found = {held.call.call_id: held.call for held in recover(tmp_path / "j").open_calls}
        assert found == before
        assert {call.phase for call in found.values()} == {Phase.IN_FLOW, Phase.TALKING}
        assert len(house.rows()) == rows, "that it left is nothing that happened to a call"
        await asyncio.sleep(60)
        for caller in (listens, talks):
            assert caller.cause is None
            assert not caller.fallback
        assert talks.ear.hears("talk:PJSIP/reception")
        assert not talks.ear.hears("music:default")


async def test_who_would_hear_nothing_has_music_and_a_prompt_is_heard_to_its_end(
    tmp_path: Path,
) -> None:
    async with a_house(tmp_path / "j", MENU) as house:
        waits = house.switch.call(DID, script=LISTENS)
        await waits.hears("menu")
        await asyncio.sleep(PROMPT_S + 0.5)
        listens = house.switch.call(DID, script=LISTENS)
        await listens.hears("menu")
        await left(house)
        await waits.hears("music:default")
        assert listens.ear.hears("menu")
        await listens.hears("music:default")


async def test_what_happens_while_it_leaves_is_for_the_next_engine(tmp_path: Path) -> None:
    phone = Phone("PJSIP/reception", Answers(after_s=3, talks_s=600))
    async with a_house(tmp_path / "j", MENU, phones=(phone,)) as house:
        caller = house.switch.call(DID, script=ASKS)
        await caller.hears("music:default")
        await asyncio.sleep(1)
        await left(house)
        late = house.switch.call(DID, script=LISTENS)
        await asyncio.sleep(60)
        assert phone.calls[0].cause is None, "the next engine finds both of them and joins them"
        assert caller.cause is None
        assert late.cause is None
        assert not late.fallback
        assert len(recover(tmp_path / "j").open_calls) == 1


async def test_calls_can_have_their_time_and_only_the_rest_be_left(tmp_path: Path) -> None:
    async with a_house(tmp_path / "j", MENU, limits=Limits(drain_s=20)) as house:
        ends = house.switch.call(DID, script=script.script(script.wait(5), script.hang_up()))
        stays = house.switch.call(DID, script=LISTENS)
        await stays.hears("menu")
        stopping = Stopping(Then.HAND_OVER)
        stopping.ask()
        began = now()
        stop = asyncio.ensure_future(house.engine.stop(stopping))
        await asyncio.sleep(1)
        late = house.switch.call(DID, script=LISTENS)
        await asyncio.sleep(1)
        assert late.fallback, "new callers are not for an engine that stops"
        await stop
        assert 20 <= now() - began < 21
        assert ends.cause is not None
        assert stays.cause is None
        assert not stays.fallback
        assert len(recover(tmp_path / "j").open_calls) == 1


async def test_the_next_engine_goes_on_with_every_call_and_ends_the_music(tmp_path: Path) -> None:
    phone = Phone("PJSIP/reception", Answers(after_s=1))
    async with a_house(tmp_path / "j", MENU, phones=(phone,)) as house:
        talks = house.switch.call(DID, script=ASKS)
        await talks.hears("talk:PJSIP/reception")
        waits = house.switch.call(DID, script=LISTENS)
        await waits.hears("menu")
        await asyncio.sleep(PROMPT_S + 0.5)
        await left(house)
        await waits.hears("music:default")
        house.kill()  # nothing of it is left but the journal
        before = waits.ear.heard[-1]
        await house.restart()
        await asyncio.sleep(1)
        assert before.until_s is not None, "the music has ended"
        assert waits.ear.hears("menu")
        assert talks.ear.hears("talk:PJSIP/reception")
        waits.press("1")
        await waits.hears("flat")
        for caller in (waits, talks):
            caller.hang_up()
        await asyncio.sleep(60)
        assert not house.engine.calls()
        assert house.count("calls_ended_total", outcome="fallback") == 0
