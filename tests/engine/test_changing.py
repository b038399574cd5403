"""The flows are changed under calls: those in progress keep what they began with, new ones get the new."""

import asyncio
import gc
import weakref
from pathlib import Path

from ivrengine.core import effects
from ivrengine.core.ids import BrandId, NodeName
from ivrengine.engine.stock import SLICE, let_go
from ivrengine.flow.model import Flow
from ivrengine.sim.phones import Answers, Phone
from tests.engine.a_house import DID, Sounds, a_house, book_of, flow_of
from tests.engine.test_engine import MENU
from tests.engine.test_recovery import OLD, STAYS, with_hash
from tests.flow.walk import HEADER, compiled

SIM = NodeName("sim")


class NewSounds(Sounds):
    """The same prompts, recorded anew."""

    def media(self, brand: BrandId, name: str, language: str) -> str:
        return super().media(brand, f"{name}-anew", language)

    async def speech(self, brand: BrandId, spoken: effects.Spoken, language: str) -> str:
        return await super().speech(brand, spoken, language)


def flow(text: str, version: str) -> Flow:
    found = compiled(HEADER + text)[0]
    assert found is not None
    return with_hash(found, version)


async def test_a_call_in_progress_keeps_flow_and_prompts_and_a_new_one_gets_the_new(
    tmp_path: Path,
) -> None:
    async with a_house(tmp_path / "j", book_of(flow(OLD, "1"))) as house:
        caller = house.switch.call(DID, script=STAYS)
        await caller.hears("old-menu")
        new = book_of(flow(OLD.replace("old-menu", "new-menu"), "2"))
        await house.engine.change_to(new, {SIM: NewSounds()})
        newcomer = house.switch.call(DID, script=STAYS)
        await newcomer.hears("new-menu-anew")
        caller.press("1")
        await caller.hears("goodbye")
        newcomer.press("1")
        await newcomer.hears("goodbye-anew")


async def test_after_a_change_and_a_crash_a_call_goes_on_in_the_version_it_began_with(
    tmp_path: Path,
) -> None:
    async with a_house(tmp_path / "j", book_of(flow(OLD, "1"))) as house:
        caller = house.switch.call(DID, script=STAYS)
        await caller.hears("old-menu")
        new = book_of(flow(OLD.replace("old-menu", "new-menu"), "2"))
        await house.engine.change_to(new, {SIM: Sounds()})
        house.kill()
        await house.restart(new)
        await caller.hears("old-menu")
        newcomer = house.switch.call(DID, script=STAYS)
        await newcomer.hears("new-menu")
        assert {call.flow.hash[:1] for call in house.engine.calls()} == {"1", "2"}
        caller.hang_up()
        newcomer.hang_up()


async def test_a_phone_that_is_taken_from_the_directory_still_rings_for_calls_in_progress(
    tmp_path: Path,
) -> None:
    phone = Phone(endpoint="PJSIP/reception", behaviour=Answers())
    async with a_house(tmp_path / "j", MENU, phones=(phone,)) as house:
        caller = house.switch.call(DID, script=STAYS)
        await caller.hears("menu")
        empty = book_of(flow_of({**MENU, "flow": "other"}))
        bare = type(empty)(flows=empty.flows, routes=empty.routes)
        await house.engine.change_to(bare, {SIM: Sounds()})
        caller.press("0")
        await caller.hears("talk:PJSIP/reception")
        caller.hang_up()


async def test_a_book_that_was_replaced_is_freed_a_few_flows_at_a_time() -> None:
    flows = [flow_of(MENU) for _ in range(3 * SLICE)]
    kept = [weakref.ref(node) for found in flows for node in [next(iter(found.nodes.values()))]]
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.get_running_loop().create_task(count())
    await let_go(flows)
    counting.cancel()
    gc.collect()
    assert not any(ref() for ref in kept)
    assert turns >= 3
