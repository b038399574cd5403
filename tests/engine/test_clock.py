"""The engine clock: whatever the clock on the wall does, waits are as long as they should be and no instant comes twice."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given

from ivrengine.engine.clock import EngineClock
from ivrengine.sim import script
from tests.engine import a_house
from tests.engine.a_house import DID, NOON
from tests.engine.test_engine import MENU

JUMPS = [timedelta(hours=1), -timedelta(hours=1), timedelta(days=-3), timedelta(seconds=-1)]
STEPS = st.lists(st.floats(0, 86_400), max_size=20)


@given(steps=STEPS, jump=st.sampled_from(JUMPS))
def test_a_clock_never_goes_backwards_also_after_a_restart_on_a_wall_that_did(
    steps: list[float], jump: timedelta
) -> None:
    passed_s = 0.0
    first = EngineClock(NOON, lambda: passed_s)
    told = [first.now()]
    for step in steps:
        passed_s += step
        told.append(first.now())
    assert told == sorted(told)
    assert told[-1] - told[0] == pytest.approx(
        timedelta(seconds=passed_s), abs=timedelta.resolution
    )
    second = EngineClock(told[-1] + jump, lambda: passed_s, floor=told[-1])
    assert second.now() > told[-1]


async def test_waits_are_measured_by_the_loop_whatever_the_wall_says() -> None:
    loop = asyncio.get_running_loop()
    clock = EngineClock.starting_now(loop.time)
    began = clock.now()
    await asyncio.sleep(3600)
    assert clock.now() - began == timedelta(hours=1)
    assert datetime.now(UTC) - began < timedelta(minutes=1), "an hour of the wall did not pass"


@pytest.mark.parametrize("jump", JUMPS, ids=str)
async def test_a_call_goes_on_and_its_instants_rise_when_the_wall_jumps_between_two_engines(
    jump: timedelta, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_house.a_house(tmp_path / "j", MENU) as house:
        caller = house.switch.call(DID, script=script.script(script.hear("menu"), patience_s=None))
        await caller.hears("menu")
        house.kill()
        monkeypatch.setattr(a_house, "NOON", NOON + jump)
        await house.restart()
        await asyncio.sleep(60)
        instants = [row.at for row in house.rows()]
        assert instants == sorted(instants)
        assert "Resumed" in house.kinds()
        assert not house.engine.calls(), "the menu's wait was as long as ever"
