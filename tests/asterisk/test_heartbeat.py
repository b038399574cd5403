"""What a dialplan is told of an engine: by its own clock, and emergency numbers in every way a trunk may write them."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from ivrengine.asterisk.heartbeat import Heartbeat, reserved
from ivrengine.core.events import Failure
from ivrengine.core.switching import Announcement, RequestRefusedError

NOON: Final = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
THERE_S: Final = 1_790_000_000
"""What the other machine's clock shows."""


class Asterisk:
    """Keeps globals, and a clock of its own; each answer takes a while."""

    def __init__(self, clock: object = THERE_S, *, takes_s: float = 0.0) -> None:
        self.clock = clock
        self.takes_s = takes_s
        self.globals: dict[str, str] = {}

    async def __call__(self, operation: str, **arguments: object) -> Mapping[str, Any]:
        await asyncio.sleep(self.takes_s)
        if arguments == {"variable": "IVR_TURNED_AWAY"}:
            assert operation == "asterisk.getGlobalVar"
            return {"value": self.globals.get("IVR_TURNED_AWAY", "")}
        if operation == "asterisk.getGlobalVar":
            assert arguments == {"variable": "EPOCH"}
            ahead = self.clock
            return {"value": ahead + int(now()) if isinstance(ahead, int) else ahead}
        assert operation == "asterisk.setGlobalVar"
        self.globals[str(arguments["variable"])] = str(arguments["value"])
        return {}

    @property
    def age_s(self) -> int:
        """How old the heartbeat looks to the dialplan."""
        assert isinstance(self.clock, int)
        return self.clock + int(now()) - int(self.globals["IVR_ENGINE"].split("-")[0])


def now() -> float:
    return asyncio.get_running_loop().time()


def said(*emergency: str, share: float = 0.0) -> Announcement:
    return Announcement(
        at=NOON,
        engine="e1",
        calls_max=200,
        calls_per_s_max=50,
        emergency=emergency,
        emergency_share=share,
    )


async def test_the_heartbeat_is_dated_by_the_clock_that_it_is_compared_with() -> None:
    asterisk = Asterisk()
    await Heartbeat(asterisk, "TR").tell(said())
    assert asterisk.globals == {"IVR_EMERGENCY": "100", "IVR_ENGINE": f"{THERE_S}-200-50-e1"}


@pytest.mark.parametrize("step_s", [3600, -3600])
async def test_a_clock_that_is_set_makes_one_heartbeat_wrong_and_no_more(step_s: int) -> None:
    asterisk = Asterisk()
    heartbeat = Heartbeat(asterisk, "TR")
    await heartbeat.tell(said())
    asterisk.clock = THERE_S + step_s
    await heartbeat.tell(said())
    assert abs(asterisk.age_s) > 1000
    for _ in range(10):
        await asyncio.sleep(1)
        await heartbeat.tell(said())
        assert abs(asterisk.age_s) <= 1


async def test_slow_answers_are_waited_for_once_and_not_one_after_the_other() -> None:
    asterisk = Asterisk(takes_s=0.8)
    heartbeat = Heartbeat(asterisk, "TR")
    await heartbeat.tell(said())
    for _ in range(10):
        began = now()
        await heartbeat.tell(said())
        assert now() - began < 0.9
        assert abs(asterisk.age_s) <= 2


@pytest.mark.parametrize("told", ["", "soon", None, 10**30])
async def test_without_a_clock_nothing_is_said(told: object) -> None:
    asterisk = Asterisk(told)
    with pytest.raises(RequestRefusedError) as refused:
        await Heartbeat(asterisk, "TR").tell(said())
    assert refused.value.failure is Failure.REFUSED
    assert asterisk.globals == {}


async def test_the_calls_that_were_turned_away_are_told_once() -> None:
    asterisk = Asterisk()
    heartbeat = Heartbeat(asterisk, "TR")
    asterisk.globals["IVR_TURNED_AWAY"] = "40"  # of before this engine
    assert await heartbeat.tell(said()) == 0
    told = []
    for count in ("40", "47", "47", "3", "nonsense", "5"):  # 3: Asterisk was started anew
        asterisk.globals["IVR_TURNED_AWAY"] = count
        told.append(await heartbeat.tell(said()))
    assert told == [0, 7, 0, 3, 0, 5]


def test_emergency_numbers_are_told_in_each_way_a_trunk_may_write_them() -> None:
    told = reserved(said("+902124440199", "112", share=0.07), "TR")
    assert told == "093-+902124440199-+2124440199-+112"


def test_a_number_of_another_country_has_one_way_only() -> None:
    assert reserved(said("+441632960000", share=0.1), "TR") == "090-+441632960000"
