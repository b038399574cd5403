"""What an engine tells its switches each second: that it lives, and how many calls it takes."""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import structlog

from ivrengine.core.events import Failure
from ivrengine.core.ids import NodeName
from ivrengine.core.switching import Announcement, RequestRefusedError
from ivrengine.engine.announcing import Announcer
from ivrengine.engine.lag import LagProbe
from ivrengine.engine.limits import Limits
from ivrengine.sim.admission import STALE_S
from ivrengine.sim.switch import SimSwitch
from ivrengine.telemetry import metrics

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LIMITS = Limits(calls_max=200, calls_per_s_max=50, emergency_share=0.2)


def clock() -> float:
    return asyncio.get_running_loop().time()


def now() -> datetime:
    return NOON + timedelta(seconds=clock())


@dataclasses.dataclass
class Load:
    takes: bool = True
    calls: int = 10
    arrived: int = 0
    numbers: tuple[str, ...] = ()

    def takes_calls(self, node: NodeName) -> bool:
        assert node == "sim"
        return self.takes

    def calls_on(self, node: NodeName) -> int:
        return self.calls

    def arrived_on(self, node: NodeName) -> int:
        return self.arrived

    def emergency(self) -> Sequence[str]:
        return self.numbers


class Lag(LagProbe):
    late_s = 0.0

    @property
    def worst_s(self) -> float:
        return self.late_s


class Told(SimSwitch):
    """A switch that remembers what it was told and when, and may fail to hear it."""

    def __init__(self) -> None:
        super().__init__(listener=lambda _event: None, now=now, duration_s=lambda _medium: None)
        self.told: list[tuple[float, Announcement]] = []
        self.deaf = False
        self.hangs = False

    async def announce(self, announcement: Announcement) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.deaf:
            raise RequestRefusedError(Failure.UNAVAILABLE, "no link")
        self.told.append((clock(), announcement))

    @property
    def last(self) -> Announcement:
        return self.told[-1][1]


@dataclasses.dataclass
class Stage:
    switch: Told
    load: Load
    lag: Lag
    metrics: metrics.Metrics


@contextlib.asynccontextmanager
async def announcing(load: Load | None = None) -> AsyncIterator[Stage]:
    stage = Stage(switch=Told(), load=load or Load(), lag=Lag(), metrics=metrics.new())
    announcer = Announcer(
        stage.load,
        engine="e1",
        limits=LIMITS,
        now=now,
        lag=stage.lag,
        request_s=lambda _node: None,
        metrics=stage.metrics,
    )
    running = asyncio.ensure_future(announcer.run(stage.switch))
    try:
        yield stage
    finally:
        running.cancel()


async def test_each_second_says_that_the_engine_lives_and_what_it_takes() -> None:
    async with announcing() as stage:
        await asyncio.sleep(10.5)
        seconds = [round(at, 3) for at, _ in stage.switch.told]
        assert seconds == [float(second) for second in range(11)]
        assert {said.engine for _, said in stage.switch.told} == {"e1"}
        assert (stage.switch.last.calls_max, stage.switch.last.calls_per_s_max) == (200, 12)
        value = stage.metrics.registry.get_sample_value
        assert value("ivrengine_admission_calls_max", {"node": "sim"}) == 200


async def test_that_no_more_calls_are_taken_and_that_they_are_again_is_said_at_once() -> None:
    async with announcing() as stage:
        await asyncio.sleep(3.3)
        stage.load.takes = False
        await asyncio.sleep(0.15)
        assert (stage.switch.last.calls_max, stage.switch.last.calls_per_s_max) == (0, 0)
        stage.load.takes = True
        await asyncio.sleep(0.15)
        assert stage.switch.last.calls_max == 200
        assert len(stage.switch.told) == 6


async def test_a_switch_that_does_not_hear_is_told_again_and_the_trouble_is_logged_once() -> None:
    with structlog.testing.capture_logs() as logs:
        async with announcing() as stage:
            await asyncio.sleep(0.5)
            stage.switch.deaf = True
            await asyncio.sleep(5)
            stage.switch.deaf = False
            await asyncio.sleep(1)
            assert stage.switch.last.calls_max == 200
    assert [log["event"] for log in logs] == ["taking calls", "not announced", "taking calls"]


async def test_a_switch_that_does_not_answer_does_not_hold_up_the_next_announcement() -> None:
    async with announcing() as stage:
        stage.switch.hangs = True
        await asyncio.sleep(2.5)
        stage.switch.hangs = False
        await asyncio.sleep(1.0)
        assert stage.switch.told
        assert stage.switch.told[0][0] < STALE_S


async def test_a_late_event_loop_means_fewer_calls_and_a_calm_one_all_of_them_again() -> None:
    async with announcing(Load(calls=150)) as stage:
        await asyncio.sleep(0.5)
        stage.lag.late_s = 0.5
        for _ in range(2):
            stage.load.arrived += 40
            await asyncio.sleep(1)
        assert stage.switch.last.calls_per_s_max == 9
        stage.lag.late_s = 0.0
        for _ in range(100):
            stage.load.arrived += 40
            await asyncio.sleep(1)
        assert stage.switch.last.calls_per_s_max == 50


async def test_a_share_is_kept_only_for_emergency_numbers_that_there_are() -> None:
    async with announcing() as stage:
        await asyncio.sleep(0.5)
        assert (stage.switch.last.emergency, stage.switch.last.emergency_share) == ((), 0.0)
        stage.load.numbers = ("+902124440199",)
        await asyncio.sleep(1)
        assert stage.switch.last.emergency == ("+902124440199",)
        assert stage.switch.last.emergency_share == 0.2
