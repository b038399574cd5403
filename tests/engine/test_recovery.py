"""After a gap, be it a cut link, a dead engine or a dead switch, callers go on where they stand, and the rest is seen to."""

import asyncio
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import structlog

from ivrengine.core import events
from ivrengine.core.events import Failure
from ivrengine.core.ids import BridgeId, FlowHash
from ivrengine.engine import comparing, reconciling
from ivrengine.engine.limits import Limits
from ivrengine.flow.model import Flow
from ivrengine.sim import script
from ivrengine.sim.caller import Caller
from ivrengine.sim.faults import NONE, Faults
from ivrengine.sim.phones import Answers, Phone, Rings
from tests.engine.a_house import DID, PROMPT_S, House, a_house, book_of, flow_of
from tests.engine.test_engine import MENU, nodes_of
from tests.flow.walk import HEADER, compiled

TO_RECEPTION = script.script(script.hear("menu"), script.press("0"), fallback_s=600)
STAYS = script.script(fallback_s=600)
TALK = "talk:PJSIP/reception"


def effects_of(house: House, kind: str) -> list[dict[str, Any]]:
    found = [effect for row in house.rows() for effect in json.loads(row.payload)["effects"]]
    return [fields for name, fields in found if name == kind]


def last_event(house: House, kind: str) -> dict[str, Any]:
    row = [row for row in house.rows() if row.kind == kind][-1]
    fields: dict[str, Any] = json.loads(row.payload)["event"]
    return fields


async def cut(house: House, for_s: float = 5.0) -> None:
    house.switch.drop_link()
    await asyncio.sleep(for_s)
    house.switch.start()


async def crash(house: House, for_s: float = 5.0) -> None:
    house.kill()
    await asyncio.sleep(for_s)
    await house.restart()


GAPS = pytest.mark.parametrize("gap", [cut, crash])


@GAPS
async def test_a_caller_in_a_menu_hears_it_again_and_goes_on(tmp_path: Path, gap: Any) -> None:
    async with a_house(tmp_path / "j", MENU) as house:
        caller = house.switch.call(DID)
        await caller.hears("menu")
        await asyncio.sleep(PROMPT_S / 2)
        await gap(house)
        await caller.hears("menu")
        caller.press("1")
        await caller.hears("flat")
        caller.press("42#", gap_s=0.2)
        await caller.gone()
        await asyncio.sleep(0)
        assert nodes_of(house) == ["welcome", "menu", "flat", "bye"]
        assert house.outcome() == "completed"
        assert not house.engine.calls()


@GAPS
async def test_keys_pressed_while_nobody_listened_are_lost(tmp_path: Path, gap: Any) -> None:
    async with a_house(tmp_path / "j", MENU) as house:
        caller = house.switch.call(DID, script=script.script(script.press("1", after_s=7.0)))
        await caller.hears("menu")
        await asyncio.sleep(PROMPT_S)
        await gap(house)
        await caller.hears("menu")
        await asyncio.sleep(0.1)
        assert nodes_of(house)[-1] == "menu"
        caller.hang_up()


@GAPS
async def test_a_talk_is_not_disturbed(tmp_path: Path, gap: Any) -> None:
    phone = Phone("PJSIP/reception", Answers(after_s=1))
    async with a_house(tmp_path / "j", MENU, phones=(phone,)) as house:
        caller = house.switch.call(DID, script=TO_RECEPTION)
        talk = await caller.hears(TALK)
        await gap(house)
        await asyncio.sleep(1)
        assert talk.until_s is None
        phone.calls[0].hang_up()
        await caller.gone()
        await asyncio.sleep(0)
        assert house.outcome() == "transferred"
        assert not house.switch.exchange.bridges


@GAPS
async def test_a_phone_rings_on_with_music_and_can_be_picked_up_afterwards(
    tmp_path: Path, gap: Any
) -> None:
    phone = Phone("PJSIP/reception", Rings())
    async with a_house(tmp_path / "j", MENU, phones=(phone,)) as house:
        caller = house.switch.call(DID, script=TO_RECEPTION)
        rung = await phone.rung()
        await gap(house)
        await asyncio.sleep(1)
        assert caller.ear.hears("music:default")
        rung.pick_up()
        await caller.hears(TALK)
        assert len(effects_of(house, "Dial")) == 1
        caller.hang_up()


@GAPS
async def test_a_phone_picked_up_while_nobody_listened_is_put_through_or_let_go_of(
    tmp_path: Path, gap: Any
) -> None:
    """Asterisk ends a dialled call that is picked up while its application is away: that is a failed attempt."""
    phone = Phone("PJSIP/reception", Answers(after_s=2))
    async with a_house(tmp_path / "j", MENU, phones=(phone,)) as house:
        house.switch.call(DID, script=TO_RECEPTION)
        await phone.rung()
        await gap(house)
        await asyncio.sleep(1)
        assert nodes_of(house)[-1] == "bye"
        assert not phone.calls


@GAPS
async def test_whoever_hung_up_meanwhile_is_closed_with_the_true_reason(
    tmp_path: Path, gap: Any
) -> None:
    async with a_house(tmp_path / "j", MENU) as house:
        caller = house.switch.call(DID, script=script.script(script.hang_up(after_s=4)))
        await caller.hears("menu")
        with structlog.testing.capture_logs() as logs:
            await gap(house)
            await asyncio.sleep(0.1)
        assert house.outcome() == "lost"
        assert last_event(house, "EndedUnheard")["reason"] == "ended_while_disconnected"
        assert house.count("calls_unheard_total", reason="ended_while_disconnected") == 1
        [line] = [entry for entry in logs if entry["event"] == "call ended"]
        assert line["unheard"] == "ended_while_disconnected"


async def test_a_restart_of_the_switch_ends_its_calls_with_that_reason(tmp_path: Path) -> None:
    phone = Phone("PJSIP/reception", Answers(after_s=1))
    async with a_house(tmp_path / "j", MENU, phones=(phone,)) as house:
        house.switch.call(DID)
        talker = house.switch.call(DID, script=TO_RECEPTION)
        await talker.hears(TALK)
        house.switch.restart()
        await asyncio.sleep(3)
        house.switch.start()
        await asyncio.sleep(1)
        assert not house.engine.calls()
        assert house.count("calls_unheard_total", reason="pbx_restart") == 2
        assert house.count("calls_ended_total", outcome="transferred") == 1
        newcomer = house.switch.call(DID)
        await newcomer.hears("welcome")
        newcomer.hang_up()


async def test_a_caller_sent_on_just_before_a_crash_is_known_to_be_with_the_fallback(
    tmp_path: Path,
) -> None:
    async with a_house(tmp_path / "j", MENU, limits=Limits(drain_s=0)) as house:
        house.switch.call(DID, script=STAYS)
        await asyncio.sleep(1)
        house.switch.faults = Faults(lose=1.0)
        for task in house.engine._calls.values():
            task.post(events.FlowInterrupted(at=house.now(), reason="engine stopping"))
        await asyncio.sleep(0.1)
        house.switch.faults = NONE
        await crash(house)
        await asyncio.sleep(0.1)
        assert house.outcome() == "fallback"


@GAPS
async def test_nothing_that_was_to_be_cut_short_is_heard_afterwards(
    tmp_path: Path, gap: Any
) -> None:
    """The request that stops the welcome does not come through: the menu would be heard behind it."""
    source = json.loads(json.dumps(MENU))
    async with a_house(tmp_path / "j", source) as house:
        caller = house.switch.call(DID, script=STAYS)
        await caller.hears("welcome")
        house.switch.faults = Faults(
            refuse={Failure.UNAVAILABLE: 1.0}, refuse_only=frozenset({"stop_playback", "play"})
        )
        caller.press("1")
        await asyncio.sleep(0)
        await gap(house, 0.5)
        house.switch.faults = NONE
        await asyncio.sleep(0.1)
        assert caller.ear.hears("welcome") is None or nodes_of(house)[-1] == "welcome"


async def test_timers_count_nothing_while_the_link_is_down(tmp_path: Path) -> None:
    async with a_house(tmp_path / "j", MENU) as house:
        caller = house.switch.call(DID, script=STAYS)
        await caller.hears("menu")
        await cut(house, for_s=200)
        await caller.hears("menu")
        assert nodes_of(house) == ["welcome", "menu"]
        caller.hang_up()


async def test_a_node_that_stays_away_is_given_up(tmp_path: Path) -> None:
    async with a_house(tmp_path / "j", MENU, limits=Limits(node_lost_s=100)) as house:
        caller = house.switch.call(DID, script=STAYS)
        await caller.hears("menu")
        house.switch.drop_link(requests_too=True)
        await asyncio.sleep(99)
        assert house.engine.calls()
        await asyncio.sleep(2)
        assert not house.engine.calls()
        assert last_event(house, "EndedUnheard")["reason"] == "node_lost"
        house.switch.start()
        await asyncio.sleep(reconciling.STRANGE_S + 1)
        assert caller.fallback, "whoever is still there is given to a person"


async def test_one_node_does_not_touch_the_calls_of_another(tmp_path: Path) -> None:
    async with a_house(tmp_path / "j", MENU, nodes=("ast1", "ast2")) as house:
        first, second = house.switches
        here, there = first.call(DID, script=STAYS), second.call(DID, script=STAYS)
        await there.hears("menu")
        first.drop_link()
        await asyncio.sleep(1)
        there.press("1")
        await there.hears("flat")
        await asyncio.sleep(1)
        first.start()
        await asyncio.sleep(0.1)
        resumed = [row for row in house.rows() if row.kind == "Resumed"]
        assert len(resumed) == 1
        assert there.ear.hears("flat")
        first.restart()
        await asyncio.sleep(1)
        first.start()
        await asyncio.sleep(1)
        assert here.cause is not None
        assert there.cause is None
        assert len(house.engine.calls()) == 1
        there.hang_up()


async def test_the_calls_of_a_node_that_is_no_more_ours_are_closed_at_the_start(
    tmp_path: Path,
) -> None:
    async with a_house(tmp_path / "j", MENU, nodes=("ast1", "ast2")) as house:
        house.switches[1].call(DID, script=STAYS)
        await asyncio.sleep(1)
        house.kill()
        del house.switches[1]
        await house.restart()
        await asyncio.sleep(0.1)
        assert last_event(house, "EndedUnheard")["reason"] == "node_lost"
        assert not house.engine.calls()


async def test_a_switch_that_tells_but_does_not_answer_holds_calls_up_for_a_bounded_time(
    tmp_path: Path,
) -> None:
    async with a_house(tmp_path / "j", MENU) as house:
        asked = house.switch.call(DID, script=STAYS)
        await asked.hears("menu")
        house.switch.faults = Faults(
            refuse={Failure.UNAVAILABLE: 1.0}, refuse_only=frozenset({"snapshot"})
        )
        await cut(house, for_s=PROMPT_S + 1)
        newcomer = house.switch.call(DID, script=STAYS)
        await asyncio.sleep(reconciling.SNAPSHOT_WITHIN_S + 1)
        assert newcomer.up
        house.switch.faults = NONE
        await asyncio.sleep(reconciling.CONFIRM_AFTER_S + 1)
        assert house.count("calls_resumed_total") == 1
        for caller in (asked, newcomer):
            caller.hang_up()


async def test_a_fault_of_ours_in_comparing_keeps_no_call_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_house(tmp_path / "j", MENU) as house:
        asked = house.switch.call(DID, script=STAYS)
        await asked.hears("menu")
        with monkeypatch.context() as broken:
            broken.setattr(comparing, "compare", lambda *_args: 1 / 0)
            await cut(house, for_s=PROMPT_S + 1)
            newcomer = house.switch.call(DID, script=STAYS)
            await asyncio.sleep(PROMPT_S)
            assert newcomer.up
            await asyncio.sleep(Limits().look_s)
        assert house.count("not_compared_total", reason="fault") >= 2
        stray = BridgeId("sim:ivr-01a1fdfa-6026-76b7-b81b-311a28e29625-b4")
        await house.switch.create_bridge(stray)
        await asyncio.sleep(2 * Limits().look_s + 1)
        assert not house.switch.exchange.bridges, "looks go on"


async def test_more_events_than_can_be_kept_back_are_heard_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciling, "KEPT_BACK_MAX", 3)
    async with a_house(tmp_path / "j", MENU) as house:
        house.switch.faults = Faults(slow=1.0, slow_s=3.0)
        await cut(house, for_s=1)
        callers = [house.switch.call(DID, script=STAYS) for _ in range(3)]
        await asyncio.sleep(0.001)
        assert len(house.engine.calls()) == 3
        for caller in callers:
            caller.hang_up()


async def test_a_call_ends_on_the_flow_that_it_began_with_whatever_has_become_of_the_flow(
    tmp_path: Path,
) -> None:
    old_text = HEADER + OLD
    new_text = HEADER + OLD.replace("old-menu", "new-menu")
    old, new = compiled(old_text)[0], compiled(new_text)[0]
    assert old is not None
    assert new is not None
    book = book_of(with_hash(old, "1"))
    async with a_house(tmp_path / "j", MENU) as house:
        house.engine.use(book)
        caller = house.switch.call(DID, script=STAYS)
        await caller.hears("old-menu")
        house.kill()
        await house.restart(book_of(with_hash(new, "2")))
        await caller.hears("old-menu")
        newcomer = house.switch.call(DID, script=STAYS)
        await newcomer.hears("new-menu")
        caller.press("1")
        await caller.hears("goodbye")
        assert {call.flow.hash[:1] for call in house.engine.calls()} == {"1", "2"}
        newcomer.hang_up()


async def test_without_its_flow_a_caller_reaches_a_person(tmp_path: Path) -> None:
    async with a_house(tmp_path / "j", MENU) as house:
        caller = house.switch.call(DID, script=STAYS)
        await caller.hears("menu")
        house.kill()
        await house.restart(book_of(with_hash(flow_of(MENU), "2")))
        await asyncio.sleep(1)
        assert caller.fallback
        assert house.outcome() == "fallback"


OLD = """
start: menu
nodes:
  menu:
    type: menu
    prompt: old-menu
    choices: {1: bye}
    no_input: bye
    no_match: bye
  bye: {type: hangup, prompt: goodbye}
"""


def with_hash(flow: Flow, digit: str) -> Flow:
    ref = dataclasses.replace(flow.ref, hash=FlowHash(digit * 64))
    return dataclasses.replace(flow, ref=ref)


async def test_two_hundred_calls_go_on_together(tmp_path: Path) -> None:
    async with a_house(tmp_path / "j", MENU) as house:
        callers = [house.switch.call(DID, script=STAYS) for _ in range(200)]
        await asyncio.sleep(3)
        await crash(house)
        await asyncio.sleep(0.1)
        assert all(caller.ear.hears_sound() for caller in callers)
        assert house.count("calls_resumed_total") == 200
        await asyncio.gather(*(hang_up(caller) for caller in callers))


async def hang_up(caller: Caller) -> None:
    caller.hang_up()
