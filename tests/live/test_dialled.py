"""How a call that the engine dials ends in ARI, by what the phone did: the causes that the engine's exits are made of."""

from typing import Final

import pytest

from tests.live.access import access
from tests.live.ari import Ari
from tests.live.people import DID, agent, carrier
from tests.sip.phone import Answers, Behaviour, Busy, Declines, Refuses, Rings, Silent

pytestmark = pytest.mark.asterisk

LEG: Final = "ivr-leg"
RING_S: Final = 2


async def _dial(ari: Ari, endpoint: str = "PJSIP/agent-101") -> None:
    await ari.post(
        "channels",
        channelId=LEG,
        endpoint=endpoint,
        app="ivrengine",
        appArgs="leg",
        timeout=RING_S,
        callerId=DID,
    )


def _kinds(ari: Ari) -> list[str]:
    return [event["type"] for event in ari.events]


@pytest.mark.parametrize(
    ("behaviour", "cause"),
    [
        (Busy(), 17),
        (Declines(), 21),
        (Rings(), 19),
        (Silent(), 19),
        (Refuses(status="403 Forbidden"), 21),
        (Refuses(status="404 Not Found"), 1),
        (Refuses(status="408 Request Timeout"), 18),
        (Refuses(status="480 Temporarily Unavailable"), 19),
        (Refuses(status="488 Not Acceptable Here"), 58),
        (Refuses(status="500 Server Error"), 38),
        (Refuses(status="503 Service Unavailable"), 34),
    ],
)
async def test_an_unanswered_leg_ends_with_the_cause_of_what_the_phone_did(
    behaviour: Behaviour, cause: int
) -> None:
    async with agent(behaviour=behaviour), Ari.connect(access()) as ari:
        await _dial(ari)
        ended = await ari.of(LEG, "ChannelDestroyed", within_s=RING_S + 3)
        assert ended["cause"] == cause
        assert "StasisStart" not in _kinds(ari)


async def test_an_answered_leg_comes_in_as_a_leg_and_its_end_is_told_twice() -> None:
    async with agent(behaviour=Answers(hang_up_after_s=0.2)), Ari.connect(access()) as ari:
        await _dial(ari)
        started = await ari.of(LEG, "StasisStart")
        assert started["args"] == ["leg"]
        assert (await ari.of(LEG, "ChannelDestroyed"))["cause"] in {0, 16}
        kinds = _kinds(ari)
        assert kinds.index("StasisEnd") < kinds.index("ChannelDestroyed")


@pytest.mark.parametrize("endpoint", ["PJSIP/agent-110", "PJSIP/nobody"])
async def test_a_phone_that_is_not_there_is_refused_at_once(endpoint: str) -> None:
    async with Ari.connect(access()) as ari:
        query = {"endpoint": endpoint, "app": "ivrengine"}
        answer = await ari.request("POST", "channels", query, expect=500)
        assert answer == {"error": "Allocation failed"}
        assert ari.events == []


async def test_giving_up_stops_the_ringing_and_ends_the_leg() -> None:
    async with agent(behaviour=Rings()) as phone, Ari.connect(access()) as ari:
        await _dial(ari)
        ringing = await phone.rung()
        await ari.delete(f"channels/{LEG}")
        await ringing.hung_up()
        assert (await ari.of(LEG, "ChannelDestroyed"))["cause"] == 16


async def test_a_leg_over_the_trunk_reaches_the_carrier_with_our_number() -> None:
    host, port = access().carrier
    async with (
        carrier(Answers()) as exchange,
        Ari.connect(access()) as ari,
    ):
        await _dial(ari, "PJSIP/+905321234567@trunk-out")
        call = await exchange.rung()
        assert call.shown == DID
        assert call.invite is not None
        assert call.invite.start == f"INVITE sip:+905321234567@{host}:{port} SIP/2.0"
        started = await ari.of(LEG, "StasisStart")
        assert started["channel"]["dialplan"]["context"] == "ivrengine-outbound"


async def test_one_call_at_a_time_makes_a_phone_busy_to_the_queue() -> None:
    async with agent(behaviour=Answers()), Ari.connect(access()) as ari:
        await _dial(ari)
        await ari.of(LEG, "StasisStart")
        endpoint = await ari.get("endpoints/PJSIP/agent-101")
        assert endpoint["channel_ids"] == [LEG]
