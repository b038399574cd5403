"""``kill -9`` of the engine under calls at every kind of place of a flow, and the engine started again on the same data."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import pytest

from tests.sip import hearing
from tests.sip.call import Call
from tests.sip.phone import Answers, Rings
from tests.whole import people, records
from tests.whole.engine import Engine, running, until
from tests.whole.people import HOUSE, dial, phone, prompt

pytestmark = [pytest.mark.asterisk, pytest.mark.postgres]

PLACES: Final = ("", "1", "2", "2739", "0")
"""The keys that lead to places where callers wait, four at each; one more rings a phone, and one talks."""
NEXT: Final = {
    "": ("house-menu", "5"),
    "1": ("house-speech",),
    "2": ("house-number", "27#", "5"),
    "2739": ("house-number", "27#", "5"),
    "0": ("house-speech",),
}
"""What is heard again at each of these places, and the keys that lead from there to the end."""
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


async def test_after_a_kill_every_living_caller_goes_on_and_no_call_is_left_open(
    mortal: Engine,
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        talker = await stack.enter_async_context(phone("agent-101", Answers(after_s=0)))
        ringer = await stack.enter_async_context(phone("agent-102", Rings()))
        talking, ringing = await asyncio.gather(_at(stack, "3"), _at(stack, "4"))
        agent = await talker.rung()
        await agent.answered()
        rung = await ringer.rung()
        waiting = {
            keys: await asyncio.gather(*(_at(stack, keys) for _ in range(EACH))) for keys in PLACES
        }
        await _at_their_places(mortal)
        await mortal.said("shipping")
        talking.hum(440)
        await agent.hears_tone(440)
        agent.forget()
        mortal.kill()
        dead = [calls.pop() for calls in waiting.values()]
        await asyncio.gather(*(call.hang_up() for call in dead))
        living = [(keys, call) for keys, calls in waiting.items() for call in calls]
        for _, call in living:
            call.forget()
        mortal.start()
        await mortal.ready()
        placed = [(keys, call) for keys, calls in waiting.items() for call in calls]
        for (
            keys,
            call,
        ) in placed:  # one after the other: to listen is work, and packets must not wait
            await call.hears(prompt(NEXT[keys][0]), within_s=25)
        await asyncio.gather(*(_goes_on(call, *NEXT[keys][1:]) for keys, call in placed))
        assert hearing.longest_silence_s(agent.heard()) == 0
        ringer.pick_up(rung)
        await rung.answered()
        await people.talk(ringing, rung)
        await asyncio.gather(talking.hang_up(), ringing.hang_up())
        newcomer = await _at(stack, "5")
        await newcomer.hung_up()
    found = await records.shipped(mortal.data, len(living) + len(dead) + 3)
    assert not records.disagreements(mortal.data, found)
    outcomes = Counter(call.outcome for call in found.calls.values())
    assert outcomes == {"completed": len(living) + 1, "lost": len(dead), "transferred": 2}
    for kind in ("Answer", "Dial"):
        done = Counter(step.call_id for step in found.events for _ in step.did(kind))
        assert set(done.values()) == {1}, f"{kind} was asked for twice"
    lost = [line["unheard"] for line in mortal.lines("call ended", outcome="lost")]
    assert lost == ["ended_while_disconnected"] * len(dead)
    await people.nothing_left()


async def _all_go_on(placed: Sequence[tuple[str, Call]]) -> None:
    """Let everyone hear the prompt of their place again, and lead them to the end."""
    for keys, call in placed:  # one after the other: to listen is work, and packets must not wait
        await call.hears(prompt(NEXT[keys][0]), within_s=25)
    await asyncio.gather(*(_goes_on(call, *NEXT[keys][1:]) for keys, call in placed))


async def _goes_on(call: Call, *keys: str) -> None:
    """Lead a call to its end."""
    for pressed in keys:
        await call.press(pressed, held_s=0.08, gap_s=0.02)
    if not call.has_ended:
        await call.hung_up(within_s=25)


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
