"""Who is given to the engine, who to people, and who is asked to call again: decided before a call costs anything."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest

from tests.live.access import access
from tests.live.ami import Ami
from tests.live.ari import HEARTBEAT, Ari
from tests.live.missed import Missed
from tests.live.people import NUMBER, caller
from tests.sip import hearing
from tests.sip.call import Call

pytestmark = pytest.mark.asterisk

BUSY = 486
USER_BUSY = 17
EMERGENCY = "+902124440199"
NO_FURTHER_THAN_S = 1.0
"""A call that is given to nobody within this time is given to people: they answer within half a second."""


@contextlib.asynccontextmanager
async def _engine() -> AsyncIterator[Ari]:
    """Connect an application that says nothing of itself yet; at the end all is as it was."""
    async with Ari.connect(access(), alive=False) as ari:
        try:
            yield ari
        finally:
            await ari.set_variable(HEARTBEAT, "")
            await ari.set_variable("IVR_EMERGENCY", "100")
            await ari.set_variable("IVR_SHED_ANNOUNCED_MAX", "20")


async def _is_with_people(ari: Ari, call: Call) -> None:
    await call.answered()
    (channel,) = await ari.get("channels")
    assert channel["dialplan"]["context"] == "ivrengine-fallback"
    assert channel["dialplan"]["exten"] == "away"
    assert ari.events == []


@pytest.mark.parametrize("age_s", [-3, 0, 3])
async def test_a_caller_is_given_to_an_engine_whose_heartbeat_is_young(age_s: int) -> None:
    async with _engine() as ari:
        await ari.announce(age_s=age_s)
        async with caller():
            await ari.arrival(within_s=2)


@pytest.mark.parametrize("age_s", [-7, 5, 60])
async def test_a_caller_is_given_to_people_when_the_heartbeat_is_not_young(age_s: int) -> None:
    async with _engine() as ari:
        await ari.announce(age_s=age_s)
        async with caller() as call:
            await _is_with_people(ari, call)


async def test_a_caller_is_given_to_people_when_the_engine_takes_no_calls() -> None:
    async with _engine() as ari:
        await ari.announce(calls_max=0)
        async with caller() as call:
            await _is_with_people(ari, call)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "-",
        "----",
        "garbage",
        "{now}",
        "{now}-",
        "{now}-x-y-z",
        "{now}5-10-10-e",
        "-{now}-10-10-e",
        "{now}.0-10-10-e",
        '" "-" "-1-10-10-e',
        "${{EPOCH}}-10-10-e",
    ],
)
async def test_a_heartbeat_that_no_engine_wrote_is_none(said: str) -> None:
    async with _engine() as ari:
        await ari.set_variable(HEARTBEAT, said.format(now=int(time.time())))
        async with caller() as call:
            await _is_with_people(ari, call)


async def test_beyond_the_calls_in_progress_a_caller_hears_so_unanswered_and_is_refused() -> None:
    async with _engine() as ari, Ami.connect(access()) as ami:
        missed = Missed(ami)
        await ari.announce(calls_max=1)
        async with caller(number="+905321110000"):
            await ari.arrival()
            async with caller(number=NUMBER) as call:
                for language in ("tr", "en"):
                    busy = hearing.read_wav(access().sounds / f"{language}/busy.wav")
                    await call.hears(busy, within_s=15)
                assert await call.refused() == BUSY
                assert call.cause == USER_BUSY
            line = await missed.one("shed")
        assert line.number(access()) == NUMBER
        assert (line["cause"], line["waited"], line["status"], line["member"]) == (
            str(USER_BUSY),
            "0",
            "-",
            "-",
        )


async def test_when_a_call_ends_the_next_is_admitted() -> None:
    async with _engine() as ari:
        await ari.set_variable("IVR_SHED_ANNOUNCED_MAX", "0")
        await ari.announce(calls_max=1)
        async with caller() as first:
            channel = (await ari.arrival())["channel"]["id"]
            async with caller() as second:
                assert await second.refused(NO_FURTHER_THAN_S) == BUSY
            await ari.delete(f"channels/{channel}")
            await first.refused()
        ari.events.clear()
        async with caller():
            await ari.arrival()


async def test_beyond_the_calls_of_a_second_callers_are_refused() -> None:
    async with _engine() as ari, contextlib.AsyncExitStack() as callers:
        await ari.set_variable("IVR_SHED_ANNOUNCED_MAX", "0")
        await ari.announce(calls_per_s_max=1)
        refused = await _within_one_second(ari, callers)
        assert sorted(refused) == [False, True, True]
        await ari.announce(calls_per_s_max=1)
        await _a_second_begins(ari)
        ari.events.clear()
        await callers.enter_async_context(caller())
        await ari.arrival()


async def _within_one_second(ari: Ari, callers: contextlib.AsyncExitStack) -> list[bool]:
    """Let three people call in the same second of Asterisk's, and return who of them was refused.

    A busy machine may need more than one attempt.
    """
    for _ in range(5):
        await ari.announce(calls_per_s_max=1)
        await _a_second_begins(ari)
        began = await ari.second()
        calls = [await callers.enter_async_context(caller()) for _ in range(3)]
        ended = await ari.second()
        refused = await asyncio.gather(*(_was_refused(call) for call in calls))
        # All refused: a call of the test before this one was the call of that second.
        if began == ended and not all(refused):
            return refused
        await callers.aclose()
    raise AssertionError("never were three calls placed within one second")


async def _a_second_begins(ari: Ari) -> None:
    now = await ari.second()
    while await ari.second() == now:
        await asyncio.sleep(0.02)


async def _was_refused(call: Call) -> bool:
    try:
        await call.refused(NO_FURTHER_THAN_S)
    except TimeoutError:
        return False
    return True


async def test_a_flood_is_refused_in_one_step_and_counted() -> None:
    async with _engine() as ari, Ami.connect(access()) as ami:
        missed = Missed(ami)
        await ari.set_variable("IVR_SHED_ANNOUNCED_MAX", "0")
        await ari.announce(calls_max=1)
        before = await _turned_away(ari)
        async with caller():
            await ari.arrival()
            for _ in range(3):
                async with caller() as call:
                    assert await call.refused(NO_FURTHER_THAN_S) == BUSY
                    assert call.cause == USER_BUSY
            assert await _turned_away(ari) == before + 3
            assert missed.written() == []


async def _turned_away(ari: Ari) -> int:
    return int((await ari.get("asterisk/variable?variable=IVR_TURNED_AWAY"))["value"] or 0)


async def test_only_so_many_refusals_are_spoken_at_once() -> None:
    async with _engine() as ari:
        await ari.set_variable("IVR_SHED_ANNOUNCED_MAX", "1")
        await ari.announce(calls_max=1)
        async with caller():
            await ari.arrival()
            async with caller() as one, caller() as other:
                refused = await asyncio.gather(_was_refused(one), _was_refused(other))
                assert sorted(refused) == [False, True]
                told, untold = (one, other) if refused[1] else (other, one)
                assert (untold.status, untold.cause) == (BUSY, USER_BUSY)
                await told.ringing()
                assert not told.has_ended


@pytest.mark.parametrize("dialled", [EMERGENCY, "00902124440199", "902124440199", "02124440199"])
async def test_a_share_of_the_limits_is_kept_for_emergency_numbers(dialled: str) -> None:
    async with _engine() as ari, contextlib.AsyncExitStack() as callers:
        await ari.set_variable("IVR_SHED_ANNOUNCED_MAX", "0")
        await ari.set_variable("IVR_EMERGENCY", "050-+902124440199-+2124440199")
        await ari.announce(calls_max=2)
        await callers.enter_async_context(caller())
        await ari.arrival()
        async with caller() as other:
            assert await other.refused(NO_FURTHER_THAN_S) == BUSY
        await callers.enter_async_context(caller(dialled))
        await ari.event("StasisStart", lambda event: event["args"][1] == dialled)
        async with caller(dialled) as one_too_many:
            assert await one_too_many.refused(NO_FURTHER_THAN_S) == BUSY


async def test_no_emergency_number_is_admitted_without_an_engine() -> None:
    async with _engine() as ari:
        await ari.set_variable("IVR_EMERGENCY", "050-+902124440199-+2124440199")
        await ari.announce(age_s=60)
        async with caller(EMERGENCY) as call:
            await _is_with_people(ari, call)
