"""The test telephones against each other: what they tell tests about a switch must not be their own fault."""

import asyncio

import numpy as np
import pytest

from tests.sip import hearing
from tests.sip.call import CallEndedError, Keys
from tests.sip.caller import Caller
from tests.sip.g711 import RATE
from tests.sip.phone import Answers, Busy, Declines, Phone, Refuses, Rings

pytestmark = pytest.mark.real_time

NUMBER = "+905321234567"


async def test_a_call_is_rung_answered_and_hung_up_by_the_called() -> None:
    async with (
        Phone.listen(behaviour=Answers(after_s=0.05)) as phone,
        Caller.dial("100", at=phone.address, number=NUMBER) as call,
    ):
        await call.ringing()
        there = await phone.rung()
        await call.answered()
        assert there.shown == NUMBER
        await there.hang_up()
        await call.hung_up()
        assert call.has_ended


async def test_a_caller_who_hangs_up_ends_the_call_at_the_phone() -> None:
    async with (
        Phone.listen(behaviour=Answers(after_s=0)) as phone,
        Caller.dial("100", at=phone.address) as call,
    ):
        there = await phone.rung()
        await call.answered()
        await call.hang_up()
        await there.hung_up()


async def test_leaving_the_block_while_it_rings_cancels_the_call() -> None:
    async with Phone.listen(behaviour=Rings()) as phone:
        async with Caller.dial("100", at=phone.address) as call:
            there = await phone.rung()
            await call.ringing()
        await there.hung_up()
        assert call.ended_by == "us"
        assert there.status == 487


@pytest.mark.parametrize(
    ("behaviour", "status"),
    [(Busy(), 486), (Declines(after_s=0.05), 603), (Refuses(status="404 Not Found"), 404)],
)
async def test_a_refusal_reaches_the_caller(
    behaviour: Busy | Declines | Refuses, status: int
) -> None:
    async with (
        Phone.listen(behaviour=behaviour) as phone,
        Caller.dial("100", at=phone.address) as call,
    ):
        assert await call.refused() == status
        with pytest.raises(CallEndedError, match=str(status)):
            await call.answered()


@pytest.mark.parametrize("keys", ["rfc4733", "info"])
async def test_keys_arrive_once_each_and_in_order(keys: Keys) -> None:
    async with (
        Phone.listen(behaviour=Answers(after_s=0)) as phone,
        Caller.dial("100", at=phone.address, keys=keys) as call,
    ):
        there = await phone.rung()
        await call.answered()
        await call.press("1155*#", held_s=0.06, gap_s=0.06)
        await there.hears_keys("1155*#")
        assert call.digits == ""


@pytest.mark.parametrize("codec", [0, 8])
async def test_what_one_side_says_the_other_hears_where_it_was_said(codec: int) -> None:
    noise = np.random.default_rng(1)
    words = (noise.normal(0, 3000, RATE)).astype(np.int16)
    async with (
        Phone.listen(behaviour=Answers(after_s=0)) as phone,
        Caller.dial("100", at=phone.address, codecs=(codec,)) as call,
    ):
        there = await phone.rung()
        await call.answered()
        await there.voice.more()
        there.say(words)
        match = await call.hears(words, within_s=4)
        assert match.score > 0.95
        assert match.offset_s < 0.5
        call.hum(440)
        await there.hears_tone(440)
        assert not hearing.holds_tone(there.heard(last_s=0.2), 700)


async def test_a_withheld_number_is_not_shown() -> None:
    async with (
        Phone.listen(behaviour=Busy()) as phone,
        Caller.dial("100", at=phone.address, number=NUMBER, withheld=True),
    ):
        there = await phone.rung()
        assert there.shown is None
        assert there.invite is not None
        assert NUMBER in (there.invite.get("p-asserted-identity") or "")


async def test_a_phone_without_a_plug_lets_the_caller_wait() -> None:
    async with Phone.listen(behaviour=Rings()) as phone:
        phone.pull_the_plug()
        async with Caller.dial("100", at=phone.address) as call:
            with pytest.raises(TimeoutError):
                await call.ringing(within_s=0.2)


async def test_two_calls_at_one_phone_do_not_mix() -> None:
    async with (
        Phone.listen(behaviour=Answers(after_s=0)) as phone,
        Caller.dial("100", at=phone.address, number="+901") as one,
        Caller.dial("100", at=phone.address, number="+902") as other,
    ):
        there = {call.shown: call for call in (await phone.rung(), await phone.rung())}
        await asyncio.gather(one.answered(), other.answered())
        await one.press("1", held_s=0.06, gap_s=0)
        await one.hang_up()
        await there["+901"].hung_up()
        assert there["+901"].digits == "1"
        assert there["+902"].digits == ""
        assert there["+902"].is_up
