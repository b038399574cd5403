"""Keys reach the engine and the phones, once each and in order, however they travel."""

import asyncio
from typing import Final

import pytest

from tests.live.access import access
from tests.live.ari import Ari
from tests.live.people import agent, caller
from tests.sip.call import Call, Keys
from tests.sip.phone import Answers

pytestmark = pytest.mark.asterisk

ALL_KEYS: Final = "1234567890*#"


async def _answered(ari: Ari, call: Call) -> str:
    """Answer the call; return its channel's id."""
    channel: str = (await ari.arrival())["channel"]["id"]
    await ari.post(f"channels/{channel}/answer")
    await call.answered()
    return channel


@pytest.mark.parametrize(
    ("keys", "source"), [("rfc4733", "127.0.0.1"), ("info", "127.0.0.1"), ("info", "127.0.0.2")]
)
async def test_keys_of_a_caller_reach_the_engine(keys: Keys, source: str) -> None:
    async with (
        Ari.connect(access()) as ari,
        caller(keys=keys, source=source) as call,
    ):
        channel = await _answered(ari, call)
        await call.press(ALL_KEYS)
        assert await ari.digits(channel, len(ALL_KEYS)) == ALL_KEYS


async def test_fast_keys_arrive_in_order_while_prompts_change() -> None:
    async with Ari.connect(access()) as ari, caller() as call:
        channel = await _answered(ari, call)
        fast = "73918462057391846205"
        pressing = asyncio.ensure_future(call.press(fast, held_s=0.08, gap_s=0.06))
        for name in ("tr/nobody", "en/nobody", "tr/apology"):
            media = f"sound:/var/lib/ivrengine/sounds/{name}"
            playback = (await ari.post(f"channels/{channel}/play", media=media))["id"]
            await ari.playback(playback, "PlaybackStarted")
            await ari.delete(f"playbacks/{playback}")
        await pressing
        assert await ari.digits(channel, len(fast)) == fast


async def test_the_engine_s_keys_reach_a_phone() -> None:
    async with (
        agent(behaviour=Answers()) as phone,
        Ari.connect(access()) as ari,
    ):
        leg = "ivr-leg"
        await ari.post(
            "channels", channelId=leg, endpoint="PJSIP/agent-101", app="ivrengine", appArgs="leg"
        )
        await ari.of(leg, "StasisStart")
        there = await phone.rung()
        await ari.post(f"channels/{leg}/dtmf", dtmf="12#", duration=100, between=100)
        await there.hears_keys("12#")


async def test_keys_in_a_bridge_are_told_to_the_engine_and_reach_the_other_side() -> None:
    async with (
        agent(behaviour=Answers()) as phone,
        Ari.connect(access()) as ari,
        caller() as call,
    ):
        channel = await _answered(ari, call)
        leg, bridge = "ivr-leg", "ivr-bridge"
        await ari.post(
            "channels", channelId=leg, endpoint="PJSIP/agent-101", app="ivrengine", appArgs="leg"
        )
        await ari.of(leg, "StasisStart")
        there = await phone.rung()
        await ari.post("bridges", bridgeId=bridge, type="mixing,dtmf_events")
        await ari.post(f"bridges/{bridge}/addChannel", channel=f"{channel},{leg}")
        call.hum(440)
        await there.hears_tone(440)
        call.hum(None)
        await call.press("42")
        assert await ari.digits(channel, 2) == "42"
        await there.press("9")
        assert await ari.digits(leg, 1) == "9"
        await there.hears_keys("42")
        await ari.delete(f"bridges/{bridge}")
