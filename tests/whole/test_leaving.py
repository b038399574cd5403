"""An engine makes way for the next one: a new version, a standby, another machine; callers hardly notice."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from ivrengine.asterisk.lease import STALE_S
from tests.sip import hearing
from tests.sip.phone import Answers, Rings
from tests.whole import people, records
from tests.whole.engine import Engine, open_folder, running, until
from tests.whole.people import HOUSE, dial, phone, prompt

pytestmark = [pytest.mark.asterisk, pytest.mark.postgres]

LEFT_WITHIN_S = 3.0
"""From the signal to the end of the process, on a machine that others use too; alone it takes a third of a second."""


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder


@pytest.fixture
def leaving() -> Iterator[Engine]:
    with running() as engine:
        yield engine


async def test_a_restart_that_hands_over_ends_no_call(leaving: Engine) -> None:
    async with contextlib.AsyncExitStack() as stack:
        talker = await stack.enter_async_context(phone("agent-101", Answers(after_s=0)))
        ringer = await stack.enter_async_context(phone("agent-102", Rings()))
        talking, ringing, asked, listening = [
            await stack.enter_async_context(dial(HOUSE, keys="info")) for _ in range(4)
        ]
        await asyncio.gather(*(call.answered() for call in (talking, ringing, asked, listening)))
        await talking.press("3")
        await ringing.press("4")
        await listening.press("1")
        agent = await talker.rung()
        await agent.answered()
        rung = await ringer.rung()
        await people.talk(talking, agent)
        agent.forget()
        talking.hum(440)
        await asked.hears(prompt("house-menu"))
        began = time.monotonic()
        leaving.hand_over()
        assert await leaving.ended() == 0
        assert time.monotonic() - began < LEFT_WITHIN_S
        (line,) = leaving.lines("calls left to the next engine")
        assert line["calls"] == 4
        for call in (asked, listening):
            call.forget()
        leaving.start()
        await leaving.ready()
        await asyncio.gather(
            asked.hears(prompt("house-menu"), within_s=10),
            listening.hears(prompt("house-speech"), within_s=25),
        )
        assert hearing.longest_silence_s(agent.heard()) == 0
        ringer.pick_up(rung)
        await rung.answered()
        await people.talk(ringing, rung)
        for call in (talking, ringing, listening):
            await call.hang_up()
        await asked.press("5")
        await asked.hung_up()
    found = await records.shipped(leaving.data, 4)
    assert not records.disagreements(leaving.data, found)
    outcomes = Counter(call.outcome for call in found.calls.values())
    assert outcomes["transferred"] == 2
    # Who listened to the long prompt hung up at its end, or heard it end the call.
    assert outcomes["completed"] + outcomes["hung_up"] == 2
    assert not leaving.told_people()


async def test_a_standby_takes_over_the_moment_the_engine_dies(folder: Path) -> None:
    first = Engine(folder / "first")
    second = Engine(folder / "second", data_dir=first.data)
    try:
        first.start()
        await first.ready()
        second.start("--standby")
        await second.said("standby", within_s=45)
        async with dial(HOUSE, keys="info") as call:
            await call.answered()
            await call.hears(prompt("house-menu"))
            call.forget()
            first.kill()
            died = time.monotonic()
            await second.said("asterisk linked")
            assert time.monotonic() - died < LEFT_WITHIN_S
            await call.hears(prompt("house-menu"), within_s=10)
            await call.press("5")
            await call.hung_up()
        found = await records.shipped(first.data, 1)
        assert [call.outcome for call in found.calls.values()] == ["completed"]
    finally:
        first.close()
        second.close()


async def test_of_two_engines_that_know_nothing_of_each_other_one_waits_for_the_other(
    folder: Path,
) -> None:
    """As on two machines: nothing is shared but the Asterisk."""
    first, second = [Engine(folder / name) for name in ("first", "second")]
    try:
        for engine in (first, second):  # at the same instant
            engine.start()
        await asyncio.gather(
            *(engine.said("engine ready", within_s=45) for engine in (first, second))
        )
        serving, waiting = await _sorted(first, second)
        assert not waiting.lines("asterisk linked")
        await serving.ready()
        async with dial(HOUSE, keys="info") as call:
            await call.answered()
            await call.press("5")
            await call.hung_up()
        assert records.arrivals(serving.data)
        serving.kill()
        died = time.monotonic()
        await waiting.said("taking over", within_s=15)
        await waiting.said("asterisk linked")
        assert time.monotonic() - died < STALE_S + LEFT_WITHIN_S
        await waiting.ready()
        async with dial(HOUSE, keys="info") as call:
            await call.answered()
            await call.press("5")
            await call.hung_up()
        serving.start()
        await serving.said("standby", within_s=45)
        waiting.term()
        said_good_bye = time.monotonic()
        await serving.said("asterisk linked", within_s=20)
        assert time.monotonic() - said_good_bye < LEFT_WITHIN_S + 1
        assert await waiting.ended() == 0
    finally:
        first.close()
        second.close()


async def _sorted(first: Engine, second: Engine) -> tuple[Engine, Engine]:
    """Return the one that serves and the one that waits, once that is decided."""
    await until(lambda: any(each.lines("standby") for each in (first, second)), 20)
    if first.lines("standby"):
        return second, first
    return first, second


async def test_a_standby_that_is_told_to_stop_stops(folder: Path) -> None:
    first = Engine(folder / "first")
    second = Engine(folder / "second", data_dir=first.data)
    try:
        first.start()
        await first.ready()
        second.start("--standby")
        await second.said("standby", within_s=45)
        second.term()
        assert await second.ended(within_s=5) == 0
        assert first.code is None
    finally:
        first.close()
        second.close()
