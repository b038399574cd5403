"""A call whose switch is not heard: nothing is decided for want of an answer, and what is found is held against how it stands."""

import asyncio
from pathlib import Path
from typing import Final

from ivrengine.core import events, switching
from ivrengine.core.events import LegSeen
from ivrengine.core.ids import ChannelId
from ivrengine.engine.call_task import CallTask
from ivrengine.engine.limits import Limits
from ivrengine.flow.running.parting import LEAVING_LIMIT_S
from ivrengine.sim.faults import NONE, Faults
from tests.engine.a_house import DID, PROMPT_S, House, a_house
from tests.engine.test_engine import MENU, nodes_of
from tests.engine.test_recovery import STAYS

ANOTHER_LEG: Final = ChannelId("sim:ivr-01a1fdfa-6026-76b7-b81b-311a28e29625-l3")


def the_call(house: House) -> CallTask:
    [task] = house.engine._calls.values()
    return task


def resumed(house: House) -> events.Resumed:
    at = house.now()
    return events.Resumed(at=at, since_at=at, answered=True, leg=LegSeen.NONE, joined=False)


async def test_a_request_that_nobody_answers_while_the_link_is_down_leads_nobody_on(
    tmp_path: Path,
) -> None:
    async with a_house(tmp_path / "j", MENU) as house:
        await asyncio.sleep(1)
        house.switch.faults = Faults(slow=1.0)
        caller = house.switch.call(DID, script=STAYS)
        await asyncio.sleep(0)
        await asyncio.sleep(0.001)
        house.switch.drop_link(requests_too=True)
        house.switch.faults = NONE
        await asyncio.sleep(30)
        assert "RequestFailed" not in house.kinds()
        assert nodes_of(house) == ["welcome"]
        house.switch.start()
        await caller.hears("welcome")
        caller.hang_up()


async def test_what_was_found_before_another_gap_is_history(tmp_path: Path) -> None:
    async with a_house(tmp_path / "j", MENU) as house:
        caller = house.switch.call(DID, script=STAYS)
        await caller.hears("menu")
        task = the_call(house)
        task.freeze()
        task.resume(resumed(house), None)
        task.freeze()
        await asyncio.sleep(1)
        assert "Resumed" not in house.kinds()
        task.resume(resumed(house), None)
        await asyncio.sleep(0.1)
        assert house.kinds().count("Resumed") == 1
        caller.hang_up()


async def test_what_was_found_of_another_phone_is_no_news_and_the_wait_goes_on(
    tmp_path: Path,
) -> None:
    async with a_house(tmp_path / "j", MENU) as house:
        caller = house.switch.call(DID, script=STAYS)
        await caller.hears("menu")
        await asyncio.sleep(PROMPT_S + 1)
        task = the_call(house)
        task.freeze()
        await asyncio.sleep(100)
        task.resume(resumed(house), ANOTHER_LEG)
        await asyncio.sleep(0.1)
        assert "Resumed" not in house.kinds()
        assert house.kinds()[-1] == "TimerFired", "what was over meanwhile is over now"
        caller.hang_up()


async def test_a_call_that_drowns_in_a_gap_is_not_frozen_for_ever(tmp_path: Path) -> None:
    async with a_house(tmp_path / "j", MENU, limits=Limits(mailbox_max=8)) as house:
        caller = house.switch.call(DID, script=STAYS)
        await caller.hears("welcome")
        task, at = the_call(house), house.now()
        house.switch.faults = Faults(lose=1.0)
        task.freeze()
        assert caller.channel is not None
        heard = switching.DigitHeard(at=at, channel_id=caller.channel.channel_id, digit="5")
        for _ in range(9):
            task.post(heard)
        task.resume(resumed(house), None)
        await asyncio.sleep(LEAVING_LIMIT_S + 1)
        assert "CallFailed" in house.kinds()
        assert not house.engine.calls()
        assert caller.fallback
