"""Who has the application: one engine of several, and never one that has to take it from a living other."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
import structlog
from aiohttp import web

from ivrengine.asterisk import lease
from ivrengine.asterisk.lease import Lease, SupersededError
from ivrengine.core.events import Failure
from ivrengine.core.switching import Announcement, LinkUp, RequestRefusedError
from tests.asterisk.fake_ari import Door, FakeAri, Reply, running

NOON: Final = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Asterisk:
    """Keeps one global, on the clock of the test's loop."""

    def __init__(self, value: str = "") -> None:
        self.value = value
        self.claims: list[str] = []
        self.reads = 0

    async def __call__(self, operation: str, **arguments: object) -> Mapping[str, Any]:
        await asyncio.sleep(0.001)
        assert arguments["variable"] == "IVR_ENGINE"
        if operation == "asterisk.getGlobalVar":
            self.reads += 1
            return {"value": self.value}
        assert operation == "asterisk.setGlobalVar"
        self.value = str(arguments["value"])
        self.claims.append(self.value)
        return {}


def now() -> datetime:
    return NOON + timedelta(seconds=asyncio.get_running_loop().time())


def heartbeat(engine: str, *, age_s: float = 0.0) -> str:
    at = now() - timedelta(seconds=age_s)
    return lease.written(Announcement(at=at, engine=engine, calls_max=200, calls_per_s_max=50))


@contextlib.asynccontextmanager
async def living(
    asterisk: Asterisk, engine: str, *, clock_off_s: float = 0.0
) -> AsyncIterator[None]:
    """Let an engine of that name write its heartbeat each second."""

    async def beat() -> None:
        while True:
            asterisk.value = heartbeat(engine, age_s=clock_off_s)
            await asyncio.sleep(1)

    task = asyncio.ensure_future(beat())
    await asyncio.sleep(0)
    try:
        yield
    finally:
        task.cancel()


async def obtained_after_s(right: Lease, asterisk: Asterisk) -> float:
    began = asyncio.get_running_loop().time()
    await right.obtain(asterisk)
    return asyncio.get_running_loop().time() - began


def a_lease(engine: str = "us", *past: str) -> Lease:
    return Lease("ast1", engine=engine, now=now, past=past)


@pytest.mark.parametrize("value", ["", "none", "1-2-3", "x-1-1-other", "1-1-1-", "a-b-c-d-e"])
async def test_an_application_that_no_engine_ever_had_is_taken_at_once(value: str) -> None:
    assert await obtained_after_s(a_lease(), Asterisk(value)) < 0.5


async def test_our_own_heartbeat_is_no_reason_to_wait_and_is_left_alone() -> None:
    asterisk = Asterisk(heartbeat("us"))
    assert await obtained_after_s(a_lease(), asterisk) < 0.1
    assert not asterisk.claims


async def test_an_engine_that_is_known_to_be_dead_is_not_waited_for() -> None:
    asterisk = Asterisk(heartbeat("before"))
    assert await obtained_after_s(a_lease("us", "long", "before"), asterisk) < 0.5


async def test_a_claim_gives_nobody_calls() -> None:
    asterisk = Asterisk()
    await a_lease().obtain(asterisk)
    (claim,) = asterisk.claims
    assert claim == f"{int(NOON.timestamp())}-0-0-us"


@pytest.mark.parametrize("clock_off_s", [0.0, 3600.0, -3600.0])
async def test_a_living_engine_is_waited_for_whatever_its_clock_says(clock_off_s: float) -> None:
    asterisk, right = Asterisk(), a_lease()
    async with living(asterisk, "other", clock_off_s=clock_off_s):
        waiting = asyncio.ensure_future(right.obtain(asterisk))
        with structlog.testing.capture_logs() as logs:
            await asyncio.sleep(600)
        assert not waiting.done()
        assert right.waits_for == "other"
        assert [entry["event"] for entry in logs] == ["standby"]
    died = asyncio.get_running_loop().time()
    await waiting
    assert asyncio.get_running_loop().time() - died <= lease.STALE_S + 1
    assert right.waits_for is None


async def test_a_heartbeat_that_stands_still_is_given_up_sooner_if_it_is_old_too() -> None:
    old = await obtained_after_s(a_lease(), Asterisk(heartbeat("other", age_s=60)))
    young = await obtained_after_s(a_lease(), Asterisk(heartbeat("other")))
    assert lease.SURELY_S <= old < lease.SURELY_S + 1
    assert lease.STALE_S <= young < lease.STALE_S + 1


async def test_a_standby_takes_over_at_once_when_asterisk_has_forgotten_the_other() -> None:
    asterisk, right = Asterisk(), a_lease()
    async with living(asterisk, "other"):
        waiting = asyncio.ensure_future(right.obtain(asterisk))
        await asyncio.sleep(10)
    asterisk.value = ""
    began = asyncio.get_running_loop().time()
    await waiting
    assert asyncio.get_running_loop().time() - began < 1


async def test_who_had_it_and_finds_another_engine_alive_there_gives_up() -> None:
    asterisk, right = Asterisk(), a_lease()
    await right.obtain(asterisk)
    async with living(asterisk, "other"):
        with pytest.raises(SupersededError):
            await right.obtain(asterisk)


async def test_who_had_it_and_finds_another_engine_dead_there_goes_on() -> None:
    asterisk, right = Asterisk(), a_lease()
    await right.obtain(asterisk)
    asterisk.value = heartbeat("other", age_s=30)
    await right.obtain(asterisk)
    assert asterisk.value.endswith("-us")


@pytest.mark.parametrize("later_s", [0.0, 0.0005, 0.001, 0.01, 0.1])
async def test_of_engines_that_start_at_the_same_instant_one_gets_it(later_s: float) -> None:
    asterisk = Asterisk()
    rights = [a_lease(name) for name in ("one", "two", "three")]
    tasks = []
    for right in rights:
        tasks.append(asyncio.ensure_future(right.obtain(asterisk)))
        await asyncio.sleep(later_s)
    await asyncio.sleep(1)
    done = [task for task in tasks if task.done()]
    assert len(done) == 1
    winner = ("one", "two", "three")[tasks.index(done[0])]
    assert asterisk.value.endswith(f"-{winner}")
    async with living(asterisk, winner):
        await asyncio.sleep(60)
        assert [task.done() for task in tasks].count(True) == 1
    for task in tasks:
        task.cancel()


async def test_who_leaves_says_so_and_is_not_waited_for() -> None:
    asterisk, left, next_one = Asterisk(), a_lease("us"), a_lease("them")
    await left.obtain(asterisk)
    await left.release(asterisk)
    assert asterisk.value == "0-0-0-us"
    assert await obtained_after_s(next_one, asterisk) < 0.5
    await left.release(asterisk)
    assert asterisk.value.endswith("-0-0-them"), "what is not ours is not given away"


async def test_an_asterisk_that_does_not_answer_is_asked_again_by_who_asked() -> None:
    class Mute(Asterisk):
        async def __call__(self, operation: str, **arguments: object) -> Mapping[str, Any]:
            raise RequestRefusedError(Failure.UNAVAILABLE, "no answer")

    with pytest.raises(RequestRefusedError):
        await a_lease().obtain(Mute())


def beats() -> Reply:
    """Answer with the heartbeat of another engine, a second later each time."""
    seconds = itertools.count(int(NOON.timestamp()))

    def reply(_request: web.Request) -> web.Response:
        return web.json_response({"value": f"{next(seconds)}-9-9-other"})

    return reply


def asked(fake: FakeAri) -> int:
    return sum(each.path == "/asterisk/variable" for each in fake.asked)


@pytest.mark.real_time
async def test_no_event_socket_is_opened_while_another_engine_lives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lease, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(lease, "CLAIM_S", 0.01)
    monkeypatch.setattr(lease, "STALE_S", 0.2)
    monkeypatch.setattr(lease, "SURELY_S", 0.2)
    fake = FakeAri()
    await fake.start()
    fake.reply("GET", "/asterisk/variable", beats())
    right = Lease("ast1", engine="us", now=lambda: NOON)
    door = Door(fake, right=right)
    try:
        async with running(door):
            await door.until(lambda: asked(fake) >= 20)
            assert right.waits_for == "other"
            assert not fake.sockets
            assert not door.told
            with pytest.raises(RequestRefusedError):
                await door.switch.announce(
                    Announcement(at=NOON, engine="us", calls_max=1, calls_per_s_max=1)
                )
            fake.replies.clear()
            (told,) = await door.heard(1)
            assert isinstance(told, LinkUp)
            assert fake.variables["IVR_ENGINE"].endswith("-0-0-us")
    finally:
        await fake.stop()


@pytest.mark.real_time
async def test_an_engine_whose_place_was_taken_meanwhile_ends_its_door(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lease, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(lease, "CLAIM_S", 0.01)
    fake = FakeAri()
    await fake.start()
    door = Door(fake, right=Lease("ast1", engine="us", now=lambda: NOON))
    try:
        async with running(door) as run:
            await door.heard(1)
            fake.reply("GET", "/asterisk/variable", beats())
            await fake.sockets[-1].close()
            async with asyncio.timeout(3):
                await asyncio.wait([run])
            assert "another engine answers its calls now" in (door.switch.trouble or "")
            assert len(fake.sockets) == 1
    finally:
        await fake.stop()
