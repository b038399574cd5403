"""Who and what is alive on a switch though no call knows of it: served, given to a person, or let go of."""

import asyncio
from pathlib import Path
from typing import Any

from ivrengine.core.ids import BridgeId, ChannelId
from ivrengine.engine import reconciling
from ivrengine.engine.limits import Limits
from ivrengine.sim.phones import Phone, Rings
from tests.engine.a_house import DID, PROMPT_S, House, a_house
from tests.engine.test_engine import MENU
from tests.engine.test_recovery import GAPS, STAYS, cut


@GAPS
async def test_who_came_while_the_line_was_half_open_is_served(tmp_path: Path, gap: Any) -> None:
    async with a_house(tmp_path / "j", MENU) as house:
        house.switch.go_deaf()
        caller = house.switch.call(DID, script=STAYS)
        await asyncio.sleep(10)
        assert not caller.up
        await gap(house)
        await asyncio.sleep(reconciling.STRANGE_S + 0.1)
        assert caller.ear.hears("welcome")
        assert house.count("strays_total", what="unserved") == 1
        caller.hang_up()


async def test_an_answered_caller_whom_nobody_knows_is_given_to_a_person(tmp_path: Path) -> None:
    async with a_house(tmp_path / "j", MENU) as house:
        caller = house.switch.call(DID, script=STAYS)
        await caller.hears("welcome")
        house.kill()
        for segment in house.folder.glob("*.jsonl"):
            segment.unlink()
        await house.restart()
        await asyncio.sleep(PROMPT_S + 0.1)  # what plays is heard to its end
        assert caller.fallback
        assert house.count("strays_total", what="caller") == 1


async def test_what_nobody_wants_any_more_is_let_go_of(tmp_path: Path) -> None:
    phone = Phone("PJSIP/reception", Rings())
    async with a_house(tmp_path / "j", MENU, phones=(phone,)) as house:
        await _leave_strays(house)
        await cut(house, for_s=1)
        await asyncio.sleep(0.1)
        assert not house.switch.exchange.bridges
        assert not phone.calls


async def test_what_leaks_is_found_by_looking_now_and_then(tmp_path: Path) -> None:
    phone = Phone("PJSIP/reception", Rings())
    async with a_house(tmp_path / "j", MENU, phones=(phone,)) as house:
        await _leave_strays(house)
        await asyncio.sleep(Limits().look_s + reconciling.STRANGE_S)
        assert house.switch.exchange.bridges, "what is seen once may just be changing"
        assert house.count("channels", node="sim", whose="unknown") == 1
        assert house.count("bridges", node="sim", whose="unknown") == 1
        await asyncio.sleep(reconciling.CONFIRM_AFTER_S)
        assert not house.switch.exchange.bridges
        assert not phone.calls
        await asyncio.sleep(Limits().look_s)
        assert house.count("bridges", node="sim", whose="unknown") == 0


async def _leave_strays(house: House) -> None:
    await asyncio.sleep(1)
    call = "01a1fdfa-6026-76b7-b81b-311a28e29625"
    await house.switch.create_bridge(BridgeId(f"sim:ivr-{call}-b4"))
    leg = ChannelId(f"sim:ivr-{call}-l4")
    await house.switch.dial(leg, "PJSIP/reception", ring_timeout_s=999, caller_id=None)
