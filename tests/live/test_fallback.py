"""No caller meets silence: without an engine there is an apology, music, and a person, or the truth that nobody is there."""

import asyncio
from typing import Final

import pytest

from tests.live.access import access
from tests.live.ari import Ari
from tests.live.people import NUMBER, agent, caller
from tests.sip import hearing
from tests.sip.call import Call
from tests.sip.g711 import RATE, Samples
from tests.sip.phone import Answers, Busy, Rings

pytestmark = pytest.mark.asterisk

UNHEARD_S: Final = 1.0
"""The longest pause that a caller may meet: between two announcements, before music."""


def _announcement(name: str) -> Samples:
    return hearing.read_wav(access().sounds / f"{name}.wav")


async def _hears_the_apology(call: Call) -> None:
    await call.answered()
    turkish = await call.hears(_announcement("tr/apology"), within_s=20)
    english = await call.hears(_announcement("en/apology"), within_s=20)
    assert turkish.offset_s < english.offset_s


async def _talk(one: Call, other: Call) -> None:
    """Each hears the other, and not themselves."""
    one.hum(440)
    other.hum(700)
    await asyncio.gather(one.hears_tone(700), other.hears_tone(440))


async def test_without_an_engine_a_caller_hears_the_apology_and_reaches_a_person() -> None:
    async with (
        agent(behaviour=Answers(after_s=0.5)) as phone,
        caller(number=NUMBER) as call,
    ):
        await _hears_the_apology(call)
        there = await phone.rung(within_s=15)
        await there.answered()
        await _talk(call, there)
        assert there.shown == NUMBER
        assert hearing.longest_silence_s(call.heard()) < UNHEARD_S
        await there.hang_up()
        await call.hung_up()


async def test_a_caller_hears_music_while_phones_ring() -> None:
    music = hearing.read_wav(access().root / "var/lib/ivrengine/music/default/calm.wav")
    async with agent(behaviour=Rings()) as phone, caller() as call:
        await _hears_the_apology(call)
        await phone.rung(within_s=15)
        await call.hears(music[: 2 * RATE], within_s=15)
        assert hearing.longest_silence_s(call.heard()) < UNHEARD_S


async def test_a_busy_phone_is_passed_over() -> None:
    async with (
        agent("agent-101", Busy()),
        agent("agent-102", Answers()) as free,
        caller() as call,
    ):
        await call.answered()
        there = await free.rung(within_s=20)
        await there.answered()
        await _talk(call, there)


async def test_with_nobody_there_a_caller_is_told_so_and_let_go() -> None:
    async with caller() as call:
        await _hears_the_apology(call)
        await call.hears(_announcement("tr/nobody"), within_s=20)
        await call.hears(_announcement("en/nobody"), within_s=20)
        await call.hung_up()
        assert hearing.longest_silence_s(call.heard()) < UNHEARD_S


async def test_a_withheld_number_is_not_shown_to_the_person_either() -> None:
    async with (
        agent() as phone,
        caller(number=NUMBER, withheld=True) as call,
    ):
        await call.answered()
        there = await phone.rung(within_s=20)
        await there.answered()
        assert there.shown is None
        assert there.invite is not None
        assert NUMBER[-7:] not in str(there.invite.headers)


async def test_an_engine_that_goes_away_leaves_new_callers_to_the_fallback() -> None:
    async with Ari.connect(access()) as ari, caller():
        await ari.arrival()
    async with caller() as call:
        await _hears_the_apology(call)


async def test_an_engine_can_give_a_call_up_to_the_fallback() -> None:
    async with (
        agent(behaviour=Answers()) as phone,
        Ari.connect(access()) as ari,
        caller() as call,
    ):
        channel = (await ari.arrival())["channel"]["id"]
        await ari.post(f"channels/{channel}/answer")
        await call.answered()
        await ari.post(
            f"channels/{channel}/continue", context="ivrengine-fallback", extension="s", priority=1
        )
        await ari.of(channel, "StasisEnd")
        await _hears_the_apology(call)
        there = await phone.rung(within_s=15)
        await there.answered()
        assert there.shown == NUMBER
        await _talk(call, there)
