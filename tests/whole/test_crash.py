"""``kill -9`` of the engine under calls at every kind of place of a flow, and the engine started again on the same data."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator
from typing import Final

import pytest

from tests.sip.call import Call
from tests.sip.phone import Answers, Rings
from tests.whole import people, records
from tests.whole.engine import Engine, running, until
from tests.whole.people import HOUSE, dial, phone

pytestmark = [pytest.mark.asterisk, pytest.mark.postgres]

PLACES: Final = ("", "1", "2", "2739", "0")
"""The keys that lead to places where callers wait, four at each; one more rings a phone, and one talks."""
EACH: Final = 4


@pytest.fixture
def mortal() -> Iterator[Engine]:
    with running() as engine:
        yield engine


async def _at(stack: contextlib.AsyncExitStack, keys: str) -> Call:
    call = await stack.enter_async_context(dial(HOUSE, keys="info"))
    await call.answered()
    await call.press(keys, held_s=0.08, gap_s=0.02)
    return call


async def test_after_a_kill_living_callers_reach_a_person_and_no_call_is_left_open(
    mortal: Engine,
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        talker = await stack.enter_async_context(phone("agent-101", Answers(after_s=0)))
        ringer = await stack.enter_async_context(phone("agent-102", Rings()))
        talking, ringing = await asyncio.gather(_at(stack, "3"), _at(stack, "4"))
        agent = await talker.rung()
        await agent.answered()
        await ringer.rung()
        waiting = await asyncio.gather(*(_at(stack, keys) for keys in PLACES for _ in range(EACH)))
        await _at_their_places(mortal)
        await mortal.said("shipping")
        mortal.kill()
        dead = waiting[::EACH]
        await asyncio.gather(*(call.hang_up() for call in dead))
        living = [call for call in waiting if call not in dead]
        await people.talk(talking, agent)
        mortal.start()
        await mortal.ready()
        for call in (*living, ringing, talking):
            await call.hears(people.apology(), within_s=12)
        newcomer = await _at(stack, "5")
        await newcomer.hung_up()
    found = await records.shipped(mortal.data, len(living) + len(dead) + 3)
    assert not records.disagreements(mortal.data, found)
    outcomes = Counter(call.outcome for call in found.calls.values())
    assert outcomes == {"fallback": len(living) + 2, "lost": len(dead), "completed": 1}
    for kind in ("Answer", "Dial"):
        done = Counter(step.call_id for step in found.events for _ in step.did(kind))
        assert set(done.values()) == {1}, f"{kind} was asked for twice"
    await people.nothing_left()


async def _at_their_places(engine: Engine) -> None:
    """Wait until the journal has everyone where they mean to be."""
    wanted = {
        "menu": EACH,
        "speech": EACH,
        "number": 2 * EACH,
        "long-farewell": EACH,
        "reception": 1,
        "technician": 1,
    }

    def stand() -> Counter[str]:
        entered = {
            step.call_id: effect["node"]
            for step in records.journaled(engine.data)
            for effect in step.did("EnterNode")
        }
        return Counter(entered.values())

    await until(lambda: stand() == wanted, 10, stand)
