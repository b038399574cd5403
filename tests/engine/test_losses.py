"""What the engine makes of events that were never told, requests that were not answered, and faults of its own."""

import asyncio
import json
import resource
from pathlib import Path
from typing import Any

import pytest

from ivrengine.core import events, switching
from ivrengine.core.events import Failure
from ivrengine.core.ids import ChannelId
from ivrengine.engine.limits import Limits
from ivrengine.engine.reconciling import CONFIRM_AFTER_S
from ivrengine.sim import script
from ivrengine.sim.caller import Caller
from ivrengine.sim.faults import NONE, Faults
from ivrengine.sim.phones import Answers, Phone, Rings
from tests.engine.a_house import DID, NOON, NOT_RECOGNISED, PROMPT_S, House, a_house
from tests.engine.test_engine import MENU, nodes_of

TALK = script.script(script.hear("menu"), script.press("0"), fallback_s=600)
AFTER_TALK: dict[str, Any] = json.loads(json.dumps(MENU))
AFTER_TALK["nodes"]["reception"]["next"] = "menu"


def reception() -> Phone:
    return Phone("PJSIP/reception", Answers(after_s=1))


async def talks(house: House) -> Caller:
    caller = house.switch.call(DID, script=TALK)
    await caller.hears("talk:PJSIP/reception")
    return caller


async def test_who_is_left_alone_by_a_leg_whose_end_was_not_told_is_not_left_in_silence(
    tmp_path: Path,
) -> None:
    phone = reception()
    async with a_house(tmp_path / "j", AFTER_TALK, phones=(phone,)) as house:
        caller = await talks(house)
        house.switch.faults = Faults(lose=1.0, lose_only=(events.ChannelEnded,))
        phone.calls[0].hang_up()
        await asyncio.sleep(Limits().look_s + CONFIRM_AFTER_S + 1)
        house.switch.faults = NONE
        assert nodes_of(house)[-2:] == ["reception", "menu"]
        caller.hang_up()


async def test_a_long_talk_is_not_disturbed_by_looking_whether_it_goes_on(tmp_path: Path) -> None:
    async with a_house(tmp_path / "j", AFTER_TALK, phones=(reception(),)) as house:
        caller = await talks(house)
        house.switch.drop_link()
        await asyncio.sleep(5)
        house.switch.start()
        await asyncio.sleep(3600)
        talk = caller.ear.hears("talk:PJSIP/reception")
        assert talk is not None
        kinds = house.kinds()[-2:]
        assert kinds == ["BridgeJoined", "Resumed"], "looking leaves nothing in the journal"
        caller.hang_up()


async def test_a_talk_that_ended_while_the_link_was_down_is_closed_when_it_is_back(
    tmp_path: Path,
) -> None:
    phone = reception()
    async with a_house(tmp_path / "j", MENU, phones=(phone,)) as house:
        caller = await talks(house)
        house.switch.drop_link()
        caller.hang_up()
        phone.calls[0].hang_up()
        await asyncio.sleep(5)
        house.switch.start()
        await asyncio.sleep(20)
        assert not house.engine.calls()
        assert house.outcome() == "transferred"


@pytest.mark.parametrize("stands_s", [1.0, 2.5, 5.0], ids=["play", "menu prompt", "menu"])
async def test_who_hung_up_while_the_link_was_down_is_found_out_when_it_is_back(
    tmp_path: Path, stands_s: float
) -> None:
    async with a_house(tmp_path / "j", MENU) as house:
        caller = house.switch.call(DID)
        await asyncio.sleep(stands_s)
        house.switch.drop_link()
        caller.hang_up()
        await asyncio.sleep(0.5)
        house.switch.start()
        await asyncio.sleep(0.1)
        assert not house.engine.calls()
        assert house.outcome() == "lost"


async def test_looking_after_a_caller_ends_no_music_while_a_phone_rings(tmp_path: Path) -> None:
    phone = Phone("PJSIP/reception", Rings())
    async with a_house(tmp_path / "j", MENU, phones=(phone,)) as house:
        caller = house.switch.call(DID, script=TALK)
        await caller.hears("music:default")
        house.switch.drop_link()
        await asyncio.sleep(1)
        house.switch.start()
        await asyncio.sleep(5)
        assert caller.ear.hears("music:default") is not None
        caller.hang_up()


async def test_a_prompt_whose_end_a_dropped_link_swallowed_begins_again_when_it_is_back(
    tmp_path: Path,
) -> None:
    async with a_house(tmp_path / "j", MENU) as house:
        caller = house.switch.call(DID)
        await caller.hears("welcome")
        house.switch.drop_link()
        await asyncio.sleep(PROMPT_S + 1)
        house.switch.start()
        await asyncio.sleep(0.1)
        assert caller.ear.hears("welcome") is not None


async def test_refused_callers_whom_the_switch_does_not_take_at_once_are_offered_again(
    tmp_path: Path,
) -> None:
    """Half of the requests without an answer were done all the same, so there are some callers."""
    async with a_house(tmp_path / "j", MENU) as house:
        house.switch.faults = Faults(refuse={Failure.UNAVAILABLE: 1.0})
        waiting = script.script(fallback_s=600)
        callers = [house.switch.call("+902120000000", script=waiting) for _ in range(10)]
        await asyncio.sleep(0.5)
        assert not all(caller.fallback for caller in callers)
        house.switch.faults = NONE
        await asyncio.sleep(60)
        assert all(caller.fallback for caller in callers)


async def test_a_caller_at_whom_the_engine_itself_breaks_gets_a_person(tmp_path: Path) -> None:
    async with a_house(tmp_path / "j", MENU) as house:
        caller = house.switch.call(DID, number=NOT_RECOGNISED, script=script.script(fallback_s=600))
        await asyncio.sleep(1)
        assert caller.fallback
        assert house.count("calls_failed_total") == 1


async def test_a_fault_while_something_is_done_fails_that_call_and_is_recorded(
    tmp_path: Path,
) -> None:
    source = json.loads(json.dumps(MENU))
    source["nodes"]["menu"]["prompt"] = "broken"
    async with a_house(tmp_path / "j", source) as house:
        caller = house.switch.call(DID, script=script.script(fallback_s=600))
        await asyncio.sleep(30)
        assert caller.fallback
        assert house.outcome() == "fallback"
        assert house.kinds().count("CallFailed") == 1


async def test_keys_pressed_before_a_talk_are_not_taken_after_it(tmp_path: Path) -> None:
    phone = reception()
    async with a_house(tmp_path / "j", AFTER_TALK, phones=(phone,)) as house:
        caller = house.switch.call(
            DID, script=script.script(script.press("01", after_s=0.5, gap_s=0))
        )
        await caller.hears("talk:PJSIP/reception")
        phone.calls[0].hang_up()
        await caller.hears("menu")
        await asyncio.sleep(PROMPT_S)
        assert nodes_of(house)[-1] == "menu", "the 1 would have led to the flat"


async def test_a_phone_that_is_picked_up_for_a_call_that_is_over_is_hung_up(tmp_path: Path) -> None:
    async with a_house(tmp_path / "j", MENU, phones=(reception(),)) as house:
        leg = ChannelId("sim:ivr-01a1fdfa-6026-76b7-b81b-311a28e29625-l4")
        await house.switch.dial(leg, "PJSIP/reception", ring_timeout_s=20, caller_id=None)
        await asyncio.sleep(5)
        assert not house.switch.exchange.channels


async def test_a_bridge_whose_removal_was_not_answered_is_removed_later(tmp_path: Path) -> None:
    phone = reception()
    async with a_house(tmp_path / "j", MENU, phones=(phone,)) as house:
        caller = await talks(house)
        house.switch.faults = Faults(
            refuse={Failure.UNAVAILABLE: 1.0}, refuse_only=frozenset({"destroy_bridge", "hang_up"})
        )
        caller.hang_up()
        await asyncio.sleep(5)
        house.switch.faults = NONE
        await asyncio.sleep(60)
        assert not house.switch.exchange.bridges
        assert not house.switch.exchange.channels


async def test_a_channel_that_comes_again_is_a_new_call(tmp_path: Path) -> None:
    """The dialplan may send a caller back to us, and of their leaving nothing was told."""
    async with a_house(tmp_path / "j", MENU) as house:
        caller = house.switch.call(DID)
        await caller.hears("welcome")
        assert caller.channel is not None
        again = switching.Arrival(
            at=NOON, channel_id=caller.channel.channel_id, did=DID, number=None
        )
        house.engine.listen(again)
        await asyncio.sleep(120)
        assert caller.cause is not None
        assert not house.engine.calls()
        assert house.count("calls_ended_total", outcome="taken") == 1
        assert house.count("calls_ended_total", outcome="completed") == 1


async def test_stopping_waits_for_the_answer_to_the_last_hand_over(tmp_path: Path) -> None:
    async with a_house(tmp_path / "j", MENU) as house:
        house.switch.faults = Faults(slow=1.0, slow_s=4.0)
        callers = [
            house.switch.call("+902120000000", script=script.script(fallback_s=600))
            for _ in range(10)
        ]
        await asyncio.sleep(0)
        await house.engine.stop()
        assert all(caller.fallback for caller in callers)


async def test_a_journal_that_cannot_be_written_sends_the_caller_to_a_person_and_frees_the_phone(
    tmp_path: Path,
) -> None:
    """The file-size limit of the process stands in for a broken disk."""
    phone = reception()
    async with a_house(tmp_path / "j", MENU, phones=(phone,)) as house:
        caller = await talks(house)
        [segment] = house.journal.folder.glob("*.jsonl")
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (segment.stat().st_size, hard))
        try:
            phone.calls[0].hang_up()
            await asyncio.sleep(5)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert caller.fallback
        assert not house.engine.calls()
        assert not house.switch.exchange.bridges
        assert not phone.calls
