"""One randomised world: callers who do anything at any time, and everything going wrong; by its seed the same again.

``python -m tests.engine.whatever 17`` lives through the world of seed 17 and says what broke, if anything did.
"""

import asyncio
import sys
import tempfile
import traceback
from pathlib import Path
from random import Random
from typing import Final

from ivrengine.core import events, switching
from ivrengine.core.asking import Inquiry, Reply, UnansweredError
from ivrengine.core.events import Failure, Unanswered
from ivrengine.engine.limits import Limits
from ivrengine.sim import clock, script
from ivrengine.sim.caller import Caller
from ivrengine.sim.faults import NONE, Faults
from ivrengine.sim.phones import Answers, Busy, Declines, Phone, Rings, Silent
from ivrengine.sim.switch import SimSwitch
from tests.engine.a_house import DID, House, a_house
from tests.engine.books import check_the_books, check_the_switch
from tests.engine.elsewhere import Elsewhere
from tests.engine.law import Law
from tests.engine.test_engine import MENU

CALLERS: Final = 10
FAULTY_S: Final = 90.0
"""So long things go wrong; then the switch works, and everything has to come to its end."""
ENDS_WITHIN_S: Final = 600.0
"""A prompt whose end was lost (300 s), what follows it, and the questions to a switch that does not answer."""
SILENT_AT_MOST_S: Final = 60.0
"""The hand-over to the fallback is asked for again for a minute; nothing else keeps a caller in silence for longer."""
SILENT_AFTER_LOSS_S: Final = 330.0
"""A prompt whose end was lost for no reason is given up after 300 s; a request that fails takes some seconds more."""
LOOK_EVERY_S: Final = 3.0
BEGINNINGS: Final = frozenset(
    {
        "answer",
        "play",
        "start_music",
        "dial",
        "create_bridge",
        "add_to_bridge",
        "start_recording",
        "monitor",
    }
)
"""What may fail for any reason; that nobody is on the line is no lie when it is asked to be ended."""
FLOW: Final = {
    **MENU,
    "start": "record",
    "nodes": {
        **MENU["nodes"],
        "record": {
            "type": "record",
            "do": "start",
            "announce": "welcome",
            "next": "ask",
            "error": "ask",
        },
        "menu": {
            **MENU["nodes"]["menu"],
            "choices": {"1": "pause", "2": "message", "3": "message", "0": "reception"},
        },
        "pause": {"type": "record", "do": "pause", "next": "flat"},
        "flat": {**MENU["nodes"]["flat"], "next": "resume"},
        "resume": {"type": "record", "do": "resume", "next": "menu"},
        "message": {
            "type": "voicemail",
            "prompt": "message",
            "limit": "20s",
            "review": {"prompt": "review", "discard": "9"},
            "next": "bye",
            "no_message": "stop",
            "error": "stop",
        },
        "stop": {"type": "record", "do": "stop", "next": "bye"},
        "ask": {
            "type": "http",
            "url": "https://erp.example.com/flats",
            "result": {"flat": "flat"},
            "next": "welcome",
            "not_found": "tell",
            "failed": "welcome",
        },
        "tell": {
            "type": "http",
            "method": "POST",
            "url": "https://erp.example.com/flats",
            "body": {"flat": "flat"},
            "next": "welcome",
            "failed": "welcome",
        },
    },
}
"""The menu of a call that is recorded, after other systems were asked and told, and with a message that may be left."""
LOSABLE: Final = (
    events.PlaybackFinished,
    events.ChannelEnded,
    events.ChannelLeft,
    events.BridgeJoined,
    events.LegAnswered,
    events.RecordingStarted,
    events.RecordingFinished,
    events.RecordingFailed,
    switching.DigitHeard,
)


def faults(chance: Random) -> Faults:
    """Draw what goes wrong: mostly a little of something, sometimes much of everything."""
    share = chance.choice((0.0, 0.05, 0.3))
    lying = chance.random() < 0.5
    failures = tuple(Failure) if lying else (Failure.UNAVAILABLE,)
    return Faults(
        refuse={failure: share * chance.random() for failure in failures},
        refuse_only=BEGINNINGS if lying else None,
        slow=chance.choice((0.0, 0.3)),
        slow_s=2.5,
        lose=chance.choice((0.0, 0.0, 0.1)),
        lose_only=LOSABLE,
        late=chance.choice((0.0, 0.2)),
        double_digits=chance.choice((0.0, 0.2)),
    )


def phone(chance: Random) -> Phone:
    """Draw somebody at the reception."""
    behaviours = (
        Answers(after_s=1, talks_s=5),
        Answers(after_s=1, talks_s=60),
        Busy(),
        Declines(),
        Rings(),
        Silent(),
    )
    return Phone("PJSIP/reception", lambda: chance.choice(behaviours), lines=3)


def intentions(chance: Random) -> script.Script:
    """Draw what a caller does; patience ends with the call's being talked on, so some have none."""
    keys = "".join(chance.choices("0123456789*#", k=chance.randrange(6)))
    steps: list[script.Step] = [script.wait(chance.uniform(0, 12))]
    if keys:
        steps.append(script.press(keys, gap_s=chance.choice((0.05, 0.3, 2.0))))
    if chance.random() < 0.6:
        steps += [script.hear("menu"), script.press("0")]
    elif chance.random() < 0.7:
        steps += [script.hear("menu"), script.press("2"), script.hear("beep", to_end=True)]
        steps += [script.say(chance.uniform(0, 15)), script.press(chance.choice("#1"))]
        steps += [script.wait(chance.uniform(0, 3)), script.press(chance.choice("12399"))]
    if chance.random() < 0.5:
        steps.append(script.hang_up(after_s=chance.uniform(0, 40)))
    return script.script(*steps, patience_s=chance.choice((None, 3, 20, 90)), fallback_s=5)


async def trouble(house: House, law: Law, chance: Random) -> None:
    """Let things go wrong for a while, links, engines and switches too."""
    for switch in house.switches:
        switch.faults = faults(chance)
    ends_at = asyncio.get_running_loop().time() + FAULTY_S
    for _ in range(chance.choice((0, 2, 5, 9))):
        await asyncio.sleep(chance.uniform(0, 12))
        await blow(house, chance)
    await asyncio.sleep(max(0.0, ends_at - asyncio.get_running_loop().time()))
    for switch in house.switches:
        switch.faults = NONE
    law.well_since_s = asyncio.get_running_loop().time()


async def blow(house: House, chance: Random) -> None:
    """Let one heavy thing happen to a switch or to the engine, and be over."""
    switch = chance.choice(house.switches)
    gap_s = chance.choice((0.0, 0.2, 8.0, 40.0)) * chance.random()
    match chance.choice(("cut", "cut", "half open", "kill", "kill", "restart")):
        case "cut":
            switch.drop_link(requests_too=chance.random() < 0.5)
        case "half open":
            switch.go_deaf()
            await asyncio.sleep(gap_s)
            switch.drop_link(requests_too=True)
        case "kill":
            house.kill()
            await asyncio.sleep(gap_s)
            await house.restart()
            return
        case _:
            switch.restart()
    await asyncio.sleep(gap_s)
    switch.start()


async def visits(house: House, chance: Random) -> list[tuple[Caller, asyncio.Task[float]]]:
    """Let callers come, each watched from the beginning."""
    callers = []
    for _ in range(CALLERS):
        await asyncio.sleep(chance.uniform(0, 5))
        switch = chance.choice(house.switches)
        caller = switch.call(DID, script=intentions(chance))
        watched = longest_silence_s(house, switch, caller)
        callers.append((caller, asyncio.create_task(watched)))
    return callers


async def longest_silence_s(house: House, switch: SimSwitch, caller: Caller) -> float:
    """Return the longest time in which nothing reached the caller's ear, until the end or a person of the fallback.

    Only time counts in which there was an engine that heard the switch, and could ask it.
    """
    longest_s = silent_s = 0.0
    while caller.cause is None and not caller.fallback:
        is_served = house.alive and switch.in_touch
        is_silent = is_served and not caller.ear.hears_sound()
        silent_s = silent_s + LOOK_EVERY_S if is_silent else 0.0
        longest_s = max(longest_s, silent_s)
        await asyncio.sleep(LOOK_EVERY_S)
    return longest_s


def other_systems(chance: Random) -> Elsewhere:
    """Draw how other systems answer: in time, too late, not at all, or nothing of use."""

    async def answers(inquiry: Inquiry) -> Reply:
        await asyncio.sleep(chance.choice((0.0, 0.5, 3.0, 60.0)))
        match chance.choice(("well", "well", "badly", "unknown", "broken")):
            case "well":
                return Reply(status=200, content={"flat": "7"})
            case "badly":
                return Reply(status=200, content=["flat", inquiry.url])
            case "broken":
                raise ZeroDivisionError
            case _:
                raise UnansweredError(Unanswered.STATUS, 404)

    return Elsewhere(answers)


def limits(chance: Random) -> Limits:
    return Limits(
        mailbox_max=chance.choice((8, 256)),
        calls_max=chance.choice((3, 2_000)),
        node_lost_s=chance.choice((15.0, 300.0)),
    )


async def world(seed: int, folder: Path) -> None:
    """Live through the world of a seed; raises ``AssertionError`` where the law is broken."""
    chance = Random(seed)  # noqa: S311 - a seed is to be repeatable
    law = Law()
    bounds, phones = limits(chance), (phone(chance),)
    nodes = ("sim",) if chance.random() < 0.7 else ("sim", "other")
    there = other_systems(chance)
    async with a_house(
        folder,
        FLOW,
        phones=phones,
        limits=bounds,
        seed=seed,
        nodes=nodes,
        tap=law,
        fetching=there,
    ) as house:
        law.begin(house)
        troubled = asyncio.create_task(trouble(house, law, chance))
        callers = await visits(house, chance)
        await troubled
        await asyncio.sleep(ENDS_WITHIN_S)
        assert not law.broken, law.broken[0]
        lossy = any(switch.counts["lost"] for switch in house.switches)
        most_s = SILENT_AFTER_LOSS_S if lossy else SILENT_AT_MOST_S
        for caller, silence in callers:
            assert caller.cause is not None, "a caller waits for ever"
            assert await silence <= most_s, "a caller was left in silence"
        assert not house.engine.calls()
        check_the_books(house)
        check_the_switch(house)
        assert not there.waiting, "somebody still waits for an answer"


def main(seeds: list[str]) -> int:
    """Live through the worlds of these seeds; return 1 if the law was broken in one."""
    broken = 0
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            try:
                clock.run_virtual(world(int(seed), Path(folder) / "j"))
            except AssertionError:
                broken = 1
                traceback.print_exc()
                sys.stderr.write(f"seed {seed}: broken\n")
            else:
                sys.stderr.write(f"seed {seed}: held\n")
    return broken


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
