"""An engine that is told to stop: who is in a call, and who calls then, reaches a person and never silence.

Who calls when no engine ever ran meets the same dialplan; tests/live/test_fallback.py has them.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Final

import pytest

from tests.sip import hearing
from tests.sip.g711 import RATE
from tests.sip.phone import Answers, Rings
from tests.whole import people, records
from tests.whole.engine import Engine, running
from tests.whole.people import HOUSE, dial, phone, prompt

pytestmark = [pytest.mark.asterisk, pytest.mark.postgres]

LATE: Final = "+905320000001"
DRAIN_S: Final = 2.0
UNHEARD_S: Final = 1.5
"""The longest pause of a caller who is handed over: from the end of a prompt, or of a talk, to the apology."""


@pytest.fixture
def draining() -> Iterator[Engine]:
    with running(limits__drain_s=DRAIN_S) as engine:
        yield engine


async def test_calls_in_progress_are_handed_over_when_the_engine_stops(draining: Engine) -> None:
    async with contextlib.AsyncExitStack() as stack:
        desk = await stack.enter_async_context(phone("agent-102", Rings()))
        listening, ringing, asked, leaving = [
            await stack.enter_async_context(dial(HOUSE)) for _ in range(4)
        ]
        await asyncio.gather(*(call.answered() for call in (listening, ringing, asked, leaving)))
        await listening.press("1")
        await ringing.press("4")
        rung = await desk.rung()
        draining.term()
        await draining.said("engine stopping")
        await leaving.press("5")
        late = await stack.enter_async_context(dial(HOUSE, number=LATE))
        await rung.hung_up(within_s=DRAIN_S + 1)
        desk.behaviour = Answers(after_s=0.2)
        for call in (listening, ringing, asked):
            heard = await call.hears(people.apology(), within_s=10)
            before = call.heard()[: round(heard.offset_s * RATE)]
            assert hearing.longest_silence_s(before) < DRAIN_S + UNHEARD_S
        await leaving.hung_up()
        assert hearing.match(prompt("house-farewell"), leaving.heard()).whole
        assert await draining.ended(within_s=2) == 0
        await late.hears(people.apology())
        agent = await desk.rung(within_s=15)
        assert agent.shown == LATE
        await agent.answered()
        await people.talk(late, agent)
    outcomes = [
        records.outcome_of(draining.data, fields["call_id"])
        for fields in records.arrivals(draining.data)
    ]
    assert sorted(map(str, outcomes)) == ["completed", "fallback", "fallback", "fallback"]
    found = await records.stored(draining.data)
    assert not records.disagreements(draining.data, found)
    assert not draining.told_people()
