"""A ``wait`` node with the engine and the simulated switch: what the caller hears, and what a key and a gap do."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ivrengine.sim import script
from tests.engine.a_house import DID, PROMPT_S, a_house
from tests.engine.test_engine import nodes_of

FLOW: dict[str, Any] = {
    "start": "hold",
    "nodes": {
        "hold": {"type": "wait", "for": "10s", "music": "default", "key": "menu", "next": "bye"},
        "menu": {
            "type": "menu",
            "prompt": "menu",
            "choices": {"1": "bye"},
            "no_input": "bye",
            "no_match": "bye",
        },
        "bye": {"type": "hangup", "prompt": "bye"},
    },
}


async def test_a_caller_hears_music_for_the_time_of_the_wait_and_not_after_it(
    tmp_path: Path,
) -> None:
    async with a_house(tmp_path / "j", FLOW) as house:
        caller = house.switch.call(DID)
        await asyncio.sleep(9.9)
        assert caller.ear.hears_sound("music:default")
        await asyncio.sleep(0.2)
        assert not caller.ear.hears_sound("music:")
        assert caller.ear.hears("bye")
        assert await caller.gone() == 16
        assert asyncio.get_running_loop().time() == pytest.approx(10 + PROMPT_S, abs=0.2)
        assert nodes_of(house) == ["hold", "bye"]


async def test_a_key_ends_the_music_and_is_the_answer_to_the_next_question(tmp_path: Path) -> None:
    async with a_house(tmp_path / "j", FLOW) as house:
        caller = house.switch.call(DID, script=script.script(script.press("1", after_s=3)))
        await asyncio.sleep(3.5)
        assert not caller.ear.hears_sound("music:")
        await caller.gone()
        assert nodes_of(house) == ["hold", "menu", "bye"]
        heard = [sound.sound.rpartition("/")[2] for sound in caller.ear.heard]
        assert "menu" not in heard


async def test_an_engine_that_dies_lets_its_callers_wait_no_longer_than_before(
    tmp_path: Path,
) -> None:
    async with a_house(tmp_path / "j", FLOW) as house:
        caller = house.switch.call(DID)
        await asyncio.sleep(4)
        house.kill()
        await asyncio.sleep(3)
        await house.restart()
        await asyncio.sleep(1)
        assert caller.ear.hears_sound("music:default")
        await asyncio.sleep(2.5)
        assert caller.ear.hears("bye")
        assert not caller.ear.hears_sound("music:")
