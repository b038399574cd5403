"""What is done to an engine under a crowd of real calls, and what must come of it; at any size.

Each is run small in every run of the suite (``tests/whole/test_faults.py``) and at full size by ``make trials``
(``tests/trials/test_full_size.py``). ``tell`` takes what was seen, as a sentence.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.faults.cable import Cable
from tests.faults.crowd import (
    OUTCOMES,
    PROMPTED,
    WAITING,
    Crowd,
    books,
    stands,
)
from tests.live.access import Access, access, chroot
from tests.whole import people, records
from tests.whole.engine import Engine, until

Tell = Callable[[str], None]
NOTICED_WITHIN_S: Final = 20.0
FALLBACK_WITHIN_S: Final = 20.0
BACK_WITHIN_S: Final = 15.0
"""Every call must have been taken up by then; what it took is told."""


async def engine_killed(engine: Engine, each: int, folder: Path, tell: Tell) -> None:
    """Kill the engine under callers at every place, some just come, and start it again on the same data."""
    async with Crowd.calling(engine, each=each, folder=folder) as crowd:
        await crowd.stands()
        await _some_have_just_come(crowd)
        stood = stands(engine.data)
        engine.kill()
        crowd.leave()
        await crowd.groups["leaving"].over()
        crowd.forget()
        engine.start()
        await engine.ready()
        resumed_s = await _taken_up(crowd, stood)
        await crowd.goes_on(again=True)
        size, rung = crowd.size, crowd.rung
    found = await books(engine, size, rung)
    _check_outcomes(found, stood, lost=each)
    tell(
        f"{size} calls, {each} of them gone meanwhile; all others went on {resumed_s:.1f} s after the start"
    )


async def _some_have_just_come(crowd: Crowd) -> None:
    """Let some hear the first words of the menu, and others wait to be answered by an engine that is stopped."""
    at_menu = crowd.places()["menu"]
    await crowd.call(PROMPTED, ears=False)
    await until(lambda: crowd.places()["menu"] == at_menu + crowd.each, 10, crowd.places)
    os.kill(crowd.engine.pid, signal.SIGSTOP)
    await crowd.call(WAITING, ears=False)
    await until(lambda: _waiting(crowd.each), 10)


async def _waiting(count: int) -> bool:
    """Tell whether so many callers wait in our application to be answered."""
    waiting = [
        channel
        for channel in await people.listed("channels")
        if channel["state"] == "Ring" and channel["dialplan"]["app_name"] == "Stasis"
    ]
    return len(waiting) == count


async def _taken_up(crowd: Crowd, stood: dict[str, str]) -> float:
    """Wait until every call was taken up or closed, and who waited is served; return the seconds from the start."""
    data = crowd.engine.data

    def done() -> bool:
        kinds = _since(data, crowd.engine.began_at)
        newcomers = sum(call_id not in stood for call_id in stands(data))
        return set(kinds) >= set(stood) and newcomers == crowd.each

    await until(done, BACK_WITHIN_S, lambda: Counter(_since(data, crowd.engine.began_at).values()))
    took = _since(data, crowd.engine.began_at)
    wanted = {"Resumed": len(stood) - crowd.each, "EndedUnheard": crowd.each}
    assert Counter(took[call_id] for call_id in stood) == wanted
    last_at = max(_at(step) for step in records.journaled(data) if step.kind in wanted)
    return last_at - crowd.engine.began_at


def _since(data: Path, began_at: float) -> dict[str, str]:
    """Return the first event of each call after an instant."""
    first: dict[str, str] = {}
    for step in records.journaled(data):
        if _at(step) >= began_at:
            first.setdefault(step.call_id, step.kind)
    return first


def _at(step: records.Event) -> float:
    return datetime.fromisoformat(str(step.fields["at"])).astimezone(UTC).timestamp()


def _check_outcomes(found: records.Stored, stood: dict[str, str], *, lost: int) -> None:
    """See that each call ended as one does from where it stood, but for those who left."""
    wrong = Counter(
        (node, found.calls[call_id].outcome)
        for call_id, node in stood.items()
        if found.calls[call_id].outcome != OUTCOMES[node]
    )
    assert wrong.total() == lost, wrong
    assert {outcome for _, outcome in wrong} <= {"lost"}, wrong


async def engine_hangs(engine: Engine, each: int, folder: Path, for_s: float, tell: Tell) -> None:
    """Stop the engine for a while under callers at every place, and let it go on."""
    async with Crowd.calling(engine, each=each, folder=folder) as crowd:
        await crowd.stands()
        os.kill(engine.pid, signal.SIGSTOP)
        stopped_at = time.monotonic()
        try:
            reached_s = await _reaches_the_fallback()
            crowd.leave()
            await asyncio.sleep(for_s - (time.monotonic() - stopped_at))
        finally:
            os.kill(engine.pid, signal.SIGCONT)
        await crowd.groups["leaving"].over()
        await crowd.goes_on(again=False)
        size, rung = crowd.size, crowd.rung
    found = await _settled(engine, size, rung)
    ended = Counter(call.outcome for call in found.calls.values())
    assert ended["completed"] + ended["transferred"] == size - each, ended
    assert set(ended) <= {*OUTCOMES.values(), "lost", "hung_up"}, ended
    tell(
        f"{size} calls, stopped for {for_s:g} s: all who stayed went on; "
        f"a new caller heard the fallback after {reached_s:.1f} s"
    )


async def _reaches_the_fallback() -> float:
    """Call again and again until the dialplan no longer relies on the engine; return after how many seconds that was."""
    began = time.monotonic()
    async with asyncio.timeout(FALLBACK_WITHIN_S):
        while True:
            async with people.dial(people.HOUSE) as call:
                with contextlib.suppress(TimeoutError):
                    await call.answered(within_s=0.5)
                    took = time.monotonic() - began
                    await call.hears(people.apology(), within_s=8)
                    return took


async def _settled(engine: Engine, calls: int, rung: int) -> records.Stored:
    """Check the books of the crowd's calls and of those who tried whether somebody answers, however many came through."""
    await people.nothing_left()
    await until(lambda: not stands(engine.data), 15, lambda: Counter(stands(engine.data).values()))
    arrived = len(records.arrivals(engine.data))
    assert arrived >= calls
    return await books(engine, arrived, rung)


async def link_lost(
    engine: Engine, cable: Cable, each: int, folder: Path, tell: Tell, *, half_open: bool = False
) -> None:
    """Cut the cable to ARI under callers at every place, or let it pass nothing, and mend it."""
    async with Crowd.calling(engine, each=each, folder=folder) as crowd:
        await crowd.stands()
        stood = stands(engine.data)
        lost_s = await _lose(engine, cable, half_open=half_open)
        reached_s = await _reaches_the_fallback()
        crowd.leave()
        await crowd.groups["leaving"].over()
        crowd.forget()
        mended_at = time.time()
        await cable.mend()
        await until(lambda: set(_since(engine.data, mended_at)) >= set(stood), BACK_WITHIN_S)
        took_s = max(map(_at, records.journaled(engine.data))) - mended_at
        first = _since(engine.data, mended_at)
        resumed = Counter(first[call_id] for call_id in stood)
        assert resumed == {"Resumed": len(stood) - each, "EndedUnheard": each}, resumed
        await crowd.goes_on(again=True)
        size, rung = crowd.size, crowd.rung
    found = await _settled(engine, size, rung)
    _check_outcomes(found, stood, lost=each)
    tell(
        f"{size} calls, {each} of them gone meanwhile: noticed after {lost_s:.1f} s, a new caller heard the fallback "
        f"{reached_s:.1f} s later, all others went on {took_s:.1f} s after the cable was mended"
    )


async def _lose(engine: Engine, cable: Cable, *, half_open: bool) -> float:
    """Take the link away; return after how many seconds the engine noticed."""
    began = time.monotonic()
    if half_open:
        cable.hold()
    else:
        await cable.cut()
    await engine.said("link down", within_s=NOTICED_WITHIN_S)
    return time.monotonic() - began


async def asterisk_killed(engine: Engine, each: int, folder: Path, tell: Tell) -> None:
    """Kill Asterisk under callers at every place, start it again, and let somebody call."""
    async with Crowd.calling(engine, each=each, folder=folder) as crowd:
        await crowd.stands()
        stood = stands(engine.data)
        taking = len(engine.lines("taking calls"))
        killed_at = time.time()
        os.kill(asterisk_pid(), signal.SIGKILL)
        await asyncio.to_thread(chroot, "up")
        await engine.said("taking calls", within_s=NOTICED_WITHIN_S, count=taking + 1)
        await until(lambda: not stands(engine.data), BACK_WITHIN_S)
        closed_at = max(map(_at, records.journaled(engine.data)))
        size, rung = crowd.size, crowd.rung
    async with people.dial(people.HOUSE) as newcomer:
        await newcomer.answered()
        await newcomer.press("5")
        await newcomer.hung_up()
    found = await books(engine, size + 1, rung)
    ended = Counter(call.outcome for call in found.calls.values())
    talked = sum(node == "reception" for node in stood.values())
    assert ended == {"lost": size - talked, "transferred": talked, "completed": 1}
    reasons = Counter(step.fields["reason"] for step in found.events if step.kind == "EndedUnheard")
    assert reasons == {"pbx_restart": len(stood)}
    tell(
        f"{size} calls, each closed once as pbx_restart within {closed_at - killed_at:.1f} s of the kill "
        f"(Asterisk's own start included); a new caller is served"
    )


def asterisk_pid(at: Access | None = None) -> int:
    """Return the process of an Asterisk; of the one under test, if none is named."""
    return int(((at or access()).root / "run/asterisk/asterisk.pid").read_text(encoding="ascii"))
