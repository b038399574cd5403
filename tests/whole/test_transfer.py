"""A transfer on the real thing: voices both ways, each way in which a phone is not picked up, and nothing left behind."""

import asyncio

import pytest

from tests.sip import hearing
from tests.sip.g711 import RATE
from tests.sip.phone import Answers, Behaviour, Busy, Declines, Rings, Silent
from tests.whole import people, records
from tests.whole.engine import Engine, until
from tests.whole.people import HOUSE, dial, phone, prompt

pytestmark = [pytest.mark.asterisk, pytest.mark.postgres]

NOT_PICKED_UP: list[tuple[str, str | None, Behaviour, str]] = [
    ("6", "agent-103", Busy(), "house-busy"),
    ("7", "agent-104", Declines(), "house-failed"),
    ("8", "agent-105", Rings(), "house-silent"),
    ("3", "agent-101", Silent(), "house-silent"),
    ("9", None, Rings(), "house-failed"),
]
EXITS = {"house-busy": "busy", "house-failed": "failed", "house-silent": "no_answer"}


async def test_both_hear_each_other_and_when_the_agent_hangs_up_the_flow_goes_on(
    house: Engine,
) -> None:
    async with phone("agent-101", Answers(after_s=0.3)) as desk, dial(HOUSE) as call:
        await call.answered()
        await call.press("3")
        agent = await desk.rung()
        await agent.answered()
        await people.talk(call, agent)
        await agent.hang_up()
        talked = await call.hears(prompt("house-talked"))
        farewell = await call.hears(prompt("house-farewell"))
        assert talked.offset_s < farewell.offset_s
        await call.hung_up()
        assert agent.shown == HOUSE, "an agent sees which line is called, never who calls"
    assert await records.ended(house.data) == "transferred"
    assert ("reception", "next") in records.path_of(house.data, records.last_call(house.data))
    await people.nothing_left()


async def test_when_the_caller_hangs_up_the_agent_is_free_at_once(house: Engine) -> None:
    async with phone("agent-101", Answers(after_s=0)) as desk, dial(HOUSE) as call:
        await call.answered()
        await call.press("3")
        agent = await desk.rung()
        await agent.answered()
        await people.talk(call, agent)
        await call.hang_up()
        await agent.hung_up(within_s=1)
    assert await records.ended(house.data) == "transferred"
    await people.nothing_left()


async def test_when_the_caller_hangs_up_the_phone_stops_ringing(house: Engine) -> None:
    async with phone("agent-102", Rings()) as desk, dial(HOUSE) as call:
        await call.answered()
        await call.press("4")
        ringing = await desk.rung()
        await call.hang_up()
        await ringing.hung_up(within_s=1)
        assert ringing.status == 487
    assert await records.ended(house.data) == "hung_up"
    await people.nothing_left()


async def _is_not_picked_up(key: str, name: str | None, behaviour: Behaviour, word: str) -> None:
    """Ring a phone in vain, and hear what the flow says to that, with music before."""
    async with people.phones({name: behaviour} if name else {}), dial(HOUSE) as call:
        await call.answered()
        await call.press(key)
        heard = await call.hears(prompt(word), within_s=15)
        await call.hung_up(within_s=5)
        if word == "house-silent":
            ring = call.heard()[: round(heard.offset_s * RATE)]
            assert hearing.longest_silence_s(ring) < 1, "who waits hears music"


async def test_each_way_in_which_a_phone_is_not_picked_up_has_its_exit(house: Engine) -> None:
    before = len(records.arrivals(house.data))
    await asyncio.gather(*(_is_not_picked_up(*each) for each in NOT_PICKED_UP))
    calls = [fields["call_id"] for fields in records.arrivals(house.data)[before:]]
    assert [await records.ended(house.data, call) for call in calls] == ["completed"] * 5
    taken = [records.path_of(house.data, call)[1][1] for call in calls]
    assert sorted(taken) == sorted(EXITS[word] for *_, word in NOT_PICKED_UP)
    await people.nothing_left()


async def _is_picked_up_at_the_last_moment(key: str, name: str, after_s: float) -> None:
    async with phone(name, Answers(after_s=after_s)) as desk, dial(HOUSE) as call:
        await call.answered()
        await call.press(key)
        agent = await desk.rung()
        await until(lambda: agent.is_up or agent.has_ended, 4)
        agent.hum(700)
        await until(lambda: agent.has_ended or hearing.holds_tone(call.heard(0.2), 700), 3)
        await call.hang_up()


async def test_an_answer_that_crosses_the_end_of_ringing_leaves_nobody_alone_on_the_line(
    house: Engine,
) -> None:
    """Picked up in the same moment in which the ringing is over: there is a talk or an exit, and no lone leg."""
    phones = {"3": "agent-101", "6": "agent-103", "7": "agent-104", "8": "agent-105"}
    before = len(records.arrivals(house.data))
    late_s = (1.92, 1.97, 2.02, 2.07)
    await asyncio.gather(
        *(
            _is_picked_up_at_the_last_moment(*each, after_s)
            for each, after_s in zip(phones.items(), late_s, strict=True)
        )
    )
    for fields in records.arrivals(house.data)[before:]:
        await records.ended(house.data, fields["call_id"])
    await people.nothing_left()
