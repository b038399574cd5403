"""Whatever callers do and the switch gets wrong: every call ends once, in bounded time, and leaves nothing behind.

Each seed is one house with its own callers and faults. To repeat one, name it: ``pytest
"tests/engine/test_whatever_happens.py::test_every_call_ends_once_and_leaves_nothing_behind[17]"``.
"""

import asyncio
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Final

import pytest

from ivrengine.core import events, switching
from ivrengine.core.events import Failure
from ivrengine.core.rows import EventRow
from ivrengine.engine.journal_reading import recover
from ivrengine.engine.limits import Limits
from ivrengine.sim import script
from ivrengine.sim.caller import Caller
from ivrengine.sim.faults import NONE, Faults
from ivrengine.sim.phones import Answers, Busy, Declines, Phone, Rings, Silent
from tests.engine.a_house import DID, House, a_house
from tests.engine.test_engine import MENU

SEEDS: Final = 200
CALLERS: Final = 8
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
    {"answer", "play", "start_music", "dial", "create_bridge", "add_to_bridge"}
)
"""What may fail for any reason; that nobody is on the line is no lie when it is asked to be ended."""
LOSABLE: Final = (
    events.PlaybackFinished,
    events.ChannelEnded,
    events.ChannelLeft,
    events.BridgeJoined,
    events.LegAnswered,
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
    if chance.random() < 0.3:
        steps += [script.hear("menu"), script.press("0")]
    if chance.random() < 0.5:
        steps.append(script.hang_up(after_s=chance.uniform(0, 40)))
    return script.script(*steps, patience_s=chance.choice((None, 3, 20, 90)), fallback_s=5)


async def trouble(house: House, chance: Random) -> None:
    """Let things go wrong for a while, the link too."""
    house.switch.faults = faults(chance)
    ends_at = asyncio.get_running_loop().time() + FAULTY_S
    for _ in range(chance.choice((0, 0, 1, 3))):
        await asyncio.sleep(chance.uniform(0, 20))
        house.switch.drop_link(requests_too=chance.random() < 0.5)
        await asyncio.sleep(chance.uniform(0.1, 8))
        house.switch.start()
    await asyncio.sleep(ends_at - asyncio.get_running_loop().time())
    house.switch.faults = NONE


async def visits(house: House, chance: Random) -> list[tuple[Caller, asyncio.Task[float]]]:
    """Let callers come, each watched from the beginning."""
    callers = []
    for _ in range(CALLERS):
        await asyncio.sleep(chance.uniform(0, 5))
        caller = house.switch.call(DID, script=intentions(chance))
        callers.append((caller, asyncio.create_task(longest_silence_s(caller))))
    return callers


async def longest_silence_s(caller: Caller) -> float:
    """Return the longest time in which nothing reached the caller's ear, until the end or a person of the fallback."""
    longest_s = silent_s = 0.0
    while caller.cause is None and not caller.fallback:
        silent_s = 0.0 if caller.ear.hears_sound() else silent_s + LOOK_EVERY_S
        longest_s = max(longest_s, silent_s)
        await asyncio.sleep(LOOK_EVERY_S)
    return longest_s


def streams(rows: list[EventRow]) -> Iterator[tuple[str, list[EventRow]]]:
    by_call = sorted(rows, key=lambda row: row.stream_id)
    for name, of_call in itertools.groupby(by_call, key=lambda row: row.stream_id):
        yield name, list(of_call)


def kinds_of_effects(row: EventRow) -> list[str]:
    return [kind for kind, _ in json.loads(row.payload)["effects"]]


def check_the_books(house: House, folder: Path) -> None:
    """See that every call has one gap-free stream, which ends with its only ``EndCall``."""
    for name, stream in streams(house.rows()):
        assert [row.seq for row in stream] == list(range(1, len(stream) + 1)), name
        ends = [row for row in stream if "EndCall" in kinds_of_effects(row)]
        assert ends == stream[-1:], f"{name} ends once, and nothing is done after it"
        assert kinds_of_effects(stream[-1])[-1] == "EndCall", name
    assert not recover(folder).open_calls


def check_the_switch(house: House) -> None:
    """See that no bridge and no leg is left."""
    exchange = house.switch.exchange
    assert not exchange.bridges
    assert not [channel_id for channel_id in exchange.channels if ":ivr-" in channel_id]
    assert not exchange.playbacks


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_every_call_ends_once_and_leaves_nothing_behind(seed: int, tmp_path: Path) -> None:
    chance = Random(seed)  # noqa: S311 - a seed is to be repeatable
    folder = tmp_path / "j"
    limits = Limits(mailbox_max=chance.choice((8, 256)), calls_max=chance.choice((3, 2_000)))
    async with a_house(folder, MENU, phones=(phone(chance),), limits=limits, seed=seed) as house:
        troubled = asyncio.create_task(trouble(house, chance))
        callers = await visits(house, chance)
        await troubled
        await asyncio.sleep(ENDS_WITHIN_S)
        most_s = SILENT_AFTER_LOSS_S if house.switch.counts["lost"] else SILENT_AT_MOST_S
        for caller, silence in callers:
            assert caller.cause is not None, f"seed {seed}: a caller waits for ever"
            assert await silence <= most_s, f"seed {seed}"
        assert not house.engine.calls()
        check_the_books(house, folder)
        check_the_switch(house)
