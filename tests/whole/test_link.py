"""The link to Asterisk cut under calls: they stay up, nobody who comes meanwhile meets silence, and the engine finds back."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from tests.faults.cable import Cable
from tests.live.access import access
from tests.sip.call import Call
from tests.sip.g711 import RATE
from tests.sip.phone import Answers
from tests.whole import people, records
from tests.whole.engine import Engine, open_folder, until
from tests.whole.people import HOUSE, dial, phone, prompt

pytestmark = [pytest.mark.asterisk, pytest.mark.postgres]


@contextlib.asynccontextmanager
async def linked() -> AsyncIterator[tuple[Engine, Cable]]:
    """Run an engine whose Asterisk is at the other end of a cable."""
    with open_folder() as folder:
        async with Cable.between(access().ari) as cable:
            engine = Engine(folder, asterisk__0__url=cable.url)
            engine.start()
            try:
                await engine.ready()
                yield engine, cable
            finally:
                await asyncio.to_thread(engine.close)


async def _talk(stack: contextlib.AsyncExitStack) -> tuple[Call, Call]:
    """Put a caller through to an agent; return both ends of the talk."""
    telephone = await stack.enter_async_context(phone("agent-101", Answers(after_s=0)))
    caller = await stack.enter_async_context(dial(HOUSE))
    await caller.answered()
    await caller.press("3")
    agent = await telephone.rung()
    await agent.answered()
    await people.talk(caller, agent)
    return caller, agent


async def _chooses(call: Call, key: str, *words: str) -> None:
    await call.press(key)
    for word in words:
        await call.hears(prompt(word))
    await call.hung_up()


async def _comes_later() -> None:
    async with dial(HOUSE) as call:
        await call.answered()
        await _chooses(call, "5", "house-farewell")


async def test_calls_outlive_a_cut_of_the_link_and_new_ones_are_served_after_it() -> None:
    async with linked() as (engine, cable), contextlib.AsyncExitStack() as stack:
        asked = await stack.enter_async_context(dial(HOUSE))
        talking, agent = await _talk(stack)
        await asked.hears(prompt("house-menu"))
        await cable.cut()
        down = await engine.said("asterisk not linked", count=2)
        assert down["reason"].endswith("cannot be reached: nothing listens there")
        meanwhile = await stack.enter_async_context(dial(HOUSE))
        await people.talk(talking, agent)
        await until(lambda: len(meanwhile.heard()) > 2 * RATE, 5)
        assert asked.is_up
        await cable.mend()
        asked.forget()
        await engine.said("asterisk linked", count=2)
        await asked.hears(prompt("house-menu"))
        await people.talk(talking, agent)
        await agent.hang_up()
        await asyncio.gather(
            _chooses(asked, "5", "house-farewell"),
            _chooses(talking, "", "house-talked", "house-farewell"),
            _comes_later(),
            meanwhile.hears(people.apology()),
        )
        await meanwhile.hang_up()
        await people.nothing_left()
        found = await records.shipped(engine.data, 3)
        assert not records.disagreements(engine.data, found)
        outcomes = sorted(str(call.outcome) for call in found.calls.values())
        assert outcomes == ["completed", "completed", "transferred"]
        assert len(engine.lines("asterisk not linked")) == 2, "each reason is said once"
        assert not engine.told_people()
